/* copy: fetching whole outputs of others into the own store, under their own names.
 *
 *   begin -> FETCH, BLOCK, FETCH, BLOCK ... -> checksum -> store -> ended(OK)
 *
 * For outputs that move (an executor leaves) and those kept safe (checkpoints). One od_copies per actor. */
#ifndef OD_RUN_COPY_H
#define OD_RUN_COPY_H

#include "engine/run/life.h"

/* In od_fetch_name, in place of an input: the block is a piece of a copy. */
#define OD_COPY_INPUT OD_ANY

struct od_copy;
struct od_copies {
    struct od_life *life; /* borrowed */
    bool durable;         /* synced before it counts */
    /* Told once for each that was begun and not dropped. OK: it is stored. */
    void (*ended)(void *self, const struct od_attempt_name *name, enum od_status status);
    void *self;
    struct od_copy *list; /* owned */
};

/* Nothing when it is on its way already; OK at once when it is here. Each of these may find the life gone. */
void od_copies_begin(struct od_copies *copies, const struct od_attempt_name *name,
                     const struct od_body_copy *body);
void od_copies_deliver(struct od_copies *copies, const struct od_body_block *body);
/* A registration is over: what comes from there never will. */
void od_copies_lose(struct od_copies *copies, uint32_t epoch);
/* Asks again for what was not answered, or gives up: UNREACHABLE. */
void od_copies_tick(struct od_copies *copies, uint64_t now_ns);
/* Without a word. OD_ANY: of all queries. */
void od_copies_drop_query(struct od_copies *copies, uint32_t query_id);

#endif
