/* case_save: a failing case as a file: what was drawn, and for people what that is and what went wrong. */
#ifndef OD_HARNESS_CASE_SAVE_H
#define OD_HARNESS_CASE_SAVE_H

#include "chaos/fault.h"
#include "engine/core/buffer.h"
#include "properties/case_file.h"
#include "properties/property.h"

struct od_case_sizes;
/* A failing case. */
struct od_failing_case {
    const uint8_t *choices;
    uint32_t choice_bytes;
    const struct od_schedule *schedule; /* NULL: the choices draw it */
    const struct od_fault_kinds *kinds; /* that they draw it from; NULL: all that a query may survive; else it is saved, too */
    uint32_t pct_depth;
    const struct od_property *only;     /* as in od_case_draw when it was found */
    const char *code;
    struct od_case_sizes *sizes; /* NULL, or set to how large it is */
    struct od_buffer *needs;     /* NULL, or gets the lines of od_case_needs_print, as the file does */
};
/* Writes DIRECTORY/cases/CODE-HASH.case and puts its path into path_out (empty on failure). runs_it: the case is run once more to take
 * its digest and what it found; false where that would say nothing or never end. */
enum od_status od_case_save(const char *directory, struct od_memory *memory, const struct od_failing_case *failing, bool runs_it,
                            char *path_out, size_t path_size, struct od_error *error);
/* The schedule of a file that was read from `path`, in `arena`; *schedule_out is NULL where there is none. BAD_INPUT. */
enum od_status od_case_schedule(struct od_arena *arena, const char *path, const struct od_case_file *file,
                                const struct od_schedule **schedule_out, struct od_error *error);

#endif
