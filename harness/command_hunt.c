/* command_hunt: `ordeal hunt`: a campaign of generated, disturbed, checked cases. Each failure is shrunk and saved as a case file. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chaos/sim.h"
#include "engine/world/posix.h"
#include "harness/campaign.h"
#include "harness/campaign_worker.h"
#include "harness/commands.h"
#include "harness/exit_status.h"
#include "harness/hitting_sets.h"
#include "harness/hunt_exhaustive.h"
#include "harness/hunt_lineage.h"

#define SECOND_NS UINT64_C(1000000000)

static enum od_status read_property(const struct od_arguments *arguments, struct od_campaign_options *options,
                                    struct od_error *error)
{
    const char *code = od_arguments_text(arguments, "property", NULL);
    if (code == NULL)
        return OD_OK;
    options->only = od_property_find(code);
    if (options->only != NULL)
        return OD_OK;
    char list[200] = "";
    for (uint32_t i = 0; i < od_property_count; i++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i == 0 ? "" : ", ", od_properties[i].code);
    return od_fail(error, OD_BAD_INPUT, "ordeal hunt: --property %s: expected one of %s", code, list);
}

/* "2/5": the second of five; counts from 1. */
static enum od_status read_shard(const struct od_arguments *arguments, struct od_campaign_options *options,
                                 struct od_error *error)
{
    const char *text = od_arguments_text(arguments, "shard", NULL);
    unsigned index = 1;
    unsigned count = 1;
    char rest;
    if (text != NULL && (sscanf(text, "%u/%u%c", &index, &count, &rest) != 2 || index < 1 || index > count))
        return od_fail(error, OD_BAD_INPUT, "ordeal hunt: --shard %s: expected I/N with 1 <= I <= N", text);
    options->shard_index = index - 1;
    options->shard_count = count;
    return OD_OK;
}

/* --case N: the only one that a shard has whose number is N. */
static enum od_status read_case(const struct od_arguments *arguments, struct od_campaign_options *options,
                                struct od_error *error)
{
    uint64_t index = 0;
    if (!od_arguments_has(arguments, "case"))
        return OD_OK;
    if (od_arguments_has(arguments, "shard") || od_arguments_has(arguments, "cases"))
        return od_fail(error, OD_BAD_INPUT, "ordeal hunt: --case is one case: without --cases and --shard");
    OD_TRY(od_arguments_number(arguments, "case", 0, UINT32_MAX - 1, &index, error));
    options->shard_index = (uint32_t)index;
    options->shard_count = (uint32_t)index + 1;
    options->case_count = index + 1;
    return OD_OK;
}

/* --explore pct [--depth D]: swarm, with priorities. */
static enum od_status read_pct(const struct od_arguments *arguments, struct od_campaign_options *options, struct od_error *error)
{
    uint64_t depth = 3;
    if (strcmp(od_arguments_text(arguments, "explore", "swarm"), "pct") != 0)
        return OD_OK;
    if (od_arguments_has(arguments, "sql") || options->deployment != OD_DEPLOY_SIM)
        return od_fail(error, OD_BAD_INPUT, "ordeal hunt: --explore pct is for faults in sim: without --sql and --deploy");
    OD_TRY(od_arguments_number(arguments, "depth", 1, OD_SIM_PCT_DEPTH_MAX, &depth, error));
    options->pct_depth = (uint32_t)depth;
    return OD_OK;
}

/* --explore lineage [--faults K] [--runs N]: what is judged is the answer, property F1. */
static enum od_status read_lineage(const struct od_arguments *arguments, struct od_campaign_options *options,
                                   struct od_error *error)
{
    uint64_t faults = 2;
    bool is_meant = strcmp(od_arguments_text(arguments, "explore", "swarm"), "lineage") == 0;
    static const char *const others[] = {"sql", "property", "deploy"};
    for (uint32_t i = 0; i < 3 && is_meant; i++)
        if (od_arguments_has(arguments, others[i]))
            return od_fail(error, OD_BAD_INPUT, "ordeal hunt: --explore lineage judges answers in sim: without --%s", others[i]);
    options->runs_max = 8;
    OD_TRY(od_arguments_number(arguments, "faults", 1, OD_HITTING_SIZE_MAX, &faults, error));
    OD_TRY(od_arguments_number(arguments, "runs", 1, UINT64_MAX, &options->runs_max, error));
    options->faults_max = (uint32_t)faults;
    if (!is_meant)
        return OD_OK;
    options->exploration = OD_EXPLORE_LINEAGE;
    options->only = od_property_find("F1");
    return OD_OK;
}

