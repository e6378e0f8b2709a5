/* Goal: a saved query case reproduces its run bit by bit from its file alone; what is wrong with a file is told at its line.
 * Method: a case saved, read, opened and run; then its text with one line changed at a time; `ordeal replay` of it. */
#include "harness/explore_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/world/posix.h"
#include "harness/exit_status.h"
#include "harness/file.h"

static const char scenario_text[] = "name: few\ntitle: t\ntables:\n  - {name: flights, generator: flights, rows: 5000}\nqueries:\n"
                                    "  - {name: all, asks: w, sql: SELECT count(*) AS n FROM flights}\n"
                                    "  - {name: each, asks: w, sql: 'SELECT origin, count(*) AS n FROM flights GROUP BY origin'}";
static const struct od_explore_source source = {.path = "few.yaml",
                                                .text = scenario_text,
                                                .text_bytes = sizeof(scenario_text) - 1,
                                                .query = "each",
                                                .seed = 3,
                                                .rows_max = 40,
                                                .executors = 3,
                                                .tasks_max = 2};
static char root[] = "/tmp/ordeal-case-test-XXXXXX";

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

/* The case as it fails, or would; its digest is that of its run. */
static struct od_explore_case made_case(struct od_arena *arena, const char *faults)
{
    struct od_explore_case made = {.found = "H1", .has_digest = true, .source = source};
    struct od_scenario_run_options options;
    struct od_scenario_run *scenario = NULL;
    struct od_explore_subject subject;
    struct od_explore_run run = {0};
    assert_int_equal(od_schedule_parse(arena, "test", faults, strlen(faults), &made.schedule, NULL), OD_OK);
    assert_int_equal(od_explore_source_open(&source, &options, &scenario, &subject, NULL), OD_OK);
    assert_int_equal(od_explore_run(&subject, &made.schedule, false, &run, NULL), OD_OK);
    assert_int_equal(run.verdict, OD_EXPLORE_HELD);
    made.digest = run.result.digest;
    od_explore_run_release(&run);
    od_explore_release(&subject);
    od_scenario_close(scenario);
    return made;
}

static void save(struct od_arena *arena, const char *faults, char *path, size_t path_size, struct od_buffer *text)
{
    const struct od_explore_case made = made_case(arena, faults);
    assert_int_equal(od_explore_case_save(root, &made, "three rows too many", path, path_size, NULL), OD_OK);
    assert_int_equal(od_file_read(path, text, NULL), OD_OK);
}

#define FAULTS "executor.crash at task_end stage=0 task=0 for=40ms\nnetwork.loss at message_send message_kind=8\n"

static void a_saved_case_is_read_as_it_was(void **state)
{
    (void)state;
    struct od_arena arena;
    struct od_buffer text;
    struct od_explore_case read;
    char path[4200];
    od_arena_init(&arena, od_posix_memory(), 0);
    od_buffer_init(&text, od_posix_memory());
    save(&arena, FAULTS, path, sizeof(path), &text);
    assert_true(od_explore_case_is((const char *)text.bytes, text.size));
    assert_non_null(strstr(od_buffer_text(&text), "three rows too many"));
    assert_int_equal(od_explore_case_parse(&arena, path, (const char *)text.bytes, text.size, &read, NULL), OD_OK);
    assert_string_equal(read.found, "H1");
    assert_string_equal(read.source.query, "each");
    assert_int_equal(read.source.seed, 3);
    assert_int_equal(read.source.rows_max, 40);
    assert_int_equal(read.source.executors, 3);
    assert_int_equal(read.source.tasks_max, 2);
    assert_int_equal(read.schedule.fault_count, 2);
    assert_int_equal(read.schedule.faults[0].duration_ns, 40000000);
    assert_memory_equal(read.source.text, scenario_text, sizeof(scenario_text) - 1);
    const struct od_explore_case made = made_case(&arena, FAULTS);
    assert_true(read.has_digest);
    assert_int_equal(read.digest, made.digest);
    od_buffer_release(&text);
    od_arena_release(&arena);
}

