/* Goal: every single fault of a query is run once and counted right, pairs too; the number of workers changes nothing; what goes wrong is
 * noted with its faults, also when it ends the process, and is no half of a pair; the table has no gap without a reason.
 * Method: a tiny query; as it is, with a deadline that some faults make it miss, and with a trace that ends the process. */
#include "harness/explore_exhaustive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>

#include <cmocka.h>

#include "harness/explore_table.h"
#include "harness/small_query.h"

static struct od_small_query query;
static struct od_explore_subject subject;

static int open_subject(void **state)
{
    (void)state;
    od_small_query_make(&query, "SELECT count(*) AS n FROM orders");
    const struct od_cluster_request request = {.graph = query.prepared.graph,
                                               .seed = 5,
                                               .options.cluster.journal = true,
                                               .options.cluster.executor_count = 2,
                                               .options.cluster.executors_max = 3};
    return od_explore_open(&subject, od_posix_memory(), "tiny", query.prepared.plan, &request, NULL) != OD_OK;
}
static int close_subject(void **state)
{
    (void)state;
    od_explore_release(&subject);
    od_small_query_release(&query);
    return 0;
}

static struct od_coverage *explore(uint32_t depth, uint32_t jobs, uint64_t singles_max, uint64_t pairs_max)
{
    struct od_coverage *coverage = od_coverage_new();
    assert_non_null(coverage);
    /* as if most rows had been tried together: those of the first kinds have not */
    memset((void *)coverage->met[3 * (OD_POINT_COUNT + 1)], OD_MET_TRIED,
           sizeof(coverage->met) - 3 * (OD_POINT_COUNT + 1) * sizeof(coverage->met[0]));
    const struct od_exhaustive_options options = {.depth = depth,
                                                  .singles_max = singles_max,
                                                  .pairs_max = pairs_max,
                                                  .job_count = jobs,
                                                  .hang_ns = UINT64_C(60000000000)};
    assert_int_equal(od_exhaustive_explore(&options, &subject, 0, coverage, NULL), OD_OK);
    return coverage;
}

/* The sum of one field over all kinds and points. */
static uint64_t sum(const struct od_coverage *coverage, uint32_t depth, enum od_coverage_field field)
{
    uint64_t total = 0;
    for (uint32_t k = 0; k < OD_FAULT_KIND_COUNT; k++)
        for (uint32_t p = 0; p <= OD_COVERAGE_AT_TIME; p++)
            total += atomic_load(&coverage->cells[k][p][depth][field]);
    return total;
}

static void every_single_fault_is_run_once(void **state)
{
    (void)state;
    struct od_coverage *coverage = explore(1, 1, 100000, 0);
    uint64_t runs = atomic_load(&coverage->runs[0]);
    uint32_t unexplained = 99;
    assert_int_equal(runs, coverage->candidates);
    assert_in_range(runs, 300, 100000);
    assert_int_equal(sum(coverage, 0, OD_COVERAGE_RUNS), runs);
    assert_int_equal(sum(coverage, 0, OD_COVERAGE_HELD) + sum(coverage, 0, OD_COVERAGE_PROMISED), runs);
    assert_int_equal(sum(coverage, 0, OD_COVERAGE_VIOLATED), 0);
    /* one fault of this kind for each task that starts, and it fires there */
    uint64_t tasks = atomic_load(&coverage->reached[OD_POINT_TASK_START][OD_REACH_EXECUTOR]);
    const _Atomic uint64_t *cell = coverage->cells[OD_FAULT_TASK_ERROR_BEFORE][OD_POINT_TASK_START][0];
    assert_int_equal(atomic_load(&cell[OD_COVERAGE_RUNS]), tasks);
    assert_int_equal(atomic_load(&cell[OD_COVERAGE_FIRED]), tasks);
    assert_int_equal(atomic_load(&cell[OD_COVERAGE_HELD]), tasks);
    cell = coverage->cells[OD_FAULT_DRIVER_CANCEL_QUERY][OD_POINT_TASK_END][0];
    assert_int_equal(atomic_load(&cell[OD_COVERAGE_PROMISED]), tasks);
    assert_int_equal(sum(coverage, 1, OD_COVERAGE_RUNS), 0);
    od_coverage_gaps(coverage, &unexplained);
    assert_int_equal(unexplained, 0);
    od_coverage_free(coverage);
}

