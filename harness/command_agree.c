/* command_agree: `ordeal agree`: do schedules of faults mean the same on real processes as in the simulation?
 *
 *   for each of N drawn schedules, over the queries of a scenario in turn:
 *       sim        -> verdict, which faults fired at their logical points
 *       processes  -> the same, on a cluster of its own
 *
 * A verdict is what became of the query: the right answer, a wrong one, or the error it ended with. Faults at a time are not compared one by
 * one: what they hit depends on how fast things are. Nor are faults that name a number of a message, of which each deployment sends its
 * own. */
#include <stdio.h>
#include <string.h>

#include "engine/world/posix.h"
#include "harness/cluster.h"
#include "harness/commands.h"
#include "harness/exit_status.h"
#include "harness/scenario_plan.h"
#include "harness/table_show.h"

#define RIGHT "right answer"

struct verdict {
    char text[80];
    uint32_t fired[32];
};

struct agree {
    struct od_scenario_run *scenario;
    struct od_arena arena; /* of one schedule */
    uint32_t agreed, differed, wrong, reached_sim, reached_both;
};

static enum od_status run_in(const struct agree *agree, uint32_t query, enum od_deployment deployment,
                             const struct od_schedule *schedule, uint64_t seed, const char *digest,
                             struct verdict *verdict_out, struct od_error *error)
{
    struct od_cluster_result result;
    struct od_cluster_request request = {.graph = agree->scenario->queries[query].graph,
                                         .options = agree->scenario->run_options,
                                         .schedule = schedule,
                                         .deployment = deployment,
                                         .seed = seed};
    *verdict_out = (struct verdict){0};
    request.options.cluster.journal = true; /* as processes have it */
    OD_TRY(od_cluster_run(od_posix_memory(), &request, &result, error));
    char found[33] = "";
    if (!result.ended) {
        snprintf(verdict_out->text, sizeof(verdict_out->text), "it did not end");
    } else if (result.outcome.status != OD_OK) {
        snprintf(verdict_out->text, sizeof(verdict_out->text), "%s", od_status_text(result.outcome.status));
    } else {
        od_table_digest(result.outcome.answer, found);
        bool is_right = digest == NULL || strcmp(found, digest) == 0;
        snprintf(verdict_out->text, sizeof(verdict_out->text), "%s", is_right ? RIGHT : "WRONG ANSWER");
        if (digest == NULL)
            memcpy(verdict_out->text, found, sizeof(found));
    }
    for (uint32_t i = 0; i < result.fault_count && i < 32; i++)
        verdict_out->fired[i] = result.fired[i];
    od_cluster_result_release(&result);
    return OD_OK;
}

static enum od_status draw(struct agree *agree, uint32_t query, uint64_t seed, struct od_schedule *schedule_out,
                           struct od_error *error)
{
    struct od_stream stream;
    struct od_schedule_shape shape;
    od_arena_reset(&agree->arena);
    od_stream_init(&stream, seed, "agree");
    OD_TRY(od_cluster_shape(&agree->arena, agree->scenario->queries[query].graph,
                            agree->scenario->run_options.cluster.executor_count, OD_DEPLOY_PROCESSES, &shape, error));
    shape.fault_count_max = 3;
    shape.span_ns = 5000000;
    shape.query = 1;
    do
        OD_TRY(od_schedule_draw(&agree->arena, &stream.random, &shape, schedule_out, error));
    while (schedule_out->fault_count == 0);
    return OD_OK;
}

/* Who runs a task, and whether there is a second attempt, may be otherwise. */
static void say_missed(const struct od_fault *fault)
{
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    if (od_fault_print(fault, &text))
        printf("fired in sim only: %s\n", od_buffer_text(&text));
    od_buffer_release(&text);
}

/* The faults that fired in sim at a point which processes reach too. */
static void count_reached(struct agree *agree, const struct od_schedule *schedule, const struct verdict *sim,
                          const struct verdict *processes)
{
    for (uint32_t i = 0; i < schedule->fault_count && i < 32; i++) {
        const struct od_fault *fault = &schedule->faults[i];
        if (fault->at_time || fault->point == OD_POINT_MESSAGE_SEND || sim->fired[i] == 0)
            continue;
        agree->reached_sim++;
        agree->reached_both += processes->fired[i] != 0;
        if (processes->fired[i] == 0)
            say_missed(fault);
    }
}

