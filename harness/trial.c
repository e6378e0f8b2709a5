/* trial: see trial.h. */
#include "harness/trial.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/expr/evaluate.h"
#include "engine/sql/sql.h"
#include "harness/judge.h"
#include "properties/case_print.h"
#include "properties/render_sql.h"

/* No undisturbed run of a small case takes longer than this in virtual time; fault times are drawn within. */
#define CASE_SPAN_NS UINT64_C(20000000)
#define EXECUTORS_ADDED_MAX 2 /* in a case */
#define CASE_FAULTS_MAX 3
#define CASE_STAGES_MAX 400

void od_trial_init(struct od_trial *trial, struct od_memory *memory)
{
    memset(trial, 0, sizeof(*trial));
    trial->memory = memory;
    trial->kinds = od_fault_kinds_survivable(); /* a cancelled query would have no answer to judge */
    od_arena_init(&trial->plan_arena, memory, 64 * 1024);
}

static void forget_case(struct od_trial *trial)
{
    for (uint32_t i = 0; i < trial->run_count; i++)
        od_cluster_result_release(&trial->results[i]);
    trial->run_count = 0;
    trial->disturbed_count = 0;
    trial->virtual_ns = 0;
    trial->sim_events = 0;
    trial->schedule = (struct od_schedule){0};
    trial->finding = (struct od_finding){0};
    trial->digest = 0;
    trial->tally = (struct od_query_tally){0};
    od_case_release(&trial->test_case);
    od_arena_reset(&trial->plan_arena);
    trial->aimed_at = (struct od_prepared){0};
    trial->cannot_travel = false;
}

void od_trial_release(struct od_trial *trial)
{
    forget_case(trial);
    od_arena_release(&trial->plan_arena);
}

static struct od_plan_options plan_options_of(const struct od_case_cluster *cluster)
{
    return (struct od_plan_options){
        .rules_off = cluster->rules_off,
        .partition_count = cluster->partition_count,
        .scan_task_count = cluster->scan_task_count,
        .checkpoint_every = cluster->scan_task_count > 4 ? cluster->scan_task_count - 4 : 0, /* nothing more is drawn for it */
        .join_strategy = cluster->join_strategy,
        .join_algorithm = cluster->join_algorithm,
        .arrival_order = cluster->arrival_order,
    };
}

static struct od_run_options run_options_of(const struct od_case_cluster *cluster)
{
    struct od_run_options options = {
        .cluster.executor_count = cluster->executor_count,
        .cluster.slots_per_executor = cluster->slots_per_executor,
        .cluster.executors_max = cluster->executor_count + EXECUTORS_ADDED_MAX,
        .batch_rows = cluster->batch_rows,
        .operator_memory_bytes = cluster->operator_bytes,
        .hash_bits_off = cluster->collide ? UINT64_MAX : 0,
        .codec = cluster->compress ? OD_CODEC_ZSTD : OD_CODEC_STORED,
        .partition_bytes = cluster->partition_bytes,
        .broadcast_bytes = cluster->broadcast_bytes,
        .cluster.backlog_per_slot = cluster->backlog,
        .cluster.breaker_failures = cluster->touchy ? 1 : 0,
        .cluster.drop_on_drain = cluster->touchy,
        .cluster.cache_bytes = cluster->twice && cluster->eager ? 200 : 0, /* little room: some is evicted */
    };
    if (cluster->eager)
        options.speculation_share = options.speculation_percent = options.speculation_min_ns = 1;
    return options;
}

static enum od_status prepare_with(struct od_trial *trial, const struct od_plan_options *options, const char *sql,
                                   const struct od_plan *plan, struct od_prepared *prepared_out, struct od_error *error)
{
    if (sql != NULL)
        return od_prepare_sql(&trial->plan_arena, sql, &trial->test_case.catalog, options, prepared_out, error);
    return od_prepare_plan(&trial->plan_arena, plan, options, prepared_out, error);
}

/* Where nothing is shared a plan can grow beyond all use: such a one is shared after all. `sql` NULL: the plan as it is. */
static enum od_status prepare_within(struct od_trial *trial, const struct od_case_cluster *cluster, const char *sql,
                                     const struct od_plan *plan, struct od_prepared *prepared_out, struct od_error *error)
{
    const uint32_t sharing = UINT32_C(1) << OD_RULE_COMMON_SUBPLANS;
    struct od_plan_options options = plan_options_of(cluster);
    enum od_status status = prepare_with(trial, &options, sql, plan, prepared_out, error);
    bool is_large = status == OD_UNSUPPORTED || (status == OD_OK && prepared_out->graph->stage_count > CASE_STAGES_MAX);
    if (!is_large || (options.rules_off & sharing) == 0)
        return status;
    options.rules_off &= ~sharing;
    return prepare_with(trial, &options, sql, plan, prepared_out, error);
}

