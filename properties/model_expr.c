/* model_expr: one expression over one row; see model.h.
 *
 * Most functions see all their arguments, evaluated left to right, and give NULL when one of them is NULL (strict). The lazy
 * ones (AND, OR, CASE, COALESCE) evaluate their own arguments, left to right, and stop when decided. */
#include "properties/model_parts.h"

#include "engine/core/assert.h"
#include "properties/model_decimal.h"

#include <math.h>
#include <string.h>

#define ARGUMENTS_MAX 16u /* more of them come from the arena */

typedef enum od_status (*apply_lazily)(const struct od_model *model, const struct od_expr *expr,
                                       const struct od_value *row, struct od_value *value_out);

int od_model_order(const struct od_value *left, const struct od_value *right)
{
    if (left->type == OD_TYPE_DECIMAL)
        return od_model_decimal_compare(&left->decimal, &right->decimal);
    if (left->type == OD_TYPE_INTERVAL) {
        __int128 spans[2] = {od_model_span(&left->interval), od_model_span(&right->interval)};
        return spans[0] < spans[1] ? -1 : spans[0] > spans[1];
    }
    bool zeros = left->type == OD_TYPE_FLOAT64 && left->float64 == 0 && right->float64 == 0;
    return zeros ? 0 : od_answer_compare_values(left, right);
}

enum od_status od_model_is_true(const struct od_model *model, const struct od_expr *predicate,
                                const struct od_value *row, bool *true_out)
{
    struct od_value value;
    *true_out = predicate->kind == OD_EXPR_CALL && predicate->function == OD_FUNCTION_AND;
    if (*true_out) {
        for (uint32_t i = 0; i < predicate->argument_count && *true_out; i++)
            OD_TRY(od_model_is_true(model, predicate->arguments[i], row, true_out));
        return OD_OK;
    }
    OD_TRY(od_model_evaluate(model, predicate, row, &value));
    *true_out = !value.is_null && value.boolean;
    return OD_OK;
}

/* --- comparisons ---------------------------------------------------------------------------------------- */

static enum od_status compare(const struct od_model_call *call)
{
    int order = od_model_order(&call->arguments[0], &call->arguments[1]);
    switch (call->expr->function) {
    case OD_FUNCTION_EQUAL:
        call->result->boolean = order == 0;
        break;
    case OD_FUNCTION_NOT_EQUAL:
        call->result->boolean = order != 0;
        break;
    case OD_FUNCTION_LESS:
        call->result->boolean = order < 0;
        break;
    case OD_FUNCTION_LESS_EQUAL:
        call->result->boolean = order <= 0;
        break;
    case OD_FUNCTION_GREATER:
        call->result->boolean = order > 0;
        break;
    default:
        call->result->boolean = order >= 0;
        break;
    }
    return OD_OK;
}

static enum od_status distinct(const struct od_model_call *call)
{
    const struct od_value *left = &call->arguments[0], *right = &call->arguments[1];
    bool differ =
        left->is_null || right->is_null ? left->is_null != right->is_null : od_model_order(left, right) != 0;
    call->result->boolean = differ == (call->expr->function == OD_FUNCTION_IS_DISTINCT);
    return OD_OK;
}

static enum od_status null_if(const struct od_model_call *call)
{
    const struct od_value *left = &call->arguments[0], *right = &call->arguments[1];
    *call->result = *left;
    if (!left->is_null && !right->is_null && od_model_order(left, right) == 0)
        call->result->is_null = true;
    return OD_OK;
}

/* The first of equal ones stays. */
static enum od_status greatest(const struct od_model_call *call)
{
    bool largest = call->expr->function == OD_FUNCTION_GREATEST;
    call->result->is_null = true;
    for (uint32_t i = 0; i < call->count; i++) {
        const struct od_value *value = &call->arguments[i];
        if (value->is_null)
            continue;
        int order = call->result->is_null ? 0 : od_model_order(value, call->result);
        if (call->result->is_null || (largest ? order > 0 : order < 0))
            *call->result = *value;
    }
    return OD_OK;
}

/* --- booleans ------------------------------------------------------------------------------------------- */

