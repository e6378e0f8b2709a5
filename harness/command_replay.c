/* command_replay: `ordeal replay CASE`: reproduces a saved case bit by bit, twice, and says whether it still fails; with --deploy, once on
 * a real cluster, where the same faults meet the same logical points; `ordeal shrink CASE`: tries to make it smaller. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/world/posix.h"
#include "harness/campaign_worker.h"
#include "harness/case_parts.h"
#include "harness/case_save.h"
#include "harness/commands.h"
#include "harness/diverge.h"
#include "harness/event_write.h"
#include "harness/exit_status.h"
#include "harness/explain.h"
#include "harness/explore_case.h"
#include "harness/file.h"
#include "harness/replay_watch.h"
#include "harness/trial.h"
#include "harness/trial_shrink.h"
#include "properties/case_file.h"
#include "reports/terminal.h"

#define SECOND_NS UINT64_C(1000000000)

static struct od_trial trial; /* too large for a stack */
static struct od_arena file_arena; /* of the schedule that a file gives */

static enum od_status open_case(const char *path, struct od_case_file *file, struct od_error *error)
{
    enum od_status status = od_case_file_read(od_posix_memory(), path, file, error);
    if (status != OD_OK)
        return status;
    trial.only = od_property_find(file->property);
    if (trial.only == NULL)
        return od_fail(error, OD_BAD_INPUT, "%s: property %s: this build has no such property", path, file->property);
    od_arena_init(&file_arena, od_posix_memory(), 0);
    OD_TRY(od_case_schedule(&file_arena, path, file, &trial.given, error));
    trial.pct_depth = file->pct_depth;
    uint32_t oracles = od_query_oracles_of(file->found);
    return oracles == 0 ? OD_OK : od_query_oracles_open(oracles, &trial.oracles, error);
}

static enum od_status run_case(struct od_choices *choices, const uint8_t *bytes, uint32_t size, struct od_error *error)
{
    od_choices_from_bytes(choices, bytes, size);
    return od_trial_run(&trial, choices, error);
}

static void print_rendering(void)
{
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    od_trial_print(&trial, &text);
    od_case_needs_print(&trial, &text);
    fwrite(text.bytes, 1, text.size, stdout);
    od_buffer_release(&text);
}

/* --events DIR: what every run of the case did, as DIR/events.jsonl; `run` numbers the runs. */
static enum od_status write_events(const char *directory, struct od_error *error)
{
    struct od_event_log *log = NULL;
    enum od_status status = od_folder_make(directory, error);
    if (status == OD_OK)
        status = od_event_log_open(od_posix_memory(), directory, &log, error);
    for (uint32_t i = 0; i < trial.run_count && status == OD_OK; i++) {
        const struct od_event_writer writer = {.log = log, .run = i, .schedule = &trial.schedule};
        for (uint32_t k = 0; k < trial.results[i].event_count && status == OD_OK; k++)
            status = od_event_writer_write(&writer, &trial.results[i].events[k], error);
    }
    enum od_status closed = od_event_log_close(log, status == OD_OK ? error : NULL);
    return status != OD_OK ? status : closed;
}

/* Where it fails in the simulation, why. */
static enum od_status explain(const struct od_arguments *arguments, const struct od_case_file *file, struct od_error *error)
{
    const struct od_explain_options options = {.is_verbose = od_arguments_has(arguments, "verbose"),
                                               .choices = file->choices,
                                               .choices_bytes = file->choices_bytes};
    struct od_buffer text;
    if (trial.deployment != OD_DEPLOY_SIM || !trial.finding.found)
        return OD_OK;
    od_buffer_init(&text, od_posix_memory());
    enum od_status status = trial.oracles == NULL ? od_explain_case_guarded(&trial, &options, &text, error)
                                                  : od_explain_case(&trial, &options, &text, error);
    fwrite(text.bytes, 1, text.size, stdout);
    od_buffer_release(&text);
    return status;
}

/* --debug: ourselves again under gdb, which breaks where --until stops. Returns only when that can't be. */
static enum od_status debug(const struct od_arguments *arguments, struct od_error *error)
{
    char *given[64];
    char *debugger[] = {"gdb", "-q", "-ex", "break od_replay_stop_here", "-ex", "run", "--args", "/proc/self/exe", NULL};
    char path[4096];
    size_t count = 0;
    if (!od_arguments_has(arguments, "until"))
        return od_fail(error, OD_BAD_INPUT, "ordeal replay: --debug wants --until EVENT, to know where to stop");
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (size < 0 || arguments->argc > 50)
        return od_fail(error, OD_IO, "ordeal replay: --debug: starting gdb");
    path[size] = '\0';
    for (size_t i = 0; debugger[i] != NULL; i++)
        given[count++] = debugger[i];
    given[count - 1] = path;
    for (int i = 0; i < arguments->argc; i++) /* from the name of the command on */
        if (strcmp(arguments->argv[i], "--debug") != 0)
            given[count++] = arguments->argv[i];
    given[count] = NULL;
    fflush(NULL);
    execvp("gdb", given);
    return od_fail(error, OD_MISSING, "ordeal replay: --debug: gdb can't be started: %s", strerror(errno));
}

