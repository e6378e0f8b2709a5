/* Goal: a table comes back from its image to the bit, without a copy; other bytes are CORRUPT, whatever their checksums say.
 * Method: drawn tables of every type and many sizes; every bit of a small image flipped, every cut; lies whose checksums are made
 * to fit; every allocation refused once. */
#include "engine/io/table_image.h"

#include <stdlib.h>

#include "engine/core/sweep.h"
#include "engine/data/decimal.h"
#include "engine/io/io_fixture.h"

/* In memory that is aligned as a mapping is; free() it. */
static uint8_t *image_of(const struct od_table *table, size_t *size_out, struct od_hash128 *checksum_out)
{
    struct od_arena arena;
    struct od_table_image image;
    od_arena_init(&arena, od_heap_for_tests(), 0);
    assert_int_equal(od_table_image_make(table, &arena, &image, NULL), OD_OK);
    uint8_t *bytes = aligned_alloc(OD_TABLE_IMAGE_ALIGN,
                                   (image.total_bytes + OD_TABLE_IMAGE_ALIGN - 1) & ~(size_t)(OD_TABLE_IMAGE_ALIGN - 1));
    *size_out = 0;
    for (uint32_t i = 0; i < image.part_count; i++) {
        memcpy(bytes + *size_out, image.parts[i].bytes, image.parts[i].size);
        *size_out += image.parts[i].size;
    }
    assert_int_equal(*size_out, image.total_bytes);
    *checksum_out = image.checksum;
    od_arena_release(&arena);
    return bytes;
}

static struct od_table *drawn_rows(uint64_t seed, uint32_t row_count)
{
    struct od_stream stream;
    od_stream_init(&stream, seed, "image");
    struct od_table *table =
        od_table_new(od_heap_for_tests(), "drawn", &(struct od_schema){DRAWN_FIELDS, drawn_fields}, NULL);
    for (uint32_t row = 0; row < row_count; row++) {
        for (uint32_t i = 0; i < DRAWN_FIELDS; i++) {
            struct od_value value = drawn_value(&stream.random, drawn_fields[i].type);
            assert_int_equal(od_batch_builder_append(&table->rows, i, &value, NULL), OD_OK);
        }
        od_batch_builder_end_row(&table->rows);
    }
    od_table_finish(table);
    return table;
}

static void tables_come_back(void **state)
{
    static const uint32_t row_counts[] = {0, 1, 7, 8, 9, 64, 65, 1000};
    (void)state;
    for (size_t i = 0; i < sizeof(row_counts) / sizeof(row_counts[0]); i++) {
        struct od_table *table = drawn_rows(i, row_counts[i]);
        struct od_table *back;
        struct od_hash128 checksum;
        struct od_hash128 again;
        struct od_buffer texts[2];
        size_t size;
        size_t size_again;
        uint8_t *bytes = image_of(table, &size, &checksum);
        assert_int_equal(od_table_image_open(od_heap_for_tests(), bytes, size, &checksum, &back, NULL), OD_OK);
        for (uint32_t t = 0; t < 2; t++)
            od_buffer_init(&texts[t], od_heap_for_tests());
        assert_string_equal(described(back, &texts[0]), described(table, &texts[1]));
        assert_string_equal(back->name, "drawn");
        assert_true(row_counts[i] == 0 || (uint8_t *)od_table_view(back).columns[1].values > bytes);
        uint8_t *bytes_again = image_of(back, &size_again, &again);
        assert_int_equal(size, size_again);
        assert_memory_equal(bytes, bytes_again, size);
        assert_true(od_hash128_equal(checksum, again));
        checksum.low++;
        od_table_free(od_heap_for_tests(), back);
        assert_int_equal(od_table_image_open(od_heap_for_tests(), bytes, size, &checksum, &back, NULL), OD_CORRUPT);
        for (uint32_t t = 0; t < 2; t++)
            od_buffer_release(&texts[t]);
        free(bytes_again);
        free(bytes);
        od_table_free(od_heap_for_tests(), table);
    }
}

static void damage_is_found(void **state)
{
    (void)state;
    struct od_table *table = drawn_rows(3, 9);
    struct od_table *back;
    struct od_hash128 checksum;
    size_t size;
    uint8_t *bytes = image_of(table, &size, &checksum);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(od_table_image_open(od_heap_for_tests(), bytes, size, NULL, &back, NULL), OD_CORRUPT);
        assert_null(back);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(od_table_image_open(od_heap_for_tests(), bytes, cut, NULL, &back, NULL), OD_CORRUPT);
    free(bytes);
    od_table_free(od_heap_for_tests(), table);
}

