/* oracle_sqlite: see oracle_sqlite.h.
 *
 * Values are held as: boolean 0 or 1, dates and timestamps their integers, text as text, NaN as SQLite holds
 * it (NULL, which is why od_sqlite_supports refuses such tables). LIKE is made case-sensitive once per
 * connection. */
#include "properties/oracle_sqlite.h"

#include "properties/render_sql.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLES_MAX 16u

struct od_oracle_sqlite {
    sqlite3 *connection;              /* owned */
    char table_names[TABLES_MAX][64]; /* what is loaded now */
    uint32_t table_count;
};

static enum od_status failed(struct od_oracle_sqlite *oracle, const char *what, struct od_error *error)
{
    bool no_memory = sqlite3_errcode(oracle->connection) == SQLITE_NOMEM;
    return od_fail(error, no_memory ? OD_NO_MEMORY : OD_BAD_INPUT, "SQLite, %s: %s", what,
                   sqlite3_errmsg(oracle->connection));
}

static enum od_status run_text(struct od_oracle_sqlite *oracle, const char *sql, struct od_error *error)
{
    if (sqlite3_exec(oracle->connection, sql, NULL, NULL, NULL) != SQLITE_OK)
        return failed(oracle, sql, error);
    return OD_OK;
}

struct od_oracle_sqlite *od_oracle_sqlite_new(struct od_error *error)
{
    struct od_oracle_sqlite *oracle = calloc(1, sizeof(*oracle));
    if (oracle == NULL || sqlite3_open(":memory:", &oracle->connection) != SQLITE_OK ||
        run_text(oracle, "PRAGMA case_sensitive_like = ON", error) != OD_OK) {
        od_fail(error, OD_NO_MEMORY, "opening an in-memory SQLite");
        od_oracle_sqlite_free(oracle);
        return NULL;
    }
    return oracle;
}

void od_oracle_sqlite_free(struct od_oracle_sqlite *oracle)
{
    if (oracle == NULL)
        return;
    sqlite3_close(oracle->connection);
    free(oracle);
}

const char *od_oracle_sqlite_version(void)
{
    return sqlite3_libversion();
}

/* --- loading -------------------------------------------------------------------------------------------- */

static int bind_value(sqlite3_stmt *statement, int index, const struct od_value *value)
{
    if (value->is_null)
        return sqlite3_bind_null(statement, index);
    switch (value->type) {
    case OD_TYPE_BOOLEAN:
        return sqlite3_bind_int(statement, index, value->boolean);
    case OD_TYPE_FLOAT64:
        return sqlite3_bind_double(statement, index, value->float64);
    case OD_TYPE_TEXT:
        return sqlite3_bind_text(statement, index, value->text.size == 0 ? "" : value->text.bytes,
                                 (int)value->text.size, SQLITE_STATIC);
    default:
        return sqlite3_bind_int64(statement, index, value->int64);
    }
}

static enum od_status insert_rows(struct od_oracle_sqlite *oracle, const struct od_table *table,
                                  sqlite3_stmt *statement, struct od_error *error)
{
    struct od_batch rows = od_table_view(table);
    for (uint32_t row = 0; row < rows.row_count; row++) {
        for (uint32_t column = 0; column < table->schema.field_count; column++) {
            struct od_value value = od_column_value(&rows.columns[column], row);
            if (bind_value(statement, (int)column + 1, &value) != SQLITE_OK)
                return failed(oracle, "binding a value", error);
        }
        if (sqlite3_step(statement) != SQLITE_DONE)
            return failed(oracle, "inserting a row", error);
        sqlite3_reset(statement);
    }
    return OD_OK;
}

static const char *storage_class(enum od_type type)
{
    return type == OD_TYPE_FLOAT64 ? "REAL" : type == OD_TYPE_TEXT ? "TEXT" : "INTEGER";
}

static enum od_status load_table(struct od_oracle_sqlite *oracle, const struct od_table *table,
                                 struct od_error *error)
{
    char create[2048], insert[512];
    int create_size = snprintf(create, sizeof(create), "CREATE TABLE \"%s\" (", table->name);
    int insert_size = snprintf(insert, sizeof(insert), "INSERT INTO \"%s\" VALUES (", table->name);
    if (table->schema.field_count > 40 || strlen(table->name) >= sizeof(oracle->table_names[0]))
        return od_fail(error, OD_UNSUPPORTED, "loading table %s into SQLite: too wide", table->name);
    for (uint32_t i = 0; i < table->schema.field_count; i++) {
        const struct od_field *field = &table->schema.fields[i];
        create_size += snprintf(create + create_size, sizeof(create) - (size_t)create_size, "%s\"%.30s\" %s",
                                i == 0 ? "" : ", ", field->name, storage_class(field->type));
        insert_size +=
            snprintf(insert + insert_size, sizeof(insert) - (size_t)insert_size, "%s?", i == 0 ? "" : ", ");
    }
    snprintf(create + create_size, sizeof(create) - (size_t)create_size, ")");
    snprintf(insert + insert_size, sizeof(insert) - (size_t)insert_size, ")");
    enum od_status status = run_text(oracle, create, error);
    if (status != OD_OK)
        return status;
    snprintf(oracle->table_names[oracle->table_count++], sizeof(oracle->table_names[0]), "%s", table->name);
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(oracle->connection, insert, -1, &statement, NULL) != SQLITE_OK)
        status = failed(oracle, insert, error);
    else
        status = insert_rows(oracle, table, statement, error);
    sqlite3_finalize(statement);
    return status;
}

