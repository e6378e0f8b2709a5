/* campaign_worker: see campaign_worker.h.
 *
 * A failure is repeated before it is believed: unequal digests are a bug of ours (code F8, own_bug), and nothing else is then said
 * about the case. A failure that repeats is shrunk with "fails with the same code" as the test, then saved with its rendering.
 * A case that ended the worker before this one is handled like that, too, each try in a process of its own. */
#include "harness/campaign_worker.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/world/posix.h"
#include "harness/case_save.h"
#include "harness/diverge.h"
#include "harness/explore_lineage.h"
#include "harness/trial_shrink.h"
#include "properties/case_print.h"

struct worker {
    const struct od_campaign_options *options;
    struct od_campaign_page *page;
    struct od_campaign_slot *slot;
    int pipe;
    struct od_memory *memory;
    struct od_choices choices;
    struct od_trial trial;
    struct od_arena found_arena;     /* what exploring the case at hand has found */
    struct od_schedule found;        /* lives there */
    struct od_lineage_memory *tried; /* owned; NULL unless lineages are explored */
    uint64_t explored_count;         /* cluster runs of exploring the case at hand */
};

/* Before anything runs, so that the parent has the case should this process die in it. One that is told of stays as it was. */
static void publish_choices(void *self, const struct od_trial *trial)
{
    struct worker *worker = self;
    atomic_store(&worker->slot->started_ns, od_campaign_now_ns());
    if (atomic_load(&worker->slot->died))
        return;
    uint32_t size = od_choices_trimmed_bytes(trial->choices);
    memcpy(worker->slot->choices, trial->choices->bytes, size);
    worker->slot->choice_bytes = size;
    atomic_store(&worker->slot->drawn, 1);
}

static bool may_show(struct worker *worker, const char *code)
{
    struct od_campaign_slot *slot = worker->slot;
    uint32_t i = 0;
    while (i < slot->code_count && strcmp(slot->codes[i].code, code) != 0)
        i++;
    if (i == slot->code_count) {
        if (i == OD_CAMPAIGN_CODES_MAX)
            return false;
        snprintf(slot->codes[i].code, sizeof(slot->codes[i].code), "%s", code);
        slot->code_count++;
    }
    return slot->codes[i].shown++ < worker->options->failures_shown_max;
}

/* --- shrinking ------------------------------------------------------------------------------------------------ */

static void shrink_and_save(struct worker *worker, struct od_campaign_failure *failure)
{
    struct od_shrunk shrunk = {0};
    const struct od_trial_shrinking shrinking = {.code = failure->code,
                                                 .digest = worker->trial.digest,
                                                 .until_ns = od_campaign_now_ns() + worker->options->shrink_ns,
                                                 .hurry = &worker->page->hurry};
    uint8_t original[OD_CHOICES_LIMIT_BYTES];
    uint32_t original_bytes = od_choices_trimmed_bytes(&worker->choices);
    memcpy(original, worker->choices.bytes, original_bytes);
    bool shrank = worker->options->deployment == OD_DEPLOY_SIM &&
                  od_trial_shrink(&worker->trial, original, original_bytes, &shrinking, &shrunk, NULL) == OD_OK && shrunk.reproduced;
    const struct od_failing_case failing = {.choices = shrank ? shrunk.bytes : original,
                                            .choice_bytes = shrank ? shrunk.size : original_bytes,
                                            .schedule = worker->trial.given,
                                            .pct_depth = worker->options->pct_depth,
                                            .only = worker->options->only,
                                            .kinds = worker->options->kinds,
                                            .code = failure->code};
    od_case_save(worker->options->directory, worker->memory, &failing, true, failure->path, sizeof(failure->path), NULL);
    od_shrunk_release(worker->memory, &shrunk);
}

/* --- cases ---------------------------------------------------------------------------------------------------- */

static void draw_from(struct worker *worker, uint64_t case_index)
{
    uint64_t seed = worker->options->seed;
    if (worker->options->only == &od_property_statement)
        od_choices_from_seeds(&worker->choices, od_mix_two(seed, case_index / OD_CAMPAIGN_TABLE_CASES), od_mix_two(seed, case_index),
                              "tables");
    else
        od_choices_from_seed(&worker->choices, od_mix_two(seed, case_index), "case");
}

struct once_more {
    struct worker *worker;
    uint64_t case_index;
};

static enum od_status run_once_more(void *self, struct od_sim_stepper stepper, struct od_error *error)
{
    const struct once_more *once_more = self;
    struct od_trial *trial = &once_more->worker->trial;
    draw_from(once_more->worker, once_more->case_index);
    trial->stepper = stepper;
    enum od_status status = od_trial_run(trial, &once_more->worker->choices, error);
    trial->stepper = (struct od_sim_stepper){0};
    return status;
}

