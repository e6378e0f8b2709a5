/* session: see session.h. This file takes a text apart, runs its statements one by one and keeps the
 * transaction.
 *
 *   text --parse--> statements --by kind, one table--> session_define.c, session_change.c --> result --> sink
 *
 * Lifetimes: the parse_arena for a text, the statement_arena for a statement. */
#include "engine/sql/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/core/assert.h"
#include "engine/sql/session_state.h"

enum od_status od_session_new(struct od_memory *memory, const struct od_session_runner *runner,
                              struct od_session **session_out, struct od_error *error)
{
    struct od_session *session = od_take(memory, sizeof(*session));
    *session_out = session;
    if (session == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening a session");
    *session = (struct od_session){.memory = memory, .runner = *runner};
    od_arena_init(&session->statement_arena, memory, 0);
    return OD_OK;
}

void od_session_free(struct od_session *session)
{
    if (session == NULL)
        return;
    od_session_catalog_release(session, &session->catalog);
    od_session_catalog_release(session, &session->before);
    od_arena_release(&session->statement_arena);
    od_give(session->memory, session, sizeof(*session));
}

bool od_session_in_transaction(const struct od_session *session)
{
    return session->transaction != OD_TRANSACTION_NONE;
}

void od_session_explain_queries(struct od_session *session)
{
    session->explains_queries = true;
}

enum od_status od_session_no_memory(struct od_session *session)
{
    return od_fail(session->binder.error, OD_NO_MEMORY, "running a statement");
}

enum od_status od_session_fail(struct od_session *session, enum od_status status, int32_t location,
                               const char *format, ...)
{
    char text[sizeof(session->binder.error->text)];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    od_sql_fail(&session->binder, status, location, "%s", text);
    return status;
}

enum od_status od_session_made(const struct od_session *session, const void *made)
{
    od_assert((made == NULL) == od_sql_failed(&session->binder));
    return session->binder.error->status;
}

enum od_status od_session_add_table(struct od_session *session, struct od_table *table,
                                    struct od_error *error)
{
    struct od_error own_error = {0};
    struct od_definition *definition = NULL;
    enum od_status status = OD_NO_MEMORY;
    od_binder_init(&session->binder, &session->statement_arena, "", &session->context,
                   error != NULL ? error : &own_error);
    if (od_session_find(session, table->name) != NULL) {
        status = od_fail(error, OD_BAD_INPUT, "relation \"%s\" already exists", table->name);
        goto refused;
    }
    definition = od_definition_new(session, OD_ENTRY_TABLE, table->name);
    if (definition == NULL)
        goto no_memory;
    uint32_t count = table->schema.field_count;
    struct od_sql_type *types = od_arena_take_array(&definition->arena, count, sizeof(*types));
    struct od_value *defaults = od_arena_take_array(&definition->arena, count, sizeof(*defaults));
    if (types == NULL || defaults == NULL)
        goto no_memory;
    if (od_schema_copy(&definition->arena, &table->schema, &definition->schema, error) != OD_OK)
        goto no_memory;
    for (uint32_t i = 0; i < count; i++) {
        types[i].type = table->schema.fields[i].type;
        defaults[i] = (struct od_value){.type = types[i].type, .is_null = true};
    }
    definition->types = types;
    definition->defaults = defaults;
    definition->column_count = count;
    return od_session_put(session, definition, table);
no_memory:
    od_fail(error, OD_NO_MEMORY, "adding a table: %s", table->name);
refused:
    od_definition_release(session, definition);
    od_table_free(session->memory, table);
    return status;
}

/* --- queries -------------------------------------------------------------------------------------------- */

enum od_status od_session_run_plan(struct od_session *session, const struct od_plan *plan,
                                   struct od_table **answer_out)
{
    *answer_out = NULL;
    return session->runner.run(session->runner.self, &session->statement_arena, plan, answer_out,
                               session->binder.error);
}

enum od_status od_session_query(struct od_session *session, const PgQuery__SelectStmt *select,
                                struct od_table **answer_out)
{
    const struct od_plan *plan = NULL;
    *answer_out = NULL;
    OD_TRY(od_session_show_tables(session));
    plan = od_bind_query(&session->binder, select, NULL);
    OD_TRY(od_session_made(session, plan));
    return od_session_run_plan(session, plan, answer_out);
}

/* One row a line of the plans' text. */
static enum od_status table_of_lines(struct od_session *session, const char *text)
{
    struct od_field field = {"QUERY PLAN", OD_TYPE_TEXT, false};
    const struct od_schema schema = {1, &field};
    struct od_error *error = session->binder.error;
    struct od_table *table = od_table_new(session->memory, "answer", &schema, error);
    if (table == NULL)
        return OD_NO_MEMORY;
    enum od_status status = OD_OK;
    while (*text != '\0' && status == OD_OK) {
        size_t size = strcspn(text, "\n");
        struct od_value line = {.type = OD_TYPE_TEXT, .text = {text, (uint32_t)size}};
        status = od_batch_builder_append(&table->rows, 0, &line, error);
        if (status == OD_OK)
            od_batch_builder_end_row(&table->rows);
        text += size + (text[size] == '\n');
    }
    if (status == OD_OK)
        od_table_finish(table);
    session->result.answer = table; /* on failure, too: it goes with the result */
    session->result.changed_count = od_table_row_count(table);
    return status;
}

static enum od_status explain_query(struct od_session *session, const PgQuery__SelectStmt *select)
{
    const struct od_plan *plan = NULL;
    struct od_buffer text;
    OD_TRY(od_session_show_tables(session));
    plan = od_bind_query(&session->binder, select, NULL);
    OD_TRY(od_session_made(session, plan));
    od_buffer_init(&text, session->memory);
    enum od_status status = session->runner.explain(session->runner.self, &session->statement_arena, plan,
                                                    &text, session->binder.error);
    const char *lines = od_arena_copy_buffer(&session->statement_arena, &text);
    if (status == OD_OK)
        status = lines == NULL ? od_session_no_memory(session) : table_of_lines(session, lines);
    od_buffer_release(&text);
    session->result.tag = "EXPLAIN";
    return status;
}

static enum od_status run_explain(struct od_session *session, const PgQuery__Node *node)
{
    const PgQuery__ExplainStmt *explain = node->explain_stmt;
    for (size_t i = 0; i < explain->n_options; i++) {
        const PgQuery__DefElem *option = explain->options[i]->def_elem;
        if (strcmp(option->defname, "costs") != 0)
            return od_session_fail(session, OD_UNSUPPORTED, option->location,
                                   "EXPLAIN with %s is not supported", option->defname);
    }
    if (explain->query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return od_session_fail(session, OD_UNSUPPORTED, -1,
                               "EXPLAIN of anything but a query is not supported");
    return explain_query(session, explain->query->select_stmt);
}

static enum od_status run_select(struct od_session *session, const PgQuery__Node *node)
{
    if (session->explains_queries)
        return explain_query(session, node->select_stmt);
    OD_TRY(od_session_query(session, node->select_stmt, &session->result.answer));
    session->result.changed_count = od_table_row_count(session->result.answer);
    return OD_OK;
}

/* --- transactions --------------------------------------------------------------------------------------- */

static void end_transaction(struct od_session *session, bool back)
{
    struct od_session_catalog *gone = back ? &session->catalog : &session->before;
    od_session_catalog_release(session, gone);
    if (back)
        session->catalog = session->before;
    session->before = (struct od_session_catalog){0};
    session->transaction = OD_TRANSACTION_NONE;
}

/* As PostgreSQL: BEGIN within a transaction and an end without one change nothing; the COMMIT of a failed one
 * rolls back. */
static enum od_status run_transaction(struct od_session *session, const PgQuery__Node *node)
{
    const PgQuery__TransactionStmt *transaction = node->transaction_stmt;
    bool is_open = session->transaction != OD_TRANSACTION_NONE;
    bool failed = session->transaction == OD_TRANSACTION_FAILED;
    if (transaction->chain)
        return od_session_fail(session, OD_UNSUPPORTED, -1, "AND CHAIN is not supported");
    switch (transaction->kind) {
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
        session->result.tag = "BEGIN";
        if (is_open)
            return OD_OK;
        OD_TRY(od_session_catalog_copy(session, &session->catalog, &session->before, session->binder.error));
        session->transaction = OD_TRANSACTION_OPEN;
        return OD_OK;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK:
        session->result.tag =
            failed || transaction->kind == PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK ? "ROLLBACK"
                                                                                                : "COMMIT";
        if (is_open)
            end_transaction(session, session->result.tag[0] == 'R');
        return OD_OK;
    default:
        return od_session_fail(session, OD_UNSUPPORTED, -1,
                               "savepoints and two-phase commit are not supported");
    }
}

/* --- statements ----------------------------------------------------------------------------------------- */

#define ADAPT(name, call, member)                                                                            \
    static enum od_status run_##name(struct od_session *session, const PgQuery__Node *node)                  \
    {                                                                                                        \
        return od_session_##call(session, node->member);                                                     \
    }
ADAPT(create_table, create_table, create_stmt)
ADAPT(create_table_as, create_table_as, create_table_as_stmt)
ADAPT(create_view, create_view, view_stmt)
ADAPT(create_index, create_index, index_stmt)
ADAPT(drop, drop, drop_stmt)
ADAPT(insert, insert, insert_stmt)
ADAPT(update, update, update_stmt)
ADAPT(delete, delete, delete_stmt)
ADAPT(truncate, truncate, truncate_stmt)
#undef ADAPT

/* VACUUM and ANALYZE: nothing here grows old. */
static enum od_status run_nothing(struct od_session *session, const PgQuery__Node *node)
{
    (void)session;
    (void)node;
    return OD_OK;
}

/* Does a setting change plans, messages or nothing at all, but no answer? A dotted name is an extension's, which PostgreSQL
 * takes and does not look at. */
static bool leaves_answers_alone(const char *name)
{
    static const char *const openings[] = {
        "enable_",      "max_parallel", "min_parallel",   "parallel_",     "jit",
        "work_mem",     "hash_mem_",    "join_collapse_", "from_collap",   "geqo",
        "cpu_",         "random_page_", "seq_page_",      "effective_",    "client_min_",
        "plan_cache_",  "force_parall", "threads",        "memory_limit",  "statement_timeout",
        "lock_timeout", "constraint_e", "maintenance_w",  "explain_output"};
    for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
        if (strncmp(openings[i], name, strlen(openings[i])) == 0)
            return true;
    }
    return strchr(name, '.') != NULL;
}

/* SET and RESET; LOCAL is taken for the session's. */
static enum od_status run_set(struct od_session *session, const PgQuery__Node *node)
{
    static const struct {
        const char *word;
        enum od_null_order order;
    } orders[] = {{"postgres", OD_NULLS_GREATEST}, {"nulls_last_on_asc_first_on_desc", OD_NULLS_GREATEST},
                  {"nulls_first", OD_NULLS_FIRST}, {"nulls first", OD_NULLS_FIRST},
                  {"nulls_last", OD_NULLS_LAST},   {"nulls last", OD_NULLS_LAST}};
    const PgQuery__VariableSetStmt *set = node->variable_set_stmt;
    bool is_constant = set->n_args == 1 && set->args[0]->node_case == PG_QUERY__NODE__NODE_A_CONST;
    bool is_word = is_constant && set->args[0]->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL;
    const char *word = is_word ? set->args[0]->a_const->sval->sval : set->n_args == 0 ? "postgres" : "";
    if (leaves_answers_alone(set->name))
        return OD_OK;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (strcmp(set->name, "default_null_order") != 0 || strcasecmp(word, orders[i].word) != 0)
            continue;
        session->null_order = orders[i].order;
        return OD_OK;
    }
    return od_session_fail(session, OD_UNSUPPORTED, -1, "the setting \"%s\" is not supported", set->name);
}

