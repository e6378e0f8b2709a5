/* posix_lifeline: ends a process whose parent is gone, whatever its loop is doing.
 *
 * A child's stdin is a pipe into which its parent writes nothing; the system closes it when the parent dies,
 * however it dies. A thread waits for that, asks the process to end, and ends it itself when that takes too
 * long. A child that was stopped (SIGSTOP) is continued by the system at the parent's death
 * (PR_SET_PDEATHSIG), so that it notices. */
#ifndef OD_WORLD_POSIX_LIFELINE_H
#define OD_WORLD_POSIX_LIFELINE_H

#include "engine/core/memory.h"
#include "engine/core/status.h"

struct od_lifeline;

/* Exit status of a process that had to be ended from here. */
#define OD_LIFELINE_EXIT 125

/* Watches `descriptor` (borrowed). At its end calls on_end(self), on its own thread and once, and after
 * grace_ns without od_lifeline_free _exit. NO_MEMORY (also for a thread), IO. */
enum od_status od_lifeline_new(struct od_memory *memory, int descriptor, uint64_t grace_ns,
                               void (*on_end)(void *self), void *self, struct od_lifeline **lifeline_out,
                               struct od_error *error);
void od_lifeline_free(struct od_lifeline *lifeline); /* NULL is fine */

#endif
