/* report: a loaded run and its renderings. What `ordeal report` and the end of `ordeal run` call.
 *
 *   paths -> od_report_load -> { record, events } -> od_report_html | _junit | _markdown -> buffer -> file
 *
 * A renderer takes a loaded report and appends text to a buffer; it touches no file. All data is escaped. */
#ifndef OD_REPORTS_REPORT_H
#define OD_REPORTS_REPORT_H

#include "engine/core/buffer.h"
#include "reports/event_log.h"
#include "reports/record.h"

/* What one path held. */
struct od_report_part {
    struct od_record *record;    /* owned */
    struct od_event_list events; /* owned */
};

struct od_report {
    struct od_memory *memory;     /* borrowed */
    struct od_record *record;     /* of the first part, with the scenarios of all */
    struct od_event_list events;  /* owned; of all parts, their texts lie in the parts */
    struct od_record_texts notes; /* what a reader must know: cut off, torn; in the record's arena */
    struct od_report_part *parts; /* owned */
    size_t part_count;
};

/* Loads run directories (or record files) and joins them into one report: the first gives the head, the
 * others add their scenarios. Errors as od_record_load. *report_out is NULL on failure. */
enum od_status od_report_load(struct od_memory *memory, const char *const *paths, size_t path_count,
                              struct od_report **report_out, struct od_error *error);
void od_report_free(struct od_report *report);

/* NO_MEMORY only. */
enum od_status od_report_html(const struct od_report *report, struct od_buffer *out, struct od_error *error);
enum od_status od_report_junit(const struct od_report *report, struct od_buffer *out, struct od_error *error);
enum od_status od_report_markdown(const struct od_report *report, struct od_buffer *out,
                                  struct od_error *error);

/* NULL fields are not written. Files are replaced whole (temporary file and rename). */
struct od_report_outputs {
    const char *html;
    const char *junit;
    const char *markdown;
};
enum od_status od_report_write(const struct od_report *report, const struct od_report_outputs *outputs,
                               struct od_error *error);
/* Renders DIRECTORY/report.html and DIRECTORY/junit.xml from what is in the directory. */
enum od_status od_report_write_directory(struct od_memory *memory, const char *directory,
                                         struct od_error *error);

#endif
