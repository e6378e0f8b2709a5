/* Goal: a schedule's text means one thing: it reads back as what was printed, and what is wrong is said
 * where it stands. Method: round trips over drawn schedules, a table of good lines, a table of mistakes
 * with line and column, each allocation refused. */
#include "chaos/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "engine/world/posix.h"

struct bench {
    struct od_arena arena;
    struct od_buffer buffer;
    struct od_error error;
};

static void bench_init(struct bench *bench)
{
    od_arena_init(&bench->arena, od_posix_memory(), 0);
    od_buffer_init(&bench->buffer, od_posix_memory());
    bench->error = (struct od_error){0};
}

static void bench_release(struct bench *bench)
{
    od_buffer_release(&bench->buffer);
    od_arena_release(&bench->arena);
}

static enum od_status parse(struct bench *bench, const char *text, struct od_schedule *schedule)
{
    return od_schedule_parse(&bench->arena, "faults", text, strlen(text), schedule, &bench->error);
}

static void assert_schedules_equal(const struct od_schedule *left, const struct od_schedule *right)
{
    assert_int_equal(left->fault_count, right->fault_count);
    assert_int_equal(left->heal_ns, right->heal_ns);
    for (uint32_t i = 0; i < left->fault_count; i++) {
        const struct od_fault *a = &left->faults[i];
        const struct od_fault *b = &right->faults[i];
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->at_time, b->at_time);
        assert_int_equal(a->time_ns, b->time_ns);
        assert_int_equal(a->point, b->point);
        assert_memory_equal(&a->site, &b->site, sizeof(a->site));
        assert_int_equal(a->duration_ns, b->duration_ns);
        assert_int_equal(a->amount, b->amount);
        assert_int_equal(a->lost_write, b->lost_write);
        assert_int_equal(a->times, b->times);
    }
}

static void drawn_schedules_read_back_as_they_were_printed(void **state)
{
    (void)state;
    const uint32_t counts[] = {3, 1, 6};
    struct od_schedule_shape shape = {.executor_count = 3,
                                      .stage_count = 3,
                                      .task_counts = counts,
                                      .partition_counts = counts,
                                      .fault_count_max = 6,
                                      .span_ns = 5000000,
                                      .query = 1};
    for (unsigned kind = 0; kind < OD_FAULT_KIND_COUNT; kind++)
        od_fault_kinds_add(&shape.kinds, (enum od_fault_kind)kind);
    for (uint64_t seed = 0; seed < 3000; seed++) {
        struct bench bench;
        struct od_stream stream;
        struct od_schedule drawn;
        struct od_schedule read;
        bench_init(&bench);
        od_stream_init(&stream, seed, "test");
        assert_int_equal(od_schedule_draw(&bench.arena, &stream.random, &shape, &drawn, NULL), OD_OK);
        assert_true(od_schedule_print(&drawn, &bench.buffer));
        enum od_status status = parse(&bench, od_buffer_text(&bench.buffer), &read);
        if (status != OD_OK)
            fail_msg("%s\n%s", bench.error.text, od_buffer_text(&bench.buffer));
        assert_schedules_equal(&drawn, &read);
        bench_release(&bench);
    }
}

