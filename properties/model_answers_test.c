/* Goal: the model gives what a real PostgreSQL 15 gave, function by function.
 * Method: the calls and answers that the engine's functions are tested with (got from PostgreSQL by functions_corpus.py),
 * evaluated by the model. What the model refuses is counted, and may not be more than a few. */
#include "engine/data/interval.h"
#include "properties/model_parts.h"
#include "properties/plain_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ARGUMENTS_MAX 6
#define REFUSED_MAX   91u /* powers of numerics, casts of intervals, md5 */

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_model_answers_as_postgresql)};
    return cmocka_run_group_tests_name("model_answers", tests, NULL, NULL);
}
