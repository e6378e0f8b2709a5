/* repair: how long a run had something to make good, from its events alone.
 *
 *   events of the driver --od_repair_measure--> total_ns, longest_ns
 *
 * Something is to be made good from the moment at which the driver tells that it is lost:
 *
 *   a task        whose attempt ended without success and has to be done again (TASK_RETRIED)
 *                 whose committed output is gone and needed (OUTPUT_LOST), or begins again (STAGE_ROLLED_BACK)
 *                 that ran, for all a restarted driver knows, in the driver's last life (DRIVER_RESTARTED)
 *   the driver    that was restarted (DRIVER_RESTARTED)
 *
 * until
 *
 *   a task        is committed; or it ran and is adopted; or every stage that reads of its stage is whole, or not needed itself
 *   the driver    launches, adopts or commits
 *   all           the query ends, repaired or not; else the last event
 *
 * A span is a time during which at least one thing is to be made good: losses that overlap are one span. Times are of the run's own
 * clock. What passes before the driver notices (the lease of an executor, the absence of the driver) is in no span; it is in
 * recovery_ns, the time beyond the undisturbed run, which in turn needs such a run and says nothing when the cost was hidden
 * by idle slots. A commit that only the journal of a driver tells of, who died before the event, counts as missing until
 * its readers are whole. */
#ifndef OD_HARNESS_REPAIR_H
#define OD_HARNESS_REPAIR_H

#include "engine/plan/physical.h"
#include "engine/world/event.h"

struct od_repair {
    uint64_t total_ns;   /* of all spans */
    uint64_t longest_ns; /* of one */
};

/* Events in order, of one query or of several, one after the other, over this graph. NO_MEMORY: *repair_out is zero. */
enum od_status od_repair_measure(struct od_memory *memory, const struct od_stage_graph *graph,
                                 const struct od_event *events, uint32_t event_count,
                                 struct od_repair *repair_out, struct od_error *error);

#endif
