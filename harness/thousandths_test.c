/* Goal: what people write is kept exactly or refused with the range; rows at a scale are whole and never none. Method: tables. */
#include "harness/thousandths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void numbers_are_exact_or_refused(void **state)
{
    static const struct {
        const char *text;
        uint64_t thousandths; /* 0: refused */
    } cases[] = {
        {"1", 1000},
        {"0.01", 10},
        {"0.001", 1},
        {"12.5", 12500},
        {"007", 7000},
        {"10000", 10000000},
        {"10000.001", 0},
        {"0.0001", 0},
        {"0", 0},
        {"0.000", 0},
        {"", 0},
        {".5", 0},
        {"-1", 0},
        {"1e3", 0},
        {"1x", 0},
        {" 1", 0},
        {"1.2.3", 0},
        {"nan", 0},
        {"1.", 1000},
        {"99999999999999999999", 0},
        {"1125899906842624000", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct od_error error = {0};
        uint64_t thousandths = 0;
        enum od_status status =
            od_thousandths_parse("--scale", cases[i].text, OD_SCALE_MIN, OD_SCALE_MAX, &thousandths, &error);
        if (cases[i].thousandths != 0) {
            assert_int_equal(status, OD_OK);
            assert_int_equal(thousandths, cases[i].thousandths);
        } else {
            if (status != OD_BAD_INPUT)
                fail_msg("'%s' is taken as %llu", cases[i].text, (unsigned long long)thousandths);
            assert_non_null(strstr(error.text, "from 0.001 to 10000"));
        }
    }
}

static void rows_are_whole_and_never_none(void **state)
{
    static const struct {
        uint64_t rows;
        uint64_t scale;
        uint64_t scaled;
    } cases[] = {{6000000, 10, 60000}, {6000000, 1, 6000}, {7, 1000, 7},
                 {7, 10000, 70},       {7, 500, 3},        {7, 1, 1},
                 {0, 10000000, 0},     {1999, 500, 999},   {100000000, OD_SCALE_MAX, 1000000000000}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(od_rows_at_scale(cases[i].rows, cases[i].scale), cases[i].scaled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_exact_or_refused),
        cmocka_unit_test(rows_are_whole_and_never_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
