/* driver_bench: a driver and nothing else: the test plays all executors by hand.
 *
 * It calls the driver's handlers directly, keeps what the driver sends, and looks at the last message of a kind and at the events.
 * The query: `bench_tasks` tasks scan, one task reads them all and gives the result. Included by one test program each: all
 * functions are static, and not every program uses all. */
#ifndef OD_RUN_DRIVER_BENCH_H
#define OD_RUN_DRIVER_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "engine/run/driver_state.h"
#include "engine/run/protocol.h"

#define MS UINT64_C(1000000)

static struct od_field fields[] = {{"a", OD_TYPE_INT64, true}};
static const struct od_schema schema = {1, fields};
static const uint32_t first_stage[] = {0};
static const struct od_physical nodes[2] = {
    {.kind = OD_PHYSICAL_SCAN, .schema = {1, fields}},
    {.kind = OD_PHYSICAL_EXCHANGE_READ, .schema = {1, fields}},
};
static struct od_stage stages[2] = {
    {.stage_index = 0,
     .task_count = 1,
     .root = &nodes[0],
     .exchange = OD_EXCHANGE_SINGLE,
     .partition_count = 1},
    {.stage_index = 1,
     .task_count = 1,
     .root = &nodes[1],
     .input_count = 1,
     .input_stages = first_stage,
     .exchange = OD_EXCHANGE_RESULT,
     .partition_count = 1},
};
static const struct od_stage_graph graph = {.stage_count = 2, .stages = stages, .schema = &schema};

#define BENCH_TASKS_MAX 8
static uint32_t bench_tasks = 1; /* at most BENCH_TASKS_MAX */
static struct od_run_options bench_options = {.cluster.executor_count = 2}; /* 0: the default */

static struct bench {
    struct od_query query;
    struct od_world world;
    struct od_stream random;
    struct od_countdown memory;
    struct od_actor driver;
    uint64_t now_ns;
    struct od_message *last[OD_MESSAGE_KIND_COUNT]; /* owned; the last the driver sent of each kind */
    uint32_t sent_count[OD_MESSAGE_KIND_COUNT];
    uint32_t event_count[OD_EVENT_COUNT];
    bool ended;
    struct od_outcome outcome;
    uint32_t other_ended; /* the last query that did, 4 excepted, and how */
    enum od_status other_status;
    uint64_t tick_tag;    /* of the tick that was set last */
    uint32_t timer_count; /* likewise the last timer of a deadline */
    uint64_t timer_tag;
    uint64_t timer_due_ns;
    uint32_t operator_count;          /* that DONE tells of */
    struct od_query_metrics *metrics; /* owned copy */
    struct od_buffer body;            /* of the message that is being made */
    uint32_t task;                    /* that messages are about */
    struct od_event last_event[OD_EVENT_COUNT];
    struct od_site launched[BENCH_TASKS_MAX]; /* by task of the scan: its latest attempt */
} bench;

static inline uint64_t bench_now(void *self)
{
    (void)self;
    return bench.now_ns;
}

static inline void bench_send(void *self, struct od_message *message)
{
    (void)self;
    od_message_free(od_heap_for_tests(), bench.last[message->kind]);
    bench.last[message->kind] = message;
    bench.sent_count[message->kind]++;
}

static inline void bench_timer(void *self, uint64_t delay_ns, uint64_t tag)
{
    (void)self;
    if ((tag & ((1u << OD_TIMER_BITS) - 1)) == OD_TIMER_TICK)
        bench.tick_tag = tag;
    if ((tag & ((1u << OD_TIMER_BITS) - 1)) != OD_TIMER_DEADLINE)
        return;
    bench.timer_count++;
    bench.timer_tag = tag;
    bench.timer_due_ns = bench.now_ns + delay_ns;
}

