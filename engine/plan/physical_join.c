/* physical_join: how the rows of a join meet, and how pairs are found among them: two choices of their own.
 *
 *   meeting      broadcast    probe tasks stay as they are; the build side is sent whole to each of them
 *                partitioned  both sides ==hash on the keys==>; a side that is spread by (some of) its keys already stays in
 *                             place, and the other side follows the same keys in the same order
 *                single       both sides in one task: RIGHT and FULL without keys
 *   algorithm    hash         build a table of one side, look up the other
 *                merge        both sides sorted by the keys
 *                nested loop  every pair; all that can be done without keys
 *
 * The left input probes, the right one builds, unless the left one is much smaller: then the inputs of an INNER, LEFT or RIGHT
 * join change places (rule join_reordering). RIGHT and FULL cannot broadcast the build side: an unmatched build row must be
 * seen in exactly one task. MARK and NULL_ANTI must: one NULL in a key concerns every probe row.
 *
 * Keys that are not columns are computed by a project below the join and dropped by one above. `pair`: what conditions see:
 *
 *   pair:  probe columns | probe computed keys | build columns | build computed keys
 *
 * Rows come out spread by the probe side's keys (RIGHT: by the build side's, FULL: by neither: padded rows have NULL there). */
#include "engine/core/assert.h"
#include "engine/plan/join_keys.h"
#include "engine/plan/rule.h"
#include "engine/plan/stage_build.h"
#include "engine/plan/statistics.h"

#define SWAP_FACTOR 4 /* the left side must be so much smaller to become the build side */

struct side {
    struct od_fragment *fragment;
    double rows;                        /* estimated */
    const struct od_expr *const *exprs; /* its keys, over the input's columns */
    uint32_t *keys;                     /* the same as columns, once computed ones were appended */
    uint32_t extra;                     /* computed columns */
};

struct join {
    const struct od_plan *plan;
    enum od_join_type type; /* as it runs: LEFT and RIGHT change names with their inputs */
    bool is_swapped;
    struct side probe;
    struct side build;
    struct od_join_keys found;
    enum { MEET_IN_PLACE, MEET_BROADCAST, MEET_PARTITIONED, MEET_SINGLE } meeting;
    enum od_physical_kind algorithm;
    struct od_schema *pair;
};

/* --- choices ---------------------------------------------------------------------------------- */

static void swap_sides(struct join *join)
{
    struct side probe = join->probe;
    join->probe = join->build;
    join->build = probe;
    join->is_swapped = true;
    if (join->type != OD_JOIN_INNER)
        join->type = join->type == OD_JOIN_LEFT ? OD_JOIN_RIGHT : OD_JOIN_LEFT;
}

static bool wants_swap(const struct od_stage_builder *builder, const struct join *join)
{
    bool can_swap = join->type == OD_JOIN_INNER || join->type == OD_JOIN_LEFT || join->type == OD_JOIN_RIGHT;
    if (!can_swap || !od_rule_is_on(builder->options, OD_RULE_JOIN_REORDERING))
        return false;
    if (join->found.key_count == 0 &&
        join->type != OD_JOIN_INNER) /* as LEFT it need not end in a single task */
        return join->type == OD_JOIN_RIGHT;
    return join->probe.rows < join->build.rows / SWAP_FACTOR;
}

/* Can a key be NULL where that NULL decides the answer? */
static bool null_matters(const struct join *join)
{
    if (join->type != OD_JOIN_MARK && join->type != OD_JOIN_NULL_ANTI)
        return false;
    for (uint32_t i = 0; i < join->found.key_count; i++)
        if (!(join->found.null_safe >> i & 1) &&
            (join->probe.exprs[i]->nullable || join->build.exprs[i]->nullable))
            return true;
    return false;
}

static bool is_small(struct od_stage_builder *builder, const struct join *join)
{
    if (!od_rule_is_on(builder->options, OD_RULE_BROADCAST_JOIN) ||
        join->build.rows > builder->broadcast_rows_max)
        return false;
    od_stage_fired(builder, OD_RULE_BROADCAST_JOIN);
    return true;
}

