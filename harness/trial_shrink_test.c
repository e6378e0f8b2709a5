/* Goal: shrinking comes to its end, and to the smallest case, whatever the cases do that it tries: some end the process. What is said of
 * the parts of the result is true. A schedule's kinds stay when what ruled others out gets plainer.
 * Method: toy properties, so that the smallest case and its needed parts are known, over drawn cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "engine/world/posix.h"
#include "harness/campaign_worker.h"
#include "harness/trial_shrink.h"

#define MINUTE_NS UINT64_C(60000000000)

static struct od_trial trial; /* large */

/* Three rows of the first table and two executors; odd numbers of rows above that kill. */
static enum od_status check_rows(const struct od_case *test_case, struct od_subject *subject, struct od_finding *finding,
                                 struct od_error *error)
{
    uint32_t row_count = od_table_row_count(test_case->tables[0]);
    (void)subject;
    (void)error;
    if (row_count > 3 && row_count % 2 == 1)
        kill(getpid(), SIGKILL);
    if (row_count >= 3 && test_case->cluster.executor_count >= 2)
        od_finding_set(finding, "T1", "%u rows", row_count);
    return OD_OK;
}

/* Draws cases until one fails, as it would be found by a hunt, whose workers may die. */
static void find(struct od_property *property, struct od_choices *choices, uint64_t from)
{
    trial.only = property;
    trial.guarded = true;
    for (uint64_t i = from; i < from + 1000; i++) {
        od_choices_from_seed(choices, i, "trial shrink");
        assert_int_equal(od_trial_run(&trial, choices, NULL), OD_OK);
        if (trial.finding.found && strcmp(trial.finding.code, OD_TRIAL_CRASH) != 0)
            break;
    }
    assert_true(trial.finding.found);
    trial.guarded = false;
}

static void shrink(struct od_choices *choices, uint64_t bound_ns, struct od_case_sizes *sizes_out, struct od_shrunk *shrunk_out)
{
    char code[8];
    uint8_t original[OD_CHOICES_LIMIT_BYTES];
    uint32_t original_bytes = od_choices_trimmed_bytes(choices);
    memcpy(code, trial.finding.code, sizeof(code));
    memcpy(original, choices->bytes, original_bytes);
    const struct od_trial_shrinking request = {
        .code = code, .digest = trial.digest, .until_ns = od_campaign_now_ns() + bound_ns, .sizes = sizes_out};
    assert_int_equal(od_trial_shrink(&trial, original, original_bytes, &request, shrunk_out, NULL), OD_OK);
}

/* Leaves the shrunk case in the trial, and what is said of its parts in `needs`. */
static void shrink_and_tell(struct od_choices *choices, struct od_case_sizes *before_out, struct od_buffer *needs)
{
    struct od_shrunk shrunk;
    shrink(choices, 10 * MINUTE_NS, before_out, &shrunk);
    assert_true(shrunk.reproduced);
    assert_false(shrunk.exhausted);
    od_choices_from_bytes(choices, shrunk.bytes, shrunk.size);
    assert_int_equal(od_trial_run(&trial, choices, NULL), OD_OK);
    od_shrunk_release(od_posix_memory(), &shrunk);
    od_case_needs_print(&trial, needs);
}

static void cases_that_end_the_process_do_not_end_shrinking(void **state)
{
    struct od_property property = od_properties[0];
    (void)state;
    property.check = check_rows;
    for (uint64_t seed = 0; seed < 3000; seed += 1000) {
        struct od_choices choices;
        struct od_case_sizes before, after;
        struct od_buffer needs;
        od_trial_init(&trial, od_posix_memory());
        od_choices_init(&choices, od_posix_memory());
        od_buffer_init(&needs, od_posix_memory());
        find(&property, &choices, seed);
        od_case_measure(&trial, &after);
        shrink_and_tell(&choices, &before, &needs);
        assert_memory_equal(&before, &after, sizeof(before));
        od_case_measure(&trial, &after);
        assert_int_equal(od_table_row_count(trial.test_case.tables[0]), 3);
        assert_int_equal(after.counts[OD_CASE_AXIS_FAULTS], 0);
        assert_int_equal(after.counts[OD_CASE_AXIS_TABLES], 1);
        assert_int_equal(after.counts[OD_CASE_AXIS_EXECUTORS], 2);
        assert_string_equal(od_buffer_text(&needs), "needed: rows of t0, each row, executors 2\nnot needed: nothing\n");
        od_buffer_release(&needs);
        od_choices_release(&choices);
        od_trial_release(&trial);
    }
}

