/* block_fuzzer: decoding any bytes gives rows or CORRUPT, within memory bounds.
 *
 * The first byte of an input chooses: bit 0 repairs the checksum, so that the fuzzer gets past it; bit 1 repairs the payload size
 * too. The rest is the block. What decodes is read in full and encoded again. Seeds: block_fuzzer_corpus/, made by
 * `block_fuzzer_seeds.py` (see there) from this format's description, not from our encoder. */
#include <stdlib.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/shuffle/block.h"
#include "engine/world/posix.h"

#define HEADER_BYTES  88
#define CHECKED_BYTES 80
#define MEMORY_LIMIT  ((size_t)600 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void repair(uint8_t flags, uint8_t *block, size_t size)
{
    if (size < HEADER_BYTES)
        return;
    uint64_t payload_bytes = size - HEADER_BYTES;
    if (flags & 2)
        memcpy(block + 56, &payload_bytes, sizeof(payload_bytes));
    uint64_t checksum =
        od_hash_bytes(block + HEADER_BYTES, payload_bytes, od_hash_bytes(block, CHECKED_BYTES, 0));
    if (flags & 1)
        memcpy(block + CHECKED_BYTES, &checksum, sizeof(checksum));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct od_field fields[] = {{"b", OD_TYPE_BOOLEAN, true},
                                       {"i", OD_TYPE_INT64, true},
                                       {"t", OD_TYPE_TEXT, true},
                                       {"d", OD_TYPE_DATE, true}};
    static const struct od_schema schema = {4, fields};
    if (size == 0)
        return 0;
    uint8_t *block = malloc(size);
    if (block == NULL)
        return 0;
    memcpy(block, bytes + 1, size - 1);
    repair(bytes[0], block, size - 1);

    struct od_budget budget;
    od_budget_init(&budget, od_posix_memory(), MEMORY_LIMIT);
    struct od_block_codec *codec = od_block_codec_new(&budget.memory, NULL);
    struct od_arena arena;
    struct od_buffer again;
    od_arena_init(&arena, &budget.memory, 0);
    od_buffer_init(&again, &budget.memory);
    struct od_batch batch;
    struct od_block_info info;
    enum od_status status =
        od_block_decode(codec, block, size - 1, &schema, NULL, &arena, &batch, &info, NULL);
    od_assert(status == OD_OK || status == OD_CORRUPT || status == OD_NO_MEMORY);
    if (status == OD_OK) {
        od_assert(batch.row_count == info.row_count);
        od_batch_checksum(&batch);
        struct od_block_info again_info;
        status = od_block_encode(codec, &batch, &info.id, OD_CODEC_STORED, &again, &again_info, NULL);
        od_assert(status == OD_OK || status == OD_NO_MEMORY);
    }
    od_buffer_release(&again);
    od_arena_release(&arena);
    od_block_codec_free(codec);
    od_budget_release(&budget);
    free(block);
    return 0;
}