static void choose(struct od_stage_builder *builder, struct join *join)
{
    const struct od_plan_options *options = builder->options;
    bool can_broadcast = join->type != OD_JOIN_RIGHT && join->type != OD_JOIN_FULL;
    bool can_part = join->found.key_count > 0 && !null_matters(join);
    if (od_fragment_is_single(builder, join->probe.fragment) &&
        od_fragment_is_single(builder, join->build.fragment)) {
        join->meeting = MEET_IN_PLACE;
        od_stage_fired(builder, OD_RULE_EXCHANGE_ELIMINATION);
    } else if (!can_part) {
        join->meeting = can_broadcast ? MEET_BROADCAST : MEET_SINGLE;
    } else if (!can_broadcast || options->join_strategy == OD_JOIN_FORCE_PARTITIONED) {
        join->meeting = MEET_PARTITIONED;
    } else {
        join->meeting = options->join_strategy == OD_JOIN_FORCE_BROADCAST || is_small(builder, join)
                            ? MEET_BROADCAST
                            : MEET_PARTITIONED;
    }
    if (join->found.key_count == 0 || options->join_algorithm == OD_JOIN_FORCE_NESTED_LOOP)
        join->algorithm = OD_PHYSICAL_NESTED_LOOP_JOIN;
    else if (options->join_algorithm == OD_JOIN_FORCE_MERGE && !null_matters(join))
        join->algorithm = OD_PHYSICAL_MERGE_JOIN;
    else
        join->algorithm = OD_PHYSICAL_HASH_JOIN;
}

/* --- the partitioned meeting ------------------------------------------------------------------ */

/* positions[i]: which join key the fragment's i-th partitioning column is. False when one is none, or nothing is known. */
static bool spread_by_keys(const struct side *side, uint32_t key_count, uint32_t *positions)
{
    const struct od_fragment *fragment = side->fragment;
    for (uint32_t i = 0; i < fragment->key_count; i++) {
        uint32_t at = 0;
        while (at < key_count && side->keys[at] != fragment->keys[i])
            at++;
        if (at == key_count)
            return false;
        positions[i] = at;
    }
    return fragment->key_count > 0;
}

static enum od_status exchange_side(struct od_stage_builder *builder, struct side *side,
                                    const uint32_t *positions, uint32_t count, uint32_t partition_count,
                                    const char *prefix, struct od_error *error)
{
    OD_TAKE_LIST(uint32_t, keys, builder->plan_arena, count, error);
    for (uint32_t i = 0; i < count; i++)
        keys[i] = side->keys[positions[i]];
    return od_fragment_spread(builder, side->fragment, keys, count, partition_count, prefix, NULL, error);
}

/* Which keys rule the partitioning, and which sides have to move. */
static enum od_status partition_sides(struct od_stage_builder *builder, struct join *join,
                                      struct od_error *error)
{
    struct od_fragment *probe = join->probe.fragment;
    struct od_fragment *build = join->build.fragment;
    uint32_t count = join->found.key_count;
    uint32_t partition_count = 0;
    OD_TAKE_LIST(uint32_t, positions, builder->plan_arena, count + probe->key_count, error);
    OD_TAKE_LIST(uint32_t, other, builder->plan_arena, count + build->key_count, error);
    bool may_stay = od_rule_is_on(builder->options, OD_RULE_EXCHANGE_ELIMINATION);
    bool probe_stays = may_stay && spread_by_keys(&join->probe, count, positions);
    bool build_stays = may_stay && spread_by_keys(&join->build, count, other);
    if (probe_stays) {
        count = probe->key_count;
        partition_count = probe->task_count;
        build_stays = build_stays && build->key_count == count && build->task_count == partition_count;
        for (uint32_t i = 0; i < count && build_stays; i++)
            build_stays = positions[i] == other[i];
    } else if (build_stays) {
        count = build->key_count;
        partition_count = build->task_count;
        positions = other;
    } else {
        for (uint32_t i = 0; i < count; i++)
            positions[i] = i;
    }
    if (probe_stays || build_stays)
        od_stage_fired(builder, OD_RULE_EXCHANGE_ELIMINATION);
    if (!probe_stays)
        OD_TRY(exchange_side(builder, &join->probe, positions, count, partition_count,
                             "equal join keys must meet (probe side)", error));
    if (!build_stays)
        OD_TRY(exchange_side(builder, &join->build, positions, count, partition_count,
                             "equal join keys must meet (build side)", error));
    od_assert(probe->task_count == build->task_count);
    return OD_OK;
}

static enum od_status meet(struct od_stage_builder *builder, struct join *join, struct od_error *error)
{
    uint32_t extra;
    const struct od_exchange broadcast = {
        .kind = OD_EXCHANGE_BROADCAST,
        .reason = join->found.key_count == 0 ? "no equality to meet by: every probe task gets the build side"
                  : null_matters(join) ? "a NULL key concerns every row: every probe task gets the build side"
                                       : "the build side is small: every probe task gets all of it"};
    switch (join->meeting) {
    case MEET_BROADCAST:
        return od_fragment_exchange(builder, join->build.fragment, &broadcast, error);
    case MEET_PARTITIONED:
        return partition_sides(builder, join, error);
    case MEET_SINGLE:
        OD_TRY(od_fragment_meet(builder, join->probe.fragment, NULL, 0, NULL,
                                "no equality to meet by: one task joins (probe side)", &extra, error));
        return od_fragment_meet(builder, join->build.fragment, NULL, 0, NULL,
                                "no equality to meet by: one task joins (build side)", &extra, error);
    case MEET_IN_PLACE:
        break;
    }
    return OD_OK;
}

