/* physical_order: sorts and limits end in one task.
 *
 *   sort         rows ==single==> SORT
 *   limit n      TOP_N(n) ==single==> TOP_N(n) -> LIMIT       each task sends at most n rows
 *
 * The order is total (ties go by the whole row), so the first n of all are among the first n of each task. */
#include "engine/plan/rule.h"
#include "engine/plan/stage_build.h"

static enum od_status put_sort(struct od_stage_builder *builder, struct od_fragment *fragment,
                               const struct od_sort_key *keys, uint32_t key_count, uint64_t limit,
                               struct od_error *error)
{
    enum od_physical_kind kind = limit == UINT64_MAX ? OD_PHYSICAL_SORT : OD_PHYSICAL_TOP_N;
    struct od_physical *node = od_physical_new(builder, kind, &fragment->root->schema, fragment->root, NULL);
    if (node == NULL)
        return od_stage_no_memory(error);
    node->sort.key_count = key_count;
    node->sort.keys = keys;
    node->sort.limit = limit;
    fragment->root = node;
    return OD_OK;
}

enum od_status od_physical_order(struct od_stage_builder *builder, struct od_fragment *fragment,
                                 const struct od_sort_key *keys, uint32_t key_count, uint64_t limit,
                                 struct od_error *error)
{
    enum od_status status = OD_OK;
    if (!od_rule_is_on(builder->options, OD_RULE_TOP_N))
        limit = UINT64_MAX;
    if (limit != UINT64_MAX)
        builder->rules_fired |= UINT32_C(1) << OD_RULE_TOP_N;
    if (od_fragment_is_single(builder, fragment)) {
        builder->rules_fired |= UINT32_C(1) << OD_RULE_EXCHANGE_ELIMINATION;
        return put_sort(builder, fragment, keys, key_count, limit, error);
    }
    if (limit != UINT64_MAX)
        status = put_sort(builder, fragment, keys, key_count, limit, error);
    if (status == OD_OK)
        status = od_fragment_exchange(builder, fragment, OD_EXCHANGE_SINGLE, NULL, 0,
                                      limit == UINT64_MAX ? "a global order ends in one task"
                                                          : "the first rows of each task meet in one task",
                                      error);
    if (status == OD_OK)
        status = put_sort(builder, fragment, keys, key_count, limit, error);
    return status;
}
