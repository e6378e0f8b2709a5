/* slt_complete: writes a file anew with an engine's answers in it. Lines that are no record's stay as they
 * are.
 *
 * A query's letters (I, R, T) stay where they fit the answer; what failed becomes "statement error". Sorted
 * answers are written as they came: the runner sorts both sides. */
#include <string.h>

#include "harness/slt.h"

static void put_types(struct od_buffer *text, const struct od_slt_record *record,
                      const struct od_slt_answer *answer)
{
    if (record->types != NULL && strlen(record->types) == answer->column_count) {
        od_buffer_append_text(text, record->types);
        return;
    }
    for (uint32_t i = 0; i < answer->column_count; i++) {
        enum od_type type = answer->types[i];
        bool is_integer = type == OD_TYPE_INT32 || type == OD_TYPE_INT64;
        bool is_real = type == OD_TYPE_FLOAT64 || type == OD_TYPE_DECIMAL;
        od_buffer_append_u8(text, is_integer ? 'I' : is_real ? 'R' : 'T');
    }
}

static void put_rows(struct od_buffer *text, const struct od_slt_answer *answer)
{
    od_buffer_append_text(text, "----\n");
    for (uint32_t row = 0; row < answer->row_count; row++) {
        for (uint32_t i = 0; i < answer->column_count; i++) {
            const char *cell = answer->cells[(size_t)row * answer->column_count + i];
            od_buffer_print(text, "%s%s", i == 0 ? "" : "\t",
                            cell == NULL    ? "NULL"
                            : *cell == '\0' ? "(empty)"
                                            : cell);
        }
        od_buffer_append_u8(text, '\n');
    }
}

/* The first line of the record. */
static void put_head(struct od_buffer *text, const struct od_slt_record *record,
                     const struct od_slt_answer *answer)
{
    static const char *const sorts[] = {"", " nosort", " rowsort", " valuesort"};
    const char *last = record->label != NULL ? record->label : record->connection;
    if (answer->status != OD_OK) {
        od_buffer_append_text(text, "statement error\n");
    } else if (record->kind == OD_SLT_STATEMENT) {
        if (record->expect == OD_SLT_COUNT)
            od_buffer_print(text, "statement count %llu\n", (unsigned long long)answer->changed_count);
        else
            od_buffer_print(text, "statement ok%s%s\n", last == NULL ? "" : " ", last == NULL ? "" : last);
    } else {
        od_buffer_append_text(text, "query ");
        put_types(text, record, answer);
        od_buffer_print(text, "%s%s%s\n", sorts[record->sort], last == NULL ? "" : " ", last == NULL ? "" : last);
    }
}

enum od_status od_slt_complete(const struct od_slt_file *file, const char *bytes, size_t size,
                               const struct od_slt_answer *const *answers, struct od_buffer *text_out,
                               struct od_error *error)
{
    const struct od_slt_record *record = NULL; /* that the line belongs to */
    const struct od_slt_answer *answer = NULL;
    uint32_t next = 0;
    uint32_t line = 0;
    for (size_t offset = 0; offset < size;) {
        const char *newline = memchr(bytes + offset, '\n', size - offset);
        size_t line_size = newline == NULL ? size - offset : (size_t)(newline - bytes) - offset + 1;
        line++;
        while (next < file->record_count && file->records[next].line <= line) {
            record = &file->records[next];
            answer = answers[next++];
        }
        bool inside = answer != NULL && line <= record->end_line && !record->is_bare;
        if (inside && line == record->line)
            put_head(text_out, record, answer);
        else if (!inside || line <= record->sql_end_line)
            od_buffer_append(text_out, bytes + offset, line_size);
        if (inside && line == record->sql_end_line && newline == NULL)
            od_buffer_append_u8(text_out, '\n');
        if (inside && line == record->sql_end_line && record->kind == OD_SLT_QUERY && answer->status == OD_OK)
            put_rows(text_out, answer);
        offset += line_size;
    }
    return text_out->failed ? od_fail(error, OD_NO_MEMORY, "completing %s", file->name) : OD_OK;
}
