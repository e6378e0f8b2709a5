/* Goal: curves of a scenario in sim are the same each time, start where nothing is disturbed, and show what a fault costs: a death is
 * computed again, a pause is waited for, a fault later than the end costs nothing.
 * Method: two queries over little tables; the record that comes out, and its bytes, twice. In processes, of `ordeal` beside this program,
 * faults at the beginning of a run: those never come too late. */
#include "harness/impact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/world/posix.h"
#include "reports/curves.h"

static const char yaml[] = "name: small\ntitle: t\nseed: 7\ntables:\n  - {name: flights, generator: flights, rows: 400}\n"
                           "queries:\n"
                           "  - {name: counted, asks: why, sql: 'SELECT origin, count(*) AS n FROM flights GROUP BY origin ORDER BY n, origin'}\n"
                           "  - {name: failing, asks: why, sql: 'SELECT 1 / (distance - distance) AS x FROM flights'}\n"
                           "cluster: {executors: 3, partitions: 4, scan_tasks: 4}\n";

static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/ordeal-impact-XXXXXX");
    return mkdtemp(directory) == NULL;
}
static int drop_directory(void **state)
{
    char command[100];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    return system(command);
}

static struct od_record *measure(const struct od_impact_options *options, const char *text)
{
    static const struct od_scenario_run_options opening = {.no_faults = true};
    struct od_scenario_run *scenario = NULL;
    struct od_error error = {0};
    struct od_record *record = od_record_new(od_posix_memory());
    struct od_impact_sink sink = {.record = record, .directory = directory};
    if (od_scenario_open_text("small.yaml", text, strlen(text), &opening, &scenario, &error) != OD_OK ||
        od_impact_execute(options, scenario, &sink, &error) != OD_OK)
        fail_msg("%s", error.text);
    od_record_finish(record, OD_RECORD_FINISHED);
    if (sink.failed == 0)
        assert_int_equal(sink.done, od_impact_run_count(options, scenario));
    od_scenario_close(scenario);
    return record;
}

static struct od_impact_options options_of(const char *kinds, const char *detail)
{
    struct od_error error = {0};
    struct od_impact_options options = {
        .moment_count = 3, .moments = {0, 50, 100}, .rate_count = 3, .rates = {0, 1, 3}, .rounds = 3};
    if (od_impact_kinds_read(kinds, detail, &options, &error) != OD_OK)
        fail_msg("%s", error.text);
    return options;
}

/* Without the query that fails. */
static const char *one_query(void)
{
    static char text[sizeof(yaml)];
    const char *failing = strstr(yaml, "  - {name: failing");
    const char *behind = strstr(failing, "cluster:");
    snprintf(text, sizeof(text), "%.*s%s", (int)(failing - yaml), yaml, behind);
    return text;
}

static const struct od_record_curve *curve_of(const struct od_record *record, uint32_t index)
{
    const struct od_record_query *query = record->scenarios.items[0]->queries.items[0];
    assert_true(index < query->curves.count);
    return query->curves.items[index];
}

static void equal_calls_give_equal_curves(void **state)
{
    (void)state;
    const struct od_impact_options options = options_of("executor.crash,driver.crash", "for=3ms");
    struct od_buffer texts[2];
    for (uint32_t i = 0; i < 2; i++) {
        struct od_record *record = measure(&options, one_query());
        od_buffer_init(&texts[i], od_posix_memory());
        od_curves_benchmarks(record, &texts[i]);
        assert_int_equal(curve_of(record, 3)->points.count, 3);
        assert_int_equal(od_record_overall(record), OD_RECORD_HELD);
        od_record_free(record);
    }
    assert_string_equal(od_buffer_text(&texts[0]), od_buffer_text(&texts[1]));
    od_buffer_release(&texts[0]);
    od_buffer_release(&texts[1]);
}

static void a_death_is_computed_again(void **state)
{
    (void)state;
    const struct od_impact_options options = options_of("executor.crash", NULL);
    struct od_record *record = measure(&options, one_query());
    const struct od_record_curve *moments = curve_of(record, 0);
    const struct od_record_curve *rates = curve_of(record, 1);
    assert_string_equal(moments->over, "moment");
    assert_string_equal(rates->over, "rate");
    assert_string_equal(moments->kind, "executor.crash");
    assert_true(moments->undisturbed_ns > 0 && moments->undisturbed_ns == rates->undisturbed_ns);
    const struct od_record_point *half = moments->points.items[1];
    assert_int_equal(half->runs, 3);
    assert_int_equal(half->faults_fired, 3);
    assert_true(half->slowdown_ppm > 1000000 && half->recovery_ns > 0 && half->recomputed_ppm > 0);
    assert_true(half->slowdown_low_ppm <= half->slowdown_ppm && half->slowdown_ppm <= half->slowdown_high_ppm);
    const struct od_record_point *end = moments->points.items[2];
    assert_int_equal(end->slowdown_ppm, 1000000); /* the answer is there */
    assert_int_equal(end->recomputed_ppm, 0);
    const struct od_record_point *none = rates->points.items[0];
    assert_int_equal(none->at, 0);
    assert_int_equal(none->slowdown_low_ppm, 1000000);
    assert_int_equal(none->slowdown_high_ppm, 1000000);
    assert_int_equal(none->faults_fired + none->missed_runs + none->repair_ns + none->recomputed_ppm + none->failed_runs, 0);
    assert_true(rates->points.items[2]->faults_fired > rates->points.items[1]->faults_fired);
    od_record_free(record);
}

