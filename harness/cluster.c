/* cluster: see cluster.h. This file makes actors and collects what they say; cluster_sim.c and cluster_threads.c host them.
 *
 * The answer is moved out of the driver's memory at once (take_outcome), so that whatever is still held when the actors have ended
 * is a leak and can be counted. */
#include "harness/cluster.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/run/driver.h"
#include "engine/run/executor.h"
#include "engine/run/metrics.h"
#include "harness/cluster_host.h"
#include "harness/cluster_processes.h"

#define THREADS_LEASE_NS UINT64_C(1000000000) /* one step of an operator is longer than that of a simulated one */

static const char *const deployment_texts[] = {
    [OD_DEPLOY_SIM] = "sim", [OD_DEPLOY_THREADS] = "threads", [OD_DEPLOY_PROCESSES] = "processes"};
_Static_assert(sizeof(deployment_texts) / sizeof(deployment_texts[0]) == OD_DEPLOYMENT_COUNT, "every deployment");

const char *od_deployment_text(enum od_deployment deployment)
{
    od_assert(deployment < OD_DEPLOYMENT_COUNT);
    return deployment_texts[deployment];
}

static bool changes_nothing(enum od_deployment deployment, enum od_fault_kind kind)
{
    return (deployment != OD_DEPLOY_SIM && od_fault_kind_needs_sim(kind)) ||
           (deployment == OD_DEPLOY_PROCESSES && kind == OD_FAULT_EXECUTOR_ADD);
}

void od_deployment_limit_kinds(enum od_deployment deployment, struct od_fault_kinds *kinds)
{
    for (unsigned i = 0; i < OD_FAULT_KIND_COUNT; i++)
        if (changes_nothing(deployment, (enum od_fault_kind)i))
            od_fault_kinds_drop(kinds, (enum od_fault_kind)i);
}

static enum od_status refuse_idle_faults(const struct od_cluster_request *request, struct od_error *error)
{
    for (uint32_t i = 0; request->schedule != NULL && i < request->schedule->fault_count; i++) {
        enum od_fault_kind kind = request->schedule->faults[i].kind;
        if (changes_nothing(request->deployment, kind))
            return od_fail(error, OD_BAD_INPUT, "a schedule for %s: %s changes nothing there",
                           od_deployment_text(request->deployment), od_fault_kind_text(kind));
    }
    return OD_OK;
}

static void record_event(void *self, const struct od_event *event)
{
    const struct od_cluster_host *host = self;
    struct od_cluster_result *result = host->result;
    const struct od_trace *trace = &host->request->trace;
    if (trace->ops != NULL)
        trace->ops->event(trace->self, event);
    if (host->request->stops_at != NULL) {
        bool lives = host->driver.self != NULL && host->driver_lives(host->stop_self);
        if (host->request->stops_at(host->request->stops_at_self, event, lives ? &host->driver : NULL))
            host->stop(host->stop_self);
    }
    if (!host->request->keep_events)
        return;
    if (result->event_count == result->event_capacity) {
        uint32_t capacity = result->event_capacity == 0 ? 256 : result->event_capacity * 2;
        void *grown = od_resize(result->memory, result->events, result->event_capacity * sizeof(*event),
                                capacity * sizeof(*event));
        if (grown == NULL) {
            result->events_cut = true;
            return;
        }
        result->events = grown;
        result->event_capacity = capacity;
    }
    result->events[result->event_count++] = *event;
}
static const struct od_trace_ops record_ops = {.event = record_event};

/* A copy in the result's memory; NULL on refusal. */
static struct od_table *copy_answer(struct od_memory *memory, const struct od_table *answer, struct od_error *error)
{
    struct od_table *copy = od_table_new(memory, answer->name, &answer->schema, error);
    if (copy == NULL)
        return NULL;
    struct od_batch rows = od_table_view(answer);
    if (od_batch_builder_append_rows(&copy->rows, &rows, NULL, 0, rows.row_count, error) != OD_OK) {
        od_table_free(memory, copy);
        return NULL;
    }
    od_table_finish(copy);
    return copy;
}

