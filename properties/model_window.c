/* model_window: window functions, row by row: each row looks at its whole partition.
 *
 * Rows are sorted by partition, keys and the whole row; that order decides between peers where something must. A row of a
 * frame is one for which in_frame() says so; nothing is kept from one row to the next. */
#include "properties/model.h"

#include "engine/core/assert.h"

#include <string.h>

struct partition {
    struct od_arena *arena;
    const struct od_plan *plan;
    const struct od_value *const *rows; /* of the partition, in order */
    const struct od_value *const *keys; /* the same rows' keys */
    uint32_t row_count;
};

static bool keys_are_equal(const struct od_value *left, const struct od_value *right, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (left[i].is_null != right[i].is_null ||
            (!left[i].is_null && od_model_order(&left[i], &right[i]) != 0))
            return false;
    return true;
}

static bool are_peers(const struct partition *partition, uint32_t left, uint32_t right)
{
    return keys_are_equal(partition->keys[left], partition->keys[right], partition->plan->window.key_count);
}

/* How many groups of peers begin at or before the row. */
static int64_t group_of(const struct partition *partition, uint32_t row)
{
    int64_t group = 1;
    for (uint32_t i = 1; i <= row; i++)
        group += !are_peers(partition, i - 1, i);
    return group;
}

/* --- frames -------------------------------------------------------------------------------------------------------- */

/* Whether the distance from a row to another, counted in the frame's unit, is at or behind a bound that starts a frame. */
static bool is_behind(enum od_frame_bound bound, int64_t distance, int64_t offset)
{
    switch (bound) {
    case OD_FRAME_UNBOUNDED_PRECEDING:
        return true;
    case OD_FRAME_PRECEDING:
        return distance >= -offset;
    case OD_FRAME_CURRENT_ROW:
        return distance >= 0;
    case OD_FRAME_FOLLOWING:
        return distance >= offset;
    case OD_FRAME_UNBOUNDED_FOLLOWING:
        break;
    }
    return false;
}

static bool in_frame(const struct partition *partition, const struct od_window_frame *frame,
                     const int64_t offsets[2], uint32_t row, uint32_t other)
{
    bool is_peer = are_peers(partition, row, other);
    int64_t distance = (int64_t)other - row;
    if (frame->unit != OD_FRAME_ROWS) /* RANGE without offsets is GROUPS */
        distance = group_of(partition, other) - group_of(partition, row);
    /* An end mirrors a start. */
    static const enum od_frame_bound mirrored[] = {OD_FRAME_UNBOUNDED_FOLLOWING, OD_FRAME_FOLLOWING,
                                                   OD_FRAME_CURRENT_ROW, OD_FRAME_PRECEDING,
                                                   OD_FRAME_UNBOUNDED_PRECEDING};
    if (!is_behind(frame->start, distance, offsets[0]) ||
        !is_behind(mirrored[frame->end], -distance, offsets[1]))
        return false;
    switch (frame->exclusion) {
    case OD_FRAME_EXCLUDE_NOTHING:
        return true;
    case OD_FRAME_EXCLUDE_ROW:
        return row != other;
    case OD_FRAME_EXCLUDE_GROUP:
        return !is_peer;
    case OD_FRAME_EXCLUDE_TIES:
        return row == other || !is_peer;
    }
    od_unreachable();
}

/* Constants: evaluated without a row. */
static enum od_status find_offsets(const struct partition *partition, const struct od_window_frame *frame,
                                   int64_t offsets[2], struct od_error *error)
{
    const struct od_expr *const exprs[2] = {frame->start_offset, frame->end_offset};
    for (int i = 0; i < 2; i++) {
        struct od_value value = {.int64 = 0};
        enum od_status status =
            exprs[i] == NULL ? OD_OK : od_model_evaluate(partition->arena, exprs[i], NULL, &value, error);
        if (status != OD_OK)
            return status;
        if (value.is_null || value.int64 < 0)
            return od_fail(error, OD_EVALUATION, "a frame's offset must not be null or negative");
        if (exprs[i] != NULL && frame->unit == OD_FRAME_RANGE)
            return od_fail(error, OD_UNSUPPORTED, "the model does not know RANGE with offsets");
        offsets[i] = value.int64;
    }
    return OD_OK;
}

