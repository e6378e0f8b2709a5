/* Goal: a message comes out of the bytes as it went in, however they are cut; nothing else is taken for a
 * frame, and nothing is allocated for sizes that are out of bounds. Method: messages with fields at their
 * bounds, in pieces of every size; every bit of a frame flipped; every length cut; hostile sizes; each
 * allocation refused. */
#include "engine/world/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/buffer.h"
#include "engine/core/hash.h"
#include "engine/core/sweep.h"

enum { BODY_MAX = 4096 };

static void append_frame(struct od_buffer *stream, const struct od_message *message)
{
    uint8_t head[OD_FRAME_HEAD_BYTES];
    size_t head_bytes = od_frame_head(message, head);
    assert_true(od_buffer_append(stream, head, head_bytes));
    assert_true(message->body_bytes == 0 || od_buffer_append(stream, message->body, message->body_bytes));
}

static struct od_message *make_message(uint32_t fields, size_t body_bytes)
{
    struct od_message *message = od_message_new(od_heap_for_tests(), body_bytes);
    assert_non_null(message);
    message->from = message->to = message->from_incarnation = message->kind = fields;
    message->site = (struct od_site){fields, fields, fields, fields, fields, fields, fields, fields};
    for (size_t i = 0; i < body_bytes; i++)
        message->body[i] = (uint8_t)(i * 7 + fields);
    return message;
}

static void assert_equal(const struct od_message *left, const struct od_message *right)
{
    assert_int_equal(left->from, right->from);
    assert_int_equal(left->to, right->to);
    assert_int_equal(left->from_incarnation, right->from_incarnation);
    assert_int_equal(left->kind, right->kind);
    assert_memory_equal(&left->site, &right->site, sizeof(left->site));
    assert_int_equal(left->body_bytes, right->body_bytes);
    if (left->body_bytes > 0)
        assert_memory_equal(left->body, right->body, left->body_bytes);
}

static void frames_come_out_as_they_went_in(void **state)
{
    (void)state;
    static const struct {
        uint32_t fields;
        size_t body_bytes;
    } cases[] = {{0, 0}, {1, 1}, {OD_ANY, 0}, {0x80000000, 100}, {127, BODY_MAX}, {OD_ANY - 1, 3}};
    enum { COUNT = sizeof(cases) / sizeof(cases[0]) };
    struct od_message *messages[COUNT];
    struct od_buffer stream;
    od_buffer_init(&stream, od_heap_for_tests());
    for (int i = 0; i < COUNT; i++) {
        messages[i] = make_message(cases[i].fields, cases[i].body_bytes);
        append_frame(&stream, messages[i]);
    }
    for (size_t piece = 1; piece <= stream.size; piece += piece < 200 ? 1 : 997) {
        struct od_frame_decoder decoder;
        int got = 0;
        od_frame_decoder_init(&decoder, od_heap_for_tests(), BODY_MAX);
        for (size_t at = 0; at < stream.size; at += piece) {
            const uint8_t *bytes = stream.bytes + at;
            size_t size = stream.size - at < piece ? stream.size - at : piece;
            while (size > 0) {
                struct od_message *message;
                assert_int_equal(od_frame_decode(&decoder, &bytes, &size, &message, NULL), OD_OK);
                if (message == NULL)
                    continue;
                assert_equal(message, messages[got++]);
                od_message_free(od_heap_for_tests(), message);
            }
        }
        assert_int_equal(got, COUNT);
        od_frame_decoder_release(&decoder);
    }
    for (int i = 0; i < COUNT; i++)
        od_message_free(od_heap_for_tests(), messages[i]);
    od_buffer_release(&stream);
}

/* Feeds all of it; the status at the end, and what came out (freed). */
static enum od_status feed(struct od_memory *memory, const uint8_t *bytes, size_t size, int *count_out,
                           struct od_error *error)
{
    struct od_frame_decoder decoder;
    enum od_status status = OD_OK;
    *count_out = 0;
    od_frame_decoder_init(&decoder, memory, BODY_MAX);
    while (size > 0 && (status == OD_OK || status == OD_NO_MEMORY)) {
        struct od_message *message;
        enum od_status one = od_frame_decode(&decoder, &bytes, &size, &message, error);
        status = one == OD_OK && status == OD_NO_MEMORY ? status : one;
        *count_out += message != NULL;
        od_message_free(memory, message);
    }
    if (status != OD_OK && status != OD_NO_MEMORY) { /* it stays so, and takes nothing */
        struct od_message *message;
        const uint8_t more[4] = {0};
        const uint8_t *at = more;
        size_t left = sizeof(more);
        assert_int_equal(od_frame_decode(&decoder, &at, &left, &message, NULL), status);
        assert_int_equal(left, sizeof(more));
    }
    od_frame_decoder_release(&decoder);
    return status;
}

