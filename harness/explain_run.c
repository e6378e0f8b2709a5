/* explain_run: see explain_run.h.
 *
 * The answer rests on what the driver read last; on what those attempts had read; and so on. Of a task whose output nobody read
 * because it was empty, the last commit counts. Stages are in topological order, so one walk from the last to the first does. */
#include "harness/explain_run.h"

#include "engine/core/assert.h"

static bool is_of(const struct od_traced_run *run, const struct od_event *event)
{
    return event->site.query == run->query && event->site.stage < run->graph->stage_count &&
           event->site.task != OD_ANY && event->site.attempt != OD_ANY;
}

struct od_traced_attempt *od_traced_find(const struct od_traced_run *run, uint32_t stage, uint32_t task, uint32_t attempt)
{
    for (uint32_t i = run->attempt_count; i > 0; i--) {
        struct od_traced_attempt *found = run->attempts[i - 1];
        if (found->stage == stage && found->task == task && found->attempt == attempt)
            return found;
    }
    return NULL;
}

const struct od_traced_attempt *od_traced_counting(const struct od_traced_run *run, uint32_t stage, uint32_t task)
{
    for (uint32_t i = 0; i < run->attempt_count; i++)
        if (run->attempts[i]->counts && run->attempts[i]->stage == stage && run->attempts[i]->task == task)
            return run->attempts[i];
    return NULL;
}

static enum od_status find_or_add(struct od_traced_run *run, const struct od_site *site,
                                  struct od_traced_attempt **attempt_out, struct od_error *error)
{
    *attempt_out = od_traced_find(run, site->stage, site->task, site->attempt);
    if (*attempt_out != NULL)
        return OD_OK;
    OD_TRY(od_arena_grow(run->arena, &run->attempts, &run->attempt_capacity, run->attempt_count, sizeof(*run->attempts),
                         error));
    struct od_traced_attempt *attempt = od_arena_take(run->arena, sizeof(*attempt));
    if (attempt == NULL)
        return od_fail(error, OD_NO_MEMORY, "reading a run's events");
    *attempt = (struct od_traced_attempt){
        .stage = site->stage, .task = site->task, .attempt = site->attempt, .executor = site->executor};
    run->attempts[run->attempt_count++] = attempt;
    *attempt_out = attempt;
    return OD_OK;
}

static enum od_status take_operator(struct od_traced_run *run, struct od_traced_attempt *attempt,
                                    const struct od_event *event, struct od_error *error)
{
    const struct od_physical *root = run->graph->stages[attempt->stage].root;
    uint32_t count = od_physical_count(root);
    if (attempt->operators == NULL)
        attempt->operators = od_arena_take_array(run->arena, count, sizeof(*attempt->operators));
    if (attempt->operators == NULL)
        return od_fail(error, OD_NO_MEMORY, "reading a run's events");
    od_assert(event->value - root->node_index < count);
    attempt->operators[event->value - root->node_index] = (struct od_row_sum){event->rows, event->checksum};
    return OD_OK;
}

static void note_launch(struct od_traced_attempt *attempt, const struct od_event *event)
{
    attempt->executor = event->site.executor;
    if (attempt->launched == NULL) {
        attempt->launched = event;
        attempt->generation = attempt->other_generation = event->value;
    }
    if (event->value != attempt->generation)
        attempt->other_generation = event->value;
}

static enum od_status take_event(struct od_traced_run *run, const struct od_event *event, struct od_error *error)
{
    struct od_traced_attempt *attempt;
    if (event->site.query != run->query)
        return OD_OK;
    if (event->kind == OD_EVENT_BLOCK_CONSUMED && event->site.stage == OD_ANY && event->site.attempt > run->collect)
        run->collect = event->site.attempt;
    if (event->kind == OD_EVENT_PLAN_ADAPTED && event->site.stage < run->graph->stage_count) {
        run->task_counts[event->site.stage] = (uint32_t)event->rows;
        run->adapted[event->site.stage] |= UINT64_C(1) << event->value;
    }
    if (!is_of(run, event))
        return OD_OK;
    OD_TRY(find_or_add(run, &event->site, &attempt, error));
    if (event->kind == OD_EVENT_TASK_LAUNCHED)
        note_launch(attempt, event);
    if (event->kind == OD_EVENT_TASK_COMMITTED)
        attempt->committed = event;
    if (event->kind == OD_EVENT_TASK_OUTPUT)
        attempt->output = (struct od_row_sum){event->rows, event->checksum};
    return event->kind == OD_EVENT_OPERATOR_OUTPUT ? take_operator(run, attempt, event, error) : OD_OK;
}

