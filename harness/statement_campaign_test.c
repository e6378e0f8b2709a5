/* statement_campaign_test: drawn SQL statements, run in every variation and compared with others. Goal:
 * some hundreds of statements hold and reach every feature of the list; the digest depends on neither jobs
 * nor oracles; a
 *       statement that fails is found, whoever tells; equal choices draw equal statements; refused
 *       memory leaves nothing behind.
 * Method: short campaigns with the model and SQLite, which are always here; trials whose tables or engine
 * are wrong: a
 *       PostgreSQL or DuckDB that is there is asked by the long campaign (README). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "engine/world/posix.h"
#include "engine/core/sweep.h"
#include "harness/campaign.h"
#include "harness/opinion.h"
#include "harness/query_oracles.h"
#include "harness/trial.h"
#include "properties/answer.h"
#include "properties/plain_memory.h"
#include "properties/statement.h"

#define MODEL  (1u << OD_ORACLE_MODEL)
#define SQLITE (1u << OD_ORACLE_SQLITE)

static struct od_campaign_result result; /* large */
static struct od_trial trial;            /* large */

static void run(uint64_t cases, uint32_t jobs, uint32_t oracles)
{
    struct od_error error = {0};
    const struct od_campaign_options options = {.seed = 5,
                                                .case_count = cases,
                                                .job_count = jobs,
                                                .shard_count = 1,
                                                .only = &od_property_statement,
                                                .oracles = oracles,
                                                .directory = "/tmp/ordeal-statements",
                                                .shrink_ns = 2000000000u,
                                                .failures_shown_max = 1,
                                                .hang_ns = 60000000000u};
    if (od_campaign_run(&options, &result, &error) != OD_OK)
        fail_msg("%s", error.text);
    if (result.failure_count > 0)
        fail_msg("%s case %d: %s %s", result.shown[0].code, (int)result.shown[0].case_index,
                 result.shown[0].text, result.shown[0].path);
    assert_int_equal(result.case_count, cases);
}

static void statements_hold_and_reach_everything(void **state)
{
    (void)state;
    run(600, 2, MODEL | SQLITE);
    uint32_t missing = 0;
    for (uint32_t i = 0; i < OD_QUERY_FEATURE_COUNT; i++) {
        if (result.feature_counts[i][0] == 0)
            print_message("no statement was answered that has %s\n",
                          od_query_feature_text((enum od_query_feature)i));
        missing += result.feature_counts[i][0] == 0;
    }
    assert_true(missing <= 5); /* the rarest */
    assert_true(result.status_counts[OD_OK] > 500);
    assert_true(result.status_counts[OD_UNSUPPORTED] + result.status_counts[OD_BAD_INPUT] < 20);
    assert_true(result.asked_counts[OD_ORACLE_MODEL][OD_ASKED_COMPARED] > 450);
    assert_true(result.asked_counts[OD_ORACLE_SQLITE][OD_ASKED_COMPARED] > 40);
    assert_true(result.run_count > 600 * 8);
}

static void the_digest_is_the_engines(void **state)
{
    (void)state;
    run(150, 1, MODEL);
    uint64_t digest = result.digest;
    run(150, 3, 0);
    assert_true(result.digest == digest);
    assert_int_equal(result.asked_counts[OD_ORACLE_MODEL][OD_ASKED_COMPARED], 0);
}

/* --- who is wrong is told
 * ---------------------------------------------------------------------------------- */

/* An answer that lacks its first row, asked about as if it were ours. */
static bool told_of_a_lost_row(uint64_t seed, uint32_t oracle, char *code)
{
    struct od_query_oracles *oracles = NULL;
    struct od_choices choices;
    struct od_arena arena;
    struct od_query_tally tally = {0};
    struct od_finding finding = {0};
    bool told = false;
    assert_int_equal(od_query_oracles_open(oracle, &oracles, NULL), OD_OK);
    od_choices_init(&choices, od_posix_memory());
    od_arena_init(&arena, od_posix_memory(), 0);
    od_trial_init(&trial, od_posix_memory());
    trial.only = &od_property_statement;
    od_choices_from_seed(&choices, seed, "lost");
    assert_int_equal(od_trial_run(&trial, &choices, NULL), OD_OK);
    const struct od_cluster_result *usual = &trial.results[0];
    if (trial.run_count > 0 && usual->outcome.status == OD_OK &&
        od_table_row_count(usual->outcome.answer) > 0) {
        struct od_answer answer;
        const struct od_plan *plan = NULL;
        struct od_subject subject = od_trial_subject(&trial);
        assert_int_equal(subject.bind(subject.self, &trial.test_case, &plan, NULL), OD_OK);
        assert_int_equal(od_answer_from_table(&arena, usual->outcome.answer, &answer, NULL), OD_OK);
        answer.cells += answer.column_count;
        answer.row_count--;
        const struct od_statement_outcome outcome = {.text = "", .plan = plan, .answer = &answer};
        assert_int_equal(od_query_oracles_ask(oracles, &trial.test_case, &outcome, &tally, &finding, NULL),
                         OD_OK);
        told = finding.found;
        snprintf(code, 8, "%s", finding.code);
    }
    od_trial_release(&trial);
    od_arena_release(&arena);
    od_choices_release(&choices);
    od_query_oracles_close(oracles);
    return told;
}

