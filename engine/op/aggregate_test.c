/* Goal: COMPLETE, and PARTIAL then FINAL over any split of the rows, give what a plain loop over the rows
 * gives, to the bit; groups come in order of first appearance with canonical keys; global aggregates give a
 * row over nothing; sums that do not fit fail; broken states are refused. Neither the order of rows, nor the size of
 * batches, nor what is spilled, nor colliding hashes change an answer. Digits are PostgreSQL's.
 * Method: drawn rows with few groups, NULLs and special numbers, all functions at once, against a loop over
 * values (whose sums of doubles are exact: small multiples of 1/4); answers of a real PostgreSQL 15. Failures and refusals,
 * also of the disk, as for every operator. */
#include "engine/op/plan_arena_fixture.h"

#include <math.h>

#include "engine/core/sanitizer.h"
#include "engine/data/decimal.h"
#include "engine/op/aggregate_answers_test.h"

/* Columns: 0 boolean, 1 bigint, 2 double, 3 text, 4 timestamp, 5 date, 6 bigint, 7 integer, 8 numeric. */
#define TYPES      "biftsdijn"
#define NONE       9
#define GROUPS_MAX 3
#define PIECES_MAX 4
#define ROWS_MAX   400
/* Multiples of the number of group lists below; what takes eight times as long is drawn less often. */
#define ROUNDS         (OD_IS_SANITIZED ? 28 : 140)
#define ROUNDS_SPILLED (OD_IS_SANITIZED ? 28 : 84)

static const struct {
    enum od_aggregate_function function;
    uint8_t column;
    uint8_t second; /* NONE: none */
    bool is_distinct;
    bool is_filtered; /* by column 0 */
} function_list[] = {
    /* Of which partial states exist: */
    {OD_AGGREGATE_COUNT_STAR, NONE, NONE, 0, 0},
    {OD_AGGREGATE_COUNT, 3, NONE, 0, 0},
    {OD_AGGREGATE_SUM, 6, NONE, 0, 0},
    {OD_AGGREGATE_SUM, 2, NONE, 0, 0},
    {OD_AGGREGATE_AVG, 6, NONE, 0, 0},
    {OD_AGGREGATE_AVG, 2, NONE, 0, 0},
    {OD_AGGREGATE_MIN, 3, NONE, 0, 0},
    {OD_AGGREGATE_MAX, 3, NONE, 0, 0},
    {OD_AGGREGATE_MIN, 2, NONE, 0, 0},
    {OD_AGGREGATE_MAX, 2, NONE, 0, 0},
    {OD_AGGREGATE_MIN, 5, NONE, 0, 0},
    {OD_AGGREGATE_MAX, 4, NONE, 0, 0},
    {OD_AGGREGATE_ANY_VALUE, 0, NONE, 0, 0},
    {OD_AGGREGATE_SUM, 7, NONE, 0, 0},
    {OD_AGGREGATE_SUM, 8, NONE, 0, 0},
    {OD_AGGREGATE_AVG, 8, NONE, 0, 1},
    {OD_AGGREGATE_MAX, 8, NONE, 0, 0},
    {OD_AGGREGATE_BOOL_AND, 0, NONE, 0, 0},
    {OD_AGGREGATE_BOOL_OR, 0, NONE, 0, 0},
    {OD_AGGREGATE_COUNT_STAR, NONE, NONE, 0, 1},
    {OD_AGGREGATE_BIT_XOR, 7, NONE, 0, 1},
    {OD_AGGREGATE_REGR_COUNT, 2, 2, 0, 0},
    /* And not: */
    {OD_AGGREGATE_COUNT, 3, NONE, 1, 0},
    {OD_AGGREGATE_SUM, 8, NONE, 1, 1},
    {OD_AGGREGATE_AVG, 2, NONE, 1, 0},
    {OD_AGGREGATE_STRING_AGG, 3, 3, 0, 0},
    {OD_AGGREGATE_STRING_AGG, 3, 3, 1, 0},
    {OD_AGGREGATE_PERCENTILE_DISC, 5, NONE, 0, 0},
    {OD_AGGREGATE_PERCENTILE_DISC, 8, NONE, 0, 0},
    {OD_AGGREGATE_MODE, 1, NONE, 0, 1},
};
enum { FUNCTION_COUNT = sizeof(function_list) / sizeof(function_list[0]), PARTIAL_COUNT = 22 };

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
    node.phase = phase;
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
    schema.fields = od_arena_take_array(&plan_arena, group_count + aggregate_count, sizeof(*schema.fields));
    for (uint32_t i = 0; i < group_count; i++)
        schema.fields[i] = test->schema.fields[test->group_columns[i]];
    for (uint32_t i = 0; i < aggregate_count; i++)
        schema.fields[schema.field_count++] = (struct od_field){
            .name = "state", .type = od_aggregate_state_type(&test->aggregates[i]), .nullable = true};
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
        uint32_t columns[] = {function_list[i].column, function_list[i].second};
        const struct od_expr **targets[] = {&aggregate->argument, &aggregate->second};
        enum od_type types[2];
        uint32_t count = 0;
        *aggregate = (struct od_aggregate){.function = function_list[i].function,
                                           .distinct = function_list[i].is_distinct,
                                           .name = "answer"};
        for (; count < 2 && columns[count] != NONE; count++) {
            assert_int_equal(od_expr_column(&plan_arena, &test->schema, columns[count], targets[count], NULL),
                             OD_OK);
            types[count] = (*targets[count])->type;
        }
        if (aggregate->function == OD_AGGREGATE_PERCENTILE_DISC) {
            struct od_value half = {.type = OD_TYPE_FLOAT64, .float64 = 0.5};
            assert_int_equal(od_expr_literal(&plan_arena, &half, &aggregate->second, NULL), OD_OK);
            types[count++] = OD_TYPE_FLOAT64;
        }
        if (function_list[i].is_filtered)
            assert_int_equal(od_expr_column(&plan_arena, &test->schema, 0, &aggregate->filter, NULL), OD_OK);
        assert_true(od_aggregate_resolve(aggregate->function, count, types, &aggregate->type));
        assert_int_equal(od_aggregate_is_partial(aggregate), i < PARTIAL_COUNT);
        answer.fields[group_count + i] =
            (struct od_field){.name = "answer", .type = aggregate->type, .nullable = true};
    }
    uint32_t partial_count = aggregate_count < PARTIAL_COUNT ? aggregate_count : PARTIAL_COUNT;
    struct od_schema partial_answer = answer;
    partial_answer.field_count = group_count + partial_count;
    struct od_schema states = state_schema(test, group_count, partial_count);
    test->reader = fixture_reader(&test->schema, 0);
    test->state_reader = fixture_reader(&states, 1);
    test->complete =
        node_of(test, OD_AGGREGATE_COMPLETE, &answer, &test->reader, group_count, aggregate_count);
    test->partial = node_of(test, OD_AGGREGATE_PARTIAL, &states, &test->reader, group_count, partial_count);
    test->final =
        node_of(test, OD_AGGREGATE_FINAL, &partial_answer, &test->state_reader, group_count, partial_count);
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

