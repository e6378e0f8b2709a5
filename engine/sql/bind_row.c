/* bind_row: rows of expressions, compared element by element.
 *
 *   (a, b) = (c, d)    a = c AND b = d
 *   (a, b) < (c, d)    a < c OR (a = c AND b < d)
 *
 * In three-valued logic both say what SQL says: the first elements that differ decide, and a NULL before them
 * makes it NULL. */
#include "engine/sql/binder.h"

#define ROW_ELEMENTS_MAX 100 /* comparing nests that deep */

enum od_status od_bind_row(struct od_binder *binder, const struct od_place *place, const PgQuery__Node *node,
                           struct od_bound **bounds_out, uint32_t *count_out)
{
    *count_out = 1;
    if (node->node_case != PG_QUERY__NODE__NODE_ROW_EXPR)
        return od_bind_list(binder, place, (PgQuery__Node *const *)&node, 1, bounds_out);
    *count_out = (uint32_t)node->row_expr->n_args;
    if (*count_out == 0 || *count_out > ROW_ELEMENTS_MAX)
        return od_sql_fail(binder, OD_UNSUPPORTED, node->row_expr->location,
                           "a row of no element, or of more than %d, is not supported", ROW_ELEMENTS_MAX);
    return od_bind_list(binder, place, node->row_expr->args, node->row_expr->n_args, bounds_out);
}

/* Every element by the same test, and the results combined. */
static enum od_status compare_all(struct od_binder *binder, enum od_function test, enum od_function combine,
                                  const struct od_bound *left, const struct od_bound *right, uint32_t count,
                                  int32_t location, struct od_bound *bound_out)
{
    struct od_bound *tests = od_arena_take_array(binder->plan_arena, count, sizeof(*tests));
    if (tests == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count; i++) {
        struct od_bound pair[2] = {left[i], right[i]};
        OD_TRY(od_bind_call(binder, test, pair, 2, location, &tests[i]));
    }
    return od_bind_call(binder, combine, tests, count, location, bound_out);
}

/* From the last element to the first: before OR (equal AND rest). */
static enum od_status compare_order(struct od_binder *binder, enum od_function last, enum od_function before,
                                    const struct od_bound *left, const struct od_bound *right, uint32_t count,
                                    int32_t location, struct od_bound *bound_out)
{
    struct od_bound pair[2] = {left[count - 1], right[count - 1]};
    OD_TRY(od_bind_call(binder, last, pair, 2, location, bound_out));
    for (uint32_t i = count - 1; i-- > 0;) {
        struct od_bound either[2] = {{0}, {0}};
        struct od_bound both[2] = {{0}, *bound_out};
        pair[0] = left[i];
        pair[1] = right[i];
        OD_TRY(od_bind_call(binder, before, pair, 2, location, &either[0]));
        OD_TRY(od_bind_call(binder, OD_FUNCTION_EQUAL, pair, 2, location, &both[0]));
        OD_TRY(od_bind_call(binder, OD_FUNCTION_AND, both, 2, location, &either[1]));
        OD_TRY(od_bind_call(binder, OD_FUNCTION_OR, either, 2, location, bound_out));
    }
    return OD_OK;
}

enum od_status od_bind_compare(struct od_binder *binder, enum od_function function,
                               const struct od_bound *left, const struct od_bound *right, uint32_t count,
                               int32_t location, struct od_bound *bound_out)
{
    struct od_bound pair[2] = {left[0], right[0]};
    if (count == 1)
        return od_bind_call(binder, function, pair, 2, location, bound_out);
    switch (function) {
    case OD_FUNCTION_EQUAL:
    case OD_FUNCTION_IS_NOT_DISTINCT:
        return compare_all(binder, function, OD_FUNCTION_AND, left, right, count, location, bound_out);
    case OD_FUNCTION_NOT_EQUAL:
    case OD_FUNCTION_IS_DISTINCT:
        return compare_all(binder, function, OD_FUNCTION_OR, left, right, count, location, bound_out);
    case OD_FUNCTION_LESS:
    case OD_FUNCTION_LESS_EQUAL:
        return compare_order(binder, function, OD_FUNCTION_LESS, left, right, count, location, bound_out);
    case OD_FUNCTION_GREATER:
    case OD_FUNCTION_GREATER_EQUAL:
        return compare_order(binder, function, OD_FUNCTION_GREATER, left, right, count, location, bound_out);
    default:
        return od_sql_fail(binder, OD_UNSUPPORTED, location, "this operator between rows is not supported");
    }
}
