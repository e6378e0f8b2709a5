/* rollback_test: stages that give other rows when they are computed again, and stages whose tasks read what was not planned.
 *
 * Method: rows are spread by a key, dealt out in turn as they arrive, and spread by another key: the stage in the middle is
 * indeterminate, and the result stage has several tasks. Every event, message, point and disk call is disturbed in the ways of
 * recovery_test.c, the driver's death among them; then random sets. After each run: the rows of the table, each once; every
 * reader has consumed one generation of the stage in the middle, and the readers that count the same one; commits, outputs and
 * blocks as ever; nothing left. The same again where what tasks read is fitted to sizes: merged, shared out, read in place. */
#include "engine/run/recovery_fixture.h"

#include "engine/core/sanitizer.h"

#define DEALT 1 /* the stage that deals out */

static struct od_arena plan_arena;
static struct od_hash128 table_checksum;
static uint64_t rollback_count; /* over all runs so far: of the result stage, of others */
static uint64_t result_rollback_count;
static uint64_t adapted_count[OD_ADAPTATION_COUNT];

/* scan -> by a -> in turn -> by b; `hash_bits_off` puts all into one partition. */
static void plan_query(bool in_turn)
{
    struct od_plan_options options = {.partition_count = 3, .scan_task_count = 4, .arrival_order = in_turn};
    const struct od_expr *keys[2];
    const struct od_plan *plan;
    const struct od_stage_graph *planned;
    assert_int_equal(od_plan_scan(&plan_arena, table, all_columns, 3, &plan, NULL), OD_OK);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(od_expr_column(&plan_arena, &plan->schema, i, &keys[i], NULL), OD_OK);
    assert_int_equal(od_plan_repartition(&plan_arena, plan, &keys[0], 1, 3, &plan, NULL), OD_OK);
    if (in_turn)
        assert_int_equal(od_plan_repartition(&plan_arena, plan, NULL, 0, 3, &plan, NULL), OD_OK);
    assert_int_equal(od_plan_repartition(&plan_arena, plan, &keys[1], 1, 3, &plan, NULL), OD_OK);
    assert_int_equal(od_stage_graph_build(&plan_arena, plan, &options, &planned, NULL), OD_OK);
    graph = *planned;
    assert_int_equal(graph.stages[DEALT].determinism, in_turn ? OD_INDETERMINATE : OD_DETERMINATE);
}

static const struct od_event *find_commit(const struct od_event *consumed)
{
    struct od_site source = {
        .stage = consumed->source_stage, .task = consumed->source_task, .attempt = consumed->source_attempt};
    for (uint32_t i = 0; i < host->trace_count; i++)
        if (host->trace[i].kind == OD_EVENT_TASK_COMMITTED && same_attempt(&host->trace[i].site, &source))
            return &host->trace[i];
    expect(false, "what is consumed was committed");
    return NULL;
}

static bool is_last_commit(const struct od_event *commit)
{
    for (const struct od_event *event = commit + 1; event < host->trace + host->trace_count; event++)
        if (event->kind == OD_EVENT_TASK_COMMITTED && event->site.stage == commit->site.stage &&
            event->site.task == commit->site.task)
            return false;
    return true;
}

/* A reader has consumed one generation; one that counts in the end has consumed what counts in the end. */
static void check_generations(void)
{
    for (uint32_t i = 0; i < host->trace_count; i++) {
        const struct od_event *event = &host->trace[i];
        if (event->kind != OD_EVENT_BLOCK_CONSUMED || event->source_stage != DEALT)
            continue;
        const struct od_event *commit = find_commit(event);
        for (uint32_t j = 0; j < i; j++) {
            const struct od_event *before = &host->trace[j];
            if (before->kind == OD_EVENT_BLOCK_CONSUMED && before->source_stage == DEALT &&
                same_attempt(&before->site, &event->site))
                expect(find_commit(before)->value == commit->value, "a reader mixes no generations");
        }
        for (uint32_t j = 0; j < host->trace_count; j++) {
            const struct od_event *reader = &host->trace[j];
            if (reader->kind == OD_EVENT_TASK_COMMITTED && same_attempt(&reader->site, &event->site) &&
                is_last_commit(reader))
                expect(is_last_commit(commit), "who counts has read what counts");
        }
    }
}

