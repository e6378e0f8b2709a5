/* Goal: the pool, the queue and the disk under the simulation keep what they promise. Method: the pool and
 * the queue against plain models over random operations; the disk call by call; each allocation refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chaos/sim_disk.h"
#include "chaos/sim_pool.h"
#include "chaos/sim_queue.h"
#include "engine/core/sweep.h"
#include "engine/world/posix.h"

/* --- the pool --------------------------------------------------------------------------------- */

#define BLOCK_COUNT 64

static void the_pool_keeps_blocks_apart(void **state)
{
    (void)state;
    struct od_countdown countdown;
    struct od_sim_pool pool;
    struct od_stream stream;
    uint8_t *blocks[BLOCK_COUNT] = {NULL};
    size_t sizes[BLOCK_COUNT] = {0};
    od_countdown_init(&countdown, od_posix_memory(), UINT64_MAX, false);
    od_sim_pool_init(&pool, &countdown.memory);
    od_stream_init(&stream, 1, "pool");
    for (uint32_t step = 0; step < 20000; step++) {
        size_t i = od_random_below(&stream.random, BLOCK_COUNT);
        size_t size = od_random_below(&stream.random, (uint64_t)1 << od_random_below(&stream.random, 19));
        uint8_t *block = od_resize(&pool.memory, blocks[i], sizes[i], size);
        if (size == 0)
            assert_null(block);
        else
            assert_non_null(block);
        assert_int_equal((uintptr_t)block % 16, 0);
        size_t kept = size < sizes[i] ? size : sizes[i];
        for (size_t j = 0; j < kept; j += 1 + kept / 7)
            assert_int_equal(block[j], (uint8_t)i);
        if (size > 0)
            memset(block, (int)i, size);
        blocks[i] = block;
        sizes[i] = size;
    }
    for (size_t i = 0; i < BLOCK_COUNT; i += 2) /* the other half is a leak that ends with the pool */
        od_give(&pool.memory, blocks[i], sizes[i]);
    od_sim_pool_release(&pool);
    assert_int_equal(countdown.live_block_count, 0);
}

static void the_pool_serves_every_size_at_the_edges_of_its_classes(void **state)
{
    (void)state;
    struct od_sim_pool pool;
    od_sim_pool_init(&pool, od_posix_memory());
    for (size_t size = 1; size <= 70000; size += size < 2100 ? 1 : 97) {
        uint8_t *left = od_take(&pool.memory, size);
        uint8_t *right = od_take(&pool.memory, size);
        memset(left, 1, size);
        memset(right, 2, size);
        assert_int_equal(left[0] + left[size - 1] + right[0] + right[size - 1], 6);
        od_give(&pool.memory, left, size);
        od_give(&pool.memory, right, size);
    }
    od_sim_pool_release(&pool);
}

/* --- the queue -------------------------------------------------------------------------------- */

static void the_queue_gives_back_by_time_then_order(void **state)
{
    (void)state;
    struct od_sim_queue queue;
    struct od_stream stream;
    od_sim_queue_init(&queue, od_posix_memory());
    od_stream_init(&stream, 2, "queue");
    uint64_t last_time_ns = 0;
    uint64_t last_tag = 0;
    uint64_t tag = 0;
    for (uint32_t step = 0; step < 5000; step++) {
        uint64_t pushes = step < 4000 ? od_random_below(&stream.random, 3) : 0;
        for (uint64_t i = 0; i < pushes; i++) {
            struct od_sim_event event = {.kind = OD_SIM_TIMER, .of.tag = tag++};
            assert_true(od_sim_queue_push(&queue, last_time_ns + od_random_below(&stream.random, 4), &event));
        }
        uint64_t time_ns = od_sim_queue_first_time(&queue);
        uint32_t index = od_sim_queue_pop(&queue);
        if (index == OD_ANY) {
            assert_true(time_ns == UINT64_MAX);
            continue;
        }
        uint64_t popped = queue.events[index].of.tag;
        assert_true(time_ns > last_time_ns || (time_ns == last_time_ns && (popped > last_tag || step == 0)) ||
                    popped == 0);
        last_time_ns = time_ns;
        last_tag = popped;
        od_sim_queue_give_back(&queue, index);
    }
    od_sim_queue_release(&queue);
}

