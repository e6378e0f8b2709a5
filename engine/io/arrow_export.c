/* arrow_export: columns shown as Arrow arrays; see arrow.h.
 *
 * A schema or an array with its children lives in one arena, which all of them hold: a consumer may move a child out and release
 * the parent, so the arena goes with the last of them. A single export is the first piece of a stream. */
#include "engine/io/arrow.h"

#include <errno.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/data/bitmap.h"
#include "engine/data/decimal.h"

static const char *const formats[OD_TYPE_COUNT] = {
    [OD_TYPE_BOOLEAN] = "b", [OD_TYPE_INT64] = "l", [OD_TYPE_FLOAT64] = "g",      [OD_TYPE_TEXT] = "u",
    [OD_TYPE_DATE] = "tdD",  [OD_TYPE_INT32] = "i", [OD_TYPE_TIMESTAMP] = "tsu:", [OD_TYPE_DECIMAL] = "d",
};

/* What is exported, and what has been so far. */
struct stream {
    struct od_memory *memory; /* borrowed */
    struct od_batch batch;    /* borrowed */
    uint32_t chunk_rows;
    uint32_t next_row;
    struct od_error error;
    uint32_t scales[]; /* of the columns */
};

struct piece {
    struct od_memory *memory; /* borrowed */
    struct od_arena piece_arena;
    uint32_t holders;
};

static void piece_free(struct piece *piece)
{
    od_arena_release(&piece->piece_arena);
    od_give(piece->memory, piece, sizeof(*piece));
}

/* Fills *out with something whose parts live in the piece: a parent, and a child for each column. */
typedef enum od_status (*fill_piece)(struct stream *stream, struct piece *piece, void *out);

static enum od_status export_piece(struct stream *stream, fill_piece fill, void *out)
{
    struct piece *piece = od_take(stream->memory, sizeof(*piece));
    if (piece == NULL)
        return od_fail(&stream->error, OD_NO_MEMORY, "exporting rows");
    piece->memory = stream->memory;
    piece->holders = stream->batch.schema->field_count + 1;
    od_arena_init(&piece->piece_arena, stream->memory, 0);
    enum od_status status = fill(stream, piece, out);
    if (status != OD_OK)
        piece_free(piece);
    return status;
}

/* Children first: they may have been moved out (release is NULL then). */
#define RELEASE(name, type)                                                                                  \
    static void name(type *self)                                                                             \
    {                                                                                                        \
        struct piece *piece = self->private_data;                                                            \
        for (int64_t i = 0; i < self->n_children; i++)                                                       \
            if (self->children[i]->release != NULL)                                                          \
                self->children[i]->release(self->children[i]);                                               \
        self->release = NULL;                                                                                \
        if (__atomic_sub_fetch(&piece->holders, 1, __ATOMIC_ACQ_REL) == 0)                                   \
            piece_free(piece);                                                                               \
    }
RELEASE(release_schema, struct ArrowSchema)
RELEASE(release_array, struct ArrowArray)
#undef RELEASE

/* --- schemas ----------------------------------------------------------------------------------------------------- */

static enum od_status fill_schema(struct stream *stream, struct piece *piece, void *out)
{
    struct od_arena *arena = &piece->piece_arena;
    uint32_t count = stream->batch.schema->field_count;
    OD_TAKE_LIST(struct ArrowSchema, children, arena, count, &stream->error);
    OD_TAKE_LIST(struct ArrowSchema *, pointers, arena, count, &stream->error);
    for (uint32_t i = 0; i < count; i++) {
        const struct od_field *field = &stream->batch.schema->fields[i];
        bool is_decimal = field->type == OD_TYPE_DECIMAL;
        pointers[i] = &children[i];
        children[i] = (struct ArrowSchema){
            .format = is_decimal ? od_arena_print(arena, "d:38,%u", stream->scales[i]) : formats[field->type],
            .name = od_arena_copy_text(arena, field->name, strlen(field->name)),
            .flags = field->nullable ? ARROW_FLAG_NULLABLE : 0,
            .release = release_schema,
            .private_data = piece};
        if (children[i].format == NULL || children[i].name == NULL)
            return od_fail(&stream->error, OD_NO_MEMORY, "exporting a schema: columns=%u", count);
    }
    *(struct ArrowSchema *)out = (struct ArrowSchema){.format = "+s",
                                                      .name = "",
                                                      .n_children = count,
                                                      .children = pointers,
                                                      .release = release_schema,
                                                      .private_data = piece};
    return OD_OK;
}

