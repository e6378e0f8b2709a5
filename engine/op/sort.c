/* sort: SORT and TOP_N: all rows in their total order, or the first `limit` of them.
 *
 *   batch 0 -> sorted run 0 --+
 *   batch 1 -> sorted run 1 --+--> heap of the runs' first rows --> output, batch_rows at a time
 *   batch 2 -> sorted run 2 --+
 *
 *   rows      every row so far; nothing is moved, only row numbers are
 *   keys      computed sort keys, row by row beside `rows` (a key that is a column is read from there)
 *   order     [ run 0 | run 1 | run 2 ... ]   row numbers
 *
 * So a step sorts one batch or merges one batch: the work of a step stays small however many rows there are;
 * all in all it is n log n. Rows are in a total order, so runs and batch sizes cannot be seen in the output.
 *
 * TOP_N: when more than twice `limit` rows (and a batch) have come together, the runs are merged up to
 * `limit` and only those rows are kept, as one run. With limit 0 the input is read all the same: whether an
 * expression below fails must not depend on the limit. */
#include "engine/op/op_base.h"

#include "engine/core/assert.h"
#include "engine/expr/evaluate.h"
#include "engine/op/row_order.h"

#define ORDER_CAPACITY_MIN 64u
#define PRUNE_ROWS_MIN     1024u /* below so many rows pruning is not worth its steps */

struct run {
    uint32_t next; /* index into order */
    uint32_t end;
};

struct sort {
    struct od_op op;
    struct od_schema key_schema;
    struct od_batch_builder rows;
    struct od_batch_builder keys; /* computed keys; without a column for keys that are columns */
    struct od_row_order order;    /* over views of both; set anew when they have grown */
    uint32_t *row_numbers;        /* owned; the runs */
    uint32_t row_capacity;
    struct run *runs; /* owned; a heap by first row once merging */
    uint32_t run_count;
    uint32_t run_capacity;
    uint64_t to_give; /* while merging */
    bool is_merging;
    struct od_batch_builder output;
    struct od_batch view;
};

/* --- life ----------------------------------------------------------------------------------------------- */

static bool is_column(const struct od_sort_key *key)
{
    return key->expr->kind == OD_EXPR_COLUMN;
}

static enum od_status sort_start(struct od_op *op, struct od_error *error)
{
    struct sort *sort = (struct sort *)op;
    uint32_t key_count = op->node->sort.key_count;
    sort->order.keys = od_arena_take_array(&op->operator_arena, key_count, sizeof(*sort->order.keys));
    sort->key_schema.fields = od_arena_take_array(&op->operator_arena, key_count, sizeof(struct od_field));
    if (sort->order.keys == NULL || sort->key_schema.fields == NULL)
        return od_op_no_memory(op, "listing keys", error);
    sort->order.key_count = key_count;
    for (uint32_t i = 0; i < key_count; i++) {
        const struct od_sort_key *key = &op->node->sort.keys[i];
        sort->order.keys[i].descending = key->descending;
        sort->order.keys[i].nulls_first = key->nulls_first;
        if (!is_column(key))
            sort->key_schema.fields[sort->key_schema.field_count++] =
                (struct od_field){.name = "key", .type = key->expr->type, .nullable = true};
    }
    enum od_status status = od_batch_builder_init(&sort->rows, op->env.memory, &op->node->schema, error);
    if (status == OD_OK)
        status = od_batch_builder_init(&sort->keys, op->env.memory, &sort->key_schema, error);
    if (status == OD_OK)
        status = od_batch_builder_init(&sort->output, op->env.memory, &op->node->schema, error);
    return status;
}

static void sort_release(struct od_op *op)
{
    struct sort *sort = (struct sort *)op;
    od_batch_builder_release(&sort->rows);
    od_batch_builder_release(&sort->keys);
    od_batch_builder_release(&sort->output);
    od_give(op->env.memory, sort->row_numbers, sort->row_capacity * sizeof(*sort->row_numbers));
    od_give(op->env.memory, sort->runs, sort->run_capacity * sizeof(*sort->runs));
}

/* --- taking a batch in ---------------------------------------------------------------------------------- */

