/* Goal: rows come out of builders, slices and gathers as they went in, byte for byte canonical; hashes and
 * checksums tell apart what they must and nothing else.
 * Method: drawn batches of all types with NULLs are copied by each path and compared value by value with the
 * source; equal content built by different paths must have equal bytes; every allocation is refused once. */
#include "engine/data/batch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/random.h"
#include "engine/core/sweep.h"
#include "engine/data/bitmap.h"
#include "engine/world/posix.h"

static struct od_field all_fields[] = {
    {"boolean", OD_TYPE_BOOLEAN, true},     {"int64", OD_TYPE_INT64, true},
    {"float64", OD_TYPE_FLOAT64, true},     {"text", OD_TYPE_TEXT, true},
    {"timestamp", OD_TYPE_TIMESTAMP, true}, {"date", OD_TYPE_DATE, true},
    {"int32", OD_TYPE_INT32, true},         {"decimal", OD_TYPE_DECIMAL, true},
    {"interval", OD_TYPE_INTERVAL, true},
};
static const struct od_schema all_types = {9, all_fields};
static const struct od_schema first_types = {6, all_fields};

static struct od_value drawn_value(struct od_random *draws, enum od_type type, uint32_t null_part)
{
    struct od_value value = {.type = type};
    if (od_random_chance(draws, null_part, 100)) {
        value.is_null = true;
        return value;
    }
    switch (type) {
    case OD_TYPE_BOOLEAN:
        value.boolean = od_random_below(draws, 2);
        break;
    case OD_TYPE_FLOAT64:
        value.float64 = (double)od_random_between(draws, -1000, 1000) / 8;
        break;
    case OD_TYPE_TEXT:
        value.text.size = (uint32_t)od_random_below(draws, 12);
        value.text.bytes = &"abcdefghijkl"[12 - value.text.size];
        break;
    case OD_TYPE_DECIMAL:
        value.decimal.scale =
            (uint32_t)od_random_below(draws, 5); /* one draw a statement: arguments have no order */
        value.decimal = od_decimal_make(od_random_between(draws, -100000, 100000), value.decimal.scale);
        break;
    case OD_TYPE_INTERVAL:
        value.interval = (struct od_interval){(int32_t)od_random_below(draws, 9), -3, 7};
        break;
    default:
        value.int64 = od_random_between(draws, -1000, 1000);
        break;
    }
    return value;
}

static enum od_status append_drawn(struct od_batch_builder *builder, uint64_t seed, uint32_t row_count,
                                   uint32_t null_part)
{
    struct od_stream stream;
    od_stream_init(&stream, seed, "batch");
    for (uint32_t row = 0; row < row_count; row++) {
        for (uint32_t i = 0; i < builder->schema->field_count; i++) {
            struct od_value value = drawn_value(&stream.random, builder->schema->fields[i].type, null_part);
            enum od_status status = od_batch_builder_append(builder, i, &value, NULL);
            if (status != OD_OK)
                return status;
        }
        od_batch_builder_end_row(builder);
    }
    return OD_OK;
}

static void start(struct od_batch_builder *builder, const struct od_schema *schema)
{
    assert_int_equal(od_batch_builder_init(builder, od_posix_memory(), schema, NULL), OD_OK);
}

static void assert_rows_equal(const struct od_batch *left, uint32_t left_row, const struct od_batch *right,
                              uint32_t right_row)
{
    for (uint32_t i = 0; i < left->schema->field_count; i++) {
        struct od_value a = od_column_value(&left->columns[i], left_row);
        struct od_value b = od_column_value(&right->columns[i], right_row);
        assert_int_equal(od_value_compare_total(&a, &b), 0);
    }
}

