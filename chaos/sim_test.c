/* Goal: the simulation is deterministic, counts what leaks, heals what is broken, and reports its own
 * trouble. Method: the toy cluster run twice and compared; hand-made schedules; each allocation refused
 * once. */
#include "chaos/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "chaos/toy_cluster.h"
#include "engine/core/sweep.h"
#include "engine/world/posix.h"

#define MS UINT64_C(1000000)

struct events {
    uint32_t count;
    struct od_event all[64];
};

static void note_event(void *self, const struct od_event *event)
{
    struct events *events = self;
    if (events->count < 64)
        events->all[events->count] = *event;
    events->count++;
}
static const struct od_trace_ops trace_ops = {note_event};

struct trial {
    struct od_arena arena;
    struct od_schedule schedule;
    struct od_toy toy;
    struct events events;
    struct od_sim_options options;
    struct od_sim *sim;
    struct od_sim_facts facts; /* at the end of actors */
};

static void trial_init(struct trial *trial, uint64_t seed, const char *text)
{
    struct od_error error = {0};
    *trial = (struct trial){0};
    od_arena_init(&trial->arena, od_posix_memory(), 0);
    if (od_schedule_parse(&trial->arena, "test", text, strlen(text), &trial->schedule, &error) != OD_OK)
        fail_msg("%s", error.text);
    trial->options = (struct od_sim_options){
        .seed = seed,
        .executor_count = OD_TOY_EXECUTORS,
        .schedule = &trial->schedule,
        .trace = {&trace_ops, &trial->events},
    };
}

static void trial_new(struct trial *trial)
{
    struct od_actor_factory factory = od_toy_factory(&trial->toy);
    assert_int_equal(od_sim_new(od_posix_memory(), &trial->options, &factory, &trial->sim, NULL), OD_OK);
}

static void trial_release(struct trial *trial)
{
    od_sim_free(trial->sim);
    od_arena_release(&trial->arena);
}

/* Runs to the end and gives everything back but the facts. */
static void trial_run(struct trial *trial, uint64_t until_ns)
{
    trial_new(trial);
    assert_false(od_sim_run(trial->sim, until_ns));
    od_sim_end_actors(trial->sim);
    trial->facts = od_sim_facts(trial->sim);
    trial_release(trial);
}

static const char many_faults[] = "executor.crash at task_end task=0 for=10ms\n"
                                  "executor.pause at time=1ms executor=2 for=15ms\n"
                                  "shuffle.block_bit_flip at block_serve bit=5 times=2\n"
                                  "network.duplicate at message_send executor=3 times=2\n"
                                  "network.delay at message_send nth=4 for=3ms\n"
                                  "driver.crash at journal_sync nth=1 for=2ms keep=3\n"
                                  "executor.slow at task_step stage=0 factor=30 for=9ms\n"
                                  "executor.decommission at time=5ms executor=1\n"
                                  "heal at=40ms\n";

static void equal_seeds_give_equal_digests(void **state)
{
    (void)state;
    uint64_t last_digest = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct trial first;
        struct trial second;
        trial_init(&first, seed, many_faults);
        trial_init(&second, seed, many_faults);
        second.options.trace = (struct od_trace){0}; /* whether somebody listens must not matter */
        trial_run(&first, 60 * MS);
        trial_run(&second, 60 * MS);
        assert_true(first.facts.digest == second.facts.digest);
        assert_true(first.facts.digest_words == second.facts.digest_words);
        assert_true(first.facts.event_count == second.facts.event_count);
        assert_memory_equal(&first.toy.seats, &second.toy.seats, sizeof(first.toy.seats));
        assert_true(first.facts.digest != last_digest);
        last_digest = first.facts.digest;
    }
}

static void other_schedules_give_other_digests(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "task.error_before at task_start task=0",
                                        "executor.pause at time=1ms executor=1",
                                        "shuffle.block_bit_flip at block_write task=2 bit=1",
                                        "shuffle.block_bit_flip at block_write task=2 bit=2",
                                        /* these two differ in the body of one message only */
                                        "shuffle.block_bit_flip at block_serve task=2 bit=1",
                                        "shuffle.block_bit_flip at block_serve task=2 bit=2"};
    uint64_t digests[7];
    for (size_t i = 0; i < 7; i++) {
        struct trial trial;
        trial_init(&trial, 1, texts[i]);
        trial_run(&trial, 60 * MS);
        digests[i] = trial.facts.digest;
        for (size_t j = 0; j < i; j++)
            assert_true(digests[i] != digests[j]);
    }
}

