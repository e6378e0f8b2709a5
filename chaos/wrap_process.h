/* wrap_process: the schedule that the simulation obeys, armed around the one actor of a process.
 *
 *   actor -> wrap_world -> fault_board (shared by all processes) -> damage, status, loss, the end of this process
 *
 * Points and messages mean the same as in the simulation, but that all that a dead driver wrote stays: its machine lives on; and
 * times are real. Kinds at a time are the supervisor's (od_fault_board_tick). */
#ifndef OD_CHAOS_WRAP_PROCESS_H
#define OD_CHAOS_WRAP_PROCESS_H

#include "chaos/fault_board.h"
#include "chaos/wrap_world.h"

struct od_wrap_process {
    struct od_fault_board *board; /* borrowed */
    /* The host's way to send after a time: for delays and copies. */
    void (*send_later)(void *self, struct od_message *message, uint64_t delay_ns);
    void *self;
    /* The rest is filled in by _dress. */
    struct od_wrap_host host;
    struct od_wrap_world world;
};
/* Goes around the actor's world, before the actor is made, and begins its life. `wrap` outlives the actor. */
void od_wrap_process_dress(struct od_wrap_process *wrap, struct od_world *world);

#endif
