/* rule_projection_pruning: columns that nobody reads are dropped where they would come into being.
 *
 *   prune(node, needed)   needed[i]: does anybody above read output column i?
 *     -> a node that gives at least the needed columns, in their order, and where[i]: its place now
 *
 * A scan gives only what is read (at least one column: rows need one). A project or aggregate drops what is
 * not read, unless it may fail: its error is part of the answer. A SORT or LIMIT orders by the whole row, so
 * it reads everything. Below a join, what a node had to keep for itself is cut off by a project, so that it
 * is not shuffled. */
#include <string.h>

#include "engine/core/assert.h"
#include "engine/plan/rule.h"

struct pruning {
    const struct od_rule_context *context;
    bool changed;
};

struct pruned {
    const struct od_plan *plan;
    uint32_t *where; /* old column -> new column, or OD_FIELD_NONE */
};

static enum od_status prune(struct pruning *pruning, const struct od_plan *plan, const bool *needed,
                            struct pruned *pruned_out, struct od_error *error);

static enum od_status no_memory(struct od_error *error)
{
    return od_fail(error, OD_NO_MEMORY, "pruning columns");
}

static void *take(struct pruning *pruning, size_t count, size_t bytes)
{
    return od_arena_take_array(pruning->context->plan_arena, count, bytes);
}

static void mark_needed(void *needed, uint32_t column_index)
{
    ((bool *)needed)[column_index] = true;
}

static uint32_t count_needed(const bool *needed, uint32_t count)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += needed[i];
    return sum;
}

/* Old columns as expressions over the pruned plan, for od_expr_substitute. NULL: no memory. */
static enum od_status column_map(struct pruning *pruning, const struct pruned *pruned, uint32_t old_count,
                                 const struct od_expr ***map_out, struct od_error *error)
{
    enum od_status status = OD_OK;
    const struct od_expr **map = take(pruning, old_count, sizeof(*map));
    *map_out = map;
    if (map == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < old_count && status == OD_OK; i++)
        if (pruned->where[i] != OD_FIELD_NONE)
            status = od_expr_column(pruning->context->plan_arena, &pruned->plan->schema, pruned->where[i],
                                    &map[i], error);
    return status;
}

static enum od_status substitute_list(struct pruning *pruning, const struct od_expr *const *exprs,
                                      uint32_t count, const struct od_expr *const *map,
                                      const struct od_expr **list_out, struct od_error *error)
{
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < count && status == OD_OK; i++)
        status = od_expr_substitute(pruning->context->plan_arena, exprs[i], map, &list_out[i], error);
    return status;
}

/* Prunes an input for a reader that needs these columns and nothing else: what the input kept for itself is
 * cut off. */
static enum od_status prune_narrow(struct pruning *pruning, const struct od_plan *input, const bool *needed,
                                   struct pruned *pruned_out, struct od_error *error)
{
    uint32_t count = input->schema.field_count;
    uint32_t kept = 0;
    enum od_status status = prune(pruning, input, needed, pruned_out, error);
    if (status != OD_OK || count_needed(needed, count) == 0 ||
        pruned_out->plan->schema.field_count == count_needed(needed, count))
        return status;
    const struct od_expr **exprs = take(pruning, count, sizeof(*exprs));
    if (exprs == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < count && status == OD_OK; i++) {
        if (!needed[i]) {
            pruned_out->where[i] = OD_FIELD_NONE;
            continue;
        }
        status = od_expr_column(pruning->context->plan_arena, &pruned_out->plan->schema, pruned_out->where[i],
                                &exprs[kept], error);
        pruned_out->where[i] = kept++;
    }
    pruning->changed = true;
    if (status == OD_OK)
        status = od_plan_project(pruning->context->plan_arena, pruned_out->plan, exprs, NULL, kept,
                                 &pruned_out->plan, error);
    return status;
}