static int compare_values(const void *left, const void *right)
{
    return od_value_compare_total(left, right);
}

/* Sums here are small: exact in long double in any order. -0.0 alone stays -0.0. */
static struct od_value plain_sum(const struct od_value *values, uint32_t count, bool average,
                                 enum od_type type)
{
    struct od_value result = {.type = type};
    struct od_decimal number_count = od_decimal_from_int64(count);
    long double total = -0.0L;
    for (uint32_t i = 0; i < count; i++) {
        bool is_integer = values[i].type == OD_TYPE_INT64 || values[i].type == OD_TYPE_INT32;
        struct od_decimal number = is_integer ? od_decimal_from_int64(values[i].int64) : values[i].decimal;
        total += is_integer ? (long double)values[i].int64 : (long double)values[i].float64;
        if (type == OD_TYPE_DECIMAL)
            assert_true(od_decimal_add(&result.decimal, &number, &result.decimal));
    }
    if (type == OD_TYPE_DECIMAL && average)
        assert_true(od_decimal_divide(&result.decimal, &number_count, &result.decimal));
    else if (type == OD_TYPE_INT64)
        result.int64 = (int64_t)total;
    else if (type == OD_TYPE_FLOAT64 && average && total == 0)
        result.float64 = 0.0;
    else if (type == OD_TYPE_FLOAT64)
        result.float64 = average ? (double)total / (double)count : (double)total;
    return result;
}

