/* table_show: an answer for people and programs. */
#ifndef OD_HARNESS_TABLE_SHOW_H
#define OD_HARNESS_TABLE_SHOW_H

#include "engine/data/batch.h"

enum od_show_format { OD_SHOW_TABLE, OD_SHOW_CSV, OD_SHOW_JSON };

/* To standard output. JSON: an array of objects, one a row; NaN and infinities as text, as JSON has none. */
enum od_status od_table_show(const struct od_table *answer, enum od_show_format format, struct od_error *error);

/* Digest of an answer as a multiset of rows, and of its column types: 32 hex digits and a NUL. */
void od_table_digest(const struct od_table *answer, char hex_out[33]);

#endif
