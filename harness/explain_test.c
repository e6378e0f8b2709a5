/* Goal: an explanation names the place at which rows go wrong, whatever sort of place it is, and never one where nothing is wrong.
 * Method: the events of a right run are changed as a bug would have changed them, one row of a table for each sort of bug, and the
 * place's words are compared; drawn cases of the real engine under their own schedules, whose answers are right, must have no
 * place at all; toy properties stand in for bugs of the whole; memory is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "engine/core/sweep.h"
#include "harness/explain.h"
#include "harness/explain_place.h"
#include "harness/small_query.h"
#include "properties/check_run.h"
#include "properties/render_sql.h"

#define QUIET_CASES 400

typedef enum od_status (*check_function)(const struct od_case *test_case, struct od_subject *subject,
                                         struct od_finding *finding, struct od_error *error);

/* --- places ------------------------------------------------------------------------------------------------------- */

/* A run that may be changed: everything in `arena`. */
struct changed {
    struct od_arena arena;
    struct od_small_query query;
    struct od_cluster_result calm_result;
    struct od_cluster_result result; /* a copy with events of its own */
    struct od_traced_run calm;
};

static void changed_init(struct changed *changed)
{
    *changed = (struct changed){0};
    od_arena_init(&changed->arena, od_posix_memory(), 0);
    od_small_query_make(&changed->query, OD_SMALL_QUERY);
    const struct od_cluster_request request = {.graph = changed->query.prepared.graph,
                                               .options = {.trace_operators = 1},
                                               .seed = 1,
                                               .keep_events = true};
    assert_int_equal(od_cluster_run(od_posix_memory(), &request, &changed->calm_result, NULL), OD_OK);
    assert_non_null(changed->calm_result.outcome.answer);
    assert_int_equal(
        od_traced_run_read(&changed->arena, request.graph, &changed->calm_result, &changed->calm, NULL), OD_OK);
}

static void changed_release(struct changed *changed)
{
    od_cluster_result_release(&changed->calm_result);
    od_small_query_release(&changed->query);
    od_arena_release(&changed->arena);
}

/* The calm events again, with room for one more. */
static void start_over(struct changed *changed)
{
    uint32_t count = changed->calm_result.event_count;
    changed->result = changed->calm_result;
    changed->result.events = od_arena_take_array(&changed->arena, count + 1, sizeof(struct od_event));
    assert_non_null(changed->result.events);
    memcpy(changed->result.events, changed->calm_result.events, count * sizeof(struct od_event));
}

static struct od_event *find_event(struct changed *changed, enum od_event_kind kind, uint32_t stage, uint32_t task)
{
    for (uint32_t i = 0; i < changed->result.event_count; i++) {
        struct od_event *event = &changed->result.events[i];
        if (event->kind == kind && event->site.stage == stage && event->site.task == task)
            return event;
    }
    fail_msg("no event %s of task %u.%u", od_event_text(kind), stage, task);
    return NULL;
}

static void remove_event(struct changed *changed, struct od_event *event)
{
    uint32_t index = (uint32_t)(event - changed->result.events);
    changed->result.event_count--;
    memmove(event, event + 1, (changed->result.event_count - index) * sizeof(*event));
}

/* All that task 0 of a stage puts out, from the position'th operator on, is one row less, and so is what is read of it. */
static void lose_row_from(struct changed *changed, uint32_t stage, uint32_t position)
{
    uint32_t last = changed->calm.graph->stages[stage].root->node_index + position;
    uint32_t partition = find_event(changed, OD_EVENT_BLOCK_WRITTEN, stage, 0)->site.partition;
    for (uint32_t i = 0; i < changed->result.event_count; i++) {
        struct od_event *event = &changed->result.events[i];
        bool is_its = event->site.stage == stage && event->site.task == 0;
        bool is_read = event->kind == OD_EVENT_BLOCK_CONSUMED && event->source_stage == stage && event->source_task == 0;
        bool is_block = (is_its && event->kind == OD_EVENT_BLOCK_WRITTEN) || is_read;
        bool is_above = is_its && event->kind == OD_EVENT_OPERATOR_OUTPUT && event->value <= last;
        if (is_above || (is_block && event->site.partition == partition) || (is_its && event->kind == OD_EVENT_TASK_OUTPUT))
            event->rows--;
    }
}

