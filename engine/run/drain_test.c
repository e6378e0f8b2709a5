/* drain_test: executors leave and join in the middle of a query, checkpoints are made, and whatever goes
 * wrong meanwhile, the answer stays.
 *
 * Method: the small query of recovery_fixture.h. An executor is decommissioned at each event of the run:
 * nothing is computed twice, nobody is lost, and it has left at the end (unless the query ended first). Then
 * one such run, with copies under way, is disturbed as recovery_test disturbs the plain one: each message
 * lost, damaged, delayed, doubled; each point, disk call and allocation failing; each executor and the driver
 * dying at each event. The same with the first shuffle checkpointed; and all executors die after that:
 * nothing below it is computed again. */
#include "engine/run/recovery_fixture.h"

#include "engine/core/sanitizer.h"

#define STRIDE (OD_IS_SANITIZED ? 7 : 1)


static struct host_disturbance drain_at(uint64_t k, uint32_t executor)
{
    return (struct host_disturbance){.effect = HOST_DRAIN, .at = k, .executor = executor};
}

static void test_drained_at_each_event(void **state)
{
    (void)state;
    uint32_t left = 0, moved = 0;
    for (uint64_t k = 0; k < events_undisturbed; k++) {
        for (uint32_t executor = 1; executor <= 3; executor++) {
            struct host_disturbance drain = drain_at(k, executor);
            run_and_check(&drain, 1, 1 + k % 3);
            expect(host->outcome.counts.tasks_recomputed == 0, "nothing is computed again");
            expect(count_events(OD_EVENT_TASK_COMMITTED, OD_ANY) == TASKS, "every task commits once");
            expect(count_events(OD_EVENT_EXECUTOR_LOST, OD_ANY) == 0, "nobody is lost");
            expect(count_events(OD_EVENT_EXECUTOR_DECOMMISSIONED, OD_ANY) ==
                       count_events(OD_EVENT_EXECUTOR_DRAINING, OD_ANY),
                   "who is to leave leaves");
            left += count_events(OD_EVENT_EXECUTOR_DECOMMISSIONED, OD_ANY);
            moved += count_events(OD_EVENT_OUTPUT_MOVED, OD_ANY);
        }
    }
    print_message("%u executors left, %u outputs moved\n", left, moved);
    assert_true(left > events_undisturbed && moved > events_undisturbed);
}

/* Two leave, one after the other: what the first gave to the second moves once more. */
static void test_two_leave(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < events_undisturbed; k++) {
        struct host_disturbance drains[2] = {drain_at(k, 1), drain_at(k + 3 + k % 11, 2)};
        run_and_check(drains, 2, 1);
        expect(host->outcome.counts.tasks_recomputed == 0, "nothing is computed again");
    }
}

/* Told to leave all three, the cluster keeps one. */
static void test_the_last_stays(void **state)
{
    (void)state;
    for (uint64_t k = 20; k < events_undisturbed; k += 5) {
        struct host_disturbance drains[3] = {drain_at(k, 1), drain_at(k + 1, 2), drain_at(k + 2, 3)};
        run_and_check(drains, 3, 1);
        expect(count_events(OD_EVENT_EXECUTOR_DECOMMISSIONED, OD_ANY) <= 2, "one stays");
    }
}

static void test_dropped_in_place_of_moved(void **state)
{
    (void)state;
    uint32_t recomputed = 0;
    query.options.cluster.drop_on_drain = 1;
    for (uint64_t k = 0; k < events_undisturbed; k++) {
        struct host_disturbance drain = drain_at(k, 2);
        run_and_check(&drain, 1, 1);
        expect(count_events(OD_EVENT_OUTPUT_MOVED, OD_ANY) == 0, "nothing moves");
        recomputed += host->outcome.counts.tasks_recomputed;
    }
    query.options.cluster.drop_on_drain = 0;
    assert_true(recomputed > 0);
}

/* The driver dies after the order: its next life sees to it that the executor leaves, and loses nothing. One that had left is not
 * missed. */
