/* partition_writer_test: parting loses, doubles and mixes no row.
 *
 * Method: random rows are appended in batches of random size; blocks are decoded again and compared with the rows by
 * multiset checksum (H1), each row is in the partition of its key and equal keys meet (H2), entries are ordered and cover the
 * bytes without gap or overlap. Small block_rows make many flushes. Done twice, bytes are equal. Each allocation refused once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/shuffle/partition_writer.h"
#include "engine/core/sweep.h"
#include "engine/world/posix.h"

static struct od_field fields[] = {{"key", OD_TYPE_INT64, true}, {"text", OD_TYPE_TEXT, true}};
static const struct od_schema schema = {2, fields};
static const uint32_t keys[] = {0};

static void append_row(struct od_batch_builder *builder, uint64_t key)
{
    static const char text[] = "abcdefghij";
    struct od_value key_value = {.type = OD_TYPE_INT64, .is_null = key == 0, .int64 = (int64_t)key};
    struct od_value text_value = {.type = OD_TYPE_TEXT, .is_null = key % 5 == 0};
    text_value.text.bytes = text;
    text_value.text.size = key % 10;
    if (key_value.is_null)
        key_value.int64 = 0;
    assert_int_equal(od_batch_builder_append(builder, 0, &key_value, NULL), OD_OK);
    assert_int_equal(od_batch_builder_append(builder, 1, &text_value, NULL), OD_OK);
    od_batch_builder_end_row(builder);
}

static struct od_partition_writer_options options_for(uint32_t partition_count, uint32_t block_rows)
{
    return (struct od_partition_writer_options){.schema = &schema,
                                                .partition_count = partition_count,
                                                .key_count = partition_count == 1 ? 0 : 1,
                                                .keys = keys,
                                                .block_rows = block_rows};
}

/* Appends row_count rows in batches of at most 13. Returns the first failure. */
static enum od_status write_rows(struct od_partition_writer *writer, uint32_t row_count)
{
    struct od_stream stream;
    od_stream_init(&stream, 7, "rows");
    struct od_batch_builder builder;
    assert_int_equal(od_batch_builder_init(&builder, od_posix_memory(), &schema, NULL), OD_OK);
    enum od_status status = OD_OK;
    for (uint32_t done = 0; done < row_count && status == OD_OK;) {
        uint32_t count = 1 + (uint32_t)od_random_below(&stream.random, 13);
        od_batch_builder_reset(&builder);
        for (; count > 0 && done < row_count; count--, done++)
            append_row(&builder, od_random_below(&stream.random, 30));
        struct od_batch batch = od_batch_builder_view(&builder);
        status = od_partition_writer_append(writer, &batch, NULL);
    }
    od_batch_builder_release(&builder);
    if (status == OD_OK)
        status = od_partition_writer_finish(writer, NULL);
    return status;
}

static void check_blocks(struct od_block_codec *codec, const struct od_partition_writer *writer,
                         uint32_t partition_count)
{
    struct od_arena arena;
    od_arena_init(&arena, od_posix_memory(), 0);
    struct od_hash128 checksum = {0};
    uint64_t row_count = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < writer->entry_count; i++) {
        const struct od_block_entry *entry = &writer->entries[i];
        assert_true(i == 0 || entry[-1].partition < entry->partition ||
                    (entry[-1].partition == entry->partition && entry[-1].offset < entry->offset));
        struct od_block_id id = {.partition = entry->partition};
        struct od_batch batch;
        struct od_block_info info;
        assert_true(entry->offset + entry->size <= writer->bytes.size);
        assert_int_equal(od_block_decode(codec, writer->bytes.bytes + entry->offset, entry->size, &schema,
                                         &id, &arena, &batch, &info, NULL),
                         OD_OK);
        assert_int_equal(batch.row_count, entry->row_count);
        assert_true(batch.row_count > 0);
        uint64_t hashes[4096];
        assert_true(batch.row_count <= 4096);
        od_batch_hash_keys(&batch, keys, 1, hashes);
        for (uint32_t r = 0; r < batch.row_count && partition_count > 1; r++)
            assert_int_equal(od_partition_of(hashes[r], partition_count), entry->partition);
        checksum = od_hash128_add(checksum, od_batch_checksum(&batch));
        row_count += batch.row_count;
        bytes += entry->size;
    }
    assert_int_equal(row_count, writer->row_count);
    assert_int_equal(bytes, writer->bytes.size);
    assert_int_equal(checksum.low, writer->row_checksum.low);
    assert_int_equal(checksum.high, writer->row_checksum.high);
    od_arena_release(&arena);
}

