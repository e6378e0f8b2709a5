/* Goal: every kind of node is planned so that the rows which must meet do meet, with as few exchanges as what is known allows.
 * Method: frames are planned and the stages summed up in a line each: "hash(k) <- join ..." (see sum_up); joins of every type
 * with and without keys, under each force, against a table; then windows, unions, shared sub-plans, repartitions. Planned here
 * and not in engine/plan, because frames say shortest what is planned. */
#include "engine/frame/frame_fixture.h"

static struct od_field t_fields[] = {
    {"k", OD_TYPE_INT64, true}, {"v", OD_TYPE_INT64, false}, {"s", OD_TYPE_TEXT, true}};
static struct od_field u_fields[] = {{"k", OD_TYPE_INT64, true}, {"w", OD_TYPE_INT64, false}};

static int make_tables(void **state)
{
    (void)state;
    return fixture_make_tables(&(struct od_schema){3, t_fields}, &(struct od_schema){2, u_fields});
}

struct planning {
    struct od_arena arena;
    struct od_frames f;
    struct od_buffer text;
    struct od_plan_options options;
};

static void begin(struct planning *p)
{
    *p = (struct planning){.options = {.partition_count = 3, .scan_task_count = 2}};
    od_arena_init(&p->arena, od_heap_for_tests(), 0);
    od_buffer_init(&p->text, od_heap_for_tests());
    od_frames_init(&p->f, &p->arena);
}

static void sum_up_node(const struct od_physical *node, struct od_buffer *text)
{
    if (node->kind == OD_PHYSICAL_EXCHANGE_READ) {
        od_buffer_print(text, "%u", node->exchange.stage_index);
        return;
    }
    od_buffer_append_text(text, od_physical_kind_text(node->kind));
    for (uint32_t i = 0; i < node->input_count; i++) {
        od_buffer_append_text(text, i == 0 ? "(" : ", ");
        sum_up_node(node->inputs[i], text);
    }
    od_buffer_append_text(text, node->input_count > 0 ? ")" : "");
}

/* A line a stage: "tasks: operators(inputs or stages read) => exchange keys". The planning's end. */
static void expect(struct planning *p, const struct od_frame *frame, const char *expected)
{
    const struct od_stage_graph *graph;
    assert_string_equal(p->f.error.text, "");
    assert_int_equal(od_stage_graph_build(&p->arena, frame->plan, &p->options, &graph, &p->f.error), OD_OK);
    for (uint32_t i = 0; i < graph->stage_count; i++) {
        const struct od_stage *stage = &graph->stages[i];
        od_buffer_print(&p->text, "%u: ", stage->task_count);
        sum_up_node(stage->root, &p->text);
        od_buffer_print(&p->text, " => %s", od_exchange_kind_text(stage->exchange));
        for (uint32_t k = 0; k < stage->key_count; k++)
            od_buffer_print(&p->text, " %s", stage->root->schema.fields[stage->keys[k]].name);
        if (stage->exchange == OD_EXCHANGE_HASH)
            od_buffer_print(&p->text, " in %u", stage->partition_count);
        od_buffer_append_text(&p->text, "\n");
    }
    assert_string_equal(od_buffer_text(&p->text), expected);
    od_buffer_release(&p->text);
    od_arena_release(&p->arena);
}

static const struct od_term *same(struct planning *p, enum od_function how, const char *left,
                                  const char *right)
{
    return od_call(&p->f, how, od_col(&p->f, left), od_col(&p->f, right));
}

