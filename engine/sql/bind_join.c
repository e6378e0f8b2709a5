/* bind_join: JOIN with ON, USING or NATURAL.
 *
 * Columns that USING joins are one to bare names: a merged entry of the scope comes first, which is a column
 * of one side, or where that side may be padded a value projected behind the join's columns.
 *
 * Sub-selects in ON: an inner join puts what asks them into a filter above it. An outer join numbers the rows of a
 * side that it keeps, and joins that side to what the inner join leaves:
 *
 *   l FULL JOIN r ON c    (l' LEFT JOIN kept ON l'.n = kept.l_n) FULL JOIN r' ON kept.r_n = r'.n
 *                         kept: l', r' WHERE c */
#include <string.h>

#include "engine/sql/binder.h"

/* --- USING and NATURAL ---------------------------------------------------------------------------- */

/* The one plain column of this name on one side. */
static const struct od_scope_entry *find_using(struct od_binder *binder, const struct od_scope *scope,
                                               const char *name, const char *side, int32_t location)
{
    const struct od_scope_entry *entry = NULL;
    uint32_t count = od_scope_find(scope, NULL, name, &entry);
    if (count > 1)
        return od_sql_wrong(binder, location, "common column name \"%s\" appears more than once in %s table",
                            name, side);
    if (count == 0)
        return od_sql_wrong(binder, location,
                            "column \"%s\" specified in USING clause does not exist in %s table", name, side);
    return entry;
}

/* A pair of columns that are one to bare names. */
struct using_pair {
    const char *name;
    uint32_t left; /* columns of the joined scope */
    uint32_t right;
};
struct using_list {
    uint32_t count;
    struct using_pair *pairs;
};

static bool add_using(struct od_binder *binder, const struct od_scope *left, const struct od_scope *right,
                      const char *name, int32_t location, struct using_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->pairs[i].name, name) == 0)
            return od_sql_wrong(binder, location, "column name \"%s\" appears more than once in USING clause",
                                name);
    const struct od_scope_entry *left_entry = find_using(binder, left, name, "left", location);
    OD_NEED(left_entry != NULL);
    const struct od_scope_entry *right_entry = find_using(binder, right, name, "right", location);
    OD_NEED(right_entry != NULL);
    struct using_pair pair = {name, left_entry->column_index,
                              right_entry->column_index + left->schema.field_count};
    return od_sql_append(binder, &list->pairs, &list->count, &pair, sizeof(pair));
}

static bool find_pairs(struct od_binder *binder, const PgQuery__JoinExpr *node, const struct od_scope *left,
                       const struct od_scope *right, struct using_list *list)
{
    int32_t location = od_sql_location(node->rarg);
    const struct od_scope_entry *entry = NULL;
    for (size_t i = 0; i < node->n_using_clause; i++)
        OD_NEED(add_using(binder, left, right, od_sql_string(node->using_clause[i]), location, list));
    for (uint32_t i = 0; i < left->entry_count && node->is_natural; i++)
        if (left->entries[i].plain && od_scope_find(right, NULL, left->entries[i].name, &entry) > 0)
            OD_NEED(add_using(binder, left, right, left->entries[i].name, location, list));
    return true;
}

static const struct od_expr *using_condition(struct od_binder *binder, const struct od_schema *joined,
                                             const struct using_list *list, int32_t location)
{
    struct od_exprs equalities = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        const struct od_expr *left = od_make_column(binder, joined, list->pairs[i].left, -1);
        const struct od_expr *right = od_make_column(binder, joined, list->pairs[i].right, -1);
        od_add_expr(binder, &equalities, od_make_pair(binder, OD_FUNCTION_EQUAL, left, right, location));
    }
    return list->count == 0 ? od_make_truth(binder)
                            : od_make_chain(binder, OD_FUNCTION_AND, equalities, location);
}

