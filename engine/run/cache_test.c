/* cache_test: two queries, one after the other, that share a cached stage: the answers are what they are
 * without a cache, whatever is left of it.
 *
 * Method: the small query of recovery_fixture.h runs twice on one cluster, under two numbers; its second
 * stage is cached. First undisturbed: the second run launches nothing up to that stage. Then with nothing
 * that fits (another key, another shape, no room), and with everything going wrong in either run: crashes,
 * lost and doubled messages, failing points, disks, allocations, executors that leave, the driver's death.
 * The answer of the second run is compared. */
#include "engine/run/recovery_fixture.h"

#include "engine/core/sanitizer.h"

#define STRIDE (OD_IS_SANITIZED ? 7 : 1)

static struct od_query again; /* the same, under another number */
static struct od_stage other_stages[STAGES];
static struct od_stage_graph other_graph;

static uint32_t count_of_query(enum od_event_kind kind, uint32_t query_id, uint32_t stages_from,
                             uint32_t stages_to)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < host->trace_count; i++) {
        const struct od_event *event = &host->trace[i];
        count += event->kind == kind && (query_id == OD_ANY || event->site.query == query_id) &&
                 event->site.stage >= stages_from && event->site.stage <= stages_to;
    }
    return count;
}

static void run_twice(const struct host_disturbance *disturbances, uint32_t count, uint64_t seed)
{
    describe(disturbances, count, seed);
    host_run(host, &query, disturbances, count, seed);
}

static void expect_no_leak(void)
{
    od_table_free(&host->memory.memory, host->outcome.answer);
    host->outcome.answer = NULL;
    expect(host->memory.live_block_count == 0, "memory is given back");
    expect(host->messages.live_block_count == 0, "messages are given back");
    expect(host_files_left(host) == 0, "files are removed");
}

static void run_twice_and_check(const struct host_disturbance *disturbances, uint32_t count, uint64_t seed)
{
    run_twice(disturbances, count, seed);
    expect(host->ended && host->outcome.status == OD_OK, "the query succeeds");
    struct od_buffer answer;
    encode_answer(&answer);
    expect(answer.size == expected.size && memcmp(answer.bytes, expected.bytes, expected.size) == 0,
           "the answer is the undisturbed one");
    od_buffer_release(&answer);
    expect_no_leak();
}

static int set_up_cache(void **state)
{
    set_up(state);
    query.options.cluster.journal = true;
    describe(NULL, 0, 1);
    host_run(host, &query, NULL, 0, 1);
    expect(host->ended && host->outcome.status == OD_OK, "the query succeeds");
    encode_answer(&expected);
    expect_no_leak();
    run_and_check(NULL, 0, 1);
    stages[1].keep = OD_KEEP_DISK;
    stages[1].cache_key = 77;
    stages[1].cache_shape = 5;
    memcpy(other_stages, stages, sizeof(stages));
    other_graph = graph;
    other_graph.stages = other_stages;
    again = query;
    again.query_id = 10;
    again.graph = &other_graph;
    host_second = &again;
    return 0;
}

static void test_nothing_is_computed_twice(void **state)
{
    (void)state;
    static const enum od_keep levels[] = {OD_KEEP_DISK, OD_KEEP_MEMORY};
    for (uint32_t i = 0; i < 2; i++) {
        stages[1].keep = other_stages[1].keep = levels[i];
        run_twice_and_check(NULL, 0, 1);
        assert_int_equal(count_of_query(OD_EVENT_OUTPUT_REUSED, 10, 1, 1), stages[1].task_count);
        assert_int_equal(count_of_query(OD_EVENT_TASK_LAUNCHED, 10, 0, 1), 0);
        assert_int_equal(count_of_query(OD_EVENT_TASK_LAUNCHED, 10, 2, 3), 4);
        assert_int_equal(count_of_query(OD_EVENT_OUTPUT_EVICTED, OD_ANY, 0, OD_ANY), 0);
    }
    stages[1].keep = other_stages[1].keep = OD_KEEP_DISK;
}

static void test_what_does_not_fit(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        other_stages[1].cache_key = i == 0 ? 78 : 77;
        other_stages[1].cache_shape = i == 1 ? 6 : 5;
        again.options.hash_bits_off = i == 2 ? UINT64_MAX << 60 : 0;
        run_twice(NULL, 0, 1);
        expect(host->ended && host->outcome.status == OD_OK, "the query succeeds");
        expect(count_of_query(OD_EVENT_OUTPUT_REUSED, 10, 0, OD_ANY) == 0,
               "another stage's outputs are not taken");
        expect_no_leak();
    }
    again.options.hash_bits_off = 0;
}

