/* Goal: a query on a cluster gives its answer in both deployments, disturbed or not, twice the same in sim, and leaves nothing behind;
 * whatever allocation is refused, it ends with an answer or says NO_MEMORY.
 * Method: one small query of several stages; fixed seeds, written schedules; a countdown as the memory below everything. */
#include "harness/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "engine/run/metrics.h"
#include "harness/file.h"
#include "harness/small_query.h"

static struct od_small_query query;
static char directory[] = "/tmp/ordeal-cluster-test-XXXXXX";

static int make_query(void **state)
{
    (void)state;
    od_small_query_make(&query, OD_SMALL_QUERY);
    return mkdtemp(directory) == NULL;
}
static int release_query(void **state)
{
    (void)state;
    od_small_query_release(&query);
    return od_folder_remove(directory, NULL) != OD_OK;
}

static struct od_cluster_request request_for(enum od_deployment deployment, uint64_t seed)
{
    return (struct od_cluster_request){
        .graph = query.prepared.graph,
        .options = {.cluster.executor_count = 3, .cluster.slots_per_executor = 2, .batch_rows = 7, .codec = OD_CODEC_ZSTD},
        .deployment = deployment,
        .seed = seed,
        .directory = deployment == OD_DEPLOY_THREADS ? directory : NULL,
        .keep_events = true,
    };
}

static void run(const struct od_cluster_request *request, struct od_cluster_result *result)
{
    struct od_error error = {0};
    enum od_status status = od_cluster_run(od_posix_memory(), request, result, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, OD_OK);
}

static void expect_answer(const struct od_cluster_result *result)
{
    assert_true(result->ended);
    assert_string_equal(result->outcome.error.text, "");
    assert_int_equal(result->outcome.status, OD_OK);
    assert_string_equal(od_small_csv(&query, result->outcome.answer), OD_SMALL_ANSWER);
    assert_int_equal(result->leaked, 0);
    assert_false(result->events_cut);
}

static struct od_schedule schedule_of(const char *text)
{
    struct od_schedule schedule;
    struct od_error error = {0};
    enum od_status status =
        od_schedule_parse(&query.plan_arena, "test", text, strlen(text), &schedule, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, OD_OK);
    return schedule;
}

static bool has_event(const struct od_cluster_result *result, enum od_event_kind kind)
{
    for (uint32_t i = 0; i < result->event_count; i++) {
        if (result->events[i].kind == kind)
            return true;
    }
    return false;
}

static void the_query_has_several_stages(void **state)
{
    (void)state;
    struct od_schedule_shape shape;
    struct od_error error = {0};
    const struct od_stage_graph *graph = query.prepared.graph;
    assert_int_equal(od_cluster_shape(&query.plan_arena, graph, 3, OD_DEPLOY_SIM, &shape, &error), OD_OK);
    assert_true(shape.stage_count >= 3);
    assert_int_equal(shape.executor_count, 3);
    for (uint32_t i = 0; i < graph->stage_count; i++) {
        assert_int_equal(shape.task_counts[i], graph->stages[i].task_count);
        assert_int_equal(shape.partition_counts[i], graph->stages[i].partition_count);
    }
}

static void equal_seeds_give_equal_digests(void **state)
{
    (void)state;
    uint64_t digests[3];
    const uint64_t seeds[3] = {7, 7, 8};
    for (int i = 0; i < 3; i++) {
        struct od_cluster_result result;
        struct od_cluster_request request = request_for(OD_DEPLOY_SIM, seeds[i]);
        run(&request, &result);
        expect_answer(&result);
        assert_true(result.event_count > 0);
        assert_true(result.elapsed_ns > 0);
        assert_int_equal(result.faults_fired, 0);
        digests[i] = result.digest;
        od_cluster_result_release(&result);
    }
    assert_true(digests[0] == digests[1]);
    assert_true(digests[0] != digests[2]);
}

static const struct od_stage *stage_of(uint32_t stage)
{
    return &query.prepared.graph->stages[stage];
}

