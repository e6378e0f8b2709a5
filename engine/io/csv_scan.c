/* csv_scan: the grammar of RFC 4180, section 2.
 *
 *   record = field *(separator field) (LF / CRLF / end)
 *   field  = '"' *(any but '"' / '""') '"'  /  *(any but separator, '"', CR, LF)
 *
 * A scan only keeps a byte offset. Line and column are counted from the start of the text when an error needs
 * them, which is at most once. Fields point into the text; only a field with doubled quotes is copied, to
 * `unquoted`.
 *
 * UTF-8 and NUL are checked once, up front, so that nothing behind this file meets a bad byte. */
#include "engine/io/csv_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/utf8.h"

static const char byte_order_mark[3] = {'\xef', '\xbb', '\xbf'};

/* --- positions ------------------------------------------------------------------------------------------ */

static size_t text_start(const struct od_csv_scan *scan)
{
    bool has_mark = scan->size >= sizeof(byte_order_mark) &&
                    memcmp(scan->bytes, byte_order_mark, sizeof(byte_order_mark)) == 0;
    return has_mark ? sizeof(byte_order_mark) : 0;
}

/* Characters are bytes that do not continue one (10xxxxxx). */
static void position_of(const struct od_csv_scan *scan, size_t offset, uint32_t *line_out,
                        uint32_t *column_out)
{
    uint32_t line = 1;
    uint32_t column = 1;
    for (size_t i = text_start(scan); i < offset; i++) {
        unsigned char byte = (unsigned char)scan->bytes[i];
        if (byte == '\n') {
            line++;
            column = 1;
        } else if ((byte & 0xc0) != 0x80) {
            column++;
        }
    }
    *line_out = line;
    *column_out = column;
}

enum od_status od_csv_scan_fail(const struct od_csv_scan *scan, size_t offset, struct od_error *error,
                                const char *format, ...)
{
    uint32_t line;
    uint32_t column;
    position_of(scan, offset, &line, &column);
    char text[sizeof(error->text)];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return od_fail_at(error, OD_BAD_INPUT, line, column, "%s:%u:%u: %s", scan->source_name, line, column,
                      text);
}

/* --- UTF-8 ---------------------------------------------------------------------------------------------- */

static enum od_status check_bytes(const struct od_csv_scan *scan, struct od_error *error)
{
    const char *nul = scan->size == 0 ? NULL : memchr(scan->bytes, 0, scan->size);
    size_t end = nul == NULL ? scan->size : (size_t)(nul - scan->bytes);
    size_t offset = od_utf8_valid_bytes(scan->bytes, end);
    if (offset < end)
        return od_csv_scan_fail(scan, offset, error, "byte 0x%02x is not valid UTF-8",
                                (unsigned char)scan->bytes[offset]);
    if (nul != NULL)
        return od_csv_scan_fail(scan, offset, error, "a NUL byte; expected UTF-8 text");
    return OD_OK;
}

/* --- fields --------------------------------------------------------------------------------------------- */

enum od_status od_csv_scan_init(struct od_csv_scan *scan, struct od_memory *memory, const char *source_name,
                                const char *bytes, size_t size, char separator, struct od_error *error)
{
    *scan = (struct od_csv_scan){
        .source_name = source_name, .bytes = bytes, .size = size, .separator = separator};
    od_buffer_init(&scan->unquoted, memory);
    scan->offset = text_start(scan);
    return check_bytes(scan, error);
}

void od_csv_scan_release(struct od_csv_scan *scan)
{
    od_buffer_release(&scan->unquoted);
    *scan = (struct od_csv_scan){0};
}

