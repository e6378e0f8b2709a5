/* bind_query: a query of any form: WITH, then a SELECT, VALUES, or a tree of set operations, with ORDER BY
 * and LIMIT of the whole.
 *
 *   UNION ALL      union                    UNION        distinct over it
 *   INTERSECT      rows of both sides, each with a mark of its side; grouped by all columns, with a count
 *                  of either
 *   EXCEPT         mark; what both sides have (or the left one alone) is kept
 *   ... ALL        the same, but rows that are equal are numbered on their side first, and the number is
 *                  a column
 *
 * so that NULLs are equal, as SQL has it. */
#include <stdio.h>
#include <string.h>

#include "engine/sql/binder.h"

/* --- ORDER BY and LIMIT --------------------------------------------------------------------------- */

const char *od_as_bare_name(const PgQuery__Node *node)
{
    if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields != 1)
        return NULL;
    return od_sql_string(node->column_ref->fields[0]);
}

/* Whole numbers are positions, from 1. */
static bool find_position(struct od_binder *binder, const PgQuery__AConst *constant, const char *clause,
                          uint32_t count, uint32_t *position_out)
{
    if (constant->isnull || constant->val_case != PG_QUERY__A__CONST__VAL_IVAL)
        return od_sql_wrong(binder, constant->location, "non-integer constant in %s", clause);
    if (constant->ival->ival < 1 || (uint32_t)constant->ival->ival > count)
        return od_sql_wrong(binder, constant->location, "%s position %d is not in select list", clause,
                            constant->ival->ival);
    *position_out = (uint32_t)constant->ival->ival - 1;
    return true;
}

/* Two targets of one name are fine when they are the same expression. */
bool od_find_target(struct od_binder *binder, struct od_targets targets, const PgQuery__Node *node,
                    const char *clause, bool names, uint32_t *target_out)
{
    const char *name = names ? od_as_bare_name(node) : NULL;
    *target_out = OD_NO_COLUMN;
    if (node->node_case == PG_QUERY__NODE__NODE_A_CONST)
        return find_position(binder, node->a_const, clause, targets.count, target_out);
    for (uint32_t i = 0; name != NULL && i < targets.count; i++) {
        if (strcmp(targets.at[i].name, name) != 0)
            continue;
        if (*target_out == OD_NO_COLUMN)
            *target_out = i;
        else if (!od_expr_equal(targets.at[i].expr, targets.at[*target_out].expr))
            return od_sql_wrong(binder, od_sql_location(node), "%s \"%s\" is ambiguous", clause, name);
    }
    return true;
}

bool od_sort_direction(struct od_binder *binder, const PgQuery__SortBy *item, struct od_sort_key *key)
{
    const char *sign = item->n_use_op > 0 ? od_sql_string(item->use_op[item->n_use_op - 1]) : NULL;
    sign = sign == NULL ? "" : sign;
    key->descending = item->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    if (item->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING) {
        if (strcmp(sign, "<") != 0 && strcmp(sign, ">") != 0)
            return od_sql_wrong(binder, od_sql_location(item->node),
                                "operator %s is not a valid ordering operator", sign);
        key->descending = sign[0] == '>';
    }
    enum od_null_order null_order = binder->context->null_order;
    bool by_default = null_order == OD_NULLS_FIRST || (null_order == OD_NULLS_GREATEST && key->descending) ||
                      (null_order == OD_NULLS_LEAST && !key->descending);
    key->nulls_first = item->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST ||
                       (item->sortby_nulls != PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST && by_default);
    return true;
}

/* LIMIT or OFFSET: a bigint that is not negative: a literal, or a value of sub-selects and outer columns, which
 * fails where it is negative because it has no square root then. NULL (as LIMIT ALL is, and nothing) sets no
 * bound. */
static const struct od_expr *bind_count(const struct od_place *place, const PgQuery__Node *node)
{
    struct od_binder *binder = place->binder;
    struct od_value value = {.is_null = true};
    int32_t location = node == NULL ? -1 : od_sql_location(node);
    const struct od_expr *count = node == NULL ? NULL : od_bind_expr(place, node);
    if (count != NULL && !od_expr_is_constant(count)) {
        if (!od_cast_is_implicit(count->type, OD_TYPE_FLOAT64))
            return od_sql_wrong(binder, location, "argument of %s must be type bigint, not type %s",
                                place->clause, od_type_text(count->type));
        count = od_make_cast(binder, count, OD_TYPE_INT64, location);
        const struct od_expr *root = od_make_one(binder, OD_FUNCTION_SQRT, count, location);
        root = od_make_cast(binder, root, OD_TYPE_INT64, location);
        return od_make_pair(binder, OD_FUNCTION_GREATEST, count, root, location);
    }
    OD_NEED(node == NULL || od_bind_constant(place, node, OD_TYPE_INT64, &value));
    if (!value.is_null && value.int64 < 0)
        return od_sql_wrong(binder, location, "%s must not be negative", place->clause);
    value.type = OD_TYPE_INT64;
    return od_make_literal(binder, &value, location);
}

