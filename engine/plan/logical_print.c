/* logical_print: a plan as indented text, one node a line, the root first, inputs two columns further in. */
#include "engine/plan/clause_print.h"

#define JOIN_FIELDS_NAMED 512 /* wider joins print columns as numbers */

static void print_aggregate(const struct od_plan *plan, const struct od_schema *input,
                            struct od_buffer *buffer)
{
    if (plan->aggregate.group_count > 0) {
        od_buffer_append_text(buffer, " by ");
        od_clause_exprs(plan->aggregate.groups, plan->schema.fields, plan->aggregate.group_count, input,
                        buffer);
    }
    if (plan->aggregate.aggregate_count > 0) {
        od_buffer_append_text(buffer, ": ");
        od_clause_aggregates(plan->aggregate.aggregates, plan->aggregate.aggregate_count, input, buffer);
    }
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
        od_buffer_append_text(buffer, " ");
        od_clause_scan(plan->scan.table, &plan->schema, buffer);
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
        print_aggregate(plan, input, buffer);
        break;
    case OD_PLAN_SORT:
        od_buffer_append_text(buffer, " by ");
        od_clause_sort_keys(plan->sort.keys, plan->sort.key_count, input, buffer);
        break;
    case OD_PLAN_LIMIT:
        od_buffer_append_text(buffer, " ");
        od_clause_limit(plan->limit.offset, plan->limit.count, buffer);
        break;
    case OD_PLAN_VALUES:
        od_clause_rows(plan->rows.exprs, plan->rows.row_count, &plan->schema, NULL, buffer);
        break;
    case OD_PLAN_EXPAND:
        od_clause_rows(plan->rows.exprs, plan->rows.row_count, &plan->schema, input, buffer);
        break;
    case OD_PLAN_WINDOW:
        od_clause_window(plan->window.partitions, plan->window.partition_count, plan->window.keys,
                         plan->window.key_count, plan->window.calls, plan->window.call_count, input, buffer);
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
