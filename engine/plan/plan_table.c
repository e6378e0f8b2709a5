/* plan_table: see plan_table.h. Open addressing, at most half full; entries move only while the table is made. */
#include "engine/plan/plan_table.h"

#include "engine/plan/plan_rewrite.h"

static uint32_t slot_of(const struct od_plan_table *table, const struct od_plan *plan)
{
    uint64_t hash = (uint64_t)(uintptr_t)plan * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t slot = (uint32_t)(hash >> 32) & (table->capacity - 1);
    while (table->entries[slot].plan != NULL && table->entries[slot].plan != plan)
        slot = (slot + 1) & (table->capacity - 1);
    return slot;
}

struct od_plan_entry *od_plan_table_find(const struct od_plan_table *table, const struct od_plan *plan)
{
    struct od_plan_entry *entry = table->capacity == 0 ? NULL : &table->entries[slot_of(table, plan)];
    return entry == NULL || entry->plan == NULL ? NULL : entry;
}

static enum od_status grow(struct od_arena *plan_arena, struct od_plan_table *table, struct od_error *error)
{
    struct od_plan_table larger = {.capacity = table->capacity == 0 ? 64 : 2 * table->capacity};
    OD_TAKE(larger.entries, plan_arena, larger.capacity, error);
    for (uint32_t i = 0; i < table->capacity; i++)
        if (table->entries[i].plan != NULL)
            larger.entries[slot_of(&larger, table->entries[i].plan)] = table->entries[i];
    larger.count = table->count;
    *table = larger;
    return OD_OK;
}

static enum od_status add(struct od_arena *plan_arena, const struct od_plan *plan, struct od_plan_table *table,
                          struct od_error *error)
{
    if (2 * table->count >= table->capacity)
        OD_TRY(grow(plan_arena, table, error));
    struct od_plan_entry *entry = &table->entries[slot_of(table, plan)];
    if (entry->plan != NULL) {
        entry->readers++;
        return OD_OK;
    }
    *entry = (struct od_plan_entry){.plan = plan, .readers = 1};
    table->count++;
    for (uint32_t i = 0; i < plan->input_count; i++)
        OD_TRY(add(plan_arena, plan->inputs[i], table, error));
    return OD_OK;
}

enum od_status od_plan_table_init(struct od_arena *plan_arena, const struct od_plan *root,
                                  struct od_plan_table *table, struct od_error *error)
{
    *table = (struct od_plan_table){0};
    return add(plan_arena, root, table, error);
}

static enum od_status walk(struct od_arena *plan_arena, const struct od_plan_table *table,
                           const struct od_plan *plan, const struct od_plan_step *step,
                           const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan_entry *entry = od_plan_table_find(table, plan);
    const struct od_plan *inputs[2] = {NULL, NULL};
    const struct od_plan *rebuilt = NULL;
    if (entry->result == NULL) {
        for (uint32_t i = 0; i < plan->input_count; i++)
            OD_TRY(walk(plan_arena, table, plan->inputs[i], step, &inputs[i], error));
        OD_TRY(od_plan_rebuild(plan_arena, plan, inputs, NULL, &rebuilt, error));
        OD_TRY(step->step(step->self, rebuilt, &entry->result, error));
    }
    *plan_out = entry->result;
    return OD_OK;
}

enum od_status od_plan_walk(struct od_arena *plan_arena, const struct od_plan *root, const struct od_plan_step *step,
                            const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan_table table;
    *plan_out = NULL;
    OD_TRY(od_plan_table_init(plan_arena, root, &table, error));
    return walk(plan_arena, &table, root, step, plan_out, error);
}

bool od_plan_is_costly(const struct od_plan *plan)
{
    while (plan->kind == OD_PLAN_FILTER || plan->kind == OD_PLAN_PROJECT)
        plan = plan->inputs[0];
    return plan->kind != OD_PLAN_SCAN && plan->kind != OD_PLAN_VALUES;
}

struct od_plan_entry *od_plan_table_shared(const struct od_plan_table *table, const struct od_plan *plan)
{
    struct od_plan_entry *entry = od_plan_table_find(table, plan);
    return entry != NULL && entry->readers > 1 && od_plan_is_costly(plan) ? entry : NULL;
}
