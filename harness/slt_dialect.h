/* slt_dialect: what files of other engines write in words that PostgreSQL's grammar does not have. */
#ifndef OD_HARNESS_SLT_DIALECT_H
#define OD_HARNESS_SLT_DIALECT_H

#include "engine/core/arena.h"
#include "engine/core/status.h"

/* The SQL in PostgreSQL's words, as far as the error that it met tells; there may be more to translate. NULL:
 * nothing is known, or no memory. `column_count`: of the answer; 0: not known. */
const char *od_slt_translate(struct od_arena *arena, const char *sql, uint32_t column_count,
                             const struct od_error *error);

/* What of DuckDB's PostgreSQL would read as something else: FROM t SEMI JOIN u as a t with the alias semi. NULL: nothing. */
const char *od_slt_misread(const char *sql);
/* Did PostgreSQL's grammar refuse the text: is it another dialect's? */
bool od_slt_is_foreign(const struct od_error *error);

/* The relation that a statement in whatever dialect makes or changes: the first word that is none of SQL's ("INSERT OR REPLACE
 * INTO t": t), as PostgreSQL would call it; NULL: none. In the arena. */
const char *od_slt_changed_name(struct od_arena *arena, const char *sql);

#endif
