/* buffer: bytes that grow by doubling, and the cursor that reads them back.
 *
 *   [ content ........ size | NUL room | free ..... capacity ]
 *
 * One byte more than the content is always reserved, so that od_buffer_text() can put its NUL without
 * allocating.
 * After a refused allocation the buffer stays cut: later appends do nothing, so no gap can appear in the
 * content. */
#include "engine/core/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "integers are copied as they are");

#define BUFFER_BYTES_MIN ((size_t)64)

void od_buffer_init(struct od_buffer *buffer, struct od_memory *memory)
{
    *buffer = (struct od_buffer){.memory = memory};
}

void od_buffer_release(struct od_buffer *buffer)
{
    if (buffer->bytes != NULL)
        od_give(buffer->memory, buffer->bytes, buffer->capacity);
    *buffer = (struct od_buffer){0};
}

void od_buffer_reset(struct od_buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

bool od_buffer_reserve(struct od_buffer *buffer, size_t extra_bytes)
{
    if (buffer->failed)
        return false;
    if (buffer->capacity > buffer->size && extra_bytes < buffer->capacity - buffer->size)
        return true;
    if (extra_bytes > SIZE_MAX / 2 - buffer->size) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->size + extra_bytes + 1;
    size_t capacity = buffer->capacity == 0 ? BUFFER_BYTES_MIN : buffer->capacity;
    while (capacity < needed)
        capacity *= 2;
    uint8_t *bytes = od_resize(buffer->memory, buffer->bytes, buffer->capacity, capacity);
    if (bytes == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

bool od_buffer_append(struct od_buffer *buffer, const void *bytes, size_t size)
{
    if (!od_buffer_reserve(buffer, size))
        return false;
    if (size != 0)
        memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
    return true;
}

bool od_buffer_append_zeros(struct od_buffer *buffer, size_t size)
{
    if (!od_buffer_reserve(buffer, size))
        return false;
    memset(buffer->bytes + buffer->size, 0, size);
    buffer->size += size;
    return true;
}

bool od_buffer_append_u8(struct od_buffer *buffer, uint8_t value)
{
    return od_buffer_append(buffer, &value, 1);
}

bool od_buffer_append_u32(struct od_buffer *buffer, uint32_t value)
{
    return od_buffer_append(buffer, &value, sizeof(value));
}

bool od_buffer_append_u64(struct od_buffer *buffer, uint64_t value)
{
    return od_buffer_append(buffer, &value, sizeof(value));
}

bool od_buffer_append_text(struct od_buffer *buffer, const char *text)
{
    return od_buffer_append(buffer, text, strlen(text));
}

bool od_buffer_print(struct od_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    size_t room = buffer->failed ? 0 : buffer->capacity - buffer->size;
    int length = vsnprintf(room == 0 ? NULL : (char *)buffer->bytes + buffer->size, room, format, arguments);
    va_end(arguments);
    od_assert(length >= 0);
    bool fits = (size_t)length < room;
    bool reserved = fits || od_buffer_reserve(buffer, (size_t)length);
    if (reserved && !fits)
        vsnprintf((char *)buffer->bytes + buffer->size, (size_t)length + 1, format, again);
    va_end(again);
    if (reserved)
        buffer->size += (size_t)length;
    return reserved;
}

const char *od_buffer_text(struct od_buffer *buffer)
{
    if (buffer->failed || buffer->size == 0)
        return "";
    od_assert(buffer->size < buffer->capacity);
    buffer->bytes[buffer->size] = '\0';
    return (const char *)buffer->bytes;
}

/* --- reader --------------------------------------------------------------------------------------------- */

const uint8_t *od_reader_bytes(struct od_reader *reader, size_t size)
{
    od_assert(reader->offset <= reader->size);
    if (reader->failed || size > reader->size - reader->offset) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *start = reader->bytes + reader->offset;
    reader->offset += size;
    return start;
}

/* Zero after an overrun. */
#define READER(name, type)                                                                                   \
    type name(struct od_reader *reader)                                                                      \
    {                                                                                                        \
        type value = 0;                                                                                      \
        const uint8_t *start = od_reader_bytes(reader, sizeof(value));                                       \
        if (start != NULL)                                                                                   \
            memcpy(&value, start, sizeof(value));                                                            \
        return value;                                                                                        \
    }
READER(od_reader_u8, uint8_t)
READER(od_reader_u32, uint32_t)
READER(od_reader_u64, uint64_t)
#undef READER
