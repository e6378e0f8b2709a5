/* bind_select: one SELECT, from its parse tree to a plan.
 *
 *   from, where     the joined rows (bind_from.c)
 *   targets         stars opened, expressions bound over the rows; aggregates collected as they are met
 *   group, having   and order by: bound likewise, they may add aggregates
 *   grouping        if there is a GROUP BY, an aggregate or a HAVING: the aggregate node, and all expressions
 *                   move onto it
 *
 *   plan:  rows -> [aggregate -> filter (having)] -> project -> [distinct] -> [sort] -> [limit] -> [project]
 *
 * ORDER BY may use what is not in the select list: such keys are hidden columns of the project, and a last
 * project drops them. It stands above the limit, so that the limit sits right on its sort. */
#include <stdlib.h>
#include <string.h>

#include "engine/sql/binder.h"

struct target {
    const struct od_expr *expr;
    const char *name;
};

struct order_key {
    uint32_t column; /* target or hidden column */
    bool descending;
    bool nulls_first;
};

struct select_build {
    const PgQuery__SelectStmt *select;
    struct od_from from;
    struct od_aggregate_list aggregates;
    struct od_grouping grouping;
    const struct od_expr *having;
    uint32_t target_count;
    uint32_t target_capacity;
    struct target *targets; /* the select list, then hidden columns */
    uint32_t visible_count; /* of them in the select list */
    uint32_t order_count;
    struct order_key *order;
    bool distinct;
    const struct od_plan *plan;
};

/* --- what is not taken ------------------------------------------------------------------------ */

static enum od_status refuse_clauses(struct od_binder *binder, const PgQuery__SelectStmt *select)
{
    const char *what = NULL;
    int32_t location = select->n_target_list > 0 ? od_sql_location(select->target_list[0]) : -1;
    if (select->with_clause != NULL) {
        what = "WITH";
        location = select->with_clause->location;
    } else if (select->op != PG_QUERY__SET_OPERATION__SETOP_NONE) {
        what = select->op == PG_QUERY__SET_OPERATION__SETOP_UNION    ? "UNION"
               : select->op == PG_QUERY__SET_OPERATION__SETOP_EXCEPT ? "EXCEPT"
                                                                     : "INTERSECT";
        if (select->rarg->n_target_list > 0)
            location = od_sql_location(select->rarg->target_list[0]);
    } else if (select->n_values_lists > 0) {
        what = "VALUES";
        location = od_sql_location(select->values_lists[0]);
    } else if (select->into_clause != NULL) {
        what = "SELECT INTO";
    } else if (select->n_window_clause > 0) {
        what = "WINDOW";
    } else if (select->n_locking_clause > 0) {
        what = "FOR UPDATE or FOR SHARE";
    } else if (select->n_distinct_clause > 0 &&
               select->distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET) {
        what = "DISTINCT ON";
        location = od_sql_location(select->distinct_clause[0]);
    } else if (select->group_distinct) {
        what = "GROUP BY DISTINCT";
    } else if (select->limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES) {
        what = "WITH TIES";
    } else if (select->n_from_clause == 0) {
        what = "SELECT without FROM";
    } else if (select->n_target_list == 0) {
        what = "an empty select list";
    }
    return what == NULL ? OD_OK
                        : od_sql_fail(binder, OD_UNSUPPORTED, location < 0 ? 0 : location,
                                      "%s is not supported", what);
}

/* --- the select list -------------------------------------------------------------------------- */