static enum od_status compare_one(struct agree *agree, uint32_t index, uint64_t seed, bool verbose,
                                  struct od_error *error)
{
    uint32_t query = index % agree->scenario->scenario->queries_count;
    struct od_schedule schedule;
    struct verdict undisturbed, sim, processes;
    char digest[33];
    OD_TRY(run_in(agree, query, OD_DEPLOY_SIM, NULL, seed, NULL, &undisturbed, error));
    memcpy(digest, undisturbed.text, sizeof(digest));
    OD_TRY(draw(agree, query, seed + index, &schedule, error));
    OD_TRY(run_in(agree, query, OD_DEPLOY_SIM, &schedule, seed + index, digest, &sim, error));
    OD_TRY(run_in(agree, query, OD_DEPLOY_PROCESSES, &schedule, seed + index, digest, &processes, error));
    bool agrees = strcmp(sim.text, processes.text) == 0;
    agree->agreed += agrees;
    agree->differed += !agrees;
    agree->wrong += strcmp(sim.text, "WRONG ANSWER") == 0 || strcmp(processes.text, "WRONG ANSWER") == 0;
    count_reached(agree, &schedule, &sim, &processes);
    if (agrees && !verbose)
        return OD_OK;
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    if (od_schedule_print(&schedule, &text))
        printf("%s: %s: sim: %s; processes: %s\n%s", agrees ? "agree" : "DIFFER",
               agree->scenario->scenario->queries[query].name, sim.text, processes.text, od_buffer_text(&text));
    for (uint32_t i = 0; i < schedule.fault_count && i < 32; i++)
        printf("  fault %u fired %u times in sim, %u in processes\n", i + 1, sim.fired[i], processes.fired[i]);
    od_buffer_release(&text);
    fflush(stdout);
    return OD_OK;
}

static enum od_status compare_all(struct agree *agree, const struct od_arguments *arguments, struct od_error *error)
{
    uint64_t count = 50, seed = 1;
    OD_TRY(od_arguments_number(arguments, "schedules", 1, 1000000, &count, error));
    OD_TRY(od_arguments_number(arguments, "seed", 0, UINT64_MAX, &seed, error));
    for (uint32_t i = 0; i < count; i++)
        OD_TRY(compare_one(agree, i, seed, od_arguments_has(arguments, "all"), error));
    return OD_OK;
}

static int run(const struct od_arguments *arguments)
{
    struct agree agree = {0};
    struct od_error error = {0};
    const struct od_scenario_run_options options = {.no_faults = true};
    od_arena_init(&agree.arena, od_posix_memory(), 0);
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < arguments->positional_count && status == OD_OK; i++) {
        status = od_scenario_open(arguments->positional[i], &options, &agree.scenario, &error);
        if (status == OD_OK)
            status = compare_all(&agree, arguments, &error);
        od_scenario_close(agree.scenario);
        agree.scenario = NULL;
    }
    od_arena_release(&agree.arena);
    if (status != OD_OK)
        return od_exit_with(&error);
    printf("faults at logical points: %u fired in sim, %u of them in processes too\n", agree.reached_sim,
           agree.reached_both);
    printf("%u schedules: the verdict agrees in %u, differs in %u; %u wrong answers\n", agree.agreed + agree.differed,
           agree.agreed, agree.differed, agree.wrong);
    return agree.differed == 0 && agree.wrong == 0 ? OD_EXIT_HELD : OD_EXIT_FAILED;
}

static const struct od_option options[] = {
    {"schedules", "N", "how many a scenario (default 50)", false},
    {"seed", "N", "of the schedules and of the simulation (default 1)", false},
    {"all", NULL, "show every schedule, not only those that differ", false},
    {NULL, NULL, NULL, false},
};
const struct od_command od_command_agree = {
    .name = "agree",
    .positional = "SCENARIO...",
    .positional_min = 1,
    .sentence = "runs schedules of faults in sim and on real processes, and compares the verdicts",
    .more = "example: ordeal agree scenarios/iot_sensors.yaml --schedules 50",
    .options = options,
    .run = run,
};
