/* executor: an actor that runs attempts and serves blocks, of any number of queries at once. It decides nothing: the driver does.
 *
 *            REGISTER (again until answered)          REGISTERED(epoch)
 *   UNREGISTERED ------------------------> driver ------------------------> REGISTERED
 *        ^                                                                     |  tick: heartbeat; reports and
 *        |  START_OVER(this epoch): attempts and outputs dropped               |  fetches that nobody answered again
 *        +---------------------------------------------------------------------+
 *                                                            LEAVE(this epoch): all dropped, for good: silent from then on
 *
 *   a query   (first LAUNCH or PLAN) -> here: seen numbers, attempts, outputs -> END_QUERY: all of it gone
 *
 * Every order names the epoch it is for; one for another epoch is dropped. Orders may come twice or in any order:
 *   LAUNCH   of an attempt that was ever seen here, or of an older one of the same task, is ignored (`seen`); of a query
 *            whose plan is not known asks for it (PLAN_WANTED), and the driver sends both again
 *   CANCEL   before its LAUNCH marks it seen
 *   ACKNOWLEDGE ends an attempt that has ended; its output is kept or dropped as told
 *   COPY     of what is here or on its way is answered, or not begun twice
 *   END_QUERY   lost, is said again when a heartbeat names the query
 * One timer drives all that repeats, another one each attempt's steps; all have numbers of their own (od_life_set_timer), so one
 * that comes twice, or for a dropped attempt, finds nothing. */
#include "engine/run/executor.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/run/copy.h"
#include "engine/run/task.h"

/* Of a stage: one more than the highest attempt of each task that was seen in this epoch. */
struct seen_stage {
    uint32_t *attempts; /* owned */
    uint32_t capacity;
};

/* What is here of one query. */
struct known_query {
    struct known_query *next;
    uint32_t query_id;
    const struct od_query *query; /* borrowed from the catalog; NULL: its plan can't be read, `error` says why */
    struct od_error error;
    struct seen_stage *seen; /* owned; a stage each */
};
#define TASKS_MAX (UINT32_C(1) << 20) /* of a stage, which may run as more tasks than planned */

/* Queries that are over, the latest ones: an order of theirs that comes late finds the numbers it would be known by gone. */
#define ENDED_MAX 64

struct executor {
    struct od_life life;
    const struct od_query_catalog *catalog; /* borrowed */
    struct known_query *queries;            /* owned list */
    struct od_attempt *attempts;            /* owned list, in order of launch */
    struct od_copies copies;
    bool has_left; /* decommissioned: serves nothing, asks for nothing */
    uint64_t tick_timer; /* of the next tick */
    uint32_t ended[ENDED_MAX]; /* ring */
    uint32_t ended_count;
    uint32_t request;       /* the epoch before, in this life; 0: none */
    uint64_t registered_ns; /* when the last REGISTER was sent */
};

/* --- queries --------------------------------------------------------------------------------------------------- */

static struct known_query **find_query(struct executor *executor, uint32_t query_id)
{
    struct known_query **link = &executor->queries;
    while (*link != NULL && (*link)->query_id != query_id)
        link = &(*link)->next;
    return link;
}

/* `query` NULL: what could not be read, for the reason given. NULL on refusal. */
static struct known_query *add_query(struct executor *executor, uint32_t query_id, const struct od_query *query,
                                     const struct od_error *error)
{
    struct od_memory *memory = executor->life.world->memory;
    struct known_query *known = od_take(memory, sizeof(*known));
    if (known == NULL)
        return NULL;
    *known = (struct known_query){.next = executor->queries, .query_id = query_id, .query = query};
    if (query == NULL) {
        known->error = *error;
    } else {
        known->seen = od_take_array(memory, query->graph->stage_count, sizeof(*known->seen));
        if (known->seen == NULL) {
            od_give(memory, known, sizeof(*known));
            return NULL;
        }
    }
    executor->queries = known;
    return known;
}

