/* float_sum: the exact sum of doubles and of products of doubles, rounded once, whatever the order in which they came.
 *
 * Zeroed memory is an empty sum. One sum has 56 bytes; a sum whose numbers lie too far apart (more than about
 * 2^107 between the largest and the smallest bit) takes one further block, which od_float_sum_release gives
 * back.
 *
 * Values: NaN, or both infinities: NaN. One infinity: that. Otherwise the exact total, rounded half to even;
 * a total that rounds beyond the largest double fails. A zero total is -0.0 only when every number was -0.0
 * (also when there was none). */
#ifndef OD_OP_FLOAT_SUM_H
#define OD_OP_FLOAT_SUM_H

#include "engine/core/memory.h"
#include "engine/core/status.h"

#define OD_FLOAT_SUM_SMALL 5  /* limbs without a further block */
#define OD_FLOAT_SUM_LARGE 136 /* limbs of all products, and 2^64 of them */
/* flags, first limb, limb count, limbs of 4 bytes */
#define OD_FLOAT_SUM_BYTES_MAX (3 + 4 * OD_FLOAT_SUM_LARGE)

struct od_float_sum {
    int64_t small[OD_FLOAT_SUM_SMALL];
    int64_t *large;       /* owned; NULL: `small` is in use */
    uint32_t added_count; /* since the last carry */
    uint8_t flags;
    uint8_t first;      /* small: which limb small[0] is */
    uint8_t used_first; /* limbs that may not be zero, absolute; none: used_end == 0 */
    uint8_t used_end;
};

void od_float_sum_release(struct od_float_sum *sum, struct od_memory *memory);
/* NO_MEMORY; the sum may then only be released. */
enum od_status od_float_sum_add(struct od_float_sum *sum, struct od_memory *memory, double number,
                                struct od_error *error);
/* Adds left * right, of which nothing is lost; NaN when one of them is no finite number. */
enum od_status od_float_sum_add_product(struct od_float_sum *sum, struct od_memory *memory, double left,
                                        double right, struct od_error *error);
/* Adds all that `other` has added. NO_MEMORY as above. */
enum od_status od_float_sum_combine(struct od_float_sum *sum, struct od_memory *memory,
                                    const struct od_float_sum *other, struct od_error *error);
/* Writes the canonical form, at most OD_FLOAT_SUM_BYTES_MAX bytes, and returns how many: equal totals of
 * equal kind (see above) have equal bytes. CORRUPT for limbs that somebody made up. */
enum od_status od_float_sum_encode(const struct od_float_sum *sum, uint8_t *bytes, uint32_t *size_out,
                                   struct od_error *error);
/* How many of these bytes an encoded sum at their beginning takes (which may be none: od_float_sum_add_encoded sees). */
static inline uint32_t od_float_sum_encoded_bytes(const uint8_t *bytes, uint32_t size)
{
    uint32_t needed = size < 3 ? size : 3 + 4u * bytes[2];
    return needed < size ? needed : size;
}
/* Adds an encoded sum. CORRUPT when the bytes are not what od_float_sum_encode writes; limbs that are well
 * formed but more than any doubles add up to are CORRUPT where they are carried, here or in a later call. */
enum od_status od_float_sum_add_encoded(struct od_float_sum *sum, struct od_memory *memory,
                                        const uint8_t *bytes, uint32_t size, struct od_error *error);
/* The value. EVALUATION when finite numbers have a total beyond all doubles; CORRUPT as above. */
enum od_status od_float_sum_round(const struct od_float_sum *sum, double *number_out, struct od_error *error);
/* sum((x - mean x) * (y - mean y)) = (count * products - x * y) / count, exact until it is divided; NaN when a number was none.
 * `x` and `y` may be the same. Errors as above. */
enum od_status od_float_sum_centred(const struct od_float_sum *products, const struct od_float_sum *x,
                                    const struct od_float_sum *y, uint64_t count, double *number_out,
                                    struct od_error *error);

#endif
