/* rule_operator_fusion: neighbouring filters and projects become one, and projects that say nothing go.
 *
 *   filter p (filter q (x))      filter q and p (x)        q is evaluated first, p only where q is true: unless q is never
 *                                                          NULL, a row with q NULL comes to p now, so p must not fail
 *   project e (project f (x))    project e(f) (x)          when nothing is computed twice, and no failure of f is lost
 *   project (all columns)        x                         under the same names */
#include "engine/plan/rule.h"

#include <string.h>

static void count_uses(void *self, const struct od_expr *expr)
{
    uint32_t *uses = self;
    if (expr->kind == OD_EXPR_COLUMN)
        uses[expr->column_index]++;
    for (uint32_t i = 0; expr->kind == OD_EXPR_CALL && i < expr->argument_count; i++)
        count_uses(uses, expr->arguments[i]);
}

/* Does one of the node's expressions hand the column on as it is? */
static bool hands_on(const struct od_plan *project, uint32_t column)
{
    for (uint32_t i = 0; i < project->schema.field_count; i++)
        if (project->rows.exprs[i]->kind == OD_EXPR_COLUMN && project->rows.exprs[i]->column_index == column)
            return true;
    return false;
}

static const struct od_plan *fuse_projects(struct od_maker *make, const struct od_plan *plan)
{
    const struct od_plan *inner = plan->inputs[0];
    uint32_t width = inner->schema.field_count;
    OD_NEW_LIST(uint32_t, uses, make, width);
    OD_NEW_LIST(const struct od_expr *, exprs, make, plan->schema.field_count);
    od_plan_exprs(plan, count_uses, uses);
    for (uint32_t i = 0; i < width; i++) {
        const struct od_expr *expr = inner->rows.exprs[i];
        bool computed = expr->kind == OD_EXPR_CALL;
        if ((computed && uses[i] > 1) || (expr->may_fail && !(uses[i] == 1 && hands_on(plan, i))))
            return plan;
    }
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        exprs[i] = od_new_substitute(make, plan->rows.exprs[i], inner->rows.exprs);
    return od_new_project(make, inner->inputs[0], exprs, &plan->schema);
}

static bool says_nothing(const struct od_plan *project)
{
    const struct od_schema *input = &project->inputs[0]->schema;
    if (project->schema.field_count != input->field_count)
        return false;
    for (uint32_t i = 0; i < input->field_count; i++)
        if (project->rows.exprs[i]->kind != OD_EXPR_COLUMN || project->rows.exprs[i]->column_index != i ||
            strcmp(project->schema.fields[i].name, input->fields[i].name) != 0)
            return false;
    return true;
}

const struct od_plan *od_step_operator_fusion(void *make, const struct od_plan *plan)
{
    const struct od_plan *input = plan->inputs[0];
    if (plan->kind == OD_PLAN_PROJECT && says_nothing(plan))
        return input;
    if (plan->kind == OD_PLAN_PROJECT && input->kind == OD_PLAN_PROJECT)
        return fuse_projects(make, plan);
    if (plan->kind != OD_PLAN_FILTER || input->kind != OD_PLAN_FILTER ||
        (plan->filter.predicate->may_fail && input->filter.predicate->nullable))
        return plan;
    const struct od_expr *both[2] = {input->filter.predicate, plan->filter.predicate};
    return od_new_filter(make, input->inputs[0], od_new_conjunction(make, both, 2));
}