static void change_nothing(struct changed *changed)
{
    (void)changed;
}
static void change_operator(struct changed *changed)
{
    lose_row_from(changed, 2, 0);
}
static void change_leaf(struct changed *changed)
{
    lose_row_from(changed, 2, od_physical_count(changed->calm.graph->stages[2].root) - 1);
}
static void change_value(struct changed *changed)
{
    lose_row_from(changed, 0, 0);
    for (uint32_t i = 0; i < changed->result.event_count; i++)
        if (changed->result.events[i].rows != changed->calm_result.events[i].rows) {
            changed->result.events[i].rows++;
            changed->result.events[i].checksum.low++;
        }
}
static void change_written(struct changed *changed)
{
    find_event(changed, OD_EVENT_BLOCK_WRITTEN, 0, 0)->rows--;
}
static void change_taken(struct changed *changed)
{
    find_event(changed, OD_EVENT_TASK_OUTPUT, 0, 0)->rows--;
    find_event(changed, OD_EVENT_BLOCK_WRITTEN, 0, 0)->rows--;
}
static void change_read(struct changed *changed)
{
    find_event(changed, OD_EVENT_BLOCK_CONSUMED, 2, 0)->rows--;
}
static void change_unread(struct changed *changed)
{
    remove_event(changed, find_event(changed, OD_EVENT_BLOCK_CONSUMED, 2, 0));
    lose_row_from(changed, 2, 0);
}
static void change_number(struct changed *changed)
{
    struct od_event again = *find_event(changed, OD_EVENT_TASK_LAUNCHED, 1, 0);
    again.value++;
    changed->result.events[changed->result.event_count++] = again;
}
static void change_uncommitted(struct changed *changed)
{
    remove_event(changed, find_event(changed, OD_EVENT_TASK_COMMITTED, 1, 0));
}
static void change_early(struct changed *changed)
{
    struct od_event *late = find_event(changed, OD_EVENT_TASK_COMMITTED, 1, 0);
    struct od_event *done = find_event(changed, OD_EVENT_STAGE_COMPLETED, 1, OD_ANY);
    struct od_event commit = *late;
    changed->result.events[changed->result.event_count++] = commit;
    remove_event(changed, done);
    remove_event(changed, late);
}
static void change_answer(struct changed *changed)
{
    for (uint32_t i = 0; i < changed->result.event_count; i++) {
        struct od_event *event = &changed->result.events[i];
        if (event->kind == OD_EVENT_BLOCK_CONSUMED && event->site.stage == OD_ANY)
            remove_event(changed, event);
    }
}

static void change_endless(struct changed *changed)
{
    changed->result.ended = false;
    changed->result.outcome.answer = NULL;
    remove_event(changed, find_event(changed, OD_EVENT_TASK_COMMITTED, 1, 0));
    remove_event(changed, find_event(changed, OD_EVENT_STAGE_COMPLETED, 1, OD_ANY));
    for (uint32_t i = 0; i < changed->result.event_count; i++) /* nobody reads it then */
        if (changed->result.events[i].kind == OD_EVENT_TASK_LAUNCHED && changed->result.events[i].site.stage == 2)
            remove_event(changed, &changed->result.events[i--]);
}
static void change_unlaunched(struct changed *changed)
{
    change_endless(changed);
    remove_event(changed, find_event(changed, OD_EVENT_TASK_LAUNCHED, 1, 0));
}
static void change_uncounted(struct changed *changed)
{
    changed->result.ended = false;
    changed->result.outcome.answer = NULL;
    remove_event(changed, find_event(changed, OD_EVENT_STAGE_COMPLETED, 0, OD_ANY));
}
static void change_failed(struct changed *changed)
{
    struct od_event *last = &changed->result.events[changed->result.event_count - 1];
    changed->result.outcome.answer = NULL;
    changed->result.outcome.status = OD_RETRIES_EXHAUSTED;
    *last = *find_event(changed, OD_EVENT_BLOCK_CONSUMED, 2, 0);
    last->kind = OD_EVENT_BLOCK_BAD;
    last->value = OD_CORRUPT;
    changed->result.events[changed->result.event_count] = *last;
    changed->result.events[changed->result.event_count].kind = OD_EVENT_TASK_FAILED;
    changed->result.event_count++;
}

