/* executor: an actor that runs attempts and serves blocks. It decides nothing: the driver does.
 *
 *            REGISTER (again until answered)          REGISTERED(epoch)
 *   UNREGISTERED ------------------------> driver ------------------------> REGISTERED
 *        ^                                                                     |  tick: heartbeat; reports and
 *        |  START_OVER(this epoch): attempts and outputs dropped               |  fetches that nobody answered again
 *        +---------------------------------------------------------------------+
 *   any -- STOP --> STOPPED (deaf, holds nothing)
 *
 * Every order names the epoch it is for; one for another epoch is dropped. Orders may come twice or in any order:
 *   LAUNCH   of an attempt that was ever seen here, or of an older one of the same task, is ignored (`seen`)
 *   CANCEL   before its LAUNCH marks it seen
 *   ACKNOWLEDGE ends an attempt that has ended; its output is kept or dropped as told
 * One timer (tag 0) drives all that repeats; each attempt's steps have its serial as tag, so a timer of a dropped attempt
 * finds nothing. */
#include "engine/run/executor.h"

#include "engine/core/assert.h"
#include "engine/run/task.h"

#define TICK_TAG 0

struct executor {
    struct od_life life;
    struct od_attempt *attempts; /* owned list, in order of launch */
    uint64_t last_serial;
    uint32_t request;       /* registrations asked for in this life */
    uint64_t registered_ns; /* when the last REGISTER was sent */
    bool stopped;
    uint32_t task_total;
    uint32_t *seen; /* owned; per task of the query: one more than the highest attempt seen in this epoch */
};

/* --- attempts -------------------------------------------------------------------------------------------------- */

/* The place of a task in `seen`; UINT32_MAX when there is no such task in the query. */
static uint32_t task_position(const struct executor *executor, uint32_t stage, uint32_t task)
{
    const struct od_stage_graph *graph = executor->life.query->graph;
    uint32_t position = 0;
    if (stage >= graph->stage_count || task >= graph->stages[stage].task_count)
        return UINT32_MAX;
    for (uint32_t i = 0; i < stage; i++)
        position += graph->stages[i].task_count;
    return position + task;
}

static struct od_attempt **find_attempt(struct executor *executor, const struct od_attempt_name *name)
{
    struct od_attempt **link = &executor->attempts;
    while (*link != NULL && !od_attempt_name_equal(&(*link)->name, name))
        link = &(*link)->next;
    return link;
}

static void remove_attempt(struct od_attempt **link)
{
    struct od_attempt *attempt = *link;
    *link = attempt->next;
    od_attempt_free(attempt);
}

static void drop_all(struct executor *executor)
{
    while (executor->attempts != NULL)
        remove_attempt(&executor->attempts);
    od_block_store_drop_all(&executor->life.store, !executor->life.gone);
    for (uint32_t i = 0; i < executor->task_total; i++)
        executor->seen[i] = 0;
}

static struct od_attempt_name message_attempt(const struct od_message *message)
{
    return (struct od_attempt_name){message->site.stage, message->site.task, message->site.attempt};
}

/* --- registration ---------------------------------------------------------------------------------------------- */

static void send_register(struct executor *executor)
{
    struct od_life *life = &executor->life;
    od_outbox_send_order(&life->outbox, 0, OD_MESSAGE_REGISTER, executor->request,
                         od_life_site(life, OD_NOBODY));
    executor->registered_ns = od_world_now_ns(life->world);
}

/* Takes the epoch that answers the latest REGISTER of this life. */
static void accept_epoch(struct executor *executor, const struct od_body_registered *registered)
{
    if (executor->life.epoch == 0 && registered->incarnation == executor->life.world->incarnation &&
        registered->request == executor->request)
        executor->life.epoch = registered->epoch;
}

static void handle_registered(struct executor *executor, const struct od_message *message)
{
    struct od_body_registered body;
    if (od_read_registered(message, &body))
        accept_epoch(executor, &body);
}

