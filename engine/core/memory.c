/* memory: the calls that all memory goes through, and a wrapper.
 *
 *   user -> od_take / od_resize / od_give -> budget -> ... -> the world's memory
 *
 * A wrapper sits in front of `next` and sees every call with its sizes, so it keeps its books without a
 * header in front of each block. It counts live blocks: a run ends with "none is left", whatever failed on the
 * way. */
#include "engine/core/memory.h"

#include <string.h>

#include "engine/core/assert.h"

#define GROWN_ITEMS_MIN 16u /* powers of two, as every capacity is */
#define GROWN_BYTES_MIN 64u /* of items of one byte */

void *od_resize(struct od_memory *memory, void *old, size_t old_bytes, size_t new_bytes)
{
    od_assert((old == NULL) == (old_bytes == 0));
    if (old == NULL && new_bytes == 0)
        return NULL;
    return memory->ops->resize(memory->self, old, old_bytes, new_bytes);
}

void *od_take(struct od_memory *memory, size_t bytes)
{
    void *block = od_resize(memory, NULL, 0, bytes);
    if (block != NULL)
        memset(block, 0, bytes);
    return block;
}

void *od_take_array(struct od_memory *memory, size_t count, size_t bytes)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, bytes, &total))
        return NULL;
    return od_take(memory, total);
}

bool od_grow(struct od_memory *memory, void *items, uint32_t *capacity, uint64_t needed, size_t width)
{
    uint64_t grown = *capacity != 0 ? *capacity : width == 1 ? GROWN_BYTES_MIN : GROWN_ITEMS_MIN;
    void *block;
    if (needed <= *capacity)
        return true;
    while (grown < needed)
        grown *= 2;
    memcpy(&block, items, sizeof(block));
    block = grown > UINT32_MAX ? NULL : od_resize(memory, block, *capacity * width, grown * width);
    if (block == NULL)
        return false;
    memcpy(items, &block, sizeof(block));
    *capacity = (uint32_t)grown;
    return true;
}

void od_give(struct od_memory *memory, void *block, size_t bytes)
{
    if (block == NULL)
        return;
    od_resize(memory, block, bytes, 0);
}

/* --- budget --------------------------------------------------------------------------------------------- */

static void *budget_resize(void *self, void *old, size_t old_bytes, size_t new_bytes)
{
    struct od_budget *budget = self;
    od_assert(old_bytes <= budget->used_bytes);
    size_t others_bytes = budget->used_bytes - old_bytes;
    if (new_bytes > old_bytes && budget->limit_bytes != 0) {
        if (others_bytes > budget->limit_bytes || new_bytes > budget->limit_bytes - others_bytes)
            return NULL;
    }
    void *block = budget->next->ops->resize(budget->next->self, old, old_bytes, new_bytes);
    if (block == NULL && new_bytes != 0)
        return NULL;
    budget->used_bytes = others_bytes + new_bytes;
    if (budget->used_bytes > budget->peak_bytes)
        budget->peak_bytes = budget->used_bytes;
    budget->live_block_count += (uint64_t)(new_bytes != 0) - (uint64_t)(old != NULL);
    return block;
}

static const struct od_memory_ops budget_ops = {.resize = budget_resize};

void od_budget_init(struct od_budget *budget, struct od_memory *next, size_t limit_bytes)
{
    *budget = (struct od_budget){.next = next, .limit_bytes = limit_bytes};
    budget->memory = (struct od_memory){.ops = &budget_ops, .self = budget};
}

void od_budget_release(struct od_budget *budget)
{
    od_assert(budget->live_block_count == 0);
    od_assert(budget->used_bytes == 0);
    *budget = (struct od_budget){0};
}
