/* memory_limit: see memory_limit.h. */
#include "harness/memory_limit.h"

#include <string.h>

#include "harness/thousandths.h"

enum od_status od_memory_limit_parse(const char *text, struct od_memory_limit *limit_out,
                                     struct od_error *error)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } units[] = {{"", 1},
                 {"k", UINT64_C(1) << 10},
                 {"K", UINT64_C(1) << 10},
                 {"M", UINT64_C(1) << 20},
                 {"G", UINT64_C(1) << 30}};
    uint64_t thousandths;
    const char *end;
    *limit_out = (struct od_memory_limit){0};
    if (od_thousandths_read(text, &thousandths, &end)) {
        if (strcmp(end, "x") == 0) {
            limit_out->thousandths = thousandths;
            return OD_OK;
        }
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
            if (strcmp(end, units[i].text) == 0 && thousandths < UINT64_MAX / units[i].bytes)
                limit_out->bytes = thousandths * units[i].bytes / OD_SCALE_ONE;
        }
        if (limit_out->bytes > 0)
            return OD_OK;
    }
    return od_fail(error, OD_BAD_INPUT,
                   "--memory %.60s: expected bytes (64000000, 64M) or a share of the measured peak (0.1x)",
                   text);
}

uint64_t od_memory_limit_bytes(const struct od_memory_limit *limit, uint64_t peak_bytes)
{
    if (limit->thousandths == 0)
        return limit->bytes;
    uint64_t whole = peak_bytes / OD_SCALE_ONE * limit->thousandths;
    uint64_t bytes = whole + peak_bytes % OD_SCALE_ONE * limit->thousandths / OD_SCALE_ONE;
    return bytes == 0 ? 1 : bytes;
}
