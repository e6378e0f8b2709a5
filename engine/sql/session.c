/* session: see session.h. This file takes a text apart, runs its statements one by one and keeps the
 * transaction.
 *
 *   text --parse--> statements --by kind, one table--> session_define.c, session_change.c --> result --> sink
 *
 * Lifetimes: the parse_arena for a text, the statement_arena for a statement. */
#include "engine/sql/session.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

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

void od_session_explain_queries(struct od_session *session, bool analyze)
{
    session->explains_queries = true;
    session->analyzes_queries = analyze;
}

/* Whatever changes the catalogue begins and ends so. */
static void begin(struct od_session *session, const char *sql, struct od_error *error)
{
    od_binder_init(&session->binder, &session->statement_arena, sql, &session->context, error);
    session->looked_up_count = 0;
}

static enum od_status end(struct od_session *session)
{
    od_definition_release(session, session->draft);
    session->draft = NULL;
    return session->binder.error->status;
}

enum od_status od_session_add_table(struct od_session *session, struct od_table *table,
                                    struct od_error *error)
{
    struct od_error own_error = {0};
    begin(session, "", error != NULL ? error : &own_error);
    if (od_session_find(session, table->name) != NULL)
        od_sql_wrong(&session->binder, -1, "relation \"%s\" already exists", table->name);
    else
        od_definition_of_table(session, table->name, &table->schema, NULL);
    if (od_sql_failed(&session->binder))
        od_table_free(session->memory, table);
    else
        od_session_put(session, table);
    return end(session);
}

/* --- queries -------------------------------------------------------------------------------------------- */

const struct od_plan *od_session_bind(struct od_session *session, const PgQuery__SelectStmt *select)
{
    OD_NEED(od_session_show_tables(session));
    return od_bind_query(&session->binder, select, NULL);
}

struct od_table *od_session_run_plan(struct od_session *session, const struct od_plan *plan)
{
    struct od_table *answer = NULL;
    struct od_error *error = session->binder.error;
    OD_NEED(!od_sql_failed(&session->binder));
    error->status =
        session->runner.run(session->runner.self, &session->statement_arena, plan, &answer, error);
    return answer;
}

/* One row a line of the plans' text. */
static bool table_of_lines(struct od_session *session, const char *text)
{
    struct od_field field = {"QUERY PLAN", OD_TYPE_TEXT, false};
    const struct od_schema schema = {1, &field};
    struct od_error *error = session->binder.error;
    struct od_table *table = od_table_new(session->memory, "answer", &schema, error);
    session->result.answer = table; /* on failure, too: it goes with the result */
    OD_NEED(table != NULL);
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        struct od_value line = {.type = OD_TYPE_TEXT, .text = {text, (uint32_t)size}};
        OD_NEED(od_batch_builder_append(&table->rows, 0, &line, error) == OD_OK);
        od_batch_builder_end_row(&table->rows);
        text += size + (text[size] == '\n');
    }
    od_table_finish(table);
    session->result.changed_count = od_table_row_count(table);
    return true;
}

static bool explain_query(struct od_session *session, const PgQuery__SelectStmt *select, bool analyze)
{
    const struct od_session_runner *runner = &session->runner;
    struct od_error *error = session->binder.error;
    struct od_buffer text;
    const struct od_plan *plan = od_session_bind(session, select);
    OD_NEED(plan != NULL);
    od_buffer_init(&text, session->memory);
    error->status = runner->explain(runner->self, &session->statement_arena, plan, analyze, &text, error);
    const char *lines = od_arena_copy_buffer(&session->statement_arena, &text);
    od_buffer_release(&text);
    session->result.tag = "EXPLAIN";
    if (lines == NULL)
        od_sql_no_memory(&session->binder);
    return !od_sql_failed(&session->binder) && table_of_lines(session, lines);
}