static void handle_start_over(struct executor *executor, const struct od_message *message)
{
    struct od_body_order body;
    if (!od_read_order(message, &body) || body.epoch != executor->life.epoch || body.epoch == 0)
        return;
    drop_all(executor);
    executor->life.epoch = 0;
    executor->request++;
    send_register(executor);
}

static void handle_stop(struct executor *executor, const struct od_message *message)
{
    struct od_body_order body;
    if (!od_read_order(message, &body))
        return;
    drop_all(executor);
    executor->stopped = true;
}

/* --- orders about attempts ------------------------------------------------------------------------------------- */

/* There is no room for the attempt: tell the driver once, and forget it. Nothing is marked seen, so it may be sent again. */
static void refuse_launch(struct executor *executor, const struct od_message *message,
                          const struct od_error *error)
{
    struct od_life *life = &executor->life;
    struct od_body_failed body = {.epoch = life->epoch, .status = error->status, .injected = error->injected};
    od_write_failed(&life->outbox.body, &body);
    struct od_attempt_name name = message_attempt(message);
    struct od_site site = od_life_site(life, &name);
    od_world_emit(life->world,
                  (struct od_event){.kind = OD_EVENT_TASK_FAILED, .site = site, .value = error->status});
    od_outbox_send(&life->outbox, 0, OD_MESSAGE_FAILED, site);
}

static void handle_launch(struct executor *executor, const struct od_message *message)
{
    struct od_body_launch body;
    struct od_attempt_name name = message_attempt(message);
    uint32_t position = task_position(executor, name.stage, name.task);
    if (!od_read_launch(message, &body))
        return;
    accept_epoch(executor, &body.registered);
    if (body.registered.epoch != executor->life.epoch || position == UINT32_MAX || name.attempt == OD_ANY ||
        name.attempt < executor->seen[position])
        return;
    struct od_attempt *attempt = NULL;
    struct od_error error = {0};
    enum od_status status =
        od_attempt_new(&executor->life, &name, &body, executor->last_serial + 1, &attempt, &error);
    if (status == OD_NO_MEMORY)
        refuse_launch(executor, message, &error);
    if (status != OD_OK)
        return;
    executor->last_serial++;
    executor->seen[position] = name.attempt + 1;
    struct od_attempt **end = &executor->attempts;
    while (*end != NULL)
        end = &(*end)->next;
    *end = attempt;
    od_attempt_start(attempt);
}

static void handle_cancel(struct executor *executor, const struct od_message *message)
{
    struct od_body_order body;
    struct od_attempt_name name = message_attempt(message);
    uint32_t position = task_position(executor, name.stage, name.task);
    if (!od_read_order(message, &body) || body.epoch != executor->life.epoch || position == UINT32_MAX ||
        name.attempt == OD_ANY)
        return;
    if (executor->seen[position] <= name.attempt)
        executor->seen[position] = name.attempt + 1;
    struct od_attempt **link = find_attempt(executor, &name);
    if (*link != NULL)
        remove_attempt(link);
    od_block_store_drop(&executor->life.store, &name);
}

static void handle_acknowledge(struct executor *executor, const struct od_message *message)
{
    struct od_body_acknowledge body;
    struct od_attempt_name name = message_attempt(message);
    if (!od_read_acknowledge(message, &body) || body.epoch != executor->life.epoch)
        return;
    struct od_attempt **link = find_attempt(executor, &name);
    if (*link != NULL && (*link)->state != OD_ATTEMPT_RUNNING)
        remove_attempt(link);
    if (!body.keep)
        od_block_store_drop(&executor->life.store, &name);
}

