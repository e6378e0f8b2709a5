/* bind_call: calls of functions, and what must be a constant. */
#include <string.h>

#include "engine/sql/binder.h"

bool od_bind_constant(const struct od_place *place, const PgQuery__Node *node, enum od_type type,
                      struct od_value *value_out)
{
    struct od_binder *binder = place->binder;
    int32_t location = od_sql_location(node);
    const struct od_expr *expr = od_bind_expr(place, node);
    if (expr != NULL && expr->is_untyped)
        expr = od_make_read(binder, expr, type);
    OD_NEED(expr != NULL);
    if (!od_expr_is_constant(expr))
        return od_sql_refuse(binder, location, "%s that is not a constant", place->clause);
    bool rounds = type == OD_TYPE_INT64 && (expr->type == OD_TYPE_DECIMAL || expr->type == OD_TYPE_FLOAT64);
    if (!od_cast_is_implicit(expr->type, type) && !rounds)
        return od_sql_wrong(binder, location, "argument of %s must be type %s, not type %s", place->clause,
                            od_type_text(type), od_type_text(expr->type));
    *value_out = expr->literal;
    value_out->type = type; /* integers and bigints are kept alike */
    if (expr->kind == OD_EXPR_LITERAL && (expr->type == type || expr->literal.is_null ||
                                          (expr->type == OD_TYPE_INT32 && type == OD_TYPE_INT64)))
        return true;
    if (binder->context->evaluate_constant == NULL)
        return od_sql_refuse(binder, location, "%s that is not a literal", place->clause);
    expr = od_make_cast(binder, expr, type, location);
    if (expr != NULL)
        binder->context->evaluate_constant(expr, binder->plan_arena, value_out, binder->error);
    od_sql_locate(binder, location);
    return !od_sql_failed(binder);
}

/* What may be written around an aggregate's arguments only. */
static const char *decoration_of(const PgQuery__FuncCall *call)
{
    return call->agg_star             ? "*"
           : call->agg_within_group   ? "WITHIN GROUP"
           : call->agg_filter != NULL ? "FILTER"
           : call->agg_distinct       ? "DISTINCT"
           : call->n_agg_order > 0    ? "ORDER BY"
                                      : NULL;
}

static bool is_window_function(const char *name)
{
    for (uint32_t i = OD_WINDOW_AGGREGATE + 1; i < OD_WINDOW_FUNCTION_COUNT; i++)
        if (strcmp(od_window_function_text((enum od_window_function)i), name) == 0)
            return true;
    return false;
}

const struct od_expr *od_bind_func_call(const struct od_place *place, const PgQuery__FuncCall *call)
{
    struct od_binder *binder = place->binder;
    const char *name = od_sql_string(call->funcname[call->n_funcname - 1]);
    const char *schema = call->n_funcname == 2 ? od_sql_string(call->funcname[0]) : "pg_catalog";
    enum od_aggregate_function aggregate = OD_AGGREGATE_PERCENTILE_CONT;
    enum od_function function = OD_FUNCTION_ADD;
    struct od_sql_type type = {0};
    if (call->n_funcname > 2 || strcmp(schema, "pg_catalog") != 0)
        return od_sql_refuse(binder, call->location, "a function of another schema");
    if (call->func_variadic)
        return od_sql_refuse(binder, call->location, "VARIADIC");
    if (call->over != NULL)
        return od_bind_window(place, call, name);
    if (od_aggregate_find(name, &aggregate))
        return od_bind_aggregate(place, call, name, aggregate);
    if (is_window_function(name) && !call->agg_within_group)
        return od_sql_wrong(binder, call->location, "window function %s requires an OVER clause", name);
    bool is_function = od_function_find(name, &function);
    bool is_cast = !is_function && call->n_args == 1 && od_sql_type_named(name, &type); /* float8(x) */
    if (!is_function && !is_cast) {
        const char *why = od_function_refusal(name);
        return od_sql_fail(binder, OD_UNSUPPORTED, call->location, "function %s is not supported%s%s", name,
                           why == NULL ? "" : ": ", why == NULL ? "" : why);
    }
    if (decoration_of(call) != NULL)
        return od_sql_wrong(binder, call->location, "%s specified, but %s is not an aggregate function",
                            decoration_of(call), name);
    return is_cast ? od_bind_cast_to(binder, od_bind_expr(place, call->args[0]), type, call->location)
                   : od_make_call(binder, function, od_bind_list(place, call->args, call->n_args),
                                  call->location);
}
