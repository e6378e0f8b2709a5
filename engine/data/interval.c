/* interval: PostgreSQL's intervals in and out, and added to timestamps.
 *
 * Reading (DecodeInterval and DecodeISO8601Interval of PostgreSQL's datetime.c): a sequence of fields, each a number and a
 * unit, a clock time, or years-months; a number without a unit is seconds, or days before a clock time. A unit comes at most
 * once; "ago" behind all turns every sign. A fraction goes into the next smaller part, month by 30 days and day by 24 hours:
 * '1.5 mons' is 1 mon 15 days. Not read: ISO 8601's alternative form (P0001-02-03), infinities. */
#include "engine/data/interval.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "engine/data/cursor.h"

#define SECOND_US  INT64_C(1000000)
#define MINUTE_US  (60 * SECOND_US)
#define HOUR_US    (60 * MINUTE_US)
#define DAY_US     (24 * HOUR_US)
#define MONTH_DAYS 30

#define TIMESTAMP_MIN_US INT64_C(-210866803200000000) /* 4714-11-24 BC, as in PostgreSQL */
#define NUMBER_DIGITS    18

/* A unit is so many months, or days, or microseconds. */
struct unit {
    const char *names; /* each between spaces */
    int64_t months;
    int64_t days;
    int64_t microseconds;
    char iso; /* in P1Y2M3W4DT5H6M7S; 0: none */
};
static const struct unit units[] = {
    {" us usec usecs usecond useconds microsecond microseconds ", 0, 0, 1, 0},
    {" ms msec msecs msecond mseconds millisecond milliseconds ", 0, 0, 1000, 0},
    {" s sec secs second seconds ", 0, 0, SECOND_US, 'S'},
    {" m min mins minute minutes ", 0, 0, MINUTE_US, 'M'},
    {" h hr hrs hour hours ", 0, 0, HOUR_US, 'H'},
    {" d day days ", 0, 1, 0, 'D'},
    {" w week weeks ", 0, 7, 0, 'W'},
    {" mon mons month months ", 1, 0, 0, 'M'},
    {" y yr yrs year years ", 12, 0, 0, 'Y'},
    {" dec decs decade decades ", 120, 0, 0, 0},
    {" c cent century centuries ", 1200, 0, 0, 0},
    {" mil mils millennium millennia ", 12000, 0, 0, 0},
};
enum { UNIT_SECOND = 2, UNIT_DAY = 5, UNIT_MONTH = 7, UNIT_COUNT = sizeof(units) / sizeof(units[0]) };
#define UNITS_OF_A_CLOCK  0x1f /* hours and below, a bit for each */
#define A_CLOCK           0x10000
#define UNITS_OF_A_SECOND 0x07
#define WORD_BYTES_MAX    16

/* What has been read so far. */
struct reading {
    int64_t parts[3]; /* months, days, microseconds */
    uint32_t seen;    /* a bit for each unit */
};
enum { MONTHS, DAYS, MICROSECONDS };

struct number {
    bool is_negative;
    int64_t whole; /* not less than 0; nor is the fraction */
    double fraction;
};

static bool add_part(struct reading *reading, int part, int64_t count, int64_t size)
{
    int64_t product;
    return !__builtin_mul_overflow(count, size, &product) &&
           !__builtin_add_overflow(reading->parts[part], product, &reading->parts[part]);
}

/* As AdjustFractMicroseconds of datetime.c. */
static bool add_fraction_us(struct reading *reading, double fraction, int64_t unit_us)
{
    double product = fraction * (double)unit_us;
    int64_t whole = (int64_t)product;
    double rest = product - (double)whole;
    return add_part(reading, MICROSECONDS, whole + (rest > 0.5) - (rest < -0.5), 1);
}

/* Each unit comes once. */
static bool note_units(struct reading *reading, uint32_t mask)
{
    bool is_new = (reading->seen & mask) == 0;
    reading->seen |= mask;
    return is_new;
}