/* Do both mean the same options? */
static bool plans_alike(const struct od_case_cluster *left, const struct od_case_cluster *right)
{
    return left->rules_off == right->rules_off && left->partition_count == right->partition_count &&
           left->scan_task_count == right->scan_task_count && left->join_strategy == right->join_strategy &&
           left->join_algorithm == right->join_algorithm && left->arrival_order == right->arrival_order;
}

enum od_status od_trial_prepare(struct od_trial *trial, const struct od_case_cluster *cluster, const struct od_plan *plan,
                                struct od_prepared *prepared_out, struct od_error *error)
{
    return prepare_within(trial, cluster, NULL, plan, prepared_out, error);
}

/* What the engine says to the query text or plan before anything runs counts as its answer. */
static enum od_status prepare(struct od_trial *trial, const struct od_run_request *request,
                              struct od_prepared *prepared_out, struct od_error *error)
{
    const char *sql = request->cluster->via_sql ? request->sql : NULL;
    if (request->cluster->via_sql && sql == NULL)
        OD_TRY(od_render_sql(&trial->plan_arena, request->plan, OD_DIALECT_ENGINE, &sql, error));
    if (sql == NULL && trial->aimed_at.graph != NULL && request->plan == trial->test_case.plan &&
        plans_alike(request->cluster, &trial->test_case.cluster)) { /* once: what plans anew has to come to the same */
        *prepared_out = trial->aimed_at;
        trial->aimed_at = (struct od_prepared){0};
        return OD_OK;
    }
    return prepare_within(trial, request->cluster, sql, request->plan, prepared_out, error);
}

static void observe(struct od_trial *trial, const struct od_cluster_request *request,
                    const struct od_cluster_result *result, struct od_observation *observation_out)
{
    *observation_out = od_judge_observe(request, result);
    trial->digest = od_mix_two(trial->digest, result->digest);
    trial->virtual_ns += result->elapsed_ns;
    trial->sim_events += result->sim_events;
    trial->disturbed_count += result->faults_fired > 0;
}

/* Of what decides a run: the stages and the limits. */
static uint64_t run_hash(const struct od_trial *trial, const struct od_stage_graph *graph,
                         const struct od_case_cluster *cluster)
{
    struct od_buffer text;
    od_buffer_init(&text, trial->memory);
    od_stage_graph_print(graph, &text);
    while (text.size > 0 && text.bytes[text.size - 1] != ':') /* the list of rules that fired decides nothing */
        text.size--;
    od_buffer_print(&text, "%u %u %u %u %d %llu %d", cluster->executor_count, cluster->slots_per_executor,
                    cluster->batch_rows, cluster->scan_task_count, cluster->collide,
                    (unsigned long long)cluster->operator_bytes, cluster->compress);
    uint64_t hash = od_hash_bytes(text.bytes, text.size, 0);
    od_buffer_release(&text);
    return hash;
}

/* Refused memory makes hashes equal at worst, and then nothing more is run. */
static bool is_known(const struct od_trial *trial, uint64_t hash)
{
    for (uint32_t i = 0; i < trial->run_count; i++)
        if (trial->known[i] == hash)
            return true;
    return false;
}

/* Every stage but the last is kept, in one way or the other. */
static bool cache_all(struct od_arena *arena, const struct od_stage_graph **graph)
{
    struct od_stage_graph *copy = od_arena_take(arena, sizeof(*copy));
    struct od_stage *stages = od_arena_take_array(arena, (*graph)->stage_count, sizeof(*stages));
    if (copy == NULL || stages == NULL)
        return false;
    for (uint32_t s = 0; s < (*graph)->stage_count; s++) {
        stages[s] = (*graph)->stages[s];
        if (s + 1 == (*graph)->stage_count)
            continue;
        stages[s].keep = s % 2 == 0 ? OD_KEEP_DISK : OD_KEEP_MEMORY;
        stages[s].cache_key = s + 1;
    }
    *copy = **graph;
    copy->stages = stages;
    *graph = copy;
    return true;
}

