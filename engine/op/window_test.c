/* Goal: window functions give PostgreSQL's values for every kind of frame; long partitions, whose frames are put together from
 * a tree of states, give what a plain loop over each frame gives, to the bit; batch sizes, budgets and stalls change nothing.
 * Method: answers of a real PostgreSQL 15; drawn rows in few, long partitions against loops that ask of every pair of rows
 * whether the one is in the frame of the other. Refusals and failures, also of the disk, as for every operator. */
#include "engine/op/plan_arena_fixture.h"

#include <math.h>

#include "engine/op/window_answers_test.h"

#define CALLS_MAX 16

struct window_case {
    struct od_schema schema; /* of the rows: partition, key, others */
    struct od_schema output;
    struct od_batch_builder rows;
    struct fixture_source source;
    struct od_physical reader;
    struct od_physical node;
    const struct od_expr *partition;
    struct od_sort_key key;
    struct od_window_call calls[CALLS_MAX];
};

static const struct od_expr *column_expr(const struct od_schema *schema, uint32_t column)
{
    const struct od_expr *expr;
    assert_int_equal(od_expr_column(&plan_arena, schema, column, &expr, NULL), OD_OK);
    return expr;
}

static const struct od_expr *literal_expr(enum od_type type, const char *text)
{
    const struct od_expr *expr;
    struct od_value value = {.type = type, .is_null = strcmp(text, "null") == 0};
    if (!value.is_null)
        assert_true(od_value_parse(type, text, (uint32_t)strlen(text), &value));
    assert_int_equal(od_expr_literal(&plan_arena, &value, &expr, NULL), OD_OK);
    return expr;
}

/* Rows must be sorted already; release with case_release. */
static void case_init(struct window_case *test, const char *types, struct od_batch_builder rows)
{
    test->schema = fixture_schema(&plan_arena, types);
    test->rows = rows;
    test->rows.schema = &test->schema; /* which outlives the one that the rows were made with */
    test->partition = column_expr(&test->schema, 0);
    test->key.expr = column_expr(&test->schema, 1);
    test->output.fields = od_arena_take_array(&plan_arena, test->schema.field_count + CALLS_MAX, sizeof(struct od_field));
    for (; test->output.field_count < test->schema.field_count; test->output.field_count++)
        test->output.fields[test->output.field_count] = test->schema.fields[test->output.field_count];
    fixture_source_init(&test->source, 1);
    test->source.rows[0] = od_batch_builder_view(&test->rows);
    test->reader = fixture_reader(&test->schema, 0);
    test->node = (struct od_physical){.kind = OD_PHYSICAL_WINDOW, .input_count = 1};
    test->node.inputs[0] = &test->reader;
    test->node.window.partition_count = 1;
    test->node.window.partitions = &test->partition;
    test->node.window.key_count = 1;
    test->node.window.keys = &test->key;
    test->node.window.calls = test->calls;
}

static void case_release(struct window_case *test)
{
    fixture_source_release(&test->source);
    od_batch_builder_release(&test->rows);
}

static struct od_window_call *case_add(struct window_case *test, const struct od_window_call *call)
{
    struct od_window_call *added = &test->calls[test->node.window.call_count++];
    assert_true(test->node.window.call_count <= CALLS_MAX);
    *added = *call;
    test->output.fields[test->output.field_count++] =
        (struct od_field){.name = "call", .type = call->type, .nullable = true};
    test->node.schema = test->output;
    return added;
}

static enum od_status case_run(struct window_case *test, struct fixture_run run, struct od_batch_builder *collected,
                               uint64_t *spilled_bytes_out, struct od_error *error)
{
    run.node = &test->node;
    run.source = &test->source;
    test->source.batch_rows = run.batch_rows;
    test->source.stalls = run.batch_rows % 2;
    test->source.call_count = 0;
    memset(test->source.next_row, 0, sizeof(test->source.next_row));
    enum od_status status = fixture_run(&run, collected, error);
    if (spilled_bytes_out != NULL)
        *spilled_bytes_out = run.spilled_bytes;
    return status;
}

/* --- PostgreSQL ----------------------------------------------------------------------------------------- */

/* "v", "t" or a number. */
static const struct od_expr *argument_expr(const struct window_case *test, const char *word)
{
    return word[0] == 'v'   ? column_expr(&test->schema, 2)
           : word[0] == 't' ? column_expr(&test->schema, 3)
                            : literal_expr(OD_TYPE_INT64, word);
}

