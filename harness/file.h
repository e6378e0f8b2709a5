/* file: whole files in and out, for a harness that reads small inputs. */
#ifndef OD_HARNESS_FILE_H
#define OD_HARNESS_FILE_H

#include "engine/core/buffer.h"
#include "engine/core/status.h"

/* What errno after a failed call on a path that the user gave means: MISSING (nothing there), BAD_INPUT (a path that can't be meant),
 * IO (trouble of the machine). */
enum od_status od_file_status(int number);
/* Appends the file's bytes. MISSING (no such file), BAD_INPUT (a folder, no permission: another path was meant), IO, NO_MEMORY.
 * "-" reads standard input. */
enum od_status od_file_read(const char *path, struct od_buffer *buffer, struct od_error *error);
/* Writes the whole file anew. BAD_INPUT (a folder, no permission...), IO. */
enum od_status od_file_write(const char *path, const void *bytes, size_t size, struct od_error *error);
/* Makes a folder and those above it. An existing one is fine. BAD_INPUT when the path can't be a folder, IO. */
enum od_status od_folder_make(const char *path, struct od_error *error);
/* Removes a folder with all in it; a missing one is fine. For folders that this program made. */
enum od_status od_folder_remove(const char *path, struct od_error *error);

#endif