static void test_orders_survive_the_driver(void **state)
{
    (void)state;
    uint32_t left = 0;
    for (uint64_t k = 20; k < events_undisturbed; k += 7) {
        for (uint64_t crash = k; crash < k + 200; crash += STRIDE) {
            struct host_disturbance set[2] = {
                drain_at(k, 1), {.effect = HOST_CRASH, .at = crash, .delay_ns = 2 * HOST_MS}};
            run_and_check(set, 2, 1 + k % 3);
            uint32_t gone = count_events(OD_EVENT_EXECUTOR_DECOMMISSIONED, OD_ANY);
            expect(count_events(OD_EVENT_EXECUTOR_LOST, OD_ANY) == 0, "nobody is lost");
            expect(count_events(OD_EVENT_OUTPUT_LOST, OD_ANY) == 0, "nothing is computed again");
            expect(gone >= count_events(OD_EVENT_EXECUTOR_DRAINING, OD_ANY), "who is to leave leaves");
            left += gone;
        }
    }
    print_message("%u executors left\n", left);
    assert_true(left > events_undisturbed);
}

/* They get tasks, and what they hold is read. */
static void test_executors_join(void **state)
{
    (void)state;
    uint32_t used = 0;
    query.options.cluster.executor_count = 1;
    query.options.cluster.executors_max = 3;
    for (uint64_t k = 0; k < events_undisturbed; k += 3) {
        struct host_disturbance set[3] = {
            {.effect = HOST_ADD, .at = k}, {.effect = HOST_ADD, .at = k + 20}, drain_at(k + 80, 1)};
        run_and_check(set, 3, 1);
        for (uint32_t i = 0; i < host->trace_count; i++)
            used += host->trace[i].kind == OD_EVENT_TASK_COMMITTED && host->trace[i].site.executor > 1;
    }
    query.options.cluster.executor_count = 3;
    assert_true(used > 0);
}

/* Outputs of several pieces each: whole at the other end, also when a piece comes late, twice, damaged or never. */
static void test_large_outputs_move(void **state)
{
    (void)state;
    struct od_table *small = table;
    struct od_batch rows = od_table_view(small);
    struct od_buffer small_answer = expected;
    static const enum host_effect effects[] = {HOST_LOSE, HOST_DAMAGE, HOST_DELAY, HOST_DUPLICATE,
                                               HOST_POINT_FLIP};
    uint64_t moved_bytes = 0;
    table = od_table_new(od_posix_memory(), "large", &schema, NULL);
    for (uint32_t i = 0; i < 3000; i++)
        assert_int_equal(od_batch_builder_append_rows(&table->rows, &rows, NULL, 0, ROWS, NULL), OD_OK);
    od_table_finish(table);
    nodes[0].scan.table = table;
    query.options.batch_rows = 4096;
    host_run(host, &query, NULL, 0, 1);
    expected = (struct od_buffer){0};
    encode_answer(&expected);
    check_clean();
    for (uint64_t k = 0; k < 30; k++) {
        struct host_disturbance set[2] = {
            drain_at(70, 1), {.effect = effects[k % 5], .at = 40 + 6 * k, .delay_ns = 3 * HOST_MS}};
        run_and_check(set, 2, 1);
        for (uint32_t i = 0; i < host->trace_count; i++)
            if (host->trace[i].kind == OD_EVENT_OUTPUT_MOVED && host->trace[i].bytes > moved_bytes)
                moved_bytes = host->trace[i].bytes;
    }
    assert_true(moved_bytes > 2 * (256 << 10));
    od_buffer_release(&expected);
    expected = small_answer;
    query.options.batch_rows = 16;
    od_table_free(od_posix_memory(), table);
    nodes[0].scan.table = table = small;
}

/* --- disturbed --------------------------------------------------------------------------------------------------- */

/* `base` happens in every run, and one thing more. */
static void sweep(struct host_disturbance base, enum host_effect effect, uint64_t count, uint32_t executor,
                  uint64_t delay_ns)
{
    for (uint64_t k = 0; k < count; k += STRIDE) {
        struct host_disturbance set[2] = {
            base, {.effect = effect, .at = k, .executor = executor, .delay_ns = delay_ns}};
        run_and_check(set, 2, 1 + k % 3);
        if (effect == HOST_CRASH && executor == 0)
            expect(count_events(OD_EVENT_EXECUTOR_LOST, OD_ANY) != 0 || count_events(OD_EVENT_OUTPUT_LOST, OD_ANY) == 0,
                   "what nobody lost is there");
    }
}