static void running_in_pieces_is_running_at_once(void **state)
{
    (void)state;
    struct trial whole;
    struct trial pieces;
    trial_init(&whole, 7, many_faults);
    trial_run(&whole, 60 * MS);
    trial_init(&pieces, 7, many_faults);
    trial_new(&pieces);
    for (uint64_t until_ns = 0; until_ns <= 60 * MS; until_ns += 77777)
        assert_false(od_sim_run(pieces.sim, until_ns));
    assert_false(od_sim_run(pieces.sim, 60 * MS));
    assert_true(od_sim_facts(pieces.sim).digest == whole.facts.digest);
    trial_release(&pieces);
}

static uint32_t count_events(const struct trial *trial, enum od_event_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < trial->events.count && i < 64; i++)
        count += trial->events.all[i].kind == kind;
    return count;
}

static void healing_brings_all_back(void **state)
{
    (void)state;
    struct trial trial;
    trial_init(&trial, 3,
               "executor.crash at task_start task=0 for=never\n"
               "executor.pause at time=10us executor=2 for=never\n"
               "executor.crash at task_start task=2 for=200ms\n"
               "network.loss at message_send executor=2 message_kind=3 times=always\n"
               "heal at=30ms\n");
    trial_run(&trial, 60 * MS);
    assert_int_equal(trial.toy.seats[1].lives, 2);
    assert_int_equal(trial.toy.seats[2].lives, 1);
    assert_int_equal(trial.toy.seats[3].lives, 2);
    for (uint32_t executor = 1; executor <= 3; executor++) {
        assert_int_equal(trial.toy.seats[executor].driver.results, 1);
        assert_true(trial.toy.seats[executor].driver.first_result_ns >= 30 * MS);
        assert_true(trial.toy.seats[executor].driver.first_result_ns < 35 * MS);
    }
    assert_int_equal(count_events(&trial, OD_EVENT_HEALED), 1);
    assert_int_equal(count_events(&trial, OD_EVENT_FAULT_FIRED), 3);
    assert_int_equal(trial.facts.live_blocks, 0);
}

static void an_unhealed_never_lasts(void **state)
{
    (void)state;
    struct trial trial;
    trial_init(
        &trial, 3,
        "executor.pause at task_start task=1 for=never\nexecutor.crash at task_start task=0 for=never\n");
    trial_run(&trial, 5000 * MS);
    assert_int_equal(trial.toy.seats[1].lives, 1);
    assert_int_equal(trial.toy.seats[1].driver.results, 0);
    assert_int_equal(trial.toy.seats[2].driver.results, 0);
    assert_int_equal(trial.toy.seats[3].driver.results, 1);
    assert_int_equal(trial.facts.live_blocks, 0);
}

static void firings_are_events_with_their_index(void **state)
{
    (void)state;
    struct trial trial;
    trial_init(&trial, 3,
               "task.error_before at task_start task=7\nexecutor.pause at task_end task=1 for=1ms\n");
    trial_run(&trial, 20 * MS);
    assert_int_equal(trial.events.count, 1);
    assert_int_equal(trial.events.all[0].kind, OD_EVENT_FAULT_FIRED);
    assert_int_equal(trial.events.all[0].value, 1);
    assert_int_equal(trial.events.all[0].site.executor, 2);
    assert_int_equal(trial.events.all[0].site.task, 1);
    assert_int_equal(trial.events.all[0].site.attempt, 0);
    assert_true(trial.events.all[0].time_ns > 0);
}

