/* model_window: window functions, row by row: each row looks at its whole partition.
 *
 * Rows are sorted by partition, keys and the whole row; that order decides between peers where something must. A row of a
 * frame is one for which in_frame() says so; nothing is kept from one row to the next. */
#include "properties/model_parts.h"

#include "engine/core/assert.h"
#include "properties/model_decimal.h"

#include <math.h>
#include <string.h>

struct partition {
    const struct od_model *model;
    const struct od_plan *plan;
    const struct od_value *const *rows; /* of the partition, in order */
    const struct od_value *const *keys; /* the same rows' keys */
    int64_t *groups;                    /* the number of each row's group of peers, from 1 */
    uint32_t row_count;
};

static bool are_peers(const struct partition *partition, uint32_t left, uint32_t right)
{
    return partition->groups[left] == partition->groups[right];
}

/* --- RANGE with an offset ------------------------------------------------------------------------------- */

/* Doubles, as PostgreSQL's in_range_float8_float8: is value <= base -+ offset, or >=? */
static bool reaches_double(double value, double base, double offset, bool subtracts, bool is_less)
{
    if (isnan(value) || isnan(base))
        return isnan(value) && isnan(base) ? true : isnan(value) ? !is_less : is_less;
    if (isinf(offset) && isinf(base) && (subtracts ? base > 0 : base < 0))
        return true;
    double limit = subtracts ? base - offset : base + offset;
    return is_less ? value <= limit : value >= limit;
}

/* Is value <= base -+ offset, or (not is_less) >=? Neither is NULL. */
static enum od_status reaches(const struct partition *partition, const struct od_value *value,
                              const struct od_value *base, const struct od_value *offset, bool subtracts,
                              bool is_less, bool *reaches_out)
{
    int order = 0;
    if (value->type == OD_TYPE_FLOAT64) {
        *reaches_out = reaches_double(value->float64, base->float64, offset->float64, subtracts, is_less);
        return OD_OK;
    }
    if (value->type == OD_TYPE_DECIMAL) {
        struct od_decimal limit;
        if (od_model_decimal_arithmetic(subtracts ? '-' : '+', &base->decimal, &offset->decimal, &limit))
            order = od_model_decimal_compare(&value->decimal, &limit);
        else /* beyond all numbers */
            order = subtracts ? 1 : -1;
    } else if (value->type == OD_TYPE_DATE || value->type == OD_TYPE_TIMESTAMP) {
        const int64_t unit = value->type == OD_TYPE_DATE ? INT64_C(86400000000) : 1;
        __int128 seen = (__int128)value->int64 * unit;
        int64_t start, limit;
        if (__builtin_mul_overflow(base->int64, unit, &start) ||
            !od_model_add_interval(start, &offset->interval, subtracts, &limit))
            return od_model_no_value(partition->model, "timestamp out of range");
        order = seen < limit ? -1 : seen > limit;
    } else {
        __int128 limit = (__int128)base->int64 + (subtracts ? -(__int128)offset->int64 : offset->int64);
        order = value->int64 < limit ? -1 : value->int64 > limit;
    }
    *reaches_out = is_less ? order <= 0 : order >= 0;
    return OD_OK;
}

/* Is the other row inside a bound that is an offset from the row's key? NULLs are peers of each other and otherwise lie where
 * the order puts them. */
static enum od_status in_range(const struct partition *partition, uint32_t row, uint32_t other,
                               const struct od_value *offset, bool precedes, bool is_end, bool *inside_out)
{
    const struct od_sort_key *key = &partition->plan->window.keys[0];
    const struct od_value *base = &partition->keys[row][0], *value = &partition->keys[other][0];
    if (base->is_null || value->is_null) {
        int order = od_model_order_by_key(key, value, base);
        *inside_out = is_end ? order <= 0 : order >= 0;
        return OD_OK;
    }
    return reaches(partition, value, base, offset, precedes != key->descending, is_end != key->descending,
                   inside_out);
}

