/* Goal: the model means what PostgreSQL 15 means, where mistakes are likely.
 * Method: tables of small facts, each read off PostgreSQL's documentation or behaviour; SQLite's agreement
 * over whole plans is tested in oracle_sqlite_test.c. */
#include "properties/model_parts.h"
#include "properties/model_decimal.h"
#include "properties/plain_memory.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct od_value integer(int64_t number)
{
    struct od_value value = {.type = OD_TYPE_INT64};
    value.int64 = number;
    return value;
}
static struct od_value narrow(int64_t number)
{
    struct od_value value = {.type = OD_TYPE_INT32};
    value.int64 = number;
    return value;
}
static struct od_value numeric(const char *text)
{
    struct od_value value = {.type = OD_TYPE_DECIMAL};
    assert_true(od_model_decimal_read(text, &value.decimal));
    return value;
}
static struct od_value real(double number)
{
    struct od_value value = {.type = OD_TYPE_FLOAT64};
    value.float64 = number;
    return value;
}
static struct od_value text(const char *bytes)
{
    struct od_value value = {.type = OD_TYPE_TEXT};
    value.text.bytes = bytes;
    value.text.size = (uint32_t)strlen(bytes);
    return value;
}
static struct od_value null(enum od_type type)
{
    struct od_value value = {.type = type};
    value.is_null = true;
    return value;
}
static struct od_value truth(bool boolean)
{
    struct od_value value = {.type = OD_TYPE_BOOLEAN};
    value.boolean = boolean;
    return value;
}
static struct od_value moment(enum od_type type, int64_t number)
{
    struct od_value value = integer(number);
    value.type = type;
    return value;
}

static enum od_status evaluate(struct od_arena *arena, enum od_function function,
                               const struct od_value *values, uint32_t count, struct od_value *value_out)
{
    const struct od_expr *arguments[5], *call = NULL;
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(od_expr_literal(arena, &values[i], &arguments[i], NULL), OD_OK);
    assert_int_equal(od_expr_call(arena, function, arguments, count, &call, NULL), OD_OK);
    return od_model_evaluate(&(struct od_model){.arena = arena}, call, NULL, value_out);
}

struct fact {
    enum od_function function;
    struct od_value arguments[3];
    uint32_t count;
    enum od_status status;
    struct od_value result;
};

static void check_facts(const struct fact *facts, size_t count)
{
    struct od_memory memory = od_plain_memory();
    for (size_t i = 0; i < count; i++) {
        struct od_arena arena;
        struct od_value value;
        od_arena_init(&arena, &memory, 0);
        enum od_status status =
            evaluate(&arena, facts[i].function, facts[i].arguments, facts[i].count, &value);
        if (status != facts[i].status)
            fail_msg("fact %zu (%s): status %s", i, od_function_text(facts[i].function),
                     od_status_text(status));
        if (status == OD_OK && od_answer_compare_values(&value, &facts[i].result) != 0)
            fail_msg("fact %zu (%s): another result", i, od_function_text(facts[i].function));
        od_arena_release(&arena);
    }
}

