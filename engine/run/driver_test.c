/* driver_test: what the driver answers to single messages, above all to those that come too late.
 *
 * Method: the test plays all executors by hand. It calls the driver's handlers directly, keeps what the driver sends, and looks
 * at the last message of a kind and at the events. recovery_test covers the whole; here are the moments that a whole run
 * reaches only by rare luck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/run/driver.h"
#include "engine/core/sweep.h"
#include "engine/run/protocol.h"
#include "engine/world/posix.h"

#define MS UINT64_C(1000000)

static struct od_field fields[] = {{"a", OD_TYPE_INT64, true}};
static const struct od_schema schema = {1, fields};
static const uint32_t first_stage[] = {0};
static const struct od_physical nodes[2] = {
    {.kind = OD_PHYSICAL_SCAN, .schema = {1, fields}},
    {.kind = OD_PHYSICAL_EXCHANGE_READ, .schema = {1, fields}},
};
static const struct od_stage stages[2] = {
    {.stage_index = 0,
     .task_count = 1,
     .root = &nodes[0],
     .exchange = OD_EXCHANGE_SINGLE,
     .partition_count = 1},
    {.stage_index = 1,
     .task_count = 1,
     .root = &nodes[1],
     .input_count = 1,
     .input_stages = first_stage,
     .exchange = OD_EXCHANGE_RESULT,
     .partition_count = 1},
};
static const struct od_stage_graph graph = {.stage_count = 2, .stages = stages, .schema = &schema};

static struct bench {
    struct od_query query;
    struct od_world world;
    struct od_stream random;
    struct od_countdown memory;
    struct od_actor driver;
    uint64_t now_ns;
    struct od_message *last[OD_MESSAGE_KIND_COUNT]; /* owned; the last the driver sent of each kind */
    uint32_t sent_count[OD_MESSAGE_KIND_COUNT];
    uint32_t event_count[OD_EVENT_COUNT];
    bool ended;
    struct od_outcome outcome;
    uint32_t operator_count;          /* that DONE tells of */
    struct od_query_metrics *metrics; /* owned copy */
    struct od_buffer body;            /* of the message that is being made */
} bench;

static uint64_t bench_now(void *self)
{
    (void)self;
    return bench.now_ns;
}

static void bench_send(void *self, struct od_message *message)
{
    (void)self;
    od_message_free(od_posix_memory(), bench.last[message->kind]);
    bench.last[message->kind] = message;
    bench.sent_count[message->kind]++;
}

static void bench_timer(void *self, uint64_t delay_ns, uint64_t tag)
{
    (void)self;
    (void)delay_ns;
    (void)tag;
}

static void bench_event(void *self, const struct od_event *event)
{
    (void)self;
    bench.event_count[event->kind]++;
}

static void bench_ended(void *self, uint32_t query_id, struct od_outcome *outcome)
{
    (void)self;
    assert_int_equal(query_id, 4);
    assert_false(bench.ended);
    bench.ended = true;
    bench.outcome = *outcome;
    bench.metrics = od_query_metrics_copy(od_posix_memory(), outcome->metrics);
}

static int set_up(void **state)
{
    (void)state;
    static const struct od_trace_ops trace_ops = {bench_event};
    memset(&bench, 0, sizeof(bench));
    bench.operator_count = 1;
    struct od_run_options options = {.cluster.executor_count = 2};
    bench.query =
        (struct od_query){.query_id = 4, .graph = &graph, .options = od_run_options_resolve(&options)};
    od_countdown_init(&bench.memory, od_posix_memory(), UINT64_MAX, false);
    od_stream_init(&bench.random, 1, "engine");
    od_buffer_init(&bench.body, od_posix_memory());
    bench.world = (struct od_world){.incarnation = 1,
                                    .clock = {bench_now, NULL},
                                    .random = bench.random.random,
                                    .memory = &bench.memory.memory,
                                    .net = {bench_send, NULL, od_posix_memory()},
                                    .schedule = {bench_timer, NULL},
                                    .trace = {&trace_ops, NULL}};
    struct od_outcome_sink sink = {bench_ended, NULL};
    assert_int_equal(od_driver_new(&bench.world, &bench.query.options.cluster, sink, &bench.driver, NULL),
                     OD_OK);
    assert_int_equal(od_driver_submit(&bench.driver, &bench.query, NULL), OD_OK);
    bench.driver.ops->on_start(bench.driver.self);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bench.driver.ops->free(bench.driver.self);
    od_table_free(&bench.memory.memory, bench.outcome.answer);
    od_query_metrics_free(od_posix_memory(), bench.metrics);
    for (uint32_t i = 0; i < OD_MESSAGE_KIND_COUNT; i++)
        od_message_free(od_posix_memory(), bench.last[i]);
    od_buffer_release(&bench.body);
    assert_int_equal(bench.memory.live_block_count, 0);
    return 0;
}

