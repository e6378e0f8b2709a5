/* limit: rows [offset, offset + count) of an input that is in its final order.
 *
 * The input is asked at least once, even when no row is wanted: it is a sort, which reads everything before
 * it answers, so whether an expression below fails does not depend on `count`. */
#include "engine/op/op_base.h"

struct limit {
    struct od_op op;
    uint64_t to_skip;
    uint64_t to_give;
    bool has_asked; /* the input answered with rows */
};

static enum od_status limit_start(struct od_op *op)
{
    struct limit *limit = (struct limit *)op;
    limit->to_skip = op->node->limit.offset;
    limit->to_give = op->node->limit.count;
    return OD_OK;
}

static enum od_status limit_step(struct od_op *op)
{
    struct limit *limit = (struct limit *)op;
    const struct od_batch *batch;
    struct od_batch part;
    if (limit->has_asked && limit->to_give == 0) {
        op->says = OD_STEP_DONE;
        return OD_OK;
    }
    OD_TRY(od_op_pull(op, 0, &batch));
    if (batch == NULL)
        return OD_OK;
    limit->has_asked = true;
    uint32_t first = limit->to_skip < batch->row_count ? (uint32_t)limit->to_skip : batch->row_count;
    uint32_t count = batch->row_count - first;
    limit->to_skip -= first;
    if (count > limit->to_give)
        count = (uint32_t)limit->to_give;
    limit->to_give -= count;
    od_arena_reset(&op->batch_arena);
    OD_TRY(od_batch_slice(&op->batch_arena, batch, first, count, &part, op->error));
    od_op_pass(op, &part);
    return OD_OK;
}

const struct od_op_kind od_op_limit = {
    .bytes = sizeof(struct limit), .start = limit_start, .step = limit_step};