/* --- frames --------------------------------------------------------------------------------------------- */

/* Whether the distance from a row to another, counted in the frame's unit, is at or behind a bound that starts a frame. */
static bool is_behind(enum od_frame_bound bound, int64_t distance, int64_t offset)
{
    switch (bound) {
    case OD_FRAME_UNBOUNDED_PRECEDING:
        return true;
    case OD_FRAME_PRECEDING:
        return (__int128)distance >= -(__int128)offset;
    case OD_FRAME_CURRENT_ROW:
        return distance >= 0;
    case OD_FRAME_FOLLOWING:
        return distance >= offset;
    case OD_FRAME_UNBOUNDED_FOLLOWING:
        break;
    }
    return false;
}

static bool is_offset(enum od_frame_bound bound)
{
    return bound == OD_FRAME_PRECEDING || bound == OD_FRAME_FOLLOWING;
}

static bool is_excluded(const struct partition *partition, enum od_frame_exclusion exclusion, uint32_t row,
                        uint32_t other)
{
    bool is_peer = are_peers(partition, row, other);
    switch (exclusion) {
    case OD_FRAME_EXCLUDE_NOTHING:
        return false;
    case OD_FRAME_EXCLUDE_ROW:
        return row == other;
    case OD_FRAME_EXCLUDE_GROUP:
        return is_peer;
    case OD_FRAME_EXCLUDE_TIES:
        return row != other && is_peer;
    }
    od_unreachable();
}

static enum od_status in_frame(const struct partition *partition, const struct od_window_frame *frame,
                               const struct od_value offsets[2], uint32_t row, uint32_t other,
                               bool *inside_out)
{
    /* An end mirrors a start. */
    static const enum od_frame_bound mirrored[] = {OD_FRAME_UNBOUNDED_FOLLOWING, OD_FRAME_FOLLOWING,
                                                   OD_FRAME_CURRENT_ROW, OD_FRAME_PRECEDING,
                                                   OD_FRAME_UNBOUNDED_PRECEDING};
    bool is_range = frame->unit == OD_FRAME_RANGE, after_start, before_end;
    int64_t distance = frame->unit == OD_FRAME_ROWS ? (int64_t)other - row
                                                    : partition->groups[other] - partition->groups[row];
    after_start = is_behind(frame->start, distance, is_range ? 0 : offsets[0].int64);
    before_end = is_behind(mirrored[frame->end], -distance, is_range ? 0 : offsets[1].int64);
    if (is_range && is_offset(frame->start))
        OD_TRY(in_range(partition, row, other, &offsets[0], frame->start == OD_FRAME_PRECEDING, false,
                        &after_start));
    if (is_range && is_offset(frame->end))
        OD_TRY(in_range(partition, row, other, &offsets[1], frame->end == OD_FRAME_PRECEDING, true,
                        &before_end));
    *inside_out = after_start && before_end && !is_excluded(partition, frame->exclusion, row, other);
    return OD_OK;
}

static bool is_negative(const struct od_value *offset)
{
    if (offset->type == OD_TYPE_FLOAT64)
        return !(offset->float64 >= 0);
    if (offset->type == OD_TYPE_DECIMAL)
        return od_decimal_coefficient(&offset->decimal) < 0;
    return offset->type == OD_TYPE_INTERVAL ? od_model_span(&offset->interval) < 0 : offset->int64 < 0;
}

/* Constants: evaluated without a row. */
static enum od_status find_offsets(const struct partition *partition, const struct od_window_frame *frame,
                                   struct od_value offsets[2])
{
    const struct od_expr *const exprs[2] = {frame->start_offset, frame->end_offset};
    for (int i = 0; i < 2; i++) {
        offsets[i] = (struct od_value){.type = OD_TYPE_INT64};
        if (exprs[i] != NULL)
            OD_TRY(od_model_evaluate(partition->model, exprs[i], NULL, &offsets[i]));
        if (offsets[i].is_null || is_negative(&offsets[i]))
            return od_model_no_value(partition->model, "a frame's offset must not be null or negative");
    }
    return OD_OK;
}

