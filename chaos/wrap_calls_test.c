/* wrap_calls_test: each kind of call is counted, its k-th fails as wrap_calls.h says and no other does; nothing is lost on
 * the way through.
 *
 * Method: one actor's world over the simulated disk and the heap; a function a kind, which makes one call of that kind
 * (and some of others) and tells whether it failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "chaos/sim_disk.h"
#include "chaos/wrap_calls.h"
#include "engine/core/sweep.h"

#define TIMES 3u

static uint32_t arrived_count;

static void arrive(void *self, struct od_message *message)
{
    arrived_count++;
    od_message_free(self, message);
}

static bool allocation(struct od_world *world)
{
    void *block = od_take(world->memory, 40);
    od_give(world->memory, block, 40);
    return block == NULL;
}

/* A new file with an x in it, open; only its `call` may fail, and says so. */
static bool file_call(struct od_world *world, enum od_call call)
{
    const struct od_disk *disk = &world->disk;
    struct od_file *file = NULL;
    enum od_status statuses[OD_CALL_COUNT] = {OD_OK};
    char byte = 'x';
    uint64_t size = 0;
    struct od_error error = {0};
    statuses[OD_CALL_DISK_CREATE] = disk->ops->create(disk->self, "a", &file, &error);
    if (file != NULL && call == OD_CALL_DISK_OPEN) {
        disk->ops->close(disk->self, file);
        statuses[OD_CALL_DISK_OPEN] = disk->ops->open(disk->self, "a", &file, &error);
    }
    if (file != NULL) {
        statuses[OD_CALL_DISK_WRITE] = disk->ops->write(disk->self, file, 0, "x", 1, &error);
        if (call == OD_CALL_DISK_READ || call == OD_CALL_DAMAGE)
            statuses[OD_CALL_DISK_READ] = disk->ops->read(disk->self, file, 0, &byte, 1, &error);
        statuses[OD_CALL_DISK_SIZE] = disk->ops->size(disk->self, file, &size, &error);
        assert_int_equal(size, statuses[OD_CALL_DISK_SIZE] == OD_OK && statuses[OD_CALL_DISK_WRITE] == OD_OK);
        statuses[OD_CALL_DISK_SYNC] = disk->ops->sync(disk->self, file, &error);
    }
    disk->ops->close(disk->self, file);
    if (call == OD_CALL_DISK_REMOVE)
        statuses[OD_CALL_DISK_REMOVE] = disk->ops->remove(disk->self, "a", &error);
    assert_true(statuses[call] == OD_OK || (statuses[call] == OD_IO && error.injected));
    return statuses[call] != OD_OK || byte != 'x';
}

static bool send(struct od_world *world)
{
    uint32_t before = arrived_count;
    struct od_message *message = od_message_new(world->net.message_memory, 8);
    message->to = 0;
    world->net.send(world->net.self, message);
    return arrived_count == before;
}

static bool point(struct od_world *world)
{
    struct od_error error = {0};
    const struct od_site site = OD_SITE_ANY;
    enum od_status status = od_point_hit(&world->points, OD_POINT_TASK_END, &site, NULL, &error);
    assert_true(status == OD_OK || (status == OD_TASK_FAILED && error.injected));
    return status != OD_OK;
}

static bool make_call(struct od_world *world, enum od_call call)
{
    switch (call) {
    case OD_CALL_ALLOCATION:
        return allocation(world);
    case OD_CALL_SEND:
        return send(world);
    case OD_CALL_POINT:
        return point(world);
    default:
        return file_call(world, call);
    }
}

static void the_kth_of_each_kind_fails(void **state)
{
    struct od_countdown heap;
    struct od_digest digest = {0};
    struct od_sim_disk disk;
    struct od_wrap_calls calls;
    (void)state;
    od_countdown_init(&heap, od_heap_for_tests(), UINT64_MAX, false);
    od_sim_disk_init(&disk, &heap.memory, &digest);
    od_wrap_calls_init(&calls, &heap.memory);
    struct od_world world = {.actor_id = 2,
                             .memory = &heap.memory,
                             .disk = od_sim_disk_part(&disk),
                             .net = {.send = arrive, .self = &heap.memory, .message_memory = &heap.memory}};
    od_wrap_calls_dress(&calls, &world);
    od_wrap_calls_dress(&calls, &world); /* as in a second life */
    for (uint32_t i = 0; i < OD_CALL_COUNT * (TIMES + 1) * 2; i++) {
        enum od_call call = (enum od_call)(i % OD_CALL_COUNT);
        uint64_t fail_at = i / OD_CALL_COUNT % (TIMES + 1);
        bool for_ever = i >= OD_CALL_COUNT * (TIMES + 1);
        od_wrap_calls_aim(&calls, call, fail_at, for_ever);
        uint32_t failed_count = 0;
        for (uint32_t k = 0; k < TIMES; k++) {
            bool shall_fail = k == fail_at || (for_ever && k > fail_at);
            failed_count += shall_fail;
            if (make_call(&world, call) != shall_fail)
                fail_msg("%s: call %u, failing %llu", od_call_text(call), k, (unsigned long long)fail_at);
        }
        assert_int_equal(calls.failed_count, failed_count);
        assert_true(calls.counts[call] >= TIMES);
    }
    assert_int_equal(disk.open_count, 0);
    od_sim_disk_empty(&disk);
    assert_int_equal(heap.live_block_count, 0);
}

static void memory_beside_the_actors_is_counted_to_the_byte(void **state)
{
    struct od_wrap_calls calls;
    (void)state;
    od_wrap_calls_init(&calls, od_heap_for_tests());
    void *block = od_take(&calls.memory, 10);
    od_wrap_calls_aim(&calls, OD_CALL_ALLOCATION, 0, false);
    assert_null(od_resize(&calls.memory, block, 10, 20));
    assert_int_equal(calls.live_bytes, 10);
    block = od_resize(&calls.memory, block, 10, 30);
    assert_int_equal(calls.live_bytes, 30);
    assert_int_equal(calls.live_block_count, 1);
    od_give(&calls.memory, block, 30);
    assert_int_equal(calls.live_bytes, 0);
    assert_int_equal(calls.live_block_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kth_of_each_kind_fails),
        cmocka_unit_test(memory_beside_the_actors_is_counted_to_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
