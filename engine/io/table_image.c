/* table_image: see table_image.h. Where a buffer begins follows from the sizes before it, so an image can't say that two of them
 * overlap; which sizes there can be follows from the rows, but for the bytes of texts.
 *
 *   byte  0  magic u64 | 8 version u32 | 12 byte order u32 | 16 checksum of [0, header bytes) with zeros here u64 x 2
 *        32  file bytes u64 | 40 header bytes u32 | 44 field count u32 | 48 row count u32 | 52 zero u32
 *        56  a struct field_row for each field, then texts, each with its NUL: the table's name; of each field name and type */
#include "engine/io/table_image.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/utf8.h"
#include "engine/data/decimal.h"

#define IMAGE_MAGIC      UINT64_C(0x00656c6261744f0a) /* "\nOtable" and a zero */
#define IMAGE_VERSION    1
#define IMAGE_BYTE_ORDER UINT32_C(0x01020304)
#define HEADER_BYTES_MAX ((uint32_t)64 << 20)
enum { VALIDITY, VALUES, TEXTS, BUFFERS };

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "column buffers are used as they are");

struct header {
    uint64_t magic;
    uint32_t version;
    uint32_t byte_order;
    struct od_hash128 checksum;
    uint64_t file_bytes;
    uint32_t header_bytes;
    uint32_t field_count;
    uint32_t row_count;
    uint32_t zero;
};
_Static_assert(sizeof(struct header) == 56, "the header has no padding");

struct field_row {
    uint64_t nullable; /* 0, 1 */
    struct {
        uint64_t size;
        struct od_hash128 checksum;
    } buffers[BUFFERS];
};
_Static_assert(sizeof(struct field_row) == 80, "a field's row has no padding");

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + OD_TABLE_IMAGE_ALIGN - 1) & ~(uint64_t)(OD_TABLE_IMAGE_ALIGN - 1);
}

/* --- making ------------------------------------------------------------------------------------ */

static void column_buffers(const struct od_column *column, struct od_piece buffers[BUFFERS])
{
    uint32_t row_count = column->row_count;
    bool has_nulls = column->validity != NULL && od_bitmap_count_zeros(column->validity, 0, row_count) > 0;
    bool is_text = column->type == OD_TYPE_TEXT;
    buffers[VALIDITY] = (struct od_piece){column->validity, has_nulls ? od_bitmap_bytes(row_count) : 0};
    buffers[VALUES] = (struct od_piece){is_text ? column->offsets : column->values,
                                       od_values_bytes(column->type, row_count)};
    buffers[TEXTS] = (struct od_piece){column->bytes, is_text ? (size_t)column->offsets[row_count] : 0};
}

/* The header, with names, but for what it says of buffers. */
static enum od_status make_header(const struct od_table *table, struct od_buffer *buffer, struct od_error *error)
{
    const struct od_schema *schema = &table->schema;
    od_buffer_append_zeros(buffer, sizeof(struct header) + schema->field_count * sizeof(struct field_row));
    od_buffer_append(buffer, table->name, strlen(table->name) + 1);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const char *type = od_type_text(schema->fields[i].type);
        od_buffer_append(buffer, schema->fields[i].name, strlen(schema->fields[i].name) + 1);
        od_buffer_append(buffer, type, strlen(type) + 1);
    }
    if (buffer->failed)
        return od_fail(error, OD_NO_MEMORY, "making the image of table %s", table->name);
    return buffer->size <= HEADER_BYTES_MAX ? OD_OK : od_fail(error, OD_UNSUPPORTED, "names of more than 64 MiB");
}

static void add_part(struct od_table_image *image, struct od_piece *parts, struct od_piece part)
{
    static const uint8_t zeros[OD_TABLE_IMAGE_ALIGN];
    size_t gap = (size_t)(aligned(image->total_bytes) - image->total_bytes);
    if (part.size == 0)
        return;
    if (gap > 0)
        parts[image->part_count++] = (struct od_piece){zeros, gap};
    parts[image->part_count++] = part;
    image->total_bytes += gap + part.size;
}

