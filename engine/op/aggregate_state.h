/* aggregate_state: what an aggregate function remembers of each group, and its columns between the phases.
 *
 *   COMPLETE   rows --update--> states --put_result--> answer
 *   PARTIAL    rows --update--> states --put_state--> state columns
 *   FINAL      state columns --merge--> states --put_result--> answer
 *
 * Every function is order-free to the bit: rows and partial states may come in any order and be split in any
 * way, and the result (and the state columns) are the same bytes. */
#ifndef OD_OP_AGGREGATE_STATE_H
#define OD_OP_AGGREGATE_STATE_H

#include "engine/data/batch.h"
#include "engine/plan/logical.h"

struct od_state_kind; /* a row of the table in aggregate_state.c */

/* The states of one aggregate for all groups. */
struct od_aggregate_states {
    const struct od_state_kind *kind;
    const struct od_aggregate *aggregate; /* borrowed */
    struct od_memory *memory;             /* borrowed */
    void *states;                         /* owned; one a group */
    uint32_t group_count;
    uint32_t group_capacity;
};

/* Takes nothing yet. */
void od_aggregate_states_init(struct od_aggregate_states *states, struct od_memory *memory,
                              const struct od_aggregate *aggregate);
/* Zeroed states are fine. */
void od_aggregate_states_release(struct od_aggregate_states *states);
/* Makes groups [0, group_count) exist; new ones are empty. NO_MEMORY. */
enum od_status od_aggregate_states_grow(struct od_aggregate_states *states, uint32_t group_count,
                                        struct od_error *error);
/* Row i belongs to group groups[i]. `argument` is NULL for COUNT_STAR. NO_MEMORY. */
enum od_status od_aggregate_states_update(struct od_aggregate_states *states, const uint32_t *groups,
                                          const struct od_column *argument, uint32_t row_count,
                                          struct od_error *error);
/* As above with the state columns of another phase, od_aggregate_state_fields() of them. CORRUPT when they
 * cannot be that. */
enum od_status od_aggregate_states_merge(struct od_aggregate_states *states, const uint32_t *groups,
                                         const struct od_column *columns, uint32_t row_count,
                                         struct od_error *error);
/* Appends one group's state columns (from column_index on), or its result. NO_MEMORY; EVALUATION for a sum
 * out of range. */
enum od_status od_aggregate_states_put_state(struct od_aggregate_states *states, uint32_t group,
                                             struct od_batch_builder *builder, uint32_t column_index,
                                             struct od_error *error);
enum od_status od_aggregate_states_put_result(struct od_aggregate_states *states, uint32_t group,
                                              struct od_batch_builder *builder, uint32_t column_index,
                                              struct od_error *error);

#endif
