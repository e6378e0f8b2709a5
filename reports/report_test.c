/* Goal: the renderings are well-formed whatever the data say, show what was recorded, and fail cleanly.
 * Method: one fixture with hostile texts; the JUnit file goes through xmllint and its schema, the page is
 * searched for raw data; a record that was cut off must render as such; each allocation is refused once. */
#include "reports/fixture_test.h"
#include "engine/core/sweep.h"
#include "reports/terminal.h"
#include "reports/text.h"

#include <sys/stat.h>
#include <unistd.h>

static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    fixture_directory(directory, sizeof(directory));
    return 0;
}
static int drop_directory(void **state)
{
    (void)state;
    fixture_remove(directory);
    return 0;
}

static struct od_report *load(void)
{
    const char *paths[] = {directory};
    struct od_report *report = NULL;
    struct od_error error = {0};
    if (od_report_load(&fixture_memory, paths, 1, &report, &error) != OD_OK)
        fail_msg("%s", error.text);
    return report;
}

typedef enum od_status renderer(const struct od_report *report, struct od_buffer *out,
                                struct od_error *error);

static struct od_buffer render(renderer *how)
{
    struct od_report *report = load();
    struct od_buffer out;
    od_buffer_init(&out, &fixture_memory);
    assert_int_equal(how(report, &out, NULL), OD_OK);
    od_report_free(report);
    return out;
}

static void assert_shows(struct od_buffer *out, const char *part)
{
    if (strstr(od_buffer_text(out), part) == NULL)
        fail_msg("expected in the output: %s", part);
}
static void assert_hides(struct od_buffer *out, const char *part)
{
    if (strstr(od_buffer_text(out), part) != NULL)
        fail_msg("not expected in the output: %s", part);
}

static void html_escapes_and_shows(void **state)
{
    (void)state;
    fixture_run_directory(directory, 6, OD_RECORD_FINISHED);
    struct od_buffer out = render(od_report_html);
    assert_shows(&out, "1 of 12 runs failed");
    assert_shows(&out, "What did not hold");
    assert_shows(&out, "SELECT c.country");
    assert_shows(&out, "v.status &lt; 400");
    assert_shows(&out, "<svg");
    assert_shows(&out, "\"outcome\":\"lost\"");
    assert_shows(&out, "\\u003c/script\\u003e\\u003cb\\u003e");
    assert_shows(&out, "18446744073709551614");
    assert_shows(&out, "web_analytics.yaml, seed 41");
    assert_shows(&out, "top 10 &quot;&lt;&amp;&gt;\\ (7 rows, 1.0 MiB spilled, 3.4 ms)");
    assert_shows(&out, "<td class=\"n\">10</td><td class=\"n\">14.8 ms</td><td class=\"n\">27.5 ms</td>"); /* recomputed */
    assert_shows(&out, "27.5 ms</td><td class=\"n\" data-value=\"29500000\">29.5 ms</td>");
    assert_hides(&out, "reference 0.1.0, seed"); /* no one number says it */
    assert_hides(&out, "</script><b>");
    assert_hides(&out, "\x01");
    assert_hides(&out, "src=\"http");
    assert_hides(&out, "has not ended");
    const char *keep = getenv("ORDEAL_KEEP_HTML");
    if (keep != NULL) {
        FILE *file = fopen(keep, "w");
        assert_non_null(file);
        fwrite(out.bytes, 1, out.size, file);
        fclose(file);
    }
    od_buffer_release(&out);
}

static void a_run_that_was_cut_off_says_so(void **state)
{
    (void)state;
    fixture_run_directory(directory, 0, OD_RECORD_RUNNING);
    struct od_buffer out = render(od_report_html);
    assert_shows(&out, "Not finished: 0 runs so far");
    assert_shows(&out, "This run has not ended");
    od_buffer_release(&out);
    out = render(od_report_junit);
    assert_shows(&out, "<skipped message=");
    od_buffer_release(&out);
}

static void no_events_no_scenarios(void **state)
{
    (void)state;
    struct od_record *record = od_record_new(&fixture_memory);
    assert_int_equal(od_record_save(record, directory, NULL), OD_OK);
    od_record_free(record);
    struct od_buffer out = render(od_report_html);
    assert_shows(&out, "</html>");
    od_buffer_release(&out);
}

