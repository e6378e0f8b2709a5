/* Goal: a row's value does not depend on its company, and an error is raised for the rows that need it and no
 * other. Method: guards written by hand (a division that its CASE, AND, OR or COALESCE protects, and one that
 * is not protected). Then drawn expressions over drawn batches, each evaluated four ways that must agree: all
 * rows at once, each row alone, a drawn selection, and through the filter. All rows at once must fail exactly
 * when some row alone fails. Every allocation of a drawn evaluation is refused once. */
#include "engine/expr/evaluate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/random.h"
#include "engine/core/sweep.h"

#define ROWS_MAX 40

static struct od_field fields[] = {
    {"a", OD_TYPE_INT64, true}, {"b", OD_TYPE_INT64, true},   {"f", OD_TYPE_FLOAT64, true},
    {"t", OD_TYPE_TEXT, true},  {"p", OD_TYPE_BOOLEAN, true}, {"q", OD_TYPE_BOOLEAN, true},
    {"d", OD_TYPE_DATE, true},  {"i", OD_TYPE_INT32, true},   {"n", OD_TYPE_DECIMAL, true},
};
static const struct od_schema schema = {9, fields};

struct fixture {
    struct od_arena arena;
    struct od_batch_builder builder;
    struct od_stream stream;
    bool no_memory; /* a builder of expressions was refused; what it gave is not to be used */
};

static void fixture_init(struct fixture *fixture, struct od_memory *memory, uint64_t seed)
{
    memset(fixture, 0, sizeof(*fixture));
    od_arena_init(&fixture->arena, memory, 1);
    od_stream_init(&fixture->stream, seed, "evaluate");
    fixture->no_memory = od_batch_builder_init(&fixture->builder, memory, &schema, NULL) != OD_OK;
}

static void fixture_release(struct fixture *fixture)
{
    od_batch_builder_release(&fixture->builder);
    od_arena_release(&fixture->arena);
}

/* --- short spellings of expressions --------------------------------------------------------------------- */

static const struct od_expr *column(struct fixture *fixture, const char *name)
{
    const struct od_expr *expr = NULL;
    if (od_expr_column(&fixture->arena, &schema, od_schema_find(&schema, name), &expr, NULL) != OD_OK)
        fixture->no_memory = true;
    return expr;
}

static const struct od_expr *literal(struct fixture *fixture, struct od_value value)
{
    const struct od_expr *expr = NULL;
    if (od_expr_literal(&fixture->arena, &value, &expr, NULL) != OD_OK)
        fixture->no_memory = true;
    return expr;
}

static const struct od_expr *bigint(struct fixture *fixture, int64_t number)
{
    return literal(fixture, (struct od_value){.type = OD_TYPE_INT64, .int64 = number});
}

/* NULL arguments come from an earlier refusal. */
static const struct od_expr *call(struct fixture *fixture, enum od_function function,
                                  const struct od_expr *first, const struct od_expr *second,
                                  const struct od_expr *third)
{
    const struct od_expr *arguments[] = {first, second, third};
    const struct od_expr *expr = NULL;
    if (fixture->no_memory)
        return NULL;
    uint32_t count = second == NULL ? 1 : third == NULL ? 2 : 3;
    enum od_status status = od_expr_call(&fixture->arena, function, arguments, count, &expr, NULL);
    assert_true(status == OD_OK || status == OD_NO_MEMORY);
    fixture->no_memory |= status != OD_OK;
    return expr;
}

static void add_row(struct fixture *fixture, const struct od_value *values)
{
    for (uint32_t k = 0; k < schema.field_count && !fixture->no_memory; k++)
        fixture->no_memory = od_batch_builder_append(&fixture->builder, k, &values[k], NULL) != OD_OK;
    if (!fixture->no_memory)
        od_batch_builder_end_row(&fixture->builder);
}

/* A row with a and b, the rest NULL. */
static void add_pair(struct fixture *fixture, int64_t a, int64_t b)
{
    struct od_value values[9];
    for (uint32_t k = 0; k < schema.field_count; k++)
        values[k] = (struct od_value){.type = fields[k].type, .is_null = true};
    values[0] = (struct od_value){.type = OD_TYPE_INT64, .int64 = a};
    values[1] = (struct od_value){.type = OD_TYPE_INT64, .int64 = b};
    add_row(fixture, values);
}

