/* explain: see explain.h. */
#include "harness/explain.h"

#include <string.h>

#include "harness/explain_place.h"
#include "harness/explain_rows.h"
#include "harness/explain_timeline.h"
#include "harness/judge.h"
#include "properties/check_run.h"
#include "properties/model.h"

#define NO_RUN       UINT32_MAX
#define PREFIXES_MAX 2000 /* events: all beginnings of a run are checked */

struct explaining {
    struct od_trial *trial;
    const struct od_explain_options *options;
    struct od_buffer *text;
    uint32_t run_index; /* of the run that is explained; NO_RUN: it is being looked for */
    uint32_t first_wrong; /* the first run whose answer is not the model's */
    struct od_finding found; /* when it was run for the first time */
    enum od_status status;
    struct od_error error;
};

/* What a property found in the events of a run it found in the last one. */
static bool is_of_events(const char *code)
{
    static const char *const codes[] = {"F2", "F3", "F4", "F5", "F9", "F10", "H1", "H5", "H8"};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(codes[i], code) == 0)
            return true;
    return false;
}

/* --- one run, explained ----------------------------------------------------------------------------------------- */

/* A run again, with everything summed. */
static enum od_status run_traced(const struct od_explained *explained, bool disturbed, struct od_cluster_result *result,
                                 struct od_traced_run *run, struct od_error *error)
{
    const struct od_cluster_request *request = explained->request;
    struct od_cluster_request again = *request;
    again.deployment = OD_DEPLOY_SIM;
    again.options.trace_operators = 1;
    again.keep_events = true;
    again.schedule = disturbed ? request->schedule : NULL;
    OD_TRY(od_cluster_run(explained->memory, &again, result, error));
    return od_traced_run_read(explained->arena, request->graph, result, run, error);
}

static enum od_status judge(struct od_arena *arena, const struct od_expectation *expected,
                            const struct od_cluster_result *result, bool *right_out, struct od_error *error)
{
    char text[200];
    struct od_answer actual;
    *right_out = result->ended && result->outcome.status == expected->status;
    if (!*right_out || expected->status != OD_OK)
        return OD_OK;
    OD_TRY(od_answer_from_table(arena, result->outcome.answer, &actual, error));
    return od_answer_compare(arena, &expected->answer, &actual, expected->compare, right_out, text, sizeof(text), error);
}

/* The model's word; where it knows no word, the undisturbed run's. */
static enum od_status expect(struct od_explained *explained, struct od_error *error)
{
    struct od_expectation *expected = &explained->expected;
    const struct od_outcome *calm = &explained->calm_result.outcome;
    enum od_status status =
        explained->trial == NULL ? OD_UNSUPPORTED : od_expect_model(explained->arena, explained->plan, expected, error);
    if (status != OD_UNSUPPORTED)
        return status;
    explained->has_no_model = true;
    *expected = (struct od_expectation){.status = calm->status, .compare = od_model_comparison(explained->plan)};
    return calm->answer == NULL ? OD_OK : od_answer_from_table(explained->arena, calm->answer, &expected->answer, error);
}

/* Where it went wrong: in the rows, if it has an answer; else what it waited for or failed of. What the books of the run's events
 * show goes first: it is nearer to the cause. */
static enum od_status find_place(const struct od_explained *explained, struct od_place *place, struct od_error *error)
{
    od_place_completions(&explained->run, place);
    if (place->found)
        return OD_OK;
    if (!explained->run_result.ended || explained->run_result.outcome.answer == NULL) {
        od_place_standstill(&explained->run, place);
        return OD_OK;
    }
    OD_TRY(od_place_balance(&explained->run, place, error));
    if (!place->found && explained->calm_result.outcome.answer != NULL)
        OD_TRY(od_place_compare(&explained->calm, &explained->run, place, error));
    return OD_OK;
}

