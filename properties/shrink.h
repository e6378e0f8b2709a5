/* shrink: makes the choices of a failing trial smaller, whatever they mean (an integrated shrinker: MacIver,
 * Donaldson, "Test-case reduction via test-case generation", ECOOP 2020).
 *
 * The measure is shortlex: fewer bytes first, then the bytes in order. Passes, repeated until none of them
 * helps:
 *   delete    spans (rows, columns, expressions, faults...), several neighbours at once, then runs of
 *             draws, large to small; also while a draw before the deleted part is lowered by one (a length
 *             that counts what was deleted); a column with its cells (a span with the spans of its number
 *             in its siblings); a fault while another one is moved a little (deleting the first renumbers
 *             what the second counts); one of a list whose items name each other by position
 *   replace   a span by a smaller one of the same label inside it
 *   zero      spans and runs of draws
 *   lower     single draws by binary search; pairs that should move together
 *   order     neighbouring spans of one label, draws out of order
 *   resample  at the end, when asked for: spans are drawn anew, plain and short, also while others are
 *             deleted; short ones near the root (a fault, the cluster) by themselves; leads out of corners
 *             from which no small step does (a failure that hangs on chance). The draws are seeded from what is shrunk: shrinking is deterministic
 * Candidates that were tried before are not tried again. */
#ifndef OD_PROPERTIES_SHRINK_H
#define OD_PROPERTIES_SHRINK_H

#include "engine/core/status.h"
#include "properties/choice.h"

/* True when the trial drawn from `choices` still fails in the way that matters. It draws through `choices`,
 * whose record (bytes and spans) then is the canonical form of the candidate. */
struct od_shrink_test {
    bool (*fails)(void *self, struct od_choices *choices);
    void *self;
    /* Called on each improvement, may be NULL. */
    void (*progress)(void *self, uint32_t evaluations, uint32_t bytes);
    /* Tries of each kind, each time that no other pass helps. 0: none; then trials are taken to be dear. */
    uint32_t resamples;
};

struct od_shrunk {
    uint8_t *bytes; /* owned; give back with od_shrunk_release */
    uint32_t size;
    uint32_t capacity;
    uint32_t evaluations; /* calls of `fails` */
    bool reproduced;      /* the given bytes failed at all; else bytes are as given */
    bool exhausted;       /* the budget ended before a fixpoint */
};

/* At most evaluations_max calls of `fails` (0: 5000). NO_MEMORY. */
enum od_status od_shrink(struct od_memory *memory, const void *bytes, size_t size,
                         const struct od_shrink_test *test, uint32_t evaluations_max,
                         struct od_shrunk *shrunk_out, struct od_error *error);
void od_shrunk_release(struct od_memory *memory, struct od_shrunk *shrunk);

#endif
