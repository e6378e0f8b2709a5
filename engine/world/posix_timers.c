/* posix_timers: a binary heap; the textbook sift up and sift down over one growable array. */
#include "engine/world/posix_timers.h"

void od_timers_init(struct od_timers *timers, struct od_memory *memory)
{
    *timers = (struct od_timers){.memory = memory};
}

void od_timers_release(struct od_timers *timers)
{
    od_give(timers->memory, timers->entries, timers->capacity * sizeof(timers->entries[0]));
    timers->entries = NULL;
    timers->count = timers->capacity = 0;
}

void od_timers_reset(struct od_timers *timers)
{
    timers->count = 0;
}

static bool is_earlier(const struct od_timer *left, const struct od_timer *right)
{
    if (left->due_ns != right->due_ns)
        return left->due_ns < right->due_ns;
    return left->sequence < right->sequence;
}

bool od_timers_add(struct od_timers *timers, uint64_t due_ns, uint64_t tag, struct od_message *message)
{
    if (!od_grow(timers->memory, &timers->entries, &timers->capacity, timers->count + 1,
                 sizeof(timers->entries[0])))
        return false;
    struct od_timer timer = {due_ns, timers->sequence_next++, tag, message};
    size_t hole = timers->count++;
    while (hole > 0 && is_earlier(&timer, &timers->entries[(hole - 1) / 2])) {
        timers->entries[hole] = timers->entries[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    timers->entries[hole] = timer;
    return true;
}

static void remove_first(struct od_timers *timers)
{
    struct od_timer last = timers->entries[--timers->count];
    size_t hole = 0;
    for (;;) {
        size_t child = 2 * hole + 1;
        if (child >= timers->count)
            break;
        if (child + 1 < timers->count && is_earlier(&timers->entries[child + 1], &timers->entries[child]))
            child++;
        if (!is_earlier(&timers->entries[child], &last))
            break;
        timers->entries[hole] = timers->entries[child];
        hole = child;
    }
    timers->entries[hole] = last;
}

bool od_timers_take_due(struct od_timers *timers, uint64_t now_ns, uint64_t sequence_end,
                        struct od_timer *timer_out)
{
    if (timers->count == 0 || timers->entries[0].due_ns > now_ns ||
        timers->entries[0].sequence >= sequence_end)
        return false;
    *timer_out = timers->entries[0];
    remove_first(timers);
    return true;
}

uint64_t od_timers_next_ns(const struct od_timers *timers)
{
    return timers->count == 0 ? UINT64_MAX : timers->entries[0].due_ns;
}
