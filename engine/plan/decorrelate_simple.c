/* decorrelate_simple: what stands between a correlated condition and the APPLY is pulled up past, until the condition can be the
 * join's.
 *
 *   EXISTS (SELECT ... FROM u WHERE u.k = t.k AND u.w > 3)     t SEMI JOIN (u WHERE w > 3) ON u.k = t.k
 *   (SELECT max(w) FROM u WHERE u.k = t.k)                     t LEFT JOIN (max(w) FROM u GROUP BY k) ON u.k = t.k
 *
 * Pulling gives a plan that reads nothing of the left side, conjuncts over left ++ that plan, and for each output column of
 * the right side an expression over left ++ that plan. It gives up (false, without an error) at the first thing that it would have
 * to evaluate for other rows than as written although it may fail, and wherever rows are counted.
 *
 * An aggregate without groups has a row for each left row. Here it has none over no rows, and a LEFT join pads it: NULL is right
 * for all but counts, which are made 0; expressions above it are computed above the join (`padded`). Where its condition is no
 * equality, or the aggregate may fail for groups that nobody asks for, it is grouped by the domain instead.
 *
 * MARK and NULL_ANTI tell NULL from FALSE: a WHERE that is NULL leaves the row out, so it counts as FALSE there, unlike the
 * comparison of IN. An equality stays one that can be hashed: a IS NOT DISTINCT FROM b AND b IS NOT NULL. */
#include "engine/core/assert.h"
#include "engine/plan/decorrelate.h"
#include "engine/plan/join_keys.h"

struct pulled {
    const struct od_plan *plan;
    uint32_t conjunct_count;
    const struct od_expr **conjuncts; /* over left ++ plan; none may fail */
    const struct od_expr **map;       /* output column -> over left ++ plan */
    bool padded;
};

static bool pull(struct od_decorrelation *d, const struct od_plan *plan, struct pulled *pulled);

static const struct od_plan *left_of(const struct od_decorrelation *d)
{
    return d->apply->inputs[0];
}

static uint32_t left_count_of(const struct od_decorrelation *d)
{
    return left_of(d)->schema.field_count;
}

/* An expression over the output of what was pulled, as one over left ++ pulled->plan. */
static const struct od_expr *bind(struct od_decorrelation *d, const struct pulled *pulled, const struct od_expr *expr)
{
    struct od_binding binding = {d, pulled->map, d->left};
    struct od_leaf_rewriter leaves = od_decorrelate_leaves(&binding);
    return od_new_rewritten(d->make, expr, &leaves);
}

/* `plan` as it is; its columns are the output. */
static bool take_whole(struct od_decorrelation *d, const struct od_plan *plan, struct pulled *pulled)
{
    OD_NEED(plan != NULL);
    pulled->plan = plan;
    OD_NEW(pulled->map, d->make, plan->schema.field_count);
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        pulled->map[i] = od_new_outer(d->make, &plan->schema.fields[i], left_count_of(d) + i, 0);
    return d->make->status == OD_OK;
}

/* Conjuncts of a condition: those over the right side alone filter it, the others wait for the join. */
static bool add_conjuncts(struct od_decorrelation *d, const struct od_expr *condition, struct pulled *pulled)
{
    const struct od_expr *bound = bind(d, pulled, condition);
    OD_NEED(bound != NULL);
    uint32_t count = od_expr_conjuncts(bound, NULL, 0);
    uint32_t below_count = 0;
    OD_NEW_LIST(const struct od_expr *, own, d->make, count);
    OD_NEW_LIST(const struct od_expr *, below, d->make, count);
    OD_NEW_LIST(const struct od_expr *, all, d->make, count + pulled->conjunct_count);
    od_expr_conjuncts(bound, own, count);
    for (uint32_t i = 0; i < pulled->conjunct_count; i++)
        all[i] = pulled->conjuncts[i];
    pulled->conjuncts = all;
    for (uint32_t i = 0; i < count; i++) {
        if (od_join_sides_of(own[i], left_count_of(d)) != OD_SIDES_RIGHT)
            all[pulled->conjunct_count++] = own[i];
        else
            below[below_count++] = od_join_move_right(d->make, own[i], left_of(d), pulled->plan);
    }
    if (below_count > 0)
        pulled->plan = od_new_filter(d->make, pulled->plan, od_new_conjunction(d->make, below, below_count));
    return d->make->status == OD_OK;
}

