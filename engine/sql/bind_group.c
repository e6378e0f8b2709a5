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

static enum od_status add_set(struct od_binder *binder, struct set_list *list, uint64_t set, int32_t location)
{
    void *grown = NULL;
    if (list->count == SETS_MAX)
        return od_sql_fail(binder, OD_UNSUPPORTED, location, "more than %d grouping sets are not supported",
                           SETS_MAX);
    uint64_t *added = od_sql_append(binder, list->sets, &list->count, sizeof(*added), &grown);
    if (added == NULL)
        return od_sql_no_memory(binder);
    *added = set;
    list->sets = grown;
    return OD_OK;
}

static bool scope_has_plain(const struct od_scope *scope, const char *name)
{
    for (uint32_t i = 0; name != NULL && i < scope->entry_count; i++)
        if (scope->entries[i].plain && strcmp(scope->entries[i].name, name) == 0)
            return true;
    return false;
}

/* One key. A bare name is a column of FROM first, an output name only then; the other way in ORDER BY. */
static enum od_status bind_key(struct od_binder *binder, struct od_select *build, const PgQuery__Node *node,
                               const struct od_expr **expr_out)
{
    struct od_place place = {.block = &build->block, .clause = "GROUP BY"};
    struct od_bound bound = {0};
    bool is_target = false;
    uint32_t target = 0;
    uint32_t computed = UINT32_C(1) << OD_SLOT_AGGREGATE | UINT32_C(1) << OD_SLOT_GROUPING;
    bool names = !scope_has_plain(&build->block.scope, od_as_bare_name(node));
    OD_TRY(od_as_target(binder, build, node, "GROUP BY", names, &is_target, &target));
    if (!is_target) {
        OD_TRY(od_bind_expr(binder, &place, node, &bound));
        *expr_out = bound.expr;
    } else {
        *expr_out = build->targets[target].expr;
        for (uint32_t i = 0; i < target; i++)
            build->has_twin_key |= od_expr_equal(build->targets[i].expr, *expr_out);
        if (od_has_slot(&build->block, *expr_out, computed | UINT32_C(1) << OD_SLOT_WINDOW))
            return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(node),
                               "%s functions are not allowed in GROUP BY",
                               od_has_slot(&build->block, *expr_out, computed) ? "aggregate" : "window");
    }
    if ((*expr_out)->type == OD_TYPE_INTERVAL)
        return od_sql_fail(binder, OD_UNSUPPORTED, od_sql_location(node),
                           "an interval as a column is not supported");
    return OD_OK;
}

/* The bits of a key, or of the keys of (a, b). */
static enum od_status bind_keys(struct od_binder *binder, struct od_select *build, const PgQuery__Node *node,
                                uint64_t *set_out)
{
    struct od_block *block = &build->block;
    const struct od_expr *key = NULL;
    uint32_t k = 0;
    if (node->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
        for (size_t i = 0; i < node->row_expr->n_args; i++)
            OD_TRY(bind_keys(binder, build, node->row_expr->args[i], set_out));
        return OD_OK;
    }
    OD_TRY(bind_key(binder, build, node, &key));
    while (k < block->group_count && !od_expr_equal(block->groups[k], key))
        k++;
    if (k == block->group_count) {
        void *grown = NULL;
        const struct od_expr **added =
            od_sql_append(binder, block->groups, &block->group_count, sizeof(const struct od_expr *), &grown);
        if (added == NULL)
            return od_sql_no_memory(binder);
        *added = key;
        block->groups = grown;
    }
    *set_out |= k < KEYS_MAX ? UINT64_C(1) << k : 0;
    return OD_OK;
}

static enum od_status bind_item(struct od_binder *binder, struct od_select *build, const PgQuery__Node *node,
                                struct set_list *list);

static enum od_status bind_sets(struct od_binder *binder, struct od_select *build,
                                const PgQuery__GroupingSet *node, struct set_list *list)
{
    size_t count = node->n_content;
    uint64_t bits[32] = {0};
    bool is_cube = node->kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_CUBE;
    if (node->kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_EMPTY)
        return add_set(binder, list, 0, node->location);
    if (node->kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_SETS) {
        for (size_t i = 0; i < count; i++)
            OD_TRY(bind_item(binder, build, node->content[i], list));
        return OD_OK;
    }
    if (count > (is_cube ? 12 : 32))
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location,
                           "%s of more than %d elements is not supported", is_cube ? "CUBE" : "ROLLUP",
                           is_cube ? 12 : 32);
    for (size_t i = 0; i < count; i++)
        OD_TRY(bind_keys(binder, build, node->content[i], &bits[i]));
    for (uint32_t left_out = 0; left_out < (is_cube ? UINT32_C(1) << count : (uint32_t)count + 1);
         left_out++) {
        uint64_t set = 0;
        for (size_t i = 0; i < count;
             i++) /* CUBE counts the subsets down; ROLLUP drops the last element, and so on */
            if (is_cube ? (left_out >> (count - 1 - i) & 1) == 0 : i + left_out < count)
                set |= bits[i];
        OD_TRY(add_set(binder, list, set, node->location));
    }
    return OD_OK;
}