/* Text that is canonical already prints as it is. */
static void canonical_lines_stay_as_they_are(void **state)
{
    (void)state;
    static const char text[] = "task.error_before at task_start\n"
                               "task.error_middle at task_step stage=1 task=0 attempt=0 nth=2\n"
                               "task.error_after at task_end query=4294967294 times=3\n"
                               "executor.crash at task_end stage=0 task=1 for=40ms\n"
                               "executor.crash at time=0ns executor=1 for=never\n"
                               "executor.pause at time=3ms executor=2 for=150ms\n"
                               "shuffle.block_missing at block_serve partition=7 times=always\n"
                               "shuffle.block_bit_flip at block_write stage=0 task=2 partition=1 bit=77\n"
                               "shuffle.block_bit_flip at block_write bit=4294967295\n"
                               "shuffle.block_truncated at block_receive stage=0 cut=8\n"
                               "network.delay at message_send executor=1 nth=3 for=20ms times=2\n"
                               "network.loss at message_send message_kind=5\n"
                               "network.duplicate at message_send for=1500us\n"
                               "driver.crash at message_send executor=2 nth=4\n"
                               "driver.crash at journal_sync nth=1 for=never keep=17 lost=2\n"
                               "driver.crash at time=3ms for=5ms keep=1\n"
                               "executor.decommission at block_serve stage=0 task=1\n"
                               "executor.decommission at time=3ms executor=2\n"
                               "executor.add at time=5ms\n"
                               "executor.slow at time=1ms executor=3 for=60ms\n"
                               "executor.slow at task_step nth=1 for=60ms factor=100 times=always\n"
                               "driver.cancel_query at task_end query=1 stage=0\n"
                               "driver.cancel_query at time=4ms query=0\n"
                               "heal at=2s\n";
    struct bench bench;
    struct od_schedule schedule;
    bench_init(&bench);
    assert_int_equal(parse(&bench, text, &schedule), OD_OK);
    assert_int_equal(schedule.fault_count, 23);
    assert_true(od_schedule_print(&schedule, &bench.buffer));
    assert_string_equal(od_buffer_text(&bench.buffer), text);
    bench_release(&bench);
}

static void blanks_comments_and_order_do_not_matter(void **state)
{
    (void)state;
    struct bench bench;
    struct od_schedule schedule;
    bench_init(&bench);
    assert_int_equal(
        parse(&bench, "\r\n# nothing\n\t executor.pause  at task_end for=1000us\ttask=2 stage=1 # why\r\n\n",
              &schedule),
        OD_OK);
    assert_int_equal(schedule.fault_count, 1);
    assert_true(od_fault_print(&schedule.faults[0], &bench.buffer));
    assert_string_equal(od_buffer_text(&bench.buffer), "executor.pause at task_end stage=1 task=2 for=1ms");
    assert_int_equal(parse(&bench, "", &schedule), OD_OK);
    assert_int_equal(schedule.fault_count, 0);
    bench_release(&bench);
}

