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
#include "engine/plan/plan_rewrite.h"
#include "engine/plan/plan_table.h"
#include "engine/plan/rule.h"

struct conjunct_list {
    uint32_t count;
    uint32_t capacity;
    const struct od_expr **list;
};

struct pushdown {
    struct od_arena *plan_arena;
    struct od_plan_table table; /* empty: nothing is shared */
    bool changed;
};

static enum od_status push(struct pushdown *pushdown, const struct od_plan *plan,
                           const struct conjunct_list *above, const struct od_plan **plan_out,
                           struct od_error *error);

static enum od_status list_add(struct pushdown *pushdown, struct conjunct_list *list, const struct od_expr *conjunct,
                               struct od_error *error)
{
    OD_TRY(od_arena_grow(pushdown->plan_arena, &list->list, &list->capacity, list->count, sizeof(*list->list), error));
    list->list[list->count++] = conjunct;
    return OD_OK;
}

static enum od_status put_filter(struct pushdown *pushdown, const struct od_plan *plan,
                                 const struct conjunct_list *list, const struct od_plan **plan_out,
                                 struct od_error *error)
{
    const struct od_expr *predicate = NULL;
    *plan_out = plan;
    if (list->count == 0)
        return OD_OK;
    OD_TRY(od_expr_conjunction(pushdown->plan_arena, list->list, list->count, &predicate, error));
    return od_plan_filter(pushdown->plan_arena, plan, predicate, plan_out, error);
}

/* `below` goes on into each input, `stay` becomes a filter above the node. */
static enum od_status go_on(struct pushdown *pushdown, const struct od_plan *plan, const struct conjunct_list *below,
                            const struct conjunct_list *stay, const struct od_plan **plan_out, struct od_error *error)
{
    const struct od_plan *inputs[2] = {NULL, NULL};
    const struct od_plan *rebuilt = NULL;
    pushdown->changed |= below->count > 0;
    for (uint32_t i = 0; i < plan->input_count; i++)
        OD_TRY(push(pushdown, plan->inputs[i], below, &inputs[i], error));
    OD_TRY(od_plan_rebuild(pushdown->plan_arena, plan, inputs, NULL, &rebuilt, error));
    return put_filter(pushdown, rebuilt, stay, plan_out, error);
}

/* --- what OR has in common ---------------------------------------------------------------------- */

static enum od_status conjuncts_of(struct pushdown *pushdown, const struct od_expr *expr, struct conjunct_list *list,
                                   struct od_error *error)
{
    if (expr->kind != OD_EXPR_CALL || expr->function != OD_FUNCTION_AND)
        return list_add(pushdown, list, expr, error);
    for (uint32_t i = 0; i < expr->argument_count; i++)
        OD_TRY(conjuncts_of(pushdown, expr->arguments[i], list, error));
    return OD_OK;
}

static bool list_holds(const struct conjunct_list *list, const struct od_expr *expr)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (od_expr_equal(list->list[i], expr))
            return true;
    return false;
}

/* Conjuncts that every branch has; the first branch's are asked for. */
static enum od_status common_factors(struct pushdown *pushdown, const struct conjunct_list *branches,
                                     uint32_t branch_count, struct conjunct_list *factors, struct od_error *error)
{
    for (uint32_t i = 0; i < branches[0].count; i++) {
        bool everywhere = !list_holds(factors, branches[0].list[i]);
        for (uint32_t b = 1; b < branch_count && everywhere; b++)
            everywhere = list_holds(&branches[b], branches[0].list[i]);
        if (everywhere)
            OD_TRY(list_add(pushdown, factors, branches[0].list[i], error));
    }
    return OD_OK;
}

