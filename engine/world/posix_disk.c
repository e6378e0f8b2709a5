/* posix_disk: flat, private files in one directory.
 *
 *   disk -> descriptor of the directory (every name is opened relative to it)
 *        -> made: names created through this disk and not removed since, each with its NUL
 *
 * The list is why this disk can clean up without touching what it did not make: a user may well point it at a directory
 * that holds other files. An actor has at most a few hundred files at a time, so a list is searched, not hashed.
 *
 * A directory that a process keeps to itself (od_posix_disk_adopt) has a marker: by it a later life knows that all files are its own,
 * and its lock, which ends with the process, keeps out whoever is given the same directory.
 *
 * Lifetimes: a file lives from create/open to close, a name from create to remove (or the disk's end). As in POSIX, a
 * removed name leaves open files usable. Writes go to the system at once; `sync` makes them survive the machine. */
#include "engine/world/posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/core/assert.h"
#include "engine/core/buffer.h"

#define MARKER ".ordeal-disk"

struct od_file {
    int descriptor;
};

struct od_posix_disk {
    struct od_memory *memory; /* borrowed */
    struct od_buffer made;    /* owned */
    int directory_descriptor; /* owned; -1 when not open */
    int marker_descriptor;    /* owned, and locked; -1: the directory is not ours alone */
    bool made_directory;
    bool is_rooted; /* the directory's own name is durable */
    uint64_t open_file_count;
    size_t bytes; /* of this struct with its text */
    char directory[];
};

static enum od_status io_failed(struct od_error *error, const char *operation, const char *name)
{
    enum od_status status = errno == ENOENT ? OD_MISSING : OD_IO;
    return od_fail(error, status, "%s '%s': %s", operation, name, strerror(errno));
}

static void check_name(const char *name)
{
    od_assert(name[0] != '\0');
    od_assert(strchr(name, '/') == NULL);
    od_assert(strcmp(name, ".") != 0);
    od_assert(strcmp(name, "..") != 0);
}

/* The name behind `name` among those of files made here (NULL: the first); NULL behind the last. */
static char *next_made(const struct od_posix_disk *disk, const char *name)
{
    size_t at = name == NULL ? 0 : (size_t)(name - (char *)disk->made.bytes) + strlen(name) + 1;
    return at < disk->made.size ? (char *)disk->made.bytes + at : NULL;
}

/* Where it stands; NULL: it was not made here. */
static char *find_made(const struct od_posix_disk *disk, const char *name)
{
    char *made = next_made(disk, NULL);
    while (made != NULL && strcmp(made, name) != 0)
        made = next_made(disk, made);
    return made;
}

