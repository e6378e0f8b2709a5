/* Goal: CSV text becomes exactly the rows it says, a mistake is reported at its line and column, and what we
 * write reads back.
 * Method: small texts with their expected rows or error position; drawn tables written and read again; real
 * files where they are present (folder in ORDEAL_DATA, else ../shared/data); every allocation refused once.
 */
#include "engine/io/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "engine/io/io_fixture.h"

static struct od_table *read_text(const char *text, const struct od_schema *schema)
{
    struct od_table *table = NULL;
    struct od_error error = {0};
    enum od_status status =
        od_csv_read(od_posix_memory(), "t", "t.csv", text, strlen(text), schema, &table, &error);
    if (status != OD_OK)
        fail_msg("%s", error.text);
    return table;
}

struct reading {
    const char *text;
    const char *described;
};

static const struct reading readings[] = {
    {"a\n", "a text"},
    {"a", "a text"},
    {"a,b\n1,2\n", "a bigint, b bigint\n1|2"},
    {"a,b\r\n1,x\r\n", "a bigint, b text\n1|x"},
    {"a,b\n1,2", "a bigint, b bigint\n1|2"},
    {"\xef\xbb\xbf"
     "a\n1\n",
     "a bigint\n1"},
    {"a,b\n1,\n,2\n", "a bigint?, b bigint?\n1|~\n~|2"},
    {"a,b\n,", "a text?, b text?\n~|~"},
    {"a\n\n1\n", "a bigint?\n~\n1"},
    {"a\n\"\"\n1\n", "a text\n\n1"},
    {"a\n\"x,y\"\n", "a text\nx,y"},
    {"a\n\"x\"\"y\"\n", "a text\nx\"y"},
    {"a\n\"\"\"\"\n", "a text\n\""},
    {"a,b\n\"x\ny\r\nz\",1\n", "a text, b bigint\nx\ny\r\nz|1"},
    {"\"a \"\"b\"\"\",c\n1,2\n", "a \"b\" bigint, c bigint\n1|2"},
    {"a\n\"12\"\n", "a bigint\n12"},
    {"zip\n00501\n12345\n", "zip text\n00501\n12345"},
    {"a\n+5\n", "a text\n+5"},
    {"a\n 5\n", "a text\n 5"},
    {"a\n-5\n0\n", "a bigint\n-5\n0"},
    {"a\n-0\n", "a double precision\n-0"},
    {"a\n1\n2.5\n", "a double precision\n1\n2.5"},
    {"a\n.5\n-1e3\n", "a double precision\n0.5\n-1000"},
    {"a\n5.\n", "a text\n5."},
    {"a\n01.5\n", "a text\n01.5"},
    {"a\n1e999\n", "a text\n1e999"},
    {"a\nNaN\nInfinity\n", "a double precision\nNaN\nInfinity"},
    {"a\nnan\n", "a text\nnan"},
    {"a\n9223372036854775807\n", "a bigint\n9223372036854775807"},
    {"a\n9223372036854775808\n", "a text\n9223372036854775808"},
    {"a\n9007199254740993\n0.5\n", "a text\n9007199254740993\n0.5"},
    {"a\ntrue\nfalse\n", "a boolean\nt\nf"},
    {"a\ntrue\n1\n", "a text\ntrue\n1"},
    {"a\nTrue\n", "a text\nTrue"},
    {"a\n2001-02-03\n", "a date\n2001-02-03"},
    {"a\n2001-2-3\n", "a text\n2001-2-3"},
    {"a\n2001-02-30\n", "a text\n2001-02-30"},
    {"a\n2001-02-03 04:05:06\n", "a timestamp\n2001-02-03 04:05:06"},
    {"a\n2001-02-03\n2001-02-03 04:05:06.5\n", "a timestamp\n2001-02-03 00:00:00\n2001-02-03 04:05:06.5"},
    {"a\n2001-02-03 \n", "a text\n2001-02-03 "},
    {"a\n2001-02-03 04:05:06Z\n", "a text\n2001-02-03 04:05:06Z"},
    {"a\n2001-02-03 04:05:06+00\n", "a text\n2001-02-03 04:05:06+00"},
    {"a\n2001-02-03 04:05:06-00:00\n", "a text\n2001-02-03 04:05:06-00:00"},
    {"a\n2001-02-03 4:5:6\n", "a text\n2001-02-03 4:5:6"},
    {"a\n2001-02-03 04:05\n", "a text\n2001-02-03 04:05"},
    {"a\n0044-03-15 BC\n0044-03-15 12:00:00.25 BC\n",
     "a timestamp\n0044-03-15 00:00:00 BC\n0044-03-15 12:00:00.25 BC"},
};

