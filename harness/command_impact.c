/* command_impact: `ordeal impact SCENARIO...`: what faults cost each query, over their moment and over their rate.
 *
 *   scenarios are opened and checked -> impact.h measures -> record.json, impact.json (benchmarks), report.html, the store, a table */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/world/posix.h"
#include "harness/commands.h"
#include "harness/exit_status.h"
#include "harness/file.h"
#include "harness/impact.h"
#include "harness/record_print.h"
#include "harness/run_folder.h"
#include "harness/thousandths.h"
#include "reports/curves.h"
#include "reports/report.h"
#include "reports/store.h"

static volatile int interrupted;

static void note_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

struct impact_all {
    const struct od_arguments *arguments;
    struct od_impact_options options;
    struct od_scenario_run_options opening;
    struct od_scenario_run **scenarios; /* owned; a scenario an argument */
    struct od_run_folder folder;
    struct od_record *record; /* owned */
    struct od_store *store;   /* owned */
};

/* "0,1,2": ascending whole numbers up to `last`, at most OD_IMPACT_POINTS_MAX. */
static enum od_status read_numbers(const char *what, const char *text, uint64_t last, uint64_t *values, uint32_t *count,
                                   struct od_error *error)
{
    const char *at = text;
    for (*count = 0; *count < OD_IMPACT_POINTS_MAX && *at >= '0' && *at <= '9'; at++) {
        char *end;
        uint64_t value = strtoull(at, &end, 10);
        if (value > last || end - at > 9 || (*count > 0 && value <= values[*count - 1]))
            break;
        values[(*count)++] = value;
        at = end;
        if (*at == '\0')
            return OD_OK;
        if (*at != ',')
            break;
    }
    return od_fail(error, OD_BAD_INPUT, "--%s %.100s: expected up to %d ascending whole numbers from 0 to %llu with commas between", what,
                   text, OD_IMPACT_POINTS_MAX, (unsigned long long)last);
}

static enum od_status read_options(struct impact_all *all, struct od_error *error)
{
    static const char *const deployments[OD_DEPLOYMENT_COUNT + 1] = {"sim", "threads", "processes"};
    const struct od_arguments *arguments = all->arguments;
    struct od_impact_options *options = &all->options;
    uint32_t deployment = OD_DEPLOY_SIM;
    uint64_t rounds = 5;
    all->opening = (struct od_scenario_run_options){.has_seed = od_arguments_has(arguments, "seed"), .no_faults = true};
    OD_TRY(od_arguments_number(arguments, "seed", 0, UINT64_MAX, &all->opening.seed, error));
    OD_TRY(od_arguments_choice(arguments, "deploy", deployments, &deployment, error));
    OD_TRY(od_arguments_number(arguments, "executors", 1, 64, &all->opening.executors, error));
    OD_TRY(od_arguments_number(arguments, "rows", 1, UINT32_MAX, &all->opening.rows_max, error));
    OD_TRY(od_arguments_number(arguments, "rounds", 1, OD_IMPACT_ROUNDS_MAX, &rounds, error));
    if (od_arguments_has(arguments, "scale"))
        OD_TRY(od_thousandths_parse("--scale", od_arguments_text(arguments, "scale", ""), OD_SCALE_MIN, OD_SCALE_MAX,
                                    &all->opening.scale_thousandths, error));
    OD_TRY(read_numbers("moments", od_arguments_text(arguments, "moments", "10,25,50,75,90"), 100, options->moments,
                        &options->moment_count, error));
    OD_TRY(read_numbers("rates", od_arguments_text(arguments, "rates", "0,1,2,4,8"), OD_IMPACT_RATE_MAX, options->rates,
                        &options->rate_count, error));
    options->deployment = (enum od_deployment)deployment;
    options->rounds = (uint32_t)rounds;
    return od_impact_kinds_read(od_arguments_text(arguments, "kind", "executor.crash"), od_arguments_text(arguments, "detail", NULL),
                                options, error);
}

static enum od_status open_scenarios(struct impact_all *all, struct od_error *error)
{
    uint32_t count = all->arguments->positional_count;
    all->scenarios = calloc(count, sizeof(struct od_scenario_run *));
    if (all->scenarios == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening scenarios");
    for (uint32_t i = 0; i < count; i++)
        OD_TRY(od_scenario_open(all->arguments->positional[i], &all->opening, &all->scenarios[i], error));
    return OD_OK;
}

static enum od_status begin_record(struct impact_all *all, struct od_error *error)
{
    OD_TRY(od_run_folder_record(all->arguments, &all->record, error));
    od_record_line(all->record, &all->record->deployments, od_deployment_text(all->options.deployment));
    all->record->seed = od_scenario_run_seed(all->scenarios[0]);
    for (uint32_t i = 0; i < all->arguments->positional_count; i++)
        all->record->runs_planned += od_impact_run_count(&all->options, all->scenarios[i]);
    OD_TRY(od_record_save(all->record, all->folder.path, error));
    return od_store_put(all->store, all->record, all->folder.path, error);
}

static enum od_status measure(struct impact_all *all, struct od_error *error)
{
    struct od_terminal terminal;
    struct od_progress progress;
    char files[4100];
    od_terminal_init(&terminal, stderr);
    od_progress_init(&progress, &terminal, all->record->runs_planned);
    struct od_impact_sink sink = {
        .record = all->record, .progress = &progress, .directory = all->folder.path, .interrupted = &interrupted};
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < all->arguments->positional_count && status == OD_OK; i++)
        status = od_impact_execute(&all->options, all->scenarios[i], &sink, error);
    od_progress_end(&progress);
    snprintf(files, sizeof(files), "%s/files", all->folder.path);
    od_folder_remove(files, NULL);
    return status;
}

