/* bind_group: what an expression may read when rows are grouped.
 *
 *   select a + 1, sum(b) * 2 ... group by a + 1
 *
 *   over the rows      #a + 1                  @0 * 2          @0 stands for the aggregate sum(b)
 *   over the groups    #0                      #1 * 2          the aggregate's output: groups, aggregates
 *
 * Rewriting goes from the root down: a whole expression that equals a group is that group's column; an
 * aggregate's stand-in is its column; a call is rebuilt from its rewritten arguments; any other column is the
 * error "must appear in GROUP BY". */
#include "engine/sql/binder.h"

enum od_status od_grouping_build(struct od_binder *binder, const struct od_plan *input,
                                 struct od_grouping *grouping)
{
    struct od_aggregate row_count = {
        .function = OD_AGGREGATE_COUNT_STAR, .type = OD_TYPE_INT64, .name = "count"};
    const struct od_aggregate *aggregates = grouping->aggregates->aggregates;
    uint32_t count = grouping->aggregates->count;
    if (count == 0 && grouping->group_count == 0) { /* HAVING alone: one group, and a row needs a column */
        aggregates = &row_count;
        count = 1;
    }
    return od_plan_aggregate(binder->plan_arena, input, grouping->groups, NULL, grouping->group_count,
                             aggregates, count, &grouping->plan, binder->error);
}

static enum od_status group_column(struct od_binder *binder, const struct od_grouping *grouping,
                                   uint32_t index, uint32_t sql_offset, const struct od_expr **expr_out)
{
    const struct od_expr *column = NULL;
    enum od_status status =
        od_expr_column(binder->plan_arena, &grouping->plan->schema, index, &column, binder->error);
    if (status == OD_OK)
        status = od_expr_located(binder->plan_arena, column, sql_offset, expr_out, binder->error);
    return status;
}

static enum od_status refuse_column(struct od_binder *binder, const struct od_grouping *grouping,
                                    const struct od_expr *column)
{
    const char *relation = NULL;
    const char *name = grouping->scope->schema.fields[column->column_index].name;
    for (uint32_t i = 0; i < grouping->scope->entry_count; i++) {
        const struct od_scope_entry *entry = &grouping->scope->entries[i];
        if (entry->column_index == column->column_index && entry->relation != NULL) {
            relation = entry->relation;
            name = entry->name;
        }
    }
    return od_sql_fail(
        binder, OD_BAD_INPUT, (int32_t)column->sql_offset - 1,
        "column \"%s%s%s\" must appear in the GROUP BY clause or be used in an aggregate function",
        relation == NULL ? "" : relation, relation == NULL ? "" : ".", name);
}

static enum od_status rewrite_call(struct od_binder *binder, const struct od_grouping *grouping,
                                   const struct od_expr *expr, const struct od_expr **expr_out)
{
    const struct od_expr *call = NULL;
    enum od_status status = OD_OK;
    const struct od_expr **arguments =
        od_arena_take_array(binder->plan_arena, expr->argument_count, sizeof(*arguments));
    if (arguments == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < expr->argument_count && status == OD_OK; i++)
        status = od_grouping_rewrite(binder, grouping, expr->arguments[i], &arguments[i]);
    if (status == OD_OK && expr->function == OD_FUNCTION_CAST)
        status = od_expr_cast(binder->plan_arena, arguments[0], expr->type, &call, binder->error);
    else if (status == OD_OK)
        status = od_expr_call(binder->plan_arena, expr->function, arguments, expr->argument_count, &call,
                              binder->error);
    if (status == OD_OK)
        status = od_expr_located(binder->plan_arena, call, expr->sql_offset, expr_out, binder->error);
    return status;
}

enum od_status od_grouping_rewrite(struct od_binder *binder, const struct od_grouping *grouping,
                                   const struct od_expr *expr, const struct od_expr **expr_out)
{
    uint32_t row_columns = grouping->scope->schema.field_count;
    if (expr->kind == OD_EXPR_LITERAL) {
        *expr_out = expr;
        return OD_OK;
    }
    for (uint32_t i = 0; i < grouping->group_count; i++)
        if (od_expr_equal(grouping->groups[i], expr))
            return group_column(binder, grouping, i, expr->sql_offset, expr_out);
    if (expr->kind == OD_EXPR_CALL)
        return rewrite_call(binder, grouping, expr, expr_out);
    if (expr->column_index < row_columns)
        return refuse_column(binder, grouping, expr);
    return group_column(binder, grouping, grouping->group_count + expr->column_index - row_columns,
                        expr->sql_offset, expr_out);
}
