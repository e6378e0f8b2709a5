/* physical_print: the stage graph as people read it: stages in order, each with its operators, where its rows go and why; and
 * all that --explain shows. */
#include "engine/plan/clause_print.h"
#include "engine/plan/physical.h"
#include "engine/plan/statistics.h"

static void print_join(const struct od_physical *node, struct od_buffer *buffer)
{
    od_buffer_print(buffer, " %s%s", od_join_type_text(node->join.type),
                    node->join.broadcast ? ", broadcast" : "");
    for (uint32_t i = 0; i < node->join.key_count; i++)
        od_buffer_print(buffer, "%s%s %s %s", i > 0 ? ", " : ", on ",
                        node->inputs[0]->schema.fields[node->join.probe_keys[i]].name,
                        node->join.null_safe_keys >> i & 1 ? "is not distinct from" : "=",
                        node->inputs[1]->schema.fields[node->join.build_keys[i]].name);
    if (node->join.residual != NULL) {
        od_buffer_append_text(buffer, node->join.key_count > 0 ? ", and " : ", on ");
        od_expr_print(node->join.residual, node->join.pair_schema, buffer);
    }
}

/* A FINAL reads groups by position and states: its input's names would say nothing of the arguments. */
static void print_aggregate(const struct od_physical *node, const struct od_schema *input,
                            struct od_buffer *buffer)
{
    static const char *const phases[] = {" complete", " partial", " final"};
    uint32_t group_count = node->aggregate.group_count;
    od_buffer_append_text(buffer, phases[node->aggregate.phase]);
    if (node->aggregate.phase != OD_AGGREGATE_FINAL) {
        od_clause_groups(node->aggregate.groups, node->schema.fields, group_count, node->aggregate.aggregates,
                         node->aggregate.aggregate_count, input, buffer);
        return;
    }
    for (uint32_t i = 0; i < group_count; i++)
        od_buffer_print(buffer, "%s%s", i > 0 ? ", " : " by ", node->schema.fields[i].name);
    for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++)
        od_buffer_print(buffer, "%s%s as %s", i > 0 ? ", " : ": ",
                        od_aggregate_text(node->aggregate.aggregates[i].function),
                        node->aggregate.aggregates[i].name);
}

bool od_physical_print_node(const struct od_physical *node, struct od_buffer *buffer)
{
    const struct od_schema *input = node->input_count > 0 ? &node->inputs[0]->schema : NULL;
    od_buffer_append_text(buffer, od_physical_kind_text(node->kind));
    switch (node->kind) {
    case OD_PHYSICAL_SCAN:
        od_clause_scan(&node->scan, &node->schema, buffer);
        break;
    case OD_PHYSICAL_EXCHANGE_READ:
        od_buffer_print(buffer, " stage %u%s%s", node->exchange.stage_index,
                        node->exchange.broadcast ? ", broadcast" : "",
                        node->exchange.forward ? ", forward" : "");
        break;
    case OD_PHYSICAL_FILTER:
        od_buffer_append_text(buffer, " ");
        od_expr_print(node->filter.predicate, input, buffer);
        break;
    case OD_PHYSICAL_PROJECT:
        od_buffer_append_text(buffer, " ");
        od_clause_exprs(node->rows.exprs, node->schema.fields, node->schema.field_count, input, buffer);
        break;
    case OD_PHYSICAL_HASH_JOIN:
    case OD_PHYSICAL_MERGE_JOIN:
    case OD_PHYSICAL_NESTED_LOOP_JOIN:
        print_join(node, buffer);
        break;
    case OD_PHYSICAL_AGGREGATE:
        print_aggregate(node, input, buffer);
        break;
    case OD_PHYSICAL_TOP_N:
        od_clause_limit(&(struct od_limit_clause){0, node->sort.limit}, buffer);
        __attribute__((fallthrough));
    case OD_PHYSICAL_SORT:
        od_buffer_append_text(buffer, " by ");
        od_clause_sort_keys(node->sort.keys, node->sort.key_count, input, buffer);
        break;
    case OD_PHYSICAL_LIMIT:
        od_clause_limit(&node->limit, buffer);
        break;
    case OD_PHYSICAL_VALUES:
        od_buffer_print(buffer, " of %u row%s", node->rows.row_count,
                        node->rows.row_count == 1 ? "" : "s");
        break;
    case OD_PHYSICAL_EXPAND:
        od_buffer_print(buffer, " by %u lists", node->rows.row_count);
        break;
    case OD_PHYSICAL_WINDOW:
        od_clause_window(&node->window, input, buffer);
        break;
    case OD_PHYSICAL_MAP:
        od_buffer_print(buffer, " %s", node->map.function->name);
        break;
    case OD_PHYSICAL_UNION:
    case OD_PHYSICAL_KIND_COUNT:
        break;
    }
    return !buffer->failed;
}

