/* driver_test: what the driver answers to single messages, above all to those that come too late.
 *
 * Method: the test plays all executors by hand. It calls the driver's handlers directly, keeps what the driver sends, and looks
 * at the last message of a kind and at the events. recovery_test covers the whole; here are the moments that a whole run
 * reaches only by rare luck. */
#include "engine/run/driver_bench.h"

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
    for (uint32_t i = 0; i < 6; i++) /* ticks: a driver that stood still could not tell */
        let_time_pass(20 * MS);
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

/* An executor that registered in a life of the driver before, with this epoch: how it asked for it is no news, however late. */
static void test_late_copies_of_registrations(void **state)
{
    (void)state;
    bench.world.incarnation = 2;
    say_heartbeat(1, 5, NULL);
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_REGISTERED], 1);
    say_register(1, 1, 0);
    say_register(1, 1, 4);
    assert_int_equal(last_epoch(), 5);
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_LOST], 0);
    say_register(1, 1, 5);
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_LOST], 1);
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_REGISTERED], 2);
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
    bench.driver.ops->on_order(bench.driver.self, &(struct od_order){.kind = OD_ORDER_DECOMMISSION, .executor = 1});
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_DRAINING], 0); /* the last one stays */
    say_register(2, 1, 0);
    uint32_t other_epoch = last_epoch();
    bench.driver.ops->on_order(bench.driver.self, &(struct od_order){.kind = OD_ORDER_DECOMMISSION, .executor = 1});
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

/* A life's time goes on by a lease at most at once: here by as much as it takes. */
static void fire_timer(uint64_t tag)
{
    bench.query.options.cluster.lease_ns = UINT64_MAX;
    bench.now_ns = bench.timer_due_ns;
    bench.driver.ops->on_timer(bench.driver.self, tag);
}

/* It is set again when it has passed, or when something is to end earlier. */
static void test_one_timer_watches_all_deadlines(void **state)
{
    (void)state;
    static const struct {
        uint32_t id;
        uint64_t deadline_ns;
        uint32_t timers; /* set so far */
    } rows[] = {{5, 60000 * MS, 1}, {6, 1000 * MS, 2}, {7, 30000 * MS, 2}};
    struct od_query queries[3];
    uint64_t began_ns = bench.now_ns;
    assert_int_equal(bench.timer_count, 1);
    assert_int_equal(bench.timer_due_ns, began_ns + 60000 * MS);
    for (uint32_t i = 0; i < 3; i++) {
        queries[i] = bench.query;
        queries[i].query_id = rows[i].id;
        queries[i].options.deadline_ns = rows[i].deadline_ns;
        bench.now_ns += MS;
        assert_int_equal(od_driver_submit(&bench.driver, &queries[i], NULL), OD_OK);
        assert_int_equal(bench.timer_count, rows[i].timers);
    }
    fire_timer(bench.timer_tag);
    assert_int_equal(bench.other_ended, 6);
    assert_int_equal(bench.other_status, OD_TIMED_OUT);
    assert_int_equal(bench.timer_count, 3);
    assert_int_equal(bench.timer_due_ns, began_ns + 30003 * MS); /* of 7, which ends earlier */
    bench.driver.ops->on_order(bench.driver.self, &(struct od_order){.kind = OD_ORDER_CANCEL_QUERY, .query = 7});
    assert_int_equal(bench.other_status, OD_CANCELLED);
    fire_timer(bench.timer_tag);
    assert_int_equal(bench.timer_count, 4);
    assert_int_equal(bench.timer_due_ns, began_ns + 60000 * MS);
    uint64_t tag = bench.timer_tag;
    fire_timer(tag);
    assert_true(bench.ended);
    assert_int_equal(bench.outcome.status, OD_TIMED_OUT);
    assert_int_equal(bench.timer_count, 5);
    assert_int_equal(bench.timer_due_ns, began_ns + 60001 * MS);
    bench.driver.ops->on_timer(bench.driver.self, tag); /* the one of its beginning, which nobody waits for any more */
    assert_int_equal(bench.other_ended, 7);
    fire_timer(bench.timer_tag);
    assert_int_equal(bench.other_ended, 5);
    assert_int_equal(bench.timer_count, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_cancelled_query_ends_as_such),
        TEST(test_metrics_are_of_committed_attempts),
        TEST(test_other_operators_are_refused),
        TEST(test_success_of_an_older_attempt_is_refused),
        TEST(test_a_zombie_is_told_to_start_over),
        TEST(test_registrations),
        TEST(test_late_copies_of_registrations),
        TEST(test_an_index_that_contradicts_itself_is_a_failure),
        TEST(test_late_news_of_a_lost_output),
        TEST(test_an_output_moves),
        TEST(test_permanent_errors_end_the_query),
        TEST(test_memory_failures_end_as_such),
        TEST(test_a_deaf_executor_is_passed_over),
        TEST(test_one_timer_watches_all_deadlines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
