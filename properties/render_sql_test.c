/* Goal: each known difference of SQLite is real and is refused by od_sqlite_supports.
 * Method: a table with one row per line of the list in render_sql_sqlite.c: the expression is not supported,
 * and SQLite, asked all the same, gives something else than the model (or an error): a line that has become
 * unneeded turns the test red. */
#include "properties/model.h"
#include "properties/oracle_sqlite.h"
#include "properties/plain_memory.h"
#include "properties/render_sql.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct od_value typed(enum od_type type, int64_t number)
{
    struct od_value value = {.type = type};
    if (type == OD_TYPE_FLOAT64)
        value.float64 = (double)number;
    else if (type == OD_TYPE_BOOLEAN)
        value.boolean = number != 0;
    else
        value.int64 = number;
    return value;
}
static struct od_value text(const char *bytes)
{
    struct od_value value = {.type = OD_TYPE_TEXT};
    value.text.bytes = bytes;
    value.text.size = (uint32_t)strlen(bytes);
    return value;
}
static struct od_value real(double number)
{
    struct od_value value = {.type = OD_TYPE_FLOAT64};
    value.float64 = number;
    return value;
}
static struct od_value null(enum od_type type)
{
    struct od_value value = {.type = type};
    value.is_null = true;
    return value;
}

/* A one-row table and one project over it. cast_to is used with CAST only. */
struct difference {
    const char *reason;
    enum od_function function;
    enum od_type cast_to;
    struct od_value arguments[3];
    uint32_t count;
};

static const struct od_expr *build(struct od_arena *arena, const struct difference *difference)
{
    const struct od_expr *arguments[3], *expr = NULL;
    for (uint32_t i = 0; i < difference->count; i++)
        assert_int_equal(od_expr_literal(arena, &difference->arguments[i], &arguments[i], NULL), OD_OK);
    if (difference->function == OD_FUNCTION_CAST)
        assert_int_equal(od_expr_cast(arena, arguments[0], difference->cast_to, &expr, NULL), OD_OK);
    else
        assert_int_equal(od_expr_call(arena, difference->function, arguments, difference->count, &expr, NULL),
                         OD_OK);
    return expr;
}

static struct od_table *one_row(struct od_memory *memory, double number)
{
    struct od_field field = {"a", OD_TYPE_FLOAT64, true};
    struct od_schema schema = {1, &field};
    struct od_value value = real(number);
    struct od_table *table = od_table_new(memory, "t0", &schema, NULL);
    assert_non_null(table);
    assert_int_equal(od_batch_builder_append(&table->rows, 0, &value, NULL), OD_OK);
    od_batch_builder_end_row(&table->rows);
    od_table_finish(table);
    return table;
}

/* Whether SQLite gives what the model gives. */
static bool agrees(struct od_oracle_sqlite *oracle, struct od_arena *arena, const struct od_table *table,
                   const struct od_plan *plan)
{
    const struct od_table *tables[] = {table};
    struct od_catalog catalog = {1, tables};
    struct od_answer modelled, answered;
    bool did_answer = false, equal = false;
    char why[200];
    assert_int_equal(od_model_run(arena, plan, &modelled, NULL), OD_OK);
    assert_int_equal(od_oracle_sqlite_load(oracle, &catalog, NULL), OD_OK);
    if (od_oracle_sqlite_run(oracle, arena, plan, &answered, &did_answer, NULL) != OD_OK || !did_answer)
        return false;
    assert_int_equal(
        od_answer_compare(arena, &modelled, &answered, OD_COMPARE_CLOSE, &equal, why, sizeof(why), NULL),
        OD_OK);
    return equal;
}

static void each_difference_is_real_and_refused(void **state)
{
    const struct difference differences[] = {
        {"greatest, least", OD_FUNCTION_GREATEST, 0, {typed(OD_TYPE_INT64, 1), null(OD_TYPE_INT64)}, 2},
        {"greatest, least", OD_FUNCTION_LEAST, 0, {typed(OD_TYPE_INT64, 1), null(OD_TYPE_INT64)}, 2},
        {"round", OD_FUNCTION_ROUND, 0, {real(2.5)}, 1},
        {"extract, date_trunc", OD_FUNCTION_EXTRACT, 0, {text("year"), typed(OD_TYPE_DATE, 0)}, 2},
        {"extract, date_trunc", OD_FUNCTION_DATE_TRUNC, 0, {text("day"), typed(OD_TYPE_TIMESTAMP, 1)}, 2},
        {"casts", OD_FUNCTION_CAST, OD_TYPE_INT64, {real(1.5)}, 1},
        {"casts", OD_FUNCTION_CAST, OD_TYPE_TEXT, {real(3)}, 1},
        {"casts", OD_FUNCTION_CAST, OD_TYPE_TEXT, {typed(OD_TYPE_BOOLEAN, 1)}, 1},
        {"casts", OD_FUNCTION_CAST, OD_TYPE_TEXT, {typed(OD_TYPE_DATE, 1)}, 1},
        {"substring",
         OD_FUNCTION_SUBSTRING,
         0,
         {text("hello"), typed(OD_TYPE_INT32, -1), typed(OD_TYPE_INT32, 4)},
         3},
    };
    struct od_memory memory = od_plain_memory();
    struct od_oracle_sqlite *oracle = od_oracle_sqlite_new(NULL);
    struct od_table *table = one_row(&memory, 1);
    (void)state;
    for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++) {
        struct od_arena arena;
        const struct od_plan *scan, *plan;
        const char *reason = NULL;
        uint32_t column = 0;
        od_arena_init(&arena, &memory, 0);
        const struct od_expr *expr = build(&arena, &differences[i]);
        assert_int_equal(od_plan_scan(&arena, table, &column, 1, &scan, NULL), OD_OK);
        assert_int_equal(od_plan_project(&arena, scan, &expr, NULL, 1, &plan, NULL), OD_OK);
        assert_false(od_sqlite_supports(plan, &reason));
        assert_string_equal(reason, differences[i].reason);
        bool needed =
            strcmp(differences[i].reason, "extract, date_trunc") == 0 || !agrees(oracle, &arena, table, plan);
        if (!needed)
            fail_msg("row %zu: SQLite agrees, so \"%s\" is not needed for it", i, reason);
        od_arena_release(&arena);
    }
    od_table_free(&memory, table);
    od_oracle_sqlite_free(oracle);
}

