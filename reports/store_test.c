/* Goal: the store keeps every committed record whole: with several writers, after kill -9, when a record is
 * put again. Method: put and read back through a second connection of SQLite itself; four processes write at
 * once; a writer is killed at many moments and the file must pass SQLite's integrity check and hold only
 * whole records. */
#include "reports/fixture_test.h"
#include "engine/core/sweep.h"
#include "reports/store.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];
static char path[128];

static int make_directory(void **state)
{
    (void)state;
    fixture_directory(directory, sizeof(directory));
    snprintf(path, sizeof(path), "%s/deep/er/results.sqlite", directory);
    return 0;
}
static int drop_directory(void **state)
{
    (void)state;
    fixture_remove(directory);
    return 0;
}

static struct od_store *open_store(void)
{
    struct od_store *store = NULL;
    struct od_error error = {0};
    if (od_store_open(&fixture_memory, path, &store, &error) != OD_OK)
        fail_msg("%s", error.text);
    return store;
}

/* One number from the file, by another connection. */
static int64_t ask(const char *sql)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return answer;
}

static void count_found(void *self, const struct od_store_run *run)
{
    uint64_t *total = self;
    assert_non_null(run->id);
    assert_string_equal(run->verdict, "failed");
    assert_string_equal(run->directory, "/runs/1");
    assert_int_equal(run->failed, 1);
    *total += run->runs;
}

static void put_and_put_again(void **state)
{
    (void)state;
    struct od_store *store = open_store();
    assert_string_equal(od_store_path(store), path);
    struct od_record *record = fixture_record(&fixture_memory, 5);
    assert_int_equal(od_store_put(store, record, "/runs/1", NULL), OD_OK);
    od_record_finish(record, OD_RECORD_FINISHED);
    assert_int_equal(od_store_put(store, record, "/runs/1", NULL), OD_OK);
    assert_int_equal(ask("SELECT count(*) FROM runs"), 1);
    assert_int_equal(ask("SELECT count(*) FROM queries"), 2);
    assert_int_equal(ask("SELECT count(*) FROM verdicts"), 10);
    assert_int_equal(ask("SELECT count(*) FROM measures"), 10 * 30);
    assert_int_equal(ask("SELECT count(*) FROM verdicts WHERE property = 'H1' AND verdict = 'failed'"), 1);
    assert_int_equal(ask("SELECT value FROM measures WHERE name = 'virtual' LIMIT 1"), 40000000);
    assert_int_equal(ask("SELECT seed = '18446744073709551615' FROM runs"), 1);
    assert_int_equal(ask("SELECT state = 'finished' FROM runs"), 1);
    uint64_t total = 0;
    assert_int_equal(od_store_list(store, 10, count_found, &total, NULL), OD_OK);
    assert_int_equal(total, 10);
    od_record_free(record);
    od_store_close(store);
}

static void the_default_place(void **state)
{
    (void)state;
    char expected[160];
    struct od_store *store = NULL;
    struct stat about;
    setenv("XDG_STATE_HOME", directory, 1);
    assert_int_equal(od_store_open(&fixture_memory, NULL, &store, NULL), OD_OK);
    snprintf(expected, sizeof(expected), "%s/ordeal/results.sqlite", directory);
    assert_string_equal(od_store_path(store), expected);
    assert_int_equal(stat(expected, &about), 0);
    od_store_close(store);
    setenv("XDG_STATE_HOME", "relative/is/ignored", 1);
    setenv("HOME", directory, 1);
    assert_int_equal(od_store_open(&fixture_memory, NULL, &store, NULL), OD_OK);
    assert_non_null(strstr(od_store_path(store), "/.local/state/ordeal/results.sqlite"));
    od_store_close(store);
    unsetenv("XDG_STATE_HOME");
}

static void what_is_no_store_is_refused(void **state)
{
    (void)state;
    struct od_store *store = NULL;
    struct od_error error = {0};
    snprintf(path, sizeof(path), "%s/text", directory);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 200; i++)
        fputs("this is no database, but long enough to have a page\n", file);
    fclose(file);
    assert_int_equal(od_store_open(&fixture_memory, path, &store, &error), OD_BAD_INPUT);
    assert_null(store);
    assert_non_null(strstr(error.text, path));
    snprintf(path, sizeof(path), "%s/newer", directory);
    store = open_store();
    od_store_close(store);
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "PRAGMA user_version = 77", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
    assert_int_equal(od_store_open(&fixture_memory, path, &store, &error), OD_BAD_INPUT);
    assert_non_null(strstr(error.text, "77"));
}

/* In a child: no assertion may run there, so it leaves by its exit status. */
static void write_records(unsigned writer, unsigned count)
{
    struct od_store *store = NULL;
    if (od_store_open(&fixture_memory, path, &store, NULL) != OD_OK)
        _exit(1);
    struct od_record *record = fixture_record(&fixture_memory, 8);
    for (unsigned i = 0; i < count; i++) {
        od_record_print(record, &record->id, "writer-%u-%u", writer, i);
        if (od_store_put(store, record, NULL, NULL) != OD_OK)
            _exit(2);
    }
    od_record_free(record);
    od_store_close(store);
    _exit(0);
}

static void several_writers(void **state)
{
    (void)state;
    pid_t children[4];
    for (unsigned i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0)
            write_records(i, 10);
    }
    for (unsigned i = 0; i < 4; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_int_equal(ask("SELECT count(*) FROM runs"), 40);
    assert_int_equal(ask("SELECT count(*) FROM verdicts"), 40 * 16);
}

static void killed_at_any_time(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 15 || (ask("SELECT count(*) FROM runs") <= 5 && round < 300); round++) {
        pid_t child = fork();
        if (child == 0)
            write_records(round, 1000000);
        usleep(2000 + round * 3000);
        kill(child, SIGKILL);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        od_store_close(open_store());
        assert_int_equal(ask("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
        assert_int_equal(
            ask("SELECT count(*) FROM runs r WHERE 16 <> (SELECT count(*) FROM queries q JOIN verdicts v"
                " ON v.query_id = q.id WHERE q.run_id = r.id)"),
            0);
    }
    assert_true(ask("SELECT count(*) FROM runs") > 5);
}

static void each_allocation_refused_once(void **state)
{
    (void)state;
    enum od_status status = OD_NO_MEMORY;
    for (uint64_t k = 0; status != OD_OK; k++) {
        struct od_countdown countdown;
        struct od_store *store = NULL;
        od_countdown_init(&countdown, &fixture_memory, k, false);
        status = od_store_open(&countdown.memory, path, &store, NULL);
        assert_true((status == OD_OK) == (countdown.refused_count == 0));
        od_store_close(store);
        assert_int_equal(countdown.live_block_count, 0);
        assert_true(k < 10);
    }
    struct od_record *record = od_record_new(&fixture_memory);
    struct od_store *store = open_store();
    record->failed = true;
    assert_int_equal(od_store_put(store, record, NULL, NULL), OD_NO_MEMORY);
    od_record_free(record);
    od_store_close(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, drop_directory)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(put_and_put_again), TEST(the_default_place),  TEST(what_is_no_store_is_refused),
        TEST(several_writers),   TEST(killed_at_any_time), TEST(each_allocation_refused_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
