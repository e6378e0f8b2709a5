/* sweep: for tests. Runs a body with its k-th allocation refused, k = 0, 1, 2... until a run in which none
 * was.
 *
 * Each k is tried twice: refused once, and refused from there on. After each run no block may be left. The
 * body must return NO_MEMORY when something was refused, and OK when nothing was; its own checks are the
 * test's business. */
#ifndef OD_CORE_SWEEP_H
#define OD_CORE_SWEEP_H

#include <stdlib.h>

#include "engine/core/assert.h"
#include "engine/core/memory.h"
#include "engine/core/status.h"

/* The C heap as an od_memory, for tests below the world's seam. */
static inline void *od_heap_resize(void *self, void *old, size_t old_bytes, size_t new_bytes)
{
    (void)self;
    (void)old_bytes;
    if (new_bytes == 0) {
        free(old);
        return NULL;
    }
    if (new_bytes > PTRDIFF_MAX) /* sanitizers end the program where malloc would refuse */
        return NULL;
    return realloc(old, new_bytes);
}
static inline struct od_memory *od_heap_for_tests(void)
{
    static const struct od_memory_ops ops = {.resize = od_heap_resize};
    static struct od_memory memory = {.ops = &ops};
    return &memory;
}

/* Refuses the k-th allocation (counted from 0) once, or that and all later ones. */
struct od_countdown {
    struct od_memory memory;
    struct od_memory *next; /* borrowed */
    uint64_t call_count;    /* allocations and growths asked so far */
    uint64_t refuse_at;     /* UINT64_MAX: never */
    bool refuse_for_ever;
    uint64_t refused_count;
    uint64_t live_block_count;
};
static inline void *od_countdown_resize(void *self, void *old, size_t old_bytes, size_t new_bytes)
{
    struct od_countdown *countdown = (struct od_countdown *)self;
    if (new_bytes > old_bytes) {
        uint64_t call = countdown->call_count++;
        if (call == countdown->refuse_at || (countdown->refuse_for_ever && call > countdown->refuse_at)) {
            countdown->refused_count++;
            return NULL;
        }
    }
    void *block = countdown->next->ops->resize(countdown->next->self, old, old_bytes, new_bytes);
    if (block != NULL || new_bytes == 0)
        countdown->live_block_count += (uint64_t)(new_bytes != 0) - (uint64_t)(old != NULL);
    return block;
}
static inline void od_countdown_init(struct od_countdown *countdown, struct od_memory *next, uint64_t refuse_at,
                                     bool for_ever)
{
    static const struct od_memory_ops ops = {.resize = od_countdown_resize};
    *countdown = (struct od_countdown){.next = next, .refuse_at = refuse_at, .refuse_for_ever = for_ever};
    countdown->memory = (struct od_memory){.ops = &ops, .self = countdown};
}

typedef enum od_status (*od_sweep_body)(struct od_memory *memory, void *context);

static inline bool od_sweep_once(od_sweep_body body, void *context, uint64_t refuse_at, bool for_ever)
{
    struct od_countdown countdown;
    od_countdown_init(&countdown, od_heap_for_tests(), refuse_at, for_ever);
    enum od_status status = body(&countdown.memory, context);
    od_assert(countdown.live_block_count == 0);
    od_assert(status == (countdown.refused_count > 0 ? OD_NO_MEMORY : OD_OK));
    return countdown.refused_count > 0;
}

/* Returns how many allocations the body makes; a test asserts that it is what it should be, or at least not
 * 0. */
static inline uint64_t od_sweep(od_sweep_body body, void *context)
{
    uint64_t k = 0;
    while (od_sweep_once(body, context, k, false)) {
        od_sweep_once(body, context, k, true);
        k++;
    }
    return k;
}

#endif
