/* Goal: every function gives what PostgreSQL 15 gives, whichever way its arguments arrive. Method: a table of
 * calls and answers, got from PostgreSQL by functions_corpus.py. Each call is evaluated in every shape: each
 * argument as a literal or as a column, in batches of one row, of nine and of twenty, with NULL rows between,
 * through a selection or without, so that every loop of every kernel is walked. Rows that are not the case's
 * hold NULLs in all columns: they may not raise an error, and their bytes must be zero. */
#include "engine/expr/evaluate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "engine/data/bitmap.h"
#include "engine/expr/kernel.h"

#define ARGUMENTS_MAX 6

struct function_case {
    const char *function;                 /* as od_function_text has it, or "cast" and a type */
    const char *arguments[ARGUMENTS_MAX]; /* "type:value", "type:null" */
    const char *type;                     /* of the result; "" for an error */
    const char *expected;                 /* as printed; "null"; "!error text" */
};

static const struct function_case cases[] = {
#include "engine/expr/functions_corpus.txt"
    /* where we differ from PostgreSQL on purpose, or know better than to ask it: see README.md */
    {"lower", {"text:\xc3\x84"}, "text", "\xc3\x84"},
    {"upper", {"text:\xc3\xa4"}, "text", "\xc3\xa4"},
    {"repeat", {"text:abc", "integer:2147483647"}, "", "!requested length too large"},
    {"*",
     {"numeric:99999999999999999999", "numeric:99999999999999999999"},
     "",
     "!numeric out of range: more than 38 digits"},
    {"cast timestamp", {"date:5000000-01-01"}, "", "!date out of range for timestamp"},
    {"case", {"boolean:f", "integer:1", "boolean:t", "integer:2", "integer:3"}, "integer", "2"},
    {"case", {"boolean:null", "text:a", "text:c"}, "text", "c"},
    {"case", {"boolean:t", "date:null", "date:1970-01-01"}, "date", "null"},
    {"case", {"boolean:f", "integer:1", "numeric:2.50"}, "numeric", "2.50"},
    {"least", {"double precision:0", "double precision:-0"}, "double precision", "0"},
    {"greatest", {"double precision:-0", "double precision:0"}, "double precision", "-0"},
};

/* Says what is wrong with a case and goes on, so that one run shows all. */
static unsigned complaints;
static void complain(const struct function_case *function_case, const char *got)
{
    complaints++;
    print_error("%s(", function_case->function);
    for (uint32_t k = 0; k < ARGUMENTS_MAX && function_case->arguments[k] != NULL; k++)
        print_error("%s%s", k == 0 ? "" : ", ", function_case->arguments[k]);
    print_error("): %s, expected %s %s\n", got, function_case->type, function_case->expected);
}

/* --- values and expressions from their spelling --------------------------------------------------------- */

static struct od_value value_of(const char *spelling)
{
    for (unsigned type = 0; type < OD_TYPE_COUNT; type++) {
        size_t size = strlen(od_type_text((enum od_type)type));
        if (strncmp(spelling, od_type_text((enum od_type)type), size) != 0 || spelling[size] != ':')
            continue;
        const char *text = spelling + size + 1;
        struct od_value value = {.type = (enum od_type)type, .is_null = strcmp(text, "null") == 0};
        if (!value.is_null)
            assert_true(od_value_parse((enum od_type)type, text, (uint32_t)strlen(text), &value));
        return value;
    }
    fail_msg("no type in %s", spelling);
    return (struct od_value){0};
}

static uint32_t argument_count(const struct function_case *function_case)
{
    uint32_t count = 0;
    while (count < ARGUMENTS_MAX && function_case->arguments[count] != NULL)
        count++;
    return count;
}

/* OD_FUNCTION_COUNT and the type for a cast. */
static enum od_function function_of(const struct function_case *function_case, enum od_type *type_out)
{
    const char *name = function_case->function;
    for (unsigned function = 0; function < OD_FUNCTION_COUNT; function++)
        if (strcmp(od_function_text((enum od_function)function), name) == 0)
            return (enum od_function)function;
    for (unsigned type = 0; type < OD_TYPE_COUNT; type++) {
        *type_out = (enum od_type)type;
        if (strncmp(name, "cast ", 5) == 0 && strcmp(od_type_text(*type_out), name + 5) == 0)
            return OD_FUNCTION_COUNT;
    }
    fail_msg("no function %s", name);
    return OD_FUNCTION_COUNT;
}

/* The first argument of these names a field: it is a literal in any case. */
static bool names_field(const struct function_case *function_case)
{
    return strcmp(function_case->function, "extract") == 0 ||
           strncmp(function_case->function, "date_", 5) == 0;
}

