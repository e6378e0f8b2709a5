/* sql: SQL text -> logical plan. Parsed by libpg_query (PostgreSQL's own grammar), bound against a catalogue.
 *
 * Taken: all of SELECT but what README.md lists as refused. Anything else is UNSUPPORTED with line and column
 * of the construct; what is wrong by itself (syntax, unknown or ambiguous column, types) is BAD_INPUT with
 * line and column. Never a wrong answer. */
#ifndef OD_SQL_SQL_H
#define OD_SQL_SQL_H

#include "engine/plan/logical.h"

/* Where NULLs go when ORDER BY does not say: with the greatest values (PostgreSQL), or with the least, always first or always last
 * (what default_null_order, or DataFusion's name of it, can be). */
enum od_null_order { OD_NULLS_GREATEST, OD_NULLS_LEAST, OD_NULLS_FIRST, OD_NULLS_LAST };

/* The primary key of a table: columns of it; 0: it has none. */
struct od_sql_key {
    uint32_t count;
    const uint32_t *columns;
};

/* What names mean. Only `catalog` must be there. */
struct od_sql_context {
    const struct od_catalog *catalog;
    enum od_null_order null_order;
    /* Asked first. The text of the view's SELECT or CREATE VIEW, borrowed for the call; NULL: no such view. */
    const char *(*find_view)(void *self, const char *name);
    struct od_sql_key (*find_key)(void *self, const char *table);
    void *self;
    /* od_evaluate_constant of engine/expr (sql is below it): for LIMIT 1 + 1. NULL: literals only. */
    enum od_status (*evaluate_constant)(const struct od_expr *expr, struct od_arena *arena,
                                        struct od_value *value_out, struct od_error *error);
};

/* One SELECT or VALUES. The plan and everything it needs (but the tables) live in plan_arena; `sql` is not
 * kept. */
enum od_status od_sql_bind(struct od_arena *plan_arena, const char *sql, const struct od_sql_context *context,
                           const struct od_plan **plan_out, struct od_error *error);

#endif
