/* hunt_lineage: see hunt_lineage.h.
 *
 *   scenario -> its queries, over small tables -> worker process: od_lineage_explore -> shared page -> a line each
 *
 * One query is one item of explore_workers: what a query's runs teach is of use to that query alone. A query that ends its process is
 * told with the faults that did it. The digest is made of the queries' in their order, whoever explored them. */
#include "harness/hunt_lineage.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "engine/world/posix.h"
#include "harness/campaign_worker.h"
#include "harness/exit_status.h"
#include "harness/explore_lineage.h"
#include "harness/explore_queries.h"
#include "harness/explore_workers.h"

#define SECOND_NS   UINT64_C(1000000000)
#define RUNS_MAX    20000
#define QUERIES_MAX 200

/* What became of a query; shared. */
struct explored {
    bool is_open; /* its undisturbed run held */
    bool has_ended;
    bool is_done;
    uint32_t faults, supports;
    uint64_t runs, digest;
    char name[160];
    char code[8]; /* "": nothing was found */
    char text[300];
    uint64_t found_digest; /* 0: the run ended its process */
    uint32_t fault_count;
    struct od_fault set[OD_HITTING_SIZE_MAX];
};

/* The faults of the running step, for the parent. */
struct note {
    uint32_t fault_count;
    struct od_fault faults[2];
};
_Static_assert(sizeof(struct note) <= sizeof(((struct od_worker_slot *)0)->note), "a note fits");

struct hunt {
    const struct od_arguments *arguments;
    struct od_explore_queries queries; /* of the scenario at hand */
    struct explored *explored;         /* shared; QUERIES_MAX of them, those of the scenario at hand */
    uint32_t faults_max;
    uint32_t job_count;
    uint64_t runs_max, rows_max, seed, started_ns, until_ns;
    bool is_cut;
    uint64_t digest, runs, query_count, failure_count, unbroken_count;
    /* of a worker: */
    struct od_worker_slot *slot;
    uint64_t step;
};

static volatile sig_atomic_t interrupted;
static void note_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* --- in a worker -------------------------------------------------------------------------------------------------- */

static bool next_step(void *self, const struct od_schedule *next)
{
    struct hunt *hunt = self;
    struct note note = {.fault_count = next->fault_count < 2 ? next->fault_count : 2};
    memcpy(note.faults, next->faults, note.fault_count * sizeof(note.faults[0]));
    memcpy(hunt->slot->note, &note, sizeof(note));
    return od_worker_step(hunt->slot, hunt->step++);
}

static void note_found(struct explored *explored, const struct od_finding *finding, const struct od_schedule *schedule)
{
    snprintf(explored->code, sizeof(explored->code), "%s", finding->code);
    snprintf(explored->text, sizeof(explored->text), "%.299s", finding->text);
    explored->fault_count = schedule->fault_count;
    memcpy(explored->set, schedule->faults, schedule->fault_count * sizeof(explored->set[0]));
}

static enum od_status explore(struct hunt *hunt, const struct od_explore_subject *subject, struct explored *explored,
                              struct od_error *error)
{
    static const struct od_fault no_faults[1];
    struct od_lineage_result result;
    struct od_explore_run again = {0};
    struct od_arena arena;
    const struct od_lineage_options options = {
        .faults_max = hunt->faults_max, .runs_max = hunt->runs_max, .goes_on = next_step, .self = hunt};
    snprintf(explored->name, sizeof(explored->name), "%s", subject->name);
    explored->digest = explored->found_digest = subject->undisturbed.result.digest;
    explored->is_open = subject->undisturbed.verdict == OD_EXPLORE_HELD;
    if (!explored->is_open) {
        note_found(explored, &subject->undisturbed.finding, &(struct od_schedule){.faults = no_faults});
        return OD_OK;
    }
    od_arena_init(&arena, od_posix_memory(), 0);
    enum od_status status = od_lineage_explore(subject, &options, &arena, &result, error);
    if (status == OD_OK && result.is_broken) {
        note_found(explored, &result.finding, &result.schedule);
        status = od_explore_run(subject, &result.schedule, false, &again, error);
        explored->found_digest = again.result.digest;
    }
    explored->runs = result.runs;
    explored->faults = result.faults;
    explored->supports = result.supports;
    explored->is_done = result.is_done;
    explored->digest = result.digest;
    od_explore_run_release(&again);
    od_arena_release(&arena);
    return status;
}