static void handle_result_wanted(struct executor *executor, const struct od_message *message)
{
    struct od_body_result_wanted body;
    struct od_attempt_name name = message_attempt(message);
    if (!od_read_result_wanted(message, &body) || body.epoch != executor->life.epoch)
        return;
    struct od_attempt *attempt = *find_attempt(executor, &name);
    if (attempt == NULL || attempt->state != OD_ATTEMPT_SUCCEEDED)
        return;
    for (uint32_t i = 0; i < body.sequence_count; i++) {
        if (!od_attempt_send_result(attempt, od_reader_u32(&body.sequences)))
            return;
    }
}

/* --- blocks ---------------------------------------------------------------------------------------------------- */

static void handle_fetch(struct executor *executor, const struct od_message *message)
{
    struct od_life *life = &executor->life;
    struct od_body_fetch body;
    if (!od_read_fetch(message, &body))
        return;
    struct od_attempt_name writer = message_attempt(message);
    struct od_site site = od_life_site(life, &writer);
    site.partition = message->site.partition;
    struct od_error error = {0};
    enum od_status status = OD_MISSING; /* of another registration: what it wrote is gone */
    if (body.epoch == life->epoch)
        status = od_block_store_read(&life->store, &writer, body.offset, body.size, &life->scratch, &error);
    struct od_point_bytes passing = {0};
    if (status == OD_OK) {
        passing = (struct od_point_bytes){.bytes = life->scratch.bytes, .size = life->scratch.size};
        status = od_life_hit(life, OD_POINT_BLOCK_SERVE, site, &passing, &error);
    }
    life->gone = life->gone || status == OD_EXECUTOR_GONE;
    if (life->gone)
        return;
    struct od_body_block answer = {.name = body.name, .status = status, .injected = error.injected};
    if (status == OD_OK) {
        answer.size = (uint32_t)passing.size;
        answer.bytes = passing.bytes;
    }
    od_write_block(&life->outbox.body, &answer);
    od_outbox_send(&life->outbox, message->from, OD_MESSAGE_BLOCK, site);
}

static void handle_block(struct executor *executor, const struct od_message *message)
{
    struct od_body_block body;
    if (!od_read_block(message, &body) || body.name.epoch != executor->life.epoch)
        return;
    struct od_attempt *attempt = *find_attempt(executor, &body.name.reader);
    if (attempt != NULL && attempt->state == OD_ATTEMPT_RUNNING && od_fetch_deliver(&attempt->fetch, &body))
        od_attempt_wake(attempt);
}

/* --- what repeats ---------------------------------------------------------------------------------------------- */

static void send_heartbeat(struct executor *executor)
{
    struct od_life *life = &executor->life;
    uint32_t attempt_count = 0;
    for (const struct od_attempt *attempt = executor->attempts; attempt != NULL; attempt = attempt->next)
        attempt_count++;
    od_buffer_append_u32(&life->outbox.body, life->epoch);
    od_buffer_append_u32(&life->outbox.body, attempt_count);
    for (const struct od_attempt *attempt = executor->attempts; attempt != NULL; attempt = attempt->next)
        od_write_attempt_name(&life->outbox.body, &attempt->name);
    od_outbox_send(&life->outbox, 0, OD_MESSAGE_HEARTBEAT, od_life_site(life, OD_NOBODY));
}

static void tick(struct executor *executor)
{
    struct od_life *life = &executor->life;
    const struct od_run_options *options = &life->query->options;
    uint64_t now_ns = od_world_now_ns(life->world);
    life->world->schedule.timer(life->world->schedule.self, options->heartbeat_ns, TICK_TAG);
    if (life->epoch == 0) {
        if (now_ns - executor->registered_ns >= options->resend_ns)
            send_register(executor);
        return;
    }
    send_heartbeat(executor);
    for (struct od_attempt *attempt = executor->attempts; attempt != NULL; attempt = attempt->next) {
        if (attempt->state == OD_ATTEMPT_RUNNING) {
            if (od_fetch_tick(&attempt->fetch, now_ns))
                od_attempt_wake(attempt);
        } else if (now_ns - attempt->reported_ns >= options->resend_ns) {
            od_attempt_report(attempt);
        }
    }
}