#define FAILS OD_EVALUATION, integer(0)
static void numbers(void **state)
{
    const struct fact facts[] = {
        {OD_FUNCTION_ADD, {integer(INT64_MAX), integer(1)}, 2, FAILS},
        {OD_FUNCTION_DIVIDE, {integer(-7), integer(2)}, 2, OD_OK, integer(-3)},
        {OD_FUNCTION_DIVIDE, {integer(1), integer(0)}, 2, FAILS},
        {OD_FUNCTION_DIVIDE, {integer(INT64_MIN), integer(-1)}, 2, FAILS},
        {OD_FUNCTION_DIVIDE, {null(OD_TYPE_INT64), integer(0)}, 2, OD_OK, null(OD_TYPE_INT64)},
        {OD_FUNCTION_MODULO, {integer(-7), integer(2)}, 2, OD_OK, integer(-1)},
        {OD_FUNCTION_MODULO, {integer(INT64_MIN), integer(-1)}, 2, OD_OK, integer(0)},
        {OD_FUNCTION_ADD, {narrow(INT32_MAX), narrow(1)}, 2, FAILS},
        {OD_FUNCTION_ADD, {narrow(INT32_MAX), integer(1)}, 2, OD_OK, integer(INT64_C(2147483648))},
        {OD_FUNCTION_MULTIPLY, {narrow(46341), narrow(46341)}, 2, FAILS},
        {OD_FUNCTION_DIVIDE, {narrow(INT32_MIN), narrow(-1)}, 2, FAILS},
        {OD_FUNCTION_ABS, {narrow(INT32_MIN)}, 1, FAILS},
        {OD_FUNCTION_ADD, {numeric("1.50"), narrow(2)}, 2, OD_OK, numeric("3.50")},
        {OD_FUNCTION_ADD, {numeric("1.50"), real(2)}, 2, OD_OK, real(3.5)},
        {OD_FUNCTION_MULTIPLY, {numeric("-1.50"), numeric("0.20")}, 2, OD_OK, numeric("-0.3000")},
        {OD_FUNCTION_DIVIDE, {numeric("1"), narrow(3)}, 2, OD_OK, numeric("0.33333333333333333333")},
        {OD_FUNCTION_DIVIDE, {numeric("10000"), numeric("3")}, 2, OD_OK, numeric("3333.3333333333333333")},
        {OD_FUNCTION_DIVIDE, {numeric("1"), numeric("0.00")}, 2, FAILS},
        {OD_FUNCTION_MODULO, {numeric("-7.5"), narrow(2)}, 2, OD_OK, numeric("-1.5")},
        {OD_FUNCTION_MULTIPLY, {numeric("1e37"), numeric("10")}, 2, FAILS},
        {OD_FUNCTION_ROUND, {numeric("-2.5")}, 1, OD_OK, numeric("-3")},
        {OD_FUNCTION_ROUND, {numeric("1234.567"), narrow(-2)}, 2, OD_OK, numeric("1200")},
        {OD_FUNCTION_FLOOR, {numeric("-2.1")}, 1, OD_OK, numeric("-3")},
        {OD_FUNCTION_CEIL, {numeric("-2.9")}, 1, OD_OK, numeric("-2")},
        {OD_FUNCTION_NEGATE, {numeric("1.50")}, 1, OD_OK, numeric("-1.50")},
        {OD_FUNCTION_EQUAL, {numeric("1.50"), numeric("1.5")}, 2, OD_OK, truth(true)},
        {OD_FUNCTION_GREATEST, {numeric("1.5"), numeric("1.50")}, 2, OD_OK, numeric("1.5")},
        {OD_FUNCTION_SUBTRACT, {moment(OD_TYPE_DATE, 5), moment(OD_TYPE_DATE, 9)}, 2, OD_OK, narrow(-4)},
        {OD_FUNCTION_ADD, {moment(OD_TYPE_DATE, INT32_MAX), narrow(1)}, 2, FAILS},
        {OD_FUNCTION_EXTRACT,
         {text("second"), moment(OD_TYPE_TIMESTAMP, 1500000)},
         2,
         OD_OK,
         numeric("1.500000")},
        {OD_FUNCTION_EXTRACT,
         {text("epoch"), moment(OD_TYPE_TIMESTAMP, -500000)},
         2,
         OD_OK,
         numeric("-0.500000")},
        {OD_FUNCTION_EXTRACT, {text("epoch"), moment(OD_TYPE_DATE, 1)}, 2, OD_OK, numeric("86400")},
        {OD_FUNCTION_DIVIDE, {real(1), real(0)}, 2, FAILS},
        {OD_FUNCTION_DIVIDE, {real(NAN), real(0)}, 2, OD_OK, real(NAN)},
        {OD_FUNCTION_DIVIDE, {real(1), real(INFINITY)}, 2, OD_OK, real(0)},
        {OD_FUNCTION_MULTIPLY, {real(1e300), real(1e300)}, 2, FAILS},
        {OD_FUNCTION_MULTIPLY, {real(1e-300), real(1e-300)}, 2, FAILS},
        {OD_FUNCTION_ADD, {real(INFINITY), real(-INFINITY)}, 2, OD_OK, real(NAN)},
        {OD_FUNCTION_NEGATE, {integer(INT64_MIN)}, 1, FAILS},
        {OD_FUNCTION_NEGATE, {real(0.0)}, 1, OD_OK, real(-0.0)},
        {OD_FUNCTION_ROUND, {real(2.5)}, 1, OD_OK, real(2)},
        {OD_FUNCTION_CEIL, {real(-0.5)}, 1, OD_OK, real(-0.0)},
        {OD_FUNCTION_SQRT, {real(-1)}, 1, FAILS},
        {OD_FUNCTION_EQUAL, {real(NAN), real(NAN)}, 2, OD_OK, truth(true)},
        {OD_FUNCTION_EQUAL, {real(-0.0), real(0.0)}, 2, OD_OK, truth(true)},
        {OD_FUNCTION_GREATER, {real(NAN), real(INFINITY)}, 2, OD_OK, truth(true)},
        {OD_FUNCTION_GREATEST, {real(-0.0), real(0.0)}, 2, OD_OK, real(-0.0)},
        {OD_FUNCTION_LEAST, {null(OD_TYPE_INT64), integer(3), integer(2)}, 3, OD_OK, integer(2)},
        {OD_FUNCTION_NULLIF, {integer(3), null(OD_TYPE_INT64)}, 2, OD_OK, integer(3)},
        {OD_FUNCTION_IS_DISTINCT, {null(OD_TYPE_INT64), null(OD_TYPE_INT64)}, 2, OD_OK, truth(false)},
    };
    (void)state;
    check_facts(facts, sizeof(facts) / sizeof(facts[0]));
}

