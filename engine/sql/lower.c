/* lower: from expressions over a SELECT's rows to expressions over the stage of its plan that evaluates them.
 *
 *   select a + 1, sum(b) * 2, (select max(k) from v) from t group by a + 1
 *
 *   bound over the rows     #a + 1      @0 * 2      @1         @0 stands for sum(b), @1 for the sub-select
 *   lowered, over groups    #0          #1 * 2      #2         groups, aggregates, what sub-selects have
 * added
 *
 * Lowering goes from the root down: a whole expression that equals a group is that group's column; a slot is
 * its column; a call is rebuilt from its lowered arguments; any other column of grouped rows is the error
 * "must appear in GROUP BY".
 *
 * A sub-select joins the stage when it is first asked for, and its columns come behind those that are there,
 * so nothing moves. Its outer columns are numbered as the rows' are. A stage of groups has other columns; if
 * there are correlated sub-selects, it is therefore projected to (the rows' columns, NULL where they are not
 * grouped) ++ (its own). */
#include <string.h>

#include "engine/core/assert.h"
#include "engine/plan/plan_rewrite.h"
#include "engine/sql/binder.h"

#define SAME_TREE_MAX 1000 /* nodes of sub-selects that are compared with one another */

static bool is_slot(const struct od_expr *expr)
{
    return expr->kind == OD_EXPR_COLUMN && expr->column_index >= OD_SLOT_BASE &&
           expr->column_index < OD_RIGHT_BASE;
}

bool od_has_slot(const struct od_block *block, const struct od_expr *expr, uint32_t kinds)
{
    if (is_slot(expr))
        return (kinds >> block->slots[expr->column_index - OD_SLOT_BASE].kind & 1) != 0;
    for (uint32_t i = 0; expr->kind == OD_EXPR_CALL && i < expr->argument_count; i++)
        if (od_has_slot(block, expr->arguments[i], kinds))
            return true;
    return false;
}

/* --- columns of grouped rows -------------------------------------------------------------------- */

static const struct od_scope_entry *entry_of(const struct od_block *block, uint32_t column_index)
{
    const struct od_scope_entry *found = NULL;
    for (uint32_t i = 0; i < block->scope.entry_count; i++) {
        const struct od_scope_entry *entry = &block->scope.entries[i];
        if (entry->column_index == column_index && (found == NULL || entry->relation != NULL))
            found = entry;
    }
    return found;
}

/* Of grouping sets, a literal and what asks a sub-select are NULL only in the output column that is the key; else they are
 * computed, as in PostgreSQL. */
static bool has_one_place(const struct od_block *block, const struct od_expr *key)
{
    return block->has_set_column &&
           (key->kind == OD_EXPR_LITERAL || od_has_slot(block, key, UINT32_C(1) << OD_SLOT_SUBQUERY));
}

static void *refuse_ungrouped(struct od_binder *binder, const struct od_block *block, uint32_t column_index,
                              int32_t location, bool in_subquery)
{
    const struct od_scope_entry *entry = entry_of(block, column_index);
    const char *relation = entry == NULL || entry->relation == NULL ? "" : entry->relation;
    const char *name = entry == NULL ? block->scope.schema.fields[column_index].name : entry->name;
    for (uint32_t i = 0; i < block->groups.count; i++)
        if (has_one_place(block, block->groups.at[i]))
            return od_sql_refuse(binder, location, "what may repeat a key of grouping sets");
    return od_sql_wrong(
        binder, location,
        in_subquery
            ? "subquery uses ungrouped column \"%s%s%s\" from outer query"
            : "column \"%s%s%s\" must appear in the GROUP BY clause or be used in an aggregate function",
        relation, relation[0] == '\0' ? "" : ".", name);
}

uint32_t od_group_of(const struct od_block *block, uint32_t column_index)
{
    for (uint32_t i = 0; i < block->groups.count; i++)
        if (block->groups.at[i]->kind == OD_EXPR_COLUMN && block->groups.at[i]->column_index == column_index)
            return i;
    return OD_NO_COLUMN;
}

static void move_columns(struct od_block *block, uint32_t by)
{
    block->group_first += by;
    block->set_column += by;
    for (uint32_t i = 0; i < block->slot_count; i++)
        if (block->slots[i].column != OD_NO_COLUMN)
            block->slots[i].column += by;
}

