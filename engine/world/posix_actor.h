/* posix_actor: one actor on its thread, and the few words with which others give it orders. Private to the threads host.
 *
 * Who touches what, the whole locking rule of the host:
 *   mailbox                   any thread pushes, its own thread pops                      (lock-free)
 *   orders, is_gone, asleep   any thread, under `lock` (is_gone and asleep are read without it, atomically)
 *   all else                  its own thread; the host's before the start and after the join
 * `lock` is never held while code of others runs, and while it is held no other lock is taken. */
#ifndef OD_WORLD_POSIX_ACTOR_H
#define OD_WORLD_POSIX_ACTOR_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/world/posix.h"
#include "engine/world/posix_mailbox.h"
#include "engine/world/posix_threads.h"
#include "engine/world/posix_timers.h"

#define OD_ORDERS_WISHES 16

/* What others want from an actor; taken by its thread between two handlers. */
struct od_orders {
    bool kill;
    bool revive;
    uint64_t restart_after_ns; /* with kill */
    uint64_t paused_until_ns;  /* 0: not paused */
    uint64_t slow_until_ns;
    uint32_t slow_factor;
    uint32_t wish_count;
    struct od_order wishes[OD_ORDERS_WISHES]; /* for its on_order */
};

struct od_posix_actor {
    struct od_threads *host;
    uint32_t id;
    pthread_t thread; /* the host's, for the join */
    bool thread_started;
    pthread_t own_thread; /* the same, as the thread itself knows it */

    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct od_orders orders;
    atomic_bool is_ordered; /* orders has news */
    atomic_bool is_gone;    /* dead, dying or not born: what it sends is dropped */
    atomic_bool is_asleep;  /* a sender must wake it */
    struct od_mailbox mailbox;

    bool is_alive; /* `actor` is there */
    struct od_actor actor;
    struct od_world world;
    struct od_budget budget;
    struct od_stream stream;
    struct od_posix_disk *disk;  /* owned */
    struct od_timers timers;     /* of this life */
    struct od_timers departures; /* delayed messages: the network's, they outlive a life */
    uint64_t restart_at_ns;      /* while dead */
    uint64_t slow_until_ns;      /* as last ordered */
    uint32_t slow_factor;
    uint64_t message_count, dropped_count, timer_count, life_count;
};

struct od_threads {
    struct od_memory *memory; /* borrowed, thread-safe */
    struct od_threads_options options;
    struct od_actor_factory factory;
    struct od_posix_disk *root; /* owned; the directory of the actors' */
    uint64_t origin_ns;
    uint32_t actor_count;
    struct od_posix_actor *actors; /* owned */

    pthread_mutex_t factory_lock;
    pthread_mutex_t trace_lock;
    pthread_mutex_t run_lock; /* of the two fields below */
    pthread_cond_t run_wake;
    enum od_status run_status; /* the first failure */
    struct od_error run_error;
    atomic_bool is_stopping;
};

/* Makes the disk and the locks; the mailbox is ready from here on. Accepts to be released in any state after a zeroed
 * struct: only what was made is given back. */
enum od_status od_posix_actor_init(struct od_posix_actor *actor, struct od_threads *host, uint32_t id,
                                   struct od_error *error);
void od_posix_actor_release(struct od_posix_actor *actor);
/* The thread's body: lives, deaths and restarts until the host stops. `argument` is the actor. */
void *od_posix_actor_main(void *argument);
/* A network loses what is of a dead life, or to nobody. */
static inline bool od_posix_actor_may_send(struct od_posix_actor *sender, const struct od_message *message)
{
    return !atomic_load(&sender->is_gone) && message->to < sender->host->actor_count;
}
void od_posix_actor_drop(struct od_posix_actor *actor, struct od_message *message);
/* Wakes the actor's thread so that it looks at orders and at the host's is_stopping. */
void od_posix_actor_wake(struct od_posix_actor *actor);
/* The host's time after a delay, OD_THREADS_NEVER among them. */
uint64_t od_threads_after_ns(const struct od_threads *host, uint64_t delay_ns);
/* Ends the run with this failure unless it has ended already. */
void od_threads_fail(struct od_threads *threads, enum od_status status, const struct od_error *error);

/* Condition variables that wait by the monotonic clock; until_ns is the host's time, OD_THREADS_NEVER waits for ever. */
void od_posix_cond_init(pthread_cond_t *cond);
void od_posix_cond_wait(const struct od_threads *host, pthread_cond_t *cond, pthread_mutex_t *lock,
                        uint64_t until_ns);

#endif
