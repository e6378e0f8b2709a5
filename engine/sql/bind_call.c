/* bind_call: calls of functions, and the types of quoted literals.
 *
 * A quoted literal takes the type that its place wants. To find that out we bind the call twice: first with a
 * NULL in its place, which takes any type; the type that od_expr_call gave the NULL is the answer; then with
 * the literal read as that type. '2001-02-30' beside a date is an error here, with its place, and not one of
 * evaluation. */
#include <string.h>

#include "engine/sql/binder.h"

/* Field names of EXTRACT and the like are text and looked at by the catalogue: never a placeholder. */
static bool is_placeholder(enum od_function function, const struct od_bound *bound, uint32_t position)
{
    bool is_field = position == 0 && (function == OD_FUNCTION_EXTRACT || function == OD_FUNCTION_DATE_TRUNC ||
                                      function == OD_FUNCTION_DATE_PART);
    return bound->unknown && !is_field;
}

static enum od_status resolve_literals(struct od_binder *binder, enum od_function function,
                                       const struct od_bound *arguments, uint32_t count,
                                       const struct od_expr **exprs, int32_t location)
{
    struct od_value nothing = {.type = OD_TYPE_TEXT, .is_null = true};
    const struct od_expr *placeholder = NULL;
    const struct od_expr *trial = NULL;
    if (count == 2 && function < OD_FUNCTION_EQUAL && arguments[0].unknown && arguments[1].unknown)
        return od_sql_fail(binder, OD_BAD_INPUT, location, "operator is not unique: unknown %s unknown",
                           od_function_text(function));
    OD_TRY(od_expr_literal(binder->plan_arena, &nothing, &placeholder, binder->error));
    for (uint32_t i = 0; i < count; i++)
        exprs[i] = is_placeholder(function, &arguments[i], i) ? placeholder : arguments[i].expr;
    OD_TRY(od_sql_locate(
        binder, od_expr_call(binder->plan_arena, function, exprs, count, &trial, binder->error), location));
    for (uint32_t i = 0; i < count; i++)
        if (is_placeholder(function, &arguments[i], i))
            OD_TRY(od_bind_read_literal(binder, arguments[i].expr, trial->arguments[i]->type, &exprs[i]));
    return OD_OK;
}

enum od_status od_bind_call(struct od_binder *binder, enum od_function function,
                            const struct od_bound *arguments, uint32_t count, int32_t location,
                            struct od_bound *bound_out)
{
    bool has_literals = false;
    const struct od_expr *call = NULL;
    const struct od_expr **exprs = od_arena_take_array(binder->plan_arena, count, sizeof(*exprs));
    if (exprs == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = arguments[i].expr;
        has_literals |= arguments[i].unknown;
    }
    if (has_literals)
        OD_TRY(resolve_literals(binder, function, arguments, count, exprs, location));
    OD_TRY(od_sql_locate(
        binder, od_expr_call(binder->plan_arena, function, exprs, count, &call, binder->error), location));
    OD_TRY(
        od_expr_located(binder->plan_arena, call, (uint32_t)(location + 1), &bound_out->expr, binder->error));
    bound_out->unknown = false;
    return OD_OK;
}

enum od_status od_bind_constant(struct od_binder *binder, const struct od_place *place,
                                const PgQuery__Node *node, enum od_type type, struct od_value *value_out)
{
    struct od_bound bound = {0};
    int32_t location = od_sql_location(node);
    OD_TRY(od_bind_expr(binder, place, node, &bound));
    if (bound.unknown)
        OD_TRY(od_bind_read_literal(binder, bound.expr, type, &bound.expr));
    if (!od_expr_is_constant(bound.expr))
        return od_sql_fail(binder, OD_UNSUPPORTED, location, "%s that is not a constant is not supported",
                           place->clause);
    bool rounds =
        type == OD_TYPE_INT64 && (bound.expr->type == OD_TYPE_DECIMAL || bound.expr->type == OD_TYPE_FLOAT64);
    if (bound.expr->type != type && !od_cast_is_implicit(bound.expr->type, type) && !rounds)
        return od_sql_fail(binder, OD_BAD_INPUT, location, "argument of %s must be type %s, not type %s",
                           place->clause, od_type_text(type), od_type_text(bound.expr->type));
    *value_out = bound.expr->literal;
    value_out->type = type; /* integers and bigints are kept alike */
    if (bound.expr->kind == OD_EXPR_LITERAL && (bound.expr->type == type || bound.expr->literal.is_null ||
                                                (bound.expr->type == OD_TYPE_INT32 && type == OD_TYPE_INT64)))
        return OD_OK;
    OD_TRY(od_expr_cast(binder->plan_arena, bound.expr, type, &bound.expr, binder->error));
    if (binder->context->evaluate_constant == NULL)
        return od_sql_fail(binder, OD_UNSUPPORTED, location, "%s that is not a literal is not supported",
                           place->clause);
    return od_sql_locate(
        binder, binder->context->evaluate_constant(bound.expr, binder->plan_arena, value_out, binder->error),
        location);
}

