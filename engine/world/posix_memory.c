/* posix_memory: the C library's allocator as a struct od_memory. The only place of the engine that names malloc. */
#include "engine/world/posix.h"

#include <stdalign.h>
#include <stdlib.h>

_Static_assert(alignof(max_align_t) >= 16, "malloc's blocks have the alignment that memory.h promises");

static void *posix_resize(void *self, void *old, size_t old_bytes, size_t new_bytes)
{
    (void)self;
    (void)old_bytes;
    if (new_bytes == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, new_bytes);
}

static const struct od_memory_ops posix_memory_ops = {.resize = posix_resize};
static struct od_memory posix_memory = {.ops = &posix_memory_ops, .self = NULL};

struct od_memory *od_posix_memory(void)
{
    return &posix_memory;
}
