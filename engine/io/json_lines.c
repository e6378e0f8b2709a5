/* json_lines: the grammar of RFC 8259, an object a line, and back to it. See json_lines.h, and text_table.h for what becomes of the
 * values: each is handed on as the text that PostgreSQL would read. */
#include "engine/io/json_lines.h"

#include <string.h>

#include "engine/io/text_table.h"

struct json_reader {
    struct od_text_reader text; /* first: it is what steps get */
    uint64_t line;              /* from 1, and on through the second pass */
    uint64_t *last_lines;       /* in read_arena; the line in which a column was last given */
};

/* What each kind of value could be. */
#define BIT(type)    ((od_text_types)1 << OD_TYPE_##type)
#define NUMBER_TYPES (BIT(INT64) | BIT(FLOAT64) | BIT(TEXT))
#define STRING_TYPES (BIT(DATE) | BIT(TIMESTAMP) | BIT(TEXT))
#define TRUTH_TYPES  (BIT(BOOLEAN) | BIT(TEXT))

static enum od_status expected(struct od_text_reader *reader, const char *what)
{
    return od_text_fail(reader, reader->offset, "expected %s", what);
}

/* --- tokens ------------------------------------------------------------------------------------------------------ */

/* The next byte behind blanks; 0 at the end of the line. */
static char next_byte(struct od_text_reader *reader)
{
    while (reader->offset < reader->size && strchr(" \t\r", reader->bytes[reader->offset]) != NULL)
        reader->offset++;
    return reader->offset < reader->size && reader->bytes[reader->offset] != '\n'
               ? reader->bytes[reader->offset]
               : 0;
}

static bool take_byte(struct od_text_reader *reader, char byte)
{
    bool is_there = next_byte(reader) == byte;
    reader->offset += is_there;
    return is_there;
}

/* Four hexadecimal digits; above 0xffff when they are none. */
static uint32_t take_hex(struct od_text_reader *reader)
{
    uint32_t number = 0;
    for (int i = 0; i < 4; i++, reader->offset++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        char byte = reader->offset < reader->size ? reader->bytes[reader->offset] : 0;
        const char *digit = byte == 0 ? NULL : strchr(digits, byte);
        if (digit == NULL)
            return UINT32_MAX;
        number = number << 4 | (uint32_t)(digit - digits < 16 ? digit - digits : digit - digits - 6);
    }
    return number;
}

static void append_character(struct od_buffer *buffer, uint32_t code)
{
    if (code < 0x80) {
        od_buffer_append_u8(buffer, (uint8_t)code);
        return;
    }
    int tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3; /* bytes behind the first one */
    od_buffer_append_u8(buffer, (uint8_t)(0xf0 << (3 - tail) | code >> (6 * tail)));
    while (tail-- > 0)
        od_buffer_append_u8(buffer, (uint8_t)(0x80 | (code >> (6 * tail) & 0x3f)));
}

/* Behind a backslash. RFC 8259, section 7. */
static enum od_status take_escape(struct od_text_reader *reader)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    char byte = reader->offset < reader->size ? reader->bytes[reader->offset++] : 0;
    const char *letter = byte == 0 ? NULL : strchr(letters, byte);
    if (letter != NULL) {
        od_buffer_append_u8(&reader->unquoted, (uint8_t)meanings[letter - letters]);
        return OD_OK;
    }
    uint32_t code = byte == 'u' ? take_hex(reader) : UINT32_MAX;
    if (code >= 0xd800 && code < 0xdc00 && reader->offset + 1 < reader->size &&
        reader->bytes[reader->offset] == '\\' && reader->bytes[reader->offset + 1] == 'u') {
        reader->offset += 2;
        uint32_t low = take_hex(reader);
        bool is_pair = low >= 0xdc00 && low < 0xe000;
        code = is_pair ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : UINT32_MAX;
    }
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return expected(reader, "an escaped character before this place");
    append_character(&reader->unquoted, code);
    return OD_OK;
}

