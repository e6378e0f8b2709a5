/* Goal: the digest of an answer tells answers apart by rows, how often each comes, and column types, and by nothing else; what is shown
 * is the answer.
 * Method: tables from CSV, digests compared; standard output caught in a file. */
#include "harness/table_show.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/io/csv.h"
#include "engine/world/posix.h"

static struct od_table *table_of(const char *csv)
{
    struct od_table *table = NULL;
    struct od_error error = {0};
    enum od_status status = od_csv_read(od_posix_memory(), "t", "t", csv, strlen(csv), NULL, &table, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, OD_OK);
    return table;
}

static void digest_of(const char *csv, char hex[33])
{
    struct od_table *table = table_of(csv);
    od_table_digest(table, hex);
    assert_int_equal(strlen(hex), 32);
    assert_int_equal(strspn(hex, "0123456789abcdef"), 32);
    od_table_free(od_posix_memory(), table);
}

static void equal_answers_have_equal_digests(void **state)
{
    (void)state;
    char first[33];
    char again[33];
    digest_of("a,b\n1,x\n2,y\n3,\n", first);
    digest_of("a,b\n3,\n1,x\n2,y\n", again); /* a multiset: order is judged elsewhere */
    assert_string_equal(first, again);
}

static void other_answers_have_other_digests(void **state)
{
    (void)state;
    const char *const answers[] = {
        "a,b\n1,x\n2,y\n",      "a,b\n1,x\n2,z\n",      "a,b\n1,y\n2,x\n",       "a,b\n1,x\n",
        "a,b\n1,x\n2,y\n2,y\n", "a,b\n1,x\n1,x\n2,y\n", "a,b\n1.0,x\n2.0,y\n",   "a,b\n1,x\n2,\n",
        "a,b\n1,x\n2,\"\"\n",   "a,b\n0.0,x\n-0.5,y\n", "a,b\n-0.0,x\n-0.5,y\n", "a\n1\n2\n",
        "a,b\nx,1\ny,2\n",      "a,b\n1,x\n2,y\n,\n",
    };
    char digests[sizeof(answers) / sizeof(answers[0])][33];
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        digest_of(answers[i], digests[i]);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(digests[i], digests[k]);
    }
}

/* What od_table_show prints; free it. */
static char *shown(const char *csv, enum od_show_format format)
{
    struct od_error error = {0};
    struct od_table *table = table_of(csv);
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    FILE *file = tmpfile();
    assert_non_null(file);
    dup2(fileno(file), STDOUT_FILENO);
    enum od_status status = od_table_show(table, format, &error);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    assert_int_equal(status, OD_OK);
    long size = lseek(fileno(file), 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    rewind(file);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    fclose(file);
    od_table_free(od_posix_memory(), table);
    return text;
}

static void expect_shown(const char *csv, enum od_show_format format, const char *expected)
{
    char *text = shown(csv, format);
    assert_string_equal(text, expected);
    free(text);
}

static void csv_is_read_back_as_it_was(void **state)
{
    (void)state;
    expect_shown("a,b\n1,\"x,\"\"y\"\n2,\n3,\"\"\n", OD_SHOW_CSV, "a,b\n1,\"x,\"\"y\"\n2,\n3,\"\"\n");
    expect_shown("a\n", OD_SHOW_CSV, "a\n");
}

static void json_has_its_own_types(void **state)
{
    (void)state;
    expect_shown("n,d,t,b,x,day\n1,0.5,\"a\"\"b\",true,,2001-02-03\n", OD_SHOW_JSON,
                 "[\n{\"n\":1,\"d\":0.5,\"t\":\"a\\\"b\",\"b\":true,\"x\":null,\"day\":\"2001-02-03\"}\n]\n");
    expect_shown("n\n9007199254740993\n2\n", OD_SHOW_JSON, "[\n{\"n\":9007199254740993},\n{\"n\":2}\n]\n");
    expect_shown("n\n", OD_SHOW_JSON, "[\n]\n");
}

static void a_table_counts_its_rows(void **state)
{
    (void)state;
    char *text = shown("name,n\nx,1\nyy,22\n", OD_SHOW_TABLE);
    assert_non_null(strstr(text, "name"));
    assert_non_null(strstr(text, "yy"));
    assert_non_null(strstr(text, "22"));
    assert_non_null(strstr(text, "(2 rows)\n"));
    free(text);
    text = shown("n\n1\n", OD_SHOW_TABLE);
    assert_non_null(strstr(text, "(1 row)\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_answers_have_equal_digests),
        cmocka_unit_test(other_answers_have_other_digests),
        cmocka_unit_test(csv_is_read_back_as_it_was),
        cmocka_unit_test(json_has_its_own_types),
        cmocka_unit_test(a_table_counts_its_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
