/* sweep_test: whatever single thing fails, a statement gives the right answer or an error that says what failed; nothing
 * leaks, nothing hangs, and the session goes on.
 *
 * Method: a statement of sweep_queries.h runs in a session over a simulated cluster, undisturbed, which gives the right
 * outcome and counts the calls of each kind that cross the seam: the allocations of session, planner, driver and
 * executors together, each disk call, each message, each fault point. Then, for every kind and every k, it runs again and
 * the k-th call of that kind fails (chaos/wrap_calls.h), once, or from there on.
 *
 *   failed once      allocation: right, or NO_MEMORY      all others: right (recovery is for that)
 *   failed for ever  right, or an error of the machine, never of the statement; the deadline's is one
 *
 * After each run no block, message, file or descriptor is left, the tables are as before or (success) as after the
 * statement, and after a failure the same statement in the same session gives the right outcome. Time is virtual: a query
 * that stands still is seen at once. A bit that changes on the way from the disk must also have been noticed by somebody.
 *
 * Under ctest k goes in steps; `sweep_test --full [I/N]` takes all (or each N-th statement from the I-th) and prints a row
 * for each: ci/sweep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/expr/evaluate.h"
#include "engine/frame/plan_proto.h"
#include "engine/io/arrow.h"
#include "engine/io/csv.h"
#include "engine/io/json_lines.h"
#include "engine/sql/session.h"
#include "engine/world/posix.h"
#include "harness/cluster.h"
#include "harness/prepare.h"
#include "harness/sweep_queries.h"

/* What came of a statement (or several in one text). */
struct seen {
    enum od_status status;
    struct od_error error;
    uint64_t row_count;
    struct od_hash128 rows; /* sum of the rows' hashes; or over the rows in order */
    uint64_t leaked;        /* in clusters */
    uint64_t spilled_bytes;
    uint64_t memory_peak_bytes; /* of the query that needed most */
    uint64_t noticed;           /* attempts that failed; blocks that were bad, where events are kept */
};

struct sweep {
    const struct sweep_query *query;
    uint64_t query_memory_bytes; /* 0: no limit */
    struct od_wrap_calls calls;
    struct od_session *session;
    const struct od_table *tables[SWEEP_TABLE_COUNT]; /* the session's */
    struct seen seen;
    struct seen right;
    struct seen before; /* what query->shown gives */
    struct seen after;
    /* over all runs */
    uint64_t run_count;
    uint64_t outcomes[OD_STATUS_COUNT]; /* OK: the right one, be it an error */
    uint64_t wrong_count;
};

static struct od_table *originals[SWEEP_TABLE_COUNT];
static uint32_t samples_max = 3; /* most k's of a kind; 0: all */

/* --- answers ---------------------------------------------------------------------------------------------- */

static void note_answer(struct sweep *sweep, const struct od_table *answer)
{
    struct od_batch rows = od_table_view(answer);
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    sweep->seen.row_count += rows.row_count;
    for (uint32_t row = 0; row < rows.row_count; row++) {
        od_buffer_reset(&text);
        if (sweep->query->is_ordered)
            od_buffer_append(&text, &sweep->seen.rows, sizeof(sweep->seen.rows));
        for (uint32_t i = 0; i < rows.schema->field_count; i++) {
            struct od_value value = od_column_value(&rows.columns[i], row);
            od_buffer_append(&text, value.is_null ? "N" : "V", 1);
            if (!value.is_null)
                assert_true(od_value_print(&value, &text));
            od_buffer_append(&text, "", 1);
        }
        struct od_hash128 hash = od_hash128_bytes(text.bytes, text.size, 0);
        sweep->seen.rows = sweep->query->is_ordered ? hash : od_hash128_add(sweep->seen.rows, hash);
    }
    od_buffer_release(&text);
}

