/* invariants: what must hold on every run, read off its events, whatever the answer is.
 *
 *   H1  a consumed block has the rows and checksum it was written with; a successful attempt's blocks add up
 *       to its output
 *   H5  a reader attempt consumes each partition of a map task once, of an attempt that had been committed; a reader that
 *       succeeded has missed no block with rows in a partition that it reads, or has left it to others of its stage when its
 *       stage shares partitions out; when there is an answer, each block with rows has gone into a reader that succeeded
 *   F4  one commit per (stage, task, generation); one result per result task
 *   F2  attempts of one task write equal blocks, unless its stage is indeterminate or reads of one that is
 *   F9  a commit repeats the attempt's rows; the rows of the results add up to the answer
 *
 * What is computed again, and which generation is read, is lineage.c's (F3, H8).
 *
 * Facts are kept in a dense array in order of appearance, found again through an open-addressed index; only
 * the dense order is ever walked, so hash order reaches nothing. Without memory nothing is judged, and that
 * is a finding of its own. */
#include "properties/property.h"

#include "engine/core/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum fact_kind {
    FACT_WRITTEN, /* stage, task, attempt, partition */
    FACT_CONTENT, /* stage, task, partition: the first time it was written by any attempt; value: it was used */
    FACT_BLOCKS,    /* stage, task, attempt: sum over its partitions */
    FACT_OUTPUT,    /* stage, task, attempt */
    FACT_SUCCEEDED, /* stage, task, attempt */
    FACT_COMMITTED, /* stage, task, attempt */
    FACT_COMMIT,    /* stage, task, generation, life of the driver: one may have forgotten what another one did */
    FACT_TASK,      /* stage, task: committed at least once */
    FACT_RESULT,    /* stage, task, life of the driver: it may have died before it told anybody */
    FACT_CONSUMED,  /* reader stage, task, attempt; source stage, task, partition */
    FACT_READ,      /* reader stage, task, attempt; source stage, partition */
    FACT_USED,      /* reader stage; source stage, task, partition: by an attempt that succeeded */
    FACT_SHARED     /* reader stage: its tasks share partitions */
};

struct fact {
    enum fact_kind kind;
    uint32_t key[6];
    uint64_t rows;
    uint64_t value; /* FACT_CONSUMED: the source attempt */
    struct od_hash128 checksum;
};

struct facts {
    struct fact *items;
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots; /* index into items plus 1; 0: free */
    uint32_t slot_mask;
    uint32_t life;                      /* of the driver, from 0 */
    uint32_t collect;                   /* the last number of the driver as a reader; its site has no stage */
    const struct od_stage_graph *graph; /* NULL: not told */
    struct od_finding *finding;
};

/* Its outputs may be others when they are computed again: lineage.c judges who reads what. */
static bool varies(const struct facts *facts, uint32_t stage)
{
    return facts->graph != NULL && stage < facts->graph->stage_count &&
           od_lineage_varies(facts->graph, stage);
}

static bool facts_init(struct facts *facts, uint32_t event_count, struct od_finding *finding)
{
    uint32_t slot_count = 64;
    memset(facts, 0, sizeof(*facts));
    facts->finding = finding;
    facts->capacity = event_count * 3 + 8; /* an event leaves at most three facts */
    while (slot_count < facts->capacity * 2)
        slot_count *= 2;
    facts->slot_mask = slot_count - 1;
    facts->items = malloc(facts->capacity * sizeof(*facts->items)); /* most are never used: zeroed when they are */
    facts->slots = calloc(slot_count, sizeof(*facts->slots));
    return facts->items != NULL && facts->slots != NULL;
}

static void facts_release(struct facts *facts)
{
    free(facts->items);
    free(facts->slots);
}

/* The fact of this key, or a free place for it (*new_out). */
static struct fact *fact_at(struct facts *facts, enum fact_kind kind, const uint32_t *key, bool insert,
                            bool *new_out)
{
    uint64_t hash = (uint64_t)kind;
    for (uint32_t i = 0; i < 6; i += 2)
        hash = od_mix_two(hash, (uint64_t)key[i] << 32 | key[i + 1]);
    uint32_t slot = (uint32_t)hash & facts->slot_mask;
    *new_out = false;
    for (; facts->slots[slot] != 0; slot = (slot + 1) & facts->slot_mask) {
        struct fact *fact = &facts->items[facts->slots[slot] - 1];
        if (fact->kind == kind && memcmp(fact->key, key, sizeof(fact->key)) == 0)
            return fact;
    }
    if (!insert)
        return NULL;
    od_assert(facts->count < facts->capacity);
    struct fact *fact = &facts->items[facts->count++];
    facts->slots[slot] = facts->count;
    *fact = (struct fact){.kind = kind};
    memcpy(fact->key, key, sizeof(fact->key));
    *new_out = true;
    return fact;
}

