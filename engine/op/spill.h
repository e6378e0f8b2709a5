/* spill: rows that an operator sets aside on disk, and reads back in the same order.
 *
 *   new -> append* -> (rewind -> next*)* -> free        next gives NULL at the end; free removes the file
 *
 * Rows go out as blocks of engine/shuffle/block.h: checksummed, zstd. A run is private to one operator of one
 * attempt; its file is gone with it, also when the attempt fails (and with the host's disk when its executor
 * dies). Nothing that is read back is trusted: a damaged block is CORRUPT, which fails the attempt. */
#ifndef OD_OP_SPILL_H
#define OD_OP_SPILL_H

#include "engine/op/op.h"

struct od_spill_run;

/* What rows take in memory, whatever room their builder keeps beside: a function of the rows alone. */
uint64_t od_spill_batch_bytes(const struct od_batch *batch);

/* The env and the schema outlive the run. NO_MEMORY, IO. NULL on failure. */
enum od_status od_spill_run_new(const struct od_op_env *env, const struct od_schema *schema,
                                struct od_spill_run **run_out, struct od_error *error);
void od_spill_run_free(struct od_spill_run *run); /* NULL is fine */
/* Rows rows[0..count) of the batch, or the first `count` when `rows` is NULL. NO_MEMORY, IO. */
enum od_status od_spill_run_append(struct od_spill_run *run, const struct od_batch *batch,
                                   const uint32_t *rows, uint32_t count, struct od_error *error);
/* Back to the first row; ends appending. */
enum od_status od_spill_run_rewind(struct od_spill_run *run, struct od_error *error);
/* The next rows, valid until the next call; *batch_out NULL at the end. NO_MEMORY, IO, CORRUPT. */
enum od_status od_spill_run_next(struct od_spill_run *run, const struct od_batch **batch_out,
                                 struct od_error *error);
uint64_t od_spill_run_row_count(const struct od_spill_run *run);

#endif
