/* bind_call: functions, aggregates, casts, and the types of quoted literals.
 *
 * A quoted literal takes the type that its place wants. To find that out we bind the call twice: first with a
 * NULL in its place, which takes any type; the cast that od_expr_call gave the NULL is the answer; then with
 * the literal read as that type. '2001-02-30' beside a date is an error here, with its place, and not one of
 * evaluation. */
#include <string.h>

#include "engine/sql/binder.h"

/* --- quoted literals -------------------------------------------------------------------------- */

static enum od_status read_literal(struct od_binder *binder, const struct od_expr *text, enum od_type type,
                                   const struct od_expr **expr_out)
{
    struct od_value value = {0};
    const struct od_expr *literal = NULL;
    int32_t location = (int32_t)text->sql_offset - 1;
    uint32_t size = text->literal.text.size;
    if (type == OD_TYPE_TEXT) {
        *expr_out = text;
        return OD_OK;
    }
    if (!od_value_convert_text(type, text->literal.text.bytes, size, &value))
        return od_sql_fail(binder, OD_BAD_INPUT, location, "invalid input syntax for type %s: \"%.*s\"",
                           od_type_text(type), (int)(size > 80 ? 80 : size), text->literal.text.bytes);
    enum od_status status = od_expr_literal(binder->plan_arena, &value, &literal, binder->error);
    if (status == OD_OK)
        status = od_expr_located(binder->plan_arena, literal, text->sql_offset, expr_out, binder->error);
    return status;
}

/* Field names of EXTRACT and DATE_TRUNC are text and looked at by the catalogue: never a placeholder. */
static bool is_placeholder(enum od_function function, const struct od_bound *bound, uint32_t position)
{
    bool is_field = position == 0 && (function == OD_FUNCTION_EXTRACT || function == OD_FUNCTION_DATE_TRUNC);
    return bound->unknown && !is_field;
}

static enum od_status resolve_literals(struct od_binder *binder, enum od_function function,
                                       const struct od_bound *arguments, uint32_t count,
                                       const struct od_expr **exprs, int32_t location)
{
    struct od_value nothing = {.type = OD_TYPE_TEXT, .is_null = true};
    const struct od_expr *placeholder = NULL;
    const struct od_expr *trial = NULL;
    enum od_status status = od_expr_literal(binder->plan_arena, &nothing, &placeholder, binder->error);
    for (uint32_t i = 0; i < count && status == OD_OK; i++)
        exprs[i] = is_placeholder(function, &arguments[i], i) ? placeholder : arguments[i].expr;
    if (status == OD_OK)
        status = od_sql_locate(
            binder, od_expr_call(binder->plan_arena, function, exprs, count, &trial, binder->error),
            location);
    if (status != OD_OK)
        return status;
    /* bigint + date is turned round by the builder: the trial's arguments are then in the other order */
    bool turned = function == OD_FUNCTION_ADD && trial->arguments[0] == exprs[1] && exprs[0] != exprs[1];
    for (uint32_t i = 0; i < count && status == OD_OK; i++) {
        if (is_placeholder(function, &arguments[i], i))
            status = read_literal(binder, arguments[i].expr, trial->arguments[turned ? 1 - i : i]->type,
                                  &exprs[i]);
    }
    return status;
}

enum od_status od_bind_call(struct od_binder *binder, enum od_function function,
                            const struct od_bound *arguments, uint32_t count, int32_t location,
                            struct od_bound *bound_out)
{
    bool has_literals = false;
    const struct od_expr *call = NULL;
    enum od_status status = OD_OK;
    const struct od_expr **exprs = od_arena_take_array(binder->plan_arena, count, sizeof(*exprs));
    if (exprs == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = arguments[i].expr;
        has_literals |= arguments[i].unknown;
    }
    if (has_literals)
        status = resolve_literals(binder, function, arguments, count, exprs, location);
    if (status == OD_OK)
        status = od_sql_locate(
            binder, od_expr_call(binder->plan_arena, function, exprs, count, &call, binder->error), location);
    if (status == OD_OK)
        status = od_expr_located(binder->plan_arena, call, (uint32_t)(location + 1), &bound_out->expr,
                                 binder->error);
    bound_out->unknown = false;
    return status;
}

/* --- casts ------------------------------------------------------------------------------------ */

/* Integers of every size are bigint here; see engine/README.md. */
static const struct {
    const char *name;
    enum od_type type;
} type_names[] = {
    {"bool", OD_TYPE_BOOLEAN}, {"int8", OD_TYPE_INT64},          {"int4", OD_TYPE_INT64},
    {"bigint", OD_TYPE_INT64}, {"float8", OD_TYPE_FLOAT64},      {"text", OD_TYPE_TEXT},
    {"varchar", OD_TYPE_TEXT}, {"timestamp", OD_TYPE_TIMESTAMP}, {"date", OD_TYPE_DATE},
};

