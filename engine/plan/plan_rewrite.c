/* plan_rewrite: nodes are rebuilt through the builders of logical.h, so that types and schemas are checked
 * again. Names are handed over from the old node: a rule never changes what a column is called. */
#include "engine/plan/plan_rewrite.h"

#include "engine/core/assert.h"

static enum od_status no_memory(struct od_error *error)
{
    return od_fail(error, OD_NO_MEMORY, "rewriting a plan");
}

static enum od_status rewrite_list(struct od_arena *plan_arena, const struct od_expr_rewriter *rewriter,
                                   const struct od_expr *const *list, uint32_t count,
                                   const struct od_expr ***list_out, bool *changed, struct od_error *error)
{
    const struct od_expr **copy = od_arena_take_array(plan_arena, count, sizeof(*copy));
    *list_out = copy;
    if (copy == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        enum od_status status = rewriter->rewrite(rewriter->self, list[i], &copy[i], error);
        if (status != OD_OK)
            return status;
        od_assert(copy[i]->type == list[i]->type);
        *changed |= copy[i] != list[i];
    }
    return OD_OK;
}

static const char **names_of(struct od_arena *plan_arena, const struct od_schema *schema, uint32_t count)
{
    const char **names = od_arena_take_array(plan_arena, count, sizeof(*names));
    for (uint32_t i = 0; i < count && names != NULL; i++)
        names[i] = schema->fields[i].name;
    return names;
}

static enum od_status rewrite_project(struct od_arena *plan_arena, const struct od_plan *plan,
                                      const struct od_plan *input, const struct od_expr_rewriter *rewriter,
                                      bool changed, const struct od_plan **plan_out, struct od_error *error)
{
    uint32_t count = plan->schema.field_count;
    const struct od_expr **exprs = NULL;
    enum od_status status =
        rewrite_list(plan_arena, rewriter, plan->project.exprs, count, &exprs, &changed, error);
    *plan_out = plan;
    if (status != OD_OK || !changed)
        return status;
    const char **names = names_of(plan_arena, &plan->schema, count);
    if (names == NULL)
        return no_memory(error);
    return od_plan_project(plan_arena, input, exprs, names, count, plan_out, error);
}

static enum od_status rewrite_aggregate(struct od_arena *plan_arena, const struct od_plan *plan,
                                        const struct od_plan *input, const struct od_expr_rewriter *rewriter,
                                        bool changed, const struct od_plan **plan_out, struct od_error *error)
{
    uint32_t group_count = plan->aggregate.group_count;
    uint32_t count = plan->aggregate.aggregate_count;
    const struct od_expr **groups = NULL;
    struct od_aggregate *aggregates = od_arena_take_array(plan_arena, count, sizeof(*aggregates));
    *plan_out = plan;
    if (aggregates == NULL)
        return no_memory(error);
    enum od_status status =
        rewrite_list(plan_arena, rewriter, plan->aggregate.groups, group_count, &groups, &changed, error);
    for (uint32_t i = 0; i < count && status == OD_OK; i++) {
        aggregates[i] = plan->aggregate.aggregates[i];
        if (aggregates[i].argument == NULL)
            continue;
        status = rewriter->rewrite(rewriter->self, aggregates[i].argument, &aggregates[i].argument, error);
        changed |= aggregates[i].argument != plan->aggregate.aggregates[i].argument;
    }
    if (status != OD_OK || !changed)
        return status;
    const char **names = names_of(plan_arena, &plan->schema, group_count);
    if (names == NULL)
        return no_memory(error);
    return od_plan_aggregate(plan_arena, input, groups, names, group_count, aggregates, count, plan_out,
                             error);
}

static enum od_status rewrite_sort(struct od_arena *plan_arena, const struct od_plan *plan,
                                   const struct od_plan *input, const struct od_expr_rewriter *rewriter,
                                   bool changed, const struct od_plan **plan_out, struct od_error *error)
{
    struct od_sort_key *keys = od_arena_take_array(plan_arena, plan->sort.key_count, sizeof(*keys));
    enum od_status status = OD_OK;
    *plan_out = plan;
    if (keys == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < plan->sort.key_count && status == OD_OK; i++) {
        keys[i] = plan->sort.keys[i];
        status = rewriter->rewrite(rewriter->self, keys[i].expr, &keys[i].expr, error);
        changed |= keys[i].expr != plan->sort.keys[i].expr;
    }
    if (status != OD_OK || !changed)
        return status;
    return od_plan_sort(plan_arena, input, keys, plan->sort.key_count, plan_out, error);
}

enum od_status od_plan_with_exprs(struct od_arena *plan_arena, const struct od_plan *plan,
                                  const struct od_plan *const *inputs,
                                  const struct od_expr_rewriter *rewriter, const struct od_plan **plan_out,
                                  struct od_error *error)
{
    bool changed = false;
    const struct od_expr *expr = NULL;
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < plan->input_count; i++)
        changed |= inputs[i] != plan->inputs[i];
    *plan_out = plan;
    switch (plan->kind) {
    case OD_PLAN_SCAN:
        return OD_OK;
    case OD_PLAN_FILTER:
        status = rewriter->rewrite(rewriter->self, plan->filter.predicate, &expr, error);
        if (status != OD_OK || (!changed && expr == plan->filter.predicate))
            return status;
        return od_plan_filter(plan_arena, inputs[0], expr, plan_out, error);
    case OD_PLAN_PROJECT:
        return rewrite_project(plan_arena, plan, inputs[0], rewriter, changed, plan_out, error);
    case OD_PLAN_JOIN:
        status = rewriter->rewrite(rewriter->self, plan->join.condition, &expr, error);
        if (status != OD_OK || (!changed && expr == plan->join.condition))
            return status;
        return od_plan_join(plan_arena, plan->join.type, inputs[0], inputs[1], expr, plan_out, error);
    case OD_PLAN_AGGREGATE:
        return rewrite_aggregate(plan_arena, plan, inputs[0], rewriter, changed, plan_out, error);
    case OD_PLAN_SORT:
        return rewrite_sort(plan_arena, plan, inputs[0], rewriter, changed, plan_out, error);
    case OD_PLAN_LIMIT:
        if (!changed)
            return OD_OK;
        return od_plan_limit(plan_arena, inputs[0], plan->limit.offset, plan->limit.count, plan_out, error);
    case OD_PLAN_KIND_COUNT:
        break;
    }
    od_unreachable();
}

static enum od_status keep_expr(void *self, const struct od_expr *expr, const struct od_expr **expr_out,
                                struct od_error *error)
{
    (void)self;
    (void)error;
    *expr_out = expr;
    return OD_OK;
}

enum od_status od_plan_with_inputs(struct od_arena *plan_arena, const struct od_plan *plan,
                                   const struct od_plan *const *inputs, const struct od_plan **plan_out,
                                   struct od_error *error)
{
    struct od_expr_rewriter keeper = {.rewrite = keep_expr};
    return od_plan_with_exprs(plan_arena, plan, inputs, &keeper, plan_out, error);
}
