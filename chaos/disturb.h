/* disturb: a schedule armed against a running cluster, whatever hosts it. Decides, at each point, whether a fault fires.
 *
 * The simulation uses it directly; chaos/wrap_threads puts it around the worlds of the threads host. Deterministic given the order
 * of calls. Not thread-safe: a host with threads holds a lock around each call. */
#ifndef OD_CHAOS_DISTURB_H
#define OD_CHAOS_DISTURB_H

#include "chaos/fault.h"
#include "engine/world/event.h"

struct od_disturb {
    const struct od_schedule *schedule; /* borrowed */
    uint32_t *fired;                    /* owned; per fault */
    uint64_t total_fired;
    struct od_memory *memory;
};
enum od_status od_disturb_init(struct od_disturb *disturb, struct od_memory *memory,
                               const struct od_schedule *schedule, struct od_error *error);
void od_disturb_release(struct od_disturb *disturb);
/* The first fault that matches and still may fire, counted as fired; NULL: none. `now_ns` is time since the start (healing). */
const struct od_fault *od_disturb_match(struct od_disturb *disturb, enum od_point point, const struct od_site *site,
                                        uint64_t now_ns);

#endif
