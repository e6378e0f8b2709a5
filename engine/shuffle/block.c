/* block: one batch as checked bytes.
 *
 *   byte  0  magic u32 | 4 version u32 | 8 codec u32 | 12 row count u32 | 16 schema hash u64
 *        24  query, stage, task, attempt, generation, partition: u32 each
 *        48  raw payload bytes u64 | 56 stored payload bytes u64 | 64 row checksum, low and high u64
 *        80  xxh3 of [0, 80) chained into xxh3 of the stored payload u64
 *        88  payload
 *
 *   raw payload, per column:  has_nulls u8 | validity bitmap if has_nulls | values
 *        values: a bitmap (boolean), row_count * width bytes, or row_count + 1 offsets from 0 and the text bytes
 *
 * Equal rows in equal order give equal bytes: a bitmap without a NULL is left out, bits behind the last row are zero,
 * offsets start at 0 wherever the source's did. The header names the codec that was used, not the one that was wanted.
 *
 * Decoding checks in this order: sizes, checksum, identity, schema, then the structure of each column, so that bytes with a
 * forged checksum (a fuzzer's) still meet a bounds check before every read. Buffers in a payload have no alignment; each is
 * copied into the block_arena once.
 *
 * zstd contexts are large: each is made when the first block needs it, in memory of the actor, and kept in the codec.
 * Compression has two, after the size of the payload: level 1 sizes its tables for any input (over half a megabyte, whose
 * first touch costs more than a small query), so small payloads get a context with small tables. Which one is used depends on
 * the payload only, so equal rows still give equal bytes. Under COMPRESS_MIN nothing is compressed: making a context asks the
 * processor what it can do (cpuid), which traps in a virtual machine and takes longer than a small query. */
#define ZSTD_STATIC_LINKING_ONLY
#include "engine/shuffle/block.h"

#include <stddef.h>
#include <string.h>
#include <zstd.h>

#include "engine/core/assert.h"
#include "engine/data/decimal.h"

#define BLOCK_MAGIC         UINT32_C(0x4b4c424f) /* "OBLK" */
#define BLOCK_VERSION       1
#define BLOCK_RAW_BYTES_MAX (UINT64_C(256) << 20)
#define BLOCK_SMALL_BYTES   ((size_t)16 << 10)
#define SMALL_WINDOW_LOG    14 /* of BLOCK_SMALL_BYTES */
#define SMALL_HASH_LOG      12
#define BLOCK_COMPRESS_MIN  1024
#define BLOCK_COMPRESSION   1

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "column buffers are copied as they are");

/* As it stands in front of the payload. */
struct block_header {
    uint32_t magic;
    uint32_t version;
    uint32_t codec;
    uint32_t row_count;
    uint64_t schema_hash;
    struct od_block_id id;
    uint64_t raw_bytes;
    uint64_t payload_bytes;
    struct od_hash128 row_checksum;
    uint64_t checksum; /* of all before it, and of the payload */
};
#define BLOCK_HEADER_BYTES sizeof(struct block_header)
_Static_assert(BLOCK_HEADER_BYTES == 88, "the header has no padding");

/* Which of zstd's contexts. */
enum workspace_use { COMPRESS_SMALL, COMPRESS, DECOMPRESS, WORKSPACE_COUNT };

struct od_block_codec {
    struct od_memory *memory; /* borrowed */
    struct od_buffer scratch; /* compressed or decompressed payload of the block at hand */
    struct workspace {
        void *space; /* owned; NULL until needed */
        size_t bytes;
        void *context; /* inside space */
    } workspaces[WORKSPACE_COUNT];
};

struct od_block_codec *od_block_codec_new(struct od_memory *memory, struct od_error *error)
{
    struct od_block_codec *codec = od_take(memory, sizeof(*codec));
    if (codec == NULL) {
        od_fail(error, OD_NO_MEMORY, "making a block codec");
        return NULL;
    }
    codec->memory = memory;
    od_buffer_init(&codec->scratch, memory);
    return codec;
}

void od_block_codec_free(struct od_block_codec *codec)
{
    if (codec == NULL)
        return;
    od_buffer_release(&codec->scratch);
    for (size_t i = 0; i < WORKSPACE_COUNT; i++)
        od_give(codec->memory, codec->workspaces[i].space, codec->workspaces[i].bytes);
    od_give(codec->memory, codec, sizeof(*codec));
}

