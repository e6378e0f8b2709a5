/* command_recover: `ordeal recover`: what the death of an executor costs a query, on real processes.
 *
 *   for each query:  the answer in sim (what is right)
 *                    rounds: undisturbed, and killed at each share of the undisturbed time; in random order from the seed
 *
 * The share is of the median of the undisturbed times so far. Before each measured run comes one that is not: the new process that
 * replaced the dead one is then up and has the tables mapped, as the others have; it also shows that the executor was replaced. A run that
 * ended before the kill is done again, a few times. Ratios are against the undisturbed run of the same round. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/world/posix.h"
#include "harness/cluster_processes.h"
#include "harness/commands.h"
#include "harness/exit_status.h"
#include "harness/scenario_plan.h"
#include "harness/table_show.h"
#include "harness/thousandths.h"

#define SHARES_MAX   8
#define ROUNDS_MAX   99
#define TRIES        4
#define REPLACED_NS  UINT64_C(10000000000)
#define WATCH_NS     UINT64_C(500000)
#define RUN_LIMIT_NS UINT64_C(120000000000)

struct recover {
    struct od_processes *processes;
    struct od_scenario_run *scenario;
    uint32_t executor_count;
    uint32_t share_count;
    uint64_t shares[SHARES_MAX]; /* thousandths of the undisturbed time */
    uint32_t rounds;
    struct od_stream stream;
    /* of the run that is on */
    uint64_t started_ns;
    uint64_t kill_after_ns; /* 0: nobody dies */
    uint32_t victim;
    int killed; /* its process; 0: not yet */
    /* over all */
    uint32_t wrong, failed, deaths, replaced, missed;
    uint64_t recomputed, tasks;
};

/* One query: seconds of each round; [0]: undisturbed, [1 + i]: killed at share i; 0: it came to nothing. */
struct measured {
    double seconds[SHARES_MAX + 1][ROUNDS_MAX];
};

static uint64_t now_ns(void)
{
    struct od_clock clock = od_posix_clock();
    return clock.now_ns(clock.self);
}

