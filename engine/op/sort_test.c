/* Goal: SORT gives all rows in their total order and TOP_N the first of them, whatever the batches were, and
 * whether rows were spilled, in few files or so many that files are merged into files. Method: drawn rows
 * with many duplicates, NULLs and special numbers are sorted by drawn keys and compared with an insertion
 * sort that compares values by the two orders of engine/data; all limits are tried, also such that rows are
 * forgotten on the way. Failures and refusals as for every operator. */
#include "engine/op/op_fixture.h"
#include "engine/op/spill.h"

static struct od_arena plan_arena;
static struct fixture_disk disk;

static int set_up(void **state)
{
    (void)state;
    od_arena_init(&plan_arena, od_heap_for_tests(), 0);
    disk.fail_at = UINT32_MAX;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    od_arena_release(&plan_arena);
    return 0;
}

#define TYPES    "biftsdjn"
#define KEYS_MAX 3
#define ROWS_MAX 3000

struct sort_case {
    struct od_schema schema;
    struct od_batch_builder rows;
    struct fixture_source source;
    struct od_physical reader;
    struct od_physical node;
    struct od_sort_key keys[KEYS_MAX];
    uint32_t key_columns[KEYS_MAX]; /* keys[i] sorts by this column, or by its negative */
    bool negated[KEYS_MAX];
};

/* The key is a column, or for numbers sometimes an expression that has to be computed. */
static void draw_key(struct sort_case *sort, uint32_t i, struct od_random *draws)
{
    struct od_sort_key *key = &sort->keys[i];
    sort->key_columns[i] = (uint32_t)od_random_below(draws, sort->schema.field_count);
    assert_int_equal(od_expr_column(&plan_arena, &sort->schema, sort->key_columns[i], &key->expr, NULL),
                     OD_OK);
    sort->negated[i] = key->expr->type == OD_TYPE_INT64 && od_random_chance(draws, 1, 2);
    if (sort->negated[i])
        assert_int_equal(od_expr_call(&plan_arena, OD_FUNCTION_NEGATE,
                                      (const struct od_expr *const[]){key->expr}, 1, &key->expr, NULL),
                         OD_OK);
    key->descending = od_random_below(draws, 2);
    key->nulls_first = od_random_below(draws, 2);
}

static void case_init(struct sort_case *sort, struct od_random *draws, uint32_t row_count, uint32_t key_count)
{
    sort->schema = fixture_schema(&plan_arena, TYPES);
    sort->rows = fixture_drawn_rows(&sort->schema, draws, row_count, 3);
    fixture_source_init(&sort->source, 1);
    sort->source.rows[0] = od_batch_builder_view(&sort->rows);
    sort->reader = fixture_reader(&sort->schema, 0);
    sort->node = (struct od_physical){.kind = OD_PHYSICAL_SORT, .schema = sort->schema, .input_count = 1};
    sort->node.inputs[0] = &sort->reader;
    sort->node.sort.key_count = key_count;
    sort->node.sort.keys = sort->keys;
    sort->node.row_limit = UINT64_MAX;
    for (uint32_t i = 0; i < key_count; i++)
        draw_key(sort, i, draws);
}

static void case_release(struct sort_case *sort)
{
    fixture_source_release(&sort->source);
    od_batch_builder_release(&sort->rows);
}

/* --- the plain sort ------------------------------------------------------------------------------------- */

static int compare_key(const struct sort_case *sort, uint32_t key, uint32_t left_row, uint32_t right_row)
{
    const struct od_column *column = &sort->source.rows[0].columns[sort->key_columns[key]];
    struct od_value left = od_column_value(column, left_row);
    struct od_value right = od_column_value(column, right_row);
    if (left.is_null || right.is_null) {
        if (left.is_null && right.is_null)
            return 0;
        return left.is_null == sort->keys[key].nulls_first ? -1 : 1;
    }
    int order = od_value_compare(&left, &right);
    return sort->keys[key].descending != sort->negated[key] ? -order : order;
}

