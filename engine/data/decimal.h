/* decimal: arithmetic on struct od_decimal (see type.h), with PostgreSQL's result scales.
 *
 * Functions that return bool return false when there is no such value: the whole part needs more than 38 digits, or a
 * result that is not zero has nothing left within 38 digits behind the point. Division by zero is the caller's to ask for
 * first. On false the result is undefined. Results may be written over arguments. Nothing here allocates (printing
 * appends to its buffer).
 *
 * A result of more than 38 digits loses fraction digits, rounded half away from zero. */
#ifndef OD_DATA_DECIMAL_H
#define OD_DATA_DECIMAL_H

#include "engine/data/type.h"

static inline bool od_decimal_is_zero(const struct od_decimal *decimal)
{
    return (decimal->low | decimal->high) == 0;
}
static inline struct od_decimal od_decimal_from_int64(int64_t number)
{
    return od_decimal_make(number, 0);
}
static inline struct od_decimal od_decimal_negate(const struct od_decimal *decimal)
{
    return od_decimal_make(-od_decimal_coefficient(decimal), (uint32_t)decimal->scale);
}
static inline int od_decimal_sign(const struct od_decimal *decimal)
{
    return (int64_t)decimal->high < 0 ? -1 : !od_decimal_is_zero(decimal);
}

/* Within the bounds of type.h: for values that come from elsewhere, before anything else is done with them. */
bool od_decimal_is_sound(const struct od_decimal *decimal);

/* Scale of the result: the larger; the sum of both; 16 significant digits or more, and never less than either (PostgreSQL's
 * select_div_scale); the larger. The divisor is not zero; a remainder has the sign of the dividend. */
bool od_decimal_add(const struct od_decimal *left, const struct od_decimal *right, struct od_decimal *result_out);
bool od_decimal_subtract(const struct od_decimal *left, const struct od_decimal *right, struct od_decimal *result_out);
bool od_decimal_multiply(const struct od_decimal *left, const struct od_decimal *right, struct od_decimal *result_out);
bool od_decimal_divide(const struct od_decimal *left, const struct od_decimal *right, struct od_decimal *result_out);
bool od_decimal_modulo(const struct od_decimal *left, const struct od_decimal *right, struct od_decimal *result_out);
/* The quotient's whole part, scale 0 (PostgreSQL's div()). */
bool od_decimal_divide_whole(const struct od_decimal *left, const struct od_decimal *right,
                             struct od_decimal *result_out);
/* Of a number that is not negative; at least 16 significant digits. */
bool od_decimal_sqrt(const struct od_decimal *decimal, struct od_decimal *result_out);

/* e to the x; logarithms of positive numbers, to a positive base other than 1; a positive base to any exponent: 16 significant
 * digits, no fewer behind the point than an argument has. False too where that makes more than 31 (decimal_exp.c). */
bool od_decimal_exp(const struct od_decimal *x, struct od_decimal *result_out);
bool od_decimal_ln(const struct od_decimal *x, struct od_decimal *result_out);
bool od_decimal_log(const struct od_decimal *base, const struct od_decimal *x, struct od_decimal *result_out);
bool od_decimal_power(const struct od_decimal *base, const struct od_decimal *exponent, struct od_decimal *result_out);

/* By value: 1.5 equals 1.50. */
int od_decimal_compare(const struct od_decimal *left, const struct od_decimal *right);
/* Equal values hash alike, whatever their scales. */
uint64_t od_decimal_hash(const struct od_decimal *decimal);

/* To `scale` digits behind the point; a negative scale rounds before the point, and leaves scale 0. */
enum od_rounding { OD_ROUND_HALF_AWAY, OD_ROUND_TRUNCATE, OD_ROUND_FLOOR, OD_ROUND_CEILING };
bool od_decimal_round(const struct od_decimal *decimal, int64_t scale, enum od_rounding rounding,
                      struct od_decimal *result_out);
/* numeric(precision, scale): rounds half away, then false when more than precision - scale digits stand before the point. */
bool od_decimal_fit(const struct od_decimal *decimal, int32_t precision, int32_t scale, struct od_decimal *result_out);
/* The fewest digits behind the point that keep the value. */
uint32_t od_decimal_min_scale(const struct od_decimal *decimal);

/* Rounds half away; false out of range. */
bool od_decimal_to_int64(const struct od_decimal *decimal, int64_t *number_out);
/* The double nearest to the exact value. */
double od_decimal_to_float64(const struct od_decimal *decimal);
/* 15 significant digits, as PostgreSQL; false for NaN, infinities and 10^38 or more. */
bool od_decimal_from_float64(double number, struct od_decimal *result_out);
/* [+-]digits[.digits][e[+-]digits], white space around it skipped. False when it is none, or NaN or an infinity, which
 * PostgreSQL's numeric has. */
bool od_decimal_parse(const char *text, uint32_t size, struct od_decimal *result_out);
bool od_decimal_print(const struct od_decimal *decimal, struct od_buffer *buffer);

/* --- sums ------------------------------------------------------------------------------------------------------------
 * Exact whatever comes and in whatever order, for up to 2^63 values: a sum of coefficients at scale 38, 320 bits in two's
 * complement. Zeroed is empty. The scale of a result follows from the largest scale among the values, as PostgreSQL's. */
struct od_decimal_sum {
    uint64_t words[5]; /* least significant first */
    uint64_t scale_max;
    uint64_t count;
};
void od_decimal_sum_add(struct od_decimal_sum *sum, const struct od_decimal *decimal);
void od_decimal_sum_combine(struct od_decimal_sum *sum, const struct od_decimal_sum *other);
bool od_decimal_sum_total(const struct od_decimal_sum *sum, struct od_decimal *result_out);
/* count must not be 0. */
bool od_decimal_sum_average(const struct od_decimal_sum *sum, struct od_decimal *result_out);

/* As above with the squares: for variance and standard deviation. */
struct od_decimal_moments {
    struct od_decimal_sum sum;
    uint64_t squares[9]; /* at scale 76 */
};
void od_decimal_moments_add(struct od_decimal_moments *moments, const struct od_decimal *decimal);
void od_decimal_moments_combine(struct od_decimal_moments *moments, const struct od_decimal_moments *other);
/* count must not be 0, nor 1 for a sample's. */
struct od_spread {
    bool of_population;
    bool takes_root; /* the standard deviation */
};
bool od_decimal_moments_spread(const struct od_decimal_moments *moments, struct od_spread spread,
                               struct od_decimal *result_out);

#endif
