/* csv_write: batch -> CSV text, RFC 4180 with LF.
 *
 * A field is quoted where it would otherwise be read differently: it holds a separator, a quote or a line
 * end, it is the empty string (unquoted that is NULL), or it would look like a byte order mark. Booleans are
 * spelled out, since the reader infers only true and false as booleans. */
#include "engine/io/csv.h"

#include <string.h>

#define SEPARATOR ','

static bool is_special(char c)
{
    return c == SEPARATOR || c == '"' || c == '\n' || c == '\r';
}

static bool needs_quotes(const char *bytes, uint32_t size)
{
    if (size == 0 || bytes[0] == '\xef')
        return true;
    for (uint32_t i = 0; i < size; i++) {
        if (is_special(bytes[i]))
            return true;
    }
    return false;
}

static void write_text(const char *bytes, uint32_t size, struct od_buffer *buffer)
{
    if (!needs_quotes(bytes, size)) {
        od_buffer_append(buffer, bytes, size);
        return;
    }
    od_buffer_append_u8(buffer, '"');
    for (uint32_t i = 0; i < size; i++) {
        if (bytes[i] == '"')
            od_buffer_append_u8(buffer, '"');
        od_buffer_append_u8(buffer, (uint8_t)bytes[i]);
    }
    od_buffer_append_u8(buffer, '"');
}

static void write_value(const struct od_value *value, struct od_buffer *buffer)
{
    if (value->is_null)
        return;
    if (value->type == OD_TYPE_TEXT)
        write_text(value->text.bytes, value->text.size, buffer);
    else if (value->type == OD_TYPE_BOOLEAN)
        od_buffer_append_text(buffer, value->boolean ? "true" : "false");
    else
        od_value_print(value, buffer);
}

static void write_end(uint32_t column, uint32_t column_count, struct od_buffer *buffer)
{
    od_buffer_append_u8(buffer, column + 1 < column_count ? SEPARATOR : '\n');
}

enum od_status od_csv_write(const struct od_batch *batch, struct od_buffer *buffer, struct od_error *error)
{
    uint32_t column_count = batch->schema->field_count;
    if (column_count == 0)
        return od_fail(error, OD_UNSUPPORTED, "writing CSV: a batch without columns");
    for (uint32_t i = 0; i < column_count; i++) {
        const char *name = batch->schema->fields[i].name;
        write_text(name, (uint32_t)strlen(name), buffer);
        write_end(i, column_count, buffer);
    }
    for (uint32_t row = 0; row < batch->row_count && !buffer->failed; row++) {
        for (uint32_t i = 0; i < column_count; i++) {
            struct od_value value = od_column_value(&batch->columns[i], row);
            write_value(&value, buffer);
            write_end(i, column_count, buffer);
        }
    }
    if (buffer->failed)
        return od_fail(error, OD_NO_MEMORY, "writing CSV: rows=%u", batch->row_count);
    return OD_OK;
}
