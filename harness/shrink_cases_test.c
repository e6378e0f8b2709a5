/* Goal: what a hunt saves is minimal, whatever the failure hangs on: rows that come in fours, one column
 * of many, the number of a message that other faults renumber, chance; with the draws, the engine and the
 * schedules of real trials.
 * Method: toy properties stand in for engine bugs, so that the smallest case is known; the first failures
 * of a stream of drawn cases are shrunk as a hunt does it, and all must come down to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "engine/core/hash.h"
#include "engine/world/posix.h"
#include "harness/trial.h"
#include "properties/case_print.h"
#include "properties/shrink.h"

#define FAILURES  12
#define CASES_MAX 20000

typedef enum od_status (*check)(const struct od_case *test_case, struct od_subject *subject,
                                struct od_finding *finding, struct od_error *error);

static struct od_trial trial; /* large */

/* --- toy properties --------------------------------------------------------------------------------- */

/* As a bug that loses the tail of a vector of rows: one row less hides it. */
static enum od_status check_lost_tail(const struct od_case *test_case, struct od_subject *subject,
                                      struct od_finding *finding, struct od_error *error)
{
    uint32_t row_count = od_table_row_count(test_case->tables[test_case->table_count - 1]);
    (void)subject;
    (void)error;
    if (row_count > 4 && row_count % 4 != 0)
        od_finding_set(finding, "T1", "%u rows", row_count);
    return OD_OK;
}

/* NULL in a column of texts: that column alone is needed, wherever it stood, and at most one that it takes
 * its type or pool from. */
static enum od_status check_null_text(const struct od_case *test_case, struct od_subject *subject,
                                      struct od_finding *finding, struct od_error *error)
{
    (void)subject;
    (void)error;
    for (uint32_t t = 0; t < test_case->table_count; t++) {
        struct od_batch rows = od_table_view(test_case->tables[t]);
        for (uint32_t c = 0; c < rows.schema->field_count; c++)
            for (uint32_t r = 0; r < rows.row_count; r++)
                if (rows.schema->fields[c].type == OD_TYPE_TEXT && od_column_is_null(&rows.columns[c], r))
                    od_finding_set(finding, "T2", "a NULL text");
    }
    return OD_OK;
}

/* Which counts of rows fail hangs on the cluster's seed: no row can go under the same seed. */
static enum od_status check_by_chance(const struct od_case *test_case, struct od_subject *subject,
                                      struct od_finding *finding, struct od_error *error)
{
    uint32_t row_count = od_table_row_count(test_case->tables[0]);
    (void)subject;
    (void)error;
    if (row_count >= 3 && od_mix_two(row_count, test_case->cluster.seed) % 8 == 0)
        od_finding_set(finding, "T3", "%u rows", row_count);
    return OD_OK;
}

static enum od_status run_disturbed(const struct od_case *test_case, struct od_subject *subject,
                                    struct od_observation *observation_out, struct od_error *error)
{
    const struct od_run_request request = {
        .plan = test_case->plan, .cluster = &test_case->cluster, .disturbed = true};
    return subject->run(subject->self, &request, observation_out, error);
}

/* A second attempt of a task was launched: one fault can bring that about. */
static enum od_status check_second_attempt(const struct od_case *test_case, struct od_subject *subject,
                                           struct od_finding *finding, struct od_error *error)
{
    struct od_observation observation = {0};
    enum od_status status = run_disturbed(test_case, subject, &observation, error);
    for (uint32_t i = 0; status == OD_OK && i < observation.event_count; i++)
        if (observation.events[i].kind == OD_EVENT_TASK_LAUNCHED && observation.events[i].site.attempt == 1)
            od_finding_set(finding, "T4", "a second attempt");
    return status;
}

/* A late one of many messages was disturbed in a query that still came to its end: other faults, which
 * bring more messages about, renumber it. */
static enum od_status check_late_message(const struct od_case *test_case, struct od_subject *subject,
                                         struct od_finding *finding, struct od_error *error)
{
    struct od_observation observation = {0};
    enum od_status status = run_disturbed(test_case, subject, &observation, error);
    uint32_t tasks_ended = 0;
    for (uint32_t i = 0; status == OD_OK && i < observation.event_count; i++) {
        const struct od_event *event = &observation.events[i];
        tasks_ended += event->kind == OD_EVENT_TASK_COMMITTED;
        if (event->kind == OD_EVENT_FAULT_FIRED && event->site.message_kind != OD_ANY && tasks_ended >= 1)
            od_finding_set(finding, "T5", "a late message");
    }
    return status;
}

