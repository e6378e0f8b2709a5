/* physical_join: broadcast or partitioned hash join.
 *
 *   broadcast    left tasks stay as they are; the right side is sent whole to each of them
 *   partitioned  both sides ==hash on the keys==>; a side that is spread by (some of) its keys already stays
 *                in place, and the other side follows the same keys in the same order
 *
 * The left input probes, the right one builds. For LEFT that is the only way round: an unmatched left row
 * must be seen in exactly one task. Keys that are not columns are computed by a project below the join and
 * dropped by one above:
 *
 *   join row:  left columns | left computed keys | right columns | right computed keys
 *
 * Rows come out spread by the left side's keys. The right side's would do for INNER too, but not for LEFT,
 * where padded rows have NULL there in every task; we keep to the left's for both. */
#include "engine/core/assert.h"
#include "engine/plan/join_keys.h"
#include "engine/plan/rule.h"
#include "engine/plan/stage_build.h"

struct join_parts {
    const struct od_plan *plan;
    struct od_join_keys keys;
    uint32_t *probe_keys; /* columns, after the computed ones were appended */
    uint32_t *build_keys;
    uint32_t probe_extra; /* computed columns */
    uint32_t build_extra;
};

/* A guess of how many rows a plan gives, for one decision: is the build side small? */
static uint64_t estimate_rows(const struct od_plan *plan)
{
    uint64_t rows = plan->input_count > 0 ? estimate_rows(plan->inputs[0]) : 0;
    switch (plan->kind) {
    case OD_PLAN_SCAN:
        return od_table_row_count(plan->scan.table);
    case OD_PLAN_FILTER:
        return rows / 3 + 1;
    case OD_PLAN_JOIN: {
        uint64_t right = estimate_rows(plan->inputs[1]);
        return rows > right ? rows : right;
    }
    case OD_PLAN_AGGREGATE:
        return plan->aggregate.group_count == 0 ? 1 : rows / 4 + 1;
    case OD_PLAN_LIMIT:
        return plan->limit.count < rows ? plan->limit.count : rows;
    default:
        return rows;
    }
}

static bool wants_broadcast(struct od_stage_builder *builder, const struct od_plan *plan)
{
    if (builder->options->join_strategy == OD_JOIN_FORCE_BROADCAST)
        return true;
    if (builder->options->join_strategy == OD_JOIN_FORCE_PARTITIONED ||
        !od_rule_is_on(builder->options, OD_RULE_BROADCAST_JOIN))
        return false;
    if (estimate_rows(plan->inputs[1]) > builder->broadcast_rows_max)
        return false;
    builder->rules_fired |= UINT32_C(1) << OD_RULE_BROADCAST_JOIN;
    return true;
}

static enum od_status parts_init(struct od_stage_builder *builder, const struct od_plan *plan,
                                 struct od_fragment *left, struct od_fragment *right,
                                 struct join_parts *parts, struct od_error *error)
{
    *parts = (struct join_parts){.plan = plan};
    enum od_status status = od_join_keys_find(builder->plan_arena, plan->inputs[0], plan->inputs[1],
                                              plan->join.condition, &parts->keys, error);
    if (status != OD_OK)
        return status;
    uint32_t count = parts->keys.key_count;
    if (count == 0)
        return od_fail(error, OD_UNSUPPORTED,
                       "a join without an equality between its two sides is not supported");
    parts->probe_keys = od_arena_take_array(builder->plan_arena, count, sizeof(uint32_t));
    parts->build_keys = od_arena_take_array(builder->plan_arena, count, sizeof(uint32_t));
    if (parts->probe_keys == NULL || parts->build_keys == NULL)
        return od_stage_no_memory(error);
    status = od_fragment_columns(builder, left, parts->keys.left, count, parts->probe_keys,
                                 &parts->probe_extra, error);
    if (status == OD_OK)
        status = od_fragment_columns(builder, right, parts->keys.right, count, parts->build_keys,
                                     &parts->build_extra, error);
    return status;
}

/* --- the partitioned strategy ----------------------------------------------------------------- */

/* positions[i]: which join key the fragment's i-th partitioning column is. False when one is none, or nothing
 * is known. */
