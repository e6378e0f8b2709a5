/* Goal: the model gives what a real PostgreSQL 15 gave, for scalar functions, aggregates and windows.
 * Method: the calls and answers that the engine is tested with (got from PostgreSQL once), evaluated by the model. What the
 * model refuses is counted, and may not be more than a few. */
#include "engine/data/interval.h"
#include "engine/op/aggregate_answers_test.h"
#include "engine/op/window_answers_test.h"
#include "properties/model.h"
#include "properties/model_parts.h"
#include "properties/plain_memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARGUMENTS_MAX 6
#define REFUSED_MAX   160u /* powers and logarithms of numerics, casts of intervals, md5 */

struct answered_call {
    const char *function;                 /* as od_function_text has it, or "cast" and a type */
    const char *arguments[ARGUMENTS_MAX]; /* "type:value", "type:null" */
    const char *type;                     /* of the result; "" for an error */
    const char *expected;                 /* as printed; "null"; "!error text" */
};
static const struct answered_call calls[] = {
#include "engine/expr/functions_corpus.txt"
};

static const struct od_expr *literal(struct od_arena *arena, const char *spelling)
{
    const struct od_expr *expr = NULL;
    for (unsigned type = 0; type < OD_TYPE_COUNT; type++) {
        size_t size = strlen(od_type_text((enum od_type)type));
        if (strncmp(spelling, od_type_text((enum od_type)type), size) != 0 || spelling[size] != ':')
            continue;
        const char *text = spelling + size + 1;
        struct od_value value = {.type = (enum od_type)type, .is_null = strcmp(text, "null") == 0};
        if (!value.is_null)
            assert_true(od_value_parse((enum od_type)type, text, (uint32_t)strlen(text), &value));
        assert_int_equal(od_expr_literal(arena, &value, &expr, NULL), OD_OK);
    }
    assert_non_null(expr);
    return expr;
}

/* NULL: the call has no such types here. */
static const struct od_expr *build(struct od_arena *arena, const struct answered_call *call)
{
    const struct od_expr *arguments[ARGUMENTS_MAX], *expr = NULL;
    uint32_t count = 0;
    for (; count < ARGUMENTS_MAX && call->arguments[count] != NULL; count++)
        arguments[count] = literal(arena, call->arguments[count]);
    for (unsigned type = 0; type < OD_TYPE_COUNT; type++)
        if (strncmp(call->function, "cast ", 5) == 0 &&
            strcmp(od_type_text((enum od_type)type), call->function + 5) == 0)
            assert_int_equal(od_expr_cast(arena, arguments[0], (enum od_type)type, &expr, NULL), OD_OK);
    for (unsigned function = 0; function < OD_FUNCTION_COUNT && expr == NULL; function++)
        if (strcmp(od_function_text((enum od_function)function), call->function) == 0)
            (void)od_expr_call(arena, (enum od_function)function, arguments, count, &expr, NULL);
    return expr;
}

/* What the model says, as the corpus writes it; any error is "!". */
static const char *answer(struct od_arena *arena, const struct od_expr *expr, bool *refused_out)
{
    struct od_error error = {.text = ""};
    const struct od_model model = {.arena = arena, .error = &error};
    struct od_value value, text;
    struct od_buffer buffer;
    enum od_status status = od_model_evaluate(&model, expr, NULL, &value);
    *refused_out = status == OD_UNSUPPORTED;
    if (status != OD_OK)
        return "!";
    if (value.is_null)
        return "null";
    if (value.type == OD_TYPE_BOOLEAN)
        return value.boolean ? "t" : "f";
    if (value.type != OD_TYPE_INTERVAL) {
        assert_int_equal(od_model_cast(&model, &value, OD_TYPE_TEXT, &text), OD_OK);
        return od_arena_copy_text(arena, text.text.bytes, text.text.size);
    }
    od_buffer_init(&buffer, arena->memory);
    assert_true(od_interval_print(&value.interval, &buffer));
    const char *printed = od_arena_copy_text(arena, od_buffer_text(&buffer), strlen(od_buffer_text(&buffer)));
    od_buffer_release(&buffer);
    return printed;
}

static void the_model_answers_as_postgresql(void **state)
{
    struct od_memory memory = od_plain_memory();
    uint32_t refused_count = 0, complaints = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        struct od_arena arena;
        bool refused = true;
        od_arena_init(&arena, &memory, 0);
        const struct od_expr *expr = build(&arena, &calls[i]);
        const char *seen = expr == NULL ? "" : answer(&arena, expr, &refused);
        refused_count += refused;
        const char *expected = calls[i].expected[0] == '!' ? "!" : calls[i].expected;
        if (!refused && strcmp(seen, expected) != 0) {
            print_error("%s(%s, %s, %s): %s, not %s\n", calls[i].function, calls[i].arguments[0],
                        calls[i].arguments[1], calls[i].arguments[2], calls[i].expected, seen);
            complaints++;
        }
        od_arena_release(&arena);
    }
    print_message("%u of %zu refused\n", refused_count, sizeof(calls) / sizeof(calls[0]));
    assert_int_equal(complaints, 0);
    assert_true(refused_count <= REFUSED_MAX);
}

