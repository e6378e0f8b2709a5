/* hash_join: HASH and NESTED_LOOP: all build rows in memory, probe rows past them.
 *
 *   LOADING     build rows, until all are there     --too many-->  SPLITTING_BUILD, _PROBE -> next job
 *      |        or (a pass) no more may be held
 *   PULLING     a probe batch                       --no more-->   UNMATCHED -> next pass | job | the end
 *   MATCHING    its pairs                           --no more-->   FINISHING
 *   FINISHING   rows that waited for all their pairs, or (not the last pass) they are carried on  --> PULLING
 *
 * Candidates of a probe row: the build rows of its hash. Where FALSE and NULL differ, also the build rows
 * with a NULL key, which have one hash for all (to meet a row twice does no harm: only the OR of the truths
 * is asked); and for a probe row with a NULL key, or without keys (nested loop), all of them. Rows with a NULL
 * key are not even kept where they can neither match nor come out.
 *
 * Only the steps change the state. Both inputs are read to their ends, whatever the other one holds: whether
 * an expression below fails must not depend on it. A step works on one batch and looks at
 * od_op_step_rows candidates at most; linking the table is the one thing here that grows with the whole side
 * (about 10 ns a row). */
#include "engine/op/join.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/data/key_equal.h"

#define NULL_HASH 0 /* of build rows with a NULL key, where FALSE and NULL differ; others may have it, too */

static bool key_is_null_safe(const struct join *join, uint32_t key)
{
    return join->op.node->join.null_safe_keys >> key & 1;
}

bool od_join_has_null_key(const struct join *join, const struct od_batch *batch, const uint32_t *keys,
                          uint32_t row)
{
    for (uint32_t k = 0; k < join->op.node->join.key_count; k++) {
        if (!key_is_null_safe(join, k) && od_column_is_null(&batch->columns[keys[k]], row))
            return true;
    }
    return false;
}

/* The next batch of a side: an input's, or of the run that stands for it. */
static enum od_status pull(struct join *join, bool is_build, const struct od_batch **batch_out)
{
    struct od_spill_run *run = is_build ? join->job.build : join->job.probe;
    if (run != NULL) {
        OD_TRY(od_spill_run_next(run, batch_out, join->op.error));
        join->op.says = *batch_out == NULL ? OD_STEP_DONE : OD_STEP_AGAIN;
        return OD_OK;
    }
    if (is_build || join->probe_rest.row_count == 0)
        return od_op_pull(&join->op, is_build, batch_out);
    join->probe_now = join->probe_rest;
    join->probe_rest.row_count = 0;
    *batch_out = &join->probe_now;
    return OD_OK;
}

/* --- the build side ------------------------------------------------------------------------------------- */

/* Of a build batch, in batch_arena: rows worth keeping, and their hashes (NULL without keys). */
struct build_rows {
    const uint32_t *rows; /* NULL: all */
    uint32_t count;
    uint64_t *hashes;
};

static enum od_status choose_build_rows(struct join *join, const struct od_batch *batch,
                                        struct build_rows *chosen)
{
    struct od_op *op = &join->op;
    const uint32_t *keys = op->node->join.build_keys;
    bool keeps_nulls = join->asks_nulls || join->keeps_build;
    *chosen = (struct build_rows){.count = batch->row_count};
    od_arena_reset(&op->batch_arena);
    if (!od_join_has_keys(join))
        return OD_OK;
    OD_TAKE_LIST(uint32_t, rows, &op->batch_arena, batch->row_count, op->error);
    OD_TAKE_LIST(uint64_t, hashes, &op->batch_arena, batch->row_count, op->error);
    od_op_hash_keys(op, batch, keys, op->node->join.key_count, hashes);
    uint32_t count = 0;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        bool has_null = od_join_has_null_key(join, batch, keys, row);
        rows[count] = row;
        hashes[count] = has_null && join->asks_nulls ? NULL_HASH : hashes[row]; /* row >= count */
        count += keeps_nulls || !has_null;
    }
    *chosen = (struct build_rows){count == batch->row_count ? NULL : rows, count, hashes};
    return OD_OK;
}

/* The build rows of this pass are loaded. */
static enum od_status begin_probing(struct join *join, bool is_last_pass)
{
    join->is_last_pass = is_last_pass;
    join->state = JOIN_PULLING;
    join->build = od_batch_builder_view(&join->build_rows);
    OD_TRY(od_hash_table_link(&join->table, join->op.error));
    OD_TRY(od_join_reserve_marks(join, join->build.row_count));
    if (join->keeps_build && join->build.row_count > 0)
        memset(join->build_matched, 0, join->build.row_count);
    if (join->job.probe != NULL)
        OD_TRY(od_spill_run_rewind(join->job.probe, join->op.error));
    if (is_last_pass)
        return OD_OK;
    return od_spill_run_new(&join->op.env, &join->carried_schema, &join->carried, join->op.error);
}

