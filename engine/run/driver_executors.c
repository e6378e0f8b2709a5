/* driver_executors: who is there.
 *
 *   REGISTER(incarnation, request)   newer than what we know   -> a new epoch; what the old one had is lost
 *                                    the one we know, alive    -> the same answer again
 *                                    the one we know, given up -> a new epoch
 *                                    older                     -> dropped: a late copy
 *
 * An epoch ends with EXECUTOR_LOST: by silence longer than the lease, or because a newer registration shows that the old life is
 * over before its lease is. Its attempts run again elsewhere, its outputs are lost. A zombie that comes back speaks with an
 * old epoch and is told to start over; it registers with a larger request number. */
#include "engine/run/driver_state.h"

#include "engine/core/assert.h"

static void lose_executor(struct od_driver *driver, uint32_t id)
{
    struct od_driver_executor *executor = &driver->executors[id];
    od_assert(executor->alive);
    executor->alive = false;
    driver->outcome.counts.executors_lost++;
    od_driver_emit(driver, OD_EVENT_EXECUTOR_LOST, od_driver_site(driver, id), executor->told.incarnation);
    for (uint32_t i = 0; i < driver->task_count; i++) {
        struct od_driver_task *task = &driver->tasks[i];
        if (task->epoch == executor->told.epoch && task->state == OD_TASK_RUNNING)
            od_driver_abandon(driver, task, OD_UNREACHABLE);
        else if (task->epoch == executor->told.epoch && task->state == OD_TASK_COMMITTED)
            od_driver_lose_output(driver, task, OD_UNREACHABLE);
    }
    od_assert(executor->running_count == 0);
}

void od_driver_handle_register(struct od_driver *driver, const struct od_message *message)
{
    struct od_body_register body;
    if (!od_read_register(message, &body))
        return;
    uint32_t id = message->from;
    struct od_driver_executor *executor = &driver->executors[id];
    uint64_t known = (uint64_t)executor->told.incarnation << 32 | executor->told.request;
    uint64_t asked = (uint64_t)message->from_incarnation << 32 | body.request;
    if (asked < known)
        return;
    if (asked > known || !executor->alive) {
        if (executor->alive)
            lose_executor(driver, id);
        *executor = (struct od_driver_executor){
            .alive = true, .told = {message->from_incarnation, body.request, ++driver->last_epoch}};
        od_driver_emit(driver, OD_EVENT_EXECUTOR_REGISTERED, od_driver_site(driver, id),
                       executor->told.incarnation);
    }
    executor->heard_ns = od_world_now_ns(driver->world);
    od_write_registered(&driver->outbox.body, &executor->told);
    od_outbox_send(&driver->outbox, id, OD_MESSAGE_REGISTERED, od_driver_site(driver, id));
}

struct od_driver_executor *od_driver_current_sender(struct od_driver *driver,
                                                    const struct od_message *message, uint32_t epoch)
{
    struct od_driver_executor *executor = &driver->executors[message->from];
    if (executor->alive && executor->told.epoch == epoch) {
        executor->heard_ns = od_world_now_ns(driver->world);
        return executor;
    }
    od_outbox_send_order(&driver->outbox, message->from, OD_MESSAGE_START_OVER, epoch,
                         od_driver_site(driver, message->from));
    return NULL;
}

static bool heartbeat_names(struct od_body_heartbeat body, const struct od_driver_task *task)
{
    const struct od_attempt_name wanted = od_driver_task_name(task);
    for (uint32_t i = 0; i < body.attempt_count; i++) {
        struct od_attempt_name name = od_next_attempt_name(&body.attempts);
        if (od_attempt_name_equal(&name, &wanted))
            return true;
    }
    return false;
}

/* Attempts that should be there and are not: their LAUNCH was lost. */
static void repair_launches(struct od_driver *driver, const struct od_body_heartbeat *body)
{
    uint64_t now_ns = od_world_now_ns(driver->world);
    for (uint32_t i = 0; i < driver->task_count; i++) {
        struct od_driver_task *task = &driver->tasks[i];
        if (task->state == OD_TASK_RUNNING && task->epoch == body->epoch &&
            now_ns - task->launched_ns >= driver->query->options.resend_ns && !heartbeat_names(*body, task))
            od_driver_launch_again(driver, task);
    }
}

/* Attempts that are there and should not be: their CANCEL was lost. */
static void repair_cancels(struct od_driver *driver, uint32_t id, struct od_body_heartbeat body)
{
    for (uint32_t i = 0; i < body.attempt_count; i++) {
        struct od_attempt_name name = od_next_attempt_name(&body.attempts);
        const struct od_driver_task *task = od_driver_find_task(driver, name.stage, name.task);
        if (task == NULL || task->attempt <= name.attempt)
            continue;
        struct od_site site = od_site_of(driver->query, &name, id);
        od_driver_emit(driver, OD_EVENT_TASK_CANCELLED, site, 0);
        od_outbox_send_order(&driver->outbox, id, OD_MESSAGE_CANCEL, body.epoch, site);
    }
}

void od_driver_handle_heartbeat(struct od_driver *driver, const struct od_message *message)
{
    struct od_body_heartbeat body;
    if (!od_read_heartbeat(message, &body) || od_driver_current_sender(driver, message, body.epoch) == NULL)
        return;
    repair_launches(driver, &body);
    repair_cancels(driver, message->from, body);
}

void od_driver_check_leases(struct od_driver *driver)
{
    uint64_t now_ns = od_world_now_ns(driver->world);
    for (uint32_t id = 1; id <= driver->query->options.executor_count; id++) {
        const struct od_driver_executor *executor = &driver->executors[id];
        if (executor->alive && now_ns - executor->heard_ns > driver->query->options.lease_ns)
            lose_executor(driver, id);
    }
}