static void booleans(void **state)
{
    const struct od_value no = truth(false), yes = truth(true), unknown = null(OD_TYPE_BOOLEAN);
    const struct fact facts[] = {
        {OD_FUNCTION_AND, {unknown, no}, 2, OD_OK, no},  {OD_FUNCTION_AND, {unknown, yes}, 2, OD_OK, unknown},
        {OD_FUNCTION_OR, {unknown, yes}, 2, OD_OK, yes}, {OD_FUNCTION_OR, {unknown, no}, 2, OD_OK, unknown},
        {OD_FUNCTION_NOT, {unknown}, 1, OD_OK, unknown}, {OD_FUNCTION_IS_TRUE, {unknown}, 1, OD_OK, no},
        {OD_FUNCTION_IS_FALSE, {unknown}, 1, OD_OK, no}, {OD_FUNCTION_IS_FALSE, {no}, 1, OD_OK, yes},
        {OD_FUNCTION_IS_NULL, {unknown}, 1, OD_OK, yes},
    };
    (void)state;
    check_facts(facts, sizeof(facts) / sizeof(facts[0]));
}

static void texts(void **state)
{
    const struct fact facts[] = {
        {OD_FUNCTION_LENGTH, {text("\xc3\xa9t\xc3\xa9")}, 1, OD_OK, narrow(3)},
        {OD_FUNCTION_UPPER, {text("a\xc3\xa9z")}, 1, OD_OK, text("A\xc3\xa9Z")},
        {OD_FUNCTION_SUBSTRING, {text("hello"), narrow(2), narrow(3)}, 3, OD_OK, text("ell")},
        {OD_FUNCTION_SUBSTRING, {text("hello"), narrow(-1), narrow(4)}, 3, OD_OK, text("he")},
        {OD_FUNCTION_SUBSTRING, {text("hello"), narrow(9)}, 2, OD_OK, text("")},
        {OD_FUNCTION_SUBSTRING, {text("hello"), narrow(0), narrow(0)}, 3, OD_OK, text("")},
        {OD_FUNCTION_SUBSTRING, {text("x\xc3\xa9y"), narrow(2), narrow(1)}, 3, OD_OK, text("\xc3\xa9")},
        {OD_FUNCTION_SUBSTRING, {text("x"), narrow(1), narrow(-1)}, 3, FAILS},
        {OD_FUNCTION_SUBSTRING, {text("abc"), narrow(2), narrow(INT32_MAX)}, 3, OD_OK, text("bc")},
        {OD_FUNCTION_CONCATENATE, {text("a"), null(OD_TYPE_TEXT)}, 2, OD_OK, null(OD_TYPE_TEXT)},
        {OD_FUNCTION_LIKE, {text("abc"), text("a%c")}, 2, OD_OK, truth(true)},
        {OD_FUNCTION_LIKE, {text("\xc3\xa9"), text("_")}, 2, OD_OK, truth(true)},
        {OD_FUNCTION_LIKE, {text("a%"), text("a\\%")}, 2, OD_OK, truth(true)},
        {OD_FUNCTION_LIKE, {text("ab"), text("a\\%")}, 2, OD_OK, truth(false)},
        {OD_FUNCTION_LIKE, {text(""), text("")}, 2, OD_OK, truth(true)},
        {OD_FUNCTION_LIKE, {text(""), text("%%")}, 2, OD_OK, truth(true)},
        {OD_FUNCTION_LIKE, {text("A"), text("a")}, 2, OD_OK, truth(false)},
        {OD_FUNCTION_LIKE, {text("a\\"), text("a\\")}, 2, FAILS},
    };
    (void)state;
    check_facts(facts, sizeof(facts) / sizeof(facts[0]));
}