/* Messages of executor 2, in order: HELLO (0), WORK (1: the driver's count by receiver), RESULT (2), salutes. */
static void nth_and_times_count_matching_messages(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t fired;
        uint32_t hellos;
        uint32_t results;
    } cases[] = {
        {"network.loss at message_send executor=2 nth=0", 1, 0, 0},
        {"network.loss at message_send executor=2 nth=1", 1, 1, 0},
        {"network.loss at message_send executor=2 nth=100", 0, 1, 1},
        {"network.duplicate at message_send executor=2 nth=0 for=1ms", 1, 2, 2},
        {"network.duplicate at message_send executor=2 nth=1 times=2 for=1ms", 2, 1, 3},
        {"network.duplicate at message_send executor=2 message_kind=3 nth=0 times=always for=1ms", 1, 1, 2},
        {"network.loss at message_send executor=2 message_kind=1\nnetwork.loss at message_send nth=0 "
         "executor=2",
         1, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct trial trial;
        trial_init(&trial, i, cases[i].text);
        trial_run(&trial, 20 * MS);
        if (trial.facts.faults_fired != cases[i].fired ||
            trial.toy.seats[2].driver.hellos != cases[i].hellos ||
            trial.toy.seats[2].driver.results != cases[i].results)
            fail_msg("%s: fired %u, hellos %u, results %u", cases[i].text, trial.facts.faults_fired,
                     trial.toy.seats[2].driver.hellos, trial.toy.seats[2].driver.results);
    }
}

static void a_fault_without_site_fires_once_for_each_of_its_times(void **state)
{
    (void)state;
    struct trial trial;
    trial_init(&trial, 3, "executor.crash at task_end times=5 for=1ms");
    trial_run(&trial, 60 * MS);
    uint32_t lives = trial.toy.seats[1].lives + trial.toy.seats[2].lives + trial.toy.seats[3].lives;
    assert_int_equal(trial.facts.faults_fired, 5);
    assert_int_equal(lives, 3 + 5);
    for (uint32_t executor = 1; executor <= 3; executor++) {
        assert_int_equal(trial.toy.seats[executor].driver.results, 1);
        assert_int_equal(trial.toy.seats[executor].frees, trial.toy.seats[executor].lives);
        assert_int_equal(trial.toy.seats[executor].driver.ghosts, 0);
    }
}

static void timers_die_with_their_life(void **state)
{
    (void)state;
    struct trial trial;
    trial_init(&trial, 3, "executor.crash at task_start task=1 times=3 for=10us");
    trial_run(&trial, 20 * MS);
    assert_int_equal(trial.toy.seats[2].lives, 4);
    assert_true(trial.toy.seats[2].ticks >= 15);
    assert_true(trial.toy.seats[2].ticks <= 20); /* one chain of ticks, not four */
}

/* An actor that always has ten timers of delay 0: each must come after all that were asked for before. */
struct ticker {
    struct od_world *world;
    uint64_t next_tag;
    bool is_driver;
};
static struct ticker tickers[2];

static void ticker_start(void *self)
{
    struct ticker *ticker = self;
    for (uint64_t tag = 0; !ticker->is_driver && tag < 10; tag++)
        ticker->world->schedule.timer(ticker->world->schedule.self, 0, tag);
}
static void ticker_message(void *self, const struct od_message *message)
{
    (void)self;
    (void)message;
}
static void ticker_timer(void *self, uint64_t tag)
{
    struct ticker *ticker = self;
    assert_int_equal(tag, ticker->next_tag);
    ticker->next_tag++;
    ticker->world->schedule.timer(ticker->world->schedule.self, 0, tag + 10);
}
static void ticker_free(void *self)
{
    (void)self;
}
static enum od_status ticker_make(void *self, struct od_world *world, struct od_actor *actor_out,
                                  struct od_error *error)
{
    static const struct od_actor_ops ops = {ticker_start, ticker_message, ticker_timer, NULL, ticker_free};
    (void)self;
    (void)error;
    tickers[world->actor_id] = (struct ticker){.world = world, .is_driver = world->actor_id == 0};
    *actor_out = (struct od_actor){&ops, &tickers[world->actor_id]};
    return OD_OK;
}

