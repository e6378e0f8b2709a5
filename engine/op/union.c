/* union: all rows of the first input, then all of the second; batches go through as they are, under our field names. */
#include "engine/op/op_base.h"

struct union_all {
    struct od_op op;
    uint32_t input;
};

static enum od_status union_step(struct od_op *op)
{
    struct union_all *both = (struct union_all *)op;
    const struct od_batch *batch;
    OD_TRY(od_op_pull(op, both->input, &batch));
    if (batch != NULL)
        od_op_pass(op, batch);
    if (op->says == OD_STEP_DONE && both->input++ == 0)
        op->says = OD_STEP_AGAIN;
    return OD_OK;
}

const struct od_op_kind od_op_union = {.bytes = sizeof(struct union_all), .step = union_step};