static void a_lost_row_is_told(void **state)
{
    static const struct {
        uint32_t oracle;
        const char *code;
        uint32_t least; /* of 60 statements */
    } tellers[] = {{MODEL, "OM", 20}, {SQLITE, "OS", 2}};
    (void)state;
    for (size_t i = 0; i < sizeof(tellers) / sizeof(tellers[0]); i++) {
        uint32_t told = 0;
        for (uint64_t seed = 0; seed < 60; seed++) {
            char code[8] = "";
            if (told_of_a_lost_row(seed, tellers[i].oracle, code)) {
                assert_string_equal(code, tellers[i].code);
                told++;
            }
        }
        print_message("%s tells %u of 60\n", tellers[i].code, told);
        assert_true(told >= tellers[i].least);
    }
}

/* An error that the model does not have, of statements with window calls: open, unless each plan must meet it. */
static void a_sure_error_is_told(void **state)
{
    struct od_query_oracles *oracles = NULL;
    struct od_choices choices;
    uint32_t told[2] = {0, 0}; /* by whether it is sure */
    uint32_t asked[2] = {0, 0};
    (void)state;
    assert_int_equal(od_query_oracles_open(MODEL, &oracles, NULL), OD_OK);
    od_choices_init(&choices, od_posix_memory());
    od_trial_init(&trial, od_posix_memory());
    trial.only = &od_property_statement;
    for (uint64_t seed = 0; seed < 1500; seed++) {
        struct od_subject subject = od_trial_subject(&trial);
        struct od_query_tally tally = {0};
        struct od_finding finding = {0};
        const struct od_plan *plan = NULL;
        od_choices_from_seed(&choices, seed, "sure");
        assert_int_equal(od_trial_draw(&trial, &choices, NULL), OD_OK);
        const bool *features = trial.test_case.query->features;
        if (!features[OD_QUERY_WINDOW] || !features[OD_QUERY_MAY_FAIL] ||
            subject.bind(subject.self, &trial.test_case, &plan, NULL) != OD_OK)
            continue;
        const struct od_statement_outcome outcome = {.status = OD_EVALUATION, .text = "", .plan = plan};
        assert_int_equal(od_query_oracles_ask(oracles, &trial.test_case, &outcome, &tally, &finding, NULL),
                         OD_OK);
        if (tally.asked[OD_ORACLE_MODEL] == OD_ASKED_COMPARED && !finding.found)
            continue; /* it has an error, too */
        asked[features[OD_QUERY_FAILS_SURELY]]++;
        told[features[OD_QUERY_FAILS_SURELY]] += finding.found;
    }
    assert_true(asked[false] > 100 && told[false] == 0);
    assert_true(asked[true] > 3 && told[true] == asked[true]);
    od_trial_release(&trial);
    od_choices_release(&choices);
    od_query_oracles_close(oracles);
}

/* A subject that loses a row wherever the batches are small. */
static enum od_status lose_small(void *self, const struct od_run_request *request,
                                 struct od_observation *observation_out, struct od_error *error)
{
    struct od_subject *right = self;
    enum od_status status = right->run(right->self, request, observation_out, error);
    if (status == OD_OK && !observation_out->known && request->cluster->batch_rows < 3 &&
        observation_out->status == OD_OK)
        observation_out->status = OD_EVALUATION;
    return status;
}

static enum od_status bind_right(void *self, const struct od_case *test_case, const struct od_plan **plan_out,
                                 struct od_error *error)
{
    struct od_subject *right = self;
    return right->bind(right->self, test_case, plan_out, error);
}

static void a_variation_that_differs_is_told(void **state)
{
    struct od_choices choices;
    uint32_t told = 0;
    (void)state;
    od_choices_init(&choices, od_posix_memory());
    od_trial_init(&trial, od_posix_memory());
    trial.only = &od_property_statement;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct od_finding finding = {0};
        struct od_subject right = od_trial_subject(&trial);
        struct od_subject wrong = {.run = lose_small, .self = &right, .bind = bind_right};
        od_choices_from_seed(&choices, seed, "small");
        assert_int_equal(od_trial_draw(&trial, &choices, NULL), OD_OK);
        assert_int_equal(od_property_statement.check(&trial.test_case, &wrong, &finding, NULL), OD_OK);
        told += finding.found && strcmp(finding.code, "SV") == 0;
    }
    assert_true(told >= 15);
    od_trial_release(&trial);
    od_choices_release(&choices);
}

/* --- known differences
 * ------------------------------------------------------------------------------------------------ */

/* A row of NULLs, which NULL <> date_trunc of a NULL does not keep. DuckDB keeps it above a full join of another
 * condition than an equality of both sides; when it does so no more, it can be asked about such joins. */
