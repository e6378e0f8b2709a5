/* datetime: extract, date_part, date_trunc, intervals, and dates made of parts, on proleptic Gregorian days since 1970 and
 * microseconds within the day.
 *
 * Everything is floored, so times before 1970 split like all others: -1 us is day -1, 23:59:59.999999.
 * 1970-01-01 was a Thursday. ISO weeks begin on Monday and belong to the year of their Thursday (ISO 8601).
 * There is no year 0: the year before 1 is -1 in answers, as in PostgreSQL. */
#include <math.h>

#include "engine/core/assert.h"
#include "engine/data/interval.h"
#include "engine/expr/kernel.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US   (60 * MINUTE_US)
#define DAY_US    (24 * HOUR_US)

static int64_t floor_divide(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

/* 0 Monday .. 6 Sunday */
static int64_t weekday(int64_t days)
{
    return days + 3 - 7 * floor_divide(days + 3, 7);
}

/* --- extract -------------------------------------------------------------------------------------------- */

/* A time taken apart as far as fields need it. Of an interval, parts may be negative. */
struct parts {
    bool is_interval;
    int64_t days; /* since 1970; of an interval, behind the months */
    int64_t year;
    int64_t month;
    int64_t day;
    int64_t rest_us; /* within the day; of an interval, all of it */
    __int128 epoch;  /* microseconds; of a date, seconds */
};

static struct parts parts_of_days(int64_t days)
{
    uint32_t month = 0;
    uint32_t day = 0;
    struct parts parts = {.days = days, .epoch = days * (DAY_US / SECOND_US)};
    od_date_to_civil(days, &parts.year, &month, &day);
    parts.month = month;
    parts.day = day;
    return parts;
}

static struct parts parts_of_timestamp(int64_t timestamp_us)
{
    int64_t days = floor_divide(timestamp_us, DAY_US);
    struct parts parts = parts_of_days(days);
    parts.rest_us = timestamp_us % DAY_US + (timestamp_us % DAY_US < 0 ? DAY_US : 0);
    parts.epoch = timestamp_us;
    return parts;
}

/* A year has 365.25 days here and a month 30 (interval_part_common in PostgreSQL's timestamp.c). */
static struct parts parts_of_interval(const struct od_interval *interval)
{
    struct parts parts = {.is_interval = true,
                          .year = interval->months / 12,
                          .month = interval->months % 12,
                          .day = interval->days,
                          .rest_us = interval->microseconds};
    int64_t quarter_days = 1461 * parts.year + 120 * parts.month + 4 * parts.day;
    parts.epoch = (__int128)quarter_days * (DAY_US / 4) + interval->microseconds;
    return parts;
}

static int64_t year_of(const struct parts *parts)
{
    return parts->year > 0 || parts->is_interval ? parts->year : parts->year - 1;
}
/* Units of years: centuries and millennia begin with the year 1. */
static int64_t count_of_years(const struct parts *parts, int64_t years)
{
    if (parts->is_interval)
        return parts->year / years;
    return parts->year > 0 ? (parts->year + years - 1) / years : -((years - parts->year) / years);
}
static int64_t day_of_year(const struct parts *parts)
{
    return parts->days - od_date_from_civil(parts->year, 1, 1) + 1;
}
/* In units of 10^-scale_of_field. */
static __int128 field_of_parts(const struct parts *parts, enum od_time_field field)
{
    struct parts thursday;
    switch (field) {
    case OD_TIME_FIELD_MILLENNIUM:
    case OD_TIME_FIELD_CENTURY:
        return count_of_years(parts, field == OD_TIME_FIELD_CENTURY ? 100 : 1000);
    case OD_TIME_FIELD_DECADE:
        return parts->is_interval ? parts->year / 10 : floor_divide(parts->year, 10);
    case OD_TIME_FIELD_YEAR:
        return year_of(parts);
    case OD_TIME_FIELD_QUARTER:
        return (parts->is_interval ? parts->month : parts->month - 1) / 3 + 1;
    case OD_TIME_FIELD_MONTH:
        return parts->month;
    case OD_TIME_FIELD_ISOYEAR:
    case OD_TIME_FIELD_WEEK:
        thursday = parts_of_days(parts->days - weekday(parts->days) + 3);
        return field == OD_TIME_FIELD_ISOYEAR ? year_of(&thursday) : (day_of_year(&thursday) - 1) / 7 + 1;
    case OD_TIME_FIELD_DAY:
        return parts->day;
    case OD_TIME_FIELD_DOW:
        return (weekday(parts->days) + 1) % 7;
    case OD_TIME_FIELD_ISODOW:
        return weekday(parts->days) + 1;
    case OD_TIME_FIELD_DOY:
        return day_of_year(parts);
    case OD_TIME_FIELD_JULIAN:
        return parts->days + 2440588;
    case OD_TIME_FIELD_HOUR:
        return parts->rest_us / HOUR_US;
    case OD_TIME_FIELD_MINUTE:
        return parts->rest_us / MINUTE_US % 60;
    case OD_TIME_FIELD_SECOND:
    case OD_TIME_FIELD_MILLISECONDS:
    case OD_TIME_FIELD_MICROSECONDS:
        return parts->rest_us % MINUTE_US;
    case OD_TIME_FIELD_EPOCH:
        return parts->epoch;
    case OD_TIME_FIELD_COUNT:
        break;
    }
    od_unreachable();
}

/* A date's epoch is in whole seconds. */
static uint32_t scale_of_field(enum od_time_field field, enum od_type type)
{
    if (field == OD_TIME_FIELD_MILLISECONDS)
        return 3;
    bool is_fraction =
        field == OD_TIME_FIELD_SECOND || (field == OD_TIME_FIELD_EPOCH && type != OD_TYPE_DATE);
    return is_fraction ? 6 : 0;
}

/* The field is a literal that the builder of the expression has checked. */
static enum od_time_field field_of(const struct od_kernel_call *call)
{
    enum od_time_field field = OD_TIME_FIELD_COUNT;
    struct span text = od_operand_span(&call->arguments[0], 0);
    od_assert(call->arguments[0].step == 0);
    if (!od_time_field_find(text.at, (uint32_t)(text.end - text.at), &field))
        od_unreachable();
    return field;
}

static struct parts parts_of_row(const struct od_operand *operand, uint32_t row)
{
    const void *values = operand->column.values;
    size_t at = (size_t)row * operand->step;
    if (operand->column.type == OD_TYPE_TIMESTAMP)
        return parts_of_timestamp(((const int64_t *)values)[at]);
    if (operand->column.type == OD_TYPE_INTERVAL)
        return parts_of_interval((const struct od_interval *)values + at);
    return parts_of_days(((const int32_t *)values)[at]);
}

/* In the very steps in which PostgreSQL makes a double of it, so that the last bit agrees. */
static double float_of_field(const struct parts *parts, enum od_time_field field)
{
    int64_t value = (int64_t)field_of_parts(parts, field);
    if (field == OD_TIME_FIELD_EPOCH && parts->is_interval)
        return (double)parts->rest_us / 1e6 + 31557600.0 * (double)parts->year +
               2592000.0 * (double)parts->month + 86400.0 * (double)parts->day;
    if (field == OD_TIME_FIELD_EPOCH)
        return (double)value / 1e6;
    if (field == OD_TIME_FIELD_SECOND)
        return (double)(value / SECOND_US) + (double)(value % SECOND_US) / 1e6;
    if (field == OD_TIME_FIELD_MILLISECONDS)
        return (double)(value / SECOND_US) * 1e3 + (double)(value % SECOND_US) / 1e3;
    return (double)value;
}

/* extract gives numeric, date_part double precision. */
enum od_status od_kernel_extract(const struct od_kernel_call *call)
{
    void *results = call->results;
    if (od_operand_is_null(&call->arguments[0], 0))
        return OD_OK;
    enum od_time_field field = field_of(call);
    uint32_t scale = scale_of_field(field, call->arguments[1].column.type);
    for (uint32_t i = 0; i < call->row_count; i++) {
        if (!od_call_row_is_valid(call, i))
            continue;
        struct parts parts = parts_of_row(&call->arguments[1], i);
        if (call->expr->type == OD_TYPE_FLOAT64)
            ((double *)results)[i] = float_of_field(&parts, field);
        else
            ((struct od_decimal *)results)[i] = od_decimal_make(field_of_parts(&parts, field), scale);
    }
    return OD_OK;
}

/* --- date_trunc ----------------------------------------------------------------------------------------- */

/* Units of years begin with years that are 0 by `years`, or 1 where they count from 1. */
struct truncation {
    int64_t unit_us; /* of a unit within the day, else 0 */
    uint32_t months; /* of a unit within the year */
    uint32_t years;
    uint32_t first_year;
};
static const struct truncation truncations[OD_TIME_FIELD_COUNT] = {
    [OD_TIME_FIELD_MILLENNIUM] = {.months = 12, .years = 1000, .first_year = 1},
    [OD_TIME_FIELD_CENTURY] = {.months = 12, .years = 100, .first_year = 1},
    [OD_TIME_FIELD_DECADE] = {.months = 12, .years = 10},
    [OD_TIME_FIELD_YEAR] = {.months = 12, .years = 1},
    [OD_TIME_FIELD_QUARTER] = {.months = 3, .years = 1},
    [OD_TIME_FIELD_MONTH] = {.months = 1, .years = 1},
    [OD_TIME_FIELD_WEEK] = {0},
    [OD_TIME_FIELD_DAY] = {.unit_us = DAY_US},
    [OD_TIME_FIELD_HOUR] = {.unit_us = HOUR_US},
    [OD_TIME_FIELD_MINUTE] = {.unit_us = MINUTE_US},
    [OD_TIME_FIELD_SECOND] = {.unit_us = SECOND_US},
    [OD_TIME_FIELD_MILLISECONDS] = {.unit_us = 1000},
    [OD_TIME_FIELD_MICROSECONDS] = {.unit_us = 1},
};

static int64_t truncate_days(const struct parts *parts, const struct truncation *unit)
{
    if (unit->months == 0)
        return parts->days - weekday(parts->days);
    int64_t year = parts->year - unit->first_year;
    year = floor_divide(year, unit->years) * unit->years + unit->first_year;
    uint32_t month = (uint32_t)(parts->month - 1) / unit->months * unit->months + 1;
    return od_date_from_civil(year, month, 1);
}

enum od_status od_kernel_date_trunc(const struct od_kernel_call *call)
{
    const struct od_operand *operand = &call->arguments[1];
    int64_t *results = call->results;
    if (od_operand_is_null(&call->arguments[0], 0))
        return OD_OK;
    enum od_time_field field = field_of(call);
    const struct truncation *unit = &truncations[field];
    od_assert(od_time_field_info(field)->truncates);
    for (uint32_t i = 0; i < call->row_count; i++) {
        if (!od_call_row_is_valid(call, i))
            continue;
        int64_t timestamp_us = ((const int64_t *)operand->column.values)[i * operand->step];
        struct parts parts = parts_of_timestamp(timestamp_us);
        bool overflows =
            unit->unit_us != 0 /* counted from the start of the day, a multiple of all of them */
                ? __builtin_sub_overflow(timestamp_us, parts.rest_us % unit->unit_us, &results[i])
                : __builtin_mul_overflow(truncate_days(&parts, unit), DAY_US, &results[i]);
        if (overflows)
            return od_fail(call->error, OD_EVALUATION, "timestamp out of range");
    }
    return OD_OK;
}

/* --- intervals ------------------------------------------------------------------------------------------ */

static enum od_status finish(struct od_row *row, bool fits, const char *what)
{
    return fits ? OD_OK : od_fail(row->error, OD_EVALUATION, "%s out of range", what);
}

/* A date is its midnight. */
static bool timestamp_of(const struct od_value *value, int64_t *timestamp_out)
{
    if (value->type == OD_TYPE_DATE)
        return !__builtin_mul_overflow(value->int64, DAY_US, timestamp_out);
    *timestamp_out = value->int64;
    return true;
}

static enum od_status move(struct od_row *row, const struct od_value *time,
                           const struct od_interval *interval)
{
    int64_t timestamp = 0;
    bool fits =
        timestamp_of(time, &timestamp) && od_timestamp_add_interval(timestamp, interval, &row->result.int64);
    return finish(row, fits, "timestamp");
}

/* Two intervals, or a time and an interval in either order. */
enum od_status od_row_add_interval(struct od_row *row)
{
    const struct od_value *left = &row->arguments[0];
    const struct od_value *right = &row->arguments[1];
    if (left->type != OD_TYPE_INTERVAL)
        return move(row, left, &right->interval);
    if (right->type != OD_TYPE_INTERVAL)
        return move(row, right, &left->interval);
    return finish(row, od_interval_add(&left->interval, &right->interval, &row->result.interval), "interval");
}

/* Two timestamps, two intervals, or a time less an interval. */
enum od_status od_row_subtract_interval(struct od_row *row)
{
    const struct od_value *left = &row->arguments[0];
    const struct od_value *right = &row->arguments[1];
    struct od_interval negated;
    if (right->type == OD_TYPE_TIMESTAMP)
        return finish(row, od_timestamp_subtract(left->int64, right->int64, &row->result.interval),
                      "interval");
    if (!od_interval_negate(&right->interval, &negated))
        return finish(row, false, "interval");
    if (left->type != OD_TYPE_INTERVAL)
        return move(row, left, &negated);
    return finish(row, od_interval_add(&left->interval, &negated, &row->result.interval), "interval");
}

enum od_status od_row_negate_interval(struct od_row *row)
{
    return finish(row, od_interval_negate(&row->arguments[0].interval, &row->result.interval), "interval");
}

/* interval * number, in either order, and interval / number */
enum od_status od_row_scale_interval(struct od_row *row)
{
    uint32_t which = row->arguments[0].type == OD_TYPE_INTERVAL ? 0 : 1;
    double factor = row->arguments[1 - which].float64;
    bool divides = row->expr->function == OD_FUNCTION_DIVIDE;
    if (divides && factor == 0)
        return od_row_fail(row, "division by zero");
    return finish(row,
                  od_interval_scale(&row->arguments[which].interval, factor, divides, &row->result.interval),
                  "interval");
}

/* --- dates of parts ------------------------------------------------------------------------------------- */

/* Negative years are BC. */
static enum od_status make_date(struct od_row *row, int64_t *days_out)
{
    int64_t year = row->arguments[0].int64;
    int64_t month = row->arguments[1].int64;
    int64_t day = row->arguments[2].int64;
    bool in_range =
        year != 0 && year >= -4713 && year <= 5874897 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
    if (in_range) {
        *days_out = od_date_from_civil(year < 0 ? year + 1 : year, (uint32_t)month, (uint32_t)day);
        in_range = parts_of_days(*days_out).day == day && *days_out >= -2440588; /* 4713-11-24 BC */
    }
    return in_range ? OD_OK
                    : od_fail(row->error, OD_EVALUATION, "date field value out of range: %d-%02d-%02d",
                              (int)(year < 0 ? year + 1 : year), (int)month, (int)day);
}

enum od_status od_row_make_date(struct od_row *row)
{
    return make_date(row, &row->result.int64);
}

enum od_status od_row_make_timestamp(struct od_row *row)
{
    int64_t hour = row->arguments[3].int64;
    int64_t minute = row->arguments[4].int64;
    double second = row->arguments[5].float64;
    int64_t days = 0;
    OD_TRY(make_date(row, &days));
    bool in_range = hour >= 0 && hour <= 24 && minute >= 0 && minute <= 59 && second >= 0 && second <= 60;
    int64_t rest_us = in_range ? hour * HOUR_US + minute * MINUTE_US + (int64_t)rint(second * 1e6) : 0;
    if (!in_range || rest_us > DAY_US)
        return od_fail(row->error, OD_EVALUATION, "time field value out of range: %d:%02d:%02g", (int)hour,
                       (int)minute, second);
    bool fits = !__builtin_mul_overflow(days, DAY_US, &days) &&
                !__builtin_add_overflow(days, rest_us, &row->result.int64);
    return finish(row, fits, "timestamp");
}
