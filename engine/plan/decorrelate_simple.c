/* decorrelate_simple: what stands between a correlated condition and the APPLY is pulled up past, until the condition can be the
 * join's.
 *
 *   EXISTS (SELECT ... FROM u WHERE u.k = t.k AND u.w > 3)     t SEMI JOIN (u WHERE w > 3) ON u.k = t.k
 *   (SELECT max(w) FROM u WHERE u.k = t.k)                     t LEFT JOIN (max(w) FROM u GROUP BY k) ON u.k = t.k
 *
 * Pulling gives a plan that reads nothing of the left side, conjuncts over left ++ that plan, and for each output column of
 * the right side an expression over left ++ that plan. It gives up (`simple` false) at the first thing that it would have
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
#include "engine/plan/plan_rewrite.h"

struct pulled {
    const struct od_plan *plan;
    uint32_t conjunct_count;
    const struct od_expr **conjuncts; /* over left ++ plan; none may fail */
    const struct od_expr **map;       /* output column -> over left ++ plan */
    bool padded;
};

struct pull {
    struct od_decorrelation *d;
    const struct od_plan *left;
    bool simple;
};

static enum od_status pull(struct pull *p, const struct od_plan *plan, struct pulled *pulled, struct od_error *error);

static enum od_status give_up(struct pull *p)
{
    p->simple = false;
    return OD_OK;
}

/* An expression over the output of what was pulled, as one over left ++ pulled->plan. */
static enum od_status bind(struct pull *p, const struct pulled *pulled, const struct od_expr *expr,
                           const struct od_expr **expr_out, struct od_error *error)
{
    struct od_binding binding = {p->d, pulled->map, p->d->left};
    return od_decorrelate_expr(&binding, expr, expr_out, error);
}

/* `plan` as it is; its columns are the output. */
static enum od_status take_whole(struct pull *p, const struct od_plan *plan, struct pulled *pulled,
                                 struct od_error *error)
{
    uint32_t left_count = p->left->schema.field_count;
    pulled->plan = plan;
    OD_TAKE(pulled->map, p->d->plan_arena, plan->schema.field_count, error);
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        OD_TRY(od_expr_outer(p->d->plan_arena, &plan->schema.fields[i], left_count + i, 0, &pulled->map[i], error));
    return OD_OK;
}

/* Conjuncts of a condition: those over the right side alone filter it, the others wait for the join. */
static enum od_status add_conjuncts(struct pull *p, const struct od_expr *condition, struct pulled *pulled,
                                    struct od_error *error)
{
    uint32_t left_count = p->left->schema.field_count;
    const struct od_expr *bound = NULL;
    OD_TRY(bind(p, pulled, condition, &bound, error));
    uint32_t count = od_expr_conjuncts(bound, NULL, 0);
    OD_TAKE_LIST(const struct od_expr *, own, p->d->plan_arena, count, error);
    OD_TAKE_LIST(const struct od_expr *, below, p->d->plan_arena, count, error);
    OD_TAKE_LIST(const struct od_expr *, all, p->d->plan_arena, count + pulled->conjunct_count, error);
    uint32_t below_count = 0;
    od_expr_conjuncts(bound, own, count);
    for (uint32_t i = 0; i < pulled->conjunct_count; i++)
        all[i] = pulled->conjuncts[i];
    pulled->conjuncts = all;
    for (uint32_t i = 0; i < count; i++) {
        if (od_join_sides_of(own[i], left_count) != OD_SIDES_RIGHT)
            all[pulled->conjunct_count++] = own[i];
        else
            OD_TRY(od_join_move_right(p->d->plan_arena, own[i], p->left, pulled->plan, &below[below_count++], error));
    }
    if (below_count == 0)
        return OD_OK;
    OD_TRY(od_expr_conjunction(p->d->plan_arena, below, below_count, &bound, error));
    return od_plan_filter(p->d->plan_arena, pulled->plan, bound, &pulled->plan, error);
}

static enum od_status pull_filter(struct pull *p, const struct od_plan *plan, struct pulled *pulled,
                                  struct od_error *error)
{
    OD_TRY(pull(p, plan->inputs[0], pulled, error));
    if (!p->simple || pulled->padded || plan->filter.predicate->may_fail)
        return give_up(p);
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        if (pulled->map[i]->may_fail)
            return give_up(p);
    return add_conjuncts(p, plan->filter.predicate, pulled, error);
}

