/* op_base: what every operator begins with, and the row of the table that makes a kind. For engine/op only.
 *
 *   struct od_op_filter { struct od_op op; ... }   op.c takes `bytes` zeroed, fills `op`, calls start
 *
 * start  builds what lives as long as the operator; inputs exist already. May be NULL.
 * step   bounded work: at most one input batch, or batch_rows rows of output. Not called again after DONE or
 * FAILED: od_op_step remembers the end and repeats it.
 * release lets go of what the operator holds beside its two arenas; must accept a half-started operator. May
 * be NULL.
 *
 * Outputs that are views over an input's batch live as long as that batch: until we step the input, which
 * happens in our own next step. */
#ifndef OD_OP_OP_BASE_H
#define OD_OP_OP_BASE_H

#include "engine/op/op.h"

struct od_op_kind {
    size_t bytes;
    enum od_status (*start)(struct od_op *op, struct od_error *error);
    enum od_step (*step)(struct od_op *op, const struct od_batch **batch_out, struct od_error *error);
    void (*release)(struct od_op *op);
};

struct od_op {
    const struct od_op_kind *kind;
    const struct od_physical *node; /* borrowed */
    struct od_op_env env;           /* a copy: operators need no pointer into the task */
    struct od_op *inputs[2];        /* owned */
    struct od_arena operator_arena;
    struct od_arena batch_arena; /* reset by the operator at the start of the steps that need it */
    enum od_step end;            /* OD_STEP_AGAIN until DONE or FAILED */
    struct od_error failure;
};

extern const struct od_op_kind od_op_scan;
extern const struct od_op_kind od_op_exchange_read;
extern const struct od_op_kind od_op_filter;
extern const struct od_op_kind od_op_project;
extern const struct od_op_kind od_op_hash_join; /* and nested loops: no keys */
extern const struct od_op_kind od_op_merge_join;
extern const struct od_op_kind od_op_aggregate;
extern const struct od_op_kind od_op_sort;
extern const struct od_op_kind od_op_limit;
extern const struct od_op_kind od_op_values;
extern const struct od_op_kind od_op_union;
extern const struct od_op_kind od_op_expand;
extern const struct od_op_kind od_op_window;
extern const struct od_op_kind od_op_map;

/* Writes a NO_MEMORY error that names the operator, and returns the status. */
enum od_status od_op_no_memory(const struct od_op *op, const char *doing, struct od_error *error);
/* od_batch_hash_keys as this attempt wants it. */
static inline void od_op_hash_keys(const struct od_op *op, const struct od_batch *batch, const uint32_t *keys,
                                   uint32_t key_count, uint64_t *hashes_out)
{
    od_batch_hash_keys(batch, keys, key_count, hashes_out);
    for (uint32_t i = 0; op->env.hash_bits_off != 0 && i < batch->row_count; i++)
        hashes_out[i] &= ~op->env.hash_bits_off;
}
/* The next batch of an input, as od_op_step. */
static inline enum od_step od_op_pull(struct od_op *op, uint32_t input, const struct od_batch **batch_out,
                                      struct od_error *error)
{
    return od_op_step(op->inputs[input], batch_out, error);
}

#endif