/* The value of a merged column over the join's output, in the common type of the two. */
static const struct od_expr *merged_value(struct od_binder *binder, enum od_join_type type,
                                          const struct od_schema *schema, const struct using_pair *pair)
{
    const struct od_expr *sides[] = {od_make_column(binder, schema, pair->left, -1),
                                     od_make_column(binder, schema, pair->right, -1)};
    enum od_type common;
    OD_NEED(!od_sql_failed(binder));
    if (type == OD_JOIN_FULL)
        return od_make_pair(binder, OD_FUNCTION_COALESCE, sides[0], sides[1], -1);
    if (!od_expr_common_type(sides, 2, &common))
        common = sides[0]->type;
    return od_make_cast(binder, sides[type == OD_JOIN_RIGHT], common, -1);
}

/* Puts merged entries first and hides the two that each stands for from bare names. Values that are no column
 * of the join are projected behind its columns. */
static bool merge_columns(struct od_binder *binder, enum od_join_type type, const struct using_list *list,
                          const char *alias, struct od_from_item *item)
{
    const struct od_schema *schema = &item->plan->schema;
    uint32_t entry_count = item->scope.entry_count + list->count * (alias != NULL ? 2 : 1);
    struct od_scope_entry *entries = od_sql_take(binder, entry_count, sizeof(*entries));
    struct od_scope_entry *entry = entries;
    struct od_targets columns = {0};
    OD_NEED(entries != NULL && od_add_columns(binder, &columns, item->plan));
    for (uint32_t i = 0; i < list->count; i++) {
        const struct od_expr *value = merged_value(binder, type, schema, &list->pairs[i]);
        OD_NEED(value != NULL);
        bool is_column = value->kind == OD_EXPR_COLUMN;
        *entry++ = (struct od_scope_entry){.name = list->pairs[i].name,
                                           .column_index = is_column ? value->column_index : columns.count,
                                           .plain = true};
        OD_NEED(is_column || od_add_target(binder, &columns, value, list->pairs[i].name));
    }
    for (uint32_t i = 0; i < item->scope.entry_count; i++) {
        *entry = item->scope.entries[i];
        for (uint32_t k = 0; k < list->count; k++)
            entry->plain &=
                entry->column_index != list->pairs[k].left && entry->column_index != list->pairs[k].right;
        entry++;
    }
    for (uint32_t i = 0; i < list->count && alias != NULL; i++)
        *entry++ = (struct od_scope_entry){
            .relation = alias, .name = entries[i].name, .column_index = entries[i].column_index};
    item->scope.entries = entries;
    item->scope.entry_count = entry_count;
    if (columns.count > schema->field_count)
        item->plan = od_make_project(binder, item->plan, &columns);
    return item->plan != NULL;
}

/* --- ON ------------------------------------------------------------------------------------------- */

static bool add_range(struct od_binder *binder, struct od_targets *targets, const struct od_plan *plan,
                      uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++)
        OD_NEED(od_add_target(binder, targets, od_make_column(binder, &plan->schema, i, -1),
                              plan->schema.fields[i].name));
    return true;
}

/* Joins the rows that ON keeps to the side that they came from, by its numbers: columns of either. */
static const struct od_plan *join_numbers(struct od_binder *binder, enum od_join_type type,
                                          const struct od_plan *left, uint32_t left_number,
                                          const struct od_plan *right, uint32_t right_number)
{
    uint32_t right_column = left->schema.field_count + right_number;
    const struct od_expr *same =
        od_make_pair(binder, OD_FUNCTION_EQUAL, od_make_column(binder, &left->schema, left_number, -1),
                     od_make_stand_in(binder, right_column, OD_TYPE_INT64, true, -1), -1);
    return od_make_join(binder, type, false, left, right, same, -1);
}

