/* bind_select: one SELECT, from its parse tree to a plan.
 *
 *   from, where     the joined rows (bind_from.c)
 *   targets         stars opened, expressions bound over the rows; aggregates and windows collected as they
 * are met
 *   having, order by, distinct on, group by: bound likewise; they may add slots, and hidden targets
 *   stages          groups, if there is a GROUP BY, an aggregate or a HAVING; windows, if there are any
 *
 *   plan:  rows -> [groups -> having] -> [windows] -> project -> [distinct] -> [sort] -> [limit] -> [project]
 *
 * ORDER BY may use what is not in the select list: such keys are hidden columns of the project, and a last
 * project drops them. It stands above the limit, so that the limit sits right on its sort. */
#include <string.h>

#include "engine/sql/binder.h"

/* Keys and DISTINCT ON are targets, visible or hidden. */
struct select_order {
    uint32_t count;
    struct od_sort_key *keys;
    uint32_t *key_targets;
    uint32_t distinct_count;
    uint32_t *distinct;
};

/* --- what is not taken ------------------------------------------------------------------------ */

static bool may_bind(struct od_binder *binder, const PgQuery__SelectStmt *select)
{
    const char *what = select->into_clause != NULL    ? "SELECT INTO"
                       : select->n_locking_clause > 0 ? "FOR UPDATE or FOR SHARE"
                       : select->n_target_list == 0   ? "an empty select list"
                                                      : NULL;
    int32_t location = select->n_target_list > 0 ? od_sql_location(select->target_list[0]) : 0;
    for (size_t i = 1; i < select->n_window_clause; i++) {
        const PgQuery__WindowDef *window = select->window_clause[i]->window_def;
        for (size_t k = 0; k < i; k++)
            if (strcmp(window->name, select->window_clause[k]->window_def->name) == 0)
                return od_sql_wrong(binder, window->location, "window \"%s\" is already defined",
                                    window->name);
    }
    return what == NULL || od_sql_refuse(binder, location, "%s", what);
}

/* --- the select list -------------------------------------------------------------------------- */

static bool add_target(struct od_binder *binder, struct od_select *build, const struct od_expr *expr,
                       const char *name)
{
    OD_NEED(expr != NULL);
    if (expr->type == OD_TYPE_INTERVAL)
        return od_sql_refuse(binder, od_place_of(expr), "an interval as a column");
    return od_add_target(binder, &build->targets, expr, name);
}

/* "*" or "t.*" as the last field of a column reference. */
static const PgQuery__ColumnRef *as_star(const PgQuery__Node *node)
{
    if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF)
        return NULL;
    const PgQuery__ColumnRef *column = node->column_ref;
    return column->fields[column->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR ? column : NULL;
}

static bool open_star(struct od_binder *binder, struct od_select *build, const PgQuery__ColumnRef *star)
{
    struct od_block *target = &build->block;
    const char *relation = star->n_fields > 1 ? od_sql_string(star->fields[0]) : NULL;
    if (star->n_fields > 2)
        return od_sql_refuse(binder, star->location, "a name of more than two parts");
    if (build->select->n_from_clause == 0 && relation == NULL)
        return od_sql_wrong(binder, star->location, "SELECT * with no tables specified is not valid");
    while (relation != NULL && target != NULL && !od_scope_has_relation(&target->scope, relation))
        target = od_next_visible(target);
    if (target == NULL)
        return od_sql_wrong(binder, star->location, "missing FROM-clause entry for table \"%s\"", relation);
    for (uint32_t i = 0; i < target->scope.entry_count; i++) {
        const struct od_scope_entry *entry = &target->scope.entries[i];
        if (od_scope_matches(entry, relation, NULL))
            OD_NEED(
                add_target(binder, build,
                           od_bind_entry(binder, &build->block, target, entry->column_index, star->location),
                           entry->name));
    }
    return true;
}

static bool bind_targets(struct od_binder *binder, struct od_select *build)
{
    struct od_place place = {
        .binder = binder, .block = &build->block, .clause = "SELECT", .aggregates = true, .windows = true};
    for (size_t i = 0; i < build->select->n_target_list; i++) {
        const PgQuery__ResTarget *target = build->select->target_list[i]->res_target;
        const PgQuery__ColumnRef *star = as_star(target->val);
        const char *name = od_sql_given(target->name) ? target->name : od_output_name(target->val);
        OD_NEED(star != NULL ? open_star(binder, build, star)
                             : add_target(binder, build, od_bind_expr(&place, target->val), name));
    }
    build->visible_count = build->targets.count;
    return true;
}