/* --sql [--oracle LIST]: before any worker is made, so that an engine that is not there ends the command. */
static enum od_status read_statements(const struct od_arguments *arguments, struct od_campaign_options *options,
                                      struct od_error *error)
{
    struct od_query_oracles *oracles = NULL;
    if (!od_arguments_has(arguments, "sql")) {
        if (od_arguments_has(arguments, "oracle"))
            return od_fail(error, OD_BAD_INPUT, "ordeal hunt: --oracle is for --sql");
        return OD_OK;
    }
    options->only = &od_property_statement;
    options->hang_ns = 600 * SECOND_NS; /* others are asked, too, who may be slow */
    options->tells_refusals = od_arguments_has(arguments, "refusals");
    OD_TRY(od_oracles_parse(od_arguments_text(arguments, "oracle", "model,sqlite"), &options->oracles, error));
    enum od_status status = od_query_oracles_open(options->oracles, &oracles, error);
    od_query_oracles_close(oracles);
    return status;
}

/* --kinds LIST, less what the deployment has not. `kinds` lives as long as the options. */
static enum od_status read_kinds(const struct od_arguments *arguments, struct od_fault_kinds *kinds,
                                 struct od_campaign_options *options, struct od_error *error)
{
    const char *text = od_arguments_text(arguments, "kinds", NULL);
    if (text == NULL && options->deployment == OD_DEPLOY_SIM)
        return OD_OK;
    if (text != NULL && (od_arguments_has(arguments, "sql") || options->exploration != OD_EXPLORE_SWARM))
        return od_fail(error, OD_BAD_INPUT, "ordeal hunt: --kinds is for --explore swarm, without --sql");
    *kinds = od_fault_kinds_survivable();
    if (text != NULL)
        OD_TRY(od_fault_kinds_parse(text, kinds, error));
    od_deployment_limit_kinds(options->deployment, kinds);
    options->kinds = kinds;
    return od_fault_kinds_count(kinds) > 0 ? OD_OK
                                           : od_fail(error, OD_BAD_INPUT, "--kinds: %s: such faults change nothing in %s", text,
                                                     od_deployment_text(options->deployment));
}

