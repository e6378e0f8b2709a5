/* check_run: see check_run.h. */
#include "properties/check_run.h"

#include "engine/core/assert.h"
#include "properties/model.h"

#include <inttypes.h>
#include <string.h>

enum od_status od_expect_model(struct od_arena *arena, const struct od_plan *plan,
                               struct od_expectation *expectation_out, struct od_error *error)
{
    memset(expectation_out, 0, sizeof(*expectation_out));
    enum od_status status = od_model_run(arena, plan, &expectation_out->answer, error);
    expectation_out->compare = od_model_comparison(plan);
    if (status != OD_OK && status != OD_EVALUATION)
        return status;
    expectation_out->status = status;
    return OD_OK;
}

/* Text cells borrow from the subject's table, which dies with the next run. */
static enum od_status copy_texts(struct od_arena *arena, struct od_answer *answer, struct od_error *error)
{
    size_t cell_count = (size_t)answer->row_count * answer->column_count;
    for (size_t i = 0; i < cell_count; i++) {
        struct od_value *cell = &answer->cells[i];
        if (cell->is_null || cell->type != OD_TYPE_TEXT)
            continue;
        cell->text.bytes = od_arena_copy_text(arena, cell->text.bytes, cell->text.size);
        if (cell->text.bytes == NULL)
            return od_fail(error, OD_NO_MEMORY, "keeping an answer");
    }
    return OD_OK;
}

/* Of the world around it, as a fault may bring it about; never a word about the query itself. */
static bool is_typed_failure(enum od_status status)
{
    switch (status) {
    case OD_RETRIES_EXHAUSTED:
    case OD_NO_MEMORY:
    case OD_IO:
    case OD_CORRUPT:
    case OD_MISSING:
    case OD_UNREACHABLE:
        return true;
    default:
        return false;
    }
}

void od_check_end(const struct od_observation *observation, const char *code, struct od_finding *finding)
{
    enum od_status status = observation->status;
    if (!observation->ended) {
        od_finding_set(finding, "F10",
                       "the run did not end within its bound: %" PRIu64 " ms of virtual time passed",
                       observation->virtual_ns / 1000000);
        return;
    }
    if (observation->leaked != 0)
        od_finding_set(finding, "F5",
                       "%" PRIu64 " memory blocks, files or descriptors were left after the end",
                       observation->leaked);
    bool promised = status == OD_OK || status == OD_EVALUATION ||
                    (status == OD_CANCELLED && observation->was_cancelled) ||
                    ((observation->may_exhaust || observation->may_fail) && is_typed_failure(status));
    if (!promised)
        od_finding_set(finding, code, "the query failed: %s: %s", od_status_text(status),
                       observation->error.text);
}

/* The answer must have the shape that the plan promises; names are not compared. */
static bool has_shape(const struct od_table *answer, const struct od_schema *schema)
{
    if (answer->schema.field_count != schema->field_count)
        return false;
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (answer->schema.fields[i].type != schema->fields[i].type)
            return false;
    return true;
}

/* A plan may fail to evaluate only where the model fails too, whatever else is compared afterwards. */
static enum od_status check_evaluation(struct od_arena *arena, const struct od_plan *plan,
                                       const struct od_observation *observation, const char *code,
                                       struct od_finding *finding, struct od_error *error)
{
    struct od_expectation expected;
    enum od_status status = od_expect_model(arena, plan, &expected, error);
    if (status == OD_OK && expected.status == OD_OK)
        od_finding_set(finding, code, "the query failed where the model has an answer: %s",
                       observation->error.text);
    return status;
}

enum od_status od_check_run(struct od_arena *arena, const struct od_case *test_case,
                            struct od_subject *subject, const struct od_plan *plan,
                            const struct od_case_cluster *cluster, bool disturbed, const char *code,
                            struct od_run_result *result_out, struct od_finding *finding,
                            struct od_error *error)
{
    struct od_observation observation;
    struct od_run_request request = {.plan = plan,
                                     .cluster = cluster != NULL ? cluster : &test_case->cluster,
                                     .disturbed = disturbed};
    enum od_status status = OD_OK;
    memset(result_out, 0, sizeof(*result_out));
    memset(&observation, 0, sizeof(observation));
    status = subject->run(subject->self, &request, &observation, error);
    if (status != OD_OK)
        return status;
    bool found_before = finding->found;
    if (!request.cluster->twice)
        od_check_invariants(&observation, finding); /* first: nearer to the cause than how the run ended */
    od_check_end(&observation, code, finding);
    if (observation.status == OD_EVALUATION && !finding->found) {
        status = check_evaluation(arena, plan, &observation, code, finding, error);
        if (status != OD_OK)
            return status;
    }
    if (observation.status == OD_OK && observation.ended && !has_shape(observation.answer, &plan->schema))
        od_finding_set(finding, code, "the answer has other columns or types than the plan");
    if (finding->found && !found_before)
        finding->error = observation.error;
    result_out->usable = finding->found == found_before;
    result_out->status = observation.status;
    result_out->digest = observation.digest;
    if (!result_out->usable || observation.status != OD_OK)
        return OD_OK;
    status = od_answer_from_table(arena, observation.answer, &result_out->answer, error);
    return status == OD_OK ? copy_texts(arena, &result_out->answer, error) : status;
}

enum od_status od_check_expected(struct od_arena *arena, const struct od_expectation *expected,
                                 const struct od_run_result *result, const char *code,
                                 struct od_finding *finding, struct od_error *error)
{
    char text[800];
    bool equal = true;
    if (finding->found || !result->usable)
        return OD_OK; /* said already */
    if (is_typed_failure(result->status) || result->status == OD_CANCELLED) { /* promised, or it were a finding */
        finding->excused = true;
        return OD_OK;
    }
    if (result->status != expected->status) {
        od_finding_set(finding, code, "expected %s, but the run ended with %s",
                       expected->status == OD_OK ? "an answer" : "an evaluation error",
                       result->status == OD_OK ? "an answer" : "an evaluation error");
        return OD_OK;
    }
    if (result->status != OD_OK)
        return OD_OK;
    enum od_status status = od_answer_compare(arena, &expected->answer, &result->answer, expected->compare,
                                              &equal, text, sizeof(text), error);
    if (status == OD_OK && !equal)
        od_finding_set(finding, code, "%s", text);
    return status;
}

enum od_status od_check_against_model(struct od_arena *arena, const struct od_case *test_case,
                                      struct od_subject *subject, const struct od_plan *plan,
                                      const struct od_case_cluster *cluster, bool disturbed, const char *code,
                                      struct od_finding *finding, struct od_error *error)
{
    struct od_expectation expected;
    struct od_run_result result;
    enum od_status status = od_expect_model(arena, plan, &expected, error);
    if (status == OD_OK)
        status =
            od_check_run(arena, test_case, subject, plan, cluster, disturbed, code, &result, finding, error);
    if (status == OD_OK)
        status = od_check_expected(arena, &expected, &result, code, finding, error);
    return status;
}
