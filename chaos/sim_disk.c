/* sim_disk: flat names to growing byte arrays.
 *
 *   disk -> entry(name) -> content <- handle (struct od_file)
 *
 * A content is shared by its name and its open handles and goes with the last of them, as on POSIX: a file
 * that was removed or replaced can still be read through an old handle. Entries are a list in order of
 * creation; an actor has few files. Memory is the simulation's: a disk is not part of an executor's
 * budget.
 *
 * A durable disk keeps each content twice, as it is and as it was synced, and the writes in between; a crash makes the
 * first from the other two. Room in the second is taken when a write comes, so that neither sync nor crash needs memory.
 * Names are durable at once. */
#include "chaos/sim_disk.h"

#include <string.h>

#include "chaos/disturb.h"
#include "engine/core/assert.h"

struct image {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
};
struct content {
    uint32_t holder_count;
    struct image now;
    struct image synced; /* of a durable disk */
};
struct od_sim_disk_write {
    struct od_sim_disk_write *next;
    struct content *content; /* borrowed; goes with it */
    uint64_t offset;
    size_t size;
    uint8_t bytes[];
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

enum disk_operation { DISK_CREATE = 1, DISK_OPEN, DISK_WRITE, DISK_READ, DISK_REMOVE, DISK_SYNC };

static bool image_reserve(struct od_memory *memory, struct image *image, size_t size)
{
    if (size <= image->capacity)
        return true;
    size_t capacity = image->capacity == 0 ? size : image->capacity * 2;
    if (capacity < size)
        capacity = size;
    uint8_t *bytes = od_resize(memory, image->bytes, image->capacity, capacity);
    if (bytes == NULL)
        return false;
    image->bytes = bytes;
    image->capacity = capacity;
    return true;
}

static void image_write(struct image *image, uint64_t offset, const void *bytes, size_t size)
{
    od_assert(offset + size <= image->capacity);
    if (size == 0)
        return;
    if (offset > image->size)
        memset(image->bytes + image->size, 0, offset - image->size);
    memcpy(image->bytes + offset, bytes, size);
    if (offset + size > image->size)
        image->size = offset + size;
}

/* Takes the writes to `content` (NULL: all) off the list: the first keep_bytes bytes of them become part of what was
 * synced, but for the lost_write-th. */
static void settle_writes(struct od_sim_disk *disk, const struct content *content, uint64_t keep_bytes,
                          uint32_t lost_write)
{
    struct od_sim_disk_write **place = &disk->unsynced;
    for (uint32_t number = 1; *place != NULL; number++) {
        struct od_sim_disk_write *write = *place;
        if (content != NULL && write->content != content) {
            place = &write->next;
            continue;
        }
        size_t size = write->size < keep_bytes ? write->size : (size_t)keep_bytes;
        if (number != lost_write) {
            image_write(&write->content->synced, write->offset, write->bytes, size);
            keep_bytes -= size;
        }
        *place = write->next;
        od_give(disk->memory, write, sizeof(*write) + write->size);
    }
}

static void content_drop(struct od_sim_disk *disk, struct content *content)
{
    od_assert(content->holder_count > 0);
    if (--content->holder_count > 0)
        return;
    settle_writes(disk, content, 0, 0);
    od_give(disk->memory, content->now.bytes, content->now.capacity);
    od_give(disk->memory, content->synced.bytes, content->synced.capacity);
    od_give(disk->memory, content, sizeof(*content));
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

static void entry_free(struct od_sim_disk *disk, struct od_sim_disk_entry *entry)
{
    if (entry == NULL)
        return;
    if (entry->content != NULL)
        content_drop(disk, entry->content);
    od_give(disk->memory, entry, sizeof(*entry) + entry->name_bytes);
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
        content_drop(disk, entry->content);
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
        entry_free(disk, entry);
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

/* Keeps what was written, and room for it to be synced. False: no memory. */
static bool note_unsynced(struct od_sim_disk *disk, struct content *content, uint64_t offset,
                          const void *bytes, size_t size)
{
    struct od_sim_disk_write **last = &disk->unsynced;
    if (!image_reserve(disk->memory, &content->synced, offset + size))
        return false;
    struct od_sim_disk_write *write = od_take(disk->memory, sizeof(*write) + size);
    if (write == NULL)
        return false;
    write->content = content;
    write->offset = offset;
    write->size = size;
    memcpy(write->bytes, bytes, size);
    while (*last != NULL)
        last = &(*last)->next;
    *last = write;
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
        !image_reserve(disk->memory, &content->now, offset + size) ||
        (disk->is_durable && !note_unsynced(disk, content, offset, bytes, size)))
        return od_fail(error, OD_NO_MEMORY, "writing a file: size=%zu", size);
    image_write(&content->now, offset, bytes, size);
    return OD_OK;
}

static enum od_status disk_read(void *self, struct od_file *file, uint64_t offset, void *bytes, size_t size,
                                struct od_error *error)
{
    struct od_sim_disk *disk = self;
    const struct image *image = &file->content->now;
    if (disk->gone)
        return od_disturb_gone(error);
    if (offset > image->size || size > image->size - offset)
        return od_fail(error, OD_CORRUPT, "reading a file: it ends at %zu", image->size);
    if (size > 0)
        memcpy(bytes, image->bytes + offset, size);
    digest_fold(disk, DISK_READ, offset, od_hash_bytes(bytes, size, size));
    return OD_OK;
}

static enum od_status disk_sync(void *self, struct od_file *file, struct od_error *error)
{
    struct od_sim_disk *disk = self;
    if (disk->gone)
        return od_disturb_gone(error);
    if (disk->is_durable) {
        digest_fold(disk, DISK_SYNC, 0, file->content->now.size);
        settle_writes(disk, file->content, UINT64_MAX, 0);
    }
    return OD_OK;
}

static enum od_status disk_size(void *self, struct od_file *file, uint64_t *bytes_out, struct od_error *error)
{
    const struct od_sim_disk *disk = self;
    *bytes_out = file->content->now.size;
    return disk->gone ? od_disturb_gone(error) : OD_OK;
}

static void disk_close(void *self, struct od_file *file)
{
    struct od_sim_disk *disk = self;
    if (file == NULL)
        return;
    od_assert(disk->open_count > 0);
    disk->open_count--;
    content_drop(disk, file->content);
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
    entry_free(disk, entry);
    return OD_OK;
}

static const struct od_disk_ops disk_ops = {
    .create = disk_create,
    .open = disk_open,
    .write = disk_write,
    .read = disk_read,
    .sync = disk_sync,
    .size = disk_size,
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
        entry_free(disk, entry);
    }
    disk->file_count = 0;
}

void od_sim_disk_crash(struct od_sim_disk *disk, uint64_t keep_bytes, uint32_t lost_write)
{
    od_assert(disk->is_durable);
    settle_writes(disk, NULL, keep_bytes, lost_write);
    for (struct od_sim_disk_entry *entry = disk->entries; entry != NULL; entry = entry->next) {
        const struct image *synced = &entry->content->synced;
        entry->content->now.size = 0;
        image_write(&entry->content->now, 0, synced->bytes, synced->size);
        digest_fold(disk, DISK_SYNC, 1, od_hash_bytes(synced->bytes, synced->size, synced->size));
    }
}
