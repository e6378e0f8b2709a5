/* session_engine: a session (engine/sql/session.h) whose plans run on a cluster of the reference engine.
 *
 * `ordeal sql` and `ordeal slt` are two faces of it. Every query is a cluster of its own: made, run, taken
 * down; but for processes, which are one cluster for the session. */
#ifndef OD_HARNESS_SESSION_ENGINE_H
#define OD_HARNESS_SESSION_ENGINE_H

#include "engine/sql/session.h"
#include "harness/arguments.h"
#include "harness/cluster.h"
#include "harness/event_write.h"
#include "harness/memory_limit.h"
#include "harness/knobs.h"
#include "harness/slt.h"
#include "reports/record.h"

/* What the command line says about where queries run. */
struct od_session_options {
    struct od_plan_options plan;
    struct od_cluster_request request; /* without graph and directory */
    struct od_memory_limit memory;     /* a share: each query runs twice, the first time to measure */
    uint64_t time_limit_s;             /* of a query in sim; 0: none */
    struct od_arena *arena;            /* of the schedule, the caller's */
    struct od_schedule schedule;
};
/* The rows of a command's options that od_session_options_read reads. */
#define OD_SESSION_OPTIONS                                                                                   \
    {"deploy", "D", "sim (default), threads or processes", false},                                                      \
        {"executors", "N", "how many executors (default 3)", false},                                         \
        {"partitions", "N", "reduce partitions of an exchange (default 4)", false},                          \
        {"batch", "N", "rows a batch (default 1024)", false},                                                \
        {"seed", "N", "of the simulation's interleaving (default 1)", false},                                \
        {"faults", "FILE", "a schedule of faults that every query meets", false},                            \
        {"rules-off", "RULE,...", "optimizer rules to switch off", false},                                   \
        {"join", "HOW", "force, where it can be done: hash, merge, nested-loop", false},                     \
        {"spread", "HOW", "force how the sides of joins meet: broadcast, partitioned", false},               \
        {"memory", "BYTES|Nx", "rows a query holds before it spills them; 0.1x: of what it holds without", false}, \
        {"operator-memory", "BYTES", "rows an operator holds before it spills them (default: any number)",   \
         false},                                                                                             \
        OD_KNOB_OPTION,                                                                                      \
    {                                                                                                        \
        "collide", NULL, "let all hashes of keys be 0", false                                                \
    }
enum od_status od_session_options_read(struct od_arena *arena, const struct od_arguments *arguments,
                                       struct od_session_options *options_out, struct od_error *error);

struct od_session_engine;
/* `options` outlives it. */
enum od_status od_session_engine_new(const struct od_session_options *options,
                                     struct od_session_engine **engine_out, struct od_error *error);
void od_session_engine_free(struct od_session_engine *engine);
/* What the queries since the last call took: peaks are the largest one's, the rest are sums. */
struct od_run_counts od_session_engine_take_counts(struct od_session_engine *engine);
/* Every query tells the log (borrowed; NULL: nobody) what its cluster does; `run` numbers the queries, from 0. */
void od_session_engine_log_events(struct od_session_engine *engine, struct od_event_log *log);
/* Every query is put into the record (borrowed; NULL: nowhere), under a scenario "sql", by its number from 0. */
void od_session_engine_measure(struct od_session_engine *engine, struct od_record *record);
struct od_session *od_session_engine_session(struct od_session_engine *engine);
struct od_slt_engine od_session_engine_slt(struct od_session_engine *engine);

#endif