/* The stage of groups gets the columns of the rows in front, and what sub-selects aggregate of them. Before anything is lowered onto it: columns
 * move. */
static bool put_row_columns(struct od_binder *binder, struct od_block *block)
{
    const struct od_schema *rows = &block->scope.schema;
    struct od_targets targets = {0};
    for (uint32_t i = 0; i < rows->field_count; i++) {
        uint32_t group = od_group_of(block, i);
        od_add_target(binder, &targets,
                      group == OD_NO_COLUMN
                          ? od_make_null(binder, rows->fields[i].type)
                          : od_make_column(binder, &block->plan->schema, block->group_first + group, -1),
                      rows->fields[i].name);
    }
    for (uint32_t i = 0; i < block->outer_aggregate_count; i++)
        od_add_target(
            binder, &targets,
            od_make_column(binder, &block->plan->schema, block->slots[block->outer_aggregates[i]].column, -1),
            NULL);
    od_add_columns(binder, &targets, block->plan);
    block->plan = od_make_project(binder, block->plan, &targets);
    move_columns(block, rows->field_count + block->outer_aggregate_count);
    return block->plan != NULL;
}

bool od_enter_groups(struct od_binder *binder, struct od_block *block)
{
    bool reads = block->outer_aggregate_count > 0;
    block->grouped = true;
    for (uint32_t i = 0; i < block->slot_count; i++) {
        if (block->slots[i].kind != OD_SLOT_SUBQUERY)
            continue;
        struct od_subquery *query = block->slots[i].value.query;
        query->column = OD_NO_COLUMN; /* joined to the rows, if at all */
        reads |= query->read_first < query->read_end;
    }
    return reads ? put_row_columns(binder, block) : !od_sql_failed(binder);
}

/* --- sub-selects -------------------------------------------------------------------------------- */

struct right_shift {
    struct od_binder *binder;
    uint32_t by;
};

static enum od_status shift_right_column(void *self, const struct od_expr *leaf,
                                         const struct od_expr **expr_out, struct od_error *error)
{
    struct right_shift *shift = self;
    *expr_out = leaf;
    if (leaf->kind == OD_EXPR_COLUMN && leaf->column_index >= OD_RIGHT_BASE)
        *expr_out = od_make_stand_in(shift->binder, leaf->column_index - OD_RIGHT_BASE + shift->by,
                                     leaf->type, leaf->nullable, od_place_of(leaf));
    return error->status;
}

static bool join_subquery(struct od_binder *binder, struct od_block *block, struct od_subquery *query,
                          enum od_join_type type)
{
    for (uint32_t i = query->read_first; i < query->read_end && block->grouped; i++) {
        const struct od_outer_read *read = &block->outer_reads[i];
        if (od_group_of(block, read->column_index) == OD_NO_COLUMN)
            return refuse_ungrouped(binder, block, read->column_index, read->location, true);
    }
    const struct od_expr *condition = od_lower(binder, block, query->condition);
    OD_NEED(condition != NULL);
    query->column = block->plan->schema.field_count;
    struct right_shift shift = {binder, query->column};
    struct od_leaf_rewriter leaves = {shift_right_column, &shift};
    od_expr_rewrite(binder->plan_arena, condition, &leaves, &condition, binder->error);
    block->plan =
        od_make_join(binder, type, query->correlated, block->plan, query->plan, condition, query->location);
    return block->plan != NULL;
}

/* --- lowering ------------------------------------------------------------------------------------- */

static bool same_plan(const struct od_plan *left, const struct od_plan *right)
{
    if (left == right)
        return true;
    struct od_plan over_left = *right;
    for (uint32_t i = 0; i < left->input_count; i++) {
        if (i >= right->input_count || !same_plan(left->inputs[i], right->inputs[i]))
            return false;
        over_left.inputs[i] = left->inputs[i];
    }
    return od_plan_node_equal(left, &over_left);
}

