/* bind_query: a query of any form: WITH, then a SELECT, VALUES, or a tree of set operations, with ORDER BY
 * and LIMIT of the whole.
 *
 *   UNION ALL      union                    UNION        distinct over it
 *   INTERSECT      rows of both sides, each with a mark of its side; grouped by all columns, with a count of
 * either
 *   EXCEPT         mark; what both sides have (or the left one alone) is kept
 *   ... ALL        the same, but rows that are equal are numbered on their side first, and the number is a
 * column
 *
 * so that NULLs are equal, as SQL has it. */
#include <string.h>

#include "engine/sql/binder.h"

/* --- small plans -------------------------------------------------------------------------------------- */

enum od_status od_one_row(struct od_binder *binder, const struct od_plan **plan_out)
{
    struct od_value value = {.type = OD_TYPE_BOOLEAN, .boolean = true};
    struct od_field field = {"", OD_TYPE_BOOLEAN, false};
    struct od_schema schema = {1, &field};
    const struct od_expr *expr = NULL;
    OD_TRY(od_expr_literal(binder->plan_arena, &value, &expr, binder->error));
    return od_plan_values(binder->plan_arena, &schema, &expr, 1, plan_out, binder->error);
}

enum od_status od_all_columns(struct od_binder *binder, const struct od_plan *plan, uint32_t count,
                              const struct od_expr ***exprs_out)
{
    *exprs_out =
        od_arena_take_array(binder->plan_arena, (size_t)count + 2, sizeof(**exprs_out)); /* two to spare */
    if (*exprs_out == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count; i++)
        OD_TRY(od_expr_column(binder->plan_arena, &plan->schema, i, &(*exprs_out)[i], binder->error));
    return OD_OK;
}

enum od_status od_put_columns(struct od_binder *binder, uint32_t count, const struct od_plan **plan)
{
    const struct od_expr **exprs = NULL;
    if ((*plan)->schema.field_count == count)
        return OD_OK;
    OD_TRY(od_all_columns(binder, *plan, count, &exprs));
    return od_plan_project(binder->plan_arena, *plan, exprs, NULL, count, plan, binder->error);
}

enum od_status od_put_comparison(struct od_binder *binder, uint32_t index, enum od_function function,
                                 int64_t number, const struct od_plan **plan)
{
    const struct od_expr *pair[2] = {NULL, NULL};
    const struct od_expr *predicate = NULL;
    struct od_value value = {.type = OD_TYPE_INT64, .int64 = number};
    OD_TRY(od_expr_column(binder->plan_arena, &(*plan)->schema, index, &pair[0], binder->error));
    OD_TRY(od_expr_literal(binder->plan_arena, &value, &pair[1], binder->error));
    OD_TRY(od_expr_call(binder->plan_arena, function, pair, 2, &predicate, binder->error));
    return od_plan_filter(binder->plan_arena, *plan, predicate, plan, binder->error);
}

enum od_status od_put_numbers(struct od_binder *binder, const struct od_expr *const *partitions,
                              uint32_t partition_count, const struct od_sort_key *keys, uint32_t key_count,
                              bool ranks, const struct od_plan **plan)
{
    struct od_window_frame frame = {
        .start = OD_FRAME_UNBOUNDED_PRECEDING, .end = OD_FRAME_CURRENT_ROW, .unit = OD_FRAME_RANGE};
    struct od_window_call calls[2] = {
        {.function = OD_WINDOW_ROW_NUMBER, .type = OD_TYPE_INT64, .name = "row_number", .frame = frame},
        {.function = OD_WINDOW_RANK, .type = OD_TYPE_INT64, .name = "rank", .frame = frame}};
    return od_plan_window(binder->plan_arena, *plan, partitions, partition_count, keys, key_count, calls,
                          ranks ? 2 : 1, plan, binder->error);
}

/* --- ORDER BY and LIMIT --------------------------------------------------------------------------- */

