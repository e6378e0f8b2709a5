/* Goal: what several processes spool comes out once, whole, in order of time, whatever is still being written.
 * Method: files written through spools and by hand; read in pieces; a torn end; a refused allocation. */
#include "harness/event_spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "engine/world/posix.h"
#include "harness/file.h"

static char directory[] = "/tmp/ordeal-event-spool-test-XXXXXX";
static char paths[3][80];

static int set_up(void **state)
{
    (void)state;
    strcpy(directory + sizeof(directory) - 7, "XXXXXX");
    if (mkdtemp(directory) == NULL)
        return 1;
    for (int i = 0; i < 3; i++)
        snprintf(paths[i], sizeof(paths[i]), "%s/%d", directory, i);
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    return od_folder_remove(directory, NULL) != OD_OK;
}

static void spool(const char *path, uint64_t first_ns, uint64_t step_ns, uint32_t count)
{
    struct od_event_spool out;
    assert_int_equal(od_event_spool_open(path, &out, NULL), OD_OK);
    struct od_trace trace = od_event_spool_trace(&out);
    for (uint32_t i = 0; i < count; i++) {
        struct od_event event = {.kind = OD_EVENT_TASK_RETRIED,
                                 .time_ns = first_ns + i * step_ns,
                                 .site = OD_SITE_ANY,
                                 .rows = i,
                                 .why = OD_CORRUPT,
                                 .checksum = {1, i}};
        event.site.task = i;
        trace.ops->event(trace.self, &event);
    }
    od_event_spool_close(&out);
}

struct seen {
    uint32_t count;
    uint64_t last_ns;
};
static void see(void *self, const struct od_event *event)
{
    struct seen *seen = self;
    assert_true(event->time_ns >= seen->last_ns);
    assert_int_equal(event->kind, OD_EVENT_TASK_RETRIED);
    assert_true(event->site.task == event->rows && event->checksum.high == event->rows);
    assert_int_equal(event->why, OD_CORRUPT);
    seen->last_ns = event->time_ns;
    seen->count++;
}
static const struct od_trace_ops ops = {.event = see};

static struct od_event_merge *open_all(struct od_memory *memory)
{
    struct od_event_merge *merge = od_event_merge_new(memory);
    for (int i = 0; i < 3 && merge != NULL; i++)
        if (od_event_merge_add(merge, paths[i], NULL) != OD_OK)
            break;
    return merge;
}

static void files_are_merged_by_time(void **state)
{
    (void)state;
    struct seen seen = {0};
    const struct od_trace trace = {&ops, &seen};
    struct od_event_merge *merge = open_all(od_posix_memory());
    assert_int_equal(od_event_merge_read(merge, UINT64_MAX, &trace, NULL), OD_OK); /* nothing is there yet */
    assert_int_equal(seen.count, 0);
    spool(paths[0], 10, 10, 1000); /* more than one read */
    spool(paths[1], 5, 7, 100);
    assert_int_equal(od_event_merge_read(merge, 100, &trace, NULL), OD_OK);
    assert_int_equal(seen.count, 10 + 14);
    spool(paths[2], 101, 1, 3); /* later told, but not too late */
    assert_int_equal(od_event_merge_read(merge, 200, &trace, NULL), OD_OK);
    assert_int_equal(seen.count, 20 + 28 + 3);
    spool(paths[2], 10001, 1, 2); /* the next life goes on */
    assert_int_equal(od_event_merge_read(merge, UINT64_MAX, &trace, NULL), OD_OK);
    assert_int_equal(seen.count, 1000 + 100 + 5);
    assert_int_equal(od_event_merge_read(merge, UINT64_MAX, &trace, NULL), OD_OK);
    assert_int_equal(seen.count, 1000 + 100 + 5);
    od_event_merge_free(merge);
}

static void append(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void a_torn_event_is_waited_for_or_mended(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct od_event event;
    const struct od_trace trace = {&ops, &seen};
    struct od_event_merge *merge = open_all(od_posix_memory());
    memset(&event, 0, sizeof(event));
    event = (struct od_event){.kind = OD_EVENT_TASK_RETRIED, .time_ns = 50, .why = OD_CORRUPT};
    spool(paths[0], 10, 1, 2);
    append(paths[0], &event, 20);
    assert_int_equal(od_event_merge_read(merge, UINT64_MAX, &trace, NULL), OD_OK);
    assert_int_equal(seen.count, 2);
    append(paths[0], (const uint8_t *)&event + 20, sizeof(event) - 20);
    assert_int_equal(od_event_merge_read(merge, UINT64_MAX, &trace, NULL), OD_OK);
    assert_int_equal(seen.count, 3);
    append(paths[0], &event, 33); /* its writer was killed */
    spool(paths[0], 60, 1, 2);
    assert_int_equal(od_event_merge_read(merge, UINT64_MAX, &trace, NULL), OD_OK);
    assert_int_equal(seen.count, 5);
    od_event_merge_free(merge);
}

static void each_allocation_refused_once(void **state)
{
    (void)state;
    spool(paths[0], 1, 1, 600);
    enum od_status status = OD_NO_MEMORY;
    for (uint64_t k = 0; status != OD_OK; k++) {
        struct od_countdown countdown;
        struct seen seen = {0};
        const struct od_trace trace = {&ops, &seen};
        assert_true(k < 50);
        od_countdown_init(&countdown, od_posix_memory(), k, false);
        struct od_event_merge *merge = open_all(&countdown.memory);
        status = countdown.refused_count > 0 ? OD_NO_MEMORY : OD_OK;
        if (status == OD_OK)
            status = od_event_merge_read(merge, UINT64_MAX, &trace, NULL);
        assert_true((status == OD_OK) == (countdown.refused_count == 0));
        assert_true(status != OD_OK || seen.count == 600);
        od_event_merge_free(merge);
        assert_int_equal(countdown.live_block_count, 0);
    }
}

static void what_cannot_be_opened_is_told(void **state)
{
    (void)state;
    struct od_event_spool out;
    struct od_error error = {0};
    assert_int_equal(od_event_spool_open("/nosuch/folder/file", &out, &error), OD_MISSING);
    assert_non_null(strstr(error.text, "/nosuch"));
    assert_null(od_event_spool_trace(&out).ops);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_are_merged_by_time),
        TEST(a_torn_event_is_waited_for_or_mended),
        TEST(each_allocation_refused_once),
        TEST(what_cannot_be_opened_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
