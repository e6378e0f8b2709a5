/* sim_world: the parts of a simulated world, one set per actor, and the places where faults reach the actors.
 *
 *   actor -> clock     virtual now; stands still during a handler
 *         -> random    the actor's own stream, new with each life
 *         -> memory    a budget over the pool
 *         -> disk      sim_disk
 *         -> net       loss, delay, duplicate; else a drawn latency
 *         -> timer     due after the handler's end
 *         -> points    task errors, damage, crash, pause, slowness, orders to the driver
 *         -> trace     the caller's; the dead are not heard
 *
 * What a handler asks for takes effect at the handler's end (busy_until_ns), so a message can't arrive
 * before its sender has done the work. A dying actor's sends and timers are dropped and its points answer
 * EXECUTOR_GONE. */
#include "chaos/sim_host.h"

#include <string.h>

#include "engine/core/assert.h"

void od_sim_fold(struct od_sim *sim, enum od_sim_fold what, uint64_t first, uint64_t second)
{
    od_digest_add(&sim->digest, (uint64_t)what << 56 ^ first);
    od_digest_add(&sim->digest, second);
}

static uint64_t world_now_ns(void *self)
{
    const struct od_sim_actor *actor = self;
    return actor->sim->now_ns;
}

static uint64_t world_random_below(void *self, uint64_t bound)
{
    struct od_sim_actor *actor = self;
    uint64_t drawn = od_random_below(&actor->engine_stream.random, bound);
    od_sim_fold(actor->sim, OD_SIM_FOLD_RANDOM, actor->world.actor_id, drawn);
    return drawn;
}

static const struct od_random_ops world_random_ops = {.below = world_random_below};

static void world_timer(void *self, uint64_t delay_ns, uint64_t tag)
{
    struct od_sim_actor *actor = self;
    if (actor->life != OD_SIM_LIVE)
        return;
    struct od_sim_event event = {
        .kind = OD_SIM_TIMER,
        .actor = actor->world.actor_id,
        .incarnation = actor->world.incarnation,
        .of.tag = tag,
    };
    od_sim_fold(actor->sim, OD_SIM_FOLD_TIMER_SET, (uint64_t)event.actor << 32 ^ delay_ns, tag);
    od_sim_push(actor->sim, od_sim_later(actor->busy_until_ns, delay_ns), &event);
}

/* --- messages --------------------------------------------------------------------------------- */

static void push_message(struct od_sim *sim, uint64_t time_ns, struct od_message *message)
{
    struct od_sim_event event = {.kind = OD_SIM_MESSAGE, .actor = message->to, .of.message = message};
    od_sim_push(sim, time_ns, &event);
}

static void push_copy(struct od_sim *sim, uint64_t time_ns, const struct od_message *message)
{
    struct od_message *copy = od_message_new(&sim->message_budget.memory, message->body_bytes);
    if (copy == NULL) {
        sim->status = OD_NO_MEMORY;
        return;
    }
    copy->from = message->from;
    copy->to = message->to;
    copy->from_incarnation = message->from_incarnation;
    copy->kind = message->kind;
    copy->site = message->site;
    if (message->body_bytes > 0)
        memcpy(copy->body, message->body, message->body_bytes);
    push_message(sim, time_ns, copy);
}

/* The fault that fires at a hit; none once the run was stopped: what its last handler still does is nobody's business. */
static const struct od_fault *match(const struct od_sim_actor *actor, enum od_point point,
                                    const struct od_site *site, size_t byte_count)
{
    struct od_sim *sim = actor->sim;
    if (sim->stopped)
        return NULL;
    return od_disturb_match(&sim->disturb, point, site, actor->world.actor_id, byte_count, sim->now_ns);
}

static void tell(const struct od_sim_actor *actor, enum od_point point, const struct od_site *site, size_t byte_count)
{
    const struct od_sim_listener *listener = &actor->sim->options.listener;
    if (listener->reached != NULL && !actor->sim->stopped)
        listener->reached(listener->self, point, site, actor->world.actor_id, byte_count, actor->sim->now_ns);
}

