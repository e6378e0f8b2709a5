/* Goal: around real threads each kind of fault has the effect that it has in the simulation. Method: a
 * smaller table than kinds_test's over the same toy cluster, with durations that a slow machine can't
 * blur: only lower bounds on times are judged. Each allocation of the setup is refused once. */
#include "chaos/wrap_threads.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "chaos/fault_kind.h"
#include "chaos/toy_cluster.h"
#include "engine/core/sweep.h"
#include "engine/world/posix.h"

#define MS UINT64_C(1000000)

struct effect {
    uint32_t lives; /* 0 means 1 */
    uint32_t stillborn; /* made, and never started */
    uint32_t results;
    enum od_status failed_with;
    uint32_t flipped_bits;
    uint32_t cut_bytes;
    uint64_t gap_ns;
    uint64_t late_ns;
    uint32_t driver_lives;  /* 0 means 1; if more, nothing is said of results */
    uint64_t journal_bytes; /* of the driver's last life */
    enum od_order_kind order;
    uint32_t added_lives;
};
struct row {
    const char *text; /* one fault, aimed at executor 2, and perhaps a healing */
    struct effect effect;
};
static const struct row rows[] = {
    {"task.error_before at task_start task=1", {.failed_with = OD_TASK_FAILED}},
    {"task.error_middle at task_step task=1 nth=2", {.failed_with = OD_TASK_FAILED}},
    {"task.error_after at task_end task=1", {.failed_with = OD_TASK_FAILED}},
    {"executor.crash at block_write task=1 for=30ms",
     {.lives = 2, .results = 1, .failed_with = OD_EXECUTOR_GONE, .gap_ns = 30 * MS, .late_ns = 30 * MS}},
    {"executor.crash at task_reported task=1 for=30ms",
     {.lives = 2, .results = 2, .failed_with = OD_EXECUTOR_GONE, .gap_ns = 30 * MS, .late_ns = 30 * MS}},
    {"executor.crash at time=40ms executor=2 for=30ms",
     {.lives = 2, .results = 2, .gap_ns = 30 * MS, .late_ns = 70 * MS}},
    {"executor.crash at task_start task=1 for=never\nheal at=60ms",
     {.lives = 2, .results = 1, .failed_with = OD_EXECUTOR_GONE, .late_ns = 60 * MS}},
    {"executor.crash_starting at actor_start executor=2 for=30ms", {.stillborn = 1, .results = 1, .late_ns = 30 * MS}},
    {"executor.pause at task_start task=1 for=30ms", {.results = 1, .gap_ns = 30 * MS, .late_ns = 30 * MS}},
    {"executor.pause at time=0ms executor=2 for=30ms", {.results = 1, .gap_ns = 25 * MS}},
    {"executor.pause at task_start task=1 for=never\nheal at=60ms", {.results = 1, .late_ns = 60 * MS}},
    {"shuffle.block_missing at block_serve task=1", {.failed_with = OD_MISSING}},
    {"shuffle.block_bit_flip at block_receive task=1 bit=77", {.results = 1, .flipped_bits = 1}},
    {"shuffle.block_truncated at block_serve task=1 cut=9", {.results = 1, .cut_bytes = 9}},
    {"network.delay at message_send executor=2 message_kind=2 for=30ms", {.results = 1, .late_ns = 30 * MS}},
    {"network.loss at message_send executor=2 message_kind=3", {.results = 0}},
    {"network.duplicate at message_send executor=2 message_kind=3 for=30ms",
     {.results = 2, .late_ns = 30 * MS}},
    /* the second result's record is not written; then it is, and stays, as the machine lives on */
    {"driver.crash at journal_write nth=1 for=30ms", {.driver_lives = 2, .journal_bytes = 10}},
    {"driver.crash at journal_sync nth=1 for=30ms", {.driver_lives = 2, .journal_bytes = 20}},
    {"driver.crash at message_send executor=2 message_kind=2 for=30ms",
     {.driver_lives = 2, .journal_bytes = OD_ANY}},
    {"driver.crash at time=60ms for=never\nheal at=90ms", {.driver_lives = 2, .journal_bytes = 30}},
    {"executor.decommission at task_start task=1", {.results = 1, .order = OD_ORDER_DECOMMISSION}},
    {"driver.cancel_query at time=10ms query=7", {.results = 1, .order = OD_ORDER_CANCEL_QUERY}},
    {"executor.add at time=10ms", {.results = 1, .added_lives = 1}},
    {"executor.slow at task_start task=1 factor=200 for=100ms",
     {.results = 1, .gap_ns = 2 * MS, .late_ns = 6 * MS}},
};
#define TRIES_MAX 20
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

