/* driver_policy_test: twins, exclusion, breakers, halved slots, budgets, backlogs: what the driver decides by experience.
 *
 * Method: as driver_test, by hand, with four tasks that scan. `tell` is what an executor says of the latest attempt of a task, and
 * `pass` lets time go by while all executors are heard. */
#include "engine/run/driver_bench.h"

static uint32_t epochs[4]; /* by executor */

/* A driver with these options, a number of tasks, and all executors registered. */
static void begin(uint32_t task_count, const struct od_run_options *options)
{
    void *state = NULL;
    bench_tasks = task_count;
    bench_options = *options;
    set_up(&state);
    for (uint32_t id = 1; id <= bench.query.options.cluster.executor_count; id++) {
        say_register(id, 1, 0);
        epochs[id] = last_epoch();
    }
}

static void end(void)
{
    void *state = NULL;
    tear_down(&state);
}

/* Heartbeats that name what was launched there last; the first `waiting` of them from the end have not begun. */
static void beat(uint32_t executor, uint32_t waiting)
{
    struct od_body_heartbeat body = {.epoch = epochs[executor]};
    for (uint32_t t = 0; t < bench_tasks; t++)
        body.attempt_count += bench.launched[t].executor == executor;
    body.begun_count = body.attempt_count - waiting;
    od_write_heartbeat(&bench.body, &body);
    for (uint32_t t = 0; t < bench_tasks; t++) {
        const struct od_attempt_name name = {4, 0, t, bench.launched[t].attempt};
        if (bench.launched[t].executor == executor)
            od_write_attempt_name(&bench.body, &name);
    }
    say(executor, 1, OD_MESSAGE_HEARTBEAT, OD_ANY, OD_ANY);
}

static void pass(uint64_t ns)
{
    for (uint64_t passed_ns = 0; passed_ns < ns; passed_ns += 20 * MS) {
        bench.now_ns += 20 * MS;
        for (uint32_t id = 1; id <= bench.query.options.cluster.executor_count; id++)
            beat(id, 0);
        bench.driver.ops->on_timer(bench.driver.self, bench.tick_tag);
    }
}

static void tell_failed(uint32_t task, enum od_status status)
{
    const struct od_site site = bench.launched[task];
    bench.task = task;
    say_failed(site.executor, epochs[site.executor], 0, site.attempt, status);
    bench.task = 0;
}

static void tell_done_of(const struct od_site *site)
{
    bench.task = site->task;
    say_done(site->executor, epochs[site->executor], 0, site->attempt, 3);
    bench.task = 0;
}

static void tell_done(uint32_t task)
{
    const struct od_site site = bench.launched[task];
    tell_done_of(&site);
}

/* --- twins ------------------------------------------------------------------------------------------------------ */

static void begin_with_straggler(void)
{
    begin(4, &(struct od_run_options){.cluster = {.executor_count = 2, .slots_per_executor = 2}});
    bench.now_ns += 10 * MS;
    for (uint32_t t = 0; t < 3; t++)
        tell_done(t);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 3);
}

static void test_the_twin_wins(void **state)
{
    (void)state;
    begin_with_straggler();
    const struct od_site first = bench.launched[3];
    pass(80 * MS);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_SPECULATED], 0); /* not yet */
    pass(20 * MS);
    const struct od_site twin = bench.launched[3];
    assert_int_equal(bench.event_count[OD_EVENT_TASK_SPECULATED], 1);
    assert_true(twin.executor != first.executor && twin.attempt == first.attempt + 1);
    pass(60 * MS); /* never a third */
    assert_int_equal(bench.event_count[OD_EVENT_TASK_SPECULATED], 1);
    tell_done_of(&twin);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 4);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_CANCELLED], 1);
    assert_int_equal(bench.last[OD_MESSAGE_CANCEL]->to, first.executor);
    tell_done_of(&first); /* the cancel came too late */
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 4);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_REFUSED], 1);
    assert_false(last_acknowledge_keeps());
    assert_int_equal(last_launch()->stage, 1);
    end();
}

static void test_the_first_wins_or_the_twin_fails(void **state)
{
    (void)state;
    begin_with_straggler();
    const struct od_site first = bench.launched[3];
    pass(100 * MS);
    const struct od_site twin = bench.launched[3];
    tell_failed(3, OD_TASK_FAILED);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_RETRIED], 0); /* the other still runs */
    bench.launched[3] = first;
    pass(20 * MS);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_SPECULATED], 2);
    tell_done_of(&first);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 4);
    assert_int_equal(bench.last[OD_MESSAGE_CANCEL]->to, twin.executor);
    end();
}

