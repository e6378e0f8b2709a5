/* bind_from: FROM and WHERE -> one joined plan.
 *
 *   FROM a JOIN b ON ..., c, (SELECT ...) d WHERE ...
 *
 *   item     a table, a sub-select, or a tree of JOINs: a plan and its scope
 *   list     the items of the comma list are joined by equalities that WHERE holds between them:
 *
 *     1. the scope of all items, in the order of the text, binds WHERE
 *     2. from the first item on, the next item that an equality ties to what is joined so far is joined
 *     3. a project puts the columns back in the order of the text, if 2 took the items in another order
 *     4. what is left of WHERE filters the result
 *
 * Only conjuncts that cannot fail become part of a join condition: others must not see more rows than WHERE
 * would show them. An item that no equality ties to the others would be a cross join: UNSUPPORTED. */
#include <string.h>

#include "engine/core/assert.h"
#include "engine/plan/join_keys.h"
#include "engine/sql/binder.h"

#define FROM_ITEMS_MAX 32

static enum od_status bind_item(struct od_binder *binder, const PgQuery__Node *node,
                                struct od_from *from_out);

/* --- tables and sub-selects ------------------------------------------------------------------- */

/* The scope of one relation: its columns under its alias, renamed by t(a, b) as far as that goes. */
static enum od_status relation_scope(struct od_binder *binder, const struct od_plan *plan,
                                     const char *relation, const PgQuery__Alias *alias, int32_t location,
                                     struct od_scope *scope_out)
{
    uint32_t count = plan->schema.field_count;
    *scope_out = (struct od_scope){.schema = plan->schema, .entry_count = count};
    scope_out->entries = od_arena_take_array(binder->plan_arena, count, sizeof(*scope_out->entries));
    const char *name = od_arena_copy_text(binder->plan_arena, relation, strlen(relation));
    if (scope_out->entries == NULL || name == NULL)
        return od_sql_no_memory(binder);
    if (alias != NULL && alias->n_colnames > count)
        return od_sql_fail(binder, OD_BAD_INPUT, location,
                           "table \"%s\" has %u columns available but %zu columns specified", relation, count,
                           alias->n_colnames);
    for (uint32_t i = 0; i < count; i++) {
        const char *column = plan->schema.fields[i].name;
        if (alias != NULL && i < alias->n_colnames) {
            column = od_sql_string(alias->colnames[i]);
            column = od_arena_copy_text(binder->plan_arena, column, strlen(column));
            if (column == NULL)
                return od_sql_no_memory(binder);
        }
        scope_out->entries[i] =
            (struct od_scope_entry){.relation = name, .name = column, .column_index = i, .plain = true};
    }
    return OD_OK;
}