static enum od_status through_text(struct od_memory *memory, enum sweep_passes format,
                                   const struct od_table *answer, struct od_table **back_out,
                                   struct od_error *error)
{
    struct od_batch rows = od_table_view(answer);
    struct od_buffer text;
    od_buffer_init(&text, memory);
    enum od_status status = format == SWEEP_CSV ? od_csv_write(&rows, &text, error)
                                                : od_json_lines_write(&rows, &text, error);
    const char *bytes = (const char *)text.bytes;
    if (status == OD_OK && format == SWEEP_CSV)
        status = od_csv_read(memory, "back", "back", bytes, text.size, &answer->schema, back_out, error);
    else if (status == OD_OK)
        status =
            od_json_lines_read(memory, "back", "back", bytes, text.size, &answer->schema, back_out, error);
    od_buffer_release(&text);
    return status;
}

static enum od_status through_arrow(struct od_memory *memory, const struct od_table *answer,
                                    struct od_table **back_out, struct od_error *error)
{
    struct od_batch rows = od_table_view(answer);
    struct ArrowArrayStream stream;
    enum od_status status = od_arrow_export_stream(memory, &rows, 5, &stream, error);
    return status == OD_OK ? od_arrow_import_stream(memory, "back", &stream, back_out, error) : status;
}

static enum od_status take_answer(void *self, struct od_session_result *result, struct od_error *error)
{
    struct sweep *sweep = self;
    struct od_memory *memory = &sweep->calls.memory;
    struct od_table *back = NULL;
    enum od_status status = OD_OK;
    sweep->seen.row_count += result->changed_count;
    if (result->answer == NULL)
        return OD_OK;
    if (sweep->query->passes == SWEEP_CSV || sweep->query->passes == SWEEP_JSON)
        status = through_text(memory, sweep->query->passes, result->answer, &back, error);
    else if (sweep->query->passes == SWEEP_ARROW)
        status = through_arrow(memory, result->answer, &back, error);
    if (status == OD_OK)
        note_answer(sweep, back == NULL ? result->answer : back);
    od_table_free(memory, back);
    return status;
}

/* --- the session's runner --------------------------------------------------------------------------------- */

static enum od_status through_bytes(struct sweep *sweep, struct od_arena *plan_arena,
                                    const struct od_plan **plan, struct od_error *error)
{
    const struct od_catalog catalog = {SWEEP_TABLE_COUNT, sweep->tables};
    struct od_buffer bytes;
    struct od_arena scratch;
    od_buffer_init(&bytes, &sweep->calls.memory);
    od_arena_init(&scratch, &sweep->calls.memory, 0);
    enum od_status status = od_plan_encode(*plan, &scratch, &bytes, error);
    if (status == OD_OK)
        status = od_plan_decode(plan_arena, &catalog, bytes.bytes, bytes.size, plan, error);
    od_arena_release(&scratch);
    od_buffer_release(&bytes);
    return status;
}

static struct od_plan_options plan_options(const struct sweep *sweep)
{
    struct od_plan_options options = {
        .partition_count = 2, .scan_task_count = 2, .evaluate_constant = od_evaluate_constant};
    options.join_algorithm = sweep->query->join;
    options.join_strategy = sweep->query->spread;
    return options;
}

static enum od_status run_plan(void *self, struct od_arena *plan_arena, const struct od_plan *plan,
                               struct od_table **answer_out, struct od_error *error)
{
    struct sweep *sweep = self;
    const struct od_plan_options options = plan_options(sweep);
    struct od_prepared prepared;
    struct od_cluster_result result = {0};
    *answer_out = NULL;
    if (sweep->query->passes == SWEEP_PLAN)
        OD_TRY(through_bytes(sweep, plan_arena, &plan, error));
    OD_TRY(od_prepare_plan(plan_arena, plan, &options, &prepared, error));
    const struct od_cluster_request request = {
        .graph = prepared.graph,
        .options = {.cluster.executor_count = 2,
                    .batch_rows = 7,
                    .operator_memory_bytes = sweep->query->operator_bytes,
                    .query_memory_bytes = sweep->query_memory_bytes,
                    .codec = OD_CODEC_ZSTD},
        .seed = 1,
        .keep_events = sweep->calls.fail == OD_CALL_DAMAGE,
        .calls = &sweep->calls,
        .answer_memory = &sweep->calls.memory,
    };
    enum od_status status = od_cluster_run(od_posix_memory(), &request, &result, error);
    if (status == OD_OK && !result.ended)
        status = od_fail(error, OD_TIMED_OUT, "the query did not end");
    if (status == OD_OK && result.outcome.status != OD_OK) {
        *error = result.outcome.error;
        status = result.outcome.status;
    }
    sweep->seen.leaked += result.leaked;
    sweep->seen.spilled_bytes += result.outcome.counts.spilled_bytes;
    if (result.outcome.counts.memory_peak_bytes > sweep->seen.memory_peak_bytes)
        sweep->seen.memory_peak_bytes = result.outcome.counts.memory_peak_bytes;
    sweep->seen.noticed += result.outcome.counts.attempts_failed;
    for (uint32_t i = 0; i < result.event_count; i++)
        sweep->seen.noticed += result.events[i].kind == OD_EVENT_BLOCK_BAD;
    if (status == OD_OK) {
        *answer_out = result.outcome.answer;
        result.outcome.answer = NULL;
    }
    od_cluster_result_release(&result);
    return status;
}

