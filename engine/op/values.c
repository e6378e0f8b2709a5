/* values: rows of constant expressions, a batch at a time. One task gives them all. */
#include "engine/op/op_base.h"

#include "engine/core/assert.h"

struct values {
    struct od_op op;
    uint32_t next_row;
};

static enum od_status append_row(struct od_op *op, uint32_t row)
{
    uint32_t field_count = op->node->schema.field_count;
    for (uint32_t i = 0; i < field_count; i++) {
        struct od_value value;
        const struct od_expr *expr = op->node->rows.exprs[(size_t)row * field_count + i];
        OD_TRY(od_evaluate_constant(expr, &op->batch_arena, &value, op->error));
        OD_TRY(od_batch_builder_append(&op->output, i, &value, op->error));
    }
    od_batch_builder_end_row(&op->output);
    return OD_OK;
}

static enum od_status values_step(struct od_op *op)
{
    struct values *values = (struct values *)op;
    od_assert(op->env.task_count == 1);
    od_arena_reset(&op->batch_arena);
    od_batch_builder_reset(&op->output);
    while (values->next_row < op->node->rows.row_count && op->output.row_count < op->env.batch_rows)
        OD_TRY(append_row(op, values->next_row++));
    op->view = od_batch_builder_view(&op->output);
    op->says = OD_STEP_DONE; /* if these are none */
    return OD_OK;
}

const struct od_op_kind od_op_values = {
    .bytes = sizeof(struct values), .step = values_step, .builds_rows = true};
