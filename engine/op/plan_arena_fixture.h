/* plan_arena_fixture: op_fixture for tests whose tree and expressions come from one arena, made anew for each test:
 *
 *   cmocka_unit_test_setup_teardown(a_test, set_up, tear_down) */
#ifndef OD_OP_PLAN_ARENA_FIXTURE_H
#define OD_OP_PLAN_ARENA_FIXTURE_H

#include "engine/op/op_fixture.h"

static struct od_arena plan_arena;

static inline int set_up(void **state)
{
    (void)state;
    od_arena_init(&plan_arena, od_heap_for_tests(), 0);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    od_arena_release(&plan_arena);
    return 0;
}

#endif
