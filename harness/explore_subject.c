/* explore_subject: see explore_subject.h. */
#include "harness/explore_subject.h"

#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"
#include "harness/judge.h"
#include "harness/scenario_plan.h"
#include "harness/sqlite_check.h"
#include "properties/check_run.h"
#include "properties/model.h"

/* --- points that were reached ------------------------------------------------------------------------------------- */

/* What must be equal for two hits to be counted as one after the other. */
struct hit_key {
    uint32_t point;
    uint32_t by_driver;
    struct od_site site; /* nth ANY but where it is the point's own */
};

bool od_explore_names_task(enum od_point point, const struct od_site *site)
{
    return point != OD_POINT_MESSAGE_SEND && site->task != OD_ANY;
}

static struct hit_key key_of(enum od_point point, const struct od_site *site, uint32_t actor_id)
{
    struct hit_key key = {.point = (uint32_t)point, .by_driver = actor_id == 0, .site = *site};
    if (point != OD_POINT_TASK_STEP)
        key.site.nth = OD_ANY;
    if (od_explore_names_task(point, site))
        key.site.executor = OD_ANY;
    return key;
}

static bool make_slots(struct od_explore_hits *hits, uint32_t slot_count)
{
    uint32_t *slots = od_take_array(hits->memory, slot_count, sizeof(*slots));
    if (slots == NULL)
        return false;
    od_give(hits->memory, hits->slots, hits->slot_count * sizeof(*hits->slots));
    hits->slots = slots;
    hits->slot_count = slot_count;
    return true;
}

/* The slot of the key: that of its latest hit, or a free one. */
static uint32_t *find_slot(const struct od_explore_hits *hits, const struct hit_key *key)
{
    uint32_t at = (uint32_t)od_hash_bytes(key, sizeof(*key), 0) & (hits->slot_count - 1);
    for (; hits->slots[at] != 0; at = (at + 1) & (hits->slot_count - 1)) {
        const struct od_explore_hit *hit = &hits->items[hits->slots[at] - 1];
        const struct hit_key other = key_of(hit->point, &hit->site, hit->actor_id);
        if (memcmp(&other, key, sizeof(other)) == 0)
            break;
    }
    return &hits->slots[at];
}

static bool hits_grow(struct od_explore_hits *hits)
{
    if (!od_grow(hits->memory, &hits->items, &hits->capacity, hits->count + 1, sizeof(*hits->items)))
        return false;
    if (hits->slot_count >= 2 * hits->capacity)
        return true;
    if (!make_slots(hits, 4 * hits->capacity))
        return false;
    for (uint32_t i = 0; i < hits->count; i++) {
        const struct hit_key key = key_of(hits->items[i].point, &hits->items[i].site, hits->items[i].actor_id);
        *find_slot(hits, &key) = i + 1;
    }
    return true;
}

static void note_hit(void *self, enum od_point point, const struct od_site *site, uint32_t actor_id, size_t byte_count,
                     uint64_t now_ns)
{
    struct od_explore_hits *hits = self;
    if (hits->cut || !hits_grow(hits)) {
        hits->cut = true;
        return;
    }
    const struct hit_key key = key_of(point, site, actor_id);
    uint32_t *slot = find_slot(hits, &key);
    struct od_explore_hit hit = {
        .point = point, .actor_id = actor_id, .site = *site, .time_ns = now_ns, .byte_count = byte_count};
    if (point != OD_POINT_TASK_STEP)
        hit.site.nth = *slot == 0 ? 0 : hits->items[*slot - 1].site.nth + 1;
    hits->items[hits->count] = hit;
    *slot = ++hits->count;
}

static void hits_reset(struct od_explore_hits *hits, struct od_memory *memory)
{
    hits->memory = memory;
    hits->count = 0;
    hits->cut = false;
    if (hits->slots != NULL)
        memset(hits->slots, 0, hits->slot_count * sizeof(*hits->slots));
}

