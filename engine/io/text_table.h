/* text_table: text -> table in two passes over it, whatever its grammar. What csv_read.c and json_lines.c share.
 *
 *   begin -> columns (a header's)     pass 1: each value narrows its column's set of types     (not when a schema is given)
 *                                     pass 2: each value is parsed and appended
 *
 * Two passes keep the text where it is and need no memory that grows with it except the table. A grammar is two functions: what
 * stands before the rows, and the rows; it cuts fields out and hands them to od_text_take_value, which knows the pass.
 * The reader of a grammar begins with a struct od_text_reader. All functions write their failures to its `error`. */
#ifndef OD_IO_TEXT_TABLE_H
#define OD_IO_TEXT_TABLE_H

#include <string.h>

#include "engine/data/batch.h"

#define OD_TEXT_COLUMNS_MAX 1600 /* PostgreSQL's limit of columns in a table */

/* A value as text; valid until the next one is cut out. */
struct od_text_field {
    const char *bytes;
    uint32_t size;
    bool is_quoted;
    size_t offset; /* where it begins, for od_text_fail */
    size_t end;    /* CSV: where it ends, its separator or line end */
};
/* As unquoted and empty: NULL. */
static inline bool od_text_is_null(const struct od_text_field *field)
{
    return field->size == 0 && !field->is_quoted;
}
static inline bool od_text_is_word(const struct od_text_field *field, const char *word)
{
    return field->size == strlen(word) && memcmp(field->bytes, word, field->size) == 0;
}
/* How much of it an error text shows: whole characters. */
int od_text_shown_bytes(const struct od_text_field *field);

typedef uint32_t od_text_types; /* bit t: could be enum od_type t */
#define OD_TEXT_TYPES_ALL (((od_text_types)1 << OD_TYPE_COUNT) - 1)

/* The types, among `candidates`, as which a field that is not NULL loses nothing. In text_infer.c, as the two below. */
od_text_types od_text_infer_field(const struct od_text_field *field, od_text_types candidates);
/* The narrowest; text where no value has narrowed the set. */
enum od_type od_text_infer_type(od_text_types types);
/* -? (0 | [1-9] digits)? (. digits)? ([eE] [+-]? digits)? */
bool od_text_is_number(const char *text, size_t size);

struct od_text_reader {
    const char *source_name; /* borrowed, as the next four: set by the caller of od_text_read */
    const char *bytes;
    size_t size;
    const struct od_schema *given; /* NULL: infer */
    struct od_error *error;        /* may be NULL */
    size_t offset;                 /* of what comes next */
    struct od_buffer unquoted;     /* owned; a field that does not stand in the text as it is */
    struct od_arena read_arena;    /* names, sets, the inferred schema: until the end of the call */
    struct od_schema schema;
    od_text_types *types;   /* one set for each column */
    struct od_table *table; /* owned until handed out; NULL in the first pass */
};

typedef enum od_status (*od_text_step)(struct od_text_reader *reader);
/* Skips a byte order mark, refuses NUL bytes and invalid UTF-8, and runs both passes: `columns` once, `rows` from where that
 * ended. BAD_INPUT with a place, NO_MEMORY, UNSUPPORTED of the table; *table_out is then NULL. */
enum od_status od_text_read(struct od_text_reader *reader, struct od_memory *memory, const char *table_name,
                            od_text_step columns, od_text_step rows, struct od_table **table_out);

/* One more column; at most OD_TEXT_COLUMNS_MAX. */
enum od_status od_text_add_column(struct od_text_reader *reader, const struct od_text_field *name);
/* The value of a column in the row at hand; `types`: as what its grammar lets it be read. The grammar ends rows itself. */
enum od_status od_text_take_value(struct od_text_reader *reader, uint32_t column,
                                  const struct od_text_field *field, od_text_types types);
/* Makes `field` the text from `start` to `end`, behind what is in reader->unquoted when `is_copied`. */
enum od_status od_text_take_field(struct od_text_reader *reader, size_t start, size_t end, bool is_copied,
                                  struct od_text_field *field);
/* BAD_INPUT at a byte offset, as line and column. */
enum od_status od_text_fail(const struct od_text_reader *reader, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
enum od_status od_text_no_memory(const struct od_text_reader *reader);

#endif
