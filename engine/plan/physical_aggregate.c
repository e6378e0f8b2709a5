/* physical_aggregate: three ways to group rows that lie in many tasks.
 *
 *   partial aggregation   PARTIAL ==hash on the groups==> FINAL       few rows cross; the default
 *   raw rows              rows ==hash on the groups==> COMPLETE       partial_aggregation is off
 *   in place              COMPLETE                                    equal groups are in one task already
 *
 * A global aggregate (no groups) crosses to a single task instead. */
#include "engine/plan/rule.h"
#include "engine/plan/stage_build.h"

/* The groups' fields, then each aggregate's state. */
static enum od_status partial_schema(struct od_stage_builder *builder, const struct od_plan *plan,
                                     struct od_schema *schema_out, struct od_error *error)
{
    uint32_t group_count = plan->aggregate.group_count;
    uint32_t aggregate_count = plan->aggregate.aggregate_count;
    schema_out->field_count = group_count + aggregate_count;
    OD_TAKE(schema_out->fields, builder->plan_arena, schema_out->field_count, error);
    for (uint32_t i = 0; i < group_count; i++)
        schema_out->fields[i] = plan->schema.fields[i];
    for (uint32_t i = 0; i < aggregate_count; i++) {
        const char *name = od_arena_print(builder->plan_arena, "state%u", i);
        if (name == NULL)
            return od_fail(error, OD_NO_MEMORY, "naming a state");
        schema_out->fields[group_count + i] =
            (struct od_field){name, od_aggregate_state_type(&plan->aggregate.aggregates[i]), true};
    }
    return OD_OK;
}

static enum od_status put_aggregate(struct od_stage_builder *builder, const struct od_plan *plan,
                                    enum od_aggregate_phase phase, const struct od_schema *schema,
                                    struct od_fragment *fragment, struct od_error *error)
{
    OD_TRY(od_fragment_put(builder, fragment, OD_PHYSICAL_AGGREGATE, schema, error));
    struct od_physical *node = fragment->root;
    node->aggregate.phase = phase;
    node->aggregate.group_count = plan->aggregate.group_count;
    node->aggregate.groups = phase == OD_AGGREGATE_FINAL ? NULL : plan->aggregate.groups;
    node->aggregate.aggregate_count = plan->aggregate.aggregate_count;
    node->aggregate.aggregates = plan->aggregate.aggregates;
    od_fragment_forget_order(fragment);
    return OD_OK;
}

static bool has_phases(const struct od_stage_builder *builder, const struct od_plan *plan)
{
    bool partial = od_rule_is_on(builder->options, OD_RULE_PARTIAL_AGGREGATION);
    for (uint32_t i = 0; i < plan->aggregate.aggregate_count && partial; i++)
        partial = od_aggregate_is_partial(&plan->aggregate.aggregates[i]);
    return partial;
}

/* COMPLETE: the groups may be spread by columns of the input, which come out as groups; or by computed columns, then by the
 * groups as they are listed. */
static enum od_status complete(struct od_stage_builder *builder, const struct od_plan *plan,
                               struct od_fragment *fragment, struct od_error *error)
{
    uint32_t group_count = plan->aggregate.group_count;
    uint32_t extra = 0;
    if (od_fragment_has_met(builder, fragment, plan->aggregate.groups, group_count)) {
        OD_TRY(od_fragment_remap(builder, fragment, plan->aggregate.groups, group_count, error));
        return put_aggregate(builder, plan, OD_AGGREGATE_COMPLETE, &plan->schema, fragment, error);
    }
    OD_TAKE_LIST(uint32_t, columns, builder->plan_arena, group_count, error);
    OD_TAKE_LIST(const struct od_expr *, groups, builder->plan_arena, group_count, error);
    OD_TRY(
        od_fragment_columns(builder, fragment, plan->aggregate.groups, group_count, columns, &extra, error));
    for (uint32_t i = 0; i < group_count; i++)
        OD_TRY(od_expr_column(builder->plan_arena, &fragment->root->schema, columns[i], &groups[i], error));
    OD_TRY(od_fragment_meet(builder, fragment, groups, group_count, "equal groups must meet",
                            "a global aggregate ends in one task", &extra, error));
    OD_TRY(od_fragment_remap(builder, fragment, groups, group_count, error));
    OD_TRY(put_aggregate(builder, plan, OD_AGGREGATE_COMPLETE, &plan->schema, fragment, error));
    fragment->root->aggregate.groups = groups;
    return OD_OK;
}

enum od_status od_physical_aggregate(struct od_stage_builder *builder, const struct od_plan *plan,
                                     struct od_fragment *fragment, struct od_error *error)
{
    uint32_t group_count = plan->aggregate.group_count;
    struct od_schema schema;
    if (!has_phases(builder, plan) ||
        od_fragment_has_met(builder, fragment, plan->aggregate.groups, group_count))
        return complete(builder, plan, fragment, error);
    OD_TAKE_LIST(uint32_t, columns, builder->plan_arena, group_count, error);
    for (uint32_t i = 0; i < group_count; i++)
        columns[i] = i;
    OD_TRY(partial_schema(builder, plan, &schema, error));
    OD_TRY(put_aggregate(builder, plan, OD_AGGREGATE_PARTIAL, &schema, fragment, error));
    od_stage_fired(builder, OD_RULE_PARTIAL_AGGREGATION);
    OD_TRY(od_fragment_spread(builder, fragment, columns, group_count, 0, "equal groups must meet",
                              "a global aggregate ends in one task", error));
    return put_aggregate(builder, plan, OD_AGGREGATE_FINAL, &plan->schema, fragment, error);
}