/* Bit k of `as_columns`: argument k is column k, else a literal. */
static enum od_status build(const struct function_case *function_case, unsigned as_columns,
                            struct od_schema *schema, struct od_arena *arena, const struct od_expr **expr_out,
                            struct od_error *error)
{
    const struct od_expr *arguments[ARGUMENTS_MAX];
    uint32_t count = argument_count(function_case);
    enum od_status status = OD_OK;
    for (uint32_t k = 0; k < count && status == OD_OK; k++) {
        struct od_value value = value_of(function_case->arguments[k]);
        schema->fields[k] = (struct od_field){.name = "argument", .type = value.type, .nullable = true};
        schema->field_count = k + 1;
        if ((as_columns >> k & 1) != 0)
            status = od_expr_column(arena, schema, k, &arguments[k], NULL);
        else
            status = od_expr_literal(arena, &value, &arguments[k], NULL);
    }
    if (status != OD_OK)
        return status;
    enum od_type type = OD_TYPE_COUNT;
    enum od_function function = function_of(function_case, &type);
    if (function == OD_FUNCTION_COUNT)
        return od_expr_cast(arena, arguments[0], type, expr_out, error);
    return od_expr_call(arena, function, arguments, count, expr_out, error);
}

/* --- the shapes ----------------------------------------------------------------------------------------- */

struct shape {
    uint32_t row_count;
    uint32_t stride; /* every stride-th row is the case, the others are NULL */
    uint32_t first;  /* the first of them */
    bool selects;    /* the case's rows only, through a selection */
};
static const struct shape shapes[] = {
    {1, 1, 0, false},  {9, 1, 0, false},  {9, 2, 1, false}, {20, 1, 0, false},
    {20, 3, 0, false}, {20, 3, 2, false}, {20, 3, 1, true}, {9, 1, 0, true},
};

static enum od_status fill(const struct function_case *function_case, const struct shape *shape,
                           struct od_batch_builder *builder)
{
    for (uint32_t row = 0; row < shape->row_count; row++) {
        for (uint32_t k = 0; k < builder->schema->field_count; k++) {
            struct od_value value = value_of(function_case->arguments[k]);
            value.is_null |= row % shape->stride != shape->first;
            enum od_status status = od_batch_builder_append(builder, k, &value, NULL);
            if (status != OD_OK)
                return status;
        }
        od_batch_builder_end_row(builder);
    }
    return OD_OK;
}

static void check_value(const struct function_case *function_case, const struct od_column *column,
                        uint32_t row)
{
    struct od_buffer buffer;
    struct od_value value = od_column_value(column, row);
    od_buffer_init(&buffer, od_heap_for_tests());
    assert_true(od_value_print(&value, &buffer));
    const char *printed = value.is_null ? "null" : od_buffer_text(&buffer);
    if (strcmp(printed, function_case->expected) != 0)
        complain(function_case, printed);
    od_buffer_release(&buffer);
    if (!value.is_null && value.type == OD_TYPE_FLOAT64 && value.float64 != value.float64) {
        static const uint64_t only_nan =
            UINT64_C(0x7ff8000000000000); /* whatever the processor and compiler leave */
        assert_memory_equal(&value.float64, &only_nan, sizeof(only_nan));
    }
}

/* Values under a NULL are zero, and so are bits behind the last row. */
static void check_canonical(const struct od_column *column)
{
    uint32_t null_count = 0;
    for (uint32_t row = 0; row < column->row_count; row++) {
        if (!od_column_is_null(column, row))
            continue;
        null_count++;
        uint32_t width = od_type_width_bytes(column->type);
        static const uint8_t zeros[24];
        if (column->type == OD_TYPE_TEXT)
            assert_int_equal(column->offsets[row], column->offsets[row + 1]);
        else if (column->type == OD_TYPE_BOOLEAN)
            assert_false(od_bit(column->values, row));
        else
            assert_memory_equal((const uint8_t *)column->values + (size_t)row * width, zeros, width);
    }
    assert_true((null_count == 0) == (column->validity == NULL));
    uint32_t tail = (uint32_t)(od_bitmap_bytes(column->row_count) * 8);
    for (uint32_t bit = column->row_count; bit < tail; bit++) {
        assert_true(column->validity == NULL || !od_bit(column->validity, bit));
        assert_true(column->type != OD_TYPE_BOOLEAN || !od_bit(column->values, bit));
    }
}

static bool is_strict(const struct od_expr *expr)
{
    return expr->kind == OD_EXPR_CALL && od_function_style(expr->function) == OD_STYLE_STRICT;
}

/* Overloads that some case has come to. */
static bool overloads_seen[OD_FUNCTION_COUNT][16];

