/* plain_memory: struct od_memory over malloc, for tests and fuzz targets of this folder. */
#ifndef OD_PROPERTIES_PLAIN_MEMORY_H
#define OD_PROPERTIES_PLAIN_MEMORY_H

#include "engine/core/memory.h"

#include <stdlib.h>

static inline void *od_plain_resize(void *self, void *old, size_t old_bytes, size_t new_bytes)
{
    (void)self;
    (void)old_bytes;
    if (new_bytes == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, new_bytes);
}

static const struct od_memory_ops od_plain_memory_ops = {od_plain_resize};

static inline struct od_memory od_plain_memory(void)
{
    return (struct od_memory){&od_plain_memory_ops, NULL};
}

#endif
