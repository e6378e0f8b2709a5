/* decimal: numeric on 128 bits.
 *
 * A value is taken apart into sign, magnitude and scale (struct parts), put through 128-bit arithmetic where the operands'
 * digits show that it fits, and else through wide numbers (wide.h), and put together again in one place: pack_wide() is
 * what drops fraction digits beyond the 38th. Both ways give the same result; the short one is there for speed.
 *
 * Scales of results: src/backend/utils/adt/numeric.c of PostgreSQL 15. It keeps digits in groups of four ("NBASE"), and the
 * scale of a quotient depends on where those groups stand, so leading_group() computes them. */
#include "engine/data/decimal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/hash.h"
#include "engine/data/cursor.h"
#include "engine/data/wide.h"

typedef unsigned __int128 u128;

#define DIGITS_MAX           OD_DECIMAL_DIGITS_MAX
#define SIGNIFICANT_MIN      16 /* NUMERIC_MIN_SIG_DIGITS */
#define GROUP_DIGITS         4  /* DEC_DIGITS */
#define SUM_SCALE            38
#define FLOAT_EXACT_INTEGERS (UINT64_C(1) << 53)
#define FLOAT_EXACT_POWERS   22 /* 10^22 is the largest power of ten that is a double */
#define PARSE_DIGITS_MAX     80 /* further ones cannot change how the 38th is rounded */
#define PARSE_EXPONENT_MAX   100000

#define TEN_19 UINT64_C(10000000000000000000)

static u128 power_of_10(uint32_t exponent)
{
    /* clang-format off */
    static const uint64_t powers[] = {
        UINT64_C(1), UINT64_C(10), UINT64_C(100), UINT64_C(1000), UINT64_C(10000), UINT64_C(100000),
        UINT64_C(1000000), UINT64_C(10000000), UINT64_C(100000000), UINT64_C(1000000000),
        UINT64_C(10000000000), UINT64_C(100000000000), UINT64_C(1000000000000), UINT64_C(10000000000000),
        UINT64_C(100000000000000), UINT64_C(1000000000000000), UINT64_C(10000000000000000),
        UINT64_C(100000000000000000), UINT64_C(1000000000000000000), TEN_19,
    };
    /* clang-format on */
    od_assert(exponent <= DIGITS_MAX);
    return exponent <= 19 ? powers[exponent] : (u128)TEN_19 * powers[exponent - 19];
}

struct parts {
    bool is_negative;
    u128 magnitude;
    uint32_t scale;
};

static struct parts parts_of(const struct od_decimal *decimal)
{
    __int128 coefficient = od_decimal_coefficient(decimal);
    bool is_negative = coefficient < 0;
    return (struct parts){is_negative, is_negative ? -(u128)coefficient : (u128)coefficient,
                          (uint32_t)decimal->scale};
}

bool od_decimal_is_sound(const struct od_decimal *decimal)
{
    return decimal->scale <= DIGITS_MAX && parts_of(decimal).magnitude < power_of_10(DIGITS_MAX);
}

static uint32_t digits_of(u128 magnitude)
{
    uint64_t high = (uint64_t)(magnitude >> 64);
    uint64_t low = (uint64_t)magnitude;
    if (magnitude == 0)
        return 0;
    uint32_t bits = high != 0 ? 128 - (uint32_t)__builtin_clzll(high) : 64 - (uint32_t)__builtin_clzll(low);
    uint32_t digits = bits * 1233 >> 12; /* log10(2): this many, or one more */
    return digits + (magnitude >= power_of_10(digits));
}

static struct od_decimal make(bool is_negative, u128 magnitude, uint32_t scale)
{
    od_assert(scale <= DIGITS_MAX);
    return od_decimal_make(is_negative ? -(__int128)magnitude : (__int128)magnitude, scale);
}

static struct od_wide half_away(const struct od_wide *dividend, const struct od_wide *divisor)
{
    static const struct od_wide one = {.limbs = {1}, .count = 1};
    struct od_wide remainder;
    struct od_wide quotient = od_wide_divide(dividend, divisor, &remainder);
    struct od_wide twice = od_wide_add(&remainder, &remainder);
    return od_wide_compare(&twice, divisor) >= 0 ? od_wide_add(&quotient, &one) : quotient;
}

