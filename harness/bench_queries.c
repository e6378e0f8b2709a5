/* bench_queries: operators alone, whole queries, and recovery: the same query with a fault. All in the simulation, on one thread, so
 * that a measurement is the engine's work and not the machine's scheduling. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/world/posix.h"
#include "harness/bench_fixtures.h"
#include "harness/bench_suite.h"
#include "scenarios/generate.h"

/* Queries over left(id, key, value, name) of `rows` rows and right of a tenth. */
static void *two_tables(const char *sql, int64_t rows, char *problem)
{
    struct od_table *tables[2] = {od_bench_table("l", (uint64_t)rows, (uint64_t)rows / 10 + 1, problem),
                                  od_bench_table("r", (uint64_t)rows / 10, (uint64_t)rows / 10 + 1, problem)};
    return od_bench_query_new(sql, tables, 2, &(struct od_plan_options){.partition_count = 3, .scan_task_count = 3},
                              problem);
}

static void *group_set_up(int64_t rows, char *problem)
{
    return two_tables("SELECT key, count(*), sum(value), min(id), max(name) FROM l GROUP BY key", rows, problem);
}

static void *join_set_up(int64_t rows, char *problem)
{
    return two_tables("SELECT count(*), sum(l.id), max(r.name) FROM l JOIN r ON l.key = r.key", rows, problem);
}

static void *left_join_set_up(int64_t rows, char *problem)
{
    return two_tables("SELECT count(*), count(r.id), sum(l.id) FROM l LEFT JOIN r ON l.key = r.key AND r.id < l.id", rows,
                      problem);
}

static void *sort_set_up(int64_t rows, char *problem)
{
    return two_tables("SELECT id, name, key FROM l ORDER BY name DESC, key, id", rows, problem);
}

static void *top_set_up(int64_t rows, char *problem)
{
    return two_tables("SELECT id, value FROM l ORDER BY value DESC, id LIMIT 10", rows, problem);
}

/* The flights scenario's heaviest question, on generated tables. */
static struct od_bench_query *flights_query(int64_t rows, char *problem)
{
    static const char sql[] = "SELECT o.state, count(*) AS flights, avg(f.delay), max(f.distance) FROM flights AS f "
                              "JOIN airports AS o ON f.origin = o.iata LEFT JOIN airports AS d ON f.destination = d.iata "
                              "WHERE f.distance > 300 GROUP BY o.state ORDER BY flights DESC, o.state";
    struct od_table *tables[2] = {NULL, NULL};
    struct od_error error = {0};
    if (od_generator_find("flights")->make(od_posix_memory(), "flights", (uint64_t)rows, 1, &tables[0], &error) != OD_OK ||
        od_generator_find("airports")->make(od_posix_memory(), "airports", 300, 1, &tables[1], &error) != OD_OK)
        od_bench_problem(problem, "generating", error.text);
    return od_bench_query_new(sql, tables, 2, &(struct od_plan_options){.partition_count = 3, .scan_task_count = 3},
                              problem);
}

static void *flights_set_up(int64_t rows, char *problem)
{
    return flights_query(rows, problem);
}

static void *recovery(const char *faults, int64_t rows, char *problem)
{
    struct od_bench_query *query = flights_query(rows, problem);
    struct od_error error = {0};
    if (query != NULL &&
        od_schedule_parse(&query->arena, "benchmark", faults, strlen(faults), &query->schedule, &error) != OD_OK) {
        od_bench_problem(problem, "parsing a schedule", error.text);
        od_bench_query_free(query);
        return NULL;
    }
    if (query != NULL)
        query->request.schedule = &query->schedule;
    return query;
}

static void *task_error_set_up(int64_t rows, char *problem)
{
    return recovery("task.error_after at task_end stage=0 task=0 attempt=0", rows, problem);
}

static void *crash_set_up(int64_t rows, char *problem)
{
    return recovery("executor.crash at task_reported stage=0 task=1 attempt=0 for=20ms", rows, problem);
}

#define QUERY(name, sentence, set_up)                                                                        \
    {                                                                                                        \
        name, sentence, "rows", {10000, 100000}, set_up, od_bench_query_check, od_bench_query_run,           \
            od_bench_query_free, od_bench_query_rows, NULL                                                 \
    }
static const struct od_bench queries[] = {
    QUERY("operator/group_by", "grouped aggregates over a tenth as many keys as rows", group_set_up),
    QUERY("operator/inner_join", "hash join with a tenth as many rows", join_set_up),
    QUERY("operator/left_join", "left join with a residual condition", left_join_set_up),
    QUERY("operator/sort", "a sort by text, key and id", sort_set_up),
    QUERY("operator/top_n", "the first ten of an order", top_set_up),
    QUERY("query/flights", "two joins, a group-by and an order over generated flights", flights_set_up),
    QUERY("recovery/task_error", "query/flights with one failed attempt", task_error_set_up),
    QUERY("recovery/executor_crash", "query/flights with an executor that dies after its output", crash_set_up),
};
const struct od_bench_list od_bench_queries = {queries, sizeof(queries) / sizeof(queries[0])};
