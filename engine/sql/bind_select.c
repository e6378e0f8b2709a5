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

/* A key is a target, visible or hidden. */
struct order_key {
    uint32_t target;
    struct od_sort_key key;
};
struct select_order {
    uint32_t count;
    struct order_key *keys;
    uint32_t distinct_count; /* DISTINCT ON: targets, too */
    uint32_t *distinct;
};

/* --- what is not taken ------------------------------------------------------------------------ */

static enum od_status refuse_clauses(struct od_binder *binder, const PgQuery__SelectStmt *select)
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
                return od_sql_fail(binder, OD_BAD_INPUT, window->location, "window \"%s\" is already defined",
                                   window->name);
    }
    return what == NULL ? OD_OK : od_sql_fail(binder, OD_UNSUPPORTED, location, "%s is not supported", what);
}

/* --- the select list -------------------------------------------------------------------------- */

/* The name is copied. */
static enum od_status add_target(struct od_binder *binder, struct od_select *build,
                                 const struct od_bound *bound, const char *name)
{
    void *list = NULL;
    if (bound->expr->type == OD_TYPE_INTERVAL)
        return od_sql_fail(binder, OD_UNSUPPORTED, (int32_t)bound->expr->sql_offset - 1,
                           "an interval as a column is not supported");
    struct od_target *target =
        od_sql_append(binder, build->targets, &build->target_count, sizeof(*target), &list);
    name = od_arena_copy_text(binder->plan_arena, name, strlen(name));
    if (target == NULL || name == NULL)
        return od_sql_no_memory(binder);
    build->targets = list;
    *target = (struct od_target){.expr = bound->expr, .name = name, .unknown = bound->unknown};
    return OD_OK;
}

/* "*" or "t.*" as the last field of a column reference. */
static const PgQuery__ColumnRef *as_star(const PgQuery__Node *node)
{
    if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF)
        return NULL;
    const PgQuery__ColumnRef *column = node->column_ref;
    return column->fields[column->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR ? column : NULL;
}

static enum od_status open_star(struct od_binder *binder, struct od_select *build,
                                const PgQuery__ColumnRef *star)
{
    struct od_block *target = &build->block;
    const char *relation = star->n_fields > 1 ? od_sql_string(star->fields[0]) : NULL;
    if (star->n_fields > 2)
        return od_sql_fail(binder, OD_UNSUPPORTED, star->location,
                           "a name of more than two parts is not supported");
    if (build->select->n_from_clause == 0 && relation == NULL)
        return od_sql_fail(binder, OD_BAD_INPUT, star->location,
                           "SELECT * with no tables specified is not valid");
    while (relation != NULL && target != NULL && !od_scope_has_relation(&target->scope, relation))
        target = od_next_visible(target);
    if (target == NULL)
        return od_sql_fail(binder, OD_BAD_INPUT, star->location, "missing FROM-clause entry for table \"%s\"",
                           relation);
    for (uint32_t i = 0; i < target->scope.entry_count; i++) {
        const struct od_scope_entry *entry = &target->scope.entries[i];
        struct od_bound bound = {0};
        bool meant = relation == NULL ? entry->plain
                                      : entry->relation != NULL && strcmp(entry->relation, relation) == 0;
        if (!meant)
            continue;
        OD_TRY(od_bind_entry(binder, &build->block, target, entry, star->location, &bound.expr));
        OD_TRY(add_target(binder, build, &bound, entry->name));
    }
    return OD_OK;
}

static enum od_status bind_targets(struct od_binder *binder, struct od_select *build)
{
    struct od_place place = {.block = &build->block, .clause = "SELECT", .aggregates = true, .windows = true};
    for (size_t i = 0; i < build->select->n_target_list; i++) {
        const PgQuery__ResTarget *target = build->select->target_list[i]->res_target;
        const char *name =
            target->name != NULL && target->name[0] != '\0' ? target->name : od_output_name(target->val);
        struct od_bound bound = {0};
        if (as_star(target->val) != NULL) {
            OD_TRY(open_star(binder, build, as_star(target->val)));
        } else {
            OD_TRY(od_bind_expr(binder, &place, target->val, &bound));
            OD_TRY(add_target(binder, build, &bound, name));
        }
    }
    build->visible_count = build->target_count;
    return OD_OK;
}

/* Two targets of one name are fine when they are the same expression. */
enum od_status od_as_target(struct od_binder *binder, const struct od_select *build,
                            const PgQuery__Node *node, const char *clause, bool names, bool *found,
                            uint32_t *target_out)
{
    const char *name = names ? od_as_bare_name(node) : NULL;
    OD_TRY(od_as_position(binder, node, clause, build->visible_count, found, target_out));
    for (uint32_t i = 0; name != NULL && i < build->visible_count; i++) {
        if (strcmp(build->targets[i].name, name) != 0)
            continue;
        if (*found && !od_expr_equal(build->targets[i].expr, build->targets[*target_out].expr))
            return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(node), "%s \"%s\" is ambiguous", clause,
                               name);
        if (!*found)
            *target_out = i;
        *found = true;
    }
    return OD_OK;
}

