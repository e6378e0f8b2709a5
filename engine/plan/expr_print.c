/* expr_print: expressions for people, in SQL's notation: plans, errors and reports show them. Every operator
 * call has its parentheses, so that the text says how the tree is built. */
#include "engine/plan/expr.h"

#include "engine/core/assert.h"

static bool literal_print(const struct od_value *value, struct od_buffer *buffer)
{
    if (value->is_null)
        return od_buffer_append_text(buffer, "null");
    if (value->type == OD_TYPE_BOOLEAN)
        return od_buffer_append_text(buffer, value->boolean ? "true" : "false");
    if (value->type == OD_TYPE_INT64 || value->type == OD_TYPE_INT32 || value->type == OD_TYPE_DECIMAL)
        return od_value_print(value, buffer);
    if (value->type == OD_TYPE_FLOAT64)
        return od_value_print(value, buffer) && od_buffer_append_text(buffer, "::double");
    if (value->type != OD_TYPE_TEXT)
        od_buffer_print(buffer, "%s ", od_type_text(value->type));
    od_buffer_append_text(buffer, "'");
    if (value->type == OD_TYPE_TEXT) {
        for (uint32_t i = 0; i < value->text.size; i++)
            od_buffer_append(buffer, value->text.bytes[i] == '\'' ? "''" : &value->text.bytes[i],
                             value->text.bytes[i] == '\'' ? 2 : 1);
    } else {
        od_value_print(value, buffer);
    }
    return od_buffer_append_text(buffer, "'");
}

/* The arguments, "a, b)" or "a + b)": `blank` and `between` stand between them. */
static bool list_print(const struct od_expr *call, const struct od_schema *schema, const char *blank,
                       const char *between, struct od_buffer *buffer)
{
    for (uint32_t i = 0; i < call->argument_count; i++) {
        if (i > 0)
            od_buffer_print(buffer, "%s%s ", blank, between);
        od_expr_print(call->arguments[i], schema, buffer);
    }
    return od_buffer_append_text(buffer, ")");
}

static bool case_print(const struct od_expr *call, const struct od_schema *schema, struct od_buffer *buffer)
{
    od_buffer_append_text(buffer, "case");
    for (uint32_t i = 0; i + 1 < call->argument_count; i += 2) {
        od_buffer_append_text(buffer, " when ");
        od_expr_print(call->arguments[i], schema, buffer);
        od_buffer_append_text(buffer, " then ");
        od_expr_print(call->arguments[i + 1], schema, buffer);
    }
    od_buffer_append_text(buffer, " else ");
    od_expr_print(call->arguments[call->argument_count - 1], schema, buffer);
    return od_buffer_append_text(buffer, " end");
}

static bool call_print(const struct od_expr *call, const struct od_schema *schema, struct od_buffer *buffer)
{
    const char *text = od_function_text(call->function);
    bool infix = call->function <= OD_FUNCTION_OR && call->argument_count >= 2;
    switch (call->function) {
    case OD_FUNCTION_NEGATE:
    case OD_FUNCTION_BIT_NOT:
    case OD_FUNCTION_NOT:
        od_buffer_print(buffer, "(%s%s", call->function == OD_FUNCTION_NEGATE ? "-" : text,
                        call->function == OD_FUNCTION_NOT ? " " : "");
        return list_print(call, schema, "", ",", buffer);
    case OD_FUNCTION_IS_NULL:
    case OD_FUNCTION_IS_NOT_NULL:
    case OD_FUNCTION_IS_TRUE:
    case OD_FUNCTION_IS_FALSE:
        od_buffer_append_text(buffer, "(");
        od_expr_print(call->arguments[0], schema, buffer);
        return od_buffer_print(buffer, " %s)", text);
    case OD_FUNCTION_CASE:
        return case_print(call, schema, buffer);
    case OD_FUNCTION_CAST:
        od_buffer_append_text(buffer, "cast(");
        od_expr_print(call->arguments[0], schema, buffer);
        return od_buffer_print(buffer, " as %s)", od_type_text(call->type));
    default:
        od_buffer_print(buffer, "%s(", infix ? "" : text);
        return list_print(call, schema, infix ? " " : "", infix ? text : ",", buffer);
    }
}

bool od_expr_print(const struct od_expr *expr, const struct od_schema *schema, struct od_buffer *buffer)
{
    switch (expr->kind) {
    case OD_EXPR_COLUMN:
        if (schema != NULL && expr->column_index < schema->field_count)
            return od_buffer_append_text(buffer, schema->fields[expr->column_index].name);
        return od_buffer_print(buffer, "#%u", expr->column_index);
    case OD_EXPR_OUTER:
        return od_buffer_print(buffer, "outer%u#%u", expr->outer_depth, expr->column_index);
    case OD_EXPR_LITERAL:
        return literal_print(&expr->literal, buffer);
    case OD_EXPR_CALL:
        return call_print(expr, schema, buffer);
    }
    od_unreachable();
}