/* Rows from number offset + 1 on whose number, WITH TIES rank, is not above offset + count. The two are computed
 * once, in a row of their own that joins all others: they fail even where there are none. */
static const struct od_plan *put_bounds(struct od_binder *binder, struct od_block *block,
                                        const struct od_sort_key *keys, uint32_t key_count, bool with_ties,
                                        const struct od_expr *offset, const struct od_expr *count,
                                        const struct od_plan *plan)
{
    uint32_t width = plan->schema.field_count;
    struct od_targets bounds = {0};
    block->plan = od_make_one_row(binder);
    offset = od_lower(binder, block, offset);
    count = od_lower(binder, block, count);
    offset = od_make_pair(binder, OD_FUNCTION_COALESCE, offset, od_make_number(binder, OD_TYPE_INT64, 0, -1), -1);
    OD_NEED(od_add_target(binder, &bounds, offset, NULL) && od_add_target(binder, &bounds, count, NULL));
    const struct od_plan *row = od_make_project(binder, block->plan, &bounds);
    plan = od_make_numbers(binder, plan, (struct od_exprs){0}, keys, key_count, with_ties);
    plan = od_make_join(binder, OD_JOIN_SINGLE, false, plan, row, od_make_truth(binder), -1);
    OD_NEED(plan != NULL);
    const struct od_expr *number = od_make_column(binder, &plan->schema, width, -1);
    const struct od_expr *last = od_make_column(binder, &plan->schema, width + with_ties, -1);
    offset = od_make_column(binder, &plan->schema, width + with_ties + 1, -1);
    count = od_make_column(binder, &plan->schema, width + with_ties + 2, -1);
    last = od_make_pair(binder, OD_FUNCTION_SUBTRACT, last, offset, -1);
    last = od_make_pair(binder, OD_FUNCTION_LESS_EQUAL, last, count, -1);
    last = od_make_pair(binder, OD_FUNCTION_COALESCE, last, od_make_truth(binder), -1);
    number = od_make_pair(binder, OD_FUNCTION_GREATER, number, offset, -1);
    plan = od_make_filter(binder, plan, od_make_pair(binder, OD_FUNCTION_AND, number, last, -1));
    return plan == NULL ? NULL : od_make_cut(binder, plan, width);
}

const struct od_plan *od_put_order(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                   struct od_block *outer, const struct od_sort_key *keys, const struct od_plan *plan)
{
    uint32_t key_count = (uint32_t)select->n_sort_clause;
    struct od_block block = {.outer = outer};
    struct od_place place = {.binder = binder, .block = &block, .clause = "OFFSET"};
    bool with_ties = select->limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES;
    const struct od_expr *offset = bind_count(&place, select->limit_offset);
    place.clause = "LIMIT";
    const struct od_expr *count = bind_count(&place, select->limit_count);
    OD_NEED(plan != NULL && offset != NULL && count != NULL);
    if (with_ties && key_count == 0)
        return od_sql_wrong(binder, od_sql_location(select->limit_count),
                            "WITH TIES cannot be specified without ORDER BY clause");
    if (with_ties && (count->kind != OD_EXPR_LITERAL || count->literal.is_null))
        return od_sql_refuse(binder, od_sql_location(select->limit_count), "WITH TIES of what may be NULL");
    bool is_plain = offset->kind == OD_EXPR_LITERAL && count->kind == OD_EXPR_LITERAL && !with_ties;
    if (!is_plain)
        plan = put_bounds(binder, &block, keys, key_count, with_ties, offset, count, plan);
    if (key_count > 0 && !od_sql_failed(binder))
        od_plan_sort(binder->plan_arena, plan, keys, key_count, &plan, binder->error);
    uint64_t skipped = is_plain && !offset->literal.is_null ? (uint64_t)offset->literal.int64 : 0;
    uint64_t taken = is_plain && !count->literal.is_null ? (uint64_t)count->literal.int64 : UINT64_MAX;
    if ((skipped > 0 || taken != UINT64_MAX) && !od_sql_failed(binder))
        od_plan_limit(binder->plan_arena, plan, skipped, taken, &plan, binder->error);
    return od_sql_failed(binder) ? NULL : plan;
}

