/* text_table: places, columns, values, and the two passes. See the header.
 *
 * A reader only keeps a byte offset. Line and column are counted from the start of the text when an error needs them, which is
 * at most once. UTF-8 and NUL are checked once, up front, so that nothing behind this file meets a bad byte. */
#include "engine/io/text_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/utf8.h"

#define SHOWN_BYTES 40 /* of a field, in an error text */

static const char byte_order_mark[3] = {'\xef', '\xbb', '\xbf'};

/* --- places ----------------------------------------------------------------------------------------------------- */

static size_t text_start(const struct od_text_reader *reader)
{
    bool has_mark = reader->size >= sizeof(byte_order_mark) &&
                    memcmp(reader->bytes, byte_order_mark, sizeof(byte_order_mark)) == 0;
    return has_mark ? sizeof(byte_order_mark) : 0;
}

static bool continues_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

enum od_status od_text_fail(const struct od_text_reader *reader, size_t offset, const char *format, ...)
{
    uint32_t line = 1;
    uint32_t column = 1;
    char text[sizeof(reader->error->text)];
    for (size_t i = text_start(reader); i < offset; i++) {
        bool ends_line = reader->bytes[i] == '\n';
        line += ends_line;
        column = ends_line ? 1 : column + !continues_character(reader->bytes[i]);
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return od_fail_at(reader->error, OD_BAD_INPUT, line, column, "%s:%u:%u: %s", reader->source_name, line,
                      column, text);
}

enum od_status od_text_no_memory(const struct od_text_reader *reader)
{
    return od_fail(reader->error, OD_NO_MEMORY, "reading %s: bytes=%zu", reader->source_name, reader->size);
}

static enum od_status check_bytes(const struct od_text_reader *reader)
{
    const char *nul = reader->size == 0 ? NULL : memchr(reader->bytes, 0, reader->size);
    size_t end = nul == NULL ? reader->size : (size_t)(nul - reader->bytes);
    size_t offset = od_utf8_valid_bytes(reader->bytes, end);
    if (offset < end)
        return od_text_fail(reader, offset, "byte 0x%02x is not valid UTF-8",
                            (unsigned char)reader->bytes[offset]);
    return nul == NULL ? OD_OK : od_text_fail(reader, offset, "a NUL byte; expected UTF-8 text");
}

/* --- columns and values ----------------------------------------------------------------------------------------- */

enum od_status od_text_add_column(struct od_text_reader *reader, const struct od_text_field *name)
{
    uint32_t column = reader->schema.field_count;
    if (column == OD_TEXT_COLUMNS_MAX)
        return od_text_fail(reader, name->offset, "more than %d columns", OD_TEXT_COLUMNS_MAX);
    const char *text = od_arena_copy_text(&reader->read_arena, name->bytes, name->size);
    if (text == NULL)
        return od_text_no_memory(reader);
    reader->types[column] = OD_TEXT_TYPES_ALL;
    reader->schema.fields[column] = (struct od_field){.name = text, .type = OD_TYPE_TEXT};
    reader->schema.field_count++;
    return OD_OK;
}

enum od_status od_text_take_field(struct od_text_reader *reader, size_t start, size_t end, bool is_copied,
                                  struct od_text_field *field)
{
    size_t size = end - start;
    field->bytes = reader->bytes + start;
    if (is_copied) {
        if (!od_buffer_append(&reader->unquoted, field->bytes, size))
            return od_text_no_memory(reader);
        field->bytes = (const char *)reader->unquoted.bytes;
        size = reader->unquoted.size;
    }
    field->size = (uint32_t)size;
    return size <= INT32_MAX ? OD_OK : od_text_fail(reader, field->offset, "a value of more than 2 GiB");
}

int od_text_shown_bytes(const struct od_text_field *field)
{
    int shown = field->size <= SHOWN_BYTES ? (int)field->size : SHOWN_BYTES;
    while (shown > 0 && (uint32_t)shown < field->size && continues_character(field->bytes[shown]))
        shown--;
    return shown;
}

enum od_status od_text_take_value(struct od_text_reader *reader, uint32_t column,
                                  const struct od_text_field *field, od_text_types types)
{
    struct od_field *target = &reader->schema.fields[column];
    struct od_value value = {.type = target->type, .is_null = od_text_is_null(field)};
    if (reader->table == NULL) {
        target->nullable = target->nullable || value.is_null;
        if (!value.is_null)
            reader->types[column] = od_text_infer_field(field, reader->types[column] & types);
        return OD_OK;
    }
    const char *expected = od_type_text(target->type);
    if (value.is_null && !target->nullable)
        return od_text_fail(reader, field->offset, "column \"%s\" is empty; expected a %s", target->name,
                            expected);
    if (!value.is_null && !od_value_parse(target->type, field->bytes, field->size, &value))
        return od_text_fail(reader, field->offset, "column \"%s\": \"%.*s\" is not a %s", target->name,
                            od_text_shown_bytes(field), field->bytes, expected);
    return od_batch_builder_append(&reader->table->rows, column, &value, reader->error);
}

/* --- the passes ------------------------------------------------------------------------------------------------- */

static enum od_status read_table(struct od_text_reader *reader, const char *table_name, od_text_step columns,
                                 od_text_step rows)
{
    struct od_arena *arena = &reader->read_arena;
    OD_TRY(check_bytes(reader));
    OD_TAKE(reader->schema.fields, arena, OD_TEXT_COLUMNS_MAX, reader->error);
    OD_TAKE(reader->types, arena, OD_TEXT_COLUMNS_MAX, reader->error);
    OD_TRY(columns(reader));
    size_t start = reader->offset;
    if (reader->given != NULL) {
        reader->schema = *reader->given;
    } else {
        OD_TRY(rows(reader));
        for (uint32_t i = 0; i < reader->schema.field_count; i++)
            reader->schema.fields[i].type = od_text_infer_type(reader->types[i]);
        reader->offset = start;
    }
    reader->table = od_table_new(arena->memory, table_name, &reader->schema, reader->error);
    if (reader->table == NULL)
        return OD_NO_MEMORY;
    OD_TRY(rows(reader));
    od_table_finish(reader->table);
    return OD_OK;
}

enum od_status od_text_read(struct od_text_reader *reader, struct od_memory *memory, const char *table_name,
                            od_text_step columns, od_text_step rows, struct od_table **table_out)
{
    if (reader->size == 0)
        reader->bytes = "";
    reader->offset = text_start(reader);
    od_buffer_init(&reader->unquoted, memory);
    od_arena_init(&reader->read_arena, memory, 0);
    enum od_status status = read_table(reader, table_name, columns, rows);
    if (status != OD_OK)
        od_table_free(memory, reader->table);
    *table_out = status == OD_OK ? reader->table : NULL;
    od_buffer_release(&reader->unquoted);
    od_arena_release(&reader->read_arena);
    return status;
}