static void test_rows_are_kept(void **state)
{
    (void)state;
    static const uint32_t row_counts[] = {0, 1, 5, 500};
    static const uint32_t partition_counts[] = {1, 2, 7, 100};
    static const uint32_t block_rows[] = {1, 10, 0};
    struct od_block_codec *codec = od_block_codec_new(od_posix_memory(), NULL);
    for (size_t i = 0; i < 4 * 4 * 3; i++) {
        struct od_partition_writer_options options =
            options_for(partition_counts[i / 4 % 4], block_rows[i / 16]);
        struct od_partition_writer writer;
        struct od_partition_writer again;
        assert_int_equal(od_partition_writer_init(&writer, od_posix_memory(), codec, &options, NULL), OD_OK);
        assert_int_equal(od_partition_writer_init(&again, od_posix_memory(), codec, &options, NULL), OD_OK);
        assert_int_equal(write_rows(&writer, row_counts[i % 4]), OD_OK);
        assert_int_equal(write_rows(&again, row_counts[i % 4]), OD_OK);
        assert_int_equal(writer.row_count, row_counts[i % 4]);
        assert_int_equal(writer.bytes.size, again.bytes.size);
        if (writer.bytes.size != 0)
            assert_memory_equal(writer.bytes.bytes, again.bytes.bytes, again.bytes.size);
        check_blocks(codec, &writer, options.partition_count);
        od_partition_writer_release(&writer);
        od_partition_writer_release(&again);
    }
    od_block_codec_free(codec);
}

/* Row i of task t lies in partition (t + i) mod 7, across batches and flushes; each partition's rows keep their order. */
static void test_rows_are_dealt_out_in_turn(void **state)
{
    (void)state;
    struct od_block_codec *codec = od_block_codec_new(od_posix_memory(), NULL);
    struct od_partition_writer_options options = options_for(7, 20);
    struct od_partition_writer writer;
    struct od_batch_builder rows;
    options.key_count = 0;
    options.id.task = 5;
    assert_int_equal(od_partition_writer_init(&writer, od_posix_memory(), codec, &options, NULL), OD_OK);
    assert_int_equal(od_batch_builder_init(&rows, od_posix_memory(), &schema, NULL), OD_OK);
    for (uint64_t i = 0; i < 100; i++) {
        append_row(&rows, 1 + i);
        struct od_batch batch = od_batch_builder_view(&rows);
        if (i % 9 == 3 || i == 99) {
            assert_int_equal(od_partition_writer_append(&writer, &batch, NULL), OD_OK);
            od_batch_builder_reset(&rows);
        }
    }
    assert_int_equal(od_partition_writer_finish(&writer, NULL), OD_OK);
    struct od_arena arena;
    od_arena_init(&arena, od_posix_memory(), 0);
    uint32_t dealt[7] = {0}; /* rows seen */
    for (uint32_t i = 0; i < writer.entry_count; i++) {
        const struct od_block_entry *entry = &writer.entries[i];
        struct od_block_id id = {.task = 5, .partition = entry->partition};
        struct od_batch batch;
        struct od_block_info info;
        assert_int_equal(od_block_decode(codec, writer.bytes.bytes + entry->offset, entry->size, &schema, &id,
                                         &arena, &batch, &info, NULL),
                         OD_OK);
        for (uint32_t r = 0; r < batch.row_count; r++) {
            uint32_t first = (entry->partition + 7 - 5) % 7; /* the first row that comes here */
            assert_int_equal(od_column_value(&batch.columns[0], r).int64,
                             1 + first + 7 * dealt[entry->partition]++);
        }
    }
    for (uint32_t p = 0, sum = 0; p < 7; p++) {
        assert_in_range(dealt[p], 14, 15);
        sum += dealt[p];
        assert_true(p < 6 || sum == 100);
    }
    od_arena_release(&arena);
    od_batch_builder_release(&rows);
    od_partition_writer_release(&writer);
    od_block_codec_free(codec);
}

