/* life: what the parts of one executor share from its start to its end. Made and released by executor.c. */
#ifndef OD_RUN_LIFE_H
#define OD_RUN_LIFE_H

#include "engine/run/block_store.h"
#include "engine/run/protocol.h"

struct od_life {
    struct od_world *world;       /* borrowed */
    const struct od_query *query; /* borrowed */
    struct od_outbox outbox;
    struct od_block_codec *codec; /* owned */
    struct od_block_store store;
    struct od_buffer scratch; /* one block on its way through; used within one call only */
    uint32_t epoch;           /* 0: not registered */
    bool gone;                /* a point said EXECUTOR_GONE: unwind, send and emit nothing more */
};

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
    return od_site_of(life->query, name, life->world->actor_id);
}

#endif
