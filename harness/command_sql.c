/* command_sql: `ordeal sql "SELECT ..." --table NAME=FILE`: statements on one engine, answers to standard output, or the
 * last one to a file.
 *
 * The statements are one session's: what they create, later ones see. The first that fails ends the run. */
#include <stdio.h>
#include <string.h>

#include "engine/world/posix.h"
#include "harness/commands.h"
#include "harness/engines.h"
#include "harness/exit_status.h"
#include "harness/file.h"
#include "harness/session_engine.h"
#include "harness/table_file.h"
#include "harness/table_show.h"
#include "reports/prometheus.h"

struct printing {
    uint32_t format;
    bool quiet; /* standard output is for answers only: no "INSERT 3" */
    const char *output; /* NULL: standard output; else each answer replaces the one before */
    struct od_session_engine *counted; /* whose counts are told with each answer; NULL: none are */
};

/* "flights: departed timestamp, delay bigint..." on standard error, where it is in nobody's way. */
static void report_schema(const struct od_table *table)
{
    fprintf(stderr, "table %s, %u rows:", table->name, od_table_row_count(table));
    for (uint32_t i = 0; i < table->schema.field_count; i++)
        fprintf(stderr, "%s %s %s", i == 0 ? "" : ",", table->schema.fields[i].name,
                od_type_text(table->schema.fields[i].type));
    fputc('\n', stderr);
}

/* NAME=FILE */
static enum od_status load_table(struct od_session *session, const char *given, bool show_schema,
                                 struct od_error *error)
{
    char name[256];
    struct od_table *table = NULL;
    const char *equals = strchr(given, '=');
    if (equals == NULL || equals == given || equals[1] == '\0' || (size_t)(equals - given) >= sizeof(name))
        return od_fail(error, OD_BAD_INPUT, "--table %s: expected NAME=FILE", given);
    snprintf(name, sizeof(name), "%.*s", (int)(equals - given), given);
    enum od_status status = od_table_file_read(od_posix_memory(), name, equals + 1, &table, error);
    if (status == OD_OK && show_schema)
        report_schema(table);
    if (status == OD_OK)
        status = od_session_add_table(session, table, error);
    return status;
}

static enum od_status write_answer(const struct printing *printing, const struct od_table *answer, struct od_error *error)
{
    struct od_batch rows = od_table_view(answer);
    OD_TRY(od_table_file_write(od_posix_memory(), &rows, printing->output, error));
    fprintf(stderr, "%u rows written to %s\n", od_table_row_count(answer), printing->output);
    return OD_OK;
}

/* On standard error, where they are in nobody's way. */
static void report_counts(struct od_session_engine *engine)
{
    struct od_run_counts counts = od_session_engine_take_counts(engine);
    fprintf(stderr, "memory peak %llu bytes, spilled %llu bytes, shuffled %llu rows (%llu bytes), %u task attempts\n",
            (unsigned long long)counts.memory_peak_bytes, (unsigned long long)counts.spilled_bytes,
            (unsigned long long)counts.shuffle_rows, (unsigned long long)counts.shuffle_bytes,
            counts.attempts_launched);
}

static enum od_status print_result(void *self, struct od_session_result *result, struct od_error *error)
{
    const struct printing *printing = self;
    if (printing->counted != NULL)
        report_counts(printing->counted);
    if (strcmp(result->tag, "EXPLAIN") == 0 && printing->format == OD_SHOW_TABLE) {
        struct od_batch rows = od_table_view(result->answer);
        for (uint32_t row = 0; row < rows.row_count; row++) {
            struct od_value line = od_column_value(&rows.columns[0], row);
            printf("%.*s\n", (int)line.text.size, line.text.bytes);
        }
        return OD_OK;
    }
    if (result->answer != NULL && printing->output != NULL)
        return write_answer(printing, result->answer, error);
    if (result->answer != NULL)
        return od_table_show(result->answer, (enum od_show_format)printing->format, error);
    bool counts = strcmp(result->tag, "INSERT") == 0 || strcmp(result->tag, "UPDATE") == 0 ||
                  strcmp(result->tag, "DELETE") == 0;
    if (counts && !printing->quiet)
        printf("%s %llu\n", result->tag, (unsigned long long)result->changed_count);
    else if (!printing->quiet)
        printf("%s\n", result->tag);
    return OD_OK;
}

/* The text to run: an argument, standard input ("-"), or a file. */
static enum od_status read_text(const struct od_arguments *arguments, struct od_buffer *buffer,
                                const char **sql_out, struct od_error *error)
{
    const char *path = od_arguments_text(arguments, "file", NULL);
    if (path == NULL && arguments->positional_count == 2 && strcmp(arguments->positional[0], "-f") == 0)
        path = arguments->positional[1];
    else if (arguments->positional_count > 1 || (path != NULL && arguments->positional_count > 0))
        return od_fail(error, OD_BAD_INPUT, "ordeal sql: expected one SQL text; quote it as one argument");
    if (path == NULL && arguments->positional_count == 0)
        return od_fail(error, OD_BAD_INPUT, "ordeal sql: expected \"SELECT ...\", - or -f FILE");
    *sql_out = path == NULL ? arguments->positional[0] : path;
    if (path == NULL && strcmp(*sql_out, "-") != 0)
        return OD_OK;
    OD_TRY(od_file_read(*sql_out, buffer, error));
    *sql_out = od_buffer_text(buffer);
    if (strlen(*sql_out) != buffer->size)
        return od_fail(error, OD_BAD_INPUT, "reading SQL: expected text, found a NUL byte at offset %zu",
                       strlen(*sql_out));
    return OD_OK;
}

