/* session_constraint: what rows must obey: NOT NULL, the length of a varchar, CHECK, UNIQUE.
 *
 * CHECKs are kept as the text of their CREATE TABLE and bound anew for each statement, over the rows that it
 * brings: a plan that counts the rows for which the condition is false. UNIQUE hashes all rows of the table;
 * the first row of a key is the one that stays in the hash table, so that equal keys meet. */
#include <string.h>

#include "engine/data/key_equal.h"
#include "engine/sql/session_state.h"

/* --- NOT NULL, lengths and CHECK ------------------------------------------------------------------------ */

bool od_session_each_constraint(struct od_session *session, const PgQuery__CreateStmt *create,
                                od_constraint_visit visit, void *context)
{
    for (size_t i = 0; i < create->n_table_elts; i++) {
        const PgQuery__Node *element = create->table_elts[i];
        if (element->node_case == PG_QUERY__NODE__NODE_CONSTRAINT)
            OD_NEED(visit(session, context, element->constraint, NULL));
        if (element->node_case != PG_QUERY__NODE__NODE_COLUMN_DEF)
            continue;
        for (size_t k = 0; k < element->column_def->n_constraints; k++)
            OD_NEED(visit(session, context, element->column_def->constraints[k]->constraint,
                          element->column_def));
    }
    return true;
}

struct check {
    const struct od_definition *table;
    const struct od_table *rows;
};

/* Are there rows for which the condition is false? */
static bool check_condition(struct od_session *session, void *context, const PgQuery__Constraint *constraint,
                            const PgQuery__ColumnDef *column)
{
    struct od_binder *binder = &session->binder;
    const struct check *check = context;
    const struct od_definition *table = check->table;
    if (constraint->contype != PG_QUERY__CONSTR_TYPE__CONSTR_CHECK)
        return true;
    const struct od_expr *expr =
        od_bind_over(binder, table->name, &table->schema, "CHECK", constraint->raw_expr);
    if (expr != NULL && expr->is_untyped)
        return true; /* CHECK (NULL) holds for every row */
    expr = od_make_one(binder, OD_FUNCTION_NOT, expr, -1);
    struct od_table *broken =
        od_session_run_plan(session, od_make_filter(binder, od_make_scan(binder, check->rows), expr));
    OD_NEED(broken != NULL);
    bool holds = od_table_row_count(broken) == 0;
    od_table_free(session->memory, broken);
    const char *name = constraint->conname;
    if (!od_sql_given(name))
        name = od_arena_print(binder->plan_arena, "%.70s%s%.70s_check", table->name,
                              column == NULL ? "" : "_", column == NULL ? "" : column->colname);
    return holds || od_sql_fail(binder, OD_EVALUATION, -1,
                                "new row violates check constraint \"%s\" of relation \"%s\"",
                                name == NULL ? "check" : name, table->name);
}

/* PostgreSQL: a text too long for its varchar is an error, unless what is too much are blanks: those it cuts
 * off, which we refuse. */
static bool check_lengths(struct od_session *session, uint32_t most, const struct od_column *column)
{
    for (uint32_t row = 0; row < column->row_count; row++) {
        struct od_value value = od_column_value(column, row);
        uint32_t characters = 0;
        bool blank = true;
        for (uint32_t i = 0; i < value.text.size && !value.is_null; i++) {
            characters += ((uint8_t)value.text.bytes[i] & 0xc0) != 0x80; /* a byte that begins a character */
            blank &= characters <= most || value.text.bytes[i] == ' ';
        }
        if (value.is_null || characters <= most)
            continue;
        return od_sql_fail(&session->binder, blank ? OD_UNSUPPORTED : OD_EVALUATION, -1,
                           blank ? "blanks beyond the end of type character varying(%u) are not supported"
                                 : "value too long for type character varying(%u)",
                           most);
    }
    return true;
}

