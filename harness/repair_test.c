/* Goal: the time of repair is what its definition says, whatever is lost and however it is made good.
 * Method: lists of events written by hand over a plan of three stages, with the times that the definition gives; real runs, undisturbed
 * and with a crash; every allocation refused once. */
#include "harness/repair.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "harness/small_query.h"

/* 0 -> 1 -> 2 (result); 3 tasks, 2 tasks, 1 task. */
static const uint32_t input_of_1[] = {0}, input_of_2[] = {1};
static const struct od_stage stages[] = {{.stage_index = 0},
                                         {.stage_index = 1, .input_count = 1, .input_stages = input_of_1},
                                         {.stage_index = 2, .input_count = 1, .input_stages = input_of_2}};
static const struct od_stage_graph graph = {.stage_count = 3, .stages = stages};

#define EVENTS_MAX 16
struct told {
    uint64_t at_ns;
    int kind;
    uint32_t stage, task;
};
struct list {
    const char *what;
    uint64_t total_ns, longest_ns;
    struct told events[EVENTS_MAX]; /* up to the first of time 0 */
};
#define ANY OD_ANY
enum {
    LAUNCH = OD_EVENT_TASK_LAUNCHED,
    ADOPT = OD_EVENT_TASK_ADOPTED,
    COMMIT = OD_EVENT_TASK_COMMITTED,
    RETRY = OD_EVENT_TASK_RETRIED,
    LOSE = OD_EVENT_OUTPUT_LOST,
    REUSE = OD_EVENT_OUTPUT_REUSED,
    RESULT = OD_EVENT_RESULT_COMMITTED,
    COMPLETE = OD_EVENT_STAGE_COMPLETED,
    AGAIN = OD_EVENT_STAGE_ROLLED_BACK,
    RESTART = OD_EVENT_DRIVER_RESTARTED,
    GONE = OD_EVENT_EXECUTOR_LOST,
    HEALED = OD_EVENT_HEALED,
    END = OD_EVENT_QUERY_ENDED
};

