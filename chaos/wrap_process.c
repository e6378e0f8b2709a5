/* wrap_process: see wrap_process.h. Not thread-safe: a process has one actor, on one thread. */
#include "chaos/wrap_process.h"

#include "chaos/fault_kind.h"

static struct od_disturb *wrap_enter(void *self)
{
    struct od_wrap_process *wrap = self;
    return od_fault_board_enter(wrap->board);
}

static void wrap_leave(void *self)
{
    struct od_wrap_process *wrap = self;
    od_fault_board_leave(wrap->board);
}

static void wrap_strike(void *self, uint32_t actor_id, const struct od_fault *fault, const struct od_site *site)
{
    struct od_wrap_process *wrap = self;
    od_fault_board_strike(wrap->board, actor_id, fault, site);
}

static void wrap_suffer(void *self, uint32_t actor_id, const struct od_fault *fault)
{
    struct od_wrap_process *wrap = self;
    od_fault_board_suffer(wrap->board, actor_id, fault);
}

/* Whom a fault ended is not here any more. */
static bool wrap_lives(void *self, uint32_t actor_id)
{
    (void)self;
    (void)actor_id;
    return true;
}

static uint64_t wrap_now_ns(void *self)
{
    const struct od_wrap_process *wrap = self;
    return od_fault_board_now_ns(wrap->board);
}

static void wrap_send_later(void *self, uint32_t actor_id, struct od_message *message, uint64_t delay_ns)
{
    struct od_wrap_process *wrap = self;
    (void)actor_id;
    wrap->send_later(wrap->self, message, delay_ns);
}

void od_wrap_process_dress(struct od_wrap_process *wrap, struct od_world *world)
{
    wrap->host = (struct od_wrap_host){.enter = wrap_enter,
                                       .leave = wrap_leave,
                                       .strike = wrap_strike,
                                       .suffer = wrap_suffer,
                                       .lives = wrap_lives,
                                       .now_ns = wrap_now_ns,
                                       .send_later = wrap_send_later,
                                       .self = wrap,
                                       .memory = world->net.message_memory};
    od_wrap_world_init(&wrap->world, &wrap->host, od_fault_board_schedule(wrap->board), world->actor_id);
    od_wrap_world_dress(&wrap->world, world);
    (void)od_wrap_world_begin(&wrap->world);
}
