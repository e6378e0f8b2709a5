/* explore_workers: numbered work over forked processes, where each piece may end its process.
 *
 *   parent --fork--> worker 0: next item -> work(item, 0) : for each step: od_worker_step, do it
 *          --fork--> worker 1: ...
 *   a worker dies or hangs in (item, step): lost(item, step) in the parent; another one goes on with work(item, step + 1)
 *
 * Results go to memory that was shared before (od_shared_take); what becomes of them must not depend on who works when. */
#ifndef OD_HARNESS_EXPLORE_WORKERS_H
#define OD_HARNESS_EXPLORE_WORKERS_H

#include <stdatomic.h>

#include "engine/core/status.h"

#define OD_WORKERS_MAX 64

struct od_worker_slot {
    _Atomic uint64_t item; /* that is worked on, plus 1; 0: none */
    _Atomic uint64_t step;
    _Atomic uint64_t started_ns; /* the step; 0: none is running */
    _Atomic uint64_t step_count; /* of all its items; for progress */
    _Atomic uint32_t *stop;      /* not 0: somebody wants the end */
    unsigned char note[256];     /* the worker's, about its step; the parent reads it when that was the last */
};

struct od_workers {
    uint32_t job_count; /* 1..OD_WORKERS_MAX */
    uint64_t item_count;
    uint64_t hang_ns; /* a step that takes longer is killed */
    /* In a worker: all steps of an item from first_step on. False: trouble of the harness, which ends all. */
    bool (*work)(void *self, uint64_t item, uint64_t first_step, struct od_worker_slot *slot);
    /* In the parent: that step has ended its process. `code` is "crash" or "hang". */
    void (*lost)(void *self, uint64_t item, const struct od_worker_slot *slot, const char *code, const char *text);
    /* In the parent, now and then; `step_count`: begun so far. False: end soon. */
    bool (*go_on)(void *self, uint64_t step_count);
    void *self;
};

/* Returns when all items are done, or soon after go_on has said no. NO_MEMORY, IO; whatever it returns, no worker is left. */
enum od_status od_workers_run(const struct od_workers *workers, struct od_error *error);

/* Called before each step. False: stop. */
bool od_worker_step(struct od_worker_slot *slot, uint64_t step);

/* Zeroed memory that processes forked later share; NULL on refusal. */
void *od_shared_take(size_t bytes);
void od_shared_give(void *block, size_t bytes); /* NULL is fine */

#endif
