/* Goal: expressions get the types, casts, nullability and failure that PostgreSQL's rules give them.
 * Method: small trees are built and compared by their printed form, which shows every inserted cast; refusals
 * by their texts; each allocation is refused once. */
#include "engine/plan/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"

static struct od_field fields[] = {
    {"p", OD_TYPE_BOOLEAN, true}, {"i", OD_TYPE_INT64, true},     {"f", OD_TYPE_FLOAT64, true},
    {"s", OD_TYPE_TEXT, true},    {"t", OD_TYPE_TIMESTAMP, true}, {"d", OD_TYPE_DATE, true},
    {"j", OD_TYPE_INT64, false},  {"k", OD_TYPE_INT32, true},     {"n", OD_TYPE_DECIMAL, true},
};
static const struct od_schema schema = {9, fields};

struct bench {
    struct od_arena arena;
    struct od_error error;
};

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    od_arena_init(&bench->arena, od_heap_for_tests(), 0);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    od_arena_release(&bench->arena);
    free(bench);
    return 0;
}

static const struct od_expr *column(struct bench *bench, const char *name)
{
    const struct od_expr *expr = NULL;
    uint32_t index = 0;
    while (strcmp(fields[index].name, name) != 0)
        index++;
    assert_int_equal(od_expr_column(&bench->arena, &schema, index, &expr, &bench->error), OD_OK);
    return expr;
}

static const struct od_expr *literal(struct bench *bench, struct od_value value)
{
    const struct od_expr *expr = NULL;
    assert_int_equal(od_expr_literal(&bench->arena, &value, &expr, &bench->error), OD_OK);
    return expr;
}

static const struct od_expr *number(struct bench *bench, int64_t value)
{
    return literal(bench, (struct od_value){.type = OD_TYPE_INT64, .int64 = value});
}

static const struct od_expr *integer(struct bench *bench, int64_t value)
{
    return literal(bench, (struct od_value){.type = OD_TYPE_INT32, .int64 = value});
}

static const struct od_expr *text(struct bench *bench, const char *value)
{
    return literal(bench, (struct od_value){.type = OD_TYPE_TEXT, .text = {value, (uint32_t)strlen(value)}});
}

static const struct od_expr *null_of(struct bench *bench, enum od_type type)
{
    return literal(bench, (struct od_value){.type = type, .is_null = true});
}

static const struct od_expr *call(struct bench *bench, enum od_function function, const struct od_expr *first,
                                  const struct od_expr *second, const struct od_expr *third)
{
    const struct od_expr *arguments[3] = {first, second, third};
    const struct od_expr *expr = NULL;
    uint32_t count = 1 + (second != NULL) + (third != NULL);
    bench->error = (struct od_error){0};
    od_expr_call(&bench->arena, function, arguments, count, &expr, &bench->error);
    return expr;
}

static void assert_prints(const struct od_expr *expr, const char *expected)
{
    struct od_buffer buffer;
    od_buffer_init(&buffer, od_heap_for_tests());
    assert_non_null(expr);
    od_expr_print(expr, &schema, &buffer);
    assert_string_equal(od_buffer_text(&buffer), expected);
    od_buffer_release(&buffer);
}

static void implicit_casts_are_written_out(void **state)
{
    struct bench *b = *state;
    assert_prints(call(b, OD_FUNCTION_ADD, column(b, "i"), column(b, "f"), NULL),
                  "(cast(i as double precision) + f)");
    assert_prints(call(b, OD_FUNCTION_EQUAL, column(b, "t"), column(b, "d"), NULL),
                  "(t = cast(d as timestamp))");
    assert_prints(call(b, OD_FUNCTION_ADD, column(b, "k"), column(b, "d"), NULL), "(k + d)");
    assert_prints(call(b, OD_FUNCTION_ADD, column(b, "k"), column(b, "i"), NULL), "(cast(k as bigint) + i)");
    assert_prints(call(b, OD_FUNCTION_MULTIPLY, column(b, "k"), column(b, "n"), NULL),
                  "(cast(k as numeric) * n)");
    assert_prints(call(b, OD_FUNCTION_ROUND, column(b, "n"), column(b, "k"), NULL), "round(n, k)");
    assert_prints(call(b, OD_FUNCTION_SUBTRACT, column(b, "d"), column(b, "d"), NULL), "(d - d)");
    assert_prints(call(b, OD_FUNCTION_CASE, column(b, "p"), column(b, "i"), column(b, "f")),
                  "case when p then cast(i as double precision) else f end");
    assert_prints(call(b, OD_FUNCTION_FLOOR, column(b, "i"), NULL, NULL),
                  "floor(cast(i as double precision))");
    assert_prints(call(b, OD_FUNCTION_CONCATENATE, column(b, "s"), column(b, "i"), NULL),
                  "(s || cast(i as text))");
    assert_prints(call(b, OD_FUNCTION_DATE_TRUNC, text(b, "Days"), column(b, "d"), NULL),
                  "date_trunc('day', cast(d as timestamp))");
}

