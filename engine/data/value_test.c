/* Goal: values print as PostgreSQL prints them, read back as the same value, and are ordered as PostgreSQL
 * orders them.
 * Method: pairs taken from PostgreSQL 15's documentation and behaviour; print-and-read over drawn bit
 * patterns and the extremes; the calendar walked day by day across leap years. */
#include "engine/data/type.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/random.h"
#include "engine/data/decimal.h"
#include "engine/world/posix.h"

static const char *printed(struct od_buffer *buffer, const struct od_value *value)
{
    od_buffer_reset(buffer);
    assert_true(od_value_print(value, buffer));
    return od_buffer_text(buffer);
}

static struct od_value float64(double number)
{
    return (struct od_value){.type = OD_TYPE_FLOAT64, .float64 = number};
}

struct pair {
    const char *input;
    const char *printed; /* NULL: must not be read */
};

static void check_pairs(enum od_type type, const struct pair *pairs, size_t pair_count)
{
    struct od_buffer buffer;
    od_buffer_init(&buffer, od_posix_memory());
    for (size_t i = 0; i < pair_count; i++) {
        struct od_value value;
        bool is_read = od_value_parse(type, pairs[i].input, (uint32_t)strlen(pairs[i].input), &value);
        if (is_read != (pairs[i].printed != NULL))
            fail_msg("%s '%s' was %s", od_type_text(type), pairs[i].input, is_read ? "read" : "refused");
        if (is_read)
            assert_string_equal(printed(&buffer, &value), pairs[i].printed);
    }
    od_buffer_release(&buffer);
}
#define CHECK_PAIRS(type, pairs) check_pairs(type, pairs, sizeof(pairs) / sizeof((pairs)[0]))

static void booleans(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"true", "t"}, {"TRUE", "t"}, {"tr", "t"}, {"y", "t"},  {"on", "t"}, {" 1 ", "t"},    {"false", "f"},
        {"of", "f"},   {"n", "f"},    {"0", "f"},  {"o", NULL}, {"", NULL},  {"truee", NULL}, {"2", NULL},
    };
    CHECK_PAIRS(OD_TYPE_BOOLEAN, pairs);
}

static void integers(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"0", "0"},
        {"-0", "0"},
        {"+7", "7"},
        {" 00501 ", "501"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"9223372036854775808", NULL},
        {"-9223372036854775809", NULL},
        {"99999999999999999999999", NULL},
        {"", NULL},
        {"-", NULL},
        {"1 2", NULL},
        {"1.0", NULL},
        {"0x10", NULL},
    };
    CHECK_PAIRS(OD_TYPE_INT64, pairs);
    static const struct pair narrow[] = {
        {"2147483647", "2147483647"}, {" -2147483648", "-2147483648"}, {"2147483648", NULL},
        {"-2147483649", NULL},        {"9223372036854775808", NULL},   {"1e3", NULL},
    };
    CHECK_PAIRS(OD_TYPE_INT32, narrow);
}

static void doubles(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"0", "0"},
        {"-0", "-0"},
        {"1.0", "1"},
        {"0.1", "0.1"},
        {"-2.50", "-2.5"},
        {"0.0001", "0.0001"},
        {"0.00001", "1e-05"},
        {"100000", "100000"},
        {"123456789012345", "123456789012345"},
        {"999999999999999", "999999999999999"},
        {"1e15", "1e+15"},
        {"1234567890123456", "1.234567890123456e+15"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"1e100", "1e+100"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"2.2250738585072014e-308", "2.2250738585072014e-308"},
        {"5e-324", "5e-324"},
        {"4.9406564584124654e-324", "5e-324"},
        {"NaN", "NaN"},
        {"nan", "NaN"},
        {"-NaN", "NaN"},
        {"inf", "Infinity"},
        {"-Infinity", "-Infinity"},
        {".5", "0.5"},
        {"5.", "5"},
        {" 1 ", "1"},
        {"1e400", NULL},
        {"1e-400", NULL},
        {"0e-400", "0"},
        {"0x10", NULL},
        {"1e", NULL},
        {".", NULL},
        {"1.2.3", NULL},
        {"", NULL},
        {"-", NULL},
        {"1,5", NULL},
    };
    CHECK_PAIRS(OD_TYPE_FLOAT64, pairs);
}

