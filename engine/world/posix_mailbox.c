/* posix_mailbox: see the header for the algorithm and its drawing. The message's plain `next` is shared between threads
 * only while it is in a mailbox, and only through the atomic operations of this file. */
#include "engine/world/posix_mailbox.h"

void od_mailbox_init(struct od_mailbox *mailbox)
{
    *mailbox = (struct od_mailbox){0};
    mailbox->newest = &mailbox->stub;
    mailbox->oldest = &mailbox->stub;
}

static struct od_message *next_of(struct od_message *message)
{
    return __atomic_load_n(&message->next, __ATOMIC_ACQUIRE);
}

void od_mailbox_push(struct od_mailbox *mailbox, struct od_message *message)
{
    __atomic_store_n(&message->next, NULL, __ATOMIC_RELAXED);
    struct od_message *before = __atomic_exchange_n(&mailbox->newest, message, __ATOMIC_SEQ_CST);
    __atomic_store_n(&before->next, message, __ATOMIC_RELEASE);
}

struct od_message *od_mailbox_pop(struct od_mailbox *mailbox)
{
    struct od_message *oldest = mailbox->oldest;
    struct od_message *next = next_of(oldest);
    if (oldest == &mailbox->stub) {
        if (next == NULL)
            return NULL;
        mailbox->oldest = next;
        oldest = next;
        next = next_of(oldest);
    }
    if (next == NULL) {
        if (oldest != __atomic_load_n(&mailbox->newest, __ATOMIC_ACQUIRE))
            return NULL; /* a sender is between its two steps */
        od_mailbox_push(mailbox, &mailbox->stub);
        next = next_of(oldest);
        if (next == NULL)
            return NULL;
    }
    mailbox->oldest = next;
    oldest->next = NULL;
    return oldest;
}

bool od_mailbox_is_empty(const struct od_mailbox *mailbox)
{
    return mailbox->oldest == &mailbox->stub &&
           __atomic_load_n(&mailbox->newest, __ATOMIC_SEQ_CST) == &mailbox->stub;
}
