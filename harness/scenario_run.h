/* scenario_run: puts every query of a scenario through its ordeal and writes down what happened.
 *
 *   tables -> for each query: undisturbed (sim) -> answer, compared with SQLite
 *                             undisturbed again: equal digest (F8)
 *                             drawn schedules (sim), written schedules (sim), undisturbed and drawn schedules (threads)
 *
 * The record is saved after each query, every event goes to events.jsonl as it happens: a killed run leaves a
 * directory that can be read. */
#ifndef OD_HARNESS_SCENARIO_RUN_H
#define OD_HARNESS_SCENARIO_RUN_H

#include "engine/run/query.h"
#include "harness/memory_limit.h"
#include "harness/opinion.h"
#include "harness/scenario.h"
#include "reports/event_log.h"
#include "reports/record.h"
#include "reports/terminal.h"

struct od_scenario_run_options {
    const char *given; /* the options but seed and deployment that a run again needs, a blank before each; NULL: none */
    const char *data_directory; /* NULL: generated tables */
    bool has_seed;              /* else the scenario's own */
    uint64_t seed;
    bool in_sim;     /* which deployments are asked for */
    bool in_threads;
    bool in_processes;
    bool no_faults;
    const char *faults_path; /* a file with one schedule, in place of the drawn and written ones; NULL: none */
    uint64_t scale_thousandths; /* of generated tables; 0: the scenario's own */
    uint64_t rows_max; /* of every table; 0: any number */
    uint32_t tasks_max; /* partitions, and tasks of a scan, as planned: at most so many; 0: as the scenario says */
    uint64_t executors; /* 0: as the scenario says */
    struct od_run_options limits; /* 0: as the scenario says, or the default */
    struct od_opinion *opinions; /* borrowed; engines that every undisturbed answer is compared with, beside SQLite */
    uint32_t opinion_count;
    struct od_memory_limit *memory_limits; /* borrowed; each query runs once more in sim with each of them */
    uint32_t memory_limit_count;
    bool twice;      /* every run in sim is done twice and its digests are compared */
};

/* A scenario that has been checked: tables loaded, SQL planned, schedules parsed. */
struct od_scenario_run;

/* What a run writes to and looks at; borrowed. */
struct od_scenario_sink {
    struct od_record *record;
    struct od_event_log *log;
    struct od_progress *progress;
    const char *directory; /* the run's */
    uint64_t done;         /* runs so far, over all scenarios */
    uint64_t failed;
    const volatile int *interrupted; /* not 0: end soon */
};

/* Reads and checks one scenario file: BAD_INPUT and the like with a place in the file; nothing has run. `options` is borrowed.
 * *run_out NULL on failure. */
enum od_status od_scenario_open(const char *path, const struct od_scenario_run_options *options,
                                struct od_scenario_run **run_out, struct od_error *error);
/* The same for a file's text; `path` is what it is called. */
enum od_status od_scenario_open_text(const char *path, const char *text, size_t size, const struct od_scenario_run_options *options,
                                     struct od_scenario_run **run_out, struct od_error *error);
void od_scenario_close(struct od_scenario_run *run); /* NULL is fine */
/* How many runs it will take. */
uint64_t od_scenario_run_count(const struct od_scenario_run *run);
/* Of its tables and drawn faults: given, or its own. */
uint64_t od_scenario_run_seed(const struct od_scenario_run *run);
/* Runs all; verdicts go to the record. Fails only for trouble of the harness (NO_MEMORY, IO); CANCELLED when interrupted. */
enum od_status od_scenario_execute(struct od_scenario_run *run, struct od_scenario_sink *sink, struct od_error *error);

#endif