/* The trial is the case's again afterwards. */
static void tell_divergence(struct worker *worker, uint64_t first_digest, struct od_campaign_failure *failure)
{
    struct once_more once_more = {worker, failure->case_index};
    const struct od_diverge_again again = {run_once_more, &once_more};
    struct od_buffer text;
    uint64_t second_digest = worker->trial.digest;
    od_buffer_init(&text, worker->memory);
    (void)od_diverge_find(worker->memory, &again, &text, NULL);
    failure->own_bug = true;
    snprintf(failure->code, sizeof(failure->code), "F8");
    snprintf(failure->text, sizeof(failure->text), "the same case twice: digests %016llx and %016llx; %.220s",
             (unsigned long long)first_digest, (unsigned long long)second_digest, od_buffer_text(&text));
    od_buffer_release(&text);
    atomic_fetch_add(&worker->slot->own_bug_count, 1);
}

static bool handle_failure(struct worker *worker, uint64_t case_index)
{
    struct od_campaign_failure failure = {.case_index = case_index};
    uint64_t first_digest = worker->trial.digest;
    memcpy(failure.code, worker->trial.finding.code, sizeof(failure.code));
    snprintf(failure.text, sizeof(failure.text), "%.290s", worker->trial.finding.text);
    bool repeats = worker->options->deployment == OD_DEPLOY_SIM;
    if (repeats)
        draw_from(worker, case_index);
    if (repeats && od_trial_run(&worker->trial, &worker->choices, NULL) != OD_OK)
        return false;
    if (worker->trial.digest != first_digest)
        tell_divergence(worker, first_digest, &failure);
    atomic_fetch_add(&worker->slot->failure_count, 1);
    if (!may_show(worker, failure.code))
        return true;
    shrink_and_save(worker, &failure);
    return write(worker->pipe, &failure, sizeof(failure)) == (ssize_t)sizeof(failure);
}

/* The faults under which the case of the slot was explored when it ended a worker; NULL: they were drawn. */
static const struct od_schedule *given_by_slot(struct worker *worker)
{
    worker->found = (struct od_schedule){.fault_count = worker->slot->fault_count, .faults = worker->slot->faults};
    return worker->options->exploration == OD_EXPLORE_LINEAGE ? &worker->found : NULL;
}

/* The case that ended the worker before this one. It may not do so again: others end processes, too. */
static bool tell_death(struct worker *worker)
{
    struct od_campaign_slot *slot = worker->slot;
    struct od_campaign_failure failure = {.case_index = atomic_load(&slot->case_index) - 1, .code = OD_TRIAL_CRASH};
    const struct od_failing_case failing = {.choices = slot->choices,
                                            .choice_bytes = slot->choice_bytes,
                                            .schedule = given_by_slot(worker),
                                            .pct_depth = worker->options->pct_depth,
                                            .only = worker->options->only,
                                            .kinds = worker->options->kinds,
                                            .code = failure.code};
    bool good = true;
    if (may_show(worker, failure.code)) {
        worker->trial.guarded = true;
        worker->trial.given = failing.schedule;
        od_choices_from_bytes(&worker->choices, slot->choices, slot->choice_bytes);
        bool again = od_trial_run(&worker->trial, &worker->choices, NULL) == OD_OK &&
                     strcmp(worker->trial.finding.code, failure.code) == 0;
        snprintf(failure.text, sizeof(failure.text), "%.250s%s", again ? worker->trial.finding.text : slot->death,
                 again ? "" : ", and not again");
        if (again)
            shrink_and_save(worker, &failure);
        else
            od_case_save(worker->options->directory, worker->memory, &failing, false, failure.path, sizeof(failure.path), NULL);
        worker->trial.guarded = false;
        good = write(worker->pipe, &failure, sizeof(failure)) == (ssize_t)sizeof(failure);
    }
    atomic_store(&slot->case_index, 0);
    atomic_store(&slot->died, 0);
    return good;
}

/* Of the table of properties; one that is not in it (a test's own) counts as the first. */
static uint32_t property_index(const struct od_property *property)
{
    for (uint32_t i = 0; i < od_property_count; i++) {
        if (&od_properties[i] == property)
            return i;
    }
    return 0;
}

static void count_statement(struct od_campaign_slot *slot, const struct od_trial *trial)
{
    const struct od_query_tally *tally = &trial->tally;
    atomic_fetch_add(&slot->status_counts[tally->status % 32], 1);
    for (uint32_t i = 0; i < OD_QUERY_FEATURE_COUNT; i++) {
        atomic_fetch_add(&slot->feature_counts[i][0], trial->test_case.query->features[i] && tally->status == OD_OK);
        atomic_fetch_add(&slot->feature_counts[i][1], trial->test_case.query->features[i]);
    }
    for (uint32_t i = 0; i < OD_ORACLE_COUNT; i++)
        atomic_fetch_add(&slot->asked_counts[i][tally->asked[i]], 1);
}

