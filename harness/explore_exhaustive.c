/* explore_exhaustive: see explore_exhaustive.h.
 *
 * Two phases a subject, each spread over workers. `marks` is theirs and the parent's: what came of each single fault, and for the faults
 * that stand for their class which others of these a run with it reaches. A pair of two of them is run once: by the first, or by the
 * second where the first alone does not reach it. */
#include "harness/explore_exhaustive.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/run/protocol.h"
#include "harness/explore_workers.h"

struct mark {
    uint32_t outcome; /* enum od_explore_verdict plus 1; 0: not run */
    uint32_t fired;
};

struct exploration {
    const struct od_exhaustive_options *options;
    const struct od_explore_subject *subject;
    struct od_coverage *coverage; /* shared */
    uint32_t subject_index;
    uint64_t subject_hash;
    struct od_explore_target target;
    struct od_explore_faults singles;
    struct od_explore_faults chosen; /* one of each class, for pairs; all of them are singles, too */
    struct od_explore_set chosen_index; /* identity -> index in chosen */
    uint32_t *single_of; /* owned; index in chosen -> index in singles */
    uint32_t grains[2];
    uint64_t pair_stride; /* 1: all of them */
    struct mark *marks;      /* shared; of singles */
    uint8_t *picked;         /* owned; [chosen][chosen]: this pair is run */
    uint8_t *reached;        /* shared; [chosen][chosen]: a run with the first reaches the second */
    /* of a worker: */
    struct od_explore_run run;
    struct od_explore_faults beside; /* of the fault that is being paired */
    struct od_explore_set skip;
};

struct od_coverage *od_coverage_new(void)
{
    return od_shared_take(sizeof(struct od_coverage));
}

void od_coverage_free(struct od_coverage *coverage)
{
    od_shared_give(coverage, sizeof(*coverage));
}

/* --- what came of a run ------------------------------------------------------------------------------------------- */

/* The worker's note about its step, for the parent should it die. */
struct step_note {
    uint32_t fault_count;
    struct od_fault faults[2];
    uint64_t order;
};
_Static_assert(sizeof(struct step_note) <= sizeof(((struct od_worker_slot *)0)->note), "a note fits");

static void note_failure(struct exploration *exploration, const struct step_note *step, const char *code, const char *text,
                         uint64_t digest)
{
    struct od_coverage *coverage = exploration->coverage;
    atomic_fetch_add(&coverage->violated[step->fault_count - 1], 1);
    uint32_t index = atomic_fetch_add(&coverage->failure_count, 1);
    if (index >= OD_COVERAGE_FAILURES_MAX)
        return;
    struct od_coverage_failure *failure = &coverage->failures[index];
    *failure = (struct od_coverage_failure){.subject_index = exploration->subject_index,
                                            .fault_count = step->fault_count,
                                            .faults = {step->faults[0], step->faults[1]},
                                            .order = step->order,
                                            .digest = digest};
    snprintf(failure->code, sizeof(failure->code), "%s", code);
    snprintf(failure->text, sizeof(failure->text), "%s", text);
}

static _Atomic uint8_t *met_of(struct od_coverage *coverage, const struct od_fault *first, const struct od_fault *second)
{
    uint32_t rows[2] = {od_coverage_row(first), od_coverage_row(second)};
    uint32_t least = rows[0] < rows[1] ? 0 : 1;
    return &coverage->met[rows[least]][rows[1 - least]];
}

static void count(struct exploration *exploration, const struct step_note *step, enum od_explore_verdict verdict, bool fired)
{
    static const enum od_coverage_field fields[OD_EXPLORE_VERDICT_COUNT] = {
        [OD_EXPLORE_HELD] = OD_COVERAGE_HELD,
        [OD_EXPLORE_PROMISED] = OD_COVERAGE_PROMISED,
        [OD_EXPLORE_VIOLATED] = OD_COVERAGE_VIOLATED,
    };
    struct od_coverage *coverage = exploration->coverage;
    uint32_t depth = step->fault_count - 1;
    atomic_fetch_add(&coverage->runs[depth], 1);
    if (depth == 1)
        atomic_fetch_or(met_of(coverage, &step->faults[0], &step->faults[1]),
                        (uint8_t)(OD_MET_TRIED | (fired ? OD_MET_BOTH_FIRED : 0)));
    for (uint32_t i = 0; i < step->fault_count; i++) {
        const struct od_fault *fault = &step->faults[i];
        _Atomic uint64_t *cell = coverage->cells[fault->kind][fault->at_time ? OD_COVERAGE_AT_TIME : (uint32_t)fault->point][depth];
        atomic_fetch_add(&cell[OD_COVERAGE_RUNS], 1);
        atomic_fetch_add(&cell[OD_COVERAGE_FIRED], fired);
        atomic_fetch_add(&cell[fields[verdict]], 1);
    }
}

