/* sql_type: what a type is called in SQL, and casts to it.
 *
 * PostgreSQL's grammar gives most types their internal names (integer is int4). Of a name, two things are
 * kept: our type, and a limit that a cast must see to, which is a call on top of the cast. */
#include <stdio.h>
#include <string.h>

#include "engine/sql/binder.h"

/* `modifiers`: how many may be written in parentheses. */
static const struct type_name {
    const char *name;
    enum od_type type;
    enum od_sql_limit limit;
    uint32_t modifiers;
} type_names[] = {
    {"bool", OD_TYPE_BOOLEAN, OD_LIMIT_NONE, 0},
    {"int2", OD_TYPE_INT32, OD_LIMIT_SMALLINT, 0},
    {"int4", OD_TYPE_INT32, OD_LIMIT_NONE, 0},
    {"int8", OD_TYPE_INT64, OD_LIMIT_NONE, 0},
    {"float4", OD_TYPE_FLOAT64, OD_LIMIT_NONE, 0}, /* kept, and printed, in double precision */
    {"float8", OD_TYPE_FLOAT64, OD_LIMIT_NONE, 0},
    {"double", OD_TYPE_FLOAT64, OD_LIMIT_NONE, 0}, /* other engines' word, which PostgreSQL does not have */
    {"numeric", OD_TYPE_DECIMAL, OD_LIMIT_NUMERIC, 2},
    {"text", OD_TYPE_TEXT, OD_LIMIT_NONE, 0},
    {"string", OD_TYPE_TEXT, OD_LIMIT_NONE, 0}, /* others' words, too */
    {"datetime", OD_TYPE_TIMESTAMP, OD_LIMIT_NONE, 0},
    {"varchar", OD_TYPE_TEXT, OD_LIMIT_VARCHAR, 1},
    {"bpchar", OD_TYPE_TEXT, OD_LIMIT_VARCHAR, 1}, /* not padded */
    {"timestamp", OD_TYPE_TIMESTAMP, OD_LIMIT_NONE, 0},
    {"date", OD_TYPE_DATE, OD_LIMIT_NONE, 0},
    {"interval", OD_TYPE_INTERVAL, OD_LIMIT_INTERVAL, 1},
};

static bool read_modifiers(struct od_binder *binder, const PgQuery__TypeName *node, const char *name,
                           uint32_t modifiers, struct od_sql_type *type)
{
    uint32_t *fields[2] = {&type->size, &type->scale};
    for (size_t i = 0; i < node->n_typmods; i++) {
        const PgQuery__Node *modifier = node->typmods[i];
        bool is_count = modifier->node_case == PG_QUERY__NODE__NODE_A_CONST && !modifier->a_const->isnull &&
                        modifier->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL;
        if (i >= modifiers || !is_count || modifier->a_const->ival->ival < 0)
            return od_sql_refuse(binder, node->location, "type %s with this modifier", name);
        *fields[i] = (uint32_t)modifier->a_const->ival->ival;
    }
    if (node->n_typmods == 0)
        type->limit = type->limit == OD_LIMIT_SMALLINT ? type->limit : OD_LIMIT_NONE;
    if (type->limit == OD_LIMIT_VARCHAR && type->size < 1)
        return od_sql_wrong(binder, node->location, "length for type %s must be at least 1", name);
    if (type->limit == OD_LIMIT_VARCHAR && type->size > 10485760)
        return od_sql_wrong(binder, node->location, "length for type %s cannot exceed 10485760", name);
    if (type->limit != OD_LIMIT_NUMERIC)
        return true;
    if (type->size < 1 || type->size > 1000)
        return od_sql_wrong(binder, node->location, "NUMERIC precision %u must be between 1 and 1000",
                            type->size);
    if (type->size > OD_DECIMAL_DIGITS_MAX || type->scale > type->size)
        return od_sql_refuse(binder, node->location,
                             "numeric of more than 38 digits, or of a scale above its precision,");
    return true;
}

static const struct type_name *find_name(const char *name)
{
    for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++)
        if (strcmp(type_names[i].name, name) == 0)
            return &type_names[i];
    return NULL;
}

bool od_sql_type_named(const char *name, struct od_sql_type *type_out)
{
    const struct type_name *row = find_name(name);
    if (row != NULL)
        *type_out = (struct od_sql_type){
            .type = row->type, .limit = row->limit == OD_LIMIT_SMALLINT ? row->limit : OD_LIMIT_NONE};
    return row != NULL;
}

bool od_sql_find_type(struct od_binder *binder, const PgQuery__TypeName *node, struct od_sql_type *type_out)
{
    const char *name = node->n_names > 0 ? od_sql_string(node->names[node->n_names - 1]) : NULL;
    const char *schema = node->n_names == 2 ? od_sql_string(node->names[0]) : "pg_catalog";
    if (name == NULL || schema == NULL || node->n_names > 2 || strcmp(schema, "pg_catalog") != 0 ||
        node->setof || node->pct_type || node->n_array_bounds > 0)
        return od_sql_refuse(binder, node->location, "this type");
    const struct type_name *row = find_name(name);
    if (row == NULL)
        return od_sql_refuse(binder, node->location, "type %s", name);
    *type_out = (struct od_sql_type){.type = row->type, .limit = row->limit};
    return read_modifiers(binder, node, name, row->modifiers, type_out);
}

/* --- quoted literals ---------------------------------------------------------------------------- */

/* PostgreSQL reads more: dates as 'Jan 8, 1999', '19990108', 'epoch', with time zones; numeric 'NaN'. May this
 * be one of those? */
