/* Goal: what plan/determinism.c says of a stage is so, and no less could be said.
 * Method: small queries are planned with arrival_order and run here, stage by stage and task by task. A task of a stage under
 * test is run over every order of the rows of every input that may come in any order, two rows a batch, with operators that
 * may hold all they want, and one byte: what came out in each partition is compared with what came out first. The worst that is seen in any task
 * must be the stage's class: a class that says too little is as wrong as one that says too much. */
#include "engine/op/plan_arena_fixture.h"
#include "engine/shuffle/partition_writer.h"

#define ROWS_MAX   8
#define TASKS      3
#define PARTITIONS 2
#define STAGES_MAX 12

static struct od_plan_options options;
static struct fixture_disk disk;
static uint64_t operator_bytes_max;
static struct od_table *t_table;
static struct od_batch_builder outputs[STAGES_MAX][TASKS][PARTITIONS]; /* what each task gave first */
static struct od_batch_builder again[PARTITIONS];

/* --- running -------------------------------------------------------------------------------------------- */

static uint32_t partition_count_of(const struct od_stage *stage)
{
    return od_exchange_is_parted(stage->exchange) && stage->exchange != OD_EXCHANGE_FORWARD
               ? stage->partition_count
               : 1;
}

static void init_parts(struct od_batch_builder *parts, const struct od_schema *schema)
{
    for (uint32_t p = 0; p < PARTITIONS; p++)
        assert_int_equal(od_batch_builder_init(&parts[p], od_heap_for_tests(), schema, NULL), OD_OK);
}

static void release_parts(struct od_batch_builder *parts)
{
    for (uint32_t p = 0; p < PARTITIONS; p++)
        od_batch_builder_release(&parts[p]);
}

/* Runs one task over these inputs; what it gives is appended to the parts. */
static void run_task(const struct od_stage *stage, uint32_t task, struct fixture_source *source,
                     struct od_batch_builder *parts)
{
    struct od_batch_builder collected;
    struct fixture_run run = {.node = stage->root,
                              .source = source,
                              .batch_rows = 2,
                              .task_index = task,
                              .task_count = stage->task_count,
                              .operator_bytes_max = operator_bytes_max,
                              .disk = &disk};
    assert_int_equal(od_batch_builder_init(&collected, od_heap_for_tests(), &stage->root->schema, NULL),
                     OD_OK);
    memset(source->next_row, 0, sizeof(source->next_row));
    source->call_count = 0;
    assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
    struct od_batch rows = od_batch_builder_view(&collected);
    for (uint32_t row = 0; row < rows.row_count; row++) {
        struct od_batch one;
        struct od_arena arena;
        uint64_t hash = 0;
        od_arena_init(&arena, od_heap_for_tests(), 0);
        assert_int_equal(od_batch_slice(&arena, &rows, row, 1, &one, NULL), OD_OK);
        if (stage->exchange == OD_EXCHANGE_HASH)
            od_batch_hash_keys(&one, stage->keys, stage->key_count, &hash);
        uint32_t count = partition_count_of(stage);
        uint32_t part =
            stage->exchange == OD_EXCHANGE_ROUND_ROBIN ? (task + row) % count : od_partition_of(hash, count);
        assert_int_equal(od_batch_builder_append_rows(&parts[part], &rows, &row, 0, 1, NULL), OD_OK);
        od_arena_release(&arena);
    }
    od_batch_builder_release(&collected);
}

/* What reader `node` of a task reads, in order of map task. */
static void gather(const struct od_stage_graph *graph, const struct od_stage *stage, uint32_t input,
                   uint32_t task, struct od_batch_builder *rows)
{
    const struct od_stage *from = &graph->stages[stage->input_stages[input]];
    bool forward = from->exchange == OD_EXCHANGE_FORWARD;
    uint32_t part = partition_count_of(from) > 1 ? task : 0;
    assert_int_equal(od_batch_builder_init(rows, od_heap_for_tests(), &from->root->schema, NULL), OD_OK);
    for (uint32_t m = forward ? task : 0; m < (forward ? task + 1 : from->task_count); m++) {
        struct od_batch written = od_batch_builder_view(&outputs[from->stage_index][m][part]);
        assert_int_equal(od_batch_builder_append_rows(rows, &written, NULL, 0, written.row_count, NULL),
                         OD_OK);
    }
}

/* --- every order ---------------------------------------------------------------------------------------- */

struct input {
    struct od_batch_builder rows;     /* as they come in order of map task */
    struct od_batch_builder shuffled; /* as they come now */
    uint32_t order[ROWS_MAX];
    bool any_order;
};

