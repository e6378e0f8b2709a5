/* frame: encoding is two writes; decoding is a machine of four stages, each of which waits for a known number
 * of bytes:
 *
 *   START (8) -> SIZES (24) -> ENVELOPE (24 + its size) -> BODY (its size) -> START
 *
 * Each stage checks what it got before the next one asks for more, and nothing is taken from memory before
 * both sizes are known to be within their bounds. protobuf-c's parser works in a block on the stack: what
 * does not fit is refused. */
#include "engine/world/frame.h"

#include <stdalign.h>
#include <string.h>

#include <envelope.pb-c.h>

#include "engine/core/assert.h"
#include "engine/core/hash.h"

#define MAGIC UINT32_C(0x4c44524f) /* "ORDL" */

enum { VERSION_AT = 4, ENVELOPE_BYTES_AT = 8, BODY_BYTES_AT = 12, CHECKSUM_AT = 16 };

/* F(the message's field, the envelope's, what is added on the wire) */
#define ENVELOPE_FIELDS(F)                                                                                   \
    F(from, from, 0)                                                                                         \
    F(to, to, 0)                                                                                             \
    F(from_incarnation, from_incarnation, 0)                                                                 \
    F(kind, kind, 0)                                                                                         \
    F(site.query, query, 1)                                                                                  \
    F(site.stage, stage, 1)                                                                                  \
    F(site.task, task, 1)                                                                                    \
    F(site.attempt, attempt, 1)                                                                              \
    F(site.executor, executor, 1)                                                                            \
    F(site.partition, partition, 1)                                                                          \
    F(site.nth, nth, 1)                                                                                      \
    F(site.message_kind, message_kind, 1)

static void put_u32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint64_t checksum_of(const uint8_t *head, size_t head_bytes, const uint8_t *body, size_t body_bytes)
{
    uint64_t checksum = od_hash_bytes(head, CHECKSUM_AT, 0);
    checksum = od_hash_bytes(head + OD_FRAME_HEADER_BYTES, head_bytes - OD_FRAME_HEADER_BYTES, checksum);
    return od_hash_bytes(body, body_bytes, checksum);
}

size_t od_frame_head(const struct od_message *message, uint8_t head_out[OD_FRAME_HEAD_BYTES])
{
    Ordeal__Wire__Envelope envelope = ORDEAL__WIRE__ENVELOPE__INIT;
#define F(field, wire, plus) envelope.wire = message->field + plus;
    ENVELOPE_FIELDS(F)
#undef F
    size_t envelope_bytes = ordeal__wire__envelope__get_packed_size(&envelope);
    od_assert(envelope_bytes <= OD_FRAME_ENVELOPE_BYTES);
    od_assert(message->body_bytes <= UINT32_MAX);
    ordeal__wire__envelope__pack(&envelope, head_out + OD_FRAME_HEADER_BYTES);
    put_u32(head_out, MAGIC);
    put_u32(head_out + VERSION_AT, OD_FRAME_VERSION);
    put_u32(head_out + ENVELOPE_BYTES_AT, (uint32_t)envelope_bytes);
    put_u32(head_out + BODY_BYTES_AT, (uint32_t)message->body_bytes);
    size_t head_bytes = OD_FRAME_HEADER_BYTES + envelope_bytes;
    uint64_t checksum = checksum_of(head_out, head_bytes, message->body, message->body_bytes);
    put_u32(head_out + CHECKSUM_AT, (uint32_t)checksum);
    put_u32(head_out + CHECKSUM_AT + 4, (uint32_t)(checksum >> 32));
    return head_bytes;
}

static void expect_start(struct od_frame_decoder *decoder)
{
    decoder->stage = OD_FRAME_START;
    decoder->head_bytes = 0;
    decoder->head_bytes_wanted = OD_FRAME_START_BYTES;
}

void od_frame_decoder_init(struct od_frame_decoder *decoder, struct od_memory *memory, size_t body_bytes_max)
{
    *decoder = (struct od_frame_decoder){.memory = memory, .body_bytes_max = body_bytes_max};
    expect_start(decoder);
}

void od_frame_decoder_release(struct od_frame_decoder *decoder)
{
    od_message_free(decoder->memory, decoder->message);
    decoder->message = NULL;
}

static enum od_status check_start(struct od_frame_decoder *decoder, struct od_error *error)
{
    uint32_t version = get_u32(decoder->head + VERSION_AT);
    if (get_u32(decoder->head) != MAGIC)
        return od_fail(error, OD_CORRUPT, "reading a frame: it does not start with ORDL");
    if (version != OD_FRAME_VERSION)
        return od_fail(error, OD_UNSUPPORTED,
                       "reading a frame: the peer speaks version %u of the protocol, this program version %u",
                       version, OD_FRAME_VERSION);
    decoder->head_bytes_wanted = OD_FRAME_HEADER_BYTES;
    decoder->stage = OD_FRAME_SIZES;
    return OD_OK;
}

