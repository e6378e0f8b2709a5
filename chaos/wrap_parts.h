/* wrap_parts: what the files of wrap_world share.
 *
 *   wrap_world.c   dressing, points, memory, the clock
 *   wrap_net.c     messages and timers
 *   wrap_disk.c    files
 *
 * Inside chaos/ only. */
#ifndef OD_CHAOS_WRAP_PARTS_H
#define OD_CHAOS_WRAP_PARTS_H

#include "chaos/wrap_world.h"

/* The fault that fires at this hit, struck and suffered; NULL: none. `site` may be NULL: the work of the moment. `message`: that is
 * sent here, or NULL. */
const struct od_fault *od_wrap_fire(struct od_wrap_world *wrap, enum od_point point, const struct od_site *site,
                                    size_t byte_count, const struct od_message *message);
/* The first fault whose window of this effect is open on this actor; NULL: none. */
const struct od_fault *od_wrap_window(struct od_wrap_world *wrap, enum od_fault_effect effect);
/* Until the schedule heals, for what lasts "never"; at least 1. */
uint64_t od_wrap_duration_ns(const struct od_wrap_world *wrap, const struct od_fault *fault);
/* The row's status, or that of the dead, with error->injected. */
enum od_status od_wrap_fail(struct od_wrap_world *wrap, const struct od_fault *fault, enum od_point point,
                            struct od_error *error);
static inline enum od_fault_effect od_fault_effect_of(const struct od_fault *fault)
{
    return od_fault_kind_row(fault->kind)->effect;
}

void od_wrap_dress_net(struct od_wrap_world *wrap, struct od_world *world);
void od_wrap_dress_timers(struct od_wrap_world *wrap, struct od_world *world);
void od_wrap_dress_disk(struct od_wrap_world *wrap, struct od_world *world);

#endif
