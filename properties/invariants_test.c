/* Goal: the invariants over events are silent on a sound history and name the right code on each unsound one.
 * Method: one sound history of two map tasks and two readers; each row of a table spoils one event of it in
 * one way. */
#include "properties/answer.h"
#include "properties/plain_memory.h"
#include "properties/property.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define EVENTS_MAX  64u
#define ANSWER_ROWS 4u

struct history {
    struct od_event events[EVENTS_MAX];
    uint32_t count;
};

static struct od_event *add(struct history *history, enum od_event_kind kind, uint32_t stage, uint32_t task,
                            uint32_t attempt, uint64_t rows)
{
    struct od_event *event = &history->events[history->count++];
    memset(event, 0, sizeof(*event));
    event->kind = kind;
    event->site = OD_SITE_ANY;
    event->site.stage = stage;
    event->site.task = task;
    event->site.attempt = attempt;
    event->rows = rows;
    event->checksum = (struct od_hash128){rows * 1000, rows};
    return event;
}

/* Stage 0: two map tasks with two partitions of 3 and 4 rows. Stage 1: two readers; each reads its partition
 * of both. */
static void sound_history(struct history *history)
{
    history->count = 0;
    for (uint32_t task = 0; task < 2; task++) {
        add(history, OD_EVENT_BLOCK_WRITTEN, 0, task, 5, 3)->site.partition = 0;
        add(history, OD_EVENT_BLOCK_WRITTEN, 0, task, 5, 4)->site.partition = 1;
        add(history, OD_EVENT_TASK_OUTPUT, 0, task, 5, 7);
        add(history, OD_EVENT_TASK_SUCCEEDED, 0, task, 5, 0);
        add(history, OD_EVENT_TASK_COMMITTED, 0, task, 5, 7)->value = 1;
    }
    for (uint32_t task = 0; task < 2; task++) {
        for (uint32_t source = 0; source < 2; source++) {
            struct od_event *event = add(history, OD_EVENT_BLOCK_CONSUMED, 1, task, 0, 3 + task);
            event->site.partition = task;
            event->source_task = source;
            event->source_attempt = 5;
        }
        add(history, OD_EVENT_TASK_OUTPUT, 1, task, 0, 2);
        add(history, OD_EVENT_TASK_SUCCEEDED, 1, task, 0, 0);
        add(history, OD_EVENT_TASK_COMMITTED, 1, task, 0, 2)->value = 1;
        add(history, OD_EVENT_RESULT_COMMITTED, 1, task, 0, 2);
    }
}

static void judge(const struct history *history, struct od_finding *finding)
{
    struct od_observation observation;
    memset(&observation, 0, sizeof(observation));
    memset(finding, 0, sizeof(*finding));
    struct od_memory memory = od_plain_memory();
    struct od_field field = {"a", OD_TYPE_INT64, true};
    struct od_schema schema = {1, &field};
    struct od_value cells[ANSWER_ROWS];
    struct od_answer answer = {1, ANSWER_ROWS, cells};
    memset(cells, 0, sizeof(cells));
    for (uint32_t i = 0; i < ANSWER_ROWS; i++)
        cells[i].type = OD_TYPE_INT64;
    struct od_table *table = od_answer_to_table(&memory, &answer, &schema, NULL);
    assert_non_null(table);
    observation.events = history->events;
    observation.event_count = history->count;
    observation.status = OD_OK;
    observation.answer = table;
    od_check_invariants(&observation, finding);
    od_table_free(&memory, table);
}

static void a_sound_history_is_silent(void **state)
{
    struct history history;
    struct od_finding finding;
    (void)state;
    sound_history(&history);
    judge(&history, &finding);
    if (finding.found)
        fail_msg("%s: %s", finding.code, finding.text);
}

static struct od_event *nth(struct history *history, enum od_event_kind kind, uint32_t index)
{
    for (uint32_t i = 0; i < history->count; i++)
        if (history->events[i].kind == kind && index-- == 0)
            return &history->events[i];
    return NULL;
}

static void remove_event(struct history *history, struct od_event *event)
{
    uint32_t index = (uint32_t)(event - history->events);
    memmove(event, event + 1, (history->count - index - 1) * sizeof(*event));
    history->count--;
}

