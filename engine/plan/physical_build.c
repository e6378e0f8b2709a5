/* physical_build: logical plan -> physical plan -> stages, bottom up, in one walk.
 *
 *   build(scan)       a new fragment of scan_task_count tasks
 *   build(filter...)  build(input), then one node on top
 *   build(join)       both inputs, then physical_join.c grows them together
 *   the root          closed with the RESULT exchange; then all nodes are numbered in printing order
 *
 * What is wide is decided in one place for each kind: physical_join.c, physical_aggregate.c, physical_order.c, and `unite`.
 *
 * A logical node that is the input of several (the same pointer: equal sub-plans were made one before) and costs more than
 * reading a table is built once and closed with a FORWARD exchange; each consumer gets a reader of it. */
#include "engine/core/assert.h"
#include "engine/core/enum_text.h"
#include "engine/plan/stage_build.h"
#include "engine/plan/statistics.h"

OD_ENUM_TEXT(od_physical_kind_text, enum od_physical_kind, OD_PHYSICAL_KIND_LIST)
OD_ENUM_TEXT(od_exchange_kind_text, enum od_exchange_kind, OD_EXCHANGE_KIND_LIST)

/* --- one builder a kind ----------------------------------------------------------------------- */

static bool build(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *fragment);

/* One node that does what the logical one says, wherever the rows are. */
static bool put_same(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *fragment)
{
    static const enum od_physical_kind kinds[OD_PLAN_KIND_COUNT] = {
        [OD_PLAN_SCAN] = OD_PHYSICAL_SCAN,     [OD_PLAN_VALUES] = OD_PHYSICAL_VALUES,
        [OD_PLAN_FILTER] = OD_PHYSICAL_FILTER, [OD_PLAN_EXPAND] = OD_PHYSICAL_EXPAND,
        [OD_PLAN_MAP] = OD_PHYSICAL_MAP,       [OD_PLAN_LIMIT] = OD_PHYSICAL_LIMIT,
    };
    if (plan->input_count == 0)
        *fragment = (struct od_fragment){.task_count = plan->kind == OD_PLAN_SCAN ? builder->scan_task_count : 1};
    OD_NEED(od_fragment_put(builder, fragment, kinds[plan->kind], &plan->schema));
    fragment->root->clause = plan->clause;
    bool makes_rows = plan->kind == OD_PLAN_EXPAND || plan->kind == OD_PLAN_MAP;
    return !makes_rows || od_fragment_remap(builder, fragment, NULL, 0);
}

static bool put_repartition(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *fragment)
{
    const struct od_exchange in_turn = {.kind = OD_EXCHANGE_ROUND_ROBIN,
                                        .partition_count = plan->repartition.partition_count,
                                        .reason = "asked for: even parts"};
    if (plan->repartition.key_count == 0 && plan->repartition.partition_count != 0)
        return od_fragment_exchange(builder, fragment, &in_turn);
    uint32_t extra = 0;
    const uint32_t *columns =
        od_fragment_columns(builder, fragment, plan->repartition.keys, plan->repartition.key_count, &extra);
    const uint32_t *row = od_new_numbers(builder->make, 0, plan->schema.field_count);
    OD_NEED(row != NULL);
    return od_fragment_spread(builder, fragment, columns, plan->repartition.key_count,
                              plan->repartition.partition_count, "asked for", "asked for") &&
           (extra == 0 || od_fragment_pick(builder, fragment, row, &plan->schema));
}

/* Spreads a side over `task_count` tasks, anyhow: by the hash of all its columns. */
/* A stage ends where rows are kept; they stay in their tasks, in their order. */
static bool put_keep(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *fragment)
{
    const struct od_exchange forward = {.kind = OD_EXCHANGE_FORWARD, .reason = od_keep_text(plan->keep.kind)};
    OD_NEED(od_fragment_exchange(builder, fragment, &forward));
    struct od_stage *stage = &builder->stages[builder->stage_count - 1];
    stage->keep = plan->keep.kind;
    stage->cache_key = plan->keep.key;
    return true;
}

