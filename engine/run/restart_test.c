/* restart_test: the driver dies at any moment, and its next life goes on where it was.
 *
 * Method: the small query of recovery_fixture.h runs with a journal; the driver is killed at each event, back after much less than
 * a lease, about one, or more; with all that it wrote on its disk (its process died) or only with what it had synced (its
 * machine did). After each run: the undisturbed answer, the books, nothing left. What a life had committed is not run again
 * unless its output was lost: exactly when nothing is forgotten and nobody else dies, by completed stages where the disk may
 * forget. Then the same with an executor dying near by, and with messages of the old life arriving in the new one. */
#include "engine/run/recovery_fixture.h"

#include "engine/core/sanitizer.h"

static uint64_t events_undisturbed;

static int set_up_journal(void **state)
{
    set_up(state);
    query.options.cluster.journal = true;
    describe(NULL, 0, 1);
    host_run(host, &query, NULL, 0, 1);
    expect(host->ended && host->outcome.status == OD_OK, "the query succeeds");
    encode_answer(&expected);
    events_undisturbed = host->event_index;
    check_books();
    check_clean();
    return 0;
}

/* Attempts launched for a task whose stage was complete before, and whose output was not said to be lost since. */
static uint32_t count_repeats(void)
{
    uint32_t repeats = 0;
    for (uint32_t i = 0; i < host->trace_count; i++) {
        const struct od_event *launched = &host->trace[i];
        bool is_complete = false;
        bool is_lost = false;
        if (launched->kind != OD_EVENT_TASK_LAUNCHED)
            continue;
        for (uint32_t j = 0; j < i; j++) {
            const struct od_event *event = &host->trace[j];
            if (event->site.stage != launched->site.stage)
                continue;
            if (event->kind == OD_EVENT_STAGE_COMPLETED)
                is_complete = true;
            if (event->kind == OD_EVENT_OUTPUT_LOST && event->site.task == launched->site.task)
                is_lost = true;
        }
        repeats += is_complete && !is_lost;
    }
    return repeats;
}

static uint32_t count_events(enum od_event_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < host->trace_count; i++)
        count += host->trace[i].kind == kind;
    return count;
}

static void sweep_driver(enum host_effect effect, uint64_t delay_ns)
{
    may_forget = effect == HOST_POWER_CUT;
    for (uint64_t k = 0; k < events_undisturbed; k++) {
        struct host_disturbance death = {.effect = effect, .at = k, .executor = 0, .delay_ns = delay_ns};
        run_and_check(&death, 1, 1 + k % 5);
        expect(count_repeats() == 0, "a completed stage is not run again");
        if (may_forget || delay_ns > 50 * HOST_MS)
            continue;
        expect(count_events(OD_EVENT_TASK_COMMITTED) == TASKS, "every task commits once, over all lives");
        expect(count_events(OD_EVENT_EXECUTOR_LOST) == 0, "nobody is given up");
    }
    may_forget = false;
}

static void test_driver_dies_at_each_event(void **state)
{
    (void)state;
    sweep_driver(HOST_CRASH, HOST_MS / 2);
    sweep_driver(HOST_CRASH, 45 * HOST_MS);
    sweep_driver(HOST_CRASH, 300 * HOST_MS);
}

static void test_its_machine_dies_at_each_event(void **state)
{
    (void)state;
    sweep_driver(HOST_POWER_CUT, HOST_MS / 2);
    sweep_driver(HOST_POWER_CUT, 300 * HOST_MS);
}

/* Attempts that ran when the driver died are its next life's: not one is run twice. */
static void test_running_attempts_are_adopted(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < events_undisturbed; k++) {
        struct host_disturbance death = {.effect = HOST_CRASH, .at = k, .executor = 0, .delay_ns = 5 * HOST_MS};
        run_and_check(&death, 1, 1);
        expect(count_events(OD_EVENT_TASK_STARTED) == TASKS, "what runs is not run again");
    }
}

static void test_driver_and_executor_die(void **state)
{
    (void)state;
    static const uint64_t delays_ns[] = {HOST_MS, 60 * HOST_MS, 250 * HOST_MS, HOST_NEVER};
    struct od_stream stream;
    od_stream_init(&stream, 17, "deaths");
    for (uint64_t seed = 0; seed < (OD_IS_SANITIZED ? 300 : 3000); seed++) {
        struct host_disturbance set[3];
        for (uint32_t i = 0; i < 3; i++) {
            bool is_driver = i == 0;
            uint64_t k = od_random_below(&stream.random, 2 * events_undisturbed);
            uint64_t delay = od_random_below(&stream.random, is_driver ? 3 : 4);
            uint64_t who = 1 + od_random_below(&stream.random, 3);
            uint64_t how = od_random_below(&stream.random, 4);
            set[i] = (struct host_disturbance){.effect = how == 0 ? HOST_PAUSE : HOST_CRASH,
                                               .at = k,
                                               .executor = is_driver ? 0 : (uint32_t)who,
                                               .delay_ns = delays_ns[delay]};
            if (how == 0 && delays_ns[delay] == HOST_NEVER)
                set[i].delay_ns = 400 * HOST_MS;
            if (how == 1)
                set[i].effect = is_driver ? HOST_POWER_CUT : HOST_DUPLICATE;
            may_forget = may_forget || set[i].effect == HOST_POWER_CUT;
        }
        bool is_driver_lost = set[1].delay_ns == HOST_NEVER && set[2].delay_ns == HOST_NEVER;
        if (!is_driver_lost)
            run_and_check(set, 3, seed);
        may_forget = false;
    }
}

/* The journal is of no use to the query, and gone. */
static void test_journal_that_fails(void **state)
{
    (void)state;
    uint64_t disk_calls = 0;
    describe(NULL, 0, 1);
    host_run(host, &query, NULL, 0, 1);
    disk_calls = host->disk_index;
    check_clean();
    for (uint64_t k = 0; k < disk_calls; k++) {
        struct host_disturbance set[2] = {
            {.effect = HOST_DISK_FAIL, .at = k},
            {.effect = HOST_CRASH, .at = k * events_undisturbed / disk_calls, .delay_ns = HOST_MS}};
        run_and_check(set, 1, 1);
        may_forget = true; /* without a journal a next life begins anew */
        run_and_check(set, 2, 1);
        may_forget = false;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_driver_dies_at_each_event),
        cmocka_unit_test(test_its_machine_dies_at_each_event),
        cmocka_unit_test(test_running_attempts_are_adopted),
        cmocka_unit_test(test_driver_and_executor_die),
        cmocka_unit_test(test_journal_that_fails),
    };
    return cmocka_run_group_tests(tests, set_up_journal, tear_down);
}
