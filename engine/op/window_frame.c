/* window_frame: bounds of frames as PostgreSQL's nodeWindowAgg.c has them (update_frameheadpos, update_frametailpos).
 *
 * A RANGE bound with an offset is a limit, key +- offset: the frame starts at the first row that is not before it, and ends
 * behind the last one that is not after it. Rows are sorted by the key, so both are found by halving. A limit beyond all
 * numbers of its type is no error but beyond all rows (in_range_int8_int8...); NULLs are peers of each other and neither before
 * nor after anything else but by their place in the order. */
#include "engine/op/window_frame.h"

#include <math.h>

#include "engine/core/assert.h"
#include "engine/data/decimal.h"
#include "engine/data/interval.h"
#include "engine/expr/evaluate.h"

#define DAY_MICROSECONDS INT64_C(86400000000)

/* --- offsets -------------------------------------------------------------------------------------------- */

static bool is_negative(const struct od_value *offset)
{
    static const struct od_interval none = {0};
    switch (offset->type) {
    case OD_TYPE_FLOAT64:
        return !(offset->float64 >= 0);
    case OD_TYPE_DECIMAL:
        return od_decimal_sign(&offset->decimal) < 0;
    case OD_TYPE_INTERVAL:
        return od_interval_compare(&offset->interval, &none) < 0;
    default:
        return offset->int64 < 0;
    }
}

enum od_status od_frame_offsets(struct od_frame_finder *finder, struct od_arena *arena)
{
    const struct od_window_frame *frame = finder->frame;
    const struct od_expr *exprs[] = {frame->start_offset, frame->end_offset};
    enum od_frame_bound bounds[] = {frame->start, frame->end};
    for (uint32_t i = 0; i < 2 && !finder->has_offsets; i++) {
        struct od_value *offset = &finder->offsets[i];
        const char *which = i == 0 ? "starting" : "ending";
        if (bounds[i] != OD_FRAME_PRECEDING && bounds[i] != OD_FRAME_FOLLOWING)
            continue;
        OD_TRY(od_evaluate_constant(exprs[i], arena, offset, finder->error));
        if (offset->is_null)
            return od_fail(finder->error, OD_EVALUATION, "frame %s offset must not be null", which);
        if (is_negative(offset) && frame->unit == OD_FRAME_RANGE)
            return od_fail(finder->error, OD_EVALUATION, "invalid preceding or following size in window function");
        if (is_negative(offset))
            return od_fail(finder->error, OD_EVALUATION, "frame %s offset must not be negative", which);
    }
    finder->has_offsets = true;
    return OD_OK;
}

/* --- RANGE with an offset ------------------------------------------------------------------------------- */

struct limit {
    int beyond; /* -1: before all values, 1: after all, 0: `value` */
    struct od_value value;
};

/* A date as its midnight, as PostgreSQL compares it here. */
static bool to_timestamp(struct od_value *value)
{
    if (value->type != OD_TYPE_DATE)
        return true;
    value->type = OD_TYPE_TIMESTAMP;
    return !__builtin_mul_overflow(value->int64, DAY_MICROSECONDS, &value->int64);
}

static struct limit limit_of_doubles(double base, double offset, bool subtracts, bool is_upper)
{
    double sum = subtracts ? base - offset : base + offset;
    if (isinf(base) && isinf(offset) && (subtracts ? base > 0 : base < 0)) /* everything but NaN, which is last */
        sum = is_upper ? (double)INFINITY : -(double)INFINITY;
    return (struct limit){.value = {.type = OD_TYPE_FLOAT64, .float64 = sum}};
}

static enum od_status limit_of_times(const struct od_value *base, const struct od_interval *offset, bool subtracts,
                                     struct limit *limit_out, struct od_error *error)
{
    struct od_interval added = *offset;
    *limit_out = (struct limit){.value = *base};
    int64_t *time = &limit_out->value.int64;
    if (!to_timestamp(&limit_out->value) || (subtracts && !od_interval_negate(offset, &added)) ||
        !od_timestamp_add_interval(*time, &added, time))
        return od_fail(error, OD_EVALUATION, "timestamp out of range");
    return OD_OK;
}

/* base - offset or base + offset; is_upper: values up to it are wanted. */
static enum od_status limit_of(const struct od_value *base, const struct od_value *offset, bool subtracts,
                               bool is_upper, struct limit *limit_out, struct od_error *error)
{
    bool ok;
    *limit_out = (struct limit){.value = *base};
    switch (base->type) {
    case OD_TYPE_FLOAT64:
        *limit_out = limit_of_doubles(base->float64, offset->float64, subtracts, is_upper);
        return OD_OK;
    case OD_TYPE_TIMESTAMP:
    case OD_TYPE_DATE:
        od_assert(offset->type == OD_TYPE_INTERVAL);
        return limit_of_times(base, &offset->interval, subtracts, limit_out, error);
    case OD_TYPE_DECIMAL:
        od_assert(offset->type == OD_TYPE_DECIMAL);
        ok = (subtracts ? od_decimal_subtract : od_decimal_add)(&base->decimal, &offset->decimal,
                                                                &limit_out->value.decimal);
        break;
    default:
        od_assert(base->type == OD_TYPE_INT32 || base->type == OD_TYPE_INT64);
        ok = subtracts ? !__builtin_sub_overflow(base->int64, offset->int64, &limit_out->value.int64)
                       : !__builtin_add_overflow(base->int64, offset->int64, &limit_out->value.int64);
        break;
    }
    limit_out->beyond = ok ? 0 : subtracts ? -1 : 1;
    return OD_OK;
}

