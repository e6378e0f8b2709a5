/* Goal: every function gives what PostgreSQL 15 gives, whichever way its arguments arrive. Method: a table of
 * calls and answers, written down from PostgreSQL's behaviour. Each call is evaluated in every shape: each
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

#define ARGUMENTS_MAX 5
#define CAST_TO(type) (OD_FUNCTION_COUNT + 1 + OD_TYPE_##type)

struct function_case {
    int function;                         /* enum od_function, or CAST_TO a type */
    const char *arguments[ARGUMENTS_MAX]; /* "type:value", "type:null" */
    const char *expected;                 /* as printed; "null"; "!error text" */
};

#define I   "bigint:"
#define F   "double precision:"
#define T   "text:"
#define B   "boolean:"
#define TS  "timestamp:"
#define D   "date:"
#define MIN "bigint:-9223372036854775808"
#define MAX "bigint:9223372036854775807"

static const struct function_case cases[] = {
    /* bigint */
    {OD_FUNCTION_ADD, {I "2", I "3"}, "5"},
    {OD_FUNCTION_ADD, {MAX, I "1"}, "!bigint out of range"},
    {OD_FUNCTION_ADD, {MAX, I "null"}, "null"},
    {OD_FUNCTION_SUBTRACT, {MIN, I "1"}, "!bigint out of range"},
    {OD_FUNCTION_SUBTRACT, {I "null", MIN}, "null"},
    {OD_FUNCTION_MULTIPLY, {I "3037000500", I "3037000500"}, "!bigint out of range"},
    {OD_FUNCTION_MULTIPLY, {I "-7", I "6"}, "-42"},
    {OD_FUNCTION_DIVIDE, {I "-7", I "2"}, "-3"},
    {OD_FUNCTION_DIVIDE, {I "7", I "0"}, "!division by zero"},
    {OD_FUNCTION_DIVIDE, {I "null", I "0"}, "null"},
    {OD_FUNCTION_DIVIDE, {MIN, I "-1"}, "!bigint out of range"},
    {OD_FUNCTION_DIVIDE, {I "5", I "-1"}, "-5"},
    {OD_FUNCTION_MODULO, {I "-7", I "3"}, "-1"},
    {OD_FUNCTION_MODULO, {I "7", I "-3"}, "1"},
    {OD_FUNCTION_MODULO, {MIN, I "-1"}, "0"},
    {OD_FUNCTION_MODULO, {I "7", I "0"}, "!division by zero"},
    {OD_FUNCTION_NEGATE, {I "7"}, "-7"},
    {OD_FUNCTION_NEGATE, {MIN}, "!bigint out of range"},
    {OD_FUNCTION_ABS, {I "-7"}, "7"},
    {OD_FUNCTION_ABS, {MIN}, "!bigint out of range"},
    /* double precision */
    {OD_FUNCTION_ADD, {F "0.1", F "0.2"}, "0.30000000000000004"},
    {OD_FUNCTION_ADD, {F "1.7e308", F "1.7e308"}, "!value out of range: overflow"},
    {OD_FUNCTION_ADD, {F "Infinity", F "1"}, "Infinity"},
    {OD_FUNCTION_ADD, {F "Infinity", F "-Infinity"}, "NaN"},
    {OD_FUNCTION_ADD, {I "1", F "0.5"}, "1.5"},
    {OD_FUNCTION_SUBTRACT, {F "-1.7e308", F "1.7e308"}, "!value out of range: overflow"},
    {OD_FUNCTION_MULTIPLY, {F "1e200", F "1e200"}, "!value out of range: overflow"},
    {OD_FUNCTION_MULTIPLY, {F "1e-200", F "1e-200"}, "!value out of range: underflow"},
    {OD_FUNCTION_MULTIPLY, {F "0", F "-5"}, "-0"},
    {OD_FUNCTION_MULTIPLY, {F "0", F "Infinity"}, "NaN"},
    {OD_FUNCTION_DIVIDE, {F "1", F "0"}, "!division by zero"},
    {OD_FUNCTION_DIVIDE, {F "Infinity", F "-0"}, "!division by zero"},
    {OD_FUNCTION_DIVIDE, {F "NaN", F "0"}, "NaN"},
    {OD_FUNCTION_DIVIDE, {F "1", F "Infinity"}, "0"},
    {OD_FUNCTION_DIVIDE, {F "1e-200", F "1e200"}, "!value out of range: underflow"},
    {OD_FUNCTION_DIVIDE, {F "1e200", F "1e-200"}, "!value out of range: overflow"},
    {OD_FUNCTION_DIVIDE, {F "1", F "4"}, "0.25"},
    {OD_FUNCTION_SUBTRACT, {F "Infinity", F "Infinity"}, "NaN"},
    {OD_FUNCTION_DIVIDE, {F "Infinity", F "-Infinity"}, "NaN"},
    {OD_FUNCTION_NEGATE, {F "0"}, "-0"},
    {OD_FUNCTION_NEGATE, {F "NaN"}, "NaN"},
    {OD_FUNCTION_ABS, {F "-2.5"}, "2.5"},
    {OD_FUNCTION_FLOOR, {F "-1.5"}, "-2"},
    {OD_FUNCTION_CEIL, {F "-1.5"}, "-1"},
    {OD_FUNCTION_ROUND, {F "2.5"}, "2"},
    {OD_FUNCTION_ROUND, {F "-3.5"}, "-4"},
    {OD_FUNCTION_SQRT, {F "2.25"}, "1.5"},
    {OD_FUNCTION_SQRT, {F "-0"}, "-0"},
    {OD_FUNCTION_SQRT, {F "-1"}, "!cannot take square root of a negative number"},
    /* dates as days */
    {OD_FUNCTION_ADD, {D "1969-12-31", I "1"}, "1970-01-01"},
    {OD_FUNCTION_ADD, {D "2024-02-28", MAX}, "!date out of range"},
    {OD_FUNCTION_SUBTRACT, {D "2024-03-01", I "1"}, "2024-02-29"},
    {OD_FUNCTION_SUBTRACT, {D "2024-03-01", MIN}, "!date out of range"},
    {OD_FUNCTION_SUBTRACT, {D "2024-03-01", D "2023-03-01"}, "366"},
    /* comparison */
    {OD_FUNCTION_EQUAL, {F "NaN", F "NaN"}, "t"},
    {OD_FUNCTION_EQUAL, {F "-0", F "0"}, "t"},
    {OD_FUNCTION_LESS, {F "-0", F "0"}, "f"},
    {OD_FUNCTION_LESS, {F "Infinity", F "NaN"}, "t"},
    {OD_FUNCTION_GREATER, {F "NaN", F "1"}, "t"},
    {OD_FUNCTION_GREATER_EQUAL, {F "NaN", F "NaN"}, "t"},
    {OD_FUNCTION_LESS_EQUAL, {F "NaN", F "1"}, "f"},
    {OD_FUNCTION_NOT_EQUAL, {F "NaN", F "NaN"}, "f"},
    {OD_FUNCTION_LESS, {MIN, MAX}, "t"},
    {OD_FUNCTION_LESS_EQUAL, {I "5", I "5"}, "t"},
    {OD_FUNCTION_GREATER, {I "5", I "5"}, "f"},
    {OD_FUNCTION_GREATER_EQUAL, {I "4", I "5"}, "f"},
    {OD_FUNCTION_NOT_EQUAL, {I "4", I "5"}, "t"},
    {OD_FUNCTION_EQUAL, {I "null", I "5"}, "null"},
    {OD_FUNCTION_LESS, {T "ab", T "abc"}, "t"},
    {OD_FUNCTION_LESS, {T "b", T "abc"}, "f"},
    {OD_FUNCTION_LESS, {T "z", T "\xc3\xa4"}, "t"},
    {OD_FUNCTION_EQUAL, {T "", T ""}, "t"},
    {OD_FUNCTION_NOT_EQUAL, {T "ab", T "abc"}, "t"},
    {OD_FUNCTION_GREATER, {B "t", B "f"}, "t"},
    {OD_FUNCTION_EQUAL, {B "f", B "f"}, "t"},
    {OD_FUNCTION_LESS, {D "1969-12-31", D "1970-01-01"}, "t"},
    {OD_FUNCTION_GREATER, {TS "2024-01-01 00:00:01", D "2024-01-01"}, "t"},
    {OD_FUNCTION_IS_DISTINCT, {I "1", I "null"}, "t"},
    {OD_FUNCTION_IS_DISTINCT, {I "null", I "null"}, "f"},
    {OD_FUNCTION_IS_DISTINCT, {T "a", T "a"}, "f"},
    {OD_FUNCTION_IS_NOT_DISTINCT, {F "NaN", F "NaN"}, "t"},
    {OD_FUNCTION_IS_NOT_DISTINCT, {I "0", I "null"}, "f"},
    {OD_FUNCTION_IS_NOT_DISTINCT, {T "null", T "null"}, "t"},
    {OD_FUNCTION_NULLIF, {I "1", I "1"}, "null"},
    {OD_FUNCTION_NULLIF, {I "1", I "2"}, "1"},
    {OD_FUNCTION_NULLIF, {T "a", T "null"}, "a"},
    {OD_FUNCTION_GREATEST, {I "1", I "null", I "3", I "2"}, "3"},
    {OD_FUNCTION_LEAST, {F "NaN", F "2", F "null"}, "2"},
    {OD_FUNCTION_LEAST, {F "0", F "-0"}, "0"},
    {OD_FUNCTION_GREATEST, {F "-0", F "0"}, "-0"},
    {OD_FUNCTION_GREATEST, {T "a", T "ab"}, "ab"},
    {OD_FUNCTION_GREATEST, {B "f", B "t"}, "t"},
    {OD_FUNCTION_LEAST, {I "null", I "null"}, "null"},
    /* logic */
    {OD_FUNCTION_AND, {B "t", B "t", B "t"}, "t"},
    {OD_FUNCTION_AND, {B "t", B "null"}, "null"},
    {OD_FUNCTION_AND, {B "null", B "f"}, "f"},
    {OD_FUNCTION_AND, {B "null", B "null"}, "null"},
    {OD_FUNCTION_OR, {B "f", B "f", B "f"}, "f"},
    {OD_FUNCTION_OR, {B "null", B "t"}, "t"},
    {OD_FUNCTION_OR, {B "f", B "null"}, "null"},
    {OD_FUNCTION_NOT, {B "t"}, "f"},
    {OD_FUNCTION_NOT, {B "f"}, "t"},
    {OD_FUNCTION_NOT, {B "null"}, "null"},
    {OD_FUNCTION_IS_NULL, {T "null"}, "t"},
    {OD_FUNCTION_IS_NULL, {T ""}, "f"},
    {OD_FUNCTION_IS_NOT_NULL, {F "NaN"}, "t"},
    {OD_FUNCTION_IS_NOT_NULL, {F "null"}, "f"},
    {OD_FUNCTION_IS_TRUE, {B "null"}, "f"},
    {OD_FUNCTION_IS_TRUE, {B "t"}, "t"},
    {OD_FUNCTION_IS_FALSE, {B "f"}, "t"},
    {OD_FUNCTION_IS_FALSE, {B "null"}, "f"},
    {OD_FUNCTION_CASE, {B "f", I "1", B "t", I "2", I "3"}, "2"},
    {OD_FUNCTION_CASE, {B "null", T "a", B "f", T "b", T "c"}, "c"},
    {OD_FUNCTION_CASE, {B "t", D "null", D "1970-01-01"}, "null"},
    {OD_FUNCTION_COALESCE, {I "null", I "null", I "7"}, "7"},
    {OD_FUNCTION_COALESCE, {T "", T "b"}, ""},
    {OD_FUNCTION_COALESCE, {B "null", B "null"}, "null"},
    /* text */
    {OD_FUNCTION_CONCATENATE, {T "ab", T "c"}, "abc"},
    {OD_FUNCTION_CONCATENATE, {T "", T "null"}, "null"},
    {OD_FUNCTION_CONCATENATE, {T "n=", I "5"}, "n=5"},
    {OD_FUNCTION_LOWER, {T "AZaz@[\xc3\x84"}, "azaz@[\xc3\x84"},
    {OD_FUNCTION_UPPER, {T "AZaz`{\xc3\xa4"}, "AZAZ`{\xc3\xa4"},
    {OD_FUNCTION_LENGTH, {T "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"}, "4"},
    {OD_FUNCTION_LENGTH, {T ""}, "0"},
    {OD_FUNCTION_SUBSTRING,
     {T "a\xc3\xa4\xe2\x82\xac"
        "b",
      I "2", I "2"},
     "\xc3\xa4\xe2\x82\xac"},
    {OD_FUNCTION_SUBSTRING, {T "hello", I "3"}, "llo"},
    {OD_FUNCTION_SUBSTRING, {T "hello", I "-1", I "4"}, "he"},
    {OD_FUNCTION_SUBSTRING, {T "hello", I "0", I "1"}, ""},
    {OD_FUNCTION_SUBSTRING, {T "hello", I "2", MAX}, "ello"},
    {OD_FUNCTION_SUBSTRING, {T "hello", MIN, MAX}, ""},
    {OD_FUNCTION_SUBSTRING, {T "hello", MIN}, "hello"},
    {OD_FUNCTION_SUBSTRING, {T "hello", I "9", I "2"}, ""},
    {OD_FUNCTION_SUBSTRING, {T "hello", I "2", I "-1"}, "!negative substring length not allowed"},
    {OD_FUNCTION_SUBSTRING, {T "null", I "2", I "-1"}, "null"},
    {OD_FUNCTION_LIKE, {T "abc", T "abc"}, "t"},
    {OD_FUNCTION_LIKE, {T "abc", T "a%"}, "t"},
    {OD_FUNCTION_LIKE, {T "abc", T "%b"}, "f"},
    {OD_FUNCTION_LIKE, {T "abc", T "a_c"}, "t"},
    {OD_FUNCTION_LIKE,
     {T "a\xe2\x82\xac"
        "c",
      T "a_c"},
     "t"},
    {OD_FUNCTION_LIKE,
     {T "a\xe2\x82\xac"
        "c",
      T "a__c"},
     "f"},
    {OD_FUNCTION_LIKE, {T "", T "%"}, "t"},
    {OD_FUNCTION_LIKE, {T "", T ""}, "t"},
    {OD_FUNCTION_LIKE, {T "a", T ""}, "f"},
    {OD_FUNCTION_LIKE, {T "", T "_"}, "f"},
    {OD_FUNCTION_LIKE, {T "aXbXc", T "%X%c"}, "t"},
    {OD_FUNCTION_LIKE, {T "aXbXc", T "%_X_"}, "t"},
    {OD_FUNCTION_LIKE, {T "mississippi", T "%iss%ip%i"}, "t"},
    {OD_FUNCTION_LIKE, {T "mississippi", T "%iss%ipi%i"}, "f"},
    {OD_FUNCTION_LIKE, {T "50%", T "50\\%"}, "t"},
    {OD_FUNCTION_LIKE, {T "50x", T "50\\%"}, "f"},
    {OD_FUNCTION_LIKE, {T "a\\b", T "a\\\\b"}, "t"},
    {OD_FUNCTION_LIKE, {T "ab", T "a\\"}, "!LIKE pattern must not end with escape character"},
    {OD_FUNCTION_LIKE, {T "ab", T "%\\"}, "!LIKE pattern must not end with escape character"},
    {OD_FUNCTION_LIKE, {T "xb", T "a\\"}, "f"},
    {OD_FUNCTION_LIKE, {T "", T "\\"}, "f"},
    {OD_FUNCTION_LIKE, {T "null", T "\\"}, "null"},
    /* casts */
    {CAST_TO(BOOLEAN), {I "-5"}, "t"},
    {CAST_TO(BOOLEAN), {I "0"}, "f"},
    {CAST_TO(INT64), {B "t"}, "1"},
    {CAST_TO(INT64), {F "2.5"}, "2"},
    {CAST_TO(INT64), {F "3.5"}, "4"},
    {CAST_TO(INT64), {F "-9223372036854775808"}, "-9223372036854775808"},
    {CAST_TO(INT64), {F "9223372036854775808"}, "!bigint out of range"},
    {CAST_TO(INT64), {F "NaN"}, "!bigint out of range"},
    {CAST_TO(FLOAT64), {MAX}, "9.223372036854776e+18"},
    {CAST_TO(INT64), {T " 42 "}, "42"},
    {CAST_TO(INT64), {T "4x"}, "!invalid input syntax for type bigint: \"4x\""},
    {CAST_TO(INT64), {T "null"}, "null"},
    {CAST_TO(FLOAT64), {T "1e3"}, "1000"},
    {CAST_TO(FLOAT64), {T ""}, "!invalid input syntax for type double precision: \"\""},
    {CAST_TO(BOOLEAN), {T "yes"}, "t"},
    {CAST_TO(DATE), {T "2024-02-29 23:59:59"}, "2024-02-29"},
    {CAST_TO(DATE), {T "1969-12-31 23:59:59"}, "1969-12-31"},
    {CAST_TO(DATE), {T "2024-02-30 10:00:00"}, "!invalid input syntax for type date: \"2024-02-30 10:00:00\""},
    {CAST_TO(DATE), {T "2024-02-30"}, "!invalid input syntax for type date: \"2024-02-30\""},
    {CAST_TO(DATE), {T "2024-02-29"}, "2024-02-29"},
    {CAST_TO(TIMESTAMP), {T "1969-12-31 23:59:59.5"}, "1969-12-31 23:59:59.5"},
    {CAST_TO(TEXT), {B "t"}, "true"},
    {CAST_TO(TEXT), {B "f"}, "false"},
    {CAST_TO(TEXT), {I "-5"}, "-5"},
    {CAST_TO(TEXT), {F "1e20"}, "1e+20"},
    {CAST_TO(TEXT), {D "2024-02-29"}, "2024-02-29"},
    {CAST_TO(TEXT), {TS "2024-02-29 01:02:03"}, "2024-02-29 01:02:03"},
    {CAST_TO(DATE), {TS "1969-12-31 23:59:59.999999"}, "1969-12-31"},
    {CAST_TO(DATE), {TS "1970-01-01 00:00:00"}, "1970-01-01"},
    {CAST_TO(TIMESTAMP), {D "1969-12-31"}, "1969-12-31 00:00:00"},
    {CAST_TO(TIMESTAMP), {D "5000000-01-01"}, "!date out of range for timestamp"},
    /* times */
    {OD_FUNCTION_EXTRACT, {T "year", TS "1969-12-31 23:59:59.9"}, "1969"},
    {OD_FUNCTION_EXTRACT, {T "year", D "0044-03-15 BC"}, "-44"},
    {OD_FUNCTION_EXTRACT, {T "quarter", D "2024-12-31"}, "4"},
    {OD_FUNCTION_EXTRACT, {T "month", TS "1969-12-31 23:59:59.9"}, "12"},
    {OD_FUNCTION_EXTRACT, {T "week", D "2021-01-03"}, "53"},
    {OD_FUNCTION_EXTRACT, {T "week", D "2021-01-04"}, "1"},
    {OD_FUNCTION_EXTRACT, {T "week", D "2018-12-31"}, "1"},
    {OD_FUNCTION_EXTRACT, {T "day", TS "1969-12-31 23:59:59.9"}, "31"},
    {OD_FUNCTION_EXTRACT, {T "hour", TS "1969-12-31 23:59:59.9"}, "23"},
    {OD_FUNCTION_EXTRACT, {T "minute", TS "1969-12-31 23:58:59.9"}, "58"},
    {OD_FUNCTION_EXTRACT, {T "second", TS "1969-12-31 23:59:59.9"}, "59"},
    {OD_FUNCTION_EXTRACT, {T "dow", D "1970-01-01"}, "4"},
    {OD_FUNCTION_EXTRACT, {T "dow", D "1969-12-28"}, "0"},
    {OD_FUNCTION_EXTRACT, {T "doy", D "2024-12-31"}, "366"},
    {OD_FUNCTION_EXTRACT, {T "epoch", TS "1969-12-31 23:59:59.9"}, "-1"},
    {OD_FUNCTION_EXTRACT, {T "epoch", D "1970-01-02"}, "86400"},
    {OD_FUNCTION_EXTRACT, {T "year", TS "null"}, "null"},
    {OD_FUNCTION_DATE_TRUNC, {T "year", TS "1969-06-01 12:00:00"}, "1969-01-01 00:00:00"},
    {OD_FUNCTION_DATE_TRUNC, {T "quarter", TS "2024-06-30 12:00:00"}, "2024-04-01 00:00:00"},
    {OD_FUNCTION_DATE_TRUNC, {T "month", TS "2024-06-30 12:00:00"}, "2024-06-01 00:00:00"},
    {OD_FUNCTION_DATE_TRUNC, {T "week", TS "1970-01-01 12:00:00"}, "1969-12-29 00:00:00"},
    {OD_FUNCTION_DATE_TRUNC, {T "day", TS "1969-12-31 23:59:59.9"}, "1969-12-31 00:00:00"},
    {OD_FUNCTION_DATE_TRUNC, {T "hour", TS "1969-12-31 23:59:59.9"}, "1969-12-31 23:00:00"},
    {OD_FUNCTION_DATE_TRUNC, {T "minute", TS "1969-12-31 23:58:59.9"}, "1969-12-31 23:58:00"},
    {OD_FUNCTION_DATE_TRUNC, {T "second", TS "1969-12-31 23:59:58.9"}, "1969-12-31 23:59:58"},
    {OD_FUNCTION_DATE_TRUNC, {T "month", TS "null"}, "null"},
};

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