enum od_status od_table_image_make(const struct od_table *table, struct od_arena *arena,
                                   struct od_table_image *image_out, struct od_error *error)
{
    struct od_batch rows = od_table_view(table);
    uint32_t field_count = rows.schema->field_count;
    struct od_buffer buffer;
    *image_out = (struct od_table_image){0};
    OD_TAKE_LIST(struct od_piece, parts, arena, 1 + 2 * BUFFERS * (size_t)field_count, error);
    od_buffer_init(&buffer, arena->memory);
    enum od_status status = make_header(table, &buffer, error);
    struct header *header = status == OD_OK ? od_arena_take(arena, buffer.size) : NULL;
    uint32_t header_bytes = (uint32_t)buffer.size;
    if (header != NULL)
        memcpy(header, buffer.bytes, buffer.size);
    od_buffer_release(&buffer);
    OD_TRY(status);
    if (header == NULL)
        return od_fail(error, OD_NO_MEMORY, "making the image of table %s", table->name);
    struct field_row *fields = (struct field_row *)(header + 1);
    add_part(image_out, parts, (struct od_piece){header, header_bytes});
    for (uint32_t i = 0; i < field_count; i++) {
        struct od_piece buffers[BUFFERS];
        column_buffers(&rows.columns[i], buffers);
        fields[i].nullable = rows.schema->fields[i].nullable;
        for (uint32_t b = 0; b < BUFFERS; b++) {
            fields[i].buffers[b].size = buffers[b].size;
            fields[i].buffers[b].checksum = od_hash128_bytes(buffers[b].bytes, buffers[b].size, 0);
            add_part(image_out, parts, buffers[b]);
        }
    }
    *header = (struct header){.magic = IMAGE_MAGIC,
                              .version = IMAGE_VERSION,
                              .byte_order = IMAGE_BYTE_ORDER,
                              .file_bytes = image_out->total_bytes,
                              .header_bytes = header_bytes,
                              .field_count = field_count,
                              .row_count = rows.row_count};
    header->checksum = od_hash128_bytes(header, header_bytes, 0);
    image_out->checksum = header->checksum;
    image_out->parts = parts;
    return OD_OK;
}

/* --- opening ----------------------------------------------------------------------------------- */

static enum od_status corrupt(struct od_error *error, const char *what)
{
    return od_fail(error, OD_CORRUPT, "opening the image of a table: %s", what);
}

