/* campaign: the parent's side: starts workers, watches them, collects failures. See campaign.h. */
#include "harness/campaign.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/core/assert.h"
#include "engine/world/posix.h"
#include "harness/campaign_worker.h"
#include "harness/case_save.h"
#include "harness/trial.h"
#include "reports/terminal.h"

struct campaign {
    const struct od_campaign_options *options;
    struct od_campaign_result *result;
    struct od_campaign_page *page;   /* shared with the workers */
    pid_t workers[OD_CAMPAIGN_JOBS_MAX]; /* 0: none */
    int pipe[2];
    uint64_t started_ns;
    struct od_terminal terminal;
    struct od_progress progress;
};

static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

uint64_t od_campaign_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static enum od_status start_worker(struct campaign *campaign, uint32_t slot_index, struct od_error *error)
{
    fflush(NULL);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return od_fail(error, OD_IO, "starting a worker: %s", strerror(errno));
    if (pid == 0) {
        signal(SIGINT, SIG_IGN);          /* the parent asks workers to stop */
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* and when it is killed, they are too */
        if (getppid() != parent)
            _exit(0);
        signal(SIGTERM, SIG_DFL);
        close(campaign->pipe[0]);
        _exit(od_campaign_work(campaign->options, campaign->page, slot_index, campaign->pipe[1]));
    }
    campaign->workers[slot_index] = pid;
    return OD_OK;
}

const char *od_campaign_replay_options(const struct od_campaign_options *options)
{
    return options->deployment == OD_DEPLOY_SIM ? "" : "--deploy processes ";
}

static void note_failure(struct campaign *campaign, const struct od_campaign_failure *failure)
{
    struct od_campaign_result *result = campaign->result;
    if (result->shown_count < OD_CAMPAIGN_FAILURES_MAX)
        result->shown[result->shown_count++] = *failure;
    od_progress_end(&campaign->progress);
    fprintf(stderr, "%s case %llu: %s\n", failure->code, (unsigned long long)failure->case_index, failure->text);
    if (failure->path[0] != '\0')
        fprintf(stderr, "    ordeal replay %s%s\n", od_campaign_replay_options(campaign->options), failure->path);
}

/* Reads whatever failures the workers have sent. They are written whole (smaller than PIPE_BUF). */
static void read_failures(struct campaign *campaign, int timeout_ms)
{
    struct pollfd ready = {.fd = campaign->pipe[0], .events = POLLIN};
    struct od_campaign_failure failure;
    while (poll(&ready, 1, timeout_ms) > 0 && (ready.revents & POLLIN) != 0) {
        if (read(campaign->pipe[0], &failure, sizeof(failure)) != (ssize_t)sizeof(failure))
            return;
        note_failure(campaign, &failure);
        timeout_ms = 0;
    }
}

/* The rest of the slot stays valid. */
static void count_lost(struct od_campaign_slot *slot)
{
    atomic_fetch_add(&slot->failure_count, 1);
    if (atomic_load(&slot->case_count) == atomic_load(&slot->count_before)) { /* else it was ended while it was shrunk */
        atomic_fetch_add(&slot->case_count, 1);
        /* keeps the campaign digest defined; it has failed anyway */
        atomic_fetch_add(&slot->digest, atomic_load(&slot->case_index));
    }
}

/* The case of a worker that ended is the failure, as it was drawn. */
static void note_lost_case(struct campaign *campaign, struct od_campaign_slot *slot, const char *code, const char *text)
{
    struct od_campaign_failure failure = {.case_index = atomic_load(&slot->case_index) - 1};
    snprintf(failure.code, sizeof(failure.code), "%s", code);
    snprintf(failure.text, sizeof(failure.text), "%s", text);
    const struct od_schedule schedule = {.fault_count = slot->fault_count, .faults = slot->faults};
    const struct od_failing_case failing = {
        .choices = slot->choices,
        .choice_bytes = slot->choice_bytes,
        .schedule = campaign->options->exploration == OD_EXPLORE_LINEAGE ? &schedule : NULL,
        .only = campaign->options->only,
        .kinds = campaign->options->kinds,
        .code = code};
    if (atomic_load(&slot->drawn)) /* else the choices are another case's */
        od_case_save(campaign->options->directory, od_posix_memory(), &failing, false, failure.path, sizeof(failure.path), NULL);
    atomic_store(&slot->case_index, 0);
    note_failure(campaign, &failure);
}

/* A worker ended: another one goes on behind its case. Of a case that killed it in the simulation the next worker tells, for it can look
 * twice; others are told as they are: the hanging, those that nobody can run again, and whoever kills that worker, too. */
