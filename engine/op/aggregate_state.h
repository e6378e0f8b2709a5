/* aggregate_state: what an aggregate function remembers of each group, and its column between the phases.
 *
 *   COMPLETE   rows --add--> states --result--> answer
 *   PARTIAL    rows --add--> states --put_state--> state columns
 *   FINAL      state columns --merge--> states --result--> answer
 *   windows    rows --add--> states of blocks --combine--> state of a frame --result--> answer
 *
 * Every function but string_agg is order-free to the bit: rows and states may come in any order and be split in any way, and
 * the result (and the state columns) are the same bytes. string_agg appends in the order in which rows are added. Functions
 * called WITHIN GROUP have no states: od_aggregate_of_sorted computes them from all their rows. */
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
    struct od_error *error;               /* borrowed */
    void *states;                         /* owned; one a group */
    uint32_t group_count;
    uint32_t group_capacity;
};

/* Takes nothing yet. All that follows writes its errors to `error`, which must not be NULL. */
void od_aggregate_states_init(struct od_aggregate_states *states, struct od_memory *memory,
                              const struct od_aggregate *aggregate, struct od_error *error);
/* Back to no group. Zeroed states are fine. */
void od_aggregate_states_release(struct od_aggregate_states *states);
/* Makes groups [0, group_count) exist; new ones are empty. NO_MEMORY. */
enum od_status od_aggregate_states_grow(struct od_aggregate_states *states, uint32_t group_count);
/* Empties one group. */
void od_aggregate_states_clear(struct od_aggregate_states *states, uint32_t group);
/* Row `row` of the arguments' columns, od_aggregate_argument_count of them. NO_MEMORY; UNSUPPORTED for a text of 2 GiB. */
enum od_status od_aggregate_states_add(struct od_aggregate_states *states, uint32_t group,
                                       const struct od_column *arguments, uint32_t row);
/* Can groups be combined, that is, does the order of rows not matter? */
bool od_aggregate_states_can_combine(const struct od_aggregate_states *states);
/* Adds all that group `source` has been given to group `target`. NO_MEMORY. */
enum od_status od_aggregate_states_combine(struct od_aggregate_states *states, uint32_t target,
                                           uint32_t source);
/* Adds a cell of the state column of another phase. NO_MEMORY; CORRUPT when it cannot be that. */
enum od_status od_aggregate_states_merge(struct od_aggregate_states *states, uint32_t group,
                                         const struct od_column *column, uint32_t row);
/* The result of one group, which may borrow from its state. NO_MEMORY; EVALUATION for a result out of range. */
enum od_status od_aggregate_states_result(struct od_aggregate_states *states, uint32_t group,
                                          struct od_value *value_out);
/* Appends one group's state cell, or its result. Errors as above. */
enum od_status od_aggregate_states_put(struct od_aggregate_states *states, uint32_t group, bool as_state,
                                       struct od_batch_builder *builder, uint32_t column_index);

/* Percentiles and mode of rows[0..count) of `values`: sorted, none NULL. `fraction` is for percentiles. The result borrows
 * from `values`. EVALUATION: a fraction outside [0, 1]. */
enum od_status od_aggregate_of_sorted(const struct od_aggregate *aggregate, const struct od_value *fraction,
                                      const struct od_column *values, const uint32_t *rows, uint32_t count,
                                      struct od_value *result_out, struct od_error *error);

#endif
