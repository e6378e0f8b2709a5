/* Goal: frames mean the plans that SQL would, names are bound or refused with the reason, what is known of the sharding is
 * right, and the first error sticks.
 * Method: one frame uses every call, printed as a plan; a table of mistakes, each with its words; the graph of a plan with a
 * shared part; every allocation refused once. */
#include "engine/frame/frame_fixture.h"

static struct od_field t_fields[] = {
    {"k", OD_TYPE_INT64, true}, {"v", OD_TYPE_INT32, true}, {"s", OD_TYPE_TEXT, true}};
static struct od_field u_fields[] = {{"k", OD_TYPE_INT64, true}, {"w", OD_TYPE_FLOAT64, true}};

static int make_tables(void **state)
{
    (void)state;
    return fixture_make_tables(&(struct od_schema){3, t_fields}, &(struct od_schema){2, u_fields});
}

static const struct od_map_function twice = {.name = "twice"};

/* Uses every call. */
static const struct od_frame *everything(struct od_frames *f)
{
    const struct od_frame_aggregate aggregates[] = {
        {.name = "n",
         .function = OD_AGGREGATE_COUNT_STAR,
         .filter = od_call(f, OD_FUNCTION_IS_NOT_NULL, od_col(f, "w"))},
        {.name = "middle",
         .function = OD_AGGREGATE_PERCENTILE_CONT,
         .argument = od_col(f, "w"),
         .second = od_float(f, 0.5)}};
    const struct od_frame_key by_n[] = {{.term = od_col(f, "n"), .descending = true, .nulls_first = true}};
    const struct od_frame_call calls[] = {
        {.name = "row", .function = OD_WINDOW_ROW_NUMBER},
        {.name = "before", .function = OD_WINDOW_LAG, .arguments = {od_col(f, "n"), od_int(f, 1)}},
        {.name = "most",
         .function = OD_WINDOW_AGGREGATE,
         .aggregate = {.function = OD_AGGREGATE_MAX, .argument = od_col(f, "n")},
         .frame = {.end = OD_FRAME_CURRENT_ROW}}};
    const struct od_frame_item items[] = {{"k", od_col(f, "k")},
                                          {"w", od_cast(f, od_col(f, "v"), OD_TYPE_FLOAT64)}};
    const struct od_frame *t = od_frame_filter(f, od_frame_scan(f, t_table),
                                               od_call(f, OD_FUNCTION_LESS, od_col(f, "v"), od_int(f, 5)));
    const struct od_frame *u = od_frame_select(f, t, items, 2);
    u = od_frame_union(f, u, od_frame_scan(f, u_table));
    const struct od_term *same = od_call(f, OD_FUNCTION_EQUAL, od_col(f, "left.k"), od_col(f, "right.k"));
    const struct od_frame *both = od_frame_join(f, od_frame_distinct(f, t), u, OD_JOIN_LEFT, same);
    both = od_frame_with_column(f, both, "s", od_call(f, OD_FUNCTION_LOWER, od_col(f, "s")));
    const struct od_frame *grouped = od_frame_group_by(f, both, OD_NAMES("s"), aggregates, 2);
    grouped = od_frame_limit(f, od_frame_sort(f, grouped, by_n, 1), 1, 10);
    grouped = od_frame_window(f, grouped, OD_NAMES("s"), by_n, 1, calls, 3);
    grouped =
        od_frame_require_shards(f, od_frame_repartition(f, grouped, OD_NAMES("s")), OD_NAMES("row", "s"));
    return od_frame_map(f, grouped, &twice, &(struct od_schema){2, u_fields});
}

