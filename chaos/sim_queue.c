/* sim_queue: the heap and its pool.
 *
 *   slots:   [ (time, sequence, event) ... ]   children of i at 2i+1 and 2i+2; the first is the next to happen
 *   events:  [ event | event | free -> free ]  addressed by index, so that growing moves nothing that others hold
 *
 * The sequence number is given at the push and makes the order total: equal times happen in the order they
 * were asked for. A popped event stays where it is until it is given back, so that it can wait in an
 * actor's list without a copy. */
#include "chaos/sim_queue.h"

#include "engine/core/assert.h"

#define QUEUE_CAPACITY_FIRST 64

void od_sim_queue_init(struct od_sim_queue *queue, struct od_memory *memory)
{
    *queue = (struct od_sim_queue){.memory = memory, .free_first = OD_ANY};
}

void od_sim_queue_release(struct od_sim_queue *queue)
{
    if (queue->memory != NULL) {
        od_give(queue->memory, queue->slots, queue->capacity * sizeof(*queue->slots));
        od_give(queue->memory, queue->events, queue->capacity * sizeof(*queue->events));
    }
    *queue = (struct od_sim_queue){.free_first = OD_ANY};
}

static bool queue_grow(struct od_sim_queue *queue)
{
    uint32_t capacity = queue->capacity == 0 ? QUEUE_CAPACITY_FIRST : queue->capacity * 2;
    size_t slot_bytes = sizeof(*queue->slots);
    size_t event_bytes = sizeof(*queue->events);
    od_assert(capacity > queue->capacity);
    struct od_sim_slot *slots =
        od_resize(queue->memory, queue->slots, queue->capacity * slot_bytes, capacity * slot_bytes);
    if (slots == NULL)
        return false;
    queue->slots = slots;
    struct od_sim_event *events =
        od_resize(queue->memory, queue->events, queue->capacity * event_bytes, capacity * event_bytes);
    if (events == NULL) { /* the books know one capacity: give the new slots back */
        if (queue->capacity == 0) {
            od_give(queue->memory, slots, capacity * slot_bytes);
            queue->slots = NULL;
        } else {
            slots = od_resize(queue->memory, slots, capacity * slot_bytes, queue->capacity * slot_bytes);
            od_assert(slots != NULL); /* shrinking is never refused */
            queue->slots = slots;
        }
        return false;
    }
    queue->events = events;
    for (uint32_t i = capacity; i > queue->capacity; i--) {
        events[i - 1] = (struct od_sim_event){.next = queue->free_first};
        queue->free_first = i - 1;
    }
    queue->capacity = capacity;
    return true;
}

static bool slot_before(const struct od_sim_slot *left, const struct od_sim_slot *right)
{
    return left->time_ns != right->time_ns ? left->time_ns < right->time_ns
                                           : left->sequence < right->sequence;
}

static void sift_up(struct od_sim_slot *slots, uint32_t index, struct od_sim_slot moving)
{
    while (index > 0) {
        uint32_t parent = (index - 1) / 2;
        if (!slot_before(&moving, &slots[parent]))
            break;
        slots[index] = slots[parent];
        index = parent;
    }
    slots[index] = moving;
}

static void sift_down(struct od_sim_slot *slots, uint32_t count, struct od_sim_slot moving)
{
    uint32_t index = 0;
    for (uint32_t child = 1; child < count; child = 2 * index + 1) {
        if (child + 1 < count && slot_before(&slots[child + 1], &slots[child]))
            child++;
        if (!slot_before(&slots[child], &moving))
            break;
        slots[index] = slots[child];
        index = child;
    }
    slots[index] = moving;
}

bool od_sim_queue_push(struct od_sim_queue *queue, uint64_t time_ns, const struct od_sim_event *event)
{
    if (queue->free_first == OD_ANY && !queue_grow(queue))
        return false;
    uint32_t index = queue->free_first;
    queue->free_first = queue->events[index].next;
    queue->events[index] = *event;
    queue->events[index].next = OD_ANY;
    od_assert(queue->count < queue->capacity);
    sift_up(queue->slots, queue->count++, (struct od_sim_slot){time_ns, queue->next_sequence++, index});
    return true;
}

uint64_t od_sim_queue_first_time(const struct od_sim_queue *queue)
{
    return queue->count == 0 ? UINT64_MAX : queue->slots[0].time_ns;
}

uint32_t od_sim_queue_pop(struct od_sim_queue *queue)
{
    if (queue->count == 0)
        return OD_ANY;
    uint32_t event_index = queue->slots[0].event;
    queue->count--;
    if (queue->count > 0)
        sift_down(queue->slots, queue->count, queue->slots[queue->count]);
    return event_index;
}

void od_sim_queue_put_back(struct od_sim_queue *queue, uint64_t time_ns, uint32_t event_index)
{
    od_assert(queue->count < queue->capacity);
    sift_up(queue->slots, queue->count++, (struct od_sim_slot){time_ns, queue->next_sequence++, event_index});
}

void od_sim_queue_give_back(struct od_sim_queue *queue, uint32_t event_index)
{
    od_assert(event_index < queue->capacity);
    queue->events[event_index].next = queue->free_first;
    queue->free_first = event_index;
}
