/* table_parquet: read: SELECT over read_parquet, each chunk of the answer shown as an Arrow array. Written: our Arrow stream under
 * the name of a view, COPY of it.
 *
 * A `struct reading` lives as long as the call; the stream's functions find it in private_data. What DuckDB writes, it writes
 * beside the file and renames: a file is whole or not there. duckdb_arrow_scan does not release all schemas that it asks for
 * (it empties their children's release), so what we export to it comes from an arena that dies when DuckDB is closed. */
#include "harness/table_parquet.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/arena.h"
#include "engine/core/assert.h"
#include "engine/core/buffer.h"
#include "engine/io/arrow.h"
#include "harness/duckdb_library.h"

#define CHUNK_ROWS 65536

struct reading {
    struct od_duckdb *duckdb;
    struct duckdb_result result;
    void *options;
    struct od_arena call_arena; /* names and types of the columns */
    char message[300];
};

/* Appends 'text' with its quotes doubled. */
static bool put_quoted(struct od_buffer *sql, const char *text)
{
    bool fits = od_buffer_print(sql, "'");
    for (const char *at = text; *at != '\0' && fits; at++)
        fits = od_buffer_print(sql, "%s%c", *at == '\'' ? "'" : "", *at);
    return fits && od_buffer_print(sql, "'");
}

/* Runs `before` + the quoted path + `after`. The result is the caller's to destroy in any case. */
static enum od_status ask(struct od_memory *memory, struct od_duckdb *duckdb, const char *before, const char *path,
                          const char *after, struct duckdb_result *result, struct od_error *error)
{
    struct od_buffer sql;
    od_buffer_init(&sql, memory);
    enum od_status status = OD_OK;
    if (!od_buffer_print(&sql, "%s", before) || !put_quoted(&sql, path) || !od_buffer_print(&sql, "%s", after))
        status = od_fail(error, OD_NO_MEMORY, "asking DuckDB about %.200s", path);
    else if (duckdb->query(duckdb->connection, od_buffer_text(&sql), result) != 0)
        status = od_fail(error, OD_BAD_INPUT, "%.200s: %.300s", path, duckdb->result_error(result));
    od_buffer_release(&sql);
    return status;
}

/* 0, or an errno for the stream's reader; takes the library's error. */
static int settle(struct reading *reading, void *error_data)
{
    struct od_duckdb *duckdb = reading->duckdb;
    bool failed = error_data != NULL && duckdb->error_data_has_error(error_data);
    if (failed)
        snprintf(reading->message, sizeof(reading->message), "%s", duckdb->error_data_message(error_data));
    duckdb->destroy_error_data(&error_data);
    return failed ? EIO : 0;
}

static int give_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema_out)
{
    struct reading *reading = stream->private_data;
    struct od_duckdb *duckdb = reading->duckdb;
    uint64_t count = duckdb->column_count(&reading->result);
    void **types = od_arena_take(&reading->call_arena, (count + 1) * sizeof(*types));
    const char **names = od_arena_take(&reading->call_arena, (count + 1) * sizeof(*names));
    if (types == NULL || names == NULL)
        return ENOMEM;
    for (uint64_t i = 0; i < count; i++) {
        types[i] = duckdb->column_logical_type(&reading->result, i);
        names[i] = duckdb->column_name(&reading->result, i);
    }
    int failed = settle(reading, duckdb->to_arrow_schema(reading->options, types, names, count, schema_out));
    for (uint64_t i = 0; i < count; i++)
        duckdb->destroy_logical_type(&types[i]);
    return failed;
}

static int give_next(struct ArrowArrayStream *stream, struct ArrowArray *array_out)
{
    struct reading *reading = stream->private_data;
    struct od_duckdb *duckdb = reading->duckdb;
    memset(array_out, 0, sizeof(*array_out));
    void *chunk = duckdb->fetch_chunk(reading->result);
    if (chunk == NULL)
        return 0; /* an array without a release: the end */
    int failed = settle(reading, duckdb->data_chunk_to_arrow(reading->options, chunk, array_out));
    duckdb->destroy_data_chunk(&chunk);
    return failed;
}

static const char *give_error(struct ArrowArrayStream *stream)
{
    const struct reading *reading = stream->private_data;
    return reading->message[0] != '\0' ? reading->message : NULL;
}

static void release_nothing(struct ArrowArrayStream *stream)
{
    stream->release = NULL; /* the caller of the import owns what is behind it */
}

enum od_status od_parquet_read(struct od_memory *memory, const char *table_name, const char *path,
                               struct od_table **table_out, struct od_error *error)
{
    struct reading reading = {0};
    struct ArrowArrayStream stream = {give_schema, give_next, give_error, release_nothing, &reading};
    *table_out = NULL;
    if (access(path, R_OK) != 0)
        return od_fail(error, OD_MISSING, "%.200s: %s", path, strerror(errno));
    OD_TRY(od_duckdb_open(&reading.duckdb, error));
    od_arena_init(&reading.call_arena, memory, 0);
    /* Strings as one buffer with offsets: the form that Arrow's first version has. */
    enum od_status status = ask(memory, reading.duckdb, "SET produce_arrow_string_view = false; SELECT * FROM read_parquet(",
                                path, ")", &reading.result, error);
    if (status == OD_OK) {
        reading.options = reading.duckdb->result_get_arrow_options(&reading.result);
        status = od_arrow_import_stream(memory, table_name, &stream, table_out, error);
        reading.duckdb->destroy_arrow_options(&reading.options);
    }
    reading.duckdb->destroy_result(&reading.result);
    od_arena_release(&reading.call_arena);
    od_duckdb_close(reading.duckdb);
    return status;
}

/* Memory that is given back as a whole; DuckDB's threads ask for it. */
struct lent {
    struct od_memory memory;
    struct od_arena call_arena;
    pthread_mutex_t lock;
};

static void *lend(void *self, void *old, size_t old_bytes, size_t new_bytes)
{
    struct lent *lent = self;
    od_assert(old == NULL || new_bytes == 0); /* exports do not grow */
    (void)old_bytes;
    if (new_bytes == 0)
        return NULL;
    pthread_mutex_lock(&lent->lock);
    void *block = od_arena_take(&lent->call_arena, new_bytes);
    pthread_mutex_unlock(&lent->lock);
    return block;
}
static const struct od_memory_ops lent_ops = {lend};

enum od_status od_parquet_write(struct od_memory *memory, const struct od_batch *rows, const char *path,
                                struct od_error *error)
{
    struct lent lent = {.memory = {&lent_ops, &lent}, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct od_duckdb *duckdb = NULL;
    struct ArrowArrayStream stream = {0};
    struct duckdb_result result = {0};
    OD_TRY(od_duckdb_open(&duckdb, error));
    od_arena_init(&lent.call_arena, memory, 0);
    enum od_status status = od_arrow_export_stream(&lent.memory, rows, CHUNK_ROWS, &stream, error);
    if (status == OD_OK && duckdb->arrow_scan(duckdb->connection, "ordeal_rows", &stream) != 0)
        status = od_fail(error, OD_UNSUPPORTED, "DuckDB does not take the rows for %.200s", path);
    if (status == OD_OK)
        status = ask(memory, duckdb, "COPY ordeal_rows TO ", path,
                     " (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE true)", &result, error);
    duckdb->destroy_result(&result);
    if (stream.release != NULL)
        stream.release(&stream);
    od_duckdb_close(duckdb);
    od_arena_release(&lent.call_arena);
    return status;
}