/* magnitude / 10^scale, within 38 digits. */
static bool pack_wide(bool is_negative, struct od_wide magnitude, uint32_t scale,
                      struct od_decimal *result_out)
{
    bool is_zero = magnitude.count == 0;
    uint32_t digits = od_wide_digits(&magnitude);
    while (digits > DIGITS_MAX || scale > DIGITS_MAX) {
        uint32_t excess = digits > DIGITS_MAX ? digits - DIGITS_MAX : 0;
        uint32_t drop = scale > DIGITS_MAX && scale - DIGITS_MAX > excess ? scale - DIGITS_MAX : excess;
        if (drop > scale)
            return false;
        if (drop > digits) {
            magnitude = (struct od_wide){0};
        } else {
            struct od_wide power = od_wide_power_of_10(drop);
            magnitude = half_away(&magnitude, &power);
        }
        scale -= drop;
        digits = od_wide_digits(&magnitude);
    }
    u128 number;
    bool fits = od_wide_to_u128(&magnitude, &number);
    od_assert(fits);
    *result_out = make(is_negative && number != 0, number, scale);
    return is_zero || number != 0;
}

static bool pack(bool is_negative, u128 magnitude, uint32_t scale, struct od_decimal *result_out)
{
    if (scale > DIGITS_MAX || magnitude >= power_of_10(DIGITS_MAX))
        return pack_wide(is_negative, od_wide_from_u128(magnitude), scale, result_out);
    *result_out = make(is_negative, magnitude, scale);
    return true;
}

/* magnitude * 10^exponent; never much over 114 digits here. */
static struct od_wide scaled_wide(const struct od_wide *magnitude, uint32_t exponent)
{
    struct od_wide power = od_wide_power_of_10(exponent);
    return od_wide_multiply(magnitude, &power);
}

static struct od_wide scaled(u128 magnitude, uint32_t exponent)
{
    struct od_wide wide = od_wide_from_u128(magnitude);
    return scaled_wide(&wide, exponent);
}

/* --- addition, multiplication -------------------------------------------------------------------------------------- */

static bool add_parts(struct parts left, struct parts right, struct od_decimal *result_out)
{
    uint32_t scale = left.scale > right.scale ? left.scale : right.scale;
    if (digits_of(left.magnitude) + scale - left.scale < DIGITS_MAX &&
        digits_of(right.magnitude) + scale - right.scale < DIGITS_MAX) { /* twice 10^38 is beyond 127 bits */
        __int128 a = (__int128)(left.magnitude * power_of_10(scale - left.scale));
        __int128 b = (__int128)(right.magnitude * power_of_10(scale - right.scale));
        __int128 sum = (left.is_negative ? -a : a) + (right.is_negative ? -b : b);
        return pack(sum < 0, sum < 0 ? -(u128)sum : (u128)sum, scale, result_out);
    }
    struct od_wide a = scaled(left.magnitude, scale - left.scale);
    struct od_wide b = scaled(right.magnitude, scale - right.scale);
    if (left.is_negative == right.is_negative)
        return pack_wide(left.is_negative, od_wide_add(&a, &b), scale, result_out);
    if (od_wide_compare(&a, &b) >= 0)
        return pack_wide(left.is_negative, od_wide_subtract(&a, &b), scale, result_out);
    return pack_wide(right.is_negative, od_wide_subtract(&b, &a), scale, result_out);
}

bool od_decimal_add(const struct od_decimal *left, const struct od_decimal *right,
                    struct od_decimal *result_out)
{
    return add_parts(parts_of(left), parts_of(right), result_out);
}

bool od_decimal_subtract(const struct od_decimal *left, const struct od_decimal *right,
                         struct od_decimal *result_out)
{
    struct parts subtrahend = parts_of(right);
    subtrahend.is_negative = !subtrahend.is_negative;
    return add_parts(parts_of(left), subtrahend, result_out);
}

bool od_decimal_multiply(const struct od_decimal *left, const struct od_decimal *right,
                         struct od_decimal *result_out)
{
    struct parts a = parts_of(left);
    struct parts b = parts_of(right);
    bool is_negative = a.is_negative != b.is_negative;
    if (a.magnitude <= UINT64_MAX && b.magnitude <= UINT64_MAX)
        return pack(is_negative, a.magnitude * b.magnitude, a.scale + b.scale, result_out);
    struct od_wide wide_a = od_wide_from_u128(a.magnitude);
    struct od_wide wide_b = od_wide_from_u128(b.magnitude);
    return pack_wide(is_negative, od_wide_multiply(&wide_a, &wide_b), a.scale + b.scale, result_out);
}

