/* render_sql_expr: expressions as SQL, by a table of forms; what the table does not name is called by its name. */
#include "properties/render_sql_parts.h"

#include "engine/core/assert.h"
#include "properties/model_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TEXT OD_RENDER_TEXT

const char *od_render_checked(struct od_render *render, const char *text)
{
    render->failed |= text == NULL;
    return text != NULL ? text : "";
}

const char **od_render_list(struct od_render *render, uint32_t count)
{
    const char **list = od_arena_take_array(render->arena, (size_t)count + 1, sizeof(*list));
    od_assert(count <= OD_RENDER_LIST_MAX);
    render->failed |= list == NULL;
    for (uint32_t i = 0; list == NULL && i < OD_RENDER_LIST_MAX; i++)
        render->spare[i] = "";
    return list != NULL ? list : render->spare;
}

const char *od_render_joined(struct od_render *render, const char *const *list, uint32_t count)
{
    const char *text = "";
    for (uint32_t i = 0; i < count; i++)
        text = i == 0 ? list[0] : TEXT("%s, %s", text, list[i]);
    return text;
}

/* --- literals ------------------------------------------------------------------------------------------- */

static const char *quoted(struct od_render *render, const struct od_value *value)
{
    char *text = od_arena_take(render->arena, (size_t)value->text.size * 2 + 3);
    size_t size = 0;
    if (text == NULL)
        return od_render_checked(render, NULL);
    text[size++] = '\'';
    for (uint32_t i = 0; i < value->text.size; i++) {
        if (value->text.bytes[i] == '\'')
            text[size++] = '\'';
        text[size++] = value->text.bytes[i];
    }
    text[size++] = '\'';
    text[size] = '\0';
    return text;
}

static const char *integer_text(struct od_render *render, int64_t number)
{
    if (number >= 0)
        return TEXT("%" PRId64, number);
    return TEXT("(%" PRId64 ")", number);
}

static const char *engine_literal(struct od_render *render, const struct od_value *value)
{
    struct od_value text;
    if (value->is_null)
        return TEXT("NULL::%s", od_type_text(value->type));
    switch (value->type) {
    case OD_TYPE_BOOLEAN:
        return value->boolean ? "true" : "false";
    case OD_TYPE_INT32:
        return value->int64 == INT32_MIN ? "'-2147483648'::integer" : integer_text(render, value->int64);
    case OD_TYPE_TEXT:
        return TEXT("%s::text", quoted(render, value));
    case OD_TYPE_INTERVAL:
        return TEXT("'%d months %d days %" PRId64 " microseconds'::interval", value->interval.months,
                    value->interval.days, value->interval.microseconds);
    default:
        if (od_model_cast(&(struct od_model){.arena = render->arena}, value, OD_TYPE_TEXT, &text) != OD_OK)
            return od_render_checked(render, NULL);
        return TEXT("'%s'::%s", text.text.bytes, od_type_text(value->type));
    }
}

static const char *sqlite_literal(struct od_render *render, const struct od_value *value)
{
    if (value->is_null)
        return "NULL";
    switch (value->type) {
    case OD_TYPE_BOOLEAN:
        return value->boolean ? "1" : "0";
    case OD_TYPE_TEXT:
        return quoted(render, value);
    case OD_TYPE_FLOAT64: {
        const char *text = TEXT("%.17g", value->float64);
        return TEXT("(%s%s)", text, strpbrk(text, ".en") == NULL ? ".0" : "");
    }
    default:
        return integer_text(render, value->int64);
    }
}

/* --- expressions ---------------------------------------------------------------------------------------- */

static const char *cast_text(struct od_render *render, const struct od_expr *expr, const char *argument)
{
    enum od_type from = expr->arguments[0]->type;
    if (render->dialect == OD_DIALECT_ENGINE)
        return TEXT("CAST(%s AS %s)", argument, od_type_text(expr->type));
    if (expr->type == OD_TYPE_FLOAT64)
        return TEXT("CAST(%s AS REAL)", argument);
    if (expr->type == OD_TYPE_TEXT)
        return TEXT("CAST(%s AS TEXT)", argument);
    if (expr->type == OD_TYPE_BOOLEAN)
        return TEXT("(%s <> 0)", argument);
    if (expr->type == OD_TYPE_TIMESTAMP)
        return TEXT("(%s * 86400000000)", argument);
    /* A boolean is the number already. */
    return from == OD_TYPE_BOOLEAN ? argument : TEXT("CAST(%s AS INTEGER)", argument);
}

