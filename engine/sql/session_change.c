/* session_change: INSERT, UPDATE, DELETE, TRUNCATE: each makes a table's next rows from queries over the rows
 * before.
 *
 *   INSERT                      kept: all rows                              new: the query's rows
 *   DELETE FROM t WHERE c       kept: SELECT * FROM t WHERE c IS NOT TRUE   new: none
 *   UPDATE t SET a = e WHERE c  kept: as DELETE                             new: SELECT e, b FROM t WHERE c
 *
 * The queries are parse trees, put together from the statement's own nodes, so that the binder's rules and
 * positions hold; new rows are cast as PostgreSQL casts in assignments (od_bind_insert). Then constraints are
 * checked, and the next rows take their place. */
#include <string.h>

#include "engine/sql/session_state.h"

/* --- parse trees ---------------------------------------------------------------------------------------- */

static void *take(struct od_session *session, size_t bytes)
{
    return od_arena_take(&session->statement_arena, bytes);
}

/* A node with `value` in it; NULL when either could not be had. */
static PgQuery__Node *node_of(struct od_session *session, PgQuery__Node__NodeCase kind, void *value)
{
    PgQuery__Node *node = value == NULL ? NULL : take(session, sizeof(*node));
    if (node == NULL)
        return NULL;
    pg_query__node__init(node);
    node->node_case = kind;
    node->select_stmt = value; /* all members of the union are pointers to messages */
    return node;
}

#define MAKE(session, type, variable)                                                                        \
    PgQuery__##type *variable = take(session, sizeof(*variable));                                            \
    if (variable == NULL)                                                                                    \
    return NULL

static PgQuery__Node *string_node(struct od_session *session, char *text)
{
    MAKE(session, String, string);
    pg_query__string__init(string);
    string->sval = text;
    return node_of(session, PG_QUERY__NODE__NODE_STRING, string);
}

/* relation.column, or relation.* when `column` is NULL */
static PgQuery__Node *column_node(struct od_session *session, const PgQuery__RangeVar *relation,
                                  const char *column)
{
    MAKE(session, ColumnRef, reference);
    MAKE(session, AStar, star);
    PgQuery__Node **fields = take(session, 2 * sizeof(*fields));
    if (fields == NULL)
        return NULL;
    pg_query__column_ref__init(reference);
    pg_query__a__star__init(star);
    fields[0] =
        string_node(session, relation->alias != NULL ? relation->alias->aliasname : relation->relname);
    fields[1] = column == NULL ? node_of(session, PG_QUERY__NODE__NODE_A_STAR, star)
                               : string_node(session, (char *)column);
    reference->n_fields = 2;
    reference->fields = fields;
    reference->location = relation->location;
    return fields[0] == NULL || fields[1] == NULL
               ? NULL
               : node_of(session, PG_QUERY__NODE__NODE_COLUMN_REF, reference);
}

static PgQuery__Node *target_node(struct od_session *session, PgQuery__Node *value, int32_t location)
{
    MAKE(session, ResTarget, target);
    pg_query__res_target__init(target);
    target->val = value;
    target->location = location;
    return value == NULL ? NULL : node_of(session, PG_QUERY__NODE__NODE_RES_TARGET, target);
}

static PgQuery__SelectStmt *select_of(struct od_session *session, PgQuery__Node **targets,
                                      size_t target_count, PgQuery__Node **from, size_t from_count,
                                      PgQuery__Node *where)
{
    MAKE(session, SelectStmt, select);
    pg_query__select_stmt__init(select);
    select->n_target_list = target_count;
    select->target_list = targets;
    select->n_from_clause = from_count;
    select->from_clause = from;
    select->where_clause = where;
    select->limit_option = PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_DEFAULT;
    select->op = PG_QUERY__SET_OPERATION__SETOP_NONE;
    return select;
}

static PgQuery__Node *not_true(struct od_session *session, PgQuery__Node *condition)
{
    MAKE(session, BooleanTest, test);
    pg_query__boolean_test__init(test);
    test->arg = condition;
    test->booltesttype = PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE;
    test->location = od_sql_location(condition);
    return node_of(session, PG_QUERY__NODE__NODE_BOOLEAN_TEST, test);
}

