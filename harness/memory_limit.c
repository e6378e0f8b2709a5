/* memory_limit: see memory_limit.h. */
#include "harness/memory_limit.h"

#include <string.h>

#define THOUSANDTHS 1000u
#define NUMBER_MAX  (UINT64_C(1) << 50)

/* Digits, at least one, and up to three behind a point; *end_out behind them. In thousandths. */
static bool read_number(const char *text, uint64_t *thousandths_out, const char **end_out)
{
    uint64_t number = 0;
    uint64_t scale = THOUSANDTHS;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && number < NUMBER_MAX / 10; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    bool has_digits = at > text;
    if (has_digits && *at == '.') {
        for (at++; *at >= '0' && *at <= '9' && scale > 1; at++, scale /= 10)
            number = number * 10 + (uint64_t)(*at - '0');
    }
    *thousandths_out = number < UINT64_MAX / scale ? number * scale : 0;
    *end_out = at;
    return has_digits && *thousandths_out > 0;
}

enum od_status od_memory_limit_parse(const char *text, struct od_memory_limit *limit_out, struct od_error *error)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } units[] = {{"", 1}, {"k", UINT64_C(1) << 10}, {"K", UINT64_C(1) << 10}, {"M", UINT64_C(1) << 20},
                 {"G", UINT64_C(1) << 30}};
    uint64_t thousandths;
    const char *end;
    *limit_out = (struct od_memory_limit){0};
    if (read_number(text, &thousandths, &end)) {
        if (strcmp(end, "x") == 0) {
            limit_out->thousandths = thousandths;
            return OD_OK;
        }
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
            if (strcmp(end, units[i].text) == 0 && thousandths < UINT64_MAX / units[i].bytes)
                limit_out->bytes = thousandths * units[i].bytes / THOUSANDTHS;
        }
        if (limit_out->bytes > 0)
            return OD_OK;
    }
    return od_fail(error, OD_BAD_INPUT,
                   "--memory %.60s: expected bytes (64000000, 64M) or a share of the measured peak (0.1x)", text);
}

uint64_t od_memory_limit_bytes(const struct od_memory_limit *limit, uint64_t peak_bytes)
{
    if (limit->thousandths == 0)
        return limit->bytes;
    uint64_t whole = peak_bytes / THOUSANDTHS * limit->thousandths;
    uint64_t bytes = whole + peak_bytes % THOUSANDTHS * limit->thousandths / THOUSANDTHS;
    return bytes == 0 ? 1 : bytes;
}