static bool add_unit(struct reading *reading, const struct number *number, int unit_index)
{
    const struct unit *unit = &units[unit_index];
    int64_t whole = number->is_negative ? -number->whole : number->whole;
    double fraction = number->is_negative ? -number->fraction : number->fraction;
    uint32_t mask = unit_index == UNIT_SECOND && fraction != 0 ? UNITS_OF_A_SECOND : 1u << unit_index;
    if (!note_units(reading, mask) || !add_part(reading, MONTHS, whole, unit->months) ||
        !add_part(reading, DAYS, whole, unit->days) ||
        !add_part(reading, MICROSECONDS, whole, unit->microseconds))
        return false;
    if (unit->microseconds != 0)
        return add_fraction_us(reading, fraction, unit->microseconds);
    if (unit->months > 1)
        return add_part(reading, MONTHS, (int64_t)rint(fraction * (double)unit->months), 1);
    double days = fraction * (double)(unit->months == 1 ? MONTH_DAYS : unit->days);
    /* PostgreSQL reads from the end, and a clock forgets the hours behind it. */
    double day = (reading->seen & A_CLOCK) != 0 ? 0 : days - trunc(days);
    return add_part(reading, DAYS, (int64_t)days, 1) && add_fraction_us(reading, day, DAY_US);
}

static bool take_number(struct cursor *cursor, struct number *number_out)
{
    const char *start = cursor->at;
    *number_out = (struct number){.is_negative = take_sign(cursor)};
    bool has_sign = cursor->at != start;
    skip_spaces(cursor);
    bool has_whole = take_digits(cursor, 1, NUMBER_DIGITS, &number_out->whole);
    bool has_fraction = take(cursor, '.') && od_take_fraction(cursor, &number_out->fraction);
    return has_whole || (has_fraction && !has_sign); /* PostgreSQL has -0.5, but not -.5 */
}

/* Of a field: neither a date nor a month's name with a day is an interval. */
static bool field_ends(const struct cursor *cursor)
{
    return cursor->at == cursor->end || is_space(*cursor->at) || *cursor->at == ',' || *cursor->at == '@';
}

/* The rest of "hours:minutes[:seconds[.fraction]]", or of "minutes:seconds.fraction", behind the first number. */
static bool take_clock(struct cursor *cursor, const struct number *first, struct reading *reading)
{
    int64_t fields[3] = {first->whole, 0, 0}; /* hours, minutes, seconds */
    double fraction = 0;
    if (!take_digits(cursor, 1, 2, &fields[1]))
        return false;
    bool has_seconds = take(cursor, ':');
    if (has_seconds && !take_digits(cursor, 1, 2, &fields[2]))
        return false;
    if (take(cursor, '.')) {
        if (!od_take_fraction(cursor, &fraction))
            return false;
        if (!has_seconds) {
            fields[2] = fields[1];
            fields[1] = fields[0];
            fields[0] = 0;
        }
    }
    if (!field_ends(cursor) || fields[1] > 59 || fields[2] > 60 ||
        !note_units(reading, UNITS_OF_A_CLOCK | A_CLOCK))
        return false;
    int64_t sign = first->is_negative ? -1 : 1;
    return add_part(reading, MICROSECONDS, sign * fields[0], HOUR_US) &&
           add_part(reading, MICROSECONDS, sign * fields[1], MINUTE_US) &&
           add_part(reading, MICROSECONDS, sign * fields[2], SECOND_US) &&
           add_part(reading, MICROSECONDS, sign * (int64_t)rint(fraction * 1e6), 1);
}

/* Letters, in lower case, between spaces; empty (" ") when there are none or too many. */
static void take_word(struct cursor *cursor, char word[WORD_BYTES_MAX + 3])
{
    size_t size = 0;
    word[0] = ' ';
    for (; cursor->at < cursor->end && lower(*cursor->at) >= 'a' && lower(*cursor->at) <= 'z'; cursor->at++) {
        if (size < WORD_BYTES_MAX)
            word[++size] = lower(*cursor->at);
    }
    memcpy(word + size + 1, size == 0 ? "" : " ", size == 0 ? 1 : 2);
}

static int find_unit(const char *word)
{
    int unit = 0;
    while (unit < UNIT_COUNT && strstr(units[unit].names, word) == NULL)
        unit++;
    return unit;
}

/* Whether a clock time stands next: then the number before it counts days. */
static bool clock_is_next(struct cursor cursor)
{
    struct number number;
    return take_number(&cursor, &number) && take(&cursor, ':');
}

