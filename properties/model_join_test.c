/* Goal: the model joins as logical.h says, NULLs and all, whether the right side is a table or reads the left row.
 * Method: three left rows (1, 2, NULL) against two right ones (1, NULL), by each type of join; once as a JOIN on equality, once
 * as an APPLY whose right side filters by the left row, for which NULL = anything is no row at all. */
#include "properties/model.h"
#include "properties/plain_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NONE INT64_MIN /* NULL, in the lists below */

static struct od_memory memory;
static struct od_arena arena;

static int set_up(void **state)
{
    (void)state;
    memory = od_plain_memory();
    od_arena_init(&arena, &memory, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    od_arena_release(&arena);
    return 0;
}

static const struct od_plan *rows_of(const char *name, const int64_t *numbers, uint32_t count)
{
    struct od_field field = {name, OD_TYPE_INT64, true};
    const struct od_schema schema = {1, &field};
    const struct od_expr *exprs[4];
    const struct od_plan *plan = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct od_value value = {
            .type = OD_TYPE_INT64, .is_null = numbers[i] == NONE, .int64 = numbers[i]};
        assert_int_equal(od_expr_literal(&arena, &value, &exprs[i], NULL), OD_OK);
    }
    assert_int_equal(od_plan_values(&arena, &schema, exprs, count, &plan, NULL), OD_OK);
    return plan;
}

static const struct od_expr *equality(const struct od_expr *left, const struct od_expr *right)
{
    const struct od_expr *sides[2] = {left, right}, *expr = NULL;
    assert_int_equal(od_expr_call(&arena, OD_FUNCTION_EQUAL, sides, 2, &expr, NULL), OD_OK);
    return expr;
}

static const struct od_expr *column(const struct od_schema *schema, uint32_t index)
{
    const struct od_expr *expr = NULL;
    assert_int_equal(od_expr_column(&arena, schema, index, &expr, NULL), OD_OK);
    return expr;
}

static const struct od_plan *join(enum od_join_type type, const struct od_plan *left,
                                  const struct od_plan *right)
{
    struct od_schema schema;
    const struct od_plan *plan = NULL;
    assert_int_equal(od_plan_join_schema(&arena, left, right, &schema, NULL), OD_OK);
    const struct od_expr *condition = equality(column(&schema, 0), column(&schema, 1));
    assert_int_equal(od_plan_join(&arena, type, left, right, condition, &plan, NULL), OD_OK);
    return plan;
}

static const struct od_plan *apply(enum od_join_type type, const struct od_plan *left,
                                   const struct od_plan *right)
{
    const struct od_value truth = {.type = OD_TYPE_BOOLEAN, .boolean = true};
    const struct od_expr *outer = NULL, *condition = NULL;
    const struct od_plan *filtered = NULL, *plan = NULL;
    assert_int_equal(od_expr_outer(&arena, &left->schema.fields[0], 0, 1, &outer, NULL), OD_OK);
    assert_int_equal(
        od_plan_filter(&arena, right, equality(column(&right->schema, 0), outer), &filtered, NULL), OD_OK);
    assert_int_equal(od_expr_literal(&arena, &truth, &condition, NULL), OD_OK);
    assert_int_equal(od_plan_apply(&arena, type, left, filtered, condition, &plan, NULL), OD_OK);
    return plan;
}

/* "1,1 2,- -,-": rows apart by blanks, NULL as a dash; "!" for a failed evaluation, "?" for a refusal. */
static void answer_text(const struct od_plan *plan, char *text, size_t size)
{
    struct od_answer answer;
    enum od_status status = od_model_run(&arena, plan, &answer, NULL);
    snprintf(text, size, "%s", status == OD_OK ? "" : status == OD_EVALUATION ? "!" : "?");
    for (uint32_t row = 0; status == OD_OK && row < answer.row_count; row++)
        for (uint32_t i = 0; i < answer.column_count; i++) {
            const struct od_value *value = &od_answer_row(&answer, row)[i];
            char cell[24];
            if (value->type == OD_TYPE_BOOLEAN)
                snprintf(cell, sizeof(cell), "%s", value->boolean ? "t" : "f");
            else
                snprintf(cell, sizeof(cell), "%lld", (long long)value->int64);
            size_t used = strlen(text);
            snprintf(text + used, size - used, "%s%s",
                     i > 0     ? ","
                     : row > 0 ? " "
                               : "",
                     value->is_null ? "-" : cell);
        }
}

