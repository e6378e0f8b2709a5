/* table_file: one row a format. */
#include "harness/table_file.h"

#include <string.h>

#include "engine/io/csv.h"
#include "engine/io/json_lines.h"
#include "harness/file.h"
#include "harness/table_parquet.h"

typedef enum od_status (*read_table)(struct od_memory *memory, const char *table_name, const char *path,
                                     struct od_table **table_out, struct od_error *error);
typedef enum od_status (*write_table)(struct od_memory *memory, const struct od_batch *rows, const char *path,
                                      struct od_error *error);

static enum od_status read_csv(struct od_memory *memory, const char *table_name, const char *path,
                               struct od_table **table_out, struct od_error *error)
{
    struct od_buffer text;
    od_buffer_init(&text, memory);
    enum od_status status = od_file_read(path, &text, error);
    if (status == OD_OK)
        status = od_csv_read(memory, table_name, path, od_buffer_text(&text), text.size, NULL, table_out, error);
    od_buffer_release(&text);
    return status;
}

static enum od_status write_csv(struct od_memory *memory, const struct od_batch *rows, const char *path,
                                struct od_error *error)
{
    struct od_buffer text;
    od_buffer_init(&text, memory);
    enum od_status status = od_csv_write(rows, &text, error);
    if (status == OD_OK)
        status = od_file_write(path, text.bytes, text.size, error);
    od_buffer_release(&text);
    return status;
}

static enum od_status read_json_lines(struct od_memory *memory, const char *table_name, const char *path,
                                      struct od_table **table_out, struct od_error *error)
{
    struct od_buffer text;
    od_buffer_init(&text, memory);
    enum od_status status = od_file_read(path, &text, error);
    if (status == OD_OK)
        status =
            od_json_lines_read(memory, table_name, path, od_buffer_text(&text), text.size, NULL, table_out, error);
    od_buffer_release(&text);
    return status;
}

static enum od_status write_json_lines(struct od_memory *memory, const struct od_batch *rows, const char *path,
                                       struct od_error *error)
{
    struct od_buffer text;
    od_buffer_init(&text, memory);
    enum od_status status = od_json_lines_write(rows, &text, error);
    if (status == OD_OK)
        status = od_file_write(path, text.bytes, text.size, error);
    od_buffer_release(&text);
    return status;
}

/* The first is for every other ending. */
static const struct format {
    const char *ending;
    read_table read;
    write_table write;
} formats[] = {
    {"csv", read_csv, write_csv},
    {"jsonl", read_json_lines, write_json_lines},
    {"ndjson", read_json_lines, write_json_lines},
    {"parquet", od_parquet_read, od_parquet_write},
};

static const struct format *find_format(const char *ending)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(ending, formats[i].ending) == 0)
            return &formats[i];
    return NULL;
}

static const struct format *format_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');
    const struct format *format = dot == NULL ? NULL : find_format(dot + 1);
    return format != NULL ? format : &formats[0];
}

bool od_table_file_has_format(const char *ending)
{
    return find_format(ending) != NULL;
}

enum od_status od_table_file_read(struct od_memory *memory, const char *table_name, const char *path,
                                  struct od_table **table_out, struct od_error *error)
{
    *table_out = NULL;
    return format_of(path)->read(memory, table_name, path, table_out, error);
}

enum od_status od_table_file_write(struct od_memory *memory, const struct od_batch *rows, const char *path,
                                   struct od_error *error)
{
    return format_of(path)->write(memory, rows, path, error);
}