static enum od_status explain_plan(void *self, struct od_arena *plan_arena, const struct od_plan *plan,
                                   bool analyze, struct od_buffer *text, struct od_error *error)
{
    const struct od_plan_options options = plan_options(self);
    (void)analyze;
    return od_explain(plan_arena, plan, &options, text, error);
}

static struct seen run_sql(struct sweep *sweep, const char *sql)
{
    const struct od_session_sink sink = {take_answer, sweep};
    struct od_error error = {0};
    sweep->seen = (struct seen){0};
    enum od_status status = od_session_run(sweep->session, sql, &sink, &error);
    sweep->seen.status = status;
    sweep->seen.error = error;
    return sweep->seen;
}

/* --- sessions --------------------------------------------------------------------------------------------- */

static void open_session(struct sweep *sweep)
{
    struct od_memory *memory = &sweep->calls.memory;
    const struct od_session_runner runner = {run_plan, explain_plan, od_evaluate_constant, sweep};
    od_wrap_calls_aim(&sweep->calls, OD_CALL_ALLOCATION, UINT64_MAX, false);
    assert_int_equal(od_session_new(memory, &runner, &sweep->session, NULL), OD_OK);
    for (uint32_t i = 0; i < SWEEP_TABLE_COUNT; i++) {
        struct od_table *copy = od_table_new(memory, sweep_tables[i].name, &originals[i]->schema, NULL);
        struct od_batch rows = od_table_view(originals[i]);
        assert_int_equal(od_batch_builder_append_rows(&copy->rows, &rows, NULL, 0, rows.row_count, NULL),
                         OD_OK);
        od_table_finish(copy);
        assert_int_equal(od_session_add_table(sweep->session, copy, NULL), OD_OK);
        sweep->tables[i] = copy;
    }
}

static void close_session(struct sweep *sweep)
{
    od_session_free(sweep->session);
    sweep->session = NULL;
    assert_int_equal(sweep->calls.live_block_count, 0);
    assert_int_equal(sweep->calls.live_bytes, 0);
}

static enum od_status keep_answer(void *self, struct od_session_result *result, struct od_error *error)
{
    (void)error;
    *(struct od_table **)self = result->answer;
    result->answer = NULL;
    return OD_OK;
}

static int make_tables(void **state)
{
    static const struct sweep_query plain;
    static struct sweep maker; /* its memory outlives the tables */
    (void)state;
    maker.query = &plain;
    od_wrap_calls_init(&maker.calls, od_posix_memory());
    const struct od_session_runner runner = {run_plan, explain_plan, od_evaluate_constant, &maker};
    assert_int_equal(od_session_new(&maker.calls.memory, &runner, &maker.session, NULL), OD_OK);
    for (uint32_t i = 0; i < SWEEP_TABLE_COUNT; i++) {
        struct od_error error = {0};
        const struct od_session_sink sink = {keep_answer, &originals[i]};
        if (od_session_run(maker.session, sweep_tables[i].sql, &sink, &error) != OD_OK)
            fail_msg("%s: %s", sweep_tables[i].name, error.text);
    }
    od_session_free(maker.session);
    return 0;
}

static int free_tables(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SWEEP_TABLE_COUNT; i++)
        od_table_free(od_posix_memory(), originals[i]);
    return 0;
}

