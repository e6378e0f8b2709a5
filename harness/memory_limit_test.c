/* memory_limit_test: what --memory means, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "harness/memory_limit.h"

static void limits_are_bytes_or_shares(void **state)
{
    static const struct {
        const char *text;
        uint64_t peak_bytes;
        uint64_t expected; /* 0: refused */
    } cases[] = {
        {"1", 0, 1},           {"64000", 5, 64000},     {"16k", 0, 16384},        {"1.5M", 0, 3 << 19},
        {"2G", 0, 2ull << 30}, {"2x", 1000, 2000},      {"0.5x", 1001, 500},      {"0.1x", 12345, 1234},
        {"1x", 777, 777},      {"0.001x", 5, 1},        {"0.1x", 0, 1},           {"1x", 1ull << 45, 1ull << 45},
        {"", 9, 0},            {"x", 9, 0},             {"0", 9, 0},              {"0x", 9, 0},
        {"0.0x", 9, 0},        {"-1", 9, 0},            {"1.2345x", 9, 0},        {"10T", 9, 0},
        {"1 M", 9, 0},         {"0.0001x", 9, 0},       {".5x", 9, 0},            {"99999999999999999999", 9, 0},
        {"0.5", 9, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct od_memory_limit limit;
        struct od_error error = {0};
        enum od_status status = od_memory_limit_parse(cases[i].text, &limit, &error);
        if ((status == OD_OK) != (cases[i].expected > 0))
            fail_msg("%s: %s", cases[i].text, od_status_text(status));
        uint64_t bytes = od_memory_limit_bytes(&limit, cases[i].peak_bytes);
        if (status == OD_OK && bytes != cases[i].expected)
            fail_msg("%s of %llu: %llu", cases[i].text, (unsigned long long)cases[i].peak_bytes,
                     (unsigned long long)bytes);
        assert_true(status == OD_OK || error.text[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(limits_are_bytes_or_shares)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
