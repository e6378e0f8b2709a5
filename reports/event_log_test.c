/* Goal: events come back as they were written; a log that was cut anywhere still reads; the timeline tells
 * what happened. Method: write, read, compare; cut the file at every byte; a disk that is full (/dev/full
 * through a link); the fixture's run with a lost executor, a zombie and a recompute, whose spans are known.
 */
#include "reports/fixture_test.h"
#include "engine/core/sweep.h"
#include "reports/timeline.h"
#include "reports/whole_file.h"

#include <unistd.h>

static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    fixture_directory(directory, sizeof(directory));
    return 0;
}
static int drop_directory(void **state)
{
    (void)state;
    fixture_remove(directory);
    return 0;
}

static void write_fixture(void)
{
    struct od_event_log *log = NULL;
    assert_int_equal(od_event_log_open(&fixture_memory, directory, &log, NULL), OD_OK);
    fixture_events(log, 4, 5);
    assert_int_equal(od_event_log_close(log, NULL), OD_OK);
}

static void written_and_read(void **state)
{
    (void)state;
    struct od_event_log *log = NULL;
    struct od_report_event event = od_report_event_none();
    event.run = 3;
    event.kind = "fault_fired";
    event.time_ns = UINT64_C(9007199254740993); /* 2^53 + 1: no double on the way */
    event.task = 0;
    event.value = 7;
    event.text = NASTY;
    assert_int_equal(od_event_log_open(&fixture_memory, directory, &log, NULL), OD_OK);
    event.query = 4;
    assert_int_equal(od_event_log_write(log, &event, NULL), OD_OK);
    struct od_event_list list; /* what was written is there, though the log is open: a kill loses nothing */
    assert_int_equal(od_event_list_load(&fixture_memory, directory, &list, NULL), OD_OK);
    assert_int_equal(od_event_log_close(log, NULL), OD_OK);
    assert_int_equal(list.count, 1);
    assert_false(list.torn);
    assert_int_equal(list.events[0].query, 4);
    assert_string_equal(list.events[0].kind, "fault_fired");
    assert_true(list.events[0].time_ns == event.time_ns);
    assert_int_equal(list.events[0].task, 0);
    assert_int_equal(list.events[0].stage, OD_REPORT_NONE);
    assert_non_null(strstr(list.events[0].text, "\x01 caf\xc3\xa9 \xef\xbf\xbd"));
    od_event_list_release(&list);
}

static void a_missing_log_is_empty(void **state)
{
    (void)state;
    struct od_event_list list;
    struct od_error error = {0};
    assert_int_equal(od_event_list_load(&fixture_memory, directory, &list, &error), OD_OK);
    assert_int_equal(list.count, 0);
    assert_int_equal(error.status, OD_OK);
    od_event_list_release(&list);
}

static void cut_at_every_byte(void **state)
{
    (void)state;
    struct od_buffer path;
    struct od_buffer bytes;
    write_fixture();
    od_buffer_init(&path, &fixture_memory);
    od_buffer_init(&bytes, &fixture_memory);
    od_whole_file_inside(&path, directory, OD_EVENT_LOG_FILE_NAME);
    assert_int_equal(od_whole_file_read(od_buffer_text(&path), &bytes, NULL), OD_OK);
    size_t lines = 0;
    for (size_t size = 0; size <= bytes.size; size++) {
        struct od_event_list list;
        bool at_line_end = size == 0 || bytes.bytes[size - 1] == '\n';
        lines += size > 0 && at_line_end;
        assert_int_equal(
            od_event_list_parse(&fixture_memory, "cut", (const char *)bytes.bytes, size, &list, NULL), OD_OK);
        assert_int_equal(list.count, lines);
        assert_true(list.torn == !at_line_end);
        od_event_list_release(&list);
    }
    assert_true(lines > 40);
    od_buffer_release(&path);
    od_buffer_release(&bytes);
}

static void a_bad_line_in_the_middle(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"kind\":\"a\"}\n{\"kind\":\n{\"kind\":\"b\"}\n",
        "{\"kind\":\"a\"}\n{\"run\":1}\n",
        "{\"kind\":\"a\"}\n{\"kind\":\"b\",\"task\":4294967296}\n",
        "{\"kind\":\"a\"}\n{\"kind\":\"b\",\"rows\":-1}\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct od_event_list list;
        struct od_error error = {0};
        assert_int_equal(
            od_event_list_parse(&fixture_memory, "log", texts[i], strlen(texts[i]), &list, &error),
            OD_BAD_INPUT);
        assert_int_equal(error.line, 2);
        assert_non_null(strstr(error.text, "log:2"));
    }
}

