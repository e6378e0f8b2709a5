/* rule_filter_pushdown: conjuncts travel down the tree as long as they may.
 *
 *   at a FILTER     its conjuncts join those that come from above; (a and x) or (a and y) becomes a and (x or y)
 *   at a PROJECT    each is rewritten over the project's input
 *   at a JOIN       first an outer join loses the padding that a conjunct from above would reject anyway; then conjuncts from
 *                   above and those of the condition go to a side, into the condition or stay: see where_to
 *   at an AGGREGATE those over groups go through, at a WINDOW those over partitions, at a UNION all go into both inputs,
 *                   at an EXPAND those over what it hands on in every list, at SORT and REPARTITION all
 *   elsewhere, and above a sub-plan that has other readers, they become a FILTER
 *
 * Only a conjunct that cannot fail travels, and only past what cannot fail: so no expression sees other rows
 * than in the plan as written, and no error appears or vanishes. Within one filter, conjuncts behind one that
 * may fail wait for it. */
#include "engine/core/assert.h"
#include "engine/plan/join_keys.h"
#include "engine/plan/rule.h"

struct conjunct_list {
    uint32_t count;
    uint32_t capacity;
    const struct od_expr **list;
};
static const struct conjunct_list none;

struct pushdown {
    struct od_maker *make;
    struct od_plan_table table; /* empty: nothing is shared */
};

static const struct od_plan *push(struct pushdown *pushdown, const struct od_plan *plan,
                                  const struct conjunct_list *above);

static void list_add(struct pushdown *pushdown, struct conjunct_list *list, const struct od_expr *conjunct)
{
    struct od_maker *make = pushdown->make;
    if (make->status == OD_OK)
        make->status = od_arena_grow(make->arena, &list->list, &list->capacity, list->count, sizeof(*list->list),
                                     make->error);
    if (make->status == OD_OK)
        list->list[list->count++] = conjunct;
}

static const struct od_expr *conjunction(struct pushdown *pushdown, const struct conjunct_list *list)
{
    return od_new_conjunction(pushdown->make, list->list, list->count);
}

static const struct od_plan *put_filter(struct pushdown *pushdown, const struct od_plan *plan,
                                        const struct conjunct_list *list)
{
    return list->count == 0 ? plan : od_new_filter(pushdown->make, plan, conjunction(pushdown, list));
}

/* `below` goes on into each input, `stay` becomes a filter above the node. */
static const struct od_plan *go_on(struct pushdown *pushdown, const struct od_plan *plan,
                                   const struct conjunct_list *below, const struct conjunct_list *stay)
{
    const struct od_plan *inputs[2] = {NULL, NULL};
    pushdown->make->changed |= below->count > 0;
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = push(pushdown, plan->inputs[i], below);
    return put_filter(pushdown, od_new_from(pushdown->make, plan, inputs, NULL), stay);
}

/* --- what OR has in common ---------------------------------------------------------------------- */

static void conjuncts_of(struct pushdown *pushdown, const struct od_expr *expr, struct conjunct_list *list)
{
    bool is_and = expr->kind == OD_EXPR_CALL && expr->function == OD_FUNCTION_AND;
    for (uint32_t i = 0; is_and && i < expr->argument_count; i++)
        conjuncts_of(pushdown, expr->arguments[i], list);
    if (!is_and)
        list_add(pushdown, list, expr);
}

static bool list_holds(const struct conjunct_list *list, const struct od_expr *expr)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (od_expr_equal(list->list[i], expr))
            return true;
    return false;
}

/* Conjuncts that every branch has; the first branch's are asked for. */
static struct conjunct_list common_factors(struct pushdown *pushdown, const struct conjunct_list *branches,
                                           uint32_t branch_count)
{
    struct conjunct_list factors = {0};
    for (uint32_t i = 0; branch_count > 0 && i < branches[0].count; i++) {
        bool everywhere = !list_holds(&factors, branches[0].list[i]);
        for (uint32_t b = 1; b < branch_count && everywhere; b++)
            everywhere = list_holds(&branches[b], branches[0].list[i]);
        if (everywhere)
            list_add(pushdown, &factors, branches[0].list[i]);
    }
    return factors;
}

