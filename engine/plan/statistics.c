/* statistics: see statistics.h.
 *
 *   column = literal       its share of the sample; if it has none, 1 / distinct values
 *   column < literal       likewise; else a third
 *   column = column        1 / the larger number of distinct values (each value of the smaller side is among the larger's)
 *   and, or, not           as if all were independent
 *
 * Distinct values are guessed from the sample as PostgreSQL does (Haas and Stokes, "Estimating the number of classes in a
 * finite population", 1998): d * n / (n - f1 + f1 * n / N), f1 of n sampled values seen once, d distinct, N rows. */
#include "engine/plan/statistics.h"

#define SAMPLE_ROWS      256
#define VISITS_MAX       4096 /* nodes looked at for one guess; a plan with shared parts can be a large tree */
#define DEFAULT_SHARE    (1.0 / 3)
#define DEFAULT_ROWS     1000.0
#define DISTINCT_UNKNOWN 0.0

static double larger(double left, double right)
{
    return left > right ? left : right;
}

static double smaller(double left, double right)
{
    return left < right ? left : right;
}

/* --- samples ----------------------------------------------------------------------------------- */

/* Sorted; NULLs are only counted. */
struct sample {
    uint32_t count;
    uint32_t null_count;
    double table_rows;
    struct od_value values[SAMPLE_ROWS];
};

