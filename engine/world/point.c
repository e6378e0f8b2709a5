/* point: names of fault points, both ways. Schedules and case files address points by these names, so they
 * are stable. */
#include "engine/world/point.h"

#include <string.h>

static const char *const point_texts[] = {
#define X(name, text, sentence) [OD_POINT_##name] = text,
    OD_POINT_LIST(X)
#undef X
};
_Static_assert(sizeof(point_texts) / sizeof(point_texts[0]) == OD_POINT_COUNT, "every point has a name");

const char *od_point_text(enum od_point point)
{
    return (unsigned)point < OD_POINT_COUNT ? point_texts[point] : "unknown point";
}

bool od_point_find(const char *text, enum od_point *point_out)
{
    for (unsigned i = 0; i < OD_POINT_COUNT; i++) {
        if (strcmp(point_texts[i], text) == 0) {
            *point_out = (enum od_point)i;
            return true;
        }
    }
    *point_out = OD_POINT_COUNT;
    return false;
}
