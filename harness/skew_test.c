/* Goal: skew does not idle an executor: where the work lies in a few splits, a cluster takes little longer than if it were spread evenly.
 * Method: a join in which the first sixth of the rows have 400 partners each and the others none, in sim, where handlers cost time. The ideal is what all attempts of the
 * scanning stage took, divided by the slots; the makespan, from the first that began to the last that succeeded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/small_query.h"

#define SLOTS 3

static struct od_table *table;

static int make_tables(void **state)
{
    (void)state;
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    od_buffer_append_text(&text, "k\n");
    for (uint32_t i = 0; i < 4800; i++)
        od_buffer_print(&text, "%u\n", i < 800 ? 0 : 1);
    table = od_small_table("a", od_buffer_text(&text));
    od_buffer_release(&text);
    return 0;
}

static int free_tables(void **state)
{
    (void)state;
    od_table_free(od_posix_memory(), table);
    return 0;
}

struct measure {
    uint64_t makespan_ns;
    uint64_t ideal_ns;
    uint32_t stolen;
};

/* The attempts of one stage; each began and succeeded once, as nothing fails here. */
static struct measure measure(const struct od_cluster_result *result, uint32_t stage)
{
    struct measure measured = {0};
    uint64_t first_ns = UINT64_MAX, last_ns = 0, took_ns = 0;
    for (uint32_t i = 0; i < result->event_count; i++) {
        const struct od_event *event = &result->events[i];
        measured.stolen += event->kind == OD_EVENT_TASK_STOLEN;
        if (event->site.stage != stage)
            continue;
        if (event->kind == OD_EVENT_TASK_STARTED) {
            first_ns = event->time_ns < first_ns ? event->time_ns : first_ns;
            took_ns -= event->time_ns;
        } else if (event->kind == OD_EVENT_TASK_SUCCEEDED) {
            last_ns = event->time_ns;
            took_ns += event->time_ns;
        }
    }
    measured.makespan_ns = last_ns - first_ns;
    measured.ideal_ns = took_ns / SLOTS;
    return measured;
}

static struct measure run(uint32_t scan_task_count, uint32_t backlog)
{
    struct od_arena arena;
    struct od_prepared prepared;
    struct od_error error = {0};
    const struct od_catalog catalog = {1, (const struct od_table *const *)&table};
    const struct od_plan_options options = {.join_strategy = OD_JOIN_FORCE_BROADCAST, .scan_task_count = scan_task_count};
    static const char sql[] = "SELECT count(*) AS n FROM a JOIN (SELECT v % 1 AS z FROM generate_series(1, 400) g(v)) b ON a.k = b.z";
    od_arena_init(&arena, od_posix_memory(), 0);
    assert_int_equal(od_prepare_sql(&arena, sql, &catalog, &options, &prepared, &error), OD_OK);
    uint32_t probing = 0;
    while (probing < prepared.graph->stage_count && (prepared.graph->stages[probing].input_count != 1 ||
                                                     prepared.graph->stages[probing].task_count != scan_task_count))
        probing++;
    assert_true(probing < prepared.graph->stage_count);
    const struct od_cluster_request request = {
        .graph = prepared.graph,
        .options = {.batch_rows = 16, .cluster = {.executor_count = SLOTS, .backlog_per_slot = backlog}},
        .seed = 3,
        .keep_events = true};
    struct od_cluster_result result;
    assert_int_equal(od_cluster_run(od_posix_memory(), &request, &result, &error), OD_OK);
    assert_int_equal(result.outcome.status, OD_OK);
    assert_int_equal(od_table_row_count(result.outcome.answer), 1);
    struct measure measured = measure(&result, probing);
    print_message("%u splits, backlog %u: %.1f ms, ideal %.1f ms, %.2f; %u stolen\n", scan_task_count, backlog,
                  (double)measured.makespan_ns / 1e6, (double)measured.ideal_ns / 1e6,
                  (double)measured.makespan_ns / (double)measured.ideal_ns, measured.stolen);
    od_cluster_result_release(&result);
    od_arena_release(&arena);
    return measured;
}

static void many_splits_are_pulled(void **state)
{
    (void)state;
    struct measure skewed = run(SLOTS, 0); /* a split a slot: one has all the work */
    assert_true(skewed.makespan_ns * 10 > skewed.ideal_ns * 20);
    struct measure pulled = run(16 * SLOTS, 0);
    assert_true(pulled.makespan_ns * 100 <= pulled.ideal_ns * 115);
    struct measure ahead = run(16 * SLOTS, 2);
    assert_true(ahead.makespan_ns * 100 <= ahead.ideal_ns * 115);
    assert_true(ahead.stolen > 0);
    assert_true(ahead.makespan_ns * 2 < skewed.makespan_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_splits_are_pulled),
    };
    return cmocka_run_group_tests(tests, make_tables, free_tables);
}