/* What is there stays readable, also when the user has enough. */
static enum od_status end_record(struct impact_all *all, enum od_status status, struct od_error *error)
{
    if (status != OD_OK && status != OD_CANCELLED)
        return status;
    struct od_error *own = status == OD_OK ? error : NULL;
    od_record_finish(all->record, status == OD_OK ? OD_RECORD_FINISHED : OD_RECORD_INTERRUPTED);
    enum od_status saved = od_record_save(all->record, all->folder.path, own);
    if (saved == OD_OK)
        saved = od_curves_save(all->record, all->folder.path, own);
    if (saved == OD_OK)
        saved = od_report_write_directory(od_posix_memory(), all->folder.path, own);
    if (saved == OD_OK)
        saved = od_store_put(all->store, all->record, all->folder.path, own);
    return status == OD_OK ? saved : status;
}

static enum od_status tell(const struct impact_all *all, struct od_error *error)
{
    struct od_terminal terminal;
    bool json = od_arguments_has(all->arguments, "json");
    od_terminal_init(&terminal, json ? stderr : stdout);
    OD_TRY(od_record_terminal(all->record, &terminal, error));
    OD_TRY(od_curves_terminal(all->record, &terminal, error));
    fprintf(terminal.file, "\nreport %s/report.html, benchmarks %s/impact.json\n", all->folder.path, all->folder.path);
    if (json)
        od_record_print_file(all->folder.path);
    return OD_OK;
}

static enum od_status run_all(struct impact_all *all, struct od_error *error)
{
    OD_TRY(read_options(all, error));
    if (all->arguments->positional_count == 0)
        return od_fail(error, OD_BAD_INPUT, "ordeal impact: expected SCENARIO...");
    OD_TRY(open_scenarios(all, error));
    OD_TRY(od_store_open(od_posix_memory(), od_arguments_text(all->arguments, "store", NULL), &all->store, error));
    struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    OD_TRY(od_run_folder_open(all->arguments, "impact", &all->folder, error));
    OD_TRY(begin_record(all, error));
    enum od_status status = end_record(all, measure(all, error), error);
    return status == OD_OK ? tell(all, error) : status;
}

static int run(const struct od_arguments *arguments)
{
    static struct impact_all all; /* one command a process */
    struct od_error error = {0};
    all.arguments = arguments;
    enum od_status status = run_all(&all, &error);
    int result = status != OD_OK ? od_exit_with(&error) : OD_EXIT_HELD;
    enum od_record_verdict verdict = all.record == NULL ? OD_RECORD_UNDECIDED : od_record_overall(all.record);
    if (status == OD_OK && verdict != OD_RECORD_HELD)
        result = verdict == OD_RECORD_FAILED ? OD_EXIT_FAILED : OD_EXIT_UNDECIDED;
    for (uint32_t i = 0; all.scenarios != NULL && i < arguments->positional_count; i++)
        od_scenario_close(all.scenarios[i]);
    free(all.scenarios);
    od_record_free(all.record);
    od_store_close(all.store);
    return result;
}

static const struct od_option options[] = {
    {"kind", "K,K,...", "kinds of fault that act at a time (default executor.crash; `ordeal run --list-faults` lists them)", false},
    {"detail", "TEXT", "of each of these faults, as in a schedule: \"for=5ms\"", false},
    {"moments", "P,P,...", "of one fault, in per cent of the undisturbed time (default 10,25,50,75,90)", false},
    {"rates", "N,N,...", "faults at random moments of that time (default 0,1,2,4,8)", false},
    {"rounds", "N", "runs of each point a query, each with a seed of its own; medians are shown (default 5)", false},
    {"deploy", "D", "sim (default: virtual time, equal curves each time), threads or processes", false},
    {"executors", "N", "in place of the scenario's number", false},
    {"rows", "N", "of every table, at most", false},
    {"scale", "X", "of generated tables, up to three digits behind the point (default: the scenario's)", false},
    {"seed", "N", "of generated tables, runs, and who is struck when, in place of the scenario's", false},
    {"out", "DIR", "folder of the record, the report and impact.json (default ordeal-out/impact-TIME-PID)", false},
    {"json", NULL, "the record as JSON on standard output, text on standard error", false},
    {"store", "FILE", "result store (default in the user's state directory)", false},
    {NULL, NULL, NULL, false},
};
const struct od_command od_command_impact = {
    .name = "impact",
    .positional = "SCENARIO...",
    .sentence = "measures what faults cost each query: slow-down, recovery and recomputed work over their moment and rate",
    .more = "example: ordeal impact scenarios/flights.yaml --rows 2000\n"
            "         ordeal impact scenarios/*.yaml --rows 500 --kind executor.crash,executor.pause,driver.crash --out impact",
    .options = options,
    .run = run,
};
