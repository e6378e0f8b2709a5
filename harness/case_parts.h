/* case_parts: what a failing case is made of: how much there is of each thing that a shrinker works on, and which parts are needed.
 *
 *   sizes   faults 1, rows 4, plan nodes 2, executors 2...
 *   needs   each part is taken out by itself, in a case drawn anew: a fault, a detail of one, a row, a node of the plan that its input
 *           can stand for, a setting of the cluster. Does the failure go away? Then the part is needed.
 *
 * Parts are taken out of what was drawn, not of the choices: no other part changes with them. What is left may fail by the same code
 * for another reason: `not needed` is about the code. */
#ifndef OD_HARNESS_CASE_PARTS_H
#define OD_HARNESS_CASE_PARTS_H

#include "engine/core/buffer.h"
#include "harness/trial.h"

#define OD_CASE_AXIS_LIST(X)                                                                                 \
    X(FAULTS, "faults") X(DETAILS, "details of faults") X(HEALS, "healing") X(TABLES, "tables")              \
    X(COLUMNS, "columns") X(ROWS, "rows") X(NODES, "plan nodes") X(SQL, "characters of SQL")                 \
    X(EXECUTORS, "executors") X(SLOTS, "slots") X(PARTITIONS, "partitions") X(SCAN_TASKS, "scan tasks")      \
    X(SETTINGS, "other settings") X(CHOICES, "bytes of choices")

enum od_case_axis {
#define X(name, text) OD_CASE_AXIS_##name,
    OD_CASE_AXIS_LIST(X)
#undef X
        OD_CASE_AXIS_COUNT
};
struct od_case_sizes {
    uint32_t counts[OD_CASE_AXIS_COUNT];
};
/* Of the case that the trial holds. */
void od_case_measure(const struct od_trial *trial, struct od_case_sizes *sizes_out);
/* A line for each axis on which there was something. */
void od_case_sizes_print(const struct od_case_sizes *before, const struct od_case_sizes *after, struct od_buffer *buffer);

/* Of the failure that the trial holds, in two lines: "needed: ..." and "not needed: ..."; nothing when it holds none, or when it does
 * not fail once more. Takes up to OD_CASE_PARTS_MAX trials, each in a process of its own unless the trial has oracles. */
#define OD_CASE_PARTS_MAX 150u
void od_case_needs_print(const struct od_trial *trial, struct od_buffer *buffer);

#endif
