/* term: expressions by name. A term is a small tree in the plan_arena; binding walks it bottom-up, and the typing (implicit
 * casts, overloads) is od_expr_call's, as for SQL. */
#include "engine/frame/term.h"

#include <string.h>

struct od_term {
    enum { TERM_COLUMN, TERM_LITERAL, TERM_CALL, TERM_CAST } kind;
    const char *name;
    struct od_value literal;
    enum od_function function;
    enum od_type type;
    uint32_t argument_count;
    const struct od_term *const *arguments;
};

void *od_frames_take(struct od_frames *f, size_t count, size_t bytes)
{
    OD_NEED(f->error.status == OD_OK);
    void *items = od_arena_take_array(f->plan_arena, count, bytes);
    if (items == NULL)
        od_fail(&f->error, OD_NO_MEMORY, "building a frame");
    return items;
}

static const struct od_term *keep(struct od_frames *f, const struct od_term *draft)
{
    struct od_term *term = od_frames_take(f, 1, sizeof(*term));
    if (term != NULL)
        *term = *draft;
    return term;
}

static const char *copy_text(struct od_frames *f, const char *text, size_t size)
{
    char *copy = od_frames_take(f, size + 1, 1);
    return copy == NULL ? NULL : memcpy(copy, text, size);
}

const struct od_term *od_col(struct od_frames *f, const char *name)
{
    struct od_term term = {.kind = TERM_COLUMN, .name = copy_text(f, name, strlen(name))};
    return keep(f, &term);
}

const struct od_term *od_lit(struct od_frames *f, const struct od_value *value)
{
    struct od_term term = {.kind = TERM_LITERAL, .literal = *value};
    if (value->type == OD_TYPE_TEXT && !value->is_null)
        term.literal.text.bytes = copy_text(f, value->text.bytes, value->text.size);
    return keep(f, &term);
}

const struct od_term *od_int(struct od_frames *f, int64_t value)
{
    bool is_small = value >= INT32_MIN && value <= INT32_MAX;
    return od_lit(f, &(struct od_value){.type = is_small ? OD_TYPE_INT32 : OD_TYPE_INT64, .int64 = value});
}

const struct od_term *od_float(struct od_frames *f, double value)
{
    return od_lit(f, &(struct od_value){.type = OD_TYPE_FLOAT64, .float64 = value});
}

const struct od_term *od_text(struct od_frames *f, const char *value)
{
    return od_lit(f, &(struct od_value){.type = OD_TYPE_TEXT, .text = {value, (uint32_t)strlen(value)}});
}

const struct od_term *od_bool(struct od_frames *f, bool value)
{
    return od_lit(f, &(struct od_value){.type = OD_TYPE_BOOLEAN, .boolean = value});
}

const struct od_term *od_call_list(struct od_frames *f, enum od_function function,
                                   const struct od_term *const *arguments, uint32_t argument_count)
{
    struct od_term term = {.kind = TERM_CALL, .function = function, .argument_count = argument_count};
    const struct od_term **copy = od_frames_take(f, argument_count, sizeof(*copy));
    OD_NEED(copy != NULL);
    memcpy(copy, arguments, argument_count * sizeof(*copy));
    term.arguments = copy;
    return keep(f, &term);
}

const struct od_term *od_cast(struct od_frames *f, const struct od_term *argument, enum od_type type)
{
    struct od_term *term = (struct od_term *)od_call_list(f, OD_FUNCTION_CAST, &argument, 1);
    if (term == NULL)
        return NULL;
    term->kind = TERM_CAST;
    term->type = type;
    return term;
}

/* --- binding ---------------------------------------------------------------------------------- */

const char *od_term_list_fields(struct od_frames *f, const struct od_schema *schema)
{
    const char *text = schema->field_count == 0 ? "no column" : "";
    for (uint32_t i = 0; i < schema->field_count && text != NULL; i++)
        text = od_arena_print(f->plan_arena, "%s%s%s", text, i > 0 ? ", " : "", schema->fields[i].name);
    return text == NULL ? "" : text;
}

enum od_status od_term_find(struct od_frames *f, const struct od_term_scope *scope, const char *name,
                            uint32_t *column_out)
{
    static const char *const sides[] = {"left.", "right."};
    const char *wanted = name;
    uint32_t first = 0;
    uint32_t end = scope->schema->field_count;
    uint32_t found = 0;
    for (uint32_t side = 0; side < 2 && scope->is_join && wanted == name; side++) {
        if (strncmp(name, sides[side], strlen(sides[side])) != 0)
            continue;
        wanted = name + strlen(sides[side]);
        first = side == 0 ? 0 : scope->left_count;
        end = side == 0 ? scope->left_count : end;
    }
    for (uint32_t i = first; i < end; i++) {
        if (strcmp(scope->schema->fields[i].name, wanted) != 0)
            continue;
        *column_out = i;
        found++;
    }
    if (found == 1)
        return OD_OK;
    if (found > 1)
        return od_fail(&f->error, OD_BAD_INPUT, "%s: there is more than one column \"%s\"%s", scope->call,
                       name,
                       scope->is_join ? ": say left. or right. before it"
                                      : ": rename them with a select before the join");
    return od_fail(&f->error, OD_BAD_INPUT, "%s: no column \"%s\": expected one of %s", scope->call, name,
                   od_term_list_fields(f, scope->schema));
}

void od_term_locate(struct od_frames *f, const char *call)
{
    struct od_error error = f->error;
    od_fail(&f->error, error.status, "%s: %.250s", call, error.text);
}

const struct od_expr *od_term_bind(struct od_frames *f, const struct od_term_scope *scope,
                                   const struct od_term *term)
{
    const struct od_expr *expr = NULL;
    uint32_t column;
    if (f->error.status == OD_OK && term == NULL)
        od_fail(&f->error, OD_BAD_INPUT, "%s: an expression is missing", scope->call);
    OD_NEED(f->error.status == OD_OK);
    if (term->kind == TERM_LITERAL) {
        od_expr_literal(f->plan_arena, &term->literal, &expr, &f->error);
        return expr;
    }
    if (term->kind == TERM_COLUMN) {
        OD_NEED(od_term_find(f, scope, term->name, &column) == OD_OK);
        od_expr_column(f->plan_arena, scope->schema, column, &expr, &f->error);
        return expr;
    }
    const struct od_expr **arguments = od_frames_take(f, term->argument_count, sizeof(*arguments));
    for (uint32_t i = 0; i < term->argument_count && f->error.status == OD_OK; i++)
        arguments[i] = od_term_bind(f, scope, term->arguments[i]);
    OD_NEED(f->error.status == OD_OK);
    enum od_status status =
        term->kind == TERM_CAST
            ? od_expr_cast(f->plan_arena, arguments[0], term->type, &expr, &f->error)
            : od_expr_call(f->plan_arena, term->function, arguments, term->argument_count, &expr, &f->error);
    if (status != OD_OK) /* it speaks of types only */
        od_term_locate(f, scope->call);
    return expr;
}