struct events {
    uint32_t fired;
    uint32_t healed;
};

static void note_event(void *self, const struct od_event *event)
{
    struct events *events = self;
    events->fired += event->kind == OD_EVENT_FAULT_FIRED;
    events->healed += event->kind == OD_EVENT_HEALED;
}
static const struct od_trace_ops trace_ops = {note_event};

struct trial {
    struct od_schedule schedule;
    struct od_toy toy;
    struct events events;
    struct od_threads *threads;
    struct od_wrap_threads *wrap;
    uint32_t fired;
    struct od_threads_facts facts;
};

static void stop_threads(void *self)
{
    od_threads_stop(*(struct od_threads **)self);
}

/* NO_MEMORY only while setting up, or from the run of a host that lacked memory. */
static enum od_status trial_run(struct trial *trial, struct od_memory *memory, const char *directory)
{
    struct od_error error = {0};
    struct od_threads_options options = {.executor_count = OD_TOY_EXECUTORS,
                                         .executors_max = OD_TOY_EXECUTORS + 1,
                                         .directory = directory,
                                         .trace = {&trace_ops, &trial->events}};
    struct od_actor_factory factory = od_toy_factory(&trial->toy);
    trial->toy.stop_at_ns = 150 * MS;
    trial->toy.stop = stop_threads;
    trial->toy.stop_self = &trial->threads;
    enum od_status status =
        od_wrap_threads_new(memory, &trial->schedule, OD_TOY_EXECUTORS + 1, &trial->wrap, &error);
    if (status == OD_OK) {
        od_wrap_threads_arm(trial->wrap, &options);
        status = od_threads_new(memory, &options, &factory, &trial->threads, &error);
    }
    if (status == OD_OK) {
        od_wrap_threads_attach(trial->wrap, trial->threads);
        status = od_threads_run(trial->threads, 20000 * MS, &error);
        trial->facts = od_threads_facts(trial->threads);
        trial->fired = od_wrap_threads_fired(trial->wrap);
    }
    od_threads_free(trial->threads);
    od_wrap_threads_free(trial->wrap);
    return status;
}

static void check_cluster(const struct row *row, const struct od_toy *toy)
{
    const struct effect *effect = &row->effect;
    const struct od_toy_seat *seat = &toy->seats[0];
    bool is_right = seat->lives == (effect->driver_lives == 0 ? 1 : effect->driver_lives) &&
                    (toy->journal_bytes == effect->journal_bytes || effect->journal_bytes == OD_ANY) &&
                    seat->frees == seat->lives && seat->ghost_timers == 0 && seat->gone_lapses == 0 &&
                    toy->order.kind == effect->order && toy->order_count == (effect->order != 0) &&
                    toy->seats[OD_TOY_SEATS - 1].lives == effect->added_lives;
    if (!is_right)
        fail_msg("%s\ndriver lives %u, journal %u bytes, order %u, added %u", row->text, seat->lives,
                 (unsigned)toy->journal_bytes, toy->order.kind, toy->seats[OD_TOY_SEATS - 1].lives);
}

static void check_row(const struct row *row, const struct od_toy *toy)
{
    check_cluster(row, toy);
    for (uint32_t executor = 1; executor <= OD_TOY_EXECUTORS; executor++) {
        const struct effect control = {.results = 1};
        const struct effect *effect = executor == 2 ? &row->effect : &control;
        const struct od_toy_seat *seat = &toy->seats[executor];
        bool is_right = seat->lives == (effect->lives == 0 ? 1 : effect->lives) &&
                        (seat->driver.results == effect->results || row->effect.driver_lives > 1) &&
                        seat->failure.status == effect->failed_with &&
                        seat->failure.injected == (effect->failed_with != OD_OK) &&
                        seat->driver.flipped_bits == effect->flipped_bits &&
                        seat->driver.cut_bytes == effect->cut_bytes &&
                        seat->longest_gap_ns >= effect->gap_ns &&
                        seat->driver.last_result_ns >= effect->late_ns && seat->driver.ghosts == 0 &&
                        seat->ghost_timers == 0 && seat->gone_lapses == 0 && seat->work_bytes_lost == 0 &&
                        seat->frees == seat->lives + effect->stillborn;
        if (!is_right)
            fail_msg("%s\nexecutor %u: lives %u, results %u, status %s, flipped %u, cut %u, gap %u us, "
                     "result at %u us",
                     row->text, executor, seat->lives, seat->driver.results,
                     od_status_text(seat->failure.status), seat->driver.flipped_bits, seat->driver.cut_bytes,
                     (unsigned)(seat->longest_gap_ns / 1000), (unsigned)(seat->driver.last_result_ns / 1000));
    }
}

