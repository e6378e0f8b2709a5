/* recovery_test: whatever goes wrong, the answer is the undisturbed one, each task commits once, and nothing leaks.
 *
 * Method: a small query of four stages (two shuffles in a row, so that a loss can cut two levels of lineage; one task that
 * collects) is run once undisturbed, counting events, messages, points, disk calls and allocations. Then every one of them is
 * disturbed alone in every way it can be: each executor crashed or paused at each event; each message lost, delayed within
 * and beyond the lease, duplicated, damaged; each point failing, killing, damaging; each disk call failing; each allocation
 * refused. Then random sets of three. After each run: the answer equal to the row and in order (or, where memory is refused
 * for ever, NO_MEMORY), the books of events in order (see check_books), no memory, message or file left.
 *
 * Operators are scans and exchange readers only: the answer is the table, so the oracle is the table itself. */
#include "engine/run/recovery_fixture.h"

#include "engine/core/sanitizer.h"

#define SEEDS                                                                                                \
    (OD_IS_SANITIZED ? 1 : 3) /* of each disturbance alone; a sanitizer takes eight times as long */
#define SETS (OD_IS_SANITIZED ? 500 : 4000)

/* --- the undisturbed run ---------------------------------------------------------------------------------------- */

struct reach {
    uint64_t events;
    uint64_t messages;
    uint64_t points;
    uint64_t disk_calls;
    uint64_t allocations;
};
static struct reach reach;

static void test_undisturbed(void **state)
{
    (void)state;
    describe(NULL, 0, 1);
    host_run(host, &query, NULL, 0, 1);
    expect(host->ended && host->outcome.status == OD_OK, "the query succeeds");
    check_books();
    struct od_batch rows = od_table_view(table);
    struct od_batch answer = od_table_view(host->outcome.answer);
    struct od_hash128 left = od_batch_checksum(&rows);
    struct od_hash128 right = od_batch_checksum(&answer);
    assert_int_equal(answer.row_count, ROWS);
    assert_int_equal(left.low, right.low);
    assert_int_equal(left.high, right.high);
    encode_answer(&expected);
    assert_int_equal(host->outcome.counts.attempts_launched, TASKS);
    assert_int_equal(host->outcome.counts.tasks_recomputed, 0);
    assert_int_equal(host->outcome.counts.shuffle_rows, 3 * ROWS);
    reach = (struct reach){host->event_index, host->message_index, host->point_index, host->disk_index,
                           host->memory.call_count};
    check_clean();
    print_message(
        "%llu events, %llu messages, %llu points, %llu disk calls, %llu allocations, %.1f ms virtual\n",
        (unsigned long long)reach.events, (unsigned long long)reach.messages,
        (unsigned long long)reach.points, (unsigned long long)reach.disk_calls,
        (unsigned long long)reach.allocations, (double)host->outcome.counts.ended_ns / 1e6);
}

static void test_seeds_agree(void **state)
{
    (void)state;
    for (uint64_t seed = 2; seed < 40; seed++)
        run_and_check(NULL, 0, seed);
}

/* --- sweeps ---------------------------------------------------------------------------------------------------- */

enum cost { MAY_COST, COSTS_NOTHING };

/* COSTS_NOTHING: no attempt beyond the undisturbed ones, nothing recomputed, no executor given up. */
static void sweep_cost(enum host_effect effect, uint64_t count, uint32_t executor, uint64_t delay_ns,
                       enum cost cost)
{
    for (uint64_t k = 0; k < count; k++) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct host_disturbance disturbance = {
                .effect = effect, .at = k, .executor = executor, .delay_ns = delay_ns};
            run_and_check(&disturbance, 1, seed);
            if (cost == MAY_COST)
                continue;
            expect(host->outcome.counts.attempts_launched == TASKS, "no attempt was wasted");
            expect(host->outcome.counts.executors_lost == 0, "nobody was given up");
        }
    }
}

