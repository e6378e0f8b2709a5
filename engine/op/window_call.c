/* window_call: see window_call.h. The tree is the bottom-up one over an array: node k has children 2k and 2k+1, leaf i is node
 * leaf_count + i, and any range of leaves is the sum of at most two nodes a level. It needs no power of two, because states may
 * be combined in any order. */
#include "engine/op/window_call.h"

#include "engine/core/assert.h"

#define BLOCK_ROWS 16u
#define TREE_ROWS  (4 * BLOCK_ROWS) /* shorter frames are added row by row */

void od_window_call_start(struct od_window_state *self, struct od_memory *memory,
                          const struct od_window_call *call, struct od_error *error)
{
    *self = (struct od_window_state){.call = call,
                                      .error = error,
                                      .aggregate = call->aggregate,
                                      .finder = {.frame = &call->frame, .error = error}};
    if (call->function != OD_WINDOW_AGGREGATE) {
        self->column_count = call->argument_count;
        for (uint32_t i = 0; i < call->argument_count; i++)
            self->exprs[i] = call->arguments[i];
        return;
    }
    if (self->aggregate.function == OD_AGGREGATE_COUNT_STAR && self->aggregate.filter != NULL) {
        self->aggregate.function = OD_AGGREGATE_COUNT;
        self->aggregate.argument = self->aggregate.filter;
    }
    self->column_count = od_aggregate_argument_count(self->aggregate.function);
    self->exprs[0] = self->aggregate.argument;
    self->exprs[1] = self->aggregate.second;
    od_aggregate_states_init(&self->states, memory, &self->aggregate, error);
}

void od_window_call_release(struct od_window_state *self)
{
    od_aggregate_states_release(&self->states);
}

static bool has_frame(const struct od_window_call *call)
{
    return call->function == OD_WINDOW_AGGREGATE || call->function >= OD_WINDOW_FIRST_VALUE;
}

enum od_status od_window_call_partition(struct od_window_state *self, const struct od_window_partition *partition,
                                        const struct od_column *columns, struct od_arena *operator_arena)
{
    self->partition = self->finder.partition = partition;
    self->columns = columns;
    if (has_frame(self->call))
        OD_TRY(od_frame_offsets(&self->finder, operator_arena));
    if (self->call->function != OD_WINDOW_AGGREGATE)
        return OD_OK;
    od_aggregate_states_release(&self->states);
    self->leaf_count = self->built_count = 0;
    self->is_covering = true;
    self->covered = (struct od_row_range){0};
    return od_aggregate_states_grow(&self->states, 1);
}

/* Argument `index` in a row of the partition. */
static struct od_value argument(const struct od_window_state *self, uint32_t index, uint64_t row)
{
    return od_column_value(&self->columns[index], self->partition->first_row + (uint32_t)row);
}

/* --- aggregates over frames ----------------------------------------------------------------------------- */

static void use_room(struct od_window_state *self, uint32_t row_count)
{
    self->room -= row_count < self->room ? row_count : self->room;
}

static enum od_status add_rows(struct od_window_state *self, uint32_t state, struct od_row_range range)
{
    for (uint32_t row = range.first; row < range.end; row++)
        OD_TRY(od_aggregate_states_add(&self->states, state, self->columns, self->partition->first_row + row));
    use_room(self, range.end - range.first);
    return OD_OK;
}

static bool wants_tree(const struct od_window_state *self, struct od_row_range range)
{
    return range.end - range.first >= TREE_ROWS && od_aggregate_states_can_combine(&self->states);
}

static bool tree_is_built(const struct od_window_state *self)
{
    return self->leaf_count != 0 && self->built_count == 2 * self->leaf_count - 1;
}

/* Leaves, then the nodes above them, as far as there is room. */
static enum od_status build_tree(struct od_window_state *self)
{
    uint32_t leaf_count = self->partition->row_count / BLOCK_ROWS;
    uint32_t node_count = 2 * leaf_count - 1;
    OD_TRY(od_aggregate_states_grow(&self->states, 1 + 2 * leaf_count));
    self->leaf_count = leaf_count;
    for (; self->built_count < leaf_count && self->room != 0; self->built_count++) {
        struct od_row_range block = {self->built_count * BLOCK_ROWS, (self->built_count + 1) * BLOCK_ROWS};
        OD_TRY(add_rows(self, 1 + leaf_count + self->built_count, block));
    }
    for (; self->built_count < node_count && self->room != 0; self->built_count++) {
        uint32_t node = node_count - self->built_count;
        OD_TRY(od_aggregate_states_combine(&self->states, 1 + node, 1 + 2 * node));
        OD_TRY(od_aggregate_states_combine(&self->states, 1 + node, 1 + 2 * node + 1));
        use_room(self, 2);
    }
    return OD_OK;
}

