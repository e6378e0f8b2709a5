/* buffer: a growable run of bytes, for encoders and text. Writers return false on refusal and remember it in
 * `failed`, so that a long encoder may write on and check once at its end. Integers are little-endian. */
#ifndef OD_CORE_BUFFER_H
#define OD_CORE_BUFFER_H

#include "engine/core/memory.h"

struct od_buffer {
    struct od_memory *memory; /* borrowed */
    uint8_t *bytes;           /* owned */
    size_t size;
    size_t capacity;
    bool failed; /* an allocation was refused; the content is cut */
};

void od_buffer_init(struct od_buffer *buffer, struct od_memory *memory);
void od_buffer_release(struct od_buffer *buffer);
void od_buffer_reset(struct od_buffer *buffer);
bool od_buffer_reserve(struct od_buffer *buffer, size_t extra_bytes);
bool od_buffer_append(struct od_buffer *buffer, const void *bytes, size_t size);
bool od_buffer_append_zeros(struct od_buffer *buffer, size_t size);
bool od_buffer_append_u8(struct od_buffer *buffer, uint8_t value);
bool od_buffer_append_u32(struct od_buffer *buffer, uint32_t value);
bool od_buffer_append_u64(struct od_buffer *buffer, uint64_t value);
bool od_buffer_append_text(struct od_buffer *buffer, const char *text); /* without the NUL */
bool od_buffer_print(struct od_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The content as a C string (a NUL is kept behind it); "" when empty or failed. */
const char *od_buffer_text(struct od_buffer *buffer);

/* Bytes that somebody else owns. */
struct od_piece {
    const void *bytes;
    size_t size;
};

/* A cursor over bytes that never reads past the end: after an overrun `failed` is set and reads give 0. */
struct od_reader {
    const uint8_t *bytes; /* borrowed */
    size_t size;
    size_t offset;
    bool failed;
};
uint8_t od_reader_u8(struct od_reader *reader);
uint32_t od_reader_u32(struct od_reader *reader);
uint64_t od_reader_u64(struct od_reader *reader);
/* A pointer to the next `size` bytes, or NULL and `failed`. */
const uint8_t *od_reader_bytes(struct od_reader *reader, size_t size);

#endif
