/* render_sql_sqlite: where SQLite's semantics are not PostgreSQL's: the one list of known differences.
 *
 *   NaN, infinities      NaN is stored as NULL; infinities have no literal
 *   large floats         literals are not always read to the nearest double, so only short ones are used
 *   greatest, least      max(a, b) is NULL when one argument is
 *   round                half away from zero, not half to even
 *   sqrt                 computed by a function that may be left out of a build
 *   extract, date_trunc  not there
 *   casts                double -> bigint truncates; text reads a prefix; texts of booleans, doubles and
 *                        times differ
 *   substring            a start below 1 counts from the end
 *   limit over doubles   -0.0 and 0.0 are one value, so the tie-break may choose another row
 *   numerics             not there. Only sum(bigint) in the answer itself is compared: a whole number in both
 *   intervals            not there
 *   outer columns        not there below FROM
 *   unions of right joins
 *                        a mistake in 3.40: the WHERE of the other side is lost when the union is a
 *                        sub-select
 *   windows              which of equal rows comes first is open there, and the total order here
 *   aggregates           there are but count, sum, min, max and avg
 *   inexact sums         sums and averages of doubles are not rounded exactly: fine in an answer that is
 *                        compared with a
 *                        tolerance, not as an input of anything
 *
 * Errors (overflow, division by zero) are NULL or a switch to floats there: the caller leaves cases out where
 * the model fails. The same list, line by line, is tested in render_sql_test.c. */
#include "properties/render_sql.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *literal_reason(const struct od_value *value)
{
    char text[40];
    if (value->is_null || value->type != OD_TYPE_FLOAT64)
        return NULL;
    if (!isfinite(value->float64))
        return "NaN or infinity";
    snprintf(text, sizeof(text), "%.15g", value->float64);
    return fabs(value->float64) > 1e15 || strtod(text, NULL) != value->float64 ? "large floats" : NULL;
}

static const char *cast_reason(const struct od_expr *expr)
{
    enum od_type from = expr->arguments[0]->type;
    bool from_integer = from == OD_TYPE_INT64 || from == OD_TYPE_INT32;
    bool to_integer = expr->type == OD_TYPE_INT64 || expr->type == OD_TYPE_INT32;
    bool fine = (from_integer && expr->type != OD_TYPE_TIMESTAMP && expr->type != OD_TYPE_DATE) ||
                (from == OD_TYPE_BOOLEAN && to_integer) ||
                (from == OD_TYPE_DATE && expr->type == OD_TYPE_TIMESTAMP);
    return fine ? NULL : "casts";
}

static const char *call_reason(const struct od_expr *expr)
{
    switch (expr->function) {
    case OD_FUNCTION_GREATEST:
    case OD_FUNCTION_LEAST:
        return "greatest, least";
    case OD_FUNCTION_ROUND:
        return "round";
    case OD_FUNCTION_SQRT:
        return "sqrt";
    case OD_FUNCTION_EXTRACT:
    case OD_FUNCTION_DATE_TRUNC:
        return "extract, date_trunc";
    case OD_FUNCTION_CAST:
        return cast_reason(expr);
    case OD_FUNCTION_SUBSTRING: {
        const struct od_expr *start = expr->arguments[1];
        bool fine = start->kind == OD_EXPR_LITERAL && !start->literal.is_null && start->literal.int64 >= 1;
        return fine ? NULL : "substring";
    }
    default:
        return od_render_sql_in_sqlite(expr->function) ? NULL : "a function that is not there";
    }
}

static const char *expr_reason(const struct od_expr *expr)
{
    if (expr == NULL)
        return NULL;
    const char *type_reason = expr->type == OD_TYPE_DECIMAL    ? "numerics"
                              : expr->type == OD_TYPE_INTERVAL ? "intervals"
                                                               : NULL;
    if (expr->kind == OD_EXPR_COLUMN)
        return type_reason;
    if (expr->kind == OD_EXPR_LITERAL)
        return type_reason != NULL ? type_reason : literal_reason(&expr->literal);
    const char *reason = call_reason(expr);
    reason = reason != NULL ? reason : type_reason;
    for (uint32_t i = 0; i < expr->argument_count && reason == NULL; i++)
        reason = expr_reason(expr->arguments[i]);
    return reason;
}

