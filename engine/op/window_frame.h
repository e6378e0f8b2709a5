/* window_frame: which rows of a partition a row's frame holds.
 *
 *   partition   rows 0 .. row_count-1, sorted:      a a | b | c c c | d
 *   groups      of peers (equal keys):              0 0   1   2 2 2   3      starts: 0 2 3 6 7
 *   frame       [first, end), then without what EXCLUDE takes out: up to three ranges */
#ifndef OD_OP_WINDOW_FRAME_H
#define OD_OP_WINDOW_FRAME_H

#include "engine/data/batch.h"
#include "engine/plan/logical.h"

struct od_window_partition {
    uint32_t first_row; /* in the columns: row i of the partition is row first_row + i of them */
    uint32_t row_count;
    const uint32_t *groups;       /* of each row */
    const uint32_t *group_starts; /* group_count + 1 */
    uint32_t group_count;
    const struct od_column *key; /* the first order key, for RANGE with offsets; NULL: none */
    bool descending;
    bool nulls_first;
};

struct od_row_range {
    uint32_t first;
    uint32_t end; /* >= first */
};
#define OD_FRAME_RANGES_MAX 3

/* The frames of one call. */
struct od_frame_finder {
    const struct od_window_frame *frame;         /* borrowed */
    const struct od_window_partition *partition; /* borrowed; at hand */
    struct od_error *error;                      /* borrowed; where all errors go */
    bool has_offsets;
    struct od_value offsets[2]; /* of the start, of the end */
};
/* Evaluates the offsets, unless it has them. EVALUATION when one is NULL or negative (NaN). */
enum od_status od_frame_offsets(struct od_frame_finder *finder, struct od_arena *arena);
/* The ranges of the frame of `row`, in rising order, none empty; how many in *count_out. EVALUATION: a time out of range. */
enum od_status od_frame_ranges(const struct od_frame_finder *finder, uint32_t row,
                               struct od_row_range ranges_out[OD_FRAME_RANGES_MAX], uint32_t *count_out);

#endif
