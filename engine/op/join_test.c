/* Goal: every join type by every algorithm gives exactly what its definition says, with NULL keys, NULL
 * residuals, duplicates, special numbers, colliding hashes, all batch sizes, and whether rows spill or not.
 * Method: small drawn inputs with few different keys are joined and compared, as a multiset, with the
 * definition: the OR over all pairs in three values, two loops deep. The promised order is checked by hand.
 * The source stalls; each of its calls is failed, each call of the disk, each allocation refused. */
#include "engine/op/plan_arena_fixture.h"

static struct fixture_disk disk;

static int set_up_join(void **state)
{
    disk.fail_at = UINT32_MAX;
    return set_up(state);
}

/* The last column of each side is for the residual: probe.v < build.v. */
#define PROBE_TYPES  "iftbjndi"
#define BUILD_TYPES  "ibtfnjdi"
#define SIDE_COLUMNS 8u

static const struct {
    uint32_t count;
    uint32_t probe[3];
    uint32_t build[3];
} key_lists[] = {
    {1, {0}, {0}},       {1, {1}, {3}},       {1, {2}, {2}},
    {1, {3}, {1}},       {1, {4}, {5}},       {1, {5}, {4}},
    {1, {6}, {6}},       {2, {0, 1}, {0, 3}}, {3, {0, 2, 3}, {0, 2, 1}},
    {2, {5, 4}, {4, 5}},
};
#define KEY_LISTS (sizeof(key_lists) / sizeof(key_lists[0]))

static const enum od_physical_kind algorithms[] = {OD_PHYSICAL_HASH_JOIN, OD_PHYSICAL_MERGE_JOIN,
                                                   OD_PHYSICAL_NESTED_LOOP_JOIN};

struct join_case {
    struct od_schema schemas[2];
    struct od_schema pair_schema;
    struct od_batch_builder sides[2];
    struct fixture_source source;
    struct od_physical readers[2];
    struct od_physical node;
};

static void case_init(struct join_case *join, enum od_physical_kind kind, enum od_join_type type)
{
    const char *probe = PROBE_TYPES;
    char letters[2 * SIDE_COLUMNS + 1];
    strcpy(letters, probe);
    if (od_join_gives_right(type))
        strcat(letters, BUILD_TYPES);
    else if (type == OD_JOIN_MARK)
        strcat(letters, "b");
    join->schemas[0] = fixture_schema(&plan_arena, probe);
    join->schemas[1] = fixture_schema(&plan_arena, BUILD_TYPES);
    fixture_source_init(&join->source, 1);
    for (uint32_t i = 0; i < 2; i++)
        join->readers[i] = fixture_reader(&join->schemas[i], i);
    join->node =
        (struct od_physical){.kind = kind, .schema = fixture_schema(&plan_arena, letters), .input_count = 2};
    join->node.inputs[0] = &join->readers[0];
    join->node.inputs[1] = &join->readers[1];
    join->node.join.type = type;
    join->pair_schema = fixture_schema(&plan_arena, PROBE_TYPES BUILD_TYPES);
    join->node.join.pair_schema = &join->pair_schema;
}

static void case_keys(struct join_case *join, uint32_t list)
{
    if (join->node.kind == OD_PHYSICAL_NESTED_LOOP_JOIN)
        return;
    join->node.join.key_count = key_lists[list].count;
    join->node.join.probe_keys = key_lists[list].probe;
    join->node.join.build_keys = key_lists[list].build;
}

