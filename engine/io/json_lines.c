/* json_lines: see json_lines.h. Two passes over the text, as csv_read.c: the first finds keys and narrows types, the second
 * appends; with a given schema only the second. Both walk the same grammar and hand each value, as the text that PostgreSQL
 * would read, to take_value().
 *
 * Text and places in it are a csv_scan's, and so is inference: a value is a field there. */
#include "engine/io/json_lines.h"

#include <string.h>

#include "engine/io/csv_infer.h"
#include "engine/io/csv_scan.h"

#define COLUMN_COUNT_MAX 1600

struct json_reader {
    struct od_csv_scan scan;
    struct od_arena read_arena; /* names and the lists below, until the end of the call */
    struct od_schema schema;
    od_csv_types *types;
    bool *has_values;
    uint64_t *last_lines; /* the line in which a column was last given, from 1 */
    uint64_t line;
    bool has_schema;
    struct od_table *table; /* owned until handed out; NULL in the first pass */
};

/* What each kind of value could be. */
#define BIT(type)    ((od_csv_types)1 << OD_TYPE_##type)
#define NUMBER_TYPES (BIT(INT64) | BIT(FLOAT64) | BIT(TEXT))
#define STRING_TYPES (BIT(DATE) | BIT(TIMESTAMP) | BIT(TEXT))
#define TRUTH_TYPES  (BIT(BOOLEAN) | BIT(TEXT))

static enum od_status out_of_memory(const struct json_reader *reader, struct od_error *error)
{
    return od_fail(error, OD_NO_MEMORY, "reading %s: bytes=%zu", reader->scan.source_name, reader->scan.size);
}

static enum od_status expected(struct json_reader *reader, const char *what, struct od_error *error)
{
    return od_csv_scan_fail(&reader->scan, reader->scan.offset, error, "expected %s", what);
}

/* --- tokens ------------------------------------------------------------------------------------------------------ */

/* The next byte behind blanks; 0 at the end of the line. */
static char next_byte(struct json_reader *reader)
{
    struct od_csv_scan *scan = &reader->scan;
    while (scan->offset < scan->size && strchr(" \t\r", scan->bytes[scan->offset]) != NULL)
        scan->offset++;
    return scan->offset < scan->size && scan->bytes[scan->offset] != '\n' ? scan->bytes[scan->offset] : 0;
}

static bool take_byte(struct json_reader *reader, char byte)
{
    bool is_there = next_byte(reader) == byte;
    reader->scan.offset += is_there;
    return is_there;
}

