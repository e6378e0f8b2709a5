/* Goal: no message is lost, doubled or reordered per sender; empty means empty. Likewise the timers' order.
 * Method: one thread step by step; then four senders against one receiver (run under the thread sanitizer too); timers
 * against a plain sort of drawn times, with many ties; each allocation refused once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "engine/world/posix.h"
#include "engine/core/sweep.h"
#include "engine/world/posix_mailbox.h"
#include "engine/world/posix_timers.h"

enum { SENDER_COUNT = 4, MESSAGES_PER_SENDER = 20000, TIMER_COUNT = 1000 };

static void test_mailbox_steps(void **state)
{
    (void)state;
    struct od_mailbox mailbox;
    struct od_message messages[3] = {{0}};
    od_mailbox_init(&mailbox);
    for (int round = 0; round < 3; round++) {
        assert_true(od_mailbox_is_empty(&mailbox));
        assert_null(od_mailbox_pop(&mailbox));
        od_mailbox_push(&mailbox, &messages[0]);
        assert_false(od_mailbox_is_empty(&mailbox));
        od_mailbox_push(&mailbox, &messages[1]);
        assert_ptr_equal(od_mailbox_pop(&mailbox), &messages[0]);
        od_mailbox_push(&mailbox, &messages[2]);
        od_mailbox_push(&mailbox, &messages[0]);
        assert_ptr_equal(od_mailbox_pop(&mailbox), &messages[1]);
        assert_ptr_equal(od_mailbox_pop(&mailbox), &messages[2]);
        assert_false(od_mailbox_is_empty(&mailbox));
        assert_ptr_equal(od_mailbox_pop(&mailbox), &messages[0]);
        assert_null(od_mailbox_pop(&mailbox));
    }
}

struct sender {
    struct od_mailbox *mailbox;
    uint32_t id;
};

static void *send_many(void *argument)
{
    struct sender *sender = argument;
    for (uint32_t i = 0; i < MESSAGES_PER_SENDER; i++) {
        struct od_message *message = od_message_new(od_posix_memory(), 0);
        if (message == NULL)
            return NULL; /* the receiver's count then fails the test by its time limit */
        message->from = sender->id;
        message->kind = i;
        od_mailbox_push(sender->mailbox, message);
    }
    return NULL;
}

static void test_mailbox_many_senders(void **state)
{
    (void)state;
    struct od_mailbox mailbox;
    struct sender senders[SENDER_COUNT];
    pthread_t threads[SENDER_COUNT];
    uint32_t expected[SENDER_COUNT] = {0};
    od_mailbox_init(&mailbox);
    for (uint32_t i = 0; i < SENDER_COUNT; i++) {
        senders[i] = (struct sender){&mailbox, i};
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
    }
    for (uint32_t received = 0; received < SENDER_COUNT * MESSAGES_PER_SENDER;) {
        struct od_message *message = od_mailbox_pop(&mailbox);
        if (message == NULL) {
            sched_yield();
            continue;
        }
        assert_int_equal(message->kind, expected[message->from]);
        expected[message->from]++;
        received++;
        od_message_free(od_posix_memory(), message);
    }
    for (uint32_t i = 0; i < SENDER_COUNT; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_null(od_mailbox_pop(&mailbox));
    assert_true(od_mailbox_is_empty(&mailbox));
}

static void test_timers_order(void **state)
{
    (void)state;
    struct od_timers timers;
    struct od_stream draws;
    struct od_timer timer, last = {0};
    od_stream_init(&draws, 1, "timers");
    od_timers_init(&timers, od_posix_memory());
    assert_int_equal(od_timers_next_ns(&timers), UINT64_MAX);
    assert_false(od_timers_take_due(&timers, UINT64_MAX, UINT64_MAX, &timer));
    uint64_t tag_sum = 0;
    for (uint64_t i = 0; i < TIMER_COUNT; i++) {
        assert_true(od_timers_add(&timers, od_random_below(&draws.random, 50), i, NULL));
        tag_sum += i;
    }
    for (uint64_t i = 0; i < TIMER_COUNT; i++) {
        uint64_t next_ns = od_timers_next_ns(&timers);
        assert_false(next_ns > 0 && od_timers_take_due(&timers, next_ns - 1, UINT64_MAX, &timer));
        assert_true(od_timers_take_due(&timers, next_ns, UINT64_MAX, &timer));
        assert_int_equal(timer.due_ns, next_ns);
        if (i > 0)
            assert_true(timer.due_ns > last.due_ns ||
                        (timer.due_ns == last.due_ns && timer.sequence > last.sequence));
        last = timer;
        tag_sum -= timer.tag;
    }
    assert_int_equal(tag_sum, 0);
    assert_int_equal(timers.count, 0);
    od_timers_release(&timers);
}

/* What a round of a host relies on: a timer set while timers fire waits for the next round. */
static void test_timers_of_this_round(void **state)
{
    (void)state;
    struct od_timers timers;
    struct od_timer timer;
    od_timers_init(&timers, od_posix_memory());
    assert_true(od_timers_add(&timers, 5, 1, NULL));
    uint64_t sequence_end = timers.sequence_next;
    assert_true(od_timers_add(&timers, 5, 2, NULL));
    assert_true(od_timers_take_due(&timers, 5, sequence_end, &timer));
    assert_int_equal(timer.tag, 1);
    assert_false(od_timers_take_due(&timers, 5, sequence_end, &timer));
    assert_int_equal(timers.count, 1);
    od_timers_reset(&timers);
    assert_int_equal(timers.count, 0);
    od_timers_release(&timers);
}

static void test_timers_allocation_sweep(void **state)
{
    (void)state;
    for (uint64_t k = 0;; k++) {
        struct od_countdown countdown;
        struct od_timers timers;
        struct od_timer timer;
        od_countdown_init(&countdown, od_posix_memory(), k, false);
        od_timers_init(&timers, &countdown.memory);
        uint64_t added = 0;
        while (added < TIMER_COUNT && od_timers_add(&timers, TIMER_COUNT - added, added, NULL))
            added++;
        for (uint64_t i = 0; i < added; i++)
            assert_true(od_timers_take_due(&timers, UINT64_MAX, UINT64_MAX, &timer));
        assert_int_equal(timers.count, 0);
        od_timers_release(&timers);
        assert_int_equal(countdown.live_block_count, 0);
        assert_int_equal(added < TIMER_COUNT, countdown.refused_count == 1);
        if (added == TIMER_COUNT)
            return;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mailbox_steps),
        cmocka_unit_test(test_mailbox_many_senders),
        cmocka_unit_test(test_timers_order),
        cmocka_unit_test(test_timers_of_this_round),
        cmocka_unit_test(test_timers_allocation_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