/* --trace, --until. */
static enum od_status watch(const struct od_arguments *arguments, const struct od_case_file *file, struct od_error *error)
{
    struct od_until until;
    struct od_buffer text;
    struct od_replay_watch watch = {.choices = file->choices,
                                    .choices_bytes = file->choices_bytes,
                                    .trace_path = od_arguments_text(arguments, "trace", NULL),
                                    .text = &text};
    if (watch.trace_path == NULL && !od_arguments_has(arguments, "until"))
        return OD_OK;
    if (od_arguments_has(arguments, "until")) {
        OD_TRY(od_until_parse(od_arguments_text(arguments, "until", ""), &until, error));
        watch.until = &until;
    }
    od_buffer_init(&text, od_posix_memory());
    enum od_status status = od_replay_watched(&trial, &watch, error);
    fwrite(text.bytes, 1, text.size, stdout);
    od_buffer_release(&text);
    return status;
}

static enum od_status run_stepped(void *self, struct od_sim_stepper stepper, struct od_error *error)
{
    const struct od_case_file *file = self;
    struct od_choices choices;
    od_choices_init(&choices, od_posix_memory());
    trial.stepper = stepper;
    enum od_status status = run_case(&choices, file->choices, file->choices_bytes, error);
    trial.stepper = (struct od_sim_stepper){0};
    od_choices_release(&choices);
    return status;
}

/* Where two runs that should be equal part. */
static void tell_divergence(struct od_case_file *file)
{
    const struct od_diverge_again again = {run_stepped, file};
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    if (od_diverge_find(od_posix_memory(), &again, &text, NULL) == OD_OK)
        printf("%s\n", od_buffer_text(&text));
    od_buffer_release(&text);
}

/* The verdict's lines come last. Returns the exit status. */
static int tell(struct od_case_file *file, uint64_t first_digest)
{
    int status = trial.finding.found ? OD_EXIT_FAILED : OD_EXIT_HELD;
    printf("\ndigest %016llx", (unsigned long long)trial.digest);
    if (first_digest != trial.digest) {
        printf(", but %016llx the first time: equal cases must have equal digests; this is a bug of ordeal's\n",
               (unsigned long long)first_digest);
        if (!trial.guarded)
            tell_divergence(file);
        return OD_EXIT_OWN_BUG;
    }
    if (file->has_digest)
        printf(", %s", file->digest == trial.digest ? "as in the case file"
                                                    : "other than in the case file: the engine or this program has changed");
    printf("\n%s %s\n", trial.finding.found ? "reproduced:" : "held: the case no longer fails with",
           trial.finding.found ? trial.finding.code : file->found);
    return status;
}

static int tell_real(const struct od_case_file *file)
{
    printf("\nin %s: %s %s\n", od_deployment_text(trial.deployment),
           trial.finding.found ? "reproduced:" : "held: the case does not fail with",
           trial.finding.found ? trial.finding.code : file->found);
    return trial.finding.found ? OD_EXIT_FAILED : OD_EXIT_HELD;
}

/* Once where it was asked for; in the simulation a second time, for the digest, and here, to be looked at, unless that would end us. */
static enum od_status run_opened(const struct od_case_file *file, struct od_choices *choices, uint64_t *first_digest,
                                 struct od_error *error)
{
    char directory[] = "/tmp/ordeal-XXXXXX";
    if (trial.deployment == OD_DEPLOY_THREADS) {
        if (mkdtemp(directory) == NULL)
            return od_fail(error, OD_IO, "making a temporary folder in /tmp");
        trial.directory = directory;
    }
    trial.guarded = trial.deployment == OD_DEPLOY_SIM && trial.oracles == NULL; /* they may have threads */
    enum od_status status = run_case(choices, file->choices, file->choices_bytes, error);
    *first_digest = trial.digest;
    trial.guarded = trial.guarded && strcmp(trial.finding.code, OD_TRIAL_CRASH) == 0;
    if (status == OD_OK && trial.deployment == OD_DEPLOY_SIM)
        status = run_case(choices, file->choices, file->choices_bytes, error);
    if (trial.directory != NULL)
        od_folder_remove(directory, NULL);
    return status;
}