/* Adds the conjunct itself, or what its branches have in common and an OR of the rest (none where a branch is empty then). */
static bool factor(struct pushdown *pushdown, const struct od_expr *expr, struct conjunct_list *list)
{
    bool is_or = expr->kind == OD_EXPR_CALL && expr->function == OD_FUNCTION_OR;
    uint32_t count = is_or && !expr->may_fail ? expr->argument_count : 0;
    bool empty = false;
    OD_NEW_LIST(struct conjunct_list, branches, pushdown->make, count);
    OD_NEW_LIST(const struct od_expr *, rests, pushdown->make, count);
    for (uint32_t i = 0; i < count; i++)
        conjuncts_of(pushdown, expr->arguments[i], &branches[i]);
    struct conjunct_list factors = common_factors(pushdown, branches, count);
    for (uint32_t b = 0; b < count && factors.count > 0; b++) {
        struct conjunct_list rest = {0};
        for (uint32_t i = 0; i < branches[b].count; i++)
            if (!list_holds(&factors, branches[b].list[i]))
                list_add(pushdown, &rest, branches[b].list[i]);
        empty |= rest.count == 0;
        rests[b] = conjunction(pushdown, &rest);
    }
    pushdown->make->changed |= factors.count > 0;
    for (uint32_t i = 0; i < factors.count; i++)
        list_add(pushdown, list, factors.list[i]);
    if (!empty)
        list_add(pushdown, list,
                 factors.count == 0 ? expr : od_new_call(pushdown->make, OD_FUNCTION_OR, rests, count));
    return true;
}

/* The conjuncts of a condition, factored. */
static struct conjunct_list split(struct pushdown *pushdown, const struct od_expr *condition)
{
    struct conjunct_list whole = {0};
    struct conjunct_list factored = {0};
    conjuncts_of(pushdown, condition, &whole);
    for (uint32_t i = 0; i < whole.count; i++)
        factor(pushdown, whole.list[i], &factored);
    return factored;
}

/* --- nodes with one input ----------------------------------------------------------------------- */

static const struct od_plan *push_filter(struct pushdown *pushdown, const struct od_plan *plan,
                                         const struct conjunct_list *above)
{
    struct conjunct_list own = split(pushdown, plan->filter.predicate);
    struct conjunct_list travel = {0};
    struct conjunct_list stay = {0};
    for (uint32_t i = 0; i < own.count; i++)
        list_add(pushdown, stay.count > 0 || own.list[i]->may_fail ? &stay : &travel, own.list[i]);
    for (uint32_t i = 0; i < above->count; i++)
        list_add(pushdown, stay.count > 0 ? &stay : &travel, above->list[i]);
    pushdown->make->changed |= above->count > 0;
    return put_filter(pushdown, push(pushdown, plan->inputs[0], &travel), &stay);
}

static bool reads_unequal_lists(const struct od_plan *expand, const struct od_expr *expr)
{
    uint32_t width = expand->schema.field_count;
    bool unequal = false;
    for (uint32_t list = 1; expr->kind == OD_EXPR_COLUMN && list < expand->rows.row_count; list++)
        unequal |= !od_expr_equal(expand->rows.exprs[expr->column_index],
                                  expand->rows.exprs[list * width + expr->column_index]);
    for (uint32_t i = 0; expr->kind == OD_EXPR_CALL && i < expr->argument_count; i++)
        unequal |= reads_unequal_lists(expand, expr->arguments[i]);
    return unequal;
}

/* Does it read a column from `count` on, or, of number types in which equal values can differ, anything but comparisons? Such
 * a conjunct could keep some rows of a group and not others. */
static bool splits_groups(const struct od_expr *expr, uint32_t count, bool compared)
{
    bool many_forms = expr->type == OD_TYPE_FLOAT64 || expr->type == OD_TYPE_DECIMAL;
    if (expr->kind == OD_EXPR_COLUMN)
        return expr->column_index >= count || (many_forms && !compared);
    bool compares = expr->kind == OD_EXPR_CALL && expr->function >= OD_FUNCTION_EQUAL &&
                    expr->function <= OD_FUNCTION_IS_NOT_DISTINCT;
    for (uint32_t i = 0; expr->kind == OD_EXPR_CALL && i < expr->argument_count; i++)
        if (splits_groups(expr->arguments[i], count, compares))
            return true;
    return false;
}

static bool reads_other_than(const struct od_expr *expr, const struct od_expr *const *columns, uint32_t count)
{
    bool other = expr->kind == OD_EXPR_COLUMN;
    for (uint32_t i = 0; i < count && other; i++)
        other = columns[i]->kind != OD_EXPR_COLUMN || columns[i]->column_index != expr->column_index;
    for (uint32_t i = 0; expr->kind == OD_EXPR_CALL && i < expr->argument_count; i++)
        other |= reads_other_than(expr->arguments[i], columns, count);
    return other;
}

/* What reads outer columns makes an APPLY run what is above it for left rows only: what may fail stays above it, or below. */
static bool holds_failure(const struct od_plan *plan, const struct od_expr *conjunct)
{
    return plan->may_fail && od_expr_outer_levels(conjunct) != 0;
}

