/* command_slt: `ordeal slt FILE|FOLDER...`: sqllogictest files against an engine. One session a file.
 *
 * Failures are told as they come, with place, SQL and what differs; then a summary by cause; the last line is
 * "N passed, N failed, N skipped". */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/world/posix.h"
#include "harness/commands.h"
#include "harness/engines.h"
#include "harness/exit_status.h"
#include "harness/file.h"
#include "harness/session_engine.h"
#include "harness/slt_engines.h"
#include "reports/terminal.h"

#define SKIP_REASONS_SHOWN 12

struct tally {
    struct od_session_options session_options;
    struct od_slt_options slt_options;
    struct od_terminal terminal;
    struct od_progress progress;
    uint64_t counts[3]; /* by od_slt_verdict */
    uint64_t causes[OD_SLT_CAUSE_COUNT];
    uint64_t lenient_count;
    uint64_t bad_file_count;
    bool verbose;
    FILE *junit;
    const struct od_slt_other *other; /* NULL: the reference engine */
    bool completes;
    struct od_arena *file_arena; /* of the file that is run; completing keeps answers there */
    const struct od_slt_file *file;
    const struct od_slt_answer **answers; /* one a record of it */
    struct {
        char text[100];
        uint64_t count;
    } reasons[SKIP_REASONS_SHOWN]; /* why records were skipped; the first few that differ */
};

/* --- JUnit ---------------------------------------------------------------------------------------------- */

static void put_escaped(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", file);
            break;
        case '&':
            fputs("&amp;", file);
            break;
        case '"':
            fputs("&quot;", file);
            break;
        default: /* XML 1.0 has no other control characters */
            fputc((unsigned char)*text < ' ' && *text != '\n' && *text != '\t' ? '?' : *text, file);
        }
    }
}

static void put_junit(struct tally *tally, const struct od_slt_report *report)
{
    FILE *file = tally->junit;
    fputs("    <testcase classname=\"", file);
    put_escaped(file, report->file);
    fprintf(file, "\" name=\"line %u\"", report->record->line);
    if (report->verdict == OD_SLT_PASSED) {
        fputs("/>\n", file);
        return;
    }
    fputs(report->verdict == OD_SLT_FAILED ? "><failure message=\"" : "><skipped message=\"", file);
    put_escaped(file, report->text);
    fputs("\"/><system-out>", file);
    put_escaped(file, report->sql);
    fputs("</system-out></testcase>\n", file);
}

/* --- verdicts ------------------------------------------------------------------------------------------- */

