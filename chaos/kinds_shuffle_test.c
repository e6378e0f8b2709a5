/* Goal: every kind of the shuffle takes effect, and nowhere else. Method: see kinds_bench.h. Each tick of an executor writes, serves
 * and receives a block of 128 bytes, all different from the tick before, and sends a note to both of its peers. */
#include "chaos/kinds_bench.h"

#define STATUS(name) ONE(POINTS_FAILED), EXPECT(POINT_STATUS, OD_##name, OD_##name)

static const struct bench_row rows[] = {
    KIND("shuffle.block_missing", STATUS(MISSING)),
    KIND("shuffle.block_bit_flip bit=1000", ONE(BLOCK_BITS)),
    KIND("shuffle.block_truncated cut=9", EXPECT(BLOCK_CUT, 9, 9)),
    KIND("shuffle.block_zeroed", EXPECT(BLOCK_BITS, 350, 650)),
    KIND("shuffle.block_empty", EXPECT(BLOCK_CUT, 128, 128)),
    KIND("shuffle.block_header bit=1000", ONE(BLOCK_BITS)),
    KIND("shuffle.block_swapped_bytes", EXPECT(BLOCK_BITS, 2, 16)),
    KIND("shuffle.block_of_another", ONE(BLOCK_OTHERS)),
    KIND("shuffle.block_unreadable", STATUS(IO)),
    KIND("shuffle.serve_slow for=50ms", STANDS_STILL),
    KIND("shuffle.fetch_lost", ONE(TO_PEERS_LOST)),
    KIND("shuffle.fetch_late for=5ms", ONE(TO_PEERS_LATE), ONE(TO_PEERS_OVERTAKEN),
         EXPECT(TO_PEERS_LATE_US, 5000, 5300)),
    KIND("shuffle.fetch_twice for=5ms", ONE(TO_PEERS_TWICE), ONE(TO_PEERS_LATE), ONE(TO_PEERS_OVERTAKEN),
         EXPECT(TO_PEERS_LATE_US, 5000, 5300)),
    KIND("shuffle.fetch_refused", STATUS(UNREACHABLE)),
};

BENCH_MAIN("kinds_shuffle_test", rows)