/* How the sides of t and u meet, and by which operator: "broadcast hash join", "hash merge join"... */
static const char *met(struct planning *p, enum od_join_type type, const struct od_term *condition)
{
    const struct od_frame *joined =
        od_frame_join(&p->f, od_frame_scan(&p->f, t_table), od_frame_scan(&p->f, u_table), type, condition);
    const struct od_stage_graph *graph;
    assert_string_equal(p->f.error.text, "");
    assert_int_equal(od_stage_graph_build(&p->arena, joined->plan, &p->options, &graph, &p->f.error), OD_OK);
    const struct od_physical *node = graph->stages[graph->stage_count - 1].root;
    node = node->kind == OD_PHYSICAL_PROJECT ? node->inputs[0] : node;
    od_buffer_reset(&p->text);
    od_buffer_print(&p->text, "%s %s", od_exchange_kind_text(graph->stages[0].exchange),
                    od_physical_kind_text(node->kind));
    assert_int_equal(node->join.broadcast, graph->stages[0].exchange == OD_EXCHANGE_BROADCAST);
    assert_int_equal(node->join.residual == NULL, node->kind != OD_PHYSICAL_NESTED_LOOP_JOIN);
    return od_buffer_text(&p->text);
}

static void joins_meet_as_they_must_or_as_they_are_forced(void **state)
{
    /* of a small right side: chosen; partitioned is forced; without a key */
    static const char *const texts[OD_JOIN_TYPE_COUNT][3] = {
        [OD_JOIN_INNER] = {"broadcast", "hash", "broadcast"},
        [OD_JOIN_LEFT] = {"broadcast", "hash", "broadcast"},
        [OD_JOIN_RIGHT] = {"hash", "hash", "single"},
        [OD_JOIN_FULL] = {"hash", "hash", "single"},
        [OD_JOIN_SEMI] = {"broadcast", "hash", "broadcast"},
        [OD_JOIN_ANTI] = {"broadcast", "hash", "broadcast"},
        [OD_JOIN_NULL_ANTI] = {"broadcast", "broadcast", "broadcast"},
        [OD_JOIN_MARK] = {"broadcast", "broadcast", "broadcast"},
        [OD_JOIN_SINGLE] = {"broadcast", "hash", "broadcast"},
    };
    static const char *const operators[] = {
        [OD_JOIN_ALGORITHM_CHOOSE] = "hash join",
        [OD_JOIN_FORCE_HASH] = "hash join",
        [OD_JOIN_FORCE_MERGE] = "merge join",
        [OD_JOIN_FORCE_NESTED_LOOP] = "nested loop join",
    };
    (void)state;
    for (unsigned type = 0; type < OD_JOIN_TYPE_COUNT; type++) {
        for (unsigned way = 0; way < 3; way++) {
            for (unsigned algorithm = 0; algorithm < 4; algorithm++) {
                struct planning p;
                char expected[64];
                begin(&p);
                p.options.rules_off = 1u << OD_RULE_JOIN_REORDERING;
                p.options.join_algorithm = algorithm;
                p.options.join_strategy = way == 1 ? OD_JOIN_FORCE_PARTITIONED : OD_JOIN_CHOOSE;
                bool null_matters = type == OD_JOIN_MARK || type == OD_JOIN_NULL_ANTI;
                bool hashes = null_matters && algorithm == OD_JOIN_FORCE_MERGE;
                snprintf(expected, sizeof(expected), "%s %s", texts[type][way],
                         way == 2 ? "nested loop join"
                         : hashes ? "hash join"
                                  : operators[algorithm]);
                const struct od_term *condition = way == 2 ? same(&p, OD_FUNCTION_LESS, "v", "w")
                                                           : same(&p, OD_FUNCTION_EQUAL, "left.k", "right.k");
                assert_string_equal(met(&p, (enum od_join_type)type, condition), expected);
                /* keys that are never NULL, or for which NULLs are equal, may be spread */
                bool parts = way == 1 && null_matters;
                condition = same(&p, OD_FUNCTION_EQUAL, "v", "w");
                if (parts)
                    assert_int_equal(strncmp(met(&p, (enum od_join_type)type, condition), "hash ", 5), 0);
                condition = same(&p, OD_FUNCTION_IS_NOT_DISTINCT, "left.k", "right.k");
                if (parts)
                    assert_int_equal(strncmp(met(&p, (enum od_join_type)type, condition), "hash ", 5), 0);
                od_buffer_release(&p.text);
                od_arena_release(&p.arena);
            }
        }
    }
}

