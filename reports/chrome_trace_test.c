/* Goal: what Perfetto opens: valid JSON, every object with what its phase needs, every arrow with two ends that lie in slices.
 * Method: a little run with a retry, a lost executor, a fault and texts that try to break JSON; parsed by jansson and looked at
 * object by object; memory is refused. */
#include "reports/fixture_test.h"

#include <jansson.h>

#include "engine/core/sweep.h"
#include "reports/chrome_trace.h"

static const char events_text[] =
    "{\"run\":3,\"time_ns\":0,\"kind\":\"query_started\",\"value\":2}\n"
    "{\"run\":3,\"time_ns\":1000,\"kind\":\"task_launched\",\"stage\":0,\"task\":0,\"attempt\":0,\"executor\":1}\n"
    "{\"run\":3,\"time_ns\":1000,\"kind\":\"task_launched\",\"stage\":0,\"task\":1,\"attempt\":0,\"executor\":2}\n"
    "{\"run\":3,\"time_ns\":1500,\"kind\":\"task_started\",\"stage\":0,\"task\":0,\"attempt\":0,\"executor\":1}\n"
    "{\"run\":3,\"time_ns\":1600,\"kind\":\"task_started\",\"stage\":0,\"task\":1,\"attempt\":0,\"executor\":2}\n"
    "{\"run\":3,\"time_ns\":1700,\"kind\":\"fault_fired\",\"executor\":2,\"text\":\"it \\\"dies\\\" </script>\"}\n"
    "{\"run\":3,\"time_ns\":1800,\"kind\":\"task_failed\",\"stage\":0,\"task\":1,\"attempt\":0,\"executor\":2,\"text\":\"io\"}\n"
    "{\"run\":2,\"time_ns\":1800,\"kind\":\"task_failed\",\"stage\":0,\"task\":1,\"attempt\":0,\"executor\":9}\n"
    "{\"run\":3,\"time_ns\":1900,\"kind\":\"operator_output\",\"stage\":0,\"task\":0,\"attempt\":0,\"executor\":1,\"bytes\":70}\n"
    "{\"run\":3,\"time_ns\":2000,\"kind\":\"task_succeeded\",\"stage\":0,\"task\":0,\"attempt\":0,\"executor\":1}\n"
    "{\"run\":3,\"time_ns\":2300,\"kind\":\"task_committed\",\"stage\":0,\"task\":0,\"attempt\":0,\"executor\":1,\"bytes\":5}\n"
    "{\"run\":3,\"time_ns\":2400,\"kind\":\"task_launched\",\"stage\":1,\"task\":0,\"attempt\":0,\"executor\":1}\n"
    "{\"run\":3,\"time_ns\":2500,\"kind\":\"task_started\",\"stage\":1,\"task\":0,\"attempt\":0,\"executor\":1}\n"
    "{\"run\":3,\"time_ns\":2600,\"kind\":\"block_consumed\",\"stage\":1,\"task\":0,\"attempt\":0,\"executor\":1,"
    "\"source_stage\":0,\"source_task\":0,\"source_attempt\":0}\n"
    "{\"run\":3,\"time_ns\":2700,\"kind\":\"block_bad\",\"stage\":1,\"task\":0,\"attempt\":0,\"executor\":1,"
    "\"source_stage\":0,\"source_task\":1,\"source_attempt\":0,\"text\":\"corrupt\"}\n"
    "{\"run\":3,\"time_ns\":2800,\"kind\":\"executor_lost\",\"executor\":2}\n"
    "{\"run\":3,\"time_ns\":2900,\"kind\":\"healed\"}\n"
    "{\"run\":3,\"time_ns\":3000,\"kind\":\"query_ended\",\"text\":\"ok\"}\n";

static enum od_status print_run(struct od_memory *memory, void *context)
{
    struct od_event_list list;
    struct od_buffer out;
    OD_TRY(od_event_list_parse(memory, "events", events_text, sizeof(events_text) - 1, &list, NULL));
    od_buffer_init(&out, memory);
    enum od_status status = od_chrome_trace_print(memory, &list, 3, &out, NULL);
    if (status == OD_OK && context != NULL)
        *(json_t **)context = json_loadb((const char *)out.bytes, out.size, 0, NULL);
    od_buffer_release(&out);
    od_event_list_release(&list);
    return status;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}
