/* op: operators: resumable objects that a task pulls batches from.
 *
 *   task -> root.step() -> input.step() -> ... -> scan | exchange reader
 *
 * A step works on at most one input batch and says what the caller must do next. Control flows up: BLOCKED
 * and FAILED are passed on unchanged, and every operator can be stepped again after BLOCKED. Nobody recurses
 * over rows, waits or starts a thread.
 *
 * Lifetimes: an output batch is valid until the next step of the operator that gave it. operator_arena lives
 * as long as the operator; batch_arena is reset by its owner at the start of each step that needs it. A new
 * operator is one file and one row in op.c. */
#ifndef OD_OP_OP_H
#define OD_OP_OP_H

#include "engine/plan/physical.h"
#include "engine/shuffle/block.h"
#include "engine/world/world.h"

enum od_step {
    OD_STEP_OUTPUT,  /* *batch_out has rows (never 0): use them before the next step */
    OD_STEP_AGAIN,   /* progress without output: step again, now or later */
    OD_STEP_BLOCKED, /* an input is not there yet; its provider has registered a wake-up: step again then */
    OD_STEP_DONE,    /* no more output, for ever */
    OD_STEP_FAILED   /* `error` says why, for ever */
};

/* Gives the batches of an exchange input; implemented by engine/run. Same protocol as an operator. The batch
 * lives until the next call for this input. */
struct od_exchange_source {
    enum od_step (*next)(void *self, uint32_t input_index, const struct od_batch **batch_out,
                         struct od_error *error);
    void *self;
};

/* What the operators of a task may hold, and what became of that; owned by the task. */
struct od_op_account {
    uint64_t operator_bytes_max; /* bytes of rows that one operator holds before it spills; 0: any number */
    uint64_t task_bytes_max;     /* likewise, all of them together */
    uint64_t held_bytes;         /* now */
    uint64_t peak_bytes;         /* at most so far */
    uint64_t spilled_bytes;      /* written to runs */
    uint32_t run_count;          /* numbers the runs */
    uint64_t scanned_rows;       /* read from tables */
};

/* What one operator did in an attempt, its inputs excepted. */
struct od_op_metrics {
    uint64_t rows;          /* that it gave; what it got is what its inputs gave */
    uint64_t bytes;         /* they took in memory */
    uint64_t batches;       /* they came in */
    uint64_t spilled_bytes; /* written to runs */
    uint64_t peak_bytes;    /* of rows held at once, at most */
    uint64_t time_ns;       /* in its steps; 0 where the clock stands still during a handler */
};

/* What a task gives its operators. */
struct od_op_env {
    struct od_memory *memory;
    struct od_clock clock; /* for metrics; now_ns NULL: nobody wants times */
    struct od_exchange_source source;
    uint32_t task_index;
    uint32_t task_count;
    uint32_t batch_rows;    /* most rows an operator puts in a batch; >= 1 */
    struct od_op_account *account;
    struct od_points points;      /* hit at `site` */
    struct od_site site;
    struct od_disk disk;          /* for spilled rows; ops NULL: nothing can spill, so the account has no limits */
    struct od_block_codec *codec; /* borrowed, the actor's; there when disk.ops is */
    const char *spill_name;       /* prefix of this attempt's spill files, unique on its disk */
    /* Bits that are cleared in every key hash of an operator: 0, or more to make keys collide. Answers do not
     * depend on it. */
    uint64_t hash_bits_off;
    bool sums_outputs; /* somebody will ask od_op_checksums */
};

struct od_op; /* every kind's own struct begins with this one (op_base.h, for operators only) */

/* Builds the operator tree of a stage. NO_MEMORY. *op_out NULL on failure. The physical plan and `env`
 * outlive it. */
enum od_status od_op_new(const struct od_physical *node, const struct od_op_env *env, struct od_op **op_out,
                         struct od_error *error);
/* With all inputs. NULL is fine. */
void od_op_free(struct od_op *op);
enum od_step od_op_step(struct od_op *op, const struct od_batch **batch_out, struct od_error *error);
/* What the operators of the tree did so far, in printing order (an operator, then its inputs): od_physical_count() of them. */
void od_op_metrics(const struct od_op *op, struct od_op_metrics *list_out);
/* In the same order: the sum of the rows that each gave, in any order; 0 unless env.sums_outputs. */
void od_op_checksums(const struct od_op *op, struct od_hash128 *list_out);

#endif
