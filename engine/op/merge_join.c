/* merge_join: two inputs sorted by their keys (ascending, NULLs last), side by side.
 *
 *   probe batch   ... 3 4 4 4 7 ...           every row pairs with the whole group of its key
 *                         |
 *   window        1 2 [ 4 4 ] 5 6 ...         build rows: the group that is looked at, what is before (over)
 *                                             and behind it
 *                     first  end
 *
 *   ADVANCING   pairs, up to the end of the probe batch, of the window, or of the room for pairs
 *   FINISHING   the probe batch is over: rows that waited for all their pairs
 *   PULL_PROBE, PULL_BUILD   the next batch of a side; what is before the group leaves the window first
 *   HOT_BUILD, HOT_PROBE     a group that is too large to hold is cut out of both inputs into a job's runs;
 *                            the jobs run as hash joins in passes when the merge is over
 *   DRAINING    the probe side is over: the rest of the build side is read all the same, and comes out where
 *               it must
 *
 * A group is whole before its first pair is made, so that it can still be cut out. While a hot group is cut,
 * row 0 of the window is one of its rows, to compare with.
 *
 * Rows come out in the order of the probe side for INNER, SEMI and ANTI, as long as no group was hot. MARK
 * and NULL_ANTI are run by hash_join.c (see op.c): there a NULL key concerns all rows, wherever they are. */
#include "engine/op/join.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/op/key_equal.h"
#include "engine/op/row_order.h"

enum merge_state {
    MERGE_PULL_PROBE,
    MERGE_ADVANCING,
    MERGE_PULL_BUILD,
    MERGE_FINISHING,
    MERGE_HOT_BUILD,
    MERGE_HOT_PROBE,
    MERGE_DRAINING,
    MERGE_JOBS
};

struct merge {
    struct join join; /* build_rows is the window */
    enum merge_state state;
    bool build_is_over;
    bool group_is_whole;
    uint32_t group_first; /* in the window; what is before is over */
    uint32_t group_end;   /* rows known to be of the group; group_first: not looked at yet */
    uint32_t group_row;   /* next to pair with probe_row */
    struct join_job *hot; /* in join.waiting; the group that is being cut out */
};

static enum od_status merge_start(struct od_op *op, struct od_error *error)
{
    od_assert(op->node->join.key_count > 0);
    return od_join_start(op, error);
}

static int compare_keys(const struct merge *merge, uint32_t probe_row, uint32_t build_row)
{
    const struct od_physical *node = merge->join.op.node;
    int order = 0;
    for (uint32_t k = 0; k < node->join.key_count && order == 0; k++)
        order = od_cell_compare(&merge->join.probe->columns[node->join.probe_keys[k]], probe_row,
                                &merge->join.build.columns[node->join.build_keys[k]], build_row);
    return order;
}

/* Of a row of any batch and a row of the window. */
static bool keys_equal(const struct merge *merge, const struct od_batch *batch, const uint32_t *keys,
                       uint32_t row, uint32_t build_row)
{
    const struct od_physical *node = merge->join.op.node;
    for (uint32_t k = 0; k < node->join.key_count; k++) {
        if (!od_key_equal(&batch->columns[keys[k]], row, &merge->join.build.columns[node->join.build_keys[k]],
                          build_row))
            return false;
    }
    return true;
}

/* --- the window ----------------------------------------------------------------------------------------- */

static void seek_group(struct merge *merge, uint32_t first)
{
    merge->group_first = merge->group_end = merge->group_row = first;
    merge->group_is_whole = false;
}

static enum od_status window_append(struct merge *merge, const struct od_batch *batch, uint32_t first,
                                    struct od_error *error)
{
    struct join *join = &merge->join;
    uint32_t count = batch->row_count - first;
    OD_TRY(od_batch_builder_append_rows(&join->build_rows, batch, NULL, first, count, error));
    join->build = od_batch_builder_view(&join->build_rows);
    return od_join_reserve_marks(join, join->build.row_count, error);
}

