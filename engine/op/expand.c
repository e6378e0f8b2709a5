/* expand: each input batch comes out once for each list of expressions, list after list. */
#include "engine/op/op_base.h"

#include "engine/expr/evaluate.h"

struct expand {
    struct od_op op;
    const struct od_batch *input; /* NULL: pull the next */
    uint32_t next_list;
    struct od_batch view;
};

static enum od_step expand_step(struct od_op *op, const struct od_batch **batch_out, struct od_error *error)
{
    struct expand *expand = (struct expand *)op;
    const struct od_schema *schema = &op->node->schema;
    if (expand->input == NULL) {
        enum od_step step = od_op_pull(op, 0, &expand->input, error);
        if (step != OD_STEP_OUTPUT) {
            expand->input = NULL;
            return step;
        }
    }
    od_arena_reset(&op->batch_arena);
    const struct od_batch *input = expand->input;
    const struct od_expr *const *exprs = op->node->expand.exprs + (size_t)expand->next_list * schema->field_count;
    struct od_selection every_row = {.count = input->row_count};
    struct od_column *columns = od_arena_take_array(&op->batch_arena, schema->field_count, sizeof(*columns));
    if (columns == NULL) {
        od_op_no_memory(op, "listing columns", error);
        return OD_STEP_FAILED;
    }
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (od_evaluate(exprs[i], input, &every_row, &op->batch_arena, &columns[i], error) != OD_OK)
            return OD_STEP_FAILED;
    }
    expand->view = (struct od_batch){.schema = schema, .row_count = input->row_count, .columns = columns};
    if (++expand->next_list == op->node->expand.list_count) {
        expand->next_list = 0;
        expand->input = NULL;
    }
    *batch_out = &expand->view;
    return OD_STEP_OUTPUT;
}

const struct od_op_kind od_op_expand = {.bytes = sizeof(struct expand), .step = expand_step};
