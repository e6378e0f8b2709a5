/* arrow_import: Arrow arrays become a table; see arrow.h.
 *
 * The schema is read once; each of its columns gets a source: our type, the width of theirs, and what turns one into the other.
 * Each array is checked against it as far as its structs go, before the first value is looked at; text is checked value by
 * value. The rows of a struct array are those of its children from its offset on. */
#include "engine/io/arrow.h"

#include <stdlib.h>
#include <errno.h>
#include <string.h>

#include "engine/core/utf8.h"
#include "engine/data/decimal.h"

#define COLUMN_COUNT_MAX 1600

/* How a value is read: of `width` bytes (0: a bit), as `kind` says, then times or by `factor`. */
enum source_kind { SIGNED, UNSIGNED, FLOATING, BIT, TEXT_32, TEXT_64, DECIMAL };
struct source {
    const char *format;
    enum od_type type;
    enum source_kind kind;
    uint32_t width;
    int32_t factor; /* negative: divides, and must do so exactly */
    uint32_t scale; /* of DECIMAL */
};
static const struct source sources[] = {
    {"b", OD_TYPE_BOOLEAN, BIT, 0, 1, 0},
    {"c", OD_TYPE_INT32, SIGNED, 1, 1, 0},
    {"C", OD_TYPE_INT32, UNSIGNED, 1, 1, 0},
    {"s", OD_TYPE_INT32, SIGNED, 2, 1, 0},
    {"S", OD_TYPE_INT32, UNSIGNED, 2, 1, 0},
    {"i", OD_TYPE_INT32, SIGNED, 4, 1, 0},
    {"I", OD_TYPE_INT64, UNSIGNED, 4, 1, 0},
    {"l", OD_TYPE_INT64, SIGNED, 8, 1, 0},
    {"L", OD_TYPE_DECIMAL, UNSIGNED, 8, 1, 0},
    {"f", OD_TYPE_FLOAT64, FLOATING, 4, 1, 0},
    {"g", OD_TYPE_FLOAT64, FLOATING, 8, 1, 0},
    {"u", OD_TYPE_TEXT, TEXT_32, 4, 1, 0},
    {"U", OD_TYPE_TEXT, TEXT_64, 8, 1, 0},
    {"tdD", OD_TYPE_DATE, SIGNED, 4, 1, 0},
    {"tss:", OD_TYPE_TIMESTAMP, SIGNED, 8, 1000000, 0},
    {"tsm:", OD_TYPE_TIMESTAMP, SIGNED, 8, 1000, 0},
    {"tsu:", OD_TYPE_TIMESTAMP, SIGNED, 8, 1, 0},
    {"tsn:", OD_TYPE_TIMESTAMP, SIGNED, 8, -1000, 0},
};

struct import {
    struct od_arena import_arena; /* until the end of the call */
    struct od_schema schema;
    struct source *sources;
    struct od_table *table; /* owned until handed out */
};

static enum od_status broken(struct od_error *error, const char *what)
{
    return od_fail(error, OD_BAD_INPUT, "importing Arrow data: %s", what);
}

/* --- schemas ----------------------------------------------------------------------------------------------------- */

/* "d:precision,scale" or "d:precision,scale,128" */
static bool find_decimal(const char *format, struct source *source_out)
{
    char *end = NULL;
    if (strncmp(format, "d:", 2) != 0)
        return false;
    long precision = strtol(format + 2, &end, 10);
    if (*end != ',')
        return false;
    long scale = strtol(end + 1, &end, 10);
    *source_out = (struct source){format, OD_TYPE_DECIMAL, DECIMAL, 16, 1, (uint32_t)scale};
    return (*end == '\0' || strcmp(end, ",128") == 0) && precision >= 1 &&
           precision <= OD_DECIMAL_DIGITS_MAX && scale >= 0 && scale <= OD_DECIMAL_DIGITS_MAX;
}

static bool find_source(const char *format, struct source *source_out)
{
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        *source_out = sources[i];
        if (strcmp(sources[i].format, format) == 0)
            return true;
    }
    return find_decimal(format, source_out);
}

static enum od_status import_field(struct import *import, const struct ArrowSchema *child, uint32_t index,
                                   struct od_error *error)
{
    struct od_field *field = &import->schema.fields[index];
    if (child == NULL || child->release == NULL || child->format == NULL)
        return broken(error, "a column without a schema");
    const char *name = child->name == NULL ? "" : child->name;
    if (od_utf8_valid_bytes(name, strlen(name)) != strlen(name))
        return broken(error, "a column's name is not valid UTF-8");
    if (child->dictionary != NULL || child->n_children != 0 ||
        !find_source(child->format, &import->sources[index]))
        return od_fail(error, OD_UNSUPPORTED, "importing Arrow data: column \"%.60s\" of format \"%.20s\"%s",
                       name, child->format, child->dictionary != NULL ? " with a dictionary" : "");
    *field = (struct od_field){.type = import->sources[index].type,
                               .nullable = (child->flags & ARROW_FLAG_NULLABLE) != 0};
    field->name = name[0] == '\0' ? od_arena_print(&import->import_arena, "column%u", index + 1)
                                  : od_arena_copy_text(&import->import_arena, name, strlen(name));
    return field->name == NULL ? od_fail(error, OD_NO_MEMORY, "importing Arrow data") : OD_OK;
}

