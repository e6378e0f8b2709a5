/* float_sum: a superaccumulator: one very wide fixed-point number, of which only the part in use is kept.
 *
 *   a double = m * 2^shift * 2^-1074,  0 <= m < 2^53,  0 <= shift <= 2045
 *   the sum  = (limb[0] + limb[1] * 2^32 + ... + limb[67] * 2^(32*67)) * 2^-1074
 *
 *        limb 67                    limb k+2  limb k+1  limb k               limb 0
 *        [      ]  ...              [ m high | m mid  | m low ]     ...      [      ]
 *
 * Each limb is a signed 64-bit integer of which a number touches 32 bits, so 2^30 numbers can be added before
 * anything has to be carried (U. Kulisch, "Computer Arithmetic and Validity", ch. 8; R. Neal, "Fast exact
 * summation using small and large superaccumulators", 2015). Integers are added, hence the order of the
 * numbers cannot matter.
 *
 * Limbs live in a window of five that starts where the first number needs it, moves while unused limbs allow,
 * and is exchanged for all 68 when numbers lie further apart. Which of the two holds a sum is not visible in
 * its value or encoding.
 *
 * Canonical form: after carrying, limbs are in [0, 2^32) below and the uppermost carries the sign; taken as
 * sign and magnitude, without zero limbs at either end, that is unique. */
#include "engine/op/float_sum.h"

#include <math.h>
#include <string.h>

#include "engine/core/assert.h"

#define LIMB_BITS     32
#define LIMB_BASE     (INT64_C(1) << LIMB_BITS)
#define LIMB_MASK     (LIMB_BASE - 1)
#define CARRY_AFTER   (UINT32_C(1) << 30)
#define NUMBER_LIMBS  3
#define EXPONENT_MIN  (-1074) /* weight of bit 0 */
#define MANTISSA_BITS 53
#define HEADER_BYTES  3

enum float_sum_flag {
    SUM_HAS_NAN = 1,
    SUM_HAS_PLUS = 2,    /* an infinity */
    SUM_HAS_MINUS = 4,   /* the other one */
    SUM_HAS_OTHER = 8,   /* a number that is not -0.0 */
    SUM_IS_NEGATIVE = 16 /* in the encoding only */
};
#define SUM_SPECIAL (SUM_HAS_NAN | SUM_HAS_PLUS | SUM_HAS_MINUS)

_Static_assert(sizeof(struct od_float_sum) == 56, "small, since there is one for each group");

void od_float_sum_release(struct od_float_sum *sum, struct od_memory *memory)
{
    od_give(memory, sum->large, OD_FLOAT_SUM_LARGE * sizeof(int64_t));
    *sum = (struct od_float_sum){0};
}

/* --- the window ----------------------------------------------------------------------------------------- */

static int64_t *limb_at(struct od_float_sum *sum, uint32_t index)
{
    return sum->large != NULL ? &sum->large[index] : &sum->small[index - sum->first];
}

static enum od_status grow_large(struct od_float_sum *sum, struct od_memory *memory, struct od_error *error)
{
    int64_t *large = od_take_array(memory, OD_FLOAT_SUM_LARGE, sizeof(int64_t));
    if (large == NULL)
        return od_fail(error, OD_NO_MEMORY, "summing doubles: limbs=%d", OD_FLOAT_SUM_LARGE);
    for (uint32_t i = sum->used_first; i < sum->used_end; i++)
        large[i] = sum->small[i - sum->first];
    sum->large = large;
    return OD_OK;
}

/* Moves the used limbs of the small window so that it starts at `first`. */
static void move_window(struct od_float_sum *sum, uint32_t first)
{
    int64_t moved[OD_FLOAT_SUM_SMALL] = {0};
    for (uint32_t i = sum->used_first; i < sum->used_end; i++)
        moved[i - first] = sum->small[i - sum->first];
    memcpy(sum->small, moved, sizeof(moved));
    sum->first = (uint8_t)first;
}

