/* Goal: a driver whose machine ends at any moment, whatever the crash leaves of its disk, is followed by a life that gives the right
 * answer; every property of a run holds over both lives, and nothing is left.
 *
 * Method: a small query runs in the simulation. Its driver dies at each write and sync of its journal and at each message that it
 * sends, which are all the moments that anybody could tell apart. What it had done to its disk by then was recorded; the query runs
 * again for each state that chaos/crash_states.h makes of that, and the next life finds this state.
 * Likewise with outputs that are kept on the driver's disk, and while executors die, so that the journal tells of losses.
 *
 * Under ctest some moments and states; `crash_query_test --full [I/N]` (every N-th moment from the I-th) all: ci/crash_states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chaos/crash_states.h"
#include "harness/judge.h"
#include "harness/small_query.h"

#define LEASE_NS UINT64_C(100000000)

static bool is_full;
static uint32_t part = 0, parts = 1; /* of the moments */

enum kept { KEEPS_NOTHING, KEEPS_OUTPUTS, ROLLS_BACK }; /* the last: rows come in any order, so that stages are indeterminate */
struct setting {
    const char *name;
    enum kept kept;
    uint64_t dead_ns; /* until the next life */
    const char *other_faults;
};
static const struct setting settings[] = {
    {"plain", KEEPS_NOTHING, 20000000, ""},
    {"away for longer than a lease", KEEPS_NOTHING, 300000000, ""},
    {"checkpoints", KEEPS_OUTPUTS, 20000000, ""},
    {"an executor dies", KEEPS_NOTHING, 20000000, "executor.crash at task_reported executor=1 stage=1 for=40ms\n"},
    {"checkpoints, an executor dies", KEEPS_OUTPUTS, 20000000, "executor.crash at task_end executor=2 nth=3 for=never\n"},
    {"a stage is rolled back", ROLLS_BACK, 20000000, "executor.crash at task_start executor=1 stage=3 for=40ms\n"},
    {"dies again", KEEPS_NOTHING, 20000000, "driver.crash at journal_write nth=11 keep=70 lost=1 for=10ms\n"},
    {"checkpoints, dies again", KEEPS_OUTPUTS, 20000000, "driver.crash at journal_sync nth=8 keep=300 for=10ms\n"},
    {"an output is lost", KEEPS_NOTHING, 20000000, "shuffle.block_missing at block_serve nth=2 times=3\n"},
};

struct trial {
    struct od_small_query query;
    const struct setting *setting;
    struct od_table *expected;
    enum od_point point; /* the moment */
    uint32_t nth;
    const struct od_crash_state *state; /* what the next life finds; NULL: what the simulation leaves */
    /* of the run at hand */
    struct od_wrap_record log;
    struct od_net net_below;
    struct od_trace trace_below;
    uint32_t notes_told;   /* when it last told anybody anything, by message or event, ... */
    uint32_t notes_before; /* ... and the time before */
    bool has_fired;
    /* over all */
    struct od_crash_facts facts;
    uint64_t visits;
    uint64_t runs;
    uint64_t moments;
    uint64_t rollbacks;
    uint64_t wrong_count;
};

/* --- a run ------------------------------------------------------------------------------------------------------------ */

static void note_told(struct trial *trial)
{
    trial->notes_before = trial->notes_told;
    trial->notes_told = trial->log.note_count;
}

static void note_send(void *self, struct od_message *message)
{
    struct trial *trial = self;
    note_told(trial);
    trial->net_below.send(trial->net_below.self, message);
}

static void note_event(void *self, const struct od_event *event)
{
    struct trial *trial = self;
    note_told(trial);
    trial->trace_below.ops->event(trial->trace_below.self, event);
}

static const struct od_trace_ops trace_ops = {.event = note_event};

/* The disk becomes what the crash left, whatever the simulation thinks. */
static void install_state(const struct trial *trial, const struct od_disk *disk)
{
    if (trial->state == NULL)
        return;
    for (uint32_t i = 0; i < trial->log.note_count; i++)
        if (trial->log.notes[i].change == OD_DISK_MADE)
            (void)disk->ops->remove(disk->self, trial->log.notes[i].name, NULL); /* it may be gone */
    od_assert(od_crash_state_put(trial->state, disk, NULL) == OD_OK);
}

