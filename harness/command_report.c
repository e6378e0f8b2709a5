/* command_report: `ordeal report DIR...`: renders run directories, finished or cut off, again. */
#include <stdio.h>

#include "engine/world/posix.h"
#include "harness/commands.h"
#include "harness/exit_status.h"
#include "harness/record_print.h"
#include "reports/report.h"
#include "reports/terminal.h"

static int exit_of_record(const struct od_record *record)
{
    switch (od_record_overall(record)) {
    case OD_RECORD_HELD:
        return OD_EXIT_HELD;
    case OD_RECORD_FAILED:
        return OD_EXIT_FAILED;
    default:
        return OD_EXIT_UNDECIDED;
    }
}

static int run(const struct od_arguments *arguments)
{
    struct od_error error = {0};
    struct od_report *report = NULL;
    const struct od_report_outputs outputs = {
        .html = od_arguments_text(arguments, "html", NULL),
        .junit = od_arguments_text(arguments, "junit", NULL),
        .markdown = od_arguments_text(arguments, "markdown", NULL),
    };
    enum od_status status = od_report_load(od_posix_memory(), arguments->positional, arguments->positional_count, &report,
                                           &error);
    if (status == OD_OK)
        status = od_report_write(report, &outputs, &error);
    if (status == OD_OK) {
        struct od_terminal terminal;
        bool json = od_arguments_has(arguments, "json");
        od_terminal_init(&terminal, json ? stderr : stdout);
        status = od_report_terminal(report, &terminal, &error);
        for (uint32_t i = 0; json && i < arguments->positional_count; i++)
            od_record_print_file(arguments->positional[i]);
    }
    int result = status == OD_OK ? exit_of_record(report->record) : od_exit_with(&error);
    od_report_free(report);
    return result;
}

static const struct od_option options[] = {
    {"html", "FILE", "write one self-contained HTML page", false},
    {"junit", "FILE", "write JUnit XML", false},
    {"markdown", "FILE", "write Markdown, for a step summary", false},
    {"json", NULL, "the records as JSON on standard output, one after the other, text on standard error", false},
    {NULL, NULL, NULL, false},
};
const struct od_command od_command_report = {
    .name = "report",
    .positional = "DIR|FILE...",
    .positional_min = 1,
    .sentence = "shows what a run directory holds, and renders it again",
    .more = "A run that was killed is shown as far as it went.",
    .options = options,
    .run = run,
};