/* Level 1, with tables for small payloads where that is what comes. */
static void *set_up_compressor(struct workspace *workspace, bool is_small)
{
    static const struct {
        ZSTD_cParameter parameter;
        int value;
    } settings[] = {{ZSTD_c_contentSizeFlag, 1}, /* decoding checks it; a static context starts with 0 */
                    {ZSTD_c_compressionLevel, BLOCK_COMPRESSION},
                    {ZSTD_c_windowLog, SMALL_WINDOW_LOG},
                    {ZSTD_c_hashLog, SMALL_HASH_LOG},
                    {ZSTD_c_chainLog, SMALL_HASH_LOG}};
    size_t used = is_small ? sizeof(settings) / sizeof(settings[0]) : 2;
    ZSTD_CCtx *context = ZSTD_initStaticCCtx(workspace->space, workspace->bytes);
    for (size_t i = 0; context != NULL && i < used; i++) {
        size_t result = ZSTD_CCtx_setParameter(context, settings[i].parameter, settings[i].value);
        od_assert(!ZSTD_isError(result));
    }
    return context;
}

static size_t workspace_bytes(enum workspace_use use)
{
    if (use != COMPRESS_SMALL)
        return use == COMPRESS ? ZSTD_estimateCCtxSize(BLOCK_COMPRESSION) : ZSTD_estimateDCtxSize();
    ZSTD_compressionParameters parameters = ZSTD_getCParams(BLOCK_COMPRESSION, BLOCK_SMALL_BYTES, 0);
    parameters.windowLog = SMALL_WINDOW_LOG;
    parameters.hashLog = SMALL_HASH_LOG;
    parameters.chainLog = SMALL_HASH_LOG;
    return ZSTD_estimateCCtxSize_usingCParams(parameters);
}

/* NULL when memory is refused. */
static void *context_for(struct od_block_codec *codec, enum workspace_use use)
{
    struct workspace *workspace = &codec->workspaces[use];
    if (workspace->context != NULL)
        return workspace->context;
    size_t bytes = workspace_bytes(use);
    workspace->space = od_resize(codec->memory, NULL, 0, bytes);
    if (workspace->space == NULL)
        return NULL;
    workspace->bytes = bytes;
    workspace->context = use == DECOMPRESS ? ZSTD_initStaticDCtx(workspace->space, bytes)
                                           : set_up_compressor(workspace, use == COMPRESS_SMALL);
    od_assert(workspace->context != NULL); /* the space is as large as zstd asked for */
    return workspace->context;
}

/* --- encode -------------------------------------------------------------------------------------------------- */

static void append_bitmap(struct od_buffer *buffer, const uint8_t *bitmap, uint32_t row_count)
{
    size_t start = buffer->size;
    if (od_buffer_append_zeros(buffer, od_bitmap_bytes(row_count))) /* bits behind the last row stay zero */
        od_bitmap_copy(buffer->bytes + start, 0, bitmap, 0, row_count);
}

static void append_text(struct od_buffer *buffer, const struct od_column *column)
{
    uint32_t row_count = column->row_count;
    int32_t base = row_count == 0 ? 0 : column->offsets[0];
    if (row_count == 0 || base == 0) {
        static const int32_t zero = 0;
        const int32_t *offsets = row_count == 0 ? &zero : column->offsets;
        od_buffer_append(buffer, offsets, ((size_t)row_count + 1) * sizeof(int32_t));
    } else {
        for (uint32_t i = 0; i <= row_count; i++)
            od_buffer_append_u32(buffer, (uint32_t)(column->offsets[i] - base));
    }
    if (row_count != 0)
        od_buffer_append(buffer, column->bytes + base, (size_t)(column->offsets[row_count] - base));
}

static void append_column(struct od_buffer *buffer, const struct od_column *column)
{
    bool has_nulls =
        column->validity != NULL && od_bitmap_count_zeros(column->validity, 0, column->row_count) > 0;
    od_buffer_append_u8(buffer, has_nulls);
    if (has_nulls)
        append_bitmap(buffer, column->validity, column->row_count);
    if (column->type == OD_TYPE_TEXT)
        append_text(buffer, column);
    else if (column->type == OD_TYPE_BOOLEAN)
        append_bitmap(buffer, column->values, column->row_count);
    else
        od_buffer_append(buffer, column->values,
                         (size_t)column->row_count * od_type_width_bytes(column->type));
}