/* Puts rows in order of keys, NULLs last, as a merge join wants them. */
static void sort_side(struct od_batch_builder *side, const uint32_t *keys, uint32_t key_count)
{
    struct od_batch batch = od_batch_builder_view(side);
    uint32_t *rows = calloc(batch.row_count + 1, sizeof(*rows));
    struct od_batch_builder sorted = fixture_rows(side->schema, "");
    for (uint32_t i = 0; i < batch.row_count; i++) {
        uint32_t hole = i;
        for (; hole > 0; hole--) {
            int order = 0;
            for (uint32_t k = 0; k < key_count && order == 0; k++) {
                struct od_value a = od_column_value(&batch.columns[keys[k]], rows[hole - 1]);
                struct od_value b = od_column_value(&batch.columns[keys[k]], i);
                order = a.is_null || b.is_null ? a.is_null - b.is_null : od_value_compare(&a, &b);
            }
            if (order <= 0)
                break;
            rows[hole] = rows[hole - 1];
        }
        rows[hole] = i;
    }
    assert_int_equal(od_batch_builder_append_rows(&sorted, &batch, rows, 0, batch.row_count, NULL), OD_OK);
    od_batch_builder_release(side);
    *side = sorted;
    free(rows);
}

static void case_rows(struct join_case *join, struct od_batch_builder probe, struct od_batch_builder build)
{
    join->sides[0] = probe;
    join->sides[1] = build;
    if (join->node.kind == OD_PHYSICAL_MERGE_JOIN) {
        sort_side(&join->sides[0], join->node.join.probe_keys, join->node.join.key_count);
        sort_side(&join->sides[1], join->node.join.build_keys, join->node.join.key_count);
    }
    for (uint32_t i = 0; i < 2; i++)
        join->source.rows[i] = od_batch_builder_view(&join->sides[i]);
}

static void case_release(struct join_case *join)
{
    fixture_source_release(&join->source);
    for (uint32_t i = 0; i < 2; i++)
        od_batch_builder_release(&join->sides[i]);
}

/* --- the definition ------------------------------------------------------------------------------------- */

enum truth { FALSE, UNKNOWN, TRUE };

static enum truth least(enum truth left, enum truth right)
{
    return left < right ? left : right;
}

static enum truth key_truth(const struct join_case *join, uint32_t key, uint32_t probe_row,
                            uint32_t build_row)
{
    struct od_value a =
        od_column_value(&join->source.rows[0].columns[join->node.join.probe_keys[key]], probe_row);
    struct od_value b =
        od_column_value(&join->source.rows[1].columns[join->node.join.build_keys[key]], build_row);
    if (join->node.join.null_safe_keys >> key & 1 && (a.is_null || b.is_null))
        return a.is_null && b.is_null ? TRUE : FALSE;
    if (a.is_null || b.is_null)
        return UNKNOWN;
    return od_value_compare(&a, &b) == 0 ? TRUE : FALSE;
}

static enum truth pair_truth(const struct join_case *join, uint32_t probe_row, uint32_t build_row)
{
    enum truth truth = TRUE;
    for (uint32_t k = 0; k < join->node.join.key_count; k++)
        truth = least(truth, key_truth(join, k, probe_row, build_row));
    if (join->node.join.residual == NULL)
        return truth;
    struct od_value a = od_column_value(&join->source.rows[0].columns[SIDE_COLUMNS - 1], probe_row);
    struct od_value b = od_column_value(&join->source.rows[1].columns[SIDE_COLUMNS - 1], build_row);
    return least(truth, a.is_null || b.is_null ? UNKNOWN : a.int64 < b.int64 ? TRUE : FALSE);
}

/* A row of the output; `truth` is the last column of a MARK. */
static void append_row(const struct join_case *join, struct od_batch_builder *expected, uint32_t probe_row,
                       uint32_t build_row, enum truth truth)
{
    for (uint32_t i = 0; i < expected->schema->field_count; i++) {
        struct od_value value = {.type = expected->schema->fields[i].type, .is_null = true};
        if (i < SIDE_COLUMNS) {
            if (probe_row != OD_ROW_NULL)
                value = od_column_value(&join->source.rows[0].columns[i], probe_row);
        } else if (join->node.join.type == OD_JOIN_MARK) {
            value.is_null = truth == UNKNOWN;
            value.boolean = truth == TRUE;
        } else if (build_row != OD_ROW_NULL) {
            value = od_column_value(&join->source.rows[1].columns[i - SIDE_COLUMNS], build_row);
        }
        assert_int_equal(od_batch_builder_append(expected, i, &value, NULL), OD_OK);
    }
    od_batch_builder_end_row(expected);
}