bool od_same_value(const struct od_block *block, const struct od_expr *left, const struct od_expr *right)
{
    if (od_expr_equal(left, right))
        return true;
    if (is_slot(left) && is_slot(right)) {
        const struct od_slot *one = &block->slots[left->column_index - OD_SLOT_BASE];
        const struct od_slot *other = &block->slots[right->column_index - OD_SLOT_BASE];
        return one->kind == OD_SLOT_SUBQUERY && other->kind == OD_SLOT_SUBQUERY &&
               one->value.field == other->value.field && one->value.query->type == other->value.query->type &&
               one->value.query->plan->tree_size < SAME_TREE_MAX &&
               od_same_value(block, one->value.query->condition, other->value.query->condition) &&
               same_plan(one->value.query->plan, other->value.query->plan);
    }
    bool same = left->kind == OD_EXPR_CALL && right->kind == OD_EXPR_CALL && left->type == right->type &&
                left->function == right->function && left->argument_count == right->argument_count;
    for (uint32_t i = 0; same && i < left->argument_count; i++)
        same = od_same_value(block, left->arguments[i], right->arguments[i]);
    return same;
}

static uint32_t find_group(const struct od_block *block, const struct od_expr *expr)
{
    bool may_be_group = block->grouped && (expr->kind != OD_EXPR_LITERAL || block->has_set_column);
    for (uint32_t i = 0; may_be_group && i < block->groups.count; i++) {
        const struct od_expr *key = block->groups.at[i];
        if (has_one_place(block, key) ? key == expr : od_same_value(block, key, expr))
            return i;
    }
    return OD_NO_COLUMN;
}

static const struct od_expr *lower_slot(struct od_binder *binder, struct od_block *block,
                                        const struct od_expr *expr)
{
    struct od_slot *slot = &block->slots[expr->column_index - OD_SLOT_BASE];
    uint32_t column = slot->column;
    if (slot->kind == OD_SLOT_GROUPING)
        return od_lower_grouping(binder, block, slot->grouping, od_place_of(expr));
    if (slot->kind == OD_SLOT_SUBQUERY) {
        struct od_subquery *query = slot->value.query;
        OD_NEED(query->column != OD_NO_COLUMN || join_subquery(binder, block, query, query->type));
        column = query->column + slot->value.field;
    }
    od_assert(column != OD_NO_COLUMN);
    return od_make_column(binder, &block->plan->schema, column, od_place_of(expr));
}

/* A strict function of NULL: the other arguments are not looked at, and raise no error but what constants raise. */
static bool is_null_whatever_else(enum od_function function, struct od_exprs arguments)
{
    bool has_null = false;
    bool fails = false;
    for (uint32_t i = 0; i < arguments.count; i++) {
        const struct od_expr *argument = arguments.at[i];
        has_null |= argument->kind == OD_EXPR_LITERAL && argument->literal.is_null;
        fails |= argument->may_fail && od_expr_is_constant(argument);
    }
    return has_null && !fails && od_function_style(function) == OD_STYLE_STRICT;
}

/* --- sub-selects that are asked for some rows only ------------------------------------------------ */

/* Does it read a sub-select that no join has brought yet, and that fails for some rows? */
static bool asks_what_may_fail(const struct od_block *block, const struct od_expr *expr)
{
    for (uint32_t i = 0; expr->kind == OD_EXPR_CALL && i < expr->argument_count; i++)
        if (asks_what_may_fail(block, expr->arguments[i]))
            return true;
    if (!is_slot(expr) || block->slots[expr->column_index - OD_SLOT_BASE].kind != OD_SLOT_SUBQUERY)
        return false;
    const struct od_subquery *query = block->slots[expr->column_index - OD_SLOT_BASE].value.query;
    return query->column == OD_NO_COLUMN &&
           (query->plan->may_fail || query->condition->may_fail ||
            (query->type == OD_JOIN_SINGLE && !od_plan_gives_one_row(query->plan, false)));
}

/* For which rows argument number `count` is evaluated: the first ones, lowered, do not decide. */
static const struct od_expr *guard_of(struct od_binder *binder, enum od_function function,
                                      const struct od_expr *const *first, uint32_t count)
{
    bool is_case = function == OD_FUNCTION_CASE;
    struct od_exprs tests = {0};
    for (uint32_t i = 0; i < count; i += is_case ? 2 : 1) {
        bool taken = is_case && i + 1 == count; /* CASE WHEN condition THEN argument */
        enum od_function test = function == OD_FUNCTION_COALESCE ? OD_FUNCTION_IS_NULL
                                : function == OD_FUNCTION_AND    ? OD_FUNCTION_IS_FALSE
                                                                 : OD_FUNCTION_IS_TRUE;
        const struct od_expr *decides = od_make_one(binder, test, first[i], -1);
        OD_NEED(od_add_expr(binder, &tests,
                            taken || test == OD_FUNCTION_IS_NULL
                                ? decides
                                : od_make_one(binder, OD_FUNCTION_NOT, decides, -1)));
    }
    return od_make_chain(binder, OD_FUNCTION_AND, tests, -1);
}