/* Rows that the operators of `node`'s tree say they read of `source`'s output; `position` is the node's in its stage. */
static uint64_t rows_read(const struct od_physical *node, const struct od_op_metrics *operators, uint32_t *position,
                          uint32_t source)
{
    bool reads = node->kind == OD_PHYSICAL_EXCHANGE_READ && node->exchange.stage_index == source;
    uint64_t rows = reads ? operators[*position].rows : 0;
    (*position)++;
    for (uint32_t i = 0; i < node->input_count; i++)
        rows += rows_read(node->inputs[i], operators, position, source);
    return rows;
}

/* What a stage wrote, its last operator gave and its readers read is one number. Not in processes: their program would be this one. */
static void metrics_agree_with_each_other(void **state)
{
    (void)state;
    for (int deployment = OD_DEPLOY_SIM; deployment <= OD_DEPLOY_THREADS; deployment++) {
        struct od_cluster_result result;
        struct od_cluster_request request = request_for((enum od_deployment)deployment, 7);
        run(&request, &result);
        expect_answer(&result);
        struct od_query_metrics *metrics = result.outcome.metrics;
        uint32_t launched = 0;
        uint64_t shuffled_rows = 0;
        assert_int_equal(metrics->stage_count, query.prepared.graph->stage_count);
        for (uint32_t i = 0; i < metrics->stage_count; i++) {
            const struct od_stage_metrics *stage = &metrics->stages[i];
            uint64_t read = 0;
            assert_int_equal(stage->commits, stage_of(i)->task_count);
            assert_true(stage->attempts.steps >= stage->commits);
            assert_true(stage->completed_ns >= stage->submitted_ns);
            assert_int_equal(od_stage_operators(metrics, i)[0].rows, stage->rows);
            for (uint32_t k = i + 1; k < metrics->stage_count; k++) {
                uint32_t position = 0;
                read += rows_read(stage_of(k)->root, od_stage_operators(metrics, k), &position, i);
                assert_int_equal(position, metrics->stages[k].operator_count);
            }
            if (i + 1 < metrics->stage_count)
                assert_int_equal(read, stage->rows);
            else
                assert_int_equal(stage->rows, 4);
            launched += stage->attempts_launched;
            shuffled_rows += i + 1 < metrics->stage_count ? stage->rows : 0;
        }
        assert_int_equal(launched, result.outcome.counts.attempts_launched);
        assert_int_equal(shuffled_rows, result.outcome.counts.shuffle_rows);
        assert_true(metrics->stages[metrics->stage_count - 1].attempts.fetched_blocks > 0);
        assert_true((od_stage_operators(metrics, 0)[0].time_ns > 0) == (deployment == OD_DEPLOY_THREADS));
        od_cluster_result_release(&result);
    }
}

static void events_are_kept_on_request_only(void **state)
{
    (void)state;
    struct od_cluster_result with;
    struct od_cluster_result without;
    struct od_cluster_request request = request_for(OD_DEPLOY_SIM, 7);
    run(&request, &with);
    request.keep_events = false;
    run(&request, &without);
    assert_true(has_event(&with, OD_EVENT_TASK_COMMITTED));
    assert_int_equal(without.event_count, 0);
    assert_true(with.digest == without.digest); /* watching changes nothing */
    od_cluster_result_release(&with);
    od_cluster_result_release(&without);
}

static const char *const schedules[] = {
    "executor.crash at task_end stage=0 task=1 attempt=0 for=40ms",
    "executor.crash at task_start stage=2 for=40ms\nexecutor.crash at time=1ms executor=2 for=20ms",
    "shuffle.block_bit_flip at block_write stage=0 task=0 attempt=0 bit=900",
    "task.error_after at task_end stage=1 task=0 attempt=0",
    "network.loss at message_send nth=5 times=4",
};

