/* Goal: of two simulations that differ, the first event in which they do is named, exactly. Method: actors that tick and draw, now and
 * then, from a counter that outlives the simulation; what is named is compared with where that was planted. */
#include "harness/diverge.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "engine/run/protocol.h"
#include "engine/world/posix.h"

#define MS        UINT64_C(1000000)
#define EXECUTORS 3

enum plant { NOTHING, A_DELAY, A_BODY, LATENCY, THE_END, NUMBER_OF_RUNS };

struct planted {
    enum plant plant;
    uint32_t actor_id;    /* where */
    uint64_t tag;         /* at which tick */
    uint32_t in_run;      /* of the two that one time simulates */
    uint32_t times;       /* so many times differ from each other, the later ones do not */
    uint32_t time;        /* this is the time'th, from 1 */
    uint32_t run;         /* this is the run'th of it, from 0 */
    struct od_sim_step found; /* the step at that place, first time */
};

struct ticker {
    struct planted *planted;
    struct od_world *world;
};

static uint64_t draw(const struct ticker *ticker, enum plant plant, uint64_t tag)
{
    const struct planted *planted = ticker->planted;
    bool is_here = planted->plant == plant && planted->actor_id == ticker->world->actor_id && planted->tag == tag &&
                   planted->in_run == planted->run;
    return is_here && planted->time <= planted->times ? planted->time : 0;
}

static void on_timer(void *self, uint64_t tag)
{
    const struct ticker *ticker = self;
    const struct od_world *world = ticker->world;
    if (world->actor_id != 0 && tag % 5 == 1) {
        struct od_message *message = od_message_new(world->net.message_memory, 8);
        if (message != NULL) {
            message->to = 0;
            message->kind = OD_MESSAGE_DONE;
            message->site = (struct od_site){0, 1, world->actor_id, 0, OD_ANY, OD_ANY, OD_ANY, OD_ANY};
            message->body[0] = (uint8_t)draw(ticker, A_BODY, tag);
            world->net.send(world->net.self, message);
        }
    }
    world->schedule.timer(world->schedule.self, MS + draw(ticker, A_DELAY, tag), tag + 1);
}

static void on_start(void *self)
{
    on_timer(self, 0);
}

static void on_message(void *self, const struct od_message *message)
{
    (void)self;
    (void)message;
}

static void free_ticker(void *self)
{
    struct ticker *ticker = self;
    od_give(ticker->world->memory, ticker, sizeof(*ticker));
}

static const struct od_actor_ops ticker_ops = {
    .on_start = on_start, .on_message = on_message, .on_timer = on_timer, .free = free_ticker};

static enum od_status make(void *self, struct od_world *world, struct od_actor *actor_out, struct od_error *error)
{
    struct ticker *ticker = od_take(world->memory, sizeof(*ticker));
    if (ticker == NULL)
        return od_fail(error, OD_NO_MEMORY, "a ticker");
    *ticker = (struct ticker){self, world};
    *actor_out = (struct od_actor){&ticker_ops, ticker};
    return OD_OK;
}

/* Between the caller of od_diverge_find and the simulation: keeps the step of the planted place. */
struct spy {
    struct planted *planted;
    struct od_sim_stepper next;
};

static void spy_on(void *self, const struct od_sim_step *step)
{
    const struct spy *spy = self;
    struct planted *planted = spy->planted;
    spy->next.stepped(spy->next.self, step);
    if (planted->run == planted->in_run && planted->found.what == NULL && step->is_handled && step->actor_id == planted->actor_id &&
        step->value == planted->tag && strcmp(step->what, "timer") == 0)
        planted->found = *step;
}

static enum od_status simulate(struct planted *planted, struct od_sim_stepper stepper, struct od_error *error)
{
    struct spy spy = {planted, stepper};
    bool is_odd = planted->run == planted->in_run && planted->time % 2 == 0;
    const struct od_actor_factory factory = {make, planted};
    const struct od_sim_options options = {.seed = 7 + planted->run,
                                           .executor_count = EXECUTORS,
                                           .latency_min_ns = MS / 10,
                                           .latency_max_ns = planted->plant == LATENCY && is_odd ? MS / 2 : MS / 4,
                                           .stepper = {spy_on, &spy}};
    struct od_sim *sim = NULL;
    OD_TRY(od_sim_new(od_heap_for_tests(), &options, &factory, &sim, error));
    od_sim_run(sim, planted->plant == THE_END && is_odd ? 1000 * MS : 3000 * MS);
    od_sim_free(sim);
    return OD_OK;
}

static enum od_status again(void *self, struct od_sim_stepper stepper, struct od_error *error)
{
    struct planted *planted = self;
    planted->time++;
    uint32_t runs = planted->plant == NUMBER_OF_RUNS && planted->time % 2 == 0 ? 1 : 2;
    for (planted->run = 0; planted->run < runs; planted->run++)
        OD_TRY(simulate(planted, stepper, error));
    return OD_OK;
}

static void find(struct planted *planted, struct od_buffer *text)
{
    struct od_error error = {0};
    od_buffer_init(text, od_heap_for_tests());
    if (od_diverge_find(od_heap_for_tests(), &(struct od_diverge_again){again, planted}, text, &error) != OD_OK)
        fail_msg("%s", error.text);
}