/* The rows for which the guard is true join the sub-selects; the others stand below them, with NULLs there. */
static const struct od_expr *lower_guarded(struct od_binder *binder, struct od_block *block,
                                           const struct od_expr *expr, const struct od_expr *guard)
{
    struct od_targets columns = {0};
    OD_NEED(guard != NULL && od_add_columns(binder, &columns, block->plan));
    od_add_target(binder, &columns, guard, NULL);
    const struct od_plan *all = od_make_project(binder, block->plan, &columns);
    OD_NEED(all != NULL);
    guard = od_make_column(binder, &all->schema, columns.count - 1, -1);
    block->plan = od_make_filter(binder, all, guard);
    OD_NEED(od_lower(binder, block, expr)); /* joins them; their columns are found again below */
    const struct od_plan *rest = od_make_filter(binder, all, od_make_one(binder, OD_FUNCTION_NOT, guard, -1));
    columns.count = 0;
    OD_NEED(rest != NULL && od_add_columns(binder, &columns, rest));
    for (uint32_t i = columns.count; i < block->plan->schema.field_count; i++)
        OD_NEED(
            od_add_target(binder, &columns, od_make_null(binder, block->plan->schema.fields[i].type), NULL));
    block->plan = od_make_union(binder, block->plan, od_make_project(binder, rest, &columns));
    OD_NEED(block->plan != NULL);
    return od_lower(binder, block, expr);
}

/* May an argument decide, so that those behind it are not evaluated? */
static bool may_be_left_out(enum od_function function)
{
    enum od_function_style style = od_function_style(function);
    return style == OD_STYLE_CASE || style == OD_STYLE_COALESCE || style == OD_STYLE_CONNECTIVE;
}

const struct od_expr *od_lower(struct od_binder *binder, struct od_block *block, const struct od_expr *expr)
{
    OD_NEED(expr != NULL && !od_sql_failed(binder)); /* else the stage may be missing */
    uint32_t group = find_group(block, expr);
    if (group != OD_NO_COLUMN)
        return od_make_column(binder, &block->plan->schema, block->group_first + group, od_place_of(expr));
    if (is_slot(expr))
        return lower_slot(binder, block, expr);
    if (expr->kind == OD_EXPR_COLUMN && expr->column_index < OD_SLOT_BASE && block->grouped)
        return refuse_ungrouped(binder, block, expr->column_index, od_place_of(expr), false);
    if (expr->kind != OD_EXPR_CALL)
        return expr;
    bool changed = false;
    struct od_exprs arguments = {expr->argument_count,
                                 od_sql_take(binder, expr->argument_count, sizeof(expr))};
    for (uint32_t i = 0; i < arguments.count && !od_sql_failed(binder); i++)
        arguments.at[i] =
            i > 0 && may_be_left_out(expr->function) && asks_what_may_fail(block, expr->arguments[i])
                ? lower_guarded(binder, block, expr->arguments[i],
                                guard_of(binder, expr->function, arguments.at, i))
                : od_lower(binder, block, expr->arguments[i]);
    for (uint32_t i = 0; i < arguments.count && !od_sql_failed(binder); i++)
        changed |= arguments.at[i] != expr->arguments[i];
    if (!od_sql_failed(binder) && is_null_whatever_else(expr->function, arguments))
        return od_make_null(binder, expr->type);
    if (!changed)
        return od_sql_failed(binder) ? NULL : expr;
    if (expr->function != OD_FUNCTION_CAST)
        return od_make_call(binder, expr->function, arguments, od_place_of(expr));
    const struct od_expr *cast = od_make_cast(binder, arguments.at[0], expr->type, od_place_of(expr));
    return od_make_at(binder, cast, od_place_of(expr));
}

struct od_exprs od_lower_list(struct od_binder *binder, struct od_block *block, struct od_exprs list)
{
    struct od_exprs lowered = {list.count, od_sql_take(binder, list.count, sizeof(*lowered.at))};
    for (uint32_t i = 0; i < list.count && !od_sql_failed(binder); i++)
        lowered.at[i] = od_lower(binder, block, list.at[i]);
    return lowered;
}

