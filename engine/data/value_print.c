/* value_print: values as PostgreSQL 15 prints them.
 *
 * double precision: the fewest digits that read back as the same number, then PostgreSQL's layout: plain
 * notation where the decimal exponent is in [-4, 15), else "d.ddde+XX" (src/common/d2s.c, to_chars). We find
 * the digits by trying 15, 16 and 17 of them: every normal number has 17, and a shorter form that reads back
 * has at most 15 or shows up stripped of zeros.
 * Subnormal numbers carry fewer digits, so there we begin at one. Behind a power of two the gap is twice the one
 * before it, so there the farther of two forms may do where the nearer does not.
 *
 * timestamp: microseconds are split by floor division, so that times before 1970 come out right. */
#include "engine/data/type.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/data/cursor.h"
#include "engine/data/decimal.h"
#include "engine/data/interval.h"

#define DAY_US             INT64_C(86400000000)
#define FLOAT_DIGITS_MAX   17
#define FLOAT_DIGITS_PLAIN 15
#define FLOAT_PLAIN_END    1e15

/* PostgreSQL takes no form that lies halfway between two doubles, though it may read back: only whole numbers from 2^54
 * on have one, and those above 2^120 too rarely to care. `spelled`: by %e. */
static bool is_halfway(const char *spelled, double magnitude)
{
    unsigned __int128 whole = 0;
    if (magnitude < 0x1p54 || magnitude >= 0x1p120)
        return false;
    for (int left = atoi(strchr(spelled, 'e') + 1); left >= 0; left--) {
        spelled += *spelled == '.';
        whole = whole * 10 + (*spelled == 'e' ? 0 : (unsigned)(*spelled++ - '0'));
    }
    unsigned __int128 number = (unsigned __int128)magnitude;
    if (whole > number)
        return (whole - number) * 2 == (unsigned __int128)nextafter(magnitude, INFINITY) - number;
    return (number - whole) * 2 == number - (unsigned __int128)nextafter(magnitude, 0);
}

static bool reads_back(const char *spelled, double magnitude)
{
    return strtod(spelled, NULL) == magnitude && !is_halfway(spelled, magnitude);
}

/* %g is PostgreSQL's layout for up to 15 digits. It would be plain for longer numbers from 10^15 on, where %e is right: the last of
 * that many digits is not zero. */
static bool print_float64(double number, struct od_buffer *buffer)
{
    char spelled[40];
    double magnitude = fabs(number);
    int exponent;
    if (isnan(number))
        return od_buffer_append_text(buffer, "NaN");
    if (signbit(number))
        od_buffer_append(buffer, "-", 1);
    if (isinf(number))
        return od_buffer_append_text(buffer, "Infinity");
    int count = number == 0 || isnormal(number) ? FLOAT_DIGITS_PLAIN : 1;
    for (;; count++) {
        snprintf(spelled, sizeof(spelled), "%.*e", count - 1, magnitude);
        if (count == FLOAT_DIGITS_MAX || reads_back(spelled, magnitude))
            break;
        if (count + 1 < FLOAT_DIGITS_MAX || frexp(magnitude, &exponent) != 0.5)
            continue;
        spelled[count]++; /* the last digit; no power of two has a 9 there that matters */
        if (reads_back(spelled, magnitude))
            return od_buffer_append_text(buffer, spelled);
    }
    if (count <= FLOAT_DIGITS_PLAIN || magnitude < FLOAT_PLAIN_END)
        snprintf(spelled, sizeof(spelled), "%.*g", count, magnitude);
    return od_buffer_append_text(buffer, spelled);
}

/* "YYYY-MM-DD"; returns whether the year is before Christ, which is said behind the time. Year 0 is 1 BC. */
static bool print_day(int64_t days, struct od_buffer *buffer)
{
    int64_t year;
    uint32_t month;
    uint32_t day;
    od_date_to_civil(days, &year, &month, &day);
    bool is_bc = year <= 0;
    od_buffer_print(buffer, "%04" PRId64 "-%02u-%02u", is_bc ? 1 - year : year, month, day);
    return is_bc;
}

bool od_print_fraction(uint32_t microseconds, struct od_buffer *buffer)
{
    char fraction[16];
    int length = snprintf(fraction, sizeof(fraction), ".%06" PRIu32, microseconds);
    while (fraction[length - 1] == '0')
        length--;
    return od_buffer_append(buffer, fraction, microseconds == 0 ? 0 : (size_t)length);
}

static bool print_timestamp(int64_t timestamp_us, struct od_buffer *buffer)
{
    int64_t days = timestamp_us / DAY_US;
    int64_t rest_us = timestamp_us % DAY_US;
    if (rest_us < 0) {
        rest_us += DAY_US;
        days--;
    }
    bool is_bc = print_day(days, buffer);
    int64_t seconds = rest_us / 1000000;
    od_buffer_print(buffer, " %02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                    (int)(seconds % 60));
    od_print_fraction((uint32_t)(rest_us % 1000000), buffer);
    return od_buffer_append_text(buffer, is_bc ? " BC" : "");
}

bool od_value_print(const struct od_value *value, struct od_buffer *buffer)
{
    if (value->is_null)
        return !buffer->failed;
    switch (value->type) {
    case OD_TYPE_BOOLEAN:
        return od_buffer_append(buffer, value->boolean ? "t" : "f", 1);
    case OD_TYPE_INT32:
    case OD_TYPE_INT64:
        return od_buffer_print(buffer, "%" PRId64, value->int64);
    case OD_TYPE_FLOAT64:
        return print_float64(value->float64, buffer);
    case OD_TYPE_DECIMAL:
        return od_decimal_print(&value->decimal, buffer);
    case OD_TYPE_TEXT:
        return od_buffer_append(buffer, value->text.bytes, value->text.size);
    case OD_TYPE_DATE:
        return od_buffer_append_text(buffer, print_day(value->int64, buffer) ? " BC" : "");
    case OD_TYPE_TIMESTAMP:
        return print_timestamp(value->int64, buffer);
    case OD_TYPE_INTERVAL:
        return od_interval_print(&value->interval, buffer);
    case OD_TYPE_COUNT:
        break;
    }
    od_unreachable();
}
