/* table_show: see table_show.h. */
#include "harness/table_show.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/io/csv.h"
#include "engine/world/posix.h"
#include "reports/terminal.h"

static enum od_status print_csv(const struct od_batch *rows, struct od_error *error)
{
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    enum od_status status = od_csv_write(rows, &text, error);
    if (status == OD_OK)
        fwrite(text.bytes, 1, text.size, stdout);
    od_buffer_release(&text);
    return status;
}

static json_t *json_of(const struct od_value *value, struct od_buffer *scratch)
{
    if (value->is_null)
        return json_null();
    switch (value->type) {
    case OD_TYPE_BOOLEAN:
        return json_boolean(value->boolean);
    case OD_TYPE_INT64:
        return json_integer(value->int64);
    case OD_TYPE_FLOAT64:
        if (isfinite(value->float64))
            return json_real(value->float64);
        break;
    case OD_TYPE_TEXT:
        return json_stringn_nocheck(value->text.bytes, value->text.size);
    default:
        break;
    }
    od_buffer_reset(scratch);
    od_value_print(value, scratch);
    return json_string(od_buffer_text(scratch));
}

static enum od_status print_json(const struct od_batch *rows, struct od_error *error)
{
    struct od_buffer scratch;
    od_buffer_init(&scratch, od_posix_memory());
    enum od_status status = OD_OK;
    puts("[");
    for (uint32_t row = 0; row < rows->row_count && status == OD_OK; row++) {
        json_t *object = json_object();
        for (uint32_t i = 0; i < rows->schema->field_count; i++) {
            struct od_value value = od_column_value(&rows->columns[i], row);
            if (json_object_set_new(object, rows->schema->fields[i].name, json_of(&value, &scratch)) != 0)
                status = od_fail(error, OD_NO_MEMORY, "printing an answer: row=%u", row);
        }
        char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17));
        if (text != NULL)
            printf("%s%s\n", text, row + 1 < rows->row_count ? "," : "");
        free(text);
        json_decref(object);
    }
    puts("]");
    od_buffer_release(&scratch);
    return status;
}

static enum od_status print_table(const struct od_batch *rows, struct od_error *error)
{
    struct od_arena arena;
    struct od_buffer scratch;
    od_arena_init(&arena, od_posix_memory(), 0);
    od_buffer_init(&scratch, od_posix_memory());
    uint32_t column_count = rows->schema->field_count;
    const char **heads = od_arena_take_array(&arena, column_count, sizeof(*heads));
    const char **cells = od_arena_take_array(&arena, (size_t)rows->row_count * column_count, sizeof(*cells));
    bool *right = od_arena_take_array(&arena, column_count, sizeof(*right));
    enum od_status status = OD_OK;
    if (heads == NULL || cells == NULL || right == NULL)
        status = od_fail(error, OD_NO_MEMORY, "printing an answer: rows=%u", rows->row_count);
    for (uint32_t i = 0; i < column_count && status == OD_OK; i++) {
        enum od_type type = rows->schema->fields[i].type;
        heads[i] = rows->schema->fields[i].name;
        right[i] = type == OD_TYPE_INT64 || type == OD_TYPE_FLOAT64;
        for (uint32_t row = 0; row < rows->row_count; row++) {
            struct od_value value = od_column_value(&rows->columns[i], row);
            od_buffer_reset(&scratch);
            od_value_print(&value, &scratch);
            cells[(size_t)row * column_count + i] =
                value.is_null ? "" : od_arena_copy_text(&arena, (const char *)scratch.bytes, scratch.size);
        }
    }
    if (status == OD_OK) {
        struct od_terminal terminal;
        od_terminal_init(&terminal, stdout);
        const struct od_terminal_table table = {column_count, rows->row_count, heads, cells, right};
        status = od_terminal_table(&terminal, od_posix_memory(), &table, error);
        printf("(%u row%s)\n", rows->row_count, rows->row_count == 1 ? "" : "s");
    }
    od_buffer_release(&scratch);
    od_arena_release(&arena);
    return status;
}

enum od_status od_table_show(const struct od_table *answer, enum od_show_format format, struct od_error *error)
{
    struct od_batch rows = od_table_view(answer);
    switch (format) {
    case OD_SHOW_CSV:
        return print_csv(&rows, error);
    case OD_SHOW_JSON:
        return print_json(&rows, error);
    default:
        return print_table(&rows, error);
    }
}

void od_table_digest(const struct od_table *answer, char hex_out[33])
{
    struct od_batch rows = od_table_view(answer);
    struct od_hash128 checksum = od_batch_checksum(&rows);
    uint64_t types = od_schema_hash(&answer->schema);
    snprintf(hex_out, 33, "%016llx%016llx", (unsigned long long)(checksum.high ^ types),
             (unsigned long long)(checksum.low + rows.row_count));
}
