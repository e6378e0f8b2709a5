/* Goal: a kept file is read as it was given or not at all, whatever a crash of the machine made of it.
 * Method: a file of several parts is cut at every byte, and each of its sectors and bytes is set to zeros or changed. */
#include "harness/kept_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/world/posix.h"
#include "harness/file.h"

static char folder[] = "/tmp/kept_file_test_XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    bool made = mkdtemp(folder) != NULL;
    snprintf(path, sizeof(path), "%s/file", folder);
    return !made;
}

static int remove_folder(void **state)
{
    (void)state;
    return od_folder_remove(folder, NULL) != OD_OK;
}

/* What the file is read as. */
static enum od_status read_back(const void *expected, size_t size)
{
    struct od_kept_file file;
    enum od_status status = od_kept_open(folder, "file", &file, NULL);
    if (status == OD_OK) {
        assert_int_equal(file.reader.size, size);
        assert_memory_equal(file.reader.bytes, expected, size);
    }
    od_kept_close(&file);
    return status;
}

static void parts_come_back_together(void **state)
{
    const struct od_piece parts[] = {{"first", 5}, {"", 0}, {"and the second", 14}};
    (void)state;
    assert_int_equal(read_back("", 0), OD_MISSING);
    assert_int_equal(od_kept_put(folder, "file", parts, 3, false, NULL), OD_OK);
    assert_int_equal(read_back("firstand the second", 19), OD_OK);
    assert_int_equal(od_kept_put(folder, "file", parts, 1, true, NULL), OD_OK);
    assert_int_equal(read_back("first", 5), OD_OK);
    assert_int_equal(od_kept_put(folder, "file", NULL, 0, true, NULL), OD_OK);
    assert_int_equal(read_back("", 0), OD_OK);
    assert_int_equal(od_kept_put("/nowhere", "file", parts, 1, false, NULL), OD_IO);
}

static void what_was_damaged_is_refused(void **state)
{
    static uint8_t given[1300];
    static uint8_t damaged[2000];
    static const size_t sectors[] = {1, 512};
    struct od_buffer whole;
    (void)state;
    for (size_t i = 0; i < sizeof(given); i++)
        given[i] = (uint8_t)(i * 7 + 1);
    const struct od_piece parts[] = {{given, 4}, {given + 4, sizeof(given) - 4}};
    assert_int_equal(od_kept_put(folder, "file", parts, 2, false, NULL), OD_OK);
    od_buffer_init(&whole, od_posix_memory());
    assert_int_equal(od_file_read(path, &whole, NULL), OD_OK);
    assert_in_range(whole.size, sizeof(given) + 8, sizeof(damaged));
    for (size_t cut = 0; cut < whole.size; cut++) {
        assert_int_equal(od_file_write(path, whole.bytes, cut, NULL), OD_OK);
        assert_int_equal(read_back(given, sizeof(given)), OD_CORRUPT);
    }
    for (size_t s = 0; s < 2; s++) {
        for (size_t at = 0; at < whole.size; at += sectors[s]) {
            size_t end = at + sectors[s] < whole.size ? at + sectors[s] : whole.size;
            for (uint32_t change = 0; change < 2; change++) {
                memcpy(damaged, whole.bytes, whole.size);
                for (size_t i = at; i < end; i++)
                    damaged[i] = change == 0 ? 0 : damaged[i] ^ 64;
                bool is_changed = memcmp(damaged, whole.bytes, whole.size) != 0;
                assert_int_equal(od_file_write(path, damaged, whole.size, NULL), OD_OK);
                assert_int_equal(read_back(given, sizeof(given)), is_changed ? OD_CORRUPT : OD_OK);
            }
        }
    }
    od_buffer_release(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_come_back_together),
        cmocka_unit_test(what_was_damaged_is_refused),
    };
    return cmocka_run_group_tests_name("kept_file", tests, make_folder, remove_folder);
}
