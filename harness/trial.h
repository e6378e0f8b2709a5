/* trial: one case, put through the engine under its own fault schedule, judged by one property.
 *
 *   choices -> case (properties) -> plan -> stages -> schedule (chaos, from the same choices) -> property->check(subject)
 *
 * The trial is the subject: it runs whatever plan a property asks for on a cluster, simulated unless told otherwise. One trial object is used for many
 * cases; nothing of one case reaches the next. Equal choices give equal digests: the digest folds those of all runs. */
#ifndef OD_HARNESS_TRIAL_H
#define OD_HARNESS_TRIAL_H

#include "chaos/fault.h"
#include "harness/cluster.h"
#include "harness/prepare.h"
#include "harness/query_oracles.h"
#include "properties/property.h"

#define OD_TRIAL_RUNS_MAX 64
/* For od_shrink on trials, which take 0.2 ms or less each; guarded ones are dearer, and nothing is resampled for them. */
#define OD_TRIAL_RESAMPLES       400
#define OD_TRIAL_EVALUATIONS_MAX 100000
/* The code of cases that end the process. */
#define OD_TRIAL_CRASH "crash"

struct od_trial {
    struct od_memory *memory; /* borrowed */
    const struct od_property *only; /* NULL: the case draws its property */
    enum od_deployment deployment;  /* where cases run: in the simulation, unless somebody sets another one; then digests mean nothing */
    const char *directory;          /* borrowed: of od_cluster_request, for threads */
    struct od_fault_kinds kinds;     /* that schedules are drawn from; od_trial_init: all that a query may survive */
    uint32_t pct_depth; /* of disturbed runs: od_sim_options */
    const struct od_schedule *given; /* borrowed; in place of a drawn one: then none is drawn; NULL: it is drawn */
    struct od_choices *choices;     /* of the running case; borrowed from the caller of od_trial_run */
    struct od_case test_case;
    struct od_arena plan_arena; /* plans, graphs and the schedule of this case */
    struct od_schedule schedule;
    struct od_prepared aimed_at; /* the case's own plan, for which the schedule was drawn; zeroed once a run has taken it */
    struct od_finding finding;
    bool guarded; /* check in a process of its own: its death is the finding OD_TRIAL_CRASH; runs and counts stay there; no oracles */
    bool cannot_travel; /* the case has a function of this program: other processes can't run it, so it is excused */
    uint64_t digest;
    uint32_t run_count;
    uint32_t disturbed_count; /* runs in which at least one fault fired */
    uint64_t virtual_ns;
    uint64_t sim_events;
    struct od_cluster_result results[OD_TRIAL_RUNS_MAX]; /* owned; alive until the next case, properties look at them */
    uint64_t known[OD_TRIAL_RUNS_MAX]; /* hashes of stages and clusters that were run */
    struct od_query_oracles *oracles;  /* borrowed; for statements; NULL: nobody is asked */
    struct od_error refusal;           /* of the last statement, when binding it failed */
    struct od_query_tally tally;       /* of the last statement */
    void (*drawn)(void *self, const struct od_trial *trial); /* called when all is drawn and nothing has run; may be NULL */
    void *drawn_self;
    struct od_trace trace; /* told every event of every run; ops NULL: nobody listens */
    struct od_sim_stepper stepper; /* sim, unless guarded: told every step of every run */
    /* Called after each run, before the property sees it; may be NULL. The graph of `request` lives as long as the case; the tables of
     * asked->plan may be the property's own and die with its check. What came of it is the last of `results`. */
    void (*ran)(void *self, const struct od_run_request *asked, const struct od_cluster_request *request);
    void *ran_self;
};

void od_trial_init(struct od_trial *trial, struct od_memory *memory);
void od_trial_release(struct od_trial *trial);
/* Draws a case from `choices` (whose supplier is set) and judges it; the result is in trial->finding and trial->digest. Other than OK:
 * the harness' own trouble. The case stays until the next run, so that it can be printed. */
enum od_status od_trial_run(struct od_trial *trial, struct od_choices *choices, struct od_error *error);
/* How the case's own plan runs on its own cluster, undisturbed. It lives until the next case. What the
 * engine says to it before it runs, or NO_MEMORY. */
enum od_status od_trial_request(struct od_trial *trial, struct od_cluster_request *request_out, struct od_error *error);
/* The trial as properties see it; valid as long as the trial. */
struct od_subject od_trial_subject(struct od_trial *trial);
/* Only the drawing: for a case that must not be run, because running it kills the process. */
enum od_status od_trial_draw(struct od_trial *trial, struct od_choices *choices, struct od_error *error);
/* Whether the trial that was run fails with `code`; of deaths, which all have one code, with this digest, too. */
bool od_trial_fails_with(const struct od_trial *trial, const char *code, uint64_t digest);
/* Which kinds of the case's schedule took effect in any of its runs; *has_failed_out: one of those ended without an answer. */
struct od_fault_kinds od_trial_kinds_fired(const struct od_trial *trial, bool *has_failed_out);
/* The other half of od_trial_run: judges what was drawn; here, or guarded (IO when no process can be started). */
enum od_status od_trial_check(struct od_trial *trial, struct od_error *error);
enum od_status od_trial_check_guarded(struct od_trial *trial, struct od_error *error);
/* Another plan as the case's own would be run on such a cluster; lives as long as the case. */
struct od_prepared;
enum od_status od_trial_prepare(struct od_trial *trial, const struct od_case_cluster *cluster, const struct od_plan *plan,
                                struct od_prepared *prepared_out, struct od_error *error);
/* Tables, SQL, plan, cluster and faults of the last case, for people. */
bool od_trial_print(const struct od_trial *trial, struct od_buffer *buffer);

#endif