static const struct statement_kind {
    PgQuery__Node__NodeCase node_case;
    const char *tag;
    enum od_status (*run)(struct od_session *session, const PgQuery__Node *node);
} statement_kinds[] = {
    {PG_QUERY__NODE__NODE_SELECT_STMT, "SELECT", run_select},
    {PG_QUERY__NODE__NODE_INSERT_STMT, "INSERT", run_insert},
    {PG_QUERY__NODE__NODE_UPDATE_STMT, "UPDATE", run_update},
    {PG_QUERY__NODE__NODE_DELETE_STMT, "DELETE", run_delete},
    {PG_QUERY__NODE__NODE_TRUNCATE_STMT, "TRUNCATE TABLE", run_truncate},
    {PG_QUERY__NODE__NODE_CREATE_STMT, "CREATE TABLE", run_create_table},
    {PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT, "CREATE TABLE AS", run_create_table_as},
    {PG_QUERY__NODE__NODE_VIEW_STMT, "CREATE VIEW", run_create_view},
    {PG_QUERY__NODE__NODE_INDEX_STMT, "CREATE INDEX", run_create_index},
    {PG_QUERY__NODE__NODE_DROP_STMT, "DROP", run_drop},
    {PG_QUERY__NODE__NODE_EXPLAIN_STMT, "EXPLAIN", run_explain},
    {PG_QUERY__NODE__NODE_TRANSACTION_STMT, "TRANSACTION", run_transaction},
    {PG_QUERY__NODE__NODE_VACUUM_STMT, "VACUUM", run_nothing},
    {PG_QUERY__NODE__NODE_VARIABLE_SET_STMT, "SET", run_set},
};