static bool take_field(struct cursor *cursor, struct reading *reading)
{
    struct number number;
    if (!take_number(cursor, &number))
        return false;
    if (take(cursor, ':'))
        return number.fraction == 0 && take_clock(cursor, &number, reading);
    if (take(cursor, '-')) {
        int64_t months;
        if (number.fraction != 0 || !take_digits(cursor, 1, 2, &months) || months > 11)
            return false;
        if (__builtin_mul_overflow(number.whole, 12, &number.whole))
            return false;
        number.whole += months;
        return field_ends(cursor) && add_unit(reading, &number, UNIT_MONTH);
    }
    skip_spaces(cursor);
    if (cursor->at == cursor->end)
        return add_unit(reading, &number, UNIT_SECOND);
    if (clock_is_next(*cursor))
        return add_unit(reading, &number, UNIT_DAY);
    char word[WORD_BYTES_MAX + 3];
    take_word(cursor, word);
    int unit = word[1] == '\0' ? UNIT_COUNT : find_unit(word);
    bool ends = field_ends(cursor) || /* these PostgreSQL knows from dates, too, and splits */
                ((is_digit(*cursor->at) || *cursor->at == '+') && strstr(" d h m mon s y ", word) != NULL);
    return ends && unit < UNIT_COUNT && add_unit(reading, &number, unit);
}

static bool take_fields(struct cursor *cursor, struct reading *reading)
{
    for (;;) {
        while (skip_spaces(cursor) || take(cursor, '@') || take(cursor, ','))
            continue;
        if (cursor->at == cursor->end)
            return reading->seen != 0;
        if (lower(*cursor->at) == 'a') {
            bool fits = true;
            for (int i = 0; i < 3; i++)
                fits = !__builtin_sub_overflow(0, reading->parts[i], &reading->parts[i]) && fits;
            return fits && equals_any_case(*cursor, "ago") && reading->seen != 0;
        }
        if (!take_field(cursor, reading))
            return false;
    }
}

/* What follows the P of P1Y2M3W4DT5H6M7S. */
static bool take_iso(struct cursor *cursor, struct reading *reading)
{
    bool is_clock = false;
    while (cursor->at < cursor->end) {
        if (!is_clock && take(cursor, 'T')) {
            is_clock = true;
            continue;
        }
        struct number number;
        if (*cursor->at == '+' || !take_number(cursor, &number) || cursor->at == cursor->end)
            return false;
        number.fraction =
            (double)number.whole + number.fraction - (double)number.whole; /* it is read in one there */
        int unit = 0;
        while (unit < UNIT_COUNT &&
               (units[unit].iso != *cursor->at || (units[unit].microseconds != 0) != is_clock))
            unit++;
        cursor->at++;
        if (unit == UNIT_COUNT || !add_unit(reading, &number, unit))
            return false;
    }
    return reading->seen != 0;
}

static bool pack(int64_t months, int64_t days, int64_t microseconds, struct od_interval *result_out)
{
    *result_out = (struct od_interval){(int32_t)months, (int32_t)days, microseconds};
    return result_out->months == months && result_out->days == days;
}

bool od_interval_parse(const char *text, uint32_t size, struct od_interval *interval_out)
{
    struct cursor cursor = cursor_over(text, size);
    struct reading reading = {.seen = 0};
    if (take(&cursor, 'P') ? !take_iso(&cursor, &reading) : !take_fields(&cursor, &reading))
        return false;
    return pack(reading.parts[MONTHS], reading.parts[DAYS], reading.parts[MICROSECONDS], interval_out);
}

/* --- printing ------------------------------------------------------------------------------------------------------ */

/* EncodeInterval of datetime.c: behind a negative field the next one says "+" when it is positive. */
bool od_interval_print(const struct od_interval *interval, struct od_buffer *buffer)
{
    const struct {
        const char *unit;
        int32_t count;
    } fields[] = {{"year", interval->months / 12}, {"mon", interval->months % 12}, {"day", interval->days}};
    const char *space = "";
    bool was_negative = false;
    for (size_t i = 0; i < 3; i++) {
        int32_t count = fields[i].count;
        if (count == 0)
            continue;
        od_buffer_print(buffer, "%s%s%" PRId32 " %s%s", space, was_negative && count > 0 ? "+" : "", count,
                        fields[i].unit, count == 1 ? "" : "s");
        was_negative = count < 0;
        space = " ";
    }
    if (*space != '\0' && interval->microseconds == 0)
        return !buffer->failed;
    bool is_negative = interval->microseconds < 0;
    uint64_t rest = is_negative ? -(uint64_t)interval->microseconds : (uint64_t)interval->microseconds;
    od_buffer_print(buffer, "%s%s%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, space,
                    is_negative    ? "-"
                    : was_negative ? "+"
                                   : "",
                    rest / (uint64_t)HOUR_US, rest / (uint64_t)MINUTE_US % 60,
                    rest / (uint64_t)SECOND_US % 60);
    return od_print_fraction((uint32_t)(rest % (uint64_t)SECOND_US), buffer);
}