static enum od_status evaluate_all(struct fixture *fixture, const struct od_expr *expr,
                                   struct od_column *column_out)
{
    struct od_batch batch = od_batch_builder_view(&fixture->builder);
    struct od_selection all = {.count = batch.row_count};
    return od_evaluate(expr, &batch, &all, &fixture->arena, column_out, NULL);
}

/* --- guards --------------------------------------------------------------------------------------------- */

/* Rows (6, 3), (1, 0), (8, 2): b is zero in the middle. */
static void guard_rows(struct fixture *fixture)
{
    fixture_init(fixture, od_heap_for_tests(), 1);
    add_pair(fixture, 6, 3);
    add_pair(fixture, 1, 0);
    add_pair(fixture, 8, 2);
}

static const struct od_expr *quotient(struct fixture *fixture)
{
    return call(fixture, OD_FUNCTION_DIVIDE, column(fixture, "a"), column(fixture, "b"), NULL);
}

static const struct od_expr *b_against_zero(struct fixture *fixture, enum od_function function)
{
    return call(fixture, function, column(fixture, "b"), bigint(fixture, 0), NULL);
}

static void test_case_guards_its_branches(void **state)
{
    (void)state;
    struct fixture fixture;
    struct od_column result;
    guard_rows(&fixture);
    const struct od_expr *guarded =
        call(&fixture, OD_FUNCTION_CASE, b_against_zero(&fixture, OD_FUNCTION_NOT_EQUAL), quotient(&fixture),
             bigint(&fixture, -1));
    assert_int_equal(evaluate_all(&fixture, guarded, &result), OD_OK);
    assert_int_equal(od_column_value(&result, 0).int64, 2);
    assert_int_equal(od_column_value(&result, 1).int64, -1);
    assert_int_equal(od_column_value(&result, 2).int64, 4);
    const struct od_expr *wrong_way =
        call(&fixture, OD_FUNCTION_CASE, b_against_zero(&fixture, OD_FUNCTION_EQUAL), quotient(&fixture),
             bigint(&fixture, -1));
    assert_int_equal(evaluate_all(&fixture, wrong_way, &result), OD_EVALUATION);
    fixture_release(&fixture);
}

static void test_and_or_coalesce_guard_what_follows(void **state)
{
    (void)state;
    struct fixture fixture;
    struct od_column result;
    guard_rows(&fixture);
    const struct od_expr *above =
        call(&fixture, OD_FUNCTION_GREATER, quotient(&fixture), bigint(&fixture, 3), NULL);
    const struct od_expr *both =
        call(&fixture, OD_FUNCTION_AND, b_against_zero(&fixture, OD_FUNCTION_NOT_EQUAL), above, NULL);
    assert_int_equal(evaluate_all(&fixture, both, &result), OD_OK);
    assert_int_equal(((const uint8_t *)result.values)[0], 1 << 2);
    const struct od_expr *either =
        call(&fixture, OD_FUNCTION_OR, b_against_zero(&fixture, OD_FUNCTION_EQUAL), above, NULL);
    assert_int_equal(evaluate_all(&fixture, either, &result), OD_OK);
    assert_int_equal(((const uint8_t *)result.values)[0], 1 << 1 | 1 << 2);
    const struct od_expr *first =
        call(&fixture, OD_FUNCTION_COALESCE, column(&fixture, "a"), quotient(&fixture), NULL);
    assert_int_equal(evaluate_all(&fixture, first, &result), OD_OK);
    const struct od_expr *late =
        call(&fixture, OD_FUNCTION_AND, above, b_against_zero(&fixture, OD_FUNCTION_NOT_EQUAL), NULL);
    assert_int_equal(evaluate_all(&fixture, late, &result), OD_EVALUATION);
    fixture_release(&fixture);
}

/* In an expression NULL decides nothing: what follows is evaluated, and may fail. As conjuncts of a filter the same two
 * are asked in order, and the row is out at the first. */
