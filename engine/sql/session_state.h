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
    bool primary;           /* an index: of the primary key; a table: has one */
    const char *create_sql; /* of a view; of a table with CHECKs, to find them in again */
    /* a table */
    struct od_schema schema;
    struct od_sql_type *types;
    struct od_value *defaults; /* is_null when there is none */
    /* a view */
    uint32_t read_count; /* relations that its text names, through other views too */
    const char **reads;
    /* an index */
    const char *table_name;
    bool unique; /* of a constraint, too */
    bool constraint;
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
    enum od_null_order null_order;    /* SET default_null_order */
    bool explains_queries;
    bool analyzes_queries; /* when it explains them */
    /* of the statement that runs */
    struct od_arena statement_arena; /* its plans */
    struct od_catalog tables;        /* what the binder sees */
    struct od_sql_context context;
    struct od_binder binder;
    uint32_t looked_up_count; /* the names that the binder has asked for */
    const char **looked_up;
    struct od_definition *draft; /* what it defines, not yet in the catalogue; NULL: nothing */
    const char *statement_sql;   /* its text alone, in statement_arena */
    struct od_session_result result;
};

/* All of these are makers as the binder's are (binder.h): NULL or false, and why in session->binder.error. */

/* --- catalogue ------------------------------------------------------------------------------------------ */

void od_session_catalog_release(struct od_session *session, struct od_session_catalog *catalog);
/* session->before becomes what the catalogue is now. */
bool od_session_snapshot(struct od_session *session);
/* NULL, which is no error, when there is none. Tables, views and indexes share their names. */
struct od_entry *od_session_find(struct od_session *session, const char *name);
/* The table that a statement means. BAD_INPUT: none of this name, or no table. */
struct od_entry *od_session_find_table(struct od_session *session, const PgQuery__RangeVar *relation);
/* A schema other than public is UNSUPPORTED. */
bool od_session_check_name(struct od_session *session, const PgQuery__RangeVar *relation);
/* An empty definition: the session's draft until od_session_put or the end of the statement. */
struct od_definition *od_definition_new(struct od_session *session, enum od_entry_kind kind,
                                        const char *name);
/* Of a table: fields and types are copied (types NULL: nothing but the fields' own), defaults are NULL. */
struct od_definition *od_definition_of_table(struct od_session *session, const char *name,
                                             const struct od_schema *schema, const struct od_sql_type *types);
/* A copy in the draft's arena. */
const char *od_session_keep_text(struct od_session *session, const char *text);
void od_definition_release(struct od_session *session, struct od_definition *definition); /* NULL is fine */
/* Puts the draft into the catalogue; takes `table` over, also on failure. NULL for what is no table. */
bool od_session_put(struct od_session *session, struct od_table *table);
/* Puts a table's new rows in place; takes `table` over, also on failure. */
bool od_session_replace_rows(struct od_session *session, struct od_entry *entry, struct od_table *table);
/* Forgets a relation and its indexes. */
void od_session_remove(struct od_session *session, const char *name);
/* Fills session->tables and the context for the binder. */
bool od_session_show_tables(struct od_session *session);

/* --- statements ----------------------------------------------------------------------------------------- */

bool od_session_create_table(struct od_session *session, const PgQuery__Node *node);
bool od_session_create_table_as(struct od_session *session, const PgQuery__Node *node);
bool od_session_create_view(struct od_session *session, const PgQuery__Node *node);
bool od_session_create_index(struct od_session *session, const PgQuery__Node *node);
bool od_session_drop(struct od_session *session, const PgQuery__Node *node);
bool od_session_insert(struct od_session *session, const PgQuery__Node *node);
bool od_session_update(struct od_session *session, const PgQuery__Node *node);
bool od_session_delete(struct od_session *session, const PgQuery__Node *node);
bool od_session_truncate(struct od_session *session, const PgQuery__Node *node);

/* Binds a query over the session's tables. */
const struct od_plan *od_session_bind(struct od_session *session, const PgQuery__SelectStmt *select);
/* Runs a plan; the answer is the caller's. `plan` NULL: could not be made. */
struct od_table *od_session_run_plan(struct od_session *session, const struct od_plan *plan);
/* A new table of this definition: the rows of the parts, one behind the other; any of them may be NULL. */
struct od_table *od_session_join_rows(struct od_session *session, const struct od_definition *definition,
                                      const struct od_table *first, const struct od_table *second);

/* --- constraints ---------------------------------------------------------------------------------------- */

/* Calls `visit` for every constraint of a table; `column` is NULL for those of the table. */
typedef bool (*od_constraint_visit)(struct od_session *session, void *context,
                                    const PgQuery__Constraint *constraint, const PgQuery__ColumnDef *column);
bool od_session_each_constraint(struct od_session *session, const PgQuery__CreateStmt *create,
                                od_constraint_visit visit, void *context);
/* NOT NULL and CHECK, for rows that are to come in. EVALUATION with PostgreSQL's words. */
bool od_session_check_rows(struct od_session *session, const struct od_definition *table,
                           const struct od_table *rows);
/* Every unique index of the table, for all its rows. */
bool od_session_check_unique(struct od_session *session, const char *table_name, const struct od_table *rows);
bool od_session_check_index(struct od_session *session, const struct od_definition *index,
                            const struct od_table *rows);

#endif
