/* wide: whole numbers of up to 768 bits without a sign, for what of decimal.c does not fit into 128. Private to engine/data.
 *
 * Little-endian 32-bit limbs, `count` of them in use, the last of those not zero (0 has none). That results fit is the
 * caller's to know and asserted: the largest is a sum of squares times a count, 640 bits. */
#ifndef OD_DATA_WIDE_H
#define OD_DATA_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OD_WIDE_LIMBS 24
struct od_wide {
    uint32_t limbs[OD_WIDE_LIMBS];
    uint32_t count;
};

/* Of little-endian 64-bit words. */
struct od_wide od_wide_from_words(const uint64_t *words, size_t word_count);
struct od_wide od_wide_from_u128(unsigned __int128 number);
/* False when it takes more than 128 bits. */
bool od_wide_to_u128(const struct od_wide *wide, unsigned __int128 *number_out);
int od_wide_compare(const struct od_wide *left, const struct od_wide *right);
struct od_wide od_wide_add(const struct od_wide *left, const struct od_wide *right);
/* left >= right */
struct od_wide od_wide_subtract(const struct od_wide *left, const struct od_wide *right);
struct od_wide od_wide_multiply(const struct od_wide *left, const struct od_wide *right);
struct od_wide od_wide_power_of_10(uint32_t exponent);
/* divisor > 0; remainder_out may be NULL. */
struct od_wide od_wide_divide(const struct od_wide *dividend, const struct od_wide *divisor,
                              struct od_wide *remainder_out);
/* The whole part of the square root. */
struct od_wide od_wide_sqrt(const struct od_wide *wide);
/* How many decimal digits; 0 for 0. */
uint32_t od_wide_digits(const struct od_wide *wide);

#endif
