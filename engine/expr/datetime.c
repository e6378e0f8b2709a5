/* datetime: extract and date_trunc, on proleptic Gregorian days since 1970 and microseconds within the day.
 *
 * Everything is floored, so times before 1970 split like all others: -1 us is day -1, 23:59:59.999999.
 * 1970-01-01 was a Thursday. ISO weeks begin on Monday and belong to the year of their Thursday (ISO 8601).
 * There is no year 0: the year before 1 is -1 in answers, as in PostgreSQL. */
#include "engine/expr/kernel.h"

#include "engine/core/assert.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US   (60 * MINUTE_US)
#define DAY_US    (24 * HOUR_US)

struct instant {
    int64_t days;
    int64_t rest_us;  /* 0 .. DAY_US - 1 */
    int64_t total_us; /* meaningless for a date */
};

static int64_t floor_divide(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

static struct instant instant_of_timestamp(int64_t timestamp_us)
{
    int64_t days = floor_divide(timestamp_us, DAY_US);
    int64_t rest_us = timestamp_us % DAY_US;
    return (struct instant){days, rest_us < 0 ? rest_us + DAY_US : rest_us, timestamp_us};
}

/* 0 Monday .. 6 Sunday */
static int64_t weekday(int64_t days)
{
    return days + 3 - 7 * floor_divide(days + 3, 7);
}

static int64_t day_of_year(int64_t days)
{
    int64_t year = 0;
    uint32_t month = 0;
    uint32_t day = 0;
    od_date_to_civil(days, &year, &month, &day);
    return days - od_date_from_civil(year, 1, 1) + 1;
}

/* --- extract -------------------------------------------------------------------------------------------- */

static int64_t extract_year(struct instant instant)
{
    int64_t year = 0;
    uint32_t month = 0;
    uint32_t day = 0;
    od_date_to_civil(instant.days, &year, &month, &day);
    return year > 0 ? year : year - 1;
}
static int64_t extract_month(struct instant instant)
{
    int64_t year = 0;
    uint32_t month = 0;
    uint32_t day = 0;
    od_date_to_civil(instant.days, &year, &month, &day);
    return month;
}
static int64_t extract_quarter(struct instant instant)
{
    return (extract_month(instant) - 1) / 3 + 1;
}
static int64_t extract_week(struct instant instant)
{
    int64_t thursday = instant.days - weekday(instant.days) + 3;
    return (day_of_year(thursday) - 1) / 7 + 1;
}
static int64_t extract_day(struct instant instant)
{
    int64_t year = 0;
    uint32_t month = 0;
    uint32_t day = 0;
    od_date_to_civil(instant.days, &year, &month, &day);
    return day;
}
static int64_t extract_hour(struct instant instant)
{
    return instant.rest_us / HOUR_US;
}
static int64_t extract_minute(struct instant instant)
{
    return instant.rest_us / MINUTE_US % 60;
}
static int64_t extract_second(struct instant instant)
{
    return instant.rest_us / SECOND_US % 60;
}
static int64_t extract_dow(struct instant instant)
{
    return (weekday(instant.days) + 1) % 7;
}
static int64_t extract_doy(struct instant instant)
{
    return day_of_year(instant.days);
}
static int64_t extract_epoch(struct instant instant)
{
    return instant.days * (DAY_US / SECOND_US) + instant.rest_us / SECOND_US;
}

static int64_t (*const extractors[])(struct instant) = {
    [OD_TIME_FIELD_YEAR] = extract_year,     [OD_TIME_FIELD_QUARTER] = extract_quarter,
    [OD_TIME_FIELD_MONTH] = extract_month,   [OD_TIME_FIELD_WEEK] = extract_week,
    [OD_TIME_FIELD_DAY] = extract_day,       [OD_TIME_FIELD_HOUR] = extract_hour,
    [OD_TIME_FIELD_MINUTE] = extract_minute, [OD_TIME_FIELD_SECOND] = extract_second,
    [OD_TIME_FIELD_DOW] = extract_dow,       [OD_TIME_FIELD_DOY] = extract_doy,
    [OD_TIME_FIELD_EPOCH] = extract_epoch,
};
_Static_assert(sizeof(extractors) / sizeof(extractors[0]) == OD_TIME_FIELD_COUNT, "every field is extracted");

/* The field is a literal that the builder of the expression has checked. */
static enum od_time_field field_of(const struct od_kernel_call *call)
{
    enum od_time_field field = OD_TIME_FIELD_COUNT;
    uint32_t size = 0;
    const char *text = od_operand_text(&call->arguments[0], 0, &size);
    od_assert(call->arguments[0].step == 0);
    if (!od_time_field_find(text, size, &field))
        od_unreachable();
    return field;
}

/* The first row with all arguments, or row_count: where there is none, the field may be NULL. */
static bool has_valid_row(const struct od_kernel_call *call)
{
    for (uint32_t i = 0; i < call->row_count; i++)
        if (od_call_row_is_valid(call, i))
            return true;
    return false;
}

static int64_t *results_new(const struct od_kernel_call *call, struct od_column *column_out)
{
    int64_t *results = od_arena_take(call->batch_arena, call->row_count * sizeof(*results));
    *column_out =
        (struct od_column){.type = call->expr->type, .row_count = call->row_count, .values = results};
    return results;
}

enum od_status od_kernel_extract_timestamp(const struct od_kernel_call *call, struct od_column *column_out)
{
    const struct od_operand *operand = &call->arguments[1];
    int64_t *results = results_new(call, column_out);
    if (results == NULL)
        return od_kernel_no_memory(call->error);
    if (!has_valid_row(call))
        return OD_OK;
    int64_t (*extractor)(struct instant) = extractors[field_of(call)];
    for (uint32_t i = 0; i < call->row_count; i++) {
        if (od_call_row_is_valid(call, i))
            results[i] =
                extractor(instant_of_timestamp(((const int64_t *)operand->column.values)[i * operand->step]));
    }
    return OD_OK;
}

enum od_status od_kernel_extract_date(const struct od_kernel_call *call, struct od_column *column_out)
{
    const struct od_operand *operand = &call->arguments[1];
    int64_t *results = results_new(call, column_out);
    if (results == NULL)
        return od_kernel_no_memory(call->error);
    if (!has_valid_row(call))
        return OD_OK;
    enum od_time_field field = field_of(call);
    od_assert(od_time_field_of_date(field));
    for (uint32_t i = 0; i < call->row_count; i++) {
        if (od_call_row_is_valid(call, i))
            results[i] = extractors[field](
                (struct instant){.days = ((const int32_t *)operand->column.values)[i * operand->step]});
    }
    return OD_OK;
}

/* --- date_trunc ----------------------------------------------------------------------------------------- */

/* The first day of the unit of so many months that the day is in. */
static int64_t month_unit_start(int64_t days, uint32_t months)
{
    int64_t year = 0;
    uint32_t month = 0;
    uint32_t day = 0;
    od_date_to_civil(days, &year, &month, &day);
    return od_date_from_civil(year, (month - 1) / months * months + 1, 1);
}

struct truncation {
    uint32_t months; /* 0: no unit of months */
    bool is_week;
    int64_t unit_us; /* of a unit within the day */
};
static const struct truncation truncations[OD_TIME_FIELD_COUNT] = {
    [OD_TIME_FIELD_YEAR] = {.months = 12},           [OD_TIME_FIELD_QUARTER] = {.months = 3},
    [OD_TIME_FIELD_MONTH] = {.months = 1},           [OD_TIME_FIELD_WEEK] = {.is_week = true},
    [OD_TIME_FIELD_DAY] = {.unit_us = DAY_US},       [OD_TIME_FIELD_HOUR] = {.unit_us = HOUR_US},
    [OD_TIME_FIELD_MINUTE] = {.unit_us = MINUTE_US}, [OD_TIME_FIELD_SECOND] = {.unit_us = SECOND_US},
};

/* False when the start of the unit is before the first timestamp. */
static bool truncate_instant(struct instant instant, const struct truncation *truncation, int64_t *result_out)
{
    if (truncation->unit_us !=
        0) /* units within the day count from its start, which is a multiple of all of them */
        return !__builtin_sub_overflow(instant.total_us, instant.rest_us % truncation->unit_us, result_out);
    int64_t start = truncation->is_week ? instant.days - weekday(instant.days)
                                        : month_unit_start(instant.days, truncation->months);
    return !__builtin_mul_overflow(start, DAY_US, result_out);
}

enum od_status od_kernel_date_trunc(const struct od_kernel_call *call, struct od_column *column_out)
{
    const struct od_operand *operand = &call->arguments[1];
    int64_t *results = results_new(call, column_out);
    if (results == NULL)
        return od_kernel_no_memory(call->error);
    if (!has_valid_row(call))
        return OD_OK;
    enum od_time_field field = field_of(call);
    od_assert(od_time_field_truncates(field));
    for (uint32_t i = 0; i < call->row_count; i++) {
        if (!od_call_row_is_valid(call, i))
            continue;
        int64_t timestamp_us = ((const int64_t *)operand->column.values)[i * operand->step];
        if (!truncate_instant(instant_of_timestamp(timestamp_us), &truncations[field], &results[i]))
            return od_fail(call->error, OD_EVALUATION, "timestamp out of range");
    }
    return OD_OK;
}
