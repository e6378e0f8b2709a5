/* sqlite_check: a query's answer against SQLite's, over the same tables. */
#ifndef OD_HARNESS_SQLITE_CHECK_H
#define OD_HARNESS_SQLITE_CHECK_H

#include "engine/plan/logical.h"
#include "properties/property.h"

/* `sqlite_text`: the question in SQLite's words; NULL: rendered from the plan, where SQLite means the same. `oracle` gets what was
 * compared in words ("SQLite 3.40.1, 25 rows equal"), or why nothing was. A difference is finding R2. NO_MEMORY; BAD_INPUT when SQLite refuses
 * sqlite_text. */
enum od_status od_sqlite_check(const struct od_catalog *catalog, const struct od_plan *plan, const char *sqlite_text,
                               const struct od_table *answer, struct od_finding *finding, char *oracle,
                               size_t oracle_size, struct od_error *error);

#endif