static void casts(void **state)
{
    struct od_memory memory = od_plain_memory();
    const struct {
        struct od_value from;
        enum od_type type;
        enum od_status status;
        struct od_value to;
    } facts[] = {
        {real(0.5), OD_TYPE_INT64, OD_OK, integer(0)},
        {real(1.5), OD_TYPE_INT64, OD_OK, integer(2)},
        {real(9223372036854775808.0), OD_TYPE_INT64, FAILS},
        {real(NAN), OD_TYPE_INT64, FAILS},
        {real(1e15), OD_TYPE_TEXT, OD_OK, text("1e+15")},
        {real(123456789012345.0), OD_TYPE_TEXT, OD_OK, text("123456789012345")},
        {real(0.0001), OD_TYPE_TEXT, OD_OK, text("0.0001")},
        {real(0.00001), OD_TYPE_TEXT, OD_OK, text("1e-05")},
        {real(-0.0), OD_TYPE_TEXT, OD_OK, text("-0")},
        {real(0.1), OD_TYPE_TEXT, OD_OK, text("0.1")},
        {real(5e-324), OD_TYPE_TEXT, OD_OK, text("5e-324")},
        {real(DBL_MAX), OD_TYPE_TEXT, OD_OK, text("1.7976931348623157e+308")},
        {real(-INFINITY), OD_TYPE_TEXT, OD_OK, text("-Infinity")},
        {real(0.1), OD_TYPE_DECIMAL, OD_OK, numeric("0.1")},
        {real(1e20), OD_TYPE_DECIMAL, OD_OK, numeric("100000000000000000000")},
        {real(123456.789012345678), OD_TYPE_DECIMAL, OD_OK, numeric("123456.789012346")},
        {real(NAN), OD_TYPE_DECIMAL, FAILS},
        {real(2.5), OD_TYPE_INT32, OD_OK, narrow(2)},
        {real(2147483648.0), OD_TYPE_INT32, FAILS},
        {integer(INT64_C(2147483648)), OD_TYPE_INT32, FAILS},
        {numeric("2.5"), OD_TYPE_INT32, OD_OK, narrow(3)},
        {numeric("9223372036854775807.5"), OD_TYPE_INT64, FAILS},
        {numeric("0.30"), OD_TYPE_FLOAT64, OD_OK, real(0.3)},
        {numeric("-0.050"), OD_TYPE_TEXT, OD_OK, text("-0.050")},
        {text(" 1.50 "), OD_TYPE_DECIMAL, OD_OK, numeric("1.50")},
        {text("1e3"), OD_TYPE_DECIMAL, OD_OK, numeric("1000")},
        {text("1.5.5"), OD_TYPE_DECIMAL, FAILS},
        {text("2147483648"), OD_TYPE_INT32, FAILS},
        {truth(true), OD_TYPE_INT32, OD_OK, narrow(1)},
        {truth(true), OD_TYPE_TEXT, OD_OK, text("true")},
        {text(" 42 "), OD_TYPE_INT64, OD_OK, integer(42)},
        {text("-9223372036854775808"), OD_TYPE_INT64, OD_OK, integer(INT64_MIN)},
        {text("9223372036854775808"), OD_TYPE_INT64, FAILS},
        {text("1.5"), OD_TYPE_INT64, FAILS},
        {text(""), OD_TYPE_INT64, FAILS},
        {text("1.5"), OD_TYPE_FLOAT64, OD_OK, real(1.5)},
        {text("nan"), OD_TYPE_FLOAT64, OD_OK, real(NAN)},
        {text("1e999"), OD_TYPE_FLOAT64, FAILS},
        {text("T"), OD_TYPE_BOOLEAN, OD_OK, truth(true)},
        {text("o"), OD_TYPE_BOOLEAN, FAILS},
        {text("2020-02-29"), OD_TYPE_DATE, OD_OK, moment(OD_TYPE_DATE, 18321)},
        {text("2021-02-29"), OD_TYPE_DATE, FAILS},
        {moment(OD_TYPE_DATE, -1), OD_TYPE_TEXT, OD_OK, text("1969-12-31")},
        {moment(OD_TYPE_TIMESTAMP, -1), OD_TYPE_TEXT, OD_OK, text("1969-12-31 23:59:59.999999")},
        {moment(OD_TYPE_TIMESTAMP, 1500000), OD_TYPE_TEXT, OD_OK, text("1970-01-01 00:00:01.5")},
        {moment(OD_TYPE_TIMESTAMP, -1), OD_TYPE_DATE, OD_OK, moment(OD_TYPE_DATE, -1)},
        {moment(OD_TYPE_DATE, 1), OD_TYPE_TIMESTAMP, OD_OK, moment(OD_TYPE_TIMESTAMP, INT64_C(86400000000))},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        struct od_arena arena;
        struct od_value value;
        od_arena_init(&arena, &memory, 0);
        enum od_status status =
            od_model_cast(&(struct od_model){.arena = &arena}, &facts[i].from, facts[i].type, &value);
        if (status != facts[i].status ||
            (status == OD_OK && od_answer_compare_values(&value, &facts[i].to) != 0))
            fail_msg("cast %zu: %s", i, od_status_text(status));
        od_arena_release(&arena);
    }
}