static bool spread(struct od_stage_builder *builder, struct od_fragment *side, uint32_t task_count)
{
    static const char reason[] = "the sides of a union need equally many tasks";
    uint32_t count = task_count == 1 ? 0 : side->root->schema.field_count;
    const uint32_t *columns = od_new_numbers(builder->make, 0, count);
    return columns != NULL && od_fragment_spread(builder, side, columns, count, task_count, reason, reason);
}

static bool spread_alike(const struct od_fragment *left, const struct od_fragment *right)
{
    bool alike = left->key_count == right->key_count;
    for (uint32_t i = 0; i < left->key_count && alike; i++)
        alike = left->keys[i] == right->keys[i];
    return alike;
}

/* UNION ALL: task i gives what task i of either side gives; the smaller side follows the other's number of tasks. */
static bool unite(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *left,
                  struct od_fragment *right)
{
    if (left->task_count != right->task_count) {
        bool left_moves = od_plan_estimate_rows(plan->inputs[0]) <= od_plan_estimate_rows(plan->inputs[1]);
        uint32_t task_count = plan->schema.field_count == 0 ? 1 : (left_moves ? right : left)->task_count;
        OD_NEED(left->task_count == task_count || spread(builder, left, task_count));
        OD_NEED(right->task_count == task_count || spread(builder, right, task_count));
    }
    if (!spread_alike(left, right))
        left->key_count = 0;
    od_fragment_forget_order(left);
    left->root = od_physical_new(builder, OD_PHYSICAL_UNION, &plan->schema, left->root, right->root);
    return left->root != NULL;
}

static bool put_limit(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *fragment)
{
    const struct od_plan *sort = plan->inputs[0];
    bool fits = plan->limit.count <= UINT64_MAX - plan->limit.offset;
    uint64_t limit = fits ? plan->limit.count + plan->limit.offset : UINT64_MAX;
    od_assert(sort->kind == OD_PLAN_SORT);
    return od_physical_order(builder, fragment, sort->sort.keys, sort->sort.key_count, limit) &&
           put_same(builder, plan, fragment);
}

static bool build_node(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *fragment)
{
    struct od_fragment right;
    const struct od_plan *input = plan->kind == OD_PLAN_LIMIT ? plan->inputs[0]->inputs[0] : plan->inputs[0];
    OD_NEED(plan->input_count < 1 || build(builder, input, fragment));
    OD_NEED(plan->input_count < 2 || build(builder, plan->inputs[1], &right));
    switch (plan->kind) {
    case OD_PLAN_SCAN:
    case OD_PLAN_VALUES:
    case OD_PLAN_FILTER:
    case OD_PLAN_EXPAND:
    case OD_PLAN_MAP:
        return put_same(builder, plan, fragment);
    case OD_PLAN_PROJECT:
        return od_fragment_project(builder, fragment, plan->rows.exprs, &plan->schema);
    case OD_PLAN_JOIN:
        return od_physical_join(builder, plan, fragment, &right, fragment);
    case OD_PLAN_UNION:
        return unite(builder, plan, fragment, &right);
    case OD_PLAN_AGGREGATE:
        return od_physical_aggregate(builder, plan, fragment);
    case OD_PLAN_WINDOW:
        return od_physical_window(builder, plan, fragment);
    case OD_PLAN_REPARTITION:
        return put_repartition(builder, plan, fragment);
    case OD_PLAN_KEEP:
        return put_keep(builder, plan, fragment);
    case OD_PLAN_SORT:
        return od_physical_order(builder, fragment, plan->sort.keys, plan->sort.key_count, UINT64_MAX);
    case OD_PLAN_LIMIT:
        return put_limit(builder, plan, fragment);
    case OD_PLAN_APPLY:
        return od_make_fail(builder->make, OD_UNSUPPORTED,
                            "a subquery that reads columns of the query around it in this way") != NULL;
    case OD_PLAN_KIND_COUNT:
        break;
    }
    od_unreachable();
}

