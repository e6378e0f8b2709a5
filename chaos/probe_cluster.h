/* probe_cluster: a cluster that makes every call across the seam once a millisecond, and notes what became of each. It shows what a
 * fault does, and what it leaves alone.
 *
 *   driver <--- NOTE ---> executor 1..3 <--- NOTE ---> executors      each tick: to all others, numbered
 *   each tick of each actor: looks at the clock; takes memory; makes, writes, syncs, reads twice and removes a file; writes, reads and
 *     opens another, which it holds open all the time; sets a timer
 *   each tick of an executor is one attempt of its task: all points of tasks and blocks, in the engine's order
 *
 * The work of executor e is query 0, stage 0, task e - 1; the attempt is the number of the tick. Notes carry that site. What an
 * actor notes outlives it. One thread. */
#ifndef OD_CHAOS_PROBE_CLUSTER_H
#define OD_CHAOS_PROBE_CLUSTER_H

#include "engine/world/world.h"

#define OD_PROBE_ACTORS      4
#define OD_PROBE_TICK_COUNT  60 /* at most 64 */
#define OD_PROBE_TICK_NS     UINT64_C(1000000)
#define OD_PROBE_FILE_BYTES  1024
#define OD_PROBE_BLOCK_BYTES 128
#define OD_PROBE_NOTE_BYTES  1000

/* Sums over all ticks, but for those that say otherwise. Of calls that go well all is 0, but for TICKS and LIVES, and GAP_US. */
#define OD_PROBE_FACT_LIST(X)                                                                                \
    X(LIVES, "lives")                                                                                        \
    X(TICKS, "ticks")                                                                                        \
    X(GAP_US, "longest gap between ticks, us")                                                               \
    X(POINTS_FAILED, "points failed")                                                                        \
    X(POINT_STATUS, "status of the last of these")                                                           \
    X(BLOCK_BITS, "wrong bits in blocks")                                                                    \
    X(BLOCK_CUT, "bytes missing in blocks")                                                                  \
    X(BLOCK_OTHERS, "blocks that are the one before")                                                        \
    X(REFUSED_SMALL, "refusals of 100 bytes")                                                                \
    X(REFUSED_BIG, "refusals of 100 KiB")                                                                    \
    X(FAILED_CREATE, "failed creates")                                                                       \
    X(FAILED_WRITE, "failed writes")                                                                         \
    X(FAILED_SYNC, "failed syncs")                                                                           \
    X(FAILED_OPEN, "failed opens")                                                                           \
    X(FAILED_READ, "failed reads")                                                                           \
    X(FAILED_REMOVE, "failed removes")                                                                       \
    X(DISK_STATUS, "status of the last failure of the disk")                                                 \
    X(KEPT_BYTES, "bytes of files whose write failed")                                                       \
    X(SHORT_BYTES, "bytes missing in files")                                                                 \
    X(LONG_BYTES, "bytes too many in files")                                                                 \
    X(WRONG_BITS, "wrong bits read")                                                                         \
    X(WRONG_BITS_AGAIN, "wrong bits read the second time")                                                   \
    X(HELD_WRITE, "failed writes to a file held open")                                                       \
    X(HELD_READ, "failed reads of a file held open")                                                         \
    X(HELD_OPEN, "failed opens of a file held open")                                                         \
    X(CLOCK_AHEAD_US, "most that the clock was ahead, us")                                                   \
    X(CLOCK_BEHIND_US, "most that the clock was behind, us")                                                 \
    X(CLOCK_BACK, "times the clock went back")                                                               \
    X(CLOCK_EQUAL, "times the clock had not moved")                                                          \
    X(TIMER_EARLY_US, "most that a timer was early, us")                                                     \
    X(TIMER_LATE_US, "most that a timer was late, us")                                                       \
    X(TIMERS_OFF, "timers early or late")                                                                    \
    X(TIMERS_TWICE, "timers that came twice")

enum od_probe_fact {
#define X(name, text) OD_PROBE_##name,
    OD_PROBE_FACT_LIST(X)
#undef X
        OD_PROBE_FACT_COUNT
};

/* Of the notes from one actor to another. */
struct od_probe_link {
    uint64_t seen; /* a bit a number */
    uint32_t twice;
    uint32_t overtaken; /* came behind one sent later */
    uint32_t late;      /* by more than late_limit_us */
    uint64_t late_us;   /* the latest */
    uint32_t next;      /* the highest number, + 1 */
};

struct od_probe {
    uint64_t facts[OD_PROBE_ACTORS][OD_PROBE_FACT_COUNT];
    struct od_probe_link links[OD_PROBE_ACTORS][OD_PROBE_ACTORS]; /* [from][to] */
    uint64_t timers_seen[OD_PROBE_ACTORS];
    uint64_t timers_due_ns[OD_PROBE_ACTORS][OD_PROBE_TICK_COUNT];
    uint64_t last_tick_ns[OD_PROBE_ACTORS];
    uint64_t last_shown_ns[OD_PROBE_ACTORS];
    uint64_t late_limit_us;
    uint64_t (*true_ns)(void *self); /* the time that no fault changes */
    void *true_self;
};

/* `probe` outlives the host. */
struct od_actor_factory od_probe_factory(struct od_probe *probe);

#endif
