/* wrap_threads: threads as a host of wrappers (wrap_world.h), and a watch for what happens at a time.
 *
 *   actor -> wrap_world -> match, windows -> kill, pause, slowness, orders: here
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

#include "chaos/disturb.h"
#include "chaos/fault_kind.h"
#include "chaos/wrap_world.h"
#include "engine/core/assert.h"

#define START_RETRY_NS UINT64_C(200000)

struct wrapped_actor {
    struct od_wrap_world wrap;
    struct od_world *world; /* borrowed from the host; NULL: no life yet */
    _Atomic bool is_gone;   /* killed by a fault, and its next life has not begun */
};

struct od_wrap_threads {
    struct od_memory *memory;   /* borrowed */
    struct od_threads *threads; /* borrowed */
    pthread_mutex_t lock;       /* of everything below but the hooks */
    struct od_disturb disturb;
    struct od_wrap_host host;
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

static bool kill_one(struct od_wrap_threads *wrap, uint32_t actor_id, uint64_t duration_ns)
{
    if (!od_threads_kill(wrap->threads, actor_id, duration_ns))
        return false;
    atomic_store(&wrap->actors[actor_id].is_gone, true);
    return true;
}

static bool kill_group(struct od_wrap_threads *wrap, uint32_t actor_id, const struct od_fault *fault, uint64_t duration_ns)
{
    if (!kill_one(wrap, actor_id, duration_ns))
        return false;
    for (uint32_t i = 1; i < wrap->actor_count; i++)
        if (i != actor_id && od_fault_strikes_both(fault, i, actor_id) && wrap->actors[i].world != NULL)
            (void)kill_one(wrap, i, duration_ns);
    return true;
}

/* What only the host can do. False: it came to nothing, as the actor was dead already or there is no room. */
static bool strike(struct od_wrap_threads *wrap, uint32_t actor_id, const struct od_fault *fault,
                   const struct od_site *site)
{
    struct od_threads *threads = wrap->threads;
    const struct od_fault_kind_row *row = od_fault_kind_row(fault->kind);
    uint64_t duration_ns = od_fault_duration_ns(fault);
    struct od_order order;
    switch (row->effect) {
    case OD_EFFECT_PAUSE:
        od_threads_pause(threads, actor_id, duration_ns);
        return !atomic_load(&wrap->actors[actor_id].is_gone);
    case OD_EFFECT_SLOW:
        return od_threads_slow(threads, actor_id, fault->amount, duration_ns);
    case OD_EFFECT_ADD:
        return od_threads_add(threads);
    case OD_EFFECT_ORDER:
        (void)od_disturb_order(fault, site, &order);
        return od_threads_order(threads, &order);
    case OD_EFFECT_KILL:
        return kill_group(wrap, actor_id, fault, duration_ns);
    default:
        return true; /* the wrappers' */
    }
}

/* --- the host of wrappers --------------------------------------------------------------------- */

static struct od_disturb *wrap_enter(void *self)
{
    struct od_wrap_threads *wrap = self;
    pthread_mutex_lock(&wrap->lock);
    if (!wrap->is_healed)
        return &wrap->disturb;
    pthread_mutex_unlock(&wrap->lock);
    return NULL;
}

static void wrap_leave(void *self)
{
    struct od_wrap_threads *wrap = self;
    pthread_mutex_unlock(&wrap->lock);
}

static void wrap_strike(void *self, uint32_t actor_id, const struct od_fault *fault, const struct od_site *site)
{
    note_fired(self, fault, site);
    (void)strike(self, actor_id, fault, site);
}

static void wrap_suffer(void *self, uint32_t actor_id, const struct od_fault *fault)
{
    (void)self;
    (void)actor_id;
    if (od_fault_kind_row(fault->kind)->effect == OD_EFFECT_STALL)
        od_wrap_stand_still(od_fault_duration_ns(fault));
}

static bool wrap_lives(void *self, uint32_t actor_id)
{
    struct od_wrap_threads *wrap = self;
    return !atomic_load(&wrap->actors[actor_id].is_gone);
}

static uint64_t wrap_now_ns(void *self)
{
    const struct od_wrap_threads *wrap = self;
    return od_threads_now_ns(wrap->threads);
}

static void wrap_send_later(void *self, uint32_t actor_id, struct od_message *message, uint64_t delay_ns)
{
    struct od_wrap_threads *wrap = self;
    (void)actor_id;
    od_threads_send_later(wrap->threads, message, delay_ns);
}

/* --- hooks of the host ------------------------------------------------------------------------ */

static void dress(void *self, struct od_world *world)
{
    struct od_wrap_threads *wrap = self;
    struct wrapped_actor *actor = &wrap->actors[world->actor_id];
    if (wrap->next_dress != NULL)
        wrap->next_dress(wrap->next_self, world);
    pthread_mutex_lock(&wrap->lock);
    actor->world = world;
    atomic_store(&actor->is_gone, false);
    pthread_mutex_unlock(&wrap->lock);
    od_wrap_world_dress(&actor->wrap, world);
    (void)od_wrap_world_begin(&actor->wrap); /* one that dies of it is made, and never started */
}

/* When to look at this fault again; UINT64_MAX: it had its turn. */
static uint64_t watch_fault(struct od_wrap_threads *wrap, uint32_t fault_index, uint64_t now_ns)
{
    const struct od_fault *fault = &wrap->disturb.schedule->faults[fault_index];
    uint32_t actor_id = od_fault_victim_id(fault);
    if (!fault->at_time || wrap->time_done[fault_index] || actor_id >= wrap->actor_count)
        return UINT64_MAX;
    if (now_ns < fault->time_ns)
        return fault->time_ns;
    bool is_there = wrap->actors[actor_id].world != NULL;
    if (wrap->actors[0].world == NULL || (!is_there && actor_id < wrap->first_count))
        return now_ns + START_RETRY_NS;
    wrap->time_done[fault_index] = true;
    if (is_there && !wrap->is_healed && strike(wrap, actor_id, fault, &fault->site)) {
        od_disturb_open(&wrap->disturb, fault, actor_id, now_ns);
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
    wrap->host = (struct od_wrap_host){.enter = wrap_enter,
                                       .leave = wrap_leave,
                                       .strike = wrap_strike,
                                       .suffer = wrap_suffer,
                                       .lives = wrap_lives,
                                       .now_ns = wrap_now_ns,
                                       .send_later = wrap_send_later,
                                       .self = wrap,
                                       .memory = memory};
    int result = pthread_mutex_init(&wrap->lock, NULL);
    od_assert(result == 0);
    wrap->actor_count = executors_max + 1;
    enum od_status status = od_disturb_init(&wrap->disturb, memory, schedule, wrap->actor_count, error);
    uint32_t fault_count = wrap->disturb.schedule->fault_count;
    wrap->actors = od_take_array(memory, wrap->actor_count, sizeof(*wrap->actors));
    wrap->time_done = od_take_array(memory, fault_count, sizeof(*wrap->time_done));
    bool is_whole = wrap->actors != NULL && (fault_count == 0 || wrap->time_done != NULL);
    if (status == OD_OK && !is_whole)
        status = od_fail(error, OD_NO_MEMORY, "wrapping threads: executors=%u", executors_max);
    for (uint32_t i = 0; status == OD_OK && i < wrap->actor_count; i++)
        od_wrap_world_init(&wrap->actors[i].wrap, &wrap->host, wrap->disturb.schedule, i);
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
    for (uint32_t i = 0; wrap->actors != NULL && i < wrap->actor_count; i++)
        od_wrap_world_release(&wrap->actors[i].wrap);
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
