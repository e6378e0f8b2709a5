/* run_record: see run_record.h. */
#include "harness/run_record.h"

#include <stdio.h>
#include <string.h>

#include "engine/run/metrics.h"
#include "engine/world/posix.h"
#include "harness/repair.h"
#include "harness/table_show.h"

#define ROWS_SHOWN_MAX 20

static void record_stage_metrics(struct od_record_stage *target, const struct od_stage_metrics *stage)
{
    target->attempts = stage->attempts_launched;
    target->failed_attempts = stage->attempts_failed;
    target->rows = stage->rows;
    target->bytes = stage->bytes;
    target->fetched_blocks = stage->attempts.fetched_blocks;
    target->fetched_bytes = stage->attempts.fetched_bytes;
    target->spilled_bytes = stage->spilled_bytes;
    target->memory_peak_bytes = stage->peak_bytes;
    target->elapsed_ns = stage->commits == 0 ? 0 : stage->completed_ns - stage->submitted_ns;
    target->run_ns = stage->attempts.run_ns;
    target->wait_ns = stage->attempts.wait_ns;
}

/* A stage's operators on the way into its record. */
struct operators {
    struct od_record *record;
    struct od_record_stage *target;
    const struct od_op_metrics *metrics; /* in printing order; NULL: not measured */
    uint32_t position;                   /* of the next in that order */
};

static void record_operator(struct operators *operators, const struct od_op_metrics *metrics, const char *text,
                            uint64_t rows_in)
{
    struct od_record_operator *target = od_record_add_operator(operators->record, operators->target, text);
    if (target == NULL)
        return;
    target->rows_in = rows_in;
    target->rows = metrics->rows;
    target->batches = metrics->batches;
    target->bytes = metrics->bytes;
    target->spilled_bytes = metrics->spilled_bytes;
    target->memory_peak_bytes = metrics->peak_bytes;
    target->time_ns = metrics->time_ns;
}

/* Inputs before the operator that reads them. Returns how many rows it gave. */
static uint64_t record_operators(struct operators *operators, const struct od_physical *node)
{
    const struct od_op_metrics *metrics =
        operators->metrics == NULL ? NULL : &operators->metrics[operators->position];
    uint64_t rows_in = 0;
    operators->position++;
    for (uint32_t i = 0; i < node->input_count; i++)
        rows_in += record_operators(operators, node->inputs[i]);
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    od_physical_print_node(node, &text);
    od_record_line(operators->record, &operators->target->operators, od_buffer_text(&text));
    if (metrics != NULL)
        record_operator(operators, metrics, od_buffer_text(&text), rows_in);
    od_buffer_release(&text);
    return metrics == NULL ? 0 : metrics->rows;
}

static void record_stages(struct od_record *record, struct od_record_query *query,
                          const struct od_stage_graph *graph, const struct od_cluster_result *undisturbed)
{
    for (uint32_t i = 0; i < graph->stage_count; i++) {
        const struct od_stage *stage = &graph->stages[i];
        struct od_record_stage *target = od_record_add_stage(record, query, i);
        if (target == NULL)
            return;
        od_record_text(record, &target->exchange, od_exchange_kind_text(stage->exchange));
        target->tasks = stage->task_count;
        target->partitions = stage->partition_count;
        target->indeterminate = stage->determinism == OD_INDETERMINATE;
        for (uint32_t j = 0; j < stage->input_count; j++)
            od_record_add_parent(record, target, stage->input_stages[j]);
        struct od_query_metrics *metrics = undisturbed->outcome.metrics;
        record_operators(&(struct operators){.record = record,
                                             .target = target,
                                             .metrics = metrics == NULL ? NULL : od_stage_operators(metrics, i)},
                         stage->root);
        if (metrics != NULL)
            record_stage_metrics(target, &metrics->stages[i]);
    }
}

static void record_answer(struct od_record *record, struct od_record_query *query, const struct od_table *answer)
{
    char hex[33];
    struct od_batch rows = od_table_view(answer);
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    od_table_digest(answer, hex);
    od_record_text(record, &query->answer_digest, hex);
    query->answer_rows = rows.row_count;
    for (uint32_t i = 0; i < answer->schema.field_count; i++)
        od_record_line(record, &query->columns, answer->schema.fields[i].name);
    for (uint32_t row = 0; row < rows.row_count && row < ROWS_SHOWN_MAX; row++) {
        struct od_record_row *target = od_record_add_row(record, query);
        for (uint32_t i = 0; i < answer->schema.field_count && target != NULL; i++) {
            struct od_value value = od_column_value(&rows.columns[i], row);
            od_buffer_reset(&text);
            od_value_print(&value, &text);
            od_record_line(record, &target->cells, value.is_null ? "NULL" : od_buffer_text(&text));
        }
    }
    od_buffer_release(&text);
}

void od_run_record_query(struct od_record *record, struct od_record_query *query, const struct od_prepared *prepared,
                         const struct od_cluster_result *undisturbed)
{
    if (query == NULL)
        return;
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    od_buffer_append_text(&text, "optimised plan\n");
    od_plan_print(prepared->optimised, &text);
    od_buffer_append_text(&text, "\n");
    od_stage_graph_print(prepared->graph, &text);
    od_record_text(record, &query->explain, od_buffer_text(&text));
    od_buffer_release(&text);
    record_stages(record, query, prepared->graph, undisturbed);
    if (undisturbed->outcome.answer != NULL)
        record_answer(record, query, undisturbed->outcome.answer);
}

