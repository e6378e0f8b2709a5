/* model_time: the calendar by counting, intervals, and functions of dates, timestamps and intervals. */
#include "properties/model_parts.h"

#include "engine/core/assert.h"
#include "properties/model_decimal.h"

#include <math.h>
#include <string.h>

#define DAY_US    INT64_C(86400000000)
#define MINUTE_US INT64_C(60000000)
#define HOUR_US   (60 * MINUTE_US)

/* --- calendar ------------------------------------------------------------------------------------------- */

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int32_t od_model_month_days(int64_t year, int32_t month)
{
    static const int32_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

struct od_civil od_model_civil(int64_t days)
{
    struct od_civil civil = {1970, 1, 1};
    int64_t eras = days / 146097; /* 400 years */
    days -= eras * 146097;
    civil.year += eras * 400;
    while (days < 0) {
        civil.year--;
        days += 365 + is_leap(civil.year);
    }
    while (days >= 365 + is_leap(civil.year)) {
        days -= 365 + is_leap(civil.year);
        civil.year++;
    }
    while (days >= od_model_month_days(civil.year, civil.month)) {
        days -= od_model_month_days(civil.year, civil.month);
        civil.month++;
    }
    civil.day += (int32_t)days;
    return civil;
}

int64_t od_model_days(struct od_civil civil)
{
    int64_t days = civil.day - 1;
    for (int32_t month = 1; month < civil.month; month++)
        days += od_model_month_days(civil.year, month);
    int64_t eras = (civil.year - 1970) / 400;
    days += eras * 146097;
    for (int64_t year = 1970 + eras * 400; year < civil.year; year++)
        days += 365 + is_leap(year);
    for (int64_t year = 1970 + eras * 400; year > civil.year; year--)
        days -= 365 + is_leap(year - 1);
    return days;
}

/* --- intervals ------------------------------------------------------------------------------------------ */

__int128 od_model_span(const struct od_interval *interval)
{
    return ((__int128)interval->months * 30 + interval->days) * DAY_US + interval->microseconds;
}

static int64_t floor_divide(int64_t number, int64_t divisor)
{
    return number / divisor - (number % divisor < 0);
}

/* Months first (the day is cut to the month's last), then days, then microseconds. */
bool od_model_add_interval(int64_t timestamp, const struct od_interval *interval, bool subtracts,
                           int64_t *timestamp_out)
{
    int sign = subtracts ? -1 : 1;
    int64_t days = floor_divide(timestamp, DAY_US), rest = timestamp - days * DAY_US;
    if (interval->months != 0) {
        struct od_civil civil = od_model_civil(days);
        int64_t month = civil.year * 12 + civil.month - 1 + sign * (int64_t)interval->months;
        civil.year = floor_divide(month, 12);
        civil.month = (int32_t)(month - civil.year * 12) + 1;
        int32_t last = od_model_month_days(civil.year, civil.month);
        civil.day = civil.day < last ? civil.day : last;
        days = od_model_days(civil);
    }
    __int128 sum = (__int128)(days + sign * (int64_t)interval->days) * DAY_US + rest +
                   sign * (__int128)interval->microseconds;
    *timestamp_out = (int64_t)sum;
    return sum == (int64_t)sum;
}

static enum od_status put_interval(const struct od_model_call *call, int64_t months, int64_t days,
                                   __int128 microseconds)
{
    struct od_interval *result = &call->result->interval;
    *result = (struct od_interval){(int32_t)months, (int32_t)days, (int64_t)microseconds};
    bool fits = result->months == months && result->days == days && result->microseconds == microseconds;
    return fits ? OD_OK : od_model_no_value(call->model, "interval out of range");
}

/* interval * factor or / factor, part by part, as interval_mul() of timestamp.c: what is left of months becomes days, of days
 * microseconds. */
static enum od_status scale(const struct od_model_call *call)
{
    bool divides = call->expr->function == OD_FUNCTION_DIVIDE,
         is_first = call->arguments[0].type == OD_TYPE_INTERVAL;
    const struct od_interval *interval = &call->arguments[is_first ? 0 : 1].interval;
    double factor = call->arguments[is_first ? 1 : 0].float64;
    if (divides && factor == 0)
        return od_model_no_value(call->model, "division by zero");
    double months = divides ? interval->months / factor : interval->months * factor;
    double days = divides ? interval->days / factor : interval->days * factor;
    double microseconds =
        divides ? (double)interval->microseconds / factor : (double)interval->microseconds * factor;
    if (!(fabs(months) < 2147483648.0) || !(fabs(days) < 2147483648.0))
        return od_model_no_value(call->model, "interval out of range");
    double more_days = rint((months - trunc(months)) * 30 * 1e6) / 1e6;
    double seconds = rint((days - trunc(days) + more_days - trunc(more_days)) * 86400 * 1e6) / 1e6;
    int64_t whole_days = (int64_t)days + (int64_t)more_days;
    if (fabs(seconds) >= 86400) {
        whole_days += (int64_t)(seconds / 86400);
        seconds -= (double)(int64_t)(seconds / 86400) * 86400;
    }
    microseconds = rint(microseconds + seconds * 1e6);
    if (!(fabs(microseconds) < 9223372036854775808.0))
        return od_model_no_value(call->model, "interval out of range");
    return put_interval(call, (int64_t)months, whole_days, (__int128)microseconds);
}

static enum od_status negate(const struct od_model_call *call)
{
    const struct od_interval *interval = &call->arguments[0].interval;
    return put_interval(call, -(int64_t)interval->months, -(int64_t)interval->days,
                        -(__int128)interval->microseconds);
}

/* --- sums and differences ------------------------------------------------------------------------------- */

static enum od_status shift_timestamp(const struct od_model_call *call, const struct od_value *time,
                                      const struct od_interval *interval, bool subtracts)
{
    int64_t start = time->int64;
    if (time->type == OD_TYPE_DATE && __builtin_mul_overflow(start, DAY_US, &start))
        return od_model_no_value(call->model, "date out of range for timestamp");
    return od_model_add_interval(start, interval, subtracts, &call->result->int64)
               ? OD_OK
               : od_model_no_value(call->model, "timestamp out of range");
}

/* From the beginning of julian days to where their number ends. */
static enum od_status shift_date(const struct od_model_call *call, int64_t days)
{
    static const struct od_civil first = {-4712, 11, 24}, last = {5874897, 12, 31};
    bool fits = days >= od_model_days(first) && days <= od_model_days(last);
    call->result->int64 = days;
    return fits ? OD_OK : od_model_no_value(call->model, "date out of range");
}

static enum od_status add_or_subtract(const struct od_model_call *call)
{
    bool subtracts = call->expr->function == OD_FUNCTION_SUBTRACT;
    const struct od_value *left = &call->arguments[0], *right = &call->arguments[1];
    int64_t sign = subtracts ? -1 : 1;
    if (left->type == OD_TYPE_INTERVAL && right->type == OD_TYPE_INTERVAL) {
        const struct od_interval *a = &left->interval, *b = &right->interval;
        return put_interval(call, a->months + sign * b->months, a->days + sign * b->days,
                            a->microseconds + sign * (__int128)b->microseconds);
    }
    if (right->type == OD_TYPE_INTERVAL)
        return shift_timestamp(call, left, &right->interval, subtracts);
    if (left->type == OD_TYPE_INTERVAL)
        return shift_timestamp(call, right, &left->interval, false);
    if (left->type == OD_TYPE_TIMESTAMP) {
        __int128 difference = (__int128)left->int64 - right->int64;
        return put_interval(call, 0, (int64_t)(difference / DAY_US), difference % DAY_US);
    }
    if (call->expr->type == OD_TYPE_DATE)
        return shift_date(call, left->int64 + sign * right->int64);
    call->result->int64 = left->int64 - right->int64; /* days between dates */
    return call->result->int64 == (int32_t)call->result->int64
               ? OD_OK
               : od_model_no_value(call->model, "integer out of range");
}

/* --- fields --------------------------------------------------------------------------------------------- */

struct moment {
    struct od_civil civil;
    int64_t days;
    int64_t microseconds; /* of the day */
};

static struct moment moment_of(const struct od_value *value)
{
    struct moment moment = {.days = value->int64, .microseconds = 0};
    if (value->type == OD_TYPE_TIMESTAMP) {
        moment.days = floor_divide(value->int64, DAY_US);
        moment.microseconds = value->int64 - moment.days * DAY_US;
    }
    moment.civil = od_model_civil(moment.days);
    return moment;
}

static bool names(const struct od_value *field, const char *name)
{
    return field->text.size == strlen(name) && memcmp(field->text.bytes, name, field->text.size) == 0;
}

/* 1 Monday .. 7 Sunday. The epoch was a Thursday. */
static int64_t weekday(int64_t days)
{
    return ((days + 3) % 7 + 7) % 7 + 1;
}

/* The ISO year of a day is that of its week's Thursday; the week's number is that of this Thursday in its year. */
static int64_t iso_year(int64_t days, int64_t *week_out)
{
    int64_t thursday = days + 4 - weekday(days);
    struct od_civil civil = od_model_civil(thursday);
    struct od_civil new_year = {civil.year, 1, 1};
    *week_out = (thursday - od_model_days(new_year)) / 7 + 1;
    return civil.year;
}

/* Years are counted without a zero: -1 comes before 1. `count` of them make a century, a millennium. */
static int64_t without_zero(int64_t year)
{
    return year > 0 ? year : year - 1;
}
static int64_t span_of_years(int64_t year, int64_t count)
{
    return year > 0 ? (year + count - 1) / count : -((count - 1 - (year - 1)) / count);
}
static int64_t decade(int64_t year)
{
    return year >= 0 ? year / 10 : -((8 - (year - 1)) / 10);
}

struct field {
    const char *name;
    int64_t number;
    uint32_t scale; /* when it is a numeric */
};

/* date_part gives doubles, computed as PostgreSQL does: seconds and their fraction apart. */
static enum od_status pick_field(const struct od_model_call *call, const struct field *fields, size_t count)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    for (size_t i = 0; i < count; i++) {
        if (!names(&call->arguments[0], fields[i].name))
            continue;
        if (call->expr->type == OD_TYPE_DECIMAL)
            call->result->decimal = od_decimal_make(fields[i].number, fields[i].scale);
        else
            call->result->float64 = (double)fields[i].number / powers[fields[i].scale];
        return OD_OK;
    }
    return od_model_unknown(call->model, "that field of a time");
}

