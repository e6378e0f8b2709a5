/* schedule_draw: a schedule from a choice sequence, aimed at the stages and tasks that a query really has.
 *
 *   swarm, then per fault: one more? -> kind -> place -> site -> how long -> how much -> how often ;  then: heal
 *
 * Few draws per fault (five to ten, mostly of one byte), each with 0 as its plainest answer, so that the
 * shrinker, which lowers and deletes choices, makes fewer, earlier, shorter faults.
 *
 * Aimed to hurt, because a fault that never fires checks nothing:
 * - only the last stage sends results and only the others write blocks, so bytes are damaged where there are
 *   some; most such faults take the first block that comes, as many tasks of a small query have no rows;
 * - the first fault never waits for a second attempt, which only another fault can bring about; later faults
 *   may, and so hit the recovery;
 * - moments, steps and messages are early ones, mostly;
 * - kinds that the shape does not name are not drawn; each schedule draws from a random part of them (swarm), so that a few kinds
 *   that belong together meet more often than by chance;
 * - pauses and delays reach beyond any lease; few executors and tasks mean that faults often meet.
 *
 * Whatever never ends by itself (`always`, `for=never`) gets a heal time: the query must then converge. */
#include <string.h>

#include "chaos/fault.h"
#include "chaos/fault_kind.h"
#include "engine/core/assert.h"
#include "engine/core/hash.h"

#define MS UINT64_C(1000000)

static const uint64_t crash_durations[] = {20 * MS, 5 * MS, 40 * MS, 60 * MS, 150 * MS, 300 * MS, UINT64_MAX};
static const uint64_t pause_durations[] = {20 * MS, 60 * MS, 95 * MS, 110 * MS, 150 * MS, 400 * MS};
static const uint64_t delay_durations[] = {1 * MS, 20 * MS, 60 * MS, 110 * MS, 400 * MS};
static const uint64_t state_durations[] = {20 * MS, 60 * MS, 150 * MS, 400 * MS, UINT64_MAX};
static const uint64_t copy_durations[] = {1 * MS, 20 * MS, 150 * MS};

struct duration_table {
    const uint64_t *ns;
    uint32_t count;
};
#define TABLE(table) (struct duration_table){table, sizeof(table) / sizeof((table)[0])}

/* By what lasts: a death, a standstill, a delay, a state. */
static struct duration_table durations_of(const struct od_fault_kind_row *row)
{
    switch (row->effect) {
    case OD_EFFECT_KILL:
        return TABLE(crash_durations);
    case OD_EFFECT_PAUSE:
    case OD_EFFECT_STALL:
    case OD_EFFECT_HANG:
        return TABLE(pause_durations);
    case OD_EFFECT_DELAY:
    case OD_EFFECT_NEXT_DELAY:
    case OD_EFFECT_TIMER_LATE:
        return TABLE(delay_durations);
    case OD_EFFECT_DUPLICATE:
    case OD_EFFECT_NEXT_DUPLICATE:
        return TABLE(copy_durations);
    default:
        return TABLE(state_durations);
    }
}

#define TIME_STEPS    256
#define BIT_COUNT     65536
#define NTH_EARLY     6
#define NTH_RARE      3
#define NTH_MESSAGES  32
#define HEAL_STEP_NS  (100 * MS)
#define HEAL_SOON_NS  (3 * MS)
#define HEAL_STEPS    16
#define TIMES_FEW_MAX 3
#define LATENESS_MS_MAX 10000 /* timers that are set come so late even when all has healed: before any bound on a run */
#define SWARMS        256
#define NTH_CALLS     400
#define CALLS                                                                                                \
    (POINT(DISK_CREATE) | POINT(DISK_OPEN) | POINT(DISK_WRITE) | POINT(DISK_READ) | POINT(DISK_SYNC) |       \
     POINT(DISK_REMOVE) | POINT(MEMORY_TAKE) | POINT(TIMER_SET))
#define LOSSES_MAX    5
#define KEEP_ALL      1000000
#define KEEP_SOME     512
#define POINT(name)   (UINT32_C(1) << OD_POINT_##name)
#define JOURNALS      (POINT(JOURNAL_WRITE) | POINT(JOURNAL_SYNC))
#define BLOCK_POINTS      (POINT(BLOCK_WRITE) | POINT(BLOCK_SERVE) | POINT(BLOCK_RECEIVE))