static enum od_status prune_scan(struct pruning *pruning, const struct od_plan *plan, const bool *needed,
                                 struct pruned *pruned_out, struct od_error *error)
{
    uint32_t kept = 0;
    bool nothing = count_needed(needed, plan->schema.field_count) == 0;
    uint32_t *columns = take(pruning, plan->schema.field_count, sizeof(*columns));
    if (columns == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < plan->schema.field_count; i++) {
        bool keep = needed[i] || (nothing && i == 0);
        pruned_out->where[i] = keep ? kept : OD_FIELD_NONE;
        if (keep)
            columns[kept++] = plan->scan.columns[i];
    }
    if (kept == plan->schema.field_count)
        return OD_OK;
    pruning->changed = true;
    return od_plan_scan(pruning->context->plan_arena, plan->scan.table, columns, kept, &pruned_out->plan,
                        error);
}

static enum od_status prune_filter(struct pruning *pruning, const struct od_plan *plan, const bool *needed,
                                   struct pruned *pruned_out, struct od_error *error)
{
    uint32_t count = plan->schema.field_count;
    const struct od_expr **map = NULL;
    const struct od_expr *predicate = NULL;
    struct pruned input = {0};
    bool *inner = take(pruning, count, sizeof(*inner));
    if (inner == NULL)
        return no_memory(error);
    memcpy(inner, needed, count * sizeof(*inner));
    od_expr_columns(plan->filter.predicate, mark_needed, inner);
    enum od_status status = prune(pruning, plan->inputs[0], inner, &input, error);
    if (status == OD_OK)
        status = column_map(pruning, &input, count, &map, error);
    if (status == OD_OK)
        status =
            od_expr_substitute(pruning->context->plan_arena, plan->filter.predicate, map, &predicate, error);
    if (status == OD_OK)
        status =
            od_plan_filter(pruning->context->plan_arena, input.plan, predicate, &pruned_out->plan, error);
    pruned_out->where = input.where;
    return status;
}

static enum od_status prune_project(struct pruning *pruning, const struct od_plan *plan, const bool *needed,
                                    struct pruned *pruned_out, struct od_error *error)
{
    uint32_t count = plan->schema.field_count;
    uint32_t kept = 0;
    const struct od_expr **map = NULL;
    struct pruned input = {0};
    const struct od_expr **exprs = take(pruning, count, sizeof(*exprs));
    const char **names = take(pruning, count, sizeof(*names));
    bool *inner = take(pruning, plan->inputs[0]->schema.field_count, sizeof(*inner));
    if (exprs == NULL || names == NULL || inner == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        bool last_chance = kept == 0 && i == count - 1;
        bool keep = needed[i] || plan->project.exprs[i]->may_fail || last_chance;
        pruned_out->where[i] = keep ? kept : OD_FIELD_NONE;
        if (!keep)
            continue;
        od_expr_columns(plan->project.exprs[i], mark_needed, inner);
        exprs[kept] = plan->project.exprs[i];
        names[kept++] = plan->schema.fields[i].name;
    }
    pruning->changed |= kept < count;
    enum od_status status = prune(pruning, plan->inputs[0], inner, &input, error);
    if (status == OD_OK)
        status = column_map(pruning, &input, plan->inputs[0]->schema.field_count, &map, error);
    if (status == OD_OK)
        status = substitute_list(pruning, exprs, kept, map, exprs, error);
    if (status == OD_OK)
        status = od_plan_project(pruning->context->plan_arena, input.plan, exprs, names, kept,
                                 &pruned_out->plan, error);
    return status;
}