static const struct od_expr *offset_expr(const struct window_case *test, enum od_frame_unit unit, const char *text)
{
    enum od_type type = test->schema.fields[1].type;
    if (text[0] == '\0')
        return NULL;
    if (unit != OD_FRAME_RANGE)
        type = OD_TYPE_INT64;
    else if (type == OD_TYPE_DATE || type == OD_TYPE_TIMESTAMP)
        type = OD_TYPE_INTERVAL;
    return literal_expr(type, text);
}

static void add_answer_call(struct window_case *test, const struct window_answer *answer)
{
    struct od_window_call call = {.function = answer->function, .aggregate = {.function = answer->aggregate}};
    const struct od_expr **targets[] = {&call.arguments[0], &call.arguments[1], &call.arguments[2]};
    enum od_type types[3];
    bool is_aggregate = answer->function == OD_WINDOW_AGGREGATE;
    if (is_aggregate) {
        targets[0] = &call.aggregate.argument;
        targets[1] = &call.aggregate.second;
    }
    for (const char *at = answer->arguments; *at != '\0'; call.argument_count++) {
        char word[8] = "";
        size_t size = strcspn(at, " ");
        memcpy(word, at, size);
        *targets[call.argument_count] = argument_expr(test, word);
        types[call.argument_count] = (*targets[call.argument_count])->type;
        at += size + (at[size] == ' ');
    }
    call.frame = (struct od_window_frame){.unit = answer->unit,
                                          .start = answer->start,
                                          .end = answer->end,
                                          .start_offset = offset_expr(test, answer->unit, answer->start_offset),
                                          .end_offset = offset_expr(test, answer->unit, answer->end_offset),
                                          .exclusion = answer->exclusion};
    if (is_aggregate)
        assert_true(od_aggregate_resolve(answer->aggregate, call.argument_count, types, &call.type));
    else if (answer->function == OD_WINDOW_PERCENT_RANK || answer->function == OD_WINDOW_CUME_DIST)
        call.type = OD_TYPE_FLOAT64;
    else if (answer->function == OD_WINDOW_NTILE)
        call.type = OD_TYPE_INT32;
    else
        call.type = call.argument_count > 0 ? types[0] : OD_TYPE_INT64;
    call.aggregate.type = call.type;
    case_add(test, &call);
}

static void print_answer(const struct window_case *test, struct od_batch_builder *collected, struct od_buffer *text)
{
    struct od_batch batch = od_batch_builder_view(collected);
    for (uint32_t row = 0; row < batch.row_count; row++) {
        struct od_value value = od_column_value(&batch.columns[test->schema.field_count], row);
        od_buffer_append_text(text, row > 0 ? " " : "");
        if (value.is_null)
            od_buffer_append_text(text, "null");
        od_value_print(&value, text);
    }
}

static bool has_answer(const struct window_answer *answer, uint32_t index)
{
    const struct window_rows *rows = &window_rows[answer->rows];
    struct window_case test = {0};
    struct od_schema schema = fixture_schema(&plan_arena, rows->types);
    struct od_buffer text;
    struct od_error error;
    case_init(&test, rows->types, fixture_rows(&schema, rows->rows));
    test.key.descending = rows->descending;
    test.key.nulls_first = rows->nulls_first;
    add_answer_call(&test, answer);
    struct od_batch_builder collected = fixture_rows(&test.output, "");
    struct fixture_run run = {.batch_rows = 1 + index % 9};
    od_buffer_init(&text, od_heap_for_tests());
    if (case_run(&test, run, &collected, NULL, &error) == OD_OK)
        print_answer(&test, &collected, &text);
    else
        od_buffer_print(&text, "!%s", error.text);
    bool equal = strcmp(od_buffer_text(&text), answer->answer) == 0;
    if (!equal)
        print_error("answer %u: not %s\n     but %s\n", index, answer->answer, od_buffer_text(&text));
    od_buffer_release(&text);
    od_batch_builder_release(&collected);
    case_release(&test);
    return equal;
}

static void answers_are_those_of_postgresql(void **state)
{
    (void)state;
    uint32_t wrong_count = 0;
    for (uint32_t i = 0; i < sizeof(window_answers) / sizeof(window_answers[0]); i++)
        wrong_count += !has_answer(&window_answers[i], i);
    assert_int_equal(wrong_count, 0);
}

/* --- long partitions ------------------------------------------------------------------------------------ */

/* Columns: 0 partition, 1 key, 2 bigint, 3 double, 4 text. */
#define LONG_TYPES "iiift"