static void insert(struct sample *sample, const struct od_value *value)
{
    uint32_t low = 0;
    uint32_t high = sample->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (od_value_compare(&sample->values[middle], value) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (uint32_t i = sample->count++; i > low; i--)
        sample->values[i] = sample->values[i - 1];
    sample->values[low] = *value;
}

static void take_sample(const struct od_table *table, uint32_t column, struct sample *sample)
{
    struct od_batch rows = od_table_view(table);
    uint32_t wanted = rows.row_count < SAMPLE_ROWS ? rows.row_count : SAMPLE_ROWS;
    sample->count = sample->null_count = 0;
    sample->table_rows = rows.row_count;
    for (uint32_t i = 0; i < wanted; i++) {
        struct od_value value = od_column_value(&rows.columns[column], (uint32_t)((uint64_t)i * rows.row_count / wanted));
        if (value.is_null)
            sample->null_count++;
        else
            insert(sample, &value);
    }
}

static double sample_distinct(const struct sample *sample)
{
    uint32_t distinct = 0;
    uint32_t once = 0;
    for (uint32_t i = 0; i < sample->count;) {
        uint32_t end = i + 1;
        while (end < sample->count && od_value_compare(&sample->values[i], &sample->values[end]) == 0)
            end++;
        distinct++;
        once += end == i + 1;
        i = end;
    }
    double n = sample->count;
    return n == 0 ? 1 : distinct * n / (n - once + once * n / sample->table_rows);
}

/* --- columns ----------------------------------------------------------------------------------- */

/* The table and column that the plan's column is, if it is one. */
static const struct od_table *source_of(const struct od_plan *plan, uint32_t column, uint32_t *table_column)
{
    for (;;) {
        const struct od_expr *expr = NULL;
        uint32_t left = plan->input_count > 0 ? plan->inputs[0]->schema.field_count : 0;
        uint32_t side = 0;
        switch (plan->kind) {
        case OD_PLAN_SCAN:
            *table_column = plan->scan.columns[column];
            return plan->scan.table;
        case OD_PLAN_PROJECT:
            expr = plan->rows.exprs[column];
            break;
        case OD_PLAN_AGGREGATE:
            if (column >= plan->aggregate.group_count)
                return NULL;
            expr = plan->aggregate.groups[column];
            break;
        case OD_PLAN_JOIN:
        case OD_PLAN_APPLY:
            side = column >= left;
            if (side == 1 && !od_join_gives_right(plan->join.type))
                return NULL;
            column -= side == 1 ? left : 0;
            break;
        case OD_PLAN_FILTER:
        case OD_PLAN_SORT:
        case OD_PLAN_LIMIT:
        case OD_PLAN_REPARTITION:
        case OD_PLAN_KEEP:
        case OD_PLAN_UNION:
        case OD_PLAN_WINDOW:
            if (column >= left)
                return NULL;
            break;
        default:
            return NULL;
        }
        if (expr != NULL && expr->kind != OD_EXPR_COLUMN)
            return NULL;
        column = expr != NULL ? expr->column_index : column;
        plan = plan->inputs[side];
    }
}

static uint32_t input_of(const struct od_estimate_inputs *inputs, uint32_t column)
{
    uint32_t i = inputs->count - 1;
    while (inputs->first[i] > column)
        i--;
    return i;
}

/* A sample of the table's column that the expression is; false when it is none. */
static bool sample_of(const struct od_estimate_inputs *inputs, const struct od_expr *expr, struct sample *sample)
{
    uint32_t table_column = 0;
    if (expr->kind != OD_EXPR_COLUMN)
        return false;
    uint32_t i = input_of(inputs, expr->column_index);
    const struct od_table *table = source_of(inputs->plans[i], expr->column_index - inputs->first[i], &table_column);
    if (table != NULL)
        take_sample(table, table_column, sample);
    return table != NULL;
}

/* How many values, at most one a row. */
static double distinct_of(const struct od_estimate_inputs *inputs, const struct od_expr *expr)
{
    struct sample sample;
    if (expr->kind == OD_EXPR_LITERAL)
        return 1;
    while (expr->kind == OD_EXPR_CALL && expr->function == OD_FUNCTION_CAST)
        expr = expr->arguments[0];
    if (expr->kind != OD_EXPR_COLUMN)
        return DISTINCT_UNKNOWN;
    double rows = larger(inputs->rows[input_of(inputs, expr->column_index)], 1);
    return smaller(rows, sample_of(inputs, expr, &sample) ? sample_distinct(&sample) : rows);
}

/* --- predicates -------------------------------------------------------------------------------- */

/* Is it true of two values in this order? */
static bool holds(enum od_function comparison, int order)
{
    enum { LESS = 1, EQUAL = 2, GREATER = 4 };
    static const uint8_t orders[] = {[OD_FUNCTION_EQUAL] = EQUAL,          [OD_FUNCTION_NOT_EQUAL] = LESS | GREATER,
                                     [OD_FUNCTION_LESS] = LESS,            [OD_FUNCTION_LESS_EQUAL] = LESS | EQUAL,
                                     [OD_FUNCTION_GREATER] = GREATER,      [OD_FUNCTION_GREATER_EQUAL] = GREATER | EQUAL};
    return (orders[comparison] & (order < 0 ? LESS : order > 0 ? GREATER : EQUAL)) != 0;
}

/* column (comparison) literal: counted in the sample. */
static double compare_sample(const struct od_estimate_inputs *inputs, const struct od_expr *expr)
{
    struct sample sample;
    uint32_t found = 0;
    bool swapped = expr->arguments[0]->kind == OD_EXPR_LITERAL;
    const struct od_expr *literal = expr->arguments[swapped ? 0 : 1];
    if (literal->kind != OD_EXPR_LITERAL || literal->literal.is_null ||
        !sample_of(inputs, expr->arguments[swapped ? 1 : 0], &sample) || sample.count == 0)
        return expr->function == OD_FUNCTION_EQUAL ? 0.1 : DEFAULT_SHARE;
    for (uint32_t i = 0; i < sample.count; i++) {
        int order = od_value_compare(&sample.values[i], &literal->literal);
        found += holds(expr->function, swapped ? -order : order);
    }
    double all = sample.count + sample.null_count;
    double least = expr->function == OD_FUNCTION_EQUAL ? 1 / sample_distinct(&sample) : 0.5;
    return found > 0 ? found / all : least < 1 ? least / (least < 0.5 ? 1 : all) : 1;
}

double od_estimate_selectivity(const struct od_estimate_inputs *inputs, const struct od_expr *expr)
{
    double share = 1;
    if (expr->kind == OD_EXPR_LITERAL)
        return !expr->literal.is_null && expr->literal.boolean ? 1 : 0;
    if (expr->kind != OD_EXPR_CALL)
        return DEFAULT_SHARE;
    bool literal = expr->argument_count == 2 && (expr->arguments[0]->kind == OD_EXPR_LITERAL ||
                                                 expr->arguments[1]->kind == OD_EXPR_LITERAL);
    if (literal && expr->function >= OD_FUNCTION_EQUAL && expr->function <= OD_FUNCTION_GREATER_EQUAL)
        return compare_sample(inputs, expr);
    switch (expr->function) {
    case OD_FUNCTION_AND:
        for (uint32_t i = 0; i < expr->argument_count; i++)
            share *= od_estimate_selectivity(inputs, expr->arguments[i]);
        return share;
    case OD_FUNCTION_OR:
        for (uint32_t i = 0; i < expr->argument_count; i++)
            share *= 1 - od_estimate_selectivity(inputs, expr->arguments[i]);
        return 1 - share;
    case OD_FUNCTION_NOT:
        return 1 - od_estimate_selectivity(inputs, expr->arguments[0]);
    case OD_FUNCTION_IS_TRUE:
        return od_estimate_selectivity(inputs, expr->arguments[0]);
    case OD_FUNCTION_EQUAL:
    case OD_FUNCTION_IS_NOT_DISTINCT: {
        double left = distinct_of(inputs, expr->arguments[0]);
        double right = distinct_of(inputs, expr->arguments[1]);
        double most = left > right ? left : right;
        return most == DISTINCT_UNKNOWN ? 0.1 : 1 / most;
    }
    case OD_FUNCTION_NOT_EQUAL:
    case OD_FUNCTION_IS_NOT_NULL:
        return 0.9;
    case OD_FUNCTION_LIKE:
    case OD_FUNCTION_IS_NULL:
        return 0.1;
    default:
        return DEFAULT_SHARE;
    }
}

/* --- plans ------------------------------------------------------------------------------------- */

static double rows_of(uint32_t *visits, const struct od_plan *plan);

static double join_rows(uint32_t *visits, const struct od_plan *plan)
{
    const uint32_t first[2] = {0, plan->inputs[0]->schema.field_count};
    const double left = rows_of(visits, plan->inputs[0]);
    const double right = rows_of(visits, plan->inputs[1]);
    const double rows[2] = {left, right};
    struct od_estimate_inputs inputs = {2, plan->inputs, first, rows};
    double pairs = left * right * od_estimate_selectivity(&inputs, plan->join.condition);
    switch (plan->join.type) {
    case OD_JOIN_LEFT:
        return larger(left, pairs);
    case OD_JOIN_RIGHT:
        return larger(right, pairs);
    case OD_JOIN_FULL:
        return larger(left + right - smaller(left, right), pairs);
    case OD_JOIN_SEMI:
        return smaller(left, pairs);
    case OD_JOIN_ANTI:
    case OD_JOIN_NULL_ANTI:
        return larger(left - pairs, left / 10);
    case OD_JOIN_MARK:
    case OD_JOIN_SINGLE:
        return left;
    default:
        return pairs;
    }
}

static double group_rows(const struct od_plan *plan, const struct od_estimate_inputs *inputs, double rows)
{
    double groups = 1;
    for (uint32_t i = 0; i < plan->aggregate.group_count && groups < rows; i++) {
        double distinct = distinct_of(inputs, plan->aggregate.groups[i]);
        groups *= distinct == DISTINCT_UNKNOWN ? larger(rows / 10, 1) : distinct;
    }
    return plan->aggregate.group_count == 0 ? 1 : smaller(groups, rows);
}

static double rows_of(uint32_t *visits, const struct od_plan *plan)
{
    if ((*visits)++ > VISITS_MAX)
        return DEFAULT_ROWS;
    if (plan->kind == OD_PLAN_JOIN || plan->kind == OD_PLAN_APPLY)
        return join_rows(visits, plan);
    const uint32_t first = 0;
    const double rows = plan->input_count > 0 ? rows_of(visits, plan->inputs[0]) : 0;
    struct od_estimate_inputs input = {1, plan->inputs, &first, &rows};
    switch (plan->kind) {
    case OD_PLAN_SCAN:
        return od_table_row_count(plan->scan.table);
    case OD_PLAN_VALUES:
        return plan->rows.row_count;
    case OD_PLAN_FILTER:
        return rows * od_estimate_selectivity(&input, plan->filter.predicate);
    case OD_PLAN_AGGREGATE:
        return group_rows(plan, &input, rows);
    case OD_PLAN_UNION:
        return rows + rows_of(visits, plan->inputs[1]);
    case OD_PLAN_EXPAND:
        return rows * plan->rows.row_count;
    case OD_PLAN_LIMIT:
        return smaller(rows, (double)plan->limit.count);
    default:
        return rows;
    }
}

double od_plan_estimate_rows(const struct od_plan *plan)
{
    uint32_t visits = 0;
    return rows_of(&visits, plan);
}
