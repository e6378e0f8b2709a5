/* wrap_threads: wrappers around two parts of each actor's world, and a watch for what happens at a time.
 *
 *   actor -> points.hit (ours)  -> match -> damage, status, kill, pause, slowness, orders
 *         -> net.send   (ours)  -> match -> lose, later, twice -> net.send (the host's)
 *   watch (the thread of od_threads_run) -> faults at a time, healing
 *
 * One lock guards the armed schedule, and is held while the host is told to kill, pause, heal and so on: a kill
 * that was decided before the healing can't arrive behind it and stay for ever. The host never calls us
 * with a lock of its own that these calls take, so the order is always ours before the host's. Points at
 * which no fault waits take no lock.
 *
 * A fault at a time waits until its actor's first life has begun: threads need a moment to start. */
#include "chaos/wrap_threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "chaos/disturb.h"
#include "chaos/fault_kind.h"
#include "engine/core/assert.h"

#define START_RETRY_NS UINT64_C(200000)

struct wrapped_actor {
    struct od_wrap_threads *wrap;
    struct od_world *world; /* borrowed from the host; NULL: no life yet */
    struct od_net net;      /* the host's, which ours goes around */
    _Atomic bool is_gone;   /* killed by a fault, and its next life has not begun */
};

struct od_wrap_threads {
    struct od_memory *memory;   /* borrowed */
    struct od_threads *threads; /* borrowed */
    pthread_mutex_t lock;       /* of everything below but the hooks */
    struct od_disturb disturb;
    bool *time_done; /* owned; per fault: a fault at a time that had its turn */
    bool is_healed;
    struct wrapped_actor *actors; /* owned; executors_max + 1 */
    uint32_t actor_count;
    uint32_t first_count;  /* of these, those that are there from the start */
    void (*next_dress)(void *self, struct od_world *world);
    uint64_t (*next_watch)(void *self, uint64_t now_ns);
    void *next_self;
};

/* --- firing; the lock is held ----------------------------------------------------------------- */

static void note_fired(struct od_wrap_threads *wrap, const struct od_fault *fault, const struct od_site *site)
{
    od_threads_emit(wrap->threads, od_disturb_fired_event(&wrap->disturb, fault, site));
}

static const struct od_fault *match(struct od_wrap_threads *wrap, enum od_point point,
                                    const struct od_site *site, uint32_t actor_id, size_t byte_count)
{
    if (wrap->is_healed)
        return NULL;
    return od_disturb_match(&wrap->disturb, point, site, actor_id, byte_count,
                            od_threads_now_ns(wrap->threads));
}

/* What only the host can do. False: it came to nothing, as the actor was dead already or there is no room. */
static bool strike(struct wrapped_actor *actor, uint32_t actor_id, const struct od_fault *fault,
                   const struct od_site *site)
{
    struct od_threads *threads = actor->wrap->threads;
    uint64_t duration_ns = od_fault_duration_ns(fault);
    struct od_order order;
    if (fault->kind == OD_FAULT_EXECUTOR_PAUSE) {
        od_threads_pause(threads, actor_id, duration_ns);
        return !atomic_load(&actor->is_gone);
    }
    if (fault->kind == OD_FAULT_EXECUTOR_SLOW)
        return od_threads_slow(threads, actor_id, fault->amount, duration_ns);
    if (fault->kind == OD_FAULT_EXECUTOR_ADD)
        return od_threads_add(threads);
    if (od_disturb_order(fault, site, &order))
        return od_threads_order(threads, &order);
    if (fault->kind != OD_FAULT_EXECUTOR_CRASH && fault->kind != OD_FAULT_DRIVER_CRASH)
        return true;
    if (!od_threads_kill(threads, actor_id, duration_ns))
        return false;
    atomic_store(&actor->is_gone, true);
    return true;
}

/* --- points ----------------------------------------------------------------------------------- */

static enum od_status wrapped_hit(void *self, enum od_point point, const struct od_site *site,
                                  struct od_point_bytes *bytes, struct od_error *error)
{
    struct wrapped_actor *actor = self;
    struct od_wrap_threads *wrap = actor->wrap;
    uint32_t actor_id = actor->world->actor_id;
    if (atomic_load(&actor->is_gone))
        return od_disturb_gone(error);
    if ((wrap->disturb.points_used >> point & 1) == 0)
        return OD_OK;
    struct od_site here = *site;
    here.executor = actor_id;
    pthread_mutex_lock(&wrap->lock);
    const struct od_fault *fault = match(wrap, point, &here, actor_id, bytes == NULL ? 0 : bytes->size);
    if (fault != NULL) {
        note_fired(wrap, fault, &here);
        (void)strike(actor, actor_id, fault, &here);
    }
    pthread_mutex_unlock(&wrap->lock);
    return fault == NULL ? OD_OK : od_disturb_act(fault, point, &here, bytes, error);
}

