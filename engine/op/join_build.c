/* join_build: materialises the build side and hashes it.
 *
 *   batch -> rows whose keys are all there -> build_rows   row 0, 1, 2, ...
 *                                    hashes -> table        linked once, when the last batch is in
 *
 * A row with a NULL key can never match and is not kept: INNER and LEFT both show build rows only as matches.
 * Rows keep their order of arrival, and chains are in rising order, so matches of a probe row come out in
 * order of arrival too. Linking at the end is one pass over hashes, about 10 ns a row; it is the one thing
 * here that grows with the whole side. */
#include "engine/op/join.h"

uint32_t od_join_rows_with_keys(const struct od_batch *batch, const uint32_t *keys, uint32_t key_count,
                                uint32_t *rows_out)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        bool has_null = false;
        for (uint32_t k = 0; k < key_count; k++)
            has_null |= od_column_is_null(&batch->columns[keys[k]], row);
        rows_out[count] = row;
        count += !has_null;
    }
    return count;
}

enum od_status od_join_build_add(struct join *join, const struct od_batch *batch, struct od_error *error)
{
    struct od_op *op = &join->op;
    const uint32_t *keys = op->node->join.build_keys;
    uint32_t key_count = op->node->join.key_count;
    od_arena_reset(&op->batch_arena);
    uint32_t *rows = od_arena_take_raw(&op->batch_arena, batch->row_count * sizeof(*rows));
    uint64_t *hashes = od_arena_take_raw(&op->batch_arena, batch->row_count * sizeof(*hashes));
    if (rows == NULL || hashes == NULL)
        return od_op_no_memory(op, "hashing build rows", error);
    od_batch_hash_keys(batch, keys, key_count, hashes);
    uint32_t count = od_join_rows_with_keys(batch, keys, key_count, rows);
    for (uint32_t i = 0; i < count; i++)
        hashes[i] = hashes[rows[i]]; /* rows[i] >= i */
    const uint32_t *chosen = count == batch->row_count ? NULL : rows;
    enum od_status status = od_batch_builder_append_rows(&join->build_rows, batch, chosen, 0, count, error);
    if (status == OD_OK)
        status = od_hash_table_append(&join->table, hashes, count, error);
    return status;
}

enum od_status od_join_build_end(struct join *join, struct od_error *error)
{
    join->build = od_batch_builder_view(&join->build_rows);
    return od_hash_table_link(&join->table, error);
}
