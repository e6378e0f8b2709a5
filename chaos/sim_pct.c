/* sim_pct: see sim_pct.h. */
#include "chaos/sim_pct.h"

#include "engine/core/assert.h"
#include "engine/core/random.h"

#define MESSAGES_LEAST  8
#define MESSAGES_POWERS 6 /* 8 .. 256: small queries */

static void draw_priorities(struct od_sim_pct *pct, struct od_random *random)
{
    for (uint32_t i = 0; i < pct->actor_count; i++) {
        uint32_t other = (uint32_t)od_random_below(random, i + 1);
        pct->priorities[i] = pct->priorities[other];
        pct->priorities[other] = pct->depth + i; /* below: those after a change */
    }
}

static void draw_changes(struct od_sim_pct *pct, struct od_random *random)
{
    uint64_t message_count = (uint64_t)MESSAGES_LEAST << od_random_below(random, MESSAGES_POWERS);
    for (uint32_t i = 0; i + 1 < pct->depth; i++) {
        uint64_t change = 1 + od_random_below(random, message_count);
        uint32_t at = i;
        for (; at > 0 && pct->changes[at - 1] > change; at--)
            pct->changes[at] = pct->changes[at - 1];
        pct->changes[at] = change;
    }
}

enum od_status od_sim_pct_init(struct od_sim_pct *pct, struct od_memory *memory, uint32_t depth, uint32_t actor_count,
                               uint64_t seed, uint64_t window_ns)
{
    struct od_stream stream;
    od_assert(depth <= OD_SIM_PCT_DEPTH_MAX);
    *pct = (struct od_sim_pct){.memory = memory, .depth = depth, .actor_count = actor_count, .window_ns = window_ns};
    if (depth == 0)
        return OD_OK;
    pct->priorities = od_take_array(memory, actor_count, sizeof(*pct->priorities));
    if (pct->priorities == NULL)
        return OD_NO_MEMORY;
    od_stream_init(&stream, seed, "pct");
    draw_priorities(pct, &stream.random);
    draw_changes(pct, &stream.random);
    return OD_OK;
}

void od_sim_pct_release(struct od_sim_pct *pct)
{
    if (pct->priorities != NULL)
        od_give(pct->memory, pct->priorities, pct->actor_count * sizeof(*pct->priorities));
    *pct = (struct od_sim_pct){0};
}

/* When the first message of an actor of higher priority arrives, if it does within the window; else UINT64_MAX. */
static uint64_t rival_ns(const struct od_sim_pct *pct, const struct od_sim_queue *queue, uint32_t priority, uint64_t now_ns)
{
    uint64_t first_ns = UINT64_MAX;
    for (uint32_t i = 0; i < queue->count; i++) {
        const struct od_sim_slot *slot = &queue->slots[i];
        const struct od_sim_event *event = &queue->events[slot->event];
        bool is_rival = event->kind == OD_SIM_MESSAGE && pct->priorities[event->of.message->from] > priority;
        if (is_rival && slot->time_ns - now_ns <= pct->window_ns && slot->time_ns < first_ns)
            first_ns = slot->time_ns;
    }
    return first_ns;
}

bool od_sim_pct_puts_off(struct od_sim_pct *pct, struct od_sim_queue *queue, uint32_t event_index, uint64_t now_ns)
{
    const struct od_sim_event *event = &queue->events[event_index];
    if (pct->depth == 0 || event->kind != OD_SIM_MESSAGE)
        return false;
    uint32_t *priority = &pct->priorities[event->of.message->from];
    uint64_t behind_ns = rival_ns(pct, queue, *priority, now_ns);
    if (behind_ns != UINT64_MAX) {
        od_sim_queue_put_back(queue, behind_ns + 1, event_index);
        return true;
    }
    pct->heard++;
    while (pct->next_change + 1 < pct->depth && pct->changes[pct->next_change] == pct->heard)
        *priority = pct->depth - 2 - pct->next_change++;
    return false;
}
