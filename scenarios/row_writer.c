/* row_writer: see row_writer.h. */
#include "scenarios/row_writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"

void od_row_writer_begin(struct od_row_writer *writer, struct od_memory *memory, const char *table_name,
                         const struct od_field *fields, uint32_t field_count, uint64_t seed, const char *stream_name,
                         struct od_error *error)
{
    /* od_table_new copies the schema; it is not written to through this pointer */
    const struct od_schema schema = {field_count, (struct od_field *)(uintptr_t)fields};
    writer->memory = memory;
    writer->column = 0;
    writer->error = error;
    writer->table = od_table_new(memory, table_name, &schema, error);
    writer->status = writer->table == NULL ? OD_NO_MEMORY : OD_OK;
    od_stream_init(&writer->draws, seed, stream_name);
}

static void put(struct od_row_writer *writer, struct od_value value)
{
    if (writer->status != OD_OK)
        return;
    struct od_batch_builder *rows = &writer->table->rows;
    od_assert(writer->column < rows->schema->field_count);
    value.type = rows->schema->fields[writer->column].type;
    writer->status = od_batch_builder_append(rows, writer->column, &value, writer->error);
    if (++writer->column == rows->schema->field_count && writer->status == OD_OK) {
        od_batch_builder_end_row(rows);
        writer->column = 0;
    }
}

void od_put_null(struct od_row_writer *writer)
{
    put(writer, (struct od_value){.is_null = true});
}

void od_put_boolean(struct od_row_writer *writer, bool value)
{
    put(writer, (struct od_value){.boolean = value});
}

void od_put_int64(struct od_row_writer *writer, int64_t value)
{
    put(writer, (struct od_value){.int64 = value});
}

void od_put_decimal(struct od_row_writer *writer, int64_t coefficient, uint32_t scale)
{
    put(writer, (struct od_value){.decimal = od_decimal_make(coefficient, scale)});
}

void od_put_float64(struct od_row_writer *writer, double value)
{
    put(writer, (struct od_value){.float64 = value});
}

void od_put_text(struct od_row_writer *writer, const char *text)
{
    put(writer, (struct od_value){.text = {text, (uint32_t)strlen(text)}});
}

void od_put_print(struct od_row_writer *writer, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    od_put_text(writer, text);
}

enum od_status od_row_writer_end(struct od_row_writer *writer, struct od_table **table_out)
{
    *table_out = NULL;
    if (writer->status != OD_OK) {
        od_table_free(writer->memory, writer->table);
        return writer->status;
    }
    od_assert(writer->column == 0);
    od_table_finish(writer->table);
    *table_out = writer->table;
    return OD_OK;
}

uint64_t od_draw(struct od_row_writer *writer, uint64_t bound)
{
    return od_random_below(&writer->draws.random, bound);
}

bool od_draw_chance(struct od_row_writer *writer, uint32_t part, uint32_t whole)
{
    return od_random_chance(&writer->draws.random, part, whole);
}

uint64_t od_draw_skewed(struct od_row_writer *writer, uint64_t bound)
{
    uint64_t u = od_stream_next(&writer->draws) >> 32;
    uint64_t cube = (((u * u) >> 32) * u) >> 32;
    return (cube * bound) >> 32;
}