/* --- division ------------------------------------------------------------------------------------------------------ */

/* magnitude / 10^scale */
struct operand {
    struct od_wide magnitude;
    uint32_t scale;
};

/* The first group of four digits, counted from the point, that is not zero, and which it is: 0 is the one before the
 * point. Zero has group 0, digits 0. The scale is that of at most 38 digits. */
struct group {
    int32_t weight;
    uint32_t value;
};
static struct group leading_group(u128 magnitude, int32_t scale)
{
    if (magnitude == 0)
        return (struct group){0, 0};
    int32_t exponent = (int32_t)digits_of(magnitude) - 1 - scale;
    int32_t weight = (exponent >= 0 ? exponent : exponent - (GROUP_DIGITS - 1)) / GROUP_DIGITS;
    int32_t drop = weight * GROUP_DIGITS + scale; /* digits behind the group's last */
    u128 group =
        drop >= 0 ? magnitude / power_of_10((uint32_t)drop) : magnitude * power_of_10((uint32_t)-drop);
    return (struct group){weight, (uint32_t)group};
}

static struct group leading_group_wide(const struct operand *operand)
{
    uint32_t digits = od_wide_digits(&operand->magnitude);
    uint32_t drop = digits > DIGITS_MAX ? digits - DIGITS_MAX : 0;
    struct od_wide power = od_wide_power_of_10(drop);
    struct od_wide leading = od_wide_divide(&operand->magnitude, &power, NULL);
    u128 magnitude;
    bool fits = od_wide_to_u128(&leading, &magnitude);
    od_assert(fits);
    return leading_group(magnitude, (int32_t)operand->scale - (int32_t)drop);
}

/* select_div_scale of numeric.c. */
static uint32_t quotient_scale(struct group dividend, struct group divisor, uint32_t scale_a,
                               uint32_t scale_b)
{
    int32_t weight = dividend.weight - divisor.weight - (dividend.value <= divisor.value);
    int32_t scale = SIGNIFICANT_MIN - weight * GROUP_DIGITS;
    int32_t larger = (int32_t)(scale_a > scale_b ? scale_a : scale_b);
    scale = scale > larger ? scale : larger;
    return scale > DIGITS_MAX ? DIGITS_MAX : (uint32_t)scale;
}

/* Rounded to `scale` digits behind the point, or to fewer when there would be more than digits_max in all. */
static struct operand quotient_of(const struct operand *a, const struct operand *b, uint32_t scale,
                                  uint32_t digits_max)
{
    struct od_wide dividend = scaled_wide(&a->magnitude, b->scale);
    struct od_wide divisor = scaled_wide(&b->magnitude, a->scale);
    struct od_wide whole = od_wide_divide(&dividend, &divisor, NULL);
    uint32_t whole_digits = od_wide_digits(&whole);
    if (whole_digits + scale > digits_max)
        scale = whole_digits < digits_max ? digits_max - whole_digits : 0;
    dividend = scaled_wide(&dividend, scale);
    return (struct operand){half_away(&dividend, &divisor), scale};
}

static bool divide_wide(bool is_negative, const struct operand *a, const struct operand *b, uint32_t scale,
                        struct od_decimal *result_out)
{
    struct operand quotient = quotient_of(a, b, scale, DIGITS_MAX);
    return pack_wide(is_negative, quotient.magnitude, quotient.scale, result_out) &&
           (a->magnitude.count == 0 || quotient.magnitude.count != 0);
}

