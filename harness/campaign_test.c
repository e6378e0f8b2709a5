/* campaign_test: many cases over worker processes.
 * Goal: the digest depends on seed and number of cases alone, not on jobs nor shards; a failure is counted, shrunk, saved and replays; a
 *       case that kills or hangs its worker costs that case only and is told; unequal digests are told as our own bug.
 * Method: small campaigns with the real properties, and with toy ones handed in by `only`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/core/assert.h"
#include "engine/world/posix.h"
#include "harness/campaign.h"
#include "harness/file.h"
#include "harness/trial.h"
#include "properties/case_file.h"

static struct od_campaign_result result; /* large */
static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/ordeal-campaign-XXXXXX");
    return mkdtemp(directory) == NULL;
}

static int remove_directory(void **state)
{
    (void)state;
    return od_folder_remove(directory, NULL) != OD_OK;
}

static struct od_campaign_options options_for(uint64_t cases, uint32_t jobs)
{
    return (struct od_campaign_options){.seed = 5,
                                        .case_count = cases,
                                        .job_count = jobs,
                                        .shard_count = 1,
                                        .directory = directory,
                                        .shrink_ns = 2000000000u,
                                        .failures_shown_max = 2,
                                        .hang_ns = 60000000000u};
}

static void run(const struct od_campaign_options *options)
{
    struct od_error error = {0};
    if (od_campaign_run(options, &result, &error) != OD_OK)
        fail_msg("%s", error.text);
}

static void digest_does_not_depend_on_jobs(void **state)
{
    (void)state;
    struct od_campaign_options options = options_for(600, 1);
    run(&options);
    uint64_t digest = result.digest;
    assert_int_equal(result.case_count, 600);
    assert_int_equal(result.failure_count, 0);
    assert_true(result.disturbed_count > 100);
    options.job_count = 3;
    run(&options);
    assert_int_equal(result.case_count, 600);
    assert_true(result.digest == digest);
    options.seed = 6;
    run(&options);
    assert_true(result.digest != digest);
}

static void shards_add_up(void **state)
{
    (void)state;
    struct od_campaign_options options = options_for(301, 1);
    run(&options);
    uint64_t digest = result.digest;
    uint64_t sum = 0;
    uint64_t cases = 0;
    options.shard_count = 3;
    for (options.shard_index = 0; options.shard_index < 3; options.shard_index++) {
        run(&options);
        sum += result.digest;
        cases += result.case_count;
    }
    assert_int_equal(cases, 301);
    assert_true(sum == digest);
}

/* More cases than one worker takes at a time, for what was tried in some is known in their neighbours. */
static void exploring_does_not_depend_on_jobs(void **state)
{
    (void)state;
    struct od_campaign_options options = options_for(OD_CAMPAIGN_LINEAGE_CASES + 60, 1);
    options.exploration = OD_EXPLORE_LINEAGE;
    options.only = od_property_find("F1");
    options.faults_max = 2;
    options.runs_max = 3;
    run(&options);
    uint64_t digest = result.digest, explored = result.explored_count;
    assert_int_equal(result.case_count, OD_CAMPAIGN_LINEAGE_CASES + 60);
    assert_int_equal(result.failure_count, 0);
    assert_in_range(explored, 20, result.case_count / 2);
    assert_in_range(result.run_count, 2 * explored, 4 * explored);
    options.job_count = 2;
    run(&options);
    assert_true(result.digest == digest && result.explored_count == explored);
}

/* --- toy properties -------------------------------------------------------------------------------------------- */

/* Fails on cases with a row in the first table; the smallest such case has one row. */
static enum od_status check_no_rows(const struct od_case *test_case, struct od_subject *subject,
                                    struct od_finding *finding, struct od_error *error)
{
    (void)subject;
    (void)error;
    if (od_table_row_count(test_case->tables[0]) > 0)
        od_finding_set(finding, "T1", "there are rows");
    return OD_OK;
}

