/* partition_writer: gather, part, cut. See the header for the idea.
 *
 *   append   row_partitions[i] for every gathered row; a flush when block_rows rows or FLUSH_BYTES of text are gathered
 *   flush    counting sort of row numbers by partition -> row_order; each run becomes one block
 *   finish   the last flush, then entries are put in order of partition (blocks of several flushes interleave in `bytes`)
 *
 * With one partition (single, broadcast, forward and result exchanges) the gathered rows are the block: nothing is sorted. */
#include "engine/shuffle/partition_writer.h"

#include <string.h>

#include "engine/core/assert.h"

#define BLOCK_ROWS  4096
#define FLUSH_BYTES ((uint32_t)1 << 20)

enum od_status od_partition_writer_init(struct od_partition_writer *writer, struct od_memory *memory,
                                        struct od_block_codec *codec,
                                        const struct od_partition_writer_options *options,
                                        struct od_error *error)
{
    od_assert(options->partition_count >= 1);
    *writer = (struct od_partition_writer){.memory = memory, .codec = codec, .options = *options};
    if (writer->options.block_rows == 0)
        writer->options.block_rows = BLOCK_ROWS;
    od_buffer_init(&writer->bytes, memory);
    enum od_status status = od_batch_builder_init(&writer->rows, memory, options->schema, error);
    if (status != OD_OK || options->partition_count == 1)
        return status;
    OD_TRY(od_batch_builder_init(&writer->parted, memory, options->schema, error));
    writer->partition_starts = od_take_array(memory, (size_t)options->partition_count + 1, sizeof(uint32_t));
    if (writer->partition_starts == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening a shuffle output: partitions=%u",
                       options->partition_count);
    return OD_OK;
}

void od_partition_writer_release(struct od_partition_writer *writer)
{
    struct od_memory *memory = writer->memory;
    if (memory == NULL)
        return;
    od_batch_builder_release(&writer->rows);
    od_batch_builder_release(&writer->parted);
    od_give(memory, writer->row_partitions, writer->partitions_capacity * sizeof(*writer->row_partitions));
    od_give(memory, writer->row_order, writer->order_capacity * sizeof(*writer->row_order));
    od_give(memory, writer->hashes, writer->hashes_capacity * sizeof(*writer->hashes));
    od_give(memory, writer->partition_starts,
            ((size_t)writer->options.partition_count + 1) * sizeof(uint32_t));
    od_give(memory, writer->entries, writer->entry_capacity * sizeof(*writer->entries));
    od_buffer_release(&writer->bytes);
    *writer = (struct od_partition_writer){0};
}

/* What zstd at level 1 takes for a byte, there and back, on the slowest machine we care about: 0.39 GB/s in, 1.28 out. Constants,
 * not clocks: what is written must not depend on how busy a machine is. */
#define CODEC_PICOSECONDS_PER_BYTE UINT64_C(3350)
#define STORED_IN_A_ROW            31

static enum od_codec choose_codec(struct od_partition_writer *writer)
{
    if (writer->options.codec == OD_CODEC_STORED || writer->stored_left == 0)
        return writer->options.codec;
    writer->stored_left--;
    return OD_CODEC_STORED;
}

static void judge_codec(struct od_partition_writer *writer, enum od_codec wanted, const struct od_block_info *info)
{
    uint64_t link = writer->options.link_bytes_per_s;
    if (link == 0 || wanted == OD_CODEC_STORED)
        return;
    double saved_ps = (double)(info->raw_bytes - info->total_bytes) * 1e12 / (double)link;
    if (saved_ps < (double)(info->raw_bytes * CODEC_PICOSECONDS_PER_BYTE))
        writer->stored_left = STORED_IN_A_ROW;
}

static enum od_status write_block(struct od_partition_writer *writer, struct od_batch_builder *builder,
                                  uint32_t partition, struct od_error *error)
{
    if (!od_grow(writer->memory, &writer->entries, &writer->entry_capacity, writer->entry_count + 1,
                 sizeof(*writer->entries)))
        return od_fail(error, OD_NO_MEMORY, "writing a shuffle output: blocks=%u", writer->entry_count);
    struct od_batch batch = od_batch_builder_view(builder);
    struct od_block_id id = writer->options.id;
    id.partition = partition;
    struct od_block_info info;
    uint64_t offset = writer->bytes.size;
    enum od_codec wanted = choose_codec(writer);
    OD_TRY(od_block_encode(writer->codec, &batch, &id, wanted, &writer->bytes, &info, error));
    judge_codec(writer, wanted, &info);
    writer->entries[writer->entry_count++] = (struct od_block_entry){.partition = partition,
                                                                     .row_count = info.row_count,
                                                                     .size = (uint32_t)info.total_bytes,
                                                                     .offset = offset,
                                                                     .row_checksum = info.row_checksum};
    return OD_OK;
}

/* Where each partition begins among `count` things, in partition_starts; the first one's partition is at `partitions`, the others'
 * follow every `stride` bytes. A counting sort then takes places from there, which moves each start to its end. */
static uint32_t *count_partitions(struct od_partition_writer *writer, const void *partitions, size_t stride,
                                  uint32_t count)
{
    uint32_t *starts = writer->partition_starts;
    memset(starts, 0, ((size_t)writer->options.partition_count + 1) * sizeof(*starts));
    for (uint32_t i = 0; i < count; i++)
        starts[*(const uint32_t *)((const uint8_t *)partitions + i * stride) + 1]++;
    for (uint32_t p = 0; p < writer->options.partition_count; p++)
        starts[p + 1] += starts[p];
    return starts;
}