static void a_null_literal_becomes_what_is_needed(void **state)
{
    struct bench *b = *state;
    const struct od_expr *sum = call(b, OD_FUNCTION_ADD, column(b, "i"), null_of(b, OD_TYPE_TEXT), NULL);
    assert_int_equal(sum->arguments[1]->type, OD_TYPE_INT64);
    const struct od_expr *shifted =
        call(b, OD_FUNCTION_SUBTRACT, column(b, "t"), null_of(b, OD_TYPE_TEXT), NULL);
    assert_int_equal(shifted->type, OD_TYPE_INTERVAL);
    assert_null(call(b, OD_FUNCTION_ADD, null_of(b, OD_TYPE_BOOLEAN), column(b, "i"), NULL));
    const struct od_expr *both = call(b, OD_FUNCTION_AND, null_of(b, OD_TYPE_TEXT), column(b, "p"), NULL);
    assert_int_equal(both->arguments[0]->type, OD_TYPE_BOOLEAN);
    assert_int_equal(call(b, OD_FUNCTION_SQRT, null_of(b, OD_TYPE_TEXT), NULL, NULL)->type, OD_TYPE_FLOAT64);
}

static void literals_rule_failures_out(void **state)
{
    struct bench *b = *state;
    const struct od_expr *i = column(b, "i");
    assert_true(call(b, OD_FUNCTION_DIVIDE, i, column(b, "j"), NULL)->may_fail);
    assert_true(call(b, OD_FUNCTION_DIVIDE, i, number(b, 0), NULL)->may_fail);
    assert_true(call(b, OD_FUNCTION_DIVIDE, i, number(b, -1), NULL)->may_fail);
    assert_false(call(b, OD_FUNCTION_DIVIDE, i, number(b, 2), NULL)->may_fail);
    assert_true(call(b, OD_FUNCTION_MODULO, i, number(b, 0), NULL)->may_fail);
    assert_false(call(b, OD_FUNCTION_MODULO, i, number(b, -1), NULL)->may_fail);
    assert_false(call(b, OD_FUNCTION_LIKE, column(b, "s"), text(b, "a\\%"), NULL)->may_fail);
    assert_true(call(b, OD_FUNCTION_LIKE, column(b, "s"), text(b, "a\\"), NULL)->may_fail);
    assert_false(call(b, OD_FUNCTION_LIKE, column(b, "s"), text(b, "a\\\\"), NULL)->may_fail);
    const struct od_expr *k = column(b, "k");
    assert_false(call(b, OD_FUNCTION_SUBSTRING, column(b, "s"), k, integer(b, 0))->may_fail);
    assert_true(call(b, OD_FUNCTION_SUBSTRING, column(b, "s"), k, integer(b, -1))->may_fail);
    assert_false(call(b, OD_FUNCTION_DIVIDE, k, null_of(b, OD_TYPE_INT32), NULL)->may_fail);
    /* what is below counts */
    const struct od_expr *sum = call(b, OD_FUNCTION_ADD, i, i, NULL);
    assert_true(call(b, OD_FUNCTION_IS_NULL, sum, NULL, NULL)->may_fail);
    assert_false(call(b, OD_FUNCTION_LESS, i, i, NULL)->may_fail);
}

static void nullability_follows_the_arguments(void **state)
{
    struct bench *b = *state;
    const struct od_expr *i = column(b, "i");
    const struct od_expr *j = column(b, "j");
    assert_false(call(b, OD_FUNCTION_ADD, j, j, NULL)->nullable);
    assert_true(call(b, OD_FUNCTION_ADD, i, j, NULL)->nullable);
    assert_false(call(b, OD_FUNCTION_COALESCE, i, j, NULL)->nullable);
    assert_true(call(b, OD_FUNCTION_NULLIF, j, j, NULL)->nullable);
    assert_false(call(b, OD_FUNCTION_IS_DISTINCT, i, i, NULL)->nullable);
    assert_false(call(b, OD_FUNCTION_CASE, column(b, "p"), j, j)->nullable);
    assert_true(call(b, OD_FUNCTION_CASE, column(b, "p"), i, j)->nullable);
}

static void assert_refused(struct bench *bench, const struct od_expr *expr, enum od_status status,
                           const char *message)
{
    assert_null(expr);
    assert_int_equal(bench->error.status, status);
    assert_string_equal(bench->error.text, message);
}

