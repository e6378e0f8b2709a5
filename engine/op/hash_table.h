/* hash_table: finds row numbers by 64-bit hash. The rows themselves are the caller's: it compares keys.
 *
 *   buckets  [ 2 | none | 4 | ... ]     a power of two, at least as many as rows
 *              |
 *   next     row 2 -> row 7 -> none     one entry a row
 *   hashes   of every row, stored: a chain is walked without looking at keys, growing needs no keys
 *
 * Row numbers count from 0 in order of appending. Chains run in rising order of row after od_hash_table_link,
 * newest first after od_hash_table_insert; either way they are a function of the hashes and their order. */
#ifndef OD_OP_HASH_TABLE_H
#define OD_OP_HASH_TABLE_H

#include "engine/core/memory.h"
#include "engine/core/status.h"

#define OD_HASH_TABLE_NONE UINT32_MAX

struct od_hash_table {
    struct od_memory *memory; /* borrowed */
    uint64_t *hashes;         /* owned, hash_capacity */
    uint32_t *next;           /* owned, row_capacity */
    uint32_t *buckets;        /* owned, bucket_count */
    uint32_t row_count;
    uint32_t row_capacity;
    uint32_t hash_capacity; /* the same, but for a refused allocation */
    uint32_t bucket_count; /* 0 or a power of two */
};

void od_hash_table_init(struct od_hash_table *table, struct od_memory *memory);
void od_hash_table_release(struct od_hash_table *table);
void od_hash_table_reset(struct od_hash_table *table); /* empty, keeps the memory */
/* Appends rows that cannot be found before the next link. NO_MEMORY, UNSUPPORTED beyond 2^30 rows; the table
 * stays. */
enum od_status od_hash_table_append(struct od_hash_table *table, const uint64_t *hashes, uint32_t count,
                                    struct od_error *error);
/* Makes every row findable. NO_MEMORY and nothing changed. */
enum od_status od_hash_table_link(struct od_hash_table *table, struct od_error *error);
/* Appends one row to a linked (or empty) table and links it. Errors as above. */
enum od_status od_hash_table_insert(struct od_hash_table *table, uint64_t hash, struct od_error *error);

/* `row` or the next one in its chain whose hash is equal. */
static inline uint32_t od_hash_table_seek(const struct od_hash_table *table, uint32_t row, uint64_t hash)
{
    while (row != OD_HASH_TABLE_NONE && table->hashes[row] != hash)
        row = table->next[row];
    return row;
}
/* The first row of this hash, or OD_HASH_TABLE_NONE. */
static inline uint32_t od_hash_table_first(const struct od_hash_table *table, uint64_t hash)
{
    if (table->bucket_count == 0)
        return OD_HASH_TABLE_NONE;
    return od_hash_table_seek(table, table->buckets[hash & (table->bucket_count - 1)], hash);
}
/* The row after `row` with its hash. */
static inline uint32_t od_hash_table_next(const struct od_hash_table *table, uint32_t row)
{
    return od_hash_table_seek(table, table->next[row], table->hashes[row]);
}

#endif
