/* scenario: one YAML file: tables, questions, a cluster, and the ordeal they are put through.
 *
 *   name: flights                      # letters, digits, _ ; names the run's folder and verdicts
 *   title: US domestic flights
 *   about: What this is for, in a sentence or two.
 *   scale: 0.01                        # the tables' rows are those of scale 1; 1 without it; --scale overrides
 *   seed: 7                            # of the generators and of the schedules drawn; --seed overrides
 *   tables:
 *     - name: flights
 *       generator: flights             # built in; --data DIR reads DIR/flights.csv instead
 *       rows: 20000
 *       file: flights.csv
 *   queries:
 *     - name: busiest_routes
 *       asks: Which routes are flown most?
 *       sql: |
 *         SELECT ...
 *       sqlite: |                      # SQLite's words for the same question, where it needs others: timestamps are
 *         SELECT ...                     # microseconds, dates days since 1970. "same": the author vouches for the SQL as it is.
 *                                        # Without it: rendered from the plan, where SQLite is known to mean the same
 *       duckdb: |                      # DuckDB's words (--oracle duckdb), where it means something else by the same SQL
 *         SELECT ...
 *   cluster: {executors: 4, slots: 2, partitions: 4, scan_tasks: 4, batch_rows: 1024, options: lease=50ms attempts_max=6}
 *   ordeal:
 *     sim: 20                          # schedules drawn from the seed, each query
 *     threads: 3
 *     faults: 3                        # at most so many faults a schedule
 *     schedules:                       # written ones, run besides the drawn ones, in sim
 *       - name: lose_two
 *         faults: |
 *           executor.crash at task_end stage=0 task=1 for=40ms
 *
 * Mistakes in YAML (syntax, unknown keys, wrong types) and in the SQL or fault text inside it are BAD_INPUT with line and column in
 * the file. */
#ifndef OD_HARNESS_SCENARIO_H
#define OD_HARNESS_SCENARIO_H

#include "chaos/fault.h"
#include "engine/data/batch.h"
#include "engine/run/query.h"

struct od_scenario_table {
    char *name;
    char *generator; /* NULL: only from a file */
    uint64_t rows;   /* 0: the generator's default */
    char *file;      /* NULL: only from the generator */
};
struct od_scenario_query {
    char *name;
    char *asks;
    char *sql;
    char *sqlite; /* NULL: rendered from the plan */
    char *duckdb; /* NULL: as `sql` */
};
struct od_scenario_schedule {
    char *name;
    char *faults;
};
struct od_scenario_cluster {
    uint32_t executors;
    uint32_t slots;
    uint32_t partitions;
    uint32_t scan_tasks;
    uint32_t batch_rows;
    char *options; /* NULL: the defaults */
};
struct od_scenario_ordeal {
    uint32_t sim;
    uint32_t threads;
    uint32_t faults;
    struct od_scenario_schedule *schedules;
    uint32_t schedules_count;
};
/* Owned by libcyaml's loader; od_scenario_free. Optional numbers that are 0 were not given. */
struct od_scenario {
    char *name;
    char *title;
    char *about;
    char *scale; /* NULL: 1 */
    uint64_t scale_thousandths;
    uint64_t seed;
    struct od_scenario_table *tables;
    uint32_t tables_count;
    struct od_scenario_query *queries;
    uint32_t queries_count;
    struct od_scenario_cluster *cluster; /* may be NULL */
    struct od_scenario_ordeal *ordeal;   /* may be NULL */
};

/* MISSING when there is no such file. *scenario_out NULL on failure. */
enum od_status od_scenario_load(const char *path, struct od_scenario **scenario_out, struct od_error *error);
enum od_status od_scenario_parse(const char *name, const char *text, size_t size, struct od_scenario **scenario_out,
                                 struct od_error *error);
void od_scenario_free(struct od_scenario *scenario); /* NULL is fine */
/* Takes the options that the cluster says over. BAD_INPUT, never of a scenario that was parsed. */
enum od_status od_scenario_set_options(const struct od_scenario_cluster *cluster, struct od_run_options *options,
                                       struct od_error *error);

/* A place in the file, from 1. */
struct od_scenario_place {
    uint32_t line;
    uint32_t column;
};
/* Where in the file a place inside a text stands. `path` leads to the text: "queries/2/sql"; line and column are in it, from 1.
 * line 0: where the value at the path begins (a list or a mapping, too). False, and 1:1, when nothing is at the path. */
bool od_scenario_locate(const char *text, size_t size, const char *path, uint32_t line, uint32_t column,
                        struct od_scenario_place *place_out);

/* Where a scenario's tables come from, and how large they get. */
struct od_table_source {
    const char *directory; /* every table that names a file is read from there; NULL: all are generated */
    uint64_t seed;
    uint64_t scale_thousandths; /* of generated tables whose number of rows is not fixed; 0: the scenario's */
    uint64_t rows_max; /* at most so many rows: of generated tables (but fixed ones), else the first; 0: any number */
};
/* The tables of a scenario; MISSING with the path when a file is not there. `tables` has tables_count entries, filled as far as it
 * went; the caller frees each. */
enum od_status od_scenario_load_tables(struct od_memory *memory, const struct od_scenario *scenario,
                                       const struct od_table_source *source, struct od_table **tables,
                                       struct od_error *error);

#endif
