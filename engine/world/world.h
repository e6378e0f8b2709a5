/* world: the seam. Everything that is not a pure function of its input reaches the engine through here.
 *
 *   driver, executors  ->  struct od_world  ->  POSIX (world/posix_*.c)  or  simulation (chaos/sim_*.c)
 *                                \-> wrappers of chaos/ around any part
 *
 * One od_world per actor: parts may be shared or private, the actor can't tell. Passed explicitly, never global.
 *
 * Actors. A driver (id 0) and N executors (ids 1..N) are objects that get messages and timers and return. No call blocks,
 * none starts a thread. The host (simulation or threads) calls one handler of an actor at a time. */
#ifndef OD_WORLD_WORLD_H
#define OD_WORLD_WORLD_H

#include "engine/core/memory.h"
#include "engine/core/random.h"
#include "engine/core/status.h"
#include "engine/world/event.h"
#include "engine/world/message.h"
#include "engine/world/point.h"

/* Time is monotonic nanoseconds from an unknown start. */
struct od_clock {
    uint64_t (*now_ns)(void *self);
    void *self;
};

/* Messages: at most once, in any order, perhaps never. The message is the world's from here on, also on failure (there is
 * none that the sender would see: a lost message looks like a slow one). Messages must come from message_memory. */
struct od_net {
    void (*send)(void *self, struct od_message *message);
    void *self;
    struct od_memory *message_memory;
};

/* Calls the actor's on_timer(tag) once, after at least delay_ns. Delay 0 means "soon, after what is waiting": that is how a
 * task yields between steps. Timers cannot be cancelled; a handler that no longer cares returns. They die with the actor. */
struct od_schedule_part {
    void (*timer)(void *self, uint64_t delay_ns, uint64_t tag);
    void *self;
};

/* Files are flat names chosen by the engine ("q1-s0-t2-a0.blocks"), private to one actor, gone with its host. An
 * executor's are gone with its life, too. The driver's next life finds those of the one before: bytes that were synced are what
 * they were, names made or removed before a sync, of whatever file, are there or gone; of what was written to a file since its last
 * sync, and of the names made or removed since the last of all, each may have come to the disk, in part, or not.
 * All offsets and sizes in bytes. Short reads and writes are the world's to complete: OK means all of it. */
struct od_file;
struct od_disk_ops {
    enum od_status (*create)(void *self, const char *name, struct od_file **file_out, struct od_error *error);
    /* MISSING when there is no such file. */
    enum od_status (*open)(void *self, const char *name, struct od_file **file_out, struct od_error *error);
    enum od_status (*write)(void *self, struct od_file *file, uint64_t offset, const void *bytes, size_t size,
                            struct od_error *error);
    /* CORRUPT when the file ends before offset + size. */
    enum od_status (*read)(void *self, struct od_file *file, uint64_t offset, void *bytes, size_t size,
                           struct od_error *error);
    enum od_status (*sync)(void *self, struct od_file *file, struct od_error *error);
    /* One past the last byte. */
    enum od_status (*size)(void *self, struct od_file *file, uint64_t *bytes_out, struct od_error *error);
    void (*close)(void *self, struct od_file *file); /* NULL is fine */
    enum od_status (*remove)(void *self, const char *name, struct od_error *error);
};
struct od_disk {
    const struct od_disk_ops *ops;
    void *self;
};

struct od_world {
    uint32_t actor_id;
    uint32_t incarnation;
    struct od_clock clock;
    struct od_random random; /* the engine's stream: jitter and nothing that reaches an answer */
    struct od_memory *memory;
    struct od_disk disk;
    struct od_net net;
    struct od_schedule_part schedule;
    struct od_points points;
    struct od_trace trace;
};

static inline uint64_t od_world_now_ns(const struct od_world *world)
{
    return world->clock.now_ns(world->clock.self);
}
/* Stamps the time and hands the event to whoever listens. */
static inline void od_world_emit(const struct od_world *world, struct od_event event)
{
    if (world->trace.ops == NULL)
        return;
    event.time_ns = od_world_now_ns(world);
    world->trace.ops->event(world->trace.self, &event);
}

/* What a person asks of the driver while it runs; chaos gives orders too. Read the field that the kind names. An order is a
 * wish: one that came to nothing (a query that ended, an executor that is gone) is no error. */
enum od_order_kind {
    OD_ORDER_CANCEL_QUERY = 1, /* query */
    OD_ORDER_UNCACHE = 3,      /* key: of outputs that no later query will want */
    OD_ORDER_DECOMMISSION = 2, /* executor: takes no new task, its outputs move elsewhere, then it leaves */
};
struct od_order {
    enum od_order_kind kind;
    uint32_t query;
    uint32_t executor;
    uint64_t key;
};

/* What a host calls. on_message borrows the message; the host frees it. */
struct od_actor_ops {
    void (*on_start)(void *self);
    void (*on_message)(void *self, const struct od_message *message);
    void (*on_timer)(void *self, uint64_t tag);
    void (*on_order)(void *self, const struct od_order *order); /* borrowed; NULL: orders are ignored */
    void (*free)(void *self); /* also for an actor that died: releases all it holds, sends nothing */
};
struct od_actor {
    const struct od_actor_ops *ops;
    void *self;
};

/* How a host makes actors, and makes them again after a crash (larger incarnation). `world` stays the host's and outlives
 * the actor. Fails with NO_MEMORY. */
struct od_actor_factory {
    enum od_status (*make)(void *self, struct od_world *world, struct od_actor *actor_out, struct od_error *error);
    void *self;
};

#endif
