/* Goal: whatever is wrong with a scenario is told before anything runs, at its place in the scenario's file: SQL, written schedules,
 * tables without a source, missing and malformed data files.
 * Method: scenario files written to a temporary folder, with one mistake each; opened, never executed. */
#include "harness/scenario_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/file.h"
#include "harness/scenario_plan.h"

static char root[] = "/tmp/ordeal-open-test-XXXXXX";
static const struct od_scenario_run_options both = {.in_sim = true, .in_threads = true};

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) == NULL;
}
static int remove_root(void **state)
{
    (void)state;
    return od_folder_remove(root, NULL) != OD_OK;
}

static const char *written(const char *name, const char *text)
{
    static char path[200];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(text, 1, strlen(text), file);
    fclose(file);
    return path;
}

#define HEAD                                                                                                 \
    "name: a\ntitle: t\ntables:\n  - {name: flights, generator: flights, rows: 50, file: flights.csv}\n" /* 4 lines */

static void expect_mistake(const char *text, const struct od_scenario_run_options *options,
                           enum od_status status, uint32_t line, uint32_t column, const char *message)
{
    const char *path = written("s.yaml", text);
    struct od_scenario_run *run = NULL;
    struct od_error error = {0};
    assert_int_equal(od_scenario_open(path, options, &run, &error), status);
    assert_null(run);
    if (strstr(error.text, message) == NULL)
        assert_string_equal(error.text, message);
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
}

static void mistakes_in_sql_have_their_place_in_the_file(void **state)
{
    (void)state;
    expect_mistake(
        HEAD "queries:\n  - name: first\n    asks: w\n    sql: |\n      SELECT count(*)\n      FROM flights\n"
             "      WHERE dellay > 3\n",
        &both, OD_BAD_INPUT, 11, 13, "first: ");
    expect_mistake(HEAD "queries:\n  - {name: good, asks: w, sql: SELECT 1 AS one FROM flights}\n"
                        "  - name: second\n    asks: w\n    sql: SELECT delay FROM flihgts\n",
                   &both, OD_BAD_INPUT, 9, 28, "second: ");
    expect_mistake(
        HEAD "queries:\n  - name: folded\n    asks: w\n    sql: >\n      SELECT delay\n\n      FROM flights\n"
             "      GROUP BY\n",
        &both, OD_BAD_INPUT, 12, 15, "folded: ");
    expect_mistake(
        HEAD
        "queries:\n  - name: quoted\n    asks: w\n    sql: \"SELECT \\\"delay\\\", nope FROM flights\"\n",
        &both, OD_BAD_INPUT, 8, 29, "quoted: ");
    expect_mistake(HEAD "queries:\n  - name: too_much\n    asks: w\n    sql: |\n      SELECT delay,\n"
                        "        ARRAY[delay]\n      FROM flights\n",
                   &both, OD_UNSUPPORTED, 10, 9, "too_much: ");
}

static void mistakes_in_schedules_have_their_place_in_the_file(void **state)
{
    (void)state;
    static const char good[] = HEAD
        "queries:\n  - {name: q, asks: w, sql: SELECT delay FROM flights}\nordeal:\n  faults: 2\n"
        "  schedules:\n    - name: fine\n      faults: |\n        executor.crash at time=1ms executor=1\n"
        "    - name: wrong\n      faults: |\n        # a comment\n        ";
    char text[900];
    snprintf(text, sizeof(text), "%sexecutor.burn at time=1ms\n", good);
    expect_mistake(text, &both, OD_BAD_INPUT, 16, 9, "wrong: faults: ");
    snprintf(text, sizeof(text), "%sexecutor.crash at nowhere\n", good);
    expect_mistake(text, &both, OD_BAD_INPUT, 16, 27, "wrong: faults: ");
    snprintf(text, sizeof(text), "%sexecutor.crash at time=1parsec executor=1\n", good);
    expect_mistake(text, &both, OD_BAD_INPUT, 16, 32, "wrong: faults: ");
}

static void mistakes_in_yaml_keep_their_place(void **state)
{
    (void)state;
    expect_mistake("name: [\n", &both, OD_BAD_INPUT, 2, 1, "expected YAML");
    expect_mistake(HEAD "queries: []\n", &both, OD_BAD_INPUT, 5, 10, "at least one entry");
}

