/* window: functions over partitions of sorted input: each input row comes out, with one more column a call.
 *
 *   input --+--> rows    [ given | begun partition ........ | next ones ]    all columns; first in, first out
 *           +--> needed  [ partition keys | order keys | each call's columns ]    of the same rows
 *
 *   GATHERING --the end of the partition is seen--> RANKING: peers are found --> GIVING, batch_rows at a time --> GATHERING ...
 *
 * A partition must be seen whole before its first row can be given. `needed` stays in memory, since frames look anywhere; of
 * `rows` only the next ones are ever wanted, so when too many bytes are held (od_op_holds) they go to a run, and come back
 * in the same order. The input comes sorted by partitions, then keys, then the whole row: row numbers and frames of ROWS follow
 * that order. */
#include "engine/op/op_base.h"

#include "engine/core/assert.h"
#include "engine/expr/evaluate.h"
#include "engine/data/key_equal.h"
#include "engine/op/spill.h"
#include "engine/op/window_call.h"

struct window {
    struct od_op op;
    struct od_budget held;          /* no limit: it counts */
    struct od_schema needed_schema; /* fields in the operator_arena */
    uint32_t partition_count;       /* columns */
    uint32_t key_count;
    struct od_window_state *calls; /* in the operator_arena */
    uint32_t call_count;

    struct od_batch_builder needed;
    uint32_t scanned; /* rows of `needed` that are known to be of the begun partition, or before */
    bool input_is_done;
    enum { GATHERING, RANKING, GIVING } state;
    struct od_window_partition partition; /* whole while GIVING; before: where it begins */
    uint32_t next_row;                    /* of the partition: to be ranked, to be given */
    uint32_t *peers;                      /* owned: groups, then their starts */
    uint32_t peer_capacity;               /* rows */
    uint32_t coming_count;                /* rows of the batch that is being made; 0: none is begun */
    uint32_t coming_call;                 /* whose column is being made */
    uint32_t coming_row;                  /* of these rows, for which it is */

    struct od_batch_builder rows;
    uint32_t next_kept;       /* of `rows`, or of `loaded` */
    struct od_spill_run *run; /* owned; NULL: rows are in memory */
    bool run_is_read;
    const struct od_batch *loaded; /* of the run; NULL: the next is to be read */
};

/* --- life ----------------------------------------------------------------------------------------------- */

static void add_field(struct od_schema *schema, enum od_type type)
{
    schema->fields[schema->field_count++] =
        (struct od_field){.name = "needed", .type = type, .nullable = true};
}

static enum od_status plan_columns(struct window *window)
{
    struct od_op *op = &window->op;
    const struct od_physical *node = op->node;
    uint32_t room = node->window.partition_count + node->window.key_count + 3 * node->window.call_count;
    struct od_schema *schema = &window->needed_schema;
    OD_TAKE(schema->fields, &op->operator_arena, room, op->error);
    OD_TAKE(window->calls, &op->operator_arena, node->window.call_count, op->error);
    window->partition_count = node->window.partition_count;
    window->key_count = node->window.key_count;
    window->call_count = node->window.call_count;
    for (uint32_t i = 0; i < window->partition_count; i++)
        add_field(schema, node->window.partitions[i]->type);
    for (uint32_t i = 0; i < window->key_count; i++)
        add_field(schema, node->window.keys[i].expr->type);
    for (uint32_t i = 0; i < window->call_count; i++) {
        struct od_window_state *call = &window->calls[i];
        od_window_call_start(call, &window->held.memory, &node->window.calls[i], op->error);
        call->column = schema->field_count;
        for (uint32_t k = 0; k < call->column_count; k++)
            add_field(schema, call->exprs[k]->type);
    }
    return OD_OK;
}

static enum od_status window_start(struct od_op *op)
{
    struct window *window = (struct window *)op;
    const struct od_schema *input = &op->node->inputs[0]->schema;
    od_budget_init(&window->held, op->env.memory, 0);
    OD_TRY(plan_columns(window));
    OD_TRY(od_batch_builder_init(&window->needed, &window->held.memory, &window->needed_schema, op->error));
    return od_batch_builder_init(&window->rows, &window->held.memory, input, op->error);
}

