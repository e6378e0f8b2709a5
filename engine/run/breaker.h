/* breaker: whether to go on asking something that keeps failing.
 *
 *   CLOSED --- `failures` within `window` ---> OPEN --- its time is over ---> HALF_OPEN: one probe
 *     ^                                         ^ \______ twice as long ______/ |  it fails
 *     \_________________________________________|______________________________/   it succeeds
 *
 * Numbers only: whoever uses it says what a failure is, what is not asked meanwhile, and what a probe is. A zeroed breaker is
 * closed. Times are the world's. */
#ifndef OD_RUN_BREAKER_H
#define OD_RUN_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

struct od_breaker_limits {
    uint32_t failures;  /* not 0 */
    uint64_t window_ns;
    uint64_t open_ns; /* the first time */
};

struct od_breaker {
    enum { OD_BREAKER_CLOSED, OD_BREAKER_OPEN, OD_BREAKER_HALF_OPEN } state;
    uint32_t failure_count; /* since window_began_ns */
    uint32_t opened_count;  /* in a row */
    uint64_t window_began_ns;
    uint64_t until_ns; /* OPEN: the end of it; HALF_OPEN: when the probe counts as lost */
    uint64_t open_ns;  /* how long it was opened for last */
};

/* True when it opens now: for breaker->open_ns. */
bool od_breaker_fail(struct od_breaker *breaker, const struct od_breaker_limits *limits, uint64_t now_ns);
/* True when it closes now. Success while it is open is of what was asked before: it changes nothing. */
bool od_breaker_succeed(struct od_breaker *breaker);
/* May it be asked now? When it is not closed, that is a probe: say so by od_breaker_probe. */
bool od_breaker_allows(const struct od_breaker *breaker, uint64_t now_ns);
/* It is asked now. */
void od_breaker_probe(struct od_breaker *breaker, uint64_t now_ns);

#endif