/* Adds the conjunct itself, or what its branches have in common and an OR of the rest (none where a branch is empty then). */
static enum od_status factor(struct pushdown *pushdown, const struct od_expr *expr, struct conjunct_list *list,
                             struct od_error *error)
{
    bool is_or = expr->kind == OD_EXPR_CALL && expr->function == OD_FUNCTION_OR;
    uint32_t count = is_or && !expr->may_fail ? expr->argument_count : 0;
    struct conjunct_list factors = {0};
    bool empty = false;
    OD_TAKE_LIST(struct conjunct_list, branches, pushdown->plan_arena, count, error);
    OD_TAKE_LIST(const struct od_expr *, rests, pushdown->plan_arena, count, error);
    for (uint32_t i = 0; i < count; i++)
        OD_TRY(conjuncts_of(pushdown, expr->arguments[i], &branches[i], error));
    if (count > 0)
        OD_TRY(common_factors(pushdown, branches, count, &factors, error));
    if (factors.count == 0)
        return list_add(pushdown, list, expr, error);
    for (uint32_t b = 0; b < count; b++) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < branches[b].count; i++)
            if (!list_holds(&factors, branches[b].list[i]))
                branches[b].list[kept++] = branches[b].list[i];
        empty |= kept == 0;
        OD_TRY(od_expr_conjunction(pushdown->plan_arena, branches[b].list, kept, &rests[b], error));
    }
    pushdown->changed = true;
    for (uint32_t i = 0; i < factors.count; i++)
        OD_TRY(list_add(pushdown, list, factors.list[i], error));
    if (empty)
        return OD_OK;
    OD_TRY(od_expr_call(pushdown->plan_arena, OD_FUNCTION_OR, rests, count, &expr, error));
    return list_add(pushdown, list, expr, error);
}

/* The conjuncts of a condition, factored. */
static enum od_status split(struct pushdown *pushdown, const struct od_expr *condition, struct conjunct_list *list,
                            struct od_error *error)
{
    struct conjunct_list whole = {0};
    OD_TRY(conjuncts_of(pushdown, condition, &whole, error));
    for (uint32_t i = 0; i < whole.count; i++)
        OD_TRY(factor(pushdown, whole.list[i], list, error));
    return OD_OK;
}

/* --- nodes with one input ----------------------------------------------------------------------- */