static enum od_status import_schema(struct import *import, struct od_memory *memory, const char *table_name,
                                    const struct ArrowSchema *schema, struct od_error *error)
{
    if (schema->release == NULL || schema->format == NULL || schema->n_children < 0 ||
        (schema->n_children > 0 && schema->children == NULL))
        return broken(error, "a schema that is released or lacks its parts");
    if (strcmp(schema->format, "+s") != 0 || schema->dictionary != NULL ||
        schema->n_children > COLUMN_COUNT_MAX)
        return od_fail(error, OD_UNSUPPORTED, "importing Arrow data: expected a struct of at most %d columns",
                       COLUMN_COUNT_MAX);
    uint32_t count = (uint32_t)schema->n_children;
    import->schema.field_count = count;
    OD_TAKE(import->schema.fields, &import->import_arena, count, error);
    OD_TAKE(import->sources, &import->import_arena, count, error);
    for (uint32_t i = 0; i < count; i++)
        OD_TRY(import_field(import, schema->children[i], i, error));
    import->table = od_table_new(memory, table_name, &import->schema, error);
    return import->table == NULL ? OD_NO_MEMORY : OD_OK;
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static int64_t integer_at(const struct source *source, const uint8_t *at)
{
    uint64_t bits = 0;
    memcpy(&bits, at, source->width); /* little-endian, as block.c asserts */
    unsigned unused = 64 - 8 * source->width;
    return source->kind == SIGNED ? (int64_t)(bits << unused) >> unused : (int64_t)bits;
}

static enum od_status text_at(const struct source *source, const struct ArrowArray *array, int64_t row,
                              struct od_value *value, struct od_error *error)
{
    const struct source offset = {.kind = SIGNED, .width = source->width};
    const uint8_t *at = (const uint8_t *)array->buffers[1] + (size_t)row * source->width;
    int64_t ends[2] = {integer_at(&offset, at), integer_at(&offset, at + source->width)};
    if (ends[0] < 0 || ends[1] < ends[0] || ends[1] - ends[0] > INT32_MAX)
        return broken(error, "offsets of texts that do not grow");
    size_t size = (size_t)(ends[1] - ends[0]);
    if (size > 0 && array->buffers[2] == NULL)
        return broken(error, "texts without bytes");
    value->text.bytes = size == 0 ? "" : (const char *)array->buffers[2] + ends[0];
    value->text.size = (uint32_t)size;
    if (od_utf8_valid_bytes(value->text.bytes, size) != size || memchr(value->text.bytes, 0, size) != NULL)
        return broken(error, "a text that is not valid UTF-8 or holds a NUL");
    return OD_OK;
}

static enum od_status value_at(const struct source *source, const struct ArrowArray *array, int64_t row,
                               struct od_value *value, struct od_error *error)
{
    const uint8_t *at = (const uint8_t *)array->buffers[1] + (size_t)row * source->width;
    float narrow;
    bool fits = true;
    switch (source->kind) {
    case BIT:
        value->boolean = at[row >> 3] >> (row & 7) & 1;
        return OD_OK;
    case TEXT_32:
    case TEXT_64:
        return text_at(source, array, row, value, error);
    case FLOATING:
        memcpy(source->width == 4 ? (void *)&narrow : (void *)&value->float64, at, source->width);
        if (source->width == 4)
            value->float64 = (double)narrow;
        return OD_OK;
    case DECIMAL:
        memcpy(&value->decimal, at, 16);
        value->decimal.scale = source->scale;
        fits = od_decimal_is_sound(&value->decimal);
        break;
    case UNSIGNED:
    case SIGNED:
        value->int64 = integer_at(source, at);
        if (source->type == OD_TYPE_DECIMAL) /* 64 bits without a sign */
            value->decimal = od_decimal_make((__int128)(uint64_t)value->int64, 0);
        else if (source->factor < 0)
            fits = value->int64 % source->factor == 0;
        else
            fits = !__builtin_mul_overflow(value->int64, source->factor, &value->int64);
        if (source->factor < 0)
            value->int64 /= -(int64_t)source->factor;
        break;
    }
    return fits ? OD_OK
                : od_fail(error, OD_UNSUPPORTED, "importing Arrow data: a %s out of range or finer than ours",
                          od_type_text(source->type));
}

static enum od_status import_column(struct import *import, uint32_t index, const struct ArrowArray *array,
                                    int64_t first, int64_t count, struct od_error *error)
{
    const uint8_t *validity = array->null_count == 0 ? NULL : array->buffers[0];
    for (int64_t row = first; row < first + count; row++) {
        struct od_value value = {.type = import->schema.fields[index].type};
        value.is_null = validity != NULL && (validity[row >> 3] >> (row & 7) & 1) == 0;
        if (value.is_null && !import->schema.fields[index].nullable)
            return broken(error, "a NULL in a column that says it has none");
        if (!value.is_null)
            OD_TRY(value_at(&import->sources[index], array, row, &value, error));
        OD_TRY(od_batch_builder_append(&import->table->rows, index, &value, error));
    }
    return OD_OK;
}

/* --- arrays ------------------------------------------------------------------------------------------------------ */

static bool is_sound(const struct ArrowArray *array, int64_t buffer_count, int64_t child_count)
{
    return array != NULL && array->release != NULL && array->length >= 0 && array->length <= INT32_MAX &&
           array->offset >= 0 && array->offset <= INT64_MAX / 64 - array->length && array->null_count >= -1 &&
           array->null_count <= array->length && array->n_buffers == buffer_count && array->buffers != NULL &&
           array->n_children == child_count && (child_count == 0 || array->children != NULL) &&
           array->dictionary == NULL;
}

static enum od_status import_array(struct import *import, const struct ArrowArray *array,
                                   struct od_error *error)
{
    uint32_t count = import->schema.field_count;
    if (!is_sound(array, 1, count))
        return broken(error, "an array whose struct is not its schema's");
    if (array->buffers[0] != NULL && array->null_count != 0)
        return od_fail(error, OD_UNSUPPORTED, "importing Arrow data: rows that are NULL as a whole");
    for (uint32_t i = 0; i < count; i++) {
        const struct ArrowArray *child = array->children[i];
        bool is_text = import->sources[i].type == OD_TYPE_TEXT;
        if (!is_sound(child, is_text ? 3 : 2, 0) || child->length < array->offset + array->length)
            return broken(error, "a column whose struct is not its schema's");
        if ((array->length > 0 && child->buffers[1] == NULL) ||
            (child->null_count > 0 && child->buffers[0] == NULL))
            return broken(error, "a column without its buffers");
        OD_TRY(import_column(import, i, child, child->offset + array->offset, array->length, error));
    }
    od_batch_builder_end_rows(&import->table->rows, import->table->rows.row_count + (uint32_t)array->length);
    return OD_OK;
}

/* --- the calls --------------------------------------------------------------------------------------------------- */

static void import_begin(struct import *import, struct od_memory *memory)
{
    *import = (struct import){.table = NULL};
    od_arena_init(&import->import_arena, memory, 0);
}

static void import_end(struct import *import, struct od_memory *memory, enum od_status status,
                       struct od_table **table_out)
{
    if (status == OD_OK)
        od_table_finish(import->table);
    else
        od_table_free(memory, import->table);
    *table_out = status == OD_OK ? import->table : NULL;
    od_arena_release(&import->import_arena);
}

enum od_status od_arrow_import(struct od_memory *memory, const char *table_name, struct ArrowSchema *schema,
                               struct ArrowArray *array, struct od_table **table_out, struct od_error *error)
{
    struct import import;
    import_begin(&import, memory);
    enum od_status status = import_schema(&import, memory, table_name, schema, error);
    if (status == OD_OK)
        status = import_array(&import, array, error);
    import_end(&import, memory, status, table_out);
    if (schema->release != NULL)
        schema->release(schema);
    if (array->release != NULL)
        array->release(array);
    return status;
}

static enum od_status stream_failed(struct ArrowArrayStream *stream, int code, struct od_error *error)
{
    const char *text = stream->get_last_error == NULL ? NULL : stream->get_last_error(stream);
    return od_fail(error, code == ENOMEM ? OD_NO_MEMORY : OD_IO,
                   "importing Arrow data: the stream failed with %d: %.200s", code,
                   text == NULL ? "no reason given" : text);
}

static enum od_status import_next(struct import *import, struct ArrowArrayStream *stream, bool *ended_out,
                                  struct od_error *error)
{
    struct ArrowArray array = {0};
    int code = stream->get_next(stream, &array);
    *ended_out = code == 0 && array.release == NULL;
    if (code != 0 || *ended_out)
        return code == 0 ? OD_OK : stream_failed(stream, code, error);
    enum od_status status = import_array(import, &array, error);
    array.release(&array);
    return status;
}

enum od_status od_arrow_import_stream(struct od_memory *memory, const char *table_name,
                                      struct ArrowArrayStream *stream, struct od_table **table_out,
                                      struct od_error *error)
{
    struct import import;
    struct ArrowSchema schema = {0};
    *table_out = NULL;
    if (stream->release == NULL || stream->get_schema == NULL || stream->get_next == NULL)
        return broken(error, "a stream that is released or lacks its calls");
    import_begin(&import, memory);
    int code = stream->get_schema(stream, &schema);
    enum od_status status = code == 0 ? import_schema(&import, memory, table_name, &schema, error)
                                      : stream_failed(stream, code, error);
    for (bool ended = false; status == OD_OK && !ended;)
        status = import_next(&import, stream, &ended, error);
    import_end(&import, memory, status, table_out);
    if (code == 0 && schema.release != NULL)
        schema.release(&schema);
    stream->release(stream);
    return status;
}
