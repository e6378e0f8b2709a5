/* window_call: the value of one window function for one row of a partition.
 *
 *   start -> (partition -> (room -> value*)*)* -> release      partition: another one begins; room: another step
 *
 * Aggregates over frames are exact (aggregate_state.h), so how a frame is put together cannot be seen:
 *   the frame only grew behind its end      its new rows are added to the running state
 *   else, and it is long                    states of blocks of rows, combined in a tree, plus the rows at both ends
 *   else                                    its rows
 * so that n rows cost n log n at most. string_agg, whose order matters, is put together row by row. */
#ifndef OD_OP_WINDOW_CALL_H
#define OD_OP_WINDOW_CALL_H

#include "engine/op/aggregate_state.h"
#include "engine/op/window_frame.h"

struct od_window_state {
    const struct od_window_call *call;           /* borrowed */
    const struct od_window_partition *partition; /* borrowed; at hand */
    const struct od_column *columns;             /* borrowed; the call's own, over all rows that are kept */
    struct od_error *error;                      /* borrowed; where all errors go */
    struct od_aggregate
        aggregate; /* OD_WINDOW_AGGREGATE: what is computed; count(*) with a FILTER counts its rows */
    uint32_t column_count;
    const struct od_expr
        *exprs[3];   /* to be evaluated for each row; where `aggregate.filter` is not true: NULL */
    uint32_t column; /* the first of these columns; set by the operator */
    struct od_aggregate_states
        states;                  /* 0: of the frame; 1 + node: the tree, leaves behind the inner nodes */
    uint32_t leaf_count;         /* 0: no tree yet */
    uint32_t built_count;        /* nodes of it that are */
    uint32_t room;               /* rows that may still be added in this step; set by the operator */
    struct od_row_range covered; /* what state 0 holds */
    bool is_covering;            /* state 0 holds just that */
    struct od_frame_finder finder;
};

/* Takes nothing yet. `memory` is counted by the operator. */
void od_window_call_start(struct od_window_state *self, struct od_memory *memory,
                          const struct od_window_call *call, struct od_error *error);
void od_window_call_release(struct od_window_state *self);
/* Another partition. NO_MEMORY; EVALUATION: an offset that is NULL or negative. */
enum od_status od_window_call_partition(struct od_window_state *self, const struct od_window_partition *partition,
                                        const struct od_column *columns, struct od_arena *operator_arena);
/* The value borrows from the columns or from the states, until the next call. None yet (*is_there_out): the room is used up; the
 * same row again, with more. NO_MEMORY, EVALUATION. */
enum od_status od_window_call_value(struct od_window_state *self, uint32_t row, bool *is_there_out,
                                    struct od_value *value_out);

#endif