/* --- functions ----------------------------------------------------------------------------------------------------- */

static enum od_status argument_at(const struct partition *partition, const struct od_window_call *call,
                                  uint32_t argument, uint32_t row, struct od_value *value_out,
                                  struct od_error *error)
{
    return od_model_evaluate(partition->arena, call->arguments[argument], partition->rows[row], value_out,
                             error);
}

static enum od_status lag_or_lead(const struct partition *partition, const struct od_window_call *call,
                                  uint32_t row, struct od_value *value_out, struct od_error *error)
{
    struct od_value offset = {.int64 = 1};
    if (call->argument_count > 1) {
        enum od_status status = argument_at(partition, call, 1, row, &offset, error);
        if (status != OD_OK || offset.is_null) {
            value_out->is_null = true;
            return status;
        }
    }
    int64_t at = (int64_t)row + (call->function == OD_WINDOW_LAG ? -offset.int64 : offset.int64);
    if (at >= 0 && at < partition->row_count)
        return argument_at(partition, call, 0, (uint32_t)at, value_out, error);
    value_out->is_null = call->argument_count < 3;
    return call->argument_count < 3 ? OD_OK : argument_at(partition, call, 2, row, value_out, error);
}

static enum od_status over_frame(const struct partition *partition, const struct od_window_call *call,
                                 uint32_t row, struct od_value *value_out, struct od_error *error)
{
    int64_t offsets[2];
    uint32_t *frame = od_arena_take_array(partition->arena, partition->row_count, sizeof(*frame));
    const struct od_value **rows = od_arena_take_array(partition->arena, partition->row_count, sizeof(*rows));
    if (frame == NULL || rows == NULL)
        return od_fail(error, OD_NO_MEMORY, "the model ran out of memory");
    enum od_status status = find_offsets(partition, &call->frame, offsets, error);
    uint32_t count = 0;
    for (uint32_t i = 0; status == OD_OK && i < partition->row_count; i++)
        if (in_frame(partition, &call->frame, offsets, row, i)) {
            frame[count] = i;
            rows[count++] = partition->rows[i];
        }
    if (status != OD_OK)
        return status;
    if (call->function == OD_WINDOW_AGGREGATE)
        return od_model_aggregate(partition->arena, &call->aggregate, rows, count, value_out, error);
    struct od_value number = {.int64 = call->function == OD_WINDOW_LAST_VALUE ? count : 1};
    if (call->function == OD_WINDOW_NTH_VALUE)
        status = argument_at(partition, call, 1, row, &number, error);
    value_out->is_null = number.is_null || number.int64 > count || count == 0;
    if (status != OD_OK || value_out->is_null)
        return status;
    if (number.int64 < 1)
        return od_fail(error, OD_EVALUATION, "argument of nth_value must be greater than zero");
    return argument_at(partition, call, 0, frame[number.int64 - 1], value_out, error);
}

/* Buckets of equal size, the first ones larger by one. */
static enum od_status bucket(const struct partition *partition, const struct od_window_call *call,
                             uint32_t row, struct od_value *value_out, struct od_error *error)
{
    struct od_value buckets;
    enum od_status status = argument_at(partition, call, 0, 0, &buckets, error);
    value_out->is_null = buckets.is_null;
    if (status != OD_OK || buckets.is_null)
        return status;
    if (buckets.int64 < 1)
        return od_fail(error, OD_EVALUATION, "argument of ntile must be greater than zero");
    int64_t size = partition->row_count / buckets.int64, larger = partition->row_count % buckets.int64;
    int64_t in_larger = larger * (size + 1);
    value_out->int64 =
        row < in_larger ? row / (size + 1) + 1 : larger + (row - in_larger) / (size == 0 ? 1 : size) + 1;
    return OD_OK;
}

