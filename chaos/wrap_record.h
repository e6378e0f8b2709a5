/* wrap_record: around a disk: writes down all that changes what is on it, for crash_states.h.
 *
 *   actor -> wrap_record: noted : next -> the disk below
 *
 * A file is known by its number: a name that is removed and made again is another file, one that is made again without is the same,
 * cut to nothing. Not thread-safe. */
#ifndef OD_CHAOS_WRAP_RECORD_H
#define OD_CHAOS_WRAP_RECORD_H

#include "engine/core/arena.h"
#include "engine/world/world.h"

enum od_disk_change { OD_DISK_MADE = 1, OD_DISK_CUT, OD_DISK_WRITTEN, OD_DISK_SYNCED, OD_DISK_REMOVED };

struct od_disk_note {
    enum od_disk_change change;
    uint32_t file;
    const char *name;     /* of the file when this was noted; the log's */
    uint64_t offset;      /* WRITTEN */
    size_t size;          /* likewise */
    const uint8_t *bytes; /* likewise; the log's */
};

struct od_crash_state;

struct od_wrap_record {
    struct od_disk below;            /* borrowed */
    struct od_memory *memory;        /* borrowed; for the log and the handles */
    struct od_arena log_arena;       /* names and bytes */
    struct od_disk_note *notes;      /* owned; in order */
    uint32_t note_count;
    uint32_t note_capacity;
    uint32_t file_count;
    const struct od_crash_state *shown; /* borrowed; see below */
};

/* All is borrowed until _release; every handle must be closed by then. */
void od_wrap_record_init(struct od_wrap_record *record, struct od_memory *memory, const struct od_disk *below);
void od_wrap_record_release(struct od_wrap_record *record);
/* The part for a world. Each of its calls may fail with NO_MEMORY beside what the disk below says. A write is noted though it fails:
 * some of it may be there, unless its writer is gone. */
struct od_disk od_wrap_record_part(struct od_wrap_record *record);
/* From here on what is opened and read is what this state has (NULL: what the disk below has): for readers that outlive the crash of
 * their disk. Through handles that were open before, too. */
void od_wrap_record_show(struct od_wrap_record *record, const struct od_crash_state *state);

#endif
