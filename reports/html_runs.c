/* html_runs: the table of a query's runs, and for each run with events the data of its timeline as JSON. */
#include "reports/html_page.h"

#include "reports/json_write.h"
#include "reports/text.h"
#include "reports/timeline.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t run_time(const struct od_record_run *run)
{
    return run->virtual_ns > 0 ? run->virtual_ns : run->wall_ns;
}

static void write_schedule(struct od_page *page, const struct od_record_run *run)
{
    if (run->schedule.count == 0)
        od_page_put(page, run->disturbed ? "<span class=\"dim\">faults not described</span>"
                                         : "<span class=\"dim\">undisturbed</span>");
    for (uint32_t i = 0; i < run->schedule.count; i++) {
        od_page_put(page, i > 0 ? "<br>" : "");
        od_page_text(page, run->schedule.items[i]);
    }
    if (run->property != NULL || run->message != NULL) {
        od_page_put(page, "<p class=\"why\"><strong>");
        od_page_text(page, run->property);
        od_page_put(page, "</strong> ");
        od_page_text(page, run->message);
        od_page_put(page, "</p>");
    }
    if (run->replay != NULL && run->verdict != OD_RECORD_HELD) {
        od_page_put(page, "<code>");
        od_page_text(page, run->replay);
        od_page_put(page, "</code>");
    }
}

static void write_time(struct od_page *page, uint64_t ns)
{
    od_page_print(page, "<td class=\"n\" data-value=\"%" PRIu64 "\">%s</td>", ns, od_measure_ns(ns).text);
}

static void write_run(struct od_page *page, const struct od_record_run *run)
{
    od_page_print(page, "<tr id=\"run-%" PRIu64 "\" data-verdict=\"%s\"><td>", run->run_index,
                  od_record_verdict_text(run->verdict));
    od_page_badge(page, run->verdict);
    if (run->timeline)
        od_page_print(page, " <a class=\"show\" href=\"#timeline-%u\" data-run=\"%" PRIu64 "\">timeline</a>",
                      page->query_key, run->run_index);
    od_page_put(page, "</td><td>");
    od_page_text(page, run->deployment);
    od_page_print(page, "</td><td class=\"n\">%" PRIu64 "</td><td class=\"schedule\">", run->schedule_index);
    write_schedule(page, run);
    od_page_print(page, "</td><td class=\"n\">%s</td>", od_measure_count(run->faults_fired).text);
    write_time(page, run_time(run));
    write_time(page, run->recovery_ns);
    write_time(page, run->repair_ns);
    od_page_print(
        page, "<td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%" PRIu64 "</td></tr>\n",
        od_measure_count(run->recomputed_tasks).text, od_measure_count(run->retries).text, run->seed);
}

/* The picture above the table: time of each run, drawn by the script from the table's own numbers. */
static void write_table(struct od_page *page, const struct od_record_query *query)
{
    struct od_record_counts counts = od_record_count_query(query);
    od_page_print(
        page,
        "<h4>Runs</h4>\n<p>%s held, %s failed, %s undecided. <span class=\"dim\">Time is virtual in sim, "
        "wall time elsewhere; recovery is the time beyond the undisturbed run, repair the time in which "
        "something lost was not yet made good.</span></p>\n"
        "<div class=\"chart\" data-key=\"%u\"></div>\n<div class=\"tools\" data-key=\"%u\"></div>\n",
        od_measure_count(counts.verdicts[OD_RECORD_HELD]).text,
        od_measure_count(counts.verdicts[OD_RECORD_FAILED]).text,
        od_measure_count(counts.verdicts[OD_RECORD_UNDECIDED]).text, page->query_key, page->query_key);
    od_page_print(
        page,
        "<div class=\"wide tall\" tabindex=\"0\" role=\"region\" aria-label=\"Table of runs\"><table "
        "class=\"runs sortable\" "
        "id=\"runs-%u\">\n<thead><tr><th>verdict</th><th>deployment</th><th class=\"n\">schedule</th>"
        "<th>faults planned</th><th class=\"n\">fired</th>",
        page->query_key);
    od_page_put(page, "<th class=\"n\">time</th><th class=\"n\">recovery</th><th class=\"n\">repair</th>"
                      "<th class=\"n\">recomputed</th><th class=\"n\">retries</th>"
                      "<th class=\"n\">seed</th></tr></thead>\n<tbody>\n");
    for (uint32_t i = 0; i < query->runs.count; i++)
        write_run(page, query->runs.items[i]);
    od_page_put(page, "</tbody></table></div>\n");
}