/* Not only equal values: equal bytes, also behind the last bit. */
static void assert_bytes_equal(const struct od_batch *left, const struct od_batch *right)
{
    assert_int_equal(left->row_count, right->row_count);
    uint32_t rows = left->row_count;
    for (uint32_t i = 0; i < left->schema->field_count; i++) {
        const struct od_column *a = &left->columns[i];
        const struct od_column *b = &right->columns[i];
        assert_int_equal(a->validity == NULL, b->validity == NULL);
        if (a->validity != NULL)
            assert_memory_equal(a->validity, b->validity, od_bitmap_bytes(rows));
        if (a->type == OD_TYPE_TEXT) {
            assert_memory_equal(a->offsets, b->offsets, (rows + 1) * sizeof(int32_t));
            assert_memory_equal(a->bytes, b->bytes, (size_t)a->offsets[rows]);
        } else if (a->type == OD_TYPE_BOOLEAN) {
            assert_memory_equal(a->values, b->values, od_bitmap_bytes(rows));
        } else {
            assert_memory_equal(a->values, b->values, rows * od_type_width_bytes(a->type));
        }
    }
}

static void every_path_copies_alike(void **state)
{
    (void)state;
    static const uint32_t null_parts[] = {0, 1, 30, 100};
    for (uint32_t rows = 0; rows < 140; rows += rows < 20 ? 1 : 17) {
        for (size_t p = 0; p < 4; p++) {
            struct od_batch_builder source;
            struct od_batch_builder ranged;
            struct od_batch_builder gathered;
            uint32_t indexes[140];
            start(&source, &all_types);
            start(&ranged, &all_types);
            start(&gathered, &all_types);
            assert_int_equal(append_drawn(&source, rows, rows, null_parts[p]), OD_OK);
            struct od_batch batch = od_batch_builder_view(&source);
            for (uint32_t i = 0; i < rows; i++)
                indexes[i] = i;
            /* in pieces of odd sizes, so that bits land at all places of a byte */
            for (uint32_t first = 0, size = 1; first < rows; first += size, size = size % 13 + 1) {
                uint32_t count = size < rows - first ? size : rows - first;
                assert_int_equal(od_batch_builder_append_rows(&ranged, &batch, NULL, first, count, NULL),
                                 OD_OK);
                assert_int_equal(
                    od_batch_builder_append_rows(&gathered, &batch, indexes + first, 0, count, NULL), OD_OK);
            }
            struct od_batch by_range = od_batch_builder_view(&ranged);
            struct od_batch by_gather = od_batch_builder_view(&gathered);
            assert_bytes_equal(&batch, &by_range);
            assert_bytes_equal(&batch, &by_gather);
            struct od_hash128 left = od_batch_checksum(&batch);
            struct od_hash128 right = od_batch_checksum(&by_gather);
            assert_memory_equal(&left, &right, sizeof(left));
            od_batch_builder_release(&source);
            od_batch_builder_release(&ranged);
            od_batch_builder_release(&gathered);
        }
    }
}

static void slices_hold_their_rows(void **state)
{
    (void)state;
    struct od_batch_builder source;
    struct od_arena arena;
    start(&source, &all_types);
    od_arena_init(&arena, od_posix_memory(), 0);
    assert_int_equal(append_drawn(&source, 9, 50, 20), OD_OK);
    struct od_batch batch = od_batch_builder_view(&source);
    for (uint32_t first = 0; first <= 50; first++) {
        for (uint32_t count = 0; count <= 50 - first; count++) {
            struct od_batch slice;
            struct od_batch_builder again;
            assert_int_equal(od_batch_slice(&arena, &batch, first, count, &slice, NULL), OD_OK);
            assert_int_equal(slice.row_count, count);
            for (uint32_t i = 0; i < count; i++)
                assert_rows_equal(&slice, i, &batch, first + i);
            start(&again, &all_types);
            assert_int_equal(od_batch_builder_append_rows(&again, &batch, NULL, first, count, NULL), OD_OK);
            struct od_batch view = od_batch_builder_view(&again);
            assert_bytes_equal(&slice, &view);
            od_batch_builder_release(&again);
        }
        od_arena_reset(&arena);
    }
    od_arena_release(&arena);
    od_batch_builder_release(&source);
}

