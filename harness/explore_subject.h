/* explore_subject: one query on one simulated cluster, to be run again and again under other schedules.
 *
 *   scenario's query, cut-down tables --+
 *                                       +--> subject: run once undisturbed: the expected answer, the points that it reaches
 *   a drawn case's plan and cluster  ---+       |
 *                                               +--od_explore_run(schedule)--> verdict, events, points reached
 *
 * Whoever explores asks the undisturbed run what can go wrong, makes schedules of it, and runs them. All is prepared once; a run takes
 * about as long as the simulation does. Runs of a subject differ in nothing but their schedule: same seed, same cluster; where the
 * request keeps no journal, a driver that is to die does.
 *
 * Lifetimes: a subject borrows graph, plan and tables from the scenario or the trial that it was opened from. A run's outcome lives in
 * `struct od_explore_run`, which is used over and over: each run forgets the one before. */
#ifndef OD_HARNESS_EXPLORE_SUBJECT_H
#define OD_HARNESS_EXPLORE_SUBJECT_H

#include "harness/cluster.h"
#include "harness/scenario_run.h"
#include "harness/trial.h"

/* A point that was reached. `site` is as a fault names it: at message_send `executor` is the end that is not the driver, and `nth`
 * counts the hits before it whose point, other fields and side (driver or not) are equal; at task_step it is the step. Where the task is
 * named (od_explore_names_task) hits of other executors count as well: which one a task meets is nobody's choice. */
struct od_explore_hit {
    enum od_point point;
    uint32_t actor_id; /* who reached it */
    struct od_site site;
    uint64_t time_ns;
    uint64_t byte_count; /* that passed it; 0: nothing that could be damaged */
};

bool od_explore_names_task(enum od_point point, const struct od_site *site);

struct od_explore_hits {
    struct od_memory *memory; /* borrowed */
    struct od_explore_hit *items; /* owned; in the order of the run */
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots; /* owned; open addressing over the fields that are counted: index of the latest hit, plus 1 */
    uint32_t slot_count;
    bool cut; /* memory was refused */
};

enum od_explore_verdict {
    OD_EXPLORE_HELD,    /* the expected answer, nothing else wrong */
    OD_EXPLORE_PROMISED, /* it failed as the schedule allows: out of retries, or cancelled; nothing else wrong */
    OD_EXPLORE_VIOLATED /* `finding` says what; F10: it did not end */
};
#define OD_EXPLORE_VERDICT_COUNT 3

struct od_explore_run {
    enum od_explore_verdict verdict;
    struct od_finding finding;
    struct od_cluster_result result; /* owned: answer, events, which faults fired, digest, virtual time */
    struct od_explore_hits hits;     /* owned; empty unless asked for */
};

struct od_explore_subject {
    struct od_memory *memory;            /* borrowed */
    char name[160];                      /* "flights/busiest_routes", "case 17" */
    const struct od_plan *plan;          /* borrowed */
    struct od_cluster_request request;   /* borrowed graph; schedule NULL */
    struct od_explore_run undisturbed;   /* owned */
    char oracle[200];                    /* whom the undisturbed answer was compared with, and what came of it */
};

/* Runs once undisturbed; the points are those of a driver with a journal. `plan` and `request` (its graph, options and seed count) are borrowed in parts. What is wrong with that run
 * is in subject->undisturbed: a subject whose verdict is not HELD must not be run further. NO_MEMORY. */
enum od_status od_explore_open(struct od_explore_subject *subject, struct od_memory *memory, const char *name,
                               const struct od_plan *plan, const struct od_cluster_request *request, struct od_error *error);
/* The query of that number of a scenario that was opened; compared with SQLite where that means the same. */
enum od_status od_explore_open_query(struct od_explore_subject *subject, struct od_memory *memory,
                                     const struct od_scenario_run *scenario, uint32_t query_index, struct od_error *error);
uint32_t od_explore_query_count(const struct od_scenario_run *scenario);
/* The plan of the case that the trial has drawn (od_trial_draw); compared with the model. A case that has no answer (it fails to
 * evaluate, or is no plan) is opened as PROMISED. */
enum od_status od_explore_open_case(struct od_explore_subject *subject, struct od_memory *memory, struct od_trial *trial,
                                    const char *name, struct od_error *error);
void od_explore_release(struct od_explore_subject *subject); /* zeroed is fine */

/* Runs under `schedule` and judges as `ordeal run` does. wants_hits: the points that are reached, too, which costs a little.
 * Other than OK: trouble of the harness. Equal calls give equal outcomes. */
enum od_status od_explore_run(const struct od_explore_subject *subject, const struct od_schedule *schedule, bool wants_hits,
                              struct od_explore_run *run, struct od_error *error);
void od_explore_run_release(struct od_explore_run *run); /* zeroed is fine */

#endif
