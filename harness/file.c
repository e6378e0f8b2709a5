/* file: see file.h. */
#include "harness/file.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum od_status od_file_status(int number)
{
    switch (number) {
    case ENOENT:
        return OD_MISSING;
    case ENOTDIR:
    case EISDIR:
    case EEXIST:
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
    case ENAMETOOLONG:
        return OD_BAD_INPUT;
    default:
        return OD_IO;
    }
}

enum od_status od_file_read(const char *path, struct od_buffer *buffer, struct od_error *error)
{
    struct stat info;
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (file == NULL)
        return od_fail(error, od_file_status(errno), "opening %s: %s", path, strerror(errno));
    enum od_status status = OD_OK;
    if (fstat(fileno(file), &info) == 0 && S_ISDIR(info.st_mode)) {
        status = od_fail(error, OD_BAD_INPUT, "reading %s: expected a file, found a folder", path);
        goto close;
    }
    char chunk[65536];
    size_t got;
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        if (!od_buffer_append(buffer, chunk, got)) {
            status = od_fail(error, OD_NO_MEMORY, "reading %s", path);
            goto close;
        }
    }
    if (ferror(file))
        status = od_fail(error, OD_IO, "reading %s: %s", path, strerror(errno));
close:
    if (file != stdin)
        fclose(file);
    return status;
}

enum od_status od_file_write(const char *path, const void *bytes, size_t size, struct od_error *error)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return od_fail(error, od_file_status(errno), "writing %s: %s", path, strerror(errno));
    bool written = size == 0 || fwrite(bytes, 1, size, file) == size;
    if (fclose(file) != 0 || !written)
        return od_fail(error, OD_IO, "writing %s: %s", path, strerror(errno));
    return OD_OK;
}

enum od_status od_folder_make(const char *path, struct od_error *error)
{
    char partial[4096];
    if (strlen(path) >= sizeof(partial) || path[0] == '\0')
        return od_fail(error, OD_BAD_INPUT, "making a folder: the path is empty or too long");
    strcpy(partial, path);
    for (char *at = partial + 1;; at++) {
        bool end = *at == '\0';
        if (!end && *at != '/')
            continue;
        *at = '\0';
        if (mkdir(partial, 0777) != 0 && errno != EEXIST)
            return od_fail(error, od_file_status(errno), "making the folder %s: %s", partial, strerror(errno));
        if (end)
            break;
        *at = '/';
    }
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return od_fail(error, OD_BAD_INPUT, "making the folder %s: something else has this name", path);
    return OD_OK;
}

static int remove_entry(const char *path, const struct stat *info, int flag, struct FTW *walk)
{
    (void)info;
    (void)flag;
    (void)walk;
    return remove(path);
}

enum od_status od_folder_remove(const char *path, struct od_error *error)
{
    if (access(path, F_OK) != 0)
        return OD_OK;
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        return od_fail(error, OD_IO, "removing the folder %s: %s", path, strerror(errno));
    return OD_OK;
}
