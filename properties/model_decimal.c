/* model_decimal: see model_decimal.h. Slow and plain: a big number is its digits, division takes the divisor away digit by
 * digit, a root tries each digit from the first on. */
#include "properties/model_decimal.h"

#include "engine/core/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 38

/* --- whole numbers ------------------------------------------------------------------------------------------------- */

static void trim(struct od_big *big)
{
    while (big->count > 0 && big->digits[big->count - 1] == 0)
        big->count--;
    if (big->count == 0)
        big->is_negative = false;
}

static struct od_big big_of(unsigned __int128 magnitude, bool is_negative)
{
    struct od_big big = {.is_negative = is_negative};
    for (; magnitude > 0; magnitude /= 10)
        big.digits[big.count++] = (int8_t)(magnitude % 10);
    trim(&big);
    return big;
}

/* * 10^places, or / 10^-places towards zero. */
static struct od_big shifted(const struct od_big *big, int places)
{
    struct od_big result = {.is_negative = big->is_negative};
    od_assert(big->count + places <= OD_BIG_DIGITS);
    for (int i = places < 0 ? -places : 0; i < big->count; i++)
        result.digits[i + places] = big->digits[i];
    result.count = big->count + places > 0 && big->count > 0 ? big->count + places : 0;
    trim(&result);
    return result;
}

static int compare_magnitudes(const struct od_big *left, const struct od_big *right)
{
    if (left->count != right->count)
        return left->count < right->count ? -1 : 1;
    for (int i = left->count; i-- > 0;)
        if (left->digits[i] != right->digits[i])
            return left->digits[i] < right->digits[i] ? -1 : 1;
    return 0;
}

static struct od_big add(const struct od_big *left, const struct od_big *right)
{
    const struct od_big *large = compare_magnitudes(left, right) >= 0 ? left : right;
    const struct od_big *small = large == left ? right : left;
    struct od_big sum = *large;
    int sign = left->is_negative == right->is_negative ? 1 : -1, carry = 0;
    od_assert(large->count < OD_BIG_DIGITS);
    for (int i = 0; i <= large->count; i++) {
        int digit = (i < large->count ? large->digits[i] : 0) +
                    sign * (i < small->count ? small->digits[i] : 0) + carry;
        carry = digit < 0 ? -1 : digit / 10;
        sum.digits[i] = (int8_t)((digit + 10) % 10);
    }
    sum.count = large->count + 1;
    trim(&sum);
    return sum;
}

static struct od_big negated(const struct od_big *big)
{
    struct od_big result = *big;
    result.is_negative = big->count > 0 && !big->is_negative;
    return result;
}

static struct od_big multiply(const struct od_big *left, const struct od_big *right)
{
    struct od_big product = {.is_negative = left->is_negative != right->is_negative};
    od_assert(left->count + right->count <= OD_BIG_DIGITS);
    for (int i = 0; i < left->count; i++) {
        int carry = 0;
        for (int k = 0; k < right->count || carry > 0; k++) {
            int digit = product.digits[i + k] + carry;
            digit += k < right->count ? left->digits[i] * right->digits[k] : 0;
            product.digits[i + k] = (int8_t)(digit % 10);
            carry = digit / 10;
        }
    }
    product.count = left->count + right->count;
    trim(&product);
    return product;
}

/* Towards zero; the remainder has the dividend's sign. */
static struct od_big divide(const struct od_big *dividend, const struct od_big *divisor,
                            struct od_big *remainder_out)
{
    struct od_big quotient = {.is_negative = dividend->is_negative != divisor->is_negative,
                              .count = dividend->count};
    struct od_big rest = {.count = 0}, less = *divisor;
    less.is_negative = true;
    for (int i = dividend->count; i-- > 0;) {
        rest = shifted(&rest, 1);
        struct od_big digit = big_of((unsigned)dividend->digits[i], false);
        rest = add(&rest, &digit);
        for (; compare_magnitudes(&rest, divisor) >= 0; quotient.digits[i]++)
            rest = add(&rest, &less);
    }
    trim(&quotient);
    rest.is_negative = dividend->is_negative && rest.count > 0;
    *remainder_out = rest;
    return quotient;
}

