/* scenario_run: see scenario_run.h. */
#include "harness/scenario_run.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/world/posix.h"
#include "harness/cluster.h"
#include "harness/cluster_processes.h"
#include "harness/diverge.h"
#include "harness/event_write.h"
#include "harness/file.h"
#include "harness/judge.h"
#include "harness/run_record.h"
#include "harness/scenario_plan.h"
#include "harness/sqlite_check.h"

/* One query's ordeal. */
struct trial_of_query {
    struct od_scenario_run *run;
    struct od_scenario_sink *sink;
    uint32_t query_index;
    struct od_record_query *record;
    struct od_arena arena;                /* schedules of this query */
    struct od_cluster_result undisturbed; /* the expected answer */
    uint64_t undisturbed_ns[OD_DEPLOYMENT_COUNT];
    uint32_t most_faults; /* in the runs whose timelines are wanted so far */
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Runs once, judges, records. `result_out` NULL: nobody wants it. */
struct one_run {
    enum od_deployment deployment;
    const struct od_schedule *schedule; /* NULL: undisturbed */
    uint64_t schedule_index;
    uint64_t seed;
    uint64_t memory_bytes; /* that the query may hold; 0: any number */
};

static void record_replay(struct trial_of_query *query, struct od_record_run *record_run, const char *deployment)
{
    struct od_scenario_run *run = query->run;
    od_record_print(query->sink->record, &record_run->replay, "ordeal run %s --seed %llu --deploy %s%s", run->path,
                    (unsigned long long)run->seed, deployment, run->options->given == NULL ? "" : run->options->given);
}

static void record_verdict(struct trial_of_query *query, struct od_record_run *record_run,
                           const struct od_finding *finding, const struct one_run *one)
{
    struct od_record *record = query->sink->record;
    if (record_run == NULL)
        return;
    record_run->schedule_index = one->schedule_index;
    record_run->verdict = finding->found ? OD_RECORD_FAILED : OD_RECORD_HELD;
    if (!finding->found)
        return;
    query->sink->failed++;
    od_record_text(record, &record_run->property, finding->code);
    od_record_text(record, &record_run->message, finding->text);
    record_replay(query, record_run, od_deployment_text(one->deployment));
}

/* Which runs' timelines are worth a look: undisturbed ones, failing ones, and whenever more faults fired than in any before. */
static bool timeline_wanted(struct trial_of_query *query, const struct od_cluster_result *result, bool found)
{
    if (found || (result->faults_fired == 0 && query->record != NULL && query->record->runs.count == 1))
        return true;
    if (result->faults_fired <= query->most_faults)
        return false;
    query->most_faults = result->faults_fired;
    return true;
}

static struct od_cluster_request request_of(const struct trial_of_query *query, const struct one_run *one)
{
    struct od_cluster_request request = {
        .graph = query->run->queries[query->query_index].graph,
        .options = query->run->run_options,
        .schedule = one->schedule,
        .deployment = one->deployment,
        .seed = one->seed,
        .processes = query->run->processes,
        .keep_events = true,
    };
    request.options.query_memory_bytes = one->memory_bytes;
    return request;
}

static enum od_status run_once(struct trial_of_query *query, const struct one_run *one,
                               struct od_cluster_result *result_out, struct od_error *error)
{
    struct od_scenario_run *run = query->run;
    struct od_scenario_sink *sink = query->sink;
    const struct od_prepared *prepared = &run->queries[query->query_index];
    char files[4200];
    snprintf(files, sizeof(files), "%s/files", sink->directory);
    struct od_cluster_request request = request_of(query, one);
    request.directory = one->deployment == OD_DEPLOY_THREADS ? files : NULL;
    struct od_event_writer writer = {sink->log, sink->record->next_run_index, one->schedule};
    request.trace = od_event_writer_trace(&writer);
    struct od_finding finding = {0};
    uint64_t started_ns = now_ns();
    enum od_status status = od_cluster_run(od_posix_memory(), &request, result_out, error);
    uint64_t wall_ns = now_ns() - started_ns;
    if (status == OD_OK)
        status = od_judge_run(prepared->plan, &request, result_out, query->undisturbed.outcome.answer, &finding, error);
    if (status != OD_OK)
        return status;
    struct od_record_run *record_run =
        od_record_add_run(sink->record, query->record, od_deployment_text(one->deployment));
    od_run_record_run(sink->record, record_run, &request, result_out, wall_ns);
    record_verdict(query, record_run, &finding, one);
    uint64_t base_ns = query->undisturbed_ns[one->deployment];
    if (record_run != NULL && base_ns != 0 && result_out->elapsed_ns > base_ns)
        record_run->recovery_ns = result_out->elapsed_ns - base_ns;
    if (record_run != NULL)
        record_run->timeline = timeline_wanted(query, result_out, finding.found);
    status = od_event_log_status(sink->log, error);
    sink->done++;
    od_progress_step(sink->progress, sink->done, sink->failed, run->scenario->queries[query->query_index].name);
    if (status == OD_OK && *sink->interrupted)
        status = od_fail(error, OD_CANCELLED, "interrupted");
    return status;
}

static enum od_status run_and_forget(struct trial_of_query *query, const struct one_run *one, struct od_error *error)
{
    struct od_cluster_result result = {0};
    enum od_status status = run_once(query, one, &result, error);
    od_cluster_result_release(&result);
    return status;
}

static void fail_last_run(struct trial_of_query *query, const char *code, const char *text)
{
    if (query->record == NULL || query->record->runs.count == 0)
        return;
    struct od_record_run *last = query->record->runs.items[query->record->runs.count - 1];
    query->sink->failed += last->verdict != OD_RECORD_FAILED;
    last->verdict = OD_RECORD_FAILED;
    od_record_text(query->sink->record, &last->property, code);
    od_record_text(query->sink->record, &last->message, text);
    record_replay(query, last, od_deployment_text(OD_DEPLOY_SIM));
}

static enum od_status run_stepped(void *self, struct od_sim_stepper stepper, struct od_error *error)
{
    struct od_cluster_request request = *(const struct od_cluster_request *)self;
    struct od_cluster_result result = {0};
    request.stepper = stepper;
    enum od_status status = od_cluster_run(od_posix_memory(), &request, &result, error);
    od_cluster_result_release(&result);
    return status;
}

/* The same request twice: equal digests (F8). */
static enum od_status run_twice(struct trial_of_query *query, const struct one_run *one, uint64_t first_digest,
                                struct od_error *error)
{
    struct od_cluster_result again = {0};
    enum od_status status = run_once(query, one, &again, error);
    if (status == OD_OK && again.digest != first_digest) {
        struct od_cluster_request request = request_of(query, one);
        struct od_buffer text;
        od_buffer_init(&text, od_posix_memory());
        od_buffer_print(&text, "equal runs with unequal digests: %016llx and %016llx; ", (unsigned long long)first_digest,
                        (unsigned long long)again.digest);
        status = od_diverge_find(od_posix_memory(), &(struct od_diverge_again){run_stepped, &request}, &text, error);
        if (status == OD_OK)
            fail_last_run(query, "F8", od_buffer_text(&text));
        od_buffer_release(&text);
    }
    od_cluster_result_release(&again);
    return status;
}

static enum od_status check_with_sqlite(struct trial_of_query *query, struct od_error *error)
{
    struct od_scenario_run *run = query->run;
    const struct od_scenario_query *asked = &run->scenario->queries[query->query_index];
    const struct od_catalog catalog = {run->scenario->tables_count, (const struct od_table *const *)run->tables};
    struct od_finding finding = {0};
    char oracle[200] = "";
    const char *sqlite_text = asked->sqlite != NULL && strcmp(asked->sqlite, "same") == 0 ? asked->sql : asked->sqlite;
    enum od_status status =
        od_sqlite_check(&catalog, run->queries[query->query_index].plan, sqlite_text,
                        query->undisturbed.outcome.answer, &finding, oracle, sizeof(oracle), error);
    if (status == OD_OK && finding.found)
        fail_last_run(query, finding.code, finding.text);
    OD_RECORD_SET(query->sink->record, query->record, oracle, oracle);
    return status;
}

/* Our answer may be an error: then theirs has to be one. */
static enum od_status ask_opinions(struct trial_of_query *query, struct od_error *error)
{
    const struct od_scenario_run_options *options = query->run->options;
    const struct od_scenario_query *asked = &query->run->scenario->queries[query->query_index];
    char said[400] = "";
    size_t size = 0;
    if (query->record != NULL && query->record->oracle != NULL)
        size = (size_t)snprintf(said, sizeof(said), "%s", query->record->oracle);
    for (uint32_t i = 0; i < options->opinion_count; i++) {
        struct od_finding finding = {0};
        char one[200] = "";
        bool in_duckdb_words = asked->duckdb != NULL && options->opinions[i].ops == &od_opinion_duckdb;
        OD_TRY(od_opinion_compare(&options->opinions[i], in_duckdb_words ? asked->duckdb : asked->sql,
                                  query->undisturbed.outcome.answer, &finding, one, sizeof(one), error));
        if (finding.found)
            fail_last_run(query, finding.code, finding.text);
        if (size < sizeof(said))
            size += (size_t)snprintf(said + size, sizeof(said) - size, "%s%s", size == 0 ? "" : "; ", one);
    }
    OD_RECORD_SET(query->sink->record, query->record, oracle, said);
    return OD_OK;
}

static enum od_status load_opinions(struct od_scenario_run *run, struct od_error *error)
{
    for (uint32_t i = 0; i < run->options->opinion_count; i++)
        for (uint32_t k = 0; k < run->scenario->tables_count; k++)
            OD_TRY(od_opinion_load(&run->options->opinions[i], run->tables[k], error));
    return OD_OK;
}

static enum od_status run_undisturbed(struct trial_of_query *query, struct od_error *error)
{
    const struct one_run one = {.deployment = OD_DEPLOY_SIM, .seed = query->run->seed};
    enum od_status status = run_once(query, &one, &query->undisturbed, error);
    if (status != OD_OK)
        return status;
    query->undisturbed_ns[OD_DEPLOY_SIM] = query->undisturbed.elapsed_ns;
    od_run_record_query(query->sink->record, query->record, &query->run->queries[query->query_index],
                        &query->undisturbed);
    if (query->undisturbed.outcome.answer == NULL)
        return OD_OK; /* said by the judge */
    status = check_with_sqlite(query, error);
    if (status == OD_OK)
        status = ask_opinions(query, error);
    return status == OD_OK ? run_twice(query, &one, query->undisturbed.digest, error) : status;
}

/* The i-th drawn schedule of this query; the same for equal seeds. */
static enum od_status draw_schedule(struct trial_of_query *query, enum od_deployment deployment, uint32_t index,
                                    struct od_schedule *schedule_out, struct od_error *error)
{
    struct od_scenario_run *run = query->run;
    struct od_stream stream;
    struct od_schedule_shape shape;
    char name[120];
    snprintf(name, sizeof(name), "%.60s/%u/%s", run->scenario->queries[query->query_index].name, index,
             od_deployment_text(deployment));
    od_stream_init(&stream, run->seed, name);
    enum od_status status = od_cluster_shape(&query->arena, run->queries[query->query_index].graph,
                                             run->run_options.cluster.executor_count, deployment, &shape, error);
    if (status != OD_OK)
        return status;
    shape.fault_count_max = run->faults_max;
    shape.span_ns = query->undisturbed_ns[deployment];
    /* a schedule without any fault would only repeat the undisturbed run */
    for (uint32_t try = 0; try < 100; try++) {
        status = od_schedule_draw(&query->arena, &stream.random, &shape, schedule_out, error);
        if (status != OD_OK || schedule_out->fault_count > 0)
            break;
    }
    return status;
}

static enum od_status run_drawn(struct trial_of_query *query, enum od_deployment deployment, uint32_t count,
                                struct od_error *error)
{
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < count && status == OD_OK; i++) {
        struct od_schedule schedule;
        status = draw_schedule(query, deployment, i, &schedule, error);
        if (status != OD_OK)
            break;
        const struct one_run one = {.deployment = deployment,
                                    .schedule = &schedule,
                                    .schedule_index = i + 1,
                                    .seed = od_mix_two(query->run->seed, i + 1)};
        struct od_cluster_result result = {0};
        status = run_once(query, &one, &result, error);
        if (status == OD_OK && query->run->options->twice && deployment == OD_DEPLOY_SIM)
            status = run_twice(query, &one, result.digest, error);
        od_cluster_result_release(&result);
    }
    return status;
}

