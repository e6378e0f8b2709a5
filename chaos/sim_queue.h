/* sim_queue: what will happen when; a binary heap by (time, sequence) over pooled events. Inside chaos/ only. */
#ifndef OD_CHAOS_SIM_QUEUE_H
#define OD_CHAOS_SIM_QUEUE_H

#include "engine/core/memory.h"
#include "engine/world/world.h"

enum od_sim_event_kind {
    OD_SIM_MESSAGE, /* arrives at `actor` */
    OD_SIM_TIMER,   /* of life `incarnation` of `actor` */
    OD_SIM_ORDER,   /* somebody asks something of `actor` */
    OD_SIM_START,   /* life `incarnation` of `actor` begins */
    OD_SIM_WAKE,    /* `actor` may take what waits for it */
    OD_SIM_FAULT,   /* a fault at a time */
    OD_SIM_HEAL
};

struct od_sim_event {
    enum od_sim_event_kind kind;
    uint32_t actor;
    uint32_t incarnation;
    uint32_t next; /* for lists of event indexes: waiting, free; OD_ANY ends */
    union {
        struct od_message *message; /* owned by the event */
        uint64_t tag;
        struct od_order order;
        uint64_t fault_index;
    } of;
};

struct od_sim_slot {
    uint64_t time_ns;
    uint64_t sequence;
    uint32_t event;
};

struct od_sim_queue {
    struct od_memory *memory;    /* borrowed */
    struct od_sim_slot *slots;   /* owned; the heap */
    struct od_sim_event *events; /* owned; as many as slots: in the heap, handed out, or free */
    uint32_t capacity;
    uint32_t count; /* of slots */
    uint32_t free_first;
    uint64_t next_sequence;
};

void od_sim_queue_init(struct od_sim_queue *queue, struct od_memory *memory);
/* Events that hold messages must have been popped. A zeroed queue is fine. */
void od_sim_queue_release(struct od_sim_queue *queue);
/* Copies `event`. False: no memory. */
bool od_sim_queue_push(struct od_sim_queue *queue, uint64_t time_ns, const struct od_sim_event *event);
/* The time of the first event; UINT64_MAX when there is none. */
uint64_t od_sim_queue_first_time(const struct od_sim_queue *queue);
/* Takes the first event out: its index is the caller's until given back. OD_ANY when there is none. */
uint32_t od_sim_queue_pop(struct od_sim_queue *queue);
/* One that was taken out, behind all of that time. */
void od_sim_queue_put_back(struct od_sim_queue *queue, uint64_t time_ns, uint32_t event_index);
void od_sim_queue_give_back(struct od_sim_queue *queue, uint32_t event_index);

#endif
