/* rule: what the logical rules share. Internal to this folder: others see rules.h. */
#ifndef OD_PLAN_RULE_H
#define OD_PLAN_RULE_H

#include "engine/plan/rules.h"

struct od_rule_context {
    struct od_arena *plan_arena;           /* borrowed */
    const struct od_plan_options *options; /* borrowed */
};

bool od_rule_is_on(const struct od_plan_options *options, enum od_rule rule);

/* Each returns an equivalent plan with the same schema, and whether it changed anything. NO_MEMORY; decorrelation also
 * UNSUPPORTED. */
#define OD_RULE_FUNCTION(name)                                                                               \
    enum od_status od_rule_##name(const struct od_rule_context *context, const struct od_plan *plan,         \
                                  const struct od_plan **plan_out, bool *changed_out, struct od_error *error)
OD_RULE_FUNCTION(constant_folding);
OD_RULE_FUNCTION(filter_pushdown);
OD_RULE_FUNCTION(decorrelation);
OD_RULE_FUNCTION(limit_pushdown);
OD_RULE_FUNCTION(join_reordering);
OD_RULE_FUNCTION(operator_fusion);
OD_RULE_FUNCTION(projection_pruning);
OD_RULE_FUNCTION(common_subplans);

#endif