static void shuffle_rows(struct input *input)
{
    struct od_batch rows = od_batch_builder_view(&input->rows);
    od_batch_builder_reset(&input->shuffled);
    assert_int_equal(
        od_batch_builder_append_rows(&input->shuffled, &rows, input->order, 0, rows.row_count, NULL), OD_OK);
}

/* The next order in the alphabet's way; false: back to the first. */
static bool next_order(struct input *input)
{
    uint32_t count = input->rows.row_count;
    uint32_t *order = input->order;
    uint32_t low = count;
    for (uint32_t i = 0; input->any_order && i + 1 < count; i++)
        low = order[i] < order[i + 1] ? i : low;
    bool more = low != count;
    for (uint32_t i = count; more && i-- > 0;) {
        if (order[i] > order[low]) {
            uint32_t moved = order[i];
            order[i] = order[low];
            order[low] = moved;
            break;
        }
    }
    for (uint32_t i = more ? low + 1 : 0, j = count; input->any_order && i + 1 < j--; i++) {
        uint32_t moved = order[i];
        order[i] = order[j];
        order[j] = moved;
    }
    return more;
}

static bool rows_equal(struct od_batch_builder *left, struct od_batch_builder *right)
{
    struct od_batch a = od_batch_builder_view(left);
    struct od_batch b = od_batch_builder_view(right);
    bool equal = a.row_count == b.row_count;
    for (uint32_t row = 0; equal && row < a.row_count; row++)
        equal = fixture_compare_rows(&a, row, &b, row) == 0;
    return equal;
}

static enum od_determinism compare(struct od_batch_builder *first, struct od_batch_builder *second,
                                   const struct od_schema *schema)
{
    enum od_determinism seen = OD_DETERMINATE;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        struct od_batch_builder sorted;
        struct od_batch rows = od_batch_builder_view(&first[p]);
        if (rows_equal(&first[p], &second[p]))
            continue;
        assert_int_equal(od_batch_builder_init(&sorted, od_heap_for_tests(), schema, NULL), OD_OK);
        assert_int_equal(od_batch_builder_append_rows(&sorted, &rows, NULL, 0, rows.row_count, NULL), OD_OK);
        fixture_sort(&sorted);
        fixture_sort(&second[p]);
        enum od_determinism now = rows_equal(&sorted, &second[p]) ? OD_UNORDERED : OD_INDETERMINATE;
        seen = now > seen ? now : seen;
        od_batch_builder_release(&sorted);
    }
    return seen;
}

/* Runs the task over every order of its inputs; gives the worst that was seen. */
static enum od_determinism try_orders(const struct od_stage_graph *graph, const struct od_stage *stage,
                                      uint32_t task)
{
    struct input inputs[FIXTURE_INPUTS] = {0};
    struct fixture_source source;
    enum od_determinism seen = OD_DETERMINATE;
    struct od_batch_builder *first = outputs[stage->stage_index][task];
    fixture_source_init(&source, 2);
    for (uint32_t i = 0; i < stage->input_count; i++) {
        const struct od_stage *from = &graph->stages[stage->input_stages[i]];
        bool forward = from->exchange == OD_EXCHANGE_FORWARD;
        gather(graph, stage, i, task, &inputs[i].rows);
        assert_true(inputs[i].rows.row_count <= ROWS_MAX);
        inputs[i].any_order = (graph->arrival_order && !forward) || from->determinism == OD_UNORDERED;
        assert_int_equal(
            od_batch_builder_init(&inputs[i].shuffled, od_heap_for_tests(), inputs[i].rows.schema, NULL),
            OD_OK);
        for (uint32_t row = 0; row < ROWS_MAX; row++)
            inputs[i].order[row] = row;
        shuffle_rows(&inputs[i]);
        source.rows[i] = od_batch_builder_view(&inputs[i].shuffled);
    }
    init_parts(first, &stage->root->schema);
    run_task(stage, task, &source, first);
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < stage->input_count && !more; i++) {
            more = next_order(&inputs[i]);
            shuffle_rows(&inputs[i]);
            source.rows[i] = od_batch_builder_view(&inputs[i].shuffled);
        }
        init_parts(again, &stage->root->schema);
        run_task(stage, task, &source, again);
        enum od_determinism now = compare(first, again, &stage->root->schema);
        seen = now > seen ? now : seen;
        release_parts(again);
    }
    for (uint32_t i = 0; i < stage->input_count; i++) {
        od_batch_builder_release(&inputs[i].rows);
        od_batch_builder_release(&inputs[i].shuffled);
    }
    fixture_source_release(&source);
    return seen;
}

/* --- queries -------------------------------------------------------------------------------------------- */

