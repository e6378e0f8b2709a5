/* session_engine: see session_engine.h.
 *
 *   SQL --session--> plan --prepare--> stages --cluster--> answer --session--> the sink */
#include "harness/session_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/expr/evaluate.h"
#include "engine/run/metrics.h"
#include "engine/world/posix.h"
#include "harness/campaign_worker.h"
#include "harness/cluster_processes.h"
#include "harness/file.h"
#include "harness/prepare.h"
#include "harness/run_record.h"

#define ORDER_MAX 16 /* columns of ORDER BY that a comparison looks at */

struct od_session_engine {
    const struct od_session_options *options;
    struct od_session *session;
    struct od_processes *processes; /* of the deployment of that name; NULL: not started yet */
    uint64_t began_ns;           /* the plan that runs */
    uint64_t until_ns;           /* of the same */
    struct od_record *record;    /* borrowed; NULL: nobody measures */
    struct od_run_counts counts; /* see od_session_engine_take_counts */
    struct od_event_writer events;
    uint32_t order_count;        /* of the plan that ran last: see order_of */
    uint32_t order[ORDER_MAX];
};

/* --- options -------------------------------------------------------------------------------------------- */

static enum od_status read_schedule(struct od_session_options *options, const char *path,
                                    struct od_error *error)
{
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    enum od_status status = od_file_read(path, &text, error);
    if (status == OD_OK)
        status = od_schedule_parse(options->arena, path, od_buffer_text(&text), text.size, &options->schedule,
                                   error);
    options->request.schedule = &options->schedule;
    od_buffer_release(&text);
    return status;
}

enum od_status od_session_options_read(struct od_arena *arena, const struct od_arguments *arguments,
                                       struct od_session_options *options_out, struct od_error *error)
{
    static const char *const deployments[] = {"sim", "threads", "processes", NULL};
    static const char *const joins[] = {"choose", "hash", "merge", "nested-loop", NULL};
    static const char *const spreads[] = {"choose", "broadcast", "partitioned", NULL};
    uint32_t deployment = OD_DEPLOY_SIM;
    uint32_t join = OD_JOIN_ALGORITHM_CHOOSE;
    uint32_t spread = OD_JOIN_CHOOSE;
    uint64_t operator_bytes = 0;
    uint64_t executors = 3;
    uint64_t partitions = 0;
    uint64_t batch_rows = 0;
    *options_out = (struct od_session_options){.arena = arena, .request = {.seed = 1}};
    OD_TRY(od_arguments_choice(arguments, "deploy", deployments, &deployment, error));
    OD_TRY(od_arguments_number(arguments, "executors", 1, 64, &executors, error));
    OD_TRY(od_arguments_number(arguments, "partitions", 1, 64, &partitions, error));
    OD_TRY(od_arguments_number(arguments, "batch", 1, 65536, &batch_rows, error));
    OD_TRY(od_arguments_number(arguments, "seed", 0, UINT64_MAX, &options_out->request.seed, error));
    OD_TRY(od_rules_off_parse(od_arguments_text(arguments, "rules-off", ""), &options_out->plan.rules_off,
                              error));
    OD_TRY(od_arguments_choice(arguments, "join", joins, &join, error));
    OD_TRY(od_arguments_choice(arguments, "spread", spreads, &spread, error));
    OD_TRY(od_arguments_number(arguments, "operator-memory", 1, UINT64_MAX, &operator_bytes, error));
    options_out->plan.join_algorithm = join; /* listed as the options are */
    options_out->plan.join_strategy = spread;
    options_out->plan.partition_count = (uint32_t)partitions;
    options_out->request.deployment = (enum od_deployment)deployment;
    options_out->request.options =
        (struct od_run_options){.cluster.executor_count = (uint32_t)executors,
                                .batch_rows = (uint32_t)batch_rows,
                                .operator_memory_bytes = operator_bytes,
                                .hash_bits_off = od_arguments_has(arguments, "collide") ? UINT64_MAX : 0,
                                .partition_bytes = UINT64_C(1) << 20,
                                .broadcast_bytes = UINT64_C(256) << 10,
                                .codec = OD_CODEC_ZSTD};
    OD_TRY(od_knobs_read(arguments, &options_out->request.options, error));
    const char *memory = od_arguments_text(arguments, "memory", NULL);
    if (memory != NULL)
        OD_TRY(od_memory_limit_parse(memory, &options_out->memory, error));
    const char *faults = od_arguments_text(arguments, "faults", "none");
    return strcmp(faults, "none") == 0 ? OD_OK : read_schedule(options_out, faults, error);
}

/* --- the session's runner ------------------------------------------------------------------------------- */

