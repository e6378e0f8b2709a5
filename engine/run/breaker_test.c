/* breaker_test: a breaker by the book.
 *
 * Method: a script of (time, what happens, what it says, state after), one line each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/run/breaker.h"

enum act { FAIL, SUCCEED, ALLOWS, PROBE };
static const struct line {
    uint64_t now_ns;
    enum act act;
    bool says;
    int state;
} script[] = {
    {10, ALLOWS, true, OD_BREAKER_CLOSED},
    {10, FAIL, false, OD_BREAKER_CLOSED},
    {20, FAIL, false, OD_BREAKER_CLOSED},
    {25, PROBE, false, OD_BREAKER_CLOSED},   /* nothing to probe */
    {111, FAIL, false, OD_BREAKER_CLOSED},   /* the first two are too long ago */
    {120, FAIL, false, OD_BREAKER_CLOSED},
    {121, SUCCEED, false, OD_BREAKER_CLOSED},
    {130, FAIL, true, OD_BREAKER_OPEN},      /* for 50 */
    {131, FAIL, false, OD_BREAKER_OPEN},     /* of what was asked before */
    {132, SUCCEED, false, OD_BREAKER_OPEN},
    {179, ALLOWS, false, OD_BREAKER_OPEN},
    {180, ALLOWS, true, OD_BREAKER_OPEN},
    {180, PROBE, false, OD_BREAKER_HALF_OPEN},
    {181, ALLOWS, false, OD_BREAKER_HALF_OPEN}, /* one at a time */
    {190, FAIL, true, OD_BREAKER_OPEN},         /* for 100 */
    {289, ALLOWS, false, OD_BREAKER_OPEN},
    {290, PROBE, false, OD_BREAKER_HALF_OPEN},
    {389, ALLOWS, false, OD_BREAKER_HALF_OPEN},
    {390, ALLOWS, true, OD_BREAKER_HALF_OPEN}, /* the probe was lost */
    {390, PROBE, false, OD_BREAKER_HALF_OPEN},
    {391, SUCCEED, true, OD_BREAKER_CLOSED},
    {392, FAIL, false, OD_BREAKER_CLOSED},
    {393, FAIL, false, OD_BREAKER_CLOSED},
    {394, FAIL, true, OD_BREAKER_OPEN}, /* for 50: it had been closed */
    {444, ALLOWS, true, OD_BREAKER_OPEN},
};

static bool play(struct od_breaker *breaker, const struct line *line)
{
    static const struct od_breaker_limits limits = {.failures = 3, .window_ns = 100, .open_ns = 50};
    if (line->act == FAIL)
        return od_breaker_fail(breaker, &limits, line->now_ns);
    if (line->act == SUCCEED)
        return od_breaker_succeed(breaker);
    if (line->act == ALLOWS)
        return od_breaker_allows(breaker, line->now_ns);
    od_breaker_probe(breaker, line->now_ns);
    return false;
}

static void test_script(void **state)
{
    (void)state;
    struct od_breaker breaker = {0};
    for (size_t i = 0; i < sizeof(script) / sizeof(script[0]); i++)
        if (play(&breaker, &script[i]) != script[i].says || (int)breaker.state != script[i].state)
            fail_msg("line %zu: state %d, expected %d", i, (int)breaker.state, script[i].state);
}

/* However often it opens, the time stays bounded. */
static void test_longest(void **state)
{
    (void)state;
    const struct od_breaker_limits limits = {.failures = 1, .window_ns = 1, .open_ns = 10};
    struct od_breaker breaker = {0};
    uint64_t now_ns = 0;
    for (uint32_t i = 0; i < 40; i++) {
        assert_true(od_breaker_fail(&breaker, &limits, now_ns));
        now_ns = breaker.until_ns;
        od_breaker_probe(&breaker, now_ns);
    }
    assert_int_equal(breaker.open_ns, 640);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_script), cmocka_unit_test(test_longest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