static enum od_status make_room(struct sort *sort, uint32_t row_count, struct od_error *error)
{
    struct od_memory *memory = sort->op.env.memory;
    if (row_count > sort->row_capacity) {
        size_t capacity = sort->row_capacity == 0 ? ORDER_CAPACITY_MIN : sort->row_capacity;
        while (capacity < row_count)
            capacity *= 2;
        uint32_t *grown = od_resize(memory, sort->row_numbers, sort->row_capacity * sizeof(*grown),
                                    capacity * sizeof(*grown));
        if (grown == NULL)
            return od_op_no_memory(&sort->op, "numbering rows", error);
        sort->row_numbers = grown;
        sort->row_capacity = (uint32_t)capacity;
    }
    if (sort->run_count == sort->run_capacity) {
        size_t capacity = sort->run_capacity == 0 ? 4 : 2 * (size_t)sort->run_capacity;
        struct run *grown =
            od_resize(memory, sort->runs, sort->run_capacity * sizeof(*grown), capacity * sizeof(*grown));
        if (grown == NULL)
            return od_op_no_memory(&sort->op, "listing runs", error);
        sort->runs = grown;
        sort->run_capacity = (uint32_t)capacity;
    }
    return OD_OK;
}

static enum od_status append_keys(struct sort *sort, const struct od_batch *batch, struct od_error *error)
{
    struct od_op *op = &sort->op;
    struct od_selection every_row = {.count = batch->row_count};
    uint32_t column_index = 0;
    if (sort->key_schema.field_count == 0)
        return OD_OK;
    struct od_column *columns =
        od_arena_take_array(&op->batch_arena, sort->key_schema.field_count, sizeof(*columns));
    if (columns == NULL)
        return od_op_no_memory(op, "computing keys", error);
    for (uint32_t i = 0; i < op->node->sort.key_count; i++) {
        const struct od_sort_key *key = &op->node->sort.keys[i];
        if (is_column(key))
            continue;
        enum od_status status =
            od_evaluate(key->expr, batch, &every_row, &op->batch_arena, &columns[column_index++], error);
        if (status != OD_OK)
            return status;
    }
    struct od_batch keys = {.schema = &sort->key_schema, .row_count = batch->row_count, .columns = columns};
    return od_batch_builder_append_rows(&sort->keys, &keys, NULL, 0, keys.row_count, error);
}

/* After rows and keys have grown their columns are somewhere else. */
static void refresh_order(struct sort *sort)
{
    struct od_batch rows = od_batch_builder_view(&sort->rows);
    struct od_batch keys = od_batch_builder_view(&sort->keys);
    uint32_t column_index = 0;
    for (uint32_t i = 0; i < sort->order.key_count; i++) {
        const struct od_sort_key *key = &sort->op.node->sort.keys[i];
        sort->order.keys[i].column =
            is_column(key) ? &rows.columns[key->expr->column_index] : &keys.columns[column_index++];
    }
    sort->order.columns = rows.columns;
    sort->order.column_count = rows.schema->field_count;
}

static enum od_status take_batch(struct sort *sort, const struct od_batch *batch, struct od_error *error)
{
    uint32_t first = sort->rows.row_count;
    od_arena_reset(&sort->op.batch_arena);
    enum od_status status = append_keys(sort, batch, error);
    if (status == OD_OK)
        status = od_batch_builder_append_rows(&sort->rows, batch, NULL, 0, batch->row_count, error);
    if (status == OD_OK)
        status = make_room(sort, sort->rows.row_count, error);
    if (status != OD_OK)
        return status;
    uint32_t *scratch = od_arena_take_raw(&sort->op.batch_arena, batch->row_count * sizeof(*scratch));
    if (scratch == NULL)
        return od_op_no_memory(&sort->op, "sorting a batch", error);
    for (uint32_t i = 0; i < batch->row_count; i++)
        sort->row_numbers[first + i] = first + i;
    refresh_order(sort);
    od_row_order_sort(&sort->order, sort->row_numbers + first, batch->row_count, scratch);
    sort->runs[sort->run_count++] = (struct run){.next = first, .end = sort->rows.row_count};
    return OD_OK;
}

/* --- merging -------------------------------------------------------------------------------------------- */

static uint32_t run_row(const struct sort *sort, uint32_t run)
{
    return sort->row_numbers[sort->runs[run].next];
}

/* Moves a run down the heap until none below it comes before it. */
static void sift_down(struct sort *sort, uint32_t at)
{
    struct run moved = sort->runs[at];
    uint32_t row = sort->row_numbers[moved.next];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= sort->run_count)
            break;
        if (child + 1 < sort->run_count &&
            od_row_order_compare(&sort->order, run_row(sort, child + 1), run_row(sort, child)) < 0)
            child++;
        if (od_row_order_compare(&sort->order, row, run_row(sort, child)) <= 0)
            break;
        sort->runs[at] = sort->runs[child];
        at = child;
    }
    sort->runs[at] = moved;
}

static void build_heap(struct sort *sort)
{
    for (uint32_t at = sort->run_count / 2; at-- > 0;)
        sift_down(sort, at);
}

static uint32_t take_first(struct sort *sort)
{
    struct run *top = &sort->runs[0];
    uint32_t row = sort->row_numbers[top->next++];
    if (top->next == top->end)
        *top = sort->runs[--sort->run_count];
    if (sort->run_count > 0)
        sift_down(sort, 0);
    return row;
}

