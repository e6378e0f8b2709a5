/* scenario_open: reads a scenario and checks all that can be checked before anything runs: YAML, tables, SQL, schedules. A mistake in
 * SQL or in a written schedule is told at its line and column of the scenario's file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/world/posix.h"
#include "harness/cluster_processes.h"
#include "harness/file.h"
#include "harness/scenario_plan.h"

/* Defaults where the file says nothing. */
enum { SIM_SCHEDULES = 20, THREADS_SCHEDULES = 3, FAULTS_MAX = 3, EXECUTORS = 3, SLOTS = 2 };

/* Moves the error's place from inside the text at list/index/key to the file. */
static void place_in_file(const struct od_scenario_run *run, const char *list, uint32_t index,
                          const char *key, const char *name, struct od_error *error)
{
    struct od_scenario_place place;
    char path[60];
    if (error == NULL || error->status == OD_NO_MEMORY)
        return;
    snprintf(path, sizeof(path), "%s/%u/%s", list, index, key);
    bool is_placed = error->line != 0;
    od_scenario_locate((const char *)run->text.bytes, run->text.size, path, is_placed ? error->line : 1,
                       is_placed ? error->column : 1, &place);
    char inner[sizeof(error->text)];
    memcpy(inner, error->text, sizeof(inner));
    snprintf(error->text, sizeof(error->text), "%.90s: %.40s: %.160s", run->path, name, inner);
    error->line = place.line;
    error->column = place.column;
}

/* 0 stands for no limit, and for the default. */
static uint32_t at_most(uint32_t count, uint32_t most)
{
    return most != 0 && (count == 0 || count > most) ? most : count;
}

static enum od_status plan_queries(struct od_scenario_run *run, struct od_error *error)
{
    const struct od_scenario *scenario = run->scenario;
    const struct od_catalog catalog = {scenario->tables_count, (const struct od_table *const *)run->tables};
    const struct od_scenario_cluster *cluster = scenario->cluster;
    uint32_t tasks_max = run->options->tasks_max;
    const struct od_plan_options options = {
        .partition_count = at_most(cluster == NULL ? 0 : cluster->partitions, tasks_max),
        .scan_task_count = at_most(cluster == NULL ? 0 : cluster->scan_tasks, tasks_max),
    };
    run->queries = od_arena_take_array(&run->arena, scenario->queries_count, sizeof(*run->queries));
    if (run->queries == NULL)
        return od_fail(error, OD_NO_MEMORY, "planning the queries of %s", run->path);
    for (uint32_t i = 0; i < scenario->queries_count; i++) {
        enum od_status status = od_prepare_sql(&run->arena, scenario->queries[i].sql, &catalog, &options,
                                               &run->queries[i], error);
        if (status != OD_OK) {
            place_in_file(run, "queries", i, "sql", scenario->queries[i].name, error);
            return status;
        }
    }
    return OD_OK;
}

static enum od_status parse_written(struct od_scenario_run *run, struct od_error *error)
{
    const struct od_scenario_ordeal *ordeal = run->scenario->ordeal;
    run->written_count = ordeal == NULL ? 0 : ordeal->schedules_count;
    run->written = od_arena_take_array(&run->arena, (size_t)run->written_count + 1, sizeof(*run->written));
    if (run->written == NULL)
        return od_fail(error, OD_NO_MEMORY, "reading the schedules of %s", run->path);
    for (uint32_t i = 0; i < run->written_count; i++) {
        const struct od_scenario_schedule *schedule = &ordeal->schedules[i];
        enum od_status status = od_schedule_parse(&run->arena, "faults", schedule->faults,
                                                  strlen(schedule->faults), &run->written[i], error);
        if (status != OD_OK) {
            place_in_file(run, "ordeal/schedules", i, "faults", schedule->name, error);
            return status;
        }
    }
    return OD_OK;
}

/* --faults FILE: that schedule, and no other. */
static enum od_status read_given_schedule(struct od_scenario_run *run, struct od_error *error)
{
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    run->written = od_arena_take_array(&run->arena, 1, sizeof(*run->written));
    enum od_status status = run->written == NULL ? od_fail(error, OD_NO_MEMORY, "reading a schedule")
                                                 : od_file_read(run->options->faults_path, &text, error);
    if (status == OD_OK)
        status = od_schedule_parse(&run->arena, run->options->faults_path, od_buffer_text(&text), text.size,
                                   run->written, error);
    run->written_count = 1;
    run->sim_count = 0;
    run->threads_count = 0;
    od_buffer_release(&text);
    return status;
}

