/* model_cast: casts. Texts are written and read here on their own, as
 * PostgreSQL 15 does. */
#include "properties/model_parts.h"

#include "engine/core/assert.h"
#include "properties/model_decimal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DAY_US INT64_C(86400000000)

/* --- to text -------------------------------------------------------------------------------------------- */

/* The shortest digits that read back, then PostgreSQL's layout: plain from 1e-4 to below 1e15. */
static void write_float(double number, char *text, size_t size)
{
    char digits[40], plain[24];
    if (isnan(number) || isinf(number)) {
        snprintf(text, size, "%s", isnan(number) ? "NaN" : (number > 0 ? "Infinity" : "-Infinity"));
        return;
    }
    int precision = 0;
    do
        snprintf(digits, sizeof(digits), "%.*e", precision, number);
    while (strtod(digits, NULL) != number && ++precision < 17);
    int exponent = atoi(strchr(digits, 'e') + 1);
    if (number == 0 || (exponent >= -4 && exponent < 15)) {
        int decimals = precision - exponent;
        snprintf(plain, sizeof(plain), "%.*f", decimals > 0 ? decimals : 0, number);
        snprintf(text, size, "%s", plain);
    } else {
        snprintf(text, size, "%s", digits);
    }
}

/* Years before 1 are counted backwards, and "BC" comes last of all. */
static void write_day(int64_t days, char *text, size_t size, const char **era_out)
{
    struct od_civil civil = od_model_civil(days);
    *era_out = civil.year > 0 ? "" : " BC";
    snprintf(text, size, "%04" PRId64 "-%02d-%02d", civil.year > 0 ? civil.year : 1 - civil.year, civil.month,
             civil.day);
}

static void write_date(int64_t days, char *text, size_t size)
{
    const char *era;
    write_day(days, text, size, &era);
    strncat(text, era, size - strlen(text) - 1);
}

static void write_timestamp(int64_t microseconds, char *text, size_t size)
{
    int64_t days = microseconds / DAY_US - (microseconds % DAY_US < 0);
    int64_t rest = microseconds - days * DAY_US;
    int64_t seconds = rest / 1000000;
    const char *era;
    write_day(days, text, size, &era);
    int length = (int)strlen(text);
    length += snprintf(text + length, size - (size_t)length, " %02d:%02d:%02d", (int)(seconds / 3600),
                       (int)(seconds / 60 % 60), (int)(seconds % 60));
    if (rest % 1000000 != 0) {
        length += snprintf(text + length, size - (size_t)length, ".%06d", (int)(rest % 1000000));
        while (text[length - 1] == '0')
            text[--length] = '\0';
    }
    snprintf(text + length, size - (size_t)length, "%s", era);
}

static enum od_status to_text(const struct od_model *model, const struct od_value *value,
                              struct od_value *value_out)
{
    char text[80] = "";
    if (value->type == OD_TYPE_BOOLEAN)
        snprintf(text, sizeof(text), "%s", value->boolean ? "true" : "false");
    else if (value->type == OD_TYPE_INT64 || value->type == OD_TYPE_INT32)
        snprintf(text, sizeof(text), "%" PRId64, value->int64);
    else if (value->type == OD_TYPE_DECIMAL)
        od_model_decimal_write(&value->decimal, text);
    else if (value->type == OD_TYPE_FLOAT64)
        write_float(value->float64, text, sizeof(text));
    else if (value->type == OD_TYPE_DATE)
        write_date(value->int64, text, sizeof(text));
    else
        write_timestamp(value->int64, text, sizeof(text));
    value_out->text.size = (uint32_t)strlen(text);
    value_out->text.bytes = od_arena_copy_text(model->arena, text, strlen(text));
    return value_out->text.bytes == NULL ? od_model_no_memory(model) : OD_OK;
}

/* --- from text ------------------------------------------------------------------------------------------ */

static enum od_status bad_text(const struct od_model *model, const char *text, enum od_type type)
{
    return od_fail(model->error, OD_EVALUATION, "invalid input syntax for type %s: \"%s\"",
                   od_type_text(type), text);
}