/* --- what executors say ---------------------------------------------------------------------------------------- */

static struct od_message *kept;

static void keep_message(void *self, struct od_message *message)
{
    (void)self;
    kept = message;
}

/* Gives bench.body to the driver as a message of an executor about (stage, task 0, attempt). */
static void say(uint32_t from, uint32_t incarnation, enum od_message_kind kind, uint32_t stage,
                uint32_t attempt)
{
    struct od_world world = {.actor_id = from,
                             .incarnation = incarnation,
                             .memory = od_posix_memory(),
                             .net = {keep_message, NULL, od_posix_memory()}};
    struct od_outbox outbox = {.world = &world, .body = bench.body};
    struct od_site site = OD_SITE_ANY;
    site.query = 4;
    site.stage = stage;
    site.task = 0;
    site.attempt = attempt;
    site.executor = from;
    assert_true(od_outbox_send(&outbox, 0, kind, site));
    bench.body = outbox.body;
    bench.driver.ops->on_message(bench.driver.self, kept);
    od_message_free(od_posix_memory(), kept);
}

static void say_register(uint32_t from, uint32_t incarnation, uint32_t request)
{
    od_buffer_append_u32(&bench.body, request);
    say(from, incarnation, OD_MESSAGE_REGISTER, OD_ANY, OD_ANY);
}

static void say_done_with(uint32_t from, uint32_t epoch, uint32_t stage, uint32_t attempt,
                          uint32_t generation, uint64_t row_count)
{
    struct od_block_entry entry = {.row_count = 3, .size = 100, .row_checksum = {7, 8}};
    od_write_done(&bench.body, &(struct od_body_done){.epoch = epoch,
                                                      .generation = generation,
                                                      .row_count = row_count,
                                                      .total_bytes = 100,
                                                      .row_checksum = {7, 8},
                                                      .metrics = {.steps = 5},
                                                      .operator_count = bench.operator_count,
                                                      .block_count = 1});
    for (uint32_t i = 0; i < bench.operator_count; i++)
        od_write_op_metrics(&bench.body, &(struct od_op_metrics){.rows = 10 + i, .peak_bytes = 20});
    od_write_entry(&bench.body, &entry);
    say(from, 1, OD_MESSAGE_DONE, stage, attempt);
}

static void say_done(uint32_t from, uint32_t epoch, uint32_t stage, uint32_t attempt, uint64_t row_count)
{
    say_done_with(from, epoch, stage, attempt, 0, row_count);
}

/* A recompute. */
static void say_done_again(uint32_t from, uint32_t epoch, uint32_t stage, uint32_t attempt,
                           uint32_t generation)
{
    say_done_with(from, epoch, stage, attempt, generation, 3);
}

static void say_failed(uint32_t from, uint32_t epoch, uint32_t stage, uint32_t attempt, enum od_status status)
{
    od_write_failed(&bench.body, &(struct od_body_failed){
                                     .epoch = epoch, .status = status, .text = "why", .text_size = 3});
    say(from, 1, OD_MESSAGE_FAILED, stage, attempt);
}

static void say_source_failed_at(uint32_t from, uint32_t epoch, uint32_t attempt, uint32_t source_attempt,
                                 uint32_t source_epoch)
{
    od_write_failed(&bench.body, &(struct od_body_failed){.epoch = epoch,
                                                          .status = OD_CORRUPT,
                                                          .fetch_failed = true,
                                                          .source = {.query = 4, .attempt = source_attempt},
                                                          .source_epoch = source_epoch,
                                                          .text = "why",
                                                          .text_size = 3});
    say(from, 1, OD_MESSAGE_FAILED, 1, attempt);
}

static void say_source_failed(uint32_t from, uint32_t epoch, uint32_t attempt, uint32_t source_attempt)
{
    say_source_failed_at(from, epoch, attempt, source_attempt, epoch);
}

