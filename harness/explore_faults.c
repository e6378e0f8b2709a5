/* explore_faults: see explore_faults.h. */
#include "harness/explore_faults.h"

#include <string.h>

#include "chaos/fault_kind.h"
#include "engine/core/assert.h"
#include "engine/run/protocol.h"

#define KEEP_ALL 1000000

/* --- what can be aimed at ----------------------------------------------------------------------------------------- */

/* Where the first of a stage's attempts starts, and the last is committed. */
static void note_stage(const struct od_event *event, uint64_t *first_ns, uint64_t *last_ns)
{
    uint32_t stage = event->site.stage;
    if (event->kind == OD_EVENT_TASK_STARTED && event->time_ns < first_ns[stage])
        first_ns[stage] = event->time_ns;
    if (event->kind == OD_EVENT_TASK_COMMITTED && event->time_ns > last_ns[stage])
        last_ns[stage] = event->time_ns;
}

static void find_moments(struct od_explore_target *target, const struct od_cluster_result *run, uint64_t *first_ns,
                         uint64_t *last_ns)
{
    for (uint32_t s = 0; s < target->stage_count; s++)
        first_ns[s] = UINT64_MAX;
    for (uint32_t i = 0; i < run->event_count; i++)
        if (run->events[i].site.stage < target->stage_count)
            note_stage(&run->events[i], first_ns, last_ns);
    target->moments_ns[target->moment_count++] = 0;
    for (uint32_t s = 0; s < target->stage_count; s++)
        if (first_ns[s] <= last_ns[s])
            target->moments_ns[target->moment_count++] = first_ns[s] + (last_ns[s] - first_ns[s]) / 2;
    target->moments_ns[target->moment_count++] = run->elapsed_ns - 1;
}

enum od_status od_explore_target_init(struct od_explore_target *target, const struct od_explore_subject *subject,
                                      struct od_error *error)
{
    const struct od_run_options options = od_run_options_resolve(&subject->request.options);
    const struct od_stage_graph *graph = subject->request.graph;
    *target = (struct od_explore_target){.executor_count = options.cluster.executor_count,
                                         .lease_ns = options.cluster.lease_ns,
                                         .stage_count = graph->stage_count,
                                         .memory = subject->memory};
    target->task_counts = od_take_array(target->memory, graph->stage_count, sizeof(*target->task_counts));
    target->moments_ns = od_take_array(target->memory, graph->stage_count + 2, sizeof(*target->moments_ns));
    uint64_t *first_ns = od_take_array(target->memory, graph->stage_count, sizeof(*first_ns));
    uint64_t *last_ns = od_take_array(target->memory, graph->stage_count, sizeof(*last_ns));
    bool has_all = target->task_counts != NULL && target->moments_ns != NULL && first_ns != NULL && last_ns != NULL;
    for (uint32_t s = 0; has_all && s < graph->stage_count; s++)
        target->task_counts[s] = graph->stages[s].task_count;
    if (has_all)
        find_moments(target, &subject->undisturbed.result, first_ns, last_ns);
    od_give(target->memory, first_ns, graph->stage_count * sizeof(*first_ns));
    od_give(target->memory, last_ns, graph->stage_count * sizeof(*last_ns));
    if (has_all)
        return OD_OK;
    od_explore_target_release(target);
    return od_fail(error, OD_NO_MEMORY, "describing %s", subject->name);
}

void od_explore_target_release(struct od_explore_target *target)
{
    if (target->memory != NULL) {
        od_give(target->memory, target->task_counts, target->stage_count * sizeof(*target->task_counts));
        od_give(target->memory, target->moments_ns, (target->stage_count + 2) * sizeof(*target->moments_ns));
    }
    *target = (struct od_explore_target){0};
}

/* --- sets --------------------------------------------------------------------------------------------------------- */

void od_explore_set_init(struct od_explore_set *set, struct od_memory *memory)
{
    *set = (struct od_explore_set){.memory = memory};
}

void od_explore_set_release(struct od_explore_set *set)
{
    if (set->memory == NULL)
        return;
    od_give(set->memory, set->keys, set->slot_count * sizeof(*set->keys));
    od_give(set->memory, set->values, set->slot_count * sizeof(*set->values));
    od_explore_set_init(set, set->memory);
}

