/* wide: schoolbook arithmetic on 32-bit limbs, in 64-bit steps.
 *
 * Division is Knuth's algorithm D (The Art of Computer Programming, volume 2, 4.3.1): both numbers are shifted until the
 * divisor's top bit is set; then a quotient limb guessed from two limbs of the dividend is at most two too large, the
 * second limb of the divisor finds nearly all of those, and adding the divisor back mends the rest. */
#include "engine/data/wide.h"

#include <string.h>

#include "engine/core/assert.h"

typedef unsigned __int128 u128;

static void trim(struct od_wide *wide, uint32_t count)
{
    while (count > 0 && wide->limbs[count - 1] == 0)
        count--;
    wide->count = count;
}

struct od_wide od_wide_from_words(const uint64_t *words, size_t word_count)
{
    od_assert(word_count * 2 <= OD_WIDE_LIMBS);
    struct od_wide wide = {0};
    for (size_t i = 0; i < word_count; i++) {
        wide.limbs[2 * i] = (uint32_t)words[i];
        wide.limbs[2 * i + 1] = (uint32_t)(words[i] >> 32);
    }
    trim(&wide, (uint32_t)word_count * 2);
    return wide;
}

struct od_wide od_wide_from_u128(u128 number)
{
    uint64_t words[2] = {(uint64_t)number, (uint64_t)(number >> 64)};
    return od_wide_from_words(words, 2);
}

bool od_wide_to_u128(const struct od_wide *wide, u128 *number_out)
{
    *number_out = 0;
    for (uint32_t i = wide->count; i-- > 0 && wide->count <= 4;)
        *number_out = *number_out << 32 | wide->limbs[i];
    return wide->count <= 4;
}

int od_wide_compare(const struct od_wide *left, const struct od_wide *right)
{
    if (left->count != right->count)
        return left->count < right->count ? -1 : 1;
    for (uint32_t i = left->count; i-- > 0;) {
        if (left->limbs[i] != right->limbs[i])
            return left->limbs[i] < right->limbs[i] ? -1 : 1;
    }
    return 0;
}

struct od_wide od_wide_add(const struct od_wide *left, const struct od_wide *right)
{
    struct od_wide sum = {0};
    uint32_t count = left->count > right->count ? left->count : right->count;
    od_assert(count < OD_WIDE_LIMBS);
    uint64_t carry = 0;
    for (uint32_t i = 0; i <= count; i++, carry >>= 32) {
        carry += (uint64_t)left->limbs[i] + right->limbs[i];
        sum.limbs[i] = (uint32_t)carry;
    }
    trim(&sum, count + 1);
    return sum;
}

struct od_wide od_wide_subtract(const struct od_wide *left, const struct od_wide *right)
{
    od_assert(od_wide_compare(left, right) >= 0);
    struct od_wide difference = {0};
    int64_t borrow = 0;
    for (uint32_t i = 0; i < left->count; i++, borrow >>= 32) {
        borrow += (int64_t)left->limbs[i] - right->limbs[i];
        difference.limbs[i] = (uint32_t)borrow;
    }
    trim(&difference, left->count);
    return difference;
}

struct od_wide od_wide_multiply(const struct od_wide *left, const struct od_wide *right)
{
    od_assert(left->count + right->count <= OD_WIDE_LIMBS);
    struct od_wide product = {0};
    for (uint32_t i = 0; i < left->count; i++) {
        uint64_t carry = 0;
        for (uint32_t k = 0; k < right->count; k++, carry >>= 32) {
            carry += (uint64_t)left->limbs[i] * right->limbs[k] + product.limbs[i + k];
            product.limbs[i + k] = (uint32_t)carry;
        }
        product.limbs[i + right->count] = (uint32_t)carry;
    }
    trim(&product, left->count + right->count);
    return product;
}

struct od_wide od_wide_power_of_10(uint32_t exponent)
{
    struct od_wide power = od_wide_from_u128(1);
    while (exponent > 0) {
        uint32_t step = exponent < 19 ? exponent : 19; /* 10^19 fits into 64 bits */
        uint64_t factor = 1;
        for (uint32_t i = 0; i < step; i++)
            factor *= 10;
        struct od_wide wide_factor = od_wide_from_u128(factor);
        power = od_wide_multiply(&power, &wide_factor);
        exponent -= step;
    }
    return power;
}

/* --- division --------------------------------------------------------------------------------------------------- */