static const struct statement_kind *find_kind(const PgQuery__Node *node)
{
    for (size_t i = 0; i < sizeof(statement_kinds) / sizeof(statement_kinds[0]); i++) {
        if (statement_kinds[i].node_case == node->node_case)
            return &statement_kinds[i];
    }
    return NULL;
}

static bool has_refused(struct od_session *session)
{
    for (uint32_t i = 0; i < session->looked_up_count; i++) {
        const struct od_entry *entry = od_session_find(session, session->looked_up[i]);
        if (entry != NULL && entry->definition->kind == OD_ENTRY_REFUSED)
            return true;
    }
    return false;
}

enum od_status od_session_refuse(struct od_session *session, const char *name, struct od_error *error)
{
    struct od_definition *refused = od_definition_new(session, OD_ENTRY_REFUSED, name);
    if (refused != NULL)
        od_session_remove(session, name);
    return refused != NULL && od_session_put(session, refused, NULL) == OD_OK
               ? OD_OK
               : od_fail(error, OD_NO_MEMORY, "refusing a relation: %s", name);
}

static enum od_status run_statement(struct od_session *session, const PgQuery__RawStmt *statement,
                                    const char *sql, struct od_error *error)
{
    size_t size =
        statement->stmt_len > 0 ? (size_t)statement->stmt_len : strlen(sql + statement->stmt_location);
    od_binder_init(&session->binder, &session->statement_arena, sql, &session->context, error);
    session->looked_up_count = 0;
    session->statement_sql =
        od_arena_copy_text(&session->statement_arena, sql + statement->stmt_location, size);
    if (session->statement_sql == NULL)
        return od_session_no_memory(session);
    const struct statement_kind *kind = find_kind(statement->stmt);
    if (session->transaction == OD_TRANSACTION_FAILED &&
        statement->stmt->node_case != PG_QUERY__NODE__NODE_TRANSACTION_STMT)
        return od_session_fail(
            session, OD_BAD_INPUT, statement->stmt_location,
            "current transaction is aborted, commands ignored until end of transaction block");
    enum od_status status = OD_OK;
    session->result.tag = kind == NULL ? "" : kind->tag;
    if (kind == NULL)
        status = od_session_fail(session, OD_UNSUPPORTED, -1, "this statement is not supported");
    else
        status = kind->run(session, statement->stmt);
    /* what has no place of its own is told with that of the statement */
    od_sql_locate(&session->binder,
                  statement->stmt_location + (int32_t)strspn(session->statement_sql, " \t\r\n"));
    if (status == OD_OK && session->lookup_failed)
        status = od_session_no_memory(session);
    if (status != OD_BAD_INPUT || !has_refused(session))
        return status;
    error->status = OD_UNSUPPORTED;
    snprintf(error->text, sizeof(error->text), "a relation depends on a statement that was refused");
    return OD_UNSUPPORTED;
}

enum od_status od_session_run(struct od_session *session, const char *sql, const struct od_session_sink *sink,
                              struct od_error *error)
{
    struct od_error own_error = {0};
    struct od_arena parse_arena;
    const PgQuery__ParseResult *parsed = NULL;
    error = error != NULL ? error : &own_error;
    od_arena_init(&parse_arena, session->memory, 0);
    enum od_status status = od_sql_parse(&parse_arena, sql, &parsed, error);
    for (size_t i = 0; status == OD_OK && i < parsed->n_stmts; i++) {
        session->result = (struct od_session_result){0};
        session->lookup_failed = false;
        status = run_statement(session, parsed->stmts[i], sql, error);
        if (status == OD_OK)
            status = sink->take(sink->self, &session->result, error);
        od_table_free(session->memory, session->result.answer);
        session->result.answer = NULL;
        od_arena_reset(&session->statement_arena);
    }
    if (status != OD_OK && session->transaction == OD_TRANSACTION_OPEN)
        session->transaction = OD_TRANSACTION_FAILED;
    od_arena_release(&parse_arena);
    return status;
}
