/* rule_filter_pushdown: conjuncts travel down the tree as long as they may.
 *
 *   at a FILTER    its conjuncts join those that come from above
 *   at a PROJECT   each is rewritten over the project's input
 *   at a JOIN      inner: those over one side go into that side, those over both into the condition; the
 *                  condition's own conjuncts over one side go down too
 *                  left: those over the left side go into it; the condition's right-only conjuncts into the
 *                  right side (its rows that fail them would match nothing)
 *   at a SORT      through
 *   elsewhere      they become a FILTER
 *
 * Only a conjunct that cannot fail travels, and only past what cannot fail: so no expression sees other rows
 * than in the plan as written, and no error appears or vanishes. Within one filter, conjuncts behind one that
 * may fail wait for it. */
#include "engine/core/assert.h"
#include "engine/plan/join_keys.h"
#include "engine/plan/plan_rewrite.h"
#include "engine/plan/rule.h"

struct conjunct_list {
    uint32_t count;
    const struct od_expr **list;
};

struct pushdown {
    struct od_arena *plan_arena;
    bool changed;
};

static enum od_status push(struct pushdown *pushdown, const struct od_plan *plan,
                           const struct conjunct_list *above, const struct od_plan **plan_out,
                           struct od_error *error);

static enum od_status no_memory(struct od_error *error)
{
    return od_fail(error, OD_NO_MEMORY, "pushing filters down");
}

static bool list_init(struct pushdown *pushdown, struct conjunct_list *list, uint32_t capacity)
{
    list->count = 0;
    list->list = od_arena_take_array(pushdown->plan_arena, capacity, sizeof(*list->list));
    return list->list != NULL;
}

static void list_add(struct conjunct_list *list, const struct od_expr *conjunct)
{
    list->list[list->count++] = conjunct;
}

static enum od_status put_filter(struct pushdown *pushdown, const struct od_plan *plan,
                                 const struct conjunct_list *list, const struct od_plan **plan_out,
                                 struct od_error *error)
{
    const struct od_expr *predicate = NULL;
    *plan_out = plan;
    if (list->count == 0)
        return OD_OK;
    enum od_status status =
        od_expr_conjunction(pushdown->plan_arena, list->list, list->count, &predicate, error);
    if (status == OD_OK)
        status = od_plan_filter(pushdown->plan_arena, plan, predicate, plan_out, error);
    return status;
}

/* The conjuncts stay here; the inputs are looked at on their own. */
static enum od_status stop_here(struct pushdown *pushdown, const struct od_plan *plan,
                                const struct conjunct_list *above, const struct od_plan **plan_out,
                                struct od_error *error)
{
    struct conjunct_list none = {0};
    const struct od_plan *inputs[2] = {NULL, NULL};
    const struct od_plan *rebuilt = NULL;
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < plan->input_count && status == OD_OK; i++)
        status = push(pushdown, plan->inputs[i], &none, &inputs[i], error);
    if (status == OD_OK)
        status = od_plan_rebuild(pushdown->plan_arena, plan, inputs, NULL, &rebuilt, error);
    if (status == OD_OK)
        status = put_filter(pushdown, rebuilt, above, plan_out, error);
    return status;
}

static enum od_status push_filter(struct pushdown *pushdown, const struct od_plan *plan,
                                  const struct conjunct_list *above, const struct od_plan **plan_out,
                                  struct od_error *error)
{
    struct conjunct_list travel;
    struct conjunct_list stay;
    const struct od_plan *input = NULL;
    uint32_t count = od_expr_conjuncts(plan->filter.predicate, NULL, 0);
    const struct od_expr **own = od_arena_take_array(pushdown->plan_arena, count, sizeof(*own));
    if (own == NULL || !list_init(pushdown, &travel, count + above->count) ||
        !list_init(pushdown, &stay, count + above->count))
        return no_memory(error);
    od_expr_conjuncts(plan->filter.predicate, own, count);
    for (uint32_t i = 0; i < count; i++)
        list_add(stay.count > 0 || own[i]->may_fail ? &stay : &travel, own[i]);
    for (uint32_t i = 0; i < above->count; i++)
        list_add(stay.count > 0 ? &stay : &travel, above->list[i]);
    pushdown->changed |= above->count > 0;
    enum od_status status = push(pushdown, plan->inputs[0], &travel, &input, error);
    if (status == OD_OK)
        status = put_filter(pushdown, input, &stay, plan_out, error);
    return status;
}