static enum od_status extract_of_interval(const struct od_model_call *call)
{
    const struct od_interval *interval = &call->arguments[1].interval;
    int64_t years = interval->months / 12, months = interval->months % 12, time = interval->microseconds;
    const struct field fields[] = {
        {"millennium", years / 1000, 0},
        {"century", years / 100, 0},
        {"decade", years / 10, 0},
        {"year", years, 0},
        {"quarter", months / 3 + 1, 0},
        {"month", months, 0},
        {"day", interval->days, 0},
        {"hour", time / HOUR_US, 0},
        {"minute", time % HOUR_US / MINUTE_US, 0},
        {"second", time % MINUTE_US, 6},
        {"milliseconds", time % MINUTE_US, 3},
        {"microseconds", time % MINUTE_US, 0},
        {"epoch", (years * 1461 + months * 120 + interval->days * INT64_C(4)) * 21600 * 1000000 + time, 6},
    };
    return pick_field(call, fields, sizeof(fields) / sizeof(fields[0]));
}

static enum od_status extract(const struct od_model_call *call)
{
    if (call->arguments[1].type == OD_TYPE_INTERVAL)
        return extract_of_interval(call);
    struct moment moment = moment_of(&call->arguments[1]);
    bool is_date = call->arguments[1].type == OD_TYPE_DATE;
    int64_t year = moment.civil.year, in_minute = moment.microseconds % MINUTE_US, week;
    struct od_civil new_year = {year, 1, 1};
    int64_t year_of_week = iso_year(moment.days, &week);
    const struct field fields[] = {
        {"millennium", span_of_years(year, 1000), 0},
        {"century", span_of_years(year, 100), 0},
        {"decade", decade(year), 0},
        {"year", without_zero(year), 0},
        {"isoyear", without_zero(year_of_week), 0},
        {"quarter", (moment.civil.month - 1) / 3 + 1, 0},
        {"month", moment.civil.month, 0},
        {"week", week, 0},
        {"day", moment.civil.day, 0},
        {"dow", weekday(moment.days) % 7, 0},
        {"isodow", weekday(moment.days), 0},
        {"doy", moment.days - od_model_days(new_year) + 1, 0},
        {"hour", moment.microseconds / HOUR_US, 0},
        {"minute", moment.microseconds % HOUR_US / MINUTE_US, 0},
        {"second", in_minute, 6},
        {"milliseconds", in_minute, 3},
        {"microseconds", in_minute, 0},
        {"epoch", is_date ? moment.days * 86400 : call->arguments[1].int64, is_date ? 0 : 6},
        {"julian", moment.days + 2440588, 0},
    };
    return pick_field(call, fields, sizeof(fields) / sizeof(fields[0]) - !is_date);
}

