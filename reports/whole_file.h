/* whole_file: files read or replaced as a whole, and the directories they need. Internal to reports.
 *
 * Replacing writes PATH.tmp.PID, syncs it, renames it over PATH and syncs the directory: whoever reads PATH
 * sees the old or the new content, also after a kill or a power cut. What is there and no plain file (a device, a
 * pipe, a link) is written to as it is, never replaced. */
#ifndef OD_REPORTS_WHOLE_FILE_H
#define OD_REPORTS_WHOLE_FILE_H

#include "engine/core/buffer.h"
#include "engine/core/status.h"

/* Appends the file's bytes to `out`. MISSING when there is no such file; IO; NO_MEMORY. */
enum od_status od_whole_file_read(const char *path, struct od_buffer *out, struct od_error *error);
enum od_status od_whole_file_replace(const char *path, const void *bytes, size_t size,
                                     struct od_error *error);
/* As mkdir -p. */
enum od_status od_whole_file_make_directory(const char *path, unsigned mode, struct od_error *error);
/* Appends "PATH/NAME" when path is a directory, else PATH. */
void od_whole_file_inside(struct od_buffer *out, const char *path, const char *name);

#endif