/* One of each way of remembering, and two that look at places. */
static const struct {
    enum od_window_function function;
    enum od_aggregate_function aggregate;
    uint32_t column;
} long_calls[] = {{OD_WINDOW_AGGREGATE, OD_AGGREGATE_COUNT_STAR, 0}, {OD_WINDOW_AGGREGATE, OD_AGGREGATE_SUM, 2},
                  {OD_WINDOW_AGGREGATE, OD_AGGREGATE_SUM, 3},        {OD_WINDOW_AGGREGATE, OD_AGGREGATE_MIN, 4},
                  {OD_WINDOW_AGGREGATE, OD_AGGREGATE_MAX, 3},        {OD_WINDOW_FIRST_VALUE, OD_AGGREGATE_COUNT_STAR, 4},
                  {OD_WINDOW_LAST_VALUE, OD_AGGREGATE_COUNT_STAR, 2}};
enum { LONG_CALL_COUNT = sizeof(long_calls) / sizeof(long_calls[0]) };

static int64_t cell(const struct window_case *test, uint32_t column, uint32_t row)
{
    return od_column_value(&test->source.rows[0].columns[column], row).int64;
}

/* -1: before the bound, 0: on it, 1: behind. `here` and `there` are row numbers, group numbers or keys, all of them rising. */
static int side_of_bound(enum od_frame_bound bound, const struct od_expr *offset, int64_t here, int64_t there)
{
    int64_t limit = here;
    if (bound == OD_FRAME_UNBOUNDED_PRECEDING || bound == OD_FRAME_UNBOUNDED_FOLLOWING)
        return bound == OD_FRAME_UNBOUNDED_PRECEDING ? 1 : -1;
    if (bound != OD_FRAME_CURRENT_ROW)
        limit += bound == OD_FRAME_PRECEDING ? -offset->literal.int64 : offset->literal.int64;
    return (there > limit) - (there < limit);
}

static bool is_in_frame(const struct window_case *test, const struct od_window_frame *frame, const int64_t *places,
                        uint32_t here, uint32_t there)
{
    bool are_peers = cell(test, 1, here) == cell(test, 1, there);
    if (cell(test, 0, here) != cell(test, 0, there) ||
        side_of_bound(frame->start, frame->start_offset, places[here], places[there]) < 0 ||
        side_of_bound(frame->end, frame->end_offset, places[here], places[there]) > 0)
        return false;
    return !(frame->exclusion == OD_FRAME_EXCLUDE_ROW && here == there) &&
           !(frame->exclusion == OD_FRAME_EXCLUDE_GROUP && are_peers) &&
           !(frame->exclusion == OD_FRAME_EXCLUDE_TIES && are_peers && here != there);
}

static struct od_value plain_value(const struct window_case *test, uint32_t call, const bool *in_frame)
{
    const struct od_column *column = &test->source.rows[0].columns[long_calls[call].column];
    struct od_value result = {.type = test->calls[call].type, .is_null = true};
    uint32_t count = 0;
    double total = -0.0;
    __int128 whole = 0;
    for (uint32_t row = 0; row < test->source.rows[0].row_count; row++) {
        struct od_value value = od_column_value(column, row);
        bool is_first = long_calls[call].function == OD_WINDOW_FIRST_VALUE;
        if (!in_frame[row])
            continue;
        count++;
        if (long_calls[call].function != OD_WINDOW_AGGREGATE) {
            result = count == 1 || !is_first ? value : result;
            continue;
        }
        if (value.is_null || long_calls[call].aggregate == OD_AGGREGATE_COUNT_STAR)
            continue;
        total += value.type == OD_TYPE_FLOAT64 ? value.float64 : 0;
        whole += value.int64;
        int order = result.is_null ? 0 : od_value_compare_total(&value, &result);
        bool is_better = long_calls[call].aggregate == OD_AGGREGATE_MIN ? order < 0 : order > 0;
        if (result.is_null || is_better)
            result = value;
    }
    if (long_calls[call].aggregate == OD_AGGREGATE_COUNT_STAR && long_calls[call].function == OD_WINDOW_AGGREGATE)
        return (struct od_value){.type = OD_TYPE_INT64, .int64 = count};
    if (long_calls[call].aggregate != OD_AGGREGATE_SUM || result.is_null)
        return result;
    if (result.type == OD_TYPE_FLOAT64)
        result.float64 = total;
    else
        result = (struct od_value){.type = OD_TYPE_DECIMAL, .decimal = od_decimal_make(whole, 0)};
    return result;
}