/* Sizes around the runs in which ranges and hashes are worked on. */
static void arenas_and_builders_gather_alike(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 1, 255, 256, 257, 512, 600};
    struct od_batch_builder source;
    struct od_arena arena;
    uint32_t rows[600];
    start(&source, &all_types);
    od_arena_init(&arena, od_posix_memory(), 0);
    assert_int_equal(append_drawn(&source, 11, 700, 20), OD_OK);
    struct od_batch batch = od_batch_builder_view(&source);
    for (uint32_t i = 0; i < 600; i++)
        rows[i] = i % 7 == 3 ? OD_ROW_NULL : i * 13 % 700;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct od_batch_builder built;
        struct od_batch parts[2];
        start(&built, &all_types);
        assert_int_equal(od_batch_gather(&batch, rows, counts[i], &arena, &parts[0], NULL), OD_OK);
        assert_int_equal(od_batch_builder_append_rows(&built, &batch, rows, 0, counts[i], NULL), OD_OK);
        struct od_batch view = od_batch_builder_view(&built);
        assert_bytes_equal(&parts[0], &view);
        od_batch_builder_reset(&built);
        assert_int_equal(od_batch_slice(&arena, &batch, 80, counts[i], &parts[1], NULL), OD_OK);
        assert_int_equal(od_batch_builder_append_rows(&built, &batch, NULL, 0, 700, NULL), OD_OK);
        assert_int_equal(od_batch_builder_keep(&built, NULL, 80, counts[i], NULL), OD_OK);
        view = od_batch_builder_view(&built);
        assert_bytes_equal(&parts[1], &view);
        od_batch_builder_release(&built);
    }
    od_arena_release(&arena);
    od_batch_builder_release(&source);
}

static void gathers_mix_rows_and_nulls(void **state)
{
    (void)state;
    static const uint32_t rows[] = {3, OD_ROW_NULL, 0, 3, 9, OD_ROW_NULL};
    struct od_batch_builder source;
    struct od_batch_builder target;
    start(&source, &all_types);
    start(&target, &all_types);
    assert_int_equal(append_drawn(&source, 4, 10, 0), OD_OK);
    struct od_batch batch = od_batch_builder_view(&source);
    for (int round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < all_types.field_count; i++)
            assert_int_equal(od_batch_builder_append_column(&target, i, &batch.columns[i], rows, 6, NULL),
                             OD_OK);
        od_batch_builder_end_rows(&target, target.row_count + 6);
    }
    struct od_batch view = od_batch_builder_view(&target);
    assert_int_equal(view.row_count, 120);
    for (uint32_t row = 0; row < 120; row++) {
        uint32_t from = rows[row % 6];
        if (from != OD_ROW_NULL)
            assert_rows_equal(&view, row, &batch, from);
        for (uint32_t i = 0; i < all_types.field_count; i++)
            assert_int_equal(od_column_is_null(&view.columns[i], row), from == OD_ROW_NULL);
    }
    od_batch_builder_release(&source);
    od_batch_builder_release(&target);
}

static void values_under_nulls_become_zero(void **state)
{
    (void)state;
    static const uint8_t validity[1] = {0x2};
    static const int64_t values[2] = {77, 88};
    static const uint32_t rows[2] = {0, 1};
    struct od_column column = {.type = OD_TYPE_INT64, .row_count = 2, .validity = validity, .values = values};
    struct od_schema schema = {1, &all_fields[1]};
    struct od_batch_builder builder;
    start(&builder, &schema);
    assert_int_equal(od_batch_builder_append_column(&builder, 0, &column, rows, 2, NULL), OD_OK);
    od_batch_builder_end_rows(&builder, 2);
    struct od_batch view = od_batch_builder_view(&builder);
    assert_int_equal(((const int64_t *)view.columns[0].values)[0], 0);
    assert_int_equal(((const int64_t *)view.columns[0].values)[1], 88);
    od_batch_builder_release(&builder);
}