static enum od_status bind_table(struct od_binder *binder, const PgQuery__RangeVar *node,
                                 struct od_from *from_out)
{
    bool has_schema = node->schemaname != NULL && node->schemaname[0] != '\0';
    const struct od_table *table = NULL;
    if (!has_schema || strcmp(node->schemaname, "public") == 0)
        table = od_catalog_find(binder->catalog, node->relname);
    if (table == NULL)
        return od_sql_fail(binder, OD_BAD_INPUT, node->location, "relation \"%s%s%s\" does not exist",
                           has_schema ? node->schemaname : "", has_schema ? "." : "", node->relname);
    uint32_t count = table->schema.field_count;
    uint32_t *columns = od_arena_take_array(binder->plan_arena, count, sizeof(*columns));
    if (columns == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = i;
    enum od_status status =
        od_plan_scan(binder->plan_arena, table, columns, count, &from_out->plan, binder->error);
    if (status == OD_OK)
        status = relation_scope(binder, from_out->plan,
                                node->alias != NULL ? node->alias->aliasname : node->relname, node->alias,
                                node->location, &from_out->scope);
    return status;
}

static enum od_status bind_subselect(struct od_binder *binder, const PgQuery__RangeSubselect *node,
                                     struct od_from *from_out)
{
    int32_t location = od_sql_location(node->subquery);
    if (node->lateral)
        return od_sql_fail(binder, OD_UNSUPPORTED, location, "LATERAL is not supported");
    if (node->alias == NULL)
        return od_sql_fail(binder, OD_BAD_INPUT, location, "subquery in FROM must have an alias");
    enum od_status status = od_bind_select(binder, node->subquery->select_stmt, &from_out->plan);
    if (status == OD_OK)
        status = relation_scope(binder, from_out->plan, node->alias->aliasname, node->alias, location,
                                &from_out->scope);
    return status;
}

/* --- JOIN ------------------------------------------------------------------------------------- */

/* The one plain column of this name on one side of a USING. */
static enum od_status find_using(struct od_binder *binder, const struct od_scope *scope, const char *name,
                                 const char *side, int32_t location, const struct od_scope_entry **entry_out)
{
    *entry_out = NULL;
    for (uint32_t i = 0; i < scope->entry_count; i++) {
        if (!scope->entries[i].plain || strcmp(scope->entries[i].name, name) != 0)
            continue;
        if (*entry_out != NULL)
            return od_sql_fail(binder, OD_BAD_INPUT, location,
                               "common column name \"%s\" appears more than once in %s table", name, side);
        *entry_out = &scope->entries[i];
    }
    if (*entry_out == NULL)
        return od_sql_fail(binder, OD_BAD_INPUT, location,
                           "column \"%s\" specified in USING clause does not exist in %s table", name, side);
    return OD_OK;
}

/* left.name = right.name over the joined scope, where the merged column is the left one. */
static enum od_status using_equality(struct od_binder *binder, const struct od_scope *left,
                                     const struct od_scope *right, const struct od_scope *joined,
                                     const char *name, int32_t location, struct od_bound *bound_out,
                                     uint32_t *left_column_out, uint32_t *right_column_out)
{
    const struct od_scope_entry *entries[2] = {NULL, NULL};
    struct od_bound pair[2] = {{0}, {0}};
    enum od_status status = find_using(binder, left, name, "left", location, &entries[0]);
    if (status == OD_OK)
        status = find_using(binder, right, name, "right", location, &entries[1]);
    if (status != OD_OK)
        return status;
    *left_column_out = entries[0]->column_index;
    *right_column_out = entries[1]->column_index + left->schema.field_count;
    if (joined->schema.fields[*left_column_out].type != joined->schema.fields[*right_column_out].type)
        return od_sql_fail(binder, OD_UNSUPPORTED, location,
                           "USING over columns of different types is not supported: %s", name);
    status =
        od_expr_column(binder->plan_arena, &joined->schema, *left_column_out, &pair[0].expr, binder->error);
    if (status == OD_OK)
        status = od_expr_column(binder->plan_arena, &joined->schema, *right_column_out, &pair[1].expr,
                                binder->error);
    if (status == OD_OK)
        status = od_bind_call(binder, OD_FUNCTION_EQUAL, pair, 2, location, bound_out);
    return status;
}

static enum od_status refuse_repeated_using(struct od_binder *binder, const PgQuery__JoinExpr *node,
                                            size_t index, int32_t location)
{
    const char *name = od_sql_string(node->using_clause[index]);
    for (size_t i = 0; i < index; i++) {
        if (strcmp(od_sql_string(node->using_clause[i]), name) == 0)
            return od_sql_fail(binder, OD_BAD_INPUT, location,
                               "column name \"%s\" appears more than once in USING clause", name);
    }
    return OD_OK;
}

/* Puts a merged entry first and hides the two that it stands for from bare names. */
static enum od_status merge_entries(struct od_binder *binder, struct od_scope *scope, uint32_t position,
                                    const char *name, uint32_t left_column, uint32_t right_column)
{
    struct od_scope_entry *entries =
        od_arena_take_array(binder->plan_arena, (size_t)scope->entry_count + 1, sizeof(*entries));
    if (entries == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < position; i++)
        entries[i] = scope->entries[i];
    entries[position] = (struct od_scope_entry){.name = name, .column_index = left_column, .plain = true};
    for (uint32_t i = position; i < scope->entry_count; i++) {
        entries[i + 1] = scope->entries[i];
        if (entries[i + 1].column_index == left_column || entries[i + 1].column_index == right_column)
            entries[i + 1].plain = false;
    }
    scope->entries = entries;
    scope->entry_count++;
    return OD_OK;
}

static enum od_status bind_using(struct od_binder *binder, const PgQuery__JoinExpr *node,
                                 const struct od_scope *left, const struct od_scope *right,
                                 struct od_scope *joined, const struct od_expr **condition_out)
{
    int32_t location = od_sql_location(node->rarg);
    uint32_t count = (uint32_t)node->n_using_clause;
    const struct od_expr **equalities = od_arena_take_array(binder->plan_arena, count, sizeof(*equalities));
    enum od_status status = OD_OK;
    if (equalities == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count && status == OD_OK; i++) {
        struct od_bound equality = {0};
        uint32_t left_column = 0;
        uint32_t right_column = 0;
        const char *text = od_sql_string(node->using_clause[i]);
        const char *name = od_arena_copy_text(binder->plan_arena, text, strlen(text));
        if (name == NULL)
            return od_sql_no_memory(binder);
        status = refuse_repeated_using(binder, node, i, location);
        if (status == OD_OK)
            status = using_equality(binder, left, right, joined, name, location, &equality, &left_column,
                                    &right_column);
        if (status == OD_OK)
            status = merge_entries(binder, joined, i, name, left_column, right_column);
        equalities[i] = equality.expr;
    }
    if (status == OD_OK)
        status = od_expr_conjunction(binder->plan_arena, equalities, count, condition_out, binder->error);
    return status;
}

static enum od_status refuse_join(struct od_binder *binder, const PgQuery__JoinExpr *node)
{
    int32_t location = od_sql_location(node->rarg);
    const char *what = NULL;
    if (node->jointype != PG_QUERY__JOIN_TYPE__JOIN_INNER && node->jointype != PG_QUERY__JOIN_TYPE__JOIN_LEFT)
        what = node->jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL ? "FULL JOIN" : "RIGHT JOIN";
    else if (node->is_natural)
        what = "NATURAL JOIN";
    else if (node->alias != NULL || node->join_using_alias != NULL)
        what = "an alias for a join";
    else if (node->quals == NULL && node->n_using_clause == 0)
        what = "CROSS JOIN";
    return what == NULL ? OD_OK : od_sql_fail(binder, OD_UNSUPPORTED, location, "%s is not supported", what);
}

/* Joins two bound inputs; the condition must hold an equality between them. */
static enum od_status make_join(struct od_binder *binder, enum od_join_type type, const struct od_plan *left,
                                const struct od_plan *right, const struct od_expr *condition,
                                int32_t location, const struct od_plan **plan_out)
{
    struct od_join_keys keys;
    enum od_status status =
        od_join_keys_find(binder->plan_arena, left, right, condition, &keys, binder->error);
    if (status == OD_OK && keys.key_count == 0)
        status = od_sql_fail(binder, OD_UNSUPPORTED, location,
                             "a join without an equality between its two sides is not supported");
    if (status == OD_OK)
        status = od_plan_join(binder->plan_arena, type, left, right, condition, plan_out, binder->error);
    return status;
}

static enum od_status bind_join(struct od_binder *binder, const PgQuery__JoinExpr *node,
                                struct od_from *from_out)
{
    struct od_from left = {0};
    struct od_from right = {0};
    const struct od_expr *condition = NULL;
    int32_t location = od_sql_location(node->rarg);
    enum od_join_type type = node->jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT ? OD_JOIN_LEFT : OD_JOIN_INNER;
    enum od_status status = bind_item(binder, node->larg, &left);
    if (status == OD_OK)
        status = refuse_join(binder, node);
    if (status == OD_OK)
        status = bind_item(binder, node->rarg, &right);
    if (status == OD_OK)
        status = od_scope_join(binder, &left.scope, &right.scope, location, &from_out->scope);
    if (status == OD_OK && node->quals != NULL) {
        struct od_expr_place place = {.scope = &from_out->scope, .clause = "JOIN conditions"};
        location = od_sql_location(node->quals);
        status = od_bind_condition(binder, &place, node->quals, &condition);
    } else if (status == OD_OK) {
        status = bind_using(binder, node, &left.scope, &right.scope, &from_out->scope, &condition);
    }
    if (status == OD_OK)
        status = make_join(binder, type, left.plan, right.plan, condition, location, &from_out->plan);
    if (status == OD_OK)
        from_out->scope.schema = from_out->plan->schema; /* a LEFT join makes its right columns nullable */
    return status;
}

static enum od_status bind_item(struct od_binder *binder, const PgQuery__Node *node, struct od_from *from_out)
{
    enum od_status status = od_sql_enter(binder, od_sql_location(node));
    if (status != OD_OK)
        return status;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR:
        status = bind_table(binder, node->range_var, from_out);
        break;
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
        status = bind_subselect(binder, node->range_subselect, from_out);
        break;
    case PG_QUERY__NODE__NODE_JOIN_EXPR:
        status = bind_join(binder, node->join_expr, from_out);
        break;
    default:
        status = od_sql_fail(binder, OD_UNSUPPORTED, od_sql_location(node), "%s is not supported",
                             od_sql_construct(node));
    }
    od_sql_leave(binder);
    return status;
}