/* --- the actor ------------------------------------------------------------------------------------------------- */

static void executor_on_start(void *self)
{
    struct executor *executor = self;
    struct od_world *world = executor->life.world;
    send_register(executor);
    world->schedule.timer(world->schedule.self, executor->life.query->options.heartbeat_ns, TICK_TAG);
}

typedef void (*message_handler)(struct executor *executor, const struct od_message *message);
static const message_handler handlers[OD_MESSAGE_KIND_COUNT] = {
    [OD_MESSAGE_REGISTERED] = handle_registered,
    [OD_MESSAGE_START_OVER] = handle_start_over,
    [OD_MESSAGE_LAUNCH] = handle_launch,
    [OD_MESSAGE_CANCEL] = handle_cancel,
    [OD_MESSAGE_ACKNOWLEDGE] = handle_acknowledge,
    [OD_MESSAGE_RESULT_WANTED] = handle_result_wanted,
    [OD_MESSAGE_FETCH] = handle_fetch,
    [OD_MESSAGE_BLOCK] = handle_block,
    [OD_MESSAGE_STOP] = handle_stop,
};

static void executor_on_message(void *self, const struct od_message *message)
{
    struct executor *executor = self;
    if (executor->stopped || executor->life.gone || message->kind >= OD_MESSAGE_KIND_COUNT ||
        message->site.query != executor->life.query->query_id || handlers[message->kind] == NULL)
        return;
    handlers[message->kind](executor, message);
}

static void executor_on_timer(void *self, uint64_t tag)
{
    struct executor *executor = self;
    if (executor->stopped || executor->life.gone)
        return;
    if (tag == TICK_TAG) {
        tick(executor);
        return;
    }
    struct od_attempt *attempt = executor->attempts;
    while (attempt != NULL && attempt->serial != tag)
        attempt = attempt->next;
    if (attempt != NULL && attempt->state == OD_ATTEMPT_RUNNING)
        od_attempt_step(attempt);
}

static void executor_free(void *self)
{
    struct executor *executor = self;
    struct od_life *life = &executor->life;
    struct od_memory *memory = life->world->memory;
    drop_all(executor);
    od_buffer_release(&life->scratch);
    od_outbox_release(&life->outbox);
    od_block_codec_free(life->codec);
    od_give(memory, executor->seen, executor->task_total * sizeof(uint32_t));
    od_give(memory, executor, sizeof(*executor));
}

static const struct od_actor_ops executor_ops = {
    .on_start = executor_on_start,
    .on_message = executor_on_message,
    .on_timer = executor_on_timer,
    .free = executor_free,
};

enum od_status od_executor_new(struct od_world *world, const struct od_query *query,
                               struct od_actor *actor_out, struct od_error *error)
{
    *actor_out = (struct od_actor){0};
    struct executor *executor = od_take(world->memory, sizeof(*executor));
    if (executor == NULL)
        return od_fail(error, OD_NO_MEMORY, "making executor %u", world->actor_id);
    struct od_life *life = &executor->life;
    *life = (struct od_life){
        .world = world, .query = query, .store = {.world = world, .query_id = query->query_id}};
    bool can_speak = od_outbox_init(&life->outbox, world);
    od_buffer_init(&life->scratch, world->memory);
    executor->task_total = od_run_tasks(query);
    life->codec = od_block_codec_new(world->memory, error);
    executor->seen = od_take_array(world->memory, executor->task_total, sizeof(uint32_t));
    if (!can_speak || life->codec == NULL || executor->seen == NULL) {
        if (executor->seen == NULL)
            executor->task_total = 0;
        executor_free(executor);
        return od_fail(error, OD_NO_MEMORY, "making executor %u", world->actor_id);
    }
    *actor_out = (struct od_actor){.ops = &executor_ops, .self = executor};
    return OD_OK;
}