static enum od_status define(const struct join_case *join, struct od_batch_builder *expected)
{
    enum od_join_type type = join->node.join.type;
    uint32_t build_count = join->source.rows[1].row_count;
    bool *matched = calloc(build_count + 1, sizeof(*matched));
    enum od_status status = OD_OK;
    for (uint32_t p = 0; p < join->source.rows[0].row_count; p++) {
        enum truth any = FALSE;
        uint32_t found = 0;
        for (uint32_t b = 0; b < build_count; b++) {
            enum truth truth = pair_truth(join, p, b);
            any = truth > any ? truth : any;
            found += truth == TRUE;
            matched[b] |= truth == TRUE;
            if (truth == TRUE && od_join_gives_right(type))
                append_row(join, expected, p, b, truth);
        }
        if (type == OD_JOIN_SINGLE && found > 1)
            status = OD_EVALUATION;
        if ((od_join_pads_right(type) && any != TRUE) || (type == OD_JOIN_SEMI && any == TRUE) ||
            (type == OD_JOIN_ANTI && any != TRUE) || (type == OD_JOIN_NULL_ANTI && any == FALSE) ||
            type == OD_JOIN_MARK)
            append_row(join, expected, p, OD_ROW_NULL, any);
    }
    for (uint32_t b = 0; b < build_count; b++) {
        if (od_join_pads_left(type) && !matched[b])
            append_row(join, expected, OD_ROW_NULL, b, FALSE);
    }
    free(matched);
    return status;
}

/* --- running -------------------------------------------------------------------------------------------- */

static const struct od_expr *less_residual(void)
{
    const struct od_expr *arguments[2];
    const struct od_expr *expr;
    struct od_schema pair = fixture_schema(&plan_arena, PROBE_TYPES BUILD_TYPES);
    assert_int_equal(od_expr_column(&plan_arena, &pair, SIDE_COLUMNS - 1, &arguments[0], NULL), OD_OK);
    assert_int_equal(od_expr_column(&plan_arena, &pair, 2 * SIDE_COLUMNS - 1, &arguments[1], NULL), OD_OK);
    assert_int_equal(od_expr_call(&plan_arena, OD_FUNCTION_LESS, arguments, 2, &expr, NULL), OD_OK);
    return expr;
}

struct run_options {
    uint32_t batch_rows;
    uint32_t input_rows;
    bool stalls;
    uint64_t bytes_max; /* 0: nothing spills */
    uint64_t hash_bits_off;
};

static struct fixture_run make_run(struct join_case *join, const struct run_options *options)
{
    join->source.batch_rows = options->input_rows;
    join->source.stalls = options->stalls;
    join->source.call_count = 0;
    memset(join->source.next_row, 0, sizeof(join->source.next_row));
    return (struct fixture_run){.node = &join->node,
                                .source = &join->source,
                                .batch_rows = options->batch_rows,
                                .operator_bytes_max = options->bytes_max,
                                .disk = &disk,
                                .hash_bits_off = options->hash_bits_off};
}

static bool same_rows(struct od_batch_builder *left, struct od_batch_builder *right)
{
    struct od_batch a = od_batch_builder_view(left);
    struct od_batch b = od_batch_builder_view(right);
    struct od_hash128 a_sum = od_batch_checksum(&a);
    struct od_hash128 b_sum = od_batch_checksum(&b);
    return a.row_count == b.row_count && a_sum.low == b_sum.low && a_sum.high == b_sum.high;
}

/* Returns what was spilled. */
static struct fixture_run run_and_compare(struct join_case *join, const struct run_options *options)
{
    struct od_batch_builder expected = fixture_rows(&join->node.schema, "");
    struct od_batch_builder collected = fixture_rows(&join->node.schema, "");
    enum od_status expected_status = define(join, &expected);
    struct fixture_run run = make_run(join, options);
    enum od_status status = fixture_run(&run, &collected, NULL);
    if (status == OD_OK && expected_status == OD_OK && !same_rows(&collected, &expected)) {
        fixture_sort(&collected); /* shows what differs */
        fixture_sort(&expected);
        fixture_assert_equal(&collected, &expected);
    }
    assert_int_equal(status, expected_status);
    od_batch_builder_release(&collected);
    od_batch_builder_release(&expected);
    return run;
}

