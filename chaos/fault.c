/* fault: the table of kinds, and the one judgement that needs only the schedule: can it use up a task's
 * retries?
 *
 *   kind -> { name, sentence, points it may act at, parameters it takes }
 *
 * A kind is allowed only at points where the engine can feel it the way its sentence says. Everything else
 * in chaos/ asks this table instead of switching over kinds. */
#include "chaos/fault.h"

#include "chaos/fault_kind.h"
#include "engine/core/assert.h"

#define POINT(name)         (UINT32_C(1) << OD_POINT_##name)
#define TASK_POINTS         (POINT(TASK_START) | POINT(TASK_STEP) | POINT(TASK_END) | POINT(TASK_REPORTED))
#define BLOCK_POINTS        (POINT(BLOCK_WRITE) | POINT(BLOCK_SERVE) | POINT(BLOCK_RECEIVE))
#define CRASH_POINTS        (TASK_POINTS | BLOCK_POINTS)
#define DURATION_DEFAULT_NS (UINT64_C(20) * 1000 * 1000)

_Static_assert(OD_POINT_COUNT <= 32, "a set of points fits in 32 bits");

/* The initialiser of each row: where the kind acts and which parameters it takes. */
#define SHAPE_TASK_ERROR_BEFORE       .points = POINT(TASK_START)
#define SHAPE_TASK_ERROR_MIDDLE       .points = POINT(TASK_STEP)
#define SHAPE_TASK_ERROR_AFTER        .points = POINT(TASK_END)
#define SHAPE_LIFE                                                                                           \
    .points = CRASH_POINTS, .at_time = true, .has_duration = true, .may_last = true,                         \
    .victim = OD_FAULT_OF_EXECUTOR, .target = OD_FAULT_TARGET_EXECUTOR
#define SHAPE_EXECUTOR_CRASH          SHAPE_LIFE
#define SHAPE_EXECUTOR_PAUSE          SHAPE_LIFE
#define SHAPE_SHUFFLE_BLOCK_MISSING   .points = POINT(BLOCK_SERVE)
#define SHAPE_SHUFFLE_BLOCK_BIT_FLIP  .points = BLOCK_POINTS, .amount = OD_FAULT_AMOUNT_BIT
#define SHAPE_SHUFFLE_BLOCK_TRUNCATED .points = BLOCK_POINTS, .amount = OD_FAULT_AMOUNT_CUT
#define SHAPE_NETWORK_DELAY           .points = POINT(MESSAGE_SEND), .has_duration = true
#define SHAPE_NETWORK_LOSS            .points = POINT(MESSAGE_SEND)
#define SHAPE_NETWORK_DUPLICATE       .points = POINT(MESSAGE_SEND), .has_duration = true
#define SHAPE_DRIVER_CRASH                                                                                   \
    .points = POINT(MESSAGE_SEND) | POINT(JOURNAL_WRITE) | POINT(JOURNAL_SYNC), .at_time = true,             \
    .has_duration = true, .may_last = true, .amount = OD_FAULT_AMOUNT_KEEP, .victim = OD_FAULT_OF_DRIVER
#define SHAPE_EXECUTOR_DECOMMISSION                                                                          \
    .points = TASK_POINTS | POINT(BLOCK_SERVE), .at_time = true, .victim = OD_FAULT_OF_EXECUTOR,             \
    .target = OD_FAULT_TARGET_EXECUTOR
#define SHAPE_EXECUTOR_ADD .at_time = true
#define SHAPE_EXECUTOR_SLOW                                                                                  \
    .points = POINT(TASK_START) | POINT(TASK_STEP), .at_time = true, .has_duration = true, .may_last = true, \
    .amount = OD_FAULT_AMOUNT_FACTOR, .victim = OD_FAULT_OF_EXECUTOR, .target = OD_FAULT_TARGET_EXECUTOR
#define SHAPE_DRIVER_CANCEL_QUERY                                                                            \
    .points = TASK_POINTS, .at_time = true, .victim = OD_FAULT_OF_EXECUTOR, .target = OD_FAULT_TARGET_QUERY

