/* explain_timeline: what happened in a run, in words, with the faults where they took effect. Private to explain*.c. */
#ifndef OD_HARNESS_EXPLAIN_TIMELINE_H
#define OD_HARNESS_EXPLAIN_TIMELINE_H

#include "harness/explain_rows.h"

/* Unless verbose at most OD_TIMELINE_LINES_MAX lines: what is routine goes first. NO_MEMORY. */
#define OD_TIMELINE_LINES_MAX 60
enum od_status od_explain_timeline(const struct od_explained *explained, bool is_verbose, struct od_buffer *text,
                                   struct od_error *error);
/* One line of it: event `index` of the run. */
void od_explain_event(const struct od_explained *explained, uint32_t index, struct od_buffer *text);

#endif
