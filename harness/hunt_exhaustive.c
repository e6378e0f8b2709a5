/* hunt_exhaustive: every single fault, or every pair, on every query of the scenarios that are named, or on drawn cases; then the table
 * of what was tried and what came of it.
 *
 *   scenario -> its tables, cut down -> each query: subject -> od_exhaustive_explore --+
 *   drawn case (property F1) ------------------> subject -> od_exhaustive_explore --+--> one coverage -> table, JSON, cases */
#include "harness/hunt_exhaustive.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/world/posix.h"
#include "harness/campaign_worker.h"
#include "harness/case_save.h"
#include "harness/exit_status.h"
#include "harness/explore_queries.h"
#include "harness/explore_table.h"
#include "harness/file.h"
#include "properties/property_list.h"
#include "reports/terminal.h"

#define SECOND_NS     UINT64_C(1000000000)
#define SINGLES_MAX   20000
#define PAIRS_MAX     10000
#define SAVED_MAX     3 /* failures of one code of one query that are saved */

struct hunt {
    const struct od_arguments *arguments;
    struct od_exhaustive_options options;
    struct od_coverage *coverage;
    const char *directory;
    uint64_t seed;
    uint64_t rows_max; /* 0: the sizes in turn */
    uint64_t case_count;
    uint64_t until_ns; /* 0: no bound */
    uint64_t started_ns;
    struct od_terminal terminal;
    struct od_progress progress;
    char subject_name[160];
    uint32_t subject_count; /* begun */
    uint64_t done;          /* runs of the subjects before */
    uint64_t answerless;    /* drawn cases without an answer */
    uint64_t wrong_undisturbed;
    uint32_t noted;    /* failures that have been told */
    uint64_t told;     /* of them: saved, with a path */
    json_t *subjects;  /* owned */
    json_t *failures;  /* owned */
};

static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static bool go_on(void *self, uint64_t run_count)
{
    struct hunt *hunt = self;
    uint64_t failed = atomic_load(&hunt->coverage->violated[0]) + atomic_load(&hunt->coverage->violated[1]);
    od_progress_step(&hunt->progress, hunt->done + run_count, failed, hunt->subject_name);
    return !interrupted && (hunt->until_ns == 0 || od_campaign_now_ns() < hunt->until_ns);
}

/* --- failures ----------------------------------------------------------------------------------------------------- */

/* How a failure becomes a file; what it was found on. */
struct origin {
    const struct od_explore_source *source; /* NULL: a drawn case */
    const struct od_choices *choices;
};

static enum od_status save(const struct hunt *hunt, const struct origin *origin, const struct od_coverage_failure *failure, char *path,
                           size_t path_size, struct od_error *error)
{
    const struct od_schedule schedule = {.fault_count = failure->fault_count, .faults = failure->faults};
    if (origin->source != NULL) {
        struct od_explore_case file = {
            .has_digest = failure->digest != 0, .digest = failure->digest, .source = *origin->source, .schedule = schedule};
        snprintf(file.found, sizeof(file.found), "%s", failure->code);
        return od_explore_case_save(hunt->directory, &file, failure->text, path, path_size, error);
    }
    const struct od_failing_case failing = {.choices = origin->choices->bytes,
                                            .choice_bytes = od_choices_trimmed_bytes(origin->choices),
                                            .schedule = &schedule,
                                            .only = od_property_find("F1"),
                                            .code = failure->code};
    return od_case_save(hunt->directory, od_posix_memory(), &failing, failure->digest != 0, path, path_size, error);
}

static enum od_status tell(struct hunt *hunt, const struct origin *origin, const struct od_coverage_failure *failure, bool saves,
                           struct od_error *error)
{
    char path[4200] = "";
    if (saves)
        OD_TRY(save(hunt, origin, failure, path, sizeof(path), error));
    od_progress_end(&hunt->progress);
    if (saves)
        fprintf(stderr, "%s in %s: %s\n    ordeal replay %s\n", failure->code, hunt->subject_name, failure->text, path);
    hunt->told += saves;
    json_array_append_new(hunt->failures, json_pack("{ss ss ss ss?}", "code", failure->code, "subject", hunt->subject_name, "text",
                                                    failure->text, "file", saves ? path : NULL));
    return OD_OK;
}

static int compare_failures(const struct od_coverage_failure *left, const struct od_coverage_failure *right)
{
    if (left->fault_count != right->fault_count)
        return left->fault_count < right->fault_count ? -1 : 1;
    return left->order < right->order ? -1 : left->order > right->order;
}

