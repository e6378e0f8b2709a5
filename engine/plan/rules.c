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

#include "engine/core/assert.h"
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

static const struct rule {
    od_plan_step step; /* or: */
    const struct od_plan *(*pass)(struct od_maker *make, const struct od_plan *plan);
} rules[OD_RULE_COUNT] = { /* the logical ones */
    [OD_RULE_CONSTANT_FOLDING] = {.step = od_step_constant_folding},
    [OD_RULE_FILTER_PUSHDOWN] = {.pass = od_rule_filter_pushdown},
    [OD_RULE_DECORRELATION] = {.step = od_step_decorrelation},
    [OD_RULE_LIMIT_PUSHDOWN] = {.step = od_step_limit_pushdown},
    [OD_RULE_JOIN_REORDERING] = {.pass = od_rule_join_reordering},
    [OD_RULE_COMMON_SUBPLANS] = {.pass = od_rule_common_subplans},
    [OD_RULE_OPERATOR_FUSION] = {.step = od_step_operator_fusion},
    [OD_RULE_PROJECTION_PRUNING] = {.pass = od_rule_projection_pruning},
};
static const enum od_rule last_rules[] = {OD_RULE_JOIN_REORDERING, OD_RULE_LIMIT_PUSHDOWN, OD_RULE_PROJECTION_PRUNING,
                                          OD_RULE_OPERATOR_FUSION, OD_RULE_COMMON_SUBPLANS};

static void assert_same_schema(const struct od_schema *before, const struct od_schema *after)
{
    od_assert(before->field_count == after->field_count);
    for (uint32_t i = 0; i < before->field_count; i++) {
        od_assert(before->fields[i].type == after->fields[i].type);
        od_assert(strcmp(before->fields[i].name, after->fields[i].name) == 0);
    }
}

/* One pass, if its rule is on; decorrelation runs in any case. Did it change anything? */
static bool run(struct od_maker *make, enum od_rule rule, const struct od_plan **plan)
{
    bool on = od_rule_is_on(make, rule);
    if (make->status != OD_OK || (!on && rule != OD_RULE_DECORRELATION))
        return false;
    make->changed = false;
    const struct od_plan *rewritten = rules[rule].step != NULL ? od_plan_walk(make, *plan, rules[rule].step, make)
                                                               : rules[rule].pass(make, *plan);
    if (rewritten == NULL || !(rules[rule].step != NULL ? rewritten != *plan : make->changed))
        return false;
    assert_same_schema(&(*plan)->schema, &rewritten->schema);
    *plan = rewritten;
    if (on)
        od_rule_fired(make, rule);
    return true;
}

/* Where sub-plans with several readers are not shared, each reader has its own; a WITH of WITHs doubles that every time. */
static void check_size(struct od_maker *make, const struct od_plan *plan)
{
    if (make->status == OD_OK && !od_rule_is_on(make, OD_RULE_COMMON_SUBPLANS) && plan->tree_size > TREE_SIZE_MAX)
        make->status = od_fail(make->error, OD_UNSUPPORTED,
                               "the plan has more than %d nodes when no sub-plan is shared (rule %s is off)",
                               TREE_SIZE_MAX, od_rule_text(OD_RULE_COMMON_SUBPLANS));
}

static void fold_and_push(struct od_maker *make, const struct od_plan **plan)
{
    bool changed = true;
    for (uint32_t round = 0; round < ROUNDS_MAX && changed; round++) {
        bool folded = run(make, OD_RULE_CONSTANT_FOLDING, plan);
        changed = run(make, OD_RULE_FILTER_PUSHDOWN, plan) || folded;
    }
}

enum od_status od_rules_apply(struct od_arena *plan_arena, const struct od_plan *plan,
                              const struct od_plan_options *options, const struct od_plan **plan_out,
                              uint32_t *fired_out, struct od_error *error)
{
    struct od_maker make = {.arena = plan_arena, .options = options, .error = error};
    check_size(&make, plan);
    fold_and_push(&make, &plan);
    run(&make, OD_RULE_DECORRELATION, &plan);
    check_size(&make, plan);
    run(&make, OD_RULE_COMMON_SUBPLANS, &plan);
    fold_and_push(&make, &plan);
    for (size_t i = 0; i < sizeof(last_rules) / sizeof(last_rules[0]); i++)
        run(&make, last_rules[i], &plan);
    if (fired_out != NULL)
        *fired_out = make.fired;
    *plan_out = make.status == OD_OK ? plan : NULL;
    return make.status;
}