static bool is_late(void *self)
{
    return od_campaign_now_ns() > ((struct od_session_engine *)self)->until_ns;
}

static void add_counts(struct od_run_counts *sum, const struct od_run_counts *counts)
{
    if (counts->memory_peak_bytes > sum->memory_peak_bytes)
        sum->memory_peak_bytes = counts->memory_peak_bytes;
    sum->spilled_bytes += counts->spilled_bytes;
    sum->shuffle_bytes += counts->shuffle_bytes;
    sum->shuffle_rows += counts->shuffle_rows;
    sum->attempts_launched += counts->attempts_launched;
}

/* As od_cluster_run, with what memory the options say. */
static enum od_status run_limited(struct od_session_engine *engine, struct od_cluster_request *request,
                                  struct od_cluster_result *result, struct od_error *error)
{
    const struct od_memory_limit *limit = &engine->options->memory;
    if (limit->thousandths != 0) {
        OD_TRY(od_cluster_run(od_posix_memory(), request, result, error));
        if (!result->ended || result->outcome.status != OD_OK)
            return OD_OK;
    }
    request->options.query_memory_bytes =
        od_memory_limit_bytes(limit, result->outcome.counts.memory_peak_bytes);
    od_cluster_result_release(result);
    request->trace = od_event_writer_trace(&engine->events);
    OD_TRY(od_cluster_run(od_posix_memory(), request, result, error));
    engine->events.run++;
    OD_TRY(od_event_log_status(engine->events.log, error));
    add_counts(&engine->counts, &result->outcome.counts);
    return OD_OK;
}

/* The answer's columns that the query is ordered by; 0 when it is not, or by what is no column of it. */
static uint32_t order_of(const struct od_plan *plan, uint32_t columns[ORDER_MAX])
{
    const struct od_plan *project = plan->kind == OD_PLAN_PROJECT ? plan : NULL;
    const struct od_plan *sort = project != NULL ? project->inputs[0] : plan;
    sort = sort->kind == OD_PLAN_LIMIT ? sort->inputs[0] : sort;
    if (sort->kind != OD_PLAN_SORT || sort->sort.key_count > ORDER_MAX)
        return 0;
    for (uint32_t i = 0; i < sort->sort.key_count; i++) {
        const struct od_expr *key = sort->sort.keys[i].expr;
        columns[i] = key->column_index;
        if (project != NULL)
            for (columns[i] = 0; columns[i] < project->schema.field_count; columns[i]++)
                if (od_expr_equal(project->rows.exprs[columns[i]], key))
                    break;
        if (key->kind != OD_EXPR_COLUMN || columns[i] >= plan->schema.field_count)
            return 0;
    }
    return sort->sort.key_count;
}

/* One cluster for all queries of the session. */
static enum od_status use_processes(struct od_session_engine *engine, struct od_cluster_request *request,
                                    struct od_error *error)
{
    const struct od_processes_options options = {.executor_count = request->options.cluster.executor_count,
                                                 .slots_per_executor = request->options.cluster.slots_per_executor,
                                                 .cluster = request->options.cluster,
                                                 .tells_events = engine->events.log != NULL || engine->record != NULL};
    if (engine->processes == NULL)
        OD_TRY(od_processes_start(od_posix_memory(), &options, &engine->processes, error));
    request->processes = engine->processes;
    return OD_OK;
}

/* Puts the run into the record of what the session measures. */
static void record_run(struct od_session_engine *engine, const struct od_prepared *prepared,
                       const struct od_cluster_request *request, const struct od_cluster_result *result)
{
    struct od_record *record = engine->record;
    if (record == NULL)
        return;
    struct od_record_scenario *scenario = record->scenarios.count == 0 ? od_record_add_scenario(record, "sql")
                                                                       : record->scenarios.items[0];
    char name[24];
    snprintf(name, sizeof(name), "%u", scenario == NULL ? 0 : scenario->queries.count);
    struct od_record_query *query = od_record_add_query(record, scenario, name);
    od_run_record_query(record, query, prepared, result);
    od_run_record_run(record, od_record_add_run(record, query, od_deployment_text(request->deployment)), request, result,
                      od_campaign_now_ns() - engine->began_ns);
}