static void reset_forgets_rows_and_keeps_memory(void **state)
{
    (void)state;
    struct od_countdown countdown;
    struct od_batch_builder used;
    struct od_batch_builder fresh;
    od_countdown_init(&countdown, od_posix_memory(), UINT64_MAX, false);
    assert_int_equal(od_batch_builder_init(&used, &countdown.memory, &all_types, NULL), OD_OK);
    start(&fresh, &all_types);
    assert_int_equal(append_drawn(&used, 1, 100, 50), OD_OK);
    struct od_value half_a_row = {.type = OD_TYPE_BOOLEAN, .boolean = true};
    assert_int_equal(od_batch_builder_append(&used, 0, &half_a_row, NULL), OD_OK);
    od_batch_builder_reset(&used);
    uint64_t calls = countdown.call_count;
    assert_int_equal(append_drawn(&used, 2, 60, 10), OD_OK);
    assert_int_equal(append_drawn(&fresh, 2, 60, 10), OD_OK);
    assert_int_equal(countdown.call_count, calls);
    struct od_batch left = od_batch_builder_view(&used);
    struct od_batch right = od_batch_builder_view(&fresh);
    assert_bytes_equal(&left, &right);
    od_batch_builder_release(&used);
    od_batch_builder_release(&fresh);
    assert_int_equal(countdown.live_block_count, 0);
}

static void small_batches_are_cheap(void **state)
{
    (void)state;
    struct od_countdown countdown;
    struct od_batch_builder builder;
    od_countdown_init(&countdown, od_posix_memory(), UINT64_MAX, false);
    assert_int_equal(od_batch_builder_init(&builder, &countdown.memory, &all_types, NULL), OD_OK);
    assert_int_equal(append_drawn(&builder, 1, 10, 20), OD_OK);
    assert_true(countdown.call_count <= 4); /* columns, rows, and the text's bytes twice at most */
    od_batch_builder_release(&builder);
}

static void batches_without_columns_count_rows(void **state)
{
    (void)state;
    static const struct od_schema none = {0, NULL};
    struct od_batch_builder builder;
    start(&builder, &none);
    od_batch_builder_end_row(&builder);
    struct od_batch one = od_batch_builder_view(&builder);
    struct od_batch_builder target;
    start(&target, &none);
    for (int i = 0; i < 40; i++)
        assert_int_equal(od_batch_builder_append_rows(&target, &one, NULL, 0, 1, NULL), OD_OK);
    assert_int_equal(od_batch_builder_view(&target).row_count, 40);
    struct od_hash128 checksum = od_batch_checksum(&one);
    assert_true(checksum.low != 0);
    od_batch_builder_release(&target);
    od_batch_builder_release(&builder);
}

static enum od_status build_and_copy(struct od_memory *memory, void *context)
{
    (void)context;
    struct od_arena arena;
    struct od_batch_builder source;
    struct od_batch_builder target;
    struct od_batch slice;
    struct od_table *table = NULL;
    struct od_error error;
    static const uint32_t rows[] = {1, OD_ROW_NULL};
    od_arena_init(&arena, memory, 0);
    enum od_status status = od_batch_builder_init(&source, memory, &all_types, &error);
    enum od_status target_status = od_batch_builder_init(&target, memory, &all_types, &error);
    if (status == OD_OK)
        status = target_status;
    if (status == OD_OK)
        status = append_drawn(&source, 3, 40, 10);
    struct od_batch batch = {0};
    if (status == OD_OK) {
        batch = od_batch_builder_view(&source);
        status = od_batch_slice(&arena, &batch, 3, 30, &slice, &error);
    }
    if (status == OD_OK)
        status = od_batch_builder_append_rows(&target, &slice, NULL, 0, 30, &error);
    if (status == OD_OK)
        status = od_batch_builder_append_rows(&target, &batch, rows, 0, 2, &error);
    if (status == OD_OK)
        status = od_batch_builder_keep(&target, rows, 0, 1, &error);
    if (status == OD_OK)
        status = od_batch_gather(&batch, rows, 2, &arena, &slice, &error);
    if (status == OD_OK) {
        table = od_table_new(memory, "t", &all_types, &error);
        status = table == NULL ? error.status : OD_OK;
    }
    if (status == OD_OK)
        status = od_batch_builder_append_rows(&table->rows, &batch, NULL, 0, 40, &error);
    od_table_free(memory, table);
    od_batch_builder_release(&target);
    od_batch_builder_release(&source);
    od_arena_release(&arena);
    return status;
}

static void every_refusal_is_survived(void **state)
{
    (void)state;
    assert_true(od_sweep(build_and_copy, NULL) >= 10);
}

