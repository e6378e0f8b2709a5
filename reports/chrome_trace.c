/* chrome_trace: see chrome_trace.h. Attempts are the spans of timeline.h; all else is told event by event. */
#include "reports/chrome_trace.h"

#include <string.h>

#include "reports/json_write.h"
#include "reports/timeline.h"

struct tracer {
    struct od_arena arena;
    struct od_json json;
    struct od_timeline timeline;
    uint64_t flow_count;
    uint64_t shuffled_bytes;
    bool refused; /* the memory for a name */
};

/* --- one object --------------------------------------------------------------------------------------------------- */

/* Begins an object; whoever calls adds what is special and closes it. */
static void open_object(struct tracer *tracer, const char *phase, const char *name, uint32_t process, uint32_t thread,
                        uint64_t time_ns)
{
    struct od_json *json = &tracer->json;
    tracer->refused = tracer->refused || name == NULL;
    od_buffer_append_text(json->out, "\n");
    od_json_open(json, NULL, '{');
    od_json_text(json, "ph", phase);
    od_json_text(json, "name", name);
    od_json_number(json, "pid", process);
    od_json_number(json, "tid", thread);
    od_json_thousandths(json, "ts", time_ns);
}

static void close_object(struct tracer *tracer)
{
    od_json_close(&tracer->json, '}');
}

static void name_track(struct tracer *tracer, const char *what, uint32_t process, uint32_t thread, const char *name)
{
    open_object(tracer, "M", what, process, thread, 0);
    od_json_open(&tracer->json, "args", '{');
    od_json_text(&tracer->json, "name", name);
    od_json_close(&tracer->json, '}');
    close_object(tracer);
}

static void add_instant(struct tracer *tracer, const char *name, const char *scope, uint32_t process, uint32_t thread,
                        uint64_t time_ns, const char *text)
{
    open_object(tracer, "i", name, process, thread, time_ns);
    od_json_text(&tracer->json, "s", scope);
    od_json_open(&tracer->json, "args", '{');
    if (text != NULL)
        od_json_text(&tracer->json, "why", text);
    od_json_close(&tracer->json, '}');
    close_object(tracer);
}

static void add_counter(struct tracer *tracer, const char *name, uint32_t process, uint64_t time_ns, const char *series,
                        uint64_t value)
{
    open_object(tracer, "C", name, process, 0, time_ns);
    od_json_open(&tracer->json, "args", '{');
    od_json_number(&tracer->json, series, value);
    od_json_close(&tracer->json, '}');
    close_object(tracer);
}

struct end {
    uint32_t process;
    uint32_t thread;
    uint64_t time_ns;
};

/* An arrow; both ends lie in slices. */
static void add_arrow(struct tracer *tracer, const char *name, struct end from, struct end to)
{
    uint64_t id = ++tracer->flow_count;
    open_object(tracer, "s", name, from.process, from.thread, from.time_ns);
    od_json_text(&tracer->json, "cat", "flow");
    od_json_number(&tracer->json, "id", id);
    close_object(tracer);
    open_object(tracer, "f", name, to.process, to.thread, to.time_ns);
    od_json_text(&tracer->json, "cat", "flow");
    od_json_text(&tracer->json, "bp", "e");
    od_json_number(&tracer->json, "id", id);
    close_object(tracer);
}

/* --- spans --------------------------------------------------------------------------------------------------------- */

static const struct od_span *find_span(const struct tracer *tracer, uint32_t stage, uint32_t task, uint32_t attempt)
{
    for (size_t i = tracer->timeline.span_count; i-- > 0;) {
        const struct od_span *span = &tracer->timeline.spans[i];
        if (span->stage == stage && span->task == task && span->attempt == attempt && span->executor != OD_REPORT_NONE)
            return span;
    }
    return NULL;
}

static struct end end_in(const struct od_span *span, uint64_t time_ns)
{
    uint64_t last_ns = span->end_ns > span->start_ns ? span->end_ns - 1 : span->start_ns;
    time_ns = time_ns < span->start_ns ? span->start_ns : time_ns;
    return (struct end){span->executor, span->lane + 1, time_ns < last_ns ? time_ns : last_ns};
}

