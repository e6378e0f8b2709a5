/* recovery_fixture: a small query of four stages on the cluster of host_fixture.h, and what its events must say, whatever went
 * wrong. For tests of this folder that disturb it; included by one test program each. */
#ifndef OD_RUN_RECOVERY_FIXTURE_H
#define OD_RUN_RECOVERY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/run/host_fixture.h"
#include "engine/world/posix.h"

#define STAGES 4
#define ROWS   60
#define TASKS  (6 + 2 + 3 + 1)

static struct od_field fields[] = {
    {"a", OD_TYPE_INT64, true}, {"b", OD_TYPE_INT64, true}, {"c", OD_TYPE_TEXT, true}};
static const struct od_schema schema = {3, fields};
static const uint32_t all_columns[] = {0, 1, 2};
static const uint32_t key_a[] = {0};
static const uint32_t key_b[] = {1};
static const uint32_t inputs_of[STAGES][1] = {{0}, {0}, {1}, {2}};

static struct od_table *table;
static struct od_physical nodes[STAGES];
static struct od_stage stages[STAGES];
static struct od_stage_graph graph;
static struct od_query query;
static struct host *host;
static struct od_buffer expected; /* the undisturbed answer, as bytes */

/* --- the query ------------------------------------------------------------------------------------------------- */

static void make_table(void)
{
    table = od_table_new(od_posix_memory(), "t", &schema, NULL);
    struct od_stream stream;
    od_stream_init(&stream, 5, "table");
    for (uint32_t r = 0; r < ROWS; r++) {
        struct od_value a = {.type = OD_TYPE_INT64,
                             .int64 = r < 20 ? 3 : (int64_t)od_random_below(&stream.random, 7)};
        struct od_value b = {.type = OD_TYPE_INT64, .is_null = r % 9 == 0};
        if (!b.is_null)
            b.int64 = (int64_t)od_random_below(&stream.random, 5);
        struct od_value c = {.type = OD_TYPE_TEXT};
        c.text.bytes = "some text of a row";
        c.text.size = r % 18;
        od_batch_builder_append(&table->rows, 0, &a, NULL);
        od_batch_builder_append(&table->rows, 1, &b, NULL);
        od_batch_builder_append(&table->rows, 2, &c, NULL);
        od_batch_builder_end_row(&table->rows);
    }
    od_table_finish(table);
}

static void make_stage(uint32_t index, uint32_t task_count, enum od_exchange_kind exchange,
                       uint32_t partition_count, const uint32_t *keys)
{
    nodes[index] = (struct od_physical){.kind = index == 0 ? OD_PHYSICAL_SCAN : OD_PHYSICAL_EXCHANGE_READ,
                                        .schema = schema,
                                        .node_index = index};
    if (index == 0) {
        nodes[index].scan.table = table;
        nodes[index].scan.column_count = 3;
        nodes[index].scan.columns = all_columns;
    } else {
        nodes[index].exchange.stage_index = index - 1;
    }
    stages[index] = (struct od_stage){.stage_index = index,
                                      .task_count = task_count,
                                      .root = &nodes[index],
                                      .input_count = index == 0 ? 0 : 1,
                                      .input_stages = inputs_of[index],
                                      .exchange = exchange,
                                      .partition_count = partition_count,
                                      .key_count = keys == NULL ? 0 : 1,
                                      .keys = keys,
                                      .reason = "test"};
}

static int set_up(void **state)
{
    (void)state;
    host_memory = od_posix_memory();
    make_table();
    make_stage(0, 6, OD_EXCHANGE_HASH, 2, key_a);
    make_stage(1, 2, OD_EXCHANGE_HASH, 3, key_b);
    make_stage(2, 3, OD_EXCHANGE_SINGLE, 1, NULL);
    make_stage(3, 1, OD_EXCHANGE_RESULT, 1, NULL);
    graph = (struct od_stage_graph){.stage_count = STAGES, .stages = stages, .schema = &schema};
    struct od_run_options options = {.batch_rows = 16, .cluster.executor_count = 3};
    query = (struct od_query){.query_id = 9, .graph = &graph, .options = od_run_options_resolve(&options)};
    host = od_take(od_posix_memory(), sizeof(*host));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    od_buffer_release(&expected);
    od_table_free(od_posix_memory(), table);
    od_give(od_posix_memory(), host, sizeof(*host));
    return 0;
}

/* --- checks ---------------------------------------------------------------------------------------------------- */

static char description[400];

static void describe(const struct host_disturbance *disturbances, uint32_t count, uint64_t seed)
{
    int used = snprintf(description, sizeof(description), "seed %llu", (unsigned long long)seed);
    for (uint32_t i = 0; i < count; i++)
        used += snprintf(description + used, sizeof(description) - (size_t)used,
                         "; effect %d at %llu executor %u delay %llu", disturbances[i].effect,
                         (unsigned long long)disturbances[i].at, disturbances[i].executor,
                         (unsigned long long)disturbances[i].delay_ns);
}