static inline void bench_event(void *self, const struct od_event *event)
{
    (void)self;
    bench.event_count[event->kind]++;
    bench.last_event[event->kind] = *event;
    if (event->kind == OD_EVENT_TASK_LAUNCHED && event->site.stage == 0)
        bench.launched[event->site.task] = event->site;
}

static inline void bench_ended(void *self, uint32_t query_id, struct od_outcome *outcome)
{
    (void)self;
    if (query_id != 4) {
        bench.other_ended = query_id;
        bench.other_status = outcome->status;
        return;
    }
    assert_false(bench.ended);
    bench.ended = true;
    bench.outcome = *outcome;
    bench.metrics = od_query_metrics_copy(od_heap_for_tests(), outcome->metrics);
}

static inline int set_up(void **state)
{
    (void)state;
    static const struct od_trace_ops trace_ops = {bench_event};
    memset(&bench, 0, sizeof(bench));
    bench.now_ns = MS;
    bench.operator_count = 1;
    stages[0].task_count = bench_tasks;
    bench.query =
        (struct od_query){.query_id = 4, .graph = &graph, .options = od_run_options_resolve(&bench_options)};
    od_countdown_init(&bench.memory, od_heap_for_tests(), UINT64_MAX, false);
    od_stream_init(&bench.random, 1, "engine");
    od_buffer_init(&bench.body, od_heap_for_tests());
    bench.world = (struct od_world){.incarnation = 1,
                                    .clock = {bench_now, NULL},
                                    .random = bench.random.random,
                                    .memory = &bench.memory.memory,
                                    .net = {bench_send, NULL, od_heap_for_tests()},
                                    .schedule = {bench_timer, NULL},
                                    .trace = {&trace_ops, NULL}};
    struct od_outcome_sink sink = {bench_ended, NULL};
    assert_int_equal(od_driver_new(&bench.world, &bench.query.options.cluster, sink, &bench.driver, NULL),
                     OD_OK);
    assert_int_equal(od_driver_submit(&bench.driver, &bench.query, NULL), OD_OK);
    bench.driver.ops->on_start(bench.driver.self);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    bench.driver.ops->free(bench.driver.self);
    od_table_free(&bench.memory.memory, bench.outcome.answer);
    od_query_metrics_free(od_heap_for_tests(), bench.metrics);
    for (uint32_t i = 0; i < OD_MESSAGE_KIND_COUNT; i++)
        od_message_free(od_heap_for_tests(), bench.last[i]);
    od_buffer_release(&bench.body);
    assert_int_equal(bench.memory.live_block_count, 0);
    return 0;
}

/* --- what executors say ---------------------------------------------------------------------------------------- */

static struct od_message *kept;

static inline void keep_message(void *self, struct od_message *message)
{
    (void)self;
    kept = message;
}

/* Gives bench.body to the driver as a message of an executor about (stage, bench.task, attempt). */
static inline void say(uint32_t from, uint32_t incarnation, enum od_message_kind kind, uint32_t stage,
                uint32_t attempt)
{
    struct od_world world = {.actor_id = from,
                             .incarnation = incarnation,
                             .memory = od_heap_for_tests(),
                             .net = {keep_message, NULL, od_heap_for_tests()}};
    struct od_outbox outbox = {.world = &world, .body = bench.body};
    struct od_site site = OD_SITE_ANY;
    site.query = 4;
    site.stage = stage;
    site.task = bench.task;
    site.attempt = attempt;
    site.executor = from;
    assert_true(od_outbox_send(&outbox, 0, kind, site));
    bench.body = outbox.body;
    bench.driver.ops->on_message(bench.driver.self, kept);
    od_message_free(od_heap_for_tests(), kept);
}

static inline void say_register(uint32_t from, uint32_t incarnation, uint32_t request)
{
    od_buffer_append_u32(&bench.body, request);
    say(from, incarnation, OD_MESSAGE_REGISTER, OD_ANY, OD_ANY);
}