/* Makes limbs [first, end) usable. */
static enum od_status make_room(struct od_float_sum *sum, struct od_memory *memory, uint32_t first,
                                uint32_t end, struct od_error *error)
{
    od_assert(end <= OD_FLOAT_SUM_LARGE);
    bool is_empty = sum->used_end == 0;
    uint32_t all_first = is_empty || first < sum->used_first ? first : sum->used_first;
    uint32_t all_end = end > sum->used_end ? end : sum->used_end;
    enum od_status status = OD_OK;
    if (sum->large == NULL && all_end - all_first > OD_FLOAT_SUM_SMALL)
        status = grow_large(sum, memory, error);
    else if (sum->large == NULL && is_empty)
        sum->first = (uint8_t)first;
    else if (sum->large == NULL && (all_first < sum->first || all_end - sum->first > OD_FLOAT_SUM_SMALL))
        move_window(sum, all_first);
    sum->used_first = (uint8_t)all_first;
    sum->used_end = (uint8_t)all_end;
    return status;
}

/* Afterwards every used limb but the uppermost is in [0, 2^32) and that one in (-2^32, 2^32): what goes
 * beyond has moved into limbs above. */
static enum od_status carry(struct od_float_sum *sum, struct od_memory *memory, struct od_error *error)
{
    sum->added_count = 0;
    for (uint32_t i = sum->used_first; i < sum->used_end; i++) {
        int64_t value = *limb_at(sum, i);
        bool is_last = i + 1 == sum->used_end;
        if (is_last && value > -LIMB_BASE && value < LIMB_BASE)
            break;
        if (is_last &&
            i + 1 == OD_FLOAT_SUM_LARGE) /* doubles cannot get there, only limbs that somebody made up */
            return od_fail(error, OD_CORRUPT, "summing doubles: a total beyond 2^64 doubles");
        if (is_last) {
            enum od_status status = make_room(sum, memory, i, i + 2, error);
            if (status != OD_OK)
                return status;
        }
        int64_t low = value & LIMB_MASK;
        *limb_at(sum, i) = low;
        *limb_at(sum, i + 1) += (value - low) / LIMB_BASE;
    }
    return OD_OK;
}

static enum od_status count_addition(struct od_float_sum *sum, struct od_memory *memory,
                                     struct od_error *error)
{
    return ++sum->added_count < CARRY_AFTER ? OD_OK : carry(sum, memory, error);
}

/* --- adding --------------------------------------------------------------------------------------------- */

static void add_limbs(struct od_float_sum *sum, uint32_t limb, unsigned __int128 wide, bool is_negative)
{
    int64_t *limbs = limb_at(sum, limb);
    int64_t low = (int64_t)((uint64_t)wide & LIMB_MASK);
    int64_t middle = (int64_t)((uint64_t)wide >> LIMB_BITS);
    int64_t high = (int64_t)(uint64_t)(wide >> 64);
    limbs[0] += is_negative ? -low : low;
    limbs[1] += is_negative ? -middle : middle;
    limbs[2] += is_negative ? -high : high;
}

enum od_status od_float_sum_add(struct od_float_sum *sum, struct od_memory *memory, double number,
                                struct od_error *error)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    bool is_negative = bits >> 63;
    uint32_t exponent = (uint32_t)(bits >> 52) & 0x7ff;
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    if (exponent == 0x7ff) {
        sum->flags |= mantissa != 0 ? SUM_HAS_NAN : is_negative ? SUM_HAS_MINUS : SUM_HAS_PLUS;
        return OD_OK;
    }
    if (bits != UINT64_C(1) << 63)
        sum->flags |= SUM_HAS_OTHER;
    if (exponent == 0 && mantissa == 0)
        return OD_OK;
    uint32_t shift = exponent == 0 ? 0 : exponent - 1;
    mantissa |= exponent == 0 ? 0 : UINT64_C(1) << 52;
    uint32_t limb = shift / LIMB_BITS;
    if (limb < sum->used_first || limb + NUMBER_LIMBS > sum->used_end) {
        enum od_status status = make_room(sum, memory, limb, limb + NUMBER_LIMBS, error);
        if (status != OD_OK)
            return status;
    }
    add_limbs(sum, limb, (unsigned __int128)mantissa << (shift % LIMB_BITS), is_negative);
    return count_addition(sum, memory, error);
}