static struct od_big half_away(const struct od_big *dividend, const struct od_big *divisor)
{
    struct od_big rest, quotient = divide(dividend, divisor, &rest);
    rest = add(&rest, &rest);
    if (compare_magnitudes(&rest, divisor) < 0)
        return quotient;
    struct od_big one = big_of(1, dividend->is_negative != divisor->is_negative);
    return add(&quotient, &one);
}

static struct od_big root(const struct od_big *square)
{
    struct od_big result = {.count = (square->count + 1) / 2};
    for (int i = result.count; i-- > 0;)
        for (int digit = 9; digit >= 0; digit--) {
            result.digits[i] = (int8_t)digit;
            struct od_big trimmed = result;
            trim(&trimmed);
            struct od_big product = multiply(&trimmed, &trimmed);
            if (compare_magnitudes(&product, square) <= 0)
                break;
        }
    trim(&result);
    return result;
}

/* --- decimals ------------------------------------------------------------------------------------------------------ */

/* The coefficient at another, larger scale. */
static struct od_big at_scale(const struct od_decimal *decimal, int scale)
{
    __int128 coefficient = od_decimal_coefficient(decimal);
    bool is_negative = coefficient < 0;
    struct od_big big =
        big_of(is_negative ? -(unsigned __int128)coefficient : (unsigned __int128)coefficient, is_negative);
    return shifted(&big, scale - (int)decimal->scale);
}

/* Drops digits off the end, half away from zero. */
static struct od_big dropped(const struct od_big *big, int places)
{
    if (places > big->count)
        return big_of(0, false);
    struct od_big one = big_of(1, false), power = shifted(&one, places);
    return half_away(big, &power);
}

/* big / 10^scale within 38 digits. */
static bool pack(struct od_big big, int scale, struct od_decimal *result_out)
{
    bool was_zero = big.count == 0;
    while (big.count > DIGITS || scale > DIGITS) {
        int places = big.count > DIGITS ? big.count - DIGITS : 0;
        if (scale - DIGITS > places)
            places = scale - DIGITS;
        if (places > scale)
            return false;
        big = dropped(&big, places);
        scale -= places;
    }
    __int128 coefficient = 0;
    for (int i = big.count; i-- > 0;)
        coefficient = coefficient * 10 + big.digits[i];
    *result_out = od_decimal_make(big.is_negative ? -coefficient : coefficient, (uint32_t)scale);
    return was_zero || big.count > 0;
}

/* Where PostgreSQL's groups of four digits begin, seen from the point: the number of the first one that is not zero, and
 * its value. */
static int first_group(const struct od_big *big, int scale, int *value_out)
{
    *value_out = 0;
    if (big->count == 0)
        return 0;
    int group = -100;
    for (int i = 0; i < 4; i++) /* the group of the topmost digit: floor((count - 1 - scale) / 4) */
        if ((big->count - 1 - scale - i) % 4 == 0)
            group = (big->count - 1 - scale - i) / 4;
    for (int i = 3; i >= 0; i--) {
        int at = group * 4 + scale + i;
        *value_out = *value_out * 10 + (at >= 0 && at < big->count ? big->digits[at] : 0);
    }
    return group;
}

static int quotient_scale(const struct od_big *left, int left_scale, const struct od_big *right,
                          int right_scale)
{
    int left_value, right_value;
    int groups = first_group(left, left_scale, &left_value) - first_group(right, right_scale, &right_value);
    if (left_value <= right_value)
        groups--;
    int scale = 16 - groups * 4;
    scale = scale < left_scale ? left_scale : scale;
    scale = scale < right_scale ? right_scale : scale;
    return scale > DIGITS ? DIGITS : scale;
}

/* left / 10^left_scale over right / 10^right_scale, rounded once, to *scale digits or as many as digits_max leaves. */
static struct od_big quotient(const struct od_big *left, int left_scale, const struct od_big *right,
                              int right_scale, int digits_max, int *scale)
{
    struct od_big rest, dividend = shifted(left, right_scale), divisor = shifted(right, left_scale);
    struct od_big whole = divide(&dividend, &divisor, &rest);
    if (whole.count + *scale > digits_max)
        *scale = digits_max > whole.count ? digits_max - whole.count : 0;
    dividend = shifted(&dividend, *scale);
    return half_away(&dividend, &divisor);
}

