/* html_curves: what faults cost a query, as pictures and as a table.
 *
 *   per curve a figure:  slow-down (median, band between the quartiles)   recovery and repair   tasks computed again
 *
 * Plain SVG that is in the page from the start: it needs no script and prints. The table below says the same. */
#include "reports/html_page.h"

#include <inttypes.h>
#include <string.h>

#include "reports/curves.h"
#include "reports/text.h"

#define WIDTH  300
#define HEIGHT 150
#define LEFT   58
#define RIGHT  20
#define TOP    12
#define BOTTOM 26

/* One plot: up to two lines, and a band between two more. Offsets in struct od_record_point; 0: none (`at` is no measure). */
struct plot {
    const char *name;
    size_t lines[2];
    size_t low, high;
    uint64_t least_top; /* the scale reaches at least so far */
    struct od_measure (*text)(uint64_t value);
};
#define AT(field) offsetof(struct od_record_point, field)
static const struct plot plots[] = {
    {"slow-down", {AT(slowdown_ppm), 0}, AT(slowdown_low_ppm), AT(slowdown_high_ppm), 2000000, od_measure_times},
    {"recovery (line), repair (dashed)", {AT(recovery_ns), AT(repair_ns)}, 0, 0, 1000, od_measure_ns},
    {"tasks computed again", {AT(recomputed_ppm), 0}, 0, 0, 100000, od_measure_share},
};

struct drawing {
    struct od_page *page;
    const struct od_record_curve *curve;
    const struct plot *plot;
    uint64_t across; /* the last `at` */
    uint64_t top;
};

static uint64_t value_of(const struct drawing *drawing, uint32_t point, size_t offset)
{
    return *(const uint64_t *)(const void *)((const uint8_t *)drawing->curve->points.items[point] + offset);
}

static double x_of(const struct drawing *drawing, uint64_t at)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * (double)at / (double)drawing->across;
}
static double y_of(const struct drawing *drawing, uint64_t value)
{
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (double)value / (double)drawing->top;
}

/* Points of which no run gave an answer are left out. */
static void put_places(const struct drawing *drawing, size_t offset, bool backwards)
{
    uint32_t count = drawing->curve->points.count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t point = backwards ? count - 1 - i : i;
        const struct od_record_point *place = drawing->curve->points.items[point];
        if (place->runs > 0)
            od_page_print(drawing->page, "%.1f,%.1f ", x_of(drawing, place->at), y_of(drawing, value_of(drawing, point, offset)));
    }
}

static void find_scale(struct drawing *drawing)
{
    const size_t offsets[] = {drawing->plot->lines[0], drawing->plot->lines[1], drawing->plot->high};
    drawing->across = 1;
    drawing->top = drawing->plot->least_top;
    for (uint32_t i = 0; i < drawing->curve->points.count; i++) {
        uint64_t at = drawing->curve->points.items[i]->at;
        drawing->across = at > drawing->across ? at : drawing->across;
        for (size_t k = 0; k < sizeof(offsets) / sizeof(offsets[0]); k++)
            if (offsets[k] != 0 && value_of(drawing, i, offsets[k]) > drawing->top)
                drawing->top = value_of(drawing, i, offsets[k]);
    }
}

static void draw_axes(const struct drawing *drawing)
{
    struct od_page *page = drawing->page;
    bool is_moment = strcmp(drawing->curve->over, "moment") == 0;
    for (uint32_t i = 0; i <= 2; i++) {
        uint64_t value = drawing->top / 2 * i;
        od_page_print(page, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, WIDTH - RIGHT,
                      y_of(drawing, value), y_of(drawing, value));
        od_page_print(page, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", LEFT - 5, y_of(drawing, value) + 4,
                      drawing->plot->text(value).text);
    }
    for (uint32_t i = 0; i < drawing->curve->points.count; i++) {
        uint64_t at = drawing->curve->points.items[i]->at;
        od_page_print(page, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%" PRIu64 "%s</text>", x_of(drawing, at), HEIGHT - 8,
                      at, is_moment ? " %" : "");
    }
}