/* EXISTS (SELECT NULL FROM `from` WHERE condition) */
static PgQuery__Node *exists_node(struct od_session *session, PgQuery__Node **from, size_t from_count,
                                  PgQuery__Node *condition)
{
    MAKE(session, SubLink, link);
    MAKE(session, AConst, nothing);
    PgQuery__Node **targets = take(session, sizeof(*targets));
    if (targets == NULL)
        return NULL;
    pg_query__a__const__init(nothing);
    nothing->isnull = true;
    targets[0] = target_node(session, node_of(session, PG_QUERY__NODE__NODE_A_CONST, nothing), -1);
    pg_query__sub_link__init(link);
    link->sub_link_type = PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK;
    link->subselect = node_of(session, PG_QUERY__NODE__NODE_SELECT_STMT,
                              select_of(session, targets, 1, from, from_count, condition));
    link->location = od_sql_location(condition);
    return link->subselect == NULL || targets[0] == NULL
               ? NULL
               : node_of(session, PG_QUERY__NODE__NODE_SUB_LINK, link);
}

/* The WITH of a statement goes to the query that does its work. */
static PgQuery__SelectStmt *with_names(PgQuery__SelectStmt *select, PgQuery__WithClause *names)
{
    if (select != NULL)
        select->with_clause = names;
    return select;
}

/* --- rows ----------------------------------------------------------------------------------------------- */

/* Checks and puts in place the table's next rows: `kept`, then `added`; either may be NULL. */
static enum od_status put_rows(struct od_session *session, struct od_entry *entry,
                               const struct od_table *kept, const struct od_table *added)
{
    const struct od_definition *definition = entry->definition;
    const struct od_table *const parts[] = {kept, added};
    struct od_error *error = session->binder.error;
    struct od_table *table = NULL;
    enum od_status status = added == NULL ? OD_OK : od_session_check_rows(session, entry, added);
    if (status == OD_OK) {
        table = od_table_new(session->memory, definition->name, &definition->schema, error);
        status = table == NULL ? OD_NO_MEMORY : OD_OK;
    }
    for (int i = 0; i < 2 && status == OD_OK; i++) {
        struct od_batch view = parts[i] == NULL ? (struct od_batch){0} : od_table_view(parts[i]);
        if (view.row_count > 0)
            status = od_batch_builder_append_rows(&table->rows, &view, NULL, 0, view.row_count, error);
    }
    if (status == OD_OK) {
        od_table_finish(table);
        status = od_session_check_unique(session, definition->name, table);
    }
    if (status == OD_OK) {
        status = od_session_replace_rows(session, entry, table);
        table = NULL;
    }
    od_table_free(session->memory, table);
    return status;
}

/* Rows for which the statement's condition is not true; NULL when there is no condition: none are kept. */
static enum od_status keep_rows(struct od_session *session, const PgQuery__RangeVar *relation,
                                PgQuery__Node *condition, PgQuery__WithClause *names,
                                struct od_table **kept_out)
{
    PgQuery__Node **lists = take(session, 2 * sizeof(*lists));
    *kept_out = NULL;
    if (condition == NULL)
        return OD_OK;
    if (lists == NULL)
        return od_session_no_memory(session);
    lists[0] = target_node(session, column_node(session, relation, NULL), relation->location);
    lists[1] = node_of(session, PG_QUERY__NODE__NODE_RANGE_VAR, (void *)relation);
    PgQuery__Node *where = not_true(session, condition);
    PgQuery__SelectStmt *select =
        lists[0] == NULL || lists[1] == NULL || where == NULL
            ? NULL
            : with_names(select_of(session, &lists[0], 1, &lists[1], 1, where), names);
    return select == NULL ? od_session_no_memory(session) : od_session_query(session, select, kept_out);
}

static enum od_status refuse_returning(struct od_session *session, size_t count, PgQuery__Node *const *list)
{
    return count == 0 ? OD_OK
                      : od_session_fail(session, OD_UNSUPPORTED, od_sql_location(list[0]),
                                        "RETURNING is not supported");
}

/* --- INSERT --------------------------------------------------------------------------------------------- */