static bool may_fail(const struct pulled *pulled, uint32_t count)
{
    bool may = false;
    for (uint32_t i = 0; i < count; i++)
        may |= pulled->map[i]->may_fail;
    return may;
}

static bool pull_filter(struct od_decorrelation *d, const struct od_plan *plan, struct pulled *pulled)
{
    return pull(d, plan->inputs[0], pulled) && !pulled->padded && !plan->filter.predicate->may_fail &&
           !may_fail(pulled, plan->schema.field_count) && add_conjuncts(d, plan->filter.predicate, pulled);
}

static bool pull_project(struct od_decorrelation *d, const struct od_plan *plan, struct pulled *pulled)
{
    uint32_t count = plan->schema.field_count;
    OD_NEED(pull(d, plan->inputs[0], pulled));
    /* computed once for each left row, as written: for the one row of an aggregate or of a SELECT without FROM */
    bool one_row = pulled->padded || (pulled->conjunct_count == 0 && od_plan_gives_one_row(pulled->plan, true));
    if (od_plan_node_may_fail(plan) && !one_row)
        return false;
    OD_NEW_LIST(const struct od_expr *, map, d->make, count);
    for (uint32_t i = 0; i < count; i++)
        map[i] = bind(d, pulled, plan->rows.exprs[i]);
    pulled->map = map;
    return d->make->status == OD_OK;
}

/* Are the first `count` output columns columns of the plan itself, or (in_order) even column i the i-th? */
static bool maps_columns(const struct od_decorrelation *d, const struct pulled *pulled, uint32_t count, bool in_order)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct od_expr *expr = pulled->map[i];
        if (expr->kind != OD_EXPR_COLUMN || expr->column_index < left_count_of(d) ||
            (in_order && expr->column_index != left_count_of(d) + i))
            return false;
    }
    return true;
}

/* INNER: a correlated condition is a filter. A correlated left side: what filters it may as well filter later. */
static bool pull_join(struct od_decorrelation *d, const struct od_plan *plan, struct pulled *pulled)
{
    struct od_plan draft = *plan;
    struct od_binding binding = {.decorrelation = d};
    struct od_leaf_rewriter leaves = od_decorrelate_leaves(&binding);
    uint32_t count = plan->inputs[0]->schema.field_count;
    bool reads_outer = (od_plan_node_outer_levels(plan) & 1) != 0;
    if ((plan->inputs[1]->outer_levels & 1) != 0 || plan->join.condition->may_fail ||
        (reads_outer && plan->join.type != OD_JOIN_INNER) || od_join_pads_left(plan->join.type) ||
        plan->join.type == OD_JOIN_SINGLE)
        return false;
    OD_NEED(pull(d, plan->inputs[0], pulled));
    if (pulled->padded || !maps_columns(d, pulled, count, true) || pulled->plan->schema.field_count != count)
        return false;
    draft.inputs[0] = pulled->plan;
    draft.inputs[1] = od_decorrelate_lower(d, plan->inputs[1]);
    if (reads_outer)
        draft.join.condition = od_new_boolean(d->make, true);
    od_draft_rewrite(d->make, &draft, &leaves);
    OD_NEED(take_whole(d, od_new_plan(d->make, &draft), pulled));
    return !reads_outer || add_conjuncts(d, plan->join.condition, pulled);
}

/* --- an aggregate without groups ---------------------------------------------------------------- */