static uint32_t rows_of_nth_case(const struct od_case *test_case)
{
    return od_table_row_count(test_case->tables[0]);
}

static enum od_status check_dies(const struct od_case *test_case, struct od_subject *subject,
                                 struct od_finding *finding, struct od_error *error)
{
    (void)subject;
    (void)finding;
    (void)error;
    if (rows_of_nth_case(test_case) == 3)
        raise(SIGKILL);
    return OD_OK;
}

static uint32_t *died; /* shared with the workers */

static enum od_status check_dies_once(const struct od_case *test_case, struct od_subject *subject,
                                      struct od_finding *finding, struct od_error *error)
{
    (void)subject;
    (void)finding;
    (void)error;
    if (rows_of_nth_case(test_case) == 3 && (*died)++ == 0)
        raise(SIGKILL);
    return OD_OK;
}

static enum od_status check_asserts(const struct od_case *test_case, struct od_subject *subject,
                                    struct od_finding *finding, struct od_error *error)
{
    (void)subject;
    (void)finding;
    (void)error;
    od_assert(test_case == NULL);
    return OD_OK;
}

static enum od_status check_hangs(const struct od_case *test_case, struct od_subject *subject,
                                  struct od_finding *finding, struct od_error *error)
{
    (void)subject;
    (void)finding;
    (void)error;
    while (rows_of_nth_case(test_case) == 3)
        usleep(1000);
    return OD_OK;
}

/* Different each time: what a determinism bug looks like. */
static enum od_status check_wavers(const struct od_case *test_case, struct od_subject *subject,
                                   struct od_finding *finding, struct od_error *error)
{
    static uint64_t calls;
    struct od_observation observation;
    struct od_case_cluster cluster = test_case->cluster;
    cluster.seed += calls++;
    const struct od_run_request request = {.plan = test_case->plan, .cluster = &cluster};
    enum od_status status = subject->run(subject->self, &request, &observation, error);
    od_finding_set(finding, "T2", "fails always");
    return status;
}

/* Fails when something fired. */
static enum od_status check_undisturbed(const struct od_case *test_case, struct od_subject *subject,
                                        struct od_finding *finding, struct od_error *error)
{
    struct od_observation observation;
    const struct od_run_request request = {.plan = test_case->plan, .cluster = &test_case->cluster, .disturbed = true};
    OD_TRY(subject->run(subject->self, &request, &observation, error));
    if (observation.faults_fired > 0)
        od_finding_set(finding, "T3", "something happened");
    return OD_OK;
}

static struct od_property toy_property(enum od_status (*check)(const struct od_case *, struct od_subject *,
                                                               struct od_finding *, struct od_error *))
{
    struct od_property property = od_properties[0];
    property.check = check;
    return property;
}

static void failures_are_shrunk_and_saved(void **state)
{
    (void)state;
    struct od_property property = toy_property(check_no_rows);
    struct od_campaign_options options = options_for(60, 1);
    options.only = &property;
    run(&options);
    assert_in_range(result.failure_count, 3, 60);
    assert_int_equal(result.own_bug_count, 0);
    assert_int_equal(result.shown_count, 2); /* failures_shown_max */
    assert_string_equal(result.shown[0].code, "T1");
    struct od_case_file file;
    assert_int_equal(od_case_file_read(od_posix_memory(), result.shown[0].path, &file, NULL), OD_OK);
    assert_string_equal(file.found, "T1");
    assert_true(file.has_digest);
    assert_in_range(file.choices_bytes, 1, 64); /* one row */
    od_case_file_release(od_posix_memory(), &file);
}

static uint64_t cases_of(enum od_fault_kind kind, enum od_campaign_kind_count count)
{
    return result.kind_counts[kind][count];
}

