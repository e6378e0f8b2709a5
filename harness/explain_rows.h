/* explain_rows: the rows that are wrong in an answer, and what they rest on.
 *
 *   wrong row -> the result task that gave it, or gives it undisturbed -> the blocks and attempts behind, as far as they differ
 *             \-> rows of tables without which it is not wrong: each left out once, if they are few
 *
 * and, where no fault is needed, the first part of the query whose answer is wrong. Private to explain*.c. */
#ifndef OD_HARNESS_EXPLAIN_ROWS_H
#define OD_HARNESS_EXPLAIN_ROWS_H

#include "harness/explain_place.h"
#include "harness/trial.h"
#include "properties/check_run.h"

/* A run that is explained; all borrowed but what the results hold. */
struct od_explained {
    struct od_memory *memory;
    struct od_trial *trial; /* NULL: a query that is no case; then nothing is left out or taken apart */
    const struct od_plan *plan;
    const struct od_run_request *asked; /* of the trial */
    const struct od_cluster_request *request;
    struct od_arena *arena;
    struct od_cluster_result calm_result;
    struct od_cluster_result run_result;
    struct od_traced_run calm; /* the run without faults */
    struct od_traced_run run;
    struct od_expectation expected;
    bool has_no_model; /* `expected` is the calm run's answer */
    bool is_calm_right;
    bool is_run_right;
};

/* Says nothing where the answer is right, or there is none. NO_MEMORY, IO. */
enum od_status od_explain_rows(struct od_explained *explained, struct od_buffer *text, struct od_error *error);
/* Sets the place to the first node of the logical plan whose own answer is not the model's. */
enum od_status od_explain_nodes(struct od_explained *explained, struct od_place *place, struct od_error *error);

#endif
