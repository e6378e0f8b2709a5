/* run_record: puts what the cluster showed into the run's record (reports/ knows nothing of the engine). */
#ifndef OD_HARNESS_RUN_RECORD_H
#define OD_HARNESS_RUN_RECORD_H

#include "harness/cluster.h"
#include "harness/prepare.h"
#include "reports/record.h"

/* SQL, columns, first rows, digest, plan text and the stage graph of a query, from its undisturbed run. */
void od_run_record_query(struct od_record *record, struct od_record_query *query, const struct od_prepared *prepared,
                         const struct od_cluster_result *undisturbed);
void od_run_record_table(struct od_record *record, struct od_record_scenario *scenario, const struct od_table *table,
                         const char *source);
/* Measures of one run, and its schedule in words. */
void od_run_record_run(struct od_record *record, struct od_record_run *run, const struct od_cluster_request *request,
                       const struct od_cluster_result *result, uint64_t wall_ns);

#endif
