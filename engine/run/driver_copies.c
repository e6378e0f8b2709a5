/* driver_copies: committed outputs that get another place.
 *
 *   COMMITTED at A --COPY to B, again until COPIED--> COMMITTED at B        B an executor: OUTPUT_MOVED (driver_drain.c)
 *                                                                           B the driver: CHECKPOINTED
 *
 * Readers that are launched from then on go to B; those that began before still find it at A as long as A is
 * there, and when it is not, they say from which epoch they could not read, so that nobody thinks the output
 * lost.
 *
 * A copy is about one output (task, attempt, place): when that is lost, rolled back or moved otherwise, or
 * its target's epoch ends, the copy is forgotten. What can't be copied because it is damaged or missing is
 * lost, and lineage sees to it; what could not be copied for other reasons is tried again, FAILURES_MAX
 * times.
 *
 * Checkpoints: the driver copies the outputs of a marked stage to its own disk, and syncs them. No loss of
 * executors reaches them any more, so nothing below is computed again. Its store has no epochs: it outlives
 * the driver's lives. */
#include "engine/run/driver_state.h"

#include "engine/core/assert.h"

#define FAILURES_MAX      3
#define CHECKPOINT_COPIES 4 /* to the driver at a time */

struct od_driver_copy {
    struct od_driver_copy *next;
    struct od_driver_task *task;
    uint32_t attempt;
    uint32_t from_epoch;
    uint32_t to; /* 0: the driver */
    uint32_t to_epoch;
    uint64_t sent_ns;
};

static void remove_link(struct od_driver *driver, struct od_driver_copy **link)
{
    struct od_driver_copy *copy = *link;
    *link = copy->next;
    od_give(driver->world->memory, copy, sizeof(*copy));
}

/* Is it still about the output that counts, and is its target there? */
static bool is_current(const struct od_driver *driver, const struct od_driver_copy *copy)
{
    const struct od_driver_task *task = copy->task;
    const struct od_driver_executor *target = &driver->executors[copy->to];
    return task->state == OD_TASK_COMMITTED && task->attempt == copy->attempt &&
           task->epoch == copy->from_epoch &&
           (copy->to == 0 || (target->alive && target->told.epoch == copy->to_epoch));
}

void od_driver_check_copies(struct od_driver *driver, const struct od_driver_run *ended)
{
    struct od_driver_copy **link = &driver->copies;
    while (*link != NULL) {
        if ((*link)->task->stage->run == ended || !is_current(driver, *link))
            remove_link(driver, link);
        else
            link = &(*link)->next;
    }
}

uint32_t od_driver_count_copies(const struct od_driver *driver, uint32_t epoch)
{
    uint32_t count = 0;
    for (const struct od_driver_copy *copy = driver->copies; copy != NULL; copy = copy->next)
        count += copy->from_epoch == epoch || copy->to_epoch == epoch;
    return count;
}

bool od_driver_is_copied(const struct od_driver_task *task)
{
    const struct od_driver_copy *copy = task->stage->run->driver->copies;
    while (copy != NULL && copy->task != task)
        copy = copy->next;
    return copy != NULL;
}

static void send_copy(struct od_driver *driver, struct od_driver_copy *copy)
{
    const struct od_driver_task *task = copy->task;
    const struct od_attempt_name name = od_driver_task_name(task);
    const struct od_body_copy body = {.epoch = copy->to_epoch,
                                      .source = task->executor,
                                      .source_epoch = task->epoch,
                                      .size = task->done.total_bytes,
                                      .checksum = task->done.output_checksum};
    copy->sent_ns = od_life_now_ns(&driver->life);
    if (copy->to == 0) {
        od_copies_begin(&driver->own_copies, &name, &body);
        return;
    }
    od_write_copy(&driver->life.outbox.body, &body);
    od_outbox_send(&driver->life.outbox, copy->to, OD_MESSAGE_COPY, od_site_of(&name, copy->to));
}

