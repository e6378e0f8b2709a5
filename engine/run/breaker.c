/* breaker: see breaker.h. The window is not a sliding one: it begins with the first failure after the last has ended. */
#include "engine/run/breaker.h"

#define DOUBLINGS_MAX 6

static void open(struct od_breaker *breaker, const struct od_breaker_limits *limits, uint64_t now_ns)
{
    breaker->state = OD_BREAKER_OPEN;
    breaker->open_ns = limits->open_ns
                       << (breaker->opened_count < DOUBLINGS_MAX ? breaker->opened_count : DOUBLINGS_MAX);
    breaker->until_ns = now_ns + breaker->open_ns;
    breaker->opened_count++;
    breaker->failure_count = 0;
}

bool od_breaker_fail(struct od_breaker *breaker, const struct od_breaker_limits *limits, uint64_t now_ns)
{
    if (breaker->state == OD_BREAKER_OPEN)
        return false;
    if (breaker->failure_count == 0 || now_ns - breaker->window_began_ns > limits->window_ns) {
        breaker->failure_count = 0;
        breaker->window_began_ns = now_ns;
    }
    breaker->failure_count++;
    bool opens = breaker->state == OD_BREAKER_HALF_OPEN || breaker->failure_count >= limits->failures;
    if (opens)
        open(breaker, limits, now_ns);
    return opens;
}

bool od_breaker_succeed(struct od_breaker *breaker)
{
    bool closes = breaker->state == OD_BREAKER_HALF_OPEN;
    if (closes)
        *breaker = (struct od_breaker){.state = OD_BREAKER_CLOSED};
    return closes;
}

bool od_breaker_allows(const struct od_breaker *breaker, uint64_t now_ns)
{
    return breaker->state == OD_BREAKER_CLOSED || now_ns >= breaker->until_ns;
}

void od_breaker_probe(struct od_breaker *breaker, uint64_t now_ns)
{
    if (breaker->state == OD_BREAKER_CLOSED)
        return;
    breaker->state = OD_BREAKER_HALF_OPEN;
    breaker->until_ns = now_ns + breaker->open_ns;
}
