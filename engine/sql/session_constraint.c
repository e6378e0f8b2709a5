/* session_constraint: what rows must obey: NOT NULL, the length of a varchar, CHECK, UNIQUE.
 *
 * CHECKs are kept as the text of their CREATE TABLE and bound anew for each statement, over the rows that it
 * brings: a plan that counts the rows for which the condition is false. UNIQUE hashes all rows of the table;
 * the first row of a key is the one that stays in the hash table, so that equal keys meet. */
#include <stdio.h>
#include <string.h>

#include "engine/sql/session_state.h"

static enum od_status violation(struct od_session *session, const char *format, const char *name,
                                const char *table)
{
    char text[250];
    snprintf(text, sizeof(text), format, name, table);
    return od_fail(session->binder.error, OD_EVALUATION, "%s", text);
}

/* --- NOT NULL, lengths and CHECK ------------------------------------------------------------------------ */

static enum od_status check_condition(struct od_session *session, const struct od_definition *table,
                                      const struct od_table *rows, const PgQuery__Constraint *check,
                                      const char *column)
{
    struct od_binder *binder = &session->binder;
    const struct od_expr *expr = NULL;
    const struct od_plan *plan = NULL;
    struct od_table *broken = NULL;
    char name[160];
    expr = od_bind_over(binder, table->name, &table->schema, "CHECK", check->raw_expr);
    OD_TRY(od_session_made(session, expr));
    if (expr->is_untyped)
        return OD_OK; /* CHECK (NULL) holds for every row */
    expr = od_make_one(binder, OD_FUNCTION_NOT, expr, -1);
    OD_TRY(od_session_made(session, expr));
    uint32_t *columns = od_arena_take_array(binder->plan_arena, table->column_count, sizeof(*columns));
    if (columns == NULL)
        return od_session_no_memory(session);
    for (uint32_t i = 0; i < table->column_count; i++)
        columns[i] = i;
    OD_TRY(od_plan_scan(binder->plan_arena, rows, columns, table->column_count, &plan, binder->error));
    OD_TRY(od_plan_filter(binder->plan_arena, plan, expr, &plan, binder->error));
    OD_TRY(od_session_run_plan(session, plan, &broken));
    bool holds = od_table_row_count(broken) == 0;
    od_table_free(session->memory, broken);
    if (holds)
        return OD_OK;
    if (check->conname != NULL && check->conname[0] != '\0')
        snprintf(name, sizeof(name), "%s", check->conname);
    else
        snprintf(name, sizeof(name), "%.70s%s%.70s_check", table->name, column == NULL ? "" : "_",
                 column == NULL ? "" : column);
    return violation(session, "new row violates check constraint \"%s\" of relation \"%s\"", name,
                     table->name);
}

static enum od_status check_conditions(struct od_session *session, const struct od_definition *table,
                                       const struct od_table *rows, const PgQuery__CreateStmt *create)
{
    for (size_t i = 0; i < create->n_table_elts; i++) {
        const PgQuery__Node *element = create->table_elts[i];
        if (element->node_case == PG_QUERY__NODE__NODE_CONSTRAINT &&
            element->constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_CHECK)
            OD_TRY(check_condition(session, table, rows, element->constraint, NULL));
        if (element->node_case != PG_QUERY__NODE__NODE_COLUMN_DEF)
            continue;
        const PgQuery__ColumnDef *column = element->column_def;
        for (size_t k = 0; k < column->n_constraints; k++) {
            if (column->constraints[k]->constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_CHECK)
                OD_TRY(check_condition(session, table, rows, column->constraints[k]->constraint,
                                       column->colname));
        }
    }
    return OD_OK;
}

/* PostgreSQL: a text too long for its varchar is an error, unless what is too much are blanks: those it cuts
 * off, which we refuse. */
static enum od_status check_lengths(struct od_session *session, const struct od_sql_type *type,
                                    const struct od_column *column)
{
    for (uint32_t row = 0; row < column->row_count; row++) {
        struct od_value value = od_column_value(column, row);
        uint32_t characters = 0;
        bool blank = true;
        for (uint32_t i = 0; i < value.text.size && !value.is_null; i++) {
            characters += ((uint8_t)value.text.bytes[i] & 0xc0) != 0x80; /* a byte that begins a character */
            blank &= characters <= type->size || value.text.bytes[i] == ' ';
        }
        if (value.is_null || characters <= type->size)
            continue;
        return od_fail(session->binder.error, blank ? OD_UNSUPPORTED : OD_EVALUATION,
                       blank ? "blanks beyond the end of type character varying(%u) are not supported"
                             : "value too long for type character varying(%u)",
                       type->size);
    }
    return OD_OK;
}

