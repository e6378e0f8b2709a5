/* Goal: a file is there whole or not at all, and can be read while it is replaced; dead writers leave nothing for long.
 * Method: a folder of our own; files of many parts; a folder that is not there, or a file that can't be made; a child that dies in
 * the middle of writing. */
#include "engine/world/posix_map.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/ordeal-map-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static uint32_t count_files(void)
{
    uint32_t count = 0;
    DIR *all = opendir(folder);
    for (struct dirent *entry = readdir(all); entry != NULL; entry = readdir(all))
        count += entry->d_name[0] != '.';
    closedir(all);
    return count;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void remove_file(const char *name)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(unlink(path), 0);
}

static void files_are_put_and_mapped(void **state)
{
    const struct od_piece parts[] = {{"one ", 4}, {"", 0}, {"two", 3}};
    struct od_piece old;
    struct od_piece new;
    struct od_error error;
    (void)state;
    assert_int_equal(od_posix_file_put(folder, "a", parts, 3, true, &error), OD_OK);
    assert_int_equal(od_posix_map(folder, "a", &old, &error), OD_OK);
    assert_int_equal(od_posix_file_put(folder, "a", parts + 2, 1, false, &error), OD_OK);
    assert_int_equal(od_posix_map(folder, "a", &new, &error), OD_OK);
    assert_int_equal(old.size, 7);
    assert_memory_equal(old.bytes, "one two", 7);
    assert_int_equal(new.size, 3);
    assert_memory_equal(new.bytes, "two", 3);
    od_posix_unmap(&old);
    od_posix_unmap(&new);
    od_posix_unmap(&new);
    assert_null(new.bytes);
    assert_int_equal(od_posix_file_put(folder, "a", NULL, 0, false, &error), OD_OK);
    assert_int_equal(od_posix_map(folder, "a", &new, &error), OD_OK);
    assert_int_equal(new.size, 0);
    od_posix_unmap(&new);
    assert_int_equal(count_files(), 1);
    remove_file("a");
}

static void failures_leave_nothing(void **state)
{
    const struct od_piece part = {"x", 1};
    struct od_piece span = {"x", 1};
    struct od_error error;
    char path[200];
    (void)state;
    assert_int_equal(od_posix_map(folder, "none", &span, &error), OD_MISSING);
    assert_null(span.bytes);
    assert_int_equal(od_posix_map("/nowhere", "none", &span, &error), OD_MISSING);
    assert_int_equal(od_posix_file_put("/nowhere", "a", &part, 1, true, &error), OD_IO);
    assert_int_equal(od_posix_file_sweep("/nowhere", &error), OD_IO);
    snprintf(path, sizeof(path), "%s/in the way", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(od_posix_file_put(folder, "in the way", &part, 1, false, &error), OD_IO); /* the rename */
    assert_int_equal(count_files(), 1);
    assert_int_equal(rmdir(path), 0);
}

static void parts_are_swept(void **state)
{
    static const char *const names[] = {"7.part", "a..part", "a.7.parts", "a.7.part"}; /* the last is one */
    const struct od_piece part = {"x", 1};
    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(od_posix_file_put(folder, names[i], &part, 1, false, NULL), OD_OK);
    assert_int_equal(od_posix_file_sweep(folder, NULL), OD_OK);
    assert_int_equal(count_files(), 3);
    for (int i = 0; i < 3; i++)
        remove_file(names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_put_and_mapped),
        cmocka_unit_test(failures_leave_nothing),
        cmocka_unit_test(parts_are_swept),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
