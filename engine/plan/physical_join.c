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
#include "engine/plan/stage_build.h"
#include "engine/plan/statistics.h"

#define SWAP_FACTOR 4 /* the left side must be so much smaller to become the build side */

struct side {
    struct od_fragment *fragment;
    double rows;                        /* estimated */
    const struct od_expr *const *exprs; /* its keys, over the input's columns */
    const uint32_t *keys;               /* the same as columns, once computed ones were appended */
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
    struct od_schema *pair; /* in the plan_arena */
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
    if (!can_swap || !od_rule_is_on(builder->make, OD_RULE_JOIN_REORDERING))
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
    if (!od_rule_is_on(builder->make, OD_RULE_BROADCAST_JOIN) ||
        join->build.rows > builder->broadcast_rows_max)
        return false;
    od_rule_fired(builder->make, OD_RULE_BROADCAST_JOIN);
    return true;
}

static void choose(struct od_stage_builder *builder, struct join *join)
{
    const struct od_plan_options *options = builder->make->options;
    bool can_broadcast = join->type != OD_JOIN_RIGHT && join->type != OD_JOIN_FULL;
    bool can_part = join->found.key_count > 0 && !null_matters(join);
    if (od_fragment_is_single(builder, join->probe.fragment) &&
        od_fragment_is_single(builder, join->build.fragment)) {
        join->meeting = MEET_IN_PLACE;
        od_rule_fired(builder->make, OD_RULE_EXCHANGE_ELIMINATION);
    } else if (!can_part) {
        join->meeting = can_broadcast ? MEET_BROADCAST : MEET_SINGLE;
    } else if (!can_broadcast || options->join_strategy == OD_JOIN_FORCE_PARTITIONED) {
        join->meeting = MEET_PARTITIONED;
    } else {
        join->meeting = options->join_strategy == OD_JOIN_FORCE_BROADCAST || is_small(builder, join)
                            ? MEET_BROADCAST
                            : MEET_PARTITIONED;
    }
    /* Keys are computed for every row, what a nested loop compares for pairs: it must not fail. */
    bool loops = join->found.key_count == 0 || (options->join_algorithm == OD_JOIN_FORCE_NESTED_LOOP &&
                                                !join->found.left[0]->may_fail && !join->found.right[0]->may_fail);
    if (loops)
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

static bool exchange_side(struct od_stage_builder *builder, struct side *side, const uint32_t *positions,
                          uint32_t count, uint32_t partition_count, const char *prefix)
{
    OD_NEW_LIST(uint32_t, keys, builder->make, count);
    for (uint32_t i = 0; i < count; i++)
        keys[i] = side->keys[positions[i]];
    return od_fragment_spread(builder, side->fragment, keys, count, partition_count, prefix, NULL);
}

/* Which keys rule the partitioning, and which sides have to move. */
static bool partition_sides(struct od_stage_builder *builder, struct join *join)
{
    struct od_fragment *probe = join->probe.fragment;
    struct od_fragment *build = join->build.fragment;
    uint32_t count = join->found.key_count;
    uint32_t partition_count = 0;
    OD_NEW_LIST(uint32_t, positions, builder->make, count + probe->key_count);
    OD_NEW_LIST(uint32_t, other, builder->make, count + build->key_count);
    bool may_stay = od_rule_is_on(builder->make, OD_RULE_EXCHANGE_ELIMINATION);
    bool build_stays = may_stay && spread_by_keys(&join->build, count, other);
    bool probe_stays = may_stay && spread_by_keys(&join->probe, count, positions);
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
        positions = od_new_numbers(builder->make, 0, count);
    }
    if (probe_stays || build_stays)
        od_rule_fired(builder->make, OD_RULE_EXCHANGE_ELIMINATION);
    OD_NEED(probe_stays || exchange_side(builder, &join->probe, positions, count, partition_count,
                                         "equal join keys must meet (probe side)"));
    OD_NEED(build_stays || exchange_side(builder, &join->build, positions, count, partition_count,
                                         "equal join keys must meet (build side)"));
    od_assert(probe->task_count == build->task_count);
    return true;
}

