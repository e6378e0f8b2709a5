/* model_aggregate: count, sum, min, max, avg over the values of one group, all at once.
 *
 * Integers and numerics are added digit by digit (model_decimal.h). sum(double) is the exact sum rounded
 * once. The method is Shewchuk's ("Adaptive precision floating-point arithmetic", 1997, as in Python's
 * math.fsum): partials that do not overlap and add up exactly. Ours are long doubles, whose exponents reach
 * far beyond a double's, so nothing overflows or underflows on the way. The final rounding is by definition:
 * the double whose half-way points to its neighbours enclose the sum, where "on which side of this point is
 * the sum?" is the sign of the sum with the point taken away. */
#include "properties/model.h"

#include "engine/core/assert.h"
#include "properties/model_decimal.h"

#include <float.h>
#include <math.h>
#include <string.h>

_Static_assert(LDBL_MANT_DIG >= 64 && LDBL_MAX_EXP > 2 * DBL_MAX_EXP,
               "partials need a wider type than double");

/* Adds x to partials that grow in magnitude and do not overlap; returns their new number. */
static uint32_t add_partial(long double *partials, uint32_t count, long double x)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        long double y = partials[i];
        if (fabsl(x) < fabsl(y)) {
            long double swap = x;
            x = y;
            y = swap;
        }
        long double high = x + y;
        long double low = y - (high - x);
        if (low != 0)
            partials[kept++] = low;
        x = high;
    }
    if (x != 0)
        partials[kept++] = x;
    return kept;
}

/* The sign of sum - point; `scratch` has room for count + 1. */
static int side_of(const long double *partials, uint32_t count, long double point, long double *scratch)
{
    if (count > 0)
        memcpy(scratch, partials, count * sizeof(*scratch));
    uint32_t left = add_partial(scratch, count, -point);
    return left == 0 ? 0 : (scratch[left - 1] > 0 ? 1 : -1);
}

static bool is_odd(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return bits & 1;
}

/* The neighbour above, where 2^1024 follows DBL_MAX. */
static long double next_above(double number)
{
    return number == DBL_MAX ? ldexpl(1.0L, DBL_MAX_EXP) : (long double)nextafter(number, (double)INFINITY);
}

/* Round half to even. Positive sums only: the caller mirrors. */
static double round_once(const long double *partials, uint32_t count, long double *scratch)
{
    long double top = partials[count - 1];
    double number = top >= (long double)DBL_MAX ? DBL_MAX : (double)top;
    for (uint32_t step = 0; step < 3; step++) {
        long double above = next_above(number);
        long double below = (long double)nextafter(number, 0.0);
        int up = side_of(partials, count, ((long double)number + above) / 2, scratch);
        int down = side_of(partials, count, ((long double)number + below) / 2, scratch);
        if (up > 0 || (up == 0 && is_odd(number))) {
            if (number == DBL_MAX)
                return (double)INFINITY;
            number = (double)above;
        } else if (down < 0 || (down == 0 && is_odd(number))) {
            number = (double)below;
        } else {
            return number;
        }
    }
    od_unreachable();
}

/* What infinities and NaN make of a sum; false when all numbers are finite. */
static bool special_sum(const double *numbers, uint32_t count, double *sum_out)
{
    bool nan = false, plus = false, minus = false;
    for (uint32_t i = 0; i < count; i++) {
        nan |= isnan(numbers[i]);
        plus |= isinf(numbers[i]) && numbers[i] > 0;
        minus |= isinf(numbers[i]) && numbers[i] < 0;
    }
    if (nan || (plus && minus))
        *sum_out = (double)NAN;
    else if (plus || minus)
        *sum_out = plus ? (double)INFINITY : -(double)INFINITY;
    return nan || plus || minus;
}