/* Of sorted values. */
static struct od_value plain_mode(const struct od_value *values, uint32_t count)
{
    uint32_t best = 0;
    uint32_t best_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t equal = 0;
        for (uint32_t k = i; k < count && od_value_compare(&values[i], &values[k]) == 0; k++)
            equal++;
        if (equal > best_count) {
            best = i;
            best_count = equal;
        }
    }
    return values[best];
}

static struct od_value plain_texts(const struct od_value *values, uint32_t count)
{
    static char text[ROWS_MAX * 16];
    struct od_value result = {.type = OD_TYPE_TEXT, .text = {.bytes = text}};
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = i == 0; k < 2; k++) { /* behind itself, the first one aside */
            memcpy(text + result.text.size, values[i].text.bytes, values[i].text.size);
            result.text.size += values[i].text.size;
        }
    }
    return result;
}

static struct od_value plain_aggregate(const struct aggregate_case *test, uint32_t index,
                                       const uint32_t *rows, uint32_t row_count)
{
    static struct od_value values[ROWS_MAX];
    const struct od_aggregate *aggregate = &test->aggregates[index];
    const struct od_column *columns = test->source.rows[0].columns;
    struct od_value result = {.type = aggregate->type};
    uint32_t count = 0;
    for (uint32_t i = 0; i < row_count; i++) {
        struct od_value filter = od_column_value(&columns[0], rows[i]);
        if (aggregate->filter != NULL && (filter.is_null || !filter.boolean))
            continue;
        if (aggregate->argument != NULL)
            values[count] = od_column_value(&columns[function_list[index].column], rows[i]);
        count += aggregate->argument == NULL || !values[count].is_null;
    }
    if (aggregate->argument != NULL)
        qsort(values, count, sizeof(values[0]), compare_values);
    for (uint32_t i = 1, all = count; aggregate->distinct && i < all; i++) {
        if (i == 1)
            count = 1;
        count += od_value_compare(&values[count - 1], &values[i]) != 0;
        values[count - 1] = values[i];
    }
    result.int64 = count;
    if (!od_aggregate_is_nullable(aggregate->function))
        return result;
    if (count == 0)
        return (struct od_value){.type = aggregate->type, .is_null = true};
    switch (aggregate->function) {
    case OD_AGGREGATE_SUM:
    case OD_AGGREGATE_AVG:
        return plain_sum(values, count, aggregate->function == OD_AGGREGATE_AVG, aggregate->type);
    case OD_AGGREGATE_MAX:
    case OD_AGGREGATE_BOOL_OR:
        return values[count - 1];
    case OD_AGGREGATE_BIT_XOR:
        result.int64 = 0;
        for (uint32_t i = 0; i < count; i++)
            result.int64 ^= values[i].int64;
        return result;
    case OD_AGGREGATE_STRING_AGG:
        return plain_texts(values, count);
    case OD_AGGREGATE_PERCENTILE_DISC:
        return values[(count + 1) / 2 - 1];
    case OD_AGGREGATE_MODE:
        return plain_mode(values, count);
    default: /* MIN, ANY_VALUE, BOOL_AND */
        return values[0];
    }
}

static struct od_value plain_key(const struct aggregate_case *test, uint32_t index, const uint32_t *members,
                                 uint32_t member_count)
{
    const struct od_column *column = &test->source.rows[0].columns[test->group_columns[index]];
    struct od_value value = od_column_value(column, members[0]);
    for (uint32_t i = 1; value.type == OD_TYPE_DECIMAL && !value.is_null && i < member_count; i++) {
        struct od_value other = od_column_value(column, members[i]);
        if (other.decimal.scale > value.decimal.scale)
            value = other;
    }
    if (value.type == OD_TYPE_FLOAT64 && !value.is_null) {
        value.float64 = value.float64 == 0 ? 0.0 : value.float64;
        value.float64 = isnan(value.float64) ? (double)NAN : value.float64;
    }
    return value;
}