static void sides_follow_what_is_spread_already(void **state)
{
    struct planning p;
    (void)state;
    begin(&p);
    p.options.join_strategy = OD_JOIN_FORCE_PARTITIONED;
    p.options.join_algorithm = OD_JOIN_FORCE_MERGE;
    const struct od_frame *t = od_frame_repartition(&p.f, od_frame_scan(&p.f, t_table), OD_NAMES("k"));
    const struct od_frame *joined = od_frame_join(&p.f, t, od_frame_scan(&p.f, u_table), OD_JOIN_FULL,
                                                  same(&p, OD_FUNCTION_EQUAL, "left.k", "right.k"));
    expect(&p, joined,
           "2: scan => hash k in 3\n"
           "2: scan => hash k in 3\n"
           "3: merge join(sort(0), sort(1)) => result\n");
    /* a RIGHT join becomes a LEFT one to be broadcast; its fields come back in their places */
    begin(&p);
    const struct od_term *less = same(&p, OD_FUNCTION_LESS, "v", "w");
    joined =
        od_frame_join(&p.f, od_frame_scan(&p.f, t_table), od_frame_scan(&p.f, u_table), OD_JOIN_RIGHT, less);
    expect(&p, joined,
           "2: scan => broadcast\n"
           "2: project(nested loop join(scan, 0)) => result\n");
    /* computed keys are dropped again; spread by them, the join's rows are grouped in place */
    begin(&p);
    p.options.join_strategy = OD_JOIN_FORCE_PARTITIONED;
    const struct od_term *sum = od_call(&p.f, OD_FUNCTION_ADD, od_col(&p.f, "v"), od_int(&p.f, 1));
    joined = od_frame_join(&p.f, od_frame_scan(&p.f, t_table), od_frame_scan(&p.f, u_table), OD_JOIN_INNER,
                           od_call(&p.f, OD_FUNCTION_EQUAL, sum, od_col(&p.f, "w")));
    expect(&p, joined,
           "2: project(scan) => hash key0 in 3\n"
           "2: scan => hash w in 3\n"
           "3: project(hash join(0, 1)) => result\n");
}

static const struct od_frame_call row_number = {.name = "r", .function = OD_WINDOW_ROW_NUMBER};

static void windows_are_spread_and_sorted_once(void **state)
{
    struct planning p;
    (void)state;
    begin(&p);
    struct od_frame_key by_v = {.term = od_col(&p.f, "v")};
    const struct od_frame *t = od_frame_scan(&p.f, t_table);
    const struct od_frame *first = od_frame_window(&p.f, t, OD_NAMES("k"), &by_v, 1, &row_number, 1);
    const struct od_frame *second = od_frame_window(&p.f, first, OD_NAMES("s", "k"), NULL, 0, &row_number, 1);
    expect(&p, second,
           "2: scan => hash k in 3\n"
           "3: window(sort(window(sort(0)))) => result\n");
    begin(&p);
    by_v.term = od_col(&p.f, "v");
    const struct od_frame *sorted = od_frame_sort(&p.f, od_frame_scan(&p.f, t_table), &by_v, 1);
    expect(&p, od_frame_window(&p.f, sorted, NULL, 0, &by_v, 1, &row_number, 1),
           "2: scan => single\n"
           "1: window(sort(0)) => result\n");
    begin(&p);
    p.options.rules_off = 1u << OD_RULE_EXCHANGE_ELIMINATION;
    by_v.term = od_col(&p.f, "v");
    sorted = od_frame_sort(&p.f, od_frame_scan(&p.f, t_table), &by_v, 1);
    expect(&p, od_frame_window(&p.f, sorted, NULL, 0, &by_v, 1, &row_number, 1),
           "2: scan => single\n"
           "1: sort(0) => single\n"
           "1: window(sort(1)) => result\n");
}

