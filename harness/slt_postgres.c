/* slt_postgres: sqllogictest's SQL to a PostgreSQL server, through libpq. Each session has a schema of its
 * own, dropped at its end. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/slt_engines.h"

struct session {
    PGconn *connection;
    char schema[64];
};

static bool command(struct session *session, const char *format)
{
    char sql[400];
    snprintf(sql, sizeof(sql), format, session->schema, session->schema, session->schema);
    PGresult *result = PQexec(session->connection, sql);
    bool done = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return done;
}

static void close_session(void *self)
{
    struct session *session = self;
    if (session == NULL)
        return;
    if (session->connection != NULL && PQstatus(session->connection) == CONNECTION_OK) {
        command(session, "ROLLBACK");
        command(session, "DROP SCHEMA IF EXISTS %s CASCADE");
    }
    PQfinish(session->connection);
    free(session);
}

static enum od_status open_session(void **self_out, struct od_error *error)
{
    const char *where = getenv("ORDEAL_POSTGRES");
    struct session *session = calloc(1, sizeof(*session));
    *self_out = session;
    if (session == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening a session of PostgreSQL");
    if (where == NULL)
        return od_fail(
            error, OD_MISSING,
            "no PostgreSQL: expected ORDEAL_POSTGRES to name a server, as in \"host=/tmp/pg user=postgres\"");
    snprintf(session->schema, sizeof(session->schema), "ordeal_slt_%d", (int)getpid());
    session->connection = PQconnectdb(where);
    if (PQstatus(session->connection) != CONNECTION_OK)
        return od_fail(error, OD_MISSING, "no PostgreSQL: %s", PQerrorMessage(session->connection));
    bool ready = command(
        session, "SET client_min_messages = error; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; "
                 "SET intervalstyle = 'postgres'; DROP SCHEMA IF EXISTS %s CASCADE; CREATE SCHEMA %s; "
                 "SET search_path = %s");
    return ready ? OD_OK
                 : od_fail(error, OD_MISSING, "no PostgreSQL: %s", PQerrorMessage(session->connection));
}

static enum od_type type_of(Oid oid)
{
    static const struct {
        Oid oid; /* pg_type.dat */
        enum od_type type;
    } types[] = {{16, OD_TYPE_BOOLEAN},   {20, OD_TYPE_INT64},    {21, OD_TYPE_INT32},
                 {23, OD_TYPE_INT32},     {700, OD_TYPE_FLOAT64}, {701, OD_TYPE_FLOAT64},
                 {1700, OD_TYPE_DECIMAL}, {1082, OD_TYPE_DATE},   {1114, OD_TYPE_TIMESTAMP}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].oid == oid)
            return types[i].type;
    }
    return OD_TYPE_TEXT;
}

static enum od_status take_rows(struct od_arena *arena, const PGresult *result, struct od_slt_answer *answer)
{
    uint32_t columns = (uint32_t)PQnfields(result);
    uint32_t rows = (uint32_t)PQntuples(result);
    const char **cells = od_arena_take_array(arena, (size_t)rows * columns, sizeof(*cells));
    enum od_type *types = od_arena_take_array(arena, columns, sizeof(*types));
    if (cells == NULL || types == NULL)
        return OD_NO_MEMORY;
    for (uint32_t i = 0; i < columns; i++)
        types[i] = type_of(PQftype(result, (int)i));
    for (size_t i = 0; i < (size_t)rows * columns; i++) {
        int row = (int)(i / columns);
        int column = (int)(i % columns);
        if (PQgetisnull(result, row, column))
            continue;
        cells[i] = od_arena_copy_text(arena, PQgetvalue(result, row, column),
                                      (size_t)PQgetlength(result, row, column));
        if (cells[i] == NULL)
            return OD_NO_MEMORY;
    }
    answer->column_count = columns;
    answer->row_count = rows;
    answer->cells = cells;
    answer->types = types;
    answer->changed_count = rows;
    return OD_OK;
}

static enum od_status take_error(const PGresult *result, struct od_error *error)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    bool evaluation = state != NULL && (strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0);
    return od_fail(error, evaluation ? OD_EVALUATION : OD_BAD_INPUT, "%s",
                   text != NULL ? text : "PostgreSQL told no reason");
}

static void run_sql(void *self, struct od_arena *arena, const char *sql, struct od_slt_answer *answer_out)
{
    struct session *session = self;
    *answer_out = (struct od_slt_answer){0};
    PGresult *result = PQexec(session->connection, sql);
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
        answer_out->status = take_rows(arena, result, answer_out);
        break;
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        answer_out->changed_count = strtoull(PQcmdTuples(result), NULL, 10);
        break;
    default:
        answer_out->status = take_error(result, &answer_out->error);
    }
    PQclear(result);
    answer_out->in_transaction = PQtransactionStatus(session->connection) != PQTRANS_IDLE;
}

const struct od_slt_other od_slt_postgres = {open_session, run_sql, close_session};
