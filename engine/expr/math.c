/* math: functions of numbers, a row at a time.
 *
 * Domain errors, and when an infinity or a zero is an overflow or an underflow, are those of PostgreSQL's float.c: in general
 * an infinite result of finite arguments, and a zero that the mathematics does not allow. Every NaN is the one that the rest of
 * the engine knows (see arithmetic.c). */
#include <math.h>

#include "engine/core/assert.h"
#include "engine/data/decimal.h"
#include "engine/expr/kernel.h"

#define RADIANS_PER_DEGREE 0.0174532925199432957692
#define PI                 3.14159265358979323846

static enum od_status finish_decimal(struct od_row *row, bool fits)
{
    return fits ? OD_OK : od_row_fail(row, "numeric out of range: more than 38 digits");
}

/* --- double precision ----------------------------------------------------------------------------------- */

struct allowed {
    bool infinity;
    bool zero;
};

static enum od_status finish_float(struct od_row *row, double result, struct allowed allowed)
{
    if (isinf(result) && !allowed.infinity)
        return od_row_fail(row, "value out of range: overflow");
    if (result == 0 && !allowed.zero)
        return od_row_fail(row, "value out of range: underflow");
    row->result.float64 = isnan(result) ? (double)NAN : result;
    return OD_OK;
}

/* `x` is the argument; `wrong` when it has no result, which `text` says. */
#define FLOAT_ROW(name, wrong, text, expression, infinity_allowed, zero_allowed)                             \
    enum od_status od_row_##name(struct od_row *row)                                                         \
    {                                                                                                        \
        double x = row->arguments[0].float64;                                                                \
        if (wrong)                                                                                           \
            return od_row_fail(row, text);                                                                   \
        return finish_float(row, expression, (struct allowed){infinity_allowed, zero_allowed});              \
    }
#define RANGE     "input is out of range"
#define LOGARITHM(x) (x) == 0 ? "cannot take logarithm of zero" : "cannot take logarithm of a negative number"
FLOAT_ROW(cbrt, false, "", cbrt(x), true, true)
FLOAT_ROW(exp, false, "", exp(x), isinf(x), isinf(x))
FLOAT_ROW(ln, x <= 0, LOGARITHM(x), log(x), true, true)
FLOAT_ROW(degrees, false, "", x / RADIANS_PER_DEGREE, isinf(x), x == 0)
FLOAT_ROW(radians, false, "", x *RADIANS_PER_DEGREE, isinf(x), x == 0)
FLOAT_ROW(sin, isinf(x), RANGE, sin(x), true, true)
FLOAT_ROW(cos, isinf(x), RANGE, cos(x), true, true)
FLOAT_ROW(tan, isinf(x), RANGE, tan(x), true, true)
FLOAT_ROW(cot, isinf(x), RANGE, 1.0 / tan(x), true, true)
FLOAT_ROW(asin, x<-1 || x> 1, RANGE, asin(x), true, true)
FLOAT_ROW(acos, x<-1 || x> 1, RANGE, acos(x), true, true)
FLOAT_ROW(atan, false, "", atan(x), true, true)
FLOAT_ROW(sinh, false, "", sinh(x), true, true)
FLOAT_ROW(cosh, false, "", cosh(x), true, true)
FLOAT_ROW(tanh, false, "", tanh(x), true, true)
FLOAT_ROW(asinh, false, "", asinh(x), true, true)
FLOAT_ROW(acosh, x < 1, RANGE, acosh(x), true, true)
FLOAT_ROW(atanh, x<-1 || x> 1, RANGE, atanh(x), true, true)
#undef FLOAT_ROW

enum od_status od_row_atan2(struct od_row *row)
{
    double result = atan2(row->arguments[0].float64, row->arguments[1].float64);
    return finish_float(row, result, (struct allowed){true, true});
}

enum od_status od_row_pi(struct od_row *row)
{
    row->result.float64 = PI;
    return OD_OK;
}

enum od_status od_row_log(struct od_row *row)
{
    double x = row->arguments[0].float64;
    if (x <= 0)
        return od_row_fail(row, LOGARITHM(x));
    return finish_float(row, log10(x), (struct allowed){true, true});
}

