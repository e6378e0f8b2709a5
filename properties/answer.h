/* answer: rows as plain cells, what the model, SQLite and the engine are compared as.
 *
 *   cells[row * column_count + column]
 *
 * An answer borrows text from where its rows came from (a table, an arena) and lives in the arena it was made
 * in. Values are compared to the bit: -0.0 differs from 0.0 and 1.5 from 1.50; every NaN is the same NaN; NULL equals NULL. */
#ifndef OD_PROPERTIES_ANSWER_H
#define OD_PROPERTIES_ANSWER_H

#include "engine/data/batch.h"

struct od_answer {
    uint32_t column_count;
    uint32_t row_count;
    struct od_value *cells;
};

enum od_compare {
    OD_COMPARE_MULTISET, /* exact, any order */
    OD_COMPARE_ORDERED,  /* exact, in this order */
    /* multiset; doubles within a relative 1e-9, -0.0 as 0.0, an integer double as that integer */
    OD_COMPARE_CLOSE
};

static inline const struct od_value *od_answer_row(const struct od_answer *answer, uint32_t row)
{
    return answer->cells + (size_t)row * answer->column_count;
}
enum od_status od_answer_from_table(struct od_arena *arena, const struct od_table *table,
                                    struct od_answer *answer_out, struct od_error *error);
/* The other way: a table of `schema` that owns copies. NULL and error on refusal. */
struct od_table *od_answer_to_table(struct od_memory *memory, const struct od_answer *answer,
                                    const struct od_schema *schema, struct od_error *error);
/* A negative, 0 or positive: the canonical order of values, NULL last. 0 exactly when the bits are equal (any
 * NaN). */
int od_answer_compare_values(const struct od_value *left, const struct od_value *right);
int od_answer_compare_rows(const struct od_value *left, const struct od_value *right, uint32_t column_count);
/* Sorts rows canonically, in place. `scratch` for a merge sort. */
enum od_status od_answer_sort(struct od_arena *scratch, struct od_answer *answer, struct od_error *error);

/* *equal_out; on a difference `text` (size bytes, cut) names the first row that only one side has, of each
 * side. `expected` and `actual` are left as they are. NO_MEMORY. */
enum od_status od_answer_compare(struct od_arena *scratch, const struct od_answer *expected,
                                 const struct od_answer *actual, enum od_compare how, bool *equal_out,
                                 char *text, size_t text_size, struct od_error *error);
/* "(1, 'a', NULL)" appended to the buffer; doubles with 17 digits. For people. */
void od_answer_print_row(struct od_buffer *buffer, const struct od_value *row, uint32_t column_count);
/* A small text table with at most rows_max rows. */
void od_answer_print(struct od_buffer *buffer, const struct od_answer *answer, const struct od_schema *schema,
                     uint32_t rows_max);

#endif