static void unions_need_equally_many_tasks(void **state)
{
    struct planning p;
    (void)state;
    begin(&p);
    const struct od_frame *t = od_frame_scan(&p.f, t_table);
    const struct od_frame_item items[] = {{"k", od_col(&p.f, "k")}, {"w", od_col(&p.f, "v")}};
    const struct od_frame *u = od_frame_scan(&p.f, u_table);
    expect(&p, od_frame_union(&p.f, u, od_frame_select(&p.f, t, items, 2)),
           "2: union all(scan, project(scan)) => result\n");
    begin(&p);
    u = od_frame_scan(&p.f, u_table);
    expect(&p, od_frame_union(&p.f, od_frame_limit(&p.f, u, 0, 1), u),
           "2: top n(scan) => single\n"
           "1: limit(top n(0)) => hash k w in 2\n"
           "2: union all(1, scan) => result\n");
}

static void shared_parts_are_computed_once(void **state)
{
    struct planning p;
    (void)state;
    begin(&p);
    const struct od_frame *once = od_frame_distinct(&p.f, od_frame_scan(&p.f, u_table));
    const struct od_frame *by_w = od_frame_repartition(&p.f, once, OD_NAMES("w"));
    /* read twice in one stage: the second reader gets a copy */
    const struct od_frame *all = od_frame_union(&p.f, od_frame_union(&p.f, once, by_w), once);
    const char *shared = "2: aggregate(scan) => hash k w in 3\n"
                         "3: aggregate(0) => forward\n"
                         "3: 1 => hash w in 3\n"
                         "3: 1 => forward\n"
                         "3: union all(union all(1, 2), 3) => result\n";
    expect(&p, all, shared);
    begin(&p);
    p.options.rules_off = 1u << OD_RULE_COMMON_SUBPLANS;
    once = od_frame_distinct(&p.f, od_frame_scan(&p.f, u_table));
    expect(&p, od_frame_union(&p.f, once, once),
           "2: aggregate(scan) => hash k w in 3\n"
           "2: aggregate(scan) => hash k w in 3\n"
           "3: union all(aggregate(0), aggregate(1)) => result\n");
    begin(&p);
    const struct od_frame *scan = od_frame_scan(&p.f, u_table); /* cheap enough to do twice */
    expect(&p, od_frame_union(&p.f, scan, scan), "2: union all(scan, scan) => result\n");
}

static void aggregates_that_need_all_rows_have_one_phase(void **state)
{
    struct planning p;
    (void)state;
    begin(&p);
    const struct od_frame_aggregate distinct = {
        .name = "n", .function = OD_AGGREGATE_COUNT, .argument = od_col(&p.f, "v"), .distinct = true};
    const struct od_frame *t = od_frame_scan(&p.f, t_table);
    expect(&p, od_frame_group_by(&p.f, t, OD_NAMES("k"), &distinct, 1),
           "2: scan => hash k in 3\n"
           "3: aggregate(0) => result\n");
    begin(&p);
    const struct od_frame_aggregate total = {
        .name = "n", .function = OD_AGGREGATE_SUM, .argument = od_col(&p.f, "v")};
    const struct od_frame *spread = od_frame_repartition(&p.f, od_frame_scan(&p.f, t_table), OD_NAMES("k"));
    expect(&p,
           od_frame_group_by(&p.f, spread, OD_NAMES("s", "k"), &total,
                             1), /* equal (s, k) are together already */
           "2: scan => hash k in 3\n"
           "3: aggregate(0) => result\n");
    begin(&p);
    spread = od_frame_repartition_evenly(
        &p.f, od_frame_repartition(&p.f, od_frame_scan(&p.f, t_table), OD_NAMES("k")), 5);
    const struct od_frame_aggregate rows = {.name = "n", .function = OD_AGGREGATE_COUNT_STAR};
    expect(&p, od_frame_group_by(&p.f, spread, OD_NAMES("k"), &rows, 1), /* dealt out: no longer together */
           "2: scan => hash k in 3\n"
           "3: 0 => round robin\n"
           "5: aggregate(1) => hash k in 3\n"
           "3: aggregate(2) => result\n");
    begin(&p);
    spread = od_frame_checkpoint(&p.f, od_frame_repartition(&p.f, od_frame_scan(&p.f, t_table), OD_NAMES("k")));
    expect(&p, od_frame_group_by(&p.f, spread, OD_NAMES("k"), &rows, 1), /* kept where they are: still together */
           "2: scan => hash k in 3\n"
           "3: 0 => forward\n"
           "3: aggregate(1) => result\n");
}

