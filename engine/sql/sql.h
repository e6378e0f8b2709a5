/* sql: SQL text -> logical plan. Parsed by libpg_query (PostgreSQL's own grammar), bound against a catalogue.
 *
 * Taken: SELECT [DISTINCT] expressions, FROM tables, sub-selects with alias, [INNER] JOIN / LEFT JOIN ... ON / USING, comma joins
 * with equalities in WHERE, WHERE, GROUP BY (expressions, positions, output names), HAVING, ORDER BY (expressions, positions,
 * output names, NULLS FIRST/LAST), LIMIT/OFFSET. Anything else is UNSUPPORTED with line and column of the construct; what is
 * wrong by itself (syntax, unknown or ambiguous column, types) is BAD_INPUT with line and column. Never a wrong answer. */
#ifndef OD_SQL_SQL_H
#define OD_SQL_SQL_H

#include "engine/plan/logical.h"

/* The plan and everything it needs (but the tables) live in plan_arena; `sql` is not kept. */
enum od_status od_sql_bind(struct od_arena *plan_arena, const char *sql, const struct od_catalog *catalog,
                           const struct od_plan **plan_out, struct od_error *error);

#endif
