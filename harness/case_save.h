/* case_save: a failing case as a file: what was drawn, and for people what that is and what went wrong. */
#ifndef OD_HARNESS_CASE_SAVE_H
#define OD_HARNESS_CASE_SAVE_H

#include "properties/property.h"

/* Writes DIRECTORY/cases/CODE-HASH.case and puts its path into path_out (empty on failure). runs_it: the case is run once more to take
 * its digest and what it found; false where that would say nothing or never end. `only` as in od_case_draw when the case was found. */
enum od_status od_case_save(const char *directory, struct od_memory *memory, const uint8_t *choices, uint32_t choice_bytes,
                            const struct od_property *only, const char *code, bool runs_it, char *path_out,
                            size_t path_size, struct od_error *error);

#endif
