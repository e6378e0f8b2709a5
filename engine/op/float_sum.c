/* float_sum: a superaccumulator: one very wide fixed-point number, of which only the part in use is kept.
 *
 *   a double  = m * 2^shift * 2^-1074,  0 <= m < 2^53,  0 <= shift <= 2045; a product: 0 <= m < 2^106, * 2^-2148
 *   the sum   = (limb[0] + limb[1] * 2^32 + ... + limb[135] * 2^(32*135)) * 2^-2176
 *
 *        limb 135                   limb k+2  limb k+1  limb k               limb 0
 *        [      ]  ...              [ m high | m mid  | m low ]     ...      [      ]
 *
 * Each limb is a signed 64-bit integer of which a number touches 32 bits, so 2^30 numbers can be added before
 * anything has to be carried (U. Kulisch, "Computer Arithmetic and Validity", ch. 8; R. Neal, "Fast exact
 * summation using small and large superaccumulators", 2015). Integers are added, hence the order of the
 * numbers cannot matter.
 *
 * Limbs live in a window of five that starts where the first number needs it, moves while unused limbs allow,
 * and is exchanged for all 136 when numbers lie further apart. Which of the two holds a sum is not visible in
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
#define EXPONENT_MIN  (-2176) /* weight of bit 0: a multiple of LIMB_BITS */
#define DOUBLE_BIT    (-1074 - EXPONENT_MIN) /* the lowest bit of doubles */
#define PRODUCT_BIT   (-2148 - EXPONENT_MIN)
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

/* Doubles cannot get there, only limbs that somebody made up. */
static enum od_status too_large(struct od_error *error)
{
    return od_fail(error, OD_CORRUPT, "summing doubles: a total beyond 2^64 doubles");
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
        if (is_last && i + 1 == OD_FLOAT_SUM_LARGE)
            return too_large(error);
        if (is_last)
            OD_TRY(make_room(sum, memory, i, i + 2, error));
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

static enum od_status add_bits(struct od_float_sum *sum, struct od_memory *memory, uint64_t mantissa, uint32_t bit,
                               bool is_negative, struct od_error *error)
{
    uint32_t limb = bit / LIMB_BITS;
    unsigned __int128 wide = (unsigned __int128)mantissa << (bit % LIMB_BITS);
    if (mantissa == 0)
        return OD_OK;
    if (limb < sum->used_first || limb + NUMBER_LIMBS > sum->used_end)
        OD_TRY(make_room(sum, memory, limb, limb + NUMBER_LIMBS, error));
    int64_t *limbs = limb_at(sum, limb);
    for (uint32_t i = 0; i < NUMBER_LIMBS; i++, wide >>= LIMB_BITS) {
        int64_t part = (int64_t)((uint64_t)wide & LIMB_MASK);
        limbs[i] += is_negative ? -part : part;
    }
    return count_addition(sum, memory, error);
}

/* |number| = mantissa * 2^(shift - 1074); false for infinities and NaN. */
static bool take_apart(double number, uint64_t *mantissa_out, uint32_t *shift_out)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    uint32_t exponent = (uint32_t)(bits >> 52) & 0x7ff;
    *mantissa_out = (bits & ((UINT64_C(1) << 52) - 1)) | (uint64_t)(exponent != 0) << 52;
    *shift_out = exponent == 0 ? 0 : exponent - 1;
    return exponent != 0x7ff;
}

enum od_status od_float_sum_add(struct od_float_sum *sum, struct od_memory *memory, double number,
                                struct od_error *error)
{
    uint64_t mantissa;
    uint32_t shift;
    bool is_negative = signbit(number);
    if (!take_apart(number, &mantissa, &shift)) {
        sum->flags |= isnan(number) ? SUM_HAS_NAN : is_negative ? SUM_HAS_MINUS : SUM_HAS_PLUS;
        return OD_OK;
    }
    if (mantissa != 0 || !is_negative)
        sum->flags |= SUM_HAS_OTHER;
    return add_bits(sum, memory, mantissa, shift + DOUBLE_BIT, is_negative, error);
}

