/* value_parse: PostgreSQL's input syntax, as far as we read it.
 *
 *   boolean           unique prefixes of true, false, yes, no, on, off; 1, 0; any case
 *   bigint, integer   [+-]digits
 *   double precision  decimal with optional exponent, NaN, Infinity, inf; not hexadecimal
 *   date, timestamp   YYYY-MM-DD [('T' | spaces) HH:MM[:SS[.fraction]] [UTC]] [BC], the year with at least four digits; or
 *                     YYYY/MM/DD; a date leaves the time out. UTC is Z or +00[:00]; PostgreSQL skips any zone, others convert,
 *                     so no other is read
 *
 *   numeric, interval: see decimal.c, interval.c
 *
 * White space around a value is skipped (not for text). */
#include "engine/data/type.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/data/cursor.h"
#include "engine/data/decimal.h"
#include "engine/data/interval.h"

#define DAY_US              INT64_C(86400000000)
#define BOOLEAN_BYTES_MAX   5   /* "false" */
#define FLOAT_TEXT_MAX      511 /* longer spellings of a number are refused */
#define YEAR_DIGITS_MIN     4
#define YEAR_DIGITS_MAX     7
#define FRACTION_DIGITS_MAX 40

/* --- boolean, bigint ----------------------------------------------------------------------------------- */

/* Every prefix that is unique, each between spaces. */
static const char *const boolean_words[] = {" f fa fal fals false n no of off 0 ",
                                            " t tr tru true y ye yes on 1 "};

