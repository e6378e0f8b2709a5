/* node_faults: the schedule of faults of a cluster of processes, armed in one of them (chaos/wrap_process.h). */
#ifndef OD_HARNESS_NODE_FAULTS_H
#define OD_HARNESS_NODE_FAULTS_H

#include "chaos/wrap_process.h"
#include "engine/world/posix_net.h"
#include "harness/arguments.h"

#define OD_NODE_FAULTS_OPTIONS                                                                               \
    {"faults", "FILE", "a schedule of faults to obey, as --faults of run", false},                           \
    {                                                                                                        \
        "board", "FILE", "with --faults: what the processes of the cluster share of it, made by the supervisor", false \
    }

struct od_node_faults {
    struct od_arena arena;
    struct od_schedule schedule;
    struct od_fault_board *board; /* owned; NULL: no faults */
    struct od_wrap_process wrap;
    struct od_node **node; /* borrowed: where the node will be */
};

/* Reads the options above. `node` is where the program keeps its node; `actor_count` is the cluster's. BAD_INPUT, CORRUPT, MISSING,
 * NO_MEMORY; may be released then. */
enum od_status od_node_faults_read(struct od_node_faults *faults, const struct od_arguments *arguments,
                                   uint32_t actor_count, struct od_node **node, struct od_error *error);
/* Puts the wrappers around the actor's world, before the actor is made; nothing without --faults. */
void od_node_faults_dress(struct od_node_faults *faults, struct od_world *world);
/* After the node is gone. A zeroed one is fine. */
void od_node_faults_release(struct od_node_faults *faults);

#endif