static void tables_need_a_source(void **state)
{
    (void)state;
    static const char text[] = "name: a\ntitle: t\ntables:\n  - name: mine\n    file: mine.csv\n"
                               "queries:\n  - {name: q, asks: w, sql: SELECT n FROM mine}\n";
    struct od_scenario_run_options from_files = {.in_sim = true, .data_directory = root};
    struct od_scenario_run *run = NULL;
    struct od_error error = {0};
    remove(written("mine.csv", "n\n"));
    expect_mistake(text, &both, OD_BAD_INPUT, 5, 11,
                   "table mine has no generator: expected --data DIR with mine.csv");
    expect_mistake(text, &from_files, OD_MISSING, 0, 0, "/mine.csv: No such file");
    written("mine.csv", "n,m\n1,2\n3\n");
    expect_mistake(text, &from_files, OD_BAD_INPUT, 3, 2, "mine.csv");
    written("mine.csv", "m\n1\n");
    expect_mistake(text, &from_files, OD_BAD_INPUT, 7, 36, "q: ");
    written("mine.csv", "n\n1\n2\n");
    assert_int_equal(od_scenario_open(written("s.yaml", text), &from_files, &run, &error), OD_OK);
    assert_int_equal(od_table_row_count(run->tables[0]), 2);
    od_scenario_close(run);
    from_files.data_directory = "/nowhere/at/all";
    expect_mistake(text, &from_files, OD_MISSING, 0, 0, "/nowhere/at/all/mine.csv");
}

static void a_given_schedule_replaces_the_others(void **state)
{
    (void)state;
    static const char text[] = HEAD "queries:\n  - {name: q, asks: w, sql: SELECT delay FROM flights}\n"
                                    "  - {name: r, asks: w, sql: SELECT delay FROM flights}\n";
    char faults[200];
    struct od_scenario_run *run = NULL;
    struct od_error error = {0};
    snprintf(faults, sizeof(faults), "%s", written("faults.txt", "executor.crash at time=1ms executor=1\n"));
    struct od_scenario_run_options given = {.in_sim = true, .in_threads = true, .faults_path = faults};
    assert_int_equal(od_scenario_open(written("s.yaml", text), &given, &run, &error), OD_OK);
    assert_int_equal(run->written_count, 1);
    assert_int_equal(run->written[0].fault_count, 1);
    assert_int_equal(run->sim_count, 0);
    od_scenario_close(run);
    snprintf(faults, sizeof(faults), "%s", written("faults.txt", "# first\nexecutor.burn\n"));
    assert_int_equal(od_scenario_open(written("s.yaml", text), &given, &run, &error), OD_BAD_INPUT);
    assert_int_equal(error.line, 2);
    assert_non_null(strstr(error.text, "faults.txt"));
    snprintf(faults, sizeof(faults), "%s/no_faults.txt", root);
    assert_int_equal(od_scenario_open(written("s.yaml", text), &given, &run, &error), OD_MISSING);
}

static void runs_are_counted_before_they_run(void **state)
{
    (void)state;
    static const char text[] =
        HEAD "queries:\n  - {name: q, asks: w, sql: SELECT delay FROM flights}\n"
             "  - {name: r, asks: w, sql: SELECT delay FROM flights}\n"
             "ordeal: {sim: 5, threads: 2, schedules: [{name: s, faults: heal at=1s}]}\n";
    const struct {
        struct od_scenario_run_options options;
        uint64_t runs; /* of each of the two queries */
    } cases[] = {
        {{.in_sim = true}, 2 + 5 + 1},
        {{.in_threads = true}, 2 + 1 + 2},
        {{.in_sim = true, .in_threads = true}, 2 + 5 + 1 + 1 + 2},
        {{.in_sim = true, .in_threads = true, .no_faults = true}, 2 + 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct od_scenario_run *run = NULL;
        struct od_error error = {0};
        assert_int_equal(od_scenario_open(written("s.yaml", text), &cases[i].options, &run, &error), OD_OK);
        assert_int_equal(od_scenario_run_count(run), 2 * cases[i].runs);
        od_scenario_close(run);
    }
    od_scenario_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_in_sql_have_their_place_in_the_file),
        cmocka_unit_test(mistakes_in_schedules_have_their_place_in_the_file),
        cmocka_unit_test(mistakes_in_yaml_keep_their_place),
        cmocka_unit_test(tables_need_a_source),
        cmocka_unit_test(a_given_schedule_replaces_the_others),
        cmocka_unit_test(runs_are_counted_before_they_run),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