static void test_no_twin_without_a_free_slot_or_a_wish(void **state)
{
    (void)state;
    begin(5, &(struct od_run_options){.speculation_percent = UINT32_MAX,
                                      .cluster = {.executor_count = 2, .slots_per_executor = 2}});
    for (uint32_t t = 0; t < 4; t++)
        tell_done(t);
    pass(400 * MS);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_SPECULATED], 0);
    end();
    begin(4, &(struct od_run_options){.cluster = {.executor_count = 1, .slots_per_executor = 4}});
    for (uint32_t t = 0; t < 3; t++)
        tell_done(t);
    pass(400 * MS); /* it would be on the same executor */
    assert_int_equal(bench.event_count[OD_EVENT_TASK_SPECULATED], 0);
    end();
}

/* --- executors that fail ---------------------------------------------------------------------------------------- */

/* Lets all that runs on an executor fail, `times` times. */
static void fail_there(uint32_t executor, uint32_t times, enum od_status status)
{
    for (uint32_t i = 0; i < times; i++) {
        uint32_t task = 0;
        while (task < bench_tasks && bench.launched[task].executor != executor)
            task++;
        assert_true(task < bench_tasks);
        uint32_t attempt = bench.launched[task].attempt;
        tell_failed(task, status);
        if (bench.launched[task].attempt == attempt)
            bench.launched[task].executor = 0; /* nowhere now */
    }
}

static void test_exclusion(void **state)
{
    (void)state;
    begin(6, &(struct od_run_options){.attempts_max = 20,
                                      .burst_tasks = 100,
                                      .cluster = {.executor_count = 2, .slots_per_executor = 3}});
    fail_there(1, 2, OD_TASK_FAILED);
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_EXCLUDED], 0);
    fail_there(1, 1, OD_TASK_FAILED);
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_EXCLUDED], 1);
    assert_int_equal(bench.last_event[OD_EVENT_EXECUTOR_EXCLUDED].site.executor, 1);
    assert_int_equal(bench.last_event[OD_EVENT_EXECUTOR_EXCLUDED].value, 200 * MS);
    assert_int_equal(bench.last_event[OD_EVENT_EXECUTOR_EXCLUDED].why, OD_TASK_FAILED);
    uint32_t launch_count = bench.event_count[OD_EVENT_TASK_LAUNCHED];
    pass(160 * MS); /* nobody has room but the excluded one */
    assert_int_equal(bench.event_count[OD_EVENT_TASK_LAUNCHED], launch_count);
    pass(60 * MS);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_LAUNCHED], launch_count + 1); /* a probe, one */
    assert_int_equal(last_launch()->executor, 1);
    const struct od_site probe = *last_launch();
    tell_failed(probe.task, OD_TASK_FAILED);
    assert_int_equal(bench.last_event[OD_EVENT_EXECUTOR_EXCLUDED].value, 400 * MS);
    pass(420 * MS);
    const struct od_site second = *last_launch();
    assert_int_equal(second.executor, 1);
    tell_done(second.task);
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_READMITTED], 1);
    assert_true(bench.event_count[OD_EVENT_TASK_LAUNCHED] >= launch_count + 4);
    end();
}

static void test_never_all_are_excluded(void **state)
{
    (void)state;
    begin(2, &(struct od_run_options){.attempts_max = 20, .cluster = {.executor_count = 1}});
    for (uint32_t i = 0; i < 6; i++) {
        uint32_t task = last_launch()->task;
        tell_failed(task, OD_TASK_FAILED);
        pass(200 * MS);
    }
    assert_true(bench.event_count[OD_EVENT_EXECUTOR_EXCLUDED] > 0);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_LAUNCHED], 7);
    end();
}

static void test_outputs_that_cannot_be_read(void **state)
{
    (void)state;
    begin(1, &(struct od_run_options){.cluster = {.executor_count = 2}});
    for (uint32_t i = 0; i < 3; i++) {
        const struct od_site source = bench.launched[0];
        assert_int_equal(source.executor, 1);
        say_done_with(1, epochs[1], 0, source.attempt, i, 3);
        assert_int_equal(last_launch()->stage, 1);
        say_source_failed(1, epochs[1], last_launch()->attempt, source.attempt);
    }
    assert_int_equal(bench.event_count[OD_EVENT_OUTPUT_LOST], 3);
    assert_int_equal(bench.event_count[OD_EVENT_EXECUTOR_EXCLUDED], 1);
    assert_int_equal(bench.event_count[OD_EVENT_BREAKER_OPENED], 1);
    assert_int_equal(bench.last_event[OD_EVENT_BREAKER_OPENED].rows, 1);
    assert_int_equal(bench.launched[0].executor, 2); /* computed again elsewhere */
    end();
}

