/* explain: why a case fails: which run, where its rows went wrong first, what the wrong rows rest on, what happened when.
 *
 *   the case again -> its runs, each held against the model -> the run that failed -> that run, and one without faults, with the
 *   outputs of all operators summed -> explain_place.h -> explain_rows.h -> explain_timeline.h
 *
 * A run is explained while the property still holds its tables: the case is run twice for this. All of it is as deterministic as
 * the case. Only in the simulation. */
#ifndef OD_HARNESS_EXPLAIN_H
#define OD_HARNESS_EXPLAIN_H

#include "harness/trial.h"

struct od_explain_options {
    bool is_short;       /* only what went wrong first */
    bool is_verbose;     /* the whole timeline */
    const uint8_t *choices; /* the case; borrowed */
    uint32_t choices_bytes;
};

/* Appends to `text`. `trial` ends as it was after the case; a case that holds, or ends its process, is explained with nothing.
 * Other than OK: the harness' own trouble. */
enum od_status od_explain_case(struct od_trial *trial, const struct od_explain_options *options, struct od_buffer *text,
                               struct od_error *error);
/* One run of a query that is no case, because of `finding`; what is right is what it answers without the request's schedule. The options'
 * choices are not looked at. */
enum od_status od_explain_query(struct od_memory *memory, const struct od_plan *plan, const struct od_cluster_request *request,
                                const struct od_finding *finding, const struct od_explain_options *options,
                                struct od_buffer *text, struct od_error *error);
/* Which of the trial's runs is explained, from 0; of a case that holds the last one. BAD_INPUT: nothing was run. */
enum od_status od_explain_which(struct od_trial *trial, const struct od_explain_options *options, uint32_t *run_out,
                                struct od_error *error);
/* od_explain_case in a process of its own; a case that ends its process is told up to there. The trial stays as it is. Not for
 * trials with oracles, which may have threads. IO, NO_MEMORY. */
enum od_status od_explain_case_guarded(struct od_trial *trial, const struct od_explain_options *options,
                                       struct od_buffer *text, struct od_error *error);

#endif