/* For each visible target: is it a literal of no type yet? */
static bool note_untyped(struct od_binder *binder, const struct od_select *build, const bool **untyped_out)
{
    bool *untyped = od_sql_take(binder, build->visible_count, sizeof(*untyped));
    for (uint32_t i = 0; i < build->visible_count && untyped != NULL; i++)
        untyped[i] = build->targets.at[i].expr->is_untyped;
    *untyped_out = untyped;
    return untyped != NULL;
}

/* --- ORDER BY and DISTINCT -------------------------------------------------------------------- */

/* The target that an ORDER BY or DISTINCT ON item means; a hidden one is added for what is no target yet. */
static bool sorted_target(struct od_binder *binder, struct od_select *build, const PgQuery__Node *node,
                          const char *clause, uint32_t *target_out)
{
    struct od_place place = {
        .binder = binder, .block = &build->block, .clause = clause, .aggregates = true, .windows = true};
    struct od_targets visible = {build->visible_count, build->targets.at};
    OD_NEED(od_find_target(binder, visible, node, clause, true, target_out));
    if (*target_out != OD_NO_COLUMN)
        return true;
    const struct od_expr *expr = od_bind_expr(&place, node);
    OD_NEED(expr != NULL);
    for (*target_out = 0; *target_out < build->targets.count; (*target_out)++)
        if (od_same_value(&build->block, build->targets.at[*target_out].expr, expr))
            return true;
    return add_target(binder, build, expr, "order");
}

static bool is_among(uint32_t target, const uint32_t *targets, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (targets[i] == target)
            return true;
    return false;
}

static bool bind_order(struct od_binder *binder, struct od_select *build, struct select_order *order)
{
    order->count = (uint32_t)build->select->n_sort_clause;
    order->keys = od_sql_take(binder, order->count, sizeof(*order->keys));
    order->key_targets = od_sql_take(binder, order->count, sizeof(*order->key_targets));
    OD_NEED(order->keys != NULL && order->key_targets != NULL);
    for (uint32_t i = 0; i < order->count; i++) {
        const PgQuery__SortBy *item = build->select->sort_clause[i]->sort_by;
        OD_NEED(od_sort_direction(binder, item, &order->keys[i]));
        OD_NEED(sorted_target(binder, build, item->node, "ORDER BY", &order->key_targets[i]));
    }
    return true;
}

/* DISTINCT ON keeps the first row for each value of its expressions, which must come first in ORDER BY: once
 * a key is none of them, no later key is, and none of them is missing. */
static bool check_distinct_on(struct od_binder *binder, const struct od_select *build,
                              const struct select_order *order)
{
    PgQuery__Node *const *nodes = build->select->distinct_clause;
    const PgQuery__Node *bad = NULL;
    bool outside = false;
    for (uint32_t i = 0; i < order->count && bad == NULL; i++) {
        bool among = is_among(order->key_targets[i], order->distinct, order->distinct_count);
        bool again = is_among(order->key_targets[i], order->key_targets, i); /* orders nothing more */
        bad = among && outside && !again ? nodes[0] : NULL;
        outside |= !among;
    }
    for (uint32_t k = 0; k < order->distinct_count && outside && bad == NULL; k++)
        bad = is_among(order->distinct[k], order->key_targets, order->count) ? NULL : nodes[k];
    return bad == NULL ||
           od_sql_wrong(binder, od_sql_location(bad),
                        "SELECT DISTINCT ON expressions must match initial ORDER BY expressions");
}

