/* rule: the logical rules, for their table. Internal to this folder: others see rules.h. */
#ifndef OD_PLAN_RULE_H
#define OD_PLAN_RULE_H

#include "engine/plan/plan_table.h"

/* Each gives an equivalent plan with the same schema, as a maker; decorrelation may say UNSUPPORTED. Those that look at one
 * node at a time, bottom up, are steps, whose `self` is the maker; the others say in make->changed whether they did anything. */
const struct od_plan *od_step_constant_folding(void *make, const struct od_plan *plan);
const struct od_plan *od_step_decorrelation(void *make, const struct od_plan *plan);
const struct od_plan *od_step_limit_pushdown(void *make, const struct od_plan *plan);
const struct od_plan *od_step_operator_fusion(void *make, const struct od_plan *plan);
const struct od_plan *od_rule_filter_pushdown(struct od_maker *make, const struct od_plan *plan);
const struct od_plan *od_rule_join_reordering(struct od_maker *make, const struct od_plan *plan);
const struct od_plan *od_rule_projection_pruning(struct od_maker *make, const struct od_plan *plan);
const struct od_plan *od_rule_common_subplans(struct od_maker *make, const struct od_plan *plan);

#endif
