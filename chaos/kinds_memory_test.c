/* Goal: every kind of memory takes effect, and nowhere else. Method: see kinds_bench.h. Each tick takes 100 bytes and then 100 KiB. */
#include "chaos/kinds_bench.h"

static const struct bench_row rows[] = {
    KIND("memory.refused", ONE(REFUSED_SMALL)),
    KIND("memory.limit limit=64 for=20ms", TICKS_OF_STATE(REFUSED_BIG)),
};

BENCH_MAIN("kinds_memory_test", rows)
