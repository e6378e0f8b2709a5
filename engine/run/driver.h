/* driver: plans nothing, decides everything: which attempt runs where, which one counts, what must be recomputed.
 *
 * An actor (id 0). It registers executors, launches attempts, commits each task once, notices losses and recomputes by lineage,
 * and ends with an outcome. See driver.c for its states and the protocol. */
#ifndef OD_RUN_DRIVER_H
#define OD_RUN_DRIVER_H

#include "engine/run/query.h"

/* Called once, from a driver handler, when the query has ended. `outcome` is moved to the callee. Executors have been told to stop;
 * the host may end the actors from now on. */
struct od_outcome_sink {
    void (*ended)(void *self, struct od_outcome *outcome);
    void *self;
};

/* `query` is borrowed and outlives the driver. The answer table comes from world->memory. */
enum od_status od_driver_new(struct od_world *world, const struct od_query *query,
                             struct od_outcome_sink sink, struct od_actor *actor_out, struct od_error *error);

#endif
