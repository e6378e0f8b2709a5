/* block: rows on their way between stages, as bytes that can be checked.
 *
 *   [ header | column 0 buffers | column 1 buffers | ... ]
 *
 *   header: magic, version, codec, schema hash, row count, who wrote it (stage, task, attempt, partition, generation), payload
 *           sizes, order-free row checksum (128 bits), xxh3 checksum of header and payload. Little-endian, no padding.
 *   A column is its validity bitmap, values or offsets + bytes, in this order; compressed with zstd as one frame when that makes
 *   it smaller, else stored. Equal rows in equal order give equal bytes.
 *
 * Decoding trusts nothing: any truncation or changed bit gives CORRUPT, never undefined behaviour or other rows. */
#ifndef OD_SHUFFLE_BLOCK_H
#define OD_SHUFFLE_BLOCK_H

#include "engine/data/batch.h"

enum od_codec { OD_CODEC_STORED, OD_CODEC_ZSTD, OD_CODEC_COUNT };

struct od_block_id {
    uint32_t query;
    uint32_t stage;
    uint32_t task;
    uint32_t attempt;
    uint32_t generation;
    uint32_t partition;
};

struct od_block_info {
    struct od_block_id id;
    enum od_codec codec;
    uint32_t row_count;
    uint64_t schema_hash;
    struct od_hash128 row_checksum;
    uint64_t total_bytes; /* header and payload */
    uint64_t raw_bytes;   /* what total_bytes would be of a stored block */
};

/* Keeps compression state between blocks; one per actor. */
struct od_block_codec;
struct od_block_codec *od_block_codec_new(struct od_memory *memory, struct od_error *error);
void od_block_codec_free(struct od_block_codec *codec);

/* Appends one block. wanted ZSTD: compress at level 1 when it pays (payloads under 1 KiB are stored: a zstd
 * context costs more than it saves there). */
enum od_status od_block_encode(struct od_block_codec *codec, const struct od_batch *batch,
                               const struct od_block_id *id, enum od_codec wanted, struct od_buffer *buffer,
                               struct od_block_info *info_out, struct od_error *error);
/* Reads the header only, with its bounds checked. CORRUPT. */
enum od_status od_block_peek(const uint8_t *bytes, size_t size, struct od_block_info *info_out,
                             struct od_error *error);
/* Decodes a whole block. `expected` (may be NULL) must match the header's id, else CORRUPT ("another block's bytes"). The schema's
 * hash must match. The batch lives in block_arena. Verifies checksum, bounds, offsets, UTF-8-ness is not checked. */
enum od_status od_block_decode(struct od_block_codec *codec, const uint8_t *bytes, size_t size,
                               const struct od_schema *schema, const struct od_block_id *expected,
                               struct od_arena *block_arena, struct od_batch *batch_out,
                               struct od_block_info *info_out, struct od_error *error);

#endif
