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
 *   HASHING     a group is too large to hold: what is left of both inputs is joined by hash, which can spill
 *   DRAINING    the probe side is over: the rest of the build side is read all the same, and comes out where
 *               it must
 *
 * A group is whole before its first pair is made, so that it can still be left to the hash join: rows of the probe batch
 * before it finish first.
 *
 * Rows come out in the order of the probe side for INNER, SEMI and ANTI, as long as no group was too large. MARK
 * and NULL_ANTI are run by hash_join.c (see op.c): there a NULL key concerns all rows, wherever they are. */
#include "engine/op/join.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/data/key_equal.h"
#include "engine/op/row_order.h"

enum merge_state {
    MERGE_PULL_PROBE,
    MERGE_ADVANCING,
    MERGE_PULL_BUILD,
    MERGE_FINISHING,
    MERGE_DRAINING,
    MERGE_HASHING
};

struct merge {
    struct join join; /* build_rows is the window */
    enum merge_state state;
    bool build_is_over;
    bool group_is_whole;
    bool hashes_rest; /* HASHING follows FINISHING; the hash join's from probe row rest_first on */
    uint32_t rest_first;
    uint32_t group_first; /* in the window; what is before is over */
    uint32_t group_end;   /* rows known to be of the group; group_first: not looked at yet */
    uint32_t group_row;   /* next to pair with probe_row */
};

static int compare_keys(const struct merge *merge, uint32_t probe_row, uint32_t build_row)
{
    const struct od_physical *node = merge->join.op.node;
    int order = 0;
    for (uint32_t k = 0; k < node->join.key_count && order == 0; k++)
        order = od_cell_compare(&merge->join.probe->columns[node->join.probe_keys[k]], probe_row,
                                &merge->join.build.columns[node->join.build_keys[k]], build_row);
    return order;
}

