/* Goal: the model and SQLite agree, so that neither is wrong alone.
 * Method: thousands of generated cases; where SQLite means the same by the plan and the model gives an
 * answer, the two answers must be equal. A share of comparable cases and of non-empty answers is demanded, so
 * that the test cannot pass by doing nothing; and it is shown once that a wrong answer is seen. */
#include "properties/model.h"
#include "properties/oracle_sqlite.h"
#include "properties/plain_memory.h"
#include "properties/property.h"
#include "properties/render_sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CASE_COUNT 6000

struct tally {
    uint32_t compared;
    uint32_t with_rows;
    uint32_t failed_evaluations;
    uint32_t unsupported;
};

static const char *sql_of(struct od_arena *arena, const struct od_case *test_case)
{
    const char *sql = NULL;
    assert_int_equal(od_render_sql(arena, test_case->plan, OD_DIALECT_ENGINE, &sql, NULL), OD_OK);
    return sql;
}

static void compare_case(struct od_oracle_sqlite *oracle, struct od_case *test_case, struct tally *tally)
{
    struct od_arena arena;
    struct od_answer modelled, answered;
    struct od_error error = {.text = ""};
    char text[1000];
    bool did_answer = false, equal = false;
    od_arena_init(&arena, test_case->memory, 0);
    enum od_status status = od_model_run(&arena, test_case->plan, &modelled, &error);
    if (status == OD_EVALUATION) {
        tally->failed_evaluations++;
    } else if (!od_sqlite_supports(test_case->plan, NULL)) {
        tally->unsupported++;
    } else {
        assert_int_equal(status, OD_OK);
        status = od_oracle_sqlite_load(oracle, &test_case->catalog, &error);
        if (status == OD_OK)
            status = od_oracle_sqlite_run(oracle, &arena, test_case->plan, &answered, &did_answer, &error);
        if (status != OD_OK)
            fail_msg("%s\n%s", error.text, sql_of(&arena, test_case));
        if (did_answer) {
            assert_int_equal(od_answer_compare(&arena, &modelled, &answered, OD_COMPARE_CLOSE, &equal, text,
                                               sizeof(text), &error),
                             OD_OK);
            if (!equal)
                fail_msg("%s\n%s", text, sql_of(&arena, test_case));
            tally->compared++;
            tally->with_rows += modelled.row_count > 0;
        }
    }
    od_arena_release(&arena);
}

static void model_and_sqlite_agree(void **state)
{
    struct od_memory memory = od_plain_memory();
    struct od_oracle_sqlite *oracle = od_oracle_sqlite_new(NULL);
    struct od_choices choices;
    struct tally tally = {0, 0, 0, 0};
    (void)state;
    assert_non_null(oracle);
    od_choices_init(&choices, &memory);
    for (uint64_t seed = 0; seed < CASE_COUNT; seed++) {
        struct od_case test_case;
        struct od_error error = {.text = ""};
        od_choices_from_seed(&choices, seed, "oracle_sqlite_test");
        const struct od_property *property = seed % 2 == 0 ? od_property_find("R2") : NULL;
        if (od_case_draw(&test_case, &memory, &choices, property, &error) != OD_OK)
            fail_msg("seed %d: %s", (int)seed, error.text);
        compare_case(oracle, &test_case, &tally);
        od_case_release(&test_case);
    }
    od_choices_release(&choices);
    od_oracle_sqlite_free(oracle);
    print_message("%u compared (%u with rows), %u unsupported, %u failing evaluations, of %d\n",
                  tally.compared, tally.with_rows, tally.unsupported, tally.failed_evaluations, CASE_COUNT);
    assert_true(tally.compared > CASE_COUNT / 3);
    assert_true(tally.with_rows > CASE_COUNT / 6);
    assert_true(tally.failed_evaluations > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(model_and_sqlite_agree)};
    return cmocka_run_group_tests_name("oracle_sqlite", tests, NULL, NULL);
}