static uint64_t block_checksum(const struct block_header *header, const uint8_t *payload)
{
    uint64_t of_header = od_hash_bytes(header, offsetof(struct block_header, checksum), 0);
    return od_hash_bytes(payload, header->payload_bytes, of_header);
}

/* Compresses the raw payload at `start` of the buffer in place when that makes it smaller. */
static enum od_status compress_payload(struct od_block_codec *codec, struct od_buffer *buffer, size_t start,
                                       enum od_codec *codec_out, struct od_error *error)
{
    size_t raw_bytes = buffer->size - start;
    od_buffer_reset(&codec->scratch);
    size_t bound = ZSTD_compressBound(raw_bytes);
    ZSTD_CCtx *context = context_for(codec, raw_bytes <= BLOCK_SMALL_BYTES ? COMPRESS_SMALL : COMPRESS);
    if (context == NULL || !od_buffer_reserve(&codec->scratch, bound))
        return od_fail(error, OD_NO_MEMORY, "compressing a block: raw_bytes=%zu", raw_bytes);
    size_t size = ZSTD_compress2(context, codec->scratch.bytes, bound, buffer->bytes + start, raw_bytes);
    od_assert(!ZSTD_isError(size)); /* room and workspace are what zstd asked for */
    if (size >= raw_bytes)
        return OD_OK; /* stored is always right */
    memcpy(buffer->bytes + start, codec->scratch.bytes, size);
    buffer->size = start + size;
    *codec_out = OD_CODEC_ZSTD;
    return OD_OK;
}

enum od_status od_block_encode(struct od_block_codec *codec, const struct od_batch *batch,
                               const struct od_block_id *id, enum od_codec wanted, struct od_buffer *buffer,
                               struct od_block_info *info_out, struct od_error *error)
{
    size_t start = buffer->size;
    size_t payload = start + BLOCK_HEADER_BYTES;
    enum od_status status = OD_OK;
    *info_out = (struct od_block_info){.id = *id, .codec = OD_CODEC_STORED, .row_count = batch->row_count};
    od_buffer_append_zeros(buffer, BLOCK_HEADER_BYTES);
    for (uint32_t i = 0; i < batch->schema->field_count; i++)
        append_column(buffer, &batch->columns[i]);
    if (buffer->failed) {
        status = od_fail(error, OD_NO_MEMORY, "encoding a block: rows=%u", batch->row_count);
        goto done;
    }
    size_t raw_bytes = buffer->size - payload;
    if (raw_bytes > BLOCK_RAW_BYTES_MAX) {
        status = od_fail(error, OD_UNSUPPORTED, "encoding a block: %zu bytes, at most %llu fit", raw_bytes,
                         (unsigned long long)BLOCK_RAW_BYTES_MAX);
        goto done;
    }
    if (wanted == OD_CODEC_ZSTD && raw_bytes >= BLOCK_COMPRESS_MIN)
        status = compress_payload(codec, buffer, payload, &info_out->codec, error);
    if (status != OD_OK)
        goto done;
    info_out->schema_hash = od_schema_hash(batch->schema);
    info_out->row_checksum = od_batch_checksum(batch);
    info_out->total_bytes = buffer->size - start;
    info_out->raw_bytes = BLOCK_HEADER_BYTES + raw_bytes;
    struct block_header header = {.magic = BLOCK_MAGIC,
                                  .version = BLOCK_VERSION,
                                  .codec = info_out->codec,
                                  .row_count = info_out->row_count,
                                  .schema_hash = info_out->schema_hash,
                                  .id = *id,
                                  .raw_bytes = raw_bytes,
                                  .payload_bytes = buffer->size - payload,
                                  .row_checksum = info_out->row_checksum};
    header.checksum = block_checksum(&header, buffer->bytes + payload);
    memcpy(buffer->bytes + start, &header, sizeof(header));
done:
    if (status != OD_OK)
        buffer->size = start;
    return status;
}