static void key_hashes_follow_equality(void **state)
{
    (void)state;
    static const double values[] = {0.0, -0.0, 1.0, (double)NAN, -(double)NAN, 0.0};
    static const uint8_t validity[] = {0x1f};
    static const uint32_t keys[] = {0};
    struct od_schema schema = {1, &all_fields[2]};
    struct od_column column = {
        .type = OD_TYPE_FLOAT64, .row_count = 6, .validity = validity, .values = values};
    struct od_batch batch = {.schema = &schema, .row_count = 6, .columns = &column};
    uint64_t hashes[6];
    od_batch_hash_keys(&batch, keys, 1, hashes);
    assert_true(hashes[0] == hashes[1]);
    assert_true(hashes[3] == hashes[4]);
    assert_true(hashes[0] != hashes[2]);
    assert_true(hashes[0] != hashes[5]); /* NULL is not 0 */
    assert_true(hashes[2] != hashes[3]);
    od_batch_hash_keys(&batch, keys, 0, hashes);
    assert_true(hashes[0] == hashes[5]);
}

static void numerics_hash_by_value(void **state)
{
    (void)state;
    static const struct od_decimal values[] = {{150, 0, 2}, {15, 0, 1}, {0, 0, 5}, {0, 0, 0}, {16, 0, 1}};
    static const uint32_t keys[] = {0};
    struct od_schema schema = {1, &all_fields[7]};
    struct od_column column = {.type = OD_TYPE_DECIMAL, .row_count = 5, .values = values};
    struct od_batch batch = {.schema = &schema, .row_count = 5, .columns = &column};
    uint64_t hashes[5];
    od_batch_hash_keys(&batch, keys, 1, hashes);
    assert_true(hashes[0] == hashes[1]);
    assert_true(hashes[2] == hashes[3]);
    assert_true(hashes[1] != hashes[4]);
    struct od_batch first = {.schema = &schema, .row_count = 1, .columns = &column};
    struct od_hash128 as_150 = od_batch_checksum(&first);
    column.values = values + 1;
    struct od_hash128 as_15 = od_batch_checksum(&first);
    assert_memory_not_equal(&as_150, &as_15, sizeof(as_15)); /* a checksum sees the scale */
}

static void intervals_hash_by_value(void **state)
{
    (void)state;
    static const struct od_interval values[] = {{.months = 1, .days = -29, .microseconds = 3600000000},
                                                {.microseconds = INT64_C(25) * 3600000000},
                                                {.days = 1},
                                                {.months = INT32_MAX, .days = INT32_MAX}};
    struct od_field field = {.name = "v", .type = OD_TYPE_INTERVAL};
    struct od_schema schema = {1, &field};
    struct od_column column = {.type = OD_TYPE_INTERVAL, .row_count = 4, .values = values};
    struct od_batch batch = {.schema = &schema, .row_count = 4, .columns = &column};
    uint64_t hashes[4];
    od_batch_hash_keys(&batch, NULL, 1, hashes);
    assert_true(hashes[0] == hashes[1]);
    assert_true(hashes[1] != hashes[2]);
    assert_true(hashes[2] != hashes[3]);
}

static struct od_hash128 checksum_of(const struct od_column *column, struct od_field *field)
{
    struct od_schema schema = {1, field};
    struct od_batch batch = {.schema = &schema, .row_count = column->row_count, .columns = column};
    return od_batch_checksum(&batch);
}

