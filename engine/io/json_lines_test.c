/* Goal: JSON lines become exactly the rows they say, a mistake is reported at its place, and what is written reads back.
 * Method: small texts with their rows or error position; drawn rows written and read again; every allocation refused once. */
#include "engine/io/json_lines.h"

#include "engine/core/sweep.h"
#include "engine/io/io_fixture.h"

static enum od_status read_text(const char *text, const struct od_schema *schema, struct od_table **table_out,
                                struct od_error *error)
{
    return od_json_lines_read(od_posix_memory(), "t", "t.json", text, strlen(text), schema, table_out, error);
}

static void texts_become_rows(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *described;
    } rows[] = {
        {"", ""},
        {"{}\n{ }", "\n"},
        {"{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n", "a bigint, b text\n1|x\n2|y"},
        {"{\"a\":1}\r\n\n{\"b\":2.5}", "a bigint?, b double precision?\n1|~\n~|2.5"},
        {" { \"a\" : true , \"b\" : null } \n{\"b\":false,\"a\":false}", "a boolean, b boolean?\nt|~\nf|f"},
        {"{\"a\":1}\n{\"a\":1.5}\n{\"a\":-0}", "a double precision\n1\n1.5\n-0"},
        {"{\"a\":9007199254740993}\n{\"a\":0.5}", "a text\n9007199254740993\n0.5"},
        {"{\"a\":99999999999999999999}", "a text\n99999999999999999999"},
        {"{\"a\":\"2020-01-31\"}\n{\"a\":null}", "a date?\n2020-01-31\n~"},
        {"{\"a\":\"2020-01-31\"}\n{\"a\":\"2020-01-31 10:00:00\"}",
         "a timestamp\n2020-01-31 00:00:00\n2020-01-31 10:00:00"},
        {"{\"a\":\"12\"}\n{\"a\":\"\"}", "a text\n12\n"},
        {"{\"a\":12}\n{\"a\":\"x\"}\n{\"a\":true}", "a text\n12\nx\ntrue"},
        {"{\"\":null}", " text?\n~"},
        {"{\"\\u0061\":\"\\\"\\\\\\/\\b\\n\\t\\u00e9\\ud83d\\ude00\"}",
         "a text\n\"\\/\b\n\t\xc3\xa9\xf0\x9f\x98\x80"},
        {"\xef\xbb\xbf{\"a\":1e2}", "a double precision\n100"},
    };
    struct od_buffer buffer;
    od_buffer_init(&buffer, od_posix_memory());
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_table *table;
        struct od_error error = {0};
        if (read_text(rows[i].text, NULL, &table, &error) != OD_OK)
            fail_msg("row %zu: %s", i, error.text);
        if (table->schema.field_count > 0)
            assert_string_equal(described(table, &buffer), rows[i].described);
        else
            assert_int_equal(od_table_row_count(table), i == 0 ? 0 : 2);
        od_table_free(od_posix_memory(), table);
    }
    od_buffer_release(&buffer);
}

static void a_schema_rules(void **state)
{
    (void)state;
    static struct od_field fields[] = {{"n", OD_TYPE_DECIMAL, true},
                                       {"i", OD_TYPE_INT32, true},
                                       {"f", OD_TYPE_FLOAT64, true},
                                       {"t", OD_TYPE_TEXT, true}};
    static const struct od_schema schema = {4, fields};
    struct od_buffer buffer;
    struct od_table *table;
    od_buffer_init(&buffer, od_posix_memory());
    assert_int_equal(
        read_text("{\"t\":1.50,\"n\":1.50}\n{\"n\":\"1e3\",\"f\":\"NaN\",\"i\":7}", &schema, &table, NULL),
        OD_OK);
    assert_string_equal(described(table, &buffer), "n numeric?, i integer?, f double precision?, t text?\n"
                                                   "1.50|~|~|1.50\n1000|7|NaN|~");
    od_table_free(od_posix_memory(), table);
    od_buffer_release(&buffer);
}

