/* command_run: `ordeal run SCENARIO...`: scenarios through their ordeal, into a run directory.
 *
 *   all scenarios are opened and checked first (exit 2 before anything has run)
 *   directory: record.json ("running") -> events.jsonl, record.json after each query -> report.html, junit.xml, record ("finished")
 *   store:     the record, at the beginning and at the end */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/world/posix.h"
#include "harness/commands.h"
#include "harness/engines.h"
#include "harness/exit_status.h"
#include "harness/knobs.h"
#include "harness/list_faults.h"
#include "harness/record_print.h"
#include "harness/run_folder.h"
#include "harness/file.h"
#include "harness/scenario_run.h"
#include "harness/thousandths.h"
#include "reports/prometheus.h"
#include "reports/report.h"
#include "reports/store.h"

static volatile int interrupted;

static void note_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

struct run_all {
    const struct od_arguments *arguments;
    struct od_scenario_run_options options;
    struct od_opinion opinions[4];
    struct od_memory_limit memory_limits[16];
    uint32_t count;
    struct od_scenario_run **scenarios; /* owned */
    struct od_run_folder folder;
    struct od_buffer given; /* see options.given */
    struct od_record *record;
    struct od_event_log *log;
    struct od_store *store;
};

static enum od_status read_scale(const struct od_arguments *arguments, uint64_t *thousandths_out,
                                 struct od_error *error)
{
    const char *text = od_arguments_text(arguments, "scale", NULL);
    *thousandths_out = 0;
    return text == NULL ? OD_OK
                        : od_thousandths_parse("ordeal run: --scale", text, OD_SCALE_MIN, OD_SCALE_MAX,
                                               thousandths_out, error);
}

static enum od_status read_options(struct run_all *all, struct od_error *error)
{
    static const char *const deployments[] = {"sim", "threads", "both", "processes", "all", NULL};
    const struct od_arguments *arguments = all->arguments;
    uint32_t deployment = 2;
    const char *faults = od_arguments_text(arguments, "faults", NULL);
    all->options.data_directory = od_arguments_text(arguments, "data", NULL);
    all->options.has_seed = od_arguments_has(arguments, "seed");
    all->options.twice = od_arguments_has(arguments, "twice");
    all->options.no_faults = faults != NULL && strcmp(faults, "none") == 0;
    all->options.faults_path = all->options.no_faults ? NULL : faults;
    enum od_status status = od_engine_check(od_arguments_text(arguments, "engine", "ref"), error);
    if (status == OD_OK)
        status = od_arguments_number(arguments, "seed", 0, UINT64_MAX, &all->options.seed, error);
    if (status == OD_OK)
        status = od_arguments_choice(arguments, "deploy", deployments, &deployment, error);
    if (status == OD_OK)
        status = read_scale(arguments, &all->options.scale_thousandths, error);
    if (status == OD_OK)
        status = od_arguments_number(arguments, "executors", 1, 64, &all->options.executors, error);
    if (status == OD_OK)
        status = od_knobs_read(arguments, &all->options.limits, error);
    all->options.in_sim = deployment == 0 || deployment == 2 || deployment == 4;
    all->options.in_threads = deployment == 1 || deployment == 2 || deployment == 4;
    all->options.in_processes = deployment >= 3;
    return status;
}

/* What the line that repeats a failing run has besides seed and deployment: what decides how queries are run. */
static enum od_status collect_given(struct run_all *all, struct od_error *error)
{
    static const char *const names[] = {"data", "faults", "scale", "executors", "set", "memory", "oracle", "twice"};
    od_buffer_init(&all->given, od_posix_memory());
    for (uint32_t i = 0; i < all->arguments->given_count; i++) {
        const struct od_given_option *given = &all->arguments->given[i];
        uint32_t name = 0;
        while (name < sizeof(names) / sizeof(names[0]) && strcmp(names[name], given->option->name) != 0)
            name++;
        if (name < sizeof(names) / sizeof(names[0]) &&
            !od_buffer_print(&all->given, " --%s%s%s", names[name], given->value == NULL ? "" : " ",
                             given->value == NULL ? "" : given->value))
            return od_fail(error, OD_NO_MEMORY, "reading options");
    }
    all->options.given = od_buffer_text(&all->given);
    return OD_OK;
}

static enum od_status open_opinions(struct run_all *all, struct od_error *error)
{
    all->options.opinions = all->opinions;
    for (uint32_t i = 0; i < all->arguments->given_count; i++) {
        const struct od_given_option *given = &all->arguments->given[i];
        if (strcmp(given->option->name, "oracle") != 0)
            continue;
        if (all->options.opinion_count == sizeof(all->opinions) / sizeof(all->opinions[0]))
            return od_fail(error, OD_BAD_INPUT, "--oracle: each engine once");
        OD_TRY(od_opinion_open(given->value, &all->opinions[all->options.opinion_count], error));
        all->options.opinion_count++;
    }
    return OD_OK;
}

