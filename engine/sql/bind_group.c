/* bind_group: GROUP BY, and the stage of groups.
 *
 *   GROUP BY a, ROLLUP (b, c)      keys a b c      grouping sets {a b c} {a b} {a}
 *
 * A grouping set is the bits of the keys that are in it; several items of the list multiply their sets, as
 * SQL has it. One set is an ordinary AGGREGATE. For several, every row is EXPANDed to one row a set, with the
 * keys that are not in it NULL and the number of the set behind, by which it is grouped, too:
 *
 *   rows  a b c d   ->   a b c d | a b c 0     a b c d | a b - 1     a b c d | a - - 2
 *
 * so that a NULL in b and a b that is left out stay apart. The set of no key must give its row over no rows,
 * too: each such set is a global AGGREGATE over the same input, put beside the others by a UNION. */
#include <string.h>

#include "engine/sql/binder.h"

#define SETS_MAX 4096
#define KEYS_MAX 64 /* beside grouping sets */

/* --- the list of sets ----------------------------------------------------------------------------- */

struct set_list {
    uint32_t count;
    uint64_t *sets;
};

static bool add_set(struct od_binder *binder, struct set_list *list, uint64_t set, int32_t location)
{
    if (list->count == SETS_MAX)
        return od_sql_fail(binder, OD_UNSUPPORTED, location, "more than %d grouping sets are not supported",
                           SETS_MAX);
    return od_sql_append(binder, &list->sets, &list->count, &set, sizeof(set));
}

/* One key. A bare name is a column of FROM first, an output name only then; the other way in ORDER BY. */
static const struct od_expr *bind_key(struct od_binder *binder, struct od_select *build,
                                      const PgQuery__Node *node)
{
    struct od_place place = {.binder = binder, .block = &build->block, .clause = "GROUP BY"};
    const struct od_scope_entry *entry = NULL;
    const char *name = od_as_bare_name(node);
    uint32_t target = OD_NO_COLUMN;
    uint32_t computed = UINT32_C(1) << OD_SLOT_AGGREGATE | UINT32_C(1) << OD_SLOT_GROUPING;
    bool is_column = name != NULL && od_scope_find(&build->block.scope, NULL, name, &entry) > 0;
    OD_NEED(od_find_target(binder, build->targets, node, "GROUP BY", !is_column, &target));
    const struct od_expr *key =
        target == OD_NO_COLUMN ? od_bind_expr(&place, node) : build->targets.at[target].expr;
    OD_NEED(key != NULL);
    for (uint32_t i = build->targets.count; i > 0 && target == OD_NO_COLUMN; i--) /* the first that says the same */
        if (od_same_value(&build->block, build->targets.at[i - 1].expr, key))
            key = build->targets.at[i - 1].expr;
    if (target != OD_NO_COLUMN && od_has_slot(&build->block, key, computed | UINT32_C(1) << OD_SLOT_WINDOW))
        return od_sql_wrong(binder, od_sql_location(node), "%s functions are not allowed in GROUP BY",
                            od_has_slot(&build->block, key, computed) ? "aggregate" : "window");
    if (key->type == OD_TYPE_INTERVAL)
        return od_sql_refuse(binder, od_sql_location(node), "an interval as a column");
    return key;
}

static bool is_output(const struct od_select *build, const struct od_expr *expr)
{
    for (uint32_t i = 0; i < build->targets.count; i++)
        if (build->targets.at[i].expr == expr)
            return true;
    return false;
}

/* The bits of a key, or of the keys of (a, b). */
static bool bind_keys(struct od_binder *binder, struct od_select *build, const PgQuery__Node *node,
                      uint64_t *set_out)
{
    struct od_exprs *groups = &build->block.groups;
    uint32_t k = 0;
    if (node->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
        for (size_t i = 0; i < node->row_expr->n_args; i++)
            OD_NEED(bind_keys(binder, build, node->row_expr->args[i], set_out));
        return true;
    }
    const struct od_expr *key = bind_key(binder, build, node);
    OD_NEED(key != NULL);
    while (k < groups->count && !od_expr_equal(groups->at[k], key))
        k++;
    build->has_twin_key |= k < groups->count && groups->at[k] != key && is_output(build, groups->at[k]) &&
                           is_output(build, key);
    *set_out |= k < KEYS_MAX ? UINT64_C(1) << k : 0;
    return k < groups->count || od_add_expr(binder, groups, key);
}