static enum od_status read_options(const struct od_arguments *arguments, struct od_campaign_options *options,
                                   struct od_error *error)
{
    static const char *const explorations[] = {"swarm", "lineage", "exhaustive", "pct", NULL};
    static const char *const deployments[] = {"sim", "processes", NULL};
    if (arguments->positional_count > 0)
        return od_fail(error, OD_BAD_INPUT, "ordeal hunt: %s: scenarios are for --explore lineage and exhaustive", arguments->positional[0]);
    uint32_t exploration = 0;
    uint32_t deployment = 0;
    uint64_t jobs = 1;
    uint64_t shown = 3;
    uint64_t shrink_ns = 20 * SECOND_NS;
    static struct od_fault_kinds kinds;
    *options = (struct od_campaign_options){
        .directory = od_arguments_text(arguments, "out", "ordeal-out/hunt"), .hang_ns = 60 * SECOND_NS};
    options->seed = od_arguments_has(arguments, "seed") ? 0 : od_posix_seed();
    enum od_status status = od_arguments_number(arguments, "seed", 0, UINT64_MAX, &options->seed, error);
    if (status == OD_OK)
        status = od_arguments_number(arguments, "cases", 1, UINT64_MAX, &options->case_count, error);
    if (status == OD_OK)
        status = od_arguments_duration(arguments, "time", &options->time_ns, error);
    if (status == OD_OK)
        status = od_arguments_duration(arguments, "shrink-time", &shrink_ns, error);
    if (status == OD_OK)
        status = od_arguments_number(arguments, "jobs", 1, OD_CAMPAIGN_JOBS_MAX, &jobs, error);
    if (status == OD_OK)
        status = od_arguments_choice(arguments, "explore", explorations, &exploration, error);
    if (status == OD_OK)
        status = od_arguments_choice(arguments, "deploy", deployments, &deployment, error);
    options->deployment = deployment == 0 ? OD_DEPLOY_SIM : OD_DEPLOY_PROCESSES;
    if (status == OD_OK)
        status = read_shard(arguments, options, error);
    if (status == OD_OK)
        status = read_case(arguments, options, error);
    if (status == OD_OK)
        status = read_property(arguments, options, error);
    if (status == OD_OK)
        status = read_lineage(arguments, options, error);
    if (status == OD_OK)
        status = read_pct(arguments, options, error);
    if (status == OD_OK)
        status = read_kinds(arguments, &kinds, options, error);
    if (status == OD_OK)
        status = read_statements(arguments, options, error);
    if (status == OD_OK)
        status = od_arguments_number(arguments, "show", 0, 1000, &shown, error);
    options->failures_shown_max = (uint32_t)shown;
    options->ends_at_failure = od_arguments_has(arguments, "first");
    options->job_count = (uint32_t)jobs;
    options->shrink_ns = shrink_ns;
    if (options->case_count == 0 && options->time_ns == 0)
        options->time_ns = 60 * SECOND_NS;
    return status;
}

/* Which properties were judged how often: a property with none was not checked, and the table says so. Excused are
 * the cases that ended as they may, or that the oracle cannot follow: only the invariants were judged. */
static void print_properties(const struct od_campaign_result *result, FILE *stream)
{
    fprintf(stream, "cases by property, judged and excused:\n");
    for (uint32_t i = 0; i < od_property_count && i < 64; i++)
        fprintf(stream, "  %-4s %10llu %8llu  %s\n", od_properties[i].code,
                (unsigned long long)result->property_counts[i], (unsigned long long)result->excused_counts[i],
                od_properties[i].sentence);
}

static void print_kind_counts(const char *name, int name_bytes, const uint64_t *counts, FILE *stream)
{
    fprintf(stream, "  %-25.*s", name_bytes, name);
    for (unsigned i = 0; i < OD_KIND_COUNTS; i++)
        fprintf(stream, " %11llu", (unsigned long long)counts[i]);
    fputc('\n', stream);
}

#define SILENT_NAMES_MAX 12

/* Those that may be drawn and never took effect: nothing was checked under them. A short campaign has so many that their number says
 * it; the record names them all. */
static void print_silent_kinds(const struct od_fault_kinds *kinds, const struct od_campaign_result *result, FILE *stream)
{
    enum od_fault_kind silent[OD_FAULT_KIND_COUNT];
    uint32_t count = 0;
    uint32_t drawn_count = 0;
    for (unsigned i = 0; i < OD_FAULT_KIND_COUNT; i++) {
        bool may_be_drawn = od_fault_kinds_has(kinds, (enum od_fault_kind)i);
        drawn_count += may_be_drawn;
        if (may_be_drawn && result->kind_counts[i][OD_KIND_FIRED] == 0)
            silent[count++] = (enum od_fault_kind)i;
    }
    if (count == 0)
        return;
    fprintf(stream, "%u of %u kinds never took effect", count, drawn_count);
    for (uint32_t i = 0; i < count && count <= SILENT_NAMES_MAX; i++)
        fprintf(stream, "%s %s", i == 0 ? ":" : "", od_fault_kind_text(silent[i]));
    fputc('\n', stream);
}