static enum od_status sort_side(struct od_stage_builder *builder, const struct join *join,
                                const struct side *side, struct od_error *error)
{
    OD_TAKE_LIST(struct od_sort_key, keys, builder->plan_arena, join->found.key_count, error);
    for (uint32_t i = 0; i < join->found.key_count; i++)
        OD_TRY(od_expr_column(builder->plan_arena, &side->fragment->root->schema, side->keys[i],
                              &keys[i].expr, error));
    return od_fragment_sort(builder, side->fragment, keys, join->found.key_count, UINT64_MAX, false, error);
}

/* --- the join node ---------------------------------------------------------------------------- */

/* Where column `index` of left ++ right is in a pair. */
static uint32_t pair_column(const struct join *join, uint32_t index)
{
    uint32_t left_count = join->plan->inputs[0]->schema.field_count;
    uint32_t probe_count = join->probe.fragment->root->schema.field_count;
    bool is_left = index < left_count;
    return (is_left ? index : index - left_count) + (is_left == join->is_swapped ? probe_count : 0);
}

static enum od_status build_pair(struct od_stage_builder *builder, struct join *join, struct od_error *error)
{
    const struct od_schema *probe = &join->probe.fragment->root->schema;
    const struct od_schema *build = &join->build.fragment->root->schema;
    OD_TAKE(join->pair, builder->plan_arena, 1, error);
    join->pair->field_count = probe->field_count + build->field_count;
    OD_TAKE(join->pair->fields, builder->plan_arena, join->pair->field_count + 1, error); /* a MARK's node has one more */
    for (uint32_t i = 0; i < join->pair->field_count; i++)
        join->pair->fields[i] =
            i < probe->field_count ? probe->fields[i] : build->fields[i - probe->field_count];
    return OD_OK;
}

/* What the pairs that were found by keys must still fulfil: all of the condition when there was no looking at keys. */
static enum od_status build_residual(struct od_stage_builder *builder, const struct join *join,
                                     const struct od_expr **residual_out, struct od_error *error)
{
    uint32_t total = join->plan->inputs[0]->schema.field_count + join->plan->inputs[1]->schema.field_count;
    const struct od_expr *residual = join->plan->join.condition;
    *residual_out = NULL;
    if (join->algorithm != OD_PHYSICAL_NESTED_LOOP_JOIN) {
        if (join->found.residual_count == 0)
            return OD_OK;
        OD_TRY(od_expr_conjunction(builder->plan_arena, join->found.residual, join->found.residual_count,
                                   &residual, error));
    }
    if (od_expr_is_true(residual))
        return OD_OK;
    OD_TAKE_LIST(const struct od_expr *, map, builder->plan_arena, total, error);
    for (uint32_t i = 0; i < total; i++)
        OD_TRY(od_expr_column(builder->plan_arena, join->pair, pair_column(join, i), &map[i], error));
    return od_expr_substitute(builder->plan_arena, residual, map, residual_out, error);
}

static enum od_status joined_schema(struct od_stage_builder *builder, const struct join *join,
                                    struct od_schema *schema_out, struct od_error *error)
{
    uint32_t probe_count = join->probe.fragment->root->schema.field_count;
    bool gives_right = od_join_gives_right(join->type);
    schema_out->field_count =
        gives_right ? join->pair->field_count : probe_count + (join->type == OD_JOIN_MARK);
    OD_TAKE(schema_out->fields, builder->plan_arena, schema_out->field_count, error);
    for (uint32_t i = 0; i < schema_out->field_count; i++) {
        if (!gives_right && i == probe_count) {
            schema_out->fields[i] = join->plan->schema.fields[join->plan->schema.field_count - 1];
            continue;
        }
        schema_out->fields[i] = join->pair->fields[i];
        if (i < probe_count ? od_join_pads_left(join->type) : od_join_pads_right(join->type))
            schema_out->fields[i].nullable = true;
    }
    return OD_OK;
}

