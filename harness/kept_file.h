/* kept_file: what a process leaves to its next life, one file each: there as it was given, or not there.
 *
 *   check u64 of all that follows | sizes of the parts, u64 each | the parts       written as posix_map.h does: aside, then renamed
 *
 * Without `outlives` a crash of the machine may leave a name with other bytes, or none; the check tells. */
#ifndef OD_HARNESS_KEPT_FILE_H
#define OD_HARNESS_KEPT_FILE_H

#include "engine/core/buffer.h"
#include "engine/core/status.h"

#define OD_KEPT_PARTS_MAX 4

struct od_kept_file {
    struct od_piece span;    /* owned */
    struct od_reader reader; /* over what was given, in `span` */
};

/* IO. `outlives` the end of the machine; else that of the process. */
enum od_status od_kept_put(const char *folder, const char *name, const struct od_piece *parts, uint32_t part_count,
                           bool outlives, struct od_error *error);
/* MISSING, CORRUPT, IO: there is nothing to release. */
enum od_status od_kept_open(const char *folder, const char *name, struct od_kept_file *file_out, struct od_error *error);
void od_kept_close(struct od_kept_file *file);

#endif