/* Forgets the rows before `first`. There must be no pair. */
static enum od_status window_cut(struct merge *merge, uint32_t first, struct od_error *error)
{
    struct join *join = &merge->join;
    uint32_t left = join->build.row_count - first;
    struct od_batch_builder kept;
    od_assert(join->pair_count == 0);
    enum od_status status = od_batch_builder_init(&kept, join->op.env.memory, join->build_rows.schema, error);
    if (status == OD_OK)
        status = od_batch_builder_append_rows(&kept, &join->build, NULL, first, left, error);
    if (status != OD_OK) {
        od_batch_builder_release(&kept);
        return status;
    }
    od_batch_builder_release(&join->build_rows);
    join->build_rows = kept;
    join->build = od_batch_builder_view(&join->build_rows);
    if (join->keeps_build && join->build_matched != NULL) {
        memmove(join->build_matched, join->build_matched + first, left);
        memset(join->build_matched + left, 0, join->build_matched_capacity - left);
    }
    merge->group_first -= first;
    merge->group_end -= first;
    merge->group_row -= first;
    join->build_cursor = 0;
    return OD_OK;
}

/* The window's rows before the group leave: those that nothing matched come out, in as many steps as they
 * need. */
static enum od_status window_leave(struct merge *merge, bool *is_over_out, struct od_error *error)
{
    struct join *join = &merge->join;
    *is_over_out = true;
    join->view.row_count = 0;
    if (join->keeps_build)
        OD_TRY(od_join_unmatched(join, merge->group_first, is_over_out, error));
    *is_over_out = *is_over_out && join->view.row_count == 0;
    return *is_over_out ? window_cut(merge, merge->group_first, error) : OD_OK;
}

/* --- advancing ------------------------------------------------------------------------------------------ */

/* Looks for the end of the group; false when it is not in the window. */
static bool complete_group(struct merge *merge)
{
    const struct join *join = &merge->join;
    const uint32_t *keys = join->op.node->join.build_keys;
    while (!merge->group_is_whole) {
        if (merge->group_end < join->build.row_count &&
            keys_equal(merge, &join->build, keys, merge->group_end, merge->group_first))
            merge->group_end++;
        else if (merge->group_end < join->build.row_count || merge->build_is_over)
            merge->group_is_whole = true;
        else
            return false;
    }
    return true;
}

/* Pairs until something is missing; the state then says what. */
static void advance(struct merge *merge)
{
    struct join *join = &merge->join;
    const uint32_t *keys = join->op.node->join.probe_keys;
    while (join->probe_row < join->probe->row_count) {
        bool has_group = merge->group_first < join->build.row_count;
        if (od_join_has_null_key(join, join->probe, keys, join->probe_row) ||
            (!has_group && merge->build_is_over)) {
            join->probe_row++;
            continue;
        }
        int order = has_group ? compare_keys(merge, join->probe_row, merge->group_first) : 0;
        if (order < 0) {
            join->probe_row++;
            continue;
        }
        if (order > 0) {
            seek_group(merge, merge->group_is_whole ? merge->group_end : merge->group_first + 1);
            continue;
        }
        if (!has_group || !complete_group(merge)) {
            merge->state = MERGE_PULL_BUILD;
            return;
        }
        for (; merge->group_row < merge->group_end; merge->group_row++) {
            if (join->pair_count == join->op.env.batch_rows)
                return;
            od_join_pair(join, join->probe_row, merge->group_row, JOIN_TRUE);
        }
        merge->group_row = merge->group_first;
        join->probe_row++;
    }
    join->probe_row = 0;
    merge->state = MERGE_FINISHING;
}

static enum od_step step_advance(struct merge *merge, const struct od_batch **batch_out,
                                 struct od_error *error)
{
    advance(merge);
    return od_join_show(&merge->join, od_join_judge(&merge->join, error), batch_out);
}