static enum od_status load(struct join *join, const struct od_batch *batch)
{
    struct build_rows chosen;
    OD_TRY(choose_build_rows(join, batch, &chosen));
    OD_TRY(
        od_batch_builder_append_rows(&join->build_rows, batch, chosen.rows, 0, chosen.count, join->op.error));
    if (chosen.hashes != NULL)
        OD_TRY(od_hash_table_append(&join->table, chosen.hashes, chosen.count, join->op.error));
    struct od_batch loaded = od_batch_builder_view(&join->build_rows);
    uint64_t table_bytes = join->table.row_count * (sizeof(uint64_t) + 2 * sizeof(uint32_t));
    if (!od_op_holds(&join->op, od_spill_batch_bytes(&loaded) + table_bytes))
        return OD_OK;
    return od_join_can_split(join) ? od_join_split_begin(join) : begin_probing(join, false);
}

static enum od_status step_load(struct join *join)
{
    const struct od_batch *batch;
    OD_TRY(pull(join, true, &batch));
    if (batch != NULL)
        return load(join, batch);
    return od_op_input_ended(&join->op) ? begin_probing(join, true) : OD_OK;
}

/* --- splitting ------------------------------------------------------------------------------------------ */

static enum od_status begin_splitting_probe(struct join *join)
{
    uint64_t row_count = 0;
    for (uint32_t part = 0; part < JOIN_PARTS; part++)
        row_count += od_spill_run_row_count(join->parts[part]->build);
    for (uint32_t part = 0; part < JOIN_PARTS; part++)
        join->parts[part]->parent_row_count = row_count;
    join->state = JOIN_SPLITTING_PROBE;
    return join->job.probe == NULL ? OD_OK : od_spill_run_rewind(join->job.probe, join->op.error);
}

static enum od_status hash_probe(struct join *join)
{
    struct od_op *op = &join->op;
    if (!od_join_has_keys(join))
        return OD_OK;
    OD_TAKE(join->probe_hashes, &op->batch_arena, join->probe->row_count, op->error);
    od_op_hash_keys(op, join->probe, op->node->join.probe_keys, op->node->join.key_count, join->probe_hashes);
    return OD_OK;
}

static enum od_status split_probe(struct join *join, const struct od_batch *batch)
{
    struct od_batch carried;
    OD_TRY(od_join_probe_begin(join, batch, join->job.probe != NULL));
    OD_TRY(hash_probe(join));
    OD_TRY(od_join_carry(join, &carried));
    return od_join_split_rows(join, &carried, NULL, batch->row_count, join->probe_hashes, false);
}

static enum od_status step_split(struct join *join)
{
    const struct od_batch *batch;
    struct build_rows chosen;
    bool is_build = join->state == JOIN_SPLITTING_BUILD;
    if (is_build && join->build_rows.row_count > 0)
        return od_join_split_loaded(join);
    OD_TRY(pull(join, is_build, &batch));
    if (batch == NULL && !od_op_input_ended(&join->op))
        return OD_OK;
    if (batch == NULL)
        return is_build ? begin_splitting_probe(join) : od_join_job_next(join);
    if (!is_build)
        return split_probe(join, batch);
    OD_TRY(choose_build_rows(join, batch, &chosen));
    return od_join_split_rows(join, batch, chosen.rows, chosen.count, chosen.hashes, true);
}

/* --- candidates ----------------------------------------------------------------------------------------- */

/* Behind the chain of a row's hash comes that of the rows with a NULL key, where they are asked. */
static uint32_t or_first_null(struct join *join, uint32_t candidate)
{
    if (candidate != OD_HASH_TABLE_NONE || join->search != JOIN_IN_CHAIN || !join->asks_nulls)
        return candidate;
    join->search = JOIN_AMONG_NULLS;
    return od_hash_table_first(&join->table, NULL_HASH);
}

/* To the first candidate of probe_row. */
static void seek_row(struct join *join)
{
    join->candidate = OD_HASH_TABLE_NONE;
    if (join->probe_row == join->probe->row_count || join->build.row_count == 0)
        return;
    bool has_null = od_join_has_keys(join) &&
                    od_join_has_null_key(join, join->probe, join->op.node->join.probe_keys, join->probe_row);
    if (!od_join_has_keys(join) || (has_null && join->asks_nulls)) {
        join->search = JOIN_EVERYWHERE;
        join->candidate = 0;
    } else if (!has_null) {
        join->search = JOIN_IN_CHAIN;
        join->candidate =
            or_first_null(join, od_hash_table_first(&join->table, join->probe_hashes[join->probe_row]));
    }
}

static void seek_candidate(struct join *join)
{
    if (join->search != JOIN_EVERYWHERE)
        join->candidate = or_first_null(join, od_hash_table_next(&join->table, join->candidate));
    else if (++join->candidate == join->build.row_count)
        join->candidate = OD_HASH_TABLE_NONE;
}

/* Of the keys of probe_row and the candidate. */
static enum join_truth key_truth(const struct join *join)
{
    const struct od_physical *node = join->op.node;
    enum join_truth truth = JOIN_TRUE;
    for (uint32_t k = 0; k < node->join.key_count; k++) {
        const struct od_column *probe = &join->probe->columns[node->join.probe_keys[k]];
        const struct od_column *build = &join->build.columns[node->join.build_keys[k]];
        bool has_null =
            od_column_is_null(probe, join->probe_row) || od_column_is_null(build, join->candidate);
        if (has_null && !key_is_null_safe(join, k))
            truth = JOIN_NULL;
        else if (!od_key_equal(probe, join->probe_row, build, join->candidate))
            return JOIN_FALSE;
    }
    return truth;
}

