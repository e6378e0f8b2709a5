/* join: what all joins share: hash, nested loop and merge differ only in how they find pairs whose keys may
 * be equal.
 *
 *   pairs (probe row, build row) -> residual -> truth of the pair -> joined rows           join_match.c
 *                                                       \-> greatest truth so far of the probe row,
 *                                                           "matched" of the build row
 *   probe batch over  ->  its rows, padded or chosen by their truth
 *   build rows over   ->  those that nothing matched (RIGHT, FULL)
 *
 *   hash_join.c   finds pairs in a table, or (nested loop, and where a NULL key might match) everywhere
 *   join_spill.c  jobs: a join whose build side is too large becomes smaller joins over spilled rows, or one
 *                 in passes
 *   merge_join.c  finds pairs in two sorted inputs; goes on as a hash join when a group is too large
 *
 * A carried row is a spilled probe row: the probe's columns ++ its truth so far (NULL, true or false) as one
 * boolean. */
#ifndef OD_OP_JOIN_H
#define OD_OP_JOIN_H

#include "engine/op/hash_table.h"
#include "engine/op/op_base.h"
#include "engine/op/spill.h"

/* Three-valued: AND is the least, OR the greatest. LATER (merge join): the hash join will answer for this row. */
enum join_truth { JOIN_FALSE, JOIN_NULL, JOIN_TRUE, JOIN_LATER };

enum join_state {
    JOIN_LOADING,         /* takes build rows in, as many as it may hold */
    JOIN_SPLITTING_BUILD, /* too many: they go to the smaller jobs; then */
    JOIN_SPLITTING_PROBE, /* the probe rows do */
    JOIN_PULLING,         /* needs the next probe batch */
    JOIN_MATCHING,        /* at (probe_row, candidate) of that batch */
    JOIN_FINISHING,       /* at probe_row: rows whose turn comes when all their pairs are known */
    JOIN_UNMATCHED        /* at build_cursor: build rows that found nothing */
};

/* Where the candidates of a probe row are. */
enum join_search { JOIN_IN_CHAIN, JOIN_AMONG_NULLS, JOIN_EVERYWHERE };

/* A join of two runs, or (NULL) of the operator's inputs. */
struct join_job {
    struct join_job *next;
    struct od_spill_run *probe; /* owned; carried rows */
    struct od_spill_run *build; /* owned */
    uint64_t parent_row_count;  /* build rows of the job that was split; 0: splitting is in vain */
    uint32_t depth;             /* how often it was */
};
#define JOIN_PARTS 8u

struct join {
    struct od_op op; /* batch_arena: until the next probe batch, or build batch while loading */
    enum join_state state;
    bool gives_pairs; /* joined rows come out; else only probe rows do */
    bool asks_nulls;  /* FALSE and NULL differ */
    bool keeps_build; /* build rows without a match come out */
    bool may_stop;    /* once the OR is known, no pair more needs to be asked: none can fail */

    /* pairs, at most batch_rows; in the operator_arena */
    uint32_t pair_count;
    uint32_t *pair_probe;
    uint32_t *pair_build;
    uint8_t *pair_truth; /* of the keys, then of the pair */

    bool *residual_reads; /* which columns of probe ++ build; in the operator_arena */
    struct od_arena
        pair_arena; /* until the next pairs: what the residual is asked over, and what comes out */

    const struct od_batch *probe; /* valid until its source is asked again */
    uint8_t *probe_truth;         /* a row; in batch_arena */
    uint32_t probe_row;
    struct od_batch marked;     /* of MARK, while it finishes: the probe batch ++ its truth; in batch_arena */
    struct od_batch no_probe;   /* the probe's columns without rows, for padding */
    struct od_batch probe_rest; /* what a merge join has left of its batch; in the operator_arena */
    struct od_batch probe_now;  /* that, while it is joined */
    struct od_batch_builder build_rows;
    struct od_batch build;  /* view of build_rows */
    uint8_t *build_matched; /* owned; a row, when keeps_build */
    uint32_t build_matched_capacity;
    uint32_t build_cursor; /* of build rows: the next to be dealt out, or to come out */

