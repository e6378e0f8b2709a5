/* filter: the rows for which a predicate is true. A batch that passes whole is passed on as it is. */
#include "engine/op/op_base.h"

static enum od_status filter_step(struct od_op *op)
{
    const struct od_batch *batch;
    struct od_batch kept;
    struct od_selection selection;
    OD_TRY(od_op_pull(op, 0, &batch));
    if (batch == NULL)
        return OD_OK;
    struct od_selection every_row = {.count = batch->row_count};
    od_arena_reset(&op->batch_arena);
    OD_TRY(od_evaluate_filter(op->node->filter.predicate, batch, &every_row, &op->batch_arena, &selection,
                              op->error));
    if (selection.count < batch->row_count) {
        OD_TRY(od_batch_gather(batch, selection.rows, selection.count, &op->batch_arena, &kept, op->error));
        batch = &kept;
    }
    od_op_pass(op, batch);
    return OD_OK;
}

const struct od_op_kind od_op_filter = {.bytes = sizeof(struct od_op), .step = filter_step};
