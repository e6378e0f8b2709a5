/* join_match: from candidate pairs to the rows of all nine join types.
 *
 *              a TRUE pair    when the batch is over, rows      at the end, build rows
 *              comes out      whose OR is ... come out
 *   INNER      joined
 *   LEFT       joined         FALSE or NULL, padded
 *   RIGHT      joined                                           without a match, padded
 *   FULL       joined         FALSE or NULL, padded             without a match, padded
 *   SEMI                      TRUE
 *   ANTI                      FALSE or NULL
 *   NULL_ANTI                 FALSE
 *   MARK                      any, with the OR
 *   SINGLE     joined, once   FALSE or NULL, padded
 *
 * The residual is part of the condition: a pair whose residual is not true is no match. It is asked for the
 * pairs of a batch at once, over copies of the columns that it reads; only pairs that come out are copied
 * whole.
 *
 * Order of the output: pairs by (probe row, build row), batch by batch; behind the pairs of a probe batch its
 * finished rows. Where the residual can fail, it is asked for every pair, so that failing does not depend on
 * the order of rows. */
#include "engine/op/join.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/expr/evaluate.h"

#define IS(truth)   (1u << JOIN_##truth)
#define ARENA_BYTES 2048

/* Which probe rows come out when their batch is over. */
static const uint8_t finished[] = {
    [OD_JOIN_INNER] = 0,
    [OD_JOIN_LEFT] = IS(FALSE) | IS(NULL),
    [OD_JOIN_RIGHT] = 0,
    [OD_JOIN_FULL] = IS(FALSE) | IS(NULL),
    [OD_JOIN_SEMI] = IS(TRUE),
    [OD_JOIN_ANTI] = IS(FALSE) | IS(NULL),
    [OD_JOIN_NULL_ANTI] = IS(FALSE),
    [OD_JOIN_MARK] = IS(FALSE) | IS(NULL) | IS(TRUE),
    [OD_JOIN_SINGLE] = IS(FALSE) | IS(NULL),
};
_Static_assert(sizeof(finished) == OD_JOIN_TYPE_COUNT, "every join type has a row");

bool od_join_finishes(const struct join *join)
{
    return finished[join->op.node->join.type] != 0;
}

/* --- life ----------------------------------------------------------------------------------------------- */

static void note_column(void *self, uint32_t column_index)
{
    ((bool *)self)[column_index] = true;
}

/* carried_schema; an empty probe. */
static enum od_status schemas_start(struct join *join)
{
    struct od_arena *arena = &join->op.operator_arena;
    const struct od_schema *probe = &join->op.node->inputs[0]->schema;
    OD_TAKE_LIST(struct od_field, carried, arena, (size_t)probe->field_count + 1, join->op.error);
    OD_TAKE_LIST(struct od_column, columns, arena, probe->field_count, join->op.error);
    for (uint32_t i = 0; i < probe->field_count; i++) {
        carried[i] = probe->fields[i];
        columns[i].type = probe->fields[i].type;
    }
    carried[probe->field_count] =
        (struct od_field){.name = "truth", .type = OD_TYPE_BOOLEAN, .nullable = true};
    join->carried_schema = (struct od_schema){probe->field_count + 1, carried};
    join->no_probe = (struct od_batch){.schema = probe, .columns = columns};
    return OD_OK;
}

enum od_status od_join_start(struct od_op *op)
{
    struct join *join = (struct join *)op;
    const struct od_expr *residual = op->node->join.residual;
    enum od_join_type type = op->node->join.type;
    od_assert(op->node->join.key_count <= 64);
    join->gives_pairs = od_join_gives_right(type);
    join->asks_nulls = type == OD_JOIN_MARK || type == OD_JOIN_NULL_ANTI;
    join->keeps_build = od_join_pads_left(type);
    join->may_stop = !join->gives_pairs && (residual == NULL || !residual->may_fail);
    join->job.parent_row_count = UINT64_MAX;
    od_hash_table_init(&join->table, op->env.memory);
    od_arena_init(&join->pair_arena, op->env.memory, ARENA_BYTES);
    OD_TAKE(join->pair_probe, &op->operator_arena, op->env.batch_rows, op->error);
    OD_TAKE(join->pair_build, &op->operator_arena, op->env.batch_rows, op->error);
    OD_TAKE(join->pair_truth, &op->operator_arena, op->env.batch_rows, op->error);
    OD_TRY(schemas_start(join));
    OD_TRY(od_batch_builder_init(&join->build_rows, op->env.memory, &op->node->inputs[1]->schema, op->error));
    join->build = od_batch_builder_view(&join->build_rows);
    if (residual == NULL)
        return OD_OK;
    OD_TAKE(join->residual_reads, &op->operator_arena, op->node->join.pair_schema->field_count, op->error);
    od_expr_columns(residual, note_column, join->residual_reads);
    return OD_OK;
}

