/* physical_order: what needs rows in order: sorts, limits, windows.
 *
 *   sort         rows ==single==> SORT
 *   limit n      TOP_N(n) ==single==> TOP_N(n) -> LIMIT       each task sends at most n rows
 *   window       rows ==hash on the partition columns==> SORT by them, then by the keys -> WINDOW
 *
 * The order is total (ties go by the whole row), so the first n of all are among the first n of each task. A sort is left
 * out where the rows come in that very order already. */
#include "engine/core/assert.h"
#include "engine/plan/rule.h"
#include "engine/plan/stage_build.h"

enum od_status od_physical_order(struct od_stage_builder *builder, struct od_fragment *fragment,
                                 const struct od_sort_key *keys, uint32_t key_count, uint64_t limit,
                                 struct od_error *error)
{
    uint32_t extra;
    if (!od_rule_is_on(builder->options, OD_RULE_TOP_N))
        limit = UINT64_MAX;
    if (limit != UINT64_MAX)
        od_stage_fired(builder, OD_RULE_TOP_N);
    if (limit != UINT64_MAX && !od_fragment_is_single(builder, fragment))
        OD_TRY(od_fragment_sort(builder, fragment, keys, key_count, limit, true, error));
    OD_TRY(od_fragment_meet(builder, fragment, NULL, 0, NULL,
                            limit == UINT64_MAX ? "a global order ends in one task"
                                                : "the first rows of each task meet in one task",
                            &extra, error));
    return od_fragment_sort(builder, fragment, keys, key_count, limit, true, error);
}

/* Fields as they are now, then the calls'. */
static enum od_status window_schema(struct od_stage_builder *builder, const struct od_plan *plan,
                                    const struct od_schema *input, struct od_schema *schema_out,
                                    struct od_error *error)
{
    uint32_t call_count = plan->window.call_count;
    schema_out->field_count = input->field_count + call_count;
    OD_TAKE(schema_out->fields, builder->plan_arena, schema_out->field_count, error);
    for (uint32_t i = 0; i < schema_out->field_count; i++)
        schema_out->fields[i] =
            i < input->field_count
                ? input->fields[i]
                : plan->schema.fields[plan->schema.field_count - call_count + i - input->field_count];
    return OD_OK;
}

enum od_status od_physical_window(struct od_stage_builder *builder, const struct od_plan *plan,
                                  struct od_fragment *fragment, struct od_error *error)
{
    uint32_t partition_count = plan->window.partition_count;
    uint32_t kept = plan->inputs[0]->schema.field_count;
    uint32_t extra = 0;
    struct od_schema schema;
    OD_TAKE_LIST(struct od_sort_key, keys, builder->plan_arena, partition_count + plan->window.key_count, error);
    OD_TAKE_LIST(uint32_t, columns, builder->plan_arena, plan->schema.field_count, error);
    for (uint32_t i = 0; i < partition_count; i++)
        keys[i] = (struct od_sort_key){.expr = plan->window.partitions[i]};
    for (uint32_t i = 0; i < plan->window.key_count; i++)
        keys[partition_count + i] = plan->window.keys[i];
    OD_TRY(od_fragment_meet(builder, fragment, plan->window.partitions, partition_count,
                            "rows of a window partition must meet", "one window over all rows: one task",
                            &extra, error));
    OD_TRY(od_fragment_sort(builder, fragment, keys, partition_count + plan->window.key_count, UINT64_MAX,
                            true, error));
    OD_TRY(window_schema(builder, plan, &fragment->root->schema, &schema, error));
    OD_TRY(od_fragment_put(builder, fragment, OD_PHYSICAL_WINDOW, &schema, error));
    fragment->root->window = plan->window;
    fragment->order_is_total = false; /* the row has grown */
    if (extra == 0)
        return OD_OK;
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        columns[i] = i < kept ? i : i + extra;
    return od_fragment_pick(builder, fragment, columns, &plan->schema, error);
}