static void the_number_of_workers_changes_nothing(void **state)
{
    (void)state;
    struct od_coverage *one = explore(2, 1, 200, 300);
    struct od_coverage *three = explore(2, 3, 200, 300);
    assert_int_equal(atomic_load(&one->digest), atomic_load(&three->digest));
    assert_memory_equal(one->cells, three->cells, sizeof(one->cells));
    assert_in_range(atomic_load(&one->runs[0]), 200, one->candidates - 1); /* at least one of each kind at each point */
    uint64_t pairs = atomic_load(&one->runs[1]);
    const struct od_exhaustive_options again = {
        .depth = 2, .singles_max = 200, .pairs_max = 300, .job_count = 2, .hang_ns = UINT64_C(60000000000)};
    assert_int_equal(sum(one, 1, OD_COVERAGE_RUNS), 2 * pairs); /* each counts for both of its faults */
    assert_true(atomic_load(&one->recovery_pairs) > 0);
    assert_true(sum(one, 1, OD_COVERAGE_FIRED) > pairs / 2); /* of many, both fire */
    assert_int_equal(sum(one, 1, OD_COVERAGE_VIOLATED), 0);
    /* the next subject tries the share alone: all rows have met */
    assert_int_equal(od_exhaustive_explore(&again, &subject, 1, one, NULL), OD_OK);
    assert_in_range(atomic_load(&one->runs[1]) - pairs, 100, 800);
    od_coverage_free(one);
    od_coverage_free(three);
}

static void what_goes_wrong_is_noted(void **state)
{
    (void)state;
    subject.request.options.deadline_ns = 110000000; /* that of a long pause or crash ends later */
    subject.request.until_ns = UINT64_C(10000000000); /* also by a driver's clock that is slow or stands still */
    struct od_coverage *coverage = explore(2, 2, 100000, 300);
    uint64_t violated = atomic_load(&coverage->violated[0]);
    uint32_t noted = atomic_load(&coverage->failure_count);
    assert_true(violated > 0);
    assert_true(noted >= violated);
    assert_int_equal(sum(coverage, 0, OD_COVERAGE_VIOLATED), violated);
    for (uint32_t i = 0; i < noted && i < OD_COVERAGE_FAILURES_MAX; i++) {
        const struct od_coverage_failure *failure = &coverage->failures[i];
        struct od_explore_run run = {0};
        const struct od_schedule schedule = {.fault_count = failure->fault_count, .faults = failure->faults};
        assert_string_equal(failure->code, "F1");
        assert_non_null(strstr(failure->text, "timed out"));
        assert_int_equal(od_explore_run(&subject, &schedule, false, &run, NULL), OD_OK);
        assert_int_equal(run.verdict, OD_EXPLORE_VIOLATED);
        assert_int_equal(run.result.digest, failure->digest);
        od_explore_run_release(&run);
    }
    subject.request.options.deadline_ns = 0;
    subject.request.until_ns = 0;
    od_coverage_free(coverage);
}

static void die_of_a_lost_executor(void *self, const struct od_event *event)
{
    (void)self;
    if (event->kind == OD_EVENT_EXECUTOR_LOST)
        raise(SIGKILL);
}

