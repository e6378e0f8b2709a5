/* command_sql: `ordeal sql "SELECT ..." --table NAME=FILE.csv`: one query on one engine, answer to standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/io/csv.h"
#include "engine/world/posix.h"
#include "harness/table_show.h"
#include "harness/cluster.h"
#include "harness/commands.h"
#include "harness/engines.h"
#include "harness/exit_status.h"
#include "harness/file.h"
#include "harness/prepare.h"

#define TABLES_MAX 256

struct session {
    struct od_arena arena; /* plans and texts */
    uint32_t table_count;
    struct od_table *tables[TABLES_MAX]; /* owned */
    struct od_plan_options plan_options;
    struct od_cluster_request request;
    uint32_t format;
    bool explain;
    bool show_schema;
};

static enum od_status load_table(struct session *session, const char *given, struct od_error *error)
{
    const char *equals = strchr(given, '=');
    if (equals == NULL || equals == given || equals[1] == '\0')
        return od_fail(error, OD_BAD_INPUT, "--table %s: expected NAME=FILE.csv", given);
    if (session->table_count == TABLES_MAX)
        return od_fail(error, OD_BAD_INPUT, "--table: at most %d tables", TABLES_MAX);
    const char *name = od_arena_copy_text(&session->arena, given, (size_t)(equals - given));
    if (name == NULL)
        return od_fail(error, OD_NO_MEMORY, "loading a table");
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    enum od_status status = od_file_read(equals + 1, &text, error);
    if (status == OD_OK)
        status = od_csv_read(od_posix_memory(), name, equals + 1, od_buffer_text(&text), text.size, NULL,
                             &session->tables[session->table_count], error);
    if (status == OD_OK)
        session->table_count++;
    od_buffer_release(&text);
    return status;
}

/* "flights: departed timestamp, delay bigint..." on standard error, where it is in nobody's way. */
static void report_schema(const struct od_table *table)
{
    fprintf(stderr, "table %s, %u rows:", table->name, od_table_row_count(table));
    for (uint32_t i = 0; i < table->schema.field_count; i++)
        fprintf(stderr, "%s %s %s", i == 0 ? "" : ",", table->schema.fields[i].name,
                od_type_text(table->schema.fields[i].type));
    fputc('\n', stderr);
}

static enum od_status read_options(struct session *session, const struct od_arguments *arguments,
                                   struct od_error *error)
{
    static const char *const formats[] = {"table", "csv", "json", NULL};
    static const char *const deployments[] = {"sim", "threads", NULL};
    uint32_t deployment = OD_DEPLOY_SIM;
    uint64_t executors = 3;
    session->explain = od_arguments_has(arguments, "explain");
    session->show_schema = od_arguments_has(arguments, "schema");
    session->request.seed = 1;
    enum od_status status = od_engine_check(od_arguments_text(arguments, "engine", "ref"), error);
    if (status == OD_OK)
        status = od_arguments_choice(arguments, "format", formats, &session->format, error);
    if (status == OD_OK)
        status = od_arguments_choice(arguments, "deploy", deployments, &deployment, error);
    if (status == OD_OK)
        status = od_arguments_number(arguments, "executors", 1, 64, &executors, error);
    if (status == OD_OK)
        status = od_arguments_number(arguments, "seed", 0, UINT64_MAX, &session->request.seed, error);
    if (status == OD_OK)
        status = od_rules_off_parse(od_arguments_text(arguments, "rules-off", ""), &session->plan_options.rules_off,
                                    error);
    session->request.deployment = (enum od_deployment)deployment;
    session->request.options.executor_count = (uint32_t)executors;
    session->request.options.codec = OD_CODEC_ZSTD;
    for (uint32_t i = 0; i < arguments->given_count && status == OD_OK; i++) {
        if (strcmp(arguments->given[i].option->name, "table") == 0)
            status = load_table(session, arguments->given[i].value, error);
    }
    return status;
}

