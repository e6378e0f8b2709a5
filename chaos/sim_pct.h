/* sim_pct: who is heard first is a matter of random priorities, a few of which change ("A randomized scheduler with probabilistic
 * guarantees of finding bugs", Burckhardt et al., ASPLOS 2010: PCT). Inside chaos/ only.
 *
 *   each actor has a priority; a message waits as long as one of an actor of higher priority arrives within a latency from now
 *   depth d: at d - 1 messages, drawn among the first k, the sender's priority becomes the lowest so far
 *
 * A bug of depth d needs d orderings to hold at once; random latencies give each of them with a chance of its own, d - 1 change points
 * give all at once. k, which the paper takes to be known, is drawn too: a power of two. Draws from a stream of its own: without
 * it (depth 0) nothing is otherwise. */
#ifndef OD_CHAOS_SIM_PCT_H
#define OD_CHAOS_SIM_PCT_H

#include "chaos/sim.h"
#include "chaos/sim_queue.h"

struct od_sim_pct {
    struct od_memory *memory; /* borrowed */
    uint32_t depth;           /* 0: off */
    uint32_t actor_count;
    uint32_t *priorities; /* owned; by actor, all different; greater ones are heard first */
    uint64_t changes[OD_SIM_PCT_DEPTH_MAX - 1]; /* numbers of messages, ascending */
    uint32_t next_change;
    uint64_t heard;       /* messages */
    uint64_t window_ns;
};

/* depth 0..OD_SIM_PCT_DEPTH_MAX. NO_MEMORY. */
enum od_status od_sim_pct_init(struct od_sim_pct *pct, struct od_memory *memory, uint32_t depth, uint32_t actor_count,
                               uint64_t seed, uint64_t window_ns);
void od_sim_pct_release(struct od_sim_pct *pct); /* zeroed is fine */
/* True: the event, which was popped and is due now, has been put back behind one that comes first. */
bool od_sim_pct_puts_off(struct od_sim_pct *pct, struct od_sim_queue *queue, uint32_t event_index, uint64_t now_ns);

#endif
