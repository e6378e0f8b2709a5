/* aggregate_state: one row of a table for each (function, type of argument).
 *
 *   count          int64
 *   sum, avg       128-bit integer and a count: any 2^63 rows fit, so only the result can be out of range
 *   sum, avg       exact sum (float_sum.h) and a count
 *   min, max       a value; text is copied into a block of its own, which grows and is used again
 *
 * avg(bigint) is (double)sum / (double)count: two exact integers, each rounded once, and one division.
 * avg(double) is the sum, rounded once, over the count; an average of zero is 0.0, as in PostgreSQL, where
 * its running sum starts from 0.0. */
#include "engine/op/aggregate_state.h"

#include <math.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/op/float_sum.h"

#define GROUP_CAPACITY_MIN 8u

struct integer_sum {
    __int128 total;
    int64_t count;
};
struct float_total {
    struct od_float_sum sum;
    int64_t count;
};
struct extreme {
    struct od_value value; /* valid when has_value; text points to `text` */
    bool has_value;
    char *text; /* owned */
    uint32_t text_capacity;
};

struct od_state_kind {
    size_t bytes; /* of one state; zeroed is empty */
    enum od_status (*update)(struct od_aggregate_states *states, const uint32_t *groups,
                             const struct od_column *argument, uint32_t row_count, struct od_error *error);
    enum od_status (*merge)(struct od_aggregate_states *states, const uint32_t *groups,
                            const struct od_column *columns, uint32_t row_count, struct od_error *error);
    enum od_status (*put_state)(struct od_aggregate_states *states, uint32_t group,
                                struct od_batch_builder *builder, uint32_t column_index,
                                struct od_error *error);
    enum od_status (*put_result)(struct od_aggregate_states *states, uint32_t group,
                                 struct od_batch_builder *builder, uint32_t column_index,
                                 struct od_error *error);
    void (*release)(struct od_aggregate_states *states, uint32_t group); /* NULL: nothing to let go of */
};

static enum od_status put_int64(struct od_batch_builder *builder, uint32_t column_index, int64_t number,
                                struct od_error *error)
{
    struct od_value value = {.type = OD_TYPE_INT64, .int64 = number};
    return od_batch_builder_append(builder, column_index, &value, error);
}

static enum od_status put_null(struct od_batch_builder *builder, uint32_t column_index,
                               struct od_error *error)
{
    struct od_value value = {.type = builder->schema->fields[column_index].type, .is_null = true};
    return od_batch_builder_append(builder, column_index, &value, error);
}

static enum od_status put_float64(struct od_batch_builder *builder, uint32_t column_index, double number,
                                  struct od_error *error)
{
    struct od_value value = {.type = OD_TYPE_FLOAT64, .float64 = number};
    return od_batch_builder_append(builder, column_index, &value, error);
}

static enum od_status corrupt_state(const struct od_aggregate_states *states, struct od_error *error)
{
    return od_fail(error, OD_CORRUPT, "%s: a partial state is not one",
                   od_aggregate_text(states->aggregate->function));
}

/* A bigint of a state column that must be there. */
static bool read_state(const struct od_column *column, uint32_t row, int64_t least, int64_t *number_out)
{
    if (od_column_is_null(column, row))
        return false;
    *number_out = ((const int64_t *)column->values)[row];
    return *number_out >= least;
}

/* --- count ---------------------------------------------------------------------------------------------- */

static enum od_status update_count_star(struct od_aggregate_states *states, const uint32_t *groups,
                                        const struct od_column *argument, uint32_t row_count,
                                        struct od_error *error)
{
    (void)argument;
    (void)error;
    int64_t *counts = states->states;
    for (uint32_t i = 0; i < row_count; i++)
        counts[groups[i]]++;
    return OD_OK;
}

static enum od_status update_count(struct od_aggregate_states *states, const uint32_t *groups,
                                   const struct od_column *argument, uint32_t row_count,
                                   struct od_error *error)
{
    (void)error;
    int64_t *counts = states->states;
    for (uint32_t i = 0; i < row_count; i++)
        counts[groups[i]] += !od_column_is_null(argument, i);
    return OD_OK;
}

static enum od_status merge_count(struct od_aggregate_states *states, const uint32_t *groups,
                                  const struct od_column *columns, uint32_t row_count, struct od_error *error)
{
    int64_t *counts = states->states;
    for (uint32_t i = 0; i < row_count; i++) {
        int64_t count;
        if (!read_state(&columns[0], i, 0, &count))
            return corrupt_state(states, error);
        counts[groups[i]] += count;
    }
    return OD_OK;
}