enum od_status od_as_position(struct od_binder *binder, const PgQuery__Node *node, const char *clause,
                              uint32_t count, bool *is_position, uint32_t *position_out)
{
    *is_position = node->node_case == PG_QUERY__NODE__NODE_A_CONST;
    if (!*is_position)
        return OD_OK;
    const PgQuery__AConst *constant = node->a_const;
    if (constant->isnull || constant->val_case != PG_QUERY__A__CONST__VAL_IVAL)
        return od_sql_fail(binder, OD_BAD_INPUT, constant->location, "non-integer constant in %s", clause);
    if (constant->ival->ival < 1 || (uint32_t)constant->ival->ival > count)
        return od_sql_fail(binder, OD_BAD_INPUT, constant->location, "%s position %d is not in select list",
                           clause, constant->ival->ival);
    *position_out = (uint32_t)constant->ival->ival - 1;
    return OD_OK;
}

const char *od_as_bare_name(const PgQuery__Node *node)
{
    if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields != 1)
        return NULL;
    return od_sql_string(node->column_ref->fields[0]);
}

enum od_status od_sort_direction(struct od_binder *binder, const PgQuery__SortBy *item,
                                 struct od_sort_key *key)
{
    const char *operator= item->n_use_op> 0 ? od_sql_string(item->use_op[item->n_use_op - 1]) : NULL;
    key->descending = item->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    if (item->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING) {
        if (operator== NULL ||(strcmp(operator, "<") != 0 && strcmp(operator, ">") != 0))
            return od_sql_fail(
                binder, OD_BAD_INPUT, od_sql_location(item->node),
                "operator %s is not a valid ordering operator", operator== NULL ? "" : operator);
        key->descending = operator[0] == '>';
    }
    enum od_null_order null_order = binder->context->null_order;
    bool by_default = null_order == OD_NULLS_GREATEST ? key->descending : null_order == OD_NULLS_FIRST;
    key->nulls_first = item->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST ||
                       (item->sortby_nulls != PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST && by_default);
    return OD_OK;
}

/* A constant that is not negative; NULL (and LIMIT ALL, which is NULL) leaves *value_out alone. */
static enum od_status bind_count(struct od_binder *binder, const PgQuery__Node *node, const char *clause,
                                 uint64_t *value_out)
{
    struct od_block nothing = {0};
    struct od_place place = {.block = &nothing, .clause = clause};
    struct od_value value = {0};
    if (node == NULL)
        return OD_OK;
    OD_TRY(od_bind_constant(binder, &place, node, OD_TYPE_INT64, &value));
    if (!value.is_null && value.int64 < 0)
        return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(node), "%s must not be negative", clause);
    *value_out = value.is_null ? *value_out : (uint64_t)value.int64;
    return OD_OK;
}

/* Rows from number offset + 1 on whose rank is not above offset + count. */
static enum od_status put_ties(struct od_binder *binder, const struct od_sort_key *keys, uint32_t key_count,
                               uint64_t offset, uint64_t count, const struct od_plan **plan)
{
    uint32_t width = (*plan)->schema.field_count;
    uint64_t last = count > INT64_MAX - offset ? INT64_MAX : offset + count;
    OD_TRY(od_put_numbers(binder, NULL, 0, keys, key_count, true, plan));
    OD_TRY(od_put_comparison(binder, width, OD_FUNCTION_GREATER, (int64_t)offset, plan));
    OD_TRY(od_put_comparison(binder, width + 1, OD_FUNCTION_LESS_EQUAL, (int64_t)last, plan));
    OD_TRY(od_put_columns(binder, width, plan));
    return od_plan_sort(binder->plan_arena, *plan, keys, key_count, plan, binder->error);
}

enum od_status od_put_order(struct od_binder *binder, const PgQuery__SelectStmt *select,
                            const struct od_sort_key *keys, uint32_t key_count, const struct od_plan **plan)
{
    uint64_t offset = 0;
    uint64_t count = UINT64_MAX;
    OD_TRY(bind_count(binder, select->limit_offset, "OFFSET", &offset));
    OD_TRY(bind_count(binder, select->limit_count, "LIMIT", &count));
    if (select->limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES) {
        if (key_count == 0)
            return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(select->limit_count),
                               "WITH TIES cannot be specified without ORDER BY clause");
        if (count != UINT64_MAX)
            return put_ties(binder, keys, key_count, offset, count, plan);
    }
    if (key_count > 0)
        OD_TRY(od_plan_sort(binder->plan_arena, *plan, keys, key_count, plan, binder->error));
    if (offset == 0 && count == UINT64_MAX)
        return OD_OK;
    return od_plan_limit(binder->plan_arena, *plan, offset, count, plan, binder->error);
}

