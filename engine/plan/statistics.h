/* statistics: guesses of how many rows come out of a plan, for choices that only matter to speed: which join first, which side
 * is sent whole.
 *
 * Tables are asked for their row counts and for a sample of evenly spaced rows of a column at the time of planning; nothing is
 * kept. The same tables give the same guesses. */
#ifndef OD_PLAN_STATISTICS_H
#define OD_PLAN_STATISTICS_H

#include "engine/plan/logical.h"

/* At least 0; a guess. */
double od_plan_estimate_rows(const struct od_plan *plan);

/* Plans side by side, whose columns an expression reads: plan i's from first[i] on. */
struct od_estimate_inputs {
    uint32_t count;
    const struct od_plan *const *plans;
    const uint32_t *first;
    const double *rows; /* od_plan_estimate_rows of each */
};
/* The share of the rows of their cross product for which the predicate is true: 0..1. */
double od_estimate_selectivity(const struct od_estimate_inputs *inputs, const struct od_expr *predicate);

#endif