static void frames_are_plans(void **state)
{
    struct od_arena arena;
    struct od_frames f;
    struct od_buffer buffer;
    (void)state;
    od_arena_init(&arena, od_heap_for_tests(), 0);
    od_buffer_init(&buffer, od_heap_for_tests());
    od_frames_init(&f, &arena);
    const struct od_plan *plan = od_frame_to_plan(&f, everything(&f));
    assert_string_equal(f.error.text, "");
    od_plan_print(plan, &buffer);
    assert_string_equal(od_buffer_text(&buffer),
                        "map twice\n"
                        "  repartition by s\n"
                        "    window by s order by n desc nulls first: row_number() as row, lag(n, 1) as "
                        "before, max(n) over rows unbounded preceding to current row as most\n"
                        "      limit 10 offset 1\n"
                        "        sort by n desc nulls first\n"
                        "          aggregate by s: count(*) where (w is not null) as n, "
                        "percentile_cont(w, 0.5::double order by w asc nulls last) as middle\n"
                        "            project k, v, lower(s) as s, k, w\n"
                        "              join left on (k = k)\n"
                        "                aggregate by k, v, s\n"
                        "                  filter (v < 5)\n"
                        "                    scan t (k, v, s)\n"
                        "                union all\n"
                        "                  project k, cast(v as double precision) as w\n"
                        "                    filter (v < 5)\n"
                        "                      scan t (k, v, s)\n"
                        "                  scan u (k, w)\n");
    od_buffer_release(&buffer);
    od_arena_release(&arena);
}

static void mistakes_say_what_was_expected(void **state)
{
    enum {
        UNKNOWN,
        AMBIGUOUS,
        TYPES,
        SHARDS,
        UNSHARDED,
        SCHEMA,
        WIDTH,
        MISSING,
        UNION,
        NO_ARGUMENT,
        NOTHING,
        PARTS,
        COUNT
    };
    static const char *const texts[COUNT] = {
        [UNKNOWN] = "filter: no column \"x\": expected one of k, v, s",
        [AMBIGUOUS] = "join: there is more than one column \"k\": say left. or right. before it",
        [TYPES] = "select: operator does not exist: text + text",
        [SHARDS] = "require_shards: expected rows sharded by \"s\": they are sharded by k",
        [UNSHARDED] = "require_shards: expected rows sharded by \"k\": they are not sharded",
        [SCHEMA] =
            "require_schema: column 2: expected \"w\" of type double precision, it is \"v\" of type integer",
        [WIDTH] = "require_schema: expected 2 columns, there are 3: k, v, s",
        [MISSING] = "sort: its input is missing",
        [UNION] = "union: each UNION query must have the same number of columns",
        [NO_ARGUMENT] = "window: lag with 0 arguments does not exist",
        [NOTHING] = "repartition: expected at least one column to spread rows by",
        [PARTS] = "repartition: expected 1 to 4096 parts, not 4097",
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        struct od_arena arena;
        struct od_frames f;
        od_arena_init(&arena, od_heap_for_tests(), 0);
        od_frames_init(&f, &arena);
        const struct od_frame *t = od_frame_scan(&f, t_table);
        const struct od_frame *u = od_frame_scan(&f, u_table);
        const struct od_frame *by_k = od_frame_repartition(&f, t, OD_NAMES("k"));
        const struct od_term *k = od_col(&f, "k");
        const struct od_frame_item two[] = {{"k", k}, {NULL, od_col(&f, "v")}};
        const struct od_frame_item sum = {"x",
                                          od_call(&f, OD_FUNCTION_ADD, od_col(&f, "s"), od_col(&f, "s"))};
        const struct od_frame_call lag = {.name = "x", .function = OD_WINDOW_LAG};
        const struct od_frame *wrong =
            i == UNKNOWN     ? od_frame_filter(&f, t, od_col(&f, "x"))
            : i == AMBIGUOUS ? od_frame_join(&f, t, u, OD_JOIN_INNER, od_call(&f, OD_FUNCTION_EQUAL, k, k))
            : i == TYPES     ? od_frame_select(&f, t, &sum, 1)
            : i == SHARDS    ? od_frame_require_shards(&f, by_k, OD_NAMES("s"))
            : i == UNSHARDED ? od_frame_require_shards(&f, od_frame_with_column(&f, by_k, "k", od_int(&f, 1)),
                                                       OD_NAMES("k"))
            : i == SCHEMA    ? od_frame_require_schema(&f, od_frame_select(&f, t, two, 2),
                                                       &(struct od_schema){2, u_fields})
            : i == WIDTH     ? od_frame_require_schema(&f, t, &(struct od_schema){2, u_fields})
            : i == MISSING   ? od_frame_sort(&f, NULL, NULL, 0)
            : i == UNION     ? od_frame_union(&f, t, u)
            : i == NO_ARGUMENT ? od_frame_window(&f, t, NULL, 0, NULL, 0, &lag, 1)
            : i == PARTS       ? od_frame_repartition_evenly(&f, t, OD_PARTITIONS_MAX + 1)
                               : od_frame_repartition(&f, t, NULL, 0);
        assert_null(wrong);
        assert_non_null(od_frame_error(&f));
        assert_int_equal(f.error.status, OD_BAD_INPUT);
        assert_string_equal(f.error.text, texts[i]);
        assert_null(od_frame_filter(&f, t, k)); /* and so it stays */
        assert_string_equal(f.error.text, texts[i]);
        assert_null(od_frame_to_plan(&f, t));
        od_arena_release(&arena);
    }
}