/* With `stages` the tree goes on where an exchange is read. A stage that forwards to several readers is shown at each. */
static void print_tree(const struct od_physical *node, const struct od_stage *stages, uint32_t depth,
                       struct od_buffer *buffer)
{
    od_buffer_print(buffer, "%*s", (int)(2 * depth), "");
    if (stages != NULL && node->kind == OD_PHYSICAL_EXCHANGE_READ) {
        const struct od_stage *stage = &stages[node->exchange.stage_index];
        od_buffer_print(buffer, "%s exchange of stage %u\n", od_exchange_kind_text(stage->exchange),
                        stage->stage_index);
        print_tree(stage->root, stages, depth + 1, buffer);
        return;
    }
    od_physical_print_node(node, buffer);
    od_buffer_append_text(buffer, "\n");
    for (uint32_t i = 0; i < node->input_count; i++)
        print_tree(node->inputs[i], stages, depth + 1, buffer);
}

static void print_stage(const struct od_stage *stage, struct od_buffer *buffer)
{
    od_buffer_print(buffer, "stage %u: %u task%s", stage->stage_index, stage->task_count,
                    stage->task_count == 1 ? "" : "s");
    if (stage->plan != NULL)
        od_buffer_print(buffer, ", rows: about %.0f", od_plan_estimate_rows(stage->plan));
    od_buffer_print(buffer, ", writes %s", od_exchange_kind_text(stage->exchange));
    if (stage->exchange == OD_EXCHANGE_HASH) {
        for (uint32_t i = 0; i < stage->key_count; i++)
            od_buffer_print(buffer, "%s%s", i > 0 ? ", " : " of ", stage->root->schema.fields[stage->keys[i]].name);
        od_buffer_print(buffer, " in %u partition%s", stage->partition_count,
                        stage->partition_count == 1 ? "" : "s");
    }
    od_buffer_print(buffer, " -- %s\n", stage->reason);
    print_tree(stage->root, NULL, 1, buffer);
}

static void print_stages(const struct od_stage_graph *graph, struct od_buffer *buffer)
{
    for (uint32_t i = 0; i < graph->stage_count; i++)
        print_stage(&graph->stages[i], buffer);
}

bool od_stage_graph_print(const struct od_stage_graph *graph, struct od_buffer *buffer)
{
    print_stages(graph, buffer);
    od_buffer_append_text(buffer, "rules:");
    for (uint32_t rule = 0; rule < OD_RULE_COUNT; rule++)
        if (graph->rules_fired & (UINT32_C(1) << rule))
            od_buffer_print(buffer, " %s", od_rule_text((enum od_rule)rule));
    od_buffer_append_text(buffer, graph->rules_fired == 0 ? " none fired\n" : "\n");
    return !buffer->failed;
}

enum od_status od_explain(struct od_arena *plan_arena, const struct od_plan *plan,
                          const struct od_plan_options *options, struct od_buffer *buffer,
                          struct od_error *error)
{
    const struct od_plan *optimised;
    const struct od_stage_graph *graph;
    OD_TRY(od_plan_query(plan_arena, plan, options, &optimised, &graph, error));
    od_buffer_append_text(buffer, "logical plan:\n");
    od_plan_print(plan, buffer);
    od_buffer_append_text(buffer, "\noptimised plan:\n");
    od_plan_print(optimised, buffer);
    od_buffer_append_text(buffer, "\nphysical plan:\n");
    print_tree(graph->stages[graph->stage_count - 1].root, graph->stages, 0, buffer);
    od_buffer_append_text(buffer, "\nstages:\n");
    print_stages(graph, buffer);
    od_buffer_append_text(buffer, "\nrules that fired:\n");
    for (uint32_t rule = 0; rule < OD_RULE_COUNT; rule++)
        if (graph->rules_fired & (UINT32_C(1) << rule))
            od_buffer_print(buffer, "%s: %s\n", od_rule_text((enum od_rule)rule),
                            od_rule_sentence((enum od_rule)rule));
    return buffer->failed ? od_fail(error, OD_NO_MEMORY, "printing a plan") : OD_OK;
}
