/* posix_clock: monotonic time and the seed for users who give none. */
#include "engine/world/posix.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "engine/core/assert.h"

static uint64_t posix_now_ns(void *self)
{
    (void)self;
    struct timespec now;
    int result = clock_gettime(CLOCK_MONOTONIC, &now);
    od_assert(result == 0);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

struct od_clock od_posix_clock(void)
{
    return (struct od_clock){.now_ns = posix_now_ns, .self = NULL};
}

uint64_t od_posix_seed(void)
{
    uint64_t seed = 0;
    ssize_t got;
    do {
        got = getrandom(&seed, sizeof(seed), 0);
    } while (got < 0 && errno == EINTR);
    od_assert(got == (ssize_t)sizeof(seed));
    return seed;
}
