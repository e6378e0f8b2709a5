/* Goal: every mistake in a scenario's YAML is told at its line and column; a place inside a text is found in the file, whatever the
 * style of the scalar; the scenarios of this repository parse.
 * Method: small files as texts, one mistake each. The file that is right is taken apart by one line at a time. */
#include "harness/scenario.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TABLES  "tables:\n  - name: x\n    generator: flights\n"            /* 3 lines */
#define QUERIES "queries:\n  - name: q\n    asks: why\n    sql: SELECT 1\n" /* 4 lines */
#define WHOLE   "name: a\ntitle: t\n" TABLES QUERIES                        /* 9 lines */

static void expect_mistake(const char *text, size_t size, uint32_t line, uint32_t column, const char *message)
{
    struct od_scenario *scenario = NULL;
    struct od_error error = {0};
    char expected[300];
    char found[400];
    enum od_status status = od_scenario_parse("s.yaml", text, size, &scenario, &error);
    snprintf(expected, sizeof(expected), "%u:%u s.yaml: %s", line, column, message);
    snprintf(found, sizeof(found), "%u:%u %s", error.line, error.column, error.text);
    assert_string_equal(found, expected);
    assert_int_equal(status, OD_BAD_INPUT);
    assert_null(scenario);
}

struct mistake {
    const char *text;
    uint32_t line;
    uint32_t column;
    const char *message;
};

static void expect_mistakes(const struct mistake *mistakes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_mistake(mistakes[i].text, strlen(mistakes[i].text), mistakes[i].line, mistakes[i].column,
                       mistakes[i].message);
}
#define EXPECT_MISTAKES(mistakes) expect_mistakes(mistakes, sizeof(mistakes) / sizeof((mistakes)[0]))

static void a_whole_file_is_read(void **state)
{
    (void)state;
    static const char text[] =
        "name: all_of_it\ntitle: T\nabout: >\n  folded\n  text\nseed: 18446744073709551615\n"
        "tables:\n  - {name: x, generator: flights, rows: 12, file: x.csv}\n  - {name: y, file: y.csv}\n"
        "queries:\n  - {name: q, asks: why, sql: SELECT 1, sqlite: SELECT 2, duckdb: SELECT 3}\n"
        "cluster: {executors: 4, slots: 2, partitions: 5, scan_tasks: 6, batch_rows: 7, options: lease=50ms attempts_max=6}\n"
        "ordeal:\n  sim: 8\n  threads: 9\n  faults: 2\n  schedules:\n"
        "    - name: s\n      faults: |\n        one\n        two\n";
    struct od_scenario *scenario = NULL;
    struct od_error error = {0};
    assert_int_equal(od_scenario_parse("s", text, strlen(text), &scenario, &error), OD_OK);
    assert_string_equal(scenario->name, "all_of_it");
    assert_string_equal(scenario->about, "folded text\n");
    assert_true(scenario->seed == UINT64_MAX);
    assert_int_equal(scenario->tables_count, 2);
    assert_string_equal(scenario->tables[0].generator, "flights");
    assert_int_equal(scenario->tables[0].rows, 12);
    assert_null(scenario->tables[1].generator);
    assert_string_equal(scenario->tables[1].file, "y.csv");
    assert_string_equal(scenario->queries[0].sqlite, "SELECT 2");
    assert_string_equal(scenario->queries[0].duckdb, "SELECT 3");
    assert_int_equal(scenario->cluster->batch_rows, 7);
    assert_string_equal(scenario->cluster->options, "lease=50ms attempts_max=6");
    assert_int_equal(scenario->ordeal->threads, 9);
    assert_int_equal(scenario->ordeal->schedules_count, 1);
    assert_string_equal(scenario->ordeal->schedules[0].faults, "one\ntwo\n");
    od_scenario_free(scenario);
    assert_int_equal(od_scenario_parse("s", WHOLE, strlen(WHOLE), &scenario, &error), OD_OK);
    assert_null(scenario->cluster);
    assert_null(scenario->ordeal);
    od_scenario_free(scenario);
    od_scenario_free(NULL);
}