static void duckdb_is_asked_about_full_joins_when_it_is_right(void **state)
{
    static const char table[] = "CREATE TABLE t (d double, g timestamp); INSERT INTO t VALUES (0, NULL)";
    static const char query[] = "SELECT r.g FROM t AS l FULL JOIN t AS r ON l.d = l.d "
                                "WHERE timestamp '1970-01-01 00:00:00.000001' <> date_trunc('month', r.g)";
    struct od_field field = {"g", OD_TYPE_TIMESTAMP, true};
    const struct od_schema schema = {1, &field};
    struct od_opinion duckdb;
    struct od_answer answer;
    struct od_arena arena;
    (void)state;
    if (od_opinion_open("duckdb", &duckdb, NULL) != OD_OK)
        skip();
    od_arena_init(&arena, od_posix_memory(), 0);
    assert_int_equal(duckdb.ops->execute(duckdb.self, table, NULL), OD_OK);
    assert_int_equal(od_opinion_ask(&duckdb, query, &schema, &arena, &answer, NULL), OD_OK);
    bool is_asked = od_query_feature_is_shared(OD_QUERY_FULL_JOIN_ANY, 1u << OD_ORACLE_DUCKDB);
    assert_int_equal(answer.row_count == 0, is_asked);
    od_arena_release(&arena);
    od_opinion_close(&duckdb);
}

static int count_row(void *count, int column_count, char **values, char **names)
{
    (void)column_count;
    (void)values;
    (void)names;
    ++*(int *)count;
    return 0;
}

/* The rows of r are to be padded, whatever the inner join before gives. When SQLite does so, it can be asked. */
static void sqlite_is_asked_about_padding_when_it_is_right(void **state)
{
    static const char sql[] = "CREATE TABLE t (a); INSERT INTO t VALUES (1);"
                              "SELECT r.a FROM t AS l JOIN t AS m ON false RIGHT JOIN t AS r ON l.a = r.a";
    sqlite3 *sqlite = NULL;
    int row_count = 0;
    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, sql, count_row, &row_count, NULL), SQLITE_OK);
    bool is_asked = od_query_feature_is_shared(OD_QUERY_JOIN_ANY_PADDED, 1u << OD_ORACLE_SQLITE);
    assert_int_equal(row_count == 1, is_asked);
    sqlite3_close(sqlite);
}

/* --- drawing
 * ------------------------------------------------------------------------------------------------ */

static void recorded_choices_draw_the_same_statement(void **state)
{
    struct od_memory memory = od_plain_memory();
    struct od_choices first, second;
    (void)state;
    od_choices_init(&first, &memory);
    od_choices_init(&second, &memory);
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct od_case left, right;
        od_choices_from_seeds(&first, seed / 10, seed, "twice");
        assert_int_equal(od_case_draw(&left, &memory, &first, &od_property_statement, NULL), OD_OK);
        od_choices_from_bytes(&second, first.bytes, od_choices_trimmed_bytes(&first));
        assert_int_equal(od_case_draw(&right, &memory, &second, &od_property_statement, NULL), OD_OK);
        assert_string_equal(left.sql, right.sql);
        assert_memory_equal(left.query->features, right.query->features, sizeof(left.query->features));
        od_case_release(&left);
        od_case_release(&right);
    }
    od_choices_release(&first);
    od_choices_release(&second);
}

static void refused_memory_leaves_nothing_behind(void **state)
{
    struct od_memory plain = od_plain_memory();
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++)
        for (uint64_t k = 0;; k++) {
            struct od_countdown countdown;
            struct od_choices choices;
            struct od_case test_case;
            od_countdown_init(&countdown, &plain, k, false);
            od_choices_init(&choices, &countdown.memory);
            od_choices_from_seed(&choices, seed, "sweep");
            enum od_status status =
                od_case_draw(&test_case, &countdown.memory, &choices, &od_property_statement, NULL);
            assert_true(status == OD_OK || status == OD_NO_MEMORY);
            od_case_release(&test_case);
            od_choices_release(&choices);
            assert_int_equal(countdown.live_block_count, 0);
            if (countdown.refused_count == 0)
                break;
        }
}

static void lists_of_oracles_are_read(void **state)
{
    uint32_t oracles = 0;
    struct od_error error = {0};
    (void)state;
    assert_int_equal(od_oracles_parse("model,postgres", &oracles, &error), OD_OK);
    assert_int_equal(oracles, MODEL | 1u << OD_ORACLE_POSTGRES);
    assert_int_equal(od_oracles_parse("model,oracle", &oracles, &error), OD_BAD_INPUT);
    assert_non_null(strstr(error.text, "duckdb"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_oracles_are_read),
        cmocka_unit_test(recorded_choices_draw_the_same_statement),
        cmocka_unit_test(refused_memory_leaves_nothing_behind),
        cmocka_unit_test(duckdb_is_asked_about_full_joins_when_it_is_right),
        cmocka_unit_test(sqlite_is_asked_about_padding_when_it_is_right),
        cmocka_unit_test(a_lost_row_is_told),
        cmocka_unit_test(a_sure_error_is_told),
        cmocka_unit_test(a_variation_that_differs_is_told),
        cmocka_unit_test(the_digest_is_the_engines),
        cmocka_unit_test(statements_hold_and_reach_everything),
    };
    return cmocka_run_group_tests_name("statement_campaign", tests, NULL, NULL);
}
