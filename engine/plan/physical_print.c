/* physical_print: the stage graph as people read it: stages in order, each with its operators, where its rows go and why; and
 * all that --explain shows. */
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
static void print_final(const struct od_physical *node, struct od_buffer *buffer)
{
    for (uint32_t i = 0; i < node->aggregate.group_count; i++)
        od_buffer_print(buffer, "%s%s", i > 0 ? ", " : " by ", node->schema.fields[i].name);
    for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++)
        od_buffer_print(buffer, "%s%s as %s", i > 0 ? ", " : ": ",
                        od_aggregate_text(node->aggregate.aggregates[i].function),
                        node->aggregate.aggregates[i].name);
}

enum od_plan_kind od_physical_clause_kind(enum od_physical_kind kind)
{
    static const enum od_plan_kind kinds[OD_PHYSICAL_KIND_COUNT] = {
        [OD_PHYSICAL_SCAN] = OD_PLAN_SCAN,
        [OD_PHYSICAL_EXCHANGE_READ] = OD_PLAN_KIND_COUNT,
        [OD_PHYSICAL_FILTER] = OD_PLAN_FILTER,
        [OD_PHYSICAL_PROJECT] = OD_PLAN_PROJECT,
        [OD_PHYSICAL_HASH_JOIN] = OD_PLAN_KIND_COUNT,
        [OD_PHYSICAL_MERGE_JOIN] = OD_PLAN_KIND_COUNT,
        [OD_PHYSICAL_NESTED_LOOP_JOIN] = OD_PLAN_KIND_COUNT,
        [OD_PHYSICAL_VALUES] = OD_PLAN_VALUES,
        [OD_PHYSICAL_UNION] = OD_PLAN_UNION,
        [OD_PHYSICAL_EXPAND] = OD_PLAN_EXPAND,
        [OD_PHYSICAL_WINDOW] = OD_PLAN_WINDOW,
        [OD_PHYSICAL_MAP] = OD_PLAN_MAP,
        [OD_PHYSICAL_AGGREGATE] = OD_PLAN_AGGREGATE,
        [OD_PHYSICAL_SORT] = OD_PLAN_SORT,
        [OD_PHYSICAL_TOP_N] = OD_PLAN_SORT,
        [OD_PHYSICAL_LIMIT] = OD_PLAN_LIMIT,
    };
    return kinds[kind];
}

/* As the logical node with the same clauses does. */
static void print_clauses(const struct od_physical *node, enum od_plan_kind kind, struct od_buffer *buffer)
{
    struct od_plan input = {.kind = OD_PLAN_KIND_COUNT};
    struct od_plan same = {.kind = kind, .schema = node->schema, .clause = node->clause};
    if (node->input_count > 0) {
        input.schema = node->inputs[0]->schema;
        same.inputs[0] = &input;
    }
    od_plan_print_clauses(&same, buffer);
}

bool od_physical_print_node(const struct od_physical *node, struct od_buffer *buffer)
{
    static const char *const phases[] = {" complete", " partial", " final"};
    bool aggregates = node->kind == OD_PHYSICAL_AGGREGATE;
    od_buffer_append_text(buffer, od_physical_kind_text(node->kind));
    if (aggregates)
        od_buffer_append_text(buffer, phases[node->phase]);
    if (node->kind == OD_PHYSICAL_TOP_N)
        od_buffer_print(buffer, " %llu", (unsigned long long)node->row_limit);
    if (node->kind == OD_PHYSICAL_EXCHANGE_READ)
        od_buffer_print(buffer, " stage %u%s%s", node->exchange.stage_index,
                        node->exchange.broadcast ? ", broadcast" : "", node->exchange.forward ? ", forward" : "");
    else if (od_physical_clause_kind(node->kind) == OD_PLAN_KIND_COUNT)
        print_join(node, buffer);
    else if (aggregates && node->phase == OD_AGGREGATE_FINAL)
        print_final(node, buffer);
    else
        print_clauses(node, od_physical_clause_kind(node->kind), buffer);
    return !buffer->failed;
}

