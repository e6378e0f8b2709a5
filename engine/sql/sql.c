/* sql: the entry, and what every part of the binder needs to say where something is.
 *
 *   od_sql_bind -> od_sql_parse (parse.c, tree in a parse_arena) -> od_bind_query (bind_query.c) -> plan
 *
 * The parse_arena dies here; the plan keeps nothing of it, nor of the text. Errors carry the line and column
 * of the construct that caused them; an error of the plan builders, which know no text, gets the position of
 * the call that made it. */
#include "engine/sql/sql.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/sql/binder.h"

bool od_sql_failed(const struct od_binder *binder)
{
    return binder->error->status != OD_OK;
}

static void note(struct od_binder *binder, enum od_status status, int32_t location, const char *suffix,
                 const char *format, va_list arguments)
{
    char text[sizeof(binder->error->text)];
    if (od_sql_failed(binder))
        return;
    vsnprintf(text, sizeof(text), format, arguments);
    od_fail(binder->error, status, "%s%s", text, suffix);
    od_sql_locate(binder, location);
}

#define NOTE(status, location, suffix)                                                                       \
    va_list arguments;                                                                                       \
    va_start(arguments, format);                                                                             \
    note(binder, status, location, suffix, format, arguments);                                               \
    va_end(arguments);                                                                                       \
    return NULL

void *od_sql_wrong(struct od_binder *binder, int32_t location, const char *format, ...)
{
    NOTE(OD_BAD_INPUT, location, "");
}

void *od_sql_refuse(struct od_binder *binder, int32_t location, const char *format, ...)
{
    NOTE(OD_UNSUPPORTED, location, " is not supported");
}

void *od_sql_fail(struct od_binder *binder, enum od_status status, int32_t location, const char *format, ...)
{
    NOTE(status, location, "");
}
#undef NOTE

void od_sql_locate(struct od_binder *binder, int32_t location)
{
    struct od_error *error = binder->error;
    bool wants_position = error->status == OD_BAD_INPUT || error->status == OD_UNSUPPORTED;
    if (wants_position && error->line == 0 && location >= 0)
        od_sql_position(binder->sql, (uint32_t)location, &error->line, &error->column);
}

bool od_sql_enter(struct od_binder *binder, const PgQuery__Node *node)
{
    if (binder->depth == OD_SQL_DEPTH_MAX)
        od_sql_refuse(binder, od_sql_location(node), "SQL nested deeper than %d", OD_SQL_DEPTH_MAX);
    if (od_sql_failed(binder))
        return false;
    binder->depth++;
    return true;
}

void od_sql_leave(struct od_binder *binder)
{
    binder->depth--;
}

bool od_sql_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

const char *od_sql_string(const PgQuery__Node *node)
{
    return node != NULL && node->node_case == PG_QUERY__NODE__NODE_STRING ? node->string->sval : NULL;
}

/* The first place that anything below the node mentions: an expression begins where its leftmost part does. A Node is one of
 * hundreds of messages: that one. */
static int32_t first_location(const ProtobufCMessage *message)
{
    int32_t first = -1;
    if (message->descriptor == &pg_query__node__descriptor) {
        const PgQuery__Node *node = (const PgQuery__Node *)message;
        return node->node_case == PG_QUERY__NODE__NODE__NOT_SET ? -1 : first_location(&node->alias->base); /* whichever */
    }
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const char *at = (const char *)message + field->offset;
        bool chosen = field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF
                          ? *(const uint32_t *)((const char *)message + field->quantifier_offset) == field->id
                          : true;
        int32_t found = -1;
        if (!chosen)
            continue;
        if (field->type == PROTOBUF_C_TYPE_INT32 && strcmp(field->name, "location") == 0)
            found = *(const int32_t *)at;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE && field->label != PROTOBUF_C_LABEL_REPEATED) {
            const ProtobufCMessage *child = *(const ProtobufCMessage *const *)at;
            found = child == NULL ? -1 : first_location(child);
        } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            size_t count = *(const size_t *)((const char *)message + field->quantifier_offset);
            const ProtobufCMessage *const *children = *(const ProtobufCMessage *const *const *)at;
            for (size_t k = 0; k < count && found < 0; k++)
                found = first_location(children[k]);
        }
        if (found >= 0 && (first < 0 || found < first))
            first = found;
    }
    return first;
}

int32_t od_sql_location(const PgQuery__Node *node)
{
    return node == NULL ? -1 : first_location(&node->base);
}

const char *od_sql_construct(const PgQuery__Node *node)
{
    static const struct {
        PgQuery__Node__NodeCase node_case;
        const char *text;
    } texts[] = {
        {PG_QUERY__NODE__NODE_ROW_EXPR, "a row as a value"},
        {PG_QUERY__NODE__NODE_A_ARRAY_EXPR, "an array"},
        {PG_QUERY__NODE__NODE_PARAM_REF, "a parameter"},
        {PG_QUERY__NODE__NODE_COLLATE_CLAUSE, "COLLATE"},
        {PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION, "a function of session or time"},
        {PG_QUERY__NODE__NODE_A_INDIRECTION, "a subscript or field selection"},
        {PG_QUERY__NODE__NODE_RANGE_FUNCTION, "a function in FROM"},
        {PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE, "TABLESAMPLE"},
        {PG_QUERY__NODE__NODE_RANGE_TABLE_FUNC, "XMLTABLE"},
        {PG_QUERY__NODE__NODE_SET_TO_DEFAULT, "DEFAULT"},
        {PG_QUERY__NODE__NODE_XML_EXPR, "an XML expression"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i].node_case == node->node_case)
            return texts[i].text;
    return "this construct";
}

void od_binder_init(struct od_binder *binder, struct od_arena *plan_arena, const char *sql,
                    const struct od_sql_context *context, struct od_error *error)
{
    *binder = (struct od_binder){.plan_arena = plan_arena, .sql = sql, .context = context, .error = error};
    *error = (struct od_error){0};
}

static const struct od_plan *bind_only(struct od_binder *binder, const PgQuery__ParseResult *parsed)
{
    if (parsed->n_stmts == 0)
        return od_sql_wrong(binder, 0, "expected a SELECT statement, found nothing");
    if (parsed->n_stmts > 1)
        return od_sql_refuse(binder, parsed->stmts[1]->stmt_location, "more than one statement");
    if (parsed->stmts[0]->stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return od_sql_refuse(binder, 0, "a statement other than SELECT");
    return od_bind_query(binder, parsed->stmts[0]->stmt->select_stmt, NULL);
}

enum od_status od_sql_bind(struct od_arena *plan_arena, const char *sql, const struct od_sql_context *context,
                           const struct od_plan **plan_out, struct od_error *error)
{
    struct od_error own_error = {0};
    struct od_arena parse_arena;
    struct od_binder binder;
    const PgQuery__ParseResult *parsed = NULL;
    *plan_out = NULL;
    od_binder_init(&binder, plan_arena, sql, context, error != NULL ? error : &own_error);
    od_arena_init(&parse_arena, plan_arena->memory, 0);
    if (od_sql_parse(&parse_arena, sql, &parsed, binder.error) == OD_OK)
        *plan_out = bind_only(&binder, parsed);
    od_arena_release(&parse_arena);
    od_assert((*plan_out == NULL) == od_sql_failed(&binder));
    return binder.error->status;
}
