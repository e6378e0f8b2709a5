/* markdown: the verdict for a pull request or a chat: a headline, one table of queries, and each failure with
 * what repeats it. GitHub's flavour; data is escaped so that it can neither open markup nor leave its cell.
 */
#include "reports/report.h"
#include "reports/text.h"

#include <string.h>

#define FAILURES_SHOWN 20

/* Backslash before ASCII punctuation with a meaning (CommonMark, section 2.4); line ends become spaces;
 * markup is escaped. */
static void plain(struct od_buffer *out, const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        char character = *text;
        if (character == '\n' || character == '\r' || character == '\t')
            od_buffer_append_text(out, " ");
        else if ((unsigned char)character < 0x20 || character == 0x7f)
            od_buffer_append_text(out, "\xef\xbf\xbd");
        else if (character == '<' || character == '>' || character == '&')
            od_buffer_print(out, "&#%d;", character);
        else if (strchr("\\`*_{}[]()#+-!|~", character) != NULL)
            od_buffer_print(out, "\\%c", character);
        else
            od_buffer_append(out, &character, 1);
    }
}

/* A fence longer than any run of backticks inside (CommonMark, section 4.5). */
static void fenced(struct od_buffer *out, const char *language, const char *text)
{
    size_t longest = 2;
    size_t run = 0;
    for (const char *at = text; *at != '\0'; at++) {
        run = *at == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (size_t i = 0; i <= longest; i++)
        od_buffer_append_text(out, "`");
    od_buffer_print(out, "%s\n", language);
    for (const char *at = text; *at != '\0'; at++) {
        bool control = ((unsigned char)*at < 0x20 && *at != '\n' && *at != '\t') || *at == 0x7f;
        if (control)
            od_buffer_append_text(out, "\xef\xbf\xbd");
        else
            od_buffer_append(out, at, 1);
    }
    od_buffer_append_text(out, "\n");
    for (size_t i = 0; i <= longest; i++)
        od_buffer_append_text(out, "`");
    od_buffer_append_text(out, "\n\n");
}

static void write_head(const struct od_report *report, struct od_buffer *out)
{
    const struct od_record *record = report->record;
    struct od_record_counts counts = od_record_count(record);
    static const char *const headlines[] = {
        [OD_RECORD_HELD] = "held",
        [OD_RECORD_FAILED] = "**FAILED**",
        [OD_RECORD_UNDECIDED] = "**undecided**",
    };
    od_buffer_print(out, "## Ordeal: %s\n\n", headlines[od_record_overall(record)]);
    od_buffer_print(
        out, "%s runs of %s queries in %s scenarios: %s held, %s failed, %s undecided; %s faults fired.\n\n",
        od_measure_count(counts.runs).text, od_measure_count(counts.queries).text,
        od_measure_count(counts.scenarios).text, od_measure_count(counts.verdicts[OD_RECORD_HELD]).text,
        od_measure_count(counts.verdicts[OD_RECORD_FAILED]).text,
        od_measure_count(counts.verdicts[OD_RECORD_UNDECIDED]).text,
        od_measure_count(counts.faults_fired).text);
    for (uint32_t i = 0; i < report->notes.count; i++) {
        od_buffer_append_text(out, "> ");
        plain(out, report->notes.items[i]);
        od_buffer_append_text(out, "\n\n");
    }
}

static void write_query(struct od_buffer *out, const struct od_record_scenario *scenario,
                        const struct od_record_query *query)
{
    struct od_record_counts counts = od_record_count_query(query);
    od_buffer_append_text(out, "| ");
    plain(out, scenario->name);
    od_buffer_append_text(out, " | ");
    plain(out, query->name);
    od_buffer_print(out, " | %s | %s | %s | %s | %s | %s |\n", od_measure_count(query->answer_rows).text,
                    od_measure_count(counts.runs).text,
                    od_measure_count(counts.verdicts[OD_RECORD_HELD]).text,
                    od_measure_count(counts.verdicts[OD_RECORD_FAILED]).text,
                    od_measure_count(counts.verdicts[OD_RECORD_UNDECIDED]).text,
                    od_measure_count(counts.faults_fired).text);
}

static void write_failure(struct od_buffer *out, const struct od_record_scenario *scenario,
                          const struct od_record_query *query, const struct od_record_run *run)
{
    od_buffer_append_text(out, "### ");
    plain(out, scenario->name);
    od_buffer_append_text(out, " / ");
    plain(out, query->name);
    od_buffer_print(out, ": %s", od_record_verdict_text(run->verdict));
    if (run->property != NULL) {
        od_buffer_append_text(out, " ");
        plain(out, run->property);
    }
    od_buffer_append_text(out, "\n\n");
    plain(out, run->message);
    od_buffer_append_text(out, "\n\n");
    for (uint32_t i = 0; i < run->schedule.count; i++) {
        od_buffer_append_text(out, "- fault: ");
        plain(out, run->schedule.items[i]);
        od_buffer_append_text(out, "\n");
    }
    od_buffer_append_text(out, "- ");
    plain(out, run->deployment);
    od_buffer_print(out, ", schedule %llu, seed %llu\n\n", (unsigned long long)run->schedule_index,
                    (unsigned long long)run->seed);
    if (run->replay != NULL)
        fenced(out, "sh", run->replay);
}

/* Calls write_failure for the first FAILURES_SHOWN runs that did not hold, and says how many are left out. */
static void write_failures(const struct od_record *record, struct od_buffer *out)
{
    uint64_t found = 0;
    for (uint32_t i = 0; i < record->scenarios.count; i++) {
        const struct od_record_scenario *scenario = record->scenarios.items[i];
        for (uint32_t k = 0; k < scenario->queries.count; k++) {
            const struct od_record_query *query = scenario->queries.items[k];
            for (uint32_t m = 0; m < query->runs.count; m++) {
                if (query->runs.items[m]->verdict == OD_RECORD_HELD)
                    continue;
                if (found++ < FAILURES_SHOWN)
                    write_failure(out, scenario, query, query->runs.items[m]);
            }
        }
    }
    if (found > FAILURES_SHOWN)
        od_buffer_print(out, "%s more are in report.html.\n\n",
                        od_measure_count(found - FAILURES_SHOWN).text);
}

enum od_status od_report_markdown(const struct od_report *report, struct od_buffer *out,
                                  struct od_error *error)
{
    const struct od_record *record = report->record;
    write_head(report, out);
    od_buffer_append_text(
        out, "| scenario | query | answer rows | runs | held | failed | undecided | faults fired |\n"
             "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (uint32_t i = 0; i < record->scenarios.count; i++) {
        const struct od_record_scenario *scenario = record->scenarios.items[i];
        for (uint32_t k = 0; k < scenario->queries.count; k++)
            write_query(out, scenario, scenario->queries.items[k]);
    }
    od_buffer_append_text(out, "\n");
    write_failures(record, out);
    od_buffer_append_text(out, "Engine ");
    plain(out, record->engine == NULL ? "unknown" : record->engine);
    if (od_record_has_one_seed(record))
        od_buffer_print(out, ", seed %llu", (unsigned long long)record->seed);
    od_buffer_print(out, ", started %s. ", od_measure_moment(record->started_unix_ms).text);
    if (record->command != NULL) {
        od_buffer_append_text(out, "Command:\n\n");
        fenced(out, "sh", record->command);
    }
    return out->failed ? od_fail(error, OD_NO_MEMORY, "rendering Markdown") : OD_OK;
}
