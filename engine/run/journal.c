/* journal: records chained by their checksums.
 *
 *   header   "ORDEALJ1" | version u32 | life u32 | check u64            written when the file is made
 *   record   size u32 | kind u32 | check u64 | payload                  kind 0: "opened" (payload: life u64 | drawn u64)
 *            check = xxh3(size, kind, payload; seed: the check before it)            all numbers little-endian
 *
 * Reading stops at the first record that is cut or whose check is wrong; the next one is written over it, there is no
 * need to cut the file. What lies behind it then must never count again, although it was good once: a write that was lost,
 * written again as it was, would fit in front of the one behind it. Therefore each opening begins with a record that
 * no other one has, so that every chain of checks belongs to one opening only; and where anything lies behind, that record is
 * synced before anybody hears what was read: half of it may be just what the cut record had lost.
 *
 * A header that does not hold is that of a journal whose making was not finished: it is made anew. */
#include "engine/run/journal.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/buffer.h"

#define VERSION      1u
#define HEADER_BYTES 24u
#define RECORD_BYTES 16u
#define KIND_OPENED  0u

static const char magic[8] = {'O', 'R', 'D', 'E', 'A', 'L', 'J', '1'};

struct od_journal {
    struct od_world *world;   /* borrowed */
    struct od_file *file;     /* owned */
    uint64_t end;             /* of what was written */
    uint64_t chain;           /* the check of the last record appended */
    struct od_buffer waiting; /* appended and not written */
    struct od_error failure;  /* what it can't recover from; OK: none */
};

/* --- records ------------------------------------------------------------------------------------------------------ */

static uint64_t record_check(uint64_t chain, uint32_t kind, const uint8_t *payload, size_t size)
{
    return od_hash_bytes(payload, size, od_mix_two(chain, (uint64_t)size << 32 | kind));
}

static enum od_status append(struct od_journal *journal, uint32_t kind, const void *payload, size_t size,
                             struct od_error *error)
{
    uint64_t check = record_check(journal->chain, kind, payload, size);
    if (!od_buffer_reserve(&journal->waiting, RECORD_BYTES + size)) {
        journal->waiting.failed = false; /* it holds whole records still */
        return od_fail(error, OD_NO_MEMORY, "appending to a journal: size=%zu", size);
    }
    od_buffer_append_u32(&journal->waiting, (uint32_t)size);
    od_buffer_append_u32(&journal->waiting, kind);
    od_buffer_append_u64(&journal->waiting, check);
    od_buffer_append(&journal->waiting, payload, size);
    journal->chain = check;
    return OD_OK;
}

