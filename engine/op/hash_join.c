/* hash_join: the states of a join; the work is in join_build.c and join_probe.c.
 *
 *   BUILDING   pulls the build side          --DONE-->            PULLING
 *   PULLING    pulls a probe batch           --batch-->           MATCHING     --DONE--> the end
 *   MATCHING   emits its matches             --no more, LEFT-->   PADDING      --no more, INNER--> PULLING
 *   PADDING    emits its unmatched rows      --no more-->         PULLING
 *
 * Only the step changes the state. The probe side is read to its end even when the build side is empty:
 * whether an expression below fails must not depend on the data of the other side. */
#include "engine/op/join.h"

#include "engine/core/assert.h"

static enum od_status hash_join_start(struct od_op *op, struct od_error *error)
{
    struct join *join = (struct join *)op;
    const struct od_physical *node = op->node;
    struct od_memory *memory = op->env.memory;
    od_assert(node->join.key_count >= 1);
    join->state = JOIN_BUILDING;
    od_hash_table_init(&join->table, memory);
    od_arena_init(&join->residual_arena, memory, 2048);
    join->pair_probe = od_arena_take_array(&op->operator_arena, op->env.batch_rows, sizeof(uint32_t));
    join->pair_build = od_arena_take_array(&op->operator_arena, op->env.batch_rows, sizeof(uint32_t));
    if (join->pair_probe == NULL || join->pair_build == NULL)
        return od_op_no_memory(op, "listing pairs", error);
    enum od_status status = od_batch_builder_init(&join->build_rows, memory, &node->inputs[1]->schema, error);
    if (status == OD_OK)
        status = od_batch_builder_init(&join->output, memory, &node->schema, error);
    if (status == OD_OK && node->join.residual != NULL)
        status = od_batch_builder_init(&join->kept, memory, &node->schema, error);
    return status;
}

static void hash_join_release(struct od_op *op)
{
    struct join *join = (struct join *)op;
    od_hash_table_release(&join->table);
    od_arena_release(&join->residual_arena);
    od_batch_builder_release(&join->build_rows);
    od_batch_builder_release(&join->output);
    od_batch_builder_release(&join->kept);
}

static enum od_step step_build(struct join *join, struct od_error *error)
{
    const struct od_batch *batch;
    enum od_status status = OD_OK;
    enum od_step step = od_op_pull(&join->op, 1, &batch, error);
    if (step == OD_STEP_OUTPUT) {
        status = od_join_build_add(join, batch, error);
    } else if (step == OD_STEP_DONE) {
        status = od_join_build_end(join, error);
        join->state = JOIN_PULLING;
    } else {
        return step;
    }
    return status == OD_OK ? OD_STEP_AGAIN : OD_STEP_FAILED;
}

static enum od_step step_pull(struct join *join, struct od_error *error)
{
    const struct od_batch *batch;
    enum od_step step = od_op_pull(&join->op, 0, &batch, error);
    if (step != OD_STEP_OUTPUT)
        return step;
    if (od_join_probe_begin(join, batch, error) != OD_OK)
        return OD_STEP_FAILED;
    join->state = JOIN_MATCHING;
    return OD_STEP_OUTPUT; /* there is something to match: go on in this step */
}

static enum od_step step_emit(struct join *join, const struct od_batch **batch_out, struct od_error *error)
{
    bool is_over = false;
    bool is_matching = join->state == JOIN_MATCHING;
    enum od_status status =
        is_matching ? od_join_probe_match(join, &is_over, error) : od_join_probe_pad(join, &is_over, error);
    if (status != OD_OK)
        return OD_STEP_FAILED;
    if (is_over && is_matching && join->op.node->join.type == OD_JOIN_LEFT) {
        join->state = JOIN_PADDING;
        join->probe_row = 0;
    } else if (is_over) {
        join->state = JOIN_PULLING;
    }
    if (join->view.row_count == 0)
        return OD_STEP_AGAIN;
    *batch_out = &join->view;
    return OD_STEP_OUTPUT;
}

static enum od_step hash_join_step(struct od_op *op, const struct od_batch **batch_out,
                                   struct od_error *error)
{
    struct join *join = (struct join *)op;
    enum od_step step = OD_STEP_OUTPUT;
    if (join->state == JOIN_BUILDING)
        return step_build(join, error);
    if (join->state == JOIN_PULLING)
        step = step_pull(join, error);
    return step == OD_STEP_OUTPUT ? step_emit(join, batch_out, error) : step;
}

const struct od_op_kind od_op_hash_join = {.bytes = sizeof(struct join),
                                           .start = hash_join_start,
                                           .step = hash_join_step,
                                           .release = hash_join_release};