static const struct od_points_ops wrapped_points_ops = {.hit = wrapped_hit};

/* --- messages --------------------------------------------------------------------------------- */

/* A copy sent later; when memory is short the message just arrives once. */
static void send_copy_later(struct wrapped_actor *actor, const struct od_message *message, uint64_t delay_ns)
{
    struct od_message *copy = od_message_new(actor->net.message_memory, message->body_bytes);
    if (copy == NULL)
        return;
    copy->from = message->from;
    copy->to = message->to;
    copy->from_incarnation = message->from_incarnation;
    copy->kind = message->kind;
    copy->site = message->site;
    if (message->body_bytes > 0)
        memcpy(copy->body, message->body, message->body_bytes);
    od_threads_send_later(actor->wrap->threads, copy, delay_ns);
}

static void wrapped_send(void *self, struct od_message *message)
{
    struct wrapped_actor *actor = self;
    struct od_wrap_threads *wrap = actor->wrap;
    message->from = actor->world->actor_id;
    message->from_incarnation = actor->world->incarnation;
    struct od_site site = od_disturb_message_site(message);
    pthread_mutex_lock(&wrap->lock);
    const struct od_fault *fault =
        match(wrap, OD_POINT_MESSAGE_SEND, &site, message->from, message->body_bytes);
    if (fault != NULL) {
        note_fired(wrap, fault, &site);
        (void)strike(actor, message->from, fault, &site);
    }
    pthread_mutex_unlock(&wrap->lock);
    if (fault != NULL && (fault->kind == OD_FAULT_NETWORK_LOSS || fault->kind == OD_FAULT_DRIVER_CRASH)) {
        od_message_free(actor->net.message_memory, message);
        return;
    }
    if (fault != NULL && fault->kind == OD_FAULT_NETWORK_DELAY) {
        od_threads_send_later(wrap->threads, message, od_fault_duration_ns(fault));
        return;
    }
    if (fault != NULL)
        send_copy_later(actor, message, od_fault_duration_ns(fault));
    actor->net.send(actor->net.self, message);
}

/* --- hooks of the host ------------------------------------------------------------------------ */

static void dress(void *self, struct od_world *world)
{
    struct od_wrap_threads *wrap = self;
    struct wrapped_actor *actor = &wrap->actors[world->actor_id];
    if (wrap->next_dress != NULL)
        wrap->next_dress(wrap->next_self, world);
    pthread_mutex_lock(&wrap->lock);
    actor->net = world->net;
    actor->world = world;
    atomic_store(&actor->is_gone, false);
    if ((wrap->disturb.points_used >> OD_POINT_MESSAGE_SEND & 1) != 0) {
        world->net.send = wrapped_send;
        world->net.self = actor;
    }
    world->points.ops = &wrapped_points_ops;
    world->points.self = actor;
    pthread_mutex_unlock(&wrap->lock);
}

/* When to look at this fault again; UINT64_MAX: it had its turn. */
static uint64_t watch_fault(struct od_wrap_threads *wrap, uint32_t fault_index, uint64_t now_ns)
{
    const struct od_fault *fault = &wrap->disturb.schedule->faults[fault_index];
    bool names_executor = od_fault_kind_row(fault->kind)->target == OD_FAULT_TARGET_EXECUTOR;
    uint32_t actor_id = names_executor ? fault->site.executor : 0;
    if (!fault->at_time || wrap->time_done[fault_index] || actor_id >= wrap->actor_count)
        return UINT64_MAX;
    if (now_ns < fault->time_ns)
        return fault->time_ns;
    bool is_there = wrap->actors[actor_id].world != NULL;
    if (wrap->actors[0].world == NULL || (!is_there && actor_id < wrap->first_count))
        return now_ns + START_RETRY_NS;
    wrap->time_done[fault_index] = true;
    if (is_there && !wrap->is_healed && strike(&wrap->actors[actor_id], actor_id, fault, &fault->site)) {
        od_disturb_count_fired(&wrap->disturb, fault);
        note_fired(wrap, fault, &fault->site);
    }
    return UINT64_MAX;
}

