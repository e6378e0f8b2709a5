/* junit: verdicts for CI systems. One <testsuite> per query of a scenario, one <testcase> per run.
 *
 *   failed    <failure type="H1" message="...">  schedule, seed, replay command
 *   undecided <error type="undecided" ...>       not a failure of the engine, but not held either
 *   a query without runs in a record that was cut off: one <skipped> case, so that it does not look complete
 *
 * The order of elements is that of the schema which Jenkins, GitLab and Azure share (junit-10.xsd): in a
 * suite properties, testcases, system-out; in a case skipped, error or failure first. */
#include "reports/report.h"
#include "reports/text.h"

#include <stdio.h>

static void attribute(struct od_buffer *out, const char *name, const char *value)
{
    od_buffer_print(out, " %s=\"", name);
    od_text_markup(out, value);
    od_buffer_append_text(out, "\"");
}

static void property(struct od_buffer *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    od_buffer_append_text(out, "      <property");
    attribute(out, "name", name);
    attribute(out, "value", value);
    od_buffer_append_text(out, "/>\n");
}

static void write_properties(struct od_buffer *out, const struct od_record *record,
                             const struct od_record_query *query)
{
    char seed[24];
    snprintf(seed, sizeof(seed), "%llu", (unsigned long long)record->seed);
    od_buffer_append_text(out, "    <properties>\n");
    property(out, "run", record->id);
    property(out, "engine", record->engine);
    property(out, "version", record->version);
    property(out, "build_id", record->build_id);
    property(out, "seed", seed);
    property(out, "answer_digest", query->answer_digest);
    od_buffer_append_text(out, "    </properties>\n");
}

/* What a person needs to repeat the run. */
static void write_story(struct od_buffer *out, const struct od_record_run *run)
{
    if (run->message != NULL) {
        od_text_markup(out, run->message);
        od_buffer_append_text(out, "\n");
    }
    for (uint32_t i = 0; i < run->schedule.count; i++) {
        od_buffer_append_text(out, "fault: ");
        od_text_markup(out, run->schedule.items[i]);
        od_buffer_append_text(out, "\n");
    }
    od_buffer_print(out, "seed: %llu\n", (unsigned long long)run->seed);
    if (run->replay != NULL) {
        od_buffer_append_text(out, "replay: ");
        od_text_markup(out, run->replay);
        od_buffer_append_text(out, "\n");
    }
}

static void write_problem(struct od_buffer *out, const struct od_record_run *run)
{
    bool failed = run->verdict == OD_RECORD_FAILED;
    const char *element = failed ? "failure" : "error";
    const char *type = !failed ? "undecided" : run->property == NULL ? "failed" : run->property;
    od_buffer_print(out, "      <%s", element);
    attribute(out, "type", type);
    attribute(out, "message", run->message == NULL ? type : run->message);
    od_buffer_append_text(out, ">");
    write_story(out, run);
    od_buffer_print(out, "</%s>\n", element);
}

static void write_case(struct od_buffer *out, const char *class_name, const struct od_record_run *run)
{
    char name[80];
    snprintf(name, sizeof(name), run->disturbed ? "%.40s schedule %llu" : "%.40s undisturbed %llu",
             run->deployment == NULL ? "run" : run->deployment, (unsigned long long)run->schedule_index);
    od_buffer_append_text(out, "    <testcase");
    attribute(out, "name", name);
    attribute(out, "classname", class_name);
    attribute(out, "time", od_measure_seconds(run->wall_ns).text);
    if (run->verdict == OD_RECORD_HELD) {
        od_buffer_append_text(out, "/>\n");
        return;
    }
    od_buffer_append_text(out, ">\n");
    write_problem(out, run);
    od_buffer_append_text(out, "    </testcase>\n");
}

static uint64_t wall_of(const struct od_record_query *query)
{
    uint64_t wall_ns = 0;
    for (uint32_t i = 0; i < query->runs.count; i++)
        wall_ns += query->runs.items[i]->wall_ns;
    return wall_ns;
}

/* A query that no run has judged becomes one skipped case. */
static void write_totals(struct od_buffer *out, const struct od_record_counts *counts, uint64_t skipped,
                         uint64_t wall_ns)
{
    od_buffer_print(out, " tests=\"%llu\" failures=\"%llu\" errors=\"%llu\" skipped=\"%llu\"",
                    (unsigned long long)(counts->runs + skipped),
                    (unsigned long long)counts->verdicts[OD_RECORD_FAILED],
                    (unsigned long long)counts->verdicts[OD_RECORD_UNDECIDED], (unsigned long long)skipped);
    attribute(out, "time", od_measure_seconds(wall_ns).text);
}

static void write_suite(struct od_buffer *out, const struct od_record *record, const char *class_name,
                        const struct od_record_query *query)
{
    struct od_record_counts counts = od_record_count_query(query);
    char moment[32];
    snprintf(moment, sizeof(moment), "%.19s", od_measure_moment(record->started_unix_ms).text);
    if (moment[10] == ' ')
        moment[10] = 'T';
    od_buffer_append_text(out, "  <testsuite");
    attribute(out, "name", class_name);
    write_totals(out, &counts, counts.runs == 0, wall_of(query));
    if (record->started_unix_ms > 0)
        attribute(out, "timestamp", moment);
    if (record->host != NULL)
        attribute(out, "hostname", record->host);
    od_buffer_append_text(out, ">\n");
    write_properties(out, record, query);
    for (uint32_t i = 0; i < query->runs.count; i++)
        write_case(out, class_name, query->runs.items[i]);
    if (counts.runs == 0) {
        od_buffer_append_text(out, "    <testcase name=\"all\"");
        attribute(out, "classname", class_name);
        od_buffer_append_text(
            out, " time=\"0\"><skipped message=\"the run ended before this query\"/></testcase>\n");
    }
    od_buffer_append_text(out, "  </testsuite>\n");
}

enum od_status od_report_junit(const struct od_report *report, struct od_buffer *out, struct od_error *error)
{
    const struct od_record *record = report->record;
    struct od_record_counts counts = od_record_count(record);
    struct od_buffer class_name;
    bool refused = false;
    uint64_t wall_ns = 0;
    uint64_t skipped = 0;
    od_buffer_init(&class_name, report->memory);
    for (uint32_t i = 0; i < record->scenarios.count; i++) {
        const struct od_record_scenario *scenario = record->scenarios.items[i];
        for (uint32_t k = 0; k < scenario->queries.count; k++) {
            wall_ns += wall_of(scenario->queries.items[k]);
            skipped += scenario->queries.items[k]->runs.count == 0;
        }
    }
    od_buffer_append_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ordeal\"");
    write_totals(out, &counts, skipped, wall_ns);
    od_buffer_append_text(out, ">\n");
    for (uint32_t i = 0; i < record->scenarios.count; i++) {
        const struct od_record_scenario *scenario = record->scenarios.items[i];
        for (uint32_t k = 0; k < scenario->queries.count; k++) {
            const struct od_record_query *query = scenario->queries.items[k];
            od_buffer_reset(&class_name);
            od_buffer_print(&class_name, "%s.%s", scenario->name == NULL ? "scenario" : scenario->name,
                            query->name == NULL ? "query" : query->name);
            refused = refused || class_name.failed;
            write_suite(out, record, od_buffer_text(&class_name), query);
        }
    }
    od_buffer_append_text(out, "</testsuites>\n");
    od_buffer_release(&class_name);
    return out->failed || refused ? od_fail(error, OD_NO_MEMORY, "rendering JUnit") : OD_OK;
}