static void test_want_halves_the_slots(void **state)
{
    (void)state;
    begin(8, &(struct od_run_options){
                 .attempts_max = 20,
                 .burst_tasks = 100,
                 .cluster = {.executor_count = 1, .slots_per_executor = 4, .breaker_failures = 100}});
    assert_int_equal(bench.event_count[OD_EVENT_TASK_LAUNCHED], 4);
    tell_failed(0, OD_NO_MEMORY); /* 3 run; 2 may */
    pass(60 * MS);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_LAUNCHED], 4);
    tell_done(1); /* it is well again: 2 run, 4 may */
    assert_int_equal(bench.event_count[OD_EVENT_TASK_LAUNCHED], 6);
    end();
}

static void test_want_keeps_its_name(void **state)
{
    (void)state;
    begin(1, &(struct od_run_options){.attempts_max = 2, .cluster = {.executor_count = 2}});
    tell_failed(0, OD_IO);
    assert_int_equal(bench.event_count[OD_EVENT_BUDGET_LOW], 1); /* one is left */
    assert_int_equal(bench.event_count[OD_EVENT_TASK_DELAYED], 1);
    pass(40 * MS);
    assert_int_equal(bench.launched[0].executor, 2);
    tell_failed(0, OD_IO);
    assert_int_equal(bench.event_count[OD_EVENT_BUDGET_EXHAUSTED], 1);
    assert_int_equal(bench.outcome.status, OD_IO);
    end();
}

/* A lost output waits for a slot; its only reader ends before there is one. */
static void test_nothing_is_computed_for_nobody(void **state)
{
    (void)state;
    begin(2, &(struct od_run_options){.cluster = {.executor_count = 2}});
    tell_done(0);
    tell_done(1);
    const struct od_site reader = *last_launch();
    assert_int_equal(reader.stage, 1);
    uint32_t other = 3 - reader.executor;
    od_write_peer_gone(&bench.body, &(struct od_body_peer_gone){.incarnation = 1});
    say(other, 1, OD_MESSAGE_PEER_GONE, OD_ANY, OD_ANY);
    assert_int_equal(bench.event_count[OD_EVENT_OUTPUT_LOST], 1);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_LAUNCHED], 3);
    say_done(reader.executor, epochs[reader.executor], 1, reader.attempt, 3);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 3);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_LAUNCHED], 3);
    end();
}

/* --- budgets ---------------------------------------------------------------------------------------------------- */

static void test_a_burst_is_one_failure(void **state)
{
    (void)state;
    begin(4, &(struct od_run_options){
                 .attempts_max = 2,
                 .cluster = {.executor_count = 2, .slots_per_executor = 2, .breaker_failures = 100}});
    for (uint32_t t = 0; t < 4; t++)
        tell_failed(t, OD_TASK_FAILED);
    pass(100 * MS);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_LAUNCHED], 8);
    tell_failed(2, OD_TASK_FAILED); /* the first that counts */
    assert_false(bench.ended);
    pass(100 * MS);
    tell_failed(2, OD_TASK_FAILED);
    assert_true(bench.ended);
    assert_int_equal(bench.outcome.status, OD_RETRIES_EXHAUSTED);
    assert_int_equal(bench.event_count[OD_EVENT_BUDGET_EXHAUSTED], 1);
    end();
}

/* An output that is lost and computed again, for ever. */
static void test_recoveries_are_bounded_and_paid_back(void **state)
{
    (void)state;
    begin(1, &(struct od_run_options){.recoveries_max = 20, .cluster = {.executor_count = 1}});
    uint32_t losses = 0;
    for (; !bench.ended && losses < 100; losses++) {
        const struct od_site source = bench.launched[0];
        say_done_with(1, epochs[1], 0, source.attempt, losses, 3);
        if (last_launch()->stage == 1)
            say_source_failed(1, epochs[1], last_launch()->attempt, source.attempt);
        pass(20 * MS);
    }
    assert_true(bench.ended);
    assert_int_equal(bench.outcome.status, OD_RETRIES_EXHAUSTED);
    assert_int_equal(bench.last_event[OD_EVENT_BUDGET_EXHAUSTED].value, 20);
    assert_true(bench.event_count[OD_EVENT_BUDGET_LOW] >= 1);
    assert_int_equal(losses, 12); /* two recoveries each; every fourth commit gives one back, else it were 11 */
    end();
}