/* --- runs --------------------------------------------------------------------------------------------------------- */

void od_explore_run_release(struct od_explore_run *run)
{
    struct od_explore_hits *hits = &run->hits;
    od_cluster_result_release(&run->result);
    if (hits->memory != NULL) {
        od_give(hits->memory, hits->items, hits->capacity * sizeof(*hits->items));
        od_give(hits->memory, hits->slots, hits->slot_count * sizeof(*hits->slots));
    }
    *run = (struct od_explore_run){0};
}

enum od_status od_explore_run(const struct od_explore_subject *subject, const struct od_schedule *schedule, bool wants_hits,
                              struct od_explore_run *run, struct od_error *error)
{
    struct od_cluster_request request = subject->request;
    request.schedule = schedule;
    hits_reset(&run->hits, subject->memory);
    if (wants_hits)
        request.listener = (struct od_sim_listener){.reached = note_hit, .hears_calls = true, .self = &run->hits};
    od_cluster_result_release(&run->result);
    run->finding = (struct od_finding){0};
    OD_TRY(od_cluster_run(subject->memory, &request, &run->result, error));
    if (run->result.events_cut || run->hits.cut)
        return od_fail(error, OD_NO_MEMORY, "recording a run of %s", subject->name);
    OD_TRY(od_judge_run(subject->plan, &request, &run->result, subject->undisturbed.result.outcome.answer, &run->finding, error));
    run->verdict = run->finding.found                        ? OD_EXPLORE_VIOLATED
                   : run->result.outcome.status == OD_OK ? OD_EXPLORE_HELD
                                                             : OD_EXPLORE_PROMISED;
    return OD_OK;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

enum od_status od_explore_open(struct od_explore_subject *subject, struct od_memory *memory, const char *name,
                               const struct od_plan *plan, const struct od_cluster_request *request, struct od_error *error)
{
    *subject = (struct od_explore_subject){.memory = memory, .plan = plan, .request = *request};
    snprintf(subject->name, sizeof(subject->name), "%s", name);
    subject->request.schedule = NULL;
    subject->request.deployment = OD_DEPLOY_SIM;
    subject->request.keep_events = true;
    bool keeps_journal = request->options.cluster.journal;
    struct od_explore_run run = {0};
    struct od_explore_run other = {0};
    enum od_status status = od_explore_run(subject, NULL, true, &run, error);
    if (status == OD_OK && !keeps_journal) { /* a driver that is to die keeps one: what else it reaches then */
        subject->request.options.cluster.journal = true;
        status = od_explore_run(subject, NULL, true, &other, error);
        subject->request.options.cluster.journal = false;
        struct od_explore_hits hits = run.hits;
        run.hits = other.hits;
        other.hits = hits;
        od_explore_run_release(&other);
    }
    subject->undisturbed = run;
    if (status != OD_OK)
        od_explore_release(subject);
    return status;
}

void od_explore_release(struct od_explore_subject *subject)
{
    od_explore_run_release(&subject->undisturbed);
    *subject = (struct od_explore_subject){0};
}

static void note_finding(struct od_explore_run *run, const struct od_finding *finding)
{
    if (!finding->found || run->verdict == OD_EXPLORE_VIOLATED)
        return;
    run->finding = *finding;
    run->verdict = OD_EXPLORE_VIOLATED;
}

uint32_t od_explore_query_count(const struct od_scenario_run *scenario)
{
    return scenario->scenario->queries_count;
}

enum od_status od_explore_open_query(struct od_explore_subject *subject, struct od_memory *memory,
                                     const struct od_scenario_run *scenario, uint32_t query_index, struct od_error *error)
{
    od_assert(query_index < scenario->scenario->queries_count);
    const struct od_scenario_query *asked = &scenario->scenario->queries[query_index];
    const struct od_prepared *prepared = &scenario->queries[query_index];
    const struct od_catalog catalog = {scenario->scenario->tables_count, (const struct od_table *const *)scenario->tables};
    struct od_cluster_request request = {
        .graph = prepared->graph, .options = scenario->run_options, .seed = scenario->seed};
    request.options.cluster.journal = true;
    if (request.options.cluster.executors_max == 0) /* room for one that is added */
        request.options.cluster.executors_max = request.options.cluster.executor_count + 1;
    char name[sizeof(subject->name)];
    snprintf(name, sizeof(name), "%.70s/%.70s", scenario->scenario->name, asked->name);
    OD_TRY(od_explore_open(subject, memory, name, prepared->plan, &request, error));
    struct od_finding finding = {0};
    const char *sqlite = asked->sqlite != NULL && strcmp(asked->sqlite, "same") == 0 ? asked->sql : asked->sqlite;
    enum od_status status = OD_OK;
    if (subject->undisturbed.verdict == OD_EXPLORE_HELD)
        status = od_sqlite_check(&catalog, prepared->plan, sqlite, subject->undisturbed.result.outcome.answer, &finding,
                                 subject->oracle, sizeof(subject->oracle), error);
    note_finding(&subject->undisturbed, &finding);
    if (status != OD_OK)
        od_explore_release(subject);
    return status;
}

/* What the model says to the plan that has just run. */
static enum od_status ask_model(struct od_explore_subject *subject, struct od_error *error)
{
    char text[600] = "";
    bool equal = true;
    struct od_explore_run *run = &subject->undisturbed;
    struct od_finding finding = {0};
    struct od_expectation expected;
    struct od_answer actual = {0};
    struct od_arena arena;
    od_arena_init(&arena, subject->memory, 0);
    enum od_status status = od_expect_model(&arena, subject->plan, &expected, error);
    bool has_answer = run->result.ended && run->result.outcome.status == OD_OK;
    if (status == OD_OK && expected.status == OD_OK && has_answer)
        status = od_answer_from_table(&arena, run->result.outcome.answer, &actual, error);
    if (status == OD_OK && expected.status == OD_OK && has_answer)
        status = od_answer_compare(&arena, &expected.answer, &actual, expected.compare, &equal, text, sizeof(text), error);
    if (status == OD_OK && (expected.status == OD_OK) != has_answer)
        od_finding_set(&finding, "R1", "the query %s where the model %s", has_answer ? "has an answer" : "fails",
                       has_answer ? "fails" : "has an answer");
    if (!equal)
        od_finding_set(&finding, "R1", "the undisturbed answer differs from the model's: %s", text);
    if (status == OD_OK && expected.status != OD_OK && !has_answer && run->result.ended) {
        run->verdict = OD_EXPLORE_PROMISED; /* the judge takes an error for a finding */
        run->finding = (struct od_finding){0};
    }
    note_finding(run, &finding);
    od_arena_release(&arena);
    snprintf(subject->oracle, sizeof(subject->oracle), "%s",
             status != OD_OK ? "not compared" : equal ? "the model's answer" : "not the model's answer");
    return status == OD_NO_MEMORY ? status : OD_OK;
}

enum od_status od_explore_open_case(struct od_explore_subject *subject, struct od_memory *memory, struct od_trial *trial,
                                    const char *name, struct od_error *error)
{
    struct od_cluster_request request;
    *subject = (struct od_explore_subject){.memory = memory};
    snprintf(subject->name, sizeof(subject->name), "%s", name);
    subject->undisturbed.verdict = OD_EXPLORE_PROMISED;
    if (trial->test_case.plan == NULL)
        return OD_OK;
    enum od_status status = od_trial_request(trial, &request, error);
    if (status != OD_OK)
        return status == OD_NO_MEMORY ? status : OD_OK;
    OD_TRY(od_explore_open(subject, memory, name, trial->test_case.plan, &request, error));
    status = ask_model(subject, error);
    if (status != OD_OK)
        od_explore_release(subject);
    return status;
}