/* Back to the fields of the logical join, without computed keys and in their places. */
static enum od_status restore_fields(struct od_stage_builder *builder, const struct join *join,
                                     struct od_fragment *fragment, struct od_error *error)
{
    uint32_t total = join->plan->schema.field_count;
    bool gives_right = od_join_gives_right(join->type);
    if (!join->is_swapped && join->probe.extra == 0 && (join->build.extra == 0 || !gives_right))
        return OD_OK;
    OD_TAKE_LIST(uint32_t, columns, builder->plan_arena, total, error);
    for (uint32_t i = 0; i < total; i++)
        columns[i] = gives_right || i < join->plan->inputs[0]->schema.field_count
                         ? pair_column(join, i)
                         : join->probe.fragment->root->schema.field_count;
    return od_fragment_pick(builder, fragment, columns, &join->plan->schema, error);
}

/* What is known of where the rows are. */
static enum od_status joined_spread(struct od_stage_builder *builder, const struct join *join,
                                    struct od_fragment *fragment, struct od_error *error)
{
    const struct od_fragment *probe = join->probe.fragment;
    const struct od_fragment *build = join->build.fragment;
    *fragment = *probe;
    od_fragment_forget_order(fragment);
    if (join->type == OD_JOIN_FULL)
        fragment->key_count = 0;
    if (join->type != OD_JOIN_RIGHT)
        return OD_OK;
    OD_TAKE_LIST(uint32_t, keys, builder->plan_arena, build->key_count, error);
    for (uint32_t i = 0; i < build->key_count; i++)
        keys[i] = probe->root->schema.field_count + build->keys[i];
    fragment->key_count = build->key_count;
    fragment->keys = keys;
    return OD_OK;
}

static enum od_status put_join(struct od_stage_builder *builder, const struct join *join,
                               struct od_fragment *fragment, struct od_error *error)
{
    struct od_schema schema;
    const struct od_expr *residual;
    OD_TRY(build_residual(builder, join, &residual, error));
    OD_TRY(joined_schema(builder, join, &schema, error));
    struct od_physical *node;
    OD_TRY(od_physical_new(builder, join->algorithm, &schema, join->probe.fragment->root,
                           join->build.fragment->root, &node, error));
    node->join.type = join->type;
    node->join.broadcast = join->meeting == MEET_BROADCAST;
    if (join->algorithm != OD_PHYSICAL_NESTED_LOOP_JOIN) {
        node->join.key_count = join->found.key_count;
        node->join.probe_keys = join->probe.keys;
        node->join.build_keys = join->build.keys;
        node->join.null_safe_keys = join->found.null_safe;
    }
    node->join.residual = residual;
    node->join.pair_schema = join->pair;
    struct od_fragment joined;
    OD_TRY(joined_spread(builder, join, &joined, error));
    joined.root = node;
    OD_TRY(restore_fields(builder, join, &joined, error));
    *fragment = joined; /* only now: it may be one of the two */
    return OD_OK;
}

static enum od_status compute_keys(struct od_stage_builder *builder, const struct join *join,
                                   struct side *side, struct od_error *error)
{
    uint32_t count = join->found.key_count;
    OD_TAKE(side->keys, builder->plan_arena, count, error);
    return od_fragment_columns(builder, side->fragment, side->exprs, count, side->keys, &side->extra, error);
}

enum od_status od_physical_join(struct od_stage_builder *builder, const struct od_plan *plan,
                                struct od_fragment *left, struct od_fragment *right,
                                struct od_fragment *fragment_out, struct od_error *error)
{
    struct join join = {.plan = plan, .type = plan->join.type};
    OD_TRY(od_join_keys_find(builder->plan_arena, plan->inputs[0], plan->inputs[1], plan->join.condition,
                             &join.found, error));
    join.probe = (struct side){left, od_plan_estimate_rows(plan->inputs[0]), join.found.left, NULL, 0};
    join.build = (struct side){right, od_plan_estimate_rows(plan->inputs[1]), join.found.right, NULL, 0};
    if (wants_swap(builder, &join)) {
        swap_sides(&join);
        od_stage_fired(builder, OD_RULE_JOIN_REORDERING);
    }
    choose(builder, &join);
    if (join.meeting == MEET_PARTITIONED || join.algorithm != OD_PHYSICAL_NESTED_LOOP_JOIN) {
        OD_TRY(compute_keys(builder, &join, &join.probe, error));
        OD_TRY(compute_keys(builder, &join, &join.build, error));
    }
    OD_TRY(meet(builder, &join, error));
    if (join.algorithm == OD_PHYSICAL_MERGE_JOIN) {
        OD_TRY(sort_side(builder, &join, &join.probe, error));
        OD_TRY(sort_side(builder, &join, &join.build, error));
    }
    OD_TRY(build_pair(builder, &join, error));
    return put_join(builder, &join, fragment_out, error);
}