/* --- exploring by lineage ------------------------------------------------------------------------------------- */

/* Before each run, so that the parent has its faults, too. */
static bool publish_schedule(void *self, const struct od_schedule *schedule)
{
    struct worker *worker = self;
    struct od_campaign_slot *slot = worker->slot;
    slot->fault_count = schedule->fault_count;
    if (schedule->fault_count > 0)
        memcpy(slot->faults, schedule->faults, schedule->fault_count * sizeof(slot->faults[0]));
    atomic_store(&slot->started_ns, od_campaign_now_ns());
    atomic_store(&slot->drawn, 1);
    return !atomic_load(&worker->page->hurry);
}

/* Undisturbed, then under the sets of faults that break what its answer rests on. One that it fails under is worker->found. */
static enum od_status explore_drawn(struct worker *worker, uint32_t due, bool *has_failed_out, struct od_error *error)
{
    struct od_lineage_result result = {0};
    struct od_explore_subject subject = {0};
    const struct od_lineage_options options = {.faults_max = worker->options->faults_max,
                                               .runs_max = worker->options->runs_max,
                                               .goes_on = publish_schedule,
                                               .self = worker,
                                               .due = due,
                                               .memory = worker->tried};
    OD_TRY(od_explore_open_case(&subject, worker->memory, &worker->trial, "a drawn case", error));
    subject.request.stepper = worker->trial.stepper;
    enum od_status status = OD_OK;
    if (subject.undisturbed.verdict == OD_EXPLORE_HELD)
        status = od_lineage_explore(&subject, &options, &worker->found_arena, &result, error);
    *has_failed_out = result.is_broken || subject.undisturbed.verdict == OD_EXPLORE_VIOLATED;
    worker->found = result.schedule;
    worker->explored_count = 1 + result.runs;
    od_lineage_spend(worker->tried, due, worker->explored_count);
    worker->trial.digest = result.digest;
    atomic_fetch_add(&worker->slot->explored_count, 1);
    atomic_fetch_add(&worker->slot->unbroken_count, result.is_done);
    od_explore_release(&subject);
    return status;
}

/* A case that is not due counts as excused. The faults that one fails under are the given schedule of the trial from then on: so it is
 * judged, shrunk and saved. */
static enum od_status explore_case(struct worker *worker, uint64_t case_index, struct od_error *error)
{
    static const struct od_schedule none = {0};
    struct od_trial *trial = &worker->trial;
    struct od_cluster_request request;
    bool has_failed = false;
    worker->explored_count = 0;
    od_arena_reset(&worker->found_arena);
    trial->given = &none;
    OD_TRY(od_trial_draw(trial, &worker->choices, error));
    publish_choices(worker, trial);
    publish_schedule(worker, &none);
    uint32_t due = 0;
    if (od_trial_request(trial, &request, NULL) == OD_OK)
        due = od_lineage_due(&request, od_case_row_count(&trial->test_case), worker->tried);
    trial->finding.excused = due == 0;
    if (due != 0)
        OD_TRY(explore_drawn(worker, due, &has_failed, error));
    if (!has_failed)
        return OD_OK;
    trial->given = &worker->found;
    draw_from(worker, case_index);
    return od_trial_run(trial, &worker->choices, error);
}

static void count_kinds(struct od_campaign_slot *slot, const struct od_trial *trial)
{
    bool has_failed;
    struct od_fault_kinds drawn = {0};
    struct od_fault_kinds fired = od_trial_kinds_fired(trial, &has_failed);
    enum od_campaign_kind_count outcome =
        trial->finding.found ? OD_KIND_VIOLATED : has_failed ? OD_KIND_FAILED : OD_KIND_HELD;
    for (uint32_t i = 0; i < trial->schedule.fault_count; i++)
        od_fault_kinds_add(&drawn, trial->schedule.faults[i].kind);
    for (unsigned i = 0; i < OD_FAULT_KIND_COUNT; i++) {
        bool has_fired = od_fault_kinds_has(&fired, (enum od_fault_kind)i);
        if (!od_fault_kinds_has(&drawn, (enum od_fault_kind)i))
            continue;
        atomic_fetch_add(&slot->kind_counts[i][OD_KIND_DRAWN], 1);
        atomic_fetch_add(&slot->kind_counts[i][OD_KIND_FIRED], has_fired);
        atomic_fetch_add(&slot->kind_counts[i][outcome], has_fired);
    }
}