/* Of two rows of the window. */
static bool are_of_one_group(const struct join *join, uint32_t left, uint32_t right)
{
    const struct od_physical *node = join->op.node;
    for (uint32_t k = 0; k < node->join.key_count; k++) {
        const struct od_column *column = &join->build.columns[node->join.build_keys[k]];
        if (!od_key_equal(column, left, column, right))
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

static enum od_status window_append(struct join *join, const struct od_batch *batch)
{
    OD_TRY(od_batch_builder_append_rows(&join->build_rows, batch, NULL, 0, batch->row_count, join->op.error));
    join->build = od_batch_builder_view(&join->build_rows);
    return od_join_reserve_marks(join, join->build.row_count);
}

/* The window's rows before the group leave: those that nothing matched come out, in as many steps as they need; then
 * group_first is 0. */
static enum od_status window_leave(struct merge *merge)
{
    struct join *join = &merge->join;
    uint32_t first = merge->group_first;
    uint32_t left = join->build.row_count - first;
    if (join->keeps_build)
        OD_TRY(od_join_unmatched(join, first));
    if (join->keeps_build && join->build_cursor < first)
        return OD_OK;
    od_assert(join->pair_count == 0);
    OD_TRY(od_batch_builder_keep(&join->build_rows, NULL, first, left, join->op.error));
    join->build = od_batch_builder_view(&join->build_rows);
    if (join->build_matched != NULL) {
        memmove(join->build_matched, join->build_matched + first, left);
        memset(join->build_matched + left, 0, join->build_matched_capacity - left);
    }
    merge->group_first = 0;
    merge->group_end -= first;
    merge->group_row -= first;
    join->build_cursor = 0;
    return OD_OK;
}

/* --- advancing ------------------------------------------------------------------------------------------ */

/* Looks for the end of the group; false when it is not in the window. */
static bool complete_group(struct merge *merge)
{
    const struct join *join = &merge->join;
    while (!merge->group_is_whole) {
        if (merge->group_end < join->build.row_count &&
            are_of_one_group(join, merge->group_end, merge->group_first))
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

/* The group that begins the window, and fills it, is too large: it and all behind it are left to the hash join. */
static void leave_rest(struct merge *merge)
{
    struct join *join = &merge->join;
    od_assert(merge->group_first == 0);
    merge->hashes_rest = true;
    merge->rest_first = join->probe_row;
    memset(join->probe_truth + join->probe_row, JOIN_LATER, join->probe->row_count - join->probe_row);
    join->probe_row = 0;
    merge->state = MERGE_FINISHING;
}

static enum od_status step_finish(struct merge *merge)
{
    struct join *join = &merge->join;
    OD_TRY(od_join_finish(join));
    if (join->probe_row < join->probe->row_count)
        return OD_OK;
    merge->state = merge->hashes_rest ? MERGE_HASHING : MERGE_PULL_PROBE;
    join->probe_row = merge->rest_first;
    return merge->hashes_rest ? od_join_begin_hashing(join) : OD_OK;
}

/* --- pulling -------------------------------------------------------------------------------------------- */

static enum od_status step_pull_build(struct merge *merge)
{
    struct join *join = &merge->join;
    const struct od_batch *batch;
    bool is_due = od_op_holds(&join->op, od_spill_batch_bytes(&join->build));
    if (merge->group_first > 0 && (is_due || merge->group_first >= join->build.row_count / 2)) {
        OD_TRY(window_leave(merge));
        if (merge->group_first > 0 || join->op.view.row_count > 0)
            return OD_OK;
        is_due = od_op_holds(&join->op, od_spill_batch_bytes(&join->build));
    }
    if (is_due && merge->group_end > merge->group_first) {
        leave_rest(merge);
        return OD_OK;
    }
    OD_TRY(od_op_pull(&join->op, 1, &batch));
    if (batch != NULL)
        OD_TRY(window_append(join, batch));
    merge->build_is_over = od_op_input_ended(&join->op);
    if (batch != NULL || merge->build_is_over)
        merge->state = MERGE_ADVANCING;
    return OD_OK;
}

static enum od_status step_pull_probe(struct merge *merge)
{
    struct join *join = &merge->join;
    const struct od_batch *batch;
    OD_TRY(od_op_pull(&join->op, 0, &batch));
    if (batch != NULL) {
        OD_TRY(od_join_probe_begin(join, batch, false));
        merge->state = MERGE_ADVANCING;
    } else if (od_op_input_ended(&join->op)) {
        seek_group(merge, join->build.row_count);
        merge->state = MERGE_DRAINING;
    }
    return OD_OK;
}

static enum od_status step_drain(struct merge *merge)
{
    struct join *join = &merge->join;
    const struct od_batch *batch;
    if (join->build.row_count > 0)
        return window_leave(merge);
    join->op.says = OD_STEP_DONE;
    if (merge->build_is_over)
        return OD_OK;
    OD_TRY(od_op_pull(&join->op, 1, &batch));
    if (batch != NULL && join->keeps_build)
        OD_TRY(window_append(join, batch));
    seek_group(merge, join->build.row_count);
    return OD_OK;
}

static enum od_status merge_step(struct od_op *op)
{
    struct merge *merge = (struct merge *)op;
    od_assert(op->node->join.key_count > 0);
    switch (merge->state) {
    case MERGE_PULL_BUILD:
        return step_pull_build(merge);
    case MERGE_FINISHING:
        return step_finish(merge);
    case MERGE_DRAINING:
        return step_drain(merge);
    case MERGE_HASHING:
        return od_join_step(op);
    case MERGE_PULL_PROBE:
        OD_TRY(step_pull_probe(merge));
        break;
    case MERGE_ADVANCING:
        break;
    }
    if (merge->state != MERGE_ADVANCING)
        return OD_OK;
    advance(merge);
    return od_join_judge(&merge->join);
}

const struct od_op_kind od_op_merge_join = {
    .bytes = sizeof(struct merge), .start = od_join_start, .step = merge_step, .release = od_join_release};
