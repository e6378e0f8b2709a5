/* Goal: drawn schedules are in range, reach every kind at every place, and are plainest where the draws
 * are 0; the judgement about retry budgets is right. Method: many seeds with coverage counted; a source of
 * zeros; a table of schedules. */
#include "chaos/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "chaos/fault_kind.h"
#include "engine/core/sweep.h"
#include "engine/world/posix.h"

static const uint32_t task_counts[] = {3, 1, 6};
static const uint32_t partition_counts[] = {2, 4, 1};
#define EVERY_KIND                                                                                           \
    {                                                                                                        \
        {                                                                                                    \
            UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX                                                   \
        }                                                                                                    \
    }
static const struct od_schedule_shape shape = {.executor_count = 3,
                                               .stage_count = 3,
                                               .task_counts = task_counts,
                                               .partition_counts = partition_counts,
                                               .fault_count_max = 4,
                                               .span_ns = 5000000,
                                               .kinds = EVERY_KIND,
                                               .query = 1};

static void assert_fault_fits(const struct od_fault *fault)
{
    const struct od_site *site = &fault->site;
    assert_true(fault->times >= 1);
    enum od_fault_target target = od_fault_kind_row(fault->kind)->target;
    uint32_t least = fault->at_time && target == OD_FAULT_TARGET_ACTOR ? 0 : 1;
    assert_true(site->executor == OD_ANY || (site->executor >= least && site->executor <= shape.executor_count));
    assert_true(fault->duration_ns != UINT64_MAX || od_fault_kind_row(fault->kind)->may_last);
    if (fault->at_time) {
        bool has_executor = target == OD_FAULT_TARGET_EXECUTOR || target == OD_FAULT_TARGET_ACTOR;
        bool has_query = od_fault_kind_row(fault->kind)->target == OD_FAULT_TARGET_QUERY;
        assert_true(fault->time_ns <= shape.span_ns);
        assert_int_equal(site->executor != OD_ANY, has_executor);
        assert_int_equal(site->query, has_query ? shape.query : OD_ANY);
        return;
    }
    assert_true(od_fault_kind_allows(fault->kind, fault->point));
    bool is_journal = fault->point == OD_POINT_JOURNAL_WRITE || fault->point == OD_POINT_JOURNAL_SYNC;
    if (is_journal || fault->point >= OD_POINT_ACTOR_START) { /* the journal, and calls */
        assert_true(site->nth != OD_ANY);
        assert_int_equal(site->stage, OD_ANY);
    } else if (fault->point != OD_POINT_MESSAGE_SEND) {
        bool is_block = fault->point == OD_POINT_BLOCK_WRITE || fault->point == OD_POINT_BLOCK_SERVE ||
                        fault->point == OD_POINT_BLOCK_RECEIVE;
        assert_true(site->stage < shape.stage_count);
        assert_true(site->task < task_counts[site->stage] || (site->task == OD_ANY && is_block));
        assert_true(site->partition == OD_ANY || site->partition < partition_counts[site->stage]);
    }
}

static void draws_are_in_range_and_reach_everything(void **state)
{
    (void)state;
    uint32_t points_seen[OD_FAULT_KIND_COUNT] = {0};
    uint32_t times_seen[OD_FAULT_KIND_COUNT] = {0};
    uint32_t count_seen[5] = {0};
    bool always_seen = false;
    bool healed_for_nothing_seen = false;
    for (uint64_t seed = 0; seed < 60000; seed++) {
        struct od_arena arena;
        struct od_stream stream;
        struct od_schedule schedule;
        od_arena_init(&arena, od_posix_memory(), 0);
        od_stream_init(&stream, seed, "test");
        assert_int_equal(od_schedule_draw(&arena, &stream.random, &shape, &schedule, NULL), OD_OK);
        assert_true(schedule.fault_count <= shape.fault_count_max);
        assert_true(stream.draw_count <= 4 + 12 * (uint64_t)schedule.fault_count);
        count_seen[schedule.fault_count]++;
        bool must_heal = false;
        for (uint32_t i = 0; i < schedule.fault_count; i++) {
            const struct od_fault *fault = &schedule.faults[i];
            assert_fault_fits(fault);
            must_heal = must_heal || fault->times == OD_FAULT_ALWAYS || fault->duration_ns == UINT64_MAX;
            times_seen[fault->kind] += fault->at_time;
            if (!fault->at_time)
                points_seen[fault->kind] |= UINT32_C(1) << fault->point;
        }
        always_seen = always_seen || must_heal;
        healed_for_nothing_seen = healed_for_nothing_seen || (!must_heal && schedule.heal_ns != 0);
        assert_true(!must_heal || schedule.heal_ns != 0);
        od_arena_release(&arena);
    }
    for (unsigned kind = 0; kind < OD_FAULT_KIND_COUNT; kind++) {
        for (unsigned point = 0; point < OD_POINT_COUNT; point++)
            assert_int_equal(points_seen[kind] >> point & 1,
                             od_fault_kind_allows((enum od_fault_kind)kind, (enum od_point)point));
    }
    for (unsigned kind = 0; kind < OD_FAULT_KIND_COUNT; kind++)
        assert_int_equal(times_seen[kind] > 0, od_fault_kind_row((enum od_fault_kind)kind)->at_time);
    assert_true(always_seen);
    assert_true(healed_for_nothing_seen);
    for (unsigned i = 0; i < 5; i++)
        assert_true(count_seen[i] > 0);
}

