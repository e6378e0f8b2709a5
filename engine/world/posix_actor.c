/* posix_actor: the thread of one actor: mail, timers, lives and deaths.
 *
 *                 kill                          restart time, revive
 *      ALIVE ----------------> DEAD ------------------------------> ALIVE (next incarnation)
 *        |  ^                    mail is dropped, files are gone
 *  pause |  | time, revive
 *        v  |
 *      PAUSED   mail and timers wait
 *
 * One round of the loop: take the orders; let delayed messages leave; then, by state, work or sleep. Work is a burst of
 * mail followed by the timers that were due and known when the burst ended, so neither starves the other, and a timer of
 * delay 0 runs after what is waiting. Between two handlers a flag is looked at, so that orders never wait for a burst.
 *
 * Sleeping without losing a wake-up: the receiver publishes is_asleep, then looks at the mailbox; a sender pushes, then
 * looks at is_asleep. Both are sequentially consistent, so at least one of them sees the other (Dekker's argument). */
#include "engine/world/posix_actor.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/core/assert.h"

enum { MAIL_BURST = 64 };
#define SLOW_LEAST_NS   UINT64_C(10000)    /* what a handler of a slow actor counts as, at least */
#define REMAKE_DELAY_NS UINT64_C(10000000) /* until a life is tried again whose making failed */

void od_posix_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    int result = pthread_condattr_init(&attributes);
    od_assert(result == 0);
    result = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    od_assert(result == 0);
    result = pthread_cond_init(cond, &attributes);
    od_assert(result == 0);
    pthread_condattr_destroy(&attributes);
}

void od_posix_cond_wait(const struct od_threads *host, pthread_cond_t *cond, pthread_mutex_t *lock,
                        uint64_t until_ns)
{
    int result;
    if (until_ns > UINT64_MAX / 2 - host->origin_ns) {
        result = pthread_cond_wait(cond, lock);
    } else {
        uint64_t clock_ns = host->origin_ns + until_ns;
        struct timespec until = {(time_t)(clock_ns / 1000000000u), (long)(clock_ns % 1000000000u)};
        result = pthread_cond_timedwait(cond, lock, &until);
    }
    od_assert(result == 0 || result == ETIMEDOUT);
}

void od_posix_actor_drop(struct od_posix_actor *actor, struct od_message *message)
{
    actor->dropped_count++;
    od_message_free(actor->host->memory, message);
}

static void push_to_receiver(struct od_threads *host, struct od_message *message)
{
    struct od_posix_actor *receiver = &host->actors[message->to];
    od_mailbox_push(&receiver->mailbox, message);
    if (atomic_load(&receiver->is_asleep))
        od_posix_actor_wake(receiver);
}

/* The parts of the actor's world. */

static void world_send(void *self, struct od_message *message)
{
    struct od_posix_actor *actor = self;
    message->from = actor->id;
    message->from_incarnation = actor->world.incarnation;
    if (od_posix_actor_may_send(actor, message))
        push_to_receiver(actor->host, message);
    else
        od_posix_actor_drop(actor, message);
}

/* An actor whose timer can't be remembered would wait for ever. An executor then dies, as when the system kills a process
 * for its memory; without the driver there is no run. */
static void world_timer(void *self, uint64_t delay_ns, uint64_t tag)
{
    struct od_posix_actor *actor = self;
    if (atomic_load(&actor->is_gone))
        return;
    if (od_timers_add(&actor->timers, od_threads_after_ns(actor->host, delay_ns), tag, NULL))
        return;
    if (actor->id == 0) {
        struct od_error error;
        od_threads_fail(actor->host, od_fail(&error, OD_NO_MEMORY, "setting a timer of the driver"), &error);
    } else {
        od_threads_kill(actor->host, actor->id, 0);
    }
}

static uint64_t world_now_ns(void *self)
{
    return od_threads_now_ns(self);
}

static void world_event(void *self, const struct od_event *event)
{
    const struct od_posix_actor *actor = self;
    struct od_threads *host = actor->host;
    if (atomic_load(&actor->is_gone))
        return; /* the dead are not heard */
    pthread_mutex_lock(&host->trace_lock);
    host->options.trace.ops->event(host->options.trace.self, event);
    pthread_mutex_unlock(&host->trace_lock);
}

static const struct od_trace_ops world_trace_ops = {.event = world_event};

/* Undressed: what wrappers then go around. */
static void make_world(struct od_posix_actor *actor)
{
    struct od_threads *host = actor->host;
    char stream_name[64];
    snprintf(stream_name, sizeof(stream_name), "engine actor %u life %u", actor->id,
             (unsigned)actor->life_count);
    od_stream_init(&actor->stream, host->options.seed, stream_name);
    actor->world = (struct od_world){
        .actor_id = actor->id,
        .incarnation = (uint32_t)actor->life_count,
        .clock = {.now_ns = world_now_ns, .self = host},
        .random = actor->stream.random,
        .memory = &actor->budget.memory,
        .disk = od_posix_disk_part(actor->disk),
        .net = {.send = world_send, .self = actor, .message_memory = host->memory},
        .schedule = {.timer = world_timer, .self = actor},
    };
    if (host->options.trace.ops != NULL)
        actor->world.trace = (struct od_trace){.ops = &world_trace_ops, .self = actor};
}

