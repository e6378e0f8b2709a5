/* Goal: curves reach the file, the table, the page and the benchmarks as they were measured, whatever their texts.
 * Method: a record with two curves a query, whose measures are known; each field of a point is set and must come back; each allocation
 * is refused once. */
#include "reports/curves.h"

#include "engine/core/sweep.h"
#include "reports/fixture_test.h"
#include "reports/record_shape.h"

static struct od_buffer benchmarks_of(const struct od_record *record)
{
    struct od_buffer out;
    od_buffer_init(&out, &fixture_memory);
    od_curves_benchmarks(record, &out);
    assert_false(out.failed);
    return out;
}

static void assert_shows(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("expected: %s\nin:\n%s", part, text);
}

static void a_point_comes_back_whole(void **state)
{
    (void)state;
    struct od_record *record = fixture_record(&fixture_memory, 1);
    struct od_record *again = NULL;
    struct od_buffer text;
    od_buffer_init(&text, &fixture_memory);
    od_record_to_json(record, &text);
    assert_int_equal(od_record_parse(&fixture_memory, "test", (const char *)text.bytes, text.size, &again, NULL), OD_OK);
    const struct od_record_curve *curve = again->scenarios.items[1]->queries.items[0]->curves.items[1];
    const struct od_record_curve *was = record->scenarios.items[1]->queries.items[0]->curves.items[1];
    assert_string_equal(curve->over, "rate");
    assert_string_equal(curve->kind, was->kind);
    assert_string_equal(curve->deployment, "sim");
    assert_int_equal(curve->undisturbed_ns, 40000000);
    assert_int_equal(curve->points.count, 2);
    for (uint32_t i = 0; i < 2; i++)
        assert_memory_equal(curve->points.items[i], was->points.items[i], sizeof(struct od_record_point));
    od_buffer_release(&text);
    od_record_free(record);
    od_record_free(again);
}

static void every_point_is_a_benchmark(void **state)
{
    (void)state;
    struct od_record *record = fixture_record(&fixture_memory, 1);
    char name[200];
    snprintf(name, sizeof(name), "\"name\": \"impact/%s/%s/executor.crash/moment=50\"", record->scenarios.items[0]->name,
             record->scenarios.items[0]->queries.items[0]->name);
    struct od_buffer out = benchmarks_of(record);
    assert_shows(od_buffer_text(&out), name);
    assert_shows(od_buffer_text(&out), "\"real_time\": 2460000,");
    assert_shows(od_buffer_text(&out), "\"slowdown_ppm\": 2460000,");
    od_buffer_release(&out);
    /* of whom no run gave an answer there is no time */
    record->scenarios.items[0]->queries.items[0]->curves.items[0]->points.items[1]->runs = 0;
    out = benchmarks_of(record);
    assert_null(strstr(od_buffer_text(&out), name));
    od_buffer_release(&out);
    od_record_free(record);
}

static enum od_status print_to(const struct od_record *record, char *text, size_t size)
{
    struct od_terminal terminal;
    FILE *file = tmpfile();
    assert_non_null(file);
    od_terminal_init(&terminal, file);
    enum od_status status = od_curves_terminal(record, &terminal, NULL);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
    return status;
}

static void the_table_has_medians(void **state)
{
    (void)state;
    char text[20000];
    struct od_record *record = od_record_new(&fixture_memory);
    struct od_record_scenario *scenario = od_record_add_scenario(record, "s");
    static const char *const names[] = {"first", "second", "third", "without"};
    for (uint32_t i = 0; i < 4; i++) {
        struct od_record_query *query = od_record_add_query(record, scenario, names[i]);
        if (i == 3)
            break;
        fixture_curve(record, query, "moment", "executor.pause");
        query->curves.items[0]->points.items[0]->slowdown_ppm = i == 0 ? 9000000 : 1500000 * i;
    }
    assert_int_equal(print_to(record, text, sizeof(text)), OD_OK);
    assert_shows(text, "in per cent of the undisturbed time, of one of executor.pause");
    assert_shows(text, "9.00x");
    assert_shows(text, "slow-down, the median                  3.00x    2.46x\n");
    assert_shows(text, "recovery                             1.23 ms  2.46 ms\n");
    assert_shows(text, "tasks computed again                 123.0 %  246.0 %\n");
    assert_shows(text, "runs without an answer                     0        1\n");
    assert_null(strstr(text, "\nwithout "));
    for (uint32_t i = 0; i < 3; i++) { /* where no run gave an answer there is nothing to measure */
        struct od_record_point *point = scenario->queries.items[i]->curves.items[0]->points.items[0];
        point->runs = point->slowdown_ppm = i == 1 ? 7000000 : 0;
        point->failed_runs = 5;
    }
    assert_int_equal(print_to(record, text, sizeof(text)), OD_OK);
    assert_shows(text, "slow-down, the median                  7.00x    2.46x\n");
    assert_shows(text, "runs without an answer                     5        1\n");
    scenario->queries.items[1]->curves.items[0]->points.items[0]->runs = 0;
    assert_int_equal(print_to(record, text, sizeof(text)), OD_OK);
    assert_shows(text, "slow-down, the median                    -    2.46x\n");
    od_record_free(record);
}

static void the_page_draws_them(void **state)
{
    (void)state;
    struct od_record *record = fixture_record(&fixture_memory, 1);
    const struct od_report report = {.memory = &fixture_memory, .record = record};
    struct od_buffer out;
    od_buffer_init(&out, &fixture_memory);
    assert_int_equal(od_report_html(&report, &out, NULL), OD_OK);
    const char *page = od_buffer_text(&out);
    assert_shows(page, "<polygon class=\"band\" points=\"169.0,");
    assert_shows(page, "<polyline class=\"line dashed\" points=\"");
    assert_shows(page, "<td class=\"n\">50 %</td><td class=\"n\">2.46x</td><td class=\"n\">2.46x to 2.46x</td>");
    assert_shows(page, "<p><code>&lt;/script&gt;&lt;b&gt;");
    od_buffer_release(&out);
    od_record_free(record);
}

static enum od_status make_and_render(struct od_memory *memory, void *context)
{
    char text[20000];
    struct od_buffer out;
    struct od_record *record = fixture_record(memory, 1);
    (void)context;
    if (record == NULL)
        return OD_NO_MEMORY;
    enum od_status status = record->failed ? OD_NO_MEMORY : print_to(record, text, sizeof(text));
    od_buffer_init(&out, memory);
    if (status == OD_OK)
        od_curves_benchmarks(record, &out);
    if (out.failed)
        status = OD_NO_MEMORY;
    od_buffer_release(&out);
    od_record_free(record);
    return status;
}

static void each_allocation_is_refused_once(void **state)
{
    (void)state;
    assert_true(od_sweep(make_and_render, NULL) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_comes_back_whole), cmocka_unit_test(every_point_is_a_benchmark),
        cmocka_unit_test(the_table_has_medians),    cmocka_unit_test(the_page_draws_them),
        cmocka_unit_test(each_allocation_is_refused_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