static enum od_status pull_project(struct pull *p, const struct od_plan *plan, struct pulled *pulled,
                                   struct od_error *error)
{
    uint32_t count = plan->schema.field_count;
    OD_TAKE_LIST(const struct od_expr *, map, p->d->plan_arena, count, error);
    OD_TRY(pull(p, plan->inputs[0], pulled, error));
    if (!p->simple)
        return OD_OK;
    /* computed once for each left row, as written: for the one row of an aggregate or of a SELECT without FROM */
    bool one_row = pulled->padded || (pulled->conjunct_count == 0 && od_plan_gives_one_row(pulled->plan, true));
    if (od_plan_node_may_fail(plan) && !one_row)
        return give_up(p);
    for (uint32_t i = 0; i < count; i++)
        OD_TRY(bind(p, pulled, plan->rows.exprs[i], &map[i], error));
    pulled->map = map;
    return OD_OK;
}

/* INNER: a correlated condition is a filter. A correlated left side: what filters it may as well filter later. */
static enum od_status pull_join(struct pull *p, const struct od_plan *plan, struct pulled *pulled,
                                struct od_error *error)
{
    struct od_plan draft = *plan;
    uint32_t levels = od_plan_node_outer_levels(plan) & 1;
    bool inner = plan->join.type == OD_JOIN_INNER;
    if ((plan->inputs[1]->outer_levels & 1) != 0 || plan->join.condition->may_fail || (levels != 0 && !inner) ||
        od_join_pads_left(plan->join.type) || plan->join.type == OD_JOIN_SINGLE)
        return give_up(p);
    OD_TRY(pull(p, plan->inputs[0], pulled, error));
    if (!p->simple || pulled->padded)
        return give_up(p);
    for (uint32_t i = 0; i < plan->inputs[0]->schema.field_count; i++)
        if (pulled->map[i]->kind != OD_EXPR_COLUMN || pulled->map[i]->column_index != p->left->schema.field_count + i)
            return give_up(p);
    if (pulled->plan->schema.field_count != plan->inputs[0]->schema.field_count)
        return give_up(p);
    draft.inputs[0] = pulled->plan;
    OD_TRY(od_decorrelate_lower(p->d, plan->inputs[1], &draft.inputs[1], error));
    if (levels != 0)
        OD_TRY(od_expr_conjunction(p->d->plan_arena, NULL, 0, &draft.join.condition, error));
    struct od_binding binding = {.decorrelation = p->d};
    struct od_expr_rewriter rewriter = {od_decorrelate_expr, &binding};
    OD_TRY(od_plan_make(p->d->plan_arena, &draft, NULL, &rewriter, &pulled->plan, error));
    OD_TRY(take_whole(p, pulled->plan, pulled, error));
    return levels == 0 ? OD_OK : add_conjuncts(p, plan->join.condition, pulled, error);
}

/* --- an aggregate without groups ---------------------------------------------------------------- */

/* GROUP BY the right sides of the conjuncts, if each is an equality between the two sides: *keys. Else it gives up. */
static enum od_status group_simply(struct pull *p, const struct od_plan *plan, struct pulled *pulled,
                                   struct od_join_keys *keys, struct od_error *error)
{
    struct od_arena *plan_arena = p->d->plan_arena;
    uint32_t count = plan->inputs[0]->schema.field_count;
    struct pulled input = {0};
    struct od_plan draft = *plan;
    const struct od_expr *condition = NULL;
    const struct od_plan *bare = NULL;
    OD_TRY(pull(p, plan->inputs[0], &input, error));
    if (!p->simple || input.padded || od_plan_node_may_fail(plan) || (od_plan_node_outer_levels(plan) & 1) != 0)
        return give_up(p);
    OD_TRY(od_expr_conjunction(plan_arena, input.conjuncts, input.conjunct_count, &condition, error));
    OD_TRY(od_join_keys_find(plan_arena, p->left, input.plan, condition, keys, error));
    if (keys->residual_count != 0 || keys->null_safe != 0)
        return give_up(p);
    OD_TAKE_LIST(const struct od_expr *, columns, plan_arena, count, error);
    for (uint32_t i = 0; i < count; i++) {
        if ((od_join_sides_of(input.map[i], p->left->schema.field_count) & OD_SIDES_LEFT) != 0)
            return give_up(p);
        OD_TRY(od_join_move_right(plan_arena, input.map[i], p->left, input.plan, &columns[i], error));
    }
    struct od_binding binding = {p->d, columns, NULL};
    struct od_expr_rewriter rewriter = {od_decorrelate_expr, &binding};
    draft.inputs[0] = input.plan;
    OD_TRY(od_plan_make(plan_arena, &draft, NULL, &rewriter, &bare, error));
    return od_plan_aggregate(plan_arena, input.plan, keys->right, NULL, keys->key_count, bare->aggregate.aggregates,
                             bare->aggregate.aggregate_count, &pulled->plan, error);
}

