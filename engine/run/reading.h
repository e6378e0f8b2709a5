/* reading: what each task of a stage reads, chosen once when all that it reads is written and its size is known.
 *
 *   input      map tasks 0 1 2 3          a range: map tasks [map_first, map_end) x partitions [part_first, part_end)
 *     part 0   . . . .                    read in order of (map task, partition)
 *     part 1   . . . .   planned:   task t reads partition t of every map task, of each parted input
 *     part 2   # # # #   coalesced: one task reads partitions 0 and 1
 *                        split:     two tasks read partition 2, of map tasks 0-1 and 2-3; both read all of the other inputs' part 2
 *                        broadcast: a task for each map task of the one input, with all its partitions; each reads the others whole
 *
 * Which of this is allowed says the plan (plan/adaptable.c); which of it pays, the sizes:
 *   target      what a task should read: options.partition_bytes, less where that leaves slots without a task, but not so little
 *               that starting it costs more than it does
 *   coalesced   neighbours, while they fit the target together
 *   split       a partition of an input that is more than SKEW times the mean of its others, and twice the target; cut between map
 *               tasks, into pieces of about the target
 *   broadcast   when the others together are at most options.broadcast_bytes, and reading them for each map task moves less than half
 *               of the bytes that then can be read where they lie
 * A pure function of plan, sizes and options. The choice stays, whatever is computed again later. */
#ifndef OD_RUN_READING_H
#define OD_RUN_READING_H

#include "engine/run/query.h"

struct od_read_range {
    uint32_t map_first;
    uint32_t map_end;
    uint32_t part_first;
    uint32_t part_end;
};

struct od_reading {
    uint32_t task_count;
    uint32_t adapted; /* bits 1 << enum od_adaptation */
    struct od_read_range *ranges; /* by task, then by input */
};

/* What is known of the inputs of a stage, by input_index. */
struct od_reading_sizes {
    uint32_t (*map_count)(const void *self, uint32_t input);
    uint64_t (*bytes)(const void *self, uint32_t input, uint32_t map_task, uint32_t partition);
    const void *self;
};

/* May what its tasks read be other than planned? */
bool od_reading_may_change(const struct od_query *query, const struct od_stage *stage);
/* In `arena`, which also takes what is only used here. NO_MEMORY. */
enum od_status od_reading_choose(const struct od_query *query, const struct od_stage *stage,
                                 const struct od_reading_sizes *sizes, struct od_arena *arena,
                                 struct od_reading *reading_out, struct od_error *error);

#endif