/* One line a kind where a campaign is aimed at few; else one a subject. */
static void print_kinds(const struct od_campaign_options *options, const struct od_campaign_result *result, FILE *stream)
{
    struct od_fault_kinds kinds = options->kinds != NULL ? *options->kinds : od_fault_kinds_survivable();
    bool is_aimed = od_fault_kinds_count(&kinds) <= OD_FAULT_KIND_COUNT / 2;
    uint64_t sums[OD_KIND_COUNTS] = {0};
    fprintf(stream, "%-27s %11s %11s %11s %11s %11s\n", "cases by kind of fault:", "drawn", "took effect", "held", "failed",
            "violated");
    for (unsigned i = 0; i < OD_FAULT_KIND_COUNT; i++) {
        const char *text = od_fault_kind_text((enum od_fault_kind)i);
        const char *next = i + 1 < OD_FAULT_KIND_COUNT ? od_fault_kind_text((enum od_fault_kind)(i + 1)) : "";
        size_t subject_bytes = strcspn(text, ".");
        for (unsigned k = 0; k < OD_KIND_COUNTS; k++)
            sums[k] += result->kind_counts[i][k];
        if (is_aimed && od_fault_kinds_has(&kinds, (enum od_fault_kind)i))
            print_kind_counts(text, (int)strlen(text), result->kind_counts[i], stream);
        if (strncmp(text, next, subject_bytes + 1) == 0)
            continue;
        if (!is_aimed)
            print_kind_counts(text, (int)subject_bytes, sums, stream);
        memset(sums, 0, sizeof(sums));
    }
    print_silent_kinds(&kinds, result, stream);
}

/* What statements had in them, and who was asked about them. */
static void print_statements(const struct od_campaign_result *result, FILE *stream)
{
    fprintf(stream, "statements with each feature, and how many of them were answered:\n");
    for (uint32_t i = 0; i < OD_QUERY_FEATURE_COUNT; i++)
        fprintf(stream, "  %9llu %9llu  %s\n", (unsigned long long)result->feature_counts[i][1],
                (unsigned long long)result->feature_counts[i][0], od_query_feature_text((enum od_query_feature)i));
    fprintf(stream, "statements by what this engine said:\n");
    for (uint32_t i = 0; i < 32; i++)
        if (result->status_counts[i] > 0)
            fprintf(stream, "  %9llu  %s\n", (unsigned long long)result->status_counts[i], od_status_text((enum od_status)i));
    fprintf(stream, "statements by oracle:  compared  of other features   open  outvoted by postgres  not asked\n");
    for (uint32_t i = 0; i < OD_ORACLE_COUNT; i++)
        fprintf(stream, "  %-20s %9llu  %17llu  %5llu  %20llu  %9llu\n", od_oracle_text((enum od_oracle)i),
                (unsigned long long)result->asked_counts[i][OD_ASKED_COMPARED],
                (unsigned long long)result->asked_counts[i][OD_ASKED_FOREIGN],
                (unsigned long long)result->asked_counts[i][OD_ASKED_OPEN],
                (unsigned long long)result->asked_counts[i][OD_ASKED_OUTVOTED],
                (unsigned long long)result->asked_counts[i][OD_ASKED_NOT]);
}

/* By the wall clock and the cores that the jobs could use. */
static double rate_per_core(const struct od_campaign_options *options, const struct od_campaign_result *result)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    double used = options->job_count < (uint32_t)cores ? options->job_count : (double)cores;
    return result->wall_ns == 0 ? 0 : (double)result->case_count / ((double)result->wall_ns / 1e9) / used;
}

