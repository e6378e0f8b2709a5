/* executor: runs task attempts, keeps their output blocks on its disk, serves them to readers. An actor (ids 1..N). */
#ifndef OD_RUN_EXECUTOR_H
#define OD_RUN_EXECUTOR_H

#include "engine/run/query.h"

/* All is borrowed and outlives the executor. */
enum od_status od_executor_new(struct od_world *world, const struct od_cluster_options *options,
                               const struct od_query_catalog *catalog, struct od_actor *actor_out,
                               struct od_error *error);

#endif