static inline void say_done_with(uint32_t from, uint32_t epoch, uint32_t stage, uint32_t attempt,
                          uint32_t generation, uint64_t row_count)
{
    struct od_block_entry entry = {.row_count = 3, .size = 100, .row_checksum = {7, 8}};
    od_write_done(&bench.body, &(struct od_body_done){.epoch = epoch,
                                                      .generation = generation,
                                                      .row_count = row_count,
                                                      .total_bytes = 100,
                                                      .row_checksum = {7, 8},
                                                      .metrics = {.steps = 5},
                                                      .operator_count = bench.operator_count,
                                                      .block_count = 1});
    for (uint32_t i = 0; i < bench.operator_count; i++)
        od_write_op_metrics(&bench.body, &(struct od_op_metrics){.rows = 10 + i, .peak_bytes = 20});
    od_write_entry(&bench.body, &entry);
    say(from, 1, OD_MESSAGE_DONE, stage, attempt);
}

static inline void say_done(uint32_t from, uint32_t epoch, uint32_t stage, uint32_t attempt, uint64_t row_count)
{
    say_done_with(from, epoch, stage, attempt, 0, row_count);
}

/* A recompute. */
static inline void say_done_again(uint32_t from, uint32_t epoch, uint32_t stage, uint32_t attempt,
                           uint32_t generation)
{
    say_done_with(from, epoch, stage, attempt, generation, 3);
}

static inline void say_failed(uint32_t from, uint32_t epoch, uint32_t stage, uint32_t attempt, enum od_status status)
{
    od_write_failed(&bench.body, &(struct od_body_failed){
                                     .epoch = epoch, .status = status, .text = "why", .text_size = 3});
    say(from, 1, OD_MESSAGE_FAILED, stage, attempt);
}

static inline void say_source_failed_at(uint32_t from, uint32_t epoch, uint32_t attempt, uint32_t source_attempt,
                                 uint32_t source_epoch)
{
    od_write_failed(&bench.body, &(struct od_body_failed){.epoch = epoch,
                                                          .status = OD_CORRUPT,
                                                          .fetch_failed = true,
                                                          .source = {.query = 4, .attempt = source_attempt},
                                                          .source_epoch = source_epoch,
                                                          .text = "why",
                                                          .text_size = 3});
    say(from, 1, OD_MESSAGE_FAILED, 1, attempt);
}

static inline void say_source_failed(uint32_t from, uint32_t epoch, uint32_t attempt, uint32_t source_attempt)
{
    say_source_failed_at(from, epoch, attempt, source_attempt, epoch);
}

/* `held` NULL: no attempt. */
static inline void say_heartbeat(uint32_t from, uint32_t epoch, const struct od_attempt_name *held)
{
    od_write_heartbeat(&bench.body,
                       &(struct od_body_heartbeat){.epoch = epoch, .begun_count = held != NULL, .attempt_count = held != NULL});
    if (held != NULL)
        od_write_attempt_name(&bench.body, held);
    say(from, 1, OD_MESSAGE_HEARTBEAT, OD_ANY, OD_ANY);
}

static inline void let_time_pass(uint64_t ns)
{
    bench.now_ns += ns;
    bench.driver.ops->on_timer(bench.driver.self, bench.tick_tag);
}

static inline uint32_t last_epoch(void)
{
    struct od_body_registered body;
    assert_true(od_read_registered(bench.last[OD_MESSAGE_REGISTERED], &body));
    return body.epoch;
}

static inline bool last_acknowledge_keeps(void)
{
    struct od_body_acknowledge body;
    assert_true(od_read_acknowledge(bench.last[OD_MESSAGE_ACKNOWLEDGE], &body));
    return body.keep;
}

static inline const struct od_site *last_launch(void)
{
    assert_non_null(bench.last[OD_MESSAGE_LAUNCH]);
    return &bench.last[OD_MESSAGE_LAUNCH]->site;
}

#endif