static enum od_status check_sizes(struct od_frame_decoder *decoder, struct od_error *error)
{
    uint32_t envelope_bytes = get_u32(decoder->head + ENVELOPE_BYTES_AT);
    uint32_t body_bytes = get_u32(decoder->head + BODY_BYTES_AT);
    if (envelope_bytes > OD_FRAME_ENVELOPE_BYTES || body_bytes > decoder->body_bytes_max)
        return od_fail(error, OD_CORRUPT,
                       "reading a frame: too large, envelope=%u body=%u, allowed are %d and %zu",
                       envelope_bytes, body_bytes, OD_FRAME_ENVELOPE_BYTES, decoder->body_bytes_max);
    decoder->head_bytes_wanted = OD_FRAME_HEADER_BYTES + envelope_bytes;
    decoder->body_bytes_wanted = body_bytes;
    decoder->body_bytes = 0;
    decoder->stage = OD_FRAME_ENVELOPE;
    return OD_OK;
}

struct scratch {
    size_t used_bytes;
    alignas(16) uint8_t bytes[4096];
};

static void *scratch_take(void *self, size_t bytes)
{
    struct scratch *scratch = self;
    if (bytes > sizeof(scratch->bytes) - scratch->used_bytes)
        return NULL;
    void *taken = scratch->bytes + scratch->used_bytes;
    scratch->used_bytes += (bytes + 15) & ~(size_t)15;
    if (scratch->used_bytes > sizeof(scratch->bytes))
        scratch->used_bytes = sizeof(scratch->bytes);
    return taken;
}

static void scratch_give(void *self, void *taken)
{
    (void)self;
    (void)taken;
}

/* NO_MEMORY, too, ends the stage: the body then comes and is skipped. */
static enum od_status read_envelope(struct od_frame_decoder *decoder, struct od_error *error)
{
    struct scratch scratch;
    scratch.used_bytes = 0;
    ProtobufCAllocator allocator = {scratch_take, scratch_give, &scratch};
    const Ordeal__Wire__Envelope *envelope = ordeal__wire__envelope__unpack(
        &allocator, decoder->head_bytes - OD_FRAME_HEADER_BYTES, decoder->head + OD_FRAME_HEADER_BYTES);
    if (envelope == NULL)
        return od_fail(error, OD_CORRUPT, "reading a frame: its envelope does not decode");
    decoder->stage = OD_FRAME_BODY;
    decoder->message = od_message_new(decoder->memory, decoder->body_bytes_wanted);
    if (decoder->message == NULL)
        return od_fail(error, OD_NO_MEMORY, "reading a frame: body=%zu", decoder->body_bytes_wanted);
#define F(field, wire, plus) decoder->message->field = envelope->wire - plus;
    ENVELOPE_FIELDS(F)
#undef F
    return OD_OK;
}

static const uint8_t *take(const uint8_t **bytes, size_t *size, size_t wanted, size_t *taken_out)
{
    const uint8_t *start = *bytes;
    *taken_out = wanted < *size ? wanted : *size;
    *bytes += *taken_out;
    *size -= *taken_out;
    return start;
}

static enum od_status read_head(struct od_frame_decoder *decoder, const uint8_t **bytes, size_t *size,
                                struct od_error *error)
{
    enum od_status (*const stages[])(struct od_frame_decoder *, struct od_error *) = {
        [OD_FRAME_START] = check_start, [OD_FRAME_SIZES] = check_sizes, [OD_FRAME_ENVELOPE] = read_envelope};
    while (decoder->stage != OD_FRAME_BODY) {
        size_t taken;
        const uint8_t *from = take(bytes, size, decoder->head_bytes_wanted - decoder->head_bytes, &taken);
        memcpy(decoder->head + decoder->head_bytes, from, taken);
        decoder->head_bytes += taken;
        if (decoder->head_bytes < decoder->head_bytes_wanted)
            return OD_OK;
        OD_TRY(stages[decoder->stage](decoder, error));
    }
    return OD_OK;
}

static enum od_status read_body(struct od_frame_decoder *decoder, const uint8_t **bytes, size_t *size,
                                struct od_message **message_out, struct od_error *error)
{
    struct od_message *message = decoder->message;
    size_t taken;
    const uint8_t *from = take(bytes, size, decoder->body_bytes_wanted - decoder->body_bytes, &taken);
    if (message != NULL && taken > 0)
        memcpy(message->body + decoder->body_bytes, from, taken);
    decoder->body_bytes += taken;
    if (decoder->body_bytes < decoder->body_bytes_wanted)
        return OD_OK;
    uint64_t checksum =
        get_u32(decoder->head + CHECKSUM_AT) | (uint64_t)get_u32(decoder->head + CHECKSUM_AT + 4) << 32;
    if (message != NULL &&
        checksum_of(decoder->head, decoder->head_bytes, message->body, message->body_bytes) != checksum)
        return od_fail(error, OD_CORRUPT, "reading a frame: its checksum is wrong, body=%zu",
                       message->body_bytes);
    expect_start(decoder);
    decoder->message = NULL;
    *message_out = message;
    return OD_OK;
}

enum od_status od_frame_decode(struct od_frame_decoder *decoder, const uint8_t **bytes, size_t *size,
                               struct od_message **message_out, struct od_error *error)
{
    *message_out = NULL;
    if (decoder->status != OD_OK)
        return od_fail(error, decoder->status, "reading a frame: an earlier one was bad");
    enum od_status status = OD_OK;
    while (status == OD_OK && *message_out == NULL && *size > 0) {
        status = read_head(decoder, bytes, size, error);
        if (status == OD_OK && decoder->stage == OD_FRAME_BODY)
            status = read_body(decoder, bytes, size, message_out, error);
    }
    if (status != OD_OK && status != OD_NO_MEMORY)
        decoder->status = status;
    return status;
}