/* One run with the faults of the step, counted. False: trouble of the harness. */
static bool run_step(struct exploration *exploration, const struct step_note *step, bool wants_hits, struct od_worker_slot *slot)
{
    struct od_error error = {0};
    struct od_explore_run *run = &exploration->run;
    struct od_coverage *coverage = exploration->coverage;
    const struct od_schedule schedule = {.fault_count = step->fault_count, .faults = step->faults};
    memcpy(slot->note, step, sizeof(*step));
    if (od_explore_run(exploration->subject, &schedule, wants_hits, run, &error) != OD_OK) {
        fprintf(stderr, "%s: %s\n", exploration->subject->name, error.text);
        return false;
    }
    bool fired = run->result.fired[0] > 0 && (step->fault_count < 2 || run->result.fired[1] > 0);
    count(exploration, step, run->verdict, fired);
    atomic_fetch_add(&coverage->virtual_ns, run->result.elapsed_ns);
    atomic_fetch_add(&coverage->digest, od_mix_two(od_mix_two(exploration->subject_hash, step->order),
                                                   od_mix_two(run->result.digest, (uint64_t)run->verdict)));
    if (run->verdict == OD_EXPLORE_VIOLATED)
        note_failure(exploration, step, run->finding.code, run->finding.text, run->result.digest);
    return true;
}

static void lost_run(void *self, uint64_t item, const struct od_worker_slot *slot, const char *code, const char *text)
{
    struct exploration *exploration = self;
    struct step_note step;
    memcpy(&step, slot->note, sizeof(step));
    count(exploration, &step, OD_EXPLORE_VIOLATED, true);
    note_failure(exploration, &step, code, text, 0);
    atomic_fetch_add(&exploration->coverage->digest, od_mix_two(exploration->subject_hash, step.order));
    if (step.fault_count == 1)
        exploration->marks[item] = (struct mark){OD_EXPLORE_VIOLATED + 1, 1};
}

static bool go_on(void *self, uint64_t run_count)
{
    struct exploration *exploration = self;
    bool more = exploration->options->go_on == NULL || exploration->options->go_on(exploration->options->self, run_count);
    exploration->coverage->is_cut = exploration->coverage->is_cut || !more;
    return more;
}

static enum od_status spread(struct exploration *exploration, uint64_t item_count,
                             bool (*work)(void *, uint64_t, uint64_t, struct od_worker_slot *), struct od_error *error)
{
    const struct od_workers workers = {.job_count = exploration->options->job_count,
                                       .item_count = item_count,
                                       .hang_ns = exploration->options->hang_ns,
                                       .work = work,
                                       .lost = lost_run,
                                       .go_on = go_on,
                                       .self = exploration};
    return od_workers_run(&workers, error);
}

/* --- singles ------------------------------------------------------------------------------------------------------ */

struct reach_note {
    struct exploration *exploration;
    uint8_t *row;
};

static void note_reached(void *self, const struct od_fault *fault, uint64_t identity)
{
    struct reach_note *note = self;
    uint32_t index;
    (void)fault;
    if (od_explore_set_find(&note->exploration->chosen_index, identity, &index))
        note->row[index] = 1;
}

static bool run_single(void *self, uint64_t item, uint64_t first_step, struct od_worker_slot *slot)
{
    struct exploration *exploration = self;
    const struct od_explore_fault *single = &exploration->singles.items[item];
    const struct step_note step = {.fault_count = 1, .faults = {single->fault}, .order = single->identity};
    uint32_t index = OD_ANY;
    bool is_chosen = od_explore_set_find(&exploration->chosen_index, single->identity, &index);
    if (first_step > 0 || !od_worker_step(slot, 0))
        return true;
    if (!run_step(exploration, &step, is_chosen, slot))
        return false;
    exploration->marks[item] =
        (struct mark){(uint32_t)exploration->run.verdict + 1, exploration->run.result.fired[0]};
    if (is_chosen) {
        struct reach_note note = {exploration, exploration->reached + (size_t)index * exploration->chosen.count};
        od_explore_faults_each(&exploration->target, &exploration->run.hits, note_reached, &note);
    }
    return true;
}