void od_explore_set_reset(struct od_explore_set *set)
{
    if (set->count > 0)
        memset(set->keys, 0, set->slot_count * sizeof(*set->keys));
    set->count = 0;
}

/* Its slot, or the free one where it belongs. */
static uint32_t slot_of(const struct od_explore_set *set, uint64_t key)
{
    uint32_t at = (uint32_t)key & (set->slot_count - 1);
    while (set->keys[at] != 0 && set->keys[at] != key)
        at = (at + 1) & (set->slot_count - 1);
    return at;
}

static enum od_status set_grow(struct od_explore_set *set, struct od_error *error)
{
    struct od_explore_set larger = {.memory = set->memory, .count = set->count};
    larger.slot_count = set->slot_count == 0 ? 256 : 2 * set->slot_count;
    larger.keys = od_take_array(set->memory, larger.slot_count, sizeof(*larger.keys));
    larger.values = od_take_array(set->memory, larger.slot_count, sizeof(*larger.values));
    if (larger.keys == NULL || larger.values == NULL) {
        od_explore_set_release(&larger);
        return od_fail(error, OD_NO_MEMORY, "remembering %u faults", set->count);
    }
    for (uint32_t i = 0; i < set->slot_count; i++) {
        if (set->keys[i] == 0)
            continue;
        uint32_t at = slot_of(&larger, set->keys[i]);
        larger.keys[at] = set->keys[i];
        larger.values[at] = set->values[i];
    }
    od_explore_set_release(set);
    *set = larger;
    return OD_OK;
}

enum od_status od_explore_set_add(struct od_explore_set *set, uint64_t key, uint32_t value, bool *is_new_out,
                                  struct od_error *error)
{
    od_assert(key != 0);
    if (2 * (set->count + 1) > set->slot_count)
        OD_TRY(set_grow(set, error));
    uint32_t at = slot_of(set, key);
    *is_new_out = set->keys[at] == 0;
    if (!*is_new_out)
        return OD_OK;
    set->keys[at] = key;
    set->values[at] = value;
    set->count++;
    return OD_OK;
}

bool od_explore_set_find(const struct od_explore_set *set, uint64_t key, uint32_t *value_out)
{
    if (set->count == 0)
        return false;
    uint32_t at = slot_of(set, key);
    if (value_out != NULL && set->keys[at] == key)
        *value_out = set->values[at];
    return set->keys[at] == key;
}

/* --- faults and their classes ------------------------------------------------------------------------------------- */

/* What may count, in the order in which grains forget it. */
enum field {
    FIELD_REPEAT,    /* which of equal hits, which step: the first, or any later one */
    FIELD_PARTITION, /* of a block */
    FIELD_EXECUTOR,
    FIELD_TASK,      /* which task: the first of its stage, the last, or any between */
    FIELD_VARIANT,
    FIELD_ROLE,      /* that, too, and which repeat */
    FIELD_STAGE      /* which stage: the first, the last, or any between */
};
static const struct {
    const char *text;
    enum field forgets; /* all fields up to this one */
} grains[OD_EXPLORE_GRAIN_COUNT] = {
    {"all", FIELD_REPEAT},
    {"one later repeat of a message, step or call", FIELD_REPEAT},
    {"one partition", FIELD_PARTITION},
    {"one executor; of tasks first, last and one between", FIELD_TASK},
    {"one amount and duration", FIELD_VARIANT},
    {"one task, one repeat", FIELD_ROLE},
    {"of stages first, last and one between", FIELD_STAGE},
};

const char *od_explore_grain_text(uint32_t grain)
{
    od_assert(grain < OD_EXPLORE_GRAIN_COUNT);
    return grains[grain].text;
}

static uint32_t role_of(uint32_t index, uint32_t count)
{
    if (index == OD_ANY)
        return OD_ANY;
    return index == 0 ? 0 : index + 1 >= count ? 2 : 1;
}

static bool forgets(uint32_t grain, enum field field)
{
    return grain > 0 && field <= grains[grain].forgets;
}

