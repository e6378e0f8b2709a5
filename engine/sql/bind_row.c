/* bind_row: rows of expressions, compared element by element.
 *
 *   (a, b) = (c, d)    a = c AND b = d
 *   (a, b) < (c, d)    a < c OR (a = c AND b < d)
 *
 * In three-valued logic both say what SQL says: the first elements that differ decide, and a NULL before them
 * makes it NULL. */
#include "engine/sql/binder.h"

#define ROW_ELEMENTS_MAX 100 /* comparing nests that deep */

struct od_exprs od_bind_row(const struct od_place *place, const PgQuery__Node *node)
{
    if (node->node_case != PG_QUERY__NODE__NODE_ROW_EXPR)
        return od_bind_list(place, (PgQuery__Node *const *)&node, 1);
    size_t count = node->row_expr->n_args;
    if (count == 0 || count > ROW_ELEMENTS_MAX)
        od_sql_refuse(place->binder, node->row_expr->location, "a row of no element, or of more than %d,",
                      ROW_ELEMENTS_MAX);
    return od_bind_list(place, node->row_expr->args, count);
}

/* Every element by the same test, and the results combined. */
static const struct od_expr *compare_all(struct od_binder *binder, enum od_function test,
                                         enum od_function combine, struct od_exprs left,
                                         struct od_exprs right, int32_t location)
{
    struct od_exprs tests = {0};
    for (uint32_t i = 0; i < left.count; i++)
        OD_NEED(od_add_expr(binder, &tests, od_make_pair(binder, test, left.at[i], right.at[i], location)));
    return od_make_call(binder, combine, tests, location);
}

/* From the last element to the first: before OR (equal AND rest). */
static const struct od_expr *compare_order(struct od_binder *binder, enum od_function last,
                                           enum od_function before, struct od_exprs left,
                                           struct od_exprs right, int32_t location)
{
    uint32_t i = left.count - 1;
    const struct od_expr *rest = od_make_pair(binder, last, left.at[i], right.at[i], location);
    while (i-- > 0) {
        const struct od_expr *is_before = od_make_pair(binder, before, left.at[i], right.at[i], location);
        const struct od_expr *equal =
            od_make_pair(binder, OD_FUNCTION_EQUAL, left.at[i], right.at[i], location);
        rest = od_make_pair(binder, OD_FUNCTION_AND, equal, rest, location);
        rest = od_make_pair(binder, OD_FUNCTION_OR, is_before, rest, location);
    }
    return rest;
}

const struct od_expr *od_bind_compare(struct od_binder *binder, enum od_function function,
                                      struct od_exprs left, struct od_exprs right, int32_t location)
{
    OD_NEED(!od_sql_failed(binder));
    if (left.count == 1)
        return od_make_pair(binder, function, left.at[0], right.at[0], location);
    switch (function) {
    case OD_FUNCTION_EQUAL:
    case OD_FUNCTION_IS_NOT_DISTINCT:
        return compare_all(binder, function, OD_FUNCTION_AND, left, right, location);
    case OD_FUNCTION_NOT_EQUAL:
    case OD_FUNCTION_IS_DISTINCT:
        return compare_all(binder, function, OD_FUNCTION_OR, left, right, location);
    case OD_FUNCTION_LESS:
    case OD_FUNCTION_LESS_EQUAL:
        return compare_order(binder, function, OD_FUNCTION_LESS, left, right, location);
    case OD_FUNCTION_GREATER:
    case OD_FUNCTION_GREATER_EQUAL:
        return compare_order(binder, function, OD_FUNCTION_GREATER, left, right, location);
    default:
        return od_sql_refuse(binder, location, "this operator between rows");
    }
}