static void a_graph_shows_shared_parts_once(void **state)
{
    struct od_arena arena;
    struct od_frames f;
    struct od_buffer buffer;
    (void)state;
    od_arena_init(&arena, od_heap_for_tests(), 0);
    od_buffer_init(&buffer, od_heap_for_tests());
    od_frames_init(&f, &arena);
    const struct od_frame *t = od_frame_filter(
        &f, od_frame_scan(&f, t_table), od_call(&f, OD_FUNCTION_EQUAL, od_col(&f, "s"), od_text(&f, "a\"b")));
    assert_int_equal(od_frame_graph(&f, od_frame_union(&f, t, t), &buffer), OD_OK);
    assert_string_equal(od_buffer_text(&buffer), "digraph plan {\n"
                                                 "  node [shape=box];\n"
                                                 "  n0 [label=\"union all\"];\n"
                                                 "  n1 [label=\"filter (s = 'a'b')\"];\n"
                                                 "  n2 [label=\"scan t (k, v, s)\"];\n"
                                                 "  n2 -> n1;\n"
                                                 "  n1 -> n0;\n"
                                                 "  n1 -> n0;\n"
                                                 "}\n");
    od_buffer_release(&buffer);
    od_arena_release(&arena);
}

static enum od_status answer_none(void *self, const struct od_plan *plan, struct od_table **answer_out,
                                  struct od_error *error)
{
    (void)error;
    *answer_out = self;
    return plan->kind == OD_PLAN_MAP ? OD_OK : OD_BAD_INPUT;
}

static enum od_status build_all(struct od_memory *memory, void *context)
{
    struct od_arena arena;
    struct od_frames f;
    struct od_buffer buffer;
    struct od_table *answer;
    struct od_plan_options options = {0};
    struct od_frame_runner runner = {answer_none, NULL};
    od_arena_init(&arena, memory, *(const size_t *)context);
    od_buffer_init(&buffer, memory);
    od_frames_init(&f, &arena);
    const struct od_frame *frame = everything(&f);
    if (od_frame_explain(&f, frame, &options, &buffer) == OD_OK &&
        od_frame_graph(&f, frame, &buffer) == OD_OK)
        od_frame_collect(&f, frame, &runner, &answer);
    od_buffer_release(&buffer);
    od_arena_release(&arena);
    return f.error.status;
}

static void every_allocation_may_be_refused(void **state)
{
    (void)state;
    for (size_t chunk_bytes = 256; chunk_bytes < 2048; chunk_bytes += 64)
        assert_true(od_sweep(build_all, &chunk_bytes) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_plans),
        cmocka_unit_test(mistakes_say_what_was_expected),
        cmocka_unit_test(a_graph_shows_shared_parts_once),
        cmocka_unit_test(every_allocation_may_be_refused),
    };
    return cmocka_run_group_tests(tests, make_tables, free_tables);
}