/* Returns the exit status of xmllint, or skips. */
static void check_xml(const char *path)
{
    char command[600];
    if (system("command -v xmllint > /dev/null") != 0) {
        print_message("skipped: xmllint (Debian: libxml2-utils) is not here\n");
        skip();
    }
    snprintf(command, sizeof(command), "xmllint --noout --schema reports/junit_schema.xsd %s > /dev/null",
             path);
    assert_int_equal(system(command), 0);
}

static void junit_obeys_its_schema(void **state)
{
    (void)state;
    char path[128];
    fixture_run_directory(directory, 6, OD_RECORD_FINISHED);
    struct od_buffer out = render(od_report_junit);
    assert_shows(&out, "<testsuites name=\"ordeal\" tests=\"12\" failures=\"1\" errors=\"1\" skipped=\"0\"");
    assert_shows(&out, "<failure type=\"H1\"");
    assert_shows(&out, "replay: ordeal replay cases/rings-1.case");
    od_buffer_release(&out);
    assert_int_equal(od_report_write_directory(&fixture_memory, directory, NULL), OD_OK);
    snprintf(path, sizeof(path), "%s/junit.xml", directory);
    check_xml(path);
}

static void markdown_keeps_data_in_its_cells(void **state)
{
    (void)state;
    fixture_run_directory(directory, 6, OD_RECORD_FINISHED);
    struct od_buffer out = render(od_report_markdown);
    assert_shows(&out, "**FAILED**");
    assert_shows(&out, "| web\\_analytics | top\\_pages | 10 | 6 | 6 | 0 | 0 |");
    assert_shows(&out, "&#60;/script&#62;");
    assert_hides(&out, "\x01");
    od_buffer_release(&out);
}

static void two_directories_join(void **state)
{
    (void)state;
    char first[96];
    char second[96];
    snprintf(first, sizeof(first), "%s/first", directory);
    snprintf(second, sizeof(second), "%s/second", directory);
    fixture_run_directory(first, 3, OD_RECORD_FINISHED);
    fixture_run_directory(second, 4, OD_RECORD_INTERRUPTED);
    const char *paths[] = {first, second};
    struct od_report *report = NULL;
    assert_int_equal(od_report_load(&fixture_memory, paths, 2, &report, NULL), OD_OK);
    assert_int_equal(report->record->scenarios.count, 4);
    assert_int_equal(od_record_count(report->record).runs, 14);
    assert_int_equal(report->record->state, OD_RECORD_INTERRUPTED);
    assert_int_equal(report->notes.count, 1);
    assert_int_equal(report->record->scenarios.items[2]->queries.items[0]->runs.items[0]->run_index, 6);
    assert_int_equal(report->events.events[report->events.count - 1].run, 6 + 5);
    od_report_free(report);
}

static char *terminal_text(struct od_terminal *terminal)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    struct od_report *report = load();
    terminal->file = file;
    assert_int_equal(od_report_terminal(report, terminal, NULL), OD_OK);
    od_report_free(report);
    fclose(file);
    char *copy = strdup(text);
    free(text);
    return copy;
}

static void terminal_fits_and_is_plain_in_a_pipe(void **state)
{
    (void)state;
    fixture_run_directory(directory, 6, OD_RECORD_FINISHED);
    struct od_terminal terminal = {.width = 60};
    char *text = terminal_text(&terminal);
    assert_non_null(strstr(text, "failed: 12 runs of 2 queries"));
    assert_non_null(strstr(text, "20 tasks recomputed; repairs took 189 ms, the longest 14.8 ms\n"));
    assert_non_null(strstr(text, "replay: ordeal replay cases/rings-1.case"));
    assert_null(strchr(text, '\033'));
    assert_null(strchr(text, '\x01'));
    const char *head = strstr(text, "\nscen");
    assert_non_null(head);
    char line[400] = "";
    snprintf(line, sizeof(line), "%.*s", (int)strcspn(head + 1, "\n"), head + 1);
    assert_true(od_text_width(line) <= 60);
    assert_true(od_text_width(line) >= 50);
    free(text);
    terminal = (struct od_terminal){.width = 60, .colour = true};
    text = terminal_text(&terminal);
    assert_non_null(strstr(text, "\033["));
    free(text);
}

