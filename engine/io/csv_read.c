/* csv_read: CSV text -> table, in two passes over the text.
 *
 *   header -> names            pass 1: every field narrows its column's set of types     (skipped when a schema is given)
 *                              pass 2: every field is parsed and appended
 *
 * Two passes keep the text where it is and need no memory that grows with it except the table. Both go
 * through the same each_field(), which also checks that records have the header's number of fields; a pass
 * only says what to do with one.
 *
 * Lifetimes: `read_arena` holds names, sets and the inferred schema until the end of the call; the table
 * copies its own. */
#include "engine/io/csv.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/io/csv_infer.h"
#include "engine/io/csv_scan.h"

#define COLUMN_COUNT_MAX 1600 /* PostgreSQL's limit of columns in a table */
#define SHOWN_BYTES      40   /* of a field, in an error text */

struct csv_reader {
    struct od_memory *memory; /* borrowed */
    struct od_csv_scan scan;
    struct od_arena read_arena;
    size_t rows_offset;      /* of the first record behind the header */
    struct od_schema schema; /* in read_arena */
    size_t *name_offsets;    /* in read_arena; where each name stands */
    od_csv_types *types;     /* in read_arena; one set for each column */
    bool *has_values;
    struct od_table *table; /* owned until handed out */
};

typedef enum od_status (*field_visitor)(struct csv_reader *reader, uint32_t column,
                                        const struct od_csv_field *field, struct od_error *error);

static enum od_status out_of_memory(const struct csv_reader *reader, struct od_error *error)
{
    return od_fail(error, OD_NO_MEMORY, "reading %s: bytes=%zu", reader->scan.source_name, reader->scan.size);
}

/* --- header --------------------------------------------------------------------------------------------- */

static enum od_status header_count(struct csv_reader *reader, uint32_t *count_out, struct od_error *error)
{
    struct od_csv_field field = {0};
    size_t start = reader->scan.offset;
    if (od_csv_scan_at_end(&reader->scan))
        return od_csv_scan_fail(&reader->scan, start, error,
                                "the file is empty; expected a record of column names");
    for (*count_out = 0; !field.ends_record; ++*count_out) {
        OD_TRY(od_csv_scan_next(&reader->scan, &field, error));
        if (*count_out == COLUMN_COUNT_MAX)
            return od_csv_scan_fail(&reader->scan, field.offset, error, "more than %d columns",
                                    COLUMN_COUNT_MAX);
    }
    reader->scan.offset = start;
    return OD_OK;
}

static enum od_status header_name(struct csv_reader *reader, const struct od_csv_field *field,
                                  struct od_error *error)
{
    if (field->size == 0)
        return od_csv_scan_fail(&reader->scan, field->offset, error, "column %u has no name; expected one",
                                reader->schema.field_count + 1);
    char *name = od_arena_copy_text(&reader->read_arena, field->bytes, field->size);
    if (name == NULL)
        return out_of_memory(reader, error);
    uint32_t same = od_schema_find(&reader->schema, name);
    if (same != OD_FIELD_NONE)
        return od_csv_scan_fail(&reader->scan, field->offset, error,
                                "column name \"%s\" is also that of column %u", name, same + 1);
    reader->name_offsets[reader->schema.field_count] = field->offset;
    reader->schema.fields[reader->schema.field_count++] =
        (struct od_field){.name = name, .type = OD_TYPE_TEXT};
    return OD_OK;
}

static enum od_status read_header(struct csv_reader *reader, struct od_error *error)
{
    uint32_t count = 0;
    enum od_status status = header_count(reader, &count, error);
    if (status != OD_OK)
        return status;
    reader->schema.fields = od_arena_take_array(&reader->read_arena, count, sizeof(struct od_field));
    reader->name_offsets = od_arena_take_array(&reader->read_arena, count, sizeof(*reader->name_offsets));
    reader->types = od_arena_take_array(&reader->read_arena, count, sizeof(*reader->types));
    reader->has_values = od_arena_take_array(&reader->read_arena, count, sizeof(*reader->has_values));
    if (reader->schema.fields == NULL || reader->name_offsets == NULL || reader->types == NULL ||
        reader->has_values == NULL)
        return out_of_memory(reader, error);
    struct od_csv_field field;
    for (uint32_t i = 0; i < count; i++) {
        reader->types[i] = OD_CSV_TYPES_ALL;
        status = od_csv_scan_next(&reader->scan, &field, error);
        if (status == OD_OK)
            status = header_name(reader, &field, error);
        if (status != OD_OK)
            return status;
    }
    reader->rows_offset = reader->scan.offset;
    return OD_OK;
}

/* --- records -------------------------------------------------------------------------------------------- */

static enum od_status each_field_of_record(struct csv_reader *reader, field_visitor visit,
                                           struct od_error *error)
{
    uint32_t column_count = reader->schema.field_count;
    struct od_csv_field field = {0};
    for (uint32_t i = 0; !field.ends_record; i++) {
        OD_TRY(od_csv_scan_next(&reader->scan, &field, error));
        if (i == column_count)
            return od_csv_scan_fail(&reader->scan, field.offset, error, "a record with more than %u fields",
                                    column_count);
        if (field.ends_record && i + 1 < column_count)
            return od_csv_scan_fail(&reader->scan, field.end, error, "a record with %u fields; expected %u",
                                    i + 1, column_count);
        OD_TRY(visit(reader, i, &field, error));
    }
    return OD_OK;
}