bool od_session_check_rows(struct od_session *session, const struct od_definition *table,
                           const struct od_table *rows)
{
    struct od_binder *binder = &session->binder;
    const PgQuery__ParseResult *parsed = NULL;
    struct od_batch view = od_table_view(rows);
    struct check check = {table, rows};
    for (uint32_t i = 0; i < table->column_count; i++)
        for (uint32_t row = 0; row < view.row_count && !table->schema.fields[i].nullable; row++)
            if (od_column_is_null(&view.columns[i], row))
                return od_sql_fail(
                    binder, OD_EVALUATION, -1,
                    "null value in column \"%s\" of relation \"%s\" violates not-null constraint",
                    table->schema.fields[i].name, table->name);
    for (uint32_t i = 0; i < table->column_count; i++)
        OD_NEED(table->types[i].limit != OD_LIMIT_VARCHAR ||
                check_lengths(session, table->types[i].size, &view.columns[i]));
    if (table->create_sql == NULL || view.row_count == 0)
        return true;
    const char *statement_sql = binder->sql;
    OD_NEED(od_sql_parse(&session->statement_arena, table->create_sql, &parsed, binder->error) == OD_OK);
    binder->sql = table->create_sql;
    bool holds =
        od_session_each_constraint(session, parsed->stmts[0]->stmt->create_stmt, check_condition, &check);
    binder->sql = statement_sql;
    return holds;
}

/* --- UNIQUE --------------------------------------------------------------------------------------------- */

/* Have the rows the same key? One with a NULL in its key has not even its own. */
static bool same_key(const struct od_batch *rows, const struct od_definition *index, uint32_t left,
                     uint32_t right)
{
    bool same = true;
    for (uint32_t i = 0; i < index->column_count && same; i++) {
        const struct od_column *column = &rows->columns[index->columns[i]];
        same = !od_column_is_null(column, left) && od_key_equal(column, left, column, right);
    }
    return same;
}

/* `slots` is a power of two of row numbers + 1, more than twice as many as rows. */
static bool has_duplicate(const struct od_batch *rows, const struct od_definition *index,
                          const uint64_t *hashes, uint32_t *slots, size_t slot_count)
{
    for (uint32_t row = 0; row < rows->row_count; row++) {
        size_t slot = hashes[row] & (slot_count - 1);
        if (!same_key(rows, index, row, row))
            continue;
        for (; slots[slot] != 0; slot = (slot + 1) & (slot_count - 1))
            if (hashes[slots[slot] - 1] == hashes[row] && same_key(rows, index, slots[slot] - 1, row))
                return true;
        slots[slot] = row + 1;
    }
    return false;
}

bool od_session_check_index(struct od_session *session, const struct od_definition *index,
                            const struct od_table *rows)
{
    struct od_binder *binder = &session->binder;
    struct od_batch view = od_table_view(rows);
    size_t slot_count = 16;
    while (slot_count < (size_t)view.row_count * 2 + 1)
        slot_count *= 2;
    uint64_t *hashes = od_sql_take(binder, view.row_count, sizeof(*hashes));
    uint32_t *slots = od_sql_take(binder, slot_count, sizeof(*slots));
    OD_NEED(hashes != NULL && slots != NULL);
    od_batch_hash_keys(&view, index->columns, index->column_count, hashes);
    return !has_duplicate(&view, index, hashes, slots, slot_count) ||
           od_sql_fail(binder, OD_EVALUATION, -1, "duplicate key value violates unique constraint \"%s\"",
                       index->name);
}

bool od_session_check_unique(struct od_session *session, const char *table_name, const struct od_table *rows)
{
    for (uint32_t i = 0; i < session->catalog.count; i++) {
        const struct od_definition *index = session->catalog.entries[i].definition;
        if (index->kind == OD_ENTRY_INDEX && index->unique && strcmp(index->table_name, table_name) == 0)
            OD_NEED(od_session_check_index(session, index, rows));
    }
    return true;
}
