/* explain_timeline: see explain_timeline.h. One line an event: when, its number, whom it is about, what it was, why. */
#include "harness/explain_timeline.h"

#include <inttypes.h>
#include <string.h>

#include "engine/core/assert.h"

/* What is told when there is room for less. Kinds that are not here are routine. */
enum weight { WEIGHT_ROUTINE, WEIGHT_ROWS, WEIGHT_STEP, WEIGHT_DECISION, WEIGHT_TROUBLE };
static const enum weight weights[OD_EVENT_COUNT] = {
    [OD_EVENT_QUERY_STARTED] = WEIGHT_DECISION,
    [OD_EVENT_QUERY_ENDED] = WEIGHT_TROUBLE,
    [OD_EVENT_STAGE_SUBMITTED] = WEIGHT_STEP,
    [OD_EVENT_STAGE_COMPLETED] = WEIGHT_DECISION,
    [OD_EVENT_TASK_LAUNCHED] = WEIGHT_DECISION,
    [OD_EVENT_TASK_STARTED] = WEIGHT_STEP,
    [OD_EVENT_TASK_SUCCEEDED] = WEIGHT_STEP,
    [OD_EVENT_TASK_FAILED] = WEIGHT_TROUBLE,
    [OD_EVENT_TASK_COMMITTED] = WEIGHT_DECISION,
    [OD_EVENT_TASK_REFUSED] = WEIGHT_DECISION,
    [OD_EVENT_TASK_RETRIED] = WEIGHT_TROUBLE,
    [OD_EVENT_TASK_CANCELLED] = WEIGHT_DECISION,
    [OD_EVENT_BLOCK_WRITTEN] = WEIGHT_ROWS,
    [OD_EVENT_BLOCK_CONSUMED] = WEIGHT_ROWS,
    [OD_EVENT_BLOCK_BAD] = WEIGHT_TROUBLE,
    [OD_EVENT_OUTPUT_LOST] = WEIGHT_TROUBLE,
    [OD_EVENT_EXECUTOR_LOST] = WEIGHT_TROUBLE,
    [OD_EVENT_FAULT_FIRED] = WEIGHT_TROUBLE,
    [OD_EVENT_HEALED] = WEIGHT_TROUBLE,
    [OD_EVENT_QUERY_CANCELLED] = WEIGHT_TROUBLE,
    [OD_EVENT_QUERY_RESUMED] = WEIGHT_TROUBLE,
    [OD_EVENT_STAGE_ROLLED_BACK] = WEIGHT_TROUBLE,
    [OD_EVENT_TASK_SPECULATED] = WEIGHT_DECISION,
    [OD_EVENT_TASK_STOLEN] = WEIGHT_DECISION,
    [OD_EVENT_TASK_ADOPTED] = WEIGHT_DECISION,
    [OD_EVENT_OUTPUT_MOVED] = WEIGHT_DECISION,
    [OD_EVENT_OUTPUT_REUSED] = WEIGHT_DECISION,
    [OD_EVENT_PLAN_ADAPTED] = WEIGHT_DECISION,
    [OD_EVENT_BUDGET_EXHAUSTED] = WEIGHT_TROUBLE,
    [OD_EVENT_EXECUTOR_EXCLUDED] = WEIGHT_DECISION,
    [OD_EVENT_EXECUTOR_DRAINING] = WEIGHT_DECISION,
    [OD_EVENT_EXECUTOR_DECOMMISSIONED] = WEIGHT_DECISION,
    [OD_EVENT_DRIVER_RESTARTED] = WEIGHT_TROUBLE,
    [OD_EVENT_BUDGET_LOW] = WEIGHT_TROUBLE,
};

/* What is done again says more than what is done. */
static enum weight weight_of(const struct od_event *event)
{
    bool is_decision = weights[event->kind] == WEIGHT_DECISION && event->site.task != OD_ANY;
    bool is_again = event->site.attempt != 0 ||
                    (od_event_value_of(event->kind) == OD_EVENT_VALUE_GENERATION && event->value > 0);
    return is_decision && is_again ? WEIGHT_TROUBLE : weights[event->kind];
}

static void print_who(const struct od_event *event, struct od_buffer *text)
{
    const struct od_site *site = &event->site;
    if (event->kind == OD_EVENT_FAULT_FIRED || event->kind == OD_EVENT_HEALED)
        return;
    if (site->stage != OD_ANY && site->task != OD_ANY)
        od_buffer_print(text, "task %u.%u", site->stage, site->task);
    else if (site->stage != OD_ANY)
        od_buffer_print(text, "stage %u", site->stage);
    else
        od_buffer_append_text(text, site->executor == OD_ANY || site->executor == 0 ? "driver" : "");
    if (site->task != OD_ANY && site->attempt != OD_ANY)
        od_buffer_print(text, " attempt %u", site->attempt);
    if (site->executor != OD_ANY && site->executor != 0)
        od_buffer_print(text, "%sexecutor %u", site->stage == OD_ANY ? "" : ", ", site->executor);
}

