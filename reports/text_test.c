/* Goal: text of any bytes becomes valid in each format; measures read well.
 * Method: known answers for each kind of ill-formed UTF-8; every short byte string through the cleaner and
 * back through an independent check (jansson, which refuses ill-formed UTF-8). */
#include "reports/fixture_test.h"
#include "reports/json_write.h"
#include "reports/text.h"

#include <jansson.h>

#define BAD "\xef\xbf\xbd"

static void ill_formed_bytes(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"plain", "plain"},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\x80", BAD},
        {"\xc0\xaf", BAD BAD},                 /* overlong '/' */
        {"\xed\xa0\x80", BAD BAD BAD},         /* a surrogate */
        {"\xf4\x90\x80\x80", BAD BAD BAD BAD}, /* above U+10FFFF */
        {"\xe2\x82", BAD BAD},                 /* cut off */
        {"\xc3", BAD},
    };
    struct od_arena arena;
    od_arena_init(&arena, &fixture_memory, 0);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_string_equal(od_text_clean(&arena, pairs[i][0]), pairs[i][1]);
    od_arena_release(&arena);
}

static void any_two_bytes_become_json(void **state)
{
    (void)state;
    struct od_buffer out;
    od_buffer_init(&out, &fixture_memory);
    for (unsigned pair = 0; pair < 65536; pair++) {
        char text[] = {(char)(pair >> 8 == 0 ? 'x' : pair >> 8), (char)pair, '\xe2', '\x80', '\xa8', '\0'};
        for (int inside_html = 0; inside_html < 2; inside_html++) {
            struct od_json json = {.out = &out, .inside_html = inside_html != 0};
            od_buffer_reset(&out);
            od_json_open(&json, NULL, '[');
            od_json_text(&json, NULL, text);
            od_json_close(&json, ']');
            json_t *parsed = json_loads(od_buffer_text(&out), 0, NULL);
            assert_non_null(parsed);
            json_decref(parsed);
            if (inside_html)
                assert_null(strpbrk(od_buffer_text(&out), "<>&"));
        }
    }
    od_buffer_release(&out);
}

static void json_layout(void **state)
{
    (void)state;
    struct od_buffer out;
    od_buffer_init(&out, &fixture_memory);
    struct od_json json = {.out = &out};
    od_json_open(&json, NULL, '{');
    od_json_text(&json, "a\"", "x\ny");
    od_json_text(&json, "none", NULL);
    od_json_open(&json, "list", '[');
    od_json_number(&json, NULL, UINT64_MAX);
    od_json_bool(&json, NULL, false);
    od_json_close(&json, ']');
    od_json_open(&json, "empty", '{');
    od_json_close(&json, '}');
    od_json_close(&json, '}');
    assert_string_equal(
        od_buffer_text(&out),
        "{\"a\\\"\":\"x\\ny\",\"none\":null,\"list\":[9223372036854775807,false],\"empty\":{}}");
    od_buffer_release(&out);
}

static void markup(void **state)
{
    (void)state;
    struct od_buffer out;
    od_buffer_init(&out, &fixture_memory);
    od_text_markup(&out, "<a href=\"x\">'&\x01\x1b\xff\xef\xbf\xbf\xc2\x85\t\n");
    assert_string_equal(od_buffer_text(&out),
                        "&lt;a href=&quot;x&quot;&gt;&#39;&amp;" BAD BAD BAD BAD BAD "\t\n");
    od_buffer_reset(&out);
    od_text_markup(&out, NULL);
    assert_int_equal(out.size, 0);
    od_buffer_release(&out);
}

static void measures(void **state)
{
    (void)state;
    assert_string_equal(od_measure_ns(0).text, "0");
    assert_string_equal(od_measure_ns(340).text, "340 ns");
    assert_string_equal(od_measure_ns(1240000).text, "1.24 ms");
    assert_string_equal(od_measure_ns(1500).text, "1.5 \xc2\xb5s");
    assert_string_equal(od_measure_ns(UINT64_C(2500000000)).text, "2.50 s");
    assert_string_equal(od_measure_ns(UINT64_C(125000000000)).text, "2 min 05 s");
    assert_string_equal(od_measure_ns(999999).text, "1 ms");
    assert_string_equal(od_measure_bytes(17).text, "17 B");
    assert_string_equal(od_measure_bytes(3250586).text, "3.1 MiB");
    assert_string_equal(od_measure_bytes(UINT64_MAX).text, "16.0 EiB");
    assert_string_equal(od_measure_count(0).text, "0");
    assert_string_equal(od_measure_count(999).text, "999");
    assert_string_equal(od_measure_count(12345).text, "12,345");
    assert_string_equal(od_measure_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
    assert_string_equal(od_measure_seconds(UINT64_C(1234567890)).text, "1.234567");
    assert_string_equal(od_measure_moment(0).text, "-");
    assert_string_equal(od_measure_moment(UINT64_C(1770091506000)).text, "2026-02-03 04:05:06 UTC");
    assert_int_equal(od_text_width("caf\xc3\xa9\xff"), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ill_formed_bytes), cmocka_unit_test(any_two_bytes_become_json),
        cmocka_unit_test(json_layout),      cmocka_unit_test(markup),
        cmocka_unit_test(measures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
