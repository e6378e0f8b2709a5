/* rule: what the logical rules share. Internal to this folder: others see rules.h. */
#ifndef OD_PLAN_RULE_H
#define OD_PLAN_RULE_H

#include "engine/plan/rules.h"

struct od_rule_context {
    struct od_arena *plan_arena;           /* borrowed */
    const struct od_plan_options *options; /* borrowed */
};

bool od_rule_is_on(const struct od_plan_options *options, enum od_rule rule);

/* Each returns an equivalent plan, and whether it changed anything. NO_MEMORY. */
enum od_status od_rule_constant_folding(const struct od_rule_context *context, const struct od_plan *plan,
                                        const struct od_plan **plan_out, bool *changed_out,
                                        struct od_error *error);
enum od_status od_rule_filter_pushdown(const struct od_rule_context *context, const struct od_plan *plan,
                                       const struct od_plan **plan_out, bool *changed_out,
                                       struct od_error *error);
enum od_status od_rule_projection_pruning(const struct od_rule_context *context, const struct od_plan *plan,
                                          const struct od_plan **plan_out, bool *changed_out,
                                          struct od_error *error);

#endif
