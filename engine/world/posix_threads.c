/* posix_threads: the host: makes the actors' threads, waits for the end, joins; passes orders on.
 *
 *   new: directory, locks, actors with their disks      (no thread yet)
 *   run: threads -> wait for stop, failure or the limit, calling `watch` in between -> wake all -> join all
 *   free: mail that nobody read, disks, directory
 *
 * The end of a run has one door: is_stopping, set under run_lock by the first of stop, failure and limit. Actors look at
 * it between two handlers; what is in flight then is freed after the join, when nobody can send any more.
 * posix_actor.h says which lock guards what. */
#include "engine/world/posix_threads.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/world/posix_actor.h"

uint64_t od_threads_now_ns(const struct od_threads *threads)
{
    struct od_clock clock = od_posix_clock();
    return clock.now_ns(clock.self) - threads->origin_ns;
}

uint64_t od_threads_after_ns(const struct od_threads *host, uint64_t delay_ns)
{
    uint64_t now_ns = od_threads_now_ns(host);
    return delay_ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + delay_ns;
}

static enum od_status make_actors(struct od_threads *threads, struct od_error *error)
{
    threads->actors = od_take_array(threads->memory, threads->actor_count, sizeof(threads->actors[0]));
    if (threads->actors == NULL)
        return od_fail(error, OD_NO_MEMORY, "making the threads host: actors=%u", threads->actor_count);
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < threads->actor_count && status == OD_OK; i++)
        status = od_posix_actor_init(&threads->actors[i], threads, i, error);
    return status;
}

static void make_locks(struct od_threads *threads)
{
    pthread_mutex_t *locks[] = {&threads->factory_lock, &threads->trace_lock, &threads->run_lock};
    for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++) {
        int result = pthread_mutex_init(locks[i], NULL);
        od_assert(result == 0);
    }
    od_posix_cond_init(&threads->run_wake);
}

enum od_status od_threads_new(struct od_memory *memory, const struct od_threads_options *options,
                              const struct od_actor_factory *factory, struct od_threads **threads_out,
                              struct od_error *error)
{
    *threads_out = NULL;
    od_assert(options->executor_count < UINT32_MAX);
    struct od_threads *threads = od_take(memory, sizeof(*threads));
    if (threads == NULL)
        return od_fail(error, OD_NO_MEMORY, "making the threads host");
    threads->memory = memory;
    threads->options = *options;
    threads->factory = *factory;
    uint32_t executors_max = options->executors_max;
    threads->actor_count =
        (executors_max > options->executor_count ? executors_max : options->executor_count) + 1;
    threads->origin_ns = od_threads_now_ns(threads);
    atomic_init(&threads->is_stopping, false);
    make_locks(threads);
    enum od_status status = od_posix_disk_new(memory, options->directory, &threads->root, error);
    if (status == OD_OK)
        status = make_actors(threads, error);
    if (status == OD_OK)
        *threads_out = threads;
    else
        od_threads_free(threads);
    return status;
}

void od_threads_free(struct od_threads *threads)
{
    if (threads == NULL)
        return;
    for (uint32_t i = 0; threads->actors != NULL && i < threads->actor_count; i++)
        od_posix_actor_release(&threads->actors[i]);
    od_give(threads->memory, threads->actors, threads->actor_count * sizeof(threads->actors[0]));
    od_posix_disk_free(threads->root);
    pthread_cond_destroy(&threads->run_wake);
    pthread_mutex_destroy(&threads->run_lock);
    pthread_mutex_destroy(&threads->trace_lock);
    pthread_mutex_destroy(&threads->factory_lock);
    od_give(threads->memory, threads, sizeof(*threads));
}

static void end_run(struct od_threads *threads, enum od_status status, const struct od_error *error)
{
    pthread_mutex_lock(&threads->run_lock);
    if (!atomic_load(&threads->is_stopping)) {
        threads->run_status = status;
        if (error != NULL)
            threads->run_error = *error;
        atomic_store(&threads->is_stopping, true);
    }
    pthread_cond_signal(&threads->run_wake);
    pthread_mutex_unlock(&threads->run_lock);
    for (uint32_t i = 0; i < threads->actor_count; i++)
        od_posix_actor_wake(&threads->actors[i]);
}

