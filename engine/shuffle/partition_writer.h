/* partition_writer: the rows of one map attempt, parted by key, or dealt out in turn, and cut into blocks.
 *
 *   batches -> rows (builder) --flush--> rows of partition 0, 1, ... -> blocks in one run of bytes + an index
 *
 * Rows are gathered until a flush is due, then parted with one counting sort, so that few builders serve any number of
 * partitions. Within a partition rows keep their order. Flushes depend on rows only: an attempt that sees equal batches
 * writes equal bytes. An empty partition has no block; the index says so by having no entry. */
#ifndef OD_SHUFFLE_PARTITION_WRITER_H
#define OD_SHUFFLE_PARTITION_WRITER_H

#include "engine/shuffle/block.h"

/* One block of the run of bytes: what a reader needs to fetch and to verify it. */
struct od_block_entry {
    uint32_t partition;
    uint32_t row_count;
    uint32_t size; /* bytes */
    uint64_t offset;
    struct od_hash128 row_checksum;
};

struct od_partition_writer_options {
    const struct od_schema *schema; /* borrowed */
    uint32_t partition_count;       /* >= 1 */
    uint32_t key_count;             /* 0: row i of task t goes to partition (t + i) mod partition_count */
    const uint32_t *keys;           /* borrowed */
    struct od_block_id id;          /* its partition is filled in, or is the one to write when there is only one */
    uint64_t hash_bits_off;         /* cleared in every key hash: 0, or more to make partitions uneven */
    enum od_codec codec;
    /* ZSTD: how fast blocks travel. They are compressed while what that saves on the way is more than what it takes, as measured on
     * every block that is; else stored, and tried again now and then. 0: always compressed. */
    uint64_t link_bytes_per_s;
    uint32_t block_rows; /* rows gathered before a flush; 0 means 4096 */
};

struct od_partition_writer {
    struct od_memory *memory;
    struct od_block_codec *codec; /* borrowed */
    struct od_partition_writer_options options;
    struct od_batch_builder rows;
    struct od_batch_builder parted; /* made when there is more than one partition */
    uint32_t *row_partitions; /* owned; partition of each gathered row */
    uint32_t *row_order;      /* owned; gathered rows by partition */
    uint64_t *hashes;         /* owned; of the batch at hand */
    uint32_t partitions_capacity;
    uint32_t order_capacity;
    uint32_t hashes_capacity;
    uint32_t *partition_starts;     /* owned; partition_count + 1 */
    struct od_buffer bytes;         /* the blocks */
    struct od_block_entry *entries; /* owned; in order of partition after _finish */
    uint32_t entry_count;
    uint32_t entry_capacity;
    uint32_t stored_left; /* blocks to store before one is compressed again, to see */
    uint64_t row_count;             /* appended */
    struct od_hash128 row_checksum; /* of what was appended, before parting */
};

/* NO_MEMORY; the writer may then be released. `codec` is borrowed. */
enum od_status od_partition_writer_init(struct od_partition_writer *writer, struct od_memory *memory,
                                        struct od_block_codec *codec,
                                        const struct od_partition_writer_options *options,
                                        struct od_error *error);
/* A zeroed writer is fine. */
void od_partition_writer_release(struct od_partition_writer *writer);
/* Copies the rows. After a failure the writer may only be released. */
enum od_status od_partition_writer_append(struct od_partition_writer *writer, const struct od_batch *batch,
                                          struct od_error *error);
/* Writes what is left; `bytes` and `entries` are complete then, entries in order of (partition, offset). */
enum od_status od_partition_writer_finish(struct od_partition_writer *writer, struct od_error *error);

/* Which partition a key hash belongs to: its upper half scaled to [0, count). Hash tables use the lower bits, which
 * would be equal within a partition if they had chosen it. */
static inline uint32_t od_partition_of(uint64_t hash, uint32_t partition_count)
{
    return (uint32_t)(((hash >> 32) * partition_count) >> 32);
}

#endif
