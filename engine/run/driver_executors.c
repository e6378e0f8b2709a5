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

static struct od_site executor_site(uint32_t id)
{
    return od_site_of(OD_NOBODY, id);
}

static void emit(const struct od_driver *driver, enum od_event_kind kind, uint32_t id)
{
    od_world_emit(driver->world, (struct od_event){.kind = kind,
                                                   .site = executor_site(id),
                                                   .value = driver->executors[id].told.incarnation});
}

static void lose_attempts(struct od_driver_run *run, uint32_t epoch)
{
    for (uint32_t i = 0; i < run->task_count && !run->ended; i++) {
        struct od_driver_task *task = run->tasks[i];
        for (uint32_t a = task->running_count; a-- > 0;)
            if (task->running[a].epoch == epoch)
                od_driver_abandon(task, &task->running[a], OD_UNREACHABLE);
        if (task->epoch == epoch && task->state == OD_TASK_COMMITTED)
            od_driver_lose_output(task, OD_UNREACHABLE);
    }
}

/* Nobody need wait for it any longer: not its tasks, and not those who read from it. */
void od_driver_end_epoch(struct od_driver *driver, uint32_t id)
{
    struct od_driver_executor *executor = &driver->executors[id];
    od_assert(executor->alive);
    executor->alive = false;
    for (struct od_driver_run *run = driver->runs; run != NULL; run = run->next)
        lose_attempts(run, executor->told.epoch);
    od_copies_lose(&driver->own_copies, executor->told.epoch);
    for (uint32_t other = 1; other <= driver->options->executors_max; other++)
        if (driver->executors[other].alive)
            od_outbox_send_order(&driver->life.outbox, other, OD_MESSAGE_LOST, executor->told.epoch,
                                 executor_site(id));
}

static void lose_executor(struct od_driver *driver, uint32_t id)
{
    emit(driver, OD_EVENT_EXECUTOR_LOST, id);
    od_driver_note_failure(driver, id, OD_UNREACHABLE);
    for (struct od_driver_run *run = driver->runs; run != NULL; run = run->next)
        run->outcome.counts.executors_lost += !run->ended;
    od_driver_end_epoch(driver, id);
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
    if (asked < known || (asked == known && executor->has_left))
        return;
    if (asked > known || !executor->alive) {
        if (executor->alive)
            lose_executor(driver, id);
        *executor = (struct od_driver_executor){
            .alive = true, .told = {message->from_incarnation, body.request, ++driver->last_epoch}};
        emit(driver, OD_EVENT_EXECUTOR_REGISTERED, id);
    }
    executor->heard_ns = od_life_now_ns(&driver->life);
    od_write_registered(&driver->life.outbox.body, &executor->told);
    od_outbox_send(&driver->life.outbox, id, OD_MESSAGE_REGISTERED, executor_site(id));
}

struct od_driver_executor *od_driver_current_sender(struct od_driver *driver,
                                                    const struct od_message *message, uint32_t epoch)
{
    struct od_driver_executor *executor = &driver->executors[message->from];
    if (od_driver_inherits(driver, message, epoch)) {
        if (executor->alive && executor->told.epoch < epoch)
            lose_executor(driver, message->from);
        else if (executor->alive) /* nobody was there */
            od_driver_end_epoch(driver, message->from);
        /* it asked before it had this epoch: a late copy of that is nothing new, but the next time is */
        *executor = (struct od_driver_executor){.alive = true, .told = {message->from_incarnation, epoch - 1, epoch}};
        emit(driver, OD_EVENT_EXECUTOR_REGISTERED, message->from);
    }
    if (executor->alive && executor->told.epoch == epoch) {
        executor->heard_ns = od_life_now_ns(&driver->life);
        executor->is_hearsay = false;
        return executor;
    }
    bool has_left = executor->has_left && executor->told.epoch == epoch;
    od_outbox_send_order(&driver->life.outbox, message->from,
                         has_left ? OD_MESSAGE_LEAVE : OD_MESSAGE_START_OVER, epoch,
                         executor_site(message->from));
    return NULL;
}

void od_driver_handle_peer_gone(struct od_driver *driver, const struct od_message *message)
{
    struct od_body_peer_gone body;
    const struct od_driver_executor *executor = &driver->executors[message->from];
    if (od_read_peer_gone(message, &body) && executor->alive && executor->told.incarnation <= body.incarnation)
        lose_executor(driver, message->from);
}

static bool is_whole(const struct od_body_heartbeat *body)
{
    if (body->begun_count > body->attempt_count)
        return false;
    uint64_t held_bytes = (uint64_t)body->attempt_count * OD_ATTEMPT_NAME_BYTES +
                          (uint64_t)body->query_count * sizeof(uint32_t);
    return held_bytes == body->held.size - body->held.offset;
}