/* --- canonical form ------------------------------------------------------------------------------------- */

struct magnitude {
    bool is_negative;
    uint32_t first; /* limb index of limbs[0] */
    uint32_t count; /* 0: zero; else the outermost limbs are not 0 */
    uint32_t limbs[OD_FLOAT_SUM_LARGE];
};

/* After a carry: all limbs below the uppermost are not negative and weigh less than one of it. */
static bool is_negative_sum(struct od_float_sum *sum)
{
    return sum->used_end > 0 && *limb_at(sum, sum->used_end - 1u) < 0;
}

static enum od_status to_magnitude(struct od_float_sum *sum, struct od_memory *memory,
                                   struct magnitude *magnitude, struct od_error *error)
{
    magnitude->count = 0;
    enum od_status status = carry(sum, memory, error);
    if (status != OD_OK)
        return status;
    magnitude->is_negative = is_negative_sum(sum);
    magnitude->first = sum->used_first;
    int64_t borrow = 0;
    for (uint32_t i = sum->used_first; i < sum->used_end; i++) {
        int64_t value = *limb_at(sum, i);
        value = (magnitude->is_negative ? -value : value) + borrow;
        borrow = value < 0 ? -1 : 0;
        value -= borrow * LIMB_BASE;
        od_assert(value >= 0);
        od_assert(value < LIMB_BASE);
        if (value == 0 && magnitude->count == 0)
            magnitude->first = i + 1;
        else
            magnitude->limbs[magnitude->count++] = (uint32_t)value;
    }
    od_assert(borrow == 0);
    while (magnitude->count > 0 && magnitude->limbs[magnitude->count - 1] == 0)
        magnitude->count--;
    return OD_OK;
}

/* One infinity, both or a NaN hide everything else. */
static uint8_t canonical_flags(uint8_t flags)
{
    if ((flags & SUM_HAS_NAN) != 0 || (flags & SUM_SPECIAL) == (SUM_HAS_PLUS | SUM_HAS_MINUS))
        return SUM_HAS_NAN;
    return (flags & SUM_SPECIAL) != 0 ? flags & SUM_SPECIAL : flags;
}

enum od_status od_float_sum_encode(struct od_float_sum *sum, struct od_memory *memory, uint8_t *bytes,
                                   uint32_t *size_out, struct od_error *error)
{
    struct magnitude magnitude = {.count = 0};
    uint8_t flags = canonical_flags(sum->flags);
    *size_out = 0;
    if ((flags & SUM_SPECIAL) == 0) {
        enum od_status status = to_magnitude(sum, memory, &magnitude, error);
        if (status != OD_OK)
            return status;
    }
    if (magnitude.count > 0 && magnitude.is_negative)
        flags |= SUM_IS_NEGATIVE;
    bytes[0] = flags;
    bytes[1] = magnitude.count > 0 ? (uint8_t)magnitude.first : 0;
    bytes[2] = (uint8_t)magnitude.count;
    for (uint32_t i = 0; i < 4 * magnitude.count; i++)
        bytes[HEADER_BYTES + i] = (uint8_t)(magnitude.limbs[i / 4] >> (8 * (i % 4)));
    *size_out = HEADER_BYTES + 4 * magnitude.count;
    return OD_OK;
}