static void checksums_see_bits_not_order(void **state)
{
    (void)state;
    static const double zeros[] = {0.0, 5.0};
    static const double signed_zeros[] = {5.0, -0.0};
    static const double swapped[] = {5.0, 0.0};
    struct od_column column = {.type = OD_TYPE_FLOAT64, .row_count = 2, .values = zeros};
    struct od_hash128 plain = checksum_of(&column, &all_fields[2]);
    column.values = swapped;
    struct od_hash128 other_order = checksum_of(&column, &all_fields[2]);
    column.values = signed_zeros;
    struct od_hash128 other_sign = checksum_of(&column, &all_fields[2]);
    assert_memory_equal(&plain, &other_order, sizeof(plain));
    assert_memory_not_equal(&plain, &other_sign, sizeof(plain));

    /* The union's checksum is the sum, over more rows than one run. */
    struct od_batch_builder builder;
    struct od_arena arena;
    od_arena_init(&arena, od_posix_memory(), 0);
    start(&builder, &all_types);
    assert_int_equal(append_drawn(&builder, 8, 1000, 10), OD_OK);
    struct od_batch whole = od_batch_builder_view(&builder);
    struct od_batch parts[2];
    assert_int_equal(od_batch_slice(&arena, &whole, 0, 333, &parts[0], NULL), OD_OK);
    assert_int_equal(od_batch_slice(&arena, &whole, 333, 667, &parts[1], NULL), OD_OK);
    struct od_hash128 sum = od_hash128_add(od_batch_checksum(&parts[1]), od_batch_checksum(&parts[0]));
    struct od_hash128 all = od_batch_checksum(&whole);
    assert_memory_equal(&sum, &all, sizeof(sum));
    od_batch_builder_release(&builder);
    od_arena_release(&arena);
}

static void check_frozen(const struct od_schema *schema, uint64_t key_hashes, uint64_t checksum_high)
{
    static const uint32_t keys[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    struct od_batch_builder builder;
    struct od_digest digest = {0};
    uint64_t hashes[300];
    start(&builder, schema);
    assert_int_equal(append_drawn(&builder, 8, 300, 10), OD_OK);
    struct od_batch batch = od_batch_builder_view(&builder);
    od_batch_hash_keys(&batch, keys, schema->field_count, hashes);
    for (int i = 0; i < 300; i++)
        od_digest_add(&digest, hashes[i]);
    struct od_hash128 checksum = od_batch_checksum(&batch);
    if (digest.value != key_hashes || checksum.high != checksum_high)
        fail_msg("%u columns: key hashes 0x%llx, checksum 0x%llx", schema->field_count,
                 (unsigned long long)digest.value, (unsigned long long)checksum.high);
    od_batch_builder_release(&builder);
}

static void hashes_are_frozen(void **state)
{
    (void)state;
    check_frozen(&first_types, UINT64_C(0x62739161b6a8faac), UINT64_C(0x20598fcbd5a74d2c));
    check_frozen(&all_types, UINT64_C(0xa0c15f4ae2d2c657), UINT64_C(0xd421cb557e423bbc));
}

static void tables_are_found_by_name(void **state)
{
    (void)state;
    struct od_memory *memory = od_posix_memory();
    struct od_table *table = od_table_new(memory, "flights", &all_types, NULL);
    const struct od_table *tables[] = {table};
    struct od_catalog catalog = {1, tables};
    assert_non_null(table);
    assert_int_equal(od_table_view(table).row_count, 0);
    assert_int_equal(append_drawn(&table->rows, 1, 5, 10), OD_OK);
    od_table_finish(table);
    assert_int_equal(od_table_view(table).row_count, 5);
    assert_int_equal(od_table_row_count(table), 5);
    assert_ptr_equal(od_catalog_find(&catalog, "flights"), table);
    assert_null(od_catalog_find(&catalog, "Flights"));
    od_table_free(memory, table);
    od_table_free(memory, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_copies_alike),
        cmocka_unit_test(slices_hold_their_rows),
        cmocka_unit_test(arenas_and_builders_gather_alike),
        cmocka_unit_test(gathers_mix_rows_and_nulls),
        cmocka_unit_test(values_under_nulls_become_zero),
        cmocka_unit_test(reset_forgets_rows_and_keeps_memory),
        cmocka_unit_test(small_batches_are_cheap),
        cmocka_unit_test(batches_without_columns_count_rows),
        cmocka_unit_test(every_refusal_is_survived),
        cmocka_unit_test(key_hashes_follow_equality),
        cmocka_unit_test(numerics_hash_by_value),
        cmocka_unit_test(intervals_hash_by_value),
        cmocka_unit_test(checksums_see_bits_not_order),
        cmocka_unit_test(hashes_are_frozen),
        cmocka_unit_test(tables_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