/* The newest ones, by number of faults: workers note them as they come. Few, so the simplest sort will do. */
static void sort_failures(struct od_coverage_failure *failures, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct od_coverage_failure failure = failures[i];
        uint32_t at = i;
        for (; at > 0 && compare_failures(&failures[at - 1], &failure) > 0; at--)
            failures[at] = failures[at - 1];
        failures[at] = failure;
    }
}

static enum od_status tell_all(struct hunt *hunt, const struct origin *origin, struct od_error *error)
{
    uint32_t count = atomic_load(&hunt->coverage->failure_count);
    count = count < OD_COVERAGE_FAILURES_MAX ? count : OD_COVERAGE_FAILURES_MAX;
    struct od_coverage_failure *first = &hunt->coverage->failures[hunt->noted];
    count -= hunt->noted;
    sort_failures(first, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t like_it = 0;
        for (uint32_t k = 0; k < i; k++)
            like_it += strcmp(first[k].code, first[i].code) == 0;
        OD_TRY(tell(hunt, origin, &first[i], like_it < SAVED_MAX, error));
    }
    hunt->noted += count;
    return OD_OK;
}

/* --- subjects ----------------------------------------------------------------------------------------------------- */

static enum od_status explore(struct hunt *hunt, const struct od_explore_subject *subject, const struct origin *origin, uint64_t rows_max,
                              struct od_error *error)
{
    const struct od_explore_run *undisturbed = &subject->undisturbed;
    const struct od_coverage *coverage = hunt->coverage;
    uint64_t before[2] = {atomic_load(&coverage->runs[0]), atomic_load(&coverage->runs[1])};
    snprintf(hunt->subject_name, sizeof(hunt->subject_name), "%s", subject->name);
    hunt->subject_count++;
    if (undisturbed->verdict == OD_EXPLORE_VIOLATED) {
        struct od_coverage_failure failure = {.digest = undisturbed->result.digest};
        snprintf(failure.code, sizeof(failure.code), "%s", undisturbed->finding.code);
        snprintf(failure.text, sizeof(failure.text), "%.299s", undisturbed->finding.text);
        hunt->wrong_undisturbed++;
        return tell(hunt, origin, &failure, true, error);
    }
    hunt->done = before[0] + before[1];
    OD_TRY(od_exhaustive_explore(&hunt->options, subject, hunt->subject_count - 1, hunt->coverage, error));
    json_array_append_new(
        hunt->subjects,
        json_pack("{ss sI sI sI sI ss}", "name", subject->name, "rows", (json_int_t)rows_max, "answer_rows",
                  (json_int_t)undisturbed->result.outcome.answer->rows.row_count, "single_runs",
                  (json_int_t)(atomic_load(&coverage->runs[0]) - before[0]), "pair_runs",
                  (json_int_t)(atomic_load(&coverage->runs[1]) - before[1]), "oracle", subject->oracle));
    return tell_all(hunt, origin, error);
}

static enum od_status explore_queries(struct hunt *hunt, struct od_explore_queries *queries, struct od_error *error)
{
    enum od_status status = OD_OK;
    uint32_t count = od_explore_queries_count(queries);
    for (uint32_t i = 0; i < count && status == OD_OK && !hunt->coverage->is_cut; i++) {
        struct od_explore_subject subject = {0};
        struct od_explore_source source;
        OD_TRY(od_explore_queries_open_one(queries, i, &subject, &source, error));
        status = explore(hunt, &subject, &(struct origin){.source = &source}, source.rows_max, error);
        od_explore_release(&subject);
    }
    return status;
}

static enum od_status explore_scenario(struct hunt *hunt, const char *path, struct od_error *error)
{
    struct od_explore_queries queries;
    const uint64_t *seed = od_arguments_has(hunt->arguments, "seed") ? &hunt->seed : NULL;
    OD_TRY(od_explore_queries_open(&queries, path, hunt->rows_max, seed, error));
    enum od_status status = explore_queries(hunt, &queries, error);
    od_explore_queries_close(&queries);
    return status;
}

static enum od_status explore_case(struct hunt *hunt, struct od_trial *trial, struct od_choices *choices, uint64_t index,
                                   struct od_error *error)
{
    char name[40];
    struct od_explore_subject subject = {0};
    snprintf(name, sizeof(name), "case %llu", (unsigned long long)index);
    od_choices_from_seed(choices, od_mix_two(hunt->seed, index), "case");
    OD_TRY(od_trial_draw(trial, choices, error));
    OD_TRY(od_explore_open_case(&subject, od_posix_memory(), trial, name, error));
    enum od_status status = OD_OK;
    if (subject.undisturbed.verdict == OD_EXPLORE_PROMISED)
        hunt->answerless++;
    else
        status = explore(hunt, &subject, &(struct origin){.choices = choices}, 0, error);
    od_explore_release(&subject);
    return status;
}

