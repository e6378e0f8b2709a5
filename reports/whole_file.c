#include "reports/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum od_status fail_io(struct od_error *error, const char *what, const char *path)
{
    int reason = errno;
    enum od_status status = reason == ENOENT ? OD_MISSING : OD_IO;
    return od_fail(error, status, "%s: %s: %s", what, path, strerror(reason));
}

enum od_status od_whole_file_read(const char *path, struct od_buffer *out, struct od_error *error)
{
    enum od_status status = OD_OK;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return fail_io(error, "opening", path);
    for (;;) {
        if (!od_buffer_reserve(out, 64 * 1024)) {
            status = od_fail(error, OD_NO_MEMORY, "reading %s: bytes=%zu", path, out->size);
            break;
        }
        ssize_t count = read(file, out->bytes + out->size, out->capacity - out->size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            status = fail_io(error, "reading", path);
        if (count <= 0)
            break;
        out->size += (size_t)count;
    }
    close(file);
    return status;
}

static bool write_all(int file, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = write(file, bytes, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        bytes += count;
        size -= (size_t)count;
    }
    return true;
}

/* Makes a rename durable. Some file systems refuse to sync a directory (EINVAL): then there is nothing to be
 * done. */
static bool sync_parent(const char *path)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int size = slash == NULL ? snprintf(parent, sizeof(parent), ".")
                             : snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path) + 1, path);
    if (size < 0 || (size_t)size >= sizeof(parent)) {
        errno = ENAMETOOLONG;
        return false;
    }
    int directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return false;
    bool synced = fsync(directory) == 0 || errno == EINVAL;
    close(directory);
    return synced;
}

/* A device, a pipe or a link is not ours to replace: `--html /dev/stdout` must not become a file of that name. */
static enum od_status write_through(const char *path, const void *bytes, size_t size, struct od_error *error)
{
    int file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (file < 0)
        return fail_io(error, "opening", path);
    bool written = write_all(file, bytes, size);
    int reason = errno;
    bool closed = close(file) == 0;
    if (written && closed)
        return OD_OK;
    if (!written)
        errno = reason;
    return fail_io(error, "writing", path);
}

enum od_status od_whole_file_replace(const char *path, const void *bytes, size_t size, struct od_error *error)
{
    struct stat about;
    if (lstat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode))
        return write_through(path, bytes, size, error);
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof(temporary), "%s.tmp.%ld", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof(temporary))
        return od_fail(error, OD_IO, "writing %s: the name is too long", path);
    int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return fail_io(error, "creating", temporary);
    bool written = write_all(file, bytes, size) && fsync(file) == 0;
    int reason = errno;
    bool closed = close(file) == 0;
    if (written && !closed)
        reason = errno;
    if (written && closed && rename(temporary, path) == 0 && sync_parent(path))
        return OD_OK;
    if (written && closed)
        reason = errno;
    unlink(temporary);
    errno = reason;
    return fail_io(error, "writing", path);
}

enum od_status od_whole_file_make_directory(const char *path, unsigned mode, struct od_error *error)
{
    char part[PATH_MAX];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof(part))
        return od_fail(error, OD_IO, "making a directory: the name is empty or too long: %s", path);
    for (size_t i = 1; i <= size; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, (mode_t)mode) != 0 && errno != EEXIST)
            return fail_io(error, "making a directory", part);
    }
    struct stat about;
    if (stat(path, &about) != 0)
        return fail_io(error, "making a directory", path);
    if (!S_ISDIR(about.st_mode))
        return od_fail(error, OD_IO, "making a directory: %s is a file", path);
    return OD_OK;
}

void od_whole_file_inside(struct od_buffer *out, const char *path, const char *name)
{
    struct stat about;
    bool is_directory = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    od_buffer_append_text(out, path);
    if (is_directory)
        od_buffer_print(out, "%s%s", path[strlen(path) - 1] == '/' ? "" : "/", name);
}