static enum od_status add_leaves(struct od_window_state *self, uint32_t first, uint32_t end)
{
    uint32_t left = first + self->leaf_count;
    uint32_t right = end + self->leaf_count;
    for (; left < right; left /= 2, right /= 2) {
        if (left % 2 != 0)
            OD_TRY(od_aggregate_states_combine(&self->states, 0, 1 + left++));
        if (right % 2 != 0)
            OD_TRY(od_aggregate_states_combine(&self->states, 0, 1 + --right));
    }
    return OD_OK;
}

static enum od_status add_range(struct od_window_state *self, struct od_row_range range)
{
    if (!wants_tree(self, range))
        return add_rows(self, 0, range);
    uint32_t first_leaf = (range.first + BLOCK_ROWS - 1) / BLOCK_ROWS;
    uint32_t end_leaf = range.end / BLOCK_ROWS;
    struct od_row_range head = {range.first, first_leaf * BLOCK_ROWS};
    struct od_row_range tail = {end_leaf * BLOCK_ROWS, range.end};
    OD_TRY(add_rows(self, 0, head));
    OD_TRY(add_leaves(self, first_leaf, end_leaf));
    return add_rows(self, 0, tail);
}

/* State 0 holds more rows of a frame that grew. */
static enum od_status extend(struct od_window_state *self, uint32_t end)
{
    uint32_t left = end - self->covered.end;
    uint32_t count = left < self->room ? left : self->room;
    struct od_row_range new_rows = {self->covered.end, self->covered.end + count};
    OD_TRY(add_rows(self, 0, new_rows));
    self->covered.end = new_rows.end;
    return OD_OK;
}

/* Brings state 0 to these ranges; false when there is no room for that. A frame that is put together row by row comes whole. */
static enum od_status cover(struct od_window_state *self, const struct od_row_range *ranges, uint32_t count,
                            bool *is_there_out)
{
    const struct od_row_range *covered = &self->covered;
    if (self->is_covering && count == 1 && covered->first == ranges[0].first && covered->end <= ranges[0].end) {
        OD_TRY(extend(self, ranges[0].end));
        *is_there_out = covered->end == ranges[0].end;
        return OD_OK;
    }
    for (uint32_t i = 0; i < count && !tree_is_built(self); i++) {
        if (wants_tree(self, ranges[i]))
            OD_TRY(build_tree(self));
        *is_there_out = *is_there_out && (!wants_tree(self, ranges[i]) || tree_is_built(self));
    }
    if (!*is_there_out)
        return OD_OK;
    od_aggregate_states_clear(&self->states, 0);
    for (uint32_t i = 0; i < count; i++)
        OD_TRY(add_range(self, ranges[i]));
    self->is_covering = count <= 1;
    self->covered = count == 1 ? ranges[0] : (struct od_row_range){0};
    return OD_OK;
}

/* --- the others ----------------------------------------------------------------------------------------- */

static struct od_value integer(const struct od_window_state *self, uint64_t number)
{
    return (struct od_value){.type = self->call->type, .int64 = (int64_t)number};
}

static struct od_value fraction(const struct od_window_state *self, uint32_t part, uint32_t whole)
{
    return (struct od_value){.type = self->call->type,
                             .float64 = whole == 0 ? 0 : (double)part / (double)whole};
}

/* Buckets as even as can be, the larger ones first. */
static enum od_status ntile(const struct od_window_state *self, uint32_t row, struct od_value *value_out)
{
    struct od_value buckets = argument(self, 0, 0);
    if (buckets.is_null)
        return OD_OK;
    if (buckets.int64 <= 0)
        return od_fail(self->error, OD_EVALUATION, "argument of ntile must be greater than zero");
    uint64_t count = (uint64_t)buckets.int64;
    uint64_t size = self->partition->row_count / count;
    uint64_t larger = self->partition->row_count % count; /* buckets of size + 1 */
    uint64_t in_larger = larger * (size + 1);
    *value_out =
        integer(self, row < in_larger ? row / (size + 1) + 1 : larger + (row - in_larger) / size + 1);
    return OD_OK;
}