static int compare(const struct sort_case *sort, uint32_t left_row, uint32_t right_row)
{
    for (uint32_t i = 0; i < sort->node.sort.key_count; i++) {
        int order = compare_key(sort, i, left_row, right_row);
        if (order != 0)
            return order;
    }
    return fixture_compare_rows(&sort->source.rows[0], left_row, &sort->source.rows[0], right_row);
}

static struct od_batch_builder plain_sort(const struct sort_case *sort)
{
    static uint32_t rows[ROWS_MAX];
    uint32_t row_count = sort->source.rows[0].row_count;
    uint64_t limit = sort->node.row_limit;
    struct od_batch_builder sorted = fixture_rows(&sort->schema, "");
    for (uint32_t i = 0; i < row_count; i++) {
        uint32_t hole = i;
        for (; hole > 0 && compare(sort, rows[hole - 1], i) > 0; hole--)
            rows[hole] = rows[hole - 1];
        rows[hole] = i;
    }
    uint32_t kept = limit < row_count ? (uint32_t)limit : row_count;
    assert_int_equal(od_batch_builder_append_rows(&sorted, &sort->source.rows[0], rows, 0, kept, NULL),
                     OD_OK);
    return sorted;
}

/* Returns the bytes that were spilled. */
static uint64_t run_and_compare(struct sort_case *sort, uint32_t batch_rows, uint32_t input_rows, bool stalls,
                                uint64_t bytes_max)
{
    struct od_batch_builder expected = plain_sort(sort);
    struct od_batch_builder collected = fixture_rows(&sort->schema, "");
    struct fixture_run run = {.node = &sort->node,
                              .source = &sort->source,
                              .batch_rows = batch_rows,
                              .disk = &disk,
                              .operator_bytes_max = bytes_max};
    sort->source.batch_rows = input_rows;
    sort->source.stalls = stalls;
    sort->source.call_count = 0;
    memset(sort->source.next_row, 0, sizeof(sort->source.next_row));
    assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
    fixture_assert_equal(&collected, &expected);
    od_batch_builder_release(&collected);
    od_batch_builder_release(&expected);
    return run.spilled_bytes;
}

/* --- tests ---------------------------------------------------------------------------------------------- */

static void sorts_equal_plain_sorts(void **state)
{
    (void)state;
    static const uint64_t budgets[] = {0, 1, 1000, 5000};
    struct od_stream stream;
    uint64_t spilled[4] = {0};
    od_stream_init(&stream, 5, "sort");
    for (uint32_t round = 0; round < 800; round++) {
        struct sort_case sort;
        case_init(&sort, &stream.random, round < 60 ? round : (uint32_t)od_random_below(&stream.random, 150),
                  round % (KEYS_MAX + 1));
        spilled[round % 4] +=
            run_and_compare(&sort, 1 + round % 9, 1 + round % 40, round % 2, budgets[round % 4]);
        sort.node.kind = OD_PHYSICAL_TOP_N;
        sort.node.row_limit = od_random_below(&stream.random, 20);
        run_and_compare(&sort, 1 + round % 5, 1 + round % 30, round % 2, budgets[round / 4 % 4]);
        case_release(&sort);
    }
    for (uint32_t i = 0; i < 4; i++)
        assert_true((spilled[i] > 0) == (i > 0));
}

static void top_n_forgets_rows(void **state)
{
    (void)state;
    static const uint64_t limits[] = {0, 1, 10, 600, 1480, 2999, 3000, 5000};
    struct od_stream stream;
    struct sort_case sort;
    od_stream_init(&stream, 6, "sort");
    case_init(&sort, &stream.random, ROWS_MAX, 2);
    sort.node.kind = OD_PHYSICAL_TOP_N;
    for (uint32_t i = 0; i < 8; i++) {
        sort.node.row_limit = limits[i];
        run_and_compare(&sort, 100, 37, false, 0);
        run_and_compare(&sort, 100, 37, false, 20000);
    }
    case_release(&sort);
}