static bool exprs_may_fail(const struct od_expr *const *exprs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (exprs[i]->may_fail)
            return true;
    return false;
}

static enum od_status push_project(struct pushdown *pushdown, const struct od_plan *plan,
                                   const struct conjunct_list *above, const struct od_plan **plan_out,
                                   struct od_error *error)
{
    struct conjunct_list below;
    const struct od_plan *input = NULL;
    enum od_status status = OD_OK;
    if (exprs_may_fail(plan->project.exprs, plan->schema.field_count))
        return stop_here(pushdown, plan, above, plan_out, error);
    if (!list_init(pushdown, &below, above->count))
        return no_memory(error);
    for (uint32_t i = 0; i < above->count && status == OD_OK; i++) {
        const struct od_expr *moved = NULL;
        status = od_expr_substitute(pushdown->plan_arena, above->list[i], plan->project.exprs, &moved, error);
        if (status == OD_OK &&
            moved->may_fail) /* a literal that ruled a failure out is no literal any more */
            return stop_here(pushdown, plan, above, plan_out, error);
        list_add(&below, moved);
    }
    pushdown->changed |= above->count > 0;
    if (status == OD_OK)
        status = push(pushdown, plan->inputs[0], &below, &input, error);
    if (status == OD_OK)
        status = od_plan_rebuild(pushdown->plan_arena, plan, &input, NULL, plan_out, error);
    return status;
}

/* --- joins ------------------------------------------------------------------------------------ */

struct join_push {
    struct conjunct_list left;      /* into the left input */
    struct conjunct_list right;     /* into the right input, still over left ++ right */
    struct conjunct_list condition; /* of the join */
    struct conjunct_list stay;      /* a filter above */
};

/* From the condition: what may go down depends on the side and on the join's type. */
static void sort_own(struct pushdown *pushdown, const struct od_plan *plan, const struct od_expr *const *own,
                     uint32_t count, struct join_push *parts)
{
    for (uint32_t i = 0; i < count; i++) {
        enum od_join_sides sides = od_join_sides_of(own[i], plan->inputs[0]->schema.field_count);
        struct conjunct_list *list = &parts->condition;
        if (sides == OD_SIDES_RIGHT)
            list = &parts->right;
        else if (sides == OD_SIDES_LEFT && plan->join.type == OD_JOIN_INNER)
            list = &parts->left;
        pushdown->changed |= list != &parts->condition;
        list_add(list, own[i]);
    }
}

static void sort_above(struct pushdown *pushdown, const struct od_plan *plan,
                       const struct conjunct_list *above, struct join_push *parts)
{
    for (uint32_t i = 0; i < above->count; i++) {
        enum od_join_sides sides = od_join_sides_of(above->list[i], plan->inputs[0]->schema.field_count);
        struct conjunct_list *list = &parts->stay;
        if (sides == OD_SIDES_LEFT || sides == OD_SIDES_NONE)
            list = &parts->left;
        else if (plan->join.type == OD_JOIN_INNER)
            list = sides == OD_SIDES_RIGHT ? &parts->right : &parts->condition;
        pushdown->changed |= list != &parts->stay;
        list_add(list, above->list[i]);
    }
}

/* Left conjuncts read columns that have the same numbers in the left input; right ones are moved to the right
 * input. */