/* `held` NULL: no attempt. */
static void say_heartbeat(uint32_t from, uint32_t epoch, const struct od_attempt_name *held)
{
    od_write_heartbeat(&bench.body,
                       &(struct od_body_heartbeat){.epoch = epoch, .begun_count = held != NULL, .attempt_count = held != NULL});
    if (held != NULL)
        od_write_attempt_name(&bench.body, held);
    say(from, 1, OD_MESSAGE_HEARTBEAT, OD_ANY, OD_ANY);
}

static void let_time_pass(uint64_t ns)
{
    bench.now_ns += ns;
    bench.driver.ops->on_timer(bench.driver.self, 0);
}

static uint32_t last_epoch(void)
{
    struct od_body_registered body;
    assert_true(od_read_registered(bench.last[OD_MESSAGE_REGISTERED], &body));
    return body.epoch;
}

static bool last_acknowledge_keeps(void)
{
    struct od_body_acknowledge body;
    assert_true(od_read_acknowledge(bench.last[OD_MESSAGE_ACKNOWLEDGE], &body));
    return body.keep;
}

static const struct od_site *last_launch(void)
{
    assert_non_null(bench.last[OD_MESSAGE_LAUNCH]);
    return &bench.last[OD_MESSAGE_LAUNCH]->site;
}

/* --- tests ----------------------------------------------------------------------------------------------------- */

static void test_a_cancelled_query_ends_as_such(void **state)
{
    (void)state;
    say_register(1, 1, 0);
    const struct od_order other = {.kind = OD_ORDER_CANCEL_QUERY, .query = 5};
    bench.driver.ops->on_order(bench.driver.self, &other);
    assert_false(bench.ended);
    const struct od_order ours = {.kind = OD_ORDER_CANCEL_QUERY, .query = 4};
    bench.driver.ops->on_order(bench.driver.self, &ours);
    assert_true(bench.ended);
    assert_int_equal(bench.outcome.status, OD_CANCELLED);
    assert_int_equal(bench.event_count[OD_EVENT_QUERY_CANCELLED], 1);
    assert_int_equal(bench.event_count[OD_EVENT_QUERY_ENDED], 1);
}

static void test_metrics_are_of_committed_attempts(void **state)
{
    (void)state;
    say_register(1, 1, 0);
    uint32_t epoch = last_epoch();
    say_failed(1, epoch, 0, 0, OD_TASK_FAILED);
    let_time_pass(50 * MS);
    say_done(1, epoch, 0, 0, 3); /* too late: counts for nothing */
    say_done(1, epoch, 0, 1, 3);
    say_failed(1, epoch, 1, 0, OD_EVALUATION);
    assert_true(bench.ended);
    const struct od_stage_metrics *metrics = &bench.metrics->stages[0];
    const struct od_op_metrics *scan = od_stage_operators(bench.metrics, 0);
    assert_int_equal(bench.metrics->stage_count, 2);
    assert_true(metrics->attempts_launched == 2 && metrics->attempts_failed == 1 && metrics->commits == 1);
    assert_true(metrics->rows == 3 && metrics->bytes == 100 && metrics->attempts.steps == 5);
    assert_true(metrics->operator_count == 1 && scan->rows == 10 && scan->peak_bytes == 20);
    assert_true(metrics->completed_ns >= metrics->submitted_ns + 50 * MS);
    assert_true(bench.metrics->stages[1].attempts_failed == 1 && bench.metrics->stages[1].commits == 0);
}

/* An executor that tells of other operators than the plan has runs another plan. */
static void test_other_operators_are_refused(void **state)
{
    (void)state;
    say_register(1, 1, 0);
    bench.operator_count = 2;
    say_done(1, last_epoch(), 0, 0, 3);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 0);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_RETRIED], 1);
}

static void test_success_of_an_older_attempt_is_refused(void **state)
{
    (void)state;
    say_register(1, 1, 0);
    uint32_t epoch = last_epoch();
    assert_int_equal(last_launch()->attempt, 0);
    say_failed(1, epoch, 0, 0, OD_TASK_FAILED);
    let_time_pass(50 * MS);
    assert_int_equal(last_launch()->attempt, 1);
    say_done(1, epoch, 0, 0, 3);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 0);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_REFUSED], 1);
    assert_false(last_acknowledge_keeps());
    say_done(1, epoch, 0, 1, 3);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 1);
    assert_true(last_acknowledge_keeps());
    say_done(1, epoch, 0, 1, 3); /* its acknowledgement was lost */
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 1);
    assert_true(last_acknowledge_keeps());
    assert_int_equal(last_launch()->stage, 1);
}

