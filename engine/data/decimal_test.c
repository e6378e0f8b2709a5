/* Goal: numeric computes as PostgreSQL 15's does, as far as 38 digits reach, whatever way through the arithmetic is taken;
 * sums do not depend on order.
 * Method: a table of PostgreSQL's own answers, edges first; then drawn operands, whose results are checked by schoolbook
 * arithmetic on decimal digits. */
#include "engine/data/decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/random.h"
#include "engine/world/posix.h"

#define NINES_38 "99999999999999999999999999999999999999"

static struct od_decimal parsed(const char *text)
{
    struct od_decimal decimal;
    if (!od_decimal_parse(text, (uint32_t)strlen(text), &decimal))
        fail_msg("'%s' was refused", text);
    assert_true(od_decimal_is_sound(&decimal));
    return decimal;
}

static const char *printed(const struct od_decimal *decimal)
{
    static char text[64];
    struct od_buffer buffer;
    od_buffer_init(&buffer, od_posix_memory());
    assert_true(od_decimal_is_sound(decimal));
    assert_true(od_decimal_print(decimal, &buffer));
    snprintf(text, sizeof(text), "%s", od_buffer_text(&buffer));
    od_buffer_release(&buffer);
    return text;
}

/* --- PostgreSQL's answers ------------------------------------------------------------------------------------------ */

struct row {
    const char *operation;
    const char *left;
    const char *right;
    const char *expected; /* NULL: refused */
};

static bool run(const struct row *row, struct od_decimal *result)
{
    static const struct {
        const char *name;
        bool (*run)(const struct od_decimal *, const struct od_decimal *, struct od_decimal *);
    } binary[] = {{"+", od_decimal_add},    {"-", od_decimal_subtract}, {"*", od_decimal_multiply},
                  {"/", od_decimal_divide}, {"%", od_decimal_modulo},   {"div", od_decimal_divide_whole},
                  {"log", od_decimal_log},  {"power", od_decimal_power}};
    static const char *const roundings[] = {"round", "trunc", "floor", "ceil"};
    if (strcmp(row->operation, "parse") == 0)
        return od_decimal_parse(row->left, (uint32_t)strlen(row->left), result);
    if (strcmp(row->operation, "float") == 0)
        return od_decimal_from_float64(strtod(row->left, NULL), result);
    struct od_decimal left = parsed(row->left);
    for (size_t i = 0; i < sizeof(binary) / sizeof(binary[0]); i++) {
        if (strcmp(row->operation, binary[i].name) == 0) {
            struct od_decimal right = parsed(row->right);
            return binary[i].run(&left, &right, result);
        }
    }
    for (int i = 0; i < 4; i++) {
        if (strcmp(row->operation, roundings[i]) == 0)
            return od_decimal_round(&left, atoi(row->right), (enum od_rounding)i, result);
    }
    if (strcmp(row->operation, "fit") == 0)
        return od_decimal_fit(&left, atoi(row->right), atoi(strchr(row->right, ',') + 1), result);
    if (strcmp(row->operation, "exp") == 0)
        return od_decimal_exp(&left, result);
    if (strcmp(row->operation, "ln") == 0)
        return od_decimal_ln(&left, result);
    assert_string_equal(row->operation, "sqrt");
    return od_decimal_sqrt(&left, result);
}

