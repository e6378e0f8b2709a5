/* rule_join_reordering: inner joins next to each other are done in the order that statistics like best.
 *
 *   region    a tree of INNER joins, with the filters and column picks between them: *leaves*, whose columns get one common
 *             numbering, and conjuncts over it, each with the set of leaves that it reads
 *   order     up to 10 leaves: the cheapest tree of any shape by dynamic programming over sets of leaves; more: always the
 *             pair whose join is smallest. What no conjunct connects is only joined when nothing else is left.
 *   cost      rows of each join, and of its right side, which is the one that is kept in memory
 *
 * A conjunct is tested at the first join that has all its leaves; a project on top puts the columns back in order. Nothing that
 * may fail is in a region: other joins would show it other rows. */
#include "engine/plan/plan_rewrite.h"
#include "engine/plan/plan_table.h"
#include "engine/plan/rule.h"
#include "engine/plan/statistics.h"

#define LEAVES_MAX         64 /* bits of a set */
#define LEAVES_EXHAUSTIVE  10
#define WORTH_IT           0.99 /* of the cost as written: or it stays */

typedef uint64_t leaf_set;

struct tree {
    double cost;
    double rows;
    leaf_set left; /* of the set; 0: a leaf */
};

struct reordering {
    struct od_arena *plan_arena;
    struct od_plan_table table;
    bool changed;
};

struct conjunct {
    const struct od_expr *expr; /* over the region's column numbers */
    leaf_set reads;
    double share; /* of the rows for which it is true */
};

struct region {
    struct reordering *reordering;
    uint32_t leaf_count;
    const struct od_plan *written[LEAVES_MAX];
    const struct od_plan *leaves[LEAVES_MAX]; /* those, reordered inside */
    uint32_t first[LEAVES_MAX]; /* column number of the leaf's first column */
    double rows[LEAVES_MAX];
    uint32_t column_count;
    uint32_t conjunct_count;
    uint32_t conjunct_capacity;
    struct conjunct *conjuncts;
    uint32_t open_joins; /* one more leaf than these, at most */
    uint32_t join_count; /* as written: */
    leaf_set joins[LEAVES_MAX][2];
};

static enum od_status reorder(struct reordering *reordering, const struct od_plan *plan,
                              const struct od_plan **plan_out, struct od_error *error);

/* --- the region --------------------------------------------------------------------------------- */

static leaf_set leaves_of(const struct region *region, const struct od_expr *expr)
{
    leaf_set set = 0;
    uint32_t leaf = region->leaf_count - 1;
    while (expr->kind == OD_EXPR_COLUMN && region->first[leaf] > expr->column_index)
        leaf--;
    if (expr->kind == OD_EXPR_COLUMN)
        return (leaf_set)1 << leaf;
    for (uint32_t i = 0; expr->kind == OD_EXPR_CALL && i < expr->argument_count; i++)
        set |= leaves_of(region, expr->arguments[i]);
    return set;
}

static enum od_status add_conjuncts(struct region *region, const struct od_expr *condition,
                                    const struct od_expr *const *map, struct od_error *error)
{
    struct od_arena *plan_arena = region->reordering->plan_arena;
    if (condition->kind == OD_EXPR_CALL && condition->function == OD_FUNCTION_AND) {
        for (uint32_t i = 0; i < condition->argument_count; i++)
            OD_TRY(add_conjuncts(region, condition->arguments[i], map, error));
        return OD_OK;
    }
    if (od_expr_is_true(condition))
        return OD_OK;
    OD_TRY(od_arena_grow(plan_arena, &region->conjuncts, &region->conjunct_capacity, region->conjunct_count,
                         sizeof(*region->conjuncts), error));
    return od_expr_substitute(plan_arena, condition, map, &region->conjuncts[region->conjunct_count++].expr, error);
}