/* ORDER BY of a set operation or of VALUES: output columns only. */
static enum od_status order_whole(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                  const struct od_plan **plan)
{
    const struct od_schema *schema = &(*plan)->schema;
    struct od_sort_key *keys = od_arena_take_array(binder->plan_arena, select->n_sort_clause, sizeof(*keys));
    if (keys == NULL)
        return od_sql_no_memory(binder);
    for (size_t i = 0; i < select->n_sort_clause; i++) {
        const PgQuery__SortBy *item = select->sort_clause[i]->sort_by;
        const char *name = od_as_bare_name(item->node);
        bool found = false;
        uint32_t column = 0;
        OD_TRY(od_as_position(binder, item->node, "ORDER BY", schema->field_count, &found, &column));
        for (uint32_t k = 0; k < schema->field_count && name != NULL; k++) {
            if (strcmp(schema->fields[k].name, name) != 0)
                continue;
            if (found)
                return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(item->node),
                                   "ORDER BY \"%s\" is ambiguous", name);
            found = true;
            column = k;
        }
        if (!found && name != NULL)
            return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(item->node),
                               "column \"%s\" does not exist", name);
        if (!found)
            return od_sql_fail(
                binder, select->op == PG_QUERY__SET_OPERATION__SETOP_NONE ? OD_UNSUPPORTED : OD_BAD_INPUT,
                od_sql_location(item->node), "invalid UNION/INTERSECT/EXCEPT ORDER BY clause");
        OD_TRY(od_sort_direction(binder, item, &keys[i]));
        OD_TRY(od_expr_column(binder->plan_arena, schema, column, &keys[i].expr, binder->error));
    }
    return od_put_order(binder, select, keys, (uint32_t)select->n_sort_clause, plan);
}

/* --- VALUES --------------------------------------------------------------------------------------- */

/* The cells of a column in their common type. */
static enum od_status unify_column(struct od_binder *binder, struct od_bound *cells, uint32_t row_count,
                                   uint32_t column_count, uint32_t column, const struct od_expr **typed,
                                   struct od_field *field)
{
    uint32_t typed_count = 0;
    field->type = OD_TYPE_TEXT;
    for (uint32_t r = 0; r < row_count; r++)
        if (!cells[(size_t)r * column_count + column].unknown)
            typed[typed_count++] = cells[(size_t)r * column_count + column].expr;
    if (typed_count > 0 && !od_expr_common_type(typed, typed_count, &field->type)) {
        for (uint32_t i = 1; i < typed_count; i++)
            if (typed[i]->type != typed[0]->type)
                return od_sql_fail(binder, OD_BAD_INPUT, (int32_t)typed[i]->sql_offset - 1,
                                   "VALUES types %s and %s cannot be matched", od_type_text(typed[0]->type),
                                   od_type_text(typed[i]->type));
    }
    if (field->type == OD_TYPE_INTERVAL)
        return od_sql_fail(binder, OD_UNSUPPORTED, (int32_t)typed[0]->sql_offset - 1,
                           "an interval as a column is not supported");
    for (uint32_t r = 0; r < row_count; r++) {
        struct od_bound *cell = &cells[(size_t)r * column_count + column];
        struct od_sql_type type = {.type = field->type};
        OD_TRY(od_bind_cast_to(binder, cell, &type, (int32_t)cell->expr->sql_offset - 1, &cell->expr));
        field->nullable |= cell->expr->nullable;
    }
    field->name = od_arena_print(binder->plan_arena, "column%u", column + 1);
    return field->name == NULL ? od_sql_no_memory(binder) : OD_OK;
}

