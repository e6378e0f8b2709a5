/* join_spill: jobs: how a join ends whose build side is larger than the operator may hold.
 *
 *   job (build, probe) --split--> JOIN_PARTS jobs, rows dealt out by other bits of their hash
 *                                 (grace hash join)
 *                      --passes-> as many build rows as fit, past all probe rows; then the next
 *                                 (block nested loop)
 *
 * Splitting needs keys and must pay: a job that still has most of its parent's rows has one hot key (or
 * hashes that collide), and one that was split DEPTH_MAX times has been given enough chances. Where FALSE and
 * NULL differ, a row with a NULL key concerns every job, so these joins go in passes, too. Then a probe row
 * knows its truth only after the last pass: it is carried from pass to pass with its truth so far; build rows
 * know after their own pass whether anything matched.
 *
 * Jobs wait in a list, the parts of the last split in front; each owns its two runs. */
#include "engine/op/join.h"

#include "engine/core/assert.h"

#define DEPTH_MAX 4u

void od_join_job_release(struct join_job *job)
{
    od_spill_run_free(job->probe);
    od_spill_run_free(job->build);
    job->probe = NULL;
    job->build = NULL;
}

/* A new job over empty runs in front of the waiting ones. */
static enum od_status add_job(struct join *join, uint32_t depth, struct join_job **job_out)
{
    struct od_op *op = &join->op;
    struct join_job *job = od_take(op->env.memory, sizeof(*job));
    *job_out = job;
    if (job == NULL)
        return od_op_no_memory(op, "splitting");
    *job = (struct join_job){.next = join->waiting, .depth = depth};
    join->waiting = job;
    OD_TRY(od_spill_run_new(&op->env, &op->node->inputs[1]->schema, &job->build, join->op.error));
    return od_spill_run_new(&op->env, &join->carried_schema, &job->probe, join->op.error);
}

enum od_status od_join_job_next(struct join *join)
{
    struct join_job *job = join->waiting;
    od_join_job_release(&join->job);
    if (job == NULL) {
        join->op.says = OD_STEP_DONE;
        return OD_OK;
    }
    join->waiting = job->next;
    join->job = *job;
    od_give(join->op.env.memory, job, sizeof(*job));
    join->state = JOIN_LOADING;
    od_batch_builder_reset(&join->build_rows);
    od_hash_table_reset(&join->table);
    return od_spill_run_rewind(join->job.build, join->op.error);
}

bool od_join_can_split(const struct join *join)
{
    const struct join_job *job = &join->job;
    if (!od_join_has_keys(join) || join->asks_nulls || job->depth == DEPTH_MAX)
        return false;
    return job->build == NULL || od_spill_run_row_count(job->build) <= job->parent_row_count / 2;
}

enum od_status od_join_split_rows(struct join *join, const struct od_batch *batch, const uint32_t *rows,
                                  uint32_t count, const uint64_t *hashes, bool is_build)
{
    OD_TAKE_LIST(uint32_t, part_rows, &join->op.batch_arena, count, join->op.error);
    for (uint32_t part = 0; part < JOIN_PARTS; part++) {
        struct od_spill_run *run = is_build ? join->parts[part]->build : join->parts[part]->probe;
        uint32_t part_count = 0;
        for (uint32_t i = 0; i < count; i++) {
            part_rows[part_count] = rows == NULL ? i : rows[i];
            part_count += od_mix(hashes[i] + join->job.depth + 1) % JOIN_PARTS == part;
        }
        OD_TRY(od_spill_run_append(run, batch, part_rows, part_count, join->op.error));
    }
    return OD_OK;
}

enum od_status od_join_split_begin(struct join *join)
{
    for (uint32_t part = JOIN_PARTS; part-- > 0;)
        OD_TRY(add_job(join, join->job.depth + 1, &join->parts[part]));
    join->build_cursor = 0;
    join->state = JOIN_SPLITTING_BUILD;
    return OD_OK;
}

enum od_status od_join_split_loaded(struct join *join)
{
    struct od_batch some;
    struct od_batch loaded = od_batch_builder_view(&join->build_rows);
    uint32_t first = join->build_cursor;
    uint32_t left = loaded.row_count - first;
    uint32_t count = left < od_op_step_rows(&join->op) ? left : od_op_step_rows(&join->op);
    od_arena_reset(&join->op.batch_arena);
    OD_TRY(od_batch_slice(&join->op.batch_arena, &loaded, first, count, &some, join->op.error));
    OD_TRY(od_join_split_rows(join, &some, NULL, count, join->table.hashes + first, true));
    join->build_cursor += count;
    if (count < left)
        return OD_OK;
    od_batch_builder_reset(&join->build_rows);
    od_hash_table_reset(&join->table);
    od_op_holds(&join->op, 0);
    return OD_OK;
}