/* DISTINCT sorts and keeps whole rows, so no hidden key. */
static bool bind_distinct(struct od_binder *binder, struct od_select *build, struct select_order *order)
{
    const PgQuery__SelectStmt *select = build->select;
    bool is_on = select->n_distinct_clause > 0 &&
                 select->distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET;
    if (select->n_distinct_clause > 0 && !is_on && build->targets.count > build->visible_count)
        return od_sql_wrong(binder, od_place_of(build->targets.at[build->visible_count].expr),
                            "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
    order->distinct_count = is_on ? (uint32_t)select->n_distinct_clause : 0;
    order->distinct = od_sql_take(binder, order->distinct_count, sizeof(*order->distinct));
    OD_NEED(order->distinct != NULL);
    for (uint32_t i = 0; i < order->distinct_count; i++)
        OD_NEED(sorted_target(binder, build, select->distinct_clause[i], "SELECT DISTINCT ON",
                              &order->distinct[i]));
    return !is_on || check_distinct_on(binder, build, order);
}

/* --- stacking the plan ------------------------------------------------------------------------ */

static bool put_stages(struct od_binder *binder, struct od_select *build)
{
    struct od_block *block = &build->block;
    bool grouped = build->select->n_group_clause > 0 || build->having != NULL;
    for (uint32_t i = 0; i < block->slot_count; i++)
        grouped |= block->slots[i].kind == OD_SLOT_AGGREGATE || block->slots[i].kind == OD_SLOT_GROUPING;
    OD_NEED(!grouped || od_put_groups(binder, block));
    OD_NEED(build->having == NULL || od_lower_filter(binder, block, build->having));
    OD_NEED(od_put_windows(binder, block));
    for (uint32_t i = 0; i < build->targets.count; i++)
        build->targets.at[i].expr = od_lower(binder, block, build->targets.at[i].expr);
    return !od_sql_failed(binder);
}

/* Would the project give exactly its input, names too? */
static bool project_is_identity(const struct od_select *build)
{
    const struct od_schema *schema = &build->block.plan->schema;
    bool same = build->targets.count == schema->field_count;
    for (uint32_t i = 0; i < build->targets.count && same; i++) {
        const struct od_target *target = &build->targets.at[i];
        same = target->expr->kind == OD_EXPR_COLUMN && target->expr->column_index == i &&
               strcmp(target->name, schema->fields[i].name) == 0;
    }
    return same;
}

static const struct od_plan *put_rest(struct od_binder *binder, const struct od_select *build,
                                      const struct select_order *order)
{
    const struct od_plan *plan = build->block.plan;
    uint32_t width = build->targets.count;
    struct od_exprs partitions = {0};
    if (!project_is_identity(build))
        plan = od_make_project(binder, plan, &build->targets);
    if (build->select->n_distinct_clause > 0 && order->distinct_count == 0 && plan != NULL)
        od_plan_distinct(binder->plan_arena, plan, &plan, binder->error);
    OD_NEED(plan != NULL);
    for (uint32_t i = 0; i < order->count; i++)
        order->keys[i].expr = od_make_column(binder, &plan->schema, order->key_targets[i], -1);
    for (uint32_t i = 0; i < order->distinct_count; i++)
        od_add_expr(binder, &partitions, od_make_column(binder, &plan->schema, order->distinct[i], -1));
    if (order->distinct_count > 0) {
        plan = od_make_numbers(binder, plan, partitions, order->keys, order->count, false);
        plan = od_make_comparison(binder, plan, width, OD_FUNCTION_EQUAL, 1);
        plan = od_make_cut(binder, plan, width);
    }
    plan = od_put_order(binder, build->select, build->block.outer, order->keys, plan);
    return od_make_cut(binder, plan, build->visible_count);
}

const struct od_plan *od_bind_select(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                     struct od_block *outer, const bool **untyped_out)
{
    struct od_select *build = od_sql_take(binder, 1, sizeof(*build));
    struct select_order order = {0};
    OD_NEED(build != NULL && may_bind(binder, select));
    *build = (struct od_select){.select = select, .block = {.outer = outer, .select = select}};
    struct od_place where = {.binder = binder, .block = &build->block, .clause = "WHERE"};
    struct od_place having = {
        .binder = binder, .block = &build->block, .clause = "HAVING", .aggregates = true};
    OD_NEED(od_bind_from(binder, select, &build->block));
    if (select->where_clause != NULL)
        OD_NEED(
            od_lower_filter(binder, &build->block, od_bind_condition(&where, select->where_clause, "WHERE")));
    OD_NEED(bind_targets(binder, build) && note_untyped(binder, build, untyped_out));
    if (select->having_clause != NULL)
        build->having = od_bind_condition(&having, select->having_clause, "HAVING");
    OD_NEED(od_bind_named_windows(binder, &build->block));
    OD_NEED(bind_order(binder, build, &order) && bind_distinct(binder, build, &order));
    OD_NEED(od_bind_groups(binder, build) && put_stages(binder, build));
    return put_rest(binder, build, &order);
}