/* ORDER BY of a set operation or of VALUES: output columns only. */
static const struct od_plan *order_whole(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                         struct od_block *outer, const struct od_plan *plan)
{
    struct od_sort_key *keys = od_sql_take(binder, select->n_sort_clause, sizeof(*keys));
    struct od_targets columns = {0};
    bool is_values = select->op == PG_QUERY__SET_OPERATION__SETOP_NONE;
    OD_NEED(keys != NULL && od_add_columns(binder, &columns, plan));
    for (size_t i = 0; i < select->n_sort_clause; i++) {
        const PgQuery__SortBy *item = select->sort_clause[i]->sort_by;
        const char *name = od_as_bare_name(item->node);
        uint32_t column = 0;
        OD_NEED(od_find_target(binder, columns, item->node, "ORDER BY", true, &column));
        if (column == OD_NO_COLUMN && name != NULL)
            return od_sql_wrong(binder, od_sql_location(item->node), "column \"%s\" does not exist", name);
        if (column == OD_NO_COLUMN)
            return od_sql_fail(binder, is_values ? OD_UNSUPPORTED : OD_BAD_INPUT, od_sql_location(item->node),
                               "invalid UNION/INTERSECT/EXCEPT ORDER BY clause");
        OD_NEED(od_sort_direction(binder, item, &keys[i]));
        keys[i].expr = columns.at[column].expr;
    }
    return od_put_order(binder, select, outer, keys, plan);
}

/* --- VALUES --------------------------------------------------------------------------------------- */

bool od_take_cells(struct od_binder *binder, const PgQuery__SelectStmt *select, struct od_cells *cells)
{
    size_t width = select->values_lists[0]->list->n_items;
    for (size_t r = 1; r < select->n_values_lists; r++)
        if (select->values_lists[r]->list->n_items != width)
            return od_sql_wrong(binder, od_sql_location(select->values_lists[r]),
                                "VALUES lists must all be the same length");
    cells->row_count = (uint32_t)select->n_values_lists;
    cells->schema.field_count = (uint32_t)width;
    cells->schema.fields = od_sql_take(binder, width, sizeof(*cells->schema.fields));
    return cells->schema.fields != NULL;
}

/* The cells of a column in their common type. */
static bool unify_column(struct od_binder *binder, struct od_cells *cells, uint32_t column)
{
    struct od_exprs list = {0};
    struct od_field *field = &cells->schema.fields[column];
    struct od_sql_type type = {0};
    char *name = od_sql_take(binder, 24, 1);
    for (uint32_t i = column; i < cells->exprs.count; i += cells->schema.field_count)
        OD_NEED(od_add_expr(binder, &list, cells->exprs.at[i]));
    if (!od_expr_common_type(list.at, list.count, &type.type)) {
        uint32_t first = 0;
        while (list.at[first]->is_untyped)
            first++;
        type.type = list.at[first]->type;
        for (uint32_t i = first + 1; i < list.count; i++)
            if (!list.at[i]->is_untyped && list.at[i]->type != type.type)
                return od_sql_wrong(binder, od_place_of(list.at[i]),
                                    "VALUES types %s and %s cannot be matched", od_type_text(type.type),
                                    od_type_text(list.at[i]->type));
    }
    if (type.type == OD_TYPE_INTERVAL)
        return od_sql_refuse(binder, od_place_of(list.at[0]), "an interval as a column");
    field->type = type.type;
    for (uint32_t i = 0; i < list.count; i++) {
        const struct od_expr *cell = od_bind_cast_to(binder, list.at[i], type, od_place_of(list.at[i]));
        OD_NEED(cell != NULL);
        cells->exprs.at[(size_t)i * cells->schema.field_count + column] = cell;
        field->nullable |= cell->nullable;
    }
    OD_NEED(name != NULL);
    snprintf(name, 24, "column%u", column + 1);
    field->name = name;
    return true;
}

/* Rows that hold sub-selects or outer columns: each one a project over one row. */
static const struct od_plan *values_of_projects(struct od_binder *binder, struct od_block *block,
                                                const struct od_cells *cells)
{
    const struct od_plan *all = NULL;
    for (uint32_t r = 0; r < cells->row_count; r++) {
        struct od_targets row = {0};
        block->plan = od_make_one_row(binder); /* a cell's sub-selects are its own */
        for (uint32_t i = 0; i < cells->schema.field_count && !od_sql_failed(binder); i++)
            od_add_target(binder, &row,
                          od_lower(binder, block, cells->exprs.at[(size_t)r * cells->schema.field_count + i]),
                          cells->schema.fields[i].name);
        all = od_make_union(binder, all, od_make_project(binder, block->plan, &row));
    }
    return all;
}

