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

#define ON(name)            (UINT32_C(1) << OD_POINT_##name)
#define DURATION_DEFAULT_NS (UINT64_C(20) * 1000 * 1000)

_Static_assert(OD_POINT_COUNT <= 32, "a set of points fits in 32 bits");
_Static_assert(OD_FAULT_KIND_COUNT <= OD_FAULT_KIND_WORDS * 64, "a set of kinds fits in its words");

static const struct od_fault_kind_row kind_rows[] = {
#define X(name, name_text, name_promise, name_sentence, ...)                                                 \
    [OD_FAULT_##name] = {                                                                                    \
        .text = name_text, .sentence = name_sentence, .promise = OD_FAULT_##name_promise, __VA_ARGS__},
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
        [OD_FAULT_AMOUNT_NONE] = {NULL, 0, 0, 0, NULL, NULL},
        [OD_FAULT_AMOUNT_BIT] = {"bit", 0, UINT32_MAX, 0, "bit %u", "a number up to 4294967295"},
        [OD_FAULT_AMOUNT_CUT] = {"cut", 1, UINT32_MAX, 1, "%u bytes", "a number of bytes above 0"},
        [OD_FAULT_AMOUNT_KEEP] = {"keep", 0, UINT32_MAX, 0, "%u unsynced bytes stay", "a number up to 4294967295"},
        [OD_FAULT_AMOUNT_FACTOR] = {"factor", 2, UINT32_MAX, 10, "%u times", "a number above 1"},
        [OD_FAULT_AMOUNT_RATE] = {"rate", 1, UINT32_MAX, 64, "%u KiB/s", "a number of KiB a second above 0"},
        [OD_FAULT_AMOUNT_BY] = {"by", 1, 1 << 20, 512, "by %u bytes", "a number of bytes, 1 to 1048576"},
        [OD_FAULT_AMOUNT_MS] = {"ms", 1, UINT32_MAX, 200, "by %u ms", "a number of milliseconds above 0"},
        [OD_FAULT_AMOUNT_LIMIT] = {"limit", 1, UINT32_MAX, 64, "%u KiB", "a number of KiB above 0"},
        [OD_FAULT_AMOUNT_SEED] = {"seed", 0, UINT32_MAX, 0, "seed %u", "a number up to 4294967295"},
    };
    _Static_assert(sizeof(rows) / sizeof(rows[0]) == OD_FAULT_AMOUNT_COUNT, "every amount has a row");
    od_assert(amount < OD_FAULT_AMOUNT_COUNT);
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

enum od_fault_promise od_fault_kind_promise(enum od_fault_kind kind)
{
    return od_fault_kind_row(kind)->promise;
}

bool od_fault_kind_needs_sim(enum od_fault_kind kind)
{
    enum od_fault_effect effect = od_fault_kind_row(kind)->effect;
    return effect == OD_EFFECT_FORGET_DISK || effect == OD_EFFECT_RESET;
}

struct od_fault_kinds od_fault_kinds_survivable(void)
{
    struct od_fault_kinds kinds = {0};
    for (unsigned i = 0; i < OD_FAULT_KIND_COUNT; i++)
        if (kind_rows[i].promise != OD_FAULT_ENDS)
            od_fault_kinds_add(&kinds, (enum od_fault_kind)i);
    return kinds;
}

bool od_fault_needs_bytes(const struct od_fault_kind_row *row)
{
    return row->effect == OD_EFFECT_DAMAGE || (row->effect >= OD_EFFECT_WRITE_SHORT && row->effect < OD_EFFECT_COUNT);
}

/* --- what a schedule reaches -------------------------------------------------------------------- */

#define ON_DISK (ON(DISK_CREATE) | ON(DISK_OPEN) | ON(DISK_WRITE) | ON(DISK_READ) | ON(DISK_SYNC) | ON(DISK_REMOVE))

static uint32_t parts_of_point(enum od_point point)
{
    if (point == OD_POINT_MESSAGE_SEND)
        return OD_PART_NET;
    if (point == OD_POINT_MEMORY_TAKE)
        return OD_PART_MEMORY;
    if (point == OD_POINT_TIMER_SET)
        return OD_PART_TIMERS;
    return (ON_DISK >> point & 1) != 0 ? OD_PART_DISK : 0;
}

static uint32_t parts_of_effect(enum od_fault_effect effect)
{
    if (effect <= OD_EFFECT_BANDWIDTH || (effect >= OD_EFFECT_LOSE && effect <= OD_EFFECT_NEXT_DUPLICATE))
        return OD_PART_NET;
    if (effect <= OD_EFFECT_CLOCK_COARSE)
        return OD_PART_CLOCK;
    if (effect <= OD_EFFECT_TIMERS_EARLY || (effect >= OD_EFFECT_HANG && effect <= OD_EFFECT_TIMER_TWICE))
        return OD_PART_TIMERS;
    if (effect <= OD_EFFECT_DISK_DEAD)
        return OD_PART_DISK;
    return effect == OD_EFFECT_MEMORY_LIMIT ? OD_PART_MEMORY : 0;
}

/* Disk and memory are told whose attempt they serve, so they need the points too. */
uint32_t od_schedule_parts(const struct od_schedule *schedule)
{
    uint32_t parts = 0;
    for (uint32_t i = 0; schedule != NULL && i < schedule->fault_count; i++) {
        const struct od_fault *fault = &schedule->faults[i];
        parts |= OD_PART_POINTS | parts_of_effect(od_fault_kind_row(fault->kind)->effect);
        if (!fault->at_time)
            parts |= parts_of_point(fault->point);
    }
    return parts;
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

/* It can make an attempt fail by itself. Lost bytes and lives are another budget. */
static bool fault_is_task_error(const struct od_fault *fault)
{
    enum od_fault_effect effect = od_fault_kind_row(fault->kind)->effect;
    bool is_block = fault->point == OD_POINT_BLOCK_SERVE || fault->point == OD_POINT_BLOCK_RECEIVE;
    bool is_disk = (ON_DISK >> fault->point & 1) != 0 && effect >= OD_EFFECT_WRITE_SHORT;
    return !fault->at_time && !is_block && (effect == OD_EFFECT_FAIL || is_disk);
}

static bool field_covers(uint32_t field, uint32_t value)
{
    return field == OD_ANY || field == value;
}

/* How often fault i fires at most, or did. */
static uint32_t times_of(const struct od_schedule *schedule, const uint32_t *fired, uint32_t fault_index)
{
    return fired == NULL ? schedule->faults[fault_index].times : fired[fault_index];
}

/* True when an earlier fault already fails this attempt of the task: one attempt fails once. */
static bool attempt_counted(const struct od_schedule *schedule, const uint32_t *fired, uint32_t fault_index,
                            uint32_t stage, uint32_t task)
{
    uint32_t attempt = schedule->faults[fault_index].site.attempt;
    for (uint32_t i = 0; i < fault_index; i++) {
        const struct od_fault *fault = &schedule->faults[i];
        if (times_of(schedule, fired, i) > 0 && fault_is_task_error(fault) && fault->site.attempt == attempt &&
            field_covers(fault->site.stage, stage) && field_covers(fault->site.task, task))
            return true;
    }
    return false;
}

/* How many attempts of one task the schedule can fail at most. */
static uint64_t failures_of_task(const struct od_schedule *schedule, const uint32_t *fired, uint32_t stage, uint32_t task)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < schedule->fault_count; i++) {
        const struct od_fault *fault = &schedule->faults[i];
        if (!fault_is_task_error(fault) || !field_covers(fault->site.stage, stage) ||
            !field_covers(fault->site.task, task))
            continue;
        uint32_t times = times_of(schedule, fired, i);
        if (fault->site.attempt == OD_ANY)
            count += times;
        else if (times > 0 && !attempt_counted(schedule, fired, i, stage, task))
            count += 1;
    }
    return count;
}