/* --- functions -------------------------------------------------------------------------------- */

/* What may be written around an aggregate's arguments only. */
static enum od_status refuse_decorations(struct od_binder *binder, const PgQuery__FuncCall *call,
                                         const char *name)
{
    const char *what = call->agg_star             ? "*"
                       : call->agg_within_group   ? "WITHIN GROUP"
                       : call->agg_filter != NULL ? "FILTER"
                       : call->agg_distinct       ? "DISTINCT"
                       : call->n_agg_order > 0    ? "ORDER BY"
                                                  : NULL;
    if (call->func_variadic)
        return od_sql_fail(binder, OD_UNSUPPORTED, call->location, "VARIADIC is not supported");
    if (what == NULL)
        return OD_OK;
    return od_sql_fail(binder, OD_BAD_INPUT, call->location,
                       "%s specified, but %s is not an aggregate function", what, name);
}

static bool is_window_function(const char *name)
{
    for (uint32_t i = OD_WINDOW_AGGREGATE + 1; i < OD_WINDOW_FUNCTION_COUNT; i++)
        if (strcmp(od_window_function_text((enum od_window_function)i), name) == 0)
            return true;
    return false;
}

enum od_status od_bind_func_call(struct od_binder *binder, const struct od_place *place,
                                 const PgQuery__FuncCall *call, struct od_bound *bound_out)
{
    const char *name = od_sql_string(call->funcname[call->n_funcname - 1]);
    const char *schema = call->n_funcname == 2 ? od_sql_string(call->funcname[0]) : "pg_catalog";
    enum od_aggregate_function aggregate = OD_AGGREGATE_PERCENTILE_CONT;
    enum od_function function = OD_FUNCTION_ADD;
    struct od_sql_type type = {0};
    struct od_bound *arguments = NULL;
    if (call->n_funcname > 2 || strcmp(schema, "pg_catalog") != 0)
        return od_sql_fail(binder, OD_UNSUPPORTED, call->location,
                           "a function of another schema is not supported");
    if (call->over != NULL)
        return od_bind_window(binder, place, call, name, bound_out);
    if (od_aggregate_find(name, &aggregate) || strcmp(name, "median") == 0)
        return od_bind_aggregate(binder, place, call, name, aggregate, bound_out);
    if (is_window_function(name) && !call->agg_within_group)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location, "window function %s requires an OVER clause",
                           name);
    if (!od_function_find(name, &function) && call->n_args == 1 && od_sql_type_named(name, &type)) {
        OD_TRY(refuse_decorations(binder, call, name));
        OD_TRY(od_bind_expr(binder, place, call->args[0], bound_out)); /* float8(x) */
        OD_TRY(od_bind_cast_to(binder, bound_out, &type, call->location, &bound_out->expr));
        bound_out->unknown = false;
        return OD_OK;
    }
    if (!od_function_find(name, &function)) {
        const char *why = od_function_refusal(name);
        return od_sql_fail(binder, OD_UNSUPPORTED, call->location, "function %s is not supported%s%s", name,
                           why == NULL ? "" : ": ", why == NULL ? "" : why);
    }
    OD_TRY(refuse_decorations(binder, call, name));
    OD_TRY(od_bind_list(binder, place, call->args, call->n_args, &arguments));
    return od_bind_call(binder, function, arguments, (uint32_t)call->n_args, call->location, bound_out);
}