static void tables_that_it_cannot_hold_are_refused(void **state)
{
    static const struct {
        double number;
        const char *reason;
    } rows[] = {{NAN, "NaN or infinity"}, {INFINITY, "NaN or infinity"}, {1e300, "large floats"}, {1, NULL}};
    struct od_memory memory = od_plain_memory();
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_arena arena;
        const struct od_plan *scan, *limit;
        const char *reason;
        uint32_t column = 0;
        struct od_table *table = one_row(&memory, rows[i].number);
        od_arena_init(&arena, &memory, 0);
        assert_int_equal(od_plan_scan(&arena, table, &column, 1, &scan, NULL), OD_OK);
        assert_int_equal(od_sqlite_supports(scan, &reason), rows[i].reason == NULL);
        if (rows[i].reason != NULL)
            assert_string_equal(reason, rows[i].reason);
        assert_int_equal(od_plan_limit(&arena, scan, 0, 1, &limit, NULL), OD_OK);
        assert_false(od_sqlite_supports(limit, &reason));
        od_arena_release(&arena);
        od_table_free(&memory, table);
    }
}

/* The two dialects of one plan, read once by a person. */
static void texts_look_as_people_write_them(void **state)
{
    struct od_memory memory = od_plain_memory();
    struct od_arena arena;
    struct od_table *table = one_row(&memory, 1);
    const struct od_plan *scan, *filter, *sort, *limit;
    const struct od_expr *column_expr, *literal, *predicate;
    struct od_value half = real(0.5);
    uint32_t column = 0;
    const char *sql;
    (void)state;
    od_arena_init(&arena, &memory, 0);
    assert_int_equal(od_plan_scan(&arena, table, &column, 1, &scan, NULL), OD_OK);
    assert_int_equal(od_expr_column(&arena, &scan->schema, 0, &column_expr, NULL), OD_OK);
    assert_int_equal(od_expr_literal(&arena, &half, &literal, NULL), OD_OK);
    const struct od_expr *sides[] = {column_expr, literal};
    assert_int_equal(od_expr_call(&arena, OD_FUNCTION_LESS, sides, 2, &predicate, NULL), OD_OK);
    assert_int_equal(od_plan_filter(&arena, scan, predicate, &filter, NULL), OD_OK);
    struct od_sort_key key = {column_expr, true, true};
    assert_int_equal(od_plan_sort(&arena, filter, &key, 1, &sort, NULL), OD_OK);
    assert_int_equal(od_plan_limit(&arena, sort, 2, 3, &limit, NULL), OD_OK);
    assert_int_equal(od_render_sql(&arena, limit, OD_DIALECT_ENGINE, &sql, NULL), OD_OK);
    assert_string_equal(sql, "SELECT q1.a AS c0 FROM t0 AS q1 WHERE (q1.a < '0.5'::double precision) "
                             "ORDER BY q1.a DESC NULLS FIRST LIMIT 3 OFFSET 2");
    assert_int_equal(od_render_sql(&arena, limit, OD_DIALECT_SQLITE, &sql, NULL), OD_OK);
    assert_string_equal(sql, "SELECT q1.a AS c0 FROM t0 AS q1 WHERE (q1.a < (0.5)) "
                             "ORDER BY q1.a DESC NULLS FIRST, q1.a ASC NULLS LAST LIMIT 3 OFFSET 2");
    od_arena_release(&arena);
    od_table_free(&memory, table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_difference_is_real_and_refused),
        cmocka_unit_test(tables_that_it_cannot_hold_are_refused),
        cmocka_unit_test(texts_look_as_people_write_them),
    };
    return cmocka_run_group_tests_name("render_sql", tests, NULL, NULL);
}