static uint64_t watch_healing(struct od_wrap_threads *wrap, uint64_t now_ns)
{
    uint64_t heal_ns = wrap->disturb.schedule->heal_ns;
    if (heal_ns == 0 || wrap->is_healed)
        return UINT64_MAX;
    if (now_ns < heal_ns)
        return heal_ns;
    if (wrap->actors[0].world == NULL)
        return now_ns + START_RETRY_NS;
    wrap->is_healed = true;
    od_threads_heal(wrap->threads);
    od_threads_emit(wrap->threads, (struct od_event){.kind = OD_EVENT_HEALED, .site = OD_SITE_ANY});
    return UINT64_MAX;
}

static uint64_t watch(void *self, uint64_t now_ns)
{
    struct od_wrap_threads *wrap = self;
    uint64_t next_ns = wrap->next_watch == NULL ? UINT64_MAX : wrap->next_watch(wrap->next_self, now_ns);
    pthread_mutex_lock(&wrap->lock);
    uint64_t heal_ns = watch_healing(wrap, now_ns);
    next_ns = heal_ns < next_ns ? heal_ns : next_ns;
    for (uint32_t i = 0; i < wrap->disturb.schedule->fault_count; i++) {
        uint64_t fault_ns = watch_fault(wrap, i, now_ns);
        next_ns = fault_ns < next_ns ? fault_ns : next_ns;
    }
    pthread_mutex_unlock(&wrap->lock);
    return next_ns;
}

void od_wrap_threads_arm(struct od_wrap_threads *wrap, struct od_threads_options *options)
{
    od_assert(options->executor_count < wrap->actor_count);
    od_assert(options->executors_max < wrap->actor_count);
    wrap->first_count = options->executor_count + 1;
    wrap->next_dress = options->dress;
    wrap->next_watch = options->watch;
    wrap->next_self = options->self;
    options->dress = dress;
    options->watch = watch;
    options->self = wrap;
}

void od_wrap_threads_attach(struct od_wrap_threads *wrap, struct od_threads *threads)
{
    wrap->threads = threads;
}

/* --- life of the wrapper ---------------------------------------------------------------------- */

enum od_status od_wrap_threads_new(struct od_memory *memory, const struct od_schedule *schedule,
                                   uint32_t executors_max, struct od_wrap_threads **wrap_out,
                                   struct od_error *error)
{
    *wrap_out = NULL;
    struct od_wrap_threads *wrap = od_take(memory, sizeof(*wrap));
    if (wrap == NULL)
        return od_fail(error, OD_NO_MEMORY, "wrapping threads: executors=%u", executors_max);
    wrap->memory = memory;
    int result = pthread_mutex_init(&wrap->lock, NULL);
    od_assert(result == 0);
    wrap->actor_count = executors_max + 1;
    enum od_status status = od_disturb_init(&wrap->disturb, memory, schedule, error);
    uint32_t fault_count = wrap->disturb.schedule->fault_count;
    wrap->actors = od_take_array(memory, wrap->actor_count, sizeof(*wrap->actors));
    wrap->time_done = od_take_array(memory, fault_count, sizeof(*wrap->time_done));
    bool is_whole = wrap->actors != NULL && (fault_count == 0 || wrap->time_done != NULL);
    if (status == OD_OK && !is_whole)
        status = od_fail(error, OD_NO_MEMORY, "wrapping threads: executors=%u", executors_max);
    for (uint32_t i = 0; status == OD_OK && i < wrap->actor_count; i++)
        wrap->actors[i].wrap = wrap;
    if (status == OD_OK)
        *wrap_out = wrap;
    else
        od_wrap_threads_free(wrap);
    return status;
}

void od_wrap_threads_free(struct od_wrap_threads *wrap)
{
    if (wrap == NULL)
        return;
    size_t fault_count = wrap->disturb.schedule->fault_count;
    od_give(wrap->memory, wrap->time_done, fault_count * sizeof(*wrap->time_done));
    od_give(wrap->memory, wrap->actors, wrap->actor_count * sizeof(*wrap->actors));
    od_disturb_release(&wrap->disturb);
    pthread_mutex_destroy(&wrap->lock);
    od_give(wrap->memory, wrap, sizeof(*wrap));
}

uint32_t od_wrap_threads_fault_fired(const struct od_wrap_threads *wrap, uint32_t fault_index)
{
    od_assert(fault_index < wrap->disturb.schedule->fault_count);
    return wrap->disturb.fired[fault_index];
}

uint32_t od_wrap_threads_fired(const struct od_wrap_threads *wrap)
{
    return (uint32_t)wrap->disturb.total_fired;
}