/* --- functions ------------------------------------------------------------------------------------------ */

static enum od_status argument_at(const struct partition *partition, const struct od_window_call *call,
                                  uint32_t argument, uint32_t row, struct od_value *value_out)
{
    return od_model_evaluate(partition->model, call->arguments[argument], partition->rows[row], value_out);
}

static enum od_status lag_or_lead(const struct partition *partition, const struct od_window_call *call,
                                  uint32_t row, struct od_value *value_out)
{
    struct od_value offset = {.int64 = 1};
    if (call->argument_count > 1)
        OD_TRY(argument_at(partition, call, 1, row, &offset));
    value_out->is_null = offset.is_null;
    if (offset.is_null)
        return OD_OK;
    __int128 at = (__int128)row + (call->function == OD_WINDOW_LAG ? -(__int128)offset.int64 : offset.int64);
    if (at >= 0 && at < partition->row_count)
        return argument_at(partition, call, 0, (uint32_t)at, value_out);
    value_out->is_null = call->argument_count < 3;
    return call->argument_count < 3 ? OD_OK : argument_at(partition, call, 2, row, value_out);
}

static enum od_status over_frame(const struct partition *partition, const struct od_window_call *call,
                                 uint32_t row, struct od_value *value_out)
{
    struct od_value offsets[2];
    struct od_arena *arena = partition->model->arena;
    uint32_t *frame = od_arena_take_array(arena, partition->row_count, sizeof(*frame));
    const struct od_value **rows = od_arena_take_array(arena, partition->row_count, sizeof(*rows));
    uint32_t count = 0;
    if (frame == NULL || rows == NULL)
        return od_model_no_memory(partition->model);
    OD_TRY(find_offsets(partition, &call->frame, offsets));
    for (uint32_t i = 0; i < partition->row_count; i++) {
        bool inside;
        OD_TRY(in_frame(partition, &call->frame, offsets, row, i, &inside));
        frame[count] = i;
        rows[count] = partition->rows[i];
        count += inside;
    }
    if (call->function == OD_WINDOW_AGGREGATE)
        return od_model_aggregate(partition->model, &call->aggregate, rows, count, true, value_out);
    struct od_value number = {.int64 = call->function == OD_WINDOW_LAST_VALUE ? count : 1};
    if (call->function == OD_WINDOW_NTH_VALUE)
        OD_TRY(argument_at(partition, call, 1, row, &number));
    if (call->function == OD_WINDOW_NTH_VALUE && !number.is_null && number.int64 < 1)
        return od_model_no_value(partition->model, "argument of nth_value must be greater than zero");
    value_out->is_null = number.is_null || number.int64 > count || count == 0;
    return value_out->is_null ? OD_OK : argument_at(partition, call, 0, frame[number.int64 - 1], value_out);
}

/* Buckets of equal size, the first ones larger by one. Their number is that of the partition's first row. */
static enum od_status bucket(const struct partition *partition, const struct od_window_call *call,
                             uint32_t row, struct od_value *value_out)
{
    struct od_value buckets;
    OD_TRY(argument_at(partition, call, 0, 0, &buckets));
    value_out->is_null = buckets.is_null;
    if (buckets.is_null)
        return OD_OK;
    if (buckets.int64 < 1)
        return od_model_no_value(partition->model, "argument of ntile must be greater than zero");
    int64_t size = partition->row_count / buckets.int64, larger = partition->row_count % buckets.int64;
    int64_t in_larger = larger * (size + 1);
    value_out->int64 =
        row < in_larger ? row / (size + 1) + 1 : larger + (row - in_larger) / (size == 0 ? 1 : size) + 1;
    return OD_OK;
}