static void syntax_is_told_where_it_breaks(void **state)
{
    (void)state;
    const struct mistake mistakes[] = {
        {"name: a\n  title: b\n", 2, 8, "expected YAML: mapping values are not allowed in this context"},
        {"name: [a\n", 2, 1,
         "expected YAML: while parsing a flow sequence, did not find expected ',' or ']'"},
        {"name: 'a\n", 2, 1, "expected YAML: while scanning a quoted scalar, found unexpected end of stream"},
        {"name: *x\n", 1, 7, "expected YAML: found undefined alias"},
        {"name: \xc3\xa9\xff\n", 1, 8, "expected YAML: invalid leading UTF-8 octet"},
        {WHOLE "---\nname: b\n", 11, 1, "expected one document, found a second one"},
        {WHOLE "---\nname: [\n", 12, 1,
         "expected YAML: while parsing a flow node, did not find expected node content"},
    };
    EXPECT_MISTAKES(mistakes);
    expect_mistake("title: a\0b\n", 11, 1, 9, "expected YAML: control characters are not allowed");
}

static void an_empty_file_is_no_scenario(void **state)
{
    (void)state;
    const struct mistake mistakes[] = {
        {"", 1, 1, "expected a scenario, found nothing"},
        {"# only a comment\n", 1, 1, "expected a scenario, found nothing"},
        {"~\n", 1, 1, "scenario: expected a mapping, found '~'"},
        {"hello\n", 1, 1, "scenario: expected a mapping, found 'hello'"},
        {"- a\n", 1, 1, "scenario: expected a mapping, found a list"},
    };
    EXPECT_MISTAKES(mistakes);
}

static void keys_are_checked_at_every_level(void **state)
{
    (void)state;
    const struct mistake mistakes[] = {
        {WHOLE "bogus: 1\n", 10, 1,
         "unknown key 'bogus'; expected one of name, title, about, scale, seed, tables, queries, cluster, ordeal"},
        {"name: a\ntitle: t\ntables:\n  - name: x\n    generater: flights\n" QUERIES, 5, 5,
         "unknown key 'generater'; expected one of name, generator, rows, file"},
        {WHOLE "    sqlight: x\n", 10, 5, "unknown key 'sqlight'; expected one of name, asks, sql, sqlite, duckdb"},
        {WHOLE "cluster: {executors: 2, nodes: 3}\n", 10, 25,
         "unknown key 'nodes'; expected one of executors, slots, partitions, scan_tasks, batch_rows, options"},
        {WHOLE "ordeal:\n  schedules:\n    - nom: s\n", 12, 7,
         "unknown key 'nom'; expected one of name, faults"},
        {WHOLE "[a]: 1\n", 10, 1,
         "unknown key a list; expected one of name, title, about, scale, seed, tables, queries, cluster, ordeal"},
        {WHOLE "seed: 1\nseed: 1\n", 11, 1, "the key seed is given twice"},
        {WHOLE "cluster:\n  slots: 1\n  slots: 2\n", 12, 3, "the key slots is given twice"},
        {"title: t\n" TABLES QUERIES, 1, 1, "scenario: expected the key name in this mapping"},
        {"name: a\n" TABLES QUERIES, 1, 1, "scenario: expected the key title in this mapping"},
        {"name: a\ntitle: t\n" QUERIES, 1, 1, "scenario: expected the key tables in this mapping"},
        {"name: a\ntitle: t\n" TABLES, 1, 1, "scenario: expected the key queries in this mapping"},
        {"name: a\ntitle: t\n" TABLES "queries:\n  - name: q\n    sql: s\n", 7, 5,
         "queries: expected the key asks in this mapping"},
        {"name: a\ntitle: t\n" TABLES "queries:\n  - {name: q, asks: s}\n", 7, 5,
         "queries: expected the key sql in this mapping"},
        {WHOLE "ordeal: {schedules: [{name: s}]}\n", 10, 22,
         "schedules: expected the key faults in this mapping"},
    };
    EXPECT_MISTAKES(mistakes);
}

