/* Goal: a session that is refused memory anywhere says so, stays as it was and leaks nothing; what statements
 * are taken; what errors say. What statements mean is compared with PostgreSQL by scenarios/slt/tables.test,
 * on a real engine. Method: a runner that gives two made-up rows of whatever the plan's schema is, no two
 * alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "engine/sql/session.h"

struct runner {
    struct od_memory *memory;
    int64_t next; /* value */
    uint32_t analyzed_count;
};

static enum od_status run_plan(void *self, struct od_arena *plan_arena, const struct od_plan *plan,
                               struct od_table **answer_out, struct od_error *error)
{
    struct runner *runner = self;
    enum od_status status = OD_OK;
    (void)plan_arena;
    struct od_table *table = od_table_new(runner->memory, "answer", &plan->schema, error);
    *answer_out = table;
    if (table == NULL)
        return OD_NO_MEMORY;
    bool is_check = plan->kind == OD_PLAN_FILTER; /* of rows that break a CHECK: none */
    for (int row = 0; row < 2 && status == OD_OK && !is_check; row++, runner->next++) {
        for (uint32_t i = 0; i < plan->schema.field_count && status == OD_OK; i++) {
            char text[24];
            struct od_value value = {.type = plan->schema.fields[i].type, .int64 = runner->next};
            snprintf(text, sizeof(text), "%d", (int)runner->next);
            if (value.type == OD_TYPE_TEXT) {
                value.text.bytes = text;
                value.text.size = (uint32_t)strlen(text);
            }
            status = od_batch_builder_append(&table->rows, i, &value, error);
        }
        if (status == OD_OK)
            od_batch_builder_end_row(&table->rows);
    }
    if (status == OD_OK) {
        od_table_finish(table);
    } else {
        od_table_free(runner->memory, table);
        *answer_out = NULL;
    }
    return status;
}

static enum od_status explain(void *self, struct od_arena *plan_arena, const struct od_plan *plan, bool analyze,
                              struct od_buffer *text, struct od_error *error)
{
    struct runner *runner = self;
    (void)plan_arena;
    runner->analyzed_count += analyze;
    return od_plan_print(plan, text) ? OD_OK : od_fail(error, OD_NO_MEMORY, "printing");
}

static enum od_status evaluate_literal(const struct od_expr *expr, struct od_arena *arena,
                                       struct od_value *value_out, struct od_error *error)
{
    (void)arena;
    if (expr->kind != OD_EXPR_LITERAL)
        return od_fail(error, OD_UNSUPPORTED, "only literals");
    *value_out = expr->literal;
    return OD_OK;
}

struct seen {
    uint32_t result_count;
    char tags[400];
};

static enum od_status note_result(void *self, struct od_session_result *result, struct od_error *error)
{
    struct seen *seen = self;
    (void)error;
    seen->result_count++;
    snprintf(seen->tags + strlen(seen->tags), sizeof(seen->tags) - strlen(seen->tags), "%s%s",
             seen->tags[0] == '\0' ? "" : ", ", result->tag);
    return OD_OK;
}

struct trial {
    struct runner runner;
    struct od_session *session;
    struct seen seen;
    struct od_error error;
};

static enum od_status begin(struct trial *trial, struct od_memory *memory)
{
    *trial = (struct trial){.runner = {memory, 1, 0}};
    const struct od_session_runner runner = {run_plan, explain, evaluate_literal, &trial->runner};
    return od_session_new(memory, &runner, &trial->session, &trial->error);
}

static enum od_status run(struct trial *trial, const char *sql)
{
    const struct od_session_sink sink = {note_result, &trial->seen};
    trial->seen = (struct seen){0};
    trial->error = (struct od_error){0};
    return od_session_run(trial->session, sql, &sink, &trial->error);
}

static const char setup[] =
    "CREATE TABLE t (a bigint PRIMARY KEY, b text NOT NULL DEFAULT 'x', c varchar(5) UNIQUE, CHECK (a > 0));"
    "INSERT INTO t VALUES (1, 'b', 'c'); CREATE VIEW v (p) AS SELECT a FROM t";

static enum od_status run_every_statement(struct od_memory *memory, void *context)
{
    static const char *const texts[] = {
        "BEGIN; ROLLBACK",
        setup,
        "BEGIN; INSERT INTO t (a) SELECT p FROM v; COMMIT",
        "START TRANSACTION; CREATE TABLE u AS SELECT a, b FROM t; ROLLBACK",
        "CREATE TEMP TABLE u (i bigint); CREATE INDEX ON u (i); CREATE UNIQUE INDEX n ON t (b)",
        "UPDATE t SET b = DEFAULT, (c) = ROW ('c') WHERE a = 2",
        "DELETE FROM t AS x USING u WHERE x.a = u.i; TRUNCATE u; VACUUM; ANALYZE",
        "EXPLAIN SELECT * FROM v; EXPLAIN (COSTS OFF) SELECT 1; VALUES (1)",
        "CREATE OR REPLACE VIEW v AS SELECT a AS p, b FROM t; DROP INDEX n; DROP TABLE t, u CASCADE",
    };
    struct trial trial;
    enum od_status status = begin(&trial, memory);
    (void)context;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && status == OD_OK; i++)
        status = run(&trial, texts[i]);
    if (status != OD_OK && status != OD_NO_MEMORY)
        fail_msg("%d: %s", status, trial.error.text);
    od_session_free(trial.session);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(od_sweep(run_every_statement, NULL) > 100);
}

