/* restart_test: the driver dies at any moment, and its next life goes on where it was.
 *
 * Method: the small query of recovery_fixture.h runs with a journal; the driver is killed at each event, back after much less than
 * a lease, about one, or more; with all that it wrote on its disk (its process died) or only with what it had synced (its
 * machine did). After each run: the undisturbed answer, the books, nothing left. What a life had committed is not run again
 * unless its output was lost: exactly when nothing is forgotten and nobody else dies, by completed stages where the disk may
 * forget. Then the same with an executor dying near by, and with messages of the old life arriving in the new one. */
#include "engine/run/recovery_fixture.h"

#include "engine/core/sanitizer.h"

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

static void sweep_driver(enum host_effect effect, uint64_t delay_ns)
{
    may_forget = effect == HOST_POWER_CUT;
    for (uint64_t k = 0; k < events_undisturbed; k++) {
        struct host_disturbance death = {.effect = effect, .at = k, .executor = 0, .delay_ns = delay_ns};
        run_and_check(&death, 1, 1 + k % 5);
        expect(count_repeats() == 0, "a completed stage is not run again");
        if (may_forget || delay_ns > 50 * HOST_MS)
            continue;
        expect(count_events(OD_EVENT_TASK_COMMITTED, OD_ANY) == TASKS, "every task commits once, over all lives");
        expect(count_events(OD_EVENT_EXECUTOR_LOST, OD_ANY) == 0, "nobody is given up");
        expect(count_events(OD_EVENT_OUTPUT_LOST, OD_ANY) == 0, "what nobody lost is there");
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
        expect(count_events(OD_EVENT_TASK_STARTED, OD_ANY) == TASKS, "what runs is not run again");
    }
}

static uint32_t count_adopted_again(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < host->trace_count; i++)
        for (uint32_t j = 0; j < i; j++)
            count += host->trace[i].kind == OD_EVENT_TASK_ADOPTED &&
                     host->trace[j].kind == OD_EVENT_TASK_ADOPTED &&
                     same_attempt(&host->trace[i].site, &host->trace[j].site);
    return count;
}

/* An adopted attempt fails: a heartbeat that was on its way does not bring it back. */
static void test_attempts_are_adopted_once(void **state)
{
    (void)state;
    may_forget = true; /* where it is the journal that fails */
    for (uint64_t k = 7; k < events_undisturbed; k += 13) {
        for (uint64_t p = k % (OD_IS_SANITIZED ? 7 : 1); p < 120; p += OD_IS_SANITIZED ? 7 : 1) {
            struct host_disturbance set[2] = {{.effect = HOST_CRASH, .at = k, .delay_ns = 2 * HOST_MS},
                                              {.effect = HOST_POINT_FAIL, .at = p}};
            run_and_check(set, 2, 1 + k);
            expect(count_adopted_again() == 0, "an attempt is adopted once");
        }
    }
    may_forget = false;
}

/* Executors that are known by their heartbeats only, and then a late copy of the message by which they registered in
 * the life before. */
static void test_late_registrations(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < events_undisturbed; k++) {
        for (uint64_t message = 0; message < 3; message++) {
            struct host_disturbance set[2] = {{.effect = HOST_CRASH, .at = k, .delay_ns = HOST_MS},
                                              {.effect = HOST_DUPLICATE, .at = message, .delay_ns = 15 * HOST_MS}};
            run_and_check(set, 2, 1);
            expect(count_events(OD_EVENT_EXECUTOR_LOST, OD_ANY) == 0, "nobody is given up");
        }
    }
}

/* How long a task took is not in the journal: those of an earlier life make no stragglers. */
static void test_restarts_make_no_stragglers(void **state)
{
    (void)state;
    const struct od_run_options options = query.options;
    query.options.cluster.heartbeat_ns = HOST_MS;
    query.options.cluster.lease_ns = 400 * HOST_MS;
    query.options.speculation_min_ns = 1;
    query.options.speculation_percent = 100000;
    for (uint64_t k = 0; k < events_undisturbed; k++) {
        struct host_disturbance set[2] = {
            {.effect = HOST_PAUSE, .at = k, .executor = 1, .delay_ns = 60 * HOST_MS},
            {.effect = HOST_CRASH, .at = k + 1, .delay_ns = HOST_MS}};
        run_and_check(set, 2, 1);
        expect(count_events(OD_EVENT_TASK_SPECULATED, OD_ANY) == 0, "nothing is slower than what is known");
    }
    query.options = options;
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

/* While a next life reads the journal too: that life is short of memory, and the journal is as good as before. */
static void test_refused_memory(void **state)
{
    (void)state;
    const struct host_disturbance death = {.effect = HOST_CRASH, .at = events_undisturbed / 5, .delay_ns = HOST_MS};
    run_and_check(&death, 1, 1);
    uint64_t allocations = host->memory.call_count;
    for (uint64_t k = 0; k < allocations; k += OD_IS_SANITIZED ? 7 : 1) {
        struct host_disturbance set[2] = {death, {.effect = HOST_REFUSE, .at = k}};
        describe(set, 2, 1);
        host_run(host, &query, set, 2, 1);
        expect(host->ended && (host->outcome.status == OD_OK || host->outcome.status == OD_NO_MEMORY),
               "refused memory is an ordinary status");
        check_clean();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_driver_dies_at_each_event),
        cmocka_unit_test(test_its_machine_dies_at_each_event),
        cmocka_unit_test(test_running_attempts_are_adopted),
        cmocka_unit_test(test_attempts_are_adopted_once),
        cmocka_unit_test(test_late_registrations),
        cmocka_unit_test(test_restarts_make_no_stragglers),
        cmocka_unit_test(test_driver_and_executor_die),
        cmocka_unit_test(test_journal_that_fails),
        cmocka_unit_test(test_refused_memory),
    };
    return cmocka_run_group_tests(tests, set_up_journal, tear_down);
}