static void expect(bool holds, const char *what)
{
    if (!holds)
        fail_msg("%s: %s (status %s: %s)", description, what, od_status_text(host->outcome.status),
                 host->outcome.error.text);
}

static bool same_attempt(const struct od_site *left, const struct od_site *right)
{
    return left->stage == right->stage && left->task == right->task && left->attempt == right->attempt;
}

/* Each (stage, task, generation) commits once; an attempt is launched once; each result task commits once. */
static bool may_forget; /* the driver's disk loses what was not synced: a commit, of a stage that is not complete */

static void check_commits(void)
{
    for (uint32_t i = 0; i < host->trace_count; i++) {
        const struct od_event *event = &host->trace[i];
        for (uint32_t j = 0; j < i; j++) {
            const struct od_event *before = &host->trace[j];
            if (before->kind != event->kind)
                continue;
            bool same_task = before->site.stage == event->site.stage && before->site.task == event->site.task;
            if (event->kind == OD_EVENT_TASK_COMMITTED)
                expect(!same_task || before->value < event->value || may_forget || host->journal_is_harmed,
                       "a generation commits once");
            if (event->kind == OD_EVENT_RESULT_COMMITTED)
                expect(!same_task, "a result commits once");
            if (event->kind == OD_EVENT_TASK_LAUNCHED)
                expect(!same_task || before->site.attempt < event->site.attempt, "attempt numbers grow");
            if (event->kind == OD_EVENT_TASK_STARTED)
                expect(!same_attempt(&before->site, &event->site), "an attempt starts once");
        }
    }
}

/* What a reader consumed is what that attempt wrote, once, and that attempt had been committed. */
static void check_consumed(const struct od_event *consumed, uint32_t index)
{
    bool was_written = false;
    bool was_committed = false;
    for (uint32_t i = 0; i < index; i++) {
        const struct od_event *event = &host->trace[i];
        struct od_site source = {.stage = consumed->source_stage,
                                 .task = consumed->source_task,
                                 .attempt = consumed->source_attempt};
        if (event->kind == OD_EVENT_BLOCK_WRITTEN && same_attempt(&event->site, &source) &&
            event->site.partition == consumed->site.partition)
            was_written = event->rows == consumed->rows && event->checksum.low == consumed->checksum.low &&
                          event->checksum.high == consumed->checksum.high;
        if (event->kind == OD_EVENT_TASK_COMMITTED && same_attempt(&event->site, &source))
            was_committed = true;
        if (event->kind == OD_EVENT_BLOCK_CONSUMED && same_attempt(&event->site, &consumed->site) &&
            event->source_stage == consumed->source_stage && event->source_task == consumed->source_task &&
            event->site.partition == consumed->site.partition)
            expect(false, "a partition of a map task is consumed once by a reader");
    }
    expect(was_written, "consumed rows are written rows");
    expect(was_committed, "consumed rows were committed");
}

/* The partitions of an attempt add up to its output. */
static void check_output(const struct od_event *output, uint32_t index)
{
    uint64_t rows = 0;
    struct od_hash128 checksum = {0};
    for (uint32_t i = index; i < host->trace_count; i++) {
        const struct od_event *event = &host->trace[i];
        if (event->kind != OD_EVENT_BLOCK_WRITTEN || !same_attempt(&event->site, &output->site))
            continue;
        rows += event->rows;
        checksum = od_hash128_add(checksum, event->checksum);
    }
    expect(rows == output->rows && checksum.low == output->checksum.low &&
               checksum.high == output->checksum.high,
           "partitions add up to the output");
}

/* Has a reader of the lost output rows in it, and is not committed? */
static bool still_reads(const struct od_event *lost, uint32_t index, uint32_t reader_stage, uint32_t reader)
{
    enum od_exchange_kind exchange = graph.stages[lost->site.stage].exchange;
    uint32_t partition = exchange == OD_EXCHANGE_HASH || exchange == OD_EXCHANGE_FORWARD ? reader : 0;
    bool is_done = false;
    bool has_rows = false;
    for (uint32_t i = 0; i < index; i++) {
        const struct od_event *event = &host->trace[i];
        if (event->site.stage == reader_stage && event->site.task == reader &&
            (event->kind == OD_EVENT_TASK_COMMITTED || event->kind == OD_EVENT_OUTPUT_LOST))
            is_done = event->kind == OD_EVENT_TASK_COMMITTED;
        if (event->kind == OD_EVENT_BLOCK_WRITTEN && same_attempt(&event->site, &lost->site) &&
            event->site.partition == partition)
            has_rows = true;
    }
    return !is_done && has_rows;
}

/* F3: an output is computed again only when some reader that has not committed has rows in it; the driver is the reader of the
 * last stage, to the end. A reader whose commit was forgotten reads again. */