/* The first year of the span that a year is in. */
static int64_t truncate_year(const struct od_value *unit, int64_t year)
{
    int64_t count = names(unit, "millennium") ? 1000 : names(unit, "century") ? 100 : 1;
    if (names(unit, "decade"))
        return year > 0 ? year / 10 * 10 : decade(year) * 10;
    return count == 1 ? year
           : year > 0 ? span_of_years(year, count) * count - count + 1
                      : span_of_years(year, count) * count + 1;
}

static enum od_status truncate_time(const struct od_model_call *call)
{
    static const struct {
        const char *name;
        int64_t step;
    } times[] = {{"microseconds", 1},
                 {"milliseconds", 1000},
                 {"second", 1000000},
                 {"minute", MINUTE_US},
                 {"hour", HOUR_US}};
    const struct od_value *unit = &call->arguments[0];
    struct moment moment = moment_of(&call->arguments[1]);
    int64_t rest = 0;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        if (names(unit, times[i].name))
            rest = moment.microseconds / times[i].step * times[i].step;
    bool is_quarter = names(unit, "quarter"), is_month = names(unit, "month");
    bool is_year =
        names(unit, "year") || names(unit, "decade") || names(unit, "century") || names(unit, "millennium");
    if (is_year)
        moment.civil = (struct od_civil){truncate_year(unit, moment.civil.year), 1, 1};
    if (is_quarter)
        moment.civil.month = (moment.civil.month - 1) / 3 * 3 + 1;
    if (is_quarter || is_month)
        moment.civil.day = 1;
    moment.days = od_model_days(moment.civil);
    if (names(unit, "week"))
        moment.days -= weekday(moment.days) - 1;
    if (call->expr->type != OD_TYPE_TIMESTAMP)
        return od_model_unknown(call->model, "date_trunc of intervals");
    __int128 result = (__int128)moment.days * DAY_US + rest;
    call->result->int64 = (int64_t)result;
    return result == (int64_t)result ? OD_OK : od_model_no_value(call->model, "timestamp out of range");
}