static void every_join_is_what_its_definition_says(void **state)
{
    (void)state;
    static const uint32_t batch_sizes[] = {1, 2, 7, 49, 1024};
    static const uint64_t budgets[] = {0, 1, 300, 1500};
    static const uint64_t hash_masks[] = {0, UINT64_MAX, ~UINT64_C(3)};
    struct od_stream stream;
    uint64_t spilled[3] = {0};
    od_stream_init(&stream, 3, "join");
    for (uint32_t round = 0; round < 20000; round++) {
        struct od_random *draws = &stream.random;
        struct join_case join;
        uint32_t algorithm = round / OD_JOIN_TYPE_COUNT % 3;
        uint32_t rows_max = od_random_chance(draws, 1, 20) ? 60 : 14;
        uint32_t range = od_random_chance(draws, 1, 5) ? 1 : 6;
        case_init(&join, algorithms[algorithm], (enum od_join_type)(round % OD_JOIN_TYPE_COUNT));
        case_keys(&join, (uint32_t)od_random_below(draws, KEY_LISTS));
        if (od_random_chance(draws, 1, 3))
            join.node.join.null_safe_keys = od_random_below(draws, 8);
        if (od_random_chance(draws, 1, 2))
            join.node.join.residual = less_residual();
        uint32_t probe_count = (uint32_t)od_random_below(draws, rows_max);
        uint32_t build_count =
            (uint32_t)od_random_below(draws, join.node.join.type == OD_JOIN_SINGLE ? 4 : rows_max);
        case_rows(&join, fixture_drawn_rows(&join.schemas[0], draws, probe_count, range),
                  fixture_drawn_rows(&join.schemas[1], draws, build_count, range));
        struct run_options options = {.batch_rows = batch_sizes[od_random_below(draws, 5)],
                                      .input_rows = batch_sizes[od_random_below(draws, 5)],
                                      .stalls = od_random_below(draws, 2),
                                      .bytes_max = budgets[od_random_below(draws, 4)],
                                      .hash_bits_off = hash_masks[od_random_below(draws, 3)]};
        spilled[algorithm] += run_and_compare(&join, &options).spilled_bytes;
        case_release(&join);
    }
    for (uint32_t i = 0; i < 3; i++)
        assert_true(spilled[i] > 0);
}

/* Enough rows for tables to grow, windows to be cut, runs of several blocks and several splits. */
static void large_joins_too(void **state)
{
    (void)state;
    struct od_stream stream;
    od_stream_init(&stream, 4, "join");
    for (uint32_t round = 0; round < 3 * OD_JOIN_TYPE_COUNT; round++) {
        struct join_case join;
        case_init(&join, algorithms[round % 3], (enum od_join_type)(round / 3));
        case_keys(&join, 0);
        join.node.join.residual = less_residual();
        uint32_t build_rows = join.node.join.type == OD_JOIN_SINGLE ? 2 : 400;
        case_rows(&join, fixture_drawn_rows(&join.schemas[0], &stream.random, 200, 150),
                  fixture_drawn_rows(&join.schemas[1], &stream.random, build_rows, 150));
        for (uint32_t i = 0; i < 4; i++) { /* the last: dealing out what is loaded takes several steps */
            static const uint64_t budgets[] = {0, 2000, 20000, 10000};
            struct run_options options = {
                .batch_rows = i < 3 ? 16 : 1, .input_rows = 50, .bytes_max = budgets[i]};
            uint64_t spilled = run_and_compare(&join, &options).spilled_bytes;
            assert_true(spilled > 0 || i != 1 || build_rows == 2 || join.node.kind == OD_PHYSICAL_MERGE_JOIN);
            assert_true(spilled == 0 || i != 0);
        }
        case_release(&join);
    }
}

