/* answer_print: an answer for people and programs. */
#ifndef OD_HARNESS_ANSWER_PRINT_H
#define OD_HARNESS_ANSWER_PRINT_H

#include "engine/data/batch.h"

enum od_answer_format { OD_ANSWER_TABLE, OD_ANSWER_CSV, OD_ANSWER_JSON };

/* To standard output. JSON: an array of objects, one a row; NaN and infinities as text, as JSON has none. */
enum od_status od_answer_print(const struct od_table *answer, enum od_answer_format format, struct od_error *error);

/* Digest of an answer as a multiset of rows, and of its column types: 32 hex digits and a NUL. */
void od_answer_digest(const struct od_table *answer, char hex_out[33]);

#endif