static const char *case_text(struct od_render *render, const char *const *arguments, uint32_t count)
{
    const char *text = "CASE";
    for (uint32_t i = 0; i + 1 < count; i += 2)
        text = TEXT("%s WHEN %s THEN %s", text, arguments[i], arguments[i + 1]);
    return TEXT("%s ELSE %s END", text, arguments[count - 1]);
}

/* (a op b op c) */
static const char *infix_text(struct od_render *render, const char *operator, const char * const * arguments,
                              uint32_t count)
{
    const char *text = TEXT("(%s", arguments[0]);
    for (uint32_t i = 1; i < count; i++)
        text = TEXT("%s %s %s", text, operator, arguments[i]);
    return TEXT("%s)", text);
}

/* How each function is written; {0} with `name` only: name(arguments). */
enum form {
    FORM_CALL,
    FORM_INFIX,
    FORM_PREFIX,
    FORM_POSTFIX,
    FORM_CASE,
    FORM_CAST,
    FORM_LIKE,
    FORM_EXTRACT,
    FORM_TRUNCATE,
    FORM_FIT
};
static const struct {
    enum form form;
    const char *name;
    bool not_in_sqlite;
} forms[OD_FUNCTION_COUNT] = {
    [OD_FUNCTION_ADD] = {FORM_INFIX, "+", false},
    [OD_FUNCTION_SUBTRACT] = {FORM_INFIX, "-", false},
    [OD_FUNCTION_MULTIPLY] = {FORM_INFIX, "*", false},
    [OD_FUNCTION_DIVIDE] = {FORM_INFIX, "/", false},
    [OD_FUNCTION_MODULO] = {FORM_INFIX, "%", false},
    [OD_FUNCTION_NEGATE] = {FORM_PREFIX, "-", false},
    [OD_FUNCTION_EQUAL] = {FORM_INFIX, "=", false},
    [OD_FUNCTION_NOT_EQUAL] = {FORM_INFIX, "<>", false},
    [OD_FUNCTION_LESS] = {FORM_INFIX, "<", false},
    [OD_FUNCTION_LESS_EQUAL] = {FORM_INFIX, "<=", false},
    [OD_FUNCTION_GREATER] = {FORM_INFIX, ">", false},
    [OD_FUNCTION_GREATER_EQUAL] = {FORM_INFIX, ">=", false},
    [OD_FUNCTION_IS_DISTINCT] = {FORM_INFIX, "IS DISTINCT FROM", false},
    [OD_FUNCTION_IS_NOT_DISTINCT] = {FORM_INFIX, "IS NOT DISTINCT FROM", false},
    [OD_FUNCTION_AND] = {FORM_INFIX, "AND", false},
    [OD_FUNCTION_OR] = {FORM_INFIX, "OR", false},
    [OD_FUNCTION_NOT] = {FORM_PREFIX, "NOT", false},
    [OD_FUNCTION_IS_NULL] = {FORM_POSTFIX, "IS NULL", false},
    [OD_FUNCTION_IS_NOT_NULL] = {FORM_POSTFIX, "IS NOT NULL", false},
    [OD_FUNCTION_IS_TRUE] = {FORM_POSTFIX, "IS TRUE", false},
    [OD_FUNCTION_IS_FALSE] = {FORM_POSTFIX, "IS FALSE", false},
    [OD_FUNCTION_CASE] = {FORM_CASE, NULL, false},
    [OD_FUNCTION_COALESCE] = {FORM_CALL, "COALESCE", false},
    [OD_FUNCTION_NULLIF] = {FORM_CALL, "NULLIF", false},
    [OD_FUNCTION_GREATEST] = {FORM_CALL, "GREATEST", false},
    [OD_FUNCTION_LEAST] = {FORM_CALL, "LEAST", false},
    [OD_FUNCTION_CAST] = {FORM_CAST, NULL, false},
    [OD_FUNCTION_LIKE] = {FORM_LIKE, "LIKE", false},
    [OD_FUNCTION_CONCATENATE] = {FORM_INFIX, "||", false},
    [OD_FUNCTION_LOWER] = {FORM_CALL, "lower", false},
    [OD_FUNCTION_UPPER] = {FORM_CALL, "upper", false},
    [OD_FUNCTION_LENGTH] = {FORM_CALL, "length", false},
    [OD_FUNCTION_SUBSTRING] = {FORM_CALL, "substring", false},
    [OD_FUNCTION_ABS] = {FORM_CALL, "abs", false},
    [OD_FUNCTION_FLOOR] = {FORM_CALL, "floor", false},
    [OD_FUNCTION_CEIL] = {FORM_CALL, "ceil", false},
    [OD_FUNCTION_ROUND] = {FORM_CALL, "round", false},
    [OD_FUNCTION_SQRT] = {FORM_CALL, "sqrt", false},
    [OD_FUNCTION_EXTRACT] = {FORM_EXTRACT, NULL, false},
    [OD_FUNCTION_DATE_TRUNC] = {FORM_TRUNCATE, NULL, false},
    [OD_FUNCTION_BIT_AND] = {FORM_INFIX, "&", true},
    [OD_FUNCTION_BIT_OR] = {FORM_INFIX, "|", true},
    [OD_FUNCTION_BIT_XOR] = {FORM_INFIX, "#", true},
    [OD_FUNCTION_BIT_NOT] = {FORM_PREFIX, "~", true},
    [OD_FUNCTION_SHIFT_LEFT] = {FORM_INFIX, "<<", true},
    [OD_FUNCTION_SHIFT_RIGHT] = {FORM_INFIX, ">>", true},
    [OD_FUNCTION_ILIKE] = {FORM_INFIX, "ILIKE", true},
    [OD_FUNCTION_FIT_NUMERIC] = {FORM_FIT, "numeric", true},
    [OD_FUNCTION_FIT_VARCHAR] = {FORM_FIT, "varchar", true},
    [OD_FUNCTION_FIT_SMALLINT] = {FORM_FIT, "smallint", true},
};