static void draw(struct drawing *drawing)
{
    struct od_page *page = drawing->page;
    const struct plot *plot = drawing->plot;
    find_scale(drawing);
    od_page_print(page, "<figure><figcaption>%s</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">", plot->name,
                  WIDTH, HEIGHT, plot->name);
    draw_axes(drawing);
    if (plot->high != 0) {
        od_page_put(page, "<polygon class=\"band\" points=\"");
        put_places(drawing, plot->low, false);
        put_places(drawing, plot->high, true);
        od_page_put(page, "\"/>");
    }
    for (uint32_t i = 0; i < 2 && plot->lines[i] != 0; i++) {
        od_page_print(page, "<polyline class=\"%s\" points=\"", i == 0 ? "line" : "line dashed");
        put_places(drawing, plot->lines[i], false);
        od_page_put(page, "\"/>");
    }
    od_page_put(page, "</svg></figure>\n");
}

static void write_point(struct od_page *page, const struct od_record_point *point, bool is_moment)
{
    od_page_print(page, "<tr><td class=\"n\">%" PRIu64 "%s</td><td class=\"n\">%s</td><td class=\"n\">%s to %s</td>", point->at,
                  is_moment ? " %" : "", od_measure_times(point->slowdown_ppm).text, od_measure_times(point->slowdown_low_ppm).text,
                  od_measure_times(point->slowdown_high_ppm).text);
    od_page_print(page, "<td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td>", od_measure_ns(point->recovery_ns).text,
                  od_measure_ns(point->repair_ns).text, od_measure_share(point->recomputed_ppm).text);
    od_page_print(page, "<td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n",
                  od_measure_count(point->faults_fired).text, od_measure_count(point->runs).text,
                  od_measure_count(point->failed_runs).text, od_measure_count(point->missed_runs).text);
}

static void write_curve(struct od_page *page, const struct od_record_curve *curve)
{
    bool is_moment = strcmp(curve->over, "moment") == 0;
    od_page_put(page, "<p><code>");
    od_page_text(page, curve->kind);
    od_page_put(page, is_moment ? "</code>, one at a moment of the undisturbed time (per cent of it), in "
                                : "</code>, so many at random moments of the undisturbed time, in ");
    od_page_text(page, curve->deployment);
    od_page_print(page, "; undisturbed %s</p>\n<div class=\"curves\">\n", od_measure_ns(curve->undisturbed_ns).text);
    for (size_t i = 0; i < sizeof(plots) / sizeof(plots[0]); i++)
        draw(&(struct drawing){.page = page, .curve = curve, .plot = &plots[i]});
    od_page_print(page,
                  "</div>\n<details><summary>As a table</summary><div class=\"wide\"><table><thead><tr><th class=\"n\">%s</th>"
                  "<th class=\"n\">slow-down</th><th class=\"n\">quartiles</th><th class=\"n\">recovery</th><th class=\"n\">repair</th>"
                  "<th class=\"n\">computed again</th>",
                  is_moment ? "moment" : "faults");
    od_page_put(page, "<th class=\"n\">faults fired</th><th class=\"n\">answered</th><th class=\"n\">not answered</th>"
                      "<th class=\"n\">without effect</th></tr></thead><tbody>\n");
    for (uint32_t i = 0; i < curve->points.count; i++)
        write_point(page, curve->points.items[i], is_moment);
    od_page_put(page, "</tbody></table></div></details>\n");
}

void od_page_curves(struct od_page *page, const struct od_record_query *query)
{
    if (query->curves.count > 0)
        od_page_put(page, "<h4>What faults cost</h4>\n");
    for (uint32_t i = 0; i < query->curves.count; i++)
        write_curve(page, query->curves.items[i]);
}