static void the_calendar_goes_there_and_back(void **state)
{
    (void)state;
    for (int64_t days = -800000; days < 3000000; days += 97) {
        struct od_civil civil = od_model_civil(days);
        assert_true(civil.month >= 1 && civil.month <= 12);
        assert_true(od_model_days(civil) == days);
    }
    struct od_civil leap = od_model_civil(11016);
    assert_int_equal(leap.year, 2000);
    assert_int_equal(leap.month, 2);
    assert_int_equal(leap.day, 29);
}

static void sums_are_rounded_once(void **state)
{
    struct od_memory memory = od_plain_memory();
    const struct {
        double numbers[6];
        uint32_t count;
        double sum;
        bool overflow;
    } facts[] = {
        {{1e16, 1, -1e16}, 3, 1, false},
        {{1e308, 1e308, -1e308}, 3, 1e308, false},
        {{DBL_MAX, DBL_MAX}, 2, INFINITY, true},
        {{DBL_MAX, 9.9792015476735990583e291}, 2, INFINITY, true}, /* half an ulp: to even, beyond */
        {{DBL_MAX, 9.9792015476735972e291}, 2, DBL_MAX, false},
        {{9007199254740992, 1}, 2, 9007199254740992, false}, /* a tie goes to even */
        {{9007199254740992, 1, 4.9406564584124654e-324}, 3, 9007199254740994, false},
        {{9007199254740994, 1}, 2, 9007199254740996, false},
        {{-9007199254740992, -1, -4.9406564584124654e-324}, 3, -9007199254740994, false},
        {{0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, 6, 0.6000000000000001, false}, /* exactly 0.6 + 3.3e-17 rounds up */
        {{4.9406564584124654e-324, -4.9406564584124654e-324}, 2, 0.0, false},
        {{-0.0, -0.0}, 2, -0.0, false},
        {{-0.0, 0.0}, 2, 0.0, false},
        {{INFINITY, -INFINITY}, 2, NAN, false},
        {{INFINITY, DBL_MAX, DBL_MAX}, 3, INFINITY, false},
        {{NAN, 1}, 2, NAN, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        struct od_arena arena;
        double sum;
        bool overflow;
        od_arena_init(&arena, &memory, 0);
        assert_int_equal(od_model_float_sum(&(struct od_model){.arena = &arena}, facts[i].numbers,
                                            facts[i].count, &sum, &overflow),
                         OD_OK);
        struct od_value got = real(sum), wanted = real(facts[i].sum);
        if (od_answer_compare_values(&got, &wanted) != 0 || overflow != facts[i].overflow)
            fail_msg("sum %zu: %.17g, wanted %.17g", i, sum, facts[i].sum);
        od_arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(booleans),
        cmocka_unit_test(texts),
        cmocka_unit_test(casts),
        cmocka_unit_test(the_calendar_goes_there_and_back),
        cmocka_unit_test(sums_are_rounded_once),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