static void replay_runs_it(void **state)
{
    (void)state;
    struct od_arena arena;
    struct od_buffer text;
    char path[4200];
    int status = -1;
    od_arena_init(&arena, od_posix_memory(), 0);
    od_buffer_init(&text, od_posix_memory());
    save(&arena, FAULTS, path, sizeof(path), &text);
    assert_true(od_explore_case_replay(path, &status)); /* what it claims was wrong is not */
    assert_int_equal(status, OD_EXIT_HELD);
    /* a fault that the query can't survive: the deadline passes */
    const struct od_explore_case hopeless = {.found = "F1", .source = source};
    struct od_explore_case file = hopeless;
    static const char faults[] = "executor.pause at time=0ns executor=1 for=never\nexecutor.pause at time=0ns executor=2 for=never\n"
                                 "executor.pause at time=0ns executor=3 for=never";
    assert_int_equal(od_schedule_parse(&arena, "test", faults, strlen(faults), &file.schedule, NULL), OD_OK);
    assert_int_equal(od_explore_case_save(root, &file, "", path, sizeof(path), NULL), OD_OK);
    assert_true(od_explore_case_replay(path, &status));
    assert_int_equal(status, OD_EXIT_FAILED);
    assert_true(od_explore_case_at(path));
    assert_false(od_explore_case_at("/nowhere/at/all"));
    assert_false(od_explore_case_replay("/nowhere/at/all", &status));
    od_buffer_release(&text);
    od_arena_release(&arena);
}

/* The line that begins with `key` in place of the one that did. */
static void change(struct od_buffer *out, const char *text, const char *key, const char *line)
{
    const char *at = strstr(text, key);
    assert_non_null(at);
    od_buffer_append(out, text, (size_t)(at - text));
    od_buffer_append_text(out, line);
    od_buffer_append_text(out, strchr(at, '\n'));
}

static void mistakes_are_told_at_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *line;
        uint32_t at;
        const char *message;
    } rows[] = {
        {"ordeal query case 1", "ordeal query case 2", 1, "expected \"ordeal query case 1\""},
        {"found H1", "find H1", 2, "\"found\" and a value"},
        {"digest ", "digest 12", 3, "16 hexadecimal digits"},
        {"query each", "quarry each", 4, "\"query\" and a value"},
        {"seed 3", "seed x", 5, "\"seed\" and a number"},
        {"rows 40", "rows -1", 6, "\"rows\" and a number"},
        {"executors 3", "executors 65", 7, "up to 64"},
        {"tasks 2", "tasks", 8, "\"tasks\" and a number"},
        {"schedule 2", "schedule 2000", 0, "more lines"},
        {"executor.crash at task_end", "executor.crush at", 1, "executor.crush"}, /* in the schedule */
        {"scenario 7", "scenario", 12, "\"scenario\" and a number"},
    };
    struct od_arena arena;
    struct od_buffer text;
    char path[4200];
    od_arena_init(&arena, od_posix_memory(), 0);
    od_buffer_init(&text, od_posix_memory());
    save(&arena, FAULTS, path, sizeof(path), &text);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_buffer changed;
        struct od_explore_case read;
        struct od_error error = {0};
        od_buffer_init(&changed, od_posix_memory());
        change(&changed, od_buffer_text(&text), rows[i].key, rows[i].line);
        assert_int_equal(od_explore_case_parse(&arena, "x.case", (const char *)changed.bytes, changed.size, &read, &error), OD_BAD_INPUT);
        if (strstr(error.text, rows[i].message) == NULL)
            assert_string_equal(error.text, rows[i].message);
        if (rows[i].at != 0)
            assert_int_equal(error.line, rows[i].at);
        od_buffer_release(&changed);
    }
    od_buffer_release(&text);
    od_arena_release(&arena);
}

static void a_query_that_is_not_there_is_told(void **state)
{
    (void)state;
    struct od_explore_source other = source;
    struct od_scenario_run_options options;
    struct od_scenario_run *scenario = NULL;
    struct od_explore_subject subject;
    struct od_error error = {0};
    other.query = "none";
    assert_int_equal(od_explore_source_open(&other, &options, &scenario, &subject, &error), OD_BAD_INPUT);
    assert_non_null(strstr(error.text, "none"));
    od_scenario_close(scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_case_is_read_as_it_was),
        cmocka_unit_test(replay_runs_it),
        cmocka_unit_test(mistakes_are_told_at_their_line),
        cmocka_unit_test(a_query_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
