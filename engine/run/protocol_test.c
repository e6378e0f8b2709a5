/* protocol_test: every body reads back as it was written (Z1), and nothing else is taken for one (Z3).
 *
 * Method: one message of each kind is built through an outbox into a world that keeps it. Its reader must accept it and give
 * the fields back; then every bit of the body is flipped and every truncation tried, and the reader must refuse. A count that
 * promises more list elements than there are bytes, with a right checksum, must be refused too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/run/protocol.h"
#include "engine/core/sweep.h"
#include "engine/world/posix.h"

static struct od_message *sent;

static void keep(void *self, struct od_message *message)
{
    (void)self;
    assert_null(sent);
    sent = message;
}

static struct od_world make_world(struct od_memory *memory)
{
    return (struct od_world){
        .actor_id = 2, .incarnation = 5, .memory = memory, .net = {keep, NULL, od_posix_memory()}};
}

/* One writer and one reader a kind; `read` also checks the fields when `whole`. */
struct kind_case {
    enum od_message_kind kind;
    void (*write)(struct od_buffer *body);
    bool (*read)(const struct od_message *message, bool whole);
};

static void write_epoch_77(struct od_buffer *body)
{
    od_buffer_append_u32(body, 77);
}
static bool read_order_case(const struct od_message *message, bool whole)
{
    struct od_body_order body;
    bool is_read = od_read_order(message, &body);
    if (whole)
        assert_int_equal(body.epoch, 77);
    return is_read;
}
static bool read_register_case(const struct od_message *message, bool whole)
{
    struct od_body_register body;
    bool is_read = od_read_register(message, &body);
    if (whole)
        assert_int_equal(body.request, 77);
    return is_read;
}

static void write_registered_case(struct od_buffer *body)
{
    od_write_registered(body, &(struct od_body_registered){1, 2, 3});
}
static bool read_registered_case(const struct od_message *message, bool whole)
{
    struct od_body_registered body;
    bool is_read = od_read_registered(message, &body);
    if (whole)
        assert_true(body.incarnation == 1 && body.request == 2 && body.epoch == 3);
    return is_read;
}

static void write_heartbeat_case(struct od_buffer *body)
{
    od_write_heartbeat(body, &(struct od_body_heartbeat){.epoch = 77, .attempt_count = 2, .query_count = 1});
    od_write_attempt_name(body, &(struct od_attempt_name){1, 2, 3, 4});
    od_write_attempt_name(body, &(struct od_attempt_name){5, 6, 7, 8});
    od_buffer_append_u32(body, 9);
}
static bool read_heartbeat_case(const struct od_message *message, bool whole)
{
    struct od_body_heartbeat body;
    bool is_read = od_read_heartbeat(message, &body);
    if (whole) {
        assert_true(body.epoch == 77 && body.attempt_count == 2 && body.query_count == 1);
        od_next_attempt_name(&body.held);
        struct od_attempt_name name = od_next_attempt_name(&body.held);
        assert_true(name.query == 5 && name.stage == 6 && name.task == 7 && name.attempt == 8);
        assert_int_equal(od_reader_u32(&body.held), 9);
        assert_true(!body.held.failed && body.held.offset == body.held.size);
    }
    return is_read;
}

static const struct od_block_entry entry = {1, 2, 3, 4, {5, 6}};
static const struct od_body_source source = {{1, 2, 3, 4}, {8, 9, 10, 11}, 5, 6, 7, 1};

static void write_launch_case(struct od_buffer *body)
{
    od_write_launch(body,
                    &(struct od_body_launch){.registered = {1, 2, 3}, .generation = 4, .input_count = 1});
    od_write_source(body, &source);
    od_write_entry(body, &entry);
}
static bool read_launch_case(const struct od_message *message, bool whole)
{
    struct od_body_launch body;
    bool is_read = od_read_launch(message, &body);
    if (whole) {
        assert_true(body.registered.epoch == 3 && body.generation == 4 && body.input_count == 1);
        struct od_body_source part = od_next_source(&body.inputs);
        assert_memory_equal(&part, &source, sizeof(part));
        struct od_block_entry block = od_next_entry(&body.inputs);
        assert_true(block.partition == 1 && block.row_count == 2 && block.size == 3 && block.offset == 4 &&
                    block.row_checksum.low == 5 && block.row_checksum.high == 6);
        assert_true(!body.inputs.failed && body.inputs.offset == body.inputs.size);
    }
    return is_read;
}

