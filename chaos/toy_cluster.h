/* toy_cluster: the smallest cluster that reaches every fault point, to prove hosts and kinds of faults with.
 *
 *   driver             executor e (1..3)
 *      <---- HELLO -----   at its start, when it has written a file of notes; both tick every millisecond
 *      ----- WORK ----->   TASK_START, 3 times TASK_STEP and SCAN_READ, memory, BLOCK_WRITE, disk, TASK_END, disk,
 *      <---- RESULT ----   BLOCK_SERVE, BLOCK_RECEIVE, the notes are there, (sent), TASK_REPORTED
 *      <---- FAILED ----   instead, when a point fails the task or the notes are gone
 *
 *      <---- SALUTE ---->  one of each role, when a result was sent, and when it was received
 *
 * The bytes of a result pass BLOCK_RECEIVE, BLOCK_WRITE and BLOCK_SERVE of the driver, then it is counted, between COMMIT and
 * COMMITTED. The driver keeps a journal of OD_TOY_RECORD_BYTES per result: JOURNAL_WRITE, disk, JOURNAL_SYNC, sync; each life of it
 * looks how long that is. It notes the orders it is given.
 *
 * The work of executor e is query 0, stage 0, task e - 1, attempt 0. A killed actor tries to misbehave:
 * it sends, sets a timer, goes on; none of this may have an effect. Each actor notes only in its own seat,
 * so that threads need no lock. */
#ifndef OD_CHAOS_TOY_CLUSTER_H
#define OD_CHAOS_TOY_CLUSTER_H

#include "engine/world/world.h"

#define OD_TOY_EXECUTORS   3
#define OD_TOY_BLOCK_BYTES 64
#define OD_TOY_STEPS       3
#define OD_TOY_SEATS        (OD_TOY_EXECUTORS + 2) /* the driver, and one executor that may be added */
#define OD_TOY_RECORD_BYTES 10

enum od_toy_message { OD_TOY_HELLO = 1, OD_TOY_WORK, OD_TOY_RESULT, OD_TOY_FAILED, OD_TOY_GHOST, OD_TOY_SALUTE };

/* Messages of one role. */
struct od_toy_salute {
    uint32_t count;
    uint64_t last_ns;
};

/* What happened at one executor; the second half is noted by the driver. */
struct od_toy_seat {
    uint32_t lives;
    uint32_t frees;
    uint32_t gone_answers;    /* EXECUTOR_GONE from a point */
    uint32_t gone_lapses;     /* a dead executor's point that did not answer EXECUTOR_GONE; must stay 0 */
    uint32_t ghost_timers;    /* must stay 0 */
    uint32_t ticks;           /* of all lives */
    uint64_t last_tick_ns;    /* of any life */
    uint64_t longest_gap_ns;  /* between two ticks or starts */
    struct od_error failure;  /* the last one of a point */
    uint32_t work_bytes_lost; /* WORK that came without its body; must stay 0 */
    struct od_toy_salute salutes[OD_ROLE_COUNT];

    struct {
        uint32_t hellos;
        uint32_t results;
        uint32_t failures;
        uint32_t ghosts;       /* must stay 0 */
        uint32_t flipped_bits; /* in the last result, against the pattern */
        uint32_t cut_bytes;    /* likewise */
        uint64_t first_result_ns;
        uint64_t last_result_ns;
        struct od_toy_salute salutes[OD_ROLE_COUNT];
    } driver;
};

struct od_toy {
    struct od_toy_seat
        seats[OD_TOY_SEATS]; /* by actor id; the driver's: lives, frees, gone_*, failure, ticks, ghost_timers */
    uint64_t journal_bytes;  /* that the driver's last life found */
    uint32_t order_count;
    struct od_order order;                          /* the last one */
    uint64_t stop_at_ns;                            /* the driver then calls `stop`; 0: never */
    void (*stop)(void *self);
    void *stop_self;
    bool leaks; /* executors then keep a block and a file open */
};

/* `toy` outlives the host. */
struct od_actor_factory od_toy_factory(struct od_toy *toy);

#endif
