/* block_test: a block gives back the rows it was made of, and nothing else ever.
 *
 * Method: batches of every type with NULLs, empty strings, -0.0, NaN; encoded twice and compared (Z2), decoded and compared
 * by row checksum and by re-encoding (Z1); then every single bit flipped and every truncation tried, each must give CORRUPT
 * (Z3). Forged bytes (checksum repaired after damage) must never be read out of bounds: run this under sanitizers. Each
 * allocation of encode and decode is refused once. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/data/decimal.h"
#include "engine/core/sweep.h"
#include "engine/shuffle/block.h"
#include "engine/world/posix.h"

#define HEADER_BYTES  88
#define CHECKED_BYTES 80

static struct od_field fields[] = {
    {"b", OD_TYPE_BOOLEAN, true}, {"i", OD_TYPE_INT64, true},     {"f", OD_TYPE_FLOAT64, true},
    {"t", OD_TYPE_TEXT, true},    {"s", OD_TYPE_TIMESTAMP, true}, {"d", OD_TYPE_DATE, true},
    {"n", OD_TYPE_DECIMAL, true}, {"j", OD_TYPE_INT32, true},
};
static const struct od_schema schema = {8, fields};
static const struct od_block_id block_id = {1, 2, 3, 4, 5, 6};

static struct od_value random_value(struct od_random *draws, enum od_type type)
{
    static const char *const texts[] = {"", "a", "ünï", "a longer text that repeats, repeats, repeats"};
    static const double floats[] = {0.0, -0.0, 1.5, -3.25e300};
    struct od_value value = {.type = type, .is_null = od_random_chance(draws, 1, 4)};
    if (value.is_null)
        return value;
    if (type == OD_TYPE_BOOLEAN)
        value.boolean = od_random_chance(draws, 1, 2);
    else if (type == OD_TYPE_FLOAT64)
        value.float64 = od_random_chance(draws, 1, 8) ? NAN : floats[od_random_below(draws, 4)];
    else if (type == OD_TYPE_DECIMAL)
        value.decimal = od_decimal_make((int64_t)od_random_below(draws, 1000) - 500, (uint32_t)od_random_below(draws, 39));
    else if (type == OD_TYPE_TEXT) {
        value.text.bytes = texts[od_random_below(draws, 4)];
        value.text.size = (uint32_t)strlen(value.text.bytes);
    } else {
        value.int64 = (int64_t)od_random_below(draws, 1000) - 500;
    }
    return value;
}

static void fill(struct od_batch_builder *builder, uint64_t seed, uint32_t row_count)
{
    struct od_stream stream;
    od_stream_init(&stream, seed, "rows");
    assert_int_equal(od_batch_builder_init(builder, od_posix_memory(), &schema, NULL), OD_OK);
    for (uint32_t r = 0; r < row_count; r++) {
        for (uint32_t c = 0; c < schema.field_count; c++) {
            struct od_value value = random_value(&stream.random, fields[c].type);
            assert_int_equal(od_batch_builder_append(builder, c, &value, NULL), OD_OK);
        }
        od_batch_builder_end_row(builder);
    }
}

static void encode(struct od_block_codec *codec, const struct od_batch *batch, enum od_codec wanted,
                   struct od_buffer *buffer, struct od_block_info *info)
{
    od_buffer_init(buffer, od_posix_memory());
    struct od_error error = {0};
    if (od_block_encode(codec, batch, &block_id, wanted, buffer, info, &error) != OD_OK)
        fail_msg("%s", error.text);
    assert_int_equal(info->total_bytes, buffer->size);
}

static void check_round_trip(uint32_t row_count, enum od_codec wanted)
{
    struct od_block_codec *codec = od_block_codec_new(od_posix_memory(), NULL);
    struct od_batch_builder builder;
    fill(&builder, row_count + 1, row_count);
    struct od_batch batch = od_batch_builder_view(&builder);
    struct od_buffer first;
    struct od_buffer again;
    struct od_block_info info;
    encode(codec, &batch, wanted, &first, &info);
    encode(codec, &batch, wanted, &again, &info);
    assert_int_equal(first.size, again.size);
    assert_memory_equal(first.bytes, again.bytes, first.size);

    struct od_arena arena;
    od_arena_init(&arena, od_posix_memory(), 0);
    struct od_batch decoded;
    struct od_block_info decoded_info;
    struct od_error error = {0};
    if (od_block_decode(codec, first.bytes, first.size, &schema, &block_id, &arena, &decoded, &decoded_info,
                        &error) != OD_OK)
        fail_msg("%s", error.text);
    assert_memory_equal(&decoded_info, &info, sizeof(info));
    struct od_hash128 checksum = od_batch_checksum(&decoded);
    assert_int_equal(checksum.low, info.row_checksum.low);
    assert_int_equal(checksum.high, info.row_checksum.high);
    od_buffer_release(&again);
    encode(codec, &decoded, wanted, &again, &info);
    assert_int_equal(first.size, again.size);
    assert_memory_equal(first.bytes, again.bytes, first.size);
    od_buffer_release(&first);
    od_buffer_release(&again);
    od_arena_release(&arena);
    od_batch_builder_release(&builder);
    od_block_codec_free(codec);
}

static void test_round_trip(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 1, 2, 7, 8, 9, 64, 200, 1000, 40000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        check_round_trip(counts[i], OD_CODEC_STORED);
        check_round_trip(counts[i], OD_CODEC_ZSTD);
    }
}

static void test_compression_pays(void **state)
{
    (void)state;
    struct od_block_codec *codec = od_block_codec_new(od_posix_memory(), NULL);
    struct od_batch_builder builder;
    fill(&builder, 1, 1000);
    struct od_batch batch = od_batch_builder_view(&builder);
    struct od_buffer stored;
    struct od_buffer compressed;
    struct od_block_info info;
    encode(codec, &batch, OD_CODEC_STORED, &stored, &info);
    assert_int_equal(info.codec, OD_CODEC_STORED);
    encode(codec, &batch, OD_CODEC_ZSTD, &compressed, &info);
    assert_int_equal(info.codec, OD_CODEC_ZSTD);
    assert_true(compressed.size < stored.size / 2);
    od_buffer_release(&stored);
    od_buffer_release(&compressed);
    od_batch_builder_release(&builder);
    od_block_codec_free(codec);
}

/* Bytes must be CORRUPT; a copy of exact size lets a sanitizer see reads behind the end. */
static void expect_corrupt(struct od_block_codec *codec, const uint8_t *bytes, size_t size, const char *what,
                           size_t at)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, bytes, size);
    struct od_arena arena;
    od_arena_init(&arena, od_posix_memory(), 0);
    struct od_batch batch;
    struct od_block_info info;
    enum od_status status =
        od_block_decode(codec, copy, size, &schema, &block_id, &arena, &batch, &info, NULL);
    if (status != OD_CORRUPT)
        fail_msg("%s %zu: status %s", what, at, od_status_text(status));
    od_arena_release(&arena);
    free(copy);
}

