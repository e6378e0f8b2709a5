/* posix_timers: what is due when. A binary heap ordered by (due_ns, sequence), so that equal times keep their order.
 *
 *              [0] earliest
 *           [1]          [2]
 *        [3]   [4]     [5]   [6]        children of i: 2i+1, 2i+2
 *
 * One thread's. An entry carries a timer's tag, or a message that leaves at that time. */
#ifndef OD_WORLD_POSIX_TIMERS_H
#define OD_WORLD_POSIX_TIMERS_H

#include "engine/world/message.h"

struct od_timer {
    uint64_t due_ns;
    uint64_t sequence; /* given by _add */
    uint64_t tag;
    struct od_message *message; /* owned by whoever owns the heap; NULL for a plain timer */
};

struct od_timers {
    struct od_memory *memory; /* borrowed */
    struct od_timer *entries; /* owned */
    uint32_t count;
    uint32_t capacity;
    uint64_t sequence_next;
};

void od_timers_init(struct od_timers *timers, struct od_memory *memory);
/* Does not free messages: take them out first. */
void od_timers_release(struct od_timers *timers);
/* Drops all entries and keeps the memory and the sequence. */
void od_timers_reset(struct od_timers *timers);
/* False on refusal; the heap is as it was. */
bool od_timers_add(struct od_timers *timers, uint64_t due_ns, uint64_t tag, struct od_message *message);
/* Takes out the earliest that is due at now_ns and was added before `sequence_end`; false: there is none. */
bool od_timers_take_due(struct od_timers *timers, uint64_t now_ns, uint64_t sequence_end,
                        struct od_timer *timer_out);
/* When the earliest is due; UINT64_MAX when there is none. */
uint64_t od_timers_next_ns(const struct od_timers *timers);

#endif
