/* serve: the giving end of exchanges and copies: of executors, and of the driver for what it keeps safe. */
#include "engine/run/life.h"

void od_life_serve(struct od_life *life, const struct od_message *message)
{
    struct od_body_fetch body;
    if (!od_read_fetch(message, &body))
        return;
    struct od_attempt_name writer = od_message_attempt(message);
    struct od_site site = od_life_site(life, &writer);
    site.partition = message->site.partition;
    struct od_error error = {0};
    enum od_status status = OD_MISSING; /* of another registration: what it wrote is gone */
    if (body.epoch == od_life_place(life))
        status = od_block_store_read(&life->store, &writer, body.offset, body.size, &life->scratch, &error);
    struct od_point_bytes passing = {0};
    if (status == OD_OK) {
        passing = (struct od_point_bytes){.bytes = life->scratch.bytes, .size = life->scratch.size};
        status = od_life_hit(life, OD_POINT_BLOCK_SERVE, site, &passing, &error);
    }
    life->gone = life->gone || status == OD_EXECUTOR_GONE;
    if (life->gone)
        return;
    struct od_body_block answer = {.name = body.name, .status = status, .injected = error.injected};
    if (status == OD_OK) {
        answer.size = (uint32_t)passing.size;
        answer.bytes = passing.bytes;
    }
    od_write_block(&life->outbox.body, &answer);
    od_outbox_send(&life->outbox, message->from, OD_MESSAGE_BLOCK, site);
}
