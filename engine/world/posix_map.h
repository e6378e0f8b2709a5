/* posix_map: files that many processes read at once where they lie: written whole or not at all, mapped to be read.
 *
 * A file is written under a name that tells who is writing it ("NAME.PID.part"), and renamed; so whoever finds NAME
 * finds all of it, and what a dead writer has left is known by its name and swept. */
#ifndef OD_WORLD_POSIX_MAP_H
#define OD_WORLD_POSIX_MAP_H

#include "engine/core/buffer.h"
#include "engine/core/status.h"

/* Writes the parts one behind the other. A file of that name is replaced, and those who have it mapped keep it. IO; nothing of that
 * name has changed then. `outlives` the machine's end: else only that of processes, which takes a tenth of the time. */
enum od_status od_posix_file_put(const char *directory, const char *name, const struct od_piece *parts,
                                 uint32_t part_count, bool outlives, struct od_error *error);
/* Removes what was being written there when processes were killed. For who alone writes there, and does not now: no number of a
 * process tells whether it lives, as other containers may have the directory too. IO when the directory can't be read. */
enum od_status od_posix_file_sweep(const char *directory, struct od_error *error);

/* Read-only; begins at a page. Reading beyond what somebody has cut off the file ends the process: such files are replaced, not
 * changed. MISSING, IO; *span_out is empty then. An empty file has no bytes and a NULL pointer. */
enum od_status od_posix_map(const char *directory, const char *name, struct od_piece *span_out, struct od_error *error);
void od_posix_unmap(struct od_piece *span);

#endif
