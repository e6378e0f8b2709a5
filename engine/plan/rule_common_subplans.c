/* rule_common_subplans: sub-plans that say the same become the same node, so that the physical planner, which builds each node
 * with several readers once, computes them once.
 *
 *   bottom up: a node whose inputs are known and whose clauses equal those of a node seen before *is* that node
 *
 * Only what is costly takes part (od_plan_is_costly): to scan a table twice costs less than to keep its rows. Names count
 * as a part of what a node says: they are the answer's. */
#include "engine/plan/plan_rewrite.h"
#include "engine/plan/plan_table.h"
#include "engine/plan/rule.h"

struct seen {
    const struct od_plan *plan;
    uint32_t hash;
};

struct sharing {
    struct od_arena *plan_arena;
    uint32_t count;
    uint32_t capacity;
    struct seen *seen; /* one of each */
    bool changed;
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

static enum od_status meet(void *self, const struct od_plan *plan, const struct od_plan **plan_out,
                           struct od_error *error)
{
    struct sharing *sharing = self;
    uint32_t hash = hash_of(plan);
    *plan_out = plan;
    for (uint32_t i = 0; i < sharing->count; i++) {
        const struct od_plan *other = sharing->seen[i].plan;
        if (sharing->seen[i].hash != hash || !od_plan_node_equal(other, plan))
            continue;
        sharing->changed |= other != plan && od_plan_is_costly(plan);
        *plan_out = other;
        return OD_OK;
    }
    OD_TRY(od_arena_grow(sharing->plan_arena, &sharing->seen, &sharing->capacity, sharing->count, sizeof(*sharing->seen),
                         error));
    sharing->seen[sharing->count++] = (struct seen){plan, hash};
    return OD_OK;
}

enum od_status od_rule_common_subplans(const struct od_rule_context *context, const struct od_plan *plan,
                                       const struct od_plan **plan_out, bool *changed_out, struct od_error *error)
{
    struct sharing sharing = {.plan_arena = context->plan_arena};
    struct od_plan_step step = {meet, &sharing};
    OD_TRY(od_plan_walk(context->plan_arena, plan, &step, plan_out, error));
    *changed_out = sharing.changed;
    return OD_OK;
}