static void sweep_all(struct host_disturbance base)
{
    run_and_check(&base, 1, 1);
    uint64_t events = host->event_index < 2 * events_undisturbed ? host->event_index : 2 * events_undisturbed;
    uint64_t messages = host->message_index, points = host->point_index;
    uint64_t disk_calls = host->disk_index, allocations = host->memory.call_count;
    sweep(base, HOST_LOSE, messages, 0, 0);
    sweep(base, HOST_DAMAGE, messages, 0, 0);
    sweep(base, HOST_DELAY, messages, 0, 45 * HOST_MS);
    sweep(base, HOST_DELAY, messages, 0, 250 * HOST_MS);
    sweep(base, HOST_DUPLICATE, messages, 0, 300000);
    sweep(base, HOST_DUPLICATE, messages, 0, 40 * HOST_MS);
    for (uint32_t executor = 1; executor <= 3; executor++) {
        sweep(base, HOST_CRASH, events, executor, 2 * HOST_MS);
        sweep(base, HOST_CRASH, events, executor, executor == 1 ? HOST_NEVER : 300 * HOST_MS);
        sweep(base, HOST_CLOG, messages, executor, 350 * HOST_MS);
    }
    sweep(base, HOST_CRASH, events, 0, 5 * HOST_MS);
    may_forget = true;
    sweep(base, HOST_POWER_CUT, events, 0, 5 * HOST_MS);
    sweep(base, HOST_POWER_CUT, events, 0, 300 * HOST_MS);
    may_forget = false;
    sweep(base, HOST_POINT_FAIL, points, 0, 0);
    sweep(base, HOST_POINT_GONE, points, 0, 5 * HOST_MS);
    sweep(base, HOST_POINT_FLIP, points, 0, 0);
    sweep(base, HOST_POINT_CUT, points, 0, 0);
    sweep(base, HOST_POINT_MISSING, points, 0, 0);
    sweep(base, HOST_DISK_FAIL, disk_calls, 0, 0);
    for (uint64_t k = 0; k < allocations; k += STRIDE) {
        struct host_disturbance set[2] = {base, {.effect = HOST_REFUSE, .at = k}};
        describe(set, 2, 1);
        host_run(host, &query, set, 2, 1);
        expect(host->ended && (host->outcome.status == OD_OK || host->outcome.status == OD_NO_MEMORY),
               "refused memory is an ordinary status");
        check_clean();
    }
}

static void test_disturbed_drain(void **state)
{
    (void)state;
    sweep_all(drain_at(events_undisturbed / 6, 1)); /* the query ends in the first third: then nothing moves */
}

static void test_disturbed_checkpoint(void **state)
{
    (void)state;
    stages[1].keep = OD_KEEP_CHECKPOINT;
    sweep_all((struct host_disturbance){.effect = HOST_NOTHING});
    stages[1].keep = OD_KEEP_NONE;
}

/* --- checkpoints ------------------------------------------------------------------------------------------------- */

/* After the last checkpoint of stage 1 all executors die, at each event; the stages up to it are never run again. */
static void test_nothing_below_a_checkpoint(void **state)
{
    (void)state;
    uint32_t late_crashes = 0;
    stages[1].keep = OD_KEEP_CHECKPOINT;
    for (uint64_t k = 0; k < events_undisturbed; k++) {
        struct host_disturbance set[3];
        for (uint32_t i = 0; i < 3; i++)
            set[i] = (struct host_disturbance){
                .effect = HOST_CRASH, .at = k + i, .executor = i + 1, .delay_ns = 3 * HOST_MS};
        run_and_check(set, 3, 1);
        uint32_t checkpointed = 0;
        bool is_after = false;
        for (uint32_t i = 0; i < host->trace_count; i++) {
            const struct od_event *event = &host->trace[i];
            checkpointed += event->kind == OD_EVENT_CHECKPOINTED;
            is_after =
                is_after || (event->kind == OD_EVENT_EXECUTOR_LOST && checkpointed == stages[1].task_count);
            late_crashes += event->kind == OD_EVENT_EXECUTOR_LOST && is_after;
            expect(!is_after || event->kind != OD_EVENT_TASK_LAUNCHED || event->site.stage > 1,
                   "nothing below the checkpoint is run");
        }
    }
    stages[1].keep = OD_KEEP_NONE;
    assert_true(late_crashes > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drained_at_each_event),
        cmocka_unit_test(test_two_leave),
        cmocka_unit_test(test_the_last_stays),
        cmocka_unit_test(test_dropped_in_place_of_moved),
        cmocka_unit_test(test_orders_survive_the_driver),
        cmocka_unit_test(test_executors_join),
        cmocka_unit_test(test_large_outputs_move),
        cmocka_unit_test(test_disturbed_drain),
        cmocka_unit_test(test_disturbed_checkpoint),
        cmocka_unit_test(test_nothing_below_a_checkpoint),
    };
    return cmocka_run_group_tests(tests, set_up_journal, tear_down);
}