static void move_output(struct od_driver_task *task, uint32_t to)
{
    struct od_driver_run *run = task->stage->run;
    struct od_driver *driver = run->driver;
    uint32_t from = task->executor;
    od_assert(task->state == OD_TASK_COMMITTED);
    task->executor = to;
    task->epoch = driver->executors[to].told.epoch; /* 0 of the driver */
    task->copy_failures = 0;
    driver->executors[from].moved_ns = od_life_now_ns(&driver->life);
    driver->executors[from].moved_count += to != 0;
    driver->executors[from].moved_bytes += to != 0 ? task->done.total_bytes : 0;
    od_driver_record_moved(task);
    struct od_event event = {.kind = to == 0 ? OD_EVENT_CHECKPOINTED : OD_EVENT_OUTPUT_MOVED,
                             .site = od_driver_task_site(task),
                             .rows = task->done.row_count,
                             .bytes = task->done.total_bytes,
                             .value = to == 0 ? 0 : from};
    od_driver_emit_event(run, event);
}

void od_driver_copy_output(struct od_driver_task *task, uint32_t to)
{
    struct od_driver *driver = task->stage->run->driver;
    od_assert(task->state == OD_TASK_COMMITTED);
    od_assert(!od_driver_is_copied(task));
    if (task->done.block_count == 0) { /* there is no file */
        move_output(task, to);
        return;
    }
    struct od_driver_copy *copy = od_take(driver->world->memory, sizeof(*copy));
    if (copy == NULL) /* asked again, later */
        return;
    *copy = (struct od_driver_copy){.next = driver->copies,
                                    .task = task,
                                    .attempt = task->attempt,
                                    .from_epoch = task->epoch,
                                    .to = to,
                                    .to_epoch = driver->executors[to].told.epoch};
    driver->copies = copy;
    if (to == 0)
        od_driver_record_copying(task);
    if (driver->life.gone)
        return;
    send_copy(driver, copy);
}

/* The copy of this output to `to` has ended, if there is one and it is current. */
static void end_copy(struct od_driver *driver, const struct od_attempt_name *name, uint32_t to,
                     enum od_status status)
{
    struct od_driver_copy **link = &driver->copies;
    while (*link != NULL) {
        const struct od_attempt_name copied = od_driver_task_name((*link)->task);
        if ((*link)->to == to && od_attempt_name_equal(&copied, name))
            break;
        link = &(*link)->next;
    }
    if (*link == NULL || !is_current(driver, *link))
        return;
    struct od_driver_task *task = (*link)->task;
    remove_link(driver, link);
    bool is_bad = status == OD_CORRUPT || status == OD_MISSING;
    driver->executors[to].failed_copies = status == OD_OK ? 0 : driver->executors[to].failed_copies + 1;
    if (status == OD_OK) {
        move_output(task, to);
    } else if (is_bad || (to != 0 && task->copy_failures + 1 == FAILURES_MAX)) {
        task->stage->run->outcome.counts.blocks_bad += is_bad;
        od_driver_lose_output(task, status);
        task->copy_failures = 0;
    } else {
        task->copy_failures++;
    }
}

void od_driver_own_copy_ended(void *self, const struct od_attempt_name *name, enum od_status status)
{
    end_copy(self, name, 0, status);
}

void od_driver_handle_copied(struct od_driver *driver, const struct od_message *message)
{
    struct od_body_copied body;
    const struct od_attempt_name name = od_message_attempt(message);
    if (od_read_copied(message, &body) && od_driver_current_sender(driver, message, body.epoch) != NULL)
        end_copy(driver, &name, message->from, body.status);
}

void od_driver_tick_copies(struct od_driver *driver, uint64_t now_ns)
{
    od_copies_tick(&driver->own_copies, now_ns);
    od_driver_check_copies(driver, NULL);
    for (struct od_driver_copy *copy = driver->copies; copy != NULL; copy = copy->next)
        if (copy->to != 0 && now_ns - copy->sent_ns >= driver->options->resend_ns)
            send_copy(driver, copy);
}

static void checkpoint(struct od_driver_stage *stage)
{
    const struct od_driver_run *run = stage->run;
    for (uint32_t i = 0; i < stage->task_count && !run->ended && !run->driver->life.gone; i++) {
        struct od_driver_task *task = &stage->tasks[i];
        bool is_due = task->state == OD_TASK_COMMITTED && task->executor != 0 && task->copy_failures < FAILURES_MAX;
        if (is_due && od_driver_count_copies(run->driver, 0) < CHECKPOINT_COPIES && !od_driver_is_copied(task))
            od_driver_copy_output(task, 0);
    }
}

void od_driver_plan_checkpoints(struct od_driver_run *run)
{
    for (uint32_t i = 0; i < run->stage_count; i++)
        if (run->stages[i].plan->keep == OD_KEEP_CHECKPOINT)
            checkpoint(&run->stages[i]);
}
