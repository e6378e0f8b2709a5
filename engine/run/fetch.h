/* fetch: the reading end of exchanges: gives an attempt the rows of its inputs, in order of map task.
 *
 * One od_fetch per attempt; its `source` is what the operators see. Blocks are asked for ahead, within a window, and given
 * in order; or, where the plan says so (arrival_order), as they arrive within the window. Every block is held against what the driver said of it: identity, size, rows, row checksum. */
#ifndef OD_RUN_FETCH_H
#define OD_RUN_FETCH_H

#include "engine/op/op.h"
#include "engine/run/life.h"

#define OD_FETCH_WINDOW 4

/* A block to read: where, and what it must hold. */
struct od_fetch_block {
    struct od_attempt_name writer;
    struct od_attempt_name stored; /* what its output is called where it is */
    uint32_t generation;
    uint32_t executor;
    uint32_t epoch;
    uint32_t part;
    struct od_block_entry entry;
};

/* One partition of one map task: what was given of its blocks, which are next to each other. */
struct od_fetch_part {
    uint32_t blocks_left;
    uint64_t rows;
    uint64_t bytes;
    struct od_hash128 checksum;
};

enum od_fetch_state {
    OD_FETCH_IDLE,
    OD_FETCH_WAITING,
    OD_FETCH_READY,
    OD_FETCH_GIVEN /* consumed, while one before it is not */
};

struct od_fetch_slot {
    enum od_fetch_state state;
    bool asked_again;  /* a bad block is fetched once more: the damage may have happened on the way */
    uint32_t tries;    /* requests since the last answer */
    uint64_t first_ns; /* when the first of these was sent */
    uint64_t sent_ns;  /* and the latest */
    uint64_t arrival;  /* READY: counts the blocks of the input as they come */
    struct od_arena block_arena; /* the decoded block, until it is consumed */
    struct od_batch batch;
};

struct od_fetch_input {
    const struct od_schema *schema; /* borrowed from the plan */
    uint32_t block_count;
    struct od_fetch_block *blocks;    /* in the attempt's arena */
    struct od_fetch_part *parts;      /* likewise; in order of (map task, partition) */
    bool arrival_order;
    uint64_t arrival_count;
    uint32_t asked_count;             /* blocks [0, asked_count) were asked for */
    uint32_t given_count;             /* blocks [0, given_count) are consumed */
    uint32_t current;                 /* the block that is being given; given_count, but for arrival_order */
    uint32_t rows_given;              /* of it; 0: another may become current */
    struct od_hash128 block_checksum; /* of these rows */
    struct od_arena slice_arena; /* the batch last given, when a block had to be cut */
    struct od_batch slice;
    struct od_fetch_slot slots[OD_FETCH_WINDOW]; /* block i is in slot i % OD_FETCH_WINDOW */
};

struct od_fetch {
    struct od_life *life;         /* borrowed */
    const struct od_query *query; /* borrowed */
    struct od_attempt_name reader;
    uint32_t input_count;
    struct od_fetch_input *inputs; /* in the attempt's arena */
    bool failed;                   /* for ever; `error` says why */
    bool source_failed;            /* a block could not be had: the driver must see to `source` */
    struct od_attempt_name source;
    uint32_t source_epoch;
    struct od_error error;
    uint64_t block_count; /* consumed, and found sound */
    uint64_t block_bytes;
};

/* Who reads which stages of a query; `inputs` is what LAUNCH says of where they are. */
struct od_fetch_plan {
    const struct od_query *query; /* borrowed */
    struct od_attempt_name reader;
    uint32_t input_count;
    const uint32_t *input_stages; /* borrowed for the call */
    struct od_reader inputs;
};
/* What it keeps of the plan lives in `arena`. CORRUPT when the inputs do not fit, NO_MEMORY; the fetch may then be released. */
enum od_status od_fetch_init(struct od_fetch *fetch, struct od_life *life, const struct od_fetch_plan *plan,
                             struct od_arena *arena, struct od_error *error);
void od_fetch_release(struct od_fetch *fetch);
struct od_exchange_source od_fetch_source(struct od_fetch *fetch);
/* An answer has come for this reader. True when the attempt should be stepped. */
bool od_fetch_deliver(struct od_fetch *fetch, const struct od_body_block *body);
/* A registration is over: whoever still waits for blocks of it, or has yet to ask for some, fails now. True when it does. */
bool od_fetch_lose(struct od_fetch *fetch, uint32_t epoch);
/* Asks again for what was not answered, or gives up. True when the attempt should be stepped. */
bool od_fetch_tick(struct od_fetch *fetch, uint64_t now_ns);

#endif