static bool has_source(enum od_event_kind kind)
{
    return kind == OD_EVENT_BLOCK_CONSUMED || kind == OD_EVENT_BLOCK_BAD || kind == OD_EVENT_STAGE_ROLLED_BACK;
}

static void print_value(const struct od_event *event, struct od_buffer *text)
{
    switch (od_event_value_of(event->kind)) {
    case OD_EVENT_VALUE_STATUS:
        od_buffer_print(text, ": %s", od_status_text((enum od_status)event->value));
        break;
    case OD_EVENT_VALUE_ADAPTATION:
        od_buffer_print(text, ": %s", od_adaptation_text((enum od_adaptation)event->value));
        break;
    case OD_EVENT_VALUE_NS:
        od_buffer_print(text, " (%.3f ms)", (double)event->value / 1e6);
        break;
    case OD_EVENT_VALUE_GENERATION:
        if (event->value > 0)
            od_buffer_print(text, ", generation %" PRIu64, event->value);
        break;
    case OD_EVENT_VALUE_EXECUTOR:
        od_buffer_print(text, " from executor %" PRIu64, event->value);
        break;
    default:
        break;
    }
    if (event->why != OD_OK)
        od_buffer_print(text, ", because: %s", od_status_text(event->why));
}

/* "task_failed" of a task is ": failed". */
static void print_what(const struct od_event *event, struct od_buffer *text)
{
    static const char *const subjects[] = {"task_", "stage_", "executor_"};
    const char *words = od_event_text(event->kind);
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
        if (strncmp(words, subjects[i], strlen(subjects[i])) == 0)
            words += strlen(subjects[i]);
    od_buffer_append_text(text, ": ");
    for (; *words != '\0'; words++)
        od_buffer_append_u8(text, *words == '_' ? ' ' : (uint8_t)*words);
}

void od_explain_event(const struct od_explained *explained, uint32_t index, struct od_buffer *text)
{
    const struct od_event *event = &explained->run_result.events[index];
    const struct od_schedule *schedule = explained->request->schedule;
    od_buffer_print(text, "  %9.3f ms  #%-4u ", (double)event->time_ns / 1e6, index);
    print_who(event, text);
    if (event->kind == OD_EVENT_FAULT_FIRED && schedule != NULL && event->value < schedule->fault_count) {
        od_buffer_print(text, "*** fault %" PRIu64 ": ", event->value + 1);
        od_fault_explain(&schedule->faults[event->value], text);
    } else {
        print_what(event, text);
        print_value(event, text);
    }
    if (has_source(event->kind))
        od_buffer_print(text, ", of task %u.%u attempt %u", event->source_stage, event->source_task, event->source_attempt);
    if (weights[event->kind] == WEIGHT_ROWS)
        od_buffer_print(text, ", partition %u", event->site.partition);
    if (weights[event->kind] == WEIGHT_ROWS || event->kind == OD_EVENT_TASK_COMMITTED)
        od_buffer_print(text, ", %" PRIu64 " rows", event->rows);
    od_buffer_append_text(text, "\n");
}

static uint32_t count_from(const struct od_cluster_result *result, enum weight weight)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < result->event_count; i++)
        count += weight_of(&result->events[i]) >= weight;
    return count;
}

enum od_status od_explain_timeline(const struct od_explained *explained, bool is_verbose, struct od_buffer *text,
                                   struct od_error *error)
{
    const struct od_cluster_result *result = &explained->run_result;
    enum weight least = is_verbose ? WEIGHT_ROUTINE : WEIGHT_STEP;
    while (!is_verbose && least < WEIGHT_TROUBLE && count_from(result, least) > OD_TIMELINE_LINES_MAX)
        least++;
    uint32_t count = count_from(result, least);
    uint32_t cut = is_verbose || count <= OD_TIMELINE_LINES_MAX ? 0 : count - OD_TIMELINE_LINES_MAX;
    od_buffer_print(text, "what happened (%u of %u events%s)\n", count - cut, result->event_count,
                    count - cut < result->event_count ? "; all with --verbose" : "");
    for (uint32_t i = 0, told = 0; i < result->event_count; i++) {
        if (weight_of(&result->events[i]) < least)
            continue;
        bool is_cut = cut > 0 && told >= OD_TIMELINE_LINES_MAX * 2 / 3 && told < OD_TIMELINE_LINES_MAX * 2 / 3 + cut;
        if (!is_cut)
            od_explain_event(explained, i, text);
        else if (told == OD_TIMELINE_LINES_MAX * 2 / 3)
            od_buffer_print(text, "       ... %u more ...\n", cut);
        told++;
    }
    return text->failed ? od_fail(error, OD_NO_MEMORY, "telling what happened") : OD_OK;
}