static const char *table_reason(const struct od_table *table)
{
    struct od_batch rows = od_table_view(table);
    for (uint32_t column = 0; column < table->schema.field_count; column++)
        if (table->schema.fields[column].type == OD_TYPE_DECIMAL)
            return "numerics";
    for (uint32_t column = 0; column < table->schema.field_count; column++)
        for (uint32_t row = 0; row < rows.row_count && table->schema.fields[column].type == OD_TYPE_FLOAT64;
             row++) {
            struct od_value value = od_column_value(&rows.columns[column], row);
            if (!value.is_null && !isfinite(value.float64))
                return "NaN or infinity";
            if (!value.is_null && fabs(value.float64) > 1e15)
                return "large floats";
        }
    return NULL;
}

static const char *aggregate_reason(const struct od_plan *plan, bool is_root)
{
    const char *reason = NULL;
    for (uint32_t i = 0; i < plan->aggregate.group_count && reason == NULL; i++)
        reason = expr_reason(plan->aggregate.groups[i]);
    for (uint32_t i = 0; i < plan->aggregate.aggregate_count && reason == NULL; i++) {
        const struct od_aggregate *aggregate = &plan->aggregate.aggregates[i];
        bool sums = aggregate->function == OD_AGGREGATE_SUM || aggregate->function == OD_AGGREGATE_AVG;
        reason = expr_reason(aggregate->argument);
        reason = reason != NULL ? reason : expr_reason(aggregate->filter);
        if (reason == NULL && aggregate->function > OD_AGGREGATE_AVG)
            reason = "aggregates";
        if (reason == NULL && sums && aggregate->type == OD_TYPE_FLOAT64 && !is_root)
            reason = "inexact sums";
        if (reason == NULL && aggregate->type == OD_TYPE_DECIMAL &&
            (!is_root || aggregate->function != OD_AGGREGATE_SUM))
            reason = "numerics";
    }
    return reason;
}

static bool has_right_join(const struct od_plan *plan)
{
    bool found = plan->kind == OD_PLAN_JOIN && od_join_pads_left(plan->join.type);
    for (uint32_t i = 0; i < plan->input_count && !found; i++)
        found = has_right_join(plan->inputs[i]);
    return found;
}

static bool has_doubles(const struct od_schema *schema)
{
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (schema->fields[i].type == OD_TYPE_FLOAT64)
            return true;
    return false;
}

static const char *node_reason(const struct od_plan *plan, bool is_root)
{
    const char *reason = NULL;
    switch (plan->kind) {
    case OD_PLAN_SCAN:
        return table_reason(plan->scan.table);
    case OD_PLAN_FILTER:
        return expr_reason(plan->filter.predicate);
    case OD_PLAN_PROJECT:
        for (uint32_t i = 0; i < plan->schema.field_count && reason == NULL; i++)
            reason = expr_reason(plan->rows.exprs[i]);
        return reason;
    case OD_PLAN_JOIN:
        return expr_reason(plan->join.condition);
    case OD_PLAN_REPARTITION:
    case OD_PLAN_KEEP:
    case OD_PLAN_MAP:
        return NULL;
    case OD_PLAN_VALUES:
    case OD_PLAN_EXPAND:
        for (uint32_t i = 0; i < plan->schema.field_count * plan->rows.row_count && reason == NULL; i++)
            reason = expr_reason(plan->rows.exprs[i]);
        return reason;
    case OD_PLAN_APPLY:
        return "outer columns";
    case OD_PLAN_UNION:
        return has_right_join(plan) ? "unions of right joins" : NULL;
    case OD_PLAN_WINDOW:
        return "windows";
    case OD_PLAN_AGGREGATE:
        return aggregate_reason(plan, is_root);
    case OD_PLAN_SORT:
        for (uint32_t i = 0; i < plan->sort.key_count && reason == NULL; i++)
            reason = expr_reason(plan->sort.keys[i].expr);
        return reason;
    case OD_PLAN_LIMIT:
        return has_doubles(&plan->schema) ? "limit over doubles" : NULL;
    default:
        break;
    }
    return "an unknown node";
}

static const char *plan_reason(const struct od_plan *plan, bool is_root)
{
    const char *reason = node_reason(plan, is_root);
    for (uint32_t i = 0; i < plan->input_count && reason == NULL; i++)
        reason = plan_reason(plan->inputs[i], false);
    return reason;
}

bool od_sqlite_supports(const struct od_plan *plan, const char **reason_out)
{
    const char *reason = plan_reason(plan, true);
    if (reason_out != NULL)
        *reason_out = reason;
    return reason == NULL;
}
