/* judge: see judge.h. */
#include "harness/judge.h"

#include "engine/world/posix.h"
#include "properties/answer.h"
#include "properties/check_run.h"
#include "properties/model.h"

static bool was_cancelled(const struct od_cluster_request *request, const struct od_cluster_result *result)
{
    for (uint32_t i = 0; i < result->fault_count; i++)
        if (request->schedule->faults[i].kind == OD_FAULT_DRIVER_CANCEL_QUERY && result->fired[i] > 0)
            return true;
    return false;
}

struct od_observation od_judge_observe(const struct od_cluster_request *request, const struct od_cluster_result *result)
{
    return (struct od_observation){
        .status = result->ended ? result->outcome.status : OD_TIMED_OUT,
        .error = result->outcome.error,
        .answer = result->outcome.answer,
        .graph = request->graph,
        .events = result->events,
        .event_count = result->event_count,
        .digest = result->digest,
        .virtual_ns = result->elapsed_ns,
        .faults_fired = result->faults_fired,
        .may_exhaust = request->schedule != NULL &&
                       od_schedule_may_exhaust(request->schedule, result->fired,
                                               od_run_options_resolve(&request->options).attempts_max),
        .was_cancelled = was_cancelled(request, result),
        .may_fail = request->schedule != NULL && od_schedule_may_fail(request->schedule, result->fired),
        .ended = result->ended,
        .leaked = result->leaked,
    };
}

static enum od_status compare(const struct od_plan *plan, const struct od_table *expected, const struct od_table *actual,
                              struct od_finding *finding, struct od_error *error)
{
    char text[600] = "";
    bool equal = false;
    struct od_arena arena;
    struct od_answer expected_rows;
    struct od_answer actual_rows;
    od_arena_init(&arena, od_posix_memory(), 256 * 1024);
    enum od_status status = od_answer_from_table(&arena, expected, &expected_rows, error);
    if (status == OD_OK)
        status = od_answer_from_table(&arena, actual, &actual_rows, error);
    if (status == OD_OK)
        status = od_answer_compare(&arena, &expected_rows, &actual_rows,
                                   od_model_comparison(plan), &equal, text, sizeof(text), error);
    if (status == OD_OK && !equal)
        od_finding_set(finding, "F1", "the answer differs from the undisturbed one: %s", text);
    od_arena_release(&arena);
    return status;
}

enum od_status od_judge_run(const struct od_plan *plan, const struct od_cluster_request *request,
                            const struct od_cluster_result *result, const struct od_table *expected,
                            struct od_finding *finding, struct od_error *error)
{
    const struct od_observation observation = od_judge_observe(request, result);
    od_check_invariants(&observation, finding); /* as od_check_run does */
    od_check_end(&observation, "F1", finding);
    /* Drawn plans may fail to evaluate; a question that somebody asks has an answer. */
    if (observation.ended && observation.status == OD_EVALUATION)
        od_finding_set(finding, "F1", "the query has no answer: %s", observation.error.text);
    bool comparable = expected != NULL && observation.status == OD_OK && observation.ended;
    return comparable ? compare(plan, expected, observation.answer, finding, error) : OD_OK;
}
