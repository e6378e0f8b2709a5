/* expr_rewrite: what rules do with expressions: compare them, list their columns, put others in place of
 * columns, take a condition apart into its conjuncts and put it together again. Nothing is changed in place;
 * unchanged sub-trees are shared.
 *
 * Trees are walked by recursion: their depth is bounded by who made them (the SQL binder refuses deep text).
 */
#include "engine/plan/expr.h"

#include <string.h>

#include "engine/core/assert.h"

static bool values_equal(const struct od_value *left, const struct od_value *right)
{
    if (left->type != right->type || left->is_null != right->is_null)
        return false;
    if (left->is_null)
        return true;
    switch (left->type) {
    case OD_TYPE_BOOLEAN:
        return left->boolean == right->boolean;
    case OD_TYPE_TEXT:
        return left->text.size == right->text.size &&
               memcmp(left->text.bytes, right->text.bytes, left->text.size) == 0;
    case OD_TYPE_DECIMAL: /* 1.5 and 1.50 print differently */
        return memcmp(&left->decimal, &right->decimal, sizeof(left->decimal)) == 0;
    case OD_TYPE_INTERVAL:
        return memcmp(&left->interval, &right->interval, sizeof(left->interval)) == 0;
    default: /* to the bit: -0.0 is another literal than 0.0 */
        return left->int64 == right->int64;
    }
}

bool od_expr_equal(const struct od_expr *left, const struct od_expr *right)
{
    if (left == right)
        return true;
    if (left->kind != right->kind || left->type != right->type)
        return false;
    if (left->kind == OD_EXPR_COLUMN || left->kind == OD_EXPR_OUTER)
        return left->column_index == right->column_index && left->outer_depth == right->outer_depth;
    if (left->kind == OD_EXPR_LITERAL)
        return values_equal(&left->literal, &right->literal);
    if (left->function != right->function || left->argument_count != right->argument_count)
        return false;
    for (uint32_t i = 0; i < left->argument_count; i++)
        if (!od_expr_equal(left->arguments[i], right->arguments[i]))
            return false;
    return true;
}

void od_expr_columns(const struct od_expr *expr, void (*visit)(void *self, uint32_t column_index), void *self)
{
    if (expr->kind == OD_EXPR_COLUMN)
        visit(self, expr->column_index);
    else if (expr->kind == OD_EXPR_CALL)
        for (uint32_t i = 0; i < expr->argument_count; i++)
            od_expr_columns(expr->arguments[i], visit, self);
}

static enum od_status rewrite_call(struct od_arena *plan_arena, const struct od_expr *expr,
                                   const struct od_leaf_rewriter *leaves, const struct od_expr **expr_out,
                                   struct od_error *error)
{
    bool changed = false;
    OD_TAKE_LIST(const struct od_expr *, arguments, plan_arena, expr->argument_count, error);
    *expr_out = expr;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        OD_TRY(od_expr_rewrite(plan_arena, expr->arguments[i], leaves, &arguments[i], error));
        changed |= arguments[i] != expr->arguments[i];
    }
    if (!changed)
        return OD_OK;
    if (expr->function == OD_FUNCTION_CAST)
        return od_expr_cast(plan_arena, arguments[0], expr->type, expr_out, error);
    return od_expr_call(plan_arena, expr->function, arguments, expr->argument_count, expr_out, error);
}

enum od_status od_expr_rewrite(struct od_arena *plan_arena, const struct od_expr *expr,
                               const struct od_leaf_rewriter *leaves, const struct od_expr **expr_out,
                               struct od_error *error)
{
    const struct od_expr *rebuilt = expr;
    if (expr->kind == OD_EXPR_CALL)
        OD_TRY(rewrite_call(plan_arena, expr, leaves, &rebuilt, error));
    OD_TRY(leaves->leaf(leaves->self, rebuilt, expr_out, error));
    od_assert((*expr_out)->type == expr->type);
    return OD_OK;
}

static enum od_status map_column(void *self, const struct od_expr *leaf, const struct od_expr **expr_out,
                                 struct od_error *error)
{
    const struct od_expr *const *map = self;
    (void)error;
    *expr_out = leaf->kind == OD_EXPR_COLUMN ? map[leaf->column_index] : leaf;
    od_assert(*expr_out != NULL);
    return OD_OK;
}

struct od_leaf_rewriter od_column_map(const struct od_expr *const *map)
{
    return (struct od_leaf_rewriter){map_column, (void *)map};
}

enum od_status od_expr_substitute(struct od_arena *plan_arena, const struct od_expr *expr,
                                  const struct od_expr *const *map, const struct od_expr **expr_out,
                                  struct od_error *error)
{
    struct od_leaf_rewriter leaves = od_column_map(map);
    return od_expr_rewrite(plan_arena, expr, &leaves, expr_out, error);
}

uint32_t od_expr_conjuncts(const struct od_expr *expr, const struct od_expr **list, uint32_t list_capacity)
{
    uint32_t count = 0;
    if (expr->kind != OD_EXPR_CALL || expr->function != OD_FUNCTION_AND) {
        if (list_capacity > 0)
            list[0] = expr;
        return 1;
    }
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        uint32_t room = list_capacity > count ? list_capacity - count : 0;
        count += od_expr_conjuncts(expr->arguments[i], room == 0 ? NULL : list + count, room);
    }
    return count;
}

enum od_status od_expr_conjunction(struct od_arena *plan_arena, const struct od_expr *const *list,
                                   uint32_t count, const struct od_expr **expr_out, struct od_error *error)
{
    *expr_out = NULL;
    if (count == 0) {
        struct od_value value = {.type = OD_TYPE_BOOLEAN, .boolean = true};
        return od_expr_literal(plan_arena, &value, expr_out, error);
    }
    if (count == 1) {
        *expr_out = list[0];
        return OD_OK;
    }
    return od_expr_call(plan_arena, OD_FUNCTION_AND, list, count, expr_out, error);
}
