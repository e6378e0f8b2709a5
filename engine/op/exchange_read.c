/* exchange_read: the door through which the output of an earlier stage comes in.
 *
 * The batches are the source's, unchanged; only the names of their columns become those of our plan. Who
 * fetches, checks and orders the blocks is the source's business (engine/run). */
#include "engine/op/op_base.h"

#include "engine/core/assert.h"

struct exchange_read {
    struct od_op op;
    struct od_batch view;
};

static enum od_step exchange_read_step(struct od_op *op, const struct od_batch **batch_out,
                                       struct od_error *error)
{
    struct exchange_read *reader = (struct exchange_read *)op;
    const struct od_exchange_source *source = &op->env.source;
    const struct od_batch *batch = NULL;
    enum od_step step = source->next(source->self, op->node->exchange.input_index, &batch, error);
    if (step != OD_STEP_OUTPUT)
        return step;
    if (batch->row_count == 0)
        return OD_STEP_AGAIN;
    od_assert(batch->schema->field_count == op->node->schema.field_count);
    for (uint32_t i = 0; i < op->node->schema.field_count; i++)
        od_assert(batch->columns[i].type == op->node->schema.fields[i].type);
    reader->view = *batch;
    reader->view.schema = &op->node->schema;
    *batch_out = &reader->view;
    return OD_STEP_OUTPUT;
}

const struct od_op_kind od_op_exchange_read = {.bytes = sizeof(struct exchange_read),
                                               .step = exchange_read_step};
