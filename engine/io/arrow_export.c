/* arrow_export: columns shown as Arrow arrays; see arrow.h.
 *
 *   block  [ struct export | children | pointers to them | buffer pointers, 3 each, or formats and names | copies ]
 *
 * A schema or an array with its children is one block, which all of them hold: a consumer may move a child out and release the
 * parent, so the block goes with the last of them. */
#include "engine/io/arrow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/data/bitmap.h"
#include "engine/data/decimal.h"

#define FORMAT_BYTES 16

static const char *const formats[OD_TYPE_COUNT] = {
    [OD_TYPE_BOOLEAN] = "b", [OD_TYPE_INT64] = "l", [OD_TYPE_FLOAT64] = "g",      [OD_TYPE_TEXT] = "u",
    [OD_TYPE_DATE] = "tdD",  [OD_TYPE_INT32] = "i", [OD_TYPE_TIMESTAMP] = "tsu:", [OD_TYPE_DECIMAL] = "d:38,",
};

struct export
{
    struct od_memory *memory; /* borrowed */
    size_t bytes;
    uint32_t holders;
};

static struct export *export_new(struct od_memory *memory, size_t bytes, uint32_t holders)
{
    struct export *export = od_take(memory, bytes);
    if (export != NULL)
        *export = (struct export){memory, bytes, holders};
    return export;
}

static void export_drop(struct export *export)
{
    if (__atomic_sub_fetch(&export->holders, 1, __ATOMIC_ACQ_REL) == 0)
        od_give(export->memory, export, export->bytes);
}

/* Children first: they may have been moved out (release is NULL then). */
#define RELEASE(name, type)                                                                                  \
    static void name(type *self)                                                                             \
    {                                                                                                        \
        struct export *export = self->private_data;                                                          \
        for (int64_t i = 0; i < self->n_children; i++)                                                       \
            if (self->children[i]->release != NULL)                                                          \
                self->children[i]->release(self->children[i]);                                               \
        self->release = NULL;                                                                                \
        export_drop(export);                                                                                 \
    }
RELEASE(release_schema, struct ArrowSchema)
RELEASE(release_array, struct ArrowArray)
#undef RELEASE

/* --- schemas ----------------------------------------------------------------------------------------------------- */

static enum od_status export_schema(struct od_memory *memory, const struct od_schema *schema,
                                    const uint32_t *scales, struct ArrowSchema *schema_out,
                                    struct od_error *error)
{
    uint32_t count = schema->field_count;
    size_t bytes =
        sizeof(struct export) + count * (sizeof(struct ArrowSchema) + sizeof(void *) + FORMAT_BYTES);
    for (uint32_t i = 0; i < count; i++)
        bytes += strlen(schema->fields[i].name) + 1;
    struct export *export = export_new(memory, bytes, count + 1);
    if (export == NULL)
        return od_fail(error, OD_NO_MEMORY, "exporting a schema: columns=%u", count);
    struct ArrowSchema *children = (struct ArrowSchema *)(void *)(export + 1);
    struct ArrowSchema **pointers = (struct ArrowSchema **)(void *)(children + count);
    char *text = (char *)(void *)(pointers + count);
    for (uint32_t i = 0; i < count; i++) {
        const struct od_field *field = &schema->fields[i];
        pointers[i] = &children[i];
        children[i] = (struct ArrowSchema){.format = text,
                                           .flags = field->nullable ? ARROW_FLAG_NULLABLE : 0,
                                           .release = release_schema,
                                           .private_data = export};
        int size = snprintf(text, FORMAT_BYTES, "%s", formats[field->type]);
        if (field->type == OD_TYPE_DECIMAL)
            snprintf(text + size, FORMAT_BYTES - (size_t)size, "%u", scales[i]);
        text += FORMAT_BYTES;
        children[i].name = memcpy(text, field->name, strlen(field->name) + 1);
        text += strlen(field->name) + 1;
    }
    *schema_out = (struct ArrowSchema){.format = "+s",
                                       .name = "",
                                       .n_children = count,
                                       .children = pointers,
                                       .release = release_schema,
                                       .private_data = export};
    return OD_OK;
}

/* --- arrays ------------------------------------------------------------------------------------------------------ */

/* What of a numeric column is copied: values, then bits. */
static size_t copy_bytes(const struct od_column *column, uint32_t count)
{
    bool is_copied = column->type == OD_TYPE_DECIMAL;
    return is_copied ? (size_t)count * 16 + ((od_bitmap_bytes(count) + 15) & ~(size_t)15) : 0;
}