static enum od_status bind_cells(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                 const struct od_place *place, uint32_t column_count,
                                 struct od_bound **cells_out)
{
    size_t row_count = select->n_values_lists;
    struct od_bound *cells =
        od_arena_take_array(binder->plan_arena, row_count * column_count, sizeof(*cells));
    *cells_out = cells;
    if (cells == NULL)
        return od_sql_no_memory(binder);
    for (size_t r = 0; r < row_count; r++) {
        const PgQuery__List *list = select->values_lists[r]->list;
        if (list->n_items != column_count)
            return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(select->values_lists[r]),
                               "VALUES lists must all be the same length");
        for (uint32_t i = 0; i < column_count; i++)
            OD_TRY(od_bind_expr(binder, place, list->items[i], &cells[r * column_count + i]));
    }
    return OD_OK;
}

/* Rows that hold sub-selects or outer columns: each one a project over one row. */
static enum od_status values_of_projects(struct od_binder *binder, struct od_block *block,
                                         const struct od_expr *const *exprs, const struct od_schema *schema,
                                         uint32_t row_count, const struct od_plan **plan_out)
{
    const char **names = od_arena_take_array(binder->plan_arena, schema->field_count, sizeof(*names));
    const struct od_expr **row = od_arena_take_array(binder->plan_arena, schema->field_count, sizeof(*row));
    if (names == NULL || row == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t r = 0; r < row_count; r++) {
        const struct od_plan *one = NULL;
        OD_TRY(od_one_row(binder, &block->plan)); /* a cell's sub-selects are its own */
        for (uint32_t i = 0; i < schema->field_count; i++) {
            names[i] = schema->fields[i].name;
            OD_TRY(od_lower(binder, block, exprs[(size_t)r * schema->field_count + i], &row[i]));
        }
        OD_TRY(od_plan_project(binder->plan_arena, block->plan, row, names, schema->field_count, &one,
                               binder->error));
        if (r == 0)
            *plan_out = one;
        else
            OD_TRY(od_plan_union(binder->plan_arena, *plan_out, one, plan_out, binder->error));
    }
    return OD_OK;
}

static enum od_status put_values(struct od_binder *binder, struct od_block *block,
                                 const struct od_bound *cells, const struct od_schema *schema,
                                 uint32_t row_count, const struct od_plan **plan_out)
{
    size_t count = (size_t)row_count * schema->field_count;
    const struct od_expr **exprs = od_arena_take_array(binder->plan_arena, count, sizeof(*exprs));
    bool constant = true;
    if (exprs == NULL)
        return od_sql_no_memory(binder);
    for (size_t i = 0; i < count; i++) {
        exprs[i] = cells[i].expr;
        constant = constant && od_expr_is_constant(exprs[i]);
    }
    return constant ? od_plan_values(binder->plan_arena, schema, exprs, row_count, plan_out, binder->error)
                    : values_of_projects(binder, block, exprs, schema, row_count, plan_out);
}

enum od_status od_bind_values(struct od_binder *binder, const PgQuery__SelectStmt *select,
                              struct od_block *outer, const struct od_plan **plan_out)
{
    struct od_block block = {.outer = outer};
    struct od_place place = {.block = &block, .clause = "VALUES"};
    struct od_bound *cells = NULL;
    uint32_t row_count = (uint32_t)select->n_values_lists;
    struct od_schema schema = {(uint32_t)select->values_lists[0]->list->n_items, NULL};
    const struct od_expr **typed = od_arena_take_array(binder->plan_arena, row_count, sizeof(*typed));
    schema.fields = od_arena_take_array(binder->plan_arena, schema.field_count, sizeof(*schema.fields));
    if (typed == NULL || schema.fields == NULL)
        return od_sql_no_memory(binder);
    OD_TRY(bind_cells(binder, select, &place, schema.field_count, &cells));
    for (uint32_t i = 0; i < schema.field_count; i++)
        OD_TRY(unify_column(binder, cells, row_count, schema.field_count, i, typed, &schema.fields[i]));
    return put_values(binder, &block, cells, &schema, row_count, plan_out);
}

/* --- set operations ------------------------------------------------------------------------------- */

static const char *operation_text(const PgQuery__SelectStmt *select)
{
    return select->op == PG_QUERY__SET_OPERATION__SETOP_UNION    ? "UNION"
           : select->op == PG_QUERY__SET_OPERATION__SETOP_EXCEPT ? "EXCEPT"
                                                                 : "INTERSECT";
}

