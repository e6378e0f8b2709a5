/* sim: lives of actors, and the loop that hands them what falls due.
 *
 *   pop (time, sequence) -> START  make the actor, on_start
 *                        -> MESSAGE, TIMER, ORDER  actor free? handle : append to its waiting list, and arrange a WAKE
 *                        -> WAKE   handle the first that waits, arrange the next
 *                        -> FAULT  what happens at a time
 *                        -> HEAL   end all pauses, start all the dead
 *
 * An actor is busy from a handler's start for its drawn cost, and stands still while paused; the two make
 * one number, ready_ns. Events are popped in their total order and wait in a list per actor, so they are
 * handled in that order.
 *
 * A life: ABSENT -> LIVE -> (DYING ->) ABSENT. A fault inside a handler makes the actor DYING; when the
 * handler has returned the actor is freed, its disk emptied (the driver's: crashed), what waits for it dropped,
 * and the START of its next life scheduled. An executor that may be added is ABSENT until then. Timers name the life they belong to; a WAKE counts only if it is the one last
 * arranged: so nothing is ever searched for in the heap or taken out of its middle.
 *
 * The loop stops by itself when memory runs out or the factory fails: facts.status then says so. It is not
 * silent. */
#include "chaos/sim.h"

#include "chaos/fault_kind.h"
#include "chaos/sim_host.h"
#include "engine/core/assert.h"

#define US             UINT64_C(1000)
#define LATENCY_MIN_NS (50 * US)
#define LATENCY_MAX_NS (500 * US)
#define HANDLER_NS_MIN (1 * US)
#define HANDLER_NS_MAX (20 * US)
#define START_AGAIN_NS (20000 * US)
#define EVENTS_MAX     UINT64_C(2000000)

/* --- events ----------------------------------------------------------------------------------- */

static void drop_event(struct od_sim *sim, uint32_t event_index)
{
    struct od_sim_event *event = &sim->queue.events[event_index];
    if (event->kind == OD_SIM_MESSAGE)
        od_message_free(&sim->message_budget.memory, event->of.message);
    od_sim_queue_give_back(&sim->queue, event_index);
}

void od_sim_push(struct od_sim *sim, uint64_t time_ns, const struct od_sim_event *event)
{
    if (od_sim_queue_push(&sim->queue, time_ns, event))
        return;
    sim->status = OD_NO_MEMORY;
    if (event->kind == OD_SIM_MESSAGE)
        od_message_free(&sim->message_budget.memory, event->of.message);
}

