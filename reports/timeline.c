#include "reports/timeline.h"

#include "engine/core/assert.h"
#include "reports/text.h"

#include <string.h>

static const char *const outcome_texts[] = {
    [OD_SPAN_DONE] = "done",
    [OD_SPAN_AGAIN] = "again",
    [OD_SPAN_FAILED] = "failed",
    [OD_SPAN_LOST] = "lost",
    [OD_SPAN_REFUSED] = "refused",
    [OD_SPAN_CANCELLED] = "cancelled",
    [OD_SPAN_UNFINISHED] = "unfinished",
};
_Static_assert(sizeof(outcome_texts) / sizeof(outcome_texts[0]) == OD_SPAN_OUTCOME_COUNT,
               "every outcome has a text");

const char *od_span_outcome_text(enum od_span_outcome outcome)
{
    od_assert(outcome < OD_SPAN_OUTCOME_COUNT);
    return outcome_texts[outcome];
}

struct builder {
    struct od_arena *arena;
    struct od_timeline *timeline;
    bool refused;
};

static bool same_attempt(const struct od_span *span, const struct od_report_event *event)
{
    return span->stage == event->stage && span->task == event->task && span->attempt == event->attempt &&
           (event->executor == OD_REPORT_NONE || event->executor == span->executor);
}

/* The newest span of the event's attempt; open_only: that has not ended. */
static struct od_span *find_span(struct builder *builder, const struct od_report_event *event, bool open_only)
{
    for (size_t i = builder->timeline->span_count; i > 0; i--) {
        struct od_span *span = &builder->timeline->spans[i - 1];
        if (same_attempt(span, event) && (span->open || !open_only))
            return span;
    }
    return NULL;
}

static bool was_committed(const struct builder *builder, const struct od_report_event *event)
{
    for (size_t i = 0; i < builder->timeline->span_count; i++) {
        const struct od_span *span = &builder->timeline->spans[i];
        if (span->committed && span->stage == event->stage && span->task == event->task)
            return true;
    }
    return false;
}

static void on_start(struct builder *builder, const struct od_report_event *event)
{
    bool again = (event->attempt != OD_REPORT_NONE && event->attempt > 0) || was_committed(builder, event);
    builder->timeline->spans[builder->timeline->span_count++] =
        (struct od_span){.start_ns = event->time_ns,
                         .end_ns = event->time_ns,
                         .executor = event->executor,
                         .stage = event->stage,
                         .task = event->task,
                         .attempt = event->attempt,
                         .outcome = again ? OD_SPAN_AGAIN : OD_SPAN_DONE,
                         .open = true};
}

static void close_span(struct od_span *span, const struct od_report_event *event)
{
    span->open = false;
    span->end_ns = event->time_ns;
}

static void on_success(struct builder *builder, const struct od_report_event *event)
{
    struct od_span *span = find_span(builder, event, true);
    if (span != NULL)
        close_span(span, event);
}

static void on_failure(struct builder *builder, const struct od_report_event *event)
{
    struct od_span *span = find_span(builder, event, true);
    if (span == NULL)
        return;
    close_span(span, event);
    span->outcome = OD_SPAN_FAILED;
    span->text = event->text;
}

static void on_cancel(struct builder *builder, const struct od_report_event *event)
{
    struct od_span *span = find_span(builder, event, true);
    if (span == NULL)
        return;
    close_span(span, event);
    span->outcome = OD_SPAN_CANCELLED;
}

static void on_commit(struct builder *builder, const struct od_report_event *event)
{
    struct od_span *span = find_span(builder, event, false);
    if (span != NULL)
        span->committed = true;
}

static void on_refusal(struct builder *builder, const struct od_report_event *event)
{
    struct od_span *span = find_span(builder, event, false);
    if (span == NULL)
        return;
    if (span->open)
        close_span(span, event);
    span->outcome = OD_SPAN_REFUSED;
}

static void add_mark(struct builder *builder, const struct od_report_event *event, char *text)
{
    builder->refused = builder->refused || text == NULL;
    builder->timeline->marks[builder->timeline->mark_count++] =
        (struct od_mark){event->time_ns, event->executor, event->kind, text};
}

static void on_fault(struct builder *builder, const struct od_report_event *event)
{
    add_mark(builder, event,
             event->text != NULL
                 ? od_arena_print(builder->arena, "%s", event->text)
                 : od_arena_print(builder->arena, "fault %llu fired", (unsigned long long)event->value));
}

