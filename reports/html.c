/* html: report.html, one file that opens offline.
 *
 *   verdict -> what did not hold -> overview of queries -> per scenario: tables, queries (html_query.c,
 * html_runs.c)
 *           -> what ran where
 *
 * All facts are in the markup, so that the page reads and prints without its script; the script (page.js)
 * adds sorting, filtering and the timelines, whose data lie beside them as JSON. A content policy forbids the
 * page to load anything. */
#include "reports/html_page.h"

#include "reports/html_assets.h"
#include "reports/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define PROBLEMS_SHOWN 50

void od_page_put(struct od_page *page, const char *markup)
{
    od_buffer_append_text(page->out, markup);
}

void od_page_print(struct od_page *page, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    od_buffer_append_text(page->out, text);
}

void od_page_text(struct od_page *page, const char *text)
{
    od_text_markup(page->out, text);
}

void od_page_badge(struct od_page *page, enum od_record_verdict verdict)
{
    const char *word = od_record_verdict_text(verdict);
    od_page_print(page, "<span class=\"badge %s\">%s</span>", word, word);
}

static void write_head(struct od_page *page)
{
    od_page_put(page,
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n<title>Ordeal: ");
    od_page_put(page, od_record_verdict_text(od_record_overall(page->report->record)));
    od_page_put(page, "</title>\n<style>\n");
    od_buffer_append(page->out, od_page_css, (size_t)(od_page_css_end - od_page_css));
    od_page_put(page,
                "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the results</a>\n");
}

static void write_number(struct od_page *page, const char *label, uint64_t number)
{
    od_page_print(page, "<div><dt>%s</dt><dd>%s</dd></div>\n", label, od_measure_count(number).text);
}

static void write_headline(struct od_page *page, enum od_record_verdict verdict,
                           const struct od_record_counts *counts)
{
    const struct od_record *record = page->report->record;
    if (verdict == OD_RECORD_FAILED)
        od_page_print(page, "%s of %s runs failed", od_measure_count(counts->verdicts[OD_RECORD_FAILED]).text,
                      od_measure_count(counts->runs).text);
    else if (verdict == OD_RECORD_HELD)
        od_page_print(page, "All %s runs held", od_measure_count(counts->runs).text);
    else if (record->state != OD_RECORD_FINISHED)
        od_page_print(page, "Not finished: %s runs so far, none failed", od_measure_count(counts->runs).text);
    else if (counts->runs == 0)
        od_page_put(page, "Nothing was judged");
    else
        od_page_print(page, "%s of %s runs could not be judged",
                      od_measure_count(counts->verdicts[OD_RECORD_UNDECIDED]).text,
                      od_measure_count(counts->runs).text);
}

static void write_banner(struct od_page *page)
{
    const struct od_record *record = page->report->record;
    struct od_record_counts counts = od_record_count(record);
    enum od_record_verdict verdict = od_record_overall(record);
    od_page_print(page, "<header class=\"banner %s\">\n<p class=\"product\">Ordeal report</p>\n<h1>",
                  od_record_verdict_text(verdict));
    write_headline(page, verdict, &counts);
    od_page_put(page, "</h1>\n<p class=\"subtitle\">Engine ");
    od_page_text(page, record->engine == NULL ? "not named" : record->engine);
    if (od_record_has_one_seed(record))
        od_page_print(page, ", seed %" PRIu64, record->seed);
    od_page_print(page, ", started %s", od_measure_moment(record->started_unix_ms).text);
    if (record->ended_unix_ms > record->started_unix_ms)
        od_page_print(page, ", took %s",
                      od_measure_ns((record->ended_unix_ms - record->started_unix_ms) * 1000000).text);
    od_page_put(page, "</p>\n<dl class=\"numbers\">\n");
    write_number(page, "scenarios", counts.scenarios);
    write_number(page, "queries", counts.queries);
    write_number(page, "undisturbed runs", counts.undisturbed);
    write_number(page, "disturbed runs", counts.runs - counts.undisturbed);
    write_number(page, "faults fired", counts.faults_fired);
    write_number(page, "tasks recomputed", counts.recomputed_tasks);
    write_number(page, "retries", counts.retries);
    od_page_put(page, "</dl>\n</header>\n");
    for (uint32_t i = 0; i < page->report->notes.count; i++) {
        od_page_put(page, "<p class=\"note\" role=\"note\">");
        od_page_text(page, page->report->notes.items[i]);
        od_page_put(page, "</p>\n");
    }
}

static void write_problem(struct od_page *page, const struct od_record_scenario *scenario,
                          const struct od_record_query *query, const struct od_record_run *run)
{
    od_page_put(page, "<li>");
    od_page_badge(page, run->verdict);
    od_page_print(page, " <a href=\"#run-%" PRIu64 "\">", run->run_index);
    od_page_text(page, scenario->name);
    od_page_put(page, " / ");
    od_page_text(page, query->name);
    od_page_put(page, ", ");
    od_page_text(page, run->deployment);
    od_page_print(page, " schedule %" PRIu64 "</a>", run->schedule_index);
    if (run->property != NULL) {
        od_page_put(page, " property <strong>");
        od_page_text(page, run->property);
        od_page_put(page, "</strong>");
    }
    if (run->message != NULL) {
        od_page_put(page, "<br>");
        od_page_text(page, run->message);
    }
    if (run->replay != NULL) {
        od_page_put(page, "<br><code>");
        od_page_text(page, run->replay);
        od_page_put(page, "</code>");
    }
    od_page_put(page, "</li>\n");
}

static void write_problems(struct od_page *page)
{
    const struct od_record *record = page->report->record;
    struct od_record_counts counts = od_record_count(record);
    uint64_t problems = counts.runs - counts.verdicts[OD_RECORD_HELD];
    uint64_t found = 0;
    if (problems == 0)
        return;
    od_page_put(page, "<section class=\"problems\" aria-labelledby=\"problems\">\n<h2 id=\"problems\">What "
                      "did not hold</h2>\n<ul>\n");
    for (uint32_t i = 0; i < record->scenarios.count; i++) {
        const struct od_record_scenario *scenario = record->scenarios.items[i];
        for (uint32_t k = 0; k < scenario->queries.count; k++) {
            const struct od_record_query *query = scenario->queries.items[k];
            for (uint32_t m = 0; m < query->runs.count; m++) {
                if (query->runs.items[m]->verdict != OD_RECORD_HELD && found++ < PROBLEMS_SHOWN)
                    write_problem(page, scenario, query, query->runs.items[m]);
            }
        }
    }
    od_page_put(page, "</ul>\n");
    if (found > PROBLEMS_SHOWN)
        od_page_print(page, "<p>%s more are in the tables of runs below.</p>\n",
                      od_measure_count(found - PROBLEMS_SHOWN).text);
    od_page_put(page, "</section>\n");
}

static enum od_record_verdict query_verdict(const struct od_record_counts *counts)
{
    if (counts->verdicts[OD_RECORD_FAILED] > 0)
        return OD_RECORD_FAILED;
    return counts->verdicts[OD_RECORD_UNDECIDED] > 0 || counts->runs == 0 ? OD_RECORD_UNDECIDED
                                                                          : OD_RECORD_HELD;
}

static void write_overview_row(struct od_page *page, const struct od_record_scenario *scenario,
                               const struct od_record_query *query, uint32_t key)
{
    struct od_record_counts counts = od_record_count_query(query);
    od_page_put(page, "<tr><td>");
    od_page_badge(page, query_verdict(&counts));
    od_page_put(page, "</td><td>");
    od_page_text(page, scenario->name);
    od_page_print(page, "</td><td><a href=\"#query-%u\">", key);
    od_page_text(page, query->name);
    od_page_print(page,
                  "</a></td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td "
                  "class=\"n\">%s</td>",
                  od_measure_count(query->answer_rows).text, od_measure_count(counts.runs).text,
                  od_measure_count(counts.verdicts[OD_RECORD_HELD]).text,
                  od_measure_count(counts.faults_fired).text);
    od_page_print(page, "<td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n",
                  od_measure_count(counts.recomputed_tasks).text, od_measure_ns(counts.repair_worst_ns).text,
                  od_measure_ns(counts.recovery_worst_ns).text);
}

static void write_overview(struct od_page *page)
{
    const struct od_record *record = page->report->record;
    uint32_t key = 0;
    od_page_put(
        page, "<section aria-labelledby=\"overview\">\n<h2 id=\"overview\">Queries</h2>\n<div class=\"wide\">"
              "<table class=\"sortable\">\n<thead><tr><th>verdict</th><th>scenario</th><th>query</th>"
              "<th class=\"n\">answer rows</th><th class=\"n\">runs</th><th class=\"n\">held</th>"
              "<th class=\"n\">faults fired</th><th class=\"n\">tasks recomputed</th>"
              "<th class=\"n\">longest repair</th><th class=\"n\">longest recovery</th></tr></thead>\n<tbody>\n");
    for (uint32_t i = 0; i < record->scenarios.count; i++) {
        const struct od_record_scenario *scenario = record->scenarios.items[i];
        for (uint32_t k = 0; k < scenario->queries.count; k++)
            write_overview_row(page, scenario, scenario->queries.items[k], ++key);
    }
    od_page_put(page, "</tbody></table></div>\n</section>\n");
}

static void write_table_of_scenario(struct od_page *page, const struct od_record_table *table)
{
    od_page_put(page, "<tr><td>");
    od_page_text(page, table->name);
    od_page_print(page, "</td><td class=\"n\">%s</td><td>", od_measure_count(table->rows).text);
    for (uint32_t i = 0; i < table->columns.count; i++) {
        od_page_put(page, i > 0 ? ", " : "");
        od_page_text(page, table->columns.items[i]);
    }
    od_page_put(page, "</td><td>");
    od_page_text(page, table->source);
    od_page_put(page, "</td></tr>\n");
}

static void write_scenario(struct od_page *page, const struct od_record_scenario *scenario, uint32_t index)
{
    od_page_print(page,
                  "<section class=\"scenario\" aria-labelledby=\"scenario-%u\">\n<h2 id=\"scenario-%u\">",
                  index, index);
    od_page_text(page, scenario->title == NULL ? scenario->name : scenario->title);
    od_page_put(page, "</h2>\n<p>");
    od_page_text(page, scenario->description);
    if (scenario->file != NULL) {
        od_page_put(page, " <span class=\"dim\">");
        od_page_text(page, scenario->file);
        od_page_print(page, ", seed %" PRIu64, scenario->seed);
        od_page_put(page, "</span>");
    }
    od_page_put(page, "</p>\n");
    if (scenario->tables.count > 0) {
        od_page_print(
            page,
            "<details><summary>%u table%s</summary><div class=\"wide\"><table><thead><tr><th>table</th>"
            "<th class=\"n\">rows</th><th>columns</th><th>source</th></tr></thead><tbody>\n",
            scenario->tables.count, scenario->tables.count == 1 ? "" : "s");
        for (uint32_t i = 0; i < scenario->tables.count; i++)
            write_table_of_scenario(page, scenario->tables.items[i]);
        od_page_put(page, "</tbody></table></div></details>\n");
    }
    for (uint32_t i = 0; i < scenario->queries.count; i++) {
        page->query_key++;
        od_page_query(page, scenario, scenario->queries.items[i]);
    }
    od_page_put(page, "</section>\n");
}

static void write_fact(struct od_page *page, const char *label, const char *text)
{
    if (text == NULL)
        return;
    od_page_print(page, "<tr><th scope=\"row\">%s</th><td>", label);
    od_page_text(page, text);
    od_page_put(page, "</td></tr>\n");
}

static void write_facts(struct od_page *page)
{
    const struct od_record *record = page->report->record;
    char cores[32];
    snprintf(cores, sizeof(cores), "%" PRIu64, record->cores);
    od_page_put(page, "<section aria-labelledby=\"facts\">\n<h2 id=\"facts\">What ran, where</h2>\n<div "
                      "class=\"wide\"><table "
                      "class=\"facts\"><tbody>\n");
    write_fact(page, "command", record->command);
    write_fact(page, "run", record->id);
    write_fact(page, "state", od_record_state_text(record->state));
    write_fact(page, "ordeal", record->version);
    write_fact(page, "build", record->build_id);
    write_fact(page, "compiler", record->compiler);
    write_fact(page, "engine", record->engine);
    write_fact(page, "host", record->host);
    write_fact(page, "system", record->os);
    write_fact(page, "cores", record->cores == 0 ? NULL : cores);
    od_page_put(page, "</tbody></table></div>\n</section>\n");
}

static void write_end(struct od_page *page)
{
    od_page_put(page,
                "</main>\n<script>/* D3 3.5, https://d3js.org, Copyright Michael Bostock, BSD 3-clause */\n");
    od_buffer_append(page->out, od_page_d3, (size_t)(od_page_d3_end - od_page_d3));
    od_page_put(page, "\n</script>\n<script>\n");
    od_buffer_append(page->out, od_page_js, (size_t)(od_page_js_end - od_page_js));
    od_page_put(page, "</script>\n</body>\n</html>\n");
}

enum od_status od_report_html(const struct od_report *report, struct od_buffer *out, struct od_error *error)
{
    struct od_page page = {.out = out, .report = report};
    write_head(&page);
    write_banner(&page);
    od_page_put(&page, "<main id=\"main\">\n");
    write_problems(&page);
    write_overview(&page);
    for (uint32_t i = 0; i < report->record->scenarios.count; i++)
        write_scenario(&page, report->record->scenarios.items[i], i + 1);
    write_facts(&page);
    write_end(&page);
    return out->failed || page.refused ? od_fail(error, OD_NO_MEMORY, "rendering HTML") : OD_OK;
}
