/* Goal: the lineage of an answer is what the events say; where nothing can break a query all sets are tried and all hold; where few
 * recoveries are allowed the smallest set that breaks it is found, and breaks it again; equal explorations are equal.
 * Method: events by hand; the small query, with and without a bound on recoveries. */
#include "harness/explore_lineage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "harness/small_query.h"

/* --- lineage ------------------------------------------------------------------------------------------------------ */

struct said {
    enum od_event_kind kind;
    uint32_t stage, task, attempt;
    uint32_t source_stage, source_task, source_attempt;
};

static uint32_t find(const struct said *said, uint32_t count, char *text)
{
    struct od_event events[16] = {0};
    struct od_lineage lineage = {.memory = od_heap_for_tests()};
    for (uint32_t i = 0; i < count; i++) {
        events[i].kind = said[i].kind;
        events[i].site = OD_SITE_ANY;
        events[i].site.stage = said[i].stage;
        events[i].site.task = said[i].task;
        events[i].site.attempt = said[i].attempt;
        events[i].source_stage = said[i].source_stage;
        events[i].source_task = said[i].source_task;
        events[i].source_attempt = said[i].source_attempt;
    }
    assert_int_equal(od_lineage_find(&lineage, events, count, NULL), OD_OK);
    *text = '\0';
    for (uint32_t i = 0; i < lineage.count; i++)
        text += sprintf(text, "%u.%u.%u ", lineage.attempts[i].stage, lineage.attempts[i].task, lineage.attempts[i].attempt);
    uint32_t found = lineage.count;
    od_lineage_release(&lineage);
    return found;
}

#define COMMIT(s, t, a)               {OD_EVENT_TASK_COMMITTED, s, t, a, 0, 0, 0}
#define READ(s, t, a, from, task, at) {OD_EVENT_BLOCK_CONSUMED, s, t, a, from, task, at}
#define COLLECT(from, task, at)       READ(OD_ANY, OD_ANY, OD_ANY, from, task, at)

