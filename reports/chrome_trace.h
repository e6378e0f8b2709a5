/* chrome_trace: one run as Chrome's trace-event JSON, which Perfetto (ui.perfetto.dev) and chrome://tracing open.
 *
 *   process 0   driver       decisions: instants; launches and commits: slices of a moment, from and to which arrows go
 *   process n   executor n   a thread a slot: attempts as slices; damaged blocks as instants
 *   everywhere               faults: instants over all processes
 *   arrows                   launch -> attempt -> commit; output of an attempt -> attempt that read a block of it
 *   counters                 attempts that run and bytes that operators held at most, an executor; bytes that were shuffled
 *
 * Times are the run's clock: virtual in sim. Format: "Trace Event Format", Google, 2016 (nanoseconds there are thousandths). */
#ifndef OD_REPORTS_CHROME_TRACE_H
#define OD_REPORTS_CHROME_TRACE_H

#include "reports/event_log.h"

/* Appends the events of `run`. NO_MEMORY. */
enum od_status od_chrome_trace_print(struct od_memory *memory, const struct od_event_list *events, uint64_t run,
                                     struct od_buffer *out, struct od_error *error);

#endif
