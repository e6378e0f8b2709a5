/* random: xoshiro256** streams.
 *
 * The state is filled by splitmix64 from (seed, name), as the authors of xoshiro advise; equal names and
 * seeds give equal streams, different names unrelated ones. Numbers below a bound come from Lemire's
 * multiply-and-reject method ("Fast random integer generation in an interval", 2019), so there is no bias and
 * rarely a second draw. */
#include "engine/core/random.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/hash.h"

static uint64_t rotate_left(uint64_t value, unsigned count)
{
    return (value << count) | (value >> (64 - count));
}

uint64_t od_stream_next(struct od_stream *stream)
{
    uint64_t *state = stream->state;
    uint64_t result = rotate_left(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate_left(state[3], 45);
    stream->draw_count++;
    return result;
}

static uint64_t stream_below(void *self, uint64_t bound)
{
    struct od_stream *stream = self;
    od_assert(bound >= 1);
    unsigned __int128 product = (unsigned __int128)od_stream_next(stream) * bound;
    if ((uint64_t)product < bound) {
        uint64_t biased_below = (0 - bound) % bound;
        while ((uint64_t)product < biased_below)
            product = (unsigned __int128)od_stream_next(stream) * bound;
    }
    return (uint64_t)(product >> 64);
}

static const struct od_random_ops stream_ops = {.below = stream_below};

void od_stream_init(struct od_stream *stream, uint64_t seed, const char *name)
{
    *stream = (struct od_stream){.random = {.ops = &stream_ops, .self = stream}};
    uint64_t position = od_mix_two(seed, od_hash_bytes(name, strlen(name), 0));
    for (int i = 0; i < 4; i++) {
        position += UINT64_C(0x9e3779b97f4a7c15);
        stream->state[i] = od_mix(position);
    }
}