void od_threads_stop(struct od_threads *threads)
{
    end_run(threads, OD_OK, NULL);
}

void od_threads_fail(struct od_threads *threads, enum od_status status, const struct od_error *error)
{
    od_assert(status != OD_OK);
    end_run(threads, status, error);
}

static enum od_status start_thread(struct od_posix_actor *actor, struct od_error *error)
{
    int result = pthread_create(&actor->thread, NULL, od_posix_actor_main, actor);
    actor->thread_started = result == 0;
    if (result != 0)
        return od_fail(error, OD_NO_MEMORY, "starting the thread of actor %u: %s", actor->id,
                       strerror(result));
    return OD_OK;
}

static void start_threads(struct od_threads *threads)
{
    struct od_error error;
    for (uint32_t i = 0; i <= threads->options.executor_count; i++) {
        if (start_thread(&threads->actors[i], &error) != OD_OK) {
            od_threads_fail(threads, OD_NO_MEMORY, &error);
            return;
        }
    }
}

bool od_threads_add(struct od_threads *threads)
{
    uint32_t i = threads->options.executor_count + 1;
    while (i < threads->actor_count && threads->actors[i].thread_started)
        i++;
    return i < threads->actor_count && start_thread(&threads->actors[i], NULL) == OD_OK;
}

static void wait_for_end(struct od_threads *threads, uint64_t end_ns)
{
    uint64_t watch_ns = threads->options.watch == NULL ? OD_THREADS_NEVER : 0;
    while (!atomic_load(&threads->is_stopping)) {
        uint64_t now_ns = od_threads_now_ns(threads);
        if (now_ns >= end_ns) {
            struct od_error error;
            od_fail(&error, OD_TIMED_OUT, "running the actors: not ended after %llu ms",
                    (unsigned long long)(now_ns / 1000000u));
            od_threads_fail(threads, OD_TIMED_OUT, &error);
        } else if (now_ns >= watch_ns) {
            watch_ns = threads->options.watch(threads->options.self, now_ns);
        } else {
            pthread_mutex_lock(&threads->run_lock);
            if (!atomic_load(&threads->is_stopping))
                od_posix_cond_wait(threads, &threads->run_wake, &threads->run_lock,
                                   watch_ns < end_ns ? watch_ns : end_ns);
            pthread_mutex_unlock(&threads->run_lock);
        }
    }
}

enum od_status od_threads_run(struct od_threads *threads, uint64_t limit_ns, struct od_error *error)
{
    od_assert(!threads->actors[0].thread_started);
    uint64_t end_ns = od_threads_after_ns(threads, limit_ns);
    start_threads(threads);
    wait_for_end(threads, end_ns);
    for (uint32_t i = 0; i < threads->actor_count; i++) {
        if (!threads->actors[i].thread_started)
            continue;
        int result = pthread_join(threads->actors[i].thread, NULL);
        od_assert(result == 0);
    }
    if (threads->run_status != OD_OK && error != NULL)
        *error = threads->run_error;
    return threads->run_status;
}

void od_threads_emit(struct od_threads *threads, struct od_event event)
{
    if (threads->options.trace.ops == NULL)
        return;
    event.time_ns = od_threads_now_ns(threads);
    pthread_mutex_lock(&threads->trace_lock);
    threads->options.trace.ops->event(threads->options.trace.self, &event);
    pthread_mutex_unlock(&threads->trace_lock);
}

static struct od_posix_actor *find_actor(struct od_threads *threads, uint32_t actor_id)
{
    od_assert(actor_id < threads->actor_count);
    return &threads->actors[actor_id];
}

static void announce_orders(struct od_posix_actor *actor)
{
    atomic_store(&actor->is_ordered, true);
    pthread_cond_signal(&actor->wake);
}