static void add_span(struct tracer *tracer, const struct od_span *span)
{
    char *name = od_arena_print(&tracer->arena, "task %u.%u attempt %u", span->stage, span->task, span->attempt);
    open_object(tracer, "X", name, span->executor, span->lane + 1, span->start_ns);
    od_json_thousandths(&tracer->json, "dur", span->end_ns - span->start_ns);
    od_json_open(&tracer->json, "args", '{');
    od_json_text(&tracer->json, "outcome", od_span_outcome_text(span->outcome));
    od_json_bool(&tracer->json, "committed", span->committed);
    if (span->text != NULL)
        od_json_text(&tracer->json, "why", span->text);
    od_json_close(&tracer->json, '}');
    close_object(tracer);
}

static uint64_t running_at(const struct tracer *tracer, uint32_t executor, uint64_t time_ns)
{
    uint64_t count = 0;
    for (size_t i = 0; i < tracer->timeline.span_count; i++) {
        const struct od_span *span = &tracer->timeline.spans[i];
        count += span->executor == executor && span->start_ns <= time_ns && time_ns < span->end_ns;
    }
    return count;
}

static void add_spans(struct tracer *tracer)
{
    for (size_t i = 0; i < tracer->timeline.span_count; i++) {
        const struct od_span *span = &tracer->timeline.spans[i];
        if (span->executor == OD_REPORT_NONE)
            continue;
        add_span(tracer, span);
        add_counter(tracer, "attempts", span->executor, span->start_ns, "running",
                    running_at(tracer, span->executor, span->start_ns));
        add_counter(tracer, "attempts", span->executor, span->end_ns, "running",
                    running_at(tracer, span->executor, span->end_ns));
    }
}

/* --- events -------------------------------------------------------------------------------------------------------- */

static const char *about(struct tracer *tracer, const struct od_report_event *event)
{
    if (event->task != OD_REPORT_NONE && event->attempt != OD_REPORT_NONE)
        return od_arena_print(&tracer->arena, "%s %u.%u attempt %u", event->kind, event->stage, event->task, event->attempt);
    if (event->stage != OD_REPORT_NONE)
        return od_arena_print(&tracer->arena, "%s %u", event->kind, event->stage);
    if (event->executor != OD_REPORT_NONE && event->executor != 0)
        return od_arena_print(&tracer->arena, "%s %u", event->kind, event->executor);
    return event->kind;
}

static void on_decision(struct tracer *tracer, const struct od_report_event *event)
{
    add_instant(tracer, about(tracer, event), "t", 0, 0, event->time_ns, event->text);
}

/* A decision that an arrow touches: that needs a slice. */
static void add_moment(struct tracer *tracer, const struct od_report_event *event)
{
    open_object(tracer, "X", about(tracer, event), 0, 0, event->time_ns);
    od_json_thousandths(&tracer->json, "dur", 1);
    close_object(tracer);
}

static void on_launch(struct tracer *tracer, const struct od_report_event *event)
{
    const struct od_span *span = find_span(tracer, event->stage, event->task, event->attempt);
    add_moment(tracer, event);
    if (span != NULL && span->start_ns >= event->time_ns)
        add_arrow(tracer, "launch", (struct end){0, 0, event->time_ns}, end_in(span, span->start_ns));
}

static void on_commit(struct tracer *tracer, const struct od_report_event *event)
{
    const struct od_span *span = find_span(tracer, event->stage, event->task, event->attempt);
    add_moment(tracer, event);
    tracer->shuffled_bytes += event->bytes;
    add_counter(tracer, "shuffle", 0, event->time_ns, "bytes", tracer->shuffled_bytes);
    if (span != NULL && span->end_ns <= event->time_ns)
        add_arrow(tracer, "report", end_in(span, span->end_ns), (struct end){0, 0, event->time_ns});
}

static void on_read(struct tracer *tracer, const struct od_report_event *event)
{
    const struct od_span *source = find_span(tracer, event->source_stage, event->source_task, event->source_attempt);
    const struct od_span *reader = find_span(tracer, event->stage, event->task, event->attempt);
    if (source != NULL && reader != NULL && source->end_ns <= event->time_ns)
        add_arrow(tracer, "block", end_in(source, source->end_ns), end_in(reader, event->time_ns));
}

