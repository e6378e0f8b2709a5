/* r2: undisturbed, the answer is SQLite's, where SQLite means the same by the plan (render_sql_sqlite.c lists
 * where not). The connection is made anew per check: cases with this property are few, and no state is shared
 * between threads. */
#include "properties/check_run.h"
#include "properties/model.h"
#include "properties/oracle_sqlite.h"
#include "properties/property_list.h"
#include "properties/render_sql.h"

#include <string.h>

static enum od_status expect_sqlite(const struct od_case *test_case, struct od_arena *arena,
                                    struct od_expectation *expected, bool *answered_out,
                                    struct od_error *error)
{
    struct od_oracle_sqlite *oracle = od_oracle_sqlite_new(error);
    memset(expected, 0, sizeof(*expected));
    expected->compare = OD_COMPARE_CLOSE;
    *answered_out = false;
    enum od_status status =
        oracle == NULL ? OD_NO_MEMORY : od_oracle_sqlite_load(oracle, &test_case->catalog, error);
    if (status == OD_OK)
        status = od_oracle_sqlite_run(oracle, arena, test_case->plan, &expected->answer, answered_out, error);
    od_oracle_sqlite_free(oracle);
    return status;
}

enum od_status od_check_r2(const struct od_case *test_case, struct od_subject *subject,
                           struct od_finding *finding, struct od_error *error)
{
    struct od_arena arena;
    struct od_expectation modelled, expected;
    struct od_run_result result;
    bool answered = false;
    od_arena_init(&arena, test_case->memory, 0);
    enum od_status status = od_expect_model(&arena, test_case->plan, &modelled, error);
    /* SQLite has no evaluation errors to agree on: those cases are R1's. */
    bool comparable =
        status == OD_OK && modelled.status == OD_OK && od_sqlite_supports(test_case->plan, NULL);
    if (comparable)
        status = expect_sqlite(test_case, &arena, &expected, &answered, error);
    if (status == OD_OK)
        status = od_check_run(&arena, test_case, subject, test_case->plan, NULL, false, "R2", &result,
                              finding, error);
    finding->excused = !(comparable && answered);
    if (status == OD_OK)
        status = comparable && answered ? od_check_expected(&arena, &expected, &result, "R2", finding, error)
                                        : od_check_expected(&arena, &modelled, &result, "R1", finding, error);
    od_arena_release(&arena);
    return status;
}