static void put_indented(const char *text)
{
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        printf("    %.*s\n", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

static void note_reason(struct tally *tally, const char *text)
{
    char short_text[sizeof(tally->reasons[0].text)];
    snprintf(short_text, sizeof(short_text), "%.*s", (int)strcspn(text, "\n("), text);
    for (uint32_t i = 0; i < SKIP_REASONS_SHOWN; i++) {
        if (tally->reasons[i].count == 0)
            strcpy(tally->reasons[i].text, short_text);
        if (strcmp(tally->reasons[i].text, short_text) == 0) {
            tally->reasons[i].count++;
            return;
        }
    }
}

/* For --complete: a copy of the answer, under its record. A record that runs several times, in a loop, keeps
 * what it says. */
static void keep_answer(struct tally *tally, const struct od_slt_report *report)
{
    const struct od_slt_record *first = tally->file->records;
    bool is_ours = report->record >= first && report->record < first + tally->file->record_count;
    if (!is_ours || report->answer == NULL)
        return;
    size_t count = (size_t)report->answer->row_count * report->answer->column_count;
    struct od_slt_answer *copy = od_arena_take(tally->file_arena, sizeof(*copy));
    const char **cells = od_arena_take_array(tally->file_arena, count, sizeof(*cells));
    enum od_type *types =
        od_arena_take_array(tally->file_arena, report->answer->column_count, sizeof(*types));
    if (copy == NULL || cells == NULL || types == NULL)
        return;
    *copy = *report->answer;
    for (size_t i = 0; i < count; i++) {
        const char *cell = report->answer->cells[i];
        cells[i] = cell == NULL ? NULL : od_arena_copy_text(tally->file_arena, cell, strlen(cell));
    }
    for (uint32_t i = 0; i < copy->column_count; i++)
        types[i] = report->answer->types[i];
    copy->cells = cells;
    copy->types = types;
    tally->answers[report->record - first] = strcmp(report->sql, report->record->sql) == 0 ? copy : NULL;
}

static void take_report(void *self, const struct od_slt_report *report)
{
    struct tally *tally = self;
    if (tally->completes) {
        keep_answer(tally, report);
        return;
    }
    tally->counts[report->verdict]++;
    tally->lenient_count += report->leniently;
    if (tally->junit != NULL)
        put_junit(tally, report);
    if (report->verdict == OD_SLT_SKIPPED)
        note_reason(tally, report->text);
    bool shown = report->verdict == OD_SLT_FAILED || (tally->verbose && report->verdict == OD_SLT_SKIPPED);
    if (report->verdict == OD_SLT_FAILED)
        tally->causes[report->cause]++;
    if (shown) {
        bool failed = report->verdict == OD_SLT_FAILED;
        od_progress_end(&tally->progress);
        printf("%s%s:%u: %.*s%s\n", od_terminal_start(&tally->terminal, failed ? OD_STYLE_BAD : OD_STYLE_DIM),
               report->file, report->record->line, (int)strcspn(report->text, "\n"), report->text,
               od_terminal_end(&tally->terminal));
        put_indented(report->sql);
        put_indented(report->text + strcspn(report->text, "\n") + (strchr(report->text, '\n') != NULL));
    }
    od_progress_step(&tally->progress, tally->counts[0] + tally->counts[1] + tally->counts[2],
                     tally->counts[OD_SLT_FAILED], report->file);
}

static void put_summary(struct tally *tally)
{
    static const char *const causes[] = {"wrong answers", "refused as unsupported", "other errors"};
    const char *comma = "";
    if (tally->counts[OD_SLT_FAILED] > 0) {
        printf("failed:");
        for (int i = 0; i < OD_SLT_CAUSE_COUNT; i++) {
            if (tally->causes[i] > 0) {
                printf("%s %llu %s", comma, (unsigned long long)tally->causes[i], causes[i]);
                comma = ",";
            }
        }
        putchar('\n');
    }
    for (uint32_t i = 0; i < SKIP_REASONS_SHOWN && tally->reasons[i].count > 0; i++)
        printf("skipped: %llu: %s\n", (unsigned long long)tally->reasons[i].count, tally->reasons[i].text);
    if (tally->lenient_count > 0)
        printf(
            "note: %llu expected errors are worded otherwise; that there was an error was enough "
            "(--strict-errors)\n",
            (unsigned long long)tally->lenient_count);
    printf("%llu passed, %llu failed, %llu skipped\n", (unsigned long long)tally->counts[OD_SLT_PASSED],
           (unsigned long long)tally->counts[OD_SLT_FAILED],
           (unsigned long long)tally->counts[OD_SLT_SKIPPED]);
}

/* --- files ---------------------------------------------------------------------------------------------- */

static enum od_status read_file(void *self, struct od_arena *arena, const char *path, const char **bytes_out,
                                size_t *size_out, struct od_error *error)
{
    struct od_buffer text;
    (void)self;
    od_buffer_init(&text, od_posix_memory());
    enum od_status status = od_file_read(path, &text, error);
    if (status == OD_OK) {
        *bytes_out = od_arena_copy_text(arena, text.size == 0 ? "" : (const char *)text.bytes, text.size);
        *size_out = text.size;
        if (*bytes_out == NULL)
            status = od_fail(error, OD_NO_MEMORY, "reading %s", path);
    }
    od_buffer_release(&text);
    return status;
}

static enum od_status run_on_reference(struct tally *tally, const struct od_slt_file *file,
                                       struct od_error *error)
{
    struct od_session_engine *engine = NULL;
    enum od_status status = od_session_engine_new(&tally->session_options, &engine, error);
    if (status == OD_OK) {
        struct od_slt_engine slt_engine = od_session_engine_slt(engine);
        status = od_slt_run(od_posix_memory(), file, &slt_engine, &tally->slt_options, error);
    }
    od_session_engine_free(engine);
    return status;
}

static enum od_status run_on_other(struct tally *tally, const struct od_slt_file *file,
                                   struct od_error *error)
{
    void *self = NULL;
    enum od_status status = tally->other->open(&self, error);
    if (status == OD_MISSING)
        status = OD_CANCELLED; /* undecided */
    if (status == OD_OK) {
        const struct od_slt_engine engine = {.run = tally->other->run, .self = self};
        status = od_slt_run(od_posix_memory(), file, &engine, &tally->slt_options, error);
    }
    tally->other->close(self);
    return status;
}

static enum od_status write_completed(struct tally *tally, const char *path, const char *bytes, size_t size,
                                      struct od_error *error)
{
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    enum od_status status = od_slt_complete(tally->file, bytes, size, tally->answers, &text, error);
    FILE *file = status == OD_OK ? fopen(path, "wb") : NULL;
    if (status == OD_OK && file == NULL)
        status = od_fail(error, OD_BAD_INPUT, "writing %s: expected a file that can be written", path);
    if (file != NULL) {
        bool failed = fwrite(text.bytes, 1, text.size, file) != text.size;
        failed |= fclose(file) != 0;
        status = failed ? od_fail(error, OD_IO, "writing %s", path) : OD_OK;
    }
    od_buffer_release(&text);
    return status;
}

static enum od_status run_file(struct tally *tally, const char *path, struct od_error *error)
{
    struct od_arena file_arena;
    struct od_slt_file file;
    const char *bytes = NULL;
    size_t size = 0;
    od_arena_init(&file_arena, od_posix_memory(), 0);
    enum od_status status = read_file(NULL, &file_arena, path, &bytes, &size, error);
    if (status == OD_OK)
        status = od_slt_parse(&file_arena, path, bytes, size, &file, error);
    if (status == OD_OK) {
        tally->file = &file;
        tally->file_arena = &file_arena;
        tally->answers = od_arena_take_array(&file_arena, file.record_count, sizeof(*tally->answers));
        if (tally->answers == NULL)
            status = od_fail(error, OD_NO_MEMORY, "running %s", path);
    }
    if (status == OD_OK)
        status =
            tally->other != NULL ? run_on_other(tally, &file, error) : run_on_reference(tally, &file, error);
    if (status == OD_OK && tally->completes)
        status = write_completed(tally, path, bytes, size, error);
    od_arena_release(&file_arena);
    error->line = 0; /* the text names file, line and column */
    return status;
}

/* A file that is none: told, and the others are run all the same. */
static enum od_status run_one(struct tally *tally, const char *path, struct od_error *error)
{
    enum od_status status = run_file(tally, path, error);
    if (status != OD_BAD_INPUT && status != OD_MISSING)
        return status;
    od_progress_end(&tally->progress);
    fflush(stdout);
    fprintf(stderr, "error: %s\n", error->text);
    tally->bad_file_count++;
    return OD_OK;
}

static bool is_test_file(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && (strcmp(dot, ".test") == 0 || strcmp(dot, ".slt") == 0);
}

static int order_names(const FTSENT **left, const FTSENT **right)
{
    return strcmp((*left)->fts_name, (*right)->fts_name);
}

/* All test files below, in the order of their names. */
static enum od_status run_folder(struct tally *tally, const char *path, struct od_error *error)
{
    char *const roots[] = {(char *)path, NULL};
    uint64_t count = 0;
    enum od_status status = OD_OK;
    FTS *walk = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, order_names);
    if (walk == NULL)
        return od_fail(error, OD_IO, "walking %s: %s", path, strerror(errno));
    for (FTSENT *entry = fts_read(walk); entry != NULL && status == OD_OK; entry = fts_read(walk)) {
        if (entry->fts_info != FTS_F || !is_test_file(entry->fts_name))
            continue;
        status = run_one(tally, entry->fts_path, error);
        count++;
    }
    fts_close(walk);
    if (status == OD_OK && count == 0)
        status = od_fail(error, OD_BAD_INPUT, "%s: expected .test or .slt files in the folder, found none", path);
    return status;
}

static enum od_status run_files(struct tally *tally, const struct od_arguments *arguments,
                                struct od_error *error)
{
    const char *junit_path = od_arguments_text(arguments, "junit", NULL);
    enum od_status status = OD_OK;
    if (junit_path != NULL) {
        tally->junit = fopen(junit_path, "w");
        if (tally->junit == NULL)
            return od_fail(error, OD_BAD_INPUT, "--junit %s: expected a file that can be written",
                           junit_path);
        fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"ordeal slt\">\n",
              tally->junit);
    }
    for (uint32_t i = 0; i < arguments->positional_count && status == OD_OK; i++) {
        struct stat found;
        const char *path = arguments->positional[i];
        bool is_folder = stat(path, &found) == 0 && S_ISDIR(found.st_mode);
        status = is_folder ? run_folder(tally, path, error) : run_one(tally, path, error);
    }
    od_progress_end(&tally->progress);
    if (tally->junit != NULL) {
        fputs("  </testsuite>\n</testsuites>\n", tally->junit);
        bool failed = ferror(tally->junit) != 0;
        if ((fclose(tally->junit) != 0 || failed) && status == OD_OK)
            status = od_fail(error, OD_IO, "writing %s", junit_path);
    }
    return status;
}