/* Kinds are counted by what came of their cases. An aimed campaign draws no others, and says in the file what it drew. */
static void campaigns_are_aimed_at_kinds_of_faults(void **state)
{
    (void)state;
    struct od_property property = toy_property(check_undisturbed);
    struct od_campaign_options options = options_for(60, 1);
    struct od_fault_kinds kinds;
    uint64_t fired_count = 0;
    assert_int_equal(od_fault_kinds_parse("task.error_before,task.error_memory", &kinds, NULL), OD_OK);
    options.kinds = &kinds;
    run(&options);
    assert_int_equal(result.failure_count, 0);
    for (unsigned i = 0; i < OD_FAULT_KIND_COUNT; i++) {
        const uint64_t *counts = result.kind_counts[i];
        assert_int_equal(counts[OD_KIND_DRAWN] > 0, od_fault_kinds_has(&kinds, (enum od_fault_kind)i));
        assert_in_range(counts[OD_KIND_FIRED], 0, counts[OD_KIND_DRAWN]);
        assert_true(counts[OD_KIND_FIRED] == counts[OD_KIND_HELD] + counts[OD_KIND_FAILED] + counts[OD_KIND_VIOLATED]);
        fired_count += counts[OD_KIND_FIRED];
    }
    assert_in_range(fired_count, 30, 120);
    assert_true(cases_of(OD_FAULT_TASK_ERROR_BEFORE, OD_KIND_HELD) > 10);
    options.only = &property;
    run(&options);
    assert_true(cases_of(OD_FAULT_TASK_ERROR_BEFORE, OD_KIND_VIOLATED) > 10);
    assert_int_equal(cases_of(OD_FAULT_TASK_ERROR_BEFORE, OD_KIND_HELD), 0);
    assert_string_equal(result.shown[0].code, "T3");
    struct od_case_file file;
    assert_int_equal(od_case_file_read(od_posix_memory(), result.shown[0].path, &file, NULL), OD_OK);
    assert_non_null(file.schedule);
    assert_int_equal(strncmp(file.schedule, "task.error_", 11), 0);
    od_case_file_release(od_posix_memory(), &file);
}

/* Of the case with 3 rows, which dies: shrunk, saved with the digest of its death, and that is how it replays. */
static void a_dead_worker_costs_one_case(void **state)
{
    (void)state;
    static struct od_trial trial; /* large */
    struct od_property property = toy_property(check_dies);
    struct od_campaign_options options = options_for(150, 2);
    struct od_case_file file;
    struct od_choices choices;
    options.only = &property;
    run(&options);
    assert_int_equal(result.case_count, 150);
    assert_in_range(result.failure_count, 1, 149);
    assert_in_range(result.shown_count, 1, 4); /* failures_shown_max, of each of two jobs */
    assert_string_equal(result.shown[0].code, "crash");
    assert_non_null(strstr(result.shown[0].text, "signal 9"));
    assert_int_equal(od_case_file_read(od_posix_memory(), result.shown[0].path, &file, NULL), OD_OK);
    assert_string_equal(file.found, "crash");
    assert_true(file.has_digest);
    assert_in_range(file.choices_bytes, 1, 64); /* three rows and little else */
    od_trial_init(&trial, od_posix_memory());
    od_choices_init(&choices, od_posix_memory());
    od_choices_from_bytes(&choices, file.choices, file.choices_bytes);
    trial.only = &property;
    trial.guarded = true;
    assert_int_equal(od_trial_run(&trial, &choices, NULL), OD_OK);
    assert_true(od_trial_fails_with(&trial, "crash", file.digest));
    assert_false(od_trial_fails_with(&trial, "crash", file.digest + 1));
    assert_false(od_trial_fails_with(&trial, "T1", file.digest));
    od_choices_release(&choices);
    od_trial_release(&trial);
    od_case_file_release(od_posix_memory(), &file);
}