static void print_need(const struct explaining *explaining, const struct od_explained *explained)
{
    const struct od_cluster_result *calm = &explained->calm_result;
    const struct od_observation observation = od_judge_observe(explained->request, calm);
    struct od_buffer *text = explaining->text;
    struct od_finding finding = {0};
    if (!explained->request->twice)
        od_check_invariants(&observation, &finding);
    od_buffer_append_text(text, "without faults: ");
    if (!calm->ended)
        od_buffer_append_text(text, "no end either; no fault is needed\n");
    else if (!explained->is_calm_right)
        od_buffer_print(text, "wrong, too (%s); no fault is needed\n",
                        calm->outcome.status == OD_OK ? "an answer" : od_status_text(calm->outcome.status));
    else if (strcmp(finding.code, explaining->found.code) == 0)
        od_buffer_print(text, "%s, too; no fault is needed\n", finding.code);
    else
        od_buffer_append_text(text, explained->has_no_model ? "an answer, which is taken for the right one\n"
                                                            : "the right answer\n");
}

/* Do the events so far show what the finding says? */
static bool shows(const struct od_observation *observation, const struct od_finding *wanted)
{
    struct od_finding finding = {0};
    struct od_finding of_lineage = {0};
    od_check_lineage(observation, &of_lineage); /* the first one of these, too: what is not over yet may have another one */
    od_check_invariants(observation, &finding);
    return strcmp(of_lineage.text, wanted->text) == 0 || strcmp(finding.text, wanted->text) == 0;
}

/* The event with which the books of a run first show what the finding says. What is missing in the end (H5) can't be dated: it is
 * when a block is written. */
static void print_decision(const struct explaining *explaining, const struct od_explained *explained)
{
    struct od_observation observation = od_judge_observe(explained->request, &explained->run_result);
    uint32_t event_count = observation.event_count <= PREFIXES_MAX ? observation.event_count : 0;
    for (uint32_t k = 1; k <= event_count; k++) {
        observation.event_count = k;
        if (!shows(&observation, &explaining->found))
            continue;
        if (explained->run_result.events[k - 1].kind == OD_EVENT_BLOCK_WRITTEN && strcmp(explaining->found.code, "H5") == 0)
            return;
        od_buffer_print(explaining->text, "first decision that shows it (%s):\n", explaining->found.text);
        od_explain_event(explained, k - 1, explaining->text);
        return;
    }
}

static enum od_status print_explained(const struct explaining *explaining, struct od_explained *explained,
                                      struct od_error *error)
{
    struct od_place place = {0};
    struct od_buffer *text = explaining->text;
    OD_TRY(find_place(explained, &place, error));
    if (!place.found && !explained->is_calm_right && explained->trial != NULL)
        OD_TRY(od_explain_nodes(explained, &place, error));
    if (explained->trial == NULL)
        od_buffer_append_text(text, "\nexplanation\n");
    else
        od_buffer_print(text, "\nexplanation, of run %u of %u\n", explaining->run_index + 1, explained->trial->run_count);
    print_need(explaining, explained);
    if (place.found)
        od_buffer_print(text, "first difference%s: %s\n", place.may_vary ? ", which may be a whim" : "", place.text);
    else
        od_buffer_print(text, "first difference: %s\n",
                        !explained->is_calm_right ? "not known; every part of the query alone is right"
                        : explained->is_run_right && !explained->has_no_model
                            ? "none, the answer is what the model says"
                            : "none, all rows are what they are undisturbed");
    if (is_of_events(explaining->found.code))
        print_decision(explaining, explained);
    if (explaining->options->is_short)
        return OD_OK;
    OD_TRY(od_explain_rows(explained, text, error));
    return od_explain_timeline(explained, explaining->options->is_verbose, text, error);
}

static enum od_status explain_run(struct explaining *explaining, struct od_explained *explained, struct od_error *error)
{
    struct od_arena arena;
    od_arena_init(&arena, explained->memory, 64 * 1024);
    explained->arena = &arena;
    enum od_status status = run_traced(explained, false, &explained->calm_result, &explained->calm, error);
    if (status == OD_OK)
        status = run_traced(explained, true, &explained->run_result, &explained->run, error);
    if (status == OD_OK)
        status = expect(explained, error);
    if (status == OD_OK)
        status = judge(&arena, &explained->expected, &explained->calm_result, &explained->is_calm_right, error);
    if (status == OD_OK)
        status = judge(&arena, &explained->expected, &explained->run_result, &explained->is_run_right, error);
    if (status == OD_OK)
        status = print_explained(explaining, explained, error);
    od_cluster_result_release(&explained->calm_result);
    od_cluster_result_release(&explained->run_result);
    od_arena_release(&arena);
    return status;
}

