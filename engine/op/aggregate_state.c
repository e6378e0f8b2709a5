/* aggregate_state: one row of a table for each way of remembering.
 *
 *   COUNT      a count: DOUBLES without sums, which travel as a bigint
 *   DECIMALS   exact sum (data/decimal.h)                          sum, avg of integers and numerics
 *   SPREADS    exact sums of values and squares (data/decimal.h)   variance, stddev of those
 *   DOUBLES    a count and 1, 2 or 5 exact sums (float_sum.h)      sum, avg | variance, stddev | corr, covar, regr
 *   CHOSEN     a value: the least, the greatest, or bits that were put together; text is copied into a block of its own,
 *              which grows and is used again
 *   TEXT       bytes that grow
 *
 * Kinds with `encode` travel between phases as one text of its bytes; the others as their own value. Functions of doubles end
 * in PostgreSQL's formulas (float.c: float8_var_pop...) over exact sums rounded once: sum(x), sum(y) and the centred sums of
 * squares and products, which PostgreSQL approximates row by row (Youngs and Cramer). An average of zero is 0.0, as there,
 * where the running sum starts from 0.0. */
#include "engine/op/aggregate_state.h"

#include <math.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/data/decimal.h"
#include "engine/op/float_sum.h"

#define SUMS_MAX          5u
#define ENCODED_BYTES_MAX (sizeof(int64_t) + SUMS_MAX * OD_FLOAT_SUM_BYTES_MAX)

/* The sums of struct doubles: of values and of products; x is the second argument where there are two: corr(Y, X). */
enum { SUM_Y, SQUARES_Y, SUM_X, SQUARES_X, PRODUCTS };
static const struct {
    bool is_product;
    uint8_t left; /* argument, 0: y, 1: x; of a product */
    uint8_t right;
} sums_of[SUMS_MAX] = {{false, 0, 0}, {true, 0, 0}, {false, 1, 1}, {true, 1, 1}, {true, 1, 0}};
static const uint8_t plain_sums[2] = {SUM_Y, SUM_X}; /* of each argument */
struct doubles {
    int64_t count;
    struct od_float_sum sums[]; /* kind->sum_count, which may be none */
};
struct chosen {
    struct od_value value; /* valid when has_value; text points into `text` */
    bool has_value;
    struct od_buffer text; /* owned */
};
typedef enum od_status (*state_step)(struct od_aggregate_states *states, void *state,
                                     const struct od_column *columns, uint32_t row);
struct od_state_kind {
    size_t bytes;     /* of one state; zeroed is empty */
    state_step add;   /* `columns` are the arguments'; the first is not NULL */
    state_step merge; /* one column, of states */
    enum od_status (*combine)(struct od_aggregate_states *states, void *state, void *other);
    /* NULL: the state is its result. */
    enum od_status (*encode)(struct od_aggregate_states *states, void *state, uint8_t *bytes,
                             uint32_t *size_out);
    /* value_out is a NULL of the aggregate's type. It may borrow from the state. */
    enum od_status (*result)(struct od_aggregate_states *states, void *state, struct od_value *value_out);
    void (*release)(struct od_aggregate_states *states, void *state); /* NULL: nothing to let go of */
    uint32_t sum_count;
};

static enum od_status corrupt_state(const struct od_aggregate_states *states)
{
    return od_fail(states->error, OD_CORRUPT, "%s: a partial state is not one",
                   od_aggregate_text(states->aggregate->function));
}

static const uint8_t *text_at(const struct od_column *column, uint32_t row, uint32_t *size_out)
{
    *size_out = (uint32_t)(column->offsets[row + 1] - column->offsets[row]);
    return column->bytes + column->offsets[row];
}

/* --- count ---------------------------------------------------------------------------------------------- */

static enum od_status merge_count(struct od_aggregate_states *states, void *state,
                                  const struct od_column *columns, uint32_t row)
{
    int64_t count = ((const int64_t *)columns->values)[row];
    if (od_column_is_null(columns, row) || count < 0)
        return corrupt_state(states);
    *(int64_t *)state += count;
    return OD_OK;
}