/* What others do to a process is told, and that it was not the case. */
static void a_worker_that_others_end_is_told(void **state)
{
    (void)state;
    struct od_property property = toy_property(check_dies_once);
    struct od_campaign_options options = options_for(60, 1);
    struct od_case_file file;
    options.only = &property;
    died = mmap(NULL, sizeof(*died), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(died != MAP_FAILED);
    run(&options);
    munmap(died, sizeof(*died));
    assert_int_equal(result.case_count, 60);
    assert_int_equal(result.failure_count, 1);
    assert_int_equal(result.shown_count, 1);
    assert_non_null(strstr(result.shown[0].text, ", and not again"));
    assert_int_equal(od_case_file_read(od_posix_memory(), result.shown[0].path, &file, NULL), OD_OK);
    assert_false(file.has_digest);
    od_case_file_release(od_posix_memory(), &file);
}

/* A process of its own changes nothing but who dies: the same finding and digest; an assertion's words are the finding. */
static void a_guard_changes_nothing_else(void **state)
{
    (void)state;
    static struct od_trial trial; /* large */
    struct od_property asserting = toy_property(check_asserts);
    struct od_choices choices;
    od_trial_init(&trial, od_posix_memory());
    od_choices_init(&choices, od_posix_memory());
    for (uint64_t seed = 0; seed < 20; seed++) {
        uint64_t digests[2];
        for (unsigned guarded = 0; guarded < 2; guarded++) {
            trial.guarded = guarded != 0;
            od_choices_from_seed(&choices, seed, "case");
            assert_int_equal(od_trial_run(&trial, &choices, NULL), OD_OK);
            assert_false(trial.finding.found);
            digests[guarded] = trial.digest;
        }
        assert_true(digests[0] == digests[1]);
    }
    trial.only = &asserting;
    od_choices_from_seed(&choices, 1, "case");
    assert_int_equal(od_trial_run(&trial, &choices, NULL), OD_OK);
    assert_string_equal(trial.finding.code, "crash");
    assert_non_null(strstr(trial.finding.text, "campaign_test.c:"));
    assert_non_null(strstr(trial.finding.text, ": assertion failed: test_case == NULL"));
    od_choices_release(&choices);
    od_trial_release(&trial);
}

static void a_hanging_case_is_ended(void **state)
{
    (void)state;
    struct od_property property = toy_property(check_hangs);
    struct od_campaign_options options = options_for(60, 1);
    options.only = &property;
    options.hang_ns = 100000000u;
    run(&options);
    assert_int_equal(result.case_count, 60);
    assert_in_range(result.failure_count, 1, 59);
    assert_string_equal(result.shown[0].code, "hang");
}

static void unequal_digests_are_our_bug(void **state)
{
    (void)state;
    struct od_property property = toy_property(check_wavers);
    struct od_campaign_options options = options_for(20, 1);
    options.only = &property;
    run(&options);
    assert_true(result.own_bug_count > 0);
    assert_true(result.shown[0].own_bug);
    assert_string_equal(result.shown[0].code, "F8");
}

static void time_ends_a_campaign(void **state)
{
    (void)state;
    struct od_campaign_options options = options_for(0, 1);
    options.time_ns = 200000000u;
    run(&options);
    assert_true(result.case_count > 0);
    assert_true(result.wall_ns >= options.time_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest_does_not_depend_on_jobs), cmocka_unit_test(shards_add_up),
        cmocka_unit_test(exploring_does_not_depend_on_jobs),
        cmocka_unit_test(failures_are_shrunk_and_saved),  cmocka_unit_test(a_dead_worker_costs_one_case),
        cmocka_unit_test(a_worker_that_others_end_is_told), cmocka_unit_test(a_guard_changes_nothing_else),
        cmocka_unit_test(a_hanging_case_is_ended),        cmocka_unit_test(unequal_digests_are_our_bug),
        cmocka_unit_test(time_ends_a_campaign),           cmocka_unit_test(campaigns_are_aimed_at_kinds_of_faults),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
