/* Goal: an error says all it was given, is cut and never overrun, and every status has its own text.
 * Method: direct calls; a text far longer than the struct; a NULL error. */
#include "engine/core/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void errors_carry_their_text_and_place(void **state)
{
    (void)state;
    struct od_error error = {.injected = true};
    assert_int_equal(od_fail_at(&error, OD_BAD_INPUT, 3, 14, "reading %s", "x"), OD_BAD_INPUT);
    assert_int_equal(error.status, OD_BAD_INPUT);
    assert_int_equal(error.line, 3);
    assert_int_equal(error.column, 14);
    assert_false(error.injected);
    assert_string_equal(error.text, "reading x");
    assert_int_equal(od_fail(&error, OD_IO, "stage=%d", 1), OD_IO);
    assert_int_equal(error.line, 0);
    assert_string_equal(error.text, "stage=1");
    assert_int_equal(od_fail(NULL, OD_IO, "nobody listens"), OD_IO);
    assert_int_equal(od_fail_at(NULL, OD_IO, 1, 1, "nobody listens"), OD_IO);
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    struct od_error error;
    od_fail(&error, OD_IO, "%1000d", 1);
    assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
}

static void every_status_has_its_own_text(void **state)
{
    (void)state;
    for (int i = 0; i < OD_STATUS_COUNT; i++) {
        for (int k = 0; k < i; k++)
            assert_string_not_equal(od_status_text((enum od_status)i), od_status_text((enum od_status)k));
    }
    assert_non_null(od_status_text((enum od_status)1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_carry_their_text_and_place),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(every_status_has_its_own_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