static void dress(void *self, struct od_world *world)
{
    struct trial *trial = self;
    if (world->actor_id != 0)
        return;
    if (world->incarnation == 1) {
        od_wrap_record_init(&trial->log, od_posix_memory(), &world->disk);
        world->disk = od_wrap_record_part(&trial->log);
        trial->net_below = world->net;
        world->net = (struct od_net){note_send, trial, world->net.message_memory};
        trial->trace_below = world->trace;
        world->trace = (struct od_trace){&trace_ops, trial};
        return;
    }
    world->disk = trial->log.below;
    world->net = trial->net_below;
    world->trace = trial->trace_below;
    if (world->incarnation == 2)
        install_state(trial, &world->disk);
}

static void note_wrong(struct trial *trial, const char *what, const char *more)
{
    struct od_buffer text;
    if (trial->wrong_count++ != 0)
        return;
    od_buffer_init(&text, od_posix_memory());
    if (trial->state != NULL)
        od_crash_state_print(trial->state, &text);
    print_error("%s: the driver dies at %s %u: %s: %s %s\n", trial->setting->name, od_point_text(trial->point), trial->nth,
                od_buffer_text(&text), what, more);
    od_buffer_release(&text);
}

/* Where nobody but the driver dies, and that not for long, nothing is lost: neither outputs of executors nor those on the
 * driver's disk. */
static bool has_lost_outputs(const struct trial *trial, const struct od_cluster_result *result)
{
    bool may_lose = trial->setting->other_faults[0] != '\0' || trial->setting->dead_ns > LEASE_NS / 2;
    bool has_lost = false;
    for (uint32_t i = 0; i < result->event_count; i++)
        has_lost = has_lost || result->events[i].kind == OD_EVENT_OUTPUT_LOST ||
                   result->events[i].kind == OD_EVENT_BLOCK_BAD;
    return has_lost && !may_lose;
}

static void judge(struct trial *trial, const struct od_cluster_request *request, const struct od_cluster_result *result)
{
    struct od_finding finding = {0};
    assert_int_equal(od_judge_run(trial->query.prepared.plan, request, result, trial->expected, &finding, NULL), OD_OK);
    if (!result->ended)
        note_wrong(trial, "the query did not end", "");
    else if (result->outcome.status != OD_OK)
        note_wrong(trial, od_status_text(result->outcome.status), result->outcome.error.text);
    else if (finding.found)
        note_wrong(trial, finding.code, finding.text);
    else if (has_lost_outputs(trial, result))
        note_wrong(trial, "an output was lost", "");
    else if (result->leaked != 0)
        note_wrong(trial, "something was left", "");
}

/* `dies`: at the moment at hand. The log is left for the caller to release. */
static void run(struct trial *trial, bool dies)
{
    struct od_arena arena;
    struct od_schedule others;
    struct od_fault faults[4];
    const char *text = trial->setting->other_faults;
    struct od_error error = {0};
    od_arena_init(&arena, od_posix_memory(), 0);
    assert_int_equal(od_schedule_parse(&arena, "faults", text, strlen(text), &others, &error), OD_OK);
    assert_in_range(others.fault_count, 0, 3);
    struct od_schedule schedule = {.fault_count = others.fault_count, .faults = faults};
    for (uint32_t i = 0; i < others.fault_count; i++)
        faults[i] = others.faults[i];
    if (dies) {
        faults[schedule.fault_count] = (struct od_fault){.kind = OD_FAULT_DRIVER_CRASH,
                                                         .point = trial->point,
                                                         .site = OD_SITE_ANY,
                                                         .duration_ns = trial->setting->dead_ns,
                                                         .times = 1};
        faults[schedule.fault_count++].site.nth = trial->nth;
    }
    const struct od_cluster_request request = {
        .graph = trial->query.prepared.graph,
        .options = {.cluster = {.executor_count = 2, .slots_per_executor = 2, .lease_ns = LEASE_NS, .journal = true}, .batch_rows = 8},
        .schedule = &schedule,
        .seed = 5,
        .keep_events = true,
        .dress = dress,
        .dress_self = trial,
    };
    struct od_cluster_result result = {0};
    trial->notes_told = trial->notes_before = 0;
    enum od_status status = od_cluster_run(od_posix_memory(), &request, &result, &error);
    trial->runs++;
    trial->has_fired = dies && result.fired != NULL && result.fired[others.fault_count] > 0;
    for (uint32_t i = 0; i < result.event_count; i++)
        trial->rollbacks += result.events[i].kind == OD_EVENT_STAGE_ROLLED_BACK;
    if (status != OD_OK)
        note_wrong(trial, "the simulation ended:", error.text);
    else
        judge(trial, &request, &result);
    if (trial->expected == NULL) {
        trial->expected = result.outcome.answer;
        result.outcome.answer = NULL;
    }
    od_cluster_result_release(&result);
    od_arena_release(&arena);
}