static const struct {
    const char *sql;
    enum od_status status;
    uint32_t column;  /* 0: none */
    const char *text; /* part of the message; or of the tags when it went well */
} statements[] = {
    {"", OD_OK, 0, ""},
    {" ;; ", OD_OK, 0, ""},
    {"SELECT 1; VALUES (2)", OD_OK, 0, "SELECT, SELECT"},
    {"COMMIT; ROLLBACK", OD_OK, 0, "COMMIT, ROLLBACK"},
    {"CREATE TABLE IF NOT EXISTS t (x bigint)", OD_OK, 0, "CREATE TABLE"},
    {"DROP TABLE IF EXISTS nosuch; DROP VIEW v", OD_OK, 0, "DROP TABLE, DROP VIEW"},
    {"SELECT 1; SELEC 2", OD_BAD_INPUT, 11, "syntax error"},
    {"CREATE TABLE t (x bigint)", OD_BAD_INPUT, 14, "already exists"},
    {"CREATE TABLE w (x bigint, x text)", OD_BAD_INPUT, 14, "specified more than once"},
    {"CREATE TABLE w (x interval)", OD_UNSUPPORTED, 14, "interval"},
    {"CREATE TABLE w ()", OD_UNSUPPORTED, 14, "without columns"},
    {"CREATE TABLE w (LIKE t)", OD_UNSUPPORTED, 14, "LIKE"},
    {"CREATE TABLE w (x bigint REFERENCES t)", OD_UNSUPPORTED, 26, "foreign key"},
    {"CREATE TABLE w (x bigint GENERATED ALWAYS AS (1) STORED)", OD_UNSUPPORTED, 26, "generated"},
    {"CREATE TABLE w (x bigint, PRIMARY KEY (y))", OD_BAD_INPUT, 27, "does not exist"},
    {"CREATE TABLE other.w (x bigint)", OD_UNSUPPORTED, 14, "schema"},
    {"CREATE INDEX ON v (p)", OD_BAD_INPUT, 17, "not a table"},
    {"CREATE UNIQUE INDEX ON t ((a + 1))", OD_UNSUPPORTED, 24, "expression"},
    {"INSERT INTO v VALUES (1)", OD_BAD_INPUT, 13, "not a table"},
    {"INSERT INTO nosuch VALUES (1)", OD_BAD_INPUT, 13, "does not exist"},
    {"INSERT INTO t VALUES (1, 'x') ON CONFLICT DO NOTHING", OD_UNSUPPORTED, 31, "ON CONFLICT"},
    {"INSERT INTO t VALUES (1, 'x') RETURNING a", OD_UNSUPPORTED, 41, "RETURNING"},
    {"UPDATE t SET a = 1 FROM v", OD_UNSUPPORTED, 25, "FROM"},
    {"DROP TABLE t", OD_BAD_INPUT, 1, "depend on it"},
    {"DROP INDEX t_pkey", OD_BAD_INPUT, 1, "constraint"},
    {"DROP SCHEMA public", OD_UNSUPPORTED, 1, "DROP"},
    {"SELECT 1; DROP VIEW t", OD_BAD_INPUT, 11, "not a view"},
    {"SET search_path = x", OD_UNSUPPORTED, 1, "search_path"},
    {"SET default_null_order = 1", OD_UNSUPPORTED, 1, "default_null_order"},
    {"SET datafusion.sql_parser.default_null_ordering = 1", OD_UNSUPPORTED, 1, "default_null_ordering"},
    {"SET enable_hashjoin = off; SET LOCAL my.thing TO 3; RESET work_mem", OD_OK, 0, "SET, SET, SET"},
    {"ALTER TABLE t ADD COLUMN x int", OD_UNSUPPORTED, 1, "statement"},
    {"BEGIN; SAVEPOINT s", OD_UNSUPPORTED, 8, "savepoints"},
    {"EXPLAIN (ANALYZE 2) SELECT 1", OD_BAD_INPUT, 10, "analyze requires a Boolean value"},
    {"EXPLAIN (ANALYZE, BUFFERS) SELECT 1", OD_UNSUPPORTED, 19, "buffers"},
    {"EXPLAIN INSERT INTO t VALUES (1)", OD_UNSUPPORTED, 1, "EXPLAIN"},
    {"CREATE VIEW w AS SELECT 1 AS x, 2 AS x", OD_BAD_INPUT, 13, "more than once"},
    {"CREATE OR REPLACE VIEW v AS SELECT p FROM v", OD_BAD_INPUT, 24, "infinite recursion"},
};