static enum od_status prune_join(struct pruning *pruning, const struct od_plan *plan, const bool *needed,
                                 struct pruned *pruned_out, struct od_error *error)
{
    uint32_t left_count = plan->inputs[0]->schema.field_count;
    uint32_t count = plan->schema.field_count;
    struct pruned left = {0};
    struct pruned right = {0};
    struct od_schema schema = {0};
    const struct od_expr *condition = NULL;
    bool *inner = take(pruning, count, sizeof(*inner));
    const struct od_expr **map = take(pruning, count, sizeof(*map));
    if (inner == NULL || map == NULL)
        return no_memory(error);
    memcpy(inner, needed, count * sizeof(*inner));
    od_expr_columns(plan->join.condition, mark_needed, inner);
    enum od_status status = prune_narrow(pruning, plan->inputs[0], inner, &left, error);
    if (status == OD_OK)
        status = prune_narrow(pruning, plan->inputs[1], inner + left_count, &right, error);
    if (status == OD_OK)
        status = od_plan_join_schema(pruning->context->plan_arena, left.plan, right.plan, &schema, error);
    for (uint32_t i = 0; i < count && status == OD_OK; i++) {
        uint32_t where = i < left_count ? left.where[i] : right.where[i - left_count];
        if (i >= left_count && where != OD_FIELD_NONE)
            where += left.plan->schema.field_count;
        pruned_out->where[i] = where;
        if (where != OD_FIELD_NONE)
            status = od_expr_column(pruning->context->plan_arena, &schema, where, &map[i], error);
    }
    if (status == OD_OK)
        status =
            od_expr_substitute(pruning->context->plan_arena, plan->join.condition, map, &condition, error);
    if (status == OD_OK)
        status = od_plan_join(pruning->context->plan_arena, plan->join.type, left.plan, right.plan, condition,
                              &pruned_out->plan, error);
    return status;
}

/* Which aggregates stay; their arguments' columns, and the groups', are needed below. */
static uint32_t keep_aggregates(const struct od_plan *plan, const bool *needed,
                                struct od_aggregate *aggregates, uint32_t *where, bool *inner)
{
    uint32_t group_count = plan->aggregate.group_count;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < group_count; i++) {
        where[i] = i;
        od_expr_columns(plan->aggregate.groups[i], mark_needed, inner);
    }
    for (uint32_t i = 0; i < plan->aggregate.aggregate_count; i++) {
        const struct od_aggregate *aggregate = &plan->aggregate.aggregates[i];
        bool may_fail = od_aggregate_may_fail(aggregate->function) ||
                        (aggregate->argument != NULL && aggregate->argument->may_fail);
        bool last_chance = group_count + kept == 0 && i == plan->aggregate.aggregate_count - 1;
        bool keep = needed[group_count + i] || may_fail || last_chance;
        where[group_count + i] = keep ? group_count + kept : OD_FIELD_NONE;
        if (!keep)
            continue;
        aggregates[kept++] = *aggregate;
        if (aggregate->argument != NULL)
            od_expr_columns(aggregate->argument, mark_needed, inner);
    }
    return kept;
}

static enum od_status prune_aggregate(struct pruning *pruning, const struct od_plan *plan, const bool *needed,
                                      struct pruned *pruned_out, struct od_error *error)
{
    const struct od_plan *old_input = plan->inputs[0];
    uint32_t group_count = plan->aggregate.group_count;
    struct pruned input = {0};
    const struct od_expr **map = NULL;
    struct od_aggregate *aggregates = take(pruning, plan->aggregate.aggregate_count, sizeof(*aggregates));
    const struct od_expr **groups = take(pruning, group_count, sizeof(*groups));
    const char **names = take(pruning, group_count, sizeof(*names));
    bool *inner = take(pruning, old_input->schema.field_count, sizeof(*inner));
    if (aggregates == NULL || groups == NULL || names == NULL || inner == NULL)
        return no_memory(error);
    uint32_t kept = keep_aggregates(plan, needed, aggregates, pruned_out->where, inner);
    pruning->changed |= kept < plan->aggregate.aggregate_count;
    for (uint32_t i = 0; i < group_count; i++)
        names[i] = plan->schema.fields[i].name;
    /* raw rows cross the exchange when partial aggregation is off: then what they carry matters */
    bool raw = !od_rule_is_on(pruning->context->options, OD_RULE_PARTIAL_AGGREGATION);
    enum od_status status = raw ? prune_narrow(pruning, old_input, inner, &input, error)
                                : prune(pruning, old_input, inner, &input, error);
    if (status == OD_OK)
        status = column_map(pruning, &input, old_input->schema.field_count, &map, error);
    if (status == OD_OK)
        status = substitute_list(pruning, plan->aggregate.groups, group_count, map, groups, error);
    for (uint32_t i = 0; i < kept && status == OD_OK; i++)
        if (aggregates[i].argument != NULL)
            status = od_expr_substitute(pruning->context->plan_arena, aggregates[i].argument, map,
                                        &aggregates[i].argument, error);
    if (status == OD_OK)
        status = od_plan_aggregate(pruning->context->plan_arena, input.plan, groups, names, group_count,
                                   aggregates, kept, &pruned_out->plan, error);
    return status;
}

