/* decorrelate: every APPLY becomes joins, the innermost first; physical planning knows none.
 *
 *   right side reads nothing of the left    a join already
 *   simple enough (the rule is on)          its outer conditions move into the join's (decorrelate_simple.c)
 *   else                                    by the domain of what it reads (decorrelate_general.c)
 *
 * On the way SINGLE, which has to look for a second row, becomes LEFT where there can't be one, and a cross join where the right
 * side always has just one row. This is done with the rule on or off: only the way differs. */
#include "engine/plan/decorrelate.h"

#include "engine/plan/rule.h"

/* left JOIN right', without the keys. */
static const struct od_plan *join_domain(struct od_decorrelation *d)
{
    struct od_maker *make = d->make;
    const struct od_plan *left = d->apply->inputs[0];
    uint32_t left_count = left->schema.field_count;
    uint32_t count = left_count + d->apply->inputs[1]->schema.field_count;
    struct od_pushed right;
    OD_NEED(od_decorrelate_push(d, d->apply->inputs[1], &right));
    OD_NEW_LIST(const struct od_expr *, conjuncts, make, d->key_count + 1);
    OD_NEW_LIST(const struct od_expr *, map, make, count);
    OD_NEW_LIST(uint32_t, columns, make, count);
    struct od_schema schema = od_new_join_schema(make, left, right.plan);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = i < left_count ? i : left_count + right.where[i - left_count];
        map[i] = od_new_column(make, &schema, columns[i]);
    }
    OD_NEED(od_decorrelate_keys_equal(d, &schema, OD_FIELD_NONE, left_count + right.key_first, conjuncts));
    conjuncts[d->key_count] = od_new_substitute(make, d->apply->join.condition, map);
    uint32_t conjunct_count = d->key_count + !od_expr_is_true(d->apply->join.condition);
    const struct od_plan *joined = od_new_join(make, d->apply->join.type, left, right.plan,
                                               od_new_conjunction(make, conjuncts, conjunct_count));
    return od_join_gives_right(d->apply->join.type) ? od_new_pick(make, joined, columns, count) : joined;
}

/* SINGLE and LEFT over a right side of at most one row. */
static const struct od_plan *relax(struct od_maker *make, const struct od_plan *plan)
{
    struct od_plan draft = *plan;
    if (draft.join.type == OD_JOIN_SINGLE && od_plan_gives_one_row(plan->inputs[1], false))
        draft.join.type = OD_JOIN_LEFT;
    if (draft.join.type == OD_JOIN_LEFT && od_expr_is_true(plan->join.condition) &&
        od_plan_gives_one_row(plan->inputs[1], true))
        draft.join.type = OD_JOIN_INNER;
    return draft.join.type == plan->join.type ? plan : od_new_plan(make, &draft);
}

const struct od_plan *od_step_decorrelation(void *self, const struct od_plan *plan)
{
    struct od_maker *make = self;
    if (plan->kind != OD_PLAN_JOIN && plan->kind != OD_PLAN_APPLY)
        return plan;
    plan = relax(make, plan);
    if (plan == NULL || plan->kind == OD_PLAN_JOIN)
        return plan;
    struct od_decorrelation d = {.make = make, .apply = plan};
    d.left = od_new_columns(make, &plan->inputs[0]->schema, 0);
    if ((plan->inputs[1]->outer_levels & 1) == 0) {
        struct od_plan draft = *plan;
        draft.kind = OD_PLAN_JOIN;
        draft.inputs[1] = od_decorrelate_lower(&d, plan->inputs[1]);
        return od_new_plan(make, &draft);
    }
    const struct od_plan *simple = od_rule_is_on(make, OD_RULE_DECORRELATION) ? od_decorrelate_simply(&d) : NULL;
    return simple != NULL || make->status != OD_OK ? simple : join_domain(&d);
}
