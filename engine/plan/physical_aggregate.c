/* physical_aggregate: three ways to group rows that lie in many tasks.
 *
 *   partial aggregation   PARTIAL ==hash on the groups==> FINAL       few rows cross; the default
 *   raw rows              rows ==hash on the groups==> COMPLETE       partial_aggregation is off
 *   in place              COMPLETE                                    equal groups are in one task already
 *
 * A global aggregate (no groups) crosses to a single task instead. */
#include "engine/plan/stage_build.h"

static const char equal_groups[] = "equal groups must meet";
static const char one_task[] = "a global aggregate ends in one task";

static bool put_aggregate(struct od_stage_builder *builder, const struct od_plan *plan, enum od_aggregate_phase phase,
                          const struct od_schema *schema, struct od_fragment *fragment)
{
    OD_NEED(od_fragment_put(builder, fragment, OD_PHYSICAL_AGGREGATE, schema));
    fragment->root->phase = phase;
    fragment->root->clause = plan->clause;
    if (phase == OD_AGGREGATE_FINAL)
        fragment->root->aggregate.groups = NULL;
    od_fragment_forget_order(fragment);
    return true;
}

/* The groups' fields, then each aggregate's state. */
static bool put_partial(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *fragment)
{
    uint32_t group_count = plan->aggregate.group_count;
    struct od_schema schema = {plan->schema.field_count, NULL};
    OD_NEW(schema.fields, builder->make, schema.field_count);
    for (uint32_t i = 0; i < schema.field_count; i++) {
        schema.fields[i] = plan->schema.fields[i];
        if (i >= group_count)
            schema.fields[i] = (struct od_field){od_new_name(builder->make, "state", i - group_count),
                                                 od_aggregate_state_type(&plan->aggregate.aggregates[i - group_count]),
                                                 true};
    }
    return put_aggregate(builder, plan, OD_AGGREGATE_PARTIAL, &schema, fragment);
}

static bool has_phases(const struct od_stage_builder *builder, const struct od_plan *plan)
{
    bool partial = od_rule_is_on(builder->make, OD_RULE_PARTIAL_AGGREGATION);
    for (uint32_t i = 0; i < plan->aggregate.aggregate_count && partial; i++)
        partial = od_aggregate_is_partial(&plan->aggregate.aggregates[i]);
    return partial;
}

/* COMPLETE: the groups may be spread by columns of the input, which come out as groups; or by computed columns, then by the
 * groups as they are listed. */
static bool complete(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *fragment)
{
    uint32_t group_count = plan->aggregate.group_count;
    uint32_t extra = 0;
    const struct od_expr *const *groups = plan->aggregate.groups;
    if (!od_fragment_has_met(builder, fragment, groups, group_count)) {
        const uint32_t *columns = od_fragment_columns(builder, fragment, groups, group_count, &extra);
        OD_NEW_LIST(const struct od_expr *, computed, builder->make, group_count);
        for (uint32_t i = 0; i < group_count; i++)
            computed[i] = od_new_column(builder->make, &fragment->root->schema, columns[i]);
        groups = computed;
        OD_NEED(od_fragment_meet(builder, fragment, groups, group_count, equal_groups, one_task, NULL));
    }
    OD_NEED(od_fragment_remap(builder, fragment, groups, group_count));
    OD_NEED(put_aggregate(builder, plan, OD_AGGREGATE_COMPLETE, &plan->schema, fragment));
    fragment->root->aggregate.groups = groups;
    return true;
}

bool od_physical_aggregate(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *fragment)
{
    uint32_t group_count = plan->aggregate.group_count;
    if (!has_phases(builder, plan) ||
        od_fragment_has_met(builder, fragment, plan->aggregate.groups, group_count))
        return complete(builder, plan, fragment);
    const uint32_t *columns = od_new_numbers(builder->make, 0, group_count);
    OD_NEED(columns != NULL && put_partial(builder, plan, fragment));
    od_rule_fired(builder->make, OD_RULE_PARTIAL_AGGREGATION);
    OD_NEED(od_fragment_spread(builder, fragment, columns, group_count, 0, equal_groups, one_task));
    return put_aggregate(builder, plan, OD_AGGREGATE_FINAL, &plan->schema, fragment);
}
