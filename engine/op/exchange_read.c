/* exchange_read: the door through which the output of an earlier stage comes in.
 *
 * The batches are the source's, unchanged; only the names of their columns become those of our plan. Who
 * fetches, checks and orders the blocks is the source's business (engine/run). */
#include "engine/op/op_base.h"

#include "engine/core/assert.h"

static enum od_status exchange_read_step(struct od_op *op)
{
    const struct od_exchange_source *source = &op->env.source;
    const struct od_batch *batch = NULL;
    op->says = source->next(source->self, op->node->exchange.input_index, &batch, op->error);
    if (op->says != OD_STEP_OUTPUT)
        return op->says == OD_STEP_FAILED ? op->failure.status : OD_OK;
    od_assert(batch->schema->field_count == op->node->schema.field_count);
    for (uint32_t i = 0; i < op->node->schema.field_count; i++)
        od_assert(batch->columns[i].type == op->node->schema.fields[i].type);
    od_op_pass(op, batch);
    return OD_OK;
}

const struct od_op_kind od_op_exchange_read = {.bytes = sizeof(struct od_op), .step = exchange_read_step};
