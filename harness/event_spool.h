/* event_spool: the events of a cluster's processes, on their way to the process that supervises them.
 *
 *   driver, executors: each appends its events to a file of its own --> supervisor: reads what is new, in order of time --> od_trace
 *
 * Every event is handed to the system when it happens: a process that is killed loses none. The clock is the machine's, so times of
 * several processes can be compared; the merge holds back what is younger than a few milliseconds, because somebody may still have to
 * tell of something earlier. Files are between processes of one binary. */
#ifndef OD_HARNESS_EVENT_SPOOL_H
#define OD_HARNESS_EVENT_SPOOL_H

#include "engine/core/memory.h"
#include "engine/world/event.h"

/* --- the writing end */

struct od_event_spool {
    int file; /* -1: closed */
};
/* Goes on behind what earlier lives of the process wrote. MISSING, BAD_INPUT (the path), IO. */
enum od_status od_event_spool_open(const char *path, struct od_event_spool *spool_out,
                                   struct od_error *error);
void od_event_spool_close(struct od_event_spool *spool);
/* What cannot be written is lost: a disk that is full stops no query. The spool outlives the trace. */
struct od_trace od_event_spool_trace(struct od_event_spool *spool);

/* --- the reading end */

struct od_event_merge;
/* `memory` is borrowed. NULL on refusal. */
struct od_event_merge *od_event_merge_new(struct od_memory *memory);
void od_event_merge_free(struct od_event_merge *merge); /* NULL is fine */
/* One more file, which need not be there yet; the path is copied. NO_MEMORY. */
enum od_status od_event_merge_add(struct od_event_merge *merge, const char *path, struct od_error *error);
/* Hands on, in order of time (then of the files), every event up to `until_ns` that was not handed on before. NO_MEMORY, IO. */
enum od_status od_event_merge_read(struct od_event_merge *merge, uint64_t until_ns,
                                   const struct od_trace *trace, struct od_error *error);

#endif
