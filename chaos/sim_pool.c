/* sim_pool: why a simulated run of a small query costs no storm of mallocs.
 *
 *   next -> chunk -> chunk           64 KiB, doubled up to 1 MiB; blocks are cut from the newest, front to back
 *        -> large <-> large          above 64 KiB: one block each, in a list, so that a leak ends with the pool
 *   free_first[class] -> block -> block
 *
 * Classes: multiples of 16 up to 512 bytes, then four steps per doubling up to 64 KiB, so that rounding
 * wastes a fifth at most. A block knows nothing about itself: sizes come back with it. The simulation
 * counts live blocks above the pool (in budgets), so a leak is still seen; it just does not outlive the
 * simulation.
 *
 * Under AddressSanitizer every block is a large one and comes from below, so that use after free and
 * overruns are found. */
#include "chaos/sim_pool.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/sanitizer.h"

#define SMALL_STEP      ((size_t)16)
#define SMALL_MAX       ((size_t)512)
#define SMALL_CLASSES   (SMALL_MAX / SMALL_STEP)
#define CLASS_BYTES_MAX ((size_t)65536)
#define CHUNK_BYTES     ((size_t)65536)
#define CHUNK_BYTES_MAX ((size_t)1 << 20)

_Static_assert(OD_SIM_POOL_CLASS_COUNT == SMALL_CLASSES + 4 * 7,
               "32 small classes, then 512 B to 64 KiB in 7 doublings");

struct od_sim_pool_chunk {
    struct od_sim_pool_chunk *next;
    size_t bytes; /* of the payload */
    size_t used;
    size_t padding; /* keeps the payload 16-aligned */
};
struct od_sim_pool_large {
    struct od_sim_pool_large *next;
    struct od_sim_pool_large *previous;
    size_t bytes; /* of the payload */
    size_t padding;
};
struct od_sim_pool_free {
    struct od_sim_pool_free *next;
};
_Static_assert(sizeof(struct od_sim_pool_chunk) % 16 == 0, "the payload is aligned");
_Static_assert(sizeof(struct od_sim_pool_large) % 16 == 0, "the payload is aligned");

/* --- classes ---------------------------------------------------------------------------------- */

static bool is_large(size_t bytes)
{
    return OD_ADDRESS_SANITIZER || bytes > CLASS_BYTES_MAX;
}

static uint32_t class_of(size_t bytes)
{
    if (bytes <= SMALL_MAX)
        return (uint32_t)((bytes - 1) / SMALL_STEP);
    uint32_t doubling = 63 - (uint32_t)__builtin_clzll((unsigned long long)bytes - 1); /* 9 for 513..1024 */
    uint32_t quarter = (uint32_t)((bytes - 1) >> (doubling - 2)) & 3;
    return (uint32_t)SMALL_CLASSES + 4 * (doubling - 9) + quarter;
}

static size_t class_bytes(uint32_t class_index)
{
    if (class_index < SMALL_CLASSES)
        return (class_index + 1) * SMALL_STEP;
    uint32_t above = class_index - (uint32_t)SMALL_CLASSES;
    return (SMALL_MAX + SMALL_MAX / 4 * (above % 4 + 1)) << (above / 4);
}

/* --- blocks ----------------------------------------------------------------------------------- */

static void *cut_from_chunk(struct od_sim_pool *pool, size_t bytes)
{
    struct od_sim_pool_chunk *chunk = pool->chunks;
    if (chunk == NULL || chunk->bytes - chunk->used < bytes) {
        chunk = od_resize(pool->next, NULL, 0, sizeof(*chunk) + pool->chunk_bytes);
        if (chunk == NULL)
            return NULL;
        *chunk = (struct od_sim_pool_chunk){.next = pool->chunks, .bytes = pool->chunk_bytes};
        pool->chunks = chunk;
        if (pool->chunk_bytes < CHUNK_BYTES_MAX)
            pool->chunk_bytes *= 2;
    }
    void *block = (uint8_t *)(chunk + 1) + chunk->used;
    chunk->used += bytes;
    return block;
}

static void *take_classed(struct od_sim_pool *pool, size_t bytes)
{
    uint32_t class_index = class_of(bytes);
    od_assert(class_index < OD_SIM_POOL_CLASS_COUNT);
    od_assert(class_bytes(class_index) >= bytes);
    struct od_sim_pool_free *first = pool->free_first[class_index];
    if (first == NULL)
        return cut_from_chunk(pool, class_bytes(class_index));
    pool->free_first[class_index] = first->next;
    return first;
}

static void give_classed(struct od_sim_pool *pool, void *block, size_t bytes)
{
    struct od_sim_pool_free *freed = block;
    uint32_t class_index = class_of(bytes);
    freed->next = pool->free_first[class_index];
    pool->free_first[class_index] = freed;
}

static void *take_large(struct od_sim_pool *pool, size_t bytes)
{
    if (bytes > SIZE_MAX - sizeof(struct od_sim_pool_large))
        return NULL;
    struct od_sim_pool_large *large = od_resize(pool->next, NULL, 0, sizeof(*large) + bytes);
    if (large == NULL)
        return NULL;
    *large = (struct od_sim_pool_large){.next = pool->large, .bytes = bytes};
    if (pool->large != NULL)
        pool->large->previous = large;
    pool->large = large;
    return large + 1;
}

static void give_large(struct od_sim_pool *pool, void *block, size_t bytes)
{
    struct od_sim_pool_large *large = (struct od_sim_pool_large *)block - 1;
    od_assert(large->bytes == bytes);
    if (large->next != NULL)
        large->next->previous = large->previous;
    if (large->previous != NULL)
        large->previous->next = large->next;
    else
        pool->large = large->next;
    od_give(pool->next, large, sizeof(*large) + bytes);
}

static void pool_give(struct od_sim_pool *pool, void *block, size_t bytes)
{
    if (is_large(bytes))
        give_large(pool, block, bytes);
    else
        give_classed(pool, block, bytes);
}

static void *pool_resize(void *self, void *old, size_t old_bytes, size_t new_bytes)
{
    struct od_sim_pool *pool = self;
    if (new_bytes == 0) {
        pool_give(pool, old, old_bytes);
        return NULL;
    }
    bool same_place = old != NULL && !is_large(old_bytes) && !is_large(new_bytes) &&
                      class_of(old_bytes) == class_of(new_bytes);
    if (same_place)
        return old;
    void *block = is_large(new_bytes) ? take_large(pool, new_bytes) : take_classed(pool, new_bytes);
    if (block == NULL || old == NULL)
        return block;
    memcpy(block, old, old_bytes < new_bytes ? old_bytes : new_bytes);
    pool_give(pool, old, old_bytes);
    return block;
}

static const struct od_memory_ops pool_ops = {.resize = pool_resize};

void od_sim_pool_init(struct od_sim_pool *pool, struct od_memory *next)
{
    *pool = (struct od_sim_pool){.next = next, .chunk_bytes = CHUNK_BYTES};
    pool->memory = (struct od_memory){.ops = &pool_ops, .self = pool};
}

void od_sim_pool_release(struct od_sim_pool *pool)
{
    while (pool->chunks != NULL) {
        struct od_sim_pool_chunk *chunk = pool->chunks;
        pool->chunks = chunk->next;
        od_give(pool->next, chunk, sizeof(*chunk) + chunk->bytes);
    }
    while (pool->large != NULL)
        give_large(pool, pool->large + 1, pool->large->bytes);
    *pool = (struct od_sim_pool){0};
}
