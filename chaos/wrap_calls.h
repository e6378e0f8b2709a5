/* wrap_calls: counts what crosses the seam, by kind, and lets the k-th call of one kind fail; for sweeps.
 *
 *   actor -> wrap_calls: the k-th of its kind? fail it : next -> the world below
 *
 * One od_wrap_calls for all actors of a run and for whoever works beside them (a session), so that k counts the
 * allocations of them all. It goes around worlds as an actor factory makes actors in them (od_wrap_calls_dress);
 * a world that is dressed already stays as it is, so that later lives need no thought. Not thread-safe: for
 * hosts of one thread. */
#ifndef OD_CHAOS_WRAP_CALLS_H
#define OD_CHAOS_WRAP_CALLS_H

#include "engine/world/world.h"

/* What can fail, and how it does. Clock, timers and the trace cannot: they promise to work. */
#define OD_CALL_LIST(X)                                                                                      \
    X(ALLOCATION, "allocation", "refused")                                                                   \
    X(DISK_CREATE, "create", "IO")                                                                           \
    X(DISK_OPEN, "open", "IO")                                                                               \
    X(DISK_WRITE, "write", "IO")                                                                             \
    X(DISK_READ, "read", "IO")                                                                               \
    X(DISK_SYNC, "sync", "IO")                                                                               \
    X(DISK_SIZE, "size", "IO")                                                                               \
    X(DISK_REMOVE, "remove", "IO, and the file stays")                                                       \
    X(SEND, "send", "the message is lost")                                                                   \
    X(POINT, "point", "TASK_FAILED, or MISSING where a block is served")                                     \
    X(DAMAGE, "damage", "one bit of what is read from disk is another")

enum od_call {
#define X(name, text, sentence) OD_CALL_##name,
    OD_CALL_LIST(X)
#undef X
        OD_CALL_COUNT
};
const char *od_call_text(enum od_call call);

#define OD_WRAP_ACTORS_MAX 8

struct od_wrap_calls;
struct od_wrap_actor {
    struct od_wrap_calls *calls;
    struct od_memory memory; /* what the actor gets */
    struct od_memory message_memory;
    struct od_memory *memory_below; /* borrowed, as are the others below */
    struct od_memory *message_memory_below;
    struct od_disk disk_below;
    struct od_net net_below;
    struct od_points points_below;
};

struct od_wrap_calls {
    enum od_call fail;     /* which kind fails */
    uint64_t fail_at;      /* its k-th call, from 0; UINT64_MAX: none */
    bool fails_for_ever;   /* and all later ones */
    uint64_t failed_count; /* how many did */
    uint64_t counts[OD_CALL_COUNT];

    struct od_memory memory; /* for who works beside the actors */
    struct od_memory *memory_below;
    uint64_t live_block_count; /* of `memory` alone: worlds count their own */
    uint64_t live_bytes;
    struct od_wrap_actor actors[OD_WRAP_ACTORS_MAX];
};

/* Counts and lets nothing fail; `memory` is borrowed. Must not be moved. */
void od_wrap_calls_init(struct od_wrap_calls *calls, struct od_memory *memory);
/* From here on counts from 0, and lets the k-th call of that kind fail. */
void od_wrap_calls_aim(struct od_wrap_calls *calls, enum od_call fail, uint64_t fail_at, bool for_ever);
/* Puts itself around all of the world that can fail; actor_id < OD_WRAP_ACTORS_MAX. */
void od_wrap_calls_dress(struct od_wrap_calls *calls, struct od_world *world);

#endif