static bool run_case(struct worker *worker, uint64_t case_index)
{
    struct od_campaign_slot *slot = worker->slot;
    struct od_trial *trial = &worker->trial;
    atomic_store(&slot->drawn, 0);
    atomic_store(&slot->count_before, atomic_load(&slot->case_count));
    atomic_store(&slot->started_ns, od_campaign_now_ns());
    atomic_store(&slot->case_index, case_index + 1);
    draw_from(worker, case_index);
    struct od_error error = {0};
    bool explores = worker->options->exploration == OD_EXPLORE_LINEAGE;
    trial->given = NULL;
    enum od_status status = explores ? explore_case(worker, case_index, &error) : od_trial_run(trial, &worker->choices, &error);
    if (status != OD_OK) {
        fprintf(stderr, "case %llu: %s\n", (unsigned long long)case_index, error.text);
        return false;
    }
    bool is_excused = trial->finding.excused && !trial->finding.found;
    _Atomic uint64_t *counts = is_excused ? slot->excused_counts : slot->property_counts;
    atomic_fetch_add(&counts[property_index(trial->test_case.property) % 64], 1);
    atomic_fetch_add(&slot->case_count, 1);
    atomic_fetch_add(&slot->disturbed_count, explores ? worker->explored_count > 1 : trial->disturbed_count > 0);
    atomic_fetch_add(&slot->run_count, explores ? worker->explored_count : trial->run_count);
    atomic_fetch_add(&slot->virtual_ns, trial->virtual_ns);
    atomic_fetch_add(&slot->digest, od_mix_two(case_index, trial->digest));
    if (trial->test_case.query != NULL)
        count_statement(slot, trial);
    else if (!explores) /* its runs are not the trial's */
        count_kinds(slot, trial);
    if (worker->options->tells_refusals && (trial->tally.status == OD_UNSUPPORTED || trial->tally.status == OD_BAD_INPUT))
        fprintf(stderr, "case %llu, %s: %s\n  %s\n", (unsigned long long)case_index, od_status_text(trial->tally.status),
                trial->refusal.text, trial->test_case.sql);
    bool has_failed = trial->finding.found;
    bool good = !has_failed || handle_failure(worker, case_index);
    if (has_failed && worker->options->ends_at_failure)
        atomic_store(&worker->page->stop, 1);
    atomic_store(&slot->case_index, 0);
    return good;
}

int od_campaign_work(const struct od_campaign_options *options, struct od_campaign_page *page, uint32_t slot_index,
                     int pipe)
{
    static struct worker worker; /* one a process; too large for a stack */
    worker.options = options;
    worker.page = page;
    worker.slot = &page->slots[slot_index];
    worker.pipe = pipe;
    worker.memory = od_posix_memory();
    od_choices_init(&worker.choices, worker.memory);
    od_trial_init(&worker.trial, worker.memory);
    od_arena_init(&worker.found_arena, worker.memory, 0);
    worker.trial.only = options->only;
    worker.trial.deployment = options->deployment;
    worker.trial.pct_depth = options->pct_depth;
    if (options->kinds != NULL)
        worker.trial.kinds = *options->kinds;
    worker.trial.drawn = publish_choices;
    worker.trial.drawn_self = &worker;
    if (options->steps != NULL)
        worker.trial.stepper = od_steps_write(options->steps);
    bool explores = options->exploration == OD_EXPLORE_LINEAGE;
    uint64_t unit = explores ? OD_CAMPAIGN_LINEAGE_CASES : 1;
    struct od_error error = {0};
    if (explores && (worker.tried = od_take(worker.memory, sizeof(*worker.tried))) == NULL)
        return 1;
    bool good = options->oracles == 0 || od_query_oracles_open(options->oracles, &worker.trial.oracles, &error) == OD_OK;
    if (!good)
        fprintf(stderr, "%s\n", error.text);
    uint64_t next = 0, end = 0; /* of the cases in hand */
    if (good && atomic_load(&worker.slot->died)) {
        next = (atomic_load(&worker.slot->case_index) - 1) / options->shard_count + 1;
        end = (next + unit - 1) / unit * unit;
        good = tell_death(&worker);
    }
    while (good && !atomic_load(&page->stop)) {
        if (next == end) {
            next = atomic_fetch_add(&page->next_index, unit);
            end = next + unit;
            if (worker.tried != NULL)
                memset(worker.tried, 0, sizeof(*worker.tried));
        }
        uint64_t case_index = next++ * options->shard_count + options->shard_index;
        if (options->case_count != 0 && case_index >= options->case_count)
            break;
        good = run_case(&worker, case_index);
    }
    if (options->steps != NULL)
        fflush(options->steps); /* this process ends without that */
    od_arena_release(&worker.found_arena);
    od_give(worker.memory, worker.tried, sizeof(*worker.tried));
    od_query_oracles_close(worker.trial.oracles);
    od_trial_release(&worker.trial);
    od_choices_release(&worker.choices);
    return good ? 0 : 1;
}