/* Four hexadecimal digits; above 0xffff when they are none. */
static uint32_t take_hex(struct od_csv_scan *scan)
{
    uint32_t number = 0;
    for (int i = 0; i < 4; i++, scan->offset++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        char byte = scan->offset < scan->size ? scan->bytes[scan->offset] : 0;
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
static enum od_status take_escape(struct json_reader *reader, struct od_error *error)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    struct od_csv_scan *scan = &reader->scan;
    char byte = scan->offset < scan->size ? scan->bytes[scan->offset++] : 0;
    const char *letter = byte == 0 ? NULL : strchr(letters, byte);
    if (letter != NULL) {
        od_buffer_append_u8(&scan->unquoted, (uint8_t)meanings[letter - letters]);
        return OD_OK;
    }
    uint32_t code = byte == 'u' ? take_hex(scan) : UINT32_MAX;
    if (code >= 0xd800 && code < 0xdc00 && scan->offset + 1 < scan->size &&
        scan->bytes[scan->offset] == '\\' && scan->bytes[scan->offset + 1] == 'u') {
        scan->offset += 2;
        uint32_t low = take_hex(scan);
        bool is_pair = low >= 0xdc00 && low < 0xe000;
        code = is_pair ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : UINT32_MAX;
    }
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return expected(reader, "an escaped character before this place", error);
    append_character(&scan->unquoted, code);
    return OD_OK;
}

/* A string, from its opening quote on. What has no escapes stays where it is. */
static enum od_status take_string(struct json_reader *reader, struct od_csv_field *field,
                                  struct od_error *error)
{
    struct od_csv_scan *scan = &reader->scan;
    size_t start = ++scan->offset;
    bool is_copied = false;
    field->is_quoted = true;
    od_buffer_reset(&scan->unquoted);
    for (; scan->offset < scan->size && scan->bytes[scan->offset] != '"';) {
        if ((unsigned char)scan->bytes[scan->offset] < 0x20)
            return expected(reader, "a string without control characters", error);
        if (scan->bytes[scan->offset++] != '\\')
            continue;
        is_copied = true;
        od_buffer_append(&scan->unquoted, scan->bytes + start, scan->offset - 1 - start);
        OD_TRY(take_escape(reader, error));
        start = scan->offset;
    }
    if (scan->offset == scan->size)
        return expected(reader, "a closing quote", error);
    size_t size = scan->offset++ - start;
    field->bytes = scan->bytes + start;
    if (is_copied) {
        if (!od_buffer_append(&scan->unquoted, field->bytes, size) || scan->unquoted.failed)
            return out_of_memory(reader, error);
        field->bytes = (const char *)scan->unquoted.bytes;
        size = scan->unquoted.size;
    }
    if (size > INT32_MAX)
        return od_csv_scan_fail(scan, start, error, "a string of more than 2 GiB");
    field->size = (uint32_t)size;
    return OD_OK;
}

static bool is_json_number(const char *text, size_t size)
{
    size_t at = size > 0 && text[0] == '-';
    size_t whole = at;
    bool has_fraction = true;
    bool has_exponent = true;
    while (at < size && text[at] >= '0' && text[at] <= '9')
        at++;
    if (at == whole || (at > whole + 1 && text[whole] == '0'))
        return false;
    if (at < size && text[at] == '.')
        for (at++, has_fraction = false; at < size && text[at] >= '0' && text[at] <= '9'; at++)
            has_fraction = true;
    if (at < size && (text[at] | 0x20) == 'e') {
        at++;
        at += at < size && (text[at] == '-' || text[at] == '+');
        for (has_exponent = false; at < size && text[at] >= '0' && text[at] <= '9'; at++)
            has_exponent = true;
    }
    return at == size && has_fraction && has_exponent;
}

/* A number, true, false or null. */
static enum od_status take_word(struct json_reader *reader, struct od_csv_field *field,
                                od_csv_types *types_out, struct od_error *error)
{
    struct od_csv_scan *scan = &reader->scan;
    size_t start = scan->offset;
    while (scan->offset < scan->size && strchr(",} \t\r\n", scan->bytes[scan->offset]) == NULL)
        scan->offset++;
    field->bytes = scan->bytes + start;
    field->size = scan->offset - start < INT32_MAX ? (uint32_t)(scan->offset - start) : 0;
    *types_out = OD_CSV_TYPES_ALL;
    if (field->size == 4 && memcmp(field->bytes, "null", 4) == 0) {
        field->size = 0;
        return OD_OK;
    }
    *types_out = TRUTH_TYPES;
    if ((field->size == 4 && memcmp(field->bytes, "true", 4) == 0) ||
        (field->size == 5 && memcmp(field->bytes, "false", 5) == 0))
        return OD_OK;
    *types_out = NUMBER_TYPES;
    if (is_json_number(field->bytes, field->size))
        return OD_OK;
    scan->offset = start;
    return expected(reader, "a string, a number, true, false or null; nested values are not read", error);
}

/* --- columns ----------------------------------------------------------------------------------------------------- */

static enum od_status add_column(struct json_reader *reader, const struct od_csv_field *key,
                                 uint32_t *column_out, struct od_error *error)
{
    uint32_t column = reader->schema.field_count;
    if (reader->has_schema)
        return od_csv_scan_fail(&reader->scan, key->offset, error,
                                "key \"%.*s\"; expected none but the schema's",
                                key->size < 40 ? (int)key->size : 40, key->bytes);
    if (column == COLUMN_COUNT_MAX)
        return od_csv_scan_fail(&reader->scan, key->offset, error, "more than %d columns", COLUMN_COUNT_MAX);
    char *name = od_arena_copy_text(&reader->read_arena, key->bytes, key->size);
    if (name == NULL)
        return out_of_memory(reader, error);
    reader->schema.fields[column] =
        (struct od_field){.name = name, .type = OD_TYPE_TEXT, .nullable = reader->line > 1};
    reader->types[column] = OD_CSV_TYPES_ALL;
    reader->schema.field_count++;
    *column_out = column;
    return OD_OK;
}

/* Keys mostly come in the order of the columns, so the search begins at `guess`. */
static enum od_status find_column(struct json_reader *reader, const struct od_csv_field *key, uint32_t guess,
                                  uint32_t *column_out, struct od_error *error)
{
    uint32_t count = reader->schema.field_count;
    uint32_t i = 0;
    for (; i < count; i++) {
        *column_out = (guess + i) % count;
        const char *name = reader->schema.fields[*column_out].name;
        if (strlen(name) == key->size && memcmp(name, key->bytes, key->size) == 0)
            break;
    }
    if (i == count)
        OD_TRY(add_column(reader, key, column_out, error));
    if (reader->last_lines[*column_out] == reader->line)
        return od_csv_scan_fail(&reader->scan, key->offset, error, "key \"%s\" twice in a line",
                                reader->schema.fields[*column_out].name);
    reader->last_lines[*column_out] = reader->line;
    return OD_OK;
}

static enum od_status take_value(struct json_reader *reader, uint32_t column,
                                 const struct od_csv_field *field, od_csv_types types, struct od_error *error)
{
    struct od_field *target = &reader->schema.fields[column];
    struct od_value value = {.type = target->type, .is_null = od_csv_field_is_null(field)};
    if (reader->table == NULL) {
        target->nullable = target->nullable || value.is_null;
        reader->has_values[column] = reader->has_values[column] || !value.is_null;
        if (!value.is_null)
            reader->types[column] &= od_csv_infer_field(field, reader->types[column] & types);
        return OD_OK;
    }
    if (value.is_null && !target->nullable)
        return od_csv_scan_fail(&reader->scan, field->offset, error,
                                "column \"%s\" is null or missing; expected a %s", target->name,
                                od_type_text(target->type));
    if (!value.is_null && !od_value_parse(target->type, field->bytes, field->size, &value))
        return od_csv_scan_fail(&reader->scan, field->offset, error, "column \"%s\" is not a %s",
                                target->name, od_type_text(target->type));
    return od_batch_builder_append(&reader->table->rows, column, &value, error);
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

static enum od_status take_member(struct json_reader *reader, uint32_t guess, struct od_error *error)
{
    struct od_csv_field field = {.offset = reader->scan.offset};
    uint32_t column = 0;
    od_csv_types types = STRING_TYPES;
    if (next_byte(reader) != '"')
        return expected(reader, "a key in quotes", error);
    OD_TRY(take_string(reader, &field, error));
    OD_TRY(find_column(reader, &field, guess, &column, error));
    if (!take_byte(reader, ':'))
        return expected(reader, "':'", error);
    bool is_string = next_byte(reader) == '"';
    field = (struct od_csv_field){.offset = reader->scan.offset};
    if (is_string)
        OD_TRY(take_string(reader, &field, error));
    else
        OD_TRY(take_word(reader, &field, &types, error));
    return take_value(reader, column, &field, types, error);
}

static enum od_status take_line(struct json_reader *reader, struct od_error *error)
{
    if (!take_byte(reader, '{'))
        return expected(reader, "an object", error);
    reader->line++;
    bool is_empty = take_byte(reader, '}');
    for (uint32_t guess = 0; !is_empty; guess++) {
        OD_TRY(take_member(reader, guess, error));
        if (take_byte(reader, '}'))
            break;
        if (!take_byte(reader, ','))
            return expected(reader, "',' or '}'", error);
    }
    if (next_byte(reader) != 0)
        return expected(reader, "the end of the line", error);
    struct od_csv_field missing = {.offset = reader->scan.offset};
    for (uint32_t i = 0; i < reader->schema.field_count; i++) {
        if (reader->last_lines[i] != reader->line)
            OD_TRY(take_value(reader, i, &missing, OD_CSV_TYPES_ALL, error));
    }
    if (reader->table != NULL)
        od_batch_builder_end_row(&reader->table->rows);
    return OD_OK;
}

static enum od_status take_lines(struct json_reader *reader, struct od_error *error)
{
    reader->line = 0;
    for (; reader->scan.offset < reader->scan.size;
         reader->scan.offset += reader->scan.offset < reader->scan.size) {
        if (next_byte(reader) != 0)
            OD_TRY(take_line(reader, error));
    }
    return OD_OK;
}

static enum od_status read_table(struct json_reader *reader, const char *table_name,
                                 const struct od_schema *given, struct od_error *error)
{
    size_t start = reader->scan.offset;
    uint32_t column_max = given != NULL ? given->field_count : COLUMN_COUNT_MAX;
    struct od_arena *arena = &reader->read_arena;
    reader->has_schema = given != NULL;
    reader->schema.fields = od_arena_take_array(arena, column_max, sizeof(struct od_field));
    reader->types = od_arena_take_array(arena, column_max, sizeof(*reader->types));
    reader->has_values = od_arena_take_array(arena, column_max, sizeof(*reader->has_values));
    reader->last_lines = od_arena_take_array(arena, column_max, sizeof(*reader->last_lines));
    if (reader->schema.fields == NULL || reader->types == NULL || reader->has_values == NULL ||
        reader->last_lines == NULL)
        return out_of_memory(reader, error);
    if (given != NULL) {
        reader->schema = *given;
    } else {
        OD_TRY(take_lines(reader, error));
        for (uint32_t i = 0; i < reader->schema.field_count; i++)
            reader->schema.fields[i].type = od_csv_infer_type(reader->types[i], reader->has_values[i]);
        memset(reader->last_lines, 0, column_max * sizeof(*reader->last_lines));
        reader->has_schema = true;
    }
    reader->table = od_table_new(arena->memory, table_name, &reader->schema, error);
    if (reader->table == NULL)
        return OD_NO_MEMORY;
    reader->scan.offset = start;
    OD_TRY(take_lines(reader, error));
    od_table_finish(reader->table);
    return OD_OK;
}

enum od_status od_json_lines_read(struct od_memory *memory, const char *table_name, const char *source_name,
                                  const char *bytes, size_t size, const struct od_schema *schema,
                                  struct od_table **table_out, struct od_error *error)
{
    struct json_reader reader = {.line = 0};
    od_arena_init(&reader.read_arena, memory, 0);
    enum od_status status =
        od_csv_scan_init(&reader.scan, memory, source_name, size == 0 ? "" : bytes, size, ',', error);
    if (status == OD_OK)
        status = read_table(&reader, table_name, schema, error);
    if (status != OD_OK) {
        od_table_free(memory, reader.table);
        reader.table = NULL;
    }
    *table_out = reader.table;
    od_csv_scan_release(&reader.scan);
    od_arena_release(&reader.read_arena);
    return status;
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
               !is_json_number((const char *)buffer->bytes + start, buffer->size - start)) {
        od_buffer_append_text(buffer, "\"\""); /* times, NaN: room for quotes, then around it */
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
