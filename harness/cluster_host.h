/* cluster_host: what cluster.c hands to the two hosts. Private to cluster*.c. */
#ifndef OD_HARNESS_CLUSTER_HOST_H
#define OD_HARNESS_CLUSTER_HOST_H

#include "harness/cluster.h"

struct od_cluster_host {
    const struct od_cluster_request *request;
    struct od_memory *memory;
    struct od_cluster_result *result;
    struct od_query query;
    struct od_query again; /* the same, under another number; query_id 0: it has not begun */
    struct od_actor driver;
    struct od_query_catalog catalog; /* of that one */
    uint64_t until_ns;
    struct od_actor_factory factory;
    struct od_trace trace; /* ops NULL when nobody wants events */
    struct od_world *driver_world; /* set when the driver is made */
    void (*stop)(void *self);      /* set by the host before it runs: ends the run from within a handler */
    void *stop_self;
    bool (*driver_lives)(void *self); /* likewise, and with the same self: what a dead driver says is not heard */
};

enum od_status od_cluster_run_sim(struct od_cluster_host *host, struct od_error *error);
enum od_status od_cluster_run_threads(struct od_cluster_host *host, struct od_error *error);

#endif