/* --- the comma list --------------------------------------------------------------------------- */

/* The joining of a comma list. Columns have two numberings: of the text (all items in order) and of the plan
 * so far. */
struct comma_join {
    uint32_t item_count;
    struct od_from items[FROM_ITEMS_MAX];
    uint32_t first_columns[FROM_ITEMS_MAX + 1]; /* of the text */
    struct od_scope scope;                      /* of the text */
    uint32_t conjunct_count;
    const struct od_expr **conjuncts; /* of WHERE, over the text's columns; NULL once a join has it */
    uint64_t joined;                  /* items in the plan: bits */
    uint32_t *places;                 /* text column -> plan column, for joined items */
    const struct od_plan *plan;
};

struct item_visitor {
    const struct comma_join *join;
    uint64_t items;
};

static void visit_item(void *self, uint32_t column_index)
{
    struct item_visitor *visitor = self;
    uint32_t item = 0;
    while (visitor->join->first_columns[item + 1] <= column_index)
        item++;
    visitor->items |= UINT64_C(1) << item;
}

static uint64_t items_of(const struct comma_join *join, const struct od_expr *expr)
{
    struct item_visitor visitor = {.join = join};
    od_expr_columns(expr, visit_item, &visitor);
    return visitor.items;
}

/* An equality between what is joined and `item`, that cannot fail. */
static bool ties(const struct comma_join *join, const struct od_expr *conjunct, uint32_t item)
{
    if (conjunct == NULL || conjunct->may_fail || conjunct->kind != OD_EXPR_CALL ||
        conjunct->function != OD_FUNCTION_EQUAL)
        return false;
    uint64_t first = items_of(join, conjunct->arguments[0]);
    uint64_t second = items_of(join, conjunct->arguments[1]);
    uint64_t other = first == UINT64_C(1) << item ? second : first;
    bool has_item = first == UINT64_C(1) << item || second == UINT64_C(1) << item;
    return has_item && other != 0 && (other & ~join->joined) == 0;
}