/* Whom no fault strikes was not heard of for long: it was the machine, and the trial says nothing. */
static bool stood_still(const struct od_toy *toy)
{
    for (uint32_t executor = 1; executor <= OD_TOY_EXECUTORS; executor++)
        if (executor != 2 && toy->seats[executor].longest_gap_ns > 40 * MS)
            return true;
    return false;
}

static void make_directory(char *directory, size_t size)
{
    snprintf(directory, size, "/tmp/ordeal-wrap-threads-%d", (int)getpid());
}

/* What this host does itself; the others are the wrappers', the same objects as in the simulation. */
static const enum od_fault_effect hosts_effects[] = {OD_EFFECT_KILL, OD_EFFECT_PAUSE, OD_EFFECT_SLOW, OD_EFFECT_ADD,
                                                     OD_EFFECT_ORDER, OD_EFFECT_DELAY};

static void faults_act_on_threads_as_in_the_simulation(void **state)
{
    (void)state;
    char directory[100];
    bool proven[OD_EFFECT_COUNT] = {false};
    make_directory(directory, sizeof(directory));
    for (size_t i = 0; i < ROW_COUNT; i++) {
        struct od_arena arena;
        struct trial trial = {0};
        struct od_error error = {0};
        od_arena_init(&arena, od_posix_memory(), 0);
        if (od_schedule_parse(&arena, "row", rows[i].text, strlen(rows[i].text), &trial.schedule, &error) !=
            OD_OK)
            fail_msg("%s", error.text);
        const struct od_schedule schedule = trial.schedule;
        for (uint32_t tries = 0; tries == 0 || (tries < TRIES_MAX && stood_still(&trial.toy)); tries++) {
            trial = (struct trial){.schedule = schedule};
            assert_int_equal(trial_run(&trial, od_posix_memory(), directory), OD_OK);
        }
        check_row(&rows[i], &trial.toy);
        assert_int_equal(trial.fired, 1);
        assert_int_equal(trial.events.fired, 1);
        assert_int_equal(trial.events.healed, trial.schedule.heal_ns != 0);
        assert_int_equal(trial.facts.live_blocks, 0);
        assert_int_equal(trial.facts.open_files, 0);
        proven[od_fault_kind_row(trial.schedule.faults[0].kind)->effect] = true;
        od_arena_release(&arena);
    }
    for (size_t i = 0; i < sizeof(hosts_effects) / sizeof(hosts_effects[0]); i++)
        assert_true(proven[hosts_effects[i]]);
}

static void refused_allocations_of_the_setup_are_reported(void **state)
{
    (void)state;
    const struct od_fault fault = {
        .kind = OD_FAULT_NETWORK_LOSS, .point = OD_POINT_MESSAGE_SEND, .site = OD_SITE_ANY, .times = 1};
    const struct od_schedule schedule = {.fault_count = 1, .faults = &fault};
    bool is_clean = false;
    for (uint64_t k = 0; !is_clean; k++) {
        struct od_countdown countdown;
        struct od_wrap_threads *wrap;
        od_countdown_init(&countdown, od_posix_memory(), k, false);
        enum od_status status =
            od_wrap_threads_new(&countdown.memory, &schedule, OD_TOY_EXECUTORS, &wrap, NULL);
        is_clean = countdown.refused_count == 0;
        assert_int_equal(status, is_clean ? OD_OK : OD_NO_MEMORY);
        assert_true((wrap != NULL) == is_clean);
        od_wrap_threads_free(wrap);
        assert_int_equal(countdown.live_block_count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_act_on_threads_as_in_the_simulation),
        cmocka_unit_test(refused_allocations_of_the_setup_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