static void answers_are_postgresqls(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"+", "1.50", "2.5", "4.00"},
        {"+", "99999999999999999999", "0.0000000001", "99999999999999999999.0000000001"},
        {"+", "-0.1", "0.1", "0.0"},
        {"-", "1", "0.999", "0.001"},
        {"*", "1.50", "2.0", "3.000"},
        {"*", "-12345678901234567890", "98765432109.87", "-1219326311370137171867820454074.30"},
        {"*", "0.00", "-5", "0.00"},
        {"/", "1", "3", "0.33333333333333333333"},
        {"/", "2", "3", "0.66666666666666666667"},
        {"/", "10", "4", "2.5000000000000000"},
        {"/", "1.00", "3.000000000000000000000", "0.333333333333333333333"},
        {"/", "10000", "3", "3333.3333333333333333"},
        {"/", "9999", "10000", "0.99990000000000000000"},
        {"/", "1", "10000", "0.000100000000000000000000"},
        {"/", "1", "9999", "0.00010001000100010001"},
        {"/", "123456789", "0.0001", "1234567890000.00000000"},
        {"/", "-7.5", "2", "-3.7500000000000000"},
        {"/", "100000000", "3", "33333333.333333333333"},
        {"/", "0", "7", "0.00000000000000000000"},
        {"/", "0.0001", "3", "0.000033333333333333333333"},
        {"/", "1e-8", "7", "0.0000000014285714285714285714"},
        {"/", "12345678901234567890", "7", "1763668414462081127"},
        {"/", "1", "1", "1.00000000000000000000"},
        {"/", "5.000000000000000000000000000001", "3", "1.666666666666666666666666666667"},
        {"%", "7.5", "2", "1.5"},
        {"%", "-7.5", "2", "-1.5"},
        {"%", "7", "-2.25", "0.25"},
        {"%", "1e20", "7", "2"},
        {"div", "7.5", "-2", "-3"},
        {"div", "-9", "2", "-4"},
        {"round", "2.5", "0", "3"},
        {"round", "-2.5", "0", "-3"},
        {"round", "1.005", "2", "1.01"},
        {"round", "1.5", "3", "1.500"},
        {"round", "1234.5", "-2", "1200"},
        {"round", "49", "-2", "0"},
        {"round", "50", "-2", "100"},
        {"round", "1", "-40", "0"},
        {"trunc", "-2.9", "0", "-2"},
        {"trunc", "1299", "-2", "1200"},
        {"trunc", "1.5", "3", "1.500"},
        {"floor", "-2.1", "0", "-3"},
        {"floor", "2.9", "0", "2"},
        {"ceil", "-2.9", "0", "-2"},
        {"ceil", "2.1", "0", "3"},
        {"ceil", "3.00", "0", "3"},
        {"fit", "123.456", "5,2", "123.46"},
        {"fit", "999.995", "5,2", NULL},
        {"fit", "999.994", "5,2", "999.99"},
        {"fit", "0.5", "2,2", "0.50"},
        {"fit", "1", "2,2", NULL},
        {"fit", "1500", "2,-2", "1500"},
        {"fit", "15000", "2,-2", NULL},
        {"fit", "7", "10,3", "7.000"},
        {"exp", "1", "", "2.7182818284590452"},
        {"exp", "-45.5", "", "0.00000000000000000001736205283100295"},
        {"exp", "67.5", "", "206479779840901637980301456354.3"},
        {"exp", "80.5", "", NULL}, /* more digits than are right */
        {"exp", "-80", "", NULL},
        {"exp", "1000", "", NULL},
        {"ln", "2", "", "0.6931471805599453"},
        {"ln", "1", "", "0.0000000000000000"},
        {"ln", "0.000000000001", "", "-27.631021115928548"},
        {"ln", "1.00000000000001", "", "0.000000000000009999999999999950"},
        {"ln", "1.00000000000000000001", "", NULL},
        {"log", "2", "1024", "10.0000000000000000"},
        {"log", "0.9999999999", "12345678", NULL},
        {"power", "2", "0.5", "1.4142135623730950"},
        {"power", "1.0000001", "123456.7", "1.0124221917413060"},
        {"power", "10", "-20.5", "0.000000000000000000003162277660168379"},
        {"sqrt", "2", "", "1.414213562373095"},
        {"sqrt", "0", "", "0.000000000000000"},
        {"sqrt", "0.0004", "", "0.02000000000000000"},
        {"sqrt", "123456789", "", "11111.11106055556"},
        {"sqrt", "1e20", "", "10000000000.00000"},
        {"sqrt", "2.000000000000000000000000", "", "1.414213562373095048801689"},
        {"sqrt", "1e-20", "", "0.0000000001000000000000000"},
        {"parse", "007.50", "", "7.50"},
        {"parse", ".5", "", "0.5"},
        {"parse", "5.", "", "5"},
        {"parse", "-0.0", "", "0.0"},
        {"parse", " +1e3 ", "", "1000"},
        {"parse", "1.25e1", "", "12.5"},
        {"parse", "1.25e-3", "", "0.00125"},
        {"parse", "1e", "", NULL},
        {"parse", ".", "", NULL},
        {"parse", "", "", NULL},
        {"parse", "1 2", "", NULL},
        {"parse", "--1", "", NULL},
        {"parse", "1.2.3", "", NULL},
        {"parse", "0x10", "", NULL},
        {"parse", "99999999999999999999999999999999999999", "", "99999999999999999999999999999999999999"},
        {"float", "0.1", "", "0.1"},
        {"float", "1e20", "", "100000000000000000000"},
        {"float", "123456.789012345678", "", "123456.789012346"},
        {"float", "1.5e-7", "", "0.00000015"},
        {"float", "-0.0", "", "0"},
        {"float", "1e-30", "", "0.000000000000000000000000000001"},
        /* where 38 digits end */
        {"+", NINES_38, "1", NULL},
        {"+", NINES_38, "0.4", NINES_38},
        {"+", NINES_38, "0.5", NULL},
        {"-", "-" NINES_38, "1", NULL},
        {"*", NINES_38, "10", NULL},
        {"*", "1e-20", "1e-20", NULL},
        {"*", "1.2345678901234567890", "1.2345678901234567890", "1.5241578753238836750190519987501905210"},
        {"/", "1", "3e37", "0.00000000000000000000000000000000000003"},
        {"/", "1e-30", "1e30", NULL},
        {"/", "0", "3e37", "0.00000000000000000000000000000000000000"},
        {"/", NINES_38, "1e-10", NULL},
        {"round", NINES_38, "-1", NULL},
        {"parse", "123456789012345678901234567890123456789", "", NULL},
        {"parse", "1e-39", "", NULL},
        {"parse", "0.5e-37", "", "0.00000000000000000000000000000000000005"},
        {"parse", "1.0000000000000000000000000000000000000000000000005", "",
         "1.0000000000000000000000000000000000000"},
        {"parse", "0e-400", "", "0.00000000000000000000000000000000000000"},
        {"parse", "1e99999999999999999999", "", NULL},
        {"parse", "NaN", "", NULL},
        {"parse", "Infinity", "", NULL},
        {"float", "nan", "", NULL},
        {"float", "-inf", "", NULL},
        {"float", "1e38", "", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_decimal result;
        bool is_given = run(&rows[i], &result);
        const char *text = is_given ? printed(&result) : "refused";
        if (strcmp(text, rows[i].expected == NULL ? "refused" : rows[i].expected) != 0)
            fail_msg("%s %s %s: %s, expected %s", rows[i].left, rows[i].operation, rows[i].right, text,
                     rows[i].expected == NULL ? "refusal" : rows[i].expected);
    }
}

