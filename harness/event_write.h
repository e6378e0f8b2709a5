/* event_write: the engine's events as lines of events.jsonl, each when it happens.
 *
 *   cluster --od_trace--> od_event_writer --od_report_event--> od_event_log
 *
 * What a decision's numbers mean stands in engine/world/event.h; here they become `value`, and a reason in words. */
#ifndef OD_HARNESS_EVENT_WRITE_H
#define OD_HARNESS_EVENT_WRITE_H

#include "chaos/fault.h"
#include "engine/world/event.h"
#include "reports/event_log.h"

/* All borrowed. */
struct od_event_writer {
    struct od_event_log *log;           /* NULL: nothing is written */
    uint64_t run;                       /* of its lines */
    const struct od_schedule *schedule; /* whose faults are told in words; NULL: undisturbed */
};

/* An event as reports know it; words of its own go to `text`, from which the line then borrows. */
struct od_report_event od_event_line(const struct od_event_writer *writer, const struct od_event *event,
                                     struct od_buffer *text);
/* As od_event_log_write. */
enum od_status od_event_writer_write(const struct od_event_writer *writer, const struct od_event *event,
                                     struct od_error *error);
/* For a cluster to tell; what could not be written, the log says at its next call. The writer outlives the trace. */
struct od_trace od_event_writer_trace(struct od_event_writer *writer);

#endif
