/* message: one allocation, header and body.
 *
 *   [ struct od_message, rounded up to 16 | body_bytes ]
 *
 * The body starts 16-aligned, so that a receiver may read integers in place. */
#include "engine/world/message.h"

#include "engine/core/assert.h"

#define BODY_OFFSET ((sizeof(struct od_message) + 15) & ~(size_t)15)

struct od_message *od_message_new(struct od_memory *memory, size_t body_bytes)
{
    if (body_bytes > SIZE_MAX - BODY_OFFSET)
        return NULL;
    struct od_message *message = od_take(memory, BODY_OFFSET + body_bytes);
    if (message == NULL)
        return NULL;
    message->site = OD_SITE_ANY;
    message->body_bytes = body_bytes;
    message->body = (uint8_t *)message + BODY_OFFSET;
    return message;
}

void od_message_free(struct od_memory *memory, struct od_message *message)
{
    if (message == NULL)
        return;
    od_assert(message->body == (uint8_t *)message + BODY_OFFSET);
    od_give(memory, message, BODY_OFFSET + message->body_bytes);
}