static void print_result(const struct od_campaign_options *options, const struct od_campaign_result *result,
                         FILE *stream)
{
    double seconds = (double)result->wall_ns / 1e9;
    fprintf(stream, "seed %llu, %u job%s, %.1f s; %llu cluster runs, %llu cases with a fault that took effect, virtual time %.0f x "
           "real\n",
           (unsigned long long)options->seed, options->job_count, options->job_count == 1 ? "" : "s", seconds,
           (unsigned long long)result->run_count, (unsigned long long)result->disturbed_count,
           seconds > 0 ? (double)result->virtual_ns / 1e9 / seconds : 0);
    if (options->exploration == OD_EXPLORE_LINEAGE)
        fprintf(stream, "%llu cases explored, of which %llu to the end: no %u faults break them; %llu passed over without a run\n",
                (unsigned long long)result->explored_count, (unsigned long long)result->unbroken_count, options->faults_max,
                (unsigned long long)(result->case_count - result->explored_count));
    if (options->only == &od_property_statement)
        print_statements(result, stream);
    else
        print_properties(result, stream);
    if (options->only != &od_property_statement && options->exploration == OD_EXPLORE_SWARM)
        print_kinds(options, result, stream);
    for (uint32_t i = 0; i < result->shown_count; i++)
        fprintf(stream, "%s case %llu: ordeal replay %s%s\n", result->shown[i].code, (unsigned long long)result->shown[i].case_index,
                od_campaign_replay_options(options), result->shown[i].path);
    if (result->failure_count > result->shown_count)
        fprintf(stream, "%llu more failures of the same properties were counted and not shrunk\n",
               (unsigned long long)(result->failure_count - result->shown_count));
    fprintf(stream, "cases %llu, failures %llu, %.0f cases/s/core\n", (unsigned long long)result->case_count,
           (unsigned long long)result->failure_count, rate_per_core(options, result));
    fprintf(stream, "campaign digest %016llx\n", (unsigned long long)result->digest);
}

/* What became of asking, as one JSON member each. */
static const char *const asked_texts[OD_ASKED_COUNT] = {[OD_ASKED_NOT] = "not_asked",
                                                        [OD_ASKED_COMPARED] = "compared",
                                                        [OD_ASKED_FOREIGN] = "of_other_features",
                                                        [OD_ASKED_OUTVOTED] = "outvoted",
                                                        [OD_ASKED_OPEN] = "open"};

/* The same numbers as print_statements. */
static json_t *statements_json(const struct od_campaign_result *result)
{
    json_t *statuses = json_object();
    json_t *oracles = json_object();
    json_t *features = json_object();
    for (uint32_t i = 0; i < 32; i++)
        if (result->status_counts[i] > 0)
            json_object_set_new(statuses, od_status_text((enum od_status)i),
                                json_integer((json_int_t)result->status_counts[i]));
    for (uint32_t i = 0; i < OD_ORACLE_COUNT; i++) {
        json_t *asked = json_object();
        for (uint32_t j = 0; j < OD_ASKED_COUNT; j++)
            json_object_set_new(asked, asked_texts[j], json_integer((json_int_t)result->asked_counts[i][j]));
        json_object_set_new(oracles, od_oracle_text((enum od_oracle)i), asked);
    }
    for (uint32_t i = 0; i < OD_QUERY_FEATURE_COUNT; i++)
        json_object_set_new(features, od_query_feature_text((enum od_query_feature)i),
                            json_pack("{sI sI}", "drawn", (json_int_t)result->feature_counts[i][1],
                                      "answered", (json_int_t)result->feature_counts[i][0]));
    return json_pack("{so so so}", "by_status", statuses, "by_oracle", oracles, "by_feature", features);
}

/* The same numbers as print_kinds, of each kind. */
static json_t *kinds_json(const struct od_campaign_result *result)
{
    json_t *kinds = json_object();
    for (unsigned i = 0; i < OD_FAULT_KIND_COUNT; i++) {
        const uint64_t *counts = result->kind_counts[i];
        json_object_set_new(kinds, od_fault_kind_text((enum od_fault_kind)i),
                            json_pack("{sI sI sI sI sI}", "drawn", (json_int_t)counts[OD_KIND_DRAWN], "took_effect",
                                      (json_int_t)counts[OD_KIND_FIRED], "held", (json_int_t)counts[OD_KIND_HELD],
                                      "failed_as_promised", (json_int_t)counts[OD_KIND_FAILED], "violated",
                                      (json_int_t)counts[OD_KIND_VIOLATED]));
    }
    return kinds;
}