/* A plan's result, which is the caller's to release whatever happens. */
static enum od_status execute(struct od_session_engine *engine, struct od_arena *plan_arena,
                              const struct od_plan *plan, struct od_prepared *prepared,
                              struct od_cluster_result *result, struct od_error *error)
{
    const struct od_session_options *options = engine->options;
    struct od_cluster_request request = options->request;
    char directory[] = "/tmp/ordeal-XXXXXX";
    engine->order_count = order_of(plan, engine->order);
    OD_TRY(od_prepare_plan(plan_arena, plan, &options->plan, prepared, error));
    request.graph = prepared->graph;
    request.keep_events = engine->record != NULL;
    engine->began_ns = od_campaign_now_ns();
    engine->until_ns = engine->began_ns + options->time_limit_s * UINT64_C(1000000000);
    request.is_over = options->time_limit_s == 0 ? NULL : is_late;
    request.is_over_self = engine;
    if (request.deployment == OD_DEPLOY_THREADS) {
        if (mkdtemp(directory) == NULL)
            return od_fail(error, OD_IO, "making a temporary folder in /tmp");
        request.directory = directory;
    }
    bool is_disturbed = request.schedule != NULL && request.schedule->fault_count > 0; /* on a cluster of its own */
    if (request.deployment == OD_DEPLOY_PROCESSES && !is_disturbed)
        OD_TRY(use_processes(engine, &request, error));
    enum od_status status = run_limited(engine, &request, result, error);
    if (request.directory != NULL)
        od_folder_remove(directory, NULL);
    if (status == OD_OK)
        record_run(engine, prepared, &request, result);
    if (status == OD_OK && !result->ended)
        status = od_fail(error, OD_TIMED_OUT, "the query did not end: more than %llu s or %llu events",
                         (unsigned long long)options->time_limit_s, (unsigned long long)result->sim_events);
    if (status == OD_OK && result->outcome.status != OD_OK) {
        if (error != NULL)
            *error = result->outcome.error;
        status = result->outcome.status;
    }
    return status;
}

static enum od_status run_plan(void *self, struct od_arena *plan_arena, const struct od_plan *plan,
                               struct od_table **answer_out, struct od_error *error)
{
    struct od_cluster_result result = {0};
    struct od_prepared prepared;
    *answer_out = NULL;
    enum od_status status = execute(self, plan_arena, plan, &prepared, &result, error);
    if (status == OD_OK) {
        *answer_out = result.outcome.answer;
        result.outcome.answer = NULL;
    }
    od_cluster_result_release(&result);
    return status;
}

static enum od_status analyze_plan(struct od_session_engine *engine, struct od_arena *plan_arena,
                                   const struct od_plan *plan, struct od_buffer *text, struct od_error *error)
{
    struct od_cluster_result result = {0};
    struct od_prepared prepared;
    enum od_status status = execute(engine, plan_arena, plan, &prepared, &result, error);
    if (status == OD_OK && (result.outcome.metrics == NULL ||
                            !od_query_metrics_print(result.outcome.metrics, prepared.graph,
                                                    &result.outcome.counts, text)))
        status = od_fail(error, OD_NO_MEMORY, "telling what a query took");
    od_cluster_result_release(&result);
    return status;
}

static enum od_status explain_plan(void *self, struct od_arena *plan_arena, const struct od_plan *plan,
                                   bool analyze, struct od_buffer *text, struct od_error *error)
{
    struct od_plan_options options = ((struct od_session_engine *)self)->options->plan;
    options.evaluate_constant = od_evaluate_constant;
    return analyze ? analyze_plan(self, plan_arena, plan, text, error)
                   : od_explain(plan_arena, plan, &options, text, error);
}