static void window_release(struct od_op *op)
{
    struct window *window = (struct window *)op;
    for (uint32_t i = 0; i < window->call_count; i++)
        od_window_call_release(&window->calls[i]);
    od_give(&window->held.memory, window->peers, 2 * sizeof(*window->peers) * window->peer_capacity);
    od_batch_builder_release(&window->needed);
    od_batch_builder_release(&window->rows);
    od_spill_run_free(window->run);
    od_budget_release(&window->held);
}

/* --- rows: first in, first out -------------------------------------------------------------------------- */

/* All rows, of which none has been given yet, go to a run, and so will the next ones. */
static enum od_status spill_rows(struct window *window)
{
    struct od_batch rows = od_batch_builder_view(&window->rows);
    od_assert(window->next_kept == 0);
    OD_TRY(od_spill_run_new(&window->op.env, rows.schema, &window->run, window->op.error));
    window->run_is_read = false;
    OD_TRY(od_spill_run_append(window->run, &rows, NULL, rows.row_count, window->op.error));
    od_batch_builder_release(&window->rows);
    return od_batch_builder_init(&window->rows, &window->held.memory, rows.schema, window->op.error);
}

static enum od_status keep_rows(struct window *window, const struct od_batch *batch)
{
    if (window->run != NULL)
        return od_spill_run_append(window->run, batch, NULL, batch->row_count, window->op.error);
    OD_TRY(od_batch_builder_append_rows(&window->rows, batch, NULL, 0, batch->row_count, window->op.error));
    return od_op_holds(&window->op, window->held.used_bytes) ? spill_rows(window) : OD_OK;
}

/* Rows [*first_out, ...) of the batch are the next ones; there are some. */
static enum od_status waiting_rows(struct window *window, struct od_batch *batch_out, uint32_t *first_out)
{
    if (window->run == NULL) {
        *batch_out = od_batch_builder_view(&window->rows);
        *first_out = window->next_kept;
        return OD_OK;
    }
    if (!window->run_is_read)
        OD_TRY(od_spill_run_rewind(window->run, window->op.error));
    window->run_is_read = true;
    if (window->loaded == NULL || window->next_kept == window->loaded->row_count) {
        OD_TRY(od_spill_run_next(window->run, &window->loaded, window->op.error));
        od_assert(window->loaded != NULL);
        window->next_kept = 0;
    }
    *batch_out = *window->loaded;
    *first_out = window->next_kept;
    return OD_OK;
}

/* Rows that still wait, which came with the last batch, are in memory again. */
static enum od_status end_of_run(struct window *window, uint32_t waiting)
{
    while (waiting > 0) {
        struct od_batch batch;
        uint32_t first;
        OD_TRY(waiting_rows(window, &batch, &first));
        uint32_t count = batch.row_count - first;
        OD_TRY(od_batch_builder_append_rows(&window->rows, &batch, NULL, first, count, window->op.error));
        window->next_kept += count;
        waiting -= count;
    }
    od_spill_run_free(window->run);
    window->run = NULL;
    window->loaded = NULL;
    window->next_kept = 0;
    return OD_OK;
}

/* --- gathering ------------------------------------------------------------------------------------------ */

/* Columns [first, first + count) of `needed` for all rows of the batch; NULL where the filter is not true. */
static enum od_status append_columns(struct window *window, const struct od_batch *batch,
                                     const struct od_expr *const *exprs, uint32_t first, uint32_t count,
                                     const struct od_expr *filter)
{
    struct od_op *op = &window->op;
    struct od_selection selection;
    struct od_column *columns;
    OD_TAKE_LIST(uint32_t, places, &op->batch_arena, batch->row_count, op->error);
    OD_TRY(od_op_evaluate(op, batch, filter, exprs, count, &selection, &columns));
    for (uint32_t row = 0, selected = 0; row < batch->row_count; row++) {
        bool is_selected =
            selection.rows == NULL || (selected < selection.count && selection.rows[selected] == row);
        places[row] = is_selected ? selected : OD_ROW_NULL;
        selected += is_selected;
    }
    for (uint32_t i = 0; i < count; i++)
        OD_TRY(od_batch_builder_append_column(&window->needed, first + i, &columns[i], places,
                                              batch->row_count, op->error));
    return OD_OK;
}