static uint32_t next_item(const struct comma_join *join)
{
    for (uint32_t item = 0; item < join->item_count; item++) {
        if (join->joined & (UINT64_C(1) << item))
            continue;
        for (uint32_t i = 0; i < join->conjunct_count; i++)
            if (ties(join, join->conjuncts[i], item))
                return item;
    }
    return join->item_count;
}

/* The ties of `item`, taken out of WHERE, over the plan's columns followed by the item's. */
static enum od_status take_ties(struct od_binder *binder, struct comma_join *join, uint32_t item,
                                const struct od_expr **condition_out)
{
    struct od_schema schema;
    uint32_t column_count = join->scope.schema.field_count;
    uint32_t tie_count = 0;
    const struct od_expr **map = od_arena_take_array(binder->plan_arena, column_count, sizeof(*map));
    const struct od_expr **taken =
        od_arena_take_array(binder->plan_arena, join->conjunct_count, sizeof(*taken));
    if (map == NULL || taken == NULL)
        return od_sql_no_memory(binder);
    enum od_status status =
        od_plan_join_schema(binder->plan_arena, join->plan, join->items[item].plan, &schema, binder->error);
    for (uint32_t i = join->first_columns[item]; i < join->first_columns[item + 1]; i++)
        join->places[i] = join->plan->schema.field_count + i - join->first_columns[item];
    uint64_t visible = join->joined | (UINT64_C(1) << item);
    for (uint32_t k = 0; k < join->item_count; k++)
        for (uint32_t i = join->first_columns[k];
             i < join->first_columns[k + 1] && (visible & (UINT64_C(1) << k)) && status == OD_OK; i++)
            status = od_expr_column(binder->plan_arena, &schema, join->places[i], &map[i], binder->error);
    for (uint32_t i = 0; i < join->conjunct_count && status == OD_OK; i++) {
        if (!ties(join, join->conjuncts[i], item))
            continue;
        status = od_expr_substitute(binder->plan_arena, join->conjuncts[i], map, &taken[tie_count++],
                                    binder->error);
        join->conjuncts[i] = NULL;
    }
    if (status == OD_OK)
        status = od_expr_conjunction(binder->plan_arena, taken, tie_count, condition_out, binder->error);
    return status;
}

static enum od_status join_items(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                 struct comma_join *join)
{
    enum od_status status = OD_OK;
    join->plan = join->items[0].plan;
    join->joined = 1;
    for (uint32_t i = 0; i < join->first_columns[1]; i++)
        join->places[i] = i;
    for (uint32_t step = 1; step < join->item_count && status == OD_OK; step++) {
        const struct od_expr *condition = NULL;
        const struct od_plan *joined = NULL;
        uint32_t item = next_item(join);
        if (item == join->item_count) {
            item = 0;
            while (join->joined & (UINT64_C(1) << item))
                item++;
            return od_sql_fail(
                binder, OD_UNSUPPORTED, od_sql_location(select->from_clause[item]),
                "a cross join is not supported: no equality in WHERE ties this to the other tables");
        }
        status = take_ties(binder, join, item, &condition);
        if (status == OD_OK)
            status = od_plan_join(binder->plan_arena, OD_JOIN_INNER, join->plan, join->items[item].plan,
                                  condition, &joined, binder->error);
        join->plan = joined;
        join->joined |= UINT64_C(1) << item;
    }
    return status;
}