#define KEY(...) ((const uint32_t[6]){__VA_ARGS__})

static struct fact *put(struct facts *facts, enum fact_kind kind, const uint32_t *key, bool *new_out)
{
    return fact_at(facts, kind, key, true, new_out);
}

static struct fact *find(struct facts *facts, enum fact_kind kind, const uint32_t *key)
{
    bool unused;
    return fact_at(facts, kind, key, false, &unused);
}

static bool same_checksum(struct od_hash128 left, struct od_hash128 right)
{
    return left.low == right.low && left.high == right.high;
}

static uint32_t partition_of(const struct od_event *event)
{
    return event->site.partition == OD_ANY ? 0 : event->site.partition;
}

/* --- one event ------------------------------------------------------------------------------------------ */

static void block_written(struct facts *facts, const struct od_event *event)
{
    const struct od_site *site = &event->site;
    uint32_t partition = partition_of(event);
    bool is_new;
    struct fact *block =
        put(facts, FACT_WRITTEN, KEY(site->stage, site->task, site->attempt, partition), &is_new);
    if (!is_new)
        od_finding_set(facts->finding, "H1", "stage %u task %u attempt %u wrote partition %u twice",
                       site->stage, site->task, site->attempt, partition);
    block->rows = event->rows;
    block->checksum = event->checksum;

    struct fact *content = put(facts, FACT_CONTENT, KEY(site->stage, site->task, partition), &is_new);
    if (!is_new && !varies(facts, site->stage) &&
        (content->rows != event->rows || !same_checksum(content->checksum, event->checksum)))
        od_finding_set(facts->finding, "F2",
                       "stage %u task %u partition %u: attempt %u wrote %" PRIu64
                       " rows, an earlier one %" PRIu64 " rows; they are not the same rows",
                       site->stage, site->task, partition, site->attempt, event->rows, content->rows);
    if (is_new) {
        content->rows = event->rows;
        content->checksum = event->checksum;
    }
    struct fact *sum = put(facts, FACT_BLOCKS, KEY(site->stage, site->task, site->attempt), &is_new);
    sum->rows += event->rows;
    sum->checksum = od_hash128_add(sum->checksum, event->checksum);
}

static void block_consumed(struct facts *facts, const struct od_event *event)
{
    const struct od_site *site = &event->site;
    uint32_t stage = event->source_stage, task = event->source_task, attempt = event->source_attempt;
    uint32_t partition = partition_of(event);
    bool is_new;
    struct fact *consumed = put(facts, FACT_CONSUMED,
                                KEY(site->stage, site->task, site->attempt, stage, task, partition), &is_new);
    if (!is_new)
        od_finding_set(
            facts->finding, "H5",
            "stage %u task %u attempt %u consumed partition %u of stage %u task %u twice: attempts %u and %u",
            site->stage, site->task, site->attempt, partition, stage, task, (uint32_t)consumed->value,
            attempt);
    consumed->value = attempt;
    if (site->stage == OD_ANY)
        facts->collect = site->attempt;
    put(facts, FACT_READ, KEY(site->stage, site->task, site->attempt, stage, partition), &is_new);
    if (find(facts, FACT_COMMITTED, KEY(stage, task, attempt)) == NULL)
        od_finding_set(facts->finding, "H5",
                       "stage %u task %u consumed stage %u task %u attempt %u, which was not committed",
                       site->stage, site->task, stage, task, attempt);
    struct fact *block = find(facts, FACT_WRITTEN, KEY(stage, task, attempt, partition));
    if (block == NULL)
        od_finding_set(facts->finding, "H1",
                       "stage %u task %u attempt %u partition %u was consumed and never written", stage, task,
                       attempt, partition);
    else if (block->rows != event->rows || !same_checksum(block->checksum, event->checksum))
        od_finding_set(facts->finding, "H1",
                       "stage %u task %u attempt %u partition %u was written with %" PRIu64
                       " rows and consumed with %" PRIu64 "; they are not the same rows",
                       stage, task, attempt, partition, block->rows, event->rows);
}

