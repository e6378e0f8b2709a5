/* event_write: see event_write.h. */
#include "harness/event_write.h"

#include "engine/world/posix.h"

/* The reason of a decision in words; NULL: it needs none. A fault's go to `buffer`. */
static const char *reason_text(const struct od_event_writer *writer, const struct od_event *event,
                               struct od_buffer *buffer)
{
    const struct od_schedule *schedule = writer->schedule;
    switch (od_event_value_of(event->kind)) {
    case OD_EVENT_VALUE_STATUS:
        return od_status_text((enum od_status)event->value);
    case OD_EVENT_VALUE_ADAPTATION:
        return od_adaptation_text((enum od_adaptation)event->value);
    case OD_EVENT_VALUE_FAULT:
        if (schedule == NULL || event->value >= schedule->fault_count)
            return NULL;
        od_fault_explain(&schedule->faults[event->value], buffer);
        return od_buffer_text(buffer);
    default:
        return event->why != OD_OK ? od_status_text(event->why) : NULL;
    }
}

/* The others leave the source unset, and 0 is a stage. */
static bool has_source(enum od_event_kind kind)
{
    return kind == OD_EVENT_BLOCK_CONSUMED || kind == OD_EVENT_BLOCK_BAD ||
           kind == OD_EVENT_STAGE_ROLLED_BACK;
}

struct od_report_event od_event_line(const struct od_event_writer *writer, const struct od_event *event,
                                     struct od_buffer *text)
{
    struct od_report_event line = od_report_event_none();
    line.run = writer->run;
    line.time_ns = event->time_ns;
    line.kind = od_event_text(event->kind);
    line.query = event->site.query;
    line.stage = event->site.stage;
    line.task = event->site.task;
    line.attempt = event->site.attempt;
    line.executor = event->site.executor;
    line.partition = event->site.partition;
    if (has_source(event->kind)) {
        line.source_stage = event->source_stage;
        line.source_task = event->source_task;
        line.source_attempt = event->source_attempt;
    }
    line.rows = event->rows;
    line.bytes = event->bytes;
    line.value = event->value;
    line.text = reason_text(writer, event, text);
    return line;
}

enum od_status od_event_writer_write(const struct od_event_writer *writer, const struct od_event *event,
                                     struct od_error *error)
{
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    struct od_report_event line = od_event_line(writer, event, &text);
    enum od_status status = od_event_log_write(writer->log, &line, error);
    od_buffer_release(&text);
    return status;
}

static void trace_event(void *self, const struct od_event *event)
{
    od_event_writer_write(self, event, NULL);
}

struct od_trace od_event_writer_trace(struct od_event_writer *writer)
{
    static const struct od_trace_ops ops = {.event = trace_event};
    return (struct od_trace){writer->log == NULL ? NULL : &ops, writer};
}
