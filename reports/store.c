/* store: see store.h for the tables' relations. All statements are static texts; values are always bound.
 *
 * Order of od_store_put: BEGIN IMMEDIATE (so that two writers queue up here and not in the middle), delete
 * what the same id had (children go by foreign key), insert, COMMIT. Any failure rolls back. */
#include "reports/store.h"

#include "reports/whole_file.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_MS 10000

static const char schema_sql[] =
    "CREATE TABLE runs (id TEXT PRIMARY KEY, state TEXT NOT NULL, verdict TEXT NOT NULL, started_unix_ms "
    "INTEGER NOT NULL,"
    " ended_unix_ms INTEGER NOT NULL, command TEXT, version TEXT, build_id TEXT, compiler TEXT, host TEXT, "
    "os TEXT,"
    " cores INTEGER, engine TEXT, seed TEXT NOT NULL, directory TEXT) WITHOUT ROWID;"
    "CREATE INDEX runs_started ON runs (started_unix_ms);"
    "CREATE TABLE queries (id INTEGER PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE "
    "CASCADE,"
    " scenario TEXT NOT NULL, query TEXT NOT NULL, sql TEXT, answer_rows INTEGER NOT NULL, answer_digest "
    "TEXT);"
    "CREATE INDEX queries_run ON queries (run_id);"
    "CREATE INDEX queries_name ON queries (scenario, query);"
    "CREATE TABLE verdicts (id INTEGER PRIMARY KEY, query_id INTEGER NOT NULL REFERENCES queries (id) ON "
    "DELETE CASCADE,"
    " run_index INTEGER NOT NULL, deployment TEXT NOT NULL, schedule_index INTEGER NOT NULL, disturbed "
    "INTEGER NOT NULL,"
    " seed TEXT NOT NULL, verdict TEXT NOT NULL, property TEXT, message TEXT, digest TEXT);"
    "CREATE INDEX verdicts_query ON verdicts (query_id);"
    "CREATE INDEX verdicts_verdict ON verdicts (verdict);"
    "CREATE TABLE measures (verdict_id INTEGER NOT NULL REFERENCES verdicts (id) ON DELETE CASCADE, name "
    "TEXT NOT NULL,"
    " value INTEGER NOT NULL, unit TEXT NOT NULL, PRIMARY KEY (verdict_id, name)) WITHOUT ROWID;";