static bool spread_by_keys(const struct od_fragment *fragment, const uint32_t *columns, uint32_t column_count,
                           uint32_t *positions)
{
    for (uint32_t i = 0; i < fragment->key_count; i++) {
        uint32_t at = 0;
        while (at < column_count && columns[at] != fragment->keys[i])
            at++;
        if (at == column_count)
            return false;
        positions[i] = at;
    }
    return fragment->key_count > 0;
}

static enum od_status exchange_side(struct od_stage_builder *builder, struct od_fragment *side,
                                    const uint32_t *columns, const uint32_t *positions, uint32_t count,
                                    const char *prefix, struct od_error *error)
{
    uint32_t *keys = od_arena_take_array(builder->plan_arena, count, sizeof(*keys));
    if (keys == NULL)
        return od_stage_no_memory(error);
    for (uint32_t i = 0; i < count; i++)
        keys[i] = columns[positions[i]];
    const char *reason = od_stage_reason(builder, prefix, &side->root->schema, keys, count);
    return od_fragment_exchange(builder, side, OD_EXCHANGE_HASH, keys, count, reason, error);
}

/* Which keys rule the partitioning, and which sides have to move. */
struct join_spread {
    uint32_t count;
    uint32_t *positions;
    bool left_stays;
    bool right_stays;
};

static enum od_status choose_spread(struct od_stage_builder *builder, const struct join_parts *parts,
                                    const struct od_fragment *left, const struct od_fragment *right,
                                    struct join_spread *spread, struct od_error *error)
{
    uint32_t count = parts->keys.key_count;
    uint32_t room = count + left->key_count + right->key_count;
    uint32_t *positions = od_arena_take_array(builder->plan_arena, room, sizeof(*positions));
    uint32_t *other = od_arena_take_array(builder->plan_arena, room, sizeof(*other));
    if (positions == NULL || other == NULL)
        return od_stage_no_memory(error);
    bool may_stay = od_rule_is_on(builder->options, OD_RULE_EXCHANGE_ELIMINATION);
    *spread = (struct join_spread){.count = count, .positions = positions};
    spread->left_stays = may_stay && spread_by_keys(left, parts->probe_keys, count, positions);
    spread->right_stays = may_stay && spread_by_keys(right, parts->build_keys, count, other);
    if (spread->left_stays) {
        spread->count = left->key_count;
        spread->right_stays = spread->right_stays && right->key_count == left->key_count;
        for (uint32_t i = 0; i < spread->count && spread->right_stays; i++)
            spread->right_stays = positions[i] == other[i];
    } else if (spread->right_stays) {
        spread->count = right->key_count;
        spread->positions = other;
    } else {
        for (uint32_t i = 0; i < count; i++)
            positions[i] = i;
    }
    return OD_OK;
}

static enum od_status partition_sides(struct od_stage_builder *builder, const struct join_parts *parts,
                                      struct od_fragment *left, struct od_fragment *right,
                                      struct od_error *error)
{
    struct join_spread spread = {0};
    enum od_status status = choose_spread(builder, parts, left, right, &spread, error);
    if (status == OD_OK && (spread.left_stays || spread.right_stays))
        builder->rules_fired |= UINT32_C(1) << OD_RULE_EXCHANGE_ELIMINATION;
    if (status == OD_OK && !spread.left_stays)
        status = exchange_side(builder, left, parts->probe_keys, spread.positions, spread.count,
                               "equal join keys must meet (probe side)", error);
    if (status == OD_OK && !spread.right_stays)
        status = exchange_side(builder, right, parts->build_keys, spread.positions, spread.count,
                               "equal join keys must meet (build side)", error);
    if (status == OD_OK)
        od_assert(left->task_count == right->task_count);
    return status;
}

/* --- the join node ---------------------------------------------------------------------------- */