/* One side: a query, and which of its columns are still quoted literals. */
struct side {
    const struct od_plan *plan;
    const bool *unknown;
    int32_t location;
};

/* The type of column i of both sides. */
static enum od_status common_type(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                  const struct side *sides, uint32_t i, enum od_type *type_out)
{
    const struct od_expr *columns[2] = {NULL, NULL};
    uint32_t count = 0;
    for (uint32_t s = 0; s < 2; s++)
        if (sides[s].unknown == NULL || !sides[s].unknown[i])
            OD_TRY(od_expr_column(binder->plan_arena, &sides[s].plan->schema, i, &columns[count++],
                                  binder->error));
    *type_out = count == 0 ? OD_TYPE_TEXT : columns[0]->type;
    if (count == 2 && !od_expr_common_type(columns, 2, type_out))
        return od_sql_fail(binder, OD_BAD_INPUT, sides[1].location, "%s types %s and %s cannot be matched",
                           operation_text(select), od_type_text(columns[0]->type),
                           od_type_text(columns[1]->type));
    return OD_OK;
}

/* A side with its columns in these types and, if it is tagged, its mark: its own column of two is true, the
 * other NULL. */
static enum od_status fit_side(struct od_binder *binder, const enum od_type *types, bool numbered,
                               bool tagged, uint32_t which, const char *const *names,
                               const struct od_plan **plan)
{
    uint32_t count = (*plan)->schema.field_count;
    const struct od_expr **exprs = NULL;
    bool changed = tagged;
    OD_TRY(od_all_columns(binder, *plan, count, &exprs));
    for (uint32_t i = 0; i < count; i++) {
        changed |= exprs[i]->type != types[i];
        OD_TRY(od_expr_cast(binder->plan_arena, exprs[i], types[i], &exprs[i], binder->error));
    }
    if (numbered) {
        if (changed)
            OD_TRY(od_plan_project(binder->plan_arena, *plan, exprs, names, count, plan, binder->error));
        OD_TRY(od_all_columns(binder, *plan, count, &exprs));
        OD_TRY(od_put_numbers(binder, exprs, count, NULL, 0, false, plan));
        OD_TRY(od_all_columns(binder, *plan, ++count, &exprs));
    }
    for (uint32_t i = 0; i < 2 && tagged; i++) {
        struct od_value mark = {.type = OD_TYPE_BOOLEAN, .is_null = i != which, .boolean = i == which};
        OD_TRY(od_expr_literal(binder->plan_arena, &mark, &exprs[count + i], binder->error));
    }
    if (!changed)
        return OD_OK;
    return od_plan_project(binder->plan_arena, *plan, exprs, names, count + (tagged ? 2 : 0), plan,
                           binder->error);
}

/* Groups by all columns but the two marks, and keeps what both sides have (INTERSECT), or only the left one
 * (EXCEPT). */
static enum od_status keep_by_marks(struct od_binder *binder, bool intersect, const struct od_plan **plan)
{
    uint32_t count = (*plan)->schema.field_count - 2;
    struct od_aggregate counts[2] = {
        {.function = OD_AGGREGATE_COUNT, .type = OD_TYPE_INT64, .name = "left"},
        {.function = OD_AGGREGATE_COUNT, .type = OD_TYPE_INT64, .name = "right"}};
    const struct od_expr **groups = NULL;
    OD_TRY(od_all_columns(binder, *plan, count, &groups));
    for (uint32_t i = 0; i < 2; i++)
        OD_TRY(od_expr_column(binder->plan_arena, &(*plan)->schema, count + i, &counts[i].argument,
                              binder->error));
    OD_TRY(od_plan_aggregate(binder->plan_arena, *plan, groups, NULL, count, counts, 2, plan, binder->error));
    OD_TRY(od_put_comparison(binder, count, OD_FUNCTION_GREATER, 0, plan));
    return od_put_comparison(binder, count + 1, intersect ? OD_FUNCTION_GREATER : OD_FUNCTION_EQUAL, 0, plan);
}