bool od_render_sql_in_sqlite(enum od_function function)
{
    return (forms[function].name != NULL || forms[function].form > FORM_POSTFIX) &&
           !forms[function].not_in_sqlite;
}

static const char *call_text(struct od_render *render, const struct od_expr *expr, const char *const *refs)
{
    uint32_t count = expr->argument_count;
    const char **arguments = od_render_list(render, count);
    const char *name = forms[expr->function].name;
    if (name == NULL && forms[expr->function].form == FORM_CALL)
        name = od_function_text(expr->function);
    for (uint32_t i = 0; i < count; i++)
        arguments[i] = od_render_expr(render, expr->arguments[i], refs);
    switch (forms[expr->function].form) {
    case FORM_CALL:
        return TEXT("%s(%s)", name, od_render_joined(render, arguments, count));
    case FORM_INFIX:
        return infix_text(render, name, arguments, count);
    case FORM_PREFIX:
        return TEXT("(%s %s)", name, arguments[0]);
    case FORM_POSTFIX:
        return TEXT("(%s %s)", arguments[0], name);
    case FORM_CASE:
        return case_text(render, arguments, count);
    case FORM_CAST:
        return cast_text(render, expr, arguments[0]);
    case FORM_LIKE:
        return TEXT("(%s LIKE %s%s)", arguments[0], arguments[1],
                    render->dialect == OD_DIALECT_SQLITE ? " ESCAPE '\\'" : "");
    case FORM_EXTRACT:
        return TEXT("EXTRACT(%.*s FROM %s)", (int)expr->arguments[0]->literal.text.size,
                    expr->arguments[0]->literal.text.bytes, arguments[1]);
    case FORM_FIT: /* a cast to a type with numbers in it, which are literals */
        return TEXT("CAST(%s AS %s%s%s%s)", arguments[0], name, count == 1 ? "" : "(",
                    od_render_joined(render, arguments + 1, count - 1), count == 1 ? "" : ")");
    case FORM_TRUNCATE:
        return TEXT("date_trunc(%s, %s)", quoted(render, &expr->arguments[0]->literal), arguments[1]);
    }
    od_unreachable();
}

static const char *outer_text(struct od_render *render, const struct od_expr *expr)
{
    const struct od_render_outer *outer = render->outer;
    for (uint32_t depth = 1; depth < expr->outer_depth && outer != NULL; depth++)
        outer = outer->next;
    od_assert(outer != NULL);
    return outer->refs[expr->column_index];
}

const char *od_render_expr(struct od_render *render, const struct od_expr *expr, const char *const *refs)
{
    switch (expr->kind) {
    case OD_EXPR_COLUMN:
        return refs[expr->column_index];
    case OD_EXPR_LITERAL:
        return render->dialect == OD_DIALECT_ENGINE ? engine_literal(render, &expr->literal)
                                                    : sqlite_literal(render, &expr->literal);
    case OD_EXPR_CALL:
        return call_text(render, expr, refs);
    case OD_EXPR_OUTER:
        return outer_text(render, expr);
    }
    od_unreachable();
}