static void task_output(struct facts *facts, const struct od_event *event)
{
    bool is_new;
    struct fact *output =
        put(facts, FACT_OUTPUT, KEY(event->site.stage, event->site.task, event->site.attempt), &is_new);
    output->rows = event->rows;
    output->checksum = event->checksum;
}

static void task_succeeded(struct facts *facts, const struct od_event *event)
{
    bool is_new;
    put(facts, FACT_SUCCEEDED, KEY(event->site.stage, event->site.task, event->site.attempt), &is_new);
}

static void task_committed(struct facts *facts, const struct od_event *event)
{
    const struct od_site *site = &event->site;
    bool is_new;
    put(facts, FACT_COMMIT, KEY(site->stage, site->task, (uint32_t)event->value, facts->life), &is_new);
    if (!is_new)
        od_finding_set(facts->finding, "F4", "stage %u task %u was committed twice in generation %" PRIu64,
                       site->stage, site->task, event->value);
    put(facts, FACT_COMMITTED, KEY(site->stage, site->task, site->attempt), &is_new);
    put(facts, FACT_TASK, KEY(site->stage, site->task), &is_new);
    struct fact *output = find(facts, FACT_OUTPUT, KEY(site->stage, site->task, site->attempt));
    if (output != NULL && output->rows != event->rows)
        od_finding_set(facts->finding, "F9",
                       "stage %u task %u attempt %u put out %" PRIu64 " rows and was committed with %" PRIu64,
                       site->stage, site->task, site->attempt, output->rows, event->rows);
}

static void result_committed(struct facts *facts, const struct od_event *event)
{
    bool is_new;
    struct fact *result = put(facts, FACT_RESULT, KEY(event->site.stage, event->site.task, facts->life), &is_new);
    result->rows = event->rows;
    if (!is_new)
        od_finding_set(facts->finding, "F4", "the result of stage %u task %u was committed twice",
                       event->site.stage, event->site.task);
}

static void plan_adapted(struct facts *facts, const struct od_event *event)
{
    bool is_new;
    if (event->value == OD_ADAPTATION_SPLIT || event->value == OD_ADAPTATION_BROADCAST)
        put(facts, FACT_SHARED, KEY(event->site.stage), &is_new);
}

/* --- the end -------------------------------------------------------------------------------------------- */

/* When there is an answer, the driver's last reading of the results has succeeded. */
static void note_collected(struct facts *facts, const struct od_observation *observation)
{
    bool is_new;
    if (observation->status == OD_OK)
        put(facts, FACT_SUCCEEDED, KEY(OD_ANY, OD_ANY, facts->collect), &is_new);
}

/* The blocks of a successful attempt add up to its output. */
static void check_sums(struct facts *facts)
{
    for (uint32_t i = 0; i < facts->count; i++) {
        const struct fact *blocks = &facts->items[i];
        if (blocks->kind != FACT_BLOCKS || find(facts, FACT_SUCCEEDED, blocks->key) == NULL)
            continue;
        const struct fact *output = find(facts, FACT_OUTPUT, blocks->key);
        if (output == NULL)
            od_finding_set(facts->finding, "H1",
                           "stage %u task %u attempt %u wrote blocks and said nothing of its output",
                           blocks->key[0], blocks->key[1], blocks->key[2]);
        else if (output->rows != blocks->rows || !same_checksum(output->checksum, blocks->checksum))
            od_finding_set(facts->finding, "H1",
                           "stage %u task %u attempt %u put out %" PRIu64 " rows, its blocks hold %" PRIu64
                           "; they are not the same rows",
                           blocks->key[0], blocks->key[1], blocks->key[2], output->rows, blocks->rows);
    }
}

/* What readers that succeeded have consumed. */
static void note_used(struct facts *facts)
{
    for (uint32_t i = 0; i < facts->count; i++) {
        const uint32_t *key = facts->items[i].key;
        bool is_new;
        if (facts->items[i].kind != FACT_CONSUMED ||
            find(facts, FACT_SUCCEEDED, KEY(key[0], key[1], key[2])) == NULL)
            continue;
        put(facts, FACT_USED, KEY(key[0], key[3], key[4], key[5]), &is_new);
        struct fact *content = find(facts, FACT_CONTENT, KEY(key[3], key[4], key[5]));
        if (content != NULL)
            content->value = 1;
    }
}

/* A reader that succeeded has consumed, of every task of a stage it read from, the block of its partition, if
 * that has rows. */
