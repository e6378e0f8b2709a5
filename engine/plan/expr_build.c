/* expr_build: makes leaves and casts; calls are made in expr_call.c. */
#include "engine/plan/expr.h"

#include "engine/core/assert.h"

static enum od_status no_memory(struct od_error *error)
{
    return od_fail(error, OD_NO_MEMORY, "building an expression");
}

static struct od_expr *expr_new(struct od_arena *plan_arena, enum od_expr_kind kind, enum od_type type)
{
    struct od_expr *expr = od_arena_take(plan_arena, sizeof(*expr));
    if (expr == NULL)
        return NULL;
    expr->kind = kind;
    expr->type = type;
    return expr;
}

enum od_status od_expr_column(struct od_arena *plan_arena, const struct od_schema *schema,
                              uint32_t column_index, const struct od_expr **expr_out, struct od_error *error)
{
    od_assert(column_index < schema->field_count);
    const struct od_field *field = &schema->fields[column_index];
    struct od_expr *expr = expr_new(plan_arena, OD_EXPR_COLUMN, field->type);
    *expr_out = expr;
    if (expr == NULL)
        return no_memory(error);
    expr->nullable = field->nullable;
    expr->column_index = column_index;
    return OD_OK;
}

enum od_status od_expr_outer(struct od_arena *plan_arena, const struct od_field *field, uint32_t column_index,
                             uint32_t outer_depth, const struct od_expr **expr_out, struct od_error *error)
{
    struct od_expr *expr = expr_new(plan_arena, OD_EXPR_OUTER, field->type);
    *expr_out = expr;
    if (expr == NULL)
        return no_memory(error);
    expr->nullable = field->nullable;
    expr->column_index = column_index;
    expr->outer_depth = outer_depth;
    return OD_OK;
}

enum od_status od_expr_literal(struct od_arena *plan_arena, const struct od_value *value,
                               const struct od_expr **expr_out, struct od_error *error)
{
    struct od_expr *expr = expr_new(plan_arena, OD_EXPR_LITERAL, value->type);
    *expr_out = NULL;
    if (expr == NULL)
        return no_memory(error);
    expr->nullable = value->is_null;
    expr->literal.type = value->type;
    expr->literal.is_null = value->is_null;
    if (!value->is_null) {
        expr->literal = *value;
        if (value->type == OD_TYPE_TEXT) {
            expr->literal.text.bytes = od_arena_copy_text(plan_arena, value->text.bytes, value->text.size);
            if (expr->literal.text.bytes == NULL)
                return no_memory(error);
        }
    }
    *expr_out = expr;
    return OD_OK;
}

enum od_status od_expr_located(struct od_arena *plan_arena, const struct od_expr *expr, uint32_t sql_offset,
                               const struct od_expr **expr_out, struct od_error *error)
{
    struct od_expr *copy = expr_new(plan_arena, expr->kind, expr->type);
    *expr_out = copy;
    if (copy == NULL)
        return no_memory(error);
    *copy = *expr;
    copy->sql_offset = sql_offset;
    return OD_OK;
}

bool od_expr_is_constant(const struct od_expr *expr)
{
    if (expr->kind != OD_EXPR_CALL)
        return expr->kind == OD_EXPR_LITERAL; /* an outer column is none */
    for (uint32_t i = 0; i < expr->argument_count; i++)
        if (!od_expr_is_constant(expr->arguments[i]))
            return false;
    return true;
}

/* --- casts ---------------------------------------------------------------------------------------------- */

enum od_status od_expr_cast(struct od_arena *plan_arena, const struct od_expr *input, enum od_type type,
                            const struct od_expr **expr_out, struct od_error *error)
{
    bool may_fail = false;
    *expr_out = NULL;
    if (input->type == type) {
        *expr_out = input;
        return OD_OK;
    }
    if (input->kind == OD_EXPR_LITERAL && input->literal.is_null &&
        (input->type == OD_TYPE_TEXT || od_cast_exists(input->type, type, &may_fail))) {
        struct od_value value = {.type = type, .is_null = true};
        return od_expr_literal(plan_arena, &value, expr_out, error);
    }
    if (!od_cast_exists(input->type, type, &may_fail))
        return od_fail(error, OD_BAD_INPUT, "cannot cast type %s to %s", od_type_text(input->type),
                       od_type_text(type));
    struct od_expr *expr = expr_new(plan_arena, OD_EXPR_CALL, type);
    const struct od_expr **arguments = od_arena_take_array(plan_arena, 1, sizeof(*arguments));
    if (expr == NULL || arguments == NULL)
        return no_memory(error);
    arguments[0] = input;
    expr->nullable = input->nullable;
    expr->may_fail = may_fail || input->may_fail;
    expr->sql_offset = input->sql_offset;
    expr->function = OD_FUNCTION_CAST;
    expr->argument_count = 1;
    expr->arguments = arguments;
    *expr_out = expr;
    return OD_OK;
}
