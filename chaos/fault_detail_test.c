/* Goal: every detail of a fault can be dropped by itself, and is then as if it had not been said. Method: a table of faults as text,
 * each with one detail dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "chaos/fault_detail.h"
#include "engine/world/posix.h"

static const struct {
    const char *text;
    enum od_fault_detail detail;
    const char *without; /* NULL: there was nothing to drop */
} rows[] = {
    {"task.error_after at task_end stage=1 task=0 attempt=0 times=3", OD_FAULT_DETAIL_TIMES,
     "task.error_after at task_end stage=1 task=0 attempt=0"},
    {"task.error_after at task_end stage=1", OD_FAULT_DETAIL_TIMES, NULL},
    {"task.error_after at task_end stage=1 task=2", OD_FAULT_DETAIL_STAGE, "task.error_after at task_end task=2"},
    {"task.error_after at task_end stage=1 task=2", OD_FAULT_DETAIL_TASK, "task.error_after at task_end stage=1"},
    {"task.error_after at task_end attempt=1", OD_FAULT_DETAIL_ATTEMPT, "task.error_after at task_end"},
    {"task.error_after at task_end attempt=1", OD_FAULT_DETAIL_DURATION, NULL},
    {"task.error_after at task_end attempt=1", OD_FAULT_DETAIL_TIME, NULL},
    {"task.error_middle at task_step nth=0", OD_FAULT_DETAIL_NTH, "task.error_middle at task_step"},
    {"network.loss at message_send nth=3", OD_FAULT_DETAIL_NTH, "network.loss at message_send"},
    {"network.loss at message_send nth=0", OD_FAULT_DETAIL_NTH, NULL},
    {"network.loss at message_send executor=2", OD_FAULT_DETAIL_EXECUTOR, "network.loss at message_send"},
    {"shuffle.block_bit_flip at block_serve partition=1 bit=77", OD_FAULT_DETAIL_AMOUNT, "shuffle.block_bit_flip at block_serve partition=1"},
    {"shuffle.block_bit_flip at block_serve partition=1 bit=77", OD_FAULT_DETAIL_PARTITION, "shuffle.block_bit_flip at block_serve bit=77"},
    {"driver.crash at journal_write nth=2 for=5ms keep=17 lost=1", OD_FAULT_DETAIL_LOST_WRITE, "driver.crash at journal_write nth=2 for=5ms keep=17"},
    {"driver.crash at journal_write nth=2 for=5ms", OD_FAULT_DETAIL_DURATION, "driver.crash at journal_write nth=2 for=20ms"},
    {"executor.crash at time=2ms executor=1 for=20ms", OD_FAULT_DETAIL_DURATION, NULL},
    {"executor.crash at time=2ms executor=1 for=20ms", OD_FAULT_DETAIL_EXECUTOR, NULL}, /* must be said */
    {"executor.crash at time=2ms executor=1 for=20ms", OD_FAULT_DETAIL_TIME, "executor.crash at time=0ns executor=1 for=20ms"},
};

/* A fault in an arena of its own; it holds no pointers. */
static struct od_fault parsed(const char *text)
{
    struct od_arena arena;
    struct od_schedule schedule;
    struct od_error error = {0};
    od_arena_init(&arena, od_posix_memory(), 0);
    if (od_schedule_parse(&arena, "test", text, strlen(text), &schedule, &error) != OD_OK)
        fail_msg("%s: %s", text, error.text);
    assert_int_equal(schedule.fault_count, 1);
    struct od_fault fault = schedule.faults[0];
    od_arena_release(&arena);
    return fault;
}

static void details_are_dropped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_fault fault = parsed(rows[i].text);
        struct od_fault expected = parsed(rows[i].without == NULL ? rows[i].text : rows[i].without);
        struct od_buffer found, wanted;
        od_buffer_init(&found, od_posix_memory());
        od_buffer_init(&wanted, od_posix_memory());
        if (od_fault_drop_detail(&fault, rows[i].detail) != (rows[i].without != NULL))
            fail_msg("%s: %s", rows[i].text, od_fault_detail_text(rows[i].detail));
        if (rows[i].without != NULL) {
            od_fault_print(&fault, &found);
            od_fault_print(&expected, &wanted);
            assert_string_equal(od_buffer_text(&found), od_buffer_text(&wanted));
            assert_false(od_fault_drop_detail(&fault, rows[i].detail)); /* nothing is left of it */
        }
        od_buffer_release(&found);
        od_buffer_release(&wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(details_are_dropped)};
    return cmocka_run_group_tests_name("fault details", tests, NULL, NULL);
}