void od_join_release(struct od_op *op)
{
    struct join *join = (struct join *)op;
    od_hash_table_release(&join->table);
    od_arena_release(&join->pair_arena);
    od_batch_builder_release(&join->build_rows);
    od_give(op->env.memory, join->build_matched, join->build_matched_capacity);
    od_spill_run_free(join->carried);
    od_join_job_release(&join->job);
    while (join->waiting != NULL) {
        struct join_job *job = join->waiting;
        join->waiting = job->next;
        od_join_job_release(job);
        od_give(op->env.memory, job, sizeof(*job));
    }
}

enum od_status od_join_reserve_marks(struct join *join, uint32_t row_count)
{
    uint32_t old = join->build_matched_capacity;
    if (!join->keeps_build)
        return OD_OK;
    if (!od_grow(join->op.env.memory, &join->build_matched, &join->build_matched_capacity, row_count, 1))
        return od_op_no_memory(&join->op, "marking build rows");
    if (join->build_matched_capacity > old)
        memset(join->build_matched + old, 0, join->build_matched_capacity - old);
    return OD_OK;
}

/* --- a probe batch and its truth ------------------------------------------------------------------------ */

enum od_status od_join_probe_begin(struct join *join, const struct od_batch *batch, bool is_carried)
{
    od_arena_reset(&join->op.batch_arena);
    join->probe = batch;
    join->probe_row = 0;
    OD_TAKE(join->probe_truth, &join->op.batch_arena, batch->row_count, join->op.error);
    for (uint32_t row = 0; is_carried && row < batch->row_count; row++) {
        const struct od_column *truth = &batch->columns[join->no_probe.schema->field_count];
        bool is_null = od_column_is_null(truth, row);
        join->probe_truth[row] = is_null ? JOIN_NULL : od_bit(truth->values, row) ? JOIN_TRUE : JOIN_FALSE;
    }
    return OD_OK;
}

enum od_status od_join_carry(struct join *join, struct od_batch *batch_out)
{
    struct od_op *op = &join->op;
    uint32_t row_count = join->probe->row_count;
    uint32_t probe_fields = join->no_probe.schema->field_count;
    OD_TAKE_LIST(struct od_column, columns, &op->batch_arena, probe_fields + 1, op->error);
    OD_TAKE_LIST(uint8_t, values, &op->batch_arena, od_bitmap_bytes(row_count), op->error);
    OD_TAKE_LIST(uint8_t, validity, &op->batch_arena, od_bitmap_bytes(row_count), op->error);
    for (uint32_t row = 0; row < row_count; row++) {
        od_bitmap_put(values, row, join->probe_truth[row] == JOIN_TRUE);
        od_bitmap_put(validity, row, join->probe_truth[row] != JOIN_NULL);
    }
    for (uint32_t i = 0; i < probe_fields; i++)
        columns[i] = join->probe->columns[i];
    columns[probe_fields] = (struct od_column){
        .type = OD_TYPE_BOOLEAN, .row_count = row_count, .values = values, .validity = validity};
    *batch_out =
        (struct od_batch){.schema = &join->carried_schema, .row_count = row_count, .columns = columns};
    return OD_OK;
}

/* --- pairs ---------------------------------------------------------------------------------------------- */

/* Column `index` of probe ++ build for all pairs, in pair_arena; OD_ROW_NULL pads. */
static enum od_status gather_pairs(struct join *join, uint32_t probe_fields, uint32_t index,
                                   struct od_column *column_out)
{
    bool is_build = index >= probe_fields;
    const struct od_column *source =
        is_build ? &join->build.columns[index - probe_fields] : &join->probe->columns[index];
    return od_column_gather(source, is_build ? join->pair_build : join->pair_probe, join->pair_count,
                            &join->pair_arena, column_out, join->op.error);
}

/* Makes the pairs the output; none is left. */
static enum od_status give_pairs(struct join *join)
{
    struct od_op *op = &join->op;
    const struct od_schema *schema = &op->node->schema;
    uint32_t probe_fields = join->no_probe.schema->field_count + (op->node->join.type == OD_JOIN_MARK);
    OD_TAKE_LIST(struct od_column, columns, &join->pair_arena, schema->field_count, op->error);
    for (uint32_t i = 0; i < schema->field_count; i++)
        OD_TRY(gather_pairs(join, probe_fields, i, &columns[i]));
    op->view = (struct od_batch){.schema = schema, .row_count = join->pair_count, .columns = columns};
    join->pair_count = 0;
    return OD_OK;
}

