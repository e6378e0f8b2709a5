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

#include <string.h>
#include <zstd.h>

#include "engine/core/assert.h"
#include "engine/data/decimal.h"

#define BLOCK_MAGIC         UINT32_C(0x4b4c424f) /* "OBLK" */
#define BLOCK_VERSION       1
#define BLOCK_CHECKED_BYTES 80
#define BLOCK_HEADER_BYTES  88
#define BLOCK_RAW_BYTES_MAX (UINT64_C(256) << 20)
#define BLOCK_SMALL_BYTES   ((size_t)16 << 10)
#define SMALL_WINDOW_LOG    14 /* of BLOCK_SMALL_BYTES */
#define SMALL_HASH_LOG      12
#define BLOCK_COMPRESS_MIN  1024
#define BLOCK_COMPRESSION   1

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "column buffers are copied as they are");

struct od_block_codec {
    struct od_memory *memory; /* borrowed */
    struct od_buffer scratch; /* compressed or decompressed payload of the block at hand */
    struct compressor {
        void *space; /* owned; NULL until needed */
        size_t bytes;
        ZSTD_CCtx *context; /* inside space */
    } compressors[2];       /* for small payloads, for the others */
    void *decompress_space;
    size_t decompress_bytes;
    ZSTD_DCtx *decompress;
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
    for (size_t i = 0; i < 2; i++)
        od_give(codec->memory, codec->compressors[i].space, codec->compressors[i].bytes);
    od_give(codec->memory, codec->decompress_space, codec->decompress_bytes);
    od_give(codec->memory, codec, sizeof(*codec));
}

/* Level 1, with tables for small payloads where that is what comes. */
static bool set_up_compressor(struct compressor *compressor, bool is_small)
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
    compressor->context = ZSTD_initStaticCCtx(compressor->space, compressor->bytes);
    for (size_t i = 0; compressor->context != NULL && i < used; i++) {
        size_t result = ZSTD_CCtx_setParameter(compressor->context, settings[i].parameter, settings[i].value);
        od_assert(!ZSTD_isError(result));
    }
    return compressor->context != NULL;
}

static size_t compressor_bytes(bool is_small)
{
    if (!is_small)
        return ZSTD_estimateCCtxSize(BLOCK_COMPRESSION);
    ZSTD_compressionParameters parameters = ZSTD_getCParams(BLOCK_COMPRESSION, BLOCK_SMALL_BYTES, 0);
    parameters.windowLog = SMALL_WINDOW_LOG;
    parameters.hashLog = SMALL_HASH_LOG;
    parameters.chainLog = SMALL_HASH_LOG;
    return ZSTD_estimateCCtxSize_usingCParams(parameters);
}

/* NULL when memory is refused. */
static ZSTD_CCtx *compressor_for(struct od_block_codec *codec, size_t raw_bytes)
{
    bool is_small = raw_bytes <= BLOCK_SMALL_BYTES;
    struct compressor *compressor = &codec->compressors[is_small ? 0 : 1];
    if (compressor->context != NULL)
        return compressor->context;
    size_t bytes = compressor_bytes(is_small);
    compressor->space = od_resize(codec->memory, NULL, 0, bytes);
    if (compressor->space == NULL)
        return NULL;
    compressor->bytes = bytes;
    bool is_set_up = set_up_compressor(compressor, is_small);
    od_assert(is_set_up); /* the space is as large as zstd asked for */
    return compressor->context;
}

static bool codec_can_decompress(struct od_block_codec *codec)
{
    if (codec->decompress != NULL)
        return true;
    codec->decompress_bytes = ZSTD_estimateDCtxSize();
    codec->decompress_space = od_resize(codec->memory, NULL, 0, codec->decompress_bytes);
    if (codec->decompress_space == NULL)
        return false;
    codec->decompress = ZSTD_initStaticDCtx(codec->decompress_space, codec->decompress_bytes);
    od_assert(codec->decompress != NULL);
    return true;
}

/* --- encode -------------------------------------------------------------------------------------------------- */

static size_t bitmap_bytes(uint32_t row_count)
{
    return ((size_t)row_count + 7) / 8;
}

/* The bits of the last byte that belong to rows. */
static uint8_t bitmap_last_mask(uint32_t row_count)
{
    return (row_count & 7) == 0 ? 0xff : (uint8_t)((1u << (row_count & 7)) - 1);
}

static bool column_has_nulls(const struct od_column *column)
{
    if (column->validity == NULL || column->row_count == 0)
        return false;
    size_t last = bitmap_bytes(column->row_count) - 1;
    for (size_t i = 0; i < last; i++) {
        if (column->validity[i] != 0xff)
            return true;
    }
    uint8_t mask = bitmap_last_mask(column->row_count);
    return (column->validity[last] & mask) != mask;
}