static void keys_that_fail_fail_the_sort(void **state)
{
    (void)state;
    struct od_stream stream;
    struct sort_case sort;
    od_stream_init(&stream, 7, "sort");
    case_init(&sort, &stream.random, 50, 1);
    const struct od_expr *arguments[2];
    assert_int_equal(od_expr_column(&plan_arena, &sort.schema, 1, &arguments[1], NULL), OD_OK);
    arguments[0] = arguments[1];
    assert_int_equal(od_expr_call(&plan_arena, OD_FUNCTION_DIVIDE, arguments, 2, &sort.keys[0].expr, NULL),
                     OD_OK);
    sort.node.kind = OD_PHYSICAL_TOP_N;
    sort.node.row_limit = 0; /* the keys are computed all the same */
    struct od_batch_builder collected = fixture_rows(&sort.schema, "");
    struct fixture_run run = {.node = &sort.node, .source = &sort.source, .batch_rows = 8};
    assert_int_equal(fixture_run(&run, &collected, NULL), OD_EVALUATION);
    od_batch_builder_release(&collected);
    case_release(&sort);
}

static void refusals_and_failures_come_out(void **state)
{
    (void)state;
    static const struct {
        uint64_t limit;
        uint64_t bytes_max;
        uint32_t rows;
        uint32_t input_rows;
        uint32_t batch_rows;
    } cases[] = {{UINT64_MAX, 0, 60, 7, 400},
                 {5, 0, 1100, 300, 400} /* enough to forget some */,
                 {UINT64_MAX, 1, 60, 3, 16} /* files are merged into files */,
                 {20, 1500, 60, 7, 16}};
    struct od_stream stream;
    od_stream_init(&stream, 8, "sort");
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sort_case sort;
        case_init(&sort, &stream.random, cases[i].rows, KEYS_MAX);
        sort.node.row_limit = cases[i].limit;
        struct od_batch_builder expected = plain_sort(&sort);
        struct fixture_run run = {.node = &sort.node,
                                  .source = &sort.source,
                                  .batch_rows = cases[i].batch_rows,
                                  .disk = &disk,
                                  .operator_bytes_max = cases[i].bytes_max};
        sort.source.batch_rows = cases[i].input_rows;
        fixture_sweep(&run, &expected);
        if (cases[i].bytes_max > 0)
            fixture_fail_each_disk_call(&run, &expected);
        sort.source.stalls = true;
        fixture_fail_each_call(&run);
        od_batch_builder_release(&expected);
        case_release(&sort);
    }
}

/* Of two sorts each names its own rows and runs, not those of its input. */
static void metrics_are_of_one_operator(void **state)
{
    (void)state;
    struct od_stream stream;
    struct sort_case sort;
    struct od_op_metrics metrics[FIXTURE_OPERATORS];
    od_stream_init(&stream, 5, "metrics");
    case_init(&sort, &stream.random, 400, 1);
    struct od_batch_builder collected = fixture_rows(&sort.schema, "");
    struct od_physical top = sort.node;
    top.inputs[0] = &sort.node;
    top.row_limit = 7;
    struct fixture_run run = {.node = &top,
                              .source = &sort.source,
                              .batch_rows = 10,
                              .disk = &disk,
                              .operator_bytes_max = 8000,
                              .metrics = metrics};
    sort.source.batch_rows = 10;
    assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
    assert_int_equal(metrics[0].rows, 7);
    assert_true(metrics[0].peak_bytes > 0);
    assert_int_equal(metrics[1].rows, 400);
    assert_true(metrics[1].batches >= 40);
    assert_true(metrics[1].spilled_bytes > metrics[0].spilled_bytes);
    assert_true(metrics[1].peak_bytes >= 8000);
    struct od_batch rows = od_batch_builder_view(&sort.rows);
    assert_int_equal(metrics[2].rows, 400);
    assert_int_equal(metrics[2].batches, 40);
    assert_true(metrics[2].bytes >= od_spill_batch_bytes(&rows));
    assert_int_equal(metrics[2].spilled_bytes + metrics[2].peak_bytes, 0);
    case_release(&sort);
    od_batch_builder_release(&collected);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sorts_equal_plain_sorts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(top_n_forgets_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_that_fail_fail_the_sort, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_and_failures_come_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metrics_are_of_one_operator, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
