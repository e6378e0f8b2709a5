/* explore_lineage: see explore_lineage.h.
 *
 *   hit of a point (a place of the run) x reaction (a kind of fault with its amounts) -> element of hitting_sets.h
 *
 * Elements get their numbers, and so their turn, class by class: first one of each class, then the next of each. A class is a reaction
 * at a point in a kind of stage; its members are tasks and messages that look alike, so the first tells most.
 *
 * What a run that held gives as a support: all elements at hits that it reached, but those that it ran under. Whoever did not get an
 * answer as promised (retries used up), or was passed over, gives the support that it should have broken, less itself. */
#include "harness/explore_lineage.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/run/protocol.h"
#include "harness/explore_faults.h"
#include "harness/hitting_sets.h"

#define MS UINT64_C(1000000)
/* Cases in a row that lack a trait whose share is due: what no case has must not end it all. */
#define LINEAGE_PASSED_MAX 100
#define SPENDING_UNIT      4

/* --- the support of an answer ------------------------------------------------------------------------------------- */

static bool key_equal(const struct od_attempt_key *left, const struct od_attempt_key *right)
{
    return left->stage == right->stage && left->task == right->task && left->attempt == right->attempt;
}

bool od_lineage_has(const struct od_lineage *lineage, const struct od_attempt_key *attempt)
{
    for (uint32_t i = 0; i < lineage->count; i++)
        if (key_equal(&lineage->attempts[i], attempt))
            return true;
    return false;
}

static bool has_task(const struct od_lineage *lineage, const struct od_site *site)
{
    for (uint32_t i = 0; i < lineage->count; i++)
        if (lineage->attempts[i].stage == site->stage && lineage->attempts[i].task == site->task)
            return true;
    return false;
}

static bool note_attempt(struct od_lineage *lineage, uint32_t stage, uint32_t task, uint32_t attempt)
{
    const struct od_attempt_key key = {stage, task, attempt};
    if (od_lineage_has(lineage, &key))
        return true;
    if (!od_grow(lineage->memory, &lineage->attempts, &lineage->capacity, lineage->count + 1, sizeof(key)))
        return false;
    lineage->attempts[lineage->count++] = key;
    return true;
}

/* From the last event back, so that readers come before what they have read. */
enum od_status od_lineage_find(struct od_lineage *lineage, const struct od_event *events, uint32_t event_count,
                               struct od_error *error)
{
    bool good = true;
    lineage->count = 0;
    for (uint32_t i = event_count; i-- > 0 && good;) {
        const struct od_event *event = &events[i];
        const struct od_site *site = &event->site;
        const struct od_attempt_key reader = {site->stage, site->task, site->attempt};
        bool by_driver = site->stage == OD_ANY;
        bool commits = event->kind == OD_EVENT_TASK_COMMITTED || event->kind == OD_EVENT_RESULT_COMMITTED;
        if (commits && !has_task(lineage, site))
            good = note_attempt(lineage, site->stage, site->task, site->attempt);
        else if (event->kind == OD_EVENT_BLOCK_CONSUMED && (by_driver || od_lineage_has(lineage, &reader)))
            good = note_attempt(lineage, event->source_stage, event->source_task, event->source_attempt);
    }
    return good ? OD_OK : od_fail(error, OD_NO_MEMORY, "following a lineage");
}

void od_lineage_release(struct od_lineage *lineage)
{
    od_give(lineage->memory, lineage->attempts, lineage->capacity * sizeof(*lineage->attempts));
    *lineage = (struct od_lineage){.memory = lineage->memory};
}

/* --- what can be done to a support -------------------------------------------------------------------------------- */