static enum od_status run_subject(void *self, const struct od_run_request *request,
                                  struct od_observation *observation_out, struct od_error *error)
{
    struct od_trial *trial = self;
    struct od_prepared prepared;
    *observation_out = (struct od_observation){0};
    enum od_status status = prepare(trial, request, &prepared, &observation_out->error);
    if (status == OD_NO_MEMORY)
        return od_fail(error, status, "preparing a query");
    if (status != OD_OK) {
        observation_out->status = status;
        observation_out->ended = true;
        trial->digest = od_mix_two(trial->digest, (uint64_t)status);
        return OD_OK;
    }
    uint64_t hash = trial->test_case.query == NULL ? 0 : run_hash(trial, prepared.graph, request->cluster);
    if (request->only_new && is_known(trial, hash)) {
        observation_out->known = true;
        return OD_OK;
    }
    if (trial->run_count == OD_TRIAL_RUNS_MAX)
        return od_fail(error, OD_TIMED_OUT, "a property asked for more than %d runs", OD_TRIAL_RUNS_MAX);
    if (request->cluster->twice && !cache_all(&trial->plan_arena, &prepared.graph))
        return od_fail(error, OD_NO_MEMORY, "preparing a query");
    struct od_cluster_request cluster_request = {
        .graph = prepared.graph,
        .twice = request->cluster->twice,
        .options = run_options_of(request->cluster),
        .schedule = request->disturbed ? &trial->schedule : NULL,
        .deployment = trial->deployment,
        .directory = trial->directory,
        .seed = request->cluster->seed,
        .pct_depth = request->disturbed ? trial->pct_depth : 0,
        .keep_events = !request->cluster->twice,
        .trace = trial->trace,
        .stepper = trial->stepper,
    };
    if (trial->given != NULL) /* as where it was found: whoever explores may kill the driver in any run */
        cluster_request.options.cluster.journal = true;
    struct od_cluster_result *result = &trial->results[trial->run_count];
    status = od_cluster_run(trial->memory, &cluster_request, result, error);
    if (status != OD_OK)
        od_cluster_result_release(result); /* it is not counted, so nobody else does */
    if (status == OD_UNSUPPORTED && trial->deployment == OD_DEPLOY_PROCESSES) { /* functions of this program stay in it */
        *observation_out = (struct od_observation){.status = status, .ended = true};
        trial->cannot_travel = true;
        return OD_OK;
    }
    if (status != OD_OK)
        return status;
    trial->known[trial->run_count++] = hash;
    if (result->events_cut)
        return od_fail(error, OD_NO_MEMORY, "recording events");
    observe(trial, &cluster_request, result, observation_out);
    if (trial->ran != NULL)
        trial->ran(trial->ran_self, request, &cluster_request);
    return OD_OK;
}

static enum od_status bind_statement(void *self, const struct od_case *test_case, const struct od_plan **plan_out,
                                     struct od_error *error)
{
    struct od_trial *trial = self;
    const struct od_sql_context context = {.catalog = &test_case->catalog, .evaluate_constant = od_evaluate_constant};
    enum od_status status = od_sql_bind(&trial->plan_arena, test_case->sql, &context, plan_out, error);
    trial->tally.status = status;
    if (error != NULL)
        trial->refusal = *error;
    return status;
}

static enum od_status ask_others(void *self, const struct od_case *test_case, const struct od_statement_outcome *outcome,
                                 struct od_finding *finding, struct od_error *error)
{
    struct od_trial *trial = self;
    trial->tally.status = outcome->status;
    return trial->oracles == NULL
               ? OD_OK
               : od_query_oracles_ask(trial->oracles, test_case, outcome, &trial->tally, finding, error);
}

/* The schedule is aimed at the stages of the case's own plan. A plan that can't be prepared gets none: its check will say why. */
static enum od_status draw_schedule(struct od_trial *trial, struct od_error *error)
{
    const struct od_case_cluster *cluster = &trial->test_case.cluster;
    struct od_prepared prepared;
    struct od_schedule_shape shape;
    enum od_status status = prepare_within(trial, cluster, NULL, trial->test_case.plan, &prepared, error);
    if (status == OD_NO_MEMORY)
        return status;
    if (status != OD_OK)
        return OD_OK;
    trial->aimed_at = prepared;
    status = od_cluster_shape(&trial->plan_arena, prepared.graph, cluster->executor_count, trial->deployment, &shape,
                              error);
    if (status != OD_OK)
        return status;
    shape.fault_count_max = CASE_FAULTS_MAX;
    shape.span_ns = CASE_SPAN_NS;
    shape.kinds = trial->kinds;
    od_choices_begin(trial->choices, "schedule");
    status = od_schedule_draw(&trial->plan_arena, &trial->choices->random, &shape, &trial->schedule, error);
    od_choices_end(trial->choices);
    return status;
}