/* --- lies: a table's own buffers are changed before its image is made, so that all checksums fit -------- */

enum lie { SPARE_BIT, SPARE_NULL, NULL_HOLDS, FALLS, HALF_CHARACTER, NO_UTF8, NUMERIC, NULL_TEXT, NULL_TRUE, LIES };

static void tell(enum lie lie, struct od_table *table)
{
    struct od_column *columns = table->rows.views;
    uint8_t *bits = (uint8_t *)columns[0].values;
    int32_t *offsets = (int32_t *)columns[2].offsets;
    switch (lie) {
    case SPARE_BIT:
        bits[0] |= 0x80;
        break;
    case SPARE_NULL:
        ((uint8_t *)columns[0].validity)[0] |= 0x80;
        break;
    case NULL_TRUE:
        bits[0] |= 1;
        break;
    case NULL_HOLDS:
        ((int64_t *)columns[1].values)[0] = 1;
        break;
    case FALLS:
        offsets[1] = 3;
        break;
    case NULL_TEXT:
        offsets[1] = 1;
        break;
    case HALF_CHARACTER:
        offsets[2] = 2;
        break;
    case NO_UTF8:
        ((uint8_t *)columns[2].bytes)[1] = 'x';
        break;
    case NUMERIC:
        ((struct od_decimal *)columns[3].values)[1].scale = 77;
        break;
    case LIES:
        break;
    }
}

static void lies_with_checksums_are_found(void **state)
{
    static struct od_field fields[] = {{"b", OD_TYPE_BOOLEAN, true},
                                       {"i", OD_TYPE_INT64, true},
                                       {"t", OD_TYPE_TEXT, true},
                                       {"n", OD_TYPE_DECIMAL, true}};
    (void)state;
    for (enum lie lie = 0; lie <= LIES; lie++) {
        struct od_table *table = od_table_new(od_heap_for_tests(), "t", &(struct od_schema){4, fields}, NULL);
        struct od_table *back;
        struct od_hash128 checksum;
        size_t size;
        for (uint32_t row = 0; row < 3; row++) { /* NULL first; texts: none, one of three bytes, none */
            const struct od_value values[] = {
                {.type = OD_TYPE_BOOLEAN, .is_null = row == 0},
                {.type = OD_TYPE_INT64, .is_null = row == 0, .int64 = 5},
                {.type = OD_TYPE_TEXT, .is_null = row == 0, .text = {"\xe2\x82\xac", row == 1 ? 3 : 0}},
                {.type = OD_TYPE_DECIMAL, .decimal = od_decimal_make(15, 1)}};
            for (uint32_t i = 0; i < 4; i++)
                assert_int_equal(od_batch_builder_append(&table->rows, i, &values[i], NULL), OD_OK);
            od_batch_builder_end_row(&table->rows);
        }
        od_table_finish(table);
        tell(lie, table);
        uint8_t *bytes = image_of(table, &size, &checksum);
        enum od_status status = od_table_image_open(od_heap_for_tests(), bytes, size, &checksum, &back, NULL);
        assert_int_equal(status, lie == LIES ? OD_OK : OD_CORRUPT);
        od_table_free(od_heap_for_tests(), back);
        od_table_free(od_heap_for_tests(), table);
        free(bytes);
    }
}

static enum od_status there_and_back(struct od_memory *memory, void *context)
{
    const struct od_table *table = context;
    struct od_arena arena;
    struct od_table_image image;
    struct od_table *back = NULL;
    struct od_hash128 checksum;
    size_t size;
    od_arena_init(&arena, memory, 64);
    enum od_status status = od_table_image_make(table, &arena, &image, NULL);
    od_arena_release(&arena);
    uint8_t *bytes = image_of(table, &size, &checksum);
    if (status == OD_OK)
        status = od_table_image_open(memory, bytes, size, NULL, &back, NULL);
    od_table_free(memory, back);
    free(bytes);
    return status;
}

static void every_allocation_may_be_refused(void **state)
{
    (void)state;
    struct od_table *table = drawn_rows(1, 5);
    assert_true(od_sweep(there_and_back, table) > 0);
    od_table_free(od_heap_for_tests(), table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_come_back),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(lies_with_checksums_are_found),
        cmocka_unit_test(every_allocation_may_be_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
