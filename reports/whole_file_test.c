/* Goal: a plain file is replaced as a whole, and what is no plain file is written to and stays what it is.
 * Method: a file, a link to it, a pipe and a full device in a fresh folder. */
#include "reports/whole_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "reports/fixture_test.h"

static char folder[] = "/tmp/whole_file_test_XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}
static int remove_folder(void **state)
{
    static const char *const names[] = {"file", "link", "pipe"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(names[i]);
    return chdir("/") != 0 || rmdir(folder) != 0; /* fails when a temporary file was left */
}

static void assert_holds(const char *path, const char *text)
{
    struct od_buffer bytes;
    od_buffer_init(&bytes, &fixture_memory);
    assert_int_equal(od_whole_file_read(path, &bytes, NULL), OD_OK);
    assert_string_equal(od_buffer_text(&bytes), text);
    od_buffer_release(&bytes);
}

static void a_file_is_replaced(void **state)
{
    (void)state;
    assert_int_equal(od_whole_file_replace("file", "a longer text", 13, NULL), OD_OK);
    assert_int_equal(od_whole_file_replace("file", "short", 5, NULL), OD_OK);
    assert_holds("file", "short");
}

static void a_link_is_followed(void **state)
{
    struct stat about;
    (void)state;
    assert_int_equal(symlink("file", "link"), 0);
    assert_int_equal(od_whole_file_replace("link", "new", 3, NULL), OD_OK);
    assert_int_equal(lstat("link", &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_holds("file", "new");
}

static void a_pipe_is_written_to(void **state)
{
    char bytes[8] = "";
    struct stat about;
    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    int reader = open("pipe", O_RDONLY | O_NONBLOCK);
    assert_int_equal(od_whole_file_replace("pipe", "text", 4, NULL), OD_OK);
    assert_int_equal(read(reader, bytes, sizeof(bytes)), 4);
    assert_string_equal(bytes, "text");
    close(reader);
    assert_int_equal(lstat("pipe", &about), 0);
    assert_true(S_ISFIFO(about.st_mode));
}

/* By a link, so that a mistake replaces the link and not the machine's device. */
static void a_full_device_is_told(void **state)
{
    struct od_error error = {0};
    (void)state;
    unlink("link");
    assert_int_equal(symlink("/dev/full", "link"), 0);
    assert_int_equal(od_whole_file_replace("link", "text", 4, &error), OD_IO);
    assert_non_null(strstr(error.text, "No space left on device"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_replaced),
        cmocka_unit_test(a_link_is_followed),
        cmocka_unit_test(a_pipe_is_written_to),
        cmocka_unit_test(a_full_device_is_told),
    };
    return cmocka_run_group_tests_name("whole_file", tests, make_folder, remove_folder);
}