static void world_send(void *self, struct od_message *message)
{
    struct od_sim_actor *actor = self;
    struct od_sim *sim = actor->sim;
    od_assert(message->to < sim->actor_count);
    if (actor->life != OD_SIM_LIVE) {
        od_message_free(&sim->message_budget.memory, message);
        return;
    }
    message->from = actor->world.actor_id;
    message->from_incarnation = actor->world.incarnation;
    od_sim_fold(sim, OD_SIM_FOLD_SEND,
                (uint64_t)message->from << 40 ^ (uint64_t)message->to << 20 ^ message->kind,
                od_hash_bytes(message->body, message->body_bytes, message->body_bytes));
    uint64_t span_ns = sim->options.latency_max_ns - sim->options.latency_min_ns + 1;
    uint64_t latency_ns =
        sim->options.latency_min_ns + od_random_below(&sim->schedule_stream.random, span_ns);
    uint64_t arrival_ns = od_sim_later(actor->busy_until_ns, latency_ns);

    struct od_site site = od_disturb_message_site(message);
    tell(actor, OD_POINT_MESSAGE_SEND, &site, message->body_bytes);
    const struct od_fault *fault = od_disturb_match(&sim->disturb, OD_POINT_MESSAGE_SEND, &site,
                                                    message->from, message->body_bytes, sim->now_ns);
    if (fault != NULL) {
        uint64_t later_ns = od_sim_later(arrival_ns, od_fault_duration_ns(fault));
        od_sim_note_fired(sim, fault, &site);
        od_sim_strike(actor, fault, &site);
        if (fault->kind == OD_FAULT_NETWORK_LOSS || actor->life == OD_SIM_DYING) {
            od_message_free(&sim->message_budget.memory, message);
            return;
        }
        if (fault->kind == OD_FAULT_NETWORK_DUPLICATE)
            push_copy(sim, later_ns, message);
        else
            arrival_ns = later_ns;
    }
    push_message(sim, arrival_ns, message);
}

/* --- points ----------------------------------------------------------------------------------- */

static enum od_status world_hit(void *self, enum od_point point, const struct od_site *site,
                                struct od_point_bytes *bytes, struct od_error *error)
{
    struct od_sim_actor *actor = self;
    struct od_sim *sim = actor->sim;
    if (actor->life != OD_SIM_LIVE)
        return od_disturb_gone(error);
    if ((sim->disturb.points_used >> point & 1) == 0 && sim->options.listener.reached == NULL)
        return OD_OK;
    struct od_site here = *site;
    here.executor = actor->world.actor_id;
    tell(actor, point, &here, bytes == NULL ? 0 : bytes->size);
    const struct od_fault *fault = match(actor, point, &here, bytes == NULL ? 0 : bytes->size);
    if (fault == NULL)
        return OD_OK;
    od_sim_note_fired(sim, fault, &here);
    od_sim_strike(actor, fault, &here);
    return od_disturb_act(fault, point, &here, bytes, error);
}

static const struct od_points_ops world_points_ops = {.hit = world_hit};

/* --- trace ------------------------------------------------------------------------------------ */

void od_sim_emit(struct od_sim *sim, struct od_event event)
{
    event.time_ns = sim->now_ns;
    if (sim->options.trace.ops != NULL)
        sim->options.trace.ops->event(sim->options.trace.self, &event);
}

static void world_event(void *self, const struct od_event *event)
{
    const struct od_sim_actor *actor = self;
    if (actor->life == OD_SIM_LIVE)
        actor->sim->options.trace.ops->event(actor->sim->options.trace.self, event);
}

static const struct od_trace_ops world_trace_ops = {.event = world_event};

void od_sim_dress(struct od_sim_actor *actor)
{
    struct od_sim *sim = actor->sim;
    actor->world.clock.now_ns = world_now_ns;
    actor->world.clock.self = actor;
    actor->world.random.ops = &world_random_ops;
    actor->world.random.self = actor;
    actor->world.memory = &actor->budget.memory;
    actor->world.disk = od_sim_disk_part(&actor->disk);
    actor->world.net.send = world_send;
    actor->world.net.self = actor;
    actor->world.net.message_memory = &sim->message_budget.memory;
    actor->world.schedule.timer = world_timer;
    actor->world.schedule.self = actor;
    actor->world.points.ops = &world_points_ops;
    actor->world.points.self = actor;
    if (sim->options.trace.ops != NULL)
        actor->world.trace = (struct od_trace){.ops = &world_trace_ops, .self = actor};
}