/* --- aggregates and windows ----------------------------------------------------------------------------- */

static const struct od_expr *parsed(struct od_arena *arena, enum od_type type, const char *text,
                                    uint32_t size)
{
    const struct od_expr *expr = NULL;
    struct od_value value = {.type = type, .is_null = size == 4 && memcmp(text, "null", 4) == 0};
    if (!value.is_null)
        assert_true(od_value_parse(type, text, size, &value));
    assert_int_equal(od_expr_literal(arena, &value, &expr, NULL), OD_OK);
    return expr;
}

/* "1 2.5 a|2 null b", of types by letter. Rows that must stay in order have their number in front. */
static const struct od_plan *values_plan(struct od_arena *arena, const char *letters, const char *rows,
                                         bool is_numbered)
{
    static const char all[] = "biftsdjn"; /* in the order of enum od_type */
    struct od_field fields[5] = {{"number", OD_TYPE_INT64, true}};
    const struct od_expr *exprs[80];
    const struct od_plan *plan = NULL;
    uint32_t width = is_numbered, count = 0;
    for (; *letters != '\0'; letters++)
        fields[width++] = (struct od_field){"c", (enum od_type)(strchr(all, *letters) - all), true};
    while (*rows != '\0') {
        const struct od_value number = {.type = OD_TYPE_INT64, .int64 = count};
        if (is_numbered && count % width == 0)
            assert_int_equal(od_expr_literal(arena, &number, &exprs[count++], NULL), OD_OK);
        uint32_t size = (uint32_t)strcspn(rows, " |");
        exprs[count] = parsed(arena, fields[count % width].type, rows, size);
        count++;
        rows += size + (rows[size] != '\0');
    }
    const struct od_schema schema = {width, fields};
    assert_int_equal(od_plan_values(arena, &schema, exprs, count / width, &plan, NULL), OD_OK);
    return plan;
}

static const struct od_expr *column(struct od_arena *arena, const struct od_plan *plan, uint32_t index)
{
    const struct od_expr *expr = NULL;
    assert_int_equal(od_expr_column(arena, &plan->schema, index, &expr, NULL), OD_OK);
    return expr;
}

/* The last column of the plan's answer, row by row, as the tables write it. */
static const char *last_column(struct od_arena *arena, const struct od_plan *plan, const char *null_text)
{
    struct od_answer answer;
    struct od_value text;
    const char *line = "";
    enum od_status status = od_model_run(arena, plan, &answer, NULL);
    assert_true(status == OD_OK || status == OD_EVALUATION);
    for (uint32_t row = 0; status == OD_OK && row < answer.row_count; row++) {
        const struct od_value *value = &od_answer_row(&answer, row)[answer.column_count - 1];
        const char *cell = null_text;
        if (!value->is_null && value->type == OD_TYPE_BOOLEAN)
            cell = value->boolean ? "t" : "f";
        else if (!value->is_null) {
            const struct od_model model = {.arena = arena};
            assert_int_equal(od_model_cast(&model, value, OD_TYPE_TEXT, &text), OD_OK);
            cell = od_arena_copy_text(arena, text.text.bytes, text.text.size);
        }
        line = od_arena_print(arena, "%s%s%s", line, row == 0 ? "" : " ", cell);
    }
    return status == OD_OK ? line : "!";
}

/* Sums of doubles are rounded row by row there. */
static bool is_as_expected(const char *seen, const char *expected, bool is_double)
{
    if (expected[0] == '!')
        return seen[0] == '!';
    return strcmp(seen, expected) == 0 || (is_double && seen[0] != '!' && expected[0] != 'N' &&
                                           fabs(strtod(seen, NULL) / strtod(expected, NULL) - 1) < 1e-14);
}

static bool aggregate_agrees(struct od_arena *arena, const struct aggregate_answer *answer)
{
    const struct od_plan *input = values_plan(arena, answer->types, answer->rows, false), *plan = NULL;
    struct od_aggregate aggregate = {
        .function = answer->function, .distinct = answer->is_distinct, .name = "x"};
    uint32_t count = od_aggregate_argument_count(answer->function);
    enum od_type types[2] = {input->schema.fields[0].type, OD_TYPE_FLOAT64};
    aggregate.argument = column(arena, input, 0);
    if (input->schema.field_count > 1)
        aggregate.second = column(arena, input, 1);
    else if (count > 1) {
        const struct od_value fraction = {.type = OD_TYPE_FLOAT64, .float64 = answer->fraction};
        assert_int_equal(od_expr_literal(arena, &fraction, &aggregate.second, NULL), OD_OK);
    }
    types[1] = aggregate.second == NULL ? types[1] : aggregate.second->type;
    assert_true(od_aggregate_resolve(answer->function, count, types, &aggregate.type));
    if (types[0] != aggregate.argument->type)
        assert_int_equal(od_expr_cast(arena, aggregate.argument, types[0], &aggregate.argument, NULL), OD_OK);
    if (aggregate.second != NULL && types[1] != aggregate.second->type)
        assert_int_equal(od_expr_cast(arena, aggregate.second, types[1], &aggregate.second, NULL), OD_OK);
    const struct od_sort_key key = {aggregate.argument, false, false};
    aggregate.key_count = od_aggregate_is_within_group(answer->function);
    aggregate.keys = &key;
    assert_int_equal(od_plan_aggregate(arena, input, NULL, NULL, 0, &aggregate, 1, &plan, NULL), OD_OK);
    const char *seen = last_column(arena, plan, "NULL");
    bool agrees = is_as_expected(seen, answer->answer, aggregate.type == OD_TYPE_FLOAT64);
    if (!agrees)
        print_error("%s(%s): %s: %s, not %s\n", od_aggregate_text(answer->function), answer->types,
                    answer->rows, answer->answer, seen);
    return agrees;
}