/* Refused memory: what there is counts. Not where the driver may die between the two: nobody then takes the first one's journal
 * away. */
static bool runs_again(struct od_cluster_host *host, struct od_outcome *outcome)
{
    if (!host->request->twice || od_schedule_kills_driver(host->request->schedule) || host->again.query_id != 0 || outcome->status != OD_OK)
        return false;
    host->again = host->query;
    host->again.query_id = host->query.query_id + 1;
    if (od_driver_submit(&host->driver, &host->again, NULL) != OD_OK) {
        host->again.query_id = 0;
        return false;
    }
    od_table_free(host->driver_world->memory, outcome->answer);
    outcome->answer = NULL;
    return true;
}

static void take_outcome(void *self, uint32_t query_id, struct od_outcome *outcome)
{
    struct od_cluster_host *host = self;
    struct od_cluster_result *result = host->result;
    od_assert(query_id == (host->again.query_id != 0 ? host->again : host->query).query_id);
    if (!host->driver_lives(host->stop_self)) {
        od_table_free(host->driver_world->memory, outcome->answer);
        outcome->answer = NULL;
        return;
    }
    od_assert(!result->ended);
    if (runs_again(host, outcome))
        return;
    result->ended = true;
    result->outcome = *outcome;
    result->outcome.metrics = od_query_metrics_copy(result->memory, outcome->metrics);
    if (outcome->answer != NULL) {
        result->outcome.answer = copy_answer(result->memory, outcome->answer, &result->outcome.error);
        if (result->outcome.answer == NULL)
            result->outcome.status = OD_NO_MEMORY;
        od_table_free(host->driver_world->memory, outcome->answer);
        outcome->answer = NULL;
    }
    host->stop(host->stop_self);
}

static const struct od_query *find_query(void *self, uint32_t query_id)
{
    struct od_cluster_host *host = self;
    if (query_id == host->query.query_id)
        return &host->query;
    return query_id == host->again.query_id ? &host->again : NULL;
}

static enum od_status make_actor(void *self, struct od_world *world, struct od_actor *actor_out,
                                 struct od_error *error)
{
    struct od_cluster_host *host = self;
    if (host->request->calls != NULL)
        od_wrap_calls_dress(host->request->calls, world);
    if (host->request->dress != NULL)
        host->request->dress(host->request->dress_self, world);
    if (world->actor_id != 0)
        return od_executor_new(world, &host->query.options.cluster, &host->catalog, actor_out, error);
    host->driver_world = world;
    OD_TRY(od_driver_new(world, &host->query.options.cluster, (struct od_outcome_sink){take_outcome, host}, actor_out,
                         error));
    host->driver = *actor_out;
    enum od_status status =
        od_driver_submit(actor_out, host->again.query_id != 0 ? &host->again : &host->query, error);
    if (status != OD_OK) {
        actor_out->ops->free(actor_out->self);
        *actor_out = (struct od_actor){0};
    }
    return status;
}

static enum od_status run_in_processes(struct od_cluster_host *host, struct od_error *error)
{
    const struct od_cluster_request *request = host->request;
    const struct od_cluster_options *cluster = &host->query.options.cluster;
    const struct od_processes_options options = {.executor_count = cluster->executor_count,
                                                 .slots_per_executor = cluster->slots_per_executor,
                                                 .cluster = request->options.cluster,
                                                 .schedule = request->schedule,
                                                 .tells_events = host->trace.ops != NULL};
    struct od_processes *own = NULL;
    bool is_disturbed = request->schedule != NULL && request->schedule->fault_count > 0;
    if (request->processes == NULL || is_disturbed)
        OD_TRY(od_processes_start(host->memory, &options, &own, error));
    struct od_processes *processes = own != NULL ? own : request->processes;
    od_processes_trace(processes, host->trace);
    enum od_status status =
        od_processes_run(processes, request->graph, &request->options, host->until_ns, host->result, error);
    od_processes_trace(processes, (struct od_trace){0});
    od_processes_end(own);
    return status;
}

