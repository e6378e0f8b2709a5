/* join_keys: a conjunct is a key when it is an equality (= or IS NOT DISTINCT FROM) of which one operand reads only the left
 * side and the other only the right. The operands have one type already (od_expr_call saw to it), so their hashes can be
 * compared. Everything else is residual: it stays part of the join condition and is tested on pairs whose keys are equal. A key
 * is computed for every row: one that may fail is a key only where no conjunct stands before it, which could have kept it from
 * being computed. Keys are compared before the rest: behind a constant that may fail, which is to be computed for every pair,
 * there are none. */
#include "engine/plan/join_keys.h"

#define KEYS_MAX 64 /* bits of null_safe */

enum od_join_sides od_join_sides_of(const struct od_expr *expr, uint32_t left_count)
{
    unsigned sides = OD_SIDES_NONE;
    if (expr->kind == OD_EXPR_COLUMN)
        return expr->column_index < left_count ? OD_SIDES_LEFT : OD_SIDES_RIGHT;
    for (uint32_t i = 0; expr->kind == OD_EXPR_CALL && i < expr->argument_count; i++)
        sides |= od_join_sides_of(expr->arguments[i], left_count);
    return (enum od_join_sides)sides;
}

const struct od_expr *od_join_move_right(struct od_maker *make, const struct od_expr *expr, const struct od_plan *left,
                                         const struct od_plan *right)
{
    uint32_t left_count = left->schema.field_count;
    OD_NEW_LIST(const struct od_expr *, map, make, left_count + right->schema.field_count);
    for (uint32_t i = 0; i < right->schema.field_count; i++)
        map[left_count + i] = od_new_column(make, &right->schema, i);
    return od_new_substitute(make, expr, map);
}

/* True when it is a key; the operands are then in left, right order. */
static bool split_key(const struct od_expr *conjunct, uint32_t left_count, const struct od_expr **left_out,
                      const struct od_expr **right_out)
{
    if (conjunct->kind != OD_EXPR_CALL ||
        (conjunct->function != OD_FUNCTION_EQUAL && conjunct->function != OD_FUNCTION_IS_NOT_DISTINCT))
        return false;
    enum od_join_sides first = od_join_sides_of(conjunct->arguments[0], left_count);
    enum od_join_sides second = od_join_sides_of(conjunct->arguments[1], left_count);
    bool straight = first == OD_SIDES_LEFT && second == OD_SIDES_RIGHT;
    bool crossed = first == OD_SIDES_RIGHT && second == OD_SIDES_LEFT;
    *left_out = conjunct->arguments[straight ? 0 : 1];
    *right_out = conjunct->arguments[straight ? 1 : 0];
    return straight || crossed;
}

enum od_status od_join_condition_order(struct od_arena *plan_arena, const struct od_plan *left,
                                       const struct od_expr **condition, struct od_error *error)
{
    uint32_t count = od_expr_conjuncts(*condition, NULL, 0);
    const struct od_expr *sides[2];
    uint32_t placed = 0;
    if (!(*condition)->may_fail || count == 1)
        return OD_OK;
    OD_TAKE_LIST(const struct od_expr *, conjuncts, plan_arena, count, error);
    OD_TAKE_LIST(const struct od_expr *, ordered, plan_arena, count, error);
    od_expr_conjuncts(*condition, conjuncts, count);
    uint32_t first = split_key(conjuncts[0], left->schema.field_count, &sides[0], &sides[1]);
    if (first == 1)
        ordered[placed++] = conjuncts[0];
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t i = first; i < count; i++)
            if ((conjuncts[i]->may_fail && !od_expr_is_constant(conjuncts[i])) == (pass == 1))
                ordered[placed++] = conjuncts[i];
    return od_expr_conjunction(plan_arena, ordered, count, condition, error);
}

bool od_join_keys_find(struct od_maker *make, const struct od_plan *left, const struct od_plan *right,
                       const struct od_expr *condition, struct od_join_keys *keys_out)
{
    OD_NEED(condition != NULL);
    uint32_t count = od_expr_conjuncts(condition, NULL, 0);
    OD_NEW_LIST(const struct od_expr *, conjuncts, make, count);
    *keys_out = (struct od_join_keys){0};
    OD_NEW(keys_out->left, make, count);
    OD_NEW(keys_out->right, make, count);
    OD_NEW(keys_out->residual, make, count);
    od_expr_conjuncts(condition, conjuncts, count);
    bool fails_first = false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = keys_out->key_count;
        const struct od_expr *right_key;
        fails_first |= conjuncts[i]->may_fail && od_expr_is_constant(conjuncts[i]);
        if ((i > 0 && conjuncts[i]->may_fail) || fails_first || key == KEYS_MAX ||
            !split_key(conjuncts[i], left->schema.field_count, &keys_out->left[key], &right_key)) {
            keys_out->residual[keys_out->residual_count++] = conjuncts[i];
            continue;
        }
        keys_out->right[key] = od_join_move_right(make, right_key, left, right);
        keys_out->null_safe |= (uint64_t)(conjuncts[i]->function == OD_FUNCTION_IS_NOT_DISTINCT) << key;
        keys_out->key_count++;
    }
    return make->status == OD_OK;
}
