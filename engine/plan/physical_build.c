/* physical_build: logical plan -> physical plan -> stages, bottom up, in one walk.
 *
 *   build(scan)       a new fragment of scan_task_count tasks
 *   build(filter...)  build(input), then one node on top
 *   build(join)       both inputs, then physical_join.c grows them together
 *   the root          closed with the RESULT exchange; then all nodes are numbered in printing order
 *
 * What is wide is decided in one place for each kind: physical_join.c, physical_aggregate.c,
 * physical_order.c. */
#include "engine/core/assert.h"
#include "engine/plan/rule.h"
#include "engine/plan/stage_build.h"

static const char *const physical_texts[] = {
#define X(name, text) [OD_PHYSICAL_##name] = text,
    OD_PHYSICAL_KIND_LIST(X)
#undef X
};

const char *od_physical_kind_text(enum od_physical_kind kind)
{
    od_assert((unsigned)kind < OD_PHYSICAL_KIND_COUNT);
    return physical_texts[kind];
}

const char *od_exchange_kind_text(enum od_exchange_kind kind)
{
    static const char *const texts[] = {
        [OD_EXCHANGE_HASH] = "hash",
        [OD_EXCHANGE_SINGLE] = "single",
        [OD_EXCHANGE_BROADCAST] = "broadcast",
        [OD_EXCHANGE_FORWARD] = "forward",
        [OD_EXCHANGE_RESULT] = "result",
    };
    od_assert((unsigned)kind < sizeof(texts) / sizeof(texts[0]));
    return texts[kind];
}

static enum od_status build(struct od_stage_builder *builder, const struct od_plan *plan,
                            struct od_fragment *fragment, struct od_error *error);

static enum od_status build_scan(struct od_stage_builder *builder, const struct od_plan *plan,
                                 struct od_fragment *fragment, struct od_error *error)
{
    struct od_physical *node = od_physical_new(builder, OD_PHYSICAL_SCAN, &plan->schema, NULL, NULL);
    if (node == NULL)
        return od_stage_no_memory(error);
    node->scan.table = plan->scan.table;
    node->scan.column_count = plan->scan.column_count;
    node->scan.columns = plan->scan.columns;
    *fragment = (struct od_fragment){.root = node, .task_count = builder->scan_task_count};
    return OD_OK;
}

static enum od_status build_filter(struct od_stage_builder *builder, const struct od_plan *plan,
                                   struct od_fragment *fragment, struct od_error *error)
{
    enum od_status status = build(builder, plan->inputs[0], fragment, error);
    if (status != OD_OK)
        return status;
    struct od_physical *node =
        od_physical_new(builder, OD_PHYSICAL_FILTER, &plan->schema, fragment->root, NULL);
    if (node == NULL)
        return od_stage_no_memory(error);
    node->filter.predicate = plan->filter.predicate;
    fragment->root = node;
    return OD_OK;
}

static enum od_status build_join(struct od_stage_builder *builder, const struct od_plan *plan,
                                 struct od_fragment *fragment, struct od_error *error)
{
    struct od_fragment left;
    struct od_fragment right;
    enum od_status status = build(builder, plan->inputs[0], &left, error);
    if (status == OD_OK)
        status = build(builder, plan->inputs[1], &right, error);
    if (status == OD_OK)
        status = od_physical_join(builder, plan, &left, &right, fragment, error);
    return status;
}

static enum od_status build_limit(struct od_stage_builder *builder, const struct od_plan *plan,
                                  struct od_fragment *fragment, struct od_error *error)
{
    const struct od_plan *input = plan->inputs[0];
    uint64_t offset = plan->limit.offset;
    uint64_t rows = plan->limit.count > UINT64_MAX - offset ? UINT64_MAX : plan->limit.count + offset;
    od_assert(input->kind == OD_PLAN_SORT);
    enum od_status status = build(builder, input->inputs[0], fragment, error);
    if (status == OD_OK)
        status = od_physical_order(builder, fragment, input->sort.keys, input->sort.key_count, rows, error);
    if (status != OD_OK)
        return status;
    struct od_physical *node =
        od_physical_new(builder, OD_PHYSICAL_LIMIT, &plan->schema, fragment->root, NULL);
    if (node == NULL)
        return od_stage_no_memory(error);
    node->limit.offset = offset;
    node->limit.count = plan->limit.count;
    fragment->root = node;
    return OD_OK;
}

