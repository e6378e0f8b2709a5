/* Goal: a subject runs the same way under the same schedule, every point that it lists can be named by a fault that then fires exactly
 * there, and its verdicts are held, failed as promised, and violated where they should be.
 * Method: the small query; for every kind of point and every hit of the undisturbed run a schedule of one fault at it. */
#include "harness/explore_faults.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <unistd.h>

#include "engine/core/sweep.h"
#include "harness/small_query.h"

static struct od_small_query query;
static struct od_explore_subject subject;

static struct od_cluster_request small_request(void)
{
    return (struct od_cluster_request){.graph = query.prepared.graph, .seed = 5, .options.cluster.journal = true};
}

static int open_subject(void **state)
{
    (void)state;
    od_small_query_make(&query, OD_SMALL_QUERY);
    const struct od_cluster_request request = small_request();
    return od_explore_open(&subject, od_posix_memory(), "small", query.prepared.plan, &request, NULL) != OD_OK;
}
static int close_subject(void **state)
{
    (void)state;
    od_explore_release(&subject);
    od_small_query_release(&query);
    return 0;
}

static void run_text(const char *text, struct od_explore_run *run)
{
    struct od_arena arena;
    struct od_schedule schedule;
    struct od_error error = {0};
    od_arena_init(&arena, od_posix_memory(), 0);
    assert_int_equal(od_schedule_parse(&arena, "test", text, strlen(text), &schedule, &error), OD_OK);
    assert_int_equal(od_explore_run(&subject, &schedule, true, run, &error), OD_OK);
    od_arena_release(&arena);
}

static void the_undisturbed_run_holds_and_lists_points(void **state)
{
    (void)state;
    uint32_t counts[OD_POINT_COUNT] = {0};
    const struct od_explore_hits *hits = &subject.undisturbed.hits;
    assert_int_equal(subject.undisturbed.verdict, OD_EXPLORE_HELD);
    assert_string_equal(od_small_csv(&query, subject.undisturbed.result.outcome.answer), OD_SMALL_ANSWER);
    for (uint32_t i = 0; i < hits->count; i++)
        counts[hits->items[i].point]++;
    for (uint32_t s = 0, tasks = 0; s < query.prepared.graph->stage_count; s++) {
        tasks += query.prepared.graph->stages[s].task_count;
        if (s + 1 == query.prepared.graph->stage_count)
            assert_int_equal(counts[OD_POINT_TASK_START], tasks);
    }
    assert_int_equal(counts[OD_POINT_TASK_END], counts[OD_POINT_TASK_START]);
    assert_int_equal(counts[OD_POINT_TASK_REPORTED], counts[OD_POINT_TASK_START]);
    assert_true(counts[OD_POINT_TASK_STEP] >= counts[OD_POINT_TASK_START]);
    assert_true(counts[OD_POINT_BLOCK_SERVE] > 0 && counts[OD_POINT_MESSAGE_SEND] > 0 && counts[OD_POINT_JOURNAL_WRITE] > 0);
}

static void equal_runs_are_equal(void **state)
{
    (void)state;
    struct od_explore_run run = {0};
    assert_int_equal(od_explore_run(&subject, NULL, false, &run, NULL), OD_OK);
    assert_int_equal(run.result.digest, subject.undisturbed.result.digest);
    assert_int_equal(run.hits.count, 0);
    run_text("executor.crash at task_end stage=0 task=0", &run);
    uint64_t digest = run.result.digest;
    uint32_t hit_count = run.hits.count;
    assert_int_not_equal(digest, subject.undisturbed.result.digest);
    assert_true(hit_count > subject.undisturbed.hits.count);
    run_text("executor.crash at task_end stage=0 task=0", &run);
    assert_int_equal(run.result.digest, digest);
    assert_int_equal(run.hits.count, hit_count);
    od_explore_run_release(&run);
}

/* Whichever kind is the first that can strike there. */
static bool plain_fault(const struct od_explore_hit *hit, struct od_fault *fault_out)
{
    for (unsigned k = 0; k < OD_FAULT_KIND_COUNT; k++) {
        enum od_fault_kind kind = (enum od_fault_kind)k;
        bool is_of_some = hit->point == OD_POINT_MESSAGE_SEND && kind != OD_FAULT_NETWORK_DELAY; /* of some links only */
        if (is_of_some || !od_fault_kind_allows(kind, hit->point) || !od_explore_concerns(kind, hit))
            continue;
        *fault_out = (struct od_fault){
            .kind = kind, .point = hit->point, .site = hit->site, .duration_ns = 1000000, .amount = 2, .times = 1};
        return true;
    }
    return false;
}

static void every_hit_can_be_named(void **state)
{
    (void)state;
    struct od_explore_run run = {0};
    const struct od_explore_hits *hits = &subject.undisturbed.hits;
    uint32_t struck = 0;
    for (uint32_t i = 0; i < hits->count; i++) {
        struct od_fault fault = {0};
        struct od_error error = {0};
        const struct od_explore_hit *hit = &hits->items[i];
        if (hit->point >= OD_POINT_ACTOR_START)
            continue;
        if (!plain_fault(hit, &fault)) {
            assert_true(hit->point >= OD_POINT_ACTOR_START); /* a call of the seam: of the driver, say, there may be no kind */
            continue;
        }
        struck++;
        const struct od_schedule schedule = {.fault_count = 1, .faults = &fault};
        assert_int_equal(od_explore_run(&subject, &schedule, true, &run, &error), OD_OK);
        assert_int_not_equal(run.verdict, OD_EXPLORE_VIOLATED);
        assert_int_equal(run.result.fired[0], 1);
        /* up to the hit it was the same run */
        assert_true(run.hits.count > i);
        assert_memory_equal(&run.hits.items[i].site, &hit->site, sizeof(hit->site));
        for (uint32_t k = 0; k < run.result.event_count; k++)
            if (run.result.events[k].kind == OD_EVENT_FAULT_FIRED)
                assert_int_equal(run.result.events[k].time_ns, hit->time_ns);
    }
    assert_true(struck > 100);
    od_explore_run_release(&run);
}