/* Steps over what ends a field at scan->offset: a separator, a line end, or the end of the text. */
static enum od_status end_field(struct od_csv_scan *scan, struct od_csv_field *field, struct od_error *error)
{
    field->end = scan->offset;
    field->ends_record = true;
    if (scan->offset == scan->size)
        return OD_OK;
    char byte = scan->bytes[scan->offset];
    if (byte == scan->separator) {
        field->ends_record = false;
        scan->offset++;
        return OD_OK;
    }
    if (byte == '\n') {
        scan->offset++;
        return OD_OK;
    }
    if (byte == '\r' && scan->offset + 1 < scan->size && scan->bytes[scan->offset + 1] == '\n') {
        scan->offset += 2;
        return OD_OK;
    }
    if (byte == '\r')
        return od_csv_scan_fail(scan, scan->offset, error,
                                "a carriage return without a line feed; expected a quoted field");
    if (field->is_quoted)
        return od_csv_scan_fail(scan, scan->offset, error,
                                "text after a closing quote; expected '%c' or a line end", scan->separator);
    od_assert(byte == '"');
    return od_csv_scan_fail(scan, scan->offset, error,
                            "a quote inside an unquoted field; expected the field in quotes");
}

static enum od_status take_size(const struct od_csv_scan *scan, struct od_csv_field *field, size_t size,
                                struct od_error *error)
{
    if (size > INT32_MAX)
        return od_csv_scan_fail(scan, field->offset, error, "a field of more than 2 GiB");
    field->size = (uint32_t)size;
    return OD_OK;
}

static enum od_status next_unquoted(struct od_csv_scan *scan, struct od_csv_field *field,
                                    struct od_error *error)
{
    const char *at = scan->bytes + scan->offset;
    const char *end = scan->bytes + scan->size;
    while (at < end && *at != scan->separator && *at != '\n' && *at != '\r' && *at != '"')
        at++;
    field->bytes = scan->bytes + field->offset;
    scan->offset = (size_t)(at - scan->bytes);
    enum od_status status = take_size(scan, field, scan->offset - field->offset, error);
    return status == OD_OK ? end_field(scan, field, error) : status;
}

/* Offset of the next quote, or the end. */
static size_t find_quote(const struct od_csv_scan *scan, size_t offset)
{
    const char *quote = memchr(scan->bytes + offset, '"', scan->size - offset);
    return quote == NULL ? scan->size : (size_t)(quote - scan->bytes);
}

static enum od_status next_quoted(struct od_csv_scan *scan, struct od_csv_field *field,
                                  struct od_error *error)
{
    size_t start = scan->offset + 1;
    size_t quote = find_quote(scan, start);
    bool is_copied = false;
    field->is_quoted = true;
    od_buffer_reset(&scan->unquoted);
    while (quote + 1 < scan->size && scan->bytes[quote + 1] == '"') { /* doubled: one quote of the content */
        od_buffer_append(&scan->unquoted, scan->bytes + start, quote + 1 - start);
        is_copied = true;
        start = quote + 2;
        quote = find_quote(scan, start);
    }
    if (quote == scan->size)
        return od_csv_scan_fail(scan, field->offset, error,
                                "a quoted field that never ends; expected a closing quote");
    field->bytes = scan->bytes + start;
    size_t size = quote - start;
    if (is_copied) {
        if (!od_buffer_append(&scan->unquoted, scan->bytes + start, size))
            return od_fail(error, OD_NO_MEMORY, "reading a quoted field: bytes=%zu", quote - field->offset);
        field->bytes = (const char *)scan->unquoted.bytes;
        size = scan->unquoted.size;
    }
    scan->offset = quote + 1;
    enum od_status status = take_size(scan, field, size, error);
    return status == OD_OK ? end_field(scan, field, error) : status;
}

enum od_status od_csv_scan_next(struct od_csv_scan *scan, struct od_csv_field *field_out,
                                struct od_error *error)
{
    *field_out = (struct od_csv_field){.bytes = "", .offset = scan->offset, .end = scan->offset};
    if (scan->offset == scan->size) { /* behind a last separator */
        field_out->ends_record = true;
        return OD_OK;
    }
    if (scan->bytes[scan->offset] == '"')
        return next_quoted(scan, field_out, error);
    return next_unquoted(scan, field_out, error);
}