static void test_null_guards_in_filters_only(void **state)
{
    (void)state;
    struct fixture fixture;
    struct od_column result;
    struct od_selection selected;
    guard_rows(&fixture);
    struct od_batch batch = od_batch_builder_view(&fixture.builder);
    struct od_selection all = {.count = batch.row_count};
    const struct od_expr *above =
        call(&fixture, OD_FUNCTION_GREATER, quotient(&fixture), bigint(&fixture, 3), NULL);
    const struct od_expr *both = call(&fixture, OD_FUNCTION_AND, column(&fixture, "p"), above, NULL);
    assert_int_equal(evaluate_all(&fixture, both, &result), OD_EVALUATION);
    assert_int_equal(od_evaluate_filter(both, &batch, &all, &fixture.arena, &selected, NULL), OD_OK);
    const struct od_expr *nested = call(&fixture, OD_FUNCTION_AND, both, above, NULL);
    assert_int_equal(od_evaluate_filter(nested, &batch, &all, &fixture.arena, &selected, NULL), OD_OK);
    const struct od_expr *unguarded = call(&fixture, OD_FUNCTION_AND, above, column(&fixture, "p"), NULL);
    assert_int_equal(od_evaluate_filter(unguarded, &batch, &all, &fixture.arena, &selected, NULL),
                     OD_EVALUATION);
    fixture_release(&fixture);
}

static void test_constants_and_empty_batches(void **state)
{
    (void)state;
    struct fixture fixture;
    struct od_column result;
    struct od_value value;
    struct od_error error;
    fixture_init(&fixture, od_heap_for_tests(), 1);
    const struct od_expr *by_zero =
        call(&fixture, OD_FUNCTION_DIVIDE, bigint(&fixture, 1), bigint(&fixture, 0), NULL);
    assert_int_equal(evaluate_all(&fixture, by_zero, &result), OD_OK); /* no row, no error */
    assert_int_equal(result.row_count, 0);
    assert_int_equal(od_evaluate_constant(by_zero, &fixture.arena, &value, &error), OD_EVALUATION);
    assert_string_equal(error.text, "division by zero");
    const struct od_expr *sum =
        call(&fixture, OD_FUNCTION_ADD, bigint(&fixture, 40), bigint(&fixture, 2), NULL);
    assert_int_equal(od_evaluate_constant(sum, &fixture.arena, &value, &error), OD_OK);
    assert_int_equal(value.int64, 42);
    fixture_release(&fixture);
}

/* --- drawn expressions ---------------------------------------------------------------------------------- */

static uint64_t draw(struct fixture *fixture, uint64_t bound)
{
    return od_random_below(&fixture->stream.random, bound);
}

static const char *const drawn_texts[] = {"",   "a",  "ab",  "%",
                                          "a%", "_b", "x\\", "\303\244b"}; /* a-umlaut, b */

static struct od_value drawn_value(struct fixture *fixture, enum od_type type)
{
    static const double doubles[] = {
        0, -0.0, 1, -2.5, 1e308, 1e-308, __builtin_inf(), -__builtin_inf(), __builtin_nan("")};
    static const int64_t bigints[] = {0, 1, -1, 2, 3, INT64_MAX, INT64_MIN, 5};
    struct od_value value = {.type = type, .is_null = draw(fixture, 4) == 0};
    const char *text = drawn_texts[draw(fixture, sizeof(drawn_texts) / sizeof(drawn_texts[0]))];
    if (value.is_null)
        return value;
    if (type == OD_TYPE_FLOAT64) {
        value.float64 = doubles[draw(fixture, 9)];
    } else if (type == OD_TYPE_TEXT) {
        value.text.bytes = text;
        value.text.size = (uint32_t)strlen(text);
    } else if (type == OD_TYPE_BOOLEAN) {
        value.boolean = draw(fixture, 2) == 1;
    } else if (type == OD_TYPE_DECIMAL) {
        value.decimal = od_decimal_make((__int128)bigints[draw(fixture, 8)] * bigints[draw(fixture, 8)],
                                        (uint32_t)draw(fixture, 20));
    } else if (type == OD_TYPE_INT32) {
        value.int64 = (int32_t)(bigints[draw(fixture, 8)] >> 1);
    } else {
        value.int64 =
            type == OD_TYPE_DATE ? (int64_t)draw(fixture, 100000) - 50000 : bigints[draw(fixture, 8)];
    }
    return value;
}

