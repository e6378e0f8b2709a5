/* trial_shrink: a failing trial made smaller, in a process of its own: of the cases that a shrinker tries some may end the process.
 *
 *   parent --fork--> shrinker: tries case 0, 1, 2... -> each outcome to a shared page -> the smallest to the page
 *          <-- it died in case k: that one counts as another failure; a new one goes over 0..k - 1 by their outcomes, and on from there
 *
 * Shrinking is deterministic, so nothing else needs to be kept; a case whose outcome is known is only drawn. */
#ifndef OD_HARNESS_TRIAL_SHRINK_H
#define OD_HARNESS_TRIAL_SHRINK_H

#include <stdatomic.h>

#include "harness/case_parts.h"
#include "harness/trial.h"
#include "properties/shrink.h"

struct od_trial_shrinking {
    const char *code; /* that it shall fail with, as in od_trial_fails_with */
    uint64_t digest;
    uint64_t until_ns; /* of od_campaign_now_ns: what is tried later counts as no failure */
    const _Atomic uint32_t *hurry;  /* not 0: so does what is tried from then on; NULL: no matter */
    struct od_case_sizes *sizes; /* NULL, or set to how large the case is, where it fails at all */
    /* Of od_shrink_test; called in the other process. */
    void (*progress)(void *self, uint32_t evaluations, uint32_t bytes);
    void *self;
};

/* As od_shrink. `trial` says what a case is run under (only, given, guarded, oracles) and is used for it; with oracles, which may have
 * threads, all is done here. NO_MEMORY; IO when no process can be made. */
enum od_status od_trial_shrink(struct od_trial *trial, const uint8_t *bytes, uint32_t size, const struct od_trial_shrinking *shrinking,
                               struct od_shrunk *shrunk_out, struct od_error *error);

#endif
