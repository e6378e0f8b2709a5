/* Goal: stage graphs come back from their bytes as they were, and other bytes are refused, each for what it is.
 * Method: plans of every kind are planned under each join and rule that changes what comes out, encoded, decoded, printed and
 * encoded again: equal text, equal bytes. Every bit of such bytes flipped and every cut: a graph or an error. A table of lies: a
 * message changed in one place, and what is said of it. Every allocation refused once. */
#include "engine/frame/graph_proto.h"

#include "engine/frame/plans_fixture.h"
#include <plan.pb-c.h>

/* --- more plans: joins, in every way; orders -------------------------------------------------- */

static const struct od_frame *of_joins(struct od_frames *f)
{
    const struct od_frame *t = od_frame_scan(f, t_table);
    const struct od_term *same = od_call(f, OD_FUNCTION_EQUAL, od_col(f, "left.k"), od_col(f, "right.k"));
    const struct od_term *near = od_call(f, OD_FUNCTION_LESS, od_col(f, "left.v"), od_col(f, "right.v"));
    const struct od_term *null_safe =
        od_call(f, OD_FUNCTION_IS_NOT_DISTINCT, od_call(f, OD_FUNCTION_ADD, od_col(f, "left.k"), od_int(f, 1)),
                od_col(f, "right.k"));
    const struct od_frame *semi = od_frame_join(f, t, t, OD_JOIN_SEMI, null_safe);
    return od_frame_join(f, semi, t, OD_JOIN_LEFT, od_call(f, OD_FUNCTION_AND, same, near));
}

static const struct od_frame *of_orders(struct od_frames *f)
{
    const struct od_frame *t = od_frame_scan(f, t_table);
    const struct od_frame_key by_v[] = {{.term = od_col(f, "v"), .descending = true}, {.term = od_col(f, "s")}};
    return od_frame_limit(f, od_frame_sort(f, od_frame_distinct(f, t), by_v, 2), 1, 3);
}

static const struct od_frame *of_sums(struct od_frames *f)
{
    const struct od_frame_aggregate aggregates[] = {
        {.name = "n", .function = OD_AGGREGATE_COUNT_STAR},
        {.name = "m", .function = OD_AGGREGATE_AVG, .argument = od_col(f, "v")},
        {.name = "o", .function = OD_AGGREGATE_MAX, .argument = od_col(f, "s")}};
    return od_frame_group_by(f, od_frame_scan(f, t_table), OD_NAMES("d"), aggregates, 3);
}

static const maker more_makers[] = {of_joins, of_orders, of_sums};
enum { ALL_MAKERS = MAKERS + sizeof(more_makers) / sizeof(more_makers[0]) };