static enum od_status run_call(const struct partition *partition, const struct od_window_call *call,
                               uint32_t row, struct od_value *value_out)
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
        value_out->int64 = partition->groups[row];
        return OD_OK;
    case OD_WINDOW_PERCENT_RANK:
        value_out->float64 =
            partition->row_count == 1 ? 0 : (double)first / (double)(partition->row_count - 1);
        return OD_OK;
    case OD_WINDOW_CUME_DIST:
        value_out->float64 = (double)(last + 1) / (double)partition->row_count;
        return OD_OK;
    case OD_WINDOW_NTILE:
        return bucket(partition, call, row, value_out);
    case OD_WINDOW_LAG:
    case OD_WINDOW_LEAD:
        return lag_or_lead(partition, call, row, value_out);
    default:
        return over_frame(partition, call, row, value_out);
    }
}

/* --- the node ------------------------------------------------------------------------------------------- */

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

/* All calls on all rows of one partition. */
static enum od_status run_partition(struct partition *partition, uint32_t input_width,
                                    struct od_answer *answer)
{
    const struct od_plan *plan = partition->plan;
    partition->groups = od_arena_take_array(partition->model->arena, partition->row_count, sizeof(int64_t));
    if (partition->groups == NULL)
        return od_model_no_memory(partition->model);
    partition->groups[0] = 1;
    for (uint32_t i = 1; i < partition->row_count; i++)
        partition->groups[i] =
            partition->groups[i - 1] +
            !od_model_equal(partition->keys[i - 1], partition->keys[i], plan->window.key_count);
    for (uint32_t row = 0; row < partition->row_count; row++) {
        struct od_value *cells = od_model_add_row(answer);
        od_model_copy_cells(cells, partition->rows[row], input_width);
        for (uint32_t i = 0; i < plan->window.call_count; i++)
            OD_TRY(run_call(partition, &plan->window.calls[i], row, &cells[input_width + i]));
    }
    return OD_OK;
}

enum od_status od_model_window(const struct od_model *model, const struct od_plan *plan,
                               struct od_answer *answer)
{
    struct od_answer input, sorted, key_cells;
    uint32_t partition_keys = plan->window.partition_count,
             key_count = partition_keys + plan->window.key_count;
    struct od_sort_key *keys = all_keys(model->arena, plan);
    if (keys == NULL)
        return od_model_no_memory(model);
    OD_TRY(od_model_node(model, plan->inputs[0], &input));
    OD_TRY(od_model_sort(model, keys, key_count, &input, &sorted));
    uint32_t count = input.row_count;
    OD_TRY(od_model_make_answer(model, plan->schema.field_count, count, answer));
    OD_TRY(od_model_make_answer(model, key_count, count, &key_cells));
    const struct od_value **rows = od_arena_take_array(model->arena, (size_t)count + 1, sizeof(*rows));
    const struct od_value **order_keys =
        od_arena_take_array(model->arena, (size_t)count + 1, sizeof(*order_keys));
    if (rows == NULL || order_keys == NULL)
        return od_model_no_memory(model);
    for (uint32_t row = 0; row < count; row++) {
        struct od_value *cells = od_model_add_row(&key_cells);
        rows[row] = od_answer_row(&sorted, row);
        order_keys[row] = cells + partition_keys;
        for (uint32_t i = 0; i < key_count; i++)
            OD_TRY(od_model_evaluate(model, keys[i].expr, rows[row], &cells[i]));
    }
    for (uint32_t first = 0, end; first < count; first = end) {
        end = first + 1;
        while (end < count && od_model_equal(od_answer_row(&key_cells, first), od_answer_row(&key_cells, end),
                                             partition_keys))
            end++;
        struct partition partition = {model, plan, rows + first, order_keys + first, NULL, end - first};
        OD_TRY(run_partition(&partition, input.column_count, answer));
    }
    return OD_OK;
}