static enum od_status explore_cases(struct hunt *hunt, struct od_error *error)
{
    static struct od_trial trial; /* too large for a stack */
    struct od_choices choices;
    od_trial_init(&trial, od_posix_memory());
    trial.only = od_property_find("F1");
    od_choices_init(&choices, od_posix_memory());
    enum od_status status = OD_OK;
    for (uint64_t i = 0; (hunt->case_count == 0 || i < hunt->case_count) && status == OD_OK && !hunt->coverage->is_cut; i++)
        status = explore_case(hunt, &trial, &choices, i, error);
    od_choices_release(&choices);
    od_trial_release(&trial);
    return status;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static enum od_status read_options(struct hunt *hunt, struct od_error *error)
{
    const struct od_arguments *arguments = hunt->arguments;
    uint64_t depth = 1;
    uint64_t jobs = 1;
    uint64_t time_ns = 0;
    static const char *const others[] = {"property", "sql", "oracle", "refusals", "shard", "case", "deploy"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (od_arguments_has(arguments, others[i]))
            return od_fail(error, OD_BAD_INPUT, "ordeal hunt: --%s: not with --explore exhaustive", others[i]);
    hunt->directory = od_arguments_text(arguments, "out", "ordeal-out/hunt");
    hunt->options = (struct od_exhaustive_options){
        .singles_max = SINGLES_MAX, .pairs_max = PAIRS_MAX, .hang_ns = 60 * SECOND_NS, .go_on = go_on, .self = hunt};
    hunt->seed = od_arguments_has(arguments, "seed") ? 0 : od_posix_seed();
    OD_TRY(od_arguments_number(arguments, "seed", 0, UINT64_MAX, &hunt->seed, error));
    OD_TRY(od_arguments_number(arguments, "depth", 1, 2, &depth, error));
    OD_TRY(od_arguments_number(arguments, "rows", 1, UINT32_MAX, &hunt->rows_max, error));
    OD_TRY(od_arguments_number(arguments, "singles", 1, 100000000, &hunt->options.singles_max, error));
    OD_TRY(od_arguments_number(arguments, "pairs", 1, 100000000, &hunt->options.pairs_max, error));
    OD_TRY(od_arguments_number(arguments, "jobs", 1, OD_CAMPAIGN_JOBS_MAX, &jobs, error));
    OD_TRY(od_arguments_number(arguments, "cases", 1, UINT64_MAX, &hunt->case_count, error));
    OD_TRY(od_arguments_duration(arguments, "time", &time_ns, error));
    if (arguments->positional_count > 0 && hunt->case_count != 0)
        return od_fail(error, OD_BAD_INPUT, "ordeal hunt: --cases: drawn cases and scenarios are explored one or the other");
    if (arguments->positional_count == 0 && hunt->case_count == 0 && time_ns == 0)
        time_ns = 60 * SECOND_NS;
    hunt->options.depth = (uint32_t)depth;
    hunt->options.job_count = (uint32_t)jobs;
    hunt->started_ns = od_campaign_now_ns();
    hunt->until_ns = time_ns == 0 ? 0 : hunt->started_ns + time_ns;
    return OD_OK;
}

static uint64_t run_count(const struct hunt *hunt)
{
    return atomic_load(&hunt->coverage->runs[0]) + atomic_load(&hunt->coverage->runs[1]);
}

static uint64_t failure_count(const struct hunt *hunt)
{
    return hunt->wrong_undisturbed + atomic_load(&hunt->coverage->violated[0]) + atomic_load(&hunt->coverage->violated[1]);
}

static double rate_per_core(const struct hunt *hunt, double seconds)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    double used = hunt->options.job_count < (uint32_t)cores ? hunt->options.job_count : (double)cores;
    return seconds > 0 ? (double)run_count(hunt) / seconds / used : 0;
}

static void print_result(const struct hunt *hunt, double seconds, FILE *stream)
{
    const struct od_coverage *coverage = hunt->coverage;
    uint32_t unexplained = 0;
    uint32_t gaps = od_coverage_gaps(coverage, &unexplained);
    od_coverage_print(coverage, hunt->options.depth, stream);
    fprintf(stream, "\n%llu queries explored%s, %llu of them with an answer without rows",
            (unsigned long long)coverage->subject_count, coverage->is_cut ? " to the end" : "", (unsigned long long)coverage->empty_count);
    if (hunt->answerless > 0)
        fprintf(stream, "; %llu more have no answer", (unsigned long long)hunt->answerless);
    fprintf(stream, "\n");
    od_coverage_print_bounds(coverage, hunt->options.depth, stream);
    fprintf(stream, "gaps: %u, without explanation %u\n", gaps, unexplained);
    if (coverage->is_cut)
        fprintf(stream, "ended before everything was explored\n");
    if (failure_count(hunt) > hunt->told)
        fprintf(stream, "%llu more failures of the same properties were counted and not saved\n",
                (unsigned long long)(failure_count(hunt) - hunt->told));
    fprintf(stream, "seed %llu, %u job%s, %.1f s, virtual time %.0f x real\n", (unsigned long long)hunt->seed, hunt->options.job_count,
            hunt->options.job_count == 1 ? "" : "s", seconds,
            seconds > 0 ? (double)atomic_load(&coverage->virtual_ns) / 1e9 / seconds : 0);
    fprintf(stream, "cases %llu, failures %llu, %.0f cases/s/core\n", (unsigned long long)run_count(hunt),
            (unsigned long long)failure_count(hunt), rate_per_core(hunt, seconds));
    fprintf(stream, "campaign digest %016llx\n", (unsigned long long)atomic_load(&coverage->digest));
}

/* The table as DIR/coverage.json, and on standard output where it is asked for. */
static enum od_status write_json(struct hunt *hunt, double seconds, struct od_error *error)
{
    char path[4200];
    json_t *root = od_coverage_json(hunt->coverage, hunt->options.depth);
    if (root != NULL) {
        json_object_set_new(root, "seed", json_integer((json_int_t)hunt->seed));
        json_object_set_new(root, "seconds", json_real(seconds));
        json_object_set_new(root, "cases_per_second_per_core", json_real(rate_per_core(hunt, seconds)));
        json_object_set(root, "queries", hunt->subjects);
        json_object_set(root, "failures", hunt->failures);
    }
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    if (text == NULL)
        return od_fail(error, OD_NO_MEMORY, "writing a coverage");
    snprintf(path, sizeof(path), "%s/coverage.json", hunt->directory);
    enum od_status status = od_folder_make(hunt->directory, error);
    if (status == OD_OK)
        status = od_file_write(path, text, strlen(text), error);
    if (status == OD_OK && od_arguments_has(hunt->arguments, "json"))
        puts(text);
    free(text);
    return status;
}

static enum od_status explore_all(struct hunt *hunt, struct od_error *error)
{
    const struct od_arguments *arguments = hunt->arguments;
    struct sigaction action = {.sa_handler = note_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (arguments->positional_count == 0)
        return explore_cases(hunt, error);
    for (uint32_t i = 0; i < arguments->positional_count && !hunt->coverage->is_cut; i++)
        OD_TRY(explore_scenario(hunt, arguments->positional[i], error));
    return OD_OK;
}

static int run(struct hunt *hunt, struct od_error *error)
{
    od_terminal_init(&hunt->terminal, stderr);
    od_progress_init(&hunt->progress, &hunt->terminal, 0);
    enum od_status status = explore_all(hunt, error);
    od_progress_end(&hunt->progress);
    double seconds = (double)(od_campaign_now_ns() - hunt->started_ns) / 1e9;
    if (status == OD_OK)
        print_result(hunt, seconds, od_arguments_has(hunt->arguments, "json") ? stderr : stdout);
    if (status == OD_OK)
        status = write_json(hunt, seconds, error);
    if (status != OD_OK)
        return od_exit_with(error);
    if (failure_count(hunt) > 0)
        return OD_EXIT_FAILED;
    bool undecided = hunt->coverage->is_cut && (interrupted || hunt->arguments->positional_count > 0);
    return undecided ? OD_EXIT_UNDECIDED : OD_EXIT_HELD;
}

int od_hunt_exhaustive(const struct od_arguments *arguments)
{
    struct od_error error = {0};
    struct hunt hunt = {.arguments = arguments, .subjects = json_array(), .failures = json_array()};
    int result;
    if (read_options(&hunt, &error) != OD_OK)
        result = od_exit_with(&error);
    else if ((hunt.coverage = od_coverage_new()) == NULL || hunt.subjects == NULL || hunt.failures == NULL)
        result = od_exit_of(OD_NO_MEMORY);
    else
        result = run(&hunt, &error);
    od_coverage_free(hunt.coverage);
    json_decref(hunt.subjects);
    json_decref(hunt.failures);
    return result;
}