static void drawn_rows(struct fixture *fixture)
{
    uint32_t row_count = (uint32_t)draw(fixture, ROWS_MAX + 1);
    for (uint32_t row = 0; row < row_count && !fixture->no_memory; row++) {
        struct od_value values[9];
        for (uint32_t k = 0; k < schema.field_count; k++)
            values[k] = drawn_value(fixture, fields[k].type);
        add_row(fixture, values);
    }
}

struct drawn_function {
    enum od_function function;
    enum od_type result;
    uint32_t argument_count;
    enum od_type arguments[3];
};
#define BOOL   OD_TYPE_BOOLEAN
#define INT    OD_TYPE_INT64
#define DOUBLE OD_TYPE_FLOAT64
#define TEXT   OD_TYPE_TEXT
#define SHORT  OD_TYPE_INT32
#define EXACT  OD_TYPE_DECIMAL
static const struct drawn_function drawn_functions[] = {
    {OD_FUNCTION_ADD, INT, 2, {INT, INT}},
    {OD_FUNCTION_DIVIDE, INT, 2, {INT, INT}},
    {OD_FUNCTION_MODULO, INT, 2, {INT, INT}},
    {OD_FUNCTION_MULTIPLY, DOUBLE, 2, {DOUBLE, DOUBLE}},
    {OD_FUNCTION_ADD, DOUBLE, 2, {DOUBLE, DOUBLE}},
    {OD_FUNCTION_SQRT, DOUBLE, 1, {DOUBLE}},
    {OD_FUNCTION_LENGTH, SHORT, 1, {TEXT}},
    {OD_FUNCTION_SUBTRACT, SHORT, 2, {SHORT, SHORT}},
    {OD_FUNCTION_ABS, SHORT, 1, {SHORT}},
    {OD_FUNCTION_ADD, INT, 2, {INT, SHORT}},
    {OD_FUNCTION_MULTIPLY, EXACT, 2, {EXACT, SHORT}},
    {OD_FUNCTION_DIVIDE, EXACT, 2, {EXACT, EXACT}},
    {OD_FUNCTION_ROUND, EXACT, 2, {EXACT, SHORT}},
    {OD_FUNCTION_CASE, EXACT, 3, {BOOL, EXACT, EXACT}},
    {OD_FUNCTION_LEAST, EXACT, 2, {EXACT, EXACT}},
    {OD_FUNCTION_LESS, BOOL, 2, {EXACT, EXACT}},
    {OD_FUNCTION_EQUAL, BOOL, 2, {SHORT, EXACT}},
    {OD_FUNCTION_CONCAT_WS, TEXT, 3, {TEXT, TEXT, EXACT}},
    {OD_FUNCTION_RPAD, TEXT, 3, {TEXT, SHORT, TEXT}},
    {OD_FUNCTION_CONCATENATE, TEXT, 2, {TEXT, TEXT}},
    {OD_FUNCTION_UPPER, TEXT, 1, {TEXT}},
    {OD_FUNCTION_SUBSTRING, TEXT, 3, {TEXT, SHORT, SHORT}},
    {OD_FUNCTION_LIKE, BOOL, 2, {TEXT, TEXT}},
    {OD_FUNCTION_LESS, BOOL, 2, {INT, INT}},
    {OD_FUNCTION_EQUAL, BOOL, 2, {TEXT, TEXT}},
    {OD_FUNCTION_GREATER_EQUAL, BOOL, 2, {DOUBLE, DOUBLE}},
    {OD_FUNCTION_IS_DISTINCT, BOOL, 2, {DOUBLE, DOUBLE}},
    {OD_FUNCTION_IS_NULL, BOOL, 1, {TEXT}},
    {OD_FUNCTION_IS_TRUE, BOOL, 1, {BOOL}},
    {OD_FUNCTION_NOT, BOOL, 1, {BOOL}},
    {OD_FUNCTION_AND, BOOL, 2, {BOOL, BOOL}},
    {OD_FUNCTION_AND, BOOL, 3, {BOOL, BOOL, BOOL}},
    {OD_FUNCTION_OR, BOOL, 3, {BOOL, BOOL, BOOL}},
    {OD_FUNCTION_OR, BOOL, 2, {BOOL, BOOL}},
    {OD_FUNCTION_CASE, INT, 3, {BOOL, INT, INT}},
    {OD_FUNCTION_CASE, TEXT, 3, {BOOL, TEXT, TEXT}},
    {OD_FUNCTION_CASE, BOOL, 3, {BOOL, BOOL, BOOL}},
    {OD_FUNCTION_CASE, DOUBLE, 3, {BOOL, DOUBLE, DOUBLE}},
    {OD_FUNCTION_COALESCE, INT, 3, {INT, INT, INT}},
    {OD_FUNCTION_COALESCE, DOUBLE, 2, {DOUBLE, DOUBLE}},
    {OD_FUNCTION_COALESCE, TEXT, 2, {TEXT, TEXT}},
    {OD_FUNCTION_NULLIF, INT, 2, {INT, INT}},
    {OD_FUNCTION_GREATEST, DOUBLE, 3, {DOUBLE, DOUBLE, DOUBLE}},
    {OD_FUNCTION_LEAST, TEXT, 2, {TEXT, TEXT}},
};

