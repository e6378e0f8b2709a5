/* hitting_sets: which small sets of elements meet every set of a family, while the family grows.
 *
 *   family { {a b c} {b d} }   sizes up to 2:   {b}
 *   + {a c d}                                   {a d}, {b d}, {c d}, {a b}, {b c}
 *
 * Elements are numbers from 0, used as they appear: smaller ones come first in what is given. A set that does not meet a family
 * never meets a larger one, so one walk over all sets, by size, is enough: none is given twice, and none is looked at twice, however
 * often the family grows in between. Whoever adds, for each set that is given, one that it does not meet, is given minimal sets only. An element that the first set of the family lacks can only be part of larger sets; of each size
 * those that hold one come first, because they exist only behind what others have brought about. */
#ifndef OD_HARNESS_HITTING_SETS_H
#define OD_HARNESS_HITTING_SETS_H

#include "engine/core/memory.h"
#include "engine/core/status.h"

#define OD_HITTING_SIZE_MAX 4

struct od_hitting_set {
    uint64_t *words; /* owned; bit e: element e is in it */
    uint32_t word_count;
};

/* Where the walk over the sets of one size and one kind is; ascending numbers. */
struct od_hitting_walk {
    uint32_t at[OD_HITTING_SIZE_MAX];
    bool has_begun;
};

struct od_hitting {
    struct od_memory *memory; /* borrowed */
    uint32_t size_max;
    uint32_t element_count; /* greatest element of any set, plus 1 */
    uint32_t first_count;   /* the same of the first set */
    struct od_hitting_set *sets; /* owned */
    uint32_t set_count;
    uint32_t set_capacity;
    uint32_t missed; /* the set that was last found not to be met: asked first */
    struct od_hitting_walk walks[OD_HITTING_SIZE_MAX][2]; /* with an element from first_count on, and without */
};

/* Sets of up to size_max elements will be given, 1..OD_HITTING_SIZE_MAX. */
void od_hitting_init(struct od_hitting *hitting, struct od_memory *memory, uint32_t size_max);
void od_hitting_release(struct od_hitting *hitting);
/* Adds a set to the family. An empty one is met by none: nothing is given any more. NO_MEMORY: nothing has changed. */
enum od_status od_hitting_add(struct od_hitting *hitting, const uint32_t *elements, uint32_t count, struct od_error *error);
/* The next set that meets all of the family and was not given before; ascending. Its size, at most size_max. 0: there is none, until
 * a set with new elements is added. An empty family is met by nothing. */
uint32_t od_hitting_next(struct od_hitting *hitting, uint32_t *elements_out);

#endif