bool od_threads_kill(struct od_threads *threads, uint32_t actor_id, uint64_t restart_after_ns)
{
    struct od_posix_actor *actor = find_actor(threads, actor_id);
    pthread_mutex_lock(&actor->lock);
    bool was_alive = !atomic_load(&actor->is_gone);
    if (was_alive) {
        atomic_store(&actor->is_gone, true);
        actor->orders = (struct od_orders){.kill = true, .restart_after_ns = restart_after_ns};
        announce_orders(actor);
    }
    pthread_mutex_unlock(&actor->lock);
    return was_alive;
}

bool od_threads_lives(struct od_threads *threads, uint32_t actor_id)
{
    return !atomic_load(&find_actor(threads, actor_id)->is_gone);
}

void od_threads_pause(struct od_threads *threads, uint32_t actor_id, uint64_t duration_ns)
{
    struct od_posix_actor *actor = find_actor(threads, actor_id);
    uint64_t until_ns = od_threads_after_ns(threads, duration_ns);
    pthread_mutex_lock(&actor->lock);
    if (!atomic_load(&actor->is_gone) && actor->orders.paused_until_ns < until_ns) {
        actor->orders.paused_until_ns = until_ns;
        announce_orders(actor);
    }
    pthread_mutex_unlock(&actor->lock);
}

bool od_threads_slow(struct od_threads *threads, uint32_t actor_id, uint32_t factor, uint64_t duration_ns)
{
    struct od_posix_actor *actor = find_actor(threads, actor_id);
    pthread_mutex_lock(&actor->lock);
    bool was_alive = !atomic_load(&actor->is_gone);
    if (was_alive) {
        actor->orders.slow_factor = factor;
        actor->orders.slow_until_ns = od_threads_after_ns(threads, duration_ns);
        announce_orders(actor);
    }
    pthread_mutex_unlock(&actor->lock);
    return was_alive;
}

bool od_threads_order(struct od_threads *threads, const struct od_order *order)
{
    struct od_posix_actor *driver = &threads->actors[0];
    pthread_mutex_lock(&driver->lock);
    struct od_orders *orders = &driver->orders;
    bool is_taken = !atomic_load(&driver->is_gone) && orders->wish_count < OD_ORDERS_WISHES;
    if (is_taken) {
        orders->wishes[orders->wish_count++] = *order;
        announce_orders(driver);
    }
    pthread_mutex_unlock(&driver->lock);
    return is_taken;
}

void od_threads_heal(struct od_threads *threads)
{
    for (uint32_t i = 0; i < threads->actor_count; i++) {
        struct od_posix_actor *actor = &threads->actors[i];
        pthread_mutex_lock(&actor->lock);
        actor->orders.restart_after_ns = 0;
        actor->orders.paused_until_ns = 0;
        actor->orders.slow_until_ns = 0;
        actor->orders.revive = true;
        announce_orders(actor);
        pthread_mutex_unlock(&actor->lock);
    }
}

void od_threads_send_later(struct od_threads *threads, struct od_message *message, uint64_t delay_ns)
{
    struct od_posix_actor *sender = find_actor(threads, message->from);
    od_assert(pthread_equal(sender->own_thread, pthread_self()));
    if (!od_posix_actor_may_send(sender, message) ||
        !od_timers_add(&sender->departures, od_threads_after_ns(threads, delay_ns), 0, message))
        od_posix_actor_drop(sender, message); /* a network may lose one that can't be remembered */
}

struct od_threads_facts od_threads_facts(const struct od_threads *threads)
{
    struct od_threads_facts facts = {0};
    for (uint32_t i = 0; i < threads->actor_count; i++) {
        const struct od_posix_actor *actor = &threads->actors[i];
        facts.message_count += actor->message_count;
        facts.dropped_count += actor->dropped_count;
        facts.timer_count += actor->timer_count;
        facts.life_count += actor->life_count;
        facts.live_blocks += actor->budget.live_block_count;
        facts.open_files += od_posix_disk_open_files(actor->disk);
    }
    return facts;
}