static void tally_events(void)
{
    for (uint32_t i = 0; i < host->trace_count; i++) {
        const struct od_event *event = &host->trace[i];
        if (event->kind == OD_EVENT_STAGE_ROLLED_BACK && event->site.stage + 1 == graph.stage_count)
            result_rollback_count++;
        else if (event->kind == OD_EVENT_STAGE_ROLLED_BACK)
            rollback_count++;
        if (event->kind == OD_EVENT_PLAN_ADAPTED)
            adapted_count[event->value]++;
    }
}

static void run_rows(const struct host_disturbance *disturbances, uint32_t count, uint64_t seed)
{
    describe(disturbances, count, seed);
    host_run(host, &query, disturbances, count, seed);
    expect(host->ended && host->outcome.status == OD_OK, "the query succeeds");
    struct od_batch answer = od_table_view(host->outcome.answer);
    expect(answer.row_count == ROWS && od_hash128_equal(od_batch_checksum(&answer), table_checksum),
           "the answer has the rows of the table, each once");
    check_commits();
    for (uint32_t i = 0; i < host->trace_count; i++) {
        if (host->trace[i].kind == OD_EVENT_BLOCK_CONSUMED)
            check_consumed(&host->trace[i], i);
        if (host->trace[i].kind == OD_EVENT_TASK_OUTPUT)
            check_output(&host->trace[i], i);
    }
    if (graph.stages[DEALT].determinism == OD_INDETERMINATE)
        check_generations();
    tally_events();
    check_clean();
}

struct reach {
    uint64_t events;
    uint64_t messages;
    uint64_t points;
    uint64_t disk_calls;
};

static struct reach run_undisturbed(void)
{
    describe(NULL, 0, 1);
    host_run(host, &query, NULL, 0, 1);
    expect(host->ended && host->outcome.status == OD_OK, "the query succeeds");
    struct reach reach = {host->event_index, host->message_index, host->point_index, host->disk_index};
    check_clean();
    run_rows(NULL, 0, 1);
    return reach;
}

static void sweep(enum host_effect effect, uint64_t count, uint32_t executor, uint64_t delay_ns)
{
    for (uint64_t k = 0; k < count; k += OD_IS_SANITIZED ? 3 : 1) {
        struct host_disturbance disturbance = {
            .effect = effect, .at = k, .executor = executor, .delay_ns = delay_ns};
        run_rows(&disturbance, 1, 1 + k % 7);
    }
}

static void sweep_all(void)
{
    struct reach reach = run_undisturbed();
    for (uint32_t executor = 1; executor <= 3; executor++) {
        sweep(HOST_CRASH, reach.events, executor, 2 * HOST_MS);
        sweep(HOST_CRASH, reach.events, executor, HOST_NEVER);
    }
    sweep(HOST_PAUSE, reach.events, 1, 250 * HOST_MS);
    sweep(HOST_LOSE, reach.messages, 0, 0);
    sweep(HOST_DELAY, reach.messages, 0, 45 * HOST_MS);
    sweep(HOST_DELAY, reach.messages, 0, 250 * HOST_MS);
    sweep(HOST_DUPLICATE, reach.messages, 0, 40 * HOST_MS);
    sweep(HOST_POINT_FAIL, reach.points, 0, 0);
    sweep(HOST_POINT_FLIP, reach.points, 0, 0);
    sweep(HOST_POINT_GONE, reach.points, 0, 5 * HOST_MS);
    sweep(HOST_DISK_FAIL, reach.disk_calls, 0, 0);
}