/* --- pairs -------------------------------------------------------------------------------------------------------- */

static const struct mark *mark_of(const struct exploration *exploration, uint32_t chosen)
{
    return &exploration->marks[exploration->single_of[chosen]];
}

/* One that does nothing, or is wrong by itself, is no half of a pair. */
static bool may_pair(const struct exploration *exploration, uint32_t chosen)
{
    const struct mark *mark = mark_of(exploration, chosen);
    return mark->fired > 0 && mark->outcome != 0 && mark->outcome != OD_EXPLORE_VIOLATED + 1;
}

static bool reaches(const struct exploration *exploration, uint32_t first, uint32_t second)
{
    return exploration->reached[(size_t)first * exploration->chosen.count + second] != 0;
}

/* Where even one of each class makes too many pairs, one in `stride` of them is run, by number: of each subject other ones. */
static bool is_sampled(const struct exploration *exploration, const struct od_explore_fault *first,
                       const struct od_explore_fault *second, uint64_t stride)
{
    uint64_t pair = od_explore_pair_identity(first->identity, second->identity);
    return od_mix_two(exploration->subject_hash, pair) % stride == 0;
}

static bool can_meet(const struct exploration *exploration, uint32_t first, uint32_t second)
{
    return first != second && may_pair(exploration, second) && reaches(exploration, first, second) &&
           (first < second || !reaches(exploration, second, first));
}

/* Which pairs are run: decided before any of them is, by what was tried on subjects before this one. */
static enum od_status pick_pairs(struct exploration *exploration, struct od_error *error)
{
    struct od_coverage *coverage = exploration->coverage;
    const struct od_explore_fault *items = exploration->chosen.items;
    size_t count = exploration->chosen.count;
    exploration->picked = od_take_array(exploration->subject->memory, count, count);
    if (exploration->picked == NULL)
        return count == 0 ? OD_OK : od_fail(error, OD_NO_MEMORY, "choosing pairs of %zu faults", count);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; may_pair(exploration, i) && k < count; k++) {
            if (!can_meet(exploration, i, k))
                continue;
            _Atomic uint8_t *met = met_of(coverage, &items[i].fault, &items[k].fault);
            bool is_picked = atomic_load(met) == 0 || is_sampled(exploration, &items[i], &items[k], exploration->pair_stride);
            exploration->picked[i * count + k] = is_picked;
            if (is_picked)
                atomic_fetch_or(met, OD_MET_TRIED);
        }
    }
    return OD_OK;
}

/* The faults at what the run with the first fault reaches, other than those that stand for their classes and are reached, too. */
static bool list_beside(struct exploration *exploration, uint32_t first, struct od_worker_slot *slot, uint64_t step_number)
{
    const struct od_explore_faults *chosen = &exploration->chosen;
    const struct od_schedule schedule = {.fault_count = 1, .faults = &chosen->items[first].fault};
    struct step_note step = {.fault_count = 1, .faults = {chosen->items[first].fault}, .order = chosen->items[first].identity};
    bool is_new;
    memcpy(slot->note, &step, sizeof(step));
    if (!od_worker_step(slot, step_number))
        return true;
    od_explore_set_reset(&exploration->skip);
    enum od_status status = od_explore_run(exploration->subject, &schedule, true, &exploration->run, NULL);
    for (uint32_t i = 0; i < chosen->count && status == OD_OK; i++)
        if (reaches(exploration, first, i))
            status = od_explore_set_add(&exploration->skip, chosen->items[i].class, i, &is_new, NULL);
    if (status == OD_OK)
        status = od_explore_faults_list(&exploration->beside, &exploration->target, &exploration->run.hits,
                                        exploration->grains[1], &exploration->skip, NULL);
    return status == OD_OK;
}

static bool run_pair(struct exploration *exploration, const struct od_explore_fault *first, const struct od_explore_fault *second,
                     uint64_t step_number, struct od_worker_slot *slot)
{
    const struct step_note step = {.fault_count = 2,
                                   .faults = {first->fault, second->fault},
                                   .order = od_explore_pair_identity(first->identity, second->identity)};
    return od_worker_step(slot, step_number) ? run_step(exploration, &step, false, slot) : true;
}