bool od_decimal_divide(const struct od_decimal *left, const struct od_decimal *right,
                       struct od_decimal *result_out)
{
    struct parts a = parts_of(left);
    struct parts b = parts_of(right);
    od_assert(b.magnitude != 0);
    bool is_negative = a.is_negative != b.is_negative;
    uint32_t scale = quotient_scale(leading_group(a.magnitude, (int32_t)a.scale),
                                    leading_group(b.magnitude, (int32_t)b.scale), a.scale, b.scale);
    /* a / 10^a.scale over b / 10^b.scale, times 10^scale */
    int32_t exponent = (int32_t)(scale + b.scale) - (int32_t)a.scale;
    od_assert(exponent >= 0); /* the quotient's scale is no less than either */
    if ((int32_t)digits_of(a.magnitude) + exponent <= DIGITS_MAX) {
        u128 dividend = a.magnitude * power_of_10((uint32_t)exponent);
        u128 quotient = dividend / b.magnitude;
        u128 remainder = dividend - quotient * b.magnitude;
        quotient += remainder >= b.magnitude - remainder;
        *result_out = make(is_negative && quotient != 0, quotient, scale);
        return a.magnitude == 0 || quotient != 0;
    }
    struct operand dividend = {od_wide_from_u128(a.magnitude), a.scale};
    struct operand divisor = {od_wide_from_u128(b.magnitude), b.scale};
    return divide_wide(is_negative, &dividend, &divisor, scale, result_out);
}

/* Both numbers at one scale: whole division of their magnitudes. */
static bool divide_whole(const struct od_decimal *left, const struct od_decimal *right,
                         struct od_decimal *quotient_out, struct od_decimal *remainder_out)
{
    struct parts a = parts_of(left);
    struct parts b = parts_of(right);
    od_assert(b.magnitude != 0);
    uint32_t scale = a.scale > b.scale ? a.scale : b.scale;
    struct od_wide dividend = scaled(a.magnitude, scale - a.scale);
    struct od_wide divisor = scaled(b.magnitude, scale - b.scale);
    struct od_wide remainder;
    struct od_wide quotient = od_wide_divide(&dividend, &divisor, &remainder);
    return quotient_out != NULL ? pack_wide(a.is_negative != b.is_negative, quotient, 0, quotient_out)
                                : pack_wide(a.is_negative, remainder, scale, remainder_out);
}

bool od_decimal_divide_whole(const struct od_decimal *left, const struct od_decimal *right,
                             struct od_decimal *result_out)
{
    return divide_whole(left, right, result_out, NULL);
}

bool od_decimal_modulo(const struct od_decimal *left, const struct od_decimal *right,
                       struct od_decimal *result_out)
{
    return divide_whole(left, right, NULL, result_out);
}

/* The root with `scale` digits behind the point, or as many as there is room for, half away from zero. */
static bool root_of(const struct operand *square, uint32_t scale, struct od_decimal *result_out)
{
    int32_t whole_digits = ((int32_t)od_wide_digits(&square->magnitude) - (int32_t)square->scale + 1) / 2;
    if (whole_digits > 0 && (uint32_t)whole_digits + scale > DIGITS_MAX)
        scale = DIGITS_MAX - (uint32_t)whole_digits;
    /* Of four times the number, so that the root's last bit tells half. */
    struct od_wide magnitude = od_wide_add(&square->magnitude, &square->magnitude);
    magnitude = od_wide_add(&magnitude, &magnitude);
    int32_t exponent = 2 * (int32_t)scale - (int32_t)square->scale;
    struct od_wide power = od_wide_power_of_10((uint32_t)abs(exponent));
    magnitude =
        exponent >= 0 ? od_wide_multiply(&magnitude, &power) : od_wide_divide(&magnitude, &power, NULL);
    struct od_wide twice = od_wide_sqrt(&magnitude);
    struct od_wide two = od_wide_from_u128(2);
    return pack_wide(false, half_away(&twice, &two), scale, result_out);
}

/* numeric_sqrt of numeric.c. */
bool od_decimal_sqrt(const struct od_decimal *decimal, struct od_decimal *result_out)
{
    struct parts parts = parts_of(decimal);
    od_assert(!parts.is_negative);
    int32_t weight = leading_group(parts.magnitude, (int32_t)parts.scale).weight * GROUP_DIGITS / 2;
    int32_t scale = SIGNIFICANT_MIN - 1 - weight;
    scale = scale > (int32_t)parts.scale ? scale : (int32_t)parts.scale;
    struct operand square = {od_wide_from_u128(parts.magnitude), parts.scale};
    return root_of(&square, scale > DIGITS_MAX ? DIGITS_MAX : (uint32_t)scale, result_out);
}

/* --- order, hashes ------------------------------------------------------------------------------------------------- */