static enum od_status run_shape(const struct function_case *function_case, unsigned as_columns,
                                const struct shape *shape, struct od_memory *memory)
{
    struct od_field fields[ARGUMENTS_MAX];
    struct od_schema schema = {0, fields};
    struct od_arena arena;
    struct od_batch_builder builder = {0};
    const struct od_expr *expr = NULL;
    struct od_column column;
    struct od_error error = {0};
    uint32_t rows[32];
    struct od_selection selection = {.rows = shape->selects ? rows : NULL, .count = shape->row_count};
    od_arena_init(&arena, memory, 1); /* small chunks: most requests are allocations */
    enum od_status status = build(function_case, as_columns, &schema, &arena, &expr, &error);
    if (status == OD_OK && expr->kind == OD_EXPR_CALL)
        overloads_seen[expr->function][expr->overload] = true;
    if (status == OD_OK)
        status = od_batch_builder_init(&builder, memory, &schema, NULL);
    if (status == OD_OK)
        status = fill(function_case, shape, &builder);
    for (uint32_t row = shape->first, count = 0; shape->selects && row < shape->row_count;
         row += shape->stride) {
        rows[count++] = row;
        selection.count = count;
    }
    if (status == OD_OK) {
        struct od_batch batch = od_batch_builder_view(&builder);
        status = od_evaluate(expr, &batch, &selection, &arena, &column, &error);
    }
    if (function_case->expected[0] == '!' && status == OD_EVALUATION) {
        if (strcmp(error.text, function_case->expected + 1) != 0 || !expr->may_fail)
            complain(function_case, error.text);
        status = OD_OK;
    } else if (status == OD_OK) {
        if (function_case->expected[0] == '!' || strcmp(od_type_text(expr->type), function_case->type) != 0)
            complain(function_case, od_type_text(expr->type));
        assert_int_equal(column.type, expr->type);
        assert_int_equal(column.row_count, selection.count);
        check_canonical(&column);
        for (uint32_t i = 0; i < selection.count; i++) {
            if (shape->selects || i % shape->stride == shape->first || as_columns == 0)
                check_value(function_case, &column, i);
            else if (is_strict(expr))
                assert_true(od_column_is_null(&column, i));
        }
    }
    if (status != OD_OK && status != OD_NO_MEMORY)
        complain(function_case, error.text);
    od_batch_builder_release(&builder);
    od_arena_release(&arena);
    return status;
}

static void test_every_case_in_every_shape(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        unsigned mask_end = 1u << argument_count(&cases[c]);
        for (unsigned mask = 0; mask < mask_end; mask++) {
            if (names_field(&cases[c]) && (mask & 1) != 0)
                continue;
            for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
                unsigned before = complaints;
                run_shape(&cases[c], mask, &shapes[s], od_heap_for_tests());
                if (complaints > before)
                    mask = mask_end; /* the other shapes would say the same */
                if (complaints > before)
                    break;
            }
        }
    }
    assert_int_equal(complaints, 0);
}

/* Runs behind the cases. */
static void test_every_overload_has_a_case(void **state)
{
    (void)state;
    for (uint32_t function = 0; function < OD_FUNCTION_COUNT; function++) {
        const char *at = od_function_info((enum od_function)function)->signatures;
        struct od_signature signature;
        for (uint32_t overload = 0; od_signature_next(&at, &signature); overload++)
            if (!signature.is_refused && !overloads_seen[function][overload]) {
                complaints++;
                print_error("no case: %s, overload %u\n", od_function_text((enum od_function)function),
                            overload);
            }
    }
    assert_int_equal(complaints, 0);
}

static enum od_status sweep_body(struct od_memory *memory, void *context)
{
    static const struct shape shape = {1000, 2, 0,
                                       false}; /* so many rows that each request has its own chunk */
    const struct function_case *function_case = context;
    unsigned mask = names_field(function_case) ? 2 : (1u << argument_count(function_case)) - 1;
    return run_shape(function_case, mask, &shape, memory);
}

/* The same function of the same types, so that once is enough. */
static bool is_alike(const struct function_case *left, const struct function_case *right)
{
    bool alike = strcmp(left->function, right->function) == 0;
    for (uint32_t k = 0; alike && k < ARGUMENTS_MAX; k++) {
        const char *a = left->arguments[k] == NULL ? "" : left->arguments[k];
        const char *b = right->arguments[k] == NULL ? "" : right->arguments[k];
        alike = strcspn(a, ":") == strcspn(b, ":") && strncmp(a, b, strcspn(a, ":")) == 0;
    }
    return alike;
}

static void test_every_allocation_refused_once(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
        if (c == 0 || !is_alike(&cases[c], &cases[c - 1]))
            assert_true(od_sweep(sweep_body, (void *)&cases[c]) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_case_in_every_shape),
        cmocka_unit_test(test_every_overload_has_a_case),
        cmocka_unit_test(test_every_allocation_refused_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