/* The columns that a statement names, or all of them. *count_out: how many. */
static enum od_status find_columns(struct od_session *session, const struct od_definition *table,
                                   PgQuery__Node *const *targets, size_t count, uint32_t *columns)
{
    for (size_t i = 0; i < count; i++) {
        const PgQuery__ResTarget *target = targets[i]->res_target;
        columns[i] = od_schema_find(&table->schema, target->name);
        if (columns[i] == OD_FIELD_NONE)
            return od_session_fail(session, OD_BAD_INPUT, target->location,
                                   "column \"%s\" of relation \"%s\" does not exist", target->name,
                                   table->name);
        if (target->n_indirection > 0)
            return od_session_fail(session, OD_UNSUPPORTED, target->location,
                                   "a part of a column is not supported");
        for (size_t k = 0; k < i; k++) {
            if (columns[k] == columns[i])
                return od_session_fail(session, OD_BAD_INPUT, target->location,
                                       "column \"%s\" specified more than once", target->name);
        }
    }
    return OD_OK;
}

/* A plan of the given columns -> one of all the table's columns, defaults in the others. `plan` NULL: DEFAULT
 * VALUES. */
static enum od_status complete_rows(struct od_session *session, const struct od_definition *table,
                                    const struct od_plan *plan, const uint32_t *columns,
                                    uint32_t column_count, const struct od_expr *const *defaults,
                                    const struct od_plan **plan_out)
{
    struct od_arena *arena = &session->statement_arena;
    const struct od_expr **exprs = od_arena_take_array(arena, table->column_count, sizeof(*exprs));
    const char **names = od_arena_take_array(arena, table->column_count, sizeof(*names));
    if (exprs == NULL || names == NULL)
        return od_session_no_memory(session);
    for (uint32_t i = 0; i < table->column_count; i++) {
        exprs[i] = defaults[i];
        names[i] = table->schema.fields[i].name;
    }
    for (uint32_t i = 0; i < column_count; i++)
        OD_TRY(od_expr_column(arena, &plan->schema, i, &exprs[columns[i]], session->binder.error));
    return plan == NULL ? od_plan_values(arena, &table->schema, exprs, 1, plan_out, session->binder.error)
                        : od_plan_project(arena, plan, exprs, names, table->column_count, plan_out,
                                          session->binder.error);
}

/* Binds a query as rows of the columns and runs it. `select` NULL: one row of defaults. */
static enum od_status query_rows(struct od_session *session, const struct od_definition *table,
                                 const PgQuery__SelectStmt *select, const uint32_t *columns,
                                 uint32_t column_count, struct od_table **rows_out)
{
    struct od_arena *arena = &session->statement_arena;
    const struct od_plan *plan = NULL;
    const struct od_expr **defaults = od_arena_take_array(arena, table->column_count, sizeof(*defaults));
    const struct od_expr **of_columns = od_arena_take_array(arena, column_count, sizeof(*defaults));
    struct od_sql_type *types = od_arena_take_array(arena, column_count, sizeof(*types));
    const char **names = od_arena_take_array(arena, column_count, sizeof(*names));
    if (defaults == NULL || of_columns == NULL || types == NULL || names == NULL)
        return od_session_no_memory(session);
    for (uint32_t i = 0; i < table->column_count; i++)
        OD_TRY(od_expr_literal(arena, &table->defaults[i], &defaults[i], session->binder.error));
    for (uint32_t i = 0; i < column_count; i++) {
        types[i] = table->types[columns[i]];
        names[i] = table->schema.fields[columns[i]].name;
        of_columns[i] = defaults[columns[i]];
    }
    OD_TRY(od_session_show_tables(session));
    if (select != NULL) {
        plan = od_bind_insert(&session->binder, select, types, names, of_columns, column_count);
        OD_TRY(od_session_made(session, plan));
    }
    OD_TRY(complete_rows(session, table, plan, columns, column_count, defaults, &plan));
    return od_session_run_plan(session, plan, rows_out);
}

/* How many columns a query gives, as far as its text says: 0 when it does not (a star). */
static size_t width_of(const PgQuery__SelectStmt *select)
{
    if (select->n_values_lists > 0)
        return select->values_lists[0]->list->n_items;
    return 0;
}

/* PostgreSQL: without names a query may give fewer columns than the table has; the rest take their defaults.
 * A query whose width is only known when it is bound is bound twice. */