enum cached_as { AS_IT_IS, BEHIND_ANOTHER, ON_DISK, OF_OTHER_ROWS, IN_MORE_PARTS, DEALT_OUT, ARRIVING, CACHED_AS_COUNT };

/* Plans t, grouped and kept; says by what it is known to later queries. */
static struct od_stage cached_stage(enum cached_as as)
{
    struct planning p;
    struct od_stage kept = {0};
    const struct od_stage_graph *graph;
    begin(&p);
    p.options.partition_count = as == IN_MORE_PARTS ? 4 : 3;
    p.options.arrival_order = as == ARRIVING;
    const struct od_frame_aggregate rows = {.name = "n", .function = OD_AGGREGATE_COUNT_STAR};
    const struct od_frame *t = od_frame_scan(&p.f, as == OF_OTHER_ROWS ? u_table : t_table);
    if (as == DEALT_OUT || as == ARRIVING)
        t = od_frame_repartition_evenly(&p.f, od_frame_repartition(&p.f, t, OD_NAMES("k")), 2);
    t = od_frame_group_by(&p.f, t, OD_NAMES("k"), &rows, 1);
    t = od_frame_persist(&p.f, t, as == ON_DISK ? OD_KEEP_DISK : OD_KEEP_MEMORY);
    assert_string_equal(p.f.error.text, "");
    uint64_t key = od_frame_cache_key(t);
    if (as == BEHIND_ANOTHER)
        t = od_frame_union(&p.f, od_frame_group_by(&p.f, od_frame_scan(&p.f, u_table), OD_NAMES("k"), &rows, 1), t);
    assert_int_equal(od_stage_graph_build(&p.arena, od_frame_distinct(&p.f, t)->plan, &p.options, &graph, NULL), OD_OK);
    for (uint32_t s = 0; s < graph->stage_count; s++)
        kept = graph->stages[s].keep != OD_KEEP_NONE ? graph->stages[s] : kept;
    assert_true(kept.keep == (as == ON_DISK ? OD_KEEP_DISK : OD_KEEP_MEMORY) && kept.cache_key == key && key != 0);
    od_buffer_release(&p.text);
    od_arena_release(&p.arena);
    return kept;
}

static void a_cached_stage_is_known_by_its_rows_and_their_spread(void **state)
{
    (void)state;
    const struct od_stage plain = cached_stage(AS_IT_IS);
    assert_true(plain.cache_shape != 0);
    for (enum cached_as as = AS_IT_IS; as < CACHED_AS_COUNT; as++) {
        const struct od_stage kept = cached_stage(as);
        bool same_rows = as <= ON_DISK || as == IN_MORE_PARTS;
        assert_int_equal(kept.cache_key == plain.cache_key, same_rows);
        assert_int_equal(kept.cache_shape == plain.cache_shape, as <= ON_DISK);
        assert_int_equal(kept.cache_shape == 0, as == ARRIVING); /* dealt out otherwise the next time */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cached_stage_is_known_by_its_rows_and_their_spread),
        cmocka_unit_test(joins_meet_as_they_must_or_as_they_are_forced),
        cmocka_unit_test(sides_follow_what_is_spread_already),
        cmocka_unit_test(windows_are_spread_and_sorted_once),
        cmocka_unit_test(unions_need_equally_many_tasks),
        cmocka_unit_test(shared_parts_are_computed_once),
        cmocka_unit_test(aggregates_that_need_all_rows_have_one_phase),
    };
    return cmocka_run_group_tests(tests, make_tables, free_tables);
}
