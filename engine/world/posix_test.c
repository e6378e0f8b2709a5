/* Goal: memory, clock, seed and disk do what world.h promises, and the disk leaves nothing behind but what it found.
 * Method: ordinary use in a fresh temporary directory; each documented status provoked for real (a missing file, a file that
 * ends early, a size limit of the process, a directory that can't be); the k-th allocation refused for k = 0, 1, 2... */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/core/sweep.h"
#include "engine/world/posix.h"

static char base[64];
static char path[128];

static int make_base(void **state)
{
    (void)state;
    snprintf(base, sizeof(base), "/tmp/ordeal-posix-XXXXXX");
    if (mkdtemp(base) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/disk", base);
    return 0;
}

/* Fails the test when a test left a file: rmdir needs an empty directory. */
static int remove_base(void **state)
{
    (void)state;
    return rmdir(base);
}

static void test_memory_is_aligned_and_kept(void **state)
{
    (void)state;
    struct od_memory *memory = od_posix_memory();
    uint8_t *block = od_take(memory, 24);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % 16, 0);
    for (int i = 0; i < 24; i++)
        assert_int_equal(block[i], 0);
    memset(block, 7, 24);
    block = od_resize(memory, block, 24, 100000);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % 16, 0);
    for (int i = 0; i < 24; i++)
        assert_int_equal(block[i], 7);
    assert_null(od_resize(memory, block, 100000, 0));
}

static void test_clock_and_seed(void **state)
{
    (void)state;
    struct od_clock clock = od_posix_clock();
    uint64_t before = clock.now_ns(clock.self);
    usleep(2000);
    uint64_t after = clock.now_ns(clock.self);
    assert_true(after - before >= 2000000);
    assert_true(od_posix_seed() != od_posix_seed());
}

static struct od_posix_disk *open_disk(struct od_memory *memory)
{
    struct od_posix_disk *disk = NULL;
    struct od_error error = {0};
    assert_int_equal(od_posix_disk_new(memory, path, &disk, &error), OD_OK);
    return disk;
}

static void put_file(struct od_disk disk, const char *name, const char *text)
{
    struct od_file *file;
    assert_int_equal(disk.ops->create(disk.self, name, &file, NULL), OD_OK);
    assert_int_equal(disk.ops->write(disk.self, file, 0, text, strlen(text), NULL), OD_OK);
    assert_int_equal(disk.ops->sync(disk.self, file, NULL), OD_OK);
    disk.ops->close(disk.self, file);
}

static void test_disk_ordinary(void **state)
{
    (void)state;
    struct od_posix_disk *owner = open_disk(od_posix_memory());
    struct od_disk disk = od_posix_disk_part(owner);
    struct od_file *file;
    uint64_t size;
    char bytes[8] = {0};
    put_file(disk, "a.blocks", "0123456789");
    assert_int_equal(disk.ops->open(disk.self, "a.blocks", &file, NULL), OD_OK);
    assert_int_equal(od_posix_disk_open_files(owner), 1);
    assert_int_equal(disk.ops->read(disk.self, file, 4, bytes, 4, NULL), OD_OK);
    assert_memory_equal(bytes, "4567", 4);
    assert_int_equal(disk.ops->write(disk.self, file, 20, "end", 3, NULL), OD_OK); /* a hole reads as zeros */
    assert_int_equal(disk.ops->read(disk.self, file, 18, bytes, 5, NULL), OD_OK);
    assert_memory_equal(bytes, "\0\0end", 5);
    assert_int_equal(disk.ops->size(disk.self, file, &size, NULL), OD_OK);
    assert_int_equal(size, 23);
    disk.ops->close(disk.self, file);
    disk.ops->close(disk.self, NULL);
    assert_int_equal(od_posix_disk_open_files(owner), 0);

    put_file(disk, "a.blocks", "xy"); /* replaces */
    assert_int_equal(disk.ops->open(disk.self, "a.blocks", &file, NULL), OD_OK);
    struct od_error error = {0};
    assert_int_equal(disk.ops->read(disk.self, file, 0, bytes, 3, &error), OD_CORRUPT);
    assert_non_null(strstr(error.text, "ends early"));
    assert_int_equal(disk.ops->read(disk.self, file, 0, bytes, 2, NULL), OD_OK);

    assert_int_equal(disk.ops->remove(disk.self, "a.blocks", NULL), OD_OK);
    assert_int_equal(disk.ops->read(disk.self, file, 0, bytes, 2, NULL), OD_OK); /* still open, still there */
    disk.ops->close(disk.self, file);
    assert_int_equal(disk.ops->open(disk.self, "a.blocks", &file, NULL), OD_MISSING);
    assert_null(file);
    assert_int_equal(disk.ops->remove(disk.self, "a.blocks", &error), OD_MISSING);
    assert_non_null(strstr(error.text, "a.blocks"));
    od_posix_disk_free(owner);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_disk_cleans_up_its_own_only(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path, 0700), 0);
    char foreign[160];
    snprintf(foreign, sizeof(foreign), "%s/foreign", path);
    int descriptor = open(foreign, O_CREAT | O_WRONLY, 0600);
    assert_true(descriptor >= 0);
    close(descriptor);

    struct od_posix_disk *owner = open_disk(od_posix_memory());
    struct od_disk disk = od_posix_disk_part(owner);
    struct od_file *file;
    put_file(disk, "one", "1");
    put_file(disk, "two", "2");
    assert_int_equal(od_posix_disk_empty(owner, NULL), OD_OK);
    assert_int_equal(disk.ops->open(disk.self, "one", &file, NULL), OD_MISSING);
    put_file(disk, "three", "3");
    od_posix_disk_free(owner);
    assert_int_equal(access(foreign, F_OK), 0);
    assert_int_equal(unlink(foreign), 0);
    assert_int_equal(rmdir(path), 0); /* nothing else was left, and a directory that was there stays */
}