static void dates(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"1970-01-01", "1970-01-01"},
        {"2000-02-29", "2000-02-29"},
        {"1900-02-29", NULL},
        {"2001-1-5", "2001-01-05"},
        {"0001-01-01", "0001-01-01"},
        {"0044-03-15 BC", "0044-03-15 BC"},
        {"0001-02-29 BC", "0001-02-29 BC"},
        {"0000-01-01", NULL},
        {"12345-06-07", "12345-06-07"},
        {"5881580-07-11", "5881580-07-11"}, /* the last day of 32 bits */
        {"5881580-07-12", NULL},
        {"2001-13-01", NULL},
        {"2001-00-01", NULL},
        {"2001-01-32", NULL},
        {"2001-01", NULL},
        {"01-01-2001", NULL},
        {"2001-01-01 10:11:12", "2001-01-01"},
        {"2001-01-01 24:00:00", "2001-01-01"},
        {"2001-01-01T10:11Z", "2001-01-01"},
        {"2001/1/02", "2001-01-02"},
        {"2001/01-02", NULL},
        {"2001-01/02", NULL},
        {"2001-01-01 10:61", NULL},
        {"2001-01-01 ", "2001-01-01"},
        {"2001-01-01T", NULL},
        {"", NULL},
        {"BC", NULL},
    };
    CHECK_PAIRS(OD_TYPE_DATE, pairs);
}

static void timestamps(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"1970-01-01 00:00:00", "1970-01-01 00:00:00"},
        {"2015-05-17 10:05:03", "2015-05-17 10:05:03"},
        {"2015-05-17T10:05:03.25", "2015-05-17 10:05:03.25"},
        {"1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999"},
        {"2015-05-17 10:05", "2015-05-17 10:05:00"},
        {"2015-05-17", "2015-05-17 00:00:00"},
        {"2015-05-17 24:00:00", "2015-05-18 00:00:00"},
        {"2015-12-31 23:59:60", "2016-01-01 00:00:00"},
        {"2015-05-17 10:05:03.0000005", "2015-05-17 10:05:03"},
        {"2015-05-17 10:05:03.9999999", "2015-05-17 10:05:04"},
        {"2015-05-17 10:05:03.1234565", "2015-05-17 10:05:03.123456"}, /* half to even */
        {"2015-05-17 10:05:03.1234575", "2015-05-17 10:05:03.123458"},
        {"2015-05-17 10:05:03.123456500000000000000000000000000000000000000000001",
         "2015-05-17 10:05:03.123456"},
        {"0044-03-15 12:00:00 BC", "0044-03-15 12:00:00 BC"},
        {"294247-01-10 04:00:54.775807", "294247-01-10 04:00:54.775807"},
        {"294247-01-10 04:00:54.775808", NULL},
        {"290309-12-21 19:59:05.224192 BC", "290309-12-21 19:59:05.224192 BC"},
        {"2015-05-17 24:00:01", NULL},
        {"2015-05-17 10:60:00", NULL},
        {"2015-05-17 10", NULL},
        {"2015-5-7 1:5:3", "2015-05-07 01:05:03"},
        {"2015-05-17 10:05:03Z", "2015-05-17 10:05:03"},
        {"2015-05-17 10:05 z", "2015-05-17 10:05:00"},
        {"2015-05-17T10:05:03.5+00:00", "2015-05-17 10:05:03.5"},
        {"2015-05-17 10:05:03 -00", "2015-05-17 10:05:03"},
        {"0044-03-15 12:00:00Z BC", "0044-03-15 12:00:00 BC"},
        {"2015-05-17 10:05:03+02:00", NULL},
        {"2015-05-17 10:05:03+00:30", NULL},
        {"2015-05-17 10:05:03+00:", NULL},
        {"2015-05-17 10:05:03ZZ", NULL},
        {"2015-05-17Z", NULL},
        {"2015-05-17 10:05:03.", NULL},
        {"2015-05-17x10:05:03", NULL},
    };
    CHECK_PAIRS(OD_TYPE_TIMESTAMP, pairs);
}

static void check_reads_back(struct od_buffer *buffer, const struct od_value *value)
{
    const char *text = printed(buffer, value);
    struct od_value again;
    if (!od_value_parse(value->type, text, (uint32_t)strlen(text), &again))
        fail_msg("%s '%s' does not read back", od_type_text(value->type), text);
    if (od_value_compare_total(value, &again) != 0 &&
        !(value->type == OD_TYPE_FLOAT64 && isnan(value->float64)))
        fail_msg("%s '%s' reads back as another value", od_type_text(value->type), text);
}

static void drawn_values_read_back(void **state)
{
    (void)state;
    struct od_stream stream;
    struct od_buffer buffer;
    od_buffer_init(&buffer, od_posix_memory());
    od_stream_init(&stream, 5, "values");
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = od_stream_next(&stream);
        if (i % 8 == 0) /* subnormal */
            bits &= ~(UINT64_C(0x7ff) << 52);
        struct od_value value = {.type = OD_TYPE_FLOAT64};
        memcpy(&value.float64, &bits, sizeof(bits));
        check_reads_back(&buffer, &value);
        value = (struct od_value){.type = OD_TYPE_INT64, .int64 = (int64_t)bits};
        check_reads_back(&buffer, &value);
        value = (struct od_value){.type = OD_TYPE_TIMESTAMP, .int64 = (int64_t)bits};
        check_reads_back(&buffer, &value);
        value = (struct od_value){.type = OD_TYPE_DATE, .int64 = (int32_t)bits};
        check_reads_back(&buffer, &value);
        value.type = OD_TYPE_INT32;
        check_reads_back(&buffer, &value);
        value = (struct od_value){.type = OD_TYPE_DECIMAL, .decimal = od_decimal_make((int64_t)bits, i % 39)};
        check_reads_back(&buffer, &value);
        value = (struct od_value){.type = OD_TYPE_INTERVAL, .interval = {(int32_t)bits, (int32_t)(bits >> 9), (int64_t)bits >> 8}};
        check_reads_back(&buffer, &value);
    }
    static const int64_t extremes[] = {INT64_MIN, INT64_MAX, -1, 0, 1};
    for (size_t i = 0; i < 5; i++) {
        struct od_value value = {.type = OD_TYPE_TIMESTAMP, .int64 = extremes[i]};
        check_reads_back(&buffer, &value);
    }
    od_buffer_release(&buffer);
}