static void places_are_named(void **state)
{
    static const struct {
        const char *name;
        void (*change)(struct changed *changed);
        const char *text; /* NULL: no place */
    } rows[] = {
        {"nothing", change_nothing, NULL},
        {"root", change_operator, "task 2.0 attempt 0, executor"},
        {"root's words", change_operator, "; its inputs are equal"},
        {"leaf", change_leaf, ": exchange read (node"},
        {"value", change_value, "as many as undisturbed, but other ones"},
        {"written", change_written, "the exchange's writer took"},
        {"taken", change_taken, "put out"},
        {"read", change_read, "was written with"},
        {"unread", change_unread, "task 2.0 attempt 0, executor"},
        {"unread's words", change_unread, " read of task "},
        {"number", change_number, "the number of task 1.0 attempt 0 was used twice: in generation 0 and in generation 1"},
        {"uncommitted", change_uncommitted, "stage 1 was taken for completed at "},
        {"early", change_early, ", and task 1.0, which it reads, had not been committed"},
        {"answer", change_answer, "the driver read"},
        {"endless", change_endless, "stage 1 stands still"},
        {"endless task", change_endless, "succeeded, and was not committed"},
        {"unlaunched", change_unlaunched, "task 1.0 was never launched"},
        {"uncounted", change_uncounted, "and yet the driver never took it for completed"},
        {"failed", change_failed, "task 2.0 failed 1 times"},
        {"failed of", change_failed, "whose output was corrupt and was never computed again"},
    };
    struct changed changed;
    (void)state;
    changed_init(&changed);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_place place = {0};
        struct od_traced_run run;
        start_over(&changed);
        rows[i].change(&changed);
        assert_int_equal(od_traced_run_read(&changed.arena, changed.calm.graph, &changed.result, &run, NULL), OD_OK);
        od_place_completions(&run, &place);
        if (!place.found && changed.result.outcome.answer == NULL)
            od_place_standstill(&run, &place);
        if (!place.found)
            assert_int_equal(od_place_balance(&run, &place, NULL), OD_OK);
        if (!place.found)
            assert_int_equal(od_place_compare(&changed.calm, &run, &place, NULL), OD_OK);
        if (place.found != (rows[i].text != NULL) || (place.found && strstr(place.text, rows[i].text) == NULL))
            fail_msg("%s: \"%s\", expected \"%s\"", rows[i].name, place.text, rows[i].text == NULL ? "" : rows[i].text);
    }
    changed_release(&changed);
}

/* --- no place where nothing is wrong -------------------------------------------------------------------------------- */

static struct od_trial trial; /* large */
static uint32_t compared;
static uint32_t disturbed_count;

static void run_traced(const struct od_cluster_request *request, struct od_arena *arena, bool is_disturbed,
                       struct od_cluster_result *result, struct od_traced_run *run)
{
    struct od_cluster_request again = *request;
    again.options.trace_operators = 1;
    again.keep_events = true;
    again.schedule = is_disturbed ? request->schedule : NULL;
    assert_int_equal(od_cluster_run(od_posix_memory(), &again, result, NULL), OD_OK);
    assert_int_equal(od_traced_run_read(arena, request->graph, result, run, NULL), OD_OK);
}