/* The name is copied. */
static enum od_status add_target(struct od_binder *binder, struct select_build *build,
                                 const struct od_expr *expr, const char *name)
{
    if (build->target_count == build->target_capacity) {
        uint32_t capacity = build->target_capacity == 0 ? 16 : 2 * build->target_capacity;
        struct target *grown = od_arena_take_array(binder->plan_arena, capacity, sizeof(*grown));
        if (grown == NULL)
            return od_sql_no_memory(binder);
        if (build->target_count > 0)
            memcpy(grown, build->targets, build->target_count * sizeof(*grown));
        build->targets = grown;
        build->target_capacity = capacity;
    }
    name = od_arena_copy_text(binder->plan_arena, name, strlen(name));
    if (name == NULL)
        return od_sql_no_memory(binder);
    build->targets[build->target_count++] = (struct target){.expr = expr, .name = name};
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

static enum od_status open_star(struct od_binder *binder, struct select_build *build,
                                const PgQuery__ColumnRef *star)
{
    const struct od_scope *scope = &build->from.scope;
    const char *relation = star->n_fields > 1 ? od_sql_string(star->fields[0]) : NULL;
    if (star->n_fields > 2)
        return od_sql_fail(binder, OD_UNSUPPORTED, star->location,
                           "a name of more than two parts is not supported");
    if (relation != NULL && !od_scope_has_relation(scope, relation))
        return od_sql_fail(binder, OD_BAD_INPUT, star->location, "missing FROM-clause entry for table \"%s\"",
                           relation);
    for (uint32_t i = 0; i < scope->entry_count; i++) {
        const struct od_scope_entry *entry = &scope->entries[i];
        const struct od_expr *column = NULL;
        const struct od_expr *located = NULL;
        bool meant = relation == NULL ? entry->plain
                                      : entry->relation != NULL && strcmp(entry->relation, relation) == 0;
        if (!meant)
            continue;
        enum od_status status =
            od_expr_column(binder->plan_arena, &scope->schema, entry->column_index, &column, binder->error);
        if (status == OD_OK)
            status = od_expr_located(binder->plan_arena, column, (uint32_t)(star->location + 1), &located,
                                     binder->error);
        if (status == OD_OK)
            status = add_target(binder, build, located, entry->name);
        if (status != OD_OK)
            return status;
    }
    return OD_OK;
}

static enum od_status bind_targets(struct od_binder *binder, struct select_build *build)
{
    struct od_expr_place place = {
        .scope = &build->from.scope, .clause = "SELECT", .aggregates = &build->aggregates};
    enum od_status status = OD_OK;
    for (size_t i = 0; i < build->select->n_target_list && status == OD_OK; i++) {
        const PgQuery__ResTarget *target = build->select->target_list[i]->res_target;
        struct od_bound bound = {0};
        if (as_star(target->val) != NULL) {
            status = open_star(binder, build, as_star(target->val));
            continue;
        }
        bool has_name = target->name != NULL && target->name[0] != '\0';
        status = od_bind_expr(binder, &place, target->val, &bound);
        if (status == OD_OK)
            status =
                add_target(binder, build, bound.expr, has_name ? target->name : od_output_name(target->val));
    }
    build->visible_count = build->target_count;
    return status;
}

/* --- references to the select list: positions and names --------------------------------------- */

/* A whole number, as a position; *is_position false for anything that is no constant. NULL is one, and no number. */
static enum od_status as_position(struct od_binder *binder, const struct select_build *build,
                                  const PgQuery__Node *node, const char *clause, bool *is_position,
                                  uint32_t *target_out)
{
    *is_position = node->node_case == PG_QUERY__NODE__NODE_A_CONST;
    if (!*is_position)
        return OD_OK;
    const PgQuery__AConst *constant = node->a_const;
    if (constant->isnull || constant->val_case != PG_QUERY__A__CONST__VAL_IVAL)
        return od_sql_fail(binder, OD_BAD_INPUT, constant->location, "non-integer constant in %s", clause);
    if (constant->ival->ival < 1 || (uint32_t)constant->ival->ival > build->visible_count)
        return od_sql_fail(binder, OD_BAD_INPUT, constant->location, "%s position %d is not in select list",
                           clause, constant->ival->ival);
    *target_out = (uint32_t)constant->ival->ival - 1;
    return OD_OK;
}

/* A bare name, or NULL. */
static const char *as_bare_name(const PgQuery__Node *node)
{
    if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields != 1)
        return NULL;
    return od_sql_string(node->column_ref->fields[0]);
}

/* The target that an output name means. Two targets of one name are fine when they are the same expression.
 */