static void kinds_of_values_are_checked(void **state)
{
    (void)state;
#define SEED_RANGE "seed: expected a whole number from 0 to 18446744073709551615, found "
    const struct mistake mistakes[] = {
        {WHOLE "seed: abc\n", 10, 7, SEED_RANGE "'abc'"},
        {WHOLE "seed: -1\n", 10, 7, SEED_RANGE "'-1'"},
        {WHOLE "seed: 1.5\n", 10, 7, SEED_RANGE "'1.5'"},
        {WHOLE "seed: 010\n", 10, 7, SEED_RANGE "'010'"},
        {WHOLE "seed:\n", 10, 6, SEED_RANGE "nothing"},
        {WHOLE "seed: [1]\n", 10, 7, SEED_RANGE "a list"},
        {WHOLE "seed: 18446744073709551616\n", 10, 7, SEED_RANGE "'18446744073709551616'"},
        {WHOLE "cluster: {slots: 4294967296}\n", 10, 18,
         "slots: expected a whole number from 0 to 4294967295, found '4294967296'"},
        {WHOLE "cluster: 3\n", 10, 10, "cluster: expected a mapping, found '3'"},
        {WHOLE "ordeal:\n", 10, 8, "ordeal: expected a mapping, found nothing"},
        {"name: {a: b}\ntitle: t\n" TABLES QUERIES, 1, 7, "name: expected a text, found a mapping"},
        {"name: ''\ntitle: t\n" TABLES QUERIES, 1, 7, "name: expected a text, found nothing"},
        {"name: \"a\\0b\"\ntitle: t\n" TABLES QUERIES, 1, 7,
         "name: expected a text without NUL characters, found 'a'"},
        {"name: a\ntitle: t\n" TABLES "queries: 3\n", 6, 10, "queries: expected a list, found '3'"},
        {"name: a\ntitle: t\n" TABLES "queries: []\n", 6, 10,
         "queries: expected a list with at least one entry, found a list"},
        {"name: a\ntitle: t\ntables: [3]\n" QUERIES, 3, 10, "tables: expected a mapping, found '3'"},
        {"name: &n [*n]\n", 1, 7, "name: expected a text, found a list"},
        {"name: a\ntitle: t\ntables: &t [*t]\n", 3, 9, "tables: expected a mapping, found a list"},
    };
    EXPECT_MISTAKES(mistakes);
}

static void meaning_is_checked(void **state)
{
    (void)state;
    const struct mistake mistakes[] = {
        {"name: a b\ntitle: t\n" TABLES QUERIES, 1, 7, "expected letters, digits and _ in the name"},
        {QUERIES TABLES "title: t\nname: ../up\n", 9, 7, "expected letters, digits and _ in the name"},
        {WHOLE "  - name: q\n    asks: w\n    sql: s\n", 10, 11, "queries: two of them are named q"},
        {QUERIES "  - {asks: w, sql: s, name: q}\n" TABLES "name: a\ntitle: t\n", 5, 29,
         "queries: two of them are named q"},
        {"name: a\ntitle: t\n" TABLES "  - name: x\n    file: y\n" QUERIES, 6, 11,
         "tables: two of them are named x"},
        {WHOLE "ordeal:\n  schedules: [{name: s, faults: f}, {name: s, faults: f}]\n", 11, 44,
         "ordeal/schedules: two of them are named s"},
        {"name: a\ntitle: t\ntables:\n  - name: x\n" QUERIES, 4, 5,
         "table x: expected a generator or a file"},
        {"name: a\ntitle: t\ntables: [{name: x, generator: flights, rows: 100000001}]\n" QUERIES, 3, 46,
         "table x: expected at most 100000000 rows"},
        {WHOLE "cluster: {executors: 65}\n", 10, 22, "cluster/executors: expected at most 64, found 65"},
        {WHOLE "cluster: {options: lease=50ms atempts=3}\n", 10, 20, "no option is named 'atempts': engine/run/README.md lists them"},
        {WHOLE "cluster: {slots: 65}\n", 10, 18, "cluster/slots: expected at most 64, found 65"},
        {WHOLE "cluster:\n  partitions: 1025\n", 11, 15,
         "cluster/partitions: expected at most 1024, found 1025"},
        {WHOLE "scale: 0\n", 10, 8, "scale 0: expected a number from 0.001 to 10000, in thousandths"},
        {WHOLE "ordeal: {faults: 101}\n", 10, 18, "ordeal/faults: expected at most 100, found 101"},
    };
    EXPECT_MISTAKES(mistakes);
}

