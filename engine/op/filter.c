/* filter: the rows for which a predicate is true.
 *
 * A batch that passes whole is passed on as it is; otherwise the rows that stay are gathered into a builder,
 * whose memory is used again for the next batch. */
#include "engine/op/op_base.h"

#include "engine/expr/evaluate.h"

struct filter {
    struct od_op op;
    struct od_batch_builder kept;
    struct od_batch view;
};

static enum od_status filter_start(struct od_op *op, struct od_error *error)
{
    struct filter *filter = (struct filter *)op;
    return od_batch_builder_init(&filter->kept, op->env.memory, &op->node->schema, error);
}

static enum od_status keep_rows(struct filter *filter, const struct od_batch *batch,
                                const struct od_selection *selection, struct od_error *error)
{
    od_batch_builder_reset(&filter->kept);
    enum od_status status =
        od_batch_builder_append_rows(&filter->kept, batch, selection->rows, 0, selection->count, error);
    if (status == OD_OK)
        filter->view = od_batch_builder_view(&filter->kept);
    return status;
}

static enum od_step filter_step(struct od_op *op, const struct od_batch **batch_out, struct od_error *error)
{
    struct filter *filter = (struct filter *)op;
    const struct od_batch *batch;
    struct od_selection selection;
    enum od_step step = od_op_pull(op, 0, &batch, error);
    if (step != OD_STEP_OUTPUT)
        return step;
    od_arena_reset(&op->batch_arena);
    enum od_status status = od_evaluate_filter(op->node->filter.predicate, batch,
                                               &(struct od_selection){.count = batch->row_count},
                                               &op->batch_arena, &selection, error);
    if (status != OD_OK)
        return OD_STEP_FAILED;
    if (selection.count == 0)
        return OD_STEP_AGAIN;
    if (selection.count == batch->row_count) {
        filter->view = *batch;
        filter->view.schema = &op->node->schema;
    } else if (keep_rows(filter, batch, &selection, error) != OD_OK) {
        return OD_STEP_FAILED;
    }
    *batch_out = &filter->view;
    return OD_STEP_OUTPUT;
}

static void filter_release(struct od_op *op)
{
    od_batch_builder_release(&((struct filter *)op)->kept);
}

const struct od_op_kind od_op_filter = {
    .bytes = sizeof(struct filter), .start = filter_start, .step = filter_step, .release = filter_release};
