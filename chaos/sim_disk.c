/* sim_disk: flat names to growing byte arrays.
 *
 *   disk -> entry(name) -> content <- handle (struct od_file)
 *
 * A content is shared by its name and its open handles and goes with the last of them, as on POSIX: a file
 * that was removed or replaced can still be read through an old handle. Entries are a list in order of
 * creation; an actor has few files. Memory is the simulation's: a disk is not part of an executor's
 * budget. */
#include "chaos/sim_disk.h"

#include <string.h>

#include "chaos/disturb.h"
#include "engine/core/assert.h"

struct content {
    uint32_t holder_count;
    uint8_t *bytes;
    size_t size;
    size_t capacity;
};
struct od_sim_disk_entry {
    struct od_sim_disk_entry *next;
    struct content *content;
    uint64_t name_hash;
    size_t name_bytes; /* with its NUL */
    char name[];
};
struct od_file {
    struct content *content;
};

enum disk_operation { DISK_CREATE = 1, DISK_OPEN, DISK_WRITE, DISK_READ, DISK_REMOVE };

static void content_drop(struct od_memory *memory, struct content *content)
{
    od_assert(content->holder_count > 0);
    if (--content->holder_count > 0)
        return;
    od_give(memory, content->bytes, content->capacity);
    od_give(memory, content, sizeof(*content));
}

static void digest_fold(struct od_sim_disk *disk, enum disk_operation operation, uint64_t first,
                        uint64_t second)
{
    od_digest_add(disk->digest, (uint64_t)operation << 56 ^ first);
    od_digest_add(disk->digest, second);
}

static uint64_t name_hash_of(const char *name)
{
    return od_hash_bytes(name, strlen(name), 0);
}

/* Where the pointer to the entry of this name stands, or the NULL at the list's end. */
static struct od_sim_disk_entry **find_entry(struct od_sim_disk *disk, const char *name, uint64_t name_hash)
{
    struct od_sim_disk_entry **place = &disk->entries;
    while (*place != NULL && ((*place)->name_hash != name_hash || strcmp((*place)->name, name) != 0))
        place = &(*place)->next;
    return place;
}

static struct od_sim_disk_entry *entry_new(struct od_memory *memory, const char *name, uint64_t name_hash)
{
    size_t name_bytes = strlen(name) + 1;
    struct od_sim_disk_entry *entry = od_take(memory, sizeof(*entry) + name_bytes);
    if (entry == NULL)
        return NULL;
    entry->name_hash = name_hash;
    entry->name_bytes = name_bytes;
    memcpy(entry->name, name, name_bytes);
    return entry;
}

static void entry_free(struct od_memory *memory, struct od_sim_disk_entry *entry)
{
    if (entry == NULL)
        return;
    if (entry->content != NULL)
        content_drop(memory, entry->content);
    od_give(memory, entry, sizeof(*entry) + entry->name_bytes);
}

/* --- the part's operations -------------------------------------------------------------------- */

static enum od_status disk_create(void *self, const char *name, struct od_file **file_out,
                                  struct od_error *error)
{
    struct od_sim_disk *disk = self;
    *file_out = NULL;
    if (disk->gone)
        return od_disturb_gone(error);
    uint64_t name_hash = name_hash_of(name);
    struct od_sim_disk_entry **place = find_entry(disk, name, name_hash);
    struct od_file *file = od_take(disk->memory, sizeof(*file));
    struct content *content = od_take(disk->memory, sizeof(*content));
    struct od_sim_disk_entry *entry = *place != NULL ? *place : entry_new(disk->memory, name, name_hash);
    if (file == NULL || content == NULL || entry == NULL)
        goto no_memory;
    if (*place == NULL) {
        *place = entry;
        disk->file_count++;
    } else {
        content_drop(disk->memory, entry->content);
    }
    content->holder_count = 2;
    entry->content = content;
    file->content = content;
    disk->open_count++;
    digest_fold(disk, DISK_CREATE, 0, name_hash);
    *file_out = file;
    return OD_OK;
no_memory:
    od_give(disk->memory, file, sizeof(*file));
    od_give(disk->memory, content, sizeof(*content));
    if (*place == NULL)
        entry_free(disk->memory, entry);
    return od_fail(error, OD_NO_MEMORY, "creating a file: %s", name);
}