static enum od_status result_of_count(struct od_aggregate_states *states, void *state,
                                      struct od_value *value_out)
{
    (void)states;
    value_out->is_null = false;
    value_out->int64 = *(const int64_t *)state;
    return OD_OK;
}

/* --- integers and numerics ------------------------------------------------------------------------------ */

static struct od_decimal decimal_at(const struct od_column *column, uint32_t row)
{
    switch (column->type) {
    case OD_TYPE_INT32:
        return od_decimal_from_int64(((const int32_t *)column->values)[row]);
    case OD_TYPE_INT64:
        return od_decimal_from_int64(((const int64_t *)column->values)[row]);
    default:
        od_assert(column->type == OD_TYPE_DECIMAL);
        return ((const struct od_decimal *)column->values)[row];
    }
}

/* SPREADS begin with a sum, too. */
static bool is_spread(const struct od_aggregate_states *states)
{
    return states->kind->bytes == sizeof(struct od_decimal_moments);
}

static enum od_status add_decimal(struct od_aggregate_states *states, void *state,
                                  const struct od_column *columns, uint32_t row)
{
    struct od_decimal decimal = decimal_at(columns, row);
    if (is_spread(states))
        od_decimal_moments_add(state, &decimal);
    else
        od_decimal_sum_add(state, &decimal);
    return OD_OK;
}

static enum od_status combine_decimals(struct od_aggregate_states *states, void *state, void *other)
{
    if (is_spread(states))
        od_decimal_moments_combine(state, other);
    else
        od_decimal_sum_combine(state, other);
    return OD_OK;
}

/* Both states are whole words: their own bytes. */
static enum od_status encode_words(struct od_aggregate_states *states, void *state, uint8_t *bytes,
                                   uint32_t *size_out)
{
    *size_out = (uint32_t)states->kind->bytes;
    memcpy(bytes, state, states->kind->bytes);
    return OD_OK;
}

static enum od_status merge_words(struct od_aggregate_states *states, void *state,
                                  const struct od_column *columns, uint32_t row)
{
    struct od_decimal_moments other; /* begins with a struct od_decimal_sum */
    uint32_t size;
    const uint8_t *bytes = text_at(columns, row, &size);
    if (od_column_is_null(columns, row) || size != states->kind->bytes)
        return corrupt_state(states);
    memcpy(&other, bytes, size);
    if (other.sum.scale_max > OD_DECIMAL_DIGITS_MAX)
        return corrupt_state(states);
    return states->kind->combine(states, state, &other);
}

static enum od_status result_of_decimals(struct od_aggregate_states *states, void *state,
                                         struct od_value *value_out)
{
    const struct od_decimal_sum *sum = state;
    struct od_decimal result;
    if (sum->count == 0)
        return OD_OK;
    value_out->is_null = false;
    bool is_average = states->aggregate->function == OD_AGGREGATE_AVG;
    bool ok = is_average ? od_decimal_sum_average(sum, &result) : od_decimal_sum_total(sum, &result);
    if (value_out->type == OD_TYPE_INT64)
        return ok && od_decimal_to_int64(&result, &value_out->int64)
                   ? OD_OK
                   : od_fail(states->error, OD_EVALUATION, "bigint out of range");
    value_out->decimal = result;
    return ok ? OD_OK : od_fail(states->error, OD_EVALUATION, "value overflows numeric format");
}

static bool is_of_population(enum od_aggregate_function function)
{
    return function == OD_AGGREGATE_VAR_POP || function == OD_AGGREGATE_STDDEV_POP ||
           function == OD_AGGREGATE_COVAR_POP;
}

static bool takes_root(enum od_aggregate_function function)
{
    return function == OD_AGGREGATE_STDDEV_POP || function == OD_AGGREGATE_STDDEV_SAMP;
}

static enum od_status result_of_spread(struct od_aggregate_states *states, void *state,
                                       struct od_value *value_out)
{
    const struct od_decimal_moments *moments = state;
    struct od_spread spread = {.of_population = is_of_population(states->aggregate->function),
                               .takes_root = takes_root(states->aggregate->function)};
    value_out->is_null = moments->sum.count < (spread.of_population ? 1 : 2);
    if (value_out->is_null || od_decimal_moments_spread(moments, spread, &value_out->decimal))
        return OD_OK;
    return od_fail(states->error, OD_EVALUATION, "value overflows numeric format");
}

