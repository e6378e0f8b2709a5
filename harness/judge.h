/* judge: what a run of a scenario's query must show: the expected answer, the invariants of the runtime, an end in time, no leak.
 * Uses the properties' own comparisons, so that `run` and `hunt` mean the same by "equal". */
#ifndef OD_HARNESS_JUDGE_H
#define OD_HARNESS_JUDGE_H

#include "engine/plan/logical.h"
#include "harness/cluster.h"
#include "properties/property.h"

/* An observation of the run, borrowing from result. */
struct od_observation od_judge_observe(const struct od_cluster_request *request, const struct od_cluster_result *result);
/* `expected` NULL: only the invariants and that there is an answer (the undisturbed run itself). NO_MEMORY. */
enum od_status od_judge_run(const struct od_plan *plan, const struct od_cluster_request *request,
                            const struct od_cluster_result *result, const struct od_table *expected,
                            struct od_finding *finding, struct od_error *error);

#endif
