/* session_state: what the parts of a session share. Internal to this folder: others see session.h.
 *
 *   session.c             the session: one text, one statement, transactions, answers
 *   session_catalog.c     what names mean; snapshots
 *   session_define.c      CREATE, DROP
 *   session_change.c      INSERT, UPDATE, DELETE, TRUNCATE
 *   session_constraint.c  what rows must obey
 *
 *   catalog: entries, by name      entry: a definition, and a table's rows (never changed, but replaced)
 *
 * Both are counted, so that a snapshot is a copy of the list. A statement makes new rows aside and puts them
 * in place when nothing can fail any more: that is all there is to atomicity. */
#ifndef OD_SQL_SESSION_STATE_H
#define OD_SQL_SESSION_STATE_H

#include "engine/sql/binder.h"
#include "engine/sql/session.h"

/* REFUSED: a relation that a refused statement would have made or changed; see od_session_refuse. */
enum od_entry_kind { OD_ENTRY_TABLE, OD_ENTRY_VIEW, OD_ENTRY_INDEX, OD_ENTRY_REFUSED };
struct od_definition {
    uint32_t reference_count;
    struct od_arena arena; /* all below */
    enum od_entry_kind kind;
    const char *name;
    uint32_t column_count;
    /* a table */
    struct od_schema schema;
    const struct od_sql_type *types;
    const struct od_value *defaults; /* is_null when there is none */
    const char *create_sql;          /* to find the CHECKs in again; NULL: there are none */
    /* a view */
    struct od_sql_view view;
    uint32_t read_count; /* relations that its text names, through other views too */
    const char **reads;
    /* an index */
    const char *table_name;
    bool unique; /* of a constraint, too */
    bool constraint;
    bool primary;
    const uint32_t *columns;
};
struct od_rows {
    uint32_t reference_count;
    struct od_table *table; /* owned; its name and schema are the definition's */
};
struct od_entry {
    struct od_definition *definition;
    struct od_rows *rows; /* NULL when it is no table */
};
struct od_session_catalog {
    uint32_t count;
    uint32_t capacity;
    struct od_entry *entries;
};

enum od_transaction { OD_TRANSACTION_NONE, OD_TRANSACTION_OPEN, OD_TRANSACTION_FAILED };
struct od_session {
    struct od_memory *memory;
    struct od_session_runner runner;
    struct od_session_catalog catalog;
    enum od_transaction transaction;
    struct od_session_catalog before; /* what ROLLBACK goes back to */
    enum od_null_order null_order; /* SET default_null_order */
    bool explains_queries;
    /* of the statement that runs */
    struct od_arena statement_arena; /* its plans */
    struct od_catalog tables;        /* what the binder sees */
    struct od_sql_context context;
    struct od_binder binder;
    uint32_t looked_up_count; /* the names that the binder has asked for */
    const char **looked_up;
    bool lookup_failed;        /* no memory to note one */
    const char *statement_sql; /* its text alone, in statement_arena */
    struct od_session_result result;
};

/* As od_sql_fail, for functions that return a status. */
enum od_status od_session_fail(struct od_session *session, enum od_status status, int32_t location,
                               const char *format, ...) __attribute__((format(printf, 4, 5)));
enum od_status od_session_no_memory(struct od_session *session);
/* What the binder's makers have left: OK when they have made what they should. */
enum od_status od_session_made(const struct od_session *session, const void *made);

/* --- catalogue ------------------------------------------------------------------------------------------ */

void od_session_catalog_release(struct od_session *session, struct od_session_catalog *catalog);
enum od_status od_session_catalog_copy(struct od_session *session, const struct od_session_catalog *source,
                                       struct od_session_catalog *copy_out, struct od_error *error);
/* NULL when there is none. Tables, views and indexes share their names. */
struct od_entry *od_session_find(struct od_session *session, const char *name);
/* The table that a statement means. BAD_INPUT: none of this name, or no table. */
enum od_status od_session_find_table(struct od_session *session, const PgQuery__RangeVar *relation,
                                     struct od_entry **entry_out);
/* A schema other than public is UNSUPPORTED. */
enum od_status od_session_check_name(struct od_session *session, const PgQuery__RangeVar *relation);
/* An empty definition that is the caller's; NULL: no memory. */
struct od_definition *od_definition_new(struct od_session *session, enum od_entry_kind kind,
                                        const char *name);
void od_definition_release(struct od_session *session, struct od_definition *definition); /* NULL is fine */
/* Takes both over, also on failure. `table` NULL for what is no table. */
enum od_status od_session_put(struct od_session *session, struct od_definition *definition,
                              struct od_table *table);
/* Puts a table's new rows in place; takes `table` over, also on failure. */
enum od_status od_session_replace_rows(struct od_session *session, struct od_entry *entry,
                                       struct od_table *table);
/* Forgets a relation and its indexes. */
void od_session_remove(struct od_session *session, const char *name);
/* Fills session->tables and the context for the binder. */
enum od_status od_session_show_tables(struct od_session *session);

/* --- statements ----------------------------------------------------------------------------------------- */

enum od_status od_session_create_table(struct od_session *session, const PgQuery__CreateStmt *create);
enum od_status od_session_create_table_as(struct od_session *session,
                                          const PgQuery__CreateTableAsStmt *create);
enum od_status od_session_create_view(struct od_session *session, const PgQuery__ViewStmt *create);
enum od_status od_session_create_index(struct od_session *session, const PgQuery__IndexStmt *create);
enum od_status od_session_drop(struct od_session *session, const PgQuery__DropStmt *drop);
enum od_status od_session_insert(struct od_session *session, PgQuery__InsertStmt *insert);
enum od_status od_session_update(struct od_session *session, PgQuery__UpdateStmt *update);
enum od_status od_session_delete(struct od_session *session, PgQuery__DeleteStmt *delete);
enum od_status od_session_truncate(struct od_session *session, const PgQuery__TruncateStmt *truncate);

/* Binds and runs a query. */
enum od_status od_session_query(struct od_session *session, const PgQuery__SelectStmt *select,
                                struct od_table **answer_out);
enum od_status od_session_run_plan(struct od_session *session, const struct od_plan *plan,
                                   struct od_table **answer_out);

/* --- constraints ---------------------------------------------------------------------------------------- */

/* NOT NULL and CHECK, for rows that are to come in. EVALUATION with PostgreSQL's words. */
enum od_status od_session_check_rows(struct od_session *session, const struct od_entry *entry,
                                     const struct od_table *rows);
/* Every unique index of the table, for all its rows. */
enum od_status od_session_check_unique(struct od_session *session, const char *table_name,
                                       const struct od_table *rows);
enum od_status od_session_check_index(struct od_session *session, const struct od_definition *index,
                                      const struct od_table *rows);

#endif