/* --- one run ---------------------------------------------------------------------------------------------- */

struct aim {
    enum od_call call;
    uint64_t at;
    bool for_ever;
};

static bool is_same(const struct seen *seen, const struct seen *right)
{
    return seen->status == right->status && (seen->status != OD_OK || (seen->row_count == right->row_count &&
                                                                       seen->rows.low == right->rows.low &&
                                                                       seen->rows.high == right->rows.high));
}

static void wrong(struct sweep *sweep, const struct aim *aim, const char *what, const struct seen *seen)
{
    sweep->wrong_count++;
    if (sweep->wrong_count <= 5)
        fprintf(stderr, "%s: %s %llu fails%s: %s; %s: %s (%llu rows, %llu leaked)\n", sweep->query->name,
                od_call_text(aim->call), (unsigned long long)aim->at, aim->for_ever ? " for ever" : "", what,
                od_status_text(seen->status), seen->error.text, (unsigned long long)seen->row_count,
                (unsigned long long)seen->leaked);
}

static bool may_end_so(const struct aim *aim, enum od_status status)
{
    if (aim->for_ever && status == OD_TIMED_OUT) /* who cannot even write a message cannot say why */
        return true;
    if (aim->call == OD_CALL_ALLOCATION)
        return status == OD_NO_MEMORY;
    return aim->for_ever && (status == OD_RETRIES_EXHAUSTED || status == OD_IO || status == OD_CORRUPT ||
                             status == OD_MISSING || status == OD_TASK_FAILED);
}

static void judge(struct sweep *sweep, const struct aim *aim, const struct seen *seen)
{
    bool is_right = is_same(seen, &sweep->right);
    uint64_t may_stay = aim->call == OD_CALL_DISK_REMOVE ? sweep->calls.failed_count : 0; /* files */
    sweep->run_count++;
    sweep->outcomes[is_right ? OD_OK : seen->status]++;
    if (!is_right && !may_end_so(aim, seen->status))
        wrong(sweep, aim, "neither the right answer nor the error of it", seen);
    if (seen->status != OD_OK && seen->error.text[0] == '\0')
        wrong(sweep, aim, "an error without a text", seen);
    if (seen->leaked > may_stay)
        wrong(sweep, aim, "the cluster leaks", seen);
    if (aim->call == OD_CALL_DAMAGE && sweep->calls.failed_count > 0 && seen->noticed == 0)
        wrong(sweep, aim, "damage that nobody noticed", seen);
}

/* After a failure: nothing has changed, and the session is as good as ever. */
static void go_on(struct sweep *sweep, const struct aim *aim)
{
    struct seen seen;
    od_wrap_calls_aim(&sweep->calls, OD_CALL_ALLOCATION, UINT64_MAX, false);
    if (od_session_in_transaction(sweep->session) && run_sql(sweep, "ROLLBACK").status != OD_OK)
        wrong(sweep, aim, "no way back", &sweep->seen);
    if (sweep->query->shown != NULL) {
        seen = run_sql(sweep, sweep->query->shown);
        if (!is_same(&seen, &sweep->before))
            wrong(sweep, aim, "a statement that failed changed something", &seen);
    }
    seen = run_sql(sweep, sweep->query->sql);
    if (!is_same(&seen, &sweep->right))
        wrong(sweep, aim, "the session is of no use any more", &seen);
}

static void run_aimed(struct sweep *sweep, const struct aim *aim)
{
    bool changes = sweep->query->shown != NULL;
    if (changes)
        open_session(sweep);
    uint64_t live_blocks = sweep->calls.live_block_count;
    uint64_t live_bytes = sweep->calls.live_bytes;
    od_wrap_calls_aim(&sweep->calls, aim->call, aim->at, aim->for_ever);
    struct seen seen = run_sql(sweep, sweep->query->sql);
    judge(sweep, aim, &seen);
    if (!changes && (sweep->calls.live_block_count != live_blocks || sweep->calls.live_bytes != live_bytes))
        wrong(sweep, aim, "the session keeps memory", &seen);
    if (!is_same(&seen, &sweep->right))
        go_on(sweep, aim);
    if (!changes)
        return;
    od_wrap_calls_aim(&sweep->calls, OD_CALL_ALLOCATION, UINT64_MAX, false);
    seen = run_sql(sweep, sweep->query->shown);
    if (!is_same(&seen, &sweep->after))
        wrong(sweep, aim, "the tables are not as they should be", &seen);
    close_session(sweep);
}