struct mistake {
    const char *text;
    uint32_t line;
    uint32_t column;
    const char *expected; /* part of the message */
};
static const struct mistake mistakes[] = {
    {"bang at task_end", 1, 1, "expected a kind of fault"},
    {"\n  heal", 2, 7, "expected at= and a time"},
    {"heal at=0ms", 1, 9, "a time above 0"},
    {"heal at=5", 1, 9, "a time above 0"},
    {"heal at=5ms now", 1, 13, "expected nothing more, found 'now'"},
    {"heal at=5ms\nheal at=5ms", 2, 1, "only one heal"},
    {"task.error_after", 1, 17, "expected at, found the end"},
    {"task.error_after on task_end", 1, 18, "expected at, found 'on'"},
    {"task.error_after at", 1, 20, "a point such as"},
    {"task.error_after at noon", 1, 21, "a point such as"},
    {"task.error_after at a_word_that_is_longer_than_any_point_name_can_be", 1, 21, "a point such as"},
    {"task.error_after at task_start", 1, 21, "where this kind of fault can act: task_end, found"},
    {"task.error_after at time=3ms", 1, 21, "only what happens to the driver"},
    {"executor.crash at time=soon executor=1", 1, 24, "a time such as"},
    {"executor.crash at time=3ms", 1, 27, "needs one"},
    {"executor.crash at time=3ms executor=0", 1, 38, "needs one"},
    {"executor.crash at time=3ms executor=1 stage=1", 1, 39, "only executor and for"},
    {"executor.crash at time=3ms executor=1 times=2", 1, 39, "no times"},
    {"executor.crash at task_end stage", 1, 28, "a field such as stage=1"},
    {"executor.crash at task_end phase=1", 1, 28, "limit, seed or times"},
    {"executor.crash at task_end stage=", 1, 34, "a number up to 4294967294, found the end"},
    {"executor.crash at task_end stage=one", 1, 34, "a number up to 4294967294, found 'one'"},
    {"executor.crash at task_end stage=-1", 1, 34, "a number"},
    {"executor.crash at task_end stage=4294967295", 1, 34, "a number"},
    {"executor.crash at task_end stage=99999999999999999999999", 1, 34, "a number"},
    {"executor.crash at task_end stage=1 stage=1", 1, 36, "each field once"},
    {"executor.crash at task_end for=5", 1, 32, "a duration such as 40ms, or never"},
    {"executor.crash at task_end for=5min", 1, 32, "a duration such as"},
    {"executor.crash at task_end for=18446744073709551615ns", 1, 32, "a duration such as"},
    {"executor.crash at task_end for=18446744073709551615s", 1, 32, "a duration such as"},
    {"network.delay at message_send for=never", 1, 35, "a duration such as 40ms, found"},
    {"network.loss at message_send for=5ms", 1, 30, "no duration"},
    {"network.loss at message_send times=0", 1, 36, "above 0, or always"},
    {"network.loss at message_send times=4294967295", 1, 36, "above 0, or always"},
    {"network.loss at message_send bit=1", 1, 30, "no such amount"},
    {"shuffle.block_bit_flip at block_write cut=1", 1, 39, "no such amount"},
    {"shuffle.block_bit_flip at block_write bit=x", 1, 43, "a number"},
    {"shuffle.block_truncated at block_write cut=0", 1, 44, "a number of bytes above 0"},
    {"driver.crash at task_end", 1, 17, "where this kind of fault can act"},
    {"driver.crash at time=3ms executor=1", 1, 26, "no site"},
    {"driver.crash at time=3ms keep=-1", 1, 31, "a number"},
    {"driver.crash at time=3ms lost=0", 1, 31, "a number from 1 to 4294967294"},
    {"executor.crash at task_end lost=1", 1, 28, "no lost write"},
    {"executor.crash at task_end keep=1", 1, 28, "no such amount"},
    {"executor.add at task_end", 1, 17, "where this kind of fault can act"},
    {"executor.add at time=3ms for=5ms", 1, 26, "no duration"},
    {"executor.slow at task_step factor=1", 1, 35, "a number above 1"},
    {"storage.misdirected_write at disk_write by=1048577", 1, 44, "1 to 1048576"},
    {"clock.freeze at time=1ms executor=1\nmemory.limit at task_start limit=0", 2, 34, "KiB above 0"},
    {"executor.slow at task_end", 1, 18, "where this kind of fault can act: task_start, task_step, found"},
    {"executor.decommission at time=3ms", 1, 34, "needs one"},
    {"driver.cancel_query at time=3ms", 1, 32, "query=: this fault at a time needs one"},
    {"driver.cancel_query at time=3ms executor=1", 1, 33, "only query"},
    {"# fine\nnetwork.loss at message_send\n\x01\x80 at", 3, 1,
     "found '?"
     "?'"},
};

static void mistakes_are_found_where_they_stand(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct bench bench;
        struct od_schedule schedule;
        bench_init(&bench);
        enum od_status status = parse(&bench, mistakes[i].text, &schedule);
        bool is_right = status == OD_BAD_INPUT && bench.error.line == mistakes[i].line &&
                        bench.error.column == mistakes[i].column &&
                        strncmp(bench.error.text, "faults: expected ", 17) == 0 &&
                        strstr(bench.error.text, mistakes[i].expected) != NULL && schedule.fault_count == 0;
        if (!is_right)
            fail_msg("%s\n-> %u:%u %s", mistakes[i].text, bench.error.line, bench.error.column,
                     bench.error.text);
        bench_release(&bench);
    }
}