static bool build(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *fragment)
{
    const struct od_exchange forward = {.kind = OD_EXCHANGE_FORWARD,
                                        .reason = "several consumers: these rows are computed once"};
    const struct od_plan_entry *entry = od_plan_table_shared(&builder->plans, plan);
    struct od_fragment *shared = entry != NULL ? &builder->shared_readers[entry - builder->plans.entries] : NULL;
    if (shared == NULL || shared->root == NULL) {
        OD_NEED(build_node(builder, plan, fragment));
        fragment->plan = plan;
    }
    if (shared == NULL)
        return true;
    if (shared->root == NULL) {
        *shared = *fragment;
        OD_NEED(od_fragment_exchange(builder, shared, &forward));
        od_rule_fired(builder->make, OD_RULE_COMMON_SUBPLANS);
    }
    return od_fragment_copy_reader(builder, shared, fragment);
}

/* --- the graph -------------------------------------------------------------------------------- */

void od_physical_number(const struct od_physical *root, uint32_t *next)
{
    ((struct od_physical *)root)->node_index = (*next)++; /* just made; const from here on */
    for (uint32_t i = 0; i < root->input_count; i++)
        od_physical_number(root->inputs[i], next);
}

uint32_t od_physical_count(const struct od_physical *node)
{
    uint32_t count = 1;
    for (uint32_t i = 0; i < node->input_count; i++)
        count += od_physical_count(node->inputs[i]);
    return count;
}

static const struct od_stage_graph *build_graph(struct od_stage_builder *builder, const struct od_plan *plan)
{
    const struct od_exchange result = {.kind = OD_EXCHANGE_RESULT, .reason = "the answer goes to the driver"};
    struct od_fragment fragment = {0};
    uint32_t next_node = 0;
    OD_NEED(od_plan_table_init_shared(builder->make, plan, &builder->plans));
    OD_NEW(builder->shared_readers, builder->make, builder->plans.capacity);
    OD_NEED(build(builder, plan, &fragment) && od_fragment_exchange(builder, &fragment, &result));
    for (uint32_t i = 0; i < builder->stage_count; i++)
        od_physical_number(builder->stages[i].root, &next_node);
    uint32_t every = builder->make->options->checkpoint_every;
    for (uint32_t i = 0; every != 0 && i + 1 < builder->stage_count; i++)
        if (i % every == 0 && builder->stages[i].keep == OD_KEEP_NONE)
            builder->stages[i].keep = OD_KEEP_CHECKPOINT;
    od_stages_judge(builder->stages, builder->stage_count, builder->make->options->arrival_order);
    OD_NEW_LIST(struct od_stage_graph, graph, builder->make, 1);
    *graph = (struct od_stage_graph){.stage_count = builder->stage_count,
                                     .stages = builder->stages,
                                     .schema = &builder->stages[builder->stage_count - 1].root->schema,
                                     .rules_fired = builder->make->fired,
                                     .arrival_order = builder->make->options->arrival_order};
    return graph;
}

enum od_status od_stage_graph_build(struct od_arena *plan_arena, const struct od_plan *plan,
                                    const struct od_plan_options *options,
                                    const struct od_stage_graph **graph_out, struct od_error *error)
{
    struct od_maker make = {.arena = plan_arena, .options = options, .error = error};
    struct od_stage_builder builder = {
        .make = &make,
        .partition_count = options->partition_count == 0 ? 4 : options->partition_count,
        .scan_task_count = options->scan_task_count == 0 ? 4 : options->scan_task_count,
        .broadcast_rows_max = options->broadcast_rows_max == 0 ? 10000 : options->broadcast_rows_max,
    };
    *graph_out = build_graph(&builder, plan);
    return make.status;
}

enum od_status od_plan_query(struct od_arena *plan_arena, const struct od_plan *plan,
                             const struct od_plan_options *options, const struct od_plan **optimised_out,
                             const struct od_stage_graph **graph_out, struct od_error *error)
{
    const struct od_plan *optimised = NULL;
    uint32_t fired = 0;
    *graph_out = NULL;
    if (optimised_out == NULL)
        optimised_out = &optimised;
    OD_TRY(od_rules_apply(plan_arena, plan, options, optimised_out, &fired, error));
    OD_TRY(od_stage_graph_build(plan_arena, *optimised_out, options, graph_out, error));
    ((struct od_stage_graph *)*graph_out)->rules_fired |= fired; /* made here; const from here on */
    return OD_OK;
}