static enum od_status bind_item(struct od_binder *binder, struct od_select *build, const PgQuery__Node *node,
                                struct set_list *list)
{
    uint64_t set = 0;
    OD_TRY(od_sql_enter(binder, node));
    if (node->node_case == PG_QUERY__NODE__NODE_GROUPING_SET) {
        OD_TRY(bind_sets(binder, build, node->grouping_set, list));
    } else {
        OD_TRY(bind_keys(binder, build, node, &set));
        OD_TRY(add_set(binder, list, set, od_sql_location(node)));
    }
    od_sql_leave(binder);
    return OD_OK;
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

enum od_status od_bind_groups(struct od_binder *binder, struct od_select *build)
{
    const PgQuery__SelectStmt *select = build->select;
    struct set_list sets = {0};
    bool has_sets = false;
    OD_TRY(add_set(binder, &sets, 0, 0));
    for (size_t i = 0; i < select->n_group_clause; i++) {
        struct set_list item = {0};
        struct set_list product = {0};
        has_sets |= select->group_clause[i]->node_case == PG_QUERY__NODE__NODE_GROUPING_SET;
        OD_TRY(bind_item(binder, build, select->group_clause[i], &item));
        for (uint32_t k = 0; k < sets.count; k++)
            for (uint32_t m = 0; m < item.count; m++)
                OD_TRY(add_set(binder, &product, sets.sets[k] | item.sets[m], -1));
        sets = product;
    }
    if (has_sets && build->block.group_count > KEYS_MAX)
        return od_sql_fail(binder, OD_UNSUPPORTED, od_sql_location(select->group_clause[0]),
                           "grouping sets of more than %d keys are not supported", KEYS_MAX);
    if (has_sets && build->has_twin_key)
        return od_sql_fail(binder, OD_UNSUPPORTED, od_sql_location(select->group_clause[0]),
                           "grouping sets of an output column whose expression is also another's are not "
                           "supported");
    if (select->group_distinct)
        drop_repeated(&sets);
    build->block.sets = sets.sets;
    build->block.set_count = has_sets ? sets.count : 1;
    return OD_OK;
}

/* --- the stage ------------------------------------------------------------------------------------ */

/* The aggregates over an input: groups of its columns by these expressions. */
static enum od_status put_aggregate(struct od_binder *binder, const struct od_block *block,
                                    const struct od_plan *input, const struct od_expr *const *groups,
                                    uint32_t group_count, const struct od_plan **plan_out)
{
    struct od_aggregate row_count = {
        .function = OD_AGGREGATE_COUNT_STAR, .type = OD_TYPE_INT64, .name = "count"};
    struct od_aggregate *aggregates =
        od_arena_take_array(binder->plan_arena, (size_t)block->slot_count + 1, sizeof(*aggregates));
    uint32_t count = 0;
    if (aggregates == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < block->slot_count; i++)
        if (block->slots[i].kind == OD_SLOT_AGGREGATE)
            aggregates[count++] = block->slots[i].aggregate;
    if (count + group_count == 0)
        aggregates[count++] = row_count; /* HAVING alone: one group, and a row needs a column */
    return od_plan_aggregate(binder->plan_arena, input, groups, NULL, group_count, aggregates, count,
                             plan_out, binder->error);
}

/* The number of a grouping set. */
static enum od_status set_number(struct od_binder *binder, uint32_t number, const struct od_expr **expr_out)
{
    struct od_value value = {.type = OD_TYPE_INT32, .int64 = number};
    return od_expr_literal(binder->plan_arena, &value, expr_out, binder->error);
}

/* input ++ keys ++ number of the set, once for each set that has a key; *listed_out: how many those are. */
static enum od_status put_expand(struct od_binder *binder, const struct od_block *block,
                                 const struct od_expr *const *keys, const struct od_plan **plan,
                                 uint32_t *listed_out)
{
    const struct od_schema *schema = &(*plan)->schema;
    uint32_t width = schema->field_count + block->group_count + 1;
    const struct od_expr **exprs =
        od_arena_take_array(binder->plan_arena, (size_t)width * block->set_count, sizeof(*exprs));
    const char **names = od_arena_take_array(binder->plan_arena, width, sizeof(*names));
    *listed_out = 0;
    if (exprs == NULL || names == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < width; i++)
        names[i] = i < schema->field_count ? schema->fields[i].name : i + 1 < width ? "key" : "set";
    for (uint32_t s = 0; s < block->set_count; s++) {
        if (block->sets[s] == 0)
            continue;
        const struct od_expr **list = &exprs[(size_t)width * (*listed_out)++];
        for (uint32_t i = 0; i < schema->field_count; i++)
            OD_TRY(od_expr_column(binder->plan_arena, schema, i, &list[i], binder->error));
        for (uint32_t k = 0; k < block->group_count; k++) {
            struct od_value nothing = {.type = keys[k]->type, .is_null = true};
            const struct od_expr **key = &list[schema->field_count + k];
            *key = keys[k];
            if ((block->sets[s] >> k & 1) == 0)
                OD_TRY(od_expr_literal(binder->plan_arena, &nothing, key, binder->error));
        }
        OD_TRY(set_number(binder, s, &list[width - 1]));
    }
    if (*listed_out == 0)
        return OD_OK;
    return od_plan_expand(binder->plan_arena, *plan, exprs, names, width, *listed_out, plan, binder->error);
}

/* The row of the set of no key: NULL keys, its number, the aggregates of all rows. */
static enum od_status put_empty_set(struct od_binder *binder, const struct od_block *block,
                                    const struct od_expr *const *keys, uint32_t number,
                                    const struct od_plan **plan)
{
    OD_TRY(put_aggregate(binder, block, *plan, NULL, 0, plan));
    uint32_t aggregate_count = 0;
    for (uint32_t i = 0; i < block->slot_count; i++)
        aggregate_count += block->slots[i].kind == OD_SLOT_AGGREGATE;
    uint32_t width = block->group_count + 1 + aggregate_count;
    const struct od_expr **exprs = od_arena_take_array(binder->plan_arena, width, sizeof(*exprs));
    if (exprs == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < width; i++) {
        if (i < block->group_count) {
            struct od_value nothing = {.type = keys[i]->type, .is_null = true};
            OD_TRY(od_expr_literal(binder->plan_arena, &nothing, &exprs[i], binder->error));
        } else if (i == block->group_count) {
            OD_TRY(set_number(binder, number, &exprs[i]));
        } else {
            OD_TRY(od_expr_column(binder->plan_arena, &(*plan)->schema, i - block->group_count - 1, &exprs[i],
                                  binder->error));
        }
    }
    return od_plan_project(binder->plan_arena, *plan, exprs, NULL, width, plan, binder->error);
}

static enum od_status put_grouping_sets(struct od_binder *binder, struct od_block *block,
                                        const struct od_expr *const *keys)
{
    const struct od_plan *rows = block->plan;
    const struct od_plan *expanded = rows;
    const struct od_plan *all = NULL;
    uint32_t listed = 0;
    uint32_t key_count = block->group_count + 1;
    const struct od_expr **columns = od_arena_take_array(binder->plan_arena, key_count, sizeof(*columns));
    if (columns == NULL)
        return od_sql_no_memory(binder);
    OD_TRY(put_expand(binder, block, keys, &expanded, &listed));
    if (listed > 0) {
        for (uint32_t i = 0; i < key_count; i++)
            OD_TRY(od_expr_column(binder->plan_arena, &expanded->schema, rows->schema.field_count + i,
                                  &columns[i], binder->error));
        OD_TRY(put_aggregate(binder, block, expanded, columns, key_count, &all));
    }
    for (uint32_t s = 0; s < block->set_count; s++) {
        const struct od_plan *empty = rows;
        if (block->sets[s] != 0)
            continue;
        OD_TRY(put_empty_set(binder, block, keys, s, &empty));
        if (all == NULL)
            all = empty;
        else
            OD_TRY(od_plan_union(binder->plan_arena, all, empty, &all, binder->error));
    }
    block->plan = all;
    block->set_column = block->group_count;
    return OD_OK;
}

enum od_status od_put_groups(struct od_binder *binder, struct od_block *block)
{
    const struct od_expr **keys = od_arena_take_array(binder->plan_arena, block->group_count, sizeof(*keys));
    bool one_set =
        block->set_count == 1 &&
        (block->group_count == 0 || block->group_count > KEYS_MAX ||
         block->sets[0] ==
             (block->group_count == KEYS_MAX ? UINT64_MAX : (UINT64_C(1) << block->group_count) - 1));
    uint32_t column = 0;
    if (keys == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < block->group_count; i++)
        OD_TRY(od_lower(binder, block, block->groups[i], &keys[i]));
    for (uint32_t i = 0; i < block->slot_count; i++) {
        struct od_slot *slot = &block->slots[i];
        const struct od_expr **clauses[] = {&slot->aggregate.argument, &slot->aggregate.second,
                                            &slot->aggregate.filter};
        struct od_sort_key *order = NULL;
        if (slot->kind != OD_SLOT_AGGREGATE)
            continue;
        for (uint32_t k = 0; k < 3; k++)
            if (*clauses[k] != NULL)
                OD_TRY(od_lower(binder, block, *clauses[k], clauses[k]));
        order = od_arena_take_array(binder->plan_arena, slot->aggregate.key_count, sizeof(*order));
        if (order == NULL)
            return od_sql_no_memory(binder);
        for (uint32_t k = 0; k < slot->aggregate.key_count; k++) {
            order[k] = slot->aggregate.keys[k];
            OD_TRY(od_lower(binder, block, order[k].expr, &order[k].expr));
        }
        slot->aggregate.keys = order;
        slot->column = block->group_count + (one_set ? 0 : 1) + column++;
    }
    OD_TRY(one_set ? put_aggregate(binder, block, block->plan, keys, block->group_count, &block->plan)
                   : put_grouping_sets(binder, block, keys));
    block->has_set_column = !one_set;
    return od_enter_groups(binder, block);
}

/* --- GROUPING --------------------------------------------------------------------------------------- */

enum od_status od_bind_grouping(struct od_binder *binder, const struct od_place *place,
                                const PgQuery__GroupingFunc *call, struct od_bound *bound_out)
{
    struct od_place inside = {.block = place->block, .clause = "GROUPING"};
    struct od_bound *arguments = NULL;
    uint32_t number;
    uint32_t foreign_reads = place->block->foreign_reads;
    if (!place->aggregates)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location, "grouping operations are not allowed in %s",
                           place->clause);
    if (call->n_args > 31)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location,
                           "GROUPING must have fewer than 32 arguments");
    OD_TRY(od_bind_list(binder, &inside, call->args, call->n_args, &arguments));
    if (place->block->foreign_reads > foreign_reads)
        return od_sql_fail(binder, OD_UNSUPPORTED, call->location,
                           "GROUPING of the columns of an outer query is not supported");
    const struct od_expr **exprs = od_arena_take_array(binder->plan_arena, call->n_args, sizeof(*exprs));
    struct od_slot *slot = od_new_slot(binder, place->block, OD_SLOT_GROUPING, &number);
    if (exprs == NULL || slot == NULL)
        return od_sql_no_memory(binder);
    for (size_t i = 0; i < call->n_args; i++)
        exprs[i] = arguments[i].expr;
    slot->grouping.count = (uint32_t)call->n_args;
    slot->grouping.arguments = exprs;
    return od_slot_column(binder, number, OD_TYPE_INT32, false, call->location, &bound_out->expr);
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

