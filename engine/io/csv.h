/* csv: RFC 4180 text -> table. The schema is inferred over all rows and reported.
 *
 * Inference, narrowest first, over the non-empty fields of a column: boolean (true/false), bigint, double
 * precision, date, timestamp, else text. Nothing may be lost by it: 00501, +5, 5., a bigint out of range, one
 * beyond 2^53 among fractions, and anything with spaces around it make the column text. An unquoted empty
 * field is NULL, a quoted empty one is the empty string (and makes the column text). A column without any
 * value is text; integer and numeric columns come from a given schema only. The first record names the columns; a field is nullable when it holds a NULL.
 * Records end with LF or CRLF; a UTF-8 byte order mark is skipped.
 * Errors are BAD_INPUT with line and column (both from 1, the column in characters): an empty file, a record
 * with too few or too many fields, an unterminated quote, a quote inside an unquoted field, text after a
 * closing quote, a CR without LF outside quotes, a NUL byte, invalid UTF-8, a missing or duplicate header
 * name, more than 1600 columns. */
#ifndef OD_IO_CSV_H
#define OD_IO_CSV_H

#include "engine/data/batch.h"

/* `bytes` is borrowed during the call. With a `schema` (may be NULL) names must match and every field must parse. On failure
 * *table_out is NULL. `source_name` goes into error texts. Also fails with NO_MEMORY, and with UNSUPPORTED beyond 2^30 rows or
 * 2 GiB of text in a column. */
enum od_status od_csv_read(struct od_memory *memory, const char *table_name, const char *source_name,
                           const char *bytes, size_t size, const struct od_schema *schema,
                           struct od_table **table_out, struct od_error *error);
/* Appends header and rows, quoted where needed, so that reading with the batch's schema gives equal values.
 * Fails with NO_MEMORY, and with UNSUPPORTED for a batch without columns, which CSV cannot express. */
enum od_status od_csv_write(const struct od_batch *batch, struct od_buffer *buffer, struct od_error *error);

#endif