void od_run_record_table(struct od_record *record, struct od_record_scenario *scenario, const struct od_table *table,
                         const char *source)
{
    struct od_record_table *target = od_record_add_table(record, scenario, table->name);
    if (target == NULL)
        return;
    od_record_text(record, &target->source, source);
    target->rows = od_table_row_count(table);
    for (uint32_t i = 0; i < table->schema.field_count; i++) {
        char column[200];
        snprintf(column, sizeof(column), "%s %s", table->schema.fields[i].name,
                 od_type_text(table->schema.fields[i].type));
        od_record_line(record, &target->columns, column);
    }
}

static void record_schedule(struct od_record *record, struct od_record_run *run, const struct od_schedule *schedule)
{
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    for (uint32_t i = 0; i < schedule->fault_count; i++) {
        od_buffer_reset(&text);
        od_fault_explain(&schedule->faults[i], &text);
        od_record_line(record, &run->schedule, od_buffer_text(&text));
    }
    if (schedule->heal_ns != 0) {
        od_buffer_reset(&text);
        od_buffer_print(&text, "all faults end at %llu ms", (unsigned long long)(schedule->heal_ns / 1000000));
        od_record_line(record, &run->schedule, od_buffer_text(&text));
    }
    od_buffer_release(&text);
}

/* Refused memory is the record's. */
static void record_repair(struct od_record *record, struct od_record_run *run, const struct od_stage_graph *graph,
                          const struct od_cluster_result *result)
{
    struct od_repair repair;
    enum od_status status =
        od_repair_measure(od_posix_memory(), graph, result->events, result->event_count, &repair, NULL);
    record->failed = record->failed || status != OD_OK;
    run->repair_ns = repair.total_ns;
    run->repair_longest_ns = repair.longest_ns;
}

/* What the driver decided and does not count. */
static void count_events(struct od_record_run *run, const struct od_cluster_result *result)
{
    static const size_t measures[OD_EVENT_COUNT] = {
        [OD_EVENT_TASK_SPECULATED] = offsetof(struct od_record_run, speculations),
        [OD_EVENT_STAGE_ROLLED_BACK] = offsetof(struct od_record_run, rollbacks),
        [OD_EVENT_PLAN_ADAPTED] = offsetof(struct od_record_run, adaptations),
        [OD_EVENT_OUTPUT_MOVED] = offsetof(struct od_record_run, outputs_moved),
        [OD_EVENT_OUTPUT_REUSED] = offsetof(struct od_record_run, outputs_reused),
        [OD_EVENT_CHECKPOINTED] = offsetof(struct od_record_run, checkpoints),
        [OD_EVENT_EXECUTOR_EXCLUDED] = offsetof(struct od_record_run, exclusions),
        [OD_EVENT_EXECUTOR_DECOMMISSIONED] = offsetof(struct od_record_run, decommissions),
        [OD_EVENT_DRIVER_RESTARTED] = offsetof(struct od_record_run, driver_restarts),
        [OD_EVENT_BUDGET_EXHAUSTED] = offsetof(struct od_record_run, alerts),
        [OD_EVENT_BUDGET_LOW] = offsetof(struct od_record_run, alerts),
        [OD_EVENT_TASK_STOLEN] = offsetof(struct od_record_run, steals),
        [OD_EVENT_TASK_ADOPTED] = offsetof(struct od_record_run, adoptions),
        [OD_EVENT_BREAKER_OPENED] = offsetof(struct od_record_run, breakers_opened),
    };
    for (uint32_t i = 0; i < result->event_count; i++) {
        size_t offset = measures[result->events[i].kind];
        if (offset != 0)
            (*(uint64_t *)(void *)((uint8_t *)run + offset))++;
    }
}

void od_run_record_run(struct od_record *record, struct od_record_run *run, const struct od_cluster_request *request,
                       const struct od_cluster_result *result, uint64_t wall_ns)
{
    if (run == NULL)
        return;
    const struct od_run_counts *counts = &result->outcome.counts;
    run->disturbed = request->schedule != NULL;
    run->seed = request->seed;
    run->faults_fired = result->faults_fired;
    run->wall_ns = wall_ns;
    run->virtual_ns = request->deployment == OD_DEPLOY_SIM ? result->elapsed_ns : 0;
    run->tasks_run = counts->attempts_launched;
    for (uint32_t i = 0; i < request->graph->stage_count; i++)
        run->tasks += request->graph->stages[i].task_count;
    run->recomputed_tasks = counts->tasks_recomputed;
    run->recomputed_ppm = counts->tasks_recomputed * UINT64_C(1000000) / run->tasks;
    run->retries = counts->attempts_failed;
    run->refused_attempts = counts->attempts_refused;
    count_events(run, result);
    record_repair(record, run, request->graph, result);
    run->executors_lost = counts->executors_lost;
    run->memory_limit_bytes = request->options.query_memory_bytes;
    run->memory_peak_bytes = counts->memory_peak_bytes;
    run->spilled_bytes = counts->spilled_bytes;
    run->shuffle_rows = counts->shuffle_rows;
    run->shuffle_bytes = counts->shuffle_bytes;
    if (request->schedule != NULL)
        record_schedule(record, run, request->schedule);
    if (request->deployment == OD_DEPLOY_SIM)
        od_record_print(record, &run->trace_digest, "%016llx", (unsigned long long)result->digest);
    if (result->outcome.answer != NULL) {
        char hex[33];
        od_table_digest(result->outcome.answer, hex);
        od_record_text(record, &run->digest, hex);
        run->answer_rows = od_table_row_count(result->outcome.answer);
    }
}