/* Nothing of it runs any more. */
static void remove_query(struct executor *executor, struct known_query **link)
{
    struct known_query *known = *link;
    struct od_memory *memory = executor->life.world->memory;
    uint32_t stage_count = known->query == NULL ? 0 : known->query->graph->stage_count;
    *link = known->next;
    if (known->query != NULL && executor->catalog->remove != NULL)
        executor->catalog->remove(executor->catalog->self, known->query_id);
    for (uint32_t s = 0; s < stage_count; s++)
        od_give(memory, known->seen[s].attempts, known->seen[s].capacity * sizeof(uint32_t));
    od_give(memory, known->seen, stage_count * sizeof(*known->seen));
    od_give(memory, known, sizeof(*known));
}

/* Where a task's seen number is. NULL: there is no such task in the query, or no memory (*refused_out). */
static uint32_t *seen_of(struct executor *executor, struct known_query *known, const struct od_attempt_name *name,
                         bool *refused_out)
{
    *refused_out = false;
    if (known->query == NULL || name->stage >= known->query->graph->stage_count || name->attempt == OD_ANY ||
        name->task >= TASKS_MAX)
        return NULL;
    struct seen_stage *stage = &known->seen[name->stage];
    uint32_t before = stage->capacity;
    *refused_out = !od_grow(executor->life.world->memory, &stage->attempts, &stage->capacity, name->task + 1,
                            sizeof(*stage->attempts));
    for (uint32_t i = before; i < stage->capacity; i++)
        stage->attempts[i] = 0;
    return *refused_out ? NULL : &stage->attempts[name->task];
}

/* --- attempts -------------------------------------------------------------------------------------------------- */

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
    od_copies_drop_query(&executor->copies, OD_ANY);
    od_block_store_drop_all(&executor->life.store, !executor->life.gone);
    while (executor->queries != NULL)
        remove_query(executor, &executor->queries);
}

static bool has_ended(const struct executor *executor, uint32_t query_id)
{
    for (uint32_t i = 0; i < ENDED_MAX && i < executor->ended_count; i++)
        if (executor->ended[i] == query_id)
            return true;
    return false;
}

/* What is to outlive its query; of what else is cached the least recently used goes where there is no room. */
static void cache_outputs(struct executor *executor, const struct known_query *known)
{
    struct od_life *life = &executor->life;
    struct od_attempt_name oldest;
    for (uint32_t s = 0; known != NULL && known->query != NULL && s < known->query->graph->stage_count; s++) {
        const struct od_stage *stage = &known->query->graph->stages[s];
        if (stage->keep >= OD_KEEP_MEMORY && stage->cache_key != 0 && stage->cache_shape != 0)
            od_block_store_cache(&life->store, known->query_id, s);
    }
    while (od_block_store_oldest(&life->store, life->options->cache_bytes, &oldest)) {
        od_world_emit(life->world, (struct od_event){.kind = OD_EVENT_OUTPUT_EVICTED,
                                                     .site = od_life_site(life, &oldest),
                                                     .bytes = od_block_store_size(&life->store, &oldest)});
        od_block_store_drop(&life->store, &oldest);
    }
}

static void drop_query(struct executor *executor, uint32_t query_id)
{
    if (!has_ended(executor, query_id))
        executor->ended[executor->ended_count++ % ENDED_MAX] = query_id;
    struct od_attempt **attempt = &executor->attempts;
    while (*attempt != NULL) {
        if ((*attempt)->name.query == query_id) {
            od_block_store_drop(&executor->life.store, &(*attempt)->name);
            remove_attempt(attempt);
        } else {
            attempt = &(*attempt)->next;
        }
    }
    od_copies_drop_query(&executor->copies, query_id);
    cache_outputs(executor, *find_query(executor, query_id));
    od_block_store_drop_query(&executor->life.store, query_id);
    struct known_query **link = find_query(executor, query_id);
    if (*link != NULL)
        remove_query(executor, link);
}

