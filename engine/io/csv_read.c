/* csv_read: the grammar of RFC 4180, section 2.
 *
 *   record = field *(',' field) (LF / CRLF / end)
 *   field  = '"' *(any but '"' / '""') '"'  /  *(any but ',', '"', CR, LF)
 *
 * Fields point into the text; only one with doubled quotes is copied. What becomes of them: text_table.h. */
#include "engine/io/csv.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/io/text_table.h"

#define SEPARATOR ','

/* --- fields ------------------------------------------------------------------------------------------------------ */

/* Steps over what ends a field: a separator, a line end, or the end of the text. */
static enum od_status end_field(struct od_text_reader *reader, struct od_text_field *field,
                                bool *ends_record_out)
{
    const char *rest = reader->bytes + reader->offset;
    size_t left = reader->size - reader->offset;
    field->end = reader->offset;
    *ends_record_out = left == 0 || rest[0] != SEPARATOR;
    if (left == 0)
        return OD_OK;
    size_t end_bytes = rest[0] == SEPARATOR || rest[0] == '\n'          ? 1
                       : rest[0] == '\r' && left > 1 && rest[1] == '\n' ? 2
                                                                        : 0;
    reader->offset += end_bytes;
    if (end_bytes > 0)
        return OD_OK;
    if (rest[0] == '\r')
        return od_text_fail(reader, reader->offset,
                            "a carriage return without a line feed; expected a quoted field");
    if (field->is_quoted)
        return od_text_fail(reader, reader->offset, "text after a closing quote; expected '%c' or a line end",
                            SEPARATOR);
    od_assert(rest[0] == '"');
    return od_text_fail(reader, reader->offset,
                        "a quote inside an unquoted field; expected the field in quotes");
}

/* Offset of the next quote, or the end. */
static size_t find_quote(const struct od_text_reader *reader, size_t offset)
{
    const char *quote = memchr(reader->bytes + offset, '"', reader->size - offset);
    return quote == NULL ? reader->size : (size_t)(quote - reader->bytes);
}

static enum od_status take_quoted(struct od_text_reader *reader, struct od_text_field *field)
{
    size_t start = reader->offset + 1;
    size_t quote = find_quote(reader, start);
    bool is_copied = false;
    field->is_quoted = true;
    od_buffer_reset(&reader->unquoted);
    while (quote + 1 < reader->size &&
           reader->bytes[quote + 1] == '"') { /* doubled: one quote of the content */
        od_buffer_append(&reader->unquoted, reader->bytes + start, quote + 1 - start);
        is_copied = true;
        start = quote + 2;
        quote = find_quote(reader, start);
    }
    if (quote == reader->size)
        return od_text_fail(reader, field->offset,
                            "a quoted field that never ends; expected a closing quote");
    reader->offset = quote + 1;
    return od_text_take_field(reader, start, quote, is_copied, field);
}

/* Must not be at the end, except behind a separator, where one more empty field stands. */
static enum od_status next_field(struct od_text_reader *reader, struct od_text_field *field,
                                 bool *ends_record_out)
{
    *field = (struct od_text_field){.offset = reader->offset};
    if (reader->offset < reader->size && reader->bytes[reader->offset] == '"') {
        OD_TRY(take_quoted(reader, field));
    } else {
        const char *at = reader->bytes + reader->offset;
        const char *end = reader->bytes + reader->size;
        while (at < end && *at != SEPARATOR && *at != '\n' && *at != '\r' && *at != '"')
            at++;
        reader->offset = (size_t)(at - reader->bytes);
        OD_TRY(od_text_take_field(reader, field->offset, reader->offset, false, field));
    }
    return end_field(reader, field, ends_record_out);
}

/* --- records ----------------------------------------------------------------------------------------------------- */

/* Adds the columns; their names must be the given schema's, if there is one. */
static enum od_status read_header(struct od_text_reader *reader)
{
    const struct od_schema *given = reader->given;
    size_t start = reader->offset;
    struct od_text_field field;
    if (start == reader->size)
        return od_text_fail(reader, start, "the file is empty; expected a record of column names");
    for (bool ends_record = false; !ends_record;) {
        uint32_t column = reader->schema.field_count;
        OD_TRY(next_field(reader, &field, &ends_record));
        if (field.size == 0)
            return od_text_fail(reader, field.offset, "column %u has no name; expected one", column + 1);
        OD_TRY(od_text_add_column(reader, &field));
        const char *name = reader->schema.fields[column].name;
        uint32_t same = od_schema_find(&reader->schema, name);
        if (same != column)
            return od_text_fail(reader, field.offset, "column name \"%s\" is also that of column %u", name,
                                same + 1);
        if (given != NULL && column < given->field_count && strcmp(name, given->fields[column].name) != 0)
            return od_text_fail(reader, field.offset, "column %u is \"%s\"; expected \"%s\"", column + 1,
                                name, given->fields[column].name);
    }
    if (given != NULL && given->field_count != reader->schema.field_count)
        return od_text_fail(reader, start, "a header of %u columns; expected %u", reader->schema.field_count,
                            given->field_count);
    return OD_OK;
}

static enum od_status read_records(struct od_text_reader *reader)
{
    uint32_t column_count = reader->schema.field_count;
    struct od_text_field field;
    while (reader->offset < reader->size) {
        bool ends_record = false;
        for (uint32_t i = 0; !ends_record; i++) {
            OD_TRY(next_field(reader, &field, &ends_record));
            if (i == column_count)
                return od_text_fail(reader, field.offset, "a record with more than %u fields", column_count);
            if (ends_record && i + 1 < column_count)
                return od_text_fail(reader, field.end, "a record with %u fields; expected %u", i + 1,
                                    column_count);
            OD_TRY(od_text_take_value(reader, i, &field, OD_TEXT_TYPES_ALL));
        }
        if (reader->table != NULL)
            od_batch_builder_end_row(&reader->table->rows);
    }
    return OD_OK;
}

enum od_status od_csv_read(struct od_memory *memory, const char *table_name, const char *source_name,
                           const char *bytes, size_t size, const struct od_schema *schema,
                           struct od_table **table_out, struct od_error *error)
{
    struct od_text_reader reader = {
        .source_name = source_name, .bytes = bytes, .size = size, .given = schema, .error = error};
    return od_text_read(&reader, memory, table_name, read_header, read_records, table_out);
}