enum od_status od_explain_query(struct od_memory *memory, const struct od_plan *plan, const struct od_cluster_request *request,
                                const struct od_finding *finding, const struct od_explain_options *options,
                                struct od_buffer *text, struct od_error *error)
{
    struct explaining explaining = {.options = options, .text = text, .found = *finding};
    struct od_explained explained = {.memory = memory, .plan = plan, .request = request};
    return explain_run(&explaining, &explained, error);
}

/* --- which run --------------------------------------------------------------------------------------------------- */

static enum od_status hold_against_model(struct explaining *explaining, const struct od_run_request *asked, bool *right_out,
                                         struct od_error *error)
{
    struct od_trial *trial = explaining->trial;
    struct od_expectation expected;
    struct od_arena arena;
    od_arena_init(&arena, trial->memory, 0);
    enum od_status status = od_expect_model(&arena, asked->plan, &expected, error);
    *right_out = true;
    if (status == OD_OK)
        status = judge(&arena, &expected, &trial->results[trial->run_count - 1], right_out, error);
    od_arena_release(&arena);
    return status == OD_UNSUPPORTED ? OD_OK : status;
}

static void on_run(void *self, const struct od_run_request *asked, const struct od_cluster_request *request)
{
    struct explaining *explaining = self;
    uint32_t index = explaining->trial->run_count - 1;
    bool is_right = true;
    if (explaining->status != OD_OK)
        return;
    struct od_explained explained = {.memory = explaining->trial->memory,
                                     .trial = explaining->trial,
                                     .plan = asked->plan,
                                     .asked = asked,
                                     .request = request};
    if (explaining->run_index == index)
        explaining->status = explain_run(explaining, &explained, &explaining->error);
    else if (explaining->run_index == NO_RUN && explaining->first_wrong == NO_RUN)
        explaining->status = hold_against_model(explaining, asked, &is_right, &explaining->error);
    if (!is_right)
        explaining->first_wrong = index;
}

static enum od_status run_again(struct explaining *explaining, struct od_error *error)
{
    struct od_choices choices;
    struct od_trial *trial = explaining->trial;
    od_choices_init(&choices, trial->memory);
    od_choices_from_bytes(&choices, explaining->options->choices, explaining->options->choices_bytes);
    trial->ran = on_run;
    trial->ran_self = explaining;
    enum od_status status = od_trial_run(trial, &choices, error);
    trial->ran = NULL;
    od_choices_release(&choices);
    if (status == OD_OK && explaining->status != OD_OK && error != NULL)
        *error = explaining->error;
    return status == OD_OK ? explaining->status : status;
}

/* *run_out: NO_RUN where nothing was run. */
static enum od_status choose_run(struct explaining *explaining, uint32_t *run_out, struct od_error *error)
{
    const struct od_trial *trial = explaining->trial;
    *run_out = NO_RUN;
    OD_TRY(run_again(explaining, error));
    explaining->found = trial->finding;
    bool is_last = explaining->first_wrong == NO_RUN || is_of_events(trial->finding.code);
    if (trial->run_count > 0)
        *run_out = is_last ? trial->run_count - 1 : explaining->first_wrong;
    return OD_OK;
}

enum od_status od_explain_case(struct od_trial *trial, const struct od_explain_options *options, struct od_buffer *text,
                               struct od_error *error)
{
    struct explaining explaining = {
        .trial = trial, .options = options, .text = text, .run_index = NO_RUN, .first_wrong = NO_RUN};
    uint32_t run_index;
    if (trial->guarded)
        return OD_OK;
    OD_TRY(choose_run(&explaining, &run_index, error));
    if (!trial->finding.found || run_index == NO_RUN)
        return OD_OK;
    explaining.run_index = run_index;
    return run_again(&explaining, error);
}

enum od_status od_explain_which(struct od_trial *trial, const struct od_explain_options *options, uint32_t *run_out,
                                struct od_error *error)
{
    struct explaining explaining = {.trial = trial, .options = options, .run_index = NO_RUN, .first_wrong = NO_RUN};
    OD_TRY(choose_run(&explaining, run_out, error));
    return *run_out != NO_RUN ? OD_OK : od_fail(error, OD_BAD_INPUT, "the case runs nothing");
}