/* May the conjunct, which reads the node's output, go below it? */
static bool may_pass(const struct od_plan *plan, const struct od_expr *conjunct)
{
    if (od_plan_node_may_fail(plan) || holds_failure(plan, conjunct))
        return false;
    switch (plan->kind) {
    case OD_PLAN_PROJECT:
    case OD_PLAN_SORT:
    case OD_PLAN_REPARTITION:
    case OD_PLAN_UNION:
        return true;
    case OD_PLAN_EXPAND:
        return !reads_unequal_lists(plan, conjunct);
    case OD_PLAN_AGGREGATE:
        return plan->aggregate.group_count > 0 && !splits_groups(conjunct, plan->aggregate.group_count, false);
    case OD_PLAN_WINDOW:
        return !splits_groups(conjunct, UINT32_MAX, false) &&
               !reads_other_than(conjunct, plan->window.partitions, plan->window.partition_count);
    default:
        return false;
    }
}

static const struct od_plan *push_through(struct pushdown *pushdown, const struct od_plan *plan,
                                          const struct conjunct_list *above)
{
    struct conjunct_list below = {0};
    struct conjunct_list stay = {0};
    bool by_rows = plan->kind == OD_PLAN_PROJECT || plan->kind == OD_PLAN_EXPAND;
    const struct od_expr *const *map = by_rows                           ? plan->rows.exprs
                                       : plan->kind == OD_PLAN_AGGREGATE ? plan->aggregate.groups
                                                                         : NULL;
    for (uint32_t i = 0; i < above->count; i++) {
        const struct od_expr *moved = above->list[i];
        bool passes = may_pass(plan, moved);
        if (passes && map != NULL)
            moved = od_new_substitute(pushdown->make, moved, map);
        /* a literal that ruled a failure out may be no literal any more */
        passes = passes && moved != NULL && !moved->may_fail;
        list_add(pushdown, passes ? &below : &stay, passes ? moved : above->list[i]);
    }
    return go_on(pushdown, plan, &below, &stay);
}

/* --- joins ------------------------------------------------------------------------------------ */

/* Is the value NULL when all columns of `sides` are? Only strict functions are looked into. */
static bool null_with(const struct od_expr *expr, uint32_t left_count, enum od_join_sides sides)
{
    if (expr->kind == OD_EXPR_COLUMN)
        return od_join_sides_of(expr, left_count) == sides;
    if (expr->kind == OD_EXPR_LITERAL)
        return expr->literal.is_null;
    if (expr->kind != OD_EXPR_CALL || od_function_style(expr->function) != OD_STYLE_STRICT)
        return false;
    for (uint32_t i = 0; i < expr->argument_count; i++)
        if (null_with(expr->arguments[i], left_count, sides))
            return true;
    return false;
}

/* Is it FALSE or NULL then? */
static bool rejects(const struct od_expr *expr, uint32_t left_count, enum od_join_sides sides)
{
    if (expr->kind != OD_EXPR_CALL)
        return null_with(expr, left_count, sides);
    uint32_t rejecting = 0;
    switch (expr->function) {
    case OD_FUNCTION_AND:
    case OD_FUNCTION_OR:
        for (uint32_t i = 0; i < expr->argument_count; i++)
            rejecting += rejects(expr->arguments[i], left_count, sides);
        return expr->function == OD_FUNCTION_AND ? rejecting > 0 : rejecting == expr->argument_count;
    case OD_FUNCTION_IS_NOT_NULL:
        return null_with(expr->arguments[0], left_count, sides);
    case OD_FUNCTION_IS_TRUE:
        return rejects(expr->arguments[0], left_count, sides);
    default:
        return null_with(expr, left_count, sides);
    }
}

/* The type without the padding that a conjunct above rejects. */
static enum od_join_type without_padding(const struct od_plan *plan, const struct conjunct_list *above)
{
    enum od_join_type type = plan->join.type;
    uint32_t left_count = plan->inputs[0]->schema.field_count;
    for (uint32_t i = 0; i < above->count; i++) {
        bool left = rejects(above->list[i], left_count, OD_SIDES_LEFT);
        bool right = rejects(above->list[i], left_count, OD_SIDES_RIGHT);
        if (right && (type == OD_JOIN_LEFT || type == OD_JOIN_FULL))
            type = type == OD_JOIN_LEFT ? OD_JOIN_INNER : OD_JOIN_RIGHT;
        if (left && (type == OD_JOIN_RIGHT || type == OD_JOIN_FULL))
            type = type == OD_JOIN_RIGHT ? OD_JOIN_INNER : OD_JOIN_LEFT;
    }
    return type;
}

enum place { PLACE_LEFT, PLACE_RIGHT, PLACE_CONDITION, PLACE_ABOVE, PLACE_COUNT };

/* Where a conjunct goes. From above: into a side that no row of the other side can pad; what reads both becomes part of an inner
 * join's condition. Of the condition: into a side whose rows do not come out unmatched. (MARK and NULL_ANTI see a NULL: only
 * what is never NULL may take rows away there.) Constants count as left. */
