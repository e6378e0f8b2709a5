/* cache_shape: when may a task's cached output stand for the one of another query? When the rows below are
 * the same (cache_key, from the logical plan and the tables) and are cut into tasks in the same way. The way
 * is what this file takes a hash of: operators with their kinds, strategies and keys, tasks, partitions and
 * exchanges, from the stage down through all that it reads, without the numbers that stages have in their
 * query. Two ways of one plan that differ in nothing of this cut its rows alike.
 *
 * A stage that reads of an indeterminate one, directly or not, is never met again: half of its tasks cached
 * and half computed again would be of two different deals. */
#include "engine/core/hash.h"
#include "engine/plan/stage_build.h"

static uint64_t fold(uint64_t hash, uint64_t value)
{
    return od_hash_bytes(&value, sizeof(value), hash);
}

static uint64_t fold_numbers(uint64_t hash, const uint32_t *numbers, uint32_t count)
{
    hash = fold(hash, count);
    for (uint32_t i = 0; i < count; i++)
        hash = fold(hash, numbers[i]);
    return hash;
}

static uint64_t fold_node(const struct od_physical *node, const struct od_stage *stages, uint64_t hash)
{
    bool joins = node->kind == OD_PHYSICAL_HASH_JOIN || node->kind == OD_PHYSICAL_MERGE_JOIN ||
                 node->kind == OD_PHYSICAL_NESTED_LOOP_JOIN;
    hash = fold(fold(fold(hash, node->kind), node->phase), node->row_limit);
    hash = fold(hash, node->schema.field_count);
    for (uint32_t i = 0; i < node->schema.field_count; i++)
        hash = fold(hash, node->schema.fields[i].type);
    if (joins) {
        hash = fold(fold(hash, node->join.type), node->join.broadcast);
        hash = fold_numbers(hash, node->join.probe_keys, node->join.key_count);
        hash = fold_numbers(hash, node->join.build_keys, node->join.key_count);
    } else if (node->kind == OD_PHYSICAL_SCAN) {
        hash = fold_numbers(hash, node->scan.columns, node->scan.column_count);
        for (const char *name = node->scan.table->name; *name != '\0'; name++)
            hash = fold(hash, (uint64_t)*name);
    } else if (node->kind == OD_PHYSICAL_EXCHANGE_READ) {
        hash = fold(fold(hash, node->exchange.broadcast), node->exchange.forward);
        hash = fold(hash, stages[node->exchange.stage_index].cache_shape);
    }
    for (uint32_t i = 0; i < node->input_count; i++)
        hash = fold_node(node->inputs[i], stages, hash);
    return hash;
}

void od_stages_find_shapes(struct od_stage *stages, uint32_t stage_count)
{
    for (uint32_t s = 0; s < stage_count; s++) {
        struct od_stage *stage = &stages[s];
        bool may_meet = stage->determinism != OD_INDETERMINATE;
        for (uint32_t i = 0; i < stage->input_count; i++)
            may_meet = may_meet && stages[stage->input_stages[i]].cache_shape != 0;
        uint64_t hash = fold(fold(fold(0, stage->task_count), stage->partition_count), stage->exchange);
        hash = fold_node(stage->root, stages, fold_numbers(hash, stage->keys, stage->key_count));
        stage->cache_shape = may_meet ? hash | 1 : 0;
    }
}
