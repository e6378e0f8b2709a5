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
    struct od_batch view;
};

static enum od_status limit_start(struct od_op *op, struct od_error *error)
{
    (void)error;
    struct limit *limit = (struct limit *)op;
    limit->to_skip = op->node->limit.offset;
    limit->to_give = op->node->limit.count;
    return OD_OK;
}

static enum od_step limit_step(struct od_op *op, const struct od_batch **batch_out, struct od_error *error)
{
    struct limit *limit = (struct limit *)op;
    const struct od_batch *batch;
    if (limit->has_asked && limit->to_give == 0)
        return OD_STEP_DONE;
    enum od_step step = od_op_pull(op, 0, &batch, error);
    if (step != OD_STEP_OUTPUT)
        return step;
    limit->has_asked = true;
    uint32_t first = limit->to_skip < batch->row_count ? (uint32_t)limit->to_skip : batch->row_count;
    uint32_t count = batch->row_count - first;
    limit->to_skip -= first;
    if (count > limit->to_give)
        count = (uint32_t)limit->to_give;
    limit->to_give -= count;
    if (count == 0)
        return OD_STEP_AGAIN;
    limit->view = *batch;
    if (count < batch->row_count) {
        od_arena_reset(&op->batch_arena);
        if (od_batch_slice(&op->batch_arena, batch, first, count, &limit->view, error) != OD_OK)
            return OD_STEP_FAILED;
    }
    limit->view.schema = &op->node->schema;
    *batch_out = &limit->view;
    return OD_STEP_OUTPUT;
}

const struct od_op_kind od_op_limit = {
    .bytes = sizeof(struct limit), .start = limit_start, .step = limit_step};