enum od_status od_lower_grouping(struct od_binder *binder, struct od_block *block, const struct od_slot *slot,
                                 int32_t location, const struct od_expr **expr_out)
{
    uint32_t groups[32];
    uint32_t count = 0;
    uint32_t set_count = block->has_set_column ? block->set_count : 1;
    for (uint32_t i = 0; i < slot->grouping.count; i++) {
        groups[i] = 0;
        while (groups[i] < block->group_count &&
               !od_expr_equal(block->groups[groups[i]], slot->grouping.arguments[i]))
            groups[i]++;
        if (groups[i] == block->group_count)
            return od_sql_fail(
                binder, OD_BAD_INPUT, location,
                "arguments to GROUPING must be grouping expressions of the associated query level");
    }
    struct od_bound *cases = od_arena_take_array(binder->plan_arena, 2 * (size_t)set_count, sizeof(*cases));
    struct od_bound call = {0};
    if (cases == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t s = 0; s < set_count; s++) { /* CASE WHEN set = 0 THEN ... ELSE the last set's */
        struct od_value value = {.type = OD_TYPE_INT32,
                                 .int64 = grouping_value(block, groups, slot->grouping.count, s)};
        struct od_bound pair[2] = {{0}, {0}};
        OD_TRY(od_bind_literal(binder, &value, location, &cases[count + (s + 1 < set_count)]));
        if (s + 1 == set_count)
            break;
        OD_TRY(set_number(binder, s, &pair[1].expr));
        OD_TRY(od_expr_column(binder->plan_arena, &block->plan->schema, block->set_column, &pair[0].expr,
                              binder->error));
        OD_TRY(od_bind_call(binder, OD_FUNCTION_EQUAL, pair, 2, location, &cases[count]));
        count += 2;
    }
    call = cases[0];
    if (set_count > 1)
        OD_TRY(od_bind_call(binder, OD_FUNCTION_CASE, cases, count + 1, location, &call));
    *expr_out = call.expr;
    return OD_OK;
}
