/* driver: plans nothing, decides everything: which attempt runs where, which one counts, what must be recomputed.
 *
 * An actor (id 0). It registers executors and runs any number of queries on them at once: launches attempts, commits each task
 * once, notices losses and recomputes by lineage, fetches the answer, ends with an outcome. See driver.c for its states and the
 * protocol.
 *
 * Its host asks by od_driver_submit and by orders (world.h: cancel a query, decommission an executor); these are like handlers:
 * one call at a time. */
#ifndef OD_RUN_DRIVER_H
#define OD_RUN_DRIVER_H

#include "engine/run/query.h"

/* Called when a query has ended, from a driver handler; once in a life of the driver, but again in the next one when this life
 * ends before the query's journal is gone: whoever keeps outcomes keeps one a query. `outcome` is moved to the callee, which
 * may submit more, and must not end the driver's life within the call. */
struct od_outcome_sink {
    void (*ended)(void *self, uint32_t query_id, struct od_outcome *outcome);
    void *self;
};

/* `options` are resolved, borrowed, and outlive the driver. Answer tables come from world->memory. */
enum od_status od_driver_new(struct od_world *world, const struct od_cluster_options *options,
                             struct od_outcome_sink sink, struct od_actor *actor_out, struct od_error *error);
/* Begins a query, or sees to it that it begins when the driver starts; with a journal (query.h) that an earlier life of the driver
 * has left, it goes on from there. `query` is borrowed until its outcome was told or the
 * driver is freed. After a failure (NO_MEMORY; IO, CORRUPT, UNSUPPORTED: the journal)
 * nothing has begun, and the sink hears nothing; after NO_MEMORY and IO it may be tried again. */
enum od_status od_driver_submit(const struct od_actor *driver, const struct od_query *query,
                                struct od_error *error);

/* Appends what the driver knows now, for people: who lives, where each task is, what waits. False: the buffer has failed. */
bool od_driver_print(const struct od_actor *driver, struct od_buffer *text);

#endif