int od_decimal_compare(const struct od_decimal *left, const struct od_decimal *right)
{
    if (left->scale == right->scale) {
        __int128 a = od_decimal_coefficient(left);
        __int128 b = od_decimal_coefficient(right);
        return (a > b) - (a < b);
    }
    int sign = od_decimal_sign(left);
    int right_sign = od_decimal_sign(right);
    if (sign != right_sign || sign == 0)
        return (sign > right_sign) - (sign < right_sign);
    struct parts a = parts_of(left);
    struct parts b = parts_of(right);
    uint32_t scale = a.scale > b.scale ? a.scale : b.scale;
    if (digits_of(a.magnitude) + scale - a.scale <= DIGITS_MAX &&
        digits_of(b.magnitude) + scale - b.scale <= DIGITS_MAX) {
        u128 scaled_a = a.magnitude * power_of_10(scale - a.scale);
        u128 scaled_b = b.magnitude * power_of_10(scale - b.scale);
        return sign * ((scaled_a > scaled_b) - (scaled_a < scaled_b));
    }
    struct od_wide scaled_a = scaled(a.magnitude, scale - a.scale);
    struct od_wide scaled_b = scaled(b.magnitude, scale - b.scale);
    return sign * od_wide_compare(&scaled_a, &scaled_b);
}

/* Takes zeros off the end of the fraction. */
static struct parts without_zeros(struct parts parts)
{
    static const uint32_t steps[] = {16, 8, 4, 2, 1};
    if (parts.magnitude == 0)
        return (struct parts){0};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        u128 power = power_of_10(steps[i]);
        uint64_t power_of_2_less_1 =
            (UINT64_C(1) << steps[i]) - 1; /* what 10^n divides, 2^n divides: a quick no */
        while (parts.scale >= steps[i] && ((uint64_t)parts.magnitude & power_of_2_less_1) == 0 &&
               parts.magnitude % power == 0) {
            parts.magnitude /= power;
            parts.scale -= steps[i];
        }
    }
    return parts;
}

uint32_t od_decimal_min_scale(const struct od_decimal *decimal)
{
    return without_zeros(parts_of(decimal)).scale;
}

uint64_t od_decimal_hash(const struct od_decimal *decimal)
{
    struct parts parts = without_zeros(parts_of(decimal));
    uint64_t low = (uint64_t)parts.magnitude;
    uint64_t high = (uint64_t)(parts.magnitude >> 64);
    return od_mix_two(od_mix_two(low, high), (uint64_t)parts.scale << 1 | parts.is_negative);
}

/* --- rounding ------------------------------------------------------------------------------------------------------ */

static bool rounds_up(struct parts parts, u128 remainder, u128 power, enum od_rounding rounding)
{
    switch (rounding) {
    case OD_ROUND_HALF_AWAY:
        return remainder >= power - remainder;
    case OD_ROUND_FLOOR:
        return remainder != 0 && parts.is_negative;
    case OD_ROUND_CEILING:
        return remainder != 0 && !parts.is_negative;
    case OD_ROUND_TRUNCATE:
        break;
    }
    return false;
}

bool od_decimal_round(const struct od_decimal *decimal, int64_t scale, enum od_rounding rounding,
                      struct od_decimal *result_out)
{
    struct parts parts = parts_of(decimal);
    if (scale >= parts.scale) { /* zeros behind, as many as there is room for */
        int64_t room = DIGITS_MAX - (int64_t)digits_of(parts.magnitude);
        int64_t add = scale - parts.scale < room ? scale - parts.scale : room;
        if (parts.scale + add > DIGITS_MAX)
            add = DIGITS_MAX - parts.scale;
        *result_out = make(parts.is_negative, parts.magnitude * power_of_10((uint32_t)add),
                           parts.scale + (uint32_t)add);
        return true;
    }
    uint32_t result_scale = scale > 0 ? (uint32_t)scale : 0;
    if (scale < (int64_t)parts.scale - DIGITS_MAX) {
        od_assert(rounding == OD_ROUND_HALF_AWAY || rounding == OD_ROUND_TRUNCATE);
        *result_out = make(false, 0, result_scale);
        return true;
    }
    u128 power = power_of_10((uint32_t)(parts.scale - scale));
    u128 magnitude = parts.magnitude / power;
    magnitude += rounds_up(parts, parts.magnitude % power, power, rounding);
    if (scale < 0 && digits_of(magnitude) - scale > DIGITS_MAX && magnitude != 0)
        return false;
    magnitude *= scale < 0 && magnitude != 0 ? power_of_10((uint32_t)-scale) : 1;
    return pack(parts.is_negative && magnitude != 0, magnitude, result_scale, result_out);
}