enum od_status od_session_check_rows(struct od_session *session, const struct od_entry *entry,
                                     const struct od_table *rows)
{
    const struct od_definition *table = entry->definition;
    const PgQuery__ParseResult *parsed = NULL;
    struct od_batch view = od_table_view(rows);
    for (uint32_t i = 0; i < table->schema.field_count; i++) {
        for (uint32_t row = 0; row < view.row_count && !table->schema.fields[i].nullable; row++) {
            if (od_column_is_null(&view.columns[i], row))
                return violation(
                    session, "null value in column \"%s\" of relation \"%s\" violates not-null constraint",
                    table->schema.fields[i].name, table->name);
        }
    }
    for (uint32_t i = 0; i < table->schema.field_count; i++) {
        if (table->types[i].limit == OD_LIMIT_VARCHAR)
            OD_TRY(check_lengths(session, &table->types[i], &view.columns[i]));
    }
    if (table->create_sql == NULL || view.row_count == 0)
        return OD_OK;
    const char *statement_sql = session->binder.sql;
    OD_TRY(od_sql_parse(&session->statement_arena, table->create_sql, &parsed, session->binder.error));
    session->binder.sql = table->create_sql;
    enum od_status status = check_conditions(session, table, rows, parsed->stmts[0]->stmt->create_stmt);
    session->binder.sql = statement_sql;
    return status;
}

/* --- UNIQUE --------------------------------------------------------------------------------------------- */

static bool has_null(const struct od_batch *rows, const struct od_definition *index, uint32_t row)
{
    for (uint32_t i = 0; i < index->column_count; i++) {
        if (od_column_is_null(&rows->columns[index->columns[i]], row))
            return true;
    }
    return false;
}

static bool keys_equal(const struct od_batch *rows, const struct od_definition *index, uint32_t left,
                       uint32_t right)
{
    for (uint32_t i = 0; i < index->column_count; i++) {
        const struct od_column *column = &rows->columns[index->columns[i]];
        struct od_value left_value = od_column_value(column, left);
        struct od_value right_value = od_column_value(column, right);
        if (od_value_compare(&left_value, &right_value) != 0)
            return false;
    }
    return true;
}

/* `slots` is a power of two of row numbers + 1, more than twice as many as rows. */
static bool has_duplicate(const struct od_batch *rows, const struct od_definition *index,
                          const uint64_t *hashes, uint32_t *slots, size_t slot_count)
{
    for (uint32_t row = 0; row < rows->row_count; row++) {
        if (has_null(rows, index, row))
            continue;
        size_t slot = hashes[row] & (slot_count - 1);
        for (; slots[slot] != 0; slot = (slot + 1) & (slot_count - 1)) {
            if (hashes[slots[slot] - 1] == hashes[row] && keys_equal(rows, index, slots[slot] - 1, row))
                return true;
        }
        slots[slot] = row + 1;
    }
    return false;
}

enum od_status od_session_check_index(struct od_session *session, const struct od_definition *index,
                                      const struct od_table *rows)
{
    struct od_batch view = od_table_view(rows);
    size_t slot_count = 16;
    while (slot_count < (size_t)view.row_count * 2 + 1)
        slot_count *= 2;
    uint64_t *hashes = od_arena_take_array(&session->statement_arena, view.row_count, sizeof(*hashes));
    uint32_t *slots = od_arena_take_array(&session->statement_arena, slot_count, sizeof(*slots));
    if (hashes == NULL || slots == NULL)
        return od_session_no_memory(session);
    od_batch_hash_keys(&view, index->columns, index->column_count, hashes);
    return has_duplicate(&view, index, hashes, slots, slot_count)
               ? violation(session, "duplicate key value violates unique constraint \"%s\"%s", index->name,
                           "")
               : OD_OK;
}

enum od_status od_session_check_unique(struct od_session *session, const char *table_name,
                                       const struct od_table *rows)
{
    for (uint32_t i = 0; i < session->catalog.count; i++) {
        const struct od_definition *index = session->catalog.entries[i].definition;
        if (index->kind == OD_ENTRY_INDEX && index->unique && strcmp(index->table_name, table_name) == 0)
            OD_TRY(od_session_check_index(session, index, rows));
    }
    return OD_OK;
}