static enum od_status run_call(const struct partition *partition, const struct od_window_call *call,
                               uint32_t row, struct od_value *value_out, struct od_error *error)
{
    uint32_t first = row, last = row; /* of the peers */
    while (first > 0 && are_peers(partition, first - 1, row))
        first--;
    while (last + 1 < partition->row_count && are_peers(partition, last + 1, row))
        last++;
    memset(value_out, 0, sizeof(*value_out));
    value_out->type = call->type;
    switch (call->function) {
    case OD_WINDOW_ROW_NUMBER:
        value_out->int64 = row + 1;
        return OD_OK;
    case OD_WINDOW_RANK:
        value_out->int64 = first + 1;
        return OD_OK;
    case OD_WINDOW_DENSE_RANK:
        value_out->int64 = group_of(partition, row);
        return OD_OK;
    case OD_WINDOW_PERCENT_RANK:
        value_out->float64 =
            partition->row_count == 1 ? 0 : (double)first / (double)(partition->row_count - 1);
        return OD_OK;
    case OD_WINDOW_CUME_DIST:
        value_out->float64 = (double)(last + 1) / (double)partition->row_count;
        return OD_OK;
    case OD_WINDOW_NTILE:
        return bucket(partition, call, row, value_out, error);
    case OD_WINDOW_LAG:
    case OD_WINDOW_LEAD:
        return lag_or_lead(partition, call, row, value_out, error);
    default:
        return over_frame(partition, call, row, value_out, error);
    }
}

/* --- the node ------------------------------------------------------------------------------------------------------ */

/* Sort keys that bring partitions together and order them. */
static struct od_sort_key *all_keys(struct od_arena *arena, const struct od_plan *plan)
{
    uint32_t partitions = plan->window.partition_count;
    struct od_sort_key *keys =
        od_arena_take_array(arena, partitions + plan->window.key_count + 1, sizeof(*keys));
    for (uint32_t i = 0; keys != NULL && i < partitions + plan->window.key_count; i++)
        keys[i] = i < partitions ? (struct od_sort_key){plan->window.partitions[i], false, false}
                                 : plan->window.keys[i - partitions];
    return keys;
}

enum od_status od_model_window(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer,
                               struct od_error *error)
{
    struct od_answer input, sorted;
    uint32_t partition_keys = plan->window.partition_count,
             key_count = partition_keys + plan->window.key_count;
    struct od_sort_key *keys = all_keys(arena, plan);
    enum od_status status = od_model_run(arena, plan->inputs[0], &input, error);
    if (status == OD_OK && keys != NULL)
        status = od_model_sort(arena, keys, key_count, &input, &sorted, error);
    if (status != OD_OK)
        return status;
    uint32_t width = plan->schema.field_count, count = input.row_count;
    struct od_value *key_cells =
        od_arena_take_array(arena, (size_t)count * key_count + 1, sizeof(*key_cells));
    const struct od_value **rows = od_arena_take_array(arena, (size_t)count + 1, sizeof(*rows));
    const struct od_value **order_keys = od_arena_take_array(arena, (size_t)count + 1, sizeof(*order_keys));
    *answer = (struct od_answer){
        width, count, od_arena_take_array(arena, (size_t)count * width + 1, sizeof(struct od_value))};
    if (keys == NULL || key_cells == NULL || rows == NULL || order_keys == NULL || answer->cells == NULL)
        return od_fail(error, OD_NO_MEMORY, "the model ran out of memory");
    for (uint32_t row = 0; row < count; row++) {
        rows[row] = od_answer_row(&sorted, row);
        order_keys[row] = key_cells + (size_t)row * key_count + partition_keys;
        for (uint32_t i = 0; i < key_count && status == OD_OK; i++)
            status = od_model_evaluate(arena, keys[i].expr, rows[row],
                                       &key_cells[(size_t)row * key_count + i], error);
        if (status != OD_OK)
            return status;
    }
    for (uint32_t first = 0, end; first < count; first = end) {
        for (end = first + 1;
             end < count && keys_are_equal(key_cells + (size_t)first * key_count,
                                           key_cells + (size_t)end * key_count, partition_keys);)
            end++;
        struct partition partition = {arena, plan, rows + first, order_keys + first, end - first};
        for (uint32_t row = first; row < end; row++) {
            struct od_value *cells = answer->cells + (size_t)row * width;
            if (input.column_count > 0)
                memcpy(cells, rows[row], input.column_count * sizeof(*cells));
            for (uint32_t i = 0; i < plan->window.call_count && status == OD_OK; i++)
                status = run_call(&partition, &plan->window.calls[i], row - first,
                                  &cells[input.column_count + i], error);
            if (status != OD_OK)
                return status;
        }
    }
    return OD_OK;
}