static uint32_t draw(struct od_random *draws, uint64_t bound)
{
    return (uint32_t)od_random_below(draws, bound == 0 ? 1 : bound);
}

#define DRAW_OF(table) (table)[draw(draws, sizeof(table) / sizeof((table)[0]))]

/* Which kinds a schedule may have: a random part of the subjects, and of their kinds (swarm). `swarm` 0: all of them. */
static bool is_in_swarm(uint32_t swarm, enum od_fault_kind kind)
{
    const char *text = od_fault_kind_text(kind);
    uint64_t subject = od_hash_bytes(text, strcspn(text, "."), swarm);
    return swarm == 0 || (subject % 2 == 0 && od_mix_two(swarm, (uint64_t)kind) % 4 != 0);
}

/* One of the shape's kinds that are in the swarm, if any is; all are about as likely. A drawn one that is not in it stands for another one,
 * and is recorded as that: a plainer swarm, which has it, too, then leaves the faults as they are. */
static enum od_fault_kind draw_kind(struct od_random *draws, const struct od_schedule_shape *shape, uint32_t swarm)
{
    enum od_fault_kind kinds[OD_FAULT_KIND_COUNT];
    uint32_t ranks[OD_FAULT_KIND_COUNT]; /* of those in the swarm */
    uint32_t count = 0, swarm_count = 0;
    for (unsigned i = 0; i < OD_FAULT_KIND_COUNT; i++) {
        if (!od_fault_kinds_has(&shape->kinds, (enum od_fault_kind)i))
            continue;
        if (is_in_swarm(swarm, (enum od_fault_kind)i))
            ranks[swarm_count++] = count;
        kinds[count++] = (enum od_fault_kind)i;
    }
    od_assert(count > 0);
    uint32_t drawn = draw(draws, count);
    if (swarm_count > 0 && !is_in_swarm(swarm, kinds[drawn]))
        drawn = ranks[drawn % swarm_count];
    od_random_settle(draws, drawn);
    return kinds[drawn];
}

/* One of the kind's points, or a time: half of the times lie in the first quarter of the span. */
static void draw_place(struct od_random *draws, const struct od_schedule_shape *shape, struct od_fault *fault)
{
    uint32_t points = od_fault_kind_row(fault->kind)->points;
    uint32_t point_count = (uint32_t)__builtin_popcount(points);
    uint32_t chosen = draw(draws, point_count + od_fault_kind_row(fault->kind)->at_time);
    fault->at_time = chosen == point_count;
    if (fault->at_time) {
        uint64_t step = draw(draws, TIME_STEPS);
        fault->time_ns = shape->span_ns / ((uint64_t)TIME_STEPS * TIME_STEPS) * step * step;
        enum od_fault_target target = od_fault_kind_row(fault->kind)->target;
        if (target == OD_FAULT_TARGET_EXECUTOR)
            fault->site.executor = 1 + draw(draws, shape->executor_count);
        else if (target == OD_FAULT_TARGET_ACTOR)
            fault->site.executor = draw(draws, (uint64_t)shape->executor_count + 1);
        else if (target == OD_FAULT_TARGET_QUERY)
            fault->site.query = shape->query;
        return;
    }
    for (uint32_t i = 0; i < chosen; i++)
        points &= points - 1;
    fault->point = (enum od_point)__builtin_ctz(points);
}

/* The n-th message of one executor, or of all. Between executors there are few: the first ones of all. */
static void draw_message_site(struct od_random *draws, const struct od_schedule_shape *shape,
                              struct od_fault *fault)
{
    uint32_t links = od_fault_kind_row(fault->kind)->links;
    bool is_rare = links != 0 && (links & ~(uint32_t)OD_LINK_PEERS) == 0;
    uint32_t executor = draw(draws, (uint64_t)shape->executor_count + 1); /* equal draws mean the same, however many there are */
    fault->site.executor = executor == 0 || is_rare ? OD_ANY : executor;
    fault->site.nth = draw(draws, draw(draws, 4) == 3 ? NTH_MESSAGES : is_rare ? NTH_RARE : NTH_EARLY);
}

/* Any; the first attempt, mostly; the one after a recovery. */
static uint32_t draw_attempt(struct od_random *draws, bool is_first_fault)
{
    static const uint32_t attempts[] = {OD_ANY, 0, 0, 1};
    return attempts[draw(draws, is_first_fault ? 3 : 4)];
}