/* GROUP BY the right sides of the conjuncts, if each is an equality between the two sides: *keys. Else it gives up. */
static bool group_simply(struct od_decorrelation *d, const struct od_plan *plan, struct pulled *pulled,
                         struct od_join_keys *keys)
{
    struct od_maker *make = d->make;
    uint32_t count = plan->inputs[0]->schema.field_count;
    struct pulled input = {0};
    struct od_plan draft = *plan;
    OD_NEED(pull(d, plan->inputs[0], &input));
    if (input.padded || od_plan_node_may_fail(plan) || (od_plan_node_outer_levels(plan) & 1) != 0)
        return false;
    const struct od_expr *condition = od_new_conjunction(make, input.conjuncts, input.conjunct_count);
    OD_NEED(od_join_keys_find(make, left_of(d), input.plan, condition, keys));
    if (keys->residual_count != 0 || keys->null_safe != 0)
        return false;
    OD_NEW_LIST(const struct od_expr *, columns, make, count);
    for (uint32_t i = 0; i < count; i++) {
        if ((od_join_sides_of(input.map[i], left_count_of(d)) & OD_SIDES_LEFT) != 0)
            return false;
        columns[i] = od_join_move_right(make, input.map[i], left_of(d), input.plan);
    }
    struct od_binding binding = {d, columns, NULL};
    struct od_leaf_rewriter leaves = od_decorrelate_leaves(&binding);
    draft.inputs[0] = input.plan;
    od_draft_rewrite(make, &draft, &leaves);
    draft.aggregate.group_count = keys->key_count;
    draft.aggregate.groups = keys->right;
    draft.schema.fields = NULL;
    pulled->plan = od_new_plan(make, &draft);
    return pulled->plan != NULL;
}

/* What was grouped stands for the aggregate: columns behind the keys, counts never NULL. */
static bool pull_aggregate(struct od_decorrelation *d, const struct od_plan *plan, struct pulled *pulled)
{
    struct od_maker *make = d->make;
    struct od_join_keys keys;
    struct od_pushed grouped;
    if (plan->aggregate.group_count > 0)
        return false;
    bool by_domain = !group_simply(d, plan, pulled, &keys);
    if (by_domain) {
        OD_NEED(make->status == OD_OK && od_decorrelate_group(d, plan, &grouped));
        pulled->plan = grouped.plan;
    }
    uint32_t key_count = by_domain ? d->key_count : keys.key_count;
    OD_NEED(take_whole(d, pulled->plan, pulled));
    pulled->conjunct_count = key_count;
    OD_NEW(pulled->conjuncts, make, key_count);
    if (by_domain) {
        struct od_schema schema = od_new_join_schema(make, left_of(d), pulled->plan);
        od_decorrelate_keys_equal(d, &schema, OD_FIELD_NONE, left_count_of(d), pulled->conjuncts);
    }
    for (uint32_t i = 0; i < key_count && !by_domain; i++)
        pulled->conjuncts[i] = od_new_pair(make, OD_FUNCTION_EQUAL, keys.left[i], pulled->map[i]);
    pulled->map += key_count;
    pulled->padded = true;
    for (uint32_t i = 0; i < plan->aggregate.aggregate_count; i++)
        if (!plan->schema.fields[i].nullable)
            pulled->map[i] = od_decorrelate_count(d, pulled->map[i]);
    return make->status == OD_OK;
}

static bool pull(struct od_decorrelation *d, const struct od_plan *plan, struct pulled *pulled)
{
    if ((plan->outer_levels & 1) == 0)
        return take_whole(d, od_decorrelate_lower(d, plan), pulled);
    switch (plan->kind) {
    case OD_PLAN_FILTER:
        return pull_filter(d, plan, pulled);
    case OD_PLAN_PROJECT:
        return pull_project(d, plan, pulled);
    case OD_PLAN_SORT:
        return pull(d, plan->inputs[0], pulled);
    case OD_PLAN_JOIN:
        return pull_join(d, plan, pulled);
    case OD_PLAN_AGGREGATE:
        return pull_aggregate(d, plan, pulled);
    default:
        return false;
    }
}

/* --- the join --------------------------------------------------------------------------------- */

/* `conjunct` IS TRUE, in a form that keeps an equality a key. */
static const struct od_expr *is_true(struct od_decorrelation *d, const struct od_expr *conjunct)
{
    const struct od_expr *const *sides = conjunct->arguments;
    if (!conjunct->nullable)
        return conjunct;
    if (conjunct->kind != OD_EXPR_CALL || conjunct->function != OD_FUNCTION_EQUAL)
        return od_new_call(d->make, OD_FUNCTION_IS_TRUE, &conjunct, 1);
    bool second = od_join_sides_of(sides[1], left_count_of(d)) == OD_SIDES_RIGHT;
    const struct od_expr *parts[2] = {od_new_call(d->make, OD_FUNCTION_IS_NOT_DISTINCT, sides, 2),
                                      od_new_call(d->make, OD_FUNCTION_IS_NOT_NULL, &sides[second], 1)};
    bool one_is_enough = !sides[0]->nullable || !sides[1]->nullable; /* equal to what is never NULL */
    return od_new_conjunction(d->make, parts, one_is_enough ? 1 : 2);
}