enum od_status od_session_engine_new(const struct od_session_options *options,
                                     struct od_session_engine **engine_out, struct od_error *error)
{
    struct od_session_engine *engine = od_take(od_posix_memory(), sizeof(*engine));
    *engine_out = engine;
    if (engine == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening a session");
    *engine = (struct od_session_engine){.options = options};
    const struct od_session_runner runner = {run_plan, explain_plan, od_evaluate_constant, engine};
    return od_session_new(od_posix_memory(), &runner, &engine->session, error);
}

void od_session_engine_free(struct od_session_engine *engine)
{
    if (engine == NULL)
        return;
    od_session_free(engine->session);
    od_processes_end(engine->processes);
    od_give(od_posix_memory(), engine, sizeof(*engine));
}

struct od_run_counts od_session_engine_take_counts(struct od_session_engine *engine)
{
    struct od_run_counts counts = engine->counts;
    engine->counts = (struct od_run_counts){0};
    return counts;
}

void od_session_engine_log_events(struct od_session_engine *engine, struct od_event_log *log)
{
    engine->events = (struct od_event_writer){.log = log, .schedule = engine->options->request.schedule};
}

void od_session_engine_measure(struct od_session_engine *engine, struct od_record *record)
{
    engine->record = record;
}

struct od_session *od_session_engine_session(struct od_session_engine *engine)
{
    return engine->session;
}

/* --- as an engine of sqllogictest ----------------------------------------------------------------------- */

struct answer_maker {
    struct od_arena *arena;
    struct od_slt_answer *answer;
};

static enum od_status take_cells(struct answer_maker *maker, const struct od_table *table,
                                 struct od_error *error)
{
    struct od_slt_answer *answer = maker->answer;
    struct od_batch rows = od_table_view(table);
    struct od_buffer text;
    size_t count = (size_t)rows.row_count * rows.schema->field_count;
    enum od_type *types = od_arena_take_array(maker->arena, rows.schema->field_count, sizeof(*types));
    const char **cells = od_arena_take_array(maker->arena, count, sizeof(*cells));
    if (types == NULL || cells == NULL)
        return od_fail(error, OD_NO_MEMORY, "taking an answer: rows=%u", rows.row_count);
    bool failed = false;
    od_buffer_init(&text, maker->arena->memory);
    for (size_t i = 0; i < count && !failed; i++) {
        struct od_value value = od_column_value(&rows.columns[i % rows.schema->field_count],
                                                (uint32_t)(i / rows.schema->field_count));
        if (value.is_null)
            continue;
        od_buffer_reset(&text);
        failed = !od_value_print(&value, &text);
        cells[i] = failed ? NULL : od_arena_copy_buffer(maker->arena, &text);
        failed |= cells[i] == NULL;
    }
    od_buffer_release(&text);
    for (uint32_t i = 0; i < rows.schema->field_count; i++)
        types[i] = rows.schema->fields[i].type;
    *answer = (struct od_slt_answer){.column_count = rows.schema->field_count,
                                     .row_count = rows.row_count,
                                     .cells = cells,
                                     .types = types};
    return failed ? od_fail(error, OD_NO_MEMORY, "taking an answer: rows=%u", rows.row_count) : OD_OK;
}

/* DuckDB's files say "PRAGMA default_null_order" and "SET default_null_order" for the same, and only the second is SQL. */
static const char *as_sql(struct od_arena *arena, const char *sql)
{
    return strncasecmp(sql, "PRAGMA default_null_order", 25) == 0 ? od_arena_print(arena, "SET%s", sql + 6)
                                                                  : sql;
}

/* The last statement's answer counts. A statement without rows shows how many it changed, as DuckDB's does.
 * */
static enum od_status take_result(void *self, struct od_session_result *result, struct od_error *error)
{
    struct answer_maker *maker = self;
    if (result->answer != NULL)
        OD_TRY(take_cells(maker, result->answer, error));
    else
        *maker->answer = (struct od_slt_answer){0};
    maker->answer->changed_count = result->changed_count;
    if (result->answer != NULL)
        return OD_OK;
    static const enum od_type count_type[] = {OD_TYPE_INT64};
    const char **cell = od_arena_take(maker->arena, sizeof(*cell));
    if (cell != NULL)
        *cell = od_arena_print(maker->arena, "%llu", (unsigned long long)result->changed_count);
    if (cell == NULL || *cell == NULL)
        return od_fail(error, OD_NO_MEMORY, "taking an answer");
    maker->answer->column_count = 1;
    maker->answer->row_count = 1;
    maker->answer->cells = cell;
    maker->answer->types = count_type;
    return OD_OK;
}

static void run_sql(void *self, struct od_arena *arena, const char *sql, struct od_slt_answer *answer_out)
{
    struct od_session_engine *engine = self;
    struct od_session *session = engine->session;
    struct answer_maker maker = {arena, answer_out};
    const struct od_session_sink sink = {take_result, &maker};
    struct od_error error = {0};
    *answer_out = (struct od_slt_answer){0};
    engine->order_count = 0;
    sql = as_sql(arena, sql);
    answer_out->status = sql == NULL ? od_fail(&error, OD_NO_MEMORY, "running a setting")
                                     : od_session_run(session, sql, &sink, &error);
    answer_out->error = error;
    answer_out->error.status = answer_out->status;
    answer_out->in_transaction = od_session_in_transaction(session);
    answer_out->order = engine->order;
    answer_out->order_count = engine->order_count;
    for (uint32_t i = 0; i < engine->order_count; i++) /* of another statement of the text? */
        if (engine->order[i] >= answer_out->column_count)
            answer_out->order_count = 0;
}

static enum od_status refuse(void *self, const char *name, struct od_error *error)
{
    return od_session_refuse(((struct od_session_engine *)self)->session, name, error);
}

struct od_slt_engine od_session_engine_slt(struct od_session_engine *engine)
{
    return (struct od_slt_engine){run_sql, refuse, engine};
}