bool od_decimal_fit(const struct od_decimal *decimal, int32_t precision, int32_t scale,
                    struct od_decimal *result_out)
{
    if (!od_decimal_round(decimal, scale, OD_ROUND_HALF_AWAY, result_out))
        return false;
    struct parts parts = parts_of(result_out);
    return parts.magnitude == 0 ||
           (int32_t)digits_of(parts.magnitude) - (int32_t)parts.scale <= precision - scale;
}

/* --- other types --------------------------------------------------------------------------------------------------- */

bool od_decimal_to_int64(const struct od_decimal *decimal, int64_t *number_out)
{
    struct od_decimal whole;
    if (!od_decimal_round(decimal, 0, OD_ROUND_HALF_AWAY, &whole))
        return false;
    __int128 number = od_decimal_coefficient(&whole);
    *number_out = (int64_t)number;
    return number >= INT64_MIN && number <= INT64_MAX;
}

/* Writes digits and a NUL; returns how many. At least as many as `min_count`, with zeros in front. */
#define MAGNITUDE_TEXT_BYTES 48
static uint32_t magnitude_text(u128 magnitude, uint32_t min_count, char *text)
{
    uint32_t count = digits_of(magnitude);
    count = count < min_count ? min_count : count;
    text[count] = '\0';
    for (uint32_t i = count; i-- > 0; magnitude /= 10)
        text[i] = (char)('0' + (int)(magnitude % 10));
    return count;
}

double od_decimal_to_float64(const struct od_decimal *decimal)
{
    struct parts parts = parts_of(decimal);
    double number;
    if (parts.magnitude <= FLOAT_EXACT_INTEGERS && parts.scale <= FLOAT_EXACT_POWERS) {
        number = (double)(uint64_t)parts.magnitude /
                 (double)power_of_10(parts.scale); /* both exact: rounds once */
    } else {
        char text[MAGNITUDE_TEXT_BYTES + 8];
        uint32_t count = magnitude_text(parts.magnitude, 1, text);
        snprintf(text + count, 8, "e-%" PRIu32, parts.scale);
        number = strtod(text, NULL);
    }
    return parts.is_negative ? -number : number;
}

bool od_decimal_from_float64(double number, struct od_decimal *result_out)
{
    char text[32];
    int size = snprintf(text, sizeof(text), "%.15g", number);
    return od_decimal_parse(text, (uint32_t)size, result_out);
}

bool od_decimal_print(const struct od_decimal *decimal, struct od_buffer *buffer)
{
    struct parts parts = parts_of(decimal);
    char text[MAGNITUDE_TEXT_BYTES];
    uint32_t count = magnitude_text(parts.magnitude, parts.scale + 1, text);
    if (parts.is_negative)
        od_buffer_append_u8(buffer, '-');
    od_buffer_append(buffer, text, count - parts.scale);
    if (parts.scale > 0) {
        od_buffer_append_u8(buffer, '.');
        od_buffer_append(buffer, text + count - parts.scale, parts.scale);
    }
    return !buffer->failed;
}

/* A number being read: magnitude * 10^-scale. */
struct reading {
    struct od_wide magnitude;
    uint32_t digit_count; /* behind leading zeros */
    int64_t scale;        /* of the magnitude; less than 0 where digits were left out */
    int64_t display_scale;
};

/* Returns whether there are any. */
static bool read_digits(struct cursor *cursor, bool is_fraction, struct reading *reading)
{
    const char *start = cursor->at;
    for (; cursor->at < cursor->end && is_digit(*cursor->at); cursor->at++) {
        reading->display_scale += is_fraction;
        if (reading->digit_count >= PARSE_DIGITS_MAX) {
            reading->scale -= !is_fraction;
            continue;
        }
        struct od_wide digit = od_wide_from_u128((u128)(*cursor->at - '0'));
        reading->magnitude = scaled_wide(&reading->magnitude, 1);
        reading->magnitude = od_wide_add(&reading->magnitude, &digit);
        reading->digit_count += reading->magnitude.count > 0;
        reading->scale += is_fraction;
    }
    return cursor->at > start;
}