/* The first argument of these names a field: it is a literal in any case. */
static bool names_field(const struct function_case *function_case)
{
    return function_case->function == OD_FUNCTION_EXTRACT ||
           function_case->function == OD_FUNCTION_DATE_TRUNC;
}

/* Bit k of `as_columns`: argument k is column k, else a literal. */
static enum od_status build(const struct function_case *function_case, unsigned as_columns,
                            struct od_schema *schema, struct od_arena *arena, const struct od_expr **expr_out)
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
    if (function_case->function > OD_FUNCTION_COUNT)
        return od_expr_cast(arena, arguments[0],
                            (enum od_type)(function_case->function - OD_FUNCTION_COUNT - 1), expr_out, NULL);
    return od_expr_call(arena, (enum od_function)function_case->function, arguments, count, expr_out, NULL);
}

/* --- the shapes ----------------------------------------------------------------------------------------- */

struct shape {
    uint32_t row_count;
    uint32_t stride; /* every stride-th row is the case, the others are NULL */
    bool selects;    /* the case's rows only, through a selection */
};
static const struct shape shapes[] = {
    {1, 1, false}, {9, 1, false}, {9, 2, false}, {20, 1, false}, {20, 3, false}, {20, 3, true}, {9, 1, true},
};

static enum od_status fill(const struct function_case *function_case, const struct shape *shape,
                           struct od_batch_builder *builder)
{
    for (uint32_t row = 0; row < shape->row_count; row++) {
        for (uint32_t k = 0; k < builder->schema->field_count; k++) {
            struct od_value value = value_of(function_case->arguments[k]);
            value.is_null |= row % shape->stride != 0;
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
        fail_msg("case %d: %s, expected %s", (int)(function_case - cases), printed, function_case->expected);
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
        static const uint8_t zeros[8];
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

static bool is_lazy_or_open(const struct function_case *function_case)
{
    return function_case->function < OD_FUNCTION_COUNT &&
           od_kernel_row((enum od_function)function_case->function)->kind != OD_KERNEL_STRICT;
}

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
    enum od_status status = build(function_case, as_columns, &schema, &arena, &expr);
    if (status == OD_OK)
        status = od_batch_builder_init(&builder, memory, &schema, NULL);
    if (status == OD_OK)
        status = fill(function_case, shape, &builder);
    for (uint32_t row = 0, count = 0; shape->selects && row < shape->row_count; row += shape->stride) {
        rows[count++] = row;
        selection.count = count;
    }
    if (status == OD_OK) {
        struct od_batch batch = od_batch_builder_view(&builder);
        status = od_evaluate(expr, &batch, &selection, &arena, &column, &error);
    }
    if (function_case->expected[0] == '!' && status == OD_EVALUATION) {
        assert_string_equal(error.text, function_case->expected + 1);
        assert_true(expr->may_fail);
        status = OD_OK;
    } else if (status == OD_OK) {
        assert_int_not_equal(function_case->expected[0], '!');
        assert_int_equal(column.type, expr->type);
        assert_int_equal(column.row_count, selection.count);
        check_canonical(&column);
        for (uint32_t i = 0; i < selection.count; i++) {
            if (shape->selects || i % shape->stride == 0 || as_columns == 0)
                check_value(function_case, &column, i);
            else if (!is_lazy_or_open(function_case))
                assert_true(od_column_is_null(&column, i));
        }
    }
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
                enum od_status status = run_shape(&cases[c], mask, &shapes[s], od_heap_for_tests());
                if (status != OD_OK)
                    fail_msg("case %zu, columns %u, shape %zu: %s", c, mask, s, od_status_text(status));
            }
        }
    }
}

static void test_every_function_has_a_case(void **state)
{
    (void)state;
    for (int function = 0; function < OD_FUNCTION_COUNT; function++) {
        bool found = function == OD_FUNCTION_CAST;
        for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
            found |= cases[c].function == function;
        if (!found)
            fail_msg("no case: %s", od_function_text((enum od_function)function));
    }
}

static enum od_status sweep_body(struct od_memory *memory, void *context)
{
    static const struct shape shape = {1000, 2, false}; /* so many rows that each request has its own chunk */
    const struct function_case *function_case = context;
    unsigned mask = names_field(function_case) ? 2 : (1u << argument_count(function_case)) - 1;
    return run_shape(function_case, mask, &shape, memory);
}

static void test_every_allocation_refused_once(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
        assert_true(od_sweep(sweep_body, (void *)&cases[c]) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_case_in_every_shape),
        cmocka_unit_test(test_every_function_has_a_case),
        cmocka_unit_test(test_every_allocation_refused_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
