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
#include "engine/sql/binder.h"

enum od_status od_slot_column(struct od_binder *binder, uint32_t slot, enum od_type type, bool nullable,
                              int32_t location, const struct od_expr **expr_out)
{
    struct od_expr *expr = od_arena_take(binder->plan_arena, sizeof(*expr));
    *expr_out = expr;
    if (expr == NULL)
        return od_sql_no_memory(binder);
    *expr = (struct od_expr){.kind = OD_EXPR_COLUMN,
                             .type = type,
                             .nullable = nullable,
                             .sql_offset = (uint32_t)(location + 1),
                             .column_index = slot};
    return OD_OK;
}

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

static enum od_status stage_column(struct od_binder *binder, const struct od_block *block, uint32_t index,
                                   uint32_t sql_offset, const struct od_expr **expr_out)
{
    const struct od_expr *column = NULL;
    OD_TRY(od_expr_column(binder->plan_arena, &block->plan->schema, index, &column, binder->error));
    return od_expr_located(binder->plan_arena, column, sql_offset, expr_out, binder->error);
}

static enum od_status rebuild_call(struct od_binder *binder, const struct od_expr *expr,
                                   const struct od_expr *const *arguments, const struct od_expr **expr_out)
{
    const struct od_expr *call = NULL;
    enum od_status status =
        expr->function == OD_FUNCTION_CAST
            ? od_expr_cast(binder->plan_arena, arguments[0], expr->type, &call, binder->error)
            : od_expr_call(binder->plan_arena, expr->function, arguments, expr->argument_count, &call,
                           binder->error);
    if (status == OD_OK)
        status = od_expr_located(binder->plan_arena, call, expr->sql_offset, expr_out, binder->error);
    return status;
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

static enum od_status refuse_ungrouped(struct od_binder *binder, const struct od_block *block,
                                       uint32_t column_index, int32_t location, bool in_subquery)
{
    const struct od_scope_entry *entry = entry_of(block, column_index);
    const char *relation = entry == NULL || entry->relation == NULL ? "" : entry->relation;
    const char *name = entry == NULL ? block->scope.schema.fields[column_index].name : entry->name;
    const char *dot = relation[0] == '\0' ? "" : ".";
    if (in_subquery)
        return od_sql_fail(binder, OD_BAD_INPUT, location,
                           "subquery uses ungrouped column \"%s%s%s\" from outer query", relation, dot, name);
    return od_sql_fail(
        binder, OD_BAD_INPUT, location,
        "column \"%s%s%s\" must appear in the GROUP BY clause or be used in an aggregate function", relation,
        dot, name);
}

/* The group that is this column of the rows, or OD_NO_COLUMN. */
static uint32_t group_of_column(const struct od_block *block, uint32_t column_index)
{
    for (uint32_t i = 0; i < block->group_count; i++)
        if (block->groups[i]->kind == OD_EXPR_COLUMN && block->groups[i]->column_index == column_index)
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

/* The stage of groups gets the columns of the rows in front. Before anything is lowered onto it: columns
 * move. */
static enum od_status put_row_columns(struct od_binder *binder, struct od_block *block)
{
    const struct od_schema *rows = &block->scope.schema;
    uint32_t count = rows->field_count + block->plan->schema.field_count;
    const struct od_expr **exprs = od_arena_take_array(binder->plan_arena, count, sizeof(*exprs));
    const char **names = od_arena_take_array(binder->plan_arena, count, sizeof(*names));
    if (exprs == NULL || names == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count; i++) {
        bool of_rows = i < rows->field_count;
        uint32_t column = of_rows ? group_of_column(block, i) : i - rows->field_count;
        names[i] = of_rows ? rows->fields[i].name : block->plan->schema.fields[column].name;
        if (of_rows && column != OD_NO_COLUMN)
            column += block->group_first;
        if (column != OD_NO_COLUMN) {
            OD_TRY(
                od_expr_column(binder->plan_arena, &block->plan->schema, column, &exprs[i], binder->error));
        } else {
            struct od_value nothing = {.type = rows->fields[i].type, .is_null = true};
            OD_TRY(od_expr_literal(binder->plan_arena, &nothing, &exprs[i], binder->error));
        }
    }
    OD_TRY(
        od_plan_project(binder->plan_arena, block->plan, exprs, names, count, &block->plan, binder->error));
    move_columns(block, rows->field_count);
    return OD_OK;
}

enum od_status od_enter_groups(struct od_binder *binder, struct od_block *block)
{
    bool reads = false;
    block->grouped = true;
    for (uint32_t i = 0; i < block->slot_count; i++) {
        struct od_subquery *query =
            block->slots[i].kind == OD_SLOT_SUBQUERY ? block->slots[i].value.query : NULL;
        if (query == NULL)
            continue;
        query->column = OD_NO_COLUMN; /* joined to the rows, if at all */
        reads |= query->read_first < query->read_end;
    }
    return reads ? put_row_columns(binder, block) : OD_OK;
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
    (void)error;
    *expr_out = leaf;
    if (leaf->kind != OD_EXPR_COLUMN || leaf->column_index < OD_RIGHT_BASE)
        return OD_OK;
    return od_slot_column(shift->binder, leaf->column_index - OD_RIGHT_BASE + shift->by, leaf->type,
                          leaf->nullable, (int32_t)leaf->sql_offset - 1, expr_out);
}

static enum od_status check_reads(struct od_binder *binder, struct od_block *block,
                                  const struct od_subquery *query)
{
    for (uint32_t i = query->read_first; i < query->read_end; i++) {
        const struct od_outer_read *read = &block->outer_reads[i];
        if (group_of_column(block, read->column_index) == OD_NO_COLUMN)
            return refuse_ungrouped(binder, block, read->column_index, read->location, true);
    }
    return OD_OK;
}

static enum od_status join_subquery(struct od_binder *binder, struct od_block *block,
                                    struct od_subquery *query, enum od_join_type type)
{
    const struct od_expr *condition = NULL;
    if (block->grouped)
        OD_TRY(check_reads(binder, block, query));
    OD_TRY(od_lower(binder, block, query->condition, &condition));
    struct right_shift shift = {binder, block->plan->schema.field_count};
    struct od_leaf_rewriter leaves = {shift_right_column, &shift};
    OD_TRY(od_expr_rewrite(binder->plan_arena, condition, &leaves, &condition, binder->error));
    query->column = block->plan->schema.field_count;
    return od_sql_locate(
        binder,
        (query->correlated ? od_plan_apply : od_plan_join)(binder->plan_arena, type, block->plan, query->plan,
                                                           condition, &block->plan, binder->error),
        query->location);
}

/* --- lowering ------------------------------------------------------------------------------------- */

static enum od_status lower_slot(struct od_binder *binder, struct od_block *block, const struct od_expr *expr,
                                 const struct od_expr **expr_out)
{
    struct od_slot *slot = &block->slots[expr->column_index - OD_SLOT_BASE];
    if (slot->kind == OD_SLOT_GROUPING)
        return od_lower_grouping(binder, block, slot, (int32_t)expr->sql_offset - 1, expr_out);
    if (slot->kind == OD_SLOT_SUBQUERY) {
        struct od_subquery *query = slot->value.query;
        if (query->column == OD_NO_COLUMN)
            OD_TRY(join_subquery(binder, block, query, query->type));
        return stage_column(binder, block, query->column + slot->value.field, expr->sql_offset, expr_out);
    }
    od_assert(slot->column != OD_NO_COLUMN);
    return stage_column(binder, block, slot->column, expr->sql_offset, expr_out);
}

enum od_status od_lower(struct od_binder *binder, struct od_block *block, const struct od_expr *expr,
                        const struct od_expr **expr_out)
{
    bool may_be_group = block->grouped && (expr->kind != OD_EXPR_LITERAL || block->has_set_column);
    for (uint32_t i = 0; may_be_group && i < block->group_count; i++)
        if (od_expr_equal(block->groups[i], expr))
            return stage_column(binder, block, block->group_first + i, expr->sql_offset, expr_out);
    *expr_out = expr;
    if (is_slot(expr))
        return lower_slot(binder, block, expr, expr_out);
    if (expr->kind == OD_EXPR_COLUMN && expr->column_index < OD_SLOT_BASE && block->grouped)
        return refuse_ungrouped(binder, block, expr->column_index, (int32_t)expr->sql_offset - 1, false);
    if (expr->kind != OD_EXPR_CALL)
        return OD_OK;
    bool changed = false;
    const struct od_expr **arguments =
        od_arena_take_array(binder->plan_arena, expr->argument_count, sizeof(*arguments));
    if (arguments == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        OD_TRY(od_lower(binder, block, expr->arguments[i], &arguments[i]));
        changed |= arguments[i] != expr->arguments[i];
    }
    return changed ? rebuild_call(binder, expr, arguments, expr_out) : OD_OK;
}

/* --- filters ---------------------------------------------------------------------------------------- */

/* The sub-select that decides this conjunct alone, and the join that keeps its rows. */
static struct od_subquery *as_semi_join(const struct od_block *block, const struct od_expr *conjunct,
                                        enum od_join_type *type_out)
{
    bool negated = conjunct->kind == OD_EXPR_CALL && conjunct->function == OD_FUNCTION_NOT;
    const struct od_expr *mark = negated ? conjunct->arguments[0] : conjunct;
    const struct od_slot *slot = is_slot(mark) ? &block->slots[mark->column_index - OD_SLOT_BASE] : NULL;
    if (slot == NULL || slot->kind != OD_SLOT_SUBQUERY || slot->value.query->type != OD_JOIN_MARK)
        return NULL;
    *type_out = !negated ? OD_JOIN_SEMI : slot->value.query->exists ? OD_JOIN_ANTI : OD_JOIN_NULL_ANTI;
    return slot->value.query;
}

enum od_status od_lower_filter(struct od_binder *binder, struct od_block *block,
                               const struct od_expr *predicate)
{
    uint32_t count = od_expr_conjuncts(predicate, NULL, 0);
    const struct od_expr **conjuncts = od_arena_take_array(binder->plan_arena, count, sizeof(*conjuncts));
    const struct od_expr **chosen = od_arena_take_array(binder->plan_arena, count, sizeof(*chosen));
    if (conjuncts == NULL || chosen == NULL)
        return od_sql_no_memory(binder);
    od_expr_conjuncts(predicate, conjuncts, count);
    /* first what needs no sub-select, then sub-selects that only drop rows, then all others */
    for (uint32_t pass = 0; pass < 3; pass++) {
        uint32_t chosen_count = 0;
        for (uint32_t i = 0; i < count; i++) {
            enum od_join_type type = OD_JOIN_SEMI;
            struct od_subquery *query = as_semi_join(block, conjuncts[i], &type);
            uint32_t due = !od_has_slot(block, conjuncts[i], UINT32_C(1) << OD_SLOT_SUBQUERY) ? 0
                           : query != NULL                                                    ? 1
                                                                                              : 2;
            if (due != pass)
                continue;
            if (due == 1) {
                OD_TRY(join_subquery(binder, block, query, type));
                query->column = OD_NO_COLUMN;
            } else {
                OD_TRY(od_lower(binder, block, conjuncts[i], &chosen[chosen_count++]));
            }
        }
        if (chosen_count == 0)
            continue;
        OD_TRY(od_expr_conjunction(binder->plan_arena, chosen, chosen_count, &predicate, binder->error));
        OD_TRY(od_plan_filter(binder->plan_arena, block->plan, predicate, &block->plan, binder->error));
    }
    return OD_OK;
}
