/* subject: the system under test, as properties see it. harness/ implements it with the engine under chaos.
 *
 * One trial: a case is drawn (tables, plan, cluster), the subject runs plans over the case's tables,
 * disturbed or not, and a property compares what it observes. Properties never see an engine type beyond
 * data, plan and event headers. */
#ifndef OD_PROPERTIES_SUBJECT_H
#define OD_PROPERTIES_SUBJECT_H

#include "engine/plan/physical.h"
#include "engine/world/event.h"

/* The cluster and the limits a case is run with; plain numbers that the harness maps to the engine's options.
 * */
struct od_case_cluster {
    uint32_t executor_count;     /* 1..5 */
    uint32_t slots_per_executor; /* 1..3 */
    uint32_t batch_rows;         /* 1, 2, 7, 49, 1024 */
    uint32_t partition_count;    /* 1..16 */
    uint32_t scan_task_count;    /* 1..6 */
    uint32_t rules_off;          /* bits, as od_plan_options */
    uint32_t join_strategy;      /* 0 choose, 1 broadcast, 2 partitioned */
    bool compress;               /* zstd blocks */
    bool via_sql;                /* the plan goes through its SQL text, parser and binder */
    uint64_t seed;               /* of the simulation */
    uint32_t join_algorithm;     /* 0 choose, 1 hash, 2 merge, 3 nested loop */
    uint64_t operator_bytes;     /* rows that an operator holds before it spills them; 0: all */
    bool collide;                /* all hashes of keys are 0 */
    bool arrival_order;          /* blocks are read as they arrive */
    uint64_t partition_bytes;    /* that a task should read; 0: tasks read as planned */
    uint64_t broadcast_bytes;    /* sides up to this are read by every task */
    uint32_t backlog;            /* 0..3: attempts that wait on an executor, for each of its slots */
    bool eager;                  /* second attempts run soon */
    bool touchy;                 /* one failure excludes an executor for a while */
    bool twice; /* never drawn: the query runs twice on one cluster that caches what it can; the second run is the one that counts */
};

struct od_run_request {
    const struct od_plan *plan;
    const char *sql; /* used when cluster->via_sql; NULL: the subject renders the plan */
    const struct od_case_cluster *cluster;
    bool disturbed; /* under the case's schedule, else undisturbed */
    /* Not to be run when this case has been run by the same stages on the same cluster: `known` of the observation. */
    bool only_new;
};

/* What a run showed. All memory is the subject's, valid until its next _reset. */
struct od_observation {
    enum od_status status; /* OK: `answer`; else `error` */
    struct od_error error;
    const struct od_table *answer;
    const struct od_stage_graph *graph; /* whose run it was; borrowed; NULL: not told */
    const struct od_event *events;
    uint32_t event_count;
    uint64_t digest;
    uint64_t virtual_ns;
    uint32_t faults_fired;
    bool
        /* the faults that fired could use up the retry budget: failing with that, or with what failed last, is right then */
        may_exhaust;
    bool was_cancelled; /* a fault asked the driver to end the query: failing with CANCELLED is right then */
    bool may_fail; /* a fault fired under which any typed error is right, if nothing was committed */
    bool ended;      /* false: the run did not end within its bound of virtual time (F10) */
    bool known;      /* nothing was run: see only_new */
    uint64_t leaked; /* memory blocks, files and descriptors left after the end (F5) */
};

struct od_case;
struct od_finding;
/* What our engine says to a statement, before others are asked. */
struct od_statement_outcome {
    enum od_status status; /* BAD_INPUT, EVALUATION, or OK and `answer` */
    const char *text;      /* of the error */
    const struct od_plan *plan; /* NULL: BAD_INPUT */
    const struct od_answer *answer;
};

struct od_subject {
    /* NO_MEMORY and the like are the harness' trouble, not findings; what the engine answers is in the
     * observation. */
    enum od_status (*run)(void *self, const struct od_run_request *request,
                          struct od_observation *observation_out, struct od_error *error);
    void *self;
    /* For statements in SQL; NULL where none are. The plan lives as long as the case; what the engine says to the text is the
     * status. */
    enum od_status (*bind)(void *self, const struct od_case *test_case, const struct od_plan **plan_out,
                           struct od_error *error);
    /* Asks the other engines, and the model where it is asked for; differences are findings. */
    enum od_status (*ask_others)(void *self, const struct od_case *test_case,
                                 const struct od_statement_outcome *outcome, struct od_finding *finding,
                                 struct od_error *error);
};

#endif
