/* Goal: a hash join gives exactly the pairs that a nested loop gives, whatever the batch sizes, duplicates,
 * NULLs and special numbers; LEFT pads what found nothing after the residual; a residual is evaluated for
 * pairs with equal keys only.
 * Method: drawn rows with few different keys are joined and compared, as sorted rows, with a nested loop over
 * values; the two orders that are promised (matches by probe row, then build row) are checked by hand. The
 * source stalls, each of its calls is failed, each allocation refused. */
#include "engine/op/op_fixture.h"

static struct od_arena plan_arena;

static int set_up(void **state)
{
    (void)state;
    od_arena_init(&plan_arena, od_heap_for_tests(), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    od_arena_release(&plan_arena);
    return 0;
}

/* probe(k i, f f, t t, v i), build(v i, t t, f f, k i): joined on chosen pairs of columns. */
#define PROBE_TYPES "iftbi"
#define BUILD_TYPES "ibtfi"

struct join_case {
    struct od_schema probe_schema;
    struct od_schema build_schema;
    struct od_batch_builder probe;
    struct od_batch_builder build;
    struct fixture_source source;
    struct od_physical readers[2];
    struct od_physical node;
};

static void case_init(struct join_case *join)
{
    char letters[20] = PROBE_TYPES BUILD_TYPES;
    join->probe_schema = fixture_schema(&plan_arena, PROBE_TYPES);
    join->build_schema = fixture_schema(&plan_arena, BUILD_TYPES);
    fixture_source_init(&join->source, 1);
    join->readers[0] = fixture_reader(&join->probe_schema, 0);
    join->readers[1] = fixture_reader(&join->build_schema, 1);
    join->node = (struct od_physical){
        .kind = OD_PHYSICAL_HASH_JOIN, .schema = fixture_schema(&plan_arena, letters), .input_count = 2};
    join->node.inputs[0] = &join->readers[0];
    join->node.inputs[1] = &join->readers[1];
}

static void case_rows(struct join_case *join, struct od_batch_builder probe, struct od_batch_builder build)
{
    join->probe = probe;
    join->build = build;
    join->source.rows[0] = od_batch_builder_view(&join->probe);
    join->source.rows[1] = od_batch_builder_view(&join->build);
}

static void case_release(struct join_case *join)
{
    fixture_source_release(&join->source);
    od_batch_builder_release(&join->probe);
    od_batch_builder_release(&join->build);
}

/* --- the nested loop ------------------------------------------------------------------------------------ */

static bool pair_matches(const struct join_case *join, uint32_t probe_row, uint32_t build_row)
{
    for (uint32_t k = 0; k < join->node.join.key_count; k++) {
        struct od_value a =
            od_column_value(&join->source.rows[0].columns[join->node.join.probe_keys[k]], probe_row);
        struct od_value b =
            od_column_value(&join->source.rows[1].columns[join->node.join.build_keys[k]], build_row);
        if (a.is_null || b.is_null || od_value_compare(&a, &b) != 0)
            return false;
    }
    if (join->node.join.residual == NULL)
        return true;
    struct od_value a = od_column_value(&join->source.rows[0].columns[4], probe_row); /* probe.v < build.v */
    struct od_value b = od_column_value(&join->source.rows[1].columns[4], build_row);
    return !a.is_null && !b.is_null && a.int64 < b.int64;
}

static void append_pair(const struct join_case *join, struct od_batch_builder *expected, uint32_t probe_row,
                        uint32_t build_row)
{
    for (uint32_t i = 0; i < 10; i++) {
        struct od_value value = {.type = join->node.schema.fields[i].type, .is_null = true};
        if (i < 5)
            value = od_column_value(&join->source.rows[0].columns[i], probe_row);
        else if (build_row != OD_ROW_NULL)
            value = od_column_value(&join->source.rows[1].columns[i - 5], build_row);
        assert_int_equal(od_batch_builder_append(expected, i, &value, NULL), OD_OK);
    }
    od_batch_builder_end_row(expected);
}

static struct od_batch_builder nested_loop(const struct join_case *join)
{
    struct od_batch_builder expected = fixture_rows(&join->node.schema, "");
    for (uint32_t p = 0; p < join->source.rows[0].row_count; p++) {
        bool found = false;
        for (uint32_t b = 0; b < join->source.rows[1].row_count; b++) {
            if (!pair_matches(join, p, b))
                continue;
            append_pair(join, &expected, p, b);
            found = true;
        }
        if (!found && join->node.join.type == OD_JOIN_LEFT)
            append_pair(join, &expected, p, OD_ROW_NULL);
    }
    return expected;
}

/* --- tests ---------------------------------------------------------------------------------------------- */

static const struct od_expr *less_residual(const struct join_case *join)
{
    const struct od_expr *arguments[2];
    const struct od_expr *expr;
    assert_int_equal(od_expr_column(&plan_arena, &join->node.schema, 4, &arguments[0], NULL), OD_OK);
    assert_int_equal(od_expr_column(&plan_arena, &join->node.schema, 9, &arguments[1], NULL), OD_OK);
    assert_int_equal(od_expr_call(&plan_arena, OD_FUNCTION_LESS, arguments, 2, &expr, NULL), OD_OK);
    return expr;
}

static void run_and_compare(struct join_case *join, uint32_t batch_rows, uint32_t input_rows, bool stalls)
{
    struct od_batch_builder expected = nested_loop(join);
    struct od_batch_builder collected = fixture_rows(&join->node.schema, "");
    struct fixture_run run = {.node = &join->node, .source = &join->source, .batch_rows = batch_rows};
    join->source.batch_rows = input_rows;
    join->source.stalls = stalls;
    join->source.call_count = 0;
    memset(join->source.next_row, 0, sizeof(join->source.next_row));
    assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
    fixture_sort(&collected);
    fixture_sort(&expected);
    fixture_assert_equal(&collected, &expected);
    od_batch_builder_release(&collected);
    od_batch_builder_release(&expected);
}

static const uint32_t key_lists[][3] = {{0}, {1}, {2}, {3}, {0, 1}, {0, 2, 3}}; /* of the probe side */
static const uint32_t build_lists[][3] = {{0}, {3}, {2}, {1}, {0, 3}, {0, 2, 1}};
static const uint32_t key_counts[] = {1, 1, 1, 1, 2, 3};

static void joins_equal_nested_loops(void **state)
{
    (void)state;
    struct od_stream stream;
    od_stream_init(&stream, 3, "join");
    for (uint32_t round = 0; round < 240; round++) {
        struct join_case join;
        uint32_t keys = round % 6;
        case_init(&join);
        uint32_t range = round % 5 == 0 ? 1 : 8;
        case_rows(&join,
                  fixture_drawn_rows(&join.probe_schema, &stream.random,
                                     (uint32_t)od_random_below(&stream.random, 30), range),
                  fixture_drawn_rows(&join.build_schema, &stream.random,
                                     (uint32_t)od_random_below(&stream.random, 30), range));
        join.node.join.type = round / 6 % 2 == 0 ? OD_JOIN_INNER : OD_JOIN_LEFT;
        join.node.join.key_count = key_counts[keys];
        join.node.join.probe_keys = key_lists[keys];
        join.node.join.build_keys = build_lists[keys];
        if (round / 12 % 2 == 0)
            join.node.join.residual = less_residual(&join);
        run_and_compare(&join, 1 + round % 7, 1 + round % 11, round % 2);
        run_and_compare(&join, 64, 64, false);
        case_release(&join);
    }
}

static void many_build_rows_grow_the_table(void **state)
{
    (void)state;
    struct od_stream stream;
    struct join_case join;
    od_stream_init(&stream, 4, "join");
    case_init(&join);
    case_rows(&join, fixture_drawn_rows(&join.probe_schema, &stream.random, 100, 2000),
              fixture_drawn_rows(&join.build_schema, &stream.random, 3000, 2000));
    join.node.join.key_count = 1;
    join.node.join.probe_keys = key_lists[0];
    join.node.join.build_keys = build_lists[0];
    join.node.join.type = OD_JOIN_LEFT;
    run_and_compare(&join, 16, 500, false);
    case_release(&join);
}

static void set_rows(struct join_case *join, const char *probe, const char *build)
{
    case_rows(join, fixture_rows(&join->probe_schema, probe), fixture_rows(&join->build_schema, build));
    join->node.join.key_count = 1;
    join->node.join.probe_keys = key_lists[0];
    join->node.join.build_keys = build_lists[0];
}

static void order_is_that_of_the_inputs(void **state)
{
    (void)state;
    struct join_case join;
    case_init(&join);
    set_rows(&join, "2 0 a t 1|1 0 b t 2|3 0 c t 3|2 0 d t 4", "2 t x 0 10|1 t y 0 11|2 t z 0 12");
    join.node.join.type = OD_JOIN_LEFT;
    struct od_batch_builder expected = fixture_rows(
        &join.node.schema, "2 0 a t 1 2 t x 0 10|2 0 a t 1 2 t z 0 12|1 0 b t 2 1 t y 0 11|"
                           "2 0 d t 4 2 t x 0 10|2 0 d t 4 2 t z 0 12|3 0 c t 3 null null null null null");
    struct od_batch_builder collected = fixture_rows(&join.node.schema, "");
    struct fixture_run run = {.node = &join.node, .source = &join.source, .batch_rows = 2};
    join.source.batch_rows = 4;
    assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
    fixture_assert_equal(&collected, &expected);
    od_batch_builder_release(&collected);
    od_batch_builder_release(&expected);
    case_release(&join);
}

/* 1 / (probe.v - build.v) > 0: fails for equal v, but only when the keys are equal too. */
static const struct od_expr *failing_residual(const struct join_case *join)
{
    const struct od_expr *columns[2];
    const struct od_expr *quotient[2];
    const struct od_expr *compared[2];
    const struct od_expr *expr;
    struct od_value one = {.type = OD_TYPE_INT64, .int64 = 1};
    struct od_value zero = {.type = OD_TYPE_INT64};
    assert_int_equal(od_expr_column(&plan_arena, &join->node.schema, 4, &columns[0], NULL), OD_OK);
    assert_int_equal(od_expr_column(&plan_arena, &join->node.schema, 9, &columns[1], NULL), OD_OK);
    assert_int_equal(od_expr_literal(&plan_arena, &one, &quotient[0], NULL), OD_OK);
    assert_int_equal(od_expr_call(&plan_arena, OD_FUNCTION_SUBTRACT, columns, 2, &quotient[1], NULL), OD_OK);
    assert_int_equal(od_expr_call(&plan_arena, OD_FUNCTION_DIVIDE, quotient, 2, &compared[0], NULL), OD_OK);
    assert_int_equal(od_expr_literal(&plan_arena, &zero, &compared[1], NULL), OD_OK);
    assert_int_equal(od_expr_call(&plan_arena, OD_FUNCTION_GREATER, compared, 2, &expr, NULL), OD_OK);
    return expr;
}

static void residual_sees_pairs_of_equal_keys_only(void **state)
{
    (void)state;
    static const struct {
        const char *build;
        enum od_status status;
    } cases[] = {{"1 t x 0 2|2 t y 0 3", OD_OK}, {"1 t x 0 2|2 t y 0 5", OD_EVALUATION}};
    for (uint32_t i = 0; i < 2; i++) {
        struct join_case join;
        case_init(&join);
        set_rows(&join, "1 0 a t 3|2 0 b t 5|null 0 c t 2|9 0 d t 3", cases[i].build);
        join.node.join.residual = failing_residual(&join);
        struct od_batch_builder collected = fixture_rows(&join.node.schema, "");
        struct od_error error;
        struct fixture_run run = {.node = &join.node, .source = &join.source, .batch_rows = 8};
        join.source.batch_rows = 8;
        assert_int_equal(fixture_run(&run, &collected, &error), cases[i].status);
        if (cases[i].status == OD_EVALUATION)
            assert_string_equal(error.text, "division by zero");
        od_batch_builder_release(&collected);
        case_release(&join);
    }
}

static void refusals_and_failures_come_out(void **state)
{
    (void)state;
    struct join_case join;
    case_init(&join);
    set_rows(&join,
             "2 0 a t 1|1 0 b t 2|3 0 c t 3|2 0 d t 4|null 0 e t 5|2 1 a-text-that-needs-room t 0|"
             "2 1 another-text-that-needs-room f 0",
             "2 t x 0 10|1 t y 0 1|2 t z 0 2|null t w 0 4|2 t xx 0 11|2 t yy 0 12|2 t zz-some-text 0 13");
    for (uint32_t type = 0; type < 2; type++) {
        join.node.join.type = type == 0 ? OD_JOIN_INNER : OD_JOIN_LEFT;
        join.node.join.residual = less_residual(&join);
        struct fixture_run run = {.node = &join.node, .source = &join.source, .batch_rows = 3};
        struct od_batch_builder expected = fixture_rows(&join.node.schema, "");
        join.source.batch_rows = 3;
        join.source.stalls = false;
        memset(join.source.next_row, 0, sizeof(join.source.next_row));
        assert_int_equal(fixture_run(&run, &expected, NULL), OD_OK);
        assert_true(expected.row_count > 6);
        fixture_sweep(&run, &expected);
        join.source.stalls = true;
        fixture_fail_each_call(&run);
        od_batch_builder_release(&expected);
    }
    case_release(&join);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(joins_equal_nested_loops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_build_rows_grow_the_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(order_is_that_of_the_inputs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(residual_sees_pairs_of_equal_keys_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_and_failures_come_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