/* Can no candidate that is left change the truth of probe_row? */
static bool is_decided(const struct join *join)
{
    bool can_be_true = join->search == JOIN_IN_CHAIN || !od_join_has_keys(join);
    return join->may_stop && join->probe_truth[join->probe_row] >= (can_be_true ? JOIN_TRUE : JOIN_NULL);
}

/* Collects pairs as far as there is room, and looks at od_op_step_rows candidates. True at the end of the batch.
 * */
static bool collect_pairs(struct join *join)
{
    uint32_t looked = 0;
    uint32_t looked_max = od_op_step_rows(&join->op);
    while (join->probe_row < join->probe->row_count) {
        for (; join->candidate != OD_HASH_TABLE_NONE && !is_decided(join); seek_candidate(join)) {
            if (join->pair_count == join->op.env.batch_rows || looked++ == looked_max)
                return false;
            enum join_truth truth = key_truth(join);
            if (truth == JOIN_TRUE || (truth == JOIN_NULL && join->asks_nulls))
                od_join_pair(join, join->probe_row, join->candidate, truth);
        }
        join->probe_row++;
        seek_row(join);
    }
    return true;
}

/* --- probing -------------------------------------------------------------------------------------------- */

static enum od_status step_pull(struct join *join)
{
    const struct od_batch *batch;
    OD_TRY(pull(join, false, &batch));
    if (batch == NULL && od_op_input_ended(&join->op)) {
        join->state = JOIN_UNMATCHED;
        join->build_cursor = 0;
    }
    if (batch == NULL)
        return OD_OK;
    OD_TRY(od_join_probe_begin(join, batch, join->job.probe != NULL));
    OD_TRY(hash_probe(join));
    seek_row(join);
    join->state = JOIN_MATCHING;
    return OD_OK;
}

static enum od_status step_match(struct join *join)
{
    bool is_over = collect_pairs(join);
    OD_TRY(od_join_judge(join));
    if (!is_over)
        return OD_OK;
    join->state = join->is_last_pass && !od_join_finishes(join) ? JOIN_PULLING : JOIN_FINISHING;
    join->probe_row = 0;
    return OD_OK;
}

static enum od_status step_finish(struct join *join)
{
    struct od_batch carried;
    if (join->is_last_pass) {
        OD_TRY(od_join_finish(join));
    } else {
        OD_TRY(od_join_carry(join, &carried));
        OD_TRY(od_spill_run_append(join->carried, &carried, NULL, carried.row_count, join->op.error));
        join->probe_row = carried.row_count;
    }
    if (join->probe_row == join->probe->row_count)
        join->state = JOIN_PULLING;
    return OD_OK;
}

/* The probe side is over: what of the build side comes out, then the next pass or job. */
static enum od_status step_unmatched(struct join *join)
{
    if (join->keeps_build && join->build_cursor < join->build.row_count)
        return od_join_unmatched(join, join->build.row_count);
    if (join->is_last_pass)
        return od_join_job_next(join);
    od_spill_run_free(join->job.probe);
    join->job.probe = join->carried;
    join->carried = NULL;
    od_batch_builder_reset(&join->build_rows);
    od_hash_table_reset(&join->table);
    join->state = JOIN_LOADING;
    return OD_OK;
}

enum od_status od_join_begin_hashing(struct join *join)
{
    struct build_rows loaded;
    struct od_op *op = &join->op;
    uint32_t first = join->probe_row;
    OD_TRY(od_batch_slice(&op->operator_arena, join->probe, first, join->probe->row_count - first,
                          &join->probe_rest, op->error));
    OD_TRY(choose_build_rows(join, &join->build, &loaded));
    OD_TRY(od_batch_builder_keep(&join->build_rows, loaded.rows, 0, loaded.count, op->error));
    join->state = JOIN_LOADING;
    return od_hash_table_append(&join->table, loaded.hashes, loaded.count, op->error);
}

enum od_status od_join_step(struct od_op *op)
{
    struct join *join = (struct join *)op;
    switch (join->state) {
    case JOIN_LOADING:
        return step_load(join);
    case JOIN_SPLITTING_BUILD:
    case JOIN_SPLITTING_PROBE:
        return step_split(join);
    case JOIN_UNMATCHED:
        return step_unmatched(join);
    case JOIN_PULLING:
        OD_TRY(step_pull(join));
        break;
    case JOIN_MATCHING:
    case JOIN_FINISHING:
        break;
    }
    if (join->state == JOIN_MATCHING)
        OD_TRY(step_match(join));
    return join->state == JOIN_FINISHING && op->view.row_count == 0 ? step_finish(join) : OD_OK;
}

const struct od_op_kind od_op_hash_join = {
    .bytes = sizeof(struct join), .start = od_join_start, .step = od_join_step, .release = od_join_release};