/* The ways to break a part of a support, those that take away most first. ANY: whatever points, or messages, the kind is allowed at. */
#define ANY_POINT OD_POINT_COUNT
#define KEEP_ALL  1000000
static const struct way {
    enum od_fault_kind kind;
    enum od_point point;
    uint32_t message_kind;
    uint64_t duration_ns;
    uint32_t amount;
    uint32_t times; /* 0: once. A bad block is fetched once more, so once is not enough where it was whole on the disk */
} ways[] = {
    {OD_FAULT_SHUFFLE_BLOCK_BIT_FLIP, OD_POINT_BLOCK_WRITE, OD_ANY, 0, 100, 0},
    {OD_FAULT_TASK_ERROR_BEFORE, OD_POINT_TASK_START, OD_ANY, 0, 0, 0},
    {OD_FAULT_EXECUTOR_CRASH, OD_POINT_TASK_START, OD_ANY, 20 * MS, 0, 0},
    {OD_FAULT_NETWORK_LOSS, OD_POINT_MESSAGE_SEND, OD_MESSAGE_ACKNOWLEDGE, 0, 0, 0},
    {OD_FAULT_DRIVER_CRASH, OD_POINT_MESSAGE_SEND, OD_MESSAGE_ACKNOWLEDGE, 5 * MS, KEEP_ALL, 0},
    {OD_FAULT_TASK_ERROR_AFTER, OD_POINT_TASK_END, OD_ANY, 0, 0, 0},
    {OD_FAULT_SHUFFLE_BLOCK_MISSING, OD_POINT_BLOCK_SERVE, OD_ANY, 0, 0, 2},
    {OD_FAULT_EXECUTOR_CRASH, OD_POINT_TASK_STEP, OD_ANY, 20 * MS, 0, 0},
    {OD_FAULT_EXECUTOR_CRASH, OD_POINT_TASK_REPORTED, OD_ANY, 20 * MS, 0, 0},
    {OD_FAULT_NETWORK_LOSS, OD_POINT_MESSAGE_SEND, OD_MESSAGE_DONE, 0, 0, 0},
    {OD_FAULT_EXECUTOR_CRASH, OD_POINT_BLOCK_SERVE, OD_ANY, 20 * MS, 0, 0},
    {OD_FAULT_EXECUTOR_PAUSE, OD_POINT_TASK_END, OD_ANY, 110 * MS, 0, 0},
    {OD_FAULT_DRIVER_CRASH, OD_POINT_MESSAGE_SEND, OD_MESSAGE_LAUNCH, 5 * MS, 0, 0},
    {OD_FAULT_NETWORK_DUPLICATE, OD_POINT_MESSAGE_SEND, OD_MESSAGE_DONE, 1 * MS, 0, 0},
    {OD_FAULT_NETWORK_LOSS, OD_POINT_MESSAGE_SEND, OD_MESSAGE_LAUNCH, 0, 0, 0},
    {OD_FAULT_NETWORK_LOSS, OD_POINT_MESSAGE_SEND, OD_MESSAGE_BLOCK, 0, 0, 0},
    {OD_FAULT_TASK_ERROR_MIDDLE, OD_POINT_TASK_STEP, OD_ANY, 0, 0, 0},
    {OD_FAULT_SHUFFLE_BLOCK_BIT_FLIP, OD_POINT_BLOCK_RECEIVE, OD_ANY, 0, 100, 2},
    {OD_FAULT_NETWORK_DELAY, OD_POINT_MESSAGE_SEND, OD_MESSAGE_DONE, 110 * MS, 0, 0},
    {OD_FAULT_EXECUTOR_SLOW, OD_POINT_TASK_START, OD_ANY, 60 * MS, 1000, 0},
    {OD_FAULT_EXECUTOR_DECOMMISSION, OD_POINT_TASK_END, OD_ANY, 0, 0, 0},
    {OD_FAULT_DRIVER_CRASH, OD_POINT_JOURNAL_SYNC, OD_ANY, 5 * MS, 0, 0},
    {OD_FAULT_EXECUTOR_CRASH, ANY_POINT, OD_ANY, 20 * MS, 0, 0},
    {OD_FAULT_EXECUTOR_PAUSE, ANY_POINT, OD_ANY, 110 * MS, 0, 0},
    {OD_FAULT_DRIVER_CRASH, ANY_POINT, OD_ANY, 5 * MS, KEEP_ALL, 0},
    {OD_FAULT_DRIVER_CRASH, ANY_POINT, OD_ANY, 5 * MS, 0, 0},
    {OD_FAULT_SHUFFLE_BLOCK_BIT_FLIP, ANY_POINT, OD_ANY, 0, 100, 0},
    {OD_FAULT_SHUFFLE_BLOCK_TRUNCATED, ANY_POINT, OD_ANY, 0, 1, 0},
    {OD_FAULT_NETWORK_LOSS, ANY_POINT, OD_ANY, 0, 0, 0},
    {OD_FAULT_NETWORK_DELAY, ANY_POINT, OD_ANY, 20 * MS, 0, 0},
    {OD_FAULT_NETWORK_DUPLICATE, ANY_POINT, OD_ANY, 1 * MS, 0, 0},
};
#define WAY_COUNT (sizeof(ways) / sizeof(ways[0]))