static void a_longer_pause_costs_more(void **state)
{
    (void)state;
    uint64_t recovery_ns[2];
    static const char *const details[] = {"for=2ms", "for=9ms"};
    for (uint32_t i = 0; i < 2; i++) {
        const struct od_impact_options options = options_of("driver.pause", details[i]);
        struct od_record *record = measure(&options, one_query());
        recovery_ns[i] = curve_of(record, 0)->points.items[1]->recovery_ns;
        od_record_free(record);
    }
    assert_in_range(recovery_ns[0], 1000000, 3000000);
    assert_in_range(recovery_ns[1], 8000000, 10000000);
}

/* No curve, and a verdict that says so. */
static void a_query_without_an_answer_has_no_curve(void **state)
{
    (void)state;
    const struct od_impact_options options = options_of("executor.crash", NULL);
    struct od_record *record = measure(&options, yaml);
    const struct od_record_query *failing = record->scenarios.items[0]->queries.items[1];
    assert_int_equal(failing->curves.count, 0);
    assert_int_equal(failing->runs.count, 1);
    assert_int_equal(failing->runs.items[0]->verdict, OD_RECORD_FAILED);
    assert_int_equal(record->scenarios.items[0]->queries.items[0]->curves.count, 2);
    assert_int_equal(od_record_overall(record), OD_RECORD_FAILED);
    od_record_free(record);
}

static void processes_are_struck(void **state)
{
    char program[400] = "";
    (void)state;
    ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 20);
    while (size > 0 && program[size - 1] != '/')
        size--;
    assert_true(size > 0);
    strcpy(program + size, "ordeal");
    static const char *const kinds[] = {"executor.crash", "driver.crash", "executor.pause", "driver.pause"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct od_impact_options options = {
            .deployment = OD_DEPLOY_PROCESSES, .program = program, .moment_count = 1, .rate_count = 1, .rounds = 3};
        assert_int_equal(od_impact_kinds_read(kinds[i], "for=60ms", &options, NULL), OD_OK);
        struct od_record *record = measure(&options, one_query());
        const struct od_record_point *start = curve_of(record, 0)->points.items[0];
        const struct od_record_point *none = curve_of(record, 1)->points.items[0];
        assert_int_equal(od_record_overall(record), OD_RECORD_HELD);
        assert_int_equal(start->runs, 3);
        assert_int_equal(start->faults_fired, 3);
        assert_int_equal(start->missed_runs, 0);
        assert_int_equal(none->faults_fired, 0);
        assert_true(start->elapsed_ns > 0 && none->elapsed_ns > 0);
        if (i == 3) /* nothing goes on without the driver */
            assert_true(start->elapsed_ns > 55000000);
        od_record_free(record);
    }
}

static void mistakes_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *kinds, *detail, *message;
    } mistakes[] = {
        {"", NULL, "expected kinds of fault"},
        {"executor.crash,", NULL, "expected kinds of fault"},
        {"executor.explode", NULL, "a kind of fault"},
        {"task.error_before", NULL, "expected a point"},
        {"driver.cancel_query", NULL, "query="},
        {"executor.crash", "for=5", "expected a duration"},
        {"heal", NULL, ""},
    };
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct od_impact_options options = {0};
        struct od_error error = {0};
        assert_int_equal(od_impact_kinds_read(mistakes[i].kinds, mistakes[i].detail, &options, &error), OD_BAD_INPUT);
        if (strstr(error.text, mistakes[i].message) == NULL)
            fail_msg("%s: %s", mistakes[i].kinds, error.text);
    }
    struct od_impact_options options = {.deployment = OD_DEPLOY_PROCESSES};
    assert_int_equal(od_impact_kinds_read("executor.slow", NULL, &options, NULL), OD_UNSUPPORTED);
}

static void an_interrupt_ends_it(void **state)
{
    (void)state;
    static const volatile int interrupted = 1;
    static const struct od_scenario_run_options opening = {.no_faults = true};
    const struct od_impact_options options = options_of("executor.crash", NULL);
    struct od_scenario_run *scenario = NULL;
    struct od_record *record = od_record_new(od_posix_memory());
    struct od_impact_sink sink = {.record = record, .directory = directory, .interrupted = &interrupted};
    assert_int_equal(od_scenario_open_text("small.yaml", yaml, strlen(yaml), &opening, &scenario, NULL), OD_OK);
    assert_int_equal(od_impact_execute(&options, scenario, &sink, NULL), OD_CANCELLED);
    assert_int_equal(sink.done, 1);
    od_scenario_close(scenario);
    od_record_free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_calls_give_equal_curves),
        cmocka_unit_test(a_death_is_computed_again),
        cmocka_unit_test(a_longer_pause_costs_more),
        cmocka_unit_test(a_query_without_an_answer_has_no_curve),
        cmocka_unit_test(processes_are_struck),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(an_interrupt_ends_it),
    };
    return cmocka_run_group_tests(tests, make_directory, drop_directory);
}