/* --- doubles -------------------------------------------------------------------------------------------- */

static enum od_status add_doubles(struct od_aggregate_states *states, void *state,
                                  const struct od_column *columns, uint32_t row)
{
    struct doubles *doubles = state;
    struct od_float_sum *sums = doubles->sums;
    uint32_t sum_count = states->kind->sum_count;
    bool is_pair = sum_count == SUMS_MAX || states->aggregate->function == OD_AGGREGATE_REGR_COUNT;
    if (is_pair && od_column_is_null(&columns[1], row))
        return OD_OK;
    doubles->count++;
    for (uint32_t i = 0; i < sum_count; i++) {
        double left = ((const double *)columns[sums_of[i].left].values)[row];
        double right = ((const double *)columns[sums_of[i].right].values)[row];
        OD_TRY(sums_of[i].is_product ? od_float_sum_add_product(&sums[i], states->memory, left, right, states->error)
                                     : od_float_sum_add(&sums[i], states->memory, left, states->error));
    }
    return OD_OK;
}

static enum od_status combine_doubles(struct od_aggregate_states *states, void *state, void *other)
{
    struct doubles *target = state;
    const struct doubles *source = other;
    target->count += source->count;
    for (uint32_t i = 0; i < states->kind->sum_count; i++)
        OD_TRY(od_float_sum_combine(&target->sums[i], states->memory, &source->sums[i], states->error));
    return OD_OK;
}

/* The count, then each sum behind its size. */
static enum od_status encode_doubles(struct od_aggregate_states *states, void *state, uint8_t *bytes,
                                     uint32_t *size_out)
{
    struct doubles *doubles = state;
    uint32_t filled = sizeof(doubles->count);
    memcpy(bytes, &doubles->count, sizeof(doubles->count));
    for (uint32_t i = 0; i < states->kind->sum_count; i++) {
        uint32_t size;
        OD_TRY(od_float_sum_encode(&doubles->sums[i], bytes + filled, &size, states->error));
        filled += size;
    }
    *size_out = filled;
    return OD_OK;
}

static enum od_status merge_doubles(struct od_aggregate_states *states, void *state,
                                    const struct od_column *columns, uint32_t row)
{
    struct doubles *doubles = state;
    uint32_t size;
    const uint8_t *bytes = text_at(columns, row, &size);
    int64_t count;
    uint32_t at = sizeof(count);
    if (od_column_is_null(columns, row) || size < at)
        return corrupt_state(states);
    memcpy(&count, bytes, sizeof(count));
    for (uint32_t i = 0; i < states->kind->sum_count; i++) {
        uint32_t sum_bytes = od_float_sum_encoded_bytes(bytes + at, size - at);
        OD_TRY(od_float_sum_add_encoded(&doubles->sums[i], states->memory, bytes + at, sum_bytes,
                                        states->error));
        at += sum_bytes;
    }
    if (at != size || count < 0)
        return corrupt_state(states);
    doubles->count += count;
    return OD_OK;
}

/* What PostgreSQL calls N, Sx, Sxx...: sums of products are centred. */
struct regression {
    double n;
    double sums[SUMS_MAX];
};

static enum od_status regression_of(struct od_aggregate_states *states, struct doubles *doubles,
                                    struct regression *out)
{
    struct od_float_sum *sums = doubles->sums;
    uint64_t count = (uint64_t)doubles->count;
    *out = (struct regression){.n = (double)count};
    for (uint32_t i = 0; i < states->kind->sum_count; i++) {
        struct od_float_sum *left = &sums[plain_sums[sums_of[i].left]];
        struct od_float_sum *right = &sums[plain_sums[sums_of[i].right]];
        OD_TRY(sums_of[i].is_product
                   ? od_float_sum_centred(&sums[i], left, right, count, &out->sums[i], states->error)
                   : od_float_sum_round(&sums[i], &out->sums[i], states->error));
    }
    return OD_OK;
}