static void faults_are_explained_in_words(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"executor.crash at task_end stage=1 task=0 attempt=0 executor=2 for=40ms",
         "executor 2 dies after writing its output in stage 1 task 0, attempt 0; a new one starts after 40 "
         "ms"},
        {"executor.pause at time=1500us executor=1",
         "executor 1 stands still 1.5 ms after the start; it goes on after 20 ms"},
        {"task.error_middle at task_step stage=1 nth=2 times=2",
         "an attempt fails before step 2 in stage 1; 2 times"},
        {"shuffle.block_bit_flip at block_serve task=2 partition=1 bit=9 times=always",
         "a block has one bit changed (bit 9) when a block is served in task 2, partition 1; every time"},
        {"network.loss at message_send executor=1 nth=3",
         "a message of executor 1 never arrives, from number 3 on"},
        {"driver.crash at message_send executor=2 nth=3 keep=9 lost=1 for=5ms",
         "the driver dies (9 unsynced bytes stay) (write 1 of them is lost) in place of sending a message to "
         "executor 2, from number 3 on; a new one starts after 5 ms"},
        {"driver.crash at journal_sync",
         "the driver dies (0 unsynced bytes stay) when the journal is synced; a new one starts after 20 ms"},
        {"executor.decommission at time=3ms executor=2", "executor 2 is to leave 3 ms after the start"},
        {"executor.add at time=3ms", "one more executor starts 3 ms after the start"},
        {"executor.slow at task_step stage=1 factor=100 for=60ms",
         "the executor is slow (100 times) between two steps in stage 1; as fast as ever after 60 ms"},
        {"network.partition at time=3ms executor=2 for=never",
         "executor 2 is cut off with its neighbour 3 ms after the start; it ends after the end of all faults"},
        {"network.clog_some at task_start stage=0 seed=7 for=60ms",
         "the executor has clogged links (seed 7) before its first row in stage 0; it ends after 60 ms"},
        {"driver.order_lost at message_send executor=2",
         "a message to executor 2 from the driver never arrives"},
        {"driver.pause at message_send for=5ms",
         "the driver stands still when it sends a message; it goes on after 5 ms"},
        {"driver.cancel_query at task_end stage=1",
         "the query is cancelled after writing its output in stage 1"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct bench bench;
        struct od_schedule schedule;
        bench_init(&bench);
        assert_int_equal(parse(&bench, pairs[i][0], &schedule), OD_OK);
        assert_true(od_fault_explain(&schedule.faults[0], &bench.buffer));
        assert_string_equal(od_buffer_text(&bench.buffer), pairs[i][1]);
        bench_release(&bench);
    }
}

static void refused_allocations_are_reported(void **state)
{
    (void)state;
    static const char text[] = "executor.crash at task_end\nheal at=1s\n";
    bool is_clean = false;
    for (uint64_t k = 0; !is_clean; k++) {
        struct od_countdown countdown;
        struct od_arena arena;
        struct od_buffer buffer;
        struct od_schedule schedule;
        assert_true(k < 100);
        od_countdown_init(&countdown, od_posix_memory(), k, false);
        od_arena_init(&arena, &countdown.memory, 0);
        od_buffer_init(&buffer, &countdown.memory);
        enum od_status status = od_schedule_parse(&arena, "faults", text, strlen(text), &schedule, NULL);
        bool printed = status == OD_OK && od_schedule_print(&schedule, &buffer);
        is_clean = countdown.refused_count == 0;
        assert_true(status == (printed || buffer.failed ? OD_OK : OD_NO_MEMORY));
        assert_int_equal(printed, is_clean);
        od_buffer_release(&buffer);
        od_arena_release(&arena);
        assert_int_equal(countdown.live_block_count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawn_schedules_read_back_as_they_were_printed),
        cmocka_unit_test(canonical_lines_stay_as_they_are),
        cmocka_unit_test(blanks_comments_and_order_do_not_matter),
        cmocka_unit_test(mistakes_are_found_where_they_stand),
        cmocka_unit_test(faults_are_explained_in_words),
        cmocka_unit_test(refused_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
