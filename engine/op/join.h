/* join: what the two sides of a hash join share. For join_build.c, join_probe.c and hash_join.c only. */
#ifndef OD_OP_JOIN_H
#define OD_OP_JOIN_H

#include "engine/expr/evaluate.h"
#include "engine/op/hash_table.h"
#include "engine/op/op_base.h"

enum join_state {
    JOIN_BUILDING, /* pulling inputs[1] */
    JOIN_PULLING,  /* needs the next batch of inputs[0] */
    JOIN_MATCHING, /* at (probe_row, build_row) of that batch */
    JOIN_PADDING   /* LEFT: at probe_row; rows without a match come out with NULLs */
};

struct join {
    struct od_op op; /* batch_arena: until the next probe batch */
    enum join_state state;
    struct od_batch_builder build_rows; /* rows without a NULL key, in order of arrival */
    struct od_hash_table table;         /* over build_rows */
    struct od_batch build;              /* view of build_rows, once all are there */
    struct od_arena residual_arena;     /* reset for every batch of candidates */
    const struct od_batch *probe;       /* valid until inputs[0] is stepped again */
    uint64_t *probe_hashes;             /* in batch_arena */
    uint8_t *probe_matched;             /* in batch_arena; per row: 1 when it has come out */
    uint32_t probe_row;
    uint32_t build_row;   /* next candidate of probe_row; OD_HASH_TABLE_NONE: go to the next probe row */
    uint32_t pair_count;  /* candidates with equal keys: at most batch_rows */
    uint32_t *pair_probe; /* owned by the operator_arena */
    uint32_t *pair_build;
    struct od_batch_builder output;
    struct od_batch_builder kept; /* pairs that pass the residual, when some do not; unused without one */
    struct od_batch view;
};

/* Marks rows in which every key is there: writes their numbers to rows_out and returns how many they are. */
uint32_t od_join_rows_with_keys(const struct od_batch *batch, const uint32_t *keys, uint32_t key_count,
                                uint32_t *rows_out);

/* join_build.c: takes one batch of the build side in; ends the building. */
enum od_status od_join_build_add(struct join *join, const struct od_batch *batch, struct od_error *error);
enum od_status od_join_build_end(struct join *join, struct od_error *error);

/* join_probe.c: starts on a probe batch. */
enum od_status od_join_probe_begin(struct join *join, const struct od_batch *batch, struct od_error *error);
/* The next up to batch_rows pairs of it, filtered by the residual, in join->view (maybe without rows). When
 * the batch has no more, *is_over_out. EVALUATION from the residual, NO_MEMORY. */
enum od_status od_join_probe_match(struct join *join, bool *is_over_out, struct od_error *error);
/* LEFT, afterwards: the next up to batch_rows rows that found nothing. */
enum od_status od_join_probe_pad(struct join *join, bool *is_over_out, struct od_error *error);

#endif
