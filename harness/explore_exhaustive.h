/* explore_exhaustive: every single fault that can meet a query, then every pair, and what came of them.
 *
 *   undisturbed run -> its faults (explore_faults) -> each alone -> the points that it makes the query reach
 *                                                       |
 *   one of each class -> with each other one that is reached beside it, and with the faults at points that only recovery reaches
 *
 * Where these pairs are too many, those of two rows of the table (a kind at a point) that have not been tried on any subject before are
 * run, and a fixed share of the others.
 *
 * Which faults are tried is decided by counts alone, never by time: equal subjects and options give equal digests, whatever the number
 * of workers. A bound that leaves something out says how much. Runs are spread over processes, so that one that ends its process is a
 * finding like others. */
#ifndef OD_HARNESS_EXPLORE_EXHAUSTIVE_H
#define OD_HARNESS_EXPLORE_EXHAUSTIVE_H

#include <stdatomic.h>

#include "harness/explore_faults.h"
#include "harness/explore_subject.h"

#define OD_COVERAGE_FAILURES_MAX 512
#define OD_COVERAGE_AT_TIME      OD_POINT_COUNT /* the column of faults at a time */

/* A kind at a point, or at a time. */
#define OD_COVERAGE_ROW_COUNT (OD_FAULT_KIND_COUNT * (OD_POINT_COUNT + 1))
static inline uint32_t od_coverage_row(const struct od_fault *fault)
{
    return (uint32_t)fault->kind * (OD_POINT_COUNT + 1) + (fault->at_time ? OD_COVERAGE_AT_TIME : (uint32_t)fault->point);
}
enum od_coverage_met { OD_MET_TRIED = 1, OD_MET_BOTH_FIRED = 2 };

enum od_coverage_field {
    OD_COVERAGE_RUNS,
    OD_COVERAGE_FIRED, /* of pairs: both */
    OD_COVERAGE_HELD,
    OD_COVERAGE_PROMISED,
    OD_COVERAGE_VIOLATED,
    OD_COVERAGE_FIELD_COUNT
};

/* Who reaches a point when nothing is wrong. */
enum od_coverage_reach { OD_REACH_DRIVER, OD_REACH_EXECUTOR, OD_REACH_WITH_BYTES, OD_REACH_COUNT };

struct od_coverage_failure {
    char code[8]; /* of a property, or crash, hang */
    char text[300];
    uint32_t subject_index;
    uint32_t fault_count;
    struct od_fault faults[2];
    uint64_t order; /* among those of its subject */
    uint64_t digest; /* 0: the run ended its process */
};

/* All that was seen, over all subjects. Shared between processes. */
struct od_coverage {
    _Atomic uint64_t cells[OD_FAULT_KIND_COUNT][OD_POINT_COUNT + 1][2][OD_COVERAGE_FIELD_COUNT]; /* [singles, pairs] */
    /* Of two rows (od_coverage_row), the smaller first: enum od_coverage_met. */
    _Atomic uint8_t met[OD_COVERAGE_ROW_COUNT][OD_COVERAGE_ROW_COUNT];
    _Atomic uint64_t reached[OD_POINT_COUNT][OD_REACH_COUNT];
    _Atomic uint64_t reached_in_recovery[OD_POINT_COUNT]; /* at points' hits that no undisturbed run has */
    _Atomic uint64_t runs[2];
    _Atomic uint64_t violated[2];
    _Atomic uint64_t digest;
    _Atomic uint64_t virtual_ns;
    _Atomic uint64_t recovery_pairs; /* of the pairs: one fault is at a point that only the other one makes it reach */
    _Atomic uint64_t pairs_left_out; /* by the bound on those */
    /* by the parent alone: */
    uint64_t subject_count; /* explored to the end */
    uint32_t roles_sent;    /* undisturbed: one bit per od_message_role */
    uint64_t empty_count;   /* of them: their answer has no row */
    uint64_t candidates;    /* single faults, and those that grains left out */
    uint64_t grain_subjects[2][OD_EXPLORE_GRAIN_COUNT]; /* how many subjects were explored at each grain */
    uint64_t candidate_pairs;
    uint64_t sampled_subjects; /* of which not even all pairs at the coarsest grain were run */
    bool is_cut; /* somebody wanted the end */
    _Atomic uint32_t failure_count; /* that were noted; at most OD_COVERAGE_FAILURES_MAX are here */
    struct od_coverage_failure failures[OD_COVERAGE_FAILURES_MAX];
};
struct od_coverage *od_coverage_new(void); /* NULL on refusal */
void od_coverage_free(struct od_coverage *coverage);

struct od_exhaustive_options {
    uint32_t depth; /* 1: singles; 2: and pairs */
    uint64_t singles_max; /* of a subject */
    uint64_t pairs_max; /* likewise, about, beside those of rows that were never tried together; those with points that only recovery
                           reaches have the same bound again */
    uint32_t job_count;
    uint64_t hang_ns;
    bool (*go_on)(void *self, uint64_t run_count); /* `run_count`: of this subject and depth; false: end soon */
    void *self;
};

/* Explores one subject, which held undisturbed, into `coverage`. When somebody wanted the end coverage->is_cut is set. */
enum od_status od_exhaustive_explore(const struct od_exhaustive_options *options, const struct od_explore_subject *subject,
                                     uint32_t subject_index, struct od_coverage *coverage, struct od_error *error);

#endif
