/* Goal: blocks of an arena never overlap, are aligned and zero, and all memory comes back.
 * Method: many takes of drawn sizes, each filled with its own byte and checked at the end; a sweep of
 * refusals; under AddressSanitizer the poison is asked directly. */
#include "engine/core/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/random.h"
#include "engine/core/sanitizer.h"
#include "engine/core/sweep.h"

#define BLOCK_COUNT 500

static void blocks_do_not_overlap(void **state)
{
    (void)state;
    struct od_budget budget;
    struct od_arena arena;
    struct od_stream stream;
    uint8_t *blocks[BLOCK_COUNT];
    size_t sizes[BLOCK_COUNT];
    od_budget_init(&budget, od_heap_for_tests(), 0);
    od_arena_init(&arena, &budget.memory, 1024);
    od_stream_init(&stream, 1, "arena");
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < BLOCK_COUNT; i++) {
            sizes[i] = od_random_below(&stream.random, i % 50 == 0 ? 5000 : 100);
            blocks[i] = od_arena_take(&arena, sizes[i]);
            assert_non_null(blocks[i]);
            assert_int_equal((uintptr_t)blocks[i] % 16, 0);
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(blocks[i][k], 0);
            memset(blocks[i], (int)(i % 251) + 1, sizes[i]);
        }
        for (size_t i = 0; i < BLOCK_COUNT; i++) {
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(blocks[i][k], i % 251 + 1);
        }
        od_arena_reset(&arena);
        assert_int_equal(arena.used_bytes, 0);
        assert_int_equal(budget.live_block_count, 1);
    }
    od_arena_release(&arena);
    od_budget_release(&budget);
}

static void steady_state_allocates_nothing(void **state)
{
    (void)state;
    struct od_countdown countdown;
    struct od_arena arena;
    od_countdown_init(&countdown, od_heap_for_tests(), UINT64_MAX, false);
    od_arena_init(&arena, &countdown.memory, 0);
    uint64_t settled = 0;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 1000; i++)
            assert_non_null(od_arena_take(&arena, 64));
        od_arena_reset(&arena);
        if (round == 10)
            settled = countdown.call_count;
    }
    assert_int_equal(countdown.call_count, settled);
    od_arena_release(&arena);
    assert_int_equal(countdown.live_block_count, 0);
}

static void edges(void **state)
{
    (void)state;
    struct od_arena arena;
    od_arena_init(&arena, od_heap_for_tests(), 1);
    void *first = od_arena_take(&arena, 0);
    void *second = od_arena_take(&arena, 0);
    assert_non_null(first);
    assert_ptr_not_equal(first, second);
    assert_null(od_arena_take(&arena, SIZE_MAX));
    assert_null(od_arena_take(&arena, SIZE_MAX - 64));
    assert_null(od_arena_take_array(&arena, SIZE_MAX / 4, 5));
    assert_null(od_arena_copy_text(&arena, "", SIZE_MAX));
    assert_string_equal(od_arena_copy_text(&arena, NULL, 0), "");
    assert_string_equal(od_arena_copy_text(&arena, "abcdef", 3), "abc");
    assert_string_equal(od_arena_print(&arena, "%s-%05d", "x", 42), "x-00042");
    od_arena_release(&arena);
    od_arena_release(&arena);
    od_arena_reset(&arena);
}

static enum od_status fill(struct od_memory *memory, void *context)
{
    (void)context;
    struct od_arena arena;
    od_arena_init(&arena, memory, 256);
    bool ok = true;
    for (int i = 0; i < 40; i++)
        ok = od_arena_take(&arena, 50) != NULL && ok;
    ok = od_arena_take(&arena, 3000) != NULL && ok;
    ok = od_arena_print(&arena, "%0900d", 7) != NULL && ok;
    od_arena_release(&arena);
    return ok ? OD_OK : OD_NO_MEMORY;
}

static void every_refusal_is_survived(void **state)
{
    (void)state;
    assert_true(od_sweep(fill, NULL) >= 4);
}

#if OD_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
static void what_is_not_taken_is_poisoned(void **state)
{
    (void)state;
    struct od_arena arena;
    od_arena_init(&arena, od_heap_for_tests(), 0);
    char *block = od_arena_take(&arena, 20);
    assert_false(__asan_address_is_poisoned(block + 19));
    assert_true(__asan_address_is_poisoned(block + 20));
    od_arena_reset(&arena);
    assert_true(__asan_address_is_poisoned(block));
    od_arena_release(&arena);
}
#else
static void what_is_not_taken_is_poisoned(void **state)
{
    (void)state;
    skip(); /* only under AddressSanitizer */
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_do_not_overlap),
        cmocka_unit_test(steady_state_allocates_nothing),
        cmocka_unit_test(edges),
        cmocka_unit_test(every_refusal_is_survived),
        cmocka_unit_test(what_is_not_taken_is_poisoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