/* A fault that cannot fire checks nothing: none names what driver and host can't do, and no first fault waits for a second
 * attempt, which only another one can bring about. */
static void nothing_is_aimed_at_what_is_not_there(void **state)
{
    (void)state;
    struct od_schedule_shape one_stage = shape;
    one_stage.stage_count = 1;
    one_stage.kinds = (struct od_fault_kinds){0};
    for (unsigned kind = 0; kind <= OD_FAULT_EXECUTOR_PAUSE; kind++)
        od_fault_kinds_add(&one_stage.kinds, (enum od_fault_kind)kind);
    uint32_t second_attempts = 0;
    for (uint64_t seed = 0; seed < 5000; seed++) {
        struct od_arena arena;
        struct od_stream stream;
        struct od_schedule schedule;
        od_arena_init(&arena, od_posix_memory(), 0);
        od_stream_init(&stream, seed, "test");
        assert_int_equal(od_schedule_draw(&arena, &stream.random, &one_stage, &schedule, NULL), OD_OK);
        for (uint32_t i = 0; i < schedule.fault_count; i++) {
            const struct od_fault *fault = &schedule.faults[i];
            assert_true(fault->kind <= OD_FAULT_EXECUTOR_PAUSE);
            assert_true(fault->at_time || fault->point == OD_POINT_MESSAGE_SEND || fault->site.stage == 0);
            assert_true(i > 0 || fault->site.attempt != 1);
            second_attempts += fault->site.attempt == 1;
        }
        od_arena_release(&arena);
    }
    assert_true(second_attempts > 0);
}

/* Answers `more` to the second question, which is whether there is a fault, and 0 to all others. */
struct plain {
    uint64_t more;
    uint32_t asked;
};
static uint64_t plain_below(void *self, uint64_t bound)
{
    struct plain *plain = self;
    return plain->asked++ == 1 ? plain->more % bound : 0;
}

static void zeros_draw_the_plainest(void **state)
{
    (void)state;
    static const struct od_random_ops plain_ops = {.below = plain_below};
    for (uint64_t fault_count = 0; fault_count <= 1; fault_count++) {
        struct plain answers = {.more = fault_count};
        struct od_random plain = {&plain_ops, &answers};
        struct od_arena arena;
        struct od_buffer buffer;
        struct od_schedule schedule;
        od_arena_init(&arena, od_posix_memory(), 0);
        od_buffer_init(&buffer, od_posix_memory());
        assert_int_equal(od_schedule_draw(&arena, &plain, &shape, &schedule, NULL), OD_OK);
        assert_true(od_schedule_print(&schedule, &buffer));
        assert_string_equal(od_buffer_text(&buffer),
                            fault_count == 0 ? ""
                                             : "task.error_before at task_start stage=0 task=0\n");
        od_buffer_release(&buffer);
        od_arena_release(&arena);
    }
}

static void refused_allocations_are_reported(void **state)
{
    (void)state;
    uint64_t first = 2;
    static const struct od_random_ops plain_ops = {.below = plain_below};
    struct od_random plain = {&plain_ops, &first};
    struct od_countdown countdown;
    struct od_arena arena;
    struct od_schedule schedule;
    od_countdown_init(&countdown, od_posix_memory(), 0, false);
    od_arena_init(&arena, &countdown.memory, 0);
    assert_int_equal(od_schedule_draw(&arena, &plain, &shape, &schedule, NULL), OD_NO_MEMORY);
    assert_int_equal(schedule.fault_count, 0);
    od_arena_release(&arena);
    assert_int_equal(countdown.live_block_count, 0);
}

