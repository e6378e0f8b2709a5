/* Goal: the time of a life never goes back, nor on by more than a lease at once, whatever its clock does, and is the clock's where that
 * is steady. Method: a clock that shows what a table says. */
#include "engine/run/life.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LEASE_NS UINT64_C(100)

static uint64_t shown_ns;
static uint64_t show(void *self)
{
    (void)self;
    return shown_ns;
}

static void time_goes_on_in_small_steps(void **state)
{
    (void)state;
    static const struct {
        uint64_t shown_ns;
        uint64_t now_ns;
    } rows[] = {
        {1000, 1000}, /* it begins where the clock is */
        {1000, 1000}, {1040, 1040}, {1140, 1140},
        {9000, 1240}, /* ahead: a lease */
        {9010, 1250}, {900, 1250}, /* back: nothing */
        {950, 1300},  {0, 1300},   {1, 1301},
    };
    const struct od_cluster_options options = {.lease_ns = LEASE_NS};
    struct od_world world = {.clock = {show, NULL}};
    struct od_life life = {.world = &world, .options = &options};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        shown_ns = rows[i].shown_ns;
        uint64_t now_ns = od_life_now_ns(&life);
        if (now_ns != rows[i].now_ns)
            fail_msg("row %zu: clock %lu: expected %lu, got %lu", i, (unsigned long)shown_ns,
                     (unsigned long)rows[i].now_ns, (unsigned long)now_ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(time_goes_on_in_small_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