static void calendar_walks_day_by_day(void **state)
{
    (void)state;
    int64_t year;
    uint32_t month;
    uint32_t day;
    uint32_t last_day = 31;
    uint32_t last_month = 12;
    for (int64_t days = od_date_from_civil(-801, 1, 1); days < od_date_from_civil(2410, 1, 1); days++) {
        od_date_to_civil(days, &year, &month, &day);
        assert_true(od_date_from_civil(year, month, day) == days);
        bool is_next_day = month == last_month && day == last_day + 1;
        bool is_next_month = day == 1 && month == last_month % 12 + 1 && last_day >= 28;
        assert_true(is_next_day || is_next_month);
        last_day = day;
        last_month = month;
    }
    assert_true(od_date_from_civil(2000, 3, 1) == 11017);
}

static void order_is_postgresqls(void **state)
{
    (void)state;
    const struct od_value ascending[] = {
        float64(-(double)INFINITY), float64(-1),          float64(0), float64(1e-300),
        float64((double)INFINITY),  float64((double)NAN),
    };
    for (int i = 0; i < 6; i++) {
        for (int k = 0; k < 6; k++) {
            int order = od_value_compare(&ascending[i], &ascending[k]);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
    }
    struct od_value zero = float64(0.0);
    struct od_value minus_zero = float64(-0.0);
    struct od_value null = {.type = OD_TYPE_FLOAT64, .is_null = true};
    assert_int_equal(od_value_compare(&zero, &minus_zero), 0);
    assert_true(od_value_compare_total(&minus_zero, &zero) < 0);
    assert_true(od_value_compare_total(&zero, &minus_zero) > 0);
    struct od_value other_nan = float64(-(double)NAN);
    assert_int_equal(od_value_compare_total(&ascending[5], &other_nan), 0); /* its bits are not to be seen */
    assert_true(od_value_compare_total(&ascending[5], &null) < 0);
    assert_int_equal(od_value_compare_total(&null, &null), 0);
    struct od_value small = {.type = OD_TYPE_TEXT, .text = {"ab", 2}};
    struct od_value large = {.type = OD_TYPE_TEXT, .text = {"ab\0", 3}};
    struct od_value high = {.type = OD_TYPE_TEXT, .text = {"\xc3\xa4", 2}};
    struct od_value empty = {.type = OD_TYPE_TEXT, .text = {NULL, 0}};
    assert_true(od_value_compare(&small, &large) < 0);
    assert_true(od_value_compare(&high, &large) > 0);
    assert_true(od_value_compare(&empty, &small) < 0);
}

static void schemas_are_copied_deeply(void **state)
{
    (void)state;
    char name[] = "a";
    struct od_field fields[] = {{name, OD_TYPE_INT64, true}, {"b", OD_TYPE_TEXT, false}};
    struct od_schema schema = {2, fields};
    struct od_arena arena;
    struct od_schema copy;
    od_arena_init(&arena, od_posix_memory(), 0);
    assert_int_equal(od_schema_copy(&arena, &schema, &copy, NULL), OD_OK);
    uint64_t hash = od_schema_hash(&schema);
    name[0] = 'z';
    assert_string_equal(copy.fields[0].name, "a");
    assert_int_equal(od_schema_find(&copy, "b"), 1);
    assert_int_equal(od_schema_find(&copy, "z"), OD_FIELD_NONE);
    assert_true(od_schema_hash(&copy) == hash); /* names do not matter, types and their order do */
    fields[0].type = OD_TYPE_TEXT;
    fields[1].type = OD_TYPE_INT64;
    assert_true(od_schema_hash(&schema) != hash);
    od_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(booleans),
        cmocka_unit_test(integers),
        cmocka_unit_test(doubles),
        cmocka_unit_test(dates),
        cmocka_unit_test(timestamps),
        cmocka_unit_test(drawn_values_read_back),
        cmocka_unit_test(calendar_walks_day_by_day),
        cmocka_unit_test(order_is_postgresqls),
        cmocka_unit_test(schemas_are_copied_deeply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