static void what_waits_keeps_its_order(void **state)
{
    (void)state;
    const struct od_fault pause = {
        .kind = OD_FAULT_EXECUTOR_PAUSE, .at_time = true, .time_ns = MS, .site = OD_SITE_ANY, .times = 1};
    struct od_fault faults[1] = {pause};
    faults[0].site.executor = 1;
    const struct od_schedule schedule = {.fault_count = 1, .faults = faults};
    const struct od_sim_options options = {.seed = 5, .executor_count = 1, .schedule = &schedule};
    const struct od_actor_factory factory = {.make = ticker_make};
    struct od_sim *sim;
    assert_int_equal(od_sim_new(od_posix_memory(), &options, &factory, &sim, NULL), OD_OK);
    assert_false(od_sim_run(sim, 50 * MS));
    assert_true(tickers[1].next_tag > 1000); /* 30 ms of handlers of 20 us at most */
    assert_int_equal(od_sim_facts(sim).faults_fired, 1);
    od_sim_free(sim);
}

static void leaks_are_counted_and_end_with_the_simulation(void **state)
{
    (void)state;
    struct od_countdown countdown;
    struct trial trial;
    od_countdown_init(&countdown, od_posix_memory(), UINT64_MAX, false);
    trial_init(&trial, 3, "executor.crash at task_end task=1 for=never");
    trial.toy.leaks = true;
    struct od_actor_factory factory = od_toy_factory(&trial.toy);
    assert_int_equal(od_sim_new(&countdown.memory, &trial.options, &factory, &trial.sim, NULL), OD_OK);
    assert_false(od_sim_run(trial.sim, 20 * MS));
    od_sim_end_actors(trial.sim);
    struct od_sim_facts facts = od_sim_facts(trial.sim);
    assert_int_equal(facts.live_blocks, 3);
    assert_int_equal(facts.open_files, 3);
    assert_int_equal(facts.files_left, 5); /* two executors' leaks and notes, the journal; the dead one's disk was emptied */
    trial_release(&trial);
    assert_int_equal(countdown.live_block_count, 0);
}

/* Room for one more executor: the second one to be added comes to nothing, as do orders to a dead driver. Healing starts who
 * is dead, and nobody who was never there. */
