/* physical_order: what needs rows in order: sorts, limits, windows.
 *
 *   sort         rows ==single==> SORT
 *   limit n      TOP_N(n) ==single==> TOP_N(n) -> LIMIT       each task sends at most n rows
 *   window       rows ==hash on the partition columns==> SORT by them, then by the keys -> WINDOW
 *
 * The order is total (ties go by the whole row), so the first n of all are among the first n of each task. A sort is left
 * out where the rows come in that very order already. */
#include "engine/core/assert.h"
#include "engine/plan/stage_build.h"

bool od_physical_order(struct od_stage_builder *builder, struct od_fragment *fragment,
                       const struct od_sort_key *keys, uint32_t key_count, uint64_t limit)
{
    if (!od_rule_is_on(builder->make, OD_RULE_TOP_N))
        limit = UINT64_MAX;
    if (limit != UINT64_MAX)
        od_rule_fired(builder->make, OD_RULE_TOP_N);
    if (limit != UINT64_MAX && !od_fragment_is_single(builder, fragment))
        OD_NEED(od_fragment_sort(builder, fragment, keys, key_count, limit, true));
    OD_NEED(od_fragment_meet(builder, fragment, NULL, 0, NULL,
                             limit == UINT64_MAX ? "a global order ends in one task"
                                                 : "the first rows of each task meet in one task",
                             NULL));
    return od_fragment_sort(builder, fragment, keys, key_count, limit, true);
}

bool od_physical_window(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *fragment)
{
    const struct od_window_clause *window = &plan->window;
    uint32_t key_count = window->partition_count + window->key_count;
    uint32_t kept = plan->schema.field_count - window->call_count;
    uint32_t extra = 0;
    OD_NEW_LIST(struct od_sort_key, keys, builder->make, key_count);
    OD_NEW_LIST(uint32_t, columns, builder->make, plan->schema.field_count);
    for (uint32_t i = 0; i < key_count; i++)
        keys[i] = i < window->partition_count ? (struct od_sort_key){.expr = window->partitions[i]}
                                              : window->keys[i - window->partition_count];
    OD_NEED(od_fragment_meet(builder, fragment, window->partitions, window->partition_count,
                             "rows of a window partition must meet", "one window over all rows: one task", &extra));
    OD_NEED(od_fragment_sort(builder, fragment, keys, key_count, UINT64_MAX, true));
    /* fields as they are now, then the calls' */
    struct od_schema schema = {plan->schema.field_count + extra, NULL};
    OD_NEW(schema.fields, builder->make, schema.field_count);
    for (uint32_t i = 0; i < schema.field_count; i++)
        schema.fields[i] =
            i < kept + extra ? fragment->root->schema.fields[i] : plan->schema.fields[i - extra];
    OD_NEED(od_fragment_put(builder, fragment, OD_PHYSICAL_WINDOW, &schema));
    fragment->root->window = *window;
    fragment->order_is_total = false; /* the row has grown */
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        columns[i] = i < kept ? i : i + extra;
    return extra == 0 || od_fragment_pick(builder, fragment, columns, &plan->schema);
}