static enum od_status bind_set_operation(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                         struct od_block *outer, const struct od_plan **plan_out)
{
    struct side sides[2] = {{0}, {0}};
    const PgQuery__SelectStmt *selects[2] = {select->larg, select->rarg};
    bool is_union = select->op == PG_QUERY__SET_OPERATION__SETOP_UNION;
    bool numbered = !is_union && select->all;
    for (uint32_t s = 0; s < 2; s++) {
        OD_TRY(od_bind_query(binder, selects[s], outer, &sides[s].plan, &sides[s].unknown));
        sides[s].location = selects[s]->n_target_list > 0 ? od_sql_location(selects[s]->target_list[0]) : -1;
    }
    uint32_t count = sides[0].plan->schema.field_count;
    if (count != sides[1].plan->schema.field_count)
        return od_sql_fail(binder, OD_BAD_INPUT, sides[1].location,
                           "each %s query must have the same number of columns", operation_text(select));
    enum od_type *types = od_arena_take_array(binder->plan_arena, count, sizeof(*types));
    const char **names = od_arena_take_array(binder->plan_arena, (size_t)count + 3, sizeof(*names));
    if (types == NULL || names == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count + 3; i++)
        names[i] = i < count ? sides[0].plan->schema.fields[i].name : "mark";
    for (uint32_t i = 0; i < count; i++)
        OD_TRY(common_type(binder, select, sides, i, &types[i]));
    for (uint32_t s = 0; s < 2; s++)
        OD_TRY(fit_side(binder, types, numbered, !is_union, s, names, &sides[s].plan));
    OD_TRY(od_plan_union(binder->plan_arena, sides[0].plan, sides[1].plan, plan_out, binder->error));
    if (is_union)
        return select->all ? OD_OK : od_plan_distinct(binder->plan_arena, *plan_out, plan_out, binder->error);
    OD_TRY(keep_by_marks(binder, select->op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT, plan_out));
    return od_put_columns(binder, count, plan_out);
}

/* --- the whole ------------------------------------------------------------------------------------ */

static enum od_status bind_form(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                struct od_block *outer, const struct od_plan **plan_out,
                                const bool **unknown_out)
{
    bool is_set = select->op != PG_QUERY__SET_OPERATION__SETOP_NONE;
    if (!is_set && select->n_values_lists == 0)
        return od_bind_select(binder, select, outer, plan_out, unknown_out);
    if (select->n_locking_clause > 0)
        return od_sql_fail(binder, OD_UNSUPPORTED, -1, "FOR UPDATE or FOR SHARE is not supported");
    OD_TRY((is_set ? bind_set_operation : od_bind_values)(binder, select, outer, plan_out));
    return order_whole(binder, select, plan_out);
}

enum od_status od_bind_query(struct od_binder *binder, const PgQuery__SelectStmt *select,
                             struct od_block *outer, const struct od_plan **plan_out,
                             const bool **unknown_out)
{
    const struct od_named_query *named = binder->named;
    *plan_out = NULL;
    if (unknown_out != NULL)
        *unknown_out = NULL;
    OD_TRY(od_sql_enter(binder, NULL));
    if (select->with_clause != NULL)
        OD_TRY(od_bind_with(binder, select->with_clause, outer));
    OD_TRY(bind_form(binder, select, outer, plan_out, unknown_out));
    binder->named = named;
    od_sql_leave(binder);
    return OD_OK;
}

/* --- for other statements --------------------------------------------------------------------------- */

