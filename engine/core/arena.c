/* arena: bump allocation in chunks, given back at once.
 *
 *   chunk:  [ size, used, next | payload ................................ ]
 *                                ^ 16-aligned         ^ used      ^ bytes
 *
 * Ordinary chunks double in size up to 1 MiB, so a large arena has few of them. A request of more than a
 * quarter of a chunk gets a chunk of its own *behind* the newest one, whose free rest stays in use. Reset
 * keeps the largest chunk: an arena that is filled and reset over and over soon fits in one and then
 * allocates nothing.
 *
 * Under AddressSanitizer all free payload is poisoned, and so is the rounding behind each allocation. We add
 * no red zones: the layout must be the same in every build, so that a memory budget refuses at the same
 * place. */
#include "engine/core/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/buffer.h"
#include "engine/core/sanitizer.h"

#if OD_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#define arena_poison(start, bytes)   __asan_poison_memory_region((start), (bytes))
#define arena_unpoison(start, bytes) __asan_unpoison_memory_region((start), (bytes))
#else
#define arena_poison(start, bytes)   ((void)(start), (void)(bytes))
#define arena_unpoison(start, bytes) ((void)(start), (void)(bytes))
#endif

#define ARENA_ALIGNMENT       ((size_t)16)
#define ARENA_CHUNK_BYTES     ((size_t)16 << 10)
#define ARENA_CHUNK_BYTES_MAX ((size_t)1 << 20)
#define ARENA_CHUNK_BYTES_MIN ((size_t)256)
#define ARENA_LARGE_PARTS     4 /* a request above 1/4 of a chunk gets its own */

struct od_arena_chunk {
    struct od_arena_chunk *next; /* older */
    size_t bytes;                /* of the payload */
    size_t used;
    size_t padding; /* keeps the payload 16-aligned */
};
_Static_assert(sizeof(struct od_arena_chunk) % 16 == 0, "the payload is aligned");

static uint8_t *chunk_payload(struct od_arena_chunk *chunk)
{
    return (uint8_t *)(chunk + 1);
}

static struct od_arena_chunk *chunk_new(struct od_memory *memory, size_t bytes)
{
    if (bytes > SIZE_MAX - sizeof(struct od_arena_chunk))
        return NULL;
    struct od_arena_chunk *chunk = od_resize(memory, NULL, 0, sizeof(*chunk) + bytes);
    if (chunk == NULL)
        return NULL;
    *chunk = (struct od_arena_chunk){.bytes = bytes};
    arena_poison(chunk_payload(chunk), bytes);
    return chunk;
}

static void chunk_free(struct od_memory *memory, struct od_arena_chunk *chunk)
{
    arena_unpoison(chunk_payload(chunk), chunk->bytes);
    od_give(memory, chunk, sizeof(*chunk) + chunk->bytes);
}

void od_arena_init(struct od_arena *arena, struct od_memory *memory, size_t chunk_bytes)
{
    if (chunk_bytes == 0)
        chunk_bytes = ARENA_CHUNK_BYTES;
    if (chunk_bytes < ARENA_CHUNK_BYTES_MIN)
        chunk_bytes = ARENA_CHUNK_BYTES_MIN;
    *arena = (struct od_arena){.memory = memory, .chunk_bytes = chunk_bytes & ~(ARENA_ALIGNMENT - 1)};
}

/* A chunk with room for `rounded` bytes, or NULL. */
static struct od_arena_chunk *arena_chunk_for(struct od_arena *arena, size_t rounded)
{
    struct od_arena_chunk *newest = arena->chunk;
    if (newest != NULL && rounded <= newest->bytes - newest->used)
        return newest;
    bool is_large = rounded > arena->chunk_bytes / ARENA_LARGE_PARTS;
    struct od_arena_chunk *chunk = chunk_new(arena->memory, is_large ? rounded : arena->chunk_bytes);
    if (chunk == NULL)
        return NULL;
    if (is_large && newest != NULL) {
        chunk->next = newest->next;
        newest->next = chunk;
        return chunk;
    }
    chunk->next = newest;
    arena->chunk = chunk;
    if (!is_large && arena->chunk_bytes < ARENA_CHUNK_BYTES_MAX)
        arena->chunk_bytes *= 2;
    return chunk;
}