void od_sim_note_fired(struct od_sim *sim, const struct od_fault *fault, const struct od_site *site)
{
    struct od_event event = od_disturb_fired_event(&sim->disturb, fault, site);
    od_sim_fold(sim, OD_SIM_FOLD_FIRED, event.value, sim->now_ns);
    od_sim_emit(sim, event);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static uint64_t ready_ns(const struct od_sim_actor *actor)
{
    return actor->busy_until_ns > actor->paused_until_ns ? actor->busy_until_ns : actor->paused_until_ns;
}

static void arrange_wake(struct od_sim_actor *actor)
{
    if (actor->waiting_first == OD_ANY || actor->wake_ns != UINT64_MAX || ready_ns(actor) == UINT64_MAX)
        return;
    struct od_sim_event event = {.kind = OD_SIM_WAKE, .actor = actor->world.actor_id};
    actor->wake_ns = ready_ns(actor) > actor->sim->now_ns ? ready_ns(actor) : actor->sim->now_ns;
    od_sim_push(actor->sim, actor->wake_ns, &event);
}

static void wait_append(struct od_sim_actor *actor, uint32_t event_index)
{
    struct od_sim_event *events = actor->sim->queue.events;
    events[event_index].next = OD_ANY;
    if (actor->waiting_first == OD_ANY)
        actor->waiting_first = event_index;
    else
        events[actor->waiting_last].next = event_index;
    actor->waiting_last = event_index;
    arrange_wake(actor);
}

static uint32_t wait_take(struct od_sim_actor *actor)
{
    uint32_t event_index = actor->waiting_first;
    if (event_index != OD_ANY)
        actor->waiting_first = actor->sim->queue.events[event_index].next;
    return event_index;
}

/* --- lives ------------------------------------------------------------------------------------ */

static void push_start(struct od_sim_actor *actor, uint64_t time_ns)
{
    struct od_sim_event event = {
        .kind = OD_SIM_START,
        .actor = actor->world.actor_id,
        .incarnation = actor->world.incarnation + 1,
    };
    od_sim_push(actor->sim, time_ns, &event);
}

/* Frees the actor's object and drops what waits for it. One that was not killed still has its disk, and
 * may tidy up. */
static void end_life(struct od_sim_actor *actor)
{
    if (actor->life == OD_SIM_ABSENT)
        return;
    actor->life = OD_SIM_DYING;
    actor->actor.ops->free(actor->actor.self);
    actor->actor = (struct od_actor){0};
    actor->life = OD_SIM_ABSENT;
    for (uint32_t index = wait_take(actor); index != OD_ANY; index = wait_take(actor))
        drop_event(actor->sim, index);
    actor->wake_ns = UINT64_MAX;
    actor->paused_until_ns = 0;
    actor->slow_until_ns = 0;
}

static void bury(struct od_sim_actor *actor)
{
    end_life(actor);
    od_wrap_world_end(&actor->wrap);
    if (actor->disk.is_durable)
        od_sim_disk_crash(&actor->disk, actor->killer->amount, actor->killer->lost_write);
    else
        od_sim_disk_empty(&actor->disk);
    if (od_disturb_is_healed(&actor->sim->disturb, actor->sim->now_ns))
        actor->restart_ns = actor->sim->now_ns;
    if (actor->restart_ns != UINT64_MAX)
        push_start(actor, actor->restart_ns);
}

static void kill(struct od_sim_actor *actor, const struct od_fault *fault, uint64_t until_ns)
{
    od_assert(actor->life == OD_SIM_LIVE);
    actor->life = OD_SIM_DYING;
    actor->disk.gone = true;
    actor->restart_ns = until_ns;
    actor->killer = fault;
}

/* The others of its group, who run no handler now, end at once. */
static void kill_group(struct od_sim_actor *actor, const struct od_fault *fault, uint64_t until_ns)
{
    kill(actor, fault, until_ns);
    for (uint32_t i = 1; i < actor->sim->actor_count; i++) {
        struct od_sim_actor *other = &actor->sim->actors[i];
        if (other == actor || !od_fault_strikes_both(fault, i, actor->world.actor_id) || other->life != OD_SIM_LIVE)
            continue;
        kill(other, fault, until_ns);
        bury(other);
    }
}

/* The first executor that was never started; NULL: there is room for none. */
static struct od_sim_actor *find_room(struct od_sim *sim)
{
    for (uint32_t i = 1; i < sim->actor_count; i++)
        if (!sim->actors[i].is_member)
            return &sim->actors[i];
    return NULL;
}

static void add_executor(struct od_sim *sim)
{
    struct od_sim_actor *added = find_room(sim);
    added->is_member = true;
    push_start(added, sim->now_ns);
}

void od_sim_strike(struct od_sim_actor *actor, const struct od_fault *fault, const struct od_site *site)
{
    struct od_sim *sim = actor->sim;
    uint64_t duration_ns = od_fault_duration_ns(fault);
    uint64_t until_ns = od_sim_later(sim->now_ns, duration_ns);
    struct od_sim_event event = {.kind = OD_SIM_ORDER};
    switch (od_fault_kind_row(fault->kind)->effect) {
    case OD_EFFECT_KILL:
        kill_group(actor, fault, until_ns);
        break;
    case OD_EFFECT_PAUSE:
        actor->paused_until_ns = until_ns > actor->paused_until_ns ? until_ns : actor->paused_until_ns;
        break;
    case OD_EFFECT_SLOW:
        actor->slow_until_ns = until_ns;
        actor->slow_factor = fault->amount;
        break;
    case OD_EFFECT_STALL:
        actor->busy_until_ns = od_sim_later(actor->busy_until_ns, duration_ns);
        break;
    case OD_EFFECT_ADD:
        add_executor(sim);
        break;
    case OD_EFFECT_ORDER:
        (void)od_disturb_order(fault, site, &event.of.order);
        od_sim_push(sim, sim->now_ns, &event);
        break;
    case OD_EFFECT_FORGET_DISK:
        od_sim_disk_empty(&actor->disk);
        break;
    case OD_EFFECT_RESET:
        actor->link_era++;
        break;
    default:
        break; /* the wrappers' */
    }
}

/* The virtual cost of a handler that starts now. */
static void become_busy(struct od_sim_actor *actor)
{
    uint64_t cost_ns = HANDLER_NS_MIN + od_random_below(&actor->sim->schedule_stream.random,
                                                        HANDLER_NS_MAX - HANDLER_NS_MIN + 1);
    if (actor->sim->now_ns < actor->slow_until_ns)
        cost_ns *= actor->slow_factor;
    actor->busy_until_ns = actor->sim->now_ns + cost_ns;
}

/* A life could not be made: a fault may do that, and its supervisor then tries again; else it is the simulation's own trouble. */
static void miscarry(struct od_sim_actor *actor, enum od_status status)
{
    struct od_sim *sim = actor->sim;
    uint64_t next_ns = actor->life == OD_SIM_DYING ? actor->restart_ns : od_sim_later(sim->now_ns, START_AGAIN_NS);
    actor->life = OD_SIM_ABSENT;
    if (actor->disk.open_count == 0 && !actor->disk.is_durable)
        od_sim_disk_empty(&actor->disk);
    if (sim->disturb.total_fired == 0)
        sim->status = status;
    else if (next_ns != UINT64_MAX)
        push_start(actor, next_ns);
}

static void start_life(struct od_sim *sim, const struct od_sim_event *start)
{
    struct od_sim_actor *actor = &sim->actors[start->actor];
    if (actor->life != OD_SIM_ABSENT || start->incarnation != actor->world.incarnation + 1)
        return; /* healing was quicker */
    actor->world.incarnation = start->incarnation;
    actor->disk.gone = false;
    od_stream_init(&actor->engine_stream,
                   od_mix_two(sim->options.seed, (uint64_t)start->actor << 32 | start->incarnation),
                   "engine");
    od_sim_fold(sim, OD_SIM_FOLD_START, (uint64_t)start->actor << 32 | start->incarnation, sim->now_ns);
    become_busy(actor);
    actor->life = OD_SIM_LIVE;
    enum od_status status = sim->factory.make(sim->factory.self, &actor->world, &actor->actor, NULL);
    if (status != OD_OK) {
        miscarry(actor, status);
        return;
    }
    if (actor->life == OD_SIM_LIVE && od_wrap_world_begin(&actor->wrap) == OD_OK)
        actor->actor.ops->on_start(actor->actor.self);
    if (actor->life == OD_SIM_DYING)
        bury(actor);
}

/* --- what falls due --------------------------------------------------------------------------- */

static void handle_message(struct od_sim_actor *actor, const struct od_message *message)
{
    struct od_sim *sim = actor->sim;
    sim->message_count++;
    od_sim_fold(sim, OD_SIM_FOLD_MESSAGE,
                (uint64_t)message->from << 40 ^ (uint64_t)message->to << 20 ^ message->kind, sim->now_ns);
    actor->actor.ops->on_message(actor->actor.self, message);
}

static void handle_timer(struct od_sim_actor *actor, uint64_t tag)
{
    od_sim_fold(actor->sim, OD_SIM_FOLD_TIMER, (uint64_t)actor->world.actor_id << 32 ^ actor->sim->now_ns,
                tag);
    actor->actor.ops->on_timer(actor->actor.self, tag);
}

static void handle_order(struct od_sim_actor *actor, const struct od_order *order)
{
    od_sim_fold(actor->sim, OD_SIM_FOLD_ORDER, (uint64_t)order->kind << 32 ^ order->executor, order->query);
    if (actor->actor.ops->on_order != NULL)
        actor->actor.ops->on_order(actor->actor.self, order);
}

/* Runs one handler of a live, ready actor. The event may move while the handler pushes others: it is
 * copied first. */
static void handle(struct od_sim_actor *actor, uint32_t event_index)
{
    struct od_sim_event event = actor->sim->queue.events[event_index];
    od_sim_step_begin(actor->sim, &event, true);
    become_busy(actor);
    if (event.kind == OD_SIM_MESSAGE)
        handle_message(actor, event.of.message);
    else if (event.kind == OD_SIM_ORDER)
        handle_order(actor, &event.of.order);
    else
        handle_timer(actor, event.of.tag);
    drop_event(actor->sim, event_index);
    if (actor->life == OD_SIM_DYING)
        bury(actor);
}

static void arrive(struct od_sim *sim, uint32_t event_index)
{
    const struct od_sim_event *event = &sim->queue.events[event_index];
    struct od_sim_actor *actor = &sim->actors[event->actor];
    bool is_old = event->kind == OD_SIM_TIMER && event->incarnation != actor->world.incarnation;
    if (event->kind == OD_SIM_MESSAGE) /* of before a reset */
        is_old = event->incarnation != actor->link_era + sim->actors[event->of.message->from].link_era;
    if (actor->life != OD_SIM_LIVE || is_old)
        drop_event(sim, event_index);
    else if (actor->waiting_first != OD_ANY || sim->now_ns < ready_ns(actor))
        wait_append(actor, event_index);
    else
        handle(actor, event_index);
}

static void wake(struct od_sim_actor *actor)
{
    if (actor->wake_ns != actor->sim->now_ns)
        return; /* not the one last arranged */
    actor->wake_ns = UINT64_MAX;
    if (actor->life == OD_SIM_LIVE && actor->sim->now_ns >= ready_ns(actor)) {
        uint32_t event_index = wait_take(actor);
        od_assert(event_index != OD_ANY);
        handle(actor, event_index);
    }
    arrange_wake(actor);
}

/* Without effect, and not counted: what happens to the dead, orders to a dead driver, an executor too many. */
static void fault_at_time(struct od_sim *sim, const struct od_fault *fault)
{
    uint32_t actor_id = od_fault_victim_id(fault);
    enum od_fault_effect effect = od_fault_kind_row(fault->kind)->effect;
    if (actor_id >= sim->actor_count || od_disturb_is_healed(&sim->disturb, sim->now_ns))
        return;
    if (effect == OD_EFFECT_ADD && find_room(sim) == NULL)
        return;
    struct od_sim_actor *actor = &sim->actors[effect == OD_EFFECT_ORDER ? 0 : actor_id];
    if (actor->life != OD_SIM_LIVE && effect != OD_EFFECT_ADD)
        return;
    od_disturb_open(&sim->disturb, fault, actor_id, sim->now_ns);
    od_disturb_count_fired(&sim->disturb, fault);
    od_sim_note_fired(sim, fault, &fault->site);
    od_sim_strike(actor, fault, &fault->site);
    if (actor->life == OD_SIM_DYING)
        bury(actor);
}

static void heal(struct od_sim *sim)
{
    od_sim_fold(sim, OD_SIM_FOLD_HEALED, 0, sim->now_ns);
    od_sim_emit(sim, (struct od_event){.kind = OD_EVENT_HEALED, .site = OD_SITE_ANY});
    for (uint32_t i = 0; i < sim->actor_count; i++) {
        struct od_sim_actor *actor = &sim->actors[i];
        actor->paused_until_ns = 0;
        actor->slow_until_ns = 0;
        actor->wake_ns = UINT64_MAX;
        arrange_wake(actor);
        if (actor->life == OD_SIM_ABSENT && actor->is_member)
            push_start(actor, sim->now_ns);
    }
}

static void fall_due(struct od_sim *sim, uint32_t event_index)
{
    struct od_sim_event event = sim->queue.events[event_index];
    if (event.kind == OD_SIM_MESSAGE || event.kind == OD_SIM_TIMER || event.kind == OD_SIM_ORDER) {
        arrive(sim, event_index);
        return;
    }
    od_sim_queue_give_back(&sim->queue, event_index);
    switch (event.kind) {
    case OD_SIM_START:
        start_life(sim, &event);
        break;
    case OD_SIM_WAKE:
        wake(&sim->actors[event.actor]);
        break;
    case OD_SIM_FAULT:
        fault_at_time(sim, &sim->disturb.schedule->faults[event.of.fault_index]);
        break;
    case OD_SIM_HEAL:
        heal(sim);
        break;
    default:
        od_unreachable();
    }
}

static void dispatch(struct od_sim *sim, uint32_t event_index)
{
    od_sim_step_begin(sim, &sim->queue.events[event_index], false);
    fall_due(sim, event_index);
    od_sim_step_end(sim);
}

/* --- the host --------------------------------------------------------------------------------- */

static void resolve_options(struct od_sim_options *options)
{
    if (options->latency_min_ns == 0)
        options->latency_min_ns = LATENCY_MIN_NS;
    if (options->latency_max_ns == 0)
        options->latency_max_ns = LATENCY_MAX_NS;
    if (options->latency_max_ns < options->latency_min_ns)
        options->latency_max_ns = options->latency_min_ns;
    if (options->events_max == 0)
        options->events_max = EVENTS_MAX;
    if (options->executors_max < options->executor_count)
        options->executors_max = options->executor_count;
}

static void init_actors(struct od_sim *sim)
{
    for (uint32_t i = 0; i < sim->actor_count; i++) {
        struct od_sim_actor *actor = &sim->actors[i];
        size_t budget_bytes = i == 0 ? 0 : (size_t)sim->options.executor_memory_bytes;
        *actor = (struct od_sim_actor){
            .sim = sim,
            .wake_ns = UINT64_MAX,
            .waiting_first = OD_ANY,
            .waiting_last = OD_ANY,
            .is_member = i <= sim->options.executor_count,
            .world.actor_id = i,
        };
        od_budget_init(&actor->budget, &sim->pool.memory, budget_bytes);
        od_sim_disk_init(&actor->disk, &sim->pool.memory, &sim->digest);
        actor->disk.is_durable = i == 0;
        od_sim_dress(actor);
    }
}

enum od_status od_sim_new(struct od_memory *memory, const struct od_sim_options *options,
                          const struct od_actor_factory *factory, struct od_sim **sim_out,
                          struct od_error *error)
{
    *sim_out = NULL;
    struct od_sim *sim = od_take(memory, sizeof(*sim));
    if (sim == NULL)
        goto no_memory;
    sim->memory = memory;
    sim->options = *options;
    sim->factory = *factory;
    resolve_options(&sim->options);
    od_sim_pool_init(&sim->pool, memory);
    od_budget_init(&sim->message_budget, &sim->pool.memory, 0);
    od_sim_queue_init(&sim->queue, &sim->pool.memory);
    od_stream_init(&sim->schedule_stream, options->seed, "schedule");
    sim->digest.value = options->seed;
    sim->actor_count = sim->options.executors_max + 1;
    if (od_sim_pct_init(&sim->pct, &sim->pool.memory, sim->options.pct_depth, sim->actor_count, options->seed,
                        sim->options.latency_max_ns) != OD_OK)
        goto no_memory;
    if (od_disturb_init(&sim->disturb, &sim->pool.memory, options->schedule, sim->actor_count, NULL) != OD_OK)
        goto no_memory;
    sim->wrap_host = od_sim_wrap_host(sim);
    sim->actors = od_take_array(&sim->pool.memory, sim->actor_count, sizeof(*sim->actors));
    if (sim->actors == NULL)
        goto no_memory;
    init_actors(sim);
    *sim_out = sim;
    return OD_OK;
no_memory:
    od_sim_free(sim);
    return od_fail(error, OD_NO_MEMORY, "making a simulation: executors=%u", options->executor_count);
}

void od_sim_free(struct od_sim *sim)
{
    if (sim == NULL)
        return;
    if (sim->actors != NULL)
        od_sim_end_actors(sim);
    od_sim_pool_release(&sim->pool); /* the queue, the actors, the disks, and whatever leaked */
    od_give(sim->memory, sim, sizeof(*sim));
}

/* The first events: every life, every fault at a time, the healing. */
static void start(struct od_sim *sim)
{
    const struct od_schedule *schedule = sim->disturb.schedule;
    sim->started = true;
    for (uint32_t i = 0; i < sim->actor_count; i++)
        if (sim->actors[i].is_member)
            push_start(&sim->actors[i], 0);
    for (uint32_t i = 0; i < schedule->fault_count; i++) {
        struct od_sim_event event = {.kind = OD_SIM_FAULT, .of.fault_index = i};
        if (schedule->faults[i].at_time)
            od_sim_push(sim, schedule->faults[i].time_ns, &event);
    }
    if (schedule->heal_ns != 0) {
        struct od_sim_event event = {.kind = OD_SIM_HEAL};
        od_sim_push(sim, schedule->heal_ns, &event);
    }
}

bool od_sim_run(struct od_sim *sim, uint64_t until_ns)
{
    od_assert(!sim->ended);
    if (!sim->started)
        start(sim);
    while (!sim->stopped && sim->status == OD_OK && sim->event_count < sim->options.events_max) {
        uint64_t time_ns = od_sim_queue_first_time(&sim->queue);
        if (sim->queue.count == 0 || time_ns > until_ns || time_ns == UINT64_MAX)
            break;
        od_assert(time_ns >= sim->now_ns);
        sim->now_ns = time_ns;
        sim->event_count++;
        uint32_t event_index = od_sim_queue_pop(&sim->queue);
        if (!od_sim_pct_puts_off(&sim->pct, &sim->queue, event_index, sim->now_ns))
            dispatch(sim, event_index);
    }
    return sim->stopped;
}

void od_sim_stop(struct od_sim *sim)
{
    sim->stopped = true;
}

bool od_sim_lives(const struct od_sim *sim, uint32_t actor_id)
{
    od_assert(actor_id < sim->actor_count);
    return sim->actors[actor_id].life == OD_SIM_LIVE;
}

void od_sim_end_actors(struct od_sim *sim)
{
    sim->ended = true;
    for (uint32_t i = 0; i < sim->actor_count; i++)
        end_life(&sim->actors[i]);
    for (uint32_t index = od_sim_queue_pop(&sim->queue); index != OD_ANY;
         index = od_sim_queue_pop(&sim->queue))
        drop_event(sim, index);
}

struct od_sim_facts od_sim_facts(const struct od_sim *sim)
{
    struct od_sim_facts facts = {
        .digest = sim->digest.value,
        .digest_words = sim->digest.count,
        .now_ns = sim->now_ns,
        .event_count = sim->event_count,
        .message_count = sim->message_count,
        .faults_fired = (uint32_t)sim->disturb.total_fired,
        .live_blocks = sim->message_budget.live_block_count,
        .status = sim->status,
    };
    for (uint32_t i = 0; i < sim->actor_count; i++) {
        facts.live_blocks += sim->actors[i].budget.live_block_count;
        facts.open_files += sim->actors[i].disk.open_count;
        facts.files_left += sim->actors[i].disk.file_count;
    }
    return facts;
}

uint32_t od_sim_fault_fired(const struct od_sim *sim, uint32_t fault_index)
{
    od_assert(fault_index < sim->disturb.schedule->fault_count);
    return sim->disturb.fired[fault_index];
}