enum od_status od_float_sum_add_product(struct od_float_sum *sum, struct od_memory *memory, double left,
                                        double right, struct od_error *error)
{
    uint64_t left_mantissa;
    uint64_t right_mantissa;
    uint32_t left_shift;
    uint32_t right_shift;
    bool is_negative = signbit(left) != signbit(right);
    if (!take_apart(left, &left_mantissa, &left_shift) || !take_apart(right, &right_mantissa, &right_shift)) {
        sum->flags |= SUM_HAS_NAN;
        return OD_OK;
    }
    sum->flags |= SUM_HAS_OTHER;
    unsigned __int128 mantissa = (unsigned __int128)left_mantissa * right_mantissa;
    uint32_t bit = left_shift + right_shift + PRODUCT_BIT;
    OD_TRY(add_bits(sum, memory, (uint64_t)mantissa, bit, is_negative, error));
    return add_bits(sum, memory, (uint64_t)(mantissa >> 64), bit + 64, is_negative, error);
}

enum od_status od_float_sum_combine(struct od_float_sum *sum, struct od_memory *memory,
                                    const struct od_float_sum *other, struct od_error *error)
{
    sum->flags |= other->flags;
    if (other->used_end == 0)
        return OD_OK;
    OD_TRY(make_room(sum, memory, other->used_first, other->used_end, error));
    for (uint32_t i = other->used_first; i < other->used_end; i++)
        *limb_at(sum, i) += other->large != NULL ? other->large[i] : other->small[i - other->first];
    sum->added_count += other->added_count;
    return count_addition(sum, memory, error);
}

/* --- canonical form ------------------------------------------------------------------------------------- */

#define LIMBS_MAX (2 * OD_FLOAT_SUM_LARGE + 4) /* of products and counts, with their carries */
#define CARRY_LIMBS 4                          /* what 128 bits can carry beyond the uppermost limb */

struct magnitude {
    bool is_negative;
    uint32_t first; /* limb index of limbs[0] */
    uint32_t count; /* 0: zero; else the outermost limbs are not 0 */
    uint32_t limbs[LIMBS_MAX];
};

/* Of `count` signed limbs, from limb `first` on: carried, and where that ends below zero once more with the signs turned round;
 * without zero limbs at either end. */
static void make_canonical(const __int128 *limbs, uint32_t first, uint32_t count, struct magnitude *magnitude)
{
    uint32_t low = 0;
    __int128 carried = -1;
    magnitude->is_negative = true;
    while (carried < 0) {
        carried = 0;
        magnitude->is_negative = !magnitude->is_negative;
        for (uint32_t i = 0; i < count + CARRY_LIMBS; i++) {
            if (i < count)
                carried += magnitude->is_negative ? -limbs[i] : limbs[i];
            magnitude->limbs[i] = (uint32_t)(carried & LIMB_MASK);
            carried = (carried - magnitude->limbs[i]) / LIMB_BASE;
        }
    }
    for (count += CARRY_LIMBS; count > 0 && magnitude->limbs[count - 1] == 0;)
        count--;
    while (low < count && magnitude->limbs[low] == 0)
        low++;
    magnitude->first = first + low;
    magnitude->count = count - low;
    memmove(magnitude->limbs, magnitude->limbs + low, magnitude->count * sizeof(magnitude->limbs[0]));
}

static enum od_status to_magnitude(const struct od_float_sum *sum, struct magnitude *magnitude, struct od_error *error)
{
    __int128 limbs[OD_FLOAT_SUM_LARGE];
    uint32_t count = (uint32_t)sum->used_end - sum->used_first;
    for (uint32_t i = 0; i < count; i++)
        limbs[i] = sum->large != NULL ? sum->large[sum->used_first + i] : sum->small[sum->used_first - sum->first + i];
    make_canonical(limbs, sum->used_first, count, magnitude);
    if (magnitude->count > 0 && magnitude->first + magnitude->count > OD_FLOAT_SUM_LARGE)
        return too_large(error);
    return OD_OK;
}

/* One infinity, both or a NaN hide everything else. */
static uint8_t canonical_flags(uint8_t flags)
{
    if ((flags & SUM_HAS_NAN) != 0 || (flags & SUM_SPECIAL) == (SUM_HAS_PLUS | SUM_HAS_MINUS))
        return SUM_HAS_NAN;
    return (flags & SUM_SPECIAL) != 0 ? flags & SUM_SPECIAL : flags;
}