static const struct {
    const char *name;
    const char *known_as; /* in skipif and onlyif */
    bool is_postgres;     /* in its dialect */
    const struct od_slt_other *other;
} engines[] = {{"ref", "ordeal", true, NULL},
               {"postgres", "postgresql", true, &od_slt_postgres},
               {"sqlite", "sqlite", false, &od_slt_sqlite}};

static enum od_status choose_engine(struct tally *tally, const struct od_arguments *arguments,
                                    struct od_error *error)
{
    static const char *const names[] = {"ref", "postgres", "sqlite", NULL};
    uint32_t chosen = 0;
    OD_TRY(od_arguments_choice(arguments, "engine", names, &chosen, error));
    tally->other = engines[chosen].other;
    tally->slt_options.is_postgres = engines[chosen].is_postgres;
    tally->slt_options.name = od_arguments_text(arguments, "name", engines[chosen].known_as);
    return OD_OK;
}

static int run(const struct od_arguments *arguments)
{
    struct od_arena arena;
    struct od_error error = {0};
    struct tally tally = {
        .slt_options = {.skip_unsupported = od_arguments_has(arguments, "skip-unsupported"),
                        .strict_errors = od_arguments_has(arguments, "strict-errors"),
                        .read = read_file},
        .verbose = od_arguments_has(arguments, "verbose"),
        .completes = od_arguments_has(arguments, "complete"),
    };
    tally.slt_options.sink = (struct od_slt_sink){take_report, &tally};
    struct od_terminal progress_terminal;
    od_terminal_init(&tally.terminal, stdout);
    od_terminal_init(&progress_terminal, stderr);
    od_progress_init(&tally.progress, &progress_terminal, 0);
    od_arena_init(&arena, od_posix_memory(), 0);
    enum od_status status = choose_engine(&tally, arguments, &error);
    if (status == OD_OK)
        status = od_session_options_read(&arena, arguments, &tally.session_options, &error);
    tally.session_options.time_limit_s = 60;
    if (status == OD_OK)
        status = od_arguments_number(arguments, "time-limit", 0, 86400, &tally.session_options.time_limit_s, &error);
    if (status == OD_OK)
        status = run_files(&tally, arguments, &error);
    od_arena_release(&arena);
    if (status != OD_OK) {
        fflush(stdout);
        error.status = status;
        return od_exit_with(&error);
    }
    if (!tally.completes)
        put_summary(&tally);
    if (tally.bad_file_count > 0)
        return OD_EXIT_BAD_INPUT;
    return tally.counts[OD_SLT_FAILED] > 0 ? OD_EXIT_FAILED : OD_EXIT_HELD;
}