/* --- TOP_N: forgetting rows ----------------------------------------------------------------------------- */

static bool should_prune(const struct sort *sort)
{
    uint64_t limit = sort->op.node->sort.limit;
    uint64_t row_count = sort->rows.row_count;
    return row_count >= PRUNE_ROWS_MIN && limit <= UINT32_MAX &&
           row_count >= 2 * limit + sort->op.env.batch_rows;
}

/* Replaces a builder by its `count` chosen rows. */
static enum od_status keep_only(struct od_batch_builder *builder, const uint32_t *rows, uint32_t count,
                                struct od_error *error)
{
    struct od_batch_builder kept;
    struct od_batch all = od_batch_builder_view(builder);
    enum od_status status = od_batch_builder_init(&kept, builder->memory, builder->schema, error);
    if (status == OD_OK)
        status = od_batch_builder_append_rows(&kept, &all, rows, 0, count, error);
    if (status != OD_OK) {
        od_batch_builder_release(&kept);
        return status;
    }
    od_batch_builder_release(builder);
    *builder = kept;
    return OD_OK;
}

static enum od_status prune(struct sort *sort, struct od_error *error)
{
    uint32_t limit = (uint32_t)sort->op.node->sort.limit; /* less than row_count, see should_prune */
    od_arena_reset(&sort->op.batch_arena);
    uint32_t *first_rows = od_arena_take_raw(&sort->op.batch_arena, limit * sizeof(*first_rows));
    if (first_rows == NULL)
        return od_op_no_memory(&sort->op, "keeping the first rows", error);
    build_heap(sort);
    for (uint32_t i = 0; i < limit; i++)
        first_rows[i] = take_first(sort);
    enum od_status status = keep_only(&sort->rows, first_rows, limit, error);
    if (status == OD_OK)
        status = keep_only(&sort->keys, first_rows, limit, error);
    if (status != OD_OK)
        return status;
    for (uint32_t i = 0; i < limit; i++)
        sort->row_numbers[i] = i;
    sort->runs[0] = (struct run){.next = 0, .end = limit};
    sort->run_count = limit > 0 ? 1 : 0;
    return OD_OK;
}

/* --- stepping ------------------------------------------------------------------------------------------- */

static enum od_step emit(struct sort *sort, const struct od_batch **batch_out, struct od_error *error)
{
    struct od_op *op = &sort->op;
    uint64_t left = sort->to_give;
    uint32_t count = left < op->env.batch_rows ? (uint32_t)left : op->env.batch_rows;
    if (count == 0)
        return OD_STEP_DONE;
    od_arena_reset(&op->batch_arena);
    od_batch_builder_reset(&sort->output);
    uint32_t *chosen = od_arena_take_raw(&op->batch_arena, count * sizeof(*chosen));
    if (chosen == NULL) {
        od_op_no_memory(op, "merging runs", error);
        return OD_STEP_FAILED;
    }
    for (uint32_t i = 0; i < count; i++)
        chosen[i] = take_first(sort);
    struct od_batch rows = od_batch_builder_view(&sort->rows);
    if (od_batch_builder_append_rows(&sort->output, &rows, chosen, 0, count, error) != OD_OK)
        return OD_STEP_FAILED;
    sort->to_give -= count;
    sort->view = od_batch_builder_view(&sort->output);
    *batch_out = &sort->view;
    return OD_STEP_OUTPUT;
}

static void begin_merging(struct sort *sort)
{
    uint64_t limit = sort->op.node->sort.limit;
    refresh_order(sort);
    build_heap(sort);
    sort->to_give = sort->rows.row_count < limit ? sort->rows.row_count : limit;
    sort->is_merging = true;
}

static enum od_step sort_step(struct od_op *op, const struct od_batch **batch_out, struct od_error *error)
{
    struct sort *sort = (struct sort *)op;
    const struct od_batch *batch;
    if (sort->is_merging)
        return emit(sort, batch_out, error);
    enum od_step step = od_op_pull(op, 0, &batch, error);
    if (step == OD_STEP_DONE) {
        begin_merging(sort);
        return emit(sort, batch_out, error);
    }
    if (step != OD_STEP_OUTPUT)
        return step;
    enum od_status status = take_batch(sort, batch, error);
    if (status == OD_OK && should_prune(sort))
        status = prune(sort, error);
    return status == OD_OK ? OD_STEP_AGAIN : OD_STEP_FAILED;
}

const struct od_op_kind od_op_sort = {
    .bytes = sizeof(struct sort), .start = sort_start, .step = sort_step, .release = sort_release};