static enum od_status flush_parted(struct od_partition_writer *writer, struct od_error *error)
{
    struct od_batch gathered = od_batch_builder_view(&writer->rows);
    uint32_t *starts =
        count_partitions(writer, writer->row_partitions, sizeof(*writer->row_partitions), gathered.row_count);
    for (uint32_t i = 0; i < gathered.row_count; i++)
        writer->row_order[starts[writer->row_partitions[i]]++] = i;
    for (uint32_t p = 0, first = 0; p < writer->options.partition_count; first = starts[p], p++) {
        uint32_t count = starts[p] - first;
        if (count == 0)
            continue;
        od_batch_builder_reset(&writer->parted);
        OD_TRY(od_batch_builder_append_rows(&writer->parted, &gathered, writer->row_order + first, 0, count,
                                            error));
        OD_TRY(write_block(writer, &writer->parted, p, error));
    }
    return OD_OK;
}

static enum od_status flush(struct od_partition_writer *writer, struct od_error *error)
{
    if (writer->rows.row_count == 0)
        return OD_OK;
    enum od_status status = writer->options.partition_count == 1
                                ? write_block(writer, &writer->rows, writer->options.id.partition, error)
                                : flush_parted(writer, error);
    od_batch_builder_reset(&writer->rows);
    return status;
}

static bool flush_is_due(struct od_partition_writer *writer)
{
    if (writer->rows.row_count >= writer->options.block_rows)
        return true;
    for (uint32_t i = 0; i < writer->options.schema->field_count; i++) {
        const struct od_column_builder *column = &writer->rows.columns[i];
        if (column->type == OD_TYPE_TEXT && column->row_count != 0 &&
            (uint32_t)column->offsets[column->row_count] >= FLUSH_BYTES)
            return true;
    }
    return false;
}

/* partitions[i]: of row i of the batch. */
static void part_rows(const struct od_partition_writer *writer, const struct od_batch *batch,
                      uint32_t *partitions)
{
    const struct od_partition_writer_options *options = &writer->options;
    uint32_t count = options->partition_count;
    if (options->key_count == 0) {
        for (uint32_t i = 0; i < batch->row_count; i++)
            partitions[i] = (uint32_t)((options->id.task + writer->row_count + i) % count);
        return;
    }
    od_batch_hash_keys(batch, options->keys, options->key_count, writer->hashes);
    for (uint32_t i = 0; i < batch->row_count; i++)
        partitions[i] = od_partition_of(writer->hashes[i] & ~options->hash_bits_off, count);
}

enum od_status od_partition_writer_append(struct od_partition_writer *writer, const struct od_batch *batch,
                                          struct od_error *error)
{
    writer->row_checksum = od_hash128_add(writer->row_checksum, od_batch_checksum(batch));
    if (writer->options.partition_count > 1) {
        uint32_t first = writer->rows.row_count;
        uint32_t needed = first + batch->row_count;
        struct od_memory *memory = writer->memory;
        if (!od_grow(memory, &writer->row_partitions, &writer->partitions_capacity, needed,
                     sizeof(uint32_t)) ||
            !od_grow(memory, &writer->row_order, &writer->order_capacity, needed, sizeof(uint32_t)) ||
            !od_grow(memory, &writer->hashes, &writer->hashes_capacity, batch->row_count, sizeof(uint64_t)))
            return od_fail(error, OD_NO_MEMORY, "parting rows: rows=%u", needed);
        part_rows(writer, batch, writer->row_partitions + first);
    }
    writer->row_count += batch->row_count;
    enum od_status status =
        od_batch_builder_append_rows(&writer->rows, batch, NULL, 0, batch->row_count, error);
    if (status == OD_OK && flush_is_due(writer))
        status = flush(writer, error);
    return status;
}

/* Stable, and nearly sorted input is the rule (one flush): insertion sort of runs would be quadratic for many flushes, so a
 * counting pass places entries by partition. */
static enum od_status order_entries(struct od_partition_writer *writer, struct od_error *error)
{
    bool is_ordered = true;
    for (uint32_t i = 1; i < writer->entry_count; i++)
        is_ordered = is_ordered && writer->entries[i - 1].partition <= writer->entries[i].partition;
    if (is_ordered)
        return OD_OK;
    struct od_block_entry *ordered = od_take_array(writer->memory, writer->entry_capacity, sizeof(*ordered));
    if (ordered == NULL)
        return od_fail(error, OD_NO_MEMORY, "ordering a shuffle index: blocks=%u", writer->entry_count);
    uint32_t *starts =
        count_partitions(writer, &writer->entries->partition, sizeof(*ordered), writer->entry_count);
    for (uint32_t i = 0; i < writer->entry_count; i++)
        ordered[starts[writer->entries[i].partition]++] = writer->entries[i];
    od_give(writer->memory, writer->entries, writer->entry_capacity * sizeof(*writer->entries));
    writer->entries = ordered;
    return OD_OK;
}

enum od_status od_partition_writer_finish(struct od_partition_writer *writer, struct od_error *error)
{
    OD_TRY(flush(writer, error));
    return order_entries(writer, error);
}