static void keep_pair(struct join *join, uint32_t pair, uint8_t truth)
{
    join->pair_probe[join->pair_count] = join->pair_probe[pair]; /* pair >= pair_count */
    join->pair_build[join->pair_count] = join->pair_build[pair];
    join->pair_truth[join->pair_count++] = truth;
}

/* Keeps the pairs that are still true, or NULL where that is asked. */
static enum od_status ask_residual(struct join *join)
{
    const struct od_expr *residual = join->op.node->join.residual;
    struct od_selection every = {.count = join->pair_count};
    struct od_selection chosen;
    struct od_column truth;
    const struct od_schema *schema = join->op.node->join.pair_schema;
    OD_TAKE_LIST(struct od_column, columns, &join->pair_arena, schema->field_count, join->op.error);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (join->residual_reads[i])
            OD_TRY(gather_pairs(join, join->no_probe.schema->field_count, i, &columns[i]));
    }
    struct od_batch batch = {.schema = schema, .row_count = join->pair_count, .columns = columns};
    if (!join->asks_nulls) {
        OD_TRY(od_evaluate_filter(residual, &batch, &every, &join->pair_arena, &chosen, join->op.error));
        join->pair_count = 0;
        for (uint32_t i = 0; i < chosen.count; i++)
            keep_pair(join, chosen.rows == NULL ? i : chosen.rows[i], JOIN_TRUE);
        return OD_OK;
    }
    OD_TRY(od_evaluate(residual, &batch, &every, &join->pair_arena, &truth, join->op.error));
    join->pair_count = 0;
    for (uint32_t i = 0; i < every.count; i++) {
        if (od_column_is_null(&truth, i))
            keep_pair(join, i, JOIN_NULL);
        else if (od_bit(truth.values, i))
            keep_pair(join, i, join->pair_truth[i]);
    }
    return OD_OK;
}

enum od_status od_join_judge(struct join *join)
{
    od_arena_reset(&join->pair_arena);
    if (join->pair_count > 0 && join->op.node->join.residual != NULL)
        OD_TRY(ask_residual(join));
    for (uint32_t i = 0; i < join->pair_count; i++) {
        uint8_t *truth = &join->probe_truth[join->pair_probe[i]];
        if (join->op.node->join.type == OD_JOIN_SINGLE && *truth == JOIN_TRUE)
            return od_fail(join->op.error, OD_EVALUATION,
                           "more than one row returned by a subquery used as an expression");
        if (*truth < join->pair_truth[i])
            *truth = join->pair_truth[i];
        if (join->keeps_build)
            join->build_matched[join->pair_build[i]] = 1;
    }
    if (join->gives_pairs && join->pair_count > 0)
        return give_pairs(join);
    join->pair_count = 0;
    return OD_OK;
}

/* --- rows whose turn comes later ------------------------------------------------------------------------ */

enum od_status od_join_finish(struct join *join)
{
    enum od_join_type type = join->op.node->join.type;
    if (type == OD_JOIN_MARK && join->probe_row == 0) { /* behind the probe's columns comes the OR */
        OD_TRY(od_join_carry(join, &join->marked));
        join->probe = &join->marked;
    }
    od_arena_reset(&join->pair_arena);
    for (; join->probe_row < join->probe->row_count && join->pair_count < join->op.env.batch_rows;
         join->probe_row++) {
        join->pair_probe[join->pair_count] = join->probe_row;
        join->pair_build[join->pair_count] = OD_ROW_NULL;
        join->pair_count += finished[type] >> join->probe_truth[join->probe_row] & 1;
    }
    return join->pair_count == 0 ? OD_OK : give_pairs(join);
}

enum od_status od_join_unmatched(struct join *join, uint32_t end)
{
    const struct od_batch *probe = join->probe;
    od_arena_reset(&join->pair_arena);
    for (; join->build_cursor < end && join->pair_count < join->op.env.batch_rows; join->build_cursor++) {
        join->pair_probe[join->pair_count] = OD_ROW_NULL;
        join->pair_build[join->pair_count] = join->build_cursor;
        join->pair_count += join->build_matched[join->build_cursor] == 0;
    }
    if (join->pair_count == 0)
        return OD_OK;
    join->probe = &join->no_probe;
    enum od_status status = give_pairs(join);
    join->probe = probe; /* a merge join may be in the middle of it */
    return status;
}