/* --- arrays ------------------------------------------------------------------------------------------------------ */

/* Numerics are copied, all at their column's scale. UNSUPPORTED when that takes more than 38 digits. */
static enum od_status fill_decimals(struct stream *stream, struct piece *piece, uint32_t index,
                                    uint32_t count, const void **buffers)
{
    const struct od_column *column = &stream->batch.columns[index];
    OD_TAKE_LIST(uint8_t, values, &piece->piece_arena, (size_t)count * 16, &stream->error);
    OD_TAKE_LIST(uint8_t, validity, &piece->piece_arena, od_bitmap_bytes(count), &stream->error);
    for (uint32_t i = 0; i < count; i++) {
        struct od_decimal value = ((const struct od_decimal *)column->values)[stream->next_row + i];
        if (!od_decimal_round(&value, stream->scales[index], OD_ROUND_HALF_AWAY, &value) ||
            value.scale != stream->scales[index])
            return od_fail(&stream->error, OD_UNSUPPORTED,
                           "exporting rows: a numeric of more than 38 digits at its column's scale");
        memcpy(values + (size_t)i * 16, &value, 16); /* low and high: what Arrow wants, little-endian */
    }
    if (column->validity != NULL)
        od_bitmap_copy(validity, 0, column->validity, stream->next_row, count);
    buffers[0] = column->validity == NULL ? NULL : validity;
    buffers[1] = values;
    return OD_OK;
}

/* The next rows, at most a chunk: validity, values or offsets, bytes are the column's own, but for numerics. */
static enum od_status fill_rows(struct stream *stream, struct piece *piece, void *out)
{
    static const void *no_validity[1];
    struct od_arena *arena = &piece->piece_arena;
    uint32_t columns = stream->batch.schema->field_count;
    uint32_t left = stream->batch.row_count - stream->next_row;
    uint32_t count = left < stream->chunk_rows ? left : stream->chunk_rows;
    OD_TAKE_LIST(struct ArrowArray, children, arena, columns, &stream->error);
    OD_TAKE_LIST(struct ArrowArray *, pointers, arena, columns, &stream->error);
    OD_TAKE_LIST(const void *, buffers, arena, 3 * (size_t)columns, &stream->error);
    for (uint32_t i = 0; i < columns; i++, buffers += 3) {
        const struct od_column *column = &stream->batch.columns[i];
        bool is_text = column->type == OD_TYPE_TEXT;
        bool is_decimal = column->type == OD_TYPE_DECIMAL;
        pointers[i] = &children[i];
        children[i] = (struct ArrowArray){.length = count,
                                          .offset = is_decimal ? 0 : stream->next_row,
                                          .n_buffers = is_text ? 3 : 2,
                                          .buffers = buffers,
                                          .release = release_array,
                                          .private_data = piece};
        if (column->validity != NULL)
            children[i].null_count = od_bitmap_count_zeros(column->validity, stream->next_row, count);
        buffers[0] = column->validity;
        buffers[1] = is_text ? (const void *)column->offsets : column->values;
        buffers[2] = column->bytes;
        if (is_decimal)
            OD_TRY(fill_decimals(stream, piece, i, count, buffers));
    }
    *(struct ArrowArray *)out = (struct ArrowArray){.length = count,
                                                    .n_buffers = 1,
                                                    .n_children = columns,
                                                    .buffers = no_validity,
                                                    .children = pointers,
                                                    .release = release_array,
                                                    .private_data = piece};
    stream->next_row += count;
    return OD_OK;
}

