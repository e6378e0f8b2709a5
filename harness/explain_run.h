/* explain_run: one run, read back from its events: which attempts its answer rests on, what they read, gave and wrote.
 *
 *   events + stage graph --od_traced_run_read--> attempts, each with the sums of its operators' outputs
 *                                            \-> flows: the blocks that an attempt read, or wrote
 *
 * Wants the events of a run with the option trace_operators; of several queries the last one is meant. Sums are of rows in any
 * order (H1's checksum). Private to explain*.c. */
#ifndef OD_HARNESS_EXPLAIN_RUN_H
#define OD_HARNESS_EXPLAIN_RUN_H

#include "engine/core/arena.h"
#include "harness/cluster.h"

struct od_row_sum {
    uint64_t rows;
    struct od_hash128 checksum;
};
static inline bool od_row_sum_equal(struct od_row_sum left, struct od_row_sum right)
{
    return left.rows == right.rows && od_hash128_equal(left.checksum, right.checksum);
}
static inline struct od_row_sum od_row_sum_add(struct od_row_sum left, struct od_row_sum right)
{
    return (struct od_row_sum){left.rows + right.rows, od_hash128_add(left.checksum, right.checksum)};
}

struct od_traced_attempt {
    uint32_t stage, task, attempt;
    uint32_t executor; /* where it was launched, last */
    uint64_t generation;        /* of its first launch */
    uint64_t other_generation;  /* of a later one under the same number; the same: none was */
    const struct od_event *launched;  /* the first time; NULL: the driver has forgotten, or found it in the cache */
    const struct od_event *committed; /* the last time; NULL: never */
    bool counts;                  /* the answer rests on it */
    struct od_row_sum output;     /* what it handed to the exchange */
    struct od_row_sum *operators; /* in printing order; NULL: it never told */
};

/* A block that was read, or written: then only `partition` and the sum are set. */
struct od_flow {
    uint32_t stage, task, attempt; /* who wrote it */
    uint32_t partition;
    struct od_row_sum sum;
};
struct od_flows {
    struct od_flow *items;
    uint32_t count;
};

struct od_traced_run {
    struct od_arena *arena;             /* borrowed: everything of this lives there */
    const struct od_stage_graph *graph; /* borrowed */
    const struct od_cluster_result *result; /* borrowed */
    uint32_t query;
    uint32_t *task_counts; /* by stage, as it ran */
    uint64_t *adapted;     /* by stage: how its reading was changed; 0: as planned */
    struct od_traced_attempt **attempts; /* in order of appearance */
    uint32_t attempt_count;
    uint32_t attempt_capacity;
    uint32_t collect; /* the number by which the driver read the answer last; its site has no stage */
};

/* NO_MEMORY. */
enum od_status od_traced_run_read(struct od_arena *arena, const struct od_stage_graph *graph,
                                  const struct od_cluster_result *result, struct od_traced_run *run_out,
                                  struct od_error *error);
/* NULL: no such attempt; the second: of a task, the first one that the answer rests on. */
struct od_traced_attempt *od_traced_find(const struct od_traced_run *run, uint32_t stage, uint32_t task, uint32_t attempt);
const struct od_traced_attempt *od_traced_counting(const struct od_traced_run *run, uint32_t stage, uint32_t task);
/* Blocks read by an attempt (NULL: by the driver, for the answer), and written by one, in the order of events. NO_MEMORY. */
enum od_status od_traced_reads(const struct od_traced_run *run, const struct od_traced_attempt *attempt,
                               struct od_flows *flows_out, struct od_error *error);
enum od_status od_traced_writes(const struct od_traced_run *run, const struct od_traced_attempt *attempt,
                                struct od_flows *flows_out, struct od_error *error);

#endif
