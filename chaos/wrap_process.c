/* wrap_process: see wrap_process.h. Not thread-safe: a process has one actor, on one thread. */
#include "chaos/wrap_process.h"

#include <string.h>

static enum od_status wrapped_hit(void *self, enum od_point point, const struct od_site *site,
                                  struct od_point_bytes *bytes, struct od_error *error)
{
    struct od_wrap_process *wrap = self;
    struct od_site here = *site;
    here.executor = wrap->world->actor_id;
    return od_fault_board_hit(wrap->board, point, &here, here.executor, bytes, bytes == NULL ? 0 : bytes->size, NULL,
                              NULL, error);
}

static const struct od_points_ops wrapped_points_ops = {.hit = wrapped_hit};

/* When memory is short the message just arrives once. */
static void send_copy_later(struct od_wrap_process *wrap, const struct od_message *message, uint64_t delay_ns)
{
    struct od_message *copy = od_message_new(wrap->net.message_memory, message->body_bytes);
    if (copy == NULL)
        return;
    uint8_t *body = copy->body;
    *copy = *message;
    copy->next = NULL;
    copy->body = body;
    if (message->body_bytes > 0)
        memcpy(body, message->body, message->body_bytes);
    wrap->send_later(wrap->self, copy, delay_ns);
}

static void wrapped_send(void *self, struct od_message *message)
{
    struct od_wrap_process *wrap = self;
    enum od_fault_kind kind;
    uint64_t duration_ns = 0;
    message->from = wrap->world->actor_id;
    message->from_incarnation = wrap->world->incarnation;
    struct od_site site = od_disturb_message_site(message);
    (void)od_fault_board_hit(wrap->board, OD_POINT_MESSAGE_SEND, &site, wrap->world->actor_id, NULL,
                             message->body_bytes, &kind, &duration_ns, NULL);
    if (kind == OD_FAULT_NETWORK_LOSS) {
        od_message_free(wrap->net.message_memory, message);
        return;
    }
    if (kind == OD_FAULT_NETWORK_DELAY) {
        wrap->send_later(wrap->self, message, duration_ns);
        return;
    }
    if (kind == OD_FAULT_NETWORK_DUPLICATE)
        send_copy_later(wrap, message, duration_ns);
    wrap->net.send(wrap->net.self, message);
}

void od_wrap_process_dress(struct od_wrap_process *wrap, struct od_world *world)
{
    wrap->world = world;
    wrap->net = world->net;
    world->net.send = wrapped_send;
    world->net.self = wrap;
    world->points = (struct od_points){&wrapped_points_ops, wrap};
}
