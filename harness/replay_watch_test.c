/* Goal: an event is found by its words, and wrong words are told; a run stops there, says what the driver knew, and is a trace.
 * Method: a table of words against a few events; drawn cases watched, the text looked at; the trace parsed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "engine/world/posix.h"
#include "harness/replay_watch.h"

static void words_fit_events(void **state)
{
    static const struct od_event failed = {
        .time_ns = 3000000, .kind = OD_EVENT_TASK_FAILED, .site = {1, 1, 0, 2, 4, OD_ANY, OD_ANY, OD_ANY}, .value = 6};
    static const struct {
        const char *text;
        bool is_fine;
        bool fits; /* as event 29 */
    } rows[] = {
        {"task_failed", true, true},
        {"  task_failed stage=1 task=0 attempt=2 executor=4 value=6 ", true, true},
        {"#29", true, true},
        {"time=3ms", true, true},
        {"time=2999.5us task_failed", true, true},
        {"nth=4", true, true},
        {"task_retried", true, false},
        {"task_failed stage=2", true, false},
        {"partition=0", true, false},
        {"#28", true, false},
        {"time=3001us", true, false},
        {"", false, false},
        {"  ", false, false},
        {"task_faild", false, false},
        {"stage=", false, false},
        {"stage=x", false, false},
        {"stage=-1", false, false},
        {"time=3", false, false},
        {"time=-3ms", false, false},
        {"nth=0", false, false},
        {"#", false, false},
        {"#x", false, false},
        {"colour=1", false, false},
        {"a_word_that_is_longer_than_any_that_could_be_meant_by_anybody_who_wants_to_stop_somewhere", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_until until;
        struct od_error error = {0};
        bool is_fine = od_until_parse(rows[i].text, &until, &error) == OD_OK;
        if (is_fine != rows[i].is_fine || (is_fine && od_until_fits(&until, &failed, 29) != rows[i].fits))
            fail_msg("\"%s\": %s", rows[i].text, is_fine ? "fits otherwise" : error.text);
        assert_true(is_fine || error.status == OD_BAD_INPUT);
    }
}

static struct od_trial trial; /* large */

/* Watches drawn cases until one has such an event; its text is left. */
static void watch_one(const char *words, const char *trace_path, struct od_buffer *text)
{
    struct od_choices choices;
    struct od_until until;
    enum od_status status = OD_BAD_INPUT;
    uint64_t digest = 0;
    assert_int_equal(od_until_parse(words, &until, NULL), OD_OK);
    od_choices_init(&choices, od_posix_memory());
    od_trial_init(&trial, od_posix_memory());
    trial.only = od_property_find("F1");
    for (uint64_t i = 0; status != OD_OK && i < 1000; i++) {
        od_choices_from_seed(&choices, i, "watched");
        assert_int_equal(od_trial_run(&trial, &choices, NULL), OD_OK);
        digest = trial.digest;
        const struct od_replay_watch watch = {.choices = choices.bytes,
                                              .choices_bytes = od_choices_trimmed_bytes(&choices),
                                              .until = &until,
                                              .trace_path = trace_path,
                                              .text = text};
        status = od_replay_watched(&trial, &watch, NULL);
        assert_true(status == OD_OK || status == OD_BAD_INPUT);
        assert_true(trial.digest == digest);
    }
    assert_int_equal(status, OD_OK);
    od_trial_release(&trial);
    od_choices_release(&choices);
}

static void a_run_stops(void **state)
{
    static const struct {
        const char *until;
        const char *texts[3];
    } rows[] = {
        {"task_launched stage=1", {"stopped at event #", ": launched", "   stage 0: "}},
        {"task_committed nth=2", {": committed", " is committed: attempt ", "the driver, life "}},
        {"executor_lost", {": lost\n", ", heard of at ", "  query 1: "}},
        {"task_retried", {": retried: ", " waits", "  executor 1: "}},
        {"driver_restarted", {"driver: driver restarted", "the driver, life ", " at "}},
        {"#0", {"stopped at event #0", ": query started", ", not submitted"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_buffer text;
        od_buffer_init(&text, od_posix_memory());
        watch_one(rows[i].until, NULL, &text);
        for (size_t k = 0; k < 3; k++)
            if (strstr(od_buffer_text(&text), rows[i].texts[k]) == NULL)
                fail_msg("until %s: no \"%s\" in\n%s", rows[i].until, rows[i].texts[k], od_buffer_text(&text));
        od_buffer_release(&text);
    }
}

static void a_run_is_a_trace(void **state)
{
    char path[] = "/tmp/ordeal_watch_XXXXXX";
    struct od_buffer text;
    (void)state;
    close(mkstemp(path));
    od_buffer_init(&text, od_posix_memory());
    watch_one("query_ended", path, &text);
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    assert_true(json_array_size(json_object_get(root, "traceEvents")) > 10);
    json_decref(root);
    od_buffer_release(&text);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_fit_events),
        cmocka_unit_test(a_run_stops),
        cmocka_unit_test(a_run_is_a_trace),
    };
    return cmocka_run_group_tests_name("replay watch", tests, NULL, NULL);
}