static const struct od_expr *drawn_leaf(struct fixture *fixture, enum od_type type)
{
    if (draw(fixture, 3) == 0)
        return literal(fixture, drawn_value(fixture, type));
    uint32_t k = (uint32_t)draw(fixture, schema.field_count);
    while (fields[k].type != type)
        k = (k + 1) % schema.field_count;
    return column(fixture, fields[k].name);
}

static const struct od_expr *drawn_expr(struct fixture *fixture, enum od_type type, uint32_t depth)
{
    if (depth == 0 || draw(fixture, 6) == 0)
        return drawn_leaf(fixture, type);
    const struct drawn_function *drawn = NULL;
    while (drawn == NULL || drawn->result != type)
        drawn = &drawn_functions[draw(fixture, sizeof(drawn_functions) / sizeof(drawn_functions[0]))];
    const struct od_expr *arguments[3] = {NULL};
    for (uint32_t k = 0; k < drawn->argument_count; k++)
        arguments[k] = drawn_expr(fixture, drawn->arguments[k], depth - 1);
    return call(fixture, drawn->function, arguments[0], arguments[1], arguments[2]);
}

static void assert_same_row(const struct od_column *left, uint32_t left_row, const struct od_column *right,
                            uint32_t right_row)
{
    struct od_value a = od_column_value(left, left_row);
    struct od_value b = od_column_value(right, right_row);
    assert_int_equal(od_value_compare_total(&a, &b), 0);
}

/* Each row alone; returns whether any of them fails. */
static bool check_single_rows(struct fixture *fixture, const struct od_expr *expr,
                              const struct od_batch *batch, enum od_status whole_status,
                              const struct od_column *whole)
{
    bool any_fails = false;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        struct od_selection selection = {.rows = &row, .count = 1};
        struct od_column single;
        enum od_status status = od_evaluate(expr, batch, &selection, &fixture->arena, &single, NULL);
        assert_true(status == OD_OK || status == OD_EVALUATION);
        assert_true(status == OD_OK || expr->may_fail);
        any_fails |= status != OD_OK;
        if (status == OD_OK && whole_status == OD_OK)
            assert_same_row(whole, row, &single, 0);
        if (status == OD_OK && od_column_is_null(&single, 0))
            assert_true(expr->nullable);
    }
    return any_fails;
}

