/* posix_lifeline: one thread in poll() over two descriptors: the parent's pipe, and an eventfd by which it is
 * told to go. */
#include "engine/world/posix_lifeline.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "engine/core/assert.h"

struct od_lifeline {
    struct od_memory *memory; /* borrowed */
    int descriptor;           /* borrowed */
    int stop;                 /* owned: readable when the thread is to go */
    uint64_t grace_ns;
    void (*on_end)(void *self);
    void *self;
    pthread_t thread;
};

static bool parent_is_gone(int descriptor)
{
    char bytes[64];
    ssize_t got = read(descriptor, bytes, sizeof(bytes)); /* what is written there means nothing */
    return got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
}

static void *watch(void *argument)
{
    const struct od_lifeline *lifeline = argument;
    struct pollfd polled[] = {{.fd = lifeline->stop, .events = POLLIN},
                              {.fd = lifeline->descriptor, .events = POLLIN}};
    for (;;) {
        int result = poll(polled, 2, -1);
        if (result < 0)
            continue; /* a signal */
        if (polled[0].revents != 0)
            return NULL;
        if (polled[1].revents != 0 && parent_is_gone(lifeline->descriptor))
            break;
    }
    lifeline->on_end(lifeline->self);
    int result;
    do {
        result = poll(polled, 1, (int)(lifeline->grace_ns / 1000000u));
    } while (result < 0 && errno == EINTR);
    if (result == 0)
        _exit(OD_LIFELINE_EXIT);
    return NULL;
}

enum od_status od_lifeline_new(struct od_memory *memory, int descriptor, uint64_t grace_ns,
                               void (*on_end)(void *self), void *self, struct od_lifeline **lifeline_out,
                               struct od_error *error)
{
    *lifeline_out = NULL;
    struct od_lifeline *lifeline = od_take(memory, sizeof(*lifeline));
    if (lifeline == NULL)
        return od_fail(error, OD_NO_MEMORY, "watching the parent");
    *lifeline = (struct od_lifeline){memory, descriptor, -1, grace_ns, on_end, self, 0};
    lifeline->stop = eventfd(0, EFD_CLOEXEC);
    int result = lifeline->stop < 0 ? errno : pthread_create(&lifeline->thread, NULL, watch, lifeline);
    if (result != 0) {
        if (lifeline->stop >= 0)
            close(lifeline->stop);
        od_give(memory, lifeline, sizeof(*lifeline));
        return od_fail(error, OD_IO, "watching the parent: %s", strerror(result));
    }
    prctl(PR_SET_PDEATHSIG, SIGCONT);
    *lifeline_out = lifeline;
    return OD_OK;
}

void od_lifeline_free(struct od_lifeline *lifeline)
{
    if (lifeline == NULL)
        return;
    uint64_t one = 1;
    ssize_t wrote = write(lifeline->stop, &one, sizeof(one));
    od_assert(wrote == (ssize_t)sizeof(one));
    int result = pthread_join(lifeline->thread, NULL);
    od_assert(result == 0);
    close(lifeline->stop);
    od_give(lifeline->memory, lifeline, sizeof(*lifeline));
}
