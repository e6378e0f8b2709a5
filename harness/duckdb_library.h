/* duckdb_library: DuckDB in this process, its library found at run time.
 *
 *   od_duckdb_open -> (calls on duckdb->connection)* -> od_duckdb_close
 *
 * It is looked for in $ORDEAL_DUCKDB, else in the cache that `ci/install engines` fills, else as the system's libduckdb.so.
 * Declared here as duckdb.h has it (stable C API of DuckDB 1.x, https://duckdb.org/docs/stable/clients/c/api): the few calls that
 * are used, so that nothing has to be installed to build. Handles of the library are pointers to structs of its own. */
#ifndef OD_HARNESS_DUCKDB_LIBRARY_H
#define OD_HARNESS_DUCKDB_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/status.h"

struct ArrowArray;
struct ArrowSchema;
struct ArrowArrayStream;

struct duckdb_result {
    uint64_t deprecated_column_count;
    uint64_t deprecated_row_count;
    uint64_t deprecated_rows_changed;
    void *deprecated_columns;
    char *deprecated_error_message;
    void *internal_data;
};

/* X(result, name without duckdb_, arguments) */
#define OD_DUCKDB_CALLS(X)                                                                                    \
    X(int, open, (const char *path, void **database))                                                         \
    X(int, connect, (void *database, void **connection))                                                      \
    X(int, query, (void *connection, const char *sql, struct duckdb_result *result))                          \
    X(char *, value_varchar, (struct duckdb_result * result, uint64_t column, uint64_t row))                  \
    X(bool, value_is_null, (struct duckdb_result * result, uint64_t column, uint64_t row))                    \
    X(uint64_t, row_count, (struct duckdb_result * result))                                                   \
    X(uint64_t, column_count, (struct duckdb_result * result))                                                \
    X(const char *, column_name, (struct duckdb_result * result, uint64_t column))                            \
    X(void *, column_logical_type, (struct duckdb_result * result, uint64_t column))                          \
    X(void, destroy_logical_type, (void **type))                                                              \
    X(const char *, result_error, (struct duckdb_result * result))                                            \
    X(const char *, library_version, (void))                                                                  \
    X(void *, fetch_chunk, (struct duckdb_result result))                                                     \
    X(void, destroy_data_chunk, (void **chunk))                                                               \
    X(void *, result_get_arrow_options, (struct duckdb_result * result))                                      \
    X(void, destroy_arrow_options, (void **options))                                                          \
    X(void *, to_arrow_schema,                                                                                \
      (void *options, void **types, const char **names, uint64_t count, struct ArrowSchema *schema_out))      \
    X(void *, data_chunk_to_arrow, (void *options, void *chunk, struct ArrowArray *array_out))                \
    X(int, arrow_scan, (void *connection, const char *view_name, struct ArrowArrayStream *stream))            \
    X(bool, error_data_has_error, (void *error_data))                                                         \
    X(const char *, error_data_message, (void *error_data))                                                   \
    X(void, destroy_error_data, (void **error_data))                                                          \
    X(void, destroy_result, (struct duckdb_result * result))                                                  \
    X(void, free, (void *text))                                                                               \
    X(void, disconnect, (void **connection))                                                                  \
    X(void, close, (void **database))

struct od_duckdb {
    void *library;
    void *database; /* in memory */
    void *connection;
#define OD_DUCKDB_DECLARE(result, name, arguments) result(*name) arguments;
    OD_DUCKDB_CALLS(OD_DUCKDB_DECLARE)
#undef OD_DUCKDB_DECLARE
};

/* MISSING: the library is not here, and the text says how to get it; NO_MEMORY. On failure *duckdb_out is NULL. */
enum od_status od_duckdb_open(struct od_duckdb **duckdb_out, struct od_error *error);
void od_duckdb_close(struct od_duckdb *duckdb); /* NULL is fine */

#endif
