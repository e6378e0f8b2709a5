/* model_decimal: numeric for the model, by schoolbook on decimal digits. Shares nothing with engine/data/decimal.c: what the two
 * agree on, both got from PostgreSQL's numeric.c.
 *
 * A result has at most 38 digits: its fraction is rounded to fit, half away from zero; a whole part beyond, or nothing left of
 * what is not zero, has no value. */
#ifndef OD_PROPERTIES_MODEL_DECIMAL_H
#define OD_PROPERTIES_MODEL_DECIMAL_H

#include "engine/data/type.h"

/* A whole number, digits least significant first. */
#define OD_BIG_DIGITS 320
struct od_big {
    bool is_negative;
    int count; /* digits in use */
    int8_t digits[OD_BIG_DIGITS];
};

/* + - * / %, and d: the quotient's whole part. False: no value. The divisor is not zero. */
bool od_model_decimal_arithmetic(char operation, const struct od_decimal *left, const struct od_decimal *right,
                                 struct od_decimal *result_out);
int od_model_decimal_compare(const struct od_decimal *left, const struct od_decimal *right);
/* 'r' half away, 't' towards zero, 'f' floor, 'c' ceiling; `scale` digits stay behind the point (before it, if negative). */
bool od_model_decimal_round(char how, const struct od_decimal *decimal, int scale, struct od_decimal *result_out);

/* Of a number that is not negative. */
bool od_model_decimal_root(const struct od_decimal *decimal, struct od_decimal *result_out);

struct od_decimal od_model_decimal_of_integer(int64_t number);
bool od_model_decimal_to_integer(const struct od_decimal *decimal, int64_t *number_out); /* rounds */
#define OD_MODEL_DECIMAL_TEXT 48
void od_model_decimal_write(const struct od_decimal *decimal, char text[OD_MODEL_DECIMAL_TEXT]);
/* [+-]digits[.digits][e[+-]digits], nothing else. */
bool od_model_decimal_read(const char *text, struct od_decimal *decimal_out);

/* 's' sum, 'a' average, 'v' sample variance, 'V' of the population, 'd' and 'D' their roots. Count > 0, > 1 for 'v' and 'd'. */
bool od_model_decimal_aggregate(char what, const struct od_decimal *const *values, uint32_t count,
                                struct od_decimal *result_out);

#endif