static void a_full_disk_is_told_once_and_for_all(void **state)
{
    (void)state;
    char path[128];
    struct od_event_log *log = NULL;
    struct od_error error = {0};
    snprintf(path, sizeof(path), "%s/%s", directory, OD_EVENT_LOG_FILE_NAME);
    assert_int_equal(symlink("/dev/full", path), 0);
    assert_int_equal(od_event_log_open(&fixture_memory, directory, &log, NULL), OD_OK);
    struct od_report_event event = od_report_event_none();
    event.kind = "x";
    assert_int_equal(od_event_log_write(log, &event, &error), OD_IO);
    assert_non_null(strstr(error.text, "No space left"));
    assert_int_equal(od_event_log_write(log, &event, NULL), OD_IO);
    assert_int_equal(od_event_log_close(log, NULL), OD_IO);
    assert_int_equal(unlink(path), 0);
}

static const struct od_span *span_of(const struct od_timeline *timeline, uint32_t executor, uint32_t stage,
                                     uint32_t task, uint32_t attempt)
{
    for (size_t i = 0; i < timeline->span_count; i++) {
        const struct od_span *span = &timeline->spans[i];
        if (span->executor == executor && span->stage == stage && span->task == task &&
            span->attempt == attempt)
            return span;
    }
    fail_msg("no span of task %u.%u attempt %u on executor %u", stage, task, attempt, executor);
    return NULL;
}

static void the_timeline_tells_what_happened(void **state)
{
    (void)state;
    struct od_event_list list;
    struct od_timeline timeline;
    struct od_arena arena;
    write_fixture();
    od_arena_init(&arena, &fixture_memory, 0);
    assert_int_equal(od_event_list_load(&fixture_memory, directory, &list, NULL), OD_OK);
    assert_int_equal(od_timeline_build(&arena, &list, 5, &timeline, NULL), OD_OK);
    assert_int_equal(timeline.span_count, 10);
    assert_int_equal(timeline.executor_last, 3);
    assert_int_equal(timeline.mark_count, 5);
    assert_int_equal(span_of(&timeline, 1, 0, 0, 0)->outcome, OD_SPAN_DONE);
    assert_int_equal(span_of(&timeline, 3, 0, 2, 0)->outcome, OD_SPAN_FAILED);
    assert_string_equal(span_of(&timeline, 3, 0, 2, 0)->text, "corrupt (injected)");
    assert_int_equal(span_of(&timeline, 3, 0, 2, 1)->outcome, OD_SPAN_AGAIN);
    assert_int_equal(span_of(&timeline, 2, 2, 1, 0)->outcome, OD_SPAN_LOST);
    assert_int_equal(span_of(&timeline, 2, 2, 1, 0)->end_ns, 16000000);
    assert_int_equal(span_of(&timeline, 3, 2, 2, 0)->outcome, OD_SPAN_REFUSED);
    assert_int_equal(span_of(&timeline, 1, 0, 1, 0)->outcome,
                     OD_SPAN_AGAIN); /* attempt 0, but committed before */
    assert_int_equal(od_timeline_build(&arena, &list, 4, &timeline, NULL), OD_OK);
    for (size_t i = 0; i < timeline.span_count; i++) {
        assert_int_equal(timeline.spans[i].outcome, OD_SPAN_DONE);
        for (size_t k = 0; k < i; k++) {
            const struct od_span *one = &timeline.spans[i];
            const struct od_span *other = &timeline.spans[k];
            bool apart = one->executor != other->executor || one->lane != other->lane ||
                         one->start_ns >= other->end_ns || other->start_ns >= one->end_ns;
            assert_true(apart);
        }
    }
    assert_int_equal(od_timeline_build(&arena, &list, 99, &timeline, NULL), OD_OK);
    assert_int_equal(timeline.span_count, 0);
    assert_int_equal(timeline.start_ns, 0);
    od_event_list_release(&list);
    od_arena_release(&arena);
}

static void each_allocation_refused_once(void **state)
{
    (void)state;
    enum od_status status = OD_NO_MEMORY;
    for (uint64_t k = 0; status != OD_OK; k++) {
        struct od_countdown countdown;
        struct od_event_log *log = NULL;
        struct od_event_list list;
        struct od_report_event event = od_report_event_none();
        event.kind = "task_started";
        assert_true(k < 100);
        memset(&list, 0, sizeof(list));
        od_countdown_init(&countdown, &fixture_memory, k, false);
        status = od_event_log_open(&countdown.memory, directory, &log, NULL);
        for (int i = 0; i < 300 && status == OD_OK; i++)
            status = od_event_log_write(log, &event, NULL);
        enum od_status closed = od_event_log_close(log, NULL);
        if (status == OD_OK)
            status = closed;
        if (status == OD_OK)
            status = od_event_list_load(&countdown.memory, directory, &list, NULL);
        assert_true(status != OD_OK || list.count == 300);
        assert_true((status == OD_OK) == (countdown.refused_count == 0));
        od_event_list_release(&list);
        assert_int_equal(countdown.live_block_count, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, drop_directory)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(written_and_read),
        TEST(a_missing_log_is_empty),
        TEST(cut_at_every_byte),
        TEST(a_bad_line_in_the_middle),
        TEST(a_full_disk_is_told_once_and_for_all),
        TEST(the_timeline_tells_what_happened),
        TEST(each_allocation_refused_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