/* Of what is_defined. */
static double regress(enum od_aggregate_function function, const struct regression *r)
{
    double sum_x = r->sums[SUM_X], sum_y = r->sums[SUM_Y];
    double sxx = r->sums[SQUARES_X], syy = r->sums[SQUARES_Y], sxy = r->sums[PRODUCTS];
    double divisor = is_of_population(function) ? r->n : r->n - 1;
    switch (function) {
    case OD_AGGREGATE_SUM:
        return sum_y;
    case OD_AGGREGATE_AVG:
    case OD_AGGREGATE_REGR_AVGY:
        return sum_y == 0 ? 0.0 : sum_y / r->n;
    case OD_AGGREGATE_REGR_AVGX:
        return sum_x == 0 ? 0.0 : sum_x / r->n;
    case OD_AGGREGATE_VAR_POP:
    case OD_AGGREGATE_VAR_SAMP:
        return syy / divisor;
    case OD_AGGREGATE_STDDEV_POP:
    case OD_AGGREGATE_STDDEV_SAMP:
        return sqrt(syy / divisor);
    case OD_AGGREGATE_COVAR_POP:
    case OD_AGGREGATE_COVAR_SAMP:
        return sxy / divisor;
    case OD_AGGREGATE_REGR_SXX:
        return sxx;
    case OD_AGGREGATE_REGR_SYY:
        return syy;
    case OD_AGGREGATE_REGR_SXY:
        return sxy;
    case OD_AGGREGATE_REGR_SLOPE:
        return sxy / sxx;
    case OD_AGGREGATE_REGR_INTERCEPT:
        return (sum_y - sum_x * sxy / sxx) / r->n;
    case OD_AGGREGATE_REGR_R2:
        return syy == 0 ? 1.0 : (sxy * sxy) / (sxx * syy);
    case OD_AGGREGATE_CORR:
        return sxy / sqrt(sxx * syy);
    default:
        od_unreachable();
    }
}

static bool is_defined(enum od_aggregate_function function, const struct regression *r)
{
    switch (function) {
    case OD_AGGREGATE_VAR_SAMP:
    case OD_AGGREGATE_STDDEV_SAMP:
    case OD_AGGREGATE_COVAR_SAMP:
        return r->n > 1;
    case OD_AGGREGATE_REGR_SLOPE:
    case OD_AGGREGATE_REGR_INTERCEPT:
    case OD_AGGREGATE_REGR_R2:
        return r->sums[SQUARES_X] != 0;
    case OD_AGGREGATE_CORR:
        return r->sums[SQUARES_X] != 0 && r->sums[SQUARES_Y] != 0;
    default:
        return r->n > 0;
    }
}

static enum od_status result_of_doubles(struct od_aggregate_states *states, void *state,
                                        struct od_value *value_out)
{
    struct doubles *doubles = state;
    struct regression regression;
    if (doubles->count == 0)
        return OD_OK;
    OD_TRY(regression_of(states, doubles, &regression));
    value_out->is_null = !is_defined(states->aggregate->function, &regression);
    double number = value_out->is_null ? 0 : regress(states->aggregate->function, &regression);
    value_out->float64 = isnan(number) ? (double)NAN : number; /* one NaN, of one sign */
    return OD_OK;
}

static void release_doubles(struct od_aggregate_states *states, void *state)
{
    struct doubles *doubles = state;
    for (uint32_t i = 0; i < states->kind->sum_count; i++)
        od_float_sum_release(&doubles->sums[i], states->memory);
}

/* --- chosen values: min, max, bool_and, bool_or, any_value; bit_and, bit_or, bit_xor -------------------- */

/* False: not a function of bits. */
static bool put_bits_together(enum od_aggregate_function function, int64_t *word, int64_t other)
{
    switch (function) {
    case OD_AGGREGATE_BIT_AND:
        *word &= other;
        return true;
    case OD_AGGREGATE_BIT_OR:
        *word |= other;
        return true;
    case OD_AGGREGATE_BIT_XOR:
        *word ^= other;
        return true;
    default:
        return false;
    }
}