/* clang-format off */
static const struct list lists[] = {
    {"no events", 0, 0, {{0}}},
    {"nothing was lost", 0, 0, {{1, LAUNCH, 0, 0}, {5, COMMIT, 0, 0}, {5, COMPLETE, 0, ANY}, {9, END, ANY, ANY}}},
    {"an attempt is done again", 13, 13,
     {{10, LAUNCH, 0, 0}, {12, RETRY, 0, 0}, {15, LAUNCH, 0, 0}, {25, COMMIT, 0, 0}, {90, END, ANY, ANY}}},
    {"an executor with nothing on it costs nothing", 0, 0, {{1, LAUNCH, 0, 0}, {2, GONE, ANY, ANY}, {9, COMMIT, 0, 0}}},
    {"an output is computed again; commits of others repair nothing", 30, 30,
     {{10, COMMIT, 0, 0}, {20, LOSE, 0, 0}, {25, COMMIT, 0, 1}, {30, COMMIT, 1, 0}, {50, COMMIT, 0, 0}, {60, END, ANY, ANY}}},
    {"two losses that overlap are one span", 40, 40,
     {{10, LOSE, 0, 0}, {20, LOSE, 0, 1}, {30, COMMIT, 0, 0}, {50, COMMIT, 0, 1}, {60, END, ANY, ANY}}},
    {"two that do not are two", 15, 10,
     {{10, LOSE, 0, 0}, {20, COMMIT, 0, 0}, {30, LOSE, 0, 0}, {35, COMMIT, 0, 0}, {60, END, ANY, ANY}}},
    {"lost while it is computed again", 40, 40,
     {{10, LOSE, 0, 0}, {20, RETRY, 0, 0}, {30, LAUNCH, 0, 0}, {50, COMMIT, 0, 0}, {60, END, ANY, ANY}}},
    {"never repaired: up to the end of the query", 50, 50, {{10, LOSE, 0, 0}, {60, END, ANY, ANY}, {80, HEALED, ANY, ANY}}},
    {"never repaired, never ended: up to the last event", 70, 70, {{10, LOSE, 0, 0}, {80, HEALED, ANY, ANY}}},
    {"its readers are whole without it", 20, 20,
     {{10, LOSE, 0, 0}, {20, COMMIT, 1, 0}, {30, COMMIT, 1, 1}, {30, COMPLETE, 1, ANY}, {60, END, ANY, ANY}}},
    {"until a reader is lost itself", 45, 25,
     {{10, LOSE, 0, 0}, {30, COMPLETE, 1, ANY}, {35, LOSE, 1, 0}, {40, COMMIT, 0, 0}, {60, COMMIT, 1, 0}, {90, END, ANY, ANY}}},
    {"until all of its readers are whole again", 45, 25,
     {{10, LOSE, 0, 0}, {30, COMPLETE, 1, ANY}, {35, LOSE, 1, 0}, {40, COMMIT, 1, 0}, {60, COMMIT, 0, 0}, {90, END, ANY, ANY}}},
    {"what only a stage reads that nobody needs", 20, 20,
     {{10, LOSE, 1, 0}, {15, LOSE, 0, 0}, {30, COMPLETE, 2, ANY}, {60, END, ANY, ANY}}},
    {"a stage begins again: what had begun", 50, 50,
     {{1, COMMIT, 1, 0}, {1, LAUNCH, 1, 1}, {10, AGAIN, 1, ANY}, {20, COMMIT, 1, 1}, {60, COMMIT, 1, 0}, {90, END, ANY, ANY}}},
    {"a stage that had not begun", 0, 0, {{10, AGAIN, 1, ANY}, {15, LAUNCH, 1, 1}, {20, COMMIT, 1, 1}, {90, END, ANY, ANY}}},
    {"reused outputs are lost like others", 10, 10,
     {{1, REUSE, 0, 1}, {10, AGAIN, 0, ANY}, {20, COMMIT, 0, 1}, {30, END, ANY, ANY}}},
    {"a restarted driver, until it goes on", 5, 5,
     {{1, COMMIT, 0, 0}, {10, RESTART, ANY, ANY}, {15, LAUNCH, 1, 0}, {20, COMMIT, 1, 0}, {30, END, ANY, ANY}}},
    {"goes on by a commit", 10, 10, {{10, RESTART, ANY, ANY}, {20, COMMIT, 1, 0}, {30, END, ANY, ANY}}},
    {"one that only collects", 10, 10,
     {{1, LAUNCH, 2, 0}, {10, RESTART, ANY, ANY}, {20, RESULT, 2, 0}, {90, END, ANY, ANY}}},
    {"what ran in its last life, until adopted", 7, 7,
     {{1, LAUNCH, 0, 0}, {1, LAUNCH, 0, 1}, {10, RESTART, ANY, ANY}, {12, ADOPT, 0, 0}, {17, ADOPT, 0, 1}, {90, END, ANY, ANY}}},
    {"or until committed", 40, 40,
     {{1, LAUNCH, 0, 0}, {10, RESTART, ANY, ANY}, {20, LAUNCH, 0, 0}, {50, COMMIT, 0, 0}, {90, END, ANY, ANY}}},
    {"adoption makes no failure good", 30, 30,
     {{20, RETRY, 0, 0}, {21, LAUNCH, 0, 0}, {30, RESTART, ANY, ANY}, {35, ADOPT, 0, 0}, {50, COMMIT, 0, 0}}},
    {"nor an attempt that a restart has cost", 40, 40,
     {{1, LAUNCH, 0, 0}, {10, RESTART, ANY, ANY}, {20, LAUNCH, 0, 0}, {25, RESTART, ANY, ANY}, {30, ADOPT, 0, 0},
      {50, COMMIT, 0, 0}}},
    {"a commit that was forgotten", 25, 20,
     {{1, COMMIT, 0, 0}, {10, RESTART, ANY, ANY}, {15, ADOPT, 0, 1}, {20, LAUNCH, 0, 0}, {40, COMMIT, 0, 0}}},
    {"a commit that only the journal tells of", 30, 30,
     {{1, LAUNCH, 0, 0}, {10, RESTART, ANY, ANY}, {40, COMMIT, 0, 1}, {40, COMPLETE, 0, ANY}, {90, END, ANY, ANY}}},
    {"the next query begins with nothing lost", 10, 10,
     {{1, COMMIT, 0, 0}, {10, LOSE, 0, 0}, {20, END, ANY, ANY}, {30, LAUNCH, 0, 0}, {40, COMMIT, 0, 0}, {50, END, ANY, ANY}}},
    {"clocks that go back", 10, 10,
     {{30, LOSE, 0, 0}, {20, COMMIT, 0, 0}, {40, LOSE, 0, 0}, {50, COMMIT, 0, 0}, {5, END, ANY, ANY}}},
    {"of no stage of this plan", 0, 0, {{10, LOSE, 3, 0}, {20, LOSE, 0, ANY}, {25, LOSE, ANY, 7}, {30, END, ANY, ANY}}},
};
/* clang-format on */