static bool read_boolean(const char *text, size_t size, bool *boolean_out)
{
    static const struct {
        const char *word;
        size_t least;
        bool boolean;
    } words[] = {{"true", 1, true},   {"yes", 1, true}, {"on", 2, true},   {"1", 1, true},
                 {"false", 1, false}, {"no", 1, false}, {"off", 2, false}, {"0", 1, false}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (size >= words[i].least && size <= strlen(words[i].word) &&
            strncasecmp(text, words[i].word, size) == 0) {
            *boolean_out = words[i].boolean;
            return true;
        }
    return false;
}

static bool read_integer(const char *text, int64_t *number_out)
{
    __int128 number = 0;
    const char *at = text + (*text == '-' || *text == '+');
    if (*at == '\0')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (*at - '0');
        if (number > (__int128)INT64_MAX + 1)
            return false;
    }
    if (*text == '-')
        number = -number;
    *number_out = (int64_t)number;
    return *at == '\0' && number <= INT64_MAX;
}

static bool read_float(const char *text, double *number_out)
{
    char *end;
    if (*text == '\0' || strpbrk(text, "xXpP(") != NULL)
        return false;
    *number_out = strtod(text, &end);
    bool named = strpbrk(text, "iI") != NULL;
    bool vanished = *number_out == 0 && strcspn(text, "123456789") < strcspn(text, "eE");
    return *end == '\0' && !vanished && (named || !isinf(*number_out));
}

/* A number of digits_min to digits_max digits at *at, which is moved behind it. */
static bool take_number(const char **at, int digits_min, int digits_max, int64_t *number_out)
{
    int digits = 0;
    for (*number_out = 0; digits < digits_max && **at >= '0' && **at <= '9'; digits++, (*at)++)
        *number_out = *number_out * 10 + (**at - '0');
    return digits >= digits_min;
}

static bool take_letter(const char **at, char letter)
{
    bool found = **at == letter;
    *at += found;
    return found;
}

/* YYYY-MM-DD, which may end in BC. */
static bool take_day(const char **at, const char *text, int64_t *days_out)
{
    struct od_civil civil;
    int64_t month, day;
    size_t size = strlen(text);
    if (!take_number(at, 4, 7, &civil.year) || !take_letter(at, '-') || !take_number(at, 1, 2, &month) ||
        !take_letter(at, '-') || !take_number(at, 1, 2, &day) || civil.year == 0)
        return false;
    if (size > 2 && strcasecmp(text + size - 2, "bc") == 0)
        civil.year = 1 - civil.year;
    if (month < 1 || month > 12 || day < 1 || day > od_model_month_days(civil.year, (int32_t)month))
        return false;
    civil.month = (int32_t)month;
    civil.day = (int32_t)day;
    *days_out = od_model_days(civil);
    return true;
}

static double take_fraction(const char **at)
{
    char *end;
    double fraction = strtod(*at, &end);
    *at = end;
    return fraction;
}

/* HH:MM[:SS[.fraction]], in microseconds, rounded. */
static bool take_clock(const char **at, int64_t *clock_out)
{
    int64_t hour, minute, second = 0;
    double fraction = 0;
    if (!take_number(at, 1, 2, &hour) || !take_letter(at, ':') || !take_number(at, 2, 2, &minute))
        return false;
    if (take_letter(at, ':') && !take_number(at, 2, 2, &second))
        return false;
    if (**at == '.')
        fraction = take_fraction(at);
    *clock_out = ((hour * 60 + minute) * 60 + second) * 1000000 + (int64_t)rint(fraction * 1e6);
    return hour <= 24 && minute <= 59 && second <= 60 && *clock_out <= DAY_US;
}

/* A day, and for a timestamp optionally a time of day behind it; a date drops that. */
static bool read_time(const char *text, enum od_type type, int64_t *number_out)
{
    const char *at = text;
    int64_t clock = 0;
    if (!take_day(&at, text, number_out))
        return false;
    size_t blanks = strspn(at, " ");
    bool has_clock = at[blanks] >= '0' && at[blanks] <= '9' ? blanks > 0 : *at == 'T' || *at == 't';
    at += blanks > 0 ? blanks : has_clock;
    if (has_clock && !take_clock(&at, &clock))
        return false;
    at += strspn(at, " ");
    at += strcasecmp(at, "bc") == 0 ? 2 : 0;
    if (type == OD_TYPE_TIMESTAMP)
        *number_out = *number_out * DAY_US + clock;
    return *at == '\0';
}

