/* session_change: INSERT, UPDATE, DELETE, TRUNCATE: each makes a table's next rows from queries over the rows
 * before.
 *
 *              kept                              added
 *   INSERT     all rows                          the query's rows
 *   DELETE     rows for which WHERE is not true  none
 *   UPDATE     as DELETE                         the others, changed
 *
 * The plans are bind_change.c's. Then constraints are checked, and the next rows take their place. */
#include <string.h>

#include "engine/sql/session_state.h"

/* Checks and puts in place the table's next rows: `kept`, then `added`; either may be NULL. */
static bool put_rows(struct od_session *session, struct od_entry *entry, const struct od_table *kept,
                     const struct od_table *added)
{
    const struct od_definition *definition = entry->definition;
    OD_NEED(added == NULL || od_session_check_rows(session, definition, added));
    struct od_table *table = od_session_join_rows(session, definition, kept, added);
    OD_NEED(table != NULL);
    if (od_session_check_unique(session, definition->name, table))
        return od_session_replace_rows(session, entry, table);
    od_table_free(session->memory, table);
    return false;
}

static bool refuse_returning(struct od_session *session, size_t count, PgQuery__Node *const *list)
{
    return count == 0 || od_sql_refuse(&session->binder, od_sql_location(list[0]), "RETURNING");
}

/* What the binder must know of a table; defaults.at is NULL: could not be made. */
static struct od_row_shape shape_of(struct od_session *session, const struct od_definition *table)
{
    struct od_row_shape shape = {.name = table->name, .schema = table->schema, .types = table->types};
    for (uint32_t i = 0; i < table->column_count; i++)
        od_add_expr(&session->binder, &shape.defaults,
                    od_make_literal(&session->binder, &table->defaults[i], -1));
    return shape;
}

/* The columns that a statement names, or all of them. NULL: one is wrong. */
static uint32_t *find_columns(struct od_session *session, const struct od_definition *table,
                              PgQuery__Node *const *targets, size_t count)
{
    struct od_binder *binder = &session->binder;
    uint32_t *columns = od_sql_take(binder, table->column_count + count, sizeof(*columns));
    OD_NEED(columns != NULL);
    for (uint32_t i = 0; i < table->column_count; i++)
        columns[i] = i;
    for (size_t i = 0; i < count; i++) {
        const PgQuery__ResTarget *target = targets[i]->res_target;
        columns[i] = od_schema_find(&table->schema, target->name);
        if (columns[i] == OD_FIELD_NONE)
            return od_sql_wrong(binder, target->location, "column \"%s\" of relation \"%s\" does not exist",
                                target->name, table->name);
        if (target->n_indirection > 0)
            return od_sql_refuse(binder, target->location, "a part of a column");
        for (size_t k = 0; k < i; k++)
            if (columns[k] == columns[i])
                return od_sql_wrong(binder, target->location, "column \"%s\" specified more than once",
                                    target->name);
    }
    return columns;
}

/* --- INSERT --------------------------------------------------------------------------------------------- */

/* The query that an INSERT inserts, with the WITH before INSERT; NULL: DEFAULT VALUES, or an error. */
static PgQuery__SelectStmt *inserted_query(struct od_session *session, const PgQuery__InsertStmt *insert)
{
    PgQuery__SelectStmt *select = insert->select_stmt == NULL ? NULL : insert->select_stmt->select_stmt;
    if (insert->on_conflict_clause != NULL)
        return od_sql_refuse(&session->binder, insert->on_conflict_clause->location, "ON CONFLICT");
    if (insert->with_clause != NULL && (select == NULL || select->with_clause != NULL))
        return od_sql_fail(&session->binder, OD_UNSUPPORTED, insert->with_clause->location,
                           "two WITH clauses of one INSERT are not supported");
    if (insert->with_clause != NULL)
        select->with_clause = insert->with_clause;
    return select;
}

bool od_session_insert(struct od_session *session, const PgQuery__Node *node)
{
    const PgQuery__InsertStmt *insert = node->insert_stmt;
    struct od_binder *binder = &session->binder;
    struct od_entry *entry = od_session_find_table(session, insert->relation);
    const struct od_plan *plan = NULL;
    OD_NEED(entry != NULL);
    const struct od_definition *table = entry->definition;
    PgQuery__SelectStmt *select = inserted_query(session, insert);
    OD_NEED(!od_sql_failed(binder) &&
            refuse_returning(session, insert->n_returning_list, insert->returning_list));
    uint32_t *columns = find_columns(session, table, insert->cols, insert->n_cols);
    struct od_row_shape shape = shape_of(session, table);
    OD_NEED(columns != NULL && od_session_show_tables(session));
    if (select != NULL)
        plan = od_bind_insert(binder, select, &shape, columns, (uint32_t)insert->n_cols);
    else
        od_plan_values(binder->plan_arena, &table->schema, shape.defaults.at, 1, &plan, binder->error);
    struct od_table *added = od_session_run_plan(session, plan);
    OD_NEED(added != NULL);
    session->result.changed_count = od_table_row_count(added);
    bool done = put_rows(session, entry, entry->rows->table, added);
    od_table_free(session->memory, added);
    return done;
}

