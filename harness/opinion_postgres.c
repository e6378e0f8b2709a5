/* opinion_postgres: a PostgreSQL server over libpq. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static enum od_status open_server(void **self_out, char *version_out, size_t version_size, struct od_error *error)
{
    const char *where = getenv("ORDEAL_POSTGRES");
    *self_out = NULL;
    if (where == NULL)
        return od_fail(error, OD_MISSING, "no PostgreSQL to ask: ORDEAL_POSTGRES names none; `ci/postgres start` starts a private one");
    PGconn *connection = PQconnectdb(where);
    enum od_status status = OD_OK;
    if (PQstatus(connection) != CONNECTION_OK)
        status = od_fail(error, OD_MISSING, "no PostgreSQL at %.80s: %s", where, PQerrorMessage(connection));
    if (status == OD_OK)
        status = execute(connection,
                         "SET client_min_messages = error; DROP SCHEMA IF EXISTS ordeal_opinion CASCADE; "
                         "CREATE SCHEMA ordeal_opinion; SET search_path = ordeal_opinion",
                         PGRES_COMMAND_OK, error);
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
    execute(self, "DROP SCHEMA IF EXISTS ordeal_opinion CASCADE", PGRES_COMMAND_OK, NULL);
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
             "table_schema = 'ordeal_opinion' AND table_name = '%.100s' AND data_type = 'integer' LOOP "
             "EXECUTE format('CREATE INDEX ON %%I (%%I)', '%.100s', name); END LOOP; END $$",
             table_name, table_name);
    OD_TRY(execute(self, sql, PGRES_COMMAND_OK, error));
    snprintf(sql, sizeof(sql), "ANALYZE %.100s", table_name);
    return execute(self, sql, PGRES_COMMAND_OK, error);
}

static enum od_status ask(void *self, const char *sql, const struct od_opinion_sink *sink, struct od_error *error)
{
    PGresult *result = PQexec(self, sql);
    enum od_status status = OD_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        status = od_fail(error, PQstatus(self) == CONNECTION_OK ? OD_EVALUATION : OD_IO, "%s", PQerrorMessage(self));
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
};
