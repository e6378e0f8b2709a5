/* Goal: rows of every type come back from every format as they went in, and a file that is not what its name says is told.
 * Method: one table of all types with NULLs and extremes through each ending; Parquet where DuckDB's library is here (skipped,
 * and so reported, elsewhere), with files that DuckDB itself wrote with types of its own. */
#include "harness/table_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/core/buffer.h"
#include "engine/io/csv.h"
#include "engine/world/posix.h"
#include "harness/duckdb_library.h"
#include "harness/file.h"

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

static char folder[] = "/tmp/ordeal-table-file-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    return od_folder_remove(folder, NULL) != OD_OK;
}

static const char *path_of(const char *name)
{
    static char path[200];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static struct od_field fields[] = {
    {"b", OD_TYPE_BOOLEAN, true},    {"i", OD_TYPE_INT32, true}, {"l", OD_TYPE_INT64, true}, {"n", OD_TYPE_DECIMAL, true},
    {"d", OD_TYPE_FLOAT64, true},    {"t", OD_TYPE_TEXT, true},  {"day", OD_TYPE_DATE, true},
    {"at", OD_TYPE_TIMESTAMP, true},
};
static const struct od_schema schema = {COUNT_OF(fields), fields};
static const char rows_csv[] = "b,i,l,n,d,t,day,at\n"
                               "true,1,2,3.50,0.1,\"it's \"\"é\"\"\",2024-02-29,2024-02-29 12:34:56.789012\n"
                               ",,,,,,,\n"
                               "false,-2147483648,-9223372036854775808,-99999999999999999999999999999999999.99,"
                               "1.7976931348623157e308,\"\",1970-01-01,1969-12-31 23:59:59.999999\n";

static struct od_table *make_rows(void)
{
    struct od_table *table = NULL;
    assert_int_equal(
        od_csv_read(od_posix_memory(), "t", "rows", rows_csv, sizeof(rows_csv) - 1, &schema, &table, NULL), OD_OK);
    assert_int_equal(od_table_row_count(table), 3);
    return table;
}

static bool has_duckdb(void)
{
    struct od_duckdb *duckdb = NULL;
    bool has = od_duckdb_open(&duckdb, NULL) == OD_OK;
    od_duckdb_close(duckdb);
    return has;
}

static void write_rows(const char *name)
{
    struct od_error error = {0};
    struct od_table *table = make_rows();
    struct od_batch rows = od_table_view(table);
    if (od_table_file_write(od_posix_memory(), &rows, path_of(name), &error) != OD_OK)
        fail_msg("%s: %s", name, error.text);
    od_table_free(od_posix_memory(), table);
}

/* The rows as CSV again: what one sees of them. */
static void expect_rows(const struct od_table *table, const char *expected)
{
    struct od_buffer text;
    struct od_batch rows = od_table_view(table);
    od_buffer_init(&text, od_posix_memory());
    assert_int_equal(od_csv_write(&rows, &text, NULL), OD_OK);
    assert_string_equal(od_buffer_text(&text), expected);
    od_buffer_release(&text);
}

static void text_formats_give_the_rows_back(void **state)
{
    (void)state;
    static const char *const names[] = {"t.csv", "t.jsonl", "t.ndjson", "t", "t.other"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct od_table *table = NULL;
        write_rows(names[i]);
        assert_int_equal(od_table_file_read(od_posix_memory(), "t", path_of(names[i]), &table, NULL), OD_OK);
        assert_int_equal(od_table_row_count(table), 3);
        assert_string_equal(table->name, "t");
        struct od_value value = od_column_value(&od_table_view(table).columns[5], 0);
        assert_int_equal(value.text.size, strlen("it's \"é\""));
        assert_memory_equal(value.text.bytes, "it's \"é\"", value.text.size);
        od_table_free(od_posix_memory(), table);
    }
}

static void parquet_gives_rows_and_types_back(void **state)
{
    (void)state;
    struct od_table *table = NULL;
    struct od_table *original = make_rows();
    struct od_buffer expected;
    struct od_batch rows = od_table_view(original);
    if (!has_duckdb()) {
        od_table_free(od_posix_memory(), original);
        skip();
    }
    od_buffer_init(&expected, od_posix_memory());
    assert_int_equal(od_csv_write(&rows, &expected, NULL), OD_OK);
    write_rows("it's.parquet");
    assert_int_equal(od_table_file_read(od_posix_memory(), "t", path_of("it's.parquet"), &table, NULL), OD_OK);
    for (uint32_t i = 0; i < schema.field_count; i++) {
        assert_int_equal(table->schema.fields[i].type, fields[i].type);
        assert_string_equal(table->schema.fields[i].name, fields[i].name);
    }
    expect_rows(table, od_buffer_text(&expected));
    od_table_free(od_posix_memory(), table);
    od_table_free(od_posix_memory(), original);
    od_buffer_release(&expected);
}

/* More rows than one of DuckDB's chunks has, none, and one column. */
static void parquet_of_many_rows(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 1, 2048, 2049, 70000};
    struct od_field number = {"x", OD_TYPE_INT64, true};
    struct od_schema one = {1, &number};
    if (!has_duckdb())
        skip();
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        struct od_table *table = od_table_new(od_posix_memory(), "t", &one, NULL), *back = NULL;
        int64_t sum = 0;
        for (uint32_t row = 0; row < counts[i]; row++) {
            struct od_value value = {.type = OD_TYPE_INT64, .is_null = row % 7 == 3, .int64 = row * 3};
            assert_int_equal(od_batch_builder_append(&table->rows, 0, &value, NULL), OD_OK);
            od_batch_builder_end_row(&table->rows);
        }
        od_table_finish(table);
        struct od_batch rows = od_table_view(table);
        assert_int_equal(od_table_file_write(od_posix_memory(), &rows, path_of("n.parquet"), NULL), OD_OK);
        assert_int_equal(od_table_file_read(od_posix_memory(), "t", path_of("n.parquet"), &back, NULL), OD_OK);
        struct od_batch read = od_table_view(back);
        assert_int_equal(read.row_count, counts[i]);
        for (uint32_t row = 0; row < counts[i]; row++) {
            struct od_value value = od_column_value(&read.columns[0], row);
            assert_int_equal(value.is_null, row % 7 == 3);
            sum += value.is_null ? 0 : value.int64 - row * 3;
        }
        assert_int_equal(sum, 0);
        od_table_free(od_posix_memory(), table);
        od_table_free(od_posix_memory(), back);
    }
}

