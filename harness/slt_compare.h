/* slt_compare: does an answer look as a sqllogictest file says it should?
 *
 * Equal text is equal. Beyond that engines print alike things differently, and the format allows it:
 *   booleans    1 and 0, true and false, t and f
 *   numbers     equal values (1.50, 1.5); doubles within 1e-9 of each other; where the expected text has
 *               three digits or more after the point, the value rounded to as many
 *   I columns   a fraction is cut off, text counts as the whole number it begins with, as in SQLite's runner
 *   text        (empty) for nothing; @ for each byte that is no printable ASCII
 *   timestamps  a T between date and time
 *   patterns    <REGEX>:..., <!REGEX>:...
 * Sorted answers are compared as multisets, since 1.5 and 1.50 sort differently; others, too, among rows that
 * are alike in all columns of ORDER BY. */
#ifndef OD_HARNESS_SLT_COMPARE_H
#define OD_HARNESS_SLT_COMPARE_H

#include "harness/slt.h"

struct od_slt_expected {
    const char *types; /* NULL: any number of columns of any kind */
    enum od_slt_sort sort;
    bool has_results;
    bool value_a_line; /* control resultmode valuewise: never a row a line */
    uint32_t line_count;
    const char *const *lines;
};
/* *text_out: "" when it is as expected, else what differs, expected, actual. NO_MEMORY only. */
enum od_status od_slt_compare(struct od_arena *arena, const struct od_slt_expected *expected,
                              const struct od_slt_answer *answer, const char **text_out,
                              struct od_error *error);
/* "30 values hashing to 3c13dee48d9356ae19af2515e05e6b54" of the answer after sorting; NULL: no memory. */
const char *od_slt_hash(struct od_arena *arena, const struct od_slt_expected *expected,
                        const struct od_slt_answer *answer);
/* A POSIX extended regular expression; the common escapes of others (\d, (?:, *?) are understood. `whole`:
 * must match all of `text`. BAD_INPUT when the pattern is none. */
enum od_status od_slt_match(struct od_arena *arena, const char *pattern, const char *text, bool whole,
                            bool *matches_out, struct od_error *error);

#endif