static bool bind_item(struct od_binder *binder, struct od_select *build, const PgQuery__Node *node,
                      struct set_list *list);

static bool bind_sets(struct od_binder *binder, struct od_select *build, const PgQuery__GroupingSet *node,
                      struct set_list *list)
{
    size_t count = node->n_content;
    uint64_t bits[32] = {0};
    bool is_cube = node->kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_CUBE;
    size_t most = is_cube ? 12 : 32;
    if (node->kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_EMPTY)
        return add_set(binder, list, 0, node->location);
    if (node->kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_SETS) {
        for (size_t i = 0; i < count; i++)
            OD_NEED(bind_item(binder, build, node->content[i], list));
        return true;
    }
    if (count > most)
        return od_sql_refuse(binder, node->location, "%s of more than %zu elements",
                             is_cube ? "CUBE" : "ROLLUP", most);
    for (size_t i = 0; i < count; i++)
        OD_NEED(bind_keys(binder, build, node->content[i], &bits[i]));
    /* CUBE counts the subsets down; ROLLUP drops the last element, and so on */
    for (size_t left_out = 0; left_out < (is_cube ? (size_t)1 << count : count + 1); left_out++) {
        uint64_t set = 0;
        for (size_t i = 0; i < count; i++)
            if (is_cube ? (left_out >> (count - 1 - i) & 1) == 0 : i + left_out < count)
                set |= bits[i];
        OD_NEED(add_set(binder, list, set, node->location));
    }
    return true;
}

static bool bind_item(struct od_binder *binder, struct od_select *build, const PgQuery__Node *node,
                      struct set_list *list)
{
    uint64_t set = 0;
    OD_NEED(od_sql_enter(binder, node));
    bool done =
        node->node_case == PG_QUERY__NODE__NODE_GROUPING_SET
            ? bind_sets(binder, build, node->grouping_set, list)
            : bind_keys(binder, build, node, &set) && add_set(binder, list, set, od_sql_location(node));
    od_sql_leave(binder);
    return done;
}

static void drop_repeated(struct set_list *list)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        bool known = false;
        for (uint32_t k = 0; k < kept; k++)
            known |= list->sets[k] == list->sets[i];
        if (!known)
            list->sets[kept++] = list->sets[i];
    }
    list->count = kept;
}

/* Is the primary key of the entry's table in every grouping set? */
static bool key_is_grouped(const struct od_block *block, const struct od_scope_entry *entry,
                           const struct set_list *sets)
{
    uint64_t common = UINT64_MAX;
    uint32_t found = 0;
    for (uint32_t i = 0; i < sets->count; i++)
        common &= sets->sets[i];
    for (uint32_t i = 0; i < block->scope.entry_count; i++) {
        const struct od_scope_entry *other = &block->scope.entries[i];
        uint32_t group = od_group_of(block, other->column_index);
        if (other->key.count == 0 || strcmp(other->relation, entry->relation) != 0 || group >= KEYS_MAX)
            continue;
        for (uint32_t k = 0; k < entry->key.count; k++)
            found += entry->key.columns[k] == other->table_column && (common >> group & 1) != 0;
    }
    return found == entry->key.count;
}

/* What depends on a primary key that is grouped is alike in each group, as good as grouped. */
static bool add_dependent_columns(struct od_binder *binder, struct od_block *block, struct set_list *sets)
{
    for (uint32_t i = 0; i < block->scope.entry_count && block->groups.count > 0; i++) {
        const struct od_scope_entry *entry = &block->scope.entries[i];
        uint64_t bit = block->groups.count < KEYS_MAX ? UINT64_C(1) << block->groups.count : 0;
        if (!entry->is_read || entry->key.count == 0 || bit == 0 ||
            od_group_of(block, entry->column_index) != OD_NO_COLUMN || !key_is_grouped(block, entry, sets))
            continue;
        OD_NEED(od_add_expr(binder, &block->groups,
                            od_make_column(binder, &block->scope.schema, entry->column_index, -1)));
        for (uint32_t k = 0; k < sets->count; k++)
            sets->sets[k] |= bit;
    }
    return true;
}