enum od_status od_float_sum_encode(const struct od_float_sum *sum, uint8_t *bytes, uint32_t *size_out,
                                   struct od_error *error)
{
    struct magnitude magnitude = {.count = 0};
    uint8_t flags = canonical_flags(sum->flags);
    *size_out = 0;
    if ((flags & SUM_SPECIAL) == 0)
        OD_TRY(to_magnitude(sum, &magnitude, error));
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
    OD_TRY(make_room(sum, memory, first, first + count, error));
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

/* The uppermost 53 bits, rounded half to even, but none below `floor`; *lowest_out is the place of the lowest. */
static double round_magnitude(const struct magnitude *magnitude, uint32_t floor, uint32_t *lowest_out)
{
    uint32_t last = magnitude->first + magnitude->count - 1;
    uint32_t top = last * LIMB_BITS + 31 - (uint32_t)__builtin_clz(magnitude->limbs[magnitude->count - 1]);
    uint32_t lowest = top < floor + (MANTISSA_BITS - 1) ? floor : top - (MANTISSA_BITS - 1);
    uint64_t mantissa = 0;
    for (uint32_t bit = top + 1; bit-- > lowest;)
        mantissa = mantissa << 1 | magnitude_bit(magnitude, bit);
    if (lowest > 0 && magnitude_bit(magnitude, lowest - 1))
        mantissa += (mantissa & 1) != 0 || magnitude_sticky(magnitude, lowest - 1);
    *lowest_out = lowest;
    return magnitude->is_negative ? -(double)mantissa : (double)mantissa;
}

enum od_status od_float_sum_round(const struct od_float_sum *sum, double *number_out, struct od_error *error)
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
    OD_TRY(to_magnitude(sum, &magnitude, error));
    if (magnitude.count == 0) {
        *number_out = (flags & SUM_HAS_OTHER) == 0 ? -0.0 : 0.0;
        return OD_OK;
    }
    uint32_t lowest;
    double mantissa = round_magnitude(&magnitude, DOUBLE_BIT, &lowest);
    *number_out = ldexp(mantissa, (int)lowest + EXPONENT_MIN);
    return isinf(*number_out) ? od_fail(error, OD_EVALUATION, "value out of range: overflow") : OD_OK;
}

/* --- centred sums --------------------------------------------------------------------------------------- */

/* limbs += left * right, or -=, by the rows of the schoolbook. */
static void add_product(__int128 *limbs, const struct magnitude *left, const struct magnitude *right, bool subtracts)
{
    bool is_negative = (left->is_negative != right->is_negative) != subtracts;
    for (uint32_t i = 0; i < left->count; i++) {
        for (uint32_t k = 0; k < right->count; k++) {
            __int128 product = (__int128)((uint64_t)left->limbs[i] * right->limbs[k]);
            limbs[left->first + i + right->first + k] += is_negative ? -product : product;
        }
    }
}

enum od_status od_float_sum_centred(const struct od_float_sum *products, const struct od_float_sum *x,
                                    const struct od_float_sum *y, uint64_t count, double *number_out,
                                    struct od_error *error)
{
    struct magnitude sums[3];
    struct magnitude factor;
    struct magnitude difference;
    __int128 limbs[LIMBS_MAX] = {0};
    const __int128 counted[1] = {count};
    uint32_t lowest;
    *number_out = (double)NAN;
    if (((products->flags | x->flags | y->flags) & SUM_SPECIAL) != 0)
        return OD_OK;
    OD_TRY(to_magnitude(products, &sums[0], error));
    OD_TRY(to_magnitude(x, &sums[1], error));
    OD_TRY(to_magnitude(y, &sums[2], error));
    /* In units of products: those of x and y have 2 * EXPONENT_MIN, so what is scaled starts as many limbs higher. */
    make_canonical(counted, -EXPONENT_MIN / LIMB_BITS, 1, &factor);
    add_product(limbs, &factor, &sums[0], false);
    add_product(limbs, &sums[1], &sums[2], true);
    make_canonical(limbs, 0, LIMBS_MAX - CARRY_LIMBS, &difference);
    *number_out = 0;
    if (difference.count == 0)
        return OD_OK;
    double mantissa = round_magnitude(&difference, 0, &lowest);
    *number_out = ldexp(mantissa / (double)count, (int)lowest + 2 * EXPONENT_MIN);
    return isinf(*number_out) ? od_fail(error, OD_EVALUATION, "value out of range: overflow") : OD_OK;
}