static bool parse_boolean(struct cursor cursor, bool *boolean_out)
{
    char word[BOOLEAN_BYTES_MAX + 3] = " ";
    size_t size = (size_t)(cursor.end - cursor.at);
    if (size == 0 || size > BOOLEAN_BYTES_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        word[i + 1] = cursor.at[i] > ' ' ? lower(cursor.at[i]) : '?';
    word[size + 1] = ' ';
    *boolean_out = strstr(boolean_words[true], word) != NULL;
    return *boolean_out || strstr(boolean_words[false], word) != NULL;
}

static bool parse_int64(struct cursor cursor, int64_t *number_out)
{
    bool is_negative = take_sign(&cursor);
    if (cursor.at == cursor.end)
        return false;
    int64_t number = 0; /* built on the negative side, which reaches one further */
    for (; cursor.at < cursor.end; cursor.at++) {
        if (!is_digit(*cursor.at) || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_sub_overflow(number, *cursor.at - '0', &number))
            return false;
    }
    if (!is_negative && number == INT64_MIN)
        return false;
    *number_out = is_negative ? number : -number;
    return true;
}

/* --- double precision ----------------------------------------------------------------------------------- */

static bool parse_float64_word(struct cursor cursor, double *number_out)
{
    bool is_negative = take_sign(&cursor);
    if (equals_any_case(cursor, "nan")) { /* of either sign, as PostgreSQL's */
        *number_out = (double)NAN;
        return true;
    }
    if (!equals_any_case(cursor, "infinity") && !equals_any_case(cursor, "inf"))
        return false;
    *number_out = is_negative ? -(double)INFINITY : (double)INFINITY;
    return true;
}

static bool parse_float64(struct cursor cursor, double *number_out)
{
    if (parse_float64_word(cursor, number_out))
        return true;
    size_t given = (size_t)(cursor.end - cursor.at);
    if (given == 0 || given > FLOAT_TEXT_MAX)
        return false;
    char spelled[FLOAT_TEXT_MAX + 1];
    char *end;
    memcpy(spelled, cursor.at, given);
    spelled[given] = '\0';
    *number_out = strtod(spelled, &end);
    bool is_zero = strcspn(spelled, "123456789") >= strcspn(spelled, "eE");
    /* Out of range is an error, as in PostgreSQL: neither infinity nor a zero that was not written as one. */
    return strspn(spelled, "0123456789+-.eE") == given && end == spelled + given && !isinf(*number_out) &&
           (is_zero || *number_out != 0);
}

/* --- date, timestamp ------------------------------------------------------------------------------------ */

/* Cuts a trailing " BC" off. */
static bool take_bc(struct cursor *cursor)
{
    if (cursor->end - cursor->at < 4 || !is_space(cursor->end[-3]))
        return false;
    if (!equals_any_case((struct cursor){cursor->end - 2, cursor->end}, "bc"))
        return false;
    cursor->end -= 3;
    while (cursor->end > cursor->at && is_space(cursor->end[-1]))
        cursor->end--;
    return true;
}

static bool take_day(struct cursor *cursor, bool is_bc, int64_t *days_out)
{
    int64_t year;
    int64_t month;
    int64_t day;
    if (!take_digits(cursor, YEAR_DIGITS_MIN, YEAR_DIGITS_MAX, &year))
        return false;
    char separator = take(cursor, '/') ? '/' : '-';
    if ((separator == '-' && !take(cursor, '-')) || !take_digits(cursor, 1, 2, &month) ||
        !take(cursor, separator) || !take_digits(cursor, 1, 2, &day))
        return false;
    if (year == 0) /* there is no year 0; 1 BC is what astronomers call so */
        return false;
    if (is_bc)
        year = 1 - year;
    if (month < 1 || month > 12 || day < 1 || day > od_month_days(year, (uint32_t)month))
        return false;
    *days_out = od_date_from_civil(year, (uint32_t)month, (uint32_t)day);
    return true;
}

/* PostgreSQL multiplies the fraction as a double and rounds half to even (ParseFractionalSecond in datetime.c), so
 * .1234565 seconds are 123456 microseconds; digits that no double can tell apart are skipped. */
bool od_take_fraction(struct cursor *cursor, double *fraction_out)
{
    char spelled[2 + FRACTION_DIGITS_MAX + 1] = "0.";
    size_t size = 2;
    const char *start = cursor->at;
    for (; cursor->at < cursor->end && is_digit(*cursor->at); cursor->at++) {
        if (size < 2 + FRACTION_DIGITS_MAX)
            spelled[size++] = *cursor->at;
    }
    *fraction_out = strtod(spelled, NULL);
    return cursor->at > start;
}

/* Z, z, +00, -00:00... */
static void skip_utc(struct cursor *cursor)
{
    struct cursor zone = *cursor;
    int64_t hours = 0;
    int64_t minutes = 0;
    skip_spaces(&zone);
    bool is_z = take(&zone, 'Z') || take(&zone, 'z');
    bool is_signed = !is_z && (take(&zone, '+') || take(&zone, '-'));
    if (is_signed &&
        (!take_digits(&zone, 2, 2, &hours) || (take(&zone, ':') && !take_digits(&zone, 2, 2, &minutes))))
        return;
    if ((is_z || is_signed) && hours == 0 && minutes == 0)
        *cursor = zone;
}

/* "HH:MM[:SS[.ffffff]]"; 24:00:00 and second 60 are the next unit's zero, as in PostgreSQL. */
static bool take_time(struct cursor *cursor, int64_t *microseconds_out)
{
    int64_t hour;
    int64_t minute;
    int64_t second = 0;
    double fraction = 0;
    if (!take_digits(cursor, 1, 2, &hour) || !take(cursor, ':') || !take_digits(cursor, 1, 2, &minute))
        return false;
    if (take(cursor, ':') && !take_digits(cursor, 1, 2, &second))
        return false;
    if (take(cursor, '.') && !od_take_fraction(cursor, &fraction))
        return false;
    if (hour > 24 || minute > 59 || second > 60 || (second == 60 && rint(fraction * 1e6) != 0))
        return false;
    *microseconds_out = ((hour * 60 + minute) * 60 + second) * 1000000 + (int64_t)rint(fraction * 1e6);
    return *microseconds_out <= DAY_US;
}

static bool take_day_and_time(struct cursor cursor, int64_t *days_out, int64_t *time_us_out)
{
    bool is_bc = take_bc(&cursor);
    *time_us_out = 0;
    if (!take_day(&cursor, is_bc, days_out))
        return false;
    if (cursor.at < cursor.end) {
        if ((!take(&cursor, 'T') && !skip_spaces(&cursor)) || !take_time(&cursor, time_us_out))
            return false;
        skip_utc(&cursor);
    }
    return cursor.at == cursor.end;
}

static bool parse_date(struct cursor cursor, int64_t *days_out)
{
    int64_t time_us;
    return take_day_and_time(cursor, days_out, &time_us) && *days_out >= INT32_MIN && *days_out <= INT32_MAX;
}

static bool parse_timestamp(struct cursor cursor, int64_t *timestamp_out)
{
    int64_t days;
    int64_t time_us;
    if (!take_day_and_time(cursor, &days, &time_us))
        return false;
    __int128 total_us = (__int128)days * DAY_US + time_us;
    if (total_us < INT64_MIN || total_us > INT64_MAX)
        return false;
    *timestamp_out = (int64_t)total_us;
    return true;
}

bool od_value_parse(enum od_type type, const char *text, uint32_t size, struct od_value *value_out)
{
    if (text == NULL) /* an empty slice may have no address */
        text = "";
    struct cursor cursor = cursor_over(text, size);
    memset(value_out, 0, sizeof(*value_out));
    value_out->type = type;
    switch (type) {
    case OD_TYPE_BOOLEAN:
        return parse_boolean(cursor, &value_out->boolean);
    case OD_TYPE_INT64:
        return parse_int64(cursor, &value_out->int64);
    case OD_TYPE_INT32:
        return parse_int64(cursor, &value_out->int64) && value_out->int64 == (int32_t)value_out->int64;
    case OD_TYPE_FLOAT64:
        return parse_float64(cursor, &value_out->float64);
    case OD_TYPE_DECIMAL:
        return od_decimal_parse(text, size, &value_out->decimal);
    case OD_TYPE_TEXT:
        value_out->text.bytes = text;
        value_out->text.size = size;
        return true;
    case OD_TYPE_DATE:
        return parse_date(cursor, &value_out->int64);
    case OD_TYPE_TIMESTAMP:
        return parse_timestamp(cursor, &value_out->int64);
    case OD_TYPE_INTERVAL:
        return od_interval_parse(text, size, &value_out->interval);
    case OD_TYPE_COUNT:
        break;
    }
    od_unreachable();
}
