/* csv: RFC 4180 text -> table. The schema is inferred over all rows and reported.
 *
 * Inference, narrowest first, over the non-empty fields of a column: boolean (true/false), bigint (no leading zeros, no
 * plus sign: 00501 stays text), double precision, date, timestamp, else text. An unquoted empty field is NULL, a quoted
 * empty one is the empty string (and makes the column text). The first record names the columns.
 * Errors are BAD_INPUT with line and column (both from 1): a record with too few or too many fields, an unterminated quote,
 * text after a closing quote, a NUL byte, invalid UTF-8, a missing or duplicate header name. */
#ifndef OD_IO_CSV_H
#define OD_IO_CSV_H

#include "engine/data/batch.h"

struct od_csv_options {
    char separator;                  /* 0 means ',' */
    const struct od_schema *schema;  /* NULL: infer; else names must match and a field that does not parse is an error */
};

/* `bytes` is borrowed during the call. On failure *table_out is NULL. `source_name` goes into error texts. */
enum od_status od_csv_read(struct od_memory *memory, const char *table_name, const char *source_name,
                           const char *bytes, size_t size, const struct od_csv_options *options,
                           struct od_table **table_out, struct od_error *error);
/* Appends header and rows, quoted where needed, so that reading gives equal values. */
enum od_status od_csv_write(const struct od_batch *batch, bool with_header, struct od_buffer *buffer,
                            struct od_error *error);

#endif
