/* expand: each input batch comes out once for each list of expressions, list after list; project is the one list. Columns that
 * are only passed on are the input's own, not copies. */
#include "engine/op/op_base.h"

struct expand {
    struct od_op op;
    const struct od_batch *input; /* NULL: pull the next */
    uint32_t next_list;
};

static enum od_status expand_step(struct od_op *op)
{
    struct expand *expand = (struct expand *)op;
    const struct od_schema *schema = &op->node->schema;
    const struct od_expr *const *exprs = op->node->rows.exprs;
    struct od_selection every_row;
    struct od_column *columns;
    if (expand->input == NULL)
        OD_TRY(od_op_pull(op, 0, &expand->input));
    if (expand->input == NULL)
        return OD_OK;
    od_arena_reset(&op->batch_arena);
    OD_TRY(od_op_evaluate(op, expand->input, NULL, exprs + (size_t)expand->next_list * schema->field_count,
                          schema->field_count, &every_row, &columns));
    op->view = (struct od_batch){.schema = schema, .row_count = every_row.count, .columns = columns};
    if (++expand->next_list == op->node->rows.row_count) {
        expand->next_list = 0;
        expand->input = NULL;
    }
    return OD_OK;
}

const struct od_op_kind od_op_expand = {.bytes = sizeof(struct expand), .step = expand_step};
