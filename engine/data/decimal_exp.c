/* decimal_exp: exponentials and logarithms, and with them powers, to PostgreSQL's digits. See decimal.h.
 *
 *   exp x = 10^n * exp(r)                r = x - n * ln 10, a 256th of which Taylor's series takes; squared 8 times
 *   ln x  = y + d - d^2 / 2 + n * ln 10  x = m * 10^n, y near ln m, d = m * exp(-y) - 1, 14 digits behind the point
 *
 * What is computed has 33 right digits or more; PostgreSQL shows 16 significant ones, and as many behind the point
 * as an argument has. Where that makes more than DIGITS_MAX, rounding could tell what is not known. */
#include <math.h>

#include "engine/data/decimal.h"

#define DIGITS_MAX 31
#define TERMS      14
#define HALVINGS   8
#define LN_10      2.302585092994045684

/* Nothing that is multiplied or divided here is large; what is too small to be shown is zero. */
static struct od_decimal times(const struct od_decimal *left, const struct od_decimal *right)
{
    struct od_decimal product;
    return od_decimal_multiply(left, right, &product) ? product : od_decimal_from_int64(0);
}

static struct od_decimal over(const struct od_decimal *left, int64_t divisor)
{
    struct od_decimal right = od_decimal_from_int64(divisor);
    struct od_decimal quotient;
    return od_decimal_divide(left, &right, &quotient) ? quotient : od_decimal_from_int64(0);
}

static struct od_decimal sum_of(const struct od_decimal *left, const struct od_decimal *right)
{
    struct od_decimal sum = *left;
    return od_decimal_add(left, right, &sum) ? sum : *left;
}

static struct od_decimal times_ln_10(int64_t factor)
{
    static const char digits[] = "2.3025850929940456840179914546843642076";
    struct od_decimal ln_10 = od_decimal_from_int64(0);
    struct od_decimal number = od_decimal_from_int64(factor);
    od_decimal_parse(digits, sizeof(digits) - 1, &ln_10);
    return times(&ln_10, &number);
}

/* value * 10^by */
static bool shift(const struct od_decimal *value, int64_t by, struct od_decimal *result_out)
{
    struct od_decimal kept = *value;
    if (by < 0 && (int64_t)kept.scale - by > 38 && !od_decimal_round(value, 38 + by, OD_ROUND_HALF_AWAY, &kept))
        return false;
    int64_t scale = (int64_t)kept.scale - by;
    *result_out = od_decimal_make(od_decimal_coefficient(&kept), scale < 0 ? 0 : (uint32_t)scale);
    return scale >= 0;
}

static bool exponential(const struct od_decimal *x, struct od_decimal *result_out)
{
    double size = od_decimal_to_float64(x);
    if (!(fabs(size) < 38 * LN_10))
        return false;
    int64_t tens = (int64_t)(size / LN_10);
    struct od_decimal reduction = times_ln_10(-tens);
    struct od_decimal rest = sum_of(x, &reduction);
    struct od_decimal one = od_decimal_from_int64(1);
    struct od_decimal series = one;
    rest = over(&rest, INT64_C(1) << HALVINGS);
    for (int64_t k = TERMS; k > 0; k--) {
        series = times(&series, &rest);
        series = over(&series, k);
        series = sum_of(&one, &series);
    }
    for (int i = 0; i < HALVINGS; i++)
        series = times(&series, &series);
    return shift(&series, tens, result_out);
}

static bool logarithm(const struct od_decimal *x, struct od_decimal *result_out)
{
    int64_t tens = (int64_t)floor(log10(od_decimal_to_float64(x)));
    struct od_decimal mantissa;
    struct od_decimal near;
    struct od_decimal power;
    struct od_decimal minus_one = od_decimal_from_int64(-1);
    if (!shift(x, -tens, &mantissa) || !od_decimal_from_float64(log(od_decimal_to_float64(&mantissa)), &near))
        return false;
    struct od_decimal opposite = od_decimal_negate(&near);
    if (!exponential(&opposite, &power))
        return false;
    power = times(&mantissa, &power);
    struct od_decimal d = sum_of(&power, &minus_one);
    struct od_decimal square = times(&d, &d);
    struct od_decimal tail = over(&square, -2);
    struct od_decimal whole = times_ln_10(tens);
    tail = sum_of(&tail, &d);
    tail = sum_of(&tail, &near);
    *result_out = sum_of(&tail, &whole);
    return true;
}

/* The power of ten that a logarithm begins with, as PostgreSQL estimates it (estimate_ln_dweight). */
static int64_t weight_of_ln(const struct od_decimal *x)
{
    double size = od_decimal_to_float64(x);
    if (size < 0.9 || size > 1.1)
        return (int64_t)log10(fabs(log(size)));
    struct od_decimal minus_one = od_decimal_from_int64(-1);
    struct od_decimal difference = sum_of(x, &minus_one);
    return od_decimal_is_zero(&difference) ? 0 : (int64_t)floor(log10(fabs(od_decimal_to_float64(&difference))));
}

/* 16 significant digits of a result that begins with 10^weight, no fewer behind the point than `left` and `right`. `lost` of
 * its digits are not known, as its parts are small numbers or get multiplied. */
static bool settle(const struct od_decimal *value, int64_t weight, double lost, const struct od_decimal *left,
                   const struct od_decimal *right, struct od_decimal *result_out)
{
    int64_t scale = 16 - weight;
    scale = scale < (int64_t)left->scale ? (int64_t)left->scale : scale;
    scale = scale < (int64_t)right->scale ? (int64_t)right->scale : scale;
    double size = fabs(od_decimal_to_float64(value));
    double digits = (double)scale + (size == 0 ? 0 : floor(log10(size)) + 1);
    return scale <= 37 && digits + (lost > 0 ? lost : 0) <= DIGITS_MAX &&
           od_decimal_round(value, scale, OD_ROUND_HALF_AWAY, result_out);
}

/* Of a result exp(x). */
static int64_t weight_of_exp(const struct od_decimal *x)
{
    return (int64_t)(od_decimal_to_float64(x) * 0.434294481903252);
}

bool od_decimal_exp(const struct od_decimal *x, struct od_decimal *result_out)
{
    struct od_decimal value;
    return exponential(x, &value) && settle(&value, weight_of_exp(x), 0, x, x, result_out);
}

bool od_decimal_ln(const struct od_decimal *x, struct od_decimal *result_out)
{
    struct od_decimal value;
    return logarithm(x, &value) && settle(&value, weight_of_ln(x), (double)-weight_of_ln(x), x, x, result_out);
}

bool od_decimal_log(const struct od_decimal *base, const struct od_decimal *x, struct od_decimal *result_out)
{
    struct od_decimal bottom;
    struct od_decimal value;
    int64_t weight = weight_of_ln(x);
    int64_t lost = -weight_of_ln(base);
    return logarithm(base, &bottom) && logarithm(x, &value) && od_decimal_divide(&value, &bottom, &value) &&
           settle(&value, weight + lost, (double)(lost > -weight ? lost : -weight), base, x, result_out);
}

bool od_decimal_power(const struct od_decimal *base, const struct od_decimal *exponent,
                      struct od_decimal *result_out)
{
    struct od_decimal ln;
    struct od_decimal value;
    double factor = fabs(od_decimal_to_float64(exponent));
    return logarithm(base, &ln) && od_decimal_multiply(&ln, exponent, &ln) && exponential(&ln, &value) &&
           settle(&value, weight_of_exp(&ln), log10(factor), base, exponent, result_out);
}
