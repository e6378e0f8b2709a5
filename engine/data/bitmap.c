/* bitmap: bits in bulk.
 *
 * Each function walks bit by bit to a byte border, byte by byte from there, and ends bit by bit. Where source
 * and target stand at different bits of their bytes, a target byte is put together from two source bytes. */
#include "engine/data/bitmap.h"

#include <string.h>

void od_bitmap_set_run(uint8_t *bitmap, uint32_t first, uint32_t count)
{
    for (; count > 0 && (first & 7) != 0; count--)
        od_bitmap_put(bitmap, first++, true);
    if (count >= 8)
        memset(bitmap + (first >> 3), 0xff, count >> 3);
    first += count & ~7u;
    for (count &= 7; count > 0; count--)
        od_bitmap_put(bitmap, first++, true);
}

void od_bitmap_copy(uint8_t *target, uint32_t target_first, const uint8_t *source, uint32_t source_first,
                    uint32_t count)
{
    for (; count > 0 && (target_first & 7) != 0; count--)
        od_bitmap_put(target, target_first++, od_bit(source, source_first++));
    uint32_t whole_bytes = count >> 3;
    const uint8_t *from = source + (source_first >> 3);
    uint8_t *to = target + (target_first >> 3);
    unsigned shift = source_first & 7;
    if (shift == 0) {
        if (whole_bytes > 0)
            memcpy(to, from, whole_bytes);
    } else {
        for (uint32_t i = 0; i < whole_bytes; i++)
            to[i] = (uint8_t)((from[i] >> shift) | (from[i + 1] << (8 - shift)));
    }
    target_first += whole_bytes * 8;
    source_first += whole_bytes * 8;
    for (count &= 7; count > 0; count--)
        od_bitmap_put(target, target_first++, od_bit(source, source_first++));
}

uint32_t od_bitmap_count_zeros(const uint8_t *bitmap, uint32_t first, uint32_t count)
{
    uint32_t one_count = 0;
    uint32_t left = count;
    for (; left > 0 && (first & 7) != 0; left--)
        one_count += od_bit(bitmap, first++);
    for (; left >= 64; left -= 64, first += 64) {
        uint64_t word;
        memcpy(&word, bitmap + (first >> 3), sizeof(word));
        one_count += (uint32_t)__builtin_popcountll(word);
    }
    for (; left > 0; left--)
        one_count += od_bit(bitmap, first++);
    return count - one_count;
}
