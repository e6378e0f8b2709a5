/* wrap_threads: the schedule that the simulation obeys, armed around the `threads` deployment.
 *
 *   od_wrap_threads_new -> _arm(&options) -> od_threads_new -> _attach -> od_threads_run -> od_threads_free -> _free
 *
 * Points and messages mean the same as in the simulation, but that all that a dead driver wrote stays: its machine lives
 * on. And times are real, so which of several attempts or
 * messages meets a fault first may differ from run to run. */
#ifndef OD_CHAOS_WRAP_THREADS_H
#define OD_CHAOS_WRAP_THREADS_H

#include "chaos/fault.h"
#include "engine/world/posix_threads.h"

struct od_wrap_threads;

/* `schedule` (may be NULL) and `memory` are borrowed. Fails with NO_MEMORY. */
enum od_status od_wrap_threads_new(struct od_memory *memory, const struct od_schedule *schedule,
                                   uint32_t executors_max, struct od_wrap_threads **wrap_out,
                                   struct od_error *error);
/* Puts the wrapper's hooks into `options`; hooks that are there already are called first, with their own
 * self. FAULT_FIRED and HEALED go to the host's trace, one at a time with all other events. */
void od_wrap_threads_arm(struct od_wrap_threads *wrap, struct od_threads_options *options);
/* Between od_threads_new and od_threads_run. */
void od_wrap_threads_attach(struct od_wrap_threads *wrap, struct od_threads *threads);
/* After od_threads_free. NULL is fine. */
void od_wrap_threads_free(struct od_wrap_threads *wrap);

/* How often fault i took effect, and all together. After od_threads_run. */
uint32_t od_wrap_threads_fault_fired(const struct od_wrap_threads *wrap, uint32_t fault_index);
uint32_t od_wrap_threads_fired(const struct od_wrap_threads *wrap);

#endif