/* --- decode -------------------------------------------------------------------------------------------------- */

static enum od_status read_header(const uint8_t *bytes, size_t size, struct od_block_info *info,
                                  struct block_header *header, struct od_error *error)
{
    *info = (struct od_block_info){0};
    *header = (struct block_header){0};
    if (size < sizeof(*header))
        return od_fail(error, OD_CORRUPT, "reading a block: %zu bytes are no header", size);
    memcpy(header, bytes, sizeof(*header));
    if (header->magic != BLOCK_MAGIC || header->version != BLOCK_VERSION || header->codec >= OD_CODEC_COUNT)
        return od_fail(error, OD_CORRUPT, "reading a block: magic=%08x version=%u codec=%u", header->magic,
                       header->version, header->codec);
    if (header->payload_bytes != size - BLOCK_HEADER_BYTES)
        return od_fail(error, OD_CORRUPT, "reading a block: payload of %zu bytes, the header says %llu",
                       size - BLOCK_HEADER_BYTES, (unsigned long long)header->payload_bytes);
    bool sizes_fit = header->codec == OD_CODEC_ZSTD || header->raw_bytes == header->payload_bytes;
    if (header->raw_bytes > BLOCK_RAW_BYTES_MAX || !sizes_fit)
        return od_fail(error, OD_CORRUPT, "reading a block: raw size of %llu bytes",
                       (unsigned long long)header->raw_bytes);
    *info = (struct od_block_info){.id = header->id,
                                   .codec = header->codec,
                                   .row_count = header->row_count,
                                   .schema_hash = header->schema_hash,
                                   .row_checksum = header->row_checksum,
                                   .total_bytes = size,
                                   .raw_bytes = BLOCK_HEADER_BYTES + header->raw_bytes};
    return OD_OK;
}

enum od_status od_block_peek(const uint8_t *bytes, size_t size, struct od_block_info *info_out,
                             struct od_error *error)
{
    struct block_header header;
    return read_header(bytes, size, info_out, &header, error);
}

/* The raw payload: the stored bytes themselves, or the codec's scratch until its next use. */
static enum od_status raw_payload(struct od_block_codec *codec, const uint8_t *payload,
                                  const struct block_header *header, struct od_reader *raw_out,
                                  struct od_error *error)
{
    *raw_out = (struct od_reader){.bytes = payload, .size = header->payload_bytes};
    if (header->codec == OD_CODEC_STORED)
        return OD_OK;
    unsigned long long promised = ZSTD_getFrameContentSize(payload, header->payload_bytes);
    if (promised != header->raw_bytes)
        return od_fail(error, OD_CORRUPT, "decompressing a block: the frame's size is not the header's");
    od_buffer_reset(&codec->scratch);
    ZSTD_DCtx *context = context_for(codec, DECOMPRESS);
    if (context == NULL || !od_buffer_reserve(&codec->scratch, header->raw_bytes))
        return od_fail(error, OD_NO_MEMORY, "decompressing a block: raw_bytes=%llu", promised);
    size_t size =
        ZSTD_decompressDCtx(context, codec->scratch.bytes, header->raw_bytes, payload, header->payload_bytes);
    if (ZSTD_isError(size) || size != header->raw_bytes)
        return od_fail(error, OD_CORRUPT, "decompressing a block: %s",
                       ZSTD_isError(size) ? ZSTD_getErrorName(size) : "cut");
    *raw_out = (struct od_reader){.bytes = codec->scratch.bytes, .size = size};
    return OD_OK;
}

/* Copies the next `size` bytes into the arena; false when the payload ends before (reader->failed) or on refusal. */
static bool copy_buffer(struct od_reader *reader, size_t size, struct od_arena *arena, const void **copy_out)
{
    const uint8_t *source = od_reader_bytes(reader, size);
    void *copy = source == NULL ? NULL : od_arena_take_raw(arena, size);
    if (copy == NULL)
        return false;
    memcpy(copy, source, size);
    *copy_out = copy;
    return true;
}