static bool divided(const struct od_big *left, int left_scale, const struct od_big *right, int right_scale,
                    struct od_decimal *result_out)
{
    int scale = quotient_scale(left, left_scale, right, right_scale);
    struct od_big result = quotient(left, left_scale, right, right_scale, DIGITS, &scale);
    return pack(result, scale, result_out) && (left->count == 0 || result.count > 0);
}

bool od_model_decimal_arithmetic(char operation, const struct od_decimal *left,
                                 const struct od_decimal *right, struct od_decimal *result_out)
{
    int left_scale = (int)left->scale, right_scale = (int)right->scale;
    int scale = left_scale > right_scale ? left_scale : right_scale;
    struct od_big rest, a = at_scale(left, left_scale), b = at_scale(right, right_scale);
    if (operation == '*')
        return pack(multiply(&a, &b), left_scale + right_scale, result_out);
    if (operation == '/')
        return divided(&a, left_scale, &b, right_scale, result_out);
    a = at_scale(left, scale), b = at_scale(right, scale);
    if (operation == '%') {
        divide(&a, &b, &rest);
        return pack(rest, scale, result_out);
    }
    if (operation == 'd')
        return pack(divide(&a, &b, &rest), 0, result_out);
    if (operation == '-')
        b = negated(&b);
    return pack(add(&a, &b), scale, result_out);
}

int od_model_decimal_compare(const struct od_decimal *left, const struct od_decimal *right)
{
    __int128 first = od_decimal_coefficient(left), second = od_decimal_coefficient(right);
    if (left->scale == right->scale || (first < 0) != (second < 0))
        return (first > second) - (first < second);
    struct od_big a = at_scale(left, DIGITS), b = at_scale(right, DIGITS);
    return a.is_negative ? compare_magnitudes(&b, &a) : compare_magnitudes(&a, &b);
}

bool od_model_decimal_round(char how, const struct od_decimal *decimal, int scale,
                            struct od_decimal *result_out)
{
    struct od_big big = at_scale(decimal, (int)decimal->scale), rest;
    int places = (int)decimal->scale - scale;
    if (places <= 0) { /* zeros behind the last digit, as many as fit */
        int room = DIGITS - (big.count > (int)decimal->scale ? big.count : (int)decimal->scale);
        places = -places > room ? -room : places;
        big = shifted(&big, -places);
        return pack(big, (int)decimal->scale - places, result_out);
    }
    bool goes_away = false;
    if (places > DIGITS) {
        big = big_of(0, false);
    } else {
        struct od_big one = big_of(1, false), power = shifted(&one, places);
        bool is_negative = big.is_negative;
        struct od_big whole = divide(&big, &power, &rest);
        if (how == 'r')
            whole = half_away(&big, &power);
        else
            goes_away = rest.count > 0 && ((how == 'f' && is_negative) || (how == 'c' && !is_negative));
        struct od_big step = big_of(goes_away ? 1 : 0, is_negative);
        big = add(&whole, &step);
    }
    if (scale < 0)
        big = shifted(&big, -scale);
    return pack(big, scale < 0 ? 0 : scale, result_out);
}

struct od_decimal od_model_decimal_of_integer(int64_t number)
{
    return od_decimal_make(number, 0);
}

bool od_model_decimal_to_integer(const struct od_decimal *decimal, int64_t *number_out)
{
    struct od_decimal whole;
    if (!od_model_decimal_round('r', decimal, 0, &whole))
        return false;
    __int128 number = od_decimal_coefficient(&whole);
    *number_out = (int64_t)number;
    return number == *number_out;
}

/* Sixteen digits or more, and never fewer behind the point than there were (PostgreSQL's sqrt_var). */
bool od_model_decimal_root(const struct od_decimal *decimal, struct od_decimal *result_out)
{
    int value, scale = (int)decimal->scale;
    struct od_big big = at_scale(decimal, scale), four = big_of(4, false), two = big_of(2, false);
    if (big.count == 0)
        return pack(big, scale > 15 ? scale : 15, result_out);
    int wanted = 16 - ((first_group(&big, scale, &value) + 1) * 4 / 2 - 1);
    wanted = wanted < scale ? scale : wanted;
    int whole = big.count > scale ? (big.count - scale + 1) / 2 : 0;
    wanted = whole + wanted > DIGITS ? DIGITS - whole : wanted;
    /* The root of four times the number is odd from half on. */
    big = multiply(&big, &four);
    big = shifted(&big, 2 * wanted - scale);
    struct od_big twice = root(&big);
    return pack(half_away(&twice, &two), wanted, result_out);
}

