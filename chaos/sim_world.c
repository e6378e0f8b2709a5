/* sim_world: the parts of a simulated world, one set per actor, and the places where faults reach the actors.
 *
 *   actor -> clock     virtual now; stands still during a handler
 *         -> random    the actor's own stream, new with each life
 *         -> memory    a budget over the pool
 *         -> disk      sim_disk
 *         -> net       a drawn latency
 *         -> timer     due after the handler's end
 *         -> points    nothing but that the dead are gone
 *         -> trace     the caller's; the dead are not heard
 *
 * What a handler asks for takes effect at the handler's end (busy_until_ns), so a message can't arrive
 * before its sender has done the work. A dying actor's sends and timers are dropped and its points answer
 * EXECUTOR_GONE. Faults are the wrappers' (wrap_world.h), which are around these parts where the schedule reaches them, and whose
 * host this is. */
#include "chaos/sim_host.h"

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

static uint32_t link_era(const struct od_sim *sim, const struct od_message *message)
{
    return sim->actors[message->from].link_era + sim->actors[message->to].link_era;
}

/* What a fault holds back (`delay_ns`) travels at the least latency from then on: what waits for the same moment keeps its order. */
static void send_after(struct od_sim_actor *actor, struct od_message *message, uint64_t delay_ns)
{
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
    struct od_sim_event event = {.kind = OD_SIM_MESSAGE,
                                 .actor = message->to,
                                 .incarnation = link_era(sim, message),
                                 .of.message = message};
    uint64_t free_ns = od_sim_later(sim->now_ns, delay_ns);
    if (delay_ns > 0)
        latency_ns = sim->options.latency_min_ns;
    if (free_ns < actor->busy_until_ns)
        free_ns = actor->busy_until_ns;
    od_sim_push(sim, od_sim_later(free_ns, latency_ns), &event);
}

static void world_send(void *self, struct od_message *message)
{
    send_after(self, message, 0);
}

/* --- points ----------------------------------------------------------------------------------- */

static enum od_status world_hit(void *self, enum od_point point, const struct od_site *site,
                                struct od_point_bytes *bytes, struct od_error *error)
{
    const struct od_sim_actor *actor = self;
    (void)point;
    (void)site;
    (void)bytes;
    return actor->life == OD_SIM_LIVE ? OD_OK : od_disturb_gone(error);
}

static const struct od_points_ops world_points_ops = {.hit = world_hit};

/* --- trace ------------------------------------------------------------------------------------ */

void od_sim_emit(struct od_sim *sim, struct od_event event)
{
    event.time_ns = sim->now_ns;
    if (sim->options.trace.ops != NULL)
        sim->options.trace.ops->event(sim->options.trace.self, &event);
}

/* By the simulation's clock: the actor's may be wrong. */
static void world_event(void *self, const struct od_event *event)
{
    const struct od_sim_actor *actor = self;
    if (actor->life == OD_SIM_LIVE)
        od_sim_emit(actor->sim, *event);
}

static const struct od_trace_ops world_trace_ops = {.event = world_event};

/* --- the host of wrappers --------------------------------------------------------------------- */

/* Nothing fires once the run was stopped: what its last handler still does is nobody's business. */
static struct od_disturb *wrap_enter(void *self)
{
    struct od_sim *sim = self;
    return sim->stopped ? NULL : &sim->disturb;
}

static void wrap_leave(void *self)
{
    (void)self;
}

static void wrap_strike(void *self, uint32_t actor_id, const struct od_fault *fault, const struct od_site *site)
{
    struct od_sim *sim = self;
    od_sim_note_fired(sim, fault, site);
    od_sim_strike(&sim->actors[actor_id], fault, site);
}

static void wrap_reached(void *self, const struct od_hit *hit)
{
    const struct od_sim *sim = self;
    const struct od_sim_listener *listener = &sim->options.listener;
    bool is_heard = listener->hears_calls || hit->point < OD_POINT_ACTOR_START;
    if (is_heard && !sim->stopped)
        listener->reached(listener->self, hit->point, &hit->site, hit->actor_id, hit->byte_count, sim->now_ns);
}

static bool wrap_lives(void *self, uint32_t actor_id)
{
    return od_sim_lives(self, actor_id);
}

static uint64_t wrap_now_ns(void *self)
{
    const struct od_sim *sim = self;
    return sim->now_ns;
}

static void wrap_send_later(void *self, uint32_t actor_id, struct od_message *message, uint64_t delay_ns)
{
    struct od_sim *sim = self;
    send_after(&sim->actors[actor_id], message, delay_ns);
}

struct od_wrap_host od_sim_wrap_host(struct od_sim *sim)
{
    return (struct od_wrap_host){
        .enter = wrap_enter,
        .leave = wrap_leave,
        .strike = wrap_strike,
        .reached = sim->options.listener.reached == NULL ? NULL : wrap_reached,
        .lives = wrap_lives,
        .now_ns = wrap_now_ns,
        .send_later = wrap_send_later,
        .self = sim,
        .memory = &sim->pool.memory,
    };
}

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
    od_wrap_world_init(&actor->wrap, &sim->wrap_host, sim->disturb.schedule, actor->world.actor_id);
    od_wrap_world_dress(&actor->wrap, &actor->world);
}
