/* schedule_draw: a schedule from a choice sequence, aimed at the stages and tasks that a query really has.
 *
 *   count -> per fault: kind -> place -> site -> how long -> how much -> how often ;  then: heal
 *
 * Few draws per fault (five to eight, mostly of one byte), each with 0 as its plainest answer, so that the
 * shrinker, which lowers and deletes choices, makes fewer, earlier, shorter faults. Aimed to hurt: half of
 * the draws stay on the first attempt, some wait for a recovery (attempt 1), some hit every attempt;
 * pauses and delays reach beyond any lease; a few executors and tasks mean that faults often meet.
 *
 * Whatever never ends by itself (`always`, `for=never`) gets a heal time: the query must then converge. */
#include "chaos/fault.h"
#include "chaos/fault_kind.h"
#include "engine/core/assert.h"

#define MS UINT64_C(1000000)

static const uint64_t crash_durations[] = {20 * MS, 5 * MS, 40 * MS, 60 * MS, 150 * MS, 300 * MS, UINT64_MAX};
static const uint64_t pause_durations[] = {20 * MS, 60 * MS, 95 * MS, 110 * MS, 150 * MS, 400 * MS};
static const uint64_t delay_durations[] = {1 * MS, 20 * MS, 60 * MS, 110 * MS, 400 * MS};
static const uint64_t copy_durations[] = {1 * MS, 20 * MS, 150 * MS};

struct duration_table {
    const uint64_t *ns;
    uint32_t count; /* 0: the kind has no duration */
};
#define TABLE(table)                                                                                         \
    {                                                                                                        \
        table, sizeof(table) / sizeof((table)[0])                                                            \
    }
static const struct duration_table duration_tables[OD_FAULT_KIND_COUNT] = {
    [OD_FAULT_EXECUTOR_CRASH] = TABLE(crash_durations),
    [OD_FAULT_EXECUTOR_PAUSE] = TABLE(pause_durations),
    [OD_FAULT_NETWORK_DELAY] = TABLE(delay_durations),
    [OD_FAULT_NETWORK_DUPLICATE] = TABLE(copy_durations),
};
#undef TABLE

#define TIME_STEPS    256
#define BIT_COUNT     65536
#define NTH_STEPS     4
#define NTH_MESSAGES  32
#define HEAL_STEP_NS  (100 * MS)
#define HEAL_STEPS    16
#define TIMES_FEW_MAX 3
#define LOSSES_MAX    5

static uint32_t draw(struct od_random *draws, uint64_t bound)
{
    return bound <= 1 ? 0 : (uint32_t)od_random_below(draws, bound);
}

/* One of the kind's points, or a time. */
static void draw_place(struct od_random *draws, const struct od_schedule_shape *shape, struct od_fault *fault)
{
    const struct od_fault_kind_row *row = od_fault_kind_row(fault->kind);
    uint32_t point_count = (uint32_t)__builtin_popcount(row->points);
    uint32_t chosen = draw(draws, point_count + row->at_time);
    fault->at_time = chosen == point_count;
    if (fault->at_time) {
        fault->time_ns = shape->span_ns / TIME_STEPS * draw(draws, TIME_STEPS);
        fault->site.executor = 1 + draw(draws, shape->executor_count);
        return;
    }
    uint32_t points = row->points;
    for (uint32_t i = 0; i < chosen; i++)
        points &= points - 1;
    fault->point = (enum od_point)__builtin_ctz(points);
}

static void draw_message_site(struct od_random *draws, const struct od_schedule_shape *shape,
                              struct od_fault *fault)
{
    fault->site.executor = 1 + draw(draws, shape->executor_count);
    fault->site.nth = draw(draws, NTH_MESSAGES);
}

/* The first attempt, mostly; the one after a recovery; or any. */
static uint32_t draw_attempt(struct od_random *draws)
{
    static const uint32_t attempts[] = {0, 0, OD_ANY, 1};
    return attempts[draw(draws, sizeof(attempts) / sizeof(attempts[0]))];
}

