/* union: all rows of the first input, then all of the second; batches go through as they are, under our field names. */
#include "engine/op/op_base.h"

struct union_all {
    struct od_op op;
    struct od_batch view;
    uint32_t input;
};

static enum od_step union_step(struct od_op *op, const struct od_batch **batch_out, struct od_error *error)
{
    struct union_all *both = (struct union_all *)op;
    const struct od_batch *batch;
    enum od_step step = od_op_pull(op, both->input, &batch, error);
    if (step == OD_STEP_DONE && both->input == 0) {
        both->input = 1;
        return OD_STEP_AGAIN;
    }
    if (step != OD_STEP_OUTPUT)
        return step;
    both->view = *batch;
    both->view.schema = &op->node->schema;
    *batch_out = &both->view;
    return OD_STEP_OUTPUT;
}

const struct od_op_kind od_op_union = {.bytes = sizeof(struct union_all), .step = union_step};