static void sweep(enum host_effect effect, uint64_t count, uint32_t executor, uint64_t delay_ns)
{
    sweep_cost(effect, count, executor, delay_ns, MAY_COST);
}

static void test_each_executor_crashes_at_each_event(void **state)
{
    (void)state;
    for (uint32_t executor = 1; executor <= 3; executor++) {
        sweep(HOST_CRASH, reach.events, executor, 2 * HOST_MS);
        sweep(HOST_CRASH, reach.events, executor, 300 * HOST_MS);
        sweep(HOST_CRASH, reach.events, executor, HOST_NEVER);
    }
}

static void test_each_executor_pauses_at_each_event(void **state)
{
    (void)state;
    for (uint32_t executor = 1; executor <= 3; executor++) {
        sweep_cost(HOST_PAUSE, reach.events, executor, 50 * HOST_MS, COSTS_NOTHING);
        sweep(HOST_PAUSE, reach.events, executor, 250 * HOST_MS);
    }
}

/* Its own silence is nobody else's. */
static void test_driver_pauses_at_each_event(void **state)
{
    (void)state;
    sweep_cost(HOST_PAUSE, reach.events, 0, 50 * HOST_MS, COSTS_NOTHING);
    for (uint64_t k = 0; k < reach.events; k++) {
        struct host_disturbance pause = {.effect = HOST_PAUSE, .at = k, .executor = 0, .delay_ns = 250 * HOST_MS};
        run_and_check(&pause, 1, 1 + k % 3);
        expect(host->outcome.counts.executors_lost == 0, "nobody was given up"); /* a second attempt may have been tried */
        expect(host->outcome.counts.tasks_recomputed == 0, "nothing was computed again");
    }
}

static void test_each_message(void **state)
{
    (void)state;
    sweep_cost(HOST_LOSE, reach.messages, 0, 0, COSTS_NOTHING);
    sweep_cost(HOST_DAMAGE, reach.messages, 0, 0, COSTS_NOTHING);
    sweep_cost(HOST_DELAY, reach.messages, 0, 3 * HOST_MS, COSTS_NOTHING);
    sweep_cost(HOST_DELAY, reach.messages, 0, 45 * HOST_MS, COSTS_NOTHING);
    sweep_cost(HOST_DELAY, reach.messages, 0, 250 * HOST_MS, COSTS_NOTHING);
    sweep_cost(HOST_DUPLICATE, reach.messages, 0, 0, COSTS_NOTHING);
    sweep_cost(HOST_DUPLICATE, reach.messages, 0, 300000, COSTS_NOTHING);
    sweep_cost(HOST_DUPLICATE, reach.messages, 0, 4 * HOST_MS, COSTS_NOTHING);
    sweep_cost(HOST_DUPLICATE, reach.messages, 0, 40 * HOST_MS, COSTS_NOTHING);
    for (uint32_t executor = 1; executor <= 3; executor++) {
        sweep(HOST_CLOG, reach.messages, executor, 60 * HOST_MS);
        sweep(HOST_CLOG, reach.messages, executor, 350 * HOST_MS);
    }
}

static void test_each_point(void **state)
{
    (void)state;
    sweep(HOST_POINT_FAIL, reach.points, 0, 0);
    sweep(HOST_POINT_GONE, reach.points, 0, 5 * HOST_MS);
    sweep(HOST_POINT_GONE, reach.points, 0, HOST_NEVER);
    sweep(HOST_POINT_FLIP, reach.points, 0, 0);
    sweep(HOST_POINT_CUT, reach.points, 0, 0);
    sweep_cost(HOST_POINT_MISSING, reach.points, 0, 0, COSTS_NOTHING);
}