struct element {
    struct od_fault fault;
    uint64_t identity;
    uint64_t class_key; /* alike in what they show: way, point, kind of stage */
    uint64_t order;     /* within the class: the earliest first, or none before others: by turns */
    uint32_t way;
    bool is_rival; /* at an attempt that the answer does not rest on */
    uint32_t turn; /* how many of its class come before it, in earlier cases and in this one */
};

struct explorer {
    const struct od_explore_subject *subject;
    const struct od_lineage_options *options;
    struct od_memory *memory;
    struct od_lineage_result *result;
    bool is_stopped;
    struct od_explore_run run;
    struct od_lineage lineage;
    struct od_hitting hitting;
    struct element *elements; /* owned */
    uint32_t element_count;
    uint32_t element_capacity;
    struct od_explore_set known; /* identity -> element */
    struct element *fresh; /* owned; of the run at hand, not yet numbered */
    uint32_t fresh_count;
    uint32_t fresh_capacity;
    uint32_t *support; /* owned; elements of the run at hand */
    uint32_t support_count;
    uint32_t support_capacity;
};

static bool is_power_of_two(uint32_t number)
{
    return (number & (number - 1)) == 0;
}

/* Many steps are alike; so is whatever is said again and again of no attempt. */
static bool is_worth_it(const struct od_explore_hit *hit)
{
    if (hit->point == OD_POINT_TASK_STEP)
        return is_power_of_two(hit->site.nth);
    if (hit->point == OD_POINT_MESSAGE_SEND)
        return hit->site.nth < (hit->site.stage == OD_ANY ? 1 : 2);
    return hit->site.nth < 4 || hit->point == OD_POINT_JOURNAL_WRITE || hit->point == OD_POINT_JOURNAL_SYNC;
}

static bool can_strike(const struct od_explore_hit *hit, const struct way *way)
{
    bool is_meant = (way->point == ANY_POINT || way->point == hit->point) &&
                    (way->message_kind == OD_ANY || way->message_kind == hit->site.message_kind);
    return is_meant && od_fault_kind_allows(way->kind, hit->point) && od_explore_concerns(way->kind, hit);
}

static struct od_fault fault_at(const struct od_explore_hit *hit, const struct way *way)
{
    return (struct od_fault){.kind = way->kind,
                             .point = hit->point,
                             .site = od_explore_site(hit),
                             .duration_ns = way->duration_ns,
                             .amount = way->amount,
                             .times = way->times == 0 ? 1 : way->times};
}

/* --- situations that were tried ----------------------------------------------------------------------------------- */

/* May what a stage gives differ from one attempt to the next? What the planner says of it, and what it should say: whether that is right
 * is one of the questions. */
static bool stage_varies(const struct od_stage_graph *graph, uint32_t stage_index)
{
    const struct od_stage *stage = &graph->stages[stage_index];
    bool deals_out = stage->exchange == OD_EXCHANGE_ROUND_ROBIN && stage->input_count > 0 && graph->arrival_order;
    return stage->determinism == OD_INDETERMINATE || deals_out;
}

static bool reads_what_varies(const struct od_stage_graph *graph, uint32_t stage_index)
{
    const struct od_stage *stage = &graph->stages[stage_index];
    for (uint32_t i = 0; i < stage->input_count; i++)
        if (stage_varies(graph, stage->input_stages[i]))
            return true;
    return false;
}