static enum od_status choose(struct od_aggregate_states *states, struct chosen *chosen,
                             const struct od_value *value)
{
    enum od_aggregate_function function = states->aggregate->function;
    bool wants_greatest = function == OD_AGGREGATE_MAX || function == OD_AGGREGATE_BOOL_OR;
    if (chosen->has_value) {
        if (put_bits_together(function, &chosen->value.int64, value->int64))
            return OD_OK;
        int order = od_value_compare_total(value, &chosen->value);
        if (wants_greatest ? order <= 0 : order >= 0)
            return OD_OK;
    }
    chosen->value = *value;
    chosen->has_value = true;
    if (value->type == OD_TYPE_FLOAT64 && isnan(value->float64))
        chosen->value.float64 = (double)NAN; /* not the bits of whichever came first */
    if (value->type != OD_TYPE_TEXT)
        return OD_OK;
    chosen->text.memory = states->memory;
    chosen->text.size = 0;
    if (!od_buffer_append(&chosen->text, value->text.bytes, value->text.size))
        return od_fail(states->error, OD_NO_MEMORY, "keeping a text: bytes=%u", value->text.size);
    chosen->value.text.bytes = (const char *)chosen->text.bytes;
    return OD_OK;
}

static enum od_status add_chosen(struct od_aggregate_states *states, void *state,
                                 const struct od_column *columns, uint32_t row)
{
    struct od_value value = od_column_value(columns, row);
    return value.is_null ? OD_OK : choose(states, state, &value);
}

static enum od_status combine_chosen(struct od_aggregate_states *states, void *state, void *other)
{
    const struct chosen *source = other;
    return source->has_value ? choose(states, state, &source->value) : OD_OK;
}

static enum od_status result_of_chosen(struct od_aggregate_states *states, void *state,
                                       struct od_value *value_out)
{
    (void)states;
    const struct chosen *chosen = state;
    if (chosen->has_value)
        *value_out = chosen->value;
    return OD_OK;
}

static void release_chosen(struct od_aggregate_states *states, void *state)
{
    (void)states;
    od_buffer_release(&((struct chosen *)state)->text);
}

/* --- texts ---------------------------------------------------------------------------------------------- */

static enum od_status append_text(struct od_aggregate_states *states, struct od_buffer *buffer,
                                  const struct od_column *column, uint32_t row)
{
    uint32_t size;
    const uint8_t *bytes = text_at(column, row, &size);
    buffer->memory = states->memory;
    if (buffer->size + size > INT32_MAX)
        return od_fail(states->error, OD_UNSUPPORTED, "string_agg: a text of %zu bytes", buffer->size + size);
    if (!od_buffer_append(buffer, bytes, size))
        return od_fail(states->error, OD_NO_MEMORY, "string_agg: bytes=%zu", buffer->size + size);
    return OD_OK;
}

/* Each text but the first behind its own row's separator. */
static enum od_status add_text(struct od_aggregate_states *states, void *state,
                               const struct od_column *columns, uint32_t row)
{
    struct chosen *text = state;
    if (text->has_value && !od_column_is_null(&columns[1], row))
        OD_TRY(append_text(states, &text->text, &columns[1], row));
    text->has_value = true;
    return append_text(states, &text->text, &columns[0], row);
}

static enum od_status result_of_text(struct od_aggregate_states *states, void *state,
                                     struct od_value *value_out)
{
    (void)states;
    const struct chosen *text = state;
    value_out->is_null = !text->has_value;
    value_out->text.bytes = text->text.bytes == NULL ? "" : (const char *)text->text.bytes;
    value_out->text.size = (uint32_t)text->text.size;
    return OD_OK;
}

/* --- the table ------------------------------------------------------------------------------------------ */

enum state_kind { COUNT, DECIMALS, SPREADS, ONE_SUM, TWO_SUMS, FIVE_SUMS, CHOSEN, TEXT };

#define DOUBLES_ROW(count)                                                                                   \
    {                                                                                                        \
        sizeof(struct doubles) + (count) * sizeof(struct od_float_sum), add_doubles, merge_doubles,          \
            combine_doubles, encode_doubles, result_of_doubles, release_doubles, count                       \
    }