static bool is_phase(const json_t *object, const char *phase)
{
    return strcmp(text_of(object, "ph"), phase) == 0;
}
static uint64_t ns_of(const json_t *object, const char *key)
{
    return (uint64_t)(json_number_value(json_object_get(object, key)) * 1000 + 0.5);
}
static json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* In a slice of its thread? */
static bool is_in_slice(const json_t *events, const json_t *end)
{
    size_t index;
    json_t *slice;
    json_array_foreach(events, index, slice) {
        if (is_phase(slice, "X") && number_of(slice, "pid") == number_of(end, "pid") &&
            number_of(slice, "tid") == number_of(end, "tid") && ns_of(slice, "ts") <= ns_of(end, "ts") &&
            ns_of(end, "ts") < ns_of(slice, "ts") + ns_of(slice, "dur"))
            return true;
    }
    return false;
}

static void assert_arrow(const json_t *events, const json_t *start)
{
    size_t index;
    json_t *end;
    uint32_t ends = 0;
    assert_true(is_in_slice(events, start));
    json_array_foreach(events, index, end) {
        if (!is_phase(end, "f") || number_of(end, "id") != number_of(start, "id"))
            continue;
        ends++;
        assert_true(is_in_slice(events, end));
        assert_true(ns_of(end, "ts") >= ns_of(start, "ts"));
        assert_string_equal(text_of(end, "name"), text_of(start, "name"));
    }
    assert_int_equal(ends, 1);
}

static uint32_t count_named(const json_t *events, const char *phase, const char *name)
{
    size_t index;
    json_t *object;
    uint32_t count = 0;
    json_array_foreach(events, index, object) count += is_phase(object, phase) && strcmp(text_of(object, "name"), name) == 0;
    return count;
}

static void a_run_is_a_trace(void **state)
{
    static const struct {
        const char *phase;
        const char *name;
        uint32_t count;
    } wanted[] = {
        {"M", "process_name", 3},        {"M", "thread_name", 2},      {"X", "task 0.0 attempt 0", 1},
        {"X", "task 0.1 attempt 0", 1},  {"s", "launch", 3},           {"s", "report", 1},
        {"s", "block", 1},               {"i", "executor_lost 2", 1},  {"i", "query_started", 1},
        {"C", "shuffle", 1},             {"C", "held by an operator", 1}, {"i", "healed", 1},
        {"i", "fault 1: it \"dies\" </script>", 1}, {"i", "block of 0.1 attempt 0 is bad", 1},
    };
    json_t *root = NULL;
    json_t *object;
    size_t index;
    (void)state;
    assert_int_equal(print_run(od_heap_for_tests(), &root), OD_OK);
    assert_non_null(root);
    const json_t *events = json_object_get(root, "traceEvents");
    assert_true(json_array_size(events) > 20);
    json_array_foreach(events, index, object) {
        assert_non_null(text_of(object, "name"));
        assert_true(json_is_integer(json_object_get(object, "pid")) && json_is_integer(json_object_get(object, "tid")));
        assert_true(json_is_number(json_object_get(object, "ts")));
        assert_true(number_of(object, "pid") <= 2); /* the other run's executor is not here */
        assert_true(!is_phase(object, "X") || json_is_number(json_object_get(object, "dur")));
        if (is_phase(object, "s"))
            assert_arrow(events, object);
    }
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (count_named(events, wanted[i].phase, wanted[i].name) != wanted[i].count)
            fail_msg("%s %s: %u times, expected %u", wanted[i].phase, wanted[i].name,
                     count_named(events, wanted[i].phase, wanted[i].name), wanted[i].count);
    json_decref(root);
}

static void memory_is_refused(void **state)
{
    (void)state;
    assert_true(od_sweep(print_run, NULL) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_a_trace),
        cmocka_unit_test(memory_is_refused),
    };
    return cmocka_run_group_tests_name("chrome trace", tests, NULL, NULL);
}