/* Are there stages with more tasks than slots? */
static bool tasks_wait(const struct od_cluster_request *request)
{
    const struct od_cluster_options *cluster = &request->options.cluster;
    for (uint32_t i = 0; i < request->graph->stage_count; i++)
        if (request->graph->stages[i].task_count > cluster->executor_count * cluster->slots_per_executor)
            return true;
    return false;
}

static uint32_t *tries_of(struct od_lineage_memory *memory, uint64_t key)
{
    return &memory->counts[od_mix(key) % (sizeof(memory->counts) / sizeof(memory->counts[0]))];
}

static bool is_rival(const struct explorer *explorer, const struct od_explore_hit *hit)
{
    const struct od_attempt_key attempt = {hit->site.stage, hit->site.task, hit->site.attempt};
    return hit->site.attempt != OD_ANY && !od_lineage_has(&explorer->lineage, &attempt);
}

static uint64_t class_of(const struct explorer *explorer, const struct od_explore_hit *hit, uint32_t way)
{
    const struct od_stage_graph *graph = explorer->subject->request.graph;
    uint64_t key = way + 1;
    key = key * OD_POINT_COUNT + (uint64_t)hit->point;
    key = key * 64 + (hit->point == OD_POINT_MESSAGE_SEND ? hit->site.message_kind % 64 : 0);
    key = key * 2 + is_rival(explorer, hit);
    key = key * 2 + (is_rival(explorer, hit) && hit->site.attempt == 0);
    key = key * 2 + tasks_wait(&explorer->subject->request);
    bool has_stage = hit->site.stage < graph->stage_count;
    key = key * 2 + (has_stage && stage_varies(graph, hit->site.stage));
    return key * 2 + (has_stage && reads_what_varies(graph, hit->site.stage));
}

/* --- elements ----------------------------------------------------------------------------------------------------- */

static bool support_append(struct explorer *explorer, uint32_t element)
{
    if (!od_grow(explorer->memory, &explorer->support, &explorer->support_capacity, explorer->support_count + 1,
                 sizeof(*explorer->support)))
        return false;
    explorer->support[explorer->support_count++] = element;
    return true;
}

/* The fault is part of the support at hand: under its number, or to be numbered. */
static bool note_fault(struct explorer *explorer, const struct element *element)
{
    uint32_t number;
    if (od_explore_set_find(&explorer->known, element->identity, &number))
        return support_append(explorer, number);
    if (!od_grow(explorer->memory, &explorer->fresh, &explorer->fresh_capacity, explorer->fresh_count + 1,
                 sizeof(*explorer->fresh)))
        return false;
    explorer->fresh[explorer->fresh_count++] = *element;
    return true;
}

/* Whose turn is first: of equal ones rivals, then the stronger way. */
static bool comes_before(const struct element *left, const struct element *right)
{
    if (left->turn != right->turn)
        return left->turn < right->turn;
    if (left->is_rival != right->is_rival)
        return left->is_rival;
    return left->way != right->way ? left->way < right->way : left->order < right->order;
}

static bool is_of_earlier_class(const struct element *left, const struct element *right)
{
    return left->class_key != right->class_key ? left->class_key < right->class_key : left->order < right->order;
}

/* A merge sort; `spare` has as much room. */
static void sort_elements(struct element *elements, struct element *spare, uint32_t count,
                          bool (*before)(const struct element *, const struct element *))
{
    if (count < 2)
        return;
    uint32_t half = count / 2;
    sort_elements(elements, spare, half, before);
    sort_elements(elements + half, spare, count - half, before);
    memcpy(spare, elements, half * sizeof(*spare));
    for (uint32_t left = 0, right = half, to = 0; left < half; to++)
        elements[to] = right < count && before(&elements[right], &spare[left]) ? elements[right++] : spare[left++];
}