/* --- the calls --------------------------------------------------------------------------------------------------- */

/* Checks the types and finds the largest scale of each column. */
static enum od_status find_scales(struct stream *stream, struct od_error *error)
{
    for (uint32_t i = 0; i < stream->batch.schema->field_count; i++) {
        const struct od_column *column = &stream->batch.columns[i];
        if (formats[column->type] == NULL)
            return od_fail(error, OD_UNSUPPORTED, "exporting rows: type %s", od_type_text(column->type));
        for (uint32_t row = 0; column->type == OD_TYPE_DECIMAL && row < stream->batch.row_count; row++) {
            uint64_t scale = ((const struct od_decimal *)column->values)[row].scale; /* 0 under NULL */
            stream->scales[i] = scale > stream->scales[i] ? (uint32_t)scale : stream->scales[i];
        }
    }
    return OD_OK;
}

static void stream_free(struct stream *stream)
{
    od_give(stream->memory, stream,
            sizeof(*stream) + stream->batch.schema->field_count * sizeof(*stream->scales));
}

static enum od_status stream_new(struct od_memory *memory, const struct od_batch *batch, uint32_t chunk_rows,
                                 struct stream **stream_out, struct od_error *error)
{
    struct stream *stream = od_take(memory, sizeof(*stream) + batch->schema->field_count * sizeof(uint32_t));
    *stream_out = NULL;
    if (stream == NULL)
        return od_fail(error, OD_NO_MEMORY, "exporting rows");
    stream->memory = memory;
    stream->batch = *batch;
    stream->chunk_rows = chunk_rows == 0 ? 1 : chunk_rows;
    enum od_status status = find_scales(stream, error);
    if (status == OD_OK)
        *stream_out = stream;
    else
        stream_free(stream);
    return status;
}

static int stream_error(enum od_status status)
{
    return status == OD_OK ? 0 : status == OD_NO_MEMORY ? ENOMEM : EINVAL;
}

static int stream_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    *out = (struct ArrowSchema){0};
    return stream_error(export_piece(self->private_data, fill_schema, out));
}

/* The end is an array that is released already. */
static int stream_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct stream *stream = self->private_data;
    *out = (struct ArrowArray){0};
    if (stream->next_row == stream->batch.row_count)
        return 0;
    return stream_error(export_piece(stream, fill_rows, out));
}

static const char *stream_last_error(struct ArrowArrayStream *self)
{
    const struct stream *stream = self->private_data;
    return stream->error.text;
}

static void stream_release(struct ArrowArrayStream *self)
{
    self->release = NULL;
    stream_free(self->private_data);
}

enum od_status od_arrow_export_stream(struct od_memory *memory, const struct od_batch *batch,
                                      uint32_t chunk_rows, struct ArrowArrayStream *stream_out,
                                      struct od_error *error)
{
    struct stream *stream;
    *stream_out = (struct ArrowArrayStream){0};
    OD_TRY(stream_new(memory, batch, chunk_rows, &stream, error));
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
    struct stream *stream;
    *schema_out = (struct ArrowSchema){0};
    *array_out = (struct ArrowArray){0};
    OD_TRY(stream_new(memory, batch, batch->row_count, &stream, error));
    enum od_status status = export_piece(stream, fill_schema, schema_out);
    if (status == OD_OK)
        status = export_piece(stream, fill_rows, array_out);
    if (status != OD_OK && schema_out->release != NULL)
        schema_out->release(schema_out);
    if (status != OD_OK)
        *schema_out = (struct ArrowSchema){0};
    if (status != OD_OK && error != NULL)
        *error = stream->error;
    stream_free(stream);
    return status;
}