static const struct od_plan *join(struct od_decorrelation *d, enum od_join_type type, const struct pulled *pulled)
{
    const struct od_expr *own = d->apply->join.condition;
    uint32_t count = pulled->conjunct_count;
    OD_NEW_LIST(const struct od_expr *, all, d->make, count + 1);
    for (uint32_t i = 0; i < count; i++)
        all[i] = type == OD_JOIN_MARK || type == OD_JOIN_NULL_ANTI ? is_true(d, pulled->conjuncts[i])
                                                                   : pulled->conjuncts[i];
    if (!od_expr_is_true(own)) {
        uint32_t right_count = d->apply->inputs[1]->schema.field_count;
        const struct od_expr **map = od_new_columns(d->make, &left_of(d)->schema, right_count);
        for (uint32_t i = 0; i < right_count && map != NULL; i++)
            map[left_count_of(d) + i] = pulled->map[i];
        all[count++] = od_new_substitute(d->make, own, map);
    }
    return od_new_join(d->make, type, left_of(d), pulled->plan, od_new_conjunction(d->make, all, count));
}

/* left fields ++ what the right side's columns are. */
static const struct od_plan *project(struct od_decorrelation *d, const struct pulled *pulled, const struct od_plan *joined)
{
    const struct od_schema *schema = &d->apply->schema;
    OD_NEED(joined != NULL);
    OD_NEW_LIST(const struct od_expr *, exprs, d->make, schema->field_count);
    const struct od_expr **columns = od_new_columns(d->make, &joined->schema, 0);
    for (uint32_t i = 0; i < schema->field_count && columns != NULL; i++)
        exprs[i] = i < left_count_of(d) ? columns[i]
                                        : od_new_substitute(d->make, pulled->map[i - left_count_of(d)], columns);
    return od_new_project(d->make, joined, exprs, schema);
}

/* EXISTS: groups are there when rows are, and a limit of one row or more changes nothing. */
static const struct od_plan *what_exists(const struct od_plan *plan)
{
    for (;;) {
        bool limit = plan->kind == OD_PLAN_LIMIT && plan->limit.offset == 0 && plan->limit.count > 0;
        bool groups = plan->kind == OD_PLAN_AGGREGATE && plan->aggregate.group_count > 0;
        if (!(limit || groups || plan->kind == OD_PLAN_SORT || plan->kind == OD_PLAN_PROJECT) ||
            od_plan_node_may_fail(plan))
            return plan;
        plan = plan->inputs[0];
    }
}

const struct od_plan *od_decorrelate_simply(struct od_decorrelation *d)
{
    const struct od_plan *apply = d->apply;
    enum od_join_type type = apply->join.type;
    struct pulled pulled = {0};
    bool gives_right = od_join_gives_right(type);
    bool always = od_expr_is_true(apply->join.condition);
    bool only_exists = always && !gives_right;
    const struct od_plan *right = only_exists ? what_exists(apply->inputs[1]) : apply->inputs[1];
    if (!pull(d, right, &pulled) || ((only_exists || !always) && may_fail(&pulled, right->schema.field_count)))
        return NULL; /* what nobody reads would not be computed, and not fail */
    if (pulled.padded) { /* a row for each left row, come what may */
        if (!gives_right || !always)
            return NULL;
        type = OD_JOIN_LEFT;
    } else if (pulled.conjunct_count == 0 && always && gives_right && od_plan_gives_one_row(pulled.plan, true)) {
        type = OD_JOIN_INNER; /* nothing is ever padded */
    } else if (od_join_pads_right(type) &&
               !maps_columns(d, &pulled, apply->inputs[1]->schema.field_count, false)) {
        return NULL; /* what a padded row would compute is not NULL */
    }
    const struct od_plan *joined = join(d, type, &pulled);
    return gives_right ? project(d, &pulled, joined) : joined;
}
