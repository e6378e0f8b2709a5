/* impact: what faults cost the queries of a scenario, as curves.
 *
 *   for each query and kind of fault, `rounds` times:  undisturbed -> how long that takes
 *       then, in random order:  undisturbed again
 *                               one fault at each of the moments (per cent of the undisturbed time)
 *                               0, 1, 2 .. faults at random moments of that time (a rate)
 *   -> per moment and per rate: a point of a curve: slow-down by the undisturbed run of the same round, recovery, repair,
 *      recomputed work
 *
 * A round's runs have one seed: in `sim` they differ in nothing but their faults, and equal calls give equal curves, to the bit.
 * Where time is real, pairs of one round meet the same machine. The faults of a higher rate are those of the lower ones and more.
 * Who is struck changes with the round, so that `rounds` runs strike as many executors. Every answer is compared with the undisturbed one,
 * which is compared with SQLite's; every run is in the record with its measures and its verdict. In `processes` all runs of a scenario are on
 * one cluster, whose processes get real signals (impact_processes.h). */
#ifndef OD_HARNESS_IMPACT_H
#define OD_HARNESS_IMPACT_H

#include "harness/cluster.h"
#include "harness/scenario_run.h"
#include "reports/record.h"
#include "reports/terminal.h"

#define OD_IMPACT_KINDS_MAX  16
#define OD_IMPACT_POINTS_MAX 16
#define OD_IMPACT_ROUNDS_MAX 99
#define OD_IMPACT_RATE_MAX   64

struct od_impact_kind {
    char name[60]; /* "executor.crash" */
    enum od_fault_kind kind;
    bool strikes_executors; /* each in its turn; else whom the kind says */
    bool wants_journal;     /* the driver may die */
};

struct od_impact_options {
    enum od_deployment deployment;
    const char *program; /* processes: `ordeal`; NULL: this one */
    uint32_t kind_count;
    struct od_impact_kind kinds[OD_IMPACT_KINDS_MAX];
    char detail[80]; /* of each fault: " for=5ms"; or empty */
    uint32_t moment_count;
    uint64_t moments[OD_IMPACT_POINTS_MAX]; /* per cent, 0 to 100 */
    uint32_t rate_count;
    uint64_t rates[OD_IMPACT_POINTS_MAX]; /* at most OD_IMPACT_RATE_MAX each */
    uint32_t rounds;                      /* 1 .. OD_IMPACT_ROUNDS_MAX */
};

/* Kinds that a query survives and that act at a time: "executor.crash,driver.pause". `detail` as in a schedule ("for=5ms"), or NULL.
 * options->deployment must be set. BAD_INPUT says which word and why. */
enum od_status od_impact_kinds_read(const char *text, const char *detail, struct od_impact_options *options, struct od_error *error);

/* Borrowed. */
struct od_impact_sink {
    struct od_record *record;
    struct od_progress *progress; /* NULL: none */
    const char *directory;        /* the run's */
    uint64_t done;
    uint64_t failed;
    const volatile int *interrupted; /* not 0: end soon; NULL: never */
};

/* How many runs it will take. */
uint64_t od_impact_run_count(const struct od_impact_options *options, const struct od_scenario_run *scenario);
/* All queries of a scenario that was opened; the record is saved after each. Verdicts go to the record: OK whatever they are. NO_MEMORY,
 * IO; CANCELLED when interrupted. */
enum od_status od_impact_execute(const struct od_impact_options *options, const struct od_scenario_run *scenario,
                                 struct od_impact_sink *sink, struct od_error *error);

#endif
