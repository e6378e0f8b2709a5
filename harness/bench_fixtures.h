/* bench_fixtures: what several benchmarks work on. Private to bench_*.c. */
#ifndef OD_HARNESS_BENCH_FIXTURES_H
#define OD_HARNESS_BENCH_FIXTURES_H

#include "engine/plan/physical.h"
#include "harness/bench_shim.h"
#include "harness/cluster.h"
#include "harness/prepare.h"

/* A table of `rows` rows: id bigint (0..), key bigint (skewed over key_count, some NULL), value double, name text; seeded. */
struct od_table *od_bench_table(const char *name, uint64_t rows, uint64_t key_count, char *problem);
/* Writes "what: why" and returns false. */
bool od_bench_problem(char *problem, const char *what, const char *why);

/* A query, planned, over tables of its own; run in the simulation by od_bench_query_run. */
struct od_bench_query {
    struct od_arena arena; /* plans */
    uint32_t table_count;
    struct od_table *tables[4]; /* owned */
    struct od_prepared prepared;
    struct od_cluster_request request;
    struct od_schedule schedule; /* of recovery benchmarks */
    uint64_t rows;               /* in all tables: items an iteration */
    bool check_with_sqlite;
};
/* Plans `sql` over the tables (which become the query's own). NULL with `problem`. */
struct od_bench_query *od_bench_query_new(const char *sql, struct od_table *const *tables, uint32_t table_count,
                                          const struct od_plan_options *options, char *problem);
void od_bench_query_free(void *query);
/* Against SQLite's answer, and under the schedule against the undisturbed one. */
bool od_bench_query_check(void *query, char *problem);
bool od_bench_query_run(void *query, uint64_t iterations, char *problem);
uint64_t od_bench_query_rows(const void *query);

#endif