static void disturbed_in(enum od_deployment deployment)
{
    uint32_t fired = 0;
    for (size_t i = 0; i < sizeof(schedules) / sizeof(schedules[0]); i++) {
        struct od_cluster_result result;
        struct od_cluster_request request = request_for(deployment, 11 + i);
        struct od_schedule schedule = schedule_of(schedules[i]);
        request.schedule = &schedule;
        run(&request, &result);
        expect_answer(&result);
        assert_int_equal(result.fault_count, schedule.fault_count);
        uint32_t sum = 0;
        for (uint32_t f = 0; f < result.fault_count; f++)
            sum += result.fired[f];
        assert_int_equal(sum, result.faults_fired);
        fired += result.faults_fired > 0;
        od_cluster_result_release(&result);
    }
    assert_true(fired >= 4); /* a schedule that does nothing proves nothing */
}

static void the_answer_survives_faults_in_sim(void **state)
{
    (void)state;
    disturbed_in(OD_DEPLOY_SIM);
}

static void the_answer_survives_faults_in_threads(void **state)
{
    (void)state;
    disturbed_in(OD_DEPLOY_THREADS);
}

/* What would change nothing is not drawn, and refused. */
static void idle_faults_are_refused(void **state)
{
    static const struct {
        enum od_deployment deployment;
        const char *schedule;
        enum od_fault_kind kind;
        bool is_refused;
    } rows[] = {
        {OD_DEPLOY_SIM, "network.reset at time=1ms executor=1", OD_FAULT_NETWORK_RESET, false},
        {OD_DEPLOY_THREADS, "network.reset at time=1ms executor=1", OD_FAULT_NETWORK_RESET, true},
        {OD_DEPLOY_PROCESSES, "network.reset at time=1ms executor=1", OD_FAULT_NETWORK_RESET, true},
        {OD_DEPLOY_PROCESSES, "executor.disk_lost at time=1ms executor=1", OD_FAULT_EXECUTOR_DISK_LOST, true},
        {OD_DEPLOY_THREADS, "executor.add at time=1ms", OD_FAULT_EXECUTOR_ADD, false},
        {OD_DEPLOY_PROCESSES, "executor.add at time=1ms", OD_FAULT_EXECUTOR_ADD, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_cluster_result result;
        struct od_cluster_request request = request_for(rows[i].deployment, 1);
        struct od_schedule schedule = schedule_of(rows[i].schedule);
        struct od_schedule_shape shape;
        request.schedule = &schedule;
        enum od_status status = od_cluster_run(od_posix_memory(), &request, &result, NULL);
        assert_int_equal(status, rows[i].is_refused ? OD_BAD_INPUT : OD_OK);
        od_cluster_result_release(&result);
        assert_int_equal(od_cluster_shape(&query.plan_arena, request.graph, 3, rows[i].deployment, &shape, NULL), OD_OK);
        assert_int_equal(od_fault_kinds_has(&shape.kinds, rows[i].kind), !rows[i].is_refused);
    }
}

static void a_crash_shows_in_events_and_counts(void **state)
{
    (void)state;
    struct od_cluster_result result;
    struct od_cluster_request request = request_for(OD_DEPLOY_SIM, 11);
    struct od_schedule schedule = schedule_of(schedules[0]);
    request.schedule = &schedule;
    run(&request, &result);
    assert_int_equal(result.fired[0], 1);
    assert_true(has_event(&result, OD_EVENT_EXECUTOR_LOST));
    assert_true(result.outcome.counts.executors_lost >= 1);
    od_cluster_result_release(&result);
}

static void threads_give_the_same_answer(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct od_cluster_result result;
        struct od_cluster_request request = request_for(OD_DEPLOY_THREADS, seed);
        run(&request, &result);
        expect_answer(&result);
        assert_true(has_event(&result, OD_EVENT_RESULT_COMMITTED));
        od_cluster_result_release(&result);
    }
}

/* A schedule that stands in the way for ever: the run ends within its bound, with an error and no answer. */
static void a_hopeless_query_ends_with_an_error(void **state)
{
    (void)state;
    struct od_cluster_result result;
    struct od_cluster_request request = request_for(OD_DEPLOY_SIM, 3);
    struct od_schedule schedule = schedule_of("task.error_before at task_start stage=0 task=0 times=always");
    request.schedule = &schedule;
    run(&request, &result);
    assert_true(result.ended);
    assert_int_equal(result.outcome.status, OD_RETRIES_EXHAUSTED);
    assert_true(result.outcome.error.injected);
    assert_null(result.outcome.answer);
    assert_int_equal(result.leaked, 0);
    od_cluster_result_release(&result);
}