static void verdicts_are_told_apart(void **state)
{
    (void)state;
    struct od_explore_run run = {0};
    static const struct {
        const char *schedule;
        enum od_explore_verdict verdict;
        const char *code;
    } rows[] = {
        {"task.error_before at task_start stage=0 task=0", OD_EXPLORE_HELD, ""},
        {"task.error_before at task_start stage=0 task=0 times=4", OD_EXPLORE_PROMISED, ""},
        {"driver.cancel_query at task_end stage=0 task=0", OD_EXPLORE_PROMISED, ""},
        {"executor.pause at time=0ns executor=1 for=never\nexecutor.pause at time=0ns executor=2 for=never\n"
         "executor.pause at time=0ns executor=3 for=never",
         OD_EXPLORE_VIOLATED, "F1"}, /* the deadline passes: nobody promised that it may */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        run_text(rows[i].schedule, &run);
        assert_string_equal(run.finding.code, rows[i].code);
        assert_int_equal(run.verdict, rows[i].verdict);
    }
    od_explore_run_release(&run);
}

/* Refused memory may end the query, which is a verdict; nothing is left behind whatever happens. */
static void refused_memory_leaves_nothing(void **state)
{
    (void)state;
    const struct od_cluster_request request = small_request();
    bool refused = true;
    for (uint64_t k = 0; refused; k += k < 60 ? 1 : 37) {
        struct od_countdown countdown;
        struct od_explore_subject other;
        od_countdown_init(&countdown, od_heap_for_tests(), k, k % 2 == 0);
        if (od_explore_open(&other, &countdown.memory, "small", query.prepared.plan, &request, NULL) == OD_OK)
            od_explore_release(&other);
        refused = countdown.refused_count > 0;
        assert_int_equal(countdown.live_block_count, 0);
    }
}

static void queries_of_scenarios_are_subjects(void **state)
{
    (void)state;
    struct od_explore_subject other;
    const struct od_scenario_run_options options = {.rows_max = 30, .tasks_max = 2, .executors = 3};
    struct od_scenario_run *scenario = NULL;
    char path[] = "/tmp/ordeal-subject-test-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    fputs("name: few\ntitle: t\ntables:\n  - {name: flights, generator: flights, rows: 5000}\nqueries:\n"
          "  - {name: all, asks: w, sql: SELECT count(*) AS n FROM flights}\n"
          "  - {name: each, asks: w, sql: 'SELECT origin, count(*) AS n FROM flights GROUP BY origin'}\n",
          file);
    fclose(file);
    assert_int_equal(od_scenario_open(path, &options, &scenario, NULL), OD_OK);
    assert_int_equal(od_explore_query_count(scenario), 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(od_explore_open_query(&other, od_posix_memory(), scenario, i, NULL), OD_OK);
        assert_int_equal(other.undisturbed.verdict, OD_EXPLORE_HELD);
        assert_string_equal(other.name, i == 0 ? "few/all" : "few/each");
        assert_non_null(strstr(other.oracle, "SQLite"));
        if (i == 0) /* no more than rows_max of them */
            assert_string_equal(od_small_csv(&query, other.undisturbed.result.outcome.answer), "n\n30\n");
        od_explore_release(&other);
    }
    od_scenario_close(scenario);
    unlink(path);
}

static void drawn_cases_are_subjects(void **state)
{
    (void)state;
    struct od_explore_subject other;
    static struct od_trial trial;
    struct od_choices choices;
    uint32_t held = 0;
    od_trial_init(&trial, od_posix_memory());
    od_choices_init(&choices, od_posix_memory());
    for (uint64_t i = 0; i < 40; i++) {
        od_choices_from_seed(&choices, i, "case");
        assert_int_equal(od_trial_draw(&trial, &choices, NULL), OD_OK);
        assert_int_equal(od_explore_open_case(&other, od_posix_memory(), &trial, "case", NULL), OD_OK);
        assert_int_not_equal(other.undisturbed.verdict, OD_EXPLORE_VIOLATED);
        held += other.undisturbed.verdict == OD_EXPLORE_HELD;
        od_explore_release(&other);
    }
    assert_in_range(held, 25, 40);
    od_choices_release(&choices);
    od_trial_release(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_undisturbed_run_holds_and_lists_points),
        cmocka_unit_test(equal_runs_are_equal),
        cmocka_unit_test(every_hit_can_be_named),
        cmocka_unit_test(verdicts_are_told_apart),
        cmocka_unit_test(refused_memory_leaves_nothing),
        cmocka_unit_test(queries_of_scenarios_are_subjects),
        cmocka_unit_test(drawn_cases_are_subjects),
    };
    return cmocka_run_group_tests(tests, open_subject, close_subject);
}