static void check_loss(const struct od_event *lost, uint32_t index)
{
    bool is_needed = may_forget || (lost->site.stage + 1 == graph.stage_count && lost->rows != 0);
    for (uint32_t s = lost->site.stage + 1; s < graph.stage_count; s++) {
        for (uint32_t i = 0; i < graph.stages[s].input_count; i++) {
            if (graph.stages[s].input_stages[i] != lost->site.stage)
                continue;
            for (uint32_t reader = 0; reader < graph.stages[s].task_count; reader++)
                is_needed = is_needed || still_reads(lost, index, s, reader);
        }
    }
    expect(is_needed, "what nobody reads is not computed again");
}

/* An attempt that counted goes on counting until its output is lost or begins again, wherever that is by then. */
static void check_refusals(void)
{
    for (uint32_t i = 0; i < host->trace_count; i++) {
        const struct od_event *refused = &host->trace[i];
        bool counts = false;
        for (uint32_t j = 0; j < i && refused->kind == OD_EVENT_TASK_REFUSED; j++) {
            const struct od_event *event = &host->trace[j];
            if (event->kind == OD_EVENT_TASK_COMMITTED && same_attempt(&event->site, &refused->site))
                counts = true;
            if (event->kind == OD_EVENT_EXECUTOR_LOST || event->kind == OD_EVENT_EXECUTOR_DECOMMISSIONED ||
                event->kind == OD_EVENT_DRIVER_RESTARTED ||
                (event->kind == OD_EVENT_OUTPUT_LOST && event->site.stage == refused->site.stage) ||
                event->kind == OD_EVENT_STAGE_ROLLED_BACK)
                counts = false;
        }
        expect(!counts, "a committed attempt is not refused");
    }
}

static void check_books(void)
{
    check_commits();
    check_refusals();
    uint32_t recomputed = 0;
    for (uint32_t i = 0; i < host->trace_count; i++) {
        const struct od_event *event = &host->trace[i];
        if (event->kind == OD_EVENT_BLOCK_CONSUMED)
            check_consumed(event, i);
        if (event->kind == OD_EVENT_TASK_OUTPUT)
            check_output(event, i);
        if (event->kind == OD_EVENT_OUTPUT_LOST) {
            check_loss(event, i);
            recomputed++;
        }
    }
    if (host->actors[0].incarnation == 1) /* the last life counts its own */
        expect(recomputed == host->outcome.counts.tasks_recomputed, "every recompute has its loss");
}

static void encode_answer(struct od_buffer *buffer)
{
    struct od_block_codec *codec = od_block_codec_new(od_posix_memory(), NULL);
    struct od_batch batch = od_table_view(host->outcome.answer);
    struct od_block_id id = {0};
    struct od_block_info info;
    od_buffer_init(buffer, od_posix_memory());
    assert_int_equal(od_block_encode(codec, &batch, &id, OD_CODEC_STORED, buffer, &info, NULL), OD_OK);
    od_block_codec_free(codec);
}

static void check_clean(void)
{
    od_table_free(&host->memory.memory, host->outcome.answer);
    expect(host->memory.live_block_count == 0, "memory is given back");
    expect(host->messages.live_block_count == 0, "messages are given back");
    expect(host->files_at_end == 0, "executors remove their files when told that the query has ended");
    expect(host_files_left(host) == 0, "files are removed");
}

/* Runs and demands the undisturbed answer. */
__attribute__((unused)) static void run_and_check(const struct host_disturbance *disturbances, uint32_t count, uint64_t seed)
{
    describe(disturbances, count, seed);
    host_run(host, &query, disturbances, count, seed);
    expect(host->ended, "the query ends");
    expect(host->outcome.status == OD_OK, "the query succeeds");
    check_books();
    struct od_buffer answer;
    encode_answer(&answer);
    expect(answer.size == expected.size && memcmp(answer.bytes, expected.bytes, expected.size) == 0,
           "the answer is the undisturbed one");
    od_buffer_release(&answer);
    check_clean();
}

/* A set-up with a journal: the answer and the number of events of the undisturbed run are known from here on. */
__attribute__((unused)) static uint64_t events_undisturbed;

__attribute__((unused)) static int set_up_journal(void **state)
{
    set_up(state);
    query.options.cluster.journal = true;
    describe(NULL, 0, 1);
    host_run(host, &query, NULL, 0, 1);
    expect(host->ended && host->outcome.status == OD_OK, "the query succeeds");
    encode_answer(&expected);
    events_undisturbed = host->event_index;
    check_books();
    check_clean();
    return 0;
}

/* OD_ANY: of all stages. */
__attribute__((unused)) static uint32_t count_events(enum od_event_kind kind, uint32_t stage)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < host->trace_count; i++)
        count += host->trace[i].kind == kind && (stage == OD_ANY || host->trace[i].site.stage == stage);
    return count;
}

#endif
