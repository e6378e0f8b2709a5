/* expr_build: makes leaves and casts; calls are made in expr_call.c. */
#include "engine/plan/expr.h"

#include "engine/core/assert.h"

static enum od_status expr_new(struct od_arena *plan_arena, const struct od_expr *draft,
                               const struct od_expr **expr_out, struct od_error *error)
{
    *expr_out = NULL;
    OD_TAKE_LIST(struct od_expr, expr, plan_arena, 1, error);
    *expr = *draft;
    *expr_out = expr;
    return OD_OK;
}

enum od_status od_expr_column(struct od_arena *plan_arena, const struct od_schema *schema,
                              uint32_t column_index, const struct od_expr **expr_out, struct od_error *error)
{
    od_assert(column_index < schema->field_count);
    return od_expr_outer(plan_arena, &schema->fields[column_index], column_index, 0, expr_out, error);
}

enum od_status od_expr_outer(struct od_arena *plan_arena, const struct od_field *field, uint32_t column_index,
                             uint32_t outer_depth, const struct od_expr **expr_out, struct od_error *error)
{
    struct od_expr draft = {.kind = outer_depth == 0 ? OD_EXPR_COLUMN : OD_EXPR_OUTER,
                            .type = field->type,
                            .nullable = field->nullable,
                            .column_index = column_index,
                            .outer_depth = outer_depth};
    return expr_new(plan_arena, &draft, expr_out, error);
}

enum od_status od_expr_literal(struct od_arena *plan_arena, const struct od_value *value,
                               const struct od_expr **expr_out, struct od_error *error)
{
    struct od_expr draft = {.kind = OD_EXPR_LITERAL, .type = value->type, .nullable = value->is_null};
    *expr_out = NULL;
    draft.literal = value->is_null ? (struct od_value){.type = value->type, .is_null = true} : *value;
    if (!value->is_null && value->type == OD_TYPE_TEXT) {
        draft.literal.text.bytes = od_arena_copy_text(plan_arena, value->text.bytes, value->text.size);
        if (draft.literal.text.bytes == NULL)
            return od_fail(error, OD_NO_MEMORY, "keeping a literal");
    }
    return expr_new(plan_arena, &draft, expr_out, error);
}

enum od_status od_expr_located(struct od_arena *plan_arena, const struct od_expr *expr, uint32_t sql_offset,
                               const struct od_expr **expr_out, struct od_error *error)
{
    struct od_expr draft = *expr;
    draft.sql_offset = sql_offset;
    return expr_new(plan_arena, &draft, expr_out, error);
}

bool od_expr_is_true(const struct od_expr *expr)
{
    return expr->kind == OD_EXPR_LITERAL && !expr->literal.is_null && expr->literal.boolean;
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

uint32_t od_expr_outer_levels(const struct od_expr *expr)
{
    uint32_t levels = expr->kind == OD_EXPR_OUTER ? UINT32_C(1) << (expr->outer_depth - 1) : 0;
    for (uint32_t i = 0; expr->kind == OD_EXPR_CALL && i < expr->argument_count; i++)
        levels |= od_expr_outer_levels(expr->arguments[i]);
    return levels;
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
    OD_TAKE_LIST(const struct od_expr *, arguments, plan_arena, 1, error);
    arguments[0] = input;
    struct od_expr draft = {.kind = OD_EXPR_CALL,
                            .type = type,
                            .nullable = input->nullable,
                            .may_fail = may_fail || input->may_fail,
                            .sql_offset = input->sql_offset,
                            .function = OD_FUNCTION_CAST,
                            .argument_count = 1,
                            .arguments = arguments};
    return expr_new(plan_arena, &draft, expr_out, error);
}