static enum od_status run_written(struct trial_of_query *query, struct od_error *error)
{
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < query->run->written_count && status == OD_OK; i++) {
        const struct one_run one = {.deployment = OD_DEPLOY_SIM,
                                    .schedule = &query->run->written[i],
                                    .schedule_index = 1000 + i,
                                    .seed = od_mix_two(query->run->seed, 1000 + i)};
        status = run_and_forget(query, &one, error);
    }
    return status;
}

/* With less memory (or more) the answer is the same. */
static enum od_status run_limited(struct trial_of_query *query, struct od_error *error)
{
    const struct od_scenario_run_options *options = query->run->options;
    uint64_t peak_bytes = query->undisturbed.outcome.counts.memory_peak_bytes;
    for (uint32_t i = 0; i < options->memory_limit_count; i++) {
        const struct one_run one = {.deployment = OD_DEPLOY_SIM,
                                    .seed = query->run->seed,
                                    .memory_bytes = od_memory_limit_bytes(&options->memory_limits[i], peak_bytes)};
        OD_TRY(run_and_forget(query, &one, error));
    }
    return OD_OK;
}

/* One cluster for all undisturbed runs; a disturbed one has its own. */
static enum od_status start_processes(struct od_scenario_run *run, struct od_error *error)
{
    const struct od_processes_options options = {
        .executor_count = run->run_options.cluster.executor_count,
        .slots_per_executor = run->run_options.cluster.slots_per_executor,
        .cluster = run->run_options.cluster,
        .tells_events = true};
    return run->processes != NULL ? OD_OK : od_processes_start(od_posix_memory(), &options, &run->processes, error);
}

