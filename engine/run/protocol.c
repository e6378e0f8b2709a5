/* protocol: writers and readers of message bodies.
 *
 *   fields | lists | checksum u64
 *
 * One table says which fields a body has; one writer and one reader walk it. Writing appends to an od_buffer and never checks:
 * a refused allocation is remembered by the buffer and od_outbox_send then sends nothing. Reading opens the body (checksum
 * first), reads the fields, and for lists leaves a cursor over exactly the bytes that the count promises. */
#include "engine/run/protocol.h"

#include <stddef.h>
#include <string.h>

#include "engine/core/assert.h"

#define CHECKSUM_BYTES 8
#define OUTBOX_BYTES   500
#define PARTS_MAX      14

/* --- sending ------------------------------------------------------------------------------------------------- */

bool od_outbox_init(struct od_outbox *outbox, struct od_world *world)
{
    outbox->world = world;
    od_buffer_init(&outbox->body, world->memory);
    return od_buffer_reserve(&outbox->body, OUTBOX_BYTES);
}

void od_outbox_release(struct od_outbox *outbox)
{
    od_buffer_release(&outbox->body);
}

void od_body_seal(struct od_buffer *body, enum od_message_kind kind)
{
    od_buffer_append_u64(body, od_hash_bytes(body->bytes, body->size, kind));
}

static const enum od_message_role roles[OD_MESSAGE_KIND_COUNT] = {
    [OD_MESSAGE_REGISTER] = OD_ROLE_REGISTRATION,
    [OD_MESSAGE_REGISTERED] = OD_ROLE_WELCOME,
    [OD_MESSAGE_HEARTBEAT] = OD_ROLE_HEARTBEAT,
    [OD_MESSAGE_LAUNCH] = OD_ROLE_LAUNCH,
    [OD_MESSAGE_CANCEL] = OD_ROLE_CANCEL,
    [OD_MESSAGE_DONE] = OD_ROLE_REPORT,
    [OD_MESSAGE_FAILED] = OD_ROLE_REPORT,
    [OD_MESSAGE_ACKNOWLEDGE] = OD_ROLE_ACKNOWLEDGEMENT,
    [OD_MESSAGE_FETCH] = OD_ROLE_REQUEST,
    [OD_MESSAGE_BLOCK] = OD_ROLE_REPLY,
    [OD_MESSAGE_LOST] = OD_ROLE_LOSS,
    [OD_MESSAGE_COPY] = OD_ROLE_COPY,
    [OD_MESSAGE_COPIED] = OD_ROLE_COPY,
    [OD_MESSAGE_END_QUERY] = OD_ROLE_END,
};

enum od_message_role od_message_role(enum od_message_kind kind)
{
    return kind < OD_MESSAGE_KIND_COUNT ? roles[kind] : OD_ROLE_OTHER;
}

bool od_outbox_send(struct od_outbox *outbox, uint32_t to, enum od_message_kind kind, struct od_site site)
{
    struct od_world *world = outbox->world;
    struct od_buffer *body = &outbox->body;
    struct od_message *message = NULL;
    od_body_seal(body, kind);
    if (!body->failed)
        message = od_message_new(world->net.message_memory, body->size);
    if (message != NULL) {
        message->from = world->actor_id;
        message->to = to;
        message->from_incarnation = world->incarnation;
        message->kind = kind;
        message->role = od_message_role(kind);
        message->site = site;
        message->site.message_kind = kind;
        memcpy(message->body, body->bytes, body->size);
        world->net.send(world->net.self, message);
    }
    od_buffer_reset(body);
    return message != NULL;
}

void od_outbox_send_order(struct od_outbox *outbox, uint32_t to, enum od_message_kind kind, uint32_t number,
                          struct od_site site)
{
    od_buffer_append_u32(&outbox->body, number);
    od_outbox_send(outbox, to, kind, site);
}

/* --- bodies --------------------------------------------------------------------------------------------------- */