struct measure {
    const char *name;
    enum od_record_unit unit;
    size_t offset; /* in struct od_record_run */
};
#define MEASURE(field, name, unit, fold, sentence)                                                           \
    {#name, OD_RECORD_UNIT_##unit, offsetof(struct od_record_run, field)},
static const struct measure measures[] = {OD_RECORD_RUN_MEASURES(MEASURE)};
#undef MEASURE

enum statement {
    DELETE_RUN,
    INSERT_RUN,
    INSERT_QUERY,
    INSERT_VERDICT,
    INSERT_MEASURE,
    LIST_RUNS,
    STATEMENT_COUNT
};
static const char *const statements[] = {
    [DELETE_RUN] = "DELETE FROM runs WHERE id = ?1",
    [INSERT_RUN] =
        "INSERT INTO runs (id, state, verdict, started_unix_ms, ended_unix_ms, command, version, build_id,"
        " compiler, host, os, cores, engine, seed, directory)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    [INSERT_QUERY] = "INSERT INTO queries (run_id, scenario, query, sql, answer_rows, answer_digest)"
                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [INSERT_VERDICT] =
        "INSERT INTO verdicts (query_id, run_index, deployment, schedule_index, disturbed, seed, verdict,"
        " property, message, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [INSERT_MEASURE] = "INSERT INTO measures (verdict_id, name, value, unit) VALUES (?1, ?2, ?3, ?4)",
    [LIST_RUNS] =
        "SELECT r.id, r.state, r.verdict, r.engine, r.build_id, r.directory, r.started_unix_ms,"
        " count(v.id), coalesce(sum(v.verdict = 'failed'), 0)"
        " FROM runs r LEFT JOIN queries q ON q.run_id = r.id LEFT JOIN verdicts v ON v.query_id = q.id"
        " GROUP BY r.id ORDER BY r.started_unix_ms DESC, r.id DESC LIMIT ?1",
};
_Static_assert(sizeof(statements) / sizeof(statements[0]) == STATEMENT_COUNT, "every statement has a text");

struct od_store {
    struct od_memory *memory; /* borrowed */
    sqlite3 *database;        /* owned */
    sqlite3_stmt *prepared[STATEMENT_COUNT];
    char path[PATH_MAX];
};

static enum od_status fail_sql(const struct od_store *store, const char *what, struct od_error *error)
{
    int code = sqlite3_errcode(store->database);
    bool unusable = code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_READONLY ||
                    code == SQLITE_CANTOPEN || code == SQLITE_PERM;
    enum od_status status = unusable ? OD_BAD_INPUT : code == SQLITE_NOMEM ? OD_NO_MEMORY : OD_IO;
    return od_fail(error, status, "%s: %s: %s", what, store->path, sqlite3_errmsg(store->database));
}

static enum od_status execute(const struct od_store *store, const char *sql, struct od_error *error)
{
    if (sqlite3_exec(store->database, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail_sql(store, "result store", error);
    return OD_OK;
}

/* The default path; false when there is no home. */
static bool find_default(char *path, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int length;
    if (state != NULL && state[0] == '/') /* the specification: relative paths are ignored */
        length = snprintf(path, size, "%s/ordeal/results.sqlite", state);
    else if (home != NULL && home[0] != '\0')
        length = snprintf(path, size, "%s/.local/state/ordeal/results.sqlite", home);
    else
        return false;
    return length > 0 && (size_t)length < size;
}

static enum od_status choose_path(struct od_store *store, const char *path, struct od_error *error)
{
    if (path == NULL && !find_default(store->path, sizeof(store->path)))
        return od_fail(error, OD_BAD_INPUT,
                       "result store: neither XDG_STATE_HOME nor HOME is set; give --store FILE");
    if (path != NULL && snprintf(store->path, sizeof(store->path), "%s", path) >= (int)sizeof(store->path))
        return od_fail(error, OD_BAD_INPUT, "result store: the name is too long: %.100s...", path);
    char *slash = strrchr(store->path, '/');
    if (slash == NULL || slash == store->path)
        return OD_OK;
    *slash = '\0';
    enum od_status status = od_whole_file_make_directory(store->path, 0700, error);
    *slash = '/';
    return status;
}

static enum od_status read_version(const struct od_store *store, int *version, struct od_error *error)
{
    sqlite3_stmt *statement = NULL;
    *version = 0;
    bool read =
        sqlite3_prepare_v2(store->database, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW;
    if (read)
        *version = sqlite3_column_int(statement, 0);
    enum od_status status = read ? OD_OK : fail_sql(store, "result store", error);
    sqlite3_finalize(statement);
    return status;
}

/* Two first users may meet here: the lock is taken before the version is read for good. */
static enum od_status make_schema(struct od_store *store, struct od_error *error)
{
    int version = 0;
    char stamp[64];
    enum od_status status = execute(store, "BEGIN IMMEDIATE", error);
    if (status != OD_OK)
        return status;
    status = read_version(store, &version, error);
    if (status == OD_OK && version == 0) {
        snprintf(stamp, sizeof(stamp), "PRAGMA user_version = %d", OD_STORE_SCHEMA_VERSION);
        status = execute(store, schema_sql, error);
        if (status == OD_OK)
            status = execute(store, stamp, error);
    }
    if (status == OD_OK)
        status = execute(store, "COMMIT", error);
    if (status != OD_OK)
        sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static enum od_status check_schema(struct od_store *store, struct od_error *error)
{
    int version = 0;
    enum od_status status = read_version(store, &version, error);
    if (status == OD_OK && version == 0) {
        status = make_schema(store, error);
        if (status == OD_OK)
            status = read_version(store, &version, error);
    }
    if (status == OD_OK && version != OD_STORE_SCHEMA_VERSION)
        status = od_fail(error, OD_BAD_INPUT, "result store: %s has schema version %d, this ordeal knows %d",
                         store->path, version, OD_STORE_SCHEMA_VERSION);
    return status;
}

static enum od_status prepare_all(struct od_store *store, struct od_error *error)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        if (sqlite3_prepare_v2(store->database, statements[i], -1, &store->prepared[i], NULL) != SQLITE_OK)
            return fail_sql(store, "result store", error);
    }
    return OD_OK;
}

enum od_status od_store_open(struct od_memory *memory, const char *path, struct od_store **store_out,
                             struct od_error *error)
{
    *store_out = NULL;
    struct od_store *store = od_take(memory, sizeof(*store));
    if (store == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening the result store");
    store->memory = memory;
    enum od_status status = choose_path(store, path, error);
    if (status != OD_OK)
        goto done;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(store->path, &store->database, flags, NULL) != SQLITE_OK) {
        status = fail_sql(store, "opening the result store", error);
        goto done;
    }
    sqlite3_busy_timeout(store->database, BUSY_MS);
    status = execute(
        store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON", error);
    if (status == OD_OK)
        status = check_schema(store, error);
    if (status == OD_OK)
        status = prepare_all(store, error);
    if (status != OD_OK)
        goto done;
    *store_out = store;
    store = NULL;
done:
    od_store_close(store);
    return status;
}

void od_store_close(struct od_store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(store->prepared[i]);
    sqlite3_close(store->database);
    od_give(store->memory, store, sizeof(*store));
}

const char *od_store_path(const struct od_store *store)
{
    return store->path;
}

/* Binding by position, as the columns stand in the statement. SQLite remembers the first failure for the
 * step. */
struct binder {
    sqlite3_stmt *statement;
    int position;
    bool failed;
};
static struct binder bind_start(struct od_store *store, enum statement which)
{
    struct binder binder = {store->prepared[which], 0, false};
    sqlite3_reset(binder.statement);
    sqlite3_clear_bindings(binder.statement);
    return binder;
}
static void bind_text(struct binder *binder, const char *text)
{
    int code = sqlite3_bind_text(binder->statement, ++binder->position, text, -1, SQLITE_STATIC);
    binder->failed = binder->failed || code != SQLITE_OK;
}
static void bind_number(struct binder *binder, uint64_t number)
{
    sqlite3_int64 value = number > INT64_MAX ? INT64_MAX : (sqlite3_int64)number;
    int code = sqlite3_bind_int64(binder->statement, ++binder->position, value);
    binder->failed = binder->failed || code != SQLITE_OK;
}
static void bind_seed(struct binder *binder, uint64_t seed)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%llu", (unsigned long long)seed);
    int code = sqlite3_bind_text(binder->statement, ++binder->position, digits, -1, SQLITE_TRANSIENT);
    binder->failed = binder->failed || code != SQLITE_OK;
}
static enum od_status bind_run(struct od_store *store, struct binder *binder, struct od_error *error)
{
    bool done = !binder->failed && sqlite3_step(binder->statement) == SQLITE_DONE;
    enum od_status status = done ? OD_OK : fail_sql(store, "writing the result store", error);
    sqlite3_reset(binder->statement);
    return status;
}

static enum od_status put_head(struct od_store *store, const struct od_record *record, const char *directory,
                               struct od_error *error)
{
    struct binder binder = bind_start(store, DELETE_RUN);
    bind_text(&binder, record->id);
    enum od_status status = bind_run(store, &binder, error);
    if (status != OD_OK)
        return status;
    binder = bind_start(store, INSERT_RUN);
    bind_text(&binder, record->id);
    bind_text(&binder, od_record_state_text(record->state));
    bind_text(&binder, od_record_verdict_text(od_record_overall(record)));
    bind_number(&binder, record->started_unix_ms);
    bind_number(&binder, record->ended_unix_ms);
    bind_text(&binder, record->command);
    bind_text(&binder, record->version);
    bind_text(&binder, record->build_id);
    bind_text(&binder, record->compiler);
    bind_text(&binder, record->host);
    bind_text(&binder, record->os);
    bind_number(&binder, record->cores);
    bind_text(&binder, record->engine);
    bind_seed(&binder, record->seed);
    bind_text(&binder, directory);
    return bind_run(store, &binder, error);
}

static enum od_status put_measures(struct od_store *store, const struct od_record_run *run,
                                   uint64_t verdict_id, struct od_error *error)
{
    enum od_status status = OD_OK;
    for (size_t i = 0; i < sizeof(measures) / sizeof(measures[0]) && status == OD_OK; i++) {
        struct binder binder = bind_start(store, INSERT_MEASURE);
        bind_number(&binder, verdict_id);
        bind_text(&binder, measures[i].name);
        bind_number(&binder, *(const uint64_t *)(const void *)((const uint8_t *)run + measures[i].offset));
        bind_text(&binder, od_record_unit_text(measures[i].unit));
        status = bind_run(store, &binder, error);
    }
    return status;
}

static enum od_status put_run(struct od_store *store, const struct od_record_run *run, uint64_t query_id,
                              struct od_error *error)
{
    struct binder binder = bind_start(store, INSERT_VERDICT);
    bind_number(&binder, query_id);
    bind_number(&binder, run->run_index);
    bind_text(&binder, run->deployment == NULL ? "" : run->deployment);
    bind_number(&binder, run->schedule_index);
    bind_number(&binder, run->disturbed);
    bind_seed(&binder, run->seed);
    bind_text(&binder, od_record_verdict_text(run->verdict));
    bind_text(&binder, run->property);
    bind_text(&binder, run->message);
    bind_text(&binder, run->digest);
    enum od_status status = bind_run(store, &binder, error);
    if (status == OD_OK)
        status = put_measures(store, run, (uint64_t)sqlite3_last_insert_rowid(store->database), error);
    return status;
}

static enum od_status put_query(struct od_store *store, const struct od_record *record,
                                const struct od_record_scenario *scenario,
                                const struct od_record_query *query, struct od_error *error)
{
    struct binder binder = bind_start(store, INSERT_QUERY);
    bind_text(&binder, record->id);
    bind_text(&binder, scenario->name == NULL ? "" : scenario->name);
    bind_text(&binder, query->name == NULL ? "" : query->name);
    bind_text(&binder, query->sql);
    bind_number(&binder, query->answer_rows);
    bind_text(&binder, query->answer_digest);
    enum od_status status = bind_run(store, &binder, error);
    uint64_t query_id = (uint64_t)sqlite3_last_insert_rowid(store->database);
    for (uint32_t i = 0; i < query->runs.count && status == OD_OK; i++)
        status = put_run(store, query->runs.items[i], query_id, error);
    return status;
}

static enum od_status put_all(struct od_store *store, const struct od_record *record, const char *directory,
                              struct od_error *error)
{
    enum od_status status = put_head(store, record, directory, error);
    for (uint32_t i = 0; i < record->scenarios.count; i++) {
        const struct od_record_scenario *scenario = record->scenarios.items[i];
        for (uint32_t k = 0; k < scenario->queries.count && status == OD_OK; k++)
            status = put_query(store, record, scenario, scenario->queries.items[k], error);
    }
    return status;
}

enum od_status od_store_put(struct od_store *store, const struct od_record *record, const char *directory,
                            struct od_error *error)
{
    if (record->failed)
        return od_fail(error, OD_NO_MEMORY, "writing the result store: the record is incomplete");
    if (record->id == NULL)
        return od_fail(error, OD_BAD_INPUT, "writing the result store: the record has no id");
    enum od_status status = execute(store, "BEGIN IMMEDIATE", error);
    if (status != OD_OK)
        return status;
    status = put_all(store, record, directory, error);
    if (status == OD_OK)
        status = execute(store, "COMMIT", error);
    if (status != OD_OK)
        sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

enum od_status od_store_list(struct od_store *store, uint32_t limit,
                             void (*found)(void *self, const struct od_store_run *run), void *self,
                             struct od_error *error)
{
    struct binder binder = bind_start(store, LIST_RUNS);
    bind_number(&binder, limit);
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(binder.statement)) == SQLITE_ROW) {
        const char *texts[6];
        for (int i = 0; i < 6; i++)
            texts[i] = (const char *)sqlite3_column_text(binder.statement, i);
        struct od_store_run run = {.id = texts[0],
                                   .state = texts[1],
                                   .verdict = texts[2],
                                   .engine = texts[3],
                                   .build_id = texts[4],
                                   .directory = texts[5],
                                   .started_unix_ms = (uint64_t)sqlite3_column_int64(binder.statement, 6),
                                   .runs = (uint64_t)sqlite3_column_int64(binder.statement, 7),
                                   .failed = (uint64_t)sqlite3_column_int64(binder.statement, 8)};
        found(self, &run);
    }
    enum od_status status = code == SQLITE_DONE ? OD_OK : fail_sql(store, "reading the result store", error);
    sqlite3_reset(binder.statement);
    return status;
}
