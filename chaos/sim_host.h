/* sim_host: what the files of the simulation share: the host, its actors, and the parts of their worlds.
 *
 *   sim.c        lives, the event loop, healing
 *   sim_world.c  the parts of a world; here faults meet the actors
 *   sim_step.c   what is told of each event
 *
 * Inside chaos/ only. */
#ifndef OD_CHAOS_SIM_HOST_H
#define OD_CHAOS_SIM_HOST_H

#include "chaos/disturb.h"
#include "chaos/sim.h"
#include "chaos/sim_disk.h"
#include "chaos/sim_pct.h"
#include "chaos/sim_pool.h"
#include "chaos/sim_queue.h"
#include "chaos/wrap_world.h"
#include "engine/core/random.h"

enum od_sim_life {
    OD_SIM_ABSENT, /* not started yet, or dead: messages to it are lost */
    OD_SIM_LIVE,
    OD_SIM_DYING /* a fault killed it in its handler, or the run has ended: it may only unwind */
};

struct od_sim_actor {
    struct od_sim *sim;
    struct od_world world;
    struct od_wrap_world wrap; /* around its parts, where the schedule reaches them */
    struct od_budget budget;
    struct od_stream engine_stream;
    struct od_sim_disk disk;
    struct od_actor actor; /* meaningful unless ABSENT */
    enum od_sim_life life;
    uint64_t busy_until_ns;   /* the end of its handler */
    uint64_t paused_until_ns; /* UINT64_MAX: until healed */
    uint64_t restart_ns;      /* DYING: when the next life starts; UINT64_MAX: not before healing */
    const struct od_fault *killer; /* DYING: borrowed */
    bool is_member;                /* it was there from the start, or was added */
    uint32_t link_era;             /* resets so far: messages of an older one never arrive */
    uint64_t slow_until_ns;        /* handlers take slow_factor times as long */
    uint32_t slow_factor;
    uint64_t wake_ns;         /* of the pending WAKE that counts; UINT64_MAX: none */
    uint32_t waiting_first;   /* events that fell due while busy or paused, in order; OD_ANY ends */
    uint32_t waiting_last;
};

struct od_sim {
    struct od_memory *memory; /* borrowed */
    struct od_sim_pool pool;
    struct od_sim_options options; /* resolved */
    struct od_actor_factory factory;
    struct od_disturb disturb;
    struct od_wrap_host wrap_host;
    struct od_sim_queue queue;
    struct od_sim_pct pct;
    struct od_budget message_budget; /* no limit: counts the messages in flight */
    struct od_stream schedule_stream;
    struct od_digest digest;
    struct od_sim_actor *actors; /* owned; executors_max + 1 */
    uint32_t actor_count;
    uint64_t now_ns;
    uint64_t event_count;
    uint64_t message_count;
    struct od_sim_step step; /* what is being handled, where somebody asks; its number is the next one's between two */
    bool started;
    bool stopped;
    bool ended;
    enum od_status status; /* other than OK: the simulation could not go on */
};

/* What is folded into the digest, besides the disk's operations. */
enum od_sim_fold {
    OD_SIM_FOLD_SEND = 16,
    OD_SIM_FOLD_MESSAGE,
    OD_SIM_FOLD_TIMER_SET,
    OD_SIM_FOLD_TIMER,
    OD_SIM_FOLD_RANDOM,
    OD_SIM_FOLD_FIRED,
    OD_SIM_FOLD_START,
    OD_SIM_FOLD_HEALED,
    OD_SIM_FOLD_ORDER
};
void od_sim_fold(struct od_sim *sim, enum od_sim_fold what, uint64_t first, uint64_t second);

/* Saturates: UINT64_MAX is "never". */
static inline uint64_t od_sim_later(uint64_t time_ns, uint64_t delay_ns)
{
    return delay_ns > UINT64_MAX - time_ns ? UINT64_MAX : time_ns + delay_ns;
}

/* Fills actor->world; the parts borrow `actor`. */
void od_sim_dress(struct od_sim_actor *actor);
/* Pushes, or ends the simulation with NO_MEMORY; a message that could not be pushed is freed. */
void od_sim_push(struct od_sim *sim, uint64_t time_ns, const struct od_sim_event *event);
/* An event of chaos itself, whoever is alive. */
void od_sim_emit(struct od_sim *sim, struct od_event event);
/* Counts, folds and reports that a fault took effect. */
void od_sim_note_fired(struct od_sim *sim, const struct od_fault *fault, const struct od_site *site);
/* What a fault that fired does to actors: to `actor`, which is LIVE and was hit; to the driver, as an order; or to the
 * cluster. A kill in a handler takes effect when that returns. `site` says where. */
void od_sim_strike(struct od_sim_actor *actor, const struct od_fault *fault, const struct od_site *site);
/* What falls due, or waited and is handled; and that it is over. Nothing where nobody asks. */
void od_sim_step_begin(struct od_sim *sim, const struct od_sim_event *event, bool is_handled);
void od_sim_step_end(struct od_sim *sim);
/* The simulation as a host of wrappers. */
struct od_wrap_host od_sim_wrap_host(struct od_sim *sim);

#endif
