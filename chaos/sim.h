/* sim: a whole cluster in one thread under a seeded event queue with virtual time; deterministic to the bit.
 *
 *   event queue: (time, sequence) -> message | timer | start of a life | end of a pause
 *
 * Equal factory behaviour, options and schedule give equal digests. Ties break by sequence number. Message
 * latency and the cost of a handler (1 to 20 us) are drawn from the `schedule` stream, so that seeds
 * explore interleavings; faults draw nothing. Everything that crosses the seam (sends, deliveries, timers,
 * disk writes and reads, points that fired, random draws) feeds the digest. */
#ifndef OD_CHAOS_SIM_H
#define OD_CHAOS_SIM_H

#include "chaos/fault.h"
#include "engine/world/world.h"

/* Told of every point that an actor reaches alive, whether or not a fault waits there, and before one fires. */
struct od_sim_listener {
    void (*reached)(void *self, enum od_point point, const struct od_site *site, uint32_t actor_id, size_t byte_count,
                    uint64_t now_ns); /* NULL: nobody listens */
    void *self;
    bool hears_calls; /* also the points of the wrappers: every call of the disk, of memory, every timer */
};

#define OD_SIM_PCT_DEPTH_MAX 8

/* One thing that fell due, told behind its handling. What finds its actor busy or paused is told twice: when it comes, and when
 * it is handled. Two runs first differ in the first step that is not equal in both, `digest` included. */
struct od_sim_step {
    uint64_t number;     /* from 0 */
    uint64_t time_ns;
    uint64_t digest;     /* of the run up to here */
    const char *what;    /* "message", "timer", "order", "start", "wake", "fault" or "heal" */
    bool is_handled;     /* by its actor, now: it need not wait, nor is it lost */
    uint32_t actor_id;   /* OD_ANY: it is nobody's */
    uint32_t from;       /* a message's sender */
    struct od_site site; /* a message's own, with its kind */
    uint64_t value;      /* a timer's tag, a start's incarnation, a fault's index, an order's kind */
};
struct od_sim_stepper {
    void (*stepped)(void *self, const struct od_sim_step *step); /* NULL: nobody asks, and nothing is noted */
    void *self;
};

struct od_sim_options {
    uint64_t seed;
    uint32_t executor_count;            /* actors 1..N; actor 0 is the driver */
    uint32_t executors_max;             /* executor.add starts actors N+1..; 0: as executor_count, none */
    const struct od_schedule *schedule; /* borrowed; NULL: undisturbed */
    struct od_trace trace;          /* gets every event of every actor, chaos' own included; ops NULL: none */
    struct od_sim_listener listener;
    uint32_t pct_depth;             /* random priorities in place of chance, as in sim_pct.h: 1..8; 0: not */
    struct od_sim_stepper stepper;
    uint64_t latency_min_ns;        /* 0 means 50 us */
    uint64_t latency_max_ns;        /* 0 means 500 us */
    uint64_t executor_memory_bytes; /* budget of each executor; 0: no limit */
    uint64_t events_max;            /* 0 means 2,000,000: a bound on livelock */
};

struct od_sim;

/* Fails with NO_MEMORY. The actors are made by od_sim_run. */
enum od_status od_sim_new(struct od_memory *memory, const struct od_sim_options *options,
                          const struct od_actor_factory *factory, struct od_sim **sim_out,
                          struct od_error *error);
/* Frees the actors too. NULL is fine. Asserts nothing about leaks: see od_sim_leaks. */
void od_sim_free(struct od_sim *sim);
/* Runs until `stop` is called (by the outcome sink, say), the queue is empty, virtual time passes
 * until_ns, or events_max. Returns true when it was stopped. */
bool od_sim_run(struct od_sim *sim, uint64_t until_ns);
void od_sim_stop(struct od_sim *sim);
/* False within the handler in which a fault has ended the actor's life, and until the next one begins: what it says then (to a
 * sink, say) nobody can have heard. */
bool od_sim_lives(const struct od_sim *sim, uint32_t actor_id);
/* Ends all actors (as at the end of a query), so that what they leak can be counted. */
void od_sim_end_actors(struct od_sim *sim);

struct od_sim_facts {
    enum od_status
        status; /* other than OK: the simulation itself could not go on (NO_MEMORY; what the factory said) */
    uint64_t digest;
    uint64_t digest_words;
    uint64_t now_ns;
    uint64_t event_count;
    uint64_t message_count;
    uint32_t faults_fired; /* how often any fault took effect */
    uint64_t live_blocks; /* memory blocks held through worlds; 0 after od_sim_end_actors, else a leak (F5) */
    uint32_t open_files;  /* likewise */
    uint32_t files_left;  /* files actors did not remove before their end */
};
struct od_sim_facts od_sim_facts(const struct od_sim *sim);
/* How often fault i of the schedule took effect. */
uint32_t od_sim_fault_fired(const struct od_sim *sim, uint32_t fault_index);

#endif
