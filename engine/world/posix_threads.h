/* posix_threads: the `threads` deployment: one operating-system thread per actor, messages by pointer.
 *
 *   od_threads_new -> od_threads_run (makes the actors, each on its thread; waits; joins) -> _facts -> _free
 *
 * Each actor has a world of its own: a private disk directory, a private random stream, a memory budget, and one clock
 * that starts at 0 in od_threads_new. net.send fills in `from` and `from_incarnation`; the first life is incarnation 1.
 * One handler of an actor runs at a time, on its thread.
 *
 * The host is also the hand of chaos: kill, pause, heal and delayed sends may be asked for from any thread, handlers and
 * fault points included. None of these calls waits for another actor, so none can deadlock. */
#ifndef OD_WORLD_POSIX_THREADS_H
#define OD_WORLD_POSIX_THREADS_H

#include "engine/world/world.h"

struct od_threads;

#define OD_THREADS_NEVER UINT64_MAX

struct od_threads_options {
    uint64_t seed;                  /* of the actors' random streams */
    uint32_t executor_count;        /* actors 1..N; actor 0 is the driver */
    uint32_t executors_max;         /* od_threads_add starts actors N+1..; 0: as executor_count, none */
    uint64_t executor_memory_bytes; /* budget of each executor; 0: no limit */
    const char *directory; /* made if it is not there (its last part); holds actor-0, actor-1... Copied */
    struct od_trace trace; /* gets every actor's events, one at a time; ops NULL: none */
    /* Puts wrappers around the parts of `world`, before each life of an actor. Called on the actor's thread, but never
     * two at a time, nor together with the factory. NULL: none. */
    void (*dress)(void *self, struct od_world *world);
    /* Called on the thread of od_threads_run, at its start and then when the time that it returned has come
     * (OD_THREADS_NEVER: not again). For what happens at a time: kills, pauses, healing, stopping. NULL: none. */
    uint64_t (*watch)(void *self, uint64_t now_ns);
    void *self; /* of dress and watch */
};

/* `memory` must be thread-safe, is borrowed, and serves the host, the messages and (through budgets) the actors.
 * `factory` is copied; its `make` is called on the actors' threads, never two at a time, once per life.
 * Fails with NO_MEMORY or IO (a directory); *threads_out is then NULL and nothing is left behind. */
enum od_status od_threads_new(struct od_memory *memory, const struct od_threads_options *options,
                              const struct od_actor_factory *factory, struct od_threads **threads_out,
                              struct od_error *error);
/* Once per host. Starts the actors and returns after all have been ended and joined: OK when od_threads_stop was called,
 * TIMED_OUT when limit_ns went by first, NO_MEMORY (or what the factory said) when an actor's first life, its thread or a
 * timer of the driver could not be made. */
enum od_status od_threads_run(struct od_threads *threads, uint64_t limit_ns, struct od_error *error);
/* Ends the run; any thread. Handlers that run now return first; no other one starts. */
void od_threads_stop(struct od_threads *threads);
/* Removes the directories and all that is left in them. What actors handed out of their world->memory must have been
 * given back. NULL is fine. */
void od_threads_free(struct od_threads *threads);

/* Into the trace, as an event of nobody's: a wrapper's own. */
void od_threads_emit(struct od_threads *threads, struct od_event event);
/* Time since od_threads_new, the same that the actors see. */
uint64_t od_threads_now_ns(const struct od_threads *threads);

/* Ends an actor's life: what it sends or schedules from now on is dropped; when its handler has returned its thread frees
 * it, with its timers, its mail and its files (the driver's files stay for its next life); the factory makes the next life, incarnation + 1, after restart_after_ns
 * (OD_THREADS_NEVER: not before od_threads_heal). False, and no effect, when it is dead already. */
bool od_threads_kill(struct od_threads *threads, uint32_t actor_id, uint64_t restart_after_ns);
/* False from the kill on until the next life begins, within the handler too that runs then. */
bool od_threads_lives(struct od_threads *threads, uint32_t actor_id);
/* No handler of this actor starts for that long; mail and timers wait. A longer pause wins. */
void od_threads_pause(struct od_threads *threads, uint32_t actor_id, uint64_t duration_ns);
/* The handlers of this actor take `factor` times as long, each 10 us at least, for that long. False: it is dead. */
bool od_threads_slow(struct od_threads *threads, uint32_t actor_id, uint32_t factor, uint64_t duration_ns);
/* For the driver's on_order, on its thread, after its pause if it has one. False, and no effect, when it is dead or has too
 * many orders waiting. */
bool od_threads_order(struct od_threads *threads, const struct od_order *order);
/* Starts one more executor; only from `watch`. False: there is no room, or no thread. */
bool od_threads_add(struct od_threads *threads);
/* Ends all pauses and slowness and lets the dead start their next life now. */
void od_threads_heal(struct od_threads *threads);
/* For wrappers of net.send, on the sending actor's thread: as send, but the message leaves after delay_ns, also when its
 * sender is paused or dead by then. */
void od_threads_send_later(struct od_threads *threads, struct od_message *message, uint64_t delay_ns);

/* Before or after od_threads_run, not during. */
struct od_threads_facts {
    uint64_t message_count; /* delivered */
    uint64_t dropped_count; /* from or to a dead life, or to nobody */
    uint64_t timer_count;   /* fired */
    uint64_t life_count;    /* of all actors, the first ones included */
    uint64_t live_blocks;   /* memory blocks held through worlds' memory; not 0 after the run means a leak */
    uint64_t open_files;    /* likewise */
};
struct od_threads_facts od_threads_facts(const struct od_threads *threads);

#endif