enum od_status od_cluster_run(struct od_memory *memory, const struct od_cluster_request *request,
                              struct od_cluster_result *result_out, struct od_error *error)
{
    struct od_memory *answer_memory = request->answer_memory == NULL ? memory : request->answer_memory;
    *result_out = (struct od_cluster_result){.memory = answer_memory};
    struct od_cluster_host host = {
        .request = request,
        .memory = memory,
        .result = result_out,
        .query = {.query_id = 1, .graph = request->graph, .options = od_run_options_resolve(&request->options)},
    };
    OD_TRY(refuse_idle_faults(request, error));
    if (request->deployment == OD_DEPLOY_THREADS && request->options.cluster.lease_ns == 0)
        host.query.options.cluster.lease_ns = THREADS_LEASE_NS;
    if (od_schedule_wants_journal(request->schedule))
        host.query.options.cluster.journal = true;
    host.until_ns = request->until_ns != 0 ? request->until_ns : 2 * host.query.options.deadline_ns;
    host.factory = (struct od_actor_factory){make_actor, &host};
    host.catalog = (struct od_query_catalog){.find = find_query, .self = &host};
    if (request->keep_events || request->trace.ops != NULL || request->stops_at != NULL)
        host.trace = (struct od_trace){&record_ops, &host};
    if (request->schedule != NULL && request->schedule->fault_count > 0) {
        result_out->fault_count = request->schedule->fault_count;
        result_out->fired = od_take_array(answer_memory, result_out->fault_count, sizeof(*result_out->fired));
        if (result_out->fired == NULL)
            return od_fail(error, OD_NO_MEMORY, "running a query: faults=%u", result_out->fault_count);
    }
    if (request->deployment == OD_DEPLOY_PROCESSES)
        return run_in_processes(&host, error);
    return request->deployment == OD_DEPLOY_SIM ? od_cluster_run_sim(&host, error)
                                                : od_cluster_run_threads(&host, error);
}

void od_cluster_result_release(struct od_cluster_result *result)
{
    if (result->memory == NULL)
        return;
    od_table_free(result->memory, result->outcome.answer);
    od_query_metrics_free(result->memory, result->outcome.metrics);
    od_give(result->memory, result->events, result->event_capacity * sizeof(*result->events));
    od_give(result->memory, result->fired, result->fault_count * sizeof(*result->fired));
    *result = (struct od_cluster_result){0};
}

enum od_status od_cluster_shape(struct od_arena *arena, const struct od_stage_graph *graph, uint32_t executor_count,
                                enum od_deployment deployment, struct od_schedule_shape *shape_out, struct od_error *error)
{
    uint32_t *task_counts = od_arena_take_array(arena, graph->stage_count, sizeof(*task_counts));
    uint32_t *partition_counts = od_arena_take_array(arena, graph->stage_count, sizeof(*partition_counts));
    *shape_out = (struct od_schedule_shape){0};
    if (task_counts == NULL || partition_counts == NULL)
        return od_fail(error, OD_NO_MEMORY, "describing a stage graph: stages=%u", graph->stage_count);
    for (uint32_t i = 0; i < graph->stage_count; i++) {
        task_counts[i] = graph->stages[i].task_count;
        partition_counts[i] = graph->stages[i].partition_count;
    }
    *shape_out = (struct od_schedule_shape){
        .executor_count = executor_count,
        .stage_count = graph->stage_count,
        .task_counts = task_counts,
        .partition_counts = partition_counts,
        .kinds = od_fault_kinds_survivable(),
    };
    od_deployment_limit_kinds(deployment, &shape_out->kinds);
    return OD_OK;
}