static bool picks_columns(const struct od_plan *plan)
{
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        if (plan->rows.exprs[i]->kind != OD_EXPR_COLUMN)
            return false;
    return true;
}

/* Does the plan belong to a region, rather than being a leaf of it? Only a way to a join is worth following. */
static bool continues(const struct reordering *reordering, const struct od_plan *plan, bool is_root)
{
    if (od_plan_node_may_fail(plan) || (!is_root && od_plan_table_shared(&reordering->table, plan) != NULL))
        return false;
    while (plan->kind == OD_PLAN_FILTER || (plan->kind == OD_PLAN_PROJECT && picks_columns(plan)))
        plan = plan->inputs[0];
    return plan->kind == OD_PLAN_JOIN && plan->join.type == OD_JOIN_INNER && !od_plan_node_may_fail(plan);
}

static enum od_status add_leaf(struct region *region, const struct od_plan *plan, const struct od_expr **map,
                               leaf_set *set_out, struct od_error *error)
{
    uint32_t leaf = region->leaf_count++;
    region->written[leaf] = plan;
    OD_TRY(reorder(region->reordering, plan, &region->leaves[leaf], error));
    region->first[leaf] = region->column_count;
    region->rows[leaf] = od_plan_estimate_rows(region->leaves[leaf]);
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        OD_TRY(od_expr_outer(region->reordering->plan_arena, &plan->schema.fields[i], region->column_count++, 0,
                             &map[i], error));
    *set_out = (leaf_set)1 << leaf;
    return OD_OK;
}

/* map: the plan's columns by the region's numbers, room for schema.field_count. */
static enum od_status collect(struct region *region, const struct od_plan *plan, bool is_root,
                              const struct od_expr **map, leaf_set *set_out, struct od_error *error)
{
    leaf_set sets[2] = {0, 0};
    if (!continues(region->reordering, plan, is_root) || region->open_joins + 1 >= LEAVES_MAX)
        return add_leaf(region, plan, map, set_out, error);
    if (plan->kind == OD_PLAN_JOIN) {
        uint32_t left = plan->inputs[0]->schema.field_count;
        region->open_joins++;
        OD_TRY(collect(region, plan->inputs[0], false, map, &sets[0], error));
        OD_TRY(collect(region, plan->inputs[1], false, map + left, &sets[1], error));
        *set_out = sets[0] | sets[1];
        region->joins[region->join_count][0] = sets[0];
        region->joins[region->join_count++][1] = sets[1];
        return add_conjuncts(region, plan->join.condition, map, error);
    }
    OD_TAKE_LIST(const struct od_expr *, inner, region->reordering->plan_arena, plan->inputs[0]->schema.field_count, error);
    OD_TRY(collect(region, plan->inputs[0], false, inner, set_out, error));
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        map[i] = inner[plan->kind == OD_PLAN_PROJECT ? plan->rows.exprs[i]->column_index : i];
    return plan->kind == OD_PLAN_FILTER ? add_conjuncts(region, plan->filter.predicate, inner, error) : OD_OK;
}

static void weigh(struct region *region)
{
    struct od_estimate_inputs inputs = {region->leaf_count, region->leaves, region->first, region->rows};
    for (uint32_t i = 0; i < region->conjunct_count; i++) {
        region->conjuncts[i].reads = leaves_of(region, region->conjuncts[i].expr);
        region->conjuncts[i].share = od_estimate_selectivity(&inputs, region->conjuncts[i].expr);
    }
}

/* --- the order ---------------------------------------------------------------------------------- */

static double rows_of(const struct region *region, leaf_set set)
{
    double rows = 1;
    for (uint32_t i = 0; i < region->leaf_count; i++)
        rows *= (set >> i & 1) != 0 ? region->rows[i] : 1;
    for (uint32_t i = 0; i < region->conjunct_count; i++)
        rows *= (region->conjuncts[i].reads & ~set) == 0 ? region->conjuncts[i].share : 1;
    return rows;
}

