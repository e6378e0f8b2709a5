/* adaptable: how the tasks of a stage may read their inputs otherwise than planned, without another answer.
 *
 *   planned   task t reads partition t of each parted input (HASH, ROUND_ROBIN), and all of each broadcast one
 *   merged    a task reads partitions [p, q) of each parted input: what must meet in a partition still meets
 *   split     tasks share the map tasks of one input, and each reads the same of all others: right where, from that input up to
 *             the stage's output, every row goes its own way: through filters and projects, into a partial aggregate, and through
 *             joins as a row that is looked up (or looks up, in an INNER one), or that a RIGHT join keeps
 *   local     as split, with all partitions of the one input (its map tasks where they lie) and all of the others: rows with
 *             equal keys are found in the whole as well as in a partition
 *
 * Not so: stages that read tables or constants (a slice for each task), that pass their rows on or get them task by task
 * (FORWARD), where a user's function sees batches, and nested loops over parted sides: more pairs would be compared. */
#include "engine/plan/stage_build.h"

static bool is_adaptable(const struct od_physical *node)
{
    static const bool refused[OD_PHYSICAL_KIND_COUNT] = {
        [OD_PHYSICAL_SCAN] = true, [OD_PHYSICAL_VALUES] = true, [OD_PHYSICAL_MAP] = true};
    if (refused[node->kind] || (node->kind == OD_PHYSICAL_NESTED_LOOP_JOIN && !node->join.broadcast))
        return false;
    for (uint32_t i = 0; i < node->input_count; i++)
        if (!is_adaptable(node->inputs[i]))
            return false;
    return true;
}

static bool may_merge(const struct od_stage *stage, const struct od_stage *stages)
{
    uint32_t parted_count = 0;
    for (uint32_t i = 0; i < stage->input_count; i++) {
        const struct od_stage *from = &stages[stage->input_stages[i]];
        if (from->exchange == OD_EXCHANGE_FORWARD || from->exchange == OD_EXCHANGE_SINGLE)
            return false;
        parted_count += from->exchange != OD_EXCHANGE_BROADCAST;
    }
    return parted_count > 0 && stage->exchange != OD_EXCHANGE_FORWARD && is_adaptable(stage->root);
}

/* The inputs below a node whose rows each go their own way from here up. */
static uint32_t find_splits(const struct od_physical *node)
{
    const struct od_physical *probe = node->inputs[0];
    const struct od_physical *build = node->inputs[1];
    uint32_t splits = 0;
    switch (node->kind) {
    case OD_PHYSICAL_EXCHANGE_READ:
        return !node->exchange.broadcast && node->exchange.input_index < 32 ? 1u << node->exchange.input_index : 0;
    case OD_PHYSICAL_FILTER:
    case OD_PHYSICAL_PROJECT:
    case OD_PHYSICAL_EXPAND:
        return find_splits(probe);
    case OD_PHYSICAL_AGGREGATE:
        return node->phase == OD_AGGREGATE_PARTIAL ? find_splits(probe) : 0;
    case OD_PHYSICAL_MERGE_JOIN: /* sorts the pieces */
        probe = probe->kind == OD_PHYSICAL_SORT ? probe->inputs[0] : probe;
        build = build->kind == OD_PHYSICAL_SORT ? build->inputs[0] : build;
        __attribute__((fallthrough));
    case OD_PHYSICAL_HASH_JOIN:
    case OD_PHYSICAL_NESTED_LOOP_JOIN:
        if (node->join.type != OD_JOIN_RIGHT && node->join.type != OD_JOIN_FULL)
            splits |= find_splits(probe);
        if (node->join.type == OD_JOIN_RIGHT || node->join.type == OD_JOIN_INNER)
            splits |= find_splits(build);
        return splits;
    default:
        return 0;
    }
}

void od_stages_find_adaptable(struct od_stage *stages, uint32_t stage_count)
{
    for (uint32_t s = 0; s < stage_count; s++) {
        stages[s].may_merge = may_merge(&stages[s], stages);
        stages[s].may_split = stages[s].may_merge ? find_splits(stages[s].root) : 0;
    }
}
