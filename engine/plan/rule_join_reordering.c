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

struct conjunct {
    const struct od_expr *expr; /* over the region's column numbers */
    leaf_set reads;
    double share; /* of the rows for which it is true */
};

struct region {
    struct od_maker *make;
    struct od_plan_table *table; /* of the whole plan */
    uint32_t leaf_count;
    const struct od_plan *leaves[LEAVES_MAX]; /* reordered inside */
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

static const struct od_plan *reorder(struct od_maker *make, struct od_plan_table *table, const struct od_plan *plan);

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

static bool add_conjuncts(struct region *region, const struct od_expr *condition, const struct od_expr *const *map)
{
    struct od_maker *make = region->make;
    if (condition->kind == OD_EXPR_CALL && condition->function == OD_FUNCTION_AND) {
        for (uint32_t i = 0; i < condition->argument_count; i++)
            OD_NEED(add_conjuncts(region, condition->arguments[i], map));
        return true;
    }
    if (od_expr_is_true(condition))
        return true;
    make->status = od_arena_grow(make->arena, &region->conjuncts, &region->conjunct_capacity, region->conjunct_count,
                                 sizeof(*region->conjuncts), make->error);
    OD_NEED(make->status == OD_OK);
    region->conjuncts[region->conjunct_count++].expr = od_new_substitute(make, condition, map);
    return make->status == OD_OK;
}

static bool picks_columns(const struct od_plan *plan)
{
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        if (plan->rows.exprs[i]->kind != OD_EXPR_COLUMN)
            return false;
    return true;
}

/* Does the plan belong to a region, rather than being a leaf of it? Only a way to a join is worth following. */
static bool continues(const struct od_plan_table *table, const struct od_plan *plan, bool is_root)
{
    if (od_plan_node_may_fail(plan) || (!is_root && od_plan_table_shared(table, plan) != NULL))
        return false;
    while (plan->kind == OD_PLAN_FILTER || (plan->kind == OD_PLAN_PROJECT && picks_columns(plan)))
        plan = plan->inputs[0];
    return plan->kind == OD_PLAN_JOIN && plan->join.type == OD_JOIN_INNER && !od_plan_node_may_fail(plan);
}

static bool add_leaf(struct region *region, const struct od_plan *plan, const struct od_expr **map, leaf_set *set_out)
{
    uint32_t leaf = region->leaf_count++;
    region->leaves[leaf] = reorder(region->make, region->table, plan);
    OD_NEED(region->leaves[leaf] != NULL);
    region->first[leaf] = region->column_count;
    region->rows[leaf] = od_plan_estimate_rows(region->leaves[leaf]);
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        map[i] = od_new_outer(region->make, &plan->schema.fields[i], region->column_count++, 0);
    *set_out = (leaf_set)1 << leaf;
    return region->make->status == OD_OK;
}

/* map: the plan's columns by the region's numbers, room for schema.field_count. */
static bool collect(struct region *region, const struct od_plan *plan, bool is_root, const struct od_expr **map,
                    leaf_set *set_out)
{
    if (!continues(region->table, plan, is_root) || region->open_joins + 1 >= LEAVES_MAX)
        return add_leaf(region, plan, map, set_out);
    if (plan->kind == OD_PLAN_JOIN) {
        leaf_set sets[2] = {0, 0};
        region->open_joins++;
        OD_NEED(collect(region, plan->inputs[0], false, map, &sets[0]));
        OD_NEED(collect(region, plan->inputs[1], false, map + plan->inputs[0]->schema.field_count, &sets[1]));
        *set_out = sets[0] | sets[1];
        region->joins[region->join_count][0] = sets[0];
        region->joins[region->join_count++][1] = sets[1];
        return add_conjuncts(region, plan->join.condition, map);
    }
    OD_NEW_LIST(const struct od_expr *, inner, region->make, plan->inputs[0]->schema.field_count);
    OD_NEED(collect(region, plan->inputs[0], false, inner, set_out));
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        map[i] = inner[plan->kind == OD_PLAN_PROJECT ? plan->rows.exprs[i]->column_index : i];
    return plan->kind == OD_PLAN_PROJECT || add_conjuncts(region, plan->filter.predicate, inner);
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

/* Where the columns of a built set are: places[number of the region] = column of the plan. NULL: something has failed. */
struct built {
    const struct od_plan *plan;
    uint32_t *places;
};
static struct built build(struct region *region, const struct pair *pairs, leaf_set set);

/* The conjuncts that become true or false here, over the columns of the join. One of a single leaf is tested where the leaf comes
 * in, one of none at the top. */
static const struct od_expr *conjuncts_at(struct region *region, const struct pair *pair, const struct od_expr *const *map)
{
    leaf_set set = pair->left | pair->right;
    leaf_set all = ~(leaf_set)0 >> (LEAVES_MAX - region->leaf_count);
    uint32_t count = 0;
    OD_NEW_LIST(const struct od_expr *, conjuncts, region->make, region->conjunct_count);
    for (uint32_t i = 0; i < region->conjunct_count; i++) {
        leaf_set reads = region->conjuncts[i].reads;
        bool below = (reads & ~pair->left) == 0 || (reads & ~pair->right) == 0;
        bool leaf_here = (reads & (reads - 1)) == 0 && (reads == pair->left || reads == pair->right);
        if (reads == 0 ? set == all : (reads & ~set) == 0 && (!below || leaf_here))
            conjuncts[count++] = od_new_substitute(region->make, region->conjuncts[i].expr, map);
    }
    return od_new_conjunction(region->make, conjuncts, count);
}

/* Sets places[], as of struct built. */
static const struct od_plan *build_join(struct region *region, const struct pair *pairs, const struct pair *pair,
                                        uint32_t *places)
{
    struct od_maker *make = region->make;
    struct built left = build(region, pairs, pair->left);
    struct built right = build(region, pairs, pair->right);
    OD_NEW_LIST(const struct od_expr *, map, make, region->column_count);
    struct od_schema schema = od_new_join_schema(make, left.plan, right.plan);
    for (uint32_t i = 0; i < region->column_count && make->status == OD_OK; i++) {
        bool is_right = right.places[i] != OD_FIELD_NONE;
        places[i] = is_right ? left.plan->schema.field_count + right.places[i] : left.places[i];
        map[i] = places[i] == OD_FIELD_NONE ? NULL : od_new_column(make, &schema, places[i]);
    }
    return od_new_join(make, OD_JOIN_INNER, left.plan, right.plan, conjuncts_at(region, pair, map));
}

static struct built build(struct region *region, const struct pair *pairs, leaf_set set)
{
    struct built built = {NULL, od_new(region->make, region->column_count, sizeof(*built.places))};
    if (built.places == NULL)
        return built;
    for (uint32_t i = 0; i + 1 < region->leaf_count; i++) {
        if ((pairs[i].left | pairs[i].right) != set)
            continue;
        built.plan = build_join(region, pairs, &pairs[i], built.places);
        return built;
    }
    uint32_t leaf = 0;
    while (set != (leaf_set)1 << leaf)
        leaf++;
    built.plan = region->leaves[leaf];
    for (uint32_t i = 0; i < region->column_count; i++) {
        bool own = i >= region->first[leaf] && i - region->first[leaf] < built.plan->schema.field_count;
        built.places[i] = own ? i - region->first[leaf] : OD_FIELD_NONE;
    }
    return built;
}

/* The joins of the pairs, with the columns and names of `plan`. */
static const struct od_plan *build_region(struct region *region, const struct pair *pairs, leaf_set all,
                                          const struct od_plan *plan, const struct od_expr *const *map)
{
    struct built built = build(region, pairs, all);
    OD_NEW_LIST(const struct od_expr *, exprs, region->make, plan->schema.field_count);
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        exprs[i] = od_new_column(region->make, &built.plan->schema, built.places[map[i]->column_index]);
    return od_new_project(region->make, built.plan, exprs, &plan->schema);
}

/* The plan as it is, over reordered inputs. */
static const struct od_plan *keep_order(struct od_maker *make, struct od_plan_table *table, const struct od_plan *plan)
{
    const struct od_plan *inputs[2] = {NULL, NULL};
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = reorder(make, table, plan->inputs[i]);
    return od_new_from(make, plan, inputs, NULL);
}

/* As above, for the nodes of a region, whose leaves are reordered already. */
static const struct od_plan *keep_region(struct od_maker *make, struct od_plan_table *table, const struct od_plan *plan)
{
    const struct od_plan *inputs[2] = {NULL, NULL};
    const struct od_plan_entry *entry = od_plan_table_find(table, plan);
    if (entry->result != NULL)
        return entry->result;
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = keep_region(make, table, plan->inputs[i]);
    return od_new_from(make, plan, inputs, NULL);
}

static const struct od_plan *reorder_region(struct od_maker *make, struct od_plan_table *table, const struct od_plan *plan)
{
    struct pair pairs[LEAVES_MAX];
    uint32_t pair_count = 0;
    leaf_set all = 0;
    double cost = 0;
    OD_NEW_LIST(struct region, region, make, 1);
    OD_NEW_LIST(const struct od_expr *, map, make, plan->schema.field_count);
    region->make = make;
    region->table = table;
    OD_NEED(collect(region, plan, true, map, &all));
    weigh(region);
    if (region->leaf_count <= LEAVES_EXHAUSTIVE) {
        OD_NEW_LIST(struct tree, trees, make, (size_t)all + 1);
        order_exhaustively(region, trees);
        pairs_of_tree(trees, all, pairs, &pair_count);
        cost = trees[all].cost;
    } else {
        cost = order_greedily(region, pairs);
    }
    if (!(cost < WORTH_IT * cost_as_written(region)))
        return keep_region(make, table, plan);
    make->changed = true;
    return build_region(region, pairs, all, plan, map);
}

static const struct od_plan *reorder(struct od_maker *make, struct od_plan_table *table, const struct od_plan *plan)
{
    struct od_plan_entry *entry = od_plan_table_find(table, plan);
    if (entry->result == NULL)
        entry->result = (continues(table, plan, true) ? reorder_region : keep_order)(make, table, plan);
    return entry->result;
}

const struct od_plan *od_rule_join_reordering(struct od_maker *make, const struct od_plan *plan)
{
    struct od_plan_table table;
    return od_plan_table_init(make, plan, &table) ? reorder(make, &table, plan) : NULL;
}