enum od_status od_model_float_sum(struct od_arena *arena, const double *numbers, uint32_t count,
                                  double *sum_out, bool *overflow_out, struct od_error *error)
{
    *overflow_out = false;
    *sum_out = 0.0;
    if (special_sum(numbers, count, sum_out))
        return OD_OK;
    long double *partials = od_arena_take_array(arena, (size_t)count + 2, sizeof(*partials));
    long double *scratch = od_arena_take_array(arena, (size_t)count + 2, sizeof(*scratch));
    if (partials == NULL || scratch == NULL)
        return od_fail(error, OD_NO_MEMORY, "the model ran out of memory");
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        kept = add_partial(partials, kept, (long double)numbers[i]);
    if (kept == 0) {
        bool all_negative = count > 0; /* as IEEE 754: -0.0 + -0.0 is -0.0, any other zero total 0.0 */
        for (uint32_t i = 0; i < count; i++)
            all_negative &= signbit(numbers[i]) != 0;
        *sum_out = all_negative ? -0.0 : 0.0;
        return OD_OK;
    }
    bool negative = partials[kept - 1] < 0;
    for (uint32_t i = 0; i < kept && negative; i++)
        partials[i] = -partials[i];
    double magnitude = round_once(partials, kept, scratch);
    *overflow_out = isinf(magnitude);
    *sum_out = negative ? -magnitude : magnitude;
    return OD_OK;
}

/* --- the functions -------------------------------------------------------------------------------------- */

/* The values that are not NULL. */
struct values {
    struct od_value *items;
    uint32_t count;
};

/* Of values that SQL takes for one, the last in the total order stays. */
static bool is_seen(const struct values *values, const struct od_value *value)
{
    for (uint32_t i = 0; i < values->count; i++) {
        struct od_value *item = &values->items[i];
        if (od_model_order(item, value) != 0)
            continue;
        if (od_answer_compare_values(item, value) < 0)
            *item = *value;
        return true;
    }
    return false;
}

/* What the aggregate sees of the rows: what its filter takes, without NULLs, each once if DISTINCT. */
static enum od_status collect(struct od_arena *arena, const struct od_aggregate *aggregate,
                              const struct od_value *const *rows, uint32_t row_count,
                              struct values *values_out, struct od_error *error)
{
    values_out->count = 0;
    values_out->items = od_arena_take_array(arena, (size_t)row_count + 1, sizeof(struct od_value));
    if (values_out->items == NULL)
        return od_fail(error, OD_NO_MEMORY, "the model ran out of memory");
    for (uint32_t i = 0; i < row_count; i++) {
        struct od_value value = {.type = OD_TYPE_BOOLEAN, .boolean = true};
        enum od_status status = OD_OK;
        if (aggregate->filter != NULL)
            status = od_model_evaluate(arena, aggregate->filter, rows[i], &value, error);
        bool counts = !value.is_null && value.boolean;
        if (status == OD_OK && counts && aggregate->argument != NULL)
            status = od_model_evaluate(arena, aggregate->argument, rows[i], &value, error);
        if (status != OD_OK)
            return status;
        if (counts && !value.is_null && !(aggregate->distinct && is_seen(values_out, &value)))
            values_out->items[values_out->count++] = value;
    }
    return OD_OK;
}

static void smallest(const struct values *values, bool largest, struct od_value *value_out)
{
    *value_out = values->items[0];
    for (uint32_t i = 1; i < values->count; i++) {
        int order = od_answer_compare_values(&values->items[i], value_out);
        if (largest ? order > 0 : order < 0)
            *value_out = values->items[i];
    }
}

/* Integers and numerics alike: all but sum(integer) is a numeric. */
static enum od_status add_exactly(struct od_arena *arena, const struct values *values, char what,
                                  struct od_value *value_out, struct od_error *error)
{
    struct od_decimal *numbers = od_arena_take_array(arena, values->count, sizeof(*numbers));
    const struct od_decimal **list = od_arena_take_array(arena, values->count, sizeof(*list));
    if (numbers == NULL || list == NULL)
        return od_fail(error, OD_NO_MEMORY, "the model ran out of memory");
    for (uint32_t i = 0; i < values->count; i++) {
        const struct od_value *item = &values->items[i];
        numbers[i] = item->type == OD_TYPE_DECIMAL ? item->decimal : od_model_decimal_of_integer(item->int64);
        list[i] = &numbers[i];
    }
    struct od_decimal result;
    bool fits = od_model_decimal_aggregate(what, list, values->count, &result);
    if (value_out->type == OD_TYPE_DECIMAL)
        value_out->decimal = result;
    else
        fits = fits && od_model_decimal_to_integer(&result, &value_out->int64);
    return fits ? OD_OK : od_fail(error, OD_EVALUATION, "%s out of range", od_type_text(value_out->type));
}

