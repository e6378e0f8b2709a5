/* cluster: one query on one cluster: the reference engine as a system under test, in any deployment.
 *
 *   stage graph + options + schedule --od_cluster_run--> outcome, events, facts
 *
 * `sim` is chaos/sim: virtual time, deterministic. `threads` is a thread an actor with real time and real files. `processes` is a
 * process an actor (cluster_processes.h). The same driver and executor objects run in all. Nothing of the
 * cluster lives on after the call, but for processes that were there before; the result owns what it shows. */
#ifndef OD_HARNESS_CLUSTER_H
#define OD_HARNESS_CLUSTER_H

#include "chaos/sim.h"
#include "chaos/wrap_calls.h"
#include "engine/run/query.h"

enum od_deployment { OD_DEPLOY_SIM, OD_DEPLOY_THREADS, OD_DEPLOY_PROCESSES, OD_DEPLOYMENT_COUNT };
const char *od_deployment_text(enum od_deployment deployment);

/* Leaves out the kinds that change nothing in a deployment: those that need the simulation, and in processes executor.add, as every place
 * is taken from the start. */
void od_deployment_limit_kinds(enum od_deployment deployment, struct od_fault_kinds *kinds);

struct od_processes;
struct od_cluster_request {
    const struct od_stage_graph *graph;
    struct od_run_options options;
    const struct od_schedule *schedule; /* NULL: undisturbed */
    enum od_deployment deployment;
    uint64_t seed;
    uint64_t until_ns;     /* bound on the run beyond options.deadline_ns; 0: twice the deadline */
    struct od_processes *processes; /* cluster_processes.h: the cluster to run on; NULL: one for this query alone */
    const char *directory; /* threads: where executors keep their files; made and emptied here. NULL for sim */
    uint32_t pct_depth; /* sim: of od_sim_options */
    bool keep_events;
    bool twice; /* sim and threads: when it has an answer it runs again, on the same cluster; that run's outcome counts */
    struct od_trace trace;           /* told every event when it happens; ops NULL: nobody listens */
    struct od_sim_listener listener; /* sim: told of the points that are reached */
    struct od_sim_stepper stepper;   /* sim: told of every event of its queue */
    struct od_wrap_calls *calls;     /* sim: goes around every actor's world; NULL: nothing does */
    /* sim and threads: sees every life's world before the actor is made, and may put itself around it. NULL: nobody looks */
    void (*dress)(void *self, struct od_world *world);
    void *dress_self;
    struct od_memory *answer_memory; /* what the result is made of; NULL: the memory of the call */
    bool (*is_over)(void *self); /* sim: asked now and then; true leaves the query unended. NULL: nobody asks */
    void *is_over_self;
    /* sim: asked at every event, within the handler that it happens in; true ends the run behind that handler, unended. `driver` is NULL
     * while it is dead. NULL: nobody asks. */
    bool (*stops_at)(void *self, const struct od_event *event, const struct od_actor *driver);
    void *stops_at_self;
};

struct od_cluster_result {
    struct od_memory *memory; /* borrowed: what the result is made of */
    bool ended;               /* false: neither an answer nor an error came within the bound */
    struct od_outcome outcome;
    struct od_event *events; /* owned */
    uint32_t event_count;
    uint32_t event_capacity;
    bool events_cut; /* memory was refused while recording */
    uint64_t digest; /* sim only */
    uint64_t elapsed_ns; /* virtual in sim, real in threads */
    uint64_t sim_events;
    uint32_t fault_count;
    uint32_t *fired; /* owned; per fault of the schedule */
    uint32_t faults_fired;
    uint64_t leaked; /* memory blocks, open files and files left behind after the end */
};

/* Needs a resolved or zero-default options. NO_MEMORY or IO; BAD_INPUT for a fault that changes nothing in the deployment; what
 * becomes of the query is in result_out->outcome. */
enum od_status od_cluster_run(struct od_memory *memory, const struct od_cluster_request *request,
                              struct od_cluster_result *result_out, struct od_error *error);
void od_cluster_result_release(struct od_cluster_result *result); /* zeroed is fine */
/* What a schedule for this graph can be aimed at, with every kind that a query may survive in the deployment; the arrays live
 * in `arena`. */
enum od_status od_cluster_shape(struct od_arena *arena, const struct od_stage_graph *graph, uint32_t executor_count,
                                enum od_deployment deployment, struct od_schedule_shape *shape_out, struct od_error *error);

#endif
