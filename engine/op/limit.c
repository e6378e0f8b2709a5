/* limit: rows [offset, offset + count) of an input that is in its final order.
 *
 * The input is asked at least once, even when no row is wanted: it is a sort, which reads everything before
 * it answers, so whether an expression below fails does not depend on `count`. */
#include "engine/op/op_base.h"

struct limit {
    struct od_op op;
    uint64_t seen; /* rows of the input */
    bool has_asked; /* the input answered with rows */
};

static enum od_status limit_step(struct od_op *op)
{
    struct limit *limit = (struct limit *)op;
    uint64_t first = op->node->limit.offset;
    uint64_t end = op->node->limit.count < UINT64_MAX - first ? first + op->node->limit.count : UINT64_MAX;
    const struct od_batch *batch;
    struct od_batch part;
    if (limit->has_asked && limit->seen >= end) {
        op->says = OD_STEP_DONE;
        return OD_OK;
    }
    OD_TRY(od_op_pull(op, 0, &batch));
    if (batch == NULL)
        return OD_OK;
    /* of the batch: */
    first = first > limit->seen ? first - limit->seen : 0;
    end = end > limit->seen ? end - limit->seen : 0;
    first = first < batch->row_count ? first : batch->row_count;
    end = end < batch->row_count ? end : batch->row_count;
    limit->has_asked = true;
    limit->seen += batch->row_count;
    od_arena_reset(&op->batch_arena);
    OD_TRY(od_batch_slice(&op->batch_arena, batch, (uint32_t)first, (uint32_t)(end - first), &part, op->error));
    od_op_pass(op, &part);
    return OD_OK;
}

const struct od_op_kind od_op_limit = {.bytes = sizeof(struct limit), .step = limit_step};
