/* rule_limit_pushdown: who wants only the first rows should not be given all of them.
 *
 *   limit n offset m (sort (a union all b))  =  limit n offset m (sort (limit n+m (sort a) union all limit n+m (sort b)))
 *   limit n offset m (sort (limit k (sort x)))  stays: the inner one has counted in another order
 *
 * The order is total, so the first n + m rows of the union are among the first n + m of its inputs. Names of the right input
 * may differ; keys are by number. Sort keys that may fail would be computed for the same rows, but for those of the inner limits
 * twice: that neither adds nor loses an error. */
#include "engine/plan/plan_rewrite.h"
#include "engine/plan/plan_table.h"
#include "engine/plan/rule.h"

static enum od_status limit_input(const struct od_rule_context *context, const struct od_plan *limit, const struct od_plan **input,
                                  struct od_error *error)
{
    const struct od_plan *sort = limit->inputs[0];
    uint64_t rows = limit->limit.offset + limit->limit.count;
    if ((*input)->kind == OD_PLAN_LIMIT && (*input)->limit.count <= rows)
        return OD_OK;
    OD_TRY(od_plan_sort(context->plan_arena, *input, sort->sort.keys, sort->sort.key_count, input, error));
    return od_plan_limit(context->plan_arena, *input, 0, rows, input, error);
}

static enum od_status lower_limit(void *self, const struct od_plan *plan, const struct od_plan **plan_out,
                                  struct od_error *error)
{
    const struct od_rule_context *context = self;
    *plan_out = plan;
    if (plan->kind != OD_PLAN_LIMIT || plan->limit.count > UINT32_MAX || plan->limit.offset > UINT32_MAX)
        return OD_OK;
    const struct od_plan *sort = plan->inputs[0];
    const struct od_plan *inputs[2] = {sort->inputs[0]};
    if (sort->kind != OD_PLAN_SORT || inputs[0]->kind != OD_PLAN_UNION)
        return OD_OK;
    struct od_plan draft = *inputs[0];
    for (uint32_t i = 0; i < 2; i++)
        OD_TRY(limit_input(context, plan, &draft.inputs[i], error));
    if (draft.inputs[0] == inputs[0]->inputs[0] && draft.inputs[1] == inputs[0]->inputs[1])
        return OD_OK;
    OD_TRY(od_plan_make(context->plan_arena, &draft, NULL, NULL, &inputs[0], error));
    OD_TRY(od_plan_rebuild(context->plan_arena, sort, inputs, NULL, &inputs[0], error));
    return od_plan_rebuild(context->plan_arena, plan, inputs, NULL, plan_out, error);
}

/* From the root down, so that a union of unions is reached from above: each round goes one union deeper. */
enum od_status od_rule_limit_pushdown(const struct od_rule_context *context, const struct od_plan *plan,
                                      const struct od_plan **plan_out, bool *changed_out, struct od_error *error)
{
    struct od_plan_step step = {lower_limit, (void *)context};
    const struct od_plan *before = NULL;
    *plan_out = plan;
    for (uint32_t round = 0; round < 8 && *plan_out != before; round++) {
        before = *plan_out;
        OD_TRY(od_plan_walk(context->plan_arena, before, &step, plan_out, error));
    }
    *changed_out = *plan_out != plan;
    return OD_OK;
}
