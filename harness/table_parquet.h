/* table_parquet: Parquet files by DuckDB's library; rows cross as Arrow streams. MISSING where the library is not installed. */
#ifndef OD_HARNESS_TABLE_PARQUET_H
#define OD_HARNESS_TABLE_PARQUET_H

#include "engine/data/batch.h"

/* Types without an equal here (nested ones, time zones, ...) are UNSUPPORTED. A file that is not there is MISSING, one that is not
 * Parquet BAD_INPUT, each with DuckDB's own words. On failure *table_out is NULL. */
enum od_status od_parquet_read(struct od_memory *memory, const char *table_name, const char *path,
                               struct od_table **table_out, struct od_error *error);
/* Numerics get their column's largest scale: a Parquet column has one. */
enum od_status od_parquet_write(struct od_memory *memory, const struct od_batch *rows, const char *path,
                                struct od_error *error);

#endif