static const struct od_state_kind kinds[] = {
    [COUNT] = {sizeof(struct doubles), add_doubles, merge_count, combine_doubles, NULL, result_of_count, NULL,
               0},
    [DECIMALS] = {sizeof(struct od_decimal_sum), add_decimal, merge_words, combine_decimals, encode_words,
                  result_of_decimals, NULL, 0},
    [SPREADS] = {sizeof(struct od_decimal_moments), add_decimal, merge_words, combine_decimals, encode_words,
                 result_of_spread, NULL, 0},
    [ONE_SUM] = DOUBLES_ROW(1),
    [TWO_SUMS] = DOUBLES_ROW(2),
    [FIVE_SUMS] = DOUBLES_ROW(SUMS_MAX),
    [CHOSEN] = {sizeof(struct chosen), add_chosen, add_chosen, combine_chosen, NULL, result_of_chosen,
                release_chosen, 0},
    [TEXT] = {sizeof(struct chosen), add_text, NULL, NULL, NULL, result_of_text, release_chosen, 0},
};
_Static_assert(sizeof(struct od_decimal_moments) <= ENCODED_BYTES_MAX, "the longest encoding is of doubles");

/* By groups of functions that stand together in OD_AGGREGATE_LIST. Those WITHIN GROUP have no states (od_aggregate_of_sorted). */
static enum state_kind kind_of(const struct od_aggregate *aggregate)
{
    enum od_aggregate_function function = aggregate->function;
    bool of_doubles = aggregate->argument != NULL && aggregate->argument->type == OD_TYPE_FLOAT64;
    if (!od_aggregate_is_nullable(function))
        return COUNT;
    if (function == OD_AGGREGATE_SUM || function == OD_AGGREGATE_AVG)
        return of_doubles ? ONE_SUM : DECIMALS;
    if (function >= OD_AGGREGATE_VAR_POP && function <= OD_AGGREGATE_STDDEV_SAMP)
        return of_doubles ? TWO_SUMS : SPREADS;
    if (function >= OD_AGGREGATE_CORR && function <= OD_AGGREGATE_REGR_R2)
        return FIVE_SUMS;
    return function == OD_AGGREGATE_STRING_AGG ? TEXT : CHOSEN;
}

void od_aggregate_states_init(struct od_aggregate_states *states, struct od_memory *memory,
                              const struct od_aggregate *aggregate, struct od_error *error)
{
    od_assert((unsigned)aggregate->function < OD_AGGREGATE_COUNT_OF_KINDS);
    *states = (struct od_aggregate_states){
        .kind = &kinds[kind_of(aggregate)], .aggregate = aggregate, .memory = memory, .error = error};
}

static void *state_of(struct od_aggregate_states *states, uint32_t group)
{
    od_assert(group < states->group_count);
    return (uint8_t *)states->states + group * states->kind->bytes;
}

void od_aggregate_states_clear(struct od_aggregate_states *states, uint32_t group)
{
    if (states->kind->release != NULL)
        states->kind->release(states, state_of(states, group));
    memset(state_of(states, group), 0, states->kind->bytes);
}

void od_aggregate_states_release(struct od_aggregate_states *states)
{
    if (states->memory == NULL)
        return; /* never initialised */
    for (uint32_t i = 0; i < states->group_count && states->kind->release != NULL; i++)
        states->kind->release(states, state_of(states, i));
    od_give(states->memory, states->states, states->group_capacity * states->kind->bytes);
    states->states = NULL;
    states->group_count = 0;
    states->group_capacity = 0;
}

enum od_status od_aggregate_states_grow(struct od_aggregate_states *states, uint32_t group_count)
{
    size_t bytes = states->kind->bytes;
    if (!od_grow(states->memory, &states->states, &states->group_capacity, group_count, bytes))
        return od_fail(states->error, OD_NO_MEMORY, "growing states: groups=%u", group_count);
    if (group_count > states->group_count) {
        memset((uint8_t *)states->states + states->group_count * bytes, 0,
               (group_count - states->group_count) * bytes);
        states->group_count = group_count;
    }
    return OD_OK;
}