static bool meet(struct od_stage_builder *builder, struct join *join)
{
    const struct od_exchange broadcast = {
        .kind = OD_EXCHANGE_BROADCAST,
        .reason = join->found.key_count == 0 ? "no equality to meet by: every probe task gets the build side"
                  : null_matters(join) ? "a NULL key concerns every row: every probe task gets the build side"
                                       : "the build side is small: every probe task gets all of it"};
    switch (join->meeting) {
    case MEET_BROADCAST:
        return od_fragment_exchange(builder, join->build.fragment, &broadcast);
    case MEET_PARTITIONED:
        return partition_sides(builder, join);
    case MEET_SINGLE:
        return od_fragment_meet(builder, join->probe.fragment, NULL, 0, NULL,
                                "no equality to meet by: one task joins (probe side)", NULL) &&
               od_fragment_meet(builder, join->build.fragment, NULL, 0, NULL,
                                "no equality to meet by: one task joins (build side)", NULL);
    case MEET_IN_PLACE:
        break;
    }
    return true;
}

static bool sort_side(struct od_stage_builder *builder, const struct join *join, const struct side *side)
{
    OD_NEW_LIST(struct od_sort_key, keys, builder->make, join->found.key_count);
    for (uint32_t i = 0; i < join->found.key_count; i++)
        keys[i].expr = od_new_column(builder->make, &side->fragment->root->schema, side->keys[i]);
    OD_NEED(builder->make->status == OD_OK);
    return od_fragment_sort(builder, side->fragment, keys, join->found.key_count, UINT64_MAX, false);
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

static bool build_pair(struct od_stage_builder *builder, struct join *join)
{
    const struct od_schema *probe = &join->probe.fragment->root->schema;
    const struct od_schema *build = &join->build.fragment->root->schema;
    OD_NEW(join->pair, builder->make, 1);
    join->pair->field_count = probe->field_count + build->field_count;
    OD_NEW(join->pair->fields, builder->make, join->pair->field_count);
    for (uint32_t i = 0; i < join->pair->field_count; i++)
        join->pair->fields[i] =
            i < probe->field_count ? probe->fields[i] : build->fields[i - probe->field_count];
    return true;
}

/* What the pairs that were found by keys must still fulfil: all of the condition when there was no looking at keys. NULL:
 * nothing. */
static const struct od_expr *build_residual(struct od_maker *make, const struct join *join)
{
    uint32_t total = join->plan->inputs[0]->schema.field_count + join->plan->inputs[1]->schema.field_count;
    const struct od_expr *residual = join->plan->join.condition;
    if (join->algorithm != OD_PHYSICAL_NESTED_LOOP_JOIN)
        residual = od_new_conjunction(make, join->found.residual, join->found.residual_count);
    if (residual == NULL || od_expr_is_true(residual))
        return NULL;
    OD_NEW_LIST(const struct od_expr *, map, make, total);
    for (uint32_t i = 0; i < total; i++)
        map[i] = od_new_column(make, join->pair, pair_column(join, i));
    return od_new_substitute(make, residual, map);
}

static bool joined_schema(struct od_maker *make, const struct join *join, struct od_schema *schema_out)
{
    uint32_t probe_count = join->probe.fragment->root->schema.field_count;
    bool gives_right = od_join_gives_right(join->type);
    schema_out->field_count =
        gives_right ? join->pair->field_count : probe_count + (join->type == OD_JOIN_MARK);
    OD_NEW(schema_out->fields, make, schema_out->field_count);
    for (uint32_t i = 0; i < schema_out->field_count; i++) {
        bool is_mark = !gives_right && i == probe_count;
        bool pads = i < probe_count ? od_join_pads_left(join->type) : od_join_pads_right(join->type);
        schema_out->fields[i] =
            is_mark ? join->plan->schema.fields[join->plan->schema.field_count - 1] : join->pair->fields[i];
        schema_out->fields[i].nullable |= pads;
    }
    return true;
}

/* Back to the fields of the logical join, without computed keys and in their places. */
static bool restore_fields(struct od_stage_builder *builder, const struct join *join, struct od_fragment *fragment)
{
    uint32_t total = join->plan->schema.field_count;
    bool gives_right = od_join_gives_right(join->type);
    if (!join->is_swapped && join->probe.extra == 0 && (join->build.extra == 0 || !gives_right))
        return true;
    OD_NEW_LIST(uint32_t, columns, builder->make, total);
    for (uint32_t i = 0; i < total; i++)
        columns[i] = gives_right || i < join->plan->inputs[0]->schema.field_count
                         ? pair_column(join, i)
                         : join->probe.fragment->root->schema.field_count;
    return od_fragment_pick(builder, fragment, columns, &join->plan->schema);
}

/* What is known of where the rows are. */
static bool joined_spread(struct od_stage_builder *builder, const struct join *join, struct od_fragment *fragment)
{
    const struct od_fragment *probe = join->probe.fragment;
    const struct od_fragment *build = join->build.fragment;
    *fragment = *probe;
    od_fragment_forget_order(fragment);
    if (join->type == OD_JOIN_FULL)
        fragment->key_count = 0;
    if (join->type != OD_JOIN_RIGHT)
        return true;
    OD_NEW_LIST(uint32_t, keys, builder->make, build->key_count);
    for (uint32_t i = 0; i < build->key_count; i++)
        keys[i] = probe->root->schema.field_count + build->keys[i];
    fragment->key_count = build->key_count;
    fragment->keys = keys;
    return true;
}

static bool put_join(struct od_stage_builder *builder, const struct join *join, struct od_fragment *fragment)
{
    struct od_schema schema;
    struct od_fragment joined;
    OD_NEED(joined_schema(builder->make, join, &schema) && joined_spread(builder, join, &joined));
    struct od_physical *node = od_physical_new(builder, join->algorithm, &schema, join->probe.fragment->root,
                                               join->build.fragment->root);
    OD_NEED(node != NULL);
    node->join.type = join->type;
    node->join.broadcast = join->meeting == MEET_BROADCAST;
    if (join->algorithm != OD_PHYSICAL_NESTED_LOOP_JOIN) {
        node->join.key_count = join->found.key_count;
        node->join.probe_keys = join->probe.keys;
        node->join.build_keys = join->build.keys;
        node->join.null_safe_keys = join->found.null_safe;
    }
    node->join.residual = build_residual(builder->make, join);
    node->join.pair_schema = join->pair;
    joined.root = node;
    OD_NEED(restore_fields(builder, join, &joined));
    *fragment = joined; /* only now: it may be one of the two */
    return builder->make->status == OD_OK;
}

static bool compute_keys(struct od_stage_builder *builder, const struct join *join, struct side *side)
{
    side->keys = od_fragment_columns(builder, side->fragment, side->exprs, join->found.key_count, &side->extra);
    return side->keys != NULL;
}

bool od_physical_join(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *left,
                      struct od_fragment *right, struct od_fragment *fragment_out)
{
    struct join join = {.plan = plan, .type = plan->join.type};
    OD_NEED(od_join_keys_find(builder->make, plan->inputs[0], plan->inputs[1], plan->join.condition, &join.found));
    join.probe = (struct side){left, od_plan_estimate_rows(plan->inputs[0]), join.found.left, NULL, 0};
    join.build = (struct side){right, od_plan_estimate_rows(plan->inputs[1]), join.found.right, NULL, 0};
    if (wants_swap(builder, &join)) {
        swap_sides(&join);
        od_rule_fired(builder->make, OD_RULE_JOIN_REORDERING);
    }
    choose(builder, &join);
    if (join.meeting == MEET_PARTITIONED || join.algorithm != OD_PHYSICAL_NESTED_LOOP_JOIN)
        OD_NEED(compute_keys(builder, &join, &join.probe) && compute_keys(builder, &join, &join.build));
    OD_NEED(meet(builder, &join));
    if (join.algorithm == OD_PHYSICAL_MERGE_JOIN)
        OD_NEED(sort_side(builder, &join, &join.probe) && sort_side(builder, &join, &join.build));
    return build_pair(builder, &join) && put_join(builder, &join, fragment_out);
}