enum od_status od_oracle_sqlite_load(struct od_oracle_sqlite *oracle, const struct od_catalog *catalog,
                                     struct od_error *error)
{
    char drop[128];
    enum od_status status = run_text(oracle, "BEGIN", error);
    if (catalog->table_count > TABLES_MAX)
        status = od_fail(error, OD_UNSUPPORTED, "loading %u tables into SQLite: at most %u",
                         catalog->table_count, TABLES_MAX);
    while (oracle->table_count > 0 && status == OD_OK) {
        snprintf(drop, sizeof(drop), "DROP TABLE \"%s\"", oracle->table_names[oracle->table_count - 1]);
        status = run_text(oracle, drop, error);
        oracle->table_count--;
    }
    for (uint32_t i = 0; i < catalog->table_count && status == OD_OK; i++)
        status = load_table(oracle, catalog->tables[i], error);
    enum od_status ended = run_text(oracle, "COMMIT", status == OD_OK ? error : NULL);
    return status != OD_OK ? status : ended;
}

/* --- running -------------------------------------------------------------------------------------------- */

static enum od_status read_value(struct od_arena *arena, sqlite3_stmt *statement, int index,
                                 enum od_type type, struct od_value *value, struct od_error *error)
{
    memset(value, 0, sizeof(*value));
    value->type = type;
    value->is_null = sqlite3_column_type(statement, index) == SQLITE_NULL;
    if (value->is_null)
        return OD_OK;
    switch (type) {
    case OD_TYPE_BOOLEAN:
        value->boolean = sqlite3_column_int64(statement, index) != 0;
        return OD_OK;
    case OD_TYPE_FLOAT64:
        value->float64 = sqlite3_column_double(statement, index);
        return OD_OK;
    case OD_TYPE_TEXT:
        value->text.bytes = (const char *)sqlite3_column_text(statement, index);
        value->text.size = (uint32_t)sqlite3_column_bytes(statement, index);
        value->text.bytes = od_arena_copy_text(arena, value->text.bytes, value->text.size);
        return value->text.bytes == NULL ? od_fail(error, OD_NO_MEMORY, "reading SQLite's answer") : OD_OK;
    case OD_TYPE_DECIMAL: /* sum(bigint): see render_sql_sqlite.c; an average is a double to SQLite */
        if (sqlite3_column_type(statement, index) == SQLITE_FLOAT) {
            value->type = OD_TYPE_FLOAT64;
            value->float64 = sqlite3_column_double(statement, index);
            return OD_OK;
        }
        value->decimal = od_decimal_make(sqlite3_column_int64(statement, index), 0);
        return OD_OK;
    default:
        value->int64 = sqlite3_column_int64(statement, index);
        return OD_OK;
    }
}

/* Rows into cells that double. */
static enum od_status read_rows(struct od_arena *arena, sqlite3_stmt *statement,
                                const struct od_schema *schema, struct od_answer *answer, int *result_out,
                                struct od_error *error)
{
    uint32_t width = schema->field_count;
    uint32_t capacity = 0;
    *answer = (struct od_answer){width, 0, NULL};
    while ((*result_out = sqlite3_step(statement)) == SQLITE_ROW) {
        if (answer->row_count == capacity) {
            uint32_t larger = capacity == 0 ? 16 : capacity * 2;
            struct od_value *cells = od_arena_take_array(arena, (size_t)larger * width + 1, sizeof(*cells));
            if (cells == NULL)
                return od_fail(error, OD_NO_MEMORY, "reading SQLite's answer");
            if (capacity > 0)
                memcpy(cells, answer->cells, (size_t)capacity * width * sizeof(*cells));
            answer->cells = cells;
            capacity = larger;
        }
        for (uint32_t i = 0; i < width; i++) {
            struct od_value *cell = &answer->cells[(size_t)answer->row_count * width + i];
            enum od_status status = read_value(arena, statement, (int)i, schema->fields[i].type, cell, error);
            if (status != OD_OK)
                return status;
        }
        answer->row_count++;
    }
    return OD_OK;
}

enum od_status od_oracle_sqlite_run_text(struct od_oracle_sqlite *oracle, struct od_arena *arena,
                                         const char *sql, const struct od_schema *schema,
                                         struct od_answer *answer_out, bool *answered_out,
                                         struct od_error *error)
{
    sqlite3_stmt *statement = NULL;
    int result = SQLITE_OK;
    *answered_out = false;
    if (sqlite3_prepare_v2(oracle->connection, sql, -1, &statement, NULL) != SQLITE_OK)
        return failed(oracle, sql, error);
    enum od_status status = OD_OK;
    if ((uint32_t)sqlite3_column_count(statement) != schema->field_count)
        status = od_fail(error, OD_BAD_INPUT, "SQLite's text gives %d columns, expected %u",
                         sqlite3_column_count(statement), schema->field_count);
    else
        status = read_rows(arena, statement, schema, answer_out, &result, error);
    *answered_out = result == SQLITE_DONE;
    sqlite3_finalize(statement);
    if (status == OD_OK && result == SQLITE_NOMEM)
        status = od_fail(error, OD_NO_MEMORY, "running SQL in SQLite");
    return status;
}

enum od_status od_oracle_sqlite_run(struct od_oracle_sqlite *oracle, struct od_arena *arena,
                                    const struct od_plan *plan, struct od_answer *answer_out,
                                    bool *answered_out, struct od_error *error)
{
    const char *sql;
    *answered_out = false;
    enum od_status status = od_render_sql(arena, plan, OD_DIALECT_SQLITE, &sql, error);
    return status != OD_OK ? status
                           : od_oracle_sqlite_run_text(oracle, arena, sql, &plan->schema, answer_out,
                                                       answered_out, error);
}