/* DuckDB writes a file of `select`; we read it. */
static enum od_status read_select(const char *select, struct od_table **table_out, struct od_error *error)
{
    char sql[500];
    struct od_duckdb *duckdb = NULL;
    struct duckdb_result result = {0};
    assert_int_equal(od_duckdb_open(&duckdb, NULL), OD_OK);
    snprintf(sql, sizeof(sql), "COPY (%s) TO '%s' (FORMAT parquet)", select, path_of("d.parquet"));
    assert_int_equal(duckdb->query(duckdb->connection, sql, &result), 0);
    duckdb->destroy_result(&result);
    od_duckdb_close(duckdb);
    return od_table_file_read(od_posix_memory(), "t", path_of("d.parquet"), table_out, error);
}

static void types_of_other_writers(void **state)
{
    (void)state;
    static const struct {
        const char *select;
        const char *csv;   /* NULL: refused */
        const char *error; /* then: words of the text */
    } cases[] = {
        {"SELECT 1::utinyint AS a, 2::float AS b, 3.25::decimal(5,2) AS c", "a,b,c\n1,2,3.25\n", NULL},
        {"SELECT 18446744073709551615::ubigint AS a", "a\n18446744073709551615\n", NULL},
        {"SELECT 'x' AS a FROM range(3)", "a\nx\nx\nx\n", NULL},
        {"SELECT [1, 2] AS a", NULL, "format"},
        {"SELECT {'x': 1} AS a", NULL, "format"},
        {"SELECT interval 3 days AS a", NULL, "format"},
    };
    if (!has_duckdb())
        skip();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct od_error error = {0};
        struct od_table *table = NULL;
        enum od_status status = read_select(cases[i].select, &table, &error);
        if (cases[i].csv == NULL) {
            if (status != OD_UNSUPPORTED)
                fail_msg("%s: %d %s", cases[i].select, status, error.text);
            assert_null(table);
            continue;
        }
        if (status != OD_OK)
            fail_msg("%s: %s", cases[i].select, error.text);
        expect_rows(table, cases[i].csv);
        od_table_free(od_posix_memory(), table);
    }
}

static void mistakes_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *bytes; /* NULL: there is no such file */
        enum od_status status;
    } cases[] = {
        {"none.csv", NULL, OD_MISSING},
        {"none.parquet", NULL, OD_MISSING},
        {"broken.jsonl", "{\"a\": 1}\n{\"a\": \n", OD_BAD_INPUT},
        {"broken.parquet", "PAR1 is not enough", OD_BAD_INPUT},
        {"empty.parquet", "", OD_BAD_INPUT},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct od_error error = {0};
        struct od_table *table = NULL;
        const char *path = path_of(cases[i].name);
        if (strstr(path, ".parquet") != NULL && !has_duckdb())
            continue;
        if (cases[i].bytes != NULL)
            assert_int_equal(od_file_write(path, cases[i].bytes, strlen(cases[i].bytes), NULL), OD_OK);
        assert_int_equal(od_table_file_read(od_posix_memory(), "t", path, &table, &error), cases[i].status);
        assert_null(table);
        assert_non_null(strstr(error.text, cases[i].name));
    }
}

static void without_the_library_the_text_says_how_to_get_it(void **state)
{
    (void)state;
    struct od_error error = {0};
    struct od_table *table = NULL;
    assert_int_equal(od_file_write(path_of("x.parquet"), "x", 1, NULL), OD_OK);
    const char *before = getenv("ORDEAL_DUCKDB");
    char *kept = before == NULL ? NULL : strdup(before);
    setenv("ORDEAL_DUCKDB", "/nowhere/libduckdb.so", 1);
    assert_int_equal(od_table_file_read(od_posix_memory(), "t", path_of("x.parquet"), &table, &error), OD_MISSING);
    assert_non_null(strstr(error.text, "ci/install engines"));
    if (kept == NULL)
        unsetenv("ORDEAL_DUCKDB");
    else
        setenv("ORDEAL_DUCKDB", kept, 1);
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_formats_give_the_rows_back),
        cmocka_unit_test(parquet_gives_rows_and_types_back),
        cmocka_unit_test(parquet_of_many_rows),
        cmocka_unit_test(types_of_other_writers),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(without_the_library_the_text_says_how_to_get_it),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