static enum place where_to(enum od_join_type type, enum od_join_sides sides, bool from_above, bool nullable)
{
    bool inner = type == OD_JOIN_INNER;
    if (from_above) {
        if (sides == OD_SIDES_LEFT || sides == OD_SIDES_NONE)
            return od_join_pads_left(type) ? PLACE_ABOVE : PLACE_LEFT;
        if (sides == OD_SIDES_RIGHT && (inner || type == OD_JOIN_RIGHT))
            return PLACE_RIGHT;
        return inner ? PLACE_CONDITION : PLACE_ABOVE;
    }
    if (sides == OD_SIDES_LEFT && (inner || type == OD_JOIN_SEMI || type == OD_JOIN_RIGHT))
        return PLACE_LEFT;
    bool marks = type == OD_JOIN_MARK || type == OD_JOIN_NULL_ANTI;
    if (sides == OD_SIDES_RIGHT && !od_join_pads_left(type) && (!marks || !nullable))
        return PLACE_RIGHT;
    return PLACE_CONDITION;
}

/* Is a left row's meeting the right side what may fail? Then the left side keeps its rows. */
static bool left_rows_may_fail(const struct od_plan *plan)
{
    return plan->join.type == OD_JOIN_SINGLE || (plan->kind == OD_PLAN_APPLY && plan->inputs[1]->may_fail);
}

/* An APPLY is a join whose right side and condition are left alone: depths of outer columns count from there. Only left
 * fields, and those of INNER's padding, matter above it. */
static const struct od_plan *push_join(struct pushdown *pushdown, const struct od_plan *plan,
                                       const struct conjunct_list *above)
{
    struct od_maker *make = pushdown->make;
    struct conjunct_list places[PLACE_COUNT] = {{0}};
    struct od_plan draft = *plan;
    uint32_t left_count = plan->inputs[0]->schema.field_count;
    bool is_apply = plan->kind == OD_PLAN_APPLY;
    if (plan->join.condition->may_fail && !is_apply)
        return go_on(pushdown, plan, &none, above);
    if (!is_apply)
        draft.join.type = without_padding(plan, above);
    struct conjunct_list own = split(pushdown, plan->join.condition);
    for (uint32_t i = 0; i < own.count + above->count && make->status == OD_OK; i++) {
        bool from_above = i >= own.count;
        const struct od_expr *conjunct = from_above ? above->list[i - own.count] : own.list[i];
        enum place stays = from_above ? PLACE_ABOVE : PLACE_CONDITION;
        enum place place = where_to(draft.join.type, od_join_sides_of(conjunct, left_count), from_above,
                                    conjunct->nullable);
        if ((is_apply && (place != PLACE_LEFT || !from_above)) || (from_above && left_rows_may_fail(plan)) ||
            holds_failure(plan, conjunct))
            place = stays;
        if (place == PLACE_RIGHT)
            conjunct = od_join_move_right(make, conjunct, plan->inputs[0], plan->inputs[1]);
        make->changed |= place != stays;
        list_add(pushdown, &places[place], conjunct);
    }
    make->changed |= draft.join.type != plan->join.type;
    draft.inputs[0] = push(pushdown, plan->inputs[0], &places[PLACE_LEFT]);
    draft.inputs[1] = push(pushdown, plan->inputs[1], is_apply ? &none : &places[PLACE_RIGHT]);
    draft.join.condition = conjunction(pushdown, &places[PLACE_CONDITION]);
    return put_filter(pushdown, od_new_plan(make, &draft), &places[PLACE_ABOVE]);
}

static const struct od_plan *push_node(struct pushdown *pushdown, const struct od_plan *plan,
                                       const struct conjunct_list *above)
{
    if (plan->kind == OD_PLAN_FILTER)
        return push_filter(pushdown, plan, above);
    if (plan->kind == OD_PLAN_JOIN || plan->kind == OD_PLAN_APPLY)
        return push_join(pushdown, plan, above);
    return push_through(pushdown, plan, above);
}

static const struct od_plan *push(struct pushdown *pushdown, const struct od_plan *plan,
                                  const struct conjunct_list *above)
{
    struct od_plan_entry *entry = od_plan_table_shared(&pushdown->table, plan);
    if (entry == NULL)
        return push_node(pushdown, plan, above);
    if (entry->result == NULL)
        entry->result = push_node(pushdown, plan, &none);
    return put_filter(pushdown, entry->result, above);
}

const struct od_plan *od_rule_filter_pushdown(struct od_maker *make, const struct od_plan *plan)
{
    struct pushdown pushdown = {.make = make};
    OD_NEED(od_plan_table_init_shared(make, plan, &pushdown.table));
    return push(&pushdown, plan, &none);
}
