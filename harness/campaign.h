/* campaign: many trials over worker processes, each failure shrunk and saved; the result does not depend on the number of workers.
 *
 *   parent --fork--> worker 0: take the next case index -> trial -> fold digest -> (failure: repeat, shrink, save, report)
 *          --fork--> worker 1: ...
 *   shared page: next index; per worker counters, the choices of the case that runs now
 *
 * Case i of a campaign is drawn from (seed, i) alone. The campaign digest is the sum of mix(i, digest of case i) modulo 2^64, so it is
 * the same in whatever order and process the cases ran. A worker that dies or hangs costs one case: the parent knows its choices from
 * the shared page and starts another worker. A case that hangs is told as a failure "hang"; one that kills is run again by the new worker,
 * in processes of their own (trial_guard), and becomes a failure "crash" that is shrunk, saved with its digest, and replays. */
#ifndef OD_HARNESS_CAMPAIGN_H
#define OD_HARNESS_CAMPAIGN_H

#include <stdio.h>

#include "chaos/fault.h"
#include "harness/cluster.h"
#include "engine/core/status.h"
#include "harness/query_oracles.h"
#include "properties/property.h"

enum od_exploration { OD_EXPLORE_SWARM, OD_EXPLORE_LINEAGE };

struct od_campaign_options {
    uint64_t seed;
    uint64_t case_count;  /* 0: until time_ns */
    uint64_t time_ns;     /* 0: until case_count */
    uint32_t job_count;   /* >= 1 */
    uint32_t shard_index; /* this shard runs the cases i with i mod shard_count == shard_index */
    uint32_t shard_count; /* >= 1 */
    const struct od_property *only; /* NULL: all */
    const struct od_fault_kinds *kinds; /* that schedules are drawn from; NULL: all that a query may survive */
    enum od_deployment deployment;  /* where cases run; but in sim there are no digests, and failures are saved as they are */
    uint32_t oracles;               /* who is asked about statements: bits of enum od_oracle */
    const char *directory;          /* cases are saved in directory/cases; made when the first failure is saved */
    bool tells_refusals;            /* statements that were refused, on standard error */
    uint64_t shrink_ns;             /* bound on one failure's shrinking */
    uint32_t failures_shown_max;    /* so many failures of one property are shrunk and saved by each worker */
    enum od_exploration exploration;
    uint32_t pct_depth;             /* of every disturbed run; 0: no priorities */
    uint32_t faults_max;            /* lineage: at a time */
    uint64_t runs_max;              /* lineage: of one case */
    bool ends_at_failure;           /* no case begins after one has failed */
    FILE *steps;                    /* borrowed; every step of the simulation is written there, for one job; NULL: nowhere */
    uint64_t hang_ns;               /* a case that takes longer is a hang */
};

#define OD_CAMPAIGN_FAILURES_MAX 256
#define OD_CAMPAIGN_TABLE_CASES  100 /* neighbouring statements over the same tables */
#define OD_CAMPAIGN_LINEAGE_CASES 512 /* neighbours that know what was tried in each other: one worker takes them all */

/* Cases in whose schedule a kind was, by what came of them. Only those in which it took effect held, failed or were violated. */
enum od_campaign_kind_count {
    OD_KIND_DRAWN,
    OD_KIND_FIRED,
    OD_KIND_HELD,
    OD_KIND_FAILED, /* as promised: with a typed error, where the schedule or the plan allows one */
    OD_KIND_VIOLATED,
    OD_KIND_COUNTS
};

struct od_campaign_failure {
    char code[8];
    uint64_t case_index;
    bool own_bug; /* unequal digests of equal runs: ours */
    char path[300]; /* of the case file; empty when it could not be written */
    char text[300];
};

struct od_campaign_result {
    uint64_t case_count;
    uint64_t failure_count;
    uint64_t own_bug_count;
    uint64_t disturbed_count; /* cases in which a fault took effect */
    uint64_t run_count;       /* cluster runs */
    uint64_t explored_count; /* lineage: cases whose turn it was; the others were passed over without a run */
    uint64_t unbroken_count; /* of them: no set of up to faults_max faults was left untried, and all held */
    uint64_t digest;
    uint64_t wall_ns;
    uint64_t virtual_ns;
    uint64_t property_counts[64]; /* by index in od_properties; without the excused ones */
    uint64_t excused_counts[64];  /* cases in which only invariants could be judged: see struct od_finding */
    uint64_t kind_counts[OD_FAULT_KIND_COUNT][OD_KIND_COUNTS];
    uint64_t status_counts[32];              /* statements by what came of them: enum od_status */
    uint64_t feature_counts[OD_QUERY_FEATURE_COUNT][2]; /* statements that we answered, and all */
    uint64_t asked_counts[OD_ORACLE_COUNT][OD_ASKED_COUNT];
    bool interrupted;
    uint32_t shown_count;
    struct od_campaign_failure shown[OD_CAMPAIGN_FAILURES_MAX];
};

/* Progress goes to standard error when it is a terminal. IO or NO_MEMORY when workers cannot be made. */
enum od_status od_campaign_run(const struct od_campaign_options *options, struct od_campaign_result *result_out,
                               struct od_error *error);
/* What goes between `ordeal replay` and a case of this campaign, with a space behind: it runs where it failed. */
const char *od_campaign_replay_options(const struct od_campaign_options *options);

#endif