static void check_selection(struct fixture *fixture, const struct od_expr *expr, const struct od_batch *batch,
                            const struct od_column *whole)
{
    uint32_t rows[ROWS_MAX];
    struct od_selection selection = {.rows = rows};
    struct od_column some;
    for (uint32_t row = 0; row < batch->row_count; row++)
        if (draw(fixture, 2) == 0)
            rows[selection.count++] = row;
    assert_int_equal(od_evaluate(expr, batch, &selection, &fixture->arena, &some, NULL), OD_OK);
    assert_int_equal(some.row_count, selection.count);
    for (uint32_t i = 0; i < selection.count; i++)
        assert_same_row(whole, rows[i], &some, i);
}

static void check_filter(struct fixture *fixture, const struct od_expr *expr, const struct od_batch *batch,
                         enum od_status whole_status, const struct od_column *whole)
{
    struct od_selection all = {.count = batch->row_count};
    struct od_selection selected;
    enum od_status status = od_evaluate_filter(expr, batch, &all, &fixture->arena, &selected, NULL);
    bool splits = expr->kind == OD_EXPR_CALL && expr->function == OD_FUNCTION_AND;
    if (splits && whole_status != OD_OK)
        return; /* a NULL conjunct may have kept the filter from the one that fails */
    assert_int_equal(status, whole_status);
    uint32_t next = 0;
    for (uint32_t row = 0; status == OD_OK && row < batch->row_count; row++) {
        if (od_column_is_null(whole, row) || !od_bit(whole->values, row))
            continue;
        assert_true(next < selected.count);
        assert_int_equal(selected.rows == NULL ? next : selected.rows[next], row);
        next++;
    }
    assert_true(status != OD_OK || next == selected.count);
}

static void test_drawn_expressions_four_ways(void **state)
{
    (void)state;
    static const enum od_type types[] = {BOOL, INT, DOUBLE, TEXT};
    uint32_t failed_count = 0;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        struct fixture fixture;
        struct od_column whole;
        fixture_init(&fixture, od_heap_for_tests(), seed);
        drawn_rows(&fixture);
        enum od_type type = types[draw(&fixture, 4)];
        const struct od_expr *expr = drawn_expr(&fixture, type, 1 + (uint32_t)draw(&fixture, 4));
        struct od_batch batch = od_batch_builder_view(&fixture.builder);
        enum od_status status = evaluate_all(&fixture, expr, &whole);
        bool any_fails = check_single_rows(&fixture, expr, &batch, status, &whole);
        assert_int_equal(status, any_fails ? OD_EVALUATION : OD_OK);
        if (status == OD_OK)
            check_selection(&fixture, expr, &batch, &whole);
        if (type == BOOL)
            check_filter(&fixture, expr, &batch, status, &whole);
        failed_count += any_fails;
        fixture_release(&fixture);
    }
    assert_in_range(failed_count, 100, 2000); /* the draws reach both sides */
}

static enum od_status sweep_body(struct od_memory *memory, void *context)
{
    struct fixture fixture;
    struct od_column result;
    struct od_selection selected;
    struct od_selection all = {0};
    enum od_status status = OD_NO_MEMORY;
    fixture_init(&fixture, memory, *(const uint64_t *)context);
    drawn_rows(&fixture);
    const struct od_expr *expr = fixture.no_memory ? NULL : drawn_expr(&fixture, BOOL, 3);
    if (!fixture.no_memory) {
        struct od_batch batch = od_batch_builder_view(&fixture.builder);
        all.count = batch.row_count;
        status = od_evaluate(expr, &batch, &all, &fixture.arena, &result, NULL);
        if (status != OD_NO_MEMORY)
            status = od_evaluate_filter(expr, &batch, &all, &fixture.arena, &selected, NULL);
    }
    fixture_release(&fixture);
    return status == OD_NO_MEMORY ? status : OD_OK;
}

static void test_every_allocation_refused_once(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++)
        assert_true(od_sweep(sweep_body, &seed) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_guards_its_branches),
        cmocka_unit_test(test_and_or_coalesce_guard_what_follows),
        cmocka_unit_test(test_null_guards_in_filters_only),
        cmocka_unit_test(test_constants_and_empty_batches),
        cmocka_unit_test(test_drawn_expressions_four_ways),
        cmocka_unit_test(test_every_allocation_refused_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