static void an_unknown_generator_lists_the_known(void **state)
{
    (void)state;
    static const char text[] = "name: a\ntitle: t\ntables:\n  - name: x\n    generator: fligths\n" QUERIES;
    struct od_scenario *scenario = NULL;
    struct od_error error = {0};
    assert_int_equal(od_scenario_parse("s", text, strlen(text), &scenario, &error), OD_BAD_INPUT);
    assert_int_equal(error.line, 5);
    assert_int_equal(error.column, 16);
    assert_non_null(strstr(error.text, "unknown generator fligths; expected one of "));
    assert_non_null(strstr(error.text, "flights"));
}

/* A line cut out of a file that is right leaves one that is refused with a place inside it, or one that is right. */
static void half_files_never_crash(void **state)
{
    (void)state;
    for (size_t size = 0; size < strlen(WHOLE); size++) {
        char text[sizeof(WHOLE)];
        memcpy(text, WHOLE, size);
        struct od_scenario *scenario = NULL;
        struct od_error error = {0};
        enum od_status status = od_scenario_parse("s", text, size, &scenario, &error);
        assert_true(status == OD_OK || (status == OD_BAD_INPUT && error.line >= 1 && error.line <= 10));
        assert_true((status == OD_OK) == (scenario != NULL));
        od_scenario_free(scenario);
    }
}

/* --- places ----------------------------------------------------------------------------------------------------- */

static void expect_place(const char *text, const char *path, uint32_t line, uint32_t column,
                         uint32_t file_line, uint32_t file_column)
{
    struct od_scenario_place place;
    char expected[100];
    char found[100];
    assert_true(od_scenario_locate(text, strlen(text), path, line, column, &place));
    snprintf(expected, sizeof(expected), "%s %u:%u is at %u:%u", path, line, column, file_line, file_column);
    snprintf(found, sizeof(found), "%s %u:%u is at %u:%u", path, line, column, place.line, place.column);
    assert_string_equal(found, expected);
}

static void places_in_block_scalars(void **state)
{
    (void)state;
    static const char literal[] =
        "a: \xc3\xa9\nsql: |\n    one two\n      three\n\n    \xc3\xa9 four\nb: c\n";
    expect_place(literal, "sql", 0, 0, 2, 6);
    expect_place(literal, "sql", 1, 1, 3, 5);
    expect_place(literal, "sql", 1, 5, 3, 9);
    expect_place(literal, "sql", 2, 3, 4, 7);
    expect_place(literal, "sql", 4, 3, 6, 7);  /* a letter of two bytes before it is one column */
    expect_place(literal, "sql", 5, 1, 6, 11); /* the end of the text: behind its last character */
    static const char blank_first[] = "sql: |2\n\n    x\n";
    expect_place(blank_first, "sql", 2, 3, 3, 5);
    static const char folded[] = "sql: >-\n  one\n  two\n\n  three\n";
    expect_place(folded, "sql", 1, 5, 3, 3); /* "one two\nthree" */
    expect_place(folded, "sql", 2, 1, 5, 3);
    static const char crlf[] = "a: b\r\nsql: |\r\n  one\r\n  two\r\n";
    expect_place(crlf, "sql", 2, 2, 4, 4);
}