/* Whatever sets itself again goes on once: there are no more timers and points than ever. */
static void test_each_timer_comes_twice(void **state)
{
    (void)state;
    static const uint64_t delays_ns[] = {0, 300000, 30 * HOST_MS};
    run_and_check(NULL, 0, 1);
    const uint64_t timers = host->timer_index;
    const uint64_t points = host->point_index;
    for (uint32_t i = 0; i < 3; i++) {
        sweep_cost(HOST_TIMER_TWICE, timers, 0, delays_ns[i], COSTS_NOTHING);
        const struct host_disturbance always = {.effect = HOST_TIMER_TWICE, .until = UINT64_MAX, .delay_ns = delays_ns[i]};
        run_and_check(&always, 1, 1);
        expect(host->timer_index <= timers && host->point_index <= points, "nothing goes on twice");
    }
}

static void test_each_disk_call(void **state)
{
    (void)state;
    sweep(HOST_DISK_FAIL, reach.disk_calls, 0, 0);
}

/* Refused once: the right answer, or NO_MEMORY where the driver itself was short. For ever: an end, and no leak. */
static void test_each_allocation(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < 2 * reach.allocations; k++) {
        struct host_disturbance disturbance = {.effect = HOST_REFUSE, .at = k / 2, .until = k % 2};
        describe(&disturbance, 1, 1);
        host_run(host, &query, &disturbance, 1, 1);
        bool ended_well =
            host->ended && (host->outcome.status == OD_OK || host->outcome.status == OD_NO_MEMORY);
        bool never_began = disturbance.until != 0 && !host->ended;
        bool timed_out = disturbance.until != 0 && host->outcome.status == OD_TIMED_OUT;
        expect(ended_well || never_began || timed_out, "refused memory is an ordinary status");
        check_books();
        check_clean();
    }
}

static struct host_disturbance random_disturbance(struct od_random *draws)
{
    static const uint64_t delays_ns[] = {
        0, 1 * HOST_MS, 25 * HOST_MS, 60 * HOST_MS, 150 * HOST_MS, 400 * HOST_MS};
    static const enum host_effect effects[] = {
        HOST_CRASH,      HOST_PAUSE,      HOST_LOSE,       HOST_DELAY,     HOST_DUPLICATE,
        HOST_POINT_FAIL, HOST_POINT_GONE, HOST_POINT_FLIP, HOST_POINT_CUT, HOST_POINT_MISSING,
        HOST_DISK_FAIL,  HOST_DAMAGE,     HOST_CLOG};
    struct host_disturbance disturbance = {.effect = effects[od_random_below(draws, 13)],
                                           .at = od_random_below(draws, 2 * reach.messages),
                                           .executor = 1 + (uint32_t)od_random_below(draws, 3),
                                           .delay_ns = delays_ns[od_random_below(draws, 6)]};
    if (disturbance.effect == HOST_CRASH || disturbance.effect == HOST_PAUSE)
        disturbance.at = od_random_below(draws, 2 * reach.events);
    return disturbance;
}

static void test_random_sets(void **state)
{
    (void)state;
    struct od_stream stream;
    od_stream_init(&stream, 11, "sets");
    for (uint64_t seed = 0; seed < SETS; seed++) {
        struct host_disturbance set[3];
        for (uint32_t i = 0; i < 3; i++)
            set[i] = random_disturbance(&stream.random);
        run_and_check(set, 3, seed);
    }
}

/* --- what is promised when it is too much ------------------------------------------------------------------------ */

static void test_retries_are_bounded(void **state)
{
    (void)state;
    struct host_disturbance always = {.effect = HOST_POINT_FAIL, .at = 0, .until = UINT64_MAX};
    describe(&always, 1, 1);
    host_run(host, &query, &always, 1, 1);
    expect(host->outcome.status == OD_RETRIES_EXHAUSTED, "retries end");
    expect(host->outcome.error.injected, "an injected error stays known as such");
    assert_int_equal(host->outcome.counts.attempts_failed >= query.options.attempts_max, true);
    check_clean();
}