static const struct od_plan_options ways[] = {
    {.partition_count = 3, .scan_task_count = 2},
    {.partition_count = 2, .scan_task_count = 3, .join_algorithm = OD_JOIN_FORCE_MERGE, .rules_off = UINT32_MAX},
    {.scan_task_count = 1, .join_algorithm = OD_JOIN_FORCE_NESTED_LOOP, .join_strategy = OD_JOIN_FORCE_BROADCAST},
    {.partition_count = 5, .join_algorithm = OD_JOIN_FORCE_HASH, .join_strategy = OD_JOIN_FORCE_PARTITIONED},
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

/* --- there and back --------------------------------------------------------------------------- */

static enum od_status name_table(void *self, const struct od_table *table, struct od_table_ref *ref_out,
                                 struct od_error *error)
{
    (void)self;
    (void)error;
    *ref_out = (struct od_table_ref){table->name, od_table_row_count(table), od_schema_hash(&table->schema), {1, 2}};
    return OD_OK;
}

static enum od_status find_table(void *self, const struct od_table_ref *ref, const struct od_table **table_out,
                                 struct od_error *error)
{
    const struct od_hash128 checksum = {1, 2};
    (void)self;
    *table_out = od_catalog_find(&catalog, ref->name);
    if (*table_out == NULL || !od_hash128_equal(ref->checksum, checksum))
        return od_fail(error, OD_MISSING, "there is no table %.40s of that content", ref->name);
    return OD_OK;
}
static const struct od_table_namer namer = {name_table, NULL};
static const struct od_table_finder finder = {find_table, NULL};

/* The graph as it should come back: nobody knows how many rows a stage gives. */
static enum od_status plan_made(struct od_arena *arena, uint32_t which, const struct od_plan_options *options,
                                struct od_stage_graph *graph, struct od_error *error)
{
    struct od_frames f;
    const struct od_stage_graph *planned = NULL;
    od_frames_init(&f, arena);
    const struct od_frame *frame = (which < MAKERS ? makers[which] : more_makers[which - MAKERS])(&f);
    if (f.error.status == OD_OK)
        od_plan_query(arena, od_frame_to_plan(&f, frame), options, NULL, &planned, &f.error);
    *error = f.error;
    OD_TRY(f.error.status);
    *graph = *planned;
    OD_TAKE_LIST(struct od_stage, stages, arena, graph->stage_count, error);
    memcpy(stages, graph->stages, graph->stage_count * sizeof(*stages));
    for (uint32_t i = 0; i < graph->stage_count; i++)
        stages[i].plan = NULL;
    graph->stages = stages;
    return OD_OK;
}

static void graphs_come_back(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ALL_MAKERS * WAYS; i++) {
        struct od_arena arena;
        struct od_error error = {0};
        struct od_buffer buffers[4]; /* bytes, bytes again, text, text again */
        struct od_stage_graph graph;
        const struct od_stage_graph *decoded;
        od_arena_init(&arena, od_heap_for_tests(), 0);
        for (uint32_t b = 0; b < 4; b++)
            od_buffer_init(&buffers[b], od_heap_for_tests());
        plan_made(&arena, i / WAYS, &ways[i % WAYS], &graph, &error);
        assert_string_equal(error.text, "");
        assert_int_equal(od_graph_encode(&graph, &namer, &arena, &buffers[0], &error), OD_OK);
        od_graph_decode(&arena, &finder, buffers[0].bytes, buffers[0].size, &decoded, &error);
        assert_string_equal(error.text, "");
        od_stage_graph_print(&graph, &buffers[2]);
        od_stage_graph_print(decoded, &buffers[3]);
        assert_string_equal(od_buffer_text(&buffers[2]), od_buffer_text(&buffers[3]));
        for (uint32_t s = 0; s < graph.stage_count; s++)
            assert_int_equal(decoded->stages[s].root->node_index, graph.stages[s].root->node_index);
        assert_int_equal(od_graph_encode(decoded, &namer, &arena, &buffers[1], &error), OD_OK);
        assert_int_equal(buffers[0].size, buffers[1].size);
        assert_memory_equal(buffers[0].bytes, buffers[1].bytes, buffers[0].size);
        for (uint32_t b = 0; b < 4; b++)
            od_buffer_release(&buffers[b]);
        od_arena_release(&arena);
    }
}

static void decode_any(const uint8_t *bytes, size_t size)
{
    struct od_arena arena;
    const struct od_stage_graph *graph;
    od_arena_init(&arena, od_heap_for_tests(), 0);
    enum od_status status = od_graph_decode(&arena, &finder, bytes, size, &graph, NULL);
    assert_true((status == OD_OK) == (graph != NULL));
    assert_true(status == OD_OK || status == OD_CORRUPT || status == OD_BAD_INPUT || status == OD_MISSING ||
                status == OD_UNSUPPORTED);
    od_arena_release(&arena);
}

static void damage_is_a_graph_or_an_error(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ALL_MAKERS; i++) {
        struct od_arena arena;
        struct od_error error = {0};
        struct od_buffer bytes;
        struct od_stage_graph graph;
        od_arena_init(&arena, od_heap_for_tests(), 0);
        od_buffer_init(&bytes, od_heap_for_tests());
        assert_int_equal(plan_made(&arena, i, &ways[0], &graph, &error), OD_OK);
        assert_int_equal(od_graph_encode(&graph, &namer, &arena, &bytes, &error), OD_OK);
        for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
            bytes.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            decode_any(bytes.bytes, bytes.size);
            bytes.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t size = 0; size < bytes.size; size++)
            decode_any(bytes.bytes, size);
        od_buffer_release(&bytes);
        od_arena_release(&arena);
    }
}

/* --- lies ------------------------------------------------------------------------------------- */

static Ordeal__Node *node_of(Ordeal__Graph *graph, const char *kind)
{
    for (size_t i = 0; i < graph->parts->n_nodes; i++)
        if (strcmp(graph->parts->nodes[i]->kind, kind) == 0)
            return graph->parts->nodes[i];
    fail_msg("no %s in the graph", kind);
    return NULL;
}

/* Texts of the message are its own (malloc): these are given to it instead, and taken back. */
#define LIE(name, what)                                                                                      \
    static void lie_##name(Ordeal__Graph *g)                                                                 \
    {                                                                                                        \
        what;                                                                                                \
    }