struct od_sort_key *od_lower_keys(struct od_binder *binder, struct od_block *block,
                                  const struct od_sort_key *keys, uint32_t count)
{
    struct od_sort_key *lowered = od_sql_take(binder, count, sizeof(*lowered));
    for (uint32_t i = 0; i < count && lowered != NULL; i++) {
        lowered[i] = keys[i];
        lowered[i].expr = od_lower(binder, block, keys[i].expr);
    }
    return lowered;
}

bool od_lower_aggregate(struct od_binder *binder, struct od_block *block, struct od_aggregate *aggregate)
{
    const struct od_expr **clauses[] = {&aggregate->argument, &aggregate->second, &aggregate->filter};
    for (size_t i = 0; i < sizeof(clauses) / sizeof(clauses[0]); i++)
        *clauses[i] = od_lower(binder, block, *clauses[i]);
    aggregate->keys = od_lower_keys(binder, block, aggregate->keys, aggregate->key_count);
    return !od_sql_failed(binder);
}

/* --- filters ---------------------------------------------------------------------------------------- */

/* The sub-select that decides this conjunct alone, and the join that keeps its rows. */
static struct od_subquery *as_semi_join(const struct od_block *block, const struct od_expr *conjunct,
                                        enum od_join_type *type_out)
{
    bool negated = conjunct->kind == OD_EXPR_CALL && conjunct->function == OD_FUNCTION_NOT;
    const struct od_expr *mark = negated ? conjunct->arguments[0] : conjunct;
    const struct od_slot *slot = is_slot(mark) ? &block->slots[mark->column_index - OD_SLOT_BASE] : NULL;
    if (slot == NULL || slot->kind != OD_SLOT_SUBQUERY || slot->value.query->type != OD_JOIN_MARK ||
        find_group(block, conjunct) != OD_NO_COLUMN || find_group(block, mark) != OD_NO_COLUMN)
        return NULL;
    *type_out = !negated ? OD_JOIN_SEMI : slot->value.query->exists ? OD_JOIN_ANTI : OD_JOIN_NULL_ANTI;
    return slot->value.query;
}

bool od_lower_filter(struct od_binder *binder, struct od_block *block, const struct od_expr *predicate)
{
    OD_NEED(predicate != NULL);
    bool is_group = find_group(block, predicate) != OD_NO_COLUMN; /* an AND, maybe: as a whole */
    uint32_t count = is_group ? 1 : od_expr_conjuncts(predicate, NULL, 0);
    const struct od_expr **conjuncts = od_sql_take(binder, count, sizeof(*conjuncts));
    OD_NEED(conjuncts != NULL);
    if (is_group)
        conjuncts[0] = predicate;
    else
        od_expr_conjuncts(predicate, conjuncts, count);
    /* First what needs no sub-select, then sub-selects that only drop rows, then all others, each before the next one's
     * sub-selects are asked, which may fail. */
    for (uint32_t pass = 0; pass < 3; pass++) {
        struct od_exprs chosen = {0};
        for (uint32_t i = 0; i < count; i++) {
            enum od_join_type type = OD_JOIN_SEMI;
            struct od_subquery *query = as_semi_join(block, conjuncts[i], &type);
            bool has_query = od_has_slot(block, conjuncts[i], UINT32_C(1) << OD_SLOT_SUBQUERY);
            uint32_t due = !has_query ? 0 : query != NULL ? 1 : 2;
            if (due != pass)
                continue;
            if (due == 1) {
                OD_NEED(join_subquery(binder, block, query, type));
                query->column = OD_NO_COLUMN;
            } else if (due == 2) {
                predicate = od_lower(binder, block, conjuncts[i]);
                block->plan = od_make_filter(binder, block->plan, predicate);
                OD_NEED(block->plan != NULL);
            } else {
                OD_NEED(od_add_expr(binder, &chosen, od_lower(binder, block, conjuncts[i])));
            }
        }
        if (chosen.count == 0)
            continue;
        od_expr_conjunction(binder->plan_arena, chosen.at, chosen.count, &predicate, binder->error);
        block->plan = od_make_filter(binder, block->plan, predicate);
    }
    return block->plan != NULL;
}