static void aggregates_are_postgresqls(void **state)
{
    (void)state;
    static const struct {
        const char *values;
        const char *sum, *average, *variance, *population_variance, *deviation;
    } rows[] = {
        {"1 2 3", "6", "2.0000000000000000", "1.00000000000000000000", "0.66666666666666666667",
         "1.00000000000000000000"},
        {"1.50 2.5", "4.00", "2.0000000000000000", "0.50000000000000000000", "0.25000000000000000000",
         "0.70710678118654752440"},
        {"0 0.00 0", "0.00", "0.00000000000000000000", "0", "0", "0"},
        {"-1e5 1e-5 3", "-99996.99999", "-33332.333330000000", "3333433336.6666566667",
         "2222288891.1111044445", "57735.8929667383"},
        {"99999999 99999998 3.33", "200000000.33", "66666666.776666666667", "3333333011333341.3596",
         "2222222007555560.9064", "57735024.1304"},
        {"5 5 5.000", "15.000", "5.0000000000000000", "0", "0", "0"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_decimal_moments moments = {0};
        struct od_decimal result;
        char values[200];
        snprintf(values, sizeof(values), "%s", rows[i].values);
        char *rest = values;
        for (char *word = strtok_r(rest, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
            struct od_decimal value = parsed(word);
            od_decimal_moments_add(&moments, &value);
        }
        assert_true(od_decimal_sum_total(&moments.sum, &result));
        assert_string_equal(printed(&result), rows[i].sum);
        assert_true(od_decimal_sum_average(&moments.sum, &result));
        assert_string_equal(printed(&result), rows[i].average);
        assert_true(od_decimal_moments_spread(&moments, (struct od_spread){.of_population = true}, &result));
        assert_string_equal(printed(&result), rows[i].population_variance);
        assert_true(od_decimal_moments_spread(&moments, (struct od_spread){.of_population = false}, &result));
        assert_string_equal(printed(&result), rows[i].variance);
        assert_true(od_decimal_moments_spread(&moments, (struct od_spread){.takes_root = true}, &result));
        assert_string_equal(printed(&result), rows[i].deviation);
    }
}

/* --- schoolbook ---------------------------------------------------------------------------------------------------- */

/* A whole number as decimal digits, least significant first. */
#define BIG_DIGITS 200
struct big {
    bool is_negative;
    int8_t digits[BIG_DIGITS];
};

/* decimal * 10^(scale - its own) */
static struct big big_of(const struct od_decimal *decimal, uint32_t scale)
{
    struct big big = {.is_negative = od_decimal_sign(decimal) < 0};
    __int128 rest = od_decimal_coefficient(decimal);
    for (size_t i = scale - decimal->scale; rest != 0; i++, rest /= 10)
        big.digits[i] = (int8_t)abs((int)(rest % 10));
    return big;
}

static int compare_magnitudes(const struct big *left, const struct big *right)
{
    for (size_t i = BIG_DIGITS; i-- > 0;) {
        if (left->digits[i] != right->digits[i])
            return left->digits[i] - right->digits[i];
    }
    return 0;
}

static struct big add(struct big left, struct big right)
{
    if (compare_magnitudes(&left, &right) < 0)
        return add(right, left);
    int sign = left.is_negative == right.is_negative ? 1 : -1;
    int carry = 0;
    for (size_t i = 0; i < BIG_DIGITS; i++) {
        carry += left.digits[i] + sign * right.digits[i];
        left.digits[i] = (int8_t)((carry + 10) % 10);
        carry = carry < 0 ? -1 : carry / 10;
    }
    return left;
}

static struct big multiply(const struct big *left, const struct big *right)
{
    struct big product = {.is_negative = left->is_negative != right->is_negative};
    int carry = 0;
    for (size_t i = 0; i < BIG_DIGITS; i++, carry /= 10) {
        for (size_t k = 0; k <= i; k++)
            carry += left->digits[k] * right->digits[i - k];
        product.digits[i] = (int8_t)(carry % 10);
    }
    return product;
}

static struct big negated(struct big big)
{
    big.is_negative = !big.is_negative;
    return big;
}

static bool is_zero(const struct big *big)
{
    static const struct big zero;
    return compare_magnitudes(big, &zero) == 0;
}

/* |difference| / 10^from is at most half a unit of the digit at `scale`, and nothing when the result is exact. */
static void check_rounding(const struct big *difference, uint32_t from, uint32_t scale, const char *what)
{
    struct big half = {0};
    if (from > scale)
        half.digits[from - scale - 1] = 5;
    if (compare_magnitudes(difference, &half) > 0)
        fail_msg("%s is not the nearest: scale %u", what, scale);
}

static struct od_decimal drawn(struct od_random *draws)
{
    static const uint32_t digit_counts[] = {1, 2, 5, 9, 18, 19, 20, 30, 37, 38};
    uint32_t digits = digit_counts[od_random_below(draws, 10)];
    bool is_extreme = od_random_chance(draws, 1, 3);
    int64_t extreme = od_random_between(draws, 0, 9);
    __int128 coefficient = 0;
    for (uint32_t i = 0; i < digits; i++)
        coefficient = coefficient * 10 + (is_extreme ? extreme : od_random_between(draws, 0, 9));
    uint32_t scale = (uint32_t)od_random_below(draws, od_random_chance(draws, 1, 2) ? 5 : 39);
    return od_decimal_make(od_random_chance(draws, 1, 2) ? -coefficient : coefficient, scale);
}

static void check_pair(const struct od_decimal *a, const struct od_decimal *b)
{
    struct od_decimal result;
    struct big big_a = big_of(a, 38);
    struct big big_b = big_of(b, 38);
    struct big sum = add(big_a, big_b);
    struct big difference = add(big_a, negated(big_b));
    if (od_decimal_add(a, b, &result)) {
        sum = add(sum, negated(big_of(&result, 38)));
        check_rounding(&sum, 38, (uint32_t)result.scale, "sum");
    }
    int order = is_zero(&difference) ? 0 : difference.is_negative ? -1 : 1;
    assert_int_equal(od_decimal_compare(a, b), order);
    assert_true(order != 0 || od_decimal_hash(a) == od_decimal_hash(b));
    if (od_decimal_subtract(a, b, &result)) {
        difference = add(difference, negated(big_of(&result, 38)));
        check_rounding(&difference, 38, (uint32_t)result.scale, "difference");
    }
    struct big product = multiply(&big_a, &big_b);
    if (od_decimal_multiply(a, b, &result)) {
        product = add(product, negated(big_of(&result, 76)));
        check_rounding(&product, 76, (uint32_t)result.scale, "product");
    }
    if (od_decimal_is_zero(b))
        return;
    struct od_decimal whole;
    if (od_decimal_divide_whole(a, b, &whole) && od_decimal_modulo(a, b, &result)) {
        struct big big_whole = big_of(&whole, 0);
        struct big remainder = big_of(&result, 38);
        struct big again = multiply(&big_whole, &big_b);
        again = add(add(again, remainder), negated(big_a));
        assert_true(is_zero(&again));
        assert_true(compare_magnitudes(&remainder, &big_b) < 0);
        assert_true(od_decimal_sign(&result) * od_decimal_sign(a) >= 0);
    }
    if (od_decimal_divide(a, b, &result)) { /* |2 (a - result b)| <= |b| / 10^scale, at scale 76 + 1 */
        struct big quotient = big_of(&result, 38);
        struct big rest = multiply(&quotient, &big_b);
        static const struct big ten_38 = {.digits = {[38] = 1}};
        rest = add(multiply(&big_a, &ten_38), negated(rest));
        rest = add(rest, rest);
        struct big unit = {0};
        unit.digits[38 - result.scale] = 1;
        unit = multiply(&unit, &big_b);
        assert_true(compare_magnitudes(&rest, &unit) <= 0);
    }
}

static void drawn_pairs_agree_with_schoolbook(void **state)
{
    (void)state;
    struct od_stream stream;
    od_stream_init(&stream, 7, "decimal");
    for (int i = 0; i < 4000; i++) {
        struct od_decimal a = drawn(&stream.random);
        struct od_decimal b = drawn(&stream.random);
        check_pair(&a, &b);
        struct od_decimal padded;
        assert_true(od_decimal_round(&a, (int64_t)a.scale + 3, OD_ROUND_TRUNCATE, &padded));
        check_pair(&a, &padded);
        struct od_decimal again = parsed(printed(&a));
        assert_int_equal(od_decimal_compare(&a, &again), 0);
        assert_int_equal(a.scale, again.scale);
        assert_true(od_decimal_min_scale(&a) == od_decimal_min_scale(&padded));
    }
}

static void sums_do_not_depend_on_order(void **state)
{
    (void)state;
    struct od_stream stream;
    od_stream_init(&stream, 8, "sums");
    struct od_decimal_moments forward = {0};
    struct od_decimal_moments parts[3] = {{.sum = {.count = 0}}};
    struct od_decimal_moments backward = {0};
    static struct od_decimal values[1000];
    for (size_t i = 0; i < 1000; i++) {
        values[i] = drawn(&stream.random);
        od_decimal_moments_add(&forward, &values[i]);
        od_decimal_moments_add(&parts[i % 3], &values[i]);
    }
    for (size_t i = 1000; i-- > 0;)
        od_decimal_moments_add(&backward, &values[i]);
    od_decimal_moments_combine(&parts[2], &parts[0]);
    od_decimal_moments_combine(&parts[2], &parts[1]);
    assert_memory_equal(&forward, &backward, sizeof(forward));
    assert_memory_equal(&forward, &parts[2], sizeof(forward));

    /* far over 38 digits on the way, back in the end */
    struct od_decimal_sum sum = {0};
    struct od_decimal large = parsed(NINES_38);
    struct od_decimal small = parsed("0.00000000000000000000000000000000000001");
    struct od_decimal total;
    for (int sign = 0; sign < 2; sign++, large = od_decimal_negate(&large)) {
        for (int i = 0; i < 1000; i++)
            od_decimal_sum_add(&sum, &large);
        assert_true(sign == 1 || !od_decimal_sum_total(&sum, &total));
        od_decimal_sum_add(&sum, &small);
    }
    assert_true(od_decimal_sum_total(&sum, &total));
    assert_string_equal(printed(&total), "0.00000000000000000000000000000000000002");
}

static void other_types(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *as_float; /* as a constant: the compiler's reading */
        const char *as_int;   /* NULL: out of range */
    } rows[] = {
        {"0.1", "0.1", "0"},
        {"-2.5", "-2.5", "-3"},
        {"9223372036854775807.4", "9223372036854775807.4", "9223372036854775807"},
        {"9223372036854775807.5", "9223372036854775807.5", NULL},
        {"-9223372036854775808.4", "-9223372036854775808.4", "-9223372036854775808"},
        {"123456789012345678901234567890.12345678", "123456789012345678901234567890.12345678", NULL},
        {"0.30000000000000000000000000000000000001", "0.3", "0"},
        {"9007199254740993", "9007199254740993", "9007199254740993"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_decimal decimal = parsed(rows[i].text);
        double expected = strtod(rows[i].as_float, NULL);
        double actual = od_decimal_to_float64(&decimal);
        int64_t number = 0;
        assert_memory_equal(&actual, &expected, sizeof(actual));
        assert_int_equal(od_decimal_to_int64(&decimal, &number), rows[i].as_int != NULL);
        assert_true(rows[i].as_int == NULL || number == strtoll(rows[i].as_int, NULL, 10));
    }
    struct od_decimal unsound[] = {
        {0, 0, 39}, {0, 0, UINT64_MAX}, {0, UINT64_C(1) << 63, 0}, {0, INT64_MAX, 3}};
    for (size_t i = 0; i < sizeof(unsound) / sizeof(unsound[0]); i++)
        assert_false(od_decimal_is_sound(&unsound[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_postgresqls),
        cmocka_unit_test(aggregates_are_postgresqls),
        cmocka_unit_test(drawn_pairs_agree_with_schoolbook),
        cmocka_unit_test(sums_do_not_depend_on_order),
        cmocka_unit_test(other_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
