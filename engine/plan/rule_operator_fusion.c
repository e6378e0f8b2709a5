/* rule_operator_fusion: neighbouring filters and projects become one, and projects that say nothing go.
 *
 *   filter p (filter q (x))      filter q and p (x)        q is evaluated first, p only where q is true: unless q is never
 *                                                          NULL, a row with q NULL comes to p now, so p must not fail
 *   project e (project f (x))    project e(f) (x)          when nothing is computed twice, and no failure of f is lost
 *   project (all columns)        x                         under the same names */
#include "engine/plan/plan_rewrite.h"
#include "engine/plan/plan_table.h"
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

static enum od_status fuse_projects(const struct od_rule_context *context, const struct od_plan *plan, const struct od_plan **plan_out,
                                    struct od_error *error)
{
    const struct od_plan *inner = plan->inputs[0];
    struct od_plan draft = *plan;
    uint32_t width = inner->schema.field_count;
    OD_TAKE_LIST(uint32_t, uses, context->plan_arena, width, error);
    OD_TAKE_LIST(const struct od_expr *, exprs, context->plan_arena, plan->schema.field_count, error);
    od_plan_exprs(plan, count_uses, uses);
    for (uint32_t i = 0; i < width; i++) {
        const struct od_expr *expr = inner->rows.exprs[i];
        bool computed = expr->kind == OD_EXPR_CALL;
        if ((computed && uses[i] > 1) || (expr->may_fail && !(uses[i] == 1 && hands_on(plan, i))))
            return OD_OK;
    }
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        OD_TRY(od_expr_substitute(context->plan_arena, plan->rows.exprs[i], inner->rows.exprs, &exprs[i], error));
    draft.inputs[0] = inner->inputs[0];
    draft.rows.exprs = exprs;
    return od_plan_make(context->plan_arena, &draft, NULL, NULL, plan_out, error);
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

static enum od_status fuse(void *self, const struct od_plan *plan, const struct od_plan **plan_out,
                           struct od_error *error)
{
    const struct od_rule_context *context = self;
    const struct od_plan *input = plan->inputs[0];
    *plan_out = plan;
    if (plan->kind == OD_PLAN_PROJECT && says_nothing(plan)) {
            *plan_out = input;
    } else if (plan->kind == OD_PLAN_PROJECT && input->kind == OD_PLAN_PROJECT) {
        return fuse_projects(context, plan, plan_out, error);
    } else if (plan->kind == OD_PLAN_FILTER && input->kind == OD_PLAN_FILTER &&
               (!plan->filter.predicate->may_fail || !input->filter.predicate->nullable)) {
        const struct od_expr *both[2] = {input->filter.predicate, plan->filter.predicate};
        const struct od_expr *predicate = NULL;
            OD_TRY(od_expr_conjunction(context->plan_arena, both, 2, &predicate, error));
        return od_plan_filter(context->plan_arena, input->inputs[0], predicate, plan_out, error);
    }
    return OD_OK;
}

enum od_status od_rule_operator_fusion(const struct od_rule_context *context, const struct od_plan *plan,
                                       const struct od_plan **plan_out, bool *changed_out, struct od_error *error)
{
    struct od_plan_step step = {fuse, (void *)context};
    OD_TRY(od_plan_walk(context->plan_arena, plan, &step, plan_out, error));
    *changed_out = *plan_out != plan;
    return OD_OK;
}
