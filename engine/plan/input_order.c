/* input_order: see input_order.h. */
#include "engine/plan/input_order.h"

/* Does each column that it reads come out? */
static bool is_mapped(const struct od_expr *expr, const struct od_expr *const *map)
{
    bool mapped = expr->kind != OD_EXPR_COLUMN || map[expr->column_index] != NULL;
    for (uint32_t i = 0; expr->kind == OD_EXPR_CALL && i < expr->argument_count && mapped; i++)
        mapped = is_mapped(expr->arguments[i], map);
    return mapped;
}

/* Keys of the project's input, in its output columns (the first that shows the input's as it is); from the first that can't be said
 * so, the order is lost. */
static enum od_status through_project(struct od_arena *plan_arena, const struct od_plan *project,
                                      const struct od_sort_key **keys, uint32_t *count, struct od_error *error)
{
    OD_TAKE_LIST(const struct od_expr *, map, plan_arena, project->inputs[0]->schema.field_count, error);
    OD_TAKE_LIST(struct od_sort_key, mapped, plan_arena, *count, error);
    for (uint32_t i = 0; i < project->schema.field_count; i++) {
        const struct od_expr *expr = project->rows.exprs[i];
        if (expr->kind == OD_EXPR_COLUMN && map[expr->column_index] == NULL)
            OD_TRY(od_expr_column(plan_arena, &project->schema, i, &map[expr->column_index], error));
    }
    uint32_t kept = 0;
    for (; kept < *count && is_mapped((*keys)[kept].expr, map); kept++) {
        mapped[kept] = (*keys)[kept];
        OD_TRY(od_expr_substitute(plan_arena, (*keys)[kept].expr, map, &mapped[kept].expr, error));
    }
    *keys = mapped;
    *count = kept;
    return OD_OK;
}

enum od_status od_plan_input_order(struct od_arena *plan_arena, const struct od_plan *plan,
                                   const struct od_sort_key **keys_out, uint32_t *count_out, struct od_error *error)
{
    *keys_out = NULL;
    *count_out = 0;
    switch (plan->kind) {
    case OD_PLAN_SORT:
        *keys_out = plan->sort.keys;
        *count_out = plan->sort.key_count;
        return OD_OK;
    case OD_PLAN_FILTER:
    case OD_PLAN_LIMIT:
    case OD_PLAN_KEEP:
        return od_plan_input_order(plan_arena, plan->inputs[0], keys_out, count_out, error);
    case OD_PLAN_PROJECT:
        OD_TRY(od_plan_input_order(plan_arena, plan->inputs[0], keys_out, count_out, error));
        return *count_out > 0 ? through_project(plan_arena, plan, keys_out, count_out, error) : OD_OK;
    default:
        return OD_OK;
    }
}