static void the_queue_survives_refusals(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < 8; k++) {
        struct od_countdown countdown;
        struct od_sim_queue queue;
        uint32_t refused = 0;
        od_countdown_init(&countdown, od_posix_memory(), k, false);
        od_sim_queue_init(&queue, &countdown.memory);
        for (uint64_t i = 0; i < 400; i++) {
            struct od_sim_event event = {.kind = OD_SIM_TIMER, .of.tag = i};
            refused += !od_sim_queue_push(&queue, i, &event);
        }
        assert_int_equal(refused, countdown.refused_count);
        assert_int_equal(queue.count, 400 - refused);
        od_sim_queue_release(&queue);
        assert_int_equal(countdown.live_block_count, 0);
    }
}

/* --- the disk --------------------------------------------------------------------------------- */

struct disk_bench {
    struct od_countdown countdown;
    struct od_digest digest;
    struct od_sim_disk disk;
    struct od_disk part;
};

static void disk_bench_init(struct disk_bench *bench, uint64_t refuse_at)
{
    *bench = (struct disk_bench){0};
    od_countdown_init(&bench->countdown, od_posix_memory(), refuse_at, false);
    od_sim_disk_init(&bench->disk, &bench->countdown.memory, &bench->digest);
    bench->part = od_sim_disk_part(&bench->disk);
}

static void files_hold_what_was_written(void **state)
{
    (void)state;
    struct disk_bench bench;
    struct od_file *file;
    struct od_file *again;
    char bytes[8] = {0};
    disk_bench_init(&bench, UINT64_MAX);
    const struct od_disk_ops *ops = bench.part.ops;
    void *self = bench.part.self;
    assert_int_equal(ops->open(self, "a", &file, NULL), OD_MISSING);
    assert_null(file);
    assert_int_equal(ops->remove(self, "a", NULL), OD_MISSING);
    assert_int_equal(ops->create(self, "a", &file, NULL), OD_OK);
    assert_int_equal(ops->write(self, file, 4, "wxyz", 4, NULL), OD_OK);
    assert_int_equal(ops->write(self, file, 0, "ab", 2, NULL), OD_OK);
    assert_int_equal(ops->read(self, file, 0, bytes, 8, NULL), OD_OK);
    assert_memory_equal(bytes, "ab\0\0wxyz", 8);
    assert_int_equal(ops->read(self, file, 1, bytes, 8, NULL), OD_CORRUPT);
    assert_int_equal(ops->read(self, file, UINT64_MAX, bytes, 1, NULL), OD_CORRUPT);
    assert_int_equal(ops->write(self, file, UINT64_MAX, "a", 1, NULL), OD_NO_MEMORY);
    assert_int_equal(ops->sync(self, file, NULL), OD_OK);
    /* A replaced file and a removed one can be read through handles that were open. */
    assert_int_equal(ops->create(self, "a", &again, NULL), OD_OK);
    assert_int_equal(ops->read(self, again, 0, bytes, 1, NULL), OD_CORRUPT);
    assert_int_equal(ops->remove(self, "a", NULL), OD_OK);
    assert_int_equal(ops->read(self, file, 4, bytes, 4, NULL), OD_OK);
    assert_memory_equal(bytes, "wxyz", 4);
    assert_int_equal(bench.disk.file_count, 0);
    assert_int_equal(bench.disk.open_count, 2);
    ops->close(self, file);
    ops->close(self, again);
    ops->close(self, NULL);
    assert_int_equal(bench.disk.open_count, 0);
    assert_int_equal(bench.countdown.live_block_count, 0);
    assert_true(bench.digest.count > 0);
}

