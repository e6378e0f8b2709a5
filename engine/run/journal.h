/* journal: a file of records that survives the one who writes it, on the disk of a world.
 *
 *   od_journal_open (reads back what is there) -> _append ... -> _write | _sync -> ... -> _close      od_journal_remove
 *
 * Promise: whatever was synced is read back; of what came later a prefix, in order, is. A record is given whole and as it
 * was, or not at all, whichever bytes behind the last sync a crash kept, tore or lost. Damage anywhere ends the journal
 * before it. What a record means is its writer's business. */
#ifndef OD_RUN_JOURNAL_H
#define OD_RUN_JOURNAL_H

#include "engine/world/world.h"

#define OD_JOURNAL_PAYLOAD_MAX (UINT32_C(1) << 26)

struct od_journal;

struct od_journal_record {
    uint32_t kind;          /* from 1 on */
    const uint8_t *payload; /* borrowed until the reader returns; not aligned */
    size_t size;
};
/* Called by od_journal_open for each record, in order; another status than OK ends the opening with it. */
struct od_journal_reader {
    enum od_status (*record)(void *self, const struct od_journal_record *record, struct od_error *error);
    void *self;
};

/* Makes the file or goes on behind its last whole record. The world (memory, disk, random, points) is borrowed
 * until _close. When it returns, no later opening will read more than it has. Fails with NO_MEMORY, IO,
 * UNSUPPORTED (another version's journal, which is left as it is), what the reader or a point said; *journal_out is
 * then NULL, and the journal can be opened again. */
enum od_status od_journal_open(struct od_world *world, const char *name, struct od_journal_reader reader,
                               struct od_journal **journal_out, struct od_error *error);
/* Keeps a copy until it is written. NO_MEMORY: the record is not in the journal, which stays good. */
enum od_status od_journal_append(struct od_journal *journal, uint32_t kind, const void *payload, size_t size,
                                 struct od_error *error);
/* Hands all that was appended to the disk: it survives the process. _sync: and the machine. After a failure (IO, or what a
 * point said) the journal takes nothing more and repeats its answer: what the disk holds is known only by opening it again. */
enum od_status od_journal_write(struct od_journal *journal, struct od_error *error);
enum od_status od_journal_sync(struct od_journal *journal, struct od_error *error);
/* What was appended and not written is lost. NULL is fine. */
void od_journal_close(struct od_journal *journal);
/* MISSING when there is none. */
enum od_status od_journal_remove(const struct od_world *world, const char *name, struct od_error *error);

#endif