static bool connected(const struct region *region, leaf_set left, leaf_set right)
{
    for (uint32_t i = 0; i < region->conjunct_count; i++) {
        leaf_set reads = region->conjuncts[i].reads;
        if ((reads & left) != 0 && (reads & right) != 0 && (reads & ~(left | right)) == 0)
            return true;
    }
    return false;
}

static double cost_as_written(const struct region *region)
{
    double cost = 0;
    for (uint32_t i = 0; i < region->join_count; i++)
        cost += rows_of(region, region->joins[i][0] | region->joins[i][1]) + rows_of(region, region->joins[i][1]);
    return cost;
}

/* trees[set] for all sets of leaves. */
static void order_exhaustively(const struct region *region, struct tree *trees)
{
    leaf_set all = ((leaf_set)1 << region->leaf_count) - 1;
    for (leaf_set set = 1; set <= all; set++) {
        bool found_connected = false;
        trees[set] = (struct tree){.rows = rows_of(region, set)};
        for (leaf_set left = (set - 1) & set; left != 0; left = (left - 1) & set) {
            leaf_set right = set & ~left;
            if (trees[right].rows > trees[left].rows || (trees[right].rows == trees[left].rows && right < left))
                continue; /* the other way round */
            bool is_connected = connected(region, left, right);
            double cost = trees[left].cost + trees[right].cost + trees[set].rows + trees[right].rows;
            if (trees[set].left != 0 && (is_connected < found_connected ||
                                         (is_connected == found_connected && cost >= trees[set].cost)))
                continue;
            found_connected = is_connected;
            trees[set].left = left;
            trees[set].cost = cost;
        }
    }
}

/* Joins in the order in which they are done: pairs of sets. */
struct pair {
    leaf_set left;
    leaf_set right;
};

static void pairs_of_tree(const struct tree *trees, leaf_set set, struct pair *pairs, uint32_t *count)
{
    if (trees[set].left == 0)
        return;
    struct pair pair = {trees[set].left, set & ~trees[set].left};
    pairs_of_tree(trees, pair.left, pairs, count);
    pairs_of_tree(trees, pair.right, pairs, count);
    pairs[(*count)++] = pair;
}

static double order_greedily(const struct region *region, struct pair *pairs)
{
    leaf_set sets[LEAVES_MAX];
    uint32_t count = region->leaf_count;
    double cost = 0;
    for (uint32_t i = 0; i < count; i++)
        sets[i] = (leaf_set)1 << i;
    for (uint32_t step = 0; count > 1; step++, count--) {
        uint32_t best[2] = {0, 1};
        double best_rows = -1;
        bool best_connected = false;
        for (uint32_t i = 0; i < count; i++) {
            for (uint32_t k = i + 1; k < count; k++) {
                bool is_connected = connected(region, sets[i], sets[k]);
                double rows = rows_of(region, sets[i] | sets[k]);
                if (best_rows >= 0 && (is_connected < best_connected || (is_connected == best_connected && rows >= best_rows)))
                    continue;
                best_rows = rows;
                best_connected = is_connected;
                best[0] = i;
                best[1] = k;
            }
        }
        bool swap = rows_of(region, sets[best[1]]) > rows_of(region, sets[best[0]]);
        pairs[step] = (struct pair){sets[best[swap]], sets[best[!swap]]};
        cost += best_rows + rows_of(region, pairs[step].right);
        sets[best[0]] |= sets[best[1]];
        sets[best[1]] = sets[count - 1];
    }
    return cost;
}

/* --- the joins ---------------------------------------------------------------------------------- */

/* Where the columns of a built set are: places[number of the region] = column of the plan. */
struct built {
    const struct od_plan *plan;
    uint32_t *places;
};

static enum od_status build(struct region *region, const struct pair *pairs, leaf_set set, struct built *built,
                            struct od_error *error);