static void draw_task_site(struct od_random *draws, const struct od_schedule_shape *shape,
                           struct od_fault *fault)
{
    if (shape->stage_count > 0) {
        fault->site.stage = draw(draws, shape->stage_count);
        fault->site.task = draw(draws, shape->task_counts[fault->site.stage]);
    }
    fault->site.attempt = draw_attempt(draws);
    if (fault->point == OD_POINT_TASK_STEP)
        fault->site.nth = draw(draws, NTH_STEPS);
    bool is_one_block = fault->point == OD_POINT_BLOCK_SERVE;
    if (is_one_block && shape->stage_count > 0 && od_random_chance(draws, 1, 2))
        fault->site.partition = draw(draws, shape->partition_counts[fault->site.stage]);
}

static void draw_amount(struct od_random *draws, struct od_fault *fault)
{
    enum od_fault_amount amount = od_fault_kind_row(fault->kind)->amount;
    if (amount == OD_FAULT_AMOUNT_BIT)
        fault->amount = draw(draws, BIT_COUNT);
    else if (amount == OD_FAULT_AMOUNT_CUT)
        fault->amount = 1 + draw(draws, 256);
}

/* Once, mostly; a few times; rarely always. */
static uint32_t draw_times(struct od_random *draws, const struct od_fault *fault)
{
    uint32_t chosen = draw(draws, 32);
    if (chosen < 22)
        return 1;
    if (chosen == 31)
        return OD_FAULT_ALWAYS;
    uint32_t most = fault->kind == OD_FAULT_NETWORK_LOSS ? LOSSES_MAX : TIMES_FEW_MAX;
    return 2 + (chosen - 22) % (most - 1);
}

static struct od_fault draw_fault(struct od_random *draws, const struct od_schedule_shape *shape)
{
    struct od_fault fault = {.site = OD_SITE_ANY, .times = 1};
    fault.kind = (enum od_fault_kind)draw(draws, OD_FAULT_KIND_COUNT);
    draw_place(draws, shape, &fault);
    if (!fault.at_time && fault.point == OD_POINT_MESSAGE_SEND)
        draw_message_site(draws, shape, &fault);
    else if (!fault.at_time)
        draw_task_site(draws, shape, &fault);
    const struct duration_table *durations = &duration_tables[fault.kind];
    if (durations->count > 0)
        fault.duration_ns = durations->ns[draw(draws, durations->count)];
    draw_amount(draws, &fault);
    if (!fault.at_time)
        fault.times = draw_times(draws, &fault);
    return fault;
}

enum od_status od_schedule_draw(struct od_arena *arena, struct od_random *draws,
                                const struct od_schedule_shape *shape, struct od_schedule *schedule_out,
                                struct od_error *error)
{
    od_assert(shape->executor_count >= 1);
    *schedule_out = (struct od_schedule){0};
    uint32_t fault_count = draw(draws, (uint64_t)shape->fault_count_max + 1);
    struct od_fault *faults = od_arena_take_array(arena, fault_count, sizeof(*faults));
    if (faults == NULL)
        return od_fail(error, OD_NO_MEMORY, "drawing a schedule: faults=%u", fault_count);
    bool must_heal = false;
    for (uint32_t i = 0; i < fault_count; i++) {
        faults[i] = draw_fault(draws, shape);
        must_heal = must_heal || faults[i].times == OD_FAULT_ALWAYS || faults[i].duration_ns == UINT64_MAX;
    }
    *schedule_out = (struct od_schedule){.fault_count = fault_count, .faults = faults};
    if (must_heal || (fault_count > 0 && od_random_chance(draws, 1, 8)))
        schedule_out->heal_ns = HEAL_STEP_NS * (1 + draw(draws, HEAL_STEPS));
    return OD_OK;
}
