/* oracle_sqlite: the second opinion (oracle R2): the case's tables in an in-memory SQLite, its plan as SQL.
 *
 * The connection is reused between cases. Not thread-safe: one oracle per thread. */
#ifndef OD_PROPERTIES_ORACLE_SQLITE_H
#define OD_PROPERTIES_ORACLE_SQLITE_H

#include "properties/answer.h"
#include "properties/case.h"

struct od_oracle_sqlite;

/* NULL and error when SQLite cannot be opened. */
struct od_oracle_sqlite *od_oracle_sqlite_new(struct od_error *error);
void od_oracle_sqlite_free(struct od_oracle_sqlite *oracle); /* NULL is fine */
/* Loads all tables of the catalogue, dropping what was there before. */
enum od_status od_oracle_sqlite_load(struct od_oracle_sqlite *oracle, const struct od_catalog *catalog,
                                     struct od_error *error);
/* Rows of the plan (od_sqlite_supports must hold). Doubles and -0.0 are SQLite's: compare with
 * OD_COMPARE_CLOSE. *answered_out is false when SQLite gave an error of evaluation, such as integer overflow.
 * NO_MEMORY; BAD_INPUT: our SQL is wrong. */
enum od_status od_oracle_sqlite_run(struct od_oracle_sqlite *oracle, struct od_arena *arena,
                                    const struct od_plan *plan, struct od_answer *answer_out,
                                    bool *answered_out, struct od_error *error);
/* Rows of a SQL text in SQLite's own words, read as values of `schema`'s types (dates and timestamps are
 * integers: days and microseconds since 1970). BAD_INPUT when SQLite refuses the text or it gives another
 * number of columns. */
enum od_status od_oracle_sqlite_run_text(struct od_oracle_sqlite *oracle, struct od_arena *arena,
                                         const char *sql, const struct od_schema *schema,
                                         struct od_answer *answer_out, bool *answered_out,
                                         struct od_error *error);
/* SQLite's version, for reports. */
const char *od_oracle_sqlite_version(void);

#endif
