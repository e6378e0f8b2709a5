/* Goal: the judge lets a right run pass, and each way of being wrong is a finding: a wrong answer, wrong order, a failure, a failure
 * that faults excuse (none), no end, a leak, a broken invariant.
 * Method: one right run of a small query in sim; one fact of its result falsified at a time. */
#include "harness/judge.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "harness/small_query.h"

static struct od_small_query query;
static struct od_cluster_request request;
static struct od_cluster_result right; /* what a right run showed; never changed */

static int make_run(void **state)
{
    (void)state;
    od_small_query_make(&query, OD_SMALL_QUERY);
    request = (struct od_cluster_request){.graph = query.prepared.graph, .seed = 5, .keep_events = true};
    return od_cluster_run(od_posix_memory(), &request, &right, NULL) != OD_OK ||
           right.outcome.status != OD_OK;
}
static int release_run(void **state)
{
    (void)state;
    od_cluster_result_release(&right);
    od_small_query_release(&query);
    return 0;
}

static void judge(const struct od_cluster_result *result, const struct od_table *expected,
                  struct od_finding *finding)
{
    struct od_error error = {0};
    *finding = (struct od_finding){0};
    assert_int_equal(od_judge_run(query.prepared.plan, &request, result, expected, finding, &error), OD_OK);
}

static void expect_finding(const struct od_cluster_result *result, const struct od_table *expected,
                           const char *code, const char *text)
{
    struct od_finding finding;
    judge(result, expected, &finding);
    assert_true(finding.found);
    assert_string_equal(finding.code, code);
    if (strstr(finding.text, text) == NULL)
        assert_string_equal(finding.text, text);
}

static void a_right_run_passes(void **state)
{
    (void)state;
    struct od_finding finding;
    judge(&right, right.outcome.answer, &finding);
    assert_false(finding.found);
    judge(&right, NULL, &finding);
    assert_false(finding.found);
    struct od_table *table = NULL;
    assert_int_equal(od_csv_read(od_posix_memory(), "answer", "answer", OD_SMALL_ANSWER, strlen(OD_SMALL_ANSWER),
                                 &right.outcome.answer->schema, &table, NULL),
                     OD_OK);
    judge(&right, table, &finding);
    assert_string_equal(finding.text, "");
    od_table_free(od_posix_memory(), table);
}

static void a_wrong_answer_is_found(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "name,orders,total\ndora,5,80\nbess,5,75\ncarl,5,60\nanna,5,56\n",            /* a value */
        "name,orders,total\ndora,5,80\nbess,5,75\ncarl,5,60\n",                       /* a row less */
        "name,orders,total\ndora,5,80\nbess,5,75\ncarl,5,60\nanna,5,55\nanna,5,55\n", /* a row twice */
        "name,orders,total\nbess,5,75\ndora,5,80\ncarl,5,60\nanna,5,55\n",            /* another order */
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct od_table *table = od_small_table("answer", wrong[i]);
        expect_finding(&right, table, "F1", "the answer differs");
        od_table_free(od_posix_memory(), table);
    }
}

static void a_failed_query_is_found_unless_faults_excuse_it(void **state)
{
    (void)state;
    static const char always[] = "task.error_before at task_start stage=0 task=0 times=always";
    struct od_cluster_result failed = right;
    struct od_finding finding;
    struct od_schedule schedule;
    failed.outcome.status = OD_RETRIES_EXHAUSTED;
    failed.outcome.answer = NULL;
    failed.event_count = 0;
    od_fail(&failed.outcome.error, OD_RETRIES_EXHAUSTED, "gave up");
    expect_finding(&failed, right.outcome.answer, "F1", "gave up");
    assert_int_equal(od_schedule_parse(&query.plan_arena, "test", always, strlen(always), &schedule, NULL),
                     OD_OK);
    request.schedule = &schedule;
    judge(&failed, right.outcome.answer, &finding);
    request.schedule = NULL;
    assert_string_equal(finding.text, "");
    assert_false(finding.found);
}

/* A generated query may fail to evaluate; one that somebody asks has an answer. */
static void an_evaluation_error_is_found(void **state)
{
    (void)state;
    struct od_cluster_result failed = right;
    failed.outcome = (struct od_outcome){.status = OD_EVALUATION,
                                         .error = {.status = OD_EVALUATION, .text = "division by zero"}};
    expect_finding(&failed, right.outcome.answer, "F1", "division by zero");
    expect_finding(&failed, NULL, "F1", "division by zero");
}

static void no_end_and_leaks_are_found(void **state)
{
    (void)state;
    struct od_cluster_result endless = right;
    endless.ended = false;
    endless.outcome.answer = NULL;
    endless.event_count = 0;
    expect_finding(&endless, right.outcome.answer, "F10", "");
    struct od_cluster_result leaking = right;
    leaking.leaked = 1;
    expect_finding(&leaking, right.outcome.answer, "F5", "1");
}

/* The same event twice: a second commit of one task. */
static void a_broken_invariant_is_found(void **state)
{
    (void)state;
    struct od_cluster_result doubled = right;
    struct od_event events[1000];
    uint32_t count = 0;
    assert_true(right.event_count < 999);
    for (uint32_t i = 0; i < right.event_count; i++) {
        events[count++] = right.events[i];
        if (right.events[i].kind == OD_EVENT_TASK_COMMITTED && count == i + 1)
            events[count++] = right.events[i];
    }
    assert_true(count > right.event_count);
    doubled.events = events;
    doubled.event_count = count;
    expect_finding(&doubled, right.outcome.answer, "F4", "");
}

static void the_observation_tells_what_was_seen(void **state)
{
    (void)state;
    struct od_observation observation = od_judge_observe(&request, &right);
    assert_int_equal(observation.status, OD_OK);
    assert_ptr_equal(observation.answer, right.outcome.answer);
    assert_int_equal(observation.event_count, right.event_count);
    assert_true(observation.digest == right.digest);
    assert_false(observation.may_exhaust);
    struct od_cluster_result endless = right;
    endless.ended = false;
    observation = od_judge_observe(&request, &endless);
    assert_int_equal(observation.status, OD_TIMED_OUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_run_passes),
        cmocka_unit_test(a_wrong_answer_is_found),
        cmocka_unit_test(a_failed_query_is_found_unless_faults_excuse_it),
        cmocka_unit_test(an_evaluation_error_is_found),
        cmocka_unit_test(no_end_and_leaks_are_found),
        cmocka_unit_test(a_broken_invariant_is_found),
        cmocka_unit_test(the_observation_tells_what_was_seen),
    };
    return cmocka_run_group_tests(tests, make_run, release_run);
}
