/* driver: the one coordinator of a query.
 *
 *   RUNNING --- last result task committed | permanent error | retries exhausted | deadline ---> ENDED
 *
 * Handlers change the state of executors and tasks, then `pump` launches what can run. All handlers are idempotent: a
 * message that comes twice, late or out of order finds the state moved on and changes nothing (README.md draws the protocol and
 * says who repairs which loss).
 *
 *   a task     WAITING -> RUNNING -> COMMITTED -> (output lost and still needed) WAITING, generation + 1
 *   an epoch   given at REGISTER, ended by silence longer than the lease or by a newer REGISTER; never given again
 *
 * At the end executors are told to stop, and whoever speaks to an ended driver is told again. The sink is called as the very
 * last thing of a handler, because it may take the driver's world apart. */
#include "engine/run/driver_state.h"

#include "engine/core/assert.h"

struct od_run_options od_run_options_resolve(const struct od_run_options *options)
{
    const uint64_t ms = 1000000;
    struct od_run_options resolved = *options;
#define DEFAULT(field, value)                                                                                \
    if (resolved.field == 0)                                                                                 \
    resolved.field = (value)
    DEFAULT(executor_count, 3);
    DEFAULT(slots_per_executor, 1);
    DEFAULT(batch_rows, 1024);
    DEFAULT(attempts_max, 4);
    DEFAULT(recoveries_max, 1000);
    DEFAULT(heartbeat_ns, 20 * ms);
    DEFAULT(lease_ns, 100 * ms);
    DEFAULT(resend_ns, 30 * ms);
    DEFAULT(retry_backoff_ns, 5 * ms);
    DEFAULT(deadline_ns, 60000 * ms);
#undef DEFAULT
    return resolved;
}

struct od_site od_driver_site(const struct od_driver *driver, uint32_t executor)
{
    return od_site_of(driver->query, OD_NOBODY, executor);
}

struct od_site od_driver_task_site(const struct od_driver *driver, const struct od_driver_task *task)
{
    struct od_attempt_name name = od_driver_task_name(task);
    return od_site_of(driver->query, &name, task->executor);
}

void od_driver_emit_event(const struct od_driver *driver, struct od_event event)
{
    if (!driver->ended ||
        event.kind == OD_EVENT_QUERY_ENDED) /* a handler may end the query half-way through a loop */
        od_world_emit(driver->world, event);
}

void od_driver_emit(const struct od_driver *driver, enum od_event_kind kind, struct od_site site,
                    uint64_t value)
{
    od_driver_emit_event(driver, (struct od_event){.kind = kind, .site = site, .value = value});
}

struct od_driver_task *od_driver_find_task(struct od_driver *driver, uint32_t stage, uint32_t task)
{
    bool is_there = stage < driver->stage_count && task < driver->stages[stage].plan->task_count;
    return is_there ? &driver->stages[stage].tasks[task] : NULL;
}

struct od_driver_task *od_driver_find_running(struct od_driver *driver, const struct od_message *message,
                                              uint32_t epoch)
{
    struct od_driver_task *task = od_driver_find_task(driver, message->site.stage, message->site.task);
    bool is_running = task != NULL && task->state == OD_TASK_RUNNING &&
                      task->attempt == message->site.attempt && task->epoch == epoch;
    return is_running ? task : NULL;
}

/* --- the end --------------------------------------------------------------------------------------------------- */

static void send_stop(struct od_driver *driver, uint32_t executor)
{
    od_outbox_send_order(&driver->outbox, executor, OD_MESSAGE_STOP, 0, od_driver_site(driver, executor));
}

void od_driver_end(struct od_driver *driver, enum od_status status, const struct od_error *error)
{
    if (driver->ended)
        return;
    driver->ended = true;
    struct od_outcome *outcome = &driver->outcome;
    if (error != NULL)
        outcome->error = *error;
    if (status == OD_OK)
        status = od_driver_collect(driver, &outcome->answer, &outcome->error);
    outcome->status = status;
    outcome->error.status = status;
    outcome->counts.ended_ns = od_world_now_ns(driver->world);
    uint64_t row_count = outcome->answer == NULL ? 0 : od_table_row_count(outcome->answer);
    od_driver_emit_event(driver, (struct od_event){.kind = OD_EVENT_QUERY_ENDED,
                                                   .site = od_driver_site(driver, OD_ANY),
                                                   .rows = row_count,
                                                   .value = status});
    for (uint32_t i = 1; i <= driver->query->options.executor_count; i++)
        send_stop(driver, i);
}

/* Every handler ends here. */
static void tell_sink(struct od_driver *driver)
{
    if (!driver->ended || driver->told)
        return;
    driver->told = true;
    struct od_outcome outcome = driver->outcome;
    driver->outcome = (struct od_outcome){0};
    driver->sink.ended(driver->sink.self, &outcome);
}

/* --- the actor ------------------------------------------------------------------------------------------------- */

static void set_timer(struct od_driver *driver, uint64_t delay_ns, enum od_driver_timer tag)
{
    driver->world->schedule.timer(driver->world->schedule.self, delay_ns, tag);
}

static void driver_on_start(void *self)
{
    struct od_driver *driver = self;
    const struct od_run_options *options = &driver->query->options;
    driver->outcome.counts.started_ns = od_world_now_ns(driver->world);
    od_driver_emit(driver, OD_EVENT_QUERY_STARTED, od_driver_site(driver, OD_ANY), driver->stage_count);
    set_timer(driver, options->heartbeat_ns, OD_TIMER_TICK);
    set_timer(driver, options->deadline_ns, OD_TIMER_DEADLINE);
}

