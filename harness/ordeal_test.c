/* Goal: a result that could not be printed is no success; two runs do not share a directory; what a query took is told, in sim
 * the same every time.
 * Method: od_main in a child whose standard output is a full device; a run into a directory that another process claims; the
 * same statement twice, its output, events and measures compared. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/world/posix.h"
#include "harness/commands.h"
#include "harness/exit_status.h"
#include "harness/file.h"

/* The exit status of `ordeal ARGUMENTS` with its standard output at `path` and standard error at /dev/null. */
static int status_of(const char *path, int argc, char **argv)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int output = open(path, O_WRONLY);
        int error = open("/dev/null", O_WRONLY);
        if (dup2(output, STDOUT_FILENO) < 0 || dup2(error, STDERR_FILENO) < 0)
            _exit(99);
        _exit(od_main(argc, argv));
    }
    int how = -1;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    return WEXITSTATUS(how);
}

static void a_full_disk_is_no_success(void **state)
{
    static char *help[] = {"ordeal", "--help"};
    static char *command_help[] = {"ordeal", "hunt", "--help"};
    static char *hunt[] = {"ordeal", "hunt", "--cases", "3", "--seed", "1"};
    static const struct {
        int argc;
        char **argv;
    } rows[] = {{2, help}, {3, command_help}, {6, hunt}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(status_of("/dev/null", rows[i].argc, rows[i].argv), OD_EXIT_HELD);
        assert_int_equal(status_of("/dev/full", rows[i].argc, rows[i].argv), OD_EXIT_OWN_BUG);
    }
}

static void a_directory_has_one_run(void **state)
{
    static const char text[] = "name: a\ntitle: t\ntables:\n  - {name: t, generator: flights, rows: 5}\n"
                               "queries: [{name: q, asks: w, sql: SELECT delay FROM t}]\n";
    char folder[] = "/tmp/ordeal_test_XXXXXX";
    char scenario[60];
    char directory[60];
    char store[60];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(scenario, sizeof(scenario), "%s/s.yaml", folder);
    snprintf(directory, sizeof(directory), "%s/out", folder);
    snprintf(store, sizeof(store), "%s/store", folder);
    FILE *file = fopen(scenario, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(od_folder_make(directory, NULL), OD_OK);
    char *run[] = {"ordeal", "run", scenario, "--faults", "none", "--out", directory, "--store", store};
    int claim = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(claim, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(status_of("/dev/null", 9, run), OD_EXIT_BAD_INPUT);
    close(claim);
    assert_int_equal(status_of("/dev/null", 9, run), OD_EXIT_HELD);
    assert_int_equal(od_folder_remove(folder, NULL), OD_OK);
}

/* Makes PATH, empty. */
static void touch(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static void expect_text(const char *path, const char *text)
{
    struct od_buffer bytes;
    od_buffer_init(&bytes, od_posix_memory());
    assert_int_equal(od_file_read(path, &bytes, NULL), OD_OK);
    if (strstr(od_buffer_text(&bytes), text) == NULL)
        fail_msg("%s has no %s", path, text);
    od_buffer_release(&bytes);
}

static void expect_equal_files(const char *left, const char *right)
{
    struct od_buffer bytes[2];
    const char *const paths[] = {left, right};
    for (int i = 0; i < 2; i++) {
        od_buffer_init(&bytes[i], od_posix_memory());
        assert_int_equal(od_file_read(paths[i], &bytes[i], NULL), OD_OK);
    }
    assert_string_equal(od_buffer_text(&bytes[0]), od_buffer_text(&bytes[1]));
    for (int i = 0; i < 2; i++)
        od_buffer_release(&bytes[i]);
}

static void what_a_query_took_is_told(void **state)
{
    static char sql[] = "CREATE TABLE t AS SELECT x FROM (VALUES (1), (2), (2), (3)) AS v (x);"
                        "EXPLAIN ANALYZE SELECT x, count(*) FROM t GROUP BY x ORDER BY x";
    char folder[] = "/tmp/ordeal_test_XXXXXX";
    char files[2][3][60];
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < 2; i++) {
        static const char *const names[] = {"output", "events", "metrics"};
        for (int k = 0; k < 3; k++)
            snprintf(files[i][k], sizeof(files[i][k]), "%s/%s%d", folder, names[k], i);
        touch(files[i][0]);
        char *run[] = {"ordeal", "sql", sql, "--events", files[i][1], "--metrics", files[i][2]};
        assert_int_equal(status_of(files[i][0], 7, run), OD_EXIT_HELD);
    }
    expect_text(files[0][0], "  scan t (x) (rows 4, ");
    expect_text(files[0][0], "\ntotal: ");
    expect_equal_files(files[0][0], files[1][0]);
    expect_text(files[0][1], "{\"run\":1,\"time_ns\":");
    expect_equal_files(files[0][1], files[1][1]);
    expect_text(files[0][2], "ordeal_operator_rows{scenario=\"sql\",query=\"1\",stage=\"0\",operator=\"0\",text=\"scan t");
    char *flag[] = {"ordeal", "sql", "SELECT 1 AS x", "--explain-analyze"};
    touch(files[1][0]);
    assert_int_equal(status_of(files[1][0], 4, flag), OD_EXIT_HELD);
    expect_text(files[1][0], "values");
    expect_text(files[1][0], "(rows 1, ");
    assert_int_equal(od_folder_remove(folder, NULL), OD_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_full_disk_is_no_success),
                                       cmocka_unit_test(a_directory_has_one_run),
                                       cmocka_unit_test(what_a_query_took_is_told)};
    return cmocka_run_group_tests_name("ordeal", tests, NULL, NULL);
}