static void every_type_of_join(void **state)
{
    static const struct {
        enum od_join_type type;
        const char *joined, *applied;
    } rows[OD_JOIN_TYPE_COUNT] = {
        {OD_JOIN_INNER, "1,1", "1,1"},
        {OD_JOIN_LEFT, "1,1 2,- -,-", "1,1 2,- -,-"},
        {OD_JOIN_RIGHT, "1,1 -,-", NULL},
        {OD_JOIN_FULL, "1,1 2,- -,- -,-", NULL},
        {OD_JOIN_SEMI, "1", "1"},
        {OD_JOIN_ANTI, "2 -", "2 -"},
        {OD_JOIN_NULL_ANTI, "", "2 -"},
        {OD_JOIN_MARK, "1,t 2,- -,-", "1,t 2,f -,f"},
        {OD_JOIN_SINGLE, "1,1 2,- -,-", "1,1 2,- -,-"},
    };
    const struct od_plan *left = rows_of("a", (const int64_t[]){1, 2, NONE}, 3);
    const struct od_plan *right = rows_of("b", (const int64_t[]){1, NONE}, 2);
    char text[200];
    (void)state;
    for (size_t i = 0; i < OD_JOIN_TYPE_COUNT; i++) {
        assert_int_equal(rows[i].type, i);
        answer_text(join(rows[i].type, left, right), text, sizeof(text));
        assert_string_equal(text, rows[i].joined);
        if (rows[i].applied == NULL)
            continue;
        answer_text(apply(rows[i].type, left, right), text, sizeof(text));
        assert_string_equal(text, rows[i].applied);
    }
}

static void a_second_match_is_an_error(void **state)
{
    const struct od_plan *left = rows_of("a", (const int64_t[]){2, 1}, 2);
    const struct od_plan *right = rows_of("b", (const int64_t[]){1, 1}, 2);
    char text[200];
    (void)state;
    answer_text(join(OD_JOIN_SINGLE, left, right), text, sizeof(text));
    assert_string_equal(text, "!");
    answer_text(apply(OD_JOIN_SINGLE, left, right), text, sizeof(text));
    assert_string_equal(text, "!");
}

/* An APPLY in an APPLY: the inner right side reads the outer left row, which is two levels up. */
static void outer_rows_are_counted_from_inside(void **state)
{
    const struct od_plan *outermost = rows_of("a", (const int64_t[]){1, 2}, 2);
    const struct od_plan *middle = rows_of("b", (const int64_t[]){10, 20}, 2), *inner = NULL,
                         *filtered = NULL, *plan = NULL;
    const struct od_plan *right = rows_of("c", (const int64_t[]){1, 2, 3}, 3);
    const struct od_value truth = {.type = OD_TYPE_BOOLEAN, .boolean = true};
    const struct od_expr *outer = NULL, *condition = NULL;
    char text[200];
    (void)state;
    assert_int_equal(od_expr_literal(&arena, &truth, &condition, NULL), OD_OK);
    assert_int_equal(od_expr_outer(&arena, &outermost->schema.fields[0], 0, 2, &outer, NULL), OD_OK);
    assert_int_equal(
        od_plan_filter(&arena, right, equality(column(&right->schema, 0), outer), &filtered, NULL), OD_OK);
    assert_int_equal(od_plan_apply(&arena, OD_JOIN_INNER, middle, filtered, condition, &inner, NULL), OD_OK);
    assert_int_equal(od_plan_apply(&arena, OD_JOIN_INNER, outermost, inner, condition, &plan, NULL), OD_OK);
    answer_text(plan, text, sizeof(text));
    assert_string_equal(text, "1,10,1 1,20,1 2,10,2 2,20,2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_type_of_join, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_match_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(outer_rows_are_counted_from_inside, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("model_join", tests, NULL, NULL);
}