/* `classes`: a letter a stage: what is said of it, and seen: d, u or i. */
static void expect(const struct od_plan *plan, const char *classes)
{
    const struct od_stage_graph *graph;
    char said[STAGES_MAX + 1] = "";
    char seen[STAGES_MAX + 1] = "";
    assert_int_equal(od_stage_graph_build(&plan_arena, plan, &options, &graph, NULL), OD_OK);
    assert_true(graph->stage_count <= STAGES_MAX);
    assert_int_equal(graph->arrival_order, options.arrival_order);
    for (uint32_t s = 0; s < graph->stage_count; s++) {
        const struct od_stage *stage = &graph->stages[s];
        enum od_determinism worst = OD_DETERMINATE;
        assert_true(stage->task_count <= TASKS && stage->input_count <= FIXTURE_INPUTS);
        assert_true(partition_count_of(stage) <= PARTITIONS);
        for (uint32_t i = 0; i < 2 * stage->task_count; i++) {
            operator_bytes_max = i % 2;
            if (i % 2 == 1)
                release_parts(outputs[s][i / 2]);
            enum od_determinism now = try_orders(graph, stage, i / 2);
            worst = now > worst ? now : worst;
        }
        said[s] = "dui"[stage->determinism];
        seen[s] = "dui"[worst];
        assert_int_equal(stage->determinism_reason == NULL, stage->determinism == OD_DETERMINATE);
    }
    for (uint32_t s = 0; s < graph->stage_count; s++)
        for (uint32_t t = 0; t < graph->stages[s].task_count; t++)
            release_parts(outputs[s][t]);
    if (strcmp(said, classes) != 0 || strcmp(seen, classes) != 0) {
        struct od_buffer text;
        od_buffer_init(&text, od_heap_for_tests());
        od_stage_graph_print(graph, &text);
        print_error("said %s, seen %s:\n%s", said, seen, od_buffer_text(&text));
        od_buffer_release(&text);
    }
    assert_string_equal(said, classes);
    assert_string_equal(seen, classes);
}

static const struct od_plan *scan(void)
{
    static const uint32_t columns[] = {0, 1};
    const struct od_plan *plan;
    assert_int_equal(od_plan_scan(&plan_arena, t_table, columns, 2, &plan, NULL), OD_OK);
    return plan;
}

static const struct od_expr *column(const struct od_plan *of, uint32_t index)
{
    const struct od_expr *expr;
    assert_int_equal(od_expr_column(&plan_arena, &of->schema, index, &expr, NULL), OD_OK);
    return expr;
}

/* By a column, or in turn. */
static const struct od_plan *spread(const struct od_plan *input, bool in_turn)
{
    const struct od_plan *plan;
    const struct od_expr *key = column(input, 0);
    assert_int_equal(
        od_plan_repartition(&plan_arena, input, &key, in_turn ? 0 : 1, in_turn ? PARTITIONS : 0, &plan, NULL),
        OD_OK);
    return plan;
}

static const struct od_plan *sorted(const struct od_plan *input)
{
    const struct od_plan *plan;
    assert_int_equal(od_plan_sort(&plan_arena, input, NULL, 0, &plan, NULL), OD_OK);
    return plan;
}

static const struct od_plan *joined(const struct od_plan *left, const struct od_plan *right)
{
    struct od_schema pair;
    const struct od_expr *sides[2];
    const struct od_expr *condition;
    const struct od_plan *plan;
    assert_int_equal(od_plan_join_schema(&plan_arena, left, right, &pair, NULL), OD_OK);
    assert_int_equal(od_expr_column(&plan_arena, &pair, 0, &sides[0], NULL), OD_OK);
    assert_int_equal(od_expr_column(&plan_arena, &pair, left->schema.field_count, &sides[1], NULL), OD_OK);
    assert_int_equal(od_expr_call(&plan_arena, OD_FUNCTION_EQUAL, sides, 2, &condition, NULL), OD_OK);
    assert_int_equal(od_plan_join(&plan_arena, OD_JOIN_LEFT, left, right, condition, &plan, NULL), OD_OK);
    return plan;
}

/* count(*), by v or of all. */
static const struct od_plan *summed(const struct od_plan *input, uint32_t group_count)
{
    const struct od_expr *group = column(input, 1);
    const struct od_plan *plan;
    const struct od_aggregate count = {
        .function = OD_AGGREGATE_COUNT_STAR, .type = OD_TYPE_INT64, .name = "count"};
    assert_int_equal(od_plan_aggregate(&plan_arena, input, &group, NULL, group_count, &count, 1, &plan, NULL),
                     OD_OK);
    return plan;
}