/* On threads or processes: undisturbed, and with the given schedule or drawn ones. */
static enum od_status run_for_real(struct trial_of_query *query, enum od_deployment deployment, struct od_error *error)
{
    const struct one_run one = {.deployment = deployment, .seed = query->run->seed};
    struct od_cluster_result result = {0};
    if (deployment == OD_DEPLOY_PROCESSES)
        OD_TRY(start_processes(query->run, error));
    enum od_status status = run_once(query, &one, &result, error);
    query->undisturbed_ns[deployment] = result.elapsed_ns;
    od_cluster_result_release(&result);
    if (status != OD_OK)
        return status;
    if (query->run->options->faults_path != NULL) {
        const struct one_run given = {
            .deployment = deployment, .schedule = &query->run->written[0], .schedule_index = 1000,
            .seed = query->run->seed};
        return run_and_forget(query, &given, error);
    }
    return run_drawn(query, deployment, query->run->threads_count, error);
}

static enum od_status run_query(struct od_scenario_run *run, struct od_scenario_sink *sink,
                                struct od_record_scenario *scenario, uint32_t index, struct od_error *error)
{
    const struct od_scenario_query *asked = &run->scenario->queries[index];
    struct trial_of_query query = {.run = run, .sink = sink, .query_index = index};
    od_arena_init(&query.arena, od_posix_memory(), 0);
    query.record = od_record_add_query(sink->record, scenario, asked->name);
    OD_RECORD_SET(sink->record, query.record, question, asked->asks);
    OD_RECORD_SET(sink->record, query.record, sql, asked->sql);
    enum od_status status = run_undisturbed(&query, error);
    bool has_answer = query.undisturbed.outcome.answer != NULL; /* else there is nothing to compare with */
    if (status == OD_OK && has_answer)
        status = run_limited(&query, error);
    if (status == OD_OK && has_answer && run->options->in_sim)
        status = run_drawn(&query, OD_DEPLOY_SIM, run->sim_count, error);
    if (status == OD_OK && has_answer && run->options->in_sim)
        status = run_written(&query, error);
    if (status == OD_OK && has_answer && run->options->in_threads)
        status = run_for_real(&query, OD_DEPLOY_THREADS, error);
    if (status == OD_OK && has_answer && run->options->in_processes)
        status = run_for_real(&query, OD_DEPLOY_PROCESSES, error);
    od_cluster_result_release(&query.undisturbed);
    od_arena_release(&query.arena);
    return status;
}

