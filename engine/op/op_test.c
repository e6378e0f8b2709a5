/* Goal: scans deal out a table's rows, each to one task; filter, project and limit give what their SQL says;
 * all of them can be resumed, pass failures on, and survive every refused allocation.
 * Method: small trees by hand over tables and over a stalling source; results are compared row by row with
 * the same thing done in a plain loop, for several batch sizes. */
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

static const struct od_expr *column(const struct od_schema *schema, uint32_t index)
{
    const struct od_expr *expr;
    assert_int_equal(od_expr_column(&plan_arena, schema, index, &expr, NULL), OD_OK);
    return expr;
}

static const struct od_expr *number(int64_t value)
{
    const struct od_expr *expr;
    struct od_value literal = {.type = OD_TYPE_INT64, .int64 = value};
    assert_int_equal(od_expr_literal(&plan_arena, &literal, &expr, NULL), OD_OK);
    return expr;
}

static const struct od_expr *call(enum od_function function, const struct od_expr *left,
                                  const struct od_expr *right)
{
    const struct od_expr *expr;
    const struct od_expr *arguments[] = {left, right};
    assert_int_equal(od_expr_call(&plan_arena, function, arguments, 2, &expr, NULL), OD_OK);
    return expr;
}

/* --- scan ----------------------------------------------------------------------------------------------- */

static struct od_table *drawn_table(const struct od_schema *schema, uint32_t row_count)
{
    struct od_stream stream;
    od_stream_init(&stream, row_count, "table");
    struct od_table *table = od_table_new(od_heap_for_tests(), "drawn", schema, NULL);
    assert_non_null(table);
    struct od_batch_builder rows = fixture_drawn_rows(schema, &stream.random, row_count, 50);
    struct od_batch batch = od_batch_builder_view(&rows);
    assert_int_equal(od_batch_builder_append_rows(&table->rows, &batch, NULL, 0, row_count, NULL), OD_OK);
    od_table_finish(table);
    od_batch_builder_release(&rows);
    return table;
}

static struct od_physical scan_of(const struct od_table *table, const uint32_t *columns, uint32_t count)
{
    struct od_physical node = {.kind = OD_PHYSICAL_SCAN, .scan = {table, count, columns}};
    node.schema.field_count = count;
    node.schema.fields = od_arena_take_array(&plan_arena, count, sizeof(struct od_field));
    for (uint32_t i = 0; i < count; i++)
        node.schema.fields[i] = table->schema.fields[columns[i]];
    return node;
}

/* The tasks' rows, one after the other, are the table's rows. */
static void scan_in_tasks(const struct od_table *table, uint32_t task_count, uint32_t batch_rows)
{
    static const uint32_t columns[] = {3, 0, 5, 1, 4, 2};
    struct od_physical node = scan_of(table, columns, 6);
    struct od_batch view = od_table_view(table);
    struct od_batch_builder collected = fixture_rows(&node.schema, "");
    uint32_t table_row = 0;
    uint64_t scanned = 0;
    for (uint32_t task = 0; task < task_count; task++) {
        struct fixture_run run = {
            .node = &node, .batch_rows = batch_rows, .task_index = task, .task_count = task_count};
        assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
        struct od_batch rows = od_batch_builder_view(&collected);
        assert_int_equal(run.scanned_rows, rows.row_count);
        scanned += rows.row_count;
        for (uint32_t row = 0; row < rows.row_count; row++, table_row++) {
            for (uint32_t i = 0; i < 6; i++) {
                struct od_value a = od_column_value(&rows.columns[i], row);
                struct od_value b = od_column_value(&view.columns[columns[i]], table_row);
                assert_int_equal(od_value_compare_total(&a, &b), 0);
            }
        }
    }
    assert_int_equal(scanned, view.row_count);
    od_batch_builder_release(&collected);
}

static void scans_deal_out_all_rows_once(void **state)
{
    (void)state;
    static const uint32_t row_counts[] = {0, 1, 2, 9, 64, 131};
    struct od_schema schema = fixture_schema(&plan_arena, "biftsd");
    for (uint32_t i = 0; i < 6; i++) {
        struct od_table *table = drawn_table(&schema, row_counts[i]);
        for (uint32_t task_count = 1; task_count < 6; task_count++) {
            scan_in_tasks(table, task_count, 1);
            scan_in_tasks(table, task_count, 7);
            scan_in_tasks(table, task_count, 1000);
        }
        od_table_free(od_heap_for_tests(), table);
    }
}

static void scan_without_columns_counts_rows(void **state)
{
    (void)state;
    struct od_schema schema = fixture_schema(&plan_arena, "i");
    struct od_table *table = drawn_table(&schema, 10);
    struct od_physical node = scan_of(table, NULL, 0);
    struct od_batch_builder collected = fixture_rows(&node.schema, "");
    struct fixture_run run = {.node = &node, .batch_rows = 4};
    assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
    assert_int_equal(collected.row_count, 10);
    od_batch_builder_release(&collected);
    od_table_free(od_heap_for_tests(), table);
}

/* --- filter, project, limit over a source --------------------------------------------------------------- */

struct tree {
    struct od_schema schema;
    struct od_batch_builder rows;
    struct fixture_source source;
    struct od_physical reader;
};

static void tree_init(struct tree *tree, const char *letters, const char *text)
{
    tree->schema = fixture_schema(&plan_arena, letters);
    tree->rows = fixture_rows(&tree->schema, text);
    fixture_source_init(&tree->source, 3);
    tree->source.rows[0] = od_batch_builder_view(&tree->rows);
    tree->reader = fixture_reader(&tree->schema, 0);
}

static void tree_release(struct tree *tree)
{
    fixture_source_release(&tree->source);
    od_batch_builder_release(&tree->rows);
}