bool od_bind_groups(struct od_binder *binder, struct od_select *build)
{
    const PgQuery__SelectStmt *select = build->select;
    struct set_list sets = {0};
    bool has_sets = false;
    OD_NEED(add_set(binder, &sets, 0, 0));
    for (size_t i = 0; i < select->n_group_clause; i++) {
        struct set_list item = {0};
        struct set_list product = {0};
        has_sets |= select->group_clause[i]->node_case == PG_QUERY__NODE__NODE_GROUPING_SET;
        OD_NEED(bind_item(binder, build, select->group_clause[i], &item));
        for (uint32_t k = 0; k < sets.count; k++)
            for (uint32_t m = 0; m < item.count; m++)
                OD_NEED(add_set(binder, &product, sets.sets[k] | item.sets[m], -1));
        sets = product;
    }
    if (has_sets && build->block.groups.count > KEYS_MAX)
        return od_sql_fail(binder, OD_UNSUPPORTED, od_sql_location(select->group_clause[0]),
                           "grouping sets of more than %d keys are not supported", KEYS_MAX);
    if (has_sets && build->has_twin_key)
        return od_sql_fail(binder, OD_UNSUPPORTED, od_sql_location(select->group_clause[0]),
                           "grouping sets of two output columns with the same expression are not supported");
    if (select->group_distinct)
        drop_repeated(&sets);
    OD_NEED(add_dependent_columns(binder, &build->block, &sets));
    build->block.sets = sets.sets;
    build->block.set_count = has_sets ? sets.count : 1;
    return true;
}

/* --- the stage ------------------------------------------------------------------------------------ */

/* The aggregates over an input: groups of its columns by these expressions. */
static const struct od_plan *put_aggregate(struct od_binder *binder, const struct od_block *block,
                                           const struct od_plan *input, struct od_exprs groups)
{
    struct od_aggregate *aggregates = od_sql_take(binder, (size_t)block->slot_count + 1, sizeof(*aggregates));
    uint32_t count = 0;
    OD_NEED(aggregates != NULL);
    for (uint32_t i = 0; i < block->slot_count; i++)
        if (block->slots[i].kind == OD_SLOT_AGGREGATE)
            aggregates[count++] = block->slots[i].aggregate;
    if (count + groups.count == 0) /* HAVING alone: one group, and a row needs a column */
        aggregates[count++] = (struct od_aggregate){.function = OD_AGGREGATE_COUNT_STAR};
    od_plan_aggregate(binder->plan_arena, input, groups.at, NULL, groups.count, aggregates, count, &input,
                      binder->error);
    return input;
}

/* The number of a grouping set. */
static const struct od_expr *set_number(struct od_binder *binder, uint32_t number)
{
    return od_make_number(binder, OD_TYPE_INT32, number, -1);
}

/* input ++ keys ++ number of the set, once for each set that has a key; then the groups of that. NULL when
 * there is no such set. */
static const struct od_plan *put_expanded(struct od_binder *binder, const struct od_block *block,
                                          struct od_exprs keys)
{
    uint32_t rows = block->plan->schema.field_count;
    struct od_targets targets = {0};
    struct od_exprs columns = {0};
    for (uint32_t s = 0; s < block->set_count; s++) {
        if (block->sets[s] == 0)
            continue;
        od_add_columns(binder, &targets, block->plan);
        for (uint32_t k = 0; k < keys.count; k++)
            od_add_target(binder, &targets,
                          block->sets[s] >> k & 1 ? keys.at[k] : od_make_null(binder, keys.at[k]->type),
                          "key");
        od_add_target(binder, &targets, set_number(binder, s), "set");
    }
    OD_NEED(targets.count > 0);
    const struct od_plan *expanded = od_make_expand(binder, block->plan, &targets, rows + keys.count + 1);
    OD_NEED(expanded != NULL);
    for (uint32_t i = rows; i < expanded->schema.field_count; i++)
        od_add_expr(binder, &columns, od_make_column(binder, &expanded->schema, i, -1));
    return put_aggregate(binder, block, expanded, columns);
}

/* The row of the set of no key: NULL keys, its number, the aggregates of all rows. */
static const struct od_plan *put_empty_set(struct od_binder *binder, const struct od_block *block,
                                           struct od_exprs keys, uint32_t number)
{
    const struct od_plan *plan = put_aggregate(binder, block, block->plan, (struct od_exprs){0});
    struct od_targets targets = {0};
    OD_NEED(plan != NULL);
    for (uint32_t k = 0; k < keys.count; k++)
        od_add_target(binder, &targets, od_make_null(binder, keys.at[k]->type), NULL);
    od_add_target(binder, &targets, set_number(binder, number), NULL);
    for (uint32_t i = 0; i < block->slot_count; i++)
        if (block->slots[i].kind == OD_SLOT_AGGREGATE)
            od_add_target(binder, &targets,
                          od_make_column(binder, &plan->schema, block->slots[i].column - keys.count - 1, -1),
                          NULL);
    return od_make_project(binder, plan, &targets);
}