typedef void (*message_handler)(struct od_driver *driver, const struct od_message *message);
static const message_handler handlers[OD_MESSAGE_KIND_COUNT] = {
    [OD_MESSAGE_REGISTER] = od_driver_handle_register, [OD_MESSAGE_HEARTBEAT] = od_driver_handle_heartbeat,
    [OD_MESSAGE_DONE] = od_driver_handle_done,         [OD_MESSAGE_FAILED] = od_driver_handle_failed,
    [OD_MESSAGE_RESULT] = od_driver_handle_result,
};

static void driver_on_message(void *self, const struct od_message *message)
{
    struct od_driver *driver = self;
    if (message->kind >= OD_MESSAGE_KIND_COUNT || handlers[message->kind] == NULL || message->from == 0 ||
        message->from > driver->query->options.executor_count ||
        message->site.query != driver->query->query_id)
        return;
    if (driver->ended) {
        if (message->kind != OD_MESSAGE_RESULT)
            send_stop(driver, message->from);
        return;
    }
    handlers[message->kind](driver, message);
    od_driver_pump(driver);
    tell_sink(driver);
}

static void driver_on_timer(void *self, uint64_t tag)
{
    struct od_driver *driver = self;
    if (driver->ended)
        return;
    if (tag == OD_TIMER_DEADLINE) {
        struct od_error error = {0};
        od_fail(&error, OD_TIMED_OUT, "running a query: not done after %llu ms",
                (unsigned long long)(driver->query->options.deadline_ns / 1000000));
        od_driver_end(driver, OD_TIMED_OUT, &error);
    } else if (tag == OD_TIMER_TICK) {
        set_timer(driver, driver->query->options.heartbeat_ns, OD_TIMER_TICK);
        od_driver_check_leases(driver);
    }
    od_driver_pump(driver);
    tell_sink(driver);
}

static void driver_free(void *self)
{
    struct od_driver *driver = self;
    struct od_memory *memory = driver->world->memory;
    for (uint32_t i = 0; i < driver->task_count; i++) {
        od_driver_drop_parts(driver, &driver->tasks[i]);
        od_give(memory, driver->tasks[i].entries,
                driver->tasks[i].done.block_count * sizeof(struct od_block_entry));
    }
    od_table_free(memory, driver->outcome.answer);
    od_block_codec_free(driver->codec);
    od_outbox_release(&driver->outbox);
    od_arena_release(&driver->block_arena);
    od_arena_release(&driver->driver_arena);
    od_give(memory, driver, sizeof(*driver));
}

static const struct od_actor_ops driver_ops = {
    .on_start = driver_on_start,
    .on_message = driver_on_message,
    .on_timer = driver_on_timer,
    .free = driver_free,
};

static bool make_stages(struct od_driver *driver)
{
    const struct od_stage_graph *graph = driver->query->graph;
    uint32_t task_count = od_run_tasks(driver->query);
    driver->stages = od_arena_take_array(&driver->driver_arena, graph->stage_count, sizeof(*driver->stages));
    driver->tasks = od_arena_take_array(&driver->driver_arena, task_count, sizeof(*driver->tasks));
    if (driver->stages == NULL || driver->tasks == NULL)
        return false;
    driver->stage_count = graph->stage_count;
    for (uint32_t s = 0; s < graph->stage_count; s++) {
        struct od_driver_stage *stage = &driver->stages[s];
        *stage =
            (struct od_driver_stage){.plan = &graph->stages[s], .tasks = &driver->tasks[driver->task_count]};
        od_assert(stage->plan->stage_index == s);
        for (uint32_t t = 0; t < stage->plan->task_count; t++)
            stage->tasks[t] = (struct od_driver_task){.stage = stage, .index = t, .is_needed = true};
        driver->task_count += stage->plan->task_count;
    }
    return true;
}

enum od_status od_driver_new(struct od_world *world, const struct od_query *query,
                             struct od_outcome_sink sink, struct od_actor *actor_out, struct od_error *error)
{
    *actor_out = (struct od_actor){0};
    od_assert(query->graph->stage_count >= 1);
    od_assert(query->graph->stages[query->graph->stage_count - 1].exchange == OD_EXCHANGE_RESULT);
    struct od_driver *driver = od_take(world->memory, sizeof(*driver));
    if (driver == NULL)
        return od_fail(error, OD_NO_MEMORY, "making the driver");
    *driver = (struct od_driver){.world = world, .query = query, .sink = sink};
    bool can_speak = od_outbox_init(&driver->outbox, world);
    od_arena_init(&driver->driver_arena, world->memory, 0);
    od_arena_init(&driver->block_arena, world->memory, 1024);
    driver->codec = od_block_codec_new(world->memory, NULL);
    driver->executors = od_arena_take_array(&driver->driver_arena, (size_t)query->options.executor_count + 1,
                                            sizeof(*driver->executors));
    if (!can_speak || driver->codec == NULL || driver->executors == NULL || !make_stages(driver)) {
        driver_free(driver);
        return od_fail(error, OD_NO_MEMORY, "making the driver: stages=%u", query->graph->stage_count);
    }
    *actor_out = (struct od_actor){.ops = &driver_ops, .self = driver};
    return OD_OK;
}
