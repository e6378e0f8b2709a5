/* Goal: the catalogue is whole: its signatures are well-formed, names lead to functions, casts and time fields are those of
 * PostgreSQL. Method: tables are walked, and compared with lists written down here. What each signature does is tried by
 * engine/expr/functions_test.c. */
#include "engine/plan/function.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void every_signature_is_well_formed(void **state)
{
    (void)state;
    for (uint32_t function = 0; function < OD_FUNCTION_COUNT; function++) {
        const char *at = od_function_info((enum od_function)function)->signatures;
        struct od_signature signature;
        uint32_t count = 0;
        for (; od_signature_next(&at, &signature); count++) {
            assert_true(strspn(signature.letters, "bilnftdsvTAxC") == signature.letter_count);
            assert_non_null(strchr("bilnftdsvT", signature.result));
            assert_false(signature.may_fail && signature.is_refused);
            assert_true(od_signature_takes_count(&signature, signature.letters[0] == 'C' ? 3 : signature.letter_count));
            assert_int_equal(od_signature_takes_count(&signature, signature.letter_count + 1), signature.repeats);
        }
        assert_int_equal(count == 0, function == OD_FUNCTION_CAST);
    }
}

static void functions_are_found_by_name(void **state)
{
    static const struct {
        const char *name;
        int function; /* OD_FUNCTION_COUNT: none */
    } names[] = {{"abs", OD_FUNCTION_ABS},          {"pow", OD_FUNCTION_POWER},        {"char_length", OD_FUNCTION_LENGTH},
                 {"substr", OD_FUNCTION_SUBSTRING}, {"position", OD_FUNCTION_STRPOS},  {"mod", OD_FUNCTION_MODULO},
                 {"and", OD_FUNCTION_COUNT},        {"numeric", OD_FUNCTION_COUNT},    {"", OD_FUNCTION_COUNT},
                 {"coalesce", OD_FUNCTION_COUNT},   {"random", OD_FUNCTION_COUNT}};
    enum od_function function;
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bool found = od_function_find(names[i].name, &function);
        assert_int_equal(found ? (int)function : OD_FUNCTION_COUNT, names[i].function);
    }
    for (uint32_t i = OD_FUNCTION_FIRST_CALLABLE; i < OD_FUNCTION_COUNT; i++) {
        assert_true(od_function_find(od_function_text((enum od_function)i), &function));
        assert_int_equal(function, i);
        assert_null(od_function_refusal(od_function_text(function)));
    }
    assert_string_equal(od_function_refusal("now"), "there is no clock: answers must be determinate");
    assert_string_equal(od_function_refusal("random"), "there is no chance: answers must be determinate");
    assert_non_null(od_function_refusal("to_char"));
    assert_null(od_function_refusal("to_"));
    assert_null(od_function_refusal(""));
}

static void every_cast_is_as_listed(void **state)
{
    /* boolean, bigint, double, text, timestamp, date, integer, numeric, interval, both ways. y can not fail, ! may fail, -
     * does not exist */
    static const char *const expected[] = {
        "y--y--y--", "-yyy--!y-", "-!yy--!!-", "!!!y!!!!!", "---yyy---", "---y!y---", "yyyy--yy-", "-!yy--!y-", "---y----y",
    };
    (void)state;
    for (uint32_t from = 0; from < OD_TYPE_COUNT; from++) {
        char row[OD_TYPE_COUNT + 1] = "";
        for (uint32_t to = 0; to < OD_TYPE_COUNT; to++) {
            bool may_fail = false;
            bool exists = od_cast_exists((enum od_type)from, (enum od_type)to, &may_fail);
            row[to] = !exists ? '-' : may_fail ? '!' : 'y';
        }
        assert_string_equal(row, expected[from]);
    }
}

static void time_fields_are_found_as_postgresql_finds_them(void **state)
{
    enum od_time_field field;
    (void)state;
    for (uint32_t i = 0; i < OD_TIME_FIELD_COUNT; i++) {
        const char *text = od_time_field_info((enum od_time_field)i)->text;
        assert_true(od_time_field_find(text, (uint32_t)strlen(text), &field));
        assert_int_equal(field, i);
    }
    assert_true(od_time_field_find("ms", 2, &field));
    assert_int_equal(field, OD_TIME_FIELD_MILLISECONDS);
    assert_true(od_time_field_find("YEARS", 5, &field));
    assert_int_equal(field, OD_TIME_FIELD_YEAR);
    assert_false(od_time_field_find("dows", 4, &field));
    assert_false(od_time_field_find("yea", 3, &field));
    assert_false(od_time_field_find("", 0, &field));
    assert_false(od_time_field_find("fortnight", 9, &field));
    assert_false(od_time_field_info(OD_TIME_FIELD_HOUR)->of_date);
    assert_false(od_time_field_info(OD_TIME_FIELD_DOW)->truncates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_signature_is_well_formed),
        cmocka_unit_test(functions_are_found_by_name),
        cmocka_unit_test(every_cast_is_as_listed),
        cmocka_unit_test(time_fields_are_found_as_postgresql_finds_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
