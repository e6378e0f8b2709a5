/* subject: the system under test, as properties see it. harness/ implements it with the engine under chaos.
 *
 * One trial: a case is drawn (tables, plan, cluster), the subject runs plans over the case's tables,
 * disturbed or not, and a property compares what it observes. Properties never see an engine type beyond
 * data, plan and event headers. */
#ifndef OD_PROPERTIES_SUBJECT_H
#define OD_PROPERTIES_SUBJECT_H

#include "engine/plan/logical.h"
#include "engine/world/event.h"

/* The cluster and the limits a case is run with; plain numbers that the harness maps to the engine's options.
 * */
struct od_case_cluster {
    uint32_t executor_count;     /* 1..5 */
    uint32_t slots_per_executor; /* 1..3 */
    uint32_t batch_rows;         /* 1, 2, 7, 49, 1024 */
    uint32_t partition_count;    /* 1..6 */
    uint32_t scan_task_count;    /* 1..6 */
    uint32_t rules_off;          /* bits, as od_plan_options */
    uint32_t join_strategy;      /* 0 choose, 1 broadcast, 2 partitioned */
    bool compress;               /* zstd blocks */
    bool via_sql;                /* the plan goes through its SQL text, parser and binder */
    uint64_t seed;               /* of the simulation */
};

struct od_run_request {
    const struct od_plan *plan;
    const char *sql; /* rendered from the plan; used when cluster->via_sql */
    const struct od_case_cluster *cluster;
    bool disturbed; /* under the case's schedule, else undisturbed */
};

/* What a run showed. All memory is the subject's, valid until its next _reset. */
struct od_observation {
    enum od_status status; /* OK: `answer`; else `error` */
    struct od_error error;
    const struct od_table *answer;
    const struct od_event *events;
    uint32_t event_count;
    uint64_t digest;
    uint64_t virtual_ns;
    uint32_t faults_fired;
    bool
        /* the schedule could use up the retry budget: failing with RETRIES_EXHAUSTED is right then */
        may_exhaust;
    bool ended;      /* false: the run did not end within its bound of virtual time (F10) */
    uint64_t leaked; /* memory blocks, files and descriptors left after the end (F5) */
};

struct od_subject {
    /* NO_MEMORY and the like are the harness' trouble, not findings; what the engine answers is in the
     * observation. */
    enum od_status (*run)(void *self, const struct od_run_request *request,
                          struct od_observation *observation_out, struct od_error *error);
    void *self;
};

#endif
