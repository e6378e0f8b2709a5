/* message: what actors send each other. A header for routing and fault addressing, then a flat body.
 *
 *   [ struct od_message | body bytes ... ]   one allocation; moved, never shared
 *
 * The body is bytes with no pointer in it, so that a message can be digested, damaged, or put on a wire as it is. What the
 * kinds mean is engine/run's business (run/protocol.h); the world only carries them. */
#ifndef OD_WORLD_MESSAGE_H
#define OD_WORLD_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core/memory.h"
#include "engine/world/point.h"

/* What a message is for, as far as it matters to who carries it. */
enum od_message_role {
    OD_ROLE_OTHER,
    OD_ROLE_REGISTRATION,
    OD_ROLE_WELCOME, /* the answer to it */
    OD_ROLE_HEARTBEAT,
    OD_ROLE_LAUNCH,
    OD_ROLE_CANCEL,
    OD_ROLE_REPORT,
    OD_ROLE_ACKNOWLEDGEMENT,
    OD_ROLE_REQUEST,
    OD_ROLE_REPLY,
    OD_ROLE_LOSS, /* the news of one */
    OD_ROLE_COPY,
    OD_ROLE_END,
    OD_ROLE_COUNT
};

struct od_message {
    struct od_message *next;   /* for queues of whoever owns the message now */
    uint32_t from;             /* actor id: 0 the driver, 1..N executors */
    uint32_t to;
    uint32_t from_incarnation; /* an actor's life number; a restarted executor has a larger one */
    uint32_t kind;
    enum od_message_role role; /* the sender's business: it does not travel between processes */
    struct od_site site;
    size_t body_bytes;
    uint8_t *body; /* points into this allocation */
};

/* One allocation with a zeroed body; NULL on refusal. Thread-safety is that of `memory`. */
struct od_message *od_message_new(struct od_memory *memory, size_t body_bytes);
/* NULL is fine. `memory` as given to _new. */
void od_message_free(struct od_memory *memory, struct od_message *message);

#endif