/* A body that differs, a delay that differs: at the first events, behind thousands, in the first run and in the second. */
static void the_event_is_named_exactly(void **state)
{
    (void)state;
    static const struct {
        enum plant plant;
        uint32_t actor_id;
        uint64_t tag;
        uint32_t in_run;
    } rows[] = {{A_DELAY, 0, 1, 0}, {A_DELAY, 2, 700, 0}, {A_BODY, 1, 1, 1}, {A_BODY, 3, 2501, 0}, {A_DELAY, 3, 2900, 1}};
    for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct planted planted = {
            .plant = rows[i].plant, .actor_id = rows[i].actor_id, .tag = rows[i].tag, .in_run = rows[i].in_run, .times = 100};
        struct od_buffer text;
        char expected[300];
        char who[20] = "the driver";
        find(&planted, &text);
        if (planted.actor_id != 0)
            snprintf(who, sizeof(who), "executor %u", planted.actor_id);
        assert_non_null(planted.found.what);
        snprintf(expected, sizeof(expected),
                 "the two first differ in run %u, event %" PRIu64 ": at %" PRIu64 ".%06" PRIu64
                 " ms: timer %" PRIu64 " of %s, both times; what it did then differs",
                 planted.in_run + 1, planted.found.number, planted.found.time_ns / MS, planted.found.time_ns % MS, planted.tag, who);
        assert_string_equal(od_buffer_text(&text), expected);
        od_buffer_release(&text);
    }
}

/* What the digest does not know of, the network's speed, shows in the first message that comes. */
static void both_events_are_named_where_they_are_two(void **state)
{
    (void)state;
    struct planted planted = {.plant = LATENCY, .in_run = 1};
    struct od_buffer text;
    find(&planted, &text);
    const char *said = od_buffer_text(&text);
    const char *second = strstr(said, "; the second time at 1.");
    if (strncmp(said, "the two first differ in run 2, event ", 37) != 0 || second == NULL ||
        strstr(said, ": the first time at 1.") == NULL || strstr(said, "message DONE from executor ") == NULL ||
        strstr(said, " to the driver, stage 1 task ") == NULL || strstr(said, "both times") != NULL)
        fail_msg("%s", said);
    od_buffer_release(&text);
}

static void a_run_that_ends_early_is_told(void **state)
{
    (void)state;
    struct planted planted = {.plant = THE_END, .in_run = 0};
    struct od_buffer text;
    find(&planted, &text);
    const char *said = od_buffer_text(&text);
    if (strncmp(said, "the two first differ in run 1, event ", 37) != 0 || strstr(said, ": the first time at 1000.") == NULL ||
        strstr(said, "; the second time the run has ended before it") == NULL)
        fail_msg("%s", said);
    od_buffer_release(&text);
    planted = (struct planted){.plant = NUMBER_OF_RUNS};
    find(&planted, &text);
    said = od_buffer_text(&text);
    if (strncmp(said, "the two first differ in run 2, event 0: the first time at 0.000000 ms: start 1 of the driver", 92) != 0)
        fail_msg("%s", said);
    od_buffer_release(&text);
}

/* Equal times; times of which only the first two differ. */
static void what_does_not_differ_again_is_said_to(void **state)
{
    (void)state;
    struct planted planted = {.plant = NOTHING};
    struct od_buffer text;
    find(&planted, &text);
    assert_string_equal(od_buffer_text(&text), "run twice more, no event differed: what differs does so seldom");
    assert_int_equal(planted.time, 2);
    od_buffer_release(&text);
    planted = (struct planted){.plant = A_DELAY, .actor_id = 2, .tag = 700, .times = 2};
    find(&planted, &text);
    const char *within = strstr(od_buffer_text(&text), "two of them first differed in run 1, within the ");
    uint64_t count = 0;
    uint64_t from = 0;
    assert_non_null(within);
    assert_int_equal(sscanf(within, "two of them first differed in run 1, within the %" SCNu64 " events from %" SCNu64, &count, &from), 2);
    assert_true(from <= planted.found.number && planted.found.number < from + count);
    assert_true(count > 1); /* the list was full more than once */
    od_buffer_release(&text);
}

static void refused_memory_is_said(void **state)
{
    (void)state;
    struct od_countdown countdown = {0};
    struct planted planted = {.plant = NOTHING};
    struct od_buffer text;
    od_buffer_init(&text, od_heap_for_tests());
    od_countdown_init(&countdown, od_heap_for_tests(), 0, false);
    assert_int_equal(od_diverge_find(&countdown.memory, &(struct od_diverge_again){again, &planted}, &text, NULL), OD_NO_MEMORY);
    assert_int_equal(countdown.live_block_count, 0);
    assert_int_equal(planted.time, 0);
    od_buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_event_is_named_exactly),
        cmocka_unit_test(both_events_are_named_where_they_are_two),
        cmocka_unit_test(a_run_that_ends_early_is_told),
        cmocka_unit_test(what_does_not_differ_again_is_said_to),
        cmocka_unit_test(refused_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