/* The conjuncts that become true or false here, over the columns of the join. One of a single leaf is tested where the leaf comes
 * in, one of none at the top. */
static enum od_status conjuncts_at(struct region *region, const struct pair *pair, const struct od_expr *const *map,
                                   const struct od_expr **condition_out, struct od_error *error)
{
    struct od_arena *plan_arena = region->reordering->plan_arena;
    leaf_set set = pair->left | pair->right;
    leaf_set all = ~(leaf_set)0 >> (LEAVES_MAX - region->leaf_count);
    uint32_t count = 0;
    OD_TAKE_LIST(const struct od_expr *, conjuncts, plan_arena, region->conjunct_count, error);
    for (uint32_t i = 0; i < region->conjunct_count; i++) {
        leaf_set reads = region->conjuncts[i].reads;
        bool below = (reads & ~pair->left) == 0 || (reads & ~pair->right) == 0;
        bool leaf_here = (reads & (reads - 1)) == 0 && (reads == pair->left || reads == pair->right);
        if (reads == 0 ? set == all : (reads & ~set) == 0 && (!below || leaf_here))
            OD_TRY(od_expr_substitute(plan_arena, region->conjuncts[i].expr, map, &conjuncts[count++], error));
    }
    return od_expr_conjunction(plan_arena, conjuncts, count, condition_out, error);
}

static enum od_status build_join(struct region *region, const struct pair *pairs, const struct pair *pair,
                                 struct built *built, struct od_error *error)
{
    struct od_arena *plan_arena = region->reordering->plan_arena;
    struct built left;
    struct built right;
    struct od_schema schema;
    const struct od_expr *condition = NULL;
    OD_TRY(build(region, pairs, pair->left, &left, error));
    OD_TRY(build(region, pairs, pair->right, &right, error));
    OD_TAKE_LIST(const struct od_expr *, map, plan_arena, region->column_count, error);
    OD_TRY(od_plan_join_schema(plan_arena, left.plan, right.plan, &schema, error));
    for (uint32_t i = 0; i < region->column_count; i++) {
        built->places[i] = left.places[i];
        if (right.places[i] != OD_FIELD_NONE)
            built->places[i] = left.plan->schema.field_count + right.places[i];
        if (built->places[i] != OD_FIELD_NONE)
            OD_TRY(od_expr_column(plan_arena, &schema, built->places[i], &map[i], error));
    }
    OD_TRY(conjuncts_at(region, pair, map, &condition, error));
    return od_plan_join(plan_arena, OD_JOIN_INNER, left.plan, right.plan, condition, &built->plan, error);
}

static enum od_status build(struct region *region, const struct pair *pairs, leaf_set set, struct built *built,
                            struct od_error *error)
{
    OD_TAKE(built->places, region->reordering->plan_arena, region->column_count, error);
    for (uint32_t i = 0; i + 1 < region->leaf_count; i++)
        if ((pairs[i].left | pairs[i].right) == set)
            return build_join(region, pairs, &pairs[i], built, error);
    uint32_t leaf = 0;
    while (set != (leaf_set)1 << leaf)
        leaf++;
    built->plan = region->leaves[leaf];
    for (uint32_t i = 0; i < region->column_count; i++) {
        bool own = i >= region->first[leaf] && i - region->first[leaf] < built->plan->schema.field_count;
        built->places[i] = own ? i - region->first[leaf] : OD_FIELD_NONE;
    }
    return OD_OK;
}

/* The joins of the pairs, with the columns and names of `plan`. */
static enum od_status build_region(struct region *region, const struct pair *pairs, leaf_set all,
                                   const struct od_plan *plan, const struct od_expr *const *map,
                                   const struct od_plan **plan_out, struct od_error *error)
{
    struct od_arena *plan_arena = region->reordering->plan_arena;
    uint32_t width = plan->schema.field_count;
    struct built built;
    OD_TAKE_LIST(const struct od_expr *, exprs, plan_arena, width, error);
    OD_TRY(build(region, pairs, all, &built, error));
    for (uint32_t i = 0; i < width; i++)
        OD_TRY(od_expr_column(plan_arena, &built.plan->schema, built.places[map[i]->column_index], &exprs[i], error));
    return od_plan_project_as(plan_arena, built.plan, exprs, &plan->schema, plan_out, error);
}

