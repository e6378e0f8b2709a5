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

struct sharing {
    struct od_arena *plan_arena;
    uint32_t count;
    uint32_t capacity;
    const struct od_plan **nodes; /* one of each */
    uint32_t *hashes;
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

static enum od_status make_room(struct sharing *sharing, struct od_error *error)
{
    uint32_t capacity = sharing->capacity == 0 ? 32 : 2 * sharing->capacity;
    if (sharing->count < sharing->capacity)
        return OD_OK;
    OD_TAKE_LIST(const struct od_plan *, nodes, sharing->plan_arena, capacity, error);
    OD_TAKE_LIST(uint32_t, hashes, sharing->plan_arena, capacity, error);
    for (uint32_t i = 0; i < sharing->count; i++) {
        nodes[i] = sharing->nodes[i];
        hashes[i] = sharing->hashes[i];
    }
    sharing->nodes = nodes;
    sharing->hashes = hashes;
    sharing->capacity = capacity;
    return OD_OK;
}

static enum od_status meet(void *self, const struct od_plan *plan, const struct od_plan **plan_out,
                           struct od_error *error)
{
    struct sharing *sharing = self;
    uint32_t hash = hash_of(plan);
    *plan_out = plan;
    for (uint32_t i = 0; i < sharing->count; i++) {
        if (sharing->hashes[i] != hash || !od_plan_node_equal(sharing->nodes[i], plan))
            continue;
        sharing->changed |= sharing->nodes[i] != plan && od_plan_is_costly(plan);
        *plan_out = sharing->nodes[i];
        return OD_OK;
    }
    OD_TRY(make_room(sharing, error));
    sharing->nodes[sharing->count] = plan;
    sharing->hashes[sharing->count++] = hash;
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
