/* posix_net_fixture: for tests of nodes. Sides are nodes with an actor that counts; all run in this thread,
 * in turns of a millisecond, until a number is reached. */
#ifndef OD_WORLD_POSIX_NET_FIXTURE_H
#define OD_WORLD_POSIX_NET_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#include "engine/core/sweep.h"
#include "engine/world/posix_net.h"

#define MS UINT64_C(1000000)

struct side {
    struct od_node *node;
    struct od_world *world;
    uint64_t started, got, timers, here, gone, refused, mail;
    uint32_t last_from, last_incarnation; /* of the last message, or peer */
    struct od_error last_refusal;
    uint64_t got_at_timer; /* the first one */
    uint64_t sum;          /* of the bodies' bytes */
    char body[64];
};

static inline void say(struct side *side, uint32_t to, uint32_t kind, const void *body, size_t size)
{
    struct od_message *message = od_message_new(side->world->net.message_memory, size);
    assert_non_null(message);
    if (size > 0 && body != NULL)
        memcpy(message->body, body, size);
    message->to = to;
    message->kind = kind;
    side->world->net.send(side->world->net.self, message);
}

static inline void side_start(void *self)
{
    ((struct side *)self)->started++;
}

static inline void side_message(void *self, const struct od_message *message)
{
    struct side *side = (struct side *)self;
    side->got++;
    side->last_from = message->from;
    side->last_incarnation = message->from_incarnation;
    snprintf(side->body, sizeof(side->body), "%.*s", (int)message->body_bytes, (const char *)message->body);
    for (size_t i = 0; i < message->body_bytes; i++)
        side->sum += message->body[i];
}

static inline void side_timer(void *self, uint64_t tag)
{
    struct side *side = (struct side *)self;
    if (side->timers == 0)
        side->got_at_timer = side->got;
    side->timers += tag;
}

static inline void side_free(void *self)
{
    (void)self;
}

static inline enum od_status side_make(void *self, struct od_world *world, struct od_actor *actor_out,
                                       struct od_error *error)
{
    static const struct od_actor_ops ops = {
        .on_start = side_start, .on_message = side_message, .on_timer = side_timer, .free = side_free};
    (void)error;
    ((struct side *)self)->world = world;
    *actor_out = (struct od_actor){&ops, self};
    return OD_OK;
}

static inline void side_mail(void *self, const struct od_message *message)
{
    (void)message;
    ((struct side *)self)->mail++;
}

static inline void side_peer(void *self, uint32_t id, uint32_t incarnation, bool here)
{
    struct side *side = (struct side *)self;
    side->last_from = id;
    side->last_incarnation = incarnation;
    *(here ? &side->here : &side->gone) += 1;
}

static inline void side_refused(void *self, const struct od_error *error)
{
    struct side *side = (struct side *)self;
    side->refused++;
    side->last_refusal = *error;
}

static inline struct od_node_options options_of(struct side *side, uint32_t id, const char *driver)
{
    *side = (struct side){0};
    return (struct od_node_options){
        .actor_id = id,
        .incarnation = 1,
        .listen = "tcp:127.0.0.1:0",
        .driver = driver,
        .factory = {side_make, side},
        .ops = {side_mail, side_peer, side_refused},
        .self = side,
    };
}

static inline void begin(struct side *side, const struct od_node_options *options)
{
    struct od_error error = {0};
    enum od_status status = od_node_new(od_heap_for_tests(), options, &side->node, &error);
    if (status != OD_OK)
        print_message("%s\n", error.text);
    assert_int_equal(status, OD_OK);
}

static inline void end(struct side *side)
{
    od_node_free(side->node);
    side->node = NULL;
}

static inline void run_ms(struct side *side)
{
    struct od_error error;
    enum od_status status = od_node_run(side->node, MS, &error);
    if (status != OD_TIMED_OUT)
        print_message("%s\n", error.text);
    assert_int_equal(status, OD_TIMED_OUT);
}

static inline uint64_t now_ns(void)
{
    struct od_clock clock = od_posix_clock();
    return clock.now_ns(clock.self);
}

/* Runs the sides that have a node until the number has come to be `wanted`. */
static inline void run_until(struct side *sides, int count, const uint64_t *number, uint64_t wanted)
{
    uint64_t end_ns = now_ns() + 10000 * MS;
    while (*number < wanted && now_ns() < end_ns) {
        for (int i = 0; i < count; i++) {
            if (sides[i].node != NULL)
                run_ms(&sides[i]);
        }
    }
    assert_int_equal(*number, wanted);
}

/* A driver and executors 1.. that all know it; `secret` may be NULL. */
static inline void begin_cluster(struct side *sides, int count, const struct od_secret *secret)
{
    for (int i = 0; i < count; i++) {
        struct od_node_options options =
            options_of(&sides[i], (uint32_t)i, i == 0 ? NULL : od_node_address(sides[0].node));
        if (secret != NULL)
            options.secret = *secret;
        begin(&sides[i], &options);
    }
    run_until(sides, count, &sides[0].here, (uint64_t)count - 1);
    for (int i = 1; i < count; i++)
        run_until(sides, count, &sides[i].here, 1);
}

static inline void end_all(struct side *sides, int count)
{
    for (int i = 0; i < count; i++)
        end(&sides[i]);
}

static inline int open_descriptors(void)
{
    int count = 0;
    DIR *entries = opendir("/proc/self/fd");
    assert_non_null(entries);
    while (readdir(entries) != NULL)
        count++;
    closedir(entries);
    return count;
}

#endif
