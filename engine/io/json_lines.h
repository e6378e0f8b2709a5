/* json_lines: an object a line (RFC 8259, UTF-8) -> table, and back.
 *
 * Columns are the keys in the order of their first appearance; a key that is missing in a line is NULL there. Types are
 * inferred over all lines, narrowest first, and nothing may be lost: true and false are boolean; numbers bigint, else double
 * precision where they fit as in CSV; strings date or timestamp when all are written as one (YYYY-MM-DD...), else text. What
 * mixes is text, numbers as they are written. With a given schema each value is read as PostgreSQL reads its text, so
 * numeric keeps its digits, and strings do for every type ("NaN").
 * Lines end with LF or CRLF; empty ones are skipped. Errors are BAD_INPUT with line and column: whatever is not one flat
 * object a line, nested values, a key twice, a key that the given schema lacks, \u0000, half a surrogate pair, invalid UTF-8,
 * more than 1600 columns. */
#ifndef OD_IO_JSON_LINES_H
#define OD_IO_JSON_LINES_H

#include "engine/data/batch.h"

/* `bytes` is borrowed during the call; `schema` may be NULL. On failure *table_out is NULL. Also fails with NO_MEMORY, and with
 * UNSUPPORTED beyond 2^30 rows or 2 GiB of text in a column. */
enum od_status od_json_lines_read(struct od_memory *memory, const char *table_name, const char *source_name,
                                  const char *bytes, size_t size, const struct od_schema *schema,
                                  struct od_table **table_out, struct od_error *error);
/* Appends the rows, so that reading with the batch's schema gives equal values. NaN and infinities are strings. NO_MEMORY. */
enum od_status od_json_lines_write(const struct od_batch *batch, struct od_buffer *buffer, struct od_error *error);

#endif
