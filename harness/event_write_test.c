/* Goal: what a cluster does stands in the event log when it happens, with its reasons in words, and every kind of event is
 * explained to readers.
 * Method: a disturbed query is told to a log and kept in memory, and the two are compared; events by hand; EVENTS.md is searched. */
#include "harness/event_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/file.h"
#include "harness/small_query.h"

static char directory[] = "/tmp/ordeal-event-write-test-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) == NULL;
}
static int drop_directory(void **state)
{
    (void)state;
    return od_folder_remove(directory, NULL) != OD_OK;
}

static struct od_schedule schedule_of(struct od_arena *arena, const char *text)
{
    struct od_schedule schedule;
    assert_int_equal(od_schedule_parse(arena, "test", text, strlen(text), &schedule, NULL), OD_OK);
    return schedule;
}

static struct od_event_log *open_log(void)
{
    struct od_event_log *log = NULL;
    assert_int_equal(od_event_log_open(od_posix_memory(), directory, &log, NULL), OD_OK);
    return log;
}

/* Closes the log and reads it. */
static struct od_event_list read_log(struct od_event_log *log)
{
    struct od_event_list list;
    assert_int_equal(od_event_log_close(log, NULL), OD_OK);
    assert_int_equal(od_event_list_load(od_posix_memory(), directory, &list, NULL), OD_OK);
    assert_false(list.torn);
    return list;
}

static void a_run_is_told_as_it_happens(void **state)
{
    (void)state;
    struct od_small_query query;
    struct od_cluster_result result;
    od_small_query_make(&query, OD_SMALL_QUERY);
    struct od_schedule schedule =
        schedule_of(&query.plan_arena, "task.error_before at task_start stage=0 task=0");
    struct od_event_writer writer = {open_log(), 3, &schedule};
    const struct od_cluster_request request = {.graph = query.prepared.graph,
                                               .schedule = &schedule,
                                               .seed = 7,
                                               .keep_events = true,
                                               .trace = od_event_writer_trace(&writer)};
    assert_int_equal(od_cluster_run(od_posix_memory(), &request, &result, NULL), OD_OK);
    assert_int_equal(result.outcome.status, OD_OK);
    struct od_event_list list = read_log(writer.log);
    uint32_t retried = 0;
    uint32_t of_query = 0;
    assert_int_equal(list.count, result.event_count);
    for (uint32_t i = 0; i < result.event_count; i++) {
        const struct od_report_event *line = &list.events[i];
        assert_string_equal(line->kind, od_event_text(result.events[i].kind));
        assert_true(line->time_ns == result.events[i].time_ns);
        assert_int_equal(line->run, 3);
        assert_int_equal(line->query, result.events[i].site.query); /* OD_ANY, of a registration, is none */
        of_query += line->query == 1;
        if (result.events[i].kind == OD_EVENT_FAULT_FIRED)
            assert_non_null(strstr(line->text, "fails"));
        if (result.events[i].kind == OD_EVENT_TASK_RETRIED)
            assert_string_equal(line->text, od_status_text((enum od_status)line->value));
        retried += result.events[i].kind == OD_EVENT_TASK_RETRIED;
    }
    assert_true(retried > 0 && of_query > 10);
    od_event_list_release(&list);
    od_cluster_result_release(&result);
    od_small_query_release(&query);
}

static void reasons_are_words(void **state)
{
    (void)state;
    static const struct {
        struct od_event event;
        const char *text;
    } cases[] = {
        {{.kind = OD_EVENT_OUTPUT_LOST, .value = OD_CORRUPT}, "corrupt"},
        {{.kind = OD_EVENT_PLAN_ADAPTED, .value = OD_ADAPTATION_SPLIT}, "split"},
        {{.kind = OD_EVENT_EXECUTOR_EXCLUDED, .value = 5000000, .why = OD_IO}, "input/output"},
        {{.kind = OD_EVENT_TASK_SPECULATED, .value = 5000000}, NULL},
        {{.kind = OD_EVENT_FAULT_FIRED, .value = 99}, NULL}, /* of no schedule */
    };
    struct od_event_writer writer = {.log = open_log()};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(od_event_writer_write(&writer, &cases[i].event, NULL), OD_OK);
    struct od_event_list list = read_log(writer.log);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(list.events[i].value, cases[i].event.value);
        assert_int_equal(list.events[i].source_stage, OD_REPORT_NONE);
        if (cases[i].text == NULL)
            assert_null(list.events[i].text);
        else
            assert_string_equal(list.events[i].text, cases[i].text);
    }
    od_event_list_release(&list);
}

static void every_kind_is_explained(void **state)
{
    (void)state;
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    assert_int_equal(od_file_read("reports/EVENTS.md", &text, NULL),
                     OD_OK); /* tests run in the source folder */
    for (int kind = 0; kind < OD_EVENT_COUNT; kind++) {
        char row[80];
        snprintf(row, sizeof(row), "\n| `%s` | ", od_event_text((enum od_event_kind)kind));
        if (strstr(od_buffer_text(&text), row) == NULL)
            fail_msg("reports/EVENTS.md has no row for %s", od_event_text((enum od_event_kind)kind));
    }
    od_buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_told_as_it_happens),
        cmocka_unit_test(reasons_are_words),
        cmocka_unit_test(every_kind_is_explained),
    };
    return cmocka_run_group_tests(tests, make_directory, drop_directory);
}
