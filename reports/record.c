/* record: building a record in memory. What it looks like as JSON is in record_shape.c (which fields),
 * record_save.c and record_load.c (how).
 *
 * Lists grow by doubling inside the arena: the old array is left behind, at most as large as the new one, and
 * dies with the record. That wastes some memory and needs no bookkeeping. Items themselves never move, so
 * builders return pointers. */
#include "reports/record.h"

#include "engine/core/assert.h"
#include "reports/record_shape.h"
#include "reports/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#ifndef OD_VERSION
#define OD_VERSION "0.1.0"
#endif

static const char *const state_texts[] = {
    [OD_RECORD_RUNNING] = "running",
    [OD_RECORD_FINISHED] = "finished",
    [OD_RECORD_INTERRUPTED] = "interrupted",
};
_Static_assert(sizeof(state_texts) / sizeof(state_texts[0]) == OD_RECORD_STATE_COUNT,
               "every state has a text");

static const char *const verdict_texts[] = {
    [OD_RECORD_HELD] = "held",
    [OD_RECORD_FAILED] = "failed",
    [OD_RECORD_UNDECIDED] = "undecided",
};
_Static_assert(sizeof(verdict_texts) / sizeof(verdict_texts[0]) == OD_RECORD_VERDICT_COUNT,
               "every verdict has a text");

const char *od_record_unit_text(enum od_record_unit unit)
{
    static const char *const texts[] = {
#define X(name, text) text,
        OD_RECORD_UNITS(X)
#undef X
    };
    od_assert((unsigned)unit < OD_RECORD_UNIT_END);
    return texts[unit];
}

const char *od_record_state_text(enum od_record_state state)
{
    od_assert(state < OD_RECORD_STATE_COUNT);
    return state_texts[state];
}

const char *od_record_verdict_text(enum od_record_verdict verdict)
{
    od_assert(verdict < OD_RECORD_VERDICT_COUNT);
    return verdict_texts[verdict];
}