static void draw_task_site(struct od_random *draws, const struct od_schedule_shape *shape,
                           bool is_first_fault, struct od_fault *fault)
{
    static const uint32_t steps[] = {0, 0, 1, 0, 1, 2, 3, 6};
    bool has_bytes = (BLOCK_POINTS >> fault->point & 1) != 0;
    if (shape->stage_count > 0) {
        fault->site.stage = draw(draws, shape->stage_count);
        if (!has_bytes || draw(draws, 4) == 0)
            fault->site.task = draw(draws, shape->task_counts[fault->site.stage]);
    }
    fault->site.attempt = draw_attempt(draws, is_first_fault);
    if (fault->point == OD_POINT_TASK_STEP)
        fault->site.nth = steps[draw(draws, sizeof(steps) / sizeof(steps[0]))];
    bool is_one_block = fault->point == OD_POINT_BLOCK_SERVE || fault->point == OD_POINT_BLOCK_RECEIVE;
    if (is_one_block && shape->stage_count > 0 && od_random_chance(draws, 1, 4))
        fault->site.partition = draw(draws, shape->partition_counts[fault->site.stage]);
}

/* The n-th call of one executor, or as often of all: early ones, mostly, as small queries make few. Files are synced by drivers, mostly. */
static void draw_call_site(struct od_random *draws, const struct od_schedule_shape *shape, struct od_fault *fault)
{
    static const uint32_t bounds[] = {NTH_EARLY, NTH_MESSAGES, NTH_RARE, NTH_CALLS};
    uint32_t drawn = draw(draws, 2 * (uint64_t)shape->executor_count);
    bool is_any = drawn % 2 == 0 || fault->point == OD_POINT_DISK_SYNC;
    fault->site.executor = is_any ? OD_ANY : 1 + drawn / 2;
    fault->site.nth = draw(draws, DRAW_OF(bounds));
}

/* Nothing, as when a machine dies; as often all, which is much more than anybody writes, as when only a
 * process does; or a part, with a hole in it now and then. */
static void draw_keep(struct od_random *draws, struct od_fault *fault)
{
    uint32_t chosen = draw(draws, 8);
    if (chosen >= 3)
        fault->amount = chosen < 6 ? KEEP_ALL : draw(draws, KEEP_SOME);
    if (chosen == 5)
        fault->lost_write = 1 + draw(draws, 4);
}

static void draw_amount(struct od_random *draws, struct od_fault *fault)
{
    static const uint32_t factors[] = {10, 100, 1000, 10000};
    static const uint32_t rates[] = {64, 1, 8, 1024};
    static const uint32_t offsets[] = {512, 1, 8, 4096};
    static const uint32_t milliseconds[] = {200, 1, 20, 90, 1000, 100100};
    static const uint32_t limits[] = {64, 1, 16, 256};
    enum od_fault_amount amount = od_fault_kind_row(fault->kind)->amount;
    bool is_lateness = od_fault_kind_row(fault->kind)->effect == OD_EFFECT_TIMERS_LATE;
    fault->amount = od_fault_amount_row(amount)->plain;
    if (amount == OD_FAULT_AMOUNT_BIT)
        fault->amount = draw(draws, BIT_COUNT);
    else if (amount == OD_FAULT_AMOUNT_SEED)
        fault->amount = draw(draws, BIT_COUNT);
    else if (amount == OD_FAULT_AMOUNT_CUT)
        fault->amount = 1 + draw(draws, 256);
    else if (amount == OD_FAULT_AMOUNT_FACTOR)
        fault->amount = DRAW_OF(factors);
    else if (amount == OD_FAULT_AMOUNT_KEEP)
        draw_keep(draws, fault);
    else if (amount == OD_FAULT_AMOUNT_RATE)
        fault->amount = DRAW_OF(rates);
    else if (amount == OD_FAULT_AMOUNT_BY)
        fault->amount = DRAW_OF(offsets);
    else if (amount == OD_FAULT_AMOUNT_MS)
        fault->amount = DRAW_OF(milliseconds) % (is_lateness ? LATENESS_MS_MAX : UINT32_MAX);
    else if (amount == OD_FAULT_AMOUNT_LIMIT)
        fault->amount = DRAW_OF(limits);
}