/* C's pow is PostgreSQL's power where infinities and NaN are concerned (C11 annex F.10.4.4). */
enum od_status od_row_power(struct od_row *row)
{
    double base = row->arguments[0].float64;
    double exponent = row->arguments[1].float64;
    if (base == 0 && exponent < 0)
        return od_row_fail(row, "zero raised to a negative power is undefined");
    if (base < 0 && floor(exponent) != exponent && !isnan(exponent))
        return od_row_fail(row, "a negative number raised to a non-integer power yields a complex result");
    bool infinite = isinf(base) || isinf(exponent);
    return finish_float(row, pow(base, exponent), (struct allowed){infinite, infinite || base == 0});
}

/* --- numeric -------------------------------------------------------------------------------------------- */

enum od_status od_row_sign(struct od_row *row)
{
    const struct od_value *x = &row->arguments[0];
    if (x->type == OD_TYPE_DECIMAL)
        row->result.decimal = od_decimal_from_int64(od_decimal_sign(&x->decimal));
    else
        row->result.float64 = (x->float64 > 0) - (x->float64 < 0);
    return OD_OK;
}

/* floor, ceil, round and trunc, to so many digits */
enum od_status od_row_round_decimal(struct od_row *row)
{
    enum od_function function = row->expr->function;
    enum od_rounding rounding = function == OD_FUNCTION_FLOOR   ? OD_ROUND_FLOOR
                                : function == OD_FUNCTION_CEIL  ? OD_ROUND_CEILING
                                : function == OD_FUNCTION_TRUNC ? OD_ROUND_TRUNCATE
                                                                : OD_ROUND_HALF_AWAY;
    int64_t scale = row->expr->argument_count == 2 ? row->arguments[1].int64 : 0;
    return finish_decimal(row, od_decimal_round(&row->arguments[0].decimal, scale, rounding, &row->result.decimal));
}

enum od_status od_row_sqrt_decimal(struct od_row *row)
{
    if (od_decimal_sign(&row->arguments[0].decimal) < 0)
        return od_row_fail(row, "cannot take square root of a negative number");
    return finish_decimal(row, od_decimal_sqrt(&row->arguments[0].decimal, &row->result.decimal));
}

/* A function of decimal_exp.c. */
static enum od_status finish_digits(struct od_row *row, bool has_digits)
{
    return has_digits ? OD_OK
                      : od_fail(row->error, OD_UNSUPPORTED, "%s",
                                "a numeric result of so many digits is not supported: cast to double precision");
}

enum od_status od_row_exp_decimal(struct od_row *row)
{
    return finish_digits(row, od_decimal_exp(&row->arguments[0].decimal, &row->result.decimal));
}

enum od_status od_row_ln_decimal(struct od_row *row)
{
    const struct od_decimal *x = &row->arguments[0].decimal;
    if (od_decimal_sign(x) <= 0)
        return od_row_fail(row, LOGARITHM(od_decimal_sign(x)));
    return finish_digits(row, od_decimal_ln(x, &row->result.decimal));
}

/* log(x), to the base of ten, or log(base, x). */
enum od_status od_row_log_decimal(struct od_row *row)
{
    const struct od_decimal ten = od_decimal_from_int64(10);
    const struct od_decimal one = od_decimal_from_int64(1);
    const struct od_decimal *x = &row->arguments[row->expr->argument_count - 1].decimal;
    const struct od_decimal *base = row->expr->argument_count == 1 ? &ten : &row->arguments[0].decimal;
    if (od_decimal_sign(base) <= 0 || od_decimal_sign(x) <= 0)
        return od_row_fail(row, LOGARITHM(od_decimal_sign(base) <= 0 ? od_decimal_sign(base) : od_decimal_sign(x)));
    if (od_decimal_compare(base, &one) == 0)
        return od_row_fail(row, "division by zero");
    return finish_digits(row, od_decimal_log(base, x, &row->result.decimal));
}