static enum od_status as_output_name(struct od_binder *binder, const struct select_build *build,
                                     const PgQuery__Node *node, const char *clause, bool *found,
                                     uint32_t *target_out)
{
    const char *name = as_bare_name(node);
    *found = false;
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

static bool scope_has_plain(const struct od_scope *scope, const char *name)
{
    for (uint32_t i = 0; name != NULL && i < scope->entry_count; i++)
        if (scope->entries[i].plain && strcmp(scope->entries[i].name, name) == 0)
            return true;
    return false;
}

/* --- GROUP BY and HAVING ---------------------------------------------------------------------- */

static bool reads_aggregate(const struct od_expr *expr, uint32_t row_columns)
{
    if (expr->kind == OD_EXPR_COLUMN)
        return expr->column_index >= row_columns;
    for (uint32_t i = 0; expr->kind == OD_EXPR_CALL && i < expr->argument_count; i++)
        if (reads_aggregate(expr->arguments[i], row_columns))
            return true;
    return false;
}

/* SQL's rule: a bare name in GROUP BY is a column of FROM first, an output name only then; the other way in
 * ORDER BY. */
static enum od_status bind_group(struct od_binder *binder, struct select_build *build,
                                 const PgQuery__Node *node, const struct od_expr **expr_out)
{
    struct od_expr_place place = {.scope = &build->from.scope, .clause = "GROUP BY"};
    struct od_bound bound = {0};
    bool is_target = false;
    uint32_t target = 0;
    enum od_status status = as_position(binder, build, node, "GROUP BY", &is_target, &target);
    if (status == OD_OK && !is_target && !scope_has_plain(&build->from.scope, as_bare_name(node)))
        status = as_output_name(binder, build, node, "GROUP BY", &is_target, &target);
    if (status == OD_OK && is_target) {
        *expr_out = build->targets[target].expr;
        if (reads_aggregate(*expr_out, build->from.scope.schema.field_count))
            status = od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(node),
                                 "aggregate functions are not allowed in GROUP BY");
        return status;
    }
    if (status == OD_OK)
        status = od_bind_expr(binder, &place, node, &bound);
    *expr_out = bound.expr;
    return status;
}

static enum od_status bind_groups(struct od_binder *binder, struct select_build *build)
{
    uint32_t count = (uint32_t)build->select->n_group_clause;
    const struct od_expr **groups = od_arena_take_array(binder->plan_arena, count, sizeof(*groups));
    uint32_t group_count = 0;
    if (groups == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count; i++) {
        const struct od_expr *group = NULL;
        bool known = false;
        enum od_status status = bind_group(binder, build, build->select->group_clause[i], &group);
        if (status != OD_OK)
            return status;
        for (uint32_t k = 0; k < group_count; k++)
            known |= od_expr_equal(groups[k], group);
        if (!known)
            groups[group_count++] = group;
    }
    build->grouping = (struct od_grouping){
        .scope = &build->from.scope,
        .group_count = group_count,
        .groups = groups,
        .aggregates = &build->aggregates,
    };
    return OD_OK;
}

static enum od_status bind_having(struct od_binder *binder, struct select_build *build)
{
    struct od_expr_place place = {
        .scope = &build->from.scope, .clause = "HAVING", .aggregates = &build->aggregates};
    if (build->select->having_clause == NULL)
        return OD_OK;
    return od_bind_condition(binder, &place, build->select->having_clause, &build->having);
}

/* --- ORDER BY --------------------------------------------------------------------------------- */

static enum od_status order_column(struct od_binder *binder, struct select_build *build,
                                   const PgQuery__Node *node, uint32_t *column_out)
{
    struct od_expr_place place = {
        .scope = &build->from.scope, .clause = "ORDER BY", .aggregates = &build->aggregates};
    struct od_bound bound = {0};
    bool is_target = false;
    enum od_status status = as_position(binder, build, node, "ORDER BY", &is_target, column_out);
    if (status == OD_OK && !is_target)
        status = as_output_name(binder, build, node, "ORDER BY", &is_target, column_out);
    if (status != OD_OK || is_target)
        return status;
    status = od_bind_expr(binder, &place, node, &bound);
    if (status != OD_OK)
        return status;
    for (uint32_t i = 0; i < build->target_count; i++) {
        if (od_expr_equal(build->targets[i].expr, bound.expr)) {
            *column_out = i;
            return OD_OK;
        }
    }
    if (build->distinct)
        return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(node),
                           "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
    *column_out = build->target_count;
    return add_target(binder, build, bound.expr, "order");
}