static struct od_batch_builder plain_windows(const struct window_case *test, const struct od_window_frame *frame)
{
    const struct od_batch *rows = &test->source.rows[0];
    struct od_batch_builder expected = fixture_rows(&test->output, "");
    int64_t *places = calloc(rows->row_count + 1, sizeof(*places));
    bool *in_frame = calloc(rows->row_count + 1, sizeof(*in_frame));
    for (uint32_t row = 0; row < rows->row_count; row++) {
        bool is_new = row == 0 || cell(test, 1, row) != cell(test, 1, row - 1) || cell(test, 0, row) != cell(test, 0, row - 1);
        places[row] = frame->unit == OD_FRAME_RANGE  ? cell(test, 1, row)
                      : frame->unit == OD_FRAME_ROWS ? row
                      : row == 0                     ? 0
                                                     : places[row - 1] + is_new;
    }
    for (uint32_t row = 0; row < rows->row_count; row++) {
        for (uint32_t i = 0; i < rows->row_count; i++)
            in_frame[i] = is_in_frame(test, frame, places, row, i);
        for (uint32_t i = 0; i < test->output.field_count; i++) {
            struct od_value value = i < test->schema.field_count
                                        ? od_column_value(&rows->columns[i], row)
                                        : plain_value(test, i - test->schema.field_count, in_frame);
            assert_int_equal(od_batch_builder_append(&expected, i, &value, NULL), OD_OK);
        }
        od_batch_builder_end_row(&expected);
    }
    free(places);
    free(in_frame);
    return expected;
}

/* Sorted by partition and key, without NULLs there. Doubles are small multiples of 1/4: their sums are exact. */
static struct od_batch_builder long_rows(struct od_random *draws, uint32_t row_count, uint32_t gap)
{
    struct od_schema schema = fixture_schema(&plan_arena, LONG_TYPES);
    struct od_batch_builder rows = fixture_rows(&schema, "");
    int64_t partition = 0;
    int64_t key = 0;
    for (uint32_t row = 0; row < row_count; row++) {
        struct od_value values[] = {{.type = OD_TYPE_INT64, .int64 = partition},
                                    {.type = OD_TYPE_INT64, .int64 = key},
                                    fixture_drawn(draws, OD_TYPE_INT64, 1000),
                                    {.type = OD_TYPE_FLOAT64, .float64 = (double)od_random_between(draws, -9, 9) / 4},
                                    fixture_drawn(draws, OD_TYPE_TEXT, 0)};
        for (uint32_t i = 0; i < 5; i++)
            assert_int_equal(od_batch_builder_append(&rows, i, &values[i], NULL), OD_OK);
        od_batch_builder_end_row(&rows);
        key += (int64_t)od_random_below(draws, gap);
        partition += od_random_chance(draws, 1, 150);
    }
    return rows;
}

static struct od_window_frame drawn_frame(struct od_random *draws)
{
    static const char *const offsets[] = {"0", "1", "3", "70", "1000"};
    struct od_window_frame frame = {.unit = (enum od_frame_unit)od_random_below(draws, 3),
                                    .exclusion = (enum od_frame_exclusion)od_random_below(draws, 4)};
    frame.start = (enum od_frame_bound)od_random_below(draws, 4);
    frame.end = (enum od_frame_bound)od_random_between(draws, frame.start == 0 ? 1 : frame.start, 4);
    frame.start_offset = literal_expr(OD_TYPE_INT64, offsets[od_random_below(draws, 5)]);
    frame.end_offset = literal_expr(OD_TYPE_INT64, offsets[od_random_below(draws, 5)]);
    return frame;
}

static void long_case(struct window_case *test, struct od_random *draws, uint32_t row_count,
                      const struct od_window_frame *frame)
{
    case_init(test, LONG_TYPES, long_rows(draws, row_count, 1 + (uint32_t)od_random_below(draws, 4)));
    for (uint32_t i = 0; i < LONG_CALL_COUNT; i++) {
        struct od_window_call call = {.function = long_calls[i].function,
                                      .aggregate = {.function = long_calls[i].aggregate},
                                      .frame = *frame};
        const struct od_expr *column = column_expr(&test->schema, long_calls[i].column);
        enum od_type type = column->type;
        call.type = type;
        if (call.function != OD_WINDOW_AGGREGATE) {
            call.argument_count = 1;
            call.arguments[0] = column;
        } else if (call.aggregate.function != OD_AGGREGATE_COUNT_STAR) {
            call.aggregate.argument = column;
        }
        if (call.function == OD_WINDOW_AGGREGATE)
            assert_true(od_aggregate_resolve(call.aggregate.function, call.aggregate.argument != NULL, &type, &call.type));
        call.aggregate.type = call.type;
        case_add(test, &call);
    }
}