/* --- all runs of a statement ------------------------------------------------------------------------------ */

static void check_undisturbed(struct sweep *sweep)
{
    const struct seen *right = &sweep->right;
    const struct aim none = {OD_CALL_ALLOCATION, UINT64_MAX, false};
    if (right->status != sweep->query->ends || right->leaked != 0 ||
        sweep->query->spills != (right->spilled_bytes > 0))
        wrong(sweep, &none, "not as expected undisturbed", right);
}

/* Learns the right outcome; counts_out: calls of each kind. */
static void learn(struct sweep *sweep, uint64_t *counts_out)
{
    const char *shown = sweep->query->shown;
    open_session(sweep);
    if (shown != NULL) {
        sweep->before = run_sql(sweep, shown);
        close_session(sweep);
        open_session(sweep);
    } else { /* what a session keeps for its next statement, it has now */
        run_sql(sweep, sweep->query->sql);
    }
    od_wrap_calls_aim(&sweep->calls, OD_CALL_ALLOCATION, UINT64_MAX, false);
    sweep->right = run_sql(sweep, sweep->query->sql);
    memcpy(counts_out, sweep->calls.counts, sizeof(sweep->calls.counts));
    check_undisturbed(sweep);
    if (shown != NULL) {
        sweep->after = run_sql(sweep, shown);
        close_session(sweep);
    }
}

static void sweep_call(struct sweep *sweep, enum od_call call, uint64_t count, bool for_ever, uint32_t offset)
{
    uint64_t step = samples_max == 0 || count <= samples_max ? 1 : count / samples_max;
    for (uint64_t k = step == 1 ? 0 : offset % step; k < count; k += step) {
        const struct aim aim = {call, k, for_ever};
        run_aimed(sweep, &aim);
    }
}

/* A network that is gone for good costs the deadline, which is right but dull. */
static bool is_swept_for_ever(enum od_call call)
{
    return call != OD_CALL_SEND;
}

static struct sweep sweep_query(uint32_t index, uint64_t *counts_out)
{
    static struct sweep sweep; /* actors point into it */
    sweep = (struct sweep){.query = &sweep_queries[index]};
    od_wrap_calls_init(&sweep.calls, od_posix_memory());
    learn(&sweep, counts_out);
    for (uint32_t call = 0; call < OD_CALL_COUNT; call++) {
        sweep_call(&sweep, call, counts_out[call], false, index * 31);
        if (is_swept_for_ever(call))
            sweep_call(&sweep, call, counts_out[call], true, index * 17);
    }
    if (sweep.session != NULL)
        close_session(&sweep);
    return sweep;
}

static void each_call_may_fail(void **state)
{
    uint64_t counts[OD_CALL_COUNT];
    uint64_t reached[OD_CALL_COUNT] = {0};
    uint64_t run_count = 0;
    uint64_t wrong_count = 0;
    (void)state;
    for (uint32_t i = 0; i < SWEEP_QUERY_COUNT; i++) {
        struct sweep sweep = sweep_query(i, counts);
        wrong_count += sweep.wrong_count;
        run_count += sweep.run_count;
        for (uint32_t call = 0; call < OD_CALL_COUNT; call++)
            reached[call] += counts[call];
    }
    for (uint32_t call = 0; call < OD_CALL_COUNT; call++) /* outputs are not synced: they die with their executor */
        assert_true(reached[call] > 0 || call == OD_CALL_DISK_SYNC || call == OD_CALL_DISK_SIZE);
    print_message("%llu runs\n", (unsigned long long)run_count);
    assert_int_equal(wrong_count, 0);
}