const struct od_plan *od_put_cells(struct od_binder *binder, struct od_block *block,
                                   const struct od_cells *cells)
{
    const struct od_plan *plan = NULL;
    OD_NEED(!od_sql_failed(binder));
    for (uint32_t i = 0; i < cells->exprs.count; i++)
        if (!od_expr_is_constant(cells->exprs.at[i]))
            return values_of_projects(binder, block, cells);
    od_plan_values(binder->plan_arena, &cells->schema, cells->exprs.at, cells->row_count, &plan,
                   binder->error);
    return plan;
}

static const struct od_plan *bind_values(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                         struct od_block *outer)
{
    struct od_block block = {.outer = outer};
    struct od_place place = {.binder = binder, .block = &block, .clause = "VALUES"};
    struct od_cells cells = {0};
    OD_NEED(od_take_cells(binder, select, &cells));
    for (uint32_t r = 0; r < cells.row_count; r++)
        for (uint32_t i = 0; i < cells.schema.field_count; i++)
            OD_NEED(od_add_expr(binder, &cells.exprs,
                                od_bind_expr(&place, select->values_lists[r]->list->items[i])));
    for (uint32_t i = 0; i < cells.schema.field_count; i++)
        OD_NEED(unify_column(binder, &cells, i));
    return od_put_cells(binder, &block, &cells);
}

/* --- set operations ------------------------------------------------------------------------------- */

static const char *operation_text(const PgQuery__SelectStmt *select)
{
    return select->op == PG_QUERY__SET_OPERATION__SETOP_UNION    ? "UNION"
           : select->op == PG_QUERY__SET_OPERATION__SETOP_EXCEPT ? "EXCEPT"
                                                                 : "INTERSECT";
}

/* One side: a query, and which of its columns are still quoted literals. */
struct side {
    const struct od_plan *plan;
    const bool *untyped;
    int32_t location;
};

/* The type of column i of both sides. */
static bool common_type(struct od_binder *binder, const PgQuery__SelectStmt *select,
                        const struct side sides[2], uint32_t i, enum od_type *type_out)
{
    struct od_exprs columns = {0};
    for (uint32_t s = 0; s < 2; s++)
        if (sides[s].untyped == NULL || !sides[s].untyped[i])
            OD_NEED(od_add_expr(binder, &columns, od_make_column(binder, &sides[s].plan->schema, i, -1)));
    if (!od_expr_common_type(columns.at, columns.count, type_out))
        return od_sql_wrong(binder, sides[1].location, "%s types %s and %s cannot be matched",
                            operation_text(select), od_type_text(columns.at[0]->type),
                            od_type_text(columns.at[1]->type));
    return true;
}

/* A side with its columns in these types and, if it is tagged, its mark: its own column of two is true, the
 * other NULL. */
static const struct od_plan *fit_side(struct od_binder *binder, const struct od_plan *plan,
                                      const enum od_type *types, const struct od_schema *names, bool numbered,
                                      bool tagged, uint32_t which)
{
    struct od_targets columns = {0};
    bool changed = tagged;
    OD_NEED(od_add_columns(binder, &columns, plan));
    for (uint32_t i = 0; i < columns.count; i++) {
        changed |= columns.at[i].expr->type != types[i];
        columns.at[i].expr = od_make_cast(binder, columns.at[i].expr, types[i], -1);
        columns.at[i].name = names->fields[i].name;
        OD_NEED(columns.at[i].expr != NULL);
    }
    if (numbered) {
        struct od_exprs partitions = {0};
        if (changed)
            plan = od_make_project(binder, plan, &columns);
        OD_NEED(plan != NULL);
        for (uint32_t i = 0; i < columns.count; i++)
            od_add_expr(binder, &partitions, od_make_column(binder, &plan->schema, i, -1));
        plan = od_make_numbers(binder, plan, partitions, NULL, 0, false);
        columns = (struct od_targets){0};
        OD_NEED(od_add_columns(binder, &columns, plan));
    }
    for (uint32_t i = 0; i < 2 && tagged; i++)
        od_add_target(binder, &columns,
                      i == which ? od_make_truth(binder) : od_make_null(binder, OD_TYPE_BOOLEAN), "mark");
    return changed ? od_make_project(binder, plan, &columns) : plan;
}