/* EXPLAIN (ANALYZE x): nothing at all is yes. */
static bool read_switch(struct od_session *session, const PgQuery__DefElem *option, bool *on_out)
{
    static const char *const words[] = {"false", "off", "true", "on"};
    const PgQuery__Node *given = option->arg;
    int64_t number = given != NULL && given->node_case == PG_QUERY__NODE__NODE_INTEGER ? given->integer->ival : -1;
    bool is_word = given != NULL && given->node_case == PG_QUERY__NODE__NODE_STRING;
    bool known = given == NULL || number == 0 || number == 1;
    *on_out = given == NULL || number == 1;
    for (size_t i = 0; i < 4 && is_word && !known; i++) {
        known = strcasecmp(given->string->sval, words[i]) == 0;
        *on_out = i >= 2;
    }
    return known || od_sql_wrong(&session->binder, option->location,
                                "%s requires a Boolean value", option->defname);
}

static bool run_explain(struct od_session *session, const PgQuery__Node *node)
{
    const PgQuery__ExplainStmt *explain = node->explain_stmt;
    bool analyze = session->analyzes_queries;
    for (size_t i = 0; i < explain->n_options; i++) {
        const PgQuery__DefElem *option = explain->options[i]->def_elem;
        if (strcmp(option->defname, "analyze") == 0)
            OD_NEED(read_switch(session, option, &analyze));
        else if (strcmp(option->defname, "costs") != 0)
            return od_sql_refuse(&session->binder, option->location, "EXPLAIN with %s", option->defname);
    }
    if (explain->query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return od_sql_refuse(&session->binder, -1, "EXPLAIN of anything but a query");
    return explain_query(session, explain->query->select_stmt, analyze);
}

static bool run_select(struct od_session *session, const PgQuery__Node *node)
{
    if (session->explains_queries)
        return explain_query(session, node->select_stmt, session->analyzes_queries);
    session->result.answer = od_session_run_plan(session, od_session_bind(session, node->select_stmt));
    OD_NEED(session->result.answer != NULL);
    session->result.changed_count = od_table_row_count(session->result.answer);
    return true;
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
static bool run_transaction(struct od_session *session, const PgQuery__Node *node)
{
    const PgQuery__TransactionStmt *transaction = node->transaction_stmt;
    bool is_open = session->transaction != OD_TRANSACTION_NONE;
    bool failed = session->transaction == OD_TRANSACTION_FAILED;
    if (transaction->chain)
        return od_sql_refuse(&session->binder, -1, "AND CHAIN");
    switch (transaction->kind) {
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
        session->result.tag = "BEGIN";
        if (is_open)
            return true;
        OD_NEED(od_session_snapshot(session));
        session->transaction = OD_TRANSACTION_OPEN;
        return true;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK:
        session->result.tag =
            failed || transaction->kind == PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK ? "ROLLBACK"
                                                                                                : "COMMIT";
        if (is_open)
            end_transaction(session, session->result.tag[0] == 'R');
        return true;
    default:
        return od_sql_fail(&session->binder, OD_UNSUPPORTED, -1,
                           "savepoints and two-phase commit are not supported");
    }
}

/* --- statements ----------------------------------------------------------------------------------------- */

/* VACUUM and ANALYZE: nothing here grows old. */
static bool run_nothing(struct od_session *session, const PgQuery__Node *node)
{
    (void)session;
    (void)node;
    return true;
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
static bool run_set(struct od_session *session, const PgQuery__Node *node)
{
    static const struct {
        const char *word;
        enum od_null_order order;
    } orders[] = {{"postgres", OD_NULLS_GREATEST},
                  {"nulls_last_on_asc_first_on_desc", OD_NULLS_GREATEST},
                  {"nulls_max", OD_NULLS_GREATEST},
                  {"", OD_NULLS_GREATEST},
                  {"sqlite", OD_NULLS_LEAST},
                  {"nulls_first_on_asc_last_on_desc", OD_NULLS_LEAST},
                  {"nulls_min", OD_NULLS_LEAST},
                  {"nulls_first", OD_NULLS_FIRST},
                  {"nulls first", OD_NULLS_FIRST},
                  {"nulls_last", OD_NULLS_LAST},
                  {"nulls last", OD_NULLS_LAST}};
    const PgQuery__VariableSetStmt *set = node->variable_set_stmt;
    bool is_constant = set->n_args == 1 && set->args[0]->node_case == PG_QUERY__NODE__NODE_A_CONST;
    bool is_word = is_constant && set->args[0]->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL;
    const char *word = is_word ? set->args[0]->a_const->sval->sval : set->n_args == 0 ? "" : "?";
    bool is_order = strcmp(set->name, "default_null_order") == 0 ||
                    strcmp(set->name, "datafusion.sql_parser.default_null_ordering") == 0;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]) && is_order; i++) {
        if (strcasecmp(word, orders[i].word) != 0)
            continue;
        session->null_order = orders[i].order;
        return true;
    }
    if (!is_order && leaves_answers_alone(set->name))
        return true;
    return od_sql_refuse(&session->binder, -1, "the setting \"%s\"", set->name);
}