/* VALUES whose cells are what INSERT puts into columns. */
static enum od_status insert_values(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                    const struct od_sql_type *types, const char *const *names,
                                    const struct od_expr *const *defaults, uint32_t column_count,
                                    const struct od_plan **plan_out)
{
    struct od_block block = {0};
    struct od_place place = {.block = &block, .clause = "VALUES"};
    size_t row_count = select->n_values_lists;
    struct od_bound *cells =
        od_arena_take_array(binder->plan_arena, row_count * column_count, sizeof(*cells));
    struct od_schema schema = {column_count, NULL};
    schema.fields = od_arena_take_array(binder->plan_arena, column_count, sizeof(*schema.fields));
    if (cells == NULL || schema.fields == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < column_count; i++)
        schema.fields[i] = (struct od_field){names[i], types[i].type, true};
    for (size_t r = 0; r < row_count; r++) {
        const PgQuery__List *list = select->values_lists[r]->list;
        if (list->n_items != select->values_lists[0]->list->n_items)
            return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(select->values_lists[r]),
                               "VALUES lists must all be the same length");
        if (list->n_items != column_count)
            return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(select->values_lists[r]),
                               list->n_items > column_count
                                   ? "INSERT has more expressions than target columns"
                                   : "INSERT has more target columns than expressions");
        for (uint32_t i = 0; i < column_count; i++) {
            struct od_bound *cell = &cells[r * column_count + i];
            const PgQuery__Node *node = list->items[i];
            struct od_value nothing = {.type = types[i].type, .is_null = true};
            if (node->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT) {
                cell->expr = defaults != NULL ? defaults[i] : NULL;
                if (cell->expr == NULL)
                    OD_TRY(od_expr_literal(binder->plan_arena, &nothing, &cell->expr, binder->error));
                continue;
            }
            OD_TRY(od_bind_expr(binder, &place, node, cell));
            OD_TRY(od_bind_assignment(binder, cell, &types[i], names[i], (int32_t)cell->expr->sql_offset - 1,
                                      &cell->expr));
        }
    }
    return put_values(binder, &block, cells, &schema, (uint32_t)row_count, plan_out);
}

enum od_status od_bind_insert(struct od_binder *binder, const PgQuery__SelectStmt *select,
                              const struct od_sql_type *types, const char *const *names,
                              const struct od_expr *const *defaults, uint32_t column_count,
                              const struct od_plan **plan_out)
{
    const bool *unknown = NULL;
    const struct od_expr **exprs = NULL;
    *plan_out = NULL;
    if (select->n_values_lists > 0 && select->n_sort_clause == 0 && select->limit_count == NULL &&
        select->limit_offset == NULL && select->with_clause == NULL)
        return insert_values(binder, select, types, names, defaults, column_count, plan_out);
    OD_TRY(od_bind_query(binder, select, NULL, plan_out, &unknown));
    if ((*plan_out)->schema.field_count != column_count)
        return od_sql_fail(binder, OD_BAD_INPUT,
                           select->n_target_list > 0 ? od_sql_location(select->target_list[0]) : -1,
                           (*plan_out)->schema.field_count > column_count
                               ? "INSERT has more expressions than target columns"
                               : "INSERT has more target columns than expressions");
    OD_TRY(od_all_columns(binder, *plan_out, column_count, &exprs));
    for (uint32_t i = 0; i < column_count; i++) {
        struct od_bound bound = {.expr = exprs[i]};
        int32_t location = i < select->n_target_list ? od_sql_location(select->target_list[i]) : -1;
        if (unknown != NULL && unknown[i])
            OD_TRY(od_expr_cast(binder->plan_arena, bound.expr, types[i].type, &bound.expr, binder->error));
        OD_TRY(od_bind_assignment(binder, &bound, &types[i], names[i], location, &exprs[i]));
    }
    return od_plan_project(binder->plan_arena, *plan_out, exprs, names, column_count, plan_out,
                           binder->error);
}

enum od_status od_bind_over(struct od_binder *binder, const char *relation, const struct od_schema *schema,
                            const char *clause, const PgQuery__Node *node, struct od_bound *bound_out)
{
    struct od_block block = {0};
    struct od_place place = {.block = &block, .clause = clause};
    if (schema != NULL) {
        block.scope.schema = *schema;
        block.scope.entry_count = schema->field_count;
        block.scope.entries =
            od_arena_take_array(binder->plan_arena, schema->field_count, sizeof(*block.scope.entries));
        if (block.scope.entries == NULL)
            return od_sql_no_memory(binder);
        for (uint32_t i = 0; i < schema->field_count; i++)
            block.scope.entries[i] = (struct od_scope_entry){relation, schema->fields[i].name, i, true};
    }
    OD_TRY(od_bind_expr(binder, &place, node, bound_out));
    if (block.slot_count > 0)
        return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(node), "cannot use subquery in %s", clause);
    return OD_OK;
}
