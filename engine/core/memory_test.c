/* Goal: nothing taken is lost or counted wrong, whatever is refused.
 * Method: small sequences through the wrappers, their books compared with what was asked; overflow and limits
 * at the edge. */
#include "engine/core/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"

static void taken_memory_is_zero(void **state)
{
    (void)state;
    struct od_memory *memory = od_heap_for_tests();
    uint8_t *block = od_take(memory, 100);
    assert_non_null(block);
    for (int i = 0; i < 100; i++)
        assert_int_equal(block[i], 0);
    memset(block, 7, 100);
    block = od_resize(memory, block, 100, 1000);
    assert_non_null(block);
    assert_int_equal(block[99], 7);
    od_give(memory, block, 1000);
}

static void nothing_is_a_block_too(void **state)
{
    (void)state;
    struct od_memory *memory = od_heap_for_tests();
    assert_null(od_take(memory, 0));
    assert_null(od_take_array(memory, 0, 8));
    assert_null(od_take_array(memory, SIZE_MAX / 2, 3));
    od_give(memory, NULL, 0);
}

static void arrays_grow_by_doubling_or_not_at_all(void **state)
{
    (void)state;
    struct od_budget budget;
    uint32_t *items = NULL;
    uint32_t capacity = 0;
    od_budget_init(&budget, od_heap_for_tests(), 1000);
    for (uint32_t i = 0; i < 128; i++) {
        assert_true(od_grow(&budget.memory, &items, &capacity, i + 1, sizeof(*items)));
        assert_true(capacity > i);
        assert_int_equal(capacity & (capacity - 1), 0);
        assert_int_equal(budget.used_bytes, capacity * sizeof(*items));
        items[i] = i;
    }
    assert_false(od_grow(&budget.memory, &items, &capacity, 129, sizeof(*items)));
    assert_false(od_grow(&budget.memory, &items, &capacity, UINT64_C(1) << 32, sizeof(*items)));
    assert_int_equal(capacity, 128);
    for (uint32_t i = 0; i < 128; i++)
        assert_int_equal(items[i], i);
    od_give(&budget.memory, items, capacity * sizeof(*items));
    od_budget_release(&budget);
}

static void budget_keeps_its_books(void **state)
{
    (void)state;
    struct od_budget budget;
    od_budget_init(&budget, od_heap_for_tests(), 100);
    void *first = od_take(&budget.memory, 60);
    assert_non_null(first);
    assert_null(od_take(&budget.memory, 41));
    void *second = od_take(&budget.memory, 40);
    assert_non_null(second);
    assert_int_equal(budget.used_bytes, 100);
    assert_int_equal(budget.live_block_count, 2);
    assert_null(od_resize(&budget.memory, second, 40, 41));
    assert_int_equal(budget.used_bytes, 100);
    second = od_resize(&budget.memory, second, 40, 10); /* shrinking always works */
    assert_int_equal(budget.used_bytes, 70);
    assert_null(od_take(&budget.memory, SIZE_MAX)); /* no wrap-around */
    od_give(&budget.memory, first, 60);
    od_give(&budget.memory, second, 10);
    assert_int_equal(budget.used_bytes, 0);
    assert_int_equal(budget.peak_bytes, 100);
    od_budget_release(&budget);
}

static void budget_without_limit_refuses_nothing(void **state)
{
    (void)state;
    struct od_budget budget;
    od_budget_init(&budget, od_heap_for_tests(), 0);
    void *block = od_take(&budget.memory, 1 << 20);
    assert_non_null(block);
    od_give(&budget.memory, block, 1 << 20);
    od_budget_release(&budget);
}

static void budget_books_survive_refusals_below(void **state)
{
    (void)state;
    struct od_countdown countdown;
    struct od_budget budget;
    od_countdown_init(&countdown, od_heap_for_tests(), 1, false);
    od_budget_init(&budget, &countdown.memory, 1000);
    void *block = od_take(&budget.memory, 10);
    assert_null(od_resize(&budget.memory, block, 10, 20)); /* call 1 */
    assert_int_equal(budget.used_bytes, 10);
    od_give(&budget.memory, block, 10);
    assert_int_equal(countdown.live_block_count, 0);
    od_budget_release(&budget);
}

static void countdown_refuses_the_kth(void **state)
{
    (void)state;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        struct od_countdown countdown;
        od_countdown_init(&countdown, od_heap_for_tests(), 1, for_ever);
        void *first = od_take(&countdown.memory, 8);
        void *second = od_take(&countdown.memory, 8);
        void *third = od_take(&countdown.memory, 8);
        assert_non_null(first);
        assert_null(second);
        assert_int_equal(third == NULL, for_ever);
        assert_int_equal(countdown.refused_count, 1 + for_ever);
        assert_int_equal(countdown.live_block_count, 2 - for_ever);
        od_give(&countdown.memory, first, 8);
        od_give(&countdown.memory, third, 8);
        assert_int_equal(countdown.live_block_count, 0);
        assert_int_equal(countdown.call_count, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_memory_is_zero),
        cmocka_unit_test(nothing_is_a_block_too),
        cmocka_unit_test(arrays_grow_by_doubling_or_not_at_all),
        cmocka_unit_test(budget_keeps_its_books),
        cmocka_unit_test(budget_without_limit_refuses_nothing),
        cmocka_unit_test(budget_books_survive_refusals_below),
        cmocka_unit_test(countdown_refuses_the_kth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
