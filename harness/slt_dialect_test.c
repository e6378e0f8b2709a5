/* Goal: what other engines write becomes PostgreSQL's words where its grammar refused them, and only there.
 * Method: texts with the error that the grammar gives for them, and what must come out; texts
 * that end in the middle of anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "harness/slt_dialect.h"

struct translation {
    const char *sql;
    const char *error;
    uint32_t line;
    uint32_t column;
    const char *result; /* NULL: nothing is known */
};
static const struct translation translations[] = {
    {"create table t(a INT, b TEXT) as values (1, ')')", "syntax error at or near \"as\"", 1, 31,
     "create table t(a INT, b TEXT); INSERT INTO t  values (1, ')')"},
    {"CREATE TEMP TABLE IF NOT EXISTS \"T 1\" (a decimal(3,1)) AS SELECT 1", "syntax error at or near \"AS\"",
     1, 57, "CREATE TEMP TABLE IF NOT EXISTS \"T 1\" (a decimal(3,1)); INSERT INTO \"T 1\"  SELECT 1"},
    {"CREATE OR REPLACE TABLE t AS SELECT 1", "syntax error at or near \"TABLE\"", 1, 19,
     "DROP TABLE IF EXISTS t; CREATE TABLE t AS SELECT 1"},
    {"CREATE TABLE t (a INT, \n) AS VALUES (1)", "syntax error at or near \")\"", 2, 1,
     "CREATE TABLE t (a INT  \n) AS VALUES (1)"},
    {"SELECT a, FROM t", "syntax error at or near \"FROM\"", 1, 11, "SELECT a  FROM t"},
    {"SELECT a FROM", "syntax error at end of input", 1, 14, NULL},
    {", x", "syntax error at or near \",\"", 1, 1, NULL},
    {"CREATE TABLE t (a INT) SELECT 1", "syntax error at or near \"SELECT\"", 1, 24, NULL},
    {"CREATE TABLE t (a INT", "syntax error at end of input", 1, 22, NULL},
    {"CREATE VIEW v (a INT) AS SELECT 1", "syntax error at or near \"INT\"", 1, 18, NULL},
    {"CREATE EXTERNAL TABLE t STORED AS CSV", "syntax error at or near \"EXTERNAL\"", 1, 8, NULL},
    {"SELEC 1", "syntax error at or near \"SELEC\"", 1, 1, NULL},
    {"select 1 from (select ')' -- )\n), t", "subquery in FROM must have an alias", 1, 15,
     "select 1 from (select ')' -- )\n) AS unnamed_14, t"},
    {"select '\xc3\xa9' from\n (values (1)) where true", "VALUES in FROM must have an alias", 2, 2,
     "select '\xc3\xa9' from\n (values (1)) AS unnamed_18 where true"},
    {"select 1 from (select 1", "subquery in FROM must have an alias", 1, 15, NULL},
    {"select 1", "subquery in FROM must have an alias", 7, 70, NULL},
    {"select d + interval 1.5 days from t", "syntax error at or near \"1.5\"", 1, 21,
     "select d + INTERVAL '1.5 days' from t"},
    {"select INTERVAL (a + (1)) HOUR, interval 2 day", "syntax error at or near \"a\"", 1, 18,
     "select ((a + (1)) * INTERVAL '1 HOUR'), interval 2 day"},
    {"select interval '1' day 2", "syntax error at or near \"2\"", 1, 25, NULL},
    {"select interval 2 dogs", "syntax error at or near \"2\"", 1, 17, NULL},
    {"select (select a from t order by all), b from t Order By ALL desc NULLS LAST limit 1",
     "syntax error at or near \"ALL\"", 1, 58,
     "select (select a from t order by all), b from t ORDER BY 1 desc NULLS LAST, 2 desc NULLS LAST limit 1"},
    {"select a from (select a from t order by all) x", "syntax error at or near \"all\"", 1, 41, NULL},
    {"select * from range(3)", "a function in FROM other than", 1, 15,
     "select * from generate_series((0)::bigint, (3) - 1) AS range(range)"},
    {"select 1 from t, range(2, (4)) where true", "a function in FROM other than", 1, 18,
     "select 1 from t, generate_series((2)::bigint, ( (4)) - 1) AS range(range) where true"},
    {"from range(1, 2, 3) t", "a function in FROM other than", 1, 6,
     "from generate_series((1)::bigint, ( 2) - 1,  3) t(range)"},
    {"from range(9, 2, -3) AS \"t\"(i), x", "a function in FROM other than", 1, 6,
     "from generate_series((9)::bigint, ( 2) + 1,  -3) AS \"t\"(i), x"},
    {"from generate_series((2)), t", "a function in FROM other than", 1, 6,
     "from generate_series(0::bigint, (2)), t"},
    {"from generate_series(a, 2), t", "a function in FROM other than", 1, 6, NULL},
    {"from generate_series(), t", "a function in FROM other than", 1, 6, NULL},
    {"from range()", "a function in FROM other than", 1, 6, NULL},
    {"from range(1, 2, 3, 4)", "a function in FROM other than", 1, 6, NULL},
    {"from unnest(1)", "a function in FROM other than", 1, 6, NULL},
    {"select * from values (1, (2)), (3, ')') t(a, b), u", "syntax error at or near \"(\"", 1, 22,
     "select * from (values (1, (2)), (3, ')')) t(a, b), u"},
    {"select 1 from t, VALUES (1), u", "syntax error at or near \"(\"", 1, 25,
     "select 1 from t, (VALUES (1)), u"},
    {"select * from values (1), (2", "syntax error at or near \"(\"", 1, 22, NULL},
    {"select * from value (1)", "syntax error at or near \"(\"", 1, 21, NULL},
    {"select 1 union (select 2 limit (1), 2) limit 3", "LIMIT #,# syntax is not supported", 1, 26,
     "select 1 union (select 2 LIMIT 2 OFFSET (1)) limit 3"},
    {"select 1 limit 2", "LIMIT #,# syntax is not supported", 1, 10, NULL},
    {"select interval 5day, 0x1f", "trailing junk after numeric literal at or near \"5d\"", 1, 17,
     "select INTERVAL '5 day', 0x1f"},
    {"select (0x1f)", "trailing junk after numeric literal at or near \"0x\"", 1, 9, NULL},
    {"select a == 'b == c'", "operator == is not supported", 1, 10, "select a = 'b == c'"},
    {"CREATE TABLE t(a INT) AS SELECT 1", "relation \"x\" does not exist", 1, 1, NULL},
};