static void on_executor_lost(struct builder *builder, const struct od_report_event *event)
{
    for (size_t i = 0; i < builder->timeline->span_count; i++) {
        struct od_span *span = &builder->timeline->spans[i];
        if (!span->open || span->executor != event->executor)
            continue;
        close_span(span, event);
        span->outcome = OD_SPAN_LOST;
    }
    add_mark(builder, event,
             od_arena_print(builder->arena, "executor %u given up by the driver", event->executor));
}

static void on_output_lost(struct builder *builder, const struct od_report_event *event)
{
    add_mark(builder, event,
             od_arena_print(builder->arena, "output of task %u.%u lost, to be recomputed", event->stage,
                            event->task));
}

static void on_bad_block(struct builder *builder, const struct od_report_event *event)
{
    bool known = event->source_stage != OD_REPORT_NONE;
    add_mark(
        builder, event,
        known ? od_arena_print(builder->arena, "task %u.%u: block of task %u.%u unusable", event->stage,
                               event->task, event->source_stage, event->source_task)
              : od_arena_print(builder->arena, "task %u.%u: a block is unusable", event->stage, event->task));
}

static void on_heal(struct builder *builder, const struct od_report_event *event)
{
    add_mark(builder, event, od_arena_print(builder->arena, "faults off from here on"));
}

struct reaction {
    const char *kind;
    void (*act)(struct builder *builder, const struct od_report_event *event);
};
static const struct reaction reactions[] = {
    {"task_started", on_start},
    {"task_succeeded", on_success},
    {"task_failed", on_failure},
    {"task_cancelled", on_cancel},
    {"task_committed", on_commit},
    {"task_refused", on_refusal},
    {"executor_lost", on_executor_lost},
    {"fault_fired", on_fault},
    {"output_lost", on_output_lost},
    {"block_bad", on_bad_block},
    {"healed", on_heal},
};

static void react(struct builder *builder, const struct od_report_event *event)
{
    struct od_timeline *timeline = builder->timeline;
    timeline->end_ns = event->time_ns > timeline->end_ns ? event->time_ns : timeline->end_ns;
    timeline->start_ns = event->time_ns < timeline->start_ns ? event->time_ns : timeline->start_ns;
    if (event->executor != OD_REPORT_NONE && event->executor > timeline->executor_last)
        timeline->executor_last = event->executor;
    for (size_t i = 0; i < sizeof(reactions) / sizeof(reactions[0]); i++) {
        if (strcmp(event->kind, reactions[i].kind) == 0)
            reactions[i].act(builder, event);
    }
}

static void close_rest(struct od_timeline *timeline)
{
    for (size_t i = 0; i < timeline->span_count; i++) {
        struct od_span *span = &timeline->spans[i];
        if (!span->open)
            continue;
        span->open = false;
        span->end_ns = timeline->end_ns;
        span->outcome = OD_SPAN_UNFINISHED;
    }
}

/* Greedy: each span goes to the lowest lane of its executor that no earlier overlapping span has. At most 64
 * lanes. */
static void choose_lanes(struct od_timeline *timeline)
{
    for (size_t i = 0; i < timeline->span_count; i++) {
        struct od_span *span = &timeline->spans[i];
        uint64_t taken = 0;
        for (size_t k = 0; k < i; k++) {
            const struct od_span *other = &timeline->spans[k];
            if (other->executor == span->executor && other->end_ns > span->start_ns &&
                other->start_ns <= span->start_ns)
                taken |= UINT64_C(1) << (other->lane & 63);
        }
        while (span->lane < 63 && (taken >> span->lane & 1) != 0)
            span->lane++;
    }
}

enum od_status od_timeline_build(struct od_arena *arena, const struct od_event_list *events, uint64_t run,
                                 struct od_timeline *timeline_out, struct od_error *error)
{
    memset(timeline_out, 0, sizeof(*timeline_out));
    size_t count = 0;
    for (size_t i = 0; i < events->count; i++)
        count += events->events[i].run == run;
    struct builder builder = {arena, timeline_out, false};
    timeline_out->spans = od_arena_take_array(arena, count, sizeof(*timeline_out->spans));
    timeline_out->marks = od_arena_take_array(arena, count, sizeof(*timeline_out->marks));
    timeline_out->start_ns = count == 0 ? 0 : UINT64_MAX;
    if (timeline_out->spans == NULL || timeline_out->marks == NULL)
        return od_fail(error, OD_NO_MEMORY, "building a timeline: events=%zu", count);
    for (size_t i = 0; i < events->count; i++) {
        if (events->events[i].run == run)
            react(&builder, &events->events[i]);
    }
    if (builder.refused)
        return od_fail(error, OD_NO_MEMORY, "building a timeline: events=%zu", count);
    close_rest(timeline_out);
    choose_lanes(timeline_out);
    return OD_OK;
}
