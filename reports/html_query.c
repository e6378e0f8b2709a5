/* html_query: one query: the question, the SQL, the first rows of its answer, the graph of its stages, its
 * plan. */
#include "reports/html_page.h"

#include "reports/graph.h"
#include "reports/text.h"

#include <inttypes.h>

static void write_answer_rows(struct od_page *page, const struct od_record_query *query)
{
    od_page_put(page, "<div class=\"wide\"><table class=\"answer\"><thead><tr>");
    for (uint32_t i = 0; i < query->columns.count; i++) {
        od_page_put(page, "<th>");
        od_page_text(page, query->columns.items[i]);
        od_page_put(page, "</th>");
    }
    od_page_put(page, "</tr></thead><tbody>\n");
    for (uint32_t i = 0; i < query->rows.count; i++) {
        const struct od_record_row *row = query->rows.items[i];
        od_page_put(page, "<tr>");
        for (uint32_t k = 0; k < row->cells.count; k++) {
            od_page_put(page, "<td>");
            od_page_text(page, row->cells.items[k]);
            od_page_put(page, "</td>");
        }
        od_page_put(page, "</tr>\n");
    }
    od_page_put(page, "</tbody></table></div>\n");
}

static void write_answer(struct od_page *page, const struct od_record_query *query)
{
    od_page_put(page, "<div class=\"answer-part\">\n<h4>Answer</h4>\n");
    if (query->rows.count > 0)
        write_answer_rows(page, query);
    od_page_print(page, "<p class=\"dim\">%s row%s", od_measure_count(query->answer_rows).text,
                  query->answer_rows == 1 ? "" : "s");
    if (query->rows.count > 0 && query->rows.count < query->answer_rows)
        od_page_print(page, ", the first %u shown", query->rows.count);
    if (query->answer_digest != NULL) {
        od_page_put(page, "; digest <code>");
        od_page_text(page, query->answer_digest);
        od_page_put(page, "</code>");
    }
    if (query->oracle != NULL) {
        od_page_put(page, "; ");
        od_page_text(page, query->oracle);
    }
    od_page_put(page, "</p>\n</div>\n");
}

/* " (12,345 rows, 1.2 MiB spilled, 3.4 ms)" */
static void write_measured(struct od_page *page, const struct od_record_operator *measured)
{
    od_page_print(page, " (%s rows", od_measure_count(measured->rows).text);
    if (measured->spilled_bytes > 0)
        od_page_print(page, ", %s spilled", od_measure_bytes(measured->spilled_bytes).text);
    if (measured->time_ns > 0)
        od_page_print(page, ", %s", od_measure_ns(measured->time_ns).text);
    od_page_put(page, ")");
}

static void write_stage(struct od_page *page, const struct od_record_stage *stage)
{
    od_page_print(page, "<tr><td class=\"n\">%" PRIu64 "</td><td>", stage->stage);
    od_page_text(page, stage->name);
    od_page_put(page, stage->name != NULL && stage->operators.count > 0 ? ": " : "");
    for (uint32_t i = 0; i < stage->operators.count; i++) {
        od_page_put(page, i > 0 ? " &rarr; " : "");
        od_page_text(page, stage->operators.items[i]);
        if (stage->measured.count == stage->operators.count)
            write_measured(page, stage->measured.items[i]);
    }
    od_page_put(page, "</td><td>");
    for (uint32_t i = 0; i < stage->parents.count; i++)
        od_page_print(page, "%s%" PRIu64, i > 0 ? ", " : "", stage->parents.items[i]->stage);
    od_page_print(page, "</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td>",
                  od_measure_count(stage->tasks).text, od_measure_count(stage->rows).text,
                  od_measure_bytes(stage->bytes).text);
    od_page_text(page, stage->exchange);
    if (stage->partitions > 0)
        od_page_print(page, " to %s", od_measure_count(stage->partitions).text);
    od_page_put(page, stage->indeterminate ? ", indeterminate</td></tr>\n" : "</td></tr>\n");
}

static void write_stages(struct od_page *page, const struct od_record_query *query)
{
    if (query->stages.count == 0)
        return;
    od_page_put(page, "<h4>Stages</h4>\n<figure class=\"graph\" tabindex=\"0\" role=\"group\" "
                      "aria-label=\"Stage graph; the table below "
                      "says the same\">\n");
    bool refused = false;
    bool drawn = od_graph_svg(page->out, query, page->query_key, &refused);
    page->refused = page->refused || refused;
    od_page_put(page, drawn
                          ? "</figure>\n"
                          : "<figcaption>No picture: Graphviz could not draw here.</figcaption></figure>\n");
    od_page_print(
        page,
        "<details%s><summary>Stages as a table</summary><div class=\"wide\"><table><thead><tr>"
        "<th class=\"n\">stage</th><th>operators</th><th>reads</th><th class=\"n\">tasks</th>"
        "<th class=\"n\">rows out</th><th class=\"n\">bytes out</th><th>exchange</th></tr></thead><tbody>\n",
        drawn ? "" : " open");
    for (uint32_t i = 0; i < query->stages.count; i++)
        write_stage(page, query->stages.items[i]);
    od_page_put(page, "</tbody></table></div></details>\n");
}

static void write_block(struct od_page *page, const char *label, const char *text)
{
    if (text == NULL)
        return;
    od_page_print(page, "<details><summary>%s</summary><pre tabindex=\"0\">", label);
    od_page_text(page, text);
    od_page_put(page, "</pre></details>\n");
}

void od_page_query(struct od_page *page, const struct od_record_scenario *scenario,
                   const struct od_record_query *query)
{
    od_page_print(page, "<article class=\"query\" aria-labelledby=\"query-%u\">\n<h3 id=\"query-%u\">",
                  page->query_key, page->query_key);
    od_page_text(page, query->question == NULL ? query->name : query->question);
    od_page_put(page, "</h3>\n<p class=\"dim\">");
    od_page_text(page, scenario->name);
    od_page_put(page, " / ");
    od_page_text(page, query->name);
    od_page_put(page, "</p>\n<div class=\"two\">\n<div>\n<h4>SQL</h4>\n<pre class=\"sql\" tabindex=\"0\">");
    od_page_text(page, query->sql);
    od_page_put(page, "</pre>\n</div>\n");
    write_answer(page, query);
    od_page_put(page, "</div>\n");
    write_stages(page, query);
    write_block(page, "Plan", query->explain);
    od_page_curves(page, query);
    od_page_runs(page, query);
    od_page_put(page, "</article>\n");
}
