/* join_keys: takes a join condition apart: equalities between the sides, and the rest. Internal to this
 * folder. */
#ifndef OD_PLAN_JOIN_KEYS_H
#define OD_PLAN_JOIN_KEYS_H

#include "engine/plan/make.h"

enum od_join_sides { OD_SIDES_NONE = 0, OD_SIDES_LEFT = 1, OD_SIDES_RIGHT = 2, OD_SIDES_BOTH = 3 };
/* Which sides an expression over left ++ right reads. */
enum od_join_sides od_join_sides_of(const struct od_expr *expr, uint32_t left_count);
/* column i of the joined row -> column i - left_count of the right input. A maker. */
const struct od_expr *od_join_move_right(struct od_maker *make, const struct od_expr *expr, const struct od_plan *left,
                                         const struct od_plan *right);
/* Conjuncts that may fail behind those that cannot (but for a key that stands first), so that every strategy asks them about the
 * same pairs: whether keys are compared before the rest or the condition pair by pair. NO_MEMORY. */
enum od_status od_join_condition_order(struct od_arena *plan_arena, const struct od_plan *left,
                                       const struct od_expr **condition, struct od_error *error);

struct od_join_keys {
    uint32_t key_count;
    const struct od_expr **left;  /* over the left input */
    const struct od_expr **right; /* over the right input; same type as its partner */
    uint64_t null_safe;           /* bit i: key i is IS NOT DISTINCT FROM */
    uint32_t residual_count;
    const struct od_expr **residual; /* conjuncts over left ++ right, in their order */
};
/* A maker. */
bool od_join_keys_find(struct od_maker *make, const struct od_plan *left, const struct od_plan *right,
                       const struct od_expr *condition, struct od_join_keys *keys_out);

#endif