static void test_recoveries_are_bounded(void **state)
{
    (void)state;
    struct host_disturbance always = {.effect = HOST_POINT_FLIP, .at = 0, .until = UINT64_MAX};
    describe(&always, 1, 1);
    host_run(host, &query, &always, 1, 1);
    expect(host->outcome.status == OD_RETRIES_EXHAUSTED, "recoveries end");
    check_clean();
}

static void test_deadline(void **state)
{
    (void)state;
    struct host_disturbance set[3];
    for (uint32_t i = 0; i < 3; i++)
        set[i] = (struct host_disturbance){
            .effect = HOST_CRASH, .at = 20 + i, .executor = i + 1, .delay_ns = HOST_NEVER};
    describe(set, 3, 1);
    host_run(host, &query, set, 3, 1);
    expect(host->outcome.status == OD_TIMED_OUT, "without executors the deadline ends the query");
    check_clean();
}

/* F3: a crash between the second and the last stage costs at most what that executor held and somebody still reads. */
static void test_recompute_is_minimal(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < reach.events; k++) {
        struct host_disturbance crash = {.effect = HOST_CRASH, .at = k, .executor = 1, .delay_ns = HOST_MS};
        describe(&crash, 1, 1);
        host_run(host, &query, &crash, 1, 1);
        uint32_t held = 0;
        for (uint32_t i = 0; i < host->trace_count; i++) {
            const struct od_event *event = &host->trace[i];
            if (event->kind == OD_EVENT_EXECUTOR_LOST)
                break;
            held += event->kind == OD_EVENT_TASK_COMMITTED && event->site.executor == 1;
        }
        expect(host->outcome.status == OD_OK, "the query succeeds");
        expect(host->outcome.counts.tasks_recomputed <= held, "only what was lost is computed again");
        check_clean();
    }
}

/* --- other shapes ----------------------------------------------------------------------------------------------- */

/* What the undisturbed query gives now is what is expected from here on. */
static void expect_this_query(void)
{
    describe(NULL, 0, 1);
    host_run(host, &query, NULL, 0, 1);
    expect(host->ended && host->outcome.status == OD_OK, "the query succeeds");
    check_books();
    od_buffer_release(&expected);
    encode_answer(&expected);
    reach = (struct reach){host->event_index, host->message_index, host->point_index, host->disk_index,
                           host->memory.call_count};
}

static void sweep_shape(void)
{
    sweep(HOST_CRASH, reach.events, 1, 2 * HOST_MS);
    sweep(HOST_CRASH, reach.events, 2, HOST_NEVER);
    sweep(HOST_LOSE, reach.messages, 0, 0);
    sweep(HOST_DUPLICATE, reach.messages, 0, 300000);
    sweep(HOST_POINT_FLIP, reach.points, 0, 0);
    sweep(HOST_POINT_FAIL, reach.points, 0, 0);
}

/* Attempts wait on executors and are stolen, second ones run at the first tick, one failure excludes: the same answers. */
static void test_hasty(void **state)
{
    (void)state;
    const struct od_run_options patient = query.options;
    query.options.cluster.backlog_per_slot = 2;
    query.options.cluster.breaker_failures = 1;
    query.options.speculation_share = query.options.speculation_percent = 1;
    query.options.speculation_min_ns = 1;
    expect_this_query();
    check_clean();
    uint32_t twins = 0;
    uint32_t stolen = 0;
    uint32_t excluded = 0;
    for (uint64_t k = 0; k < reach.events; k++) {
        struct host_disturbance pause = {.effect = HOST_PAUSE, .at = k, .executor = 2, .delay_ns = 60 * HOST_MS};
        run_and_check(&pause, 1, 1);
        for (uint32_t i = 0; i < host->trace_count; i++) {
            twins += host->trace[i].kind == OD_EVENT_TASK_SPECULATED;
            stolen += host->trace[i].kind == OD_EVENT_TASK_STOLEN;
        }
    }
    for (uint64_t k = 0; k < reach.points; k++) {
        struct host_disturbance fault = {.effect = HOST_POINT_FAIL, .at = k};
        run_and_check(&fault, 1, 1);
        for (uint32_t i = 0; i < host->trace_count; i++)
            excluded += host->trace[i].kind == OD_EVENT_EXECUTOR_EXCLUDED;
    }
    sweep_shape();
    assert_true(twins > 0);
    assert_true(stolen > 0);
    assert_true(excluded > 0);
    query.options = patient;
}