/* A string, from its opening quote on. What has no escapes stays where it is. */
static enum od_status take_string(struct od_text_reader *reader, struct od_text_field *field)
{
    size_t start = ++reader->offset;
    bool is_copied = false;
    field->is_quoted = true;
    od_buffer_reset(&reader->unquoted);
    for (; reader->offset < reader->size && reader->bytes[reader->offset] != '"';) {
        if ((unsigned char)reader->bytes[reader->offset] < 0x20)
            return expected(reader, "a string without control characters");
        if (reader->bytes[reader->offset++] != '\\')
            continue;
        is_copied = true;
        od_buffer_append(&reader->unquoted, reader->bytes + start, reader->offset - 1 - start);
        OD_TRY(take_escape(reader));
        start = reader->offset;
    }
    if (reader->offset == reader->size)
        return expected(reader, "a closing quote");
    size_t end = reader->offset++;
    return od_text_take_field(reader, start, end, is_copied, field);
}

/* ".5" is none. */
static bool is_json_number(const char *text, size_t size)
{
    size_t sign = size > 0 && text[0] == '-';
    return od_text_is_number(text, size) && text[sign] != '.';
}

/* A number, true, false or null. */
static enum od_status take_word(struct od_text_reader *reader, struct od_text_field *field,
                                od_text_types *types_out)
{
    size_t start = reader->offset;
    while (reader->offset < reader->size && strchr(",} \t\r\n", reader->bytes[reader->offset]) == NULL)
        reader->offset++;
    OD_TRY(od_text_take_field(reader, start, reader->offset, false, field));
    bool is_null = od_text_is_word(field, "null");
    bool is_truth = od_text_is_word(field, "true") || od_text_is_word(field, "false");
    *types_out = is_truth ? TRUTH_TYPES : NUMBER_TYPES;
    field->size = is_null ? 0 : field->size;
    if (is_null || is_truth || is_json_number(field->bytes, field->size))
        return OD_OK;
    reader->offset = start;
    return expected(reader, "a string, a number, true, false or null; nested values are not read");
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

/* The column of a key. Keys mostly come in the order of the columns, so the search begins at `guess`. */
static enum od_status find_column(struct json_reader *reader, const struct od_text_field *key, uint32_t guess,
                                  uint32_t *column_out)
{
    struct od_text_reader *text = &reader->text;
    uint32_t count = text->schema.field_count;
    uint32_t i = 0;
    while (i < count && !od_text_is_word(key, text->schema.fields[(guess + i) % count].name))
        i++;
    *column_out = i < count ? (guess + i) % count : count;
    if (i == count && text->given != NULL)
        return od_text_fail(text, key->offset, "key \"%.*s\"; expected none but the schema's",
                            od_text_shown_bytes(key), key->bytes);
    if (i == count) {
        OD_TRY(od_text_add_column(text, key));
        text->schema.fields[count].nullable = reader->line > 1;
    }
    if (reader->last_lines[*column_out] == reader->line)
        return od_text_fail(text, key->offset, "key \"%s\" twice in a line",
                            text->schema.fields[*column_out].name);
    reader->last_lines[*column_out] = reader->line;
    return OD_OK;
}

static enum od_status take_member(struct json_reader *reader, uint32_t guess)
{
    struct od_text_reader *text = &reader->text;
    struct od_text_field field = {.offset = text->offset};
    uint32_t column = 0;
    od_text_types types = STRING_TYPES;
    if (next_byte(text) != '"')
        return expected(text, "a key in quotes");
    OD_TRY(take_string(text, &field));
    OD_TRY(find_column(reader, &field, guess, &column));
    if (!take_byte(text, ':'))
        return expected(text, "':'");
    bool is_string = next_byte(text) == '"';
    field = (struct od_text_field){.offset = text->offset};
    OD_TRY(is_string ? take_string(text, &field) : take_word(text, &field, &types));
    return od_text_take_value(text, column, &field, types);
}

static enum od_status take_line(struct json_reader *reader)
{
    struct od_text_reader *text = &reader->text;
    if (!take_byte(text, '{'))
        return expected(text, "an object");
    reader->line++;
    bool is_empty = take_byte(text, '}');
    for (uint32_t guess = 0; !is_empty; guess++) {
        OD_TRY(take_member(reader, guess));
        if (take_byte(text, '}'))
            break;
        if (!take_byte(text, ','))
            return expected(text, "',' or '}'");
    }
    if (next_byte(text) != 0)
        return expected(text, "the end of the line");
    struct od_text_field missing = {.offset = text->offset};
    for (uint32_t i = 0; i < text->schema.field_count; i++) {
        if (reader->last_lines[i] != reader->line)
            OD_TRY(od_text_take_value(text, i, &missing, OD_TEXT_TYPES_ALL));
    }
    if (text->table != NULL)
        od_batch_builder_end_row(&text->table->rows);
    return OD_OK;
}

static enum od_status take_lines(struct od_text_reader *text)
{
    struct json_reader *reader = (struct json_reader *)text;
    for (; text->offset < text->size; text->offset += text->offset < text->size) {
        if (next_byte(text) != 0)
            OD_TRY(take_line(reader));
    }
    return OD_OK;
}

/* Columns come from the given schema, or with the lines. */
static enum od_status begin_columns(struct od_text_reader *text)
{
    struct json_reader *reader = (struct json_reader *)text;
    uint32_t column_count = text->given != NULL ? text->given->field_count : OD_TEXT_COLUMNS_MAX;
    OD_TAKE(reader->last_lines, &text->read_arena, column_count, text->error);
    return OD_OK;
}

enum od_status od_json_lines_read(struct od_memory *memory, const char *table_name, const char *source_name,
                                  const char *bytes, size_t size, const struct od_schema *schema,
                                  struct od_table **table_out, struct od_error *error)
{
    struct json_reader reader = {
        .text = {.source_name = source_name, .bytes = bytes, .size = size, .given = schema, .error = error}};
    return od_text_read(&reader.text, memory, table_name, begin_columns, take_lines, table_out);
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static void write_string(const char *bytes, size_t size, struct od_buffer *buffer)
{
    od_buffer_append_u8(buffer, '"');
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)bytes[i] < 0x20) {
            od_buffer_print(buffer, "\\u%04x", (unsigned char)bytes[i]);
            continue;
        }
        if (bytes[i] == '"' || bytes[i] == '\\')
            od_buffer_append_u8(buffer, '\\');
        od_buffer_append_u8(buffer, (uint8_t)bytes[i]);
    }
    od_buffer_append_u8(buffer, '"');
}

