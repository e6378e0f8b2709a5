/* cache_key: see cache_key.h.
 *
 * A table is its name, its columns, the hashes of its rows in their order, and the exact checksum of them all
 * (the hashes do not tell -0.0 from 0.0). A plan that reads a table twice takes it in twice. */
#include "engine/frame/cache_key.h"

#include "engine/frame/plan_proto.h"

#define NODES_MAX 10000 /* a sub-plan with several readers counted for each */

static enum od_status add_table(struct od_memory *memory, const struct od_table *table, uint64_t *key,
                                struct od_error *error)
{
    const struct od_batch rows = od_table_view(table);
    uint64_t *hashes = od_take_array(memory, rows.row_count, sizeof(*hashes));
    if (hashes == NULL && rows.row_count != 0)
        return od_fail(error, OD_NO_MEMORY, "naming the rows of a table: %s", table->name);
    od_batch_hash_keys(&rows, NULL, table->schema.field_count, hashes);
    *key = od_hash_bytes(hashes, rows.row_count * sizeof(*hashes), *key);
    od_give(memory, hashes, rows.row_count * sizeof(*hashes));
    const struct od_hash128 checksum = od_batch_checksum(&rows);
    *key = od_hash_bytes(&checksum, sizeof(checksum), *key);
    for (uint32_t i = 0; i < table->schema.field_count; i++)
        *key = od_hash_bytes(&table->schema.fields[i].type, sizeof(table->schema.fields[i].type), *key);
    return OD_OK;
}

static enum od_status add_tables(struct od_memory *memory, const struct od_plan *plan, uint64_t *key,
                                 struct od_error *error)
{
    if (plan->kind == OD_PLAN_SCAN)
        return add_table(memory, plan->scan.table, key, error);
    for (uint32_t i = 0; i < plan->input_count; i++)
        OD_TRY(add_tables(memory, plan->inputs[i], key, error));
    return OD_OK;
}

enum od_status od_plan_cache_key(struct od_arena *arena, const struct od_plan *plan, uint64_t *key_out,
                                 struct od_error *error)
{
    struct od_buffer bytes;
    if (plan->tree_size > NODES_MAX)
        return od_fail(error, OD_UNSUPPORTED, "keeping a plan of more than %u nodes", NODES_MAX);
    od_buffer_init(&bytes, arena->memory);
    enum od_status status = od_plan_encode(plan, arena, &bytes, error);
    if (status == OD_OK)
        *key_out = od_hash_bytes(bytes.bytes, bytes.size, 1);
    od_buffer_release(&bytes);
    if (status == OD_OK)
        status = add_tables(arena->memory, plan, key_out, error);
    *key_out |= 1;
    return status;
}
