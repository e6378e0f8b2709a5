/* posix_mailbox: a lock-free queue of messages, many senders, one receiver, no allocation.
 *
 * Algorithm: D. Vyukov, "Intrusive MPSC node-based queue" (1024cores.net). A push is one atomic exchange, so senders never
 * wait for each other. A stub message stands in the queue whenever it is empty:
 *
 *   oldest (receiver's)                      newest (senders')
 *      v                                        v
 *   [ m1 ] --next--> [ m2 ] --next--> [ stub or m3 ]
 *
 * Between a sender's exchange and its write of `next` the chain is broken for an instant: pop then gives NULL though
 * od_mailbox_is_empty says no. The receiver may try again but must not sleep. */
#ifndef OD_WORLD_POSIX_MAILBOX_H
#define OD_WORLD_POSIX_MAILBOX_H

#include "engine/world/message.h"

struct od_mailbox {
    struct od_message *newest; /* atomic; every sender's */
    struct od_message *oldest; /* the receiver's alone */
    struct od_message stub;    /* the queue points at it: a mailbox must not be moved */
};

void od_mailbox_init(struct od_mailbox *mailbox);
/* Any thread. The message is the mailbox's until it is popped. */
void od_mailbox_push(struct od_mailbox *mailbox, struct od_message *message);
/* The receiver only. In the order of the pushes; NULL: nothing (yet). */
struct od_message *od_mailbox_pop(struct od_mailbox *mailbox);
/* The receiver only. Sequentially consistent with pushes: after it has published "I sleep", a false "empty" is impossible
 * for a push whose sender did not see that flag. */
bool od_mailbox_is_empty(const struct od_mailbox *mailbox);

#endif