static void write_done_case(struct od_buffer *body)
{
    od_write_done(body, &(struct od_body_done){.epoch = 1,
                                               .generation = 2,
                                               .row_count = UINT64_C(1) << 40,
                                               .total_bytes = 4,
                                               .row_checksum = {5, 6},
                                               .metrics = {.steps = 7, .fetched_bytes = 8},
                                               .operator_count = 2,
                                               .block_count = 1});
    od_write_op_metrics(body, &(struct od_op_metrics){.rows = 9});
    od_write_op_metrics(body, &(struct od_op_metrics){.rows = 10, .time_ns = 11});
    od_write_entry(body, &entry);
}
static bool read_done_case(const struct od_message *message, bool whole)
{
    struct od_body_done body;
    bool is_read = od_read_done(message, &body);
    if (whole) {
        assert_true(body.row_count == UINT64_C(1) << 40 && body.total_bytes == 4 && body.block_count == 1 &&
                    body.row_checksum.high == 6 && od_next_entry(&body.blocks).offset == 4);
        assert_true(body.metrics.steps == 7 && body.metrics.fetched_bytes == 8 && body.operator_count == 2);
        assert_int_equal(od_next_op_metrics(&body.operators).rows, 9);
        assert_int_equal(od_next_op_metrics(&body.operators).time_ns, 11);
        assert_true(!body.operators.failed && body.operators.offset == body.operators.size);
    }
    return is_read;
}

static void write_failed_case(struct od_buffer *body)
{
    od_write_failed(body, &(struct od_body_failed){.epoch = 1,
                                                   .status = OD_CORRUPT,
                                                   .injected = true,
                                                   .fetch_failed = true,
                                                   .source = {1, 2, 3, 4},
                                                   .source_epoch = 5,
                                                   .text = "bad",
                                                   .text_size = 3});
}
static bool read_failed_case(const struct od_message *message, bool whole)
{
    struct od_body_failed body;
    bool is_read = od_read_failed(message, &body);
    if (whole)
        assert_true(body.status == OD_CORRUPT && body.injected && body.fetch_failed &&
                    body.source.attempt == 4 && body.source_epoch == 5 && body.text_size == 3 && memcmp(body.text, "bad", 3) == 0);
    return is_read;
}

static void write_copy_case(struct od_buffer *body)
{
    od_write_copy(body, &(struct od_body_copy){1, 2, 3, 4, 5});
}
static bool read_copy_case(const struct od_message *message, bool whole)
{
    struct od_body_copy body;
    bool is_read = od_read_copy(message, &body);
    if (whole)
        assert_true(body.epoch == 1 && body.source == 2 && body.source_epoch == 3 && body.size == 4 &&
                    body.checksum == 5);
    return is_read;
}

static void write_copied_case(struct od_buffer *body)
{
    od_write_copied(body, &(struct od_body_copied){.epoch = 9, .status = OD_MISSING});
}
static bool read_copied_case(const struct od_message *message, bool whole)
{
    struct od_body_copied body;
    bool is_read = od_read_copied(message, &body);
    if (whole)
        assert_true(body.epoch == 9 && body.status == OD_MISSING);
    return is_read;
}

static void write_acknowledge_case(struct od_buffer *body)
{
    od_write_acknowledge(body, &(struct od_body_acknowledge){.epoch = 9, .keep = true});
}
static bool read_acknowledge_case(const struct od_message *message, bool whole)
{
    struct od_body_acknowledge body;
    bool is_read = od_read_acknowledge(message, &body);
    if (whole)
        assert_true(body.epoch == 9 && body.keep);
    return is_read;
}