static void give_turns(struct explorer *explorer)
{
    struct od_lineage_memory *memory = explorer->options->memory;
    for (uint32_t i = 0; i < explorer->fresh_count; i++) {
        struct element *element = &explorer->fresh[i];
        bool is_first = i == 0 || element[-1].class_key != element->class_key;
        if (!is_first)
            element->turn = element[-1].turn + 1;
        else
            element->turn = memory == NULL ? 0 : *tries_of(memory, element->class_key);
    }
}

static enum od_status number_fresh(struct explorer *explorer, struct od_error *error)
{
    struct element *spare = od_take_array(explorer->memory, explorer->fresh_count, sizeof(*spare));
    if ((explorer->fresh_count > 0 && spare == NULL) ||
        !od_grow(explorer->memory, &explorer->elements, &explorer->element_capacity,
                 (uint64_t)explorer->element_count + explorer->fresh_count, sizeof(*explorer->elements)))
        goto no_memory;
    sort_elements(explorer->fresh, spare, explorer->fresh_count, is_of_earlier_class);
    give_turns(explorer);
    sort_elements(explorer->fresh, spare, explorer->fresh_count, comes_before);
    for (uint32_t i = 0; i < explorer->fresh_count; i++) {
        bool is_new = false;
        if (od_explore_set_add(&explorer->known, explorer->fresh[i].identity, explorer->element_count, &is_new, NULL) != OD_OK)
            goto no_memory;
        if (!is_new) /* two ways to one fault */
            continue;
        explorer->elements[explorer->element_count] = explorer->fresh[i];
        if (!support_append(explorer, explorer->element_count++))
            goto no_memory;
    }
    od_give(explorer->memory, spare, explorer->fresh_count * sizeof(*spare));
    return OD_OK;
no_memory:
    od_give(explorer->memory, spare, explorer->fresh_count * sizeof(*spare));
    return od_fail(error, OD_NO_MEMORY, "numbering %u faults", explorer->fresh_count);
}

/* The support that the run shows, as elements. */
static enum od_status gather_support(struct explorer *explorer, const struct od_explore_run *run, struct od_error *error)
{
    struct od_lineage_memory *memory = explorer->options->memory;
    explorer->support_count = explorer->fresh_count = 0;
    for (uint32_t i = 0; i < run->hits.count; i++) {
        const struct od_explore_hit *hit = &run->hits.items[i];
        for (uint32_t w = 0; w < WAY_COUNT && is_worth_it(hit); w++) {
            if (!can_strike(hit, &ways[w]))
                continue;
            struct element element = {.fault = fault_at(hit, &ways[w]),
                                      .class_key = class_of(explorer, hit, w),
                                      .is_rival = is_rival(explorer, hit),
                                      .way = w};
            element.identity = od_explore_identity(&element.fault);
            bool by_time = memory == NULL || *tries_of(memory, element.class_key) % 2 == 0;
            element.order = by_time ? i : element.identity;
            if (!note_fault(explorer, &element))
                return od_fail(error, OD_NO_MEMORY, "gathering what an answer rests on");
        }
    }
    return number_fresh(explorer, error);
}

static bool contains(const uint32_t *elements, uint32_t count, uint32_t element)
{
    for (uint32_t i = 0; i < count; i++)
        if (elements[i] == element)
            return true;
    return false;
}

/* The support of the run, without the faults that it ran under, becomes one to break. */
static enum od_status learn(struct explorer *explorer, const struct od_explore_run *run, const uint32_t *under, uint32_t under_count,
                            struct od_error *error)
{
    OD_TRY(od_lineage_find(&explorer->lineage, run->result.events, run->result.event_count, error));
    OD_TRY(gather_support(explorer, run, error));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < explorer->support_count; i++)
        if (!contains(under, under_count, explorer->support[i]))
            explorer->support[kept++] = explorer->support[i];
    explorer->result->supports++;
    return od_hitting_add(&explorer->hitting, explorer->support, kept, error);
}

/* --- which cases are worth it ------------------------------------------------------------------------------------- */

