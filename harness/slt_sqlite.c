/* slt_sqlite: sqllogictest's SQL to SQLite, in memory. Its values have types of their own, so a column's type
 * is that of its first value that is not NULL. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "harness/slt_engines.h"

static enum od_status open_session(void **self_out, struct od_error *error)
{
    sqlite3 *database = NULL;
    int code = sqlite3_open(":memory:", &database);
    *self_out = database;
    return code == SQLITE_OK
               ? OD_OK
               : od_fail(error, OD_NO_MEMORY, "opening a database of SQLite: %s", sqlite3_errstr(code));
}

static void close_session(void *self)
{
    sqlite3_close(self);
}

/* Doubles with as many digits as tell them apart, as PostgreSQL prints them. */
static const char *cell_of(struct od_arena *arena, sqlite3_stmt *statement, int column)
{
    if (sqlite3_column_type(statement, column) == SQLITE_FLOAT)
        return od_arena_print(arena, "%.17g", sqlite3_column_double(statement, column));
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text == NULL ? NULL : od_arena_copy_text(arena, text, strlen(text));
}

static bool take_row(struct od_arena *arena, sqlite3_stmt *statement, struct od_slt_answer *answer,
                     enum od_type *types, uint32_t *capacity)
{
    if (answer->row_count == *capacity) {
        uint32_t grown_capacity = *capacity == 0 ? 64 : 2 * *capacity;
        const char **grown =
            od_arena_take_array(arena, (size_t)grown_capacity * answer->column_count, sizeof(*grown));
        if (grown == NULL)
            return false;
        if (answer->row_count > 0)
            memcpy(grown, answer->cells, (size_t)answer->row_count * answer->column_count * sizeof(*grown));
        answer->cells = grown;
        *capacity = grown_capacity;
    }
    for (uint32_t i = 0; i < answer->column_count; i++) {
        int kind = sqlite3_column_type(statement, (int)i);
        const char *cell = kind == SQLITE_NULL ? NULL : cell_of(arena, statement, (int)i);
        if (kind != SQLITE_NULL && cell == NULL)
            return false;
        answer->cells[(size_t)answer->row_count * answer->column_count + i] = cell;
        if (kind == SQLITE_FLOAT)
            types[i] = OD_TYPE_FLOAT64;
        else if (kind == SQLITE_INTEGER && types[i] == OD_TYPE_TEXT)
            types[i] = OD_TYPE_INT64;
    }
    answer->row_count++;
    return true;
}

static enum od_status run_statement(struct od_arena *arena, sqlite3 *database, sqlite3_stmt *statement,
                                    struct od_slt_answer *answer)
{
    uint32_t capacity = 0;
    int code;
    *answer = (struct od_slt_answer){.column_count = (uint32_t)sqlite3_column_count(statement)};
    enum od_type *types = od_arena_take_array(arena, answer->column_count, sizeof(*types));
    if (types == NULL)
        return OD_NO_MEMORY;
    for (uint32_t i = 0; i < answer->column_count; i++)
        types[i] = OD_TYPE_TEXT;
    answer->types = types;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!take_row(arena, statement, answer, types, &capacity))
            return OD_NO_MEMORY;
    }
    answer->changed_count =
        answer->column_count > 0 ? answer->row_count : (uint64_t)sqlite3_changes(database);
    return code == SQLITE_DONE ? OD_OK
                               : od_fail(&answer->error, OD_EVALUATION, "%s", sqlite3_errmsg(database));
}

static void run_sql(void *self, struct od_arena *arena, const char *sql, struct od_slt_answer *answer_out)
{
    *answer_out = (struct od_slt_answer){0};
    while (answer_out->status == OD_OK && *sql != '\0') {
        sqlite3_stmt *statement = NULL;
        if (sqlite3_prepare_v2(self, sql, -1, &statement, &sql) != SQLITE_OK)
            answer_out->status = od_fail(&answer_out->error, OD_BAD_INPUT, "%s", sqlite3_errmsg(self));
        else if (statement != NULL)
            answer_out->status = run_statement(arena, self, statement, answer_out);
        sqlite3_finalize(statement);
    }
    answer_out->in_transaction = sqlite3_get_autocommit(self) == 0;
}

const struct od_slt_other od_slt_sqlite = {open_session, run_sql, close_session};