static void assert_no_place(void *self, const struct od_run_request *asked, const struct od_cluster_request *request)
{
    struct od_arena arena;
    struct od_cluster_result calm_result;
    struct od_cluster_result result;
    struct od_traced_run calm;
    struct od_traced_run run;
    (void)self;
    (void)asked;
    od_arena_init(&arena, od_posix_memory(), 0);
    run_traced(request, &arena, false, &calm_result, &calm);
    run_traced(request, &arena, true, &result, &run);
    assert_true(result.digest == trial.results[trial.run_count - 1].digest); /* to be told of changes nothing */
    for (uint32_t i = 0; i < trial.results[trial.run_count - 1].event_count; i++) /* told only where it is asked for */
        assert_int_not_equal(trial.results[trial.run_count - 1].events[i].kind, OD_EVENT_OPERATOR_OUTPUT);
    if (calm_result.outcome.answer != NULL && result.outcome.answer != NULL) {
        struct od_place place = {0};
        od_place_completions(&run, &place);
        if (!place.found)
            assert_int_equal(od_place_balance(&run, &place, NULL), OD_OK);
        if (!place.found)
            assert_int_equal(od_place_compare(&calm, &run, &place, NULL), OD_OK);
        if (place.found && !place.may_vary)
            fail_msg("case of %s: %s", trial.test_case.property->code, place.text);
        compared++;
        disturbed_count += result.faults_fired > 0;
    }
    od_cluster_result_release(&calm_result);
    od_cluster_result_release(&result);
    od_arena_release(&arena);
}

static void right_runs_have_no_place(void **state)
{
    struct od_choices choices;
    (void)state;
    od_trial_init(&trial, od_posix_memory());
    od_choices_init(&choices, od_posix_memory());
    trial.ran = assert_no_place;
    for (uint64_t i = 0; i < QUIET_CASES; i++) {
        od_choices_from_seed(&choices, i, "quiet");
        assert_int_equal(od_trial_run(&trial, &choices, NULL), OD_OK);
        assert_false(trial.finding.found);
    }
    assert_true(compared > QUIET_CASES / 2);
    assert_true(disturbed_count > QUIET_CASES / 8);
    od_trial_release(&trial);
    od_choices_release(&choices);
}

/* --- the whole ------------------------------------------------------------------------------------------------------ */

static enum od_status run_case(const struct od_case *test_case, struct od_subject *subject, bool disturbed, const char *sql,
                               struct od_observation *observation, struct od_error *error)
{
    struct od_case_cluster cluster = test_case->cluster;
    const struct od_run_request request = {
        .plan = test_case->plan, .sql = sql, .cluster = &cluster, .disturbed = disturbed};
    cluster.via_sql = sql != NULL;
    return subject->run(subject->self, &request, observation, error);
}

/* Finds fault with right runs: an undisturbed one, and then one in which a task was retried. */
static enum od_status dislike_retries(const struct od_case *test_case, struct od_subject *subject, struct od_finding *finding,
                                      struct od_error *error)
{
    struct od_observation observation;
    OD_TRY(run_case(test_case, subject, false, NULL, &observation, error));
    OD_TRY(run_case(test_case, subject, true, NULL, &observation, error));
    for (uint32_t i = 0; i < observation.event_count; i++)
        if (observation.events[i].kind == OD_EVENT_TASK_RETRIED && observation.status == OD_OK)
            od_finding_set(finding, "F1", "a task was retried");
    return OD_OK;
}

/* Its statement is not its plan: the answer has one row less, as it has of an engine that is wrong without any fault. */
static enum od_status lose_a_row(const struct od_case *test_case, struct od_subject *subject, struct od_finding *finding,
                                 struct od_error *error)
{
    struct od_observation observation = {0};
    struct od_arena arena;
    struct od_expectation expected;
    const char *sql = NULL;
    od_arena_init(&arena, test_case->memory, 0);
    enum od_status status = od_render_sql(&arena, test_case->plan, OD_DIALECT_ENGINE, &sql, error);
    if (status == OD_OK)
        sql = od_arena_print(&arena, "SELECT * FROM (%s) AS cut LIMIT 1", sql);
    if (status == OD_OK)
        status = run_case(test_case, subject, true, sql, &observation, error);
    if (status == OD_OK)
        status = od_expect_model(&arena, test_case->plan, &expected, error);
    if (status == OD_OK && expected.status == OD_OK && observation.status == OD_OK && expected.answer.row_count == 2 &&
        test_case->plan->kind == OD_PLAN_FILTER)
        od_finding_set(finding, "F1", "rows are missing");
    od_arena_release(&arena);
    return status;
}