/* An item that has ended a worker is not begun again. */
static bool work(void *self, uint64_t item, uint64_t first_step, struct od_worker_slot *slot)
{
    struct hunt *hunt = self;
    struct od_explore_subject subject = {0};
    struct od_explore_source source;
    struct od_error error = {0};
    if (first_step > 0)
        return true;
    hunt->slot = slot;
    hunt->step = 0;
    enum od_status status = od_explore_queries_open_one(&hunt->queries, (uint32_t)item, &subject, &source, &error);
    if (status == OD_OK)
        status = explore(hunt, &subject, &hunt->explored[item], &error);
    if (status != OD_OK)
        fprintf(stderr, "%s\n", error.text);
    hunt->explored[item].has_ended = status == OD_OK;
    od_explore_release(&subject);
    return status == OD_OK;
}

/* --- in the parent ------------------------------------------------------------------------------------------------ */

static void lost(void *self, uint64_t item, const struct od_worker_slot *slot, const char *code, const char *text)
{
    struct hunt *hunt = self;
    struct note note;
    struct od_finding finding = {0};
    memcpy(&note, slot->note, sizeof(note));
    snprintf(finding.code, sizeof(finding.code), "%s", code);
    snprintf(finding.text, sizeof(finding.text), "%s", text);
    note_found(&hunt->explored[item], &finding,
               &(struct od_schedule){.fault_count = note.fault_count, .faults = note.faults});
    hunt->explored[item].has_ended = true;
    hunt->explored[item].found_digest = 0;
}

static bool go_on(void *self, uint64_t step_count)
{
    struct hunt *hunt = self;
    (void)step_count;
    hunt->is_cut = hunt->is_cut || interrupted || (hunt->until_ns != 0 && od_campaign_now_ns() >= hunt->until_ns);
    return !hunt->is_cut;
}

/* How the query is made again comes from opening it once more, in this process; the others were in the workers. */
static enum od_status save(struct hunt *hunt, uint32_t query, const struct explored *explored, struct od_error *error)
{
    char path[4200] = "";
    struct od_explore_subject subject = {0};
    struct od_explore_case file = {.has_digest = explored->found_digest != 0,
                                   .digest = explored->found_digest,
                                   .schedule = {.fault_count = explored->fault_count, .faults = explored->set}};
    memcpy(file.found, explored->code, sizeof(file.found));
    OD_TRY(od_explore_queries_open_one(&hunt->queries, query, &subject, &file.source, error));
    enum od_status status = od_explore_case_save(od_arguments_text(hunt->arguments, "out", "ordeal-out/hunt"), &file,
                                                 explored->text, path, sizeof(path), error);
    od_explore_release(&subject);
    if (status == OD_OK)
        printf("  %s: %s\n    ordeal replay %s\n", explored->code, explored->text, path);
    return status;
}

static enum od_status tell(struct hunt *hunt, uint32_t query, struct od_error *error)
{
    const struct explored *explored = &hunt->explored[query];
    if (!explored->has_ended)
        return OD_OK;
    hunt->query_count++;
    hunt->runs += explored->runs + 1;
    hunt->digest = od_mix_two(hunt->digest, explored->digest);
    hunt->unbroken_count += explored->is_done;
    hunt->failure_count += explored->code[0] != '\0';
    printf("%-40s %7llu runs, %6u faults, %6u supports: ", explored->name, (unsigned long long)explored->runs, explored->faults,
           explored->supports);
    if (explored->code[0] != '\0')
        printf("broken by %u fault%s\n", explored->fault_count, explored->fault_count == 1 ? "" : "s");
    else if (explored->is_done)
        printf("no %u faults break it\n", hunt->faults_max);
    else
        printf("held so far; sets of up to %u faults are left\n", hunt->faults_max);
    return explored->code[0] == '\0' ? OD_OK : save(hunt, query, explored, error);
}