static void statements_are_taken_or_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        struct trial trial;
        assert_int_equal(begin(&trial, od_heap_for_tests()), OD_OK);
        assert_int_equal(run(&trial, setup), OD_OK);
        enum od_status status = run(&trial, statements[i].sql);
        const char *text = status == OD_OK ? trial.seen.tags : trial.error.text;
        if (status != statements[i].status || trial.error.column != statements[i].column ||
            strstr(text, statements[i].text) == NULL)
            fail_msg("%s: status %d at column %u: %s", statements[i].sql, status, trial.error.column, text);
        od_session_free(trial.session);
    }
}

/* A failed statement leaves no trace; a failed transaction is good for ROLLBACK only. */
static void failures_leave_things_as_they_were(void **state)
{
    struct trial trial;
    (void)state;
    assert_int_equal(begin(&trial, od_heap_for_tests()), OD_OK);
    assert_int_equal(run(&trial, setup), OD_OK);
    assert_int_equal(run(&trial, "CREATE TABLE w (x bigint UNIQUE, y bigint, UNIQUE (z))"), OD_BAD_INPUT);
    assert_int_equal(run(&trial, "SELECT * FROM w"), OD_BAD_INPUT);
    assert_int_equal(run(&trial, "CREATE TABLE w_x_key (x bigint)"), OD_OK); /* its index went with it */
    trial.runner.next = 1; /* the next rows repeat keys that are there */
    assert_int_equal(run(&trial, "INSERT INTO t VALUES (1, 'b', 'c')"), OD_EVALUATION);
    assert_non_null(strstr(trial.error.text, "t_pkey"));
    trial.runner.next = 1000000;
    assert_int_equal(run(&trial, "BEGIN; DROP VIEW v; INSERT INTO t VALUES (1, 'b', 'c')"), OD_EVALUATION);
    assert_non_null(strstr(trial.error.text, "character varying(5)"));
    assert_true(od_session_in_transaction(trial.session));
    assert_int_equal(run(&trial, "SELECT 1"), OD_BAD_INPUT);
    assert_int_equal(run(&trial, "COMMIT"), OD_OK);
    assert_string_equal(trial.seen.tags, "ROLLBACK");
    assert_int_equal(run(&trial, "SELECT p FROM v"), OD_OK);
    od_session_free(trial.session);
}

static void analyze_is_a_switch(void **state)
{
    static const struct {
        const char *sql;
        uint32_t analyzed_count;
    } cases[] = {
        {"EXPLAIN SELECT 1; EXPLAIN (COSTS) SELECT 1; EXPLAIN (ANALYZE FALSE) SELECT 1", 0},
        {"EXPLAIN ANALYZE SELECT 1; EXPLAIN (ANALYZE) SELECT 1; EXPLAIN (COSTS OFF, ANALYZE On) SELECT 1", 3},
        {"EXPLAIN (ANALYZE 1) SELECT 1; EXPLAIN (ANALYZE 0) SELECT 1; EXPLAIN (ANALYZE off) SELECT 1", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct trial trial;
        assert_int_equal(begin(&trial, od_heap_for_tests()), OD_OK);
        assert_int_equal(run(&trial, cases[i].sql), OD_OK);
        assert_string_equal(trial.seen.tags, "EXPLAIN, EXPLAIN, EXPLAIN");
        assert_int_equal(trial.runner.analyzed_count, cases[i].analyzed_count);
        od_session_explain_queries(trial.session, true);
        assert_int_equal(run(&trial, "SELECT 1; EXPLAIN SELECT 1; CREATE TABLE t (x bigint)"), OD_OK);
        assert_string_equal(trial.seen.tags, "EXPLAIN, EXPLAIN, CREATE TABLE");
        assert_int_equal(trial.runner.analyzed_count, cases[i].analyzed_count + 2);
        od_session_free(trial.session);
    }
}

/* What depends on a refused relation is refused, until it is made anew. */
static void refusals_are_remembered(void **state)
{
    struct trial trial;
    (void)state;
    assert_int_equal(begin(&trial, od_heap_for_tests()), OD_OK);
    assert_int_equal(run(&trial, setup), OD_OK);
    assert_int_equal(od_session_refuse(trial.session, "w", NULL), OD_OK);
    assert_int_equal(run(&trial, "INSERT INTO w VALUES (1)"), OD_UNSUPPORTED);
    assert_int_equal(run(&trial, "SELECT * FROM w"), OD_UNSUPPORTED);
    assert_int_equal(run(&trial, "SELECT * FROM nosuch"), OD_BAD_INPUT);
    assert_int_equal(run(&trial, "DROP TABLE w; CREATE TABLE w (x bigint)"), OD_OK);
    assert_int_equal(run(&trial, "SELECT * FROM w"), OD_OK);
    assert_int_equal(od_session_refuse(trial.session, "t", NULL), OD_OK);
    assert_int_equal(run(&trial, "SELECT * FROM t"), OD_UNSUPPORTED);
    od_session_free(trial.session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_are_taken_or_told),
        cmocka_unit_test(failures_leave_things_as_they_were),
        cmocka_unit_test(analyze_is_a_switch),
        cmocka_unit_test(refusals_are_remembered),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