static bool may_be_other_form(enum od_type type, const char *text)
{
    static const char digits[] = "0123456789";
    text += strspn(text, " ");
    if (type == OD_TYPE_DECIMAL)
        return strchr("nNiI", text[strspn(text, "+-")]) != NULL && text[0] != '\0';
    if (type == OD_TYPE_INTERVAL)
        return text[0] == 'P';
    if ((type != OD_TYPE_DATE && type != OD_TYPE_TIMESTAMP) || text[0] == '\0')
        return false;
    size_t year = strspn(text, digits);
    const char *month = text + year + 1;
    if (year < 4 || month[-1] != '-' || month[strspn(month, digits)] != '-')
        return true;
    const char *day = strchr(month, '-') + 1;
    return day[strspn(day, " :.T0123456789")] != '\0';
}

const struct od_expr *od_make_read(struct od_binder *binder, const struct od_expr *text, enum od_type type)
{
    OD_NEED(text != NULL);
    struct od_value value = {.type = type, .is_null = true};
    const char *bytes = text->literal.text.bytes;
    uint32_t size = text->literal.text.size;
    if (type == OD_TYPE_TEXT) {
        value = text->literal;
    } else if (!text->literal.is_null && !od_value_parse(type, bytes, size, &value)) {
        bool other_form = may_be_other_form(type, bytes);
        return od_sql_fail(binder, other_form ? OD_UNSUPPORTED : OD_BAD_INPUT, od_place_of(text),
                           "invalid input syntax for type %s%s: \"%.*s\"", od_type_text(type),
                           other_form ? ", or a form of it that is not supported" : "",
                           (int)(size > 80 ? 80 : size), bytes);
    }
    return od_make_literal(binder, &value, od_place_of(text));
}

/* --- casts ---------------------------------------------------------------------------------------- */

/* INTERVAL '3' MONTH: the number gets its unit. Other texts must be written with theirs. */
static const struct od_expr *interval_text(struct od_binder *binder, const struct od_expr *text,
                                           uint32_t mask)
{
    static const struct {
        uint32_t mask;
        const char *unit;
    } units[] = {{4, "year"}, {2, "month"}, {8, "day"}, {1024, "hour"}, {2048, "minute"}, {4096, "second"}};
    const char *bytes = text->literal.text.bytes;
    uint32_t size = text->literal.text.size;
    uint32_t sign = size > 0 && (bytes[0] == '-' || bytes[0] == '+') ? 1 : 0;
    bool is_number = size > sign && strspn(bytes + sign, "0123456789") == size - sign;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && is_number; i++) {
        if (units[i].mask != mask)
            continue;
        char *with_unit = od_sql_take(binder, size + 8, 1);
        OD_NEED(with_unit != NULL);
        snprintf(with_unit, (size_t)size + 8, "%.*s %s", (int)size, bytes, units[i].unit);
        return od_make_untyped(binder, with_unit, od_place_of(text));
    }
    return od_sql_fail(
        binder, OD_UNSUPPORTED, od_place_of(text),
        "an interval of fields that is not one number and one unit is not supported: write INTERVAL "
        "'1 day 2 hours'");
}

static const struct od_expr *put_limit_on(struct od_binder *binder, const struct od_expr *expr,
                                          const struct od_sql_type *type, int32_t location)
{
    static const struct {
        enum od_function function;
        uint32_t argument_count;
    } calls[] = {
        [OD_LIMIT_SMALLINT] = {OD_FUNCTION_FIT_SMALLINT, 1},
        [OD_LIMIT_VARCHAR] = {OD_FUNCTION_FIT_VARCHAR, 2},
        [OD_LIMIT_NUMERIC] = {OD_FUNCTION_FIT_NUMERIC, 3},
    };
    if (type->limit == OD_LIMIT_NONE || type->limit == OD_LIMIT_INTERVAL)
        return expr;
    const struct od_expr *arguments[] = {expr, od_make_number(binder, OD_TYPE_INT32, type->size, location),
                                         od_make_number(binder, OD_TYPE_INT32, type->scale, location)};
    struct od_exprs list = {calls[type->limit].argument_count, arguments};
    return od_make_call(binder, calls[type->limit].function, list, location);
}

const struct od_expr *od_bind_cast_to(struct od_binder *binder, const struct od_expr *expr,
                                      struct od_sql_type type, int32_t location)
{
    OD_NEED(expr != NULL);
    bool is_untyped = expr->is_untyped;
    if (is_untyped && type.limit == OD_LIMIT_INTERVAL && !expr->literal.is_null)
        expr = interval_text(binder, expr, type.size);
    expr =
        is_untyped ? od_make_read(binder, expr, type.type) : od_make_cast(binder, expr, type.type, location);
    return put_limit_on(binder, expr, &type, location);
}

static bool is_number(enum od_type type)
{
    return type == OD_TYPE_INT32 || type == OD_TYPE_INT64 || type == OD_TYPE_DECIMAL ||
           type == OD_TYPE_FLOAT64;
}

const struct od_expr *od_bind_assignment(struct od_binder *binder, const struct od_expr *expr,
                                         struct od_sql_type type, const char *name, int32_t location)
{
    OD_NEED(expr != NULL);
    enum od_type from = expr->type;
    bool both_times = (from == OD_TYPE_DATE || from == OD_TYPE_TIMESTAMP) &&
                      (type.type == OD_TYPE_DATE || type.type == OD_TYPE_TIMESTAMP);
    bool allowed = expr->is_untyped || from == type.type || type.type == OD_TYPE_TEXT || both_times ||
                   (is_number(from) && is_number(type.type));
    if (!allowed)
        return od_sql_wrong(binder, location, "column \"%s\" is of type %s but expression is of type %s",
                            name, od_type_text(type.type), od_type_text(from));
    if (type.limit == OD_LIMIT_VARCHAR)
        type.limit = OD_LIMIT_NONE;
    return od_bind_cast_to(binder, expr, type, location);
}
