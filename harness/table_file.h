/* table_file: tables from files and to files, in the format that the name's ending says.
 *
 *   .csv             comma-separated values (engine/io/csv.h)
 *   .jsonl, .ndjson  an object a line (engine/io/json_lines.h)
 *   .parquet         by DuckDB's library, where it is there (harness/duckdb_library.h); "MISSING" says how to get it
 *
 * A name with another ending is read and written as CSV; "-" is standard input, as CSV. */
#ifndef OD_HARNESS_TABLE_FILE_H
#define OD_HARNESS_TABLE_FILE_H

#include "engine/data/batch.h"

/* Errors are those of reading a file and of its format, with the path in them. On failure *table_out is NULL; the caller frees it
 * with od_table_free. */
enum od_status od_table_file_read(struct od_memory *memory, const char *table_name, const char *path,
                                  struct od_table **table_out, struct od_error *error);
/* Writes the file anew. `memory` is for what the format needs on the way. */
enum od_status od_table_file_write(struct od_memory *memory, const struct od_batch *rows, const char *path,
                                   struct od_error *error);
/* "csv", "jsonl", "parquet": whether a file of that ending has a format of its own. */
bool od_table_file_has_format(const char *ending);

#endif