/* --- backlogs ---------------------------------------------------------------------------------------------------- */

static void test_stealing(void **state)
{
    (void)state;
    begin(4, &(struct od_run_options){.cluster = {.executor_count = 2, .backlog_per_slot = 1}});
    assert_int_equal(bench.event_count[OD_EVENT_TASK_LAUNCHED], 4);
    uint32_t there[4]; /* the tasks of executor 1, then of executor 2, in order of launch */
    uint32_t count = 0;
    for (uint32_t id = 1; id <= 2; id++)
        for (uint32_t t = 0; t < 4; t++)
            if (bench.launched[t].executor == id)
                there[count++] = t;
    const struct od_site waiting = bench.launched[there[3]];
    tell_done(there[0]);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_STOLEN], 0); /* its own backlog goes first */
    tell_done(there[1]);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_STOLEN], 1);
    assert_int_equal(bench.last_event[OD_EVENT_TASK_STOLEN].value, 2);
    assert_int_equal(bench.last[OD_MESSAGE_CANCEL]->to, 2);
    assert_int_equal(bench.launched[there[3]].executor, 1);
    assert_int_equal(bench.launched[there[3]].attempt, waiting.attempt + 1);
    tell_done(there[3]);
    tell_done_of(&waiting); /* it had begun there */
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 3);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_REFUSED], 1);
    bench.task = there[3]; /* nor does it matter when it fails there */
    say_failed(2, epochs[2], 0, waiting.attempt, OD_TASK_FAILED);
    bench.task = 0;
    tell_done(there[2]);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_COMMITTED], 4);
    assert_int_equal(last_launch()->stage, 1);
    end();
}

/* By one that failed it before, when the other has only a place in its backlog. */
static void test_stealing_where_a_slot_is_free(void **state)
{
    (void)state;
    begin(5, &(struct od_run_options){.cluster = {.executor_count = 3, .backlog_per_slot = 1}});
    const uint32_t wanted[] = {1, 1, 2, 2, 3};
    for (uint32_t t = 0; t < 5; t++)
        assert_int_equal(bench.launched[t].executor, wanted[t]);
    tell_failed(1, OD_TASK_FAILED);
    let_time_pass(20 * MS);
    assert_int_equal(bench.launched[1].executor, 3);
    tell_done(2);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_STOLEN], 0);
    tell_done(0);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_STOLEN], 1);
    assert_int_equal(bench.last_event[OD_EVENT_TASK_STOLEN].value, 3);
    assert_int_equal(bench.launched[1].executor, 1);
    end();
}

static void test_what_has_begun_is_not_stolen(void **state)
{
    (void)state;
    begin(4, &(struct od_run_options){.cluster = {.executor_count = 2, .backlog_per_slot = 1}});
    beat(2, 0); /* both have begun: it has more slots than we thought */
    for (uint32_t t = 0; t < 4; t++)
        if (bench.launched[t].executor == 1)
            tell_done(t);
    assert_int_equal(bench.event_count[OD_EVENT_TASK_STOLEN], 0);
    beat(2, 1); /* no, one waits */
    assert_int_equal(bench.event_count[OD_EVENT_TASK_STOLEN], 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_twin_wins),
        cmocka_unit_test(test_the_first_wins_or_the_twin_fails),
        cmocka_unit_test(test_no_twin_without_a_free_slot_or_a_wish),
        cmocka_unit_test(test_exclusion),
        cmocka_unit_test(test_never_all_are_excluded),
        cmocka_unit_test(test_outputs_that_cannot_be_read),
        cmocka_unit_test(test_want_halves_the_slots),
        cmocka_unit_test(test_want_keeps_its_name),
        cmocka_unit_test(test_nothing_is_computed_for_nobody),
        cmocka_unit_test(test_a_burst_is_one_failure),
        cmocka_unit_test(test_recoveries_are_bounded_and_paid_back),
        cmocka_unit_test(test_stealing),
        cmocka_unit_test(test_stealing_where_a_slot_is_free),
        cmocka_unit_test(test_what_has_begun_is_not_stolen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
