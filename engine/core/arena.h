/* arena: memory that dies together.
 *
 *   arena -> chunk -> chunk -> chunk (newest first)
 *            [ header | used ........ | free ]
 *
 * Name an arena by when it dies: plan_arena, operator_arena, batch_arena. Under AddressSanitizer what is not
 * handed out is poisoned. Reset keeps one chunk, so that a steady state allocates nothing. */
#ifndef OD_CORE_ARENA_H
#define OD_CORE_ARENA_H

#include "engine/core/memory.h"
#include "engine/core/status.h"

struct od_arena_chunk;

struct od_arena {
    struct od_memory *memory;     /* borrowed */
    struct od_arena_chunk *chunk; /* owned; the newest; NULL when empty */
    size_t chunk_bytes;           /* size of the next ordinary chunk */
    size_t used_bytes;            /* handed out since the last reset */
};

/* chunk_bytes 0 means 16 KiB. Takes nothing yet. */
void od_arena_init(struct od_arena *arena, struct od_memory *memory, size_t chunk_bytes);
/* Zeroed, aligned to 16; NULL on refusal. bytes == 0 gives a valid unique pointer. */
void *od_arena_take(struct od_arena *arena, size_t bytes);
/* Zeroed count * bytes; NULL on refusal or overflow. */
void *od_arena_take_array(struct od_arena *arena, size_t count, size_t bytes);
/* Not zeroed: for what is overwritten at once. */
void *od_arena_take_raw(struct od_arena *arena, size_t bytes);
/* Copies bytes and adds a NUL behind them; NULL on refusal. */
char *od_arena_copy_text(struct od_arena *arena, const char *bytes, size_t size);
/* As above for a buffer's content; NULL also when the buffer has failed. */
struct od_buffer;
char *od_arena_copy_buffer(struct od_arena *arena, const struct od_buffer *buffer);
/* printf into the arena; NULL on refusal. */
char *od_arena_print(struct od_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `pointer` = room for `count` zeroed elements. As OD_TRY, for functions that own nothing: where memory is refused, they end with
 * NO_MEMORY. The second declares the pointer, too. */
#define OD_TAKE(pointer, arena, count, error)                                                                \
    do {                                                                                                     \
        (pointer) = od_arena_take_array((arena), (count), sizeof(*(pointer)));                               \
        if ((pointer) == NULL)                                                                               \
            return od_fail((error), OD_NO_MEMORY, "taking memory for a list: %s", #pointer);                 \
    } while (0)
#define OD_TAKE_LIST(type, name, arena, count, error)                                                        \
    type *name;                                                                                              \
    OD_TAKE(name, arena, count, error)
/* Makes a list of *capacity items, each of `width` bytes, hold one more than `count`; `items` points to the pointer to it, which
 * is NULL at first and may move. NO_MEMORY: nothing has changed. */
enum od_status od_arena_grow(struct od_arena *arena, void *items, uint32_t *capacity, uint32_t count, size_t width,
                             struct od_error *error);
void od_arena_reset(struct od_arena *arena);
/* Gives everything back; a zeroed or released arena is fine. */
void od_arena_release(struct od_arena *arena);

#endif