/* --- text ---------------------------------------------------------------------------------------------------------- */

void od_model_decimal_write(const struct od_decimal *decimal, char text[OD_MODEL_DECIMAL_TEXT])
{
    struct od_big big = at_scale(decimal, (int)decimal->scale);
    int scale = (int)decimal->scale, at = 0;
    if (big.is_negative)
        text[at++] = '-';
    for (int i = big.count > scale ? big.count - 1 : scale; i >= 0; i--) {
        text[at++] = (char)('0' + (i < big.count ? big.digits[i] : 0));
        if (i == scale && scale > 0)
            text[at++] = '.';
    }
    text[at] = '\0';
}

bool od_model_decimal_read(const char *text, struct od_decimal *decimal_out)
{
    struct od_big big = {.is_negative = *text == '-'};
    const char *at = text + (*text == '-' || *text == '+');
    int scale = 0, digit_count = 0;
    bool seen_point = false;
    for (; (*at >= '0' && *at <= '9') || (*at == '.' && !seen_point); at++) {
        if (*at == '.') {
            seen_point = true;
            continue;
        }
        digit_count++;
        scale += seen_point;
        big = shifted(&big, 1);
        struct od_big digit = big_of((unsigned)(*at - '0'), *text == '-');
        big = add(&big, &digit);
    }
    if (digit_count == 0 || digit_count > 60)
        return false;
    if (*at == 'e' || *at == 'E') {
        char *end;
        if (strspn(at + 1, "+-") > 1 || strcspn(at + 1, "0123456789") == strlen(at + 1))
            return false;
        long exponent = strtol(at + 1, &end, 10);
        if (labs(exponent) > 100)
            return false;
        at = end;
        scale -= (int)exponent;
    }
    if (*at != '\0')
        return false;
    if (scale < 0) {
        if (big.count > 0 && big.count - scale > DIGITS)
            return false;
        big = shifted(&big, big.count > 0 ? -scale : 0);
        scale = 0;
    }
    return pack(big, scale, decimal_out);
}

/* --- aggregates ---------------------------------------------------------------------------------------------------- */

static bool spread(char what, const struct od_big *sum, const struct od_big *squares, int scale,
                   uint32_t count, struct od_decimal *result_out)
{
    bool of_sample = what == 'v' || what == 'd';
    struct od_big n = big_of(count, false), others = big_of(of_sample ? count - 1 : count, false);
    struct od_big left = multiply(&n, squares), right = multiply(sum, sum);
    right = negated(&right);
    struct od_big above = add(&left, &right), below = multiply(&n, &others);
    if (above.count == 0) {
        *result_out = od_decimal_make(0, 0);
        return true;
    }
    if (what == 'v' || what == 'V')
        return divided(&above, 2 * scale, &below, 0, result_out);
    int places = quotient_scale(&above, 2 * scale, &below, 0);
    struct od_big variance = quotient(&above, 2 * scale, &below, 0, 3 * DIGITS, &places);
    int whole = (variance.count - places + 1) / 2, wanted = places;
    if (whole > 0 && whole + wanted > DIGITS)
        wanted = DIGITS - whole;
    /* The root of four times the number is odd from half on. */
    struct od_big four = big_of(4, false), two = big_of(2, false);
    variance = multiply(&variance, &four);
    variance = shifted(&variance, 2 * wanted - places);
    struct od_big twice = root(&variance);
    return pack(half_away(&twice, &two), wanted, result_out);
}

bool od_model_decimal_aggregate(char what, const struct od_decimal *const *values, uint32_t count,
                                struct od_decimal *result_out)
{
    struct od_big sum = big_of(0, false), squares = sum, n = big_of(count, false);
    int scale = 0;
    for (uint32_t i = 0; i < count; i++)
        scale = (int)values[i]->scale > scale ? (int)values[i]->scale : scale;
    for (uint32_t i = 0; i < count; i++) {
        struct od_big value = at_scale(values[i], scale), square = multiply(&value, &value);
        sum = add(&sum, &value);
        squares = add(&squares, &square);
    }
    if (what == 's')
        return pack(sum, scale, result_out);
    if (what == 'a')
        return divided(&sum, scale, &n, 0, result_out);
    return spread(what, &sum, &squares, scale, count, result_out);
}
