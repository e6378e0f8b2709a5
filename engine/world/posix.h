/* posix: the parts of the world on an ordinary machine: memory, clock, a seed, a disk over one directory.
 *
 * Only engine/world/posix* may name malloc, the clock, files, threads or the system's random numbers; ci/check_seam looks
 * at the object files. A part is made here and put into a `struct od_world` by a host (posix_threads.h) or a program. */
#ifndef OD_WORLD_POSIX_H
#define OD_WORLD_POSIX_H

#include "engine/world/world.h"

/* malloc, realloc and free behind the interface. Shared, thread-safe, never released. */
struct od_memory *od_posix_memory(void);

/* CLOCK_MONOTONIC, in nanoseconds. Thread-safe. */
struct od_clock od_posix_clock(void);

/* A seed from the system's random source, for when a user gives none: print it, so that a run can be repeated. */
uint64_t od_posix_seed(void);

/* A disk over one directory, for one actor. Not thread-safe, but for use by one thread at a time. */
struct od_posix_disk;

/* Opens `directory`, and makes it (its last part only) when it is not there. The text is copied; `memory` is borrowed.
 * Fails with NO_MEMORY, or with BAD_INPUT (the path) or IO when the directory can't be made or entered; *disk_out is then NULL. */
enum od_status od_posix_disk_new(struct od_memory *memory, const char *directory,
                                 struct od_posix_disk **disk_out, struct od_error *error);
/* What goes into od_world.disk; lives as long as the disk. A name is flat: not empty, no '/', not "." or "..".
 * `create` replaces a file of the same name. Statuses are those of world.h, and NO_MEMORY. */
struct od_disk od_posix_disk_part(struct od_posix_disk *disk);
/* How many files are open: not 0 once its actor is gone means that the actor leaks. */
uint64_t od_posix_disk_open_files(const struct od_posix_disk *disk);
/* Keeps the directory for this disk alone, and takes over what an earlier life left in it: its files count as made through this disk,
 * the directory too. Fails with NO_MEMORY, IO, or BAD_INPUT: a directory that is neither empty nor was a disk's (it has no file
 * .ordeal-disk), or that another disk has; nothing in it is touched then. */
enum od_status od_posix_disk_adopt(struct od_posix_disk *disk, struct od_error *error);
/* Removes every file that was made through this disk and is still there, as when a machine is lost. Open files stay
 * usable until they are closed. Goes on after a failure and reports the first one. */
enum od_status od_posix_disk_empty(struct od_posix_disk *disk, struct od_error *error);
/* Removes the files made through this disk, then the directory if this disk made it and nothing else is in it.
 * A file that is still open leaks its descriptor. NULL is fine. */
void od_posix_disk_free(struct od_posix_disk *disk);

#endif