/* The plan as it is, over reordered leaves. */
static enum od_status keep_order(struct reordering *reordering, const struct od_plan *plan,
                                 const struct od_plan **plan_out, struct od_error *error)
{
    const struct od_plan *inputs[2] = {NULL, NULL};
    for (uint32_t i = 0; i < plan->input_count; i++)
        OD_TRY(reorder(reordering, plan->inputs[i], &inputs[i], error));
    return od_plan_rebuild(reordering->plan_arena, plan, inputs, NULL, plan_out, error);
}

/* As above, for the nodes of a region, whose leaves come in the order in which they were found. */
static enum od_status keep_region(struct region *region, const struct od_plan *plan, uint32_t *leaf,
                                  const struct od_plan **plan_out, struct od_error *error)
{
    const struct od_plan *inputs[2] = {NULL, NULL};
    if (*leaf < region->leaf_count && plan == region->written[*leaf]) {
        *plan_out = region->leaves[(*leaf)++];
        return OD_OK;
    }
    for (uint32_t i = 0; i < plan->input_count; i++)
        OD_TRY(keep_region(region, plan->inputs[i], leaf, &inputs[i], error));
    return od_plan_rebuild(region->reordering->plan_arena, plan, inputs, NULL, plan_out, error);
}

static enum od_status reorder_region(struct reordering *reordering, const struct od_plan *plan,
                                     const struct od_plan **plan_out, struct od_error *error)
{
    struct od_arena *plan_arena = reordering->plan_arena;
    OD_TAKE_LIST(struct region, region, plan_arena, 1, error);
    OD_TAKE_LIST(const struct od_expr *, map, plan_arena, plan->schema.field_count, error);
    leaf_set all = 0;
    double cost = 0;
    struct pair pairs[LEAVES_MAX];
    uint32_t pair_count = 0;
    region->reordering = reordering;
    OD_TRY(collect(region, plan, true, map, &all, error));
    weigh(region);
    if (region->leaf_count <= LEAVES_EXHAUSTIVE) {
        OD_TAKE_LIST(struct tree, trees, plan_arena, (size_t)all + 1, error);
        order_exhaustively(region, trees);
        pairs_of_tree(trees, all, pairs, &pair_count);
        cost = trees[all].cost;
    } else {
        cost = order_greedily(region, pairs);
    }
    if (!(cost < WORTH_IT * cost_as_written(region))) {
        uint32_t leaf = 0;
        return keep_region(region, plan, &leaf, plan_out, error);
    }
    reordering->changed = true;
    return build_region(region, pairs, all, plan, map, plan_out, error);
}

static enum od_status reorder(struct reordering *reordering, const struct od_plan *plan,
                              const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan_entry *entry = od_plan_table_find(&reordering->table, plan);
    if (entry->result == NULL) {
        bool region = continues(reordering, plan, true);
        OD_TRY((region ? reorder_region : keep_order)(reordering, plan, &entry->result, error));
    }
    *plan_out = entry->result;
    return OD_OK;
}

enum od_status od_rule_join_reordering(const struct od_rule_context *context, const struct od_plan *plan,
                                       const struct od_plan **plan_out, bool *changed_out, struct od_error *error)
{
    struct reordering reordering = {.plan_arena = context->plan_arena};
    OD_TRY(od_plan_table_init(context->plan_arena, plan, &reordering.table, error));
    OD_TRY(reorder(&reordering, plan, plan_out, error));
    *changed_out = reordering.changed;
    return OD_OK;
}