/* False when a value has more than 38 digits at that scale. */
static bool copy_decimals(const struct od_column *column, uint32_t first, uint32_t count, uint32_t scale,
                          uint8_t *copy)
{
    bool fits = true;
    for (uint32_t i = 0; i < count; i++) {
        struct od_decimal value = ((const struct od_decimal *)column->values)[first + i];
        fits = fits && od_decimal_round(&value, scale, OD_ROUND_HALF_AWAY, &value) && value.scale == scale;
        memcpy(copy + (size_t)i * 16, &value, 16); /* low and high: what Arrow wants, little-endian */
    }
    if (column->validity != NULL)
        od_bitmap_copy(copy + (size_t)count * 16, 0, column->validity, first, count);
    return fits;
}

/* Validity, values or offsets, bytes: the column's own, but for numerics, whose copy has the values and then the validity. */
static void show_buffers(const struct od_column *column, uint32_t count, const uint8_t *copy, const void **buffers)
{
    bool is_copied = column->type == OD_TYPE_DECIMAL;
    bool is_text = column->type == OD_TYPE_TEXT;
    buffers[0] = is_copied && column->validity != NULL ? (const void *)(copy + (size_t)count * 16) : column->validity;
    buffers[1] = is_copied ? (const void *)copy : is_text ? (const void *)column->offsets : column->values;
    buffers[2] = column->bytes;
}

/* Rows [first, first + count) of the batch. */
static enum od_status export_rows(struct od_memory *memory, const struct od_batch *batch, uint32_t first,
                                  uint32_t count, const uint32_t *scales, struct ArrowArray *array_out,
                                  struct od_error *error)
{
    static const void *no_validity[1];
    uint32_t columns = batch->schema->field_count;
    size_t bytes = sizeof(struct export) + columns * (sizeof(struct ArrowArray) + 4 * sizeof(void *)) + 16;
    for (uint32_t i = 0; i < columns; i++)
        bytes += copy_bytes(&batch->columns[i], count);
    struct export *export = export_new(memory, bytes, columns + 1);
    if (export == NULL)
        return od_fail(error, OD_NO_MEMORY, "exporting rows: rows=%u", count);
    struct ArrowArray *children = (struct ArrowArray *)(void *)(export + 1);
    struct ArrowArray **pointers = (struct ArrowArray **)(void *)(children + columns);
    const void **buffers = (const void **)(void *)(pointers + columns);
    uint8_t *copy = (uint8_t *)(void *)(buffers + 3 * (size_t)columns);
    copy += -(uintptr_t)copy & 15;
    bool fits = true;
    for (uint32_t i = 0; i < columns; i++, buffers += 3) {
        const struct od_column *column = &batch->columns[i];
        pointers[i] = &children[i];
        children[i] = (struct ArrowArray){.length = count,
                                          .offset = column->type == OD_TYPE_DECIMAL ? 0 : first,
                                          .n_buffers = column->type == OD_TYPE_TEXT ? 3 : 2,
                                          .buffers = buffers,
                                          .release = release_array,
                                          .private_data = export};
        if (column->validity != NULL)
            children[i].null_count = od_bitmap_count_zeros(column->validity, first, count);
        show_buffers(column, count, copy, buffers);
        fits = fits && (column->type != OD_TYPE_DECIMAL || copy_decimals(column, first, count, scales[i], copy));
        copy += copy_bytes(column, count);
    }
    *array_out = (struct ArrowArray){.length = count,
                                     .n_buffers = 1,
                                     .n_children = columns,
                                     .buffers = no_validity,
                                     .children = pointers,
                                     .release = release_array,
                                     .private_data = export};
    if (fits)
        return OD_OK;
    array_out->release(array_out);
    return od_fail(error, OD_UNSUPPORTED,
                   "exporting rows: a numeric of more than 38 digits at its column's scale");
}

/* --- the calls --------------------------------------------------------------------------------------------------- */

