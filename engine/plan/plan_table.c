/* plan_table: see plan_table.h. Open addressing, at most half full; entries move only while the table is made. */
#include "engine/plan/plan_table.h"


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

static bool grow(struct od_maker *make, struct od_plan_table *table)
{
    struct od_plan_table larger = {table->count, table->capacity == 0 ? 64 : 2 * table->capacity, NULL};
    OD_NEW(larger.entries, make, larger.capacity);
    for (uint32_t i = 0; i < table->capacity; i++)
        if (table->entries[i].plan != NULL)
            larger.entries[slot_of(&larger, table->entries[i].plan)] = table->entries[i];
    *table = larger;
    return true;
}

static bool add(struct od_maker *make, const struct od_plan *plan, struct od_plan_table *table)
{
    OD_NEED(2 * table->count < table->capacity || grow(make, table));
    struct od_plan_entry *entry = &table->entries[slot_of(table, plan)];
    if (entry->plan != NULL) {
        entry->readers++;
        return true;
    }
    *entry = (struct od_plan_entry){.plan = plan, .readers = 1};
    table->count++;
    for (uint32_t i = 0; i < plan->input_count; i++)
        OD_NEED(add(make, plan->inputs[i], table));
    return true;
}

bool od_plan_table_init(struct od_maker *make, const struct od_plan *root, struct od_plan_table *table)
{
    *table = (struct od_plan_table){0};
    return root != NULL && add(make, root, table);
}

bool od_plan_table_init_shared(struct od_maker *make, const struct od_plan *root, struct od_plan_table *table)
{
    *table = (struct od_plan_table){0};
    return !od_rule_is_on(make, OD_RULE_COMMON_SUBPLANS) || od_plan_table_init(make, root, table);
}

struct walk {
    struct od_maker *make;
    struct od_plan_table table;
    od_plan_step step;
    void *self;
};

static const struct od_plan *walk_node(struct walk *walk, const struct od_plan *plan)
{
    struct od_plan_entry *entry = od_plan_table_find(&walk->table, plan);
    const struct od_plan *inputs[2] = {NULL, NULL};
    if (entry->result == NULL) {
        for (uint32_t i = 0; i < plan->input_count; i++)
            inputs[i] = walk_node(walk, plan->inputs[i]);
        const struct od_plan *rebuilt = od_new_from(walk->make, plan, inputs, NULL);
        entry->result = rebuilt == NULL ? NULL : walk->step(walk->self, rebuilt);
    }
    return entry->result;
}

const struct od_plan *od_plan_walk(struct od_maker *make, const struct od_plan *root, od_plan_step step, void *self)
{
    struct walk walk = {.make = make, .step = step, .self = self};
    return od_plan_table_init(make, root, &walk.table) ? walk_node(&walk, root) : NULL;
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
