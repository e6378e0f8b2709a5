/* frame_fuzzer: any bytes are frames, or are refused for good; within memory bounds; and however they are
 * cut.
 *
 * The first byte of an input chooses: bit 0 repairs the checksums of what looks like frames, so that the
 * fuzzer gets past them; the other bits are the size of the pieces, less 1. The stream is decoded whole and
 * in pieces, which must agree; what decodes is encoded and decoded again, and must be the same. Seeds:
 * frame_fuzzer_corpus/, by frame_fuzzer_seeds.py. */
#include <stdlib.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/hash.h"
#include "engine/world/frame.h"
#include "engine/world/posix.h"

#define BODY_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static uint32_t get_u32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

static void repair(uint8_t *bytes, size_t size)
{
    while (size >= OD_FRAME_HEADER_BYTES) {
        size_t envelope_bytes = get_u32(bytes + 8);
        size_t body_bytes = get_u32(bytes + 12);
        size_t frame_bytes = OD_FRAME_HEADER_BYTES + envelope_bytes + body_bytes;
        if (frame_bytes > size)
            return;
        uint64_t checksum = od_hash_bytes(bytes, 16, 0);
        checksum = od_hash_bytes(bytes + OD_FRAME_HEADER_BYTES, envelope_bytes, checksum);
        checksum = od_hash_bytes(bytes + OD_FRAME_HEADER_BYTES + envelope_bytes, body_bytes, checksum);
        memcpy(bytes + 16, &checksum, sizeof(checksum));
        bytes += frame_bytes;
        size -= frame_bytes;
    }
}

struct outcome {
    enum od_status status;
    uint32_t count;
    uint64_t digest;
};

static uint64_t digest_of(const struct od_message *message)
{
    uint64_t digest = od_hash_bytes(&message->site, sizeof(message->site), message->from);
    digest =
        od_mix_two(od_mix_two(digest, message->to), od_mix_two(message->from_incarnation, message->kind));
    return od_hash_bytes(message->body, message->body_bytes, digest);
}

static void check_again(struct od_memory *memory, const struct od_message *message)
{
    uint8_t head[OD_FRAME_HEAD_BYTES];
    const uint8_t *parts[] = {head, message->body};
    size_t sizes[] = {od_frame_head(message, head), message->body_bytes};
    struct od_frame_decoder decoder;
    struct od_message *again = NULL;
    od_frame_decoder_init(&decoder, memory, BODY_MAX);
    for (int i = 0; i < 2 && again == NULL; i++) {
        enum od_status status = od_frame_decode(&decoder, &parts[i], &sizes[i], &again, NULL);
        od_assert(status == OD_OK);
    }
    od_assert(again != NULL);
    od_assert(digest_of(again) == digest_of(message));
    od_message_free(memory, again);
    od_frame_decoder_release(&decoder);
}

static struct outcome decode(const uint8_t *bytes, size_t size, size_t piece_bytes)
{
    struct od_budget budget;
    struct od_frame_decoder decoder;
    struct outcome outcome = {OD_OK, 0, 0};
    od_budget_init(&budget, od_posix_memory(), 2 * (BODY_MAX + 1024));
    od_frame_decoder_init(&decoder, &budget.memory, BODY_MAX);
    for (size_t at = 0; at < size && outcome.status == OD_OK; at += piece_bytes) {
        const uint8_t *piece = bytes + at;
        size_t left = size - at < piece_bytes ? size - at : piece_bytes;
        while (left > 0 && outcome.status == OD_OK) {
            struct od_message *message;
            outcome.status = od_frame_decode(&decoder, &piece, &left, &message, NULL);
            od_assert(outcome.status == OD_OK || outcome.status == OD_CORRUPT ||
                      outcome.status == OD_UNSUPPORTED);
            if (message == NULL)
                continue;
            od_assert(outcome.status == OD_OK);
            outcome.count++;
            outcome.digest = od_mix_two(outcome.digest, digest_of(message));
            check_again(&budget.memory, message);
            od_message_free(&budget.memory, message);
        }
    }
    od_frame_decoder_release(&decoder);
    od_budget_release(&budget);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    uint8_t *stream = malloc(size);
    if (stream == NULL)
        return 0;
    memcpy(stream, bytes + 1, size - 1);
    if (bytes[0] & 1)
        repair(stream, size - 1);
    struct outcome whole = decode(stream, size - 1, size);
    struct outcome pieces = decode(stream, size - 1, (size_t)(bytes[0] >> 1) + 1);
    od_assert(whole.status == pieces.status);
    od_assert(whole.count == pieces.count);
    od_assert(whole.digest == pieces.digest);
    free(stream);
    return 0;
}
