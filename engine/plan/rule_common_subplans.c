/* rule_common_subplans: sub-plans that say the same become the same node, so that the physical planner, which builds each node
 * with several readers once, computes them once.
 *
 *   bottom up: a node whose inputs are known and whose clauses equal those of a node seen before *is* that node
 *
 * Only what is costly takes part (od_plan_is_costly): to scan a table twice costs less than to keep its rows. Names count
 * as a part of what a node says: they are the answer's. */
#include "engine/plan/rule.h"

struct seen {
    const struct od_plan *plan;
    uint32_t hash;
};

struct sharing {
    struct od_maker *make;
    uint32_t count;
    uint32_t capacity;
    struct seen *seen; /* one of each */
};

/* Inputs are known already: their addresses stand for them. (Hashes only save comparisons; order is that of the walk.) */
static uint32_t hash_of(const struct od_plan *plan)
{
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX];
    uint32_t hash = (uint32_t)plan->kind * 31 + plan->schema.field_count;
    uint32_t list_count = od_plan_clauses(plan, lists);
    for (uint32_t i = 0; i < list_count; i++)
        hash = hash * 31 + lists[i].count;
    for (uint32_t i = 0; i < plan->input_count; i++)
        hash = hash * 31 + (uint32_t)((uintptr_t)plan->inputs[i] >> 4);
    return hash;
}

static const struct od_plan *meet(void *self, const struct od_plan *plan)
{
    struct sharing *sharing = self;
    struct od_maker *make = sharing->make;
    uint32_t hash = hash_of(plan);
    for (uint32_t i = 0; i < sharing->count; i++) {
        const struct od_plan *other = sharing->seen[i].plan;
        if (sharing->seen[i].hash != hash || !od_plan_node_equal(other, plan))
            continue;
        make->changed |= other != plan && od_plan_is_costly(plan);
        return other;
    }
    make->status = od_arena_grow(make->arena, &sharing->seen, &sharing->capacity, sharing->count,
                                 sizeof(*sharing->seen), make->error);
    OD_NEED(make->status == OD_OK);
    sharing->seen[sharing->count++] = (struct seen){plan, hash};
    return plan;
}

const struct od_plan *od_rule_common_subplans(struct od_maker *make, const struct od_plan *plan)
{
    struct sharing sharing = {.make = make};
    return od_plan_walk(make, plan, meet, &sharing);
}