static const struct od_option options[] = {
    {"engine", "E",
     "ref (default), or to see what others say: postgres (the server ORDEAL_POSTGRES names), sqlite", false},
    OD_SESSION_OPTIONS,
    {"name", "NAME", "what skipif and onlyif call this engine (default ordeal); postgresql means it, too", false},
    {"time-limit", "SECONDS", "how long a query may take in sim, 0 for ever (default 60)", false},
    {"skip-unsupported", NULL, "what the engine refuses is skipped, not failed; what depends on it is refused, too", false},
    {"strict-errors", NULL, "error texts must match, though every engine has its own", false},
    {"junit", "FILE", "writes the verdicts as JUnit XML, too", false},
    {"complete", NULL, "writes what the engine answers into the files, in place of what they expect", false},
    {"verbose", NULL, "also tells each skipped record", false},
    {NULL, NULL, NULL, false},
};
const struct od_command od_command_slt = {
    .name = "slt",
    .positional = "FILE|FOLDER...",
    .positional_min = 1,
    .sentence = "runs sqllogictest files against an engine and checks every answer",
    .more = "Understands the format of SQLite's sqllogictest and what DuckDB and sqllogictest-rs added. `-` "
            "reads standard input; of a folder, all .test and .slt files below it are run.\n"
            "example: ordeal slt scenarios/slt",
    .options = options,
    .run = run,
};