static void a_run_that_ends_its_process_is_a_finding(void **state)
{
    (void)state;
    static const struct od_trace_ops ops = {.event = die_of_a_lost_executor};
    subject.request.trace = (struct od_trace){.ops = &ops};
    struct od_coverage *coverage = explore(1, 2, 400, 0);
    struct od_coverage *again = explore(1, 1, 400, 0);
    uint64_t deaths = atomic_load(&coverage->violated[0]);
    assert_in_range(deaths, 1, atomic_load(&coverage->runs[0]) - 1);
    assert_int_equal(sum(coverage, 0, OD_COVERAGE_VIOLATED), deaths);
    assert_int_equal(sum(coverage, 0, OD_COVERAGE_RUNS), atomic_load(&coverage->runs[0])); /* the others were all run */
    for (uint32_t i = 0; i < atomic_load(&coverage->failure_count) && i < OD_COVERAGE_FAILURES_MAX; i++) {
        assert_string_equal(coverage->failures[i].code, "crash");
        assert_int_equal(coverage->failures[i].digest, 0);
    }
    assert_int_equal(atomic_load(&coverage->digest), atomic_load(&again->digest));
    od_coverage_free(coverage);
    od_coverage_free(again);
    subject.request.trace = (struct od_trace){0};
}

static bool say_no(void *self, uint64_t run_count)
{
    (void)self;
    (void)run_count;
    return false;
}

static void whoever_waits_can_end_it(void **state)
{
    (void)state;
    struct od_coverage *coverage = od_coverage_new();
    const struct od_exhaustive_options options = {.depth = 2,
                                                  .singles_max = 100000,
                                                  .pairs_max = 1000000,
                                                  .job_count = 2,
                                                  .hang_ns = UINT64_C(60000000000),
                                                  .go_on = say_no};
    assert_int_equal(od_exhaustive_explore(&options, &subject, 0, coverage, NULL), OD_OK);
    assert_true(coverage->is_cut);
    assert_int_equal(coverage->subject_count, 0);
    assert_int_equal(atomic_load(&coverage->runs[1]), 0);
    od_coverage_free(coverage);
}

static void gaps_have_reasons(void **state)
{
    (void)state;
    uint32_t unexplained = 0;
    struct od_coverage *coverage = od_coverage_new();
    uint32_t rows = od_coverage_gaps(coverage, &unexplained);
    assert_true(rows > 200); /* nothing was explored: all are gaps */
    assert_true(unexplained > 0); /* at a time anything can happen: nobody says why it did not */
    coverage->is_cut = true;
    assert_int_equal(od_coverage_gaps(coverage, &unexplained), rows);
    assert_int_equal(unexplained, 0); /* the end came before */
    coverage->is_cut = false;
    od_coverage_gaps(coverage, &unexplained);
    uint32_t before = unexplained;
    coverage->reached[OD_POINT_TASK_START][OD_REACH_EXECUTOR] = 1;
    od_coverage_gaps(coverage, &unexplained);
    assert_true(unexplained > before); /* reached, and not tried */
    before = unexplained;
    atomic_store(&coverage->cells[OD_FAULT_TASK_ERROR_BEFORE][OD_POINT_TASK_START][0][OD_COVERAGE_RUNS], 1);
    assert_int_equal(od_coverage_gaps(coverage, &unexplained), rows);
    assert_int_equal(unexplained, before - 1);
    atomic_store(&coverage->cells[OD_FAULT_TASK_ERROR_BEFORE][OD_POINT_TASK_START][0][OD_COVERAGE_FIRED], 1);
    assert_int_equal(od_coverage_gaps(coverage, &unexplained), rows - 1);
    json_t *json = od_coverage_json(coverage, 2);
    assert_int_equal(json_integer_value(json_object_get(json, "gaps")), rows - 1);
    assert_int_equal(json_array_size(json_object_get(json, "rows")), rows);
    json_decref(json);
    od_coverage_free(coverage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_single_fault_is_run_once), cmocka_unit_test(the_number_of_workers_changes_nothing),
        cmocka_unit_test(what_goes_wrong_is_noted),       cmocka_unit_test(a_run_that_ends_its_process_is_a_finding),
        cmocka_unit_test(whoever_waits_can_end_it),       cmocka_unit_test(gaps_have_reasons),
    };
    return cmocka_run_group_tests(tests, open_subject, close_subject);
}