static void take_limits(struct od_scenario_run *run)
{
    const struct od_scenario_cluster *cluster = run->scenario->cluster;
    const struct od_scenario_ordeal *ordeal = run->scenario->ordeal;
    run->seed = run->options->has_seed ? run->options->seed : run->scenario->seed;
    run->sim_count = ordeal == NULL || ordeal->sim == 0 ? SIM_SCHEDULES : ordeal->sim;
    run->threads_count = ordeal == NULL || ordeal->threads == 0 ? THREADS_SCHEDULES : ordeal->threads;
    run->faults_max = ordeal == NULL || ordeal->faults == 0 ? FAULTS_MAX : ordeal->faults;
    struct od_run_options *options = &run->run_options;
    *options = (struct od_run_options){0};
    enum od_status status = od_scenario_set_options(cluster, options, NULL);
    od_assert(status == OD_OK);
    od_run_options_override(options, &run->options->limits);
    options->codec = OD_CODEC_ZSTD;
    if (run->options->executors != 0)
        options->cluster.executor_count = (uint32_t)run->options->executors;
    else if (options->cluster.executor_count == 0)
        options->cluster.executor_count = cluster == NULL || cluster->executors == 0 ? EXECUTORS : cluster->executors;
    if (options->cluster.slots_per_executor == 0)
        options->cluster.slots_per_executor = cluster == NULL || cluster->slots == 0 ? SLOTS : cluster->slots;
    if (options->batch_rows == 0)
        options->batch_rows = cluster == NULL ? 0 : cluster->batch_rows;
}

/* Without --data every table needs a generator. */
static enum od_status check_generators(const struct od_scenario_run *run, struct od_error *error)
{
    for (uint32_t i = 0; run->options->data_directory == NULL && i < run->scenario->tables_count; i++) {
        const struct od_scenario_table *table = &run->scenario->tables[i];
        struct od_scenario_place place;
        char path[60];
        if (table->generator != NULL)
            continue;
        snprintf(path, sizeof(path), "tables/%u/file", i);
        od_scenario_locate((const char *)run->text.bytes, run->text.size, path, 0, 0, &place);
        return od_fail_at(error, OD_BAD_INPUT, place.line, place.column,
                          "%.90s: table %.60s has no generator: expected --data DIR with %.60s", run->path,
                          table->name, table->file);
    }
    return OD_OK;
}

static enum od_status load(struct od_scenario_run *run, struct od_error *error)
{
    enum od_status status =
        od_scenario_parse(run->path, od_buffer_text(&run->text), run->text.size, &run->scenario, error);
    if (status != OD_OK)
        return status;
    status = check_generators(run, error);
    if (status != OD_OK)
        return status;
    take_limits(run);
    run->tables = od_arena_take_array(&run->arena, run->scenario->tables_count, sizeof(*run->tables));
    if (run->tables == NULL)
        return od_fail(error, OD_NO_MEMORY, "loading %s", run->path);
    const struct od_table_source source = {.directory = run->options->data_directory,
                                           .seed = run->seed,
                                           .scale_thousandths = run->options->scale_thousandths,
                                           .rows_max = run->options->rows_max};
    status = od_scenario_load_tables(od_posix_memory(), run->scenario, &source, run->tables, error);
    if (status == OD_OK)
        status = plan_queries(run, error);
    if (status == OD_OK && run->options->no_faults)
        run->sim_count = run->threads_count = run->written_count = 0;
    else if (status == OD_OK)
        status =
            run->options->faults_path != NULL ? read_given_schedule(run, error) : parse_written(run, error);
    return status;
}

enum od_status od_scenario_open(const char *path, const struct od_scenario_run_options *options,
                                struct od_scenario_run **run_out, struct od_error *error)
{
    struct od_buffer text;
    *run_out = NULL;
    od_buffer_init(&text, od_posix_memory());
    enum od_status status = od_file_read(path, &text, error);
    if (status == OD_OK)
        status = od_scenario_open_text(path, od_buffer_text(&text), text.size, options, run_out, error);
    od_buffer_release(&text);
    return status;
}

enum od_status od_scenario_open_text(const char *path, const char *text, size_t size, const struct od_scenario_run_options *options,
                                     struct od_scenario_run **run_out, struct od_error *error)
{
    *run_out = NULL;
    struct od_scenario_run *run = calloc(1, sizeof(*run));
    if (run == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening %s", path);
    run->options = options;
    snprintf(run->path, sizeof(run->path), "%s", path);
    od_buffer_init(&run->text, od_posix_memory());
    od_arena_init(&run->arena, od_posix_memory(), 0);
    enum od_status status = od_buffer_append(&run->text, text, size) ? load(run, error)
                                                                     : od_fail(error, OD_NO_MEMORY, "opening %s", path);
    if (status != OD_OK) {
        od_scenario_close(run);
        return status;
    }
    *run_out = run;
    return OD_OK;
}

void od_scenario_close(struct od_scenario_run *run)
{
    if (run == NULL)
        return;
    od_processes_end(run->processes);
    for (uint32_t i = 0; run->tables != NULL && i < run->scenario->tables_count; i++)
        od_table_free(od_posix_memory(), run->tables[i]);
    od_arena_release(&run->arena);
    od_scenario_free(run->scenario);
    od_buffer_release(&run->text);
    free(run);
}

uint64_t od_scenario_run_seed(const struct od_scenario_run *run)
{
    return run->seed;
}

uint64_t od_scenario_run_count(const struct od_scenario_run *run)
{
    uint64_t per_query = 0;
    if (run->options->in_sim || run->options->in_threads || run->options->in_processes)
        per_query += 2 + run->options->memory_limit_count; /* undisturbed, and again for the digest */
    if (run->options->in_sim)
        per_query += run->sim_count + run->written_count;
    per_query += (uint64_t)(run->options->in_threads + run->options->in_processes) * (1 + run->threads_count);
    return per_query * run->scenario->queries_count;
}
