/* map: a user function over each input batch; what it appends comes out in slices of at most batch_rows rows. */
#include "engine/op/op_base.h"

struct map {
    struct od_op op;
    struct od_batch_builder rows; /* of the last call */
    uint32_t next_row;            /* to come out */
    struct od_batch view;
};

static enum od_status map_start(struct od_op *op, struct od_error *error)
{
    return od_batch_builder_init(&((struct map *)op)->rows, op->env.memory, &op->node->schema, error);
}

static enum od_step map_step(struct od_op *op, const struct od_batch **batch_out, struct od_error *error)
{
    struct map *map = (struct map *)op;
    const struct od_map_function *function = op->node->map.function;
    if (map->next_row == map->rows.row_count) {
        const struct od_batch *input;
        enum od_step step = od_op_pull(op, 0, &input, error);
        if (step != OD_STEP_OUTPUT)
            return step;
        map->next_row = 0;
        od_batch_builder_reset(&map->rows);
        enum od_status status = function->map(function->self, input, &map->rows, error);
        if (status != OD_OK && error->status == OD_OK)
            od_fail(error, status, "map %s failed and did not say why", function->name);
        return status == OD_OK ? OD_STEP_AGAIN : OD_STEP_FAILED;
    }
    uint32_t left = map->rows.row_count - map->next_row;
    uint32_t count = left < op->env.batch_rows ? left : op->env.batch_rows;
    struct od_batch rows = od_batch_builder_view(&map->rows);
    od_arena_reset(&op->batch_arena);
    if (od_batch_slice(&op->batch_arena, &rows, map->next_row, count, &map->view, error) != OD_OK)
        return OD_STEP_FAILED;
    map->next_row += count;
    *batch_out = &map->view;
    return OD_STEP_OUTPUT;
}

static void map_release(struct od_op *op)
{
    od_batch_builder_release(&((struct map *)op)->rows);
}

const struct od_op_kind od_op_map = {
    .bytes = sizeof(struct map), .start = map_start, .step = map_step, .release = map_release};
