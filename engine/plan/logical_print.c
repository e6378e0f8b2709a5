/* logical_print: a plan as indented text, one node a line, the root first, inputs two columns further in. */
#include "engine/plan/clause_print.h"

#define ROWS_SHOWN        16  /* of VALUES: a file may insert many thousands */
#define JOIN_FIELDS_NAMED 512 /* wider joins print columns as numbers */

/* " (a, b): (1, 2), (3, 4)" */
static void print_rows(const struct od_plan *plan, const struct od_schema *input, struct od_buffer *buffer)
{
    uint32_t width = plan->schema.field_count;
    uint32_t shown = plan->rows.row_count > ROWS_SHOWN ? ROWS_SHOWN : plan->rows.row_count;
    od_buffer_append_text(buffer, " (");
    od_clause_names(&plan->schema, buffer);
    od_buffer_append_text(buffer, shown == 0 ? ") no rows" : ")");
    for (uint32_t row = 0; row < shown; row++) {
        od_buffer_append_text(buffer, row > 0 ? ", (" : ": (");
        od_clause_exprs(plan->rows.exprs + (size_t)row * width, NULL, width, input, buffer);
        od_buffer_append_text(buffer, ")");
    }
    if (shown < plan->rows.row_count)
        od_buffer_print(buffer, " ... %u rows", plan->rows.row_count);
}

/* A join's condition names its columns as left ++ right, whatever comes out; the two are in no schema for a SEMI join. */
static void print_join(const struct od_plan *plan, struct od_buffer *buffer)
{
    const struct od_schema *left = &plan->inputs[0]->schema;
    const struct od_schema *right = &plan->inputs[1]->schema;
    struct od_field fields[JOIN_FIELDS_NAMED];
    struct od_schema both = {left->field_count + right->field_count, fields};
    bool named = both.field_count <= JOIN_FIELDS_NAMED;
    for (uint32_t i = 0; i < both.field_count && named; i++)
        fields[i] = i < left->field_count ? left->fields[i] : right->fields[i - left->field_count];
    od_buffer_print(buffer, " %s on ", od_join_type_text(plan->join.type));
    od_expr_print(plan->join.condition, named ? &both : NULL, buffer);
}

bool od_plan_print_node(const struct od_plan *plan, struct od_buffer *buffer)
{
    const struct od_schema *input = plan->input_count > 0 ? &plan->inputs[0]->schema : NULL;
    od_buffer_append_text(buffer, od_plan_kind_text(plan->kind));
    switch (plan->kind) {
    case OD_PLAN_SCAN:
        od_clause_scan(&plan->scan, &plan->schema, buffer);
        break;
    case OD_PLAN_FILTER:
        od_buffer_append_text(buffer, " ");
        od_expr_print(plan->filter.predicate, input, buffer);
        break;
    case OD_PLAN_PROJECT:
        od_buffer_append_text(buffer, " ");
        od_clause_exprs(plan->rows.exprs, plan->schema.fields, plan->schema.field_count, input, buffer);
        break;
    case OD_PLAN_JOIN:
    case OD_PLAN_APPLY:
        print_join(plan, buffer);
        break;
    case OD_PLAN_AGGREGATE:
        od_clause_groups(plan->aggregate.groups, plan->schema.fields, plan->aggregate.group_count,
                         plan->aggregate.aggregates, plan->aggregate.aggregate_count, input, buffer);
        break;
    case OD_PLAN_SORT:
        od_buffer_append_text(buffer, " by ");
        od_clause_sort_keys(plan->sort.keys, plan->sort.key_count, input, buffer);
        break;
    case OD_PLAN_LIMIT:
        od_clause_limit(&plan->limit, buffer);
        break;
    case OD_PLAN_VALUES:
    case OD_PLAN_EXPAND:
        print_rows(plan, input, buffer);
        break;
    case OD_PLAN_WINDOW:
        od_clause_window(&plan->window, input, buffer);
        break;
    case OD_PLAN_MAP:
        od_buffer_print(buffer, " %s", plan->map.function->name);
        break;
    case OD_PLAN_REPARTITION:
        od_buffer_append_text(buffer, " by ");
        od_clause_exprs(plan->repartition.keys, NULL, plan->repartition.key_count, input, buffer);
        break;
    case OD_PLAN_UNION:
    case OD_PLAN_KIND_COUNT:
        break;
    }
    return !buffer->failed;
}

static void print_tree(const struct od_plan *plan, uint32_t depth, struct od_buffer *buffer)
{
    od_buffer_print(buffer, "%*s", (int)(2 * depth), "");
    od_plan_print_node(plan, buffer);
    od_buffer_append_text(buffer, "\n");
    for (uint32_t i = 0; i < plan->input_count; i++)
        print_tree(plan->inputs[i], depth + 1, buffer);
}

bool od_plan_print(const struct od_plan *plan, struct od_buffer *buffer)
{
    print_tree(plan, 0, buffer);
    return !buffer->failed;
}