static enum od_status take_batch(struct window *window, const struct od_batch *batch)
{
    const struct od_physical *node = window->op.node;
    od_arena_reset(&window->op.batch_arena);
    OD_TRY(append_columns(window, batch, node->window.partitions, 0, window->partition_count, NULL));
    for (uint32_t i = 0; i < window->key_count; i++)
        OD_TRY(
            append_columns(window, batch, &node->window.keys[i].expr, window->partition_count + i, 1, NULL));
    for (uint32_t i = 0; i < window->call_count; i++) {
        struct od_window_state *call = &window->calls[i];
        const struct od_expr *filter =
            call->call->function == OD_WINDOW_AGGREGATE ? call->aggregate.filter : NULL;
        OD_TRY(append_columns(window, batch, call->exprs, call->column, call->column_count, filter));
    }
    od_batch_builder_end_rows(&window->needed, window->needed.row_count + batch->row_count);
    od_batch_builder_view(&window->needed);
    return keep_rows(window, batch);
}

/* Is the begun partition known to be whole? */
static bool is_whole(struct window *window)
{
    uint32_t row_count = window->needed.row_count;
    uint32_t first = window->partition.first_row;
    const struct od_column *keys = window->needed.views;
    while (window->scanned < row_count &&
           od_keys_equal(keys, first, keys, window->scanned, window->partition_count))
        window->scanned++;
    window->partition.row_count = window->scanned - first;
    return window->scanned > first && (window->scanned < row_count || window->input_is_done);
}

/* Forgets the rows that have been given, before more come. */
static enum od_status forget_given(struct window *window)
{
    uint32_t first = window->partition.first_row;
    uint32_t count = window->needed.row_count - first;
    if (first == 0)
        return OD_OK;
    if (window->run != NULL)
        OD_TRY(end_of_run(window, count));
    OD_TRY(od_batch_builder_keep(&window->needed, NULL, first, count, window->op.error));
    OD_TRY(od_batch_builder_keep(&window->rows, NULL, window->next_kept, count, window->op.error));
    od_batch_builder_view(&window->needed);
    window->partition.first_row = 0;
    window->scanned -= first;
    window->next_kept = 0;
    return OD_OK;
}

static enum od_status begin_giving(struct window *window)
{
    struct od_op *op = &window->op;
    if (window->key_count > 0) {
        window->partition.key = &window->needed.views[window->partition_count];
        window->partition.descending = op->node->window.keys[0].descending;
        window->partition.nulls_first = op->node->window.keys[0].nulls_first;
    }
    const struct od_column *views = window->needed.views; /* NULL: no expression is needed */
    for (uint32_t i = 0; i < window->call_count; i++)
        OD_TRY(od_window_call_partition(&window->calls[i], &window->partition,
                                        views == NULL ? NULL : &views[window->calls[i].column],
                                        &op->operator_arena));
    window->next_row = 0;
    window->state = GIVING;
    return OD_OK;
}

/* Finds the peers of some rows more. */
static enum od_status rank(struct window *window)
{
    struct od_window_partition *partition = &window->partition;
    uint32_t needed = partition->row_count + 1;
    if (!od_grow(&window->held.memory, &window->peers, &window->peer_capacity, needed,
                 2 * sizeof(*window->peers)))
        return od_op_no_memory(&window->op, "finding peers");
    const struct od_column *keys = window->key_count == 0 ? NULL : window->needed.views + window->partition_count;
    uint32_t *starts = window->peers + needed;
    uint32_t row = window->next_row;
    uint32_t left = partition->row_count - row;
    uint32_t room = od_op_step_rows(&window->op);
    uint32_t end = row + (left < room ? left : room);
    uint32_t group = row == 0 ? 0 : window->peers[row - 1];
    starts[0] = 0;
    for (; row < end; row++) {
        uint32_t here = partition->first_row + row;
        if (row > 0 && !od_keys_equal(keys, here - 1, keys, here, window->key_count))
            starts[++group] = row;
        window->peers[row] = group;
    }
    window->next_row = row;
    if (row < partition->row_count)
        return OD_OK;
    partition->group_count = group + 1;
    starts[partition->group_count] = partition->row_count;
    partition->groups = window->peers;
    partition->group_starts = starts;
    return begin_giving(window);
}