/* One key that is hot on both sides, among others. */
static void hot_keys_too(void **state)
{
    (void)state;
    struct od_stream stream;
    od_stream_init(&stream, 5, "join");
    for (uint32_t round = 0; round < 6 * OD_JOIN_TYPE_COUNT; round++) {
        struct join_case join;
        case_init(&join, algorithms[round % 2], (enum od_join_type)(round / 2 % OD_JOIN_TYPE_COUNT));
        case_keys(&join, 0);
        if (round % 4 < 2)
            join.node.join.residual = less_residual();
        struct od_batch_builder sides[2];
        for (uint32_t i = 0; i < 2; i++) {
            struct od_schema *schema = &join.schemas[i];
            sides[i] = fixture_drawn_rows(schema, &stream.random, 10, 12);
            struct od_batch_builder hot = fixture_drawn_rows(schema, &stream.random, 60, 0);
            struct od_batch view = od_batch_builder_view(&hot);
            assert_int_equal(od_batch_builder_append_rows(&sides[i], &view, NULL, 0, view.row_count, NULL),
                             OD_OK);
            od_batch_builder_release(&hot);
        }
        if (join.node.join.type == OD_JOIN_SINGLE)
            join.node.join.type = OD_JOIN_FULL;
        case_rows(&join, sides[0], sides[1]);
        struct run_options options = {
            .batch_rows = 5 + round % 5, .input_rows = 7, .bytes_max = 500, .stalls = true};
        assert_true(run_and_compare(&join, &options).spilled_bytes > 0);
        case_release(&join);
    }
}

/* Keys of their own: parts that are too large are split again. One key: splitting is in vain after the first time, and the
 * build side goes past the probe rows in passes. */
static void splitting_goes_on_while_it_pays(void **state)
{
    static const struct {
        uint32_t key_range;
        uint32_t runs_min; /* two a part, and one a pass */
        uint32_t runs_max;
    } cases[] = {{1000000, 2 * 8 + 8 * 2 * 8, 2 * 8 + 8 * 2 * 8 * 9}, {0, 2 * 8 + 20, 2 * 8 + 200}};
    (void)state;
    struct od_stream stream;
    od_stream_init(&stream, 9, "join");
    for (uint32_t i = 0; i < 2; i++) {
        struct join_case join;
        case_init(&join, OD_PHYSICAL_HASH_JOIN, OD_JOIN_FULL);
        case_keys(&join, 0);
        case_rows(&join, fixture_drawn_rows(&join.schemas[0], &stream.random, 20, cases[i].key_range),
                  fixture_drawn_rows(&join.schemas[1], &stream.random, 1600, cases[i].key_range));
        struct run_options options = {.batch_rows = 16, .input_rows = 16, .bytes_max = 4000};
        struct fixture_run run = run_and_compare(&join, &options);
        if (run.spill_run_count < cases[i].runs_min || run.spill_run_count > cases[i].runs_max)
            fail_msg("keys of %u: %u runs", cases[i].key_range, run.spill_run_count);
        assert_true(run.peak_bytes < 2 * options.bytes_max);
        case_release(&join);
    }
}

static void order_is_that_of_the_inputs(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct join_case join;
        case_init(&join, algorithms[i], OD_JOIN_FULL);
        case_keys(&join, 0);
        case_rows(&join,
                  fixture_rows(&join.schemas[0], "1 0 a t 1 1 2000-01-01 1|2 0 b t 1 1 2000-01-01 2|"
                                                 "2 0 c t 1 1 2000-01-01 3|3 0 d t 1 1 2000-01-01 4"),
                  fixture_rows(&join.schemas[1], "0 t w 0 1 1 2000-01-01 0|2 t x 0 1 1 2000-01-01 1|"
                                                 "2 t y 0 1 1 2000-01-01 2|4 t z 0 1 1 2000-01-01 3"));
        static const char expected_text[] = "b x|b y|c x|c y|a null|d null|null w|null z";
        struct od_schema chosen = fixture_schema(&plan_arena, "tt");
        struct od_batch_builder expected = fixture_rows(&chosen, expected_text);
        struct od_batch_builder collected = fixture_rows(&join.node.schema, "");
        struct od_batch_builder columns = fixture_rows(&chosen, "");
        struct run_options options = {.batch_rows = 3, .input_rows = 4};
        struct fixture_run run = make_run(&join, &options);
        assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
        struct od_batch view = od_batch_builder_view(&collected);
        struct od_column texts[] = {view.columns[2], view.columns[SIDE_COLUMNS + 2]};
        struct od_batch shown = {.schema = &chosen, .row_count = view.row_count, .columns = texts};
        assert_int_equal(od_batch_builder_append_rows(&columns, &shown, NULL, 0, shown.row_count, NULL),
                         OD_OK);
        if (i == 0) /* a merge join lets build rows go as soon as their key is over */
            fixture_assert_equal(&columns, &expected);
        fixture_sort(&columns);
        fixture_sort(&expected);
        fixture_assert_equal(&columns, &expected);
        od_batch_builder_release(&columns);
        od_batch_builder_release(&collected);
        od_batch_builder_release(&expected);
        case_release(&join);
    }
}