static bool read_bitmap(struct od_reader *reader, uint32_t row_count, struct od_arena *arena,
                        const void **copy_out)
{
    size_t size = od_bitmap_bytes(row_count);
    uint32_t spare = (uint32_t)(size * 8 - row_count);
    if (!copy_buffer(reader, size, arena, copy_out))
        return false;
    reader->failed = od_bitmap_count_zeros(*copy_out, row_count, spare) != spare;
    return !reader->failed;
}

static bool read_text(struct od_reader *reader, struct od_column *column, struct od_arena *arena)
{
    const void *offsets;
    const void *bytes;
    if (!copy_buffer(reader, ((size_t)column->row_count + 1) * sizeof(int32_t), arena, &offsets))
        return false;
    if (!od_offsets_are_sound(offsets, column->row_count)) {
        reader->failed = true;
        return false;
    }
    column->offsets = offsets;
    if (!copy_buffer(reader, (size_t)column->offsets[column->row_count], arena, &bytes))
        return false;
    column->bytes = bytes;
    return true;
}

static bool read_column(struct od_reader *reader, struct od_column *column, struct od_arena *arena)
{
    uint8_t has_nulls = od_reader_u8(reader);
    if (reader->failed || has_nulls > 1) {
        reader->failed = true;
        return false;
    }
    const void *validity = NULL;
    if (has_nulls == 1 && !read_bitmap(reader, column->row_count, arena, &validity))
        return false;
    column->validity = validity;
    if (column->type == OD_TYPE_TEXT)
        return read_text(reader, column, arena);
    if (column->type == OD_TYPE_BOOLEAN)
        return read_bitmap(reader, column->row_count, arena, &column->values);
    size_t size = (size_t)column->row_count * od_type_width_bytes(column->type);
    if (!copy_buffer(reader, size, arena, &column->values))
        return false;
    for (uint32_t i = 0; i < column->row_count && column->type == OD_TYPE_DECIMAL; i++)
        reader->failed =
            reader->failed || !od_decimal_is_sound((const struct od_decimal *)column->values + i);
    return !reader->failed;
}

static enum od_status read_columns(struct od_reader *reader, const struct od_schema *schema,
                                   uint32_t row_count, struct od_arena *arena, struct od_batch *batch_out,
                                   struct od_error *error)
{
    OD_TAKE_LIST(struct od_column, columns, arena, schema->field_count, error);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        columns[i] = (struct od_column){.type = schema->fields[i].type, .row_count = row_count};
        if (read_column(reader, &columns[i], arena))
            continue;
        if (!reader->failed)
            return od_fail(error, OD_NO_MEMORY, "decoding a block: rows=%u", row_count);
        return od_fail(error, OD_CORRUPT, "decoding a block: column %u of type %s does not fit", i,
                       od_type_text(columns[i].type));
    }
    if (reader->offset != reader->size)
        return od_fail(error, OD_CORRUPT, "decoding a block: bytes behind the last column");
    *batch_out = (struct od_batch){.schema = schema, .row_count = row_count, .columns = columns};
    return OD_OK;
}

enum od_status od_block_decode(struct od_block_codec *codec, const uint8_t *bytes, size_t size,
                               const struct od_schema *schema, const struct od_block_id *expected,
                               struct od_arena *block_arena, struct od_batch *batch_out,
                               struct od_block_info *info_out, struct od_error *error)
{
    struct block_header header;
    *batch_out = (struct od_batch){0};
    OD_TRY(read_header(bytes, size, info_out, &header, error));
    const uint8_t *payload = bytes + BLOCK_HEADER_BYTES;
    if (block_checksum(&header, payload) != header.checksum)
        return od_fail(error, OD_CORRUPT, "decoding a block: checksum");
    if (expected != NULL && memcmp(&header.id, expected, sizeof(*expected)) != 0)
        return od_fail(error, OD_CORRUPT,
                       "decoding a block: another block's bytes: stage=%u task=%u attempt=%u "
                       "generation=%u partition=%u",
                       header.id.stage, header.id.task, header.id.attempt, header.id.generation,
                       header.id.partition);
    if (header.schema_hash != od_schema_hash(schema))
        return od_fail(error, OD_CORRUPT, "decoding a block: another schema");
    struct od_reader raw;
    OD_TRY(raw_payload(codec, payload, &header, &raw, error));
    return read_columns(&raw, schema, header.row_count, block_arena, batch_out, error);
}
