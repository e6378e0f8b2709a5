/* html_page: what the writers of the page's parts share. Literals go out by od_page_put and must be trusted
 * text; everything that comes from a record goes out by od_page_text, which escapes. Internal to reports. */
#ifndef OD_REPORTS_HTML_PAGE_H
#define OD_REPORTS_HTML_PAGE_H

#include "reports/report.h"

struct od_page {
    struct od_buffer *out;          /* borrowed */
    const struct od_report *report; /* borrowed */
    uint32_t query_key;             /* counts queries over all scenarios, from 1: anchors and ids */
    bool refused;                   /* an allocation besides `out` was refused */
};

void od_page_put(struct od_page *page, const char *markup);
/* printf of trusted markup: only numbers and literals as arguments. */
void od_page_print(struct od_page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Escapes; NULL writes nothing. */
void od_page_text(struct od_page *page, const char *text);
/* <span class="badge held">held</span> */
void od_page_badge(struct od_page *page, enum od_record_verdict verdict);

/* The article of one query; page->query_key is its key. In html_query.c. */
void od_page_query(struct od_page *page, const struct od_record_scenario *scenario,
                   const struct od_record_query *query);
/* What faults cost it, if that was measured. In html_curves.c. */
void od_page_curves(struct od_page *page, const struct od_record_query *query);
/* The table of runs and the data of its timelines. In html_runs.c. */
void od_page_runs(struct od_page *page, const struct od_record_query *query);

#endif
