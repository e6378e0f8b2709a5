/* crash_states: what a disk may hold after the machine under it ended, from what was done to it (wrap_record.h).
 *
 *   log  MADE WRITTEN SYNCED WRITTEN | WRITTEN ...        the machine ends behind any of them
 *              settled             \_ waiting: each may have reached the disk, in part, in any order
 *
 * A sync settles what was written to its file, and every name made or removed before. Of what waits these are tried, behind each
 * operation:
 *   subsets    all, when at most subset_max changes wait; else every prefix and suffix, all but one, all but two, one alone, and
 *              random_count drawn ones: `cut` counts where that was not all
 *   tears      of each write only the bytes in front of a place, only those behind it, all but one sector, none (its length came, its
 *              bytes did not): at sectors, at the first and last bytes (headers, checksums), every byte if asked. What is missing
 *              is what was there, or zeros, or garbage, or what another file once had at this place. The other changes: all there,
 *              those before it, none
 *   order      of two writes that overlap the earlier one last
 * Equal states behind one operation are shown once. Deterministic. */
#ifndef OD_CHAOS_CRASH_STATES_H
#define OD_CHAOS_CRASH_STATES_H

#include "chaos/wrap_record.h"
#include "engine/core/buffer.h"

#define OD_CRASH_SECTOR_BYTES 512u

struct od_crash_walk; /* private */

struct od_crash_file {
    const char *name;
    const uint8_t *bytes;
    size_t size;
};
/* Lives until the visitor returns. */
struct od_crash_state {
    const struct od_crash_file *files; /* by name */
    uint32_t file_count;
    uint32_t behind; /* how many operations of the log were done */
    const struct od_crash_walk *walk;
};
/* NULL: there is no such file. */
const struct od_crash_file *od_crash_state_find(const struct od_crash_state *state, const char *name);
/* Puts the files on a disk that has none, synced. What the disk says. */
enum od_status od_crash_state_put(const struct od_crash_state *state, const struct od_disk *disk,
                                  struct od_error *error);
/* "behind operation 7 of 12: 5 lost, 6 (40 bytes of q1.journal at 24) torn: [16, 40) is zeros". False: no memory. */
bool od_crash_state_print(const struct od_crash_state *state, struct od_buffer *buffer);

struct od_crash_options {
    uint32_t first;          /* behind which operations: from this one on, ... */
    uint32_t last;           /* ... to this one; 0: all */
    uint32_t subset_max;     /* 0: 8; at most 20 */
    uint32_t random_count;   /* 0: 64 */
    bool names_at_once;      /* names are there, or gone, as soon as they are made or removed */
    bool tears_at_each_byte; /* else at sectors, near both ends, and where powers of two are */
    uint64_t seed;
};
/* Another status than OK ends it. */
struct od_crash_visitor {
    enum od_status (*visit)(void *self, const struct od_crash_state *state, struct od_error *error);
    void *self;
};
struct od_crash_facts {
    uint64_t places; /* operations behind which the machine ended */
    uint64_t states; /* that were shown */
    uint64_t equal;  /* that were not, as an equal one was */
    uint64_t cut;    /* places with more subsets than were tried */
};

/* Shows every state. What the visitor said; NO_MEMORY. `facts_out` is added to. */
enum od_status od_crash_states(struct od_memory *memory, const struct od_wrap_record *log,
                               const struct od_crash_options *options, struct od_crash_visitor visitor,
                               struct od_crash_facts *facts, struct od_error *error);

#endif