static struct fixture_disk disk = {.fail_at = UINT32_MAX};

static void long_frames_equal_plain_loops(void **state)
{
    (void)state;
    static const uint32_t batches[] = {1, 2, 7, 49, 1024};
    static const uint64_t budgets[] = {0, 1, 20000};
    struct od_stream stream;
    od_stream_init(&stream, 14, "window");
    for (uint32_t round = 0; round < 150; round++) {
        struct window_case test = {0};
        struct od_window_frame frame = drawn_frame(&stream.random);
        long_case(&test, &stream.random, round < 3 ? round : (uint32_t)od_random_below(&stream.random, 400), &frame);
        struct od_batch_builder expected = plain_windows(&test, &frame);
        for (uint32_t way = 0; way < 3; way++) {
            struct od_batch_builder collected = fixture_rows(&test.output, "");
            struct fixture_run run = {
                .batch_rows = batches[(round + way) % 5], .operator_bytes_max = budgets[way], .disk = &disk};
            uint64_t spilled_bytes;
            assert_int_equal(case_run(&test, run, &collected, &spilled_bytes, NULL), OD_OK);
            fixture_assert_equal(&collected, &expected);
            assert_int_equal(spilled_bytes > 0, way > 0 && budgets[way] == 1 ? expected.row_count > 0 : spilled_bytes > 0);
            od_batch_builder_release(&collected);
        }
        od_batch_builder_release(&expected);
        case_release(&test);
    }
}

/* count(*) and sum FILTER (WHERE v > 0), no partition and no key, in one frame of everything. */
static void filters_and_no_keys(void **state)
{
    (void)state;
    struct window_case test = {0};
    struct od_schema schema = fixture_schema(&plan_arena, "iiib");
    case_init(&test, "iiib", fixture_rows(&schema, "1 1 5 t|1 2 -3 f|2 1 null t|2 2 7 null|3 0 4 t"));
    test.node.window.partition_count = 0;
    test.node.window.key_count = 0;
    struct od_window_call call = {.function = OD_WINDOW_AGGREGATE,
                                  .aggregate = {.function = OD_AGGREGATE_COUNT_STAR,
                                                .filter = column_expr(&test.schema, 3),
                                                .type = OD_TYPE_INT64},
                                  .frame = {.unit = OD_FRAME_RANGE, .end = OD_FRAME_CURRENT_ROW},
                                  .type = OD_TYPE_INT64};
    case_add(&test, &call);
    call.aggregate.function = OD_AGGREGATE_SUM;
    call.aggregate.argument = column_expr(&test.schema, 2);
    call.aggregate.type = call.type = OD_TYPE_DECIMAL;
    case_add(&test, &call);
    call = (struct od_window_call){.function = OD_WINDOW_ROW_NUMBER, .type = OD_TYPE_INT64};
    case_add(&test, &call);
    struct od_batch_builder expected = fixture_rows(
        &test.output, "1 1 5 t 3 9 1|1 2 -3 f 3 9 2|2 1 null t 3 9 3|2 2 7 null 3 9 4|3 0 4 t 3 9 5");
    struct od_batch_builder collected = fixture_rows(&test.output, "");
    assert_int_equal(case_run(&test, (struct fixture_run){.batch_rows = 2}, &collected, NULL, NULL), OD_OK);
    fixture_assert_equal(&collected, &expected);
    od_batch_builder_release(&collected);
    od_batch_builder_release(&expected);
    case_release(&test);
}

static void refusals_and_failures_come_out(void **state)
{
    (void)state;
    struct od_stream stream;
    struct window_case test = {0};
    od_stream_init(&stream, 15, "window");
    struct od_window_frame frame = {.start = OD_FRAME_PRECEDING,
                                    .end = OD_FRAME_FOLLOWING,
                                    .start_offset = literal_expr(OD_TYPE_INT64, "70"),
                                    .end_offset = literal_expr(OD_TYPE_INT64, "3")};
    long_case(&test, &stream.random, 200, &frame);
    struct od_batch_builder expected = plain_windows(&test, &frame);
    struct fixture_run run = {.node = &test.node, .source = &test.source, .batch_rows = 40};
    test.source.batch_rows = 40;
    fixture_sweep(&run, &expected);
    fixture_fail_each_call(&run);
    run.disk = &disk;
    run.operator_bytes_max = 1;
    fixture_sweep(&run, &expected);
    fixture_fail_each_disk_call(&run, &expected);
    od_batch_builder_release(&expected);
    case_release(&test);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_are_those_of_postgresql, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_frames_equal_plain_loops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(filters_and_no_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_and_failures_come_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
