/* point: names of fault points, both ways. Schedules and case files address points by these names, so they
 * are stable. */
#include "engine/world/point.h"

#include <string.h>

#include "engine/core/enum_text.h"

OD_ENUM_TEXT(od_point_text, enum od_point, OD_POINT_LIST)

bool od_point_find(const char *text, enum od_point *point_out)
{
    *point_out = 0;
    while (*point_out < OD_POINT_COUNT && strcmp(od_point_text(*point_out), text) != 0)
        ++*point_out;
    return *point_out < OD_POINT_COUNT;
}