static void a_run_that_is_cut_off_has_not_ended(void **state)
{
    (void)state;
    struct od_cluster_result result;
    struct od_cluster_request request = request_for(OD_DEPLOY_SIM, 3);
    request.until_ns = 1000; /* no message arrives that soon */
    run(&request, &result);
    assert_false(result.ended);
    assert_null(result.outcome.answer);
    assert_int_equal(result.leaked, 0);
    od_cluster_result_release(&result);
}

/* One run over a memory that refuses; true when it did. */
static bool survives_refusal(const struct od_cluster_request *request, uint64_t refuse_at, bool for_ever)
{
    struct od_countdown countdown;
    struct od_cluster_result result;
    od_countdown_init(&countdown, od_heap_for_tests(), refuse_at, for_ever);
    enum od_status status = od_cluster_run(&countdown.memory, request, &result, NULL);
    assert_true(status == OD_OK || status == OD_NO_MEMORY);
    if (status == OD_OK && result.ended && result.outcome.status == OD_OK)
        assert_string_equal(od_small_csv(&query, result.outcome.answer), OD_SMALL_ANSWER);
    else
        assert_null(result.outcome.answer);
    if (status == OD_OK)
        assert_int_equal(result.leaked, 0);
    od_cluster_result_release(&result);
    assert_int_equal(countdown.live_block_count, 0);
    return countdown.refused_count > 0;
}

/* The simulation takes memory in large pieces, so these are few; the parts' own tests refuse each allocation of theirs. */
static void every_refused_allocation_is_survived(void **state)
{
    (void)state;
    struct od_cluster_request request = request_for(OD_DEPLOY_SIM, 7);
    struct od_schedule schedule = schedule_of(schedules[0]);
    uint64_t k = 0;
    request.schedule = &schedule;
    while (survives_refusal(&request, k, false)) {
        survives_refusal(&request, k, true);
        k++;
    }
    assert_true(k >= 5);
}

/* An executor's budget is used up at ever later places as it grows. */
static void a_small_budget_gives_an_error_or_the_answer(void **state)
{
    (void)state;
    struct od_cluster_request request = request_for(OD_DEPLOY_SIM, 7);
    uint32_t refused = 0;
    uint32_t answered = 0;
    for (uint64_t bytes = 64; bytes <= (1 << 20); bytes += bytes / 16) {
        struct od_cluster_result result;
        request.options.cluster.executor_memory_bytes = bytes;
        enum od_status status = od_cluster_run(od_posix_memory(), &request, &result, NULL);
        if (status == OD_OK && result.outcome.status == OD_OK) {
            expect_answer(&result);
            answered++;
        } else {
            /* the call itself fails when the budget is too small for an executor to begin */
            assert_int_equal(status == OD_OK ? result.outcome.status : status, OD_NO_MEMORY);
            assert_null(result.outcome.answer);
            assert_int_equal(result.leaked, 0);
            refused++;
        }
        od_cluster_result_release(&result);
    }
    assert_true(refused > 10);
    assert_true(answered > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_query_has_several_stages),
        cmocka_unit_test(equal_seeds_give_equal_digests),
        cmocka_unit_test(metrics_agree_with_each_other),
        cmocka_unit_test(events_are_kept_on_request_only),
        cmocka_unit_test(the_answer_survives_faults_in_sim),
        cmocka_unit_test(the_answer_survives_faults_in_threads),
        cmocka_unit_test(idle_faults_are_refused),
        cmocka_unit_test(a_crash_shows_in_events_and_counts),
        cmocka_unit_test(threads_give_the_same_answer),
        cmocka_unit_test(a_hopeless_query_ends_with_an_error),
        cmocka_unit_test(a_run_that_is_cut_off_has_not_ended),
        cmocka_unit_test(every_refused_allocation_is_survived),
        cmocka_unit_test(a_small_budget_gives_an_error_or_the_answer),
    };
    return cmocka_run_group_tests(tests, make_query, release_query);
}