/* What was grouped, as the aggregate that it stands for: columns behind the keys, counts never NULL. */
static enum od_status pad_groups(struct pull *p, const struct od_plan *plan, uint32_t key_count,
                                 struct pulled *pulled, struct od_error *error)
{
    OD_TRY(take_whole(p, pulled->plan, pulled, error));
    const struct od_expr **outputs = pulled->map + key_count;
    for (uint32_t i = 0; i < plan->aggregate.aggregate_count; i++)
        if (!plan->schema.fields[i].nullable)
            OD_TRY(od_decorrelate_count(p->d, outputs[i], &outputs[i], error));
    pulled->map = outputs;
    pulled->padded = true;
    return OD_OK;
}

static enum od_status pull_aggregate(struct pull *p, const struct od_plan *plan, struct pulled *pulled,
                                     struct od_error *error)
{
    struct od_arena *plan_arena = p->d->plan_arena;
    uint32_t left_count = p->left->schema.field_count;
    struct od_join_keys keys;
    struct od_pushed grouped;
    struct od_schema schema;
    if (plan->aggregate.group_count > 0)
        return give_up(p);
    OD_TRY(group_simply(p, plan, pulled, &keys, error));
    bool by_domain = !p->simple;
    p->simple = true;
    if (by_domain) {
        OD_TRY(od_decorrelate_group(p->d, plan, &grouped, error));
        pulled->plan = grouped.plan;
    }
    uint32_t key_count = by_domain ? p->d->key_count : keys.key_count;
    pulled->conjunct_count = key_count;
    OD_TAKE(pulled->conjuncts, plan_arena, key_count, error);
    OD_TRY(od_plan_join_schema(plan_arena, p->left, pulled->plan, &schema, error));
    if (by_domain)
        OD_TRY(od_decorrelate_keys_equal(p->d, &schema, OD_FIELD_NONE, left_count, pulled->conjuncts, error));
    for (uint32_t i = 0; i < key_count && !by_domain; i++) {
        const struct od_expr *sides[2] = {keys.left[i], NULL};
        OD_TRY(od_expr_column(plan_arena, &schema, left_count + i, &sides[1], error));
        OD_TRY(od_expr_call(plan_arena, OD_FUNCTION_EQUAL, sides, 2, &pulled->conjuncts[i], error));
    }
    return pad_groups(p, plan, key_count, pulled, error);
}

static enum od_status pull(struct pull *p, const struct od_plan *plan, struct pulled *pulled, struct od_error *error)
{
    if (!p->simple)
        return OD_OK;
    if ((plan->outer_levels & 1) == 0) {
        OD_TRY(od_decorrelate_lower(p->d, plan, &plan, error));
        return take_whole(p, plan, pulled, error);
    }
    switch (plan->kind) {
    case OD_PLAN_FILTER:
        return pull_filter(p, plan, pulled, error);
    case OD_PLAN_PROJECT:
        return pull_project(p, plan, pulled, error);
    case OD_PLAN_SORT:
        return pull(p, plan->inputs[0], pulled, error);
    case OD_PLAN_JOIN:
        return pull_join(p, plan, pulled, error);
    case OD_PLAN_AGGREGATE:
        return pull_aggregate(p, plan, pulled, error);
    default:
        return give_up(p);
    }
}

/* --- the join --------------------------------------------------------------------------------- */

/* `conjunct` IS TRUE, in a form that keeps an equality a key. */
static enum od_status is_true(struct pull *p, const struct od_expr *conjunct, const struct od_expr **expr_out,
                              struct od_error *error)
{
    struct od_arena *plan_arena = p->d->plan_arena;
    const struct od_expr *parts[2] = {NULL, NULL};
    *expr_out = conjunct;
    if (!conjunct->nullable)
        return OD_OK;
    if (conjunct->kind != OD_EXPR_CALL || conjunct->function != OD_FUNCTION_EQUAL)
        return od_expr_call(plan_arena, OD_FUNCTION_IS_TRUE, &conjunct, 1, expr_out, error);
    bool second = od_join_sides_of(conjunct->arguments[1], p->left->schema.field_count) == OD_SIDES_RIGHT;
    OD_TRY(od_expr_call(plan_arena, OD_FUNCTION_IS_NOT_DISTINCT, conjunct->arguments, 2, &parts[0], error));
    OD_TRY(od_expr_call(plan_arena, OD_FUNCTION_IS_NOT_NULL, &conjunct->arguments[second], 1, &parts[1], error));
    if (!conjunct->arguments[0]->nullable || !conjunct->arguments[1]->nullable) /* equal to what is never NULL */
        return od_expr_conjunction(plan_arena, parts, 1, expr_out, error);
    return od_expr_conjunction(plan_arena, parts, 2, expr_out, error);
}

