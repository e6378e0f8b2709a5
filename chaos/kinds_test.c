/* Goal: every kind of fault of tasks, executors, the driver, speculation, lineage, sources and sinks takes effect at every place where it may act, as its sentence
 * says, and nowhere else. Method: a table of (faults, effect) over the toy cluster in the simulation; the first fault of
 * a row is the one that is proven, others only bring it about. The table itself is checked to have a row for each allowed
 * pair of kind and point. Executors 1 and 3 are the control group, and so is the driver: nothing may happen to them, unless
 * the row says so. */
#include "chaos/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "chaos/fault_kind.h"
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
    bool never;       /* there is nothing for it to act on */
    bool is_real;     /* the failure is what the fault led to, not the fault itself */
    uint64_t gap_ns;  /* the executor stood still at least so long; 0: it did not */
    uint64_t late_ns; /* the last result came not before */
    /* Of the cluster: */
    uint32_t others;        /* executors that die too, of nothing that they did: 1 << id */
    uint32_t driver_lives;  /* 0 means 1; if more, nothing is said of results: the dead take none */
    enum od_status driver_failed_with; /* a point that it did not die of */
    uint64_t driver_gap_ns; /* the driver stood still at least so long; 0: it did not. Then results may be late */
    uint64_t journal_bytes; /* that its next life found */
    struct od_order order;  /* kind 0: none came */
    uint32_t added_lives;
    /* Of the salutes of executor 2 to the driver, those of one role; all others come once, if one is named. */
    enum od_message_role role;
    uint32_t salutes;
    uint64_t salute_ns; /* the last came not before */
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
#define DIES_REPORTED                                                                                        \
    {                                                                                                        \
        .lives = 2, .results = 2, .failed_with = OD_EXECUTOR_GONE, .gap_ns = 50 * MS, .late_ns = 50 * MS     \
    }
#define DIES_WITH(executors)                                                                                 \
    {                                                                                                        \
        .lives = 2, .results = 1, .failed_with = OD_EXECUTOR_GONE, .gap_ns = 50 * MS, .late_ns = 50 * MS,    \
        .others = (executors)                                                                                \
    }
#define DIES_REPORTED_WITH(executors)                                                                        \
    {                                                                                                        \
        .lives = 2, .results = 2, .failed_with = OD_EXECUTOR_GONE, .gap_ns = 50 * MS, .late_ns = 50 * MS,    \
        .others = (executors)                                                                                \
    }
/* Whoever dies outside of any work has seen nothing fail. */
#define DIES_IDLE_WITH(executors)                                                                            \
    {                                                                                                        \
        .lives = 2, .results = 1, .gap_ns = 50 * MS, .late_ns = 50 * MS, .others = (executors)               \
    }
#define FAILS_WITH(status)                                                                                   \
    {                                                                                                        \
        .failures = 1, .failed_with = (status)                                                               \
    }
#define NOTES_LOST                                                                                           \
    {                                                                                                        \
        .failures = 1, .failed_with = OD_MISSING, .is_real = true                                            \
    }
#define DRIVER_STILL                                                                                         \
    {                                                                                                        \
        .results = 1, .driver_gap_ns = 50 * MS                                                               \
    }
/* A kind at all points of a task, of a life, of the driver. */
#define AT_TASK(kind, effect)                                                                                \
    {kind " at task_start task=1", effect}, {kind " at task_step task=1 nth=1", effect},                     \
        {kind " at task_end task=1", effect}
#define AT_LIFE(kind, others)                                                                                \
    {kind " at task_start task=1 for=50ms", DIES_WITH(others)},                                              \
        {kind " at task_step task=1 for=50ms", DIES_WITH(others)},                                           \
        {kind " at task_end task=1 for=50ms", DIES_WITH(others)},                                            \
        {kind " at task_reported task=1 for=50ms", DIES_REPORTED_WITH(others)},                              \
        {kind " at block_write task=1 for=50ms", DIES_WITH(others)},                                         \
        {kind " at block_serve task=1 for=50ms", DIES_WITH(others)},                                         \
        {kind " at block_receive task=1 for=50ms", DIES_WITH(others)},                                       \
    {                                                                                                        \
        kind " at time=30us executor=2 for=50ms", DIES_IDLE_WITH(others)                                     \
    }
