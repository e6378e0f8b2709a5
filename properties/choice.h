/* choice: the choice sequence, the one source of everything random about a trial.
 *
 *   supplier (seed | bytes) --> below(bound) --> value, and the same value recorded:
 *
 *     bytes   05 | 00 01 | 00 | ...        canonical: replaying them gives the same draws
 *     draws   [0,1) [1,3) [3,4)            where each draw lies
 *     spans   "row" [1,4) ...              what belongs together: the shrinker deletes spans whole
 *
 * A draw of bound B takes the fewest bytes that hold B - 1, but one at least, big-endian, reduced modulo
 * B, so that any bytes are a valid sequence, and no draw moves when a list that is drawn from shrinks to
 * one. A draw that its user settles is recorded as what it was settled for. Behind the end of the supplied bytes come zeros, and 0 is always the plainest choice. Users draw
 * through `random`, as from any other struct od_random. */
#ifndef OD_PROPERTIES_CHOICE_H
#define OD_PROPERTIES_CHOICE_H

#include "engine/core/memory.h"
#include "engine/core/random.h"

#define OD_CHOICES_LIMIT_BYTES 16384u
#define OD_CHOICES_DEPTH_MAX   32u

struct od_choice_draw {
    uint32_t offset;
    uint32_t width_bytes; /* 1..8 */
};

struct od_choice_span {
    const char *label; /* borrowed; a string constant */
    uint32_t first;    /* bytes [first, end) */
    uint32_t end;
    uint32_t depth; /* 0: outermost */
};

struct od_choices {
    struct od_random random;  /* self points here: do not move the struct after the first _from_ call */
    struct od_memory *memory; /* borrowed */
    struct od_stream stream;  /* the generator, when there are no supplied bytes */
    uint64_t second_seed;     /* of what is drawn after od_choices_turn */
    bool has_second;
    const uint8_t *supplied;  /* borrowed; NULL: the generator supplies */
    uint32_t supplied_bytes;
    uint32_t supplied_position;
    const struct od_choice_span *splice; /* borrowed; a span that the generator draws anew; NULL: none */
    bool in_splice;
    bool splice_is_plain; /* half of its draws are 0 */
    uint8_t *bytes; /* owned; what was drawn */
    uint32_t size;
    uint32_t bytes_capacity;
    struct od_choice_draw *draws; /* owned */
    uint32_t draw_count;
    uint32_t draw_capacity;
    struct od_choice_span *spans; /* owned; in the order of their begin */
    uint32_t span_count;
    uint32_t span_capacity;
    uint32_t open[OD_CHOICES_DEPTH_MAX]; /* indexes of spans begun and not ended */
    uint32_t open_count;
    bool
        /* the length limit was reached (or memory refused): all later draws are 0 and are not recorded */
        overrun;
};

void od_choices_init(struct od_choices *choices, struct od_memory *memory);
/* A zeroed or released one is fine. */
void od_choices_release(struct od_choices *choices);
/* Forgets what was drawn and starts anew with a supplier. Equal (seed, name): equal draws. */
void od_choices_from_seed(struct od_choices *choices, uint64_t seed, const char *name);
/* As above, but what is drawn after od_choices_turn comes from `second`: cases that share their first part. Draws recorded
 * so replay like any others, and then turning does nothing. */
void od_choices_from_seeds(struct od_choices *choices, uint64_t first, uint64_t second, const char *name);
void od_choices_turn(struct od_choices *choices);
/* Replay, shrinking and fuzzing alike. `bytes` is borrowed until the next _from_ call or the release. */
void od_choices_from_bytes(struct od_choices *choices, const void *bytes, size_t size);
/* As _from_bytes, but the span of that place, depth and label is drawn anew, from `seed`; behind it the
 * bytes go on at splice->end. Odd seeds draw 0 half of the time, so that what they make is plain. */
void od_choices_from_splice(struct od_choices *choices, const void *bytes, size_t size,
                            const struct od_choice_span *splice, uint64_t seed);

static inline uint64_t od_choices_below(struct od_choices *choices, uint64_t bound)
{
    return od_random_below(&choices->random, bound);
}
/* Spans nest; deeper than OD_CHOICES_DEPTH_MAX is a mistake of ours. */
void od_choices_begin(struct od_choices *choices, const char *label);
void od_choices_end(struct od_choices *choices);
/* The recorded size without trailing zeros, which replay supplies by itself. */
uint32_t od_choices_trimmed_bytes(const struct od_choices *choices);

#endif