static const uint8_t some_bytes[] = {1, 2, 3};

static void write_plan_case(struct od_buffer *body)
{
    od_write_plan(body, &(struct od_body_plan){.size = 3, .bytes = some_bytes});
}
static bool read_plan_case(const struct od_message *message, bool whole)
{
    struct od_body_plan body;
    bool is_read = od_read_plan(message, &body);
    if (whole)
        assert_true(body.size == 3 && body.bytes[2] == 3);
    return is_read;
}

static bool read_peer_gone_case(const struct od_message *message, bool whole)
{
    struct od_body_peer_gone body;
    bool is_read = od_read_peer_gone(message, &body);
    if (whole)
        assert_int_equal(body.incarnation, 77);
    return is_read;
}

static const struct od_fetch_name fetch_name = {1, {1, 2, 3, 4}, 5, 6};

static void write_fetch_case(struct od_buffer *body)
{
    od_write_fetch(body, &(struct od_body_fetch){.name = fetch_name, .epoch = 7, .size = 8, .offset = 9});
}
static bool read_fetch_case(const struct od_message *message, bool whole)
{
    struct od_body_fetch body;
    bool is_read = od_read_fetch(message, &body);
    if (whole) {
        assert_memory_equal(&body.name, &fetch_name, sizeof(fetch_name));
        assert_true(body.epoch == 7 && body.size == 8 && body.offset == 9);
    }
    return is_read;
}

static void write_block_case(struct od_buffer *body)
{
    od_write_block(
        body, &(struct od_body_block){.name = fetch_name, .status = OD_OK, .size = 3, .bytes = some_bytes});
}
static bool read_block_case(const struct od_message *message, bool whole)
{
    struct od_body_block body;
    bool is_read = od_read_block(message, &body);
    if (whole)
        assert_true(body.name.block_index == 6 && body.size == 3 && body.bytes[1] == 2 && !body.injected);
    return is_read;
}

static const struct kind_case cases[] = {
    {OD_MESSAGE_REGISTER, write_epoch_77, read_register_case},
    {OD_MESSAGE_REGISTERED, write_registered_case, read_registered_case},
    {OD_MESSAGE_HEARTBEAT, write_heartbeat_case, read_heartbeat_case},
    {OD_MESSAGE_START_OVER, write_epoch_77, read_order_case},
    {OD_MESSAGE_PLAN, write_plan_case, read_plan_case},
    {OD_MESSAGE_PLAN_WANTED, write_epoch_77, read_order_case},
    {OD_MESSAGE_LAUNCH, write_launch_case, read_launch_case},
    {OD_MESSAGE_CANCEL, write_epoch_77, read_order_case},
    {OD_MESSAGE_DONE, write_done_case, read_done_case},
    {OD_MESSAGE_FAILED, write_failed_case, read_failed_case},
    {OD_MESSAGE_COPY, write_copy_case, read_copy_case},
    {OD_MESSAGE_COPIED, write_copied_case, read_copied_case},
    {OD_MESSAGE_LEAVE, write_epoch_77, read_order_case},
    {OD_MESSAGE_ACKNOWLEDGE, write_acknowledge_case, read_acknowledge_case},
    {OD_MESSAGE_FETCH, write_fetch_case, read_fetch_case},
    {OD_MESSAGE_BLOCK, write_block_case, read_block_case},
    {OD_MESSAGE_LOST, write_epoch_77, read_order_case},
    {OD_MESSAGE_END_QUERY, write_epoch_77, read_order_case},
    {OD_MESSAGE_PEER_GONE, write_epoch_77, read_peer_gone_case},
};
_Static_assert(sizeof(cases) / sizeof(cases[0]) == OD_MESSAGE_KIND_COUNT, "every kind is tested");