/* Plain, stalled, with every allocation refused and with every call of the source failed. */
static void check_node(struct tree *tree, const struct od_physical *node, const char *expected_text)
{
    struct od_batch_builder expected = fixture_rows(&node->schema, expected_text);
    struct od_batch_builder collected = fixture_rows(&node->schema, "");
    for (uint32_t batch_rows = 1; batch_rows < 6; batch_rows++) {
        struct fixture_run run = {.node = node, .source = &tree->source, .batch_rows = batch_rows};
        tree->source.batch_rows = batch_rows;
        for (uint32_t stalls = 0; stalls < 2; stalls++) {
            tree->source.stalls = stalls;
            tree->source.call_count = 0;
            memset(tree->source.next_row, 0, sizeof(tree->source.next_row));
            run.blocked_count = 0;
            assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
            fixture_assert_equal(&collected, &expected);
            assert_int_equal(run.blocked_count > 0, stalls);
        }
        fixture_fail_each_call(&run);
        tree->source.stalls = false;
        fixture_sweep(&run, &expected);
    }
    od_batch_builder_release(&collected);
    od_batch_builder_release(&expected);
}

static void filter_keeps_what_is_true(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree, "it", "1 a|5 b|null c|7 d|2 e|9 f|8 null|6 g|0 h");
    struct od_physical node = {.kind = OD_PHYSICAL_FILTER, .schema = tree.schema, .input_count = 1};
    node.inputs[0] = &tree.reader;
    node.filter.predicate = call(OD_FUNCTION_GREATER, column(&tree.schema, 0), number(4));
    check_node(&tree, &node, "5 b|7 d|9 f|8 null|6 g");
    node.filter.predicate = call(OD_FUNCTION_GREATER, column(&tree.schema, 0), number(100));
    check_node(&tree, &node, "");
    tree_release(&tree);
}

static void project_computes_columns(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree, "ii", "1 2|3 4|null 5|6 7");
    struct od_physical node = {
        .kind = OD_PHYSICAL_PROJECT, .schema = fixture_schema(&plan_arena, "iii"), .input_count = 1};
    const struct od_expr *exprs[] = {column(&tree.schema, 1), number(42),
                                     call(OD_FUNCTION_ADD, column(&tree.schema, 0), column(&tree.schema, 1))};
    node.inputs[0] = &tree.reader;
    node.rows = (struct od_rows_clause){1, exprs};
    check_node(&tree, &node, "2 42 3|4 42 7|5 42 null|7 42 13");
    tree_release(&tree);
}

static void evaluation_errors_come_out(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree, "i", "1|2|0|3");
    struct od_physical node = {.kind = OD_PHYSICAL_PROJECT, .schema = tree.schema, .input_count = 1};
    const struct od_expr *quotient = call(OD_FUNCTION_DIVIDE, number(6), column(&tree.schema, 0));
    node.inputs[0] = &tree.reader;
    node.rows = (struct od_rows_clause){1, &quotient};
    struct od_physical filter = {.kind = OD_PHYSICAL_FILTER, .schema = tree.schema, .input_count = 1};
    filter.inputs[0] = &node; /* passes the failure on */
    filter.filter.predicate = call(OD_FUNCTION_GREATER, column(&tree.schema, 0), number(0));
    struct od_batch_builder collected = fixture_rows(&tree.schema, "");
    struct od_error error;
    struct fixture_run run = {.node = &filter, .source = &tree.source, .batch_rows = 2};
    tree.source.batch_rows = 2;
    assert_int_equal(fixture_run(&run, &collected, &error), OD_EVALUATION);
    assert_string_equal(error.text, "division by zero");
    assert_int_equal(collected.row_count, 2); /* the batch before */
    od_batch_builder_release(&collected);
    tree_release(&tree);
}

static void limit_cuts_a_range(void **state)
{
    (void)state;
    static const char *const rows[] = {"0", "1", "2", "3", "4", "5", "6"};
    struct tree tree;
    tree_init(&tree, "i", "0|1|2|3|4|5|6");
    struct od_physical node = {.kind = OD_PHYSICAL_LIMIT, .schema = tree.schema, .input_count = 1};
    node.inputs[0] = &tree.reader;
    for (uint64_t offset = 0; offset < 9; offset += 2) {
        for (uint64_t count = 0; count < 9; count += 3) {
            char expected[40] = "";
            for (uint64_t i = offset; i < 7 && i < offset + count; i++) {
                strcat(expected, i > offset ? "|" : "");
                strcat(expected, rows[i]);
            }
            node.limit.offset = offset;
            node.limit.count = count;
            check_node(&tree, &node, expected);
        }
    }
    node.limit.offset = 5;
    node.limit.count = UINT64_MAX;
    check_node(&tree, &node, "5|6");
    tree_release(&tree);
}

static void scans_survive_refusals(void **state)
{
    (void)state;
    static const uint32_t columns[] = {0, 1, 2, 3, 4, 5};
    struct od_schema schema = fixture_schema(&plan_arena, "biftsd");
    struct od_table *table = drawn_table(&schema, 40);
    struct od_physical node = scan_of(table, columns, 6);
    struct fixture_run run = {.node = &node, .batch_rows = 7};
    struct od_batch_builder expected = fixture_rows(&schema, "");
    assert_int_equal(fixture_run(&run, &expected, NULL), OD_OK);
    fixture_sweep(&run, &expected);
    od_batch_builder_release(&expected);
    od_table_free(od_heap_for_tests(), table);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(scans_deal_out_all_rows_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scan_without_columns_counts_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scans_survive_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(filter_keeps_what_is_true, set_up, tear_down),
        cmocka_unit_test_setup_teardown(project_computes_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evaluation_errors_come_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limit_cuts_a_range, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