static void test_a_zombie_is_told_to_start_over(void **state)
{
    (void)state;
    say_register(1, 1, 0);
    uint32_t old_epoch = last_epoch();
    let_time_pass(101 * MS);
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_LOST], 1);
    say_register(2, 1, 0);
    assert_int_equal(last_launch()->attempt, 1);
    say_done(1, old_epoch, 0, 0, 3);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 0);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_REFUSED], 1);
    struct od_body_order order;
    assert_true(od_read_order(bench.last[OD_MESSAGE_START_OVER], &order));
    assert_int_equal(order.epoch, old_epoch);
    say_register(1, 1, 1);
    assert_true(last_epoch() > old_epoch);
}

static void test_registrations(void **state)
{
    (void)state;
    say_register(1, 2, 0);
    uint32_t epoch = last_epoch();
    say_register(1, 2, 0); /* the answer was lost */
    assert_int_equal(last_epoch(), epoch);
    say_register(1, 1, 5); /* a late copy of an earlier life's */
    assert_int_equal(last_epoch(), epoch);
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_LOST], 0);
    say_register(1, 3, 0); /* a new life: the old one's lease need not be waited for */
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_LOST], 1);
    assert_true(last_epoch() > epoch);
    assert_int_equal(last_launch()->attempt, 1);
}

static void test_an_index_that_contradicts_itself_is_a_failure(void **state)
{
    (void)state;
    say_register(1, 1, 0);
    say_done(1, last_epoch(), 0, 0, 4); /* a row more than its blocks have */
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 0);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_RETRIED], 1);
    let_time_pass(50 * MS);
    assert_int_equal(last_launch()->attempt, 1);
}

static void test_late_news_of_a_lost_output(void **state)
{
    (void)state;
    say_register(1, 1, 0);
    uint32_t epoch = last_epoch();
    say_done(1, epoch, 0, 0, 3);
    assert_int_equal(last_launch()->stage, 1);
    say_source_failed(1, epoch, 0, 0); /* true: computed again */
    assert_int_equal(bench.event_count[OD_EVENT_OUTPUT_LOST], 1);
    assert_int_equal(last_launch()->stage, 0);
    assert_int_equal(last_launch()->attempt, 1);
    say_done_again(1, epoch, 0, 1, 1);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 2);
    assert_int_equal(last_launch()->stage, 1);
    assert_int_equal(last_launch()->attempt, 1);
    say_source_failed(1, epoch, 1, 0); /* of the attempt before: only the reader starts again */
    assert_int_equal(bench.event_count[OD_EVENT_OUTPUT_LOST], 1);
    assert_int_equal(last_launch()->stage, 1);
    assert_int_equal(last_launch()->attempt, 2);
}

static void test_permanent_errors_end_the_query(void **state)
{
    (void)state;
    say_register(1, 1, 0);
    say_failed(1, last_epoch(), 0, 0, OD_EVALUATION);
    assert_true(bench.ended);
    assert_int_equal(bench.outcome.status, OD_EVALUATION);
    assert_string_equal(bench.outcome.error.text, "why");
    assert_int_equal(bench.sent_count[OD_MESSAGE_END_QUERY], 2);
    say_done(1, last_epoch(), 0, 0, 3); /* too late: told again */
    assert_int_equal(bench.sent_count[OD_MESSAGE_END_QUERY], 3);
}

static void test_memory_failures_end_as_such(void **state)
{
    (void)state;
    say_register(1, 1, 0);
    for (uint32_t i = 0; i < 4; i++) {
        assert_false(bench.ended);
        say_failed(1, last_epoch(), 0, i, OD_NO_MEMORY);
        bench.now_ns += 90 * MS;
        say_heartbeat(1, last_epoch(), NULL);
    }
    assert_true(bench.ended);
    assert_int_equal(bench.outcome.status, OD_NO_MEMORY);
}

