/* Goal: every kind of fault takes effect at every place where it may act, as its sentence says, and
 * nowhere else. Method: a table of (fault, effect) over the toy cluster in the simulation; the table
 * itself is checked to have a row for each allowed pair of kind and point. Executors 1 and 3 are the
 * control group: nothing may happen to them. */
#include "chaos/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "chaos/toy_cluster.h"
#include "engine/world/posix.h"

#define MS       UINT64_C(1000000)
#define UNTIL_NS (400 * MS)

struct effect {
    uint32_t lives; /* 0 means 1 */
    uint32_t results;
    uint32_t failures;
    enum od_status failed_with; /* OK: no point failed */
    uint32_t flipped_bits;
    uint32_t cut_bytes;
    uint64_t gap_ns;  /* the executor stood still at least so long */
    uint64_t late_ns; /* the last result came not before */
};
struct row {
    const char *text; /* aimed at executor 2, its task is number 1 */
    struct effect effect;
};

#define FAILS                                                                                                \
    {                                                                                                        \
        .failures = 1, .failed_with = OD_TASK_FAILED                                                         \
    }
#define DIES                                                                                                 \
    {                                                                                                        \
        .lives = 2, .results = 1, .failed_with = OD_EXECUTOR_GONE, .gap_ns = 50 * MS, .late_ns = 50 * MS     \
    }
#define STANDS_STILL                                                                                         \
    {                                                                                                        \
        .results = 1, .gap_ns = 50 * MS, .late_ns = 50 * MS                                                  \
    }
#define FLIPPED                                                                                              \
    {                                                                                                        \
        .results = 1, .flipped_bits = 1                                                                      \
    }
#define CUT                                                                                                  \
    {                                                                                                        \
        .results = 1, .cut_bytes = 9                                                                         \
    }