static enum od_status choose_width(struct od_session *session, const struct od_definition *table,
                                   const PgQuery__SelectStmt *select, uint32_t *count_out)
{
    const struct od_plan *plan = NULL;
    size_t width = width_of(select);
    if (width == 0) {
        OD_TRY(od_session_show_tables(session));
        plan = od_bind_query(&session->binder, select, NULL);
        OD_TRY(od_session_made(session, plan));
        width = plan->schema.field_count;
    }
    *count_out = width < table->column_count ? (uint32_t)width : table->column_count;
    return OD_OK;
}

enum od_status od_session_insert(struct od_session *session, PgQuery__InsertStmt *insert)
{
    struct od_entry *entry = NULL;
    struct od_table *added = NULL;
    OD_TRY(od_session_find_table(session, insert->relation, &entry));
    const struct od_definition *table = entry->definition;
    uint32_t column_count = (uint32_t)insert->n_cols;
    uint32_t *columns =
        od_arena_take_array(&session->statement_arena, column_count + table->column_count, sizeof(*columns));
    if (columns == NULL)
        return od_session_no_memory(session);
    if (insert->on_conflict_clause != NULL)
        return od_session_fail(session, OD_UNSUPPORTED, insert->on_conflict_clause->location,
                               "ON CONFLICT is not supported");
    OD_TRY(refuse_returning(session, insert->n_returning_list, insert->returning_list));
    PgQuery__SelectStmt *select = insert->select_stmt == NULL ? NULL : insert->select_stmt->select_stmt;
    if (insert->with_clause != NULL) {
        if (select == NULL || select->with_clause != NULL)
            return od_session_fail(session, OD_UNSUPPORTED, insert->with_clause->location,
                                   "two WITH clauses of one INSERT are not supported");
        select->with_clause = insert->with_clause;
    }
    OD_TRY(find_columns(session, table, insert->cols, insert->n_cols, columns));
    if (insert->n_cols == 0 && select != NULL) {
        OD_TRY(choose_width(session, table, select, &column_count));
        for (uint32_t i = 0; i < column_count; i++)
            columns[i] = i;
    }
    OD_TRY(query_rows(session, table, select, columns, column_count, &added));
    session->result.changed_count = od_table_row_count(added);
    enum od_status status = put_rows(session, entry, entry->rows->table, added);
    od_table_free(session->memory, added);
    return status;
}

/* --- UPDATE --------------------------------------------------------------------------------------------- */

/* SET a = DEFAULT: the default's text, which reads back as the column's type. */
static PgQuery__Node *default_node(struct od_session *session, const struct od_value *value)
{
    struct od_buffer text;
    MAKE(session, AConst, constant);
    MAKE(session, String, string);
    pg_query__a__const__init(constant);
    pg_query__string__init(string);
    constant->isnull = value->is_null;
    constant->location = -1;
    if (!value->is_null) {
        od_buffer_init(&text, session->memory);
        od_value_print(value, &text);
        string->sval = od_arena_copy_buffer(&session->statement_arena, &text);
        od_buffer_release(&text);
        constant->val_case = PG_QUERY__A__CONST__VAL_SVAL;
        constant->sval = string;
        if (string->sval == NULL)
            return NULL;
    }
    return node_of(session, PG_QUERY__NODE__NODE_A_CONST, constant);
}

/* One target a column of the table: what SET says, or the column itself. */
static enum od_status update_targets(struct od_session *session, const struct od_definition *table,
                                     const PgQuery__UpdateStmt *update, PgQuery__Node **targets)
{
    uint32_t *columns =
        od_arena_take_array(&session->statement_arena, update->n_target_list, sizeof(*columns));
    if (columns == NULL)
        return od_session_no_memory(session);
    OD_TRY(find_columns(session, table, update->target_list, update->n_target_list, columns));
    for (size_t i = 0; i < update->n_target_list; i++) {
        const PgQuery__ResTarget *set = update->target_list[i]->res_target;
        PgQuery__Node *value = set->val;
        if (value->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF) {
            const PgQuery__MultiAssignRef *part = value->multi_assign_ref;
            bool is_row = part->source->node_case == PG_QUERY__NODE__NODE_ROW_EXPR;
            if (!is_row || part->source->row_expr->n_args != (size_t)part->ncolumns)
                return od_session_fail(session, OD_UNSUPPORTED, set->location,
                                       "this form of SET (...) = is not supported");
            value = part->source->row_expr->args[part->colno - 1];
        }
        if (value->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT)
            value = default_node(session, &table->defaults[columns[i]]);
        targets[columns[i]] = target_node(session, value, set->location);
        if (targets[columns[i]] == NULL)
            return od_session_no_memory(session);
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (targets[i] == NULL)
            targets[i] =
                target_node(session, column_node(session, update->relation, table->schema.fields[i].name),
                            update->relation->location);
        if (targets[i] == NULL)
            return od_session_no_memory(session);
    }
    return OD_OK;
}

