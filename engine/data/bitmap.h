/* bitmap: runs of bits, least significant first, as Arrow lays them out (see batch.h).
 * Bits behind the last one in use are zero, always: bitmaps reach disk and checksums byte by byte. */
#ifndef OD_DATA_BITMAP_H
#define OD_DATA_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t od_bitmap_bytes(uint32_t bit_count)
{
    return ((size_t)bit_count + 7) / 8;
}
static inline bool od_bit(const uint8_t *bitmap, uint32_t index)
{
    return (bitmap[index >> 3] >> (index & 7)) & 1;
}
/* The bit must be zero before. */
static inline void od_bitmap_put(uint8_t *bitmap, uint32_t index, bool bit)
{
    bitmap[index >> 3] |= (uint8_t)((unsigned)bit << (index & 7));
}
/* Sets bits [first, first + count), which must be zero before. */
void od_bitmap_set_run(uint8_t *bitmap, uint32_t first, uint32_t count);
/* Copies count bits to target_first, where the bits from there on must be zero. */
void od_bitmap_copy(uint8_t *target, uint32_t target_first, const uint8_t *source, uint32_t source_first,
                    uint32_t count);
/* How many of bits [first, first + count) are zero. */
uint32_t od_bitmap_count_zeros(const uint8_t *bitmap, uint32_t first, uint32_t count);

#endif
