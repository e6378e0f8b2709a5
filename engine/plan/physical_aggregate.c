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
    uint32_t field_count = group_count;
    enum od_type types[OD_STATE_FIELDS_MAX];
    for (uint32_t i = 0; i < plan->aggregate.aggregate_count; i++)
        field_count += od_aggregate_state_fields(&plan->aggregate.aggregates[i], types);
    schema_out->field_count = 0;
    schema_out->fields = od_arena_take_array(builder->plan_arena, field_count, sizeof(*schema_out->fields));
    if (schema_out->fields == NULL)
        return od_stage_no_memory(error);
    for (uint32_t i = 0; i < group_count; i++)
        schema_out->fields[schema_out->field_count++] = plan->schema.fields[i];
    for (uint32_t i = 0; i < plan->aggregate.aggregate_count; i++) {
        uint32_t state_count = od_aggregate_state_fields(&plan->aggregate.aggregates[i], types);
        for (uint32_t k = 0; k < state_count; k++) {
            const char *name = od_arena_print(builder->plan_arena, "state%u_%u", i, k);
            if (name == NULL)
                return od_stage_no_memory(error);
            schema_out->fields[schema_out->field_count++] =
                (struct od_field){.name = name, .type = types[k], .nullable = true};
        }
    }
    return OD_OK;
}

static enum od_status put_aggregate(struct od_stage_builder *builder, const struct od_plan *plan,
                                    enum od_aggregate_phase phase, const struct od_schema *schema,
                                    const struct od_expr *const *groups, struct od_fragment *fragment,
                                    struct od_error *error)
{
    struct od_physical *node = od_physical_new(builder, OD_PHYSICAL_AGGREGATE, schema, fragment->root, NULL);
    if (node == NULL)
        return od_stage_no_memory(error);
    node->aggregate.phase = phase;
    node->aggregate.group_count = plan->aggregate.group_count;
    node->aggregate.groups = groups;
    node->aggregate.aggregate_count = plan->aggregate.aggregate_count;
    node->aggregate.aggregates = plan->aggregate.aggregates;
    fragment->root = node;
    return OD_OK;
}

/* Where the fragment's keys are among the group columns; key_count 0 when one of them is not. */
static enum od_status keys_among_groups(struct od_stage_builder *builder, const struct od_plan *plan,
                                        const struct od_fragment *fragment, uint32_t *key_count_out,
                                        const uint32_t **keys_out, struct od_error *error)
{
    uint32_t *keys = od_arena_take_array(builder->plan_arena, fragment->key_count, sizeof(*keys));
    *key_count_out = 0;
    *keys_out = keys;
    if (keys == NULL)
        return od_stage_no_memory(error);
    for (uint32_t i = 0; i < fragment->key_count; i++) {
        keys[i] = OD_FIELD_NONE;
        for (uint32_t k = 0; k < plan->aggregate.group_count && keys[i] == OD_FIELD_NONE; k++) {
            const struct od_expr *group = plan->aggregate.groups[k];
            if (group->kind == OD_EXPR_COLUMN && group->column_index == fragment->keys[i])
                keys[i] = k;
        }
        if (keys[i] == OD_FIELD_NONE)
            return OD_OK;
    }
    *key_count_out = fragment->key_count;
    return OD_OK;
}

static enum od_status exchange_groups(struct od_stage_builder *builder, struct od_fragment *fragment,
                                      const uint32_t *columns, uint32_t group_count, struct od_error *error)
{
    if (group_count == 0)
        return od_fragment_exchange(builder, fragment, OD_EXCHANGE_SINGLE, NULL, 0,
                                    "a global aggregate ends in one task", error);
    const char *reason =
        od_stage_reason(builder, "equal groups must meet", &fragment->root->schema, columns, group_count);
    return od_fragment_exchange(builder, fragment, OD_EXCHANGE_HASH, columns, group_count, reason, error);
}

static enum od_status aggregate_in_phases(struct od_stage_builder *builder, const struct od_plan *plan,
                                          struct od_fragment *fragment, struct od_error *error)
{
    uint32_t group_count = plan->aggregate.group_count;
    struct od_schema schema;
    uint32_t *columns = od_arena_take_array(builder->plan_arena, group_count, sizeof(*columns));
    if (columns == NULL)
        return od_stage_no_memory(error);
    for (uint32_t i = 0; i < group_count; i++)
        columns[i] = i;
    enum od_status status = partial_schema(builder, plan, &schema, error);
    if (status == OD_OK)
        status = put_aggregate(builder, plan, OD_AGGREGATE_PARTIAL, &schema, plan->aggregate.groups, fragment,
                               error);
    if (status == OD_OK)
        status = exchange_groups(builder, fragment, columns, group_count, error);
    if (status == OD_OK)
        status = put_aggregate(builder, plan, OD_AGGREGATE_FINAL, &plan->schema, NULL, fragment, error);
    builder->rules_fired |= UINT32_C(1) << OD_RULE_PARTIAL_AGGREGATION;
    return status; /* the fragment's keys are the groups, which come out first: they still hold */
}

static enum od_status aggregate_raw_rows(struct od_stage_builder *builder, const struct od_plan *plan,
                                         struct od_fragment *fragment, struct od_error *error)
{
    uint32_t group_count = plan->aggregate.group_count;
    uint32_t extra = 0;
    uint32_t *columns = od_arena_take_array(builder->plan_arena, group_count, sizeof(*columns));
    uint32_t *keys = od_arena_take_array(builder->plan_arena, group_count, sizeof(*keys));
    const struct od_expr **groups = od_arena_take_array(builder->plan_arena, group_count, sizeof(*groups));
    if (columns == NULL || keys == NULL || groups == NULL)
        return od_stage_no_memory(error);
    enum od_status status =
        od_fragment_columns(builder, fragment, plan->aggregate.groups, group_count, columns, &extra, error);
    for (uint32_t i = 0; i < group_count && status == OD_OK; i++) {
        keys[i] = i;
        status = od_expr_column(builder->plan_arena, &fragment->root->schema, columns[i], &groups[i], error);
    }
    if (status == OD_OK)
        status = exchange_groups(builder, fragment, columns, group_count, error);
    if (status == OD_OK)
        status = put_aggregate(builder, plan, OD_AGGREGATE_COMPLETE, &plan->schema, groups, fragment, error);
    fragment->key_count = group_count;
    fragment->keys = keys;
    return status;
}

enum od_status od_physical_aggregate(struct od_stage_builder *builder, const struct od_plan *plan,
                                     struct od_fragment *fragment, struct od_error *error)
{
    uint32_t key_count;
    const uint32_t *keys;
    enum od_status status = keys_among_groups(builder, plan, fragment, &key_count, &keys, error);
    if (status != OD_OK)
        return status;
    bool meets = key_count > 0 && od_rule_is_on(builder->options, OD_RULE_EXCHANGE_ELIMINATION);
    if (meets || od_fragment_is_single(builder, fragment)) {
        builder->rules_fired |= UINT32_C(1) << OD_RULE_EXCHANGE_ELIMINATION;
        fragment->key_count = key_count;
        fragment->keys = keys;
        return put_aggregate(builder, plan, OD_AGGREGATE_COMPLETE, &plan->schema, plan->aggregate.groups,
                             fragment, error);
    }
    if (od_rule_is_on(builder->options, OD_RULE_PARTIAL_AGGREGATION))
        return aggregate_in_phases(builder, plan, fragment, error);
    return aggregate_raw_rows(builder, plan, fragment, error);
}