static uint64_t mix_fields(const uint64_t *fields, size_t count)
{
    uint64_t hash = od_hash_bytes(fields, count * sizeof(*fields), 1);
    return hash == 0 ? 1 : hash;
}

struct candidate {
    struct od_fault fault;
    uint32_t variant;
    uint32_t moment; /* at a time: which one */
};

uint64_t od_explore_identity(const struct od_fault *fault)
{
    const struct od_site *site = &fault->site;
    const uint64_t fields[] = {(uint64_t)fault->kind << 32 | fault->at_time,
                               fault->at_time ? fault->time_ns : (uint64_t)fault->point,
                               (uint64_t)site->query << 32 | site->stage,
                               (uint64_t)site->task << 32 | site->attempt,
                               (uint64_t)site->executor << 32 | site->partition,
                               (uint64_t)site->nth << 32 | site->message_kind,
                               fault->duration_ns,
                               (uint64_t)fault->amount << 32 | fault->lost_write,
                               fault->times};
    return mix_fields(fields, sizeof(fields) / sizeof(fields[0]));
}

static uint64_t class_of(const struct od_explore_target *target, const struct candidate *candidate, uint32_t grain)
{
    const struct od_fault *fault = &candidate->fault;
    const struct od_site *site = &fault->site;
    if (grain == 0)
        return od_explore_identity(fault);
    uint32_t task_count = site->stage < target->stage_count ? target->task_counts[site->stage] : 1;
    uint32_t stage = forgets(grain, FIELD_STAGE) ? role_of(site->stage, target->stage_count) : site->stage;
    uint32_t moment = forgets(grain, FIELD_STAGE) ? role_of(candidate->moment, target->moment_count) : candidate->moment;
    uint32_t task = forgets(grain, FIELD_TASK) ? role_of(site->task, task_count) : site->task;
    uint32_t repeat = site->nth == OD_ANY || site->nth == 0 ? 0 : 1;
    const uint64_t fields[] = {
        (uint64_t)fault->kind << 32 | (uint64_t)fault->at_time << 16 | (fault->at_time ? 0 : (uint64_t)fault->point),
        (uint64_t)stage << 32 | moment,
        forgets(grain, FIELD_ROLE) ? OD_ANY : task,
        forgets(grain, FIELD_ROLE) ? OD_ANY : repeat,
        site->attempt == OD_ANY || site->attempt == 0 ? 0 : 1,
        forgets(grain, FIELD_PARTITION) ? OD_ANY : site->partition,
        forgets(grain, FIELD_EXECUTOR) ? OD_ANY : site->executor,
        site->message_kind,
        forgets(grain, FIELD_VARIANT) ? OD_ANY : candidate->variant};
    return mix_fields(fields, sizeof(fields) / sizeof(fields[0]));
}

/* --- listing ------------------------------------------------------------------------------------------------------ */

struct lister {
    const struct od_explore_target *target;
    bool (*take)(void *self, const struct candidate *candidate); /* false: no more */
    void *self;
};

/* The variants of an amount: mild, and harsh. */
static const uint32_t amounts[][OD_EXPLORE_VARIANTS] = {
    [OD_FAULT_AMOUNT_NONE] = {0, 0},          [OD_FAULT_AMOUNT_BIT] = {0, UINT32_MAX}, [OD_FAULT_AMOUNT_CUT] = {1, KEEP_ALL},
    [OD_FAULT_AMOUNT_KEEP] = {0, KEEP_ALL}, [OD_FAULT_AMOUNT_FACTOR] = {10, 10000},
    [OD_FAULT_AMOUNT_RATE] = {64, 1},         [OD_FAULT_AMOUNT_BY] = {512, 8},         [OD_FAULT_AMOUNT_MS] = {20, 1000},
    [OD_FAULT_AMOUNT_LIMIT] = {64, 1},
    [OD_FAULT_AMOUNT_SEED] = {1, 2},
};

static uint32_t variant_count(const struct od_fault_kind_row *row)
{
    return row->has_duration || row->amount != OD_FAULT_AMOUNT_NONE ? OD_EXPLORE_VARIANTS : 1;
}