static enum od_status disk_open(void *self, const char *name, struct od_file **file_out,
                                struct od_error *error)
{
    struct od_sim_disk *disk = self;
    *file_out = NULL;
    if (disk->gone)
        return od_disturb_gone(error);
    uint64_t name_hash = name_hash_of(name);
    struct od_sim_disk_entry *entry = *find_entry(disk, name, name_hash);
    digest_fold(disk, DISK_OPEN, entry != NULL, name_hash);
    if (entry == NULL)
        return od_fail(error, OD_MISSING, "opening a file: %s", name);
    struct od_file *file = od_take(disk->memory, sizeof(*file));
    if (file == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening a file: %s", name);
    file->content = entry->content;
    entry->content->holder_count++;
    disk->open_count++;
    *file_out = file;
    return OD_OK;
}

static bool content_reserve(struct od_memory *memory, struct content *content, size_t size)
{
    if (size <= content->capacity)
        return true;
    size_t capacity = content->capacity == 0 ? size : content->capacity * 2;
    if (capacity < size)
        capacity = size;
    uint8_t *bytes = od_resize(memory, content->bytes, content->capacity, capacity);
    if (bytes == NULL)
        return false;
    content->bytes = bytes;
    content->capacity = capacity;
    return true;
}

static enum od_status disk_write(void *self, struct od_file *file, uint64_t offset, const void *bytes,
                                 size_t size, struct od_error *error)
{
    struct od_sim_disk *disk = self;
    struct content *content = file->content;
    if (disk->gone)
        return od_disturb_gone(error);
    digest_fold(disk, DISK_WRITE, offset, od_hash_bytes(bytes, size, size));
    if (size == 0)
        return OD_OK;
    if (offset > SIZE_MAX / 4 || size > SIZE_MAX / 4 ||
        !content_reserve(disk->memory, content, offset + size))
        return od_fail(error, OD_NO_MEMORY, "writing a file: size=%zu", size);
    if (offset > content->size)
        memset(content->bytes + content->size, 0, offset - content->size);
    memcpy(content->bytes + offset, bytes, size);
    if (offset + size > content->size)
        content->size = offset + size;
    return OD_OK;
}

static enum od_status disk_read(void *self, struct od_file *file, uint64_t offset, void *bytes, size_t size,
                                struct od_error *error)
{
    struct od_sim_disk *disk = self;
    const struct content *content = file->content;
    if (disk->gone)
        return od_disturb_gone(error);
    if (offset > content->size || size > content->size - offset)
        return od_fail(error, OD_CORRUPT, "reading a file: it ends at %zu", content->size);
    if (size > 0)
        memcpy(bytes, content->bytes + offset, size);
    digest_fold(disk, DISK_READ, offset, od_hash_bytes(bytes, size, size));
    return OD_OK;
}

static enum od_status disk_sync(void *self, struct od_file *file, struct od_error *error)
{
    const struct od_sim_disk *disk = self;
    (void)file; /* every write is durable at once; what a crash may lose is a fault's business */
    return disk->gone ? od_disturb_gone(error) : OD_OK;
}

static void disk_close(void *self, struct od_file *file)
{
    struct od_sim_disk *disk = self;
    if (file == NULL)
        return;
    od_assert(disk->open_count > 0);
    disk->open_count--;
    content_drop(disk->memory, file->content);
    od_give(disk->memory, file, sizeof(*file));
}

static enum od_status disk_remove(void *self, const char *name, struct od_error *error)
{
    struct od_sim_disk *disk = self;
    if (disk->gone)
        return od_disturb_gone(error);
    uint64_t name_hash = name_hash_of(name);
    struct od_sim_disk_entry **place = find_entry(disk, name, name_hash);
    struct od_sim_disk_entry *entry = *place;
    digest_fold(disk, DISK_REMOVE, entry != NULL, name_hash);
    if (entry == NULL)
        return od_fail(error, OD_MISSING, "removing a file: %s", name);
    *place = entry->next;
    disk->file_count--;
    entry_free(disk->memory, entry);
    return OD_OK;
}

static const struct od_disk_ops disk_ops = {
    .create = disk_create,
    .open = disk_open,
    .write = disk_write,
    .read = disk_read,
    .sync = disk_sync,
    .close = disk_close,
    .remove = disk_remove,
};

void od_sim_disk_init(struct od_sim_disk *disk, struct od_memory *memory, struct od_digest *digest)
{
    *disk = (struct od_sim_disk){.memory = memory, .digest = digest};
}

struct od_disk od_sim_disk_part(struct od_sim_disk *disk)
{
    return (struct od_disk){.ops = &disk_ops, .self = disk};
}

void od_sim_disk_empty(struct od_sim_disk *disk)
{
    while (disk->entries != NULL) {
        struct od_sim_disk_entry *entry = disk->entries;
        disk->entries = entry->next;
        entry_free(disk->memory, entry);
    }
    disk->file_count = 0;
}