static enum od_status replace_worker(struct campaign *campaign, uint32_t slot_index, const char *code, const char *text,
                                     struct od_error *error)
{
    const struct od_campaign_options *options = campaign->options;
    struct od_campaign_slot *slot = &campaign->page->slots[slot_index];
    bool was_told = atomic_exchange(&slot->died, 0) != 0;
    bool has_case = atomic_load(&slot->case_index) != 0;
    bool can_repeat = strcmp(code, OD_TRIAL_CRASH) == 0 && options->deployment == OD_DEPLOY_SIM &&
                      options->oracles == 0 && atomic_load(&slot->drawn);
    campaign->workers[slot_index] = 0;
    if (has_case && !was_told)
        count_lost(slot);
    if (has_case && !was_told && can_repeat) {
        snprintf(slot->death, sizeof(slot->death), "%s", text);
        atomic_store(&slot->died, 1);
        return start_worker(campaign, slot_index, error);
    }
    if (has_case)
        note_lost_case(campaign, slot, code, text);
    return atomic_load(&campaign->page->stop) ? OD_OK : start_worker(campaign, slot_index, error);
}

static enum od_status kill_hanging(struct campaign *campaign, struct od_error *error)
{
    uint64_t now_ns = od_campaign_now_ns();
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < campaign->options->job_count && status == OD_OK; i++) {
        struct od_campaign_slot *slot = &campaign->page->slots[i];
        bool hangs = campaign->workers[i] > 0 && atomic_load(&slot->case_index) != 0 &&
                     now_ns > atomic_load(&slot->started_ns) + campaign->options->hang_ns;
        if (!hangs)
            continue;
        kill(campaign->workers[i], SIGKILL);
        waitpid(campaign->workers[i], NULL, 0);
        status = replace_worker(campaign, i, "hang", "the case did not end in time; the worker was killed", error);
    }
    return status;
}

/* Takes back workers that ended. */
static enum od_status reap_workers(struct campaign *campaign, struct od_error *error)
{
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < campaign->options->job_count && status == OD_OK; i++) {
        int how;
        if (campaign->workers[i] <= 0 || waitpid(campaign->workers[i], &how, WNOHANG) != campaign->workers[i])
            continue;
        if (WIFSIGNALED(how)) {
            char text[100];
            snprintf(text, sizeof(text), "the engine or the harness died of signal %d (%s)", WTERMSIG(how),
                     strsignal(WTERMSIG(how)));
            status = replace_worker(campaign, i, OD_TRIAL_CRASH, text, error);
        } else {
            campaign->workers[i] = 0;
            if (WEXITSTATUS(how) != 0)
                status = od_fail(error, OD_NO_MEMORY, "a worker gave up");
        }
    }
    return status;
}

static bool any_worker(const struct campaign *campaign)
{
    for (uint32_t i = 0; i < campaign->options->job_count; i++) {
        if (campaign->workers[i] > 0)
            return true;
    }
    return false;
}

static void sum_statements(struct campaign *campaign)
{
    struct od_campaign_result *result = campaign->result;
    memset(result->status_counts, 0, sizeof(result->status_counts));
    memset(result->feature_counts, 0, sizeof(result->feature_counts));
    memset(result->asked_counts, 0, sizeof(result->asked_counts));
    for (uint32_t i = 0; i < campaign->options->job_count; i++) {
        struct od_campaign_slot *slot = &campaign->page->slots[i];
        for (uint32_t j = 0; j < 32; j++)
            result->status_counts[j] += atomic_load(&slot->status_counts[j]);
        for (uint32_t j = 0; j < 2 * OD_QUERY_FEATURE_COUNT; j++)
            result->feature_counts[j / 2][j % 2] += atomic_load(&slot->feature_counts[j / 2][j % 2]);
        for (uint32_t j = 0; j < OD_ORACLE_COUNT * OD_ASKED_COUNT; j++)
            result->asked_counts[j / OD_ASKED_COUNT][j % OD_ASKED_COUNT] +=
                atomic_load(&slot->asked_counts[j / OD_ASKED_COUNT][j % OD_ASKED_COUNT]);
    }
}