static void texts_become_tables(void **state)
{
    (void)state;
    struct od_buffer buffer;
    od_buffer_init(&buffer, od_posix_memory());
    for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        struct od_table *table = read_text(readings[i].text, NULL);
        assert_string_equal(described(table, &buffer), readings[i].described);
        od_table_free(od_posix_memory(), table);
    }
    od_buffer_release(&buffer);
}

struct mistake {
    const char *text;
    size_t size; /* 0: strlen */
    uint32_t line;
    uint32_t column;
    const char *says; /* part of the error text */
};

static const struct mistake mistakes[] = {
    {"", 0, 1, 1, "empty"},
    {"\xef\xbb\xbf", 0, 1, 1, "empty"},
    {"a,,c\n", 0, 1, 3, "column 2 has no name"},
    {"a,\"\"\n", 0, 1, 3, "column 2 has no name"},
    {"\n", 0, 1, 1, "column 1 has no name"},
    {"a,b,a\n1,2,3\n", 0, 1, 5, "\"a\" is also that of column 1"},
    {"a,b\n1\n", 0, 2, 2, "with 1 fields; expected 2"},
    {"a,b\n1,2\n\n", 0, 3, 1, "with 1 fields; expected 2"},
    {"a,b\n1,2,3\n", 0, 2, 5, "more than 2 fields"},
    {"a,b\n1,2\n\xc3\xa4\xe2\x82\xac,2,\n", 0, 3, 6, "more than 2 fields"},
    {"a\n\"x\n\ny", 0, 2, 1, "never ends"},
    {"a,b\n1,\"x\"\"\n", 0, 2, 3, "never ends"},
    {"a\n\"x\"y\n", 0, 2, 4, "after a closing quote"},
    {"a,b\n\"l1\nl2\" ,1\n", 0, 3, 4, "after a closing quote"},
    {"a\nx\"y\n", 0, 2, 2, "quote inside"},
    {"a\nx\ry\n", 0, 2, 2, "carriage return"},
    {"a\nx\r", 0, 2, 2, "carriage return"},
    {"a\nx\0y\n", 6, 2, 2, "NUL"},
    {"a\nxx\xff\n", 0, 2, 3, "0xff is not valid UTF-8"},
    {"a\n\xc3\xa4\xc3\n", 0, 2, 2, "0xc3 is not valid UTF-8"},
    {"a\n\xc0\x80\n", 0, 2, 1, "0xc0 is not valid UTF-8"},
    {"a\n\xed\xa0\x80\n", 0, 2, 1, "0xed is not valid UTF-8"},
    {"a\n\xf4\x90\x80\x80\n", 0, 2, 1, "0xf4 is not valid UTF-8"},
    {"a\n\xe2\x82", 0, 2, 1, "0xe2 is not valid UTF-8"},
};

static void check_mistake(const struct mistake *mistake, const struct od_schema *schema)
{
    size_t size = mistake->size != 0 ? mistake->size : strlen(mistake->text);
    struct od_table *table = (struct od_table *)(void *)&size;
    struct od_error error = {0};
    char *copy = malloc(size + 1); /* of the exact size, so that a sanitizer sees reads behind it */
    memcpy(copy, mistake->text, size);
    copy = realloc(copy, size > 0 ? size : 1);
    enum od_status status =
        od_csv_read(od_posix_memory(), "t", "dir/t.csv", copy, size, schema, &table, &error);
    free(copy);
    char place[64];
    snprintf(place, sizeof(place), "dir/t.csv:%u:%u: ", mistake->line, mistake->column);
    if (status != OD_BAD_INPUT || error.line != mistake->line || error.column != mistake->column ||
        strstr(error.text, mistake->says) == NULL || strncmp(error.text, place, strlen(place)) != 0)
        fail_msg("expected '%s%s', got '%s'", place, mistake->says, error.text);
    assert_null(table);
}

