/* sim_pool: memory for one simulation: taken from below in chunks, handed out by size class, gone all at
 * once. Inside chaos/ only. */
#ifndef OD_CHAOS_SIM_POOL_H
#define OD_CHAOS_SIM_POOL_H

#include "engine/core/memory.h"

#define OD_SIM_POOL_CLASS_COUNT 60

struct od_sim_pool_chunk;
struct od_sim_pool_large;
struct od_sim_pool_free;

struct od_sim_pool {
    struct od_memory memory; /* what users of the pool pass on */
    struct od_memory *next;  /* borrowed */
    struct od_sim_pool_chunk *chunks;
    struct od_sim_pool_large *large; /* what is too large for a class, each with a header */
    size_t chunk_bytes;              /* of the next chunk */
    struct od_sim_pool_free *free_first[OD_SIM_POOL_CLASS_COUNT];
};

/* Takes nothing yet. Not thread-safe; must not be moved. */
void od_sim_pool_init(struct od_sim_pool *pool, struct od_memory *next);
/* Gives everything back, blocks that are still held too. A zeroed pool is fine. */
void od_sim_pool_release(struct od_sim_pool *pool);

#endif