static void mistakes_have_a_place(void **state)
{
    (void)state;
    static struct od_field fields[] = {{"a", OD_TYPE_INT32, false}};
    static const struct od_schema schema = {1, fields};
    static const struct {
        const char *text;
        uint32_t line;
        uint32_t column;
        bool with_schema;
    } rows[] = {
        {"[1]", 1, 1, false},
        {"{\"a\":1}\n{\"a\":1", 2, 7, false},
        {"{\"a\":1} x", 1, 9, false},
        {"{\"a\":1}{\"a\":2}", 1, 8, false},
        {"{\"a\":1,}", 1, 8, false},
        {"{a:1}", 1, 2, false},
        {"{\"a\" 1}", 1, 6, false},
        {"{\"a\":[1]}", 1, 6, false},
        {"{\"a\":{}}", 1, 6, false},
        {"{\"a\":01}", 1, 6, false},
        {"{\"a\":1.}", 1, 6, false},
        {"{\"a\":1e}", 1, 6, false},
        {"{\"a\":+1}", 1, 6, false},
        {"{\"a\":NaN}", 1, 6, false},
        {"{\"a\":}", 1, 6, false},
        {"{\"a\":tru}", 1, 6, false},
        {"{\"a\":\"x", 1, 8, false},
        {"{\"a\":\"x\ty\"}", 1, 8, false},
        {"{\"a\":\"\\x\"}", 1, 9, false},
        {"{\"a\":\"\\u00\"}", 1, 11, false},
        {"{\"a\":\"\\u0000\"}", 1, 13, false},
        {"{\"a\":\"\\ud800\"}", 1, 13, false},
        {"{\"a\":\"\\ud800\\u0041\"}", 1, 19, false},
        {"{\"a\":\"\\udc00\"}", 1, 13, false},
        {"{\"a\":1,\"b\":2,\"a\":3}", 1, 14, false},
        {"{\"a\":\"\xff\"}", 1, 7, false},
        {"{\"b\":1}", 1, 2, true},
        {"{}", 1, 3, true},
        {"{\"a\":null}", 1, 6, true},
        {"{\"a\":2147483648}", 1, 6, true},
        {"{\"a\":\"x\"}", 1, 6, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_table *table;
        struct od_error error = {0};
        assert_int_equal(read_text(rows[i].text, rows[i].with_schema ? &schema : NULL, &table, &error),
                         OD_BAD_INPUT);
        assert_null(table);
        if (error.line != rows[i].line || error.column != rows[i].column)
            fail_msg("row %zu, wanted at %u:%u: %s", i, rows[i].line, rows[i].column, error.text);
    }
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    static const struct od_schema schema = {DRAWN_FIELDS, drawn_fields};
    struct od_batch_builder builder;
    struct od_buffer buffer;
    struct od_table *table;
    struct od_error error = {0};
    od_buffer_init(&buffer, od_posix_memory());
    draw_rows(&builder, &schema, 3);
    struct od_batch batch = od_batch_builder_view(&builder);
    assert_int_equal(od_json_lines_write(&batch, &buffer, NULL), OD_OK);
    if (read_text(od_buffer_text(&buffer), &schema, &table, &error) != OD_OK)
        fail_msg("%s", error.text);
    struct od_batch again = od_table_view(table);
    assert_same_rows(&batch, &again);
    od_table_free(od_posix_memory(), table);
    od_batch_builder_release(&builder);
    od_buffer_release(&buffer);
}

static enum od_status read_and_write(struct od_memory *memory, void *context)
{
    const char *text = context;
    struct od_table *table;
    struct od_buffer buffer;
    od_buffer_init(&buffer, memory);
    enum od_status status = od_json_lines_read(memory, "t", "t.json", text, strlen(text), NULL, &table, NULL);
    if (status == OD_OK) {
        struct od_batch view = od_table_view(table);
        status = od_json_lines_write(&view, &buffer, NULL);
    }
    od_table_free(memory, table);
    od_buffer_release(&buffer);
    return status;
}

static void every_refusal_is_survived(void **state)
{
    (void)state;
    static char text[] = "{\"key\":\"a\\nb\",\"b\":1}\n{\"key\":\"x\",\"c\":2.5}\n";
    assert_true(od_sweep(read_and_write, text) >= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_rows),         cmocka_unit_test(a_schema_rules),
        cmocka_unit_test(mistakes_have_a_place),     cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(every_refusal_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
