/* options_test: options by name, and what 0 becomes.
 *
 * Method: assignments in a table, good ones with the field that must change, bad ones with a word of the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
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

/* Every byte but the padding goes there and back: a new option without a row is found here. */
static void test_bytes(void **state)
{
    (void)state;
    enum { PADDING_BYTES = 3 + 4 + 4 + 4 };
    struct od_buffer buffer;
    struct od_run_options options;
    struct od_run_options back;
    struct od_reader reader;
    od_buffer_init(&buffer, od_heap_for_tests());
    memset(&options, 1, sizeof(options));
    options.codec = OD_CODEC_ZSTD;
    options.batch_rows = options.cluster.executors_max = options.cluster.slots_per_executor = 7;
    options.cluster.executor_count = 6;
    assert_true(od_run_options_write(&options, &buffer));
    assert_int_equal(buffer.size, sizeof(options) - PADDING_BYTES);
    reader = (struct od_reader){.bytes = buffer.bytes, .size = buffer.size};
    assert_true(od_run_options_read(&reader, &back));
    assert_int_equal(back.codec, OD_CODEC_ZSTD);
    assert_true(back.cluster.journal);
    assert_int_equal(back.cluster.executor_count, 6);
    assert_int_equal(back.hash_bits_off, options.hash_bits_off);
    assert_int_equal(back.deadline_ns, options.deadline_ns);
    for (size_t size = 0; size < buffer.size; size++) {
        reader = (struct od_reader){.bytes = buffer.bytes, .size = size};
        assert_false(od_run_options_read(&reader, &back));
    }
    options.codec = OD_CODEC_COUNT;
    od_buffer_reset(&buffer);
    assert_true(od_run_options_write(&options, &buffer));
    reader = (struct od_reader){.bytes = buffer.bytes, .size = buffer.size};
    assert_false(od_run_options_read(&reader, &back));
    od_buffer_release(&buffer);
}

/* What is told of a cluster's options is understood where it is told, and nothing else is told. */
static void test_assignments(void **state)
{
    (void)state;
    static const char *const given[] = {"lease=7s", "heartbeat=3us", "slots_per_executor=4", "cache_bytes=99"};
    struct od_run_options options = {.batch_rows = 9};
    struct od_run_options back = {0};
    char text[OD_OPTION_TEXT_BYTES];
    size_t told = 0;
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
        assert_int_equal(od_run_options_set(&options, given[i], NULL), OD_OK);
    for (size_t i = 0; od_run_options_assignment(&options, i, text); i++) {
        if (text[0] == '\0')
            continue;
        assert_int_equal(od_run_options_set(&back, text, NULL), OD_OK);
        told++;
    }
    assert_int_equal(told, sizeof(given) / sizeof(given[0]));
    assert_int_equal(back.batch_rows, 0);
    assert_memory_equal(&back.cluster, &options.cluster, sizeof(back.cluster));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_assignments), cmocka_unit_test(test_set), cmocka_unit_test(test_mistakes), cmocka_unit_test(test_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