/* Lives. */

static void begin_life(struct od_posix_actor *actor)
{
    struct od_threads *host = actor->host;
    struct od_error error = {0};
    od_assert(!actor->is_alive);
    od_assert(actor->timers.count == 0);
    actor->life_count++;
    make_world(actor);
    atomic_store(&actor->is_gone, false);
    pthread_mutex_lock(&host->factory_lock);
    if (host->options.dress != NULL)
        host->options.dress(host->options.self, &actor->world);
    enum od_status status = host->factory.make(host->factory.self, &actor->world, &actor->actor, &error);
    pthread_mutex_unlock(&host->factory_lock);
    if (status == OD_OK) {
        actor->is_alive = true;
        if (!atomic_load(&actor->is_gone)) /* killed while it was made */
            actor->actor.ops->on_start(actor->actor.self);
        return;
    }
    atomic_store(&actor->is_gone, true);
    od_timers_reset(&actor->timers);
    actor->restart_at_ns = od_threads_after_ns(host, REMAKE_DELAY_NS);
    if (actor->life_count == 1)
        od_threads_fail(host, status, &error);
}

static void drop_mail(struct od_posix_actor *actor)
{
    struct od_message *message;
    while ((message = od_mailbox_pop(&actor->mailbox)) != NULL)
        od_posix_actor_drop(actor, message);
}

static void end_life(struct od_posix_actor *actor)
{
    od_assert(actor->is_alive);
    atomic_store(&actor->is_gone, true);
    actor->actor.ops->free(actor->actor.self);
    actor->is_alive = false;
    od_timers_reset(&actor->timers);
    drop_mail(actor);
    /* A file that can't be removed now is removed, or left behind, at the end; the next life asks for other names. */
    if (actor->id != 0)
        (void)od_posix_disk_empty(actor->disk, NULL);
}

/* Applies the news and says until when the actor is paused. */
static uint64_t take_orders(struct od_posix_actor *actor)
{
    pthread_mutex_lock(&actor->lock);
    struct od_orders orders = actor->orders;
    actor->orders.kill = false;
    actor->orders.revive = false;
    atomic_store(&actor->is_ordered, false);
    pthread_mutex_unlock(&actor->lock);
    actor->slow_until_ns = orders.slow_until_ns;
    actor->slow_factor = orders.slow_factor;
    if (orders.kill) {
        if (actor->is_alive)
            end_life(actor);
        actor->restart_at_ns = od_threads_after_ns(actor->host, orders.restart_after_ns);
    }
    if (orders.revive)
        actor->restart_at_ns = 0;
    return orders.paused_until_ns;
}

/* The loop. */

static bool is_interrupted(struct od_posix_actor *actor)
{
    return atomic_load(&actor->is_ordered) || atomic_load(&actor->host->is_stopping);
}

/* Sleeps until the time, an order, or (if `for_mail`) a message. May return early: the loop looks again. */
static void sleep_until(struct od_posix_actor *actor, uint64_t until_ns, bool for_mail)
{
    uint64_t departure_ns = od_timers_next_ns(&actor->departures);
    pthread_mutex_lock(&actor->lock);
    if (for_mail)
        atomic_store(&actor->is_asleep, true);
    if (!is_interrupted(actor) && (!for_mail || od_mailbox_is_empty(&actor->mailbox)))
        od_posix_cond_wait(actor->host, &actor->wake, &actor->lock,
                           until_ns < departure_ns ? until_ns : departure_ns);
    atomic_store(&actor->is_asleep, false);
    pthread_mutex_unlock(&actor->lock);
}

/* Around a handler: 0 while the actor is as fast as ever. */
static uint64_t begin_handler(const struct od_posix_actor *actor)
{
    uint64_t now_ns = actor->slow_until_ns == 0 ? 0 : od_threads_now_ns(actor->host);
    return now_ns < actor->slow_until_ns ? now_ns : 0;
}

/* What the handler sent is under way already: a slow actor is one that comes late to the next one. */
static void end_handler(struct od_posix_actor *actor, uint64_t began_ns)
{
    if (began_ns == 0)
        return;
    uint64_t now_ns = od_threads_now_ns(actor->host);
    uint64_t took_ns = now_ns - began_ns > SLOW_LEAST_NS ? now_ns - began_ns : SLOW_LEAST_NS;
    sleep_until(actor, now_ns + took_ns * (actor->slow_factor - 1), false);
}

static bool follow_wishes(struct od_posix_actor *actor)
{
    struct od_order wishes[OD_ORDERS_WISHES];
    if (actor->id != 0)
        return false;
    pthread_mutex_lock(&actor->lock);
    uint32_t count = actor->orders.wish_count;
    memcpy(wishes, actor->orders.wishes, count * sizeof(wishes[0]));
    actor->orders.wish_count = 0;
    pthread_mutex_unlock(&actor->lock);
    for (uint32_t i = 0; i < count && actor->actor.ops->on_order != NULL; i++)
        actor->actor.ops->on_order(actor->actor.self, &wishes[i]);
    return count > 0;
}

