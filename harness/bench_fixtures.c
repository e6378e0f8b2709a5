/* bench_fixtures: see bench_fixtures.h. */
#include "harness/bench_fixtures.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/core/random.h"
#include "engine/world/posix.h"
#include "harness/judge.h"
#include "harness/sqlite_check.h"

bool od_bench_problem(char *problem, const char *what, const char *why)
{
    snprintf(problem, OD_BENCH_PROBLEM_BYTES, "%.60s: %.120s", what, why);
    return false;
}

static const struct od_field bench_fields[] = {
    {"id", OD_TYPE_INT64, false}, {"key", OD_TYPE_INT64, true}, {"value", OD_TYPE_FLOAT64, true}, {"name", OD_TYPE_TEXT, true}};

static enum od_status fill(struct od_table *table, uint64_t rows, uint64_t key_count, struct od_error *error)
{
    struct od_stream stream;
    od_stream_init(&stream, 1, table->name);
    enum od_status status = OD_OK;
    for (uint64_t i = 0; i < rows && status == OD_OK; i++) {
        char name[24];
        uint64_t key = od_random_below(&stream.random, key_count);
        int size = snprintf(name, sizeof(name), "name%llu", (unsigned long long)(key % 100));
        const struct od_value values[] = {
            {.type = OD_TYPE_INT64, .int64 = (int64_t)i},
            {.type = OD_TYPE_INT64, .is_null = key % 97 == 96, .int64 = (int64_t)key},
            {.type = OD_TYPE_FLOAT64, .float64 = (double)od_random_below(&stream.random, 1000000) / 100},
            {.type = OD_TYPE_TEXT, .text = {name, (uint32_t)size}},
        };
        for (uint32_t j = 0; j < 4 && status == OD_OK; j++)
            status = od_batch_builder_append(&table->rows, j, &values[j], error);
        if (status == OD_OK)
            od_batch_builder_end_row(&table->rows);
    }
    return status;
}

struct od_table *od_bench_table(const char *name, uint64_t rows, uint64_t key_count, char *problem)
{
    struct od_error error = {0};
    const struct od_schema schema = {4, (struct od_field *)(uintptr_t)bench_fields}; /* copied, not written to */
    struct od_table *table = od_table_new(od_posix_memory(), name, &schema, &error);
    if (table != NULL && fill(table, rows, key_count, &error) != OD_OK) {
        od_table_free(od_posix_memory(), table);
        table = NULL;
    }
    if (table == NULL)
        od_bench_problem(problem, "making a table", error.text);
    else
        od_table_finish(table);
    return table;
}

struct od_bench_query *od_bench_query_new(const char *sql, struct od_table *const *tables, uint32_t table_count,
                                          const struct od_plan_options *options, char *problem)
{
    struct od_error error = {0};
    struct od_bench_query *query = calloc(1, sizeof(*query));
    if (query == NULL) {
        od_bench_problem(problem, "planning", "no memory");
        for (uint32_t i = 0; i < table_count; i++)
            od_table_free(od_posix_memory(), tables[i]);
        return NULL;
    }
    od_arena_init(&query->arena, od_posix_memory(), 0);
    for (uint32_t i = 0; i < table_count; i++) {
        query->tables[query->table_count++] = tables[i];
        query->rows += tables[i] == NULL ? 0 : od_table_row_count(tables[i]);
    }
    const struct od_catalog catalog = {table_count, (const struct od_table *const *)query->tables};
    for (uint32_t i = 0; i < table_count; i++) {
        if (tables[i] == NULL)
            goto failed;
    }
    if (od_prepare_sql(&query->arena, sql, &catalog, options, &query->prepared, &error) != OD_OK) {
        od_bench_problem(problem, "planning", error.text);
        goto failed;
    }
    query->request = (struct od_cluster_request){
        .graph = query->prepared.graph, .options = {.codec = OD_CODEC_ZSTD}, .seed = 1, .keep_events = false};
    return query;
failed:
    od_bench_query_free(query);
    return NULL;
}

void od_bench_query_free(void *self)
{
    struct od_bench_query *query = self;
    if (query == NULL)
        return;
    for (uint32_t i = 0; i < query->table_count; i++)
        od_table_free(od_posix_memory(), query->tables[i]);
    od_arena_release(&query->arena);
    free(query);
}

/* Runs once with events, judged; `expected` as od_judge_run. */
static bool run_judged(struct od_bench_query *query, const struct od_schedule *schedule, const struct od_table *expected,
                       struct od_cluster_result *result, char *problem)
{
    struct od_error error = {0};
    struct od_finding finding = {0};
    struct od_cluster_request request = query->request;
    request.keep_events = true;
    request.schedule = schedule;
    enum od_status status = od_cluster_run(od_posix_memory(), &request, result, &error);
    if (status == OD_OK)
        status = od_judge_run(query->prepared.plan, &request, result, expected, &finding, &error);
    if (status != OD_OK)
        return od_bench_problem(problem, "running", error.text);
    return !finding.found || od_bench_problem(problem, finding.code, finding.text);
}

bool od_bench_query_check(void *self, char *problem)
{
    struct od_bench_query *query = self;
    struct od_cluster_result undisturbed = {0};
    struct od_cluster_result disturbed = {0};
    struct od_finding finding = {0};
    struct od_error error = {0};
    char oracle[200];
    const struct od_catalog catalog = {query->table_count, (const struct od_table *const *)query->tables};
    bool good = run_judged(query, NULL, NULL, &undisturbed, problem);
    if (good && od_sqlite_check(&catalog, query->prepared.plan, NULL, undisturbed.outcome.answer, &finding, oracle,
                                sizeof(oracle), &error) != OD_OK)
        good = od_bench_problem(problem, "asking SQLite", error.text);
    if (good && finding.found)
        good = od_bench_problem(problem, finding.code, finding.text);
    if (good && query->request.schedule != NULL)
        good = run_judged(query, query->request.schedule, undisturbed.outcome.answer, &disturbed, problem);
    if (good && query->request.schedule != NULL && disturbed.faults_fired == 0)
        good = od_bench_problem(problem, "recovery", "the fault did not take effect");
    od_cluster_result_release(&undisturbed);
    od_cluster_result_release(&disturbed);
    return good;
}

bool od_bench_query_run(void *self, uint64_t iterations, char *problem)
{
    struct od_bench_query *query = self;
    bool good = true;
    for (uint64_t i = 0; i < iterations && good; i++) {
        struct od_cluster_result result = {0};
        struct od_error error = {0};
        if (od_cluster_run(od_posix_memory(), &query->request, &result, &error) != OD_OK)
            good = od_bench_problem(problem, "running", error.text);
        else if (!result.ended || result.outcome.status != OD_OK)
            good = od_bench_problem(problem, "answering", result.outcome.error.text);
        od_cluster_result_release(&result);
    }
    return good;
}

uint64_t od_bench_query_rows(const void *query)
{
    return ((const struct od_bench_query *)query)->rows;
}