static bool read_exponent(struct cursor *cursor, struct reading *reading)
{
    if (!take(cursor, 'e') && !take(cursor, 'E'))
        return true;
    bool is_negative = take_sign(cursor);
    const char *start = cursor->at;
    int64_t exponent = 0;
    for (; cursor->at < cursor->end && is_digit(*cursor->at); cursor->at++) {
        if (exponent < PARSE_EXPONENT_MAX)
            exponent = exponent * 10 + (*cursor->at - '0');
    }
    reading->scale -= is_negative ? -exponent : exponent;
    reading->display_scale -= is_negative ? -exponent : exponent;
    return cursor->at > start;
}

bool od_decimal_parse(const char *text, uint32_t size, struct od_decimal *result_out)
{
    struct cursor cursor = cursor_over(text, size);
    struct reading reading = {.scale = 0};
    bool is_negative = take_sign(&cursor);
    bool has_digits = read_digits(&cursor, false, &reading);
    if (take(&cursor, '.'))
        has_digits = read_digits(&cursor, true, &reading) || has_digits;
    if (!has_digits || !read_exponent(&cursor, &reading) || cursor.at != cursor.end)
        return false;
    int64_t shown = reading.display_scale < 0 ? 0 : reading.display_scale;
    if (reading.magnitude.count == 0)
        return pack(false, 0, shown > DIGITS_MAX ? DIGITS_MAX : (uint32_t)shown, result_out);
    if (reading.scale < -DIGITS_MAX || reading.scale > DIGITS_MAX + PARSE_DIGITS_MAX)
        return false;
    if (reading.scale < 0) {
        reading.magnitude = scaled_wide(&reading.magnitude, (uint32_t)-reading.scale);
        reading.scale = 0;
    }
    return pack_wide(is_negative, reading.magnitude, (uint32_t)reading.scale, result_out) &&
           od_decimal_round(result_out, shown, OD_ROUND_HALF_AWAY, result_out);
}

/* --- sums ---------------------------------------------------------------------------------------------------------- */

