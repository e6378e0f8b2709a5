/* wrap_world: a schedule of faults around the parts of one actor's world, whoever hosts it.
 *
 *   actor -> points, net, timers, disk, memory, clock (ours) -> match, windows -> the host's own parts, "below"
 *                                                            \-> the host: kills, pauses, slows, sends later...
 *
 * Only the parts that the schedule reaches are wrapped (od_schedule_parts); without a fault nothing is, and nothing costs. Every
 * call of the seam asks first whether a fault fires at it, then which windows of its kind are open.
 *
 * Call order: od_wrap_world_init once; od_wrap_world_dress when the world has its own parts, before the actor is made (again,
 * if the host fills in its parts anew for each life); od_wrap_world_begin and _end when a life begins and ends; _release at the end.
 *
 * Calls of the disk, of memory and of timers have the site of the attempt, the block or the journal that the actor dealt with last. */
#ifndef OD_CHAOS_WRAP_WORLD_H
#define OD_CHAOS_WRAP_WORLD_H

#include "chaos/disturb.h"

/* What wrappers ask of a host; `self` is the host's. All calls come from the actor's own thread. */
struct od_wrap_host {
    /* The armed schedule, locked until `leave`. NULL: no fault can fire now (not armed, healed, stopped); then no `leave`. */
    struct od_disturb *(*enter)(void *self);
    void (*leave)(void *self);
    /* Between enter and leave, for a fault that fired here: tells of it, and does what only a host can. */
    void (*strike)(void *self, uint32_t actor_id, const struct od_fault *fault, const struct od_site *site);
    /* Every hit of a living actor, whether a fault waits there or not. NULL: nobody listens; else all parts are wrapped. */
    void (*reached)(void *self, const struct od_hit *hit);
    /* After leave: what the actor's own process does to itself. May be NULL. */
    void (*suffer)(void *self, uint32_t actor_id, const struct od_fault *fault);
    /* False: a fault has ended this life. */
    bool (*lives)(void *self, uint32_t actor_id);
    uint64_t (*now_ns)(void *self); /* since the start; what windows are measured in */
    /* As net.send below, `delay_ns` later; those of the same moment in their order, where the host can. */
    void (*send_later)(void *self, uint32_t actor_id, struct od_message *message, uint64_t delay_ns);
    void *self;
    struct od_memory *memory; /* for what wrappers keep; not the actor's */
};

/* The bytes of the block that passed before. */
struct od_wrap_kept {
    uint8_t *bytes; /* owned */
    size_t size;
    size_t capacity;
};

struct od_wrap_world {
    const struct od_wrap_host *host; /* borrowed */
    struct od_world *world;          /* borrowed, as all below */
    struct od_clock clock_below;
    struct od_net net_below;
    struct od_schedule_part timers_below;
    struct od_disk disk_below;
    struct od_memory *memory_below;
    struct od_points points_below;
    struct od_memory memory; /* what the actor gets */
    uint32_t actor_id;
    uint32_t parts;
    uint32_t points_used;  /* of the schedule */
    uint64_t effects_used; /* likewise; a bit an effect: windows of others are never open */
    uint64_t heal_ns;      /* likewise */
    struct od_site current;         /* whose work the actor does */
    const struct od_fault *report;  /* what becomes of the report of `reported`; NULL: nothing */
    struct od_site reported;
    uint64_t hang_ns;               /* for the next timer that is due at once; 0: none */
    bool is_at_work;                /* it has reached a point in this life; before, memory is not refused: it is being made */
    uint64_t memory_used;           /* bytes, taken through us */
    struct od_wrap_kept kept[2];    /* as served, as received */
};

void od_wrap_world_init(struct od_wrap_world *wrap, const struct od_wrap_host *host, const struct od_schedule *schedule,
                        uint32_t actor_id);
void od_wrap_world_dress(struct od_wrap_world *wrap, struct od_world *world);
/* A life has ended; not needed where each life is dressed anew. */
void od_wrap_world_end(struct od_wrap_world *wrap);
/* A life begins: its actor is made and has said nothing yet. EXECUTOR_GONE when a fault ends it at once. */
enum od_status od_wrap_world_begin(struct od_wrap_world *wrap);
/* A host of threads or processes: this thread does nothing for so long. */
void od_wrap_stand_still(uint64_t duration_ns);
/* What is kept. A zeroed one is fine. */
void od_wrap_world_release(struct od_wrap_world *wrap);

#endif