static bool reads_for(const struct od_traced_run *run, const struct od_traced_attempt *reader, const struct od_event *event)
{
    if (event->kind != OD_EVENT_BLOCK_CONSUMED || event->site.query != run->query)
        return false;
    if (reader == NULL)
        return event->site.stage == OD_ANY && event->site.attempt == run->collect;
    return event->site.stage == reader->stage && event->site.task == reader->task &&
           event->site.attempt == reader->attempt;
}

/* What this reader (NULL: the driver) read, counts. */
static void mark_read(struct od_traced_run *run, const struct od_traced_attempt *reader)
{
    for (uint32_t i = 0; i < run->result->event_count; i++) {
        const struct od_event *event = &run->result->events[i];
        struct od_traced_attempt *source =
            reads_for(run, reader, event)
                ? od_traced_find(run, event->source_stage, event->source_task, event->source_attempt)
                : NULL;
        if (source != NULL)
            source->counts = true;
    }
}

static void mark_last_commit(struct od_traced_run *run, uint32_t stage, uint32_t task)
{
    struct od_traced_attempt *last = NULL;
    if (od_traced_counting(run, stage, task) != NULL)
        return;
    for (uint32_t i = 0; i < run->result->event_count; i++) {
        const struct od_event *event = &run->result->events[i];
        if (event->kind == OD_EVENT_TASK_COMMITTED && is_of(run, event) && event->site.stage == stage &&
            event->site.task == task)
            last = od_traced_find(run, stage, task, event->site.attempt);
    }
    if (last != NULL)
        last->counts = true;
}

static void mark_counting(struct od_traced_run *run)
{
    mark_read(run, NULL);
    for (uint32_t s = run->graph->stage_count; s-- > 0;) {
        for (uint32_t t = 0; t < run->task_counts[s]; t++)
            mark_last_commit(run, s, t);
        for (uint32_t i = 0; i < run->attempt_count; i++)
            if (run->attempts[i]->stage == s && run->attempts[i]->counts)
                mark_read(run, run->attempts[i]);
    }
}

enum od_status od_traced_run_read(struct od_arena *arena, const struct od_stage_graph *graph,
                                  const struct od_cluster_result *result, struct od_traced_run *run_out,
                                  struct od_error *error)
{
    *run_out = (struct od_traced_run){.arena = arena, .graph = graph, .result = result};
    OD_TAKE(run_out->task_counts, arena, graph->stage_count, error);
    OD_TAKE(run_out->adapted, arena, graph->stage_count, error);
    for (uint32_t s = 0; s < graph->stage_count; s++)
        run_out->task_counts[s] = graph->stages[s].task_count;
    for (uint32_t i = 0; i < result->event_count; i++)
        if (result->events[i].kind == OD_EVENT_QUERY_STARTED)
            run_out->query = result->events[i].site.query;
    for (uint32_t i = 0; i < result->event_count; i++)
        OD_TRY(take_event(run_out, &result->events[i], error));
    mark_counting(run_out);
    return OD_OK;
}

/* --- flows ------------------------------------------------------------------------------------------------------ */

static enum od_status add_flow(const struct od_traced_run *run, struct od_flows *flows, uint32_t *capacity,
                               const struct od_flow *flow, struct od_error *error)
{
    OD_TRY(od_arena_grow(run->arena, &flows->items, capacity, flows->count, sizeof(*flow), error));
    flows->items[flows->count++] = *flow;
    return OD_OK;
}

enum od_status od_traced_reads(const struct od_traced_run *run, const struct od_traced_attempt *attempt,
                               struct od_flows *flows_out, struct od_error *error)
{
    uint32_t capacity = 0;
    *flows_out = (struct od_flows){0};
    for (uint32_t i = 0; i < run->result->event_count; i++) {
        const struct od_event *event = &run->result->events[i];
        if (!reads_for(run, attempt, event))
            continue;
        const struct od_flow flow = {event->source_stage, event->source_task, event->source_attempt,
                                     event->site.partition, {event->rows, event->checksum}};
        OD_TRY(add_flow(run, flows_out, &capacity, &flow, error));
    }
    return OD_OK;
}

enum od_status od_traced_writes(const struct od_traced_run *run, const struct od_traced_attempt *attempt,
                                struct od_flows *flows_out, struct od_error *error)
{
    uint32_t capacity = 0;
    *flows_out = (struct od_flows){0};
    for (uint32_t i = 0; i < run->result->event_count; i++) {
        const struct od_event *event = &run->result->events[i];
        bool is_its = event->kind == OD_EVENT_BLOCK_WRITTEN && is_of(run, event) && event->site.stage == attempt->stage &&
                      event->site.task == attempt->task && event->site.attempt == attempt->attempt;
        if (!is_its)
            continue;
        const struct od_flow flow = {attempt->stage, attempt->task, attempt->attempt, event->site.partition,
                                     {event->rows, event->checksum}};
        OD_TRY(add_flow(run, flows_out, &capacity, &flow, error));
    }
    return OD_OK;
}