/* scales: of batch->schema->field_count columns. */
static enum od_status find_scales(const struct od_batch *batch, uint32_t *scales, struct od_error *error)
{
    for (uint32_t i = 0; i < batch->schema->field_count; i++) {
        const struct od_column *column = &batch->columns[i];
        if (formats[column->type] == NULL)
            return od_fail(error, OD_UNSUPPORTED, "exporting rows: type %s", od_type_text(column->type));
        scales[i] = 0;
        for (uint32_t row = 0; column->type == OD_TYPE_DECIMAL && row < batch->row_count; row++) {
            uint64_t scale = ((const struct od_decimal *)column->values)[row].scale; /* 0 under NULL */
            scales[i] = scale > scales[i] ? (uint32_t)scale : scales[i];
        }
    }
    return OD_OK;
}

struct stream {
    struct od_memory *memory; /* borrowed */
    struct od_batch batch;    /* borrowed */
    uint32_t chunk_rows;
    uint32_t next_row;
    struct od_error error;
    uint32_t scales[]; /* of the columns */
};

static size_t stream_bytes(const struct od_batch *batch)
{
    return sizeof(struct stream) + batch->schema->field_count * sizeof(uint32_t);
}

static struct stream *stream_new(struct od_memory *memory, const struct od_batch *batch, uint32_t chunk_rows,
                                 struct od_error *error)
{
    struct stream *stream = od_take(memory, stream_bytes(batch));
    if (stream == NULL) {
        od_fail(error, OD_NO_MEMORY, "exporting rows");
        return NULL;
    }
    stream->memory = memory;
    stream->batch = *batch;
    stream->chunk_rows = chunk_rows == 0 ? 1 : chunk_rows;
    if (find_scales(batch, stream->scales, error) == OD_OK)
        return stream;
    od_give(memory, stream, stream_bytes(batch));
    return NULL;
}

static int stream_error(enum od_status status)
{
    return status == OD_OK ? 0 : status == OD_NO_MEMORY ? ENOMEM : EINVAL;
}

static int stream_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct stream *stream = self->private_data;
    *out = (struct ArrowSchema){0};
    return stream_error(
        export_schema(stream->memory, stream->batch.schema, stream->scales, out, &stream->error));
}

/* The end is an array that is released already. */
static int stream_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct stream *stream = self->private_data;
    uint32_t left = stream->batch.row_count - stream->next_row;
    uint32_t count = left < stream->chunk_rows ? left : stream->chunk_rows;
    *out = (struct ArrowArray){0};
    if (count == 0)
        return 0;
    enum od_status status = export_rows(stream->memory, &stream->batch, stream->next_row, count,
                                        stream->scales, out, &stream->error);
    stream->next_row += status == OD_OK ? count : 0;
    return stream_error(status);
}

static const char *stream_last_error(struct ArrowArrayStream *self)
{
    const struct stream *stream = self->private_data;
    return stream->error.text;
}

static void stream_release(struct ArrowArrayStream *self)
{
    struct stream *stream = self->private_data;
    self->release = NULL;
    od_give(stream->memory, stream, stream_bytes(&stream->batch));
}

enum od_status od_arrow_export_stream(struct od_memory *memory, const struct od_batch *batch,
                                      uint32_t chunk_rows, struct ArrowArrayStream *stream_out,
                                      struct od_error *error)
{
    struct od_error found = {.status = OD_NO_MEMORY};
    *stream_out = (struct ArrowArrayStream){0};
    struct stream *stream = stream_new(memory, batch, chunk_rows, &found);
    if (stream == NULL)
        return od_fail(error, found.status, "%s", found.text);
    *stream_out = (struct ArrowArrayStream){.get_schema = stream_schema,
                                            .get_next = stream_next,
                                            .get_last_error = stream_last_error,
                                            .release = stream_release,
                                            .private_data = stream};
    return OD_OK;
}

enum od_status od_arrow_export(struct od_memory *memory, const struct od_batch *batch,
                               struct ArrowSchema *schema_out, struct ArrowArray *array_out,
                               struct od_error *error)
{
    struct ArrowArrayStream stream;
    *schema_out = (struct ArrowSchema){0};
    *array_out = (struct ArrowArray){0};
    OD_TRY(od_arrow_export_stream(memory, batch, batch->row_count, &stream, error));
    struct stream *self = stream.private_data;
    enum od_status status = export_schema(memory, batch->schema, self->scales, schema_out, error);
    if (status == OD_OK)
        status = export_rows(memory, batch, 0, batch->row_count, self->scales, array_out, error);
    if (status != OD_OK && schema_out->release != NULL) {
        schema_out->release(schema_out);
        *schema_out = (struct ArrowSchema){0};
        *array_out = (struct ArrowArray){0};
    }
    stream.release(&stream);
    return status;
}