/* --- giving --------------------------------------------------------------------------------------------- */

/* The next rows, without the calls' columns. */
static enum od_status begin_batch(struct window *window)
{
    struct od_op *op = &window->op;
    struct od_batch rows;
    uint32_t first;
    uint32_t count = window->partition.row_count - window->next_row;
    OD_TRY(waiting_rows(window, &rows, &first));
    count = count < op->env.batch_rows ? count : op->env.batch_rows;
    count = count < rows.row_count - first ? count : rows.row_count - first;
    od_arena_reset(&op->batch_arena);
    od_batch_builder_reset(&op->output);
    OD_TAKE_LIST(uint32_t, places, &op->batch_arena, count, op->error);
    for (uint32_t i = 0; i < count; i++)
        places[i] = first + i;
    for (uint32_t i = 0; i < rows.schema->field_count; i++)
        OD_TRY(od_batch_builder_append_column(&op->output, i, &rows.columns[i], places, count, op->error));
    window->coming_count = count;
    window->coming_call = 0;
    window->coming_row = 0;
    return OD_OK;
}

/* The column of the call at hand, as far as there is room. */
static enum od_status put_values(struct window *window)
{
    struct od_window_state *call = &window->calls[window->coming_call];
    uint32_t column = window->op.node->inputs[0]->schema.field_count + window->coming_call;
    bool is_there = true;
    call->room = od_op_step_rows(&window->op);
    while (window->coming_row < window->coming_count && call->room != 0) {
        struct od_value value;
        OD_TRY(od_window_call_value(call, window->next_row + window->coming_row, &is_there, &value));
        if (!is_there)
            return OD_OK;
        OD_TRY(od_batch_builder_append(&window->op.output, column, &value, window->op.error));
        window->coming_row++;
    }
    return OD_OK;
}

static enum od_status give(struct window *window)
{
    struct od_op *op = &window->op;
    if (window->coming_count == 0)
        OD_TRY(begin_batch(window));
    for (; window->coming_call < window->call_count; window->coming_call++) {
        OD_TRY(put_values(window));
        if (window->coming_row < window->coming_count)
            return OD_OK;
        window->coming_row = 0;
    }
    od_batch_builder_end_rows(&op->output, window->coming_count);
    window->next_kept += window->coming_count;
    window->next_row += window->coming_count;
    window->coming_count = 0;
    if (window->next_row == window->partition.row_count) {
        window->state = GATHERING;
        window->partition.first_row += window->partition.row_count;
    }
    op->view = od_batch_builder_view(&op->output);
    return OD_OK;
}

static enum od_status window_step(struct od_op *op)
{
    struct window *window = (struct window *)op;
    const struct od_batch *input;
    if (window->state == GIVING)
        return give(window);
    if (window->state == GATHERING && is_whole(window)) {
        window->state = RANKING;
        window->next_row = 0;
    }
    if (window->state == RANKING)
        return rank(window);
    if (window->input_is_done) {
        op->says = OD_STEP_DONE;
        return OD_OK;
    }
    OD_TRY(forget_given(window));
    OD_TRY(od_op_pull(op, 0, &input));
    if (input != NULL)
        return take_batch(window, input);
    window->input_is_done = od_op_input_ended(op);
    return OD_OK;
}

const struct od_op_kind od_op_window = {.bytes = sizeof(struct window),
                                        .start = window_start,
                                        .step = window_step,
                                        .release = window_release,
                                        .builds_rows = true};