static const struct row rows[] = {
    {"task.error_before at task_start task=1", FAILS},
    {"task.error_middle at task_step task=1 nth=2", FAILS},
    {"task.error_after at task_end task=1", FAILS},
    {"executor.crash at task_start task=1 for=50ms", DIES},
    {"executor.crash at task_step task=1 for=50ms", DIES},
    {"executor.crash at task_end task=1 for=50ms", DIES},
    {"executor.crash at task_reported task=1 for=50ms",
     {.lives = 2, .results = 2, .failed_with = OD_EXECUTOR_GONE, .gap_ns = 50 * MS, .late_ns = 50 * MS}},
    {"executor.crash at block_write task=1 for=50ms", DIES},
    {"executor.crash at block_serve task=1 for=50ms", DIES},
    {"executor.crash at block_receive task=1 for=50ms", DIES},
    {"executor.crash at result_send task=1 for=50ms", DIES},
    {"executor.crash at time=30us executor=2 for=50ms",
     {.lives = 2, .results = 1, .gap_ns = 50 * MS, .late_ns = 50 * MS}},
    {"executor.crash at time=30us executor=2 for=never", {.results = 0}},
    {"executor.pause at task_start task=1 for=50ms", STANDS_STILL},
    {"executor.pause at task_step task=1 nth=1 for=50ms", STANDS_STILL},
    {"executor.pause at task_end task=1 for=50ms", {.results = 1, .gap_ns = 50 * MS}},
    {"executor.pause at task_reported task=1 for=50ms", {.results = 1, .gap_ns = 50 * MS}},
    {"executor.pause at block_write task=1 for=50ms", {.results = 1, .gap_ns = 50 * MS}},
    {"executor.pause at block_serve task=1 for=50ms", {.results = 1, .gap_ns = 50 * MS}},
    {"executor.pause at block_receive task=1 for=50ms", {.results = 1, .gap_ns = 50 * MS}},
    {"executor.pause at result_send task=1 for=50ms", {.results = 1, .gap_ns = 50 * MS}},
    {"executor.pause at time=30us executor=2 for=50ms", STANDS_STILL},
    {"shuffle.block_missing at block_serve task=1", {.failures = 1, .failed_with = OD_MISSING}},
    {"shuffle.block_bit_flip at block_write task=1 bit=77", FLIPPED},
    {"shuffle.block_bit_flip at block_serve task=1 bit=1000", FLIPPED},
    {"shuffle.block_bit_flip at block_receive task=1", FLIPPED},
    {"shuffle.block_bit_flip at result_send task=1 bit=511", FLIPPED},
    /* A file that is cut before it is written is not there in full when it is read. */
    {"shuffle.block_truncated at block_write task=1 cut=9", CUT},
    {"shuffle.block_truncated at block_serve task=1 cut=9", CUT},
    {"shuffle.block_truncated at block_receive task=1 cut=9", CUT},
    {"shuffle.block_truncated at result_send task=1 cut=9", CUT},
    {"shuffle.block_truncated at result_send task=1 cut=900",
     {.results = 1, .cut_bytes = OD_TOY_BLOCK_BYTES}},
    {"network.delay at message_send executor=2 message_kind=3 for=50ms", {.results = 1, .late_ns = 50 * MS}},
    {"network.delay at message_send executor=2 message_kind=2 for=50ms", {.results = 1, .late_ns = 50 * MS}},
    {"network.loss at message_send executor=2 message_kind=3", {.results = 0}},
    {"network.loss at message_send executor=2 message_kind=2", {.results = 0}},
    {"network.loss at message_send executor=2 nth=2", {.results = 0}},
    {"network.duplicate at message_send executor=2 message_kind=3 for=50ms",
     {.results = 2, .late_ns = 50 * MS}},
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static void check_row(const struct row *row, const struct od_toy *toy)
{
    for (uint32_t executor = 1; executor <= OD_TOY_EXECUTORS; executor++) {
        const struct effect control = {.results = 1};
        const struct effect *effect = executor == 2 ? &row->effect : &control;
        const struct od_toy_seat *seat = &toy->seats[executor];
        bool is_right =
            seat->lives == (effect->lives == 0 ? 1 : effect->lives) &&
            seat->driver.results == effect->results && seat->driver.failures == effect->failures &&
            seat->failure.status == effect->failed_with &&
            seat->failure.injected == (effect->failed_with != OD_OK) &&
            seat->driver.flipped_bits == effect->flipped_bits &&
            seat->driver.cut_bytes == effect->cut_bytes && seat->longest_gap_ns >= effect->gap_ns &&
            seat->driver.last_result_ns >= effect->late_ns && seat->driver.ghosts == 0 &&
            seat->ghost_timers == 0 && seat->gone_lapses == 0 && seat->work_bytes_lost == 0;
        bool is_still =
            executor == 2 || (seat->longest_gap_ns < 3 * MS && seat->driver.last_result_ns < 10 * MS);
        if (!is_right || !is_still)
            fail_msg("%s\nexecutor %u: lives %u, results %u, failures %u, status %s, flipped %u, cut %u, gap "
                     "%u us, "
                     "result at %u us",
                     row->text, executor, seat->lives, seat->driver.results, seat->driver.failures,
                     od_status_text(seat->failure.status), seat->driver.flipped_bits, seat->driver.cut_bytes,
                     (unsigned)(seat->longest_gap_ns / 1000), (unsigned)(seat->driver.last_result_ns / 1000));
    }
}

static void parse(struct od_arena *arena, const char *text, struct od_schedule *schedule)
{
    struct od_error error = {0};
    if (od_schedule_parse(arena, "row", text, strlen(text), schedule, &error) != OD_OK)
        fail_msg("%s", error.text);
}

static void each_kind_takes_effect_where_it_may_act(void **state)
{
    (void)state;
    uint32_t points_proven[OD_FAULT_KIND_COUNT] = {0};
    bool time_proven[OD_FAULT_KIND_COUNT] = {false};
    for (size_t i = 0; i < ROW_COUNT; i++) {
        struct od_arena arena;
        struct od_schedule schedule;
        struct od_toy toy = {0};
        struct od_sim *sim;
        od_arena_init(&arena, od_posix_memory(), 0);
        parse(&arena, rows[i].text, &schedule);
        const struct od_sim_options options = {
            .seed = i, .executor_count = OD_TOY_EXECUTORS, .schedule = &schedule};
        struct od_actor_factory factory = od_toy_factory(&toy);
        assert_int_equal(od_sim_new(od_posix_memory(), &options, &factory, &sim, NULL), OD_OK);
        assert_false(od_sim_run(sim, UNTIL_NS));
        check_row(&rows[i], &toy);
        assert_int_equal(od_sim_fault_fired(sim, 0), 1);
        od_sim_end_actors(sim);
        struct od_sim_facts facts = od_sim_facts(sim);
        assert_int_equal(facts.status, OD_OK);
        assert_int_equal(facts.faults_fired, 1);
        assert_int_equal(facts.live_blocks, 0);
        assert_int_equal(facts.open_files, 0);
        od_sim_free(sim);
        const struct od_fault *fault = &schedule.faults[0];
        if (fault->at_time)
            time_proven[fault->kind] = true;
        else
            points_proven[fault->kind] |= UINT32_C(1) << fault->point;
        od_arena_release(&arena);
    }
    for (unsigned kind = 0; kind < OD_FAULT_KIND_COUNT; kind++) {
        for (unsigned point = 0; point < OD_POINT_COUNT; point++) {
            bool is_proven = (points_proven[kind] >> point & 1) != 0;
            if (is_proven != od_fault_kind_allows((enum od_fault_kind)kind, (enum od_point)point))
                fail_msg("no row: %s at %s", od_fault_kind_text((enum od_fault_kind)kind),
                         od_point_text((enum od_point)point));
        }
    }
    assert_true(time_proven[OD_FAULT_EXECUTOR_CRASH]);
    assert_true(time_proven[OD_FAULT_EXECUTOR_PAUSE]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_takes_effect_where_it_may_act),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