LIE(version, g->version = 2)
LIE(no_stage, g->n_stages = 0)
LIE(tasks, g->stages[0]->task_count = 0)
LIE(many_tasks, g->stages[0]->task_count = 100001)
LIE(root, g->stages[0]->root = 10000)
LIE(early_root, g->stages[1]->root = g->stages[0]->root)
LIE(late_root, g->stages[0]->root++)
LIE(partitions, g->stages[0]->partition_count++)
LIE(key, g->stages[0]->keys[0] = 99)
LIE(no_key, g->stages[0]->n_keys = 0)
LIE(no_input, g->stages[g->n_stages - 1]->n_inputs--)
LIE(other_input, g->stages[g->n_stages - 1]->inputs[0] = 77)
LIE(later_stage, node_of(g, "exchange read")->stage = 3)
LIE(broadcast, node_of(g, "exchange read")->broadcast ^= 1)
LIE(input, node_of(g, "hash join")->inputs[0] = node_of(g, "hash join")->inputs[1])
LIE(inputs, node_of(g, "hash join")->n_inputs = 1)
LIE(join_key, node_of(g, "hash join")->probe_keys[0] = 50)
LIE(join_key_type, node_of(g, "hash join")->probe_keys[0] = 2)
LIE(join_keys, node_of(g, "hash join")->n_build_keys = 0)
LIE(null_safe, node_of(g, "hash join")->null_safe_keys = 8)
LIE(schema, node_of(g, "scan")->schema = 1000)
LIE(other_schema, node_of(g, "hash join")->schema = node_of(g, "scan")->schema)
LIE(table, node_of(g, "scan")->scanned = 9)
LIE(column, node_of(g, "scan")->columns[0] = 4)
LIE(rows, g->tables[0]->row_count = 5)
LIE(content, g->tables[0]->checksum_high = 7)
LIE(phase, node_of(g, "aggregate")->phase = 3)
LIE(final, node_of(g, "aggregate")->phase = OD_AGGREGATE_FINAL)
LIE(complete, node_of(g, "aggregate")->phase = OD_AGGREGATE_COMPLETE)

static const struct {
    void (*lie)(Ordeal__Graph *graph);
    uint32_t of; /* which maker's graph */
    const char *text;
} lies[] = {
#define OF_JOINS  MAKERS
#define OF_SUMS   (MAKERS + 2)
#define TOLD(...) "decoding a plan: " __VA_ARGS__
    {lie_version, OF_JOINS, TOLD("another version, or nothing in it")},
    {lie_no_stage, OF_JOINS, TOLD("another version, or nothing in it")},
    {lie_tasks, OF_JOINS, TOLD("a stage without tasks, or more of them than a query may have")},
    {lie_many_tasks, OF_JOINS, TOLD("a stage without tasks, or more of them than a query may have")},
    {lie_root, OF_JOINS, TOLD("a stage without operators")},
    {lie_early_root, OF_JOINS, TOLD("a stage without operators")},
    {lie_late_root, OF_SUMS, TOLD("a stage that reads one that does not come before it")},
    {lie_partitions, OF_SUMS, TOLD("a reader that does not fit its exchange")},
    {lie_key, OF_SUMS, TOLD("a stage whose exchange is not sound")},
    {lie_no_key, OF_SUMS, TOLD("a stage whose exchange is not sound")},
    {lie_no_input, OF_SUMS, TOLD("a stage that is not an input, or is read twice")},
    {lie_other_input, OF_SUMS, TOLD("a stage that is not an input, or is read twice")},
    {lie_later_stage, OF_SUMS, TOLD("a stage that reads one that does not come before it")},
    {lie_broadcast, OF_SUMS, TOLD("a reader that does not fit its exchange")},
    {lie_input, OF_JOINS, TOLD("an operator that does not stand behind its inputs, or shares one")},
    {lie_inputs, OF_JOINS, TOLD("an operator without its inputs")},
    {lie_join_key, OF_JOINS, TOLD("a join of no type, or with keys that do not fit")},
    {lie_join_key_type, OF_JOINS, TOLD("a join of no type, or with keys that do not fit")},
    {lie_join_keys, OF_JOINS, TOLD("a join of no type, or with keys that do not fit")},
    {lie_null_safe, OF_JOINS, TOLD("a join of no type, or with keys that do not fit")},
    {lie_schema, OF_JOINS, TOLD("an operator without a schema")},
    {lie_other_schema, OF_JOINS, TOLD("a join that gives other types than it says")},
    {lie_table, OF_JOINS, TOLD("a scan of no table")},
    {lie_column, OF_JOINS, "scanning table t: no column at index=4"},
    {lie_rows, OF_JOINS, TOLD("a table that is not the one that is meant")},
    {lie_content, OF_JOINS, "there is no table t of that content"},
    {lie_phase, OF_SUMS, TOLD("an aggregate of no phase")},
    {lie_final, OF_SUMS, TOLD("a final aggregate without its partial one")},
    {lie_complete, OF_SUMS, TOLD("an operator that gives other types than it says")},
#undef OF_JOINS
#undef OF_SUMS
#undef TOLD
};