static int compare_doubles(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

/* 0 when there is none. */
static double median(const double *values, uint32_t count)
{
    double sorted[512];
    uint32_t used = 0;
    for (uint32_t i = 0; i < count && used < 512; i++)
        if (values[i] > 0)
            sorted[used++] = values[i];
    if (used == 0)
        return 0;
    qsort(sorted, used, sizeof(sorted[0]), compare_doubles);
    return used % 2 == 1 ? sorted[used / 2] : (sorted[used / 2 - 1] + sorted[used / 2]) / 2;
}

/* --- a run ----------------------------------------------------------------------------------------------------- */

static void watch(void *self)
{
    struct recover *recover = self;
    if (recover->kill_after_ns == 0 || recover->killed != 0 || now_ns() - recover->started_ns < recover->kill_after_ns)
        return;
    int process = od_processes_id(recover->processes, recover->victim);
    if (process > 0 && kill(process, SIGKILL) == 0)
        recover->killed = process;
}

/* Seconds; 0 when it failed or the answer is wrong, which is counted and said. */
static double run_once(struct recover *recover, uint32_t query, const char *digest, uint64_t kill_after_ns)
{
    const struct od_scenario_run *scenario = recover->scenario;
    struct od_cluster_result result = {.memory = od_posix_memory()};
    struct od_error error = {0};
    double seconds = 0;
    char found[33] = "";
    recover->kill_after_ns = kill_after_ns;
    recover->killed = 0;
    recover->started_ns = now_ns();
    enum od_status status = od_processes_run(recover->processes, scenario->queries[query].graph, &scenario->run_options,
                                             RUN_LIMIT_NS, &result, &error);
    uint64_t elapsed_ns = now_ns() - recover->started_ns;
    if (status == OD_OK && result.ended)
        status = result.outcome.status;
    if (status == OD_OK && result.outcome.answer != NULL)
        od_table_digest(result.outcome.answer, found);
    if (status != OD_OK || !result.ended) {
        fprintf(stderr, "failed: %s: %s\n", scenario->scenario->queries[query].name,
                error.text[0] != '\0' ? error.text : result.outcome.error.text);
        recover->failed++;
    } else if (strcmp(found, digest) != 0) {
        fprintf(stderr, "WRONG ANSWER: %s: digest %s, expected %s\n", scenario->scenario->queries[query].name, found, digest);
        recover->wrong++;
    } else {
        seconds = (double)elapsed_ns / 1e9;
    }
    if (recover->killed != 0) {
        recover->recomputed += result.outcome.counts.tasks_recomputed;
        for (uint32_t i = 0; i < scenario->queries[query].graph->stage_count; i++)
            recover->tasks += scenario->queries[query].graph->stages[i].task_count;
    }
    od_cluster_result_release(&result);
    return seconds;
}

/* Whoever was killed has another process within a bound. */
static void expect_replaced(struct recover *recover, int killed)
{
    uint64_t until_ns = now_ns() + REPLACED_NS;
    recover->deaths++;
    int process = -1;
    while (now_ns() < until_ns && (process <= 0 || process == killed)) {
        od_processes_wait(recover->processes, WATCH_NS);
        process = od_processes_id(recover->processes, recover->victim);
    }
    if (process > 0 && process != killed)
        recover->replaced++;
}

static double run_killed(struct recover *recover, uint32_t query, const char *digest, uint64_t kill_after_ns)
{
    for (uint32_t try = 0; try < TRIES; try++) {
        recover->victim = 1 + (uint32_t)od_random_below(&recover->stream.random, recover->executor_count);
        double seconds = run_once(recover, query, digest, kill_after_ns);
        if (recover->killed == 0)
            continue; /* it had ended */
        expect_replaced(recover, recover->killed);
        return seconds;
    }
    recover->missed++;
    return 0;
}

/* --- a query --------------------------------------------------------------------------------------------------- */

static enum od_status answer_in_sim(const struct recover *recover, uint32_t query, char digest[33],
                                    struct od_error *error)
{
    struct od_cluster_result result;
    const struct od_cluster_request request = {.graph = recover->scenario->queries[query].graph,
                                               .options = recover->scenario->run_options,
                                               .deployment = OD_DEPLOY_SIM,
                                               .seed = 1};
    OD_TRY(od_cluster_run(od_posix_memory(), &request, &result, error));
    enum od_status status = result.ended ? result.outcome.status : OD_TIMED_OUT;
    if (status != OD_OK && error != NULL)
        *error = result.outcome.error;
    if (status == OD_OK)
        od_table_digest(result.outcome.answer, digest);
    od_cluster_result_release(&result);
    return status;
}

static void shuffle(struct recover *recover, uint32_t *order, uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)od_random_below(&recover->stream.random, i);
        uint32_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

static void measure_round(struct recover *recover, uint32_t query, const char *digest, uint32_t round,
                          struct measured *measured)
{
    uint32_t order[SHARES_MAX + 1];
    for (uint32_t i = 0; i <= recover->share_count; i++)
        order[i] = i;
    shuffle(recover, order, recover->share_count + 1);
    for (uint32_t i = 0; i <= recover->share_count; i++) {
        uint32_t which = order[i];
        double undisturbed = median(measured->seconds[0], round);
        double warm = run_once(recover, query, digest, 0);
        undisturbed = undisturbed == 0 ? warm : undisturbed;
        if (which == 0)
            measured->seconds[0][round] = run_once(recover, query, digest, 0);
        else
            measured->seconds[which][round] = run_killed(
                recover, query, digest, 1 + (uint64_t)(undisturbed * 1e6 * (double)recover->shares[which - 1]));
    }
}

static void print_query(const struct recover *recover, uint32_t query, const struct measured *measured, double *ratios)
{
    double base = median(measured->seconds[0], recover->rounds);
    printf("%-14.14s %8.1f ms", recover->scenario->scenario->queries[query].name, base * 1e3);
    for (uint32_t i = 0; i < recover->share_count; i++) {
        double each[ROUNDS_MAX];
        for (uint32_t r = 0; r < recover->rounds; r++)
            each[r] = measured->seconds[0][r] > 0 ? measured->seconds[1 + i][r] / measured->seconds[0][r] : 0;
        ratios[i] = median(each, recover->rounds);
        if (ratios[i] > 0)
            printf("  %6.2f", ratios[i]);
        else
            printf("  %6s", "-");
    }
    printf("\n");
    fflush(stdout);
}

static enum od_status measure_all(struct recover *recover, double (*ratios)[SHARES_MAX], struct od_error *error)
{
    for (uint32_t q = 0; q < recover->scenario->scenario->queries_count; q++) {
        struct measured measured = {0};
        char digest[33];
        OD_TRY(answer_in_sim(recover, q, digest, error));
        (void)run_once(recover, q, digest, 0); /* tables are written and mapped */
        for (uint32_t round = 0; round < recover->rounds; round++)
            measure_round(recover, q, digest, round, &measured);
        print_query(recover, q, &measured, ratios[q]);
    }
    return OD_OK;
}

static bool print_sums(const struct recover *recover, double (*ratios)[SHARES_MAX], const uint64_t *limits,
                       uint32_t limit_count)
{
    uint32_t query_count = recover->scenario->scenario->queries_count;
    bool holds = true;
    printf("%-14s %11s", "median", "");
    for (uint32_t i = 0; i < recover->share_count; i++) {
        double each[512];
        uint32_t count = query_count < 512 ? query_count : 512;
        for (uint32_t q = 0; q < count; q++)
            each[q] = ratios[q][i];
        double ratio = median(each, count);
        printf("  %6.2f", ratio);
        holds = holds && (i >= limit_count || ratio * 1000 <= (double)limits[i]);
    }
    printf("\n%u executors killed, %u replaced; tasks computed again: %.1f %% of those killed queries'; %u wrong, %u failed",
           recover->deaths, recover->replaced,
           recover->tasks == 0 ? 0.0 : 100.0 * (double)recover->recomputed / (double)recover->tasks, recover->wrong,
           recover->failed);
    if (recover->missed > 0)
        printf("; %u ended before the kill each time", recover->missed);
    printf("\n");
    return holds && recover->wrong == 0 && recover->failed == 0 && recover->replaced == recover->deaths;
}

/* --- the command ----------------------------------------------------------------------------------------------- */

/* "25,50.5" -> thousandths of a hundred, or of one. */
static enum od_status read_list(const char *what, const char *text, uint64_t unit, uint64_t *values, uint32_t *count,
                                struct od_error *error)
{
    const char *at = text;
    for (*count = 0; *count < SHARES_MAX; at++) {
        uint64_t thousandths;
        if (!od_thousandths_read(at, &thousandths, &at))
            break;
        values[(*count)++] = thousandths / unit;
        if (*at == '\0')
            return OD_OK;
        if (*at != ',')
            break;
    }
    return od_fail(error, OD_BAD_INPUT, "--%s %s: expected up to %d numbers with commas between", what, text, SHARES_MAX);
}

static enum od_status recover_scenario(const struct od_arguments *arguments, const char *path, bool *holds,
                                       struct od_error *error)
{
    static double ratios[512][SHARES_MAX];
    struct recover recover = {0};
    uint64_t executors = 4, rounds = 3, seed = 1, scale = 0, limits[SHARES_MAX];
    uint32_t limit_count = 0;
    const char *limit_text = od_arguments_text(arguments, "limit", NULL);
    OD_TRY(od_arguments_number(arguments, "executors", 1, 64, &executors, error));
    OD_TRY(od_arguments_number(arguments, "rounds", 1, ROUNDS_MAX, &rounds, error));
    OD_TRY(od_arguments_number(arguments, "seed", 0, UINT64_MAX, &seed, error));
    OD_TRY(read_list("kill-at", od_arguments_text(arguments, "kill-at", "25,50,75,90"), 100, recover.shares,
                     &recover.share_count, error));
    if (limit_text != NULL)
        OD_TRY(read_list("limit", limit_text, 1, limits, &limit_count, error));
    if (od_arguments_has(arguments, "scale"))
        OD_TRY(od_thousandths_parse("--scale", od_arguments_text(arguments, "scale", ""), 1, 100000, &scale, error));
    const struct od_scenario_run_options options = {.scale_thousandths = scale, .executors = executors, .no_faults = true};
    const struct od_processes_options cluster = {.executor_count = (uint32_t)executors};
    recover.executor_count = (uint32_t)executors;
    recover.rounds = (uint32_t)rounds;
    od_stream_init(&recover.stream, seed, "recover");
    enum od_status status = od_scenario_open(path, &options, &recover.scenario, error);
    if (status == OD_OK && recover.scenario->scenario->queries_count > 512)
        status = od_fail(error, OD_UNSUPPORTED, "%s: more than 512 queries", path);
    if (status == OD_OK)
        status = od_processes_start(od_posix_memory(), &cluster, &recover.processes, error);
    if (status == OD_OK) {
        od_processes_watch(recover.processes, WATCH_NS, watch, &recover);
        printf("%-14s %11s", "query", "undisturbed");
        for (uint32_t i = 0; i < recover.share_count; i++)
            printf("  %5g %%", (double)recover.shares[i] / 10);
        printf("\n");
        status = measure_all(&recover, ratios, error);
    }
    if (status == OD_OK)
        *holds = print_sums(&recover, ratios, limits, limit_count) && *holds;
    od_processes_end(recover.processes);
    od_scenario_close(recover.scenario);
    return status;
}

static int run(const struct od_arguments *arguments)
{
    struct od_error error = {0};
    bool holds = true;
    for (uint32_t i = 0; i < arguments->positional_count; i++)
        if (recover_scenario(arguments, arguments->positional[i], &holds, &error) != OD_OK)
            return od_exit_with(&error);
    return holds ? OD_EXIT_HELD : OD_EXIT_FAILED;
}

static const struct od_option options[] = {
    {"executors", "N", "executor processes (default 4)", false},
    {"kill-at", "P,P,...", "when one of them is killed, in per cent of the undisturbed time (default 25,50,75,90)", false},
    {"rounds", "N", "runs of each kind a query; medians are shown (default 3)", false},
    {"limit", "X,X,...", "exit 1 when the median ratio over the queries is larger, for each of --kill-at", false},
    {"scale", "S", "of generated tables, up to three digits behind the point (default: the scenario's)", false},
    {"seed", "N", "of the order of runs, and of who dies (default 1)", false},
    {NULL, NULL, NULL, false},
};
const struct od_command od_command_recover = {
    .name = "recover",
    .positional = "SCENARIO...",
    .positional_min = 1,
    .sentence = "measures what the death of an executor process costs each query",
    .more = "Each ratio is the time with a kill -9 over the time without, of the same round; every answer is checked.\n"
            "example: ordeal recover scenarios/tpch.yaml --scale 0.1 --limit 1.25,1.4,1.5,1.5",
    .options = options,
    .run = run,
};
