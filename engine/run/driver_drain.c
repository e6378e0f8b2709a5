/* driver_drain: an executor leaves, and nothing is computed again for it.
 *
 *   OD_ORDER_DECOMMISSION -> DRAINING: takes no new attempt; those it runs end, or after a grace run elsewhere;
 *                            outputs that somebody still reads are copied to the others, most bytes first
 *                         -> nothing needed is left, and whoever still reads from the old places has ended (or a grace has
 *                            passed): LEAVE. Its epoch is over as by a loss, with nothing to lose
 *
 * An executor that dies half-way is lost like any other; its next life is welcome. LEAVE is said again to one
 * that still speaks. The last executor that could work is not let go: a drain of it is called off, as an
 * order is a wish. Journals tell the next life of the driver who is to leave; it waits until the others have spoken. With options.drop_on_drain nothing is copied: what was needed is lost and computed again. */
#include "engine/run/driver_state.h"

#include "engine/core/assert.h"

#define COPIES_MAX 2 /* from one executor at a time */

static struct od_site executor_site(uint32_t id)
{
    return od_site_of(OD_NOBODY, id);
}

/* One that has just failed to copy is asked after the others. */
static bool is_better_heir(const struct od_driver_executor *executor, const struct od_driver_executor *than)
{
    if (executor->failed_copies != than->failed_copies)
        return executor->failed_copies < than->failed_copies;
    return executor->inherited_bytes < than->inherited_bytes;
}

/* Another executor that takes work: the one that was given least by drains, lowest number first. 0: none. */
static uint32_t find_heir(const struct od_driver *driver, uint32_t leaving)
{
    uint32_t heir = 0;
    for (uint32_t id = 1; id <= driver->options->executors_max; id++) {
        const struct od_driver_executor *executor = &driver->executors[id];
        if (id != leaving && executor->alive && !executor->is_hearsay && !executor->draining &&
            (heir == 0 || is_better_heir(executor, &driver->executors[heir])))
            heir = id;
    }
    return heir;
}

/* Its outputs that must not go with it; the one of most bytes that is not on its way yet. */
static uint32_t count_outputs(const struct od_driver *driver, uint32_t epoch,
                              struct od_driver_task **largest_out)
{
    uint32_t count = 0;
    *largest_out = NULL;
    for (const struct od_driver_run *run = driver->runs; run != NULL; run = run->next) {
        for (uint32_t i = 0; i < run->task_count && !run->ended; i++) {
            struct od_driver_task *task = run->tasks[i];
            if (task->stored.query != 0)
                continue; /* it was only lent */
            bool stays = task->state != OD_TASK_COMMITTED || task->epoch != epoch ||
                         task->done.block_count == 0 ||
                         !(task->is_needed || od_driver_gives_result(task->stage));
            if (stays)
                continue;
            count++;
            bool is_larger =
                *largest_out == NULL || task->done.total_bytes > (*largest_out)->done.total_bytes;
            if (is_larger && !od_driver_is_copied(task))
                *largest_out = task;
        }
    }
    return count;
}

void od_driver_drain(struct od_driver *driver, uint32_t id)
{
    if (id == 0 || id > driver->options->executors_max || find_heir(driver, id) == 0)
        return;
    struct od_driver_executor *executor = &driver->executors[id];
    if (!executor->alive || executor->draining)
        return;
    executor->draining = true;
    od_driver_record_drain(driver, id);
    executor->drain_ns = od_life_now_ns(&driver->life);
    executor->moved_count = 0;
    executor->moved_bytes = 0;
    for (struct od_driver_run *run = driver->runs; run != NULL; run = run->next)
        run->loss_happened = true; /* from now on it matters what is needed */
    struct od_driver_task *largest;
    uint32_t count = count_outputs(driver, executor->told.epoch, &largest);
    od_world_emit(
        driver->world,
        (struct od_event){.kind = OD_EVENT_EXECUTOR_DRAINING, .site = executor_site(id), .value = count});
}

