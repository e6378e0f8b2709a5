/* session: tables in memory and the statements that make, fill, read and drop them, in PostgreSQL's words.
 *
 *   SELECT VALUES EXPLAIN   CREATE TABLE [AS]  CREATE [OR REPLACE] VIEW  CREATE INDEX  DROP  TRUNCATE
 *   INSERT UPDATE DELETE    BEGIN COMMIT ROLLBACK
 *
 * Each statement is all or nothing. Whatever needs rows is a plan, and plans are run by whoever opened the
 * session (od_session_runner): this folder knows no engine that runs. Other statements are UNSUPPORTED, with
 * their place. One session is one connection and not for two threads at a time. */
#ifndef OD_SQL_SESSION_H
#define OD_SQL_SESSION_H

#include "engine/sql/sql.h"

struct od_session;

struct od_session_runner {
    /* Runs the plan to its end. *answer_out is made of the session's memory and becomes the caller's. */
    enum od_status (*run)(void *self, struct od_arena *plan_arena, const struct od_plan *plan,
                          struct od_table **answer_out, struct od_error *error);
    /* What EXPLAIN prints; with `analyze` the plan has been run, and what it took is said. */
    enum od_status (*explain)(void *self, struct od_arena *plan_arena, const struct od_plan *plan, bool analyze,
                              struct od_buffer *text, struct od_error *error);
    /* As in struct od_sql_context. */
    enum od_status (*evaluate_constant)(const struct od_expr *expr, struct od_arena *arena,
                                        struct od_value *value_out, struct od_error *error);
    void *self;
};

/* What one statement did. */
struct od_session_result {
    const char *tag;         /* "SELECT", "INSERT"...: static */
    struct od_table *answer; /* owned; NULL for statements without rows */
    uint64_t changed_count;  /* rows inserted, updated or deleted; rows of an answer */
};
struct od_session_sink {
    /* May take `answer` over by setting it to NULL; else it is freed after the call. */
    enum od_status (*take)(void *self, struct od_session_result *result, struct od_error *error);
    void *self;
};

enum od_status od_session_new(struct od_memory *memory, const struct od_session_runner *runner,
                              struct od_session **session_out, struct od_error *error);
void od_session_free(struct od_session *session);
/* Takes the table over, also on failure. BAD_INPUT when the name is taken. */
enum od_status od_session_add_table(struct od_session *session, struct od_table *table,
                                    struct od_error *error);
/* Runs the statements of the text one after the other, up to the first that fails: those before it stay done,
 * and an open transaction is then good for ROLLBACK only. The error's place is in `sql`. No statement at all
 * is fine. */
enum od_status od_session_run(struct od_session *session, const char *sql, const struct od_session_sink *sink,
                              struct od_error *error);
bool od_session_in_transaction(const struct od_session *session);
/* A statement that failed should have made or changed this relation: from now on, until it is made anew, what depends on it is
 * UNSUPPORTED rather than answered for rows that nobody means. */
enum od_status od_session_refuse(struct od_session *session, const char *name, struct od_error *error);
/* From now on a query is explained instead of run, as if EXPLAIN, or EXPLAIN ANALYZE, stood before it. */
void od_session_explain_queries(struct od_session *session, bool analyze);

#endif
