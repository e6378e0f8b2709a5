/* hash: XXH3 behind our own names, so that nothing else includes xxhash.h and a change of algorithm is a
 * change here.
 *
 * The values are frozen: they decide partitions and are stored as checksums. random_test.c pins some. */
#include "engine/core/hash.h"

#include <xxhash.h>

uint64_t od_hash_bytes(const void *bytes, size_t size, uint64_t seed)
{
    /* XXH3 reads nothing of an empty input but declares its pointer non-null in some builds. */
    return XXH3_64bits_withSeed(size == 0 ? "" : bytes, size, seed);
}

struct od_hash128 od_hash128_bytes(const void *bytes, size_t size, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(size == 0 ? "" : bytes, size, seed);
    return (struct od_hash128){.low = hash.low64, .high = hash.high64};
}