/* Groups by all columns but the two marks, and keeps what both sides have (INTERSECT), or only the left one
 * (EXCEPT). */
static const struct od_plan *keep_by_marks(struct od_binder *binder, bool intersect,
                                           const struct od_plan *plan)
{
    struct od_aggregate counts[] = {{.function = OD_AGGREGATE_COUNT, .name = "left"},
                                    {.function = OD_AGGREGATE_COUNT, .name = "right"}};
    struct od_exprs groups = {0};
    OD_NEED(plan != NULL);
    uint32_t count = plan->schema.field_count - 2;
    for (uint32_t i = 0; i < count; i++)
        od_add_expr(binder, &groups, od_make_column(binder, &plan->schema, i, -1));
    for (uint32_t i = 0; i < 2; i++)
        counts[i].argument = od_make_column(binder, &plan->schema, count + i, -1);
    if (!od_sql_failed(binder))
        od_plan_aggregate(binder->plan_arena, plan, groups.at, NULL, count, counts, 2, &plan, binder->error);
    plan = od_make_comparison(binder, plan, count, OD_FUNCTION_GREATER, 0);
    return od_make_comparison(binder, plan, count + 1, intersect ? OD_FUNCTION_GREATER : OD_FUNCTION_EQUAL,
                              0);
}

static const struct od_plan *bind_set_operation(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                                struct od_block *outer)
{
    const PgQuery__SelectStmt *selects[2] = {select->larg, select->rarg};
    struct side sides[2] = {{0}, {0}};
    bool is_union = select->op == PG_QUERY__SET_OPERATION__SETOP_UNION;
    for (uint32_t s = 0; s < 2; s++) {
        sides[s].plan = od_bind_query_untyped(binder, selects[s], outer, &sides[s].untyped);
        sides[s].location = selects[s]->n_target_list > 0 ? od_sql_location(selects[s]->target_list[0]) : -1;
        OD_NEED(sides[s].plan != NULL);
    }
    const struct od_schema *schema = &sides[0].plan->schema;
    if (schema->field_count != sides[1].plan->schema.field_count)
        return od_sql_wrong(binder, sides[1].location, "each %s query must have the same number of columns",
                            operation_text(select));
    enum od_type *types = od_sql_take(binder, schema->field_count, sizeof(*types));
    for (uint32_t i = 0; i < schema->field_count; i++)
        OD_NEED(types != NULL && common_type(binder, select, sides, i, &types[i]));
    for (uint32_t s = 0; s < 2; s++)
        sides[s].plan =
            fit_side(binder, sides[s].plan, types, schema, !is_union && select->all, !is_union, s);
    OD_NEED(!od_sql_failed(binder));
    const struct od_plan *plan = od_make_union(binder, sides[0].plan, sides[1].plan);
    if (is_union && !select->all && plan != NULL)
        od_plan_distinct(binder->plan_arena, plan, &plan, binder->error);
    if (is_union)
        return plan;
    plan = keep_by_marks(binder, select->op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT, plan);
    return od_make_cut(binder, plan, schema->field_count);
}

/* --- the whole ------------------------------------------------------------------------------------ */

static const struct od_plan *bind_form(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                       struct od_block *outer, const bool **untyped_out)
{
    bool is_set = select->op != PG_QUERY__SET_OPERATION__SETOP_NONE;
    if (!is_set && select->n_values_lists == 0)
        return od_bind_select(binder, select, outer, untyped_out);
    if (select->n_locking_clause > 0)
        return od_sql_refuse(binder, -1, "FOR UPDATE or FOR SHARE");
    return order_whole(binder, select, outer,
                       (is_set ? bind_set_operation : bind_values)(binder, select, outer));
}

const struct od_plan *od_bind_query_untyped(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                            struct od_block *outer, const bool **untyped_out)
{
    const struct od_named_query *named = binder->named;
    *untyped_out = NULL;
    OD_NEED(od_sql_enter(binder, NULL));
    if (select->with_clause != NULL)
        od_bind_with(binder, select->with_clause, outer);
    const struct od_plan *plan = od_sql_failed(binder) ? NULL : bind_form(binder, select, outer, untyped_out);
    binder->named = named;
    od_sql_leave(binder);
    return plan;
}

const struct od_plan *od_bind_query(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                    struct od_block *outer)
{
    const bool *untyped = NULL;
    return od_bind_query_untyped(binder, select, outer, &untyped);
}