static void places_in_flow_scalars(void **state)
{
    (void)state;
    expect_place("sql: SELECT 1\n", "sql", 1, 8, 1, 13);
    expect_place("sql: SELECT\n  1\n", "sql", 1, 8, 2, 3);
    expect_place("sql: 'SELECT ''a'' b'\n", "sql", 1, 12, 1, 20);
    expect_place("sql: \"SELECT \\\"a\\\" \\x41 b\"\n", "sql", 1, 12, 1, 20);
    expect_place("sql: \"SELECT \\\"a\\\" \\x41 b\"\n", "sql", 1, 14, 1, 25);
    expect_place("sql: \"SELECT\\n1\"\n", "sql", 2, 1, 1, 15);
    expect_place("sql: \"SEL\\\n  ECT 1\"\n", "sql", 1, 8, 2, 7);
    expect_place("sql: &x SELECT 1\n", "sql", 1, 8, 1, 16);
    expect_place("\xef\xbb\xbfsql: SELECT 1\n", "sql", 1, 8, 1, 13);
    expect_place("sql: ''\n", "sql", 1, 1, 1, 7);
}

static void paths_lead_to_values(void **state)
{
    (void)state;
    static const char text[] =
        "title: sql\nqueries:\n  - sql: a\n    name: sql\n  - {name: b, sql: c}\nx: {y: [1, [2, 3]]}\n";
    struct od_scenario_place place;
    expect_place(text, "queries/0/sql", 1, 1, 3, 10);
    expect_place(text, "queries/1/sql", 1, 1, 5, 20);
    expect_place(text, "queries/1", 0, 0, 5, 5);
    expect_place(text, "queries", 0, 0, 3, 3);
    expect_place(text, "x/y/1/1", 1, 1, 6, 16);
    const char *const nowhere[] = {"sql", "queries/2/sql", "title/0", "queries/0/sqlite"};
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
        assert_false(od_scenario_locate(text, strlen(text), nowhere[i], 1, 1, &place));
        assert_int_equal(place.line, 1);
        assert_int_equal(place.column, 1);
    }
    assert_false(od_scenario_locate("a: [", 4, "a", 1, 1, &place));
    assert_false(od_scenario_locate("", 0, "a", 1, 1, &place));
}

/* --- files ------------------------------------------------------------------------------------------------------- */

static void our_own_scenarios_parse(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob("scenarios/*.yaml", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 4);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct od_scenario *scenario = NULL;
        struct od_error error = {0};
        enum od_status status = od_scenario_load(found.gl_pathv[i], &scenario, &error);
        assert_string_equal(error.text, "");
        assert_int_equal(status, OD_OK);
        assert_true(scenario->queries_count >= 2);
        od_scenario_free(scenario);
    }
    globfree(&found);
}

static void a_missing_file_is_missing(void **state)
{
    (void)state;
    struct od_scenario *scenario = NULL;
    struct od_error error = {0};
    assert_int_equal(od_scenario_load("scenarios/nowhere.yaml", &scenario, &error), OD_MISSING);
    assert_non_null(strstr(error.text, "scenarios/nowhere.yaml"));
    assert_int_equal(od_scenario_load("scenarios", &scenario, &error), OD_BAD_INPUT);
    assert_null(scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_is_read),
        cmocka_unit_test(syntax_is_told_where_it_breaks),
        cmocka_unit_test(an_empty_file_is_no_scenario),
        cmocka_unit_test(keys_are_checked_at_every_level),
        cmocka_unit_test(kinds_of_values_are_checked),
        cmocka_unit_test(meaning_is_checked),
        cmocka_unit_test(an_unknown_generator_lists_the_known),
        cmocka_unit_test(half_files_never_crash),
        cmocka_unit_test(places_in_block_scalars),
        cmocka_unit_test(places_in_flow_scalars),
        cmocka_unit_test(paths_lead_to_values),
        cmocka_unit_test(our_own_scenarios_parse),
        cmocka_unit_test(a_missing_file_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
