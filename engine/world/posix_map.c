/* posix_map: see posix_map.h. */
#include "engine/world/posix_map.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART_ENDING ".part"

static enum od_status failed(struct od_error *error, const char *doing, const char *directory, const char *name)
{
    return od_fail(error, errno == ENOENT ? OD_MISSING : OD_IO, "%s %s/%s: %s", doing, directory, name, strerror(errno));
}

static int open_directory(const char *directory)
{
    return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool write_all(int file, const struct od_piece *part)
{
    for (size_t done = 0; done < part->size;) {
        ssize_t wrote = write(file, (const char *)part->bytes + done, part->size - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        done += (size_t)wrote;
    }
    return true;
}

static bool write_parts(int folder, const char *part_name, const char *name, const struct od_piece *parts, uint32_t count,
                        bool outlives)
{
    int file = openat(folder, part_name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    bool good = file >= 0;
    for (uint32_t i = 0; i < count && good; i++)
        good = write_all(file, &parts[i]);
    good = good && (!outlives || fsync(file) == 0);
    if (file >= 0)
        good = close(file) == 0 && good;
    return good && renameat(folder, part_name, folder, name) == 0 && (!outlives || fsync(folder) == 0);
}

enum od_status od_posix_file_put(const char *directory, const char *name, const struct od_piece *parts,
                                 uint32_t part_count, bool outlives, struct od_error *error)
{
    char part_name[NAME_MAX + 1];
    enum od_status status = OD_OK;
    int size = snprintf(part_name, sizeof(part_name), "%s.%ld" PART_ENDING, name, (long)getpid());
    if (size < 0 || (size_t)size >= sizeof(part_name))
        return od_fail(error, OD_IO, "writing %.100s: its name is too long", name);
    int folder = open_directory(directory);
    if (folder < 0 || !write_parts(folder, part_name, name, parts, part_count, outlives)) {
        status = failed(error, "writing", directory, name);
        if (folder >= 0)
            unlinkat(folder, part_name, 0);
    }
    if (folder >= 0)
        close(folder);
    return status == OD_MISSING ? OD_IO : status;
}

/* "NAME.PID.part". */
static bool is_part(const char *name)
{
    size_t size = strlen(name);
    size_t ending = sizeof(PART_ENDING) - 1;
    if (size <= ending || strcmp(name + size - ending, PART_ENDING) != 0)
        return false;
    size_t at = size - ending;
    while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9')
        at--;
    return at > 1 && at < size - ending && name[at - 1] == '.';
}

enum od_status od_posix_file_sweep(const char *directory, struct od_error *error)
{
    DIR *folder = opendir(directory);
    if (folder == NULL)
        return od_fail(error, OD_IO, "sweeping %s: %s", directory, strerror(errno));
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        if (is_part(entry->d_name))
            unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    return OD_OK;
}

enum od_status od_posix_map(const char *directory, const char *name, struct od_piece *span_out, struct od_error *error)
{
    struct stat facts;
    enum od_status status = OD_OK;
    *span_out = (struct od_piece){0};
    int folder = open_directory(directory);
    int file = folder < 0 ? -1 : openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &facts) != 0) {
        status = failed(error, "opening", directory, name);
    } else if (facts.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_SHARED, file, 0);
        if (bytes == MAP_FAILED)
            status = failed(error, "mapping", directory, name);
        else
            *span_out = (struct od_piece){bytes, (size_t)facts.st_size};
    }
    if (file >= 0)
        close(file);
    if (folder >= 0)
        close(folder);
    return status;
}

void od_posix_unmap(struct od_piece *span)
{
    if (span->bytes != NULL)
        munmap((void *)span->bytes, span->size);
    *span = (struct od_piece){0};
}