static int compare_to_limit(struct od_value value, const struct limit *limit)
{
    if (limit->beyond != 0)
        return -limit->beyond;
    if (!to_timestamp(&value)) /* so far away that its limit would have failed */
        return value.int64 < 0 ? -1 : 1;
    return od_value_compare(&value, &limit->value);
}

/* The first row that is not before the limit, or (is_end) that is after it. */
static enum od_status range_bound(const struct od_frame_finder *finder, uint32_t row, bool precedes, bool is_end,
                                  uint32_t *bound_out)
{
    const struct od_window_partition *partition = finder->partition;
    struct od_value base = od_column_value(partition->key, partition->first_row + row);
    bool subtracts = precedes != partition->descending;
    uint32_t low = 0;
    uint32_t high = partition->row_count;
    struct limit limit;
    if (base.is_null) {
        *bound_out = partition->group_starts[partition->groups[row] + is_end];
        return OD_OK;
    }
    OD_TRY(limit_of(&base, &finder->offsets[is_end], subtracts, is_end != partition->descending, &limit,
                    finder->error));
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct od_value value = od_column_value(partition->key, partition->first_row + middle);
        int order = value.is_null ? 0 : compare_to_limit(value, &limit);
        order = partition->descending ? -order : order;
        bool goes_on = value.is_null ? partition->nulls_first : is_end ? order <= 0 : order < 0;
        if (goes_on)
            low = middle + 1;
        else
            high = middle;
    }
    *bound_out = low;
    return OD_OK;
}

/* --- ROWS and GROUPS ------------------------------------------------------------------------------------ */

/* `at` moved by a bound, counted in rows or groups of which there are `count`; is_end: one behind it. */
static uint32_t moved(uint32_t at, uint32_t count, enum od_frame_bound bound, const struct od_value *offset,
                      bool is_end)
{
    uint64_t step = (uint64_t)offset->int64;
    if (bound == OD_FRAME_PRECEDING)
        return step > at ? 0 : at - (uint32_t)step + is_end;
    if (bound == OD_FRAME_FOLLOWING)
        return step >= count - at ? count : at + (uint32_t)step + is_end;
    return at + is_end;
}

static enum od_status bound_of(const struct od_frame_finder *finder, uint32_t row, bool is_end, uint32_t *bound_out)
{
    const struct od_window_partition *partition = finder->partition;
    const struct od_value *offset = &finder->offsets[is_end];
    enum od_frame_bound bound = is_end ? finder->frame->end : finder->frame->start;
    bool has_offset = bound == OD_FRAME_PRECEDING || bound == OD_FRAME_FOLLOWING;
    if (bound == OD_FRAME_UNBOUNDED_PRECEDING || bound == OD_FRAME_UNBOUNDED_FOLLOWING)
        *bound_out = bound == OD_FRAME_UNBOUNDED_PRECEDING ? 0 : partition->row_count;
    else if (finder->frame->unit == OD_FRAME_ROWS)
        *bound_out = moved(row, partition->row_count, bound, offset, is_end);
    else if (finder->frame->unit == OD_FRAME_RANGE && has_offset)
        return range_bound(finder, row, bound == OD_FRAME_PRECEDING, is_end, bound_out);
    else
        *bound_out = partition->group_starts[moved(partition->groups[row], partition->group_count, bound, offset,
                                                   is_end)];
    return OD_OK;
}

enum od_status od_frame_ranges(const struct od_frame_finder *finder, uint32_t row,
                               struct od_row_range ranges_out[OD_FRAME_RANGES_MAX], uint32_t *count_out)
{
    enum od_frame_exclusion exclusion = finder->frame->exclusion;
    const uint32_t *peers = finder->partition->group_starts + finder->partition->groups[row]; /* and behind them */
    struct od_row_range all;
    OD_TRY(bound_of(finder, row, false, &all.first));
    OD_TRY(bound_of(finder, row, true, &all.end));
    /* What is left: up to `before`, the row itself if only its ties go, from `after` on. */
    bool takes_row = exclusion == OD_FRAME_EXCLUDE_ROW;
    uint32_t before = exclusion == OD_FRAME_EXCLUDE_NOTHING ? all.end : takes_row ? row : peers[0];
    uint32_t after = exclusion == OD_FRAME_EXCLUDE_NOTHING ? all.end : takes_row ? row + 1 : peers[1];
    bool keeps_row = exclusion == OD_FRAME_EXCLUDE_TIES;
    const struct od_row_range parts[] = {
        {all.first, before}, {row, keeps_row ? row + 1 : row}, {after, all.end}};
    *count_out = 0;
    for (uint32_t i = 0; i < OD_FRAME_RANGES_MAX; i++) {
        struct od_row_range part = parts[i];
        part.first = part.first < all.first ? all.first : part.first;
        part.end = part.end > all.end ? all.end : part.end;
        if (part.first >= part.end)
            continue;
        if (*count_out > 0 && ranges_out[*count_out - 1].end == part.first)
            ranges_out[*count_out - 1].end = part.end;
        else
            ranges_out[(*count_out)++] = part;
    }
    return OD_OK;
}