static bool take_variants(const struct lister *lister, struct candidate *candidate)
{
    const struct od_fault_kind_row *row = od_fault_kind_row(candidate->fault.kind);
    uint64_t lease_ns = lister->target->lease_ns;
    const uint64_t durations_ns[OD_EXPLORE_VARIANTS] = {lease_ns / 5, lease_ns / 2 * 3};
    bool more = true;
    for (uint32_t v = 0; more && v < variant_count(row); v++) {
        candidate->variant = v;
        candidate->fault.duration_ns = row->has_duration ? durations_ns[v] : 0;
        candidate->fault.amount = amounts[row->amount][v];
        candidate->fault.lost_write = v > 0 && row->amount == OD_FAULT_AMOUNT_KEEP;
        more = lister->take(lister->self, candidate);
    }
    return more;
}

bool od_explore_concerns(enum od_fault_kind kind, const struct od_explore_hit *hit)
{
    const struct od_fault_kind_row *row = od_fault_kind_row(kind);
    bool is_victim = row->victim == OD_FAULT_OF_ANYBODY || (row->victim == OD_FAULT_OF_DRIVER) == (hit->actor_id == 0);
    bool has_role = hit->point != OD_POINT_MESSAGE_SEND || od_effect_is_window(row->effect) ||
                    od_fault_has_role(row, od_message_role((enum od_message_kind)hit->site.message_kind));
    return is_victim && has_role && (hit->byte_count > 0 || !od_fault_needs_bytes(row));
}

/* Only what tells this hit from others: which executor a task met is its own business. */
struct od_site od_explore_site(const struct od_explore_hit *hit)
{
    struct od_site site = hit->site;
    site.query = OD_ANY;
    bool is_drivers = hit->actor_id == 0 && hit->point != OD_POINT_MESSAGE_SEND;
    if (is_drivers || od_explore_names_task(hit->point, &hit->site))
        site.executor = OD_ANY;
    if (hit->point != OD_POINT_TASK_STEP && site.nth == 0)
        site.nth = OD_ANY;
    return site;
}

static bool list_hit(const struct lister *lister, const struct od_explore_hit *hit)
{
    bool more = true;
    for (unsigned k = 0; more && k < OD_FAULT_KIND_COUNT; k++) {
        enum od_fault_kind kind = (enum od_fault_kind)k;
        if (!od_fault_kind_allows(kind, hit->point) || !od_explore_concerns(kind, hit))
            continue;
        struct candidate candidate = {.fault = {.kind = kind, .point = hit->point, .site = od_explore_site(hit), .times = 1},
                                      .moment = OD_ANY};
        more = take_variants(lister, &candidate);
    }
    return more;
}

static bool list_moment(const struct lister *lister, enum od_fault_kind kind, uint32_t moment)
{
    enum od_fault_target aim = od_fault_kind_row(kind)->target;
    bool names_actor = aim == OD_FAULT_TARGET_EXECUTOR || aim == OD_FAULT_TARGET_ACTOR;
    uint32_t last = names_actor ? lister->target->executor_count : 1;
    bool more = true;
    for (uint32_t i = aim == OD_FAULT_TARGET_ACTOR ? 0 : 1; more && i <= last; i++) {
        struct candidate candidate = {.fault = {.kind = kind,
                                                .at_time = true,
                                                .time_ns = lister->target->moments_ns[moment],
                                                .site = OD_SITE_ANY,
                                                .times = 1},
                                      .moment = moment};
        if (names_actor)
            candidate.fault.site.executor = i;
        else if (aim == OD_FAULT_TARGET_QUERY)
            candidate.fault.site.query = 1;
        more = take_variants(lister, &candidate);
    }
    return more;
}

static void list(const struct lister *lister, const struct od_explore_hits *hits)
{
    bool more = true;
    for (uint32_t i = 0; more && i < hits->count; i++)
        more = list_hit(lister, &hits->items[i]);
    for (unsigned k = 0; k < OD_FAULT_KIND_COUNT; k++)
        for (uint32_t m = 0; more && od_fault_kind_row((enum od_fault_kind)k)->at_time && m < lister->target->moment_count; m++)
            more = list_moment(lister, (enum od_fault_kind)k, m);
}