/* --- ORDER BY and DISTINCT -------------------------------------------------------------------- */

/* The target that an ORDER BY or DISTINCT ON item means; a hidden one is added for what is no target yet. */
static enum od_status sorted_target(struct od_binder *binder, struct od_select *build,
                                    const PgQuery__Node *node, const char *clause, uint32_t *target_out)
{
    struct od_place place = {.block = &build->block, .clause = clause, .aggregates = true, .windows = true};
    struct od_bound bound = {0};
    bool found = false;
    OD_TRY(od_as_target(binder, build, node, clause, true, &found, target_out));
    if (found)
        return OD_OK;
    OD_TRY(od_bind_expr(binder, &place, node, &bound));
    for (*target_out = 0; *target_out < build->target_count; (*target_out)++)
        if (od_expr_equal(build->targets[*target_out].expr, bound.expr))
            return OD_OK;
    return add_target(binder, build, &bound, "order");
}

static enum od_status bind_order(struct od_binder *binder, struct od_select *build,
                                 struct select_order *order)
{
    order->count = (uint32_t)build->select->n_sort_clause;
    order->keys = od_arena_take_array(binder->plan_arena, order->count, sizeof(*order->keys));
    if (order->keys == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < order->count; i++) {
        const PgQuery__SortBy *item = build->select->sort_clause[i]->sort_by;
        OD_TRY(od_sort_direction(binder, item, &order->keys[i].key));
        OD_TRY(sorted_target(binder, build, item->node, "ORDER BY", &order->keys[i].target));
    }
    return OD_OK;
}

/* DISTINCT sorts and keeps whole rows, so no hidden key; DISTINCT ON keeps the first row for each value of
 * its expressions, which must come first in ORDER BY. */
static enum od_status bind_distinct(struct od_binder *binder, struct od_select *build,
                                    struct select_order *order)
{
    const PgQuery__SelectStmt *select = build->select;
    bool on = select->n_distinct_clause > 0 &&
              select->distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET;
    if (select->n_distinct_clause == 0)
        return OD_OK;
    if (!on && build->target_count > build->visible_count)
        return od_sql_fail(binder, OD_BAD_INPUT,
                           (int32_t)build->targets[build->visible_count].expr->sql_offset - 1,
                           "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
    order->distinct_count = on ? (uint32_t)select->n_distinct_clause : 0;
    order->distinct =
        od_arena_take_array(binder->plan_arena, order->distinct_count, sizeof(*order->distinct));
    if (order->distinct == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < order->distinct_count; i++)
        OD_TRY(sorted_target(binder, build, select->distinct_clause[i], "SELECT DISTINCT ON",
                             &order->distinct[i]));
    bool outside = false; /* a key that is not among the expressions, before one that is */
    for (uint32_t i = 0; i < order->count && on; i++) {
        bool among = false;
        for (uint32_t k = 0; k < order->distinct_count; k++)
            among |= order->distinct[k] == order->keys[i].target;
        if (among && outside)
            return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(select->distinct_clause[0]),
                               "SELECT DISTINCT ON expressions must match initial ORDER BY expressions");
        outside |= !among;
    }
    for (uint32_t k = 0; k < order->distinct_count && outside; k++) {
        bool sorted = false;
        for (uint32_t i = 0; i < order->count; i++)
            sorted |= order->distinct[k] == order->keys[i].target;
        if (!sorted)
            return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(select->distinct_clause[k]),
                               "SELECT DISTINCT ON expressions must match initial ORDER BY expressions");
    }
    return OD_OK;
}

/* --- stacking the plan ------------------------------------------------------------------------ */

static enum od_status put_stages(struct od_binder *binder, struct od_select *build)
{
    struct od_block *block = &build->block;
    bool grouped = build->select->n_group_clause > 0 || build->having != NULL;
    for (uint32_t i = 0; i < block->slot_count; i++)
        grouped |= block->slots[i].kind == OD_SLOT_AGGREGATE || block->slots[i].kind == OD_SLOT_GROUPING;
    if (grouped)
        OD_TRY(od_put_groups(binder, block));
    if (build->having != NULL)
        OD_TRY(od_lower_filter(binder, block, build->having));
    OD_TRY(od_put_windows(binder, block));
    for (uint32_t i = 0; i < build->target_count; i++)
        OD_TRY(od_lower(binder, block, build->targets[i].expr, &build->targets[i].expr));
    return OD_OK;
}

