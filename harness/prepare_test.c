/* Goal: names of rules become bits; SQL becomes a graph with constants folded; a mistake in SQL keeps its line and column.
 * Method: direct calls; explanations compared for the presence of what each rule does. */
#include "harness/prepare.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "harness/small_query.h"

static void rule_names_become_bits(void **state)
{
    (void)state;
    uint32_t all = 0;
    for (uint32_t i = 0; i < OD_RULE_COUNT; i++) {
        uint32_t bits = 0;
        assert_int_equal(od_rules_off_parse(od_rule_text((enum od_rule)i), &bits, NULL), OD_OK);
        assert_int_equal(bits, UINT32_C(1) << i);
        all |= bits;
    }
    uint32_t bits = 0;
    assert_int_equal(od_rules_off_parse("", &bits, NULL), OD_OK);
    assert_int_equal(bits, 0);
    assert_int_equal(od_rules_off_parse("top_n,constant_folding,top_n", &bits, NULL), OD_OK);
    assert_int_equal(bits, (1 << OD_RULE_TOP_N) | (1 << OD_RULE_CONSTANT_FOLDING));
    assert_true((all & (all + 1)) == 0); /* no bit is missing */
}

static void unknown_rules_are_refused(void **state)
{
    (void)state;
    const char *const wrong[] = {"top",    "top_n,bogus",
                                 "top_n ", ",top_n",
                                 "TOP_N",  "a_name_that_is_longer_than_any_rule_could_ever_sensibly_be"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint32_t bits = 0;
        struct od_error error = {0};
        assert_int_equal(od_rules_off_parse(wrong[i], &bits, &error), OD_BAD_INPUT);
        assert_non_null(strstr(error.text, "unknown rule "));
        assert_non_null(strstr(error.text, "; expected some of constant_folding, "));
        assert_non_null(strstr(error.text, od_rule_text((enum od_rule)(OD_RULE_COUNT - 1))));
    }
}

static enum od_status prepare(struct od_small_query *query, const char *sql, struct od_prepared *prepared,
                              struct od_error *error)
{
    const struct od_catalog catalog = {2, (const struct od_table *const *)query->tables};
    const struct od_plan_options options = {0};
    return od_prepare_sql(&query->plan_arena, sql, &catalog, &options, prepared, error);
}

static void constants_are_folded(void **state)
{
    (void)state;
    struct od_small_query query;
    struct od_prepared prepared;
    struct od_error error = {0};
    od_small_query_make(&query, OD_SMALL_QUERY);
    assert_int_equal(prepare(&query, "SELECT id + (1 + 2) FROM orders", &prepared, &error), OD_OK);
    assert_non_null(prepared.plan);
    assert_true((prepared.graph->rules_fired >> OD_RULE_CONSTANT_FOLDING & 1) == 1);
    od_small_query_release(&query);
}

static void mistakes_in_sql_keep_their_place(void **state)
{
    (void)state;
    struct od_small_query query;
    struct od_prepared prepared;
    od_small_query_make(&query, OD_SMALL_QUERY);
    const struct {
        const char *sql;
        uint32_t line;
        uint32_t column;
    } mistakes[] = {
        {"SELECT idd FROM orders", 1, 8},
        {"SELECT id\nFROM nowhere", 2, 6},
        {"SELECT id\nFROM orders\nWHERE  amount = 'x' +", 3, 22},
        {"SELEC id", 1, 1},
    };
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct od_error error = {0};
        assert_int_equal(prepare(&query, mistakes[i].sql, &prepared, &error), OD_BAD_INPUT);
        assert_int_equal(error.line, mistakes[i].line);
        assert_int_equal(error.column, mistakes[i].column);
        assert_null(prepared.graph);
    }
    od_small_query_release(&query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_names_become_bits),
        cmocka_unit_test(unknown_rules_are_refused),
        cmocka_unit_test(constants_are_folded),
        cmocka_unit_test(mistakes_in_sql_keep_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
