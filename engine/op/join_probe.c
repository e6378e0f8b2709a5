/* join_probe: streams probe batches past the finished table and emits matches.
 *
 *   build side (join_build.c)             probe side (this file)
 *   table: bucket -> chain of rows   <--  batch -> hashes -> candidates -> equal keys -> residual -> output
 *
 * A batch may have more matches than fit into batch_rows: (probe_row, build_row) says where to go on. The
 * residual is part of the join condition: it is evaluated over the pairs, and a pair that fails it is no
 * match. So whether a row of a LEFT join is padded is known only after all its pairs; probe_matched
 * remembers, and the padding comes behind the batch's matches.
 *
 * Lifetimes: hashes and marks in batch_arena until the next probe batch; columns of the residual in
 * residual_arena until the next batch of candidates. */
#include "engine/op/join.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/op/key_equal.h"

/* Sets `build_row` to the first candidate of `probe_row`. */
static void seek_row(struct join *join)
{
    const struct od_physical *node = join->op.node;
    join->build_row = OD_HASH_TABLE_NONE;
    if (join->probe_row == join->probe->row_count)
        return;
    for (uint32_t k = 0; k < node->join.key_count; k++) {
        if (od_column_is_null(&join->probe->columns[node->join.probe_keys[k]], join->probe_row))
            return;
    }
    join->build_row = od_hash_table_first(&join->table, join->probe_hashes[join->probe_row]);
}

enum od_status od_join_probe_begin(struct join *join, const struct od_batch *batch, struct od_error *error)
{
    struct od_op *op = &join->op;
    od_arena_reset(&op->batch_arena);
    join->probe = batch;
    join->probe_hashes = od_arena_take_raw(&op->batch_arena, batch->row_count * sizeof(*join->probe_hashes));
    join->probe_matched = od_arena_take(&op->batch_arena, batch->row_count);
    if (join->probe_hashes == NULL || join->probe_matched == NULL)
        return od_op_no_memory(op, "hashing probe rows", error);
    od_batch_hash_keys(batch, op->node->join.probe_keys, op->node->join.key_count,
                       join->probe_hashes);
    join->probe_row = 0;
    seek_row(join);
    return OD_OK;
}

static bool keys_are_equal(const struct join *join)
{
    const struct od_physical *node = join->op.node;
    for (uint32_t k = 0; k < node->join.key_count; k++) {
        if (!od_key_equal(&join->probe->columns[node->join.probe_keys[k]], join->probe_row,
                          &join->build.columns[node->join.build_keys[k]], join->build_row))
            return false;
    }
    return true;
}

/* Fills the pair lists as far as they or the batch go. */
static void collect_pairs(struct join *join)
{
    join->pair_count = 0;
    while (join->probe_row < join->probe->row_count) {
        while (join->build_row != OD_HASH_TABLE_NONE) {
            if (join->pair_count == join->op.env.batch_rows)
                return;
            if (keys_are_equal(join)) {
                join->pair_probe[join->pair_count] = join->probe_row;
                join->pair_build[join->pair_count] = join->build_row;
                join->pair_count++;
            }
            join->build_row = od_hash_table_next(&join->table, join->build_row);
        }
        join->probe_row++;
        seek_row(join);
    }
}

/* Probe columns ++ build columns of the pairs; OD_ROW_NULL pads. */
static enum od_status stitch(struct join *join, struct od_error *error)
{
    struct od_batch_builder *output = &join->output;
    uint32_t probe_columns = join->probe->schema->field_count;
    uint32_t total = output->schema->field_count;
    od_batch_builder_reset(output);
    for (uint32_t i = 0; i < total; i++) {
        bool is_probe = i < probe_columns;
        const struct od_column *source =
            is_probe ? &join->probe->columns[i] : &join->build.columns[i - probe_columns];
        enum od_status status = od_batch_builder_append_column(
            output, i, source, is_probe ? join->pair_probe : join->pair_build, join->pair_count, error);
        if (status != OD_OK)
            return status;
    }
    od_batch_builder_end_rows(output, join->pair_count);
    join->view = od_batch_builder_view(output);
    return OD_OK;
}

/* Leaves in join->view the pairs for which the residual is true, and their probe rows in pair_probe. */
static enum od_status apply_residual(struct join *join, struct od_error *error)
{
    struct od_selection selection;
    od_arena_reset(&join->residual_arena);
    enum od_status status = od_evaluate_filter(join->op.node->join.residual, &join->view,
                                               &(struct od_selection){.count = join->view.row_count},
                                               &join->residual_arena, &selection, error);
    if (status != OD_OK || selection.count == join->view.row_count)
        return status;
    for (uint32_t i = 0; i < selection.count; i++)
        join->pair_probe[i] = join->pair_probe[selection.rows[i]]; /* rows[i] >= i */
    join->pair_count = selection.count;
    od_batch_builder_reset(&join->kept);
    status =
        od_batch_builder_append_rows(&join->kept, &join->view, selection.rows, 0, selection.count, error);
    if (status == OD_OK)
        join->view = od_batch_builder_view(&join->kept);
    return status;
}

enum od_status od_join_probe_match(struct join *join, bool *is_over_out, struct od_error *error)
{
    enum od_status status = OD_OK;
    collect_pairs(join);
    *is_over_out = join->probe_row == join->probe->row_count;
    join->view.row_count = 0;
    if (join->pair_count == 0)
        return OD_OK;
    status = stitch(join, error);
    if (status == OD_OK && join->op.node->join.residual != NULL)
        status = apply_residual(join, error);
    for (uint32_t i = 0; i < join->pair_count && status == OD_OK; i++)
        join->probe_matched[join->pair_probe[i]] = 1;
    return status;
}

enum od_status od_join_probe_pad(struct join *join, bool *is_over_out, struct od_error *error)
{
    uint32_t row_count = join->probe->row_count;
    join->pair_count = 0;
    for (; join->probe_row < row_count && join->pair_count < join->op.env.batch_rows; join->probe_row++) {
        join->pair_probe[join->pair_count] = join->probe_row;
        join->pair_build[join->pair_count] = OD_ROW_NULL;
        join->pair_count += join->probe_matched[join->probe_row] == 0;
    }
    *is_over_out = join->probe_row == row_count;
    join->view.row_count = 0;
    return join->pair_count == 0 ? OD_OK : stitch(join, error);
}