/* --- arithmetic ---------------------------------------------------------------------------------------------------- */

static __int128 span_us(const struct od_interval *interval)
{
    __int128 days = (int64_t)interval->months * MONTH_DAYS + interval->days;
    return days * DAY_US + interval->microseconds;
}

int od_interval_compare(const struct od_interval *left, const struct od_interval *right)
{
    __int128 a = span_us(left);
    __int128 b = span_us(right);
    return (a > b) - (a < b);
}

uint64_t od_interval_hash(const struct od_interval *interval)
{
    __int128 span = span_us(interval);
    return (uint64_t)span ^ (uint64_t)(span >> 64);
}

bool od_interval_add(const struct od_interval *left, const struct od_interval *right,
                     struct od_interval *result_out)
{
    int64_t microseconds;
    bool fits = !__builtin_add_overflow(left->microseconds, right->microseconds, &microseconds);
    return pack((int64_t)left->months + right->months, (int64_t)left->days + right->days, microseconds,
                result_out) &&
           fits;
}

bool od_interval_negate(const struct od_interval *interval, struct od_interval *result_out)
{
    int64_t microseconds;
    bool fits = !__builtin_sub_overflow(0, interval->microseconds, &microseconds);
    return pack(-(int64_t)interval->months, -(int64_t)interval->days, microseconds, result_out) && fits;
}

/* Doubles that are seconds or days are rounded to the sixth digit before they go on (TSROUND of timestamp.h). */
static double rounded(double number)
{
    return rint(number * 1e6) / 1e6;
}

static double scaled(double number, double factor, bool divides)
{
    return divides ? number / factor : number * factor;
}

/* interval_mul and interval_div of timestamp.c. */
bool od_interval_scale(const struct od_interval *interval, double factor, bool divides,
                       struct od_interval *result_out)
{
    double months = scaled(interval->months, factor, divides);
    double days = scaled(interval->days, factor, divides);
    if (!(fabs(months) <= INT32_MAX) || !(fabs(days) <= INT32_MAX))
        return false;
    double month_rest_days = rounded((months - trunc(months)) * MONTH_DAYS);
    double rest_seconds = rounded((days - trunc(days) + month_rest_days - trunc(month_rest_days)) * 86400);
    double more_days = trunc(rest_seconds / 86400); /* rounding may have made a day of it */
    rest_seconds -= more_days * 86400;
    double microseconds =
        rint(scaled((double)interval->microseconds, factor, divides) + rest_seconds * (double)SECOND_US);
    if (!(microseconds >= -0x1p63) || !(microseconds < 0x1p63))
        return false;
    return pack((int64_t)months, (int64_t)days + (int64_t)more_days + (int64_t)month_rest_days,
                (int64_t)microseconds, result_out);
}

bool od_timestamp_add_interval(int64_t timestamp, const struct od_interval *interval, int64_t *timestamp_out)
{
    int64_t days = timestamp / DAY_US - (timestamp % DAY_US < 0);
    int64_t time_us = timestamp - days * DAY_US;
    if (interval->months != 0) {
        int64_t year;
        uint32_t month;
        uint32_t day;
        od_date_to_civil(days, &year, &month, &day);
        int64_t months = year * 12 + (int64_t)month - 1 + interval->months;
        year = months / 12 - (months % 12 < 0);
        month = (uint32_t)(months - year * 12) + 1;
        uint32_t last = od_month_days(year, month);
        days = od_date_from_civil(year, month, day < last ? day : last);
    }
    __int128 sum = (__int128)(days + interval->days) * DAY_US + time_us + interval->microseconds;
    *timestamp_out = (int64_t)sum;
    return sum >= TIMESTAMP_MIN_US && sum <= INT64_MAX;
}

bool od_timestamp_subtract(int64_t left, int64_t right, struct od_interval *result_out)
{
    int64_t difference;
    if (__builtin_sub_overflow(left, right, &difference))
        return false;
    return pack(0, difference / DAY_US, difference % DAY_US, result_out);
}