/* To a whole exponent, by squaring; 16 digits behind the point, or as many as an argument has (PostgreSQL's power_var). */
enum od_status od_row_power_decimal(struct od_row *row)
{
    struct od_decimal base = row->arguments[0].decimal;
    struct od_decimal result = od_decimal_from_int64(1);
    const struct od_decimal *exponent = &row->arguments[1].decimal;
    uint64_t scale = base.scale > exponent->scale ? base.scale : exponent->scale;
    int64_t power = 0;
    bool is_whole = od_decimal_min_scale(exponent) == 0;
    bool fits = true;
    if (od_decimal_is_zero(&base) && od_decimal_sign(exponent) < 0)
        return od_row_fail(row, "zero raised to a negative power is undefined");
    if (!is_whole && od_decimal_sign(&base) < 0)
        return od_row_fail(row, "a negative number raised to a non-integer power yields a complex result");
    if (!is_whole && od_decimal_is_zero(&base))
        return finish_digits(row, od_decimal_round(&base, 16, OD_ROUND_TRUNCATE, &row->result.decimal));
    if (!is_whole)
        return finish_digits(row, od_decimal_power(&base, exponent, &row->result.decimal));
    if (!od_decimal_to_int64(exponent, &power) || power < -INT32_MAX || power > INT32_MAX)
        return finish_digits(row, false);
    bool shrinks = (fabs(od_decimal_to_float64(&base)) < 1) == (power > 0);
    for (uint64_t rest = (uint64_t)(power < 0 ? -power : power); rest > 0 && fits; rest >>= 1) {
        if ((rest & 1) != 0)
            fits = od_decimal_multiply(&result, &base, &result);
        if (rest > 1)
            fits = fits && od_decimal_multiply(&base, &base, &base);
    }
    if (!fits && shrinks) /* to less than any digit that could be shown */
        result = od_decimal_from_int64(0);
    else if (power < 0 && fits) { /* a one with many digits, so that the quotient is rounded but once */
        struct od_decimal one = od_decimal_from_int64(1);
        fits =
            od_decimal_round(&one, 36, OD_ROUND_TRUNCATE, &one) && od_decimal_divide(&one, &result, &result);
    }
    fits = (fits || shrinks) && od_decimal_round(&result, scale < 16 ? 16 : (int64_t)scale,
                                                 OD_ROUND_HALF_AWAY, &row->result.decimal);
    return finish_decimal(row, fits);
}

enum od_status od_row_div(struct od_row *row)
{
    if (od_decimal_is_zero(&row->arguments[1].decimal))
        return od_row_fail(row, "division by zero");
    return finish_decimal(row, od_decimal_divide_whole(&row->arguments[0].decimal, &row->arguments[1].decimal,
                                                       &row->result.decimal));
}

/* scale, min_scale, trim_scale */
enum od_status od_row_scale(struct od_row *row)
{
    const struct od_decimal *x = &row->arguments[0].decimal;
    uint32_t least = od_decimal_min_scale(x);
    if (row->expr->function == OD_FUNCTION_TRIM_SCALE)
        od_assert(od_decimal_round(x, least, OD_ROUND_TRUNCATE, &row->result.decimal));
    else
        row->result.int64 = row->expr->function == OD_FUNCTION_SCALE ? (int64_t)x->scale : least;
    return OD_OK;
}

enum od_status od_row_fit_numeric(struct od_row *row)
{
    if (od_decimal_fit(&row->arguments[0].decimal, (int32_t)row->arguments[1].int64,
                       (int32_t)row->arguments[2].int64, &row->result.decimal))
        return OD_OK;
    return od_row_fail(row, "numeric field overflow");
}

/* --- integers ------------------------------------------------------------------------------------------- */

enum od_status od_row_fit_smallint(struct od_row *row)
{
    row->result.int64 = row->arguments[0].int64;
    if (row->result.int64 < INT16_MIN || row->result.int64 > INT16_MAX)
        return od_row_fail(row, "smallint out of range");
    return OD_OK;
}

/* gcd and lcm: never negative, so that of the smallest integer may not fit. */
enum od_status od_row_gcd(struct od_row *row)
{
    int64_t left = row->arguments[0].int64;
    int64_t right = row->arguments[1].int64;
    uint64_t a = left < 0 ? -(uint64_t)left : (uint64_t)left;
    uint64_t b = right < 0 ? -(uint64_t)right : (uint64_t)right;
    uint64_t limit = row->expr->type == OD_TYPE_INT32 ? INT32_MAX : INT64_MAX;
    uint64_t product_of = b;
    uint64_t quotient_of = a;
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    bool fits = true;
    if (row->expr->function == OD_FUNCTION_LCM)
        fits = a == 0 || !__builtin_mul_overflow(quotient_of / a, product_of, &a);
    if (!fits || a > limit)
        return od_row_fail(row,
                           row->expr->type == OD_TYPE_INT32 ? "integer out of range" : "bigint out of range");
    row->result.int64 = (int64_t)a;
    return OD_OK;
}