static enum od_status read_memory_limits(struct run_all *all, struct od_error *error)
{
    all->options.memory_limits = all->memory_limits;
    for (uint32_t i = 0; i < all->arguments->given_count; i++) {
        const struct od_given_option *given = &all->arguments->given[i];
        if (strcmp(given->option->name, "memory") != 0)
            continue;
        if (all->options.memory_limit_count == sizeof(all->memory_limits) / sizeof(all->memory_limits[0]))
            return od_fail(error, OD_BAD_INPUT, "--memory %s: expected at most %u of them", given->value,
                           all->options.memory_limit_count);
        OD_TRY(
            od_memory_limit_parse(given->value, &all->memory_limits[all->options.memory_limit_count], error));
        all->options.memory_limit_count++;
    }
    return OD_OK;
}

static enum od_status open_scenarios(struct run_all *all, struct od_error *error)
{
    if (all->arguments->positional_count == 0)
        return od_fail(error, OD_BAD_INPUT, "ordeal run: expected SCENARIO...");
    all->count = all->arguments->positional_count;
    all->scenarios = calloc(all->count, sizeof(struct od_scenario_run *));
    if (all->scenarios == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening scenarios");
    for (uint32_t i = 0; i < all->count; i++) {
        enum od_status status =
            od_scenario_open(all->arguments->positional[i], &all->options, &all->scenarios[i], error);
        if (status != OD_OK)
            return status;
    }
    return OD_OK;
}

static enum od_status begin_record(struct run_all *all, struct od_error *error)
{
    OD_TRY(od_run_folder_record(all->arguments, &all->record, error));
    struct od_record *record = all->record;
    if (all->options.in_sim)
        od_record_line(record, &record->deployments, "sim");
    if (all->options.in_threads)
        od_record_line(record, &record->deployments, "threads");
    if (all->options.in_processes)
        od_record_line(record, &record->deployments, "processes");
    record->seed = all->options.has_seed ? all->options.seed : od_scenario_run_seed(all->scenarios[0]);
    for (uint32_t i = 0; i < all->count; i++)
        record->runs_planned += od_scenario_run_count(all->scenarios[i]);
    enum od_status status = od_record_save(record, all->folder.path, error);
    if (status == OD_OK)
        status = od_event_log_open(od_posix_memory(), all->folder.path, &all->log, error);
    return status == OD_OK ? od_store_put(all->store, record, all->folder.path, error) : status;
}

static enum od_status execute(struct run_all *all, struct od_error *error)
{
    struct od_terminal terminal;
    struct od_progress progress;
    od_terminal_init(&terminal, stderr);
    od_progress_init(&progress, &terminal, all->record->runs_planned);
    struct od_scenario_sink sink = {.record = all->record,
                                    .log = all->log,
                                    .progress = &progress,
                                    .directory = all->folder.path,
                                    .interrupted = &interrupted};
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < all->count && status == OD_OK; i++)
        status = od_scenario_execute(all->scenarios[i], &sink, error);
    od_progress_end(&progress);
    char files[4100];
    snprintf(files, sizeof(files), "%s/files", all->folder.path);
    od_folder_remove(files, NULL);
    return status;
}

/* Closes the books whatever happened; the first failure stands. */
static enum od_status end_record(struct run_all *all, enum od_status status, struct od_error *error)
{
    enum od_status closed = od_event_log_close(all->log, status == OD_OK ? error : NULL);
    all->log = NULL;
    if (all->record == NULL)
        return status;
    if (status == OD_OK || status == OD_CANCELLED)
        od_record_finish(all->record, status == OD_OK ? OD_RECORD_FINISHED : OD_RECORD_INTERRUPTED);
    if (status == OD_OK)
        status = closed;
    enum od_status saved = od_record_save(all->record, all->folder.path, status == OD_OK ? error : NULL);
    if (saved == OD_OK)
        saved = od_report_write_directory(od_posix_memory(), all->folder.path, status == OD_OK ? error : NULL);
    const char *metrics = od_arguments_text(all->arguments, "metrics", NULL);
    if (saved == OD_OK && metrics != NULL)
        saved = od_record_write_prometheus(all->record, metrics, status == OD_OK ? error : NULL);
    if (saved == OD_OK && all->store != NULL)
        saved = od_store_put(all->store, all->record, all->folder.path, status == OD_OK ? error : NULL);
    return status == OD_OK ? saved : status;
}

