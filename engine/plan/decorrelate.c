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

/* left JOIN right', without the keys. */
static enum od_status join_domain(struct od_decorrelation *d, const struct od_plan **plan_out, struct od_error *error)
{
    const struct od_plan *left = d->apply->inputs[0];
    uint32_t left_count = left->schema.field_count;
    uint32_t right_count = d->apply->inputs[1]->schema.field_count;
    const struct od_expr *condition = NULL;
    struct od_pushed right;
    struct od_schema schema;
    OD_TRY(od_decorrelate_push(d, d->apply->inputs[1], &right, error));
    OD_TAKE_LIST(const struct od_expr *, conjuncts, d->plan_arena, d->key_count + 1, error);
    OD_TAKE_LIST(const struct od_expr *, map, d->plan_arena, left_count + right_count, error);
    OD_TAKE_LIST(uint32_t, columns, d->plan_arena, left_count + right_count, error);
    OD_TRY(od_plan_join_schema(d->plan_arena, left, right.plan, &schema, error));
    for (uint32_t i = 0; i < left_count + right_count; i++) {
        columns[i] = i < left_count ? i : left_count + right.where[i - left_count];
        OD_TRY(od_expr_column(d->plan_arena, &schema, columns[i], &map[i], error));
    }
    OD_TRY(od_decorrelate_keys_equal(d, &schema, OD_FIELD_NONE, left_count + right.key_first, conjuncts, error));
    OD_TRY(od_expr_substitute(d->plan_arena, d->apply->join.condition, map, &conjuncts[d->key_count], error));
    OD_TRY(od_expr_conjunction(d->plan_arena, conjuncts, d->key_count + !od_expr_is_true(d->apply->join.condition),
                               &condition, error));
    OD_TRY(od_plan_join(d->plan_arena, d->apply->join.type, left, right.plan, condition, plan_out, error));
    if (!od_join_gives_right(d->apply->join.type))
        return OD_OK;
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
    if (draft.join.type == OD_JOIN_LEFT && od_expr_is_true(plan->join.condition) &&
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
    OD_TRY(od_plan_columns(d.plan_arena, &plan->inputs[0]->schema, 0, &d.left, error));
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