/* Twice, half and a tenth of what a statement was measured to hold: the same outcome. */
static void memory_changes_no_answer(void **state)
{
    static const uint64_t tenths[] = {20, 10, 5, 1};
    uint32_t spilled_count = 0;
    (void)state;
    for (uint32_t i = 0; i < SWEEP_QUERY_COUNT; i++) {
        static struct sweep sweep; /* actors point into it */
        sweep = (struct sweep){.query = &sweep_queries[i]};
        od_wrap_calls_init(&sweep.calls, od_posix_memory());
        open_session(&sweep);
        struct seen right = run_sql(&sweep, sweep.query->sql);
        close_session(&sweep);
        for (uint32_t k = 0; k < sizeof(tenths) / sizeof(tenths[0]); k++) {
            sweep.query_memory_bytes = right.memory_peak_bytes * tenths[k] / 10;
            open_session(&sweep);
            struct seen seen = run_sql(&sweep, sweep.query->sql);
            close_session(&sweep);
            if (!is_same(&seen, &right) || (tenths[k] >= 10 && seen.spilled_bytes != right.spilled_bytes))
                fail_msg("%s: %llu of %llu bytes: %s: %s, spilled %llu", sweep.query->name,
                         (unsigned long long)sweep.query_memory_bytes,
                         (unsigned long long)right.memory_peak_bytes, od_status_text(seen.status),
                         seen.error.text, (unsigned long long)seen.spilled_bytes);
            spilled_count += seen.spilled_bytes > right.spilled_bytes;
        }
    }
    assert_true(spilled_count >= SWEEP_QUERY_COUNT / 2);
}

/* --- the whole sweep -------------------------------------------------------------------------------------- */

static void print_row(const struct sweep *sweep, const uint64_t *counts)
{
    uint64_t disk_count = 0;
    for (uint32_t call = OD_CALL_DISK_CREATE; call <= OD_CALL_DISK_REMOVE; call++)
        disk_count += counts[call];
    printf("%-22s %11llu %6llu %6llu %6llu %7llu %7llu", sweep->query->name,
           (unsigned long long)counts[OD_CALL_ALLOCATION], (unsigned long long)disk_count,
           (unsigned long long)counts[OD_CALL_SEND], (unsigned long long)counts[OD_CALL_POINT],
           (unsigned long long)sweep->run_count, (unsigned long long)sweep->outcomes[OD_OK]);
    for (uint32_t status = OD_OK + 1; status < OD_STATUS_COUNT; status++) {
        if (sweep->outcomes[status] > 0)
            printf(" %s: %llu", od_status_text(status), (unsigned long long)sweep->outcomes[status]);
    }
    printf("%s\n", sweep->wrong_count > 0 ? " WRONG" : "");
    fflush(stdout);
}

static int sweep_all(uint32_t first, uint32_t step)
{
    uint64_t counts[OD_CALL_COUNT];
    uint64_t run_count = 0;
    uint64_t wrong_count = 0;
    samples_max = 0;
    make_tables(NULL);
    printf("%-22s %11s %6s %6s %6s %7s %7s %s\n", "statement", "allocations", "disk", "sends", "points",
           "runs", "right", "errors");
    for (uint32_t i = first; i < SWEEP_QUERY_COUNT; i += step) {
        struct sweep sweep = sweep_query(i, counts);
        print_row(&sweep, counts);
        run_count += sweep.run_count;
        wrong_count += sweep.wrong_count;
    }
    free_tables(NULL);
    printf("%llu runs, %llu wrong\n", (unsigned long long)run_count, (unsigned long long)wrong_count);
    return wrong_count > 0;
}

int main(int argument_count, char **arguments)
{
    unsigned first = 1;
    unsigned step = 1;
    if (argument_count > 1) {
        bool is_whole = argument_count == 2 && strcmp(arguments[1], "--full") == 0;
        bool is_part = argument_count == 3 && strcmp(arguments[1], "--full") == 0 &&
                       sscanf(arguments[2], "%u/%u", &first, &step) == 2 && first >= 1 && first <= step;
        if (is_whole || is_part)
            return sweep_all(first - 1, step);
        fprintf(stderr, "usage: sweep_test [--full [I/N]]\n");
        return 2;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_may_fail),
        cmocka_unit_test(memory_changes_no_answer),
    };
    return cmocka_run_group_tests(tests, make_tables, free_tables);
}