bool od_schedule_may_fail(const struct od_schedule *schedule, const uint32_t *fired)
{
    for (uint32_t i = 0; i < schedule->fault_count; i++)
        if (times_of(schedule, fired, i) > 0 && od_fault_kind_promise(schedule->faults[i].kind) == OD_FAULT_MAY_FAIL)
            return true;
    return false;
}

/* A driver that can't write its journal gives it up; when it dies then, no next life knows of the copies of outputs on its disk. */
static bool may_end_journal(const struct od_fault *fault)
{
    enum od_fault_effect effect = od_fault_kind_row(fault->kind)->effect;
    bool is_of_disk = !fault->at_time && (ON_DISK >> fault->point & 1) != 0;
    return is_of_disk && (effect == OD_EFFECT_FAIL || effect == OD_EFFECT_WRITE_SHORT);
}

bool od_schedule_may_leave_files(const struct od_schedule *schedule)
{
    bool kills_driver = od_schedule_kills_driver(schedule);
    for (uint32_t i = 0; schedule != NULL && i < schedule->fault_count; i++) {
        const struct od_fault *fault = &schedule->faults[i];
        enum od_fault_effect effect = od_fault_kind_row(fault->kind)->effect;
        bool fails_removal = effect == OD_EFFECT_FAIL && !fault->at_time && fault->point == OD_POINT_DISK_REMOVE;
        if (kills_driver && may_end_journal(fault))
            return true;
        if (fails_removal || effect == OD_EFFECT_DISK_READ_ONLY || effect == OD_EFFECT_DISK_DEAD)
            return true;
    }
    return false;
}

bool od_schedule_kills_driver(const struct od_schedule *schedule)
{
    for (uint32_t i = 0; schedule != NULL && i < schedule->fault_count; i++) {
        const struct od_fault_kind_row *row = od_fault_kind_row(schedule->faults[i].kind);
        if (row->effect == OD_EFFECT_KILL && row->victim == OD_FAULT_OF_DRIVER)
            return true;
    }
    return false;
}

bool od_schedule_wants_journal(const struct od_schedule *schedule)
{
    const uint32_t journals = ON(JOURNAL_WRITE) | ON(JOURNAL_SYNC) | ON(DISK_SYNC);
    for (uint32_t i = 0; schedule != NULL && i < schedule->fault_count; i++)
        if (!schedule->faults[i].at_time && (journals >> schedule->faults[i].point & 1) != 0)
            return true;
    return od_schedule_kills_driver(schedule);
}

bool od_schedule_may_exhaust(const struct od_schedule *schedule, const uint32_t *fired, uint32_t attempts_max)
{
    for (uint32_t i = 0; i < schedule->fault_count; i++) {
        const struct od_fault *fault = &schedule->faults[i];
        bool is_undoing = fault->times == OD_FAULT_ALWAYS && !fault_is_task_error(fault);
        if (is_undoing && times_of(schedule, fired, i) >= attempts_max)
            return true;
    }
    /* The worst task is one whose stage some fault names and whose number some fault names (OD_ANY: one
     * that none names). */
    for (uint32_t i = 0; i < schedule->fault_count; i++) {
        for (uint32_t j = 0; j < schedule->fault_count; j++) {
            uint32_t stage = schedule->faults[i].site.stage;
            uint32_t task = schedule->faults[j].site.task;
            if (failures_of_task(schedule, fired, stage, task) >= attempts_max)
                return true;
        }
    }
    return false;
}
