/* rules: the table of rules and the passes that apply the logical ones.
 *
 *   fold constants -> push filters down -> ... until nothing changes     an APPLY's left side is small before it is read twice
 *   -> APPLYs become joins -> equal sub-plans become one                  from here on they are optimised once
 *   -> fold and push again -> order joins -> push limits down
 *   -> prune columns, once: nothing that the others do makes new unread columns
 *   -> fuse neighbours -> equal sub-plans become one again
 *
 * One promise above plain equivalence: a rule neither adds nor removes an EVALUATION error. So nothing moves
 * past, and nothing is dropped that is, an expression that may fail; PostgreSQL would take more liberty. That
 * keeps "rule on = rule off" exact. (What only an APPLY's right side does is the exception: it runs for the left rows that
 * the conditions beside it leave, as in PostgreSQL.) */
#include "engine/plan/rule.h"

#include <string.h>

#include "engine/core/enum_text.h"

#define TREE_SIZE_MAX 20000
#define ROUNDS_MAX 8 /* of folding and pushing: each round shrinks or lowers something, so few are needed */

OD_ENUM_TEXT(od_rule_text, enum od_rule, OD_RULE_LIST)

const char *od_rule_sentence(enum od_rule rule)
{
    static const char *const sentences[] = {
#define X(name, text, sentence) sentence,
        OD_RULE_LIST(X)
#undef X
    };
    od_assert((unsigned)rule < OD_RULE_COUNT);
    return sentences[rule];
}

bool od_rule_find(const char *text, enum od_rule *rule_out)
{
    for (uint32_t i = 0; i < OD_RULE_COUNT; i++) {
        if (strcmp(text, od_rule_text((enum od_rule)i)) == 0) {
            *rule_out = (enum od_rule)i;
            return true;
        }
    }
    return false;
}

bool od_rule_is_on(const struct od_plan_options *options, enum od_rule rule)
{
    return (options->rules_off & (UINT32_C(1) << rule)) == 0;
}

typedef enum od_status (*rule_pass)(const struct od_rule_context *context, const struct od_plan *plan,
                                    const struct od_plan **plan_out, bool *changed_out, struct od_error *error);
static const rule_pass passes[OD_RULE_COUNT] = { /* of the logical rules */
    [OD_RULE_CONSTANT_FOLDING] = od_rule_constant_folding, [OD_RULE_FILTER_PUSHDOWN] = od_rule_filter_pushdown,
    [OD_RULE_DECORRELATION] = od_rule_decorrelation,       [OD_RULE_LIMIT_PUSHDOWN] = od_rule_limit_pushdown,
    [OD_RULE_JOIN_REORDERING] = od_rule_join_reordering,   [OD_RULE_COMMON_SUBPLANS] = od_rule_common_subplans,
    [OD_RULE_OPERATOR_FUSION] = od_rule_operator_fusion,   [OD_RULE_PROJECTION_PRUNING] = od_rule_projection_pruning,
};
static const enum od_rule last_rules[] = {OD_RULE_JOIN_REORDERING, OD_RULE_LIMIT_PUSHDOWN, OD_RULE_PROJECTION_PRUNING,
                                          OD_RULE_OPERATOR_FUSION, OD_RULE_COMMON_SUBPLANS};

struct progress {
    struct od_rule_context context;
    const struct od_plan *plan;
    uint32_t fired;
    bool changed;
};

static void assert_same_schema(const struct od_schema *before, const struct od_schema *after)
{
    od_assert(before->field_count == after->field_count);
    for (uint32_t i = 0; i < before->field_count; i++) {
        od_assert(before->fields[i].type == after->fields[i].type);
        od_assert(strcmp(before->fields[i].name, after->fields[i].name) == 0);
    }
}

/* One pass, if its rule is on; decorrelation runs in any case. */
static enum od_status run(struct progress *progress, enum od_rule rule, struct od_error *error)
{
    bool changed = false;
    const struct od_plan *rewritten = NULL;
    bool on = od_rule_is_on(progress->context.options, rule);
    if (!on && rule != OD_RULE_DECORRELATION)
        return OD_OK;
    OD_TRY(passes[rule](&progress->context, progress->plan, &rewritten, &changed, error));
    if (!changed)
        return OD_OK;
    assert_same_schema(&progress->plan->schema, &rewritten->schema);
    progress->plan = rewritten;
    progress->fired |= on ? UINT32_C(1) << rule : 0;
    progress->changed = true;
    return OD_OK;
}

/* Where sub-plans with several readers are not shared, each reader has its own; a WITH of WITHs doubles that every time. */
static enum od_status check_size(const struct progress *progress, struct od_error *error)
{
    if (od_rule_is_on(progress->context.options, OD_RULE_COMMON_SUBPLANS) || progress->plan->tree_size <= TREE_SIZE_MAX)
        return OD_OK;
    return od_fail(error, OD_UNSUPPORTED, "the plan has more than %d nodes when no sub-plan is shared (rule %s is off)",
                   TREE_SIZE_MAX, od_rule_text(OD_RULE_COMMON_SUBPLANS));
}

static enum od_status fold_and_push(struct progress *progress, struct od_error *error)
{
    progress->changed = true;
    for (uint32_t round = 0; round < ROUNDS_MAX && progress->changed; round++) {
        progress->changed = false;
        OD_TRY(run(progress, OD_RULE_CONSTANT_FOLDING, error));
        OD_TRY(run(progress, OD_RULE_FILTER_PUSHDOWN, error));
    }
    return OD_OK;
}

enum od_status od_rules_apply(struct od_arena *plan_arena, const struct od_plan *plan,
                              const struct od_plan_options *options, const struct od_plan **plan_out,
                              uint32_t *fired_out, struct od_error *error)
{
    struct progress progress = {.context = {.plan_arena = plan_arena, .options = options}, .plan = plan};
    *plan_out = NULL;
    OD_TRY(check_size(&progress, error));
    OD_TRY(fold_and_push(&progress, error));
    OD_TRY(run(&progress, OD_RULE_DECORRELATION, error));
    OD_TRY(check_size(&progress, error));
    OD_TRY(run(&progress, OD_RULE_COMMON_SUBPLANS, error));
    OD_TRY(fold_and_push(&progress, error));
    for (size_t i = 0; i < sizeof(last_rules) / sizeof(last_rules[0]); i++)
        OD_TRY(run(&progress, last_rules[i], error));
    if (fired_out != NULL)
        *fired_out = progress.fired;
    *plan_out = progress.plan;
    return OD_OK;
}