/* Then it also says whether the attempt has begun. */
static bool heartbeat_names(struct od_body_heartbeat body, const struct od_driver_task *task,
                            struct od_driver_attempt *attempt, uint64_t now_ns)
{
    struct od_attempt_name wanted = od_driver_task_name(task);
    wanted.attempt = attempt->number;
    for (uint32_t i = 0; i < body.attempt_count; i++) {
        struct od_attempt_name name = od_next_attempt_name(&body.held);
        if (!od_attempt_name_equal(&name, &wanted))
            continue;
        if (attempt->started_ns == 0 || i >= body.begun_count)
            attempt->started_ns = i < body.begun_count ? now_ns : 0;
        return true;
    }
    return false;
}

/* Attempts that should be there and are not: their LAUNCH was lost. */
static void repair_launches(struct od_driver_run *run, const struct od_body_heartbeat *body)
{
    uint64_t now_ns = od_life_now_ns(&run->driver->life);
    for (uint32_t i = 0; i < run->task_count && !run->ended; i++) {
        struct od_driver_task *task = run->tasks[i];
        for (uint32_t a = task->running_count; a-- > 0;) {
            struct od_driver_attempt *attempt = &task->running[a];
            if (attempt->epoch == body->epoch && !heartbeat_names(*body, task, attempt, now_ns) &&
                now_ns - attempt->launched_ns >= run->driver->options->resend_ns)
                od_driver_launch_again(task, attempt);
        }
    }
}

static struct od_driver_run *find_run(struct od_driver *driver, uint32_t query_id)
{
    struct od_driver_run *run = driver->runs;
    while (run != NULL && (run->query->query_id != query_id || run->ended))
        run = run->next;
    return run;
}

/* It runs, or it counted. */
static bool is_wanted(const struct od_driver_task *task, uint32_t attempt)
{
    bool is_wanted = (task->state == OD_TASK_COMMITTED || task->state == OD_TASK_LOST) && task->attempt == attempt;
    for (uint32_t a = 0; a < task->running_count; a++)
        is_wanted = is_wanted || task->running[a].number == attempt;
    return is_wanted;
}

/* Attempts and queries that are there and should not be: their CANCEL or END_QUERY was lost. */
static void repair_ends(struct od_driver *driver, uint32_t id, struct od_body_heartbeat body)
{
    for (uint32_t i = 0; i < body.attempt_count; i++) {
        struct od_attempt_name name = od_next_attempt_name(&body.held);
        struct od_driver_run *run = find_run(driver, name.query);
        const struct od_driver_task *task =
            run == NULL ? NULL : od_driver_find_task(run, name.stage, name.task);
        if (task == NULL)
            continue;
        od_driver_adopt(run, &name, id);
        if (name.attempt >= task->next_attempt || is_wanted(task, name.attempt))
            continue;
        struct od_site site = od_site_of(&name, id);
        od_driver_emit(run, OD_EVENT_TASK_CANCELLED, site, 0);
        od_outbox_send_order(&driver->life.outbox, id, OD_MESSAGE_CANCEL, body.epoch, site);
    }
    for (uint32_t i = 0; i < body.query_count; i++) {
        uint32_t query_id = od_reader_u32(&body.held);
        if (find_run(driver, query_id) == NULL)
            od_driver_send_end(driver, id, query_id);
    }
}

void od_driver_handle_heartbeat(struct od_driver *driver, const struct od_message *message)
{
    struct od_body_heartbeat body;
    if (!od_read_heartbeat(message, &body) || !is_whole(&body) || od_driver_current_sender(driver, message, body.epoch) == NULL)
        return;
    for (struct od_driver_run *run = driver->runs; run != NULL; run = run->next)
        repair_launches(run, &body);
    repair_ends(driver, message->from, body);
}

/* Whoever stood still cannot say that others were silent: their words may be waiting behind this tick. */
static void forgive_own_silence(struct od_driver *driver, uint64_t now_ns)
{
    uint64_t passed_ns = now_ns - driver->ticked_ns;
    bool is_late = passed_ns >= 2 * driver->options->heartbeat_ns;
    uint64_t late_ns = is_late ? passed_ns - driver->options->heartbeat_ns : 0;
    driver->ticked_ns = now_ns;
    for (uint32_t id = 1; id <= driver->options->executors_max; id++) {
        struct od_driver_executor *executor = &driver->executors[id];
        executor->heard_ns = executor->heard_ns > now_ns - late_ns ? now_ns : executor->heard_ns + late_ns;
    }
}

void od_driver_check_leases(struct od_driver *driver)
{
    uint64_t now_ns = od_life_now_ns(&driver->life);
    forgive_own_silence(driver, now_ns);
    for (uint32_t id = 1; id <= driver->options->executors_max; id++) {
        const struct od_driver_executor *executor = &driver->executors[id];
        if (executor->alive && now_ns - executor->heard_ns > driver->options->lease_ns)
            lose_executor(driver, id);
    }
}