static enum od_status put_count(struct od_aggregate_states *states, uint32_t group,
                                struct od_batch_builder *builder, uint32_t column_index,
                                struct od_error *error)
{
    return put_int64(builder, column_index, ((const int64_t *)states->states)[group], error);
}

/* --- sum and avg of bigint ------------------------------------------------------------------------------ */

static enum od_status update_integer(struct od_aggregate_states *states, const uint32_t *groups,
                                     const struct od_column *argument, uint32_t row_count,
                                     struct od_error *error)
{
    (void)error;
    struct integer_sum *sums = states->states;
    const int64_t *numbers = argument->values;
    for (uint32_t i = 0; i < row_count; i++) {
        if (od_column_is_null(argument, i))
            continue;
        sums[groups[i]].total += numbers[i];
        sums[groups[i]].count++;
    }
    return OD_OK;
}

static enum od_status merge_integer(struct od_aggregate_states *states, const uint32_t *groups,
                                    const struct od_column *columns, uint32_t row_count,
                                    struct od_error *error)
{
    struct integer_sum *sums = states->states;
    for (uint32_t i = 0; i < row_count; i++) {
        int64_t low;
        int64_t high;
        int64_t count;
        if (!read_state(&columns[0], i, INT64_MIN, &low) || !read_state(&columns[1], i, INT64_MIN, &high) ||
            !read_state(&columns[2], i, 0, &count))
            return corrupt_state(states, error);
        unsigned __int128 bits = (unsigned __int128)(uint64_t)high << 64 | (uint64_t)low;
        struct integer_sum *sum = &sums[groups[i]];
        sum->total = (__int128)((unsigned __int128)sum->total + bits);
        sum->count += count;
    }
    return OD_OK;
}

static enum od_status put_integer_state(struct od_aggregate_states *states, uint32_t group,
                                        struct od_batch_builder *builder, uint32_t column_index,
                                        struct od_error *error)
{
    const struct integer_sum *sum = (const struct integer_sum *)states->states + group;
    unsigned __int128 bits = (unsigned __int128)sum->total;
    enum od_status status = put_int64(builder, column_index, (int64_t)(uint64_t)bits, error);
    if (status == OD_OK)
        status = put_int64(builder, column_index + 1, (int64_t)(uint64_t)(bits >> 64), error);
    if (status == OD_OK)
        status = put_int64(builder, column_index + 2, sum->count, error);
    return status;
}

static enum od_status put_integer_sum(struct od_aggregate_states *states, uint32_t group,
                                      struct od_batch_builder *builder, uint32_t column_index,
                                      struct od_error *error)
{
    const struct integer_sum *sum = (const struct integer_sum *)states->states + group;
    if (sum->count == 0)
        return put_null(builder, column_index, error);
    if (sum->total < INT64_MIN || sum->total > INT64_MAX)
        return od_fail(error, OD_EVALUATION, "bigint out of range");
    return put_int64(builder, column_index, (int64_t)sum->total, error);
}

static enum od_status put_integer_avg(struct od_aggregate_states *states, uint32_t group,
                                      struct od_batch_builder *builder, uint32_t column_index,
                                      struct od_error *error)
{
    const struct integer_sum *sum = (const struct integer_sum *)states->states + group;
    if (sum->count == 0)
        return put_null(builder, column_index, error);
    return put_float64(builder, column_index, (double)sum->total / (double)sum->count, error);
}

/* --- sum and avg of double ------------------------------------------------------------------------------ */

static enum od_status update_float(struct od_aggregate_states *states, const uint32_t *groups,
                                   const struct od_column *argument, uint32_t row_count,
                                   struct od_error *error)
{
    struct float_total *totals = states->states;
    const double *numbers = argument->values;
    for (uint32_t i = 0; i < row_count; i++) {
        if (od_column_is_null(argument, i))
            continue;
        struct float_total *total = &totals[groups[i]];
        enum od_status status = od_float_sum_add(&total->sum, states->memory, numbers[i], error);
        if (status != OD_OK)
            return status;
        total->count++;
    }
    return OD_OK;
}

static enum od_status merge_float(struct od_aggregate_states *states, const uint32_t *groups,
                                  const struct od_column *columns, uint32_t row_count, struct od_error *error)
{
    struct float_total *totals = states->states;
    for (uint32_t i = 0; i < row_count; i++) {
        struct float_total *total = &totals[groups[i]];
        int64_t count;
        if (od_column_is_null(&columns[0], i) || !read_state(&columns[1], i, 0, &count))
            return corrupt_state(states, error);
        const int32_t *offsets = columns[0].offsets;
        enum od_status status =
            od_float_sum_add_encoded(&total->sum, states->memory, columns[0].bytes + offsets[i],
                                     (uint32_t)(offsets[i + 1] - offsets[i]), error);
        if (status != OD_OK)
            return status;
        total->count += count;
    }
    return OD_OK;
}