static uint32_t read_limb(const uint8_t *bytes, uint32_t index)
{
    const uint8_t *from = bytes + HEADER_BYTES + 4 * (size_t)index;
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

/* Whether od_float_sum_encode could have written this. */
static bool is_canonical(const uint8_t *bytes, uint32_t size)
{
    if (size < HEADER_BYTES || bytes[2] > OD_FLOAT_SUM_LARGE || size != HEADER_BYTES + 4u * bytes[2])
        return false;
    uint8_t flags = bytes[0];
    uint32_t count = bytes[2];
    if ((flags & SUM_SPECIAL) != 0)
        return (flags == SUM_HAS_NAN || flags == SUM_HAS_PLUS || flags == SUM_HAS_MINUS) && count == 0 &&
               bytes[1] == 0;
    if (count == 0)
        return (flags & ~SUM_HAS_OTHER) == 0 && bytes[1] == 0;
    return (flags & ~SUM_IS_NEGATIVE) == SUM_HAS_OTHER && bytes[1] + count <= OD_FLOAT_SUM_LARGE &&
           read_limb(bytes, 0) != 0 && read_limb(bytes, count - 1) != 0;
}

enum od_status od_float_sum_add_encoded(struct od_float_sum *sum, struct od_memory *memory,
                                        const uint8_t *bytes, uint32_t size, struct od_error *error)
{
    if (!is_canonical(bytes, size))
        return od_fail(error, OD_CORRUPT, "decoding a sum of doubles: bytes=%u", size);
    uint32_t first = bytes[1];
    uint32_t count = bytes[2];
    sum->flags |= bytes[0] & (SUM_SPECIAL | SUM_HAS_OTHER);
    if (count == 0)
        return OD_OK;
    enum od_status status = make_room(sum, memory, first, first + count, error);
    if (status != OD_OK)
        return status;
    for (uint32_t i = 0; i < count; i++) {
        int64_t limb = read_limb(bytes, i);
        *limb_at(sum, first + i) += (bytes[0] & SUM_IS_NEGATIVE) != 0 ? -limb : limb;
    }
    return count_addition(sum, memory, error);
}

/* --- rounding ------------------------------------------------------------------------------------------- */

static bool magnitude_bit(const struct magnitude *magnitude, uint32_t bit)
{
    uint32_t limb = bit / LIMB_BITS;
    if (limb < magnitude->first || limb >= magnitude->first + magnitude->count)
        return false;
    return (magnitude->limbs[limb - magnitude->first] >> (bit % LIMB_BITS)) & 1;
}

/* Any bit below `bit`. */
static bool magnitude_sticky(const struct magnitude *magnitude, uint32_t bit)
{
    if (bit > magnitude->first * LIMB_BITS + LIMB_BITS - 1)
        return true; /* the lowest limb is below, and not 0 */
    for (uint32_t i = magnitude->first * LIMB_BITS; i < bit; i++) {
        if (magnitude_bit(magnitude, i))
            return true;
    }
    return false;
}

/* Half to even. Below 2^-1021 the weight of bit 0 is the spacing of doubles, and nothing is lost. */
static double round_magnitude(const struct magnitude *magnitude)
{
    uint32_t last = magnitude->first + magnitude->count - 1;
    uint32_t top = last * LIMB_BITS + 31 - (uint32_t)__builtin_clz(magnitude->limbs[magnitude->count - 1]);
    uint32_t lowest = top < MANTISSA_BITS ? 0 : top - (MANTISSA_BITS - 1); /* lowest bit that is kept */
    uint64_t mantissa = 0;
    for (uint32_t bit = top + 1; bit-- > lowest;)
        mantissa = mantissa << 1 | magnitude_bit(magnitude, bit);
    if (lowest > 0 && magnitude_bit(magnitude, lowest - 1))
        mantissa += (mantissa & 1) != 0 || magnitude_sticky(magnitude, lowest - 1);
    return ldexp((double)mantissa, (int)lowest + EXPONENT_MIN);
}

enum od_status od_float_sum_round(struct od_float_sum *sum, struct od_memory *memory, double *number_out,
                                  struct od_error *error)
{
    struct magnitude magnitude;
    uint8_t flags = canonical_flags(sum->flags);
    *number_out = 0;
    if ((flags & SUM_SPECIAL) != 0) {
        *number_out = flags == SUM_HAS_NAN    ? (double)NAN
                      : flags == SUM_HAS_PLUS ? (double)INFINITY
                                              : -(double)INFINITY;
        return OD_OK;
    }
    enum od_status status = to_magnitude(sum, memory, &magnitude, error);
    if (status != OD_OK)
        return status;
    double number = magnitude.count > 0 ? round_magnitude(&magnitude) : 0;
    if (isinf(number))
        return od_fail(error, OD_EVALUATION, "value out of range: overflow");
    bool is_negative = magnitude.count > 0 ? magnitude.is_negative : (flags & SUM_HAS_OTHER) == 0;
    *number_out = is_negative ? -number : number;
    return OD_OK;
}
