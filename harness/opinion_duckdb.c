/* opinion_duckdb: DuckDB in this process, its library found at run time.
 *
 * Declared here as duckdb.h has it (stable C API of DuckDB 1.x, https://duckdb.org/docs/stable/clients/c/api): the few calls that
 * are used, so that nothing has to be installed to build. */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/file.h"
#include "harness/opinion.h"

typedef uint64_t idx_t;
struct duckdb_result {
    idx_t deprecated_column_count;
    idx_t deprecated_row_count;
    idx_t deprecated_rows_changed;
    void *deprecated_columns;
    char *deprecated_error_message;
    void *internal_data;
};

#define CALLS(X)                                                                                             \
    X(int, open, (const char *path, void **database))                                                         \
    X(int, connect, (void *database, void **connection))                                                      \
    X(int, query, (void *connection, const char *sql, struct duckdb_result *result))                          \
    X(char *, value_varchar, (struct duckdb_result *result, idx_t column, idx_t row))                         \
    X(bool, value_is_null, (struct duckdb_result *result, idx_t column, idx_t row))                           \
    X(idx_t, row_count, (struct duckdb_result *result))                                                       \
    X(idx_t, column_count, (struct duckdb_result *result))                                                    \
    X(const char *, result_error, (struct duckdb_result *result))                                             \
    X(const char *, library_version, (void))                                                                  \
    X(void, destroy_result, (struct duckdb_result *result))                                                   \
    X(void, free, (void *text))                                                                               \
    X(void, disconnect, (void **connection))                                                                  \
    X(void, close, (void **database))

struct duckdb {
    void *library;
    void *database;
    void *connection;
#define X(result, name, arguments) result(*name) arguments;
    CALLS(X)
#undef X
};

static void *find_library(void)
{
    const char *named = getenv("ORDEAL_DUCKDB");
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    char path[4096];
    if (named != NULL)
        return dlopen(named, RTLD_NOW | RTLD_LOCAL);
    snprintf(path, sizeof(path), "%s%s/ordeal/libduckdb.so", cache != NULL ? cache : home != NULL ? home : "",
             cache != NULL ? "" : "/.cache");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return library != NULL ? library : dlopen("libduckdb.so", RTLD_NOW | RTLD_LOCAL);
}

static void close_library(void *self)
{
    struct duckdb *duckdb = self;
    if (duckdb == NULL)
        return;
    if (duckdb->connection != NULL)
        duckdb->disconnect(&duckdb->connection);
    if (duckdb->database != NULL)
        duckdb->close(&duckdb->database);
    free(duckdb); /* the library stays: its threads may still be on their way out */
}

static bool find_calls(struct duckdb *duckdb)
{
    bool all = true;
    /* POSIX has functions and objects share one representation; ISO C has no cast between them. */
#define X(result, name, arguments)                                                                           \
    do {                                                                                                     \
        void *address = dlsym(duckdb->library, "duckdb_" #name);                                             \
        memcpy(&duckdb->name, &address, sizeof(address));                                                    \
        all = all && address != NULL;                                                                        \
    } while (0);
    CALLS(X)
#undef X
    return all;
}

static enum od_status open_library(void **self_out, char *version_out, size_t version_size, struct od_error *error)
{
    struct duckdb *duckdb = calloc(1, sizeof(*duckdb));
    *self_out = NULL;
    if (duckdb == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening DuckDB");
    duckdb->library = find_library();
    enum od_status status = OD_OK;
    if (duckdb->library == NULL)
        status = od_fail(error, OD_MISSING, "no DuckDB to ask: %.150s; `ci/install engines` gets it, ORDEAL_DUCKDB names it", dlerror());
    else if (!find_calls(duckdb))
        status = od_fail(error, OD_MISSING, "the libduckdb.so that was found lacks calls of DuckDB 1.x");
    else if (duckdb->open(NULL, &duckdb->database) != 0 || duckdb->connect(duckdb->database, &duckdb->connection) != 0)
        status = od_fail(error, OD_MISSING, "DuckDB does not open an in-memory database");
    if (status != OD_OK) {
        close_library(duckdb);
        return status;
    }
    snprintf(version_out, version_size, "DuckDB %s", duckdb->library_version());
    *self_out = duckdb;
    return OD_OK;
}

static enum od_status ask(void *self, const char *sql, const struct od_opinion_sink *sink, struct od_error *error)
{
    struct duckdb *duckdb = self;
    struct duckdb_result result = {0};
    enum od_status status = OD_OK;
    if (duckdb->query(duckdb->connection, sql, &result) != 0) {
        status = od_fail(error, OD_EVALUATION, "%s", duckdb->result_error(&result));
        duckdb->destroy_result(&result);
        return status;
    }
    idx_t width = duckdb->column_count(&result);
    idx_t count = duckdb->row_count(&result);
    bool takes = sink == NULL || sink->width(sink->self, (uint32_t)width);
    for (idx_t i = 0; sink != NULL && takes && i < width * count; i++) {
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
};