static void write_spans(struct od_json *json, const struct od_timeline *timeline)
{
    od_json_open(json, "spans", '[');
    for (size_t i = 0; i < timeline->span_count; i++) {
        const struct od_span *span = &timeline->spans[i];
        od_json_open(json, NULL, '{');
        od_json_number(json, "x", span->executor == OD_REPORT_NONE ? 0 : span->executor);
        od_json_number(json, "lane", span->lane);
        od_json_number(json, "stage", span->stage);
        od_json_number(json, "task", span->task);
        od_json_number(json, "attempt", span->attempt == OD_REPORT_NONE ? 0 : span->attempt);
        od_json_number(json, "from", span->start_ns - timeline->start_ns);
        od_json_number(json, "to", span->end_ns - timeline->start_ns);
        od_json_text(json, "outcome", od_span_outcome_text(span->outcome));
        if (span->text != NULL)
            od_json_text(json, "why", span->text);
        od_json_close(json, '}');
    }
    od_json_close(json, ']');
}

static void write_marks(struct od_json *json, const struct od_timeline *timeline)
{
    od_json_open(json, "marks", '[');
    for (size_t i = 0; i < timeline->mark_count; i++) {
        const struct od_mark *mark = &timeline->marks[i];
        od_json_open(json, NULL, '{');
        od_json_number(json, "at", mark->time_ns - timeline->start_ns);
        od_json_number(json, "x", mark->executor == OD_REPORT_NONE ? 0 : mark->executor);
        od_json_text(json, "kind", mark->kind);
        od_json_text(json, "text", mark->text);
        od_json_close(json, '}');
    }
    od_json_close(json, ']');
}

static void write_timeline(struct od_page *page, struct od_json *json, const struct od_record_run *run)
{
    struct od_timeline timeline;
    struct od_arena timeline_arena;
    char label[120];
    od_arena_init(&timeline_arena, page->report->memory, 0);
    if (od_timeline_build(&timeline_arena, &page->report->events, run->run_index, &timeline, NULL) != OD_OK) {
        page->refused = true;
        goto done;
    }
    snprintf(label, sizeof(label),
             run->disturbed ? "%.40s, schedule %" PRIu64 ", %s" : "%.40s, undisturbed %" PRIu64 ", %s",
             run->deployment == NULL ? "run" : run->deployment, run->schedule_index,
             od_record_verdict_text(run->verdict));
    od_json_open(json, NULL, '{');
    od_json_number(json, "run", run->run_index);
    od_json_text(json, "label", label);
    od_json_text(json, "verdict", od_record_verdict_text(run->verdict));
    od_json_bool(json, "disturbed", run->disturbed);
    od_json_number(json, "executors", timeline.executor_last);
    od_json_number(json, "end", timeline.end_ns - timeline.start_ns);
    write_spans(json, &timeline);
    write_marks(json, &timeline);
    od_json_close(json, '}');
done:
    od_arena_release(&timeline_arena);
}

static void write_timelines(struct od_page *page, const struct od_record_query *query)
{
    uint32_t with_events = 0;
    for (uint32_t i = 0; i < query->runs.count; i++)
        with_events += query->runs.items[i]->timeline;
    if (with_events == 0)
        return;
    od_page_print(
        page,
        "<h4>Timeline</h4>\n<div class=\"timeline\" id=\"timeline-%u\"><noscript>The timeline needs "
        "JavaScript; its events are in events.jsonl.</noscript></div>\n"
        "<script type=\"application/json\" class=\"timeline-data\" data-key=\"%u\">",
        page->query_key, page->query_key);
    struct od_json json = {.out = page->out, .inside_html = true};
    od_json_open(&json, NULL, '[');
    for (uint32_t i = 0; i < query->runs.count; i++) {
        if (query->runs.items[i]->timeline)
            write_timeline(page, &json, query->runs.items[i]);
    }
    od_json_close(&json, ']');
    od_page_put(page, "</script>\n");
}

void od_page_runs(struct od_page *page, const struct od_record_query *query)
{
    if (query->runs.count == 0) {
        od_page_put(page, "<h4>Runs</h4>\n<p>None yet.</p>\n");
        return;
    }
    write_timelines(page, query);
    write_table(page, query);
}