static void mistakes_are_placed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
        check_mistake(&mistakes[i], NULL);
}

static void too_many_columns_are_refused(void **state)
{
    (void)state;
    static char text[6 * 1700 + 1];
    for (unsigned i = 0; i < 1700; i++)
        snprintf(text + 6 * i, 7, "c%04u,", i);
    const struct mistake mistake = {text, 0, 1, 6 * 1600 + 1, "more than 1600 columns"};
    check_mistake(&mistake, NULL);
}

static void a_given_schema_is_kept_to(void **state)
{
    (void)state;
    static struct od_field fields[] = {{"a", OD_TYPE_TEXT, false}, {"b", OD_TYPE_FLOAT64, true}};
    static const struct od_schema schema = {2, fields};
    static const struct mistake wrong[] = {
        {"a,c\n1,2\n", 0, 1, 3, "column 2 is \"c\"; expected \"b\""},
        {"a\n1\n", 0, 1, 1, "a header of 1 columns; expected 2"},
        {"a,b\n1,2\n1,x;y\n", 0, 3, 3, "column \"b\": \"x;y\" is not a double precision"},
        {"a,b\n,2\n", 0, 2, 1, "column \"a\" is empty; expected a text"},
        {"a,b\nx,\"\"\n", 0, 2, 3, "column \"b\": \"\" is not a double precision"},
    };
    struct od_buffer buffer;
    od_buffer_init(&buffer, od_posix_memory());
    struct od_table *table = read_text("a,b\n1,2\n\"\",\n", &schema);
    assert_string_equal(described(table, &buffer), "a text, b double precision?\n1|2\n|~");
    od_table_free(od_posix_memory(), table);
    od_buffer_release(&buffer);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        check_mistake(&wrong[i], &schema);
}

/* --- writing -------------------------------------------------------------------------------------------- */

static void what_is_written_reads_back(void **state)
{
    (void)state;
    /* All types together, and each alone: there a NULL row is an empty line. */
    for (uint32_t only = 0; only <= DRAWN_FIELDS; only++) {
        struct od_schema schema = {only < DRAWN_FIELDS ? 1 : DRAWN_FIELDS,
                                   &drawn_fields[only % DRAWN_FIELDS]};
        struct od_batch_builder builder;
        struct od_buffer buffer;
        struct od_error error = {0};
        struct od_table *table = NULL;
        od_buffer_init(&buffer, od_posix_memory());
        draw_rows(&builder, &schema, only);
        struct od_batch batch = od_batch_builder_view(&builder);
        assert_int_equal(od_csv_write(&batch, &buffer, NULL), OD_OK);
        enum od_status status = od_csv_read(od_posix_memory(), "t", "written", od_buffer_text(&buffer),
                                            buffer.size, &schema, &table, &error);
        if (status != OD_OK)
            fail_msg("%s", error.text);
        struct od_batch again = od_table_view(table);
        assert_same_rows(&batch, &again);
        od_table_free(od_posix_memory(), table);
        od_batch_builder_release(&builder);
        od_buffer_release(&buffer);
    }
}

static void batches_without_columns_are_refused(void **state)
{
    (void)state;
    static const struct od_schema none = {0, NULL};
    struct od_batch batch = {.schema = &none, .row_count = 3};
    struct od_buffer buffer;
    struct od_error error;
    od_buffer_init(&buffer, od_posix_memory());
    assert_int_equal(od_csv_write(&batch, &buffer, &error), OD_UNSUPPORTED);
    od_buffer_release(&buffer);
}

static enum od_status read_and_write(struct od_memory *memory, void *context)
{
    const char *text = context;
    struct od_table *table = NULL;
    struct od_buffer buffer;
    od_buffer_init(&buffer, memory);
    enum od_status status = od_csv_read(memory, "t", "t.csv", text, strlen(text), NULL, &table, NULL);
    if (status == OD_OK) {
        struct od_batch view = od_table_view(table);
        status = od_csv_write(&view, &buffer, NULL);
    }
    od_assert(status == OD_OK || table != NULL || buffer.size == 0);
    od_table_free(memory, table);
    od_buffer_release(&buffer);
    return status;
}