static uint32_t events_of(const struct list *list, struct od_event events[EVENTS_MAX])
{
    uint32_t count = 0;
    for (; count < EVENTS_MAX && list->events[count].at_ns != 0; count++) {
        const struct told *told = &list->events[count];
        events[count] = (struct od_event){
            .time_ns = told->at_ns, .kind = (enum od_event_kind)told->kind, .site = OD_SITE_ANY};
        events[count].site.stage = told->stage;
        events[count].site.task = told->task;
    }
    return count;
}

static void every_list_gives_its_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct od_event events[EVENTS_MAX];
        struct od_repair repair;
        struct od_error error = {0};
        uint32_t count = events_of(&lists[i], events);
        assert_int_equal(od_repair_measure(od_heap_for_tests(), &graph, events, count, &repair, &error),
                         OD_OK);
        if (repair.total_ns != lists[i].total_ns || repair.longest_ns != lists[i].longest_ns)
            fail_msg("%s: expected %llu, the longest %llu; got %llu, %llu", lists[i].what,
                     (unsigned long long)lists[i].total_ns, (unsigned long long)lists[i].longest_ns,
                     (unsigned long long)repair.total_ns, (unsigned long long)repair.longest_ns);
    }
}

static void refused_memory_is_told(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < 2; k++) {
        struct od_event events[EVENTS_MAX];
        struct od_repair repair = {1, 1};
        struct od_error error = {0};
        struct od_countdown countdown;
        od_countdown_init(&countdown, od_heap_for_tests(), k, false);
        uint32_t count = events_of(&lists[2], events);
        assert_int_equal(od_repair_measure(&countdown.memory, &graph, events, count, &repair, &error),
                         OD_NO_MEMORY);
        assert_int_equal(countdown.refused_count, 1);
        assert_int_equal(countdown.live_block_count, 0);
        assert_true(repair.total_ns == 0 && repair.longest_ns == 0);
    }
}

/* Of a run in the simulation. */
static struct od_repair repair_of(const struct od_small_query *query, const struct od_schedule *schedule,
                                  uint64_t seed, struct od_run_counts *counts_out)
{
    struct od_cluster_result result;
    struct od_repair repair;
    struct od_error error = {0};
    const struct od_cluster_request request = {
        .graph = query->prepared.graph,
        .options = {.cluster.executor_count = 3, .cluster.slots_per_executor = 2, .batch_rows = 7},
        .deployment = OD_DEPLOY_SIM,
        .schedule = schedule,
        .seed = seed,
        .keep_events = true};
    assert_int_equal(od_cluster_run(od_posix_memory(), &request, &result, &error), OD_OK);
    assert_true(result.ended && result.outcome.status == OD_OK);
    assert_int_equal(od_repair_measure(od_posix_memory(), query->prepared.graph, result.events,
                                       result.event_count, &repair, &error),
                     OD_OK);
    assert_true(repair.longest_ns <= repair.total_ns && repair.total_ns < result.elapsed_ns);
    *counts_out = result.outcome.counts;
    od_cluster_result_release(&result);
    return repair;
}

static void runs_that_lose_something_have_a_time(void **state)
{
    (void)state;
    static const char crash[] = "executor.crash at task_start stage=2 for=40ms";
    struct od_small_query query;
    struct od_schedule schedule;
    struct od_error error = {0};
    uint32_t recomputed = 0;
    od_small_query_make(&query, OD_SMALL_QUERY);
    assert_int_equal(
        od_schedule_parse(&query.plan_arena, "test", crash, sizeof(crash) - 1, &schedule, &error), OD_OK);
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct od_run_counts counts;
        struct od_repair repair = repair_of(&query, NULL, seed, &counts);
        assert_true(repair.total_ns == 0 && repair.longest_ns == 0);
        repair = repair_of(&query, &schedule, seed, &counts);
        assert_true((counts.tasks_recomputed == 0 && counts.attempts_failed == 0) || repair.longest_ns > 0);
        recomputed += counts.tasks_recomputed;
    }
    assert_true(recomputed > 0);
    od_small_query_release(&query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_list_gives_its_times),
        cmocka_unit_test(refused_memory_is_told),
        cmocka_unit_test(runs_that_lose_something_have_a_time),
    };
    return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