/* What a case may have that makes recovery do something else. Each trait gets its share of the runs. */
static uint32_t traits_of(const struct od_cluster_request *request, uint32_t row_count)
{
    const struct od_stage_graph *graph = request->graph;
    const struct od_cluster_options *cluster = &request->options.cluster;
    bool varies = false, shares = false;
    for (uint32_t i = 0; i < graph->stage_count; i++) {
        varies = varies || stage_varies(graph, i);
        shares = shares || graph->stages[i].task_count > 1;
    }
    bool has_data = graph->stage_count > 1 && row_count >= 4;
    uint32_t traits = (uint32_t)(shares && has_data) << OD_TRAIT_PLAIN;
    traits |= (uint32_t)(varies && has_data) << OD_TRAIT_VARIES | (uint32_t)tasks_wait(request) << OD_TRAIT_WAITS;
    bool has_others = shares && cluster->executor_count > 1;
    traits |= (uint32_t)(has_others && request->options.speculation_percent == 1) << OD_TRAIT_TWINS;
    traits |= (uint32_t)(has_others && cluster->backlog_per_slot > 0) << OD_TRAIT_BACKLOG;
    traits = traits == 0 ? 1 << OD_TRAIT_POOR : traits;
    return traits;
}

uint32_t od_lineage_due(const struct od_cluster_request *request, uint32_t row_count, struct od_lineage_memory *memory)
{
    static const uint32_t shares[OD_TRAIT_COUNT] = {
        [OD_TRAIT_PLAIN] = 4, [OD_TRAIT_VARIES] = 8, [OD_TRAIT_WAITS] = 4, [OD_TRAIT_TWINS] = 4, [OD_TRAIT_BACKLOG] = 4,
        [OD_TRAIT_POOR] = 1};
    uint32_t traits = traits_of(request, row_count);
    uint32_t due = 0;
    uint64_t least = UINT64_MAX;
    for (uint32_t t = 0; t < OD_TRAIT_COUNT; t++)
        least = memory->spent[t] / shares[t] < least ? memory->spent[t] / shares[t] : least;
    for (uint32_t t = 0; t < OD_TRAIT_COUNT; t++)
        due |= (uint32_t)(memory->spent[t] / shares[t] == least) << t;
    if (++memory->passed_over <= LINEAGE_PASSED_MAX)
        traits &= due;
    if (traits != 0)
        memory->passed_over = 0;
    return traits;
}

void od_lineage_spend(struct od_lineage_memory *memory, uint32_t due, uint64_t runs)
{
    for (uint32_t t = 0; t < OD_TRAIT_COUNT; t++)
        memory->spent[t] += (due >> t & 1) != 0 ? SPENDING_UNIT * runs : 0;
}

/* Of those that only its rivals make interesting: has the undisturbed run any? */
static bool lacks_rivals(const struct explorer *explorer)
{
    const uint32_t by_rivals = 1 << OD_TRAIT_TWINS | 1 << OD_TRAIT_BACKLOG;
    uint32_t due = explorer->options->due;
    if (due == 0 || (due & ~by_rivals) != 0)
        return false;
    for (uint32_t i = 0; i < explorer->element_count; i++)
        if (explorer->elements[i].is_rival)
            return false;
    return true;
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

/* Faults at one and the same hit: only the first of them would fire. */
static bool has_one_place_twice(const struct explorer *explorer, const uint32_t *set, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct od_fault *fault = &explorer->elements[set[i]].fault;
        for (uint32_t k = 0; k < i; k++) {
            const struct od_fault *other = &explorer->elements[set[k]].fault;
            if (fault->point == other->point && memcmp(&fault->site, &other->site, sizeof(fault->site)) == 0)
                return true;
        }
    }
    return false;
}

static bool may_go_on(const struct explorer *explorer)
{
    const struct od_lineage_result *result = explorer->result;
    bool has_runs = explorer->options->runs_max == 0 || result->runs < explorer->options->runs_max;
    return has_runs && !result->is_broken && !explorer->is_stopped;
}

