/* check_run: what nearly every property does: run a plan on the subject, check the invariants, compare with
 * what is expected.
 *
 * Each call sets the finding at most once (the first one found stands) and returns other than OK only for
 * trouble of the harness. An observation's memory belongs to the subject and dies with its next run, so
 * answers are copied out here. */
#ifndef OD_PROPERTIES_CHECK_RUN_H
#define OD_PROPERTIES_CHECK_RUN_H

#include "properties/answer.h"
#include "properties/property.h"

/* What a run must do. */
struct od_expectation {
    enum od_status status; /* OK or EVALUATION */
    struct od_answer answer;
    enum od_compare compare;
};

/* The model's word on a plan. */
enum od_status od_expect_model(struct od_arena *arena, const struct od_plan *plan,
                               struct od_expectation *expectation_out, struct od_error *error);

struct od_run_result {
    enum od_status status;   /* of the run; RETRIES_EXHAUSTED was promised by the schedule */
    struct od_answer answer; /* copied into the arena when status is OK */
    uint64_t digest;
    bool usable; /* the run ended as it may: no finding was made by it */
};

/* What makes any run a bad one, whatever its answer: no end (F10), leaks (F5), a failure that the schedule
 * does not excuse (`code`). */
void od_check_end(const struct od_observation *observation, const char *code, struct od_finding *finding);

/* Runs `plan` on the case's cluster (or `cluster`, when not NULL) and checks the invariants. A failure that
 * the schedule does not excuse is a finding with `code`; so is EVALUATION where the model has an answer. */
enum od_status od_check_run(struct od_arena *arena, const struct od_case *test_case,
                            struct od_subject *subject, const struct od_plan *plan,
                            const struct od_case_cluster *cluster, bool disturbed, const char *code,
                            struct od_run_result *result_out, struct od_finding *finding,
                            struct od_error *error);
/* The run's status and answer against an expectation. Excused (finding->excused) when the retries are exhausted. */
enum od_status od_check_expected(struct od_arena *arena, const struct od_expectation *expected,
                                 const struct od_run_result *result, const char *code,
                                 struct od_finding *finding, struct od_error *error);
/* Both: run `plan`, and it must do as the model says. */
enum od_status od_check_against_model(struct od_arena *arena, const struct od_case *test_case,
                                      struct od_subject *subject, const struct od_plan *plan,
                                      const struct od_case_cluster *cluster, bool disturbed, const char *code,
                                      struct od_finding *finding, struct od_error *error);

#endif