/* SORT and LIMIT: every column takes part in the order, so all are needed and all keep their places. */
static enum od_status prune_order(struct pruning *pruning, const struct od_plan *plan,
                                  struct pruned *pruned_out, struct od_error *error)
{
    uint32_t count = plan->schema.field_count;
    struct pruned input = {0};
    bool *all = take(pruning, count, sizeof(*all));
    if (all == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        all[i] = true;
        pruned_out->where[i] = i;
    }
    enum od_status status = prune_narrow(pruning, plan->inputs[0], all, &input, error);
    if (status != OD_OK)
        return status;
    od_assert(input.plan->schema.field_count == count);
    if (plan->kind == OD_PLAN_SORT)
        return od_plan_sort(pruning->context->plan_arena, input.plan, plan->sort.keys, plan->sort.key_count,
                            &pruned_out->plan, error);
    return od_plan_limit(pruning->context->plan_arena, input.plan, plan->limit.offset, plan->limit.count,
                         &pruned_out->plan, error);
}

static enum od_status prune(struct pruning *pruning, const struct od_plan *plan, const bool *needed,
                            struct pruned *pruned_out, struct od_error *error)
{
    pruned_out->plan = plan;
    pruned_out->where = take(pruning, plan->schema.field_count, sizeof(*pruned_out->where));
    if (pruned_out->where == NULL)
        return no_memory(error);
    switch (plan->kind) {
    case OD_PLAN_SCAN:
        return prune_scan(pruning, plan, needed, pruned_out, error);
    case OD_PLAN_FILTER:
        return prune_filter(pruning, plan, needed, pruned_out, error);
    case OD_PLAN_PROJECT:
        return prune_project(pruning, plan, needed, pruned_out, error);
    case OD_PLAN_JOIN:
        return prune_join(pruning, plan, needed, pruned_out, error);
    case OD_PLAN_AGGREGATE:
        return prune_aggregate(pruning, plan, needed, pruned_out, error);
    case OD_PLAN_SORT:
    case OD_PLAN_LIMIT:
        return prune_order(pruning, plan, pruned_out, error);
    default:
        od_unreachable();
    }
}

enum od_status od_rule_projection_pruning(const struct od_rule_context *context, const struct od_plan *plan,
                                          const struct od_plan **plan_out, bool *changed_out,
                                          struct od_error *error)
{
    struct pruning pruning = {.context = context};
    struct pruned pruned = {0};
    uint32_t count = plan->schema.field_count;
    bool *all = take(&pruning, count, sizeof(*all));
    *plan_out = NULL;
    if (all == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < count; i++)
        all[i] = true;
    enum od_status status = prune_narrow(&pruning, plan, all, &pruned, error);
    for (uint32_t i = 0; i < count && status == OD_OK; i++)
        od_assert(pruned.where[i] == i);
    *plan_out = pruned.plan;
    *changed_out = pruning.changed;
    return status;
}
