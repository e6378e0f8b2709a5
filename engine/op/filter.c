/* filter: the rows for which a predicate is true.
 *
 * A batch that passes whole is passed on as it is; otherwise the rows that stay are gathered into a builder,
 * whose memory is used again for the next batch. */
#include "engine/op/op_base.h"

struct filter {
    struct od_op op;
    struct od_batch_builder kept;
};

static enum od_status filter_start(struct od_op *op)
{
    return od_batch_builder_init(&((struct filter *)op)->kept, op->env.memory, &op->node->schema, op->error);
}

static enum od_status filter_step(struct od_op *op)
{
    struct od_batch_builder *kept = &((struct filter *)op)->kept;
    const struct od_batch *batch;
    struct od_selection selection;
    OD_TRY(od_op_pull(op, 0, &batch));
    if (batch == NULL)
        return OD_OK;
    struct od_selection every_row = {.count = batch->row_count};
    od_arena_reset(&op->batch_arena);
    OD_TRY(od_evaluate_filter(op->node->filter.predicate, batch, &every_row, &op->batch_arena, &selection,
                              op->error));
    if (selection.count == batch->row_count) {
        od_op_pass(op, batch);
        return OD_OK;
    }
    od_batch_builder_reset(kept);
    OD_TRY(od_batch_builder_append_rows(kept, batch, selection.rows, 0, selection.count, op->error));
    op->view = od_batch_builder_view(kept);
    return OD_OK;
}

static void filter_release(struct od_op *op)
{
    od_batch_builder_release(&((struct filter *)op)->kept);
}

const struct od_op_kind od_op_filter = {
    .bytes = sizeof(struct filter), .start = filter_start, .step = filter_step, .release = filter_release};