static void write_value(const struct od_value *value, struct od_buffer *buffer)
{
    size_t start = buffer->size;
    if (value->is_null) {
        od_buffer_append_text(buffer, "null");
    } else if (value->type == OD_TYPE_BOOLEAN) {
        od_buffer_append_text(buffer, value->boolean ? "true" : "false");
    } else if (value->type == OD_TYPE_TEXT) {
        write_string(value->text.bytes, value->text.size, buffer);
    } else if (od_value_print(value, buffer) &&
               !is_json_number((const char *)buffer->bytes + start, buffer->size - start) &&
               od_buffer_append_text(buffer, "\"\"")) { /* times, NaN: room for quotes, then around it */
        memmove(buffer->bytes + start + 1, buffer->bytes + start, buffer->size - start - 2);
        buffer->bytes[start] = '"';
    }
}

enum od_status od_json_lines_write(const struct od_batch *batch, struct od_buffer *buffer,
                                   struct od_error *error)
{
    for (uint32_t row = 0; row < batch->row_count && !buffer->failed; row++) {
        for (uint32_t i = 0; i < batch->schema->field_count; i++) {
            struct od_value value = od_column_value(&batch->columns[i], row);
            const char *name = batch->schema->fields[i].name;
            od_buffer_append_text(buffer, i == 0 ? "{" : ",");
            write_string(name, strlen(name), buffer);
            od_buffer_append_u8(buffer, ':');
            write_value(&value, buffer);
        }
        od_buffer_append_text(buffer, batch->schema->field_count == 0 ? "{}\n" : "}\n");
    }
    return buffer->failed ? od_fail(error, OD_NO_MEMORY, "writing JSON lines: rows=%u", batch->row_count)
                          : OD_OK;
}