static enum od_status open_file(struct od_posix_disk *disk, const char *name, int flags,
                                struct od_file **file_out, struct od_error *error)
{
    struct od_file *file = od_take(disk->memory, sizeof(*file));
    if (file == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening file '%s'", name);
    do {
        file->descriptor = openat(disk->directory_descriptor, name, flags | O_RDWR | O_CLOEXEC, 0600);
    } while (file->descriptor < 0 && errno == EINTR);
    if (file->descriptor < 0) {
        enum od_status status = io_failed(error, "opening file", name);
        od_give(disk->memory, file, sizeof(*file));
        return status;
    }
    disk->open_file_count++;
    *file_out = file;
    return OD_OK;
}

static enum od_status disk_create(void *self, const char *name, struct od_file **file_out,
                                  struct od_error *error)
{
    struct od_posix_disk *disk = self;
    *file_out = NULL;
    check_name(name);
    /* first remembered, then made: so that no file is ever there and not known */
    if (find_made(disk, name) == NULL && !od_buffer_append(&disk->made, name, strlen(name) + 1)) {
        disk->made.failed = false; /* it holds whole names still */
        return od_fail(error, OD_NO_MEMORY, "creating file '%s'", name);
    }
    return open_file(disk, name, O_CREAT | O_TRUNC, file_out, error);
}

static enum od_status disk_open(void *self, const char *name, struct od_file **file_out,
                                struct od_error *error)
{
    *file_out = NULL;
    check_name(name);
    return open_file(self, name, 0, file_out, error);
}

/* Reads (`into`) or writes (`from`) all of it. */
static enum od_status transfer(const struct od_file *file, uint64_t offset, const uint8_t *from,
                               uint8_t *into, size_t size, struct od_error *error)
{
    const char *what = into != NULL ? "reading" : "writing";
    for (size_t done = 0; done < size;) {
        off_t at = (off_t)(offset + done);
        ssize_t got = into != NULL ? pread(file->descriptor, into + done, size - done, at)
                                   : pwrite(file->descriptor, from + done, size - done, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0 && into != NULL)
            return od_fail(error, OD_CORRUPT, "reading a file: it ends early, offset=%llu size=%zu got=%zu",
                           (unsigned long long)offset, size, done);
        if (got <= 0)
            return od_fail(error, OD_IO, "%s a file: %s, offset=%llu size=%zu", what, strerror(errno),
                           (unsigned long long)offset, size);
        done += (size_t)got;
    }
    return OD_OK;
}

static enum od_status disk_write(void *self, struct od_file *file, uint64_t offset, const void *bytes,
                                 size_t size, struct od_error *error)
{
    (void)self;
    return transfer(file, offset, bytes, NULL, size, error);
}

static enum od_status disk_read(void *self, struct od_file *file, uint64_t offset, void *bytes, size_t size,
                                struct od_error *error)
{
    (void)self;
    return transfer(file, offset, NULL, bytes, size, error);
}

/* The directory's own name, once. */
static bool sync_parent(struct od_posix_disk *disk)
{
    if (disk->is_rooted || !disk->made_directory)
        return true;
    int parent = openat(disk->directory_descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    disk->is_rooted = parent >= 0 && fsync(parent) == 0;
    if (parent >= 0)
        close(parent);
    return disk->is_rooted;
}

/* With its name: a file that a crash of the machine leaves without one is lost. */
static enum od_status disk_sync(void *self, struct od_file *file, struct od_error *error)
{
    struct od_posix_disk *disk = self;
    if (fsync(file->descriptor) != 0 || fsync(disk->directory_descriptor) != 0 || !sync_parent(disk))
        return od_fail(error, OD_IO, "syncing a file: %s", strerror(errno));
    return OD_OK;
}

static enum od_status disk_size(void *self, struct od_file *file, uint64_t *bytes_out, struct od_error *error)
{
    struct stat facts;
    (void)self;
    *bytes_out = 0;
    if (fstat(file->descriptor, &facts) != 0)
        return od_fail(error, OD_IO, "asking for a file's size: %s", strerror(errno));
    *bytes_out = (uint64_t)facts.st_size;
    return OD_OK;
}

/* What close() could report, sync has reported already to those who care. */
static void disk_close(void *self, struct od_file *file)
{
    struct od_posix_disk *disk = self;
    if (file == NULL)
        return;
    od_assert(disk->open_file_count > 0);
    disk->open_file_count--;
    close(file->descriptor);
    od_give(disk->memory, file, sizeof(*file));
}

static enum od_status disk_remove(void *self, const char *name, struct od_error *error)
{
    struct od_posix_disk *disk = self;
    check_name(name);
    if (unlinkat(disk->directory_descriptor, name, 0) != 0)
        return io_failed(error, "removing file", name);
    char *made = find_made(disk, name);
    size_t bytes = strlen(name) + 1;
    if (made != NULL) {
        disk->made.size -= bytes;
        memmove(made, made + bytes, disk->made.size - (size_t)(made - (char *)disk->made.bytes));
    }
    return OD_OK;
}

static const struct od_disk_ops posix_disk_ops = {
    .create = disk_create,
    .open = disk_open,
    .write = disk_write,
    .read = disk_read,
    .sync = disk_sync,
    .size = disk_size,
    .close = disk_close,
    .remove = disk_remove,
};

/* Whoever named it has to name another one. */
static bool is_wrong_path(int number)
{
    return number == ENOENT || number == ENOTDIR || number == EACCES || number == ENAMETOOLONG || number == ELOOP ||
           number == EROFS;
}

static enum od_status enter_directory(struct od_posix_disk *disk, struct od_error *error)
{
    disk->made_directory = mkdir(disk->directory, 0700) == 0;
    if (!disk->made_directory && errno != EEXIST)
        return od_fail(error, is_wrong_path(errno) ? OD_BAD_INPUT : OD_IO, "making directory '%s': %s",
                       disk->directory, strerror(errno));
    disk->directory_descriptor = open(disk->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (disk->directory_descriptor < 0)
        return od_fail(error, is_wrong_path(errno) ? OD_BAD_INPUT : OD_IO, "opening directory '%s': %s",
                       disk->directory, strerror(errno));
    return OD_OK;
}

enum od_status od_posix_disk_new(struct od_memory *memory, const char *directory,
                                 struct od_posix_disk **disk_out, struct od_error *error)
{
    *disk_out = NULL;
    size_t text_bytes = strlen(directory) + 1;
    struct od_posix_disk *disk = od_take(memory, sizeof(*disk) + text_bytes);
    if (disk == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening a disk: directory='%s'", directory);
    disk->memory = memory;
    od_buffer_init(&disk->made, memory);
    disk->bytes = sizeof(*disk) + text_bytes;
    disk->directory_descriptor = disk->marker_descriptor = -1;
    memcpy(disk->directory, directory, text_bytes);
    enum od_status status = enter_directory(disk, error);
    if (status == OD_OK)
        *disk_out = disk;
    else
        od_posix_disk_free(disk);
    return status;
}

struct od_disk od_posix_disk_part(struct od_posix_disk *disk)
{
    return (struct od_disk){.ops = &posix_disk_ops, .self = disk};
}

uint64_t od_posix_disk_open_files(const struct od_posix_disk *disk)
{
    return disk->open_file_count;
}

static bool is_plain_file(const struct od_posix_disk *disk, const char *name)
{
    struct stat info;
    return fstatat(disk->directory_descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode);
}

static bool is_inside(const char *name)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, MARKER) != 0;
}

/* Only in a directory with nothing else in it. */
static enum od_status make_marker(struct od_posix_disk *disk, struct od_error *error)
{
    const struct dirent *entry;
    DIR *entries = opendir(disk->directory);
    if (entries == NULL)
        return io_failed(error, "reading directory", disk->directory);
    do {
        entry = readdir(entries);
    } while (entry != NULL && !is_inside(entry->d_name));
    enum od_status status = entry == NULL ? OD_OK
                                          : od_fail(error, OD_BAD_INPUT,
                                                    "'%s' is not empty and no disk of ordeal: it has '%s'; expected a "
                                                    "new or an empty folder",
                                                    disk->directory, entry->d_name);
    closedir(entries);
    if (status == OD_OK)
        disk->marker_descriptor =
            openat(disk->directory_descriptor, MARKER, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    return status;
}

static enum od_status claim(struct od_posix_disk *disk, struct od_error *error)
{
    struct stat facts;
    disk->marker_descriptor = openat(disk->directory_descriptor, MARKER, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (disk->marker_descriptor < 0 && errno == ENOENT)
        OD_TRY(make_marker(disk, error));
    if (disk->marker_descriptor < 0)
        return od_fail(error, OD_IO, "opening '%s/" MARKER "': %s", disk->directory, strerror(errno));
    /* a marker without a name is one that its owner has just removed */
    if (flock(disk->marker_descriptor, LOCK_EX | LOCK_NB) == 0 && fstat(disk->marker_descriptor, &facts) == 0 &&
        facts.st_nlink > 0)
        return OD_OK;
    close(disk->marker_descriptor);
    disk->marker_descriptor = -1;
    return od_fail(error, OD_BAD_INPUT, "'%s' is used by another process", disk->directory);
}

enum od_status od_posix_disk_adopt(struct od_posix_disk *disk, struct od_error *error)
{
    enum od_status status = OD_OK;
    OD_TRY(claim(disk, error));
    const struct dirent *entry;
    DIR *entries = opendir(disk->directory);
    if (entries == NULL)
        return io_failed(error, "reading directory", disk->directory);
    while (status == OD_OK && (entry = readdir(entries)) != NULL) {
        if (!is_inside(entry->d_name) || !is_plain_file(disk, entry->d_name) || find_made(disk, entry->d_name) != NULL)
            continue;
        if (!od_buffer_append(&disk->made, entry->d_name, strlen(entry->d_name) + 1)) {
            disk->made.failed = false;
            status = od_fail(error, OD_NO_MEMORY, "reading directory '%s'", disk->directory);
        }
    }
    closedir(entries);
    disk->made_directory = true;
    return status;
}

enum od_status od_posix_disk_empty(struct od_posix_disk *disk, struct od_error *error)
{
    enum od_status first = OD_OK;
    for (const char *name = next_made(disk, NULL); name != NULL; name = next_made(disk, name)) {
        /* A name may be remembered though its file could not be made: that it is missing is then no failure. */
        if (unlinkat(disk->directory_descriptor, name, 0) != 0 && errno != ENOENT && first == OD_OK)
            first = io_failed(error, "removing file", name);
    }
    od_buffer_reset(&disk->made);
    return first;
}

void od_posix_disk_free(struct od_posix_disk *disk)
{
    if (disk == NULL)
        return;
    if (disk->directory_descriptor >= 0) {
        (void)od_posix_disk_empty(disk, NULL);
        if (disk->marker_descriptor >= 0) {
            (void)unlinkat(disk->directory_descriptor, MARKER, 0);
            close(disk->marker_descriptor);
        }
        close(disk->directory_descriptor);
    }
    od_buffer_release(&disk->made);
    if (disk->made_directory)
        (void)rmdir(disk->directory);
    od_give(disk->memory, disk, disk->bytes);
}