static enum od_step step_finish(struct merge *merge, const struct od_batch **batch_out,
                                struct od_error *error)
{
    bool is_over;
    enum od_status status = od_join_finish(&merge->join, &is_over, error);
    if (is_over)
        merge->state = MERGE_PULL_PROBE;
    return od_join_show(&merge->join, status, batch_out);
}

/* --- hot groups ----------------------------------------------------------------------------------------- */

/* The group that begins the window, and fills it, is too large. */
static enum od_status begin_hot(struct merge *merge, struct od_error *error)
{
    struct join *join = &merge->join;
    od_assert(merge->group_first == 0);
    od_assert(merge->group_end == join->build.row_count);
    OD_TRY(od_join_job_add(join, 0, &merge->hot, error));
    OD_TRY(od_spill_run_append(merge->hot->build, &join->build, NULL, join->build.row_count, error));
    OD_TRY(window_cut(merge, join->build.row_count - 1, error));
    seek_group(merge, 0);
    if (join->keeps_build)
        join->build_matched[0] = 1; /* the job answers for it */
    merge->state = MERGE_HOT_BUILD;
    return OD_OK;
}

static enum od_status hot_build(struct merge *merge, const struct od_batch *batch, struct od_error *error)
{
    const uint32_t *keys = merge->join.op.node->join.build_keys;
    uint32_t count = 0;
    while (count < batch->row_count && keys_equal(merge, batch, keys, count, 0))
        count++;
    OD_TRY(od_spill_run_append(merge->hot->build, batch, NULL, count, error));
    if (count == batch->row_count)
        return OD_OK;
    merge->state = MERGE_HOT_PROBE;
    return window_append(merge, batch, count, error);
}

static enum od_step step_hot_build(struct merge *merge, struct od_error *error)
{
    const struct od_batch *batch;
    enum od_step step = od_op_pull(&merge->join.op, 1, &batch, error);
    if (step == OD_STEP_DONE) {
        merge->build_is_over = true;
        merge->state = MERGE_HOT_PROBE;
        return OD_STEP_AGAIN;
    }
    if (step != OD_STEP_OUTPUT)
        return step;
    return hot_build(merge, batch, error) == OD_OK ? OD_STEP_AGAIN : OD_STEP_FAILED;
}

static void end_hot(struct merge *merge)
{
    merge->hot = NULL;
    seek_group(merge, 1);
}

/* Gives the group's rows of this probe batch, from probe_row on, to the job. */
static enum od_status hot_probe(struct merge *merge, struct od_error *error)
{
    struct join *join = &merge->join;
    struct od_batch carried;
    uint32_t count = 0;
    uint32_t *rows = od_arena_take_raw(&join->op.batch_arena, join->probe->row_count * sizeof(*rows));
    if (rows == NULL)
        return od_op_no_memory(&join->op, "setting a group aside", error);
    OD_TRY(od_join_carry(join, &carried, error));
    while (join->probe_row < join->probe->row_count && compare_keys(merge, join->probe_row, 0) == 0) {
        join->probe_truth[join->probe_row] = JOIN_ELSEWHERE;
        rows[count++] = join->probe_row++;
    }
    OD_TRY(od_spill_run_append(merge->hot->probe, &carried, rows, count, error));
    if (join->probe_row < join->probe->row_count)
        end_hot(merge);
    merge->state = MERGE_ADVANCING; /* a hot group lasts into the next batch, see begin_probe */
    return OD_OK;
}

/* --- pulling -------------------------------------------------------------------------------------------- */

