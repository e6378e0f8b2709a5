/* model_float: exact sums of doubles and of their products, rounded once.
 *
 * The method is Shewchuk's ("Adaptive precision floating-point arithmetic", 1997, as in Python's
 * math.fsum): partials that do not overlap and add up exactly. Ours are long doubles, whose exponents reach
 * far beyond a double's, so nothing overflows or underflows on the way. The final rounding is by definition:
 * the double whose half-way points to its neighbours enclose the sum, where "on which side of this point is
 * the sum?" is the sign of the sum with the point taken away. */
#include "properties/model_parts.h"

#include "engine/core/assert.h"

#include <float.h>
#include <math.h>
#include <string.h>

_Static_assert(LDBL_MANT_DIG == 64 && LDBL_MAX_EXP > 2 * DBL_MAX_EXP + 64,
               "partials need a wider type than double, and halves of it");

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
    for (uint32_t step = 0; step < 4; step++) {
        long double above = next_above(number);
        long double below = (long double)nextafter(number, 0.0);
        int up = side_of(partials, count, ((long double)number + above) / 2, scratch);
        int down = side_of(partials, count, ((long double)number + below) / 2, scratch);
        if (up > 0 || (up == 0 && is_odd(number))) {
            if (number == DBL_MAX)
                return (double)INFINITY;
            number = (double)above;
        } else if (number > 0 && (down < 0 || (down == 0 && is_odd(number)))) {
            number = (double)below;
        } else {
            return number;
        }
    }
    od_unreachable();
}

/* Of either sign; none of the partials is a zero. */
static double round_signed(long double *partials, uint32_t count, long double *scratch)
{
    bool negative = partials[count - 1] < 0;
    for (uint32_t i = 0; i < count && negative; i++)
        partials[i] = -partials[i];
    double magnitude = round_once(partials, count, scratch);
    return negative ? -magnitude : magnitude;
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

/* Room for partials of `count` numbers, and for scratch behind them. */
static long double *make_partials(const struct od_model *model, uint32_t count)
{
    return od_arena_take_array(model->arena, 3 * ((size_t)count + 4), sizeof(long double));
}

enum od_status od_model_float_sum(const struct od_model *model, const double *numbers, uint32_t count,
                                  double *sum_out, bool *overflow_out)
{
    *overflow_out = false;
    *sum_out = 0.0;
    if (special_sum(numbers, count, sum_out))
        return OD_OK;
    long double *partials = make_partials(model, count);
    if (partials == NULL)
        return od_model_no_memory(model);
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
    *sum_out = round_signed(partials, kept, partials + count + 4);
    *overflow_out = isinf(*sum_out);
    return OD_OK;
}

/* Of 64 bits the upper 32; what is left fits in 32, too, as it has a sign of its own (Veltkamp). */
static long double upper_half(long double number)
{
    long double shifted = number * 4294967297.0L; /* 2^32 + 1 */
    return shifted - (shifted - number);
}

/* a * b - product, exactly (Dekker): products of halves are exact. What fmal gives, at a tenth of its cost. */
static long double rounded_away(long double a, long double b, long double product)
{
    long double a_upper = upper_half(a), b_upper = upper_half(b);
    long double a_lower = a - a_upper, b_lower = b - b_upper;
    return ((a_upper * b_upper - product) + a_upper * b_lower + a_lower * b_upper) + a_lower * b_lower;
}

/* a * b * c as partials: each product of two is the rounded one and what rounding took away. */
static uint32_t add_product(long double *partials, uint32_t count, long double a, long double b,
                            long double c)
{
    long double high = a * b;
    long double parts[2] = {high, rounded_away(a, b, high)};
    for (uint32_t i = 0; i < 2; i++) {
        long double product = parts[i] * c;
        count = add_partial(partials, count, rounded_away(parts[i], c, product));
        count = add_partial(partials, count, product);
    }
    return count;
}

/* n * sum(x * y) - sum(x) * sum(y), exact and then rounded, over n. */
enum od_status od_model_float_centred(const struct od_model *model, const double *xs, const double *ys,
                                      uint32_t count, double *sum_out, bool *overflow_out)
{
    uint32_t kept = 0, x_kept = 0, y_kept = 0;
    long double n = count;
    double special;
    *overflow_out = false;
    *sum_out = (double)NAN;
    if (special_sum(xs, count, &special) || special_sum(ys, count, &special))
        return OD_OK;
    long double *x_partials = make_partials(model, count), *y_partials = make_partials(model, count);
    if (x_partials == NULL || y_partials == NULL)
        return od_model_no_memory(model);
    for (uint32_t i = 0; i < count; i++) {
        x_kept = add_partial(x_partials, x_kept, (long double)xs[i]);
        y_kept = add_partial(y_partials, y_kept, (long double)ys[i]);
    }
    uint32_t room = 4 * (count + x_kept * y_kept); /* of each number at most one more is left */
    long double *partials = make_partials(model, room);
    if (partials == NULL)
        return od_model_no_memory(model);
    for (uint32_t i = 0; i < count; i++)
        kept = add_product(partials, kept, (long double)xs[i], (long double)ys[i], n);
    for (uint32_t i = 0; i < x_kept; i++)
        for (uint32_t k = 0; k < y_kept; k++)
            kept = add_product(partials, kept, x_partials[i], y_partials[k], -1);
    od_assert(kept <= room);
    *sum_out = 0.0;
    if (kept == 0)
        return OD_OK;
    int exponent = ilogbl(
        partials[kept - 1]); /* so that nothing is lost at the ends of a double's range before the division */
    for (uint32_t i = 0; i < kept; i++)
        partials[i] = ldexpl(partials[i], -exponent);
    *sum_out = ldexp(round_signed(partials, kept, partials + room + 4) / (double)count, exponent);
    *overflow_out = isinf(*sum_out);
    return OD_OK;
}