static void consume_fewer_rows(struct history *history)
{
    nth(history, OD_EVENT_BLOCK_CONSUMED, 1)->rows--;
}
static void consume_other_rows(struct history *history)
{
    nth(history, OD_EVENT_BLOCK_CONSUMED, 1)->checksum.low++;
}
static void consume_what_was_not_written(struct history *history)
{
    remove_event(history, nth(history, OD_EVENT_BLOCK_WRITTEN, 0));
    nth(history, OD_EVENT_TASK_OUTPUT, 0)->rows = 4;
    nth(history, OD_EVENT_TASK_OUTPUT, 0)->checksum = (struct od_hash128){4000, 4};
    nth(history, OD_EVENT_TASK_COMMITTED, 0)->rows = 4;
}
static void lose_a_row_between_output_and_blocks(struct history *history)
{
    nth(history, OD_EVENT_TASK_OUTPUT, 0)->rows = 8;
    nth(history, OD_EVENT_TASK_COMMITTED, 0)->rows = 8;
}
static void write_a_block_twice(struct history *history)
{
    struct od_event event = *nth(history, OD_EVENT_BLOCK_WRITTEN, 0);
    history->events[history->count++] = event;
}
static void write_another_block_in_another_attempt(struct history *history)
{
    struct od_event event = *nth(history, OD_EVENT_BLOCK_WRITTEN, 0);
    event.site.attempt = 6;
    event.checksum.high++;
    history->events[history->count++] = event;
}
static void consume_twice(struct history *history)
{
    struct od_event event = *nth(history, OD_EVENT_BLOCK_CONSUMED, 0);
    history->events[history->count++] = event;
}
static void consume_two_attempts(struct history *history)
{
    struct od_event event = *nth(history, OD_EVENT_BLOCK_CONSUMED, 0);
    event.source_attempt = 6;
    history->events[history->count++] = event;
}
static void consume_before_the_commit(struct history *history)
{
    struct od_event event = *nth(history, OD_EVENT_TASK_COMMITTED, 0);
    remove_event(history, nth(history, OD_EVENT_TASK_COMMITTED, 0));
    history->events[history->count++] = event;
}
static void miss_a_block(struct history *history)
{
    remove_event(history, nth(history, OD_EVENT_BLOCK_CONSUMED, 3));
}
static void miss_an_input_as_a_whole(struct history *history)
{
    remove_event(history, nth(history, OD_EVENT_BLOCK_CONSUMED, 3));
    remove_event(history, nth(history, OD_EVENT_BLOCK_CONSUMED, 2));
}
/* Another life of the driver may commit again what the one before had forgotten; one may not. */
static void commit_twice_in_two_lives(struct history *history)
{
    add(history, OD_EVENT_DRIVER_RESTARTED, OD_ANY, OD_ANY, OD_ANY, 0);
    for (uint32_t i = 0; i < 2; i++) {
        struct od_event event = *nth(history, OD_EVENT_TASK_COMMITTED, 1);
        history->events[history->count++] = event;
    }
}
static void answer_without_results(struct history *history)
{
    remove_event(history, nth(history, OD_EVENT_RESULT_COMMITTED, 1));
    remove_event(history, nth(history, OD_EVENT_RESULT_COMMITTED, 0));
}
static void commit_twice(struct history *history)
{
    struct od_event event = *nth(history, OD_EVENT_TASK_COMMITTED, 1);
    event.site.attempt = 6;
    history->events[history->count++] = event;
}
static void give_a_result_twice(struct history *history)
{
    struct od_event event = *nth(history, OD_EVENT_RESULT_COMMITTED, 1);
    history->events[history->count++] = event;
}
static void commit_other_rows(struct history *history)
{
    nth(history, OD_EVENT_TASK_COMMITTED, 2)->rows = 1;
}

static const struct {
    void (*spoil)(struct history *history);
    const char *code;
} unsound[] = {
    {consume_fewer_rows, "H1"},
    {consume_other_rows, "H1"},
    {consume_what_was_not_written, "H1"},
    {lose_a_row_between_output_and_blocks, "H1"},
    {write_a_block_twice, "H1"},
    {write_another_block_in_another_attempt, "F2"},
    {consume_twice, "H5"},
    {consume_two_attempts, "H5"},
    {consume_before_the_commit, "H5"},
    {miss_a_block, "H5"},
    {miss_an_input_as_a_whole, "H5"},
    {answer_without_results, "F9"},
    {commit_twice, "F4"},
    {commit_twice_in_two_lives, "F4"},
    {give_a_result_twice, "F4"},
    {commit_other_rows, "F9"},
};

static void each_life_of_the_driver_commits_once(void **state)
{
    struct history history;
    struct od_finding finding;
    (void)state;
    sound_history(&history);
    commit_twice_in_two_lives(&history);
    history.count--; /* the second one of the second life */
    for (uint32_t i = 0; i < 2; i++) { /* nobody had heard of the first life's results */
        struct od_event event = *nth(&history, OD_EVENT_RESULT_COMMITTED, i);
        history.events[history.count++] = event;
    }
    judge(&history, &finding);
    assert_false(finding.found);
}

static void each_unsound_history_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(unsound) / sizeof(unsound[0]); i++) {
        struct history history;
        struct od_finding finding;
        sound_history(&history);
        unsound[i].spoil(&history);
        judge(&history, &finding);
        if (!finding.found || strcmp(finding.code, unsound[i].code) != 0)
            fail_msg("row %zu: wanted %s, got %s: %s", i, unsound[i].code, finding.code, finding.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_sound_history_is_silent),
                                       cmocka_unit_test(each_life_of_the_driver_commits_once),
                                       cmocka_unit_test(each_unsound_history_is_named)};
    return cmocka_run_group_tests_name("invariants", tests, NULL, NULL);
}