/* The set as if it had held and shown nothing new. */
static enum od_status pass_over(struct explorer *explorer, const uint32_t *set, uint32_t count, struct od_error *error)
{
    explorer->support_count = 0;
    for (uint32_t i = 0; i < explorer->hitting.first_count; i++)
        if (!contains(set, count, i) && !support_append(explorer, i))
            return od_fail(error, OD_NO_MEMORY, "passing over a set of faults");
    return od_hitting_add(&explorer->hitting, explorer->support, explorer->support_count, error);
}

/* Runs under the set, and learns from it or ends with it. */
static enum od_status try_set(struct explorer *explorer, const uint32_t *set, uint32_t count, struct od_arena *arena,
                              struct od_error *error)
{
    struct od_fault faults[OD_HITTING_SIZE_MAX];
    struct od_lineage_result *result = explorer->result;
    for (uint32_t i = 0; i < count; i++)
        faults[i] = explorer->elements[set[i]].fault;
    for (uint32_t i = 0; i < count && explorer->options->memory != NULL; i++)
        (*tries_of(explorer->options->memory, explorer->elements[set[i]].class_key))++;
    const struct od_schedule schedule = {.fault_count = count, .faults = faults};
    if (explorer->options->goes_on != NULL && !explorer->options->goes_on(explorer->options->self, &schedule)) {
        explorer->is_stopped = true;
        return OD_OK;
    }
    OD_TRY(od_explore_run(explorer->subject, &schedule, true, &explorer->run, error));
    result->runs++;
    result->digest = od_mix_two(result->digest, explorer->run.result.digest);
    if (explorer->run.verdict == OD_EXPLORE_PROMISED)
        return pass_over(explorer, set, count, error);
    if (explorer->run.verdict == OD_EXPLORE_HELD)
        return learn(explorer, &explorer->run, set, count, error);
    struct od_fault *kept;
    OD_TAKE(kept, arena, count, error);
    memcpy(kept, faults, count * sizeof(*kept));
    result->is_broken = true;
    result->finding = explorer->run.finding;
    result->schedule = (struct od_schedule){.fault_count = count, .faults = kept};
    return OD_OK;
}

static enum od_status explore(struct explorer *explorer, struct od_arena *arena, struct od_error *error)
{
    struct od_lineage_result *result = explorer->result;
    uint32_t set[OD_HITTING_SIZE_MAX];
    OD_TRY(learn(explorer, &explorer->subject->undisturbed, NULL, 0, error));
    explorer->is_stopped = lacks_rivals(explorer);
    for (uint32_t i = 0; i < explorer->hitting.first_count && may_go_on(explorer); i++)
        OD_TRY(try_set(explorer, &i, 1, arena, error));
    while (may_go_on(explorer)) {
        uint32_t count = od_hitting_next(&explorer->hitting, set);
        result->is_done = count == 0;
        if (count == 0)
            break;
        if (!has_one_place_twice(explorer, set, count))
            OD_TRY(try_set(explorer, set, count, arena, error));
    }
    result->faults = explorer->element_count;
    return OD_OK;
}

enum od_status od_lineage_explore(const struct od_explore_subject *subject, const struct od_lineage_options *options,
                                  struct od_arena *arena, struct od_lineage_result *result_out, struct od_error *error)
{
    od_assert(subject->undisturbed.verdict == OD_EXPLORE_HELD);
    *result_out = (struct od_lineage_result){.digest = subject->undisturbed.result.digest};
    struct od_memory *memory = subject->memory;
    struct explorer explorer = {
        .subject = subject, .options = options, .memory = memory, .result = result_out, .lineage.memory = memory};
    od_hitting_init(&explorer.hitting, memory, options->faults_max);
    od_explore_set_init(&explorer.known, memory);
    enum od_status status = explore(&explorer, arena, error);
    od_explore_run_release(&explorer.run);
    od_lineage_release(&explorer.lineage);
    od_hitting_release(&explorer.hitting);
    od_give(memory, explorer.elements, explorer.element_capacity * sizeof(*explorer.elements));
    od_explore_set_release(&explorer.known);
    od_give(memory, explorer.fresh, explorer.fresh_capacity * sizeof(*explorer.fresh));
    od_give(memory, explorer.support, explorer.support_capacity * sizeof(*explorer.support));
    return status;
}