/* The grace is over: what still runs there runs elsewhere. */
static bool move_attempts(struct od_driver *driver, uint32_t epoch)
{
    bool has_moved = false;
    for (struct od_driver_run *run = driver->runs; run != NULL; run = run->next) {
        for (uint32_t i = 0; i < run->task_count && !run->ended; i++) {
            struct od_driver_task *task = run->tasks[i];
            for (uint32_t a = task->running_count; a-- > 0;) {
                if (task->running[a].epoch != epoch)
                    continue;
                od_driver_move_attempt(task, &task->running[a]);
                has_moved = true;
            }
        }
    }
    return has_moved;
}

/* Does anybody read who was told where things were before the last one moved? */
static bool has_readers(const struct od_driver *driver, uint64_t moved_ns)
{
    for (const struct od_driver_run *run = driver->runs; run != NULL; run = run->next) {
        if (run->is_collecting && run->collect_ns < moved_ns)
            return true;
        for (uint32_t i = 0; i < run->task_count && !run->ended; i++) {
            const struct od_driver_task *task = run->tasks[i];
            for (uint32_t a = 0; a < task->running_count; a++)
                if (task->stage->plan->input_count != 0 && task->running[a].launched_ns < moved_ns)
                    return true;
        }
    }
    return false;
}

static void migrate(struct od_driver *driver, uint32_t id)
{
    const struct od_driver_executor *executor = &driver->executors[id];
    struct od_driver_task *task;
    while (od_driver_count_copies(driver, executor->told.epoch) < COPIES_MAX &&
           count_outputs(driver, executor->told.epoch, &task) != 0 && task != NULL) {
        uint32_t heir = find_heir(driver, id);
        driver->executors[heir].inherited_bytes += task->done.total_bytes;
        od_driver_copy_output(task, heir);
        if (!od_driver_is_copied(task))
            return; /* no memory: the next time */
    }
}

static bool may_leave(const struct od_driver *driver, uint32_t id, uint64_t now_ns)
{
    const struct od_driver_executor *executor = &driver->executors[id];
    struct od_driver_task *largest;
    if (executor->running_count != 0 || od_driver_count_copies(driver, executor->told.epoch) != 0)
        return false;
    if (driver->options->drop_on_drain)
        return true;
    bool readers_had_time = now_ns - executor->moved_ns > driver->options->drain_grace_ns;
    return count_outputs(driver, executor->told.epoch, &largest) == 0 &&
           (readers_had_time || !has_readers(driver, executor->moved_ns));
}

static void leave(struct od_driver *driver, uint32_t id)
{
    struct od_driver_executor *executor = &driver->executors[id];
    od_world_emit(driver->world, (struct od_event){.kind = OD_EVENT_EXECUTOR_DECOMMISSIONED,
                                                   .site = executor_site(id),
                                                   .rows = executor->moved_count,
                                                   .bytes = executor->moved_bytes,
                                                   .value = executor->told.incarnation});
    executor->draining = false;
    executor->has_left = true;
    od_driver_record_drain(driver, id);
    if (driver->life.gone)
        return;
    od_outbox_send_order(&driver->life.outbox, id, OD_MESSAGE_LEAVE, executor->told.epoch, executor_site(id));
    od_driver_end_epoch(driver, id);
}

bool od_driver_pump_drains(struct od_driver *driver)
{
    uint64_t now_ns = od_life_now_ns(&driver->life);
    bool has_changed = false;
    od_driver_check_copies(driver, NULL);
    for (uint32_t id = 1; id <= driver->options->executors_max && !driver->life.gone; id++) {
        struct od_driver_executor *executor = &driver->executors[id];
        if (!executor->alive || !executor->draining || now_ns < executor->drain_ns)
            continue;
        if (find_heir(driver, id) == 0) {
            executor->draining = false;
            od_driver_record_drain(driver, id);
            od_world_emit(driver->world,
                          (struct od_event){.kind = OD_EVENT_EXECUTOR_READMITTED, .site = executor_site(id)});
            has_changed = true;
            continue;
        }
        if (now_ns - executor->drain_ns > driver->options->drain_grace_ns)
            has_changed = move_attempts(driver, executor->told.epoch) || has_changed;
        if (!driver->options->drop_on_drain)
            migrate(driver, id);
        if (may_leave(driver, id, now_ns)) {
            leave(driver, id);
            has_changed = true;
        }
    }
    return has_changed;
}
