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

#define CHECKSUM_BYTES     8
#define ATTEMPT_NAME_BYTES 12
#define OUTBOX_BYTES       500

static const char *const kind_texts[] = {
#define X(name, text, sentence) [OD_MESSAGE_##name] = text,
    OD_MESSAGE_LIST(X)
#undef X
};
_Static_assert(sizeof(kind_texts) / sizeof(kind_texts[0]) == OD_MESSAGE_KIND_COUNT, "every kind has a text");

const char *od_message_kind_text(uint32_t kind)
{
    return kind < OD_MESSAGE_KIND_COUNT ? kind_texts[kind] : "unknown kind";
}

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

bool od_outbox_send(struct od_outbox *outbox, uint32_t to, enum od_message_kind kind,
                    const struct od_site *site)
{
    struct od_world *world = outbox->world;
    struct od_buffer *body = &outbox->body;
    struct od_message *message = NULL;
    if (!body->failed)
        message = od_message_new(world->net.message_memory, body->size + CHECKSUM_BYTES);
    if (message != NULL) {
        message->from = world->actor_id;
        message->to = to;
        message->from_incarnation = world->incarnation;
        message->kind = kind;
        message->site = *site;
        message->site.message_kind = kind;
        if (body->size != 0)
            memcpy(message->body, body->bytes, body->size);
        uint64_t checksum = od_hash_bytes(message->body, body->size, kind);
        memcpy(message->body + body->size, &checksum, sizeof(checksum));
        world->net.send(world->net.self, message);
    }
    od_buffer_reset(body);
    return message != NULL;
}

void od_outbox_send_order(struct od_outbox *outbox, uint32_t to, enum od_message_kind kind, uint32_t number,
                          const struct od_site *site)
{
    od_buffer_append_u32(&outbox->body, number);
    od_outbox_send(outbox, to, kind, site);
}

/* --- bodies --------------------------------------------------------------------------------------------------- */

/* A body is its parts in order. COUNT is a u32 that the next BYTES, or the LIST behind the fields, refers to. */
enum part_kind {
    PART_U32,
    PART_U64,
    PART_FLAG,    /* bool, one byte */
    PART_STATUS,  /* u32, an od_status */
    PART_FAILURE, /* likewise, not OK */
    PART_COUNT,
    PART_BYTES, /* pointer into the message */
    PART_LIST,  /* od_reader over COUNT elements of `bytes`, which must be all that is left */
    PART_REST   /* od_reader over whatever is left: whoever walks it checks */
};
struct part {
    uint8_t kind;
    uint8_t bytes; /* of a LIST's element */
    uint16_t offset;
};
#define PARTS_MAX 12
#define P(kind, s, field)                                                                                    \
    {                                                                                                        \
        PART_##kind, 0, (uint16_t)offsetof(struct s, field)                                                  \
    }
#define LIST(s, field, bytes)                                                                                \
    {                                                                                                        \
        PART_LIST, (bytes), (uint16_t)offsetof(struct s, field)                                              \
    }
#define ATTEMPT_NAME(s, field) P(U32, s, field.stage), P(U32, s, field.task), P(U32, s, field.attempt)
#define HASH(s, field)         P(U64, s, field.low), P(U64, s, field.high)
#define REGISTERED(s, field)   P(U32, s, field.incarnation), P(U32, s, field.request), P(U32, s, field.epoch)
#define FETCH_NAME(s)                                                                                        \
    P(U32, s, name.epoch), ATTEMPT_NAME(s, name.reader), P(U32, s, name.input_index),                        \
        P(U32, s, name.block_index)