static const struct od_expr *offset(struct od_arena *arena, enum od_frame_unit unit, enum od_type type,
                                    const char *text)
{
    bool is_time = type == OD_TYPE_DATE || type == OD_TYPE_TIMESTAMP;
    if (unit != OD_FRAME_RANGE)
        type = OD_TYPE_INT64;
    else if (is_time)
        type = OD_TYPE_INTERVAL;
    return text[0] == '\0' ? NULL : parsed(arena, type, text, (uint32_t)strlen(text));
}

static bool window_agrees(struct od_arena *arena, const struct window_answer *answer)
{
    const struct window_rows *rows = &window_rows[answer->rows];
    const struct od_plan *input = values_plan(arena, rows->types, rows->rows, true), *plan = NULL;
    const struct od_expr *partition = column(arena, input, 1), *arguments[3] = {NULL, NULL, NULL};
    const struct od_sort_key key = {column(arena, input, 2), rows->descending, rows->nulls_first};
    struct od_window_call call = {
        .function = answer->function, .aggregate = {.function = answer->aggregate}, .name = "w"};
    enum od_type types[3];
    for (const char *at = answer->arguments; *at != '\0'; call.argument_count++) {
        uint32_t size = (uint32_t)strcspn(at, " ");
        bool is_number = at[0] != 'v' && at[0] != 't';
        bool is_wide =
            answer->function == OD_WINDOW_AGGREGATE || call.argument_count == 0 || call.argument_count == 2;
        enum od_type type = is_wide && answer->function != OD_WINDOW_NTILE ? OD_TYPE_INT64 : OD_TYPE_INT32;
        const struct od_expr *argument =
            is_number ? parsed(arena, type, at, size) : column(arena, input, at[0] == 'v' ? 3 : 4);
        types[call.argument_count] = argument->type;
        arguments[call.argument_count] = argument;
        at += size + (at[size] == ' ');
    }
    call.frame = (struct od_window_frame){answer->unit,
                                          answer->start,
                                          answer->end,
                                          offset(arena, answer->unit, key.expr->type, answer->start_offset),
                                          offset(arena, answer->unit, key.expr->type, answer->end_offset),
                                          answer->exclusion};
    if (answer->function == OD_WINDOW_AGGREGATE) {
        call.aggregate.argument = arguments[0];
        call.aggregate.second = arguments[1];
        assert_true(
            od_aggregate_resolve(answer->aggregate, call.argument_count, types, &call.aggregate.type));
        call.argument_count = 0;
    } else {
        memcpy(call.arguments, arguments, sizeof(arguments));
    }
    assert_int_equal(od_plan_window(arena, input, &partition, 1, &key, 1, &call, 1, &plan, NULL), OD_OK);
    const char *seen = last_column(arena, plan, "null");
    bool agrees = is_as_expected(seen, answer->answer, false);
    if (!agrees)
        print_error("window answer %d: %s\n             not %s\n", (int)(answer - window_answers),
                    answer->answer, seen);
    return agrees;
}

static void aggregates_and_windows_too(void **state)
{
    struct od_memory memory = od_plain_memory();
    size_t aggregate_count = sizeof(aggregate_answers) / sizeof(aggregate_answers[0]);
    size_t window_count = sizeof(window_answers) / sizeof(window_answers[0]);
    uint32_t complaints = 0;
    (void)state;
    for (size_t i = 0; i < aggregate_count + window_count; i++) {
        struct od_arena arena;
        od_arena_init(&arena, &memory, 0);
        complaints += i < aggregate_count ? !aggregate_agrees(&arena, &aggregate_answers[i])
                                          : !window_agrees(&arena, &window_answers[i - aggregate_count]);
        od_arena_release(&arena);
    }
    print_message("%zu aggregates, %zu windows\n", aggregate_count, window_count);
    assert_int_equal(complaints, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_model_answers_as_postgresql),
                                       cmocka_unit_test(aggregates_and_windows_too)};
    return cmocka_run_group_tests_name("model_answers", tests, NULL, NULL);
}