enum od_status od_session_update(struct od_session *session, PgQuery__UpdateStmt *update)
{
    struct od_entry *entry = NULL;
    struct od_table *kept = NULL;
    struct od_table *changed = NULL;
    OD_TRY(od_session_find_table(session, update->relation, &entry));
    const struct od_definition *table = entry->definition;
    if (update->n_from_clause > 0)
        return od_session_fail(session, OD_UNSUPPORTED, od_sql_location(update->from_clause[0]),
                               "UPDATE ... FROM is not supported");
    OD_TRY(refuse_returning(session, update->n_returning_list, update->returning_list));
    PgQuery__Node **targets =
        od_arena_take_array(&session->statement_arena, table->column_count, sizeof(*targets));
    PgQuery__Node **from = take(session, sizeof(*from));
    uint32_t *columns = od_arena_take_array(&session->statement_arena, table->column_count, sizeof(*columns));
    if (targets == NULL || from == NULL || columns == NULL)
        return od_session_no_memory(session);
    for (uint32_t i = 0; i < table->column_count; i++)
        columns[i] = i;
    from[0] = node_of(session, PG_QUERY__NODE__NODE_RANGE_VAR, update->relation);
    OD_TRY(update_targets(session, table, update, targets));
    PgQuery__SelectStmt *select = with_names(
        select_of(session, targets, table->column_count, from, from[0] != NULL, update->where_clause),
        update->with_clause);
    if (select == NULL || from[0] == NULL)
        return od_session_no_memory(session);
    enum od_status status = query_rows(session, table, select, columns, table->column_count, &changed);
    if (status == OD_OK)
        status = keep_rows(session, update->relation, update->where_clause, update->with_clause, &kept);
    if (status == OD_OK) {
        session->result.changed_count = od_table_row_count(changed);
        status = put_rows(session, entry, kept, changed);
    }
    od_table_free(session->memory, kept);
    od_table_free(session->memory, changed);
    return status;
}

/* --- DELETE and TRUNCATE -------------------------------------------------------------------------------- */

enum od_status od_session_delete(struct od_session *session, PgQuery__DeleteStmt *delete)
{
    struct od_entry *entry = NULL;
    struct od_table *kept = NULL;
    PgQuery__Node *condition = delete->where_clause;
    OD_TRY(od_session_find_table(session, delete->relation, &entry));
    OD_TRY(refuse_returning(session, delete->n_returning_list, delete->returning_list));
    if (delete->n_using_clause > 0) {
        condition = exists_node(session, delete->using_clause, delete->n_using_clause, condition);
        if (condition == NULL)
            return od_session_no_memory(session);
    }
    OD_TRY(keep_rows(session, delete->relation, condition, delete->with_clause, &kept));
    session->result.changed_count =
        od_table_row_count(entry->rows->table) - (kept == NULL ? 0 : od_table_row_count(kept));
    enum od_status status = put_rows(session, entry, kept, NULL);
    od_table_free(session->memory, kept);
    return status;
}

enum od_status od_session_truncate(struct od_session *session, const PgQuery__TruncateStmt *truncate)
{
    struct od_entry *entry = NULL;
    for (size_t i = 0; i < truncate->n_relations; i++)
        OD_TRY(od_session_find_table(session, truncate->relations[i]->range_var, &entry));
    for (size_t i = 0; i < truncate->n_relations; i++) {
        OD_TRY(od_session_find_table(session, truncate->relations[i]->range_var, &entry));
        OD_TRY(put_rows(session, entry, NULL, NULL));
    }
    return OD_OK;
}