static enum od_status not(const struct od_model_call *call) {
    call->result->boolean = !call->arguments[0].boolean; return OD_OK;
}

static enum od_status test(const struct od_model_call *call)
{
    const struct od_value *value = &call->arguments[0];
    enum od_function function = call->expr->function;
    if (function == OD_FUNCTION_IS_NULL || function == OD_FUNCTION_IS_NOT_NULL)
        call->result->boolean = value->is_null == (function == OD_FUNCTION_IS_NULL);
    else
        call->result->boolean = !value->is_null && value->boolean == (function == OD_FUNCTION_IS_TRUE);
    return OD_OK;
}

static enum od_status cast(const struct od_model_call *call)
{
    return od_model_cast(call->model, &call->arguments[0], call->expr->type, call->result);
}

/* --- lazy ----------------------------------------------------------------------------------------------- */

/* AND is decided by false, OR by true; else NULL wins over the other. */
static enum od_status logic(const struct od_model *model, const struct od_expr *expr,
                            const struct od_value *row, struct od_value *value_out)
{
    bool deciding = expr->function == OD_FUNCTION_OR;
    bool any_null = false;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        struct od_value value;
        OD_TRY(od_model_evaluate(model, expr->arguments[i], row, &value));
        if (!value.is_null && value.boolean == deciding) {
            value_out->boolean = deciding;
            return OD_OK;
        }
        any_null |= value.is_null;
    }
    value_out->is_null = any_null;
    value_out->boolean = !any_null && !deciding;
    return OD_OK;
}

static enum od_status choose_case(const struct od_model *model, const struct od_expr *expr,
                                  const struct od_value *row, struct od_value *value_out)
{
    uint32_t chosen = 0;
    for (; chosen + 1 < expr->argument_count; chosen += 2) {
        struct od_value condition;
        OD_TRY(od_model_evaluate(model, expr->arguments[chosen], row, &condition));
        if (!condition.is_null && condition.boolean)
            break;
    }
    uint32_t value = chosen + 1 < expr->argument_count ? chosen + 1 : expr->argument_count - 1;
    return od_model_evaluate(model, expr->arguments[value], row, value_out);
}

static enum od_status coalesce(const struct od_model *model, const struct od_expr *expr,
                               const struct od_value *row, struct od_value *value_out)
{
    enum od_status status = OD_OK;
    value_out->is_null = true;
    for (uint32_t i = 0; i < expr->argument_count && status == OD_OK && value_out->is_null; i++)
        status = od_model_evaluate(model, expr->arguments[i], row, value_out);
    return status;
}

/* --- which function ------------------------------------------------------------------------------------- */

static apply_lazily lazy_function(enum od_function function)
{
    switch (function) {
    case OD_FUNCTION_AND:
    case OD_FUNCTION_OR:
        return logic;
    case OD_FUNCTION_CASE:
        return choose_case;
    case OD_FUNCTION_COALESCE:
        return coalesce;
    default:
        return NULL;
    }
}

static bool is_strict(enum od_function function)
{
    switch (function) {
    case OD_FUNCTION_IS_DISTINCT:
    case OD_FUNCTION_IS_NOT_DISTINCT:
    case OD_FUNCTION_IS_NULL:
    case OD_FUNCTION_IS_NOT_NULL:
    case OD_FUNCTION_IS_TRUE:
    case OD_FUNCTION_IS_FALSE:
    case OD_FUNCTION_NULLIF:
    case OD_FUNCTION_GREATEST:
    case OD_FUNCTION_LEAST:
    case OD_FUNCTION_CONCAT:
    case OD_FUNCTION_CONCAT_WS:
        return false;
    default:
        return true;
    }
}