static enum od_status add_floats(struct od_arena *arena, const struct values *values, bool average,
                                 struct od_value *value_out, struct od_error *error)
{
    bool overflow;
    double *numbers = od_arena_take_array(arena, (size_t)values->count + 1, sizeof(*numbers));
    if (numbers == NULL)
        return od_fail(error, OD_NO_MEMORY, "the model ran out of memory");
    for (uint32_t i = 0; i < values->count; i++)
        numbers[i] = values->items[i].float64;
    enum od_status status =
        od_model_float_sum(arena, numbers, values->count, &value_out->float64, &overflow, error);
    if (status == OD_OK && overflow)
        return od_fail(error, OD_EVALUATION, "sum: value out of range: overflow");
    /* PostgreSQL's avg begins its sum at 0.0 (float8_accum), its sum with the first value: an average of zero
     * has no sign */
    if (average)
        value_out->float64 = value_out->float64 == 0 ? 0.0 : value_out->float64 / (double)values->count;
    return status;
}

static void fold_bits(const struct values *values, enum od_aggregate_function function,
                      struct od_value *value_out)
{
    *value_out = values->items[0];
    for (uint32_t i = 1; i < values->count; i++) {
        const struct od_value *item = &values->items[i];
        if (function == OD_AGGREGATE_BOOL_AND)
            value_out->boolean = value_out->boolean && item->boolean;
        else if (function == OD_AGGREGATE_BOOL_OR)
            value_out->boolean = value_out->boolean || item->boolean;
        else if (function == OD_AGGREGATE_BIT_AND)
            value_out->int64 &= item->int64;
        else if (function == OD_AGGREGATE_BIT_OR)
            value_out->int64 |= item->int64;
        else
            value_out->int64 ^= item->int64;
    }
}

/* What model_decimal.h calls it; 0: nothing there. */
static char exact_name(enum od_aggregate_function function)
{
    static const char names[OD_AGGREGATE_COUNT_OF_KINDS] = {
        [OD_AGGREGATE_SUM] = 's',     [OD_AGGREGATE_AVG] = 'a',         [OD_AGGREGATE_VAR_SAMP] = 'v',
        [OD_AGGREGATE_VAR_POP] = 'V', [OD_AGGREGATE_STDDEV_SAMP] = 'd', [OD_AGGREGATE_STDDEV_POP] = 'D'};
    return names[function];
}

enum od_status od_model_aggregate(struct od_arena *arena, const struct od_aggregate *aggregate,
                                  const struct od_value *const *rows, uint32_t row_count,
                                  struct od_value *value_out, struct od_error *error)
{
    struct values values = {NULL, row_count};
    enum od_aggregate_function function = aggregate->function;
    memset(value_out, 0, sizeof(*value_out));
    value_out->type = aggregate->type;
    enum od_status status = collect(arena, aggregate, rows, row_count, &values, error);
    if (status != OD_OK)
        return status;
    if (function == OD_AGGREGATE_COUNT_STAR || function == OD_AGGREGATE_COUNT) {
        value_out->int64 = values.count;
        return OD_OK;
    }
    char exact = exact_name(function);
    value_out->is_null = values.count < (exact == 'v' || exact == 'd' ? 2 : 1);
    if (value_out->is_null)
        return OD_OK;
    if (function == OD_AGGREGATE_MIN || function == OD_AGGREGATE_MAX || function == OD_AGGREGATE_ANY_VALUE)
        smallest(&values, function == OD_AGGREGATE_MAX, value_out);
    else if (function >= OD_AGGREGATE_BOOL_AND && function <= OD_AGGREGATE_BIT_XOR)
        fold_bits(&values, function, value_out);
    else if (exact != 0 && aggregate->argument->type != OD_TYPE_FLOAT64)
        return add_exactly(arena, &values, exact, value_out, error);
    else if (exact == 's' || exact == 'a')
        return add_floats(arena, &values, exact == 'a', value_out, error);
    else
        return od_fail(error, OD_UNSUPPORTED, "the model does not know %s", od_aggregate_text(function));
    return OD_OK;
}
