/* Goal: files come in whole, folders are made and removed whole, and what a user got wrong about a path is not called a bug of ours.
 * Method: a temporary folder; every kind of path that is not what was meant; reading with each allocation refused. */
#include "harness/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/core/sweep.h"

static char root[] = "/tmp/ordeal-file-test-XXXXXX";

static const char *under(const char *name)
{
    static char path[200];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static void write_file(const char *name, const char *bytes, size_t size)
{
    FILE *file = fopen(under(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) == NULL;
}
static int remove_root(void **state)
{
    (void)state;
    return od_folder_remove(root, NULL) != OD_OK;
}

static void files_come_in_whole(void **state)
{
    (void)state;
    static char large[200000]; /* more than one chunk */
    for (size_t i = 0; i < sizeof(large); i++)
        large[i] = (char)(i * 7 + i / 251);
    const size_t sizes[] = {0, 1, 65535, 65536, 65537, sizeof(large)};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct od_buffer buffer;
        od_buffer_init(&buffer, od_heap_for_tests());
        write_file("whole", large, sizes[i]);
        od_buffer_append_text(&buffer, "before");
        assert_int_equal(od_file_read(under("whole"), &buffer, NULL), OD_OK);
        assert_int_equal(buffer.size, 6 + sizes[i]);
        assert_memory_equal(buffer.bytes, "before", 6);
        if (sizes[i] != 0)
            assert_memory_equal(buffer.bytes + 6, large, sizes[i]);
        od_buffer_release(&buffer);
    }
}

static enum od_status read_body(struct od_memory *memory, void *context)
{
    struct od_buffer buffer;
    od_buffer_init(&buffer, memory);
    enum od_status status = od_file_read(context, &buffer, NULL);
    od_buffer_release(&buffer);
    return status;
}

static void refused_memory_is_said(void **state)
{
    (void)state;
    static const char bytes[100000];
    char path[200];
    write_file("sweep", bytes, sizeof(bytes));
    snprintf(path, sizeof(path), "%s", under("sweep"));
    assert_true(od_sweep(read_body, path) >= 1);
}

static void expect_read_failure(const char *path, enum od_status expected)
{
    struct od_buffer buffer;
    struct od_error error = {0};
    od_buffer_init(&buffer, od_heap_for_tests());
    assert_int_equal(od_file_read(path, &buffer, &error), expected);
    assert_non_null(strstr(error.text, path));
    assert_int_equal(buffer.size, 0);
    od_buffer_release(&buffer);
}

static void wrong_paths_are_the_users(void **state)
{
    (void)state;
    char long_name[300];
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    write_file("plain", "x", 1);
    expect_read_failure(under("nowhere"), OD_MISSING);
    expect_read_failure(under("nowhere/at/all"), OD_MISSING);
    expect_read_failure(under("plain/below"), OD_BAD_INPUT);
    expect_read_failure(root, OD_BAD_INPUT);
    struct od_buffer buffer;
    od_buffer_init(&buffer, od_heap_for_tests());
    assert_int_equal(od_file_read(long_name, &buffer, NULL), OD_BAD_INPUT);
    if (geteuid() != 0) { /* root may read everything */
        write_file("secret", "x", 1);
        chmod(under("secret"), 0);
        expect_read_failure(under("secret"), OD_BAD_INPUT);
    }
    od_buffer_release(&buffer);
}

static void folders_are_made_with_those_above(void **state)
{
    (void)state;
    struct stat info;
    struct od_error error = {0};
    assert_int_equal(od_folder_make(under("a/b/c"), &error), OD_OK);
    assert_int_equal(od_folder_make(under("a/b/c"), &error), OD_OK);
    assert_int_equal(od_folder_make(under("a/b/d/"), &error), OD_OK);
    assert_int_equal(stat(under("a/b/d"), &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    assert_int_equal(od_folder_make("", &error), OD_BAD_INPUT);
    write_file("a/file", "x", 1);
    assert_int_equal(od_folder_make(under("a/file"), &error), OD_BAD_INPUT);
    assert_non_null(strstr(error.text, "something else has this name"));
    assert_int_equal(od_folder_make(under("a/file/below"), &error), OD_BAD_INPUT);
}

static void folders_are_removed_with_all_in_them(void **state)
{
    (void)state;
    assert_int_equal(od_folder_make(under("gone/in/deep"), NULL), OD_OK);
    assert_int_equal(od_folder_make(under("kept"), NULL), OD_OK);
    write_file("gone/in/deep/file", "x", 1);
    write_file("kept/file", "x", 1);
    char target[200];
    snprintf(target, sizeof(target), "%s", under("kept"));
    assert_int_equal(symlink(target, under("gone/link")), 0);
    assert_int_equal(od_folder_remove(under("gone"), NULL), OD_OK);
    assert_int_not_equal(access(under("gone"), F_OK), 0);
    assert_int_equal(access(under("kept/file"), F_OK), 0); /* links are removed, not followed */
    assert_int_equal(od_folder_remove(under("gone"), NULL), OD_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_in_whole),
        cmocka_unit_test(refused_memory_is_said),
        cmocka_unit_test(wrong_paths_are_the_users),
        cmocka_unit_test(folders_are_made_with_those_above),
        cmocka_unit_test(folders_are_removed_with_all_in_them),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
