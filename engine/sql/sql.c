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

#include "engine/sql/binder.h"

enum od_status od_sql_fail(struct od_binder *binder, enum od_status status, int32_t location,
                           const char *format, ...)
{
    char text[sizeof(binder->error->text)];
    uint32_t line = 0;
    uint32_t column = 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (location >= 0)
        od_sql_position(binder->sql, (uint32_t)location, &line, &column);
    return od_fail_at(binder->error, status, line, column, "%s", text);
}

enum od_status od_sql_locate(struct od_binder *binder, enum od_status status, int32_t location)
{
    bool wants_position = status == OD_BAD_INPUT || status == OD_UNSUPPORTED;
    if (wants_position && binder->error->line == 0 && location >= 0)
        od_sql_position(binder->sql, (uint32_t)location, &binder->error->line, &binder->error->column);
    return status;
}

enum od_status od_sql_no_memory(struct od_binder *binder)
{
    return od_fail(binder->error, OD_NO_MEMORY, "binding SQL");
}

enum od_status od_sql_enter(struct od_binder *binder, const PgQuery__Node *node)
{
    if (binder->depth == OD_SQL_DEPTH_MAX)
        return od_sql_fail(binder, OD_UNSUPPORTED, od_sql_location(node),
                           "SQL nested deeper than %d is not supported", OD_SQL_DEPTH_MAX);
    binder->depth++;
    return OD_OK;
}

void od_sql_leave(struct od_binder *binder)
{
    binder->depth--;
}

const char *od_sql_string(const PgQuery__Node *node)
{
    return node != NULL && node->node_case == PG_QUERY__NODE__NODE_STRING ? node->string->sval : NULL;
}

/* The first place that anything below the node mentions: an expression begins where its leftmost part does.
 * */
static int32_t first_location(const ProtobufCMessage *message)
{
    int32_t first = -1;
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

void *od_sql_append(struct od_binder *binder, void *list, uint32_t *count, size_t bytes, void **list_out)
{
    bool is_full = (*count & (*count - 1)) == 0; /* room doubles whenever the count is a power of two */
    *list_out = list;
    if (is_full) {
        *list_out = od_arena_take_array(binder->plan_arena, *count == 0 ? 1 : 2 * (size_t)*count, bytes);
        if (*list_out == NULL)
            return NULL;
        if (*count > 0)
            memcpy(*list_out, list, *count * bytes);
    }
    return (char *)*list_out + (*count)++ * bytes;
}

void od_binder_init(struct od_binder *binder, struct od_arena *plan_arena, const char *sql,
                    const struct od_sql_context *context, struct od_error *error)
{
    *binder = (struct od_binder){.plan_arena = plan_arena, .sql = sql, .context = context, .error = error};
    *error = (struct od_error){0};
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
    enum od_status status = od_sql_parse(&parse_arena, sql, &parsed, binder.error);
    if (status == OD_OK && parsed->n_stmts == 0)
        status = od_sql_fail(&binder, OD_BAD_INPUT, 0, "expected a SELECT statement, found nothing");
    else if (status == OD_OK && parsed->n_stmts > 1)
        status = od_sql_fail(&binder, OD_UNSUPPORTED, parsed->stmts[1]->stmt_location,
                             "more than one statement is not supported");
    else if (status == OD_OK && parsed->stmts[0]->stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        status = od_sql_fail(&binder, OD_UNSUPPORTED, 0, "a statement other than SELECT is not supported");
    if (status == OD_OK)
        status = od_bind_query(&binder, parsed->stmts[0]->stmt->select_stmt, NULL, plan_out, NULL);
    if (status != OD_OK)
        *plan_out = NULL;
    od_arena_release(&parse_arena);
    return status;
}