static int replay(const struct od_arguments *arguments)
{
    int of_query = 0;
    struct od_error error = {0};
    if (arguments->given_count > 0 && od_explore_case_at(arguments->positional[0])) {
        od_fail(&error, OD_BAD_INPUT, "ordeal replay: %.200s is the case of a scenario's query: without --%s", arguments->positional[0],
                arguments->given[0].option->name);
        return od_exit_with(&error);
    }
    if (arguments->positional_count == 1 && od_explore_case_replay(arguments->positional[0], &of_query))
        return of_query;
    static const char *const deployments[] = {"sim", "threads", "processes", NULL};
    struct od_case_file file = {0};
    struct od_choices choices;
    uint64_t first_digest = 0;
    uint32_t deployment = OD_DEPLOY_SIM;
    od_trial_init(&trial, od_posix_memory());
    od_choices_init(&choices, od_posix_memory());
    enum od_status status = od_arguments_choice(arguments, "deploy", deployments, &deployment, &error);
    if (status == OD_OK && od_arguments_has(arguments, "debug"))
        status = debug(arguments, &error);
    trial.deployment = (enum od_deployment)deployment;
    if (status == OD_OK && trial.deployment != OD_DEPLOY_SIM &&
        (od_arguments_has(arguments, "trace") || od_arguments_has(arguments, "until")))
        status = od_fail(&error, OD_UNSUPPORTED, "ordeal replay: --trace and --until are for --deploy sim");
    if (status == OD_OK && arguments->positional_count > 1)
        status = od_fail(&error, OD_BAD_INPUT, "ordeal replay: expected one case file");
    if (status == OD_OK)
        status = open_case(arguments->positional[0], &file, &error);
    if (status == OD_OK)
        status = run_opened(&file, &choices, &first_digest, &error);
    if (status == OD_OK && od_arguments_has(arguments, "events"))
        status = write_events(od_arguments_text(arguments, "events", NULL), &error);
    if (status == OD_OK)
        print_rendering();
    if (status == OD_OK)
        status = watch(arguments, &file, &error);
    if (status == OD_OK && !od_arguments_has(arguments, "until"))
        status = explain(arguments, &file, &error);
    int result = status != OD_OK                        ? od_exit_with(&error)
                 : trial.deployment == OD_DEPLOY_SIM ? tell(&file, first_digest)
                                                     : tell_real(&file);
    od_query_oracles_close(trial.oracles);
    od_trial_release(&trial);
    od_choices_release(&choices);
    od_case_file_release(od_posix_memory(), &file);
    od_arena_release(&file_arena);
    return result;
}

/* --- shrink --------------------------------------------------------------------------------------------------- */

struct shrinking {
    struct od_terminal terminal;
    struct od_progress progress;
    struct od_case_sizes before;
};

static void show_progress(void *self, uint32_t evaluations, uint32_t bytes)
{
    struct shrinking *shrinking = self;
    char text[60];
    snprintf(text, sizeof(text), "%u bytes of choices", bytes);
    od_progress_step(&shrinking->progress, evaluations, 0, text);
}

/* What it was, and what of it is left. */
static void print_shrunk(const struct od_case_file *file, const struct od_case_sizes *before, const struct od_case_sizes *after,
                         const struct od_buffer *needs, const struct od_shrunk *shrunk, uint64_t took_ns)
{
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    od_case_sizes_print(before, after, &text);
    od_buffer_append(&text, needs->bytes, needs->size);
    od_buffer_print(&text, "%u bytes of choices, %u before; %u cases tried in %.1f s%s\n", shrunk->size, file->choices_bytes,
                    shrunk->evaluations, (double)took_ns / 1e9, shrunk->exhausted ? ", and more could be tried" : "");
    fwrite(text.bytes, 1, text.size, stdout);
    od_buffer_release(&text);
}

static enum od_status save_shrunk(const struct od_arguments *arguments, const struct od_case_file *file, const struct shrinking *shrinking,
                                  const struct od_shrunk *shrunk, uint64_t took_ns, char *path, size_t path_size, struct od_error *error)
{
    struct od_case_sizes after;
    struct od_buffer needs;
    od_buffer_init(&needs, od_posix_memory());
    const struct od_failing_case failing = {.choices = shrunk->bytes,
                                            .choice_bytes = shrunk->size,
                                            .schedule = trial.given,
                                            .pct_depth = trial.pct_depth,
                                            .only = trial.only,
                                            .code = file->found,
                                            .sizes = &after,
                                            .needs = &needs};
    enum od_status status = od_case_save(od_arguments_text(arguments, "out", "ordeal-out/shrunk"), od_posix_memory(), &failing, true,
                                         path, path_size, error);
    if (status == OD_OK)
        print_shrunk(file, &shrinking->before, &after, &needs, shrunk, took_ns);
    od_buffer_release(&needs);
    return status;
}

