/* random: draws as an interface, and seeded streams behind it.
 *
 * A draw may come from a generator (campaigns), from a choice sequence (replay, fuzzing) or from an
 * enumerator: users see only `struct od_random`. Streams with different names are independent, so a change in
 * one leaves the others' draws.
 * Generator: xoshiro256** (Blackman, Vigna, "Scrambled linear pseudorandom number generators", 2019). */
#ifndef OD_CORE_RANDOM_H
#define OD_CORE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct od_random_ops {
    /* A number in [0, bound); bound >= 1. */
    uint64_t (*below)(void *self, uint64_t bound);
    /* What is drawn between the two belongs together: told to a recorder, for a shrinker. Both NULL: nobody
     * listens. */
    void (*begin)(void *self, const char *label);
    void (*end)(void *self);
    /* The last draw was taken for `value`, below its bound: a recorder shall note that instead. NULL: nobody listens. */
    void (*settle)(void *self, uint64_t value);
};
struct od_random {
    const struct od_random_ops *ops;
    void *self;
};

static inline uint64_t od_random_below(struct od_random *random, uint64_t bound)
{
    return random->ops->below(random->self, bound);
}
static inline void od_random_begin(struct od_random *random, const char *label)
{
    if (random->ops->begin != NULL)
        random->ops->begin(random->self, label);
}
static inline void od_random_end(struct od_random *random)
{
    if (random->ops->end != NULL)
        random->ops->end(random->self);
}
/* For a draw that means another one in its place (a choice that is ruled out by an earlier draw): recorded as what it means, it stays
 * that when the earlier draw gets plainer. */
static inline void od_random_settle(struct od_random *random, uint64_t value)
{
    if (random->ops->settle != NULL)
        random->ops->settle(random->self, value);
}
/* In [first, last], both included. */
static inline int64_t od_random_between(struct od_random *random, int64_t first, int64_t last)
{
    uint64_t count = (uint64_t)last - (uint64_t)first + 1;
    uint64_t offset;
    if (count != 0) {
        offset = od_random_below(random, count);
    } else { /* all 2^64 numbers */
        offset = od_random_below(random, UINT64_C(1) << 32) << 32;
        offset |= od_random_below(random, UINT64_C(1) << 32);
    }
    return (int64_t)((uint64_t)first + offset);
}
/* True `part` times in `whole`. 0 is always "false", so that the shrinker's smallest choice is the plain
 * one. */
static inline bool od_random_chance(struct od_random *random, uint32_t part, uint32_t whole)
{
    return od_random_below(random, whole) >= whole - part;
}

struct od_stream {
    struct od_random random; /* pass &stream->random on; self points here, so a stream must not be moved */
    uint64_t state[4];
    uint64_t draw_count;
};
/* Equal (seed, name) give equal draws. */
void od_stream_init(struct od_stream *stream, uint64_t seed, const char *name);
uint64_t od_stream_next(struct od_stream *stream);

#endif