static const struct od_fault_kind_row kind_rows[] = {
#define X(name, name_text, name_sentence)                                                                    \
    [OD_FAULT_##name] = {.text = name_text, .sentence = name_sentence, SHAPE_##name},
    OD_FAULT_LIST(X)
#undef X
};
_Static_assert(sizeof(kind_rows) / sizeof(kind_rows[0]) == OD_FAULT_KIND_COUNT, "every kind has a row");

const struct od_fault_kind_row *od_fault_kind_row(enum od_fault_kind kind)
{
    od_assert((unsigned)kind < OD_FAULT_KIND_COUNT);
    return &kind_rows[kind];
}

const struct od_fault_amount_row *od_fault_amount_row(enum od_fault_amount amount)
{
    static const struct od_fault_amount_row rows[] = {
        [OD_FAULT_AMOUNT_NONE] = {NULL, 0, 0, false},        [OD_FAULT_AMOUNT_BIT] = {"bit", 0, 0, true},
        [OD_FAULT_AMOUNT_CUT] = {"cut", 1, 1, true},         [OD_FAULT_AMOUNT_KEEP] = {"keep", 0, 0, false},
        [OD_FAULT_AMOUNT_FACTOR] = {"factor", 2, 10, false},
    };
    return &rows[amount];
}

const char *od_fault_kind_text(enum od_fault_kind kind)
{
    return (unsigned)kind < OD_FAULT_KIND_COUNT ? kind_rows[kind].text : "unknown kind";
}

const char *od_fault_kind_sentence(enum od_fault_kind kind)
{
    return (unsigned)kind < OD_FAULT_KIND_COUNT ? kind_rows[kind].sentence : "unknown kind";
}

bool od_fault_kind_allows(enum od_fault_kind kind, enum od_point point)
{
    od_assert((unsigned)point < OD_POINT_COUNT);
    return (od_fault_kind_row(kind)->points >> point & 1) != 0;
}

uint64_t od_fault_duration_ns(const struct od_fault *fault)
{
    return fault->duration_ns == 0 ? DURATION_DEFAULT_NS : fault->duration_ns;
}

/* --- the retry budget ------------------------------------------------------------------------- */

static bool fault_is_task_error(const struct od_fault *fault)
{
    return fault->kind <= OD_FAULT_TASK_ERROR_AFTER;
}

static bool field_covers(uint32_t field, uint32_t value)
{
    return field == OD_ANY || field == value;
}

/* True when an earlier fault already fails this attempt of the task: one attempt fails once. */
static bool attempt_counted(const struct od_schedule *schedule, uint32_t fault_index, uint32_t stage,
                            uint32_t task)
{
    uint32_t attempt = schedule->faults[fault_index].site.attempt;
    for (uint32_t i = 0; i < fault_index; i++) {
        const struct od_fault *fault = &schedule->faults[i];
        if (fault_is_task_error(fault) && fault->site.attempt == attempt &&
            field_covers(fault->site.stage, stage) && field_covers(fault->site.task, task))
            return true;
    }
    return false;
}

/* How many attempts of one task the schedule can fail at most. */
static uint64_t failures_of_task(const struct od_schedule *schedule, uint32_t stage, uint32_t task)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < schedule->fault_count; i++) {
        const struct od_fault *fault = &schedule->faults[i];
        if (!fault_is_task_error(fault) || !field_covers(fault->site.stage, stage) ||
            !field_covers(fault->site.task, task))
            continue;
        if (fault->site.attempt == OD_ANY)
            count += fault->times;
        else if (!attempt_counted(schedule, i, stage, task))
            count += 1;
    }
    return count;
}

bool od_schedule_may_exhaust(const struct od_schedule *schedule, uint32_t attempts_max)
{
    for (uint32_t i = 0; i < schedule->fault_count; i++) {
        const struct od_fault *fault = &schedule->faults[i];
        if (fault->times == OD_FAULT_ALWAYS && !fault_is_task_error(fault))
            return true;
    }
    /* The worst task is one whose stage some fault names and whose number some fault names (OD_ANY: one
     * that none names). */
    for (uint32_t i = 0; i < schedule->fault_count; i++) {
        for (uint32_t j = 0; j < schedule->fault_count; j++) {
            uint32_t stage = schedule->faults[i].site.stage;
            uint32_t task = schedule->faults[j].site.task;
            if (failures_of_task(schedule, stage, task) >= attempts_max)
                return true;
        }
    }
    return false;
}
