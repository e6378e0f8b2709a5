/* Goal: COMPLETE, and PARTIAL then FINAL over any split of the rows, give what a plain loop over the rows
 * gives, to the bit; groups come in order of first appearance with canonical keys; global aggregates give a
 * row over nothing; sums that do not fit fail; broken states are refused.
 * Method: drawn rows with few groups, NULLs and special numbers, all functions at once, against a loop over
 * values (whose sums of doubles are exact: small multiples of 1/4). Failures and refusals as for every
 * operator. */
#include "engine/op/op_fixture.h"

#include <math.h>

static struct od_arena plan_arena;

static int set_up(void **state)
{
    (void)state;
    od_arena_init(&plan_arena, od_heap_for_tests(), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    od_arena_release(&plan_arena);
    return 0;
}

/* Columns: 0 boolean, 1 bigint, 2 double, 3 text, 4 timestamp, 5 date, 6 bigint. */
#define TYPES      "biftsdi"
#define GROUPS_MAX 3
#define PIECES_MAX 4
#define ROWS_MAX   400

static const struct {
    enum od_aggregate_function function;
    uint32_t column;
} function_list[] = {
    {OD_AGGREGATE_COUNT_STAR, 0}, {OD_AGGREGATE_COUNT, 3}, {OD_AGGREGATE_SUM, 6}, {OD_AGGREGATE_SUM, 2},
    {OD_AGGREGATE_AVG, 6},        {OD_AGGREGATE_AVG, 2},   {OD_AGGREGATE_MIN, 3}, {OD_AGGREGATE_MAX, 3},
    {OD_AGGREGATE_MIN, 2},        {OD_AGGREGATE_MAX, 2},   {OD_AGGREGATE_MIN, 5}, {OD_AGGREGATE_MAX, 4},
    {OD_AGGREGATE_MIN, 1},        {OD_AGGREGATE_COUNT, 0},
};
enum { FUNCTION_COUNT = sizeof(function_list) / sizeof(function_list[0]) };

struct aggregate_case {
    struct od_schema schema;
    struct od_batch_builder rows;
    struct fixture_source source;
    struct od_physical reader;       /* of the rows */
    struct od_physical state_reader; /* of PARTIAL's output */
    struct od_physical complete;
    struct od_physical partial;
    struct od_physical final;
    const struct od_expr *groups[GROUPS_MAX];
    uint32_t group_columns[GROUPS_MAX];
    struct od_aggregate aggregates[FUNCTION_COUNT];
};

static struct od_physical node_of(struct aggregate_case *test, enum od_aggregate_phase phase,
                                  const struct od_schema *schema, const struct od_physical *input,
                                  uint32_t group_count, uint32_t aggregate_count)
{
    struct od_physical node = {.kind = OD_PHYSICAL_AGGREGATE, .schema = *schema, .input_count = 1};
    node.inputs[0] = input;
    node.aggregate.phase = phase;
    node.aggregate.group_count = group_count;
    node.aggregate.groups = phase == OD_AGGREGATE_FINAL ? NULL : test->groups;
    node.aggregate.aggregate_count = aggregate_count;
    node.aggregate.aggregates = test->aggregates;
    return node;
}

static struct od_schema state_schema(struct aggregate_case *test, uint32_t group_count,
                                     uint32_t aggregate_count)
{
    struct od_schema schema = {.field_count = group_count};
    uint32_t room = group_count + aggregate_count * OD_STATE_FIELDS_MAX;
    schema.fields = od_arena_take_array(&plan_arena, room, sizeof(*schema.fields));
    for (uint32_t i = 0; i < group_count; i++)
        schema.fields[i] = test->schema.fields[test->group_columns[i]];
    for (uint32_t i = 0; i < aggregate_count; i++) {
        enum od_type types[OD_STATE_FIELDS_MAX];
        uint32_t count = od_aggregate_state_fields(&test->aggregates[i], types);
        for (uint32_t k = 0; k < count; k++)
            schema.fields[schema.field_count++] =
                (struct od_field){.name = "state", .type = types[k], .nullable = true};
    }
    return schema;
}

static void case_init(struct aggregate_case *test, const uint32_t *group_columns, uint32_t group_count,
                      uint32_t aggregate_count)
{
    struct od_schema answer = {.field_count = group_count + aggregate_count};
    answer.fields = od_arena_take_array(&plan_arena, answer.field_count, sizeof(*answer.fields));
    test->schema = fixture_schema(&plan_arena, TYPES);
    fixture_source_init(&test->source, 1);
    for (uint32_t i = 0; i < group_count; i++) {
        test->group_columns[i] = group_columns[i];
        answer.fields[i] = test->schema.fields[group_columns[i]];
        assert_int_equal(od_expr_column(&plan_arena, &test->schema, group_columns[i], &test->groups[i], NULL),
                         OD_OK);
    }
    for (uint32_t i = 0; i < aggregate_count; i++) {
        struct od_aggregate *aggregate = &test->aggregates[i];
        uint32_t column = function_list[i].column;
        *aggregate = (struct od_aggregate){.function = function_list[i].function, .name = "answer"};
        if (aggregate->function != OD_AGGREGATE_COUNT_STAR)
            assert_int_equal(od_expr_column(&plan_arena, &test->schema, column, &aggregate->argument, NULL),
                             OD_OK);
        assert_true(
            od_aggregate_resolve(aggregate->function, test->schema.fields[column].type, &aggregate->type));
        answer.fields[group_count + i] =
            (struct od_field){.name = "answer", .type = aggregate->type, .nullable = true};
    }
    struct od_schema states = state_schema(test, group_count, aggregate_count);
    test->reader = fixture_reader(&test->schema, 0);
    test->state_reader = fixture_reader(&states, 1);
    test->complete =
        node_of(test, OD_AGGREGATE_COMPLETE, &answer, &test->reader, group_count, aggregate_count);
    test->partial = node_of(test, OD_AGGREGATE_PARTIAL, &states, &test->reader, group_count, aggregate_count);
    test->final =
        node_of(test, OD_AGGREGATE_FINAL, &answer, &test->state_reader, group_count, aggregate_count);
}

static void case_rows(struct aggregate_case *test, struct od_batch_builder rows)
{
    test->rows = rows;
    test->source.rows[0] = od_batch_builder_view(&test->rows);
}

static void case_release(struct aggregate_case *test)
{
    fixture_source_release(&test->source);
    od_batch_builder_release(&test->rows);
}

/* --- the plain loop ------------------------------------------------------------------------------------- */

static bool same_group(const struct aggregate_case *test, uint32_t group_count, uint32_t left, uint32_t right)
{
    for (uint32_t i = 0; i < group_count; i++) {
        const struct od_column *column = &test->source.rows[0].columns[test->group_columns[i]];
        struct od_value a = od_column_value(column, left);
        struct od_value b = od_column_value(column, right);
        if (a.is_null != b.is_null || (!a.is_null && od_value_compare(&a, &b) != 0))
            return false;
    }
    return true;
}

/* Sums here are small: exact in long double in any order. -0.0 alone stays -0.0. */
static struct od_value plain_sum(const struct od_value *values, uint32_t count, bool average,
                                 enum od_type type)
{
    struct od_value result = {.type = type};
    long double total = -0.0L;
    for (uint32_t i = 0; i < count; i++)
        total +=
            values[i].type == OD_TYPE_INT64 ? (long double)values[i].int64 : (long double)values[i].float64;
    if (type == OD_TYPE_INT64)
        result.int64 = (int64_t)total;
    else if (average && total == 0)
        result.float64 = 0.0;
    else
        result.float64 = average ? (double)total / (double)count : (double)total;
    return result;
}

static struct od_value plain_aggregate(const struct aggregate_case *test, uint32_t index,
                                       const uint32_t *rows, uint32_t row_count)
{
    static struct od_value values[ROWS_MAX];
    const struct od_aggregate *aggregate = &test->aggregates[index];
    struct od_value result = {.type = OD_TYPE_INT64, .int64 = row_count};
    uint32_t count = 0;
    if (aggregate->function == OD_AGGREGATE_COUNT_STAR)
        return result;
    for (uint32_t i = 0; i < row_count; i++) {
        values[count] = od_column_value(&test->source.rows[0].columns[function_list[index].column], rows[i]);
        count += !values[count].is_null;
    }
    result.int64 = count;
    if (aggregate->function == OD_AGGREGATE_COUNT)
        return result;
    if (count == 0)
        return (struct od_value){.type = aggregate->type, .is_null = true};
    if (aggregate->function == OD_AGGREGATE_SUM || aggregate->function == OD_AGGREGATE_AVG)
        return plain_sum(values, count, aggregate->function == OD_AGGREGATE_AVG, aggregate->type);
    for (uint32_t i = 1; i < count; i++) {
        int order = od_value_compare_total(&values[i], &values[0]);
        if (aggregate->function == OD_AGGREGATE_MIN ? order < 0 : order > 0)
            values[0] = values[i];
    }
    return values[0];
}

static struct od_value plain_key(const struct aggregate_case *test, uint32_t index, uint32_t row)
{
    struct od_value value = od_column_value(&test->source.rows[0].columns[test->group_columns[index]], row);
    if (value.type == OD_TYPE_FLOAT64 && !value.is_null) {
        value.float64 = value.float64 == 0 ? 0.0 : value.float64;
        value.float64 = isnan(value.float64) ? (double)NAN : value.float64;
    }
    return value;
}

static struct od_batch_builder plain_groups(const struct aggregate_case *test)
{
    struct od_batch_builder expected = fixture_rows(&test->complete.schema, "");
    uint32_t group_count = test->complete.aggregate.group_count;
    uint32_t row_count = test->source.rows[0].row_count;
    static bool is_done[ROWS_MAX];
    static uint32_t members[ROWS_MAX];
    memset(is_done, 0, sizeof(is_done));
    for (uint32_t row = 0; row < row_count || (group_count == 0 && row == 0); row++) {
        uint32_t member_count = 0;
        if (is_done[row])
            continue;
        for (uint32_t i = row; i < row_count; i++) {
            if (!is_done[i] && same_group(test, group_count, row, i)) {
                members[member_count++] = i;
                is_done[i] = true;
            }
        }
        for (uint32_t i = 0; i < test->complete.schema.field_count; i++) {
            struct od_value value = i < group_count
                                        ? plain_key(test, i, row)
                                        : plain_aggregate(test, i - group_count, members, member_count);
            assert_int_equal(od_batch_builder_append(&expected, i, &value, NULL), OD_OK);
        }
        od_batch_builder_end_row(&expected);
    }
    return expected;
}

/* --- running -------------------------------------------------------------------------------------------- */

static void restart(struct aggregate_case *test, uint32_t batch_rows, bool stalls)
{
    test->source.batch_rows = batch_rows;
    test->source.stalls = stalls;
    test->source.call_count = 0;
    memset(test->source.next_row, 0, sizeof(test->source.next_row));
}

/* PARTIAL over contiguous pieces of the rows, outputs one after the other: what FINAL reads. */
static struct od_batch_builder partial_states(struct aggregate_case *test, uint32_t piece_count,
                                              uint32_t batch_rows)
{
    struct od_batch all = test->source.rows[0];
    struct od_batch_builder states = fixture_rows(&test->partial.schema, "");
    struct od_batch_builder collected = fixture_rows(&test->partial.schema, "");
    for (uint32_t piece = 0; piece < piece_count; piece++) {
        uint32_t first = all.row_count * piece / piece_count;
        uint32_t end = all.row_count * (piece + 1) / piece_count;
        struct od_batch_builder rows = fixture_rows(&test->schema, "");
        struct fixture_run run = {.node = &test->partial, .source = &test->source, .batch_rows = batch_rows};
        assert_int_equal(od_batch_builder_append_rows(&rows, &all, NULL, first, end - first, NULL), OD_OK);
        test->source.rows[0] = od_batch_builder_view(&rows);
        restart(test, batch_rows, false);
        assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
        struct od_batch output = od_batch_builder_view(&collected);
        if (test->partial.aggregate.group_count == 0)
            assert_int_equal(output.row_count, 1);
        assert_int_equal(od_batch_builder_append_rows(&states, &output, NULL, 0, output.row_count, NULL),
                         OD_OK);
        od_batch_builder_release(&rows);
    }
    test->source.rows[0] = all;
    od_batch_builder_release(&collected);
    return states;
}

static void check_final(struct aggregate_case *test, struct od_batch_builder *expected, uint32_t piece_count,
                        uint32_t batch_rows)
{
    struct od_batch_builder states = partial_states(test, piece_count, batch_rows);
    struct od_batch_builder collected = fixture_rows(&test->final.schema, "");
    struct fixture_run run = {.node = &test->final, .source = &test->source, .batch_rows = batch_rows};
    test->source.rows[1] = od_batch_builder_view(&states);
    restart(test, batch_rows, batch_rows % 2);
    assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
    fixture_assert_equal(&collected, expected); /* first appearance: pieces are in order */
    od_batch_builder_release(&states);
    od_batch_builder_release(&collected);
}

static void check_case(struct aggregate_case *test, uint32_t batch_rows)
{
    struct od_batch_builder expected = plain_groups(test);
    struct od_batch_builder collected = fixture_rows(&test->complete.schema, "");
    struct fixture_run run = {.node = &test->complete, .source = &test->source, .batch_rows = batch_rows};
    restart(test, batch_rows, batch_rows % 2);
    assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
    fixture_assert_equal(&collected, &expected);
    for (uint32_t pieces = 1; pieces <= PIECES_MAX; pieces++)
        check_final(test, &expected, pieces, batch_rows);
    od_batch_builder_release(&collected);
    od_batch_builder_release(&expected);
}

/* --- tests ---------------------------------------------------------------------------------------------- */

static const uint32_t group_lists[][GROUPS_MAX] = {{0}, {1}, {2}, {3}, {5}, {1, 2}, {0, 3, 2}};
static const uint32_t group_counts[] = {0, 1, 1, 1, 1, 2, 3};

static void aggregates_equal_plain_loops(void **state)
{
    (void)state;
    struct od_stream stream;
    od_stream_init(&stream, 9, "aggregate");
    for (uint32_t round = 0; round < 140; round++) {
        struct aggregate_case test = {0};
        uint32_t groups = round % 7;
        uint32_t row_count = round < 14 ? round / 7 : (uint32_t)od_random_below(&stream.random, 120);
        case_init(&test, group_lists[groups], group_counts[groups], FUNCTION_COUNT);
        case_rows(&test, fixture_drawn_rows(&test.schema, &stream.random, row_count, 1 + round % 30));
        check_case(&test, 1 + round % 17);
        case_release(&test);
    }
}

static void groups_without_aggregates_are_distinct(void **state)
{
    (void)state;
    struct od_stream stream;
    struct aggregate_case test = {0};
    od_stream_init(&stream, 10, "aggregate");
    case_init(&test, (const uint32_t[]){1, 3}, 2, 0);
    case_rows(&test, fixture_drawn_rows(&test.schema, &stream.random, ROWS_MAX, 200)); /* the table grows */
    check_case(&test, 50);
    case_release(&test);
}

/* One row a test: the answer of sum(bigint) or its error. */
static void sums_of_bigint_have_128_bits(void **state)
{
    (void)state;
    static const struct {
        const char *rows; /* of column 6, the others NULL */
        const char *sum;  /* NULL: out of range */
    } cases[] = {
        {"9223372036854775807 1 -5", "9223372036854775803"},
        {"9223372036854775807 1", NULL},
        {"-9223372036854775808 -1", NULL},
        {"-9223372036854775808 -9223372036854775808 9223372036854775807 9223372036854775807", "-2"},
        {"-9223372036854775808", "-9223372036854775808"},
    };
    for (uint32_t i = 0; i < 5; i++) {
        struct aggregate_case test = {0};
        char text[400] = "";
        case_init(&test, NULL, 0, 3); /* count(*), count, sum(bigint) */
        for (const char *at = cases[i].rows; *at != '\0';) {
            uint32_t size = (uint32_t)strcspn(at, " ");
            strcat(text, text[0] == '\0' ? "" : "|");
            strcat(text, "null null null null null null ");
            strncat(text, at, size);
            at += size + (at[size] != '\0');
        }
        case_rows(&test, fixture_rows(&test.schema, text));
        struct od_batch_builder states = partial_states(&test, 2, 1);
        struct od_batch_builder collected = fixture_rows(&test.final.schema, "");
        struct od_error error;
        struct fixture_run run = {.node = &test.final, .source = &test.source, .batch_rows = 1};
        test.source.rows[1] = od_batch_builder_view(&states);
        restart(&test, 1, false);
        enum od_status status = fixture_run(&run, &collected, &error);
        assert_int_equal(status, cases[i].sum == NULL ? OD_EVALUATION : OD_OK);
        if (cases[i].sum == NULL) {
            assert_string_equal(error.text, "bigint out of range");
        } else {
            struct od_batch answer = od_batch_builder_view(&collected);
            assert_int_equal(od_column_value(&answer.columns[2], 0).int64, strtoll(cases[i].sum, NULL, 10));
        }
        od_batch_builder_release(&states);
        od_batch_builder_release(&collected);
        case_release(&test);
    }
}

/* Every state column in turn is made NULL, and the count negative or the text short. */
static void broken_states_are_refused(void **state)
{
    (void)state;
    struct aggregate_case test = {0};
    case_init(&test, NULL, 0, 6); /* counts and sums: state columns that are never NULL */
    case_rows(&test, fixture_rows(&test.schema, "t 1 2.5 a 1970-01-01T00:00:00 1970-01-01 3"));
    struct od_batch_builder states = partial_states(&test, 1, 4);
    struct od_batch good = od_batch_builder_view(&states);
    struct od_batch_builder collected = fixture_rows(&test.final.schema, "");
    for (uint32_t broken = 0; broken <= good.schema->field_count; broken++) {
        for (uint32_t way = 0; way < 2; way++) {
            struct od_batch_builder bad = fixture_rows(&test.partial.schema, "");
            enum od_type type =
                broken < good.schema->field_count ? good.schema->fields[broken].type : OD_TYPE_COUNT;
            for (uint32_t i = 0; i < good.schema->field_count; i++) {
                struct od_value value = od_column_value(&good.columns[i], 0);
                if (i == broken && way == 0)
                    value.is_null = true;
                else if (i == broken && type == OD_TYPE_TEXT)
                    value.text.size--;
                else if (i == broken)
                    value.int64 = -1; /* fine for the bits of a sum, not for a count */
                assert_int_equal(od_batch_builder_append(&bad, i, &value, NULL), OD_OK);
            }
            od_batch_builder_end_row(&bad);
            struct fixture_run run = {.node = &test.final, .source = &test.source, .batch_rows = 4};
            test.source.rows[1] = od_batch_builder_view(&bad);
            restart(&test, 4, false);
            enum od_status status = fixture_run(&run, &collected, NULL);
            if (broken == good.schema->field_count)
                assert_int_equal(status, OD_OK); /* nothing was broken */
            else if (way == 0 || type == OD_TYPE_TEXT || broken < 2)
                assert_int_equal(status, OD_CORRUPT);
            od_batch_builder_release(&bad);
        }
    }
    od_batch_builder_release(&collected);
    od_batch_builder_release(&states);
    case_release(&test);
}

static void refusals_and_failures_come_out(void **state)
{
    (void)state;
    struct od_stream stream;
    struct aggregate_case test = {0};
    od_stream_init(&stream, 11, "aggregate");
    case_init(&test, (const uint32_t[]){3, 1}, 2, FUNCTION_COUNT);
    case_rows(&test, fixture_drawn_rows(&test.schema, &stream.random, 30, 4));
    struct od_batch_builder expected = plain_groups(&test);
    struct fixture_run run = {.node = &test.complete, .source = &test.source, .batch_rows = 8};
    restart(&test, 8, false);
    fixture_sweep(&run, &expected);
    fixture_fail_each_call(&run);
    struct od_batch_builder states = partial_states(&test, 3, 8);
    test.source.rows[1] = od_batch_builder_view(&states);
    run.node = &test.final;
    restart(&test, 8, false);
    fixture_sweep(&run, &expected);
    restart(&test, 8, true);
    fixture_fail_each_call(&run);
    run.node = &test.partial;
    struct od_batch_builder whole = partial_states(&test, 1, 8);
    restart(&test, 8, false);
    fixture_sweep(&run, &whole);
    od_batch_builder_release(&whole);
    od_batch_builder_release(&states);
    od_batch_builder_release(&expected);
    case_release(&test);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(aggregates_equal_plain_loops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(groups_without_aggregates_are_distinct, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sums_of_bigint_have_128_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_states_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_and_failures_come_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
