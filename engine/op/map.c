/* map: a user function over each input batch; what it appends comes out in slices of at most batch_rows rows. */
#include "engine/op/op_base.h"

struct map {
    struct od_op op;
    struct od_batch_builder rows; /* of the last call */
    uint32_t next_row;            /* to come out */
};

static enum od_status map_start(struct od_op *op)
{
    return od_batch_builder_init(&((struct map *)op)->rows, op->env.memory, &op->node->schema, op->error);
}

static enum od_status call_map(struct map *map)
{
    struct od_op *op = &map->op;
    const struct od_map_function *function = op->node->map.function;
    const struct od_batch *input;
    OD_TRY(od_op_pull(op, 0, &input));
    if (input == NULL)
        return OD_OK;
    map->next_row = 0;
    od_batch_builder_reset(&map->rows);
    enum od_status status = function->map(function->self, input, &map->rows, op->error);
    if (status != OD_OK && op->error->status == OD_OK)
        od_fail(op->error, status, "map %s failed and did not say why", function->name);
    return status;
}

static enum od_status map_step(struct od_op *op)
{
    struct map *map = (struct map *)op;
    if (map->next_row == map->rows.row_count)
        return call_map(map);
    uint32_t left = map->rows.row_count - map->next_row;
    uint32_t count = left < op->env.batch_rows ? left : op->env.batch_rows;
    struct od_batch rows = od_batch_builder_view(&map->rows);
    od_arena_reset(&op->batch_arena);
    OD_TRY(od_batch_slice(&op->batch_arena, &rows, map->next_row, count, &op->view, op->error));
    map->next_row += count;
    return OD_OK;
}

static void map_release(struct od_op *op)
{
    od_batch_builder_release(&((struct map *)op)->rows);
}

const struct od_op_kind od_op_map = {
    .bytes = sizeof(struct map), .start = map_start, .step = map_step, .release = map_release};
