/* render_sql: a logical plan as SQL text, for the engine's dialect (PostgreSQL's) and for SQLite.
 *
 * Every relation gets an alias (q1, q2...) and every sub-select names its columns c0, c1..., so that no name
 * is ambiguous. SQLite is told every order down to the last column, so that what a LIMIT takes is
 * determinate. */
#ifndef OD_PROPERTIES_RENDER_SQL_H
#define OD_PROPERTIES_RENDER_SQL_H

#include "engine/plan/logical.h"

enum od_dialect { OD_DIALECT_ENGINE, OD_DIALECT_SQLITE };

/* NO_MEMORY. The text lives in the arena. */
enum od_status od_render_sql(struct od_arena *arena, const struct od_plan *plan, enum od_dialect dialect,
                             const char **sql_out, struct od_error *error);
/* Whether SQLite has the function, as far as we say here how to write it. */
bool od_render_sql_in_sqlite(enum od_function function);
/* Whether SQLite means the same by this plan over these tables. If not, *reason_out (may be NULL) says which
 * of the known differences is in the way; they are listed in render_sql_sqlite.c. */
bool od_sqlite_supports(const struct od_plan *plan, const char **reason_out);

#endif