/* The rows that ON keeps, as on->plan: the sides' columns, and behind them the numbers of the rows of a side that has some. */
static bool join_pairs(struct od_binder *binder, struct od_block *on, bool correlated, const struct od_plan *left,
                       uint32_t left_width, const struct od_plan *right, uint32_t right_width,
                       const struct od_expr *const parts[2])
{
    struct od_targets columns = {0};
    const struct od_expr *condition = NULL;
    uint32_t right_first = left->schema.field_count;
    const struct od_expr **map = od_sql_take(binder, left_width + right_width, sizeof(*map));
    for (uint32_t i = 0; i < left_width + right_width && map != NULL; i++)
        map[i] = od_make_stand_in(binder, i < left_width ? i : right_first + i - left_width,
                                  on->scope.schema.fields[i].type, on->scope.schema.fields[i].nullable, -1);
    OD_NEED(!od_sql_failed(binder));
    od_expr_substitute(binder->plan_arena, parts[0], map, &condition, binder->error);
    on->plan = od_make_join(binder, OD_JOIN_INNER, correlated, left, right, condition, -1);
    OD_NEED(on->plan != NULL);
    OD_NEED(add_range(binder, &columns, on->plan, 0, left_width));
    OD_NEED(add_range(binder, &columns, on->plan, right_first, right_width));
    OD_NEED(add_range(binder, &columns, on->plan, left_width, right_first - left_width));
    OD_NEED(add_range(binder, &columns, on->plan, right_first + right_width, right->schema.field_count - right_width));
    if (right_first > left_width)
        on->plan = od_make_project(binder, on->plan, &columns);
    return on->plan != NULL && od_lower_filter(binder, on, parts[1]);
}

/* What of the condition asks no sub-select, and the rest: the first is the join's, so that it finds its keys. */
static bool split_condition(struct od_binder *binder, const struct od_block *on,
                            const struct od_expr *condition, const struct od_expr *parts[2])
{
    uint32_t count = od_expr_conjuncts(condition, NULL, 0);
    const struct od_expr **conjuncts = od_sql_take(binder, count, sizeof(*conjuncts));
    OD_NEED(conjuncts != NULL);
    od_expr_conjuncts(condition, conjuncts, count);
    for (uint32_t part = 0; part < 2; part++) {
        struct od_exprs chosen = {0};
        for (uint32_t i = 0; i < count; i++)
            if (od_has_slot(on, conjuncts[i], UINT32_C(1) << OD_SLOT_SUBQUERY) == (part == 1))
                OD_NEED(od_add_expr(binder, &chosen, conjuncts[i]));
        od_expr_conjunction(binder->plan_arena, chosen.at, chosen.count, &parts[part], binder->error);
    }
    return !od_sql_failed(binder);
}

static const struct od_plan *join_kept(struct od_binder *binder, struct od_block *on, enum od_join_type type,
                                       bool correlated, const struct od_plan *left,
                                       const struct od_plan *right, const struct od_expr *condition)
{
    bool keeps_left = type == OD_JOIN_LEFT || type == OD_JOIN_FULL;
    bool keeps_right = type == OD_JOIN_RIGHT || type == OD_JOIN_FULL;
    uint32_t left_width = left->schema.field_count;
    uint32_t right_width = right->schema.field_count;
    struct od_targets columns = {0};
    const struct od_expr *parts[2] = {NULL, NULL};
    OD_NEED(split_condition(binder, on, condition, parts));
    if (keeps_left)
        left = od_make_numbers(binder, left, (struct od_exprs){0}, NULL, 0, false);
    if (keeps_right)
        right = od_make_numbers(binder, right, (struct od_exprs){0}, NULL, 0, false);
    OD_NEED(left != NULL && right != NULL);
    OD_NEED(join_pairs(binder, on, correlated, left, left_width, right, right_width, parts));
    if (type == OD_JOIN_INNER)
        return on->plan;
    const struct od_plan *plan = on->plan;
    uint32_t number = left_width + right_width; /* in the rows that ON keeps */
    uint32_t right_first = left_width;
    if (keeps_left) {
        plan = join_numbers(binder, OD_JOIN_LEFT, left, left_width, plan, number);
        right_first += left_width + 1;
        number += left_width + 2;
    }
    if (keeps_right && plan != NULL) {
        right_first = plan->schema.field_count;
        plan = join_numbers(binder, keeps_left ? OD_JOIN_FULL : OD_JOIN_RIGHT, plan, number, right,
                            right_width);
    }
    columns.count = 0;
    OD_NEED(plan != NULL && add_range(binder, &columns, plan, 0, left_width));
    OD_NEED(add_range(binder, &columns, plan, right_first, right_width));
    return od_make_project(binder, plan, &columns);
}

