/* life: what the parts of one actor share from its start to its end: of an executor, or of the driver as a reader of results. */
#ifndef OD_RUN_LIFE_H
#define OD_RUN_LIFE_H

#include "engine/run/block_store.h"
#include "engine/run/protocol.h"

struct od_life {
    struct od_world *world; /* borrowed */
    uint64_t clock_ns; /* what the world's clock showed when it was asked last */
    uint64_t now_ns;   /* of this life, then */
    bool has_time;     /* it was asked */
    const struct od_cluster_options *options; /* borrowed */
    struct od_outbox outbox;
    struct od_block_codec *codec; /* owned */
    struct od_block_store store;
    struct od_buffer scratch; /* one block on its way through; used within one call only */
    uint32_t epoch;           /* 0: not registered. The driver: its incarnation */
    uint32_t driver_incarnation; /* the newest that was heard of */
    uint64_t last_timer;      /* the number of the timer that was set last: see od_life_set_timer */
    bool gone;                /* a point said EXECUTOR_GONE: unwind, send and emit nothing more */
};

/* False when memory was refused; the life may then be released. */
static inline bool od_life_init(struct od_life *life, struct od_world *world,
                                const struct od_cluster_options *options)
{
    *life = (struct od_life){.world = world, .options = options, .store = {.world = world}};
    bool can_speak = od_outbox_init(&life->outbox, world);
    od_buffer_init(&life->scratch, world->memory);
    life->codec = od_block_codec_new(world->memory, NULL);
    return can_speak && life->codec != NULL;
}

/* This life's own time, by which it decides what is late: it begins with the world's clock and goes on with it, but never back, and
 * never by more than a lease at once. A clock that jumps is then no reason to give somebody up, and what waits for a
 * moment waits no longer for it when the clock has come back. */
static inline uint64_t od_life_now_ns(struct od_life *life)
{
    uint64_t clock_ns = od_world_now_ns(life->world);
    uint64_t step_ns = clock_ns > life->clock_ns ? clock_ns - life->clock_ns : 0;
    if (life->has_time)
        life->now_ns += step_ns < life->options->lease_ns ? step_ns : life->options->lease_ns;
    else
        life->now_ns = clock_ns;
    life->has_time = true;
    life->clock_ns = clock_ns;
    return life->now_ns;
}

/* Gives the timer's number, its tag, which no other one of this life has. Who waits for one keeps its number until it comes: a timer that
 * comes twice is then nobody's, and what sets itself again goes on once. */
static inline uint64_t od_life_set_timer(struct od_life *life, uint64_t delay_ns)
{
    const struct od_schedule_part *schedule = &life->world->schedule;
    schedule->timer(schedule->self, delay_ns, ++life->last_timer);
    return life->last_timer;
}

/* Leaves the store to its owner. */
static inline void od_life_release(struct od_life *life)
{
    od_buffer_release(&life->scratch);
    od_outbox_release(&life->outbox);
    od_block_codec_free(life->codec);
}

/* The epoch by which readers ask for what is stored here: the driver's store outlives its lives, and has none. */
static inline uint32_t od_life_place(const struct od_life *life)
{
    return life->world->actor_id == 0 ? 0 : life->epoch;
}

/* Sends the bytes that a FETCH asks for, or why not. May find the life gone. */
void od_life_serve(struct od_life *life, const struct od_message *message);

/* Hits a point and notices the end of this life. */
static inline enum od_status od_life_hit(struct od_life *life, enum od_point point, struct od_site site,
                                         struct od_point_bytes *bytes, struct od_error *error)
{
    enum od_status status = od_point_hit(&life->world->points, point, &site, bytes, error);
    life->gone = life->gone || status == OD_EXECUTOR_GONE;
    return status;
}

static inline struct od_site od_life_site(const struct od_life *life, const struct od_attempt_name *name)
{
    return od_site_of(name, life->world->actor_id);
}

#endif
