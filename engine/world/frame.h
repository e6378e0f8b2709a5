/* frame: a message as bytes on a stream between processes.
 *
 *   | magic | version | envelope size | body size | checksum | envelope (envelope.proto) | body |
 *   0       4         8               12          16         24                           24 + envelope size
 *
 * Integers are u32, the checksum u64, little-endian; the checksum is xxh3 of the first 16 bytes, the envelope
 * and the body. The first 8 bytes mean the same in all versions, so that two programs of different versions
 * can say so. The body is neither looked at nor copied to be sent. Pure functions of bytes: sockets are
 * posix_net_link.c's business. */
#ifndef OD_WORLD_FRAME_H
#define OD_WORLD_FRAME_H

#include "engine/core/status.h"
#include "engine/world/message.h"

#define OD_FRAME_VERSION        1
#define OD_FRAME_START_BYTES    8
#define OD_FRAME_HEADER_BYTES   24
#define OD_FRAME_ENVELOPE_BYTES 128 /* at most */
#define OD_FRAME_HEAD_BYTES     (OD_FRAME_HEADER_BYTES + OD_FRAME_ENVELOPE_BYTES)

/* Writes all of a frame that comes before the body, and returns its size. The body is message->body, at most
 * UINT32_MAX bytes. */
size_t od_frame_head(const struct od_message *message, uint8_t head_out[OD_FRAME_HEAD_BYTES]);

enum od_frame_stage {
    OD_FRAME_START, /* magic and version are not all there */
    OD_FRAME_SIZES,
    OD_FRAME_ENVELOPE,
    OD_FRAME_BODY
};

/* Takes bytes in pieces of any size. Holds at most one message, of at most body_bytes_max. */
struct od_frame_decoder {
    struct od_memory *memory; /* borrowed; of the messages */
    size_t body_bytes_max;    /* may be changed between two frames */
    enum od_status status;    /* of the first failure; the stream has then lost its frames' borders */
    enum od_frame_stage stage;
    size_t head_bytes; /* that are there, and that the stage waits for */
    size_t head_bytes_wanted;
    size_t body_bytes; /* that are there */
    size_t body_bytes_wanted;
    struct od_message *message; /* owned; NULL in stage BODY: memory was refused, the body is skipped */
    uint8_t head[OD_FRAME_HEAD_BYTES];
};

void od_frame_decoder_init(struct od_frame_decoder *decoder, struct od_memory *memory, size_t body_bytes_max);
void od_frame_decoder_release(struct od_frame_decoder *decoder);
/* Takes bytes from (*bytes, *size) until a message is complete or none is left. *message_out is the caller's,
 * NULL when more bytes are needed. NO_MEMORY: one message is lost; go on. CORRUPT (no frame, sizes out of
 * bounds, a bad checksum) and UNSUPPORTED (another version; the text names both) are for good: this and every
 * later call fails so and takes nothing. */
enum od_status od_frame_decode(struct od_frame_decoder *decoder, const uint8_t **bytes, size_t *size,
                               struct od_message **message_out, struct od_error *error);

#endif