/* A stage with two inputs, one of them broadcast: the probe side waits while the build side is fetched. */
static void test_join_with_broadcast(void **state)
{
    (void)state;
    static const uint32_t both_inputs[] = {0, 1};
    static const uint32_t join_keys[] = {0};
    static struct od_field joined_fields[6];
    static struct od_physical readers[2];
    make_stage(0, 3, OD_EXCHANGE_HASH, 2, key_b);
    make_stage(1, 1, OD_EXCHANGE_BROADCAST, 1, NULL);
    nodes[1] = nodes[0];
    nodes[1].node_index = 1;
    stages[1].input_count = 0;
    for (uint32_t i = 0; i < 2; i++) {
        readers[i] =
            (struct od_physical){.kind = OD_PHYSICAL_EXCHANGE_READ, .schema = schema, .node_index = 2 + i};
        readers[i].exchange.stage_index = i;
        readers[i].exchange.input_index = i;
        readers[i].exchange.broadcast = i == 1;
    }
    for (uint32_t i = 0; i < 6; i++)
        joined_fields[i] = fields[i % 3];
    static const struct od_schema joined = {6, joined_fields};
    nodes[2] = (struct od_physical){.kind = OD_PHYSICAL_HASH_JOIN,
                                    .schema = joined,
                                    .node_index = 4,
                                    .input_count = 2,
                                    .inputs = {&readers[0], &readers[1]}};
    nodes[2].join.broadcast = true;
    nodes[2].join.key_count = 1;
    nodes[2].join.probe_keys = join_keys;
    nodes[2].join.build_keys = join_keys;
    stages[2] = (struct od_stage){.stage_index = 2,
                                  .task_count = 2,
                                  .root = &nodes[2],
                                  .input_count = 2,
                                  .input_stages = both_inputs,
                                  .exchange = OD_EXCHANGE_RESULT,
                                  .partition_count = 1};
    graph = (struct od_stage_graph){.stage_count = 3, .stages = stages, .schema = &joined};
    expect_this_query();
    assert_true(od_table_row_count(host->outcome.answer) > ROWS);
    check_clean();
    sweep_shape();
}

/* A sub-plan that is computed once and read by three: one spreads it anew, one reads it as it is, one a copy. Its operators
 * may hold nothing: every one that can spills. */
static void test_shared_and_spilled(void **state)
{
    (void)state;
    struct od_arena arena;
    struct od_plan_options options = {.partition_count = 2, .scan_task_count = 3};
    const struct od_plan *shared;
    const struct od_plan *spread;
    const struct od_plan *plan;
    const struct od_stage_graph *planned;
    const struct od_expr *by;
    od_arena_init(&arena, od_posix_memory(), 0);
    assert_int_equal(od_plan_scan(&arena, table, all_columns, 3, &plan, NULL), OD_OK);
    assert_int_equal(od_plan_distinct(&arena, plan, &shared, NULL), OD_OK);
    assert_int_equal(od_expr_column(&arena, &shared->schema, 1, &by, NULL), OD_OK);
    assert_int_equal(od_plan_repartition(&arena, shared, &by, 1, 0, &spread, NULL), OD_OK);
    assert_int_equal(od_plan_union(&arena, spread, shared, &plan, NULL), OD_OK);
    assert_int_equal(od_plan_union(&arena, plan, shared, &plan, NULL), OD_OK);
    assert_int_equal(od_plan_sort(&arena, plan, NULL, 0, &plan, NULL), OD_OK);
    assert_int_equal(od_stage_graph_build(&arena, plan, &options, &planned, NULL), OD_OK);
    assert_int_equal(planned->stage_count, 6);
    graph = *planned;
    query.options.operator_memory_bytes = 1;
    expect_this_query();
    assert_true(od_table_row_count(host->outcome.answer) > 0 &&
                od_table_row_count(host->outcome.answer) % 3 == 0);
    assert_true(host->outcome.counts.spilled_bytes > 0);
    check_clean();
    query.options.operator_memory_bytes = 0;
    query.options.hash_bits_off = UINT64_MAX; /* all rows in one partition: the same rows */
    run_and_check(NULL, 0, 1);
    assert_int_equal(host->outcome.counts.spilled_bytes, 0);
    query.options.hash_bits_off = 0;
    query.options.operator_memory_bytes = 1;
    sweep_shape();
    sweep(HOST_DISK_FAIL, reach.disk_calls, 0, 0);
    query.options.operator_memory_bytes = 0;
    od_arena_release(&arena);
}

