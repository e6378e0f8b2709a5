/* graph_decode_fuzzer: any bytes are a stage graph or an error; a graph can be printed, encoded again and run.
 *
 * Run by hand: a stage after the other, a few tasks of each, whatever one gives to the first task of its reader (to every one, if
 * it is broadcast), for a bounded number of steps. What comes out does not matter; that nothing breaks does.
 * Seeds: graph_decode_fuzzer_corpus/, the bytes of the graphs of engine/frame/graph_proto_test.c. */
#include "engine/core/assert.h"
#include "engine/frame/graph_proto.h"
#include "engine/op/op.h"
#include "engine/world/posix.h"

#define MEMORY_LIMIT ((size_t)256 << 20)
#define TASKS_MAX    3u
#define STEPS_MAX    500u
#define ROWS_MAX     500u
#define SLICE_ROWS   5u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct od_table *only_table(void)
{
    static struct od_field fields[] = {{"k", OD_TYPE_INT64, true},
                                       {"v", OD_TYPE_INT32, true},
                                       {"s", OD_TYPE_TEXT, true},
                                       {"d", OD_TYPE_DATE, true}};
    static struct od_table *table;
    if (table != NULL)
        return table;
    table = od_table_new(od_posix_memory(), "t", &(struct od_schema){4, fields}, NULL);
    for (uint32_t row = 0; row < 12; row++) {
        for (uint32_t i = 0; i < 4; i++) {
            struct od_value value = {.type = fields[i].type, .is_null = (row + i) % 5 == 0, .int64 = row % 4};
            if (i == 2)
                value.text.bytes = "aba", value.text.size = row % 4;
            od_batch_builder_append(&table->rows, i, &value, NULL);
        }
        od_batch_builder_end_row(&table->rows);
    }
    od_table_finish(table);
    return table;
}

static enum od_status find_table(void *self, const struct od_table_ref *ref, const struct od_table **table_out,
                                 struct od_error *error)
{
    (void)self;
    (void)ref;
    (void)error;
    *table_out = only_table();
    return OD_OK;
}

static enum od_status name_table(void *self, const struct od_table *table, struct od_table_ref *ref_out,
                                 struct od_error *error)
{
    (void)self;
    (void)error;
    *ref_out = (struct od_table_ref){table->name, od_table_row_count(table), od_schema_hash(&table->schema), {1, 2}};
    return OD_OK;
}

struct run {
    struct od_memory *memory;
    const struct od_stage_graph *graph;
    struct od_batch_builder *rows; /* what each stage gave */
    const struct od_stage *stage;
    uint32_t task;
    uint32_t *next_rows; /* of each input */
    struct od_arena slice_arena;
    struct od_batch slice;
};

static enum od_step next_slice(void *self, uint32_t input, const struct od_batch **batch_out, struct od_error *error)
{
    struct run *run = self;
    uint32_t source = run->stage->input_stages[input];
    struct od_batch rows = od_batch_builder_view(&run->rows[source]);
    bool is_everywhere = run->graph->stages[source].exchange == OD_EXCHANGE_BROADCAST;
    uint32_t left = run->task == 0 || is_everywhere ? rows.row_count - run->next_rows[input] : 0;
    uint32_t count = left < SLICE_ROWS ? left : SLICE_ROWS;
    if (count == 0)
        return OD_STEP_DONE;
    od_arena_reset(&run->slice_arena);
    if (od_batch_slice(&run->slice_arena, &rows, run->next_rows[input], count, &run->slice, error) != OD_OK)
        return OD_STEP_FAILED;
    run->next_rows[input] += count;
    *batch_out = &run->slice;
    return OD_STEP_OUTPUT;
}

static bool run_task(struct run *run)
{
    struct od_op_account account = {0};
    const struct od_op_env env = {.memory = run->memory,
                                  .source = {next_slice, run},
                                  .task_index = run->task,
                                  .task_count = run->stage->task_count,
                                  .batch_rows = 7,
                                  .account = &account};
    struct od_batch_builder *rows = &run->rows[run->stage->stage_index];
    struct od_op *op;
    enum od_step said = OD_STEP_AGAIN;
    for (uint32_t i = 0; i < run->stage->input_count; i++)
        run->next_rows[i] = 0;
    if (od_op_new(run->stage->root, &env, &op, NULL) != OD_OK)
        return false;
    for (uint32_t step = 0; step < STEPS_MAX && rows->row_count < ROWS_MAX && said != OD_STEP_DONE; step++) {
        const struct od_batch *batch;
        said = od_op_step(op, &batch, NULL);
        if (said == OD_STEP_FAILED)
            break;
        if (batch != NULL && od_batch_builder_append_rows(rows, batch, NULL, 0, batch->row_count, NULL) != OD_OK)
            said = OD_STEP_FAILED;
        if (said == OD_STEP_FAILED)
            break;
    }
    od_op_free(op);
    return said != OD_STEP_FAILED;
}

static void run_graph(struct od_memory *memory, const struct od_stage_graph *graph)
{
    struct run run = {.memory = memory, .graph = graph};
    uint32_t made = 0;
    bool goes_on = true;
    run.rows = od_take_array(memory, graph->stage_count, sizeof(*run.rows));
    run.next_rows = od_take_array(memory, graph->stage_count, sizeof(*run.next_rows)); /* inputs are earlier stages */
    od_arena_init(&run.slice_arena, memory, 0);
    for (goes_on = run.rows != NULL && run.next_rows != NULL; goes_on && made < graph->stage_count;) {
        run.stage = &graph->stages[made];
        goes_on = od_batch_builder_init(&run.rows[made++], memory, &run.stage->root->schema, NULL) == OD_OK;
        for (run.task = 0; goes_on && run.task < run.stage->task_count && run.task < TASKS_MAX; run.task++)
            goes_on = run_task(&run);
    }
    for (uint32_t i = 0; i < made; i++)
        od_batch_builder_release(&run.rows[i]);
    od_arena_release(&run.slice_arena);
    od_give(memory, run.rows, graph->stage_count * sizeof(*run.rows));
    od_give(memory, run.next_rows, graph->stage_count * sizeof(*run.next_rows));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct od_table_finder finder = {find_table, NULL};
    const struct od_table_namer namer = {name_table, NULL};
    struct od_budget budget;
    struct od_arena arena;
    struct od_buffer text;
    const struct od_stage_graph *graph;
    od_budget_init(&budget, od_posix_memory(), MEMORY_LIMIT);
    od_arena_init(&arena, &budget.memory, 0);
    od_buffer_init(&text, &budget.memory);
    if (od_graph_decode(&arena, &finder, bytes, size, &graph, NULL) == OD_OK) {
        enum od_status status = od_graph_encode(graph, &namer, &arena, &text, NULL);
        od_assert(status == OD_OK || status == OD_NO_MEMORY);
        od_stage_graph_print(graph, &text);
        run_graph(&budget.memory, graph);
    }
    od_buffer_release(&text);
    od_arena_release(&arena);
    od_budget_release(&budget);
    return 0;
}