static enum od_status bind_order(struct od_binder *binder, struct select_build *build)
{
    enum od_status status = OD_OK;
    build->order_count = (uint32_t)build->select->n_sort_clause;
    build->order = od_arena_take_array(binder->plan_arena, build->order_count, sizeof(*build->order));
    if (build->order == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < build->order_count && status == OD_OK; i++) {
        const PgQuery__SortBy *item = build->select->sort_clause[i]->sort_by;
        struct order_key *key = &build->order[i];
        if (item->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING)
            return od_sql_fail(binder, OD_UNSUPPORTED, od_sql_location(item->node),
                               "ORDER BY USING is not supported");
        key->descending = item->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
        key->nulls_first =
            item->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST ||
            (item->sortby_nulls != PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST && key->descending);
        status = order_column(binder, build, item->node, &key->column);
    }
    return status;
}

/* --- LIMIT and OFFSET ------------------------------------------------------------------------- */

/* A constant that is not negative; NULL (and LIMIT ALL, which is NULL) leaves *value_out alone. */
static enum od_status bind_count(struct od_binder *binder, const PgQuery__Node *node, const char *clause,
                                 uint64_t *value_out)
{
    struct od_scope empty = {0};
    struct od_expr_place place = {.scope = &empty, .clause = clause};
    struct od_bound bound = {0};
    int32_t location = od_sql_location(node);
    if (node->node_case != PG_QUERY__NODE__NODE_A_CONST)
        return od_sql_fail(binder, OD_UNSUPPORTED, location, "%s that is not a constant is not supported",
                           clause);
    enum od_status status = od_bind_expr(binder, &place, node, &bound);
    if (status != OD_OK)
        return status;
    if (bound.expr->literal.is_null)
        return OD_OK;
    if (bound.expr->type != OD_TYPE_INT64)
        return od_sql_fail(binder, OD_UNSUPPORTED, location, "%s that is not a whole number is not supported",
                           clause);
    if (bound.expr->literal.int64 < 0)
        return od_sql_fail(binder, OD_BAD_INPUT, location, "%s must not be negative", clause);
    *value_out = (uint64_t)bound.expr->literal.int64;
    return OD_OK;
}

static enum od_status put_limit(struct od_binder *binder, struct select_build *build)
{
    uint64_t offset = 0;
    uint64_t count = UINT64_MAX;
    enum od_status status = OD_OK;
    if (build->select->limit_offset != NULL)
        status = bind_count(binder, build->select->limit_offset, "OFFSET", &offset);
    if (status == OD_OK && build->select->limit_count != NULL)
        status = bind_count(binder, build->select->limit_count, "LIMIT", &count);
    if (status == OD_OK && (offset > 0 || count != UINT64_MAX))
        status = od_plan_limit(binder->plan_arena, build->plan, offset, count, &build->plan, binder->error);
    return status;
}

/* --- stacking the plan ------------------------------------------------------------------------ */

static enum od_status put_grouping(struct od_binder *binder, struct select_build *build)
{
    bool grouped = build->select->n_group_clause > 0 || build->aggregates.count > 0 || build->having != NULL;
    if (!grouped)
        return OD_OK;
    enum od_status status = od_grouping_build(binder, build->plan, &build->grouping);
    for (uint32_t i = 0; i < build->target_count && status == OD_OK; i++)
        status =
            od_grouping_rewrite(binder, &build->grouping, build->targets[i].expr, &build->targets[i].expr);
    if (status == OD_OK && build->having != NULL)
        status = od_grouping_rewrite(binder, &build->grouping, build->having, &build->having);
    if (status == OD_OK)
        build->plan = build->grouping.plan;
    if (status == OD_OK && build->having != NULL)
        status = od_plan_filter(binder->plan_arena, build->plan, build->having, &build->plan, binder->error);
    return status;
}