enum od_status od_trial_draw(struct od_trial *trial, struct od_choices *choices, struct od_error *error)
{
    forget_case(trial);
    trial->choices = choices;
    enum od_status status = od_case_draw(&trial->test_case, trial->memory, choices, trial->only, error);
    if (trial->given != NULL)
        trial->schedule = *trial->given;
    else if (status == OD_OK && trial->test_case.query == NULL)
        status = draw_schedule(trial, error);
    return status;
}

enum od_status od_trial_request(struct od_trial *trial, struct od_cluster_request *request_out, struct od_error *error)
{
    const struct od_case *test_case = &trial->test_case;
    const struct od_case_cluster *cluster = &test_case->cluster;
    struct od_prepared prepared;
    const struct od_run_request wanted = {.plan = test_case->plan, .sql = test_case->sql, .cluster = cluster};
    OD_TRY(prepare(trial, &wanted, &prepared, error));
    *request_out = (struct od_cluster_request){.graph = prepared.graph,
                                               .options = run_options_of(cluster),
                                               .deployment = trial->deployment,
                                               .directory = trial->directory,
                                               .seed = cluster->seed,
                                               .keep_events = true};
    return OD_OK;
}

struct od_subject od_trial_subject(struct od_trial *trial)
{
    return (struct od_subject){.run = run_subject, .self = trial, .bind = bind_statement, .ask_others = ask_others};
}

enum od_status od_trial_check(struct od_trial *trial, struct od_error *error)
{
    od_assert(trial->test_case.property != NULL);
    struct od_subject subject = od_trial_subject(trial);
    enum od_status status = trial->test_case.property->check(&trial->test_case, &subject, &trial->finding, error);
    if (trial->cannot_travel)
        trial->finding = (struct od_finding){.excused = true};
    if (status == OD_OK && trial->finding.found)
        trial->digest = od_mix_two(trial->digest, od_hash_bytes(trial->finding.code, strlen(trial->finding.code), 1));
    return status;
}

enum od_status od_trial_run(struct od_trial *trial, struct od_choices *choices, struct od_error *error)
{
    OD_TRY(od_trial_draw(trial, choices, error));
    if (trial->drawn != NULL)
        trial->drawn(trial->drawn_self, trial);
    return trial->guarded ? od_trial_check_guarded(trial, error) : od_trial_check(trial, error);
}

bool od_trial_fails_with(const struct od_trial *trial, const char *code, uint64_t digest)
{
    return trial->finding.found && strcmp(trial->finding.code, code) == 0 &&
           (strcmp(code, OD_TRIAL_CRASH) != 0 || trial->digest == digest);
}

struct od_fault_kinds od_trial_kinds_fired(const struct od_trial *trial, bool *has_failed_out)
{
    struct od_fault_kinds kinds = {0};
    *has_failed_out = false;
    for (uint32_t i = 0; i < trial->run_count; i++) {
        const struct od_cluster_result *result = &trial->results[i];
        if (result->faults_fired == 0)
            continue;
        od_assert(result->fault_count == trial->schedule.fault_count);
        for (uint32_t k = 0; k < result->fault_count; k++)
            if (result->fired[k] > 0)
                od_fault_kinds_add(&kinds, trial->schedule.faults[k].kind);
        *has_failed_out = *has_failed_out || (result->outcome.status != OD_OK && result->outcome.status != OD_EVALUATION);
    }
    return kinds;
}

bool od_trial_print(const struct od_trial *trial, struct od_buffer *buffer)
{
    if (trial->test_case.property == NULL)
        return od_buffer_append_text(buffer, "(no case)\n");
    od_case_print(&trial->test_case, buffer);
    od_buffer_print(buffer, "\nfaults %u, rows %u\n", trial->schedule.fault_count,
                    od_case_row_count(&trial->test_case));
    for (uint32_t i = 0; i < trial->schedule.fault_count; i++) {
        od_buffer_append_text(buffer, "  ");
        od_fault_print(&trial->schedule.faults[i], buffer);
        od_buffer_append_text(buffer, "\n      ");
        od_fault_explain(&trial->schedule.faults[i], buffer);
        od_buffer_append_text(buffer, "\n");
    }
    if (trial->schedule.heal_ns != 0)
        od_buffer_print(buffer, "  all end at %llu ms\n", (unsigned long long)(trial->schedule.heal_ns / 1000000));
    if (trial->finding.found)
        od_buffer_print(buffer, "\n%s violated\n  %s\n", trial->finding.code, trial->finding.text);
    return !buffer->failed;
}