/* Back to the order of the text. */
static enum od_status restore_order(struct od_binder *binder, struct comma_join *join)
{
    uint32_t count = join->scope.schema.field_count;
    bool in_order = true;
    enum od_status status = OD_OK;
    const struct od_expr **exprs = od_arena_take_array(binder->plan_arena, count, sizeof(*exprs));
    if (exprs == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count && status == OD_OK; i++) {
        in_order = in_order && join->places[i] == i;
        status = od_expr_column(binder->plan_arena, &join->plan->schema, join->places[i], &exprs[i],
                                binder->error);
    }
    if (status == OD_OK && !in_order)
        status =
            od_plan_project(binder->plan_arena, join->plan, exprs, NULL, count, &join->plan, binder->error);
    return status;
}

static enum od_status filter_rest(struct od_binder *binder, struct comma_join *join)
{
    const struct od_expr *predicate = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < join->conjunct_count; i++)
        if (join->conjuncts[i] != NULL)
            join->conjuncts[count++] = join->conjuncts[i];
    if (count == 0)
        return OD_OK;
    enum od_status status =
        od_expr_conjunction(binder->plan_arena, join->conjuncts, count, &predicate, binder->error);
    if (status == OD_OK)
        status = od_plan_filter(binder->plan_arena, join->plan, predicate, &join->plan, binder->error);
    return status;
}

static enum od_status bind_items(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                 struct comma_join *join)
{
    enum od_status status = OD_OK;
    if (select->n_from_clause > FROM_ITEMS_MAX)
        return od_sql_fail(binder, OD_UNSUPPORTED, od_sql_location(select->from_clause[FROM_ITEMS_MAX]),
                           "more than %d items in FROM are not supported", FROM_ITEMS_MAX);
    for (size_t i = 0; i < select->n_from_clause && status == OD_OK; i++) {
        struct od_from *item = &join->items[i];
        struct od_scope widened;
        status = bind_item(binder, select->from_clause[i], item);
        if (status == OD_OK && i == 0) {
            widened = item->scope;
        } else if (status == OD_OK) {
            status = od_scope_join(binder, &join->scope, &item->scope,
                                   od_sql_location(select->from_clause[i]), &widened);
        }
        if (status != OD_OK)
            return status;
        join->scope = widened;
        join->item_count++;
        join->first_columns[join->item_count] = widened.schema.field_count;
    }
    join->places =
        od_arena_take_array(binder->plan_arena, join->scope.schema.field_count, sizeof(*join->places));
    return join->places == NULL ? od_sql_no_memory(binder) : OD_OK;
}

static enum od_status bind_where(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                 struct comma_join *join)
{
    struct od_expr_place place = {.scope = &join->scope, .clause = "WHERE"};
    const struct od_expr *predicate = NULL;
    if (select->where_clause == NULL)
        return OD_OK;
    enum od_status status = od_bind_condition(binder, &place, select->where_clause, &predicate);
    if (status != OD_OK)
        return status;
    uint32_t count = od_expr_conjuncts(predicate, NULL, 0);
    join->conjuncts = od_arena_take_array(binder->plan_arena, count, sizeof(*join->conjuncts));
    if (join->conjuncts == NULL)
        return od_sql_no_memory(binder);
    join->conjunct_count = od_expr_conjuncts(predicate, join->conjuncts, count);
    return OD_OK;
}

enum od_status od_bind_from(struct od_binder *binder, const PgQuery__SelectStmt *select,
                            struct od_from *from_out)
{
    struct comma_join *join = od_arena_take(binder->plan_arena, sizeof(*join));
    if (join == NULL)
        return od_sql_no_memory(binder);
    enum od_status status = bind_items(binder, select, join);
    if (status == OD_OK)
        status = bind_where(binder, select, join);
    if (status == OD_OK)
        status = join_items(binder, select, join);
    if (status == OD_OK)
        status = restore_order(binder, join);
    if (status == OD_OK)
        status = filter_rest(binder, join);
    from_out->plan = join->plan;
    from_out->scope = join->scope;
    return status;
}