static int tell(struct run_all *all, enum od_status status, struct od_error *error)
{
    struct od_terminal terminal;
    bool json = od_arguments_has(all->arguments, "json");
    od_terminal_init(&terminal, json ? stderr : stdout);
    if (all->record != NULL && (status == OD_OK || status == OD_CANCELLED)) {
        od_record_terminal(all->record, &terminal, NULL);
        fprintf(terminal.file, "report %s/report.html\n", all->folder.path);
        if (json)
            od_record_print_file(all->folder.path);
    }
    if (status != OD_OK) {
        error->status = status;
        return od_exit_with(error);
    }
    enum od_record_verdict verdict = od_record_overall(all->record);
    return verdict == OD_RECORD_HELD     ? OD_EXIT_HELD
           : verdict == OD_RECORD_FAILED ? OD_EXIT_FAILED
                                         : OD_EXIT_UNDECIDED;
}

static int list_faults(const struct od_arguments *arguments)
{
    struct od_error error = {0};
    enum od_status status = OD_OK;
    if (arguments->positional_count > 0)
        status = od_fail(&error, OD_BAD_INPUT, "ordeal run: --list-faults runs nothing: without %s", arguments->positional[0]);
    else if (od_arguments_has(arguments, "json"))
        status = od_list_faults_print_json(stdout, &error);
    else
        status = od_list_faults_print(stdout, &error);
    return status == OD_OK ? OD_EXIT_HELD : od_exit_with(&error);
}

static int run(const struct od_arguments *arguments)
{
    static struct run_all all; /* one command a process */
    struct od_error error = {0};
    all.arguments = arguments;
    if (od_arguments_has(arguments, "list-faults"))
        return list_faults(arguments);
    enum od_status status = read_options(&all, &error);
    if (status == OD_OK)
        status = collect_given(&all, &error);
    if (status == OD_OK)
        status = read_memory_limits(&all, &error);
    if (status == OD_OK)
        status = open_opinions(&all, &error);
    if (status == OD_OK)
        status = open_scenarios(&all, &error);
    if (status == OD_OK)
        status =
            od_store_open(od_posix_memory(), od_arguments_text(arguments, "store", NULL), &all.store, &error);
    /* From here on there is something to close in order; before, while tables are made, a signal just ends it. */
    struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (status == OD_OK)
        status = od_run_folder_open(arguments, "run", &all.folder, &error);
    if (status == OD_OK)
        status = begin_record(&all, &error);
    if (status == OD_OK)
        status = execute(&all, &error);
    status = end_record(&all, status, &error);
    int result = tell(&all, status, &error);
    for (uint32_t i = 0; all.scenarios != NULL && i < all.count; i++)
        od_scenario_close(all.scenarios[i]);
    free(all.scenarios);
    for (uint32_t i = 0; i < all.options.opinion_count; i++)
        od_opinion_close(&all.opinions[i]);
    od_buffer_release(&all.given);
    od_record_free(all.record);
    od_store_close(all.store);
    return result;
}

static const struct od_option options[] = {
    {"engine", "E", "ref, the reference engine (`ordeal engines` lists them)", false},
    {"deploy", "D", "sim, threads, both (default), processes or all", false},
    {"data", "DIR", "read the tables' files there instead of generating them", false},
    {"seed", "N", "of generated tables and drawn faults, in place of the scenario's", false},
    {"faults", "FILE|none", "one written schedule, or none, in place of the scenario's", false},
    {"scale", "X",
     "of generated tables, in thousandths: TPC-H's scale factor; else times the rows that the scenario says",
     false},
    {"executors", "N", "in place of the scenario's number", false},
    OD_KNOB_OPTION,
    {"memory", "BYTES|Nx",
     "once more each query, with so much memory for rows (0.1x: of its peak); repeatable", true},
    {"oracle", "E", "compare answers with duckdb or postgres, too; may be given for both", true},
    {"twice", NULL, "every run in sim twice: their digests must be equal", false},
    {"out", "DIR", "run directory (default ordeal-out/run-TIME-PID)", false},
    {"metrics", "FILE", "the measures in Prometheus' text format, too", false},
    {"json", NULL, "the record as JSON on standard output, text on standard error", false},
    {"list-faults", NULL, "every kind of fault: what happens, where, what is owed under it, who proves and who checks that; runs nothing",
     false},
    {"store", "FILE", "result store (default in the user's state directory)", false},
    {NULL, NULL, NULL, false},
};
const struct od_command od_command_run = {
    .name = "run",
    .positional = "SCENARIO...",
    .sentence = "puts scenarios through their ordeal: every query undisturbed and under faults, all checked",
    .more = "example: ordeal run scenarios/*.yaml\n"
            "         ordeal run scenarios/flights.yaml --data path/to/csv --deploy sim",
    .options = options,
    .run = run,
};
