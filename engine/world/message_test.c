/* Goal: a message is one zeroed allocation with an aligned body; names of points and events are unique and
 * found again.
 * Method: sizes around the alignment, the one allocation refused, all names against all others. */
#include "engine/world/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "engine/world/event.h"
#include "engine/world/point.h"

static void messages_are_one_block(void **state)
{
    (void)state;
    for (size_t size = 0; size < 40; size++) {
        struct od_countdown countdown;
        od_countdown_init(&countdown, od_heap_for_tests(), UINT64_MAX, false);
        struct od_message *message = od_message_new(&countdown.memory, size);
        assert_non_null(message);
        assert_int_equal(countdown.live_block_count, 1);
        assert_int_equal(message->body_bytes, size);
        assert_int_equal((uintptr_t)message->body % 16, 0);
        assert_int_equal(message->site.task, OD_ANY);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(message->body[i], 0);
        memset(message->body, 0xff, size);
        od_message_free(&countdown.memory, message);
        assert_int_equal(countdown.live_block_count, 0);
    }
    od_message_free(od_heap_for_tests(), NULL);
    assert_null(od_message_new(od_heap_for_tests(), SIZE_MAX));
}

static enum od_status make_one(struct od_memory *memory, void *context)
{
    (void)context;
    struct od_message *message = od_message_new(memory, 100);
    enum od_status status = message == NULL ? OD_NO_MEMORY : OD_OK;
    od_message_free(memory, message);
    return status;
}

static void a_refusal_is_survived(void **state)
{
    (void)state;
    assert_int_equal(od_sweep(make_one, NULL), 1);
}

static void points_are_found_by_name(void **state)
{
    (void)state;
    for (int i = 0; i < OD_POINT_COUNT; i++) {
        enum od_point found;
        assert_true(od_point_find(od_point_text((enum od_point)i), &found));
        assert_int_equal(found, i);
    }
    enum od_point none;
    assert_false(od_point_find("task_", &none));
    assert_false(od_point_find("", &none));
    assert_int_equal(none, OD_POINT_COUNT);
    assert_string_equal(od_point_text(OD_POINT_COUNT), "unknown");
}

static void events_have_their_own_names(void **state)
{
    (void)state;
    for (int i = 0; i < OD_EVENT_COUNT; i++) {
        for (int k = 0; k < i; k++)
            assert_string_not_equal(od_event_text((enum od_event_kind)i),
                                    od_event_text((enum od_event_kind)k));
    }
    assert_string_equal(od_event_text(OD_EVENT_TASK_LAUNCHED), "task_launched");
    assert_string_equal(od_event_text(OD_EVENT_COUNT), "unknown");
    assert_int_equal(od_event_value_of(OD_EVENT_TASK_RETRIED), OD_EVENT_VALUE_STATUS);
    assert_int_equal(od_event_value_of(OD_EVENT_HEALED), OD_EVENT_VALUE_NONE);
    assert_string_equal(od_adaptation_text(OD_ADAPTATION_SPLIT), "split");
    assert_string_equal(od_adaptation_text(OD_ADAPTATION_COUNT), "unknown");
}

static void an_undisturbed_world_answers_ok(void **state)
{
    (void)state;
    struct od_points points = {0};
    struct od_site site = OD_SITE_ANY;
    assert_int_equal(od_point_hit(&points, OD_POINT_TASK_START, &site, NULL, NULL), OD_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_one_block),          cmocka_unit_test(a_refusal_is_survived),
        cmocka_unit_test(points_are_found_by_name),        cmocka_unit_test(events_have_their_own_names),
        cmocka_unit_test(an_undisturbed_world_answers_ok),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
