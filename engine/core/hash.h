/* hash: xxh3 for bytes, a mixer for integers, and the running digest. Stable across runs, machines and
 * builds: these values reach partition numbers, checksums on disk and case files. Source: xxHash's XXH3
 * (xxhash.h). */
#ifndef OD_CORE_HASH_H
#define OD_CORE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct od_hash128 {
    uint64_t low;
    uint64_t high;
};

uint64_t od_hash_bytes(const void *bytes, size_t size, uint64_t seed);
struct od_hash128 od_hash128_bytes(const void *bytes, size_t size, uint64_t seed);

/* A bijective mixer (splitmix64's finaliser): Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators". */
static inline uint64_t od_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}
static inline uint64_t od_mix_two(uint64_t left, uint64_t right)
{
    return od_mix(left + UINT64_C(0x9e3779b97f4a7c15) * (right + 1));
}

/* Adds modulo 2^128: an order-free sum of row hashes (the multiset checksum of property H1). */
static inline struct od_hash128 od_hash128_add(struct od_hash128 left, struct od_hash128 right)
{
    struct od_hash128 sum = {left.low + right.low, left.high + right.high};
    sum.high += sum.low < left.low;
    return sum;
}

static inline bool od_hash128_equal(struct od_hash128 left, struct od_hash128 right)
{
    return left.low == right.low && left.high == right.high;
}

/* The running digest of all that crosses the seam, in order. */
struct od_digest {
    uint64_t value;
    uint64_t count; /* how many words were folded in */
};
static inline void od_digest_add(struct od_digest *digest, uint64_t word)
{
    digest->value = od_mix_two(digest->value, word);
    digest->count++;
}

#endif
