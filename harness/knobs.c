/* knobs: see knobs.h; the names are the engine's own. */
#include "harness/knobs.h"

#include <string.h>

enum od_status od_knobs_read(const struct od_arguments *arguments, struct od_run_options *options,
                             struct od_error *error)
{
    for (uint32_t i = 0; i < arguments->given_count; i++)
        if (strcmp(arguments->given[i].option->name, "set") == 0)
            OD_TRY(od_run_options_set(options, arguments->given[i].value, error));
    return OD_OK;
}