static void try_sets(uint64_t count, bool with_driver)
{
    static const enum host_effect effects[] = {HOST_CRASH,      HOST_CRASH,      HOST_CRASH,
                                               HOST_POINT_FLIP, HOST_POINT_GONE, HOST_POINT_FAIL,
                                               HOST_DUPLICATE,  HOST_DELAY};
    static const uint64_t delays_ns[] = {0, HOST_MS, 25 * HOST_MS, 60 * HOST_MS, 150 * HOST_MS};
    struct od_stream stream;
    struct reach reach = run_undisturbed();
    od_stream_init(&stream, 23, "sets");
    for (uint64_t seed = 0; seed < count; seed++) {
        struct host_disturbance set[3];
        for (uint32_t i = 0; i < 3; i++) {
            bool kills_driver = with_driver && i == 0;
            uint64_t effect = od_random_below(&stream.random, 8);
            uint64_t at = od_random_below(&stream.random, 2 * reach.events);
            uint64_t executor = 1 + od_random_below(&stream.random, 3);
            uint64_t delay = od_random_below(&stream.random, 5);
            set[i] = (struct host_disturbance){.effect = kills_driver ? HOST_CRASH : effects[effect],
                                               .at = at,
                                               .executor = kills_driver ? 0 : (uint32_t)executor,
                                               .delay_ns = delays_ns[delay]};
        }
        run_rows(set, 3, seed);
    }
}

/* --- tests ----------------------------------------------------------------------------------------------------- */

static void a_stage_begins_again_with_all_that_has_read_of_it(void **state)
{
    (void)state;
    rollback_count = result_rollback_count = 0;
    plan_query(true);
    sweep_all();
    try_sets(OD_IS_SANITIZED ? 100 : 1500, false);
    print_message("%llu stages began again, and %llu result stages\n", (unsigned long long)rollback_count,
                  (unsigned long long)result_rollback_count);
    assert_true(rollback_count > 100);
    assert_true(result_rollback_count > 20);
}

static void also_when_the_driver_dies(void **state)
{
    (void)state;
    rollback_count = 0;
    plan_query(true);
    query.options.cluster.journal = true;
    struct reach reach = run_undisturbed();
    sweep(HOST_CRASH, reach.events, 0, HOST_MS);
    may_forget = true;
    sweep(HOST_POWER_CUT, reach.events, 0, HOST_MS);
    may_forget = false;
    try_sets(OD_IS_SANITIZED ? 100 : 1500, true);
    query.options.cluster.journal = false;
    assert_true(rollback_count > (OD_IS_SANITIZED ? 3 : 50));
}

static void what_is_read_is_chosen_once(void **state)
{
    (void)state;
    static const uint64_t bits_off[] = {0, UINT64_MAX};
    for (uint32_t i = 0; i < 4; i++) {
        memset(adapted_count, 0, sizeof(adapted_count));
        plan_query(i % 2 == 1);
        query.options.partition_bytes = i < 2 ? 4000 : 300;
        query.options.hash_bits_off = bits_off[i / 2];
        if (i % 2 == 0)
            sweep_all();
        try_sets(OD_IS_SANITIZED ? 50 : 500, false);
        query.options.cluster.journal = true;
        try_sets(OD_IS_SANITIZED ? 50 : 500, true);
        query.options.cluster.journal = false;
        print_message("adapted: %llu merged, %llu shared out\n", (unsigned long long)adapted_count[0],
                      (unsigned long long)adapted_count[1]);
        assert_true(adapted_count[i < 2 ? OD_ADAPTATION_COALESCED : OD_ADAPTATION_SPLIT] > 100);
    }
    query.options.partition_bytes = 0;
    query.options.hash_bits_off = 0;
}

static int set_up_rollback(void **state)
{
    set_up(state);
    od_arena_init(&plan_arena, od_posix_memory(), 0);
    struct od_batch rows = od_table_view(table);
    table_checksum = od_batch_checksum(&rows);
    describe(NULL, 0, 1); /* the fixture's own query, as a start */
    host_run(host, &query, NULL, 0, 1);
    check_books();
    encode_answer(&expected);
    check_clean();
    run_and_check(NULL, 0, 1);
    return 0;
}

static int tear_down_rollback(void **state)
{
    od_arena_release(&plan_arena);
    return tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stage_begins_again_with_all_that_has_read_of_it),
        cmocka_unit_test(also_when_the_driver_dies),
        cmocka_unit_test(what_is_read_is_chosen_once),
    };
    return cmocka_run_group_tests(tests, set_up_rollback, tear_down_rollback);
}