void *od_arena_take_raw(struct od_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX - ARENA_ALIGNMENT)
        return NULL;
    size_t asked = bytes == 0 ? 1 : bytes;
    size_t rounded = (asked + ARENA_ALIGNMENT - 1) & ~(ARENA_ALIGNMENT - 1);
    struct od_arena_chunk *chunk = arena_chunk_for(arena, rounded);
    if (chunk == NULL)
        return NULL;
    od_assert(rounded <= chunk->bytes - chunk->used);
    uint8_t *start = chunk_payload(chunk) + chunk->used;
    chunk->used += rounded;
    arena->used_bytes += rounded;
    arena_unpoison(start, bytes);
    return start;
}

void *od_arena_take(struct od_arena *arena, size_t bytes)
{
    void *start = od_arena_take_raw(arena, bytes);
    if (start != NULL && bytes != 0)
        memset(start, 0, bytes);
    return start;
}

void *od_arena_take_array(struct od_arena *arena, size_t count, size_t bytes)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, bytes, &total))
        return NULL;
    return od_arena_take(arena, total);
}

char *od_arena_copy_text(struct od_arena *arena, const char *bytes, size_t size)
{
    if (size == SIZE_MAX)
        return NULL;
    char *copy = od_arena_take_raw(arena, size + 1);
    if (copy == NULL)
        return NULL;
    if (size != 0)
        memcpy(copy, bytes, size);
    copy[size] = '\0';
    return copy;
}

char *od_arena_copy_buffer(struct od_arena *arena, const struct od_buffer *buffer)
{
    if (buffer->failed)
        return NULL;
    return od_arena_copy_text(arena, buffer->size == 0 ? "" : (const char *)buffer->bytes, buffer->size);
}

char *od_arena_print(struct od_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    char short_text[256]; /* most are; longer ones are printed twice */
    int length = vsnprintf(short_text, sizeof(short_text), format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : od_arena_take_raw(arena, (size_t)length + 1);
    if (text != NULL && (size_t)length < sizeof(short_text))
        memcpy(text, short_text, (size_t)length + 1);
    else if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

enum od_status od_arena_grow(struct od_arena *arena, void *items, uint32_t *capacity, uint32_t count, size_t width,
                             struct od_error *error)
{
    uint32_t grown = *capacity == 0 ? 8 : 2 * *capacity;
    void *old;
    if (count < *capacity)
        return OD_OK;
    memcpy(&old, items, sizeof(old));
    void *list = od_arena_take_array(arena, grown, width);
    if (list == NULL)
        return od_fail(error, OD_NO_MEMORY, "growing a list: items=%u", grown);
    if (count > 0)
        memcpy(list, old, count * width);
    memcpy(items, &list, sizeof(list));
    *capacity = grown;
    return OD_OK;
}

static struct od_arena_chunk *largest_chunk(struct od_arena_chunk *chunks)
{
    struct od_arena_chunk *largest = chunks;
    for (struct od_arena_chunk *chunk = chunks; chunk != NULL; chunk = chunk->next) {
        if (chunk->bytes > largest->bytes)
            largest = chunk;
    }
    return largest;
}

void od_arena_reset(struct od_arena *arena)
{
    struct od_arena_chunk *kept = largest_chunk(arena->chunk);
    struct od_arena_chunk *next = NULL;
    while (arena->chunk_bytes < arena->used_bytes && arena->chunk_bytes < ARENA_CHUNK_BYTES_MAX)
        arena->chunk_bytes *= 2; /* as much again fits into one chunk, which then is the one that is kept */
    for (struct od_arena_chunk *chunk = arena->chunk; chunk != NULL; chunk = next) {
        next = chunk->next;
        if (chunk != kept)
            chunk_free(arena->memory, chunk);
    }
    if (kept != NULL) {
        kept->next = NULL;
        kept->used = 0;
        arena_poison(chunk_payload(kept), kept->bytes);
    }
    arena->chunk = kept;
    arena->used_bytes = 0;
}

void od_arena_release(struct od_arena *arena)
{
    struct od_arena_chunk *next = NULL;
    for (struct od_arena_chunk *chunk = arena->chunk; chunk != NULL; chunk = next) {
        next = chunk->next;
        chunk_free(arena->memory, chunk);
    }
    *arena = (struct od_arena){0};
}