/* --- registration ---------------------------------------------------------------------------------------------- */

static void send_register(struct executor *executor)
{
    struct od_life *life = &executor->life;
    od_outbox_send_order(&life->outbox, 0, OD_MESSAGE_REGISTER, executor->request,
                         od_life_site(life, OD_NOBODY));
    executor->registered_ns = od_life_now_ns(life);
}

/* Takes the epoch that answers the latest REGISTER of this life. */
static void accept_epoch(struct executor *executor, const struct od_body_registered *registered)
{
    if (executor->life.epoch == 0 && !executor->has_left && registered->incarnation == executor->life.world->incarnation &&
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
    executor->request = body.epoch;
    executor->life.epoch = 0;
    send_register(executor);
}

static void handle_leave(struct executor *executor, const struct od_message *message)
{
    struct od_body_order body;
    if (!od_read_order(message, &body) || body.epoch != executor->life.epoch || body.epoch == 0)
        return;
    drop_all(executor);
    executor->life.epoch = 0;
    executor->has_left = true;
    if (executor->catalog->left != NULL)
        executor->catalog->left(executor->catalog->self);
}

static void handle_end_query(struct executor *executor, const struct od_message *message)
{
    struct od_body_order body;
    if (od_read_order(message, &body) && message->site.query != OD_ANY)
        drop_query(executor, message->site.query);
}

/* --- orders about attempts ------------------------------------------------------------------------------------- */

/* It can't begin: tell the driver once, and forget it. Nothing is marked seen, so it may be sent again. */
static void refuse_launch(struct executor *executor, const struct od_attempt_name *name,
                          const struct od_error *error)
{
    struct od_life *life = &executor->life;
    struct od_body_failed body = {.epoch = life->epoch,
                                  .status = error->status,
                                  .injected = error->injected,
                                  .text = error->text,
                                  .text_size = (uint32_t)strlen(error->text)};
    struct od_site site = od_life_site(life, name);
    od_write_failed(&life->outbox.body, &body);
    od_world_emit(life->world,
                  (struct od_event){.kind = OD_EVENT_TASK_FAILED, .site = site, .value = error->status});
    od_outbox_send(&life->outbox, 0, OD_MESSAGE_FAILED, site);
}

static void refuse_for_memory(struct executor *executor, const struct od_attempt_name *name)
{
    struct od_error error;
    od_fail(&error, OD_NO_MEMORY, "taking a query: query=%u", name->query);
    refuse_launch(executor, name, &error);
}

/* The query that an order is about, as far as it is known here or can be. NULL: there is no plan of it, or no memory. */
static struct known_query *learn_query(struct executor *executor, const struct od_attempt_name *name)
{
    struct known_query *known = *find_query(executor, name->query);
    if (known != NULL)
        return known;
    const struct od_query *query = executor->catalog->find(executor->catalog->self, name->query);
    if (query == NULL) {
        od_outbox_send_order(&executor->life.outbox, 0, OD_MESSAGE_PLAN_WANTED, 0,
                             od_life_site(&executor->life, name));
        return NULL;
    }
    known = add_query(executor, name->query, query, NULL);
    if (known == NULL)
        refuse_for_memory(executor, name);
    return known;
}

static void handle_plan(struct executor *executor, const struct od_message *message)
{
    struct od_body_plan body;
    uint32_t query_id = message->site.query;
    struct od_error error = {0};
    if (!od_read_plan(message, &body) || executor->catalog->add == NULL ||
        *find_query(executor, query_id) != NULL || has_ended(executor, query_id) ||
        executor->catalog->find(executor->catalog->self, query_id) != NULL)
        return;
    enum od_status status =
        executor->catalog->add(executor->catalog->self, query_id, body.bytes, body.size, &error);
    if (status == OD_NO_MEMORY) /* it may pass: the next LAUNCH asks for the plan again */
        return;
    /* known from here on, so that a heartbeat names it and END_QUERY finds it, whether it is ever launched or not */
    const struct od_query *query =
        status == OD_OK ? executor->catalog->find(executor->catalog->self, query_id) : NULL;
    if (add_query(executor, query_id, query, &error) == NULL && status == OD_OK && executor->catalog->remove != NULL)
        executor->catalog->remove(executor->catalog->self, query_id);
}

static void start_attempt(struct executor *executor, const struct od_attempt_name *name,
                          const struct od_body_launch *body, struct known_query *known)
{
    bool is_refused;
    uint32_t *seen = seen_of(executor, known, name, &is_refused);
    if (is_refused)
        refuse_for_memory(executor, name);
    if (seen == NULL || name->attempt < *seen || name->task >= body->task_count)
        return;
    struct od_attempt *attempt = NULL;
    struct od_error error = {0};
    enum od_status status = od_attempt_new(&executor->life, known->query, name, body, &attempt, &error);
    if (status != OD_OK) {
        refuse_launch(executor, name, &error);
        return;
    }
    *seen = name->attempt + 1;
    struct od_attempt **end = &executor->attempts;
    while (*end != NULL)
        end = &(*end)->next;
    *end = attempt;
}

/* As many as there are slots, in order of launch: those that wait are the last ones. */
static void begin_waiting(struct executor *executor)
{
    uint32_t slots = executor->life.options->slots_per_executor;
    for (const struct od_attempt *attempt = executor->attempts; attempt != NULL; attempt = attempt->next)
        slots -= attempt->state == OD_ATTEMPT_RUNNING;
    for (struct od_attempt *attempt = executor->attempts; attempt != NULL && slots != 0; attempt = attempt->next) {
        if (attempt->state != OD_ATTEMPT_WAITING)
            continue;
        od_attempt_start(attempt);
        if (executor->life.gone)
            return;
        slots -= attempt->state == OD_ATTEMPT_RUNNING;
    }
}

static void handle_launch(struct executor *executor, const struct od_message *message)
{
    struct od_body_launch body;
    struct od_attempt_name name = od_message_attempt(message);
    if (!od_read_launch(message, &body))
        return;
    accept_epoch(executor, &body.registered);
    if (body.registered.epoch != executor->life.epoch || has_ended(executor, name.query))
        return;
    struct known_query *known = learn_query(executor, &name);
    if (known != NULL && known->query == NULL)
        refuse_launch(executor, &name, &known->error);
    else if (known != NULL)
        start_attempt(executor, &name, &body, known);
}

static void handle_cancel(struct executor *executor, const struct od_message *message)
{
    struct od_body_order body;
    struct od_attempt_name name = od_message_attempt(message);
    if (!od_read_order(message, &body) || body.epoch != executor->life.epoch)
        return;
    struct known_query *known = *find_query(executor, name.query);
    if (known == NULL && !has_ended(executor, name.query) && executor->catalog->find(executor->catalog->self, name.query) != NULL)
        known = learn_query(executor, &name);
    bool is_refused; /* then it may yet be launched, and the next heartbeat shows it */
    uint32_t *seen = known == NULL ? NULL : seen_of(executor, known, &name, &is_refused);
    if (seen != NULL && *seen <= name.attempt)
        *seen = name.attempt + 1;
    struct od_attempt **link = find_attempt(executor, &name);
    if (*link != NULL)
        remove_attempt(link);
    od_block_store_drop(&executor->life.store, &name);
}

static void handle_acknowledge(struct executor *executor, const struct od_message *message)
{
    struct od_body_acknowledge body;
    struct od_attempt_name name = od_message_attempt(message);
    if (!od_read_acknowledge(message, &body) || body.epoch != executor->life.epoch)
        return;
    struct od_attempt **link = find_attempt(executor, &name);
    if (*link != NULL && (*link)->state > OD_ATTEMPT_RUNNING)
        remove_attempt(link);
    if (!body.keep)
        od_block_store_drop(&executor->life.store, &name);
}

/* --- blocks ---------------------------------------------------------------------------------------------------- */

static void handle_fetch(struct executor *executor, const struct od_message *message)
{
    od_life_serve(&executor->life, message);
}

static void handle_copy(struct executor *executor, const struct od_message *message)
{
    struct od_body_copy body;
    const struct od_attempt_name name = od_message_attempt(message);
    if (od_read_copy(message, &body) && body.epoch == executor->life.epoch && !has_ended(executor, name.query))
        od_copies_begin(&executor->copies, &name, &body);
}

static void tell_copied(void *self, const struct od_attempt_name *name, enum od_status status)
{
    struct executor *executor = self;
    struct od_life *life = &executor->life;
    const struct od_body_copied body = {.epoch = life->epoch, .status = status};
    od_write_copied(&life->outbox.body, &body);
    od_outbox_send(&life->outbox, 0, OD_MESSAGE_COPIED, od_life_site(life, name));
}

static void handle_block(struct executor *executor, const struct od_message *message)
{
    struct od_body_block body;
    if (!od_read_block(message, &body) || body.name.epoch != executor->life.epoch)
        return;
    if (body.name.input_index == OD_COPY_INPUT) {
        od_copies_deliver(&executor->copies, &body);
        return;
    }
    struct od_attempt *attempt = *find_attempt(executor, &body.name.reader);
    if (attempt != NULL && attempt->state == OD_ATTEMPT_RUNNING && od_fetch_deliver(&attempt->fetch, &body))
        od_attempt_wake(attempt);
}

static void handle_lost(struct executor *executor, const struct od_message *message)
{
    struct od_body_order body;
    if (!od_read_order(message, &body))
        return;
    for (struct od_attempt *attempt = executor->attempts; attempt != NULL; attempt = attempt->next)
        if (attempt->state <= OD_ATTEMPT_RUNNING && od_fetch_lose(&attempt->fetch, body.epoch))
            od_attempt_wake(attempt);
    od_copies_lose(&executor->copies, body.epoch);
}

/* --- what repeats ---------------------------------------------------------------------------------------------- */

/* Those of which there is a copy here and nothing else: the next after `query_id`; 0: none. */
static uint32_t next_copied_query(struct executor *executor, uint32_t query_id)
{
    do
        query_id = od_block_store_next_query(&executor->life.store, query_id);
    while (query_id != 0 && *find_query(executor, query_id) != NULL);
    return query_id;
}

static void send_heartbeat(struct executor *executor)
{
    struct od_life *life = &executor->life;
    struct od_body_heartbeat body = {.epoch = life->epoch};
    for (const struct od_attempt *attempt = executor->attempts; attempt != NULL; attempt = attempt->next) {
        body.attempt_count++;
        body.begun_count += attempt->state != OD_ATTEMPT_WAITING;
    }
    for (const struct known_query *known = executor->queries; known != NULL; known = known->next)
        body.query_count++;
    for (uint32_t id = next_copied_query(executor, 0); id != 0; id = next_copied_query(executor, id))
        body.query_count++;
    od_write_heartbeat(&life->outbox.body, &body);
    for (const struct od_attempt *attempt = executor->attempts; attempt != NULL; attempt = attempt->next)
        od_write_attempt_name(&life->outbox.body, &attempt->name);
    for (const struct known_query *known = executor->queries; known != NULL; known = known->next)
        od_buffer_append_u32(&life->outbox.body, known->query_id);
    for (uint32_t id = next_copied_query(executor, 0); id != 0; id = next_copied_query(executor, id))
        od_buffer_append_u32(&life->outbox.body, id);
    od_outbox_send(&life->outbox, 0, OD_MESSAGE_HEARTBEAT, od_life_site(life, OD_NOBODY));
}

static void tick(struct executor *executor)
{
    struct od_life *life = &executor->life;
    const struct od_cluster_options *options = life->options;
    uint64_t now_ns = od_life_now_ns(life);
    if (executor->has_left)
        return;
    executor->tick_timer = od_life_set_timer(life, options->heartbeat_ns);
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
        } else if (attempt->state != OD_ATTEMPT_WAITING && now_ns - attempt->reported_ns >= options->resend_ns) {
            od_attempt_report(attempt);
        }
    }
    od_copies_tick(&executor->copies, now_ns);
}

