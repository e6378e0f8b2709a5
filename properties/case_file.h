/* case_file: a failing trial in a small text file that reproduces it.
 *
 *   ordeal case 1
 *   property F1
 *   found H1
 *   engine reference
 *   bug shuffle_lost_row        (optional)
 *   digest 0123456789abcdef     (optional: of the run that failed)
 *   pct 3                       (optional: actors have priorities, and two of them change)
 *   schedule 1                  (optional: how many lines of faults follow; they stand in place of those that the choices would draw)
 *   task.error_after at task_end stage=1 task=0
 *   choices 35                  (how many bytes follow, in lines of at most 32)
 *   000102...
 *   ---                         (what follows is for people and is not read back)
 *
 * Lines come in this order; a line that starts with '#' and an empty line are skipped above the marker. */
#ifndef OD_PROPERTIES_CASE_FILE_H
#define OD_PROPERTIES_CASE_FILE_H

#include "engine/core/buffer.h"
#include "engine/core/status.h"

#define OD_CASE_FILE_VERSION 1
#define OD_CASE_NAME_MAX     63

struct od_case_file {
    char property[8];                  /* which property's case it is */
    char found[8];                     /* the code that was violated; may differ (invariants) */
    char engine[OD_CASE_NAME_MAX + 1]; /* system under test */
    char bug[OD_CASE_NAME_MAX + 1];    /* planted bug, "" for none */
    bool has_digest;
    uint64_t digest;
    uint32_t pct_depth; /* 0: none */
    char *schedule; /* owned; the lines as they are, with their ends, NUL-terminated; NULL: drawn */
    uint32_t schedule_bytes; /* without the NUL */
    uint8_t *choices; /* owned */
    uint32_t choices_bytes;
};

/* BAD_INPUT with line and column and what was expected; `source_name` is for the message. On failure
 * *file_out is empty. */
enum od_status od_case_file_parse(struct od_memory *memory, const char *source_name, const char *text,
                                  size_t size, struct od_case_file *file_out, struct od_error *error);
/* MISSING, IO, and as above. */
enum od_status od_case_file_read(struct od_memory *memory, const char *path, struct od_case_file *file_out,
                                 struct od_error *error);
/* Text of the file, with `rendering` (may be NULL) behind the marker. False: the buffer has failed. */
bool od_case_file_print(const struct od_case_file *file, const char *rendering, struct od_buffer *buffer);
/* Atomic: a temporary file beside `path`, synced, then renamed over it. IO, NO_MEMORY. */
enum od_status od_case_file_write(struct od_memory *memory, const char *path, const struct od_case_file *file,
                                  const char *rendering, struct od_error *error);
void od_case_file_release(struct od_memory *memory, struct od_case_file *file);

#endif
