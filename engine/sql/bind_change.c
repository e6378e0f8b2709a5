/* bind_change: plans of the rows that a statement brings to a table, or leaves in it.
 *
 *   INSERT INTO t (b) query     the query's column as b, defaults in the others
 *   UPDATE t SET a = e WHERE c  unchanged: rows of t for which c is not true    changed: e, b where it is
 *   DELETE FROM t WHERE c       unchanged: as UPDATE
 *
 * Values are cast as PostgreSQL casts in assignments. SET and WHERE are bound as in a SELECT over t. */
#include "engine/sql/binder.h"

/* --- INSERT --------------------------------------------------------------------------------------- */

/* How many columns get a value, where `found` are given. */
static bool check_width(struct od_binder *binder, const struct od_row_shape *table, uint32_t found,
                        int32_t location, uint32_t *column_count)
{
    uint32_t width = table->schema.field_count;
    if (*column_count == 0)
        *column_count = found < width ? found : width;
    if (found != *column_count)
        return od_sql_wrong(binder, location,
                            found > *column_count ? "INSERT has more expressions than target columns"
                                                  : "INSERT has more target columns than expressions");
    return true;
}

static const struct od_expr *assigned(struct od_binder *binder, const struct od_row_shape *table,
                                      uint32_t column, const struct od_expr *expr, int32_t location)
{
    return od_bind_assignment(binder, expr, table->types[column], table->schema.fields[column].name,
                              location);
}

/* VALUES, in which a quoted literal is of its column's type, and DEFAULT may stand. */
static const struct od_plan *insert_values(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                           const struct od_row_shape *table, const uint32_t *columns,
                                           uint32_t *column_count)
{
    struct od_block block = {0};
    struct od_place place = {.binder = binder, .block = &block, .clause = "VALUES"};
    struct od_cells cells = {0};
    OD_NEED(od_take_cells(binder, select, &cells));
    OD_NEED(check_width(binder, table, cells.schema.field_count, od_sql_location(select->values_lists[0]),
                        column_count));
    for (uint32_t i = 0; i < *column_count; i++)
        cells.schema.fields[i] =
            (struct od_field){table->schema.fields[columns[i]].name, table->types[columns[i]].type, true};
    for (size_t k = 0; k < (size_t)cells.row_count * *column_count; k++) {
        uint32_t column = columns[k % *column_count];
        const PgQuery__Node *node = select->values_lists[k / *column_count]->list->items[k % *column_count];
        const struct od_expr *cell = table->defaults.at[column];
        if (node->node_case != PG_QUERY__NODE__NODE_SET_TO_DEFAULT) {
            cell = od_bind_expr(&place, node);
            OD_NEED(cell != NULL);
            cell = assigned(binder, table, column, cell, od_place_of(cell));
        }
        OD_NEED(od_add_expr(binder, &cells.exprs, cell));
    }
    return od_put_cells(binder, &block, &cells);
}

static const struct od_plan *insert_query(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                          const struct od_row_shape *table, const uint32_t *columns,
                                          uint32_t *column_count)
{
    const bool *untyped = NULL;
    struct od_targets targets = {0};
    const struct od_plan *plan = od_bind_query_untyped(binder, select, NULL, &untyped);
    OD_NEED(od_add_columns(binder, &targets, plan));
    OD_NEED(check_width(binder, table, targets.count,
                        select->n_target_list > 0 ? od_sql_location(select->target_list[0]) : -1,
                        column_count));
    for (uint32_t i = 0; i < targets.count; i++) {
        int32_t location = i < select->n_target_list ? od_sql_location(select->target_list[i]) : -1;
        const struct od_expr *expr = targets.at[i].expr;
        if (untyped != NULL && untyped[i])
            expr = od_make_cast(binder, expr, table->types[columns[i]].type, -1);
        targets.at[i].expr = assigned(binder, table, columns[i], expr, location);
    }
    return od_make_project(binder, plan, &targets);
}

const struct od_plan *od_bind_insert(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                     const struct od_row_shape *table, const uint32_t *columns,
                                     uint32_t column_count)
{
    struct od_targets all = {0};
    bool is_values = select->n_values_lists > 0 && select->n_sort_clause == 0 &&
                     select->limit_count == NULL && select->limit_offset == NULL &&
                     select->with_clause == NULL;
    const struct od_plan *plan =
        (is_values ? insert_values : insert_query)(binder, select, table, columns, &column_count);
    for (uint32_t i = 0; i < table->schema.field_count; i++)
        OD_NEED(od_add_target(binder, &all, table->defaults.at[i], table->schema.fields[i].name));
    for (uint32_t i = 0; i < column_count && plan != NULL; i++)
        all.at[columns[i]].expr = od_make_column(binder, &plan->schema, i, -1);
    return od_make_project(binder, plan, &all);
}

/* --- UPDATE and DELETE ---------------------------------------------------------------------------- */

static const struct od_expr *new_value(const struct od_place *place, const struct od_row_shape *table,
                                       const struct od_row_change *change, uint32_t column)
{
    const PgQuery__Node *value = change->values != NULL ? change->values[column] : NULL;
    if (value == NULL)
        return od_make_column(place->binder, &place->block->scope.schema, column, -1);
    if (value->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT)
        return table->defaults.at[column];
    return assigned(place->binder, table, column, od_bind_expr(place, value), od_sql_location(value));
}

const struct od_plan *od_bind_change(struct od_binder *binder, const struct od_row_shape *table,
                                     const struct od_row_change *change, bool changed)
{
    struct od_block block = {0};
    struct od_place where = {.binder = binder, .block = &block, .clause = "WHERE"};
    struct od_place set = {.binder = binder, .block = &block, .clause = "UPDATE"};
    struct od_targets targets = {0};
    const char *alias = change->relation->alias == NULL ? table->name : change->relation->alias->aliasname;
    block.plan = od_make_scan(binder, od_catalog_find(binder->context->catalog, table->name));
    OD_NEED(od_scope_of(binder, alias, &table->schema, &block.scope));
    if (change->with != NULL)
        OD_NEED(od_bind_with(binder, change->with, NULL));
    if (change->where != NULL) {
        const struct od_expr *predicate = od_bind_condition(&where, change->where, "WHERE");
        int32_t location = od_sql_location(change->where);
        if (!changed)
            predicate = od_make_one(binder, OD_FUNCTION_NOT,
                                    od_make_one(binder, OD_FUNCTION_IS_TRUE, predicate, location), location);
        OD_NEED(od_lower_filter(binder, &block, predicate));
    }
    for (uint32_t i = 0; i < table->schema.field_count; i++) {
        const struct od_expr *value =
            changed ? new_value(&set, table, change, i) : od_make_column(binder, &block.scope.schema, i, -1);
        OD_NEED(
            od_add_target(binder, &targets, od_lower(binder, &block, value), table->schema.fields[i].name));
    }
    binder->named = NULL;
    return od_make_project(binder, block.plan, &targets);
}

/* --- DEFAULT and CHECK ---------------------------------------------------------------------------- */

const struct od_expr *od_bind_over(struct od_binder *binder, const char *relation,
                                   const struct od_schema *schema, const char *clause,
                                   const PgQuery__Node *node)
{
    struct od_block block = {0};
    struct od_place place = {.binder = binder, .block = &block, .clause = clause};
    OD_NEED(schema == NULL || od_scope_of(binder, relation, schema, &block.scope));
    const struct od_expr *expr = od_bind_expr(&place, node);
    if (block.slot_count > 0)
        return od_sql_wrong(binder, od_sql_location(node), "cannot use subquery in %s", clause);
    return expr;
}
