/* Goal: every kind of the clock takes effect, and nowhere else. Method: see kinds_bench.h. Each tick compares the clock with the true
 * time and sets a timer of 500 us, besides the one of 1 ms for the next tick. */
#include "chaos/kinds_bench.h"

#define AHEAD(ms)  EXPECT(CLOCK_AHEAD_US, (ms)*1000, (ms)*1000), ONE(CLOCK_BACK)
#define BEHIND(ms) EXPECT(CLOCK_BEHIND_US, (ms)*1000, (ms)*1000), ONE(CLOCK_BACK)
#define FAST       EXPECT(CLOCK_AHEAD_US, 9000, 10000), ONE(CLOCK_BACK)
#define SLOW       EXPECT(CLOCK_BEHIND_US, 9000, 10000)
#define STROBE     EXPECT(CLOCK_AHEAD_US, 50000, 50000), EXPECT(CLOCK_BACK, 4, 6)
#define FROZEN     EXPECT(CLOCK_BEHIND_US, 18500, 20000), EXPECT(CLOCK_EQUAL, 17, 20)
#define COARSE     EXPECT(CLOCK_BEHIND_US, 8500, 10000), EXPECT(CLOCK_EQUAL, 15, 19), EXPECT(CLOCK_BACK, 0, 1)
#define LATE       EXPECT(TIMER_LATE_US, 5000, 5100), EXPECT(TIMERS_OFF, 3, 4), EXPECT(GAP_US, 5950, 6100)
#define EARLY      EXPECT(TIMER_EARLY_US, 230, 250), EXPECT(TIMERS_OFF, 36, 42)

static const struct bench_row rows[] = {
    KIND("clock.jump_forward ms=200 for=20ms", AHEAD(200)),
    KIND("clock.jump_back ms=10 for=20ms", BEHIND(10)),
    KIND("clock.drift_fast for=20ms", FAST),
    KIND("clock.drift_slow for=20ms", SLOW),
    KIND("clock.strobe ms=50 for=20ms", STROBE),
    KIND("clock.freeze for=20ms", FROZEN),
    KIND("clock.coarse for=20ms", COARSE),
    KIND("clock.timers_late ms=5 for=20ms", LATE),
    KIND("clock.timers_early for=20ms", EARLY),
    KIND("clock.timer_twice", ONE(TIMERS_TWICE)),
    KIND("clock.timer_late for=50ms", EXPECT(TIMER_LATE_US, 50000, 50100), ONE(TIMERS_OFF)),
    KIND("clock.skew_ahead ms=30 for=never", EXPECT(CLOCK_AHEAD_US, 30000, 30000)),
    KIND("clock.skew_behind ms=1 for=never", EXPECT(CLOCK_BEHIND_US, 1000, 1000)),
    KIND_OF_DRIVER("clock.jump_forward ms=200 for=20ms", AHEAD(200)),
    KIND_OF_DRIVER("clock.jump_back ms=10 for=20ms", BEHIND(10)),
    KIND_OF_DRIVER("clock.drift_fast for=20ms", FAST),
    KIND_OF_DRIVER("clock.drift_slow for=20ms", SLOW),
    KIND_OF_DRIVER("clock.strobe ms=50 for=20ms", STROBE),
    KIND_OF_DRIVER("clock.freeze for=20ms", FROZEN),
    KIND_OF_DRIVER("clock.coarse for=20ms", COARSE),
    KIND_OF_DRIVER("clock.timers_late ms=5 for=20ms", LATE),
    KIND_OF_DRIVER("clock.timers_early for=20ms", EARLY),
};

BENCH_MAIN("kinds_clock_test", rows)