static uint64_t unix_ms(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Host, system and an id that no other run of this host has: start time and process. */
static void describe_here(struct od_record *record)
{
    struct utsname name;
    memset(&name, 0, sizeof(name));
    if (uname(&name) == 0) {
        od_record_text(record, &record->host, name.nodename);
        od_record_print(record, &record->os, "%s %s %s", name.sysname, name.release, name.machine);
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    record->cores = cores > 0 ? (uint64_t)cores : 0;
#if defined(__clang__)
    od_record_text(record, &record->compiler, "clang " __clang_version__);
#else
    od_record_text(record, &record->compiler, "gcc " __VERSION__);
#endif
    od_record_text(record, &record->version, OD_VERSION);
    record->started_unix_ms = unix_ms();
    time_t seconds = (time_t)(record->started_unix_ms / 1000);
    struct tm parts;
    memset(&parts, 0, sizeof(parts));
    gmtime_r(&seconds, &parts);
    char day[32];
    strftime(day, sizeof(day), "%Y%m%dT%H%M%S", &parts);
    od_record_print(record, &record->id, "%s.%03u-%s-%ld", day, (unsigned)(record->started_unix_ms % 1000),
                    record->host == NULL ? "unknown" : record->host, (long)getpid());
}

struct od_record *od_record_new(struct od_memory *memory)
{
    struct od_record *record = od_take(memory, sizeof(*record));
    if (record == NULL)
        return NULL;
    record->memory = memory;
    record->schema_version = OD_RECORD_SCHEMA_VERSION;
    record->state = OD_RECORD_RUNNING;
    od_arena_init(&record->arena, memory, 64 * 1024);
    describe_here(record);
    if (record->failed) {
        od_record_free(record);
        return NULL;
    }
    return record;
}

void od_record_free(struct od_record *record)
{
    if (record == NULL)
        return;
    struct od_memory *memory = record->memory;
    od_arena_release(&record->arena);
    od_give(memory, record, sizeof(*record));
}

/* Makes room for one more pointer. */
static bool list_grow(struct od_record *record, struct od_record_any_list *list)
{
    if (list->count < list->capacity)
        return true;
    uint32_t capacity = list->capacity == 0 ? 4 : list->capacity * 2;
    void **items = od_arena_take_array(&record->arena, capacity, sizeof(*items));
    if (items == NULL) {
        record->failed = true;
        return false;
    }
    if (list->count > 0)
        memcpy(items, list->items, list->count * sizeof(*items));
    list->items = items;
    list->capacity = capacity;
    return true;
}

void *od_record_append(struct od_record *record, void *list, size_t bytes)
{
    struct od_record_any_list *any = list;
    if (record->failed || !list_grow(record, any))
        return NULL;
    void *item = od_arena_take(&record->arena, bytes);
    if (item == NULL)
        record->failed = true;
    else
        any->items[any->count++] = item;
    return item;
}

bool od_record_adopt(struct od_record *record, void *list, void *item)
{
    struct od_record_any_list *any = list;
    if (record->failed || !list_grow(record, any))
        return false;
    any->items[any->count++] = item;
    return true;
}

void od_record_text(struct od_record *record, char **target, const char *text)
{
    if (target == NULL || record->failed)
        return;
    *target = NULL;
    if (text == NULL)
        return;
    *target = od_text_clean(&record->arena, text);
    record->failed = *target == NULL;
}

void od_record_line(struct od_record *record, struct od_record_texts *target, const char *text)
{
    if (target == NULL || record->failed)
        return;
    struct od_record_any_list *list = (struct od_record_any_list *)target;
    if (!list_grow(record, list))
        return;
    char *copy = od_text_clean(&record->arena, text == NULL ? "" : text);
    if (copy == NULL) {
        record->failed = true;
        return;
    }
    list->items[list->count++] = copy;
}

void od_record_print(struct od_record *record, char **target, const char *format, ...)
{
    if (target == NULL || record->failed)
        return;
    va_list arguments;
    va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = size < 0 ? NULL : od_arena_take(&record->arena, (size_t)size + 1);
    if (text == NULL)
        record->failed = true;
    else
        vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    od_record_text(record, target, text);
}

/* A part of a record that has a name: its size and where the name is. */
struct od_part {
    size_t bytes;
    size_t name_offset;
};

/* What all named parts share: a new item of `list` with its name; NULL once anything was refused. `list` is
 * NULL when the parent is. */
static void *add_named(struct od_record *record, void *list, const struct od_part *part, const char *name)
{
    uint8_t *item = list == NULL ? NULL : od_record_append(record, list, part->bytes);
    if (item == NULL)
        return NULL;
    od_record_text(record, (char **)(void *)(item + part->name_offset), name);
    return record->failed ? NULL : item;
}

struct od_record_scenario *od_record_add_scenario(struct od_record *record, const char *name)
{
    static const struct od_part part = {sizeof(struct od_record_scenario),
                                        offsetof(struct od_record_scenario, name)};
    return add_named(record, &record->scenarios, &part, name);
}

struct od_record_table *od_record_add_table(struct od_record *record, struct od_record_scenario *scenario,
                                            const char *name)
{
    static const struct od_part part = {sizeof(struct od_record_table),
                                        offsetof(struct od_record_table, name)};
    return add_named(record, scenario == NULL ? NULL : &scenario->tables, &part, name);
}

struct od_record_query *od_record_add_query(struct od_record *record, struct od_record_scenario *scenario,
                                            const char *name)
{
    static const struct od_part part = {sizeof(struct od_record_query),
                                        offsetof(struct od_record_query, name)};
    return add_named(record, scenario == NULL ? NULL : &scenario->queries, &part, name);
}

struct od_record_run *od_record_add_run(struct od_record *record, struct od_record_query *query,
                                        const char *deployment)
{
    static const struct od_part part = {sizeof(struct od_record_run),
                                        offsetof(struct od_record_run, deployment)};
    struct od_record_run *added = add_named(record, query == NULL ? NULL : &query->runs, &part, deployment);
    if (added != NULL)
        added->run_index = record->next_run_index++;
    return added;
}

struct od_record_stage *od_record_add_stage(struct od_record *record, struct od_record_query *query,
                                            uint64_t stage)
{
    struct od_record_stage *added =
        query == NULL ? NULL : od_record_append(record, &query->stages, sizeof(*added));
    if (added != NULL)
        added->stage = stage;
    return added;
}

void od_record_add_parent(struct od_record *record, struct od_record_stage *stage, uint64_t parent_stage)
{
    struct od_record_parent *added =
        stage == NULL ? NULL : od_record_append(record, &stage->parents, sizeof(*added));
    if (added != NULL)
        added->stage = parent_stage;
}

struct od_record_operator *od_record_add_operator(struct od_record *record, struct od_record_stage *stage,
                                                  const char *text)
{
    struct od_record_operator *added =
        stage == NULL ? NULL : od_record_append(record, &stage->measured, sizeof(*added));
    OD_RECORD_SET(record, added, text, text);
    return added;
}

struct od_record_row *od_record_add_row(struct od_record *record, struct od_record_query *query)
{
    return query == NULL ? NULL : od_record_append(record, &query->rows, sizeof(struct od_record_row));
}

struct od_record_curve *od_record_add_curve(struct od_record *record, struct od_record_query *query, const char *over)
{
    static const struct od_part part = {sizeof(struct od_record_curve), offsetof(struct od_record_curve, over)};
    return add_named(record, query == NULL ? NULL : &query->curves, &part, over);
}

struct od_record_point *od_record_add_point(struct od_record *record, struct od_record_curve *curve, uint64_t at)
{
    struct od_record_point *added = curve == NULL ? NULL : od_record_append(record, &curve->points, sizeof(*added));
    if (added != NULL)
        added->at = at;
    return added;
}

void od_record_finish(struct od_record *record, enum od_record_state state)
{
    od_assert(state < OD_RECORD_STATE_COUNT);
    record->state = state;
    record->ended_unix_ms = unix_ms();
}

static uint64_t larger(uint64_t left, uint64_t right)
{
    return left > right ? left : right;
}

static void count_runs(const struct od_record_query *query, struct od_record_counts *counts)
{
    for (uint32_t i = 0; i < query->runs.count; i++) {
        const struct od_record_run *run = query->runs.items[i];
        counts->runs++;
        counts->undisturbed += !run->disturbed;
        counts->verdicts[run->verdict]++;
        counts->faults_fired += run->faults_fired;
        counts->retries += run->retries;
        counts->recomputed_tasks += run->recomputed_tasks;
        counts->repair_ns += run->repair_ns;
        counts->recovery_worst_ns = larger(counts->recovery_worst_ns, run->recovery_ns);
        counts->repair_worst_ns = larger(counts->repair_worst_ns, run->repair_longest_ns);
    }
    counts->queries++;
}

struct od_record_counts od_record_count_query(const struct od_record_query *query)
{
    struct od_record_counts counts = {0};
    count_runs(query, &counts);
    return counts;
}

struct od_record_counts od_record_count(const struct od_record *record)
{
    struct od_record_counts counts = {0};
    for (uint32_t i = 0; i < record->scenarios.count; i++) {
        const struct od_record_scenario *scenario = record->scenarios.items[i];
        counts.scenarios++;
        for (uint32_t k = 0; k < scenario->queries.count; k++)
            count_runs(scenario->queries.items[k], &counts);
    }
    return counts;
}

enum od_record_verdict od_record_overall(const struct od_record *record)
{
    struct od_record_counts counts = od_record_count(record);
    if (counts.verdicts[OD_RECORD_FAILED] > 0)
        return OD_RECORD_FAILED;
    if (counts.verdicts[OD_RECORD_UNDECIDED] > 0 || counts.runs == 0 || record->state != OD_RECORD_FINISHED)
        return OD_RECORD_UNDECIDED;
    return OD_RECORD_HELD;
}

bool od_record_has_one_seed(const struct od_record *record)
{
    for (uint32_t i = 0; i < record->scenarios.count; i++)
        if (record->scenarios.items[i]->seed != record->seed)
            return false;
    return true;
}