/* The header as it is in memory that nobody changes; `copy` is of its first part. */
static enum od_status check_header(const uint8_t *bytes, size_t size, const struct od_hash128 *expected,
                                   struct od_arena *arena, struct header *copy, struct od_error *error)
{
    if (size < sizeof(*copy))
        return corrupt(error, "it ends early");
    memcpy(copy, bytes, sizeof(*copy));
    if (copy->magic != IMAGE_MAGIC || copy->version != IMAGE_VERSION || copy->byte_order != IMAGE_BYTE_ORDER)
        return corrupt(error, "its first bytes are of nothing known here");
    uint64_t rows_end = sizeof(*copy) + copy->field_count * (uint64_t)sizeof(struct field_row);
    if (copy->file_bytes != size || copy->header_bytes > size || copy->header_bytes > HEADER_BYTES_MAX ||
        rows_end >= copy->header_bytes || copy->zero != 0 || copy->row_count > INT32_MAX)
        return corrupt(error, "sizes in its header do not fit");
    struct header *whole = od_arena_take(arena, copy->header_bytes);
    if (whole == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening the image of a table");
    memcpy(whole, bytes, copy->header_bytes);
    whole->checksum = (struct od_hash128){0};
    if (!od_hash128_equal(od_hash128_bytes(whole, copy->header_bytes, 0), copy->checksum))
        return corrupt(error, "the checksum of its header");
    if (expected != NULL && !od_hash128_equal(*expected, copy->checksum))
        return corrupt(error, "it is another one than was asked for");
    return OD_OK;
}

/* The next text; NULL: none ends, or it is no text. */
static const char *next_text(struct od_reader *names)
{
    const char *text = (const char *)names->bytes + names->offset;
    size_t left = names->size - names->offset;
    const char *end = left == 0 ? NULL : memchr(text, '\0', left);
    if (end == NULL || od_utf8_valid_bytes(text, (size_t)(end - text)) != (size_t)(end - text))
        return NULL;
    names->offset += (size_t)(end - text) + 1;
    return text;
}

static bool find_type(const char *text, enum od_type *type_out)
{
    for (*type_out = (enum od_type)0; *type_out < OD_TYPE_COUNT; *type_out = (enum od_type)(*type_out + 1))
        if (strcmp(text, od_type_text(*type_out)) == 0)
            return true;
    return false;
}

static enum od_status read_names(const uint8_t *bytes, const struct header *header, struct od_arena *arena,
                                 const char **name_out, struct od_schema *schema, struct od_error *error)
{
    const struct field_row *rows = (const struct field_row *)(const void *)(bytes + sizeof(*header));
    struct od_reader names = {.bytes = bytes, .size = header->header_bytes};
    names.offset = sizeof(*header) + header->field_count * sizeof(*rows);
    schema->field_count = header->field_count;
    OD_TAKE(schema->fields, arena, header->field_count, error);
    *name_out = next_text(&names);
    bool sound = *name_out != NULL;
    for (uint32_t i = 0; i < header->field_count && sound; i++) {
        struct od_field *field = &schema->fields[i];
        const char *type = NULL;
        field->name = next_text(&names);
        if (field->name != NULL)
            type = next_text(&names);
        field->nullable = rows[i].nullable == 1;
        sound = type != NULL && find_type(type, &field->type) && rows[i].nullable <= 1;
    }
    return sound && names.offset == names.size ? OD_OK : corrupt(error, "its names and types");
}

static bool bitmap_is_sound(const uint8_t *bitmap, uint32_t row_count)
{
    uint32_t spare = (uint32_t)(od_bitmap_bytes(row_count) * 8 - row_count);
    return od_bitmap_count_zeros(bitmap, row_count, spare) == spare;
}

/* Row by row, as a text could begin within a character. */
static bool texts_are_sound(const struct od_column *column, uint64_t text_bytes)
{
    if (!od_offsets_are_sound(column->offsets, column->row_count) ||
        (uint64_t)column->offsets[column->row_count] != text_bytes)
        return false;
    for (uint32_t i = 0; i < column->row_count; i++) {
        size_t size = (size_t)(column->offsets[i + 1] - column->offsets[i]);
        if (od_utf8_valid_bytes((const char *)column->bytes + column->offsets[i], size) != size)
            return false;
    }
    return true;
}

/* What a NULL row holds is zero. */
static bool null_is_zero(const struct od_column *column, uint32_t row)
{
    static const uint8_t zeros[sizeof(struct od_decimal) + sizeof(struct od_interval)];
    size_t width = column->type == OD_TYPE_TEXT || column->type == OD_TYPE_BOOLEAN ? 0 : od_type_width_bytes(column->type);
    if (column->type == OD_TYPE_TEXT)
        return column->offsets[row] == column->offsets[row + 1];
    if (column->type == OD_TYPE_BOOLEAN)
        return !od_bit(column->values, row);
    return memcmp((const uint8_t *)column->values + row * width, zeros, width) == 0;
}

static bool column_is_sound(const struct od_column *column, uint64_t text_bytes)
{
    bool sound = column->type != OD_TYPE_TEXT || texts_are_sound(column, text_bytes);
    if (column->type == OD_TYPE_BOOLEAN)
        sound = bitmap_is_sound(column->values, column->row_count);
    for (uint32_t i = 0; i < column->row_count && sound && column->type == OD_TYPE_DECIMAL; i++)
        sound = od_decimal_is_sound((const struct od_decimal *)column->values + i);
    if (column->validity == NULL || !sound)
        return sound;
    sound = bitmap_is_sound(column->validity, column->row_count);
    for (uint32_t i = 0; i < column->row_count && sound; i++)
        sound = od_bit(column->validity, i) || null_is_zero(column, i);
    return sound;
}

/* Its next buffer, *offset being the end of the one before. NULL: it does not fit, or is another. */
static const uint8_t *next_buffer(const uint8_t *bytes, const struct header *header, const struct field_row *row,
                                  uint32_t which, uint64_t *offset)
{
    uint64_t size = row->buffers[which].size;
    const uint8_t *gap = bytes + *offset;
    uint64_t start = size == 0 ? *offset : aligned(*offset);
    if (start > header->file_bytes || size > header->file_bytes - start)
        return NULL;
    for (; gap < bytes + start; gap++)
        if (*gap != 0)
            return NULL;
    *offset = start + size;
    struct od_hash128 checksum = od_hash128_bytes(bytes + start, size, 0);
    return od_hash128_equal(checksum, row->buffers[which].checksum) ? bytes + start : NULL;
}

static bool open_column(const uint8_t *bytes, const struct header *header, const struct field_row *row, enum od_type type,
                        uint64_t *offset, struct od_column *column)
{
    const uint8_t *buffers[BUFFERS];
    bool is_text = type == OD_TYPE_TEXT;
    uint64_t validity_bytes = row->buffers[VALIDITY].size;
    *column = (struct od_column){.type = type, .row_count = header->row_count};
    for (uint32_t b = 0; b < BUFFERS; b++) {
        buffers[b] = next_buffer(bytes, header, row, b, offset);
        if (buffers[b] == NULL)
            return false;
    }
    if ((validity_bytes != 0 && validity_bytes != od_bitmap_bytes(header->row_count)) ||
        row->buffers[VALUES].size != od_values_bytes(type, header->row_count) ||
        (row->buffers[TEXTS].size != 0 && !is_text))
        return false;
    column->validity = validity_bytes > 0 ? buffers[VALIDITY] : NULL;
    column->values = is_text ? NULL : buffers[VALUES];
    column->offsets = is_text ? (const int32_t *)(const void *)buffers[VALUES] : NULL;
    column->bytes = is_text ? buffers[TEXTS] : NULL;
    return column_is_sound(column, row->buffers[TEXTS].size);
}

static enum od_status open_image(struct od_memory *memory, struct od_arena *arena, const uint8_t *bytes, size_t size,
                                 const struct od_hash128 *expected, struct od_table **table_out, struct od_error *error)
{
    struct header header;
    struct od_schema schema;
    const char *name = NULL;
    OD_TRY(check_header(bytes, size, expected, arena, &header, error));
    OD_TRY(read_names(bytes, &header, arena, &name, &schema, error));
    const struct field_row *rows = (const struct field_row *)(const void *)(bytes + sizeof(header));
    uint64_t offset = header.header_bytes;
    OD_TAKE_LIST(struct od_column, columns, arena, header.field_count, error);
    for (uint32_t i = 0; i < header.field_count; i++)
        if (!open_column(bytes, &header, &rows[i], schema.fields[i].type, &offset, &columns[i]))
            return od_fail(error, OD_CORRUPT, "opening the image of a table: column %u of type %s", i,
                           od_type_text(schema.fields[i].type));
    if (offset != size)
        return corrupt(error, "bytes behind its last column");
    *table_out = od_table_borrow(memory, name, &schema, columns, header.row_count, error);
    return *table_out == NULL ? OD_NO_MEMORY : OD_OK;
}

enum od_status od_table_image_open(struct od_memory *memory, const void *bytes, size_t size,
                                   const struct od_hash128 *expected, struct od_table **table_out,
                                   struct od_error *error)
{
    struct od_arena arena;
    *table_out = NULL;
    od_assert((uintptr_t)bytes % OD_TABLE_IMAGE_ALIGN == 0);
    od_arena_init(&arena, memory, 0);
    enum od_status status = open_image(memory, &arena, bytes, size, expected, table_out, error);
    od_arena_release(&arena);
    return status;
}
