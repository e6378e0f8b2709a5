/* options_test: options by name, and what 0 becomes.
 *
 * Method: assignments in a table, good ones with the field that must change, bad ones with a word of the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/run/query.h"

static void test_set(void **state)
{
    (void)state;
    struct od_run_options options = {0};
    static const char *const assignments[] = {"attempts_max=6", "heartbeat=5ms", "lease=2s", "breaker_open=30us",
                                              "backlog_per_slot=1", "recoveries_max=4294967295",
                                              "query_memory_bytes=5000000000"};
    for (size_t i = 0; i < sizeof(assignments) / sizeof(assignments[0]); i++)
        assert_int_equal(od_run_options_set(&options, assignments[i], NULL), OD_OK);
    options = od_run_options_resolve(&options);
    assert_int_equal(options.attempts_max, 6);
    assert_int_equal(options.cluster.heartbeat_ns, 5000000);
    assert_int_equal(options.cluster.lease_ns, 2000000000);
    assert_int_equal(options.cluster.breaker_open_ns, 30000);
    assert_int_equal(options.cluster.backlog_per_slot, 1);
    assert_int_equal(options.recoveries_max, UINT32_MAX);
    assert_int_equal(options.query_memory_bytes, 5000000000);
    assert_int_equal(options.cluster.executor_count, 3);
    assert_int_equal(options.cluster.executors_max, 3);
    assert_int_equal(options.cluster.resend_ns, 30000000);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *assignment;
        const char *says;
    } mistakes[] = {{"attempts_max", "NAME=VALUE"},      {"attempt=3", "no option"},
                    {"attempts_max=", "whole number"},   {"attempts_max=0", "whole number"},
                    {"attempts_max=3x", "whole number"}, {"attempts_max=4294967296", "whole number"},
                    {"lease=3", "time such as"},         {"lease=99999999999999999999s", "time such as"},
                    {"lease_ns=3", "no option"},         {"=3", "no option"}};
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct od_run_options options = {0};
        struct od_error error = {0};
        assert_int_equal(od_run_options_set(&options, mistakes[i].assignment, &error), OD_BAD_INPUT);
        assert_non_null(strstr(error.text, mistakes[i].says));
        assert_int_equal(options.attempts_max, 0);
        assert_int_equal(options.cluster.lease_ns, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_set), cmocka_unit_test(test_mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