static void a_lineage_is_followed_from_the_answer_back(void **state)
{
    static const struct {
        struct said said[12];
        uint32_t count;
        const char *lineage;
    } rows[] = {
        {{COMMIT(0, 0, 0), COMMIT(0, 1, 0), READ(1, 0, 0, 0, 0, 0), READ(1, 0, 0, 0, 1, 0), COMMIT(1, 0, 0), COLLECT(1, 0, 0)},
         6,
         "1.0.0 0.1.0 0.0.0 "},
        /* the first reader read attempt 0 and failed; the second one read attempt 1 */
        {{COMMIT(0, 0, 0), READ(1, 0, 0, 0, 0, 0), COMMIT(0, 0, 1), READ(1, 0, 1, 0, 0, 1), COMMIT(1, 0, 1), COLLECT(1, 0, 1)},
         6,
         "1.0.1 0.0.1 "},
        /* both count: one for each reader */
        {{COMMIT(0, 0, 0), READ(1, 0, 0, 0, 0, 0), COMMIT(1, 0, 0), COMMIT(0, 0, 1), READ(1, 1, 0, 0, 0, 1), COMMIT(1, 1, 0),
          COLLECT(1, 0, 0), COLLECT(1, 1, 0)},
         8,
         "1.1.0 1.0.0 0.0.1 0.0.0 "},
        /* blocks without rows are not read: the last commit counts */
        {{COMMIT(0, 0, 0), COMMIT(0, 0, 3), COMMIT(1, 0, 0)}, 3, "1.0.0 0.0.3 "},
        {{{OD_EVENT_QUERY_STARTED, OD_ANY, OD_ANY, OD_ANY, 0, 0, 0}}, 1, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[200];
        find(rows[i].said, rows[i].count, text);
        assert_string_equal(text, rows[i].lineage);
    }
}

/* --- exploring ---------------------------------------------------------------------------------------------------- */

struct explored {
    struct od_small_query query;
    struct od_explore_subject subject;
    struct od_arena arena;
    struct od_lineage_result result;
};

static void explore(struct explored *explored, uint32_t recoveries_max, const struct od_lineage_options *options)
{
    od_small_query_make(&explored->query, OD_SMALL_QUERY);
    od_arena_init(&explored->arena, od_posix_memory(), 0);
    const struct od_cluster_request request = {
        .graph = explored->query.prepared.graph, .seed = 5, .options.recoveries_max = recoveries_max};
    assert_int_equal(
        od_explore_open(&explored->subject, od_posix_memory(), "small", explored->query.prepared.plan, &request, NULL), OD_OK);
    assert_int_equal(od_lineage_explore(&explored->subject, options, &explored->arena, &explored->result, NULL), OD_OK);
}
static void forget(struct explored *explored)
{
    od_explore_release(&explored->subject);
    od_arena_release(&explored->arena);
    od_small_query_release(&explored->query);
}

static void no_two_faults_break_the_small_query(void **state)
{
    (void)state;
    struct explored explored;
    explore(&explored, 0, &(struct od_lineage_options){.faults_max = 2});
    assert_true(explored.result.is_done && !explored.result.is_broken);
    assert_true(explored.result.runs > 1000);
    assert_true(explored.result.faults > explored.result.runs); /* most pairs leave a support whole, and are not run */
    forget(&explored);
}

/* A query that may recover only so often is broken by whatever makes it recover more. */
static void what_breaks_is_found_and_breaks_again(void **state)
{
    (void)state;
    uint64_t runs = 0;
    for (uint32_t recoveries_max = 1; recoveries_max <= 5; recoveries_max++) {
        struct explored explored;
        struct od_explore_run run = {0};
        explore(&explored, recoveries_max, &(struct od_lineage_options){.faults_max = 2});
        assert_true(explored.result.is_broken && !explored.result.is_done);
        assert_true(explored.result.runs >= runs);
        runs = explored.result.runs;
        assert_int_equal(od_explore_run(&explored.subject, &explored.result.schedule, false, &run, NULL), OD_OK);
        assert_int_equal(run.verdict, OD_EXPLORE_VIOLATED);
        assert_string_equal(run.finding.text, explored.result.finding.text);
        od_explore_run_release(&run);
        forget(&explored);
    }
}

static bool stop_after_three(void *self, const struct od_schedule *next)
{
    uint32_t *asked = self;
    assert_true(next->fault_count == 1);
    return ++*asked <= 3;
}

static void runs_are_bounded_and_equal(void **state)
{
    (void)state;
    struct explored explored[2];
    uint32_t asked = 0;
    for (uint32_t i = 0; i < 2; i++)
        explore(&explored[i], 0, &(struct od_lineage_options){.faults_max = 2, .runs_max = 50});
    assert_int_equal(explored[0].result.runs, 50);
    assert_false(explored[0].result.is_done);
    assert_true(explored[0].result.digest == explored[1].result.digest);
    for (uint32_t i = 0; i < 2; i++)
        forget(&explored[i]);
    explore(&explored[0], 0, &(struct od_lineage_options){.faults_max = 1, .goes_on = stop_after_three, .self = &asked});
    assert_int_equal(explored[0].result.runs, 3);
    forget(&explored[0]);
}

/* Whatever was tried in one case has its turn later in the next. */
static void what_was_tried_least_comes_first(void **state)
{
    (void)state;
    static struct od_lineage_memory memory;
    const struct od_lineage_options options = {.faults_max = 1, .runs_max = 5, .memory = &memory};
    struct explored explored[2];
    uint32_t tried = 0;
    for (uint32_t i = 0; i < 2; i++)
        explore(&explored[i], 0, &options);
    assert_true(explored[0].result.digest != explored[1].result.digest);
    for (uint32_t i = 0; i < sizeof(memory.counts) / sizeof(memory.counts[0]); i++) {
        assert_true(memory.counts[i] <= 1);
        tried += memory.counts[i];
    }
    assert_int_equal(tried, 10);
    for (uint32_t i = 0; i < 2; i++)
        forget(&explored[i]);
}

static uint32_t due(const struct od_cluster_request *request, uint32_t row_count, struct od_lineage_memory *memory)
{
    uint32_t traits = od_lineage_due(request, row_count, memory);
    od_lineage_spend(memory, traits, 8);
    return traits;
}

/* Each trait gets its share: a plain query is due once, then only after all that others were due for. */
static void cases_are_due_by_their_traits(void **state)
{
    (void)state;
    static struct od_lineage_memory memory;
    struct od_small_query query;
    od_small_query_make(&query, OD_SMALL_QUERY);
    struct od_cluster_request request = {.graph = query.prepared.graph, .options.cluster.executor_count = 9};
    request.options.cluster.slots_per_executor = 9;
    assert_int_equal(due(&request, 34, &memory), 1 << OD_TRAIT_PLAIN);
    assert_int_equal(due(&request, 34, &memory), 0);
    assert_int_equal(due(&request, 0, &memory), 1 << OD_TRAIT_POOR);
    assert_int_equal(due(&request, 0, &memory), 0);
    request.options.speculation_percent = 1;
    request.options.cluster.backlog_per_slot = 1;
    assert_int_equal(due(&request, 34, &memory), 1 << OD_TRAIT_TWINS | 1 << OD_TRAIT_BACKLOG);
    request.options.cluster.executor_count = request.options.cluster.slots_per_executor = 1;
    assert_int_equal(due(&request, 34, &memory), 1 << OD_TRAIT_WAITS);
    uint32_t passed = 0;
    while (passed < 1000 && due(&request, 34, &memory) == 0) /* what nobody has does not end it all */
        passed++;
    assert_int_equal(passed, 100);
    od_small_query_release(&query);
}

static enum od_status explore_in(struct od_memory *memory, void *context)
{
    struct explored *explored = context;
    struct od_lineage_result result;
    struct od_arena arena;
    struct od_explore_subject subject = explored->subject;
    subject.memory = memory;
    od_arena_init(&arena, memory, 0);
    enum od_status status =
        od_lineage_explore(&subject, &(struct od_lineage_options){.faults_max = 1, .runs_max = 1}, &arena, &result, NULL);
    od_arena_release(&arena);
    return status;
}

/* What a run does with refused memory is the subject's test; here it is refused until the run begins, and at its end. */
static void refused_memory_leaves_nothing(void **state)
{
    (void)state;
    struct explored explored;
    explore(&explored, 0, &(struct od_lineage_options){.faults_max = 1, .runs_max = 1});
    uint32_t refused = 0;
    for (uint64_t k = 0; k < 400; k += k < 60 ? 1 : 7) {
        struct od_countdown countdown;
        od_countdown_init(&countdown, od_heap_for_tests(), k, k % 2 == 0);
        enum od_status status = explore_in(&countdown.memory, &explored);
        assert_int_equal(countdown.live_block_count, 0);
        assert_true(status == OD_OK || status == OD_NO_MEMORY);
        refused += status == OD_NO_MEMORY;
    }
    assert_true(refused > 30);
    forget(&explored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lineage_is_followed_from_the_answer_back),
        cmocka_unit_test(no_two_faults_break_the_small_query),
        cmocka_unit_test(what_breaks_is_found_and_breaks_again),
        cmocka_unit_test(runs_are_bounded_and_equal),
        cmocka_unit_test(what_was_tried_least_comes_first),
        cmocka_unit_test(cases_are_due_by_their_traits),
        cmocka_unit_test(refused_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