static const struct statement_kind {
    PgQuery__Node__NodeCase node_case;
    const char *tag;
    bool (*run)(struct od_session *session, const PgQuery__Node *node);
} statement_kinds[] = {
    {PG_QUERY__NODE__NODE_SELECT_STMT, "SELECT", run_select},
    {PG_QUERY__NODE__NODE_INSERT_STMT, "INSERT", od_session_insert},
    {PG_QUERY__NODE__NODE_UPDATE_STMT, "UPDATE", od_session_update},
    {PG_QUERY__NODE__NODE_DELETE_STMT, "DELETE", od_session_delete},
    {PG_QUERY__NODE__NODE_TRUNCATE_STMT, "TRUNCATE TABLE", od_session_truncate},
    {PG_QUERY__NODE__NODE_CREATE_STMT, "CREATE TABLE", od_session_create_table},
    {PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT, "CREATE TABLE AS", od_session_create_table_as},
    {PG_QUERY__NODE__NODE_VIEW_STMT, "CREATE VIEW", od_session_create_view},
    {PG_QUERY__NODE__NODE_INDEX_STMT, "CREATE INDEX", od_session_create_index},
    {PG_QUERY__NODE__NODE_DROP_STMT, "DROP", od_session_drop},
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
    struct od_error own_error = {0};
    begin(session, "", error != NULL ? error : &own_error);
    if (od_definition_new(session, OD_ENTRY_REFUSED, name) != NULL) {
        od_session_remove(session, name);
        od_session_put(session, NULL);
    }
    return end(session);
}

static void run_statement(struct od_session *session, const PgQuery__RawStmt *statement, const char *sql)
{
    struct od_binder *binder = &session->binder;
    const struct statement_kind *kind = find_kind(statement->stmt);
    const char *text = sql + statement->stmt_location;
    size_t size = statement->stmt_len > 0 ? (size_t)statement->stmt_len : strlen(text);
    session->statement_sql = od_arena_copy_text(&session->statement_arena, text, size);
    session->result.tag = kind == NULL ? "" : kind->tag;
    if (session->statement_sql == NULL)
        od_sql_no_memory(binder);
    else if (session->transaction == OD_TRANSACTION_FAILED && (kind == NULL || kind->run != run_transaction))
        od_sql_wrong(binder, statement->stmt_location,
                     "current transaction is aborted, commands ignored until end of transaction block");
    else if (kind == NULL)
        od_sql_refuse(binder, -1, "this statement");
    else
        kind->run(session, statement->stmt);
    /* what has no place of its own is told with that of the statement */
    od_sql_locate(binder, statement->stmt_location + (int32_t)strspn(text, " \t\r\n"));
    struct od_error *error = binder->error;
    if (error->status != OD_BAD_INPUT || !has_refused(session))
        return;
    error->status = OD_UNSUPPORTED;
    snprintf(error->text, sizeof(error->text), "a relation depends on a statement that was refused");
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
        begin(session, sql, error);
        run_statement(session, parsed->stmts[i], sql);
        status = end(session);
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