static enum od_status explore_scenario(struct hunt *hunt, const char *path, struct od_error *error)
{
    const uint64_t *seed = od_arguments_has(hunt->arguments, "seed") ? &hunt->seed : NULL;
    OD_TRY(od_explore_queries_open(&hunt->queries, path, hunt->rows_max, seed, error));
    uint32_t count = od_explore_queries_count(&hunt->queries);
    const struct od_workers workers = {.job_count = hunt->job_count,
                                       .item_count = count,
                                       .hang_ns = 60 * SECOND_NS,
                                       .work = work,
                                       .lost = lost,
                                       .go_on = go_on,
                                       .self = hunt};
    memset(hunt->explored, 0, QUERIES_MAX * sizeof(*hunt->explored));
    enum od_status status = count <= QUERIES_MAX ? od_workers_run(&workers, error)
                                                 : od_fail(error, OD_UNSUPPORTED, "%s: more than %d queries", path, QUERIES_MAX);
    for (uint32_t i = 0; i < count && status == OD_OK; i++)
        status = tell(hunt, i, error);
    od_explore_queries_close(&hunt->queries);
    return status;
}

static enum od_status read_options(struct hunt *hunt, struct od_error *error)
{
    const struct od_arguments *arguments = hunt->arguments;
    uint64_t faults = 2, jobs = 1, time_ns = 0;
    static const char *const others[] = {"property", "sql", "oracle", "refusals", "shard", "case", "cases", "deploy", "json", "kinds"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (od_arguments_has(arguments, others[i]))
            return od_fail(error, OD_BAD_INPUT, "ordeal hunt: --%s: not with --explore lineage on scenarios", others[i]);
    hunt->runs_max = RUNS_MAX;
    OD_TRY(od_arguments_number(arguments, "seed", 0, UINT64_MAX, &hunt->seed, error));
    OD_TRY(od_arguments_number(arguments, "faults", 1, OD_HITTING_SIZE_MAX, &faults, error));
    OD_TRY(od_arguments_number(arguments, "runs", 1, UINT64_MAX, &hunt->runs_max, error));
    OD_TRY(od_arguments_number(arguments, "rows", 1, UINT32_MAX, &hunt->rows_max, error));
    OD_TRY(od_arguments_number(arguments, "jobs", 1, OD_WORKERS_MAX, &jobs, error));
    OD_TRY(od_arguments_duration(arguments, "time", &time_ns, error));
    hunt->faults_max = (uint32_t)faults;
    hunt->job_count = (uint32_t)jobs;
    hunt->started_ns = od_campaign_now_ns();
    hunt->until_ns = time_ns == 0 ? 0 : hunt->started_ns + time_ns;
    return OD_OK;
}

static enum od_status explore_all(struct hunt *hunt, struct od_error *error)
{
    struct sigaction action = {.sa_handler = note_interrupt};
    struct sigaction before;
    sigaction(SIGINT, &action, &before);
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < hunt->arguments->positional_count && status == OD_OK && !hunt->is_cut; i++)
        status = explore_scenario(hunt, hunt->arguments->positional[i], error);
    sigaction(SIGINT, &before, NULL);
    return status;
}

int od_hunt_lineage(const struct od_arguments *arguments)
{
    struct od_error error = {0};
    struct hunt hunt = {.arguments = arguments};
    enum od_status status = read_options(&hunt, &error);
    hunt.explored = od_shared_take(QUERIES_MAX * sizeof(*hunt.explored));
    if (status == OD_OK && hunt.explored == NULL)
        status = od_fail(&error, OD_NO_MEMORY, "sharing what is found");
    if (status == OD_OK)
        status = explore_all(&hunt, &error);
    od_shared_give(hunt.explored, QUERIES_MAX * sizeof(*hunt.explored));
    if (status != OD_OK)
        return od_exit_with(&error);
    double seconds = (double)(od_campaign_now_ns() - hunt.started_ns) / 1e9;
    printf("queries %llu, of which no %u faults break %llu; %.1f s\n", (unsigned long long)hunt.query_count, hunt.faults_max,
           (unsigned long long)hunt.unbroken_count, seconds);
    printf("cases %llu, failures %llu, %.0f cases/s/core\ncampaign digest %016llx\n", (unsigned long long)hunt.runs,
           (unsigned long long)hunt.failure_count, seconds > 0 ? (double)hunt.runs / seconds / hunt.job_count : 0,
           (unsigned long long)hunt.digest);
    return hunt.failure_count > 0 ? OD_EXIT_FAILED : hunt.is_cut ? OD_EXIT_UNDECIDED : OD_EXIT_HELD;
}
