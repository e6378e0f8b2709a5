/* Goal: every kind of storage takes effect, and nowhere else. Method: see kinds_bench.h. A probing executor writes a file of 1024
 * bytes in a tick, syncs it, reads it twice and removes it: at the 20th tick one such call meets the fault. */
#include "chaos/kinds_bench.h"

#define STATUS(name) EXPECT(DISK_STATUS, OD_##name, OD_##name)

static const struct bench_row rows[] = {
    KIND("storage.read_error", ONE(FAILED_READ), STATUS(IO)),
    KIND("storage.write_error", ONE(FAILED_WRITE), STATUS(IO)),
    KIND("storage.sync_error", ONE(FAILED_SYNC), STATUS(IO)),
    KIND("storage.create_error", ONE(FAILED_CREATE), STATUS(IO)),
    KIND("storage.open_error", ONE(FAILED_OPEN), STATUS(IO)),
    KIND("storage.remove_error", ONE(FAILED_REMOVE), STATUS(IO), EXPECT(FILES_LEFT, 5, 5)),
    KIND("storage.file_missing", ONE(FAILED_OPEN), STATUS(MISSING)),
    KIND("storage.short_write", ONE(FAILED_WRITE), STATUS(IO), EXPECT(KEPT_BYTES, 512, 512)),
    KIND("storage.short_read", ONE(FAILED_READ), STATUS(CORRUPT)),
    KIND("storage.torn_write", EXPECT(SHORT_BYTES, 512, 512)),
    KIND("storage.lost_write", EXPECT(SHORT_BYTES, 1024, 1024)),
    KIND("storage.misdirected_write by=100", EXPECT(LONG_BYTES, 100, 100), EXPECT(WRONG_BITS, 1000, 7000),
         EXPECT(WRONG_BITS_AGAIN, 1000, 7000)),
    KIND("storage.misdirected_read by=100", EXPECT(WRONG_BITS, 1000, 7000)),
    KIND("storage.bit_rot bit=8191", ONE(WRONG_BITS), ONE(WRONG_BITS_AGAIN)),
    KIND("storage.read_flip bit=77", ONE(WRONG_BITS)),
    KIND("storage.stale_read", EXPECT(WRONG_BITS, 3000, 5000)),
    KIND("storage.latency for=50ms", STANDS_STILL),
    KIND("storage.full for=20ms", TICKS_OF_STATE(FAILED_WRITE), TICKS_OF_STATE(HELD_WRITE), STATUS(IO)),
    KIND("storage.read_only for=20ms", TICKS_OF_STATE(FAILED_CREATE), TICKS_OF_STATE(HELD_WRITE), STATUS(IO)),
    KIND("storage.no_descriptors for=20ms", TICKS_OF_STATE(FAILED_CREATE), TICKS_OF_STATE(HELD_OPEN),
         STATUS(IO)),
    KIND("storage.dead for=20ms", TICKS_OF_STATE(FAILED_CREATE), TICKS_OF_STATE(HELD_WRITE),
         TICKS_OF_STATE(HELD_READ), TICKS_OF_STATE(HELD_OPEN), STATUS(IO)),
};

BENCH_MAIN("kinds_storage_test", rows)
