/* terminal: what people see while a run goes on and at its end.
 *
 * Colour and progress appear only on a terminal, never in a pipe; colour also honours NO_COLOR
 * (https://no-color.org) and TERM=dumb. Tables fit the width: the widest text columns give way first and are
 * cut with an ellipsis. */
#ifndef OD_REPORTS_TERMINAL_H
#define OD_REPORTS_TERMINAL_H

#include <stdio.h>

#include "reports/report.h"

struct od_terminal {
    FILE *file; /* borrowed */
    bool is_tty;
    bool colour;
    uint32_t width; /* columns; 100 when it is no terminal */
};
void od_terminal_init(struct od_terminal *terminal, FILE *file);

enum od_terminal_style {
    OD_STYLE_PLAIN,
    OD_STYLE_GOOD,
    OD_STYLE_BAD,
    OD_STYLE_WARN,
    OD_STYLE_DIM,
    OD_STYLE_BOLD
};
/* The escape that starts a style ("" without colour) and the one that ends any. */
const char *od_terminal_start(const struct od_terminal *terminal, enum od_terminal_style style);
const char *od_terminal_end(const struct od_terminal *terminal);

/* Verdict first, one line per query, then each failure with its replay command. NO_MEMORY. */
enum od_status od_report_terminal(const struct od_report *report, const struct od_terminal *terminal,
                                  struct od_error *error);
/* The same for a record that is still in memory. */
enum od_status od_record_terminal(const struct od_record *record, const struct od_terminal *terminal,
                                  struct od_error *error);

/* A table of texts. cells: row_count * column_count, row by row, borrowed; NULL is empty. `right`: per
 * column, numbers; may be NULL. */
struct od_terminal_table {
    uint32_t column_count;
    uint32_t row_count;
    const char *const *heads;
    const char *const *cells;
    const bool *right;
};
enum od_status od_terminal_table(const struct od_terminal *terminal, struct od_memory *memory,
                                 const struct od_terminal_table *table, struct od_error *error);

/* One line, rewritten in place at most ten times a second: "web_analytics/top_pages  37/1104  3%  41/s  0:26
 * left". Nothing at all when the file is no terminal. */
struct od_progress {
    const struct od_terminal *terminal; /* borrowed */
    uint64_t total;                     /* 0: unknown */
    uint64_t started_ns;
    uint64_t shown_ns;
    bool shown;
};
void od_progress_init(struct od_progress *progress, const struct od_terminal *terminal, uint64_t total);
/* `what` may be NULL. `failed` counts failures so far. */
void od_progress_step(struct od_progress *progress, uint64_t done, uint64_t failed, const char *what);
/* Wipes the line. Call it before anything else is printed. */
void od_progress_end(struct od_progress *progress);

#endif