static void retry_budgets_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool may_exhaust; /* with 3 attempts */
    } rows[] = {
        {"", false},
        {"task.error_before at task_start times=2", false},
        {"task.error_before at task_start times=3", true},
        {"task.error_before at task_start times=always", true},
        {"task.error_before at task_start attempt=0 times=always", false},
        {"task.error_before at task_start attempt=0\ntask.error_before at task_start attempt=1\n"
         "task.error_after at task_end attempt=1\n",
         false},
        {"task.error_before at task_start attempt=0\ntask.error_before at task_start attempt=1\n"
         "task.error_after at task_end attempt=2\n",
         true},
        {"task.error_before at task_start stage=0 times=2\ntask.error_after at task_end stage=1 times=2\n",
         false},
        {"task.error_before at task_start stage=1 times=2\ntask.error_after at task_end task=3\n", true},
        {"task.error_before at task_start task=1 times=2\ntask.error_after at task_end task=3\n", false},
        {"executor.crash at task_end times=50", false},
        {"executor.crash at task_end times=always", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_arena arena;
        struct od_schedule schedule;
        od_arena_init(&arena, od_posix_memory(), 0);
        assert_int_equal(
            od_schedule_parse(&arena, "row", rows[i].text, strlen(rows[i].text), &schedule, NULL), OD_OK);
        if (od_schedule_may_exhaust(&schedule, NULL, 3) != rows[i].may_exhaust)
            fail_msg("judged wrongly:\n%s", rows[i].text);
        od_arena_release(&arena);
    }
}

/* A fault that waited for something that never came is no excuse. */
static void what_never_fired_excuses_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t fired[2];
        bool may_exhaust; /* with 3 attempts */
        bool may_fail;
    } rows[] = {
        {"task.error_before at task_start times=always", {2}, false, false},
        {"task.error_before at task_start times=always", {3}, true, false},
        {"task.error_before at task_start times=2\ntask.error_after at task_end", {2, 0}, false, false},
        {"task.error_before at task_start times=2\ntask.error_after at task_end", {2, 1}, true, false},
        {"task.error_before at task_start times=2\ntask.error_after at task_end attempt=2", {2, 0}, false, false},
        {"executor.crash at task_end times=always", {2}, false, false},
        {"executor.crash at task_end times=always", {3}, true, false},
        {"storage.dead at task_start\nexecutor.crash at task_end", {0, 1}, false, false},
        {"storage.dead at task_start\nexecutor.crash at task_end", {1, 0}, false, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_arena arena;
        struct od_schedule schedule;
        od_arena_init(&arena, od_posix_memory(), 0);
        assert_int_equal(od_schedule_parse(&arena, "row", rows[i].text, strlen(rows[i].text), &schedule, NULL), OD_OK);
        if (od_schedule_may_exhaust(&schedule, rows[i].fired, 3) != rows[i].may_exhaust ||
            od_schedule_may_fail(&schedule, rows[i].fired) != rows[i].may_fail)
            fail_msg("row %zu is judged wrongly:\n%s", i, rows[i].text);
        od_arena_release(&arena);
    }
}

static void files_may_be_left(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool may_leave;
    } rows[] = {
        {"executor.crash at task_end", false},
        {"storage.sync_error at disk_sync", false},
        {"storage.remove_error at disk_remove", true},
        {"storage.sync_error at disk_sync\nexecutor.crash at task_end", false},
        {"storage.sync_error at disk_sync\ndriver.crash at time=3ms", true}, /* without a journal: nobody knows of them */
        {"storage.latency at disk_sync for=5ms\ndriver.crash at time=3ms", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_arena arena;
        struct od_schedule schedule;
        od_arena_init(&arena, od_posix_memory(), 0);
        assert_int_equal(od_schedule_parse(&arena, "row", rows[i].text, strlen(rows[i].text), &schedule, NULL), OD_OK);
        if (od_schedule_may_leave_files(&schedule) != rows[i].may_leave)
            fail_msg("judged wrongly:\n%s", rows[i].text);
        od_arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_are_in_range_and_reach_everything),
        cmocka_unit_test(nothing_is_aimed_at_what_is_not_there),
        cmocka_unit_test(zeros_draw_the_plainest),
        cmocka_unit_test(refused_allocations_are_reported),
        cmocka_unit_test(retry_budgets_are_judged),
        cmocka_unit_test(what_never_fired_excuses_nothing),
        cmocka_unit_test(files_may_be_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