/* The residual, moved from left ++ right to the joined row with its computed columns. */
static enum od_status build_residual(struct od_stage_builder *builder, const struct join_parts *parts,
                                     const struct od_schema *joined, const struct od_expr **residual_out,
                                     struct od_error *error)
{
    const struct od_expr *residual = NULL;
    uint32_t left_count = parts->plan->inputs[0]->schema.field_count;
    uint32_t total = parts->plan->schema.field_count;
    *residual_out = NULL;
    if (parts->keys.residual_count == 0)
        return OD_OK;
    const struct od_expr **map = od_arena_take_array(builder->plan_arena, total, sizeof(*map));
    if (map == NULL)
        return od_stage_no_memory(error);
    enum od_status status = od_expr_conjunction(builder->plan_arena, parts->keys.residual,
                                                parts->keys.residual_count, &residual, error);
    if (parts->probe_extra == 0 || status != OD_OK) {
        *residual_out = residual;
        return status;
    }
    for (uint32_t i = 0; i < total && status == OD_OK; i++)
        status = od_expr_column(builder->plan_arena, joined, i < left_count ? i : i + parts->probe_extra,
                                &map[i], error);
    if (status == OD_OK)
        status = od_expr_substitute(builder->plan_arena, residual, map, residual_out, error);
    return status;
}

static enum od_status joined_schema(struct od_stage_builder *builder, const struct join_parts *parts,
                                    const struct od_physical *probe, const struct od_physical *build,
                                    struct od_schema *schema_out, struct od_error *error)
{
    uint32_t probe_count = probe->schema.field_count;
    schema_out->field_count = probe_count + build->schema.field_count;
    schema_out->fields =
        od_arena_take_array(builder->plan_arena, schema_out->field_count, sizeof(*schema_out->fields));
    if (schema_out->fields == NULL)
        return od_stage_no_memory(error);
    for (uint32_t i = 0; i < schema_out->field_count; i++) {
        schema_out->fields[i] =
            i < probe_count ? probe->schema.fields[i] : build->schema.fields[i - probe_count];
        if (i >= probe_count && parts->plan->join.type != OD_JOIN_INNER)
            schema_out->fields[i].nullable = true;
    }
    return OD_OK;
}

/* Back to left ++ right, without the computed keys. */
static enum od_status drop_computed(struct od_stage_builder *builder, const struct join_parts *parts,
                                    struct od_fragment *fragment, struct od_error *error)
{
    uint32_t left_count = parts->plan->inputs[0]->schema.field_count;
    uint32_t total = parts->plan->schema.field_count;
    const struct od_expr **exprs = od_arena_take_array(builder->plan_arena, total, sizeof(*exprs));
    if (exprs == NULL)
        return od_stage_no_memory(error);
    for (uint32_t i = 0; i < total; i++) {
        enum od_status status = od_expr_column(builder->plan_arena, &fragment->root->schema,
                                               i < left_count ? i : i + parts->probe_extra, &exprs[i], error);
        if (status != OD_OK)
            return status;
    }
    return od_fragment_project(builder, fragment, exprs, &parts->plan->schema, error);
}

enum od_status od_physical_join(struct od_stage_builder *builder, const struct od_plan *plan,
                                struct od_fragment *left, struct od_fragment *right,
                                struct od_fragment *fragment_out, struct od_error *error)
{
    struct join_parts parts = {0};
    struct od_schema schema = {0};
    const struct od_expr *residual = NULL;
    bool broadcast = false;
    enum od_status status = parts_init(builder, plan, left, right, &parts, error);
    if (status != OD_OK)
        return status;
    broadcast = wants_broadcast(builder, plan);
    if (broadcast)
        status = od_fragment_exchange(builder, right, OD_EXCHANGE_BROADCAST, NULL, 0,
                                      "the build side is small: every probe task gets all of it", error);
    else
        status = partition_sides(builder, &parts, left, right, error);
    if (status == OD_OK)
        status = joined_schema(builder, &parts, left->root, right->root, &schema, error);
    if (status == OD_OK)
        status = build_residual(builder, &parts, &schema, &residual, error);
    if (status != OD_OK)
        return status;
    struct od_physical *node =
        od_physical_new(builder, OD_PHYSICAL_HASH_JOIN, &schema, left->root, right->root);
    if (node == NULL)
        return od_stage_no_memory(error);
    node->join.type = plan->join.type;
    node->join.broadcast = broadcast;
    node->join.key_count = parts.keys.key_count;
    node->join.probe_keys = parts.probe_keys;
    node->join.build_keys = parts.build_keys;
    node->join.residual = residual;
    *fragment_out = *left; /* its tasks and its keys: probe columns keep their places */
    fragment_out->root = node;
    if (parts.probe_extra + parts.build_extra > 0)
        status = drop_computed(builder, &parts, fragment_out, error);
    return status;
}