static enum od_status push_filter(struct pushdown *pushdown, const struct od_plan *plan,
                                  const struct conjunct_list *above, const struct od_plan **plan_out,
                                  struct od_error *error)
{
    struct conjunct_list own = {0};
    struct conjunct_list travel = {0};
    struct conjunct_list stay = {0};
    const struct od_plan *input = NULL;
    OD_TRY(split(pushdown, plan->filter.predicate, &own, error));
    for (uint32_t i = 0; i < own.count; i++)
        OD_TRY(list_add(pushdown, stay.count > 0 || own.list[i]->may_fail ? &stay : &travel, own.list[i], error));
    for (uint32_t i = 0; i < above->count; i++)
        OD_TRY(list_add(pushdown, stay.count > 0 ? &stay : &travel, above->list[i], error));
    pushdown->changed |= above->count > 0;
    OD_TRY(push(pushdown, plan->inputs[0], &travel, &input, error));
    return put_filter(pushdown, input, &stay, plan_out, error);
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

/* May the conjunct, which reads the node's output, go below it? */
static bool may_pass(const struct od_plan *plan, const struct od_expr *conjunct)
{
    if (od_plan_node_may_fail(plan))
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

static enum od_status push_through(struct pushdown *pushdown, const struct od_plan *plan,
                                   const struct conjunct_list *above, const struct od_plan **plan_out,
                                   struct od_error *error)
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
            OD_TRY(od_expr_substitute(pushdown->plan_arena, moved, map, &moved, error));
        /* a literal that ruled a failure out may be no literal any more */
        passes = passes && !moved->may_fail;
        OD_TRY(list_add(pushdown, passes ? &below : &stay, passes ? moved : above->list[i], error));
    }
    return go_on(pushdown, plan, &below, &stay, plan_out, error);
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
static enum od_status push_join(struct pushdown *pushdown, const struct od_plan *plan,
                                const struct conjunct_list *above, const struct od_plan **plan_out,
                                struct od_error *error)
{
    struct conjunct_list own = {0};
    struct conjunct_list places[PLACE_COUNT] = {{0}};
    struct conjunct_list none = {0};
    struct od_plan draft = *plan;
    uint32_t left_count = plan->inputs[0]->schema.field_count;
    bool is_apply = plan->kind == OD_PLAN_APPLY;
    if (plan->join.condition->may_fail && !is_apply)
        return go_on(pushdown, plan, &none, above, plan_out, error);
    if (!is_apply)
        draft.join.type = without_padding(plan, above);
    OD_TRY(split(pushdown, plan->join.condition, &own, error));
    for (uint32_t i = 0; i < own.count + above->count; i++) {
        bool from_above = i >= own.count;
        const struct od_expr *conjunct = from_above ? above->list[i - own.count] : own.list[i];
        enum place place = where_to(draft.join.type, od_join_sides_of(conjunct, left_count), from_above,
                                    conjunct->nullable);
        if ((is_apply && place != PLACE_LEFT) || (from_above && left_rows_may_fail(plan)))
            place = from_above ? PLACE_ABOVE : PLACE_CONDITION;
        if (is_apply && !from_above)
            place = PLACE_CONDITION;
        if (place == PLACE_RIGHT)
            OD_TRY(od_join_move_right(pushdown->plan_arena, conjunct, plan->inputs[0], plan->inputs[1], &conjunct,
                                      error));
        pushdown->changed |= place != (from_above ? PLACE_ABOVE : PLACE_CONDITION);
        OD_TRY(list_add(pushdown, &places[place], conjunct, error));
    }
    pushdown->changed |= draft.join.type != plan->join.type;
    OD_TRY(push(pushdown, plan->inputs[0], &places[PLACE_LEFT], &draft.inputs[0], error));
    OD_TRY(push(pushdown, plan->inputs[1], is_apply ? &none : &places[PLACE_RIGHT], &draft.inputs[1], error));
    OD_TRY(od_expr_conjunction(pushdown->plan_arena, places[PLACE_CONDITION].list, places[PLACE_CONDITION].count,
                               &draft.join.condition, error));
    OD_TRY(od_plan_make(pushdown->plan_arena, &draft, NULL, NULL, plan_out, error));
    return put_filter(pushdown, *plan_out, &places[PLACE_ABOVE], plan_out, error);
}

static enum od_status push_node(struct pushdown *pushdown, const struct od_plan *plan,
                                const struct conjunct_list *above, const struct od_plan **plan_out,
                                struct od_error *error)
{
    switch (plan->kind) {
    case OD_PLAN_FILTER:
        return push_filter(pushdown, plan, above, plan_out, error);
    case OD_PLAN_JOIN:
    case OD_PLAN_APPLY:
        return push_join(pushdown, plan, above, plan_out, error);
    default:
        return push_through(pushdown, plan, above, plan_out, error);
    }
}

static enum od_status push(struct pushdown *pushdown, const struct od_plan *plan,
                           const struct conjunct_list *above, const struct od_plan **plan_out,
                           struct od_error *error)
{
    struct od_plan_entry *entry = od_plan_table_shared(&pushdown->table, plan);
    struct conjunct_list none = {0};
    if (entry == NULL)
        return push_node(pushdown, plan, above, plan_out, error);
    if (entry->result == NULL)
        OD_TRY(push_node(pushdown, plan, &none, &entry->result, error));
    return put_filter(pushdown, entry->result, above, plan_out, error);
}

enum od_status od_rule_filter_pushdown(const struct od_rule_context *context, const struct od_plan *plan,
                                       const struct od_plan **plan_out, bool *changed_out,
                                       struct od_error *error)
{
    struct pushdown pushdown = {.plan_arena = context->plan_arena};
    struct conjunct_list none = {0};
    if (od_rule_is_on(context->options, OD_RULE_COMMON_SUBPLANS))
        OD_TRY(od_plan_table_init(context->plan_arena, plan, &pushdown.table, error));
    OD_TRY(push(&pushdown, plan, &none, plan_out, error));
    *changed_out = pushdown.changed;
    return OD_OK;
}