#define FLIPPED                                                                                              \
    {                                                                                                        \
        .results = 1, .flipped_bits = 1                                                                      \
    }
#define CUT                                                                                                  \
    {                                                                                                        \
        .results = 1, .cut_bytes = 9                                                                         \
    }

#define ORDERED(kind_name, query_id, executor_id)                                                            \
    {                                                                                                        \
        .results = 1, .order = {.kind = OD_ORDER_##kind_name, .query = query_id, .executor = executor_id}                               \
    }

/* A kind of message, by its role. */
#define OF_ROLE(kind, name)                                                                                  \
    {kind "_lost at message_send executor=2", {.results = 1, .role = OD_ROLE_##name, .salutes = 0}},         \
        {kind "_late at message_send executor=2 for=50ms",                                                   \
         {.results = 1, .role = OD_ROLE_##name, .salutes = 1, .salute_ns = 50 * MS}},                        \
    {                                                                                                        \
        kind "_twice at message_send executor=2 for=50ms",                                                   \
        {                                                                                                    \
            .results = 1, .role = OD_ROLE_##name, .salutes = 2, .salute_ns = 50 * MS                         \
        }                                                                                                    \
    }
#define LOST_ROLE(name)                                                                                      \
    {                                                                                                        \
        .results = 1, .role = OD_ROLE_##name                                                                 \
    }
#define REFUSED(status)                                                                                      \
    {                                                                                                        \
        .failures = 1, .driver_failed_with = (status)                                                        \
    }

static const struct row rows[] = {
    {"task.error_before at task_start task=1", FAILS},
    {"task.error_middle at task_step task=1 nth=2", FAILS},
    {"task.error_after at task_end task=1", FAILS},
    AT_LIFE("executor.crash", 0),
    {"executor.crash at time=30us executor=2 for=never", {.results = 0}},
    AT_TASK("task.error_io", FAILS_WITH(OD_IO)),
    AT_TASK("task.error_memory", FAILS_WITH(OD_NO_MEMORY)),
    {"task.error_corrupt at task_step task=1", FAILS_WITH(OD_CORRUPT)},
    {"task.error_missing at task_step task=1", FAILS_WITH(OD_MISSING)},
    {"task.error_unreachable at task_step task=1", FAILS_WITH(OD_UNREACHABLE)},
    {"task.stall at task_start task=1 for=50ms", STANDS_STILL},
    {"task.stall at task_step task=1 nth=1 for=50ms", STANDS_STILL},
    {"task.stall at task_end task=1 for=50ms", STANDS_STILL},
    {"task.hang at task_step task=1 nth=1 for=50ms", {.results = 1, .late_ns = 50 * MS}},
    {"task.report_lost at task_end task=1", {.results = 0}},
    {"task.report_late at task_end task=1 for=50ms", {.results = 1, .late_ns = 50 * MS}},
    {"task.report_twice at task_end task=1 for=50ms", {.results = 2, .late_ns = 50 * MS}},
    {"executor.pause at task_start task=1 for=50ms", STANDS_STILL},
    {"executor.pause at task_step task=1 nth=1 for=50ms", STANDS_STILL},
    {"executor.pause at task_end task=1 for=50ms", {.results = 1, .gap_ns = 50 * MS}},
    {"executor.pause at task_reported task=1 for=50ms", {.results = 1, .gap_ns = 50 * MS}},
    {"executor.pause at block_write task=1 for=50ms", {.results = 1, .gap_ns = 50 * MS}},
    {"executor.pause at block_serve task=1 for=50ms", {.results = 1, .gap_ns = 50 * MS}},
    {"executor.pause at block_receive task=1 for=50ms", {.results = 1, .gap_ns = 50 * MS}},
    {"executor.pause at time=30us executor=2 for=50ms", STANDS_STILL},
    {"shuffle.block_missing at block_serve task=1", {.failures = 1, .failed_with = OD_MISSING}},
    {"shuffle.block_bit_flip at block_write task=1 bit=77", FLIPPED},
    {"shuffle.block_bit_flip at block_serve task=1 bit=1000", FLIPPED},
    {"shuffle.block_bit_flip at block_receive task=1", FLIPPED},
    /* A file that is cut before it is written is not there in full when it is read. */
    {"shuffle.block_truncated at block_write task=1 cut=9", CUT},
    {"shuffle.block_truncated at block_serve task=1 cut=9", CUT},
    {"shuffle.block_truncated at block_receive task=1 cut=9", CUT},
    {"shuffle.block_truncated at block_receive task=1 cut=900",
     {.results = 1, .cut_bytes = OD_TOY_BLOCK_BYTES}},
    {"network.delay at message_send executor=2 message_kind=3 for=50ms", {.results = 1, .late_ns = 50 * MS}},
    {"network.delay at message_send executor=2 message_kind=2 for=50ms", {.results = 1, .late_ns = 50 * MS}},
    {"network.loss at message_send executor=2 message_kind=3", {.results = 0}},
    {"network.loss at message_send executor=2 message_kind=2", {.results = 0}},
    {"network.loss at message_send executor=2 nth=2", {.results = 0}},
    {"network.duplicate at message_send executor=2 message_kind=3 for=50ms",
     {.results = 2, .late_ns = 50 * MS}},
    /* The record of the first result is synced, the second one's is under way. */
    {"driver.crash at journal_write nth=1 for=50ms keep=100", {.driver_lives = 2, .journal_bytes = 10}},
    {"driver.crash at journal_sync nth=1 for=50ms", {.driver_lives = 2, .journal_bytes = 10}},
    {"driver.crash at journal_sync nth=1 for=50ms keep=4", {.driver_lives = 2, .journal_bytes = 14}},
    {"driver.crash at journal_sync nth=1 for=50ms keep=100", {.driver_lives = 2, .journal_bytes = 20}},
    {"driver.crash at journal_sync nth=1 for=50ms keep=100 lost=1", {.driver_lives = 2, .journal_bytes = 10}},
    {"driver.crash at message_send executor=2 message_kind=2 for=50ms", {.driver_lives = 2}},
    {"driver.crash at message_send nth=0 for=50ms", {.driver_lives = 2}},
    {"driver.crash at time=20ms for=50ms", {.driver_lives = 2, .journal_bytes = 30}},
    {"executor.decommission at task_start task=1", ORDERED(DECOMMISSION, 0, 2)},
    {"executor.decommission at task_step task=1", ORDERED(DECOMMISSION, 0, 2)},
    {"executor.decommission at task_end task=1", ORDERED(DECOMMISSION, 0, 2)},
    {"executor.decommission at task_reported task=1", ORDERED(DECOMMISSION, 0, 2)},
    {"executor.decommission at block_serve task=1", ORDERED(DECOMMISSION, 0, 2)},
    {"executor.decommission at time=1ms executor=3", ORDERED(DECOMMISSION, OD_ANY, 3)},
    AT_LIFE("executor.host_crash", 1 << 1),
    AT_LIFE("executor.rack_crash", 1 << 1 | 1 << 3),
    AT_LIFE("executor.all_crash", 1 << 1 | 1 << 3),
    {"executor.crash_starting at actor_start executor=2 for=50ms", {.results = 1, .gap_ns = 50 * MS, .late_ns = 50 * MS}},
    {"executor.crash_writing at disk_write task=1 for=50ms", DIES},
    {"executor.memory_killed at memory_take task=1 for=50ms",
     {.lives = 2, .results = 1, .failed_with = OD_NO_MEMORY, .is_real = true, .gap_ns = 50 * MS, .late_ns = 50 * MS}},
    {"executor.disk_lost at task_start task=1", NOTES_LOST},
    {"executor.disk_lost at task_end task=1", NOTES_LOST},
    {"executor.disk_lost at block_serve task=1", NOTES_LOST},
    {"executor.disk_lost at time=30us executor=2", NOTES_LOST},
    {"executor.add at time=30us", {.results = 1, .added_lives = 1}},
    {"executor.slow at task_start task=1 factor=1000 for=100ms", {.results = 1, .gap_ns = MS, .late_ns = 4 * MS}},
    {"executor.slow at task_step task=1 factor=1000 for=100ms", {.results = 1, .gap_ns = MS, .late_ns = 3 * MS}},
    {"executor.slow at time=30us executor=2 factor=1000 for=100ms", {.results = 1, .gap_ns = MS, .late_ns = 5 * MS}},
    {"driver.cancel_query at task_start task=1", ORDERED(CANCEL_QUERY, 0, 2)},
    {"driver.cancel_query at task_step task=1", ORDERED(CANCEL_QUERY, 0, 2)},
    {"driver.cancel_query at task_end task=1", ORDERED(CANCEL_QUERY, 0, 2)},
    {"driver.cancel_query at task_reported task=1", ORDERED(CANCEL_QUERY, 0, 2)},
    {"driver.cancel_query at time=1ms query=7", ORDERED(CANCEL_QUERY, 7, OD_ANY)},
    {"driver.pause at message_send nth=1 for=50ms", DRIVER_STILL},
    {"driver.pause at journal_write nth=0 for=50ms", DRIVER_STILL},
    {"driver.pause at journal_sync nth=0 for=50ms", DRIVER_STILL},
    {"driver.pause at time=30us for=50ms", DRIVER_STILL},
    {"driver.slow at message_send nth=0 factor=10000 for=100ms", {.results = 1, .driver_gap_ns = 10 * MS}},
    {"driver.slow at time=30us factor=10000 for=100ms", {.results = 1, .driver_gap_ns = 10 * MS}},
    {"driver.crash_starting at actor_start executor=0 nth=1 for=70ms\ndriver.crash at time=20ms for=10ms",
     {.driver_lives = 2, .driver_gap_ns = 80 * MS, .journal_bytes = 30}},
    {"driver.event_lost at message_send executor=2 nth=1", {.results = 0}},
    {"driver.event_late at message_send executor=2 nth=1 for=50ms", {.results = 1, .late_ns = 50 * MS}},
    {"driver.event_twice at message_send executor=2 nth=1 for=50ms", {.results = 2, .late_ns = 50 * MS}},
    /* Of the other direction, of an executor, of the driver: */
    {"driver.event_lost at message_send executor=2 message_kind=2", {.never = true, .results = 1}},
    {"driver.order_lost at message_send executor=2 message_kind=3", {.never = true, .results = 1}},
    {"driver.pause at message_send message_kind=3 for=50ms", {.never = true, .results = 1}},
    {"executor.pause at task_start executor=0 for=50ms", {.never = true, .results = 1}},
    {"driver.order_lost at message_send executor=2", {.results = 0}},
    {"driver.order_late at message_send executor=2 for=50ms", {.results = 1, .late_ns = 50 * MS}},
    {"driver.order_twice at message_send executor=2 for=50ms", {.results = 2, .late_ns = 50 * MS}},
    OF_ROLE("task.launch", LAUNCH),
    OF_ROLE("executor.register", REGISTRATION),
    OF_ROLE("speculation.kill", CANCEL),
    OF_ROLE("sink.ack", ACKNOWLEDGEMENT),
    OF_ROLE("sink.result", REPLY),
    {"executor.registered_lost at message_send executor=2", LOST_ROLE(WELCOME)},
    {"driver.end_lost at message_send executor=2", LOST_ROLE(END)},
    {"lineage.loss_unheard at message_send executor=2", LOST_ROLE(LOSS)},
    {"lineage.copy_lost at message_send executor=2", LOST_ROLE(COPY)},
    AT_TASK("executor.silent", LOST_ROLE(HEARTBEAT)),
    {"executor.silent at time=30us executor=2 for=50ms", LOST_ROLE(HEARTBEAT)},
    {"sink.result_lost at message_send executor=2 message_kind=2", {.never = true, .results = 1}},
    {"sink.result_bit_flip at block_receive task=1 bit=77", FLIPPED},
    {"sink.result_truncated at block_receive task=1 cut=9", CUT},
    {"sink.result_missing at block_receive task=1", REFUSED(OD_MISSING)},
    {"sink.commit_refused at commit task=1", REFUSED(OD_IO)},
    {"sink.crash_before_commit at commit nth=1 for=50ms", {.driver_lives = 2, .journal_bytes = 10}},
    {"sink.crash_after_commit at committed nth=1 for=50ms", {.driver_lives = 2, .journal_bytes = 20}},
    {"sink.slow_commit at commit nth=0 for=50ms", DRIVER_STILL},
    {"sink.slow_commit at committed nth=0 for=50ms", DRIVER_STILL},
    {"lineage.checkpoint_torn at block_write task=1 cut=9", CUT},
    {"lineage.checkpoint_bit_flip at block_write task=1 bit=77", FLIPPED},
    {"lineage.checkpoint_bit_flip at block_serve task=1 bit=77", FLIPPED},
    {"lineage.checkpoint_lost at block_serve task=1", REFUSED(OD_MISSING)},
    {"lineage.checkpoint_unreadable at block_serve task=1", REFUSED(OD_IO)},
    {"source.error at scan_read task=1", FAILS_WITH(OD_IO)},
    {"source.missing at scan_read task=1", FAILS_WITH(OD_MISSING)},
    {"source.truncated at scan_read task=1", FAILS_WITH(OD_CORRUPT)},
    {"source.slow at scan_read task=1 for=50ms", STANDS_STILL},
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static bool gap_is_right(const struct od_toy_seat *seat, uint64_t least_ns)
{
    return least_ns == 0 ? seat->longest_gap_ns < 3 * MS : seat->longest_gap_ns >= least_ns;
}

/* What happened to the driver and to the cluster as a whole. */
static void check_cluster(const struct row *row, const struct od_toy *toy)
{
    const struct effect *effect = &row->effect;
    const struct od_toy_seat *seat = &toy->seats[0];
    uint32_t lives = effect->driver_lives == 0 ? 1 : effect->driver_lives;
    bool dies_at_point = lives > 1 && (strstr(row->text, "at journal") != NULL || strstr(row->text, "at commit") != NULL);
    enum od_status failed_with = dies_at_point ? OD_EXECUTOR_GONE : effect->driver_failed_with;
    uint64_t gap_ns = lives > 1 && effect->driver_gap_ns == 0 ? 50 * MS : effect->driver_gap_ns;
    if (seat->lives != lives || toy->journal_bytes != effect->journal_bytes || seat->ghost_timers != 0 ||
        seat->gone_lapses != 0 || seat->gone_answers != dies_at_point || seat->failure.status != failed_with ||
        seat->failure.injected != (failed_with != OD_OK) || !gap_is_right(seat, gap_ns) ||
        toy->seats[OD_TOY_SEATS - 1].lives != effect->added_lives ||
        toy->order_count != (effect->order.kind != 0) || toy->order.kind != effect->order.kind ||
        toy->order.query != effect->order.query || toy->order.executor != effect->order.executor)
        fail_msg("%s\ndriver lives %u, gap %u us, journal %u bytes, orders %u (kind %u query %u executor %u), added %u",
                 row->text, seat->lives, (unsigned)(seat->longest_gap_ns / 1000), (unsigned)toy->journal_bytes, toy->order_count, toy->order.kind,
                 toy->order.query, toy->order.executor, toy->seats[OD_TOY_SEATS - 1].lives);
}

static bool executor_is_right(const struct effect *effect, const struct od_toy_seat *seat, bool driver_dies)
{
    return seat->lives == (effect->lives == 0 ? 1 : effect->lives) &&
           (seat->driver.results == effect->results || driver_dies) && seat->driver.failures == effect->failures &&
           seat->failure.status == effect->failed_with &&
           seat->failure.injected == (effect->failed_with != OD_OK && !effect->is_real) &&
           seat->driver.flipped_bits == effect->flipped_bits && seat->driver.cut_bytes == effect->cut_bytes &&
           gap_is_right(seat, effect->gap_ns) && seat->driver.last_result_ns >= effect->late_ns;
}

/* Where a row names a role: that one as it says, each other one once, both ways. */
static void check_salutes(const struct row *row, uint32_t executor, const struct od_toy_seat *seat)
{
    const struct effect *effect = &row->effect;
    for (unsigned role = OD_ROLE_OTHER + 1; role < OD_ROLE_COUNT && effect->role != OD_ROLE_OTHER; role++) {
        bool is_named = executor == 2 && role == effect->role;
        const struct od_toy_salute *sent = &seat->driver.salutes[role];
        if (sent->count != (is_named ? effect->salutes : 1) || seat->salutes[role].count != 1 ||
            sent->last_ns < (is_named ? effect->salute_ns : 0) || (!is_named && sent->last_ns >= 10 * MS))
            fail_msg("%s\nexecutor %u, role %u: %u came, the last at %u us; of the driver's %u", row->text, executor, role,
                     sent->count, (unsigned)(sent->last_ns / 1000), seat->salutes[role].count);
    }
}

/* It died with executor 2, before its work or after. */
static bool died_too(const struct od_toy_seat *seat)
{
    return seat->lives == 2 && seat->longest_gap_ns >= 50 * MS && seat->driver.results >= 1 && seat->driver.results <= 2;
}

static void check_row(const struct row *row, const struct od_toy *toy)
{
    bool driver_dies = row->effect.driver_lives > 1;
    check_cluster(row, toy);
    for (uint32_t executor = 1; executor <= OD_TOY_EXECUTORS; executor++) {
        const struct effect control = {.results = 1};
        const struct effect *effect = executor == 2 ? &row->effect : &control;
        const struct od_toy_seat *seat = &toy->seats[executor];
        bool dies_too = (row->effect.others >> executor & 1) != 0;
        bool is_right = dies_too ? died_too(seat) : executor_is_right(effect, seat, driver_dies);
        bool is_clean = seat->driver.ghosts == 0 && seat->ghost_timers == 0 && seat->gone_lapses == 0 &&
                        seat->work_bytes_lost == 0;
        check_salutes(row, executor, seat);
        bool may_be_late = executor == 2 || dies_too || driver_dies || row->effect.driver_gap_ns > 0;
        if (!is_right || !is_clean || (!may_be_late && seat->driver.last_result_ns >= 10 * MS))
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

static bool is_ours(enum od_fault_kind kind)
{
    return strcmp(od_fault_kind_test(kind), "kinds_test") == 0;
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
        const struct od_sim_options options = {.seed = i,
                                               .executor_count = OD_TOY_EXECUTORS,
                                               .executors_max = OD_TOY_EXECUTORS + 1,
                                               .schedule = &schedule};
        struct od_actor_factory factory = od_toy_factory(&toy);
        assert_int_equal(od_sim_new(od_posix_memory(), &options, &factory, &sim, NULL), OD_OK);
        assert_false(od_sim_run(sim, UNTIL_NS));
        check_row(&rows[i], &toy);
        for (uint32_t k = 0; k < schedule.fault_count; k++)
            assert_int_equal(od_sim_fault_fired(sim, k), rows[i].effect.never ? 0 : 1);
        od_sim_end_actors(sim);
        struct od_sim_facts facts = od_sim_facts(sim);
        assert_int_equal(facts.status, OD_OK);
        assert_int_equal(facts.live_blocks, 0);
        assert_int_equal(facts.open_files, 0);
        od_sim_free(sim);
        const struct od_fault *fault = &schedule.faults[0];
        if (fault->at_time)
            time_proven[fault->kind] = true;
        else if (!rows[i].effect.never)
            points_proven[fault->kind] |= UINT32_C(1) << fault->point;
        od_arena_release(&arena);
    }
    for (unsigned kind = 0; kind < OD_FAULT_KIND_COUNT; kind++) {
        if (!is_ours((enum od_fault_kind)kind) && points_proven[kind] == 0 && !time_proven[kind])
            continue; /* proven elsewhere */
        for (unsigned point = 0; point < OD_POINT_COUNT; point++) {
            bool is_proven = (points_proven[kind] >> point & 1) != 0;
            if (is_proven != od_fault_kind_allows((enum od_fault_kind)kind, (enum od_point)point))
                fail_msg("no row: %s at %s", od_fault_kind_text((enum od_fault_kind)kind),
                         od_point_text((enum od_point)point));
        }
        assert_int_equal(time_proven[kind], od_fault_kind_row((enum od_fault_kind)kind)->at_time);
    }
}

/* Words name kinds and subjects, in order; what is neither is refused. */
static void sets_of_kinds_have_names(void **state)
{
    static const struct {
        const char *text;
        uint32_t least, most; /* how many kinds; 0: refused */
        enum od_fault_kind in, out;
    } names[] = {
        {"task", 12, 40, OD_FAULT_TASK_ERROR_BEFORE, OD_FAULT_EXECUTOR_CRASH},
        {"task.hang", 1, 1, OD_FAULT_TASK_HANG, OD_FAULT_TASK_STALL},
        {"task,-task.hang,network.loss", 12, 40, OD_FAULT_NETWORK_LOSS, OD_FAULT_TASK_HANG},
        {"-network", 50, OD_FAULT_KIND_COUNT, OD_FAULT_TASK_HANG, OD_FAULT_NETWORK_LOSS},
        {"-task.hang", 90, OD_FAULT_KIND_COUNT, OD_FAULT_TASK_STALL, OD_FAULT_DRIVER_CANCEL_QUERY},
        {"driver", 8, 40, OD_FAULT_DRIVER_CANCEL_QUERY, OD_FAULT_TASK_HANG},
        {"task.", 0, 0, 0, 0},
        {"tas", 0, 0, 0, 0},
        {"", 0, 0, 0, 0},
        {"task,,driver", 0, 0, 0, 0},
        {"task,-task", 0, 0, 0, 0},
        {"task.a_kind_with_a_name_that_is_far_too_long_for_any_kind_of_fault_there_is", 0, 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct od_fault_kinds kinds;
        struct od_error error = {0};
        enum od_status status = od_fault_kinds_parse(names[i].text, &kinds, &error);
        uint32_t count = 0;
        for (unsigned k = 0; k < OD_FAULT_KIND_COUNT; k++)
            count += od_fault_kinds_has(&kinds, (enum od_fault_kind)k);
        assert_int_equal(status, names[i].most == 0 ? OD_BAD_INPUT : OD_OK);
        if (status != OD_OK)
            continue;
        assert_in_range(count, names[i].least, names[i].most);
        assert_true(od_fault_kinds_has(&kinds, names[i].in));
        assert_false(od_fault_kinds_has(&kinds, names[i].out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_takes_effect_where_it_may_act),
        cmocka_unit_test(sets_of_kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