static void a_gap_in_a_file_is_zero(void **state)
{
    (void)state;
    struct od_sim_pool pool;
    struct od_digest digest = {0};
    struct od_sim_disk disk;
    struct od_file *file;
    uint8_t bytes[44];
    const uint8_t zeros[40] = {0};
    od_sim_pool_init(&pool, od_posix_memory());
    od_sim_disk_init(&disk, &pool.memory, &digest);
    struct od_disk part = od_sim_disk_part(&disk);
    uint8_t *dirty = od_take(&pool.memory, sizeof(bytes)); /* the file gets this block next */
    memset(dirty, 0xaa, sizeof(bytes));
    od_give(&pool.memory, dirty, sizeof(bytes));
    assert_int_equal(part.ops->create(part.self, "a", &file, NULL), OD_OK);
    assert_int_equal(part.ops->write(part.self, file, 40, "tail", 4, NULL), OD_OK);
    assert_int_equal(part.ops->read(part.self, file, 0, bytes, sizeof(bytes), NULL), OD_OK);
    assert_memory_equal(bytes, zeros, 40);
    part.ops->close(part.self, file);
    od_sim_disk_empty(&disk);
    od_sim_pool_release(&pool);
}

/* "abc" and "de" were synced; of the three writes behind them, "XY" over "bc", "f" and "ghij" to the other file, what is kept
 * is kept in this order. */