static enum od_status find_type(struct od_binder *binder, const PgQuery__TypeName *node,
                                enum od_type *type_out)
{
    const char *name = node->n_names > 0 ? od_sql_string(node->names[node->n_names - 1]) : NULL;
    bool plain = node->n_typmods == 0 && node->n_array_bounds == 0 && !node->setof && !node->pct_type;
    const char *schema = node->n_names == 2 ? od_sql_string(node->names[0]) : "pg_catalog";
    if (name == NULL || schema == NULL || strcmp(schema, "pg_catalog") != 0 || node->n_names > 2)
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "this type is not supported");
    for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]) && plain; i++) {
        if (strcmp(type_names[i].name, name) == 0) {
            *type_out = type_names[i].type;
            return OD_OK;
        }
    }
    return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "type %s%s is not supported", name,
                       plain ? "" : " with a modifier");
}

enum od_status od_bind_cast(struct od_binder *binder, const struct od_expr_place *place,
                            const PgQuery__TypeCast *cast, struct od_bound *bound_out)
{
    enum od_type type = OD_TYPE_TEXT;
    struct od_bound input = {0};
    const struct od_expr *expr = NULL;
    int32_t location = cast->location >= 0 ? cast->location : cast->type_name->location;
    enum od_status status = find_type(binder, cast->type_name, &type);
    if (status == OD_OK)
        status = od_bind_expr(binder, place, cast->arg, &input);
    if (status != OD_OK)
        return status;
    if (input.unknown)
        return read_literal(binder, input.expr, type, &bound_out->expr);
    status = od_sql_locate(binder, od_expr_cast(binder->plan_arena, input.expr, type, &expr, binder->error),
                           location);
    if (status == OD_OK)
        status = od_expr_located(binder->plan_arena, expr, (uint32_t)(location + 1), &bound_out->expr,
                                 binder->error);
    return status;
}

/* --- aggregates ------------------------------------------------------------------------------- */

static bool find_aggregate(const char *name, enum od_aggregate_function *function_out)
{
    static const struct {
        const char *name;
        enum od_aggregate_function function;
    } names[] = {
        {"count", OD_AGGREGATE_COUNT}, {"sum", OD_AGGREGATE_SUM}, {"min", OD_AGGREGATE_MIN},
        {"max", OD_AGGREGATE_MAX},     {"avg", OD_AGGREGATE_AVG},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i].name, name) == 0) {
            *function_out = names[i].function;
            return true;
        }
    }
    return false;
}

/* What may be written around an aggregate's or a function's arguments, and is not taken. */
static enum od_status refuse_decorations(struct od_binder *binder, const PgQuery__FuncCall *call,
                                         const char *name)
{
    const char *what = NULL;
    int32_t location = call->location;
    if (call->over != NULL) {
        what = "a window function (OVER)";
        location = call->over->location >= 0 ? call->over->location : location;
    } else if (call->agg_within_group) {
        what = "WITHIN GROUP";
    } else if (call->agg_filter != NULL) {
        what = "FILTER in an aggregate";
        location = od_sql_location(call->agg_filter);
    } else if (call->agg_distinct) {
        what = "DISTINCT in an aggregate";
    } else if (call->n_agg_order > 0) {
        what = "ORDER BY in an aggregate";
        location = od_sql_location(call->agg_order[0]);
    } else if (call->func_variadic) {
        what = "VARIADIC";
    }
    if (what == NULL)
        return OD_OK;
    return od_sql_fail(binder, OD_UNSUPPORTED, location, "%s is not supported: %s", what, name);
}

static bool aggregates_equal(const struct od_aggregate *left, const struct od_aggregate *right)
{
    if (left->function != right->function || (left->argument == NULL) != (right->argument == NULL))
        return false;
    return left->argument == NULL || od_expr_equal(left->argument, right->argument);
}

/* The place of an aggregate in the list; equal ones are computed once. */
static enum od_status list_aggregate(struct od_binder *binder, struct od_aggregate_list *list,
                                     const struct od_aggregate *aggregate, uint32_t *index_out)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (aggregates_equal(&list->aggregates[i], aggregate)) {
            *index_out = i;
            return OD_OK;
        }
    }
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 4 : 2 * list->capacity;
        struct od_aggregate *grown = od_arena_take_array(binder->plan_arena, capacity, sizeof(*grown));
        if (grown == NULL)
            return od_sql_no_memory(binder);
        if (list->count > 0)
            memcpy(grown, list->aggregates, list->count * sizeof(*grown));
        list->aggregates = grown;
        list->capacity = capacity;
    }
    *index_out = list->count;
    list->aggregates[list->count++] = *aggregate;
    return OD_OK;
}