static enum od_status push_sides(struct pushdown *pushdown, const struct od_plan *plan,
                                 struct join_push *parts, const struct od_plan **left_out,
                                 const struct od_plan **right_out, struct od_error *error)
{
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < parts->right.count && status == OD_OK; i++)
        status = od_join_move_right(pushdown->plan_arena, parts->right.list[i], plan->inputs[0],
                                    plan->inputs[1], &parts->right.list[i], error);
    if (status == OD_OK)
        status = push(pushdown, plan->inputs[0], &parts->left, left_out, error);
    if (status == OD_OK)
        status = push(pushdown, plan->inputs[1], &parts->right, right_out, error);
    return status;
}

static enum od_status push_join(struct pushdown *pushdown, const struct od_plan *plan,
                                const struct conjunct_list *above, const struct od_plan **plan_out,
                                struct od_error *error)
{
    struct join_push parts;
    const struct od_plan *left = NULL;
    const struct od_plan *right = NULL;
    const struct od_plan *joined = NULL;
    const struct od_expr *condition = NULL;
    uint32_t count = od_expr_conjuncts(plan->join.condition, NULL, 0);
    uint32_t room = count + above->count;
    const struct od_expr **own = od_arena_take_array(pushdown->plan_arena, count, sizeof(*own));
    if (plan->join.condition->may_fail)
        return stop_here(pushdown, plan, above, plan_out, error);
    if (own == NULL || !list_init(pushdown, &parts.left, room) || !list_init(pushdown, &parts.right, room) ||
        !list_init(pushdown, &parts.condition, room) || !list_init(pushdown, &parts.stay, room))
        return no_memory(error);
    od_expr_conjuncts(plan->join.condition, own, count);
    sort_own(pushdown, plan, own, count, &parts);
    sort_above(pushdown, plan, above, &parts);
    enum od_status status = push_sides(pushdown, plan, &parts, &left, &right, error);
    if (status == OD_OK)
        status = od_expr_conjunction(pushdown->plan_arena, parts.condition.list, parts.condition.count,
                                     &condition, error);
    if (status == OD_OK)
        status = od_plan_join(pushdown->plan_arena, plan->join.type, left, right, condition, &joined, error);
    if (status == OD_OK)
        status = put_filter(pushdown, joined, &parts.stay, plan_out, error);
    return status;
}

static enum od_status push_sort(struct pushdown *pushdown, const struct od_plan *plan,
                                const struct conjunct_list *above, const struct od_plan **plan_out,
                                struct od_error *error)
{
    const struct od_plan *input = NULL;
    for (uint32_t i = 0; i < plan->sort.key_count; i++)
        if (plan->sort.keys[i].expr->may_fail)
            return stop_here(pushdown, plan, above, plan_out, error);
    pushdown->changed |= above->count > 0;
    enum od_status status = push(pushdown, plan->inputs[0], above, &input, error);
    if (status == OD_OK)
        status = od_plan_rebuild(pushdown->plan_arena, plan, &input, NULL, plan_out, error);
    return status;
}

static enum od_status push(struct pushdown *pushdown, const struct od_plan *plan,
                           const struct conjunct_list *above, const struct od_plan **plan_out,
                           struct od_error *error)
{
    switch (plan->kind) {
    case OD_PLAN_FILTER:
        return push_filter(pushdown, plan, above, plan_out, error);
    case OD_PLAN_PROJECT:
        return push_project(pushdown, plan, above, plan_out, error);
    case OD_PLAN_JOIN:
        return push_join(pushdown, plan, above, plan_out, error);
    case OD_PLAN_SORT:
        return push_sort(pushdown, plan, above, plan_out, error);
    default:
        return stop_here(pushdown, plan, above, plan_out, error);
    }
}

enum od_status od_rule_filter_pushdown(const struct od_rule_context *context, const struct od_plan *plan,
                                       const struct od_plan **plan_out, bool *changed_out,
                                       struct od_error *error)
{
    struct pushdown pushdown = {.plan_arena = context->plan_arena};
    struct conjunct_list none = {0};
    enum od_status status = push(&pushdown, plan, &none, plan_out, error);
    *changed_out = pushdown.changed;
    return status;
}
