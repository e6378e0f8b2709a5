/* rule_limit_pushdown: who wants only the first rows should not be given all of them.
 *
 *   limit n offset m (sort (a union all b))  =  limit n offset m (sort (limit n+m (sort a) union all limit n+m (sort b)))
 *   limit n offset m (sort (limit k (sort x)))  stays: the inner one has counted in another order
 *
 * The order is total, so the first n + m rows of the union are among the first n + m of its inputs. Names of the right input
 * may differ; keys are by number. Sort keys that may fail would be computed for the same rows, but for those of the inner limits
 * twice: that neither adds nor loses an error. */
#include "engine/plan/rule.h"

/* The first `rows` of `input` by the limit's keys; the input itself if it has no more. */
static const struct od_plan *limit_input(struct od_maker *make, const struct od_plan *limit, const struct od_plan *input)
{
    const struct od_plan *sort = limit->inputs[0];
    uint64_t rows = limit->limit.offset + limit->limit.count;
    if (input->kind == OD_PLAN_LIMIT && input->limit.count <= rows)
        return input;
    struct od_plan first = {.kind = OD_PLAN_LIMIT, .limit = {0, rows}};
    first.inputs[0] = od_new_from(make, sort, &input, NULL);
    const struct od_plan *made = od_new_plan(make, &first);
    return made == NULL ? NULL : od_step_limit_pushdown(make, made);
}

const struct od_plan *od_step_limit_pushdown(void *self, const struct od_plan *plan)
{
    struct od_maker *make = self;
    const struct od_plan *sort = plan->inputs[0];
    if (plan->kind != OD_PLAN_LIMIT || plan->limit.count > UINT32_MAX || plan->limit.offset > UINT32_MAX ||
        sort->kind != OD_PLAN_SORT || sort->inputs[0]->kind != OD_PLAN_UNION)
        return plan;
    const struct od_plan *both = sort->inputs[0];
    const struct od_plan *inputs[2] = {limit_input(make, plan, both->inputs[0]), limit_input(make, plan, both->inputs[1])};
    inputs[0] = od_new_from(make, both, inputs, NULL);
    inputs[0] = od_new_from(make, sort, inputs, NULL);
    return od_new_from(make, plan, inputs, NULL);
}
