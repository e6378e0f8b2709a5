/* thousandths: see thousandths.h. */
#include "harness/thousandths.h"

#define NUMBER_MAX (UINT64_C(1) << 50)

bool od_thousandths_read(const char *text, uint64_t *thousandths_out, const char **end_out)
{
    uint64_t number = 0;
    uint64_t scale = OD_SCALE_ONE;
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

enum od_status od_thousandths_parse(const char *what, const char *text, uint64_t first, uint64_t last,
                                    uint64_t *thousandths_out, struct od_error *error)
{
    const char *end;
    if (od_thousandths_read(text, thousandths_out, &end) && *end == '\0' && *thousandths_out >= first &&
        *thousandths_out <= last)
        return OD_OK;
    return od_fail(error, OD_BAD_INPUT, "%s %.60s: expected a number from %g to %g, in thousandths", what,
                   text, (double)first / (double)OD_SCALE_ONE, (double)last / (double)OD_SCALE_ONE);
}

uint64_t od_rows_at_scale(uint64_t rows, uint64_t scale_thousandths)
{
    uint64_t scaled =
        rows / OD_SCALE_ONE * scale_thousandths + rows % OD_SCALE_ONE * scale_thousandths / OD_SCALE_ONE;
    return scaled == 0 && rows > 0 ? 1 : scaled;
}