/* The same as one JSON object on standard output. */
static enum od_status print_json(const struct od_campaign_options *options, const struct od_campaign_result *result,
                                 struct od_error *error)
{
    char digest[17];
    snprintf(digest, sizeof(digest), "%016llx", (unsigned long long)result->digest);
    json_t *properties = json_object();
    json_t *excused = json_object();
    bool of_statements = options->only == &od_property_statement;
    for (uint32_t i = 0; i < (of_statements ? 1 : od_property_count) && i < 64; i++) {
        const char *code = of_statements ? od_property_statement.code : od_properties[i].code;
        json_object_set_new(properties, code, json_integer((json_int_t)result->property_counts[i]));
        json_object_set_new(excused, code, json_integer((json_int_t)result->excused_counts[i]));
    }
    json_t *failures = json_array();
    for (uint32_t i = 0; i < result->shown_count; i++)
        json_array_append_new(failures,
                              json_pack("{ss sI ss ss}", "code", result->shown[i].code, "case",
                                        (json_int_t)result->shown[i].case_index, "file", result->shown[i].path, "text",
                                        result->shown[i].text));
    json_t *root = json_pack(
        "{sI sI sI sI sI sf sf ss so so so}", "seed", (json_int_t)options->seed, "cases", (json_int_t)result->case_count,
        "failures", (json_int_t)result->failure_count, "disturbed_cases", (json_int_t)result->disturbed_count, "runs",
        (json_int_t)result->run_count, "seconds", (double)result->wall_ns / 1e9, "cases_per_second_per_core",
        rate_per_core(options, result), "campaign_digest", digest, "cases_by_property", properties, "excused_by_property", excused, "shown", failures);
    if (root != NULL && of_statements)
        json_object_set_new(root, "statements", statements_json(result));
    if (root != NULL && !of_statements && options->exploration == OD_EXPLORE_SWARM)
        json_object_set_new(root, "cases_by_kind_of_fault", kinds_json(result));
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    if (text == NULL)
        return od_fail(error, OD_NO_MEMORY, "printing a campaign");
    puts(text);
    free(text);
    return OD_OK;
}

/* --steps FILE; the worker writes it. */
static enum od_status open_steps(const struct od_arguments *arguments, struct od_campaign_options *options, struct od_error *error)
{
    const char *path = od_arguments_text(arguments, "steps", NULL);
    if (path == NULL)
        return OD_OK;
    if (!od_arguments_has(arguments, "case"))
        return od_fail(error, OD_BAD_INPUT, "ordeal hunt: --steps is for one case: with --case");
    options->steps = fopen(path, "w");
    return options->steps != NULL ? OD_OK : od_fail(error, OD_IO, "%s: opening it for writing", path);
}

/* An option that another exploration has must not seem to have been obeyed. */
static enum od_status check_meant(const struct od_arguments *arguments, struct od_error *error)
{
    static const struct {
        const char *option;
        const char *explorations;
    } aimed[] = {{"depth", "exhaustive and pct"}, {"rows", "exhaustive and lineage"}, {"singles", "exhaustive"},
                 {"pairs", "exhaustive"},         {"faults", "lineage"},              {"runs", "lineage"}};
    const char *exploration = od_arguments_text(arguments, "explore", "swarm");
    for (size_t i = 0; i < sizeof(aimed) / sizeof(aimed[0]); i++)
        if (od_arguments_has(arguments, aimed[i].option) && strstr(aimed[i].explorations, exploration) == NULL)
            return od_fail(error, OD_BAD_INPUT, "ordeal hunt: --%s is for --explore %s", aimed[i].option, aimed[i].explorations);
    return OD_OK;
}