/* All of it is evicted before the second query reads it: found missing, and computed again. */
static void test_no_room(void **state)
{
    (void)state;
    query.options.cluster.cache_bytes = 1;
    run_twice_and_check(NULL, 0, 1);
    assert_int_equal(count_of_query(OD_EVENT_OUTPUT_REUSED, 10, 1, 1), stages[1].task_count);
    assert_true(count_of_query(OD_EVENT_OUTPUT_EVICTED, OD_ANY, 0, OD_ANY) > 0);
    assert_true(count_of_query(OD_EVENT_TASK_LAUNCHED, 10, 0, 1) > 0);
    query.options.cluster.cache_bytes = 256 << 20;
}

static void sweep(enum host_effect effect, uint64_t count, uint32_t executor, uint64_t delay_ns)
{
    for (uint64_t k = 0; k < count; k += STRIDE) {
        struct host_disturbance one = {.effect = effect, .at = k, .executor = executor, .delay_ns = delay_ns};
        run_twice_and_check(&one, 1, 1 + k % 3);
        if (effect == HOST_CRASH && executor == 0)
            expect(count_of_query(OD_EVENT_EXECUTOR_LOST, OD_ANY, 0, OD_ANY) != 0 ||
                       count_of_query(OD_EVENT_OUTPUT_LOST, OD_ANY, 0, OD_ANY) == 0,
                   "what nobody lost is there");
    }
}

/* The driver dies while a query reads what it has not computed: where those outputs are, and that nobody need know what they
 * were computed from, is known to the next life. `cached`: the stage. */
static void sweep_restarts(uint32_t cached, uint64_t partition_bytes)
{
    const struct od_run_options options = query.options;
    query.options.partition_bytes = again.options.partition_bytes = partition_bytes;
    again.options.slots_max = 1;
    stages[cached].keep = OD_KEEP_DISK;
    stages[cached].cache_key = 77;
    stages[cached].cache_shape = 5;
    memcpy(other_stages, stages, sizeof(stages));
    run_twice(NULL, 0, 1);
    expect(host->ended && host->outcome.status == OD_OK, "the query succeeds");
    assert_int_equal(count_of_query(OD_EVENT_OUTPUT_REUSED, 10, cached, cached), stages[cached].task_count);
    const struct od_buffer plain_answer = expected;
    encode_answer(&expected);
    expect_no_leak();
    sweep(HOST_CRASH, host->event_index, 0, 2 * HOST_MS);
    od_buffer_release(&expected);
    expected = plain_answer;
    query.options = again.options = options;
}

static void test_restarts_while_reused(void **state)
{
    (void)state;
    struct od_stage planned[STAGES];
    memcpy(planned, stages, sizeof(stages));
    sweep_restarts(1, query.options.partition_bytes);
    /* a stage whose tasks are chosen by the sizes of what is not there is below the cached one */
    stages[1] = planned[1];
    stages[1].keep = OD_KEEP_NONE;
    stages[1].cache_key = stages[1].cache_shape = 0;
    stages[1].may_merge = true;
    stages[2].exchange = OD_EXCHANGE_FORWARD;
    stages[2].partition_count = 3;
    stages[3].task_count = 3;
    nodes[3].exchange.forward = true;
    sweep_restarts(2, 1 << 20);
    nodes[3].exchange.forward = false;
    memcpy(stages, planned, sizeof(stages));
    memcpy(other_stages, planned, sizeof(stages));
}

static void test_disturbed(void **state)
{
    (void)state;
    run_twice_and_check(NULL, 0, 1);
    uint64_t events = host->event_index < 1500 ? host->event_index : 1500;
    uint64_t messages = host->message_index, points = host->point_index;
    uint64_t disk_calls = host->disk_index, allocations = host->memory.call_count;
    for (uint32_t executor = 0; executor <= 3; executor++) {
        sweep(HOST_CRASH, events, executor, 2 * HOST_MS);
        if (executor != 0)
            sweep(HOST_DRAIN, events, executor, 0);
    }
    sweep(HOST_LOSE, messages, 0, 0);
    sweep(HOST_DUPLICATE, messages, 0, 4 * HOST_MS);
    sweep(HOST_DELAY, messages, 0, 45 * HOST_MS);
    sweep(HOST_POINT_FAIL, points, 0, 0);
    sweep(HOST_POINT_FLIP, points, 0, 0);
    sweep(HOST_POINT_GONE, points, 0, 5 * HOST_MS);
    sweep(HOST_DISK_FAIL, disk_calls, 0, 0);
    stages[1].keep = other_stages[1].keep = OD_KEEP_MEMORY;
    for (uint64_t k = 0; k < allocations; k += STRIDE) {
        struct host_disturbance refuse = {.effect = HOST_REFUSE, .at = k};
        run_twice(&refuse, 1, 1);
        expect(host->ended && (host->outcome.status == OD_OK || host->outcome.status == OD_NO_MEMORY),
               "refused memory is an ordinary status");
        expect_no_leak();
    }
    stages[1].keep = other_stages[1].keep = OD_KEEP_DISK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_computed_twice),
        cmocka_unit_test(test_what_does_not_fit),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_disturbed),
        cmocka_unit_test(test_restarts_while_reused),
    };
    return cmocka_run_group_tests(tests, set_up_cache, tear_down);
}
