/* explain_place: the first place at which the rows of a run went wrong: an operator, an edge, or the writer of an exchange.
 *
 *   od_place_balance      one run against itself: what is handed on is what came out, what is read is what was written
 *   od_place_compare      a disturbed run against the undisturbed one, task by task, in the order in which rows flow
 *   od_place_completions  what was taken for there, and was not: stages completed, and tasks launched, too early
 *   od_place_standstill   a run that gave no answer: what it waited for, or what it failed of
 *
 * Only attempts that the answer rests on are compared, and only those whose output differs are looked into: what an operator does
 * below a limit, say, is nobody's business as long as the rows that leave are the same. Tasks that read otherwise than in the
 * other run, or whose rows are dealt out in turn, are compared stage by stage; there a difference may be a whim, which is said.
 * Private to explain*.c. */
#ifndef OD_HARNESS_EXPLAIN_PLACE_H
#define OD_HARNESS_EXPLAIN_PLACE_H

#include "harness/explain_run.h"

struct od_place {
    bool found;
    bool may_vary; /* the next run may differ there, too, and be right */
    uint32_t stage, task;
    char text[800]; /* one or two sentences */
};

/* All need a zeroed place. NO_MEMORY. */
enum od_status od_place_balance(const struct od_traced_run *run, struct od_place *place, struct od_error *error);
enum od_status od_place_compare(const struct od_traced_run *calm, const struct od_traced_run *run, struct od_place *place,
                                struct od_error *error);
void od_place_completions(const struct od_traced_run *run, struct od_place *place);
void od_place_standstill(const struct od_traced_run *run, struct od_place *place);
/* "hash join (node 5)". */
void od_place_node(const struct od_stage_graph *graph, uint32_t stage, uint32_t position, char *text, size_t size);

#endif