static bool bind_on(struct od_binder *binder, struct od_block *outer, const PgQuery__JoinExpr *node,
                    enum od_join_type type, bool correlated, const struct od_from_item *left,
                    const struct od_from_item *right, struct od_from_item *item_out)
{
    struct od_block fence = {.outer = outer, .is_fence = true, .fence_end = binder->around_from};
    struct od_block on = {.outer = &fence};
    struct od_place place = {.binder = binder, .block = &on, .clause = "JOIN/ON"};
    int32_t location = od_sql_location(node->rarg);
    OD_NEED(od_scope_join(binder, &left->scope, &right->scope, location, &on.scope));
    const struct od_expr *condition =
        node->quals == NULL ? od_make_truth(binder) : od_bind_condition(&place, node->quals, "JOIN/ON");
    OD_NEED(condition != NULL);
    if (on.slot_count > 0)
        on.plan = join_kept(binder, &on, type, correlated, left->plan, right->plan, condition);
    else
        on.plan = od_make_join(binder, type, correlated, left->plan, right->plan, condition, location);
    OD_NEED(on.plan != NULL);
    item_out->plan = on.plan;
    return od_scope_join(binder, &left->scope, &right->scope, location, &item_out->scope);
}

/* --- the whole ------------------------------------------------------------------------------------ */

/* (a JOIN b ...) AS j (x, y): j is the only name left. */
static bool rename_join(struct od_binder *binder, const PgQuery__Alias *alias, int32_t location,
                        struct od_scope *scope)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < scope->entry_count; i++)
        if (scope->entries[i].plain)
            scope->entries[kept++] = scope->entries[i];
    if (alias->n_colnames > kept)
        return od_sql_wrong(binder, location,
                            "join expression \"%s\" has %u columns available but %zu columns specified",
                            alias->aliasname, kept, alias->n_colnames);
    scope->entry_count = kept;
    for (uint32_t i = 0; i < kept; i++) {
        scope->entries[i].relation = alias->aliasname;
        if (i < alias->n_colnames)
            scope->entries[i].name = od_sql_string(alias->colnames[i]);
    }
    return true;
}

bool od_bind_join(struct od_binder *binder, struct od_block *outer, const PgQuery__JoinExpr *node,
                  struct od_from_item *item_out)
{
    static const enum od_join_type types[] = {
        [PG_QUERY__JOIN_TYPE__JOIN_INNER] = OD_JOIN_INNER,
        [PG_QUERY__JOIN_TYPE__JOIN_LEFT] = OD_JOIN_LEFT,
        [PG_QUERY__JOIN_TYPE__JOIN_RIGHT] = OD_JOIN_RIGHT,
        [PG_QUERY__JOIN_TYPE__JOIN_FULL] = OD_JOIN_FULL,
    };
    struct od_from_item left = {0};
    struct od_from_item right = {0};
    struct using_list using = {0};
    enum od_join_type type = types[node->jointype];
    int32_t location = od_sql_location(node->rarg);
    bool correlated = false;
    OD_NEED(od_bind_from_item(binder, outer, node->larg, &left));
    OD_NEED(od_bind_right_item(binder, outer, &left, type, node->rarg, &right, &correlated));
    if (node->is_natural || node->n_using_clause > 0) {
        const char *alias = node->join_using_alias != NULL ? node->join_using_alias->aliasname : NULL;
        OD_NEED(od_scope_join(binder, &left.scope, &right.scope, location, &item_out->scope));
        OD_NEED(find_pairs(binder, node, &left.scope, &right.scope, &using));
        const struct od_expr *condition = using_condition(binder, &item_out->scope.schema, &using, location);
        item_out->plan = od_make_join(binder, type, correlated, left.plan, right.plan, condition, -1);
        OD_NEED(item_out->plan != NULL && merge_columns(binder, type, &using, alias, item_out));
    } else {
        OD_NEED(bind_on(binder, outer, node, type, correlated, &left, &right, item_out));
    }
    item_out->scope.schema = item_out->plan->schema; /* an outer join makes columns nullable */
    return node->alias == NULL || rename_join(binder, node->alias, location, &item_out->scope);
}