/* One in so many of the faults that only the first one makes reachable is paired with it. */
static uint64_t beside_stride(const struct exploration *exploration)
{
    uint64_t most = exploration->options->pairs_max / (exploration->chosen.count + 1) + 1;
    return exploration->beside.count / most + 1;
}

/* All pairs of which item is the first: steps 1.. are those with the others of its kind, then those with what only it makes reachable. */
static bool run_pairs(void *self, uint64_t item, uint64_t first_step, struct od_worker_slot *slot)
{
    struct exploration *exploration = self;
    struct od_coverage *coverage = exploration->coverage;
    const struct od_explore_faults *chosen = &exploration->chosen;
    uint32_t first = (uint32_t)item;
    uint64_t step = 1;
    bool good = true;
    if (!may_pair(exploration, first))
        return true;
    if (!list_beside(exploration, first, slot, first_step == 0 ? 0 : first_step - 1))
        return false;
    for (uint32_t i = 0; good && i < chosen->count && atomic_load(slot->stop) == 0; i++, step++)
        if (step >= first_step && exploration->picked[(size_t)first * chosen->count + i])
            good = run_pair(exploration, &chosen->items[first], &chosen->items[i], step, slot);
    uint64_t stride = beside_stride(exploration);
    for (uint32_t i = 0; good && i < exploration->beside.count && atomic_load(slot->stop) == 0; i++, step++) {
        const struct od_explore_fault *second = &exploration->beside.items[i];
        if (step < first_step || second->identity == chosen->items[first].identity)
            continue;
        bool is_run = is_sampled(exploration, &chosen->items[first], second, stride);
        atomic_fetch_add(&coverage->pairs_left_out, !is_run);
        if (!is_run)
            continue;
        atomic_fetch_add(&coverage->recovery_pairs, 1);
        if (!second->fault.at_time)
            atomic_fetch_add(&coverage->reached_in_recovery[second->fault.point], 1);
        good = run_pair(exploration, &chosen->items[first], second, step, slot);
    }
    return good;
}

/* --- one subject -------------------------------------------------------------------------------------------------- */

/* All pairs of so many are within the bound. */
static uint64_t choose_most(uint64_t pairs_max)
{
    return (uint64_t)((1 + sqrt(1 + 8 * (double)pairs_max)) / 2);
}

static enum od_status choose(struct exploration *exploration, struct od_error *error)
{
    const struct od_explore_hits *hits = &exploration->subject->undisturbed.hits;
    struct od_explore_faults *singles = &exploration->singles;
    struct od_explore_faults *chosen = &exploration->chosen;
    struct od_explore_set index_of;
    uint32_t *grains = exploration->grains;
    OD_TRY(od_explore_faults_grain(singles, &exploration->target, hits, exploration->options->singles_max, &grains[0], error));
    OD_TRY(od_explore_faults_list(singles, &exploration->target, hits, grains[0], NULL, error));
    if (exploration->options->depth < 2)
        return OD_OK;
    uint64_t most = choose_most(exploration->options->pairs_max);
    OD_TRY(od_explore_faults_grain(chosen, &exploration->target, hits, most, &grains[1], error));
    grains[1] = grains[1] < grains[0] ? grains[0] : grains[1];
    OD_TRY(od_explore_faults_list(chosen, &exploration->target, hits, grains[1], NULL, error));
    uint64_t pairs = (uint64_t)chosen->count * (chosen->count - 1) / 2;
    exploration->pair_stride = pairs <= exploration->options->pairs_max ? 1 : pairs / exploration->options->pairs_max + 1;
    exploration->single_of = od_take_array(exploration->subject->memory, chosen->count, sizeof(*exploration->single_of));
    if (exploration->single_of == NULL)
        return od_fail(error, OD_NO_MEMORY, "choosing %u faults", chosen->count);
    od_explore_set_init(&index_of, exploration->subject->memory);
    enum od_status status = OD_OK;
    bool is_new;
    for (uint32_t i = 0; i < singles->count && status == OD_OK; i++)
        status = od_explore_set_add(&index_of, singles->items[i].identity, i, &is_new, error);
    for (uint32_t i = 0; i < chosen->count && status == OD_OK; i++) {
        bool is_single = od_explore_set_find(&index_of, chosen->items[i].identity, &exploration->single_of[i]);
        od_assert(is_single); /* the first of a class is the first of a finer one */
        status = od_explore_set_add(&exploration->chosen_index, chosen->items[i].identity, i, &is_new, error);
    }
    od_explore_set_release(&index_of);
    return status;
}