static const struct od_plan *put_grouping_sets(struct od_binder *binder, const struct od_block *block,
                                               struct od_exprs keys)
{
    const struct od_plan *all = put_expanded(binder, block, keys);
    for (uint32_t s = 0; s < block->set_count; s++)
        if (block->sets[s] == 0)
            all = od_make_union(binder, all, put_empty_set(binder, block, keys, s));
    return all;
}

bool od_put_groups(struct od_binder *binder, struct od_block *block)
{
    uint32_t count = block->groups.count;
    bool one_set = block->set_count == 1; /* all keys are in it */
    uint32_t column = count + (one_set ? 0 : 1);
    struct od_exprs keys = od_lower_list(binder, block, block->groups);
    for (uint32_t i = 0; i < block->slot_count; i++) {
        if (block->slots[i].kind != OD_SLOT_AGGREGATE)
            continue;
        OD_NEED(od_lower_aggregate(binder, block, &block->slots[i].aggregate));
        block->slots[i].column = column++;
    }
    OD_NEED(!od_sql_failed(binder));
    if (column == 0) /* HAVING alone: the rows are not looked at */
        block->plan = od_make_one_row(binder);
    block->plan =
        one_set ? put_aggregate(binder, block, block->plan, keys) : put_grouping_sets(binder, block, keys);
    block->has_set_column = !one_set;
    block->set_column = count;
    return block->plan != NULL && od_enter_groups(binder, block);
}

/* --- GROUPING --------------------------------------------------------------------------------------- */

const struct od_expr *od_bind_grouping(const struct od_place *place, const PgQuery__GroupingFunc *call)
{
    struct od_place inside = {.binder = place->binder, .block = place->block, .clause = "GROUPING"};
    struct od_slot slot = {.kind = OD_SLOT_GROUPING};
    uint32_t foreign_reads = place->block->foreign_reads;
    if (!place->aggregates)
        return od_sql_wrong(place->binder, call->location, "grouping operations are not allowed in %s",
                            place->clause);
    if (call->n_args > 31)
        return od_sql_wrong(place->binder, call->location, "GROUPING must have fewer than 32 arguments");
    slot.grouping = od_bind_list(&inside, call->args, call->n_args);
    if (place->block->foreign_reads > foreign_reads)
        return od_sql_refuse(place->binder, call->location, "GROUPING of the columns of an outer query");
    return od_add_slot(place->binder, place->block, slot, OD_TYPE_INT32, false, call->location);
}

/* One bit for each argument, the last one lowest: is it left out of the set? */
static int64_t grouping_value(const struct od_block *block, const uint32_t *groups, uint32_t count,
                              uint32_t set)
{
    int64_t value = 0;
    for (uint32_t i = 0; i < count; i++)
        value = value << 1 | (block->has_set_column && (block->sets[set] >> groups[i] & 1) == 0);
    return value;
}

const struct od_expr *od_lower_grouping(struct od_binder *binder, struct od_block *block,
                                        struct od_exprs arguments, int32_t location)
{
    uint32_t groups[32] = {0};
    struct od_exprs cases = {0};
    uint32_t last = block->has_set_column ? block->set_count - 1 : 0;
    for (uint32_t i = 0; i < arguments.count; i++) {
        while (groups[i] < block->groups.count &&
               !od_same_value(block, block->groups.at[groups[i]], arguments.at[i]))
            groups[i]++;
        if (groups[i] == block->groups.count)
            return od_sql_wrong(
                binder, location,
                "arguments to GROUPING must be grouping expressions of the associated query level");
    }
    for (uint32_t s = 0; s <= last; s++) { /* CASE WHEN set = 0 THEN ... ELSE the last set's */
        const struct od_expr *value = od_make_number(
            binder, OD_TYPE_INT32, grouping_value(block, groups, arguments.count, s), location);
        if (s < last) {
            const struct od_expr *column =
                od_make_column(binder, &block->plan->schema, block->set_column, -1);
            const struct od_expr *number = set_number(binder, s);
            od_add_expr(binder, &cases, od_make_pair(binder, OD_FUNCTION_EQUAL, column, number, location));
        }
        od_add_expr(binder, &cases, value);
    }
    return od_make_chain(binder, OD_FUNCTION_CASE, cases, location);
}