/* Once, mostly; a few times; rarely always. */
static uint32_t draw_times(struct od_random *draws, const struct od_fault *fault)
{
    uint32_t chosen = draw(draws, 32);
    if (chosen < 22)
        return 1;
    if (chosen == 31)
        return OD_FAULT_ALWAYS;
    uint32_t most = od_fault_kind_row(fault->kind)->effect == OD_EFFECT_LOSE ? LOSSES_MAX : TIMES_FEW_MAX;
    return 2 + (chosen - 22) % (most - 1);
}

static struct od_fault draw_fault(struct od_random *draws, const struct od_schedule_shape *shape,
                                  uint32_t swarm, bool is_first_fault)
{
    struct od_fault fault = {.site = OD_SITE_ANY, .times = 1};
    fault.kind = draw_kind(draws, shape, swarm);
    const struct od_fault_kind_row *row = od_fault_kind_row(fault.kind);
    draw_place(draws, shape, &fault);
    if (!fault.at_time && fault.point == OD_POINT_MESSAGE_SEND)
        draw_message_site(draws, shape, &fault);
    else if (!fault.at_time && fault.point == OD_POINT_ACTOR_START)
        fault.site.nth = draw(draws, NTH_EARLY);
    else if (!fault.at_time && (CALLS >> fault.point & 1) != 0)
        draw_call_site(draws, shape, &fault);
    else if (!fault.at_time && (JOURNALS >> fault.point & 1) != 0)
        fault.site.nth = draw(draws, draw(draws, 4) == 3 ? NTH_MESSAGES : NTH_EARLY);
    else if (!fault.at_time)
        draw_task_site(draws, shape, is_first_fault, &fault);
    if (row->has_duration) {
        struct duration_table durations = durations_of(row);
        fault.duration_ns = durations.ns[draw(draws, durations.count)];
        if (fault.duration_ns == UINT64_MAX && !row->may_last)
            fault.duration_ns = durations.ns[0];
    }
    draw_amount(draws, &fault);
    if (!fault.at_time)
        fault.times = draw_times(draws, &fault);
    return fault;
}

/* One fault to `most`, all counts as likely; none in one case of three times as many. "No more" is drawn
 * behind the last one that fits, too, so that deleting any fault moves no other draw. */
static bool draw_more(struct od_random *draws, uint32_t fault_count, uint32_t most)
{
    uint32_t part = fault_count == 0 ? 3 * most : most - fault_count;
    return od_random_chance(draws, part, part + 1);
}

/* Some queries heal in the middle of their first recovery, the others long after it. */
static uint64_t draw_heal(struct od_random *draws)
{
    uint64_t step_ns = draw(draws, 2) == 0 ? HEAL_STEP_NS : HEAL_SOON_NS;
    return step_ns * (1 + draw(draws, HEAL_STEPS));
}

enum od_status od_schedule_draw(struct od_arena *arena, struct od_random *draws,
                                const struct od_schedule_shape *shape, struct od_schedule *schedule_out,
                                struct od_error *error)
{
    od_assert(shape->executor_count >= 1);
    *schedule_out = (struct od_schedule){0};
    struct od_fault *faults = od_arena_take_array(arena, shape->fault_count_max, sizeof(*faults));
    if (faults == NULL)
        return od_fail(error, OD_NO_MEMORY, "drawing a schedule: faults=%u", shape->fault_count_max);
    uint32_t fault_count = 0;
    bool must_heal = false;
    uint32_t swarm = draw(draws, SWARMS);
    for (bool more = true; more;) {
        od_random_begin(draws, "fault");
        more = draw_more(draws, fault_count, shape->fault_count_max);
        if (more) {
            struct od_fault *fault = &faults[fault_count];
            *fault = draw_fault(draws, shape, swarm, fault_count == 0);
            must_heal = must_heal || fault->times == OD_FAULT_ALWAYS || fault->duration_ns == UINT64_MAX;
            fault_count++;
        }
        od_random_end(draws);
    }
    *schedule_out = (struct od_schedule){.fault_count = fault_count, .faults = faults};
    if (must_heal || (fault_count > 0 && od_random_chance(draws, 1, 8)))
        schedule_out->heal_ns = draw_heal(draws);
    return OD_OK;
}