static enum od_status from_text(const struct od_model *model, const struct od_value *value,
                                struct od_value *value_out)
{
    char text[64];
    const char *first = value->text.bytes;
    size_t size = value->text.size;
    while (size > 0 && (*first == ' ' || *first == '\t' || *first == '\n'))
        first++, size--;
    while (size > 0 && (first[size - 1] == ' ' || first[size - 1] == '\t' || first[size - 1] == '\n'))
        size--;
    if (size >= sizeof(text))
        return bad_text(model, "too long", value_out->type);
    memcpy(text, first, size);
    text[size] = '\0';
    bool good;
    if (value_out->type == OD_TYPE_BOOLEAN)
        good = read_boolean(text, size, &value_out->boolean);
    else if (value_out->type == OD_TYPE_INT64 || value_out->type == OD_TYPE_INT32)
        good = read_integer(text, &value_out->int64) &&
               (value_out->type == OD_TYPE_INT64 || value_out->int64 == (int32_t)value_out->int64);
    else if (value_out->type == OD_TYPE_DECIMAL)
        good = od_model_decimal_read(text, &value_out->decimal);
    else if (value_out->type == OD_TYPE_FLOAT64)
        good = read_float(text, &value_out->float64);
    else
        good = read_time(text, value_out->type, &value_out->int64);
    return good ? OD_OK : bad_text(model, text, value_out->type);
}

/* --- all casts ------------------------------------------------------------------------------------------ */

/* Doubles round half to even, numerics half away, and it must fit. */
static enum od_status to_integer(const struct od_model *model, const struct od_value *value,
                                 struct od_value *value_out)
{
    bool fits = true;
    value_out->int64 = value->type == OD_TYPE_BOOLEAN ? value->boolean : value->int64;
    if (value->type == OD_TYPE_DECIMAL)
        fits = od_model_decimal_to_integer(&value->decimal, &value_out->int64);
    if (value->type == OD_TYPE_FLOAT64) {
        double number = nearbyint(value->float64);
        fits = number >= -9223372036854775808.0 && number < 9223372036854775808.0;
        value_out->int64 = fits ? (int64_t)number : 0;
    }
    if (value_out->type == OD_TYPE_INT32)
        fits = fits && value_out->int64 == (int32_t)value_out->int64;
    return fits ? OD_OK
                : od_fail(model->error, OD_EVALUATION, "%s out of range", od_type_text(value_out->type));
}

static void to_float(const struct od_value *value, struct od_value *value_out)
{
    char text[OD_MODEL_DECIMAL_TEXT];
    value_out->float64 = (double)value->int64;
    if (value->type != OD_TYPE_DECIMAL)
        return;
    od_model_decimal_write(&value->decimal, text);
    value_out->float64 = strtod(text, NULL);
}

static enum od_status to_decimal(const struct od_model *model, const struct od_value *value,
                                 struct od_value *value_out)
{
    char text[40];
    value_out->decimal = od_model_decimal_of_integer(value->int64);
    if (value->type != OD_TYPE_FLOAT64)
        return OD_OK;
    snprintf(text, sizeof(text), "%.15g", value->float64);
    return od_model_decimal_read(text, &value_out->decimal)
               ? OD_OK
               : od_fail(model->error, OD_EVALUATION, "double precision out of range for numeric");
}

static enum od_status to_timestamp(const struct od_model *model, const struct od_value *value,
                                   struct od_value *value_out)
{
    if (__builtin_mul_overflow(value->int64, DAY_US, &value_out->int64))
        return od_fail(model->error, OD_EVALUATION, "date out of range for timestamp");
    return OD_OK;
}

enum od_status od_model_cast(const struct od_model *model, const struct od_value *value, enum od_type type,
                             struct od_value *value_out)
{
    memset(value_out, 0, sizeof(*value_out));
    value_out->type = type;
    if (value->type == type) {
        *value_out = *value;
        return OD_OK;
    }
    if (type == OD_TYPE_INTERVAL || value->type == OD_TYPE_INTERVAL)
        return od_model_unknown(model, "casts of intervals");
    if (type == OD_TYPE_TEXT)
        return to_text(model, value, value_out);
    if (value->type == OD_TYPE_TEXT)
        return from_text(model, value, value_out);
    switch (type) {
    case OD_TYPE_BOOLEAN:
        value_out->boolean = value->int64 != 0;
        return OD_OK;
    case OD_TYPE_INT32:
    case OD_TYPE_INT64:
        return to_integer(model, value, value_out);
    case OD_TYPE_FLOAT64:
        to_float(value, value_out);
        return OD_OK;
    case OD_TYPE_DECIMAL:
        return to_decimal(model, value, value_out);
    case OD_TYPE_TIMESTAMP:
        return to_timestamp(model, value, value_out);
    case OD_TYPE_DATE:
        value_out->int64 = value->int64 / DAY_US - (value->int64 % DAY_US < 0);
        return OD_OK;
    default:
        od_unreachable();
    }
}