/* --- the actor ------------------------------------------------------------------------------------------------- */

static void executor_on_start(void *self)
{
    struct executor *executor = self;
    send_register(executor);
    executor->tick_timer = od_life_set_timer(&executor->life, executor->life.options->heartbeat_ns);
}

typedef void (*message_handler)(struct executor *executor, const struct od_message *message);
static const message_handler handlers[OD_MESSAGE_KIND_COUNT] = {
    [OD_MESSAGE_REGISTERED] = handle_registered,
    [OD_MESSAGE_START_OVER] = handle_start_over,
    [OD_MESSAGE_LAUNCH] = handle_launch,
    [OD_MESSAGE_CANCEL] = handle_cancel,
    [OD_MESSAGE_ACKNOWLEDGE] = handle_acknowledge,
    [OD_MESSAGE_FETCH] = handle_fetch,
    [OD_MESSAGE_BLOCK] = handle_block,
    [OD_MESSAGE_PLAN] = handle_plan,
    [OD_MESSAGE_LOST] = handle_lost,
    [OD_MESSAGE_END_QUERY] = handle_end_query,
    [OD_MESSAGE_COPY] = handle_copy,
    [OD_MESSAGE_LEAVE] = handle_leave,
};

static void executor_on_message(void *self, const struct od_message *message)
{
    struct executor *executor = self;
    if (executor->life.gone || message->kind >= OD_MESSAGE_KIND_COUNT || handlers[message->kind] == NULL)
        return;
    if (message->from == 0 && message->from_incarnation < executor->life.driver_incarnation)
        return; /* a word of the driver's last life */
    if (message->from == 0)
        executor->life.driver_incarnation = message->from_incarnation;
    handlers[message->kind](executor, message);
    if (!executor->life.gone)
        begin_waiting(executor);
}

