/* sqlite_check: see sqlite_check.h. */
#include "harness/sqlite_check.h"

#include <stdio.h>

#include "engine/data/decimal.h"
#include "engine/world/posix.h"
#include "properties/answer.h"
#include "properties/oracle_sqlite.h"
#include "properties/render_sql.h"

static enum od_status ask(struct od_oracle_sqlite *oracle, struct od_arena *arena, const struct od_catalog *catalog,
                          const struct od_plan *plan, const char *sqlite_text, struct od_answer *expected,
                          bool *answered, struct od_error *error)
{
    enum od_status status = od_oracle_sqlite_load(oracle, catalog, error);
    if (status != OD_OK)
        return status;
    return sqlite_text != NULL
               ? od_oracle_sqlite_run_text(oracle, arena, sqlite_text, &plan->schema, expected, answered, error)
               : od_oracle_sqlite_run(oracle, arena, plan, expected, answered, error);
}

/* SQLite has no decimals: what it gives for them is a double, or a whole number. */
static void decimals_to_doubles(struct od_answer *answer)
{
    for (size_t i = 0; i < (size_t)answer->row_count * answer->column_count; i++) {
        struct od_value *cell = &answer->cells[i];
        if (cell->type != OD_TYPE_DECIMAL)
            continue;
        double number = cell->is_null ? 0 : od_decimal_to_float64(&cell->decimal);
        *cell = (struct od_value){.type = OD_TYPE_FLOAT64, .is_null = cell->is_null, .float64 = number};
    }
}

enum od_status od_sqlite_check(const struct od_catalog *catalog, const struct od_plan *plan, const char *sqlite_text,
                               const struct od_table *answer, struct od_finding *finding, char *oracle_text,
                               size_t oracle_size, struct od_error *error)
{
    const char *reason = NULL;
    char text[600] = "";
    bool answered = false;
    bool equal = false;
    struct od_arena arena;
    struct od_answer expected = {0};
    struct od_answer actual = {0};
    if (sqlite_text == NULL && !od_sqlite_supports(plan, &reason)) {
        snprintf(oracle_text, oracle_size, "not compared: SQLite means something else by this (%s)", reason);
        return OD_OK;
    }
    struct od_oracle_sqlite *oracle = od_oracle_sqlite_new(error);
    if (oracle == NULL)
        return OD_NO_MEMORY;
    od_arena_init(&arena, od_posix_memory(), 256 * 1024);
    enum od_status status = ask(oracle, &arena, catalog, plan, sqlite_text, &expected, &answered, error);
    if (status == OD_BAD_INPUT && sqlite_text == NULL) { /* rendered, with a function that SQLite does not know */
        snprintf(oracle_text, oracle_size, "not compared: SQLite refuses the rendered text");
        status = OD_OK;
        goto end;
    }
    if (status == OD_OK && answered)
        status = od_answer_from_table(&arena, answer, &actual, error);
    decimals_to_doubles(&expected);
    decimals_to_doubles(&actual);
    if (status == OD_OK && answered)
        status = od_answer_compare(&arena, &expected, &actual, OD_COMPARE_CLOSE, &equal, text, sizeof(text), error);
    if (status == OD_OK && !answered)
        snprintf(oracle_text, oracle_size, "not compared: SQLite gave an error of evaluation");
    else if (status == OD_OK && equal)
        snprintf(oracle_text, oracle_size, "equal to SQLite %s's answer, %u rows", od_oracle_sqlite_version(),
                 expected.row_count);
    else if (status == OD_OK)
        snprintf(oracle_text, oracle_size, "differs from SQLite %s's answer", od_oracle_sqlite_version());
    if (status == OD_OK && answered && !equal)
        od_finding_set(finding, "R2", "the answer differs from SQLite's: %s", text);
end:
    od_arena_release(&arena);
    od_oracle_sqlite_free(oracle);
    return status;
}