/* --- shrinking -------------------------------------------------------------------------------------- */

static bool still_fails(void *self, struct od_choices *choices)
{
    return od_trial_run(&trial, choices, NULL) == OD_OK && trial.finding.found &&
           strcmp(trial.finding.code, self) == 0;
}

struct wanted {
    const char *name;
    check check;
    uint32_t rows;    /* of all tables */
    uint32_t columns; /* of all tables; 0: no matter */
    uint32_t faults;
};

/* Shrinks the failure in the trial, and leaves the shrunk case there. */
static void shrink(struct od_choices *choices)
{
    char code[8];
    uint8_t original[OD_CHOICES_LIMIT_BYTES];
    uint32_t original_bytes = od_choices_trimmed_bytes(choices);
    struct od_shrunk shrunk;
    memcpy(code, trial.finding.code, sizeof(code));
    memcpy(original, choices->bytes, original_bytes);
    const struct od_shrink_test test = {still_fails, code, NULL, OD_TRIAL_RESAMPLES};
    assert_int_equal(od_shrink(od_posix_memory(), original, original_bytes, &test, OD_TRIAL_EVALUATIONS_MAX,
                               &shrunk, NULL),
                     OD_OK);
    assert_true(shrunk.reproduced);
    assert_false(shrunk.exhausted);
    od_choices_from_bytes(choices, shrunk.bytes, shrunk.size);
    assert_true(still_fails(code, choices));
    od_shrunk_release(od_posix_memory(), &shrunk);
}

static void assert_minimal(const struct wanted *wanted, uint64_t case_index)
{
    uint32_t columns = 0, rows = od_case_row_count(&trial.test_case), faults = trial.schedule.fault_count;
    for (uint32_t i = 0; i < trial.test_case.table_count; i++)
        columns += trial.test_case.tables[i]->schema.field_count;
    if (rows > wanted->rows || faults > wanted->faults || (wanted->columns != 0 && columns > wanted->columns))
        fail_msg("%s, case %llu: %u rows, %u columns, %u faults are left", wanted->name,
                 (unsigned long long)case_index, rows, columns, faults);
}

static void all_shrink_to(const struct wanted *wanted)
{
    struct od_property property = od_properties[0];
    struct od_choices choices;
    uint32_t found = 0;
    property.check = wanted->check;
    od_trial_init(&trial, od_posix_memory());
    od_choices_init(&choices, od_posix_memory());
    trial.only = &property;
    for (uint64_t i = 0; found < FAILURES && i < CASES_MAX; i++) {
        od_choices_from_seed(&choices, i, wanted->name);
        assert_int_equal(od_trial_run(&trial, &choices, NULL), OD_OK);
        if (!trial.finding.found)
            continue;
        found++;
        shrink(&choices);
        assert_minimal(wanted, i);
    }
    assert_int_equal(found, FAILURES);
    od_trial_release(&trial);
    od_choices_release(&choices);
}

static void rows_in_fours(void **state)
{
    (void)state;
    all_shrink_to(&(struct wanted){"lost tail", check_lost_tail, 5, 1, 0});
}

static void one_column_of_many(void **state)
{
    (void)state;
    all_shrink_to(&(struct wanted){"null text", check_null_text, 2, 2, 0});
}

static void a_failure_by_chance(void **state)
{
    (void)state;
    all_shrink_to(&(struct wanted){"chance", check_by_chance, 3, 1, 0});
}

static void one_fault_is_enough(void **state)
{
    (void)state;
    all_shrink_to(&(struct wanted){"second attempt", check_second_attempt, 0, 0, 1});
}

static void messages_are_renumbered(void **state)
{
    (void)state;
    all_shrink_to(&(struct wanted){"late message", check_late_message, 0, 0, 1});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_in_fours),           cmocka_unit_test(one_column_of_many),
        cmocka_unit_test(a_failure_by_chance),     cmocka_unit_test(one_fault_is_enough),
        cmocka_unit_test(messages_are_renumbered),
    };
    return cmocka_run_group_tests_name("shrink cases", tests, NULL, NULL);
}