static enum od_status shrink_case(const struct od_arguments *arguments, const struct od_case_file *file, char *path,
                                  size_t path_size, struct od_shrunk *shrunk, struct od_error *error)
{
    struct shrinking shrinking;
    uint64_t bound_ns = 60 * SECOND_NS;
    trial.guarded = strcmp(file->found, OD_TRIAL_CRASH) == 0;
    OD_TRY(od_arguments_duration(arguments, "time", &bound_ns, error));
    uint64_t since_ns = od_campaign_now_ns();
    const struct od_trial_shrinking request = {.code = file->found,
                                               .digest = file->digest,
                                               .until_ns = since_ns + bound_ns,
                                               .sizes = &shrinking.before,
                                               .progress = show_progress,
                                               .self = &shrinking};
    od_terminal_init(&shrinking.terminal, stderr);
    od_progress_init(&shrinking.progress, &shrinking.terminal, 0);
    enum od_status status = od_trial_shrink(&trial, file->choices, file->choices_bytes, &request, shrunk, error);
    uint64_t took_ns = od_campaign_now_ns() - since_ns;
    od_progress_end(&shrinking.progress);
    shrunk->exhausted |= took_ns > bound_ns;
    if (status != OD_OK || !shrunk->reproduced)
        return status;
    return save_shrunk(arguments, file, &shrinking, shrunk, took_ns, path, path_size, error);
}

static int shrink(const struct od_arguments *arguments)
{
    struct od_error error = {0};
    struct od_case_file file = {0};
    struct od_shrunk shrunk = {0};
    char path[4200] = "";
    od_trial_init(&trial, od_posix_memory());
    enum od_status status = OD_OK;
    if (arguments->positional_count > 1)
        status = od_fail(&error, OD_BAD_INPUT, "ordeal shrink: expected one case file");
    if (status == OD_OK && od_explore_case_at(arguments->positional[0]))
        status = od_fail(&error, OD_BAD_INPUT, "ordeal shrink: %.200s is the case of a scenario's query: it has few rows and faults as it is",
                         arguments->positional[0]);
    if (status == OD_OK)
        status = open_case(arguments->positional[0], &file, &error);
    if (status == OD_OK)
        status = shrink_case(arguments, &file, path, sizeof(path), &shrunk, &error);
    int result = OD_EXIT_HELD;
    if (status != OD_OK) {
        result = od_exit_with(&error);
    } else if (!shrunk.reproduced) {
        printf("held: the case no longer fails with %s; nothing to shrink\n", file.found);
        result = OD_EXIT_UNDECIDED;
    } else {
        printf("ordeal replay %s\n", path);
    }
    od_shrunk_release(od_posix_memory(), &shrunk);
    od_query_oracles_close(trial.oracles);
    od_trial_release(&trial);
    od_case_file_release(od_posix_memory(), &file);
    od_arena_release(&file_arena);
    return result;
}

static const struct od_option replay_options[] = {
    {"deploy", "D", "sim (default), threads or processes: where the case is run", false},
    {"events", "DIR", "write what every run of the case did to DIR/events.jsonl", false},
    {"trace", "FILE", "write the run that is explained as Chrome's trace-event JSON, which Perfetto opens", false},
    {"until", "EVENT", "stop that run at an event, and tell what the driver knows there", false},
    {"debug", NULL, "with --until: under gdb, which stops there, too", false},
    {"verbose", NULL, "tell all that happened, where it fails", false},
    {NULL, NULL, NULL, false},
};
const struct od_command od_command_replay = {
    .name = "replay",
    .positional = "CASE",
    .positional_min = 1,
    .sentence = "reproduces a saved case bit by bit and says whether it still fails",
    .more = "Exit status 1: it fails as before; 0: it no longer fails.\n"
            "Where it fails in the simulation it is explained: the run that is wrong, the first operator, block or decision that\n"
            "differs from the run without faults, what the wrong rows rest on, and what happened when.\n"
            "EVENT: \"task_failed stage=1 task=0 attempt=0\", \"fault_fired nth=2\", \"#29\" (as the explanation numbers them), \"time=3ms\".",
    .options = replay_options,
    .run = replay,
};

static const struct od_option shrink_options[] = {
    {"time", "T", "bound (default 60s)", false},
    {"out", "DIR", "where the smaller case goes: DIR/cases (default ordeal-out/shrunk)", false},
    {NULL, NULL, NULL, false},
};
const struct od_command od_command_shrink = {
    .name = "shrink",
    .positional = "CASE",
    .positional_min = 1,
    .sentence = "makes a saved case smaller: fewer rows, a simpler query, fewer and weaker faults",
    .options = shrink_options,
    .run = shrink,
};