static const struct layout {
    uint32_t count;
    struct part parts[PARTS_MAX];
} layouts[] = {
    [OD_BODY_register] = {1, {P(U32, od_body_register, request)}},
    [OD_BODY_registered] = {3,
                            {P(U32, od_body_registered, incarnation), P(U32, od_body_registered, request),
                             P(U32, od_body_registered, epoch)}},
    [OD_BODY_order] = {1, {P(U32, od_body_order, epoch)}},
    [OD_BODY_heartbeat] = {3,
                           {P(U32, od_body_heartbeat, epoch), P(COUNT, od_body_heartbeat, attempt_count),
                            LIST(od_body_heartbeat, attempts, ATTEMPT_NAME_BYTES)}},
    [OD_BODY_launch] = {6,
                        {REGISTERED(od_body_launch, registered), P(U32, od_body_launch, generation),
                         P(U32, od_body_launch, input_count), P(REST, od_body_launch, inputs)}},
    [OD_BODY_done] = {10,
                      {P(U32, od_body_done, epoch), P(U32, od_body_done, generation),
                       P(U64, od_body_done, row_count), P(U64, od_body_done, total_bytes),
                       P(U64, od_body_done, spilled_bytes), P(U64, od_body_done, held_peak_bytes),
                       HASH(od_body_done, row_checksum),
                       P(COUNT, od_body_done, block_count), LIST(od_body_done, blocks, OD_ENTRY_BYTES)}},
    [OD_BODY_failed] = {9,
                        {P(U32, od_body_failed, epoch), P(FAILURE, od_body_failed, status),
                         P(FLAG, od_body_failed, injected), P(FLAG, od_body_failed, fetch_failed),
                         P(U32, od_body_failed, source_stage), P(U32, od_body_failed, source_task),
                         P(U32, od_body_failed, source_attempt), P(COUNT, od_body_failed, text_size),
                         P(BYTES, od_body_failed, text)}},
    [OD_BODY_acknowledge] = {2, {P(U32, od_body_acknowledge, epoch), P(FLAG, od_body_acknowledge, keep)}},
    [OD_BODY_result] = {4,
                        {P(U32, od_body_result, epoch), P(U32, od_body_result, sequence),
                         P(COUNT, od_body_result, size), P(BYTES, od_body_result, bytes)}},
    [OD_BODY_result_wanted] = {3,
                               {P(U32, od_body_result_wanted, epoch),
                                P(COUNT, od_body_result_wanted, sequence_count),
                                LIST(od_body_result_wanted, sequences, sizeof(uint32_t))}},
    [OD_BODY_fetch] = {9,
                       {FETCH_NAME(od_body_fetch), P(U32, od_body_fetch, epoch), P(U32, od_body_fetch, size),
                        P(U64, od_body_fetch, offset)}},
    [OD_BODY_block] = {10,
                       {FETCH_NAME(od_body_block), P(STATUS, od_body_block, status),
                        P(FLAG, od_body_block, injected), P(COUNT, od_body_block, size),
                        P(BYTES, od_body_block, bytes)}},
    [OD_BODY_source] = {6,
                        {P(U32, od_body_source, task), P(U32, od_body_source, attempt),
                         P(U32, od_body_source, generation), P(U32, od_body_source, executor),
                         P(U32, od_body_source, epoch), P(U32, od_body_source, block_count)}},
    [OD_BODY_attempt_name] = {3,
                              {P(U32, od_attempt_name, stage), P(U32, od_attempt_name, task),
                               P(U32, od_attempt_name, attempt)}},
    [OD_BODY_entry] = {6,
                       {P(U32, od_block_entry, partition), P(U32, od_block_entry, row_count),
                        P(U32, od_block_entry, size), P(U64, od_block_entry, offset),
                        HASH(od_block_entry, row_checksum)}},
};

void od_body_write(struct od_buffer *buffer, enum od_body_kind kind, const void *body)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < layouts[kind].count; i++) {
        const struct part *part = &layouts[kind].parts[i];
        const uint8_t *field = (const uint8_t *)body + part->offset;
        switch (part->kind) {
        case PART_U64:
            od_buffer_append_u64(buffer, *(const uint64_t *)field);
            break;
        case PART_FLAG:
            od_buffer_append_u8(buffer, *(const bool *)field);
            break;
        case PART_BYTES:
            od_buffer_append(buffer, *(const uint8_t *const *)field, count);
            break;
        case PART_LIST:
        case PART_REST:
            break;
        default:
            count = *(const uint32_t *)field;
            od_buffer_append_u32(buffer, count);
        }
    }
}

static void read_part(struct od_reader *reader, const struct part *part, uint8_t *field, uint32_t *count)
{
    bool sound = true;
    switch (part->kind) {
    case PART_U64:
        *(uint64_t *)field = od_reader_u64(reader);
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
    case PART_LIST:
        sound = (uint64_t)*count * part->bytes == reader->size - reader->offset;
        __attribute__((fallthrough));
    case PART_REST:
        *(struct od_reader *)field = *reader;
        reader->offset = reader->size;
        break;
    default:
        *count = *(uint32_t *)field = od_reader_u32(reader);
        sound = (part->kind != PART_STATUS && part->kind != PART_FAILURE) || *count < OD_STATUS_COUNT;
        sound = sound && (part->kind != PART_FAILURE || *count != OD_OK);
    }
    reader->failed = reader->failed || !sound;
}

void od_body_read_element(struct od_reader *reader, enum od_body_kind kind, void *element_out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < layouts[kind].count; i++)
        read_part(reader, &layouts[kind].parts[i], (uint8_t *)element_out + layouts[kind].parts[i].offset,
                  &count);
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
