/* fault_board: what the processes of a cluster share of a schedule of faults: a small file, mapped by all of them.
 *
 *   supervisor   od_fault_board_new -> (processes run) od_fault_board_tick now and then -> od_fault_board_free (removes it)
 *   process k    od_fault_board_open -> wrap_process.h hits points against it            -> od_fault_board_free
 *
 * It holds the counters that say whether a fault fires (so that `nth` and `times` count over all processes, and over their lives), a
 * log of what fired, and what a process asks of the supervisor, because it can't do it to itself: to be started again
 * later, to be woken after a pause, to be slow, to give the driver an order. One lock, which survives the death of who holds it.
 * Times are of the machine's monotonic clock, from its arming. */
#ifndef OD_CHAOS_FAULT_BOARD_H
#define OD_CHAOS_FAULT_BOARD_H

#include "chaos/disturb.h"

struct od_fault_board;

/* What only the supervisor can do. */
struct od_fault_hands {
    /* A signal to the process of an actor. False: there is none. */
    bool (*signal)(void *self, uint32_t actor_id, int signal);
    bool (*order)(void *self, const struct od_order *order); /* to the driver. False: it can't be told now */
    bool (*add)(void *self);                                 /* one more executor. False: no room */
    void (*fired)(void *self, const struct od_event *event); /* FAULT_FIRED or HEALED, in order; its time is set */
    void *self;
};

/* Makes the file, for actors 0..actor_count - 1. `schedule` is borrowed (NULL: none). IO, NO_MEMORY. */
enum od_status od_fault_board_new(struct od_memory *memory, const char *path, const struct od_schedule *schedule,
                                  uint32_t actor_count, struct od_fault_board **board_out, struct od_error *error);
/* Somebody else's. CORRUPT: of another schedule or number of actors; MISSING, IO, NO_MEMORY. */
enum od_status od_fault_board_open(struct od_memory *memory, const char *path, const struct od_schedule *schedule,
                                   uint32_t actor_count, struct od_fault_board **board_out,
                                   struct od_error *error);
/* Unmaps; the one who made the file removes it. NULL is fine. */
void od_fault_board_free(struct od_fault_board *board);
uint64_t od_fault_board_now_ns(const struct od_fault_board *board);
/* The machine's monotonic clock at the board's time 0. */
uint64_t od_fault_board_origin_ns(const struct od_fault_board *board);

/* --- the supervisor's */
/* Nothing fires, and no hit is counted, before: times are from here on. */
void od_fault_board_arm(struct od_fault_board *board);
/* Does what has fallen due, and says when to call again at the latest (board's time). */
uint64_t od_fault_board_tick(struct od_fault_board *board, const struct od_fault_hands *hands);
/* True once a crash: the process of this actor ended by a fault, and not by itself. */
bool od_fault_board_take_crash(struct od_fault_board *board, uint32_t actor_id, const struct od_fault_hands *hands);
/* The process of an actor has ended: how long from now until its next life; UINT64_MAX: not before the schedule heals (ask again). */
uint64_t od_fault_board_restart_ns(struct od_fault_board *board, uint32_t actor_id,
                                   const struct od_fault_hands *hands);
/* How often it took effect; exact when no process runs. */
uint32_t od_fault_board_fired(const struct od_fault_board *board, uint32_t fault_index);

/* --- wrap_process's: struct od_wrap_host's calls of the same names. */
const struct od_schedule *od_fault_board_schedule(const struct od_fault_board *board);
struct od_disturb *od_fault_board_enter(struct od_fault_board *board);
void od_fault_board_leave(struct od_fault_board *board);
void od_fault_board_strike(struct od_fault_board *board, uint32_t actor_id, const struct od_fault *fault,
                           const struct od_site *site);
/* A fault that ends or stops this process does so within this call. */
void od_fault_board_suffer(struct od_fault_board *board, uint32_t actor_id, const struct od_fault *fault);

#endif
