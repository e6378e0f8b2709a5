/* Goal: a query's metrics have a place for each operator, survive being copied, add up, and print where people look for them.
 * Method: a graph of two stages by hand. That drivers fill them rightly: driver_test.c, and harness/cluster_test.c on real plans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "engine/run/metrics.h"
#include "engine/world/posix.h"

static const struct od_physical values = {.kind = OD_PHYSICAL_VALUES};
static const struct od_physical limit = {
    .kind = OD_PHYSICAL_LIMIT, .input_count = 1, .inputs = {&values}, .limit = {0, 7}};
static const struct od_physical reader = {.kind = OD_PHYSICAL_EXCHANGE_READ};
static const struct od_physical both = {
    .kind = OD_PHYSICAL_UNION, .input_count = 2, .inputs = {&reader, &limit}};
static const struct od_stage stages[] = {
    {.stage_index = 0, .task_count = 2, .root = &limit, .exchange = OD_EXCHANGE_SINGLE, .reason = "why"},
    {.stage_index = 1, .task_count = 1, .root = &both, .exchange = OD_EXCHANGE_RESULT, .reason = "the end"},
};
static const struct od_stage_graph graph = {.stage_count = 2, .stages = stages};

static struct od_query_metrics *make(void)
{
    struct od_query_metrics *metrics = od_query_metrics_new(od_posix_memory(), &graph);
    const struct od_op_metrics one = {5, 40, 2, 0, 100, 1500000};
    const struct od_op_metrics other = {1, 8, 1, 300, 90, 0};
    const struct od_attempt_metrics attempt = {3, 2000000, 1000, 4, 50};
    assert_non_null(metrics);
    od_op_metrics_add(&od_stage_operators(metrics, 0)[1], &one);
    od_op_metrics_add(&od_stage_operators(metrics, 0)[1], &other);
    od_op_metrics_add(&od_stage_operators(metrics, 1)[3], &other);
    od_attempt_metrics_add(&metrics->stages[1].attempts, &attempt);
    od_attempt_metrics_add(&metrics->stages[1].attempts, &attempt);
    metrics->stages[0].attempts_launched = 3;
    metrics->stages[0].attempts_failed = 1;
    metrics->stages[0].submitted_ns = 1000000;
    metrics->stages[0].completed_ns = 3500000;
    return metrics;
}

static void operators_have_their_places(void **state)
{
    (void)state;
    struct od_query_metrics *metrics = make();
    struct od_query_metrics *copy = od_query_metrics_copy(od_posix_memory(), metrics);
    assert_int_equal(copy->operator_count, 6);
    assert_int_equal(copy->stages[0].operator_count, 2);
    assert_int_equal(copy->stages[1].operator_count, 4);
    assert_ptr_equal(od_stage_operators(copy, 1), od_stage_operators(copy, 0) + 2);
    const struct od_op_metrics *sum = &od_stage_operators(copy, 0)[1];
    assert_true(sum->rows == 6 && sum->bytes == 48 && sum->batches == 3 && sum->spilled_bytes == 300);
    assert_true(sum->peak_bytes == 100 && sum->time_ns == 1500000); /* the larger peak, not the sum */
    assert_true(copy->stages[1].attempts.steps == 6 && copy->stages[1].attempts.fetched_bytes == 100);
    od_query_metrics_free(od_posix_memory(), metrics);
    od_query_metrics_free(od_posix_memory(), copy);
    assert_null(od_query_metrics_copy(od_posix_memory(), NULL));
}

static void people_can_read_them(void **state)
{
    (void)state;
    struct od_buffer text;
    struct od_query_metrics *metrics = make();
    const struct od_run_counts counts = {.attempts_launched = 4, .attempts_failed = 1, .ended_ns = 12345678};
    od_buffer_init(&text, od_posix_memory());
    assert_true(od_query_metrics_print(metrics, &graph, &counts, &text));
    assert_string_equal(
        od_buffer_text(&text),
        "stage 0: 2 tasks, writes single -- why\n"
        "  ran: 3 attempts, 1 failed, rows 0, shuffled 0 bytes, took 2.500 ms\n"
        "  limit 7 (rows 0)\n"
        "    values () no rows (rows 6, 3 batches, 48 bytes, held 100 bytes, spilled 300 bytes, took 1.500 "
        "ms)\n"
        "stage 1: 1 task, writes result -- the end\n"
        "  ran: 0 attempts, rows 0, answered 0 bytes, fetched 8 blocks of 100 bytes, worked 4.000 ms, "
        "waited 0.002 ms\n"
        "  union all (rows 0)\n"
        "    exchange read stage 0 (rows 0)\n"
        "    limit 7 (rows 0)\n"
        "      values () no rows (rows 1, 1 batch, 8 bytes, held 90 bytes, spilled 300 bytes)\n"
        "total: 4 attempts, 1 failed, took 12.345 ms\n");
    od_buffer_release(&text);
    od_query_metrics_free(od_posix_memory(), metrics);
}

static void bytes_come_back_or_are_refused(void **state)
{
    (void)state;
    struct od_buffer bytes;
    struct od_query_metrics *metrics = make();
    struct od_query_metrics *again = od_query_metrics_new(od_posix_memory(), &graph);
    od_buffer_init(&bytes, od_posix_memory());
    assert_true(od_query_metrics_write(&bytes, metrics));
    for (size_t size = 0; size <= bytes.size; size++) { /* cut anywhere */
        struct od_reader part = {.bytes = bytes.bytes, .size = size};
        assert_int_equal(od_query_metrics_read(&part, again), size == bytes.size);
    }
    assert_memory_equal(again, metrics, metrics->size);
    od_buffer_append_u8(&bytes, 0);
    struct od_reader longer = {.bytes = bytes.bytes, .size = bytes.size};
    assert_false(od_query_metrics_read(&longer, again));
    od_buffer_release(&bytes);
    od_query_metrics_free(od_posix_memory(), metrics);
    od_query_metrics_free(od_posix_memory(), again);
}

static void a_refused_allocation_gives_none(void **state)
{
    (void)state;
    struct od_countdown countdown;
    struct od_query_metrics *metrics = make();
    od_countdown_init(&countdown, od_posix_memory(), 0, true);
    assert_null(od_query_metrics_new(&countdown.memory, &graph));
    assert_null(od_query_metrics_copy(&countdown.memory, metrics));
    od_query_metrics_free(od_posix_memory(), metrics);
    od_query_metrics_free(od_posix_memory(), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_have_their_places),
        cmocka_unit_test(people_can_read_them),
        cmocka_unit_test(bytes_come_back_or_are_refused),
        cmocka_unit_test(a_refused_allocation_gives_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