static bool maps_right_columns(const struct pull *p, const struct pulled *pulled, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (pulled->map[i]->kind != OD_EXPR_COLUMN || pulled->map[i]->column_index < p->left->schema.field_count)
            return false;
    return true;
}

static enum od_status join(struct pull *p, enum od_join_type type, const struct pulled *pulled,
                           const struct od_plan **plan_out, struct od_error *error)
{
    struct od_arena *plan_arena = p->d->plan_arena;
    const struct od_expr *condition = NULL;
    uint32_t count = pulled->conjunct_count;
    OD_TAKE_LIST(const struct od_expr *, all, plan_arena, count + 1, error);
    for (uint32_t i = 0; i < count; i++) {
        all[i] = pulled->conjuncts[i];
        if (type == OD_JOIN_MARK || type == OD_JOIN_NULL_ANTI)
            OD_TRY(is_true(p, all[i], &all[i], error));
    }
    const struct od_expr *own = p->d->apply->join.condition;
    if (!od_expr_is_true(own)) {
        uint32_t left_count = p->left->schema.field_count;
        uint32_t total = left_count + p->d->apply->inputs[1]->schema.field_count;
        const struct od_expr **map = NULL;
        OD_TRY(od_plan_columns(plan_arena, &p->left->schema, total - left_count, &map, error));
        for (uint32_t i = left_count; i < total; i++)
            map[i] = pulled->map[i - left_count];
        OD_TRY(od_expr_substitute(plan_arena, own, map, &all[count++], error));
    }
    OD_TRY(od_expr_conjunction(plan_arena, all, count, &condition, error));
    return od_plan_join(plan_arena, type, p->left, pulled->plan, condition, plan_out, error);
}

/* left fields ++ what the right side's columns are. */
static enum od_status project(struct pull *p, const struct pulled *pulled, const struct od_plan *joined,
                              const struct od_plan **plan_out, struct od_error *error)
{
    const struct od_schema *schema = &p->d->apply->schema;
    uint32_t left_count = p->left->schema.field_count;
    const struct od_expr **joined_columns = NULL;
    OD_TAKE_LIST(const struct od_expr *, exprs, p->d->plan_arena, schema->field_count, error);
    OD_TRY(od_plan_columns(p->d->plan_arena, &joined->schema, 0, &joined_columns, error));
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (i < left_count)
            exprs[i] = joined_columns[i];
        else
            OD_TRY(od_expr_substitute(p->d->plan_arena, pulled->map[i - left_count], joined_columns, &exprs[i], error));
    }
    return od_plan_project_as(p->d->plan_arena, joined, exprs, schema, plan_out, error);
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

static bool may_fail(const struct pulled *pulled, uint32_t count)
{
    bool may = false;
    for (uint32_t i = 0; i < count; i++)
        may |= pulled->map[i]->may_fail;
    return may;
}

enum od_status od_decorrelate_simply(struct od_decorrelation *d, const struct od_plan **plan_out,
                                     struct od_error *error)
{
    const struct od_plan *apply = d->apply;
    enum od_join_type type = apply->join.type;
    struct pull p = {d, apply->inputs[0], true};
    struct pulled pulled = {0};
    const struct od_plan *joined = NULL;
    uint32_t right_count = apply->inputs[1]->schema.field_count;
    bool always = od_expr_is_true(apply->join.condition);
    bool only_exists = always && !od_join_gives_right(type);
    const struct od_plan *right = only_exists ? what_exists(apply->inputs[1]) : apply->inputs[1];
    *plan_out = NULL;
    OD_TRY(pull(&p, right, &pulled, error));
    if (!p.simple || (only_exists && may_fail(&pulled, right->schema.field_count)))
        return OD_OK; /* what nobody reads would not be computed, and not fail */
    if (pulled.padded) { /* a row for each left row, come what may */
        if (!od_join_gives_right(type) || !always)
            return OD_OK;
        type = OD_JOIN_LEFT;
    } else if (pulled.conjunct_count == 0 && always && od_join_gives_right(type) &&
               od_plan_gives_one_row(pulled.plan, true)) {
        type = OD_JOIN_INNER; /* nothing is ever padded */
    } else if (od_join_pads_right(type) && !maps_right_columns(&p, &pulled, right_count)) {
        return OD_OK; /* what a padded row would compute is not NULL */
    }
    OD_TRY(join(&p, type, &pulled, &joined, error));
    if (od_join_gives_right(type))
        return project(&p, &pulled, joined, plan_out, error);
    *plan_out = joined;
    return OD_OK;
}