static void no_damage_is_taken_for_a_frame(void **state)
{
    (void)state;
    struct od_message *message = make_message(300, 50);
    struct od_buffer stream;
    od_buffer_init(&stream, od_heap_for_tests());
    append_frame(&stream, message);
    append_frame(&stream, message);
    int count, refused = 0;
    for (size_t bit = 0; bit < stream.size * 8 / 2; bit++) {
        stream.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum od_status status = feed(od_heap_for_tests(), stream.bytes, stream.size, &count, NULL);
        assert_int_equal(count,
                         0); /* the damaged one; behind it the borders are lost, or nothing is complete */
        assert_true(status == OD_CORRUPT || status == OD_UNSUPPORTED || status == OD_OK);
        refused += status != OD_OK;
        stream.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(refused > (int)(stream.size * 8 / 2) - 16); /* but for sizes that wait for more */
    for (size_t size = 0; size <= stream.size; size++) {
        assert_int_equal(feed(od_heap_for_tests(), stream.bytes, size, &count, NULL), OD_OK);
        assert_int_equal(count, size * 2 / stream.size);
    }
    od_message_free(od_heap_for_tests(), message);
    od_buffer_release(&stream);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* A frame whose checksum is right and whose rest is not. */
static enum od_status feed_sealed(const uint8_t *envelope, uint32_t envelope_bytes, uint32_t body_bytes,
                                  struct od_error *error)
{
    uint8_t frame[OD_FRAME_HEADER_BYTES + 1024] = "ORDL\1";
    struct od_countdown countdown;
    int count;
    od_countdown_init(&countdown, od_heap_for_tests(), UINT64_MAX, false);
    put_u32(frame + 8, envelope_bytes);
    put_u32(frame + 12, body_bytes);
    uint32_t copied = envelope_bytes < 256 ? envelope_bytes : 256;
    if (copied > 0)
        memcpy(frame + OD_FRAME_HEADER_BYTES, envelope, copied);
    uint64_t checksum = od_hash_bytes(frame, 16, 0);
    checksum = od_hash_bytes(frame + OD_FRAME_HEADER_BYTES, copied, checksum);
    checksum = od_hash_bytes("", 0, checksum);
    put_u32(frame + 16, (uint32_t)checksum);
    put_u32(frame + 20, (uint32_t)(checksum >> 32));
    enum od_status status =
        feed(&countdown.memory, frame, OD_FRAME_HEADER_BYTES + (size_t)copied, &count, error);
    if (status != OD_OK)
        assert_int_equal(countdown.call_count, 0);
    else
        assert_int_equal(count, body_bytes == 0);
    assert_int_equal(countdown.live_block_count, 0);
    return status;
}

static void hostile_frames_are_refused_unallocated(void **state)
{
    (void)state;
    uint8_t envelope[256];
    struct od_error error;
    assert_int_equal(feed_sealed(NULL, 0, 0, &error), OD_OK);
    assert_int_equal(feed_sealed(NULL, 0, BODY_MAX, &error), OD_OK); /* waits for the body */
    assert_int_equal(feed_sealed(NULL, 0, BODY_MAX + 1, &error), OD_CORRUPT);
    assert_non_null(strstr(error.text, "body=4097"));
    assert_int_equal(feed_sealed(NULL, 0, UINT32_MAX, &error), OD_CORRUPT);
    memset(envelope, 0, sizeof(envelope));
    assert_int_equal(feed_sealed(envelope, OD_FRAME_ENVELOPE_BYTES + 1, 0, &error), OD_CORRUPT);
    assert_int_equal(feed_sealed(envelope, UINT32_MAX, 0, &error), OD_CORRUPT);
    assert_int_equal(feed_sealed(envelope, 4, 0, &error), OD_CORRUPT); /* field 0 */
    assert_non_null(strstr(error.text, "envelope"));
    for (int unknown = 0; unknown < 2; unknown++) { /* the same field again and again, in moderation */
        for (int i = 0; i < OD_FRAME_ENVELOPE_BYTES; i += 2) {
            envelope[i] = unknown ? 0x78 : 0x08;
            envelope[i + 1] = 5;
        }
        assert_int_equal(feed_sealed(envelope, 40, 0, &error), OD_OK);
        assert_int_equal(feed_sealed(envelope, OD_FRAME_ENVELOPE_BYTES, 0, &error),
                         unknown ? OD_CORRUPT : OD_OK);
    }
}

static void other_versions_are_named(void **state)
{
    (void)state;
    uint8_t start[OD_FRAME_START_BYTES] = "ORDL";
    struct od_error error;
    int count;
    put_u32(start + 4, 7);
    assert_int_equal(feed(od_heap_for_tests(), start, sizeof(start), &count, &error), OD_UNSUPPORTED);
    assert_non_null(strstr(error.text, "version 7"));
    assert_non_null(strstr(error.text, "version 1"));
    assert_int_equal(feed(od_heap_for_tests(), (const uint8_t *)"GET / HTTP/1.1", 14, &count, &error),
                     OD_CORRUPT);
}

/* A refused message is lost; the next one is read all the same. */
static enum od_status read_two(struct od_memory *memory, void *context)
{
    const struct od_buffer *stream = context;
    int count;
    return feed(memory, stream->bytes, stream->size, &count, NULL);
}

static void a_refusal_loses_one_message(void **state)
{
    (void)state;
    struct od_message *message = make_message(1, 2000);
    struct od_countdown countdown;
    struct od_buffer stream;
    int count;
    od_buffer_init(&stream, od_heap_for_tests());
    append_frame(&stream, message);
    append_frame(&stream, message);
    assert_int_equal(od_sweep(read_two, &stream), 2);
    od_countdown_init(&countdown, od_heap_for_tests(), 0, false);
    assert_int_equal(feed(&countdown.memory, stream.bytes, stream.size, &count, NULL), OD_NO_MEMORY);
    assert_int_equal(count, 1);
    od_message_free(od_heap_for_tests(), message);
    od_buffer_release(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_as_they_went_in),
        cmocka_unit_test(no_damage_is_taken_for_a_frame),
        cmocka_unit_test(hostile_frames_are_refused_unallocated),
        cmocka_unit_test(other_versions_are_named),
        cmocka_unit_test(a_refusal_loses_one_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
