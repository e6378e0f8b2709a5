/* project: one expression a column. Columns that are only passed on are the input's own, not copies. */
#include "engine/op/op_base.h"

#include "engine/expr/evaluate.h"

struct project {
    struct od_op op;
    struct od_batch view;
};

static enum od_step project_step(struct od_op *op, const struct od_batch **batch_out, struct od_error *error)
{
    struct project *project = (struct project *)op;
    const struct od_schema *schema = &op->node->schema;
    const struct od_batch *batch;
    enum od_step step = od_op_pull(op, 0, &batch, error);
    if (step != OD_STEP_OUTPUT)
        return step;
    od_arena_reset(&op->batch_arena);
    struct od_column *columns = od_arena_take_array(&op->batch_arena, schema->field_count, sizeof(*columns));
    if (columns == NULL) {
        od_op_no_memory(op, "listing columns", error);
        return OD_STEP_FAILED;
    }
    struct od_selection every_row = {.count = batch->row_count};
    for (uint32_t i = 0; i < schema->field_count; i++) {
        enum od_status status =
            od_evaluate(op->node->project.exprs[i], batch, &every_row, &op->batch_arena, &columns[i], error);
        if (status != OD_OK)
            return OD_STEP_FAILED;
    }
    project->view = (struct od_batch){.schema = schema, .row_count = batch->row_count, .columns = columns};
    *batch_out = &project->view;
    return OD_STEP_OUTPUT;
}

const struct od_op_kind od_op_project = {.bytes = sizeof(struct project), .step = project_step};