static void record_tables(struct od_scenario_run *run, struct od_record *record, struct od_record_scenario *scenario)
{
    for (uint32_t i = 0; i < run->scenario->tables_count; i++) {
        const struct od_scenario_table *table = &run->scenario->tables[i];
        char source[1200];
        if (run->options->data_directory != NULL && table->file != NULL)
            snprintf(source, sizeof(source), "file %s/%s", run->options->data_directory, table->file);
        else
            snprintf(source, sizeof(source), "generator %s, seed %llu", table->generator,
                     (unsigned long long)run->seed);
        od_run_record_table(record, scenario, run->tables[i], source);
    }
}

enum od_status od_scenario_execute(struct od_scenario_run *run, struct od_scenario_sink *sink, struct od_error *error)
{
    struct od_record_scenario *scenario = od_record_add_scenario(sink->record, run->scenario->name);
    OD_RECORD_SET(sink->record, scenario, title, run->scenario->title);
    OD_RECORD_SET(sink->record, scenario, description, run->scenario->about);
    OD_RECORD_SET(sink->record, scenario, file, run->path);
    if (scenario != NULL)
        scenario->seed = run->seed;
    record_tables(run, sink->record, scenario);
    enum od_status status = load_opinions(run, error);
    for (uint32_t i = 0; i < run->scenario->queries_count && status == OD_OK; i++) {
        status = run_query(run, sink, scenario, i, error);
        enum od_status saved = od_record_save(sink->record, sink->directory, status == OD_OK ? error : NULL);
        if (status == OD_OK)
            status = saved;
    }
    return status;
}