static void on_bad_block(struct tracer *tracer, const struct od_report_event *event)
{
    const struct od_span *reader = find_span(tracer, event->stage, event->task, event->attempt);
    const char *name = od_arena_print(&tracer->arena, "block of %u.%u attempt %u is bad", event->source_stage,
                                      event->source_task, event->source_attempt);
    if (reader == NULL)
        add_instant(tracer, name, "t", 0, 0, event->time_ns, event->text);
    else
        add_instant(tracer, name, "t", reader->executor, reader->lane + 1, event->time_ns, event->text);
}

static void on_fault(struct tracer *tracer, const struct od_report_event *event)
{
    uint32_t process = event->executor == OD_REPORT_NONE ? 0 : event->executor;
    const char *name = od_arena_print(&tracer->arena, "fault %u: %s", (unsigned)event->value + 1,
                                      event->text == NULL ? "" : event->text);
    add_instant(tracer, name, "g", process, 0, event->time_ns, NULL);
}

static void on_healed(struct tracer *tracer, const struct od_report_event *event)
{
    add_instant(tracer, event->kind, "g", 0, 0, event->time_ns, NULL);
}

static void on_operator(struct tracer *tracer, const struct od_report_event *event)
{
    if (event->executor != OD_REPORT_NONE)
        add_counter(tracer, "held by an operator", event->executor, event->time_ns, "bytes at most", event->bytes);
}

static void on_nothing(struct tracer *tracer, const struct od_report_event *event)
{
    (void)tracer;
    (void)event;
}

/* What is not here is a decision of the driver's. */
static const struct {
    const char *kind;
    void (*add)(struct tracer *tracer, const struct od_report_event *event);
} kinds[] = {
    {"task_launched", on_launch},     {"task_committed", on_commit},    {"block_consumed", on_read},
    {"block_bad", on_bad_block},      {"fault_fired", on_fault},        {"healed", on_healed},
    {"operator_output", on_operator}, {"task_started", on_nothing},     {"task_input", on_nothing},
    {"task_output", on_nothing},      {"task_succeeded", on_nothing},   {"task_failed", on_nothing},
    {"block_written", on_nothing},
};

static void add_event(struct tracer *tracer, const struct od_report_event *event)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].kind, event->kind) == 0) {
            kinds[i].add(tracer, event);
            return;
        }
    on_decision(tracer, event);
}

static void name_tracks(struct tracer *tracer)
{
    name_track(tracer, "process_name", 0, 0, "driver");
    for (uint32_t e = 1; e <= tracer->timeline.executor_last; e++) {
        uint32_t lane_count = 0;
        name_track(tracer, "process_name", e, 0, od_arena_print(&tracer->arena, "executor %u", e));
        for (size_t i = 0; i < tracer->timeline.span_count; i++)
            if (tracer->timeline.spans[i].executor == e && tracer->timeline.spans[i].lane >= lane_count)
                lane_count = tracer->timeline.spans[i].lane + 1;
        for (uint32_t lane = 0; lane < lane_count; lane++)
            name_track(tracer, "thread_name", e, lane + 1, od_arena_print(&tracer->arena, "slot %u", lane + 1));
    }
}

enum od_status od_chrome_trace_print(struct od_memory *memory, const struct od_event_list *events, uint64_t run,
                                     struct od_buffer *out, struct od_error *error)
{
    struct tracer tracer = {.json = {.out = out}};
    od_arena_init(&tracer.arena, memory, 64 * 1024);
    enum od_status status = od_timeline_build(&tracer.arena, events, run, &tracer.timeline, error);
    if (status == OD_OK) {
        od_json_open(&tracer.json, NULL, '{');
        od_json_text(&tracer.json, "displayTimeUnit", "ns");
        od_json_open(&tracer.json, "traceEvents", '[');
        name_tracks(&tracer);
        add_spans(&tracer);
        for (size_t i = 0; i < events->count; i++)
            if (events->events[i].run == run)
                add_event(&tracer, &events->events[i]);
        od_json_close(&tracer.json, ']');
        od_json_close(&tracer.json, '}');
        od_buffer_append_text(out, "\n");
        if (out->failed || tracer.refused)
            status = od_fail(error, OD_NO_MEMORY, "writing a trace");
    }
    od_arena_release(&tracer.arena);
    return status;
}