/* A launch that never seems to arrive is sent again, then cancelled and given to somebody else. */
static void test_a_deaf_executor_is_passed_over(void **state)
{
    (void)state;
    say_register(1, 1, 0);
    uint32_t epoch = last_epoch();
    say_register(2, 1, 0);
    uint32_t other_epoch = last_epoch();
    assert_int_equal(last_launch()->executor, 1);
    for (uint32_t i = 0; i < 12 && bench.sent_count[OD_MESSAGE_CANCEL] == 0; i++) {
        bench.now_ns += 31 * MS;
        say_heartbeat(2, other_epoch, NULL);
        say_heartbeat(1, epoch, NULL);
    }
    assert_int_equal(bench.sent_count[OD_MESSAGE_CANCEL], 1);
    assert_int_equal(last_launch()->executor, 2);
    assert_int_equal(last_launch()->attempt, 1);
    say_done(1, epoch, 0, 0, 3); /* it was not deaf, only slow */
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 0);
    /* the cancel was lost: a heartbeat that names the old attempt gets another */
    say_heartbeat(1, epoch, &(struct od_attempt_name){4, 0, 0, 0});
    assert_int_equal(bench.sent_count[OD_MESSAGE_CANCEL], 2);
}

/* The only executor with an output leaves: the output moves, a reader that was told the old place reads again, and nothing is
 * computed twice. */
static void test_an_output_moves(void **state)
{
    (void)state;
    say_register(1, 1, 0);
    uint32_t epoch = last_epoch();
    say_done(1, epoch, 0, 0, 3);
    assert_int_equal(last_launch()->executor, 1);
    bench.driver.ops->on_order(bench.driver.self, &(struct od_order){OD_ORDER_DECOMMISSION, 0, 1});
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_DRAINING], 0); /* the last one stays */
    say_register(2, 1, 0);
    uint32_t other_epoch = last_epoch();
    bench.driver.ops->on_order(bench.driver.self, &(struct od_order){OD_ORDER_DECOMMISSION, 0, 1});
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_DRAINING], 1);
    struct od_body_copy copy;
    assert_true(od_read_copy(bench.last[OD_MESSAGE_COPY], &copy));
    assert_int_equal(bench.last[OD_MESSAGE_COPY]->to, 2);
    assert_true(copy.epoch == other_epoch && copy.source == 1 && copy.source_epoch == epoch && copy.size == 100);
    bench.now_ns += 31 * MS;
    say_heartbeat(1, epoch, &(struct od_attempt_name){4, 1, 0, 0});
    let_time_pass(0);
    assert_int_equal(bench.sent_count[OD_MESSAGE_COPY], 2); /* nobody has answered */
    od_write_copied(&bench.body, &(struct od_body_copied){.epoch = other_epoch, .status = OD_UNREACHABLE});
    say(2, 1, OD_MESSAGE_COPIED, 0, 0);
    assert_int_equal(bench.sent_count[OD_MESSAGE_COPY], 3);
    od_write_copied(&bench.body, &(struct od_body_copied){.epoch = other_epoch, .status = OD_OK});
    say(2, 1, OD_MESSAGE_COPIED, 0, 0);
    assert_int_equal(bench.event_count[OD_EVENT_OUTPUT_MOVED], 1);
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_DECOMMISSIONED], 0); /* its reader still runs there */
    say_source_failed_at(1, epoch, 0, 0, epoch); /* of the place before: only the reader starts again */
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_DECOMMISSIONED], 1);
    assert_int_equal(bench.event_count[OD_EVENT_OUTPUT_LOST], 0);
    assert_int_equal(last_launch()->stage, 1);
    assert_int_equal(last_launch()->executor, 2);
    assert_int_equal(bench.sent_count[OD_MESSAGE_LEAVE], 1);
    say_heartbeat(1, epoch, NULL); /* it has not heard */
    assert_int_equal(bench.sent_count[OD_MESSAGE_LEAVE], 2);
    assert_int_equal(bench.sent_count[OD_MESSAGE_START_OVER], 0);
    say_register(1, 1, 0); /* a late copy */
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_REGISTERED], 2);
    say_register(1, 2, 0); /* a new life */
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_REGISTERED], 3);
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_LOST], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_cancelled_query_ends_as_such),
        TEST(test_metrics_are_of_committed_attempts),
        TEST(test_other_operators_are_refused),
        TEST(test_success_of_an_older_attempt_is_refused),
        TEST(test_a_zombie_is_told_to_start_over),
        TEST(test_registrations),
        TEST(test_an_index_that_contradicts_itself_is_a_failure),
        TEST(test_late_news_of_a_lost_output),
        TEST(test_an_output_moves),
        TEST(test_permanent_errors_end_the_query),
        TEST(test_memory_failures_end_as_such),
        TEST(test_a_deaf_executor_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
