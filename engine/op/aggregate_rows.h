/* aggregate_rows: the rows of an aggregate that needs them all: DISTINCT, ORDER BY, string_agg, percentiles, mode.
 *
 *   init -> add* -> end_of_rows -> (sort(group)* until it is true)*        reset: back to no rows
 *
 *   rows    [ argument | second | order keys that are neither ]     as they came, of all groups
 *   groups  [ group of each ]
 *   order   [ rows of group 0 | rows of group 1 | ... ]              from end_of_rows on
 *
 * Rows whose argument is NULL are left out: no aggregate looks at them. With DISTINCT a row that is the same as one of its
 * group, to the bit, is not kept either; what is equal and yet not the same (1.5 and 1.50) is kept, so that which one counts
 * does not depend on which came first: the greatest in the total order (1.50, 0.0), which a group key would show, too. */
#ifndef OD_OP_AGGREGATE_ROWS_H
#define OD_OP_AGGREGATE_ROWS_H

#include "engine/op/hash_table.h"
#include "engine/op/row_order.h"
#include "engine/plan/logical.h"

struct od_aggregate_rows {
    const struct od_aggregate *aggregate; /* borrowed */
    struct od_memory *memory;             /* borrowed */
    struct od_error *error;               /* borrowed; where all errors go */
    struct od_schema schema;              /* fields in the operator_arena */
    const struct od_expr **exprs;         /* of the schema's fields; in the operator_arena */
    uint32_t argument_count;              /* the first fields */
    struct od_row_order order_of_rows; /* the order keys, then the arguments; in the operator_arena */
    struct od_batch_builder rows;
    struct od_hash_table seen; /* of `rows`, when DISTINCT */
    uint64_t hash_bits_off;    /* see struct od_op_env; set by the operator */
    uint32_t *groups;          /* owned */
    uint32_t group_capacity;
    uint32_t *order;  /* owned; twice as many as rows: the second half is scratch */
    uint32_t *starts; /* owned; group_count + 1 */
    uint32_t group_count;
    struct od_row_sort sort; /* of the group at hand; order NULL: it has not begun */
    uint32_t looked;         /* at so many of its sorted rows, for DISTINCT */
    uint32_t sorted_count;   /* so many of them stay */
};

/* Has an aggregate to keep its rows? */
bool od_aggregate_keeps_rows(const struct od_aggregate *aggregate);
/* NO_MEMORY; _release accepts what is left. */
enum od_status od_aggregate_rows_init(struct od_aggregate_rows *rows, struct od_arena *operator_arena,
                                      struct od_memory *memory, const struct od_aggregate *aggregate,
                                      struct od_error *error);
/* Zeroed rows are fine. */
void od_aggregate_rows_release(struct od_aggregate_rows *rows);
/* No rows, no memory. NO_MEMORY. */
enum od_status od_aggregate_rows_reset(struct od_aggregate_rows *rows);
/* Row list[i] (list NULL: i) of `columns` (of the schema) is of that row's group in `groups`. NO_MEMORY. */
enum od_status od_aggregate_rows_add(struct od_aggregate_rows *rows, const struct od_column *columns,
                                     const uint32_t *groups, const uint32_t *list, uint32_t count,
                                     struct od_arena *batch_arena);
/* Gathers the rows of each of the groups [0, group_count). NO_MEMORY. */
enum od_status od_aggregate_rows_end(struct od_aggregate_rows *rows, uint32_t group_count);
/* True: `*sorted_out` are the rows of the group in their order, sorted_count of them, each once if DISTINCT: numbers in
 * rows->rows; NULL for none. False: the same again, with more room; a row takes one for each time that it is moved or looked at.
 * Once for each group. */
bool od_aggregate_rows_sort(struct od_aggregate_rows *rows, uint32_t group, uint32_t *room,
                            const uint32_t **sorted_out);

#endif
