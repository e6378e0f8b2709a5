/* Goal: intervals are read, printed and added as PostgreSQL 15 does.
 * Method: every expectation below is PostgreSQL 15's own answer; NULL: it must be refused. */
#include "engine/data/interval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/world/posix.h"

struct row {
    const char *input;
    const char *argument;
    const char *expected;
};

static struct od_value timestamp_of(const char *text)
{
    struct od_value value;
    assert_true(od_value_parse(OD_TYPE_TIMESTAMP, text, (uint32_t)strlen(text), &value));
    return value;
}

/* True and the result, or false. */
typedef bool (*operation)(const struct row *row, struct od_value *result);

static void check(const struct row *rows, size_t count, operation run)
{
    struct od_buffer buffer;
    od_buffer_init(&buffer, od_posix_memory());
    for (size_t i = 0; i < count; i++) {
        struct od_value result = {.type = OD_TYPE_INTERVAL};
        bool is_read = run(&rows[i], &result);
        od_buffer_reset(&buffer);
        if (is_read != (rows[i].expected != NULL))
            fail_msg("'%s' was %s", rows[i].input, is_read ? "read" : "refused");
        if (is_read &&
            (!od_value_print(&result, &buffer) || strcmp(od_buffer_text(&buffer), rows[i].expected) != 0))
            fail_msg("'%s' became '%s', expected '%s'", rows[i].input, od_buffer_text(&buffer),
                     rows[i].expected);
    }
    od_buffer_release(&buffer);
}
#define CHECK(rows, run) check(rows, sizeof(rows) / sizeof((rows)[0]), run)

static bool read(const struct row *row, struct od_value *result)
{
    return od_interval_parse(row->input, (uint32_t)strlen(row->input), &result->interval);
}

static void texts(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 year 2 mons 3 days 04:05:06.7", NULL, "1 year 2 mons 3 days 04:05:06.7"},
        {"1 month", NULL, "1 mon"},
        {"90 days", NULL, "90 days"},
        {"04:05", NULL, "04:05:00"},
        {"1 2:03:04", NULL, "1 day 02:03:04"},
        {"-1 2:03:04", NULL, "-1 days +02:03:04"},
        {"1-2", NULL, "1 year 2 mons"},
        {"-1-2 3 4:05:06", NULL, "-1 years -2 mons +3 days 04:05:06"},
        {"1 day ago", NULL, "-1 days"},
        {"@ 1 hour ago", NULL, "-01:00:00"},
        {"P1Y2M3DT4H5M6.7S", NULL, "1 year 2 mons 3 days 04:05:06.7"},
        {"PT36H", NULL, "36:00:00"},
        {"P-1.5W", NULL, "-10 days -12:00:00"},
        {"P1M", NULL, "1 mon"},
        {"PT1M", NULL, "00:01:00"},
        {"5", NULL, "00:00:05"},
        {"1.5", NULL, "00:00:01.5"},
        {"", NULL, NULL},
        {"ago", NULL, NULL},
        {"1 day 1 day", NULL, NULL},
        {"1 2", NULL, NULL},
        {"- 3 days", NULL, "-3 days"},
        {"1 day -2", NULL, "1 day -00:00:02"},
        {"day", NULL, NULL},
        {"1d2h", NULL, "1 day 02:00:00"},
        {"12:30.5", NULL, "00:12:30.5"},
        {"P", NULL, NULL},
        {"1 mon 2 months", NULL, NULL},
        {"1 day, 2 hours", NULL, "1 day 02:00:00"},
        {"2147483647 mons", NULL, "178956970 years 7 mons"},
        {"2147483648 mons", NULL, NULL},
        {"1.5 mons", NULL, "1 mon 15 days"},
        {"1.5 years", NULL, "1 year 6 mons"},
        {"-0.5 days", NULL, "-12:00:00"},
        {"0.1 mon", NULL, "3 days"},
        {"1 century 2 decades", NULL, "120 years"},
        {"1.5 weeks", NULL, "10 days 12:00:00"},
        {"-3 days +04:00", NULL, "-3 days +04:00:00"},
        {"1 mon -1 day", NULL, "1 mon -1 days"},
        {"10 sec 5 ms", NULL, "00:00:10.005"},
        {"1.5 sec 5 ms", NULL, NULL},
        {"infinity", NULL, NULL},
        {"1:2:3:4", NULL, NULL},
        {"1 quarter", NULL, NULL},
        {"178956970 years 8 mons", NULL, NULL},
        {"-2562047788:00:54.775807", NULL, "-2562047788:00:54.775807"},
        {"9999999999999999999 us", NULL, NULL},
        {"100:59:59.9999999", NULL, "101:00:00"},
        {"00:60", NULL, NULL},
        {"1-12", NULL, NULL},
        {"+1 day", NULL, "1 day"},
        {"P+1D", NULL, NULL},
    };
    CHECK(rows, read);
}

