/* Goal: what was written is read back; what is malformed is refused at its line and column, saying what was
 * expected. Method: round trips through text and a real file; one mutilation per line of the format; every
 * allocation refused once. */
#include "properties/case_file.h"
#include "engine/core/sweep.h"
#include "properties/plain_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct od_case_file sample(uint8_t *choices, uint32_t size)
{
    struct od_case_file file;
    memset(&file, 0, sizeof(file));
    snprintf(file.property, sizeof(file.property), "F1");
    snprintf(file.found, sizeof(file.found), "H1");
    snprintf(file.engine, sizeof(file.engine), "reference");
    snprintf(file.bug, sizeof(file.bug), "lost_row");
    file.has_digest = true;
    file.digest = UINT64_C(0xfedcba9876543210);
    for (uint32_t i = 0; i < size; i++)
        choices[i] = (uint8_t)(i * 37);
    file.choices = choices;
    file.choices_bytes = size;
    return file;
}

static void assert_same(const struct od_case_file *left, const struct od_case_file *right)
{
    assert_string_equal(left->property, right->property);
    assert_string_equal(left->found, right->found);
    assert_string_equal(left->engine, right->engine);
    assert_string_equal(left->bug, right->bug);
    assert_int_equal(left->has_digest, right->has_digest);
    assert_true(left->digest == right->digest);
    assert_int_equal(left->pct_depth, right->pct_depth);
    assert_int_equal(left->schedule == NULL, right->schedule == NULL);
    if (left->schedule != NULL)
        assert_string_equal(left->schedule, right->schedule);
    assert_int_equal(left->choices_bytes, right->choices_bytes);
    assert_memory_equal(left->choices, right->choices, left->choices_bytes);
}

static void files_round_trip(void **state)
{
    static const uint32_t sizes[] = {0, 1, 31, 32, 33, 64, 1000};
    static char *const schedules[] = {NULL, "", "executor.crash at time=1ms executor=2\nheal at=2s\n"};
    struct od_memory memory = od_plain_memory();
    uint8_t choices[1000];
    char path[] = "/tmp/case_file_test_XXXXXX";
    (void)state;
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct od_case_file written = sample(choices, sizes[i]), read;
        written.has_digest = i % 2 == 0;
        written.digest = written.has_digest ? written.digest : 0;
        written.schedule = schedules[i % 3];
        written.pct_depth = (uint32_t)i;
        assert_int_equal(od_case_file_write(&memory, path, &written, "tables\nchoices 77\n", NULL), OD_OK);
        assert_int_equal(od_case_file_read(&memory, path, &read, NULL), OD_OK);
        assert_same(&written, &read);
        od_case_file_release(&memory, &read);
    }
    unlink(path);
}

static void files_that_cannot_be_had_are_told(void **state)
{
    struct od_memory memory = od_plain_memory();
    struct od_case_file file;
    struct od_error error = {.text = ""};
    uint8_t choices[1];
    (void)state;
    assert_int_equal(od_case_file_read(&memory, "/tmp/no/such/file.case", &file, &error), OD_MISSING);
    assert_non_null(strstr(error.text, "no/such/file.case"));
    struct od_case_file written = sample(choices, 1);
    assert_int_equal(od_case_file_write(&memory, "/tmp/no/such/file.case", &written, NULL, &error), OD_IO);
}

#define HEAD "ordeal case 1\nproperty F1\nfound F1\nengine reference\n"
static const struct {
    const char *text;
    uint32_t line;
    uint32_t column;
    const char *expected;
} malformed[] = {
    {"", 1, 1, "\"ordeal case 1\""},
    {"ordeal case 2\n", 1, 1, "\"ordeal case 1\""},
    {"ordeal case 1\nfound F1\n", 2, 1, "\"property\""},
    {"ordeal case 1\nproperty \n", 2, 10, "\"property\""},
    {"ordeal case 1\nproperty TOOLONGCODE\n", 2, 10, "\"property\""},
    {"ordeal case 1\nproperty F 1\n", 2, 11, "a printable character"},
    {"ordeal case 1\n\n# note\nproperty F1\nengine x\n", 5, 1, "\"found\""},
    {HEAD "digest 12\n", 5, 10, "16 hexadecimal digits"},
    {HEAD "digest 0123456789abcdefa\n", 5, 24, "the end of the line"},
    {HEAD "digest 0123456789ABCDEF\n", 5, 18, "16 hexadecimal digits"},
    {HEAD "pct 9\n", 5, 5, "up to 8"},
    {HEAD "schedule 1001\n", 5, 10, "up to 1000"},
    {HEAD "schedule 1\n", 6, 1, "one more line"},
    {HEAD "schedule 1\nheal at=1s\nheal at=2s\nchoices 0\n", 7, 1, "\"choices\""},
    {HEAD "---\n", 5, 1, "\"choices\""},
    {HEAD "choices x\n", 5, 9, "\"choices\""},
    {HEAD "choices 16385\n", 5, 9, "\"choices\""},
    {HEAD "choices 2\n0\n", 6, 2, "a hexadecimal digit"},
    {HEAD "choices 2\n0g\n", 6, 2, "a hexadecimal digit"},
    {HEAD "choices 2\n00\n", 7, 1, "more bytes"},
    {HEAD "choices 1\n0001\n", 6, 3, "more bytes than"},
    {HEAD "choices 1\n00\n01\n", 7, 1, "\"---\""},
};

static void malformed_files_are_refused_where_they_are_wrong(void **state)
{
    struct od_memory memory = od_plain_memory();
    (void)state;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        struct od_case_file file;
        struct od_error error = {.text = ""};
        const char *text = malformed[i].text;
        assert_int_equal(od_case_file_parse(&memory, "x.case", text, strlen(text), &file, &error),
                         OD_BAD_INPUT);
        if (error.line != malformed[i].line || error.column != malformed[i].column ||
            strstr(error.text, malformed[i].expected) == NULL)
            fail_msg("row %zu: \"%s\", wanted line %u, column %u, %s", i, error.text, malformed[i].line,
                     malformed[i].column, malformed[i].expected);
        assert_non_null(strstr(error.text, "x.case"));
        assert_null(file.choices);
    }
}

static void refused_memory_leaves_nothing_behind(void **state)
{
    struct od_memory plain = od_plain_memory();
    uint8_t choices[100];
    struct od_case_file written = sample(choices, 100);
    char path[] = "/tmp/case_file_sweep_XXXXXX";
    (void)state;
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    for (uint64_t k = 0;; k++) {
        struct od_countdown countdown;
        struct od_case_file read;
        memset(&read, 0, sizeof(read));
        od_countdown_init(&countdown, &plain, k, false);
        enum od_status status = od_case_file_write(&countdown.memory, path, &written, "text", NULL);
        if (status == OD_OK)
            status = od_case_file_read(&countdown.memory, path, &read, NULL);
        assert_int_equal(status, countdown.refused_count == 0 ? OD_OK : OD_NO_MEMORY);
        od_case_file_release(&countdown.memory, &read);
        assert_int_equal(countdown.live_block_count, 0);
        if (countdown.refused_count == 0)
            break;
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_round_trip),
        cmocka_unit_test(files_that_cannot_be_had_are_told),
        cmocka_unit_test(malformed_files_are_refused_where_they_are_wrong),
        cmocka_unit_test(refused_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("case_file", tests, NULL, NULL);
}