static void check_damage(enum od_codec wanted, uint32_t row_count)
{
    struct od_block_codec *codec = od_block_codec_new(od_posix_memory(), NULL);
    struct od_batch_builder builder;
    fill(&builder, 3, row_count);
    struct od_batch batch = od_batch_builder_view(&builder);
    struct od_buffer block;
    struct od_block_info info;
    encode(codec, &batch, wanted, &block, &info);
    assert_int_equal(info.codec, wanted);
    for (size_t bit = 0; bit < block.size * 8; bit++) {
        block.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        expect_corrupt(codec, block.bytes, block.size, "bit", bit);
        block.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t size = 0; size < block.size; size++)
        expect_corrupt(codec, block.bytes, size, "cut to", size);
    od_buffer_release(&block);
    od_batch_builder_release(&builder);
    od_block_codec_free(codec);
}

static void test_every_damage_is_seen(void **state)
{
    (void)state;
    check_damage(OD_CODEC_STORED, 5);
    check_damage(OD_CODEC_ZSTD, 60);
}

static void repair_checksum(uint8_t *bytes, size_t size)
{
    uint64_t checksum =
        od_hash_bytes(bytes + HEADER_BYTES, size - HEADER_BYTES, od_hash_bytes(bytes, CHECKED_BYTES, 0));
    memcpy(bytes + CHECKED_BYTES, &checksum, sizeof(checksum));
}

