/* parse: SQL text -> libpg_query's parse trees, with bounds. Internal to this folder. */
#ifndef OD_SQL_PARSE_H
#define OD_SQL_PARSE_H

#include <pg_query/pg_query.pb-c.h>

#include "engine/core/arena.h"
#include "engine/core/status.h"

/* The statements of the text (none, one or several) live in parse_arena: (*result_out)->stmts[i] has the tree, and where it
 * stands in the text. BAD_INPUT with line and column for a syntax error, UNSUPPORTED for text that is longer or deeper than
 * we take, NO_MEMORY. */
enum od_status od_sql_parse(struct od_arena *parse_arena, const char *sql, const PgQuery__ParseResult **result_out,
                            struct od_error *error);

/* Byte offset in `sql` -> line and column, both from 1, columns in characters (code points). Past the end:
 * the end. */
void od_sql_position(const char *sql, uint32_t byte_offset, uint32_t *line_out, uint32_t *column_out);

#endif