static enum od_status build(struct od_stage_builder *builder, const struct od_plan *plan,
                            struct od_fragment *fragment, struct od_error *error)
{
    enum od_status status;
    switch (plan->kind) {
    case OD_PLAN_SCAN:
        return build_scan(builder, plan, fragment, error);
    case OD_PLAN_FILTER:
        return build_filter(builder, plan, fragment, error);
    case OD_PLAN_PROJECT:
        status = build(builder, plan->inputs[0], fragment, error);
        if (status == OD_OK)
            status = od_fragment_project(builder, fragment, plan->project.exprs, &plan->schema, error);
        return status;
    case OD_PLAN_JOIN:
        return build_join(builder, plan, fragment, error);
    case OD_PLAN_AGGREGATE:
        status = build(builder, plan->inputs[0], fragment, error);
        if (status == OD_OK)
            status = od_physical_aggregate(builder, plan, fragment, error);
        return status;
    case OD_PLAN_SORT:
        status = build(builder, plan->inputs[0], fragment, error);
        if (status == OD_OK)
            status = od_physical_order(builder, fragment, plan->sort.keys, plan->sort.key_count, UINT64_MAX,
                                       error);
        return status;
    case OD_PLAN_LIMIT:
        return build_limit(builder, plan, fragment, error);
    default:
        return od_fail(error, OD_UNSUPPORTED, "%s is not planned yet", od_plan_kind_text(plan->kind));
    }
}

static void number_nodes(const struct od_physical *node, uint32_t *next)
{
    ((struct od_physical *)node)->node_index = (*next)++; /* made in this file's walk; const from here on */
    for (uint32_t i = 0; i < node->input_count; i++)
        number_nodes(node->inputs[i], next);
}

static enum od_status graph_build(struct od_arena *plan_arena, const struct od_plan *plan,
                                  const struct od_plan_options *options, uint32_t rules_fired,
                                  const struct od_stage_graph **graph_out, struct od_error *error)
{
    struct od_stage_builder builder = {
        .plan_arena = plan_arena,
        .options = options,
        .partition_count = options->partition_count == 0 ? 4 : options->partition_count,
        .scan_task_count = options->scan_task_count == 0 ? 4 : options->scan_task_count,
        .broadcast_rows_max = options->broadcast_rows_max == 0 ? 10000 : options->broadcast_rows_max,
        .rules_fired = rules_fired,
    };
    struct od_fragment fragment = {0};
    uint32_t next_node = 0;
    *graph_out = NULL;
    enum od_status status = build(&builder, plan, &fragment, error);
    if (status == OD_OK)
        status = od_fragment_finish(&builder, &fragment, error);
    if (status != OD_OK)
        return status;
    for (uint32_t i = 0; i < builder.stage_count; i++)
        number_nodes(builder.stages[i].root, &next_node);
    struct od_stage_graph *graph = od_arena_take(plan_arena, sizeof(*graph));
    if (graph == NULL)
        return od_stage_no_memory(error);
    graph->stage_count = builder.stage_count;
    graph->stages = builder.stages;
    graph->schema = &builder.stages[builder.stage_count - 1].root->schema;
    graph->rules_fired = builder.rules_fired;
    *graph_out = graph;
    return OD_OK;
}

enum od_status od_stage_graph_build(struct od_arena *plan_arena, const struct od_plan *plan,
                                    const struct od_plan_options *options,
                                    const struct od_stage_graph **graph_out, struct od_error *error)
{
    return graph_build(plan_arena, plan, options, 0, graph_out, error);
}

enum od_status od_plan_query(struct od_arena *plan_arena, const struct od_plan *plan,
                             const struct od_plan_options *options, const struct od_plan **optimised_out,
                             const struct od_stage_graph **graph_out, struct od_error *error)
{
    const struct od_plan *optimised = NULL;
    uint32_t fired = 0;
    *graph_out = NULL;
    enum od_status status = od_rules_apply(plan_arena, plan, options, &optimised, &fired, error);
    if (optimised_out != NULL)
        *optimised_out = optimised;
    if (status != OD_OK)
        return status;
    return graph_build(plan_arena, optimised, options, fired, graph_out, error);
}