/* Would the project give exactly its input, names too? */
static bool project_is_identity(const struct select_build *build)
{
    const struct od_schema *schema = &build->plan->schema;
    if (build->target_count != schema->field_count)
        return false;
    for (uint32_t i = 0; i < build->target_count; i++) {
        const struct target *target = &build->targets[i];
        if (target->expr->kind != OD_EXPR_COLUMN || target->expr->column_index != i ||
            strcmp(target->name, schema->fields[i].name) != 0)
            return false;
    }
    return true;
}

static enum od_status put_project(struct od_binder *binder, struct select_build *build)
{
    const struct od_expr **exprs =
        od_arena_take_array(binder->plan_arena, build->target_count, sizeof(*exprs));
    const char **names = od_arena_take_array(binder->plan_arena, build->target_count, sizeof(*names));
    if (exprs == NULL || names == NULL)
        return od_sql_no_memory(binder);
    if (project_is_identity(build))
        return OD_OK;
    for (uint32_t i = 0; i < build->target_count; i++) {
        exprs[i] = build->targets[i].expr;
        names[i] = build->targets[i].name;
    }
    return od_plan_project(binder->plan_arena, build->plan, exprs, names, build->target_count, &build->plan,
                           binder->error);
}

static enum od_status put_sort(struct od_binder *binder, struct select_build *build)
{
    struct od_sort_key *keys = od_arena_take_array(binder->plan_arena, build->order_count, sizeof(*keys));
    enum od_status status = OD_OK;
    if (keys == NULL)
        return od_sql_no_memory(binder);
    if (build->order_count == 0)
        return OD_OK;
    for (uint32_t i = 0; i < build->order_count && status == OD_OK; i++) {
        keys[i].descending = build->order[i].descending;
        keys[i].nulls_first = build->order[i].nulls_first;
        status = od_expr_column(binder->plan_arena, &build->plan->schema, build->order[i].column,
                                &keys[i].expr, binder->error);
    }
    if (status == OD_OK)
        status = od_plan_sort(binder->plan_arena, build->plan, keys, build->order_count, &build->plan,
                              binder->error);
    return status;
}

static enum od_status drop_hidden(struct od_binder *binder, struct select_build *build)
{
    const struct od_expr **exprs =
        od_arena_take_array(binder->plan_arena, build->visible_count, sizeof(*exprs));
    enum od_status status = OD_OK;
    if (exprs == NULL)
        return od_sql_no_memory(binder);
    if (build->visible_count == build->target_count)
        return OD_OK;
    for (uint32_t i = 0; i < build->visible_count && status == OD_OK; i++)
        status = od_expr_column(binder->plan_arena, &build->plan->schema, i, &exprs[i], binder->error);
    if (status == OD_OK)
        status = od_plan_project(binder->plan_arena, build->plan, exprs, NULL, build->visible_count,
                                 &build->plan, binder->error);
    return status;
}

typedef enum od_status (*select_step)(struct od_binder *binder, struct select_build *build);

static enum od_status bind_rows(struct od_binder *binder, struct select_build *build)
{
    enum od_status status = od_bind_from(binder, build->select, &build->from);
    build->plan = build->from.plan;
    return status;
}

static enum od_status put_distinct(struct od_binder *binder, struct select_build *build)
{
    if (!build->distinct)
        return OD_OK;
    return od_plan_distinct(binder->plan_arena, build->plan, &build->plan, binder->error);
}

enum od_status od_bind_select(struct od_binder *binder, const PgQuery__SelectStmt *select,
                              const struct od_plan **plan_out)
{
    static const select_step steps[] = {bind_rows,  bind_targets, bind_groups, bind_having,
                                        bind_order, put_grouping, put_project, put_distinct,
                                        put_sort,   put_limit,    drop_hidden};
    struct select_build *build = od_arena_take(binder->plan_arena, sizeof(*build));
    enum od_status status = refuse_clauses(binder, select);
    *plan_out = NULL;
    if (build == NULL)
        return od_sql_no_memory(binder);
    build->select = select;
    build->distinct = select->n_distinct_clause > 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && status == OD_OK; i++)
        status = steps[i](binder, build);
    if (status == OD_OK)
        *plan_out = build->plan;
    return status;
}