static int run(const struct od_arguments *arguments)
{
    static struct od_campaign_result result;
    struct od_campaign_options campaign;
    struct od_error error = {0};
    if (check_meant(arguments, &error) != OD_OK)
        return od_exit_with(&error);
    if (arguments->positional_count > 0 && strcmp(od_arguments_text(arguments, "explore", "swarm"), "lineage") == 0)
        return od_hunt_lineage(arguments);
    if (strcmp(od_arguments_text(arguments, "explore", "swarm"), "exhaustive") == 0) {
        if (!od_arguments_has(arguments, "kinds"))
            return od_hunt_exhaustive(arguments);
        od_fail(&error, OD_BAD_INPUT, "ordeal hunt: --kinds is for --explore swarm: exhaustive tries every one");
        return od_exit_with(&error);
    }
    if (read_options(arguments, &campaign, &error) != OD_OK)
        return od_exit_with(&error);
    if (open_steps(arguments, &campaign, &error) != OD_OK || od_campaign_run(&campaign, &result, &error) != OD_OK)
        return od_exit_with(&error);
    if (campaign.steps != NULL)
        fclose(campaign.steps);
    bool json = od_arguments_has(arguments, "json");
    print_result(&campaign, &result, json ? stderr : stdout);
    if (json && print_json(&campaign, &result, &error) != OD_OK)
        return od_exit_with(&error);
    if (result.own_bug_count > 0)
        return OD_EXIT_OWN_BUG;
    if (result.failure_count > 0)
        return OD_EXIT_FAILED;
    return result.interrupted ? OD_EXIT_UNDECIDED : OD_EXIT_HELD;
}

static const struct od_option options[] = {
    {"time", "T", "how long (default 60s unless --cases is given)", false},
    {"cases", "N", "how many cases", false},
    {"seed", "N", "of the campaign; drawn and printed when not given", false},
    {"jobs", "N", "worker processes (default 1); the digest does not depend on it", false},
    {"shard", "I/N", "only every N-th case, beginning with the I-th: for campaigns over machines", false},
    {"deploy", "D", "sim (default), or processes: the same cases on real clusters, one for each run", false},
    {"case", "N", "only the case of this number, as failures are told, of the same seed", false},
    {"property", "CODE", "only this property", false},
    {"kinds", "LIST", "only such faults: kinds and subjects as `ordeal run --list-faults` has them, with - to leave out: task,-task.hang; "
                      "less those that change nothing in processes",
     false},
    {"sql", NULL, "statements in SQL, in every variation of how they are run, instead of plans under faults", false},
    {"oracle", "LIST", "with --sql: who is asked: some of model, sqlite, duckdb, postgres (default model,sqlite)", false},
    {"refusals", NULL, "with --sql: tell the statements that this engine refuses, and why", false},
    {"show", "N", "so many failures of one kind are shrunk and saved by each job (default 3)", false},
    {"steps", "FILE", "with --case: every event of its simulations, with the digest behind it, to compare with another build's", false},
    {"first", NULL, "end with the first failure", false},
    {"explore", "E", "swarm (default): random subsets of everything; lineage: faults that take away what the answer rests on; pct: swarm, with "
                     "priorities of actors, some of which change; exhaustive: "
                     "every fault. lineage and exhaustive: on drawn cases or scenarios' queries", false},
    OD_HUNT_EXHAUSTIVE_OPTIONS,
    {"faults", "K", "lineage: at a time (default 2)", false},
    {"runs", "N", "lineage: of one case (default 8), of one query of a scenario (default 20000)", false},
    {"shrink-time", "T", "bound on the shrinking of one failure (default 20s)", false},
    {"json", NULL, "the result as JSON on standard output, text on standard error", false},
    {"out", "DIR", "where failures go: DIR/cases (default ordeal-out/hunt)", false},
    {NULL, NULL, NULL, false},
};
const struct od_command od_command_hunt = {
    .name = "hunt",
    .positional = "[SCENARIO...]",
    .sentence = "hunts for bugs: generated queries under generated faults, checked; failures are shrunk and saved",
    .more = "example: ordeal hunt --time 60s --jobs 2\n"
            "         ordeal hunt scenarios/*.yaml --explore exhaustive --depth 2 --jobs 2\n"
            "Last on standard output: \"cases N, failures N, N cases/s/core\" and \"campaign digest HEX\".",
    .options = options,
    .run = run,
};