static struct od_batch_builder plain_groups(const struct aggregate_case *test, const struct od_physical *node)
{
    struct od_batch_builder expected = fixture_rows(&node->schema, "");
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
        for (uint32_t i = 0; i < node->schema.field_count; i++) {
            struct od_value value = i < group_count
                                        ? plain_key(test, i, members, member_count)
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
    struct od_batch_builder expected = plain_groups(test, &test->complete);
    struct od_batch_builder expected_final = plain_groups(test, &test->final);
    struct od_batch_builder collected = fixture_rows(&test->complete.schema, "");
    struct fixture_run run = {.node = &test->complete, .source = &test->source, .batch_rows = batch_rows};
    restart(test, batch_rows, batch_rows % 2);
    assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
    fixture_assert_equal(&collected, &expected);
    for (uint32_t pieces = 1; pieces <= PIECES_MAX; pieces++)
        check_final(test, &expected_final, pieces, batch_rows);
    od_batch_builder_release(&expected_final);
    od_batch_builder_release(&collected);
    od_batch_builder_release(&expected);
}

/* --- tests ---------------------------------------------------------------------------------------------- */

static const uint32_t group_lists[][GROUPS_MAX] = {{0}, {1}, {2}, {3}, {8}, {1, 2}, {7, 3, 2}};
static const uint32_t group_counts[] = {0, 1, 1, 1, 1, 2, 3};

static void aggregates_equal_plain_loops(void **state)
{
    (void)state;
    struct od_stream stream;
    od_stream_init(&stream, 9, "aggregate");
    for (uint32_t round = 0; round < ROUNDS; round++) {
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

static bool has_answer(const struct aggregate_answer *test)
{
    struct od_schema schema = fixture_schema(&plan_arena, test->types);
    struct od_batch_builder rows = fixture_rows(&schema, test->rows);
    struct fixture_source source;
    struct od_value fraction = {.type = OD_TYPE_FLOAT64, .float64 = test->fraction};
    struct od_aggregate aggregate = {.function = test->function, .distinct = test->is_distinct};
    enum od_type types[] = {schema.fields[0].type, OD_TYPE_FLOAT64};
    if (schema.field_count > 1)
        types[1] = schema.fields[1].type;
    fixture_source_init(&source, 2);
    source.rows[0] = od_batch_builder_view(&rows);
    assert_int_equal(od_expr_column(&plan_arena, &schema, 0, &aggregate.argument, NULL), OD_OK);
    if (schema.field_count > 1)
        assert_int_equal(od_expr_column(&plan_arena, &schema, 1, &aggregate.second, NULL), OD_OK);
    else if (od_aggregate_argument_count(test->function) > 1)
        assert_int_equal(od_expr_literal(&plan_arena, &fraction, &aggregate.second, NULL), OD_OK);
    assert_true(od_aggregate_resolve(test->function, od_aggregate_argument_count(test->function), types,
                                     &aggregate.type));
    struct od_field field = {.name = "answer", .type = aggregate.type, .nullable = true};
    struct od_physical reader = fixture_reader(&schema, 0);
    struct od_physical node = {.kind = OD_PHYSICAL_AGGREGATE,
                               .schema = {.field_count = 1, .fields = &field},
                               .input_count = 1,
                               .inputs = {&reader},
                               .aggregate = {.aggregate_count = 1, .aggregates = &aggregate}};
    struct od_batch_builder collected = fixture_rows(&node.schema, "");
    struct fixture_run run = {.node = &node, .source = &source, .batch_rows = 2};
    struct od_error error;
    struct od_buffer text;
    od_buffer_init(&text, od_heap_for_tests());
    if (fixture_run(&run, &collected, &error) == OD_OK) {
        struct od_batch answer = od_batch_builder_view(&collected);
        struct od_value value = od_column_value(&answer.columns[0], 0);
        od_value_print(&value, &text);
        if (value.is_null)
            od_buffer_append_text(&text, "NULL");
    } else {
        od_buffer_print(&text, "!%s", error.text);
    }
    const char *actual = od_buffer_text(&text);
    bool equal = strcmp(actual, test->answer) == 0;
    if (!equal && aggregate.type == OD_TYPE_FLOAT64 && actual[0] != '!' && test->answer[0] != 'N')
        equal = fabs(strtod(actual, NULL) / strtod(test->answer, NULL) - 1) <
                1e-14; /* theirs are rounded row by row */
    if (!equal)
        print_error("%s(%s): %s: not %s but %s\n", od_aggregate_text(test->function), test->types, test->rows,
                    test->answer, actual);
    od_buffer_release(&text);
    od_batch_builder_release(&collected);
    od_batch_builder_release(&rows);
    fixture_source_release(&source);
    return equal;
}

static void answers_are_those_of_postgresql(void **state)
{
    (void)state;
    uint32_t wrong_count = 0;
    for (size_t i = 0; i < sizeof(aggregate_answers) / sizeof(aggregate_answers[0]); i++)
        wrong_count += !has_answer(&aggregate_answers[i]);
    assert_int_equal(wrong_count, 0);
}

/* --- what must not matter ------------------------------------------------------------------------------- */

static struct fixture_disk disk = {.fail_at = UINT32_MAX};

/* The node's answer as a multiset: rows `order` of the input, or as they are. */
static struct od_batch_builder sorted_answer(struct aggregate_case *test, const struct od_physical *node,
                                             const uint32_t *order, struct fixture_run run)
{
    struct od_batch all = test->source.rows[node == &test->final];
    struct od_batch_builder rows = fixture_rows(all.schema, "");
    struct od_batch_builder collected = fixture_rows(&node->schema, "");
    assert_int_equal(od_batch_builder_append_rows(&rows, &all, order, 0, all.row_count, NULL), OD_OK);
    test->source.rows[node == &test->final] = od_batch_builder_view(&rows);
    restart(test, run.batch_rows, run.batch_rows % 2);
    run.node = node;
    run.source = &test->source;
    run.disk = &disk;
    assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
    if (run.operator_bytes_max == 1 && node != &test->partial && collected.row_count > 1)
        assert_true(run.spilled_bytes > 0);
    test->source.rows[node == &test->final] = all;
    od_batch_builder_release(&rows);
    fixture_sort(&collected);
    return collected;
}

static void shuffle(struct od_random *draws, uint32_t *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        rows[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t k = (uint32_t)od_random_below(draws, i);
        uint32_t swap = rows[i - 1];
        rows[i - 1] = rows[k];
        rows[k] = swap;
    }
}

static void nothing_but_the_rows_matters(void **state)
{
    (void)state;
    static const uint64_t budgets[] = {0, 1, 30000, 100000};
    static const uint32_t batches[] = {1, 2, 7, 49, 1024};
    struct od_stream stream;
    uint32_t order[ROWS_MAX];
    od_stream_init(&stream, 12, "aggregate");
    for (uint32_t round = 0; round < ROUNDS_SPILLED; round++) {
        struct aggregate_case test = {0};
        uint32_t groups = round % 7;
        case_init(&test, group_lists[groups], group_counts[groups], FUNCTION_COUNT);
        case_rows(&test, fixture_drawn_rows(&test.schema, &stream.random, round * 3, 1 + round % 40));
        struct od_batch_builder states = partial_states(&test, 3, 20);
        test.source.rows[1] = od_batch_builder_view(&states);
        const struct od_physical *nodes[] = {&test.complete, &test.final};
        for (uint32_t i = 0; i < 2; i++) {
            struct od_batch_builder expected =
                sorted_answer(&test, nodes[i], NULL, (struct fixture_run){.batch_rows = 50});
            for (uint32_t way = 0; way < 6; way++) {
                struct fixture_run run = {.batch_rows = batches[(round + way) % 5],
                                          .operator_bytes_max = budgets[way % 4],
                                          .hash_bits_off = way < 3 ? 0 : UINT64_MAX << way};
                shuffle(&stream.random, order, test.source.rows[i].row_count);
                struct od_batch_builder actual = sorted_answer(&test, nodes[i], order, run);
                fixture_assert_equal(&actual, &expected);
                od_batch_builder_release(&actual);
            }
            od_batch_builder_release(&expected);
        }
        /* PARTIAL that gives its groups early: more rows, and the same answer behind FINAL. */
        struct od_batch_builder expected = plain_groups(&test, &test.final);
        struct fixture_run run = {.batch_rows = 7, .operator_bytes_max = budgets[round % 4]};
        struct od_batch_builder early = sorted_answer(&test, &test.partial, NULL, run);
        test.source.rows[1] = od_batch_builder_view(&early);
        struct od_batch_builder actual =
            sorted_answer(&test, &test.final, NULL, (struct fixture_run){.batch_rows = 7});
        fixture_sort(&expected);
        fixture_assert_equal(&actual, &expected);
        od_batch_builder_release(&actual);
        od_batch_builder_release(&early);
        od_batch_builder_release(&expected);
        od_batch_builder_release(&states);
        case_release(&test);
    }
}

/* Each of the eight runs that the groups are dealt out to is dealt out again when it is still too large. */
static void divided_groups_are_divided_again(void **state)
{
    (void)state;
    struct od_stream stream;
    struct aggregate_case test = {0};
    od_stream_init(&stream, 17, "aggregate");
    case_init(&test, (const uint32_t[]){1}, 1, FUNCTION_COUNT);
    case_rows(&test, fixture_drawn_rows(&test.schema, &stream.random, 600, 1000000));
    struct od_batch_builder expected =
        sorted_answer(&test, &test.complete, NULL, (struct fixture_run){.batch_rows = 50});
    struct od_batch_builder actual = fixture_rows(&test.complete.schema, "");
    struct fixture_run run = {.node = &test.complete,
                              .source = &test.source,
                              .batch_rows = 8,
                              .operator_bytes_max = 40000,
                              .disk = &disk};
    restart(&test, 8, false);
    assert_int_equal(fixture_run(&run, &actual, NULL), OD_OK);
    fixture_sort(&actual);
    fixture_assert_equal(&actual, &expected);
    assert_true(run.spill_run_count >= 8 + 8 * 8);
    assert_true(run.peak_bytes < 2 * run.operator_bytes_max);
    od_batch_builder_release(&actual);
    od_batch_builder_release(&expected);
    case_release(&test);
}

static void spilling_fails_cleanly(void **state)
{
    (void)state;
    struct od_stream stream;
    struct aggregate_case test = {0};
    od_stream_init(&stream, 13, "aggregate");
    case_init(&test, (const uint32_t[]){1}, 1, FUNCTION_COUNT);
    case_rows(&test, fixture_drawn_rows(&test.schema, &stream.random, 12, 3));
    struct fixture_run run = {.node = &test.complete,
                              .source = &test.source,
                              .batch_rows = 6,
                              .operator_bytes_max = 1,
                              .disk = &disk};
    struct od_batch_builder expected = fixture_rows(&test.complete.schema, "");
    restart(&test, 6, false);
    assert_int_equal(fixture_run(&run, &expected, NULL), OD_OK);
    assert_true(run.spilled_bytes > 0);
    fixture_fail_each_disk_call(&run, &expected);
    fixture_sweep(&run, &expected);
    od_batch_builder_release(&expected);
    case_release(&test);
}

/* Every state column in turn is made NULL, and the count negative or the text short. */
static void broken_states_are_refused(void **state)
{
    (void)state;
    struct aggregate_case test = {0};
    case_init(&test, NULL, 0, 6); /* counts and sums: state columns that are never NULL */
    case_rows(&test, fixture_rows(&test.schema, "t 1 2.5 a 1970-01-01T00:00:00 1970-01-01 3 4 5.5"));
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
                    value.int64 = -1;
                assert_int_equal(od_batch_builder_append(&bad, i, &value, NULL), OD_OK);
            }
            od_batch_builder_end_row(&bad);
            struct fixture_run run = {.node = &test.final, .source = &test.source, .batch_rows = 4};
            test.source.rows[1] = od_batch_builder_view(&bad);
            restart(&test, 4, false);
            enum od_status status = fixture_run(&run, &collected, NULL);
            if (broken == good.schema->field_count)
                assert_int_equal(status, OD_OK); /* nothing was broken */
            else
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
    struct od_batch_builder expected = plain_groups(&test, &test.complete);
    struct od_batch_builder expected_final = plain_groups(&test, &test.final);
    struct fixture_run run = {.node = &test.complete, .source = &test.source, .batch_rows = 8};
    restart(&test, 8, false);
    fixture_sweep(&run, &expected);
    fixture_fail_each_call(&run);
    struct od_batch_builder states = partial_states(&test, 3, 8);
    test.source.rows[1] = od_batch_builder_view(&states);
    run.node = &test.final;
    restart(&test, 8, false);
    fixture_sweep(&run, &expected_final);
    restart(&test, 8, true);
    fixture_fail_each_call(&run);
    run.node = &test.partial;
    struct od_batch_builder whole = partial_states(&test, 1, 8);
    restart(&test, 8, false);
    fixture_sweep(&run, &whole);
    od_batch_builder_release(&whole);
    od_batch_builder_release(&states);
    od_batch_builder_release(&expected);
    od_batch_builder_release(&expected_final);
    case_release(&test);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(aggregates_equal_plain_loops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(groups_without_aggregates_are_distinct, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_are_those_of_postgresql, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_but_the_rows_matters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(divided_groups_are_divided_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(spilling_fails_cleanly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_states_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_and_failures_come_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