static void check_reader(struct facts *facts, const struct fact *read, bool has_answer)
{
    const uint32_t *key = read->key;
    bool shares = find(facts, FACT_SHARED, KEY(key[0])) != NULL;
    if (shares && !has_answer) /* the others may not have come to it */
        return;
    for (uint32_t i = 0; i < facts->count; i++) {
        const struct fact *content = &facts->items[i];
        if (content->kind != FACT_CONTENT || content->key[0] != key[3] || varies(facts, key[3]) ||
            content->key[2] != key[4] || content->rows == 0)
            continue;
        uint32_t task = content->key[1];
        if (find(facts, FACT_CONSUMED, KEY(key[0], key[1], key[2], key[3], task, key[4])) == NULL &&
            !(shares && find(facts, FACT_USED, KEY(key[0], key[3], task, key[4])) != NULL))
            od_finding_set(facts->finding, "H5",
                           "stage %u task %u attempt %u succeeded without the %" PRIu64
                           " rows of stage %u task %u partition %u",
                           key[0], key[1], key[2], content->rows, key[3], task, key[4]);
    }
}

static void check_readers(struct facts *facts, bool has_answer)
{
    for (uint32_t i = 0; i < facts->count; i++) {
        const struct fact *read = &facts->items[i];
        if (read->kind == FACT_READ &&
            find(facts, FACT_SUCCEEDED, KEY(read->key[0], read->key[1], read->key[2])) != NULL)
            check_reader(facts, read, has_answer);
    }
}

/* No rows are left lying. That a reader misses an input as a whole shows only here: it has then read nothing of it. */
static void check_all_used(struct facts *facts, const struct od_observation *observation)
{
    if (observation->status != OD_OK)
        return;
    for (uint32_t i = 0; i < facts->count; i++) {
        const struct fact *content = &facts->items[i];
        if (content->kind == FACT_CONTENT && content->rows > 0 && content->value == 0 &&
            !varies(facts, content->key[0]))
            od_finding_set(facts->finding, "H5",
                           "no reader that succeeded consumed the %" PRIu64
                           " rows of stage %u task %u partition %u",
                           content->rows, content->key[0], content->key[1], content->key[2]);
    }
}

static void check_answer(struct facts *facts, const struct od_observation *observation)
{
    uint64_t rows = 0,
             answer_rows = observation->answer == NULL ? 0 : od_table_row_count(observation->answer);
    for (uint32_t i = 0; i < facts->count; i++)
        if (facts->items[i].kind == FACT_RESULT && facts->items[i].key[2] == facts->life)
            rows += facts->items[i].rows;
    if (observation->status == OD_OK && observation->event_count > 0 && rows != answer_rows)
        od_finding_set(facts->finding, "F9",
                       "result tasks committed %" PRIu64 " rows, the answer has %" PRIu64, rows, answer_rows);
}

static void driver_restarted(struct facts *facts, const struct od_event *event)
{
    (void)event;
    facts->life++;
}

typedef void (*learn)(struct facts *facts, const struct od_event *event);
static const learn lessons[OD_EVENT_COUNT] = {
    [OD_EVENT_BLOCK_WRITTEN] = block_written,   [OD_EVENT_BLOCK_CONSUMED] = block_consumed,
    [OD_EVENT_TASK_OUTPUT] = task_output,       [OD_EVENT_TASK_SUCCEEDED] = task_succeeded,
    [OD_EVENT_TASK_COMMITTED] = task_committed, [OD_EVENT_RESULT_COMMITTED] = result_committed,
    [OD_EVENT_PLAN_ADAPTED] = plan_adapted,     [OD_EVENT_DRIVER_RESTARTED] = driver_restarted,
};

void od_check_invariants(const struct od_observation *observation, struct od_finding *finding)
{
    struct facts facts;
    if (!facts_init(&facts, observation->event_count, finding)) {
        od_finding_set(finding, "H1", "no memory to check the events of a run");
        facts_release(&facts);
        return;
    }
    facts.graph = observation->graph;
    for (uint32_t i = 0; i < observation->event_count; i++)
        if (lessons[observation->events[i].kind] != NULL)
            lessons[observation->events[i].kind](&facts, &observation->events[i]);
    note_collected(&facts, observation);
    check_sums(&facts);
    note_used(&facts);
    check_readers(&facts, observation->status == OD_OK);
    check_all_used(&facts, observation);
    check_answer(&facts, observation);
    od_check_lineage(observation, finding);
    facts_release(&facts);
}
