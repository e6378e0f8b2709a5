/* hash_table: chains in arrays. Entries are pushed in front of their chain, so linking from the last row to
 * the first leaves each chain in rising order. Buckets are chosen by the low bits of a hash: a hash exchange
 * has dealt rows out by the high ones (od_partition_of), in which the rows of one partition are alike. */
#include "engine/op/hash_table.h"

#include <string.h>

#include "engine/core/assert.h"

#define ROW_COUNT_MAX (UINT32_C(1) << 30)

void od_hash_table_init(struct od_hash_table *table, struct od_memory *memory)
{
    *table = (struct od_hash_table){.memory = memory};
}

void od_hash_table_release(struct od_hash_table *table)
{
    if (table->memory == NULL)
        return; /* never initialised */
    od_give(table->memory, table->hashes, table->hash_capacity * sizeof(*table->hashes));
    od_give(table->memory, table->next, table->row_capacity * sizeof(*table->next));
    od_give(table->memory, table->buckets, table->bucket_count * sizeof(*table->buckets));
    *table = (struct od_hash_table){0};
}

void od_hash_table_reset(struct od_hash_table *table)
{
    table->row_count = 0;
    if (table->bucket_count > 0)
        memset(table->buckets, 0xff,
               (size_t)table->bucket_count * sizeof(*table->buckets)); /* OD_HASH_TABLE_NONE */
}

static enum od_status no_memory(uint64_t row_count, struct od_error *error)
{
    return od_fail(error, OD_NO_MEMORY, "growing a hash table: rows=%llu", (unsigned long long)row_count);
}

static enum od_status grow_rows(struct od_hash_table *table, uint64_t needed, struct od_error *error)
{
    if (needed <= table->row_capacity)
        return OD_OK;
    if (needed > ROW_COUNT_MAX)
        return od_fail(error, OD_UNSUPPORTED, "growing a hash table beyond %u rows", ROW_COUNT_MAX);
    if (!od_grow(table->memory, &table->hashes, &table->hash_capacity, needed, sizeof(*table->hashes)) ||
        !od_grow(table->memory, &table->next, &table->row_capacity, needed, sizeof(*table->next)))
        return no_memory(needed, error);
    return OD_OK;
}

enum od_status od_hash_table_append(struct od_hash_table *table, const uint64_t *hashes, uint32_t count,
                                    struct od_error *error)
{
    OD_TRY(grow_rows(table, (uint64_t)table->row_count + count, error));
    if (count == 0)
        return OD_OK;
    memcpy(table->hashes + table->row_count, hashes, count * sizeof(*hashes));
    table->row_count += count;
    return OD_OK;
}

static void push(struct od_hash_table *table, uint32_t row)
{
    uint32_t *bucket = &table->buckets[table->hashes[row] & (table->bucket_count - 1)];
    table->next[row] = *bucket;
    *bucket = row;
}

/* Buckets for `row_capacity` rows, all of which are linked anew. */
static enum od_status relink(struct od_hash_table *table, struct od_error *error)
{
    uint32_t count = table->row_capacity; /* a power of two */
    od_assert((count & (count - 1)) == 0);
    if (count != table->bucket_count) {
        uint32_t *buckets = od_resize(table->memory, NULL, 0, (size_t)count * sizeof(*buckets));
        if (buckets == NULL)
            return no_memory(table->row_count, error);
        od_give(table->memory, table->buckets, table->bucket_count * sizeof(*buckets));
        table->buckets = buckets;
        table->bucket_count = count;
    }
    memset(table->buckets, 0xff, (size_t)count * sizeof(*table->buckets)); /* OD_HASH_TABLE_NONE */
    for (uint32_t row = table->row_count; row-- > 0;)
        push(table, row);
    return OD_OK;
}

enum od_status od_hash_table_link(struct od_hash_table *table, struct od_error *error)
{
    return table->row_count == 0 ? OD_OK : relink(table, error);
}

enum od_status od_hash_table_insert(struct od_hash_table *table, uint64_t hash, struct od_error *error)
{
    OD_TRY(grow_rows(table, (uint64_t)table->row_count + 1, error));
    if (table->row_capacity != table->bucket_count)
        OD_TRY(relink(table, error));
    table->hashes[table->row_count] = hash;
    push(table, table->row_count);
    table->row_count++;
    return OD_OK;
}