static enum od_status put_float_state(struct od_aggregate_states *states, uint32_t group,
                                      struct od_batch_builder *builder, uint32_t column_index,
                                      struct od_error *error)
{
    struct float_total *total = (struct float_total *)states->states + group;
    uint8_t bytes[OD_FLOAT_SUM_BYTES_MAX];
    struct od_value value = {.type = OD_TYPE_TEXT, .text = {.bytes = (const char *)bytes}};
    enum od_status status = od_float_sum_encode(&total->sum, states->memory, bytes, &value.text.size, error);
    if (status == OD_OK)
        status = od_batch_builder_append(builder, column_index, &value, error);
    if (status == OD_OK)
        status = put_int64(builder, column_index + 1, total->count, error);
    return status;
}

static enum od_status put_float_sum(struct od_aggregate_states *states, uint32_t group,
                                    struct od_batch_builder *builder, uint32_t column_index,
                                    struct od_error *error)
{
    struct float_total *total = (struct float_total *)states->states + group;
    double number;
    if (total->count == 0)
        return put_null(builder, column_index, error);
    enum od_status status = od_float_sum_round(&total->sum, states->memory, &number, error);
    return status == OD_OK ? put_float64(builder, column_index, number, error) : status;
}

static enum od_status put_float_avg(struct od_aggregate_states *states, uint32_t group,
                                    struct od_batch_builder *builder, uint32_t column_index,
                                    struct od_error *error)
{
    struct float_total *total = (struct float_total *)states->states + group;
    double number;
    if (total->count == 0)
        return put_null(builder, column_index, error);
    enum od_status status = od_float_sum_round(&total->sum, states->memory, &number, error);
    if (status != OD_OK)
        return status;
    return put_float64(builder, column_index, number == 0 ? 0.0 : number / (double)total->count, error);
}

static void release_float(struct od_aggregate_states *states, uint32_t group)
{
    od_float_sum_release(&((struct float_total *)states->states)[group].sum, states->memory);
}

/* --- min and max ---------------------------------------------------------------------------------------- */

static enum od_status extreme_set(struct od_aggregate_states *states, struct extreme *extreme,
                                  const struct od_value *value, struct od_error *error)
{
    if (value->type == OD_TYPE_TEXT && value->text.size > extreme->text_capacity) {
        uint32_t capacity = value->text.size < 32 ? 32 : value->text.size;
        char *text = od_resize(states->memory, extreme->text, extreme->text_capacity, capacity);
        if (text == NULL)
            return od_fail(error, OD_NO_MEMORY, "keeping a text: bytes=%u", capacity);
        extreme->text = text;
        extreme->text_capacity = capacity;
    }
    extreme->value = *value;
    extreme->has_value = true;
    if (value->type == OD_TYPE_FLOAT64 && isnan(value->float64))
        extreme->value.float64 = (double)NAN; /* not the bits of whichever came first */
    if (value->type == OD_TYPE_TEXT && value->text.size > 0)
        memcpy(extreme->text, value->text.bytes, value->text.size);
    if (value->type == OD_TYPE_TEXT)
        extreme->value.text.bytes = extreme->text;
    return OD_OK;
}

/* Also merges: a state column holds values of the argument's type, NULL for none. */
static enum od_status update_extreme(struct od_aggregate_states *states, const uint32_t *groups,
                                     const struct od_column *argument, uint32_t row_count,
                                     struct od_error *error)
{
    struct extreme *extremes = states->states;
    bool wants_greatest = states->aggregate->function == OD_AGGREGATE_MAX;
    for (uint32_t i = 0; i < row_count; i++) {
        struct od_value value = od_column_value(argument, i);
        struct extreme *extreme = &extremes[groups[i]];
        if (value.is_null)
            continue;
        if (extreme->has_value) {
            int order = od_value_compare_total(&value, &extreme->value);
            if (wants_greatest ? order <= 0 : order >= 0)
                continue;
        }
        enum od_status status = extreme_set(states, extreme, &value, error);
        if (status != OD_OK)
            return status;
    }
    return OD_OK;
}

static enum od_status put_extreme(struct od_aggregate_states *states, uint32_t group,
                                  struct od_batch_builder *builder, uint32_t column_index,
                                  struct od_error *error)
{
    const struct extreme *extreme = (const struct extreme *)states->states + group;
    if (!extreme->has_value)
        return put_null(builder, column_index, error);
    return od_batch_builder_append(builder, column_index, &extreme->value, error);
}

static void release_extreme(struct od_aggregate_states *states, uint32_t group)
{
    struct extreme *extreme = (struct extreme *)states->states + group;
    od_give(states->memory, extreme->text, extreme->text_capacity);
}

