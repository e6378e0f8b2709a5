/* row_order: the total order of rows: by sort keys, then by every column, so that no two different rows
 * tie. */
#ifndef OD_OP_ROW_ORDER_H
#define OD_OP_ROW_ORDER_H

#include "engine/data/batch.h"

struct od_row_order_key {
    uint32_t column;
    bool descending;
    bool nulls_first;
};

/* Of any batches of one schema. */
struct od_row_order {
    uint32_t key_count;
    struct od_row_order_key *keys; /* compared as SQL does: -0.0 = 0.0, NaN greatest and equal to NaN */
    uint32_t column_count;         /* the first ones: ascending, NULLs last (od_value_compare_total) */
};

/* Cells of two columns of one type, ascending, NULLs last and equal to each other: the order that a merge
 * join needs. */
int od_cell_compare(const struct od_column *left, uint32_t left_row, const struct od_column *right,
                    uint32_t right_row);
/* Of rows of two batches, or of one. Negative, 0 or positive. 0 only for rows that are equal in every column, -0.0 and 0.0 told
 * apart. */
int od_row_order_compare(const struct od_row_order *order, const struct od_column *left_columns, uint32_t left_row,
                         const struct od_column *right_columns, uint32_t right_row);
/* Sorts row numbers by merging runs of doubling length: n log n at worst, stable. `scratch` has room for
 * `count`. */
void od_row_order_sort(const struct od_row_order *order, const struct od_column *columns, uint32_t *rows,
                       uint32_t count, uint32_t *scratch);

/* The same in steps: begin -> step* until it is true. All but `order` are private; nothing is owned. */
struct od_row_sort {
    const struct od_row_order *order; /* borrowed, like the columns and both lists */
    const struct od_column *columns;
    uint32_t *rows;
    uint32_t count;
    uint32_t *source; /* of the pass: `rows` or the scratch */
    uint32_t *target;
    uint64_t width; /* of the runs that are merged */
    uint64_t first; /* of the two at hand */
    uint32_t left;  /* taken of the one, of the other */
    uint32_t right;
};
void od_row_sort_begin(struct od_row_sort *sort, const struct od_row_order *order,
                       const struct od_column *columns, uint32_t *rows, uint32_t count, uint32_t *scratch);
/* Moves about `*room` rows at most, and takes them off. True: they are sorted. Sorting n rows moves each of them about
 * log2(n) - 3 times. */
bool od_row_sort_step(struct od_row_sort *sort, uint32_t *room);

#endif