/* The first case that the check fails. */
static void find_case(const struct od_property *property, struct od_memory *memory, struct od_choices *choices)
{
    od_trial_init(&trial, memory);
    od_choices_init(choices, memory);
    trial.only = property;
    do {
        static uint64_t seed;
        od_choices_from_seed(choices, seed++, "explained");
        assert_int_equal(od_trial_run(&trial, choices, NULL), OD_OK);
    } while (!trial.finding.found);
}

static void assert_explained(check_function check, const char *const *texts)
{
    struct od_property property = od_properties[0];
    struct od_choices choices;
    struct od_buffer text[2];
    property.check = check;
    find_case(&property, od_posix_memory(), &choices);
    uint64_t digest = trial.digest;
    const struct od_explain_options options = {.choices = choices.bytes, .choices_bytes = od_choices_trimmed_bytes(&choices)};
    for (int i = 0; i < 2; i++) {
        od_buffer_init(&text[i], od_posix_memory());
        assert_int_equal(od_explain_case(&trial, &options, &text[i], NULL), OD_OK);
        assert_true(trial.finding.found);
        assert_true(trial.digest == digest);
    }
    assert_string_equal(od_buffer_text(&text[0]), od_buffer_text(&text[1]));
    for (; *texts != NULL; texts++)
        if (strstr(od_buffer_text(&text[0]), *texts) == NULL)
            fail_msg("expected \"%s\" in:\n%s", *texts, od_buffer_text(&text[0]));
    od_buffer_release(&text[0]);
    od_buffer_release(&text[1]);
    od_trial_release(&trial);
    od_choices_release(&choices);
}

static void what_faults_do_is_told(void **state)
{
    static const char *const texts[] = {"explanation, of run 2 of 2\n", "without faults: the right answer\n",
                                        "first difference: none, the answer is what the model says\n", "*** fault ", ": retried: ",
                                        "what happened (", " driver: query ended: ok\n", NULL};
    (void)state;
    assert_explained(dislike_retries, texts);
}

static void wrong_rows_are_told(void **state)
{
    static const char *const texts[] = {"explanation, of run 1 of 1\n", "no fault is needed\n",
                                        "first difference: not known; every part of the query alone is right\n",
                                        "wrong rows: 1 missing, 0 too many\n  1 missing  (", NULL};
    (void)state;
    assert_explained(lose_a_row, texts);
}

/* Every so many allocations: there are thousands. */
static void memory_is_refused(void **state)
{
    struct od_property property = od_properties[0];
    struct od_choices choices;
    uint8_t bytes[OD_CHOICES_LIMIT_BYTES];
    (void)state;
    property.check = dislike_retries;
    find_case(&property, od_posix_memory(), &choices);
    const struct od_explain_options options = {.choices = bytes, .choices_bytes = od_choices_trimmed_bytes(&choices)};
    memcpy(bytes, choices.bytes, options.choices_bytes);
    od_trial_release(&trial);
    od_choices_release(&choices);
    for (uint64_t k = 0; k < 100000; k += 1 + k / 8) {
        struct od_countdown countdown;
        struct od_buffer text;
        od_countdown_init(&countdown, od_posix_memory(), k, k % 2 == 0);
        od_trial_init(&trial, &countdown.memory);
        od_buffer_init(&text, &countdown.memory);
        trial.only = &property;
        enum od_status status = od_explain_case(&trial, &options, &text, NULL);
        assert_true(status == OD_OK || (status == OD_NO_MEMORY && countdown.refused_count > 0));
        od_buffer_release(&text);
        od_trial_release(&trial);
        assert_true(countdown.live_block_count == 0);
        if (countdown.refused_count == 0)
            return;
    }
    fail_msg("memory was refused to the end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_named),
        cmocka_unit_test(right_runs_have_no_place), cmocka_unit_test(what_faults_do_is_told),
        cmocka_unit_test(wrong_rows_are_told),      cmocka_unit_test(memory_is_refused),
    };
    return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