static enum od_status bind_aggregate_argument(struct od_binder *binder, const struct od_expr_place *place,
                                              const PgQuery__FuncCall *call, const char *name,
                                              struct od_aggregate *aggregate)
{
    struct od_expr_place inside = {.scope = place->scope, .clause = place->clause, .in_aggregate = true};
    struct od_bound argument = {0};
    if (call->agg_star && aggregate->function == OD_AGGREGATE_COUNT) {
        aggregate->function = OD_AGGREGATE_COUNT_STAR;
        aggregate->type = OD_TYPE_INT64;
        return OD_OK;
    }
    if (call->agg_star || call->n_args != 1)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location,
                           "function %s with %zu arguments does not exist", name, call->n_args);
    enum od_status status = od_bind_expr(binder, &inside, call->args[0], &argument);
    if (status != OD_OK)
        return status;
    aggregate->argument = argument.expr;
    enum od_type type = argument.expr->type;
    if (!od_aggregate_resolve(aggregate->function, 1, &type, &aggregate->type))
        return od_sql_fail(binder, OD_BAD_INPUT, call->location, "function %s(%s) does not exist", name,
                           argument.unknown ? "unknown" : od_type_text(argument.expr->type));
    return OD_OK;
}

static enum od_status bind_aggregate(struct od_binder *binder, const struct od_expr_place *place,
                                     const PgQuery__FuncCall *call, const char *name,
                                     enum od_aggregate_function function, struct od_bound *bound_out)
{
    struct od_aggregate aggregate = {.function = function,
                                     .name = function == OD_AGGREGATE_COUNT ? "count" : NULL};
    uint32_t index = 0;
    if (place->in_aggregate)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location, "aggregate function calls cannot be nested");
    if (place->aggregates == NULL)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location, "aggregate functions are not allowed in %s",
                           place->clause);
    enum od_status status = bind_aggregate_argument(binder, place, call, name, &aggregate);
    if (status == OD_OK)
        status = list_aggregate(binder, place->aggregates, &aggregate, &index);
    if (status != OD_OK)
        return status;
    struct od_expr *stand_in = od_arena_take(binder->plan_arena, sizeof(*stand_in));
    if (stand_in == NULL)
        return od_sql_no_memory(binder);
    *stand_in = (struct od_expr){
        .kind = OD_EXPR_COLUMN,
        .type = aggregate.type,
        .nullable = true,
        .sql_offset = (uint32_t)(call->location + 1),
        .column_index = place->scope->schema.field_count + index,
    };
    bound_out->expr = stand_in;
    return OD_OK;
}

/* --- functions -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum od_function function;
} function_names[] = {
    {"lower", OD_FUNCTION_LOWER},
    {"upper", OD_FUNCTION_UPPER},
    {"length", OD_FUNCTION_LENGTH},
    {"char_length", OD_FUNCTION_LENGTH},
    {"character_length", OD_FUNCTION_LENGTH},
    {"substring", OD_FUNCTION_SUBSTRING},
    {"substr", OD_FUNCTION_SUBSTRING},
    {"abs", OD_FUNCTION_ABS},
    {"floor", OD_FUNCTION_FLOOR},
    {"ceil", OD_FUNCTION_CEIL},
    {"ceiling", OD_FUNCTION_CEIL},
    {"round", OD_FUNCTION_ROUND},
    {"sqrt", OD_FUNCTION_SQRT},
    {"extract", OD_FUNCTION_EXTRACT},
    {"date_trunc", OD_FUNCTION_DATE_TRUNC},
    {"mod", OD_FUNCTION_MODULO},
};

enum od_status od_bind_func_call(struct od_binder *binder, const struct od_expr_place *place,
                                 const PgQuery__FuncCall *call, struct od_bound *bound_out)
{
    const char *name = od_sql_string(call->funcname[call->n_funcname - 1]);
    const char *schema = call->n_funcname == 2 ? od_sql_string(call->funcname[0]) : "pg_catalog";
    enum od_aggregate_function aggregate;
    struct od_bound *arguments = NULL;
    if (call->n_funcname > 2 || strcmp(schema, "pg_catalog") != 0)
        return od_sql_fail(binder, OD_UNSUPPORTED, call->location,
                           "a function of another schema is not supported");
    enum od_status status = refuse_decorations(binder, call, name);
    if (status != OD_OK)
        return status;
    if (find_aggregate(name, &aggregate))
        return bind_aggregate(binder, place, call, name, aggregate, bound_out);
    for (size_t i = 0; i < sizeof(function_names) / sizeof(function_names[0]); i++) {
        if (strcmp(function_names[i].name, name) != 0)
            continue;
        status = od_bind_list(binder, place, call->args, call->n_args, &arguments);
        if (status == OD_OK && function_names[i].function == OD_FUNCTION_SUBSTRING && call->n_args > 1 &&
            (arguments[1].unknown || arguments[1].expr->type == OD_TYPE_TEXT))
            return od_sql_fail(binder, OD_UNSUPPORTED, call->location,
                               "substring by pattern is not supported");
        if (status == OD_OK)
            status = od_bind_call(binder, function_names[i].function, arguments, (uint32_t)call->n_args,
                                  call->location, bound_out);
        return status;
    }
    return od_sql_fail(binder, OD_UNSUPPORTED, call->location, "function %s is not supported", name);
}