static void what_does_not_fit_is_refused(void **state)
{
    struct bench *b = *state;
    const struct od_expr *cast = NULL;
    assert_refused(b, call(b, OD_FUNCTION_ADD, column(b, "s"), column(b, "i"), NULL), OD_BAD_INPUT,
                   "operator does not exist: text + bigint");
    assert_refused(b, call(b, OD_FUNCTION_MODULO, column(b, "f"), column(b, "i"), NULL), OD_BAD_INPUT,
                   "operator does not exist: double precision % bigint");
    assert_refused(b, call(b, OD_FUNCTION_AND, column(b, "p"), column(b, "i"), NULL), OD_BAD_INPUT,
                   "argument of AND must be type boolean, not type bigint");
    assert_refused(b, call(b, OD_FUNCTION_LENGTH, column(b, "i"), NULL, NULL), OD_BAD_INPUT,
                   "function length(bigint) does not exist");
    assert_refused(b, call(b, OD_FUNCTION_COALESCE, column(b, "i"), column(b, "s"), NULL), OD_BAD_INPUT,
                   "COALESCE types bigint and text cannot be matched");
    assert_refused(b, call(b, OD_FUNCTION_CASE, column(b, "p"), column(b, "s"), column(b, "k")), OD_BAD_INPUT,
                   "CASE types integer and text cannot be matched");
    assert_refused(b, call(b, OD_FUNCTION_GCD, column(b, "n"), column(b, "n"), NULL), OD_UNSUPPORTED,
                   "gcd of numeric is not supported: cast to double precision");
    assert_refused(b, call(b, OD_FUNCTION_NEGATE, column(b, "s"), NULL, NULL), OD_BAD_INPUT,
                   "operator does not exist: - text");
    assert_refused(b, call(b, OD_FUNCTION_EXTRACT, text(b, "hour"), column(b, "d"), NULL), OD_BAD_INPUT,
                   "unit \"hour\" not supported for type date");
    assert_refused(b, call(b, OD_FUNCTION_EXTRACT, text(b, "eon"), column(b, "t"), NULL), OD_BAD_INPUT,
                   "unit \"eon\" not recognized for type timestamp");
    assert_refused(b, call(b, OD_FUNCTION_EXTRACT, column(b, "s"), column(b, "t"), NULL), OD_UNSUPPORTED,
                   "extract: its field must be a literal");
    assert_int_equal(od_expr_cast(&b->arena, column(b, "f"), OD_TYPE_DATE, &cast, &b->error), OD_BAD_INPUT);
    assert_string_equal(b->error.text, "cannot cast type double precision to date");
}

static void conjunctions_come_apart_and_together(void **state)
{
    struct bench *b = *state;
    const struct od_expr *p = column(b, "p");
    const struct od_expr *inner = call(b, OD_FUNCTION_AND, p, call(b, OD_FUNCTION_NOT, p, NULL, NULL), NULL);
    const struct od_expr *whole = call(b, OD_FUNCTION_AND, inner, p, NULL);
    const struct od_expr *list[3];
    const struct od_expr *again = NULL;
    assert_int_equal(od_expr_conjuncts(whole, NULL, 0), 3);
    assert_int_equal(od_expr_conjuncts(whole, list, 3), 3);
    assert_ptr_equal(list[2], p);
    assert_int_equal(od_expr_conjunction(&b->arena, list, 3, &again, NULL), OD_OK);
    assert_prints(again, "(p and (not p) and p)");
    assert_int_equal(od_expr_conjunction(&b->arena, list, 0, &again, NULL), OD_OK);
    assert_prints(again, "true");
    assert_true(od_expr_equal(whole, whole));
    assert_false(od_expr_equal(whole, inner));
    assert_false(od_expr_equal(number(b, 1), number(b, 2)));
}

static void substitution_shares_what_does_not_change(void **state)
{
    struct bench *b = *state;
    const struct od_expr *map[9] = {NULL};
    const struct od_expr *left = call(b, OD_FUNCTION_NEGATE, column(b, "j"), NULL, NULL);
    const struct od_expr *sum = call(b, OD_FUNCTION_ADD, left, column(b, "i"), NULL);
    const struct od_expr *moved = NULL;
    map[1] = number(b, 7);
    map[6] = left->arguments[0];
    assert_int_equal(od_expr_substitute(&b->arena, sum, map, &moved, NULL), OD_OK);
    assert_prints(moved, "((-j) + 7)");
    assert_ptr_equal(moved->arguments[0], left);
}

static enum od_status build_some(struct od_memory *memory, void *context)
{
    struct od_arena arena;
    const struct od_expr *arguments[3] = {NULL, NULL, NULL};
    const struct od_expr *expr = NULL;
    const size_t chunk_bytes = *(const size_t *)context;
    od_arena_init(&arena, memory, chunk_bytes);
    enum od_status status = od_expr_column(&arena, &schema, 0, &arguments[0], NULL);
    if (status == OD_OK)
        status = od_expr_column(&arena, &schema, 1, &arguments[1], NULL);
    if (status == OD_OK)
        status = od_expr_column(&arena, &schema, 2, &arguments[2], NULL);
    if (status == OD_OK)
        status = od_expr_call(&arena, OD_FUNCTION_CASE, arguments, 3, &expr, NULL);
    assert_true((status == OD_OK) == (expr != NULL));
    od_arena_release(&arena);
    return status;
}

static void every_allocation_may_be_refused(void **state)
{
    (void)state;
    for (size_t chunk_bytes = 256; chunk_bytes < 1024; chunk_bytes += 16)
        assert_true(od_sweep(build_some, &chunk_bytes) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(implicit_casts_are_written_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_null_literal_becomes_what_is_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(literals_rule_failures_out, setup, teardown),
        cmocka_unit_test_setup_teardown(nullability_follows_the_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(conjunctions_come_apart_and_together, setup, teardown),
        cmocka_unit_test_setup_teardown(substitution_shares_what_does_not_change, setup, teardown),
        cmocka_unit_test(every_allocation_may_be_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