/* words += addend or, negated, words -= addend; two's complement. */
static void words_add(uint64_t *words, size_t count, const uint64_t *addend, size_t addend_count,
                      bool is_negative)
{
    uint64_t carry = is_negative;
    for (size_t i = 0; i < count; i++) {
        uint64_t word = i < addend_count ? addend[i] : 0;
        u128 sum = (u128)words[i] + (is_negative ? ~word : word) + carry;
        words[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
}

static void multiply_128(u128 left, u128 right, uint64_t product[4])
{
    const uint64_t a[2] = {(uint64_t)left, (uint64_t)(left >> 64)};
    const uint64_t b[2] = {(uint64_t)right, (uint64_t)(right >> 64)};
    memset(product, 0, 4 * sizeof(*product));
    for (size_t i = 0; i < 2; i++) {
        u128 carry = 0;
        for (size_t k = 0; k < 2; k++) {
            carry += (u128)a[i] * b[k] + product[i + k];
            product[i + k] = (uint64_t)carry;
            carry >>= 64;
        }
        product[i + 2] = (uint64_t)carry;
    }
}

static void sum_add_scaled(struct od_decimal_sum *sum, const struct parts *parts, uint64_t aligned[4])
{
    multiply_128(parts->magnitude, power_of_10(SUM_SCALE - parts->scale), aligned);
    words_add(sum->words, 5, aligned, 4, parts->is_negative);
    sum->scale_max = parts->scale > sum->scale_max ? parts->scale : sum->scale_max;
    sum->count++;
}

void od_decimal_sum_add(struct od_decimal_sum *sum, const struct od_decimal *decimal)
{
    struct parts parts = parts_of(decimal);
    uint64_t aligned[4];
    sum_add_scaled(sum, &parts, aligned);
}

void od_decimal_sum_combine(struct od_decimal_sum *sum, const struct od_decimal_sum *other)
{
    words_add(sum->words, 5, other->words, 5, false);
    sum->scale_max = other->scale_max > sum->scale_max ? other->scale_max : sum->scale_max;
    sum->count += other->count;
}

static struct od_wide sum_magnitude(const struct od_decimal_sum *sum, bool *is_negative_out)
{
    uint64_t words[5] = {0};
    *is_negative_out = (int64_t)sum->words[4] < 0;
    words_add(words, 5, sum->words, 5, *is_negative_out);
    return od_wide_from_words(words, 5);
}

/* The magnitude at the sum's own scale instead of SUM_SCALE: exact, no value has more digits. */
static struct operand sum_operand(const struct od_decimal_sum *sum, bool *is_negative_out)
{
    struct od_wide magnitude = sum_magnitude(sum, is_negative_out);
    struct od_wide power = od_wide_power_of_10(SUM_SCALE - (uint32_t)sum->scale_max);
    return (struct operand){od_wide_divide(&magnitude, &power, NULL), (uint32_t)sum->scale_max};
}

bool od_decimal_sum_total(const struct od_decimal_sum *sum, struct od_decimal *result_out)
{
    bool is_negative;
    struct operand total = sum_operand(sum, &is_negative);
    return pack_wide(is_negative, total.magnitude, total.scale, result_out);
}

static uint32_t operand_quotient_scale(const struct operand *a, const struct operand *b)
{
    return quotient_scale(leading_group_wide(a), leading_group_wide(b), a->scale, b->scale);
}

bool od_decimal_sum_average(const struct od_decimal_sum *sum, struct od_decimal *result_out)
{
    od_assert(sum->count > 0);
    bool is_negative;
    struct operand total = sum_operand(sum, &is_negative);
    struct operand count = {od_wide_from_u128(sum->count), 0};
    return divide_wide(is_negative, &total, &count, operand_quotient_scale(&total, &count), result_out);
}

void od_decimal_moments_add(struct od_decimal_moments *moments, const struct od_decimal *decimal)
{
    struct parts parts = parts_of(decimal);
    uint64_t aligned[4];
    sum_add_scaled(&moments->sum, &parts, aligned);
    struct od_wide value = od_wide_from_words(aligned, 4);
    struct od_wide square = od_wide_multiply(&value, &value);
    uint64_t words[8];
    for (size_t i = 0; i < 8; i++)
        words[i] = (uint64_t)square.limbs[2 * i + 1] << 32 | square.limbs[2 * i];
    words_add(moments->squares, 9, words, 8, false);
}

void od_decimal_moments_combine(struct od_decimal_moments *moments, const struct od_decimal_moments *other)
{
    od_decimal_sum_combine(&moments->sum, &other->sum);
    words_add(moments->squares, 9, other->squares, 9, false);
}

/* numeric_stddev_internal of numeric.c: (n * sum(x^2) - sum(x)^2) / (n * (n - 1)), exact until the division. */
bool od_decimal_moments_spread(const struct od_decimal_moments *moments, struct od_spread spread,
                               struct od_decimal *result_out)
{
    const struct od_decimal_sum *sum = &moments->sum;
    uint64_t others = spread.of_population ? sum->count : sum->count - 1;
    od_assert(sum->count > 0);
    od_assert(others > 0);
    bool is_negative;
    struct od_wide count = od_wide_from_u128(sum->count);
    struct od_wide total = sum_magnitude(sum, &is_negative);
    struct od_wide squares = od_wide_from_words(moments->squares, 9);
    struct od_wide left = od_wide_multiply(&count, &squares);
    struct od_wide right = od_wide_multiply(&total, &total);
    od_assert(od_wide_compare(&left, &right) >= 0); /* Cauchy and Schwarz */
    struct od_wide above = od_wide_subtract(&left, &right);
    if (above.count == 0) {
        *result_out = od_decimal_from_int64(0);
        return true;
    }
    struct od_wide power = od_wide_power_of_10(2 * (SUM_SCALE - (uint32_t)sum->scale_max));
    struct operand dividend = {od_wide_divide(&above, &power, NULL), 2 * (uint32_t)sum->scale_max};
    struct operand divisor = {od_wide_from_u128((u128)sum->count * others), 0};
    uint32_t scale = operand_quotient_scale(&dividend, &divisor);
    if (!spread.takes_root)
        return divide_wide(false, &dividend, &divisor, scale, result_out);
    struct operand variance = quotient_of(&dividend, &divisor, scale, 3 * DIGITS_MAX);
    return root_of(&variance, scale, result_out);
}