static void test_disk_refusals(void **state)
{
    (void)state;
    struct od_posix_disk *owner;
    struct od_error error = {0};
    assert_int_equal(od_posix_disk_new(od_posix_memory(), "/nowhere/at/all", &owner, &error), OD_BAD_INPUT);
    assert_null(owner);
    assert_non_null(strstr(error.text, "/nowhere/at/all"));
    assert_int_equal(od_posix_disk_new(od_posix_memory(), "/dev/null", &owner, NULL), OD_BAD_INPUT);

    owner = open_disk(od_posix_memory());
    struct od_disk disk = od_posix_disk_part(owner);
    struct od_file *file;
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    struct rlimit small = {.rlim_cur = 100, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    assert_int_equal(disk.ops->create(disk.self, "big", &file, NULL), OD_OK);
    char bytes[200] = {0};
    enum od_status status =
        disk.ops->write(disk.self, file, 0, bytes, sizeof(bytes), &error); /* short, then refused */
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, OD_IO);
    assert_non_null(strstr(error.text, "writing"));
    disk.ops->close(disk.self, file);
    od_posix_disk_free(owner);
}

/* Returns false at the first refusal; in any case leaves nothing open. */
static bool disk_story(struct od_memory *memory)
{
    struct od_posix_disk *owner;
    struct od_error error = {0};
    if (od_posix_disk_new(memory, path, &owner, &error) != OD_OK) {
        assert_int_equal(error.status, OD_NO_MEMORY);
        return false;
    }
    struct od_disk disk = od_posix_disk_part(owner);
    struct od_file *file = NULL;
    enum od_status status = disk.ops->create(disk.self, "f", &file, &error);
    disk.ops->close(disk.self, file);
    if (status == OD_OK) {
        status = disk.ops->open(disk.self, "f", &file, &error);
        disk.ops->close(disk.self, file);
    }
    assert_true(status == OD_OK || status == OD_NO_MEMORY);
    od_posix_disk_free(owner);
    return status == OD_OK;
}

static void test_disk_allocation_sweep(void **state)
{
    (void)state;
    for (uint64_t k = 0;; k++) {
        struct od_countdown countdown;
        od_countdown_init(&countdown, od_posix_memory(), k, false);
        bool done = disk_story(&countdown.memory);
        assert_int_equal(countdown.live_block_count, 0);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(done, countdown.refused_count == 0);
        if (done) {
            assert_int_equal(k, 4); /* the disk, the name, two files */
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_aligned_and_kept),
        cmocka_unit_test(test_clock_and_seed),
        cmocka_unit_test_setup_teardown(test_disk_ordinary, make_base, remove_base),
        cmocka_unit_test_setup_teardown(test_disk_cleans_up_its_own_only, make_base, remove_base),
        cmocka_unit_test_setup_teardown(test_disk_refusals, make_base, remove_base),
        cmocka_unit_test_setup_teardown(test_disk_allocation_sweep, make_base, remove_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
