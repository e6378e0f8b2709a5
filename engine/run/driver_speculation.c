/* driver_speculation: work that is badly placed: stragglers get a twin, idle executors take over what waits elsewhere.
 *
 *   straggler   its stage is mostly committed, and it has run for longer than most of the committed ones did, by a factor, and
 *               than a minimum: a second attempt runs on another executor that has a free slot. The first success counts.
 *   stealing    an executor has a free slot and nothing can be launched; another has attempts that have not begun: the latest of
 *               the longest backlog is cancelled there and launched here, under a new number. Had it begun meanwhile, it
 *               is as late as any other.
 *
 * Both only use slots that nothing else wants. Looked at once a heartbeat, and stealing whenever a slot gets free. */
#include "engine/run/driver_state.h"

#include "engine/core/assert.h"

/* --- stragglers ------------------------------------------------------------------------------------------------- */

/* Have most committed tasks of the stage whose time is known been faster, by the factor? (Then it has taken longer than factor x median.) */
static bool is_slow(const struct od_driver_stage *stage, uint64_t ran_ns)
{
    uint64_t percent = stage->run->query->options.speculation_percent;
    uint32_t faster = 0, known = 0;
    for (uint32_t t = 0; t < stage->task_count; t++) {
        bool is_known = stage->tasks[t].state == OD_TASK_COMMITTED && stage->tasks[t].took_ns != 0;
        known += is_known;
        faster += is_known && stage->tasks[t].took_ns < ran_ns / percent * 100;
    }
    return 2 * (uint64_t)faster > known;
}

static bool is_mostly_committed(const struct od_driver_stage *stage)
{
    uint64_t share = stage->run->query->options.speculation_share;
    return stage->committed_count != 0 && stage->committed_count < stage->task_count &&
           (uint64_t)stage->committed_count * 100 >= share * stage->task_count;
}

static void speculate(struct od_driver_task *task, uint64_t now_ns)
{
    struct od_driver_run *run = task->stage->run;
    const struct od_driver_attempt first = task->running[0];
    uint64_t ran_ns = now_ns - first.started_ns;
    if (task->running_count != 1 || first.started_ns == 0 || ran_ns < run->query->options.speculation_min_ns ||
        !is_slow(task->stage, ran_ns) || !od_driver_inputs_ready(task))
        return;
    uint32_t executor = od_driver_choose_executor(task, true);
    if (executor == 0)
        return;
    od_driver_launch(task, executor);
    od_driver_emit(run, OD_EVENT_TASK_SPECULATED, od_driver_attempt_site(task, &task->running[1]), ran_ns);
}

void od_driver_speculate(struct od_driver_run *run)
{
    uint64_t now_ns = od_life_now_ns(&run->driver->life);
    uint32_t slots_max = run->query->options.slots_max;
    for (uint32_t s = 0; s < run->stage_count && !run->ended; s++) {
        struct od_driver_stage *stage = &run->stages[s];
        if (!is_mostly_committed(stage) || run->query->options.speculation_percent == UINT32_MAX)
            continue;
        for (uint32_t t = 0; t < stage->task_count; t++)
            if (slots_max == 0 || run->running_count < slots_max)
                speculate(&stage->tasks[t], now_ns);
    }
}

/* --- stealing --------------------------------------------------------------------------------------------------- */

struct waiting {
    struct od_driver_task *task; /* NULL: nothing waits */
    uint32_t place;              /* in task->running */
};

/* What waits there: what was launched first, or last. */
static struct waiting find_waiting(const struct od_driver *driver, uint32_t epoch, bool last)
{
    struct waiting found = {0};
    uint64_t found_ns = 0;
    for (const struct od_driver_run *run = driver->runs; run != NULL; run = run->next) {
        for (uint32_t i = 0; i < run->task_count && !run->ended; i++) {
            struct od_driver_task *task = run->tasks[i];
            for (uint32_t a = 0; a < task->running_count; a++) {
                const struct od_driver_attempt *attempt = &task->running[a];
                bool is_better = found.task == NULL || (last ? attempt->launched_ns >= found_ns
                                                             : attempt->launched_ns < found_ns);
                if (attempt->epoch != epoch || attempt->started_ns != 0 || !is_better)
                    continue;
                found = (struct waiting){task, a};
                found_ns = attempt->launched_ns;
            }
        }
    }
    return found;
}

void od_driver_note_room(struct od_driver *driver, uint32_t executor, uint32_t epoch)
{
    if (driver->options->backlog_per_slot == 0 || driver->executors[executor].told.epoch != epoch)
        return;
    struct waiting next = find_waiting(driver, epoch, false);
    if (next.task != NULL)
        next.task->running[next.place].started_ns = od_life_now_ns(&driver->life);
}

/* Attempts beyond the slots of an executor. */
static uint32_t backlog_of(const struct od_driver *driver, uint32_t executor)
{
    const struct od_driver_executor *there = &driver->executors[executor];
    uint32_t slots = od_driver_slots(driver, executor);
    return there->alive && there->running_count > slots ? there->running_count - slots : 0;
}

/* The one with the longest backlog; 0: nobody has any, or nobody is idle. */
static uint32_t find_victim(const struct od_driver *driver)
{
    uint32_t victim = 0;
    bool is_idle = false;
    for (uint32_t id = 1; id <= driver->options->executors_max; id++) {
        is_idle = is_idle || od_driver_free_slots(driver, id) != 0;
        if (backlog_of(driver, id) > (victim == 0 ? 0 : backlog_of(driver, victim)))
            victim = id;
    }
    return is_idle ? victim : 0;
}

static bool steal_one(struct od_driver *driver)
{
    uint32_t victim = find_victim(driver);
    if (victim == 0)
        return false;
    struct waiting waiting = find_waiting(driver, driver->executors[victim].told.epoch, true);
    if (waiting.task == NULL || !od_driver_inputs_ready(waiting.task))
        return false;
    uint32_t thief = od_driver_choose_executor(waiting.task, true);
    if (thief == 0)
        return false;
    od_driver_cancel(waiting.task, &waiting.task->running[waiting.place]);
    od_driver_launch(waiting.task, thief);
    const struct od_driver_attempt *stolen = &waiting.task->running[waiting.task->running_count - 1];
    od_driver_emit(waiting.task->stage->run, OD_EVENT_TASK_STOLEN, od_driver_attempt_site(waiting.task, stolen),
                   victim);
    return true;
}

void od_driver_steal(struct od_driver *driver)
{
    while (driver->options->backlog_per_slot != 0 && steal_one(driver))
        ;
}