/* 1 / (probe.v - build.v) > 0: fails for equal v, but only when the keys are equal too. */
static const struct od_expr *failing_residual(void)
{
    const struct od_expr *columns[2];
    const struct od_expr *quotient[2];
    const struct od_expr *compared[2];
    const struct od_expr *expr;
    struct od_value one = {.type = OD_TYPE_INT64, .int64 = 1};
    struct od_value zero = {.type = OD_TYPE_INT64};
    struct od_schema pair = fixture_schema(&plan_arena, PROBE_TYPES BUILD_TYPES);
    assert_int_equal(od_expr_column(&plan_arena, &pair, SIDE_COLUMNS - 1, &columns[0], NULL), OD_OK);
    assert_int_equal(od_expr_column(&plan_arena, &pair, 2 * SIDE_COLUMNS - 1, &columns[1], NULL), OD_OK);
    assert_int_equal(od_expr_literal(&plan_arena, &one, &quotient[0], NULL), OD_OK);
    assert_int_equal(od_expr_call(&plan_arena, OD_FUNCTION_SUBTRACT, columns, 2, &quotient[1], NULL), OD_OK);
    assert_int_equal(od_expr_call(&plan_arena, OD_FUNCTION_DIVIDE, quotient, 2, &compared[0], NULL), OD_OK);
    assert_int_equal(od_expr_literal(&plan_arena, &zero, &compared[1], NULL), OD_OK);
    assert_int_equal(od_expr_call(&plan_arena, OD_FUNCTION_GREATER, compared, 2, &expr, NULL), OD_OK);
    return expr;
}

#define REST       " 0 a t 1 1 2000-01-01 "
#define BUILD_REST " t a 0 1 1 2000-01-01 "

static void residual_sees_pairs_of_equal_keys_only(void **state)
{
    (void)state;
    static const struct {
        const char *build;
        enum od_status status;
    } cases[] = {{"1" BUILD_REST "2|2" BUILD_REST "3", OD_OK},
                 {"1" BUILD_REST "2|2" BUILD_REST "4|2" BUILD_REST "5", OD_EVALUATION} /* true for v = 4 */};
    for (uint32_t i = 0; i < 2 * 2 * OD_JOIN_TYPE_COUNT; i++) {
        enum od_join_type type = (enum od_join_type)(i / 4);
        struct join_case join;
        if (type == OD_JOIN_SINGLE || type == OD_JOIN_MARK || type == OD_JOIN_NULL_ANTI)
            continue; /* ask pairs whose keys are NULL, too, or fail otherwise */
        case_init(&join, algorithms[i / 2 % 2], type);
        case_keys(&join, 0);
        case_rows(&join, fixture_rows(&join.schemas[0], "1" REST "3|2" REST "5|null" REST "2|9" REST "3"),
                  fixture_rows(&join.schemas[1], cases[i % 2].build));
        join.node.join.residual = failing_residual();
        struct od_batch_builder collected = fixture_rows(&join.node.schema, "");
        struct od_error error;
        struct run_options options = {.batch_rows = 1, .input_rows = 8};
        struct fixture_run run = make_run(&join, &options);
        assert_int_equal(fixture_run(&run, &collected, &error), cases[i % 2].status);
        if (cases[i % 2].status == OD_EVALUATION)
            assert_string_equal(error.text, "division by zero");
        od_batch_builder_release(&collected);
        case_release(&join);
    }
}