/* Where a tree is shown and what is known of it. */
struct tree {
    const struct od_stage *stages; /* NULL: `stage` alone; else the tree goes on where an exchange is read */
    const struct od_stage *stage;
    const struct od_stage_notes *notes; /* NULL: none */
    uint32_t position;                  /* of the next operator */
};

/* A stage that forwards to several readers is shown at each. */
static void print_tree(struct tree *tree, const struct od_physical *node, uint32_t depth, struct od_buffer *buffer)
{
    od_buffer_print(buffer, "%*s", (int)(2 * depth), "");
    if (tree->stages != NULL && node->kind == OD_PHYSICAL_EXCHANGE_READ) {
        const struct od_stage *stage = &tree->stages[node->exchange.stage_index];
        od_buffer_print(buffer, "%s exchange of stage %u\n", od_exchange_kind_text(stage->exchange),
                        stage->stage_index);
        print_tree(tree, stage->root, depth + 1, buffer);
        return;
    }
    od_physical_print_node(node, buffer);
    if (tree->notes != NULL)
        tree->notes->node(tree->notes->self, tree->stage, tree->position++);
    od_buffer_append_text(buffer, "\n");
    for (uint32_t i = 0; i < node->input_count; i++)
        print_tree(tree, node->inputs[i], depth + 1, buffer);
}

static void print_stage(const struct od_stage *stage, const struct od_stage_notes *notes, struct od_buffer *buffer)
{
    od_buffer_print(buffer, "stage %u: %u task%s", stage->stage_index, stage->task_count,
                    stage->task_count == 1 ? "" : "s");
    if (stage->plan != NULL)
        od_buffer_print(buffer, ", rows: about %.0f", od_plan_estimate_rows(stage->plan));
    od_buffer_print(buffer, ", writes %s", od_exchange_kind_text(stage->exchange));
    if (stage->exchange == OD_EXCHANGE_HASH) {
        for (uint32_t i = 0; i < stage->key_count; i++)
            od_buffer_print(buffer, "%s%s", i > 0 ? ", " : " of ", stage->root->schema.fields[stage->keys[i]].name);
    }
    if (stage->exchange == OD_EXCHANGE_HASH || stage->exchange == OD_EXCHANGE_ROUND_ROBIN)
        od_buffer_print(buffer, " in %u partition%s", stage->partition_count,
                        stage->partition_count == 1 ? "" : "s");
    if (stage->keep != OD_KEEP_NONE)
        od_buffer_print(buffer, ", kept: %s", od_keep_text(stage->keep));
    od_buffer_print(buffer, " -- %s\n", stage->reason);
    if (stage->determinism != OD_DETERMINATE)
        od_buffer_print(buffer, "  %s: %s\n", od_determinism_text(stage->determinism),
                        stage->determinism_reason);
    if (notes != NULL)
        notes->stage(notes->self, stage);
    print_tree(&(struct tree){.stage = stage, .notes = notes}, stage->root, 1, buffer);
}

bool od_stage_graph_print_noted(const struct od_stage_graph *graph, const struct od_stage_notes *notes,
                                struct od_buffer *buffer)
{
    for (uint32_t i = 0; i < graph->stage_count; i++)
        print_stage(&graph->stages[i], notes, buffer);
    return !buffer->failed;
}

bool od_stage_graph_print(const struct od_stage_graph *graph, struct od_buffer *buffer)
{
    od_stage_graph_print_noted(graph, NULL, buffer);
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
    print_tree(&(struct tree){.stages = graph->stages}, graph->stages[graph->stage_count - 1].root, 0, buffer);
    od_buffer_append_text(buffer, "\nstages:\n");
    od_stage_graph_print_noted(graph, NULL, buffer);
    od_buffer_append_text(buffer, "\nrules that fired:\n");
    for (uint32_t rule = 0; rule < OD_RULE_COUNT; rule++)
        if (graph->rules_fired & (UINT32_C(1) << rule))
            od_buffer_print(buffer, "%s: %s\n", od_rule_text((enum od_rule)rule),
                            od_rule_sentence((enum od_rule)rule));
    return buffer->failed ? od_fail(error, OD_NO_MEMORY, "printing a plan") : OD_OK;
}
