/* bench_test: the suite and its shim.
 * Goal: every benchmark answers rightly and runs; a wrong answer or a failing run is counted and reaches the JSON; a bad filter or an
 *       unwritable file is told; names are unique.
 * Method: every row's set_up, check and one iteration at its smallest argument; toy benchmarks through od_bench_run, JSON read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/bench_suite.h"

static void every_benchmark_answers_and_runs(void **state)
{
    struct od_bench benches[OD_BENCHES_MAX];
    uint32_t count = od_bench_suite(benches);
    (void)state;
    assert_in_range(count, 10, OD_BENCHES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        char problem[OD_BENCH_PROBLEM_BYTES] = "";
        void *fixture = benches[i].set_up(benches[i].arguments[0], problem);
        if (fixture == NULL || !benches[i].check(fixture, problem) || !benches[i].run(fixture, 1, problem))
            fail_msg("%s: %s", benches[i].name, problem);
        assert_true(benches[i].items(fixture) > 0);
        benches[i].tear_down(fixture);
        benches[i].tear_down(NULL);
    }
}

static void names_are_unique_and_explained(void **state)
{
    struct od_bench benches[OD_BENCHES_MAX];
    uint32_t count = od_bench_suite(benches);
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        assert_true(strlen(benches[i].sentence) > 10);
        for (uint32_t j = 0; j < i; j++)
            assert_string_not_equal(benches[i].name, benches[j].name);
    }
}

/* --- toys ------------------------------------------------------------------------------------------------------ */

static int toy;

static void *toy_set_up(int64_t argument, char *problem)
{
    (void)problem;
    toy = (int)argument;
    return &toy;
}

static bool toy_check(void *fixture, char *problem)
{
    if (*(int *)fixture != 2)
        return true;
    snprintf(problem, OD_BENCH_PROBLEM_BYTES, "the toy's answer is wrong");
    return false;
}

static bool toy_run(void *fixture, uint64_t iterations, char *problem)
{
    (void)iterations;
    if (*(int *)fixture != 3)
        return true;
    snprintf(problem, OD_BENCH_PROBLEM_BYTES, "the toy broke");
    return false;
}

static void toy_tear_down(void *fixture)
{
    (void)fixture;
}

static uint64_t toy_items(const void *fixture)
{
    (void)fixture;
    return 1;
}

static const struct od_bench toys[] = {
    {"toy", "1 is fine, 2 answers wrongly, 3 breaks", "kind", {1, 2, 3}, toy_set_up, toy_check, toy_run, toy_tear_down,
     toy_items, NULL}};

static int run_toys(const char *filter, const char *out_path, uint32_t *failed, char *problem)
{
    const struct od_bench_options options = {
        .filter = filter, .out_path = out_path, .seconds = 0.001, .repetitions = 1};
    return od_bench_run(toys, 1, &options, failed, problem);
}

static void wrong_answers_are_counted_and_told(void **state)
{
    char path[] = "/tmp/ordeal-bench-XXXXXX";
    char problem[OD_BENCH_PROBLEM_BYTES] = "";
    uint32_t failed = 0;
    json_error_t json_error;
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    assert_int_equal(run_toys(NULL, path, &failed, problem), 3);
    assert_int_equal(failed, 2);
    json_t *root = json_load_file(path, 0, &json_error);
    assert_non_null(root);
    json_t *benchmarks = json_object_get(root, "benchmarks");
    assert_int_equal(json_array_size(benchmarks), 3);
    const char *const messages[] = {NULL, "the toy's answer is wrong", "the toy broke"};
    for (size_t i = 0; i < 3; i++) {
        const char *told = json_string_value(json_object_get(json_array_get(benchmarks, i), "error_message"));
        assert_true((told == NULL) == (messages[i] == NULL));
        if (told != NULL)
            assert_string_equal(told, messages[i]);
    }
    json_decref(root);
    unlink(path);
}

static void filters_choose(void **state)
{
    char problem[OD_BENCH_PROBLEM_BYTES] = "";
    uint32_t failed = 0;
    (void)state;
    assert_int_equal(run_toys("kind:1$", NULL, &failed, problem), 1);
    assert_int_equal(failed, 0);
    assert_int_equal(run_toys("no such", NULL, &failed, problem), 0);
    assert_int_equal(run_toys("(", NULL, &failed, problem), -1);
    assert_non_null(strstr(problem, "regular expression"));
    assert_int_equal(run_toys("kind:1$", "/no/such/folder/out.json", &failed, problem), -1);
    assert_non_null(strstr(problem, "can't be written"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_benchmark_answers_and_runs),
        cmocka_unit_test(names_are_unique_and_explained),
        cmocka_unit_test(wrong_answers_are_counted_and_told),
        cmocka_unit_test(filters_choose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