/* Would the project give exactly its input, names too? */
static bool project_is_identity(const struct od_select *build)
{
    const struct od_schema *schema = &build->block.plan->schema;
    if (build->target_count != schema->field_count)
        return false;
    for (uint32_t i = 0; i < build->target_count; i++) {
        const struct od_target *target = &build->targets[i];
        if (target->expr->kind != OD_EXPR_COLUMN || target->expr->column_index != i ||
            strcmp(target->name, schema->fields[i].name) != 0)
            return false;
    }
    return true;
}

static enum od_status put_project(struct od_binder *binder, struct od_select *build,
                                  const struct od_plan **plan_out)
{
    const struct od_expr **exprs =
        od_arena_take_array(binder->plan_arena, build->target_count, sizeof(*exprs));
    const char **names = od_arena_take_array(binder->plan_arena, build->target_count, sizeof(*names));
    *plan_out = build->block.plan;
    if (exprs == NULL || names == NULL)
        return od_sql_no_memory(binder);
    if (project_is_identity(build))
        return OD_OK;
    for (uint32_t i = 0; i < build->target_count; i++) {
        exprs[i] = build->targets[i].expr;
        names[i] = build->targets[i].name;
    }
    return od_plan_project(binder->plan_arena, build->block.plan, exprs, names, build->target_count, plan_out,
                           binder->error);
}

static enum od_status put_rest(struct od_binder *binder, struct od_select *build,
                               const struct select_order *order, const struct od_plan **plan)
{
    uint32_t width = build->target_count;
    struct od_sort_key *keys = od_arena_take_array(binder->plan_arena, order->count, sizeof(*keys));
    const struct od_expr **partitions =
        od_arena_take_array(binder->plan_arena, order->distinct_count, sizeof(*partitions));
    if (keys == NULL || partitions == NULL)
        return od_sql_no_memory(binder);
    if (build->select->n_distinct_clause > 0 && order->distinct_count == 0)
        OD_TRY(od_plan_distinct(binder->plan_arena, *plan, plan, binder->error));
    for (uint32_t i = 0; i < order->count; i++) {
        keys[i] = order->keys[i].key;
        OD_TRY(od_expr_column(binder->plan_arena, &(*plan)->schema, order->keys[i].target, &keys[i].expr,
                              binder->error));
    }
    for (uint32_t i = 0; i < order->distinct_count; i++)
        OD_TRY(od_expr_column(binder->plan_arena, &(*plan)->schema, order->distinct[i], &partitions[i],
                              binder->error));
    if (order->distinct_count > 0) {
        OD_TRY(od_put_numbers(binder, partitions, order->distinct_count, keys, order->count, false, plan));
        OD_TRY(od_put_comparison(binder, width, OD_FUNCTION_EQUAL, 1, plan));
        OD_TRY(od_put_columns(binder, width, plan));
    }
    OD_TRY(od_put_order(binder, build->select, keys, order->count, plan));
    return od_put_columns(binder, build->visible_count, plan);
}

enum od_status od_bind_select(struct od_binder *binder, const PgQuery__SelectStmt *select,
                              struct od_block *outer, const struct od_plan **plan_out,
                              const bool **unknown_out)
{
    struct od_select *build = od_arena_take(binder->plan_arena, sizeof(*build));
    struct select_order order = {0};
    const struct od_expr *predicate = NULL;
    if (build == NULL)
        return od_sql_no_memory(binder);
    OD_TRY(refuse_clauses(binder, select));
    *build = (struct od_select){.select = select, .block = {.outer = outer, .select = select}};
    struct od_place where = {.block = &build->block, .clause = "WHERE"};
    struct od_place having = {.block = &build->block, .clause = "HAVING", .aggregates = true};
    OD_TRY(od_bind_from(binder, select, &build->block));
    if (select->where_clause != NULL) {
        OD_TRY(od_bind_condition(binder, &where, select->where_clause, &predicate));
        OD_TRY(od_lower_filter(binder, &build->block, predicate));
    }
    OD_TRY(bind_targets(binder, build));
    if (select->having_clause != NULL)
        OD_TRY(od_bind_condition(binder, &having, select->having_clause, &build->having));
    OD_TRY(bind_order(binder, build, &order));
    OD_TRY(bind_distinct(binder, build, &order));
    OD_TRY(od_bind_groups(binder, build));
    OD_TRY(put_stages(binder, build));
    OD_TRY(put_project(binder, build, plan_out));
    OD_TRY(put_rest(binder, build, &order, plan_out));
    if (unknown_out == NULL)
        return OD_OK;
    bool *unknown = od_arena_take_array(binder->plan_arena, build->visible_count, sizeof(*unknown));
    for (uint32_t i = 0; unknown != NULL && i < build->visible_count; i++)
        unknown[i] = build->targets[i].unknown;
    *unknown_out = unknown;
    return unknown == NULL ? od_sql_no_memory(binder) : OD_OK;
}