enum od_status od_aggregate_states_add(struct od_aggregate_states *states, uint32_t group,
                                       const struct od_column *arguments, uint32_t row)
{
    if (states->aggregate->argument != NULL && od_column_is_null(&arguments[0], row))
        return OD_OK;
    return states->kind->add(states, state_of(states, group), arguments, row);
}

bool od_aggregate_states_can_combine(const struct od_aggregate_states *states)
{
    return states->kind->combine != NULL;
}

enum od_status od_aggregate_states_combine(struct od_aggregate_states *states, uint32_t target,
                                           uint32_t source)
{
    od_assert(target != source);
    return states->kind->combine(states, state_of(states, target), state_of(states, source));
}

enum od_status od_aggregate_states_merge(struct od_aggregate_states *states, uint32_t group,
                                         const struct od_column *column, uint32_t row)
{
    return states->kind->merge(states, state_of(states, group), column, row);
}

enum od_status od_aggregate_states_result(struct od_aggregate_states *states, uint32_t group,
                                          struct od_value *value_out)
{
    *value_out = (struct od_value){.type = states->aggregate->type, .is_null = true};
    return states->kind->result(states, state_of(states, group), value_out);
}

enum od_status od_aggregate_states_put(struct od_aggregate_states *states, uint32_t group, bool as_state,
                                       struct od_batch_builder *builder, uint32_t column_index)
{
    uint8_t bytes[ENCODED_BYTES_MAX];
    struct od_value value = {.type = OD_TYPE_TEXT, .text = {.bytes = (const char *)bytes}};
    if (as_state && states->kind->encode != NULL)
        OD_TRY(states->kind->encode(states, state_of(states, group), bytes, &value.text.size));
    else
        OD_TRY(od_aggregate_states_result(states, group, &value));
    return od_batch_builder_append(builder, column_index, &value, states->error);
}

/* --- within group --------------------------------------------------------------------------------------- */

static struct od_value mode_of(const struct od_column *values, const uint32_t *rows, uint32_t count)
{
    struct od_value best = od_column_value(values, rows[0]);
    uint32_t best_length = 0;
    for (uint32_t first = 0, end; first < count; first = end) {
        struct od_value value = od_column_value(values, rows[first]);
        for (end = first + 1; end < count; end++) {
            struct od_value next = od_column_value(values, rows[end]);
            if (od_value_compare(&value, &next) != 0)
                break;
        }
        if (end - first > best_length) {
            best = value;
            best_length = end - first;
        }
    }
    return best;
}

enum od_status od_aggregate_of_sorted(const struct od_aggregate *aggregate, const struct od_value *fraction,
                                      const struct od_column *values, const uint32_t *rows, uint32_t count,
                                      struct od_value *result_out, struct od_error *error)
{
    *result_out = (struct od_value){.type = aggregate->type, .is_null = true};
    if (aggregate->function == OD_AGGREGATE_MODE) {
        if (count > 0)
            *result_out = mode_of(values, rows, count);
        return OD_OK;
    }
    if (fraction->is_null)
        return OD_OK;
    double part = fraction->float64;
    if (!(part >= 0 && part <= 1))
        return od_fail(error, OD_EVALUATION, "percentile value %g is not between 0 and 1", part);
    if (count == 0)
        return OD_OK;
    if (aggregate->function == OD_AGGREGATE_PERCENTILE_DISC) {
        uint64_t number = (uint64_t)ceil(part * count);
        *result_out = od_column_value(values, rows[number == 0 ? 0 : number - 1]);
        return OD_OK;
    }
    double place = part * (count - 1.0);
    double low = ((const double *)values->values)[rows[(uint32_t)floor(place)]];
    double high = ((const double *)values->values)[rows[(uint32_t)ceil(place)]];
    result_out->is_null = false;
    result_out->float64 = floor(place) == ceil(place) ? low : low + (place - floor(place)) * (high - low);
    if (isnan(result_out->float64))
        result_out->float64 = (double)NAN;
    return OD_OK;
}