/* A cross join may have pruned every column of a side. */
static void inputs_without_columns_have_rows(void **state)
{
    (void)state;
    struct od_schema none = fixture_schema(&plan_arena, "");
    struct od_schema some = fixture_schema(&plan_arena, "i");
    struct od_batch_builder probe = fixture_rows(&some, "1|2");
    struct od_batch_builder expected = fixture_rows(&some, "1|1|1|2|2|2");
    struct od_batch_builder collected = fixture_rows(&some, "");
    struct fixture_source source;
    struct od_physical readers[] = {fixture_reader(&some, 0), fixture_reader(&none, 1)};
    struct od_physical node = {.kind = OD_PHYSICAL_NESTED_LOOP_JOIN, .schema = some, .input_count = 2};
    struct fixture_run run = {
        .node = &node, .source = &source, .batch_rows = 4, .disk = &disk, .operator_bytes_max = 1};
    node.inputs[0] = &readers[0];
    node.inputs[1] = &readers[1];
    fixture_source_init(&source, 2);
    source.rows[0] = od_batch_builder_view(&probe);
    source.rows[1] = (struct od_batch){.schema = &none, .row_count = 3};
    assert_int_equal(fixture_run(&run, &collected, NULL), OD_OK);
    fixture_assert_equal(&collected, &expected);
    fixture_source_release(&source);
    od_batch_builder_release(&probe);
    od_batch_builder_release(&expected);
    od_batch_builder_release(&collected);
}

static void refusals_and_failures_come_out(void **state)
{
    (void)state;
    struct od_stream stream;
    od_stream_init(&stream, 6, "join");
    for (uint32_t i = 0; i < 2 * 3 * OD_JOIN_TYPE_COUNT; i++) {
        struct join_case join;
        enum od_join_type type = (enum od_join_type)(i / 6);
        case_init(&join, algorithms[i % 3], type);
        case_keys(&join, 0);
        join.node.join.residual = less_residual();
        case_rows(&join, fixture_drawn_rows(&join.schemas[0], &stream.random, 14, 2),
                  fixture_drawn_rows(&join.schemas[1], &stream.random, type == OD_JOIN_SINGLE ? 1 : 14, 2));
        struct run_options options = {.batch_rows = 6, .input_rows = 3, .bytes_max = i / 3 % 2 ? 400 : 0};
        struct od_batch_builder expected = fixture_rows(&join.node.schema, "");
        struct fixture_run run = make_run(&join, &options);
        if (fixture_run(&run, &expected, NULL) == OD_OK) {
            fixture_sweep(&run, &expected);
            if (run.spilled_bytes > 0)
                fixture_fail_each_disk_call(&run, &expected);
            join.source.stalls = true;
            fixture_fail_each_call(&run);
        } else {
            assert_int_equal(type, OD_JOIN_SINGLE);
        }
        od_batch_builder_release(&expected);
        case_release(&join);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_join_is_what_its_definition_says, set_up_join, tear_down),
        cmocka_unit_test_setup_teardown(large_joins_too, set_up_join, tear_down),
        cmocka_unit_test_setup_teardown(hot_keys_too, set_up_join, tear_down),
        cmocka_unit_test_setup_teardown(splitting_goes_on_while_it_pays, set_up_join, tear_down),
        cmocka_unit_test_setup_teardown(order_is_that_of_the_inputs, set_up_join, tear_down),
        cmocka_unit_test_setup_teardown(residual_sees_pairs_of_equal_keys_only, set_up_join, tear_down),
        cmocka_unit_test_setup_teardown(inputs_without_columns_have_rows, set_up_join, tear_down),
        cmocka_unit_test_setup_teardown(refusals_and_failures_come_out, set_up_join, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