static struct od_value shifted(const struct od_window_state *self, uint32_t row)
{
    struct od_value nothing = {.type = self->call->type, .is_null = true};
    struct od_value offset = self->column_count > 1 ? argument(self, 1, row) : (struct od_value){.int64 = 1};
    int64_t target;
    if (offset.is_null)
        return nothing;
    bool is_lag = self->call->function == OD_WINDOW_LAG;
    bool overflows = is_lag ? __builtin_sub_overflow((int64_t)row, offset.int64, &target)
                            : __builtin_add_overflow((int64_t)row, offset.int64, &target);
    if (!overflows && target >= 0 && target < self->partition->row_count)
        return argument(self, 0, (uint64_t)target);
    return self->column_count > 2 ? argument(self, 2, row) : nothing;
}

/* The row that first_value, last_value and nth_value want, counted in the frame from 0 on; UINT64_MAX: none. */
static enum od_status wanted_place(const struct od_window_state *self, uint32_t row, uint64_t frame_rows,
                                   uint64_t *place_out)
{
    *place_out = 0;
    if (self->call->function == OD_WINDOW_LAST_VALUE)
        *place_out = frame_rows - 1; /* of none: UINT64_MAX */
    if (self->call->function != OD_WINDOW_NTH_VALUE)
        return OD_OK;
    struct od_value place = argument(self, 1, row);
    if (!place.is_null && place.int64 <= 0)
        return od_fail(self->error, OD_EVALUATION, "argument of nth_value must be greater than zero");
    *place_out = place.is_null ? UINT64_MAX : (uint64_t)place.int64 - 1;
    return OD_OK;
}

static enum od_status value_in_frame(struct od_window_state *self, uint32_t row, bool *is_there_out,
                                     struct od_value *value_out)
{
    struct od_row_range ranges[OD_FRAME_RANGES_MAX];
    uint32_t count;
    uint64_t place;
    uint64_t frame_rows = 0;
    OD_TRY(od_frame_ranges(&self->finder, row, ranges, &count));
    if (self->call->function == OD_WINDOW_AGGREGATE) {
        OD_TRY(cover(self, ranges, count, is_there_out));
        return *is_there_out ? od_aggregate_states_result(&self->states, 0, value_out) : OD_OK;
    }
    for (uint32_t i = 0; i < count; i++)
        frame_rows += ranges[i].end - ranges[i].first;
    OD_TRY(wanted_place(self, row, frame_rows, &place));
    if (place >= frame_rows)
        return OD_OK;
    uint32_t range = 0;
    for (; place >= ranges[range].end - ranges[range].first; range++)
        place -= ranges[range].end - ranges[range].first;
    *value_out = argument(self, 0, ranges[range].first + place);
    return OD_OK;
}

enum od_status od_window_call_value(struct od_window_state *self, uint32_t row, bool *is_there_out,
                                    struct od_value *value_out)
{
    const struct od_window_partition *partition = self->partition;
    uint32_t group = partition->groups[row];
    const uint32_t *starts = partition->group_starts;
    *is_there_out = true;
    *value_out = (struct od_value){.type = self->call->type, .is_null = true};
    switch (self->call->function) {
    case OD_WINDOW_ROW_NUMBER:
        *value_out = integer(self, row + UINT64_C(1));
        return OD_OK;
    case OD_WINDOW_RANK:
        *value_out = integer(self, starts[group] + UINT64_C(1));
        return OD_OK;
    case OD_WINDOW_DENSE_RANK:
        *value_out = integer(self, group + UINT64_C(1));
        return OD_OK;
    case OD_WINDOW_PERCENT_RANK:
        *value_out = fraction(self, starts[group], partition->row_count - 1);
        return OD_OK;
    case OD_WINDOW_CUME_DIST:
        *value_out = fraction(self, starts[group + 1], partition->row_count);
        return OD_OK;
    case OD_WINDOW_NTILE:
        return ntile(self, row, value_out);
    case OD_WINDOW_LAG:
    case OD_WINDOW_LEAD:
        *value_out = shifted(self, row);
        return OD_OK;
    default:
        return value_in_frame(self, row, is_there_out, value_out);
    }
}