/* --- UPDATE, DELETE and TRUNCATE ------------------------------------------------------------------------ */

static const PgQuery__Node *set_value(struct od_session *session, const PgQuery__ResTarget *set)
{
    if (set->val->node_case != PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF)
        return set->val;
    const PgQuery__MultiAssignRef *part = set->val->multi_assign_ref;
    if (part->source->node_case != PG_QUERY__NODE__NODE_ROW_EXPR ||
        part->source->row_expr->n_args != (size_t)part->ncolumns)
        return od_sql_refuse(&session->binder, set->location, "this form of SET (...) =");
    return part->source->row_expr->args[part->colno - 1];
}

/* Runs the change and puts its rows in place. */
static bool change_rows(struct od_session *session, struct od_entry *entry,
                        const struct od_row_change *change)
{
    const struct od_row_shape shape = shape_of(session, entry->definition);
    struct od_table *kept = NULL;
    struct od_table *added = NULL;
    OD_NEED(od_session_show_tables(session));
    if (change->values != NULL)
        added = od_session_run_plan(session, od_bind_change(&session->binder, &shape, change, true));
    if (change->where != NULL && !od_sql_failed(&session->binder))
        kept = od_session_run_plan(session, od_bind_change(&session->binder, &shape, change, false));
    session->result.changed_count =
        od_table_row_count(entry->rows->table) - (kept == NULL ? 0 : od_table_row_count(kept));
    bool done = !od_sql_failed(&session->binder) && put_rows(session, entry, kept, added);
    od_table_free(session->memory, kept);
    od_table_free(session->memory, added);
    return done;
}

bool od_session_update(struct od_session *session, const PgQuery__Node *node)
{
    const PgQuery__UpdateStmt *update = node->update_stmt;
    struct od_binder *binder = &session->binder;
    struct od_entry *entry = od_session_find_table(session, update->relation);
    OD_NEED(entry != NULL);
    if (update->n_from_clause > 0)
        return od_sql_refuse(binder, od_sql_location(update->from_clause[0]), "UPDATE ... FROM");
    OD_NEED(refuse_returning(session, update->n_returning_list, update->returning_list));
    const uint32_t *columns =
        find_columns(session, entry->definition, update->target_list, update->n_target_list);
    const PgQuery__Node **values = od_sql_take(binder, entry->definition->column_count, sizeof(*values));
    OD_NEED(columns != NULL && values != NULL);
    for (size_t i = 0; i < update->n_target_list; i++) {
        values[columns[i]] = set_value(session, update->target_list[i]->res_target);
        OD_NEED(values[columns[i]] != NULL);
    }
    struct od_row_change change = {update->relation, update->with_clause, update->where_clause, values};
    return change_rows(session, entry, &change);
}

/* DELETE ... USING u WHERE c is DELETE ... WHERE EXISTS (SELECT NULL FROM u WHERE c): that as a tree. */
static const PgQuery__Node *exists_using(struct od_session *session, const PgQuery__DeleteStmt *delete)
{
    const PgQuery__ParseResult *parsed = NULL;
    OD_NEED(od_sql_parse(&session->statement_arena, "SELECT EXISTS (SELECT NULL)", &parsed,
                         session->binder.error) == OD_OK);
    PgQuery__Node *exists = parsed->stmts[0]->stmt->select_stmt->target_list[0]->res_target->val;
    PgQuery__SelectStmt *select = exists->sub_link->subselect->select_stmt;
    exists->sub_link->location = od_sql_location(delete->where_clause);
    select->n_from_clause = delete->n_using_clause;
    select->from_clause = delete->using_clause;
    select->where_clause = delete->where_clause;
    return exists;
}

bool od_session_delete(struct od_session *session, const PgQuery__Node *node)
{
    const PgQuery__DeleteStmt *delete = node->delete_stmt;
    struct od_entry *entry = od_session_find_table(session, delete->relation);
    struct od_row_change change = {delete->relation, delete->with_clause, delete->where_clause, NULL};
    OD_NEED(entry != NULL && refuse_returning(session, delete->n_returning_list, delete->returning_list));
    if (delete->n_using_clause > 0)
        change.where = exists_using(session, delete);
    OD_NEED(!od_sql_failed(&session->binder));
    return change_rows(session, entry, &change);
}

bool od_session_truncate(struct od_session *session, const PgQuery__Node *node)
{
    const PgQuery__TruncateStmt *truncate = node->truncate_stmt;
    for (size_t i = 0; i < truncate->n_relations; i++)
        OD_NEED(od_session_find_table(session, truncate->relations[i]->range_var) != NULL);
    for (size_t i = 0; i < truncate->n_relations; i++)
        OD_NEED(
            put_rows(session, od_session_find_table(session, truncate->relations[i]->range_var), NULL, NULL));
    return true;
}