static void every_refusal_is_survived(void **state)
{
    (void)state;
    static char text[] =
        "a,b,c\n1,\"quoted \"\"text\"\" that is copied\",\n2,x,2001-01-01\n3,,\n4,,\n5,,\n6,,\n"
        "7,,\n8,,\n9,,\n10,,\n11,,\n12,,\n13,,\n14,,\n15,,\n16,,\n17,,\n18,,\n19,,\n";
    assert_true(od_sweep(read_and_write, text) >= 8);
}

/* --- real files ----------------------------------------------------------------------------------------- */

struct real_file {
    const char *name;
    uint32_t row_count;
    const char *schema;
};

/* Row counts and meanings: the README beside the files. */
static const struct real_file real_files[] = {
    {"access_log.csv", 9999,
     "ts timestamp, client text, method text, path text, status bigint, bytes bigint?, referer text?, agent "
     "text?"},
    {"flights.csv", 20000,
     "departed timestamp, delay bigint, distance bigint, origin text, destination text"},
    {"airports.csv", 3376,
     "iata text, name text, city text, state text, country text, latitude double precision, longitude "
     "double "
     "precision"},
    {"sensors.csv", 51853, "sensor text, ts timestamp, value double precision"},
    {"sensor_info.csv", 7, "sensor text, kind text, unit text"},
};

/* The file's bytes, or NULL. The caller frees. */
static char *load(const char *folder, const char *name, size_t *size_out)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    fseek(file, 0, SEEK_END);
    *size_out = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size_out + 1);
    size_t got = fread(bytes, 1, *size_out, file);
    fclose(file);
    assert_int_equal(got, *size_out);
    return bytes;
}

static void check_real_file(const struct real_file *real, const char *bytes, size_t size)
{
    struct od_table *table = NULL;
    struct od_error error = {0};
    struct od_buffer buffer;
    od_buffer_init(&buffer, od_posix_memory());
    if (od_csv_read(od_posix_memory(), "t", real->name, bytes, size, NULL, &table, &error) != OD_OK)
        fail_msg("%s", error.text);
    assert_int_equal(od_table_row_count(table), real->row_count);
    const char *text = described(table, &buffer);
    size_t schema_size = strcspn(text, "\n");
    if (strlen(real->schema) != schema_size || strncmp(text, real->schema, schema_size) != 0)
        fail_msg("%s: inferred %.*s", real->name, (int)schema_size, text);

    struct od_batch view = od_table_view(table);
    struct od_table *again = NULL;
    od_buffer_reset(&buffer);
    assert_int_equal(od_csv_write(&view, &buffer, NULL), OD_OK);
    assert_int_equal(od_csv_read(od_posix_memory(), "t", "again", od_buffer_text(&buffer), buffer.size, NULL,
                                 &again, NULL),
                     OD_OK);
    struct od_batch again_view = od_table_view(again);
    struct od_hash128 left = od_batch_checksum(&view);
    struct od_hash128 right = od_batch_checksum(&again_view);
    assert_memory_equal(&left, &right, sizeof(left));
    od_table_free(od_posix_memory(), again);
    od_table_free(od_posix_memory(), table);
    od_buffer_release(&buffer);
}

static void real_files_are_read(void **state)
{
    (void)state;
    const char *folder = getenv("ORDEAL_DATA") != NULL ? getenv("ORDEAL_DATA") : "../shared/data";
    int read_count = 0;
    for (size_t i = 0; i < sizeof(real_files) / sizeof(real_files[0]); i++) {
        size_t size = 0;
        char *bytes = load(folder, real_files[i].name, &size);
        if (bytes == NULL) {
            print_message("%s/%s is not there: not tested\n", folder, real_files[i].name);
            continue;
        }
        check_real_file(&real_files[i], bytes, size);
        free(bytes);
        read_count++;
    }
    if (read_count == 0)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_tables),          cmocka_unit_test(mistakes_are_placed),
        cmocka_unit_test(too_many_columns_are_refused), cmocka_unit_test(a_given_schema_is_kept_to),
        cmocka_unit_test(what_is_written_reads_back),   cmocka_unit_test(batches_without_columns_are_refused),
        cmocka_unit_test(every_refusal_is_survived),    cmocka_unit_test(real_files_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
