/* memory: the one way to get memory in the engine.
 *
 * `struct od_memory` is an {ops, self} pair passed by pointer. A wrapper (budget, a fault) holds
 * `next`, the one below. Sizes are given back on release, so that wrappers can keep books without headers.
 * The budget wrapper refuses what would exceed its limit; "spill now" is then an ordinary status. */
#ifndef OD_CORE_MEMORY_H
#define OD_CORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct od_memory_ops {
    /* One call for all: old == NULL takes, new_bytes == 0 gives back (returns NULL), else resizes and keeps the
     * content. Alignment 16. NULL on refusal, and then the old block is untouched. New bytes are not initialised. */
    void *(*resize)(void *self, void *old, size_t old_bytes, size_t new_bytes);
};

struct od_memory {
    const struct od_memory_ops *ops;
    void *self;
};

/* Takes zeroed memory; NULL on refusal. bytes == 0 gives NULL, which od_give accepts. */
void *od_take(struct od_memory *memory, size_t bytes);
/* Takes count * bytes zeroed, NULL on refusal or when the product overflows. */
void *od_take_array(struct od_memory *memory, size_t count, size_t bytes);
/* Resizes; NULL on refusal and the old block stays. New bytes are not initialised. */
void *od_resize(struct od_memory *memory, void *old, size_t old_bytes, size_t new_bytes);
/* Makes an array of *capacity items, each of `width` bytes, hold at least `needed`: a power of two. `items` points to
 * the pointer to it, which is NULL at first. New items are not initialised. False on refusal; nothing has changed then. */
bool od_grow(struct od_memory *memory, void *items, uint32_t *capacity, uint64_t needed, size_t width);
/* Gives back; NULL is fine. `bytes` is what was taken. */
void od_give(struct od_memory *memory, void *block, size_t bytes);

/* A budget around `next` (borrowed, must outlive it). limit_bytes 0 means no limit. Not thread-safe: one per
 * actor. */
struct od_budget {
    struct od_memory memory; /* what users of the budget pass on */
    struct od_memory *next;  /* borrowed */
    size_t limit_bytes;
    size_t used_bytes;
    size_t peak_bytes;
    uint64_t live_block_count;
};
void od_budget_init(struct od_budget *budget, struct od_memory *next, size_t limit_bytes);
/* Asserts that nothing taken through the budget is still held. */
void od_budget_release(struct od_budget *budget);

#endif