static struct od_error error_of(const struct translation *row)
{
    struct od_error error = {0};
    bool is_bound = strncmp(row->error, "a function", 10) == 0 || strncmp(row->error, "operator", 8) == 0;
    od_fail_at(&error, is_bound ? OD_UNSUPPORTED : OD_BAD_INPUT, row->line, row->column, "%s", row->error);
    return error;
}

static void texts_are_translated(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(translations) / sizeof(translations[0]); i++) {
        struct od_arena arena;
        struct od_error error = error_of(&translations[i]);
        od_arena_init(&arena, od_heap_for_tests(), 0);
        const char *result = od_slt_translate(&arena, translations[i].sql, 2, &error);
        if (translations[i].result == NULL)
            assert_null(result);
        else
            assert_string_equal(result, translations[i].result);
        od_arena_release(&arena);
    }
}

static void joins_of_duckdb_are_not_aliases(void **state)
{
    (void)state;
    assert_string_equal(od_slt_misread("select 1 from t Semi /* */ JOIN u using (a)"), "SEMI JOIN");
    assert_string_equal(od_slt_misread("from t anti join u"), "ANTI JOIN");
    assert_null(od_slt_misread("select 1 from t as semi join u using (a)"));
    assert_null(od_slt_misread("select 'a semi join b', semi from t join anti on true"));
    assert_null(od_slt_misread("asof"));
}

static void names_are_found(void **state)
{
    static const struct {
        const char *sql;
        const char *name;
    } rows[] = {
        {"create table t1 (a int)", "t1"},
        {" /* */ CREATE OR REPLACE TEMP VIEW \"My V\" AS SELECT 1", "My V"},
        {"create external table if not exists x stored as csv", "x"},
        {"create index i on t (a)", NULL},
        {"create table", NULL},
        {"drop table t", NULL},
        {"INSERT OR REPLACE INTO T1 VALUES (1)", "t1"},
        {"replace into _t values (1)", "_t"},
        {"update only t set a = 1", "t"},
        {"delete from t", "t"},
        {"alter table if exists t add column b int", "t"},
        {"copy t to 'x'", NULL},
        {"copy t from 'x'", "t"},
        {"copy (select 1 from t) to 'x'", NULL},
        {"select 1 from t", NULL},
        {"insert into 'x'", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_arena arena;
        od_arena_init(&arena, od_heap_for_tests(), 0);
        const char *name = od_slt_changed_name(&arena, rows[i].sql);
        if (rows[i].name == NULL)
            assert_null(name);
        else
            assert_string_equal(name, rows[i].name);
        od_arena_release(&arena);
    }
}

/* Cut anywhere, a text is read to its end and no further (a sanitizer sees to that). */
static void cut_texts_are_harmless(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(translations) / sizeof(translations[0]); i++) {
        for (size_t size = 0; size <= strlen(translations[i].sql); size++) {
            struct od_arena arena;
            struct od_error error = error_of(&translations[i]);
            od_arena_init(&arena, od_heap_for_tests(), 0);
            const char *cut = od_arena_copy_text(&arena, translations[i].sql, size);
            const char *result = od_slt_translate(&arena, cut, 2, &error);
            assert_true(result == NULL || strlen(result) + 1 >= size);
            od_slt_changed_name(&arena, cut);
            od_arena_release(&arena);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_translated),
        cmocka_unit_test(joins_of_duckdb_are_not_aliases),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(cut_texts_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