static void executor_on_timer(void *self, uint64_t tag)
{
    struct executor *executor = self;
    if (executor->life.gone)
        return;
    if (tag == executor->tick_timer) {
        tick(executor);
        return;
    }
    struct od_attempt *attempt = executor->attempts;
    while (attempt != NULL && attempt->step_timer != tag)
        attempt = attempt->next;
    if (attempt != NULL && attempt->state == OD_ATTEMPT_RUNNING)
        od_attempt_step(attempt);
    if (!executor->life.gone)
        begin_waiting(executor);
}

static void executor_free(void *self)
{
    struct executor *executor = self;
    struct od_memory *memory = executor->life.world->memory;
    drop_all(executor);
    od_life_release(&executor->life);
    od_give(memory, executor, sizeof(*executor));
}

static const struct od_actor_ops executor_ops = {
    .on_start = executor_on_start,
    .on_message = executor_on_message,
    .on_timer = executor_on_timer,
    .free = executor_free,
};

enum od_status od_executor_new(struct od_world *world, const struct od_cluster_options *options,
                               const struct od_query_catalog *catalog, struct od_actor *actor_out,
                               struct od_error *error)
{
    *actor_out = (struct od_actor){0};
    struct executor *executor = od_take(world->memory, sizeof(*executor));
    if (executor == NULL)
        return od_fail(error, OD_NO_MEMORY, "making executor %u", world->actor_id);
    *executor = (struct executor){.catalog = catalog};
    executor->copies =
        (struct od_copies){.life = &executor->life, .ended = tell_copied, .self = executor};
    if (!od_life_init(&executor->life, world, options)) {
        executor_free(executor);
        return od_fail(error, OD_NO_MEMORY, "making executor %u", world->actor_id);
    }
    *actor_out = (struct od_actor){.ops = &executor_ops, .self = executor};
    return OD_OK;
}