static void append_bitmap(struct od_buffer *buffer, const uint8_t *bitmap, uint32_t row_count)
{
    if (row_count == 0)
        return;
    size_t last = bitmap_bytes(row_count) - 1;
    od_buffer_append(buffer, bitmap, last);
    od_buffer_append_u8(buffer, bitmap[last] & bitmap_last_mask(row_count));
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
    bool has_nulls = column_has_nulls(column);
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

static void store_u32(uint8_t *target, uint32_t value)
{
    memcpy(target, &value, sizeof(value));
}

static void store_u64(uint8_t *target, uint64_t value)
{
    memcpy(target, &value, sizeof(value));
}

static uint64_t block_checksum(const uint8_t *header, const uint8_t *payload, size_t payload_bytes)
{
    return od_hash_bytes(payload, payload_bytes, od_hash_bytes(header, BLOCK_CHECKED_BYTES, 0));
}

static void write_header(uint8_t *header, const struct od_block_info *info, uint64_t raw_bytes)
{
    uint64_t payload_bytes = info->total_bytes - BLOCK_HEADER_BYTES;
    store_u32(header, BLOCK_MAGIC);
    store_u32(header + 4, BLOCK_VERSION);
    store_u32(header + 8, info->codec);
    store_u32(header + 12, info->row_count);
    store_u64(header + 16, info->schema_hash);
    store_u32(header + 24, info->id.query);
    store_u32(header + 28, info->id.stage);
    store_u32(header + 32, info->id.task);
    store_u32(header + 36, info->id.attempt);
    store_u32(header + 40, info->id.generation);
    store_u32(header + 44, info->id.partition);
    store_u64(header + 48, raw_bytes);
    store_u64(header + 56, payload_bytes);
    store_u64(header + 64, info->row_checksum.low);
    store_u64(header + 72, info->row_checksum.high);
    store_u64(header + BLOCK_CHECKED_BYTES,
              block_checksum(header, header + BLOCK_HEADER_BYTES, payload_bytes));
}

/* Compresses the raw payload at `start` of the buffer in place when that makes it smaller. */
static enum od_status compress_payload(struct od_block_codec *codec, struct od_buffer *buffer, size_t start,
                                       enum od_codec *codec_out, struct od_error *error)
{
    size_t raw_bytes = buffer->size - start;
    od_buffer_reset(&codec->scratch);
    size_t bound = ZSTD_compressBound(raw_bytes);
    ZSTD_CCtx *context = compressor_for(codec, raw_bytes);
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
    write_header(buffer->bytes + start, info_out, raw_bytes);
done:
    if (status != OD_OK)
        buffer->size = start;
    return status;
}

/* --- decode -------------------------------------------------------------------------------------------------- */

/* What the header says beyond od_block_info. */
struct block_header {
    uint64_t raw_bytes;
    uint64_t payload_bytes;
    uint64_t checksum;
};

static enum od_status read_header(const uint8_t *bytes, size_t size, struct od_block_info *info,
                                  struct block_header *header, struct od_error *error)
{
    *info = (struct od_block_info){0};
    *header = (struct block_header){0};
    struct od_reader reader = {.bytes = bytes, .size = size};
    uint32_t magic = od_reader_u32(&reader);
    uint32_t version = od_reader_u32(&reader);
    uint32_t codec = od_reader_u32(&reader);
    info->row_count = od_reader_u32(&reader);
    info->schema_hash = od_reader_u64(&reader);
    uint32_t *const id_fields[] = {&info->id.query,   &info->id.stage,      &info->id.task,
                                   &info->id.attempt, &info->id.generation, &info->id.partition};
    for (size_t i = 0; i < sizeof(id_fields) / sizeof(id_fields[0]); i++)
        *id_fields[i] = od_reader_u32(&reader);
    header->raw_bytes = od_reader_u64(&reader);
    header->payload_bytes = od_reader_u64(&reader);
    info->row_checksum.low = od_reader_u64(&reader);
    info->row_checksum.high = od_reader_u64(&reader);
    header->checksum = od_reader_u64(&reader);
    if (reader.failed)
        return od_fail(error, OD_CORRUPT, "reading a block: %zu bytes are no header", size);
    od_assert(reader.offset == BLOCK_HEADER_BYTES);
    if (magic != BLOCK_MAGIC || version != BLOCK_VERSION || codec >= OD_CODEC_COUNT)
        return od_fail(error, OD_CORRUPT, "reading a block: magic=%08x version=%u codec=%u", magic, version,
                       codec);
    if (header->payload_bytes != size - BLOCK_HEADER_BYTES)
        return od_fail(error, OD_CORRUPT, "reading a block: payload of %zu bytes, the header says %llu",
                       size - BLOCK_HEADER_BYTES, (unsigned long long)header->payload_bytes);
    bool sizes_fit = codec == OD_CODEC_ZSTD || header->raw_bytes == header->payload_bytes;
    if (header->raw_bytes > BLOCK_RAW_BYTES_MAX || !sizes_fit)
        return od_fail(error, OD_CORRUPT, "reading a block: raw size of %llu bytes",
                       (unsigned long long)header->raw_bytes);
    info->codec = codec;
    info->total_bytes = size;
    return OD_OK;
}

enum od_status od_block_peek(const uint8_t *bytes, size_t size, struct od_block_info *info_out,
                             struct od_error *error)
{
    struct block_header header;
    return read_header(bytes, size, info_out, &header, error);
}

static bool id_equal(const struct od_block_id *left, const struct od_block_id *right)
{
    return left->query == right->query && left->stage == right->stage && left->task == right->task &&
           left->attempt == right->attempt && left->generation == right->generation &&
           left->partition == right->partition;
}

/* The raw payload: the stored bytes themselves, or the codec's scratch until its next use. */
static enum od_status raw_payload(struct od_block_codec *codec, const uint8_t *payload,
                                  const struct block_header *header, enum od_codec used,
                                  struct od_reader *raw_out, struct od_error *error)
{
    *raw_out = (struct od_reader){.bytes = payload, .size = header->payload_bytes};
    if (used == OD_CODEC_STORED)
        return OD_OK;
    unsigned long long promised = ZSTD_getFrameContentSize(payload, header->payload_bytes);
    if (promised != header->raw_bytes)
        return od_fail(error, OD_CORRUPT, "decompressing a block: the frame's size is not the header's");
    od_buffer_reset(&codec->scratch);
    if (!codec_can_decompress(codec) || !od_buffer_reserve(&codec->scratch, header->raw_bytes))
        return od_fail(error, OD_NO_MEMORY, "decompressing a block: raw_bytes=%llu", promised);
    size_t size = ZSTD_decompressDCtx(codec->decompress, codec->scratch.bytes, header->raw_bytes, payload,
                                      header->payload_bytes);
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
    size_t size = bitmap_bytes(row_count);
    if (!copy_buffer(reader, size, arena, copy_out))
        return false;
    if (size == 0)
        return true;
    uint8_t last = ((const uint8_t *)*copy_out)[size - 1];
    reader->failed = (last & ~bitmap_last_mask(row_count)) != 0;
    return !reader->failed;
}

static bool offsets_are_sound(const int32_t *offsets, uint32_t row_count)
{
    if (offsets[0] != 0)
        return false;
    for (uint32_t i = 0; i < row_count; i++) {
        if (offsets[i + 1] < offsets[i])
            return false;
    }
    return true;
}

static bool read_text(struct od_reader *reader, struct od_column *column, struct od_arena *arena)
{
    const void *offsets;
    const void *bytes;
    if (!copy_buffer(reader, ((size_t)column->row_count + 1) * sizeof(int32_t), arena, &offsets))
        return false;
    if (!offsets_are_sound(offsets, column->row_count)) {
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
        reader->failed = reader->failed || !od_decimal_is_sound((const struct od_decimal *)column->values + i);
    return !reader->failed;
}

static enum od_status read_columns(struct od_reader *reader, const struct od_schema *schema,
                                   uint32_t row_count, struct od_arena *arena, struct od_batch *batch_out,
                                   struct od_error *error)
{
    struct od_column *columns = od_arena_take_array(arena, schema->field_count, sizeof(*columns));
    if (columns == NULL)
        return od_fail(error, OD_NO_MEMORY, "decoding a block: columns=%u", schema->field_count);
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
    if (block_checksum(bytes, payload, header.payload_bytes) != header.checksum)
        return od_fail(error, OD_CORRUPT, "decoding a block: checksum");
    if (expected != NULL && !id_equal(&info_out->id, expected))
        return od_fail(error, OD_CORRUPT,
                       "decoding a block: another block's bytes: stage=%u task=%u attempt=%u "
                       "generation=%u partition=%u",
                       info_out->id.stage, info_out->id.task, info_out->id.attempt, info_out->id.generation,
                       info_out->id.partition);
    if (info_out->schema_hash != od_schema_hash(schema))
        return od_fail(error, OD_CORRUPT, "decoding a block: another schema");
    struct od_reader raw;
    OD_TRY(raw_payload(codec, payload, &header, info_out->codec, &raw, error));
    return read_columns(&raw, schema, info_out->row_count, block_arena, batch_out, error);
}
