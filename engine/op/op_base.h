/* op_base: what every operator begins with, and the row of the table that makes a kind. For engine/op only.
 *
 *   struct filter { struct od_op op; ... }   op.c takes `bytes` zeroed, fills `op`, calls start
 *
 * start    builds what lives as long as the operator; inputs exist already. May be NULL.
 * step     bounded work: at most one input batch, or batch_rows rows of output, or od_op_step_rows of others. It shows rows by
 *          leaving them in `view`, which is empty before; else `says` tells why there are none: AGAIN (as it is before), BLOCKED or DONE. Not called again
 *          after DONE or a failure: od_op_step remembers the end and repeats it.
 * release  lets go of what the operator holds beside its two arenas; must accept a half-started operator. May be NULL.
 *
 * All three, and whatever belongs to the operator, write their errors to `error`.
 *
 * Outputs that are views over an input's batch live as long as that batch: until we step the input, which
 * happens in our own next step. */
#ifndef OD_OP_OP_BASE_H
#define OD_OP_OP_BASE_H

#include "engine/expr/evaluate.h"
#include "engine/op/op.h"

struct od_op_kind {
    size_t bytes;
    enum od_status (*start)(struct od_op *op);
    enum od_status (*step)(struct od_op *op);
    void (*release)(struct od_op *op);
    bool builds_rows; /* in `output` */
};

struct od_op {
    const struct od_op_kind *kind;
    const struct od_physical *node; /* borrowed */
    struct od_op_env env;           /* a copy: operators need no pointer into the task */
    struct od_op *inputs[2];        /* owned */
    struct od_arena operator_arena;
    struct od_arena batch_arena;    /* reset by the operator at the start of the steps that need it */
    struct od_batch view;           /* the output of a step; see above */
    struct od_batch_builder output; /* of the node's schema; only where kind->builds_rows */
    enum od_step says;
    struct od_error *error; /* points to `failure` */
    struct od_error failure;
    uint64_t held_bytes;          /* what the account was told last */
    struct od_op_metrics metrics; /* spilled_bytes and time_ns: its inputs' too */
    struct od_hash128 checksum;   /* of the rows it gave; where env.sums_outputs */
};

extern const struct od_op_kind od_op_scan;
extern const struct od_op_kind od_op_exchange_read;
extern const struct od_op_kind od_op_filter;
extern const struct od_op_kind od_op_hash_join; /* and nested loops: no keys */
extern const struct od_op_kind od_op_merge_join;
extern const struct od_op_kind od_op_aggregate;
extern const struct od_op_kind od_op_sort;
extern const struct od_op_kind od_op_limit;
extern const struct od_op_kind od_op_values;
extern const struct od_op_kind od_op_union;
extern const struct od_op_kind od_op_expand; /* and project: one list of expressions */
extern const struct od_op_kind od_op_window;
extern const struct od_op_kind od_op_map;

/* Rows that a step may look at where there can be any number: 64 batches, some milliseconds. Who needs more says AGAIN: an
 * executor is heard only between steps. */
static inline uint32_t od_op_step_rows(const struct od_op *op)
{
    return op->env.batch_rows < UINT32_MAX / 64 ? 64 * op->env.batch_rows : UINT32_MAX;
}
/* Tells the account how many bytes of rows the operator holds now. True: too many, so it has to set rows aside. Where others
 * hold most of what the task may, a share is left to it, so that it does not write row by row. */
bool od_op_holds(struct od_op *op, uint64_t held_bytes);
/* Writes a NO_MEMORY error that names the operator, and returns the status. */
enum od_status od_op_no_memory(const struct od_op *op, const char *doing);
/* The next batch of an input. NULL: there is none now, and `says` tells why. */
enum od_status od_op_pull(struct od_op *op, uint32_t input, const struct od_batch **batch_out);
/* Has the input that gave no batch ended, and there is more to do than to say so? */
static inline bool od_op_input_ended(struct od_op *op)
{
    bool has_ended = op->says == OD_STEP_DONE;
    if (has_ended)
        op->says = OD_STEP_AGAIN;
    return has_ended;
}
/* Makes an input's rows the output, under our field names. */
void od_op_pass(struct od_op *op, const struct od_batch *batch);
/* The rows of a batch for which `filter` is true (NULL: all), and the columns of `exprs` over them; in batch_arena. A filter
 * here is an expression, in which NULL AND x asks x: not od_evaluate_filter, which asks no further. */
enum od_status od_op_evaluate(struct od_op *op, const struct od_batch *batch, const struct od_expr *filter,
                              const struct od_expr *const *exprs, uint32_t count,
                              struct od_selection *selection_out, struct od_column **columns_out);
/* od_batch_hash_keys as this attempt wants it. */
static inline void od_op_hash_keys(const struct od_op *op, const struct od_batch *batch, const uint32_t *keys,
                                   uint32_t key_count, uint64_t *hashes_out)
{
    od_batch_hash_keys(batch, keys, key_count, hashes_out);
    for (uint32_t i = 0; op->env.hash_bits_off != 0 && i < batch->row_count; i++)
        hashes_out[i] &= ~op->env.hash_bits_off;
}

#endif