static void sum_up(struct campaign *campaign)
{
    struct od_campaign_result *result = campaign->result;
    uint64_t totals[9] = {0};
    memset(result->property_counts, 0, sizeof(result->property_counts));
    memset(result->excused_counts, 0, sizeof(result->excused_counts));
    memset(result->kind_counts, 0, sizeof(result->kind_counts));
    for (uint32_t i = 0; i < campaign->options->job_count; i++) {
        struct od_campaign_slot *slot = &campaign->page->slots[i];
        totals[0] += atomic_load(&slot->case_count);
        totals[1] += atomic_load(&slot->failure_count);
        totals[2] += atomic_load(&slot->own_bug_count);
        totals[3] += atomic_load(&slot->disturbed_count);
        totals[4] += atomic_load(&slot->run_count);
        totals[5] += atomic_load(&slot->digest);
        totals[6] += atomic_load(&slot->virtual_ns);
        totals[7] += atomic_load(&slot->explored_count);
        totals[8] += atomic_load(&slot->unbroken_count);
        for (uint32_t j = 0; j < 64; j++) {
            result->excused_counts[j] += atomic_load(&slot->excused_counts[j]);
            result->property_counts[j] += atomic_load(&slot->property_counts[j]);
        }
        for (uint32_t j = 0; j < OD_FAULT_KIND_COUNT * OD_KIND_COUNTS; j++)
            result->kind_counts[j / OD_KIND_COUNTS][j % OD_KIND_COUNTS] +=
                atomic_load(&slot->kind_counts[j / OD_KIND_COUNTS][j % OD_KIND_COUNTS]);
    }
    sum_statements(campaign);
    result->case_count = totals[0];
    result->failure_count = totals[1];
    result->own_bug_count = totals[2];
    result->disturbed_count = totals[3];
    result->run_count = totals[4];
    result->digest = totals[5];
    result->virtual_ns = totals[6];
    result->explored_count = totals[7];
    result->unbroken_count = totals[8];
    result->wall_ns = od_campaign_now_ns() - campaign->started_ns;
}

/* Until the last worker is gone; the first failure stops the others and stands. */
static enum od_status watch(struct campaign *campaign, enum od_status status, struct od_error *error)
{
    const struct od_campaign_options *options = campaign->options;
    while (any_worker(campaign)) {
        read_failures(campaign, 20);
        enum od_status reaped = reap_workers(campaign, status == OD_OK ? error : NULL);
        if (reaped == OD_OK)
            reaped = kill_hanging(campaign, status == OD_OK ? error : NULL);
        status = status == OD_OK ? reaped : status;
        bool late = options->time_ns != 0 && od_campaign_now_ns() - campaign->started_ns >= options->time_ns;
        if (late || interrupted || status != OD_OK)
            atomic_store(&campaign->page->stop, 1);
        if (interrupted)
            atomic_store(&campaign->page->hurry, 1);
        sum_up(campaign);
        od_progress_step(&campaign->progress, campaign->result->case_count, campaign->result->failure_count,
                         interrupted ? "stopping" : "hunting");
    }
    read_failures(campaign, 0);
    sum_up(campaign);
    od_progress_end(&campaign->progress);
    return status;
}

enum od_status od_campaign_run(const struct od_campaign_options *options, struct od_campaign_result *result_out,
                               struct od_error *error)
{
    od_assert(options->job_count >= 1 && options->job_count <= OD_CAMPAIGN_JOBS_MAX);
    od_assert(options->shard_count >= 1 && options->shard_index < options->shard_count);
    memset(result_out, 0, sizeof(*result_out));
    struct campaign campaign = {.options = options, .result = result_out, .started_ns = od_campaign_now_ns()};
    campaign.page = mmap(NULL, sizeof(*campaign.page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (campaign.page == MAP_FAILED)
        return od_fail(error, OD_NO_MEMORY, "sharing a page with the workers");
    enum od_status status = OD_OK;
    if (pipe(campaign.pipe) != 0) {
        status = od_fail(error, OD_IO, "making a pipe: %s", strerror(errno));
        goto unmap;
    }
    uint64_t own_count = options->case_count / options->shard_count +
                         (options->case_count % options->shard_count > options->shard_index);
    od_terminal_init(&campaign.terminal, stderr);
    od_progress_init(&campaign.progress, &campaign.terminal, own_count);
    interrupted = 0;
    struct sigaction action = {.sa_handler = note_interrupt};
    struct sigaction old_interrupt;
    struct sigaction old_terminate;
    sigaction(SIGINT, &action, &old_interrupt);
    sigaction(SIGTERM, &action, &old_terminate);
    for (uint32_t i = 0; i < options->job_count && status == OD_OK; i++)
        status = start_worker(&campaign, i, error);
    status = watch(&campaign, status, error);
    result_out->interrupted = interrupted != 0;
    sigaction(SIGINT, &old_interrupt, NULL);
    sigaction(SIGTERM, &old_terminate, NULL);
    close(campaign.pipe[0]);
    close(campaign.pipe[1]);
unmap:
    munmap(campaign.page, sizeof(*campaign.page));
    return status;
}