static struct od_message *send_case(const struct kind_case *one)
{
    struct od_world world = make_world(od_posix_memory());
    struct od_outbox outbox;
    struct od_site site = OD_SITE_ANY;
    site.query = 3;
    assert_true(od_outbox_init(&outbox, &world));
    one->write(&outbox.body);
    sent = NULL;
    assert_true(od_outbox_send(&outbox, 1, one->kind, site));
    od_outbox_release(&outbox);
    return sent;
}

static void test_every_kind_reads_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < OD_MESSAGE_KIND_COUNT; i++) {
        struct od_message *message = send_case(&cases[i]);
        assert_int_equal(message->kind, cases[i].kind);
        assert_int_equal(message->site.message_kind, cases[i].kind);
        assert_int_equal(message->site.query, 3);
        assert_int_equal(message->from, 2);
        assert_int_equal(message->from_incarnation, 5);
        assert_true(cases[i].read(message, true));
        od_message_free(od_posix_memory(), message);
    }
}

static void test_every_damage_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < OD_MESSAGE_KIND_COUNT; i++) {
        struct od_message *message = send_case(&cases[i]);
        for (size_t bit = 0; bit < message->body_bytes * 8; bit++) {
            message->body[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            assert_false(cases[i].read(message, false));
            message->body[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        size_t whole = message->body_bytes;
        for (message->body_bytes = 0; message->body_bytes < whole; message->body_bytes++)
            assert_false(cases[i].read(message, false));
        message->kind++; /* another kind's bytes */
        assert_false(cases[i].read(message, false));
        od_message_free(od_posix_memory(), message);
    }
}

/* Lists whose count lies, with a right checksum. */
static void write_lying_plan(struct od_buffer *body)
{
    write_plan_case(body);
    body->bytes[0] = 4;
}
static void write_lying_done(struct od_buffer *body)
{
    od_write_done(body, &(struct od_body_done){.block_count = 2});
    od_write_entry(body, &entry);
}
/* One entry's bytes short of an operator: the lists must not share bytes. */
static void write_lying_operators(struct od_buffer *body)
{
    od_write_done(body, &(struct od_body_done){.operator_count = 1});
    od_write_entry(body, &entry);
}
static void write_lying_block(struct od_buffer *body)
{
    write_block_case(body);
    body->bytes[body->size - 4 - 3] = 200; /* size */
}

static void test_counts_that_lie(void **state)
{
    (void)state;
    static const struct kind_case lies[] = {
        {OD_MESSAGE_PLAN, write_lying_plan, read_plan_case},
        {OD_MESSAGE_DONE, write_lying_done, read_done_case},
        {OD_MESSAGE_DONE, write_lying_operators, read_done_case},
        {OD_MESSAGE_BLOCK, write_lying_block, read_block_case},
    };
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct od_message *message = send_case(&lies[i]);
        assert_false(lies[i].read(message, false));
        od_message_free(od_posix_memory(), message);
    }
}

/* A body whose memory was refused is not sent, and the outbox goes on with the next one. */
static void test_refused_memory_sends_nothing(void **state)
{
    (void)state;
    struct od_countdown countdown;
    od_countdown_init(&countdown, od_posix_memory(), 1, false);
    struct od_world world = make_world(&countdown.memory);
    struct od_outbox outbox;
    struct od_site site = OD_SITE_ANY;
    assert_true(od_outbox_init(&outbox, &world));
    od_buffer_append_zeros(&outbox.body, 100000);
    sent = NULL;
    assert_false(od_outbox_send(&outbox, 1, OD_MESSAGE_END_QUERY, site));
    assert_null(sent);
    od_buffer_append_u32(&outbox.body, 77);
    assert_true(od_outbox_send(&outbox, 1, OD_MESSAGE_END_QUERY, site));
    assert_true(read_order_case(sent, true));
    od_message_free(od_posix_memory(), sent);
    od_outbox_release(&outbox);
    assert_int_equal(countdown.live_block_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_reads_back),
        cmocka_unit_test(test_every_damage_is_refused),
        cmocka_unit_test(test_counts_that_lie),
        cmocka_unit_test(test_refused_memory_sends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