static void progress_is_silent_in_a_pipe(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    struct od_terminal terminal = {.file = file, .width = 80};
    struct od_progress progress;
    od_progress_init(&progress, &terminal, 100);
    od_progress_step(&progress, 10, 0, "query");
    od_progress_end(&progress);
    fflush(file);
    assert_int_equal(size, 0);
    terminal.is_tty = true;
    od_progress_init(&progress, &terminal, 100);
    od_progress_step(&progress, 10, 2, "web/top\x1b[2J");
    fflush(file);
    assert_non_null(strstr(text, "10/100"));
    assert_non_null(strstr(text, "2 failed"));
    assert_null(strstr(text, "\x1b[2J"));
    od_progress_end(&progress);
    fclose(file);
    free(text);
}

/* The whole way from files to all renderings, with one memory. */
static enum od_status all_renderings(struct od_memory *memory)
{
    const char *paths[] = {directory};
    struct od_report *report = NULL;
    struct od_error error = {0};
    renderer *const renderers[] = {od_report_html, od_report_junit, od_report_markdown};
    FILE *nowhere = fopen("/dev/null", "w");
    struct od_terminal terminal = {.file = nowhere, .width = 80};
    enum od_status status = od_report_load(memory, paths, 1, &report, &error);
    for (size_t i = 0; i < 3 && status == OD_OK; i++) {
        struct od_buffer out;
        od_buffer_init(&out, memory);
        status = renderers[i](report, &out, &error);
        od_buffer_release(&out);
    }
    if (status == OD_OK)
        status = od_report_terminal(report, &terminal, &error);
    od_report_free(report);
    fclose(nowhere);
    assert_true(status == OD_OK || error.status == status);
    return status;
}

static void each_allocation_refused_once(void **state)
{
    (void)state;
    fixture_run_directory(directory, 3, OD_RECORD_FINISHED);
    enum od_status status = OD_NO_MEMORY;
    uint64_t refused = 0;
    for (uint64_t k = 0; status != OD_OK; k++) {
        struct od_countdown countdown;
        assert_true(k < 10000);
        od_countdown_init(&countdown, &fixture_memory, k, false);
        status = all_renderings(&countdown.memory);
        refused += countdown.refused_count;
        assert_int_equal(countdown.live_block_count, 0);
        if (countdown.refused_count > 0 && status != OD_NO_MEMORY)
            fail_msg("allocation %llu was refused and the status is %s", (unsigned long long)k,
                     od_status_text(status));
    }
    assert_true(refused > 10);
}

static void outputs_that_cannot_be_written_fail(void **state)
{
    (void)state;
    fixture_run_directory(directory, 2, OD_RECORD_FINISHED);
    struct od_report *report = load();
    struct od_error error = {0};
    struct od_report_outputs outputs = {.html = "/nonexistent/place/report.html"};
    assert_int_equal(od_report_write(report, &outputs, &error), OD_MISSING);
    assert_non_null(strstr(error.text, "/nonexistent/place"));
    outputs = (struct od_report_outputs){.junit = directory};
    assert_int_equal(od_report_write(report, &outputs, &error), OD_IO);
    od_report_free(report);
    struct od_report *none = NULL;
    assert_int_equal(od_report_load(&fixture_memory, NULL, 0, &none, &error), OD_BAD_INPUT);
    assert_null(none);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, drop_directory)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(html_escapes_and_shows),
        TEST(a_run_that_was_cut_off_says_so),
        TEST(no_events_no_scenarios),
        TEST(junit_obeys_its_schema),
        TEST(markdown_keeps_data_in_its_cells),
        TEST(two_directories_join),
        TEST(terminal_fits_and_is_plain_in_a_pipe),
        TEST(progress_is_silent_in_a_pipe),
        TEST(each_allocation_refused_once),
        TEST(outputs_that_cannot_be_written_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
