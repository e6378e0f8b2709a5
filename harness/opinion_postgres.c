/* opinion_postgres: a PostgreSQL server over libpq. Every process has a schema of its own there. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/opinion.h"

static enum od_status failed(PGconn *connection, const char *doing, struct od_error *error)
{
    return od_fail(error, OD_IO, "PostgreSQL, %.60s: %s", doing, PQerrorMessage(connection));
}

static enum od_status execute(PGconn *connection, const char *sql, ExecStatusType wanted, struct od_error *error)
{
    PGresult *result = PQexec(connection, sql);
    bool good = PQresultStatus(result) == wanted;
    PQclear(result);
    return good ? OD_OK : failed(connection, sql, error);
}

static enum od_status run_statements(void *self, const char *sql, struct od_error *error)
{
    return execute(self, sql, PGRES_COMMAND_OK, error);
}

static enum od_status open_server(void **self_out, char *version_out, size_t version_size, struct od_error *error)
{
    const char *where = getenv("ORDEAL_POSTGRES");
    char sql[300];
    *self_out = NULL;
    if (where == NULL)
        return od_fail(error, OD_MISSING, "no PostgreSQL to ask: ORDEAL_POSTGRES names none; `ci/postgres start` starts a private one");
    PGconn *connection = PQconnectdb(where);
    enum od_status status = OD_OK;
    if (PQstatus(connection) != CONNECTION_OK)
        status = od_fail(error, OD_MISSING, "no PostgreSQL at %.80s: %s", where, PQerrorMessage(connection));
    snprintf(sql, sizeof(sql),
             "SET client_min_messages = error; DROP SCHEMA IF EXISTS ordeal_opinion_%d CASCADE; "
             "CREATE SCHEMA ordeal_opinion_%d; SET search_path = ordeal_opinion_%d",
             (int)getpid(), (int)getpid(), (int)getpid());
    if (status == OD_OK)
        status = execute(connection, sql, PGRES_COMMAND_OK, error);
    if (status != OD_OK) {
        PQfinish(connection);
        return status;
    }
    snprintf(version_out, version_size, "PostgreSQL %d.%d", PQserverVersion(connection) / 10000,
             PQserverVersion(connection) % 10000);
    *self_out = connection;
    return OD_OK;
}

static void close_server(void *self)
{
    char sql[100];
    snprintf(sql, sizeof(sql), "DROP SCHEMA IF EXISTS ordeal_opinion_%d CASCADE", (int)getpid());
    execute(self, sql, PGRES_COMMAND_OK, NULL);
    PQfinish(self);
}

static enum od_status load(void *self, const char *table_name, const char *declaration, const char *csv, size_t csv_size,
                           struct od_error *error)
{
    char sql[600];
    snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS %.100s CASCADE", table_name);
    OD_TRY(execute(self, sql, PGRES_COMMAND_OK, error));
    OD_TRY(execute(self, declaration, PGRES_COMMAND_OK, error));
    snprintf(sql, sizeof(sql), "COPY %.100s FROM STDIN WITH (FORMAT csv, HEADER true)", table_name);
    OD_TRY(execute(self, sql, PGRES_COPY_IN, error));
    for (size_t at = 0; at < csv_size;) {
        size_t size = csv_size - at < (1 << 20) ? csv_size - at : 1 << 20;
        if (PQputCopyData(self, csv + at, (int)size) != 1)
            return failed(self, "loading rows", error);
        at += size;
    }
    if (PQputCopyEnd(self, NULL) != 1)
        return failed(self, "loading rows", error);
    PGresult *result;
    bool good = true;
    while ((result = PQgetResult(self)) != NULL) {
        good = good && PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
    }
    if (!good)
        return failed(self, "loading rows", error);
    /* Correlated subqueries are nested loops to PostgreSQL: without indexes some would take hours. */
    snprintf(sql, sizeof(sql),
             "DO $$ DECLARE name text; BEGIN FOR name IN SELECT column_name FROM information_schema.columns WHERE "
             "table_schema = current_schema() AND table_name = '%.100s' AND data_type = 'integer' LOOP "
             "EXECUTE format('CREATE INDEX ON %%I (%%I)', '%.100s', name); END LOOP; END $$",
             table_name, table_name);
    OD_TRY(execute(self, sql, PGRES_COMMAND_OK, error));
    snprintf(sql, sizeof(sql), "ANALYZE %.100s", table_name);
    return execute(self, sql, PGRES_COMMAND_OK, error);
}

/* Whatever a server says to a statement is an answer; that it is gone is not. */
static enum od_status told_error(PGconn *connection, const PGresult *result, struct od_error *error)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (PQstatus(connection) != CONNECTION_OK || state == NULL || text == NULL)
        return od_fail(error, OD_IO, "%s", PQerrorMessage(connection));
    return od_fail(error, strcmp(state, "57014") == 0 ? OD_TIMED_OUT : OD_EVALUATION, "%s: %s", state, text);
}

static enum od_status ask(void *self, const char *sql, const struct od_opinion_sink *sink, struct od_error *error)
{
    PGresult *result = PQexec(self, sql);
    enum od_status status = OD_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        status = told_error(self, result, error);
    bool takes = status == OD_OK && sink->width(sink->self, (uint32_t)PQnfields(result));
    for (int row = 0; takes && row < PQntuples(result); row++)
        for (int column = 0; takes && column < PQnfields(result); column++)
            takes = sink->cell(sink->self, PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column));
    if (status == OD_OK && !takes)
        status = od_fail(error, OD_NO_MEMORY, "reading PostgreSQL's answer");
    PQclear(result);
    return status;
}

const struct od_opinion_ops od_opinion_postgres = {
    .name = "postgres",
    .decimals_are_exact = true,
    .open = open_server,
    .close = close_server,
    .load = load,
    .ask = ask,
    .execute = run_statements,
};
