/* wrap_record: see wrap_record.h. First memory for the note, then the call below, then the note counts. */
#include "chaos/wrap_record.h"

#include <string.h>

#include "chaos/crash_states.h"

struct od_file {
    struct od_file *below; /* owned; NULL: opened while a state was shown */
    const char *name;      /* the log's */
    uint32_t number;
};

/* The number of the file of that name; 0: there is none. */
static uint32_t find_file(const struct od_wrap_record *record, const char *name, const char **name_out)
{
    for (uint32_t i = record->note_count; i > 0; i--) {
        const struct od_disk_note *note = &record->notes[i - 1];
        if (strcmp(note->name, name) != 0)
            continue;
        *name_out = note->name;
        return note->change == OD_DISK_REMOVED ? 0 : note->file;
    }
    return 0;
}

/* The place of the next note, which does not count yet; NULL: no memory. */
static struct od_disk_note *next_note(struct od_wrap_record *record)
{
    return od_grow(record->memory, &record->notes, &record->note_capacity, record->note_count + UINT64_C(1),
                   sizeof(*record->notes))
               ? &record->notes[record->note_count]
               : NULL;
}

static enum od_status no_memory(struct od_error *error)
{
    return od_fail(error, OD_NO_MEMORY, "writing down what becomes of a disk");
}

static enum od_status record_create(void *self, const char *name, struct od_file **file_out, struct od_error *error)
{
    struct od_wrap_record *record = self;
    struct od_disk_note *note = next_note(record);
    struct od_file *file = od_take(record->memory, sizeof(*file));
    const char *kept = NULL;
    uint32_t number = find_file(record, name, &kept);
    enum od_status status = OD_NO_MEMORY;
    *file_out = NULL;
    if (kept == NULL)
        kept = od_arena_copy_text(&record->log_arena, name, strlen(name));
    if (note == NULL || file == NULL || kept == NULL)
        no_memory(error);
    else
        status = record->below.ops->create(record->below.self, name, &file->below, error);
    if (status != OD_OK) {
        od_give(record->memory, file, sizeof(*file));
        return status;
    }
    file->name = kept;
    file->number = number != 0 ? number : ++record->file_count;
    *note = (struct od_disk_note){
        .change = number != 0 ? OD_DISK_CUT : OD_DISK_MADE, .file = file->number, .name = kept};
    record->note_count++;
    *file_out = file;
    return OD_OK;
}

static enum od_status record_open(void *self, const char *name, struct od_file **file_out, struct od_error *error)
{
    struct od_wrap_record *record = self;
    struct od_file *file = od_take(record->memory, sizeof(*file));
    enum od_status status = OD_OK;
    *file_out = NULL;
    if (file == NULL)
        return no_memory(error);
    file->number = find_file(record, name, &file->name);
    if (record->shown == NULL)
        status = record->below.ops->open(record->below.self, name, &file->below, error);
    else if (od_crash_state_find(record->shown, name) == NULL)
        status = od_fail(error, OD_MISSING, "opening a file: %s", name);
    if (status == OD_OK)
        *file_out = file;
    else
        od_give(record->memory, file, sizeof(*file));
    return status;
}

static enum od_status record_write(void *self, struct od_file *file, uint64_t offset, const void *bytes, size_t size,
                                   struct od_error *error)
{
    struct od_wrap_record *record = self;
    struct od_disk_note *note = next_note(record);
    uint8_t *kept = od_arena_take_raw(&record->log_arena, size == 0 ? 1 : size);
    if (note == NULL || kept == NULL)
        return no_memory(error);
    if (size != 0)
        memcpy(kept, bytes, size);
    *note = (struct od_disk_note){OD_DISK_WRITTEN, file->number, file->name, offset, size, kept};
    enum od_status status = record->below.ops->write(record->below.self, file->below, offset, bytes, size, error);
    record->note_count += status != OD_EXECUTOR_GONE;
    return status;
}

static enum od_status record_read(void *self, struct od_file *file, uint64_t offset, void *bytes, size_t size,
                                  struct od_error *error)
{
    const struct od_wrap_record *record = self;
    if (record->shown == NULL)
        return record->below.ops->read(record->below.self, file->below, offset, bytes, size, error);
    const struct od_crash_file *shown = od_crash_state_find(record->shown, file->name);
    if (shown == NULL || offset > shown->size || size > shown->size - offset)
        return od_fail(error, OD_CORRUPT, "reading a file: it ends early");
    if (size != 0)
        memcpy(bytes, shown->bytes + offset, size);
    return OD_OK;
}

static enum od_status record_sync(void *self, struct od_file *file, struct od_error *error)
{
    struct od_wrap_record *record = self;
    struct od_disk_note *note = next_note(record);
    if (note == NULL)
        return no_memory(error);
    OD_TRY(record->below.ops->sync(record->below.self, file->below, error));
    *note = (struct od_disk_note){.change = OD_DISK_SYNCED, .file = file->number, .name = file->name};
    record->note_count++;
    return OD_OK;
}

static enum od_status record_size(void *self, struct od_file *file, uint64_t *bytes_out, struct od_error *error)
{
    const struct od_wrap_record *record = self;
    if (record->shown == NULL)
        return record->below.ops->size(record->below.self, file->below, bytes_out, error);
    const struct od_crash_file *shown = od_crash_state_find(record->shown, file->name);
    *bytes_out = shown == NULL ? 0 : shown->size;
    return OD_OK;
}

static void record_close(void *self, struct od_file *file)
{
    struct od_wrap_record *record = self;
    if (file == NULL)
        return;
    record->below.ops->close(record->below.self, file->below);
    od_give(record->memory, file, sizeof(*file));
}

static enum od_status record_remove(void *self, const char *name, struct od_error *error)
{
    struct od_wrap_record *record = self;
    struct od_disk_note *note = next_note(record);
    const char *kept = NULL;
    uint32_t number = find_file(record, name, &kept);
    if (note == NULL)
        return no_memory(error);
    OD_TRY(record->below.ops->remove(record->below.self, name, error));
    if (number == 0) /* it was there before the log began */
        return OD_OK;
    *note = (struct od_disk_note){.change = OD_DISK_REMOVED, .file = number, .name = kept};
    record->note_count++;
    return OD_OK;
}

static const struct od_disk_ops record_ops = {
    .create = record_create,
    .open = record_open,
    .write = record_write,
    .read = record_read,
    .sync = record_sync,
    .size = record_size,
    .close = record_close,
    .remove = record_remove,
};

void od_wrap_record_init(struct od_wrap_record *record, struct od_memory *memory, const struct od_disk *below)
{
    *record = (struct od_wrap_record){.below = *below, .memory = memory};
    od_arena_init(&record->log_arena, memory, 0);
}

void od_wrap_record_release(struct od_wrap_record *record)
{
    od_give(record->memory, record->notes, record->note_capacity * sizeof(*record->notes));
    od_arena_release(&record->log_arena);
}

struct od_disk od_wrap_record_part(struct od_wrap_record *record)
{
    return (struct od_disk){.ops = &record_ops, .self = record};
}

void od_wrap_record_show(struct od_wrap_record *record, const struct od_crash_state *state)
{
    record->shown = state;
}