void od_explore_faults_init(struct od_explore_faults *faults, struct od_memory *memory)
{
    *faults = (struct od_explore_faults){.memory = memory};
    od_explore_set_init(&faults->classes, memory);
}

void od_explore_faults_release(struct od_explore_faults *faults)
{
    if (faults->memory == NULL)
        return;
    od_give(faults->memory, faults->items, faults->capacity * sizeof(*faults->items));
    od_explore_set_release(&faults->classes);
    od_explore_faults_init(faults, faults->memory);
}

struct keeper {
    struct od_explore_faults *faults;
    const struct od_explore_target *target;
    const struct od_explore_set *skip;
    uint32_t grain;
    uint64_t most; /* classes beyond this one are not needed */
    enum od_status status;
};

static bool keep(void *self, const struct candidate *candidate)
{
    struct keeper *keeper = self;
    struct od_explore_faults *faults = keeper->faults;
    uint64_t class = class_of(keeper->target, candidate, keeper->grain);
    bool is_new = false;
    faults->candidate_count++;
    if (keeper->skip != NULL && od_explore_set_find(keeper->skip, class, NULL))
        return true;
    keeper->status = od_explore_set_add(&faults->classes, class, faults->count, &is_new, NULL);
    if (keeper->status != OD_OK || !is_new)
        return keeper->status == OD_OK;
    if (!od_grow(faults->memory, &faults->items, &faults->capacity, faults->count + 1, sizeof(*faults->items))) {
        keeper->status = OD_NO_MEMORY;
        return false;
    }
    faults->items[faults->count++] =
        (struct od_explore_fault){.fault = candidate->fault, .identity = od_explore_identity(&candidate->fault), .class = class};
    return faults->count <= keeper->most;
}

static enum od_status list_some(struct od_explore_faults *faults, const struct od_explore_target *target,
                                const struct od_explore_hits *hits, uint32_t grain, const struct od_explore_set *skip,
                                uint64_t most, struct od_error *error)
{
    struct keeper keeper = {.faults = faults, .target = target, .skip = skip, .grain = grain, .most = most};
    faults->count = 0;
    faults->candidate_count = 0;
    od_explore_set_reset(&faults->classes);
    list(&(struct lister){.target = target, .take = keep, .self = &keeper}, hits);
    return keeper.status == OD_OK ? OD_OK : od_fail(error, keeper.status, "listing faults: %u so far", faults->count);
}

enum od_status od_explore_faults_list(struct od_explore_faults *faults, const struct od_explore_target *target,
                                      const struct od_explore_hits *hits, uint32_t grain, const struct od_explore_set *skip,
                                      struct od_error *error)
{
    return list_some(faults, target, hits, grain, skip, UINT64_MAX, error);
}

enum od_status od_explore_faults_grain(struct od_explore_faults *faults, const struct od_explore_target *target,
                                       const struct od_explore_hits *hits, uint64_t most, uint32_t *grain_out,
                                       struct od_error *error)
{
    *grain_out = 0;
    OD_TRY(list_some(faults, target, hits, 0, NULL, most, error));
    while (faults->count > most && *grain_out + 1 < OD_EXPLORE_GRAIN_COUNT)
        OD_TRY(list_some(faults, target, hits, ++*grain_out, NULL, most, error));
    return OD_OK;
}

struct visitor {
    void (*visit)(void *self, const struct od_fault *fault, uint64_t identity);
    void *self;
};

static bool visit_one(void *self, const struct candidate *candidate)
{
    const struct visitor *visitor = self;
    visitor->visit(visitor->self, &candidate->fault, od_explore_identity(&candidate->fault));
    return true;
}

void od_explore_faults_each(const struct od_explore_target *target, const struct od_explore_hits *hits,
                            void (*visit)(void *self, const struct od_fault *fault, uint64_t identity), void *self)
{
    struct visitor visitor = {visit, self};
    list(&(struct lister){.target = target, .take = visit_one, .self = &visitor}, hits);
}
