/* expr_build: makes typed expressions, with PostgreSQL's implicit casts written out.
 *
 *   od_expr_call(function, arguments)
 *     coerce   which types the arguments must have (one wanted type each), casts inserted to get there
 *     resolve  the catalogue says result type and whether it can fail
 *     refine   a literal argument may rule the failure out (x / 2, like 'a%')
 *
 * Coercion asks one question per argument: which type is wanted? Comparisons, CASE and the like want the
 * common type of several arguments; most functions want a fixed type; arithmetic wants a number. Only casts
 * that PostgreSQL makes by itself are inserted: bigint -> double precision, date -> timestamp, and a NULL
 * literal becomes whatever is wanted. */
#include "engine/plan/expr.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/core/assert.h"

#define TYPE_ANY OD_TYPE_COUNT /* no wish: take it as it is */

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

static bool is_null_literal(const struct od_expr *expr)
{
    return expr->kind == OD_EXPR_LITERAL && expr->literal.is_null;
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

/* --- casts ------------------------------------------------------------------------------------ */

static bool cast_is_implicit(enum od_type from, enum od_type to)
{
    return from == to || (from == OD_TYPE_INT64 && to == OD_TYPE_FLOAT64) ||
           (from == OD_TYPE_DATE && to == OD_TYPE_TIMESTAMP);
}

enum od_status od_expr_cast(struct od_arena *plan_arena, const struct od_expr *input, enum od_type type,
                            const struct od_expr **expr_out, struct od_error *error)
{
    bool may_fail = false;
    *expr_out = NULL;
    if (input->type == type) {
        *expr_out = input;
        return OD_OK;
    }
    if (is_null_literal(input)) {
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

static bool types_meet(enum od_type left, enum od_type right, enum od_type *type_out)
{
    *type_out = cast_is_implicit(left, right) ? right : left;
    return cast_is_implicit(left, right) || cast_is_implicit(right, left);
}

bool od_expr_common_type(const struct od_expr *const *arguments, uint32_t argument_count,
                         enum od_type *type_out)
{
    enum od_type type = TYPE_ANY;
    for (uint32_t i = 0; i < argument_count; i++) {
        if (is_null_literal(arguments[i]))
            continue;
        if (type == TYPE_ANY)
            type = arguments[i]->type;
        else if (!types_meet(type, arguments[i]->type, &type))
            return false;
    }
    if (type == TYPE_ANY)
        type = argument_count == 0 ? OD_TYPE_TEXT : arguments[0]->type;
    *type_out = type;
    return true;
}

/* --- which types a function wants ------------------------------------------------------------- */

enum wish {
    WISH_COMMON,     /* all arguments alike */
    WISH_CASE,       /* conditions boolean, values alike */
    WISH_ARITHMETIC, /* alike, but for dates */
    WISH_FIXED,      /* the row's types; the last one repeats */
    WISH_NUMBER,     /* a NULL literal as double precision, else as it is */
    WISH_NONE
};

struct wish_row {
    enum wish wish;
    enum od_type fixed[3];
};

#define WISH_OF(...)                                                                                         \
    {                                                                                                        \
        WISH_FIXED,                                                                                          \
        {                                                                                                    \
            __VA_ARGS__                                                                                      \
        }                                                                                                    \
    }
#define WISH_BOOLEANS WISH_OF(OD_TYPE_BOOLEAN, OD_TYPE_BOOLEAN, OD_TYPE_BOOLEAN)
#define WISH_TEXTS    WISH_OF(OD_TYPE_TEXT, OD_TYPE_TEXT, OD_TYPE_TEXT)
#define WISH_DOUBLES  WISH_OF(OD_TYPE_FLOAT64, OD_TYPE_FLOAT64, OD_TYPE_FLOAT64)
#define WISH_ALIKE                                                                                           \
    {                                                                                                        \
        WISH_COMMON,                                                                                         \
        {                                                                                                    \
            TYPE_ANY, TYPE_ANY, TYPE_ANY                                                                     \
        }                                                                                                    \
    }
#define WISH_ROW(kind)                                                                                       \
    {                                                                                                        \
        kind,                                                                                                \
        {                                                                                                    \
            TYPE_ANY, TYPE_ANY, TYPE_ANY                                                                     \
        }                                                                                                    \
    }

static const struct wish_row wishes[] = {
    [OD_FUNCTION_ADD] = WISH_ROW(WISH_ARITHMETIC),
    [OD_FUNCTION_SUBTRACT] = WISH_ROW(WISH_ARITHMETIC),
    [OD_FUNCTION_MULTIPLY] = WISH_ALIKE,
    [OD_FUNCTION_DIVIDE] = WISH_ALIKE,
    [OD_FUNCTION_MODULO] = WISH_ALIKE,
    [OD_FUNCTION_NEGATE] = WISH_ROW(WISH_NUMBER),
    [OD_FUNCTION_EQUAL] = WISH_ALIKE,
    [OD_FUNCTION_NOT_EQUAL] = WISH_ALIKE,
    [OD_FUNCTION_LESS] = WISH_ALIKE,
    [OD_FUNCTION_LESS_EQUAL] = WISH_ALIKE,
    [OD_FUNCTION_GREATER] = WISH_ALIKE,
    [OD_FUNCTION_GREATER_EQUAL] = WISH_ALIKE,
    [OD_FUNCTION_IS_DISTINCT] = WISH_ALIKE,
    [OD_FUNCTION_IS_NOT_DISTINCT] = WISH_ALIKE,
    [OD_FUNCTION_AND] = WISH_BOOLEANS,
    [OD_FUNCTION_OR] = WISH_BOOLEANS,
    [OD_FUNCTION_NOT] = WISH_BOOLEANS,
    [OD_FUNCTION_IS_NULL] = WISH_ROW(WISH_NONE),
    [OD_FUNCTION_IS_NOT_NULL] = WISH_ROW(WISH_NONE),
    [OD_FUNCTION_IS_TRUE] = WISH_BOOLEANS,
    [OD_FUNCTION_IS_FALSE] = WISH_BOOLEANS,
    [OD_FUNCTION_CASE] = WISH_ROW(WISH_CASE),
    [OD_FUNCTION_COALESCE] = WISH_ALIKE,
    [OD_FUNCTION_NULLIF] = WISH_ALIKE,
    [OD_FUNCTION_GREATEST] = WISH_ALIKE,
    [OD_FUNCTION_LEAST] = WISH_ALIKE,
    [OD_FUNCTION_CAST] = WISH_ROW(WISH_NONE),
    [OD_FUNCTION_LIKE] = WISH_TEXTS,
    [OD_FUNCTION_CONCATENATE] = WISH_TEXTS,
    [OD_FUNCTION_LOWER] = WISH_TEXTS,
    [OD_FUNCTION_UPPER] = WISH_TEXTS,
    [OD_FUNCTION_LENGTH] = WISH_TEXTS,
    [OD_FUNCTION_SUBSTRING] = WISH_OF(OD_TYPE_TEXT, OD_TYPE_INT64, OD_TYPE_INT64),
    [OD_FUNCTION_ABS] = WISH_ROW(WISH_NUMBER),
    [OD_FUNCTION_FLOOR] = WISH_DOUBLES,
    [OD_FUNCTION_CEIL] = WISH_DOUBLES,
    [OD_FUNCTION_ROUND] = WISH_DOUBLES,
    [OD_FUNCTION_SQRT] = WISH_DOUBLES,
    [OD_FUNCTION_EXTRACT] = WISH_OF(OD_TYPE_TEXT, TYPE_ANY, TYPE_ANY),
    [OD_FUNCTION_DATE_TRUNC] = WISH_OF(OD_TYPE_TEXT, OD_TYPE_TIMESTAMP, TYPE_ANY),
};
_Static_assert(sizeof(wishes) / sizeof(wishes[0]) == OD_FUNCTION_COUNT, "every function has a wish");

/* Casts where PostgreSQL would by itself; leaves what does not fit for the catalogue to refuse. */
static enum od_status coerce_one(struct od_arena *plan_arena, const struct od_expr **argument,
                                 enum od_type wanted, bool to_text, struct od_error *error)
{
    const struct od_expr *input = *argument;
    if (wanted == TYPE_ANY || input->type == wanted)
        return OD_OK;
    if (!is_null_literal(input) && !cast_is_implicit(input->type, wanted) &&
        !(to_text && wanted == OD_TYPE_TEXT))
        return OD_OK;
    return od_expr_cast(plan_arena, input, wanted, argument, error);
}

static enum od_status coerce_range(struct od_arena *plan_arena, const struct od_expr **arguments,
                                   uint32_t first, uint32_t count, uint32_t stride, enum od_type wanted,
                                   struct od_error *error)
{
    enum od_status status = OD_OK;
    for (uint32_t i = first; i < count && status == OD_OK; i += stride)
        status = coerce_one(plan_arena, &arguments[i], wanted, false, error);
    return status;
}

static enum od_status coerce_case(struct od_arena *plan_arena, const struct od_expr **arguments,
                                  uint32_t count, struct od_error *error)
{
    const struct od_expr **values = od_arena_take_array(plan_arena, count, sizeof(*values));
    uint32_t value_count = 0;
    enum od_type type;
    if (values == NULL)
        return no_memory(error);
    if (count < 3 || count % 2 == 0)
        return OD_OK;
    for (uint32_t i = 1; i < count; i += 2)
        values[value_count++] = arguments[i];
    values[value_count++] = arguments[count - 1];
    if (!od_expr_common_type(values, value_count, &type))
        return OD_OK;
    enum od_status status = coerce_range(plan_arena, arguments, 0, count - 1, 2, OD_TYPE_BOOLEAN, error);
    if (status == OD_OK)
        status = coerce_range(plan_arena, arguments, 1, count - 1, 2, type, error);
    if (status == OD_OK)
        status = coerce_one(plan_arena, &arguments[count - 1], type, false, error);
    return status;
}

/* date + bigint, in either order, and date - date; else numbers, alike. */
static enum od_status coerce_arithmetic(struct od_arena *plan_arena, enum od_function function,
                                        const struct od_expr **arguments, struct od_error *error)
{
    enum od_type type;
    if (function == OD_FUNCTION_ADD && arguments[1]->type == OD_TYPE_DATE &&
        (arguments[0]->type == OD_TYPE_INT64 || is_null_literal(arguments[0])) &&
        !is_null_literal(arguments[1])) {
        const struct od_expr *first = arguments[0];
        arguments[0] = arguments[1];
        arguments[1] = first;
    }
    if (arguments[0]->type == OD_TYPE_DATE && arguments[1]->type == OD_TYPE_INT64)
        return OD_OK;
    if (arguments[0]->type == OD_TYPE_DATE && is_null_literal(arguments[1]) &&
        arguments[1]->type != OD_TYPE_DATE)
        return coerce_one(plan_arena, &arguments[1], OD_TYPE_INT64, false, error);
    if (!od_expr_common_type(arguments, 2, &type))
        return OD_OK;
    return coerce_range(plan_arena, arguments, 0, 2, 1, type, error);
}

static enum od_status coerce(struct od_arena *plan_arena, enum od_function function,
                             const struct od_expr **arguments, uint32_t count, struct od_error *error)
{
    const struct wish_row *row = &wishes[function];
    enum od_type type;
    enum od_status status = OD_OK;
    switch (row->wish) {
    case WISH_COMMON:
        if (od_expr_common_type(arguments, count, &type))
            status = coerce_range(plan_arena, arguments, 0, count, 1, type, error);
        break;
    case WISH_CASE:
        status = coerce_case(plan_arena, arguments, count, error);
        break;
    case WISH_ARITHMETIC:
        if (count == 2)
            status = coerce_arithmetic(plan_arena, function, arguments, error);
        break;
    case WISH_FIXED: {
        bool to_text = function == OD_FUNCTION_CONCATENATE && count == 2 &&
                       (arguments[0]->type == OD_TYPE_TEXT || arguments[1]->type == OD_TYPE_TEXT);
        for (uint32_t i = 0; i < count && status == OD_OK; i++)
            status = coerce_one(plan_arena, &arguments[i], row->fixed[i < 2 ? i : 2], to_text, error);
        break;
    }
    case WISH_NUMBER:
        if (count == 1 && is_null_literal(arguments[0]) && arguments[0]->type != OD_TYPE_INT64)
            status = coerce_one(plan_arena, &arguments[0], OD_TYPE_FLOAT64, false, error);
        break;
    case WISH_NONE:
        break;
    }
    return status;
}

/* --- what a literal argument rules out -------------------------------------------------------- */

static bool like_pattern_is_whole(const struct od_value *pattern)
{
    uint32_t i = 0;
    while (i < pattern->text.size) {
        if (pattern->text.bytes[i] == '\\') {
            if (i + 1 == pattern->text.size)
                return false;
            i++;
        }
        i++;
    }
    return true;
}

static bool literal_rules_failure_out(const struct od_expr *call)
{
    const struct od_expr *last = call->arguments[call->argument_count - 1];
    if (last->kind != OD_EXPR_LITERAL)
        return false;
    if (last->literal.is_null)
        return call->function == OD_FUNCTION_LIKE || call->function == OD_FUNCTION_SUBSTRING;
    switch (call->function) {
    case OD_FUNCTION_DIVIDE: /* by -1, the smallest bigint overflows; a double may overflow by any divisor
                                below one */
        return last->type == OD_TYPE_INT64 && last->literal.int64 != 0 && last->literal.int64 != -1;
    case OD_FUNCTION_MODULO:
        return last->literal.int64 != 0;
    case OD_FUNCTION_SUBSTRING:
        return last->literal.int64 >= 0;
    case OD_FUNCTION_LIKE:
        return like_pattern_is_whole(&last->literal);
    default:
        return false;
    }
}

static bool call_is_nullable(const struct od_expr *call)
{
    uint32_t nullable_count = 0;
    uint32_t condition_count = 0; /* nullable conditions of a CASE: they do not make it NULL */
    for (uint32_t i = 0; i < call->argument_count; i++) {
        bool is_condition = i % 2 == 0 && i + 1 < call->argument_count;
        nullable_count += call->arguments[i]->nullable;
        condition_count += call->arguments[i]->nullable && is_condition;
    }
    switch (call->function) {
    case OD_FUNCTION_IS_NULL:
    case OD_FUNCTION_IS_NOT_NULL:
    case OD_FUNCTION_IS_TRUE:
    case OD_FUNCTION_IS_FALSE:
    case OD_FUNCTION_IS_DISTINCT:
    case OD_FUNCTION_IS_NOT_DISTINCT:
        return false;
    case OD_FUNCTION_CASE:
        return nullable_count > condition_count;
    case OD_FUNCTION_COALESCE:
    case OD_FUNCTION_GREATEST:
    case OD_FUNCTION_LEAST:
        return nullable_count == call->argument_count;
    case OD_FUNCTION_NULLIF:
        return true;
    default:
        return nullable_count > 0;
    }
}

/* --- time fields ------------------------------------------------------------------------------ */

/* Fields that PostgreSQL knows and we do not (datetktbl and deltatktbl in its datetime.c), singular. */
static bool is_foreign_time_field(const char *text, size_t size)
{
    static const char *const names[] = {
        "isodow",
        "isoyear",
        "julian",
        "decade",
        "dec",
        "century",
        "centurie",
        "cent",
        "c",
        "millennium",
        "millennia",
        "mil",
        "millisecond",
        "msecond",
        "msec",
        "ms",
        "microsecond",
        "usecond",
        "usec",
        "us",
        "timezone",
        "timezone_h",
        "timezone_hour",
        "timezone_m",
        "timezone_minute",
        "y",
        "yr",
        "qtr",
        "mon",
        "w",
        "d",
        "h",
        "hr",
        "m",
        "min",
        "sec",
        "j",
        "jd",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t name_size = strlen(names[i]);
        bool plural = size == name_size + 1 && (text[name_size] == 's' || text[name_size] == 'S');
        if ((size == name_size || plural) && strncasecmp(text, names[i], name_size) == 0)
            return true;
    }
    return false;
}

/* The field must be a literal that we know; it is replaced by the catalogue's spelling. */
static enum od_status check_time_field(struct od_arena *plan_arena, enum od_function function,
                                       const struct od_expr **arguments, struct od_error *error)
{
    const struct od_expr *name = arguments[0];
    enum od_time_field field;
    if (name->kind != OD_EXPR_LITERAL || name->literal.is_null)
        return od_fail(error, OD_UNSUPPORTED, "%s: its field must be a literal", od_function_text(function));
    int size = name->literal.text.size > 40 ? 40 : (int)name->literal.text.size;
    if (is_foreign_time_field(name->literal.text.bytes, name->literal.text.size))
        return od_fail(error, OD_UNSUPPORTED, "unit \"%.*s\" is not supported", size,
                       name->literal.text.bytes);
    if (!od_time_field_find(name->literal.text.bytes, name->literal.text.size, &field))
        return od_fail(error, OD_BAD_INPUT, "unit \"%.*s\" not recognized for type %s", size,
                       name->literal.text.bytes, od_type_text(arguments[1]->type));
    bool fits = function == OD_FUNCTION_EXTRACT
                    ? arguments[1]->type != OD_TYPE_DATE || od_time_field_of_date(field)
                    : od_time_field_truncates(field);
    if (!fits)
        return od_fail(error, OD_BAD_INPUT, "unit \"%s\" not supported for type %s",
                       od_time_field_text(field), od_type_text(arguments[1]->type));
    const char *text = od_time_field_text(field);
    struct od_value value = {.type = OD_TYPE_TEXT, .text = {text, (uint32_t)strlen(text)}};
    return od_expr_literal(plan_arena, &value, &arguments[0], error);
}

/* --- calls ------------------------------------------------------------------------------------ */

static const char *type_text_of(const struct od_expr *expr)
{
    return is_null_literal(expr) ? "unknown" : od_type_text(expr->type);
}

static bool wants_boolean(enum od_function function, uint32_t position, uint32_t count)
{
    if (function == OD_FUNCTION_CASE)
        return position % 2 == 0 && position + 1 < count;
    return wishes[function].wish == WISH_FIXED && wishes[function].fixed[0] == OD_TYPE_BOOLEAN;
}

static enum od_status refuse_call(enum od_function function, const struct od_expr *const *arguments,
                                  uint32_t count, struct od_error *error)
{
    const char *text = od_function_text(function);
    if (function == OD_FUNCTION_SUBTRACT && arguments[0]->type == OD_TYPE_TIMESTAMP &&
        arguments[1]->type == OD_TYPE_TIMESTAMP)
        return od_fail(error, OD_UNSUPPORTED, "timestamp - timestamp is an interval, which is not supported");
    if (count == 2 && (function <= OD_FUNCTION_GREATER_EQUAL || function == OD_FUNCTION_CONCATENATE))
        return od_fail(error, OD_BAD_INPUT, "operator does not exist: %s %s %s", type_text_of(arguments[0]),
                       text, type_text_of(arguments[1]));
    for (uint32_t i = 0; i < count; i++)
        if (wants_boolean(function, i, count) && arguments[i]->type != OD_TYPE_BOOLEAN)
            return od_fail(error, OD_BAD_INPUT, "argument of %s must be type boolean, not type %s", text,
                           type_text_of(arguments[i]));
    char types[120] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < count && used + 40 < sizeof(types); i++)
        used += (size_t)snprintf(types + used, sizeof(types) - used, "%s%s", i == 0 ? "" : ", ",
                                 type_text_of(arguments[i]));
    if (function == OD_FUNCTION_CASE || function == OD_FUNCTION_COALESCE ||
        function == OD_FUNCTION_GREATEST || function == OD_FUNCTION_LEAST)
        return od_fail(error, OD_BAD_INPUT, "%s types cannot be matched: %s", text, types);
    return od_fail(error, OD_BAD_INPUT, "function %s(%s) does not exist", text, types);
}

/* Types, failure and nullability, once the arguments are as they should be. */
static enum od_status resolve_call(struct od_arena *plan_arena, struct od_expr *call, struct od_error *error)
{
    enum od_type stack_types[16];
    enum od_type *types = stack_types;
    bool may_fail = false;
    if (call->argument_count > 16)
        types = od_arena_take_array(plan_arena, call->argument_count, sizeof(*types));
    if (types == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < call->argument_count; i++)
        types[i] = call->arguments[i]->type;
    if (!od_function_resolve(call->function, types, call->argument_count, &call->type, &may_fail))
        return refuse_call(call->function, call->arguments, call->argument_count, error);
    call->nullable = call_is_nullable(call);
    call->may_fail = may_fail && !literal_rules_failure_out(call);
    for (uint32_t i = 0; i < call->argument_count; i++)
        call->may_fail |= call->arguments[i]->may_fail;
    return OD_OK;
}

enum od_status od_expr_call(struct od_arena *plan_arena, enum od_function function,
                            const struct od_expr *const *arguments, uint32_t argument_count,
                            const struct od_expr **expr_out, struct od_error *error)
{
    od_assert(function != OD_FUNCTION_CAST); /* od_expr_cast says to what */
    *expr_out = NULL;
    struct od_expr *call = expr_new(plan_arena, OD_EXPR_CALL, OD_TYPE_BOOLEAN);
    const struct od_expr **copy = od_arena_take_array(plan_arena, argument_count, sizeof(*copy));
    if (call == NULL || copy == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < argument_count; i++) {
        copy[i] = arguments[i];
        if (call->sql_offset == 0)
            call->sql_offset = arguments[i]->sql_offset;
    }
    enum od_status status = coerce(plan_arena, function, copy, argument_count, error);
    if (status != OD_OK)
        return status;
    call->function = function;
    call->argument_count = argument_count;
    call->arguments = copy;
    status = resolve_call(plan_arena, call, error);
    if (status == OD_OK && (function == OD_FUNCTION_EXTRACT || function == OD_FUNCTION_DATE_TRUNC))
        status = check_time_field(plan_arena, function, copy, error);
    if (status == OD_OK)
        *expr_out = call;
    return status;
}