static enum od_step step_pull_build(struct merge *merge, const struct od_batch **batch_out,
                                    struct od_error *error)
{
    struct join *join = &merge->join;
    const struct od_batch *batch;
    bool is_over = true;
    bool is_due = od_spill_is_due(&join->op.env, od_spill_batch_bytes(&join->build));
    if (merge->group_first > 0 && (is_due || merge->group_first >= join->build.row_count / 2)) {
        enum od_status status = window_leave(merge, &is_over, error);
        if (status != OD_OK || !is_over)
            return od_join_show(join, status, batch_out);
        is_due = od_spill_is_due(&join->op.env, od_spill_batch_bytes(&join->build));
    }
    if (is_due && merge->group_end > merge->group_first)
        return begin_hot(merge, error) == OD_OK ? OD_STEP_AGAIN : OD_STEP_FAILED;
    enum od_step step = od_op_pull(&join->op, 1, &batch, error);
    if (step == OD_STEP_DONE)
        merge->build_is_over = true;
    else if (step != OD_STEP_OUTPUT)
        return step;
    else if (window_append(merge, batch, 0, error) != OD_OK)
        return OD_STEP_FAILED;
    merge->state = MERGE_ADVANCING;
    return OD_STEP_AGAIN;
}

static enum od_step step_pull_probe(struct merge *merge, struct od_error *error)
{
    struct join *join = &merge->join;
    const struct od_batch *batch;
    enum od_step step = od_op_pull(&join->op, 0, &batch, error);
    if (step == OD_STEP_DONE) {
        if (merge->hot != NULL)
            end_hot(merge);
        seek_group(merge, join->build.row_count);
        merge->state = MERGE_DRAINING;
        return OD_STEP_AGAIN;
    }
    if (step != OD_STEP_OUTPUT)
        return step;
    if (od_join_probe_begin(join, batch, false, error) != OD_OK)
        return OD_STEP_FAILED;
    merge->state = merge->hot == NULL ? MERGE_ADVANCING : MERGE_HOT_PROBE;
    return OD_STEP_AGAIN;
}

static enum od_step step_drain(struct merge *merge, const struct od_batch **batch_out, struct od_error *error)
{
    struct join *join = &merge->join;
    const struct od_batch *batch;
    bool is_over = true;
    if (join->build.row_count > 0) {
        enum od_status status = window_leave(merge, &is_over, error);
        return od_join_show(join, status, batch_out);
    }
    enum od_step step = merge->build_is_over ? OD_STEP_DONE : od_op_pull(&join->op, 1, &batch, error);
    if (step == OD_STEP_OUTPUT) {
        if (join->keeps_build && window_append(merge, batch, 0, error) != OD_OK)
            return OD_STEP_FAILED;
        seek_group(merge, join->build.row_count);
        return OD_STEP_AGAIN;
    }
    if (step != OD_STEP_DONE)
        return step;
    merge->state = MERGE_JOBS;
    if (od_join_job_next(join, &is_over, error) != OD_OK)
        return OD_STEP_FAILED;
    return is_over ? OD_STEP_AGAIN : OD_STEP_DONE;
}

static enum od_step merge_step(struct od_op *op, const struct od_batch **batch_out, struct od_error *error)
{
    struct merge *merge = (struct merge *)op;
    switch (merge->state) {
    case MERGE_PULL_PROBE: {
        enum od_step step = step_pull_probe(merge, error);
        if (step != OD_STEP_AGAIN || merge->state != MERGE_ADVANCING)
            return step;
        return step_advance(merge, batch_out, error);
    }
    case MERGE_ADVANCING:
        return step_advance(merge, batch_out, error);
    case MERGE_PULL_BUILD:
        return step_pull_build(merge, batch_out, error);
    case MERGE_FINISHING:
        return step_finish(merge, batch_out, error);
    case MERGE_HOT_BUILD:
        return step_hot_build(merge, error);
    case MERGE_HOT_PROBE:
        return hot_probe(merge, error) == OD_OK ? OD_STEP_AGAIN : OD_STEP_FAILED;
    case MERGE_DRAINING:
        return step_drain(merge, batch_out, error);
    case MERGE_JOBS:
        return od_join_step(op, batch_out, error);
    }
    od_unreachable();
}

const struct od_op_kind od_op_merge_join = {
    .bytes = sizeof(struct merge), .start = merge_start, .step = merge_step, .release = od_join_release};