static void let_depart(struct od_posix_actor *actor)
{
    struct od_timer departure;
    while (od_timers_take_due(&actor->departures, od_threads_now_ns(actor->host), UINT64_MAX, &departure))
        push_to_receiver(actor->host, departure.message);
}

static bool read_mail(struct od_posix_actor *actor)
{
    int read_count = 0;
    while (read_count < MAIL_BURST && !is_interrupted(actor)) {
        struct od_message *message = od_mailbox_pop(&actor->mailbox);
        if (message == NULL)
            break;
        actor->message_count++;
        uint64_t began_ns = begin_handler(actor);
        actor->actor.ops->on_message(actor->actor.self, message);
        od_message_free(actor->host->memory, message);
        end_handler(actor, began_ns);
        read_count++;
    }
    return read_count > 0;
}

static bool fire_timers(struct od_posix_actor *actor)
{
    struct od_timer timer;
    uint64_t now_ns = od_threads_now_ns(actor->host);
    uint64_t sequence_end = actor->timers.sequence_next;
    bool fired = false;
    while (!is_interrupted(actor) && od_timers_take_due(&actor->timers, now_ns, sequence_end, &timer)) {
        actor->timer_count++;
        uint64_t began_ns = begin_handler(actor);
        actor->actor.ops->on_timer(actor->actor.self, timer.tag);
        end_handler(actor, began_ns);
        fired = true;
    }
    return fired;
}

static void live(struct od_posix_actor *actor)
{
    bool followed = follow_wishes(actor);
    bool read = read_mail(actor);
    bool fired = fire_timers(actor);
    if (followed || read || fired || is_interrupted(actor))
        return;
    if (od_mailbox_is_empty(&actor->mailbox))
        sleep_until(actor, od_timers_next_ns(&actor->timers), true);
    else
        sched_yield(); /* a sender is between the two steps of its push */
}

static void lie_dead(struct od_posix_actor *actor)
{
    drop_mail(actor);
    if (od_threads_now_ns(actor->host) >= actor->restart_at_ns)
        begin_life(actor);
    else
        sleep_until(actor, actor->restart_at_ns, false);
}

void *od_posix_actor_main(void *argument)
{
    struct od_posix_actor *actor = argument;
    actor->own_thread = pthread_self();
    begin_life(
        actor); /* mail that came before the first life is kept: the threads start one after the other */
    while (!atomic_load(&actor->host->is_stopping)) {
        uint64_t paused_until_ns = take_orders(actor);
        let_depart(actor);
        if (!actor->is_alive)
            lie_dead(actor);
        else if (od_threads_now_ns(actor->host) < paused_until_ns)
            sleep_until(actor, paused_until_ns, false);
        else
            live(actor);
    }
    if (actor->is_alive)
        end_life(actor);
    return NULL;
}

void od_posix_actor_wake(struct od_posix_actor *actor)
{
    pthread_mutex_lock(&actor->lock);
    pthread_cond_signal(&actor->wake);
    pthread_mutex_unlock(&actor->lock);
}

enum od_status od_posix_actor_init(struct od_posix_actor *actor, struct od_threads *host, uint32_t id,
                                   struct od_error *error)
{
    actor->host = host;
    actor->id = id;
    atomic_init(&actor->is_gone, true);
    atomic_init(&actor->is_ordered, false);
    atomic_init(&actor->is_asleep, false);
    int result = pthread_mutex_init(&actor->lock, NULL);
    od_assert(result == 0);
    od_posix_cond_init(&actor->wake);
    od_mailbox_init(&actor->mailbox);
    od_timers_init(&actor->timers, host->memory);
    od_timers_init(&actor->departures, host->memory);
    od_budget_init(&actor->budget, host->memory, id == 0 ? 0 : host->options.executor_memory_bytes);

    char directory[4096];
    int size = snprintf(directory, sizeof(directory), "%s/actor-%u", host->options.directory, id);
    if (size < 0 || (size_t)size >= sizeof(directory))
        return od_fail(error, OD_IO, "making the disk of actor %u: the directory's name is too long", id);
    return od_posix_disk_new(host->memory, directory, &actor->disk, error);
}

void od_posix_actor_release(struct od_posix_actor *actor)
{
    struct od_timer departure;
    if (actor->host == NULL)
        return;
    drop_mail(actor);
    while (od_timers_take_due(&actor->departures, UINT64_MAX, UINT64_MAX, &departure))
        od_posix_actor_drop(actor, departure.message);
    od_timers_release(&actor->departures);
    od_timers_release(&actor->timers);
    od_posix_disk_free(actor->disk);
    pthread_cond_destroy(&actor->wake);
    pthread_mutex_destroy(&actor->lock);
    actor->host = NULL;
}