static struct od_wide shift_left(const struct od_wide *wide, unsigned bits)
{
    struct od_wide shifted = {0};
    uint64_t carry = 0;
    od_assert(wide->count < OD_WIDE_LIMBS);
    for (uint32_t i = 0; i <= wide->count; i++, carry >>= 32) {
        carry |= (uint64_t)wide->limbs[i] << bits;
        shifted.limbs[i] = (uint32_t)carry;
    }
    trim(&shifted, wide->count + 1);
    return shifted;
}

static void shift_right(struct od_wide *wide, unsigned bits)
{
    for (uint32_t i = 0; i < wide->count; i++) {
        uint64_t above = i + 1 < wide->count ? wide->limbs[i + 1] : 0;
        wide->limbs[i] = (uint32_t)((above << 32 | wide->limbs[i]) >> bits);
    }
    trim(wide, wide->count);
}

/* The quotient limb for which `rest`, from limb `at` on, keeps less than the divisor; takes its multiple off. */
static uint32_t quotient_limb(uint32_t *rest, uint32_t at, const struct od_wide *divisor)
{
    uint32_t n = divisor->count;
    uint64_t top = (uint64_t)rest[at + n] << 32 | rest[at + n - 1];
    uint64_t guess = top / divisor->limbs[n - 1];
    uint64_t left = top % divisor->limbs[n - 1];
    while (guess >> 32 != 0 || (n > 1 && guess * divisor->limbs[n - 2] > (left << 32 | rest[at + n - 2]))) {
        guess--;
        left += divisor->limbs[n - 1];
        if (left >> 32 != 0)
            break;
    }
    int64_t borrow = 0;
    uint64_t carry = 0;
    for (uint32_t i = 0; i <= n; i++, borrow >>= 32, carry >>= 32) {
        carry += i < n ? guess * divisor->limbs[i] : 0;
        borrow += (int64_t)rest[at + i] - (uint32_t)carry;
        rest[at + i] = (uint32_t)borrow;
    }
    if (borrow == 0)
        return (uint32_t)guess;
    carry = 0;
    for (uint32_t i = 0; i <= n; i++, carry >>= 32) {
        carry += (uint64_t)rest[at + i] + (i < n ? divisor->limbs[i] : 0);
        rest[at + i] = (uint32_t)carry;
    }
    return (uint32_t)guess - 1;
}

struct od_wide od_wide_divide(const struct od_wide *dividend, const struct od_wide *divisor,
                              struct od_wide *remainder_out)
{
    od_assert(divisor->count > 0);
    struct od_wide quotient = {0};
    struct od_wide rest = *dividend;
    if (od_wide_compare(dividend, divisor) >= 0) {
        unsigned shift = (unsigned)__builtin_clz(divisor->limbs[divisor->count - 1]);
        struct od_wide shifted = shift_left(divisor, shift);
        rest = shift_left(dividend, shift);
        uint32_t count = dividend->count - divisor->count + 1;
        for (uint32_t at = count; at-- > 0;)
            quotient.limbs[at] = quotient_limb(rest.limbs, at, &shifted);
        trim(&quotient, count);
        trim(&rest, divisor->count);
        shift_right(&rest, shift);
    }
    if (remainder_out != NULL)
        *remainder_out = rest;
    return quotient;
}

/* Newton's iteration from above falls until it stands on the root. */
struct od_wide od_wide_sqrt(const struct od_wide *wide)
{
    struct od_wide root = {0};
    if (wide->count == 0)
        return root;
    uint32_t limb = (wide->count + 1) / 2; /* 2^(32 limb) is above the root */
    root.limbs[limb] = 1;
    root.count = limb + 1;
    for (;;) {
        struct od_wide quotient = od_wide_divide(wide, &root, NULL);
        struct od_wide next = od_wide_add(&root, &quotient);
        shift_right(&next, 1);
        if (od_wide_compare(&next, &root) >= 0)
            return root;
        root = next;
    }
}

uint32_t od_wide_digits(const struct od_wide *wide)
{
    if (wide->count == 0)
        return 0;
    uint32_t bits = wide->count * 32 - (uint32_t)__builtin_clz(wide->limbs[wide->count - 1]);
    uint32_t digits = bits * 30103 / 100000; /* log10(2): this many, or one more */
    struct od_wide power = od_wide_power_of_10(digits);
    return digits + (od_wide_compare(wide, &power) >= 0);
}
