/* generate_test: the built-in tables.
 * Goal: rows come out as asked, equal for equal seeds, different for others, with the NULLs and the skew that the scenarios need;
 *       a refused allocation is NO_MEMORY and leaks nothing.
 * Method: every generator over a few sizes; checksums compared; a sweep that refuses the k-th allocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "engine/world/posix.h"
#include "engine/core/sweep.h"
#include "scenarios/generate.h"

static struct od_hash128 checksum_of(const struct od_generator *generator, uint64_t rows, uint64_t seed)
{
    struct od_table *table = NULL;
    assert_int_equal(generator->make(od_posix_memory(), "t", rows, seed, &table, NULL), OD_OK);
    struct od_batch view = od_table_view(table);
    struct od_hash128 checksum = od_batch_checksum(&view);
    od_table_free(od_posix_memory(), table);
    return checksum;
}

static void same_seed_same_rows(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < od_generator_count; i++) {
        const struct od_generator *generator = &od_generators[i];
        struct od_hash128 first = checksum_of(generator, 500, 7);
        struct od_hash128 again = checksum_of(generator, 500, 7);
        struct od_hash128 other = checksum_of(generator, 500, 8);
        assert_true(first.low == again.low && first.high == again.high);
        if (strcmp(generator->name, "sensor_info") != 0) /* has no draws */
            assert_true(first.low != other.low);
    }
}

static void row_counts(void **state)
{
    (void)state;
    const uint64_t sizes[] = {0, 1, 2, 1000};
    for (uint32_t i = 0; i < od_generator_count; i++) {
        for (uint32_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
            struct od_table *table = NULL;
            assert_int_equal(od_generators[i].make(od_posix_memory(), "t", sizes[j], 1, &table, NULL), OD_OK);
            if (strncmp(od_generators[i].name, "h2o_", 4) == 0) /* partners of x have at least ten keys */
                assert_true(od_table_row_count(table) == sizes[j] || od_table_row_count(table) == 10);
            else if (strcmp(od_generators[i].name, "sensor_info") != 0)
                assert_int_equal(od_table_row_count(table), sizes[j]);
            else
                assert_true(od_table_row_count(table) <= 6);
            od_table_free(od_posix_memory(), table);
        }
    }
}

/* Every scenario asks about missing values: each of these columns must have some, and not only such. */
static void nulls_are_there(void **state)
{
    (void)state;
    const char *const columns[][2] = {{"access_log", "bytes"}, {"transactions", "merchant"}, {"sensors", "value"},
                                      {"flights", "delay"},    {"airports", "state"},        {"merchants", "category"}};
    for (uint32_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        struct od_table *table = NULL;
        const struct od_generator *generator = od_generator_find(columns[i][0]);
        assert_non_null(generator);
        assert_int_equal(generator->make(od_posix_memory(), "t", 2000, 1, &table, NULL), OD_OK);
        struct od_batch view = od_table_view(table);
        uint32_t column = od_schema_find(&table->schema, columns[i][1]);
        assert_int_not_equal(column, OD_FIELD_NONE);
        uint32_t nulls = 0;
        for (uint32_t row = 0; row < view.row_count; row++)
            nulls += od_column_is_null(&view.columns[column], row);
        assert_in_range(nulls, 1, view.row_count / 2);
        od_table_free(od_posix_memory(), table);
    }
}

static void unknown_name(void **state)
{
    (void)state;
    assert_null(od_generator_find("no_such_table"));
}

static void allocation_sweep(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < od_generator_count; i++) {
        bool clean = false;
        for (uint64_t k = 0; !clean; k++) {
            struct od_countdown countdown;
            struct od_table *table = NULL;
            od_countdown_init(&countdown, od_posix_memory(), k, false);
            enum od_status status = od_generators[i].make(&countdown.memory, "t", 200, 1, &table, NULL);
            clean = countdown.refused_count == 0;
            assert_int_equal(status, clean ? OD_OK : OD_NO_MEMORY);
            od_table_free(&countdown.memory, table);
            assert_int_equal(countdown.live_block_count, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_rows), cmocka_unit_test(row_counts),       cmocka_unit_test(nulls_are_there),
        cmocka_unit_test(unknown_name),        cmocka_unit_test(allocation_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
