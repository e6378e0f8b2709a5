/* opinion_duckdb: what DuckDB says, its library in this process. Tables go in as CSV, answers come out as text. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/duckdb_library.h"
#include "harness/file.h"
#include "harness/opinion.h"

static enum od_status open_library(void **self_out, char *version_out, size_t version_size, struct od_error *error)
{
    struct od_duckdb *duckdb = NULL;
    *self_out = NULL;
    OD_TRY(od_duckdb_open(&duckdb, error));
    snprintf(version_out, version_size, "DuckDB %s", duckdb->library_version());
    *self_out = duckdb;
    return OD_OK;
}

static void close_library(void *self)
{
    od_duckdb_close(self);
}

static enum od_status ask(void *self, const char *sql, const struct od_opinion_sink *sink, struct od_error *error)
{
    struct od_duckdb *duckdb = self;
    struct duckdb_result result = {0};
    enum od_status status = OD_OK;
    if (duckdb->query(duckdb->connection, sql, &result) != 0) {
        status = od_fail(error, OD_EVALUATION, "%s", duckdb->result_error(&result));
        duckdb->destroy_result(&result);
        return status;
    }
    uint64_t width = duckdb->column_count(&result);
    uint64_t count = duckdb->row_count(&result);
    bool takes = sink == NULL || sink->width(sink->self, (uint32_t)width);
    for (uint64_t i = 0; sink != NULL && takes && i < width * count; i++) {
        char *text = duckdb->value_is_null(&result, i % width, i / width)
                         ? NULL
                         : duckdb->value_varchar(&result, i % width, i / width);
        takes = sink->cell(sink->self, text);
        duckdb->free(text);
    }
    if (!takes)
        status = od_fail(error, OD_NO_MEMORY, "reading DuckDB's answer");
    duckdb->destroy_result(&result);
    return status;
}

static enum od_status run_statements(void *self, const char *sql, struct od_error *error)
{
    return ask(self, sql, NULL, error);
}

static enum od_status load(void *self, const char *table_name, const char *declaration, const char *csv, size_t csv_size,
                           struct od_error *error)
{
    char sql[400];
    char path[] = "/tmp/ordeal-duckdb-XXXXXX";
    snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS %.100s", table_name);
    OD_TRY(ask(self, sql, NULL, error));
    OD_TRY(ask(self, declaration, NULL, error));
    int file = mkstemp(path);
    if (file < 0)
        return od_fail(error, OD_IO, "making a file for DuckDB in /tmp");
    close(file);
    enum od_status status = od_file_write(path, csv, csv_size, error);
    snprintf(sql, sizeof(sql), "COPY %.100s FROM '%s' (FORMAT csv, HEADER true, NULLSTR '', ALLOW_QUOTED_NULLS false)", table_name,
             path);
    if (status == OD_OK)
        status = ask(self, sql, NULL, error);
    unlink(path);
    return status;
}

const struct od_opinion_ops od_opinion_duckdb = {
    .name = "duckdb",
    .decimals_are_exact = false,
    .open = open_library,
    .close = close_library,
    .load = load,
    .ask = ask,
    .execute = run_statements,
};