/* --- the table ------------------------------------------------------------------------------------------ */

#define EXTREME_KIND                                                                                         \
    {                                                                                                        \
        sizeof(struct extreme), update_extreme, update_extreme, put_extreme, put_extreme, release_extreme    \
    }

/* [0]: every argument but double; [1]: double. */
static const struct od_state_kind kinds[][2] = {
    [OD_AGGREGATE_COUNT_STAR] = {{sizeof(int64_t), update_count_star, merge_count, put_count, put_count,
                                  NULL},
                                 {sizeof(int64_t), update_count_star, merge_count, put_count, put_count,
                                  NULL}},
    [OD_AGGREGATE_COUNT] = {{sizeof(int64_t), update_count, merge_count, put_count, put_count, NULL},
                            {sizeof(int64_t), update_count, merge_count, put_count, put_count, NULL}},
    [OD_AGGREGATE_SUM] = {{sizeof(struct integer_sum), update_integer, merge_integer, put_integer_state,
                           put_integer_sum, NULL},
                          {sizeof(struct float_total), update_float, merge_float, put_float_state,
                           put_float_sum, release_float}},
    [OD_AGGREGATE_MIN] = {EXTREME_KIND, EXTREME_KIND},
    [OD_AGGREGATE_MAX] = {EXTREME_KIND, EXTREME_KIND},
    [OD_AGGREGATE_AVG] = {{sizeof(struct integer_sum), update_integer, merge_integer, put_integer_state,
                           put_integer_avg, NULL},
                          {sizeof(struct float_total), update_float, merge_float, put_float_state,
                           put_float_avg, release_float}},
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == OD_AGGREGATE_COUNT_OF_KINDS, "every aggregate has a row");

void od_aggregate_states_init(struct od_aggregate_states *states, struct od_memory *memory,
                              const struct od_aggregate *aggregate)
{
    od_assert((unsigned)aggregate->function < OD_AGGREGATE_COUNT_OF_KINDS);
    bool is_float = aggregate->argument != NULL && aggregate->argument->type == OD_TYPE_FLOAT64;
    *states = (struct od_aggregate_states){
        .kind = &kinds[aggregate->function][is_float], .aggregate = aggregate, .memory = memory};
}

void od_aggregate_states_release(struct od_aggregate_states *states)
{
    if (states->memory == NULL)
        return; /* never initialised */
    for (uint32_t i = 0; i < states->group_count && states->kind->release != NULL; i++)
        states->kind->release(states, i);
    od_give(states->memory, states->states, states->group_capacity * states->kind->bytes);
    *states = (struct od_aggregate_states){0};
}

enum od_status od_aggregate_states_grow(struct od_aggregate_states *states, uint32_t group_count,
                                        struct od_error *error)
{
    size_t bytes = states->kind->bytes;
    if (group_count > states->group_capacity) {
        size_t capacity = states->group_capacity == 0 ? GROUP_CAPACITY_MIN : states->group_capacity;
        while (capacity < group_count)
            capacity *= 2;
        void *grown =
            od_resize(states->memory, states->states, states->group_capacity * bytes, capacity * bytes);
        if (grown == NULL)
            return od_fail(error, OD_NO_MEMORY, "growing states: groups=%u", group_count);
        states->states = grown;
        states->group_capacity = (uint32_t)capacity;
    }
    if (group_count > states->group_count) {
        memset((uint8_t *)states->states + states->group_count * bytes, 0,
               (group_count - states->group_count) * bytes);
        states->group_count = group_count;
    }
    return OD_OK;
}

enum od_status od_aggregate_states_update(struct od_aggregate_states *states, const uint32_t *groups,
                                          const struct od_column *argument, uint32_t row_count,
                                          struct od_error *error)
{
    return states->kind->update(states, groups, argument, row_count, error);
}

enum od_status od_aggregate_states_merge(struct od_aggregate_states *states, const uint32_t *groups,
                                         const struct od_column *columns, uint32_t row_count,
                                         struct od_error *error)
{
    return states->kind->merge(states, groups, columns, row_count, error);
}

enum od_status od_aggregate_states_put_state(struct od_aggregate_states *states, uint32_t group,
                                             struct od_batch_builder *builder, uint32_t column_index,
                                             struct od_error *error)
{
    od_assert(group < states->group_count);
    return states->kind->put_state(states, group, builder, column_index, error);
}

enum od_status od_aggregate_states_put_result(struct od_aggregate_states *states, uint32_t group,
                                              struct od_batch_builder *builder, uint32_t column_index,
                                              struct od_error *error)
{
    od_assert(group < states->group_count);
    return states->kind->put_result(states, group, builder, column_index, error);
}