/* --- from parts ----------------------------------------------------------------------------------------- */

static bool find_day(const struct od_value *parts, int64_t *days_out)
{
    int64_t year = parts[0].int64, month = parts[1].int64, day = parts[2].int64;
    year += year < 0; /* -1 is the year before 1 */
    *days_out = 0;
    if (parts[0].int64 == 0 || month < 1 || month > 12 || day < 1 ||
        day > od_model_month_days(year, (int32_t)month))
        return false;
    *days_out = od_model_days((struct od_civil){year, (int32_t)month, (int32_t)day});
    return true;
}

static enum od_status make_date(const struct od_model_call *call)
{
    int64_t days;
    if (!find_day(call->arguments, &days))
        return od_model_no_value(call->model, "date field value out of range");
    return shift_date(call, days);
}

static enum od_status make_timestamp(const struct od_model_call *call)
{
    int64_t days, hour = call->arguments[3].int64, minute = call->arguments[4].int64;
    double seconds = call->arguments[5].float64;
    if (!find_day(call->arguments, &days))
        return od_model_no_value(call->model, "date field value out of range");
    bool fits = hour >= 0 && hour <= 24 && minute >= 0 && minute <= 59 && seconds >= 0 && seconds <= 60;
    if (!fits || (hour == 24 && (minute > 0 || seconds > 0)))
        return od_model_no_value(call->model, "time field value out of range");
    __int128 result =
        (__int128)days * DAY_US + hour * HOUR_US + minute * MINUTE_US + (int64_t)rint(seconds * 1e6);
    call->result->int64 = (int64_t)result;
    return result == (int64_t)result ? OD_OK : od_model_no_value(call->model, "timestamp out of range");
}

/* --- the table ------------------------------------------------------------------------------------------ */

od_model_apply od_model_time_function(enum od_function function)
{
    static const od_model_apply functions[OD_FUNCTION_COUNT] = {
        [OD_FUNCTION_ADD] = add_or_subtract, [OD_FUNCTION_SUBTRACT] = add_or_subtract,
        [OD_FUNCTION_MULTIPLY] = scale,      [OD_FUNCTION_DIVIDE] = scale,
        [OD_FUNCTION_NEGATE] = negate,       [OD_FUNCTION_EXTRACT] = extract,
        [OD_FUNCTION_DATE_PART] = extract,   [OD_FUNCTION_DATE_TRUNC] = truncate_time,
        [OD_FUNCTION_MAKE_DATE] = make_date, [OD_FUNCTION_MAKE_TIMESTAMP] = make_timestamp,
    };
    return functions[function];
}