/* Rows that shrink well: on a slow link all blocks are compressed, on one that is faster than zstd one in a while. */
static void test_compression_must_pay(void **state)
{
    (void)state;
    static const struct {
        uint64_t link_bytes_per_s;
        uint32_t compressed_least, compressed_most; /* of 40 blocks */
    } cases[] = {{0, 40, 40}, {1000000, 40, 40}, {UINT64_C(100000000000), 2, 2}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct od_block_codec *codec = od_block_codec_new(od_posix_memory(), NULL);
        struct od_partition_writer_options options = options_for(1, 1000);
        struct od_partition_writer writer;
        uint32_t compressed = 0;
        options.codec = OD_CODEC_ZSTD;
        options.link_bytes_per_s = cases[i].link_bytes_per_s;
        assert_int_equal(od_partition_writer_init(&writer, od_posix_memory(), codec, &options, NULL), OD_OK);
        assert_int_equal(write_rows(&writer, 40 * 1000), OD_OK);
        assert_in_range(writer.entry_count, 35, 45);
        for (uint32_t b = 0; b < writer.entry_count; b++) {
            struct od_block_info info;
            const struct od_block_entry *entry = &writer.entries[b];
            assert_int_equal(od_block_peek(writer.bytes.bytes + entry->offset, entry->size, &info, NULL), OD_OK);
            assert_true(info.codec == OD_CODEC_STORED ? info.raw_bytes == info.total_bytes
                                                      : info.raw_bytes > info.total_bytes);
            compressed += info.codec == OD_CODEC_ZSTD;
        }
        if (cases[i].compressed_least == 40)
            assert_int_equal(compressed, writer.entry_count);
        else
            assert_in_range(compressed, cases[i].compressed_least, cases[i].compressed_most);
        od_partition_writer_release(&writer);
        od_block_codec_free(codec);
    }
}

static void test_each_allocation_refused(void **state)
{
    (void)state;
    struct od_partition_writer_options options = options_for(3, 20);
    enum od_status status = OD_NO_MEMORY;
    uint64_t k = 0;
    for (; status != OD_OK; k++) {
        struct od_countdown countdown;
        od_countdown_init(&countdown, od_posix_memory(), k, false);
        struct od_block_codec *codec = od_block_codec_new(&countdown.memory, NULL);
        struct od_partition_writer writer = {0};
        status = codec == NULL ? OD_NO_MEMORY : OD_OK;
        if (status == OD_OK)
            status = od_partition_writer_init(&writer, &countdown.memory, codec, &options, NULL);
        if (status == OD_OK)
            status = write_rows(&writer, 70);
        od_partition_writer_release(&writer);
        od_block_codec_free(codec);
        assert_true(status == OD_OK || status == OD_NO_MEMORY);
        assert_int_equal(status == OD_NO_MEMORY, countdown.refused_count == 1);
        assert_int_equal(countdown.live_block_count, 0);
        assert_true(k < 1000);
    }
    assert_true(k > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_kept),
        cmocka_unit_test(test_rows_are_dealt_out_in_turn),
        cmocka_unit_test(test_compression_must_pay),
        cmocka_unit_test(test_each_allocation_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