static void make_plain_query(void)
{
    make_stage(0, 2, OD_EXCHANGE_HASH, 2, key_a);
    make_stage(1, 2, OD_EXCHANGE_RESULT, 1, NULL);
    graph = (struct od_stage_graph){.stage_count = 2, .stages = stages, .schema = &schema};
}

/* No row anywhere: no file, no block, no fetch, and still every task commits. */
static void test_empty_table(void **state)
{
    (void)state;
    struct od_table *full = table;
    table = od_table_new(od_posix_memory(), "empty", &schema, NULL);
    od_table_finish(table);
    make_plain_query();
    expect_this_query();
    assert_int_equal(od_table_row_count(host->outcome.answer), 0);
    assert_int_equal(reach.disk_calls, 0);
    check_clean();
    sweep_shape();
    od_table_free(od_posix_memory(), table);
    table = full;
}

/* More rows than a block: several blocks a partition, cut into batches for the operators, compressed; result in parts. */
static void test_many_blocks(void **state)
{
    (void)state;
    struct od_table *small = table;
    struct od_batch rows = od_table_view(small);
    table = od_table_new(od_posix_memory(), "large", &schema, NULL);
    for (uint32_t i = 0; i < 700; i++)
        assert_int_equal(od_batch_builder_append_rows(&table->rows, &rows, NULL, 0, ROWS, NULL), OD_OK);
    od_table_finish(table);
    query.options.batch_rows = 1500;
    query.options.codec = OD_CODEC_ZSTD;
    make_plain_query();
    expect_this_query();
    assert_int_equal(od_table_row_count(host->outcome.answer), 700 * ROWS);
    check_clean();
    struct od_stream stream;
    od_stream_init(&stream, 3, "many blocks");
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct host_disturbance one = random_disturbance(&stream.random);
        run_and_check(&one, 1, seed);
    }
    query.options.codec = OD_CODEC_STORED;
    query.options.batch_rows = 16;
    od_table_free(od_posix_memory(), table);
    table = small;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_undisturbed),
        cmocka_unit_test(test_seeds_agree),
        cmocka_unit_test(test_each_executor_crashes_at_each_event),
        cmocka_unit_test(test_each_executor_pauses_at_each_event),
        cmocka_unit_test(test_driver_pauses_at_each_event),
        cmocka_unit_test(test_each_message),
        cmocka_unit_test(test_each_point),
        cmocka_unit_test(test_each_timer_comes_twice),
        cmocka_unit_test(test_each_disk_call),
        cmocka_unit_test(test_each_allocation),
        cmocka_unit_test(test_random_sets),
        cmocka_unit_test(test_retries_are_bounded),
        cmocka_unit_test(test_recoveries_are_bounded),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_recompute_is_minimal),
        cmocka_unit_test(test_hasty),
        cmocka_unit_test(test_join_with_broadcast),
        cmocka_unit_test(test_shared_and_spilled),
        cmocka_unit_test(test_empty_table),
        cmocka_unit_test(test_many_blocks),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
