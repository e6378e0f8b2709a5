/* impact_processes: runs on one cluster of processes, whose processes are killed and stopped by hand, at a moment of a query.
 *
 * A cluster of its own for each run would measure how it starts. Here all is up and has the tables mapped when a measured run begins: before
 * each comes one that nobody measures. A process that died is started again at once, whatever the schedule says; a stopped one goes on
 * when its `for` is over. Whoever was killed has been replaced when the call returns. */
#ifndef OD_HARNESS_IMPACT_PROCESSES_H
#define OD_HARNESS_IMPACT_PROCESSES_H

#include "harness/cluster.h"

struct od_impact_processes;

/* executor.crash and .pause, driver.crash and .pause. */
bool od_impact_processes_can(enum od_fault_kind kind);
/* `cluster`: what its processes are told; `program` as in cluster_processes.h. IO, NO_MEMORY. */
enum od_status od_impact_processes_start(const struct od_cluster_options *cluster, const char *program,
                                         struct od_impact_processes **processes_out, struct od_error *error);
void od_impact_processes_end(struct od_impact_processes *processes); /* NULL is fine */
/* As od_cluster_run; of the schedule only faults at a time, of kinds as above. UNREACHABLE when somebody is not replaced. */
enum od_status od_impact_processes_run(struct od_impact_processes *processes, const struct od_cluster_request *request,
                                       struct od_cluster_result *result_out, struct od_error *error);

#endif