static enum od_status infer_field(struct csv_reader *reader, uint32_t column,
                                  const struct od_csv_field *field, struct od_error *error)
{
    (void)error;
    if (od_csv_field_is_null(field)) {
        reader->schema.fields[column].nullable = true;
        return OD_OK;
    }
    reader->has_values[column] = true;
    reader->types[column] &= od_csv_infer_field(field, reader->types[column]);
    return OD_OK;
}

/* How much of a field to show: whole characters. */
static int shown_bytes(const struct od_csv_field *field)
{
    if (field->size <= SHOWN_BYTES)
        return (int)field->size;
    int shown = SHOWN_BYTES;
    while (shown > 0 && ((unsigned char)field->bytes[shown] & 0xc0) == 0x80)
        shown--;
    return shown;
}

static enum od_status append_field(struct csv_reader *reader, uint32_t column,
                                   const struct od_csv_field *field, struct od_error *error)
{
    const struct od_field *expected = &reader->schema.fields[column];
    struct od_value value = {.type = expected->type, .is_null = od_csv_field_is_null(field)};
    if (value.is_null && !expected->nullable)
        return od_csv_scan_fail(&reader->scan, field->offset, error, "column \"%s\" is empty; expected a %s",
                                expected->name, od_type_text(expected->type));
    if (!value.is_null && !od_value_parse(expected->type, field->bytes, field->size, &value)) {
        return od_csv_scan_fail(&reader->scan, field->offset, error, "column \"%s\": \"%.*s\" is not a %s",
                                expected->name, shown_bytes(field), field->bytes,
                                od_type_text(expected->type));
    }
    return od_batch_builder_append(&reader->table->rows, column, &value, error);
}

static enum od_status infer_schema(struct csv_reader *reader, struct od_error *error)
{
    while (!od_csv_scan_at_end(&reader->scan)) {
        OD_TRY(each_field_of_record(reader, infer_field, error));
    }
    for (uint32_t i = 0; i < reader->schema.field_count; i++)
        reader->schema.fields[i].type = od_csv_infer_type(reader->types[i], reader->has_values[i]);
    return OD_OK;
}

/* The given schema replaces what the header says, after the names were compared. */
static enum od_status adopt_schema(struct csv_reader *reader, const struct od_schema *given,
                                   struct od_error *error)
{
    if (given->field_count != reader->schema.field_count)
        return od_csv_scan_fail(&reader->scan, reader->name_offsets[0], error,
                                "a header of %u columns; expected %u", reader->schema.field_count,
                                given->field_count);
    for (uint32_t i = 0; i < given->field_count; i++) {
        if (strcmp(given->fields[i].name, reader->schema.fields[i].name) != 0)
            return od_csv_scan_fail(&reader->scan, reader->name_offsets[i], error,
                                    "column %u is \"%s\"; expected \"%s\"", i + 1,
                                    reader->schema.fields[i].name, given->fields[i].name);
        reader->schema.fields[i] = given->fields[i];
    }
    return OD_OK;
}

static enum od_status append_rows(struct csv_reader *reader, struct od_error *error)
{
    reader->scan.offset = reader->rows_offset;
    while (!od_csv_scan_at_end(&reader->scan)) {
        OD_TRY(each_field_of_record(reader, append_field, error));
        od_batch_builder_end_row(&reader->table->rows);
    }
    od_table_finish(reader->table);
    return OD_OK;
}

/* --- the call ------------------------------------------------------------------------------------------- */

static enum od_status read_table(struct csv_reader *reader, const char *table_name,
                                 const struct od_schema *given, struct od_error *error)
{
    enum od_status status = read_header(reader, error);
    if (status == OD_OK)
        status = given != NULL ? adopt_schema(reader, given, error) : infer_schema(reader, error);
    if (status != OD_OK)
        return status;
    reader->table = od_table_new(reader->memory, table_name, &reader->schema, error);
    return reader->table == NULL ? OD_NO_MEMORY : append_rows(reader, error);
}

enum od_status od_csv_read(struct od_memory *memory, const char *table_name, const char *source_name,
                           const char *bytes, size_t size, const struct od_csv_options *options,
                           struct od_table **table_out, struct od_error *error)
{
    static const struct od_csv_options plain = {0};
    const struct od_csv_options *chosen = options == NULL ? &plain : options;
    char separator = chosen->separator == 0 ? ',' : chosen->separator;
    od_assert(separator != '"');
    od_assert(separator != '\n');
    od_assert(separator != '\r');

    struct csv_reader reader = {.memory = memory};
    od_arena_init(&reader.read_arena, memory, 0);
    *table_out = NULL;
    enum od_status status =
        od_csv_scan_init(&reader.scan, memory, source_name, size == 0 ? "" : bytes, size, separator, error);
    if (status == OD_OK)
        status = read_table(&reader, table_name, chosen->schema, error);
    if (status == OD_OK)
        *table_out = reader.table;
    else
        od_table_free(memory, reader.table);
    od_csv_scan_release(&reader.scan);
    od_arena_release(&reader.read_arena);
    return status;
}