/* Sees what the schedule of the probe is only through the subject, as all properties do. */
static enum od_status check_fired_twice(const struct od_case *test_case, struct od_subject *subject, struct od_finding *finding,
                                        struct od_error *error)
{
    struct od_observation observation = {0};
    const struct od_run_request request = {.plan = test_case->plan, .cluster = &test_case->cluster, .disturbed = true};
    enum od_status status = subject->run(subject->self, &request, &observation, error);
    uint32_t fired = 0;
    for (uint32_t i = 0; status == OD_OK && i < observation.event_count; i++)
        fired += observation.events[i].kind == OD_EVENT_FAULT_FIRED;
    if (fired >= 2)
        od_finding_set(finding, "T3", "fired %u times", fired);
    return status;
}

static void needed_and_not_needed_parts_are_told(void **state)
{
    struct od_property property = od_properties[0];
    struct od_choices choices;
    struct od_case_sizes before;
    struct od_buffer needs;
    (void)state;
    property.check = check_fired_twice;
    od_trial_init(&trial, od_posix_memory());
    od_choices_init(&choices, od_posix_memory());
    od_buffer_init(&needs, od_posix_memory());
    find(&property, &choices, 0);
    shrink_and_tell(&choices, &before, &needs);
    assert_int_equal(trial.schedule.fault_count, 1);
    assert_non_null(strstr(od_buffer_text(&needs), "needed: fault 1 ("));
    assert_non_null(strstr(od_buffer_text(&needs), "times of fault 1"));
    const char *rest = strstr(od_buffer_text(&needs), "\nnot needed: ");
    assert_non_null(rest);
    assert_null(strstr(rest, "times of fault 1"));
    od_buffer_release(&needs);
    od_choices_release(&choices);
    od_trial_release(&trial);
}

/* A bound that is over: the case is as it was, and nothing is said of it. */
static void no_time_changes_nothing(void **state)
{
    struct od_property property = od_properties[0];
    struct od_choices choices;
    struct od_case_sizes sizes;
    struct od_shrunk shrunk;
    (void)state;
    property.check = check_rows;
    od_trial_init(&trial, od_posix_memory());
    od_choices_init(&choices, od_posix_memory());
    find(&property, &choices, 0);
    shrink(&choices, 0, &sizes, &shrunk);
    assert_false(shrunk.reproduced);
    assert_int_equal(shrunk.size, od_choices_trimmed_bytes(&choices));
    assert_memory_equal(shrunk.bytes, choices.bytes, shrunk.size);
    od_shrunk_release(od_posix_memory(), &shrunk);
    od_choices_release(&choices);
    od_trial_release(&trial);
}

/* The first draw of a schedule rules kinds out. */
static void a_plainer_swarm_keeps_the_faults(void **state)
{
    static const uint32_t counts[] = {3, 1};
    struct od_schedule_shape shape = {
        .executor_count = 2, .stage_count = 2, .task_counts = counts, .partition_counts = counts, .fault_count_max = 3, .span_ns = 1000000};
    uint32_t swarms = 0;
    (void)state;
    shape.kinds = od_fault_kinds_survivable();
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct od_choices choices;
        struct od_arena arena;
        struct od_buffer texts[2];
        uint8_t bytes[1000];
        od_arena_init(&arena, od_posix_memory(), 0);
        od_choices_init(&choices, od_posix_memory());
        od_choices_from_seed(&choices, seed, "swarm");
        for (uint32_t i = 0; i < 2; i++) {
            struct od_schedule schedule;
            od_buffer_init(&texts[i], od_posix_memory());
            assert_int_equal(od_schedule_draw(&arena, &choices.random, &shape, &schedule, NULL), OD_OK);
            od_schedule_print(&schedule, &texts[i]);
            uint32_t size = choices.size;
            assert_in_range(size, 1, sizeof(bytes));
            memcpy(bytes, choices.bytes, size);
            swarms += i == 0 && bytes[0] != 0;
            bytes[0] = 0;
            od_choices_from_bytes(&choices, bytes, size);
        }
        assert_string_equal(od_buffer_text(&texts[0]), od_buffer_text(&texts[1]));
        od_buffer_release(&texts[0]);
        od_buffer_release(&texts[1]);
        od_choices_release(&choices);
        od_arena_release(&arena);
    }
    assert_in_range(swarms, 1000, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_that_end_the_process_do_not_end_shrinking),
        cmocka_unit_test(needed_and_not_needed_parts_are_told),
        cmocka_unit_test(no_time_changes_nothing),
        cmocka_unit_test(a_plainer_swarm_keeps_the_faults),
    };
    return cmocka_run_group_tests_name("trial shrink", tests, NULL, NULL);
}
