/* input_order: see input_order.h. */
#include "engine/plan/input_order.h"

struct mapping {
    const struct od_expr *const *map; /* input column -> output column, NULL where there is none */
    bool complete;
};

static void note_column(void *self, uint32_t column_index)
{
    struct mapping *mapping = self;
    mapping->complete = mapping->complete && mapping->map[column_index] != NULL;
}

/* Which output column of the project shows an input column as it is: the first one. */
static enum od_status map_columns(struct od_arena *plan_arena, const struct od_plan *project,
                                  const struct od_expr **map, struct od_error *error)
{
    for (uint32_t i = 0; i < project->schema.field_count; i++) {
        const struct od_expr *expr = project->rows.exprs[i];
        if (expr->kind != OD_EXPR_COLUMN || map[expr->column_index] != NULL)
            continue;
        enum od_status status =
            od_expr_column(plan_arena, &project->schema, i, &map[expr->column_index], error);
        if (status != OD_OK)
            return status;
    }
    return OD_OK;
}

/* Keys of the project's input, in its output columns; from the first that can't be said so, the order is lost. */
static enum od_status through_project(struct od_arena *plan_arena, const struct od_plan *project,
                                      const struct od_sort_key **keys, uint32_t *count, struct od_error *error)
{
    uint32_t width = project->inputs[0]->schema.field_count;
    OD_TAKE_LIST(const struct od_expr *, map, plan_arena, width, error);
    OD_TAKE_LIST(struct od_sort_key, mapped, plan_arena, *count, error);
    enum od_status status = map_columns(plan_arena, project, map, error);
    uint32_t kept = 0;
    for (; kept < *count && status == OD_OK; kept++) {
        struct mapping mapping = {.map = map, .complete = true};
        od_expr_columns((*keys)[kept].expr, note_column, &mapping);
        if (!mapping.complete)
            break;
        mapped[kept] = (*keys)[kept];
        status = od_expr_substitute(plan_arena, (*keys)[kept].expr, map, &mapped[kept].expr, error);
    }
    *keys = mapped;
    *count = kept;
    return status;
}

enum od_status od_plan_input_order(struct od_arena *plan_arena, const struct od_plan *plan,
                                   const struct od_sort_key **keys_out, uint32_t *count_out, struct od_error *error)
{
    enum od_status status = OD_OK;
    *keys_out = NULL;
    *count_out = 0;
    switch (plan->kind) {
    case OD_PLAN_SORT:
        *keys_out = plan->sort.keys;
        *count_out = plan->sort.key_count;
        return OD_OK;
    case OD_PLAN_FILTER:
    case OD_PLAN_LIMIT:
        return od_plan_input_order(plan_arena, plan->inputs[0], keys_out, count_out, error);
    case OD_PLAN_PROJECT:
        status = od_plan_input_order(plan_arena, plan->inputs[0], keys_out, count_out, error);
        return status == OD_OK && *count_out > 0 ? through_project(plan_arena, plan, keys_out, count_out, error)
                                                 : status;
    default:
        return OD_OK;
    }
}