/* --- all of them ------------------------------------------------------------------------------------------------------ */

static enum od_status run_with_state(void *self, const struct od_crash_state *state, struct od_error *error)
{
    struct trial *trial = self;
    (void)error;
    if (!is_full && trial->visits++ % 23 != 0)
        return OD_OK;
    trial->state = state;
    run(trial, true);
    od_wrap_record_release(&trial->log);
    trial->state = NULL;
    return OD_OK;
}

/* False: the query has no such moment. */
static bool crash_at(struct trial *trial)
{
    run(trial, true);
    struct od_wrap_record log = trial->log; /* of the life that died: equal in every run that follows */
    uint32_t since = trial->point == OD_POINT_MESSAGE_SEND ? trial->notes_before : trial->notes_told;
    bool has_fired = trial->has_fired;
    const struct od_crash_options options = {.first = since, .last = log.note_count};
    if (has_fired && log.note_count > 0) {
        trial->moments++;
        assert_int_equal(od_crash_states(od_posix_memory(), &log, &options,
                                         (struct od_crash_visitor){run_with_state, trial}, &trial->facts, NULL),
                         OD_OK);
    }
    od_wrap_record_release(&log);
    return has_fired;
}

static void keep_outputs(struct od_small_query *query)
{
    const struct od_stage_graph *graph = query->prepared.graph;
    for (uint32_t i = 0; i + 1 < graph->stage_count; i++) /* the plan is this test's alone */
        ((struct od_stage *)(uintptr_t)&graph->stages[i])->keep = OD_KEEP_CHECKPOINT;
}

static void make_query(struct trial *trial)
{
    struct od_small_query *query = &trial->query;
    const struct od_plan_options options = {.join_strategy = OD_JOIN_FORCE_PARTITIONED, .arrival_order = true};
    od_small_query_make(query, OD_SMALL_QUERY);
    const struct od_catalog catalog = {2, (const struct od_table *const *)query->tables};
    if (trial->setting->kept == KEEPS_OUTPUTS)
        keep_outputs(query);
    if (trial->setting->kept == ROLLS_BACK)
        assert_int_equal(od_prepare_sql(&query->plan_arena, OD_SMALL_QUERY, &catalog, &options, &query->prepared, NULL),
                         OD_OK);
}

static void a_next_life_is_right(const struct setting *setting)
{
    static const enum od_point points[] = {OD_POINT_JOURNAL_WRITE, OD_POINT_JOURNAL_SYNC, OD_POINT_MESSAGE_SEND};
    static struct trial trial;
    trial = (struct trial){.setting = setting};
    make_query(&trial);
    run(&trial, false);
    od_wrap_record_release(&trial.log);
    for (size_t p = 0; p < sizeof(points) / sizeof(points[0]); p++) {
        uint32_t step = is_full ? parts : points[p] == OD_POINT_MESSAGE_SEND ? 13 : 3;
        trial.point = points[p];
        for (trial.nth = is_full ? part : 0; crash_at(&trial); trial.nth += step)
            continue;
    }
    print_message("%s: %llu moments, %llu states, %llu runs, %llu rollbacks, %llu wrong\n", setting->name,
                  (unsigned long long)trial.moments, (unsigned long long)trial.facts.states,
                  (unsigned long long)trial.runs, (unsigned long long)trial.rollbacks,
                  (unsigned long long)trial.wrong_count);
    assert_int_equal(trial.rollbacks > 0, setting->kept == ROLLS_BACK);
    assert_in_range(trial.moments, is_full && parts > 1 ? 1 : 5, UINT64_MAX);
    assert_int_equal(trial.wrong_count, 0);
    od_table_free(od_posix_memory(), trial.expected);
    od_small_query_release(&trial.query);
}

static void next_lives_are_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        a_next_life_is_right(&settings[i]);
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(next_lives_are_right)};
    is_full = argument_count >= 2 && strcmp(arguments[1], "--full") == 0;
    if (argument_count == 3 && (sscanf(arguments[2], "%u/%u", &part, &parts) != 2 || part == 0 || part-- > parts))
        return 2;
    return cmocka_run_group_tests_name("crash_query", tests, NULL, NULL);
}