static enum od_status run_session(const struct od_arguments *arguments, struct od_session_engine *engine,
                                  struct od_error *error)
{
    struct od_session *session = od_session_engine_session(engine);
    static const char *const formats[] = {"table", "csv", "json", NULL};
    struct printing printing = {0};
    struct od_buffer text;
    const char *sql = NULL;
    const struct od_session_sink sink = {print_result, &printing};
    od_buffer_init(&text, od_posix_memory());
    enum od_status status = od_arguments_choice(arguments, "format", formats, &printing.format, error);
    for (uint32_t i = 0; i < arguments->given_count && status == OD_OK; i++) {
        if (strcmp(arguments->given[i].option->name, "table") == 0)
            status =
                load_table(session, arguments->given[i].value, od_arguments_has(arguments, "schema"), error);
    }
    if (od_arguments_has(arguments, "explain") || od_arguments_has(arguments, "explain-analyze"))
        od_session_explain_queries(session, od_arguments_has(arguments, "explain-analyze"));
    printing.output = od_arguments_text(arguments, "output", NULL);
    printing.counted = od_arguments_has(arguments, "counts") ? engine : NULL;
    printing.quiet = printing.format != OD_SHOW_TABLE;
    if (status == OD_OK)
        status = read_text(arguments, &text, &sql, error);
    if (status == OD_OK)
        status = od_session_run(session, sql, &sink, error);
    od_buffer_release(&text);
    return status;
}

/* With the measures that were asked for: written also of what ran before a failure. */
static enum od_status run_measured(const struct od_arguments *arguments, struct od_session_engine *engine,
                                   struct od_error *error)
{
    const char *path = od_arguments_text(arguments, "metrics", NULL);
    struct od_record *record = path == NULL ? NULL : od_record_new(od_posix_memory());
    if (path != NULL && record == NULL)
        return od_fail(error, OD_NO_MEMORY, "measuring");
    od_session_engine_measure(engine, record);
    enum od_status status = run_session(arguments, engine, error);
    if (record != NULL) {
        enum od_status written = od_record_write_prometheus(record, path, status == OD_OK ? error : NULL);
        status = status == OD_OK ? written : status;
    }
    od_record_free(record);
    return status;
}

/* With the event log that was asked for. */
static enum od_status run_logged(const struct od_arguments *arguments, struct od_session_engine *engine,
                                 struct od_error *error)
{
    const char *path = od_arguments_text(arguments, "events", NULL);
    struct od_event_log *log = NULL;
    if (path != NULL)
        OD_TRY(od_event_log_open_file(od_posix_memory(), path, &log, error));
    od_session_engine_log_events(engine, log);
    enum od_status status = run_measured(arguments, engine, error);
    enum od_status closed = od_event_log_close(log, status == OD_OK ? error : NULL);
    return status == OD_OK ? closed : status;
}

static int run(const struct od_arguments *arguments)
{
    struct od_arena arena;
    struct od_session_options options;
    struct od_session_engine *engine = NULL;
    struct od_error error = {0};
    od_arena_init(&arena, od_posix_memory(), 0);
    enum od_status status = od_engine_check(od_arguments_text(arguments, "engine", "ref"), &error);
    if (status == OD_OK)
        status = od_session_options_read(&arena, arguments, &options, &error);
    if (status == OD_OK)
        status = od_session_engine_new(&options, &engine, &error);
    if (status == OD_OK)
        status = run_logged(arguments, engine, &error);
    od_session_engine_free(engine);
    od_arena_release(&arena);
    if (status == OD_OK)
        return OD_EXIT_HELD;
    fflush(stdout);
    error.status = status;
    return od_exit_with(&error);
}

static const struct od_option options[] = {
    {"table", "NAME=FILE", "a table to query: .csv, .jsonl or .parquet; may be given many times", true},
    {"file", "FILE", "runs the statements of a file, as -f FILE does", false},
    {"engine", "E", "ref, the reference engine (`ordeal engines` lists them)", false},
    OD_SESSION_OPTIONS,
    {"explain", NULL, "print what would be done instead of running queries: plans, stages, rules", false},
    {"explain-analyze", NULL, "run queries and print what each stage and operator did instead of the answers", false},
    {"counts", NULL, "also tell what each statement held, spilled and shuffled, on standard error", false},
    {"events", "FILE", "write every event of the queries there, one JSON object a line", false},
    {"metrics", "FILE", "write what the queries measured there, in Prometheus' text format", false},
    {"schema", NULL, "also tell the tables' columns and types, on standard error", false},
    {"format", "F", "table (default), csv or json", false},
    {"output", "FILE", "write the answer there: .csv, .jsonl or .parquet", false},
    {NULL, NULL, NULL, false},
};
const struct od_command od_command_sql = {
    .name = "sql",
    .positional = "[\"SELECT ...; ...\" | - | -f FILE]",
    .positional_min = 0,
    .sentence = "runs SQL statements on an engine and prints the answers",
    .more = "A text that begins with a comment goes behind --, as after any command: ordeal sql -- \"-- a "
            "comment\n"
            "SELECT 1\".\n"
            "example: ordeal sql \"SELECT origin, count(*) FROM flights GROUP BY origin ORDER BY 2 DESC "
            "LIMIT 5\" \\\n"
            "             --table flights=flights.csv",
    .options = options,
    .run = run,
};