    /* hash_join.c */
    struct od_hash_table table; /* over build_rows, unless all candidates are everywhere */
    uint64_t *probe_hashes;     /* in batch_arena */
    enum join_search search;
    uint32_t candidate; /* build row; OD_HASH_TABLE_NONE: go to the next probe row */

    /* join_spill.c */
    struct join_job job;                /* at hand */
    struct join_job *waiting;           /* owned */
    struct join_job *parts[JOIN_PARTS]; /* while splitting; in `waiting` */
    struct od_schema carried_schema;
    struct od_spill_run *carried; /* owned; probe rows for the next pass */
    bool is_last_pass;            /* no build row is left behind these */
};

/* --- join_match.c --------------------------------------------------------------------------------------- */

enum od_status od_join_start(struct od_op *op);
void od_join_release(struct od_op *op);
/* Starts on a probe batch; `is_carried`: it has the truth as one column more. */
enum od_status od_join_probe_begin(struct join *join, const struct od_batch *batch, bool is_carried);
/* Makes room for marks of row_count build rows; new ones are 0. */
enum od_status od_join_reserve_marks(struct join *join, uint32_t row_count);
/* Notes a pair whose keys are so; there must be room (pair_count < batch_rows). */
static inline void od_join_pair(struct join *join, uint32_t probe_row, uint32_t build_row,
                                enum join_truth truth)
{
    if (join->op.node->join.residual == NULL && !join->gives_pairs) {
        if (join->probe_truth[probe_row] < truth)
            join->probe_truth[probe_row] = (uint8_t)truth;
        return;
    }
    join->pair_probe[join->pair_count] = probe_row;
    join->pair_build[join->pair_count] = build_row;
    join->pair_truth[join->pair_count++] = (uint8_t)truth;
}
/* Judges the pairs and forgets them; what of them comes out is the step's output, as for the
 * next two. EVALUATION from the residual or for SINGLE, NO_MEMORY. */
enum od_status od_join_judge(struct join *join);
/* Do any probe rows come out when their batch is over? */
bool od_join_finishes(const struct join *join);
/* The next of them, from probe_row on, which is moved: to the end of the batch, or there will be more. */
enum od_status od_join_finish(struct join *join);
/* The next unmatched build rows in [build_cursor, end); the cursor is moved. */
enum od_status od_join_unmatched(struct join *join, uint32_t end);
/* The probe batch with its truth so far, in batch_arena. */
enum od_status od_join_carry(struct join *join, struct od_batch *batch_out);

/* --- join_spill.c --------------------------------------------------------------------------------------- */

void od_join_job_release(struct join_job *job);
/* Makes the first waiting job the one at hand, LOADING; DONE when none waits. */
enum od_status od_join_job_next(struct join *join);
bool od_join_can_split(const struct join *join);
enum od_status od_join_split_begin(struct join *join);
/* First some of the build rows that are loaded, until none is. */
enum od_status od_join_split_loaded(struct join *join);
/* Deals the rows out to the runs of one side; rows NULL: all. hashes[i] belongs to the i-th of them. */
enum od_status od_join_split_rows(struct join *join, const struct od_batch *batch, const uint32_t *rows,
                                  uint32_t count, const uint64_t *hashes, bool is_build);

/* --- hash_join.c ---------------------------------------------------------------------------------------- */

static inline bool od_join_has_keys(const struct join *join)
{
    return join->op.node->join.key_count > 0;
}
/* Whether a key is NULL that equals nothing then. */
bool od_join_has_null_key(const struct join *join, const struct od_batch *batch, const uint32_t *keys,
                          uint32_t row);
/* Steps the job at hand and all that wait. */
enum od_status od_join_step(struct od_op *op);
/* Goes on as a hash join: over the rows in build_rows and what the inputs will give, and the probe batch from probe_row on. */
enum od_status od_join_begin_hashing(struct join *join);

#endif
