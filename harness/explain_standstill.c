/* explain_standstill: why a run gave no answer, read off its events.
 *
 *   it failed      the task that failed last: how often, of what, and what the driver did about the outputs that it could not read
 *   it never ended the first stage that has tasks without a commit: what became of each; or, if all have one, that nothing followed */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/explain_place.h"

/* Appends to the place's text. */
static void say(struct od_place *place, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct od_place *place, const char *format, ...)
{
    size_t used = strlen(place->text);
    va_list arguments;
    place->found = true;
    va_start(arguments, format);
    vsnprintf(place->text + used, sizeof(place->text) - used, format, arguments);
    va_end(arguments);
}

static bool is_about(const struct od_traced_run *run, const struct od_event *event, uint32_t stage, uint32_t task)
{
    return event->site.query == run->query && event->site.stage == stage && event->site.task == task;
}

/* The last event of a kind about a task; NULL: none. */
static const struct od_event *last_of(const struct od_traced_run *run, enum od_event_kind kind, uint32_t stage, uint32_t task)
{
    for (uint32_t i = run->result->event_count; i-- > 0;)
        if (run->result->events[i].kind == kind && is_about(run, &run->result->events[i], stage, task))
            return &run->result->events[i];
    return NULL;
}

static uint32_t count_of(const struct od_traced_run *run, enum od_event_kind kind, uint32_t stage, uint32_t task)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->result->event_count; i++)
        count += run->result->events[i].kind == kind && is_about(run, &run->result->events[i], stage, task);
    return count;
}

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

/* --- it failed ---------------------------------------------------------------------------------------------------- */

/* Whoever reported something last; the driver reports blocks of the answer, and has no stage. */
static const struct od_event *last_failure(const struct od_traced_run *run)
{
    for (uint32_t i = run->result->event_count; i-- > 0;) {
        const struct od_event *event = &run->result->events[i];
        if (event->site.query == run->query && (event->kind == OD_EVENT_TASK_FAILED || event->kind == OD_EVENT_BLOCK_BAD))
            return event;
    }
    return NULL;
}

static const struct od_event *last_bad_block(const struct od_traced_run *run, uint32_t stage, uint32_t task)
{
    return last_of(run, OD_EVENT_BLOCK_BAD, stage, task);
}

static void explain_failure(const struct od_traced_run *run, struct od_place *place)
{
    const struct od_event *last = last_failure(run);
    if (last == NULL) {
        say(place, "no task failed: the driver ended the query itself");
        return;
    }
    uint32_t stage = last->site.stage;
    uint32_t task = last->site.task;
    const struct od_event *block = last_bad_block(run, stage, task);
    place->stage = stage;
    place->task = task;
    if (stage == OD_ANY)
        say(place, "the driver could not read the answer");
    else
        say(place, "task %u.%u failed %u times", stage, task, count_of(run, OD_EVENT_TASK_FAILED, stage, task));
    if (last->kind == OD_EVENT_TASK_FAILED)
        say(place, ", at last at %.2f ms on executor %u: %s", ms(last->time_ns), last->site.executor,
            od_status_text((enum od_status)last->value));
    if (block == NULL)
        return;
    say(place, "; it read of task %u.%u attempt %u, whose output was %s", block->source_stage, block->source_task,
        block->source_attempt, od_status_text((enum od_status)block->value));
    uint32_t lost = count_of(run, OD_EVENT_OUTPUT_LOST, block->source_stage, block->source_task);
    if (lost == 0)
        say(place, " and was never computed again");
    else
        say(place, " and was computed again %u times", lost);
}

/* --- it never ended ----------------------------------------------------------------------------------------------- */

/* A commit that nothing has undone since. */
static bool is_committed(const struct od_traced_run *run, uint32_t stage, uint32_t task)
{
    const struct od_event *commit = last_of(run, OD_EVENT_TASK_COMMITTED, stage, task);
    const struct od_event *reuse = last_of(run, OD_EVENT_OUTPUT_REUSED, stage, task);
    const struct od_event *lost = last_of(run, OD_EVENT_OUTPUT_LOST, stage, task);
    const struct od_event *rolled = last_of(run, OD_EVENT_STAGE_ROLLED_BACK, stage, OD_ANY);
    commit = commit != NULL ? commit : reuse;
    return commit != NULL && (lost == NULL || lost < commit) && (rolled == NULL || rolled < commit);
}

static const struct {
    enum od_event_kind kind;
    const char *text;
} ends[] = {
    {OD_EVENT_TASK_FAILED, "failed"},       {OD_EVENT_TASK_CANCELLED, "was cancelled"},
    {OD_EVENT_TASK_REFUSED, "was refused"}, {OD_EVENT_OUTPUT_LOST, "lost its output"},
    {OD_EVENT_TASK_RETRIED, "is to be tried again"}, {OD_EVENT_TASK_SUCCEEDED, "succeeded, and was not committed"},
};

static void explain_task(const struct od_traced_run *run, uint32_t stage, uint32_t task, struct od_place *place)
{
    const struct od_event *launch = last_of(run, OD_EVENT_TASK_LAUNCHED, stage, task);
    const struct od_event *last = launch;
    const char *text = "was launched, and has not ended";
    if (launch == NULL) {
        say(place, "; task %u.%u was never launched", stage, task);
        return;
    }
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const struct od_event *end = last_of(run, ends[i].kind, stage, task);
        if (end == NULL || end < last)
            continue;
        last = end;
        text = ends[i].text;
    }
    say(place, "; task %u.%u: attempt %u %s (executor %u, %.2f ms)%s", stage, task, last->site.attempt, text,
        last->site.executor, ms(last->time_ns), last == launch ? "" : ", and none was launched after it");
}

static void explain_wait(const struct od_traced_run *run, struct od_place *place)
{
    for (uint32_t s = 0; s < run->graph->stage_count; s++) {
        uint32_t committed = 0;
        for (uint32_t t = 0; t < run->task_counts[s]; t++)
            committed += is_committed(run, s, t);
        bool is_done = last_of(run, OD_EVENT_STAGE_COMPLETED, s, OD_ANY) != NULL;
        if (committed == run->task_counts[s] && is_done)
            continue;
        place->stage = s;
        say(place, "stage %u stands still: %u of its %u tasks are committed", s, committed, run->task_counts[s]);
        if (committed == run->task_counts[s])
            say(place, ", and yet the driver never took it for completed");
        for (uint32_t t = 0, said = 0; t < run->task_counts[s] && said < 4; t++) {
            if (is_committed(run, s, t))
                continue;
            explain_task(run, s, t, place);
            place->task = said++ == 0 ? t : place->task;
        }
        return;
    }
    say(place, "every stage was completed; the driver never finished reading the answer");
}

void od_place_standstill(const struct od_traced_run *run, struct od_place *place)
{
    if (run->result->ended && run->result->outcome.status != OD_TIMED_OUT)
        explain_failure(run, place);
    else
        explain_wait(run, place);
}
