/* Goal: every kind of scheduling takes effect, and nowhere else. Method: see kinds_bench.h. Each tick sets two timers, and hears a note
 * of each other actor. */
#include "chaos/kinds_bench.h"

static const struct bench_row rows[] = {
    KIND("scheduling.step_order for=20ms", EXPECT(TIMER_LATE_US, 1000, 2100), EXPECT(TIMERS_OFF, 6, 20),
         EXPECT(GAP_US, 2000, 3100)),
    KIND("scheduling.message_order for=20ms", EXPECT(FROM_DRIVER_LATE, 10, 21),
         EXPECT(FROM_DRIVER_LATE_US, 1200, 2400), EXPECT(FROM_DRIVER_OVERTAKEN, 1, 15),
         EXPECT(FROM_PEERS_LATE, 20, 42), EXPECT(FROM_PEERS_LATE_US, 1200, 2400),
         EXPECT(FROM_PEERS_OVERTAKEN, 2, 30)),
};

BENCH_MAIN("kinds_scheduling_test", rows)