static void what_has_no_effect_is_not_counted(void **state)
{
    static const struct {
        const char *text;
        uint32_t executors_max;
        uint32_t fired;
        uint32_t added_lives;
        uint32_t order_count;
    } rows[] = {
        {"executor.add at time=1ms\nexecutor.add at time=2ms", OD_TOY_EXECUTORS + 1, 1, 1, 0},
        {"executor.add at time=1ms\nheal at=1us", OD_TOY_EXECUTORS + 1, 0, 0, 0},
        {"executor.add at time=1ms", 0, 0, 0, 0},
        {"driver.cancel_query at time=2ms query=1\ndriver.cancel_query at time=9ms query=1\n"
         "executor.decommission at time=9ms executor=1\nexecutor.decommission at time=2ms executor=9\n"
         "driver.crash at time=3ms for=10ms\ndriver.crash at time=4ms",
         0, 2, 0, 1},
        {"executor.slow at time=9ms executor=1\nexecutor.crash at time=8ms executor=1\n"
         "executor.slow at time=9ms executor=4",
         OD_TOY_EXECUTORS + 1, 1, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct trial trial;
        trial_init(&trial, 3, rows[i].text);
        trial.options.executors_max = rows[i].executors_max;
        trial_run(&trial, 40 * MS);
        assert_int_equal(trial.facts.faults_fired, rows[i].fired);
        assert_int_equal(trial.toy.seats[OD_TOY_SEATS - 1].lives, rows[i].added_lives);
        assert_int_equal(trial.toy.order_count, rows[i].order_count);
    }
}

/* A slow executor ticks rarely; from the healing on it is as fast as ever. */
static void slowness_ends_with_the_healing(void **state)
{
    (void)state;
    uint32_t ticks[2];
    for (uint32_t healed = 0; healed < 2; healed++) {
        struct trial trial;
        trial_init(&trial, 3,
                   healed ? "executor.slow at time=0ms executor=1 factor=1000 for=never\nheal at=10ms"
                          : "executor.slow at time=0ms executor=1 factor=1000 for=never");
        trial_run(&trial, 100 * MS);
        ticks[healed] = trial.toy.seats[1].ticks;
        assert_in_range(trial.toy.seats[2].ticks, 90, 100);
    }
    assert_in_range(ticks[0], 1, 50);
    assert_in_range(ticks[1], ticks[0] + 30, 90);
}

static void bounds_end_a_run(void **state)
{
    (void)state;
    struct trial trial;
    trial_init(&trial, 3, "");
    trial.options.events_max = 50;
    trial_run(&trial, 60 * MS);
    assert_int_equal(trial.facts.event_count, 50);
    assert_int_equal(trial.facts.live_blocks, 0);

    trial_init(&trial, 3, "");
    trial.options.executor_memory_bytes = 20; /* too little to make one */
    trial_run(&trial, 60 * MS);
    assert_int_equal(trial.facts.status, OD_NO_MEMORY);
    assert_int_equal(trial.facts.live_blocks, 0);
}

static void stop_simulation(void *self)
{
    od_sim_stop(*(struct od_sim **)self);
}

static void stopping_is_told(void **state)
{
    (void)state;
    struct trial trial;
    trial_init(&trial, 3, "");
    trial.toy.stop_at_ns = 2 * MS;
    trial.toy.stop = stop_simulation;
    trial.toy.stop_self = &trial.sim;
    trial_new(&trial);
    assert_false(od_sim_run(trial.sim, 1 * MS));
    assert_true(od_sim_run(trial.sim, 60 * MS));
    assert_true(od_sim_facts(trial.sim).now_ns < 3 * MS);
    od_sim_end_actors(trial.sim);
    assert_int_equal(od_sim_facts(trial.sim).live_blocks, 0);
    trial_release(&trial);
    od_sim_free(NULL);
}

/* Under AddressSanitizer the pool asks below for every block, and this reaches each allocation of the run
 * as well. */
static void refused_allocations_lose_nothing(void **state)
{
    (void)state;
    bool is_clean = false;
    uint32_t setups_refused = 0;
    for (uint64_t k = 0; !is_clean; k++) {
        struct od_countdown countdown;
        struct trial trial;
        assert_true(k < 10000);
        od_countdown_init(&countdown, od_posix_memory(), k, false);
        trial_init(&trial, 3, many_faults);
        struct od_actor_factory factory = od_toy_factory(&trial.toy);
        enum od_status status = od_sim_new(&countdown.memory, &trial.options, &factory, &trial.sim, NULL);
        if (status == OD_OK) {
            assert_false(od_sim_run(trial.sim, 10 * MS));
            od_sim_end_actors(trial.sim);
            struct od_sim_facts facts = od_sim_facts(trial.sim);
            assert_int_equal(facts.live_blocks, 0);
            assert_int_equal(facts.open_files, 0);
            assert_true(facts.status == OD_OK || facts.status == OD_NO_MEMORY);
        } else {
            assert_int_equal(status, OD_NO_MEMORY);
            assert_null(trial.sim);
            setups_refused++;
        }
        is_clean = countdown.refused_count == 0;
        trial_release(&trial);
        assert_int_equal(countdown.live_block_count, 0);
    }
    assert_true(setups_refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_seeds_give_equal_digests),
        cmocka_unit_test(other_schedules_give_other_digests),
        cmocka_unit_test(running_in_pieces_is_running_at_once),
        cmocka_unit_test(healing_brings_all_back),
        cmocka_unit_test(an_unhealed_never_lasts),
        cmocka_unit_test(firings_are_events_with_their_index),
        cmocka_unit_test(nth_and_times_count_matching_messages),
        cmocka_unit_test(a_fault_without_site_fires_once_for_each_of_its_times),
        cmocka_unit_test(timers_die_with_their_life),
        cmocka_unit_test(what_waits_keeps_its_order),
        cmocka_unit_test(leaks_are_counted_and_end_with_the_simulation),
        cmocka_unit_test(what_has_no_effect_is_not_counted),
        cmocka_unit_test(slowness_ends_with_the_healing),
        cmocka_unit_test(bounds_end_a_run),
        cmocka_unit_test(stopping_is_told),
        cmocka_unit_test(refused_allocations_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