/* With a right checksum, damage may pass; then the rows must at least be readable. */
static void test_forged_blocks_stay_in_bounds(void **state)
{
    (void)state;
    struct od_block_codec *codec = od_block_codec_new(od_posix_memory(), NULL);
    struct od_batch_builder builder;
    fill(&builder, 3, 5);
    struct od_batch batch = od_batch_builder_view(&builder);
    struct od_buffer block;
    struct od_block_info info;
    encode(codec, &batch, OD_CODEC_STORED, &block, &info);
    uint32_t refused = 0;
    for (size_t bit = 0; bit < block.size * 8; bit++) {
        uint8_t *copy = malloc(block.size);
        memcpy(copy, block.bytes, block.size);
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        repair_checksum(copy, block.size);
        struct od_arena arena;
        od_arena_init(&arena, od_posix_memory(), 0);
        struct od_batch decoded;
        enum od_status status =
            od_block_decode(codec, copy, block.size, &schema, NULL, &arena, &decoded, &info, NULL);
        assert_true(status == OD_OK || status == OD_CORRUPT);
        refused += status == OD_CORRUPT;
        if (status == OD_OK)
            od_batch_checksum(&decoded); /* reads every value */
        for (uint32_t row = 0; status == OD_OK && row < decoded.row_count; row++)
            assert_true(od_decimal_is_sound((const struct od_decimal *)decoded.columns[6].values + row));
        od_arena_release(&arena);
        free(copy);
    }
    assert_true(refused > 0);
    od_buffer_release(&block);
    od_batch_builder_release(&builder);
    od_block_codec_free(codec);
}

static void test_identity_and_schema(void **state)
{
    (void)state;
    struct od_block_codec *codec = od_block_codec_new(od_posix_memory(), NULL);
    struct od_batch_builder builder;
    fill(&builder, 3, 5);
    struct od_batch batch = od_batch_builder_view(&builder);
    struct od_buffer block;
    struct od_block_info info;
    encode(codec, &batch, OD_CODEC_STORED, &block, &info);
    struct od_arena arena;
    od_arena_init(&arena, od_posix_memory(), 0);
    for (size_t field = 0; field < 6; field++) {
        struct od_block_id other = block_id;
        ((uint32_t *)&other)[field]++;
        assert_int_equal(
            od_block_decode(codec, block.bytes, block.size, &schema, &other, &arena, &batch, &info, NULL),
            OD_CORRUPT);
    }
    struct od_schema shorter = {5, fields};
    assert_int_equal(
        od_block_decode(codec, block.bytes, block.size, &shorter, &block_id, &arena, &batch, &info, NULL),
        OD_CORRUPT);
    assert_int_equal(od_block_peek(block.bytes, block.size, &info, NULL), OD_OK);
    assert_int_equal(info.id.partition, 6);
    assert_int_equal(info.row_count, 5);
    assert_int_equal(od_block_peek(block.bytes, HEADER_BYTES - 1, &info, NULL), OD_CORRUPT);
    od_arena_release(&arena);
    od_buffer_release(&block);
    od_batch_builder_release(&builder);
    od_block_codec_free(codec);
}

/* One pass over encode and decode in `memory`; OK or NO_MEMORY. */
static enum od_status sweep_body(struct od_memory *memory, const struct od_batch *batch)
{
    struct od_buffer buffer;
    struct od_arena arena;
    struct od_block_info info;
    struct od_batch decoded;
    od_buffer_init(&buffer, memory);
    od_arena_init(&arena, memory, 256);
    struct od_block_codec *codec = od_block_codec_new(memory, NULL);
    enum od_status status = codec == NULL ? OD_NO_MEMORY : OD_OK;
    if (status == OD_OK)
        status = od_block_encode(codec, batch, &block_id, OD_CODEC_ZSTD, &buffer, &info, NULL);
    if (status == OD_OK)
        status = od_block_decode(codec, buffer.bytes, buffer.size, &schema, &block_id, &arena, &decoded,
                                 &info, NULL);
    od_block_codec_free(codec);
    od_arena_release(&arena);
    od_buffer_release(&buffer);
    return status;
}

static void test_each_allocation_refused(void **state)
{
    (void)state;
    struct od_batch_builder builder;
    fill(&builder, 3, 100);
    struct od_batch batch = od_batch_builder_view(&builder);
    enum od_status status = OD_NO_MEMORY;
    uint64_t k = 0;
    for (; status != OD_OK; k++) {
        struct od_countdown countdown;
        od_countdown_init(&countdown, od_posix_memory(), k, false);
        status = sweep_body(&countdown.memory, &batch);
        assert_true(status == OD_NO_MEMORY || status == OD_OK);
        assert_int_equal(status == OD_NO_MEMORY, countdown.refused_count == 1);
        assert_int_equal(countdown.live_block_count, 0);
        assert_true(k < 1000);
    }
    assert_true(k > 5);
    od_batch_builder_release(&builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),           cmocka_unit_test(test_compression_pays),
        cmocka_unit_test(test_every_damage_is_seen), cmocka_unit_test(test_forged_blocks_stay_in_bounds),
        cmocka_unit_test(test_identity_and_schema),  cmocka_unit_test(test_each_allocation_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