static bool add_to_timestamp(const struct row *row, struct od_value *result)
{
    struct od_interval interval;
    assert_true(od_interval_parse(row->argument, (uint32_t)strlen(row->argument), &interval));
    *result = timestamp_of(row->input);
    return od_timestamp_add_interval(result->int64, &interval, &result->int64);
}

static void timestamps(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"2000-01-31 10:00:00", "1 month", "2000-02-29 10:00:00"},
        {"2004-02-29 00:00:00", "1 year", "2005-02-28 00:00:00"},
        {"2001-03-31 23:59:59.5", "-1 mon", "2001-02-28 23:59:59.5"},
        {"2000-12-31 12:00:00", "1 mon 1 day 12:00:00", "2001-02-02 00:00:00"},
        {"1999-12-31 23:59:59", "-1 year -1 mon", "1998-11-30 23:59:59"},
        {"1970-01-01 00:00:00", "-00:00:00.000001", "1969-12-31 23:59:59.999999"},
        {"0001-01-15 00:00:00", "-1 mon", "0001-12-15 00:00:00 BC"},
        {"2000-01-01 00:00:00", "-7000 years", NULL},
    };
    CHECK(rows, add_to_timestamp);
}

static bool multiply(const struct row *row, struct od_value *result)
{
    double factor = row->argument[0] == '/' ? 7.5 : row->argument[0] == '*' ? -1.5 : 1e12;
    return read(row, result) &&
           od_interval_scale(&result->interval, factor, row->argument[0] == '/', &result->interval);
}

static void products(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 mon 1 day 01:00:00", "*", "-1 mons -16 days -13:30:00"},
        {"1 year", "/", "1 mon 18 days"},
        {"10 days", "/", "1 day 08:00:00"},
        {"1 mon", "/", "4 days"},
        {"00:00:01", "/", "00:00:00.133333"},
        {"-3 mons 5 days 00:00:00.000001", "*", "4 mons 8 days -12:00:00.000002"},
        {"1 mon", "x", NULL},
    };
    CHECK(rows, multiply);
}

static bool subtract(const struct row *row, struct od_value *result)
{
    return od_timestamp_subtract(timestamp_of(row->input).int64, timestamp_of(row->argument).int64,
                                 &result->interval);
}

static bool add_and_negate(const struct row *row, struct od_value *result)
{
    struct od_interval other;
    return read(row, result) && od_interval_parse(row->argument, (uint32_t)strlen(row->argument), &other) &&
           od_interval_add(&result->interval, &other, &result->interval) &&
           od_interval_negate(&result->interval, &result->interval);
}

static void sums(void **state)
{
    (void)state;
    static const struct row differences[] = {
        {"2000-03-01 00:00:00", "2000-02-01 12:00:00", "28 days 12:00:00"},
        {"2000-01-01 00:00:00", "2000-01-02 00:00:01", "-1 days -00:00:01"},
        {"2000-01-01 00:00:00", "2000-01-01 00:00:00", "00:00:00"},
    };
    CHECK(differences, subtract);
    static const struct row negated_sums[] = {
        {"1 mon", "-1 day 01:00", "-1 mons +1 day -01:00:00"},
        {"1 year 3 days", "2 mons -00:00:01", "-1 years -2 mons -3 days +00:00:01"},
        {"2147483647 mons", "1 mon", NULL},
        {"2562047788:00:54.775807", "00:00:00.000001", NULL},
        {"-2147483648 days", "0", NULL}, /* PostgreSQL 15 wraps around */
    };
    CHECK(negated_sums, add_and_negate);
}

static void order_counts_months_as_30_days(void **state)
{
    (void)state;
    static const struct od_interval ascending[] = {{-1, 0, 0}, {0, 0, -1}, {0, 0, 0}, {0, 29, 0},
                                                   {1, 0, 0},  {1, 0, 1},  {0, 31, 0}};
    for (int i = 0; i < 7; i++) {
        for (int k = 0; k < 7; k++)
            assert_int_equal(od_interval_compare(&ascending[i], &ascending[k]), (i > k) - (i < k));
    }
    static const struct od_interval month_in_hours = {0, 0, INT64_C(30) * 24 * 3600 * 1000000};
    assert_int_equal(od_interval_compare(&ascending[4], &month_in_hours), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(timestamps),
        cmocka_unit_test(products),
        cmocka_unit_test(sums),
        cmocka_unit_test(order_counts_months_as_30_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
