/* cluster_processes: the deployment `processes`: this process supervises a driver and executors, which are processes of the same
 * program (`ordeal driver`, `ordeal executor`), and is their client.
 *
 *   od_processes_start -> od_processes_run (one query after the other) -> od_processes_end
 *
 * Whoever dies is started again, the driver too; a query that a driver forgot is submitted again. Everything that the cluster keeps on
 * disk is in one folder under $TMPDIR (/tmp), named after this process, and removed at the end; what a killed process left there is
 * removed by the next one that starts a cluster. SIGINT, SIGTERM and SIGHUP end this process in od_processes_run, _wait or _end, once
 * the cluster's processes and files are gone. When this process dies, however it dies, its children end. */
#ifndef OD_HARNESS_CLUSTER_PROCESSES_H
#define OD_HARNESS_CLUSTER_PROCESSES_H

#include "harness/cluster.h"

struct od_processes;

struct od_processes_options {
    uint32_t executor_count;
    uint32_t slots_per_executor; /* 0: 1 */
    struct od_cluster_options cluster; /* what else its processes are told; 0: their own default */
    const char *program;         /* NULL: this one */
    const struct od_schedule *schedule; /* borrowed; of the first query, the only one then; NULL: none */
    bool tells_events;           /* see od_processes_trace */
};

/* `memory` is borrowed. IO, NO_MEMORY. It does not wait until all are up. */
enum od_status od_processes_start(struct od_memory *memory, const struct od_processes_options *options,
                                  struct od_processes **processes_out, struct od_error *error);
/* Runs a query as od_cluster_run does; result->memory and room for `fired` are set. Events go to the trace; there is no digest.
 * UNREACHABLE when the cluster does not
 * stay up. */
enum od_status od_processes_run(struct od_processes *processes, const struct od_stage_graph *graph,
                                const struct od_run_options *options, uint64_t until_ns,
                                struct od_cluster_result *result, struct od_error *error);
/* Ends all processes and removes all files. NULL is fine. */
void od_processes_end(struct od_processes *processes);

/* Whom the events of the queries from now on are told, in order of time, a moment after they happened; ops NULL: nobody. Only where
 * the options say that there will be events. */
void od_processes_trace(struct od_processes *processes, struct od_trace trace);

/* For tests and chaos: the process of an actor (0: the driver); -1: it does not run now. */
int od_processes_id(const struct od_processes *processes, uint32_t actor);
/* Calls tick(self) every so often while a query runs. */
void od_processes_watch(struct od_processes *processes, uint64_t period_ns, void (*tick)(void *self), void *self);
/* Lets that much time pass: children are seen to between queries only here. */
void od_processes_wait(struct od_processes *processes, uint64_t duration_ns);
/* How often a child was started again. */
uint32_t od_processes_restarts(const struct od_processes *processes);
/* Where it keeps everything. */
const char *od_processes_folder(const struct od_processes *processes);

#endif