/* Takes the next record. False: the journal ends here. */
static bool next_record(struct od_reader *reader, uint64_t *chain, struct od_journal_record *record_out)
{
    uint32_t size = od_reader_u32(reader);
    uint32_t kind = od_reader_u32(reader);
    uint64_t check = od_reader_u64(reader);
    const uint8_t *payload = od_reader_bytes(reader, size);
    *record_out = (struct od_journal_record){kind, payload, size};
    if (reader->failed || size > OD_JOURNAL_PAYLOAD_MAX || check != record_check(*chain, kind, payload, size))
        return false;
    *chain = check;
    return true;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* Of the records to come: like no other journal's, and no other opening's. */
static enum od_status append_opening(struct od_journal *journal, struct od_error *error)
{
    struct od_world *world = journal->world;
    const uint64_t opening[2] = {world->incarnation, od_random_below(&world->random, UINT64_MAX)};
    return append(journal, KIND_OPENED, opening, sizeof(opening), error);
}

static enum od_status make(struct od_journal *journal, const char *name, struct od_error *error)
{
    const struct od_world *world = journal->world;
    world->disk.ops->close(world->disk.self, journal->file);
    journal->end = 0;
    OD_TRY(world->disk.ops->create(world->disk.self, name, &journal->file, error));
    od_buffer_append(&journal->waiting, magic, sizeof(magic));
    od_buffer_append_u32(&journal->waiting, VERSION);
    od_buffer_append_u32(&journal->waiting, world->incarnation);
    journal->chain = od_hash_bytes(journal->waiting.bytes, journal->waiting.size, 0);
    if (!od_buffer_append_u64(&journal->waiting, journal->chain))
        return od_fail(error, OD_NO_MEMORY, "making a journal: %s", name);
    return append_opening(journal, error);
}

static enum od_status read_records(struct od_journal *journal, const uint8_t *bytes, size_t size,
                                   struct od_journal_reader reader, struct od_error *error)
{
    struct od_reader cursor = {.bytes = bytes, .size = size, .offset = HEADER_BYTES};
    struct od_journal_record record;
    for (journal->end = HEADER_BYTES; next_record(&cursor, &journal->chain, &record);
         journal->end = cursor.offset)
        if (record.kind != KIND_OPENED)
            OD_TRY(reader.record(reader.self, &record, error));
    return append_opening(journal, error);
}

static enum od_status read_back(struct od_journal *journal, const char *name, const uint8_t *bytes,
                                size_t size, struct od_journal_reader reader, struct od_error *error)
{
    struct od_reader cursor = {.bytes = bytes, .size = size};
    const uint8_t *found = od_reader_bytes(&cursor, sizeof(magic));
    uint32_t version = od_reader_u32(&cursor);
    (void)od_reader_u32(&cursor);
    journal->chain = od_reader_u64(&cursor);
    bool is_whole = !cursor.failed && memcmp(found, magic, sizeof(magic)) == 0 &&
                    journal->chain == od_hash_bytes(bytes, HEADER_BYTES - sizeof(uint64_t), 0);
    if (!is_whole)
        return make(journal, name, error);
    if (version != VERSION)
        return od_fail(error, OD_UNSUPPORTED, "opening a journal: %s: it is of version %u, this is %u", name,
                       version, VERSION);
    return read_records(journal, bytes, size, reader, error);
}

/* Of a file that is there. */
static enum od_status read_file(struct od_journal *journal, const char *name, struct od_journal_reader reader,
                                struct od_error *error)
{
    const struct od_disk *disk = &journal->world->disk;
    uint64_t size = 0;
    OD_TRY(disk->ops->size(disk->self, journal->file, &size, error));
    uint8_t *bytes = size > SIZE_MAX / 2 ? NULL : od_take(journal->world->memory, (size_t)size + 1);
    if (bytes == NULL)
        return od_fail(error, OD_NO_MEMORY, "reading a journal: size=%llu", (unsigned long long)size);
    enum od_status status = disk->ops->read(disk->self, journal->file, 0, bytes, (size_t)size, error);
    if (status == OD_OK)
        status = read_back(journal, name, bytes, (size_t)size, reader, error);
    if (status == OD_OK && size > journal->end) /* what is not believed now must not be later */
        status = od_journal_sync(journal, error);
    od_give(journal->world->memory, bytes, (size_t)size + 1);
    return status;
}

enum od_status od_journal_open(struct od_world *world, const char *name, struct od_journal_reader reader,
                               struct od_journal **journal_out, struct od_error *error)
{
    *journal_out = NULL;
    struct od_journal *journal = od_take(world->memory, sizeof(*journal));
    if (journal == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening a journal: %s", name);
    journal->world = world;
    od_buffer_init(&journal->waiting, world->memory);
    enum od_status status = world->disk.ops->open(world->disk.self, name, &journal->file, error);
    if (status == OD_OK)
        status = read_file(journal, name, reader, error);
    else if (status == OD_MISSING)
        status = make(journal, name, error);
    if (status == OD_OK)
        *journal_out = journal;
    else
        od_journal_close(journal);
    return status;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

enum od_status od_journal_append(struct od_journal *journal, uint32_t kind, const void *payload, size_t size,
                                 struct od_error *error)
{
    od_assert(kind != KIND_OPENED);
    od_assert(size <= OD_JOURNAL_PAYLOAD_MAX);
    return append(journal, kind, payload, size, error);
}

static enum od_status fail(struct od_journal *journal, enum od_status status, const struct od_error *why,
                           struct od_error *error)
{
    if (status == OD_OK)
        return OD_OK;
    journal->failure = *why;
    journal->failure.status = status;
    if (error != NULL)
        *error = journal->failure;
    return status;
}

enum od_status od_journal_write(struct od_journal *journal, struct od_error *error)
{
    const struct od_world *world = journal->world;
    const struct od_site site = OD_SITE_ANY;
    struct od_buffer *waiting = &journal->waiting;
    struct od_error why = {0};
    if (journal->failure.status != OD_OK)
        return fail(journal, journal->failure.status, &journal->failure, error);
    if (waiting->size == 0)
        return OD_OK;
    struct od_point_bytes bytes = {waiting->bytes, waiting->size};
    enum od_status status = od_point_hit(&world->points, OD_POINT_JOURNAL_WRITE, &site, &bytes, &why);
    if (status == OD_OK)
        status = world->disk.ops->write(world->disk.self, journal->file, journal->end, waiting->bytes,
                                        waiting->size, &why);
    journal->end += waiting->size;
    od_buffer_reset(waiting);
    return fail(journal, status, &why, error);
}

enum od_status od_journal_sync(struct od_journal *journal, struct od_error *error)
{
    const struct od_world *world = journal->world;
    const struct od_site site = OD_SITE_ANY;
    struct od_error why = {0};
    OD_TRY(od_journal_write(journal, error));
    enum od_status status = od_point_hit(&world->points, OD_POINT_JOURNAL_SYNC, &site, NULL, &why);
    if (status == OD_OK)
        status = world->disk.ops->sync(world->disk.self, journal->file, &why);
    return fail(journal, status, &why, error);
}

void od_journal_close(struct od_journal *journal)
{
    if (journal == NULL)
        return;
    const struct od_world *world = journal->world;
    world->disk.ops->close(world->disk.self, journal->file);
    od_buffer_release(&journal->waiting);
    od_give(world->memory, journal, sizeof(*journal));
}

enum od_status od_journal_remove(const struct od_world *world, const char *name, struct od_error *error)
{
    return world->disk.ops->remove(world->disk.self, name, error);
}