/* The first row of each batch. */
static enum od_status take_first(void *self, const struct od_batch *batch, struct od_batch_builder *output,
                                 struct od_error *error)
{
    (void)self;
    return od_batch_builder_append_rows(output, batch, NULL, 0, batch->row_count != 0, error);
}

static const struct od_plan *mapped(const struct od_plan *input)
{
    static const struct od_map_function first = {.name = "first", .map = take_first};
    const struct od_plan *plan;
    assert_int_equal(od_plan_map(&plan_arena, input, &first, &input->schema, &plan, NULL), OD_OK);
    return plan;
}

static const struct od_plan *ranked(const struct od_plan *input)
{
    const struct od_expr *partition = column(input, 0);
    const struct od_window_call call = {.function = OD_WINDOW_ROW_NUMBER,
                                        .frame = {.end = OD_FRAME_CURRENT_ROW},
                                        .type = OD_TYPE_INT64,
                                        .name = "row_number"};
    const struct od_plan *plan;
    assert_int_equal(od_plan_window(&plan_arena, input, &partition, 1, NULL, 0, &call, 1, &plan, NULL),
                     OD_OK);
    return plan;
}

static const struct od_plan *limited(const struct od_plan *input)
{
    const struct od_plan *plan;
    assert_int_equal(od_plan_limit(&plan_arena, input, 1, 5, &plan, NULL), OD_OK);
    return plan;
}

static const struct od_plan *both(const struct od_plan *left, const struct od_plan *right)
{
    const struct od_plan *plan;
    assert_int_equal(od_plan_union(&plan_arena, left, right, &plan, NULL), OD_OK);
    return plan;
}

/* --- tests ---------------------------------------------------------------------------------------------- */

static void every_stage_is_what_is_said_of_it(void **state)
{
    (void)state;
    for (unsigned arrival = 0; arrival < 2; arrival++) {
        options = (struct od_plan_options){.partition_count = PARTITIONS,
                                           .scan_task_count = TASKS,
                                           .arrival_order = arrival != 0,
                                           .join_strategy = OD_JOIN_FORCE_PARTITIONED};
#define EXPECT(plan, classes)                                                                                \
    expect(plan, arrival != 0 ? (classes) : memset(strcpy(text, classes), 'd', strlen(classes)))
        char text[STAGES_MAX + 1];
        EXPECT(scan(), "d");
        EXPECT(spread(scan(), true),
               "du"); /* out of tables rows come in one order, and are dealt out in it */
        EXPECT(spread(scan(), false), "du");
        EXPECT(spread(spread(scan(), false), true), "diu");
        EXPECT(spread(spread(scan(), true), true), "diu");
        EXPECT(sorted(spread(spread(scan(), false), true)), "diud");
        EXPECT(spread(limited(scan()), true), "ddu");
        EXPECT(joined(scan(), scan()), "ddu");
        options.join_algorithm = OD_JOIN_FORCE_MERGE;
        EXPECT(joined(scan(), scan()), "ddd");
        options.join_algorithm = OD_JOIN_ALGORITHM_CHOOSE;
        EXPECT(summed(joined(scan(), scan()), 1), "ddiu");
        EXPECT(summed(joined(scan(), scan()), 0), "dddd");
        EXPECT(summed(scan(), 1), "du");
        EXPECT(mapped(scan()), "d");
        EXPECT(mapped(spread(scan(), false)), "di");
        EXPECT(ranked(scan()), "dd");
        EXPECT(limited(spread(scan(), false)), "ddd");
        EXPECT(both(spread(scan(), false), spread(scan(), false)), "ddu");
        const struct od_plan *shared = spread(scan(), false);
        EXPECT(both(shared, summed(shared, 1)), "duiu");
        options.rules_off = 1u << OD_RULE_PARTIAL_AGGREGATION;
        EXPECT(summed(joined(scan(), scan()), 1), "dduu");
    }
}

static int make_table(void **state)
{
    static struct od_field fields[] = {{"k", OD_TYPE_INT64, true}, {"v", OD_TYPE_INT64, true}};
    static const struct od_schema schema = {2, fields};
    (void)state;
    t_table = od_table_new(od_heap_for_tests(), "t", &schema, NULL);
    fixture_append_text(&t_table->rows, "1 1|2 4|1 2|4 3|5 null|null 1");
    od_table_finish(t_table);
    disk.fail_at = UINT32_MAX;
    return 0;
}

static int free_table(void **state)
{
    (void)state;
    od_table_free(od_heap_for_tests(), t_table);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_stage_is_what_is_said_of_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, make_table, free_table);
}