static enum od_status share(struct exploration *exploration, struct od_error *error)
{
    size_t chosen = exploration->chosen.count;
    exploration->marks = od_shared_take((exploration->singles.count + 1) * sizeof(*exploration->marks));
    exploration->reached = od_shared_take(chosen * chosen + 1);
    return exploration->marks != NULL && exploration->reached != NULL
               ? OD_OK
               : od_fail(error, OD_NO_MEMORY, "sharing %u faults with workers", exploration->singles.count);
}

/* What the subject is, for the books. */
static void note_subject(struct exploration *exploration)
{
    struct od_coverage *coverage = exploration->coverage;
    const struct od_explore_run *undisturbed = &exploration->subject->undisturbed;
    uint64_t chosen = exploration->chosen.count;
    for (uint32_t i = 0; i < undisturbed->hits.count; i++) {
        const struct od_explore_hit *hit = &undisturbed->hits.items[i];
        coverage->reached[hit->point][hit->actor_id == 0 ? OD_REACH_DRIVER : OD_REACH_EXECUTOR]++;
        coverage->reached[hit->point][OD_REACH_WITH_BYTES] += hit->byte_count > 0;
        if (hit->point == OD_POINT_MESSAGE_SEND)
            coverage->roles_sent |= UINT32_C(1) << od_message_role((enum od_message_kind)hit->site.message_kind);
    }
    coverage->candidates += exploration->singles.candidate_count;
    coverage->grain_subjects[0][exploration->grains[0]]++;
    if (exploration->options->depth < 2)
        return;
    coverage->candidate_pairs += chosen == 0 ? 0 : exploration->chosen.candidate_count * (exploration->chosen.candidate_count - 1) / 2;
    coverage->grain_subjects[1][exploration->grains[1]]++;
    coverage->sampled_subjects += exploration->pair_stride > 1;
}

static void release(struct exploration *exploration)
{
    struct od_memory *memory = exploration->subject->memory;
    size_t chosen = exploration->chosen.count;
    od_shared_give(exploration->marks, (exploration->singles.count + 1) * sizeof(*exploration->marks));
    od_shared_give(exploration->reached, chosen * chosen + 1);
    od_give(memory, exploration->picked, exploration->picked == NULL ? 0 : chosen * chosen);
    od_give(memory, exploration->single_of, chosen * sizeof(*exploration->single_of));
    od_explore_set_release(&exploration->chosen_index);
    od_explore_set_release(&exploration->skip);
    od_explore_faults_release(&exploration->singles);
    od_explore_faults_release(&exploration->chosen);
    od_explore_faults_release(&exploration->beside);
    od_explore_run_release(&exploration->run);
    od_explore_target_release(&exploration->target);
}

enum od_status od_exhaustive_explore(const struct od_exhaustive_options *options, const struct od_explore_subject *subject,
                                     uint32_t subject_index, struct od_coverage *coverage, struct od_error *error)
{
    struct exploration exploration = {.options = options,
                                      .subject = subject,
                                      .coverage = coverage,
                                      .subject_index = subject_index,
                                      .subject_hash = od_hash_bytes(subject->name, strlen(subject->name), 0)};
    od_assert(subject->undisturbed.verdict == OD_EXPLORE_HELD);
    od_explore_faults_init(&exploration.singles, subject->memory);
    od_explore_faults_init(&exploration.chosen, subject->memory);
    od_explore_faults_init(&exploration.beside, subject->memory);
    od_explore_set_init(&exploration.chosen_index, subject->memory);
    od_explore_set_init(&exploration.skip, subject->memory);
    enum od_status status = od_explore_target_init(&exploration.target, subject, error);
    if (status == OD_OK)
        status = choose(&exploration, error);
    if (status == OD_OK)
        status = share(&exploration, error);
    if (status == OD_OK)
        note_subject(&exploration);
    if (status == OD_OK)
        status = spread(&exploration, exploration.singles.count, run_single, error);
    if (status == OD_OK && !coverage->is_cut && options->depth >= 2)
        status = pick_pairs(&exploration, error);
    if (status == OD_OK && !coverage->is_cut && options->depth >= 2)
        status = spread(&exploration, exploration.chosen.count, run_pairs, error);
    if (status == OD_OK && !coverage->is_cut) {
        coverage->subject_count++;
        coverage->empty_count += subject->undisturbed.result.outcome.answer->rows.row_count == 0;
    }
    release(&exploration);
    return status;
}
