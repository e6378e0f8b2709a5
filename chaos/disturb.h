/* disturb: a schedule armed against a running cluster, whatever hosts it. Decides, at each point, whether
 * a fault fires.
 *
 *   host: point reached -> od_disturb_match -> a fault, or none
 *         a fault       -> od_disturb_act (bytes, status), and the host itself does what only a host can: crash,
 *                          pause, delay, loss, duplicate
 *
 * The simulation uses it directly; chaos/wrap_threads puts it around the worlds of the threads host.
 * Deterministic given the order of calls. Not thread-safe: a host with threads holds a lock around each
 * call. */
#ifndef OD_CHAOS_DISTURB_H
#define OD_CHAOS_DISTURB_H

#include "chaos/fault_kind.h"
#include "engine/world/world.h"

/* Somebody reaches a point. */
struct od_hit {
    enum od_point point;
    struct od_site site;
    uint32_t actor_id; /* who: the driver's faults are not the executors' */
    size_t byte_count; /* of what passes the point, 0 for nothing: damage needs bytes */
    uint32_t link;     /* of a message: enum od_fault_link, as its sender sees it; else 0 */
    enum od_message_role role; /* likewise */
};

/* A state of one actor that a fault has opened: one per actor and fault, so that states overlap as they like. A fault that fires
 * again opens its own anew. */
struct od_window {
    uint64_t since_ns;
    uint64_t until_ns; /* 0: never open */
    uint64_t state;    /* the effect's own; 0 when it opens */
};

struct od_disturb {
    const struct od_schedule *schedule; /* borrowed; an empty one for NULL */
    uint32_t *fired;                    /* owned, unless memory is NULL; per fault */
    uint32_t *reached;                  /* likewise; per fault: hits that match but for `nth` */
    struct od_window *windows; /* likewise; per actor, one a fault; NULL: no fault opens any */
    uint32_t actor_count;
    uint64_t total_fired;
    uint32_t points_used; /* one bit per point that some fault waits at */
    struct od_memory *memory;
};
/* `schedule` may be NULL. For actors 0..actor_count - 1. Fails with NO_MEMORY. */
enum od_status od_disturb_init(struct od_disturb *disturb, struct od_memory *memory,
                               const struct od_schedule *schedule, uint32_t actor_count, struct od_error *error);
/* The same over counters of the caller's, who sees to it that one process at a time uses them. */
void od_disturb_share(struct od_disturb *disturb, const struct od_schedule *schedule, uint32_t *fired,
                      uint32_t *reached, struct od_window *windows, uint32_t actor_count);
void od_disturb_release(struct od_disturb *disturb);
/* The first fault that matches and still may fire, counted as fired; NULL: none. One that opens a window has opened it on the
 * actor. `now_ns` is time since the start. */
const struct od_fault *od_disturb_match(struct od_disturb *disturb, const struct od_hit *hit, uint64_t now_ns);
/* Opens the window of a fault at a time; nothing for other effects. */
void od_disturb_open(struct od_disturb *disturb, const struct od_fault *fault, uint32_t actor_id, uint64_t now_ns);
/* The next window that is open on an actor now, of the faults from `*index` on, in their order; NULL: none, or healed. `*index` is
 * its fault's then. Its state may be changed. */
struct od_window *od_disturb_window(struct od_disturb *disturb, uint32_t actor_id, uint64_t now_ns, uint32_t *index);
/* True when these two are of one group of those that a fault strikes together. */
bool od_fault_strikes_both(const struct od_fault *fault, uint32_t left, uint32_t right);
/* On whom a fault at a time acts. */
uint32_t od_fault_victim_id(const struct od_fault *fault);
/* Counts a fault at a time as fired, by its host. */
void od_disturb_count_fired(struct od_disturb *disturb, const struct od_fault *fault);
/* True from the schedule's heal_ns on. */
bool od_disturb_is_healed(const struct od_disturb *disturb, uint64_t now_ns);

/* What a matched fault does to the operation at its point: damages `bytes`, or gives the status that the
 * operation fails with, with error->injected set. A crash, the driver's too, gives EXECUTOR_GONE; killing is the host's work.
 * OK for all others. */
enum od_status od_disturb_act(const struct od_fault *fault, enum od_point point, const struct od_site *site,
                              struct od_point_bytes *bytes, struct od_error *error);
/* Fills in what the driver is told; false: this kind is no order. `site` is the hit's, or the fault's own at a time. */
bool od_disturb_order(const struct od_fault *fault, const struct od_site *site, struct od_order *order_out);
/* EXECUTOR_GONE with error->injected: what a dead actor's calls answer. */
enum od_status od_disturb_gone(struct od_error *error);

/* The site of a message at MESSAGE_SEND: its own, its kind, and the executor at its far end from the
 * driver (the sender between executors). */
struct od_site od_disturb_message_site(const struct od_message *message);
/* enum od_fault_link, as its sender (false) or its receiver (true) sees it. */
uint32_t od_disturb_message_link(const struct od_message *message, bool is_receiver);
/* FAULT_FIRED, without its time. */
struct od_event od_disturb_fired_event(const struct od_disturb *disturb, const struct od_fault *fault,
                                       const struct od_site *site);

#endif
