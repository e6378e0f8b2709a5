/* Goal: nodes find each other, prove themselves, carry messages within their bounds, and survive strangers and lost peers.
 * Method: several nodes in this thread, run in turns of a millisecond until a condition holds; strangers are plain sockets. The
 * actors count what they get. What needs real processes is in posix_children_test.c. */
#include "engine/world/posix_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"

#define MS UINT64_C(1000000)

struct side {
    struct od_node *node;
    struct od_world *world;
    uint64_t started, got, timers, here, gone, refused, mail;
    uint32_t last_from, last_incarnation;
    struct od_error last_refusal;
    uint64_t sum;      /* of the bodies' bytes */
    uint32_t reply_to; /* OD_ANY: nobody */
    char body[64];
};

static void say(struct side *side, uint32_t to, uint32_t kind, const void *body, size_t size)
{
    struct od_message *message = od_message_new(side->world->net.message_memory, size);
    assert_non_null(message);
    if (size > 0)
        memcpy(message->body, body, size);
    message->to = to;
    message->kind = kind;
    side->world->net.send(side->world->net.self, message);
}

static void on_start(void *self)
{
    ((struct side *)self)->started++;
}

static void on_message(void *self, const struct od_message *message)
{
    struct side *side = self;
    side->got++;
    side->last_from = message->from;
    side->last_incarnation = message->from_incarnation;
    snprintf(side->body, sizeof(side->body), "%.*s", (int)message->body_bytes, (const char *)message->body);
    for (size_t i = 0; i < message->body_bytes; i++)
        side->sum += message->body[i];
}

static void on_timer(void *self, uint64_t tag)
{
    struct side *side = self;
    side->timers += tag;
}

static void free_side(void *self)
{
    (void)self;
}

static enum od_status make_side(void *self, struct od_world *world, struct od_actor *actor_out,
                                struct od_error *error)
{
    static const struct od_actor_ops ops = {on_start, on_message, on_timer, free_side};
    struct side *side = self;
    (void)error;
    side->world = world;
    *actor_out = (struct od_actor){&ops, side};
    return OD_OK;
}

static void on_mail(void *self, const struct od_message *message)
{
    struct side *side = self;
    (void)message;
    side->mail++;
}

static void on_peer(void *self, uint32_t id, uint32_t incarnation, bool here)
{
    struct side *side = self;
    side->last_from = id;
    side->last_incarnation = incarnation;
    *(here ? &side->here : &side->gone) += 1;
}

static void on_refused(void *self, const struct od_error *error)
{
    struct side *side = self;
    side->refused++;
    side->last_refusal = *error;
}

static struct od_node_options options_of(struct side *side, uint32_t id, const char *driver)
{
    *side = (struct side){.reply_to = OD_ANY};
    return (struct od_node_options){
        .actor_id = id,
        .incarnation = 1,
        .listen = "tcp:127.0.0.1:0",
        .driver = driver,
        .factory = {make_side, side},
        .ops = {on_mail, on_peer, on_refused},
        .self = side,
    };
}

static void begin(struct side *side, const struct od_node_options *options)
{
    struct od_error error = {0};
    enum od_status status = od_node_new(od_heap_for_tests(), options, &side->node, &error);
    if (status != OD_OK)
        print_message("%s\n", error.text);
    assert_int_equal(status, OD_OK);
}

static void run_ms(struct side *side)
{
    struct od_error error;
    enum od_status status = od_node_run(side->node, MS, &error);
    if (status != OD_TIMED_OUT)
        print_message("%s\n", error.text);
    assert_int_equal(status, OD_TIMED_OUT);
}

/* Runs the sides until the number has come to be `wanted`. */
static void run_until(struct side *sides, int count, const uint64_t *number, uint64_t wanted)
{
    struct od_clock clock = od_posix_clock();
    uint64_t end_ns = clock.now_ns(clock.self) + 10000 * MS;
    while (*number < wanted && clock.now_ns(clock.self) < end_ns) {
        for (int i = 0; i < count; i++)
            run_ms(&sides[i]);
    }
    assert_int_equal(*number, wanted);
}

static void two_nodes_talk(void **state)
{
    (void)state;
    struct side sides[2];
    struct od_node_options driver = options_of(&sides[0], 0, NULL);
    begin(&sides[0], &driver);
    struct od_node_options executor = options_of(&sides[1], 1, od_node_address(sides[0].node));
    begin(&sides[1], &executor);
    run_until(sides, 2, &sides[0].here, 1);
    run_until(sides, 2, &sides[1].here, 1);
    say(&sides[0], 1, 7, "hello", 5);
    run_until(sides, 2, &sides[1].got, 1);
    assert_string_equal(sides[1].body, "hello");
    od_node_free(sides[1].node);
    run_until(sides, 1, &sides[0].gone, 1);
    od_node_free(sides[0].node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_nodes_talk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