static void lies_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct od_arena arena;
        struct od_error error = {0};
        struct od_buffer bytes;
        struct od_stage_graph graph;
        const struct od_stage_graph *decoded;
        struct od_plan_options hashed = ways[3];
        hashed.scan_task_count = 2;
        od_arena_init(&arena, od_heap_for_tests(), 0);
        od_buffer_init(&bytes, od_heap_for_tests());
        assert_int_equal(plan_made(&arena, lies[i].of, &hashed, &graph, &error), OD_OK);
        assert_int_equal(od_graph_encode(&graph, &namer, &arena, &bytes, &error), OD_OK);
        Ordeal__Graph *message = ordeal__graph__unpack(NULL, bytes.size, bytes.bytes);
        Ordeal__Graph counts = *message;
        lies[i].lie(message);
        od_buffer_reset(&bytes);
        od_buffer_reserve(&bytes, ordeal__graph__get_packed_size(message));
        bytes.size = ordeal__graph__pack(message, bytes.bytes);
        enum od_status status = od_graph_decode(&arena, &finder, bytes.bytes, bytes.size, &decoded, &error);
        assert_string_equal(error.text, lies[i].text);
        assert_true(status != OD_OK && decoded == NULL);
        message->n_stages = counts.n_stages; /* for freeing */
        ordeal__graph__free_unpacked(message, NULL);
        od_buffer_release(&bytes);
        od_arena_release(&arena);
    }
}

static enum od_status no_map(void *self, const struct od_batch *batch, struct od_batch_builder *output,
                             struct od_error *error)
{
    (void)self;
    (void)batch;
    (void)output;
    return od_fail(error, OD_UNSUPPORTED, "nobody calls this");
}

static void functions_of_the_program_are_refused(void **state)
{
    (void)state;
    struct od_arena arena;
    struct od_error error = {0};
    struct od_buffer bytes;
    struct od_frames f;
    const struct od_stage_graph *graph;
    const struct od_map_function function = {"explode", no_map, NULL};
    od_arena_init(&arena, od_heap_for_tests(), 0);
    od_buffer_init(&bytes, od_heap_for_tests());
    od_frames_init(&f, &arena);
    const struct od_frame *mapped = od_frame_map(&f, od_frame_scan(&f, t_table), &function, &t_table->schema);
    assert_int_equal(od_plan_query(&arena, od_frame_to_plan(&f, mapped), &ways[0], NULL, &graph, &error), OD_OK);
    assert_int_equal(od_graph_encode(graph, &namer, &arena, &bytes, &error), OD_UNSUPPORTED);
    assert_string_equal(error.text, "the function explode of map is only in the program that made it");
    od_buffer_release(&bytes);
    od_arena_release(&arena);
}

static enum od_status there_and_back(struct od_memory *memory, void *context)
{
    struct od_arena arena;
    struct od_error error = {0};
    struct od_buffer bytes;
    struct od_stage_graph graph;
    const struct od_stage_graph *decoded;
    od_arena_init(&arena, memory, 256);
    od_buffer_init(&bytes, memory);
    enum od_status status = plan_made(&arena, *(const uint32_t *)context, &ways[0], &graph, &error);
    if (status == OD_OK)
        status = od_graph_encode(&graph, &namer, &arena, &bytes, &error);
    if (status == OD_OK)
        status = od_graph_decode(&arena, &finder, bytes.bytes, bytes.size, &decoded, &error);
    od_buffer_release(&bytes);
    od_arena_release(&arena);
    return status;
}

static void every_allocation_may_be_refused(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ALL_MAKERS; i++)
        assert_true(od_sweep(there_and_back, &i) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graphs_come_back),
        cmocka_unit_test(damage_is_a_graph_or_an_error),
        cmocka_unit_test(lies_are_told_apart),
        cmocka_unit_test(functions_of_the_program_are_refused),
        cmocka_unit_test(every_allocation_may_be_refused),
    };
    return cmocka_run_group_tests(tests, make_tables, free_tables);
}