static void a_durable_disk_keeps_what_was_synced(void **state)
{
    static const struct {
        uint64_t keep_bytes;
        uint32_t lost_write;
        const char *one;
        const char *other;
    } rows[] = {
        {0, 0, "abc", "de"},
        {1, 0, "aXc", "de"},
        {2, 0, "aXY", "de"},
        {3, 0, "aXYf", "de"},
        {5, 0, "aXYf", "degh"},
        {7, 0, "aXYf", "deghij"},
        {UINT64_MAX, 0, "aXYf", "deghij"},
        {UINT64_MAX, 1, "abcf", "deghij"},
        {UINT64_MAX, 2, "aXY", "deghij"},
        {UINT64_MAX, 3, "aXYf", "de"},
        {3, 1, "abcf", "degh"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct disk_bench bench;
        struct od_file *files[2];
        uint64_t size;
        char bytes[16];
        disk_bench_init(&bench, UINT64_MAX);
        bench.disk.is_durable = true;
        const struct od_disk_ops *ops = bench.part.ops;
        void *self = bench.part.self;
        assert_int_equal(ops->create(self, "one", &files[0], NULL), OD_OK);
        assert_int_equal(ops->create(self, "other", &files[1], NULL), OD_OK);
        assert_int_equal(ops->write(self, files[0], 0, "abc", 3, NULL), OD_OK);
        assert_int_equal(ops->write(self, files[1], 0, "de", 2, NULL), OD_OK);
        assert_int_equal(ops->sync(self, files[0], NULL), OD_OK);
        assert_int_equal(ops->sync(self, files[1], NULL), OD_OK);
        assert_int_equal(ops->write(self, files[0], 1, "XY", 2, NULL), OD_OK);
        assert_int_equal(ops->write(self, files[0], 3, "f", 1, NULL), OD_OK);
        assert_int_equal(ops->write(self, files[1], 2, "ghij", 4, NULL), OD_OK);
        ops->close(self, files[0]);
        ops->close(self, files[1]);
        od_sim_disk_crash(&bench.disk, rows[i].keep_bytes, rows[i].lost_write);
        for (uint32_t k = 0; k < 2; k++) {
            const char *want = k == 0 ? rows[i].one : rows[i].other;
            assert_int_equal(ops->open(self, k == 0 ? "one" : "other", &files[k], NULL), OD_OK);
            assert_int_equal(ops->size(self, files[k], &size, NULL), OD_OK);
            assert_int_equal(size, strlen(want));
            assert_int_equal(ops->read(self, files[k], 0, bytes, size, NULL), OD_OK);
            assert_memory_equal(bytes, want, size);
            ops->close(self, files[k]);
        }
        /* a second crash takes nothing of what the first one left */
        od_sim_disk_crash(&bench.disk, 0, 0);
        assert_int_equal(ops->open(self, "other", &files[1], NULL), OD_OK);
        assert_int_equal(ops->size(self, files[1], &size, NULL), OD_OK);
        assert_int_equal(size, strlen(rows[i].other));
        /* a file that is removed takes its writes along */
        assert_int_equal(ops->write(self, files[1], 0, "zz", 2, NULL), OD_OK);
        assert_int_equal(ops->remove(self, "other", NULL), OD_OK);
        ops->close(self, files[1]);
        assert_null(bench.disk.unsynced);
        od_sim_disk_empty(&bench.disk);
        assert_int_equal(bench.countdown.live_block_count, 0);
    }
}

static void a_disk_that_is_gone_only_closes(void **state)
{
    (void)state;
    struct disk_bench bench;
    struct od_file *file;
    struct od_file *other;
    struct od_error error = {0};
    uint64_t size;
    char byte;
    disk_bench_init(&bench, UINT64_MAX);
    const struct od_disk_ops *ops = bench.part.ops;
    void *self = bench.part.self;
    assert_int_equal(ops->create(self, "a", &file, NULL), OD_OK);
    assert_int_equal(ops->write(self, file, 0, "a", 1, NULL), OD_OK);
    bench.disk.gone = true;
    assert_int_equal(ops->create(self, "b", &other, NULL), OD_EXECUTOR_GONE);
    assert_int_equal(ops->open(self, "a", &other, NULL), OD_EXECUTOR_GONE);
    assert_int_equal(ops->write(self, file, 0, "b", 1, NULL), OD_EXECUTOR_GONE);
    assert_int_equal(ops->read(self, file, 0, &byte, 1, NULL), OD_EXECUTOR_GONE);
    assert_int_equal(ops->sync(self, file, NULL), OD_EXECUTOR_GONE);
    assert_int_equal(ops->size(self, file, &size, NULL), OD_EXECUTOR_GONE);
    assert_int_equal(ops->remove(self, "a", &error), OD_EXECUTOR_GONE);
    assert_true(error.injected);
    od_sim_disk_empty(&bench.disk);
    ops->close(self, file);
    assert_int_equal(bench.disk.file_count, 0);
    assert_int_equal(bench.countdown.live_block_count, 0);
}

static void disk_refusals_are_reported_and_lose_nothing(void **state)
{
    (void)state;
    bool is_clean = false;
    for (uint64_t k = 0; !is_clean; k++) {
        struct disk_bench bench;
        struct od_file *file = NULL;
        struct od_file *again = NULL;
        disk_bench_init(&bench, k / 2);
        bench.disk.is_durable = k % 2 != 0;
        const struct od_disk_ops *ops = bench.part.ops;
        void *self = bench.part.self;
        enum od_status status = ops->create(self, "a", &file, NULL);
        if (status == OD_OK)
            status = ops->write(self, file, 0, "abc", 3, NULL);
        if (status == OD_OK)
            status = ops->write(self, file, 3, "0123456789", 10, NULL);
        if (status == OD_OK)
            status = ops->open(self, "a", &again, NULL);
        is_clean = bench.disk.is_durable && bench.countdown.refused_count == 0;
        assert_int_equal(status, bench.countdown.refused_count == 0 ? OD_OK : OD_NO_MEMORY);
        ops->close(self, file);
        ops->close(self, again);
        od_sim_disk_empty(&bench.disk);
        assert_int_equal(bench.disk.open_count, 0);
        assert_int_equal(bench.countdown.live_block_count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pool_keeps_blocks_apart),
        cmocka_unit_test(the_pool_serves_every_size_at_the_edges_of_its_classes),
        cmocka_unit_test(the_queue_gives_back_by_time_then_order),
        cmocka_unit_test(the_queue_survives_refusals),
        cmocka_unit_test(files_hold_what_was_written),
        cmocka_unit_test(a_gap_in_a_file_is_zero),
        cmocka_unit_test(a_durable_disk_keeps_what_was_synced),
        cmocka_unit_test(a_disk_that_is_gone_only_closes),
        cmocka_unit_test(disk_refusals_are_reported_and_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