static enum od_status print_explanation(const struct od_prepared *prepared, struct od_error *error)
{
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    od_buffer_append_text(&text, "logical\n");
    od_plan_print(prepared->plan, &text);
    od_buffer_append_text(&text, "\noptimised\n");
    od_plan_print(prepared->optimised, &text);
    od_buffer_append_text(&text, "\nstages\n");
    od_stage_graph_print(prepared->graph, &text);
    bool failed = text.failed;
    fwrite(text.bytes, 1, text.size, stdout);
    od_buffer_release(&text);
    return failed ? od_fail(error, OD_NO_MEMORY, "explaining a query") : OD_OK;
}

static enum od_status run_graph(struct session *session, const struct od_stage_graph *graph, struct od_error *error)
{
    char directory[] = "/tmp/ordeal-XXXXXX";
    struct od_cluster_result result = {0};
    session->request.graph = graph;
    if (session->request.deployment == OD_DEPLOY_THREADS) {
        if (mkdtemp(directory) == NULL)
            return od_fail(error, OD_IO, "making a temporary folder in /tmp");
        session->request.directory = directory;
    }
    enum od_status status = od_cluster_run(od_posix_memory(), &session->request, &result, error);
    if (session->request.directory != NULL)
        od_folder_remove(directory, NULL);
    if (status == OD_OK && !result.ended)
        status = od_fail(error, OD_TIMED_OUT, "the query did not end");
    if (status == OD_OK && result.outcome.status != OD_OK) {
        *error = result.outcome.error;
        status = result.outcome.status;
    }
    if (status == OD_OK)
        status = od_table_show(result.outcome.answer, (enum od_show_format)session->format, error);
    od_cluster_result_release(&result);
    return status;
}

static int run(const struct od_arguments *arguments)
{
    struct session session = {0};
    struct od_error error = {0};
    struct od_buffer piped;
    od_buffer_init(&piped, od_posix_memory());
    od_arena_init(&session.arena, od_posix_memory(), 0);
    const char *sql = arguments->positional[0];
    enum od_status status = read_options(&session, arguments, &error);
    if (status == OD_OK && arguments->positional_count > 1)
        status = od_fail(&error, OD_BAD_INPUT, "ordeal sql: expected one SQL text; quote it as one argument");
    if (status == OD_OK && strcmp(sql, "-") == 0) {
        status = od_file_read("-", &piped, &error);
        sql = od_buffer_text(&piped);
    }
    const struct od_catalog catalog = {session.table_count, (const struct od_table *const *)session.tables};
    struct od_prepared prepared;
    for (uint32_t i = 0; i < session.table_count && status == OD_OK && session.show_schema; i++)
        report_schema(session.tables[i]);
    if (status == OD_OK)
        status = od_prepare_sql(&session.arena, sql, &catalog, &session.plan_options, &prepared, &error);
    if (status == OD_OK)
        status = session.explain ? print_explanation(&prepared, &error) : run_graph(&session, prepared.graph, &error);
    for (uint32_t i = 0; i < session.table_count; i++)
        od_table_free(od_posix_memory(), session.tables[i]);
    od_arena_release(&session.arena);
    od_buffer_release(&piped);
    if (status == OD_OK)
        return OD_EXIT_HELD;
    error.status = status;
    return od_exit_with(&error);
}

static const struct od_option options[] = {
    {"table", "NAME=FILE.csv", "a table to query; may be given many times", true},
    {"engine", "E", "ref, the reference engine (`ordeal engines` lists them)", false},
    {"deploy", "D", "sim (default) or threads", false},
    {"executors", "N", "how many executors (default 3)", false},
    {"seed", "N", "of the simulation's interleaving (default 1)", false},
    {"rules-off", "RULE,...", "optimizer rules to switch off", false},
    {"explain", NULL, "print logical, optimised plan and stages instead of running", false},
    {"schema", NULL, "also tell the tables' columns and types, on standard error", false},
    {"format", "F", "table (default), csv or json", false},
    {NULL, NULL, NULL, false},
};
const struct od_command od_command_sql = {
    .name = "sql",
    .positional = "\"SELECT ...\" | -",
    .positional_min = 1,
    .sentence = "runs one SQL query on an engine and prints the answer",
    .more = "example: ordeal sql \"SELECT origin, count(*) FROM flights GROUP BY origin ORDER BY 2 DESC LIMIT 5\" \\\n"
            "             --table flights=flights.csv",
    .options = options,
    .run = run,
};