/* What looks at values of any type. */
static od_model_apply general_function(enum od_function function)
{
    static const od_model_apply functions[OD_FUNCTION_COUNT] = {
        [OD_FUNCTION_EQUAL] = compare,
        [OD_FUNCTION_NOT_EQUAL] = compare,
        [OD_FUNCTION_LESS] = compare,
        [OD_FUNCTION_LESS_EQUAL] = compare,
        [OD_FUNCTION_GREATER] = compare,
        [OD_FUNCTION_GREATER_EQUAL] = compare,
        [OD_FUNCTION_IS_DISTINCT] = distinct,
        [OD_FUNCTION_IS_NOT_DISTINCT] = distinct,
        [OD_FUNCTION_NOT] = not,
        [OD_FUNCTION_IS_NULL] = test,
        [OD_FUNCTION_IS_NOT_NULL] = test,
        [OD_FUNCTION_IS_TRUE] = test,
        [OD_FUNCTION_IS_FALSE] = test,
        [OD_FUNCTION_NULLIF] = null_if,
        [OD_FUNCTION_GREATEST] = greatest,
        [OD_FUNCTION_LEAST] = greatest,
        [OD_FUNCTION_CAST] = cast,
    };
    return functions[function];
}

static bool is_of_time(const struct od_expr *expr)
{
    bool found =
        expr->type == OD_TYPE_INTERVAL || expr->type == OD_TYPE_DATE || expr->type == OD_TYPE_TIMESTAMP;
    for (uint32_t i = 0; i < expr->argument_count && !found; i++) {
        enum od_type type = expr->arguments[i]->type;
        found = type == OD_TYPE_INTERVAL || type == OD_TYPE_DATE || type == OD_TYPE_TIMESTAMP;
    }
    return found;
}

/* + and - are of time where a date, a timestamp or an interval takes part. */
static od_model_apply find_function(const struct od_expr *expr)
{
    od_model_apply apply = general_function(expr->function);
    if (apply == NULL && is_of_time(expr))
        apply = od_model_time_function(expr->function);
    if (apply == NULL)
        apply = od_model_number_function(expr->function);
    return apply != NULL ? apply : od_model_text_function(expr->function);
}

static enum od_status evaluate_call(const struct od_model *model, const struct od_expr *expr,
                                    const struct od_value *row, struct od_value *value_out)
{
    struct od_value few[ARGUMENTS_MAX], *arguments = few;
    apply_lazily apply_itself = lazy_function(expr->function);
    bool any_null = false;
    if (apply_itself != NULL)
        return apply_itself(model, expr, row, value_out);
    od_model_apply apply = find_function(expr);
    if (apply == NULL)
        return od_model_unknown(model, od_function_text(expr->function));
    if (expr->argument_count > ARGUMENTS_MAX)
        arguments = od_arena_take_array(model->arena, expr->argument_count, sizeof(*arguments));
    if (arguments == NULL)
        return od_model_no_memory(model);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        OD_TRY(od_model_evaluate(model, expr->arguments[i], row, &arguments[i]));
        any_null |= arguments[i].is_null;
    }
    value_out->is_null = any_null && is_strict(expr->function);
    if (value_out->is_null)
        return OD_OK;
    const struct od_model_call call = {model, expr, arguments, expr->argument_count, value_out};
    return apply(&call);
}

static enum od_status outer_column(const struct od_model *model, const struct od_expr *expr,
                                   struct od_value *value_out)
{
    const struct od_model_outer *outer = model->outer;
    for (uint32_t depth = 1; depth < expr->outer_depth && outer != NULL; depth++)
        outer = outer->next;
    od_assert(outer != NULL); /* binders make them only below an APPLY */
    *value_out = outer->row[expr->column_index];
    return OD_OK;
}

enum od_status od_model_evaluate(const struct od_model *model, const struct od_expr *expr,
                                 const struct od_value *row, struct od_value *value_out)
{
    memset(value_out, 0, sizeof(*value_out));
    value_out->type = expr->type;
    switch (expr->kind) {
    case OD_EXPR_COLUMN:
        *value_out = row[expr->column_index];
        return OD_OK;
    case OD_EXPR_LITERAL:
        *value_out = expr->literal;
        return OD_OK;
    case OD_EXPR_OUTER:
        return outer_column(model, expr, value_out);
    case OD_EXPR_CALL:
        break;
    }
    enum od_status status = evaluate_call(model, expr, row, value_out);
    value_out->type = expr->type;
    return status;
}
