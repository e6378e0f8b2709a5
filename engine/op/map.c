/* map: a user function over each input batch; what it appends comes out in slices of at most batch_rows rows. */
#include "engine/op/op_base.h"

struct map {
    struct od_op op;
    uint32_t next_row; /* to come out, of `output`, which is of the last call */
};

static enum od_status call_map(struct map *map)
{
    struct od_op *op = &map->op;
    const struct od_map_function *function = op->node->map.function;
    const struct od_batch *input;
    OD_TRY(od_op_pull(op, 0, &input));
    if (input == NULL)
        return OD_OK;
    map->next_row = 0;
    od_batch_builder_reset(&op->output);
    enum od_status status = function->map(function->self, input, &op->output, op->error);
    if (status != OD_OK && op->error->status == OD_OK)
        od_fail(op->error, status, "map %s failed and did not say why", function->name);
    return status;
}

static enum od_status map_step(struct od_op *op)
{
    struct map *map = (struct map *)op;
    if (map->next_row == op->output.row_count)
        return call_map(map);
    uint32_t left = op->output.row_count - map->next_row;
    uint32_t count = left < op->env.batch_rows ? left : op->env.batch_rows;
    struct od_batch rows = od_batch_builder_view(&op->output);
    od_arena_reset(&op->batch_arena);
    OD_TRY(od_batch_slice(&op->batch_arena, &rows, map->next_row, count, &op->view, op->error));
    map->next_row += count;
    return OD_OK;
}

const struct od_op_kind od_op_map = {.bytes = sizeof(struct map), .step = map_step, .builds_rows = true};
