/* rules: the table of rules and the loop that applies the logical ones.
 *
 *   fold constants -> push filters down -> fold again ... until a round changes nothing
 *   -> prune columns, once: nothing that the others do makes new unread columns
 *
 * One promise above plain equivalence: a rule neither adds nor removes an EVALUATION error. So nothing moves
 * past, and nothing is dropped that is, an expression that may fail; PostgreSQL would take more liberty. That
 * keeps "rule on = rule off" exact. */
#include "engine/plan/rule.h"

#include <string.h>

#include "engine/core/assert.h"

#define ROUNDS_MAX 8 /* of folding and pushing: each round shrinks or lowers something, so few are needed */

struct rule_row {
    const char *text;
    const char *sentence;
};
static const struct rule_row rule_rows[] = {
#define X(name, text, sentence) [OD_RULE_##name] = {text, sentence},
    OD_RULE_LIST(X)
#undef X
};

const char *od_rule_text(enum od_rule rule)
{
    od_assert((unsigned)rule < OD_RULE_COUNT);
    return rule_rows[rule].text;
}

const char *od_rule_sentence(enum od_rule rule)
{
    od_assert((unsigned)rule < OD_RULE_COUNT);
    return rule_rows[rule].sentence;
}

bool od_rule_find(const char *text, enum od_rule *rule_out)
{
    for (uint32_t i = 0; i < OD_RULE_COUNT; i++) {
        if (strcmp(text, rule_rows[i].text) == 0) {
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

struct logical_rule {
    enum od_rule rule;
    enum od_status (*apply)(const struct od_rule_context *context, const struct od_plan *plan,
                            const struct od_plan **plan_out, bool *changed_out, struct od_error *error);
};
static const struct logical_rule repeated_rules[] = {
    {OD_RULE_CONSTANT_FOLDING, od_rule_constant_folding},
    {OD_RULE_FILTER_PUSHDOWN, od_rule_filter_pushdown},
};
static const struct logical_rule last_rule = {OD_RULE_PROJECTION_PRUNING, od_rule_projection_pruning};

/* One rule, if it is on; *changed becomes true when it did something. */
static enum od_status apply_one(const struct od_rule_context *context,
                                const struct logical_rule *logical_rule, const struct od_plan **plan,
                                uint32_t *fired, bool *changed, struct od_error *error)
{
    bool rule_changed = false;
    const struct od_plan *rewritten = NULL;
    if (!od_rule_is_on(context->options, logical_rule->rule))
        return OD_OK;
    enum od_status status = logical_rule->apply(context, *plan, &rewritten, &rule_changed, error);
    if (status != OD_OK || !rule_changed)
        return status;
    od_assert(rewritten->schema.field_count == (*plan)->schema.field_count);
    *plan = rewritten;
    *fired |= UINT32_C(1) << logical_rule->rule;
    *changed = true;
    return OD_OK;
}

enum od_status od_rules_apply(struct od_arena *plan_arena, const struct od_plan *plan,
                              const struct od_plan_options *options, const struct od_plan **plan_out,
                              uint32_t *fired_out, struct od_error *error)
{
    struct od_rule_context context = {.plan_arena = plan_arena, .options = options};
    enum od_status status = OD_OK;
    uint32_t fired = 0;
    bool changed = true;
    *plan_out = NULL;
    for (uint32_t round = 0; round < ROUNDS_MAX && changed && status == OD_OK; round++) {
        changed = false;
        for (size_t i = 0; i < sizeof(repeated_rules) / sizeof(repeated_rules[0]) && status == OD_OK; i++)
            status = apply_one(&context, &repeated_rules[i], &plan, &fired, &changed, error);
    }
    if (status == OD_OK)
        status = apply_one(&context, &last_rule, &plan, &fired, &changed, error);
    if (fired_out != NULL)
        *fired_out = fired;
    if (status == OD_OK)
        *plan_out = plan;
    return status;
}