/* See protocol.h; PART_END stands behind the last. */
enum part_kind {
    PART_END,
    PART_U32,
    PART_U64,
    PART_FLAG,
    PART_STATUS,
    PART_FAILURE,
    PART_COUNT,
    PART_BYTES,
    PART_LIST
};
struct part {
    uint8_t kind;
    uint8_t bytes; /* of the field, or of a LIST's element */
    uint16_t offset;
    uint16_t count_offset; /* of a LIST: where how many there are was read to */
};
#define PART(S, part, type, field)   {PART_##part, sizeof(type), offsetof(struct S, field), 0},
#define LIST(S, bytes, count, field) {PART_LIST, (bytes), offsetof(struct S, field), offsetof(struct S, count)},
#define X(name, type)              [OD_BODY_##name] = {OD_FIELDS_##name(PART, LIST, type){PART_END, 0, 0, 0}},
static const struct part layouts[][PARTS_MAX] = {OD_BODY_LIST(X) OD_ELEMENT_LIST(X)};
#undef X
#undef PART
#undef LIST

void od_body_write(struct od_buffer *buffer, enum od_body_kind kind, const void *body)
{
    uint32_t count = 0;
    for (const struct part *part = layouts[kind]; part->kind != PART_END; part++) {
        const void *field = (const uint8_t *)body + part->offset;
        switch (part->kind) {
        case PART_U64:
            for (size_t i = 0; i < part->bytes / sizeof(uint64_t); i++)
                od_buffer_append_u64(buffer, ((const uint64_t *)field)[i]);
            break;
        case PART_FLAG:
            od_buffer_append_u8(buffer, *(const bool *)field);
            break;
        case PART_BYTES:
            od_buffer_append(buffer, *(const uint8_t *const *)field, count);
            break;
        case PART_LIST:
            break;
        default:
            for (size_t i = 0; i < part->bytes / sizeof(uint32_t); i++) {
                count = ((const uint32_t *)field)[i];
                od_buffer_append_u32(buffer, count);
            }
        }
    }
}

static void read_part(struct od_reader *reader, const struct part *part, uint8_t *body, uint32_t *count)
{
    void *field = body + part->offset;
    bool sound = true;
    switch (part->kind) {
    case PART_U64:
        for (size_t i = 0; i < part->bytes / sizeof(uint64_t); i++)
            ((uint64_t *)field)[i] = od_reader_u64(reader);
        break;
    case PART_FLAG: {
        uint8_t value = od_reader_u8(reader);
        sound = value <= 1;
        *(bool *)field = value == 1;
        break;
    }
    case PART_BYTES:
        *(const uint8_t **)field = od_reader_bytes(reader, *count);
        break;
    case PART_LIST: {
        uint64_t left = reader->size - reader->offset;
        uint64_t size = part->bytes * (uint64_t) * (uint32_t *)(void *)(body + part->count_offset);
        sound = size <= left;
        size = part->bytes == 0 || !sound ? left : size;
        *(struct od_reader *)field = *reader;
        ((struct od_reader *)field)->size = reader->offset + (size_t)size;
        reader->offset += (size_t)size;
        break;
    }
    default:
        for (size_t i = 0; i < part->bytes / sizeof(uint32_t); i++)
            *count = ((uint32_t *)field)[i] = od_reader_u32(reader);
        sound = (part->kind != PART_STATUS && part->kind != PART_FAILURE) || *count < OD_STATUS_COUNT;
        sound = sound && (part->kind != PART_FAILURE || *count != OD_OK);
    }
    reader->failed = reader->failed || !sound;
}

void od_body_read_element(struct od_reader *reader, enum od_body_kind kind, void *element_out)
{
    uint32_t count = 0;
    for (const struct part *part = layouts[kind]; part->kind != PART_END; part++)
        read_part(reader, part, element_out, &count);
}

/* The checksum first: of a body that fails it nothing is believed. */
bool od_body_read(const struct od_message *message, enum od_body_kind kind, void *body_out)
{
    struct od_reader reader = {.bytes = message->body, .failed = true};
    if (message->body_bytes >= CHECKSUM_BYTES) {
        uint64_t checksum;
        reader.size = message->body_bytes - CHECKSUM_BYTES;
        memcpy(&checksum, message->body + reader.size, sizeof(checksum));
        reader.failed = checksum != od_hash_bytes(message->body, reader.size, message->kind);
    }
    od_body_read_element(&reader, kind, body_out);
    return !reader.failed && reader.offset == reader.size;
}
