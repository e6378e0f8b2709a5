/* decorrelate: every APPLY becomes joins, the innermost first; physical planning knows none.
 *
 *   right side reads nothing of the left    a join already
 *   simple enough (the rule is on)          its outer conditions move into the join's (decorrelate_simple.c)
 *   else                                    by the domain of what it reads (decorrelate_general.c)
 *
 * On the way SINGLE, which has to look for a second row, becomes LEFT where there can't be one, and a cross join where the right
 * side always has just one row. This is done with the rule on or off: only the way differs. */
#include "engine/plan/decorrelate.h"

#include "engine/plan/plan_rewrite.h"
#include "engine/plan/rule.h"

static bool is_true(const struct od_expr *expr)
{
    return expr->kind == OD_EXPR_LITERAL && !expr->literal.is_null && expr->literal.boolean;
}

/* left JOIN right', whose last columns are the keys. */
static enum od_status join_domain(struct od_decorrelation *d, const struct od_plan **plan_out, struct od_error *error)
{
    const struct od_plan *left = d->apply->inputs[0];
    const struct od_plan *right = NULL;
    uint32_t left_count = left->schema.field_count;
    uint32_t right_count = d->apply->inputs[1]->schema.field_count;
    enum od_join_type type = d->apply->join.type;
    const struct od_expr *condition = NULL;
    struct od_schema schema;
    OD_TRY(od_decorrelate_push(d, d->apply->inputs[1], &right, error));
    OD_TAKE_LIST(const struct od_expr *, conjuncts, d->plan_arena, d->key_count + 1, error);
    OD_TAKE_LIST(uint32_t, columns, d->plan_arena, left_count + right_count, error);
    OD_TRY(od_plan_join_schema(d->plan_arena, left, right, &schema, error));
    OD_TRY(od_decorrelate_keys_equal(d, &schema, OD_FIELD_NONE, left_count + right_count, conjuncts, error));
    conjuncts[d->key_count] = d->apply->join.condition;
    OD_TRY(od_expr_conjunction(d->plan_arena, conjuncts, d->key_count + !is_true(d->apply->join.condition), &condition,
                               error));
    OD_TRY(od_plan_join(d->plan_arena, type, left, right, condition, plan_out, error));
    if (!od_join_gives_right(type))
        return OD_OK;
    for (uint32_t i = 0; i < left_count + right_count; i++)
        columns[i] = i;
    return od_plan_pick(d->plan_arena, *plan_out, columns, left_count + right_count, plan_out, error);
}

/* SINGLE and LEFT over a right side of at most one row. */
static enum od_status relax(const struct od_rule_context *context, const struct od_plan *plan,
                            const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = *plan;
    *plan_out = plan;
    if (draft.join.type == OD_JOIN_SINGLE && od_plan_gives_one_row(plan->inputs[1], false))
        draft.join.type = OD_JOIN_LEFT;
    if (draft.join.type == OD_JOIN_LEFT && is_true(plan->join.condition) &&
        od_plan_gives_one_row(plan->inputs[1], true))
        draft.join.type = OD_JOIN_INNER;
    return draft.join.type == plan->join.type ? OD_OK
                                              : od_plan_make(context->plan_arena, &draft, NULL, NULL, plan_out, error);
}

static enum od_status unnest(void *self, const struct od_plan *plan, const struct od_plan **plan_out,
                             struct od_error *error)
{
    const struct od_rule_context *context = self;
    struct od_decorrelation d = {.plan_arena = context->plan_arena};
    *plan_out = plan;
    if (plan->kind != OD_PLAN_JOIN && plan->kind != OD_PLAN_APPLY)
        return OD_OK;
    OD_TRY(relax(context, plan, &plan, error));
    *plan_out = plan;
    if (plan->kind == OD_PLAN_JOIN)
        return OD_OK;
    d.apply = plan;
    *plan_out = NULL;
    if ((plan->inputs[1]->outer_levels & 1) == 0) {
        struct od_plan draft = *plan;
        draft.kind = OD_PLAN_JOIN;
        OD_TRY(od_decorrelate_lower(&d, plan->inputs[1], &draft.inputs[1], error));
        return od_plan_make(context->plan_arena, &draft, NULL, NULL, plan_out, error);
    }
    if (od_rule_is_on(context->options, OD_RULE_DECORRELATION))
        OD_TRY(od_decorrelate_simply(&d, plan_out, error));
    return *plan_out != NULL ? OD_OK : join_domain(&d, plan_out, error);
}

enum od_status od_rule_decorrelation(const struct od_rule_context *context, const struct od_plan *plan,
                                     const struct od_plan **plan_out, bool *changed_out, struct od_error *error)
{
    struct od_plan_step walk = {unnest, (void *)context};
    OD_TRY(od_plan_walk(context->plan_arena, plan, &walk, plan_out, error));
    *changed_out = *plan_out != plan;
    return OD_OK;
}
